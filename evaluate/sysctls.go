package evaluate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

func (w *walk) sysctls(sc *corev1.PodSecurityContext) {
	for i := range sc.Sysctls {
		name := sc.Sysctls[i].Name
		if w.has(spec.CheckSysctls) && !slices.Contains(w.rules.Sysctls, name) {
			addElement(w, spec.CheckSysctls, spec.FieldSysctl, i, name)
		}
	}
}

func sysctlsDetail(b *strings.Builder, vs []Violation) {
	for i := range vs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(vs[i].Value.(string))
	}
}

// namelessSysctl reports whether the detail of a group would be empty, as it can
// be for no other check: a single sysctl without a name.
func namelessSysctl(group []Violation) bool {
	return len(group) == 1 && group[0].Check == spec.CheckSysctls && group[0].Value == ""
}
