package mutate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// apply writes what a report fills in into a pod that is the caller's own
// shallow copy. What it writes to it copies first; the rest stays shared with
// the original.
func apply(pod *corev1.PodSpec, r *Report) {
	var copied [1 + spec.EphemeralContainer]bool
	for fills := r.plan.Fills; len(fills) > 0; {
		first := &fills[0]
		n := 1
		for n < len(fills) && fills[n].Index == first.Index && fills[n].Kind == first.Kind {
			n++
		}
		if first.Kind == 0 {
			applyPod(pod, fills[:n], r.plan.Groups)
		} else {
			if !copied[first.Kind] {
				copyList(pod, first.Kind)
				copied[first.Kind] = true
			}
			applyContainer(podwalk.Get(pod, first.Container()), fills[:n])
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
	sc           corev1.PodSecurityContext
	fsGroup      int64
	changePolicy corev1.PodFSGroupChangePolicy
	// groups is room for as many supplemental groups as policies usually fill.
	groups [1]int64
	policy corev1.SupplementalGroupsPolicy
}

func applyPod(pod *corev1.PodSpec, fills []plan.Fill, groups []int64) {
	if fills[0].Field == plan.HostUsers { // the one field outside the security context, and the first
		pod.HostUsers = new(bool)
		fills = fills[1:]
	}
	if len(fills) == 0 {
		return
	}
	own := &podOwned{}
	if pod.SecurityContext != nil {
		own.sc = *pod.SecurityContext
	}
	pod.SecurityContext = &own.sc
	for i := range fills {
		switch f := &fills[i]; f.Field {
		case plan.PodFSGroup:
			own.fsGroup = f.Value
			own.sc.FSGroup = &own.fsGroup
		case plan.PodFSGroupChangePolicy:
			own.changePolicy = corev1.PodFSGroupChangePolicy(plan.FieldOf(f.Field).Word)
			own.sc.FSGroupChangePolicy = &own.changePolicy
		case plan.PodSupplementalGroups:
			own.sc.SupplementalGroups = append(own.groups[:0], groups...)
		case plan.PodSupplementalGroupsPolicy:
			own.policy = corev1.SupplementalGroupsPolicy(plan.FieldOf(f.Field).Word)
			own.sc.SupplementalGroupsPolicy = &own.policy
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

func applyContainer(container *corev1.Container, fills []plan.Fill) {
	own := &containerOwned{}
	if container.SecurityContext != nil {
		own.sc = *container.SecurityContext
	}
	container.SecurityContext = &own.sc
	for i := range fills {
		own.set(&fills[i])
	}
}

func (own *containerOwned) set(f *plan.Fill) {
	sc, on := &own.sc, f.Value != 0
	switch f.Field {
	case plan.Escalation:
		own.escalation = on
		sc.AllowPrivilegeEscalation = &own.escalation
	case plan.CapabilitiesDrop:
		if sc.Capabilities != nil {
			own.capabilities = *sc.Capabilities
		}
		own.drop[0] = corev1.Capability(plan.FieldOf(plan.CapabilitiesDrop).Word)
		own.capabilities.Drop = own.drop[:]
		sc.Capabilities = &own.capabilities
	case plan.Privileged:
		own.privileged = on
		sc.Privileged = &own.privileged
	case plan.ReadOnlyRoot:
		own.readOnlyRoot = on
		sc.ReadOnlyRootFilesystem = &own.readOnlyRoot
	case plan.RunAsGroup:
		own.group = f.Value
		sc.RunAsGroup = &own.group
	case plan.RunAsNonRoot:
		own.nonRoot = on
		sc.RunAsNonRoot = &own.nonRoot
	case plan.RunAsUser:
		own.user = f.Value
		sc.RunAsUser = &own.user
	case plan.SeccompType:
		own.seccomp.Type = corev1.SeccompProfileType(plan.FieldOf(plan.SeccompType).Word)
		sc.SeccompProfile = &own.seccomp
	}
}
