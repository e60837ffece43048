package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

// The text form of an answer is a headline, which begins with the place as
// compilers print it, and indented lines below it. That of evaluate ends with the
// warning of Pod Security Admission, which is what the author saw on the cluster:
//
//	web.yaml:1 Deployment/prod/web: denied
//	    web.yaml:7: spec.template.spec.hostPID is true, must be false or unset [hostNamespaces]; a policy could allow it: allow.hostPID: true
//	    Warning: would violate PodSecurity "restricted:latest": host namespaces (hostPID=true)

const indent = "    "

func (a *answer) writeText(w io.Writer, l look) error {
	p := &page{look: l}
	verdict := red
	switch {
	case a.result.Allowed():
		verdict = green
	case a.accepted():
		verdict = yellow
	}
	p.line(bold+verdict, "%s %s: %s", a.where(), a.title(), a.headline())
	if note := a.note("judged"); note != "" {
		p.line("", indent+"%s", note)
	}
	a.writeLevels(p)
	if a.decision != nil {
		a.writeDecision(p)
	}
	a.writeNotices(p)
	a.writeNear(p)
	a.writeViolations(p, "", a.result.Violations)
	a.writeExcused(p)
	a.writeStored(p)
	a.writeObserved(p)
	if a.decision == nil && !a.result.Allowed() {
		p.line(yellow, indent+"Warning: %s", a.result.Warning())
	}
	_, err := w.Write(p.Bytes())
	return err
}

func (a *answer) headline() string { return a.verdict() + a.levels.headline() }

func (a *answer) verdict() string {
	verdict := "denied"
	switch {
	case a.result.Allowed():
		verdict = "allowed"
	case a.accepted():
		verdict = "denied, accepted by the baseline"
	}
	if a.decision != nil {
		if n := len(a.decision.Report.Changes()); n > 0 {
			verdict += ", " + counted(n, "field") + " filled in"
		}
		return verdict
	}
	if policy := a.result.PolicyName(); policy != "" {
		verdict += " under policy " + policy
	}
	return verdict
}

// writeViolations writes what stands, with its own place in the file, and with
// what would excuse it: the smallest grants, each of which would do. lead says what
// it stands against, where that is not the verdict.
func (a *answer) writeViolations(p *page, lead string, violations []evaluate.Violation) {
	lines := a.lines(violations)
	for i := range violations {
		v := &violations[i]
		accepted := lead == "" && a.knows(i)
		p.line("", indent+"%s%s:%d: %s", lead, a.file, lines[i], violationText(v)+only(accepted, "; accepted by the baseline"))
		if hint := v.Hint(); hint != "" {
			p.line("", indent+"  %s", hint)
		}
	}
}

// violationText is a violation with the smallest grants that would excuse it.
func violationText(v *evaluate.Violation) string {
	var grants []string
	for _, g := range v.Grants() {
		grants = append(grants, g.String())
	}
	return v.String() + listed("; a policy could allow it: ", " or ", grants...)
}

// writeStored says in one line what the API server would make of the verdict.
func (a *answer) writeStored(p *page) {
	switch {
	case a.stored == nil:
	case a.stored.Allowed():
		p.line("", indent+"as stored: allowed, for the API server makes an emptyDir of a volume without a source")
	default:
		more := ""
		if n := len(a.stored.Violations) - 1; n > 0 {
			more = fmt.Sprintf("; and %d more", n)
		}
		first := a.stored.Violations[:1]
		p.line("", indent+"%s:%d: as stored: denied, for %s%s", a.file, a.lines(first)[0], first[0].String(), more)
	}
}

func (a *answer) writeExcused(p *page) {
	for i := range a.result.Excused {
		v := &a.result.Excused[i]
		p.line("", indent+"excused by policy %s, %s: %s", a.result.PolicyName(), v.ExcusedBy, excusedText(v))
	}
}

// excusedText is a violation without what it would have to be.
func excusedText(v *evaluate.Violation) string {
	who := ""
	switch {
	case v.Container.Kind != 0:
		who = fmt.Sprintf(" (%s %q)", v.Container.Kind, v.Container.Name)
	case v.Volume != "":
		who = fmt.Sprintf(" (volume %q)", v.Volume)
	}
	text := fmt.Sprintf("%s%s is %s [%s]", v.Location, who, v.ValueString(), v.CheckOrRule())
	if v.Default != 0 {
		text += " (" + v.Default.String() + ")"
	}
	return text
}

// writeDecision writes which policy governs and why, what is filled in, what is
// not, and what may still go wrong.
func (a *answer) writeDecision(p *page) {
	d := a.decision
	p.line("", indent+"%s", governing(d))
	for _, c := range d.Report.Changes() {
		p.line(green, indent+"+ %s: %s  (%s)", c.Location, flow(c.Value), c.Serves())
	}
	writeUnset(p, d)
	for _, advice := range d.Advice() {
		p.line(yellow, indent+"! %s", advice)
	}
}

func governing(d *podfence.Decision) string {
	switch d.Reason {
	case podfence.PrivilegedLevel:
		return d.Reason.String()
	case podfence.NoPolicy:
		return "default policy: " + d.Reason.String()
	}
	s := fmt.Sprintf("policy %s: %s", d.Result.Policy.Name, d.Reason)
	if len(d.Considered) > 1 {
		s += " (tried: " + strings.Join(d.Considered, ", ") + ")"
	}
	return s
}

// writeUnset writes a line for each field, but one line for all those that a
// reason about the whole pod covers.
func writeUnset(p *page, d *podfence.Decision) {
	whole := map[mutate.Reason]int{}
	for _, u := range d.Report.Unset() {
		switch u.Reason {
		case mutate.Windows, mutate.Mirror:
			whole[u.Reason]++
		default:
			p.line("", indent+"- %s left unset: %s", u.Location, d.Why(u))
		}
	}
	for _, reason := range []mutate.Reason{mutate.Windows, mutate.Mirror} {
		if n := whole[reason]; n > 0 {
			p.line("", indent+"- %s left unset: %s", counted(n, "field"), reason)
		}
	}
}

// oneLine is what every line for people goes through: it stays one line, and
// says nothing to a terminal, whatever names it holds.
func oneLine(format string, args ...any) string { return spec.Printable(fmt.Sprintf(format, args...)) }

// flow renders a value that Mutate filled in as YAML in flow style.
func flow(value any) string {
	switch v := value.(type) {
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	case []int64:
		return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
	default:
		return fmt.Sprint(v)
	}
}

// present are the strings that are not empty.
func present(list ...string) (kept []string) {
	for _, s := range list {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}
