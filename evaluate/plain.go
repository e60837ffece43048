package evaluate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/internal/podwalk"
)

// plain reports whether a pod sets what restricted demands in its usual form and
// nothing that any check forbids. No check can find anything in it, at any level
// or version, and most pods of a cluster that enforces restricted look so. It
// may say no to a compliant pod; the walk decides then.
func plain(meta *metav1.ObjectMeta, pod *corev1.PodSpec) bool {
	if len(meta.Annotations) > 0 || pod.HostNetwork || pod.HostPID || pod.HostIPC {
		return false
	}
	inherited := podContext(pod)
	if !plainPodContext(inherited) {
		return false
	}
	for i := range pod.Volumes {
		if v := &pod.Volumes[i]; v.HostPath != nil || !hotpath.RestrictedVolume(v) {
			return false
		}
	}
	for _, c := range podwalk.Containers(pod) {
		if c.SecurityContext == nil || !plainContext(c.SecurityContext, inherited) || !plainlyBound(c) {
			return false
		}
	}
	return true
}

func plainPodContext(sc *corev1.PodSecurityContext) bool {
	return (sc.RunAsNonRoot == nil || *sc.RunAsNonRoot) && (sc.RunAsUser == nil || *sc.RunAsUser != 0) &&
		(sc.SeccompProfile == nil || hotpath.SeccompTypeAllowed(sc.SeccompProfile.Type)) &&
		sc.AppArmorProfile == nil && sc.SELinuxOptions == nil && sc.WindowsOptions == nil && len(sc.Sysctls) == 0
}

// plainContext reports the same of a container's security context, with what the
// container inherits from that of its pod.
func plainContext(sc *corev1.SecurityContext, pod *corev1.PodSecurityContext) bool {
	nonRoot, seccomp := sc.RunAsNonRoot, sc.SeccompProfile
	if nonRoot == nil {
		nonRoot = pod.RunAsNonRoot
	}
	if seccomp == nil {
		seccomp = pod.SeccompProfile
	}
	return sc.AllowPrivilegeEscalation != nil && !*sc.AllowPrivilegeEscalation &&
		nonRoot != nil && *nonRoot &&
		sc.Capabilities != nil && len(sc.Capabilities.Add) == 0 &&
		len(sc.Capabilities.Drop) == 1 && hotpath.DropsAll(string(sc.Capabilities.Drop[0])) &&
		seccomp != nil && seccomp.Type == corev1.SeccompProfileTypeRuntimeDefault &&
		(sc.Privileged == nil || !*sc.Privileged) && (sc.RunAsUser == nil || *sc.RunAsUser != 0) &&
		sc.AppArmorProfile == nil && sc.ProcMount == nil && sc.SELinuxOptions == nil && sc.WindowsOptions == nil
}

// plainlyBound reports whether a container names no port and no address of the node.
func plainlyBound(c *corev1.Container) bool {
	for i := range c.Ports {
		if c.Ports[i].HostPort != 0 {
			return false
		}
	}
	return !hotpath.NamesProbeHost(c)
}
