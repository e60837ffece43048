package restated

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Demands are the rules of the policy that the pod breaks at every level, by
// their keys: MustRunAs demands an ID in range, MayRunAs one that is unset or in
// range, a Strict rule over supplemental groups that the pod says so,
// and a Required user namespace that hostUsers is false. Windows pods have none. The rule of volumes is [Case.DemandsVolumes].
func (c Case) Demands() map[string]bool {
	if isWindows(c.Pod) {
		return nil
	}
	broken := map[string]bool{}
	demand := func(name string, rule policy.Rule, ranges []policy.IDRange, id *int64) {
		if id == nil && rule == "MustRunAs" || id != nil && len(ranges) > 0 && !inRanges(ranges, *id) {
			broken[name] = true
		}
	}
	allow := &c.Policy.Allow
	pod, _ := contexts(c.Pod, spec.Container{})
	demand("allow.fsGroup", allow.FSGroup.Rule, allow.FSGroup.Ranges, pod.FSGroup)
	groups := &allow.SupplementalGroups
	for i := range pod.SupplementalGroups {
		demand("allow.supplementalGroups", groups.Rule, groups.Ranges, &pod.SupplementalGroups[i])
	}
	if len(pod.SupplementalGroups) == 0 {
		demand("allow.supplementalGroups", groups.Rule, groups.Ranges, nil)
	}
	if groups.Policy == "Strict" && !is(pod.SupplementalGroupsPolicy, "Strict") {
		broken["allow.supplementalGroups"] = true
	}
	if allow.UserNamespace == "Required" && !is(c.Pod.Spec.HostUsers, false) {
		broken["allow.userNamespace"] = true
	}
	for _, at := range containers(c.Pod) {
		_, own := contexts(c.Pod, at)
		user, group := effective(own.RunAsUser, pod.RunAsUser), effective(own.RunAsGroup, pod.RunAsGroup)
		if !c.meetsRule(at, user, func(part *policy.Policy) (policy.Rule, []policy.IDRange) {
			return part.Allow.RunAsUser.Rule, part.Allow.RunAsUser.Ranges
		}) {
			broken["allow.runAsUser"] = true
		}
		if !c.meetsRule(at, group, func(part *policy.Policy) (policy.Rule, []policy.IDRange) {
			return part.Allow.RunAsGroup.Rule, part.Allow.RunAsGroup.Ranges
		}) {
			broken["allow.runAsGroup"] = true
		}
		if allow.ReadOnlyRootFilesystem && !is(own.ReadOnlyRootFilesystem, true) {
			broken["allow.readOnlyRootFilesystem"] = true
		}
	}
	return broken
}

// standardVolumes are the types that restricted leaves free.
var standardVolumes = []string{
	"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret",
}

// DemandsVolumes reports whether the policy's list refuses a volume that the
// level does not refuse already. Unset, the list speaks at restricted alone, and
// not in the default policy.
func (c Case) DemandsVolumes(level api.Level) bool {
	restricted := level == api.LevelRestricted
	selects := len(c.Policy.PodSelectorLabels)+len(c.Policy.PodSelectorExpressions) > 0
	if c.Policy.Allow.Volumes == nil && !(restricted && selects) {
		return false
	}
	free := func(name string) bool { return slices.Contains(standardVolumes, name) }
	return slices.ContainsFunc(c.Pod.Spec.Volumes, func(v corev1.Volume) bool {
		refused := v.HostPath != nil && !c.grantsHostPath(&v)
		if restricted {
			refused = !slices.ContainsFunc(sourcesOf(&v), free)
		}
		return !refused && !c.grantsVolume(&v)
	})
}
