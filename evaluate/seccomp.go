package evaluate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// seccompFields returns the check that tests the fields, zero for none. Until
// v1.18 the baseline check tests annotations instead.
func (w *walk) seccompFields() spec.CheckID {
	if w.rules.SeccompAnnotations {
		return 0
	}
	return w.either(spec.CheckSeccompProfileBaseline, spec.CheckSeccompProfileRestricted)
}

func (w *walk) podSeccomp(sc *corev1.PodSecurityContext) {
	if sc.SeccompProfile == nil || hotpath.SeccompTypeAllowed(sc.SeccompProfile.Type) {
		return
	}
	if id := w.seccompFields(); id != 0 {
		add(w, id, spec.FieldPodSeccompType, string(sc.SeccompProfile.Type))
	}
}

// seccomp: a container without a profile needs a good one on the pod, and a bad
// one there counts as none.
func (w *walk) seccomp(sc *corev1.SecurityContext) {
	id := w.seccompFields()
	if id == 0 {
		return
	}
	const f = spec.FieldSeccompType
	switch profile := sc.SeccompProfile; {
	case profile != nil && !hotpath.SeccompTypeAllowed(profile.Type):
		add(w, id, f, string(profile.Type))
	case profile == nil && id == spec.CheckSeccompProfileRestricted && !w.podHasSeccomp():
		w.note(id, f)
	}
}

func (w *walk) podHasSeccomp() bool {
	sc := w.inherited
	return sc.SeccompProfile != nil && hotpath.SeccompTypeAllowed(sc.SeccompProfile.Type)
}

// seccompAnnotations tests the annotations of the pod and of containers that it
// has, each once.
func (w *walk) seccompAnnotations() {
	if !w.rules.SeccompAnnotations || !w.has(spec.CheckSeccompProfileBaseline) {
		return
	}
	keys := []string{spec.SeccompPodAnnotation}
	for at := range podwalk.Containers(w.pod) {
		keys = append(keys, spec.SeccompContainerAnnotation+at.Name)
	}
	slices.Sort(keys[1:])
	for _, key := range slices.Compact(keys) {
		if value, ok := w.meta.Annotations[key]; ok && !hotpath.SeccompAnnotationAllowed(value) {
			w.addAnnotation(spec.CheckSeccompProfileBaseline, key)
		}
	}
}

func seccompDetail(b *strings.Builder, vs []Violation) {
	switch {
	case selects(isAnnotation).in(vs):
		list := annotations(vs)
		b.WriteString("forbidden ")
		b.WriteString(plural("annotation", len(list)))
		separator := " "
		for _, a := range list {
			b.WriteString(separator)
			b.WriteString(a)
			separator = ", "
		}
	case selects(setViolation).in(vs):
		writeSetters(b, vs, setViolation)
		b.WriteString(" must not set securityContext.seccompProfile.type to ")
		writeQuoted(b, values(vs, setViolation))
	default:
		b.WriteString("pod or ")
		writeContainers(b, vs, anyViolation)
		b.WriteString(` must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`)
	}
}
