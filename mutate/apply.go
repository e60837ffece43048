package mutate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// apply writes changes into a pod that is the caller's own shallow copy. What
// it writes to it copies first; the rest stays shared with the original.
func apply(pod *corev1.PodSpec, changes []Change) {
	var copied [4]bool
	for len(changes) > 0 {
		at := changes[0].Container
		n := 1
		for n < len(changes) && changes[n].Container == at {
			n++
		}
		if at.Kind == 0 {
			applyPod(pod, changes[:n])
		} else {
			if !copied[at.Kind] {
				copyList(pod, at.Kind)
				copied[at.Kind] = true
			}
			applyContainer(podwalk.Get(pod, at), changes[:n])
		}
		changes = changes[n:]
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

func applyPod(pod *corev1.PodSpec, changes []Change) {
	own := &podOwned{}
	if pod.SecurityContext != nil {
		own.sc = *pod.SecurityContext
	}
	pod.SecurityContext = &own.sc
	for i := range changes {
		switch c := &changes[i]; c.Field {
		case spec.FieldPodFSGroup:
			own.fsGroup = c.Value.(int64)
			own.sc.FSGroup = &own.fsGroup
		case spec.FieldSupplementalGroups:
			own.sc.SupplementalGroups = append(own.groups[:0], c.Value.([]int64)...)
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

func applyContainer(container *corev1.Container, changes []Change) {
	own := &containerOwned{}
	if container.SecurityContext != nil {
		own.sc = *container.SecurityContext
	}
	container.SecurityContext = &own.sc
	for i := range changes {
		own.set(&changes[i])
	}
}

func (own *containerOwned) set(c *Change) {
	sc := &own.sc
	switch c.Field {
	case spec.FieldAllowPrivilegeEscalation:
		own.escalation = c.Value.(bool)
		sc.AllowPrivilegeEscalation = &own.escalation
	case spec.FieldCapabilitiesDrop:
		if sc.Capabilities != nil {
			own.capabilities = *sc.Capabilities
		}
		own.drop[0] = corev1.Capability(c.Value.([]string)[0])
		own.capabilities.Drop = own.drop[:]
		sc.Capabilities = &own.capabilities
	case spec.FieldPrivileged:
		own.privileged = c.Value.(bool)
		sc.Privileged = &own.privileged
	case spec.FieldReadOnlyRootFilesystem:
		own.readOnlyRoot = c.Value.(bool)
		sc.ReadOnlyRootFilesystem = &own.readOnlyRoot
	case spec.FieldRunAsGroup:
		own.group = c.Value.(int64)
		sc.RunAsGroup = &own.group
	case spec.FieldRunAsNonRoot:
		own.nonRoot = c.Value.(bool)
		sc.RunAsNonRoot = &own.nonRoot
	case spec.FieldRunAsUser:
		own.user = c.Value.(int64)
		sc.RunAsUser = &own.user
	case spec.FieldSeccompType:
		own.seccomp.Type = corev1.SeccompProfileType(c.Value.(string))
		sc.SeccompProfile = &own.seccomp
	}
}
