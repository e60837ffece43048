package cases

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// rest is a case that is right, to stand after what a row writes.
const rest = "\ncases: [{name: a, pods: [p.yaml], expect: {verdict: allowed}}]"

// one is a file with one case, of which a row writes more.
func oneCase(more string) string { return "cases:\n- name: a\n  " + more }

const podsAndExpect = "pods: [p.yaml]\n  expect: {verdict: denied}"

// rows are files, and what is wrong with each: nothing, where it is right.
var rows = []struct {
	name, text string
	want       []string
	// beyond: the schema cannot say it.
	beyond bool
}{
	{"the least", oneCase(podsAndExpect), nil, false},
	{"all settings", "policies: [a, {name: x}]\nlevel: baseline\nversion: v1.30\nnamespace: prod\nnamespaceLabels: {prod: {team: a, x: ''}}\nat: '2026-12-31'" + rest, nil, false},
	{"all settings of a case", oneCase("policies: []\n  level: privileged\n  version: latest\n  namespace: prod-1\n  namespaceLabels: {}\n  at: '2026-12-31T08:00:00Z'\n  " + podsAndExpect), nil, false},
	{"a day without quotes", "at: 2026-12-31" + rest, nil, true}, // YAML's schema has dates, JSON has none
	{"all expectations", oneCase("pods: [p.yaml]\n  expect: {verdict: denied, policy: '', violations: [hostNamespaces, {id: allow.volumes, field: spec.volumes}], excused: [], filled: [{field: a, value: true}, {field: b, value: [1, x]}, {field: c, value: 5}]}"), nil, false},
	{"unchanged", oneCase("pods: [{kind: Pod}]\n  expect: {unchanged: true}"), nil, false},

	{"nothing", "", []string{": the file holds no case"}, false},
	{"comments", "# nothing\n", []string{": the file holds no case"}, false},
	{"no YAML", "a: [", []string{": line 1: did not find expected node content"}, true},
	{"a list", "[]", []string{"1: : a list stands where a block of keys belongs"}, false},
	{"two documents", strings.TrimPrefix(rest, "\n") + "\n---\na: b", []string{"2: : a second document"}, true},
	{"broken behind", strings.TrimPrefix(rest, "\n") + "\n---\na: [", []string{": line 3: did not find expected node content"}, true},
	{"no cases", "level: baseline", []string{"1: cases: is missing"}, false},
	{"cases, empty", "cases: []", []string{"1: cases: an empty list"}, false},
	{"unknown key", "levle: baseline" + rest, []string{"1: levle: unknown key"}, false},
	{"a key twice", "level: baseline\nlevel: restricted" + rest, []string{"2: level: given already in line 1"}, true},
	{"a key that is a number", "1: x" + rest, []string{`1: : "1" stands where a key belongs`}, false},
	{"a key that is a list", "[a]: x" + rest, []string{`1: : a list stands where a key belongs`}, true},
	{"level", "level: high" + rest, []string{`1: level: "high" is none of what may stand here`}, false},
	{"level, bare", "level:" + rest, []string{`1: level: nothing stands where text belongs`}, false},
	{"version", "version: '1.30'" + rest, []string{`1: version: "1.30" does not fit`}, false},
	{"version, a number", "version: 1.30" + rest, []string{`1: version: "1.30" stands where text belongs`}, false},
	{"version, too large", "version: v1.99999999999999999999" + rest, []string{`1: version: `}, true},
	{"namespace", "namespace: Prod" + rest, []string{`1: namespace: "Prod" does not fit`}, false},
	{"namespace, empty", "namespace: ''" + rest, []string{`1: namespace: is empty`}, false},
	{"labels", "namespaceLabels: [prod]" + rest, []string{`1: namespaceLabels: a list stands where a block of labels belongs`}, false},
	{"labels of one", "namespaceLabels: {prod: x}" + rest, []string{`1: namespaceLabels.prod: "x" stands where a block of labels belongs`}, false},
	{"a label", "namespaceLabels: {prod: {a: 1}}" + rest, []string{`1: namespaceLabels.prod.a: "1" stands where text belongs`}, false},
	{"a day", "at: '2026-13-01'" + rest, []string{`1: at: "2026-13-01" is no day and no time`}, true},
	{"another form of day", "at: 31.12.2026" + rest, []string{`1: at: "31.12.2026" does not fit`}, false},
	{"policies", "policies: a" + rest, []string{`1: policies: "a" stands where a list belongs`}, false},
	{"a policy", "policies: [1]" + rest, []string{`1: policies[0]: "1" stands where text belongs`}, false},
	{"a policy, a list", "policies: [[a]]" + rest, []string{`1: policies[0]: a list stands where a block of keys belongs`}, false},
	{"standard input", "policies: ['-']" + rest, []string{`1: policies[0]: standard input cannot be named here`}, true},
	{"a path, empty", "policies: ['']" + rest, []string{`1: policies[0]: is empty`}, false},
	{"an alias", "level: &x baseline\nversion: *x" + rest, []string{"1: level: anchors and aliases are not read", "2: version: anchors and aliases are not read"}, true},
	{"an alias in a pod", oneCase("pods: [{kind: &x Pod, spec: {a: [*x]}}]\n  expect: {verdict: denied}"), []string{"3: cases[0].pods[0]: anchors and aliases are not read", "3: cases[0].pods[0]: anchors and aliases are not read"}, true},

	{"no name", "cases:\n- " + podsAndExpect, []string{"2: cases[0].name: is missing"}, false},
	{"a name of two lines", "cases:\n- name: \"a\\nb\"\n  " + podsAndExpect, []string{"2: cases[0].name: more than one line"}, true},
	{"a name twice", oneCase(podsAndExpect) + "\n- name: a\n  " + podsAndExpect, []string{"5: cases[1].name: the case in line 2 has this name"}, true},
	{"no pods", oneCase("expect: {verdict: denied}"), []string{"2: cases[0].pods: is missing"}, false},
	{"pods, empty", oneCase("pods: []\n  expect: {verdict: denied}"), []string{"3: cases[0].pods: an empty list"}, false},
	{"no expectation", oneCase("pods: [p.yaml]"), []string{"2: cases[0].expect: is missing"}, false},
	{"a misspelt one", oneCase("pods: [p.yaml]\n  expected: {verdict: allowed}"), []string{"4: cases[0].expected: unknown key"}, false},
	{"nothing expected", oneCase("pods: [p.yaml]\n  expect: {}"), []string{"4: cases[0].expect: nothing is expected"}, true},
	{"a verdict", oneCase("pods: [p.yaml]\n  expect: {verdict: allow}"), []string{`4: cases[0].expect.verdict: "allow" is none of what may stand here`}, false},
	{"a policy's name", oneCase("pods: [p.yaml]\n  expect: {policy: A_B}"), []string{`4: cases[0].expect.policy: "A_B" is no name of a policy`}, true},
	{"an ID", oneCase("pods: [p.yaml]\n  expect: {violations: [hostPID]}"), []string{`4: cases[0].expect.violations[0]: "hostPID" is none of what may stand here`}, false},
	{"an ID, in a block", oneCase("pods: [p.yaml]\n  expect: {excused: [{id: x}]}"), []string{`4: cases[0].expect.excused[0].id: "x" is none of what may stand here`}, false},
	{"no ID", oneCase("pods: [p.yaml]\n  expect: {excused: [{field: x}]}"), []string{`4: cases[0].expect.excused[0].id: is missing`}, false},
	{"an ID twice", oneCase("pods: [p.yaml]\n  expect:\n    excused: [privileged,\n      {id: privileged}]"), []string{`6: cases[0].expect.excused[1]: says what excused[0] says already`}, true},
	{"a field, empty", oneCase("pods: [p.yaml]\n  expect: {excused: [{id: privileged, field: ''}]}"), []string{`4: cases[0].expect.excused[0].field: is empty`}, false},
	{"fields, empty", oneCase("pods: [p.yaml]\n  expect: {filled: []}"), []string{`4: cases[0].expect.filled: an empty list`}, false},
	{"no value", oneCase("pods: [p.yaml]\n  expect: {filled: [{field: a}]}"), []string{`4: cases[0].expect.filled[0].value: is missing`}, false},
	{"a value, bare", oneCase("pods: [p.yaml]\n  expect: {filled: [{field: a, value: }]}"), []string{`4: cases[0].expect.filled[0].value: nothing stands where a value belongs`}, false},
	{"a value of keys", oneCase("pods: [p.yaml]\n  expect: {filled: [{field: a, value: {b: c}}]}"), []string{`4: cases[0].expect.filled[0].value: a block of keys stands where a value belongs`}, false},
	{"a value of lists", oneCase("pods: [p.yaml]\n  expect: {filled: [{field: a, value: [[1]]}]}"), []string{`4: cases[0].expect.filled[0].value[0]: a list stands where a value belongs`}, false},
	{"a fraction", oneCase("pods: [p.yaml]\n  expect: {filled: [{field: a, value: 1.5}]}"), []string{`4: cases[0].expect.filled[0].value: "1.5" stands where a value belongs`}, false},
	{"not unchanged", oneCase("pods: [p.yaml]\n  expect: {unchanged: false}"), []string{`4: cases[0].expect.unchanged: "false" stands where true belongs`}, false},
	{"unchanged, as text", oneCase("pods: [p.yaml]\n  expect: {unchanged: 'true'}"), []string{`4: cases[0].expect.unchanged: "true" stands where true belongs`}, false},
	{"all at once", "levle: x\nversion: 2\nnamespace: X" + rest, []string{"1: levle: unknown key", `2: version: "2" stands where text belongs`, `3: namespace: "X" does not fit`}, false},
}

// TestParse: what is wrong with a file is told with its line, field and fix, all of it;
// and the schema refuses no file that is right, and every wrong one of which it can tell.
func TestParse(t *testing.T) {
	schema := compiledSchema(t)
	right := 0
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			f, err := Parse([]byte(row.text), "dir/f.yaml")
			var errs policy.Errors
			if err != nil && !errors.As(err, &errs) || (f == nil) != (err != nil) || len(errs) != len(row.want) {
				t.Fatalf("%v %v, want %q", f, err, row.want)
			}
			for i, e := range errs {
				line := ""
				if e.Line > 0 {
					line = strings.TrimPrefix(e.Error()[:strings.Index(e.Error(), ": ")], "dir/f.yaml:") + ": "
				}
				got := line + e.Field + ": " + e.Problem
				if !strings.HasPrefix(got, row.want[i]) || e.Fix == "" || e.File != "dir/f.yaml" {
					t.Errorf("%s; %s\nwant %s", got, e.Fix, row.want[i])
				}
			}
			var value any
			if yaml.Unmarshal([]byte(row.text), &value) != nil {
				return
			}
			if wrong := schema.Validate(value); !row.beyond && (wrong != nil) != (len(row.want) > 0) {
				t.Errorf("the schema says %v", wrong)
			}
		})
		if row.want == nil {
			right++
		}
	}
	if right < 6 || len(rows)-right < 50 {
		t.Errorf("%d files are right, and %d wrong", right, len(rows)-right)
	}
	large := bytes.Repeat([]byte("#"), MaxSize+1)
	if _, err := Parse(large, "large"); err == nil || !strings.Contains(err.Error(), "divide it") {
		t.Errorf("a large file: %v", err)
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema("https://example.com/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", value); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFixes: what an error says to write.
func TestFixes(t *testing.T) {
	for text, want := range map[string]string{
		"levle: x" + rest:           "did you mean level?",
		"x: y" + rest:               "write one of policies, level, version, namespace, namespaceLabels, at, cases",
		"level: restrictd" + rest:   "did you mean restricted?",
		"level: high" + rest:        "write one of privileged, baseline, restricted",
		"version: 1.30" + rest:      `write "1.30"`,
		"policies: a" + rest:        "write a list: begin each entry with a -",
		"policies: [[a]]" + rest:    "write the path of a file, or the keys of an object",
		"namespaceLabels: a" + rest: "write keys with their values",
		"cases: [a]":                "write its keys: name, pods, policies, level, version, namespace, namespaceLabels, at, expect",
		oneCase("pods: [p]\n  expect: {violations: [hostNamespace]}"): "did you mean hostNamespaces?",
		oneCase("pods: [p]\n  expect: {violations: [everything]}"):    "write the ID of a check, as in hostNamespaces, or of a policy's own rule, as in allow.volumes",
		"cases: [{name: a, pods: [p]}]":                               "write expect: what is claimed of the answer of podfence admit. What it does not speak of may be anything.",
		"version: " + strings.Repeat("x", 100) + rest:                 "write latest, or a minor version of Kubernetes, as in v1.35",
	} {
		_, err := Parse([]byte(text), "")
		var errs policy.Errors
		if !errors.As(err, &errs) || errs[0].Fix != want {
			t.Errorf("%s: %v\nwant %s", text, err, want)
		}
	}
	_, err := Parse([]byte("version: "+strings.Repeat("x", 100)+rest), "")
	if want := `"` + strings.Repeat("x", 64) + `..." does not fit`; !strings.Contains(err.Error(), want) {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// TestCases: what a file says, with what its cases take from it, and paths seen from
// where it stands.
func TestCases(t *testing.T) {
	text := `policies: [a, /b]
level: baseline
version: v1.30
namespace: prod
namespaceLabels: {prod: {team: x}}
at: 2026-12-31
cases:
- name: first
  pods: [../p.yaml]
  expect:
    verdict: denied
    policy: ""
    violations:
    - hostNamespaces
    - {id: allow.volumes, field: spec.volumes}
    excused: []
    filled:
    - {field: f, value: [ALL]}
- name: second
  policies: []
  level: restricted
  version: latest
  namespace: test
  namespaceLabels: {}
  at: 2027-01-02T03:04:05+01:00
  pods: [q]
  expect: {unchanged: true}
`
	f, err := Parse([]byte(text), filepath.Join("dir", "f.yaml"))
	if err != nil || len(f.Cases) != 2 {
		t.Fatal(err)
	}
	first, second := &f.Cases[0], &f.Cases[1]
	at := func(line int) policy.Position { return policy.Position{File: "dir/f.yaml", Line: line} }
	if diff := cmp.Diff([]Input{{Path: "dir/a", Position: at(1), Field: "policies[0]"}, {Path: "/b", Position: at(1), Field: "policies[1]"}}, first.Policies); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Input{{Path: "p.yaml", Position: at(9), Field: "cases[0].pods[0]"}}, first.Pods); diff != "" {
		t.Error(diff)
	}
	none := ""
	want := author.Expectation{
		Verdict: author.Denied, Policy: &none, Excused: []author.Expected{}, Filled: []author.Filled{{Field: "f", Value: []any{"ALL"}}},
		Violations: []author.Expected{{Check: spec.CheckHostNamespaces}, {Rule: policy.KeyVolumes, Field: "spec.volumes"}},
	}
	if diff := cmp.Diff(want, first.Expect); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(author.Expectation{Unchanged: true}, second.Expect); diff != "" {
		t.Error(diff)
	}
	for _, tt := range []struct {
		c                    *Case
		lv, namespace        string
		policies, namespaces int
		at                   time.Time
	}{
		{first, "baseline:v1.30", "prod", 2, 1, time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)},
		{second, "restricted:latest", "test", 0, 0, time.Date(2027, 1, 2, 2, 4, 5, 0, time.UTC)},
	} {
		if tt.c.Level.String() != tt.lv || tt.c.Namespace != tt.namespace || len(tt.c.Policies) != tt.policies || len(tt.c.NamespaceLabels) != tt.namespaces || !tt.c.At.Equal(tt.at) {
			t.Errorf("%s: %+v", tt.c.Name, tt.c)
		}
	}
	if first.NamespaceLabels["prod"]["team"] != "x" || second.NamespaceLabels == nil {
		t.Errorf("%v, %v", first.NamespaceLabels, second.NamespaceLabels)
	}
	for field, line := range map[string]int{"": 8, "expect": 10, "expect.violations": 13, "expect.violations[1]": 15, "expect.violations[1].field": 15, "expect.filled[0]": 18, "expect.filled[7]": 17, "level": 8} {
		if got := first.Line(field); got != line {
			t.Errorf("line of %q: %d, want %d", field, got, line)
		}
	}
	if second.Position() != at(19) {
		t.Errorf("%v", second.Position())
	}

	// Nothing is given.
	f, err = Parse([]byte(oneCase(podsAndExpect)), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if c := &f.Cases[0]; c.Level.String() != "restricted:latest" || c.Namespace != "" || !c.At.IsZero() || c.NamespaceLabels != nil || c.Policies != nil || c.Expect.Violations != nil || c.Expect.Policy != nil {
		t.Errorf("%+v", c)
	}
}

// TestInline: what is written out is read on its own lines, whatever its style, and
// says what it says in the file.
func TestInline(t *testing.T) {
	const tail = "  expect: {verdict: denied}\n"
	for name, tt := range map[string]struct {
		pods string
		// line is that of the key below; cut: the text is the file's own.
		line int
		cut  bool
	}{
		"block":                {"  pods:\n  - kind: Pod\n    spec:\n      hostPID: yes\n", 6, true},
		"deeper":               {"  pods:\n      -   kind: Pod\n\n          # a comment\n          spec:\n            hostPID: yes\n", 8, true},
		"comments to the left": {"  pods:\n  - kind: Pod\n# a comment\n    spec:\n# another\n\n      hostPID: yes\n", 9, true},
		"block text":           {"  pods:\n  - kind: Pod\n    text: |\n      a\n\n      b\n    spec:\n      hostPID: yes\n", 10, true},
		"two of them":          {"  pods:\n  - kind: Pod\n    spec:\n      hostPID: yes\n  - kind: Service\n", 6, true},
		"within braces":        {"  pods:\n  - kind: Pod\n    spec: {a: [b,\nc], hostPID: yes}\n", 4, false},
		"braces":               {"  pods: [{kind: Pod, spec: {hostPID: yes}}]\n", 3, true},
		"braces, lines":        {"  pods:\n  - {kind: Pod,\n     spec: {\n       hostPID: yes}}\n", 4, false},
		"braces, comments":     {"  pods:\n  - {kind: Pod, # a comment\n     spec: {\n       hostPID: yes}} # another\n", 4, false},
		"lines of Windows":     {"  pods:\r\n  - kind: Pod\r\n    spec:\r\n      hostPID: yes\r\n", 6, true},
	} {
		text := "cases:\n- name: a\n" + tt.pods + tail
		f, err := Parse([]byte(text), "f.yaml")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var doc yaml.Node
		in := f.Cases[0].Pods[0]
		if err := yaml.Unmarshal(in.Text, &doc); err != nil {
			t.Errorf("%s: %v:\n%s", name, err, in.Text)
			continue
		}
		key := find(doc.Content[0], "hostPID")
		if key == nil {
			t.Errorf("%s: no hostPID:\n%s", name, in.Text)
			continue
		}
		cut := strings.Contains(text, strings.TrimSpace(string(in.Text)))
		if key.Line != tt.line || cut != tt.cut || strings.Contains(string(in.Text), "Service") || strings.Contains(string(in.Text), `"yes"`) {
			t.Errorf("%s: line %d, want %d; cut: %t\n%s", name, key.Line, tt.line, cut, in.Text)
		}
	}
}

// find is the key of a mapping, at any depth.
func find(n *yaml.Node, key string) *yaml.Node {
	for _, c := range n.Content {
		if c.Value == key {
			return c
		}
		if found := find(c, key); found != nil {
			return found
		}
	}
	return nil
}

// TestPage: docs/testing-policies.md has a row for each key of a file, and no other.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/testing-policies.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(page)) {
		if key, ok := strings.CutPrefix(line, "| `"); ok {
			key, _, _ = strings.Cut(key, "`")
			documented = append(documented, key)
		}
	}
	var keys []string
	walk := func(f *form) {
		for f.entry != nil && f.kind == list {
			f = f.entry
		}
		for i := range f.keys {
			keys = append(keys, f.keys[i].name)
		}
	}
	cases := fileForm.keys[len(fileForm.keys)-1].form
	walk(cases)
	walk(expectForm)
	if diff := cmp.Diff(keys, documented); diff != "" {
		t.Errorf("keys (-of the form +of the page):\n%s", diff)
	}
}

// FuzzParse: no file makes the parser panic; what it takes has cases that expect
// something of something.
func FuzzParse(f *testing.F) {
	for _, row := range rows {
		f.Add([]byte(row.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data, "f.yaml")
		if err != nil {
			return
		}
		if len(file.Cases) == 0 {
			t.Fatal("no case")
		}
		for i := range file.Cases {
			c := &file.Cases[i]
			if len(c.Pods) == 0 || c.Expect.Validate() != nil || c.Line("") == 0 {
				t.Fatalf("%+v", c)
			}
			for _, in := range c.Pods {
				if (in.Path == "") == (len(in.Text) == 0) {
					t.Fatalf("%+v", in)
				}
			}
		}
	})
}
