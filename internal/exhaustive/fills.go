package exhaustive

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// fillGroups are the fields that Mutate fills and the controls that they serve.
func fillGroups() []Group {
	nonRoot := choose(spec.CheckRunAsNonRoot, spec.CheckRunAsUser)
	alone := choose[podgen.Choice](podgen.Alone)
	return []Group{
		{
			Name:   "users",
			Checks: nonRoot,
			Fields: choose(
				podgen.OnPod(onPodNonRoot, bools...), podgen.OnSubject(onNonRoot, bools...),
				podgen.OnPod(onPodUser, 0, 400), podgen.OnSubject(onUser, 0, 400),
			),
			Policies: userPolicies(0, 1000),
		},
		{
			// Whether a pod's false is excused depends on every container.
			Name:   "users of two containers",
			Checks: nonRoot,
			Fields: choose(
				podgen.OnPod(onPodNonRoot, bools...), podgen.OnSubject(onNonRoot, bools...),
				podgen.OnPod(onPodUser, 0), podgen.OnSubject(onUser, 0),
				slices.Concat(podgen.Beside(podgen.Bare), podgen.Beside(rooted)[1:2]),
			),
			Policies: userPolicies(),
		},
		{
			// One user is root on Windows, by a name that has no case.
			Name:   "users of Windows",
			Checks: nonRoot,
			Fields: choose(
				podgen.OnPod(onPodNonRoot, bools...), podgen.OnSubject(onNonRoot, bools...),
				podgen.OnPod(onPodUserName, "ContainerAdministrator", "ContainerUser"),
				podgen.OnSubject(onUserName, "containerADMINISTRATOR", "ContainerUser", ""),
			),
			Policies: userPolicies(1000),
		},
		{
			Name:   "privilege",
			Checks: choose(spec.CheckPrivileged, spec.CheckAllowPrivilegeEscalation, spec.CheckCapabilitiesRestricted),
			Fields: choose(
				podgen.OnSubject(onPrivileged, bools...), podgen.OnSubject(onEscalation, bools...),
				podgen.OnSubject(onAdd, "NET_BIND_SERVICE", "NET_ADMIN", "SYS_ADMIN", "CAP_SYS_ADMIN", "cap_sys_admin"),
				podgen.OnSubject(onDrop, choose[corev1.Capability]("ALL"), choose[corev1.Capability]("all")),
			),
			Policies: privilegePolicies(),
		},
		{
			// What the pod sets is excused only where all that inherit it are granted it.
			Name:   "users of entries",
			Checks: nonRoot,
			Fields: choose(
				podgen.OnPod(onPodNonRoot, bools...), podgen.OnSubject(onNonRoot, bools...),
				podgen.OnPod(onPodUser, 0), podgen.OnSubject(onUser, 0),
				slices.Concat(podgen.Beside(podgen.Bare)[2:3], podgen.Beside(rooted)[1:2]),
			),
			Policies: userEntries(0),
		},
		{
			Name:   "privilege of entries",
			Checks: choose(spec.CheckPrivileged, spec.CheckAllowPrivilegeEscalation, spec.CheckCapabilitiesRestricted),
			Fields: choose(
				podgen.OnSubject(onPrivileged, true), podgen.OnSubject(onEscalation, bools...),
				podgen.OnSubject(onAdd, "NET_ADMIN", "cap_sys_admin"), podgen.OnSubject(onDrop, choose[corev1.Capability]("ALL")),
			),
			Policies: privilegeEntries(),
		},
		{
			Name:   "seccomp",
			Checks: choose(spec.CheckSeccompProfileRestricted),
			Fields: choose(
				podgen.OnPod(onPodSeccomp, "RuntimeDefault", "Localhost", "Unconfined"),
				podgen.OnSubject(onSeccomp, "RuntimeDefault", "Unconfined"),
				podgen.Annotated(spec.SeccompPodAnnotation, "runtime/default", "unconfined"),
				podgen.Annotated(spec.SeccompContainerAnnotation+"subject", "docker/default", "localhost/p.json", "unconfined"),
			),
			Policies: seccompPolicies(),
		},
		{
			Name: "runAsGroup",
			Fields: choose(
				podgen.OnPod(onPodGroup, 0, 1, 400), podgen.OnSubject(onGroup, 0, 1, 400),
				slices.Concat(alone, podgen.Beside(podgen.Bare)[2:]),
			),
			Policies: groupPolicies(setGroup, groupFills...),
		},
		{
			Name:     "fsGroup",
			Fields:   choose(podgen.OnPod(onFSGroup, 0, 1, 400)),
			Policies: groupPolicies(setFSGroup, groupFills...),
		},
		{
			Name: "fsGroupChangePolicy",
			Fields: choose(
				podgen.OnPod(onFSGroup, 0, 400), podgen.OnPod(onChangePolicy, corev1.FSGroupChangeOnRootMismatch, corev1.FSGroupChangeAlways, ""),
			),
			Policies: onRootMismatch(groupPolicies(setFSGroup, groupFills...)),
		},
		{
			// What keeps a pod from a user namespace, and what the standard lets be in one.
			Name:   "user namespaces",
			Checks: nonRoot,
			Fields: choose(
				onSpec(func(s *corev1.PodSpec, v bool) { s.HostNetwork = v }, true),
				onSpec(func(s *corev1.PodSpec, v bool) { s.HostPID = v }, true),
				onSpec(func(s *corev1.PodSpec, v bool) { s.HostIPC = v }, true),
				onContainer(onDevices, choose(corev1.VolumeDevice{Name: "v", DevicePath: "/v"})),
				podgen.OnPod(onPodUser, 0), podgen.OnSubject(onNonRoot, false),
			),
			Policies: choose(
				policy.Policy{Allow: policy.Allow{UserNamespace: policy.UserNamespaceRequired}},
				policy.Policy{Allow: policy.Allow{UserNamespace: policy.UserNamespaceRequired, RunAsUser: policy.UserRule{Rule: policy.RunAsAny}}},
				policy.Policy{Allow: policy.Allow{UserNamespace: policy.UserNamespaceRequired, HostNetwork: true, HostNamespace: true}},
			),
		},
		{
			Name: "supplementalGroups",
			Fields: choose(
				podgen.OnPod(onSupplemental, choose[int64](), choose[int64](0), choose[int64](1, 400), choose[int64](400, 2)),
				podgen.OnPod(onGroupsPolicy, "Strict", "Merge", ""),
			),
			Policies: strictOrNot(append(groupPolicies(setSupplemental, groupFills...),
				policy.Policy{Mutations: policy.Mutations{SupplementalGroups: []int64{}}})),
		},
		{
			Name: "groups together",
			Fields: choose(
				podgen.OnPod(onPodGroup, 0, 1), podgen.OnSubject(onGroup, 0, 1),
				podgen.OnPod(onFSGroup, 0, 1), podgen.OnPod(onSupplemental, choose[int64](), choose[int64](1, 400)),
			),
			Policies: groupPolicies(setAllGroups),
		},
	}
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

// userEntries are rules over users with those of an entry for regular containers,
// which has no value to fill or one of those that are admitted.
func userEntries(fills ...int64) (policies []policy.Policy) {
	rules := []policy.UserRule{
		{}, {Rule: policy.RunAsAny}, {Rule: policy.MustRunAs, Ranges: idRanges(0, 0)}, {Rule: policy.MustRunAs, Ranges: idRanges(400, 500)},
	}
	for _, entry := range rules[1:] {
		for _, rule := range rules {
			p := policy.Policy{Allow: policy.Allow{RunAsUser: rule}, Containers: []policy.ContainerEntry{{
				Kinds: []policy.ContainerKind{policy.KindRegular}, Allow: policy.ContainerAllow{RunAsUser: entry},
			}}}
			policies = append(policies, p)
			for _, id := range fills {
				p := *p.DeepCopy()
				p.Containers[0].Mutations.RunAsUser = &id
				if selecting(p).Validate() == nil {
					policies = append(policies, p)
				}
			}
		}
	}
	return policies
}

// privilegeEntries are what an entry for regular containers may say of privilege,
// beside policies that say nothing, or something, of all.
func privilegeEntries() (policies []policy.Policy) {
	for _, own := range privilegePolicies()[:2] {
		for _, of := range privilegePolicies() {
			p := own
			p.Containers = []policy.ContainerEntry{{
				Kinds: []policy.ContainerKind{policy.KindRegular},
				Allow: policy.ContainerAllow{
					Privileged: of.Allow.Privileged, AllowPrivilegeEscalation: of.Allow.AllowPrivilegeEscalation,
					AllowedCapabilities: of.Allow.AllowedCapabilities,
				},
				Mutations: policy.ContainerMutations{DropAllCapabilities: of.Mutations.DropAllCapabilities},
			}}
			policies = append(policies, p)
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
		{
			Allow:     policy.Allow{Privileged: true, AllowPrivilegeEscalation: true, AllowedCapabilities: every},
			Mutations: keep,
		},
	}
}

// seccompPolicies are the grant, with each default that is filled in or not.
func seccompPolicies() (policies []policy.Policy) {
	for _, profiles := range [][]string{nil, {"Unconfined"}} {
		for _, sets := range []*bool{nil, pointer(true), pointer(false)} {
			policies = append(policies, policy.Policy{
				Allow:     policy.Allow{SeccompProfiles: profiles},
				Mutations: policy.Mutations{SetDefaultSeccompProfile: sets},
			})
		}
	}
	return policies
}

// setGroups puts a rule and a value to fill, nil for none, into a policy.
type setGroups func(*policy.Policy, policy.GroupRule, *int64)

// groupPolicies are every rule over groups, put into a policy by set, each
// without a value to fill and with those of fills that it admits.
func groupPolicies(set setGroups, fills ...*int64) (policies []policy.Policy) {
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

var groupFills = choose(pointer[int64](0), pointer[int64](450), pointer(int64(policy.NoGroup)))

func setGroup(p *policy.Policy, rule policy.GroupRule, id *int64) {
	p.Allow.RunAsGroup, p.Mutations.RunAsGroup = rule, (*policy.GroupFill)(id)
}

func setFSGroup(p *policy.Policy, rule policy.GroupRule, id *int64) {
	p.Allow.FSGroup, p.Mutations.FSGroup = rule, (*policy.GroupFill)(id)
}

func setSupplemental(p *policy.Policy, rule policy.GroupRule, id *int64) {
	p.Allow.SupplementalGroups.GroupRule = rule
	switch {
	case id == nil:
	case *id == int64(policy.NoGroup): // an empty list has that meaning there
		p.Mutations.SupplementalGroups = []int64{}
	default:
		p.Mutations.SupplementalGroups = choose(*id)
	}
}

// onRootMismatch are policies that fill in when the kubelet hands volumes over.
func onRootMismatch(policies []policy.Policy) []policy.Policy {
	for i := range policies {
		policies[i].Mutations.FSGroupChangePolicy = corev1.FSGroupChangeOnRootMismatch
	}
	return policies
}

// strictOrNot are policies without and with a demand on the groups of the image.
func strictOrNot(policies []policy.Policy) []policy.Policy {
	for _, p := range policies {
		p.Allow.SupplementalGroups.Policy = corev1.SupplementalGroupsPolicyStrict
		policies = append(policies, p)
	}
	return policies
}

func setAllGroups(p *policy.Policy, rule policy.GroupRule, id *int64) {
	setGroup(p, rule, id)
	setFSGroup(p, rule, id)
	setSupplemental(p, rule, id)
}
