package podfence_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// lawGroup is a small domain of pods and policies: fields that are decided
// together, under the grants and rules that have a say in it.
type lawGroup struct {
	name string
	// controls are those whose boundary versions count.
	controls []spec.CheckID
	// fields are the dimensions beside the kind of container, OS and hostUsers.
	fields   [][]podgen.Choice
	policies []policy.Policy
	// pods, versions and cases are the sizes of the domain. A case is a pod
	// under a policy at a level and version: pods * policies * versions * levels.
	pods, versions, cases int
}

const (
	// perPod is the number of pods that differ in nothing but the kind of
	// container, OS and hostUsers.
	perPod = 3 * 3 * 3
	// exhaustiveLawCases is the sum of all groups.
	exhaustiveLawCases = 2_861_136
)

func choose[T any](values ...T) []T { return values }

var bools = choose(true, false)

func onPodUser(sc *corev1.PodSecurityContext, id int64)            { sc.RunAsUser = &id }
func onUser(sc *corev1.SecurityContext, id int64)                  { sc.RunAsUser = &id }
func onPodGroup(sc *corev1.PodSecurityContext, id int64)           { sc.RunAsGroup = &id }
func onGroup(sc *corev1.SecurityContext, id int64)                 { sc.RunAsGroup = &id }
func onPodNonRoot(sc *corev1.PodSecurityContext, v bool)           { sc.RunAsNonRoot = &v }
func onNonRoot(sc *corev1.SecurityContext, v bool)                 { sc.RunAsNonRoot = &v }
func onFSGroup(sc *corev1.PodSecurityContext, id int64)            { sc.FSGroup = &id }
func onSupplemental(sc *corev1.PodSecurityContext, groups []int64) { sc.SupplementalGroups = groups }
func onPrivileged(sc *corev1.SecurityContext, v bool)              { sc.Privileged = &v }
func onEscalation(sc *corev1.SecurityContext, v bool)              { sc.AllowPrivilegeEscalation = &v }

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

func idRanges(ends ...int64) (ranges []policy.IDRange) {
	for i := 0; i < len(ends); i += 2 {
		ranges = append(ranges, policy.IDRange{Min: ends[i], Max: ends[i+1]})
	}
	return ranges
}

// userPolicies are every rule over users, each without a value to fill and with
// those of fills that it admits.
func userPolicies(fills ...int64) (policies []policy.Policy) {
	rules := []policy.UserRule{
		{}, {Rule: policy.MustRunAsNonRoot}, {Rule: policy.RunAsAny},
		{Rule: policy.MustRunAs, Ranges: idRanges(0, 0)},
		{Rule: policy.MustRunAs, Ranges: idRanges(0, 100)},
		{Rule: policy.MustRunAs, Ranges: idRanges(400, 400)},
		{Rule: policy.MustRunAs, Ranges: idRanges(400, 500, 0, 1)},
	}
	for _, rule := range rules {
		p := policy.Policy{Allow: policy.Allow{RunAsUser: rule}}
		policies = append(policies, p)
		for _, id := range fills {
			p.Mutations.RunAsUser = &id
			if selecting(p).Validate() == nil {
				policies = append(policies, p)
			}
		}
	}
	return policies
}

// privilegePolicies are each grant about privilege alone, and those that meet.
func privilegePolicies() []policy.Policy {
	no := false
	keep := policy.Mutations{DropAllCapabilities: &no}
	sysAdmin, every := choose("CAP_sys_admin"), choose("*")
	return []policy.Policy{
		{},
		{Allow: policy.Allow{Privileged: true}},
		{Allow: policy.Allow{AllowPrivilegeEscalation: true}},
		{Allow: policy.Allow{AllowedCapabilities: sysAdmin}},
		{Allow: policy.Allow{AllowedCapabilities: every}},
		{Mutations: keep},
		{Allow: policy.Allow{Privileged: true, AllowedCapabilities: sysAdmin}},
		{Allow: policy.Allow{Privileged: true}, Mutations: keep},
		{Allow: policy.Allow{Privileged: true, AllowPrivilegeEscalation: true, AllowedCapabilities: every}, Mutations: keep},
	}
}

func seccompPolicies() (policies []policy.Policy) {
	for _, profiles := range [][]string{nil, {"Unconfined"}} {
		for _, sets := range []*bool{nil, ptr(true), ptr(false)} {
			policies = append(policies, policy.Policy{
				Allow:     policy.Allow{SeccompProfiles: profiles},
				Mutations: policy.Mutations{SetDefaultSeccompProfile: sets},
			})
		}
	}
	return policies
}

// groupPolicies are every rule over groups, put into a policy by set, each
// without a value to fill and with those of fills that it admits.
func groupPolicies(set func(*policy.Policy, policy.GroupRule, *int64), fills ...*int64) (policies []policy.Policy) {
	rules := []policy.GroupRule{{}, {Rule: policy.RunAsAny}}
	for _, rule := range []policy.Rule{policy.MustRunAs, policy.MayRunAs} {
		for _, ranges := range [][]policy.IDRange{idRanges(0, 0), idRanges(0, 100), idRanges(400, 500, 2, 3)} {
			rules = append(rules, policy.GroupRule{Rule: rule, Ranges: ranges})
		}
	}
	for _, rule := range rules {
		for _, id := range append(choose[*int64](nil), fills...) {
			var p policy.Policy
			if set(&p, rule, id); selecting(p).Validate() == nil {
				policies = append(policies, p)
			}
		}
	}
	return policies
}

func ptr[T any](v T) *T { return &v }

var groupFills = choose(ptr(int64(0)), ptr(int64(450)))

func setGroup(p *policy.Policy, rule policy.GroupRule, id *int64) {
	p.Allow.RunAsGroup, p.Mutations.RunAsGroup = rule, id
}

func setFSGroup(p *policy.Policy, rule policy.GroupRule, id *int64) {
	p.Allow.FSGroup, p.Mutations.FSGroup = rule, id
}

func setSupplemental(p *policy.Policy, rule policy.GroupRule, id *int64) {
	p.Allow.SupplementalGroups = rule
	if id != nil {
		p.Mutations.SupplementalGroups = choose(*id)
	}
}

func setAllGroups(p *policy.Policy, rule policy.GroupRule, id *int64) {
	setGroup(p, rule, id)
	setFSGroup(p, rule, id)
	setSupplemental(p, rule, id)
}

// grantsOf are policies that differ in what they allow, the first in nothing.
func grantsOf(allow ...policy.Allow) []policy.Policy {
	policies := make([]policy.Policy, 1, 1+len(allow))
	for _, a := range allow {
		policies = append(policies, policy.Policy{Allow: a})
	}
	return policies
}

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

// onVolume is a volume of some sources, by name; "hostPath" is followed by its path.
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
			v.HostPath = &corev1.HostPathVolumeSource{Path: strings.TrimPrefix(source, "hostPath:")}
		}
	}
	pod.Volumes = append(pod.Volumes, v)
}

func onMount(c *corev1.Container, readOnly bool) {
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "v", ReadOnly: readOnly})
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

// nodeGroups are the controls that no fill serves: Mutate leaves them as they
// are, and their grants excuse what each names, and nothing beside it.
func nodeGroups() []lawGroup {
	check := func(id spec.CheckID) []spec.CheckID { return choose(id) }
	seLinux := choose(corev1.SELinuxOptions{}, corev1.SELinuxOptions{Type: "container_t"}, corev1.SELinuxOptions{Type: "spc_t", User: "u"}, corev1.SELinuxOptions{Role: "r"})
	path := func(prefix string, readOnly bool) policy.HostPath {
		return policy.HostPath{PathPrefix: prefix, ReadOnly: readOnly}
	}
	paths := func(entries ...policy.HostPath) policy.Allow { return policy.Allow{AllowedHostPaths: entries} }
	return []lawGroup{
		{"host namespaces", check(spec.CheckHostNamespaces), [][]podgen.Choice{
			onSpec(func(s *corev1.PodSpec, v bool) { s.HostNetwork = v }, true),
			onSpec(func(s *corev1.PodSpec, v bool) { s.HostPID = v }, true),
			onSpec(func(s *corev1.PodSpec, v bool) { s.HostIPC = v }, true),
		}, grantsOf(policy.Allow{HostNetworkPorts: true}, policy.Allow{HostNetwork: true}, policy.Allow{HostNamespace: true},
			policy.Allow{HostPID: true}, policy.Allow{HostIPC: true}), 2 * 2 * 2 * perPod, 4, 2 * 2 * 2 * perPod * 6 * 4 * 2},
		{"host ports", check(spec.CheckHostPorts), [][]podgen.Choice{onContainer(onPort, 0, 79, 80, 90, 91), onContainer(onPort, 80, 65535)},
			grantsOf(policy.Allow{HostNetworkPorts: true}, policy.Allow{HostNetwork: true}, policy.Allow{AllowedHostPorts: choose(policy.PortRange{Min: 80, Max: 80})},
				policy.Allow{AllowedHostPorts: choose(policy.PortRange{Min: 65535, Max: 65535}, policy.PortRange{Min: 80, Max: 90})}),
			6 * 3 * perPod, 4, 6 * 3 * perPod * 5 * 4 * 2},
		{"host paths", choose(spec.CheckHostPathVolumes, spec.CheckRestrictedVolumes), [][]podgen.Choice{
			onSpec(onVolume, "hostPath:/", "hostPath:/a", "hostPath:/a/", "hostPath:/a/b", "hostPath:/ab", "hostPath:/a/../b", "hostPath:/a//b", "hostPath:a", "hostPath:", "emptyDir hostPath:/a"),
			slices.Concat(onContainer(onMount, bools...), onContainer(onDevice, "v", "another")[1:]),
			// The container beside it has the mounts of the subject, as another kind.
			slices.Concat(choose[podgen.Choice](podgen.Alone), podgen.Beside(podgen.Bare)[:1], podgen.Twins()[2:]),
		}, grantsOf(paths(path("/", false)), paths(path("/", true)), paths(path("/a", false)), paths(path("/a", true)),
			paths(path("/a", true), path("/a/b", false)), policy.Allow{Volumes: choose("*")},
			policy.Allow{Volumes: choose[string](), AllowedHostPaths: choose(path("/a", false))}),
			11 * 5 * 3 * perPod, 4, 11 * 5 * 3 * perPod * 8 * 4 * 2},
		{"volume types", check(spec.CheckRestrictedVolumes), [][]podgen.Choice{
			onSpec(onVolume, "", "emptyDir", "csi", "nfs", "nfs emptyDir", "nfs csi", "nfs hostPath:/a"), onSpec(onVolume, "emptyDir", "nfs"),
		}, grantsOf(policy.Allow{Volumes: choose[string]()}, policy.Allow{Volumes: choose("*")}, policy.Allow{Volumes: choose("nfs")},
			policy.Allow{Volumes: choose("csi", "emptyDir")}, policy.Allow{Volumes: choose("nfs", "emptyDir"), AllowedHostPaths: choose(path("/a", true))}),
			8 * 3 * perPod, 4, 8 * 3 * perPod * 6 * 4 * 2},
		{"sysctls", check(spec.CheckSysctls), [][]podgen.Choice{
			podgen.OnPod(onSysctl, "", "kernel.shm_rmid_forced", "net.ipv4.tcp_rmem", "kernel.msgmax", "kernel.msgmax2", "net.core.somaxconn"), podgen.OnPod(onSysctl, "kernel.msgmax"),
		}, grantsOf(policy.Allow{AllowedUnsafeSysctls: choose("*")}, policy.Allow{AllowedUnsafeSysctls: choose("kernel.msgmax")},
			policy.Allow{AllowedUnsafeSysctls: choose("net.core.*", "kernel.msg*")}), 7 * 2 * perPod, 11, 7 * 2 * perPod * 4 * 11 * 2},
		{"AppArmor", check(spec.CheckAppArmorProfile), [][]podgen.Choice{
			podgen.OnPod(onPodAppArmor, "RuntimeDefault", "Unconfined", ""), podgen.OnSubject(onAppArmor, "Localhost", "Unconfined", "Other"),
			podgen.Annotated(spec.AppArmorAnnotation+"subject", "runtime/default", "unconfined", "other"), podgen.Annotated(spec.AppArmorAnnotation+"absent", "unconfined"),
		}, grantsOf(policy.Allow{AppArmorProfiles: choose("Unconfined")}), 4 * 4 * 4 * 2 * perPod, 4, 4 * 4 * 4 * 2 * perPod * 2 * 4 * 2},
		{"SELinux", check(spec.CheckSELinuxOptions), [][]podgen.Choice{podgen.OnPod(onPodSELinux, seLinux...), podgen.OnSubject(onSELinux, seLinux...)},
			grantsOf(policy.Allow{SELinuxOptions: true}), 5 * 5 * perPod, 6, 5 * 5 * perPod * 2 * 6 * 2},
		{"proc mount", choose(spec.CheckProcMount, spec.CheckProcMountRestricted), [][]podgen.Choice{podgen.OnSubject(onProcMount, "Default", "Unmasked", "", "Other")},
			grantsOf(policy.Allow{ProcMounts: choose("Unmasked")}), 5 * perPod, 6, 5 * perPod * 2 * 6 * 2},
		{"host process", check(spec.CheckWindowsHostProcess), [][]podgen.Choice{podgen.OnPod(onPodHostProcess, bools...), podgen.OnSubject(onHostProcess, bools...)},
			grantsOf(policy.Allow{WindowsHostProcess: true}), 3 * 3 * perPod, 4, 3 * 3 * perPod * 2 * 4 * 2},
		{"probe hosts", check(spec.CheckHostProbesAndHostLifecycle), [][]podgen.Choice{onContainer(onProbe, "", "127.0.0.1", "127.0.0.11"), onContainer(onHook, "127.0.0.1", "node")},
			grantsOf(policy.Allow{AllowedProbeHosts: choose("127.0.0.1")}, policy.Allow{AllowedProbeHosts: choose("node", "127.0.0.1")}),
			4 * 3 * perPod, 6, 4 * 3 * perPod * 3 * 6 * 2},
		{"readOnlyRootFilesystem", nil, [][]podgen.Choice{podgen.OnSubject(onReadOnlyRoot, bools...), slices.Concat(choose[podgen.Choice](podgen.Alone), podgen.Beside(podgen.Bare))},
			grantsOf(policy.Allow{ReadOnlyRootFilesystem: true}), 3 * 4 * perPod, 4, 3 * 4 * perPod * 2 * 4 * 2},
	}
}

// selecting is the policy with what it needs to be valid.
func selecting(p policy.Policy) *policy.Policy {
	p.Name, p.PodSelectorLabels = "p", map[string]string{"app": "web"}
	return &p
}

func lawGroups() []lawGroup {
	nonRoot := choose(spec.CheckRunAsNonRoot, spec.CheckRunAsUser)
	privilege := choose(spec.CheckPrivileged, spec.CheckAllowPrivilegeEscalation, spec.CheckCapabilitiesRestricted)
	alone := choose[podgen.Choice](podgen.Alone)
	return []lawGroup{
		{"users", nonRoot, [][]podgen.Choice{
			podgen.OnPod(onPodNonRoot, bools...), podgen.OnSubject(onNonRoot, bools...),
			podgen.OnPod(onPodUser, 0, 400), podgen.OnSubject(onUser, 0, 400),
		}, userPolicies(0, 1000), 3 * 3 * 3 * 3 * perPod, 8, 3 * 3 * 3 * 3 * perPod * 14 * 8 * 2},
		// Whether a pod's false is excused depends on every container.
		{"users of two containers", nonRoot, [][]podgen.Choice{
			podgen.OnPod(onPodNonRoot, bools...), podgen.OnSubject(onNonRoot, bools...),
			podgen.OnPod(onPodUser, 0), podgen.OnSubject(onUser, 0),
			slices.Concat(podgen.Beside(podgen.Bare), podgen.Beside(rooted)[1:2]),
		}, userPolicies(), 3 * 3 * 2 * 2 * 4 * perPod, 8, 3 * 3 * 2 * 2 * 4 * perPod * 7 * 8 * 2},
		{"privilege", privilege, [][]podgen.Choice{
			podgen.OnSubject(onPrivileged, bools...), podgen.OnSubject(onEscalation, bools...),
			podgen.OnSubject(onAdd, "NET_BIND_SERVICE", "NET_ADMIN", "SYS_ADMIN", "CAP_SYS_ADMIN", "cap_sys_admin"),
			podgen.OnSubject(onDrop, choose[corev1.Capability]("ALL"), choose[corev1.Capability]("all")),
		}, privilegePolicies(), 3 * 3 * 6 * 3 * perPod, 10, 3 * 3 * 6 * 3 * perPod * 9 * 10 * 2},
		{"seccomp", choose(spec.CheckSeccompProfileRestricted), [][]podgen.Choice{
			podgen.OnPod(onPodSeccomp, "RuntimeDefault", "Localhost", "Unconfined"),
			podgen.OnSubject(onSeccomp, "RuntimeDefault", "Unconfined"),
			podgen.Annotated(spec.SeccompPodAnnotation, "runtime/default", "unconfined"),
			podgen.Annotated(spec.SeccompContainerAnnotation+"subject", "docker/default", "localhost/p.json", "unconfined"),
		}, seccompPolicies(), 4 * 3 * 3 * 4 * perPod, 8, 4 * 3 * 3 * 4 * perPod * 6 * 8 * 2},
		{"runAsGroup", nil, [][]podgen.Choice{
			podgen.OnPod(onPodGroup, 0, 1, 400), podgen.OnSubject(onGroup, 0, 1, 400), slices.Concat(alone, podgen.Beside(podgen.Bare)[2:]),
		}, groupPolicies(setGroup, groupFills...), 4 * 4 * 2 * perPod, 4, 4 * 4 * 2 * perPod * 18 * 4 * 2},
		{"fsGroup", nil, [][]podgen.Choice{podgen.OnPod(onFSGroup, 0, 1, 400)}, groupPolicies(setFSGroup, groupFills...), 4 * perPod, 4, 4 * perPod * 18 * 4 * 2},
		{"supplementalGroups", nil, [][]podgen.Choice{
			podgen.OnPod(onSupplemental, choose[int64](), choose[int64](0), choose[int64](1, 400), choose[int64](400, 2)),
		}, append(groupPolicies(setSupplemental, groupFills...), policy.Policy{Mutations: policy.Mutations{SupplementalGroups: []int64{}}}), 5 * perPod, 4, 5 * perPod * 19 * 4 * 2},
		{"groups together", nil, [][]podgen.Choice{
			podgen.OnPod(onPodGroup, 0, 1), podgen.OnSubject(onGroup, 0, 1),
			podgen.OnPod(onFSGroup, 0, 1), podgen.OnPod(onSupplemental, choose[int64](), choose[int64](1, 400)),
		}, groupPolicies(setAllGroups), 3 * 3 * 3 * 3 * perPod, 4, 3 * 3 * 3 * 3 * perPod * 8 * 4 * 2},
	}
}

// TestExhaustiveLaws holds laws 1, 2, 5 and 6, and that nothing is filled that
// Kubernetes would refuse, for every pod and policy of the groups, which between
// them are about every control.
func TestExhaustiveLaws(t *testing.T) {
	var total atomic.Int64
	t.Cleanup(func() {
		if t.Logf("%d cases", total.Load()); total.Load() != exhaustiveLawCases && !t.Failed() {
			t.Errorf("%d cases, want %d", total.Load(), exhaustiveLawCases)
		}
	})
	spoken := map[string]bool{}
	for _, group := range append(lawGroups(), nodeGroups()...) {
		for _, id := range group.controls {
			spoken[id.Control().Title] = true
		}
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			total.Add(int64(group.run(t)))
		})
	}
	for _, control := range spec.Controls() {
		if !spoken[control.Title] {
			t.Errorf("no group is about %s", control.Title)
		}
	}
}

// run holds every case of the group against the laws, up to the first pod that
// breaks one.
func (g lawGroup) run(t *testing.T) (cases int) {
	var controls []*spec.Control
	for _, id := range g.controls {
		controls = append(controls, id.Control())
	}
	var lvs []api.LevelVersion
	versions := podgen.BoundaryVersions(controls...)
	for _, version := range versions {
		for _, level := range levels {
			lvs = append(lvs, api.LevelVersion{Level: level, Version: version})
		}
	}
	for i := range g.policies {
		g.policies[i] = *selecting(g.policies[i])
		if err := g.policies[i].Validate(); err != nil {
			t.Fatal(err)
		}
	}
	before := make([]policy.Policy, len(g.policies))
	for i := range g.policies {
		g.policies[i].DeepCopyInto(&before[i])
	}
	pods := 0
	dimensions := append([][]podgen.Choice{podgen.Kinds(podgen.Bare), podgen.OperatingSystems(), podgen.HostUsers()}, g.fields...)
	for pod := range podgen.Product(dimensions...) {
		pods++
		original := pod.DeepCopy()
		for i := range g.policies {
			cases += len(lvs)
			if broken := brokenLaws(pod, original, &g.policies[i], lvs); len(broken) > 0 {
				t.Errorf("%s\npod:\n%spolicy:\n%s", strings.Join(broken, "\n"), toYAML(t, pod), toYAML(t, g.policies[i]))
				return cases
			}
		}
	}
	if !reflect.DeepEqual(before, g.policies) {
		t.Error("law 2: a policy was changed")
	}
	t.Logf("%d pods, %d policies, %d versions, %d cases", pods, len(g.policies), len(versions), cases)
	if pods != g.pods || len(versions) != g.versions || cases != g.cases {
		t.Errorf("%d pods, %d versions, %d cases; want %d, %d, %d", pods, len(versions), cases, g.pods, g.versions, g.cases)
	}
	return cases
}

func toYAML(t *testing.T, v any) []byte {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// laws holds one pod under one policy against the laws. What it says of the
// policy format, of inheritance and of what Kubernetes refuses it says itself:
// it shares none of that with the packages that it judges.
type laws struct {
	pod, filled *corev1.Pod
	policy      *policy.Policy
	report      mutate.Report
	// before and after are the rules that the pod and the filled pod break.
	before, after map[string]bool
	broken        []string
}

// brokenLaws says which laws Mutate and Evaluate break, none for none. original
// is a copy of the pod.
func brokenLaws(pod, original *corev1.Pod, p *policy.Policy, lvs []api.LevelVersion) []string {
	l := laws{pod: pod, policy: p}
	l.mutate(original)
	l.fills()
	l.before, l.after = l.demands(l.pod), l.demands(l.filled)
	for _, lv := range lvs {
		if len(l.broken) > 0 {
			break
		}
		l.evaluate(lv)
	}
	return l.broken
}

func (l *laws) breaks(format string, args ...any) {
	l.broken = append(l.broken, fmt.Sprintf(format, args...))
}

// mutate is law 2: Mutate is idempotent and deterministic, keeps every set field
// and every order, and never changes its input.
func (l *laws) mutate(original *corev1.Pod) {
	l.filled, l.report = mutate.Mutate(l.pod, l.policy)
	if !reflect.DeepEqual(original, l.pod) {
		l.breaks("law 2: the input was changed")
	}
	if (l.filled == l.pod) == l.report.Changed() {
		l.breaks("law 2: %d changes, and the pod itself came back: %v", len(l.report.Changes()), l.filled == l.pod)
	}
	if again, report := mutate.Mutate(l.filled, l.policy); again != l.filled || report.Changed() {
		l.breaks("law 2: not idempotent: %v", report.Changes())
	}
	other, report := mutate.Mutate(l.pod, l.policy)
	if !reflect.DeepEqual(other, l.filled) || !reflect.DeepEqual(report.Changes(), l.report.Changes()) || !reflect.DeepEqual(report.Unset, l.report.Unset) {
		l.breaks("law 2: not deterministic")
	}
	if lost := lostField(reflect.ValueOf(l.pod).Elem(), reflect.ValueOf(l.filled).Elem()); lost != "" {
		l.breaks("law 2: not kept: %s", lost)
	}
}

// lostField is the path of a field that is set in old and not the same in new,
// "" for none. Nil pointers and empty lists are unset.
func lostField(old, new reflect.Value) string {
	switch old.Kind() {
	case reflect.Pointer:
		if old.IsNil() || old.Pointer() == new.Pointer() {
			return ""
		}
		if new.IsNil() {
			return "*"
		}
		return lostField(old.Elem(), new.Elem())
	case reflect.Struct:
		for i := range old.NumField() {
			if !old.Type().Field(i).IsExported() {
				continue
			}
			if lost := lostField(old.Field(i), new.Field(i)); lost != "" {
				return old.Type().Field(i).Name + "." + lost
			}
		}
		return ""
	case reflect.Slice:
		if old.Len() == 0 || old.Pointer() == new.Pointer() && old.Len() == new.Len() {
			return ""
		}
		if old.Len() != new.Len() {
			return "length"
		}
		for i := range old.Len() {
			if lost := lostField(old.Index(i), new.Index(i)); lost != "" {
				return fmt.Sprintf("[%d].%s", i, lost)
			}
		}
		return ""
	default:
		if !reflect.DeepEqual(old.Interface(), new.Interface()) {
			return "value"
		}
		return ""
	}
}

// contexts are the security contexts of the pod and of one of its containers,
// empty where there is none.
func contexts(pod *corev1.Pod, at spec.Container) (ofPod corev1.PodSecurityContext, own corev1.SecurityContext) {
	if pod.Spec.SecurityContext != nil {
		ofPod = *pod.Spec.SecurityContext
	}
	if at.Kind != 0 {
		if sc := podwalk.Get(&pod.Spec, at).SecurityContext; sc != nil {
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

// addsSysAdmin: container runtimes know a capability by any case, with CAP_ and without.
func addsSysAdmin(sc corev1.SecurityContext) bool {
	return sc.Capabilities != nil && slices.ContainsFunc(sc.Capabilities.Add, func(c corev1.Capability) bool {
		return plainCapability(string(c)) == "SYS_ADMIN"
	})
}

func plainCapability(name string) string { return strings.TrimPrefix(strings.ToUpper(name), "CAP_") }

func grantsCapability(p *policy.Policy, name string) bool {
	return slices.ContainsFunc(p.Allow.AllowedCapabilities, func(allowed string) bool {
		return allowed == "*" || plainCapability(allowed) == plainCapability(name)
	})
}

func isWindows(pod *corev1.Pod) bool { return pod.Spec.OS != nil && pod.Spec.OS.Name == "windows" }

// isMirror: the kubelet shows with it what it runs already.
func isMirror(pod *corev1.Pod) bool {
	_, found := pod.Annotations["kubernetes.io/config.mirror"]
	return found
}

// contradicts: a legacy annotation, the container's or else the pod's, names
// another profile than the runtime's default.
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

// groupToFill is the explicit value, else 1 where the rule admits it, else the
// first range's minimum under MustRunAs and nothing under MayRunAs.
func groupToFill(explicit *int64, rule policy.GroupRule) any {
	switch {
	case explicit != nil:
		return *explicit
	case len(rule.Ranges) == 0 || inRanges(rule.Ranges, 1):
		return int64(1)
	case rule.Rule == "MustRunAs":
		return rule.Ranges[0].Min
	default:
		return nil
	}
}

// groupsToFill is the explicit list, else what a single group would be.
func groupsToFill(explicit []int64, rule policy.GroupRule) any {
	if explicit != nil {
		return explicit
	}
	if id, ok := groupToFill(nil, rule).(int64); ok {
		return []int64{id}
	}
	return nil
}

// userToFill is the explicit value, else the first range's minimum; beside an
// author's runAsNonRoot any other one in range stands in for 0.
func userToFill(p *policy.Policy, filled int64, nonRoot bool) any {
	switch explicit, ranges := p.Mutations.RunAsUser, p.Allow.RunAsUser.Ranges; {
	case explicit != nil && (*explicit != 0 || !nonRoot):
		return *explicit
	case len(ranges) == 0:
		return nil
	case nonRoot && ranges[0].Min == 0 && filled != 0 && inRanges(ranges, filled):
		return filled
	default:
		return ranges[0].Min
	}
}

// fills holds every change, every reason and what the report says nothing about.
func (l *laws) fills() {
	for _, c := range l.report.Changes() {
		l.fill(&c)
	}
	for i := range l.report.Unset {
		l.unset(&l.report.Unset[i])
	}
	l.complete()
}

// fill: a field is filled only where its effective value is unset, with what the
// policy wants there, and where neither API validation nor the kubelet would
// refuse the pod for it.
func (l *laws) fill(c *mutate.Change) {
	pod, own := contexts(l.pod, c.Container)
	filledPod, filledOwn := contexts(l.filled, c.Container)
	user := effective(filledOwn.RunAsUser, filledPod.RunAsUser)
	nonRoot := effective(filledOwn.RunAsNonRoot, filledPod.RunAsNonRoot)
	allow, mutations := &l.policy.Allow, &l.policy.Mutations
	set, unwanted, refused := false, false, false
	var want any
	switch c.Field {
	case "securityContext.allowPrivilegeEscalation":
		want, set, unwanted = false, own.AllowPrivilegeEscalation != nil, allow.AllowPrivilegeEscalation
		refused = is(own.Privileged, true) || addsSysAdmin(own)
	case "securityContext.capabilities.drop":
		want, set = []string{"ALL"}, own.Capabilities != nil && len(own.Capabilities.Drop) > 0
		unwanted = is(mutations.DropAllCapabilities, false)
	case "securityContext.privileged":
		want, set = false, own.Privileged != nil
	case "securityContext.readOnlyRootFilesystem":
		want, set, unwanted = true, own.ReadOnlyRootFilesystem != nil, !allow.ReadOnlyRootFilesystem
	case "securityContext.runAsGroup":
		want, set = groupToFill(mutations.RunAsGroup, allow.RunAsGroup), effective(own.RunAsGroup, pod.RunAsGroup) != nil
	case "securityContext.runAsNonRoot":
		want, set = true, effective(own.RunAsNonRoot, pod.RunAsNonRoot) != nil
		unwanted = allow.RunAsUser.Rule == "RunAsAny" || is(l.pod.Spec.HostUsers, false)
		refused = is(user, 0)
	case "securityContext.runAsUser":
		authors := effective(own.RunAsNonRoot, pod.RunAsNonRoot)
		want, set = userToFill(l.policy, c.Value.(int64), is(authors, true)), effective(own.RunAsUser, pod.RunAsUser) != nil
		refused = is(user, 0) && is(nonRoot, true)
	case "securityContext.seccompProfile.type":
		want, set = "RuntimeDefault", effective(own.SeccompProfile, pod.SeccompProfile) != nil
		unwanted = is(mutations.SetDefaultSeccompProfile, false)
		refused = contradicts(l.pod, c.Container.Name)
	case "spec.securityContext.fsGroup":
		want, set = groupToFill(mutations.FSGroup, allow.FSGroup), pod.FSGroup != nil
	case "spec.securityContext.supplementalGroups":
		want, set = groupsToFill(mutations.SupplementalGroups, allow.SupplementalGroups), len(pod.SupplementalGroups) > 0
	}
	refused = refused || isMirror(l.pod) || isWindows(l.pod) && c.Field != "securityContext.runAsNonRoot"
	if set || unwanted || refused || !reflect.DeepEqual(c.Value, want) {
		l.breaks("filled %s: want %v, was set: %v, unwanted: %v, Kubernetes refuses it: %v", c, want, set, unwanted, refused)
	}
}

// unset: the reason why a field was left unset is true of the pod and the policy.
func (l *laws) unset(u *mutate.Unset) {
	pod, own := contexts(l.pod, u.Container)
	holds := false
	switch u.Reason {
	case mutate.PolicyLeaves:
		holds = l.policyLeaves(u.Field)
	case mutate.Windows:
		holds = isWindows(l.pod) && u.Field != "securityContext.runAsNonRoot"
	case mutate.Mirror:
		holds = isMirror(l.pod)
	case mutate.PrivilegedContainer:
		holds = is(own.Privileged, true) && (u.Field == "securityContext.allowPrivilegeEscalation" ||
			u.Field == "securityContext.capabilities.drop" && l.policy.Allow.Privileged)
	case mutate.AddsSysAdmin:
		holds = u.Field == "securityContext.allowPrivilegeEscalation" && addsSysAdmin(own)
	case mutate.RootUser:
		filledPod, filledOwn := contexts(l.filled, u.Container)
		holds = u.Field == "securityContext.runAsNonRoot" && is(effective(filledOwn.RunAsUser, filledPod.RunAsUser), 0)
	case mutate.NonRoot:
		holds = u.Field == "securityContext.runAsUser" && is(effective(own.RunAsNonRoot, pod.RunAsNonRoot), true) && l.onlyRoot()
	case mutate.UserNamespace:
		holds = u.Field == "securityContext.runAsNonRoot" && is(l.pod.Spec.HostUsers, false)
	case mutate.Annotation:
		holds = u.Field == "securityContext.seccompProfile.type" && contradicts(l.pod, u.Container.Name)
	case mutate.Inherited:
		holds = u.Field == "securityContext.runAsNonRoot" && own.RunAsNonRoot == nil && is(pod.RunAsNonRoot, false) ||
			u.Field == "securityContext.seccompProfile.type" && own.SeccompProfile == nil && pod.SeccompProfile != nil &&
				pod.SeccompProfile.Type != "RuntimeDefault" && pod.SeccompProfile.Type != "Localhost"
	}
	if !holds || l.changed(u.Location) {
		l.breaks("left unset, which is not true, or filled all the same: %s", u)
	}
}

// policyLeaves: the policy grants what the unset field means, or fills nothing.
func (l *laws) policyLeaves(f spec.Field) bool {
	allow, mutations := &l.policy.Allow, &l.policy.Mutations
	// The default is group 1; a rule that refuses it and demands none leaves the field.
	leaves := func(rule policy.GroupRule) bool { return rule.Rule == "MayRunAs" && !inRanges(rule.Ranges, 1) }
	switch f {
	case "securityContext.allowPrivilegeEscalation":
		return allow.AllowPrivilegeEscalation
	case "securityContext.capabilities.drop":
		return is(mutations.DropAllCapabilities, false)
	case "securityContext.runAsNonRoot":
		return allow.RunAsUser.Rule == "RunAsAny"
	case "securityContext.seccompProfile.type":
		return is(mutations.SetDefaultSeccompProfile, false)
	case "securityContext.runAsGroup":
		return mutations.RunAsGroup == nil && leaves(allow.RunAsGroup)
	case "spec.securityContext.fsGroup":
		return mutations.FSGroup == nil && leaves(allow.FSGroup)
	case "spec.securityContext.supplementalGroups":
		return len(mutations.SupplementalGroups) == 0 && (mutations.SupplementalGroups != nil || leaves(allow.SupplementalGroups))
	default:
		return false
	}
}

// onlyRoot: the policy has no user ID but 0 to fill in.
func (l *laws) onlyRoot() bool {
	if id := l.policy.Mutations.RunAsUser; id != nil && *id != 0 {
		return false
	}
	return !slices.ContainsFunc(l.policy.Allow.RunAsUser.Ranges, func(r policy.IDRange) bool { return r.Max > 0 })
}

func (l *laws) changed(at spec.Location) bool {
	return slices.ContainsFunc(l.report.Changes(), func(c mutate.Change) bool { return c.Location == at })
}

func (l *laws) leftUnset(at spec.Location) (mutate.Reason, bool) {
	i := slices.IndexFunc(l.report.Unset, func(u mutate.Unset) bool { return u.Location == at })
	if i < 0 {
		return "", false
	}
	return l.report.Unset[i].Reason, true
}

// complete: in every container, each field that Mutate fills has an effective
// value, or it was filled, or the report has the reason why not.
func (l *laws) complete() {
	pod, _ := contexts(l.pod, spec.Container{})
	l.settled(spec.Container{}, "spec.securityContext.fsGroup", pod.FSGroup != nil)
	l.settled(spec.Container{}, "spec.securityContext.supplementalGroups", len(pod.SupplementalGroups) > 0)
	noUser := l.policy.Mutations.RunAsUser == nil && l.policy.Allow.RunAsUser.Rule != "MustRunAs"
	for _, at := range containersOf(l.pod) {
		_, own := contexts(l.pod, at)
		l.settled(at, "securityContext.allowPrivilegeEscalation", own.AllowPrivilegeEscalation != nil)
		l.settled(at, "securityContext.capabilities.drop", own.Capabilities != nil && len(own.Capabilities.Drop) > 0)
		l.settled(at, "securityContext.privileged", own.Privileged != nil)
		l.settled(at, "securityContext.readOnlyRootFilesystem", !l.policy.Allow.ReadOnlyRootFilesystem || own.ReadOnlyRootFilesystem != nil)
		l.settled(at, "securityContext.runAsGroup", effective(own.RunAsGroup, pod.RunAsGroup) != nil)
		l.settled(at, "securityContext.runAsNonRoot", effective(own.RunAsNonRoot, pod.RunAsNonRoot) != nil)
		l.settled(at, "securityContext.runAsUser", noUser || effective(own.RunAsUser, pod.RunAsUser) != nil)
		l.settled(at, "securityContext.seccompProfile.type", effective(own.SeccompProfile, pod.SeccompProfile) != nil)
	}
}

func (l *laws) settled(at spec.Container, f spec.Field, set bool) {
	location := spec.Location{Container: at, Field: f, Index: -1}
	if _, left := l.leftUnset(location); !set && !left && !l.changed(location) {
		l.breaks("neither set, nor filled, nor in the report: %s", location)
	}
}

// containersOf lists the containers of a pod without the help of podwalk.
func containersOf(pod *corev1.Pod) (list []spec.Container) {
	for i := range pod.Spec.InitContainers {
		list = append(list, spec.Container{Kind: spec.InitContainer, Index: i, Name: pod.Spec.InitContainers[i].Name})
	}
	for i := range pod.Spec.Containers {
		list = append(list, spec.Container{Kind: spec.RegularContainer, Index: i, Name: pod.Spec.Containers[i].Name})
	}
	for i := range pod.Spec.EphemeralContainers {
		list = append(list, spec.Container{Kind: spec.EphemeralContainer, Index: i, Name: pod.Spec.EphemeralContainers[i].Name})
	}
	return list
}

// evaluate holds laws 1, 5 and 6 at one level and version.
func (l *laws) evaluate(lv api.LevelVersion) {
	standard := evaluate.Under(&l.pod.ObjectMeta, &l.pod.Spec, lv, nil).Violations
	before := evaluate.Under(&l.pod.ObjectMeta, &l.pod.Spec, lv, l.policy)
	after := evaluate.Under(&l.filled.ObjectMeta, &l.filled.Spec, lv, l.policy)
	for i := range after.Violations {
		v := &after.Violations[i]
		if _, found := find(before.Violations, v); !found {
			l.breaks("law 5: at %s, only after Mutate: %s", lv, v)
		}
		if !judgedOtherwise(l.pod, lv.Version) && !l.isTheAuthors(v) {
			l.breaks("law 1: at %s, not the author's: %s", lv, v)
		}
	}
	l.excused(lv, standard, &before)
	l.demanded(lv, l.pod, l.before, before.Violations)
	l.demanded(lv, l.filled, l.after, after.Violations)
}

// find finds what breaks the same check or rule at the same place.
func find(list []evaluate.Violation, v *evaluate.Violation) (*evaluate.Violation, bool) {
	for i := range list {
		if w := &list[i]; w.Check == v.Check && w.Rule == v.Rule && w.Location == v.Location {
			return w, true
		}
	}
	return nil, false
}

// isTheAuthors: what is left of a filled pod was set by its author, or could not
// be supplied because of what the author set.
func (l *laws) isTheAuthors(v *evaluate.Violation) bool {
	if v.Value != nil {
		return !l.changed(v.Location)
	}
	switch reason, _ := l.leftUnset(v.Location); reason {
	case mutate.Inherited, mutate.Annotation, mutate.AddsSysAdmin, mutate.PrivilegedContainer, mutate.NonRoot, mutate.Mirror:
		return true
	case mutate.RootUser:
		pod, own := contexts(l.pod, v.Container)
		return is(effective(own.RunAsUser, pod.RunAsUser), 0)
	default:
		return false
	}
}

// excused is law 6: an exception removes only violations that it grants, and
// all of these; and it adds none of the standard's.
func (l *laws) excused(lv api.LevelVersion, standard []evaluate.Violation, r *evaluate.Result) {
	stand := 0
	for i := range r.Violations {
		if r.Violations[i].Rule == 0 {
			stand++
		}
	}
	if stand+len(r.Excused) != len(standard) {
		l.breaks("law 6: at %s, %d violations stand and %d are excused of %d", lv, stand, len(r.Excused), len(standard))
	}
	for i := range standard {
		v := &standard[i]
		want := l.grants(v)
		_, stands := find(r.Violations, v)
		excused, found := find(r.Excused, v)
		if found != want || stands == want || found && excused.Grant == 0 {
			l.breaks("law 6: at %s, granted: %v, excused: %v, stands: %v: %s", lv, want, found, stands, v)
		}
	}
}

// grants is the table of grants of the design.
func (l *laws) grants(v *evaluate.Violation) bool {
	pod, own := contexts(l.pod, v.Container)
	allow := &l.policy.Allow
	isPrivileged := allow.Privileged && is(own.Privileged, true)
	switch v.Check {
	case spec.CheckPrivileged:
		return allow.Privileged
	case spec.CheckAllowPrivilegeEscalation:
		return allow.AllowPrivilegeEscalation || isPrivileged || addsSysAdmin(own) && grantsCapability(l.policy, "SYS_ADMIN")
	case spec.CheckCapabilitiesBaseline, spec.CheckCapabilitiesRestricted:
		if v.Field == "securityContext.capabilities.drop" {
			return is(l.policy.Mutations.DropAllCapabilities, false) || isPrivileged
		}
		return grantsCapability(l.policy, string(own.Capabilities.Add[v.Index]))
	case spec.CheckRunAsNonRoot:
		return allow.RunAsUser.Rule == "RunAsAny" || l.grantsRoot() && l.reachesOnlyRoot(v.Container)
	case spec.CheckRunAsUser:
		return allow.RunAsUser.Rule == "RunAsAny" || l.grantsRoot()
	case spec.CheckSeccompProfileBaseline, spec.CheckSeccompProfileRestricted:
		profile := effective(own.SeccompProfile, pod.SeccompProfile)
		unconfined := slices.Contains(allow.SeccompProfiles, "Unconfined")
		switch {
		case v.Key != "":
			return l.pod.Annotations[v.Key] == "unconfined" && unconfined
		case profile == nil:
			return is(l.policy.Mutations.SetDefaultSeccompProfile, false)
		default:
			return profile.Type == "Unconfined" && unconfined
		}
	default:
		return l.grantsNode(v, pod, own)
	}
}

// grantsNode is the table of grants for the controls that no fill serves.
func (l *laws) grantsNode(v *evaluate.Violation, pod corev1.PodSecurityContext, own corev1.SecurityContext) bool {
	allow := &l.policy.Allow
	switch v.Check {
	case spec.CheckHostNamespaces:
		switch v.Field {
		case "spec.hostNetwork":
			return allow.HostNetworkPorts || allow.HostNetwork
		case "spec.hostPID":
			return allow.HostNamespace || allow.HostPID
		default:
			return allow.HostNamespace || allow.HostIPC
		}
	case spec.CheckHostPorts:
		port := podwalk.Get(&l.pod.Spec, v.Container).Ports[v.Index].HostPort
		return allow.HostNetworkPorts || slices.ContainsFunc(allow.AllowedHostPorts, func(r policy.PortRange) bool { return r.Min <= port && port <= r.Max })
	case spec.CheckHostPathVolumes:
		return l.grantsHostPath(&l.pod.Spec.Volumes[v.Index])
	case spec.CheckRestrictedVolumes:
		return l.grantsVolume(&l.pod.Spec.Volumes[v.Index])
	case spec.CheckSysctls:
		return grantsSysctl(allow.AllowedUnsafeSysctls, pod.Sysctls[v.Index].Name)
	case spec.CheckProcMount, spec.CheckProcMountRestricted:
		return slices.Contains(allow.ProcMounts, string(*own.ProcMount))
	case spec.CheckAppArmorProfile:
		// The violation is of what stands there, so that nothing is inherited.
		unconfined := false
		switch {
		case v.Key != "":
			unconfined = l.pod.Annotations[v.Key] == "unconfined"
		case v.Container.Kind != 0:
			unconfined = own.AppArmorProfile.Type == "Unconfined"
		default:
			unconfined = pod.AppArmorProfile.Type == "Unconfined"
		}
		return unconfined && slices.Contains(allow.AppArmorProfiles, "Unconfined")
	case spec.CheckSELinuxOptions:
		return allow.SELinuxOptions
	case spec.CheckWindowsHostProcess:
		return allow.WindowsHostProcess
	case spec.CheckHostProbesAndHostLifecycle:
		return slices.Contains(allow.AllowedProbeHosts, v.Value.(string))
	default:
		panic("no grant is known for " + v.Check.String())
	}
}

// grantsSysctl: an entry is a name, or ends in "*" and is a prefix.
func grantsSysctl(entries []string, name string) bool {
	return slices.ContainsFunc(entries, func(entry string) bool {
		prefix, isPrefix := strings.CutSuffix(entry, "*")
		return entry == name || isPrefix && strings.HasPrefix(name, prefix)
	})
}

// pathSegments splits a path; ok is false for one that is not absolute, or
// would be another one without its empty, "." and ".." segments. One trailing
// slash is forgiven.
func pathSegments(path string) (segments []string, ok bool) {
	rest, absolute := strings.CutPrefix(path, "/")
	if rest = strings.TrimSuffix(rest, "/"); !absolute || path == "//" {
		return nil, false
	}
	if rest == "" {
		return nil, true
	}
	segments = strings.Split(rest, "/")
	return segments, !slices.ContainsFunc(segments, func(s string) bool { return s == "" || s == "." || s == ".." })
}

// grantsHostPath: one entry whose segments begin the path's suffices; it may ask
// that no container, of any kind, can write to the volume.
func (l *laws) grantsHostPath(v *corev1.Volume) bool {
	path, clean := pathSegments(v.HostPath.Path)
	return clean && slices.ContainsFunc(l.policy.Allow.AllowedHostPaths, func(entry policy.HostPath) bool {
		prefix, _ := pathSegments(entry.PathPrefix)
		covers := len(path) >= len(prefix) && slices.Equal(path[:len(prefix)], prefix)
		return covers && !(entry.ReadOnly && l.writable(v.Name))
	})
}

func (l *laws) writable(volume string) bool {
	return slices.ContainsFunc(containersOf(l.pod), func(at spec.Container) bool {
		c := podwalk.Get(&l.pod.Spec, at)
		return slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume && !m.ReadOnly }) ||
			slices.ContainsFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.Name == volume })
	})
}

// sourcesOf are the names of what a volume comes from, as JSON has them.
func sourcesOf(v *corev1.Volume) (names []string) {
	source := reflect.ValueOf(v.VolumeSource)
	for i := range source.NumField() {
		if !source.Field(i).IsNil() {
			name, _, _ := strings.Cut(source.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
}

// grantsVolume: each source is granted, and one that nobody knows by "*" alone.
func (l *laws) grantsVolume(v *corev1.Volume) bool {
	listed := l.policy.Allow.Volumes
	if listed == nil {
		listed = choose("configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret")
	}
	sources, every := sourcesOf(v), slices.Contains(listed, "*")
	for _, name := range sources {
		if name == "hostPath" && !l.grantsHostPath(v) || name != "hostPath" && !every && !slices.Contains(listed, name) {
			return false
		}
	}
	return len(sources) > 0 || every
}

// demandsVolumes: the policy's list refuses a volume that the standard does not
// refuse already. Unset, it speaks at restricted alone, and not in the default policy.
func (l *laws) demandsVolumes(lv api.LevelVersion, pod *corev1.Pod) bool {
	restricted := lv.Level == api.LevelRestricted
	selects := len(l.policy.PodSelectorLabels)+len(l.policy.PodSelectorExpressions) > 0
	if l.policy.Allow.Volumes == nil && !(restricted && selects) {
		return false
	}
	free := choose("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret")
	return slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool {
		refused := v.HostPath != nil && !l.grantsHostPath(&v)
		if restricted {
			refused = !slices.ContainsFunc(sourcesOf(&v), func(name string) bool { return slices.Contains(free, name) })
		}
		return !refused && !l.grantsVolume(&v)
	})
}

func (l *laws) grantsRoot() bool {
	rule := &l.policy.Allow.RunAsUser
	return rule.Rule == "MustRunAs" && inRanges(rule.Ranges, 0)
}

// reachesOnlyRoot: a runAsNonRoot that is false or unset there reaches
// containers that run as UID 0, and no other.
func (l *laws) reachesOnlyRoot(at spec.Container) bool {
	reached := 0
	for _, c := range containersOf(l.pod) {
		pod, own := contexts(l.pod, c)
		if at.Kind != 0 && c != at || at.Kind == 0 && own.RunAsNonRoot != nil {
			continue
		}
		if !is(effective(own.RunAsUser, pod.RunAsUser), 0) {
			return false
		}
		reached++
	}
	return reached > 0
}

// demanded: a policy adds what its own rules name, and nothing else. want are
// the rules that the pod breaks at every level.
func (l *laws) demanded(lv api.LevelVersion, pod *corev1.Pod, want map[string]bool, violations []evaluate.Violation) {
	seen, volumes, number := 0, l.demandsVolumes(lv, pod), len(want)
	if volumes {
		number++
	}
	for i := range violations {
		rule := violations[i].Rule
		if rule != 0 && (i == 0 || violations[i-1].Rule != rule) {
			seen++
		}
		if rule != 0 && !want[rule.String()] && !(volumes && rule.String() == "allow.volumes") {
			l.breaks("law 6: at %s, no rule demands this: %s", lv, violations[i])
		}
	}
	if seen != number {
		l.breaks("law 6: at %s, %d rules are broken, want %v, and the one of volumes: %v", lv, seen, want, volumes)
	}
}

// demands are the rules of the policy that a pod breaks, but for that of volumes:
// MustRunAs demands an ID in range, MayRunAs one that is unset or in range.
// Windows pods have none.
func (l *laws) demands(pod *corev1.Pod) map[string]bool {
	if isWindows(pod) {
		return nil
	}
	broken := map[string]bool{}
	demand := func(name string, rule policy.Rule, ranges []policy.IDRange, id *int64) {
		if id == nil && rule == "MustRunAs" || id != nil && len(ranges) > 0 && !inRanges(ranges, *id) {
			broken[name] = true
		}
	}
	allow := &l.policy.Allow
	ofPod, _ := contexts(pod, spec.Container{})
	demand("allow.fsGroup", allow.FSGroup.Rule, allow.FSGroup.Ranges, ofPod.FSGroup)
	groups := &allow.SupplementalGroups
	for i := range ofPod.SupplementalGroups {
		demand("allow.supplementalGroups", groups.Rule, groups.Ranges, &ofPod.SupplementalGroups[i])
	}
	if len(ofPod.SupplementalGroups) == 0 {
		demand("allow.supplementalGroups", groups.Rule, groups.Ranges, nil)
	}
	for _, at := range containersOf(pod) {
		_, own := contexts(pod, at)
		demand("allow.runAsUser", allow.RunAsUser.Rule, allow.RunAsUser.Ranges, effective(own.RunAsUser, ofPod.RunAsUser))
		demand("allow.runAsGroup", allow.RunAsGroup.Rule, allow.RunAsGroup.Ranges, effective(own.RunAsGroup, ofPod.RunAsGroup))
		if allow.ReadOnlyRootFilesystem && !is(own.ReadOnlyRootFilesystem, true) {
			broken["allow.readOnlyRootFilesystem"] = true
		}
	}
	return broken
}
