package author

import (
	"cmp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	// Namespaces are those of a policy that lists them.
	Namespaces []string `json:"namespaces,omitempty"`
	Change     Change   `json:"change"`
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
// does now. A default policy governs those that no policy selects: one of the set, or
// else plain restricted.
type Part struct {
	// Pods says which of its pods they are.
	Pods PartOf `json:"pods"`
	// With is the other policy: that of the old set which selects them, for Shared; that
	// of the new set, for Released; and
	// the default policy of the set that has one, of the old set for Gained and
	// Unselected, and of the new one for Lost. Empty for plain restricted.
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
	// Unselected: those of a default policy, which no policy selects.
	Unselected PartOf = "unselected"
	// Shared: those of Gained that another policy of the old set selects too. That one
	// governed them, and not the default policy; told is what it did not allow.
	Shared PartOf = "shared"
	// Released: those of an old policy that requires a user namespace which another
	// policy of the new set selects too, and may govern now. With a user namespace of their own they were
	// the old policy's alone; told is what the other one allows and it did not.
	Released PartOf = "released"
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
// pods that it gains or loses. Default policies are held against each other for the
// pods that no policy selects. It fails with policy.Errors for policies that make no
// set.
//
// Where MayAllowMore is false, no pod is allowed with the new set that is denied with
// the old one, whether or not the labels of its namespace are known, as long as no
// policy has expired [TestSetsNotWiderIsSound]. A pod that is in no namespace yet is
// another matter: no namespaceSelector selects it, not even one that every namespace
// meets, which compares as none. Several policies may select a pod, which is allowed if
// one of them allows it. That is followed only so far: a policy that gains pods is also
// held against each other old one that selects some of them; and a witness that widens
// was tried with both sets as a whole, which is said in CoveredBy if another old policy
// allows it and in RefusedBy if another new one denies it.
func CompareSets(old, new []policy.Policy, lv api.LevelVersion) (SetComparison, error) {
	before, err := policy.NewSet(old...)
	if err != nil {
		return SetComparison{}, err
	}
	after, err := policy.NewSet(new...)
	if err != nil {
		return SetComparison{}, err
	}
	s := setComparer{lv: spec.Normalize(lv), before: before, after: after, was: map[*policy.Policy]*policy.Policy{}}
	answer := SetComparison{Level: s.lv, Policies: []PolicyComparison{}}
	list := pairs(before.Policies(), after.Policies())
	for _, pair := range list {
		s.was[pair[1]] = pair[0]
	}
	for _, pair := range list {
		answer.Policies = append(answer.Policies, s.compare(pair[0], pair[1]))
	}
	return answer, nil
}

// pairs are the policies of two sets, in order of name and namespace; nil where a set
// has none. Policies are paired by their name and a namespace that both name, or if
// neither names one: of two policies of one name in a set none has a namespace of
// the other.
func pairs(old, new []*policy.Policy) (list [][2]*policy.Policy) {
	paired := map[*policy.Policy]bool{}
	for _, before := range old {
		pair := [2]*policy.Policy{before, nil}
		for _, after := range new {
			if !paired[after] && after.Name == before.Name && shareNamespace(before, after) {
				pair[1], paired[after] = after, true
				break
			}
		}
		list = append(list, pair)
	}
	for _, after := range new {
		if !paired[after] {
			list = append(list, [2]*policy.Policy{nil, after})
		}
	}
	slices.SortStableFunc(list, func(a, b [2]*policy.Policy) int {
		first, second := cmp.Or(a[1], a[0]), cmp.Or(b[1], b[0])
		return cmp.Or(cmp.Compare(first.Name, second.Name), slices.Compare(namespacesOf(first), namespacesOf(second)))
	})
	return list
}

// namespacesOf are the namespaces that a policy names; the empty one where it names
// none.
func namespacesOf(p *policy.Policy) []string {
	if len(p.Namespaces) > 0 {
		return p.Namespaces
	}
	return []string{p.Namespace}
}

func shareNamespace(a, b *policy.Policy) bool {
	return slices.ContainsFunc(namespacesOf(a), func(namespace string) bool { return slices.Contains(namespacesOf(b), namespace) })
}

// setComparer holds two sets against each other.
type setComparer struct {
	lv            api.LevelVersion
	before, after policy.Set
	// was is the old policy of a new one.
	was map[*policy.Policy]*policy.Policy
}

func (s *setComparer) compare(old, new *policy.Policy) PolicyComparison {
	named := cmp.Or(new, old)
	c := PolicyComparison{
		Name: named.Name, Namespace: named.Namespace, Namespaces: slices.Clone(named.Namespaces),
		Change: Changed, Parts: []Part{}, Beside: s.beside(old, new),
	}
	if old != nil {
		c.Old = referenceTo(old)
	}
	if new != nil {
		c.New = referenceTo(new)
	}
	switch {
	case old == nil:
		c.Change = Added
		c.add(s.gained(nil, new)...)
	case new == nil:
		c.Change = Removed
		c.add(s.lost(old, nil)...)
	default:
		c.Selectors = selectorRelation(old, new)
		if place, some := policy.SelectedByBoth(old, new); some {
			c.add(s.part(Both, old, new, place))
		}
		c.add(s.gained(old, new)...)
		c.add(s.lost(old, new)...)
	}
	c.add(s.released(old, new)...)
	c.add(s.unselected(old, new)...)
	if c.Change == Changed && len(c.Parts) == 0 && c.Selectors == policy.SelectorsSame && old.Default == new.Default {
		c.Change = Unchanged
	}
	return c
}

// selectorRelation is how the pods changed that a policy selects. Those of a default
// policy are the pods of namespaces.
func selectorRelation(old, new *policy.Policy) policy.SelectorRelation {
	if old.Default && new.Default {
		old, new = ofAllPods(old), ofAllPods(new)
	}
	return policy.CompareSelectors(old, new)
}

// ofAllPods is a policy that selects all pods of the namespaces that a policy names.
func ofAllPods(p *policy.Policy) *policy.Policy {
	return &policy.Policy{Namespace: p.Namespace, Namespaces: p.Namespaces, PodSelectorLabels: map[string]string{"any": ""}}
}

// selectsAll reports whether some policy of a set, one excepted, selects all pods that
// another one does: the default policy, which selects none, governs none of them.
func selectsAll(set policy.Set, p, except *policy.Policy) bool {
	return slices.ContainsFunc(set.Policies(), func(other *policy.Policy) bool {
		switch policy.CompareSelectors(other, p) {
		case policy.SelectorsSame, policy.SelectorsNarrower:
			return other != except
		default:
			return false
		}
	})
}

// region is a policy in those namespaces that have one default policy.
type region struct {
	*policy.Policy
	// fallback is the default policy; nil for plain restricted.
	fallback *policy.Policy
}

// regionsOf divides what a policy selects by the default policies of a set.
func regionsOf(p *policy.Policy, set policy.Set) (list []region) {
	own := namespacesWithDefault(set)
	if elsewhere := outside(p, own); elsewhere != nil {
		list = append(list, region{elsewhere, set.Default("")})
	}
	for _, namespace := range own {
		if names := namespacesOf(p); slices.Contains(names, namespace) || names[0] == "" {
			in := *p
			in.Namespace, in.Namespaces = namespace, nil
			list = append(list, region{&in, set.Default(namespace)})
		}
	}
	return list
}

// namespacesWithDefault are the namespaces that have a default policy of their own.
func namespacesWithDefault(set policy.Set) (namespaces []string) {
	for _, p := range set.Policies() {
		if p.Default {
			namespaces = append(namespaces, namespacesOf(p)...)
		}
	}
	slices.Sort(namespaces)
	return slices.DeleteFunc(namespaces, func(namespace string) bool { return namespace == "" })
}

// outside is a policy in other namespaces than some; nil for one that names no others.
func outside(p *policy.Policy, namespaces []string) *policy.Policy {
	if len(namespaces) == 0 {
		return p
	}
	rest := *p
	if names := namespacesOf(p); names[0] != "" {
		rest.Namespace, rest.Namespaces = "", slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(namespaces, name) })
		if len(rest.Namespaces) == 0 {
			return nil
		}
		return &rest
	}
	selector := &metav1.LabelSelector{}
	if p.NamespaceSelector != nil {
		selector = p.NamespaceSelector.DeepCopy()
	}
	selector.MatchExpressions = append(selector.MatchExpressions, metav1.LabelSelectorRequirement{
		Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: namespaces,
	})
	rest.NamespaceSelector = selector
	return &rest
}

// lost are the parts of the pods that only the old policy selects, by the default
// policy that they are left to.
func (s *setComparer) lost(old, new *policy.Policy) (parts []Part) {
	for _, in := range regionsOf(old, s.after) {
		if place, some := policy.SelectedPod(in.Policy, new); some && !selectsAll(s.after, in.Policy, new) {
			parts = append(parts, s.part(Lost, old, in.fallback, place).with(in.fallback))
		}
	}
	return parts
}

// unselected are the parts of the pods that no policy selects, of which one of two
// policies is the default policy or was.
func (s *setComparer) unselected(old, new *policy.Policy) (parts []Part) {
	own := append(namespacesWithDefault(s.before), namespacesWithDefault(s.after)...)
	slices.Sort(own)
	done := map[[2]*policy.Policy]bool{}
	for _, namespace := range append(slices.Compact(own), "") {
		before, after := s.before.Default(namespace), s.after.Default(namespace)
		isOurs := after != nil && after == new || after == nil && before != nil && before == old
		if pair := [2]*policy.Policy{before, after}; !isOurs || done[pair] {
			continue
		} else {
			done[pair] = true
		}
		place := policy.Place{Namespace: namespace}
		if namespace == "" {
			place.Namespace = namespaceBeside(own)
		}
		part := s.part(Unselected, before, after, place)
		if before != old {
			part = part.with(before)
		}
		parts = append(parts, part)
	}
	return parts
}

// namespaceBeside is the name of another namespace than some.
func namespaceBeside(namespaces []string) string {
	name := "default"
	for i := 1; slices.Contains(namespaces, name); i++ {
		name = "other-" + strconv.Itoa(i)
	}
	return name
}

// with says which other policy governed the pods, or does now; nil for plain restricted.
func (p Part) with(other *policy.Policy) Part {
	if other != nil {
		p.With = other.Name
	}
	return p
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
	r := p.Reference()
	return &r
}

// part compares what governed some pods with what governs them now; nil is plain
// restricted. The witnesses are put in a place where they are such pods.
func (s *setComparer) part(of PartOf, old, new *policy.Policy, place policy.Place) Part {
	p := Part{Pods: of, Comparison: Compare(old, new, s.lv)}
	for i := range p.Differences {
		if d := &p.Differences[i]; d.Witness != nil {
			d.Witness.Pod.Namespace, d.Witness.Pod.Labels = place.Namespace, place.Labels
			d.Witness.NamespaceLabels = place.NamespaceLabels
			d.CoveredBy, d.RefusedBy = s.covered(d), s.refused(d)
		}
	}
	return p
}

// gained are the parts of the pods that only the new policy selects: under a default
// policy before, or under another one, of which only what that did not allow is told.
func (s *setComparer) gained(old, new *policy.Policy) (parts []Part) {
	if _, some := policy.SelectedPod(new, old); !some {
		return nil
	}
	var told []PolicyDifference
	for _, in := range regionsOf(new, s.before) {
		if place, some := policy.SelectedPod(in.Policy, old); some && !selectsAll(s.before, in.Policy, old) {
			part := s.part(Gained, in.fallback, new, place).with(in.fallback)
			parts, told = append(parts, part), append(told, part.Differences...)
		}
	}
	for _, other := range s.before.Policies() {
		place, some := policy.SelectedByBoth(other, new)
		if !some || other == old {
			continue
		}
		shared := s.part(Shared, other, new, place).with(other)
		shared.Fills = []FillDifference{}
		shared.Differences = slices.DeleteFunc(shared.Differences, func(d PolicyDifference) bool {
			return !d.Widening() || slices.ContainsFunc(told, d.says)
		})
		shared.Comparison.Relation = relationOf(shared.Differences)
		parts = append(parts, shared)
	}
	return parts
}

// released are the parts of the pods with a user namespace of their own that an old
// policy had for itself, because it requires one, and that another policy may govern
// now: see package governing.
func (s *setComparer) released(old, new *policy.Policy) (parts []Part) {
	if old == nil || !old.Allow.RequiresUserNamespace() {
		return nil
	}
	kept := keepsUserNamespaces(old, new)
	for _, other := range s.after.Policies() {
		place, some := policy.SelectedByBoth(old, other)
		if !some || other == new || !s.comesToGovern(other, kept) {
			continue
		}
		part := s.part(Released, old, other, place).with(other)
		part.Fills, part.Differences = []FillDifference{}, s.inUserNamespace(part.Differences, old, other)
		part.Comparison.Relation = relationOf(part.Differences)
		parts = append(parts, part)
	}
	return parts
}

// comesToGovern reports whether a new policy may govern pods with a user namespace that
// another old policy had for itself: one that requires none does unless they are kept
// from it; and one that has come to require one does. A new one that requires one
// shares these pods, which gained tells.
func (s *setComparer) comesToGovern(p *policy.Policy, kept bool) bool {
	if !p.Allow.RequiresUserNamespace() {
		return !kept
	}
	before := s.was[p]
	return before != nil && !before.Allow.RequiresUserNamespace()
}

// keepsUserNamespaces reports whether the new policy too has to itself the pods that
// the old one had.
func keepsUserNamespaces(old, new *policy.Policy) bool {
	if new == nil || !new.Allow.RequiresUserNamespace() {
		return false
	}
	_, some := policy.SelectedPod(old, new)
	return !some
}

// inUserNamespace keeps what widens for pods that have a user namespace of their own,
// shown by a pod that says so, or not shown.
func (s *setComparer) inUserNamespace(all []PolicyDifference, old, other *policy.Policy) []PolicyDifference {
	kept := []PolicyDifference{}
	for _, d := range all {
		if !d.Widening() || d.Key == policy.KeyUserNamespace.String() {
			continue
		}
		if d.Witness != nil {
			pod := d.Witness.Pod.DeepCopy()
			pod.Spec.HostUsers = pointTo(false)
			d.CoveredBy, d.RefusedBy = "", ""
			if denied := standing(pod, old, s.lv); len(denied) == 0 || !letsRun(pod, other, s.lv) {
				d.Witness, d.Direction = nil, MayWiden
			} else {
				d.Witness = &Witness{Pod: pod, NamespaceLabels: d.Witness.NamespaceLabels, Denied: denied}
				d.CoveredBy, d.RefusedBy = s.covered(&d), s.refused(&d)
			}
		}
		kept = append(kept, d)
	}
	return kept
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
	if answer := podfence.Admit(d.Witness.Pod, s.lv, d.Witness.in(s.before)); answer.Allowed() {
		return answer.Result.PolicyName()
	}
	return ""
}

// refused is the policy of the new set that denies what a witness shows to be allowed
// under one alone, empty for none: of several the pod is for those that require a user
// namespace where it has one, and it may be no pod of the default policy.
func (s *setComparer) refused(d *PolicyDifference) string {
	if d.Direction != Widens {
		return ""
	}
	if answer := podfence.Admit(d.Witness.Pod, s.lv, d.Witness.in(s.after)); !answer.Allowed() {
		return answer.Result.PolicyName()
	}
	return ""
}

// beside are the other policies that select pods of a policy too.
func (s *setComparer) beside(old, new *policy.Policy) []string {
	names := []string{}
	for _, p := range slices.Concat(s.before.Policies(), s.after.Policies()) {
		if p == old || p == new {
			continue
		}
		if old != nil && policy.Overlap(p, old) || new != nil && policy.Overlap(p, new) {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
