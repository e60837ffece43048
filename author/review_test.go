package author

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// parsed is a policy that says what a row says of it.
func parsed(t *testing.T, body string) *policy.Policy {
	t.Helper()
	policies, err := policy.Parse([]byte("name: p\nnamespace: ns\npodSelectorLabels: {a: b}\n"+body), "p.yaml")
	if err != nil || len(policies) != 1 {
		t.Fatalf("%s: %v", body, err)
	}
	return &policies[0]
}

// readOne is a policy of a text without a name.
func readOne(t *testing.T, text string) *policy.Policy {
	t.Helper()
	policies, err := policy.Parse([]byte(text), "p.yaml")
	if err != nil || len(policies) != 1 {
		t.Fatalf("%s: %v", text, err)
	}
	return &policies[0]
}

// short is an opening in a few words: its weight, its entry and what it takes.
func short(o *Opening) string {
	name, _ := o.Weight.MarshalText()
	text := string(name) + " " + o.Grant.String()
	if o.Value != "" {
		text += " " + o.Value
	}
	for _, with := range o.With {
		text += " +" + with.String()
	}
	if len(o.Places) > 0 {
		text += " " + fmt.Sprint(o.Places)
	}
	if o.Containers != "" {
		text += " of " + o.Containers
	}
	if o.Chosen {
		text += ", chosen"
	}
	return text
}

func shorts(e *Exposure) (list []string) {
	for i := range e.Openings {
		list = append(list, short(&e.Openings[i]))
	}
	return list
}

// opened are policies with all that each opens: what a row says is there, and what it
// does not say is not. With each grant stands one that is like it and opens less.
var opened = []struct {
	name, why, policy string
	want              []string
}{
	{"nothing", "plain restricted", ``, nil},
	{"defaults", "written out", "allow: {privileged: false, hostPID: false, volumes: [emptyDir], runAsUser: MustRunAsNonRoot}\nmutations: {dropAllCapabilities: true, setDefaultSeccompProfile: true}", nil},
	{"demands", "they open nothing", "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 9}]}, fsGroup: {rule: MustRunAs, ranges: [{min: 0, max: 9}]}, readOnlyRootFilesystem: true}", nil},

	{"privileged", "", "allow: {privileged: true}", []string{"nodeTakeover allow.privileged"}},
	{"privileged beside processes", "nsenter", "allow: {privileged: true, hostPID: true}", []string{
		"nodeTakeover allow.privileged", "nodeTakeover allow.privileged +allow.hostPID", "otherTenants allow.hostPID",
	}},
	{"privileged beside IPC", "which has no processes", "allow: {privileged: true, hostIPC: true}", []string{"nodeTakeover allow.privileged", "otherTenants allow.hostIPC"}},
	{"escalation", "", "allow: {allowPrivilegeEscalation: true}", []string{"thisPod allow.allowPrivilegeEscalation"}},

	{"every capability", "by either name", `allow: {allowedCapabilities: [CHOWN, "*", cap_all]}`, []string{
		"nodeTakeover allow.allowedCapabilities[1] *", "nodeTakeover allow.allowedCapabilities[2] cap_all", "thisPod allow.allowedCapabilities[0] CHOWN",
	}},
	{"no capability", "Linux has none of that name", `allow: {allowedCapabilities: [FOO]}`, []string{"thisPod allow.allowedCapabilities[0] FOO"}},
	{"a capability in another form", "as grants are compared", `allow: {allowedCapabilities: [cap_sys_module]}`, []string{"nodeTakeover allow.allowedCapabilities[0] cap_sys_module"}},
	{"tracing beside processes", "by the wide key too", `allow: {allowedCapabilities: [SYS_PTRACE, SYSLOG], hostNamespace: true}`, []string{
		"nodeTakeover allow.allowedCapabilities[0] SYS_PTRACE +allow.hostNamespace", "nodeFiles allow.allowedCapabilities[1] SYSLOG",
		"otherTenants allow.hostNamespace", "thisPod allow.allowedCapabilities[0] SYS_PTRACE",
	}},
	{"all beside processes", "tracing is among them", `allow: {allowedCapabilities: ["*"], hostPID: true}`, []string{
		"nodeTakeover allow.allowedCapabilities[0] * +allow.hostPID", "nodeTakeover allow.allowedCapabilities[0] *", "otherTenants allow.hostPID",
	}},
	{"tracing beside the network", "which has no processes", `allow: {allowedCapabilities: [SYS_PTRACE], hostNetwork: true}`, []string{
		"otherTenants allow.hostNetwork", "thisPod allow.allowedCapabilities[0] SYS_PTRACE",
	}},
	{"raw packets beside the network", "and administration; not what neither is", `allow: {allowedCapabilities: [NET_RAW, NET_ADMIN, KILL], hostNetwork: true}`, []string{
		"otherTenants allow.allowedCapabilities[0] NET_RAW +allow.hostNetwork", "otherTenants allow.allowedCapabilities[0] NET_RAW",
		"otherTenants allow.allowedCapabilities[1] NET_ADMIN +allow.hostNetwork", "otherTenants allow.allowedCapabilities[1] NET_ADMIN",
		"otherTenants allow.hostNetwork", "thisPod allow.allowedCapabilities[2] KILL",
	}},

	{"sysctls with a namespace", "each group", `allow: {allowedUnsafeSysctls: [kernel.sem, "kernel.shm*", "kernel.msg*", "net.*", net.core.somaxconn, fs.mqueue.msg_max, user.max_user_namespaces, kernel.domainname]}`, []string{
		"thisPod allow.allowedUnsafeSysctls[0] kernel.sem", "thisPod allow.allowedUnsafeSysctls[1] kernel.shm*", "thisPod allow.allowedUnsafeSysctls[2] kernel.msg*",
		"thisPod allow.allowedUnsafeSysctls[3] net.*", "thisPod allow.allowedUnsafeSysctls[4] net.core.somaxconn", "thisPod allow.allowedUnsafeSysctls[5] fs.mqueue.msg_max",
		"thisPod allow.allowedUnsafeSysctls[6] user.max_user_namespaces", "thisPod allow.allowedUnsafeSysctls[7] kernel.domainname",
	}},
	{"sysctls of the node", "and prefixes that reach some", `allow: {allowedUnsafeSysctls: [vm.swappiness, "kernel.*", "*", kernel.core_pattern, kernel.sem2, "fs.*"]}`, []string{
		"nodeFiles allow.allowedUnsafeSysctls[0] vm.swappiness", "nodeFiles allow.allowedUnsafeSysctls[1] kernel.*", "nodeFiles allow.allowedUnsafeSysctls[2] *",
		"nodeFiles allow.allowedUnsafeSysctls[3] kernel.core_pattern", "nodeFiles allow.allowedUnsafeSysctls[4] kernel.sem2", "nodeFiles allow.allowedUnsafeSysctls[5] fs.*",
	}},

	{"network and ports", "two things by one key", "allow: {hostNetworkPorts: true}", []string{"otherTenants allow.hostNetworkPorts", "otherTenants allow.hostNetworkPorts"}},
	{"network", "", "allow: {hostNetwork: true}", []string{"otherTenants allow.hostNetwork"}},
	{"ports", "one, and a range", "allow: {allowedHostPorts: [{min: 80, max: 80}, {min: 8000, max: 8001}]}", []string{
		"otherTenants allow.allowedHostPorts[0] 80", "otherTenants allow.allowedHostPorts[1] 8000-8001",
	}},
	{"root in the network", "by a range that holds 0, and the wide key", "allow: {hostNetworkPorts: true, runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}", []string{
		"nodeTakeover allow.runAsUser +allow.hostNetworkPorts", "otherTenants allow.hostNetworkPorts", "otherTenants allow.hostNetworkPorts", "thisPod allow.runAsUser",
	}},
	{"a user in the network", "who is not root", "allow: {hostNetwork: true, runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}}", []string{"otherTenants allow.hostNetwork"}},
	{"namespaces", "", "allow: {hostNamespace: true}", []string{"otherTenants allow.hostNamespace"}},
	{"IPC", "", "allow: {hostIPC: true}", []string{"otherTenants allow.hostIPC"}},
	{"root among processes", "", "allow: {hostPID: true, runAsUser: RunAsAny}", []string{
		"nodeFiles allow.runAsUser +allow.hostPID", "otherTenants allow.hostPID", "thisPod allow.runAsUser",
	}},
	{"root beside IPC", "no processes", "allow: {hostIPC: true, runAsUser: RunAsAny}", []string{"otherTenants allow.hostIPC", "thisPod allow.runAsUser"}},

	{"a path to write", "that is none of those that rule the node", "allow: {allowedHostPaths: [{pathPrefix: /srv}]}", []string{"nodeFiles allow.allowedHostPaths[0] /srv"}},
	{"a path to read", "and what is mounted below to write", "allow: {allowedHostPaths: [{pathPrefix: /srv, readOnly: true}]}", []string{"nodeFiles allow.allowedHostPaths[0] /srv with every mount readOnly"}},
	{"a path to read, recursively", "", "allow: {allowedHostPaths: [{pathPrefix: /srv, readOnly: true, recursiveReadOnly: true}]}", []string{
		"nodeFiles allow.allowedHostPaths[0] /srv with every mount recursiveReadOnly: Enabled",
	}},
	{"a path that rules", "static pods, and credentials beside them", "allow: {allowedHostPaths: [{pathPrefix: /etc/kubernetes}]}", []string{
		"nodeTakeover allow.allowedHostPaths[0] /etc/kubernetes [/etc/kubernetes /etc/kubernetes/manifests]",
		"nodeFiles allow.allowedHostPaths[0] /etc/kubernetes [/etc/kubernetes]",
	}},
	{"the same to read", "credentials", "allow: {allowedHostPaths: [{pathPrefix: /etc/kubernetes/pki, readOnly: true}]}", []string{
		"nodeFiles allow.allowedHostPaths[0] /etc/kubernetes/pki with every mount readOnly [/etc/kubernetes]",
		"nodeFiles allow.allowedHostPaths[0] /etc/kubernetes/pki with every mount readOnly",
	}},
	{"other configuration", "in /etc, and none of credentials", "allow: {allowedHostPaths: [{pathPrefix: /etc/localtime, readOnly: true}]}", []string{
		"nodeFiles allow.allowedHostPaths[0] /etc/localtime with every mount readOnly",
	}},
	{"all configuration", "holds credentials", "allow: {allowedHostPaths: [{pathPrefix: /etc, readOnly: true, recursiveReadOnly: true}]}", []string{
		"nodeFiles allow.allowedHostPaths[0] /etc with every mount recursiveReadOnly: Enabled [/etc /etc/kubernetes]",
		"nodeFiles allow.allowedHostPaths[0] /etc with every mount recursiveReadOnly: Enabled",
	}},
	{"a socket", "below a place that holds sockets, to read", "allow: {allowedHostPaths: [{pathPrefix: /run/containerd/containerd.sock, readOnly: true, recursiveReadOnly: true, types: [Socket]}]}", []string{
		"nodeTakeover allow.allowedHostPaths[0] /run/containerd/containerd.sock with every mount recursiveReadOnly: Enabled, of type Socket [/run/containerd]",
		"nodeFiles allow.allowedHostPaths[0] /run/containerd/containerd.sock with every mount recursiveReadOnly: Enabled, of type Socket",
	}},
	{"above a socket", "to read", "allow: {allowedHostPaths: [{pathPrefix: /var/run, readOnly: true}]}", []string{
		"nodeTakeover allow.allowedHostPaths[0] /var/run with every mount readOnly [/var/run/containerd /var/run/crio /var/run/docker.sock]",
		"nodeFiles allow.allowedHostPaths[0] /var/run with every mount readOnly",
	}},
	{"files there", "no file is a socket", "allow: {allowedHostPaths: [{pathPrefix: /run/containerd, readOnly: true, types: [File, FileOrCreate, CharDevice, BlockDevice]}]}", []string{
		"nodeFiles allow.allowedHostPaths[0] /run/containerd with every mount readOnly, of type File, FileOrCreate, CharDevice or BlockDevice",
	}},
	{"a directory there", "it may hold one", "allow: {allowedHostPaths: [{pathPrefix: /run/crio/x, readOnly: true, types: [File, Directory]}]}", []string{
		"nodeTakeover allow.allowedHostPaths[0] /run/crio/x with every mount readOnly, of type File or Directory [/run/crio]",
		"nodeFiles allow.allowedHostPaths[0] /run/crio/x with every mount readOnly, of type File or Directory",
	}},
	{"Windows", "its own places", `allow: {allowedHostPaths: [{pathPrefix: 'c:\ETC', readOnly: true}]}`, []string{
		`nodeFiles allow.allowedHostPaths[0] c:\ETC on Windows (spec.os.name) with every mount readOnly [C:\etc\kubernetes]`,
		`nodeFiles allow.allowedHostPaths[0] c:\ETC on Windows (spec.os.name) with every mount readOnly`,
	}},

	{"any user", "", "allow: {runAsUser: RunAsAny}", []string{"thisPod allow.runAsUser"}},
	{"every volume", "git among them", `allow: {volumes: ["*"]}`, []string{"nodeTakeover allow.volumes[0] *", "otherTenants allow.volumes[0] *"}},
	{"git", "", "allow: {volumes: [emptyDir, gitRepo]}", []string{"nodeTakeover allow.volumes[1] gitRepo", "otherTenants allow.volumes[1] gitRepo"}},
	{"a share", "of the network; hostPath goes by its paths", "allow: {volumes: [hostPath, secret, nfs]}", []string{"otherTenants allow.volumes[2] nfs"}},
	{"seccomp", "", "allow: {seccompProfiles: [Unconfined]}", []string{"thisPod allow.seccompProfiles[0] Unconfined"}},
	{"no seccomp", "", "mutations: {setDefaultSeccompProfile: false}", []string{"thisPod mutations.setDefaultSeccompProfile false"}},
	{"AppArmor", "", "allow: {appArmorProfiles: [Unconfined]}", []string{"thisPod allow.appArmorProfiles[0] Unconfined"}},
	{"SELinux", "", "allow: {seLinuxOptions: true}", []string{"thisPod allow.seLinuxOptions"}},
	{"/proc", "", "allow: {procMounts: [Unmasked]}", []string{"nodeFiles allow.procMounts[0] Unmasked"}},
	{"Windows processes", "", "allow: {windowsHostProcess: true}", []string{"nodeTakeover allow.windowsHostProcess"}},
	{"probes", "", "allow: {allowedProbeHosts: [10.0.0.1]}", []string{"otherTenants allow.allowedProbeHosts[0] 10.0.0.1"}},
	{"an entry for single containers", "what it opens is said of those that it matches", "containers: [{names: [a, b*], kinds: [init, sidecar], allow: {privileged: true}, mutations: {dropAllCapabilities: false}}]", []string{
		"nodeTakeover containers[0].allow.privileged of init or sidecar containers named a or b*, chosen",
		"otherTenants containers[0].mutations.dropAllCapabilities false of init or sidecar containers named a or b*, chosen",
	}},
	{"an entry for images", "whoever writes the pod does not choose what they hold", "containers: [{images: ['docker.io/istio/proxyv2:*'], allow: {allowedCapabilities: [NET_BIND_SERVICE, SYS_MODULE], allowedHostPorts: [{min: 80, max: 81}]}}]", []string{
		"nodeTakeover containers[0].allow.allowedCapabilities[1] SYS_MODULE of containers of the image docker.io/istio/proxyv2:*",
		"otherTenants containers[0].allow.allowedHostPorts[0] 80-81 of containers of the image docker.io/istio/proxyv2:*",
		"thisPod containers[0].allow.allowedCapabilities[0] NET_BIND_SERVICE of containers of the image docker.io/istio/proxyv2:*",
	}},
	{"an entry beside a grant of the pod", "of the second entry, and not of the first, which demands nothing either", "allow: {hostPID: true}\ncontainers: [{kinds: [init], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}}}, {kinds: [ephemeral], allow: {runAsUser: RunAsAny, allowedCapabilities: [SYS_PTRACE]}}]", []string{
		"nodeTakeover containers[1].allow.allowedCapabilities[0] SYS_PTRACE +allow.hostPID of ephemeral containers, chosen",
		"nodeFiles containers[1].allow.runAsUser +allow.hostPID of ephemeral containers, chosen",
		"otherTenants allow.hostPID",
		"thisPod containers[1].allow.allowedCapabilities[0] SYS_PTRACE of ephemeral containers, chosen",
		"thisPod containers[1].allow.runAsUser of ephemeral containers, chosen",
	}},
	{"capabilities of the runtime", "", "mutations: {dropAllCapabilities: false}", []string{"otherTenants mutations.dropAllCapabilities false"}},
}

// TestOpenings: what each policy opens is what its row says, all of it.
func TestOpenings(t *testing.T) {
	if len(opened) < 45 {
		t.Errorf("%d policies", len(opened))
	}
	met := map[string]bool{}
	for _, row := range opened {
		e := Expose(parsed(t, row.policy))
		if diff := cmp.Diff(row.want, shorts(&e)); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", row.name, row.why, diff)
		}
		for i := range e.Openings {
			met[e.Openings[i].Opens] = true
		}
	}
	for i := range openings {
		o := &openings[i]
		if !met[o.opens] && !slices.ContainsFunc(capabilities[:], func(c capability) bool { return c.opens == o.opens }) {
			t.Errorf("no policy opens by %s: %s", o.key, o.opens)
		}
	}
}

// TestEveryKeyIsReviewed: a grant opens something, and any other key demands something
// or fills in what its policy admits anyway. A new key is named here.
func TestEveryKeyIsReviewed(t *testing.T) {
	fills := []policy.Key{policy.KeyFillRunAsUser, policy.KeyFillRunAsGroup, policy.KeyFillFSGroup, policy.KeyFillFSGroupChangePolicy, policy.KeyFillSupplementalGroups}
	opens := func(key policy.Key) bool {
		return slices.ContainsFunc(openings, func(o opening) bool { return o.key == key })
	}
	asks := func(key policy.Key) bool {
		for i := range demands {
			if demands[i].key == key {
				return true
			}
		}
		return false
	}
	for _, g := range policy.GrantTypes() {
		if !opens(g.Key) {
			t.Errorf("%s is a grant, and no row of openings says what it opens", g.Key)
		}
	}
	for _, d := range policy.Demands() {
		if !asks(d.Key) {
			t.Errorf("%s is a rule, and no row of demands says when it demands something", d.Key)
		}
	}
	for _, key := range policy.Keys() {
		if !opens(key) && !asks(key) && !slices.Contains(fills, key) {
			t.Errorf("%s is not reviewed: say what it opens, what it demands, or that it does neither", key)
		}
	}
	for _, key := range policy.NodeKeys() {
		if !slices.ContainsFunc(openings, func(o opening) bool { return o.key == key && o.weight > ThisPod }) {
			t.Errorf("%s opens the node to policy.Lint, and reaches the pod alone here", key)
		}
	}
}

// TestEveryPartIsReviewed: a key of the format that is no policy.Key says whom a policy
// is for, or stands within an entry. A new one is named here: Expose has to speak of it,
// for what it does not see it says that a policy does not open.
func TestEveryPartIsReviewed(t *testing.T) {
	known := []string{
		"name", "namespace", "namespaces", "namespaceSelector", "namespaceSelector.matchLabels", "namespaceSelector.matchExpressions",
		"podSelectorLabels", "podSelectorExpressions", "default", "reason", "owner", "expires", "allow", "mutations",
		"containers", "containers.names", "containers.images", "containers.kinds", "containers.allow", "containers.mutations",
		"containers.allow.allowedHostPorts.min", "containers.allow.allowedHostPorts.max",
		"containers.allow.runAsUser.rule", "containers.allow.runAsUser.ranges", "containers.allow.runAsGroup.rule", "containers.allow.runAsGroup.ranges",
		"allow.allowedHostPaths.pathPrefix", "allow.allowedHostPaths.readOnly", "allow.allowedHostPaths.recursiveReadOnly", "allow.allowedHostPaths.types",
		"allow.allowedHostPorts.min", "allow.allowedHostPorts.max",
		"allow.runAsUser.rule", "allow.runAsUser.ranges", "allow.runAsGroup.rule", "allow.runAsGroup.ranges", "allow.fsGroup.rule", "allow.fsGroup.ranges",
		"allow.supplementalGroups.rule", "allow.supplementalGroups.ranges", "allow.supplementalGroups.policy",
	}
	for _, key := range policy.Keys() {
		if known = append(known, key.String()); key.OfContainers() {
			known = append(known, "containers."+key.String())
		}
	}
	met := map[string]bool{}
	var walk func(f *policy.Form, path string)
	walk = func(f *policy.Form, path string) {
		for f.Kind == policy.KindList {
			f = f.Entry
		}
		for i := range f.Keys {
			at := strings.TrimPrefix(path+"."+f.Keys[i].Name, ".")
			met[at] = true
			if !slices.Contains(known, at) {
				t.Errorf("%s is a new key of the format: see what Expose has to say of it", at)
			} else if !strings.HasSuffix(at, ".ranges") && !strings.HasSuffix(at, "Expressions") {
				walk(f.Keys[i].Form, at)
			}
		}
	}
	walk(policy.Format(), "")
	for _, key := range known {
		if !met[key] {
			t.Errorf("%s is no key of the format", key)
		}
	}
}

// TestCapabilities: each capability of Linux has its row, by itself and in order; what
// opens the node to policy.Lint reaches further than the pod.
func TestCapabilities(t *testing.T) {
	var names []string
	for i := range capabilities {
		names = append(names, capabilities[i].name)
	}
	want := slices.Sorted(slices.Values(spec.Capabilities()))
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("capabilities (-of Linux +of the table):\n%s", diff)
	}
	for i := range capabilities {
		c := &capabilities[i]
		e := Expose(parsed(t, "allow: {allowedCapabilities: ["+c.name+"]}"))
		if len(e.Openings) != 1 || e.Openings[0].Opens != c.opens || e.Openings[0].Attack != c.attack || e.Openings[0].Weight != c.weight ||
			e.Openings[0].Sources[0] != sourceCapabilities || len(e.Openings[0].Sources) != 1+len(c.sources) {
			t.Errorf("%s: %+v", c.name, e.Openings)
		}
		ofNode := slices.Contains(policy.NodeCapabilities(), c.name)
		// Tracing reaches the pod's own processes, until it has those of the node.
		if ofNode && c.weight == ThisPod && c.name != "SYS_PTRACE" {
			t.Errorf("%s opens the node to policy.Lint, and reaches the pod alone here", c.name)
		}
		if c.weight == NodeTakeover && (!ofNode || c.attack == "") {
			t.Errorf("%s takes over the node: of policy.NodeCapabilities: %t, by %q", c.name, ofNode, c.attack)
		}
	}
	for _, name := range policy.NodeCapabilities() {
		if !isEveryCapability(name) && capabilityOf(name) == nil {
			t.Errorf("%s of policy.NodeCapabilities has no row", name)
		}
	}
}

// TestPlaces: the places that are named here stand in the one list of the library.
func TestPlaces(t *testing.T) {
	paths := map[string]bool{}
	for _, n := range policy.NodePaths() {
		paths[n.Path] = true
		h := policy.HostPath{PathPrefix: n.Path, ReadOnly: true}
		if _, is := socketsOf(&h); is != n.Sockets {
			t.Errorf("%s holds sockets: %t, want %t", n.Path, is, n.Sockets)
		}
	}
	if len(paths) < 30 {
		t.Errorf("%d places", len(paths))
	}
	for _, place := range credentials {
		if !paths[place] {
			t.Errorf("%s is no place of policy.NodePaths", place)
		}
	}
}

// TestFacts: each row says what it opens in sentences, where it is from, and which
// control forbids it. What takes over the node says how.
func TestFacts(t *testing.T) {
	said := map[string]bool{}
	for i := range openings {
		o := &openings[i]
		for _, text := range []string{o.opens, o.attack} {
			if text == "" && o.weight < NodeTakeover {
				text = "."
			}
			if !strings.HasSuffix(text, ".") || spec.Printable(text) != text {
				t.Errorf("%s: %q is no sentence", o.key, text)
			}
		}
		where := fmt.Sprint(o.key, o.with, o.opens)
		if said[where] {
			t.Errorf("%s says this twice: %s", o.key, o.opens)
		}
		said[where] = true
		if len(o.sources) == 0 || o.check.Control() == nil {
			t.Errorf("%s: %d sources, control %v", o.key, len(o.sources), o.check.Control())
		}
		for _, source := range o.sources {
			if u, err := url.Parse(source); err != nil || u.Scheme != "https" || u.Host == "" {
				t.Errorf("%s: %q is no address: %v", o.key, source, err)
			}
		}
		if grant := slices.IndexFunc(policy.GrantTypes(), func(g policy.GrantType) bool {
			return g.Key == o.key && slices.ContainsFunc(o.check.Control().Checks, func(c spec.Check) bool { return g.Checks.Has(c.ID) })
		}); grant < 0 && len(o.with) == 0 {
			t.Errorf("%s grants nothing of the control %s", o.key, o.check.Control().Title)
		}
	}
	if len(openings) < 30+41 {
		t.Errorf("%d rows", len(openings))
	}
}

// TestPage: an opening leads to the level of the check that forbids it.
func TestPage(t *testing.T) {
	e := Expose(parsed(t, "allow: {privileged: true, allowPrivilegeEscalation: true}"))
	for i, want := range []struct{ control, page string }{
		{"Privileged Containers", "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline"},
		{"Privilege Escalation", "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"},
	} {
		if o := &e.Openings[i]; o.Control != want.control || o.Page != want.page {
			t.Errorf("%s, %s", o.Control, o.Page)
		}
	}
	if o := &e.Openings[1]; o.Position != (policy.Position{File: "p.yaml", Line: 4}) {
		t.Errorf("position %s", o.Position)
	}
}

// TestWhom: which pods a policy is for, and where.
func TestWhom(t *testing.T) {
	e := Expose(parsed(t, "podSelectorExpressions: [{key: tier, operator: In, values: [v, w]}]"))
	if e.EveryNamespace || e.Policy.Namespace != "ns" || e.Policy.Name != "p" || e.Policy.Line != 1 || e.Selector != "a=b,tier in (v,w)" {
		t.Errorf("%+v", e)
	}
	p := parsed(t, "")
	p.Namespace = ""
	if e = Expose(p); !e.EveryNamespace || e.Policy.Namespace != "" {
		t.Errorf("%+v", e)
	}
	for _, row := range []struct {
		why, policy, selector, namespaces string
		every                             bool
	}{
		{"namespaces that are named", "namespaces: [a, b]\npodSelectorLabels: {a: b}", "a=b", "", false},
		{"a label that a namespace must have", "namespaceSelector: {matchLabels: {team: a}}\npodSelectorLabels: {a: b}", "a=b", "team=a", false},
		{"a namespace that is left out leaves all others", "namespaceSelector: {matchExpressions: [{key: team, operator: NotIn, values: [a]}]}\npodSelectorLabels: {a: b}", "a=b", "team notin (a)", true},
		{"a default policy selects no pod", "default: true", "", "", true},
		{"nor does one of a namespace", "default: true\nnamespace: a", "", "", false},
	} {
		e := Expose(readOne(t, row.policy))
		if e.Selector != row.selector || e.NamespaceSelector != row.namespaces || e.EveryNamespace != row.every || e.Default != strings.Contains(row.policy, "default") {
			t.Errorf("%s: %+v", row.why, e)
		}
	}
	said := Expose(readOne(t, "podSelectorLabels: {a: b}\nreason: it traces\nowner: team-a\nexpires: 2026-12-31"))
	if said.Reason != "it traces" || said.Owner != "team-a" || said.Expires != "2026-12-31" {
		t.Errorf("%+v", said)
	}
}

// TestImplied: which grants have the effect of others, and which of those the policy
// grants as well.
func TestImplied(t *testing.T) {
	rows := []struct {
		name, why, policy string
		want              []string
	}{
		{"nothing", "two grants of which neither has the effect of the other", "allow: {hostPID: true, hostIPC: true, allowPrivilegeEscalation: true}", nil},
		{"privileged", "all that confines is off", "allow: {privileged: true, allowedCapabilities: [CHOWN, KILL], hostPID: true, seLinuxOptions: true}\nmutations: {dropAllCapabilities: false}", []string{
			"allow.privileged 8: allow.allowedCapabilities[0] allow.allowedCapabilities[1] allow.seLinuxOptions mutations.dropAllCapabilities",
		}},
		{"SYS_ADMIN", "in any form", "allow: {allowPrivilegeEscalation: true, allowedCapabilities: [KILL, cap_sys_admin]}", []string{"allow.allowedCapabilities[1] 1: allow.allowPrivilegeEscalation"}},
		{"every capability", "SYS_ADMIN is one", `allow: {allowedCapabilities: ["*"]}`, []string{"allow.allowedCapabilities[0] 1:"}},
		{"ALL", "a grant of the word, and not of SYS_ADMIN", "allow: {allowPrivilegeEscalation: true, allowedCapabilities: [ALL]}", nil},
		{"network and ports", "", "allow: {hostNetworkPorts: true, hostNetwork: true, allowedHostPorts: [{min: 1, max: 2}]}", []string{
			"allow.hostNetworkPorts 2: allow.allowedHostPorts[0] allow.hostNetwork", "allow.hostNetwork 1: allow.allowedHostPorts[0]",
		}},
		{"network", "", "allow: {hostNetwork: true}", []string{"allow.hostNetwork 1:"}},
		{"namespaces", "", "allow: {hostNamespace: true, hostIPC: true}", []string{"allow.hostNamespace 2: allow.hostIPC"}},
		{"paths", "the longer one is covered, to read what may be written", "allow: {allowedHostPaths: [{pathPrefix: /srv/a, readOnly: true}, {pathPrefix: /srv}]}", []string{"allow.allowedHostPaths[1] 1: allow.allowedHostPaths[0]"}},
		{"paths to write", "what may only be read covers none", "allow: {allowedHostPaths: [{pathPrefix: /srv/a}, {pathPrefix: /srv, readOnly: true}]}", nil},
		{"paths, recursively", "the same", "allow: {allowedHostPaths: [{pathPrefix: /srv/a, readOnly: true}, {pathPrefix: /srv, readOnly: true, recursiveReadOnly: true}]}", nil},
		{"paths of types", "some cover fewer", "allow: {allowedHostPaths: [{pathPrefix: /srv, types: [File, Socket]}, {pathPrefix: /srv/a, types: [File]}]}", []string{"allow.allowedHostPaths[0] 1: allow.allowedHostPaths[1]"}},
		{"paths of other types", "and not the others", "allow: {allowedHostPaths: [{pathPrefix: /srv, types: [File]}, {pathPrefix: /srv/a, types: [File, Socket]}, {pathPrefix: /srv/b}]}", nil},
		{"paths of any type", "any covers some", "allow: {allowedHostPaths: [{pathPrefix: /srv}, {pathPrefix: /srv/a, types: [File]}]}", []string{"allow.allowedHostPaths[0] 1: allow.allowedHostPaths[1]"}},
		{"paths that are the same", "the first stands for both", "allow: {allowedHostPaths: [{pathPrefix: /srv}, {pathPrefix: /srv}]}", []string{"allow.allowedHostPaths[0] 1: allow.allowedHostPaths[1]"}},
		{"entries for single containers", "what the policy grants, each of them has; what one has, the other has not",
			"allow: {privileged: true}\ncontainers: [{names: [a], allow: {allowPrivilegeEscalation: true}}]", []string{"allow.privileged 8: containers[0].allow.allowPrivilegeEscalation"}},
		{"an entry", "of itself alone", "allow: {seLinuxOptions: true}\ncontainers: [{names: [a], allow: {privileged: true, procMounts: [Unmasked]}}, {names: [b], allow: {allowPrivilegeEscalation: true}}]", []string{"containers[0].allow.privileged 8: containers[0].allow.procMounts[0]"}},
		{"paths beside each other", "", "allow: {allowedHostPaths: [{pathPrefix: /srv}, {pathPrefix: /srv2}]}", nil},
		{"paths of Windows", "in any case of letters", `allow: {allowedHostPaths: [{pathPrefix: 'C:\a'}, {pathPrefix: 'c:\A\b'}]}`, []string{"allow.allowedHostPaths[0] 1: allow.allowedHostPaths[1]"}},
		{"paths of two systems", "one drive's root is not the other's", `allow: {allowedHostPaths: [{pathPrefix: 'C:\'}, {pathPrefix: /a}]}`, nil},
	}
	met := map[string]bool{}
	for _, row := range rows {
		e := Expose(parsed(t, row.policy))
		var got []string
		for _, i := range e.Implied {
			text := fmt.Sprintf("%s %d:", i.By, len(i.Implies))
			for _, g := range i.Given {
				text += " " + g.String()
			}
			got = append(got, text)
			met[i.Why] = true
			if !strings.HasSuffix(i.Why, ".") {
				t.Errorf("%s: %q is no sentence", row.name, i.Why)
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s, %s (-want +got):\n%s", row.name, row.why, diff)
		}
	}
	for i := range implications {
		if !met[implications[i].why] {
			t.Errorf("no policy implies anything by: %s", implications[i].why)
		}
	}
}

// TestWideGrantsImply: a grant of which the library's table says that another one opens
// less implies that one.
func TestWideGrantsImply(t *testing.T) {
	wide := 0
	for _, g := range policy.GrantTypes() {
		if !g.Wide {
			continue
		}
		wide++
		implied := slices.ContainsFunc(implications[:], func(i implication) bool {
			p := &policy.Policy{Allow: policy.Allow{
				Privileged: g.Key == policy.KeyPrivileged, HostNetworkPorts: g.Key == policy.KeyHostNetworkPorts,
				HostNamespace: g.Key == policy.KeyHostNamespace,
			}}
			if g.Key == policy.KeyAllowedCapabilities {
				p.Allow.AllowedCapabilities = []string{"SYS_ADMIN"}
			}
			by, is := i.by(p)
			return is && by.Key == g.Key
		})
		if !implied {
			t.Errorf("%s is wide in the table of grants, and implies nothing here", g.String())
		}
	}
	if wide < 6 {
		t.Errorf("%d grants are wide, want 6 at least", wide)
	}
}

// TestDemands: what makes a rule demand more than the level.
func TestDemands(t *testing.T) {
	some := "{rule: %s, ranges: [{min: 1, max: 2}]}"
	for body, want := range map[string]string{
		"": "",
		"allow: {runAsUser: " + fmt.Sprintf(some, "MustRunAs") + "}":                                    "allow.runAsUser",
		"allow: {runAsUser: RunAsAny, runAsGroup: {rule: RunAsAny}}":                                    "",
		"allow: {runAsGroup: " + fmt.Sprintf(some, "MustRunAs") + "}":                                   "allow.runAsGroup",
		"allow: {runAsGroup: " + fmt.Sprintf(some, "MayRunAs") + "}":                                    "allow.runAsGroup",
		"allow: {fsGroup: " + fmt.Sprintf(some, "MayRunAs") + "}":                                       "allow.fsGroup",
		"allow: {supplementalGroups: " + fmt.Sprintf(some, "MayRunAs") + "}":                            "allow.supplementalGroups",
		"allow: {supplementalGroups: {policy: Strict}}":                                                 "allow.supplementalGroups",
		"allow: {volumes: [emptyDir]}":                                                                  "allow.volumes",
		"allow: {volumes: []}":                                                                          "allow.volumes",
		`allow: {volumes: ["*"]}`:                                                                       "",
		"allow: {readOnlyRootFilesystem: true}":                                                         "allow.readOnlyRootFilesystem",
		"allow: {userNamespace: Required}":                                                              "allow.userNamespace",
		"containers: [{names: [a], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 2}]}}}]": "",
		"allow: {readOnlyRootFilesystem: true, fsGroup: {rule: RunAsAny}}":                              "allow.readOnlyRootFilesystem",
		"allow: {readOnlyRootFilesystem: true, supplementalGroups: {policy: Strict}}":                   "allow.supplementalGroups allow.readOnlyRootFilesystem",
	} {
		e := Expose(parsed(t, body))
		var got []string
		for _, key := range e.Demands {
			got = append(got, key.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// TestWeights: the heaviest comes first, each has a name and a title, and what is none
// has neither.
func TestWeights(t *testing.T) {
	var names []string
	for _, w := range Weights() {
		name, err := w.MarshalText()
		if err != nil || w.String() == "" {
			t.Errorf("%d: %q %v", w, w, err)
		}
		names = append(names, string(name))
	}
	if !slices.IsSortedFunc(Weights(), func(a, b Weight) int { return int(b) - int(a) }) || strings.Join(names, " ") != "nodeTakeover nodeFiles otherTenants thisPod" {
		t.Errorf("%q", names)
	}
	for _, none := range []Weight{0, weightEnd, weightEnd + 1} {
		if name, _ := none.MarshalText(); none.String() != "" || string(name) != "" {
			t.Errorf("%d: %q %q", none, none, name)
		}
	}
}

// TestExposeIsPure: the policy stays as it is, two answers are the same, and what is
// changed in one shows in no other. Its lists are never null as JSON.
func TestExposeIsPure(t *testing.T) {
	for _, row := range opened {
		p := parsed(t, row.policy)
		before := p.DeepCopy()
		first := Expose(p)
		want, err := json.Marshal(first)
		if err != nil || strings.Contains(string(want), "null") {
			t.Errorf("%s: %v: %s", row.name, err, want)
		}
		for i := range first.Openings {
			for j := range first.Openings[i].Sources {
				first.Openings[i].Sources[j] = "changed"
			}
			for j := range first.Openings[i].With {
				first.Openings[i].With[j] = 0
			}
		}
		for i := range first.Implied {
			first.Implied[i].Implies[0] = 0
		}
		if again, _ := json.Marshal(Expose(p)); string(again) != string(want) {
			t.Errorf("%s: %s\nand then %s", row.name, want, again)
		}
		if diff := cmp.Diff(before, p); diff != "" {
			t.Errorf("%s: %s", row.name, diff)
		}
	}
}
