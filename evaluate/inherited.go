package evaluate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// excuses reports whether a policy excuses a violation, and by which of its entries.
// What stands on the pod and speaks for containers is excused too where each of them
// is granted it.
func (v *view) excuses(found *Violation, p *policy.Policy) (by policy.Entry, ok bool) {
	fault := found.Fault()
	if by, ok = p.Excuses(&fault); ok || len(p.Containers) == 0 {
		return by, ok
	}
	if c := podwalk.Get(v.pod, found.Container); c != nil {
		return p.For(found.Container.Kind, c).Excuses(&fault)
	}
	for at, c := range podwalk.Containers(v.pod) {
		if !speaksFor(&found.Location, v.meta.Annotations, c) {
			continue
		}
		fault.Facts = factsOf(v.pod, c)
		granted, ok := p.For(at.Kind, c).Excuses(&fault)
		if !ok {
			return policy.Entry{}, false
		}
		// The first of the policy's entries is named, whatever the order of containers.
		if by == (policy.Entry{}) || by.Container == 0 || granted.Container != 0 && granted.Container < by.Container {
			by = granted
		}
	}
	return by, by != policy.Entry{}
}

// speaksFor reports whether a field of the pod, or an annotation, says what holds for
// a container: the container inherits it, or is named by it.
func speaksFor(l *spec.Location, annotations map[string]string, c *corev1.Container) bool {
	if l.Field != spec.FieldAnnotation {
		return spec.InheritsField(c, l.Field)
	}
	if l.Key == spec.SeccompPodAnnotation {
		_, own := annotations[spec.SeccompContainerAnnotation+c.Name]
		return !own
	}
	for _, prefix := range [...]string{spec.SeccompContainerAnnotation, spec.AppArmorAnnotation} {
		if name, ok := strings.CutPrefix(l.Key, prefix); ok {
			return name == c.Name
		}
	}
	return false
}
