package spec

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The functions of this file are the one place that computes effective values:
// the container's where it is set, else the pod's (pkg/securitycontext/util.go
// in k8s.io/kubernetes). A nil result means unset.

// EffectiveRunAsUser is the user ID that a container is asked to run as.
func EffectiveRunAsUser(pod *corev1.PodSpec, c *corev1.Container) *int64 {
	if sc := c.SecurityContext; sc != nil && sc.RunAsUser != nil {
		return sc.RunAsUser
	}
	if sc := pod.SecurityContext; sc != nil {
		return sc.RunAsUser
	}
	return nil
}

// EffectiveRunAsGroup is the primary group ID that a container is asked to run as.
func EffectiveRunAsGroup(pod *corev1.PodSpec, c *corev1.Container) *int64 {
	if sc := c.SecurityContext; sc != nil && sc.RunAsGroup != nil {
		return sc.RunAsGroup
	}
	if sc := pod.SecurityContext; sc != nil {
		return sc.RunAsGroup
	}
	return nil
}

// EffectiveRunAsNonRoot is whether the kubelet is asked to refuse root.
func EffectiveRunAsNonRoot(pod *corev1.PodSpec, c *corev1.Container) *bool {
	if sc := c.SecurityContext; sc != nil && sc.RunAsNonRoot != nil {
		return sc.RunAsNonRoot
	}
	if sc := pod.SecurityContext; sc != nil {
		return sc.RunAsNonRoot
	}
	return nil
}

// EffectiveSeccompProfile is the seccomp profile of a container. The struct is
// inherited whole. Annotations are not fields: see [SeccompAnnotation].
func EffectiveSeccompProfile(pod *corev1.PodSpec, c *corev1.Container) *corev1.SeccompProfile {
	if sc := c.SecurityContext; sc != nil && sc.SeccompProfile != nil {
		return sc.SeccompProfile
	}
	if sc := pod.SecurityContext; sc != nil {
		return sc.SeccompProfile
	}
	return nil
}

// EffectiveRunAsUserName is the Windows user of a container. Windows options
// are merged field by field.
func EffectiveRunAsUserName(pod *corev1.PodSpec, c *corev1.Container) string {
	if sc := c.SecurityContext; sc != nil && sc.WindowsOptions != nil && sc.WindowsOptions.RunAsUserName != nil {
		return *sc.WindowsOptions.RunAsUserName
	}
	if sc := pod.SecurityContext; sc != nil && sc.WindowsOptions != nil && sc.WindowsOptions.RunAsUserName != nil {
		return *sc.WindowsOptions.RunAsUserName
	}
	return ""
}

// containerAdministrator is the one user that counts as root on Windows.
const containerAdministrator = "ContainerAdministrator"

// RunsAsAdministrator reports whether a container of a Windows pod is asked to run
// as ContainerAdministrator, in any case. The kubelet takes that user for root, and
// no other (verifyRunAsNonRoot in pkg/kubelet/kuberuntime/security_context_windows.go).
func RunsAsAdministrator(pod *corev1.PodSpec, c *corev1.Container) bool {
	return IsWindows(pod) && strings.EqualFold(EffectiveRunAsUserName(pod, c), containerAdministrator)
}

// SeccompAnnotation is the legacy seccomp annotation that speaks for a
// container, its own or else the pod's, and whether there is one.
func SeccompAnnotation(annotations map[string]string, container string) (value string, found bool) {
	if len(annotations) == 0 {
		return "", false
	}
	if value, found = annotations[SeccompContainerAnnotation+container]; found {
		return value, true
	}
	value, found = annotations[SeccompPodAnnotation]
	return value, found
}

// IsWindows reports whether the pod says that it runs on Windows. Only the two
// exact names linux and windows pass API validation.
func IsWindows(pod *corev1.PodSpec) bool {
	return pod.OS != nil && pod.OS.Name == corev1.Windows
}

// InUserNamespace reports whether the pod runs in a user namespace of its own
// (hostUsers=false, KEP-127), where root is not root on the node.
func InUserNamespace(pod *corev1.PodSpec) bool {
	return pod.HostUsers != nil && !*pod.HostUsers
}

// ForbidsUserNamespace names the first thing about a pod beside which API validation
// refuses hostUsers=false, empty for none: hostNetwork, hostPID, hostIPC or
// [VolumeDevices] (validateHostUsers in pkg/apis/core/validation). Servers with the
// alpha feature UserNamespacesHostNetworkSupport (v1.35) let hostNetwork be; nothing
// about a pod says which server it is sent to.
func ForbidsUserNamespace(pod *corev1.PodSpec) string {
	switch {
	case pod.HostNetwork:
		return "hostNetwork"
	case pod.HostPID:
		return "hostPID"
	case pod.HostIPC:
		return "hostIPC"
	}
	for i := range pod.InitContainers {
		if len(pod.InitContainers[i].VolumeDevices) > 0 {
			return VolumeDevices
		}
	}
	for i := range pod.Containers {
		if len(pod.Containers[i].VolumeDevices) > 0 {
			return VolumeDevices
		}
	}
	for i := range pod.EphemeralContainers {
		if len(pod.EphemeralContainers[i].VolumeDevices) > 0 {
			return VolumeDevices
		}
	}
	return ""
}

// VolumeDevices is the field of a container with its block devices.
const VolumeDevices = "volumeDevices"

// IsMirror reports whether the pod only mirrors a static pod of a kubelet.
// Nobody can change what runs there.
func IsMirror(meta *metav1.ObjectMeta) bool {
	if len(meta.Annotations) == 0 {
		return false
	}
	_, found := meta.Annotations[corev1.MirrorPodAnnotationKey]
	return found
}

// IsPrivileged reports whether the container sets privileged=true.
func IsPrivileged(c *corev1.Container) bool {
	return c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged
}

// AddsSysAdmin reports whether the container adds SYS_ADMIN in any spelling.
// It implies privilege escalation (k8s.io/api/core/v1, SecurityContext), and API
// validation refuses allowPrivilegeEscalation=false beside CAP_SYS_ADMIN.
func AddsSysAdmin(c *corev1.Container) bool {
	if c.SecurityContext == nil || c.SecurityContext.Capabilities == nil {
		return false
	}
	for _, add := range c.SecurityContext.Capabilities.Add {
		if SameCapability(string(add), "SYS_ADMIN") {
			return true
		}
	}
	return false
}

// SameCapability reports whether two spellings name one capability: case and a
// CAP_ prefix do not matter to container runtimes. The standards themselves
// compare exactly; this is for grants.
func SameCapability(a, b string) bool {
	return strings.EqualFold(withoutCAP(a), withoutCAP(b))
}

func withoutCAP(s string) string {
	if len(s) >= 4 && strings.EqualFold(s[:4], "CAP_") {
		return s[4:]
	}
	return s
}

// InheritsField reports whether a container takes a field of its pod for its own: it
// sets none itself. It inherits nothing but what [Field.Inherits] names.
func InheritsField(c *corev1.Container, f Field) bool {
	sc := c.SecurityContext
	if sc == nil {
		sc = &corev1.SecurityContext{}
	}
	switch f {
	case FieldPodAppArmorType:
		return sc.AppArmorProfile == nil
	case FieldPodHostProcess:
		return sc.WindowsOptions == nil || sc.WindowsOptions.HostProcess == nil
	case FieldPodRunAsGroup:
		return sc.RunAsGroup == nil
	case FieldPodRunAsNonRoot:
		return sc.RunAsNonRoot == nil
	case FieldPodRunAsUser:
		return sc.RunAsUser == nil
	case FieldPodSELinuxRole, FieldPodSELinuxType, FieldPodSELinuxUser:
		return sc.SELinuxOptions == nil // inherited whole
	case FieldPodSeccompType:
		return sc.SeccompProfile == nil
	default:
		return false
	}
}
