package exhaustive

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podgen"
)

// choose is a list of values.
func choose[T any](values ...T) []T { return values }

// pointer is a pointer to a value.
func pointer[T any](value T) *T { return &value }

var bools = choose(true, false)

// onSpec are a field of the pod left as it is, then each value.
func onSpec[T any](set func(*corev1.PodSpec, T), values ...T) []podgen.Choice {
	choices := choose[podgen.Choice](podgen.Alone)
	for _, value := range values {
		choices = append(choices, func(m *podgen.Making) { set(&m.Pod.Spec, value) })
	}
	return choices
}

// onContainer are a field of the subject left as it is, then each value.
func onContainer[T any](set func(*corev1.Container, T), values ...T) []podgen.Choice {
	choices := choose[podgen.Choice](podgen.Alone)
	for _, value := range values {
		choices = append(choices, func(m *podgen.Making) { set(m.Subject, value) })
	}
	return choices
}

// The fields of a security context that are filled, and how they are set.

func onPodUser(sc *corev1.PodSecurityContext, id int64)            { sc.RunAsUser = &id }
func onUser(sc *corev1.SecurityContext, id int64)                  { sc.RunAsUser = &id }
func onPodGroup(sc *corev1.PodSecurityContext, id int64)           { sc.RunAsGroup = &id }
func onGroup(sc *corev1.SecurityContext, id int64)                 { sc.RunAsGroup = &id }
func onPodNonRoot(sc *corev1.PodSecurityContext, v bool)           { sc.RunAsNonRoot = &v }
func onNonRoot(sc *corev1.SecurityContext, v bool)                 { sc.RunAsNonRoot = &v }
func onFSGroup(sc *corev1.PodSecurityContext, id int64)            { sc.FSGroup = &id }
func onSupplemental(sc *corev1.PodSecurityContext, groups []int64) { sc.SupplementalGroups = groups }
func onGroupsPolicy(sc *corev1.PodSecurityContext, p corev1.SupplementalGroupsPolicy) {
	sc.SupplementalGroupsPolicy = &p
}
func onChangePolicy(sc *corev1.PodSecurityContext, p corev1.PodFSGroupChangePolicy) {
	sc.FSGroupChangePolicy = &p
}
func onDevices(c *corev1.Container, devices []corev1.VolumeDevice) { c.VolumeDevices = devices }
func onPrivileged(sc *corev1.SecurityContext, v bool)              { sc.Privileged = &v }
func onEscalation(sc *corev1.SecurityContext, v bool)              { sc.AllowPrivilegeEscalation = &v }

func onPodUserName(sc *corev1.PodSecurityContext, name string) {
	sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{RunAsUserName: &name}
}

func onUserName(sc *corev1.SecurityContext, name string) {
	sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{RunAsUserName: &name}
}

func onAdd(sc *corev1.SecurityContext, c corev1.Capability) {
	sc.Capabilities = &corev1.Capabilities{Add: choose(c)}
}

func onDrop(sc *corev1.SecurityContext, drop []corev1.Capability) {
	if sc.Capabilities == nil {
		sc.Capabilities = &corev1.Capabilities{}
	}
	sc.Capabilities.Drop = drop
}

func onPodSeccomp(sc *corev1.PodSecurityContext, t corev1.SeccompProfileType) {
	sc.SeccompProfile = &corev1.SeccompProfile{Type: t}
}

func onSeccomp(sc *corev1.SecurityContext, t corev1.SeccompProfileType) {
	sc.SeccompProfile = &corev1.SeccompProfile{Type: t}
}

// rooted is the security context of a second container that runs as root.
func rooted() *corev1.SecurityContext {
	root := int64(0)
	return &corev1.SecurityContext{RunAsUser: &root}
}

// The other fields, and how they are set.

// onVolume is a volume of some sources, by name; "hostPath" is followed by its path,
// and that by its type.
func onVolume(pod *corev1.PodSpec, sources string) {
	v := corev1.Volume{Name: "v"}
	for _, source := range strings.Fields(sources) {
		switch source {
		case "emptyDir":
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		case "csi":
			v.CSI = &corev1.CSIVolumeSource{}
		case "nfs":
			v.NFS = &corev1.NFSVolumeSource{}
		default:
			path, name, typed := strings.Cut(strings.TrimPrefix(source, "hostPath:"), "?")
			v.HostPath = &corev1.HostPathVolumeSource{Path: path}
			if t := corev1.HostPathType(name); typed {
				v.HostPath.Type = &t
			}
		}
	}
	pod.Volumes = append(pod.Volumes, v)
}

func onMount(c *corev1.Container, readOnly bool) {
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "v", ReadOnly: readOnly})
}

func onDeepMount(c *corev1.Container, mode corev1.RecursiveReadOnlyMode) {
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "v", ReadOnly: true, RecursiveReadOnly: &mode})
}

func onDevice(c *corev1.Container, name string) {
	c.VolumeDevices = append(c.VolumeDevices, corev1.VolumeDevice{Name: name})
}

func onPort(c *corev1.Container, port int32) {
	c.Ports = append(c.Ports, corev1.ContainerPort{HostPort: port})
}

func onProbe(c *corev1.Container, host string) {
	c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: host}}}
}

func onHook(c *corev1.Container, host string) {
	c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Host: host}}}
}

func onSysctl(sc *corev1.PodSecurityContext, name string) {
	sc.Sysctls = append(sc.Sysctls, corev1.Sysctl{Name: name})
}

func onPodAppArmor(sc *corev1.PodSecurityContext, t corev1.AppArmorProfileType) {
	sc.AppArmorProfile = &corev1.AppArmorProfile{Type: t}
}

func onAppArmor(sc *corev1.SecurityContext, t corev1.AppArmorProfileType) {
	sc.AppArmorProfile = &corev1.AppArmorProfile{Type: t}
}

func onPodSELinux(sc *corev1.PodSecurityContext, o corev1.SELinuxOptions) { sc.SELinuxOptions = &o }
func onSELinux(sc *corev1.SecurityContext, o corev1.SELinuxOptions)       { sc.SELinuxOptions = &o }
func onProcMount(sc *corev1.SecurityContext, t corev1.ProcMountType)      { sc.ProcMount = &t }
func onReadOnlyRoot(sc *corev1.SecurityContext, v bool)                   { sc.ReadOnlyRootFilesystem = &v }

func onPodHostProcess(sc *corev1.PodSecurityContext, v bool) {
	sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: &v}
}

func onHostProcess(sc *corev1.SecurityContext, v bool) {
	sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: &v}
}
