package evaluate

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Message renders what stands against the pod in the words of Pod Security
// Admission, empty for an allowed pod. What a policy's own rules demand follows
// in the same form. Names stand in it as upstream has them, with the control
// characters that a pod may hold before API validation: to print it, pass it
// through spec.Printable.
func (r Result) Message() string { return r.prefixed("") }

// Warning is Message as Pod Security Admission warns: after
// `would violate PodSecurity "restricted:latest": `. Empty for an allowed pod.
func (r Result) Warning() string { return r.prefixed("would violate PodSecurity ") }

// Refusal is Message as Pod Security Admission refuses: after
// `violates PodSecurity "restricted:latest": `. Empty for an allowed pod.
func (r Result) Refusal() string { return r.prefixed("violates PodSecurity ") }

func (r *Result) prefixed(verb string) string {
	if r.Allowed() {
		return ""
	}
	var b strings.Builder
	b.Grow(room(r.Violations))
	if verb != "" {
		b.WriteString(verb)
		b.WriteString(strconv.Quote(r.Level.String()))
		b.WriteString(": ")
	}
	r.writeMessage(&b)
	return b.String()
}

// room is about as many bytes as a message needs: its words for every check, and
// the names for every violation.
func room(vs []Violation) int {
	n := 64
	for i := range vs {
		v := &vs[i]
		if i == 0 || v.Check != vs[i-1].Check || v.Rule != vs[i-1].Rule {
			n += 84
		}
		n += len(v.Container.Name) + len(v.Volume) + len(`"", `)
	}
	return n
}

// Part is what the message says of one check or rule.
type Part struct {
	// Check is the broken check; zero for a rule of the policy.
	Check spec.CheckID
	// Rule is the policy's broken rule; zero for a check.
	Rule policy.Key
	// Reason names what is wrong, Detail where: the message has the detail in
	// parentheses behind the reason, and no parentheses for an empty one.
	Reason, Detail string
}

// Parts is the message taken apart, for callers that join it themselves, as
// k8s.io/pod-security-admission does with its CheckResults.
func (r Result) Parts() []Part {
	var parts []Part
	for group := range groups(r.Violations) {
		part := Part{Check: group[0].Check, Rule: group[0].Rule}
		if part.Check != 0 {
			part.Reason = reason(part.Check, group)
			part.Detail = written(func(b *strings.Builder) { checks[part.Check].detail(b, group) })
		} else {
			part.Reason = written(func(b *strings.Builder) { r.writeRuleReason(b, group) })
			part.Detail = written(func(b *strings.Builder) { writeDemands(b, group) })
		}
		parts = append(parts, part)
	}
	return parts
}

// written is what a function writes.
func written(write func(*strings.Builder)) string {
	var b strings.Builder
	write(&b)
	return b.String()
}

func (r *Result) writeMessage(b *strings.Builder) {
	separator := ""
	for group := range groups(r.Violations) {
		b.WriteString(separator)
		if id := group[0].Check; id != 0 {
			writeCheck(b, id, group)
		} else {
			r.writeRule(b, group)
		}
		separator = ", "
	}
}

// groups visits the violations of each check and each rule together.
func groups(vs []Violation) iter.Seq[[]Violation] {
	return func(yield func([]Violation) bool) {
		for rest := vs; len(rest) > 0; {
			n := run(rest)
			if !yield(rest[:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// writeCheck renders the violations of one check: the reason, and the detail in
// parentheses, which upstream leaves out with an empty detail.
func writeCheck(b *strings.Builder, id spec.CheckID, group []Violation) {
	b.WriteString(reason(id, group))
	if namelessSysctl(group) {
		return
	}
	b.WriteString(" (")
	checks[id].detail(b, group)
	b.WriteByte(')')
}

// run is the number of violations at the start that break the same check or rule.
func run(vs []Violation) int {
	for i := range vs {
		if vs[i].Check != vs[0].Check || vs[i].Rule != vs[0].Rule {
			return i
		}
	}
	return len(vs)
}

func reason(id spec.CheckID, group []Violation) string {
	if id == spec.CheckAppArmorProfile {
		return appArmorReason(group)
	}
	return checks[id].reason
}

// writeRule renders the violations of one rule of the policy.
func (r *Result) writeRule(b *strings.Builder, group []Violation) {
	r.writeRuleReason(b, group)
	b.WriteString(" (")
	writeDemands(b, group)
	b.WriteByte(')')
}

func (r *Result) writeRuleReason(b *strings.Builder, group []Violation) {
	b.WriteString(group[0].Rule.String())
	b.WriteString(" of policy ")
	b.WriteString(strconv.Quote(r.PolicyName()))
}

func writeDemands(b *strings.Builder, group []Violation) {
	for i := range group {
		if i > 0 {
			b.WriteString("; ")
		}
		writeDemand(b, &group[i])
	}
}

// writeDemand words one violation of a rule, without the path to the container:
// the pod may stand anywhere in another object.
func writeDemand(b *strings.Builder, v *Violation) {
	path := v.Location.Short()
	switch {
	case v.Volume != "":
		fmt.Fprintf(b, "volume %q", v.Volume)
	case v.Container.Kind != 0:
		fmt.Fprintf(b, "%s %q %s", v.Container.Kind, v.Container.Name, path)
	default:
		b.WriteString("pod " + path)
	}
	fmt.Fprintf(b, " must be %s, is %s", v.Want, v.ValueString())
}

// The functions below are the phrases of which Pod Security Admission's details
// are made. Names are quoted as they are, without escaping.

// selects tells which violations of a group a phrase is about.
type selects func(*Violation) bool

func anyViolation(*Violation) bool     { return true }
func setViolation(v *Violation) bool   { return v.Value != nil }
func unsetViolation(v *Violation) bool { return v.Value == nil }

func (s selects) in(vs []Violation) bool {
	for i := range vs {
		if s(&vs[i]) {
			return true
		}
	}
	return false
}

// writeContainers writes `container "a"` or `containers "a", "b"`: each
// container once, in visiting order, names repeated where containers share one.
func writeContainers(b *strings.Builder, vs []Violation, which selects) {
	b.WriteString(plural("container", countContainers(vs, which)))
	separator := ` "`
	for name := range containerNames(vs, which) {
		b.WriteString(separator)
		b.WriteString(name)
		b.WriteByte('"')
		separator = `, "`
	}
}

// containerNames visits the names of the containers that a group is about, each
// container once: their violations stand together.
func containerNames(vs []Violation, which selects) iter.Seq[string] {
	return func(yield func(string) bool) {
		var last *spec.Container
		for i := range vs {
			at := &vs[i].Container
			if at.Kind == 0 || !which(&vs[i]) || last != nil && at.Kind == last.Kind && at.Index == last.Index {
				continue
			}
			if last = at; !yield(at.Name) {
				return
			}
		}
	}
}

func countContainers(vs []Violation, which selects) (n int) {
	for range containerNames(vs, which) {
		n++
	}
	return n
}

// writeSetters writes `pod`, the containers, or both joined by "and".
func writeSetters(b *strings.Builder, vs []Violation, which selects) {
	var pod, containers bool
	for i := range vs {
		if which(&vs[i]) {
			pod = pod || vs[i].Container.Kind == 0
			containers = containers || vs[i].Container.Kind != 0
		}
	}
	if pod {
		b.WriteString("pod")
	}
	if pod && containers {
		b.WriteString(" and ")
	}
	if containers {
		writeContainers(b, vs, which)
	}
}

// values returns the string values of violations, sorted and without repeats.
func values(vs []Violation, which selects) []string {
	var list []string
	for i := range vs {
		if s, ok := vs[i].Value.(string); ok && which(&vs[i]) {
			list = append(list, s)
		}
	}
	return sortedUnique(list)
}

func sortedUnique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// writeQuoted writes `"a", "b"`, nothing escaped.
func writeQuoted(b *strings.Builder, items []string) {
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('"')
		b.WriteString(item)
		b.WriteByte('"')
	}
}

// plural is the noun for a number of things.
func plural(noun string, count int) string {
	if count == 1 {
		return noun
	}
	return noun + "s"
}
