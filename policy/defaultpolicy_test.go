package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDefaultPolicyGrantsNothing: each row is refused, and says which key it is.
func TestDefaultPolicyGrantsNothing(t *testing.T) {
	const fix = "; remove it, or give it to a policy that selects its pods"
	named := map[Key]bool{}
	for _, row := range []struct{ in, field string }{
		{"allow: {allowPrivilegeEscalation: true}", "allow.allowPrivilegeEscalation"},
		{"allow: {privileged: true}", "allow.privileged"},
		{"allow: {allowedCapabilities: [CHOWN]}", "allow.allowedCapabilities"},
		{"allow: {allowedUnsafeSysctls: [kernel.shm_rmid_forced]}", "allow.allowedUnsafeSysctls"},
		{"allow: {hostNetworkPorts: true}", "allow.hostNetworkPorts"},
		{"allow: {hostNamespace: true}", "allow.hostNamespace"},
		{"allow: {allowedHostPaths: [{pathPrefix: /var/log, readOnly: true}]}", "allow.allowedHostPaths"},
		{"allow: {runAsUser: RunAsAny}", "allow.runAsUser"},
		{"allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 5, max: 9}, {min: 0, max: 3}]}}", "allow.runAsUser.ranges[1]"},
		{`allow: {volumes: [configMap, "*"]}`, "allow.volumes[1]"},
		{"allow: {volumes: [nfs]}", "allow.volumes[0]"},
		{"allow: {volumes: [hostPath]}", "allow.volumes[0]"},
		{"allow: {seccompProfiles: [Unconfined]}", "allow.seccompProfiles"},
		{"allow: {appArmorProfiles: [Unconfined]}", "allow.appArmorProfiles"},
		{"allow: {procMounts: [Unmasked]}", "allow.procMounts"},
		{"allow: {seLinuxOptions: true}", "allow.seLinuxOptions"},
		{"allow: {windowsHostProcess: true}", "allow.windowsHostProcess"},
		{"allow: {allowedProbeHosts: [127.0.0.1]}", "allow.allowedProbeHosts"},
		{"allow: {allowedHostPorts: [{min: 80, max: 80}]}", "allow.allowedHostPorts"},
		{"allow: {hostNetwork: true}", "allow.hostNetwork"},
		{"allow: {hostPID: true}", "allow.hostPID"},
		{"allow: {hostIPC: true}", "allow.hostIPC"},
		{"mutations: {dropAllCapabilities: false}", "mutations.dropAllCapabilities"},
		{"mutations: {setDefaultSeccompProfile: false}", "mutations.setDefaultSeccompProfile"},
	} {
		_, err := Parse([]byte("default: true\n"+row.in+"\n"), "p.yaml")
		if want := "p.yaml:2: " + row.field + ": a default policy grants nothing" + fix; err == nil || err.Error() != want {
			t.Errorf("%s:\n%v, want\n%s", row.in, err, want)
		}
		for _, k := range Keys() {
			named[k] = named[k] || withoutIndices(row.field) == k.String() || strings.HasPrefix(row.field, k.String()+".")
		}
	}
	for i := range grantTypes {
		if key := grantTypes[i].Key; !named[key] {
			t.Errorf("%s has no row", key)
		}
	}
	unknown := GrantType{Key: KeyPrivileged, Condition: RootInRange + 1}
	if _, grants := unknown.grantedBy(&Policy{}); !grants {
		t.Error("a condition that is not known grants nothing")
	}
}

// TestDefaultPolicyHolds: what it may hold, and what it may not beside grants.
func TestDefaultPolicyHolds(t *testing.T) {
	for _, in := range []string{
		"", "namespace: net", "reason: r\nowner: o",
		"allow: {readOnlyRootFilesystem: true, volumes: [configMap, csi, image]}", "allow: {volumes: []}",
		"allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 9}]}}\nmutations: {runAsUser: 5}",
		"allow: {runAsUser: MustRunAsNonRoot, runAsGroup: {rule: RunAsAny}, fsGroup: {rule: MayRunAs, ranges: [{min: 0, max: 9}]}, supplementalGroups: {policy: Strict}}",
		"mutations: {dropAllCapabilities: true, setDefaultSeccompProfile: true, runAsGroup: 0, fsGroup: 2000, supplementalGroups: []}",
		"podSelectorLabels: {}", "allow: {allowedCapabilities: [], privileged: false}",
	} {
		policies, err := Parse([]byte("default: true\n"+in+"\n"), "p.yaml")
		if err != nil || len(policies) != 1 || !policies[0].Default || policies[0].Selects() {
			t.Errorf("%s: %v", in, err)
		}
	}
	for _, row := range []struct{ in, want string }{
		{"podSelectorLabels: {app: web}", "p.yaml:2: podSelectorLabels: a default policy is for the pods that no policy selects; remove it, or default: true"},
		{"podSelectorExpressions: [{key: app, operator: Exists}]", "p.yaml:2: podSelectorExpressions: a default policy is for the pods that no policy selects; remove it, or default: true"},
		{"allow: {userNamespace: Required}", "p.yaml:2: allow.userNamespace: a default policy lets nobody run as root, which the standard does in a user namespace of the pod's own; remove it, or give it to a policy that selects its pods"},
		{"containers: [{kinds: [init], mutations: {runAsUser: 5}}]", "p.yaml:2: containers: a default policy grants nothing to single containers either; remove it, or default: true"},
		{"namespaceSelector: {matchLabels: {team: a}}", "p.yaml:2: namespaceSelector: a default policy is for one namespace, for a list of them or for all; remove it, or default: true"},
		{"expires: 2026-12-31", "p.yaml:2: expires: a default policy grants nothing that could expire; remove it, or default: true"},
		{"mutations: {runAsUser: 0}", "p.yaml:2: mutations.runAsUser: 0 is refused by allow.runAsUser, MustRunAsNonRoot; write another ID than 0, or runAsUser: RunAsAny under allow"},
	} {
		if _, err := Parse([]byte("default: true\n"+row.in+"\n"), "p.yaml"); err == nil || err.Error() != row.want {
			t.Errorf("%s:\n%v, want\n%s", row.in, err, row.want)
		}
	}
	for in, want := range map[string]string{
		"default: yes\n":                         "p.yaml:1: default: yes is no boolean; write true or false",
		"default: yes\nallow: {hostPID: true}\n": "p.yaml:1: default: yes is no boolean; write true or false",
		"default: false\n":                       "p.yaml:1: podSelectorLabels: no labels are given, and a policy must not select every pod; write labels of the pods that the policy is for, as in podSelectorLabels: {app: web}",
	} {
		if _, err := Parse([]byte(in), "p.yaml"); err == nil || err.Error() != want {
			t.Errorf("%s%v, want\n%s", in, err, want)
		}
	}
}

// TestOneDefaultAPlace: of two default policies for one place nobody could say which
// holds, wherever they stand.
func TestOneDefaultAPlace(t *testing.T) {
	const all, net = "name: a\ndefault: true\n", "name: b\ndefault: true\nnamespace: net\n"
	second := strings.Replace(all, "name: a", "name: c", 1)
	if _, err := Parse([]byte(all+"---\n"+net), "p.yaml"); err != nil {
		t.Errorf("one for every namespace and one for a single one: %v", err)
	}
	_, err := Parse([]byte(all+"---\n"+second), "p.yaml")
	if want := "p.yaml:5: default: a default policy for every namespace stands in line 2 already; keep one of them"; err == nil || err.Error() != want {
		t.Errorf("%v, want\n%s", err, want)
	}
	_, err = ReadFS(mapFS(map[string]string{"a.yaml": all, "b.yaml": net, "c.yaml": second, "d.yaml": strings.Replace(net, "b", "d", 1)}), ".")
	want := "c.yaml:2: default: a default policy for every namespace is there already: a (a.yaml:2); keep one of them\n" +
		`d.yaml:2: default: a default policy in namespace "net" is there already: net/b (b.yaml:2); keep one of them`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want\n%s", err, want)
	}
	_, err = NewSet(Policy{Name: "b", Default: true}, Policy{Name: "a", Default: true}, Policy{Name: "a", Namespace: "net", Default: true})
	if want := `policy "b": default: a default policy for every namespace is there already: a; keep one of them`; err == nil || err.Error() != want {
		t.Errorf("%v, want\n%s", err, want)
	}
}

// TestDefaultGoverns: the default policy of its namespace, or that of all, has those
// pods which no policy selects, and no others.
func TestDefaultGoverns(t *testing.T) {
	set, err := NewSet(
		Policy{Name: "all", Default: true}, Policy{Name: "net", Namespace: "net", Default: true},
		Policy{Name: "web", PodSelectorLabels: webLabels}, Policy{Name: "db", Namespace: "net", PodSelectorLabels: podLabels{"app": "db"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	few, err := NewSet(Policy{Name: "net", Namespace: "net", Default: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		why, namespace string
		set            Set
		labels         podLabels
		want           string
	}{
		{"a policy selects it", "net", set, webLabels, "web"},
		{"a policy of its namespace selects it", "net", set, podLabels{"app": "db"}, "db"},
		{"the namespace's own comes before that of all", "net", set, nil, "net"},
		{"the policy is of another namespace", "shop", set, podLabels{"app": "db"}, "all"},
		{"a template without a namespace has that of all", "", set, nil, "all"},
		{"there is none for this namespace", "shop", few, nil, ""},
		{"a template without a namespace is in none", "", few, nil, ""},
		{"it is in that namespace", "net", few, nil, "net"},
	} {
		names := []string{}
		for _, p := range row.set.Governing(row.namespace, row.labels) {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != row.want {
			t.Errorf("%q %v: %s, want %s: %s", row.namespace, row.labels, got, row.want, row.why)
		}
		if misses := row.set.NearMisses(row.namespace, row.labels); len(misses) > 0 {
			t.Errorf("%q %v: %v", row.namespace, row.labels, misses)
		}
	}
	if set.Len() != 4 || len(set.Policies()) != 4 {
		t.Errorf("%d policies", set.Len())
	}
	buffer := make([]*Policy, 0, 4)
	if n := testing.AllocsPerRun(100, func() { buffer = set.AppendGoverning(buffer[:0], "net", nil) }); n != 0 || len(buffer) != 1 {
		t.Errorf("%v allocations for %d policies", n, len(buffer))
	}
}

// TestExamplesOfThePlatform: they can be used together, and nothing is odd about them.
func TestExamplesOfThePlatform(t *testing.T) {
	policies, err := ReadDir("../examples/policies/platform")
	if err != nil || len(policies) != 2 {
		t.Fatalf("%d policies, %v", len(policies), err)
	}
	if _, err := NewSet(policies...); err != nil {
		t.Error(err)
	}
	if warnings := Lint(policies...); len(warnings) > 0 {
		t.Errorf("%v", warnings)
	}
	if policies[0].Expires == "" || !policies[1].Default {
		t.Error("one expires, and the other is a default policy")
	}
}

// TestLintDefaultPolicies: they overlap none, select what they are for, and may
// narrow; one that changes nothing is named.
func TestLintDefaultPolicies(t *testing.T) {
	for _, row := range []struct {
		why, in string
		want    []string
	}{
		{"nothing differs", "", []string{"f1.yaml:1: warning: policy d is a default policy that can never differ from plain restricted: it demands nothing and fills in nothing else; " +
			"give it a rule under allow or a value under mutations, or remove it"}},
		{"written out defaults are defaults", "mutations: {runAsGroup: 1, dropAllCapabilities: true}", []string{"f1.yaml:1: warning: policy d is a default policy that can never differ from plain restricted: it demands nothing and fills in nothing else; " +
			"give it a rule under allow or a value under mutations, or remove it"}},
		{"it fills in another group", "mutations: {runAsGroup: 1000}", nil},
		{"it demands", "allow: {readOnlyRootFilesystem: true}", nil},
		{"it narrows the volumes of all, as it may", "allow: {volumes: [configMap, projected, secret]}", nil},
		{"it refuses tokens", "allow: {volumes: [configMap]}", []string{"f1.yaml:1: warning: policy d " + refusesTokens}},
	} {
		_, got := lintText(t, "name: d\ndefault: true\n"+row.in+"\n", one("web", has("app", "web")))
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s, because %s (-want +got):\n%s", row.in, row.why, diff)
		}
	}
	a, b := Policy{Default: true}, Policy{PodSelectorLabels: webLabels}
	if Overlap(&a, &b) || Overlap(&a, &a) {
		t.Error("a default policy overlaps another one")
	}
	if got := fmt.Sprint(Lint(Policy{Name: "d", Default: true})[0].Field); got != "default" {
		t.Errorf("the warning is about %q", got)
	}
}
