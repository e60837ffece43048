// Package podgen makes pods and policies for tests: random ones that reach every
// check, grant and fill, near the boundary between allowed and denied.
package podgen

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/spec"
)

// Pod generates pods, also ones that API validation would refuse: an evaluator
// sees those too.
func Pod() *rapid.Generator[*corev1.Pod] {
	return rapid.Custom(func(t *rapid.T) *corev1.Pod {
		g := gen{t}
		pod := &corev1.Pod{}
		pod.Name = "pod"
		pod.Namespace = pick(g, "namespace", "", "default", "networking")
		pod.Labels = maybe(g, "labels", 2, func() map[string]string { return g.labels() })
		g.spec(&pod.Spec)
		pod.Annotations = maybe(g, "annotations", 4, func() map[string]string { return g.annotations(&pod.Spec) })
		return pod
	})
}

// gen draws the parts of a pod.
type gen struct{ t *rapid.T }

// pick draws one of the values, the first ones more often.
func pick[T any](g gen, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(g.t, label)
}

// maybe draws a value once in n times, else the zero value.
func maybe[T any](g gen, label string, n int, draw func() T) (zero T) {
	if rapid.IntRange(1, n).Draw(g.t, label+"?") != n {
		return zero
	}
	return draw()
}

// optional draws a pointer to one of the values, or nil.
func optional[T any](g gen, label string, values ...T) *T {
	i := rapid.IntRange(0, len(values)+1).Draw(g.t, label)
	if i >= len(values) {
		return nil
	}
	return &values[i]
}

func list[T any](g gen, label string, most int, draw func(i int) T) []T {
	n := rapid.IntRange(-1, most).Draw(g.t, label+" length")
	if n < 0 {
		return nil
	}
	l := make([]T, n)
	for i := range l {
		l[i] = draw(i)
	}
	return l
}

func (g gen) labels() map[string]string {
	m := map[string]string{}
	for _, key := range []string{"app", "tier", "app.kubernetes.io/name"} {
		if value := optional(g, "label "+key, "web", "route-manager", ""); value != nil {
			m[key] = *value
		}
	}
	return m
}

func (g gen) annotations(pod *corev1.PodSpec) map[string]string {
	m := map[string]string{}
	names := []string{"absent"}
	for _, l := range [][]corev1.Container{pod.InitContainers, pod.Containers} {
		for i := range l {
			names = append(names, l[i].Name)
		}
	}
	seccomp := []string{"runtime/default", "docker/default", "unconfined", "localhost/p.json", "", "other"}
	apparmor := []string{"runtime/default", "localhost/p", "unconfined", "", "other"}
	if v := optional(g, "pod seccomp annotation", seccomp...); v != nil {
		m[spec.SeccompPodAnnotation] = *v
	}
	for _, name := range names {
		if v := optional(g, "seccomp annotation", seccomp...); v != nil {
			m[spec.SeccompContainerAnnotation+name] = *v
		}
		if v := optional(g, "apparmor annotation", apparmor...); v != nil {
			m[spec.AppArmorAnnotation+name] = *v
		}
	}
	if maybe(g, "mirror", 6, func() bool { return true }) {
		m[corev1.MirrorPodAnnotationKey] = "hash"
	}
	return m
}

func (g gen) spec(pod *corev1.PodSpec) {
	pod.HostNetwork = maybe(g, "hostNetwork", 8, func() bool { return true })
	pod.HostPID = maybe(g, "hostPID", 8, func() bool { return true })
	pod.HostIPC = maybe(g, "hostIPC", 8, func() bool { return true })
	pod.OS = maybe(g, "os", 3, func() *corev1.PodOS {
		return &corev1.PodOS{Name: pick(g, "os name", corev1.Linux, corev1.Windows)}
	})
	pod.HostUsers = maybe(g, "hostUsers", 4, func() *bool { return optional(g, "hostUsers value", false, true) })
	pod.Volumes = list(g, "volumes", 3, func(i int) corev1.Volume { return g.volume(i) })
	pod.InitContainers = list(g, "init containers", 1, func(i int) corev1.Container { return g.container("i", i) })
	pod.Containers = list(g, "containers", 2, func(i int) corev1.Container { return g.container("c", i) })
	pod.EphemeralContainers = list(g, "ephemeral containers", 1, func(i int) corev1.EphemeralContainer {
		return corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(g.container("e", i))}
	})
	if !maybe(g, "no pod security context", 3, func() bool { return true }) {
		pod.SecurityContext = g.podSecurityContext()
	}
}

func (g gen) podSecurityContext() *corev1.PodSecurityContext {
	return &corev1.PodSecurityContext{
		RunAsUser:          maybe(g, "user", 2, func() *int64 { return optional[int64](g, "pod user", 0, 1, 400, 1000) }),
		RunAsGroup:         maybe(g, "group", 2, func() *int64 { return optional[int64](g, "pod group", 0, 1, 400, 1000) }),
		RunAsNonRoot:       maybe(g, "nonroot", 2, func() *bool { return optional(g, "pod nonroot", true, false) }),
		FSGroup:            optional[int64](g, "fsGroup", 0, 1, 400, 1000),
		SupplementalGroups: list(g, "supplementalGroups", 2, func(int) int64 { return pick[int64](g, "supplemental group", 1, 0, 400) }),
		SeccompProfile:     maybe(g, "seccomp", 2, func() *corev1.SeccompProfile { return g.seccomp() }),
		AppArmorProfile:    maybe(g, "apparmor", 4, func() *corev1.AppArmorProfile { return g.appArmor() }),
		SELinuxOptions:     maybe(g, "selinux", 4, func() *corev1.SELinuxOptions { return g.seLinux() }),
		WindowsOptions:     maybe(g, "windows", 5, func() *corev1.WindowsSecurityContextOptions { return g.windows() }),
		Sysctls: list(g, "sysctls", 2, func(int) corev1.Sysctl {
			return corev1.Sysctl{Name: pick(g, "sysctl", "kernel.shm_rmid_forced", "net.ipv4.tcp_rmem", "net.ipv4.tcp_notsent_lowat",
				"net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_fin_timeout", "kernel.msgmax", "net/ipv4/tcp_syncookies", "net.core.somaxconn")}
		}),
	}
}

func (g gen) container(prefix string, i int) corev1.Container {
	c := corev1.Container{Name: pick(g, "name", fmt.Sprint(prefix, i), fmt.Sprint(prefix, i), "same", "")}
	if !maybe(g, "no security context", 3, func() bool { return true }) {
		c.SecurityContext = g.securityContext()
	}
	c.Ports = list(g, "ports", 2, func(int) corev1.ContainerPort {
		return corev1.ContainerPort{ContainerPort: 80, HostPort: pick[int32](g, "hostPort", 0, 0, 0, 80, 443, 8080, 30000)}
	})
	c.VolumeMounts = list(g, "mounts", 2, func(int) corev1.VolumeMount {
		return corev1.VolumeMount{Name: pick(g, "mount", "v0", "v1", "v2"), ReadOnly: pick(g, "readOnly", true, false)}
	})
	c.LivenessProbe = maybe(g, "liveness", 6, func() *corev1.Probe { return g.probe() })
	c.ReadinessProbe = maybe(g, "readiness", 6, func() *corev1.Probe { return g.probe() })
	c.StartupProbe = maybe(g, "startup", 6, func() *corev1.Probe { return g.probe() })
	c.Lifecycle = maybe(g, "lifecycle", 6, func() *corev1.Lifecycle {
		return &corev1.Lifecycle{
			PostStart: maybe(g, "postStart", 2, func() *corev1.LifecycleHandler { return g.hook() }),
			PreStop:   maybe(g, "preStop", 2, func() *corev1.LifecycleHandler { return g.hook() }),
		}
	})
	return c
}

func (g gen) securityContext() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		Privileged:               maybe(g, "privileged", 2, func() *bool { return optional(g, "privileged value", false, true) }),
		AllowPrivilegeEscalation: optional(g, "escalation", false, true),
		ReadOnlyRootFilesystem:   optional(g, "readOnlyRoot", true, false),
		RunAsUser:                maybe(g, "user", 2, func() *int64 { return optional[int64](g, "user value", 0, 1, 400, 1000) }),
		RunAsGroup:               maybe(g, "group", 2, func() *int64 { return optional[int64](g, "group value", 0, 1, 400, 1000) }),
		RunAsNonRoot:             optional(g, "nonroot", true, true, false),
		Capabilities:             maybe(g, "capabilities", 2, func() *corev1.Capabilities { return g.capabilities() }),
		SeccompProfile:           maybe(g, "seccomp", 2, func() *corev1.SeccompProfile { return g.seccomp() }),
		AppArmorProfile:          maybe(g, "apparmor", 5, func() *corev1.AppArmorProfile { return g.appArmor() }),
		SELinuxOptions:           maybe(g, "selinux", 5, func() *corev1.SELinuxOptions { return g.seLinux() }),
		WindowsOptions:           maybe(g, "windows", 6, func() *corev1.WindowsSecurityContextOptions { return g.windows() }),
		ProcMount: maybe(g, "procMount", 5, func() *corev1.ProcMountType {
			return optional(g, "procMount value", corev1.DefaultProcMount, corev1.UnmaskedProcMount, "Other", "")
		}),
	}
}

func (g gen) capabilities() *corev1.Capabilities {
	return &corev1.Capabilities{
		Add: list(g, "add", 2, func(int) corev1.Capability {
			return pick[corev1.Capability](g, "added", "NET_BIND_SERVICE", "CHOWN", "NET_ADMIN", "SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin", "CAP_CHOWN", "chown", "ALL", "", "SYS_TIME")
		}),
		Drop: list(g, "drop", 2, func(int) corev1.Capability {
			return pick[corev1.Capability](g, "dropped", "ALL", "ALL", "all", "NET_RAW", "CAP_ALL", "")
		}),
	}
}

func (g gen) seccomp() *corev1.SeccompProfile {
	return &corev1.SeccompProfile{Type: pick(g, "seccomp type", corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeLocalhost, corev1.SeccompProfileTypeUnconfined, "", "Other")}
}

func (g gen) appArmor() *corev1.AppArmorProfile {
	return &corev1.AppArmorProfile{Type: pick(g, "apparmor type", corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeLocalhost, corev1.AppArmorProfileTypeUnconfined, "", "Other")}
}

func (g gen) seLinux() *corev1.SELinuxOptions {
	return &corev1.SELinuxOptions{
		Type:  pick(g, "selinux type", "", "container_t", "container_engine_t", "spc_t", "bad_t"),
		User:  pick(g, "selinux user", "", "", "", "system_u"),
		Role:  pick(g, "selinux role", "", "", "", "system_r"),
		Level: pick(g, "selinux level", "", "s0"),
	}
}

func (g gen) windows() *corev1.WindowsSecurityContextOptions {
	return &corev1.WindowsSecurityContextOptions{
		HostProcess:   optional(g, "hostProcess", false, true),
		RunAsUserName: optional(g, "runAsUserName", "ContainerUser", "ContainerAdministrator"),
	}
}

func (g gen) hosts() (*corev1.HTTPGetAction, *corev1.TCPSocketAction) {
	host := func(label string) string { return pick(g, label, "", "", "127.0.0.1", "10.0.0.1") }
	http := maybe(g, "httpGet", 2, func() *corev1.HTTPGetAction { return &corev1.HTTPGetAction{Host: host("http host")} })
	tcp := maybe(g, "tcpSocket", 2, func() *corev1.TCPSocketAction { return &corev1.TCPSocketAction{Host: host("tcp host")} })
	return http, tcp
}

func (g gen) probe() *corev1.Probe {
	http, tcp := g.hosts()
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: http, TCPSocket: tcp}}
}

func (g gen) hook() *corev1.LifecycleHandler {
	http, tcp := g.hosts()
	return &corev1.LifecycleHandler{HTTPGet: http, TCPSocket: tcp}
}

func (g gen) volume(i int) corev1.Volume {
	v := corev1.Volume{Name: fmt.Sprint("v", i)}
	sources := rapid.SampledFrom([]int{1, 1, 1, 1, 0, 2}).Draw(g.t, "sources")
	for range sources {
		g.source(&v.VolumeSource)
	}
	return v
}

func (g gen) source(s *corev1.VolumeSource) {
	switch pick(g, "source", "emptyDir", "configMap", "secret", "hostPath", "hostPath", "csi", "ephemeral", "image", "nfs", "iscsi", "gitRepo", "pvc", "projected", "downwardAPI", "storageos") {
	case "emptyDir":
		s.EmptyDir = &corev1.EmptyDirVolumeSource{}
	case "configMap":
		s.ConfigMap = &corev1.ConfigMapVolumeSource{}
	case "secret":
		s.Secret = &corev1.SecretVolumeSource{}
	case "hostPath":
		s.HostPath = &corev1.HostPathVolumeSource{Path: pick(g, "path", "/var/log", "/var/log/", "/var/log/pods", "/var/logs", "/", "/var/log/../lib", "/var//log", "var/log", "", "/etc")}
	case "csi":
		s.CSI = &corev1.CSIVolumeSource{}
	case "ephemeral":
		s.Ephemeral = &corev1.EphemeralVolumeSource{}
	case "image":
		s.Image = &corev1.ImageVolumeSource{}
	case "nfs":
		s.NFS = &corev1.NFSVolumeSource{}
	case "iscsi":
		s.ISCSI = &corev1.ISCSIVolumeSource{}
	case "gitRepo":
		s.GitRepo = &corev1.GitRepoVolumeSource{}
	case "pvc":
		s.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{}
	case "projected":
		s.Projected = &corev1.ProjectedVolumeSource{}
	case "downwardAPI":
		s.DownwardAPI = &corev1.DownwardAPIVolumeSource{}
	case "storageos":
		s.StorageOS = &corev1.StorageOSVolumeSource{}
	}
}
