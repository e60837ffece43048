package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
)

func printed(t *testing.T, end finding.End, subjects ...*finding.Subject) (text string, read junit.Testsuites) {
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
	if err := xml.Unmarshal([]byte(b.String()), &read); err != nil {
		t.Fatalf("%v in\n%s", err, &b)
	}
	return b.String(), read
}

var complete = finding.End{Complete: true}

func subject(file, name string, findings ...finding.Finding) *finding.Subject {
	return &finding.Subject{File: file, Name: name, Findings: findings}
}

// TestCases: what becomes of a subject by what was found.
func TestCases(t *testing.T) {
	at := finding.Region{Line: 3, Column: 5}
	failure := finding.Finding{Rule: "a", Severity: finding.Error, Region: at, Message: "must be <false> & \"not\" ]]> true"}
	other := finding.Finding{Rule: "b", Severity: finding.Error, Region: finding.Region{Line: 4}, Message: "other"}
	accepted := failure
	accepted.Accepted = true
	warning := finding.Finding{Rule: "c", Severity: finding.Warning, Message: "may not start"}
	undecided := finding.Finding{Rule: "undecided", Severity: finding.Undecided, Region: at, Message: "unreadable"}
	_, read := printed(t, complete,
		subject("dir/a.yaml", "passed", warning),
		subject("dir/a.yaml", "failed", accepted, other, failure),
		subject("dir/a.yaml", "accepted", accepted),
		subject("dir/a.yaml", "undecided", undecided),
		subject("b.yaml", "passed"),
	)
	if len(read.Suites) != 2 {
		t.Fatalf("%d suites, want one for each file", len(read.Suites))
	}
	a := read.Suites[0]
	if a.Name != "dir/a.yaml" || a.Tests != 4 || a.Failures != 1 || a.Errors != 1 || a.Skipped != 1 || read.Suites[1].ID != 1 {
		t.Errorf("the suites are %+v", read.Suites)
	}
	cases := a.Testcases
	if c := cases[0]; c.Failure != nil || c.Error != nil || c.Skipped != nil || c.SystemOut.Data != "dir/a.yaml: may not start" {
		t.Errorf("passed: %+v", c)
	}
	if c := cases[1]; c.Failure == nil || c.Failure.Message != "other (and 1 more)" || c.Failure.Type != "b" || c.Classname != "dir/a.yaml" ||
		c.Failure.Data != "dir/a.yaml:4: other\ndir/a.yaml:3:5: "+failure.Message {
		t.Errorf("failed: %+v", c.Failure)
	}
	if c := cases[2]; c.Failure != nil || c.Skipped == nil {
		t.Errorf("accepted: %+v", c)
	}
	if c := cases[3]; c.Failure != nil || c.Error == nil || c.Error.Message != "unreadable" {
		t.Errorf("undecided: %+v", c)
	}
}

// TestParts: a file of many subjects has several suites, whose counts are theirs.
func TestParts(t *testing.T) {
	var list []*finding.Subject
	for i := range 2*maxCases + 1 {
		list = append(list, subject("a.yaml", fmt.Sprint(i)))
	}
	_, read := printed(t, complete, append(list, subject("b.yaml", "b"))...)
	var got []string
	for _, s := range read.Suites {
		got = append(got, fmt.Sprintf("%d %s %d", s.ID, s.Name, s.Tests))
	}
	if want := "0 a.yaml 1000, 1 a.yaml (part 2) 1000, 2 a.yaml (part 3) 1, 3 b.yaml 1"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// TestEmpty: without a subject it is a document too; a run that did not judge everything does not look passed.
func TestEmpty(t *testing.T) {
	if text, read := printed(t, complete); len(read.Suites) != 0 || !strings.HasSuffix(text, "<testsuites name=\"podfence\">\n</testsuites>\n") {
		t.Errorf("%s", text)
	}
	text, read := printed(t, finding.End{Status: 2}, subject("a.yaml", "passed"))
	if len(read.Suites) != 2 || read.Suites[1].Errors != 1 {
		t.Errorf("%s", text)
	}
}

// TestStream: memory does not grow with the number of cases.
func TestStream(t *testing.T) {
	p := New(io.Discard)
	before := heap()
	for i := range 20 * maxCases {
		f := finding.Finding{Rule: "a", Severity: finding.Error, Message: strings.Repeat("m", 500)}
		if err := p.Print(subject("a.yaml", fmt.Sprint(i), f)); err != nil {
			t.Fatal(err)
		}
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d bytes of heap", grown)
	}
	if err := p.Close(complete); err != nil {
		t.Fatal(err)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
