package laws

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
)

// TestEvaluateSaysOfEveryFillingWhatAdmitSays is the law of the chooser for pods
// that one of several policies filled in, whichever it was: they need no change
// under that one, so that which policy needs a change often decides. Among pods
// as their authors wrote them that is so rare that the law would not be tried.
func TestEvaluateSaysOfEveryFillingWhatAdmitSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv, set := podgen.Pod().Draw(t, "pod"), drawAnyLevel(t), drawSet(t)
		updated := podgen.Pod().Draw(t, "updated")
		for _, p := range set.Governing(pod.Namespace, pod.Labels) {
			filled, _ := mutate.Mutate(pod, p)
			d := podfence.Admit(filled, lv, set)
			saysTheSame(t, "a pod filled in under "+p.Name, d, evaluate.Evaluate(stored(d.Pod), lv, set))

			debugged, _ := mutate.EphemeralContainers(filled, updated, p)
			d = podfence.AdmitEphemeralContainers(filled, debugged, lv, set)
			saysTheSame(t, "an update filled in under "+p.Name, d, evaluate.EphemeralContainers(filled, d.Pod, lv, set))
		}
	})
}
