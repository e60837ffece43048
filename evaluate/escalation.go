package evaluate

import (
	"strings"

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
		addUnset(w, spec.CheckAllowPrivilegeEscalation, f, wantFalse)
	case *sc.AllowPrivilegeEscalation:
		add(w, spec.CheckAllowPrivilegeEscalation, f, true, wantFalse)
	}
}

// excuseEscalation covers what implies escalation too: a granted privileged
// container and a granted SYS_ADMIN, beside which API validation refuses false.
func excuseEscalation(s *subject, p *policy.Policy, v *Violation) policy.Key {
	if p.Allow.AllowPrivilegeEscalation {
		return policy.KeyAllowPrivilegeEscalation
	}
	c := podwalk.Get(s.pod, v.Container)
	switch {
	case p.Allow.Privileged && spec.IsPrivileged(c):
		return policy.KeyPrivileged
	case spec.AddsSysAdmin(c) && p.Allow.Capability("SYS_ADMIN"):
		return policy.KeyAllowedCapabilities
	default:
		return 0
	}
}

func escalationDetail(b *strings.Builder, vs []Violation) {
	writeContainers(b, vs, anyViolation)
	b.WriteString(" must set securityContext.allowPrivilegeEscalation=false")
}
