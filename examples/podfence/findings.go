package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/examples/podfence/internal/baseline"
	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/rules"
)

// findingForm prints answers in one of the forms that know findings and no pods.
type findingForm struct {
	*answerPrinter
	printer finding.Printer
	// log: the form is one of lines among others, and ends with a summary.
	log bool
}

func (f *findingForm) answer(a *answer) error {
	s := a.subject()
	s.Findings = a.violations(f.fixes(a))
	s.Findings = slices.Concat(s.Findings, a.observed(), f.advice(a), a.notices(), a.unknownFields())
	return f.printer.Print(s)
}

func (f *findingForm) undecided(w *workload, err error) error {
	return f.printer.Print(w.undecided(err))
}

func (f *findingForm) end() error {
	if err := f.close(f.printer); err != nil || !f.log {
		return err
	}
	_, err := fmt.Fprintln(f.out, oneLine("%s", f.tally.summary()))
	return err
}

// subject is a workload as what findings are about.
func (w *workload) subject() *finding.Subject {
	s := &finding.Subject{File: w.path, Region: finding.Region{Line: w.Line}, Name: cmp.Or(oneLine("%s", w.title()), "document")}
	if w.path == manifest.Stdin {
		s.File = ""
	}
	return s
}

// undecided is a subject that could not be judged.
func (w *workload) undecided(err error) *finding.Subject {
	s := w.subject()
	f := finding.Finding{Rule: finding.UndecidedRule, Severity: finding.Undecided, Region: s.Region, Message: oneLine("%v", err)}
	if e := (*manifest.Error)(nil); errors.As(err, &e) {
		f.Line, f.Message = cmp.Or(e.Line, w.Line), e.Message()
	}
	f.Fingerprint = finding.Fingerprint(f.Rule, w.object().String(), f.Message)
	s.Findings = []finding.Finding{f}
	return s
}

// violations are findings about what the result holds against the workload.
func (a *answer) violations(fixes map[string]*finding.Fix) []finding.Finding {
	list := a.against(a.result.Violations, finding.Error, "")
	for i := range list {
		list[i].Accepted, list[i].Fix = a.knows(i), fixes[a.result.Violations[i].Pointer()]
	}
	return list
}

// observed are findings about what stands against the warn and the audit level of the
// namespace, and not against the enforced one: each once, though both ask for it.
func (a *answer) observed() (list []finding.Finding) {
	l, warned := a.levels, &evaluate.Result{}
	if l.warned() {
		warned = l.warn
		list = a.against(warned.Violations, finding.Warning, "warn "+l.Warn.String()+": ")
	}
	if l.audited() {
		more := notIn(warned, &evaluate.Result{Violations: notIn(a.result, l.audit)})
		list = append(list, a.against(more, finding.Warning, "audit "+l.Audit.String()+": ")...)
	}
	return list
}

// against are findings about violations. lead says what they stand against, where
// that is not the verdict.
func (a *answer) against(violations []evaluate.Violation, severity finding.Severity, lead string) []finding.Finding {
	list := make([]finding.Finding, len(violations))
	paths := make([][]string, len(list))
	for i := range list {
		paths[i] = violations[i].Steps()
	}
	regions := a.regions(paths)
	for i := range list {
		v := &violations[i]
		list[i] = finding.Finding{
			Rule: v.CheckOrRule(), Severity: severity, Region: regions[i], Field: oneLine("%s", v.Location),
			Message:     oneLine("%s: %s%s%s", a.title(), lead, violationText(v), listed("; ", "", v.Hint())),
			Fingerprint: fingerprint(baseline.KeyOf(a.object(), v)),
		}
	}
	return list
}

// fingerprint is that of a violation: what a baseline knows it by.
func fingerprint(k baseline.Key) string {
	return finding.Fingerprint(k.Kind, k.Namespace, k.Name, k.Check, k.Field, k.Container, k.Volume, k.Value)
}

// regions are where values stand, or what is nearest above them.
func (a *answer) regions(paths [][]string) []finding.Region {
	regions := make([]finding.Region, len(paths))
	for i, at := range a.PositionsOf(paths...) {
		regions[i] = a.text.rest(a.text.place(at))
	}
	return regions
}

// advice are findings about what may not start, or not work as it was meant. What
// may not start fails where the status says so.
func (f *findingForm) advice(a *answer) (list []finding.Finding) {
	if a.decision == nil {
		return nil
	}
	advice := a.decision.Advice()
	paths := make([][]string, len(advice))
	for i := range advice {
		paths[i] = advice[i].Steps()
	}
	regions, o := a.regions(paths), a.object()
	for i, about := range advice {
		severity := finding.Warning
		if f.failOn == failOnMayNotStart && about.MayNotStart() && a.result.Allowed() {
			severity = finding.Error
		}
		list = append(list, finding.Finding{
			Rule: string(about.Concern), Severity: severity, Region: regions[i], Field: oneLine("%s", about.Location),
			Message:     oneLine("%s: %s", a.title(), about),
			Fingerprint: finding.Fingerprint(o.Kind, o.Namespace, o.Name, string(about.Concern), about.Location.Container.Name, about.Location.Field.String()),
		})
	}
	return list
}

// unknownFields are findings about fields that the workload's kind does not have.
func (a *answer) unknownFields() (list []finding.Finding) {
	paths := make([][]string, len(a.unknown))
	for i := range a.unknown {
		paths[i] = a.unknown[i].Path
	}
	regions, o := a.regions(paths), a.object()
	for i := range a.unknown {
		e, field := a.unknownField(&a.unknown[i], "", true), oneLine("%s", a.unknown[i].Field())
		list = append(list, finding.Finding{
			Rule: rules.UnknownField, Severity: finding.Warning, Region: regions[i], Field: field,
			Message:     oneLine("%s: %s; %s", a.title(), e.Problem, e.Fix),
			Fingerprint: finding.Fingerprint(o.Kind, o.Namespace, o.Name, rules.UnknownField, field),
		})
	}
	return list
}

// hasPrefix reports whether a path leads to what is at another, or below it.
func hasPrefix(path, prefix []string) bool {
	return len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
}
