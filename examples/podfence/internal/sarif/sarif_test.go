package sarif

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/examples/podfence/internal/rules"
	"github.com/podfence/podfence/examples/podfence/internal/sarif/sariftest"
)

var run = Run{Version: "v1.2.3", Rules: []finding.Rule{
	{ID: "a", Title: "A", Description: "About a.", Help: "Help.", Markdown: "*Help*.", URI: "https://example.com/a#b", Severity: finding.Error, Score: 8, Tags: []string{"security"}},
	{ID: "b", Title: "B", Description: "About b.", Help: "Help.", Markdown: "*Help*.", URI: "https://example.com/b", Severity: finding.Warning, Tags: []string{"kubernetes"}},
}}

func subjects() []*finding.Subject {
	return []*finding.Subject{
		{File: "./dir/web.yaml", Name: "Pod/web", Findings: []finding.Finding{
			{Rule: "a", Severity: finding.Error, Region: finding.Region{Line: 3, Column: 5, EndLine: 3, EndColumn: 9}, Field: "spec.hostPID", Message: "must be false", Fingerprint: "1",
				Fix: &finding.Fix{Description: "set it", Replacements: []finding.Replacement{{Region: finding.Region{Line: 4, Column: 1, EndLine: 4, EndColumn: 1}, Text: "  hostPID: false\n"}}}},
			{Rule: "b", Severity: finding.Warning, Message: "may not start", Fingerprint: "2"},
		}},
		{File: "", Name: "Pod/piped", Findings: []finding.Finding{{Rule: "a", Severity: finding.Undecided, Region: finding.Region{Line: 1}, Message: "unreadable", Fingerprint: "3", Fix: &finding.Fix{}}}},
		{File: "passed.yaml", Name: "Pod/passed"},
	}
}

func document(t *testing.T, run Run, subjects ...*finding.Subject) []byte {
	t.Helper()
	var b bytes.Buffer
	p := New(&b, run)
	for _, s := range subjects {
		if err := p.Print(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(finding.End{Status: 2}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDocument: what the format has for each part of a finding.
func TestDocument(t *testing.T) {
	text := document(t, run, subjects()...)
	if err := sariftest.Load(t).Valid(text); err != nil {
		t.Fatal(err)
	}
	d := decoded(t, text)
	if len(d.Runs) != 1 || len(d.Runs[0].Results) != 3 {
		t.Fatalf("%s", text)
	}
	web := artifactLocation{URI: "dir/web.yaml", URIBaseID: sourceRoot}
	want := []result{
		{
			RuleID: "a", Level: "error", Message: message{"must be false"}, Fingerprints: map[string]string{fingerprint: "1"},
			Locations: []location{{physicalLocation{web, &region{3, 5, 3, 9}}, []logicalLocation{{"spec.hostPID", "Pod/web:spec.hostPID", "property"}}}},
			Fixes:     []fix{{message{"set it"}, []artifactChange{{web, []replacement{{region{4, 1, 4, 1}, message{"  hostPID: false\n"}}}}}}},
		},
		{
			RuleID: "b", RuleIndex: 1, Level: "warning", Message: message{"may not start"}, Fingerprints: map[string]string{fingerprint: "2"},
			Locations: []location{{physicalLocation{web, nil}, []logicalLocation{{"Pod/web", "Pod/web", "resource"}}}},
		},
		{ // Standard input has no file in which to fix anything.
			RuleID: "a", Level: "error", Message: message{"unreadable"}, Fingerprints: map[string]string{fingerprint: "3"},
			Locations: []location{{physicalLocation{artifactLocation{URI: "stdin", Description: &message{"standard input"}}, &region{StartLine: 1}}, []logicalLocation{{"Pod/piped", "Pod/piped", "resource"}}}},
		},
	}
	if diff := cmp.Diff(want, d.Runs[0].Results); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]invocation{{false, 2}}, d.Runs[0].Invocations); diff != "" {
		t.Error(diff)
	}
	first := d.Runs[0].Tool.Driver.Rules[0]
	if first.Properties.SecuritySeverity != "8.0" || first.Default.Level != "error" || first.HelpURI != "https://example.com/a#b" {
		t.Errorf("%+v", first)
	}
}

// TestEmpty: a run without findings is a document too.
func TestEmpty(t *testing.T) {
	schema := sariftest.Load(t)
	for _, list := range [][]*finding.Subject{nil, {{Name: "Pod/passed"}}} {
		text := document(t, run, list...)
		if err := schema.Valid(text); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}

// TestSuppressions: with a baseline every result says whether it is in it, as the format demands.
func TestSuppressions(t *testing.T) {
	with := run
	with.Accepting = "the baseline known.yaml"
	s := &finding.Subject{Name: "Pod/web", Findings: []finding.Finding{
		{Rule: "a", Severity: finding.Error, Message: "known", Accepted: true},
		{Rule: "a", Severity: finding.Error, Message: "new"},
	}}
	text := document(t, with, s)
	if err := sariftest.Load(t).Valid(text); err != nil {
		t.Fatal(err)
	}
	results := decoded(t, text).Runs[0].Results
	if got := results[0].Suppressions; len(got) != 1 || got[0] != (suppression{"external", "accepted", "it is in the baseline known.yaml"}) {
		t.Errorf("known: %v", got)
	}
	if got := results[1].Suppressions; got == nil || len(got) != 0 {
		t.Errorf("new: %v", got)
	}
	if bytes.Contains(document(t, run, s), []byte(`"suppressions":[]`)) {
		t.Error("without a baseline a result says that it is not suppressed")
	}
}

// TestRules: the rules that the commands have are complete, as GitHub wants them, and each result finds its own.
func TestRules(t *testing.T) {
	schema := sariftest.Load(t)
	for name, list := range map[string][]finding.Rule{"workloads": rules.OfWorkloads(), "policies": rules.OfPolicies()} {
		s := &finding.Subject{Name: name}
		for _, r := range list {
			s.Findings = append(s.Findings, finding.Finding{Rule: r.ID, Severity: r.Severity, Message: "m", Fingerprint: "f"})
		}
		text := document(t, Run{Rules: list}, s)
		if err := schema.Valid(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r := decoded(t, text).Runs[0]
		for i, got := range r.Results {
			if rule := r.Tool.Driver.Rules[got.RuleIndex]; rule.ID != got.RuleID || rule.ID != list[i].ID {
				t.Errorf("%s: result %d has the rule %s, want %s", name, i, rule.ID, list[i].ID)
			}
		}
	}
	p := New(io.Discard, run)
	if err := p.Print(&finding.Subject{Findings: []finding.Finding{{Rule: "c"}}}); err == nil {
		t.Error("a finding without a rule is printed")
	}
}

// TestArtifact: a path is a URI, whatever it holds.
func TestArtifact(t *testing.T) {
	for file, want := range map[string]artifactLocation{
		"a b/ä%.yaml":     {URI: "a%20b/%C3%A4%25.yaml", URIBaseID: sourceRoot},
		"../manifests/a":  {URI: "../manifests/a", URIBaseID: sourceRoot},
		"c:d.yaml":        {URI: "./c:d.yaml", URIBaseID: sourceRoot},
		"/srv/./x/a.yaml": {URI: "file:///srv/x/a.yaml"},
		"a\n\x1b\xff?#":   {URI: "a%0A%1B%FF%3F%23", URIBaseID: sourceRoot},
	} {
		if got := artifactOf(file); got != want {
			t.Errorf("%q is %+v, want %+v", file, got, want)
		}
	}
}

// TestStream: memory does not grow with the number of results.
func TestStream(t *testing.T) {
	counter := &counting{}
	p := New(counter, run)
	before := heap()
	for i := range 50_000 {
		s := &finding.Subject{File: "a.yaml", Name: fmt.Sprint("Pod/", i), Findings: []finding.Finding{{Rule: "a", Severity: finding.Error, Message: strings.Repeat("m", 500)}}}
		if err := p.Print(s); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 1<<20 || counter.n < 25<<20 {
		t.Errorf("%d bytes of heap for %d bytes of output", grown, counter.n)
	}
	if err := p.Close(finding.End{}); err != nil {
		t.Fatal(err)
	}
}

type counting struct{ n int }

func (c *counting) Write(p []byte) (int, error) { c.n += len(p); return len(p), nil }

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
