package conformance_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/controls"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

const (
	// boundaries is the number of boundary versions: 22 around the revisions,
	// the one after the newest, and latest.
	boundaries = 24
	// exhaustiveCases is the sum of all rows, at both levels.
	exhaustiveCases = 3_105_216
)

// TestExhaustiveControls: without exceptions verdict and text are Pod Security
// Admission's for every combination of a control's values on the pod and on a
// container, kind of container, OS and hostUsers, at both levels and on both
// sides of every revision.
func TestExhaustiveControls(t *testing.T) {
	all, standard := controls.Rows(), spec.Controls()
	for i, control := range standard {
		if i >= len(all) || all[i].Name != control.Title {
			t.Fatalf("no row for control %q in controlRows of internal/controls/controls.go, in order of the standard's page", control.Title)
		}
	}
	if len(all) != 20 || len(standard) != 16 {
		t.Errorf("%d rows for %d controls, want 20 for 16", len(all), len(standard))
	}
	versions := podgen.BoundaryVersions(standard...)
	if len(versions) != boundaries {
		t.Errorf("%d boundary versions, want %d: %v", len(versions), boundaries, versions)
	}
	// The sum is that of what the rows say they hold, which each is held to where
	// it runs, so that a row can be run alone.
	total := 0
	for _, row := range all {
		total += row.Pods * len(levels) * boundaries
	}
	if t.Logf("%d cases", total); total != exhaustiveCases {
		t.Errorf("%d cases, want %d", total, exhaustiveCases)
	}
	for _, row := range all {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			run(t, &row, versions)
		})
	}
}

// run compares every case of the row, up to the first that fails.
func run(t *testing.T, row *controls.Row, versions []api.Version) {
	pods, cases := 0, 0
	for pod := range row.All() {
		pods++
		for _, level := range levels {
			for _, version := range versions {
				cases++
				lv := api.LevelVersion{Level: level, Version: version}
				if !agrees(pod, lv) {
					compare(t, string(asYAML(t, pod)), pod, lv)
					return
				}
			}
		}
	}
	t.Logf("%d pods, %d cases", pods, cases)
	if pods != row.Pods || cases != row.Pods*len(levels)*boundaries {
		t.Errorf("%d pods and %d cases, want %d and %d", pods, cases, row.Pods, row.Pods*len(levels)*boundaries)
	}
}

// agrees is what compare compares, without a name for the pod.
func agrees(pod *corev1.Pod, lv api.LevelVersion) bool {
	want := psa.AggregateCheckResults(oracle.EvaluatePod(lv, &pod.ObjectMeta, &pod.Spec))
	got := evaluate.Evaluate(pod, lv, policy.Set{})
	return got.Allowed() == want.Allowed && got.Message() == want.ForbiddenDetail()
}

func asYAML(t *testing.T, pod *corev1.Pod) []byte {
	t.Helper()
	text, err := yaml.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func ptr[T any](v T) *T { return &v }
