package controls

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/spec"
)

// settledBut is what a container must have at restricted, less what unset removes.
func settledBut(unset func(*corev1.SecurityContext)) func() *corev1.SecurityContext {
	return func() *corev1.SecurityContext {
		sc := &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr(false),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			RunAsNonRoot:             ptr(true),
			SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}
		unset(sc)
		return sc
	}
}

// ptr is a pointer to a value.
func ptr[T any](v T) *T { return &v }

func nothing(*corev1.SecurityContext) {}

var settled = settledBut(nothing)

var alone = []podgen.Choice{podgen.Alone}

// aloneOrTwin: a second container that breaks the same shows the plural, the
// order of names, and that no container hides another.
var aloneOrTwin = slices.Concat(alone, podgen.Twins())

// aloneOrRegularTwin is that for large domains.
var aloneOrRegularTwin = slices.Concat(alone, podgen.Twins()[1:2])

// inCompany: where the pod's value and a container's meet, what a second
// container lacks or has may decide.
var inCompany = slices.Concat(aloneOrTwin, podgen.Beside(podgen.Bare, settled))

// onContainer are a field of the subject left unset, then each value.
func onContainer[T any](set func(*corev1.Container, T), values ...T) []podgen.Choice {
	choices := alone[:1:1]
	for _, value := range values {
		choices = append(choices, func(m *podgen.Making) { set(m.Subject, value) })
	}
	return choices
}

// onSpec are a field of the pod left unset, then each value.
func onSpec[T any](set func(*corev1.PodSpec, T), values ...T) []podgen.Choice {
	choices := alone[:1:1]
	for _, value := range values {
		choices = append(choices, func(m *podgen.Making) { set(&m.Pod.Spec, value) })
	}
	return choices
}

// withoutContext is the subject without any security context.
func withoutContext(m *podgen.Making) { m.Subject.SecurityContext = nil }

var (
	bools     = []bool{false, true}
	emptyHost = corev1.WindowsSecurityContextOptions{}

	appArmorTypes       = []corev1.AppArmorProfileType{"RuntimeDefault", "Localhost", "Unconfined", ""}
	appArmorAnnotations = []string{"runtime/default", "localhost/p", "unconfined", "", "localhost"}
	seccompTypeValues   = []corev1.SeccompProfileType{"RuntimeDefault", "Localhost", "Unconfined", ""}
	seccompAnnotations  = []string{"runtime/default", "docker/default", "localhost/p.json", "unconfined", "", "other"}
)

func setPodHostProcess(sc *corev1.PodSecurityContext, o corev1.WindowsSecurityContextOptions) {
	sc.WindowsOptions = &o
}
func setHostProcess(sc *corev1.SecurityContext, o corev1.WindowsSecurityContextOptions) {
	sc.WindowsOptions = &o
}
func setPodAppArmor(sc *corev1.PodSecurityContext, t corev1.AppArmorProfileType) {
	sc.AppArmorProfile = &corev1.AppArmorProfile{Type: t}
}
func setAppArmor(sc *corev1.SecurityContext, t corev1.AppArmorProfileType) {
	sc.AppArmorProfile = &corev1.AppArmorProfile{Type: t}
}
func setPodSELinux(sc *corev1.PodSecurityContext, o corev1.SELinuxOptions) { sc.SELinuxOptions = &o }
func setSELinux(sc *corev1.SecurityContext, o corev1.SELinuxOptions)       { sc.SELinuxOptions = &o }
func setPodSeccomp(sc *corev1.PodSecurityContext, t corev1.SeccompProfileType) {
	sc.SeccompProfile = &corev1.SeccompProfile{Type: t}
}
func setSeccomp(sc *corev1.SecurityContext, t corev1.SeccompProfileType) {
	sc.SeccompProfile = &corev1.SeccompProfile{Type: t}
}
func setPodNonRoot(sc *corev1.PodSecurityContext, value bool) { sc.RunAsNonRoot = &value }
func setNonRoot(sc *corev1.SecurityContext, value bool)       { sc.RunAsNonRoot = &value }
func setPodUser(sc *corev1.PodSecurityContext, uid int64)     { sc.RunAsUser = &uid }
func setUser(sc *corev1.SecurityContext, uid int64)           { sc.RunAsUser = &uid }
func setPrivileged(sc *corev1.SecurityContext, value bool)    { sc.Privileged = &value }
func setEscalation(sc *corev1.SecurityContext, value bool)    { sc.AllowPrivilegeEscalation = &value }
func setProcMount(sc *corev1.SecurityContext, value corev1.ProcMountType) {
	sc.ProcMount = &value
}
func setAdd(sc *corev1.SecurityContext, add []corev1.Capability) {
	capabilitiesOf(sc).Add = add
}
func setDrop(sc *corev1.SecurityContext, drop []corev1.Capability) {
	capabilitiesOf(sc).Drop = drop
}

func capabilitiesOf(sc *corev1.SecurityContext) *corev1.Capabilities {
	if sc.Capabilities == nil {
		sc.Capabilities = &corev1.Capabilities{}
	}
	return sc.Capabilities
}

func setSysctls(sc *corev1.PodSecurityContext, names []string) {
	for _, name := range names {
		sc.Sysctls = append(sc.Sysctls, corev1.Sysctl{Name: name})
	}
}

func unsetEscalation(sc *corev1.SecurityContext)   { sc.AllowPrivilegeEscalation = nil }
func unsetCapabilities(sc *corev1.SecurityContext) { sc.Capabilities = nil }
func unsetNonRoot(sc *corev1.SecurityContext)      { sc.RunAsNonRoot = nil }
func unsetSeccomp(sc *corev1.SecurityContext)      { sc.SeccompProfile = nil }

// singles is a list of one for each value.
func singles[T any](values ...T) (lists [][]T) {
	for _, v := range values {
		lists = append(lists, []T{v})
	}
	return lists
}

// added are the lists of capabilities to add: each that a level allows, then
// what none does, other spellings, and lists whose text must be sorted and rid
// of repetitions.
func added() [][]corev1.Capability {
	return append(singles[corev1.Capability](
		"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
		"NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
		"SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin", "CAP_CHOWN", "chown", "net_bind_service", "ALL", "",
	), []corev1.Capability{}, []corev1.Capability{"SYS_TIME", "NET_ADMIN", "NET_BIND_SERVICE", "SYS_TIME"})
}

// dropped: only the exact ALL counts, wherever it stands.
func dropped() [][]corev1.Capability {
	return [][]corev1.Capability{{}, {"ALL"}, {"all"}, {"NET_RAW"}, {"NET_RAW", "ALL"}}
}

// seLinuxValues are the types, one by one, then user, role and level, and what
// the text joins.
func seLinuxValues() []corev1.SELinuxOptions {
	return []corev1.SELinuxOptions{
		{}, {Type: "container_t"}, {Type: "container_init_t"}, {Type: "container_kvm_t"}, {Type: "container_engine_t"},
		{Type: "spc_t"}, {User: "system_u"}, {Role: "system_r"}, {Level: "s0"},
		{Type: "a_t", User: "u", Role: "r", Level: "s0"},
	}
}

// sysctlLists are every safe sysctl of any version, what is none, and lists.
func sysctlLists() [][]string {
	newest := spec.For(api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}, false, false)
	return append(singles(newest.Sysctls...),
		[]string{"kernel.msgmax"}, []string{"net/ipv4/tcp_syncookies"}, []string{"Kernel.shm_rmid_forced"}, []string{""},
		[]string{"net.core.somaxconn", "net.ipv4.tcp_rmem", "kernel.msgmax", "net.core.somaxconn"},
	)
}

// hostPortLists have ports whose text is sorted as strings, and repeated ones.
func hostPortLists() [][]int32 {
	return [][]int32{{0}, {80}, {0, 443}, {9, 10, 9}, {65535, 80}, {-1}}
}

func listen(c *corev1.Container, ports []int32) {
	c.Ports = nil
	for _, p := range ports {
		c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: 80, HostPort: p})
	}
}

func setVolumes(pod *corev1.PodSpec, sources []corev1.VolumeSource) {
	for i, source := range sources {
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: fmt.Sprint("v", i), VolumeSource: source})
	}
}

// hostPathLists: one source that is a hostPath makes the volume one.
func hostPathLists() [][]corev1.VolumeSource {
	path := corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/etc"}}
	empty := corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
	both := corev1.VolumeSource{HostPath: path.HostPath, EmptyDir: empty.EmptyDir}
	return [][]corev1.VolumeSource{{}, {{}}, {empty}, {path}, {both}, {path, empty}, {empty, path, both}, {path, path}}
}

// volumeSources are every volume type, each with hostPath and with the next in
// one volume, a volume of no type, and all of these in one pod.
func volumeSources() (lists [][]corev1.VolumeSource) {
	types := spec.VolumeTypes()
	for i := range types {
		for _, second := range []string{types[i].Name, spec.HostPath, types[(i+1)%len(types)].Name} {
			var source corev1.VolumeSource
			setVolumeType(&source, types[i].Name)
			setVolumeType(&source, second)
			lists = append(lists, []corev1.VolumeSource{source})
		}
	}
	lists = append(lists, []corev1.VolumeSource{{}})
	var every []corev1.VolumeSource
	for _, list := range lists {
		every = append(every, list...)
	}
	return append(lists, every)
}

func setVolumeType(source *corev1.VolumeSource, name string) {
	if err := yaml.Unmarshal([]byte("{"+name+": {}}"), source); err != nil {
		panic(err) // the names are those of the API's own fields
	}
}

// hosts are the fields of probes and hooks that name a host, each with each
// host, and all of them together.
func hosts() []podgen.Choice {
	choices := alone[:1:1]
	all := onContainer(func(c *corev1.Container, host string) {
		for i, field := range probeActions(c) {
			*field = &corev1.HTTPGetAction{Host: host + fmt.Sprint(9-i)}
		}
		for _, field := range probeSockets(c) {
			*field = &corev1.TCPSocketAction{Host: host}
		}
	}, "h")
	for i := range 5 {
		choices = append(choices, onContainer(func(c *corev1.Container, host string) {
			*probeActions(c)[i] = &corev1.HTTPGetAction{Host: host}
		}, "", "127.0.0.1", "10.0.0.1", "localhost")[1:]...)
		choices = append(choices, onContainer(func(c *corev1.Container, host string) {
			*probeSockets(c)[i] = &corev1.TCPSocketAction{Host: host}
		}, "", "127.0.0.1", "10.0.0.1", "localhost")[1:]...)
	}
	return append(choices, all[1])
}

// handlers gives the container every probe and every hook.
func handlers(c *corev1.Container) (probes []*corev1.ProbeHandler, hooks []*corev1.LifecycleHandler) {
	for _, probe := range []**corev1.Probe{&c.LivenessProbe, &c.ReadinessProbe, &c.StartupProbe} {
		if *probe == nil {
			*probe = &corev1.Probe{}
		}
		probes = append(probes, &(*probe).ProbeHandler)
	}
	if c.Lifecycle == nil {
		c.Lifecycle = &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{}, PreStop: &corev1.LifecycleHandler{}}
	}
	return probes, []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop}
}

func probeActions(c *corev1.Container) (fields []**corev1.HTTPGetAction) {
	probes, hooks := handlers(c)
	for _, p := range probes {
		fields = append(fields, &p.HTTPGet)
	}
	for _, h := range hooks {
		fields = append(fields, &h.HTTPGet)
	}
	return fields
}

func probeSockets(c *corev1.Container) (fields []**corev1.TCPSocketAction) {
	probes, hooks := handlers(c)
	for _, p := range probes {
		fields = append(fields, &p.TCPSocket)
	}
	for _, h := range hooks {
		fields = append(fields, &h.TCPSocket)
	}
	return fields
}
