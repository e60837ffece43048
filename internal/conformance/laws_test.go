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

// TestPartsAreTheMessage: the parts, joined as upstream joins its own, are the
// message; each is about one check or rule.
func TestPartsAreTheMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &p)
		var joined psa.AggregateCheckResult
		for _, part := range r.Parts() {
			if (part.Check == 0) == (part.Rule == 0) {
				t.Errorf("check %v and rule %v", part.Check, part.Rule)
			}
			joined.ForbiddenReasons = append(joined.ForbiddenReasons, part.Reason)
			joined.ForbiddenDetails = append(joined.ForbiddenDetails, part.Detail)
		}
		if joined.ForbiddenDetail() != r.Message() {
			t.Errorf("joined\n%s\nmessage\n%s", joined.ForbiddenDetail(), r.Message())
		}
	})
}
