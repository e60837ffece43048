package evaluate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

func (w *walk) privileged(sc *corev1.SecurityContext) {
	if isTrue(sc.Privileged) && w.has(spec.CheckPrivileged) {
		add(w, spec.CheckPrivileged, spec.FieldPrivileged, true)
	}
}

func privilegedDetail(b *strings.Builder, vs []Violation) {
	writeContainers(b, vs, anyViolation)
	b.WriteString(" must not set securityContext.privileged=true")
}
