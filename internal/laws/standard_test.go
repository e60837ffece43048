package laws

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestRestrictedImpliesBaseline: what restricted allows, baseline allows at the
// same version, but for two anomalies of the standard itself.
func TestRestrictedImpliesBaseline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		lv := drawLevel(t)
		lv.Level = api.LevelRestricted
		if r := evaluate.Evaluate(pod, lv, policy.Set{}); !r.Allowed() {
			return
		}
		lv.Level = api.LevelBaseline
		for _, v := range evaluate.Evaluate(pod, lv, policy.Set{}).Violations {
			if !anomaly(pod, lv.Version, v) {
				t.Errorf("restricted allows and baseline refuses %s", v)
			}
		}
	})
}

// TestPlainPodsAreNotSpecial: neither an annotation that no check reads nor ALL
// dropped twice changes anything, though evaluate passes containers and pods that
// set what restricted demands in its usual form, and nothing else, at a glance.
func TestPlainPodsAreNotSpecial(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Boundary().Draw(t, "pod")
		pod.Annotations = nil
		noted := pod.DeepCopy()
		noted.Annotations = map[string]string{"podfence.dev/note": "none"}
		for _, c := range podwalk.Containers(&noted.Spec) {
			if sc := c.SecurityContext; sc != nil && sc.Capabilities != nil && slices.Equal(sc.Capabilities.Drop, dropAll) {
				sc.Capabilities.Drop = slices.Repeat(dropAll, 2)
			}
		}
		lv := drawLevel(t)
		want, got := evaluate.Evaluate(noted, lv, policy.Set{}), evaluate.Evaluate(pod, lv, policy.Set{})
		if diff := cmp.Diff(want.Violations, got.Violations); diff != "" {
			t.Errorf("%s (-walked +plain):\n%s", lv, diff)
		}
	})
}

var dropAll = []corev1.Capability{"ALL"}

// anomaly reports whether upstream's restricted level allows what its baseline
// refuses: on Windows since v1.25 the restricted checks are skipped together
// with the baseline checks that they override, and a volume of an allowed type
// may be a hostPath as well.
func anomaly(pod *corev1.Pod, version api.Version, v evaluate.Violation) bool {
	switch v.Check {
	case spec.CheckCapabilitiesBaseline, spec.CheckSeccompProfileBaseline:
		return spec.IsWindows(&pod.Spec) && !version.Older(api.MajorMinorVersion(1, 25))
	case spec.CheckHostPathVolumes:
		return hotpath.RestrictedVolume(&pod.Spec.Volumes[v.Index])
	default:
		return false
	}
}
