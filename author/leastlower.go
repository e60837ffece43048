package author

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podfence/podfence/policy"
)

// lower is a policy that grants one thing less than another, or one thing narrower by
// one step.
type lower struct {
	// at is the entry that is smaller.
	at policy.Entry
	// change says what is smaller, in a few words.
	change string
	policy *policy.Policy
}

// steps says which steps lead to smaller policies.
type steps struct {
	// tight: rules narrow too, and all volume types count.
	tight bool
	// keepRanges: ranges stay as they are, and rules over users that have some.
	keepRanges bool
}

// lowers are the policies just below a policy: each grant removed, and each narrowed by
// one step; of a tight one also each rule. below are the paths that workloads use under
// an entry for host paths, below its prefix.
func (s steps) lowers(p *policy.Policy, below func(policy.Entry) []string) (list []lower) {
	for _, granted := range p.Granted() {
		switch {
		case granted.At.Container > 0:
			continue // below, with its entry
		case granted.At.Key == policy.KeyVolumes && !s.tight && slices.Contains(policy.DefaultVolumes(), granted.Grant.Value.(string)):
			continue // the default policy has it
		case s.keepRanges && granted.At.Key == policy.KeyRunAsUser && p.Allow.RunAsUser.Rule == policy.MustRunAs:
			continue
		}
		list = append(list, lower{granted.At, "without " + granted.Grant.String(), p.Without(granted.At)})
		switch value := granted.Grant.Value.(type) {
		case policy.HostPath:
			list = append(list, lowerPaths(p, granted.At, value, s.tight, below(granted.At))...)
		case policy.PortRange:
			if !s.keepRanges {
				list = append(list, lowerPorts(p, granted.At, value)...)
			}
		}
	}
	if !s.keepRanges {
		list = append(list, lowerUsers(p)...)
	}
	if s.tight {
		for _, rule := range pinnedGroups {
			list = append(list, lowerGroups(p, &rule)...)
		}
	}
	for i := range p.Containers {
		list = append(list, s.lowerEntries(p, i)...)
	}
	return list
}

// lowerEntries are the steps by which an entry for single containers narrows: those of
// a policy that says the same.
func (s steps) lowerEntries(p *policy.Policy, i int) (list []lower) {
	part := p.Containers[i].Part()
	s.tight = false // an entry demands nothing
	for _, l := range s.lowers(&part, func(policy.Entry) []string { return nil }) {
		less := p.DeepCopy()
		less.WithPart(i, l.policy)
		l.at.Container = uint8(i) + 1
		list = append(list, lower{l.at, fmt.Sprintf("containers[%d] %s", i, l.change), less})
	}
	return list
}

// lowerPaths are the steps by which an entry for host paths narrows.
func lowerPaths(p *policy.Policy, at policy.Entry, h policy.HostPath, tight bool, below []string) (list []lower) {
	with := func(narrower ...policy.HostPath) {
		less := p.DeepCopy()
		less.Allow.AllowedHostPaths = slices.Replace(less.Allow.AllowedHostPaths, int(at.Index), int(at.Index)+1, narrower...)
		var words []string
		for _, h := range narrower {
			words = append(words, policy.Grant{Key: at.Key, Value: h}.String())
		}
		list = append(list, lower{at, "only " + strings.Join(words, " and "), less})
	}
	if len(below) > 0 {
		narrower := make([]policy.HostPath, len(below))
		for i, path := range below {
			narrower[i] = h
			narrower[i].PathPrefix = path
		}
		with(narrower...)
	}
	if !h.ReadOnly {
		narrower := h
		narrower.ReadOnly = true
		with(narrower)
	}
	if !tight {
		return list
	}
	if h.ReadOnly && !h.RecursiveReadOnly {
		narrower := h
		narrower.RecursiveReadOnly = true
		with(narrower)
	}
	for i := range h.Types {
		if len(h.Types) > 1 {
			narrower := h
			narrower.Types = slices.Delete(slices.Clone(h.Types), i, i+1)
			with(narrower)
		}
	}
	return list
}

// lowerPorts are the steps by which a range of ports narrows: by either end.
func lowerPorts(p *policy.Policy, at policy.Entry, r policy.PortRange) (list []lower) {
	if r.Min == r.Max {
		return nil
	}
	for _, narrower := range [...]policy.PortRange{{Min: r.Min + 1, Max: r.Max}, {Min: r.Min, Max: r.Max - 1}} {
		less := p.DeepCopy()
		less.Allow.AllowedHostPorts[at.Index] = narrower
		list = append(list, lower{at, "only " + policy.Grant{Key: at.Key, Value: narrower}.String(), less})
	}
	return list
}

// lowerUsers are the steps by which the ranges of users narrow. That of one ID alone has
// none: without it no user would be left.
func lowerUsers(p *policy.Policy) (list []lower) {
	rule := p.Allow.RunAsUser
	for _, ranges := range narrowerRanges(rule.Ranges, func(int64) bool { return false }) {
		less := p.DeepCopy()
		less.Allow.RunAsUser.Ranges = ranges
		grant := policy.Grant{Key: policy.KeyRunAsUser, Value: less.Allow.RunAsUser}
		list = append(list, lower{policy.Entry{Key: policy.KeyRunAsUser, Index: -1}, "only " + grant.String(), less})
	}
	return list
}

// filledGroup is the ID that is filled in where a rule admits it. A range that holds it
// is left alone: without it another ID would be filled in, and the pod would not be the
// same.
const filledGroup = 1

func lowerGroups(p *policy.Policy, rule *pinnedGroup) (list []lower) {
	for _, ranges := range narrowerRanges(rule.of(&p.Allow).Ranges, func(id int64) bool { return id == filledGroup }) {
		less := p.DeepCopy()
		rule.of(&less.Allow).Ranges = ranges
		list = append(list, lower{
			policy.Entry{Key: rule.key, Index: -1}, "only " + groupText(rule.key, rule.of(&less.Allow)), less,
		})
	}
	return list
}

// narrowerRanges are ranges that hold a range less, where there is another one, or an
// end of one range less. IDs that are kept stay in.
func narrowerRanges(ranges []policy.IDRange, kept func(int64) bool) (list [][]policy.IDRange) {
	for i, r := range ranges {
		put := func(narrower ...policy.IDRange) {
			list = append(list, slices.Replace(slices.Clone(ranges), i, i+1, narrower...))
		}
		switch {
		case r.Min == r.Max && len(ranges) > 1 && !kept(r.Min):
			put()
		case r.Min < r.Max:
			if !kept(r.Min) {
				put(policy.IDRange{Min: r.Min + 1, Max: r.Max})
			}
			if !kept(r.Max) {
				put(policy.IDRange{Min: r.Min, Max: r.Max - 1})
			}
		}
	}
	return list
}
