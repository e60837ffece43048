package policy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"
)

// admits reports whether a text has the form.
func (f *Form) admits(text string) bool {
	matches := func(pattern string) bool { return regexp.MustCompile(pattern).MatchString(text) }
	return (f.Words == nil || slices.Contains(f.Words, text)) &&
		!slices.ContainsFunc(f.Patterns, func(p string) bool { return !matches(p) }) &&
		!slices.ContainsFunc(f.Never, matches) &&
		(f.MaxLength == 0 || utf8.RuneCountInString(text) <= f.MaxLength)
}

// at is the form at a path without indices: of a list, that of its entries.
func (f *Form) at(path string) *Form {
	for f.Kind == KindList {
		f = f.Entry
	}
	if path == "" {
		return f
	}
	name, rest, _ := strings.Cut(path, ".")
	for i := range f.Keys {
		if f.Keys[i].Name == name {
			return f.Keys[i].Form.at(rest)
		}
	}
	return nil
}

type textRow struct {
	path string
	// loose is a text that the form admits and the check refuses, as why says.
	loose, why string
	check      func(text string) bool
}

// texts are the places of a policy that hold text, each with the check of
// validate.go that a text there must pass.
var texts = []textRow{
	{"name", "", "", func(s string) bool { return len(validation.IsDNS1123Subdomain(s)) == 0 }},
	{"namespace", "", "", func(s string) bool { return len(validation.IsDNS1123Label(s)) == 0 }},
	{"namespaces", "", "", func(s string) bool {
		return checked(func(c *checker) { c.namespaces(&Policy{Namespaces: []string{s}}) })
	}},
	{"namespaceSelector.matchExpressions.key", strings.Repeat("a", 254) + "/b", "a prefix of 254 characters may have a short name behind it",
		func(s string) bool { return len(validation.IsQualifiedName(s)) == 0 }},
	{"namespaceSelector.matchExpressions.values", "", "", func(s string) bool { return len(validation.IsValidLabelValue(s)) == 0 }},
	{"namespaceSelector.matchExpressions.operator", "", "", func(s string) bool { _, known := takesValues[metav1.LabelSelectorOperator(s)]; return known }},
	{"reason", "a\u00a0b", "the classes of Unicode differ between the readers of patterns", func(s string) bool { return s != "" && checked(func(c *checker) { c.note("", s, maxReason) }) }},
	{"owner", "a\u00a0b", "the same", func(s string) bool { return s != "" && checked(func(c *checker) { c.note("", s, maxOwner) }) }},
	{"expires", "2026-02-31", "months differ in length", func(s string) bool { _, ok := (&Policy{Expires: s}).ExpiresAt(); return ok }},
	{"podSelectorExpressions.key", strings.Repeat("a", 254) + "/b", "a prefix of 254 characters may have a short name behind it",
		func(s string) bool { return len(validation.IsQualifiedName(s)) == 0 }},
	{"podSelectorExpressions.values", "", "", func(s string) bool { return len(validation.IsValidLabelValue(s)) == 0 }},
	{"podSelectorExpressions.operator", "", "", func(s string) bool { _, known := takesValues[metav1.LabelSelectorOperator(s)]; return known }},
	{"allow.allowedCapabilities", "", "", func(s string) bool { return capability(s) == complaint{} }},
	{"allow.allowedUnsafeSysctls", "", "", func(s string) bool { return sysctl(s) == complaint{} }},
	{"allow.allowedProbeHosts", "a\u00a0b", "the classes of Unicode differ between the readers of patterns", func(s string) bool { return probeHost(s) == complaint{} }},
	{"allow.allowedHostPaths.pathPrefix", `C:\con`, "names of devices are too many for a pattern, as are the classes of Unicode",
		func(s string) bool { return s != "" && hostPath(withoutSlash(s)) == complaint{} }},
	{"allow.allowedHostPaths.types", "", "", func(s string) bool { return checked(func(c *checker) { c.hostPathTypes("", []string{s}) }) }},
	{"allow.volumes", "", "", func(s string) bool { return volume(s) == complaint{} }},
	{"allow.seccompProfiles", "", "", func(s string) bool { return mayList(KeySeccompProfiles, s) }},
	{"allow.appArmorProfiles", "", "", func(s string) bool { return mayList(KeyAppArmorProfiles, s) }},
	{"allow.procMounts", "", "", func(s string) bool { return mayList(KeyProcMounts, s) }},
	{"allow.runAsUser.rule", "", "", func(s string) bool { return slices.Contains(userRules, Rule(s)) }},
	{"allow.runAsGroup.rule", "", "", func(s string) bool { return slices.Contains(groupRules, Rule(s)) }},
	{"allow.fsGroup.rule", "", "", func(s string) bool { return slices.Contains(groupRules, Rule(s)) }},
	{"allow.supplementalGroups.rule", "", "", func(s string) bool { return slices.Contains(groupRules, Rule(s)) }},
	{"allow.userNamespace", "", "", func(s string) bool {
		return s != "" && checked(func(c *checker) { c.userNamespace(UserNamespaceRule(s)) })
	}},
	{"mutations.fsGroupChangePolicy", "", "", func(s string) bool {
		return s != "" && checked(func(c *checker) { c.changePolicy(corev1.PodFSGroupChangePolicy(s)) })
	}},
	{"allow.supplementalGroups.policy", "", "", func(s string) bool {
		return s != "" && checked(func(c *checker) { c.groupsPolicy(corev1.SupplementalGroupsPolicy(s)) })
	}},
	{"containers.names", "", "", isContainerName},
	{"containers.images", strings.Repeat("a", 64), "what is taken for an ID, and the length of a path, are left to the check",
		func(s string) bool { return imageEntry(s) == complaint{} }},
	{"containers.kinds", "", "", func(s string) bool { return slices.Contains(ContainerKinds(), ContainerKind(s)) }},
	{"containers.allow.allowedCapabilities", "", "", func(s string) bool { return capability(s) == complaint{} }},
	{"containers.allow.allowedProbeHosts", "a\u00a0b", "the classes of Unicode differ between the readers of patterns", func(s string) bool { return probeHost(s) == complaint{} }},
	{"containers.allow.seccompProfiles", "", "", func(s string) bool { return mayList(KeySeccompProfiles, s) }},
	{"containers.allow.appArmorProfiles", "", "", func(s string) bool { return mayList(KeyAppArmorProfiles, s) }},
	{"containers.allow.procMounts", "", "", func(s string) bool { return mayList(KeyProcMounts, s) }},
	{"containers.allow.runAsUser.rule", "", "", func(s string) bool { return slices.Contains(userRules, Rule(s)) }},
	{"containers.allow.runAsGroup.rule", "", "", func(s string) bool { return slices.Contains(groupRules, Rule(s)) }},
}

func checked(check func(*checker)) bool {
	var c checker
	check(&c)
	return len(c) == 0
}

// fixedTexts are texts that hardly any draw would be, some for each place that has few.
var fixedTexts = []string{"", "*", "CAP_", "cap_", "Strict", "Merge", "Required", "OnRootMismatch", "Always", "In", "Exists", "MustRunAs", "MayRunAs", "RunAsAny", "MustRunAsNonRoot", "Unset", "Socket",
	"init", "sidecar", "regular", "ephemeral", "Unconfined", "RuntimeDefault", "Unmasked", "Default", "/..", "/.", "/a/", "//", "/a/..", "/..a", `C:\`, `C:\a\`, `C:\a.`, `C:\a `, `C:\a\\b`, `c:`, "a/b/c", "a.b/c",
	"2026-12-31", "2024-02-29", "2026-2-1", "2026-12-31T00:00:00Z", " ", " a", "two words"}

// genText draws texts of every place, and texts that nearly are ones.
var genText = rapid.OneOf(
	genWord, genValue, genName, genNamespace, genPath, genCapability, genSysctl, genProbeHost, genImage, genContainerName,
	rapid.SampledFrom(fixedTexts),
	rapid.SampledFrom(volumeNames()),
	rapid.StringMatching(`2026-[01][0-9]-[0-3][0-9]`),
	rapid.Map(rapid.IntRange(60, 66), func(n int) string { return strings.Repeat("a", n) }),
	rapid.Map(rapid.IntRange(250, 255), func(n int) string { return strings.Repeat("a.", n/2) + "a" }),
	rapid.StringMatching(`[-_.a-zA-Z0-9/\\:*]{0,8}`),
	rapid.StringOfN(rapid.RuneFrom([]rune("aA0-_./\\:* \t\u00a0é\u0001\x7f")), 0, 6, -1),
)

// TestFormsAgreeWithTheChecks: a text has its place's form if the place's check lets
// it be, and only then; where a form is looser, a row says why.
func TestFormsAgreeWithTheChecks(t *testing.T) {
	format := Format()
	for _, row := range texts {
		f := format.at(row.path)
		if f == nil || f.Kind != KindText {
			t.Fatalf("%s holds no text", row.path)
		}
		t.Run(row.path, func(t *testing.T) {
			if row.loose != "" && (!f.admits(row.loose) || row.check(row.loose)) {
				t.Errorf("the form is not looser for %q than the check: remove %q", row.loose, row.why)
			}
			admitted := 0
			try := func(t rapid.TB, text string) {
				switch want := row.check(text); {
				case want && !f.admits(text):
					t.Fatalf("%q is refused by the form alone", text)
				case want:
					admitted++
				case row.loose == "" && f.admits(text):
					t.Fatalf("%q is refused by the check alone", text)
				}
			}
			for _, text := range fixedTexts {
				try(t, text)
			}
			rapid.Check(t, func(t *rapid.T) { try(t, genText.Draw(t, "text")) })
			if f.Words == nil && admitted == 0 {
				t.Error("no text passed: the test says little")
			}
			for _, word := range f.Words {
				if !row.check(word) {
					t.Errorf("%q is refused by the check alone", word)
				}
			}
		})
	}
}

// TestFormIsWhole: the form has the keys of the types, in their order, each with the
// Go field that it is; every text has a row above, and says what it may be.
func TestFormIsWhole(t *testing.T) {
	var got []formatKey
	rows := 0
	var walk func(f *Form, path string)
	walk = func(f *Form, path string) {
		switch f.Kind {
		case KindList:
			walk(f.Entry, path)
		case KindText:
			rows++
			if f.Words == nil && (f.Patterns == nil || f.Fix == "") {
				t.Errorf("%s may be any text, or nobody is told what to write: say in textForm of policy/format.go what it may be", path)
			}
			if !slices.ContainsFunc(texts, func(row textRow) bool { return row.path == path }) {
				t.Errorf("%s has no row in texts of policy/format_test.go", path)
			}
		case KindBlock:
			for _, k := range f.Keys {
				got = append(got, formatKey{k.Name, path})
				if k.Owner == "" || k.Field == "" || k.Form.Kind == 0 {
					t.Errorf("%s is %+v", keyPath(path, k.Name), k)
				}
				walk(k.Form, keyPath(path, k.Name))
			}
		}
	}
	walk(Format(), "")
	if diff := cmp.Diff(formatKeys(), got, cmp.AllowUnexported(formatKey{})); diff != "" {
		t.Errorf("keys (-types +form):\n%s", diff)
	}
	if rows != len(texts) {
		t.Errorf("%d places hold text, and %d have rows", rows, len(texts))
	}
}

// TestFormDefaults: a policy in which the defaults are written out has no effect,
// and it is known of every key that has none.
func TestFormDefaults(t *testing.T) {
	written, none := map[string]any{"podSelectorLabels": webLabels}, []string{}
	for _, block := range []string{"", "allow", "mutations"} {
		defaults := map[string]any{}
		for _, key := range Format().at(block).Keys {
			if key.Default == nil {
				none = append(none, keyPath(block, key.Name))
			} else {
				defaults[key.Name] = key.Default
			}
		}
		if block != "" {
			written[block] = defaults
		}
	}
	want := []string{
		"name", "namespace", "namespaces", "namespaceSelector", "podSelectorLabels", "podSelectorExpressions", "reason", "owner", "expires", "allow", "mutations", // none, or all of theirs
		"containers",
		"allow.userNamespace",           // no demand
		"mutations.runAsUser",           // depends on allow.runAsUser
		"mutations.fsGroupChangePolicy", // not filled
	}
	if diff := cmp.Diff(want, none); diff != "" {
		t.Errorf("keys without a default (-want +got):\n%s", diff)
	}
	data, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	p := parseOne(t, string(data))
	if got := p.effect(); got != narrowsVolumes { // which hold at restricted alone
		t.Errorf("the defaults have the effect %d, want that of volumes alone:\n%s", got, data)
	}
}
