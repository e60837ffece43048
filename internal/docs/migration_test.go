package main

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// migrationPages are the pages about other tools, with how many policies of
// podfence, objects of the tool and pods each has.
var migrationPages = map[string]struct{ policies, foreign, pods int }{
	"docs/migration-welkin.md":     {1, 0, 2},
	"docs/migration-psp.md":        {2, 1, 2},
	"docs/migration-gatekeeper.md": {1, 3, 2},
	"docs/migration-kyverno.md":    {1, 2, 2},
}

// claim is the first line of a pod's YAML on these pages: what podfence answers.
var claim = regexp.MustCompile(`^# podfence at (\w+): (allowed|denied \((.+)\))\n`)

// migration is what a page shows.
type migration struct {
	policies []policy.Policy
	foreign  int
	pods     []string
}

func migrationOf(t *testing.T, page string) (m migration) {
	t.Helper()
	for _, block := range blocks(t, page, "yaml") {
		switch {
		case claim.MatchString(block):
			m.pods = append(m.pods, block)
		case strings.Contains("\n"+block, "\nkind: "):
			m.foreign += foreignObjects(t, page, block)
		default:
			policies, err := policy.Parse([]byte(block), page)
			if err != nil {
				t.Errorf("%s:\n%v", page, err)
			}
			m.policies = append(m.policies, policies...)
		}
	}
	return m
}

// foreignObjects counts the objects of another tool in a block, which must be YAML.
func foreignObjects(t *testing.T, page, block string) int {
	documents := strings.Split(block, "\n---\n")
	for _, document := range documents {
		var object struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(document), &object); err != nil || object.APIVersion == "" || object.Kind == "" {
			t.Errorf("%s: no object of Kubernetes: %v\n%s", page, err, document)
		}
	}
	return len(documents)
}

// TestMigrationPages: the policies on the pages about other tools are read and not
// warned of, and each pod gets the answer that its first line gives.
func TestMigrationPages(t *testing.T) {
	pages, err := fs.Glob(os.DirFS(root), "docs/migration-*.md")
	if err != nil || len(pages) != len(migrationPages) {
		t.Errorf("%d pages about migration, want %d (%v)", len(pages), len(migrationPages), err)
	}
	for page, want := range migrationPages {
		t.Run(page, func(t *testing.T) {
			m := migrationOf(t, page)
			if len(m.policies) != want.policies || m.foreign != want.foreign || len(m.pods) != want.pods {
				t.Errorf("%d policies, %d objects and %d pods, want %+v", len(m.policies), m.foreign, len(m.pods), want)
			}
			for _, warning := range policy.Lint(m.policies...) {
				t.Errorf("lint: %s", warning)
			}
			set, err := policy.NewSet(m.policies...)
			if err != nil {
				t.Fatal(err)
			}
			for _, pod := range m.pods {
				checkClaim(t, set, pod)
			}
		})
	}
}

// checkClaim asks podfence about a pod, and compares the answer with the claim.
func checkClaim(t *testing.T, set policy.Set, text string) {
	t.Helper()
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict([]byte(text), &pod); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	level, err := api.ParseLevel(claim.FindStringSubmatch(text)[1])
	if err != nil {
		t.Fatal(err)
	}
	d := podfence.Admit(&pod, api.LevelVersion{Level: level, Version: api.LatestVersion()}, set)
	got := "allowed"
	if !d.Allowed() {
		var broken []string
		for _, v := range d.Result.Violations {
			broken = append(broken, v.CheckOrRule())
		}
		got = "denied (" + strings.Join(slices.Compact(broken), ", ") + ")"
	}
	if want := claim.FindStringSubmatch(text)[2]; got != want {
		t.Errorf("%s is %s, and the page says %s:\n%s", pod.Name, got, want, d.Result.Message())
	}
}

// policyPath is a key of the format as the pages write it.
var policyPath = regexp.MustCompile("`((?:allow|mutations)\\.[A-Za-z.]+)")

// TestMigrationPagesNameKeys: every key of the format that a page names exists.
func TestMigrationPagesNameKeys(t *testing.T) {
	var known []string
	for _, key := range policy.Keys() {
		known = append(known, key.String())
	}
	// Keys within an entry or a rule are no keys of a policy.
	known = append(known, "allow.allowedHostPaths.recursiveReadOnly", "allow.allowedHostPaths.types", "allow.supplementalGroups.policy")
	named := 0
	for page := range migrationPages {
		for _, m := range policyPath.FindAllStringSubmatch(read(t, page), -1) {
			if named++; !slices.Contains(known, strings.TrimSuffix(m[1], ".")) {
				t.Errorf("%s names %s, which is no key", page, m[1])
			}
		}
	}
	if named < 80 {
		t.Errorf("%d keys are named, want 80 at least", named)
	}
}

// TestOwnKeysAreToldToWelkinsUsers: the page about Welkin's chart names the keys
// that the chart does not know, and no other under that heading.
func TestOwnKeysAreToldToWelkinsUsers(t *testing.T) {
	_, own, found := strings.Cut(read(t, "docs/migration-welkin.md"), "## What podfence has of its own\n")
	own, _, _ = strings.Cut(own, "\n## ")
	if !found {
		t.Fatal("the page lacks its heading")
	}
	var got []string
	for _, m := range policyPath.FindAllStringSubmatch(own, -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	if diff := cmp.Diff(notInWelkin(t), got); diff != "" {
		t.Errorf("(-lint +page):\n%s", diff)
	}
	if !strings.Contains(own, "`podSelectorExpressions`") {
		t.Error("podSelectorExpressions is not told")
	}
}

// notInWelkin are the keys that lint warns of in a Welkin values file that has them all.
func notInWelkin(t *testing.T) []string {
	t.Helper()
	var policyText map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "policy/testdata/every-key.yaml")), &policyText); err != nil {
		t.Fatal(err)
	}
	name := policyText["name"].(string)
	for _, outside := range []string{"name", "namespaces", "namespaceSelector"} { // a values file has the policy's one namespace as a key
		delete(policyText, outside)
	}
	text, err := yaml.Marshal(map[string]any{"constraints": map[string]any{"networking": map[string]any{name: policyText}}})
	if err != nil {
		t.Fatal(err)
	}
	policies, err := policy.Parse(text, "every-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range policy.Lint(policies...) {
		if w.Reason == policy.WarnNotInWelkin {
			return slices.DeleteFunc(w.Fields, func(field string) bool {
				return !strings.HasPrefix(field, "allow.") && !strings.HasPrefix(field, "mutations.") ||
					strings.HasPrefix(field, "allow.allowedHostPorts.") // told with its list
			})
		}
	}
	t.Fatal("lint does not warn of keys that Welkin's chart does not know")
	return nil
}

// TestKyvernosControlsAreTheStandards: the page about Kyverno has a row for every
// control that is older than it, by the name that the standard gives it, with a
// grant of that control.
func TestKyvernosControlsAreTheStandards(t *testing.T) {
	page, rows := read(t, "docs/migration-kyverno.md"), 0
	for _, c := range spec.Controls() {
		if c.Title == "Host Probes / Lifecycle Hooks" {
			continue // since v1.34, told below the table
		}
		row := ""
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "| ") && strings.Contains(line, fmt.Sprintf("`controlName: %s`", c.Title)) {
				row = line
			}
		}
		hasGrant := slices.ContainsFunc(policy.GrantTypesOf(c), func(g *policy.GrantType) bool {
			return strings.Contains(row, g.Key.String())
		})
		if row == "" || !hasGrant {
			t.Errorf("%s: no row, or none of its grants in it: %q", c.Title, row)
			continue
		}
		rows++
	}
	if rows != 15 {
		t.Errorf("%d controls have rows, want 15", rows)
	}
}
