package policy

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/podfence/podfence/spec"
)

func requirement(key string, op metav1.LabelSelectorOperator, values ...string) metav1.LabelSelectorRequirement {
	return metav1.LabelSelectorRequirement{Key: key, Operator: op, Values: values}
}

// Generators of valid policies. Words that YAML reads as something else are
// drawn often: they are what a printer gets wrong.
var (
	tricky = []string{"true", "yes", "no", "on", "y", "null", "1", "0400", "1e3", "0x1", "1.5", "2026-01-02", "1_0", "0o7", "a-b", "z"}

	genWord      = rapid.OneOf(rapid.SampledFrom(tricky), rapid.StringMatching(`[A-Za-z0-9]([-_.A-Za-z0-9]{0,10}[A-Za-z0-9])?`))
	genValue     = rapid.OneOf(genWord, rapid.Just(""))
	genName      = rapid.OneOf(rapid.Just("1"), rapid.Just("true"), rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?(\.[a-z0-9]{1,3})?`))
	genNamespace = rapid.OneOf(rapid.Just(""), rapid.Just("on"), rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?`))
	genID        = rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, MaxID))
	genIDRange   = rapid.Custom(func(t *rapid.T) IDRange {
		low := genID.Draw(t, "min")
		return IDRange{low, rapid.Int64Range(low, MaxID).Draw(t, "max")}
	})
	genPortRange = rapid.Custom(func(t *rapid.T) PortRange {
		low := rapid.Int32Range(1, 65535).Draw(t, "min")
		return PortRange{low, rapid.Int32Range(low, 65535).Draw(t, "max")}
	})
	genPath = rapid.OneOf(rapid.SampledFrom([]string{"/", "/a b", "/ ", "/#", "/a: b", "/'\"", "/é/日本", "/-", "/<a>&", `C:\`, `c:\a b\'#`, `D:\é\n`}),
		rapid.StringMatching(`(/[-_.a-z0-9 :#'"]{0,5}[a-z])+`))
	genHostPath = rapid.Custom(func(t *rapid.T) HostPath {
		h := HostPath{PathPrefix: genPath.Draw(t, "path"), ReadOnly: rapid.Bool().Draw(t, "readOnly")}
		h.RecursiveReadOnly = h.ReadOnly && rapid.Bool().Draw(t, "recursiveReadOnly")
		h.Types = listOf(t, "types", rapid.SampledFrom([]string{"Unset", "Directory", "Socket"}))
		return h
	})
	genRequirement = rapid.Custom(func(t *rapid.T) metav1.LabelSelectorRequirement {
		if rapid.Bool().Draw(t, "compares") {
			op := rapid.SampledFrom([]metav1.LabelSelectorOperator{metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn}).Draw(t, "op")
			return requirement(genWord.Draw(t, "key"), op, rapid.SliceOfN(genValue, 1, 3).Draw(t, "values")...)
		}
		op := rapid.SampledFrom([]metav1.LabelSelectorOperator{metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist}).Draw(t, "op")
		return requirement(genWord.Draw(t, "key"), op)
	})
	genCapability = rapid.OneOf(rapid.Just("*"), rapid.StringMatching(`(CAP_)?[A-Za-z0-9][A-Za-z0-9_]{0,5}`))
	genSysctl     = rapid.OneOf(rapid.Just("*"), rapid.StringMatching(`([a-z][-_a-z0-9]{0,3}[a-z]\.){1,3}(\*|[a-z0-9]\*?)`))
	genProbeHost  = rapid.OneOf(genWord, rapid.SampledFrom([]string{"::1", "127.0.0.1", "[::]", "*", "&a", "!x", "#"}))
)

// listOf draws nil or a list that is not empty, as omitempty keeps it.
func listOf[T any](t *rapid.T, label string, g *rapid.Generator[T]) []T {
	if rapid.Bool().Draw(t, "no "+label) {
		return nil
	}
	return rapid.SliceOfN(g, 1, 3).Draw(t, label)
}

func drawRule(t *rapid.T, label string, rules []Rule) (Rule, []IDRange) {
	rule := rapid.SampledFrom(append([]Rule{""}, rules...)).Draw(t, label)
	if rule.takesRanges() {
		return rule, rapid.SliceOfN(genIDRange, 1, 3).Draw(t, label+" ranges")
	}
	return rule, nil
}

func drawGroup(t *rapid.T, label string) GroupRule {
	rule, ranges := drawRule(t, label, groupRules)
	return GroupRule{rule, ranges}
}

// genPolicy draws valid policies in which everything can be set.
var genPolicy = rapid.Custom(func(t *rapid.T) Policy {
	flag := func(label string) bool { return rapid.Bool().Draw(t, label) }
	p := Policy{
		Name:                   genName.Draw(t, "name"),
		Namespace:              genNamespace.Draw(t, "namespace"),
		PodSelectorLabels:      rapid.MapOfN(genWord, genValue, 1, 3).Draw(t, "labels"),
		PodSelectorExpressions: listOf(t, "expressions", genRequirement),
		Allow: Allow{
			AllowPrivilegeEscalation: flag("escalation"), Privileged: flag("privileged"),
			AllowedCapabilities:  listOf(t, "capabilities", genCapability),
			AllowedUnsafeSysctls: listOf(t, "sysctls", genSysctl),
			HostNetworkPorts:     flag("hostNetworkPorts"), HostNamespace: flag("hostNamespace"),
			AllowedHostPaths:   listOf(t, "paths", genHostPath),
			RunAsGroup:         drawGroup(t, "runAsGroup"),
			FSGroup:            drawGroup(t, "fsGroup"),
			SupplementalGroups: SupplementalGroupsRule{drawGroup(t, "supplementalGroups"), rapid.SampledFrom([]corev1.SupplementalGroupsPolicy{"", "Strict"}).Draw(t, "groups policy")},
			Volumes:            rapid.SliceOfN(rapid.SampledFrom(append(volumeNames(), "*")), 0, 3).Draw(t, "volumes"),
			AllowedProbeHosts:  listOf(t, "hosts", genProbeHost),
			AllowedHostPorts:   listOf(t, "ports", genPortRange),
			HostNetwork:        flag("hostNetwork"), HostPID: flag("hostPID"), HostIPC: flag("hostIPC"),
			SELinuxOptions: flag("seLinux"), WindowsHostProcess: flag("windows"), ReadOnlyRootFilesystem: flag("readOnly"),
			UserNamespace:    rapid.SampledFrom([]UserNamespaceRule{"", UserNamespaceRequired}).Draw(t, "user namespace"),
			SeccompProfiles:  listOf(t, "seccomp", rapid.Just("Unconfined")),
			AppArmorProfiles: listOf(t, "appArmor", rapid.Just("Unconfined")),
			ProcMounts:       listOf(t, "procMounts", rapid.Just("Unmasked")),
		},
	}
	p.Allow.RunAsUser.Rule, p.Allow.RunAsUser.Ranges = drawRule(t, "runAsUser", userRules)
	if flag("no volumes") {
		p.Allow.Volumes = nil
	}
	p.Mutations = drawMutations(t, &p.Allow)
	p.Containers = listOf(t, "containers", genEntry(&p.Allow))
	drawNamespaces(t, &p)
	p.Reason, p.Owner = genNote.Draw(t, "reason"), genNote.Draw(t, "owner")
	if rapid.IntRange(0, 3).Draw(t, "default") == 0 {
		return asDefault(p)
	}
	p.Expires = rapid.SampledFrom([]string{"", "2026-12-31", "2024-02-29"}).Draw(t, "expires")
	return p
})

var (
	genContainerName = rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,4}(\*|[a-z0-9]))?`)
	genImage         = rapid.OneOf(
		rapid.SampledFrom([]string{
			"nginx", "nginx:1.2", "docker.io/istio/proxyv2:*", "docker.io/istio/*", "localhost/a", "r:5000/a/b", "[::1]:80/a", "a@sha256:" + strings.Repeat("a", 64),
			"a:b@sha256:" + strings.Repeat("0", 64), "a@*", "a@sha256:ab*", "docker.io/library/a-*", "index.docker.io/a", "A.b/c__d", "a:", "a/", "a_:b", "*", "a*", "A", "a:b/c", "a@b",
			strings.Repeat("f", 64), strings.Repeat("a/", 127) + "b", "a@md5:" + strings.Repeat("a", 32), "a:-", "a:" + strings.Repeat("x", 129),
		}),
		rapid.StringMatching(`([a-z]{1,3}(\.[a-z]{1,2}|:[0-9]{1,3})?/)?[a-z0-9]{1,3}([-._]{1,2}[a-z0-9])?(:[A-Za-z0-9_.-]{0,3})?\*?`),
	)
)

// genEntry draws valid entries for single containers of a policy that allows so much.
func genEntry(own *Allow) *rapid.Generator[ContainerEntry] {
	return rapid.Custom(func(t *rapid.T) ContainerEntry {
		flag := func(label string) bool { return rapid.Bool().Draw(t, label) }
		e := ContainerEntry{
			Names:  listOf(t, "names", genContainerName),
			Images: listOf(t, "images", genImage.Filter(func(s string) bool { return imageEntry(s) == complaint{} })),
			Kinds:  rapid.SliceOfN(rapid.SampledFrom(ContainerKinds()), 1, 2).Draw(t, "kinds"),
			Allow: ContainerAllow{
				AllowPrivilegeEscalation: flag("escalation"), Privileged: flag("privileged"),
				AllowedCapabilities: listOf(t, "capabilities", genCapability),
				RunAsGroup:          drawGroup(t, "runAsGroup"),
				AllowedProbeHosts:   listOf(t, "hosts", genProbeHost),
				AllowedHostPorts:    listOf(t, "ports", genPortRange),
				SELinuxOptions:      flag("seLinux"), WindowsHostProcess: flag("windows"),
				SeccompProfiles:  listOf(t, "seccomp", rapid.Just("Unconfined")),
				AppArmorProfiles: listOf(t, "appArmor", rapid.Just("Unconfined")),
				ProcMounts:       listOf(t, "procMounts", rapid.Just("Unmasked")),
			},
			Mutations: ContainerMutations{
				DropAllCapabilities: rapid.Ptr(rapid.Bool(), true).Draw(t, "dropAll"), SetDefaultSeccompProfile: rapid.Ptr(rapid.Bool(), true).Draw(t, "setSeccomp"),
				RunAsUser: rapid.Ptr(genID, true).Draw(t, "user"), RunAsGroup: rapid.Ptr(rapid.Map(rapid.OneOf(genID, rapid.Just(int64(NoGroup))), func(id int64) GroupFill { return GroupFill(id) }), true).Draw(t, "group"),
			},
		}
		if len(e.Names)+len(e.Images) > 0 && flag("no kinds") {
			e.Kinds = nil
		}
		e.Allow.RunAsUser.Rule, e.Allow.RunAsUser.Ranges = drawRule(t, "runAsUser", userRules)
		if !checked(func(c *checker) { c.entryValues("", &e, own) }) { // a value that no rule admits
			e.Mutations.RunAsUser, e.Mutations.RunAsGroup = nil, nil
		}
		return e
	})
}

// together are the policies that one set can hold, the first of two of one name.
func together(policies []Policy) (kept []Policy) {
	taken := register[bool]{}
	for i := range policies {
		if _, _, again := taken.before(&policies[i]); !again {
			taken.enter(&policies[i], true)
			kept = append(kept, policies[i])
		}
	}
	return kept
}

// drawNamespaces draws several namespaces in place of the one, and a selector of them.
func drawNamespaces(t *rapid.T, p *Policy) {
	if p.Namespace == "" {
		p.Namespaces = rapid.SliceOfDistinct(genNamespace.Filter(func(s string) bool { return s != "" }), rapid.ID[string]).Draw(t, "namespaces")
		if len(p.Namespaces) == 0 {
			p.Namespaces = nil
		}
	}
	if rapid.Bool().Draw(t, "selects namespaces") {
		p.NamespaceSelector = &metav1.LabelSelector{MatchExpressions: listOf(t, "expressions", genRequirement)}
		if labels := rapid.MapOfN(genWord, genValue, 0, 2).Draw(t, "labels of namespaces"); len(labels) > 0 || p.NamespaceSelector.MatchExpressions == nil {
			labels["team"] = "a"
			p.NamespaceSelector.MatchLabels = labels
		}
	}
}

// genNote draws what a policy says to people.
var genNote = rapid.OneOf(rapid.Just(""), genWord, rapid.SampledFrom([]string{"two words", " é: #", "- 'a' \"b\"", "*"}))

// asDefault is a policy as a default one, without what that may not have. All have
// one name, so that two of one place do not stand together.
func asDefault(p Policy) Policy {
	p.Name, p.Default, p.PodSelectorLabels, p.PodSelectorExpressions = "default", true, nil, nil
	p.NamespaceSelector, p.Allow.UserNamespace = nil, ""
	p = *p.AsExpired()
	p.Expired = false
	if p.Allow.RunAsUser.Rule == MustRunAs && InRanges(p.Allow.RunAsUser.Ranges, 0) {
		p.Allow.RunAsUser, p.Mutations.RunAsUser = UserRule{}, nil
	}
	p.Allow.Volumes = slices.DeleteFunc(p.Allow.Volumes, isGrantedVolume)
	return p
}

func drawMutations(t *rapid.T, a *Allow) (m Mutations) {
	rules := a.rules()
	id := func(r ruleField) *int64 {
		drawn := rapid.Ptr(genID, true).Draw(t, r.field+" to fill")
		if drawn != nil {
			if _, refused := r.refuses(*drawn); refused {
				return nil
			}
		}
		return drawn
	}
	m.DropAllCapabilities = rapid.Ptr(rapid.Bool(), true).Draw(t, "dropAll")
	m.SetDefaultSeccompProfile = rapid.Ptr(rapid.Bool(), true).Draw(t, "setSeccomp")
	group := func(r ruleField) *GroupFill {
		if r.rule != MustRunAs && rapid.Bool().Draw(t, r.field+" is not filled") {
			return ptr(NoGroup)
		}
		return (*GroupFill)(id(r))
	}
	m.RunAsUser, m.RunAsGroup, m.FSGroup = id(rules[0]), group(rules[1]), group(rules[2])
	m.FSGroupChangePolicy = rapid.SampledFrom([]corev1.PodFSGroupChangePolicy{"", "OnRootMismatch"}).Draw(t, "change policy")
	if rapid.Bool().Draw(t, "fills groups") {
		groups := rapid.SliceOfN(genID, 0, 3).Draw(t, "groups")
		groups = slices.DeleteFunc(groups, func(id int64) bool { _, refused := rules[3].refuses(id); return refused })
		if len(groups) > 0 || rules[3].rule != MustRunAs {
			m.SupplementalGroups = groups
		}
	}
	return m
}

func volumeNames() (names []string) {
	for _, v := range spec.VolumeTypes() {
		names = append(names, v.Name)
	}
	return names
}

// TestEveryKeyIsDrawn: each key is set in some of the policies that the tests
// below are held for.
func TestEveryKeyIsDrawn(t *testing.T) {
	drawn := map[string]bool{}
	for seed := range 200 {
		p := genPolicy.Example(seed)
		blocks := []any{p, p.Allow, p.Mutations}
		for _, e := range p.Containers {
			blocks = append(blocks, e, e.Allow, e.Mutations)
		}
		for _, block := range blocks {
			of := reflect.ValueOf(block)
			for i := range of.NumField() {
				field := of.Type().String() + "." + of.Type().Field(i).Name
				drawn[field] = drawn[field] || !of.Field(i).IsZero()
			}
		}
	}
	delete(drawn, "policy.Policy.Source") // no keys of the format
	delete(drawn, "policy.Policy.Expired")
	for field, set := range drawn {
		if !set {
			t.Errorf("%s is never set: draw it in genPolicy of policy/roundtrip_test.go", field)
		}
	}
}

func TestMarshalParseIsIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies := together(rapid.SliceOfN(genPolicy, 1, 3).Draw(t, "policies"))
		data, err := Marshal(policies...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(data, "other.yaml")
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(policies, got, anywhere); diff != "" {
			t.Fatalf("%s\n%s", diff, data)
		}
	})
}

// Other readers of YAML must see the same policy: Helm and kubectl read YAML 1.1.
func TestMarshalIsTheSameToOtherReaders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genPolicy.Draw(t, "policy")
		data, err := Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got Policy
		if err := sigsyaml.UnmarshalStrict(data, &got); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Fatalf("%s\n%s", diff, data)
		}
	})
}

func TestJSONRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genPolicy.Draw(t, "policy")
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var got Policy
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff(p, got); diff != "" {
			t.Fatalf("%s\n%s", diff, data)
		}
		parsed, err := Parse(data, "")
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if diff := cmp.Diff([]Policy{p}, parsed, anywhere); diff != "" {
			t.Fatalf("%s\n%s", diff, data)
		}
	})
}

func TestDeepCopy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genPolicy.Draw(t, "policy")
		before, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		c := p.DeepCopy()
		if diff := cmp.Diff(&p, c); diff != "" {
			t.Fatal(diff)
		}
		scribble(c)
		after, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Fatal("a change of the copy changed the policy: " + diff)
		}
	})
}

// scribble overwrites everything that a policy points to.
func scribble(p *Policy) {
	for k := range p.PodSelectorLabels {
		p.PodSelectorLabels[k] = "scribbled"
	}
	for i := range p.PodSelectorExpressions {
		p.PodSelectorExpressions[i].Key = "scribbled"
		overwrite(p.PodSelectorExpressions[i].Values, "scribbled")
	}
	a, m := &p.Allow, &p.Mutations
	for _, l := range [][]string{a.AllowedCapabilities, a.AllowedUnsafeSysctls, a.Volumes, a.SeccompProfiles, a.AppArmorProfiles, a.ProcMounts, a.AllowedProbeHosts} {
		overwrite(l, "scribbled")
	}
	for _, h := range a.AllowedHostPaths {
		overwrite(h.Types, "scribbled")
	}
	overwrite(a.AllowedHostPaths, HostPath{PathPrefix: "scribbled"})
	overwrite(a.AllowedHostPorts, PortRange{-7, -7})
	for _, l := range [][]IDRange{a.RunAsUser.Ranges, a.RunAsGroup.Ranges, a.FSGroup.Ranges, a.SupplementalGroups.Ranges} {
		overwrite(l, IDRange{-7, -7})
	}
	overwrite(m.SupplementalGroups, -7)
	for _, id := range []*int64{m.RunAsUser, (*int64)(m.RunAsGroup), (*int64)(m.FSGroup)} {
		if id != nil {
			*id = -7
		}
	}
	for _, b := range []*bool{m.DropAllCapabilities, m.SetDefaultSeccompProfile} {
		if b != nil {
			*b = !*b
		}
	}
}

func overwrite[T any](list []T, v T) {
	for i := range list {
		list[i] = v
	}
}

func TestMarshalGolden(t *testing.T) {
	policies, err := Parse(testdata(t, "every-key.yaml"), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Marshal(policies[0], Policy{Name: "empty-lists", PodSelectorLabels: webLabels, Allow: Allow{Volumes: []string{}}, Mutations: Mutations{SupplementalGroups: []int64{}}})
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/every-key.canonical.yaml"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(testdata(t, "every-key.canonical.yaml")), string(got)); diff != "" {
		t.Errorf("policy/%s is out of date: UPDATE_GOLDEN=1 go test ./policy writes it anew (-file +now):\n%s", golden, diff)
	}
}

func TestMarshalRefusesWhatParseWould(t *testing.T) {
	p := Policy{PodSelectorLabels: webLabels}
	for name, policies := range map[string][]Policy{
		"invalid":        {{}},
		"unnamed":        {p, p},
		"the same name":  {{Name: "a", PodSelectorLabels: webLabels}, {Name: "a", PodSelectorLabels: webLabels}},
		"second invalid": {p, {Name: "a"}},
	} {
		if data, err := Marshal(policies...); err == nil || data != nil {
			t.Errorf("%s: %s, %v", name, data, err)
		}
	}
	if data, err := Marshal(); len(data) != 0 || err != nil {
		t.Errorf("none: %s, %v", data, err)
	}
}

func TestUserRuleJSON(t *testing.T) {
	for _, row := range []struct {
		in   string
		rule UserRule
		out  string
	}{
		{`"RunAsAny"`, UserRule{Rule: RunAsAny}, `"RunAsAny"`},
		{`{"rule":"RunAsAny"}`, UserRule{Rule: RunAsAny}, `"RunAsAny"`},
		{`{"rule":"MustRunAsNonRoot","ranges":[]}`, UserRule{Rule: MustRunAsNonRoot}, `"MustRunAsNonRoot"`},
		{`{"rule":"MustRunAs","ranges":[{"min":1,"max":2}]}`, UserRule{MustRunAs, []IDRange{{1, 2}}}, `{"rule":"MustRunAs","ranges":[{"min":1,"max":2}]}`},
		{`"MustRunAs"`, UserRule{Rule: MustRunAs}, `{"rule":"MustRunAs"}`},
		{`{}`, UserRule{}, `{}`},
	} {
		got := UserRule{Rule: "before", Ranges: []IDRange{{7, 7}}}
		if err := json.Unmarshal([]byte(row.in), &got); err != nil {
			t.Errorf("%s: %v", row.in, err)
		}
		if diff := cmp.Diff(row.rule, got); diff != "" {
			t.Errorf("%s: %s", row.in, diff)
		}
		if out, err := json.Marshal(got); err != nil || string(out) != row.out {
			t.Errorf("%s: %s, %v; want %s", row.in, out, err, row.out)
		}
	}
}

func TestUserRuleJSONRefuses(t *testing.T) {
	for in, want := range map[string]string{
		`null`:                               "has no value; write a rule, or remove the key for the default, MustRunAsNonRoot",
		`""`:                                 "is empty; write a value, or remove the key if it has a default",
		`5`:                                  `5 is read as a number, not as text; write "5"`,
		`["RunAsAny"]`:                       "a list stands where a block of keys belongs; write rule or ranges under it, indented",
		`{"Rule":"RunAsAny"}`:                "Rule: unknown key; did you mean rule?",
		`{"rule":"RunAsAny","rule":"x"}`:     "rule: the key stands in line 1 already; keep one of them",
		`{"rule":"MustRunAs","ranges":[{}]}`: "ranges[0].min: is missing; write min beside the other keys of this block\nranges[0].max: is missing; write max beside the other keys of this block",
		`{"rule":"MustRunAs","ranges":null}`: "ranges: has no value; write [] for none, or remove the key for the default",
		`{"ranges":[{"min":1.0,"max":"2"}]}`: "ranges[0].min: 1.0 is no plain decimal number; write 1\nranges[0].max: \"2\" is text, not a number; write 2 without quotes",
	} {
		u := UserRule{Rule: RunAsAny}
		err := json.Unmarshal([]byte(in), &u)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
		if diff := cmp.Diff(UserRule{Rule: RunAsAny}, u); diff != "" {
			t.Errorf("%s changed the rule: %s", in, diff)
		}
	}
}

// FuzzParse holds that Parse never panics, and that what it accepts is valid
// and comes back from its canonical form.
func FuzzParse(f *testing.F) {
	seeds := 0
	add := func(in string) { f.Add([]byte(in)); seeds++ }
	for _, row := range refused {
		if len(row.in) < 1000 {
			add(row.in)
		}
	}
	for _, row := range accepted {
		add(row.in)
	}
	add(string(testdata(f, "every-key.yaml")))
	if seeds < 230 {
		f.Fatalf("only %d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		policies, err := Parse(data, "p.yaml")
		if err != nil {
			inspect(t, err)
			return
		}
		for i := range policies {
			if err := policies[i].Validate(); err != nil {
				t.Fatal(err)
			}
		}
		canonical, err := Marshal(policies...)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(canonical, "p.yaml")
		if err != nil {
			t.Fatalf("%v\n%s", err, canonical)
		}
		if diff := cmp.Diff(policies, again, anywhere); diff != "" {
			t.Fatalf("%s\n%s", diff, canonical)
		}
	})
}
