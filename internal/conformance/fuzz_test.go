package conformance_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/fuzzinput"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// conformanceSeeds are the pods of the fixtures, and the manifests of examples/ as
// they stand.
func conformanceSeeds(t testing.TB) (seeds [][]byte) {
	t.Helper()
	pods, _ := fixtures(t)
	paths := make([]string, 0, len(pods))
	for path := range pods {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		data, err := json.Marshal(pods[path])
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, data)
	}
	files, err := filepath.Glob("../../examples/manifests/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, data)
	}
	return seeds
}

// TestFuzzConformanceSeeds: the corpus has its size, every seed is a pod, and each
// check is broken by one.
func TestFuzzConformanceSeeds(t *testing.T) {
	seeds := conformanceSeeds(t)
	if want := 363 + 6; len(seeds) != want {
		t.Errorf("%d seeds, want %d: 363 fixtures and 6 manifests", len(seeds), want)
	}
	broken := map[spec.CheckID]bool{}
	for i, seed := range seeds {
		pod, ok := fuzzinput.Pod(seed)
		if !ok {
			t.Fatalf("seed %d is no pod: %s", i, seed)
		}
		for _, level := range []uint8{0, 1} {
			for _, v := range evaluate.Evaluate(pod, fuzzinput.Level(fuzzinput.Levels, level, fuzzinput.LatestMinor), policy.Set{}).Violations {
				broken[v.Check] = true
			}
		}
	}
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			if !broken[check.ID] {
				t.Errorf("no seed breaks %s", check.ID)
			}
		}
	}
}

// FuzzConformance: without exceptions verdict and text are Pod Security
// Admission's, for any pod that the API server could read, at any level and
// version.
func FuzzConformance(f *testing.F) {
	for _, seed := range conformanceSeeds(f) {
		f.Add(seed, uint8(0), uint8(fuzzinput.LatestMinor))
		f.Add(seed, uint8(1), uint8(18))
	}
	f.Fuzz(func(t *testing.T, data []byte, level, minor uint8) {
		pod, ok := fuzzinput.Pod(data)
		if !ok {
			t.Skip("the API server refuses it before anyone may judge it")
		}
		compare(t, string(data), pod, fuzzinput.Level(fuzzinput.Levels, level, minor))
	})
}
