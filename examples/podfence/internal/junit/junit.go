// Package junit prints findings as the XML of JUnit, which nearly every server of continuous integration shows: a test
// case for each subject, in a suite for each file.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/spec"
)

// maxCases is how many test cases a suite has at most. A suite begins with the number of its cases, so that it is held
// until it is complete: a file with more subjects has several suites, and memory does not grow with it.
const maxCases = 1000

// printer gathers the suite of a file.
type printer struct {
	w      io.Writer
	suite  junit.Testsuite
	part   int // of the file, from 0
	id     int
	opened bool
	// undecided: a test case in error was printed.
	undecided bool
}

// New returns a printer of one document. The root has no totals, which the format leaves out at will: they would have to
// stand before all suites.
func New(w io.Writer) finding.Printer { return &printer{w: w} }

func (p *printer) Print(s *finding.Subject) error {
	file := shown(s.File)
	if file != p.suite.File || len(p.suite.Testcases) == maxCases {
		part := 0
		if file == p.suite.File {
			part = p.part + 1
		}
		if err := p.flush(); err != nil {
			return err
		}
		p.begin(file, part)
	}
	p.undecided = p.undecided || s.Undecided() != nil
	p.suite.AddTestcase(caseOf(s, file))
	return nil
}

// shown is a file as people read it.
func shown(file string) string {
	if file == "" {
		return "<stdin>"
	}
	return spec.Printable(filepath.ToSlash(file))
}

func (p *printer) begin(file string, part int) {
	name := file
	if part > 0 {
		name = fmt.Sprintf("%s (part %d)", file, part+1)
	}
	// No time was taken: what is printed is the same whenever it is printed.
	p.suite = junit.Testsuite{Name: name, File: file, ID: p.id, Time: "0"}
	p.part = part
	p.id++
}

// flush writes the suite, if there is one.
func (p *printer) flush() error {
	if err := p.open(); err != nil || len(p.suite.Testcases) == 0 {
		return err
	}
	e := xml.NewEncoder(p.w)
	e.Indent("  ", "  ")
	if err := e.EncodeElement(p.suite, xml.StartElement{Name: xml.Name{Local: "testsuite"}}); err != nil {
		return err
	}
	_, err := io.WriteString(p.w, "\n")
	p.suite.Testcases = nil
	return err
}

func (p *printer) open() error {
	if p.opened {
		return nil
	}
	p.opened = true
	_, err := io.WriteString(p.w, xml.Header+"<testsuites name=\"podfence\">\n")
	return err
}

// Close adds a test case in error where the run is not complete and none says so: who reads the document alone would take
// it for passed.
func (p *printer) Close(end finding.End) error {
	if !end.Complete && !p.undecided {
		if err := p.Print(finding.Incomplete()); err != nil {
			return err
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	_, err := io.WriteString(p.w, "</testsuites>\n")
	return err
}

// caseOf is a subject as a test case: in error where it could not be judged, failed, skipped where all that is against it
// is accepted, or passed. What is only warned of is its output.
func caseOf(s *finding.Subject, file string) junit.Testcase {
	c := junit.Testcase{Name: s.Name, Classname: file, Time: "0"}
	switch undecided := s.Undecided(); {
	case undecided != nil:
		c.Error = &junit.Result{Message: undecided.Message, Type: undecided.Rule, Data: lines(s, file, isUndecided)}
	case s.Failed():
		c.Failure = failure(s, file)
	case s.Accepted():
		c.Skipped = &junit.Result{Message: "all that is against it is accepted", Data: lines(s, file, isError)}
	}
	if warnings := lines(s, file, isWarning); warnings != "" {
		c.SystemOut = &junit.Output{Data: warnings}
	}
	return c
}

// failure names the first finding that is not accepted, and has a line for every one.
func failure(s *finding.Subject, file string) *junit.Result {
	var first *finding.Finding
	n := 0
	for i := range s.Findings {
		if f := &s.Findings[i]; stands(f) {
			if n++; first == nil {
				first = f
			}
		}
	}
	message := first.Message
	if n > 1 {
		message += fmt.Sprintf(" (and %d more)", n-1)
	}
	return &junit.Result{Message: message, Type: first.Rule, Data: lines(s, file, stands)}
}

func stands(f *finding.Finding) bool      { return isError(f) && !f.Accepted }
func isError(f *finding.Finding) bool     { return f.Severity == finding.Error }
func isUndecided(f *finding.Finding) bool { return f.Severity == finding.Undecided }
func isWarning(f *finding.Finding) bool   { return f.Severity == finding.Warning }

// lines are those findings, each with its place.
func lines(s *finding.Subject, file string, wanted func(*finding.Finding) bool) string {
	var list []string
	for i := range s.Findings {
		f := &s.Findings[i]
		if !wanted(f) {
			continue
		}
		where := file
		if f.Line > 0 {
			where += fmt.Sprintf(":%d", f.Line)
		}
		if f.Column > 0 {
			where += fmt.Sprintf(":%d", f.Column)
		}
		list = append(list, where+": "+f.Message)
	}
	return strings.Join(list, "\n")
}
