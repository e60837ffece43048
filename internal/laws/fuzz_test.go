package laws

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/fuzzinput"
	"github.com/podfence/podfence/internal/kept"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// mutateSeed is one input of FuzzMutate.
type mutateSeed struct {
	pod, policy  []byte
	level, minor uint8
}

// fuzzedPolicies are the policies of a text, the default policy where it has none.
func fuzzedPolicies(text []byte) []policy.Policy {
	policies, err := policy.Parse(text, "")
	if err != nil || len(policies) == 0 {
		return []policy.Policy{*policy.Default()}
	}
	return policies
}

// filesOf are the texts of files of the module, which must be as many as expected.
func filesOf(t testing.TB, pattern string, want int) (texts [][]byte) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("..", "..", pattern))
	if err != nil || len(names) != want {
		t.Fatalf("%d files are %s, want %d: %v", len(names), pattern, want, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	return texts
}

// templateOf is the pod template in a manifest, the manifest itself where it has none.
func templateOf(t testing.TB, manifest []byte) []byte {
	t.Helper()
	var object struct {
		Spec struct {
			Template json.RawMessage `json:"template"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(manifest, &object); err != nil {
		t.Fatal(err)
	}
	if object.Spec.Template == nil {
		return manifest
	}
	return object.Spec.Template
}

const (
	fuzzManifests, fuzzPolicies = 6, 10
	fuzzGenerated               = 48
)

// rootPolicy is the one whose fill is refused to pods that must not run as root.
const rootPolicy = `
name: root
podSelectorLabels: {app: web}
allow: {runAsUser: RunAsAny}
mutations: {runAsUser: 0}
`

// fuzzPods reach every check, fill and reason by themselves, whatever the
// generator makes.
var fuzzPods = []string{
	`{}`,
	`null`,
	`{metadata: {name: pod, namespace: default, labels: {app: web}}, spec: {containers: [{name: a, securityContext: {}}]}}`,
	`{metadata: {name: pod, namespace: default, labels: {app: web}},
		spec: {hostNetwork: true, hostPID: true, containers: [{name: a}]}}`,
	// Nothing is left to fill, and a hostPath is in the way.
	`{metadata: {name: pod, namespace: default, labels: {app: web}}, spec: {securityContext: {fsGroup: 1, supplementalGroups: [1]},
		containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, privileged: false, runAsGroup: 1, runAsNonRoot: true,
			capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}],
		volumes: [{name: logs, hostPath: {path: /var/log}}]}}`,
	`{spec: {initContainers: [null], containers: [null, {name: a}], ephemeralContainers: [null]}}`,
	`{"spec":{"securityContext":null,"containers":[{"name":"a",
		"securityContext":{"capabilities":{"drop":[],"add":null},"seccompProfile":{}}}]}}`,
	`{metadata: {annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}}, spec: {containers: [{name: a}]}}`,
	`{metadata: {annotations: {kubernetes.io/config.mirror: hash}}, spec: {containers: [{name: a}]}}`,
	`{spec: {os: {name: windows}, hostUsers: false, securityContext: {windowsOptions: {hostProcess: true}},
		containers: [{name: a, ports: [{hostPort: 80}]}]}}`,
	`{spec: {securityContext: {runAsUser: 0, runAsNonRoot: true, sysctls: [{name: ""}]},
		containers: [{name: a, securityContext: {privileged: true, capabilities: {add: [SYS_ADMIN]}}}]}}`,
	`{spec: {hostUsers: false,
		containers: [{name: a, securityContext: {procMount: Unmasked, runAsNonRoot: true, capabilities: {add: [CAP_SYS_ADMIN]}}}]}}`,
	`{spec: {securityContext: {runAsNonRoot: false, seccompProfile: {type: Unconfined}},
		volumes: [{name: v, hostPath: {path: /etc}}, {name: w}],
		containers: [{name: a, securityContext: {procMount: Unmasked, appArmorProfile: {type: Unconfined},
			seLinuxOptions: {type: spc_t}, capabilities: {add: [CHOWN, NET_ADMIN]}}}]}}`,
	`{spec: {containers: [{name: a, volumeDevices: [{name: v, devicePath: /v}]}]}}`,
	`{spec: {containers: [{name: a, livenessProbe: {tcpSocket: {host: h, port: 1}},
		lifecycle: {preStop: {httpGet: {host: h, port: x}}}, resources: {limits: {cpu: 1e3}}}]}}`,
}

// mutateSeeds are the manifests of examples/ and the pods above under each policy
// of examples/, the one with every key, the one above and, of the pods, none;
// and pods and policies of the generators.
func mutateSeeds(t testing.TB) (seeds []mutateSeed) {
	t.Helper()
	policies := filesOf(t, "examples/policies/*.yaml", fuzzPolicies-2)
	policies = append(policies, filesOf(t, "policy/testdata/every-key.yaml", 1)...)
	policies = append(policies, []byte(rootPolicy))
	for _, manifest := range filesOf(t, "examples/manifests/*.yaml", fuzzManifests) {
		for _, text := range policies {
			seeds = append(seeds, mutateSeed{templateOf(t, manifest), text, 1, fuzzinput.LatestMinor})
		}
	}
	for i := range fuzzGenerated {
		pod, err := json.Marshal(podgen.Pod().Example(i))
		if err != nil {
			t.Fatal(err)
		}
		text, err := policy.Marshal(podgen.Policy().Example(i))
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, mutateSeed{pod, text, uint8(i), []uint8{fuzzinput.LatestMinor, uint8(i)}[i/2%2]})
	}
	for _, pod := range fuzzPods {
		for i, text := range append(policies, nil) {
			seeds = append(seeds, mutateSeed{[]byte(pod), text, uint8(i), fuzzinput.LatestMinor})
		}
	}
	return seeds
}

// TestFuzzMutateSeeds: the corpus has its size, every seed is a pod and, but for
// those that mean the default one, a policy; and between them they break every
// check, fill every field that can be filled and give every reason not to.
func TestFuzzMutateSeeds(t *testing.T) {
	seeds := mutateSeeds(t)
	want := fuzzManifests*fuzzPolicies + fuzzGenerated + (fuzzPolicies+1)*len(fuzzPods)
	if len(seeds) != want || want != 282 {
		t.Errorf("%d seeds, want %d, which is to be 282", len(seeds), want)
	}
	broken, fields, reasons := map[spec.CheckID]bool{}, map[spec.Field]bool{}, map[mutate.Reason]bool{}
	for i, seed := range seeds {
		pod, ok := fuzzinput.Pod(seed.pod)
		if !ok {
			t.Fatalf("seed %d is no pod: %s", i, seed.pod)
		}
		if _, err := policy.Parse(seed.policy, ""); err != nil && seed.policy != nil {
			t.Errorf("seed %d: %v", i, err)
		}
		for _, v := range evaluate.Evaluate(pod, fuzzinput.Level(levels, seed.level, seed.minor), policy.Set{}).Violations {
			broken[v.Check] = true
		}
		_, report := mutate.Mutate(pod, &fuzzedPolicies(seed.policy)[0])
		for _, c := range report.Changes() {
			fields[c.Field] = true
		}
		for _, u := range report.Unset() {
			reasons[u.Reason] = true
		}
	}
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			if !broken[check.ID] {
				t.Errorf("no seed breaks %s: add a pod to fuzzPods of internal/laws/fuzz_test.go", check.ID)
			}
		}
	}
	if len(fields) != 13 || len(reasons) != 13 {
		t.Errorf("%d fields are filled and %d reasons given, want 13 and 13: %v %v",
			len(fields), len(reasons), fields, reasons)
	}
}

// FuzzMutate holds the laws of Mutate, but for the fourth, which needs the API's
// own validation, for any pod that the API server could read, any policy, and
// any level and version.
func FuzzMutate(f *testing.F) {
	for _, seed := range mutateSeeds(f) {
		f.Add(seed.pod, seed.policy, seed.level, seed.minor)
	}
	f.Fuzz(func(t *testing.T, data, text []byte, level, minor uint8) {
		pod, ok := fuzzinput.Pod(data)
		if !ok {
			t.Skip("the API server refuses it before anyone may fill it")
		}
		lv := fuzzinput.Level(levels, level, minor)
		policies := fuzzedPolicies(text)
		pod = pod.DeepCopy() // which may trim what no one sees, so that a copy of it is alike
		before := pod.DeepCopy()
		for i := range policies {
			policyBefore := policies[i].DeepCopy()
			for _, broken := range Broken(pod, before, &policies[i], []api.LevelVersion{lv}) {
				t.Error(broken)
			}
			filledAsJSON(t, pod, &policies[i])
			if !reflect.DeepEqual(policyBefore, &policies[i]) {
				t.Error("the policy was changed")
			}
		}
		if set, err := policy.NewSet(policies...); err == nil {
			d, again := podfence.Admit(pod, lv, set), podfence.Admit(pod, lv, set)
			if asJSON(t, d) != asJSON(t, again) || asJSON(t, d.Pod) != asJSON(t, again.Pod) {
				t.Error("Admit is not deterministic")
			}
		}
		if !reflect.DeepEqual(before, pod) {
			t.Error("Admit changed its input")
		}
	})
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// filledAsJSON holds laws 2 and 3 for the JSON of a pod, of its report and of its
// patch: the same each time, with everything that was set, and the patch gives
// the filled pod.
func filledAsJSON(t *testing.T, pod *corev1.Pod, p *policy.Policy) {
	filled, report := mutate.Mutate(pod, p)
	other, otherReport := mutate.Mutate(pod.DeepCopy(), p.DeepCopy())
	original, result := asJSON(t, pod), asJSON(t, filled)
	if asJSON(t, other) != result || asJSON(t, report) != asJSON(t, otherReport) ||
		!bytes.Equal(report.Patch(), otherReport.Patch()) {
		t.Error("not deterministic")
	}
	before, after := tree(t, original), tree(t, result)
	if lost := kept.Lost(before, after); lost != "" {
		t.Errorf("%s was set and is not kept", lost)
	}
	patched, err := patchtest.Apply([]byte(original), report.Patch())
	if err != nil {
		t.Fatalf("%v: %s", err, report.Patch())
	}
	if !reflect.DeepEqual(patched, after) {
		t.Errorf("the patch %s gives %v, not %s", report.Patch(), patched, result)
	}
}

func tree(t *testing.T, text string) any {
	t.Helper()
	tree, err := patchtest.Tree([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
