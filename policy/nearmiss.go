package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/nearest"
	"github.com/podfence/podfence/spec"
)

// NearMiss is a policy that does not select a pod and nearly would: what differs
// is either the namespace or some labels.
type NearMiss struct {
	// Policy is the policy. It is the set's and must not be changed.
	Policy *Policy
	// Namespace is the policy's, where the pod names none and would be selected
	// there; else empty. Of several it is the first that the policy lists.
	Namespace string
	// Labels are those that differ, in order of the policy's keys. Where each
	// differs in case alone there may be several of them, else one.
	Labels []LabelMiss
}

// LabelMiss is a label that a policy selects and that a pod does not have.
type LabelMiss struct {
	// Key and Value are the policy's.
	Key, Value string
	// PodKey and PodValue are the label of the pod that comes closest. PodKey is
	// empty where it has none of that key.
	PodKey, PodValue string
}

// String renders the difference on one line: `label app is "Web", must be "web"`.
func (l LabelMiss) String() string {
	switch {
	case l.PodKey == "":
		return spec.Printable(fmt.Sprintf("label %s is unset, must be %q", l.Key, l.Value))
	case l.PodKey == l.Key:
		return spec.Printable(fmt.Sprintf("label %s is %q, must be %q", l.Key, l.PodValue, l.Value))
	default:
		return spec.Printable(fmt.Sprintf("label %s: %q must be %s: %q", l.PodKey, l.PodValue, l.Key, l.Value))
	}
}

// String renders the policy and what differs, on one line.
func (m NearMiss) String() string {
	if m.Namespace != "" {
		of := "namespace " + m.Namespace
		if m.Policy.Namespace == "" {
			of = "namespaces " + strings.Join(ending(m.Policy.Namespaces), ", ")
		}
		return fmt.Sprintf("policy %s of %s: the pod names no namespace", m.Policy.Name, of)
	}
	parts := make([]string, len(m.Labels))
	for i, l := range m.Labels {
		parts[i] = l.String()
	}
	return fmt.Sprintf("policy %s: %s", m.Policy.Name, strings.Join(parts, ", "))
}

// NearMisses returns the policies that do not select a pod with these labels in a
// namespace and nearly would, in order of name: those of a namespace where the pod
// names none, and those that its labels miss by case, or by one value. Where
// nothing but that value could tell the two apart, it differs by a slip of the
// pen: a pod with another name than the policy's is no near miss.
//
// It is for people who wonder why a policy does not hold, and looks at every
// policy of the set. What governs a pod is said by [Set.Governing].
func (s Set) NearMisses(namespace string, podLabels map[string]string) (misses []NearMiss) {
	for in, index := range s.byNamespace {
		if in != "" && in != namespace && namespace != "" {
			continue
		}
		around := surroundings{name: in, labelsOf: s.labelsOf}
		if in == "" {
			around.name = namespace
		}
		for sel := range index.all {
			switch matches := sel.matches(podLabels); {
			case sel.selects(&around) != selected:
			case in != "" && namespace == "":
				if matches {
					misses = append(misses, NearMiss{Policy: sel.policy, Namespace: in})
				}
			case !matches:
				if labels := sel.miss(podLabels); labels != nil {
					misses = append(misses, NearMiss{Policy: sel.policy, Labels: labels})
				}
			}
		}
	}
	slices.SortFunc(misses, func(a, b NearMiss) int {
		return cmp.Or(compareNames(a.Policy, b.Policy), cmp.Compare(slices.Index(a.Policy.Namespaces, a.Namespace), slices.Index(b.Policy.Namespaces, b.Namespace)))
	})
	return slices.CompactFunc(misses, func(a, b NearMiss) bool { return a.Policy == b.Policy })
}

// all visits every selector, in no order.
func (in *index) all(yield func(*selector) bool) {
	for _, list := range in.byLabel {
		for _, s := range list {
			if !yield(s) {
				return
			}
		}
	}
	for _, s := range in.others {
		if !yield(s) {
			return
		}
	}
}

// demanded visits what labels the policy demands, a key and the values of which
// one will do; any value where there are none. What it forbids is not visited.
func (s *selector) demanded(yield func(key string, values []string) bool) {
	for k, v := range s.policy.PodSelectorLabels {
		if !yield(k, []string{v}) {
			return
		}
	}
	for i := range s.policy.PodSelectorExpressions {
		switch r := &s.policy.PodSelectorExpressions[i]; r.Operator {
		case metav1.LabelSelectorOpIn, metav1.LabelSelectorOpExists:
			if !yield(r.Key, r.Values) {
				return
			}
		}
	}
}

// miss returns by which labels the policy, which does not select the pod, misses
// it; nil where that is more than a near miss.
func (s *selector) miss(podLabels map[string]string) (misses []LabelMiss) {
	matched, byValue := 0, 0
	for key, values := range s.demanded {
		have, set := podLabels[key]
		if set && (len(values) == 0 || slices.Contains(values, have)) {
			matched++
			continue
		}
		miss, byCase, near := closest(key, values, podLabels)
		if !near {
			return nil
		}
		if !byCase {
			byValue++
		}
		misses = append(misses, miss)
	}
	switch {
	case len(misses) == 0, byValue > 1, byValue == 1 && len(misses) > 1:
		return nil
	case byValue == 1 && matched == 0 && !nearest.Slip(misses[0].PodValue, misses[0].Value):
		return nil
	}
	corrected := maps.Clone(podLabels)
	for _, m := range misses {
		delete(corrected, m.PodKey)
	}
	for _, m := range misses {
		corrected[m.Key] = m.Value
	}
	if !s.matches(corrected) {
		return nil
	}
	slices.SortFunc(misses, func(a, b LabelMiss) int { return strings.Compare(a.Key, b.Key) })
	return misses
}

// closest is the label of the pod that comes closest to what is demanded and not
// met, and whether it differs in case alone.
func closest(key string, values []string, podLabels map[string]string) (m LabelMiss, byCase, near bool) {
	if have, set := podLabels[key]; set {
		for _, v := range values {
			if strings.EqualFold(v, have) {
				return LabelMiss{key, v, key, have}, true, true
			}
		}
		i := max(0, slices.IndexFunc(values, func(v string) bool { return nearest.Slip(have, v) }))
		return LabelMiss{key, values[i], key, have}, false, true
	}
	for k, have := range podLabels {
		if !strings.EqualFold(k, key) || near && k > m.PodKey {
			continue
		}
		if len(values) == 0 {
			m, near = LabelMiss{key, have, k, have}, true
		}
		for _, v := range values {
			if strings.EqualFold(v, have) {
				m, near = LabelMiss{key, v, k, have}, true
				break
			}
		}
	}
	if near {
		return m, true, true
	}
	if len(values) == 0 {
		return m, false, false
	}
	return LabelMiss{Key: key, Value: values[0]}, false, true
}
