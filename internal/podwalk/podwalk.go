// Package podwalk visits the containers of a pod: the one place that knows the
// three lists and their order. A container that a visitor forgets is one that
// nobody checks.
package podwalk

import (
	"iter"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// Containers visits init containers, regular containers and ephemeral
// containers, each list in its own order, as Pod Security Admission does.
func Containers(pod *corev1.PodSpec) iter.Seq2[spec.Container, *corev1.Container] {
	return func(yield func(spec.Container, *corev1.Container) bool) {
		for i := range pod.InitContainers {
			c := &pod.InitContainers[i]
			if !yield(spec.Container{Kind: spec.InitContainer, Index: int32(i), Name: c.Name}, c) {
				return
			}
		}
		for i := range pod.Containers {
			c := &pod.Containers[i]
			if !yield(spec.Container{Kind: spec.RegularContainer, Index: int32(i), Name: c.Name}, c) {
				return
			}
		}
		for i := range pod.EphemeralContainers {
			c := Ephemeral(&pod.EphemeralContainers[i])
			if !yield(spec.Container{Kind: spec.EphemeralContainer, Index: int32(i), Name: c.Name}, c) {
				return
			}
		}
	}
}

// EphemeralContainers visits the ephemeral containers alone.
func EphemeralContainers(pod *corev1.PodSpec) iter.Seq2[spec.Container, *corev1.Container] {
	return func(yield func(spec.Container, *corev1.Container) bool) {
		for i := range pod.EphemeralContainers {
			c := Ephemeral(&pod.EphemeralContainers[i])
			if !yield(spec.Container{Kind: spec.EphemeralContainer, Index: int32(i), Name: c.Name}, c) {
				return
			}
		}
	}
}

// Ephemeral is an ephemeral container seen as any other: the API defines the
// common part field by field like a Container, so that it converts.
func Ephemeral(e *corev1.EphemeralContainer) *corev1.Container {
	return (*corev1.Container)(&e.EphemeralContainerCommon)
}

// Get returns one container of a pod, nil for the pod itself and for an index
// that the pod does not have.
func Get(pod *corev1.PodSpec, at spec.Container) *corev1.Container {
	switch {
	case at.Index < 0:
		return nil
	case at.Kind == spec.InitContainer && int(at.Index) < len(pod.InitContainers):
		return &pod.InitContainers[at.Index]
	case at.Kind == spec.RegularContainer && int(at.Index) < len(pod.Containers):
		return &pod.Containers[at.Index]
	case at.Kind == spec.EphemeralContainer && int(at.Index) < len(pod.EphemeralContainers):
		return Ephemeral(&pod.EphemeralContainers[at.Index])
	default:
		return nil
	}
}
