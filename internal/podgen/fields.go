package podgen

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// podField draws anew one thing that a pod says; to say nothing is a value too.
type podField struct {
	every int // once in so many, where every field is drawn on its own
	draw  func(gen, *corev1.Pod)
}

// podFields are the fields of a pod that a control or a rule reads, or that
// decide what Mutate may do.
var podFields = []podField{
	{8, func(g gen, p *corev1.Pod) {
		p.Spec.HostNetwork = !p.Spec.HostNetwork
		g.listenSome(p)
	}},
	{8, func(g gen, p *corev1.Pod) { p.Spec.HostPID = !p.Spec.HostPID }},
	{8, func(g gen, p *corev1.Pod) { p.Spec.HostIPC = !p.Spec.HostIPC }},
	{3, func(g gen, p *corev1.Pod) { p.Spec.OS = g.os() }},
	{3, func(g gen, p *corev1.Pod) { p.Spec.HostUsers = optional(g, false, false, true) }},
	{1, func(g gen, p *corev1.Pod) {
		p.Spec.Volumes = listed(g.length(3), g.volume)
		g.mountSome(p)
	}},
	{2, func(g gen, p *corev1.Pod) { podContext(p).RunAsUser = optional(g, someIDs...) }},
	{2, func(g gen, p *corev1.Pod) { podContext(p).RunAsGroup = optional(g, someIDs...) }},
	{2, func(g gen, p *corev1.Pod) { podContext(p).RunAsNonRoot = optional(g, true, false) }},
	{2, func(g gen, p *corev1.Pod) { podContext(p).FSGroup = optional(g, someIDs...) }},
	{3, func(g gen, p *corev1.Pod) {
		podContext(p).FSGroupChangePolicy = optional(g, corev1.FSGroupChangeOnRootMismatch, corev1.FSGroupChangeAlways, "Other")
	}},
	{2, func(g gen, p *corev1.Pod) {
		podContext(p).SupplementalGroups = list(g, 3, func() int64 { return pick(g, someIDs...) })
	}},
	{2, func(g gen, p *corev1.Pod) { podContext(p).SeccompProfile = g.seccomp() }},
	{3, func(g gen, p *corev1.Pod) { podContext(p).AppArmorProfile = g.appArmor() }},
	{2, func(g gen, p *corev1.Pod) { podContext(p).SELinuxOptions = g.seLinux() }},
	{2, func(g gen, p *corev1.Pod) { podContext(p).WindowsOptions = g.windows() }},
	{1, func(g gen, p *corev1.Pod) { podContext(p).Sysctls = list(g, 3, g.sysctl) }},
	{3, func(g gen, p *corev1.Pod) {
		podContext(p).SupplementalGroupsPolicy = optional(g, corev1.SupplementalGroupsPolicyStrict, corev1.SupplementalGroupsPolicyStrict, corev1.SupplementalGroupsPolicyMerge, "Other")
	}},
	{4, func(g gen, p *corev1.Pod) { p.Spec.SecurityContext = pick(g, nil, &corev1.PodSecurityContext{}) }},
	{4, func(g gen, p *corev1.Pod) { p.Annotations = g.annotations(p) }},
	{40, func(_ gen, p *corev1.Pod) {
		if p.Annotations == nil {
			p.Annotations = map[string]string{}
		}
		p.Annotations[corev1.MirrorPodAnnotationKey] = "hash"
	}},
	{4, func(g gen, p *corev1.Pod) { p.Spec.AutomountServiceAccountToken = optional(g, false, true) }},
}

// containerField is a podField of a container.
type containerField struct {
	every int
	draw  func(gen, *corev1.Container)
}

// containerFields are the fields of a container that a control or a rule reads.
var containerFields = []containerField{
	{6, func(g gen, c *corev1.Container) { c.Name = pick(g, "same", "", "absent") }},
	{2, func(g gen, c *corev1.Container) { c.Image = pick(g, someImages...) }},
	{3, func(g gen, c *corev1.Container) { c.Ports = list(g, 2, g.port) }},
	{3, func(g gen, c *corev1.Container) { c.VolumeMounts = list(g, 3, g.mount) }},
	{8, func(g gen, c *corev1.Container) {
		c.VolumeDevices = list(g, 1, func() corev1.VolumeDevice { return corev1.VolumeDevice{Name: "v0", DevicePath: "/dev/v0"} })
	}},
	{8, func(g gen, c *corev1.Container) { c.LivenessProbe = g.probe() }},
	{8, func(g gen, c *corev1.Container) { c.ReadinessProbe = g.probe() }},
	{8, func(g gen, c *corev1.Container) { c.StartupProbe = g.probe() }},
	{5, func(g gen, c *corev1.Container) { c.Lifecycle = g.lifecycle() }},
	{2, func(g gen, c *corev1.Container) { context(c).Privileged = optional(g, true, true, false) }},
	{2, func(g gen, c *corev1.Container) { context(c).AllowPrivilegeEscalation = optional(g, false, true) }},
	{2, func(g gen, c *corev1.Container) { context(c).ReadOnlyRootFilesystem = optional(g, true, false) }},
	{3, func(g gen, c *corev1.Container) { context(c).RunAsUser = optional(g, someIDs...) }},
	{3, func(g gen, c *corev1.Container) { context(c).RunAsGroup = optional(g, someIDs...) }},
	{2, func(g gen, c *corev1.Container) { context(c).RunAsNonRoot = optional(g, true, true, false) }},
	{2, func(g gen, c *corev1.Container) { capabilities(c).Add = list(g, 3, g.added) }},
	{2, func(g gen, c *corev1.Container) { capabilities(c).Drop = list(g, 2, g.dropped) }},
	{5, func(g gen, c *corev1.Container) { context(c).Capabilities = pick(g, nil, &corev1.Capabilities{}) }},
	{2, func(g gen, c *corev1.Container) { context(c).SeccompProfile = g.seccomp() }},
	{4, func(g gen, c *corev1.Container) { context(c).AppArmorProfile = g.appArmor() }},
	{3, func(g gen, c *corev1.Container) { context(c).SELinuxOptions = g.seLinux() }},
	{2, func(g gen, c *corev1.Container) { context(c).WindowsOptions = g.windows() }},
	{5, func(g gen, c *corev1.Container) { context(c).ProcMount = optional(g, procMounts...) }},
	{3, func(g gen, c *corev1.Container) { c.SecurityContext = pick(g, nil, nil, &corev1.SecurityContext{}) }},
}

// container draws a container with every field drawn on its own.
func (g gen) container(prefix string, i int) corev1.Container {
	c := corev1.Container{Name: prefix + strconv.Itoa(i)}
	if prefix == "i" && g.once(2) {
		c.RestartPolicy = ptr(corev1.ContainerRestartPolicyAlways)
	}
	for i := range containerFields {
		if f := &containerFields[i]; g.once(f.every) {
			f.draw(g, &c)
		}
	}
	return c
}

// podContext is a pod's security context, made where it has none.
func podContext(p *corev1.Pod) *corev1.PodSecurityContext {
	if p.Spec.SecurityContext == nil {
		p.Spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	return p.Spec.SecurityContext
}

// context is a container's security context, made where it has none.
func context(c *corev1.Container) *corev1.SecurityContext {
	if c.SecurityContext == nil {
		c.SecurityContext = &corev1.SecurityContext{}
	}
	return c.SecurityContext
}

func capabilities(c *corev1.Container) *corev1.Capabilities {
	sc := context(c)
	if sc.Capabilities == nil {
		sc.Capabilities = &corev1.Capabilities{}
	}
	return sc.Capabilities
}

// The values to pick from.
var (
	someIDs       = []int64{0, 1, 400, 1000, 2147483647}
	procMounts    = []corev1.ProcMountType{corev1.UnmaskedProcMount, corev1.DefaultProcMount, "Other", ""}
	safeSysctls   = known(spec.FieldSysctl)
	otherSysctls  = []string{"kernel.msgmax", "net.core.somaxconn", "net/ipv4/tcp_syncookies", "kernel.shm_rmid_forced.", ""}
	addable       = join[corev1.Capability](known(spec.FieldCapabilitiesAdd))
	sysAdmins     = []corev1.Capability{"SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin", "Cap_Sys_Admin"}
	oddlyAdded    = []corev1.Capability{"NET_ADMIN", "ALL", "CAP_CHOWN", "chown", "", "all", "CAP_", "net_bind_service", "SYS_TIME", " NET_ADMIN"}
	seLinuxTypes  = join[string](known(spec.FieldSELinuxType), []string{"spc_t", "bad_t", "Container_t"})
	seccompTypes  = join[corev1.SeccompProfileType](known(spec.FieldSeccompType), []string{"Unconfined", "", "Other"})
	appArmorTypes = join[corev1.AppArmorProfileType](known(spec.FieldAppArmorType), []string{"Unconfined", "", "Other"})
	seccompNotes  = []string{"runtime/default", "docker/default", "unconfined", "localhost/p.json", "", "other"}
	appArmorNotes = []string{"runtime/default", "unconfined", "localhost/p", "", "other"}
	probeHosts    = []string{"", "", "127.0.0.1", "10.0.0.1", "::1", "node.example.com"}
)

func (g gen) os() *corev1.PodOS {
	names := [...]corev1.OSName{corev1.Windows, corev1.Linux, corev1.Windows, corev1.Linux, "", "Windows"}
	if i := g.below(len(names) + 2); i < len(names) {
		return &corev1.PodOS{Name: names[i]}
	}
	return nil
}

func (g gen) sysctl() corev1.Sysctl {
	return corev1.Sysctl{Name: pick(g, pick(g, safeSysctls...), pick(g, otherSysctls...)), Value: "1"}
}

// labels draws labels that policies often ask for.
func (g gen) labels() map[string]string {
	m := map[string]string{}
	for _, key := range labelKeys {
		if value := optional(g, labelValues...); value != nil {
			m[key] = *value
		}
	}
	return m
}

// annotations draws annotations about containers of all kinds, and about ones
// that the pod does not have.
func (g gen) annotations(pod *corev1.Pod) map[string]string {
	n := g.length(3)
	if n < 0 {
		return nil
	}
	names := []string{"absent", ""}
	for _, c := range containersOf(pod) {
		names = append(names, c.Name)
	}
	m := map[string]string{}
	for range n {
		switch g.below(8) {
		case 0, 1:
			m[spec.SeccompContainerAnnotation+pick(g, names...)] = pick(g, seccompNotes...)
		case 2, 3:
			m[spec.SeccompPodAnnotation] = pick(g, seccompNotes...)
		case 4, 5:
			m[spec.AppArmorAnnotation+pick(g, names...)] = pick(g, appArmorNotes...)
		case 6:
			m[corev1.MirrorPodAnnotationKey] = "hash"
		case 7:
			m["example.com/note"] = "unconfined"
		}
	}
	return m
}

// added draws what is allowed at some level as often as what is not.
func (g gen) added() corev1.Capability {
	switch g.below(4) {
	case 0:
		return "NET_BIND_SERVICE"
	case 1:
		return pick(g, addable...)
	case 2:
		return pick(g, sysAdmins...)
	default:
		return pick(g, oddlyAdded...)
	}
}

func (g gen) dropped() corev1.Capability {
	return pick[corev1.Capability](g, "ALL", "ALL", "all", "NET_RAW", "CAP_ALL", "")
}

func (g gen) seccomp() *corev1.SeccompProfile {
	if g.once(3) {
		return nil
	}
	p := &corev1.SeccompProfile{Type: pick(g, seccompTypes...)}
	if p.Type == corev1.SeccompProfileTypeLocalhost {
		p.LocalhostProfile = optional(g, "p.json")
	}
	return p
}

func (g gen) appArmor() *corev1.AppArmorProfile {
	if g.once(3) {
		return nil
	}
	p := &corev1.AppArmorProfile{Type: pick(g, appArmorTypes...)}
	if p.Type == corev1.AppArmorProfileTypeLocalhost {
		p.LocalhostProfile = optional(g, "p")
	}
	return p
}

func (g gen) seLinux() *corev1.SELinuxOptions {
	switch g.below(6) {
	case 0:
		return nil
	case 1:
		return &corev1.SELinuxOptions{}
	}
	return &corev1.SELinuxOptions{
		Type:  pick(g, seLinuxTypes...),
		User:  pick(g, "", "", "system_u"),
		Role:  pick(g, "", "", "system_r"),
		Level: pick(g, "", "s0"),
	}
}

func (g gen) windows() *corev1.WindowsSecurityContextOptions {
	if g.once(4) {
		return nil
	}
	return &corev1.WindowsSecurityContextOptions{
		HostProcess:   optional(g, true, false, true),
		RunAsUserName: optional(g, "ContainerUser", "ContainerAdministrator", "containeradministrator"),
	}
}

func (g gen) port() corev1.ContainerPort {
	return corev1.ContainerPort{ContainerPort: pick[int32](g, 80, 8080), HostPort: pick[int32](g, 0, 80, 0, 443, 8080, 30000, 65535, 1)}
}

// listenSome has a container on the host's network listen at a port without saying
// so twice: the API server copies it to hostPort.
func (g gen) listenSome(p *corev1.Pod) {
	containers := containersOf(p)
	if !p.Spec.HostNetwork || len(containers) == 0 || g.once(2) {
		return
	}
	containers[g.below(len(containers))].Ports = []corev1.ContainerPort{{ContainerPort: pick[int32](g, 80, 8080)}}
}

// mountSome has a container mount volumes: how a hostPath is mounted may decide.
func (g gen) mountSome(p *corev1.Pod) {
	containers := containersOf(p)
	if len(p.Spec.Volumes) == 0 || len(containers) == 0 || g.once(2) {
		return
	}
	containers[g.below(len(containers))].VolumeMounts = listed(pick(g, 1, 2, 3), func(int) corev1.VolumeMount { return g.mount() })
}

func (g gen) mount() corev1.VolumeMount {
	m := corev1.VolumeMount{Name: pick(g, "v0", "v1", "v2"), ReadOnly: g.below(3) > 0}
	if m.ReadOnly {
		m.RecursiveReadOnly = pick(g, nil, ptr(corev1.RecursiveReadOnlyEnabled), ptr(corev1.RecursiveReadOnlyEnabled), ptr(corev1.RecursiveReadOnlyIfPossible))
	}
	if g.once(5) {
		m.MountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
	}
	return m
}

// handlers draws what a probe and a lifecycle hook have in common; both, one or
// neither may be there.
func (g gen) handlers() (*corev1.HTTPGetAction, *corev1.TCPSocketAction) {
	var http *corev1.HTTPGetAction
	var tcp *corev1.TCPSocketAction
	if which := g.below(5); which < 4 {
		if which != 1 {
			http = &corev1.HTTPGetAction{Host: pick(g, probeHosts...)}
		}
		if which%3 != 0 {
			tcp = &corev1.TCPSocketAction{Host: pick(g, probeHosts...)}
		}
	}
	return http, tcp
}

func (g gen) probe() *corev1.Probe {
	if g.once(4) {
		return nil
	}
	http, tcp := g.handlers()
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: http, TCPSocket: tcp}}
}

func (g gen) hook() *corev1.LifecycleHandler {
	if g.once(3) {
		return nil
	}
	http, tcp := g.handlers()
	return &corev1.LifecycleHandler{HTTPGet: http, TCPSocket: tcp}
}

func (g gen) lifecycle() *corev1.Lifecycle {
	switch g.below(5) {
	case 0:
		return nil
	case 1:
		return &corev1.Lifecycle{}
	default:
		return &corev1.Lifecycle{PostStart: g.hook(), PreStop: g.hook()}
	}
}

// someImages are references to images, two of which runtimes read as one, and text
// that is none.
var someImages = []string{
	"docker.io/istio/proxyv2:1.24", "istio/proxyv2:1.24", "nginx", "docker.io/library/nginx:latest",
	"registry.example.com:5000/team/app:v1", "nginx@sha256:" + digest, "istio/proxyv2:1.24@sha256:" + digest, "Not/An:Image",
}

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
