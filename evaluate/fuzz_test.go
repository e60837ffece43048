package evaluate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/fuzzinput"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// evaluateSeed is one input of FuzzEvaluate: a pod's text, and the level and
// minor version as fuzzLevel reads them.
type evaluateSeed struct {
	data         []byte
	level, minor uint8
}

// evaluateSeeds are the pods of the tables of grants and of rules, each at its
// level and version, the pods of other tests, and the manifests of examples/ as
// they stand.
func evaluateSeeds(t testing.TB) (seeds []evaluateSeed) {
	t.Helper()
	add := func(pod *corev1.Pod, lv api.LevelVersion) {
		data, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		minor := uint8(fuzzinput.LatestMinor)
		if !lv.Version.Latest() {
			minor = uint8(lv.Version.Minor())
		}
		seeds = append(seeds, evaluateSeed{data, uint8(max(0, slices.Index(fuzzinput.Levels, lv.Level))), minor})
	}
	rows := grantRows()
	for _, row := range ruleRows() {
		rows = append(rows, grantRow{at: row.at, pod: row.pod})
	}
	for _, row := range rows {
		pod, _ := row.build()
		add(pod, row.levelVersion(t))
	}
	onlyEphemeral := offending()
	onlyEphemeral.Spec.InitContainers, onlyEphemeral.Spec.Containers = nil, nil
	for _, pod := range []*corev1.Pod{{}, nginx(), compliant(), offending(), onlyEphemeral} {
		add(pod, levelVersion(t, "restricted:latest"))
		add(pod, levelVersion(t, "baseline:v1.18"))
	}
	files, err := filepath.Glob("../examples/manifests/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, evaluateSeed{data, 0, fuzzinput.LatestMinor})
	}
	return seeds
}

// fuzzPolicies are those under which each pod is judged as well: without a word
// of its own, granting nearly all, and demanding nearly all.
func fuzzPolicies(t testing.TB) []*policy.Policy {
	t.Helper()
	everyKey, err := os.ReadFile("../policy/testdata/every-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	policies, err := policy.Parse(everyKey, "every-key.yaml")
	if err != nil {
		t.Fatal(err)
	}
	demanding := forWeb("demanding", policy.Allow{
		RunAsUser:  policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{ids(0, 0), ids(400, 400)}},
		RunAsGroup: groupRule(policy.MustRunAs, ids(1, 1)), FSGroup: groupRule(policy.MustRunAs, ids(1, 1)),
		SupplementalGroups: supplemental(groupRule(policy.MustRunAs, ids(1, 1))), Volumes: []string{}, ReadOnlyRootFilesystem: true,
		AllowedHostPaths: []policy.HostPath{{PathPrefix: "/var/log", ReadOnly: true}},
	})
	return []*policy.Policy{policy.Default(), &policies[0], &demanding}
}

// TestFuzzEvaluateSeeds: the corpus has its size, every seed is a pod, and each
// check is broken by one.
func TestFuzzEvaluateSeeds(t *testing.T) {
	seeds := evaluateSeeds(t)
	const tables, others, manifests = 255, 10, 6 // 200 grants and 55 rules, or more
	if want := len(grantRows()) + len(ruleRows()) + others + manifests; len(seeds) != want || want < tables+others+manifests {
		t.Errorf("%d seeds, want %d, which is to be %d or more", len(seeds), want, tables+others+manifests)
	}
	broken := map[spec.CheckID]bool{}
	for i, seed := range seeds {
		pod, ok := fuzzinput.Pod(seed.data)
		if !ok {
			t.Fatalf("seed %d is no pod: %s", i, seed.data)
		}
		for _, v := range evaluate.Evaluate(pod, fuzzinput.Level(fuzzinput.Levels, seed.level, seed.minor), policy.Set{}).Violations {
			broken[v.Check] = true
		}
	}
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			if !broken[check.ID] {
				t.Errorf("no seed breaks %s: add a row to evaluate/grants_test.go", check.ID)
			}
		}
	}
	if len(fuzzPolicies(t)) != 3 {
		t.Error("a policy is missing")
	}
}

// FuzzEvaluate holds, for any pod that the API server could read, at any level
// and version: under a policy, what stands of the standard and what is excused
// are together what the standard finds; every answer can be rendered; and the pod
// is not changed. That verdict and text are Pod Security Admission's is
// FuzzConformance, in internal/conformance.
func FuzzEvaluate(f *testing.F) {
	for _, seed := range evaluateSeeds(f) {
		f.Add(seed.data, seed.level, seed.minor)
	}
	policies := fuzzPolicies(f)
	f.Fuzz(func(t *testing.T, data []byte, level, minor uint8) {
		pod, ok := fuzzinput.Pod(data)
		if !ok {
			t.Skip("the API server refuses it before anyone may judge it")
		}
		before := pod.DeepCopy()
		lv := fuzzinput.Level(fuzzinput.Levels, level, minor)
		standard := evaluate.Evaluate(pod, lv, policy.Set{})
		rendered(t, &standard)
		for _, p := range policies {
			r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, lv, p)
			parted := len(r.Excused)
			for i := range r.Violations {
				if r.Violations[i].FromStandard() {
					parted++
				}
			}
			if parted != len(standard.Violations) {
				t.Errorf("under %q %d violations of the standard, without it %d", p.Name, parted, len(standard.Violations))
			}
			rendered(t, &r)
		}
		if !reflect.DeepEqual(before, pod.DeepCopy()) { // copied twice: a copy may trim what no one sees
			t.Error("the pod was changed")
		}
	})
}

// rendered renders an answer in every way that it has.
func rendered(t *testing.T, r *evaluate.Result) {
	t.Helper()
	for _, v := range slices.Concat(r.Violations, r.Excused) {
		if v.String() == "" {
			t.Errorf("%#v has no text", v)
		}
		for _, g := range v.Grants() {
			p := &policy.Policy{}
			g.AddTo(p)
			if fault := v.Fault(); v.FromStandard() {
				if _, ok := p.Excuses(&fault); !ok {
					t.Errorf("%s does not excuse %s", g, v)
				}
			} else if g.Key != v.Rule {
				t.Errorf("%s does not stand under the rule of %s", g, v)
			}
		}
	}
	for _, root := range []spec.Root{"", "/spec/template"} {
		within := r.Within(root)
		if _, err := json.Marshal(within); err != nil {
			t.Error(err)
		}
		list := within.ErrorList()
		if len(list) != len(r.Violations) {
			t.Errorf("%d errors for %d violations", len(list), len(r.Violations))
		}
		if err := list.ToAggregate(); err != nil && err.Error() == "" {
			t.Error("errors without text")
		}
	}
	if denied := !r.Allowed(); denied != (r.Message() != "") || denied != (r.Warning() != "") || denied != (r.Refusal() != "") {
		t.Errorf("denied %v, message %q", denied, r.Message())
	}
	if _, err := json.Marshal(*r); err != nil {
		t.Error(err)
	}
}
