package conformance_test

import (
	"testing"

	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// drawLevel draws a level and version that are checked at all.
func drawLevel(t *rapid.T) api.LevelVersion {
	return api.LevelVersion{
		Level:   rapid.SampledFrom(levels).Draw(t, "level"),
		Version: rapid.SampledFrom(versions()).Draw(t, "version"),
	}
}

// TestMessageIsUpstreams: without exceptions verdict and text are Pod Security
// Admission's for generated pods too.
func TestMessageIsUpstreams(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		lv := drawLevel(t)
		want := psa.AggregateCheckResults(oracle.EvaluatePod(lv, &pod.ObjectMeta, &pod.Spec))
		got := evaluate.Evaluate(pod, lv, policy.Set{})
		if got.Allowed() != want.Allowed || got.Message() != want.ForbiddenDetail() {
			t.Fatalf("at %s:\n got %v %q\nwant %v %q", lv, got.Allowed(), got.Message(), want.Allowed, want.ForbiddenDetail())
		}
	})
}
