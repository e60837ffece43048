package podgen

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/policy"
)

// Namespaces are those that the policies of [Policy] name. Pods are in the first two,
// or name none.
func Namespaces() []string { return []string{"default", "networking", "elsewhere", "unknown"} }

// LabelsOf returns the labels of the [Namespaces], which policies select. Those of the
// last one are not known. It is for [policy.Set.WithNamespaces].
func LabelsOf(namespace string) (labels map[string]string, known bool) {
	switch namespace {
	case "default":
		return map[string]string{"team": "web", "stage": ""}, true
	case "networking":
		return map[string]string{"team": "networking", corev1.LabelMetadataName: "networking"}, true
	case "elsewhere":
		return nil, true
	}
	return nil, false
}

// namespaces puts several namespaces in the place of the one now and then, a selector
// of namespaces beside it, or both.
func (g gen) namespaces(p *policy.Policy) {
	kind := g.below(12)
	if kind == 8 || kind == 9 {
		p.Namespace, p.Namespaces = "", pick(g, []string{"default", "networking"}, []string{"networking"}, []string{"elsewhere", "unknown", "default"})
	}
	switch {
	case kind < 9:
		return
	case kind == 10:
		p.Namespace = ""
	}
	s := &metav1.LabelSelector{}
	switch g.below(3) {
	case 0:
		s.MatchLabels = map[string]string{"team": pick(g, "web", "networking")}
	case 1:
		s.MatchLabels = map[string]string{"stage": ""}
		fallthrough
	default:
		for range pick(g, 1, 2) {
			s.MatchExpressions = append(s.MatchExpressions, g.namespaceExpression())
		}
	}
	p.NamespaceSelector = s
}

func (g gen) namespaceExpression() metav1.LabelSelectorRequirement {
	e := metav1.LabelSelectorRequirement{
		Key:      pick(g, "team", corev1.LabelMetadataName, "stage"),
		Operator: pick(g, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist),
	}
	if e.Operator == metav1.LabelSelectorOpIn || e.Operator == metav1.LabelSelectorOpNotIn {
		for range pick(g, 1, 2) {
			e.Values = append(e.Values, pick(g, "default", "web", "networking", "unknown"))
		}
	}
	return e
}

// Together are the policies of a list that one set can hold: of two of one name in
// one namespace the first.
func Together(policies []policy.Policy) (kept []policy.Policy) {
	for i := range policies {
		if _, err := policy.NewSet(append(kept[:len(kept):len(kept)], policies[i])...); err == nil {
			kept = append(kept, policies[i])
		}
	}
	return kept
}
