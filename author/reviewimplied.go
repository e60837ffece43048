package author

import (
	"slices"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// implications is the table: which grants have the effect of others.
var implications = [...]implication{
	{
		by: whole(policy.KeyPrivileged, isPrivileged),
		implies: []policy.Key{
			policy.KeyAllowPrivilegeEscalation, policy.KeyAllowedCapabilities, policy.KeySeccompProfiles, policy.KeyAppArmorProfiles,
			policy.KeyProcMounts, policy.KeySELinuxOptions, policy.KeyDropAllCapabilities, policy.KeySetDefaultSeccompProfile,
		},
		why: "A privileged container has every capability, may escalate, and is confined by no profile.",
	},
	{
		by: func(p *policy.Policy) (policy.Entry, bool) {
			i := slices.IndexFunc(p.Allow.AllowedCapabilities, func(entry string) bool {
				return entry == everything || spec.SameCapability(entry, "SYS_ADMIN")
			})
			return policy.Entry{Key: policy.KeyAllowedCapabilities, Index: int32(i)}, i >= 0
		},
		implies: []policy.Key{policy.KeyAllowPrivilegeEscalation},
		why:     "A container with SYS_ADMIN may escalate: the API server refuses allowPrivilegeEscalation: false beside it.",
	},
	{
		by:      whole(policy.KeyHostNetworkPorts, given(policy.KeyHostNetworkPorts)),
		implies: []policy.Key{policy.KeyHostNetwork, policy.KeyAllowedHostPorts},
		why:     "It is hostNetwork and every host port.",
	},
	{
		by:      whole(policy.KeyHostNetwork, given(policy.KeyHostNetwork)),
		implies: []policy.Key{policy.KeyAllowedHostPorts},
		why:     "In the node's network a process may listen on every port, whichever the manifest declares.",
	},
	{
		by:      whole(policy.KeyHostNamespace, given(policy.KeyHostNamespace)),
		implies: []policy.Key{policy.KeyHostPID, policy.KeyHostIPC},
		why:     "It is hostPID and hostIPC.",
	},
}

// whole is a grant that holds no list.
func whole(key policy.Key, is func(*policy.Policy) bool) func(*policy.Policy) (policy.Entry, bool) {
	return func(p *policy.Policy) (policy.Entry, bool) { return policy.Entry{Key: key, Index: -1}, is(p) }
}

// demands are the rules that make a policy ask for more than the level does.
var demands = [...]struct {
	key policy.Key
	is  func(*policy.Policy) bool
}{
	{policy.KeyRunAsUser, func(p *policy.Policy) bool { return p.Allow.RunAsUser.Rule == policy.MustRunAs }},
	{policy.KeyRunAsGroup, func(p *policy.Policy) bool { return asks(&p.Allow.RunAsGroup) }},
	{policy.KeyFSGroup, func(p *policy.Policy) bool { return asks(&p.Allow.FSGroup) }},
	{policy.KeySupplementalGroups, func(p *policy.Policy) bool {
		return asks(&p.Allow.SupplementalGroups.GroupRule) || p.Allow.SupplementalGroups.IsStrict()
	}},
	{policy.KeyVolumes, func(p *policy.Policy) bool { return refusesVolumes(&p.Allow) }},
	{policy.KeyReadOnlyRootFilesystem, func(p *policy.Policy) bool { return p.Allow.ReadOnlyRootFilesystem }},
	{policy.KeyUserNamespace, func(p *policy.Policy) bool { return p.Allow.RequiresUserNamespace() }},
}

func asks(rule *policy.GroupRule) bool {
	return rule.Rule == policy.MustRunAs || rule.Rule == policy.MayRunAs
}

// refusesVolumes reports whether a list of volumes is given that lacks a type which
// restricted allows.
func refusesVolumes(a *policy.Allow) bool {
	return a.Volumes != nil && slices.ContainsFunc(spec.VolumeTypes(), func(t spec.VolumeType) bool {
		return t.Restricted && !a.Volume(t.Name)
	})
}
