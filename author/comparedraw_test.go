package author

import (
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// drawPair draws two policies. Most have all but a key or two in common: of two that
// are drawn apart hardly one is no wider than the other, and soundness is about those.
func drawPair(t *rapid.T) (old, new *policy.Policy) {
	first, second := podgen.Policy().Draw(t, "old"), podgen.Policy().Draw(t, "new")
	old = &first
	switch rapid.IntRange(0, 19).Draw(t, "default") {
	case 0:
		return policy.Default(), old
	case 1:
		return old, policy.Default()
	}
	if rapid.IntRange(0, 7).Draw(t, "apart") == 0 {
		return old, &second
	}
	new = old.DeepCopy()
	for range rapid.IntRange(0, 2).Draw(t, "keys") {
		exchange(t, new, &second)
	}
	if new.Validate() != nil {
		for i := range new.Containers {
			new.Containers[i].Mutations = policy.ContainerMutations{}
		}
		new.Mutations.RunAsUser, new.Mutations.RunAsGroup, new.Mutations.FSGroup, new.Mutations.SupplementalGroups = nil, nil, nil, nil
	}
	if err := new.Validate(); err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "turned") {
		old, new = new, old
	}
	return old, new
}

// exchange gives one policy what another one says under a key, or a part of its own
// list, or the same list with an entry changed a little.
func exchange(t *rapid.T, p, other *policy.Policy) {
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		p.Containers = other.Containers
		return
	case 1:
		p.Expires = other.Expires
		return
	case 2, 3:
		exchangeEntry(t, p, other)
		return
	}
	a := reflect.ValueOf(&p.Allow).Elem()
	if i := rapid.IntRange(0, a.NumField()).Draw(t, "key"); i < a.NumField() {
		a.Field(i).Set(reflect.ValueOf(&other.Allow).Elem().Field(i))
		if list := a.Field(i); list.Kind() == reflect.Slice && list.Len() > 1 && rapid.Bool().Draw(t, "less") {
			list.Set(list.Slice(0, list.Len()-1))
		}
		return
	}
	p.Mutations = *other.Mutations.DeepCopy()
	if other.Allow.RunAsUser.Rule != "" {
		p.Allow.RunAsUser = other.Allow.RunAsUser
	}
}

// exchangeEntry removes an entry for single containers, or gives it a grant of another
// one, or its selector.
func exchangeEntry(t *rapid.T, p, other *policy.Policy) {
	if len(p.Containers) == 0 {
		return
	}
	p.Containers = p.DeepCopy().Containers
	i := rapid.IntRange(0, len(p.Containers)-1).Draw(t, "entry")
	e := &p.Containers[i]
	switch rapid.IntRange(0, 4).Draw(t, "how") {
	case 0:
		p.Containers = slices.Delete(p.Containers, i, i+1)
	case 1:
		if len(other.Containers) > 0 {
			e.Names, e.Images, e.Kinds = other.Containers[0].Names, other.Containers[0].Images, other.Containers[0].Kinds
		}
	default:
		a := reflect.ValueOf(&e.Allow).Elem()
		key := rapid.IntRange(0, a.NumField()-1).Draw(t, "key")
		if from := reflect.ValueOf(&other.Allow).Elem().FieldByName(a.Type().Field(key).Name); rapid.Bool().Draw(t, "given") {
			a.Field(key).Set(from)
		} else {
			a.Field(key).SetZero()
		}
	}
}

// drawAnyLevel draws a level that looks at the pod, and a version.
func drawAnyLevel(t *rapid.T) api.LevelVersion {
	version, newest := api.LatestVersion(), spec.Newest()
	if minor := rapid.IntRange(0, 2*newest.Minor()).Draw(t, "minor"); minor <= newest.Minor() {
		version = api.MajorMinorVersion(1, minor)
	}
	return api.LevelVersion{Level: rapid.SampledFrom(comparedLevels).Draw(t, "level"), Version: version}
}

var comparedLevels = []api.Level{api.LevelRestricted, api.LevelBaseline}

// drawNear draws a pod that says what the policies speak of, or nearly that.
func drawNear(t *rapid.T, policies ...*policy.Policy) *corev1.Pod {
	var pod *corev1.Pod
	switch rapid.IntRange(0, 3).Draw(t, "base") {
	case 0:
		pod = podgen.Pod().Draw(t, "pod")
	case 1:
		pod = podgen.Boundary().Draw(t, "pod")
	case 2:
		pod = podgen.Sparse().Draw(t, "pod")
	default:
		pod = barePod()
	}
	pod = pod.DeepCopy() // what is drawn is shared
	if len(pod.Spec.Containers) == 0 {
		pod.Spec.Containers = barePod().Spec.Containers
	}
	for range rapid.IntRange(1, 3).Draw(t, "edits") {
		edits := editsNear(rapid.SampledFrom(policies).Draw(t, "near"))
		rapid.SampledFrom(edits).Draw(t, "edit")(pod)
	}
	if rapid.IntRange(0, 30).Draw(t, "mirror") == 0 {
		mirroring(sayNothing)(pod)
	}
	acceptable(pod)
	return pod
}

// acceptable drops what API validation refuses in a value, and in containers of some
// kinds, and fields over which rules and grants differ that Windows pods may not have: see
// [Compare].
func acceptable(pod *corev1.Pod) {
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; policy.KindOf(spec.InitContainer, c) == policy.KindInit {
			c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle = nil, nil, nil, nil
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		c := &pod.Spec.EphemeralContainers[i]
		c.Ports, c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle = nil, nil, nil, nil, nil
	}
	for _, c := range podwalk.Containers(&pod.Spec) {
		if sc := c.SecurityContext; sc != nil && sc.ProcMount != nil && *sc.ProcMount != corev1.DefaultProcMount && *sc.ProcMount != corev1.UnmaskedProcMount {
			sc.ProcMount = nil
		}
	}
	if spec.IsWindows(&pod.Spec) {
		if sc := pod.Spec.SecurityContext; sc != nil {
			sc.RunAsUser = nil
		}
		for _, c := range podwalk.Containers(&pod.Spec) {
			if sc := c.SecurityContext; sc != nil {
				sc.RunAsUser, sc.ProcMount = nil, nil
			}
		}
	}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		source, kept := reflect.ValueOf(&v.VolumeSource).Elem(), false
		for j := range source.NumField() {
			if kept {
				source.Field(j).SetZero()
			}
			kept = kept || !source.Field(j).IsZero()
		}
		if h := v.HostPath; h != nil && spec.TypeOf(h) == 0 {
			v.HostPath = &corev1.HostPathVolumeSource{Path: h.Path}
		}
	}
}

// editsNear are what a policy's own values have a pod say, and what lies beside them.
func editsNear(p *policy.Policy) (edits []podEdit) {
	a := &p.Allow
	edits = append(edits, plainEdits(0, 1, 2, policy.MaxID)...)
	for _, name := range a.AllowedCapabilities {
		edits = append(edits, adding(name), adding("CAP_"+name), adding(strings.ToLower(name)), adding(name+"_X"))
	}
	for _, entry := range a.AllowedUnsafeSysctls {
		name := strings.TrimSuffix(entry, "*")
		edits = append(edits, settingSysctl(name), settingSysctl(name+"a"), settingSysctl(name[:max(0, len(name)-1)]), settingSysctl(name+".x.y"))
	}
	for _, h := range a.AllowedHostPaths {
		edits = append(edits, pathsNear(&h)...)
	}
	for _, r := range a.AllowedHostPorts {
		for _, port := range []int32{r.Min - 1, r.Min, r.Max, r.Max + 1} {
			edits = append(edits, listeningOn(max(1, min(port, maxHostPort))))
		}
	}
	for _, host := range a.AllowedProbeHosts {
		edits = append(edits, probing(host), probing(host+".x"))
	}
	for i := range p.Containers {
		part := p.Containers[i].Part()
		near := editsNear(&part)
		for _, cell := range cells(&p.Containers[i]) {
			place := places(&cell)[0]
			for _, edit := range near {
				edits = append(edits, both(edit, place))
			}
		}
	}
	for _, list := range [][]policy.IDRange{a.RunAsUser.Ranges, a.RunAsGroup.Ranges, a.FSGroup.Ranges, a.SupplementalGroups.Ranges} {
		for _, r := range list {
			for _, id := range []int64{r.Min - 1, r.Min, r.Max, r.Max + 1} {
				edits = append(edits, identified(max(0, min(id, policy.MaxID)))...)
			}
		}
	}
	return edits
}

func pathsNear(h *policy.HostPath) (edits []podEdit) {
	separator := "/"
	if policy.CoversWindows(h.PathPrefix, h.PathPrefix) {
		separator = `\`
	}
	parent := h.PathPrefix[:max(1, strings.LastIndex(h.PathPrefix, separator))]
	types := append([]string{"Unset"}, h.Types...)
	for _, path := range []string{h.PathPrefix, h.PathPrefix + separator + "below", h.PathPrefix + "x", parent, strings.ToUpper(h.PathPrefix)} {
		for _, how := range []spec.Facts{0, spec.SubmountsWritable, spec.MountedWritable | spec.SubmountsWritable} {
			edits = append(edits, mountingHostPath(path, how, types[len(edits)%len(types)]))
		}
	}
	return edits
}

// identified has the pod or its container carry an ID, in each field of one.
func identified(id int64) []podEdit {
	return []podEdit{
		onContext(func(sc *corev1.SecurityContext) { sc.RunAsUser = &id }),
		onContext(func(sc *corev1.SecurityContext) { sc.RunAsGroup = &id }),
		onPodContext(func(sc *corev1.PodSecurityContext) { sc.RunAsUser = &id }),
		onPodContext(func(sc *corev1.PodSecurityContext) { sc.RunAsGroup = &id }),
		onPodContext(func(sc *corev1.PodSecurityContext) { sc.FSGroup = &id }),
		onPodContext(func(sc *corev1.PodSecurityContext) { sc.SupplementalGroups = append(sc.SupplementalGroups, id) }),
	}
}

// plainEdits are what pods say whatever the policies list, some IDs among it.
func plainEdits(ids ...int64) []podEdit {
	edits := []podEdit{
		sayNothing, adding("NET_BIND_SERVICE"), adding("CAP_NET_BIND_SERVICE"), adding("SYS_ADMIN"), adding("AUDIT_CONTROL"), adding("CHOWN"),
		settingSysctl("kernel.msgmax"), settingSysctl("net.ipv4.tcp_syncookies"), settingSysctl("net.ipv4.tcp_rmem"), settingSysctl("zz"),
		listeningOn(80), listeningOn(maxHostPort), probing("127.0.0.1"), mirroring(sayNothing),
		onSpec(func(s *corev1.PodSpec) { s.HostNetwork = true }), onSpec(func(s *corev1.PodSpec) { s.HostPID = true }),
		onSpec(func(s *corev1.PodSpec) { s.HostIPC = true }), onSpec(func(s *corev1.PodSpec) { s.HostUsers = pointTo(false) }),
		onSpec(func(s *corev1.PodSpec) { s.HostUsers = pointTo(true) }),
		onSpec(func(s *corev1.PodSpec) { s.OS = &corev1.PodOS{Name: corev1.Windows} }),
		onSpec(func(s *corev1.PodSpec) { s.AutomountServiceAccountToken = pointTo(false) }),
		annotated(spec.SeccompPodAnnotation, "unconfined"), annotated(spec.AppArmorAnnotation+"app", "unconfined"),
		mountingHostPath("/var/log", spec.MountedWritable|spec.SubmountsWritable, "Unset"), mountingHostPath("/etc", 0, "File"),
		onPodContext(func(sc *corev1.PodSecurityContext) { sc.RunAsNonRoot = pointTo(false) }),
		onPodContext(func(sc *corev1.PodSecurityContext) { sc.RunAsNonRoot = pointTo(true) }),
		onPodContext(func(sc *corev1.PodSecurityContext) {
			sc.SupplementalGroupsPolicy = pointTo(corev1.SupplementalGroupsPolicyMerge)
		}),
		onPodContext(func(sc *corev1.PodSecurityContext) {
			sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
		}),
		onContext(func(sc *corev1.SecurityContext) { sc.RunAsNonRoot = pointTo(false) }),
		onContext(func(sc *corev1.SecurityContext) { sc.RunAsNonRoot = pointTo(true) }),
		onContext(func(sc *corev1.SecurityContext) { sc.Privileged = pointTo(true) }),
		onContext(func(sc *corev1.SecurityContext) { sc.AllowPrivilegeEscalation = pointTo(true) }),
		onContext(func(sc *corev1.SecurityContext) { sc.ReadOnlyRootFilesystem = pointTo(false) }),
		onContext(func(sc *corev1.SecurityContext) { sc.ProcMount = pointTo(corev1.UnmaskedProcMount) }),
		onContext(func(sc *corev1.SecurityContext) { sc.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"} }),
		onContext(func(sc *corev1.SecurityContext) {
			sc.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"KILL"}}
		}),
		onContext(func(sc *corev1.SecurityContext) {
			sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
		}),
		onContext(func(sc *corev1.SecurityContext) {
			sc.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
		}),
		onContext(func(sc *corev1.SecurityContext) {
			sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: pointTo(true)}
		}),
	}
	for i := range spec.VolumeTypes() {
		if t := &spec.VolumeTypes()[i]; t.Name != spec.HostPath {
			edits = append(edits, withVolume(t))
		}
	}
	for _, id := range ids {
		edits = append(edits, identified(id)...)
	}
	return edits
}
