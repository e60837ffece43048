package main

import (
	"fmt"
	"strings"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/examples/podfence/internal/github"
	"github.com/podfence/podfence/examples/podfence/internal/junit"
	"github.com/podfence/podfence/examples/podfence/internal/rules"
	"github.com/podfence/podfence/examples/podfence/internal/sarif"
)

// recordForms are the forms of -o for what has one record or several, and
// answerForms those of evaluate and admit.
var (
	recordForms = []string{"text", "json", "yaml"}
	answerForms = append(recordForms[:3:3], "name", "sarif", "junit", "github")
)

// answerForm prints answers in one of the forms.
type answerForm interface {
	answer(*answer) error
	// undecided prints that there is no answer about a workload, and why.
	undecided(*workload, error) error
	// end prints what stands behind all answers.
	end() error
}

func (p *answerPrinter) newForm(form string) answerForm {
	switch form {
	case "json", "yaml":
		return &recordForm{p, form}
	case "name":
		return &nameForm{p}
	case "sarif", "junit", "github":
		return &findingForm{p, p.newPrinter(form), form == "github"}
	}
	return &textForm{p, lookOf(p.stdout)}
}

// newPrinter is that of a form of findings about workloads.
func (p *answerPrinter) newPrinter(form string) finding.Printer {
	accepting := ""
	if p.ledger.baseline != nil {
		accepting = "the baseline " + oneLine("%s", p.ledger.baseline.File())
	}
	return p.app.printer(form, rules.OfWorkloads(), accepting)
}

// printer is that of a form of findings.
func (a *app) printer(form string, list []finding.Rule, accepting string) finding.Printer {
	switch form {
	case "sarif":
		return sarif.New(a.out, sarif.Run{Version: buildVersion().Version, Rules: list, Accepting: accepting})
	case "junit":
		return junit.New(a.out)
	}
	return github.New(a.out)
}

// close ends a document of findings with the status so far.
func (a *app) close(p finding.Printer) error {
	return p.Close(finding.End{Status: a.status, Complete: a.status < statusUndecided})
}

// textForm is for people.
type textForm struct {
	*answerPrinter
	look
}

func (f *textForm) answer(a *answer) error { return a.writeText(f.out, f.look) }

// undecided leaves it to standard error, where the reason stands.
func (f *textForm) undecided(*workload, error) error { return nil }

func (f *textForm) end() error {
	last := page{look: f.look}
	last.line(bold, "%s", f.tally.summary())
	_, err := f.out.Write(last.Bytes())
	return err
}

// recordForm is for programs.
type recordForm struct {
	*answerPrinter
	form string
}

func (f *recordForm) answer(a *answer) error { return f.print(a.record()) }

func (f *recordForm) undecided(w *workload, err error) error {
	return f.print(w.undecidedRecord(f.levels.Of(w.Namespace).Enforce, err))
}

func (f *recordForm) end() error {
	if !f.answerFlags.summary {
		return nil
	}
	return f.print(f.tally.record())
}

func (f *recordForm) print(r any) error {
	if f.form == "yaml" {
		return writeYAML(f.out, r)
	}
	return writeJSON(f.out, r)
}

// nameForm prints names as kubectl does: "deployment.apps/web".
type nameForm struct{ *answerPrinter }

func (f *nameForm) answer(a *answer) error {
	kind := strings.ToLower(a.Kind)
	if group, _, found := strings.Cut(a.APIVersion, "/"); found {
		kind += "." + group
	}
	_, err := fmt.Fprintln(f.out, oneLine("%s/%s", kind, a.Name))
	return err
}

func (f *nameForm) undecided(*workload, error) error { return nil }
func (f *nameForm) end() error                       { return nil }
