package evaluate

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/podfence/podfence/spec"
)

// Message renders what stands against the pod in the words of Pod Security
// Admission, empty for an allowed pod. What a policy's own rules demand follows
// in the same form.
func (r Result) Message() string {
	if r.Allowed() {
		return ""
	}
	return string(r.appendMessage(r.room()))
}

// room is an empty buffer that holds most messages.
func (r *Result) room() []byte { return make([]byte, 0, 128+96*len(r.Violations)) }

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
	b := append(r.room(), verb...)
	b = strconv.AppendQuote(b, r.Level.String())
	return string(r.appendMessage(append(b, ": "...)))
}

// Part is what the message says of one check or rule.
type Part struct {
	// Check is the broken check; zero for a rule of the policy.
	Check spec.CheckID
	// Rule is the policy's broken rule; empty for a check.
	Rule string
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
			part.Detail = string(checks[part.Check].detail(nil, group))
		} else {
			part.Reason = string(r.appendRuleReason(nil, group))
			part.Detail = string(appendDemands(nil, group))
		}
		parts = append(parts, part)
	}
	return parts
}

func (r *Result) appendMessage(b []byte) []byte {
	separator := ""
	for group := range groups(r.Violations) {
		b = append(b, separator...)
		if id := group[0].Check; id != 0 {
			b = appendCheck(b, id, group)
		} else {
			b = r.appendRule(b, group)
		}
		separator = ", "
	}
	return b
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

// appendCheck renders the violations of one check: the reason, and the detail in
// parentheses, which upstream leaves out with an empty detail. One check has
// such a one: that of a single sysctl without a name.
func appendCheck(b []byte, id spec.CheckID, group []Violation) []byte {
	b = append(b, reason(id, group)...)
	bare := len(b)
	b = checks[id].detail(append(b, " ("...), group)
	if len(b) == bare+len(" (") {
		return b[:bare]
	}
	return append(b, ')')
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

// appendRule renders the violations of one rule of the policy.
func (r *Result) appendRule(b []byte, group []Violation) []byte {
	b = append(r.appendRuleReason(b, group), " ("...)
	return append(appendDemands(b, group), ')')
}

func (r *Result) appendRuleReason(b []byte, group []Violation) []byte {
	b = append(b, group[0].Rule...)
	b = append(b, " of policy "...)
	return strconv.AppendQuote(b, r.PolicyName())
}

func appendDemands(b []byte, group []Violation) []byte {
	for i := range group {
		v := &group[i]
		if i > 0 {
			b = append(b, "; "...)
		}
		b = appendDemand(b, v)
	}
	return b
}

// appendDemand words one violation of a rule, without the path to the
// container: the pod may stand anywhere in another object.
func appendDemand(b []byte, v *Violation) []byte {
	field := v.Location
	field.Container = spec.Container{}
	path := strings.TrimPrefix(field.String(), "spec.")
	switch {
	case v.Volume != "":
		b = append(b, "volume "...)
		b = strconv.AppendQuote(b, v.Volume)
	case v.Container.Kind != 0:
		b = append(b, v.Container.Kind.String()...)
		b = append(b, ' ')
		b = strconv.AppendQuote(b, v.Container.Name)
		b = append(append(b, ' '), path...)
	default:
		b = append(append(b, "pod "...), path...)
	}
	b = append(b, " must be "...)
	b = append(b, v.Want...)
	b = append(b, ", is "...)
	return append(b, v.ValueString()...)
}

// The functions below are the phrases of which Pod Security Admission's details
// are made. Names are quoted as they are, without escaping.

// selects tells which violations of a group a phrase is about.
type selects func(*Violation) bool

func anyViolation(*Violation) bool     { return true }
func setViolation(v *Violation) bool   { return v.Value != nil }
func unsetViolation(v *Violation) bool { return v.Value == nil }
func (s selects) in(vs []Violation) bool {
	return slices.ContainsFunc(vs, func(v Violation) bool { return s(&v) })
}

// appendContainers appends `container "a"` or `containers "a", "b"`: each
// container once, in visiting order, names repeated where containers share one.
func appendContainers(b []byte, vs []Violation, which selects) []byte {
	b = append(b, plural("container", countContainers(vs, which))...)
	separator := " "
	for name := range containerNames(vs, which) {
		b = append(append(b, separator...), '"')
		b = append(append(b, name...), '"')
		separator = ", "
	}
	return b
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

// appendSetters appends `pod`, the containers, or both joined by "and".
func appendSetters(b []byte, vs []Violation, which selects) []byte {
	var pod, containers bool
	for i := range vs {
		if which(&vs[i]) {
			pod = pod || vs[i].Container.Kind == 0
			containers = containers || vs[i].Container.Kind != 0
		}
	}
	if pod {
		b = append(b, "pod"...)
	}
	if pod && containers {
		b = append(b, " and "...)
	}
	if containers {
		b = appendContainers(b, vs, which)
	}
	return b
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

// appendQuoted appends `"a", "b"`, nothing escaped.
func appendQuoted(b []byte, items []string) []byte {
	for i, item := range items {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, '"')
		b = append(b, item...)
		b = append(b, '"')
	}
	return b
}

// plural is the noun for a number of things.
func plural(noun string, count int) string {
	if count == 1 {
		return noun
	}
	return noun + "s"
}
