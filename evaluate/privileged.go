package evaluate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

func (w *walk) privileged(sc *corev1.SecurityContext) {
	if isTrue(sc.Privileged) && w.has(spec.CheckPrivileged) {
		w.add(spec.CheckPrivileged, spec.FieldPrivileged, true, wantFalseOrUnset)
	}
}

func excusePrivileged(_ *subject, p *policy.Policy, _ *Violation) string {
	if p.Allow.Privileged {
		return "allow.privileged"
	}
	return ""
}

func privilegedDetail(b []byte, vs []Violation) []byte {
	return append(appendContainers(b, vs, anyViolation), " must not set securityContext.privileged=true"...)
}
