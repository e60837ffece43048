package evaluate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

func (w *walk) escalation(sc *corev1.SecurityContext) {
	if !w.has(spec.CheckAllowPrivilegeEscalation) {
		return
	}
	const f = spec.FieldAllowPrivilegeEscalation
	switch {
	case sc.AllowPrivilegeEscalation == nil:
		w.add(spec.CheckAllowPrivilegeEscalation, f, nil, wantFalse)
	case *sc.AllowPrivilegeEscalation:
		w.add(spec.CheckAllowPrivilegeEscalation, f, true, wantFalse)
	}
}

// excuseEscalation covers what implies escalation too: a granted privileged
// container and a granted SYS_ADMIN, beside which API validation refuses false.
func excuseEscalation(s *subject, p *policy.Policy, v *Violation) string {
	if p.Allow.AllowPrivilegeEscalation {
		return "allow.allowPrivilegeEscalation"
	}
	c := podwalk.Get(s.pod, v.Container)
	switch {
	case p.Allow.Privileged && spec.IsPrivileged(c):
		return "allow.privileged"
	case spec.AddsSysAdmin(c) && p.Allow.Capability("SYS_ADMIN"):
		return "allow.allowedCapabilities"
	default:
		return ""
	}
}

func escalationDetail(b []byte, vs []Violation) []byte {
	return append(appendContainers(b, vs, anyViolation), " must set securityContext.allowPrivilegeEscalation=false"...)
}
