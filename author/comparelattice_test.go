package author

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
)

// latticePolicy is one grant or rule alone, in one of its sizes, or entries for single
// containers.
type latticePolicy struct {
	name   string
	policy *policy.Policy
}

// latticePolicies are those of every key, small and large, and the default one.
func latticePolicies() (list []latticePolicy) {
	list = append(list, latticePolicy{"none", selecting(policy.Policy{})})
	add := func(name string, set func(*policy.Policy)) {
		var p policy.Policy
		set(&p)
		list = append(list, latticePolicy{name, selecting(p)})
	}
	for name, flag := range map[string]func(*policy.Allow) *bool{
		"allowPrivilegeEscalation": func(a *policy.Allow) *bool { return &a.AllowPrivilegeEscalation },
		"privileged":               func(a *policy.Allow) *bool { return &a.Privileged },
		"hostNetworkPorts":         func(a *policy.Allow) *bool { return &a.HostNetworkPorts },
		"hostNamespace":            func(a *policy.Allow) *bool { return &a.HostNamespace },
		"seLinuxOptions":           func(a *policy.Allow) *bool { return &a.SELinuxOptions },
		"windowsHostProcess":       func(a *policy.Allow) *bool { return &a.WindowsHostProcess },
		"hostNetwork":              func(a *policy.Allow) *bool { return &a.HostNetwork },
		"hostPID":                  func(a *policy.Allow) *bool { return &a.HostPID },
		"hostIPC":                  func(a *policy.Allow) *bool { return &a.HostIPC },
		"readOnlyRootFilesystem":   func(a *policy.Allow) *bool { return &a.ReadOnlyRootFilesystem },
	} {
		add(name, func(p *policy.Policy) { *flag(&p.Allow) = true })
	}
	for _, names := range [][]string{{"SYS_ADMIN"}, {"cap_chown"}, {"*"}} {
		add("capabilities "+names[0], func(p *policy.Policy) { p.Allow.AllowedCapabilities = names })
	}
	for _, names := range [][]string{{"kernel.msgmax"}, {"kernel.*"}, {"*"}} {
		add("sysctls "+names[0], func(p *policy.Policy) { p.Allow.AllowedUnsafeSysctls = names })
	}
	for _, h := range []policy.HostPath{
		{PathPrefix: "/var/log"}, {PathPrefix: "/var/log/pods", ReadOnly: true}, {PathPrefix: "/", ReadOnly: true, RecursiveReadOnly: true},
		{PathPrefix: "/var", Types: []string{"File", "Unset"}}, {PathPrefix: `C:\var\log`},
	} {
		add("hostPath "+h.String(), func(p *policy.Policy) { p.Allow.AllowedHostPaths = []policy.HostPath{h} })
	}
	for name, rule := range map[string]policy.UserRule{
		"any": {Rule: policy.RunAsAny}, "root": {Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 0, Max: 0}}},
		"few": {Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 1, Max: 2}}}, "rooted": {Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 1, Max: policy.MaxID}, {Min: 0, Max: 0}}},
		"all": {Rule: policy.MustRunAs, Ranges: allIDs},
	} {
		add("users "+name, func(p *policy.Policy) { p.Allow.RunAsUser = rule })
	}
	for _, rule := range []policy.Rule{policy.MustRunAs, policy.MayRunAs} {
		for name, ranges := range map[string][]policy.IDRange{"few": {{Min: 1, Max: 2}}, "all": allIDs} {
			group := policy.GroupRule{Rule: rule, Ranges: ranges}
			add("runAsGroup "+string(rule)+" "+name, func(p *policy.Policy) { p.Allow.RunAsGroup = group })
			add("fsGroup "+string(rule)+" "+name, func(p *policy.Policy) { p.Allow.FSGroup = group })
			add("supplementalGroups "+string(rule)+" "+name, func(p *policy.Policy) { p.Allow.SupplementalGroups.GroupRule = group })
		}
	}
	add("strict", func(p *policy.Policy) { p.Allow.SupplementalGroups.Policy = corev1.SupplementalGroupsPolicyStrict })
	add("userNamespace", func(p *policy.Policy) { p.Allow.UserNamespace = policy.UserNamespaceRequired })
	for name, volumes := range map[string][]string{"no": {}, "every": {"*"}, "some": {"secret", "nfs", "csi"}} {
		add("volumes "+name, func(p *policy.Policy) { p.Allow.Volumes = volumes })
	}
	add("seccomp", func(p *policy.Policy) { p.Allow.SeccompProfiles = []string{"Unconfined"} })
	add("apparmor", func(p *policy.Policy) { p.Allow.AppArmorProfiles = []string{"Unconfined"} })
	add("proc", func(p *policy.Policy) { p.Allow.ProcMounts = []string{"Unmasked"} })
	add("probes", func(p *policy.Policy) { p.Allow.AllowedProbeHosts = []string{"127.0.0.1"} })
	for _, r := range []policy.PortRange{{Min: 80, Max: 80}, {Min: 1, Max: maxHostPort}} {
		add("ports", func(p *policy.Policy) { p.Allow.AllowedHostPorts = []policy.PortRange{r} })
	}
	for name, entries := range map[string][]policy.ContainerEntry{
		"named":            {{Names: []string{"app"}, Allow: policy.ContainerAllow{Privileged: true}}},
		"with a beginning": {{Names: []string{"a*"}, Allow: policy.ContainerAllow{AllowedCapabilities: []string{"SYS_ADMIN"}}}},
		"of an image":      {{Images: []string{"app"}, Allow: policy.ContainerAllow{Privileged: true, AllowedCapabilities: []string{"cap_chown"}}}},
		"of a registry":    {{Images: []string{"docker.io/*"}, Allow: policy.ContainerAllow{AllowedCapabilities: []string{"*"}}}},
		"of two kinds":     {{Kinds: []policy.ContainerKind{policy.KindInit, policy.KindSidecar}, Allow: policy.ContainerAllow{AllowedHostPorts: []policy.PortRange{{Min: 80, Max: 81}}}}},
		"debuggers":        {{Kinds: []policy.ContainerKind{policy.KindEphemeral}, Allow: policy.ContainerAllow{SeccompProfiles: []string{"Unconfined"}, AllowedHostPorts: []policy.PortRange{{Min: 1, Max: 80}}}}},
		"of all three": {{
			Names: []string{"app", "other"}, Images: []string{"docker.io/library/*", "quay.io/app:*"}, Kinds: []policy.ContainerKind{policy.KindRegular, policy.KindInit},
			Allow: policy.ContainerAllow{SELinuxOptions: true, AllowedProbeHosts: []string{"127.0.0.1"}},
		}},
		"in two": {
			{Names: []string{"app"}, Kinds: []policy.ContainerKind{policy.KindRegular}, Allow: policy.ContainerAllow{Privileged: true}},
			{Kinds: []policy.ContainerKind{policy.KindInit, policy.KindSidecar, policy.KindEphemeral}, Allow: policy.ContainerAllow{Privileged: true, AllowPrivilegeEscalation: true}},
		},
	} {
		add("containers "+name, func(p *policy.Policy) { p.Containers = entries })
	}
	add("no drop", func(p *policy.Policy) { p.Mutations.DropAllCapabilities = pointTo(false) })
	add("no profile", func(p *policy.Policy) { p.Mutations.SetDefaultSeccompProfile = pointTo(false) })
	return list
}

// lattice is how many policies have one key alone.
const lattice = 60

func selecting(p policy.Policy) *policy.Policy {
	p.Name, p.PodSelectorLabels = "p", map[string]string{"app": "web"}
	return &p
}
