package github

import (
	"strings"
	"testing"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
)

func printed(t *testing.T, end finding.End, subjects ...*finding.Subject) string {
	t.Helper()
	var b strings.Builder
	p := New(&b)
	for _, s := range subjects {
		if err := p.Print(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(end); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var complete = finding.End{Complete: true}

// TestCommands: one command a finding, with what is known of its place.
func TestCommands(t *testing.T) {
	place := finding.Region{Line: 3, Column: 5, EndLine: 3, EndColumn: 9}
	for _, row := range []struct {
		why, file string
		f         finding.Finding
		want      string
	}{
		{"an error with its place", "web.yaml", finding.Finding{Rule: "a", Severity: finding.Error, Region: place, Message: "m"}, "::error file=web.yaml,line=3,endLine=3,col=5,endColumn=9,title=a::m\n"},
		{"a line alone", "web.yaml", finding.Finding{Rule: "a", Severity: finding.Undecided, Region: finding.Region{Line: 3}, Message: "m"}, "::error file=web.yaml,line=3,title=a::m\n"},
		{"a warning", "web.yaml", finding.Finding{Rule: "a", Severity: finding.Warning, Message: "m"}, "::warning file=web.yaml,title=a::m\n"},
		{"a line of standard input is none of a file", "", finding.Finding{Rule: "a", Severity: finding.Error, Region: place, Message: "m"}, "::error title=a::m\n"},
		{"what is accepted is not said", "web.yaml", finding.Finding{Rule: "a", Severity: finding.Error, Message: "m", Accepted: true}, ""},
		// The runner undoes %25, %0D and %0A, and in properties %3A and %2C.
		{"what the runner would take for its own", "a,b:c%0A.yaml", finding.Finding{Rule: "a:b,c", Severity: finding.Error, Message: "100% a::b,c\r\n::error::x"}, "::error file=a%2Cb%3Ac%250A.yaml,title=a%3Ab%2Cc::100%25 a::b,c%0D%0A::error::x\n"},
		{"a file with a line break", "a\nb.yaml", finding.Finding{Rule: "a", Severity: finding.Error, Message: "m"}, "::error file=a\\nb.yaml,title=a::m\n"},
	} {
		if got := printed(t, complete, &finding.Subject{File: row.file, Findings: []finding.Finding{row.f}}); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// TestIncomplete: a run that did not judge everything says so, if no finding does.
func TestIncomplete(t *testing.T) {
	undecided := &finding.Subject{File: "a", Findings: []finding.Finding{{Rule: "undecided", Severity: finding.Undecided, Message: "m"}}}
	if got := printed(t, finding.End{Status: 2}, undecided); strings.Count(got, "\n") != 1 {
		t.Errorf("%q", got)
	}
	if got := printed(t, finding.End{Status: 2}); !strings.HasPrefix(got, "::error title=undecided::") {
		t.Errorf("%q", got)
	}
	if got := printed(t, finding.End{Status: 1, Complete: true}); got != "" {
		t.Errorf("%q", got)
	}
}
