package author

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

// admitUnder is podfence.Admit under one policy, whatever that selects. A policy
// without a selector is the default one under a name, and gets none.
func admitUnder(t require, pod *corev1.Pod, p *policy.Policy, lv api.LevelVersion) bool {
	var set policy.Set
	if p.Selects() {
		every := p.DeepCopy()
		every.Namespace, every.Namespaces, every.NamespaceSelector, every.PodSelectorLabels = "", nil, nil, nil
		every.PodSelectorExpressions = []metav1.LabelSelectorRequirement{{Key: "absent", Operator: metav1.LabelSelectorOpDoesNotExist}}
		var err error
		if set, err = policy.NewSet(*every); err != nil {
			t.Fatal(err)
		}
	}
	return podfence.Admit(pod, lv, set).Allowed()
}

type require interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Helper()
}

func asYAML(t require, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNotWiderIsSound: where a policy is not said to allow more, or less, no pod says
// otherwise; least of all one that says what the two policies speak of. Law 1.
func TestNotWiderIsSound(t *testing.T) {
	claims, shown := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		old, new := drawPair(t)
		lv := drawAnyLevel(t)
		c := Compare(old, new, lv)
		back := Compare(new, old, lv)
		for range 4 {
			pod := drawNear(t, old, new)
			before, after := admitUnder(t, pod, old, lv), admitUnder(t, pod, new, lv)
			if !c.MayAllowMore() {
				claims++
			}
			if before != after {
				shown++
			}
			if after && !before && !c.MayAllowMore() {
				t.Fatalf("said to be %s at %v, and allows more:\n%s\nold:\n%s\nnew:\n%s", c.Relation, lv, asYAML(t, pod), asYAML(t, old), asYAML(t, new))
			}
			if before && !after && !back.MayAllowMore() {
				t.Fatalf("said to be %s at %v, and denies more:\n%s\nold:\n%s\nnew:\n%s", c.Relation, lv, asYAML(t, pod), asYAML(t, old), asYAML(t, new))
			}
		}
	})
	if t.Logf("%d pods under claims, %d judged differently", claims, shown); (claims == 0 || shown == 0) && !testing.Short() {
		t.Error("nothing was tried")
	}
}

// TestWitnessesShow: Admit says of each witness what the difference says. Law 2. All
// that the tables of grants and demands let policies differ in is shown by one, and
// hardly anything is not that entries for single containers make a difference in.
func TestWitnessesShow(t *testing.T) {
	witnesses, ofEntries, without := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		old, new := drawPair(t)
		lv := drawAnyLevel(t)
		for _, d := range Compare(old, new, lv).Differences {
			switch {
			case d.Key == expiresKey, d.Direction == NotCompared:
				continue
			case d.Witness == nil && len(old.Containers)+len(new.Containers) > 0:
				without++
				continue
			case d.Witness == nil:
				t.Fatalf("no pod shows that it %s %s, %s\nat %v\nold:\n%s\nnew:\n%s", d.Direction, d.Key, d.Text(), lv, asYAML(t, old), asYAML(t, new))
			}
			if witnesses++; strings.HasPrefix(d.Key, "containers[") {
				ofEntries++
			}
			by, against := new, old
			if d.Direction == Narrows {
				by, against = old, new
			}
			if !admitUnder(t, d.Witness.Pod, by, lv) || admitUnder(t, d.Witness.Pod, against, lv) {
				t.Fatalf("%s %s, %s: shows nothing\n%s", d.Direction, d.Key, d.Text(), asYAML(t, d.Witness.Pod))
			}
		}
	})
	t.Logf("%d witnesses, %d of them of entries; %d differences beside entries without one", witnesses, ofEntries, without)
	if witnesses == 0 || ofEntries == 0 && !testing.Short() || witnesses > 10_000 && without*100 > witnesses {
		t.Error("too few are shown")
	}
}

// TestCompareIsAntisymmetric: law 3.
func TestCompareIsAntisymmetric(t *testing.T) {
	turned := map[Relation]Relation{Equal: Equal, Wider: Narrower, Narrower: Wider, Incomparable: Incomparable, Undecided: Undecided}
	met := map[Relation]int{}
	rapid.Check(t, func(t *rapid.T) {
		old, new := drawPair(t)
		lv := drawAnyLevel(t)
		one, other := Compare(old, new, lv), Compare(new, old, lv)
		met[one.Relation]++
		met[other.Relation]++
		if other.Relation != turned[one.Relation] {
			t.Fatalf("%s, and turned round %s", one.Relation, other.Relation)
		}
		if same := Compare(old, old, lv); same.Relation != Equal || len(same.Differences)+len(same.Fills) > 0 {
			t.Fatalf("a policy is %s to itself: %+v", same.Relation, same.Differences)
		}
		if again := Compare(old, new, lv); !reflect.DeepEqual(one, again) {
			t.Fatal("asked twice, it answers twice")
		}
	})
	for _, r := range []Relation{Equal, Wider, Narrower, Incomparable} {
		if met[r] == 0 && !testing.Short() { // few are drawn then
			t.Errorf("no two policies were %s", r)
		}
	}
}

// TestLetsRunIsAdmit: what witnesses are confirmed by is what Admit says.
func TestLetsRunIsAdmit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, new := drawPair(t)
		lv := drawAnyLevel(t)
		pod := drawNear(t, old, new)
		if got, want := letsRun(pod, new, lv), admitUnder(t, pod, new, lv); got != want {
			t.Fatalf("%v, Admit says %v\n%s%s", got, want, asYAML(t, pod), asYAML(t, new))
		}
	})
}

// TestCompareChangesNothing: neither policy is written to.
func TestCompareChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, new := drawPair(t)
		before, after := old.DeepCopy(), new.DeepCopy()
		Compare(old, new, drawAnyLevel(t))
		if !reflect.DeepEqual(old, before) || !reflect.DeepEqual(new, after) {
			t.Fatal("a policy was changed")
		}
	})
}

func restrictedLatest() api.LevelVersion {
	return api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
}

func baselineLatest() api.LevelVersion {
	return api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}
}

// read is a policy of YAML, which selects something.
func readPolicy(t *testing.T, text string) *policy.Policy {
	t.Helper()
	list, err := policy.Parse([]byte("name: p\npodSelectorLabels: {app: web}\n"+text), "p.yaml")
	if err != nil || len(list) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	return &list[0]
}

// said are the differences as short lines, and the relation.
func said(c Comparison) (lines []string) {
	lines = []string{string(c.Relation)}
	for _, d := range c.Differences {
		mark := map[Direction]string{Widens: "+", Narrows: "-", MayWiden: "+?", MayNarrow: "-?", NotCompared: "?"}[d.Direction]
		lines = append(lines, fmt.Sprintf("%s %s: %s", mark, d.Key, d.Text()))
	}
	return lines
}

// TestCompare tries each kind of difference both ways, with its reason.
func TestCompare(t *testing.T) {
	turned := map[string]string{"+": "-", "-": "+", "+?": "-?", "-?": "+?", "?": "?"}
	for _, row := range []struct {
		why, old, new string
		baseline      bool
		want          []string
	}{
		{why: "nothing differs", want: []string{"equal"}},
		{why: "what is said to people does not matter", old: "reason: it traces\nowner: team-a", new: "owner: team-b", want: []string{"equal"}},
		{why: "a policy that grants for longer", old: "expires: 2026-12-31\nallow: {hostPID: true}", new: "expires: 2027-12-31\nallow: {hostPID: true}",
			want: []string{"undecided", "+? expires: what the policy grants, after 2026-12-31"}},
		{why: "one that no longer expires", old: "expires: 2026-12-31\nallow: {hostPID: true}", new: "allow: {hostPID: true}",
			want: []string{"undecided", "+? expires: what the policy grants, after 2026-12-31"}},
		{why: "one that grants nothing, and so has nothing to lose", old: "expires: 2026-12-31", want: []string{"equal"}},
		{why: "a user namespace is demanded, in which root is free", new: "allow: {userNamespace: Required}", want: []string{"incomparable",
			"+ allow.userNamespace: a container that may run as root, in the user namespace that is filled in",
			"- allow.userNamespace: a pod without a user namespace of its own (hostUsers: true)"}},
		{why: "what a pod says for nobody is free in one, and where all are root it is not", old: "allow: {userNamespace: Required, runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}", new: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}",
			want: []string{"incomparable", "+ allow.userNamespace: a pod without a user namespace of its own (hostUsers: true)",
				"- allow.userNamespace: a container that may run as root, in the user namespace that is filled in"}},
		{why: "at baseline it is /proc that is free in one", baseline: true, new: "allow: {userNamespace: Required}", want: []string{"incomparable",
			"+ allow.userNamespace: a container with the /proc mount Unmasked, in the user namespace that is filled in",
			"- allow.userNamespace: a pod without a user namespace of its own (hostUsers: true)"}},
		{why: "it frees nothing that is granted already", baseline: true, old: "allow: {procMounts: [Unmasked]}", new: "allow: {procMounts: [Unmasked], userNamespace: Required}", want: []string{"narrower", "- allow.userNamespace: a pod without a user namespace of its own (hostUsers: true)"}},
		{why: "a group that is not filled in is a matter of filling in", old: "mutations: {fsGroupChangePolicy: OnRootMismatch}", new: "mutations: {fsGroup: none, runAsGroup: none}", want: []string{"equal"}},
		{why: "an entry for one container", new: "containers: [{names: [istio-init], kinds: [init], allow: {allowedCapabilities: [NET_ADMIN]}}]",
			want: []string{"wider", "+ containers[0].allow.allowedCapabilities: among init containers named istio-init, a container that adds the capability NET_ADMIN"}},
		{why: "an entry for fewer containers", old: "containers: [{names: [debug-*], allow: {privileged: true}}]", new: "containers: [{names: [debug-a, debug-b*], kinds: [sidecar], allow: {privileged: true}}]",
			want: []string{"narrower", "- containers[0].allow.privileged: among containers named debug-*, a privileged container"}},
		{why: "an entry for fewer images", old: "containers: [{images: ['docker.io/*'], allow: {privileged: true}}]", new: "containers: [{images: ['nginx:*', 'istio/proxyv2:1.24'], allow: {privileged: true}}]",
			want: []string{"narrower", "- containers[0].allow.privileged: among containers of the image docker.io/*, a privileged container"}},
		{why: "an entry that is taken apart is the same", old: "containers: [{names: [a, b], kinds: [init, regular], allow: {privileged: true}}]",
			new: "containers: [{names: [a], kinds: [init, regular], allow: {privileged: true}}, {names: [b], kinds: [regular], allow: {privileged: true}}, {names: [b, b], kinds: [init], allow: {privileged: true}}]", want: []string{"equal"}},
		{why: "some of the containers of an entry, told where they make one", old: "containers: [{names: [a], kinds: [init], allow: {privileged: true}}]", new: "containers: [{names: [a, b], allow: {privileged: true}}]",
			want: []string{"wider", "+ containers[0].allow.privileged: among sidecar containers named a, a privileged container",
				"+ containers[0].allow.privileged: among regular containers named a, a privileged container", "+ containers[0].allow.privileged: among ephemeral containers named a, a privileged container",
				"+ containers[0].allow.privileged: among init containers named b, a privileged container", "+ containers[0].allow.privileged: among sidecar containers named b, a privileged container",
				"+ containers[0].allow.privileged: among regular containers named b, a privileged container", "+ containers[0].allow.privileged: among ephemeral containers named b, a privileged container"}},
		{why: "containers of another kind show it where the other policy has an entry for regular ones", old: "containers: [{kinds: [regular], allow: {seLinuxOptions: true}}]", new: "allow: {seLinuxOptions: true}",
			want: []string{"wider", "+ allow.seLinuxOptions: a container with an SELinux type, user or role of its own"}},
		{why: "of another name or image where it has one for what is plain", old: "containers: [{names: [app, x*], allow: {privileged: true}}, {images: ['docker.io/*'], allow: {privileged: true}}]", new: "allow: {privileged: true}",
			want: []string{"wider", "+ allow.privileged: a privileged container"}},
		{why: "of another one that a prefix begins", old: "containers: [{names: [a-x], allow: {privileged: true}}]", new: "containers: [{names: [a-*], allow: {privileged: true}}]",
			want: []string{"wider", "+ containers[0].allow.privileged: among containers named a-*, a privileged container"}},
		{why: "what all kinds of containers are granted by entries all containers are", old: "containers: [{kinds: [regular, init], allow: {privileged: true, allowedHostPorts: [{min: 1, max: 65535}]}}, {kinds: [ephemeral, regular], allow: {privileged: true}}, {kinds: [sidecar], allow: {privileged: true, allowedHostPorts: [{min: 1, max: 9}]}}]",
			new: "allow: {privileged: true, allowedHostPorts: [{min: 8, max: 9}]}", want: []string{"narrower", "- containers[0].allow.allowedHostPorts: among regular or init containers, a container with the host port 1 to 7",
				"- containers[0].allow.allowedHostPorts: among regular or init containers, a container with the host port 10 to 65535", "- containers[2].allow.allowedHostPorts: among sidecar containers, a container with the host port 1 to 7"}},
		{why: "debuggers have no ports, and neither they nor init containers have probes", new: "containers: [{kinds: [ephemeral], allow: {allowedHostPorts: [{min: 80, max: 80}], allowedProbeHosts: [127.0.0.1]}}, {kinds: [init], allow: {allowedProbeHosts: [127.0.0.1]}}]", want: []string{"equal"}},
		{why: "any other container has", new: "containers: [{names: [a], allow: {allowedHostPorts: [{min: 80, max: 80}], allowedProbeHosts: [127.0.0.1]}}, {names: [z*], kinds: [sidecar, ephemeral], allow: {allowedHostPorts: [{min: 81, max: 81}]}}]",
			want: []string{"wider", "+ containers[0].allow.allowedHostPorts: among containers named a, a container with the host port 80", "+ containers[0].allow.allowedProbeHosts: among containers named a, a probe or lifecycle hook of the host 127.0.0.1",
				"+ containers[1].allow.allowedHostPorts: among sidecar containers named z*, a container with the host port 81"}},
		{why: "where user namespaces are demanded, no grant frees what is free in one", old: "allow: {userNamespace: Required}", new: "allow: {userNamespace: Required, runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 2147483647}, {min: 0, max: 0}]}}",
			want: []string{"narrower", "- allow.runAsUser: a mirror pod, in which nothing is filled in, without a user ID"}},
		{why: "nor /proc at baseline", baseline: true, old: "allow: {userNamespace: Required}", new: "allow: {userNamespace: Required, procMounts: [Unmasked]}", want: []string{"equal"}},
		{why: "but of Windows pods, which have none", old: "allow: {userNamespace: Required}", new: "allow: {userNamespace: Required, runAsUser: RunAsAny}",
			want: []string{"wider", "+ allow.runAsUser: a container of a Windows pod with runAsNonRoot: false"}},
		{why: "what an entry grants all containers are granted", old: "containers: [{names: [a], allow: {privileged: true}}]", new: "allow: {privileged: true}",
			want: []string{"wider", "+ allow.privileged: a privileged container"}},
		{why: "what is written twice is told once, and what comes behind it too", new: "containers: [{names: [a], allow: {privileged: true}}, {names: [a], allow: {privileged: true}}, {names: [b], allow: {privileged: true}}]",
			want: []string{"wider", "+ containers[0].allow.privileged: among containers named a, a privileged container", "+ containers[2].allow.privileged: among containers named b, a privileged container"}},
		{why: "what the policy lets be is not told of its entry, and the rest of that is", new: "allow: {privileged: true}\ncontainers: [{names: [a], allow: {privileged: true, seLinuxOptions: true}}]",
			want: []string{"wider", "+ allow.privileged: a privileged container", "+ containers[0].allow.seLinuxOptions: among containers named a, a container with an SELinux type, user or role of its own"}},
		{why: "an entry for some of the containers of another is no second one of it", new: "containers: [{names: [a*], allow: {privileged: true}}, {names: [ab], allow: {seLinuxOptions: true}}]",
			want: []string{"wider", "+ containers[0].allow.privileged: among containers named a*, a privileged container", "+ containers[1].allow.seLinuxOptions: among containers named ab, a container with an SELinux type, user or role of its own"}},
		{why: "a name is not the beginning of one", old: "containers: [{names: [a], allow: {privileged: true}}]", new: "containers: [{names: [ab], allow: {privileged: true}}]",
			want: []string{"incomparable", "+ containers[0].allow.privileged: among containers named ab, a privileged container", "- containers[0].allow.privileged: among containers named a, a privileged container"}},
		{why: "each grant of an entry", new: "containers: [{names: [a], allow: {allowPrivilegeEscalation: true, privileged: true, allowedCapabilities: [SYS_TIME], allowedHostPorts: [{min: 1, max: 2}], seccompProfiles: [Unconfined], appArmorProfiles: [Unconfined], procMounts: [Unmasked], seLinuxOptions: true, windowsHostProcess: true, allowedProbeHosts: [h]}}]",
			want: []string{"wider", "+ containers[0].allow.allowPrivilegeEscalation: among containers named a, a container that sets allowPrivilegeEscalation: true", "+ containers[0].allow.privileged: among containers named a, a privileged container",
				"+ containers[0].allow.allowedCapabilities: among containers named a, a container that adds the capability SYS_TIME", "+ containers[0].allow.allowedHostPorts: among containers named a, a container with the host port 1 to 2",
				"+ containers[0].allow.seccompProfiles: among containers named a, a container with the seccomp profile Unconfined", "+ containers[0].allow.appArmorProfiles: among containers named a, a container with the AppArmor profile Unconfined",
				"+ containers[0].allow.procMounts: among containers named a, a container with the /proc mount Unmasked", "+ containers[0].allow.seLinuxOptions: among containers named a, a container with an SELinux type, user or role of its own",
				"+ containers[0].allow.windowsHostProcess: among containers named a, a Windows host process container", "+ containers[0].allow.allowedProbeHosts: among containers named a, a probe or lifecycle hook of the host h"}},
		{why: "all of some names and images are told together", new: "containers: [{names: [a, b], images: ['r.example/x:*', 'r.example/y:*', 'r.example/z:1'], allow: {privileged: true}}]",
			want: []string{"wider", "+ containers[0].allow.privileged: among containers named a or b of the image r.example/x:*, r.example/y:* or r.example/z:1, a privileged container"}},
		{why: "a rule of an entry behind one that has none", old: "containers: [{names: [a], allow: {privileged: true}}, {names: [b], allow: {runAsUser: RunAsAny}}]", new: "containers: [{names: [a], allow: {privileged: true}}]",
			want: []string{"undecided", "? containers: what this build does not know how to compare"}},
		{why: "of a sysctl that is listed twice the first is told", new: "allow: {allowedUnsafeSysctls: [kernel.*, net.core.somaxconn, kernel.*]}",
			want: []string{"wider", "+ allow.allowedUnsafeSysctls: a pod that sets any sysctl of kernel.*, as in kernel.msgmax", "+ allow.allowedUnsafeSysctls: a pod that sets the sysctl net.core.somaxconn"}},
		{why: "an expired list of volumes admits no more than the level does", old: "expires: 2026-12-31\nallow: {volumes: [nfs]}", new: "allow: {volumes: [nfs]}",
			want: []string{"undecided", "+? expires: what the policy grants, after 2026-12-31"}},
		{why: "without a list all types are free at baseline, expired or not", baseline: true, old: "expires: 2026-12-31", new: "", want: []string{"equal"}},
		{why: "any user is one of each ID", old: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 9}]}}", new: "allow: {runAsUser: RunAsAny}",
			want: []string{"wider", "+ allow.runAsUser: a container that runs as root, user ID 0", "+ allow.runAsUser: a container that runs as user ID 0", "+ allow.runAsUser: a container that runs as user ID 10 to 2147483647"}},
		{why: "and so is one in a user namespace", old: "allow: {userNamespace: Required, runAsUser: {rule: MustRunAs, ranges: [{min: 5, max: 2147483647}]}}", new: "allow: {userNamespace: Required}",
			want: []string{"wider", "+ allow.runAsUser: a container that runs as user ID 0 to 4"}},
		{why: "an entry for an image, and one that is written twice", old: "containers: [{images: ['docker.io/library/nginx:*'], allow: {allowedHostPorts: [{min: 80, max: 81}]}}]",
			new:  "containers: [{images: ['docker.io/library/nginx:*'], allow: {allowedHostPorts: [{min: 80, max: 80}]}}, {images: ['docker.io/library/nginx:*'], allow: {allowedHostPorts: [{min: 80, max: 80}]}}]",
			want: []string{"narrower", "- containers[0].allow.allowedHostPorts: among containers of the image docker.io/library/nginx:*, a container with the host port 81"}},
		{why: "entries in another order", old: "containers: [{names: [a], allow: {privileged: true}}, {kinds: [ephemeral], allow: {allowedCapabilities: [SYS_PTRACE]}}]",
			new: "containers: [{kinds: [ephemeral], allow: {allowedCapabilities: [SYS_PTRACE]}}, {names: [a], allow: {privileged: true}}]", want: []string{"equal"}},
		{why: "a debugger, and what only Windows or the network have", old: "", new: "containers: [{kinds: [ephemeral], allow: {allowedCapabilities: [SYS_PTRACE], seccompProfiles: [Unconfined]}}]",
			want: []string{"wider", "+ containers[0].allow.allowedCapabilities: among ephemeral containers, a container that adds the capability SYS_PTRACE",
				"+ containers[0].allow.seccompProfiles: among ephemeral containers, a container with the seccomp profile Unconfined"}},
		{why: "a rule of an entry is not compared", old: "containers: [{names: [a], allow: {runAsUser: RunAsAny}}]", new: "containers: [{names: [b], allow: {runAsUser: RunAsAny}}]",
			want: []string{"undecided", "? containers: what this build does not know how to compare"}},
		{why: "the same rule in both is", old: "containers: [{names: [a], allow: {runAsUser: RunAsAny}}]", new: "allow: {hostIPC: true}\ncontainers: [{names: [a], allow: {runAsUser: RunAsAny}}]",
			want: []string{"wider", "+ allow.hostIPC: a pod in the host's IPC namespace (hostIPC)"}},
		{why: "one capability more", old: "allow: {allowedCapabilities: [NET_ADMIN]}", new: "allow: {allowedCapabilities: [cap_net_admin, SYS_TIME]}",
			want: []string{"wider", "+ allow.allowedCapabilities: a container that adds the capability SYS_TIME"}},
		{why: "case and CAP_ do not matter, nor order and repetition", old: "allow: {allowedCapabilities: [NET_ADMIN, SYS_TIME]}",
			new: "allow: {allowedCapabilities: [cap_sys_time, Net_Admin, NET_ADMIN]}", want: []string{"equal"}},
		{why: "all capabilities are more than one, and one that is not listed shows it", old: "allow: {allowedCapabilities: [SYS_ADMIN]}", new: `allow: {allowedCapabilities: ["*", CHOWN]}`,
			want: []string{"wider", "+ allow.allowedCapabilities: a container that adds any capability, as in AUDIT_CONTROL"}},
		{why: "what the level allows is a difference only as it does not spell it", new: "allow: {allowedCapabilities: [NET_BIND_SERVICE]}",
			want: []string{"wider", "+ allow.allowedCapabilities: a container that adds, in a spelling that the level does not know, the capability NET_BIND_SERVICE"}},
		{why: "ALL is a name of its own, and not everything", old: "allow: {allowedCapabilities: [ALL]}", new: "allow: {allowedCapabilities: [NET_RAW]}",
			want: []string{"incomparable", "+ allow.allowedCapabilities: a container that adds the capability NET_RAW", "- allow.allowedCapabilities: a container that adds the capability ALL"}},
		{why: "what is listed twice is told once, and what follows it too", new: "allow: {allowedCapabilities: [NET_ADMIN, cap_net_admin, SYS_TIME], allowedUnsafeSysctls: [kernel.*, kernel.*, net.core.somaxconn, kernel.sem, fs.mqueue.msg_max], allowedProbeHosts: [a, a, b]}",
			want: []string{"wider", "+ allow.allowedCapabilities: a container that adds the capability NET_ADMIN", "+ allow.allowedCapabilities: a container that adds the capability SYS_TIME",
				"+ allow.allowedUnsafeSysctls: a pod that sets any sysctl of kernel.*, as in kernel.msgmax", "+ allow.allowedUnsafeSysctls: a pod that sets the sysctl net.core.somaxconn",
				"+ allow.allowedUnsafeSysctls: a pod that sets the sysctl fs.mqueue.msg_max",
				"+ allow.allowedProbeHosts: a probe or lifecycle hook of the host a", "+ allow.allowedProbeHosts: a probe or lifecycle hook of the host b"}},
		{why: "a prefix is more than a name below it", old: "allow: {allowedUnsafeSysctls: [net.core.somaxconn]}", new: `allow: {allowedUnsafeSysctls: [net.core.*]}`,
			want: []string{"wider", "+ allow.allowedUnsafeSysctls: a pod that sets any sysctl of net.core.*, as in net.core.a"}},
		{why: "a prefix that another covers adds nothing", old: `allow: {allowedUnsafeSysctls: [net.*]}`, new: `allow: {allowedUnsafeSysctls: [net.core.*, net.*, net.core.rmem_max, net.*]}`,
			want: []string{"equal"}},
		{why: "every sysctl", old: `allow: {allowedUnsafeSysctls: [kernel.*]}`, new: `allow: {allowedUnsafeSysctls: ["*"]}`,
			want: []string{"wider", "+ allow.allowedUnsafeSysctls: a pod that sets any sysctl of *, as in net.core.somaxconn"}},
		{why: "a safe sysctl needs no grant", new: "allow: {allowedUnsafeSysctls: [net.ipv4.tcp_syncookies]}", want: []string{"equal"}},
		{why: "hostNetworkPorts is hostNetwork and every port", old: "allow: {hostNetworkPorts: true}", new: "allow: {hostNetwork: true, allowedHostPorts: [{min: 81, max: 65535}, {min: 1, max: 80}]}",
			want: []string{"equal"}},
		{why: "hostNamespace is hostPID and hostIPC", old: "allow: {hostNamespace: true}", new: "allow: {hostPID: true, hostIPC: true}", want: []string{"equal"}},
		{why: "one of the two", old: "allow: {hostPID: true}", new: "allow: {hostNamespace: true}",
			want: []string{"wider", "+ allow.hostNamespace: a pod in the host's IPC namespace (hostIPC)"}},
		{why: "ranges of ports are taken together", old: "allow: {allowedHostPorts: [{min: 80, max: 90}, {min: 91, max: 99}, {min: 300, max: 300}]}",
			new:  "allow: {allowedHostPorts: [{min: 85, max: 100}]}",
			want: []string{"incomparable", "+ allow.allowedHostPorts: a container with the host port 100", "- allow.allowedHostPorts: a container with the host port 80 to 84", "- allow.allowedHostPorts: a container with the host port 300"}},
		{why: "a path below another, by whole segments", old: "allow: {allowedHostPaths: [{pathPrefix: /var/log}]}", new: "allow: {allowedHostPaths: [{pathPrefix: /var/log/pods}, {pathPrefix: /var/logs}]}",
			want: []string{"incomparable", "+ allow.allowedHostPaths: a hostPath volume that is mounted writable, at or below /var/logs", "- allow.allowedHostPaths: a hostPath volume that is mounted writable, at or below /var/log"}},
		{why: "writable is more than read-only, and read-only more than that with all below", old: "allow: {allowedHostPaths: [{pathPrefix: /a, readOnly: true}, {pathPrefix: /b, readOnly: true, recursiveReadOnly: true}]}",
			new:  "allow: {allowedHostPaths: [{pathPrefix: /a}, {pathPrefix: /b, readOnly: true}]}",
			want: []string{"wider", "+ allow.allowedHostPaths: a hostPath volume that is mounted writable, at or below /a", "+ allow.allowedHostPaths: a hostPath volume that is mounted read-only, at or below /b"}},
		{why: "mounted read-only with all below it", new: "allow: {allowedHostPaths: [{pathPrefix: /b, readOnly: true, recursiveReadOnly: true}]}",
			want: []string{"wider", "+ allow.allowedHostPaths: a hostPath volume that is mounted read-only with all below it, at or below /b"}},
		{why: "two entries together admit every type that one names", old: "allow: {allowedHostPaths: [{pathPrefix: /a, types: [File, Socket]}]}",
			new:  "allow: {allowedHostPaths: [{pathPrefix: /a, types: [File]}, {pathPrefix: /, readOnly: true}, {pathPrefix: /a, types: [Socket]}]}",
			want: []string{"wider", "+ allow.allowedHostPaths: a hostPath volume that is mounted read-only, at or below /"}},
		{why: "one type more", old: "allow: {allowedHostPaths: [{pathPrefix: /a, types: [File]}]}", new: "allow: {allowedHostPaths: [{pathPrefix: /a, types: [Socket, File]}]}",
			want: []string{"wider", "+ allow.allowedHostPaths: a hostPath volume that is mounted writable, of type Socket, at or below /a"}},
		{why: "drive letters have no case, and are no paths of Linux", old: `allow: {allowedHostPaths: [{pathPrefix: 'C:\var'}]}`, new: `allow: {allowedHostPaths: [{pathPrefix: 'c:\VAR\log'}, {pathPrefix: /var}]}`,
			want: []string{"incomparable", "+ allow.allowedHostPaths: a hostPath volume that is mounted writable, at or below /var", `- allow.allowedHostPaths: a hostPath volume that is mounted writable, at or below C:\var`}},
		{why: "hostPath in volumes grants nothing", old: "allow: {volumes: [hostPath]}", new: "allow: {volumes: []}", want: []string{"equal"}},
		{why: "one type of volume", old: "allow: {volumes: [secret]}", new: "allow: {volumes: [secret, nfs]}", want: []string{"wider", "+ allow.volumes: a volume of type nfs"}},
		{why: "unset volumes are the default ones at restricted", old: "", new: "allow: {volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret, csi]}",
			want: []string{"wider", "+ allow.volumes: a volume of type csi"}},
		{why: "and every type at baseline", baseline: true, old: "", new: `allow: {volumes: ["*"]}`, want: []string{"equal"}},
		{why: "a list demands at baseline too", baseline: true, new: "allow: {volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret, csi, image, ephemeral, nfs, iscsi, glusterfs, rbd, flexVolume, cinder, cephfs, flocker, fc, azureFile, vsphereVolume, quobyte, azureDisk, photonPersistentDisk, portworxVolume, scaleIO, storageos, gcePersistentDisk, awsElasticBlockStore]}",
			want: []string{"narrower", "- allow.volumes: a volume of type gitRepo"}},
		{why: "privileged excuses what follows from it for privileged containers alone", old: "allow: {privileged: true}", new: "allow: {privileged: true, allowPrivilegeEscalation: true}, mutations: {dropAllCapabilities: false}",
			want: []string{"wider", "+ allow.allowPrivilegeEscalation: a container that sets allowPrivilegeEscalation: true", "+ mutations.dropAllCapabilities: a container that does not drop all capabilities"}},
		{why: "escalation is free at baseline", baseline: true, new: "allow: {allowPrivilegeEscalation: true}", want: []string{"equal"}},
		{why: "and what is not dropped", baseline: true, new: "mutations: {dropAllCapabilities: false, setDefaultSeccompProfile: false}", want: []string{"equal"}},
		{why: "without a profile to fill in, a pod that keeps others from filling one in is let be", new: "mutations: {setDefaultSeccompProfile: false}",
			want: []string{"wider", "+ mutations.setDefaultSeccompProfile: a container that is left without a seccomp profile"}},
		{why: "root by an ID is less than any user", old: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}", new: "allow: {runAsUser: RunAsAny}",
			want: []string{"wider", "+ allow.runAsUser: a container with runAsNonRoot: false, whatever its user ID", "+ allow.runAsUser: a container that runs as user ID 1 to 2147483647"}},
		{why: "every ID but root's: a pod that is not filled has none", old: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 2147483647}]}}", new: "allow: {runAsUser: MustRunAsNonRoot}",
			want: []string{"wider", "+ allow.runAsUser: a mirror pod, in which nothing is filled in, without a user ID"}},
		{why: "what is filled in is root", old: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 9}]}}, mutations: {runAsUser: 5}", new: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 9}]}}",
			want: []string{"wider", "+ allow.runAsUser: a container with runAsNonRoot: false and no user ID, for which 0 is filled in"}},
		{why: "and at baseline nobody asks", baseline: true, old: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 9}]}}, mutations: {runAsUser: 5}", new: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 9}]}}",
			want: []string{"equal"}},
		{why: "ranges of users touch", old: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 400, max: 449}, {min: 450, max: 499}]}}", new: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 400, max: 500}]}}",
			want: []string{"wider", "+ allow.runAsUser: a container that runs as user ID 500"}},
		{why: "a group that may be unset and one that must not differ in mirror pods", old: "allow: {runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 9}]}}", new: "allow: {runAsGroup: {rule: MayRunAs, ranges: [{min: 1, max: 9}]}}",
			want: []string{"wider", "+ allow.runAsGroup: a mirror pod, in which nothing is filled in, without a group ID"}},
		{why: "MayRunAs with every ID demands nothing", old: "allow: {fsGroup: {rule: MayRunAs, ranges: [{min: 0, max: 2147483647}]}}", new: "", want: []string{"equal"}},
		{why: "MustRunAs with every ID demands one", old: "allow: {fsGroup: {rule: MustRunAs, ranges: [{min: 0, max: 2147483647}]}}", new: "",
			want: []string{"wider", "+ allow.fsGroup: a mirror pod, in which nothing is filled in, without a fsGroup"}},
		{why: "supplemental groups", old: "allow: {supplementalGroups: {rule: MayRunAs, ranges: [{min: 1, max: 9}]}}", new: "allow: {supplementalGroups: {rule: MayRunAs, ranges: [{min: 2, max: 10}]}}",
			want: []string{"incomparable", "+ allow.supplementalGroups: a pod with the supplemental group 10", "- allow.supplementalGroups: a pod with the supplemental group 1"}},
		{why: "the groups of the image", old: "allow: {supplementalGroups: {policy: Strict}}", new: "",
			want: []string{"wider", "+ allow.supplementalGroups: a pod to whose groups the image adds more (supplementalGroupsPolicy: Merge)"}},
		{why: "a read-only root", old: "allow: {readOnlyRootFilesystem: true}", new: "", want: []string{"wider", "+ allow.readOnlyRootFilesystem: a container with a writable root filesystem"}},
		{why: "one word each", new: "allow: {seccompProfiles: [Unconfined], appArmorProfiles: [Unconfined], procMounts: [Unmasked], seLinuxOptions: true, windowsHostProcess: true, allowedProbeHosts: [127.0.0.1]}",
			want: []string{"wider", "+ allow.seccompProfiles: a container with the seccomp profile Unconfined", "+ allow.appArmorProfiles: a container with the AppArmor profile Unconfined",
				"+ allow.procMounts: a container with the /proc mount Unmasked", "+ allow.seLinuxOptions: a container with an SELinux type, user or role of its own",
				"+ allow.windowsHostProcess: a Windows host process container", "+ allow.allowedProbeHosts: a probe or lifecycle hook of the host 127.0.0.1"}},
		{why: "what is filled in makes no difference in itself", old: "mutations: {runAsGroup: 400, fsGroup: 400, supplementalGroups: []}", new: "mutations: {runAsUser: 7}", want: []string{"equal"}},
		{why: "the kinds of one privilege", old: "allow: {privileged: true, hostIPC: true}", new: "allow: {hostNetwork: true}",
			want: []string{"incomparable", "+ allow.hostNetwork: a pod in the host's network (hostNetwork)", "- allow.privileged: a privileged container", "- allow.hostIPC: a pod in the host's IPC namespace (hostIPC)"}},
	} {
		t.Run(row.why, func(t *testing.T) {
			lv := restrictedLatest()
			if row.baseline {
				lv = baselineLatest()
			}
			old, new := readPolicy(t, blocks(row.old)), readPolicy(t, blocks(row.new))
			got := said(Compare(old, new, lv))
			if !slices.Equal(got, row.want) {
				t.Errorf("got:\n%q\nwant:\n%q", got, row.want)
			}
			back := said(Compare(new, old, lv))[1:]
			if len(back) != len(said(Compare(old, new, lv)))-1 {
				t.Errorf("turned round: %q", back)
			}
			for _, line := range row.want[1:] {
				if line = turned[line[:1]] + line[1:]; !slices.Contains(back, line) {
					t.Errorf("turned round, %q is not said: %q", line, back)
				}
			}
		})
	}
}

// TestCompareByLevel: what differs depends on the checks in force, and at privileged
// nothing does.
func TestCompareByLevel(t *testing.T) {
	all := readPolicy(t, blocks("allow: {allowPrivilegeEscalation: true, seccompProfiles: [Unconfined], allowedProbeHosts: [a], allowedCapabilities: [CHOWN], runAsUser: RunAsAny}, mutations: {dropAllCapabilities: false, setDefaultSeccompProfile: false}"))
	for _, row := range []struct {
		why     string
		level   api.Level
		version api.Version
		want    []string
	}{
		{"nothing is looked at", api.LevelPrivileged, api.LatestVersion(), nil},
		{"all is checked", api.LevelRestricted, api.LatestVersion(), []string{
			"allow.allowPrivilegeEscalation", "allow.allowedCapabilities", "mutations.dropAllCapabilities", "allow.runAsUser", "allow.seccompProfiles", "mutations.setDefaultSeccompProfile", "allow.allowedProbeHosts"}},
		{"before the hosts of probes", api.LevelRestricted, api.MajorMinorVersion(1, 33), []string{
			"allow.allowPrivilegeEscalation", "allow.allowedCapabilities", "mutations.dropAllCapabilities", "allow.runAsUser", "allow.seccompProfiles", "mutations.setDefaultSeccompProfile"}},
		{"before what must be dropped", api.LevelRestricted, api.MajorMinorVersion(1, 21), []string{
			"allow.allowPrivilegeEscalation", "allow.allowedCapabilities", "allow.runAsUser", "allow.seccompProfiles", "mutations.setDefaultSeccompProfile"}},
		{"with seccomp's annotations", api.LevelRestricted, api.MajorMinorVersion(1, 18), []string{
			"allow.allowPrivilegeEscalation", "allow.allowedCapabilities", "allow.runAsUser", "allow.seccompProfiles"}},
		{"before escalation", api.LevelRestricted, api.MajorMinorVersion(1, 7), []string{"allow.allowedCapabilities", "allow.runAsUser", "allow.seccompProfiles"}},
		{"what restricted alone demands is free", api.LevelBaseline, api.LatestVersion(), []string{"allow.allowedCapabilities", "allow.seccompProfiles", "allow.allowedProbeHosts"}},
	} {
		c := Compare(selecting(policy.Policy{}), all, api.LevelVersion{Level: row.level, Version: row.version})
		var keys []string
		for _, d := range c.Differences {
			keys = append(keys, d.Key)
			if d.Direction != Widens {
				t.Errorf("%s: %s %s", row.why, d.Key, d.Direction)
			}
		}
		if !slices.Equal(keys, row.want) {
			t.Errorf("%s: %q, want %q", row.why, keys, row.want)
		}
		if c.Level.Level != row.level {
			t.Errorf("%s: level %s", row.why, c.Level.Level)
		}
	}
	demanding := readPolicy(t, "allow: {readOnlyRootFilesystem: true}")
	if c := Compare(selecting(policy.Policy{}), demanding, api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}); c.Relation != Equal {
		t.Errorf("at privileged a policy with a rule is %s", c.Relation)
	}
	if c := Compare(nil, nil, restrictedLatest()); c.Relation != Equal {
		t.Errorf("the default policy is %s to itself", c.Relation)
	}
	if c := Compare(nil, selecting(policy.Policy{}), api.LevelVersion{}); c.Relation != Narrower || c.Level.Level != api.LevelRestricted {
		t.Errorf("one that selects is %s to the default policy at %v", c.Relation, c.Level)
	}
}

// TestDemandedAndNotFilled: a policy may demand a group and fill none in. Then a pod has
// to say it, and so do the pods that show other differences.
func TestDemandedAndNotFilled(t *testing.T) {
	rule := policy.SupplementalGroupsRule{GroupRule: policy.GroupRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 5, Max: 9}}}}
	filling := selecting(policy.Policy{Allow: policy.Allow{SupplementalGroups: rule}})
	leaving := selecting(policy.Policy{Allow: policy.Allow{SupplementalGroups: rule, HostPID: true}, Mutations: policy.Mutations{SupplementalGroups: []int64{}}})
	got := said(Compare(leaving, filling, restrictedLatest()))
	want := []string{
		"incomparable",
		"+ allow.supplementalGroups: a pod that sets no supplemental group, for which none is filled in",
		"- allow.hostPID: a pod in the host's PID namespace (hostPID)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	free := selecting(policy.Policy{Allow: policy.Allow{HostPID: true}})
	want = []string{"narrower", "- allow.supplementalGroups: a pod with the supplemental group 0 to 4",
		"- allow.supplementalGroups: a pod with the supplemental group 10 to 2147483647",
		"- allow.supplementalGroups: a pod that sets no supplemental group, for which none is filled in"}
	if got := said(Compare(free, leaving, restrictedLatest())); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	other := leaving.DeepCopy()
	other.Allow.HostIPC = true
	want = []string{"wider", "+ allow.hostIPC: a pod in the host's IPC namespace (hostIPC)"}
	if got := said(Compare(leaving, other, restrictedLatest())); !slices.Equal(got, want) {
		t.Errorf("both leave it: %q", got)
	}
}

// TestOldAndNew: a difference has what both policies say under its key.
func TestOldAndNew(t *testing.T) {
	d := Compare(readPolicy(t, "allow: {allowedHostPorts: [{min: 80, max: 81}]}"), readPolicy(t, "mutations: {fsGroup: 7}"), restrictedLatest())
	want := []any{map[string]any{"min": 80.0, "max": 81.0}}
	if len(d.Differences) != 1 || !reflect.DeepEqual(d.Differences[0].Old, any(want)) || d.Differences[0].New != nil {
		t.Errorf("%+v", d.Differences)
	}
	if fills := []FillDifference{{"spec.securityContext.fsGroup", int64(1), int64(7)}}; !reflect.DeepEqual(d.Fills, fills) {
		t.Errorf("fills %+v", d.Fills)
	}
	entry := Compare(readPolicy(t, "containers: [{names: [a], allow: {privileged: true}}]"), readPolicy(t, "containers: [{names: [b]}, {names: [a], allow: {privileged: true, seLinuxOptions: true}}]"), restrictedLatest())
	if len(entry.Differences) != 1 || entry.Differences[0].Key != "containers[1].allow.seLinuxOptions" || entry.Differences[0].Old != nil || entry.Differences[0].New != any(true) {
		t.Errorf("of an entry: %+v", entry.Differences)
	}
	back := Compare(readPolicy(t, "mutations: {supplementalGroups: []}"), readPolicy(t, "mutations: {runAsUser: 7}"), restrictedLatest())
	if fills := []FillDifference{
		{"spec.containers[0].securityContext.runAsUser", nil, int64(7)}, {"spec.securityContext.supplementalGroups", nil, []int64{1}},
	}; len(back.Fills) != 2 || !slices.ContainsFunc(back.Fills, func(f FillDifference) bool { return reflect.DeepEqual(f, fills[0]) }) ||
		!slices.ContainsFunc(back.Fills, func(f FillDifference) bool { return reflect.DeepEqual(f, fills[1]) }) {
		t.Errorf("fills %+v", back.Fills)
	}
}

// blocks puts the blocks of a policy, written on one line, on lines of their own.
func blocks(text string) string {
	for i := range text {
		if i > 0 && len(text) > i+12 && text[i-1:i+12] == "}, mutations:"[:13] {
			return text[:i] + "\n" + text[i+2:] + "\n"
		}
	}
	return text + "\n"
}
