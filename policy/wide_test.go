package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podfence/podfence/spec"
)

// TestTablesOfWhatIsWide: each row of a table is in order, of what it is about,
// and warned of by itself.
func TestTablesOfWhatIsWide(t *testing.T) {
	reasons := func(a Allow) (all []WarningReason) {
		for _, w := range Lint(Policy{Name: "a", PodSelectorLabels: podLabels{"app": "web"}, Allow: a}) {
			all = append(all, w.Reason)
		}
		return all
	}
	for _, k := range nodeKeys {
		p := Policy{Name: "a", PodSelectorLabels: podLabels{"app": "web"}}
		p.setBool(k, true)
		if got := reasons(p.Allow); !slices.Equal(got, []WarningReason{WarnEveryNamespace}) {
			t.Errorf("%s: %v", k, got)
		}
	}
	for _, name := range nodeCapabilities {
		if name != anyValue && name != spec.CapabilityAll && !slices.Contains(spec.Capabilities(), name) {
			t.Errorf("%s is no capability", name)
		}
		if got := reasons(Allow{AllowedCapabilities: []string{name}}); !slices.Contains(got, WarnEveryNamespace) {
			t.Errorf("%s: %v", name, got)
		}
	}
	for i, n := range nodePaths {
		if hostPath(n.path) != (complaint{}) || i > 0 && nodePaths[i-1].path >= n.path {
			t.Errorf("%s is no clean path, or out of order", n.path)
		}
		for _, readOnly := range []bool{false, true} {
			got := reasons(Allow{AllowedHostPaths: []HostPath{{PathPrefix: n.path, ReadOnly: readOnly}}})
			if slices.Contains(got, WarnWideHostPath) != (n.sockets || !readOnly) {
				t.Errorf("%s, read-only %t: %v", n.path, readOnly, got)
			}
		}
	}
	for _, name := range spec.Capabilities() {
		if got := reasons(Allow{AllowedCapabilities: []string{"CAP_" + name}}); slices.Contains(got, WarnUnknownCapability) {
			t.Errorf("%s is unknown", name)
		}
	}
	if len(spec.Capabilities()) != 41 || !slices.IsSorted(spec.Capabilities()) {
		t.Errorf("%d capabilities, and Linux has 41; sorted: %t", len(spec.Capabilities()), slices.IsSorted(spec.Capabilities()))
	}
}

// TestMatchlessHosts: which entries of allowedProbeHosts can be the host of a probe.
func TestMatchlessHosts(t *testing.T) {
	for _, row := range []struct {
		host, why string
		warned    bool
	}{
		{"127.0.0.1", "an address", false},
		{"fe80::1", "an address", false},
		{"node.example.com", "a name", false},
		{"*", "a pattern is compared as it is written", true},
		{"*.example.com", "so is this one", true},
		{"10.0.0.0/8", "a network is none of its addresses", true},
		{"http://10.0.0.1", "the scheme is another field of the probe", true},
		{"10.0.0.1:8080", "so is the port", true},
		{"[fe80::1]", "brackets are how a URL writes an address", true},
	} {
		warnings := Lint(Policy{Name: "a", PodSelectorLabels: podLabels{"app": "web"}, Allow: Allow{AllowedProbeHosts: []string{row.host}}})
		if (len(warnings) == 1) != row.warned || row.warned && warnings[0].Reason != WarnNoSuchHost {
			t.Errorf("%s: %v, want a warning: %t: %s", row.host, warnings, row.warned, row.why)
		}
	}
}

// TestSuggestionsAreBounded: a list of words that nobody knows has as many
// compared with the known ones as a person may have misspelt, and each is told.
func TestSuggestionsAreBounded(t *testing.T) {
	p := Policy{Name: "a", PodSelectorLabels: podLabels{"app": "web"}}
	for range 3 * maxSuggested {
		p.Allow.AllowedCapabilities = append(p.Allow.AllowedCapabilities, "NET_ADMN")
	}
	warnings, meant := Lint(p), 0
	for _, w := range warnings {
		if w.Meant == "NET_ADMIN" {
			meant++
		}
	}
	if len(warnings) != 3*maxSuggested || meant != maxSuggested {
		t.Errorf("%d warnings, %d with what was meant", len(warnings), meant)
	}
}

// TestWideAsJSON: the form that other programs read.
func TestWideAsJSON(t *testing.T) {
	p := Policy{Name: "a", PodSelectorLabels: podLabels{"app": "web"}, Allow: Allow{
		AllowedCapabilities: []string{"NET_ADMN"}, AllowedHostPaths: []HostPath{{PathPrefix: "/var/lib/kubelet"}},
	}}
	got, err := json.Marshal(Lint(p))
	const about = `"policy":{"name":"a"},`
	want := fmt.Sprintf(`[{"reason":"WideHostPath",%[1]s"field":"allow.allowedHostPaths[0]","value":"/var/lib/kubelet","paths":["/var/lib/kubelet"]},`+
		`{"reason":"EveryNamespace",%[1]s"keys":["allow.allowedHostPaths"]},`+
		`{"reason":"UnknownCapability",%[1]s"field":"allow.allowedCapabilities[0]","value":"NET_ADMN","meant":"NET_ADMIN"}]`, about)
	if err != nil || string(got) != want {
		t.Errorf("%s, %v; want\n%s", got, err, want)
	}
}

// TestKeysNotInWelkin: each key that the document of the format does not have is
// named where a Welkin values file uses it, and no other; a policy of another
// form may use them all.
func TestKeysNotInWelkin(t *testing.T) {
	policies, err := Parse(testdata(t, "every-key.yaml"), "every-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := policies[0]
	p.Source.Welkin = true
	// A values file in which these stand is refused: there is one namespace to a policy.
	maps.DeleteFunc(p.Source.Lines, func(path string, _ int) bool { return strings.HasPrefix(path, "namespace") })
	want := []string{
		"allow.allowedHostPaths.recursiveReadOnly", "allow.allowedHostPaths.types", "allow.allowedHostPorts",
		"allow.allowedHostPorts.max", "allow.allowedHostPorts.min", "allow.allowedProbeHosts", "allow.appArmorProfiles",
		"allow.hostIPC", "allow.hostNetwork", "allow.hostPID", "allow.procMounts", "allow.seLinuxOptions", "allow.seccompProfiles",
		"allow.supplementalGroups.policy", "allow.userNamespace", "allow.windowsHostProcess", "containers", "mutations.fsGroupChangePolicy",
		"mutations.supplementalGroups",
	}
	if diff := cmp.Diff(want, p.Source.notInWelkin()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := policies[0].Source.notInWelkin(); got != nil {
		t.Errorf("in a file of the own form: %v", got)
	}
	for path := range chartKeys {
		if block, key, _ := cutLast(path); !slices.Contains(formatKeys(), formatKey{key, block}) {
			t.Errorf("the format has no key %s", path)
		}
	}
}

// cutLast parts a path at its last dot.
func cutLast(path string) (before, after string, found bool) {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)], path[i+1:], i >= 0
}

// TestWelkinKeysInWords: the warning names the keys as the format has them, and
// stands where the policy does.
func TestWelkinKeysInWords(t *testing.T) {
	_, texts := lintText(t, `constraints:
  net:
    rm:
      podSelectorLabels: {app: web, tier.example.com/a: b}
      podSelectorExpressions: [{key: a, operator: Exists}]
      allow:
        hostPID: true
        allowedHostPaths:
        - {pathPrefix: /srv, readOnly: true}
        - {pathPrefix: /srv, readOnly: true, recursiveReadOnly: true}
        - {pathPrefix: /srv, types: [Socket]}
        runAsGroup: {rule: MustRunAs, ranges: [{min: 5, max: 6}]}
      mutation: {supplementalGroups: [5]}
    fine:
      podSelectorLabels: {app: web}
      allow: {hostNamespace: true, readOnlyRootFilesystem: true}
      mutations: {fsGroup: 5}
`)
	want := "f1.yaml:3: warning: policy net/rm has keys that Welkin's chart does not know, and which hold for podfence alone: " +
		"allow.allowedHostPaths.recursiveReadOnly, allow.allowedHostPaths.types, allow.hostPID, mutations.supplementalGroups; " +
		"where the chart reads the file too, write what it has, or keep the policy in a file of its own"
	overlap := "f1.yaml:3: warning: policy net/rm and policy net/fine (f1.yaml:14) can select one pod in namespace net: " +
		"net/fine is tried first, in order of name, and their grants never add up"
	if diff := cmp.Diff([]string{want, overlap}, texts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
