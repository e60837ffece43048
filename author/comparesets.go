package author

import (
	"cmp"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Change is what became of a policy from an old set to a new one.
type Change string

// The changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
	// Unchanged: no pod notices a difference, whatever else was written anew.
	Unchanged Change = "unchanged"
)

// SetComparison is the answer of [CompareSets].
type SetComparison struct {
	// Level is the level and version that was asked about, after spec.Normalize.
	Level api.LevelVersion `json:"-"`
	// Policies are those of both sets, by name and namespace.
	Policies []PolicyComparison `json:"policies"`
}

// PolicyComparison is what became of one policy, and what its pods notice of it.
type PolicyComparison struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Change    Change `json:"change"`
	// Old and New are where the policy stands; nil in the set that has none.
	Old *policy.Reference `json:"old,omitempty"`
	New *policy.Reference `json:"new,omitempty"`
	// Selectors is how the pods that it selects changed; empty where a set has none.
	Selectors policy.SelectorRelation `json:"selectors,omitempty"`
	// Parts are the pods that notice something, by what governed them and does now.
	Parts []Part `json:"parts"`
	// Beside are other policies, of either set, that select some of its pods too. A pod
	// is allowed if one of several policies allows it.
	Beside []string `json:"beside"`
}

// Part is some of the pods of a policy, which one policy governed before and another
// does now. The default policy, plain restricted, governs those that no policy selects.
type Part struct {
	// Pods says which of its pods they are.
	Pods PartOf `json:"pods"`
	// With is the other policy of the old set that selects them, for Shared.
	With string `json:"with,omitempty"`
	Comparison
}

// PartOf says which of the pods of a policy are meant.
type PartOf string

// The parts.
const (
	// Both: those that the old policy selects and the new one too.
	Both PartOf = "both"
	// Gained: those that only the new one selects. The policy takes the place of the
	// default one for them.
	Gained PartOf = "gained"
	// Lost: those that only the old one selects. The default policy takes its place.
	Lost PartOf = "lost"
	// Shared: those of Gained that another policy of the old set selects too. That one
	// governed them, and not the default policy; told is what it did not allow.
	Shared PartOf = "shared"
)

// MayAllowMore reports whether a pod is allowed now that was not, or that could not
// be ruled out.
func (c *SetComparison) MayAllowMore() bool {
	return slices.ContainsFunc(c.Policies, func(p PolicyComparison) bool { return p.MayAllowMore() })
}

// MayAllowMore reports whether pods of the policy may be allowed that were not.
func (c *PolicyComparison) MayAllowMore() bool {
	return slices.ContainsFunc(c.Parts, func(p Part) bool { return p.Comparison.MayAllowMore() })
}

// Relation sums up the parts: one that each of them allows, or equal for none.
func (c *PolicyComparison) Relation() Relation {
	var all []PolicyDifference
	for i := range c.Parts {
		all = append(all, c.Parts[i].Differences...)
	}
	return relationOf(all)
}

// CompareSets says what became of the policies of an old set in a new one, at a level
// and version: policies are paired by name and namespace, and each pair is held
// against each other for the pods that both select. A policy also takes the place of
// the default one, for pods that no policy selected before, and leaves it to that one
// where it no longer selects them: so each is held against the default policy for the
// pods that it gains or loses. It fails with policy.Errors for policies that make no
// set.
//
// Where MayAllowMore is false, no pod is allowed with the new set that is denied with
// the old one [TestSetsNotWiderIsSound]. Several policies may select a pod, which is
// allowed if one of them allows it. That is followed only so far: a policy that gains
// pods is also held against each other old one that selects some of them; and a witness
// that widens was tried with the old set as a whole, which is said in CoveredBy if
// another policy allows it.
func CompareSets(old, new []policy.Policy, lv api.LevelVersion) (SetComparison, error) {
	before, err := policy.NewSet(old...)
	if err != nil {
		return SetComparison{}, err
	}
	after, err := policy.NewSet(new...)
	if err != nil {
		return SetComparison{}, err
	}
	s := setComparer{lv: spec.Normalize(lv), before: before, after: after}
	answer := SetComparison{Level: s.lv, Policies: []PolicyComparison{}}
	for _, pair := range pairs(before.Policies(), after.Policies()) {
		answer.Policies = append(answer.Policies, s.compare(pair[0], pair[1]))
	}
	return answer, nil
}

// pairs are the policies of two sets, each in order of name and namespace, those of
// one name side by side; nil where a set has none.
func pairs(old, new []*policy.Policy) (list [][2]*policy.Policy) {
	for len(old) > 0 || len(new) > 0 {
		switch order := comparePairs(old, new); {
		case order < 0:
			list, old = append(list, [2]*policy.Policy{old[0], nil}), old[1:]
		case order > 0:
			list, new = append(list, [2]*policy.Policy{nil, new[0]}), new[1:]
		default:
			list, old, new = append(list, [2]*policy.Policy{old[0], new[0]}), old[1:], new[1:]
		}
	}
	return list
}

// comparePairs says which of the first two comes first.
func comparePairs(old, new []*policy.Policy) int {
	switch {
	case len(new) == 0:
		return -1
	case len(old) == 0:
		return 1
	default:
		return cmp.Or(cmp.Compare(old[0].Name, new[0].Name), cmp.Compare(old[0].Namespace, new[0].Namespace))
	}
}

// setComparer holds two sets against each other.
type setComparer struct {
	lv            api.LevelVersion
	before, after policy.Set
}

func (s *setComparer) compare(old, new *policy.Policy) PolicyComparison {
	named := cmp.Or(new, old)
	c := PolicyComparison{Name: named.Name, Namespace: named.Namespace, Change: Changed, Parts: []Part{}, Beside: s.beside(old, new)}
	switch {
	case old == nil:
		c.Change, c.New = Added, referenceTo(new)
		c.add(s.gained(nil, new)...)
	case new == nil:
		c.Change, c.Old = Removed, referenceTo(old)
		c.add(s.lost(old, nil)...)
	default:
		c.Old, c.New, c.Selectors = referenceTo(old), referenceTo(new), policy.CompareSelectors(old, new)
		if namespace, labels, some := policy.SelectedByBoth(old, new); some {
			c.add(s.part(Both, old, new, namespace, labels))
		}
		c.add(s.gained(old, new)...)
		c.add(s.lost(old, new)...)
		if len(c.Parts) == 0 && c.Selectors == policy.SelectorsSame {
			c.Change = Unchanged
		}
	}
	return c
}

// selectsAll reports whether some policy of a set, one of the same name excepted,
// selects all pods of a policy: the default one governs none of them.
func selectsAll(set policy.Set, p *policy.Policy) bool {
	return slices.ContainsFunc(set.Policies(), func(other *policy.Policy) bool {
		switch policy.CompareSelectors(other, p) {
		case policy.SelectorsSame, policy.SelectorsNarrower:
			return !isNamed(other, p)
		default:
			return false
		}
	})
}

// lost is the part of the pods that only the old policy selects, if there are any.
func (s *setComparer) lost(old, new *policy.Policy) []Part {
	namespace, labels, some := policy.SelectedPod(old, new)
	if !some || selectsAll(s.after, old) {
		return nil
	}
	return []Part{s.part(Lost, old, nil, namespace, labels)}
}

// add keeps the parts whose pods notice anything.
func (c *PolicyComparison) add(parts ...Part) {
	for _, p := range parts {
		if len(p.Differences)+len(p.Fills) > 0 {
			c.Parts = append(c.Parts, p)
		}
	}
}

func referenceTo(p *policy.Policy) *policy.Reference {
	return &policy.Reference{Namespace: p.Namespace, Name: p.Name, Position: p.Source.Position}
}

// part compares what governed some pods with what governs them now; nil is the default
// policy. Their namespace and labels are given to the witnesses.
func (s *setComparer) part(of PartOf, old, new *policy.Policy, namespace string, labels map[string]string) Part {
	p := Part{Pods: of, Comparison: Compare(old, new, s.lv)}
	for i := range p.Differences {
		if d := &p.Differences[i]; d.Witness != nil {
			d.Witness.Pod.Namespace, d.Witness.Pod.Labels = namespace, labels
			d.CoveredBy = s.covered(d)
		}
	}
	return p
}

// gained are the parts of the pods that only the new policy selects: under the default
// policy before, or under another one, of which only what that did not allow is told.
func (s *setComparer) gained(old, new *policy.Policy) []Part {
	namespace, labels, some := policy.SelectedPod(new, old)
	if !some {
		return nil
	}
	var gained Part
	var parts []Part
	if !selectsAll(s.before, new) {
		gained = s.part(Gained, nil, new, namespace, labels)
		parts = append(parts, gained)
	}
	for _, other := range s.before.Policies() {
		namespace, labels, some := policy.SelectedByBoth(other, new)
		if !some || isNamed(other, new) {
			continue
		}
		shared := s.part(Shared, other, new, namespace, labels)
		shared.With, shared.Fills = other.Name, []FillDifference{}
		shared.Differences = slices.DeleteFunc(shared.Differences, func(d PolicyDifference) bool {
			return !d.Widening() || slices.ContainsFunc(gained.Differences, d.says)
		})
		shared.Comparison.Relation = relationOf(shared.Differences)
		parts = append(parts, shared)
	}
	return parts
}

// says reports whether another difference says the same.
func (d *PolicyDifference) says(other PolicyDifference) bool {
	return d.Key == other.Key && d.Direction == other.Direction && d.Text() == other.Text()
}

// covered is the policy of the old set that allows what a witness shows, empty for
// none.
func (s *setComparer) covered(d *PolicyDifference) string {
	if d.Direction != Widens {
		return ""
	}
	if answer := podfence.Admit(d.Witness.Pod, s.lv, s.before); answer.Allowed() {
		return answer.Result.PolicyName()
	}
	return ""
}

// beside are the other policies that select pods of a policy too.
func (s *setComparer) beside(old, new *policy.Policy) []string {
	names := []string{}
	for _, p := range slices.Concat(s.before.Policies(), s.after.Policies()) {
		if isNamed(p, old) || isNamed(p, new) {
			continue
		}
		if old != nil && policy.Overlap(p, old) || new != nil && policy.Overlap(p, new) {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func isNamed(p, other *policy.Policy) bool {
	return other != nil && p.Name == other.Name && p.Namespace == other.Namespace
}
