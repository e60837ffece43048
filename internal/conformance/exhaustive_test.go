package conformance_test

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// exhaustiveRow is a small domain of pods. Every row is tried on each kind of
// container, OS and hostUsers, at both levels and every boundary version.
type exhaustiveRow struct {
	// name is the title of a control, or what several of them share.
	name string
	// subject is what the container in question begins with.
	subject func() *corev1.SecurityContext
	// fields are the dimensions of the pod's and the subject's fields.
	fields [][]podgen.Choice
	// beside are the second containers that the subject is tried with.
	beside []podgen.Choice
	// pods is the number of combinations, over all dimensions.
	pods int
}

const (
	// perPod is the number of pods that differ in nothing but the subject's kind,
	// OS and hostUsers.
	perPod = 3 * 3 * 3
	// boundaries is the number of boundary versions: 22 around the revisions,
	// the one after the newest, and latest.
	boundaries = 24
	// exhaustiveCases is the sum of all rows, at both levels.
	exhaustiveCases = 3_105_216
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
func volumeSources(t *testing.T) (lists [][]corev1.VolumeSource) {
	types := spec.VolumeTypes()
	for i := range types {
		for _, second := range []string{types[i].Name, spec.HostPath, types[(i+1)%len(types)].Name} {
			var source corev1.VolumeSource
			setVolumeType(t, &source, types[i].Name)
			setVolumeType(t, &source, second)
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

func setVolumeType(t *testing.T, source *corev1.VolumeSource, name string) {
	if err := yaml.Unmarshal([]byte("{"+name+": {}}"), source); err != nil {
		t.Fatal(err)
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

// controlRows has a row for every control, each with the domain of its fields:
// unset, every allowed value, forbidden ones and odd ones.
func controlRows(t *testing.T) []exhaustiveRow {
	yes, no := corev1.WindowsSecurityContextOptions{HostProcess: ptr(true)}, corev1.WindowsSecurityContextOptions{HostProcess: ptr(false)}
	return []exhaustiveRow{
		{"HostProcess", settled, [][]podgen.Choice{
			podgen.OnPod(setPodHostProcess, emptyHost, no, yes), podgen.OnSubject(setHostProcess, emptyHost, no, yes),
		}, aloneOrTwin, 4 * 4 * 4 * perPod},
		{"Host Namespaces", settled, [][]podgen.Choice{
			onSpec(func(pod *corev1.PodSpec, v bool) { pod.HostNetwork = v }, true),
			onSpec(func(pod *corev1.PodSpec, v bool) { pod.HostPID = v }, true),
			onSpec(func(pod *corev1.PodSpec, v bool) { pod.HostIPC = v }, true),
		}, alone, 2 * 2 * 2 * perPod},
		{"Privileged Containers", settled, [][]podgen.Choice{
			append(podgen.OnSubject(setPrivileged, bools...), withoutContext),
		}, inCompany, 4 * 10 * perPod},
		{"Capabilities", settledBut(unsetCapabilities), [][]podgen.Choice{
			podgen.OnSubject(setAdd, added()...), podgen.OnSubject(setDrop, dropped()...),
		}, aloneOrRegularTwin, 24 * 6 * 2 * perPod},
		{"HostPath Volumes", settled, [][]podgen.Choice{onSpec(setVolumes, hostPathLists()...)}, alone, 9 * perPod},
		{"Host Ports", settled, [][]podgen.Choice{
			onContainer(listen, hostPortLists()...),
		}, aloneOrTwin, 7 * 4 * perPod},
		{"Host Probes / Lifecycle Hooks", settled, [][]podgen.Choice{hosts()}, aloneOrTwin, 42 * 4 * perPod},
		{"AppArmor", settled, [][]podgen.Choice{
			podgen.OnPod(setPodAppArmor, appArmorTypes...), podgen.OnSubject(setAppArmor, appArmorTypes...),
			append(podgen.Annotated(spec.AppArmorAnnotation+"subject", appArmorAnnotations...),
				podgen.Annotated(spec.AppArmorAnnotation+"absent", "unconfined")[1]),
		}, alone, 5 * 5 * 7 * perPod},
		{"SELinux", settled, [][]podgen.Choice{
			podgen.OnPod(setPodSELinux, seLinuxValues()...), podgen.OnSubject(setSELinux, seLinuxValues()...),
		}, aloneOrRegularTwin, 11 * 11 * 2 * perPod},
		{"/proc Mount Type", settled, [][]podgen.Choice{
			podgen.OnSubject(setProcMount, corev1.DefaultProcMount, corev1.UnmaskedProcMount, "", "default"),
		}, inCompany, 5 * 10 * perPod},
		{"Seccomp", settledBut(unsetSeccomp), [][]podgen.Choice{
			podgen.OnPod(setPodSeccomp, seccompTypeValues...), podgen.OnSubject(setSeccomp, seccompTypeValues...),
		}, inCompany, 5 * 5 * 10 * perPod},
		{"Sysctls", settled, [][]podgen.Choice{podgen.OnPod(setSysctls, sysctlLists()...)}, alone, 20 * perPod},
		{"Volume Types", settled, [][]podgen.Choice{onSpec(setVolumes, volumeSources(t)...)}, alone, (1 + 30*3 + 2) * perPod},
		{"Privilege Escalation", settledBut(unsetEscalation), [][]podgen.Choice{
			append(podgen.OnSubject(setEscalation, bools...), withoutContext),
		}, inCompany, 4 * 10 * perPod},
		{"Running as Non-root", settledBut(unsetNonRoot), [][]podgen.Choice{
			podgen.OnPod(setPodNonRoot, bools...), append(podgen.OnSubject(setNonRoot, bools...), withoutContext),
		}, inCompany, 3 * 4 * 10 * perPod},
		{"Running as Non-root user", settled, [][]podgen.Choice{
			podgen.OnPod(setPodUser, 0, 1000, -1), append(podgen.OnSubject(setUser, 0, 1000, -1), withoutContext),
		}, inCompany, 4 * 5 * 10 * perPod},
	}
}

// coupledRows are the fields that more than one control reads, or that an
// author can say in more than one way.
func coupledRows() []exhaustiveRow {
	return []exhaustiveRow{
		{"runAsNonRoot and runAsUser", settledBut(unsetNonRoot), [][]podgen.Choice{
			podgen.OnPod(setPodNonRoot, bools...), podgen.OnSubject(setNonRoot, bools...),
			podgen.OnPod(setPodUser, 0, 1000), podgen.OnSubject(setUser, 0, 1000),
		}, slices.Concat(alone, podgen.Beside(podgen.Bare)[1:2]), 3 * 3 * 3 * 3 * 2 * perPod},
		{"privileged, escalation and capabilities", podgen.Bare, [][]podgen.Choice{
			podgen.OnSubject(setPrivileged, bools...), podgen.OnSubject(setEscalation, bools...),
			podgen.OnSubject(setAdd, singles[corev1.Capability]("NET_BIND_SERVICE", "CHOWN", "SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin")...),
			podgen.OnSubject(setDrop, singles[corev1.Capability]("ALL", "all")...),
		}, alone, 3 * 3 * 6 * 3 * perPod},
		{"seccomp annotations of pod and container", settledBut(unsetSeccomp), [][]podgen.Choice{
			podgen.Annotated(spec.SeccompPodAnnotation, seccompAnnotations...),
			podgen.Annotated(spec.SeccompContainerAnnotation+"subject", seccompAnnotations...),
			podgen.Annotated(spec.SeccompContainerAnnotation+"a twin", "unconfined"),
		}, aloneOrRegularTwin, 7 * 7 * 2 * 2 * perPod},
		{"seccomp fields and annotations", settledBut(unsetSeccomp), [][]podgen.Choice{
			podgen.OnPod(setPodSeccomp, "RuntimeDefault", "Unconfined"), podgen.OnSubject(setSeccomp, "RuntimeDefault", "Unconfined"),
			podgen.Annotated(spec.SeccompPodAnnotation, "runtime/default", "unconfined"),
			podgen.Annotated(spec.SeccompContainerAnnotation+"subject", "docker/default", "unconfined"),
		}, alone, 3 * 3 * 3 * 3 * perPod},
	}
}

// TestExhaustiveControls: without exceptions verdict and text are Pod Security
// Admission's for every combination of a control's values on the pod and on a
// container, kind of container, OS and hostUsers, at both levels and on both
// sides of every revision.
func TestExhaustiveControls(t *testing.T) {
	controls, rows := spec.Controls(), controlRows(t)
	for i, control := range controls {
		if i >= len(rows) || rows[i].name != control.Title {
			t.Fatalf("no row for control %q in controlRows of internal/conformance/exhaustive_test.go, in order of the standard's page", control.Title)
		}
	}
	if len(rows) != 16 || len(controls) != 16 {
		t.Errorf("%d rows for %d controls, want 16", len(rows), len(controls))
	}
	versions := podgen.BoundaryVersions(controls...)
	if len(versions) != boundaries {
		t.Errorf("%d boundary versions, want %d: %v", len(versions), boundaries, versions)
	}
	// The sum is that of what the rows say they hold, which each is held to where
	// it runs, so that a row can be run alone.
	all, total := append(rows, coupledRows()...), 0
	for _, row := range all {
		total += row.pods * len(levels) * boundaries
	}
	if t.Logf("%d cases", total); total != exhaustiveCases {
		t.Errorf("%d cases, want %d", total, exhaustiveCases)
	}
	for _, row := range all {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.run(t, versions)
		})
	}
}

// run compares every case of the row, up to the first that fails.
func (row exhaustiveRow) run(t *testing.T, versions []api.Version) {
	dimensions := [][]podgen.Choice{podgen.Kinds(row.subject), podgen.OperatingSystems(), podgen.HostUsers()}
	dimensions = append(append(dimensions, row.fields...), row.beside)
	pods, cases := 0, 0
	for pod := range podgen.Product(dimensions...) {
		pods++
		for _, level := range levels {
			for _, version := range versions {
				cases++
				lv := api.LevelVersion{Level: level, Version: version}
				if !agrees(pod, lv) {
					compare(t, string(asYAML(t, pod)), pod, lv)
					return
				}
			}
		}
	}
	t.Logf("%d pods, %d cases", pods, cases)
	if pods != row.pods || cases != row.pods*len(levels)*boundaries {
		t.Errorf("%d pods and %d cases, want %d and %d", pods, cases, row.pods, row.pods*len(levels)*boundaries)
	}
}

// agrees is what compare compares, without a name for the pod.
func agrees(pod *corev1.Pod, lv api.LevelVersion) bool {
	want := psa.AggregateCheckResults(oracle.EvaluatePod(lv, &pod.ObjectMeta, &pod.Spec))
	got := evaluate.Evaluate(pod, lv, policy.Set{})
	return got.Allowed() == want.Allowed && got.Message() == want.ForbiddenDetail()
}

func asYAML(t *testing.T, pod *corev1.Pod) []byte {
	t.Helper()
	text, err := yaml.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
