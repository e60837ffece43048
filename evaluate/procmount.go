package evaluate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

func (w *walk) procMount(sc *corev1.SecurityContext) {
	if sc.ProcMount == nil || *sc.ProcMount == corev1.DefaultProcMount {
		return
	}
	if id := w.either(spec.CheckProcMount, spec.CheckProcMountRestricted); id != 0 {
		add(w, id, spec.FieldProcMount, string(*sc.ProcMount))
	}
}

func procMountDetail(b *strings.Builder, vs []Violation) {
	writeContainers(b, vs, anyViolation)
	b.WriteString(" must not set securityContext.procMount to ")
	writeQuoted(b, values(vs, anyViolation))
}
