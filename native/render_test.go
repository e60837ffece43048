package native

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

func setOf(t *testing.T, text string) policy.Set {
	t.Helper()
	policies, err := policy.Parse([]byte(text), "policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// small is a set with a policy of each sort.
const small = `name: route-manager
namespace: networking
podSelectorLabels: {app: route-manager}
expires: 2026-12-31
allow:
  hostNetwork: true
  allowedCapabilities: [cap_net_admin]
  allowedHostPaths: [{pathPrefix: /var/log, readOnly: true, types: [Directory]}, {pathPrefix: 'C:\Logs'}]
  runAsUser: {rule: MustRunAs, ranges: [{min: 400, max: 499}]}
containers:
  - names: [istio-*]
    images: ["docker.io/istio/proxyv2:*", nginx]
    kinds: [init, sidecar]
    allow: {runAsUser: RunAsAny}
    mutations: {dropAllCapabilities: false, runAsGroup: none}
---
name: teams
namespaceSelector: {matchLabels: {team: a}}
podSelectorExpressions: [{key: stage, operator: NotIn, values: [prod, test]}, {key: app, operator: Exists}]
allow: {volumes: [], userNamespace: Required}
---
name: platform
default: true
mutations: {runAsUser: 10001, fsGroup: none, supplementalGroups: []}
`

// TestGolden: the whole of what a small set is rendered as. UPDATE_GOLDEN=1 renews it.
func TestGolden(t *testing.T) {
	objects, err := Render(setOf(t, small), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, object := range objects.List() {
		document, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString("---\n" + string(document))
	}
	path := filepath.Join("testdata", "small.yaml")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("not what %s has (-want +got):\n%.4000s", path, diff)
	}
}

// TestLiteral: policies as data.
func TestLiteral(t *testing.T) {
	policies, next := setOf(t, small).InForce()
	if want := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC); !next.Equal(want) {
		t.Errorf("the next expiry is %v, want %v", next, want)
	}
	for i, want := range []string{
		`[{"at": ["00"], "mutations.runAsGroup": ["1"], "mutations.runAsUser": ["10001"], "name": ["platform"], "order": ["0"], "runAsUser.fill": ["10001"], "runAsUser.fillNonRoot": ["10001"]}]`,
		`[{"allow.allowedCapabilities": ["NET_ADMIN"], "allow.allowedHostPaths": ["r|Directory|/var/log", "w||c:/logs"], ` +
			`"allow.allowedHostPaths.want": ["below /var/log with every mount readOnly, of type Directory or C:\\Logs on Windows (spec.os.name)"], "allow.hostNetwork": ["true"], ` +
			`"allow.runAsUser": ["MustRunAs"], "allow.runAsUser.ranges": ["400-499"], "allow.runAsUser.want": ["400 to 499"], "at": ["00"], "labels": ["app=route-manager"], ` +
			`"mutations.fsGroup": ["1"], "mutations.runAsGroup": ["1"], "mutations.supplementalGroups": ["1"], "name": ["route-manager"], "order": ["1"], "policy-expires": ["2026-12-31"], ` +
			`"runAsUser.fill": ["400"], "runAsUser.fillNonRoot": ["400"], "selects": ["true"]}, ` +
			`{"allow.runAsUser": ["RunAsAny"], "at": ["01containers[0]."], "images": ["docker.io/istio/proxyv2:*", "docker.io/istio/proxyv2@*", "docker.io/library/nginx:latest"], ` +
			`"kinds": ["init", "sidecar"], "mutations.dropAllCapabilities": ["true"], "mutations.runAsGroup": ["-1"], "names": ["istio-*"]}]`,
		`[{"allow.userNamespace": ["true"], "allow.volumes": [""], "allow.volumes.want": ["absent: the policy admits no volume"], "at": ["00"], "exists": ["app="], "mutations.fsGroup": ["1"], ` +
			`"mutations.runAsGroup": ["1"], "mutations.supplementalGroups": ["1"], "name": ["teams"], "namespace.labels": ["team=a"], "notIn": ["stage=prod|stage=test"], "order": ["2"], "selects": ["true"]}]`,
	} {
		if got := policyText(encode(policies[i], []string{"0", "1", "2"}[i])); got != want {
			t.Errorf("%s (-want +got):\n%s", policies[i].Name, cmp.Diff(want, got))
		}
	}
}

// TestExpiry: what has expired by the time of the set grants nothing, and the objects
// say when the next policy expires.
func TestExpiry(t *testing.T) {
	set := setOf(t, small)
	end := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		why     string
		at      time.Time
		granted bool
		next    time.Time
	}{
		{"a second before", end.Add(-time.Second), true, end},
		{"at the end of the day", end, false, time.Time{}},
	} {
		objects, err := Render(set.At(row.at), Options{})
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(objects.Enforce)
		if got := strings.Contains(string(text), `\"allow.hostNetwork\": [\"true\"]`); got != row.granted {
			t.Errorf("%s: granted %v", row.why, got)
		}
		if !objects.NextExpiry.Equal(row.next) {
			t.Errorf("%s: the next expiry is %v, want %v", row.why, objects.NextExpiry, row.next)
		}
	}
}

// TestDeterminism: the same set and options give the same objects, in whatever order
// the policies were given.
func TestDeterminism(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policies := podgen.Together(rapid.SliceOfN(podgen.Policy(), 1, 6).Draw(t, "policies"))
		render := func(policies []policy.Policy) string {
			set, err := policy.NewSet(policies...)
			if err != nil {
				t.Fatal(err)
			}
			objects, err := Render(set, Options{Levels: &api.Policy{Enforce: api.LevelVersion{Level: api.LevelRestricted}}})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(objects.List())
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		once := render(policies)
		if again := render(policies); again != once {
			t.Fatal(cmp.Diff(once, again))
		}
		if turned := render(rapid.Permutation(policies).Draw(t, "in another order")); turned != once {
			t.Fatal(cmp.Diff(once, turned))
		}
	})
}

// TestErrors: what cannot be rendered is refused with what is at fault and what to do.
func TestErrors(t *testing.T) {
	long := "name: long\npodSelectorLabels: {app: web}\nallow:\n  allowedProbeHosts:\n"
	for range 9 {
		long += "    - " + strings.Repeat("h", 10_000) + "\n"
	}
	var many strings.Builder
	for i := range 1500 {
		if i > 0 {
			many.WriteString("---\n")
		}
		many.WriteString("name: p" + number(int64(i)) + "\nnamespace: n" + number(int64(i)) + "\npodSelectorLabels: {app: web}\nreason: " + strings.Repeat("r", 900) + "\n")
	}
	for _, row := range []struct {
		why, policies string
		options       Options
		want          string
	}{
		{"a policy is too long", long, Options{}, `policies.yaml:4: policy "long": allow.allowedProbeHosts: the policy is 90`},
		{"all policies are too long together", many.String(), Options{}, "policies: 1500 policies make an object of "},
		{"an old server", "", Options{KubernetesVersion: api.MajorMinorVersion(1, 34)}, "KubernetesVersion: Kubernetes v1.34 has no functions of lists that the expressions use, which came with v1.35; run the webhook there"},
		{"a server without mutation", "", Options{KubernetesVersion: api.MajorMinorVersion(1, 35)}, "WithoutMutation: Kubernetes v1.35 has no MutatingAdmissionPolicy"},
		{"that is fine without", "", Options{KubernetesVersion: api.MajorMinorVersion(1, 35), WithoutMutation: true}, ""},
		{"files for a server that reads none", "", Options{KubernetesVersion: api.MajorMinorVersion(1, 36), Static: true}, "Static: Kubernetes v1.36 has no ManifestBasedAdmissionControlConfig"},
		{"a server that is not known", "", Options{KubernetesVersion: api.MajorMinorVersion(1, 99)}, "KubernetesVersion: v1.99 is not known here"},
		{"the latest server", "", Options{KubernetesVersion: api.LatestVersion()}, ""},
		{"a prefix without a slash", "", Options{LabelPrefix: "podfence.dev"}, `LabelPrefix: "podfence.dev" is no prefix of labels; write a domain and a slash, as in podfence.dev/`},
		{"a name that is none", "", Options{Name: "Pod fence"}, `Name: "Pod fence" begins no name of an object`},
		{"a name that is too long for a label", "", Options{Name: strings.Repeat("a", 64)}, "begins no name of an object"},
		{"an unknown level", "", Options{Levels: &api.Policy{Warn: api.LevelVersion{Level: "high"}}}, `Levels: "high" is no level; write privileged, baseline or restricted`},
		{"an unknown default level", "", Options{Defaults: api.Policy{Audit: api.LevelVersion{Level: "high"}}}, `Defaults: "high" is no level`},
	} {
		t.Run(row.why, func(t *testing.T) {
			set := policy.Set{}
			if row.policies != "" {
				set = setOf(t, row.policies)
			}
			_, err := Render(set, row.options)
			if row.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %s", err, row.want)
			}
		})
	}
}

// TestOptionsAreNotChanged: the caller's options stay as they are.
func TestOptionsAreNotChanged(t *testing.T) {
	levels := api.Policy{Enforce: api.LevelVersion{Level: api.LevelBaseline}}
	o := Options{Levels: &levels, Exempt: Exemptions{Namespaces: []string{"", "kube-system"}}}
	if _, err := Render(policy.Set{}, o); err != nil {
		t.Fatal(err)
	}
	if levels.Warn.Level != "" || o.Name != "" || o.Exempt.Namespaces[0] != "" {
		t.Errorf("%+v %+v", o, levels)
	}
}

// TestNothingToDo: what has nothing to do is not rendered.
func TestNothingToDo(t *testing.T) {
	restricted, privileged := api.LevelVersion{Level: api.LevelRestricted}, api.LevelVersion{Level: api.LevelPrivileged}
	for _, row := range []struct {
		why     string
		options Options
		objects int
	}{
		{"levels are said by labels", Options{}, 10},
		{"without mutation", Options{WithoutMutation: true}, 8},
		{"only enforced", Options{Levels: &api.Policy{Enforce: restricted, Audit: privileged, Warn: privileged}}, 4},
		{"only audited", Options{Levels: &api.Policy{Audit: restricted}}, 2},
		{"warned of, with templates", Options{Levels: &api.Policy{Warn: restricted}}, 4},
		{"privileged", Options{Levels: &api.Policy{}}, 0},
	} {
		objects, err := Render(policy.Set{}, row.options)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(objects.List()); got != row.objects {
			t.Errorf("%s: %d objects, want %d", row.why, got, row.objects)
		}
	}
}
