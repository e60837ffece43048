package podgen

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Policy generates policies that Validate accepts: every key, unset, empty and
// set. Some allow hardly more than the default policy, so that one grant
// decides; others allow all that there is.
func Policy() *rapid.Generator[policy.Policy] {
	return rapid.Custom(func(t *rapid.T) policy.Policy {
		g := gen{t}
		p := policy.Policy{
			Name:      pick(g, "a", "b", "c", "route-manager"),
			Namespace: pick(g, "", "default", "", "networking", "elsewhere"),
		}
		g.selector(&p)
		g.allow(&p.Allow)
		if g.below(4) > 0 {
			g.mutations(&p)
		}
		if g.once(2) {
			p.Containers = list(g, 3, func() policy.ContainerEntry { return g.entry(&p) })
		}
		g.namespaces(&p)
		if err := p.Validate(); err != nil {
			t.Fatalf("the generator made an invalid policy: %v", err)
		}
		return p
	})
}

// Labels of pods, which policies select by.
var (
	labelKeys   = []string{"app", "tier", "app.kubernetes.io/name"}
	labelValues = []string{"web", "web", "route-manager", ""}
)

// selector draws labels, expressions or both, most often what many pods have.
func (g gen) selector(p *policy.Policy) {
	kind := g.below(4)
	switch {
	case kind < 3:
		p.PodSelectorLabels = map[string]string{pick(g, labelKeys...): pick(g, labelValues...)}
		if g.once(3) {
			p.PodSelectorLabels[pick(g, labelKeys...)] = pick(g, labelValues...)
		}
	case g.once(3):
		p.PodSelectorLabels = map[string]string{}
	}
	if kind < 2 {
		return
	}
	for range pick(g, 1, 2) {
		p.PodSelectorExpressions = append(p.PodSelectorExpressions, g.expression())
	}
}

func (g gen) expression() metav1.LabelSelectorRequirement {
	e := metav1.LabelSelectorRequirement{
		Key:      pick(g, labelKeys...),
		Operator: pick(g, metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist),
	}
	if e.Operator == metav1.LabelSelectorOpIn || e.Operator == metav1.LabelSelectorOpNotIn {
		for range pick(g, 1, 2, 3) {
			e.Values = append(e.Values, pick(g, "web", "route-manager", "", "db"))
		}
	}
	return e
}

// allow draws no field or two, or each on its own, or all.
func (g gen) allow(a *policy.Allow) {
	every := pick(g, 0, 4, 0, 2, 1)
	if every == 0 {
		for range g.below(3) {
			allowFields[g.below(len(allowFields))](g, a)
		}
		return
	}
	for _, draw := range allowFields {
		if g.once(every) {
			draw(g, a)
		}
	}
}

// allowFields are all fields of the allow block, and the parts of them that are drawn alone.
var allowFields = []func(gen, *policy.Allow){
	func(_ gen, a *policy.Allow) { a.AllowPrivilegeEscalation = true },
	func(_ gen, a *policy.Allow) { a.Privileged = true },
	func(_ gen, a *policy.Allow) { a.HostNetworkPorts = true },
	func(_ gen, a *policy.Allow) { a.HostNamespace = true },
	func(_ gen, a *policy.Allow) { a.SELinuxOptions = true },
	func(_ gen, a *policy.Allow) { a.WindowsHostProcess = true },
	func(_ gen, a *policy.Allow) { a.HostNetwork = true },
	func(_ gen, a *policy.Allow) { a.HostPID = true },
	func(_ gen, a *policy.Allow) { a.HostIPC = true },
	func(_ gen, a *policy.Allow) { a.ReadOnlyRootFilesystem = true },
	func(g gen, a *policy.Allow) {
		a.AllowedCapabilities = g.some("sys_admin", "*", "NET_ADMIN", "Cap_Sys_Admin", "CAP_CHOWN", "SYS_TIME", "ALL")
	},
	func(g gen, a *policy.Allow) {
		a.AllowedUnsafeSysctls = g.some("kernel.msgmax", "net.core.*", "*", "net.*", "kernel.shm*", "net.core.somaxconn")
	},
	func(g gen, a *policy.Allow) { a.AllowedHostPaths = list(g, 3, g.hostPath) },
	func(g gen, a *policy.Allow) { a.AllowedHostPorts = list(g, 2, g.portRange) },
	func(g gen, a *policy.Allow) {
		a.AllowedProbeHosts = g.some("127.0.0.1", "10.0.0.1", "node.example.com")
	},
	func(g gen, a *policy.Allow) { a.Volumes = g.some(volumeNames...) },
	func(g gen, a *policy.Allow) { a.SeccompProfiles = g.some("Unconfined") },
	func(g gen, a *policy.Allow) { a.AppArmorProfiles = g.some("Unconfined") },
	func(g gen, a *policy.Allow) { a.ProcMounts = g.some("Unmasked") },
	func(g gen, a *policy.Allow) { a.RunAsUser = g.userRule() },
	func(g gen, a *policy.Allow) { a.RunAsGroup = g.groupRule() },
	func(g gen, a *policy.Allow) { a.FSGroup = g.groupRule() },
	func(g gen, a *policy.Allow) { a.SupplementalGroups.GroupRule = g.groupRule() },
	func(_ gen, a *policy.Allow) { a.SupplementalGroups.Policy = corev1.SupplementalGroupsPolicyStrict },
	func(_ gen, a *policy.Allow) { a.UserNamespace = policy.UserNamespaceRequired },
}

// volumeNames are what a policy may list, the usual ones more than once.
var volumeNames = func() []string {
	names := append([]string{"*", "*", "*", "*"}, policy.DefaultVolumes()...)
	for _, t := range spec.VolumeTypes() {
		names = append(names, t.Name)
	}
	return names
}()

// some draws a few of the words, none in an empty list, or nil.
func (g gen) some(words ...string) []string {
	return listed(min(g.below(6)-1, 3), func(int) string { return pick(g, words...) })
}

func (g gen) hostPath() policy.HostPath {
	h := policy.HostPath{
		PathPrefix: pick(g, "/var/log", "/var/log/pods", "/", "/etc", "/var/lib", `C:\var\log`, `c:\`),
		ReadOnly:   g.once(2),
	}
	h.RecursiveReadOnly = h.ReadOnly && g.once(2)
	if g.once(3) {
		h.Types = listed(pick(g, 1, 2), func(int) string { return spec.HostPathTypes()[g.below(len(spec.HostPathTypes()))].Name })
	}
	return h
}

func (g gen) portRange() policy.PortRange {
	low := pick[int32](g, 80, 1, 443, 30000)
	return policy.PortRange{Min: low, Max: pick(g, low, max(low, 8080), 65535)}
}

func (g gen) ranges() []policy.IDRange {
	return listed(pick(g, 1, 2), func(int) policy.IDRange {
		low := pick[int64](g, 0, 400, 1, 1000)
		return policy.IDRange{Min: low, Max: pick(g, low, low+100, policy.MaxID)}
	})
}

func (g gen) userRule() policy.UserRule {
	rule := policy.UserRule{Rule: pick(g, policy.MustRunAs, policy.RunAsAny, policy.MustRunAs, policy.MustRunAsNonRoot, "")}
	if rule.Rule == policy.MustRunAs {
		rule.Ranges = g.ranges()
	}
	return rule
}

func (g gen) groupRule() policy.GroupRule {
	rule := policy.GroupRule{Rule: pick(g, policy.MustRunAs, policy.MayRunAs, policy.RunAsAny, "")}
	if rule.Rule == policy.MustRunAs || rule.Rule == policy.MayRunAs {
		rule.Ranges = g.ranges()
	}
	return rule
}

// mutations draws only values that the policy's own rules admit.
func (g gen) mutations(p *policy.Policy) {
	m := &p.Mutations
	m.DropAllCapabilities = optional(g, false, true)
	m.SetDefaultSeccompProfile = optional(g, false, true)
	m.RunAsUser = g.id(func(id int64) bool { return admitsUser(&p.Allow.RunAsUser, id) })
	m.RunAsGroup = g.groupFill(&p.Allow.RunAsGroup)
	m.FSGroup = g.groupFill(&p.Allow.FSGroup)
	m.FSGroupChangePolicy = pick(g, "", corev1.FSGroupChangeOnRootMismatch)
	for range g.below(3) {
		if id := g.id(p.Allow.SupplementalGroups.Admits); id != nil {
			m.SupplementalGroups = append(m.SupplementalGroups, *id)
		}
	}
	if m.SupplementalGroups == nil && p.Allow.SupplementalGroups.Rule != policy.MustRunAs && g.once(4) {
		m.SupplementalGroups = []int64{}
	}
}

// groupFill draws a group, or none where the rule demands none.
func (g gen) groupFill(rule *policy.GroupRule) *policy.GroupFill {
	if rule.Rule != policy.MustRunAs && g.once(4) {
		return ptr(policy.NoGroup)
	}
	if id := g.id(rule.Admits); id != nil {
		return ptr(policy.GroupFill(*id))
	}
	return nil
}

// id draws one of the usual IDs, nil where that is not admitted.
func (g gen) id(admitted func(int64) bool) *int64 {
	if id := optional(g, someIDs...); id != nil && admitted(*id) {
		return id
	}
	return nil
}

// entry draws grants and fills for single containers, which most often match some of
// those that are drawn.
func (g gen) entry(p *policy.Policy) policy.ContainerEntry {
	e := policy.ContainerEntry{}
	for _, draw := range []func(){
		func() { e.Names = g.some("c0", "i*", "e0", "c*", "same", "i0") },
		func() {
			e.Images = g.some("docker.io/istio/proxyv2:*", "nginx", "registry.example.com:5000/*", "istio/proxyv2:1.24", "docker.io/library/nginx@*", "docker.io/*")
		},
	} {
		if g.once(3) {
			draw()
		}
	}
	if len(e.Names)+len(e.Images) == 0 || g.once(4) {
		e.Kinds = []policy.ContainerKind{pick(g, policy.ContainerKinds()...), pick(g, policy.ContainerKinds()...)}
	}
	var a policy.Allow
	g.allow(&a)
	e.Allow = policy.ContainerAllow{
		AllowPrivilegeEscalation: a.AllowPrivilegeEscalation, Privileged: a.Privileged, AllowedCapabilities: a.AllowedCapabilities,
		RunAsUser: a.RunAsUser, RunAsGroup: a.RunAsGroup, SeccompProfiles: a.SeccompProfiles, AppArmorProfiles: a.AppArmorProfiles,
		ProcMounts: a.ProcMounts, SELinuxOptions: a.SELinuxOptions, WindowsHostProcess: a.WindowsHostProcess,
		AllowedProbeHosts: a.AllowedProbeHosts, AllowedHostPorts: a.AllowedHostPorts,
	}
	m := &e.Mutations
	m.DropAllCapabilities = optional(g, false, true)
	m.SetDefaultSeccompProfile = optional(g, false, true)
	m.RunAsUser = g.id(func(id int64) bool {
		return admitsUser(&p.Allow.RunAsUser, id) || a.RunAsUser.Rule != "" && admitsUser(&a.RunAsUser, id)
	})
	if rule := &a.RunAsGroup; rule.Rule != "" && g.once(2) {
		m.RunAsGroup = g.groupFill(rule)
	} else {
		m.RunAsGroup = g.groupFill(&p.Allow.RunAsGroup)
	}
	return e
}

func admitsUser(rule *policy.UserRule, id int64) bool {
	switch rule.Rule {
	case policy.MustRunAs:
		return policy.InRanges(rule.Ranges, id)
	case policy.RunAsAny:
		return true
	default:
		return id != 0
	}
}
