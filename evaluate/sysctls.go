package evaluate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

func (w *walk) sysctls(sc *corev1.PodSecurityContext) {
	for i := range sc.Sysctls {
		name := sc.Sysctls[i].Name
		if w.has(spec.CheckSysctls) && !slices.Contains(w.rules.Sysctls, name) {
			w.addAt(spec.CheckSysctls, spec.AtIndex(w.at, spec.FieldSysctl, i), name, "a safe sysctl")
		}
	}
}

func excuseSysctl(_ *subject, p *policy.Policy, v *Violation) string {
	if p.Allow.Sysctl(v.Value.(string)) {
		return "allow.allowedUnsafeSysctls"
	}
	return ""
}

func sysctlsDetail(b []byte, vs []Violation) []byte {
	for i := range vs {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, vs[i].Value.(string)...)
	}
	return b
}
