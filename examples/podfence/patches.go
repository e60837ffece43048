package main

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence"
)

// A strategic merge patch of Kustomize looks like the workload that it changes,
// with most of it left out. What is left out tells it from one: --skip-patches
// passes over what no API server would create as it stands, and so nothing that
// would run.

// isPatch reports whether a workload lacks what the API server demands of every
// one: containers, the image of each, and in apps/v1 the selector. One whose
// containers stand under a misspelt key is none.
func (w *workload) isPatch() bool {
	if w.Typed == nil {
		return false
	}
	held, err := podfence.WorkloadOf(w.Typed)
	if err != nil {
		held.Root = withoutTemplate
	}
	if err != nil || !hasContainers(&held) {
		_, _, found := w.misspelt(held.Root)
		return !found
	}
	return lacksImage(podSpec(&held)) || lacksSelector(w.Typed)
}

func podSpec(w *podfence.Workload) *corev1.PodSpec {
	if w.Pod != nil {
		return &w.Pod.Spec
	}
	return &w.Template.Spec
}

// lacksImage reports whether a container has no image: a patch names those that
// it changes, and seldom changes it.
func lacksImage(pod *corev1.PodSpec) bool {
	for _, list := range [][]corev1.Container{pod.InitContainers, pod.Containers} {
		for i := range list {
			if list[i].Image == "" {
				return true
			}
		}
	}
	return false
}

func lacksSelector(object any) bool {
	var selector *metav1.LabelSelector
	switch o := object.(type) {
	case *appsv1.ReplicaSet:
		selector = o.Spec.Selector
	case *appsv1.Deployment:
		selector = o.Spec.Selector
	case *appsv1.StatefulSet:
		selector = o.Spec.Selector
	case *appsv1.DaemonSet:
		selector = o.Spec.Selector
	default:
		return false
	}
	return selector == nil
}
