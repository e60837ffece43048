package author

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/podfence/podfence/policy"
)

// TestUsageOf: which entries are used, which are not, and what would do.
func TestUsageOf(t *testing.T) {
	for _, test := range []struct {
		name, reason, policy, pods string
		unused                     []string
		narrower                   string
		filled                     []string
	}{
		{
			name: "everything is used", reason: "there is no narrower policy",
			policy: "name: a\npodSelectorLabels: {app: a}\nallow: {hostPID: true}\n",
			pods:   "metadata: {name: a, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n",
		},
		{
			name: "a wide key", reason: "it is used for one half of what it grants",
			policy:   "name: a\npodSelectorLabels: {app: a}\nallow: {hostNamespace: true, hostNetworkPorts: true}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a, ports: [{containerPort: 1, hostPort: 1}]}]}\n",
			narrower: "name: a\npodSelectorLabels: {app: a}\nallow: {hostPID: true, allowedHostPorts: [{min: 1, max: 1}]}\n",
		},
		{
			name: "patterns", reason: "the names that are used will do, and what the pod mounts read-only",
			policy:   "name: a\npodSelectorLabels: {app: a}\nallow: {allowedCapabilities: ['*'], allowedUnsafeSysctls: ['net.*'], allowedHostPaths: [{pathPrefix: /}]}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {capabilities: {add: [CAP_CHOWN]}}}], volumes: [{name: v, hostPath: {path: /var/log}}]}\n",
			unused:   []string{"allow.allowedUnsafeSysctls[0]"},
			narrower: "name: a\npodSelectorLabels: {app: a}\nallow: {allowedCapabilities: [CHOWN], allowedHostPaths: [{pathPrefix: /var/log, readOnly: true}]}\n",
		},
		{
			name: "volumes", reason: "each type counts, and one that the level allows too",
			policy:   "name: a\npodSelectorLabels: {app: a}\nallow: {volumes: [projected, csi, secret], hostPID: true}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a}], volumes: [{name: v, csi: {driver: d}}]}\n",
			unused:   []string{"allow.volumes[2]", "allow.hostPID"},
			narrower: "name: a\npodSelectorLabels: {app: a}\nallow: {volumes: [projected, csi]}\n",
		},
		{
			name: "one of two containers", reason: "a policy that speaks of whole pods stays one, though an entry for the container would open less",
			policy:   "name: a\npodSelectorLabels: {app: a}\nallow: {allowedCapabilities: ['*']}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {capabilities: {add: [CHOWN]}}}, {name: b}]}\n",
			narrower: "name: a\npodSelectorLabels: {app: a}\nallow: {allowedCapabilities: [CHOWN]}\n",
		},
		{
			name: "what would be filled in", reason: "the escalation is unset and granted now",
			policy:   "name: a\npodSelectorLabels: {app: a}\nallow: {allowPrivilegeEscalation: true}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a}]}\n",
			narrower: "name: a\npodSelectorLabels: {app: a}\n",
			filled:   []string{`container "a": securityContext.allowPrivilegeEscalation is false`},
		},
		{
			name: "single containers", reason: "the entry that matches none is unused",
			policy:   "name: a\npodSelectorLabels: {app: a}\ncontainers:\n  - {names: [a], kinds: [regular], allow: {privileged: true}}\n  - {names: [z], allow: {privileged: true}}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, image: x, securityContext: {privileged: true}}, {name: b}]}\n",
			unused:   []string{"containers[1].allow.privileged"},
			narrower: "name: a\npodSelectorLabels: {app: a}\ncontainers: [{names: [a], kinds: [regular], allow: {privileged: true}}]\n",
		},
		{
			name: "a rule beside grants", reason: "it demands, and stays in the narrower policy as it is",
			policy:   "name: a\npodSelectorLabels: {app: a}\nallow: {hostPID: true, runAsUser: {rule: MustRunAs, ranges: [{min: 5, max: 9}]}}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {runAsUser: 5}}]}\n",
			unused:   []string{"allow.hostPID"},
			narrower: "name: a\npodSelectorLabels: {app: a}\nallow: {runAsUser: {rule: MustRunAs, ranges: [{min: 5, max: 9}]}}\n",
		},
		{
			name: "a rule of an entry in place of the policy's", reason: "it excuses nothing, and the container could not run without it; of the other one it can; rules with ranges stay all the same",
			policy:   "name: a\npodSelectorLabels: {app: a}\nallow: {runAsUser: {rule: MustRunAs, ranges: [{min: 5, max: 9}]}}\ncontainers:\n  - {names: [a], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}, {min: 20, max: 20}]}}}\n  - {names: [b], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}, {min: 30, max: 30}]}}}\n  - {names: [c], allow: {privileged: true}}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {runAsUser: 20}}, {name: b, securityContext: {runAsUser: 6}}]}\n",
			unused:   []string{"containers[1].allow.runAsUser", "containers[2].allow.privileged"},
			narrower: "name: a\npodSelectorLabels: {app: a}\nallow: {runAsUser: {rule: MustRunAs, ranges: [{min: 5, max: 9}]}}\ncontainers:\n  - {names: [a], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}, {min: 20, max: 20}]}}}\n  - {names: [b], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}, {min: 30, max: 30}]}}}\n",
		},
		{
			name: "every type of volume", reason: "the entry that admits the type is used, and not another one",
			policy:   "name: a\npodSelectorLabels: {app: a}\nallow: {volumes: [secret, '*']}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {automountServiceAccountToken: false, containers: [{name: a}], volumes: [{name: v, csi: {driver: d}}]}\n",
			unused:   []string{"allow.volumes[0]"},
			narrower: "name: a\npodSelectorLabels: {app: a}\nallow: {volumes: [csi]}\n",
		},
		{
			name: "paths that say how they are mounted", reason: "the narrower policy says so too",
			policy:   "name: a\npodSelectorLabels: {app: a}\nallow: {hostPID: true, allowedHostPaths: [{pathPrefix: /v, readOnly: true, recursiveReadOnly: true}]}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, volumeMounts: [{name: v, mountPath: /v, readOnly: true, recursiveReadOnly: Enabled}]}], volumes: [{name: v, hostPath: {path: /v, type: Directory}}]}\n",
			unused:   []string{"allow.hostPID"},
			narrower: "name: a\npodSelectorLabels: {app: a}\nallow: {allowedHostPaths: [{pathPrefix: /v, readOnly: true, recursiveReadOnly: true, types: [Directory]}]}\n",
		},
		{
			name: "one value that excuses by entries together", reason: "nothing but the pod breaks the standard, and an answer names the first entry alone; the second one is needed too; of two for one container the earlier one will do; and the last one excuses nothing",
			policy: "name: a\npodSelectorLabels: {app: a}\ncontainers:\n" +
				"  - {names: [a], allow: {appArmorProfiles: [Unconfined]}}\n  - {names: [b], allow: {appArmorProfiles: [Unconfined]}}\n" +
				"  - {names: ['b*'], allow: {appArmorProfiles: [Unconfined]}}\n  - {names: [a], allow: {privileged: true}}\n",
			pods:     "metadata: {name: a, labels: {app: a}}\nspec: {securityContext: {appArmorProfile: {type: Unconfined}}, containers: [{name: a}, {name: b}]}\n",
			unused:   []string{"containers[2].allow.appArmorProfiles[0]", "containers[3].allow.privileged"},
			narrower: "name: a\npodSelectorLabels: {app: a}\ncontainers:\n  - {names: [a], allow: {appArmorProfiles: [Unconfined]}}\n  - {names: [b], allow: {appArmorProfiles: [Unconfined]}}\n",
		},
		{
			name: "a value that containers inherit", reason: "each of the entries is used, though an answer names the first",
			policy: "name: a\npodSelectorLabels: {app: a}\ncontainers:\n  - {names: [a], allow: {seccompProfiles: [Unconfined]}}\n  - {names: [b], allow: {seccompProfiles: [Unconfined]}}\n",
			pods:   "metadata: {name: a, labels: {app: a}}\nspec: {securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: a}, {name: b}]}\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, err := policy.NewSet(policiesOf(t, test.policy)...)
			if err != nil {
				t.Fatal(err)
			}
			u := NewUsage(restricted, set)
			list := pods(t, test.pods)
			for i := range list {
				u.Add(&list[i])
			}
			p := u.Report().Policies[0]
			if n, denied := p.Pods(); n != len(list) || denied != 0 {
				t.Fatalf("%d pods, %d denied", n, denied)
			}
			var unused, filled []string
			for _, e := range p.Entries {
				if e.Pods < 0 || e.Pods > len(list) {
					t.Errorf("%s is used by %d pods of %d", e.Grant, e.Pods, len(list))
				}
			}
			if record := p.Record(); (record.Narrower != nil) != (p.Narrower != nil) {
				t.Errorf("the record has %v", record.Narrower)
			}
			for _, granted := range p.Unused() {
				unused = append(unused, granted.At.String())
			}
			for i := range p.Filled {
				filled = append(filled, p.Filled[i].String())
			}
			if !slices.Equal(unused, test.unused) || !slices.Equal(filled, test.filled) {
				t.Errorf("%s: unused %q, want %q; filled %q, want %q", test.reason, unused, test.unused, filled, test.filled)
			}
			var narrower []policy.Policy
			if p.Narrower != nil {
				narrower = append(narrower, *p.Narrower)
			}
			if diff := cmp.Diff(policiesOf(t, test.narrower), narrower, samePolicies); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
		})
	}
}

// TestUsageOfDeniedPods: a pod that is denied uses nothing, and where none is allowed
// there is no narrower policy.
func TestUsageOfDeniedPods(t *testing.T) {
	set, err := policy.NewSet(policiesOf(t, "name: a\npodSelectorLabels: {app: a}\nallow: {hostPID: true}\n")...)
	if err != nil {
		t.Fatal(err)
	}
	u := NewUsage(restricted, set)
	if p := u.Report().Policies[0]; p.Narrower != nil || len(p.Unused()) != 1 {
		t.Errorf("without pods: %+v", p)
	}
	denied := podOf(t, "metadata: {name: a, labels: {app: a}}\nspec: {hostPID: true, hostIPC: true, containers: [{name: a}]}\n")
	u.Add(&denied)
	p := u.Report().Policies[0]
	if n, of := p.Pods(); n != 1 || of != 1 || p.Narrower != nil || len(p.Unused()) != 1 || len(p.Entries[0].Reasons) > 0 {
		t.Errorf("%d pods, %d denied: %+v", n, of, p)
	}
}

// TestUsageOfAnExpiredPolicy: it governs what it selects, and nothing uses its grants. It
// is told from one of the same namespaces and from one of the same name.
func TestUsageOfAnExpiredPolicy(t *testing.T) {
	policies, err := policy.Parse([]byte("name: a\nnamespaces: [x, z]\npodSelectorLabels: {app: b}\n---\nname: b\nnamespace: w\npodSelectorLabels: {app: a}\n---\n"+
		"name: b\nnamespaces: [x, z]\npodSelectorLabels: {app: a}\nexpires: 2026-12-31\nallow: {hostPID: true}\n"), "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	list := pods(t, "metadata: {name: a, namespace: x, labels: {app: a}}\nspec: {containers: [{name: a}]}\n---\n"+
		"metadata: {name: b, namespace: z, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n")
	for day, want := range map[string]struct {
		expired bool
		denied  int
		unused  int
	}{"2026-12-31": {false, 0, 0}, "2027-01-01": {true, 1, 1}} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		usage := NewUsage(restrictedLatest(), set.At(at))
		for i := range list {
			usage.Add(&list[i])
		}
		policies := usage.Report().Policies
		p := policies[slices.IndexFunc(policies, func(p PolicyUse) bool { return p.Policy.Expires != "" })]
		if n, denied := p.Pods(); n != 2 || denied != want.denied || len(p.Unused()) != want.unused || p.Expired != want.expired || p.Record().Expired != want.expired {
			t.Errorf("%s: %d pods, %d denied, %d unused, expired: %v", day, n, denied, len(p.Unused()), p.Expired)
		}
	}
}
