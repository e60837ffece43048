package evaluate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
)

// ruleRow claims what a policy demands beyond the level, and how it says so.
type ruleRow struct {
	name, why string
	// at is the level and version, baseline:latest where it is empty, for there
	// the standard has little to say itself.
	at    string
	pod   func(*corev1.Pod)
	allow policy.Allow
	// want are the violations, field and value and what is wanted and source.
	want []string
	// message is the whole text; it is not looked at where it is empty and want is not.
	message string
}

const (
	groupOf    = sec + "runAsGroup"
	readOnlyOf = sec + "readOnlyRootFilesystem"

	onInitial = ` (init container "init")`
	onMainC   = ` (container "main")`
	onDebugC  = ` (ephemeral container "debug")`
)

func unchanged(*corev1.Pod) {}

func windows(pod *corev1.Pod) { pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows} }

func group(gid int64) func(*corev1.Container) {
	return func(c *corev1.Container) { c.SecurityContext.RunAsGroup = &gid }
}

func podGroup(gid int64) func(*corev1.Pod) {
	return podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsGroup = &gid })
}

func podFSGroup(gid int64) func(*corev1.Pod) {
	return podSecurity(func(sc *corev1.PodSecurityContext) { sc.FSGroup = &gid })
}

func podGroups(gids ...int64) func(*corev1.Pod) {
	return podSecurity(func(sc *corev1.PodSecurityContext) { sc.SupplementalGroups = gids })
}

func withoutSecurity(pod *corev1.Pod) { pod.Spec.SecurityContext = nil }

func readOnlyRoot(value *bool) func(*corev1.Container) {
	return func(c *corev1.Container) { c.SecurityContext.ReadOnlyRootFilesystem = value }
}

func groupRule(rule policy.Rule, ranges ...policy.IDRange) policy.GroupRule {
	return policy.GroupRule{Rule: rule, Ranges: ranges}
}

// supplemental is a rule over supplemental groups that asks for no policy.
func supplemental(rule policy.GroupRule) policy.SupplementalGroupsRule {
	return policy.SupplementalGroupsRule{GroupRule: rule}
}

func podGroupsPolicy(groups corev1.SupplementalGroupsPolicy) func(*corev1.Pod) {
	return podSecurity(func(sc *corev1.PodSecurityContext) { sc.SupplementalGroupsPolicy = &groups })
}

func userRuleRows() []ruleRow {
	one := mustRunAs(ids(400, 400))
	two := mustRunAs(ids(400, 499), ids(1000, 2000))
	return []ruleRow{
		{name: "user in range", why: "both ends of every range are in", pod: each(podUser(400), onInit(user(499)), onDebug(user(2000))), allow: two},
		{name: "user out of range", why: "reported where it is set", pod: each(podUser(400), onInit(user(399)), onMain(user(500)), onDebug(user(2001))), allow: two,
			want: lines(
				initial+userOf+onInitial+" is 399, must be 400 to 499 or 1000 to 2000 [allow.runAsUser]",
				main+userOf+onMainC+" is 500, must be 400 to 499 or 1000 to 2000 [allow.runAsUser]",
				debug+userOf+onDebugC+" is 2001, must be 400 to 499 or 1000 to 2000 [allow.runAsUser]"),
			message: `allow.runAsUser of policy "web" (` +
				`init container "init" ` + userOf + " must be 400 to 499 or 1000 to 2000, is 399; " +
				`container "main" ` + userOf + " must be 400 to 499 or 1000 to 2000, is 500; " +
				`ephemeral container "debug" ` + userOf + " must be 400 to 499 or 1000 to 2000, is 2001)"},
		{name: "user unset", why: "MustRunAs demands an effective UID of every container", pod: onMain(user(400)), allow: one,
			want: lines(initial+userOf+onInitial+" is unset, must be 400 [allow.runAsUser]", debug+userOf+onDebugC+" is unset, must be 400 [allow.runAsUser]"),
			message: `allow.runAsUser of policy "web" (` +
				`init container "init" ` + userOf + " must be 400, is unset; " +
				`ephemeral container "debug" ` + userOf + " must be 400, is unset)"},
		{name: "user unset, no security contexts", why: "nothing is an unset UID",
			pod: each(withoutSecurity, onMain(func(c *corev1.Container) { c.SecurityContext = nil }), onInit(user(400)), onDebug(user(400))), allow: one,
			want: lines(main + userOf + onMainC + " is unset, must be 400 [allow.runAsUser]")},
		{name: "user inherited from the pod", why: "a bad value is reported once, where it is set, before the containers'", pod: each(podUser(500), onMain(user(501)), onDebug(user(400))), allow: one,
			want: lines(podSec+"runAsUser is 500, must be 400 [allow.runAsUser]", main+userOf+onMainC+" is 501, must be 400 [allow.runAsUser]"),
			message: `allow.runAsUser of policy "web" (` +
				"pod " + "securityContext.runAsUser must be 400, is 500; " +
				`container "main" ` + userOf + " must be 400, is 501)"},
		{name: "user inherited by all", why: "once, however many containers inherit it", pod: podUser(500), allow: one,
			want: lines(podSec + "runAsUser is 500, must be 400 [allow.runAsUser]")},
		{name: "user of the pod that nobody inherits", why: "no container runs as it", pod: each(podUser(500), onAll(user(400))), allow: one},
		{name: "user under RunAsAny", why: "nothing is demanded", pod: podUser(0), allow: policy.Allow{RunAsUser: policy.UserRule{Rule: policy.RunAsAny}}},
		{name: "user under MustRunAsNonRoot", why: "it demands what restricted demands, and nothing at baseline", pod: podUser(0), allow: policy.Allow{RunAsUser: policy.UserRule{Rule: policy.MustRunAsNonRoot}}},
		{name: "user of an old version", why: "own rules have no versions", at: "restricted:v1.0", pod: podUser(500), allow: one,
			want: lines(podSec + "runAsUser is 500, must be 400 [allow.runAsUser]")},
		{name: "user in a user namespace", why: "own rules know no exemption but Windows", pod: each(podUser(500), func(pod *corev1.Pod) { pod.Spec.HostUsers = ptr(false) }), allow: one,
			want: lines(podSec + "runAsUser is 500, must be 400 [allow.runAsUser]")},
		{name: "user 0 refused twice", why: "by the standard as root, by the rule as out of range: the standard first", at: "restricted:latest", pod: podUser(0), allow: one,
			want: lines(podSec+"runAsUser is 0, must be any UID but 0 [runAsUser]", podSec+"runAsUser is 0, must be 400 [allow.runAsUser]"),
			message: "runAsUser=0 (pod must not set runAsUser=0), " +
				`allow.runAsUser of policy "web" (pod ` + "securityContext.runAsUser must be 400, is 0)"},
	}
}

func groupRuleRows() []ruleRow {
	must := groupRule(policy.MustRunAs, ids(1, 1), ids(400, 499))
	may := groupRule(policy.MayRunAs, ids(1, 1), ids(400, 499))
	strict := policy.SupplementalGroupsRule{Policy: corev1.SupplementalGroupsPolicyStrict}
	const want = "1 or 400 to 499"
	rows := []ruleRow{
		{name: "group in range", why: "container over pod", pod: each(podGroup(0), onAll(group(499))), allow: policy.Allow{RunAsGroup: must}},
		{name: "group out of range", why: "reported where it is set", pod: each(podGroup(0), onMain(group(500)), onDebug(group(1))), allow: policy.Allow{RunAsGroup: must},
			want: lines(podSec+"runAsGroup is 0, must be "+want+" [allow.runAsGroup]", main+groupOf+onMainC+" is 500, must be "+want+" [allow.runAsGroup]"),
			message: `allow.runAsGroup of policy "web" (pod ` + "securityContext.runAsGroup must be " + want + ", is 0; " +
				`container "main" ` + groupOf + " must be " + want + ", is 500)"},
		{name: "group unset under MustRunAs", why: "an effective GID is demanded", pod: each(onInit(group(1)), onDebug(group(1))), allow: policy.Allow{RunAsGroup: must},
			want: lines(main + groupOf + onMainC + " is unset, must be " + want + " [allow.runAsGroup]")},
		{name: "group unset under MayRunAs", why: "only a value that is set is held to the ranges", pod: unchanged, allow: policy.Allow{RunAsGroup: may}},
		{name: "group out of range under MayRunAs", why: "a value that is set is held to the ranges", pod: each(podGroup(0), onMain(group(2)), onDebug(group(1))), allow: policy.Allow{RunAsGroup: may},
			want: lines(podSec+"runAsGroup is 0, must be "+want+" or unset [allow.runAsGroup]", main+groupOf+onMainC+" is 2, must be "+want+" or unset [allow.runAsGroup]")},
		{name: "group in range under MayRunAs", why: "in range is in range", pod: podGroup(450), allow: policy.Allow{RunAsGroup: may}},
		{name: "group under RunAsAny", why: "nothing is demanded", pod: podGroup(0), allow: policy.Allow{RunAsGroup: groupRule(policy.RunAsAny)}},

		{name: "fsGroup in range", why: "in range is in range", pod: podFSGroup(400), allow: policy.Allow{FSGroup: must}},
		{name: "fsGroup out of range", why: "0 has no special meaning", pod: podFSGroup(0), allow: policy.Allow{FSGroup: must},
			want:    lines(podSec + "fsGroup is 0, must be " + want + " [allow.fsGroup]"),
			message: `allow.fsGroup of policy "web" (pod ` + "securityContext.fsGroup must be " + want + ", is 0)"},
		{name: "fsGroup unset under MustRunAs", why: "a value is demanded", pod: unchanged, allow: policy.Allow{FSGroup: must},
			want:    lines(podSec + "fsGroup is unset, must be " + want + " [allow.fsGroup]"),
			message: `allow.fsGroup of policy "web" (pod ` + "securityContext.fsGroup must be " + want + ", is unset)"},
		{name: "fsGroup without a security context", why: "nothing is an unset fsGroup", pod: withoutSecurity, allow: policy.Allow{FSGroup: must},
			want: lines(podSec + "fsGroup is unset, must be " + want + " [allow.fsGroup]")},
		{name: "fsGroup unset under MayRunAs", why: "only a value that is set is held to the ranges", pod: withoutSecurity, allow: policy.Allow{FSGroup: may}},
		{name: "fsGroup out of range under MayRunAs", why: "a value that is set is held to the ranges", pod: podFSGroup(500), allow: policy.Allow{FSGroup: may},
			want: lines(podSec + "fsGroup is 500, must be " + want + " or unset [allow.fsGroup]")},
		{name: "fsGroup under RunAsAny", why: "nothing is demanded", pod: podFSGroup(0), allow: policy.Allow{FSGroup: groupRule(policy.RunAsAny)}},

		{name: "supplementalGroups in range", why: "every one of them", pod: podGroups(1, 400, 499), allow: policy.Allow{SupplementalGroups: supplemental(must)}},
		{name: "supplementalGroups out of range", why: "each is named by its place", pod: podGroups(0, 1, 500), allow: policy.Allow{SupplementalGroups: supplemental(must)},
			want:    lines(podSec+"supplementalGroups[0] is 0, must be "+want+" [allow.supplementalGroups]", podSec+"supplementalGroups[2] is 500, must be "+want+" [allow.supplementalGroups]"),
			message: `allow.supplementalGroups of policy "web" (pod ` + "securityContext.supplementalGroups[0] must be " + want + ", is 0; pod securityContext.supplementalGroups[2] must be " + want + ", is 500)"},
		{name: "supplementalGroups unset under MustRunAs", why: "one is demanded", pod: withoutSecurity, allow: policy.Allow{SupplementalGroups: supplemental(must)},
			want:    lines(podSec + "supplementalGroups is unset, must be " + want + " [allow.supplementalGroups]"),
			message: `allow.supplementalGroups of policy "web" (pod ` + "securityContext.supplementalGroups must be " + want + ", is unset)"},
		{name: "supplementalGroups empty under MustRunAs", why: "nil and empty are one thing", pod: podGroups([]int64{}...), allow: policy.Allow{SupplementalGroups: supplemental(must)},
			want: lines(podSec + "supplementalGroups is unset, must be " + want + " [allow.supplementalGroups]")},
		{name: "supplementalGroups unset under MayRunAs", why: "only values that are set are held to the ranges", pod: unchanged, allow: policy.Allow{SupplementalGroups: supplemental(may)}},
		{name: "supplementalGroups out of range under MayRunAs", why: "values that are set are held to the ranges", pod: podGroups(1, 2), allow: policy.Allow{SupplementalGroups: supplemental(may)},
			want: lines(podSec + "supplementalGroups[1] is 2, must be " + want + " or unset [allow.supplementalGroups]")},
		{name: "supplementalGroups under RunAsAny", why: "nothing is demanded", pod: podGroups(0), allow: policy.Allow{SupplementalGroups: supplemental(groupRule(policy.RunAsAny))}},

		{name: "supplementalGroupsPolicy Strict", why: "what is demanded is there", pod: podGroupsPolicy("Strict"), allow: policy.Allow{SupplementalGroups: strict}},
		{name: "supplementalGroupsPolicy unset", why: "unset is Merge", pod: unchanged, allow: policy.Allow{SupplementalGroups: strict},
			want:    lines(podSec + "supplementalGroupsPolicy is unset, must be Strict [allow.supplementalGroups]"),
			message: `allow.supplementalGroups of policy "web" (pod ` + "securityContext.supplementalGroupsPolicy must be Strict, is unset)"},
		{name: "supplementalGroupsPolicy without a security context", why: "nothing is unset", pod: withoutSecurity, allow: policy.Allow{SupplementalGroups: strict},
			want: lines(podSec + "supplementalGroupsPolicy is unset, must be Strict [allow.supplementalGroups]")},
		{name: "supplementalGroupsPolicy Merge", why: "the image adds groups", pod: podGroupsPolicy("Merge"), allow: policy.Allow{SupplementalGroups: strict},
			want:    lines(podSec + `supplementalGroupsPolicy is "Merge", must be Strict [allow.supplementalGroups]`),
			message: `allow.supplementalGroups of policy "web" (pod ` + `securityContext.supplementalGroupsPolicy must be Strict, is "Merge")`},
		{name: "supplementalGroupsPolicy in another case", why: "the API compares exactly", pod: podGroupsPolicy("strict"), allow: policy.Allow{SupplementalGroups: strict},
			want: lines(podSec + `supplementalGroupsPolicy is "strict", must be Strict [allow.supplementalGroups]`)},
		{name: "supplementalGroupsPolicy beside groups out of range", why: "one rule, in the order of its parts", pod: each(podGroupsPolicy("Merge"), podGroups(0)),
			allow: policy.Allow{SupplementalGroups: policy.SupplementalGroupsRule{GroupRule: must, Policy: "Strict"}},
			want:  lines(podSec+"supplementalGroups[0] is 0, must be "+want+" [allow.supplementalGroups]", podSec+`supplementalGroupsPolicy is "Merge", must be Strict [allow.supplementalGroups]`)},
		{name: "supplementalGroupsPolicy on Windows", why: "the API forbids the field there", pod: windows, allow: policy.Allow{SupplementalGroups: strict}},
		{name: "supplementalGroupsPolicy not demanded", why: "the default demands nothing", pod: podGroupsPolicy("Merge"), allow: policy.Allow{SupplementalGroups: supplemental(may)}},
	}
	return rows
}

func volumeRuleRows() []ruleRow {
	nfs := corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}}
	csi := corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}}
	csiAndNFS := corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}, NFS: &corev1.NFSVolumeSource{}}
	host := corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/lib"}}
	nfsAndHost := corev1.VolumeSource{NFS: nfs.NFS, HostPath: host.HostPath}
	emptyAndHost := corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}, HostPath: host.HostPath}
	listed := policy.Allow{Volumes: []string{"configMap", "secret"}}
	none := policy.Allow{Volumes: []string{}}
	logs := policy.Allow{AllowedHostPaths: []policy.HostPath{{PathPrefix: "/var/log", ReadOnly: true}, {PathPrefix: "/tmp"}}}
	const at, v = "spec.volumes[2]", ` (volume "v")`
	const defaults = "one of the default volumes of a policy: configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret"
	const beyond = defaults + " (without a policy restricted allows it: list it under allow.volumes beside these)"
	const restricted = "restricted:latest"
	return []ruleRow{
		{name: "csi under the default list at restricted", why: "the document's default is shorter than the level's", at: restricted, pod: volume(csi),
			want:    lines(at + `.csi` + v + ` is "csi", must be ` + beyond + " [allow.volumes]"),
			message: `allow.volumes of policy "web" (volume "v" must be ` + beyond + `, is "csi")`},
		{name: "csi under the default list at baseline", why: "baseline leaves types free, and so does an unset list", pod: volume(csi)},
		{name: "default types at restricted", why: "each is on the default list", at: restricted, pod: each(
			volume(corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{}}),
			volume(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}),
			volume(corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}}),
			volume(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}))},
		{name: "csi listed", why: "a listed type is granted", at: restricted, pod: volume(csi), allow: policy.Allow{Volumes: []string{"configMap", "secret", "csi"}}},
		{name: "csi under *", why: "* is every type", at: restricted, pod: volume(csi), allow: policy.Allow{Volumes: []string{"*"}}},
		{name: "csi not listed at restricted", why: "a list admits what is on it", at: restricted, pod: volume(csi), allow: listed,
			want:    lines(at + `.csi` + v + ` is "csi", must be one of configMap, secret [allow.volumes]`),
			message: `allow.volumes of policy "web" (volume "v" must be one of configMap, secret, is "csi")`},
		{name: "nfs not listed at baseline", why: "an explicit list counts at baseline too", pod: volume(nfs), allow: listed,
			want: lines(at + `.nfs` + v + ` is "nfs", must be one of configMap, secret [allow.volumes]`)},
		{name: "nfs listed at baseline", why: "a listed type is granted", pod: volume(nfs), allow: policy.Allow{Volumes: []string{"configMap", "secret", "nfs"}}},
		{name: "an empty list", why: "it admits no volume at all", pod: unchanged, allow: none,
			want: lines(
				`spec.volumes[0].configMap (volume "a") is "configMap", must be absent: the policy admits no volume [allow.volumes]`,
				`spec.volumes[1].secret (volume "b") is "secret", must be absent: the policy admits no volume [allow.volumes]`),
			message: `allow.volumes of policy "web" (` +
				`volume "a" must be absent: the policy admits no volume, is "configMap"; ` +
				`volume "b" must be absent: the policy admits no volume, is "secret")`},
		{name: "an empty list at restricted", why: "at restricted alike", at: restricted, pod: unchanged, allow: none,
			want: lines(
				`spec.volumes[0].configMap (volume "a") is "configMap", must be absent: the policy admits no volume [allow.volumes]`,
				`spec.volumes[1].secret (volume "b") is "secret", must be absent: the policy admits no volume [allow.volumes]`)},
		{name: "nfs at restricted, not listed", why: "what the standard refuses is not refused twice", at: restricted, pod: volume(nfs), allow: listed,
			want:    lines(at + `.nfs` + v + ` is "nfs", must be a volume type that restricted allows [restrictedVolumes]`),
			message: `restricted volume types (volume "v" uses restricted volume type "nfs")`},
		{name: "two types, one not listed", why: "every source is held to the list", at: restricted, pod: volume(csiAndNFS), allow: policy.Allow{Volumes: []string{"configMap", "secret", "csi"}},
			want: lines(at + `.nfs` + v + ` is "nfs", must be one of configMap, secret, csi [allow.volumes]`)},
		{name: "two types, neither listed", why: "each is named", at: restricted, pod: volume(csiAndNFS), allow: listed,
			want: lines(at+`.csi`+v+` is "csi", must be one of configMap, secret [allow.volumes]`, at+`.nfs`+v+` is "nfs", must be one of configMap, secret [allow.volumes]`)},
		{name: "hostPath at baseline", why: "what the standard refuses is not refused twice, and the paths say what would pass", pod: volume(host), allow: logs,
			want:    lines(at + ".hostPath" + v + ` is "/var/lib", must be below /var/log with every mount readOnly or /tmp [hostPathVolumes]`),
			message: `hostPath volumes (volume "v")`},
		{name: "hostPath and then csi, not listed", why: "a volume that the standard refuses hides none that comes after it", pod: each(volume(host), volume(csi)), allow: listed,
			want: lines(at+".hostPath"+v+` is "/var/lib", must be unset [hostPathVolumes]`, `spec.volumes[3].csi`+v+` is "csi", must be one of configMap, secret [allow.volumes]`)},
		{name: "nfs and hostPath at baseline", why: "a volume that the standard refuses is left alone", pod: volume(nfsAndHost), allow: listed,
			want: lines(at + ".hostPath" + v + ` is "/var/lib", must be unset [hostPathVolumes]`)},
		{name: "emptyDir and hostPath at restricted", why: "a hostPath goes by allowedHostPaths where the standard overlooks it", at: restricted, pod: volume(emptyAndHost), allow: logs,
			want: lines(at + ".hostPath" + v + ` is "/var/lib", must be below /var/log with every mount readOnly or /tmp [allow.volumes]`)},
		{name: "no source, an empty list", why: "it admits no volume at all: the API server makes an emptyDir of this one", pod: each(func(pod *corev1.Pod) { pod.Spec.Volumes = pod.Spec.Volumes[:0] }, volume(corev1.VolumeSource{})), allow: none,
			want: lines(`spec.volumes[0] (volume "v") is "unknown", must be absent: the policy admits no volume [allow.volumes]`)},
		{name: "no source, every type", why: "a source that this build does not know may open what it will", pod: volume(corev1.VolumeSource{}), allow: policy.Allow{Volumes: []string{"*"}},
			want:    lines(at + v + ` is "unknown", must be of a volume type that is known here [allow.volumes]`),
			message: `allow.volumes of policy "web" (volume "v" must be of a volume type that is known here, is "unknown")`},
		{name: "no source, a list", why: "a type that nobody knows is on no list", pod: volume(corev1.VolumeSource{}), allow: listed,
			want: lines(at + v + ` is "unknown", must be one of configMap, secret [allow.volumes]`)},
	}
}

func otherRuleRows() []ruleRow {
	readOnly := policy.Allow{ReadOnlyRootFilesystem: true}
	userNamespace := policy.Allow{UserNamespace: policy.UserNamespaceRequired}
	onSpec := func(set func(*corev1.PodSpec)) func(*corev1.Pod) { return func(pod *corev1.Pod) { set(&pod.Spec) } }
	hostUsers := func(v bool) func(*corev1.Pod) { return onSpec(func(s *corev1.PodSpec) { s.HostUsers = &v }) }
	everything := policy.Allow{
		RunAsUser:  policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{ids(400, 400)}},
		RunAsGroup: groupRule(policy.MustRunAs, ids(400, 400)), FSGroup: groupRule(policy.MustRunAs, ids(400, 400)),
		SupplementalGroups: supplemental(groupRule(policy.MustRunAs, ids(400, 400))), ReadOnlyRootFilesystem: true, Volumes: []string{"configMap"},
	}
	return []ruleRow{
		{name: "read-only root everywhere", why: "what is demanded is there", pod: onAll(readOnlyRoot(ptr(true))), allow: readOnly},
		{name: "read-only root unset and false", why: "every kind of container, with and without a security context",
			pod: each(onInit(readOnlyRoot(ptr(false))), onMain(readOnlyRoot(nil)), onDebug(func(c *corev1.Container) { c.SecurityContext = nil })), allow: readOnly,
			want: lines(
				initial+readOnlyOf+onInitial+" is false, must be true [allow.readOnlyRootFilesystem]",
				main+readOnlyOf+onMainC+" is unset, must be true [allow.readOnlyRootFilesystem]",
				debug+readOnlyOf+onDebugC+" is unset, must be true [allow.readOnlyRootFilesystem]"),
			message: `allow.readOnlyRootFilesystem of policy "web" (` +
				`init container "init" ` + readOnlyOf + " must be true, is false; " +
				`container "main" ` + readOnlyOf + " must be true, is unset; " +
				`ephemeral container "debug" ` + readOnlyOf + " must be true, is unset)"},
		{name: "read-only root not demanded", why: "the default demands nothing", pod: onAll(readOnlyRoot(ptr(false)))},
		{name: "user namespace", why: "what is demanded is there", pod: hostUsers(false), allow: userNamespace},
		{name: "user namespace unset", why: "unset is the host's", pod: unchanged, allow: userNamespace,
			want:    lines("spec.hostUsers is unset, must be false [allow.userNamespace]"),
			message: `allow.userNamespace of policy "web" (pod hostUsers must be false, is unset)`},
		{name: "user namespace of the host", why: "the author's value", pod: hostUsers(true), allow: userNamespace,
			want:    lines("spec.hostUsers is true, must be false [allow.userNamespace]"),
			message: `allow.userNamespace of policy "web" (pod hostUsers must be false, is true)`},
		{name: "user namespace with hostNetwork", why: "it says what keeps it from being filled in", pod: onSpec(func(s *corev1.PodSpec) { s.HostNetwork = true }), allow: policy.Allow{UserNamespace: "Required", HostNetwork: true},
			want:    lines("spec.hostUsers is unset, must be false, which the API refuses beside hostNetwork [allow.userNamespace]"),
			message: `allow.userNamespace of policy "web" (pod hostUsers must be false, which the API refuses beside hostNetwork, is unset)`},
		{name: "user namespace with hostPID", why: "as with the host's network", pod: onSpec(func(s *corev1.PodSpec) { s.HostPID = true }), allow: policy.Allow{UserNamespace: "Required", HostPID: true},
			want: lines("spec.hostUsers is unset, must be false, which the API refuses beside hostPID [allow.userNamespace]")},
		{name: "user namespace with hostIPC", why: "as with the host's network", pod: each(hostUsers(true), onSpec(func(s *corev1.PodSpec) { s.HostIPC = true })), allow: policy.Allow{UserNamespace: "Required", HostIPC: true},
			want: lines("spec.hostUsers is true, must be false, which the API refuses beside hostIPC [allow.userNamespace]")},
		{name: "user namespace with block devices", why: "as with the host's network, in any container", pod: onInit(func(c *corev1.Container) { c.VolumeDevices = []corev1.VolumeDevice{{Name: "v"}} }), allow: userNamespace,
			want: lines("spec.hostUsers is unset, must be false, which the API refuses beside volumeDevices [allow.userNamespace]")},
		{name: "user namespace on Windows", why: "the API forbids the field there", pod: windows, allow: userNamespace},
		{name: "user namespace not demanded", why: "the default demands nothing", pod: hostUsers(true)},
		{name: "root in the user namespace that is demanded", why: "the standard lets it be there since v1.35", at: "restricted:v1.35", pod: each(hostUsers(false), podUser(0)), allow: userNamespace},
		{name: "root in the user namespace that is demanded, before v1.35", why: "the standard looked at the user then", at: "restricted:v1.34", pod: each(hostUsers(false), podUser(0)), allow: userNamespace,
			want:    lines(podSec + "runAsUser is 0, must be any UID but 0 [runAsUser]"),
			message: "runAsUser=0 (pod must not set runAsUser=0)"},
		{name: "Windows", why: "it cannot carry what the rules are about, volumes excepted", pod: windows, allow: everything,
			want:    lines(`spec.volumes[1].secret (volume "b") is "secret", must be one of configMap [allow.volumes]`),
			message: `allow.volumes of policy "web" (volume "b" must be one of configMap, is "secret")`},
		{name: "Windows at restricted", why: "nor is it exempt from the default list", at: "restricted:latest",
			pod:  each(windows, volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}})),
			want: lines(`spec.volumes[2].csi (volume "v") is "csi", must be one of the default volumes of a policy: configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret (without a policy restricted allows it: list it under allow.volumes beside these) [allow.volumes]`)},
		{name: "Linux by name", why: "only windows is exempt", pod: func(pod *corev1.Pod) { pod.Spec.OS = &corev1.PodOS{Name: corev1.Linux} }, allow: policy.Allow{FSGroup: everything.FSGroup},
			want: lines(podSec + "fsGroup is unset, must be 400 [allow.fsGroup]")},
		{name: "all rules at once", why: "in the order of the policy's fields, after the standard", pod: each(func(pod *corev1.Pod) { pod.Spec.HostPID = true }, onInit(user(400)), onDebug(user(400)), onInit(group(400)), onDebug(group(400)), onInit(readOnlyRoot(ptr(true))), onDebug(readOnlyRoot(ptr(true)))),
			allow: everything,
			want: lines(
				"spec.hostPID is true, must be false or unset [hostNamespaces]",
				main+userOf+onMainC+" is unset, must be 400 [allow.runAsUser]",
				main+groupOf+onMainC+" is unset, must be 400 [allow.runAsGroup]",
				podSec+"fsGroup is unset, must be 400 [allow.fsGroup]",
				podSec+"supplementalGroups is unset, must be 400 [allow.supplementalGroups]",
				`spec.volumes[1].secret (volume "b") is "secret", must be one of configMap [allow.volumes]`,
				main+readOnlyOf+onMainC+" is unset, must be true [allow.readOnlyRootFilesystem]"),
			message: `host namespaces (hostPID=true), ` +
				`allow.runAsUser of policy "web" (container "main" ` + userOf + ` must be 400, is unset), ` +
				`allow.runAsGroup of policy "web" (container "main" ` + groupOf + ` must be 400, is unset), ` +
				`allow.fsGroup of policy "web" (pod securityContext.fsGroup must be 400, is unset), ` +
				`allow.supplementalGroups of policy "web" (pod securityContext.supplementalGroups must be 400, is unset), ` +
				`allow.volumes of policy "web" (volume "b" must be one of configMap, is "secret"), ` +
				`allow.readOnlyRootFilesystem of policy "web" (container "main" ` + readOnlyOf + ` must be true, is unset)`},
		{name: "no rule", why: "what a policy leaves at its default demands nothing beyond the level", at: "restricted:latest", pod: unchanged},
	}
}

func ruleRows() []ruleRow {
	rows := userRuleRows()
	rows = append(rows, groupRuleRows()...)
	rows = append(rows, volumeRuleRows()...)
	return append(rows, otherRuleRows()...)
}

func violationLines(vs []evaluate.Violation) (list []string) {
	for i := range vs {
		list = append(list, vs[i].String())
	}
	return list
}

// TestOwnRules: a policy's own rules demand what they name, where it is set or
// missing, and say so.
func TestOwnRules(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range ruleRows() {
		if seen[row.name] || row.why == "" {
			t.Errorf("row %q is there twice, or without a reason", row.name)
		}
		seen[row.name] = true
		t.Run(row.name, func(t *testing.T) {
			at := row.at
			if at == "" {
				at = "baseline:latest"
			}
			got := grantRow{at: at, pod: row.pod, allow: row.allow}.evaluate(t)
			if diff := cmp.Diff(row.want, violationLines(got.Violations)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			if message := got.Message(); (row.message != "" || len(row.want) == 0) && message != row.message {
				t.Errorf("message, for %s:\n got %s\nwant %s", row.why, message, row.message)
			}
			for _, v := range got.Violations {
				if own := strings.HasPrefix(v.CheckOrRule(), "allow."); own == v.FromStandard() || own && (v.Level() != "" || v.Control() != "" || v.Rule == 0) {
					t.Errorf("%s: from the standard %v, level %q, control %q, rule %q", v.String(), v.FromStandard(), v.Level(), v.Control(), v.Rule)
				}
			}
		})
	}
	if len(seen) < 55 {
		t.Errorf("%d rows, want 55 and more: has a table been lost?", len(seen))
	}
}

// TestDefaultPolicyDemandsNothing: a policy that selects no pod is plain
// restricted; not even its default list of volumes counts.
func TestDefaultPolicyDemandsNothing(t *testing.T) {
	pod := compliant().DeepCopy()
	volume(corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}})(pod)
	if r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, levelVersion(t, "restricted:latest"), policy.Default()); !r.Allowed() {
		t.Errorf("the default policy refuses what restricted allows: %s", r.Message())
	}
}
