package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPosition(t *testing.T) {
	for _, row := range []struct {
		in        Position
		want, why string
	}{
		{Position{"a.yaml", 3}, "a.yaml:3", "editors and terminals know this form"},
		{Position{"a.yaml", 0}, "a.yaml", "the file as a whole"},
		{Position{"", 3}, "line 3", "text that has no name"},
		{Position{}, "", "a policy that was written in Go"},
	} {
		if got := row.in.String(); got != row.want {
			t.Errorf("%#v is %q, want %q: %s", row.in, got, row.want, row.why)
		}
	}
}

const sourceDocuments = `# first
---
# second

name: a
podSelectorLabels: {app.kubernetes.io/name: web}
podSelectorExpressions:
- key: stage
  operator: In
  values:
  - test
  - prod
allow:
  allowedHostPaths:
  - pathPrefix: /a

  - {pathPrefix: /b}
  runAsUser: RunAsAny
---
---
{"name": "b", "podSelectorLabels": {"app": "c"},
 "allow": {"volumes": ["nfs",
   "secret"]}}
`

const sourceWelkin = `constraints:
  one:
    # a comment
    x:
      podSelectorLabels: &web {a: b}
      mutation:
        runAsGroup: 7
    two:
      podSelectorLabels: *web
  three:
    z: {podSelectorLabels: {a: b}}
`

// TestSourceAt: where the fields of policies stand, in files of each form.
func TestSourceAt(t *testing.T) {
	for _, row := range []struct {
		name, why, in string
		policy        int
		lines         map[string]int
	}{
		{"a document", "its own line is that of its first key, below the comments", sourceDocuments, 0, map[string]int{
			"": 5, "name": 5, "namespace": 5, "podSelectorLabels[app.kubernetes.io/name]": 6,
			"podSelectorExpressions[0].values[1]": 12, "podSelectorExpressions[0].operator": 9,
			"allow": 13, "allow.allowedHostPaths[0].pathPrefix": 15, "allow.allowedHostPaths[1]": 17, "allow.allowedHostPaths[1].readOnly": 17,
			"allow.allowedHostPaths": 14, "allow.runAsUser": 18, "allow.runAsUser.ranges[3].min": 18,
		}},
		{"what the file does not hold", "the nearest block around it, and the policy in the end", sourceDocuments, 0, map[string]int{
			"allow.volumes": 13, "allow.volumes[0]": 13, "mutations.runAsGroup": 5, "nonsense": 5,
		}},
		{"JSON", "the brace begins it", sourceDocuments, 1, map[string]int{"": 21, "name": 21, "allow.volumes[0]": 22, "allow.volumes[1]": 23}},
		{"a Welkin values file", "the key is the policy's line, and mutation is mutations", sourceWelkin, 0, map[string]int{
			"": 4, "name": 4, "namespace": 2, "mutations": 6, "mutations.runAsGroup": 7,
		}},
		{"an alias", "its value stands at the anchor, its key here", sourceWelkin, 1, map[string]int{"": 8, "podSelectorLabels": 9, "podSelectorLabels[a]": 5}},
		{"a namespace on the first line", "it stands above its policies", "constraints: {one: {\n  x: {podSelectorLabels: {a: b}}}}\n", 0, map[string]int{"": 2, "name": 2, "namespace": 1}},
		{"the second namespace", "each has its own", sourceWelkin, 2, map[string]int{"": 11, "namespace": 10, "podSelectorLabels": 11}},
	} {
		t.Run(row.name, func(t *testing.T) {
			policies, err := Parse([]byte(row.in), "p.yaml")
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for path := range row.lines {
				at := policies[row.policy].Source.At(path)
				if got[path] = at.Line; at.File != "p.yaml" {
					t.Errorf("%s is in the file %q", path, at.File)
				}
			}
			if diff := cmp.Diff(row.lines, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

// TestSourceLinesHoldTheirFields: the line of every field of a drawn policy
// holds its key, or its entry's dash.
func TestSourceLinesHoldTheirFields(t *testing.T) {
	fields := 0
	rapid.Check(t, func(t *rapid.T) {
		policies := together(rapid.SliceOfN(genPolicy, 1, 3).Draw(t, "policies"))
		data, err := Marshal(policies...)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := Parse(data, "")
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(data), "\n")
		for i := range parsed {
			for path := range parsed[i].Source.Lines {
				line := lines[parsed[i].Source.At(path).Line-1]
				if !strings.Contains(line, wantedIn(path)) {
					t.Fatalf("%s of policy %d stands not in %q:\n%s", path, i, line, data)
				}
				fields++
			}
		}
	})
	if fields < 100 {
		t.Errorf("only %d fields", fields)
	}
}

// wantedIn is what the line of a path must hold.
func wantedIn(path string) string {
	last := path[strings.LastIndex(path, ".")+1:]
	switch _, label, isLabel := strings.Cut(path, "Labels["); {
	case isLabel:
		return strings.TrimSuffix(label, "]")
	case strings.HasSuffix(last, "]"):
		return "- "
	}
	return last + ":"
}

// TestSourceIsKeptAndNotWritten: a policy keeps its source in a set and in a
// copy, and neither JSON nor YAML holds it.
func TestSourceIsKeptAndNotWritten(t *testing.T) {
	policies, err := Parse([]byte(sourceDocuments), "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	policies[0].Source.Lines["allow.runAsUser"] = 99
	for _, p := range []*Policy{set.Policies()[0], set.Policies()[0].DeepCopy()} {
		if got := p.Source.At("allow.runAsUser").String(); got != "p.yaml:18" {
			t.Errorf("%s", got)
		}
	}
	asYAML, err := Marshal(policies...)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(policies)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(asYAML), string(asJSON)} {
		if strings.Contains(text, "ource") || strings.Contains(text, "p.yaml") || !strings.Contains(text, "RunAsAny") {
			t.Errorf("%s", text)
		}
	}
	if _, err := Parse([]byte("Source: {}\npodSelectorLabels: {a: b}\n"), "p.yaml"); err == nil || !strings.Contains(err.Error(), "Source: unknown key") {
		t.Errorf("a source in a file: %v", err)
	}
}

// TestSourceOfALiteral: what was not read from a file has no position.
func TestSourceOfALiteral(t *testing.T) {
	p := Policy{Name: "a", PodSelectorLabels: webLabels}
	if got := p.Source.At("allow.volumes"); got != (Position{}) {
		t.Errorf("%v", got)
	}
	if got := p.Source.String(); got != "" {
		t.Errorf("%q", got)
	}
}
