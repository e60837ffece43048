package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/rules"
	"github.com/podfence/podfence/policy"
)

// testCount counts cases by what came of them.
type testCount struct {
	passed, failed, undecided int
	files                     map[string]bool
}

func (n *testCount) count(t *tested) {
	n.files[t.file] = true
	switch {
	case len(t.problems) > 0:
		n.undecided++
	case t.failed():
		n.failed++
	default:
		n.passed++
	}
}

func (n *testCount) summary() string {
	return fmt.Sprintf("%s in %s", counted(n.passed+n.failed+n.undecided, "case"), counted(len(n.files), "file")) + listed(": ", ", ",
		some(n.passed, "%d passed"), some(n.failed, "%d failed"), some(n.undecided, "%d could not be decided"))
}

// line is the line of the case, 0 of a file that could not be read.
func (t *tested) line() int {
	if t.test == nil {
		return 0
	}
	return t.test.Line("")
}

// name is what the case claims, empty of a file that could not be read.
func (t *tested) name() string {
	if t.test == nil {
		return ""
	}
	return t.test.Name
}

func (t *tested) where() string { return policy.Position{File: t.file, Line: t.line()}.String() }

// lineOf is the line on which a case expects what is not there.
func (t *tested) lineOf(d *author.Difference) int { return t.test.Line("expect." + d.Key()) }

// testText is for people: a line for each case, and what is expected and what was got below one that failed.
type testText struct {
	*app
	look
	testCount
}

func (f *testText) print(t *tested) error {
	f.count(t)
	p := &page{look: f.look}
	switch {
	case len(t.problems) > 0:
		p.line(bold+yellow, "%s", f.headline(t, "could not be decided"))
	case t.failed():
		p.line(bold+red, "%s", f.headline(t, "FAILED"))
	default:
		p.line(green, "%s", f.headline(t, "passed"))
	}
	for i := range t.outcomes {
		if o := &t.outcomes[i]; !o.Passed() {
			p.line("", indent+"%s (%s)", t.workloads[i].title(), t.workloads[i].where())
			p.differences(o.Differences)
		}
	}
	_, err := f.out.Write(p.Bytes())
	return err
}

func (f *testText) headline(t *tested, came string) string {
	return t.where() + listed(" ", "", t.name()) + ": " + came
}

// differences shows what was expected and is not there, and what is there and was not expected, under what it is about.
func (p *page) differences(list []author.Difference) {
	about := author.Aspect("")
	for i := range list {
		d := &list[i]
		if d.Aspect != about {
			about = d.Aspect
			p.line("", indent+indent+"%s", about)
		}
		if d.Expected != nil {
			p.line(red, indent+indent+"- %s", d.Expected)
		}
		if d.Got != nil {
			p.line(green, indent+indent+"+ %s", d.Got)
		}
	}
}

func (f *testText) end() error {
	last := page{look: f.look}
	last.line(bold, "%s", f.summary())
	_, err := f.out.Write(last.Bytes())
	return err
}

// testJSON is for programs: a line for each case.
type testJSON struct{ *app }

// testRecord is a case and what came of it.
type testRecord struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Name string `json:"name"`
	// Passed: all is as it was expected.
	Passed    bool           `json:"passed"`
	Workloads []testedRecord `json:"workloads"`
	// Errors are why it could not be decided.
	Errors []string `json:"errors,omitempty"`
}

// testedRecord is a workload of a case.
type testedRecord struct {
	head
	Passed      bool             `json:"passed"`
	Differences []mismatchRecord `json:"differences"`
}

// mismatchRecord is what is not as it was expected, with the line on which it was.
type mismatchRecord struct {
	Line int `json:"line"`
	author.Difference
}

func (t *tested) record() testRecord {
	r := testRecord{File: t.file, Line: t.line(), Name: t.name(), Passed: t.passed(), Workloads: []testedRecord{}}
	for i := range t.outcomes {
		o := &t.outcomes[i]
		w := testedRecord{head: t.workloads[i].head(), Passed: o.Passed(), Differences: []mismatchRecord{}}
		for j := range o.Differences {
			w.Differences = append(w.Differences, mismatchRecord{t.lineOf(&o.Differences[j]), o.Differences[j]})
		}
		r.Workloads = append(r.Workloads, w)
	}
	for _, err := range t.problems {
		r.Errors = append(r.Errors, shownError(err))
	}
	return r
}

func (f testJSON) print(t *tested) error { return writeJSON(f.out, t.record()) }
func (f testJSON) end() error            { return nil }

// testFindings prints cases in one of the forms that know findings.
type testFindings struct {
	*app
	printer finding.Printer
	// log: the form is one of lines among others, and ends with a summary.
	log bool
	testCount
}

func (f *testFindings) print(t *tested) error {
	f.count(t)
	return f.printer.Print(t.subject())
}

func (f *testFindings) end() error {
	if err := f.close(f.printer); err != nil || !f.log {
		return err
	}
	_, err := fmt.Fprintln(f.out, f.summary())
	return err
}

// subject is the case as what findings are about.
func (t *tested) subject() *finding.Subject {
	s := &finding.Subject{File: t.file, Region: finding.Region{Line: t.line()}, Name: oneLine("%s", cmp.Or(t.name(), "tests of policies"))}
	for _, err := range t.problems {
		s.Findings = append(s.Findings, t.undecided(err))
	}
	for i := range t.outcomes {
		for j := range t.outcomes[i].Differences {
			d := &t.outcomes[i].Differences[j]
			s.Findings = append(s.Findings, finding.Finding{
				Rule: rules.OfAspect(d.Aspect), Severity: finding.Error, Region: finding.Region{Line: t.lineOf(d)},
				Field:       "expect." + d.Key(),
				Message:     oneLine("%s: %s: %s", t.name(), t.workloads[i].title(), d),
				Fingerprint: finding.Fingerprint(t.name(), t.workloads[i].title(), d.String()),
			})
		}
	}
	return s
}

// undecided is the finding that something kept the case from being decided.
func (t *tested) undecided(err error) finding.Finding {
	f := finding.Finding{
		Rule: finding.UndecidedRule, Severity: finding.Undecided, Region: finding.Region{Line: t.line()},
		Message: oneLine("%v", err), Fingerprint: finding.Fingerprint(finding.UndecidedRule, t.name(), err.Error()),
	}
	inPolicy, inManifest := policy.Error{}, (*manifest.Error)(nil)
	switch {
	case errors.As(err, &inPolicy) && inPolicy.File == t.file:
		f.Line, inPolicy.File, inPolicy.Line = cmp.Or(inPolicy.Line, f.Line), "", 0
		f.Message = oneLine("%v", inPolicy)
	case errors.As(err, &inManifest) && inManifest.File == t.file:
		f.Line, f.Message = cmp.Or(inManifest.Line, f.Line), inManifest.Message()
	}
	return f
}
