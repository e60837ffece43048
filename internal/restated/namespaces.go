package restated

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/policy"
)

// Namespace is the namespace of a pod. Without a name it is one that nobody has
// named yet, and nothing is known of it.
type Namespace struct {
	Name string
	// Labels are those that somebody knows; nil and not Known where nobody does.
	Labels map[string]string
	Known  bool
}

// SelectsNamespace says whether a policy is for the pods of a namespace. decided is
// false where that hangs on labels that nobody knows.
//
// A policy is for the namespaces that it names and, if it has a selector, of those for
// the ones that meet every part of it. Each namespace has the label
// kubernetes.io/metadata.name, which is its name.
func SelectsNamespace(p *policy.Policy, n Namespace) (selects, decided bool) {
	switch {
	case p.Namespace != "" && p.Namespace != n.Name:
		return false, true
	case len(p.Namespaces) > 0 && !slices.Contains(p.Namespaces, n.Name):
		return false, true
	case p.NamespaceSelector == nil:
		return true, true
	}
	if n.Name == "" {
		return false, false
	}
	open := false
	parts := slices.Clone(p.NamespaceSelector.MatchExpressions)
	for key, value := range p.NamespaceSelector.MatchLabels {
		parts = append(parts, metav1.LabelSelectorRequirement{Key: key, Operator: "In", Values: []string{value}})
	}
	for _, part := range parts {
		have, has := n.Labels[part.Key]
		known := n.Known
		if part.Key == "kubernetes.io/metadata.name" {
			have, has, known = n.Name, true, true
		}
		switch {
		case !known:
			open = true
		case !meets(&part, have, has):
			return false, true
		}
	}
	return !open, !open
}

func meets(part *metav1.LabelSelectorRequirement, have string, has bool) bool {
	switch part.Operator {
	case "In":
		return has && slices.Contains(part.Values, have)
	case "NotIn":
		return !has || !slices.Contains(part.Values, have)
	case "Exists":
		return has
	default:
		return !has
	}
}
