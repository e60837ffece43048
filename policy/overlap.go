package policy

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Overlap reports whether two valid policies can select one pod: whether there
// are a namespace and labels that both select. Such policies are tried in order
// of name, and their grants never add up. A policy without a selector, and one
// whose selector no labels meet, overlap none.
func Overlap(a, b *Policy) bool {
	first, second := demandsOf(a), demandsOf(b)
	return first.possible && second.possible && first.meets(second)
}

// demand is what a selector asks of one label of a pod, or of its namespace. Labels
// are independent of each other, so that selectors can be met together if and only
// if the demands on each key can.
type demand struct {
	key string
	// mayBeAbsent and mayBePresent say whether the pod may lack the label, and
	// whether it may have it.
	mayBeAbsent, mayBePresent bool
	// only are the values that it may have, sorted; nil for any.
	only []string
	// not are the values that it may not have, sorted. They are finitely many,
	// so that without only there is always another one.
	not []string
}

// The namespace is a label like others, which every pod has: namespaceKey is the key
// of no other. Those of the namespace have keys that no label of a pod has.
const (
	namespaceKey    = ""
	namespacePrefix = " "
)

// ofNamespace is the key of a label of namespaces. That which holds the name is the
// name.
func ofNamespace(label string) (key string) {
	if label == corev1.LabelMetadataName {
		return namespaceKey
	}
	return namespacePrefix + label
}

// isOfNamespace reports whether the demand is on the namespace or on one of its labels.
func (d *demand) isOfNamespace() bool {
	return d.key == namespaceKey || strings.HasPrefix(d.key, namespacePrefix)
}

// newDemand is a demand that asks nothing. Each pod is in a namespace.
func newDemand(key string) *demand {
	return &demand{key: key, mayBeAbsent: key != namespaceKey, mayBePresent: true}
}

// possible reports whether some pod meets the demand.
func (d *demand) possible() bool { return d.mayBeAbsent || d.mayBePresent }

// values are the values of which a pod must have one, nil if it need not. No
// demand has none.
func (d *demand) values() []string {
	if d == nil || d.mayBeAbsent {
		return nil
	}
	return d.only
}

// admits reports whether the pod may have the label with this value.
func (d *demand) admits(value string) bool {
	if !d.mayBePresent {
		return false
	}
	if d.only != nil {
		return holds(d.only, value)
	}
	return !holds(d.not, value)
}

func holds(sorted []string, value string) bool {
	_, found := slices.BinarySearch(sorted, value)
	return found
}

// meets reports whether some pod meets both demands, which are on one key.
func (d *demand) meets(other *demand) bool {
	switch {
	case d.mayBeAbsent && other.mayBeAbsent:
		return true
	case !d.mayBePresent || !other.mayBePresent:
		return false
	case d.only != nil:
		return slices.ContainsFunc(d.only, other.admits)
	case other.only != nil:
		return slices.ContainsFunc(other.only, d.admits)
	}
	return true
}

// in allows no value but these.
func (d *demand) in(values []string) {
	d.mayBeAbsent = false
	sorted := append([]string{}, values...)
	slices.Sort(sorted)
	if d.only == nil {
		d.only = sorted
		return
	}
	d.only = slices.DeleteFunc(d.only, func(v string) bool { return !holds(sorted, v) })
}

// expression adds what an expression asks, as apimachinery matches it: NotIn
// also holds for a pod without the label.
func (d *demand) expression(e *metav1.LabelSelectorRequirement) {
	switch e.Operator {
	case metav1.LabelSelectorOpIn:
		d.in(e.Values)
	case metav1.LabelSelectorOpNotIn:
		d.not = append(d.not, e.Values...)
	case metav1.LabelSelectorOpExists:
		d.mayBeAbsent = false
	case metav1.LabelSelectorOpDoesNotExist:
		d.mayBePresent = false
	}
}

// normalize sorts the values, and takes those that may not be from those that may.
func (d *demand) normalize() {
	slices.Sort(d.not)
	if d.only == nil {
		return
	}
	d.only = slices.DeleteFunc(slices.Compact(d.only), func(v string) bool { return holds(d.not, v) })
	d.not = nil
	d.mayBePresent = d.mayBePresent && len(d.only) > 0
}

// demands is what a policy's selector asks, one demand a key, in order of key.
type demands struct {
	list []demand
	// possible: some pod meets them all, of which inNone is that no namespace does.
	possible, inNone bool
}

func demandsOf(p *Policy) demands {
	byKey := map[string]*demand{}
	on := func(key string) *demand {
		if byKey[key] == nil {
			byKey[key] = newDemand(key)
		}
		return byKey[key]
	}
	if p.names() {
		on(namespaceKey).in(slices.Collect(p.named))
	}
	if p.NamespaceSelector != nil {
		for e := range requirements(p.NamespaceSelector) {
			on(ofNamespace(e.Key)).expression(&e)
		}
	}
	for key, value := range p.PodSelectorLabels {
		on(key).in([]string{value})
	}
	for i := range p.PodSelectorExpressions {
		e := &p.PodSelectorExpressions[i]
		on(e.Key).expression(e)
	}
	all := demands{possible: p.Selects()}
	for _, d := range byKey {
		d.normalize()
		all.list = append(all.list, *d)
		all.possible = all.possible && d.possible()
		all.inNone = all.inNone || d.isOfNamespace() && !d.possible()
	}
	all.sort()
	return all
}

// sort puts the demands in order of key, in which they are looked up.
func (d *demands) sort() {
	slices.SortFunc(d.list, func(a, b demand) int { return cmp.Compare(a.key, b.key) })
}

// on is the demand on a key, nil for none.
func (d *demands) on(key string) *demand {
	i, found := slices.BinarySearchFunc(d.list, key, func(d demand, key string) int { return cmp.Compare(d.key, key) })
	if !found {
		return nil
	}
	return &d.list[i]
}

// meets reports whether some pod meets both, of which each is possible.
func (d *demands) meets(other demands) bool {
	a, b := d.list, other.list
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].key < b[0].key:
			a = a[1:]
		case a[0].key > b[0].key:
			b = b[1:]
		case !a[0].meets(&b[0]):
			return false
		default:
			a, b = a[1:], b[1:]
		}
	}
	return true
}
