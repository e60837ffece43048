package native

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// match says that a policy is asked about pods, and about requests to add ephemeral
// containers to them.
func (r *renderer) match(operations []string) *MatchResources {
	m := r.matchAll()
	m.ResourceRules = []ResourceRule{
		resourceRule("", operations, "pods"),
		resourceRule("", []string{"UPDATE"}, "pods/ephemeralcontainers"),
	}
	return m
}

// matchAll is what all policies match by: every namespace that is not exempt.
func (r *renderer) matchAll() *MatchResources {
	m := &MatchResources{MatchPolicy: "Equivalent", NamespaceSelector: &metav1.LabelSelector{}, ObjectSelector: &metav1.LabelSelector{}}
	if exempt := named(r.options.Exempt.Namespaces); len(exempt) > 0 {
		m.NamespaceSelector.MatchExpressions = []metav1.LabelSelectorRequirement{
			{Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: exempt},
		}
	}
	return m
}

func resourceRule(group string, operations []string, resources ...string) ResourceRule {
	return ResourceRule{APIGroups: []string{group}, APIVersions: []string{"v1"}, Operations: operations, Resources: resources, Scope: "Namespaced"}
}

// exemptions are the conditions that leave out users and runtime classes; in is the
// spec that says the runtime class.
func (r *renderer) exemptions(in string) (list []Condition) {
	if exempt := named(r.options.Exempt.Usernames); len(exempt) > 0 {
		list = append(list, Condition{"user", "!(request.userInfo.username in " + words(exempt) + ")"})
	}
	if exempt := named(r.options.Exempt.RuntimeClasses); len(exempt) > 0 {
		list = append(list, Condition{"runtime-class", "!(" + in + ".?runtimeClassName.orValue('') in " + words(exempt) + ")"})
	}
	return list
}

// named are the names of a list without the empty one, which exempts nobody.
func named(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return name == "" })
}
