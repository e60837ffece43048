package evaluate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// view is a pod as it is judged: as it was given, or as the API server would
// store it.
type view struct {
	meta *metav1.ObjectMeta
	// pod is judged, given was asked about: one and the same where the API server
	// sets nothing. pod never holds the volume of the ServiceAccount's token, which
	// nearly every pod gets and few policies refuse: see tokenVolume.
	pod, given *corev1.PodSpec
	still      spec.Default
}

func asGiven(meta *metav1.ObjectMeta, pod *corev1.PodSpec) view {
	return view{meta: meta, pod: pod, given: pod}
}

func asStored(meta *metav1.ObjectMeta, pod *corev1.PodSpec, still spec.Default) view {
	set := still
	if !mountsHostPathAsToken(pod) {
		set &^= spec.DefaultTokenVolume
	}
	return view{meta: meta, pod: spec.Stored(meta, pod, set), given: pod, still: still}
}

// mountsHostPathAsToken reports whether a hostPath volume has the name by which
// ServiceAccount admission knows the volume of the token. It adds no other then,
// and mounts this one in containers whose author did not.
func mountsHostPathAsToken(pod *corev1.PodSpec) bool {
	for i := range pod.Volumes {
		if v := &pod.Volumes[i]; v.HostPath != nil && spec.IsTokenVolume(v.Name) {
			return true
		}
	}
	return false
}

// tokenVolume reports whether the stored pod has one more volume than pod, behind
// all others: the projected one that ServiceAccount admission adds.
func (v *view) tokenVolume() bool {
	return v.still.Has(spec.DefaultTokenVolume) && spec.AddsTokenVolume(v.meta, v.pod)
}

// mark says of the violations in an answer which of them come of a default.
func (v *view) mark(r *Result) {
	for _, list := range [...][]Violation{r.Violations, r.Excused} {
		for i := range list {
			if list[i].Default == 0 {
				list[i].Default = v.defaultOf(&list[i].Location)
			}
		}
	}
}

// defaultOf is the default that set a field in the stored pod, zero for a field
// that was given.
func (v *view) defaultOf(l *spec.Location) spec.Default {
	c := podwalk.Get(v.given, l.Container)
	switch {
	case c != nil && l.Field == spec.FieldHostPort && c.Ports[l.Index].HostPort == 0:
		return spec.DefaultHostPort
	case c != nil && l.Field == spec.FieldAppArmorType && (c.SecurityContext == nil || c.SecurityContext.AppArmorProfile == nil):
		return spec.DefaultAppArmorProfile
	case l.Field == spec.FieldVolumeEmptyDir && spec.HasNoSource(&v.given.Volumes[l.Index]):
		return spec.DefaultEmptyDir
	default:
		return 0
	}
}
