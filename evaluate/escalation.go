package evaluate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

func (w *walk) escalation(sc *corev1.SecurityContext) {
	if !w.has(spec.CheckAllowPrivilegeEscalation) {
		return
	}
	const f = spec.FieldAllowPrivilegeEscalation
	switch {
	case sc.AllowPrivilegeEscalation == nil:
		w.note(spec.CheckAllowPrivilegeEscalation, f)
	case *sc.AllowPrivilegeEscalation:
		add(w, spec.CheckAllowPrivilegeEscalation, f, true)
	}
}

func escalationDetail(b *strings.Builder, vs []Violation) {
	writeContainers(b, vs, anyViolation)
	b.WriteString(" must set securityContext.allowPrivilegeEscalation=false")
}
