package author

import (
	"maps"
	"math/bits"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// with is a policy with all that another one has too; nil where both have a say in
// one key.
func with(a, b *policy.Policy) *policy.Policy {
	p := a.DeepCopy()
	grow := func(to *[]string, from []string) { *to = append(*to, from...) }
	p.Containers = append(p.Containers, b.Containers...)
	grow(&p.Allow.AllowedCapabilities, b.Allow.AllowedCapabilities)
	grow(&p.Allow.AllowedUnsafeSysctls, b.Allow.AllowedUnsafeSysctls)
	p.Allow.AllowedHostPaths = append(p.Allow.AllowedHostPaths, b.Allow.AllowedHostPaths...)
	p.Allow.AllowedHostPorts = append(p.Allow.AllowedHostPorts, b.Allow.AllowedHostPorts...)
	grow(&p.Allow.SeccompProfiles, b.Allow.SeccompProfiles)
	grow(&p.Allow.AppArmorProfiles, b.Allow.AppArmorProfiles)
	grow(&p.Allow.ProcMounts, b.Allow.ProcMounts)
	grow(&p.Allow.AllowedProbeHosts, b.Allow.AllowedProbeHosts)
	if b.Allow.Volumes != nil {
		p.Allow.Volumes = b.Allow.Volumes
	}
	for _, flags := range [][2]*bool{
		{&p.Allow.AllowPrivilegeEscalation, &b.Allow.AllowPrivilegeEscalation}, {&p.Allow.Privileged, &b.Allow.Privileged},
		{&p.Allow.HostNetworkPorts, &b.Allow.HostNetworkPorts}, {&p.Allow.HostNamespace, &b.Allow.HostNamespace},
		{&p.Allow.SELinuxOptions, &b.Allow.SELinuxOptions}, {&p.Allow.WindowsHostProcess, &b.Allow.WindowsHostProcess},
		{&p.Allow.HostNetwork, &b.Allow.HostNetwork}, {&p.Allow.HostPID, &b.Allow.HostPID}, {&p.Allow.HostIPC, &b.Allow.HostIPC},
		{&p.Allow.ReadOnlyRootFilesystem, &b.Allow.ReadOnlyRootFilesystem},
	} {
		*flags[0] = *flags[0] || *flags[1]
	}
	if b.Allow.RunAsUser.Rule != "" {
		p.Allow.RunAsUser = b.Allow.RunAsUser
	}
	for _, rules := range [][2]*policy.GroupRule{
		{&p.Allow.RunAsGroup, &b.Allow.RunAsGroup}, {&p.Allow.FSGroup, &b.Allow.FSGroup},
		{&p.Allow.SupplementalGroups.GroupRule, &b.Allow.SupplementalGroups.GroupRule},
	} {
		if rules[1].Rule != "" {
			*rules[0] = *rules[1]
		}
	}
	if b.Allow.SupplementalGroups.IsStrict() {
		p.Allow.SupplementalGroups.Policy = b.Allow.SupplementalGroups.Policy
	}
	if b.Allow.RequiresUserNamespace() {
		p.Allow.UserNamespace = b.Allow.UserNamespace
	}
	if b.Mutations.DropAllCapabilities != nil {
		p.Mutations.DropAllCapabilities = b.Mutations.DropAllCapabilities
	}
	if b.Mutations.SetDefaultSeccompProfile != nil {
		p.Mutations.SetDefaultSeccompProfile = b.Mutations.SetDefaultSeccompProfile
	}
	return p
}

// latticePods are pods that say one thing of all that any policy of the lattice speaks
// of, or two of those that are decided together, or one in a container of any kind that
// entries may match or not.
func latticePods() (pods []*corev1.Pod) {
	together := slices.DeleteFunc(plainEdits(0, 3), func(edit podEdit) bool {
		pod := barePod()
		edit(pod)
		return len(pod.Spec.Volumes) > 0
	})
	together = append(together, settingSysctl("kernel.sem"), adding("cap_chown"), adding("CAP_SYS_ADMIN"))
	edits := slices.Concat(plainEdits(0, 1, 2, policy.MaxID), together)
	for _, h := range []policy.HostPath{{PathPrefix: "/var/log"}, {PathPrefix: "/var/log/pods"}, {PathPrefix: "/var", Types: []string{"File"}}, {PathPrefix: `C:\var\log`}} {
		edits = append(edits, pathsNear(&h)...)
	}
	alone := len(edits)
	for i, first := range together {
		for _, second := range together[i:] {
			edits = append(edits, both(first, second))
		}
	}
	for _, edit := range []podEdit{
		adding("SYS_ADMIN"), adding("cap_chown"), listeningOn(80), listeningOn(81), probing("127.0.0.1"), annotated(spec.SeccompContainerAnnotation+"app", "unconfined"),
		onContext(func(sc *corev1.SecurityContext) { sc.Privileged = pointTo(true) }),
		onContext(func(sc *corev1.SecurityContext) { sc.AllowPrivilegeEscalation = pointTo(true) }),
		onContext(func(sc *corev1.SecurityContext) { sc.SELinuxOptions = &corev1.SELinuxOptions{User: "u"} }),
		onContext(func(sc *corev1.SecurityContext) {
			sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
		}),
	} {
		for _, c := range [][2]string{{"app", "app"}, {"app", "quay.io/app"}, {"a", "quay.io/app"}, {"other", "app"}} {
			for _, kind := range policy.ContainerKinds() {
				edits = append(edits, both(edit, placed(c[0], c[1], kind)))
			}
		}
	}
	for i, edit := range edits {
		pod := barePod()
		edit(pod)
		acceptable(pod)
		if pods = append(pods, pod); i >= alone {
			continue
		}
		filled, _ := mutate.Mutate(barePod(), nil)
		pod = filled.DeepCopy()
		edit(pod)
		acceptable(pod)
		pods = append(pods, pod)
	}
	return pods
}

// TestExhaustivePairsOfGrants: each grant alone and each pair of them, held against each grant
// alone in both directions, at both levels, for every pod of a small domain: what is
// said not to widen does not, and what is said to widen is shown by a pod. Law 1.
func TestExhaustivePairsOfGrants(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute: not with -short")
	}
	alone := latticePolicies()
	if len(alone) != lattice {
		t.Fatalf("%d policies of one key, want %d", len(alone), lattice)
	}
	all := alone
	for i := range alone {
		for j := range alone[:i] {
			all = append(all, latticePolicy{alone[j].name + " and " + alone[i].name, with(alone[j].policy, alone[i].policy)})
		}
	}
	pods := latticePods()
	for _, level := range comparedLevels {
		lv := api.LevelVersion{Level: level, Version: api.LatestVersion()}
		t.Run(string(level), func(t *testing.T) {
			allowed := make([]verdicts, len(all))
			for i := range all {
				if err := all[i].policy.Validate(); err != nil {
					t.Fatal(err)
				}
				allowed[i] = verdictsOf(pods, all[i].policy, lv)
			}
			cases, wider := 0, 0
			for i := range alone {
				for j := range all {
					for _, pair := range [2][2]int{{i, j}, {j, i}} {
						c := comparer{lv: lv}
						cases++
						if len(c.gaps(all[pair[1]].policy, all[pair[0]].policy)) > 0 {
							wider++
							continue
						}
						if pod := allowed[pair[1]].beyond(allowed[pair[0]]); pod >= 0 {
							t.Fatalf("from %s to %s nothing opens, and this pod is allowed that was not:\n%s",
								all[pair[0]].name, all[pair[1]].name, asYAML(t, pods[pod]))
						}
					}
				}
			}
			t.Logf("%d pods, %d pairs of policies, of which %d widen", len(pods), cases, wider)
			if want := 2 * lattice * (lattice + lattice*(lattice-1)/2); cases != want {
				t.Errorf("%d pairs, want %d", cases, want)
			}
		})
	}
}

// TestExhaustiveWitnesses: whatever of two policies of the lattice lets be what the other
// one does not, a pod shows it; at both levels, in the newest version and in those before
// the checks changed that read annotations and user namespaces. Of expiry alone none does:
// see [Compare].
func TestExhaustiveWitnesses(t *testing.T) {
	all := latticePolicies()
	expiring := selecting(policy.Policy{Expires: "2026-12-31", Allow: policy.Allow{HostPID: true}})
	all = append(all, latticePolicy{"until a day", expiring})
	shown, without := map[string]int{}, map[string]int{}
	for _, level := range comparedLevels {
		for _, version := range []api.Version{api.LatestVersion(), api.MajorMinorVersion(1, 34), api.MajorMinorVersion(1, 18)} {
			lv := api.LevelVersion{Level: level, Version: version}
			for _, old := range all {
				for _, new := range all {
					for _, d := range Compare(old.policy, new.policy, lv).Differences {
						key := d.Key[strings.LastIndexByte(d.Key, ']')+1:] // what an entry says where a policy does
						if d.Witness != nil {
							shown[key]++
							continue
						}
						if without[key]++; d.Key != expiresKey {
							t.Errorf("at %s %s no pod shows of %s and %s that it %s %s, %s", level, version, old.name, new.name, d.Direction, d.Key, d.Text())
						}
					}
				}
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(shown)) {
		t.Logf("%s: %d differences, each with a witness", key, shown[key])
	}
	if len(shown) != 26+7 || len(without) != 1 {
		t.Errorf("%d keys have witnesses, want 33, and %v have none", len(shown), without)
	}
}

// verdicts has a bit for each pod that is allowed.
type verdicts []uint64

func verdictsOf(pods []*corev1.Pod, p *policy.Policy, lv api.LevelVersion) verdicts {
	v := make(verdicts, (len(pods)+63)/64)
	for i, pod := range pods {
		if letsRun(pod, p, lv) {
			v[i/64] |= 1 << (i % 64)
		}
	}
	return v
}

// beyond is the first pod that is allowed and not so by others; -1 for none.
func (v verdicts) beyond(others verdicts) int {
	for i := range v {
		if more := v[i] &^ others[i]; more != 0 {
			return i*64 + bits.TrailingZeros64(more)
		}
	}
	return -1
}
