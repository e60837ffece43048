package policy

import (
	"slices"
	"strconv"
	"strings"
)

// SelectorRelation is how the pods that a new policy selects relate to those that
// an old one does.
type SelectorRelation string

// The relations.
const (
	// SelectorsSame: both select the same pods.
	SelectorsSame SelectorRelation = "same"
	// SelectorsNarrower: the new policy selects some of the pods that the old one does,
	// and no others.
	SelectorsNarrower SelectorRelation = "narrower"
	// SelectorsWider: the new policy selects all that the old one does, and more.
	SelectorsWider SelectorRelation = "wider"
	// SelectorsCross: some pods are selected by both, and some by each of them alone.
	SelectorsCross SelectorRelation = "crosses"
	// SelectorsApart: no pod is selected by both.
	SelectorsApart SelectorRelation = "apart"
)

// CompareSelectors says how the pods that a new policy selects, by their namespaces,
// the labels of these and their own, relate to those that an old one does, where all
// of that is known. Both must be valid. One whose selector no pod meets selects fewer
// than any other, and a default policy has no selector.
func CompareSelectors(old, new *Policy) SelectorRelation {
	before, after := demandsOf(old), demandsOf(new)
	fewer, more := after.within(&before), before.within(&after)
	switch {
	case fewer && more:
		return SelectorsSame
	case fewer:
		return SelectorsNarrower
	case more:
		return SelectorsWider
	case before.meets(after):
		return SelectorsCross
	default:
		return SelectorsApart
	}
}

// within reports whether each pod that meets these demands meets the others too. The
// demands on different labels are met or not each on its own.
func (d *demands) within(other *demands) bool {
	if !d.possible || !other.possible {
		return !d.possible
	}
	for i := range other.list {
		if !d.orFree(other.list[i].key).within(&other.list[i]) {
			return false
		}
	}
	return true
}

// orFree is the demand on a key, or one that asks nothing.
func (d *demands) orFree(key string) *demand {
	if on := d.on(key); on != nil {
		return on
	}
	return newDemand(key)
}

// within reports whether each pod that meets the demand meets another on the same
// label.
func (d *demand) within(other *demand) bool {
	if d.mayBeAbsent && !other.mayBeAbsent {
		return false
	}
	switch {
	case !d.mayBePresent:
		return true
	case d.only != nil:
		return !slices.ContainsFunc(d.only, func(value string) bool { return !other.admits(value) })
	default:
		// It admits all values but finitely many.
		return other.mayBePresent && other.only == nil &&
			!slices.ContainsFunc(other.not, func(value string) bool { return d.admits(value) })
	}
}

// Place is what selectors know of a pod.
type Place struct {
	// Namespace is the namespace that the pod is in.
	Namespace string
	// NamespaceLabels are the labels of that namespace beside kubernetes.io/metadata.name,
	// which is its name. Without any it is nil.
	NamespaceLabels map[string]string
	// Labels are the pod's.
	Labels map[string]string
}

// SelectedPod makes up a pod that one policy selects and, where another is given, the
// other does not. ok is false where there is no such pod. What the selector leaves open
// is left out; the namespace is default where that will do. The policy selects the pod
// in a [Set] that knows the labels of its namespace.
func SelectedPod(by, not *Policy) (pod Place, ok bool) {
	return madeUp(demandsOf(by), not)
}

// SelectedByBoth is [SelectedPod] for a pod that two policies select.
func SelectedByBoth(a, b *Policy) (pod Place, ok bool) {
	first, second := demandsOf(a), demandsOf(b)
	if !first.possible || !second.possible || !first.meets(second) {
		return Place{}, false
	}
	for i := range second.list {
		d := &second.list[i]
		if have := first.on(d.key); have != nil {
			have.and(d)
			continue
		}
		first.list = append(first.list, *d)
		first.sort()
	}
	return madeUp(first, nil)
}

// and adds what another demand on the same label asks.
func (d *demand) and(other *demand) {
	d.mayBeAbsent = d.mayBeAbsent && other.mayBeAbsent
	d.mayBePresent = d.mayBePresent && other.mayBePresent
	d.not = append(slices.Clip(d.not), other.not...)
	switch {
	case d.only == nil:
		d.only = slices.Clone(other.only)
	case other.only != nil:
		d.only = slices.DeleteFunc(d.only, func(value string) bool { return !holds(other.only, value) })
	}
	d.normalize()
}

// madeUp makes up a pod that meets the demands and, unless not is nil, one that
// misses those of a policy by one label at least.
func madeUp(d demands, not *Policy) (pod Place, ok bool) {
	if !d.possible {
		return Place{}, false
	}
	values := map[string]string{}
	for i := range d.list {
		if value, present, _ := d.list[i].example(nil); present {
			values[d.list[i].key] = value
		}
	}
	if not != nil && !d.miss(not, values) {
		return Place{}, false
	}
	return placeOf(values), true
}

// placeOf is the pod for which demands have these values, by their keys.
func placeOf(values map[string]string) Place {
	pod := Place{Namespace: defaultNamespace, Labels: map[string]string{}}
	for key, value := range values {
		label, isOfNamespace := strings.CutPrefix(key, namespacePrefix)
		switch {
		case key == namespaceKey:
			pod.Namespace = value
		case !isOfNamespace:
			pod.Labels[label] = value
		case pod.NamespaceLabels == nil:
			pod.NamespaceLabels = map[string]string{label: value}
		default:
			pod.NamespaceLabels[label] = value
		}
	}
	return pod
}

const defaultNamespace = "default"

// miss changes one value of a pod that meets the demands so that a policy does not
// select it.
func (d *demands) miss(not *Policy, values map[string]string) bool {
	others := demandsOf(not)
	if !others.possible {
		return true
	}
	for i := range others.list {
		other := &others.list[i]
		value, present, ok := d.orFree(other.key).example(other)
		if !ok {
			continue
		}
		if delete(values, other.key); present {
			values[other.key] = value
		}
		return true
	}
	return false
}

// example is how a pod may have a label, or lack it, to meet the demand and not
// another one, where that is given.
func (d *demand) example(not *demand) (value string, present, ok bool) {
	if d.mayBeAbsent && (not == nil || !not.mayBeAbsent) {
		return "", false, true
	}
	candidates := d.only
	if candidates == nil {
		candidates = []string{"other"}
		if d.key == namespaceKey {
			candidates[0] = defaultNamespace
		}
		if not != nil {
			candidates = append(candidates, not.not...)
		}
		for i := range 1 + len(d.not) + len(candidates) + onlyCount(not) {
			candidates = append(candidates, "x"+strconv.Itoa(i))
		}
	}
	for _, value := range candidates {
		if d.admits(value) && (not == nil || !not.admits(value)) {
			return value, true, true
		}
	}
	return "", false, false
}

func onlyCount(d *demand) int {
	if d == nil {
		return 0
	}
	return len(d.only)
}
