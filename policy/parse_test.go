package policy

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/spec"
)

func ptr[T any](v T) *T { return &v }

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// parseOne parses a file that must hold one policy.
func parseOne(t testing.TB, in string) Policy {
	t.Helper()
	policies, err := Parse([]byte(in), "")
	if err != nil || len(policies) != 1 {
		t.Fatalf("%d policies, %v", len(policies), err)
	}
	return policies[0]
}

// anywhere compares policies by what they say, wherever they stand.
var anywhere = cmpopts.IgnoreTypes(Source{})

var webLabels = map[string]string{"app": "web"}

func TestParseReadsEveryKey(t *testing.T) {
	ranges := func(r ...IDRange) []IDRange { return r }
	want := []Policy{{
		Name: "every-key", Namespaces: []string{"networking", "storage"},
		NamespaceSelector: &metav1.LabelSelector{
			MatchLabels:      map[string]string{"team": "platform"},
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "stage", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"test"}}},
		},
		PodSelectorLabels: map[string]string{"app.kubernetes.io/name": "route-manager", "tier": ""},
		PodSelectorExpressions: []metav1.LabelSelectorRequirement{
			{Key: "stage", Operator: metav1.LabelSelectorOpIn, Values: []string{"test", "prod"}},
			{Key: "legacy", Operator: metav1.LabelSelectorOpDoesNotExist},
		},
		Allow: Allow{
			AllowPrivilegeEscalation: true, Privileged: true,
			AllowedCapabilities:  []string{"NET_ADMIN", "cap_sys_time", "*"},
			AllowedUnsafeSysctls: []string{"net.core.somaxconn", "net.ipv4.*", "*", "net.ipv4.conf.eno2/100.rp_filter"},
			HostNetworkPorts:     true, HostNamespace: true,
			AllowedHostPaths:   []HostPath{{PathPrefix: "/var/log", ReadOnly: true}, {PathPrefix: "/"}, {PathPrefix: "/"}, {`C:\var\lib`, true, true, []string{"Directory", "Unset"}}},
			RunAsUser:          UserRule{Rule: MustRunAs, Ranges: ranges(IDRange{0, 400})},
			RunAsGroup:         GroupRule{Rule: MustRunAs, Ranges: ranges(IDRange{1, MaxID})},
			FSGroup:            GroupRule{Rule: MayRunAs, Ranges: ranges(IDRange{2, 2}, IDRange{4, 5})},
			SupplementalGroups: SupplementalGroupsRule{GroupRule{Rule: RunAsAny}, "Strict"},
			Volumes:            []string{"configMap", "*", "hostPath"},
			SeccompProfiles:    []string{"Unconfined"},
			AppArmorProfiles:   []string{"Unconfined"},
			ProcMounts:         []string{"Unmasked"},
			SELinuxOptions:     true, WindowsHostProcess: true,
			AllowedProbeHosts: []string{"127.0.0.1", "::1", "localhost"},
			AllowedHostPorts:  []PortRange{{1, 65535}},
			HostNetwork:       true, HostPID: true, HostIPC: true, ReadOnlyRootFilesystem: true, UserNamespace: UserNamespaceRequired,
		},
		Mutations: Mutations{
			DropAllCapabilities: ptr(false), SetDefaultSeccompProfile: ptr(false),
			RunAsUser: ptr[int64](0), RunAsGroup: ptr[GroupFill](1), FSGroup: ptr(NoGroup), FSGroupChangePolicy: "OnRootMismatch",
			SupplementalGroups: []int64{1, 2},
		},
		Containers: []ContainerEntry{{
			Names: []string{"istio-init", "debugger-*"}, Images: []string{"docker.io/istio/proxyv2:*", "nginx"},
			Kinds: []ContainerKind{KindInit, KindSidecar, KindRegular, KindEphemeral},
			Allow: ContainerAllow{
				AllowPrivilegeEscalation: true, Privileged: true,
				AllowedCapabilities: []string{"NET_RAW"},
				RunAsUser:           UserRule{Rule: RunAsAny},
				RunAsGroup:          GroupRule{Rule: MayRunAs, Ranges: ranges(IDRange{0, 0})},
				SeccompProfiles:     []string{"Unconfined"},
				AppArmorProfiles:    []string{"Unconfined"},
				ProcMounts:          []string{"Unmasked"},
				SELinuxOptions:      true, WindowsHostProcess: true,
				AllowedProbeHosts: []string{"localhost"}, AllowedHostPorts: []PortRange{{80, 80}},
			},
			Mutations: ContainerMutations{
				DropAllCapabilities: ptr(false), SetDefaultSeccompProfile: ptr(true), RunAsUser: ptr[int64](65534), RunAsGroup: ptr[GroupFill](0),
			},
		}},
	}}
	got, err := Parse(testdata(t, "every-key.yaml"), "every-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, anywhere); diff != "" {
		t.Error(diff)
	}
	entry := got[0].Containers[0]
	for block, v := range map[string]any{
		"policy": got[0], "allow": got[0].Allow, "mutations": got[0].Mutations,
		"containers": entry, "containers.allow": entry.Allow, "containers.mutations": entry.Mutations,
	} {
		for i, f := range fieldsOf(reflect.TypeOf(v)) {
			if f.name == "namespace" {
				continue // namespaces stands in its place, and every other test has it
			}
			if reflect.ValueOf(v).Field(i).IsZero() {
				t.Errorf("policy/testdata/every-key.yaml does not set %s of %s", f.name, block)
			}
		}
	}
}

// accepted is what each line of the document's format becomes, and what else is
// easily refused by mistake.
var accepted = []struct {
	name, why, in string
	want          Policy
}{
	{"labels alone", "every other key has a default", web, Policy{}},
	{"empty blocks", "they are written out defaults", web + "allow: {}\nmutations: {}\n", Policy{}},
	{"false", "it is the default", web + "allow: {allowPrivilegeEscalation: false, privileged: false, hostNetworkPorts: false, hostNamespace: false}\n", Policy{}},
	{"empty lists", "they are the default", web + "allow: {allowedCapabilities: [], allowedUnsafeSysctls: [], allowedHostPaths: []}\n", Policy{}},
	{"empty volumes", "they are not the default", web + "allow: {volumes: []}\n", Policy{Allow: Allow{Volumes: []string{}}}},
	{"default volumes", "the document lists them", web + "allow:\n  volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret]\n", Policy{Allow: Allow{Volumes: DefaultVolumes()}}},
	{"user word MustRunAsNonRoot", "the document writes a word", web + "allow: {runAsUser: MustRunAsNonRoot}\n", Policy{Allow: Allow{RunAsUser: UserRule{Rule: MustRunAsNonRoot}}}},
	{"user word RunAsAny", "the document writes a word", web + "allow: {runAsUser: RunAsAny}\n", Policy{Allow: Allow{RunAsUser: UserRule{Rule: RunAsAny}}}},
	{"user object RunAsAny", "PSP's form", web + "allow: {runAsUser: {rule: RunAsAny}}\n", Policy{Allow: Allow{RunAsUser: UserRule{Rule: RunAsAny}}}},
	{"group RunAsAny", "the default, written out", web + "allow: {runAsGroup: {rule: RunAsAny, ranges: []}}\n", Policy{Allow: Allow{RunAsGroup: GroupRule{Rule: RunAsAny}}}},
	{"mutations at their defaults", "the document lists them", web + "mutations: {dropAllCapabilities: true, setDefaultSeccompProfile: true, runAsGroup: 1, fsGroup: 1}\n", Policy{Mutations: Mutations{DropAllCapabilities: ptr(true), SetDefaultSeccompProfile: ptr(true), RunAsGroup: ptr[GroupFill](1), FSGroup: ptr[GroupFill](1)}}},
	{"no group to fill", "the word, in quotes or without", web + "mutations: {runAsGroup: none, fsGroup: \"none\"}\n", Policy{Mutations: Mutations{RunAsGroup: ptr(NoGroup), FSGroup: ptr(NoGroup)}}},
	{"no group to fill under MayRunAs", "it demands no group", web + "allow: {fsGroup: {rule: MayRunAs, ranges: [{min: 2, max: 3}]}}\nmutations: {fsGroup: none}\n", Policy{
		Allow:     Allow{FSGroup: GroupRule{Rule: MayRunAs, Ranges: []IDRange{{2, 3}}}},
		Mutations: Mutations{FSGroup: ptr(NoGroup)},
	}},
	{"no group to fill under RunAsAny", "it demands nothing", web + "allow: {runAsGroup: {rule: RunAsAny}}\nmutations: {runAsGroup: none}\n", Policy{
		Allow:     Allow{RunAsGroup: GroupRule{Rule: RunAsAny}},
		Mutations: Mutations{RunAsGroup: ptr(NoGroup)},
	}},
	{"no fsGroup, and when it is applied", "pods may set one themselves", web + "mutations: {fsGroup: none, fsGroupChangePolicy: OnRootMismatch}\n", Policy{Mutations: Mutations{FSGroup: ptr(NoGroup), FSGroupChangePolicy: "OnRootMismatch"}}},
	{"a user namespace", "the one word of the rule", web + "allow: {userNamespace: Required}\n", Policy{Allow: Allow{UserNamespace: UserNamespaceRequired}}},
	{"no groups to fill", "they are not the default", web + "mutations: {supplementalGroups: []}\n", Policy{Mutations: Mutations{SupplementalGroups: []int64{}}}},
	{"no groups to fill under MayRunAs", "it demands no group", web + "allow: {supplementalGroups: {rule: MayRunAs, ranges: [{min: 2, max: 3}]}}\nmutations: {supplementalGroups: []}\n", Policy{
		Allow:     Allow{SupplementalGroups: SupplementalGroupsRule{GroupRule: GroupRule{Rule: MayRunAs, Ranges: []IDRange{{2, 3}}}}},
		Mutations: Mutations{SupplementalGroups: []int64{}},
	}},
	{"no groups but the manifest's", "no rule over which they are is needed", web + "allow: {supplementalGroups: {policy: Strict}}\n", Policy{Allow: Allow{SupplementalGroups: SupplementalGroupsRule{Policy: "Strict"}}}},
	{"root to fill under RunAsAny", "the rule admits it", web + "allow: {runAsUser: RunAsAny}\nmutations: {runAsUser: 0}\n", Policy{Allow: Allow{RunAsUser: UserRule{Rule: RunAsAny}}, Mutations: Mutations{RunAsUser: ptr[int64](0)}}},
	{"True", "YAML 1.2 knows it as a boolean", web + "allow: {privileged: True}\n", Policy{Allow: Allow{Privileged: true}}},
	{"trailing backslash", "it means the same, but for the root", web + "allow: {allowedHostPaths: [{pathPrefix: 'C:\\a\\b\\'}, {pathPrefix: 'd:\\'}]}\n", Policy{Allow: Allow{AllowedHostPaths: []HostPath{{PathPrefix: `C:\a\b`}, {PathPrefix: `d:\`}}}}},
	{"what a path demands", "all keys of an entry", web + "allow: {allowedHostPaths: [{pathPrefix: /a, readOnly: true, recursiveReadOnly: true, types: [Unset, Directory]}]}\n", Policy{Allow: Allow{AllowedHostPaths: []HostPath{{PathPrefix: "/a", ReadOnly: true, RecursiveReadOnly: true, Types: []string{"Unset", "Directory"}}}}}},
	{"trailing slash", "it means the same", web + "allow: {allowedHostPaths: [{pathPrefix: /a/b/}, {pathPrefix: /}]}\n", Policy{Allow: Allow{AllowedHostPaths: []HostPath{{PathPrefix: "/a/b"}, {PathPrefix: "/"}}}}},
	{"path with dots in a name", "..a and a.. are names", web + "allow: {allowedHostPaths: [{pathPrefix: /..a/b..}]}\n", Policy{Allow: Allow{AllowedHostPaths: []HostPath{{PathPrefix: "/..a/b.."}}}}},
	{"aliases", "they are part of YAML", "podSelectorLabels: {app: &web web}\nallow: {runAsGroup: &g {rule: MustRunAs, ranges: [{min: 1, max: 2}]}, fsGroup: *g}\n", Policy{Allow: Allow{
		RunAsGroup: GroupRule{Rule: MustRunAs, Ranges: []IDRange{{1, 2}}}, FSGroup: GroupRule{Rule: MustRunAs, Ranges: []IDRange{{1, 2}}},
	}}},
	{"JSON with tabs", "JSON is YAML", "{\n\t\"podSelectorLabels\": {\"app\": \"web\"},\n\t\"allow\": {\"privileged\": true}\n}\n", Policy{Allow: Allow{Privileged: true}}},
	{"empty documents around it", "--- is often one too many", "---\n# web\n---\n" + web + "---\n...\n---\n", Policy{}},
	{"byte order mark and CRLF", "editors write them", "\ufeffpodSelectorLabels:\r\n  app: web\r\n", Policy{}},
}

func TestParseAccepts(t *testing.T) {
	if len(accepted) != 29 {
		t.Errorf("the table has %d rows; if that is meant, say so here", len(accepted))
	}
	for _, row := range accepted {
		t.Run(row.name, func(t *testing.T) {
			row.want.PodSelectorLabels = webLabels
			if diff := cmp.Diff(row.want, parseOne(t, row.in), anywhere); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

// The document publishes its second example with rule and ranges outdented.
func TestParsePublishedExample(t *testing.T) {
	_, err := Parse(testdata(t, "route-manager-as-published.yaml"), "route-manager.yaml")
	if err == nil {
		t.Fatal("guessed at")
	}
	if diff := cmp.Diff(strings.TrimSuffix(string(testdata(t, "route-manager-error.txt")), "\n"), err.Error()); diff != "" {
		t.Error(diff)
	}
}

// What the error shows, put in place of the wrong lines, is the corrected file.
func TestParsePublishedExampleCorrected(t *testing.T) {
	published := testdata(t, "route-manager-as-published.yaml")
	corrected := testdata(t, "route-manager-corrected.yaml")
	_, err := Parse(published, "route-manager.yaml")
	var e Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	head := bytes.Join(bytes.SplitAfter(published, []byte("\n"))[:e.Line-1], nil)
	_, shown, _ := strings.Cut(e.Fix, "\n")
	if diff := cmp.Diff(string(corrected), string(head)+shown+"\n"); diff != "" {
		t.Error(diff)
	}
	policies, err := Parse(corrected, "policies/route-manager.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := []Policy{{
		Name:              "route-manager",
		PodSelectorLabels: map[string]string{"app.kubernetes.io/name": "route-manager"},
		Allow: Allow{
			AllowPrivilegeEscalation: true, AllowedCapabilities: []string{"NET_ADMIN"}, HostNetworkPorts: true,
			RunAsUser: UserRule{Rule: MustRunAs, Ranges: []IDRange{{400, 400}}},
		},
	}}
	if diff := cmp.Diff(want, policies, anywhere); diff != "" {
		t.Error(diff)
	}
}

func TestParseNames(t *testing.T) {
	for _, row := range []struct{ file, in, want string }{
		{"route-manager.yaml", web, "route-manager"},
		{"/etc/policies/a.b.json", web, "a.b"},
		{"route-manager.yaml", "name: other\n" + web, "other"},
		{"Route.yaml", web, ""},
		{"", web, ""},
		{"-", web, ""},
		{"<stdin>", web, ""},
		{".yaml", web, ""},
		{"dir/", "# comment\n" + web, "dir"},
		{"values.yaml", welkin, "rm"},
	} {
		policies, err := Parse([]byte(row.in), row.file)
		if err != nil || len(policies) != 1 || policies[0].Name != row.want {
			t.Errorf("%q: %v, %v; want the name %q", row.file, policies, err, row.want)
		}
	}
}

func TestParseWelkin(t *testing.T) {
	in := `constraints:
  net:
    rm:
      podSelectorLabels: {app: web}
      mutation: {runAsGroup: 5}
    a.b:
      podSelectorLabels: {app: web}
      mutations: {runAsGroup: 6}
  empty: {}
---
name: rm
podSelectorLabels: {app: web}
`
	want := []Policy{
		{Name: "rm", Namespace: "net", PodSelectorLabels: webLabels, Mutations: Mutations{RunAsGroup: ptr[GroupFill](5)}},
		{Name: "a.b", Namespace: "net", PodSelectorLabels: webLabels, Mutations: Mutations{RunAsGroup: ptr[GroupFill](6)}},
		{Name: "rm", PodSelectorLabels: webLabels},
	}
	got, err := Parse([]byte(in), "values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, anywhere); diff != "" {
		t.Error(diff)
	}
}

// TestWelkinAdviceIsAccepted: what the error says to write is not refused in turn.
func TestWelkinAdviceIsAccepted(t *testing.T) {
	const under = "      " // where the keys of welkin's policy stand
	for _, row := range []struct{ wrong, advice, followed string }{
		{under + "metadata: {name: x}\n", "remove it: ", ""},
		{under + "name: x\n", "remove it", ""},
		{under + "namspace: x\n", "remove it: ", ""},
		{under + "allow: {metadata: {name: x}}\n", "remove it: ", under + "allow: {}\n"},
		{under + "allow: {nmae: x}\n", "remove it: ", under + "allow: {}\n"},
		{"name: x\n", "remove it: ", ""},
		{"namespace: x\n", "remove it: ", ""},
		{"metadata: {name: x}\n", "remove it: ", ""},
		{"kind: x\n", "remove it here", ""},
		{"allow: {hostPID: true}\n", "write it under constraints.<namespace>.<name>", under + "allow: {hostPID: true}\n"},
		{"mutations: {runAsGroup: 5}\n", "remove it here, or", ""},
		{"mutations: {runAsGroup: 5}\n", "or write it under constraints.<namespace>.<name>", under + "mutations: {runAsGroup: 5}\n"},
		{under + "spec: {allow: {hostPID: true}}\n", "write what stands under it at the policy's top level", under + "allow: {hostPID: true}\n"},
		{under + "kind: x\n", "remove it", ""},
		{under + "hostPID: true\n", "it belongs under allow", under + "allow: {hostPID: true}\n"},
	} {
		if _, err := Parse([]byte(welkin+row.wrong), "p.yaml"); err == nil || !strings.Contains(err.Error(), row.advice) {
			t.Errorf("%q: %v, want the advice %q", row.wrong, err, row.advice)
		}
		if policies, err := Parse([]byte(welkin+row.followed), "p.yaml"); err != nil || len(policies) != 1 {
			t.Errorf("%q, as %q says: %d policies, %v", row.followed, row.advice, len(policies), err)
		}
	}
}

func TestParseReportsEverythingInOrder(t *testing.T) {
	in := `name: A
allow:
  privileged: yes
  volumes: [configmap, pvc]
  runAsUser:
    rule: MustRunAs
  runAsGroup: {ranges: [{min: 2, max: 1}]}
mutations:
  runAsUser: 0x10
  dropall: true
namespace: a.b
---
constraints:
  net:
    rm:
      allow: {hostPID: 1}
---
[
`
	var got []string
	_, err := Parse([]byte(in), "p.yaml")
	for line := range strings.Lines(err.Error()) {
		at, _, _ := strings.Cut(line, ": ")
		field, _, _ := strings.Cut(strings.TrimPrefix(line, at+": "), ": ")
		got = append(got, strings.TrimPrefix(at, "p.yaml:")+" "+field)
	}
	want := []string{
		"1 name", "1 podSelectorLabels", "3 allow.privileged", "4 allow.volumes[0]", "4 allow.volumes[1]",
		"5 allow.runAsUser", "7 allow.runAsGroup", "7 allow.runAsGroup.ranges[0]", "9 mutations.runAsUser",
		"10 mutations.dropall", "11 namespace", "15 constraints.net.rm.podSelectorLabels",
		"16 constraints.net.rm.allow.hostPID", "18 this is no YAML",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
}

func TestParseBoundsItsErrors(t *testing.T) {
	in := web + "allow:\n  volumes: [" + strings.Repeat("x,", 5000) + "]\n"
	_, err := Parse([]byte(in), "p.yaml")
	var all Errors
	if !errors.As(err, &all) || len(all) != maxErrors+1 {
		t.Fatalf("%d errors", len(all))
	}
	if got, want := all[maxErrors].Error(), "p.yaml: there are more errors than are listed; mend those above first"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestParseBoundsItsInput(t *testing.T) {
	padded := func(size int) []byte { return append([]byte(web), bytes.Repeat([]byte("#"), size-len(web))...) }
	if _, err := Parse(padded(MaxFileSize), ""); err != nil {
		t.Error(err)
	}
	_, err := Parse(padded(MaxFileSize+1), "p.yaml")
	if want := "p.yaml: the file has 3145729 bytes, more than 3145728; divide it into several files"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// A file may be as large as it may be and still be answered soon.
func TestParseHostileInput(t *testing.T) {
	for name, unit := range map[string]string{
		"open brackets": "[", "open braces": "{", "blocks": "- ", "keys": "? ", "documents": "---\n", "questions": "?\n",
		"aliases": "&a [*a,", "quotes": "'", "tags": "! ", "comments": "#\n", "nulls": "~\n", "commas": "a,", "colons": "a: ",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(strings.Repeat(unit, 100_000/len(unit))), ""); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// The volume types of the rules are the fields of a volume.
func TestVolumeTypesAreTheFieldsOfAVolume(t *testing.T) {
	var names []string
	for _, v := range spec.VolumeTypes() {
		names = append(names, v.Name)
	}
	for _, f := range fieldsOf(reflect.TypeFor[corev1.VolumeSource]()) {
		if wrong := volume(f.name); wrong != (complaint{}) {
			t.Errorf("%s: %s", f.name, wrong.problem)
		}
	}
	if n := reflect.TypeFor[corev1.VolumeSource]().NumField(); len(names) != n {
		t.Errorf("%d types, and a volume has %d fields", len(names), n)
	}
}
