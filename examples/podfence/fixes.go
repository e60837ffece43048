package main

import (
	"slices"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/yamledit"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

// maxFixWork is for how many bytes of a chunk's text, times the operations of a
// workload's patch, fixes are made: each is tried on the text by itself.
const maxFixWork = 4 << 20

// fixes are what mends the violations of an answer, by the pointer of their field:
// the operation of mutate's patch that fills the field in, as a change of the text.
// A field that its author set has none, nor has one that mutate leaves unset, nor
// what cannot be added without touching other text.
func (f *findingForm) fixes(a *answer) map[string]*finding.Fix {
	if a.result.Allowed() || a.decision != nil || a.path == manifest.Stdin {
		return nil // what admit finds is left after filling in
	}
	report := a.held.Admit(a.result.Level, f.policies).Report
	operations := report.Operations()
	if len(operations)*len(a.text.raw) > maxFixWork {
		return nil
	}
	violated := map[string]bool{}
	for i := range a.result.Violations {
		violated[a.result.Violations[i].Pointer()] = true
	}
	fixes := map[string]*finding.Fix{}
	made := make([]*finding.Fix, len(operations))
	for _, change := range report.Changes() {
		steps := change.Steps()
		i := slices.IndexFunc(operations, func(op mutate.Operation) bool { return hasPrefix(steps, op.Path) })
		if i < 0 || !violated[change.Pointer()] {
			continue
		}
		if made[i] == nil {
			made[i] = a.fix(operations[i])
		}
		fixes[change.Pointer()] = made[i]
	}
	return fixes
}

// fix is an operation as a change of the text; nil where that cannot be made.
func (a *answer) fix(op mutate.Operation) *finding.Fix {
	lead := len(a.text.lead)
	list, err := yamledit.Replacements(slices.Concat(a.text.lead, a.text.raw), []yamledit.Edit{a.edit(op)})
	if err != nil {
		return nil
	}
	fix := &finding.Fix{Description: "fill in " + spec.RootAt(op.Path...).String() + ", as podfence mutate does"}
	for _, r := range list {
		if r.Offset < lead {
			return nil // before the chunk
		}
		from, to := a.text.at(r.Offset-lead), a.text.at(r.Offset-lead+r.Removed)
		fix.Replacements = append(fix.Replacements, finding.Replacement{
			Region: finding.Region{Line: from.Line, Column: from.Column, EndLine: to.Line, EndColumn: to.Column}, Text: r.Text,
		})
	}
	return fix
}
