package author

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// compared says of each field of a policy how Compare goes about it. Fields of the
// API's own types are not listed.
var compared = map[string]string{
	"Name":                   noMatter,
	"Namespace":              noMatter,
	"PodSelectorLabels":      noMatter,
	"PodSelectorExpressions": noMatter,
	"Namespaces":             noMatter,
	"NamespaceSelector":      noMatter,
	"Default":                noMatter,
	"Reason":                 "it is for people",
	"Owner":                  "it is for people",
	"Expires":                "expiry",
	"Expired":                "what excuses asks for it, and letsMount",
	"Containers":             "containers",
	"Containers.Names":       "asksLess",
	"Containers.Images":      "asksLess",
	"Containers.Kinds":       "asksLess",
	"Containers.Allow":       "asGranted",
	"Containers.Allow.AllowPrivilegeEscalation":     "asGranted",
	"Containers.Allow.Privileged":                   "asGranted",
	"Containers.Allow.AllowedCapabilities":          "asGranted",
	"Containers.Allow.RunAsUser":                    "sameRulings",
	"Containers.Allow.RunAsUser.Rule":               "sameRulings",
	"Containers.Allow.RunAsUser.Ranges":             "sameRulings",
	"Containers.Allow.RunAsUser.Ranges.Min":         "sameRulings",
	"Containers.Allow.RunAsUser.Ranges.Max":         "sameRulings",
	"Containers.Allow.RunAsGroup":                   "sameRulings",
	"Containers.Allow.RunAsGroup.Rule":              "sameRulings",
	"Containers.Allow.RunAsGroup.Ranges":            "sameRulings",
	"Containers.Allow.RunAsGroup.Ranges.Min":        "sameRulings",
	"Containers.Allow.RunAsGroup.Ranges.Max":        "sameRulings",
	"Containers.Allow.SeccompProfiles":              "asGranted",
	"Containers.Allow.AppArmorProfiles":             "asGranted",
	"Containers.Allow.ProcMounts":                   "asGranted",
	"Containers.Allow.SELinuxOptions":               "asGranted",
	"Containers.Allow.WindowsHostProcess":           "asGranted",
	"Containers.Allow.AllowedProbeHosts":            "asGranted",
	"Containers.Allow.AllowedHostPorts":             "asGranted",
	"Containers.Allow.AllowedHostPorts.Min":         "asGranted",
	"Containers.Allow.AllowedHostPorts.Max":         "asGranted",
	"Containers.Mutations":                          "sameRulings",
	"Containers.Mutations.DropAllCapabilities":      "sameRulings",
	"Containers.Mutations.SetDefaultSeccompProfile": "sameRulings",
	"Containers.Mutations.RunAsUser":                "sameRulings",
	"Containers.Mutations.RunAsGroup":               "sameRulings",
	"Allow.UserNamespace":                           "userNamespace",
	"Mutations.FSGroupChangePolicy":                 onlyFills,
	"Source":                                        "nothing is decided by it",
	"Allow.AllowPrivilegeEscalation":                "escalation",
	"Allow.Privileged":                              "privileged, and what its grant excuses of the same containers",
	"Allow.AllowedCapabilities":                     "capabilities",
	"Allow.AllowedUnsafeSysctls":                    "sysctls",
	"Allow.HostNetworkPorts":                        "hostNamespaces and hostPorts",
	"Allow.HostNamespace":                           "hostNamespaces",
	"Allow.AllowedHostPaths":                        "hostPaths",
	"Allow.AllowedHostPaths.PathPrefix":             "hostPaths",
	"Allow.AllowedHostPaths.ReadOnly":               "hostPaths",
	"Allow.AllowedHostPaths.RecursiveReadOnly":      "hostPaths",
	"Allow.AllowedHostPaths.Types":                  "hostPaths",
	"Allow.RunAsUser":                               "users",
	"Allow.RunAsUser.Rule":                          "users",
	"Allow.RunAsUser.Ranges":                        "users",
	"Allow.RunAsUser.Ranges.Min":                    "users",
	"Allow.RunAsUser.Ranges.Max":                    "users",
	"Allow.RunAsGroup":                              "groups",
	"Allow.RunAsGroup.Rule":                         "groups",
	"Allow.RunAsGroup.Ranges":                       "groups",
	"Allow.RunAsGroup.Ranges.Min":                   "groups",
	"Allow.RunAsGroup.Ranges.Max":                   "groups",
	"Allow.FSGroup":                                 "groups",
	"Allow.FSGroup.Rule":                            "groups",
	"Allow.FSGroup.Ranges":                          "groups",
	"Allow.FSGroup.Ranges.Min":                      "groups",
	"Allow.FSGroup.Ranges.Max":                      "groups",
	"Allow.SupplementalGroups":                      "groups",
	"Allow.SupplementalGroups.Rule":                 "groups",
	"Allow.SupplementalGroups.Ranges":               "groups",
	"Allow.SupplementalGroups.Ranges.Min":           "groups",
	"Allow.SupplementalGroups.Ranges.Max":           "groups",
	"Allow.SupplementalGroups.Policy":               "groups",
	"Allow.Volumes":                                 "volumeTypes",
	"Allow.SeccompProfiles":                         "profiles",
	"Allow.AppArmorProfiles":                        "profiles",
	"Allow.ProcMounts":                              "profiles",
	"Allow.SELinuxOptions":                          "others",
	"Allow.WindowsHostProcess":                      "others",
	"Allow.AllowedProbeHosts":                       "probeHosts",
	"Allow.AllowedHostPorts":                        "hostPorts",
	"Allow.AllowedHostPorts.Min":                    "hostPorts",
	"Allow.AllowedHostPorts.Max":                    "hostPorts",
	"Allow.HostNetwork":                             "hostNamespaces",
	"Allow.HostPID":                                 "hostNamespaces",
	"Allow.HostIPC":                                 "hostNamespaces",
	"Allow.ReadOnlyRootFilesystem":                  "readOnlyRoot",
	"Mutations.DropAllCapabilities":                 "drop",
	"Mutations.SetDefaultSeccompProfile":            "profiles",
	"Mutations.RunAsUser":                           "users, where it is root; else only what is filled in",
	"Mutations.RunAsGroup":                          onlyFills,
	"Mutations.FSGroup":                             onlyFills,
	"Mutations.SupplementalGroups":                  "groups, where it fills none in; else only what is filled in",
}

const (
	noMatter  = "which pods a policy governs is policy.CompareSelectors' to say"
	onlyFills = "only what is filled in: no policy fills in what its own rule refuses"
)

// TestEveryKeyIsCompared: each field of a policy, however deep, is among compared, and
// what Compare takes from a policy as known is just these. A field that is new is
// named here; until it is compared, Compare answers that it does not know.
func TestEveryKeyIsCompared(t *testing.T) {
	met := map[string]bool{}
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || !strings.HasPrefix(typ.PkgPath(), "github.com/podfence/") {
			return
		}
		for i := range typ.NumField() {
			field := typ.Field(i)
			if field.Anonymous {
				walk(path, field.Type)
				continue
			}
			name := strings.TrimPrefix(path+"."+field.Name, ".")
			if met[name] = true; compared[name] == "" && name != "Allow" && name != "Mutations" {
				t.Errorf("%s is not compared: add a question to comparedThings of author/comparegaps.go and take it from unjudged in author/comparekeys.go, then say so here", name)
			}
			if name != "Source" {
				walk(name, field.Type)
			}
		}
	}
	walk("", reflect.TypeFor[policy.Policy]())
	for name := range compared {
		if !met[name] {
			t.Errorf("%s is no field of a policy", name)
		}
	}
}

// TestUnjudgedTakesWhatIsCompared: a policy with something under every key that is
// compared has nothing left, and one with anything else is not compared.
func TestUnjudgedTakesWhatIsCompared(t *testing.T) {
	var full policy.Policy
	fillAll(reflect.ValueOf(&full).Elem())
	if rest := unjudged(&full); !reflect.DeepEqual(*rest, policy.Policy{}) {
		t.Errorf("left: %+v", *rest)
	}
	if keys := notCompared(&full, policy.Default()); !slices.Equal(keys, []string{"containers"}) {
		t.Errorf("not compared: %v", keys)
	}
	if keys := notCompared(&full, full.DeepCopy()); keys != nil {
		t.Errorf("not compared, though both say the same: %v", keys)
	}
}

// TestSaySame: a policy is the same under another name and for other pods, and not where
// a word differs, or where it selects none.
func TestSaySame(t *testing.T) {
	one := selecting(policy.Policy{Allow: policy.Allow{HostPID: true}})
	for _, row := range []struct {
		why    string
		change func(*policy.Policy)
		want   bool
	}{
		{"nothing", func(*policy.Policy) {}, true},
		{"name, namespace, pods and source", func(p *policy.Policy) {
			p.Name, p.Namespace, p.PodSelectorLabels = "q", "n", map[string]string{"tier": "back"}
			p.Source.File = "q.yaml"
			p.Namespaces, p.NamespaceSelector = []string{"n"}, &metav1.LabelSelector{MatchLabels: map[string]string{"team": "n"}}
		}, true},
		{"what it says to people", func(p *policy.Policy) { p.Reason, p.Owner = "why", "who" }, true},
		{"a day", func(p *policy.Policy) { p.Expires = "2026-12-31" }, false},
		{"an entry", func(p *policy.Policy) { p.Containers = []policy.ContainerEntry{{Names: []string{"a"}}} }, false},
		{"a grant", func(p *policy.Policy) { p.Allow.HostPID = false }, false},
		{"a fill", func(p *policy.Policy) { p.Mutations.FSGroup = pointTo(policy.GroupFill(1)) }, false},
		{"no selector", func(p *policy.Policy) { p.PodSelectorLabels = nil }, false},
	} {
		other := one.DeepCopy()
		row.change(other)
		if got := saySame(one, other); got != row.want {
			t.Errorf("%s: %v", row.why, got)
		}
	}
}

// fillAll gives every field of a value something.
func fillAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillAll(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillAll(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key"), reflect.New(v.Type().Elem()).Elem())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillAll(v.Elem())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("x")
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	}
}

// newer is a policy of a format that is yet to come.
type newer struct {
	Name  string `json:"name"`
	Allow struct {
		Known bool `json:"known"`
	} `json:"allow"`
	Containers []string `json:"containers,omitempty"`
	Source     int      `json:"-"`
}

// TestKeysSet: what is not known is named as the format names it, whichever policy
// has it.
func TestKeysSet(t *testing.T) {
	none, some := newer{Source: 1}, newer{Containers: []string{"a"}}
	some.Allow.Known = true
	for _, pair := range [][2]newer{{none, some}, {some, none}, {some, some}} {
		got := keysSet("", reflect.ValueOf(pair[0]), reflect.ValueOf(pair[1]))
		if want := []string{"containers"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	if got := keysSet("allow.", reflect.ValueOf(some.Allow), reflect.ValueOf(none.Allow)); !slices.Equal(got, []string{"allow.known"}) {
		t.Errorf("in a block: %v", got)
	}
}

// TestRelationOfWhatIsNotProven: what was found stands, and no more is claimed.
func TestRelationOfWhatIsNotProven(t *testing.T) {
	for _, row := range []struct {
		directions []Direction
		want       Relation
		more       bool
	}{
		{nil, Equal, false},
		{[]Direction{Widens}, Wider, true},
		{[]Direction{Narrows}, Narrower, false},
		{[]Direction{Widens, Narrows}, Incomparable, true},
		{[]Direction{MayWiden}, Undecided, true},
		{[]Direction{MayNarrow}, Undecided, false},
		{[]Direction{Widens, MayWiden}, Wider, true},
		{[]Direction{Narrows, MayNarrow}, Narrower, false},
		{[]Direction{Widens, MayNarrow}, Undecided, true},
		{[]Direction{Narrows, MayWiden}, Undecided, true},
		{[]Direction{NotCompared}, Undecided, true},
		{[]Direction{Narrows, NotCompared}, Undecided, true},
		{[]Direction{Widens, NotCompared}, Undecided, true},
		{[]Direction{Widens, Narrows, NotCompared}, Incomparable, true},
	} {
		c := Comparison{}
		for _, d := range row.directions {
			c.Differences = append(c.Differences, PolicyDifference{Direction: d})
		}
		if got := relationOf(c.Differences); got != row.want || c.MayAllowMore() != row.more {
			t.Errorf("%v: %s and may allow more: %v, want %s and %v", row.directions, got, c.MayAllowMore(), row.want, row.more)
		}
	}
}

// TestTablesAreCompared: every key that grants or demands by the tables of package
// policy opens something: with it a policy differs from the default one, and the
// difference is said under that key.
func TestTablesAreCompared(t *testing.T) {
	tables := map[policy.Key]bool{}
	for _, g := range policy.GrantTypes() {
		tables[g.Key] = true
	}
	for _, d := range policy.Demands() {
		tables[d.Key] = true
	}
	keys := 0
	for key := range tables {
		keys++
		found := slices.ContainsFunc(latticePolicies(), func(p latticePolicy) bool {
			c := Compare(policy.Default(), p.policy, restrictedLatest())
			return slices.ContainsFunc(c.Differences, func(d PolicyDifference) bool { return d.Key == key.String() })
		})
		if !found {
			t.Errorf("nothing is said under %s", key)
		}
	}
	if keys != 26 {
		t.Errorf("%d keys grant or demand, want 26", keys)
	}
}

// TestFreshNames: a name that a list does not cover is found as long as there is one.
func TestFreshNames(t *testing.T) {
	every := append([]string{"ALL"}, spec.Capabilities()...)
	for _, row := range []struct {
		why, want string
		list      []string
	}{
		{"the one that opens most", "SYS_ADMIN", nil},
		{"the first that baseline does not let be", "AUDIT_CONTROL", []string{"cap_sys_admin"}},
		{"none is left that Linux has", "CAPABILITY_42", every},
		{"a made-up one is named too", "CAPABILITY_43", append([]string{"capability_42"}, every...)},
	} {
		if got := freshCapability(row.list); got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
	one := strings.Split("abcdefghijklmnopqrstuvwxyz0123456789", "")
	all := make([]string, len(one))
	for i := range one {
		all[i] = "x." + one[i] + "*"
	}
	for _, row := range []struct {
		why, prefix, want string
		against           []string
	}{
		{"one that is known", "kernel.", "kernel.msgmax", nil},
		{"the next, where that is taken", "kernel.", "kernel.shmmax", []string{"kernel.msg*"}},
		{"a made-up one", "x.", "x.a", nil},
		{"the next", "x.", "x.ax", []string{"x.a"}},
		{"another letter", "x.", "x.bx9", []string{"x.a*", "x.b", "x.bx"}},
		{"none that is valid is left", "x.", "x.Z", all},
		{"a safe one is none", "net.ipv4.tcp_rme", "net.ipv4.tcp_rmea", nil},
	} {
		if got := freshSysctl(row.prefix, row.against, []string{"net.ipv4.tcp_rmem"}); got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
}

// TestMinus: parts of ranges outside of others.
func TestMinus(t *testing.T) {
	r := func(ends ...int64) (list []policy.IDRange) {
		for i := 0; i < len(ends); i += 2 {
			list = append(list, policy.IDRange{Min: ends[i], Max: ends[i+1]})
		}
		return list
	}
	for _, row := range []struct {
		why                  string
		ranges, others, want []policy.IDRange
	}{
		{"nothing is taken", r(5, 9), nil, r(5, 9)},
		{"all is", r(5, 9), r(5, 9), nil},
		{"by two that touch", r(5, 9), r(7, 20, 1, 6), nil},
		{"the middle", r(1, 9), r(4, 5), r(1, 3, 6, 9)},
		{"one end", r(1, 9), r(0, 1, 9, 9), r(2, 8)},
		{"those that touch are one", r(6, 9, 1, 5), r(20, 30), r(1, 9)},
		{"those within others are part of them", r(1, 9, 2, 3), r(5, 5), r(1, 4, 6, 9)},
		{"the whole", r(0, policy.MaxID), r(1, policy.MaxID-1), r(0, 0, policy.MaxID, policy.MaxID)},
		{"what comes behind one that is untouched", r(1, 3, 10, 20), r(12, 15), r(1, 3, 10, 11, 16, 20)},
		{"a hole between two", r(1, 9), r(1, 3, 5, 9), r(4, 4)},
	} {
		if got := minus(row.ranges, row.others); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.why, got, row.want)
		}
	}
}

// TestOtherThanRoot: an ID of ranges that is not root's, the lowest of the first range
// that has one; any where none has.
func TestOtherThanRoot(t *testing.T) {
	for _, row := range []struct {
		ranges []policy.IDRange
		want   int64
	}{
		{nil, 1}, {[]policy.IDRange{{Min: 0, Max: 0}}, 1}, {[]policy.IDRange{{Min: 0, Max: 0}, {Min: 5, Max: 9}}, 5},
		{[]policy.IDRange{{Min: 0, Max: 9}}, 1}, {[]policy.IDRange{{Min: 3, Max: 4}}, 3},
	} {
		if got := otherThanRoot(row.ranges); got != row.want {
			t.Errorf("%v: %d, want %d", row.ranges, got, row.want)
		}
	}
}

// TestPlacesOfCells: the container of a pod becomes one of each kind, with its name and image,
// beside another one where it is no regular one.
func TestPlacesOfCells(t *testing.T) {
	tried := 0
	for _, cell := range cells(&policy.ContainerEntry{Names: []string{"app", "a*"}, Images: []string{"r.example/a:*", "r.example/b@*", "r.example/c:1"}}) {
		for _, place := range places(&cell) {
			tried++
			pod := barePod()
			pod.Annotations = map[string]string{spec.AppArmorAnnotation + "app": "unconfined"}
			listeningOn(80)(pod)
			probing("h")(pod)
			place(pod)
			matched, names := 0, map[string]bool{}
			for at, c := range podwalk.Containers(&pod.Spec) {
				names[c.Name] = true
				if policy.KindOf(at.Kind, c) != cell.Kinds[0] {
					if len(c.Ports) > 0 || c.ReadinessProbe != nil {
						t.Errorf("%v: %s says it too", cell, c.Name)
					}
					continue
				}
				matched++
				_, annotated := pod.Annotations[spec.AppArmorAnnotation+c.Name]
				ports, probe := at.Kind != spec.EphemeralContainer, cell.Kinds[0] == policy.KindRegular || cell.Kinds[0] == policy.KindSidecar
				if !coversName(cell.Names[0], c.Name) || !policy.CoversImage(cell.Images[0], c.Image) || !annotated ||
					(len(c.Ports) > 0) != ports || (c.ReadinessProbe != nil) != probe {
					t.Errorf("%v: %+v", cell, c)
				}
			}
			if want := min(2, 1+len(pod.Spec.InitContainers)+len(pod.Spec.EphemeralContainers)); matched != 1 || len(names) != want || len(pod.Annotations) != 1 {
				t.Errorf("%v: %d containers of the cell, named %v", cell, matched, names)
			}
		}
	}
	if tried != 4*(1+2)*(2+1+1) {
		t.Errorf("%d places", tried)
	}
}

// TestRunningAs: nobody says of root that it is not root.
func TestRunningAs(t *testing.T) {
	for id, said := range map[int64]bool{0: false, 5: true} {
		pod := barePod()
		pod.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{RunAsNonRoot: pointTo(true)}
		runningAs(id)(pod)
		if sc := pod.Spec.Containers[0].SecurityContext; *sc.RunAsUser != id || (sc.RunAsNonRoot != nil) != said {
			t.Errorf("%d: %+v", id, sc)
		}
	}
}

// TestManifest: a witness is written as its author would write it.
func TestManifest(t *testing.T) {
	pod := barePod()
	pod.Namespace, pod.Labels = "web", map[string]string{"app": "web"}
	adding("NET_ADMIN")(pod)
	pod.Spec.Containers[0].Resources.Limits = nil
	got, err := Witness{Pod: pod}.Manifest()
	want := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod","namespace":"web","labels":{"app":"web"}},` +
		`"spec":{"containers":[{"image":"app","name":"app","securityContext":{"capabilities":{"add":["NET_ADMIN"]}}}]}}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v\nwant %s", got, err, want)
	}
	record, err := json.Marshal(Witness{Pod: pod, NamespaceLabels: map[string]string{"a": "b"}})
	if want := `{"pod":` + want + `,"namespaceLabels":{"a":"b"},"denied":[]}`; err != nil || string(record) != want {
		t.Errorf("%s, %v\nwant %s", record, err, want)
	}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "gpu"}}
	if got, err := (Witness{Pod: pod}).Manifest(); err != nil || !strings.Contains(string(got), `"resources":{"claims":[{"name":"gpu"}]}`) {
		t.Errorf("%s, %v", got, err)
	}
}

// TestVolumeOfEachType: the pods that show a type of volume have just that source.
func TestVolumeOfEachType(t *testing.T) {
	for i := range spec.VolumeTypes() {
		of := &spec.VolumeTypes()[i]
		pod := barePod()
		withVolume(of)(pod)
		set := spec.SourcesOf(&pod.Spec.Volumes[0])
		if !set.Has(of.Field) || set&(set-1) != 0 {
			t.Errorf("%s: %v", of.Name, pod.Spec.Volumes[0])
		}
	}
	var none *corev1.HostPathType
	if got := hostPathType("Unset"); got != none {
		t.Errorf("%v, want nil for a type that is unset", *got)
	}
}
