package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/podfence/podfence/examples/podfence/internal/sarif/sariftest"
	"github.com/podfence/podfence/internal/podgen"
)

// printed is what a command line prints on standard output.
func printed(t failer, args ...string) []byte {
	t.Helper()
	var out, stderr bytes.Buffer
	run(args, strings.NewReader(""), &out, &stderr)
	if out.Len() == 0 {
		t.Fatalf("%q prints nothing: %s", args, &stderr)
	}
	return out.Bytes()
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// TestSARIFIsValid: every command's document keeps to the schema of SARIF, for
// manifests of every kind, hostile ones and what cannot be decided among them.
func TestSARIFIsValid(t *testing.T) {
	schema := sariftest.Load(t)
	_, hostile, policies := hostileFiles(t)
	known := filepath.Join(t.TempDir(), "known.yaml")
	rows := [][]string{
		{"lint", "-R", "../policies"},
		{"lint", policies},
	}
	for _, command := range []string{"evaluate", "admit"} {
		rows = append(rows,
			[]string{command, "../manifests"},
			[]string{command, "../manifests", "--policies", "../policies", "--level", "baseline"},
			[]string{command, "testdata/none.yaml"},
			append([]string{command}, hostile...),
		)
	}
	printed(t, "evaluate", "../manifests", "--write-baseline", known)
	rows = append(rows, []string{"evaluate", "../manifests", "--baseline", known})
	results := 0
	for _, args := range rows {
		text := printed(t, append(args, "-o", "sarif")...)
		if err := schema.Valid(text); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		results += bytes.Count(text, []byte("\n{\"ruleId\""))
	}
	if results < 100 {
		t.Errorf("%d results", results)
	}
}

// sarifResult is what the tests read of a result.
type sarifResult struct {
	RuleID    string
	Locations []struct {
		PhysicalLocation struct{ Region sarifRegion }
		LogicalLocations []struct{ Name string }
	}
	PartialFingerprints map[string]string
	Fixes               []struct {
		ArtifactChanges []struct {
			Replacements []struct {
				DeletedRegion   sarifRegion
				InsertedContent struct{ Text string }
			}
		}
	}
}

type sarifRegion struct{ StartLine, StartColumn, EndLine, EndColumn int }

// id is the rule and the field.
func (r *sarifResult) id() string { return r.RuleID + " " + r.Locations[0].LogicalLocations[0].Name }

func sarifOf(t failer, args ...string) []sarifResult {
	t.Helper()
	var d struct {
		Runs []struct{ Results []sarifResult }
	}
	if err := json.Unmarshal(printed(t, append(args, "-o", "sarif")...), &d); err != nil {
		t.Fatalf("%v", err)
	}
	return d.Runs[0].Results
}

// offset is where a line and column, in characters, stand in a text.
func offset(text string, line, column int) int {
	at := 0
	for range line - 1 {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	return at + len(string([]rune(text[at:])[:column-1]))
}

// fixed is a text after the first fix of a result.
func fixed(text string, r *sarifResult) string {
	replacements := r.Fixes[0].ArtifactChanges[0].Replacements
	for _, p := range slices.Backward(replacements) {
		from := offset(text, p.DeletedRegion.StartLine, p.DeletedRegion.StartColumn)
		to := offset(text, p.DeletedRegion.EndLine, p.DeletedRegion.EndColumn)
		text = text[:from] + p.InsertedContent.Text + text[to:]
	}
	return text
}

// TestFixesMend: a fix, by itself, mends what it is offered for, and breaks nothing:
// in YAML, in JSON on lines, and in items of a list that may begin amid a line.
func TestFixesMend(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pod.yaml")
	mended := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		pod.APIVersion, pod.Kind = "v1", "Pod"
		text, form := podText(t, pod)
		write := func(text string) {
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		write(text)
		before := sarifOf(t, "evaluate", file)
		ids := map[string]bool{}
		for i := range before {
			ids[before[i].id()] = true
		}
		before = slices.DeleteFunc(before, func(r sarifResult) bool { return len(r.Fixes) == 0 })
		for range min(3, len(before)) {
			r := &before[rapid.IntRange(0, len(before)-1).Draw(t, "result")]
			after := fixed(text, r)
			write(after)
			for _, left := range sarifOf(t, "evaluate", file) {
				if left.id() == r.id() || !ids[left.id()] {
					t.Fatalf("%s: the fix of %s leaves or makes %s:\n%s\nis now\n%s", form, r.id(), left.id(), text, after)
				}
			}
			mended[form]++
		}
	})
	if len(mended) != len(podForms) {
		t.Errorf("fixes by form: %v, want all of %d forms", mended, len(podForms))
	}
}

var podForms = []string{"YAML", "YAML list", "JSON on lines", "JSON list", "JSON list on one line"}

// podText is a pod in one of the forms.
func podText(t *rapid.T, pod any) (text, form string) {
	form = rapid.SampledFrom(podForms).Draw(t, "form")
	plain, err := json.Marshal(pod)
	if err == nil && strings.HasPrefix(form, "YAML") {
		plain, err = sigsyaml.JSONToYAML(plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	list := "{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"é\": \"é\"}, " + string(plain) + "]}"
	var b bytes.Buffer
	switch form {
	case "YAML list":
		text = "# é\nkind: List\napiVersion: v1\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(string(plain)), "\n", "\n  ") + "\n"
	case "JSON on lines":
		err = json.Indent(&b, plain, "", "  ")
		text = b.String()
	case "JSON list":
		err = json.Indent(&b, []byte(list), "", "    ")
		text = b.String()
	case "JSON list on one line":
		text = list
	default:
		text = string(plain)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text, form
}

// TestFixesAreNotForeign: nobody offers a change of what cannot be changed by
// itself, of standard input, or of what is filled in by now.
func TestFixesAreNotForeign(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pod.yaml")
	for _, row := range []struct {
		why, pod string
		args     []string
		fixes    int
	}{
		{"a bare pod", barePod, []string{"evaluate", file}, 4},
		{"inside an alias", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {name: a, securityContext: &s {runAsUser: 5}}\n  - {name: b, securityContext: *s}\n", []string{"evaluate", file}, 0},
		{"what the author set", strings.Replace(barePod, "name: c\n", "name: c\n    securityContext: {allowPrivilegeEscalation: true, runAsNonRoot: false, seccompProfile: {type: Unconfined}, capabilities: {drop: [CHOWN]}}\n", 1), []string{"evaluate", file}, 0},
		{"filled in by admit", strings.Replace(barePod, "spec:\n", "spec:\n  hostPID: true\n", 1), []string{"admit", file}, 0},
	} {
		if err := os.WriteFile(file, []byte(row.pod), 0o666); err != nil {
			t.Fatal(err)
		}
		results, fixes := sarifOf(t, row.args...), 0
		for i := range results {
			fixes += len(results[i].Fixes)
		}
		if len(results) == 0 || fixes != row.fixes {
			t.Errorf("%s: %d fixes of %d results, want %d", row.why, fixes, len(results), row.fixes)
		}
	}
}

// TestFingerprintsStay: lines that are moved keep the fingerprints, which are
// distinct; another value has another one.
func TestFingerprintsStay(t *testing.T) {
	text, err := os.ReadFile("../manifests/node-agent-daemonset.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.yaml")
	fingerprints := func(text string) (list []string) {
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, r := range sarifOf(t, "evaluate", file) {
			list = append(list, r.PartialFingerprints["podfence/v1"])
		}
		slices.Sort(list)
		return list
	}
	before := fingerprints(string(text))
	if len(before) != 8 || len(slices.Compact(slices.Clone(before))) != 8 {
		t.Fatalf("%q, want 8 that are distinct", before)
	}
	if after := fingerprints("# a line\n\n" + strings.ReplaceAll(string(text), "\n", "\n\n")); !slices.Equal(before, after) {
		t.Errorf("moved, %q are %q", before, after)
	}
	after := fingerprints(strings.Replace(string(text), "/var/log/pods", "/", 1))
	kept := slices.DeleteFunc(slices.Clone(after), func(f string) bool { return !slices.Contains(before, f) })
	if len(after) != 8 || len(kept) != 7 {
		t.Errorf("with another path %q are %q", before, after)
	}
}

// TestManyViolations: a document of one line with very many violations is answered
// in one pass over its text, and not one for each.
func TestManyViolations(t *testing.T) {
	const many = 20_000
	var b strings.Builder
	b.WriteString(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"c","ports":[`)
	for i := range many {
		fmt.Fprintf(&b, `{"hostPort":%d,"containerPort":1},`, i+1)
	}
	b.WriteString(`{"containerPort":1}]}]}}`)
	file := filepath.Join(t.TempDir(), "pod.json")
	if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	results := sarifOf(t, "evaluate", file, "--level", "baseline")
	if len(results) != many {
		t.Fatalf("%d results", len(results))
	}
	last := results[many-1].Locations[0].PhysicalLocation.Region
	if at := offset(b.String(), last.StartLine, last.StartColumn); !strings.HasPrefix(b.String()[at:], `"hostPort":20000,`) || last.EndColumn != b.Len()+1 {
		t.Errorf("the last is at %+v", last)
	}
}
