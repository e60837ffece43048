package restated

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Case is one pod under one policy, the unit that every table is about.
type Case struct {
	Pod *corev1.Pod
	// Filled is the pod as Mutate filled it. Only what is said of fills reads it.
	Filled *corev1.Pod
	Policy *policy.Policy
}

// Path is the path of a field as the design writes it, a container's without the
// container. The tables know fields by nothing else.
func Path(f spec.Field) string { return f.String() }

// containers lists the containers of a pod.
func containers(pod *corev1.Pod) (list []spec.Container) {
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		list = append(list, spec.Container{Kind: spec.InitContainer, Index: int32(i), Name: c.Name})
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		list = append(list, spec.Container{Kind: spec.RegularContainer, Index: int32(i), Name: c.Name})
	}
	for i := range pod.Spec.EphemeralContainers {
		c := &pod.Spec.EphemeralContainers[i]
		list = append(list, spec.Container{Kind: spec.EphemeralContainer, Index: int32(i), Name: c.Name})
	}
	return list
}

// container is one container of a pod. The API defines an ephemeral one field by
// field like any other, so that it converts.
func container(pod *corev1.Pod, at spec.Container) *corev1.Container {
	switch at.Kind {
	case spec.InitContainer:
		return &pod.Spec.InitContainers[at.Index]
	case spec.RegularContainer:
		return &pod.Spec.Containers[at.Index]
	default:
		return (*corev1.Container)(&pod.Spec.EphemeralContainers[at.Index].EphemeralContainerCommon)
	}
}

// contexts are the security contexts of the pod and of one of its containers,
// empty where there is none.
func contexts(pod *corev1.Pod, at spec.Container) (ofPod corev1.PodSecurityContext, own corev1.SecurityContext) {
	if pod.Spec.SecurityContext != nil {
		ofPod = *pod.Spec.SecurityContext
	}
	if at.Kind != 0 {
		if sc := container(pod, at).SecurityContext; sc != nil {
			own = *sc
		}
	}
	return ofPod, own
}

// effective is the container's value, else the pod's.
func effective[T any](own, ofPod *T) *T {
	if own != nil {
		return own
	}
	return ofPod
}

func is[T comparable](p *T, value T) bool { return p != nil && *p == value }

// effectiveUser is the user ID that a container runs as, nil for that of its image.
func effectiveUser(pod *corev1.Pod, at spec.Container) *int64 {
	ofPod, own := contexts(pod, at)
	return effective(own.RunAsUser, ofPod.RunAsUser)
}

// RunsAsRoot reports whether the effective user ID of a container is 0, as its
// author has it.
func (c Case) RunsAsRoot(at spec.Container) bool { return is(effectiveUser(c.Pod, at), 0) }

// RunsAsAdministrator reports whether a container runs on Windows as the user that
// the kubelet takes for root there: the names of users have no case on Windows.
func (c Case) RunsAsAdministrator(at spec.Container) bool {
	ofPod, own := contexts(c.Pod, at)
	name := effective(userName(own.WindowsOptions), userName(ofPod.WindowsOptions))
	return isWindows(c.Pod) && name != nil && strings.ToUpper(*name) == "CONTAINERADMINISTRATOR"
}

func userName(o *corev1.WindowsSecurityContextOptions) *string {
	if o == nil {
		return nil
	}
	return o.RunAsUserName
}

// addsSysAdmin reports whether it is among those added: container runtimes know a capability by any case, with CAP_ and without.
func addsSysAdmin(sc corev1.SecurityContext) bool {
	return sc.Capabilities != nil && slices.ContainsFunc(sc.Capabilities.Add, func(c corev1.Capability) bool {
		return plainCapability(string(c)) == "SYS_ADMIN"
	})
}

func plainCapability(name string) string { return strings.TrimPrefix(strings.ToUpper(name), "CAP_") }

func isWindows(pod *corev1.Pod) bool { return pod.Spec.OS != nil && pod.Spec.OS.Name == "windows" }

// sharesHost reports whether the pod has the host's network or one of its namespaces.
func sharesHost(pod *corev1.Pod) bool {
	return pod.Spec.HostNetwork || pod.Spec.HostPID || pod.Spec.HostIPC
}

// hasDevices reports whether a container has block devices.
func hasDevices(pod *corev1.Pod) bool {
	return slices.ContainsFunc(containers(pod), func(at spec.Container) bool { return len(container(pod, at).VolumeDevices) > 0 })
}

// isMirror reports whether the pod is a mirror pod: the kubelet shows with it what it runs already.
func isMirror(pod *corev1.Pod) bool {
	_, found := pod.Annotations["kubernetes.io/config.mirror"]
	return found
}

// contradicts reports whether a legacy annotation, the container's or else the
// pod's, names another profile than the runtime's default.
func contradicts(pod *corev1.Pod, container string) bool {
	value, found := pod.Annotations["container.seccomp.security.alpha.kubernetes.io/"+container]
	if !found {
		value, found = pod.Annotations["seccomp.security.alpha.kubernetes.io/pod"]
	}
	return found && value != "runtime/default" && value != "docker/default"
}

func inRanges(ranges []policy.IDRange, id int64) bool {
	return slices.ContainsFunc(ranges, func(r policy.IDRange) bool { return r.Min <= id && id <= r.Max })
}

// JudgedOtherwise reports whether a version holds the pod to what it cannot or
// need not have: Windows pods below v1.25, and pods in a user namespace below
// v1.35. Law 1 does not speak of them there.
func JudgedOtherwise(pod *corev1.Pod, v api.Version) bool {
	return isWindows(pod) && v.Older(api.MajorMinorVersion(1, 25)) ||
		is(pod.Spec.HostUsers, false) && v.Older(api.MajorMinorVersion(1, 35))
}
