package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// lintText parses files and lints them together.
func lintText(t testing.TB, files ...string) (warnings []Warning, texts []string) {
	t.Helper()
	var all []Policy
	for i, text := range files {
		policies, err := Parse([]byte(text), fmt.Sprintf("f%d.yaml", i+1))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, policies...)
	}
	warnings = Lint(all...)
	for _, w := range warnings {
		texts = append(texts, w.String())
		if want := w.Policy.Position.String() + ": warning: " + w.Message(); w.String() != want {
			t.Errorf("String is %q, which is not Message behind its place, %q", w.String(), want)
		}
	}
	return warnings, texts
}

// one is a policy in one line.
func one(name, selector string) string {
	return fmt.Sprintf("{name: %s, podSelectorExpressions: [%s], allow: {seLinuxOptions: true}}\n---\n", name, selector)
}

// entryOf is a policy with an entry for the containers that some keys tell.
func entryOf(keys string) string {
	return "name: v\nnamespace: m\npodSelectorLabels: {app: b}\ncontainers:\n- {" + keys + ", allow: {privileged: true}}\n"
}

func has(key, value string) string {
	return fmt.Sprintf("{key: %s, operator: In, values: [%s]}", key, value)
}
func lacks(key string) string { return fmt.Sprintf("{key: %s, operator: DoesNotExist}", key) }
func inNS(ns, policy string) string {
	return strings.Replace(policy, "{name", "{namespace: "+ns+", name", 1)
}

const refusesTokens = "does not list projected in allow.volumes, and so refuses nearly every pod: ServiceAccount admission adds a projected volume " +
	"with a token to each one, unless the pod or its ServiceAccount sets automountServiceAccountToken: false; list projected, " +
	"or see to it that all its pods set that"

// TestLint: each warning alone, and that the place is the policy's in the text
// and the field's in the warning.
func TestLint(t *testing.T) {
	for _, row := range []struct {
		name, why, in string
		want          []string
		field, at     string
	}{
		{"nothing", "it grants something, and what it selects can be", one("a", has("app", "a")), nil, "", ""},
		{"no effect", "it writes out what is so anyway", `# a comment
name: nothing
podSelectorLabels: {app: b}
allow:
  runAsUser: MustRunAsNonRoot
  runAsGroup: {rule: MayRunAs, ranges: [{min: 1000, max: 2147483647}, {min: 0, max: 999}]}
  allowedUnsafeSysctls: [net.ipv4.ip_local_port_range]
  volumes: [configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected, secret]
mutations: {runAsGroup: 1, supplementalGroups: [1], dropAllCapabilities: true}
`, []string{"f1.yaml:2: warning: policy nothing can never differ from the default policy: it grants nothing, demands nothing and fills in nothing else; give it a grant under allow, or remove it"}, "", "f1.yaml:2"},
		{"only volumes", "the default of volumes is narrower than restricted", "name: v\npodSelectorLabels: {app: b}\n",
			[]string{"f1.yaml:1: warning: policy v grants nothing; it only narrows volumes: by allow.volumes, or its default, it refuses csi, ephemeral, image, which restricted allows; give it a grant under allow, or remove it"}, "allow.volumes", "f1.yaml:1"},
		{"hostPath in volumes", "its paths are granted elsewhere", "namespace: net\nname: h\npodSelectorLabels: {app: b}\nallow:\n  seLinuxOptions: true\n  volumes:\n  - projected\n  - hostPath\n",
			[]string{"f1.yaml:1: warning: policy net/h lists hostPath in allow.volumes, which allows none; write the paths under allow.allowedHostPaths"}, "allow.volumes[1]", "f1.yaml:8"},
		{"hostPath with paths", "nothing is odd", "name: h\nnamespace: m\npodSelectorLabels: {app: b}\nallow: {volumes: [hostPath, projected], allowedHostPaths: [{pathPrefix: /a}]}\n", nil, "", ""},
		{"projected is missing", "nearly every pod has a token volume", "name: v\npodSelectorLabels: {app: b}\nallow:\n  seLinuxOptions: true\n  volumes: [configMap, secret]\n",
			[]string{"f1.yaml:1: warning: policy v " + refusesTokens}, "allow.volumes", "f1.yaml:5"},
		{"no volumes", "an empty list refuses the token too", "name: v\npodSelectorLabels: {app: b}\nallow: {seLinuxOptions: true, volumes: []}\n",
			[]string{"f1.yaml:1: warning: policy v " + refusesTokens}, "allow.volumes", "f1.yaml:3"},
		{"every volume", "the asterisk lists projected too, and more than anybody means", "name: v\npodSelectorLabels: {app: b}\nallow:\n  volumes:\n  - secret\n  - '*'\n",
			[]string{`f1.yaml:1: warning: policy v lists "*" in allow.volumes[1], which is every type of volume but hostPath, also those that the node mounts itself; list the types that its pods use`}, "allow.volumes[1]", "f1.yaml:6"},
		{"groups of the image", "the ranges hold for those of the manifest alone", "name: v\npodSelectorLabels: {app: b}\nallow:\n  supplementalGroups: {rule: MayRunAs, ranges: [{min: 5, max: 9}]}\n",
			[]string{"f1.yaml:1: warning: policy v rules over supplementalGroups with ranges, which do not hold for the groups that the image's /etc/group adds to those of the manifest; write policy: Strict in the rule if the nodes are v1.33 or later"}, "allow.supplementalGroups", "f1.yaml:4"},
		{"grants beside a user namespace", "the API refuses the pods that would use them", "name: v\nnamespace: net\npodSelectorLabels: {app: b}\nallow:\n  userNamespace: Required\n  hostNetwork: true\n  hostPID: true\n",
			[]string{"f1.yaml:1: warning: policy net/v demands a user namespace of every pod, and grants allow.hostNetwork, allow.hostPID, which no pod can use in one: the API refuses hostUsers: false beside it; remove the grant, or allow.userNamespace"}, "allow.userNamespace", "f1.yaml:5"},
		{"every grant beside a user namespace", "each is named", "name: v\nnamespace: net\npodSelectorLabels: {app: b}\nallow: {userNamespace: Required, hostNamespace: true, hostNetwork: true, hostPID: true, hostIPC: true}\n",
			[]string{"f1.yaml:1: warning: policy net/v demands a user namespace of every pod, and grants allow.hostNamespace, allow.hostNetwork, allow.hostPID, allow.hostIPC, which no pod can use in one: the API refuses hostUsers: false beside it; remove the grant, or allow.userNamespace"}, "allow.userNamespace", "f1.yaml:4"},
		{"host ports in a user namespace", "the API lets them be, so that the grant has a use", "name: v\nnamespace: net\npodSelectorLabels: {app: b}\nallow: {userNamespace: Required, hostNetworkPorts: true, allowedHostPorts: [{min: 1, max: 2}]}\n", nil, "", ""},
		{"host namespaces and no user namespace", "nothing is odd", "name: v\nnamespace: net\npodSelectorLabels: {app: b}\nallow: {hostNetwork: true, hostPID: true}\n", nil, "", ""},
		{"no group to fill", "it differs from the default", "name: v\npodSelectorLabels: {app: b}\nmutations: {runAsGroup: none}\n---\nname: w\npodSelectorLabels: {app: c}\nmutations: {fsGroup: none}\n---\nname: x\npodSelectorLabels: {app: d}\nmutations: {fsGroupChangePolicy: OnRootMismatch}\n", nil, "", ""},
		{"no groups of the image", "the pod is held to Strict, or no group is ruled over", "{name: v, podSelectorLabels: {app: b}, allow: {supplementalGroups: {rule: MayRunAs, ranges: [{min: 5, max: 9}], policy: Strict}}}\n---\n{name: w, podSelectorLabels: {app: c}, allow: {seLinuxOptions: true, supplementalGroups: {rule: RunAsAny}}}\n", nil, "", ""},
		{"every capability", "ALL in any spelling is what a container adds to have them all", "name: v\nnamespace: m\npodSelectorLabels: {app: b}\nallow:\n  allowedCapabilities: [CAP_all]\n",
			[]string{`f1.yaml:1: warning: policy m/v lists "CAP_all" in allow.allowedCapabilities[0], which is every capability, also those that rule the node, as SYS_ADMIN and SYS_MODULE do; list what its pods add`}, "allow.allowedCapabilities[0]", "f1.yaml:5"},
		{"every sysctl", "a prefix of nothing is of all, and one of something is not", "name: v\npodSelectorLabels: {app: b}\nallow:\n  allowedUnsafeSysctls: [net.*, '*']\n",
			[]string{`f1.yaml:1: warning: policy v lists "*" in allow.allowedUnsafeSysctls[1], which is every sysctl, also those of the whole node; list the names or prefixes that its pods set`}, "allow.allowedUnsafeSysctls[1]", "f1.yaml:4"},
		{"a capability misspelt", "the nearest is offered, whatever the case and the prefix", "name: v\npodSelectorLabels: {app: b}\nallow: {allowedCapabilities: [net_admin, cap_net_admn]}\n",
			[]string{`f1.yaml:1: warning: policy v lists "cap_net_admn" in allow.allowedCapabilities[1], which is no capability of Linux; did you mean NET_ADMIN?`}, "allow.allowedCapabilities[1]", "f1.yaml:3"},
		{"a capability of another world", "nothing is near to it", "name: v\npodSelectorLabels: {app: b}\nallow: {allowedCapabilities: [EVERYTHING_AT_ONCE]}\n",
			[]string{`f1.yaml:1: warning: policy v lists "EVERYTHING_AT_ONCE" in allow.allowedCapabilities[0], which is no capability of Linux; write a name of capabilities(7), as in NET_ADMIN`}, "allow.allowedCapabilities[0]", "f1.yaml:3"},
		{"the root writable", "every place of the node is below it", "name: v\nnamespace: m\npodSelectorLabels: {app: b}\nallow:\n  allowedHostPaths:\n  - {pathPrefix: /srv}\n  - {pathPrefix: /}\n",
			[]string{`f1.yaml:1: warning: policy m/v grants "/" in allow.allowedHostPaths[1], and with it what rules the node: /bin, /boot, /dev, /etc, and 21 more; write the longer prefix that its pods need, for a read-only mount lets sockets be used`}, "allow.allowedHostPaths[1]", "f1.yaml:7"},
		{"a prefix above", "what is below it is granted with it", "name: v\nnamespace: m\npodSelectorLabels: {app: b}\nallow: {allowedHostPaths: [{pathPrefix: /var/lib}]}\n",
			[]string{`f1.yaml:1: warning: policy m/v grants "/var/lib" in allow.allowedHostPaths[0], and with it what rules the node: /var/lib/containerd, /var/lib/docker, /var/lib/etcd, /var/lib/kubelet; write the longer prefix that its pods need, or readOnly: true`}, "allow.allowedHostPaths[0]", "f1.yaml:4"},
		{"sockets read-only", "a read-only mount lets them be used", "name: v\nnamespace: m\npodSelectorLabels: {app: b}\nallow: {allowedHostPaths: [{pathPrefix: /run, readOnly: true}]}\n",
			[]string{`f1.yaml:1: warning: policy m/v grants "/run" in allow.allowedHostPaths[0], and with it what rules the node: /run/containerd, /run/crio, /run/docker.sock; write the longer prefix that its pods need, for a read-only mount lets sockets be used`}, "allow.allowedHostPaths[0]", "f1.yaml:4"},
		{"a prefix above read-only", "the pods cannot write there", "name: v\nnamespace: m\npodSelectorLabels: {app: b}\nallow: {allowedHostPaths: [{pathPrefix: /var/lib, readOnly: true}, {pathPrefix: /usr/share/zoneinfo}]}\n", nil, "", ""},
		{"the node in every namespace", "labels are written by whoever writes the pod", "name: v\npodSelectorLabels: {app: b}\nallow: {allowedHostPaths: [{pathPrefix: /srv}], hostPID: true, allowedCapabilities: [cap_sys_ptrace]}\n",
			[]string{"f1.yaml:1: warning: policy v opens the node in every namespace, by allow.allowedCapabilities, allow.allowedHostPaths, allow.hostPID: whoever may create a pod in any of them can write the labels that it selects; write namespace"}, "", "f1.yaml:1"},
		{"the node in one namespace", "who may create pods there is few", "name: v\nnamespace: m\npodSelectorLabels: {app: b}\nallow: {privileged: true}\n", nil, "", ""},
		{"hosts that are none", "they are compared as they are written", "name: v\npodSelectorLabels: {app: b}\nallow: {allowedProbeHosts: [127.0.0.1, '::1', node.example.com, '*']}\n",
			[]string{`f1.yaml:1: warning: policy v lists "*" in allow.allowedProbeHosts[3], which allows no host: they are compared as they are written; write each host or IP address by itself, without a port`}, "allow.allowedProbeHosts[3]", "f1.yaml:3"},
		{"an entry by names alone", "they are the tenant's", entryOf("names: [istio-init]"), []string{"f1.yaml:1: warning: policy m/v tells containers by names alone in containers[0].names: " +
			"whoever writes the pod writes these; write images beside them"}, "containers[0].names", "f1.yaml:5"},
		{"an entry by names and images", "the image says what is run", entryOf("names: [istio-init], images: ['docker.io/istio/proxyv2:*']"), nil, "", ""},
		{"an entry by kinds alone", "who may add ephemeral containers is not who writes pods", entryOf("kinds: [ephemeral]"), nil, "", ""},
		{"an image without a registry", "which one is meant is the runtime's guess", entryOf("images: ['istio/proxyv2:1.24']"),
			[]string{`f1.yaml:1: warning: policy m/v lists "istio/proxyv2:1.24" in containers[0].images[0] without a registry, which is "docker.io/istio/proxyv2:1.24"; write it so`}, "containers[0].images[0]", "f1.yaml:5"},
		{"the tag latest", "it is another image tomorrow", entryOf("images: ['docker.io/istio/proxyv2:latest']"),
			[]string{`f1.yaml:1: warning: policy m/v lists "docker.io/istio/proxyv2:latest" in containers[0].images[0], which is the tag latest: what that is changes without a word; write a tag or a digest, or "docker.io/istio/proxyv2:*" for every image of the repository`}, "containers[0].images[0]", "f1.yaml:5"},
		{"no tag", "it means latest", entryOf("images: [docker.io/istio/proxyv2]"),
			[]string{`f1.yaml:1: warning: policy m/v lists "docker.io/istio/proxyv2" in containers[0].images[0], which is the tag latest: what that is changes without a word; write a tag or a digest, or "docker.io/istio/proxyv2:*" for every image of the repository`}, "containers[0].images[0]", "f1.yaml:5"},
		{"a pattern across segments", "docker.io/istio-evil/proxyv2 begins so too", entryOf("images: ['docker.io/istio*']"),
			[]string{`f1.yaml:1: warning: policy m/v lists "docker.io/istio*" in containers[0].images[0], which also matches others whose names only begin so; put the * behind a slash, a colon or an @`}, "containers[0].images[0]", "f1.yaml:5"},
		{"patterns at the ends of segments", "they match what they are written for", entryOf("images: ['docker.io/istio/*', 'docker.io/istio/proxyv2:1.*', 'docker.io/istio/proxyv2@*', 'docker.io/istio/a@sha256:" + strings.Repeat("a", 64) + "']"), nil, "", ""},
		{"an entry that grants nothing", "it was forgotten", "name: v\npodSelectorLabels: {app: b}\nallow: {seLinuxOptions: true}\ncontainers:\n- kinds: [init]\n",
			[]string{"f1.yaml:1: warning: policy v allows nothing and fills nothing in by containers[0]; give the entry a grant under allow, or remove it"}, "containers[0]", "f1.yaml:5"},
		{"an entry that only fills", "it does something", "name: v\npodSelectorLabels: {app: b}\nallow: {seLinuxOptions: true}\ncontainers:\n- {kinds: [init], mutations: {runAsUser: 7}}\n", nil, "", ""},
		{"an entry that opens the node everywhere", "it does so as the policy would", "name: v\npodSelectorLabels: {app: b}\ncontainers:\n- {kinds: [ephemeral], allow: {privileged: true}}\n",
			[]string{"f1.yaml:1: warning: policy v opens the node in every namespace, by allow.privileged: whoever may create a pod in any of them can write the labels that it selects; write namespace"}, "", "f1.yaml:1"},
		{"every capability in an entry", "as in the policy's own list", "name: v\nnamespace: m\npodSelectorLabels: {app: b}\ncontainers:\n- {kinds: [ephemeral], allow: {allowedCapabilities: ['*']}}\n",
			[]string{`f1.yaml:1: warning: policy m/v lists "*" in containers[0].allow.allowedCapabilities[0], which is every capability, also those that rule the node, as SYS_ADMIN and SYS_MODULE do; list what its pods add`}, "containers[0].allow.allowedCapabilities[0]", "f1.yaml:5"},
		{"a capability misspelt in an entry", "as in the policy's own list", "name: v\npodSelectorLabels: {app: b}\ncontainers:\n- {kinds: [ephemeral], allow: {allowedCapabilities: [NET_ADMN]}}\n",
			[]string{`f1.yaml:1: warning: policy v lists "NET_ADMN" in containers[0].allow.allowedCapabilities[0], which is no capability of Linux; did you mean NET_ADMIN?`}, "containers[0].allow.allowedCapabilities[0]", "f1.yaml:4"},
		{"no host in an entry", "as in the policy's own list", "name: v\npodSelectorLabels: {app: b}\ncontainers:\n- {kinds: [regular], allow: {allowedProbeHosts: ['*']}}\n",
			[]string{`f1.yaml:1: warning: policy v lists "*" in containers[0].allow.allowedProbeHosts[0], which allows no host: they are compared as they are written; write each host or IP address by itself, without a port`}, "containers[0].allow.allowedProbeHosts[0]", "f1.yaml:4"},
		{"volumes unset", "the default lists projected, and baseline demands nothing", "name: v\npodSelectorLabels: {app: b}\nallow: {seLinuxOptions: true}\n", nil, "", ""},
		{"never", "the label must be and must not be", "name: never\npodSelectorLabels: {app: d}\npodSelectorExpressions:\n- {key: app, operator: NotIn, values: [d, e]}\nallow: {seLinuxOptions: true}\n",
			[]string{"f1.yaml:1: warning: policy never selects no pod: no labels meet its podSelectorLabels and podSelectorExpressions together"}, "", "f1.yaml:1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			warnings, texts := lintText(t, row.in)
			if diff := cmp.Diff(row.want, texts); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			for _, w := range warnings {
				if w.Field != row.field || w.Position.String() != row.at {
					t.Errorf("about %q in %s, want %q in %s", w.Field, w.Position, row.field, row.at)
				}
			}
		})
	}
}

// TestLintOverlaps: how groups are told, in exact texts.
func TestLintOverlaps(t *testing.T) {
	var many, family []string
	for i := range 6 {
		many = append(many, one(fmt.Sprintf("m%d", i), has(fmt.Sprintf("key%d", i), "x")))
		family = append(family, one(fmt.Sprintf("m%d", i), has("app", fmt.Sprintf("v%d", i))))
	}
	for _, row := range []struct {
		name, why string
		files     []string
		want      []string
	}{
		{"two", "the second is told where the first stands", []string{one("b", has("app", "x")), one("a", has("tier", "x"))},
			[]string{"f1.yaml:1: warning: policy b and policy a (f2.yaml:1) can select one pod: a is tried first, in order of name, and their grants never add up"}},
		{"two in a namespace", "that is where they meet", []string{one("a", has("app", "x")), inNS("net", one("a", has("tier", "x")))},
			[]string{"f2.yaml:1: warning: policy net/a and policy a (f1.yaml:1) can select one pod in namespace net: a is tried first, in order of name, and their grants never add up"}},
		{"any two", "forty policies are one warning and not 780", many,
			[]string{"f6.yaml:1: warning: policy m5 and 5 others can, any two of them, select one pod: m0 (f1.yaml:1), m1 (f2.yaml:1), m2 (f3.yaml:1), m3 (f4.yaml:1) and 1 more; they are tried in order of name, and their grants never add up"}},
		{"one and many", "it is the one that asks for too little", append([]string{one("a", lacks("zone"))}, family...),
			[]string{"f1.yaml:1: warning: policy a can select one pod with each of 6 policies: m0 (f2.yaml:1), m1 (f3.yaml:1), m2 (f4.yaml:1), m3 (f5.yaml:1) and 2 more; they are tried in order of name, and their grants never add up"}},
		{"one and two in namespaces of their own", "it is told first though it is tried last, and they meet in no one namespace", []string{inNS("m", one("a", has("app", "x"))), inNS("net", one("b", has("app", "x"))), one("z", has("tier", "x"))},
			[]string{"f3.yaml:1: warning: policy z can select one pod with each of 2 policies: m/a (f1.yaml:1), net/b (f2.yaml:1); they are tried in order of name, and their grants never add up"}},
		{"parts", "apps and tiers meet, and neither among themselves", []string{one("a1", has("app", "x")), one("a2", has("app", "u")), inNS("net", one("t1", has("tier", "x"))), inNS("net", one("t2", has("tier", "u")))},
			[]string{"f4.yaml:1: warning: policy net/t2 is one of 4 policies in 2 parts, of which any two from different parts can select one pod in namespace net: a1 (f1.yaml:1), a2 (f2.yaml:1); net/t1 (f3.yaml:1), net/t2 (f4.yaml:1); they are tried in order of name, and their grants never add up"}},
		{"within a part", "what overlaps there is a warning of its own", append([]string{one("a", lacks("zone")), one("twin", has("app", "v3"))}, family...), []string{
			"f1.yaml:1: warning: policy a can select one pod with each of 7 policies: m0 (f3.yaml:1), m1 (f4.yaml:1), m2 (f5.yaml:1), m3 (f6.yaml:1) and 3 more; they are tried in order of name, and their grants never add up",
			"f2.yaml:1: warning: policy twin and policy m3 (f6.yaml:1) can select one pod: m3 is tried first, in order of name, and their grants never add up",
		}},
		{"two groups", "what does not meet is told apart", []string{inNS("m", one("a", has("app", "x"))), inNS("m", one("b", has("tier", "x"))), inNS("net", one("a", has("app", "x"))), inNS("net", one("b", has("tier", "x")))}, []string{
			"f2.yaml:1: warning: policy m/b and policy m/a (f1.yaml:1) can select one pod in namespace m: m/a is tried first, in order of name, and their grants never add up",
			"f4.yaml:1: warning: policy net/b and policy net/a (f3.yaml:1) can select one pod in namespace net: net/a is tried first, in order of name, and their grants never add up",
		}},
		{"neighbours in a row", "the one that meets two is told first, and what is left", []string{
			one("a", has("k", "u")), one("b", has("l", "u")+", "+has("m", "u")), one("c", has("k", "v")+", "+has("l", "u")), one("d", has("k", "u")+", "+has("m", "v")),
		}, []string{
			"f1.yaml:1: warning: policy a can select one pod with each of 2 policies: b (f2.yaml:1), d (f4.yaml:1); they are tried in order of name, and their grants never add up",
			"f3.yaml:1: warning: policy c and policy b (f2.yaml:1) can select one pod: b is tried first, in order of name, and their grants never add up",
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, texts := lintText(t, row.files...); !cmp.Equal(row.want, texts) {
				t.Errorf("%s (-want +got):\n%s", row.why, cmp.Diff(row.want, texts))
			}
		})
	}
}

// ring are policies of which each overlaps its two neighbours alone, and the
// first and the last each other: no parts can be told of them.
func ring(n int) (policies []Policy) {
	for i := range n {
		p := Policy{Name: fmt.Sprintf("p%04d", i), Allow: Allow{SELinuxOptions: true}}
		p.PodSelectorExpressions = append(p.PodSelectorExpressions, requirement("edge", in, fmt.Sprint(i), fmt.Sprint((i+1)%n)))
		policies = append(policies, p)
	}
	return policies
}

// TestLintTellsChains: a group without parts is one warning once its greatest
// overlappers were taken out, and a large one at once.
func TestLintTellsChains(t *testing.T) {
	warnings := Lint(ring(maxHubSearch + 1)...)
	if len(warnings) != 1 || len(warnings[0].Parts) != 1 || len(warnings[0].Parts[0]) != maxHubSearch+1 {
		t.Fatalf("%d warnings", len(warnings))
	}
	want := "warning: policy p0512 is one of 513 policies each of which can select one pod with another of them: p0000, p0001, p0002, p0003 and 509 more; they are tried in order of name, and their grants never add up"
	if got := warnings[0].String(); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
	warnings = Lint(ring(60)...)
	chains := 0
	for _, w := range warnings {
		if len(w.Parts) == 1 {
			chains++
		}
	}
	if len(warnings) != maxHubs+1 || chains != 1 {
		t.Errorf("%d warnings, of them %d chains", len(warnings), chains)
	}
}

// TestLintOfLiterals: what was written in Go has no place, and may lack a name.
func TestLintOfLiterals(t *testing.T) {
	a := Policy{Name: "a", PodSelectorLabels: podLabels{"k": "x"}, Allow: Allow{SELinuxOptions: true}}
	b := Policy{Namespace: "net", PodSelectorLabels: podLabels{"k": "x"}, Allow: Allow{SELinuxOptions: true}}
	var texts []string
	for _, w := range Lint(b, a) {
		texts = append(texts, w.String())
	}
	want := []string{`warning: policy a and policy net/"" can select one pod in namespace net: net/"" is tried first, in order of name, and their grants never add up`}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
	if Lint() != nil {
		t.Error("no policies have warnings")
	}
}

// TestLintAsJSON: the form that other programs read.
func TestLintAsJSON(t *testing.T) {
	warnings, _ := lintText(t, one("b", has("app", "x")), "name: a\npodSelectorLabels: {tier: x}\n")
	got, err := json.Marshal(warnings)
	want := `[{"reason":"Overlap","policy":{"name":"b","file":"f1.yaml","line":1},"file":"f1.yaml","line":1,"parts":[[{"name":"a","file":"f2.yaml","line":1}],[{"name":"b","file":"f1.yaml","line":1}]]},` +
		`{"reason":"NarrowsVolumes","policy":{"name":"a","file":"f2.yaml","line":1},"field":"allow.volumes","file":"f2.yaml","line":1,"volumes":["csi","ephemeral","image"]}]`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v; want\n%s", got, err, want)
	}
}

// TestGroupsTellEveryPair: of drawn policies, any two that overlap are told of
// in exactly one group, and no group says more than is so.
func TestGroupsTellEveryPair(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		policies := rapid.SliceOfN(rapid.Custom(drawSelector), 0, 9).Draw(r, "policies")
		list := make([]*Policy, len(policies))
		for i := range policies {
			policies[i].Name = fmt.Sprintf("p%d", i)
			list[i] = &policies[i]
		}
		slices.Reverse(list)
		checkGroups(r, list, rapid.IntRange(0, maxHubs).Draw(r, "hubs"), seen)
	})
	for _, what := range []string{"overlap", "none", "parts", "several", "chain"} {
		if seen[what] == 0 && !testing.Short() { // few are drawn then
			t.Errorf("no %s: %v", what, seen)
		}
	}
}

func checkGroups(t rapid.TB, policies []*Policy, hubs int, seen map[string]int) {
	told := map[[2]string]int{}
	pair := func(a, b *Policy) [2]string { return [2]string{min(a.Name, b.Name), max(a.Name, b.Name)} }
	groups, _ := groupsOf(policies, hubs)
	for _, g := range groups {
		for i, part := range g {
			for _, m := range part {
				for _, other := range g[i+1:] {
					for _, o := range other {
						told[pair(m.policy, o.policy)]++
						if !Overlap(m.policy, o.policy) {
							t.Fatalf("%s and %s are of different parts and do not overlap", m.policy.Name, o.policy.Name)
						}
					}
				}
			}
			if !slices.IsSortedFunc(part, func(a, b *member) int { return compareNames(a.policy, b.policy) }) {
				t.Fatal("a part is not in order")
			}
		}
		seen["parts"]++
		if len(g) > 2 {
			seen["several"]++
		}
		if len(g) > 1 {
			continue
		}
		seen["chain"]++
		for i, m := range g[0] {
			lonely := true
			for j, o := range g[0] {
				if i != j && Overlap(m.policy, o.policy) {
					if lonely = false; i < j {
						told[pair(m.policy, o.policy)]++
					}
				}
			}
			if lonely {
				t.Fatalf("%s overlaps none of its chain", m.policy.Name)
			}
		}
	}
	for i, a := range policies {
		for _, b := range policies[i+1:] {
			want := 0
			if Overlap(a, b) {
				want = 1
			}
			seen[map[int]string{0: "none", 1: "overlap"}[want]]++
			if told[pair(a, b)] != want {
				t.Fatalf("%v and %v are told of %d times, want %d", a, b, told[pair(a, b)], want)
			}
		}
	}
}

// crowds are shapes in which policies come in numbers.
var crowds = []struct {
	name   string
	groups func(n int) int
	make   func(n, i int) Policy
}{
	{"a label each of its own", func(int) int { return 1 }, func(_, i int) Policy { return selecting("", podLabels{fmt.Sprintf("k%d", i): "x"}) }},
	{"one label", func(int) int { return 1 }, func(int, int) Policy { return selecting("", podLabels{"app": "web"}) }},
	{"one label with many values", func(int) int { return 0 }, func(_, i int) Policy { return selecting("", podLabels{"app": fmt.Sprint(i)}) }},
	{"one label in many namespaces", func(int) int { return 0 }, func(_, i int) Policy { return selecting(fmt.Sprintf("n%d", i), podLabels{"app": "web"}) }},
	{"twins", func(n int) int { return n / 2 }, func(_, i int) Policy { return selecting("", podLabels{"app": fmt.Sprint(i / 2)}) }},
	{"ten labels with many values", func(int) int { return 1 }, func(_, i int) Policy { return selecting("", podLabels{fmt.Sprintf("k%d", i%10): fmt.Sprint(i)}) }},
	{"one for all and many", func(int) int { return 1 }, func(_, i int) Policy {
		if i == 0 {
			return selecting("", nil, requirement("zone", exists))
		}
		return selecting("", podLabels{"app": fmt.Sprint(i)})
	}},
	{"all but one value each, and many with one", func(int) int { return 1 }, func(_, i int) Policy {
		if i%2 == 0 {
			return selecting("", nil, requirement("app", notIn, fmt.Sprint("no", i)))
		}
		return selecting("", podLabels{"app": fmt.Sprint(i)})
	}},
	{"ten namespaces with two labels", func(int) int { return 10 }, func(n, i int) Policy {
		return selecting(fmt.Sprintf("n%d", i%10), podLabels{fmt.Sprintf("k%d", i/10%2): fmt.Sprint(i)})
	}},
}

func crowd(n int, make func(n, i int) Policy) (policies []Policy) {
	for i := range n {
		p := make(n, i)
		p.Name, p.Allow.SELinuxOptions = fmt.Sprintf("p%04d", i), true
		policies = append(policies, p)
	}
	return policies
}

// TestCrowdsAreToldInFewWords: four thousand policies are a few warnings, each
// of a line that can be read. What they take to find, and the form that other
// programs read, grow with the number of policies and not with that of their
// pairs, of which there are two thousand for each policy.
func TestCrowdsAreToldInFewWords(t *testing.T) {
	const (
		longest     = 500
		comparisons = 20  // for each policy
		jsonBytes   = 200 // for each policy
	)
	if len(crowds) != 9 {
		t.Errorf("%d crowds", len(crowds))
	}
	for _, row := range crowds {
		t.Run(row.name, func(t *testing.T) {
			seen := map[string]int{}
			small := crowd(40, row.make)
			list := make([]*Policy, len(small))
			for i := range small {
				list[i] = &small[i]
			}
			checkGroups(t, list, maxHubs, seen)
			for _, n := range []int{40, 4000} {
				policies := crowd(n, row.make)
				warnings := Lint(policies...)
				if len(warnings) != row.groups(n) {
					t.Errorf("%d policies: %d warnings, want %d", n, len(warnings), row.groups(n))
				}
				for _, w := range warnings {
					if text := w.String(); len(text) > longest {
						t.Errorf("%d bytes: %.700s", len(text), text)
					}
				}
				data, err := json.Marshal(warnings)
				if err != nil || len(data) > n*jsonBytes {
					t.Errorf("%d policies: %d bytes of JSON, %v", n, len(data), err)
				}
				if n < 4000 {
					continue // a group that is small is searched pair by pair
				}
				list := make([]*Policy, n)
				for i := range policies {
					list[i] = &policies[i]
				}
				if _, took := groupsOf(list, maxHubs); took.comparisons > n*comparisons {
					t.Errorf("%d policies took %d comparisons", n, took.comparisons)
				} else if len(warnings) > 0 && took.comparisons < n {
					t.Errorf("%d policies took %d comparisons: they are not counted", n, took.comparisons)
				}
			}
		})
	}
}

// BenchmarkLint shows that the time of a policy does not grow with their number.
func BenchmarkLint(b *testing.B) {
	for _, row := range crowds {
		for _, n := range []int{1000, 4000} {
			b.Run(fmt.Sprintf("%s/%d", row.name, n), func(b *testing.B) {
				policies := crowd(n, row.make)
				for b.Loop() {
					Lint(policies...)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/policy")
			})
		}
	}
}
