package policy_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// segments splits a path as the node would read it, and reports whether it is
// one that a prefix may cover: absolute, without empty, "." and ".." segments.
// One trailing slash is forgiven.
func segments(path string) (list []string, clean bool) {
	switch {
	case path == "/":
		return nil, true
	case !strings.HasPrefix(path, "/"):
		return nil, false
	}
	list = strings.Split(strings.TrimSuffix(path, "/"), "/")[1:]
	for _, s := range list {
		if s == "" || s == "." || s == ".." {
			return nil, false
		}
	}
	return list, len(list) > 0
}

// eachString visits every string over an alphabet up to a length.
func eachString(alphabet string, most int, visit func(string)) {
	for level := []string{""}; ; most-- {
		var next []string
		for _, s := range level {
			visit(s)
			for _, r := range alphabet {
				next = append(next, s+string(r))
			}
		}
		if most == 0 {
			return
		}
		level = next
	}
}

// TestCoversExhaustively: a prefix covers a path exactly if both are clean and
// its segments begin the path's, for every prefix over / a . up to length 5 and
// every path up to length 7.
func TestCoversExhaustively(t *testing.T) {
	type split struct {
		path  string
		list  []string
		clean bool
	}
	all := func(most int) (paths []split) {
		eachString("/a.", most, func(path string) {
			list, clean := segments(path)
			paths = append(paths, split{path, list, clean})
		})
		return paths
	}
	paths := all(7)
	cases, covered, cleanPrefixes := 0, 0, 0
	for _, prefix := range all(5) {
		if prefix.clean {
			cleanPrefixes++
		}
		for _, path := range paths {
			cases++
			want := prefix.clean && path.clean && len(path.list) >= len(prefix.list) && slices.Equal(path.list[:len(prefix.list)], prefix.list)
			if want {
				covered++
			}
			if got := policy.Covers(prefix.path, path.path); got != want {
				t.Errorf("Covers(%q, %q) = %v, want %v", prefix.path, path.path, got, want)
			}
		}
	}
	t.Logf("%d cases, %d of them covered, of %d clean prefixes", cases, covered, cleanPrefixes)
	// 3^0 + ... + 3^5 = 364 prefixes, and 3^0 + ... + 3^7 = 3280 paths.
	if cases != 364*3280 || covered != 746 || cleanPrefixes != 49 {
		t.Errorf("%d cases, %d covered, %d clean prefixes; want %d, 746, 49", cases, covered, cleanPrefixes, 364*3280)
	}
}

// TestCoversAllocatesNothing: paths come from pods, by the thousand.
func TestCoversAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { policy.Covers("/var/log", "/var/log/pods/x/../y/z/") }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestCoversOfNoPrefix: a prefix that was not set, or is no absolute path, covers
// nothing. Validate refuses such, but a security policy is never guessed at.
func TestCoversOfNoPrefix(t *testing.T) {
	for _, prefix := range []string{"", "a", "."} {
		for _, path := range []string{"/", "/a", "/a/b", "a", ""} {
			if policy.Covers(prefix, path) {
				t.Errorf("Covers(%q, %q) is true", prefix, path)
			}
		}
	}
}

// excuses reports whether a policy with an allow block excuses a fault, and by
// which entry.
func excuses(a policy.Allow, f policy.Fault) (string, bool) {
	p := policy.Policy{Allow: a}
	by, ok := p.Excuses(&f)
	return by.String(), ok
}

// TestHostPath: of several entries that cover a path, one that admits the ways
// in which it is mounted suffices, in whatever order.
func TestHostPath(t *testing.T) {
	ro := func(p string) policy.HostPath { return policy.HostPath{PathPrefix: p, ReadOnly: true} }
	rw := func(p string) policy.HostPath { return policy.HostPath{PathPrefix: p} }
	for _, row := range []struct {
		name, path string
		entries    []policy.HostPath
		// readable and writable name the entry that admits the path mounted
		// read-only, and mounted writable; "" for none.
		readable, writable string
	}{
		{"none", "/a", nil, "", ""},
		{"another", "/a", []policy.HostPath{rw("/b"), ro("/ab")}, "", ""},
		{"writable", "/a/b", []policy.HostPath{rw("/a")}, "[0]", "[0]"},
		{"read-only", "/a/b", []policy.HostPath{ro("/a")}, "[0]", ""},
		{"read-only, then writable", "/a/b", []policy.HostPath{ro("/a"), rw("/a/b")}, "[0]", "[1]"},
		{"writable, then read-only", "/a/b", []policy.HostPath{rw("/a/b"), ro("/a")}, "[0]", "[0]"},
		{"two read-only", "/a/b", []policy.HostPath{ro("/"), ro("/a/b")}, "[0]", ""},
		{"writable elsewhere", "/a/b", []policy.HostPath{rw("/a/b/c"), ro("/a"), rw("/b")}, "[1]", ""},
		{"unclean", "/a/../b", []policy.HostPath{rw("/"), rw("/a")}, "", ""},
	} {
		a := policy.Allow{AllowedHostPaths: row.entries}
		for facts, entry := range map[spec.Facts]string{0: row.readable, spec.MountedWritable: row.writable} {
			if got := a.HostPath(row.path, facts); got != (entry != "") {
				t.Errorf("%s, facts %d: %v, want entry %q", row.name, facts, got, entry)
			}
			fault := policy.Fault{
				Check: spec.CheckHostPathVolumes, Field: spec.FieldVolumeHostPath, Value: row.path, Facts: facts,
			}
			by, ok := excuses(a, fault)
			if want := "allow.allowedHostPaths" + entry; ok != (entry != "") || ok && by != want {
				t.Errorf("%s, facts %d: excused %v by %s, want %s", row.name, facts, ok, by, want)
			}
		}
	}
}

// TestHostPathDemands: an entry may ask for more than its path.
func TestHostPathDemands(t *testing.T) {
	const shallow, written = spec.SubmountsWritable, spec.MountedWritable | spec.SubmountsWritable
	of := func(name corev1.HostPathType) spec.Facts {
		return spec.TypeOf(&corev1.HostPathVolumeSource{Type: &name})
	}
	deep := policy.HostPath{PathPrefix: "/a", ReadOnly: true, RecursiveReadOnly: true}
	typed := policy.HostPath{PathPrefix: "/a", Types: []string{"Directory", "Unset"}}
	for _, row := range []struct {
		name  string
		entry policy.HostPath
		facts spec.Facts
		want  bool
	}{
		{"read-only, and a mount that is so on its top alone", policy.HostPath{PathPrefix: "/a", ReadOnly: true}, shallow, true},
		{"recursively, and none is mounted or all are so", deep, 0, true},
		{"recursively, and a mount that is so on its top alone", deep, shallow, false},
		{"recursively, and one that is written to", deep, written, false},
		{"a type that is listed", typed, of(corev1.HostPathDirectory), true},
		{"a type that is not", typed, of(corev1.HostPathDirectoryOrCreate), false},
		{"a socket", typed, of(corev1.HostPathSocket) | written, false},
		{"a volume without a type", typed, of(corev1.HostPathUnset) | written, true},
		{"a type that the API does not know", typed, of("directory"), false},
		{"a type that the API does not know, and no list", policy.HostPath{PathPrefix: "/a"}, of("directory"), true},
		{"an empty list, which Validate refuses", policy.HostPath{PathPrefix: "/a", Types: []string{}}, of(corev1.HostPathDirectory), false},
		{"a word that is no type, which Validate refuses", policy.HostPath{PathPrefix: "/a", Types: []string{""}}, of("directory"), false},
	} {
		a := policy.Allow{AllowedHostPaths: []policy.HostPath{row.entry}}
		if got := a.HostPath("/a/b", row.facts); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
	for _, known := range spec.HostPathTypes() {
		facts := of(known.Type)
		if facts.HostPathType() != known.Name || facts.Has(spec.MountedWritable) || facts.Has(spec.SubmountsWritable) || facts.Has(spec.OnWindows) {
			t.Errorf("%s reads as %q of facts %b", known.Name, facts.HostPathType(), facts)
		}
	}
	if unset := spec.TypeOf(&corev1.HostPathVolumeSource{}); unset != of(corev1.HostPathUnset) || len(spec.HostPathTypes()) != 8 {
		t.Errorf("no type is %q, and there are %d", unset.HostPathType(), len(spec.HostPathTypes()))
	}
}

// TestHostPathWords: what an entry lets be mounted, as a violation says it.
func TestHostPathWords(t *testing.T) {
	for want, entry := range map[string]policy.HostPath{
		"/a":                           {PathPrefix: "/a"},
		"/a with every mount readOnly": {PathPrefix: "/a", ReadOnly: true},
		"/a with every mount recursiveReadOnly: Enabled, of type Directory or Unset": {
			PathPrefix: "/a", ReadOnly: true, RecursiveReadOnly: true, Types: []string{"Directory", "Unset"},
		},
		`C:\a on Windows (spec.os.name), of type File`: {PathPrefix: `C:\a`, Types: []string{"File"}},
	} {
		if got := entry.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestCapability: spellings of a name are one name; "*" is every name.
func TestCapability(t *testing.T) {
	spellings := []string{"NET_ADMIN", "net_admin", "Net_Admin", "CAP_NET_ADMIN", "cap_net_admin", "Cap_NET_admin"}
	others := []string{
		"", "CAP_", "*", "ALL", "NET_ADMI", "NET_ADMINS", "NET_RAW", "CAP_CAP_NET_ADMIN", "CAPNET_ADMIN",
		"_NET_ADMIN", " NET_ADMIN", "NET_ADMIN\n",
	}
	cases := 0
	hold := func(granted []string, capability, entry string) {
		t.Helper()
		cases++
		by, ok := excuses(policy.Allow{AllowedCapabilities: granted}, policy.Fault{
			Check: spec.CheckCapabilitiesRestricted, Field: spec.FieldCapabilitiesAdd, Value: capability,
		})
		if ok != (entry != "") || ok && by != "allow.allowedCapabilities"+entry {
			t.Errorf("%v grants %q: %v by %s, want entry %q", granted, capability, ok, by, entry)
		}
	}
	for _, grant := range spellings {
		for _, c := range spellings {
			hold([]string{"KILL", grant}, c, "[1]")
		}
		for _, c := range others {
			hold([]string{"KILL", grant}, c, "")
		}
	}
	for _, c := range append(spellings, others...) {
		hold([]string{"*"}, c, "[0]")
		hold(nil, c, "")
	}
	if want := 6*6 + 6*12 + 2*18; cases != want {
		t.Errorf("%d cases, want %d", cases, want)
	}
}

// TestSysctl: exact names, and prefixes that end in "*", against a reference,
// for every name over "a." up to length 5.
func TestSysctl(t *testing.T) {
	cases := 0
	for _, grant := range []string{"", "*", "a", "a.a", "a*", "a.*", "a.a*", "aa", "aa.*"} {
		a := policy.Allow{AllowedUnsafeSysctls: []string{"b.c", grant}}
		if grant == "" {
			a = policy.Allow{}
		}
		eachString("a.", 5, func(name string) {
			cases++
			want := name == grant && grant != ""
			if n := len(grant) - 1; n >= 0 && grant[n] == '*' {
				want = len(name) >= n && name[:n] == grant[:n]
			}
			by, got := excuses(a, policy.Fault{Check: spec.CheckSysctls, Field: spec.FieldSysctl, Value: name})
			if got != want || got && by != "allow.allowedUnsafeSysctls[1]" {
				t.Errorf("%q under %q: %v by %s, want %v", name, grant, got, by, want)
			}
		})
	}
	if cases != 9*63 {
		t.Errorf("%d cases, want %d", cases, 9*63)
	}
}

func TestHostPort(t *testing.T) {
	ranges := policy.Allow{AllowedHostPorts: []policy.PortRange{{Min: 80, Max: 80}, {Min: 1000, Max: 2000}}}
	for port, want := range map[int32]bool{
		-80: false, 0: false, 79: false, 80: true, 81: false, 999: false, 1000: true, 1500: true, 2000: true, 2001: false, 65535: false,
	} {
		fault := policy.Fault{Check: spec.CheckHostPorts, Field: spec.FieldHostPort, Value: port}
		if by, got := excuses(ranges, fault); got != want {
			t.Errorf("port %d: %v by %s, want %v", port, got, by, want)
		}
		if _, got := excuses(policy.Allow{HostNetworkPorts: true}, fault); !got {
			t.Errorf("port %d is refused under hostNetworkPorts", port)
		}
		if _, got := excuses(policy.Allow{HostNetwork: true}, fault); got {
			t.Errorf("port %d is granted by hostNetwork", port)
		}
	}
}

// TestListsAreExact: the grants that are lists of words compare exactly, and a
// legacy annotation by what it means.
func TestListsAreExact(t *testing.T) {
	a := policy.Allow{
		SeccompProfiles: []string{"Unconfined"}, AppArmorProfiles: []string{"Unconfined"}, ProcMounts: []string{"Unmasked"},
		AllowedProbeHosts: []string{"127.0.0.1"},
	}
	for _, row := range []struct {
		name  string
		check spec.CheckID
		field spec.Field
		value any
		want  bool
	}{
		{"seccomp Unconfined", spec.CheckSeccompProfileRestricted, spec.FieldSeccompType, "Unconfined", true},
		{"seccomp unconfined", spec.CheckSeccompProfileRestricted, spec.FieldSeccompType, "unconfined", false},
		{"seccomp empty", spec.CheckSeccompProfileRestricted, spec.FieldSeccompType, "", false},
		{"seccomp unset", spec.CheckSeccompProfileRestricted, spec.FieldSeccompType, nil, false},
		{"seccomp annotation", spec.CheckSeccompProfileBaseline, spec.FieldAnnotation, "unconfined", true},
		{"another seccomp annotation", spec.CheckSeccompProfileBaseline, spec.FieldAnnotation, "Unconfined", false},
		{"AppArmor Unconfined", spec.CheckAppArmorProfile, spec.FieldAppArmorType, "Unconfined", true},
		{"AppArmor unconfined", spec.CheckAppArmorProfile, spec.FieldAppArmorType, "unconfined", false},
		{"AppArmor empty", spec.CheckAppArmorProfile, spec.FieldAppArmorType, "", false},
		{"AppArmor annotation", spec.CheckAppArmorProfile, spec.FieldAnnotation, "unconfined", true},
		{"another AppArmor annotation", spec.CheckAppArmorProfile, spec.FieldAnnotation, "", false},
		{"proc Unmasked", spec.CheckProcMount, spec.FieldProcMount, "Unmasked", true},
		{"proc unmasked", spec.CheckProcMount, spec.FieldProcMount, "unmasked", false},
		{"proc empty", spec.CheckProcMountRestricted, spec.FieldProcMount, "", false},
		{"host", spec.CheckHostProbesAndHostLifecycle, spec.FieldPreStopHTTPHost, "127.0.0.1", true},
		{"longer host", spec.CheckHostProbesAndHostLifecycle, spec.FieldPreStopHTTPHost, "127.0.0.11", false},
		{"host by name", spec.CheckHostProbesAndHostLifecycle, spec.FieldPreStopHTTPHost, "localhost", false},
		{"no host", spec.CheckHostProbesAndHostLifecycle, spec.FieldPreStopHTTPHost, "", false},
	} {
		if _, got := excuses(a, policy.Fault{Check: row.check, Field: row.field, Value: row.value}); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

// TestVolume: an unset list is the default one, an empty list is empty.
func TestVolume(t *testing.T) {
	var unset policy.Allow
	for _, name := range policy.DefaultVolumes() {
		if !unset.Volume(name) {
			t.Errorf("%s is not on the default list", name)
		}
	}
	if want := []string{"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret"}; !slices.Equal(policy.DefaultVolumes(), want) {
		t.Errorf("the default list is %v, want %v", policy.DefaultVolumes(), want)
	}
	policy.DefaultVolumes()[0] = "hostPath"
	if policy.DefaultVolumes()[0] != "configMap" {
		t.Error("a caller changed the default list")
	}
	empty, star, one := policy.Allow{Volumes: []string{}}, policy.Allow{Volumes: []string{"*"}}, policy.Allow{Volumes: []string{"nfs"}}
	for _, row := range []struct {
		name      string
		got, want bool
	}{
		{"csi by default", unset.Volume("csi"), false},
		{"hostPath by default", unset.Volume("hostPath"), false},
		{"configMap of an empty list", empty.Volume("configMap"), false},
		{"every type under *", star.Volume("photonPersistentDisk"), true},
		{"what is not known under *", star.Volume("unknown"), false},
		{"nfs listed", one.Volume("nfs"), true},
		{"configMap not listed", one.Volume("configMap"), false},
		{"NFS listed as nfs", one.Volume("NFS"), false},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v, want %v", row.name, row.got, row.want)
		}
	}
}

// TestRules: what ranges hold, what a group rule admits, which user rules excuse root.
func TestRules(t *testing.T) {
	ranges := []policy.IDRange{{Min: 0, Max: 0}, {Min: 400, Max: 499}}
	for id, in := range map[int64]bool{-1: false, 0: true, 1: false, 399: false, 400: true, 499: true, 500: false, policy.MaxID: false} {
		if policy.InRanges(ranges, id) != in {
			t.Errorf("%d in the ranges: want %v", id, in)
		}
		for rule, want := range map[policy.Rule]bool{policy.MustRunAs: in, policy.MayRunAs: in, policy.RunAsAny: true, "": true} {
			g := policy.GroupRule{Rule: rule, Ranges: ranges}
			if got := g.Admits(id); got != want {
				t.Errorf("%q admits %d: %v, want %v", rule, id, got, want)
			}
		}
	}
	if policy.InRanges(nil, 0) {
		t.Error("no range holds 0")
	}
	for _, row := range []struct {
		rule policy.UserRule
		want bool
	}{
		{policy.UserRule{}, false},
		{policy.UserRule{Rule: policy.MustRunAsNonRoot}, false},
		{policy.UserRule{Rule: policy.RunAsAny}, true},
		{policy.UserRule{Rule: policy.MustRunAs, Ranges: ranges}, true},
		{policy.UserRule{Rule: policy.MustRunAs, Ranges: ranges[1:]}, false},
		{policy.UserRule{Rule: policy.MustRunAs}, false},
		{policy.UserRule{Ranges: ranges}, false},
	} {
		fault := policy.Fault{Check: spec.CheckRunAsUser, Field: spec.FieldRunAsUser, Value: int64(0), Facts: spec.RootUser}
		if _, got := excuses(policy.Allow{RunAsUser: row.rule}, fault); got != row.want {
			t.Errorf("%+v excuses root: %v, want %v", row.rule, got, row.want)
		}
	}
}

// TestDefault: the default policy is the zero one; it selects no pod, and so
// no Set takes it.
func TestDefault(t *testing.T) {
	p := policy.Default()
	if p.Selects() || p.Validate() == nil {
		t.Error("the default policy selects pods")
	}
	for name, p := range map[string]policy.Policy{
		"labels":      selecting("a", "", web),
		"expressions": selecting("a", "", nil, expression("app", "Exists")),
	} {
		if !p.Selects() {
			t.Errorf("a policy with %s selects nothing", name)
		}
	}
	p.Allow.Privileged = true
	if policy.Default().Allow.Privileged {
		t.Error("a caller changed the default policy")
	}
}
