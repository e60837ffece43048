package podgen

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/policy"
)

// Policy generates policies that Validate accepts.
func Policy() *rapid.Generator[policy.Policy] {
	return rapid.Custom(func(t *rapid.T) policy.Policy {
		g := gen{t}
		p := policy.Policy{
			Name:      pick(g, "policy name", "a", "b", "c", "route-manager"),
			Namespace: pick(g, "policy namespace", "", "", "default", "networking"),
		}
		g.selector(&p)
		g.allow(&p.Allow)
		g.mutations(&p)
		if err := p.Validate(); err != nil {
			t.Fatalf("the generator made an invalid policy: %v", err)
		}
		return p
	})
}

func (g gen) selector(p *policy.Policy) {
	p.PodSelectorLabels = map[string]string{pick(g, "selector key", "app", "tier"): pick(g, "selector value", "web", "route-manager")}
	p.PodSelectorExpressions = maybe(g, "expressions", 3, func() []metav1.LabelSelectorRequirement {
		return []metav1.LabelSelectorRequirement{{
			Key:      "tier",
			Operator: pick(g, "operator", metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist),
		}}
	})
}

func (g gen) yes(label string) bool { return maybe(g, label, 4, func() bool { return true }) }

func (g gen) some(label string, values ...string) []string {
	return maybe(g, label, 3, func() []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, 3, rapid.ID[string]).Draw(g.t, label)
	})
}

func (g gen) allow(a *policy.Allow) {
	a.AllowPrivilegeEscalation = g.yes("allow escalation")
	a.Privileged = g.yes("allow privileged")
	a.AllowedCapabilities = g.some("allow capabilities", "*", "NET_ADMIN", "sys_admin", "CAP_CHOWN", "SYS_TIME", "ALL")
	a.AllowedUnsafeSysctls = g.some("allow sysctls", "*", "kernel.msgmax", "net.core.*", "net.*")
	a.HostNetworkPorts = g.yes("allow hostNetworkPorts")
	a.HostNamespace = g.yes("allow hostNamespace")
	a.AllowedHostPaths = maybe(g, "allow paths", 2, func() []policy.HostPath {
		return []policy.HostPath{
			{PathPrefix: pick(g, "prefix", "/var/log", "/", "/etc"), ReadOnly: pick(g, "prefix readOnly", true, false)},
			{PathPrefix: "/var/log/pods", ReadOnly: pick(g, "second readOnly", true, false)},
		}
	})
	a.RunAsUser = g.userRule()
	a.RunAsGroup = g.groupRule("runAsGroup rule")
	a.FSGroup = g.groupRule("fsGroup rule")
	a.SupplementalGroups = g.groupRule("supplementalGroups rule")
	a.Volumes = maybe(g, "allow volumes", 2, func() []string {
		l := g.some("volume list", "*", "configMap", "emptyDir", "nfs", "csi", "hostPath", "storageos")
		return append([]string{}, l...)
	})
	a.SeccompProfiles = maybe(g, "allow seccomp", 4, func() []string { return []string{"Unconfined"} })
	a.AppArmorProfiles = maybe(g, "allow apparmor", 4, func() []string { return []string{"Unconfined"} })
	a.ProcMounts = maybe(g, "allow procMounts", 4, func() []string { return []string{"Unmasked"} })
	a.SELinuxOptions = g.yes("allow selinux")
	a.WindowsHostProcess = g.yes("allow hostProcess")
	a.AllowedProbeHosts = g.some("allow hosts", "127.0.0.1", "10.0.0.1")
	a.AllowedHostPorts = maybe(g, "allow ports", 3, func() []policy.PortRange {
		return []policy.PortRange{{Min: 80, Max: pick[int32](g, "port max", 80, 443, 8080)}}
	})
	a.HostNetwork = g.yes("allow hostNetwork")
	a.HostPID = g.yes("allow hostPID")
	a.HostIPC = g.yes("allow hostIPC")
	a.ReadOnlyRootFilesystem = g.yes("demand readOnlyRoot")
}

func (g gen) ranges(label string) []policy.IDRange {
	return pick(g, label,
		[]policy.IDRange{{Min: 0, Max: 0}},
		[]policy.IDRange{{Min: 0, Max: 100}},
		[]policy.IDRange{{Min: 400, Max: 400}},
		[]policy.IDRange{{Min: 400, Max: 500}, {Min: 0, Max: 1}},
		[]policy.IDRange{{Min: 1, Max: 2147483647}},
	)
}

func (g gen) userRule() policy.UserRule {
	switch rule := pick(g, "user rule", "", policy.MustRunAsNonRoot, policy.MustRunAs, policy.RunAsAny); rule {
	case policy.MustRunAs:
		return policy.UserRule{Rule: rule, Ranges: g.ranges("user ranges")}
	default:
		return policy.UserRule{Rule: rule}
	}
}

func (g gen) groupRule(label string) policy.GroupRule {
	switch rule := pick(g, label, "", policy.RunAsAny, policy.MustRunAs, policy.MayRunAs); rule {
	case policy.MustRunAs, policy.MayRunAs:
		return policy.GroupRule{Rule: rule, Ranges: g.ranges(label + " ranges")}
	default:
		return policy.GroupRule{Rule: rule}
	}
}

// mutations draws only values that the policy's own rules admit.
func (g gen) mutations(p *policy.Policy) {
	m := &p.Mutations
	m.DropAllCapabilities = optional(g, "dropAll", true, false)
	m.SetDefaultSeccompProfile = optional(g, "setSeccomp", true, false)
	ids := []int64{0, 1, 400, 1000}
	users := slices.DeleteFunc(slices.Clone(ids), func(id int64) bool {
		switch rule := p.Allow.RunAsUser; rule.Rule {
		case policy.MustRunAs:
			return !rule.InRange(id)
		case policy.RunAsAny:
			return false
		default:
			return id == 0
		}
	})
	m.RunAsUser = g.id("fill user", users)
	m.RunAsGroup = g.id("fill group", admitted(ids, &p.Allow.RunAsGroup))
	m.FSGroup = g.id("fill fsGroup", admitted(ids, &p.Allow.FSGroup))
	groups := admitted(ids, &p.Allow.SupplementalGroups)
	if id := g.id("fill supplemental", groups); id != nil {
		m.SupplementalGroups = []int64{*id}
	} else if p.Allow.SupplementalGroups.Rule != policy.MustRunAs && g.yes("fill no supplemental") {
		m.SupplementalGroups = []int64{}
	}
}

func admitted(ids []int64, rule *policy.GroupRule) []int64 {
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return !rule.Admits(id) })
}

func (g gen) id(label string, ids []int64) *int64 {
	if len(ids) == 0 {
		return nil
	}
	return maybe(g, label, 3, func() *int64 {
		id := pick(g, label+" value", ids...)
		return &id
	})
}
