package policy

import (
	"cmp"
	"errors"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Set holds validated policies and answers which of them govern a pod. It is
// immutable and safe for concurrent use. The zero Set holds none.
//
// What a set cannot know by itself its user tells it: [Set.At] the time, and
// [Set.WithNamespaces] the labels of namespaces.
type Set struct {
	policies []*Policy
	// byNamespace finds the policies of a namespace; "" holds those of every
	// namespace.
	byNamespace map[string]*index
	// defaults are the policies of pods that none selects, by namespace; "" is every one.
	defaults map[string]*Policy
	// labelsOf tells the labels of a namespace; nil: of none.
	labelsOf func(namespace string) (labels map[string]string, known bool)
	// now is the time in seconds since 1970, and timed reports whether it is known.
	now   int64
	timed bool
	// notable: some policy may be worth a notice.
	notable bool
}

// At returns the set at a time. Policies that have expired by then grant nothing in
// it: [Policy.AsExpired] says what is left of them. Without a time no policy expires, and [Set.Notices] says which would.
func (s Set) At(now time.Time) Set {
	s.now, s.timed = now.Unix(), true
	return s
}

// WithNamespaces returns the set with what is known of namespaces: labelsOf returns
// the labels of one by its name, and whether they are known. Policies that select
// namespaces by their labels govern nothing where these are not known, and
// [Set.Notices] says so. The set asks while it answers, possibly from several
// goroutines; the labels are not changed. The label kubernetes.io/metadata.name is
// the name, whatever labelsOf says of it.
func (s Set) WithNamespaces(labelsOf func(namespace string) (labels map[string]string, known bool)) Set {
	s.labelsOf = labelsOf
	return s
}

// index finds policies by one label that each of them demands, so that a pod is
// held against the few policies that could select it and not against all.
type index struct {
	byLabel map[label][]*selector
	// others demand no particular label value: they have expressions only.
	others []*selector
}

type label struct{ key, value string }

// selector is a policy with its expressions made ready.
type selector struct {
	policy      *Policy
	expressions labels.Selector
	// namespaces is nil for a policy without a namespaceSelector.
	namespaces *namespaceSelector
	// expired is the policy once it has expired, at expiresAt, in seconds since 1970;
	// nil where it does not expire.
	expired   *Policy
	expiresAt int64
}

// NewSet returns the set of the policies, which it copies. It fails with
// [Errors] for policies that [Policy.Validate] refuses, for two of one name
// in one namespace, and for two default policies of one namespace, or of all.
func NewSet(policies ...Policy) (Set, error) {
	var errs Errors
	set := Set{byNamespace: map[string]*index{}}
	for i := range policies {
		p := policies[i].DeepCopy()
		errs = append(errs, set.add(p)...)
		set.policies = append(set.policies, p)
	}
	slices.SortStableFunc(set.policies, compareNames)
	taken := register[*Policy]{}
	for _, p := range set.policies {
		if before, namespace, again := taken.before(p); again {
			errs = append(errs, duplicate(before, p, namespace))
		}
		taken.enter(p, p)
	}
	defaults, clashing := defaultsOf(set.policies)
	if errs = append(errs, clashing...); len(errs) > 0 {
		return Set{}, errs
	}
	set.defaults = defaults
	return set, nil
}

// compareNames orders policies by name, and those of one name by the first namespace
// that each names, which is another one for each.
func compareNames(a, b *Policy) int {
	if a.Name != b.Name {
		return cmp.Compare(a.Name, b.Name)
	}
	return cmp.Compare(a.firstNamed(), b.firstNamed())
}

// add makes a policy ready to be found. It returns what is wrong with it.
func (s *Set) add(p *Policy) Errors {
	if err := p.Validate(); err != nil {
		return asErrors(err)
	}
	p.Expired = false
	if p.Default {
		return nil // it selects nothing, and so is found by what selects nothing
	}
	sel := &selector{policy: p}
	if len(p.PodSelectorExpressions) > 0 {
		var err error
		sel.expressions, err = metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchExpressions: p.PodSelectorExpressions})
		if err != nil {
			return Errors{{Policy: p.Name, Field: "podSelectorExpressions", Problem: err.Error()}}
		}
	}
	if p.NamespaceSelector != nil {
		var err error
		if sel.namespaces, err = newNamespaceSelector(p.NamespaceSelector); err != nil {
			return Errors{{Policy: p.Name, Field: "namespaceSelector", Problem: err.Error()}}
		}
		s.notable = true
	}
	s.expires(sel)
	for namespace := range p.named {
		in := s.byNamespace[namespace]
		if in == nil {
			in = &index{byLabel: map[label][]*selector{}}
			s.byNamespace[namespace] = in
		}
		in.add(sel)
	}
	return nil
}

func (in *index) add(sel *selector) {
	if pivot, ok := pivotLabel(sel.policy.PodSelectorLabels); ok {
		in.byLabel[pivot] = append(in.byLabel[pivot], sel)
	} else {
		in.others = append(in.others, sel)
	}
}

// asErrors is Validate's error as the list that it is.
func asErrors(err error) (list Errors) {
	if !errors.As(err, &list) {
		list = Errors{{Problem: err.Error()}}
	}
	return list
}

// pivotLabel is the label under which a policy is found: the last one in order
// of keys, so that the choice does not hang on the order of a map.
func pivotLabel(m map[string]string) (pivot label, ok bool) {
	for k, v := range m {
		if !ok || k > pivot.key {
			pivot, ok = label{k, v}, true
		}
	}
	return pivot, ok
}

// Len is the number of policies in the set.
func (s Set) Len() int { return len(s.policies) }

// Policies returns the policies in order of name. The slice is the caller's;
// the policies are the set's and must not be changed.
func (s Set) Policies() []*Policy { return slices.Clone(s.policies) }

// Governing returns the policies that govern a pod with these labels in a
// namespace, in order of name; of two with one name, the one for every namespace
// comes first. A pod that none selects is governed by the default policy of its
// namespace, or by that of every namespace, where the set has one. A pod without a namespace, as in a template that
// names none, is governed by policies that ask for none. The policies must not be
// changed.
func (s Set) Governing(namespace string, podLabels map[string]string) []*Policy {
	return s.AppendGoverning(nil, namespace, podLabels)
}

// Default returns the default policy of a set for the pods of a namespace, which governs
// those that no policy selects; nil where the set has none, and plain restricted does.
func (s Set) Default(namespace string) *Policy {
	if p := s.defaults[namespace]; p != nil {
		return p
	}
	return s.defaults[""]
}

// AppendGoverning is [Set.Governing] for a caller that brings the slice: it
// appends to dst and allocates nothing else.
func (s Set) AppendGoverning(dst []*Policy, namespace string, podLabels map[string]string) []*Policy {
	if len(s.policies) == 0 {
		return dst
	}
	start := len(dst)
	around := surroundings{name: namespace, labelsOf: s.labelsOf}
	dst = s.appendSelecting(dst, s.byNamespace[""], &around, podLabels)
	if namespace != "" {
		dst = s.appendSelecting(dst, s.byNamespace[namespace], &around, podLabels)
	}
	switch found := dst[start:]; len(found) {
	case 0:
		return s.appendDefault(dst, namespace)
	case 1:
		return dst
	default:
		slices.SortFunc(found, compareNames)
		return dst
	}
}

func (s *Set) appendSelecting(dst []*Policy, in *index, around *surroundings, podLabels map[string]string) []*Policy {
	if in == nil {
		return dst
	}
	if len(in.byLabel) > 0 {
		for k, v := range podLabels {
			dst = s.appendMatching(dst, in.byLabel[label{k, v}], around, podLabels)
		}
	}
	return s.appendMatching(dst, in.others, around, podLabels)
}

func (s *Set) appendMatching(dst []*Policy, selectors []*selector, around *surroundings, podLabels map[string]string) []*Policy {
	for _, sel := range selectors {
		if sel.matches(podLabels) && sel.selects(around) == selected {
			dst = append(dst, s.current(sel))
		}
	}
	return dst
}

func (s *selector) matches(podLabels map[string]string) bool {
	for k, v := range s.policy.PodSelectorLabels {
		if have, ok := podLabels[k]; !ok || have != v {
			return false
		}
	}
	return s.expressions == nil || s.expressions.Matches(labels.Set(podLabels))
}
