package restated

import (
	"iter"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// The fields that are filled, by their paths.
const (
	escalation   = "securityContext.allowPrivilegeEscalation"
	drop         = "securityContext.capabilities.drop"
	privileged   = "securityContext.privileged"
	readOnlyRoot = "securityContext.readOnlyRootFilesystem"
	runAsGroup   = "securityContext.runAsGroup"
	runAsNonRoot = "securityContext.runAsNonRoot"
	runAsUser    = "securityContext.runAsUser"
	seccomp      = "securityContext.seccompProfile.type"
	fsGroup      = "spec.securityContext.fsGroup"
	changePolicy = "spec.securityContext.fsGroupChangePolicy"
	hostUsers    = "spec.hostUsers"
	supplemental = "spec.securityContext.supplementalGroups"
	groupsPolicy = "spec.securityContext.supplementalGroupsPolicy"
)

// Fill is what the design says of one field that was filled in.
type Fill struct {
	// Want is the value that the policy wants there; nil for none.
	Want any
	// WasSet: the field had an effective value.
	WasSet bool
	// Unwanted: the policy has the field left as it is.
	Unwanted bool
	// Refused: API validation or the kubelet would refuse the pod for it.
	Refused bool
}

// Fill is the table of fills, for a field that was filled with a value. A field
// that the table does not know wants none.
func (c Case) Fill(at spec.Location, value any) (f Fill) {
	pod, own := contexts(c.Pod, at.Container)
	filledPod, filledOwn := contexts(c.Filled, at.Container)
	user := effective(filledOwn.RunAsUser, filledPod.RunAsUser)
	nonRoot := effective(filledOwn.RunAsNonRoot, filledPod.RunAsNonRoot)
	allow, mutations := &c.Policy.Allow, &c.Policy.Mutations
	switch Path(at.Field) {
	case escalation:
		f.Want, f.WasSet = false, own.AllowPrivilegeEscalation != nil
		f.Unwanted = c.anyPart(at.Container, func(p *policy.Policy) bool { return p.Allow.AllowPrivilegeEscalation })
		f.Refused = is(own.Privileged, true) || addsSysAdmin(own)
	case drop:
		f.Want, f.WasSet = []string{"ALL"}, own.Capabilities != nil && len(own.Capabilities.Drop) > 0
		f.Unwanted = !c.fillsFlag(at.Container, dropFlag)
	case privileged:
		f.Want, f.WasSet = false, own.Privileged != nil
	case readOnlyRoot:
		f.Want, f.WasSet, f.Unwanted = true, own.ReadOnlyRootFilesystem != nil, !allow.ReadOnlyRootFilesystem
	case runAsGroup:
		f.Want = c.containerGroup(at.Container)
		f.WasSet = effective(own.RunAsGroup, pod.RunAsGroup) != nil
	case runAsNonRoot:
		f.Want, f.WasSet = true, effective(own.RunAsNonRoot, pod.RunAsNonRoot) != nil
		f.Unwanted = c.anyPart(at.Container, anyUser) || is(c.Pod.Spec.HostUsers, false)
		f.Refused = is(user, 0) || c.RunsAsAdministrator(at.Container)
	case runAsUser:
		authors := effective(own.RunAsNonRoot, pod.RunAsNonRoot)
		f.Want = c.containerUser(at.Container, is(authors, true))
		f.WasSet = effective(own.RunAsUser, pod.RunAsUser) != nil
		f.Refused = is(user, 0) && is(nonRoot, true)
	case seccomp:
		f.Want, f.WasSet = "RuntimeDefault", effective(own.SeccompProfile, pod.SeccompProfile) != nil
		f.Unwanted = !c.fillsFlag(at.Container, seccompFlag)
		f.Refused = contradicts(c.Pod, at.Container.Name)
	case fsGroup:
		f.Want, f.WasSet = groupToFill(mutations.FSGroup, allow.FSGroup), pod.FSGroup != nil
	case changePolicy:
		f.Want, f.WasSet = "OnRootMismatch", pod.FSGroupChangePolicy != nil
		f.Unwanted = mutations.FSGroupChangePolicy != "OnRootMismatch" || filledPod.FSGroup == nil
	case hostUsers:
		f.Want, f.WasSet = false, c.Pod.Spec.HostUsers != nil
		f.Unwanted, f.Refused = allow.UserNamespace != "Required", sharesHost(c.Pod) || hasDevices(c.Pod)
	case supplemental:
		f.Want = groupsToFill(mutations.SupplementalGroups, allow.SupplementalGroups.GroupRule)
		f.WasSet = len(pod.SupplementalGroups) > 0
	case groupsPolicy:
		f.Want, f.WasSet = "Strict", pod.SupplementalGroupsPolicy != nil
		f.Unwanted = allow.SupplementalGroups.Policy != "Strict"
	}
	f.Refused = f.Refused || isMirror(c.Pod) || isWindows(c.Pod) && Path(at.Field) != runAsNonRoot
	return f
}

// groupToFill is the explicit value, -1 being none, else 1 where the rule admits it, else the
// first range's minimum under MustRunAs and nothing under MayRunAs.
func groupToFill(explicit *policy.GroupFill, rule policy.GroupRule) any {
	switch {
	case is(explicit, -1):
		return nil
	case explicit != nil:
		return int64(*explicit)
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

// Leaves reports whether a reason to leave a field unset is true of the pod and
// the policy. A reason that the table does not know is true of none.
func (c Case) Leaves(at spec.Location, reason string) bool {
	pod, own := contexts(c.Pod, at.Container)
	switch field := Path(at.Field); reason {
	case "policy":
		return c.policyLeaves(at.Container, field)
	case "windows":
		return isWindows(c.Pod) && field != runAsNonRoot
	case "mirror":
		return isMirror(c.Pod)
	case "privileged":
		return is(own.Privileged, true) && (field == escalation || field == drop && c.anyPart(at.Container, func(p *policy.Policy) bool { return p.Allow.Privileged }))
	case "sysAdmin":
		return field == escalation && addsSysAdmin(own)
	case "rootUser":
		return field == runAsNonRoot && is(effectiveUser(c.Filled, at.Container), 0)
	case "administrator":
		return field == runAsNonRoot && c.RunsAsAdministrator(at.Container)
	case "nonRoot":
		return field == runAsUser && is(effective(own.RunAsNonRoot, pod.RunAsNonRoot), true) && c.containerUser(at.Container, true) == nil
	case "userNamespace":
		return field == runAsNonRoot && is(c.Pod.Spec.HostUsers, false)
	case "hostNamespaces":
		return field == hostUsers && sharesHost(c.Pod)
	case "volumeDevices":
		return field == hostUsers && hasDevices(c.Pod)
	case "noFSGroup":
		filled, _ := contexts(c.Filled, spec.Container{})
		return field == changePolicy && filled.FSGroup == nil
	case "annotation":
		return field == seccomp && contradicts(c.Pod, at.Container.Name)
	case "inherited":
		return field == runAsNonRoot && own.RunAsNonRoot == nil && is(pod.RunAsNonRoot, false) ||
			field == seccomp && own.SeccompProfile == nil && pod.SeccompProfile != nil &&
				pod.SeccompProfile.Type != "RuntimeDefault" && pod.SeccompProfile.Type != "Localhost"
	default:
		return false
	}
}

// policyLeaves reports whether the policy grants what the unset field means, or fills nothing.
func (c Case) policyLeaves(at spec.Container, field string) bool {
	allow, mutations := &c.Policy.Allow, &c.Policy.Mutations
	// The default is group 1; a rule that refuses it and demands none leaves the field.
	leaves := func(rule policy.GroupRule) bool { return rule.Rule == "MayRunAs" && !inRanges(rule.Ranges, 1) }
	switch field {
	case escalation:
		return c.anyPart(at, func(p *policy.Policy) bool { return p.Allow.AllowPrivilegeEscalation })
	case drop:
		return !c.fillsFlag(at, dropFlag)
	case runAsNonRoot:
		return c.anyPart(at, anyUser)
	case seccomp:
		return !c.fillsFlag(at, seccompFlag)
	case runAsGroup:
		return c.containerGroup(at) == nil
	case fsGroup:
		return is(mutations.FSGroup, -1) || mutations.FSGroup == nil && leaves(allow.FSGroup)
	case supplemental:
		explicit := mutations.SupplementalGroups
		return len(explicit) == 0 && (explicit != nil || leaves(allow.SupplementalGroups.GroupRule))
	default:
		return false
	}
}

// Unsettled visits the fields that Mutate fills on some pod and that have no
// effective value in this one, by container and path: each was filled, or the
// report says why not.
func (c Case) Unsettled() iter.Seq2[spec.Container, string] {
	return func(yield func(spec.Container, string) bool) {
		more := true
		field := func(at spec.Container, path string, settled bool) {
			more = more && (settled || yield(at, path))
		}
		pod, _ := contexts(c.Pod, spec.Container{})
		field(spec.Container{}, fsGroup, pod.FSGroup != nil)
		field(spec.Container{}, supplemental, len(pod.SupplementalGroups) > 0)
		allow := &c.Policy.Allow
		field(spec.Container{}, changePolicy, c.Policy.Mutations.FSGroupChangePolicy == "" || pod.FSGroupChangePolicy != nil)
		field(spec.Container{}, hostUsers, allow.UserNamespace == "" || c.Pod.Spec.HostUsers != nil)
		field(spec.Container{}, groupsPolicy, allow.SupplementalGroups.Policy == "" || pod.SupplementalGroupsPolicy != nil)
		for _, at := range containers(c.Pod) {
			_, own := contexts(c.Pod, at)
			field(at, escalation, own.AllowPrivilegeEscalation != nil)
			field(at, drop, own.Capabilities != nil && len(own.Capabilities.Drop) > 0)
			field(at, privileged, own.Privileged != nil)
			field(at, readOnlyRoot, !allow.ReadOnlyRootFilesystem || own.ReadOnlyRootFilesystem != nil)
			field(at, runAsGroup, effective(own.RunAsGroup, pod.RunAsGroup) != nil)
			field(at, runAsNonRoot, effective(own.RunAsNonRoot, pod.RunAsNonRoot) != nil)
			field(at, runAsUser, c.containerUser(at, false) == nil || effective(own.RunAsUser, pod.RunAsUser) != nil)
			field(at, seccomp, effective(own.SeccompProfile, pod.SeccompProfile) != nil)
		}
	}
}
