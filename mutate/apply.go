package mutate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// apply writes what a report fills in into a pod that is the caller's own
// shallow copy. What it writes to it copies first; the rest stays shared with
// the original.
func apply(pod *corev1.PodSpec, r *Report) {
	var copied [len(spec.ContainerKinds) + 1]bool
	for fills := r.fills; len(fills) > 0; {
		first := &fills[0]
		n := 1
		for n < len(fills) && fills[n].index == first.index && fills[n].kind == first.kind {
			n++
		}
		if first.kind == 0 {
			applyPod(pod, fills[:n], r.groups)
		} else {
			if !copied[first.kind] {
				copyList(pod, first.kind)
				copied[first.kind] = true
			}
			applyContainer(podwalk.Get(pod, first.container()), fills[:n])
		}
		fills = fills[n:]
	}
}

func copyList(pod *corev1.PodSpec, kind spec.ContainerKind) {
	switch kind {
	case spec.InitContainer:
		pod.InitContainers = slices.Clone(pod.InitContainers)
	case spec.RegularContainer:
		pod.Containers = slices.Clone(pod.Containers)
	case spec.EphemeralContainer:
		pod.EphemeralContainers = slices.Clone(pod.EphemeralContainers)
	}
}

// podOwned is the memory of what apply writes on a pod, in one piece.
type podOwned struct {
	sc      corev1.PodSecurityContext
	fsGroup int64
	// groups is room for as many supplemental groups as policies usually fill.
	groups [1]int64
}

func applyPod(pod *corev1.PodSpec, fills []fill, groups []int64) {
	own := &podOwned{}
	if pod.SecurityContext != nil {
		own.sc = *pod.SecurityContext
	}
	pod.SecurityContext = &own.sc
	for i := range fills {
		switch f := &fills[i]; f.field {
		case podFSGroup:
			own.fsGroup = f.value
			own.sc.FSGroup = &own.fsGroup
		case podSupplementalGroups:
			own.sc.SupplementalGroups = append(own.groups[:0], groups...)
		}
	}
}

// containerOwned is the memory of what apply writes on a container, in one piece.
type containerOwned struct {
	sc                                            corev1.SecurityContext
	capabilities                                  corev1.Capabilities
	seccomp                                       corev1.SeccompProfile
	drop                                          [1]corev1.Capability
	user, group                                   int64
	escalation, privileged, nonRoot, readOnlyRoot bool
}

func applyContainer(container *corev1.Container, fills []fill) {
	own := &containerOwned{}
	if container.SecurityContext != nil {
		own.sc = *container.SecurityContext
	}
	container.SecurityContext = &own.sc
	for i := range fills {
		own.set(&fills[i])
	}
}

func (own *containerOwned) set(f *fill) {
	sc, on := &own.sc, f.value != 0
	switch f.field {
	case escalation:
		own.escalation = on
		sc.AllowPrivilegeEscalation = &own.escalation
	case capabilitiesDrop:
		if sc.Capabilities != nil {
			own.capabilities = *sc.Capabilities
		}
		own.drop[0] = corev1.Capability(fields[capabilitiesDrop].word)
		own.capabilities.Drop = own.drop[:]
		sc.Capabilities = &own.capabilities
	case privileged:
		own.privileged = on
		sc.Privileged = &own.privileged
	case readOnlyRoot:
		own.readOnlyRoot = on
		sc.ReadOnlyRootFilesystem = &own.readOnlyRoot
	case runAsGroup:
		own.group = f.value
		sc.RunAsGroup = &own.group
	case runAsNonRoot:
		own.nonRoot = on
		sc.RunAsNonRoot = &own.nonRoot
	case runAsUser:
		own.user = f.value
		sc.RunAsUser = &own.user
	case seccompType:
		own.seccomp.Type = corev1.SeccompProfileType(fields[seccompType].word)
		sc.SeccompProfile = &own.seccomp
	}
}
