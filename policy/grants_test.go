package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/podfence/podfence/policy"
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

// TestHostPath: of several entries that cover a path, one that asks for no
// read-only mounts suffices, in whatever order.
func TestHostPath(t *testing.T) {
	ro := func(p string) policy.HostPath { return policy.HostPath{PathPrefix: p, ReadOnly: true} }
	rw := func(p string) policy.HostPath { return policy.HostPath{PathPrefix: p} }
	for _, row := range []struct {
		name, path        string
		entries           []policy.HostPath
		covered, readOnly bool
	}{
		{"none", "/a", nil, false, false},
		{"another", "/a", []policy.HostPath{rw("/b"), ro("/ab")}, false, false},
		{"writable", "/a/b", []policy.HostPath{rw("/a")}, true, false},
		{"read-only", "/a/b", []policy.HostPath{ro("/a")}, true, true},
		{"read-only, then writable", "/a/b", []policy.HostPath{ro("/a"), rw("/a/b")}, true, false},
		{"writable, then read-only", "/a/b", []policy.HostPath{rw("/a/b"), ro("/a")}, true, false},
		{"two read-only", "/a/b", []policy.HostPath{ro("/"), ro("/a/b")}, true, true},
		{"writable elsewhere", "/a/b", []policy.HostPath{rw("/a/b/c"), ro("/a"), rw("/b")}, true, true},
		{"unclean", "/a/../b", []policy.HostPath{rw("/"), rw("/a")}, false, false},
	} {
		a := policy.Allow{AllowedHostPaths: row.entries}
		if covered, readOnly := a.HostPath(row.path); covered != row.covered || readOnly != row.readOnly {
			t.Errorf("%s: covered %v, read-only %v, want %v, %v", row.name, covered, readOnly, row.covered, row.readOnly)
		}
	}
}

// TestCapability: spellings of a name are one name; "*" is every name.
func TestCapability(t *testing.T) {
	spellings := []string{"NET_ADMIN", "net_admin", "Net_Admin", "CAP_NET_ADMIN", "cap_net_admin", "Cap_NET_admin"}
	others := []string{"", "CAP_", "*", "ALL", "NET_ADMI", "NET_ADMINS", "NET_RAW", "CAP_CAP_NET_ADMIN", "CAPNET_ADMIN", "_NET_ADMIN", " NET_ADMIN", "NET_ADMIN\n"}
	cases := 0
	for _, grant := range spellings {
		a := policy.Allow{AllowedCapabilities: []string{"KILL", grant}}
		for _, c := range spellings {
			cases++
			if !a.Capability(c) {
				t.Errorf("%s does not grant %s", grant, c)
			}
		}
		for _, c := range others {
			cases++
			if a.Capability(c) {
				t.Errorf("%s grants %q", grant, c)
			}
		}
	}
	star := policy.Allow{AllowedCapabilities: []string{"*"}}
	for _, c := range append(spellings, others...) {
		cases++
		if !star.Capability(c) {
			t.Errorf("* does not grant %q", c)
		}
		if none := (policy.Allow{}); none.Capability(c) {
			t.Errorf("an empty list grants %q", c)
		}
	}
	if want := 6*6 + 6*12 + 18; cases != want {
		t.Errorf("%d cases, want %d", cases, want)
	}
}

// TestSysctl: exact names, and prefixes that end in "*", against a reference,
// for every name over "a." up to length 5.
func TestSysctl(t *testing.T) {
	cases := 0
	for _, grant := range []string{"*", "a", "a.a", "a*", "a.*", "a.a*", "aa", "aa.*"} {
		a := policy.Allow{AllowedUnsafeSysctls: []string{"b.c", grant}}
		eachString("a.", 5, func(name string) {
			cases++
			want := name == grant
			if n := len(grant) - 1; grant[n] == '*' {
				want = len(name) >= n && name[:n] == grant[:n]
			}
			if got := a.Sysctl(name); got != want {
				t.Errorf("%q under %q: %v, want %v", name, grant, got, want)
			}
		})
	}
	if cases != 8*63 {
		t.Errorf("%d cases, want %d", cases, 8*63)
	}
	if none := (policy.Allow{}); none.Sysctl("a") || none.Sysctl("") {
		t.Error("an empty list grants a sysctl")
	}
}

func TestHostPort(t *testing.T) {
	ranges := policy.Allow{AllowedHostPorts: []policy.PortRange{{Min: 80, Max: 80}, {Min: 1000, Max: 2000}}}
	for port, want := range map[int32]bool{-80: false, 0: false, 79: false, 80: true, 81: false, 999: false, 1000: true, 1500: true, 2000: true, 2001: false, 65535: false} {
		if got := ranges.HostPort(port); got != want {
			t.Errorf("port %d: %v, want %v", port, got, want)
		}
		if all := (policy.Allow{HostNetworkPorts: true}); !all.HostPort(port) {
			t.Errorf("port %d is refused under hostNetworkPorts", port)
		}
		if network := (policy.Allow{HostNetwork: true}); network.HostPort(port) {
			t.Errorf("port %d is granted by hostNetwork", port)
		}
	}
}

// TestListsAreExact: the grants that are lists of words compare exactly.
func TestListsAreExact(t *testing.T) {
	a := policy.Allow{
		SeccompProfiles: []string{"Unconfined"}, AppArmorProfiles: []string{"Unconfined"}, ProcMounts: []string{"Unmasked"},
		AllowedProbeHosts: []string{"127.0.0.1"},
	}
	for _, row := range []struct {
		name      string
		got, want bool
	}{
		{"seccomp Unconfined", a.SeccompProfile("Unconfined"), true},
		{"seccomp unconfined", a.SeccompProfile("unconfined"), false},
		{"seccomp unset", a.SeccompProfile(""), false},
		{"AppArmor Unconfined", a.AppArmorProfile("Unconfined"), true},
		{"AppArmor unconfined", a.AppArmorProfile("unconfined"), false},
		{"AppArmor unset", a.AppArmorProfile(""), false},
		{"proc Unmasked", a.ProcMount("Unmasked"), true},
		{"proc unmasked", a.ProcMount("unmasked"), false},
		{"proc empty", a.ProcMount(""), false},
		{"host", a.ProbeHost("127.0.0.1"), true},
		{"longer host", a.ProbeHost("127.0.0.11"), false},
		{"host by name", a.ProbeHost("localhost"), false},
		{"no host", a.ProbeHost(""), false},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v, want %v", row.name, row.got, row.want)
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
		{"anything under *", star.Volume("unknown"), true},
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
		user, group := policy.UserRule{Rule: policy.MustRunAs, Ranges: ranges}, policy.GroupRule{Rule: policy.MustRunAs, Ranges: ranges}
		if policy.InRanges(ranges, id) != in || user.InRange(id) != in || group.InRange(id) != in {
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
		if got := row.rule.RootUser(); got != row.want {
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
