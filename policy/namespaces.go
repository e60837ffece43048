package policy

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

// The namespaces of a policy: those that it names, of which two policies of one name
// must not share one, and those that it selects by their labels. Every namespace has
// the label kubernetes.io/metadata.name, which the API server sets to its name and
// lets nobody change. So what a policy asks of that label is known wherever the name
// of the namespace is, and is no more than another way to name namespaces.

// names reports whether the policy names namespaces.
func (p *Policy) names() bool { return p.Namespace != "" || len(p.Namespaces) > 0 }

// named visits the namespaces that the policy names, and "" where it names none: it
// is found among the policies of every namespace then.
func (p *Policy) named(yield func(namespace string) bool) {
	if !p.names() {
		yield("")
		return
	}
	if p.Namespace != "" && !yield(p.Namespace) {
		return
	}
	for _, namespace := range p.Namespaces {
		if !yield(namespace) {
			return
		}
	}
}

// firstNamed is the first namespace that the policy names, in their order; "" where
// it names none.
func (p *Policy) firstNamed() string {
	if p.Namespace != "" || len(p.Namespaces) == 0 {
		return p.Namespace
	}
	return slices.Min(p.Namespaces)
}

// register holds what stands under each name in each namespace.
type register[T any] map[struct{ namespace, name string }]T

// enter enters a policy in all its namespaces.
func (r register[T]) enter(p *Policy, entry T) {
	for namespace := range p.named {
		r[struct{ namespace, name string }{namespace, p.Name}] = entry
	}
}

// before is what stands under the policy's name in one of its namespaces already,
// and in which one.
func (r register[T]) before(p *Policy) (entry T, namespace string, taken bool) {
	for namespace = range p.named {
		if entry, taken = r[struct{ namespace, name string }{namespace, p.Name}]; taken {
			return entry, namespace, true
		}
	}
	return entry, "", false
}

// namespaceSelector is the namespaceSelector of a policy, made ready.
type namespaceSelector struct {
	// name is what it asks of the names of namespaces.
	name demand
	// labels is what it asks of their other labels; nil for nothing.
	labels labels.Selector
}

// newNamespaceSelector makes the selector of a valid policy ready.
func newNamespaceSelector(of *metav1.LabelSelector) (*namespaceSelector, error) {
	s := &namespaceSelector{name: demand{mayBePresent: true}}
	var others []metav1.LabelSelectorRequirement
	for e := range requirements(of) {
		if e.Key == corev1.LabelMetadataName {
			s.name.expression(&e)
		} else {
			others = append(others, e)
		}
	}
	s.name.normalize()
	if len(others) == 0 {
		return s, nil
	}
	var err error
	s.labels, err = metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchExpressions: others})
	return s, err
}

// requirements visits what a selector asks, its labels as expressions.
func requirements(of *metav1.LabelSelector) func(yield func(metav1.LabelSelectorRequirement) bool) {
	return func(yield func(metav1.LabelSelectorRequirement) bool) {
		for key, value := range of.MatchLabels {
			if !yield(metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}}) {
				return
			}
		}
		for _, e := range of.MatchExpressions {
			if !yield(e) {
				return
			}
		}
	}
}

// surroundings are what is known of the namespace of a pod. Its labels are asked for
// once, and only if something hangs on them.
type surroundings struct {
	name     string
	labelsOf func(namespace string) (labels map[string]string, known bool)

	labels       map[string]string
	asked, known bool
}

// ask returns the labels of the namespace, and whether they are known.
func (in *surroundings) ask() (labels map[string]string, known bool) {
	if !in.asked && in.labelsOf != nil {
		in.labels, in.known = in.labelsOf(in.name)
	}
	in.asked = true
	return in.labels, in.known
}

// verdict is whether a policy selects a namespace.
type verdict uint8

const (
	selected verdict = iota
	notSelected
	// undecided: it hangs on labels that are not known, as those of no namespace are,
	// where a template names none.
	undecided
)

// selects says whether the policy's namespaceSelector selects a namespace. One
// without a selector selects all of those that it is looked up for.
func (s *selector) selects(in *surroundings) verdict {
	switch {
	case s.namespaces == nil:
		return selected
	case in.name == "":
		return undecided
	case !s.namespaces.name.admits(in.name):
		return notSelected
	case s.namespaces.labels == nil:
		return selected
	}
	switch have, known := in.ask(); {
	case !known:
		return undecided
	case s.namespaces.labels.Matches(labels.Set(have)):
		return selected
	default:
		return notSelected
	}
}

const (
	fixNamespaces        = "write namespaces, as in namespaces: [networking, storage], or remove the key for every namespace"
	fixOneOfNamespaces   = "write one of the two: namespaces alone, if there are several"
	fixNamespaceSelector = "write labels of the namespaces that the policy is for, as in namespaceSelector: {matchLabels: {team: storage}}"
)

// namespaces checks the namespaces that a policy names, and those that it selects.
func (c *checker) namespaces(p *Policy) {
	if p.Namespace != "" && len(validation.IsDNS1123Label(p.Namespace)) > 0 {
		c.add("namespace", fixNamespace, "%s is no DNS-1123 label", quote(p.Namespace))
	}
	if p.Namespaces != nil && len(p.Namespaces) == 0 {
		c.add("namespaces", fixNamespaces, "names no namespace, and so selects no pod")
	}
	if p.Namespace != "" && len(p.Namespaces) > 0 {
		wrong := complain(fixOneOfNamespaces, "namespace and namespaces are both given")
		*c = append(*c, finding{field: "namespaces", complaint: wrong, about: "namespace"})
	}
	first := map[string]int{}
	for i, namespace := range p.Namespaces {
		if len(*c) > maxErrors {
			return
		}
		at, again := first[namespace]
		switch field := entryPath("namespaces", i); {
		case again:
			c.add(field, "remove it", "%s is listed already, as namespaces[%d]", quote(namespace), at)
		case len(validation.IsDNS1123Label(namespace)) > 0:
			c.add(field, fixNamespace, "%s is no DNS-1123 label", quote(namespace))
		default:
			first[namespace] = i
		}
	}
	if s := p.NamespaceSelector; s != nil {
		if len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 {
			c.add("namespaceSelector", fixNamespaceSelector, "no labels are given, and they would select every namespace")
		}
		c.labels("namespaceSelector.matchLabels", s.MatchLabels)
		c.expressions("namespaceSelector.matchExpressions", s.MatchExpressions)
	}
}

// titleOfAll names a policy with the namespaces that it names, the first of many:
// "{networking,storage}/route-manager".
func titleOfAll(namespaces []string, name string) string {
	if len(namespaces) < 2 {
		return titleOf(strings.Join(namespaces, ""), name)
	}
	return titleOf(fmt.Sprintf("{%s}", strings.Join(ending(namespaces), ",")), name)
}

// ending are the first of many words, with dots for the others.
func ending(words []string) []string {
	if len(words) <= maxListed {
		return words
	}
	return append(slices.Clone(words[:maxListed]), "...")
}
