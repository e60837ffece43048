package patches_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	kjson "sigs.k8s.io/json"

	"github.com/podfence/podfence/internal/kept"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

// patchSeed is one input of FuzzPatch: a pod's JSON and a policy's text.
type patchSeed struct{ raw, policy string }

// divergingPods are the known divergences and their neighbours: FuzzPatch skips
// those that TestPatchKnownDivergences is about, and no others.
var divergingPods = []string{
	`{}`, `{"spec":null}`, `{"spec":{"containers":[null]}}`, `{"spec":{"initContainers":[{"name":"i"},null]}}`, `{"spec":{"ephemeralContainers":[null]}}`,
	`{"metadata":{"annotations":{"kubernetes.io/config.mirror":""}}}`, // nothing is filled, so that nothing is missing
}

// drawn is the number of generated pods among the seeds.
const drawn = 140

// patchSeeds are the raw pods under the raw policies, under the policies of
// examples/ and under the one with every key, and generated pods under generated
// policies.
func patchSeeds(t testing.TB) (seeds []patchSeed) {
	t.Helper()
	const selector = "name: p\npodSelectorLabels: {app: web}\n"
	for _, raw := range append(rawPods[:len(rawPods):len(rawPods)], divergingPods...) {
		for _, text := range rawPolicies {
			seeds = append(seeds, patchSeed{raw, selector + text})
		}
		for _, text := range policyFiles(t) {
			seeds = append(seeds, patchSeed{raw, text})
		}
	}
	for i := range drawn {
		text, err := policy.Marshal(podgen.Policy().Example(i))
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, patchSeed{patchtest.MustJSON(podgen.Pod().Example(i)), string(text)})
	}
	return seeds
}

func policyFiles(t testing.TB) (texts []string) {
	t.Helper()
	files, err := filepath.Glob("../../../examples/policies/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../../policy/testdata/every-key.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return texts
}

// TestFuzzPatchSeeds: the corpus has its size, every seed is a pod and a policy,
// and what is skipped of them is what is known to diverge.
func TestFuzzPatchSeeds(t *testing.T) {
	const pods, policies = 24, 14
	seeds := patchSeeds(t)
	if len(seeds) != pods*policies+drawn || len(rawPods)+len(divergingPods) != pods || len(rawPolicies)+len(policyFiles(t)) != policies {
		t.Errorf("%d seeds of %d pods and %d policies, want %d of %d and %d",
			len(seeds), len(rawPods)+len(divergingPods), len(rawPolicies)+len(policyFiles(t)), pods*policies+drawn, pods, policies)
	}
	skipped, filled := 0, 0
	for _, seed := range seeds {
		if _, err := policy.Parse([]byte(seed.policy), ""); err != nil {
			t.Errorf("%v in %s", err, seed.policy)
		}
		pod, ok := fuzzedPod([]byte(seed.raw))
		if !ok {
			t.Fatalf("no pod: %s", seed.raw)
		}
		_, report := mutate.Mutate(pod, fuzzedPolicy([]byte(seed.policy)))
		if report.Changed() && lacksParent([]byte(seed.raw)) {
			skipped++
		} else if report.Changed() {
			filled++
		}
	}
	if filled < len(seeds)/2 {
		t.Errorf("%d of %d seeds are filled: too few to try patches on", filled, len(seeds))
	}
	if want := (len(divergingPods) - 1) * policies; skipped != want {
		t.Errorf("%d seeds are skipped, want %d", skipped, want)
	}
}

// fuzzedPod reads the JSON of a pod as the API server does, by exact names. A
// field that is there twice is refused: readers differ on which one counts, the
// API server merges the two and JSON Patch sees the last, and what the API
// server hands to admission it has written itself.
func fuzzedPod(raw []byte) (pod *corev1.Pod, ok bool) {
	pod = &corev1.Pod{}
	twice, err := kjson.UnmarshalStrict(raw, pod, kjson.DisallowDuplicateFields)
	return pod, err == nil && len(twice) == 0
}

// fuzzedPolicy is the first policy of a text, nil where there is none.
func fuzzedPolicy(text []byte) *policy.Policy {
	policies, err := policy.Parse(text, "")
	if err != nil || len(policies) == 0 {
		return nil
	}
	return &policies[0]
}

// lacksParent reports whether a pod is one of the known divergences: without a
// spec, or with a container that is null.
func lacksParent(raw []byte) bool {
	pod, _ := patchtest.MustTree(raw).(map[string]any)
	podSpec, ok := pod["spec"].(map[string]any)
	if !ok {
		return true
	}
	for _, kind := range []string{"initContainers", "containers", "ephemeralContainers"} {
		list, _ := podSpec[kind].([]any)
		for _, container := range list {
			if container == nil {
				return true
			}
		}
	}
	return false
}

// FuzzPatch is law 3 for the JSON of any pod, as it was sent: unknown fields,
// nulls and missing parents included. The patch can be applied to it, the result
// decodes to the filled pod, and nothing of the text is lost.
func FuzzPatch(f *testing.F) {
	for _, seed := range patchSeeds(f) {
		f.Add([]byte(seed.raw), []byte(seed.policy))
	}
	f.Fuzz(func(t *testing.T, raw, text []byte) {
		pod, ok := fuzzedPod(raw)
		if !ok {
			t.Skip("no JSON of a pod, or one that says a field twice")
		}
		filled, report := mutate.Mutate(pod, fuzzedPolicy(text))
		if report.Changed() && lacksParent(raw) {
			t.Skip("a known divergence: see TestPatchKnownDivergences")
		}
		patched := raw // evanphx reads no "null" as a document, not even to leave it alone
		if report.Changed() {
			patched = applied(t, raw, report.Patch())
		}
		got, ok := fuzzedPod(patched)
		if !ok {
			t.Fatalf("%s gives no pod: %s", report.Patch(), patched)
		}
		if !equality.Semantic.DeepEqual(got, filled) {
			t.Errorf("%s gives another pod:\n%s", report.Patch(), cmp.Diff(filled, got))
		}
		if lost := kept.Lost(patchtest.MustTree(raw), patchtest.MustTree(patched)); lost != "" {
			t.Errorf("%s was lost: %s", lost, patched)
		}
		if report.Changed() { // law 3 again, below an object that holds the pod
			template := func(raw []byte) []byte { return slices.Concat([]byte(`{"spec":{"template":`), raw, []byte("}}")) }
			got := patchtest.MustTree(applied(t, template(raw), report.Within("/spec/template").Patch()))
			if diff := cmp.Diff(patchtest.MustTree(template(patched)), got); diff != "" {
				t.Errorf("within a template the patch differs (-want +got):\n%s", diff)
			}
		}
	})
}
