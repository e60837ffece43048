package evaluate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/spec"
)

func (w *walk) podAppArmor(sc *corev1.PodSecurityContext) {
	w.appArmorProfile(spec.FieldPodAppArmorType, sc.AppArmorProfile)
}

func (w *walk) appArmor(sc *corev1.SecurityContext) {
	w.appArmorProfile(spec.FieldAppArmorType, sc.AppArmorProfile)
}

func (w *walk) appArmorProfile(f spec.Field, profile *corev1.AppArmorProfile) {
	if profile != nil && !hotpath.AppArmorTypeAllowed(profile.Type) && w.has(spec.CheckAppArmorProfile) {
		add(w, spec.CheckAppArmorProfile, f, string(profile.Type))
	}
}

// appArmorAnnotations tests every annotation of the kind, also of containers
// that the pod does not have.
func (w *walk) appArmorAnnotations() {
	if !w.has(spec.CheckAppArmorProfile) {
		return
	}
	var bad []string
	for key, value := range w.meta.Annotations {
		if strings.HasPrefix(key, spec.AppArmorAnnotation) && !hotpath.AppArmorAnnotationAllowed(value) {
			bad = append(bad, key)
		}
	}
	slices.Sort(bad)
	for _, key := range bad {
		w.addAnnotation(spec.CheckAppArmorProfile, key)
	}
}

func isAnnotation(v *Violation) bool { return v.Key != "" }
func isField(v *Violation) bool      { return v.Key == "" }

// appArmorValues are the offending types, then the offending annotations.
func appArmorValues(vs []Violation) []string {
	list := values(vs, isField)
	return append(list, annotations(vs)...)
}

// annotations are the offending annotations as key="value", sorted.
func annotations(vs []Violation) []string {
	var list []string
	for i := range vs {
		if isAnnotation(&vs[i]) {
			list = append(list, fmt.Sprintf("%s=%q", vs[i].Key, vs[i].Value))
		}
	}
	return sortedUnique(list)
}

func appArmorReason(vs []Violation) string {
	return plural("forbidden AppArmor profile", len(appArmorValues(vs)))
}

func appArmorDetail(b *strings.Builder, vs []Violation) {
	if selects(isField).in(vs) {
		writeSetters(b, vs, isField)
		if selects(isAnnotation).in(vs) {
			b.WriteString(" and ")
		}
	}
	if n := len(annotations(vs)); n > 0 {
		b.WriteString(plural("annotation", n))
	}
	b.WriteString(" must not set AppArmor profile type to ")
	writeQuoted(b, appArmorValues(vs))
}
