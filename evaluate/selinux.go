package evaluate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

func (w *walk) podSELinux(sc *corev1.PodSecurityContext) {
	if sc.SELinuxOptions != nil {
		w.seLinuxOptions(sc.SELinuxOptions, spec.FieldPodSELinuxType, spec.FieldPodSELinuxUser, spec.FieldPodSELinuxRole)
	}
}

func (w *walk) seLinux(sc *corev1.SecurityContext) {
	if sc.SELinuxOptions != nil {
		w.seLinuxOptions(sc.SELinuxOptions, spec.FieldSELinuxType, spec.FieldSELinuxUser, spec.FieldSELinuxRole)
	}
}

func (w *walk) seLinuxOptions(o *corev1.SELinuxOptions, typeField, userField, roleField spec.Field) {
	const id = spec.CheckSELinuxOptions
	if !w.has(id) {
		return
	}
	if !slices.Contains(w.rules.SELinuxTypes, o.Type) {
		add(w, id, typeField, o.Type)
	}
	if o.User != "" {
		add(w, id, userField, o.User)
	}
	if o.Role != "" {
		add(w, id, roleField, o.Role)
	}
}

func isSELinuxType(v *Violation) bool {
	return v.Field == spec.FieldSELinuxType || v.Field == spec.FieldPodSELinuxType
}

func isSELinuxUser(v *Violation) bool {
	return v.Field == spec.FieldSELinuxUser || v.Field == spec.FieldPodSELinuxUser
}

func isSELinuxRole(v *Violation) bool {
	return v.Field == spec.FieldSELinuxRole || v.Field == spec.FieldPodSELinuxRole
}

func seLinuxDetail(b *strings.Builder, vs []Violation) {
	writeSetters(b, vs, anyViolation)
	b.WriteString(" set forbidden securityContext.seLinuxOptions: ")
	separator := ""
	if types := values(vs, isSELinuxType); len(types) > 0 {
		b.WriteString(plural("type", len(types)))
		b.WriteByte(' ')
		writeQuoted(b, types)
		separator = "; "
	}
	if selects(isSELinuxUser).in(vs) {
		b.WriteString(separator)
		b.WriteString("user may not be set")
		separator = "; "
	}
	if selects(isSELinuxRole).in(vs) {
		b.WriteString(separator)
		b.WriteString("role may not be set")
	}
}
