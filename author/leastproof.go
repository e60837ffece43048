package author

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podfence/podfence/policy"
)

// Proof is what was tried with the result of [Least].
type Proof struct {
	// Admitted is how many workloads were asked about once more and are allowed under
	// the policies: all but the Unmet.
	Admitted int
	// Denied are those that are not allowed, and yet not among the Unmet. There are
	// none, or the suggestion is wrong.
	Denied []Reference
	// Steps are the smaller policies that were tried, each with a workload that is
	// denied under it.
	Steps []Step
}

// Holds reports whether every workload is allowed.
func (p *Proof) Holds() bool { return len(p.Denied) == 0 }

// String says what was proven: "minimal: 9 smaller policies tried, each refuses a pod".
func (p *Proof) String() string {
	if !p.Holds() {
		return fmt.Sprintf("not proven: %d workloads are denied under the result", len(p.Denied))
	}
	switch len(p.Steps) {
	case 0:
		return "minimal: there is no smaller policy"
	case 1:
		return "minimal: 1 smaller policy tried, it refuses a pod"
	default:
		return fmt.Sprintf("minimal: %d smaller policies tried, each refuses a pod", len(p.Steps))
	}
}

// Step is a smaller policy that was tried.
type Step struct {
	// Policy is the name of the policy that was made smaller, and Change says by what.
	Policy, Change string
	// Refuses is a workload that is denied then.
	Refuses Reference
}

// trial tries the policies of groups on their workloads.
type trial struct {
	*asker
	groups []*group
	// set has the selectors, which do not change; byKey finds the group of a policy.
	set   policy.Set
	err   error
	byKey map[policyKey]*group
	// alone: each workload is held against the policy of its group alone.
	alone bool
}

type policyKey struct{ namespace, name string }

func newTrial(groups []*group, a *asker) *trial {
	t := &trial{asker: a, groups: groups, byKey: map[policyKey]*group{}}
	var all []policy.Policy
	for _, g := range groups {
		all = append(all, *g.policy)
		t.byKey[policyKey{g.policy.Namespace, g.policy.Name}] = g
	}
	t.set, t.err = policy.NewSet(all...)
	return t
}

// allowed reports whether a workload is allowed under the policies, with a smaller one
// in place of that of a group, none for nil.
func (t *trial) allowed(w *Workload, g *group, smaller *policy.Policy) bool {
	if t.alone {
		return w.AdmitUnder(t.lv, smaller).Allowed()
	}
	for _, p := range t.set.Governing(w.namespace(), w.labels()) {
		governs := t.byKey[policyKey{p.Namespace, p.Name}]
		under := smaller
		if governs != g {
			under = governs.policyOrNone()
		}
		if under != nil && w.AdmitUnder(t.lv, under).Allowed() {
			return true
		}
	}
	return false
}

// policyOrNone is the policy of a group, nil for one that was dropped.
func (g *group) policyOrNone() *policy.Policy {
	if g == nil {
		return nil
	}
	return g.policy
}

// dropCovered drops the groups of which every workload is allowed under another policy,
// which select it too.
func (t *trial) dropCovered() {
	for i := 0; i < len(t.groups); i++ {
		g := t.groups[i]
		if len(g.shapes) == 0 || t.err != nil {
			continue
		}
		if slices.ContainsFunc(g.shapes, func(s *shape) bool { return !t.allowed(s.Workload, g, nil) }) {
			continue
		}
		for _, s := range g.shapes {
			by := t.allowing(s.Workload, g)
			by.shapes = append(by.shapes, s)
		}
		delete(t.byKey, policyKey{g.policy.Namespace, g.policy.Name})
		t.groups = slices.Delete(t.groups, i, i+1)
		i--
	}
}

// allowing is the first group other than g whose policy allows a workload.
func (t *trial) allowing(w *Workload, g *group) *group {
	for _, p := range t.set.Governing(w.namespace(), w.labels()) {
		by := t.byKey[policyKey{p.Namespace, p.Name}]
		if by != nil && by != g && w.AdmitUnder(t.lv, by.policy).Allowed() {
			return by
		}
	}
	return nil
}

// shrink takes from each policy what no workload needs. A grant that is added never
// denies, so that a policy of which no smaller one allows all workloads is the smallest
// of all that are below it.
func (t *trial) shrink() {
	if t.err != nil {
		return
	}
	for _, g := range t.groups {
		for t.step(g) {
		}
	}
}

// step tries the policies below that of a group. It takes the first under which all
// workloads are allowed, and reports whether there is one.
func (t *trial) step(g *group) bool {
	g.steps = nil
	by := g.needsByEntry()
	below := func(e policy.Entry) []string { return g.pathsBelow(e, by[e]) }
	for _, l := range (steps{tight: t.options.Tight, keepRanges: t.alone}).lowers(g.policy, below) {
		witness := t.refused(g, &l, by)
		if witness == nil {
			g.policy = l.policy
			return true
		}
		g.steps = append(g.steps, Step{g.policy.Name, l.change, witness.references()[0]})
	}
	return false
}

// refused is a workload that is denied with the smaller policy, nil for none.
func (t *trial) refused(g *group, l *lower, by map[policy.Entry][]needOf) *shape {
	tried := map[*shape]bool{}
	try := func(s *shape) bool {
		if tried[s] {
			return false
		}
		tried[s] = true
		return !t.allowed(s.Workload, g, l.policy)
	}
	for _, n := range by[l.at] {
		if try(n.shape) {
			return n.shape
		}
	}
	if !t.alone && !demandsOfAll(l.at.Key) {
		return nil
	}
	for _, s := range g.shapes {
		if try(s) {
			return s
		}
	}
	return nil
}

// demandsOfAll reports whether a key demands something of all workloads, whether or
// not one of them needs a grant under it. The rule over volumes goes by the paths too.
func demandsOfAll(k policy.Key) bool {
	switch k {
	case policy.KeyRunAsUser, policy.KeyRunAsGroup, policy.KeyFSGroup, policy.KeySupplementalGroups, policy.KeyVolumes, policy.KeyAllowedHostPaths:
		return true
	default:
		return false
	}
}

// needOf is a need of a shape.
type needOf struct {
	*need
	shape *shape
}

// needsByEntry are the needs of a group's workloads by the entry that each goes by.
func (g *group) needsByEntry() map[policy.Entry][]needOf {
	by := map[policy.Entry][]needOf{}
	for _, s := range g.shapes {
		for i := range s.needs {
			if e, ok := entryOf(g.policy, s.Workload, &s.needs[i]); ok {
				by[e] = append(by[e], needOf{&s.needs[i], s})
			}
		}
	}
	return by
}

// pathsBelow are the paths that go by an entry and are longer than its prefix.
func (g *group) pathsBelow(e policy.Entry, needs []needOf) (paths []string) {
	for _, n := range needs {
		h, ok := n.grant.Value.(policy.HostPath)
		if ok && !strings.EqualFold(h.PathPrefix, g.policy.Allow.AllowedHostPaths[e.Index].PathPrefix) {
			paths = append(paths, h.PathPrefix)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
