package author

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/podfence/podfence/policy"
)

// volatileLabels change from one pod of a workload to the next, or with every release
// of it, so that a policy must not select by them.
var volatileLabels = [...]string{
	// Those that controllers of Kubernetes set: k8s.io/api/apps/v1 and batch/v1.
	"pod-template-hash", "controller-revision-hash", "pod-template-generation",
	"statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
	"controller-uid", "job-name",
	"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "batch.kubernetes.io/job-completion-index",
	// The node's, which the API server copies to pods (KEP-4742).
	"topology.kubernetes.io/region", "topology.kubernetes.io/zone",
	// Of Argo Rollouts and Istio.
	"rollouts-pod-template-hash", "security.istio.io/tlsMode", "service.istio.io/canonical-revision",
	// Of Helm charts: they hold versions.
	"helm.sh/chart", "chart", "app.kubernetes.io/version",
}

// namingLabels name a workload, those first that say most about it. All others but the
// sharedLabels come between the two, in order of their keys.
var namingLabels = [...]string{
	"app.kubernetes.io/name", "app", "k8s-app", "name",
	"app.kubernetes.io/component", "component", "app.kubernetes.io/instance",
}

// sharedLabels are on many workloads alike, or say little about one.
var sharedLabels = [...]string{"app.kubernetes.io/part-of", "app.kubernetes.io/managed-by", "heritage", "release", "version"}

// label is a label with its value.
type label struct{ key, value string }

// preference orders keys of labels by how well they name a workload.
func preference(key string) int {
	if i := slices.Index(namingLabels[:], key); i >= 0 {
		return i
	}
	if i := slices.Index(sharedLabels[:], key); i >= 0 {
		return len(namingLabels) + 1 + i
	}
	return len(namingLabels)
}

func compareLabels(a, b label) int {
	return cmp.Or(cmp.Compare(preference(a.key), preference(b.key)), cmp.Compare(a.key, b.key), cmp.Compare(a.value, b.value))
}

// stableLabels are the labels by which a policy may select pods: those that are not
// volatile, and that the format can hold. They come in order of preference.
func stableLabels(all map[string]string) (stable []label) {
	for key, value := range all {
		if !slices.Contains(volatileLabels[:], key) &&
			len(validation.IsQualifiedName(key)) == 0 && len(validation.IsValidLabelValue(value)) == 0 {
			stable = append(stable, label{key, value})
		}
	}
	slices.SortFunc(stable, compareLabels)
	return stable
}

// atom is what no selector can tell apart: the workloads of one namespace with the
// same labels.
type atom struct {
	namespace string
	labels    []label // in order of preference
}

// key tells atoms apart, and orders them.
func (a *atom) key() string {
	var b strings.Builder
	b.WriteString(a.namespace)
	for _, l := range a.labels {
		b.WriteString("\x00" + l.key + "\x01" + l.value)
	}
	return b.String()
}

// universe is what a selector is held against: the atoms of a namespace, or of all.
type universe struct {
	atoms []*asked
	// having are the IDs of the atoms with a label, in order.
	having map[label][]int
}

func newUniverse(atoms []*asked) *universe {
	u := &universe{atoms: atoms, having: map[label][]int{}}
	for i, a := range atoms {
		for _, l := range a.labels {
			u.having[l] = append(u.having[l], i)
		}
	}
	return u
}

// selector is what a policy selects by.
type selector struct {
	labels []label
	// in is a label of which each workload has one of several values; empty for none.
	in     string
	values []string
}

// writeTo writes the selector into a policy.
func (s *selector) writeTo(p *policy.Policy) {
	for _, l := range s.labels {
		if p.PodSelectorLabels == nil {
			p.PodSelectorLabels = map[string]string{}
		}
		p.PodSelectorLabels[l.key] = l.value
	}
	if s.in != "" {
		p.PodSelectorExpressions = []metav1.LabelSelectorRequirement{{
			Key: s.in, Operator: metav1.LabelSelectorOpIn, Values: slices.Clone(s.values),
		}}
	}
}

// maxSearched is how many labels of a workload are tried in every combination.
const maxSearched = 12

// fewest finds the fewest labels that some atoms have in common and that select no
// atom beside them that all their common labels do not select too. It returns the atoms
// that are selected, which the IDs are among; ok is false where they have no label in
// common.
func (u *universe) fewest(ids []int) (s selector, selected []int, ok bool) {
	common := u.common(ids)
	if len(common) == 0 {
		return s, nil, false
	}
	selected = u.selected(common)
	searched := common[:min(len(common), maxSearched)]
	for size := 1; size <= len(searched); size++ {
		for choice := range choices(searched, size) {
			if len(u.selected(choice)) == len(selected) {
				return selector{labels: choice}, selected, true
			}
		}
	}
	return selector{labels: u.irredundant(common, len(selected))}, selected, true
}

// irredundant leaves out, from the end, each label without which no more is selected.
func (u *universe) irredundant(labels []label, count int) []label {
	for i := len(labels) - 1; i >= 0; i-- {
		rest := slices.Delete(slices.Clone(labels), i, i+1)
		if len(u.selected(rest)) == count {
			labels = rest
		}
	}
	return labels
}

// choices are all choices of so many labels, those of the first ones first. A choice is
// the caller's.
func choices(labels []label, size int) iter.Seq[[]label] {
	return func(yield func([]label) bool) {
		var choose func(from int, chosen []label) bool
		choose = func(from int, chosen []label) bool {
			if len(chosen) == size {
				return yield(slices.Clone(chosen))
			}
			for i := from; i <= len(labels)-(size-len(chosen)); i++ {
				if !choose(i+1, append(chosen, labels[i])) {
					return false
				}
			}
			return true
		}
		choose(0, make([]label, 0, size))
	}
}

// common are the labels that all of the atoms have, in order of preference.
func (u *universe) common(ids []int) []label {
	labels := slices.Clone(u.atoms[ids[0]].labels)
	for _, id := range ids[1:] {
		labels = slices.DeleteFunc(labels, func(l label) bool { return !slices.Contains(u.atoms[id].labels, l) })
	}
	return labels
}

// selected are the atoms that have all of the labels, all atoms for none.
func (u *universe) selected(labels []label) []int {
	if len(labels) == 0 {
		all := make([]int, len(u.atoms))
		for i := range all {
			all[i] = i
		}
		return all
	}
	rarest := slices.MinFunc(labels, func(a, b label) int { return cmp.Compare(len(u.having[a]), len(u.having[b])) })
	found := u.having[rarest]
	for _, l := range labels {
		if l != rarest {
			found = intersection(found, u.having[l])
		}
	}
	return found
}

// intersection is what both of two sorted lists hold, of which the first is the shorter.
func intersection(a, b []int) (both []int) {
	for _, id := range a {
		if _, found := slices.BinarySearch(b, id); found {
			both = append(both, id)
		}
	}
	return both
}

// together finds what selects some atoms and no other: labels that they have in common,
// or one label of which each has a value that no other atom has.
func (u *universe) together(ids []int) (s selector, ok bool) {
	if s, selected, found := u.fewest(ids); found && len(selected) == len(ids) {
		return s, true
	}
	for _, first := range u.atoms[ids[0]].labels {
		values, count := map[string]bool{}, 0
		for _, id := range ids {
			if i := slices.IndexFunc(u.atoms[id].labels, func(l label) bool { return l.key == first.key }); i >= 0 {
				values[u.atoms[id].labels[i].value] = true
				count++
			}
		}
		selected := 0
		for value := range values {
			selected += len(u.having[label{first.key, value}])
		}
		if count == len(ids) && selected == len(ids) {
			return selector{in: first.key, values: slices.Sorted(maps.Keys(values))}, true
		}
	}
	return selector{}, false
}
