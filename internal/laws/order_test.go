package laws

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/restated"
	"github.com/podfence/podfence/spec"
)

// TestOrderChangesNoVerdict: in which order containers, volumes, labels and
// annotations stand changes no verdict: the same violations stand and are
// excused, wherever their containers and volumes stand now, and Admit decides the
// same for the same reason.
func TestOrderChangesNoVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		turned := pod.DeepCopy()
		to := map[spec.ContainerKind][]int{
			spec.InitContainer:      shuffle(t, turned.Spec.InitContainers),
			spec.RegularContainer:   shuffle(t, turned.Spec.Containers),
			spec.EphemeralContainer: shuffle(t, turned.Spec.EphemeralContainers),
		}
		volumes := shuffle(t, turned.Spec.Volumes)
		turned.Labels, turned.Annotations = reinserted(turned.Labels), reinserted(turned.Annotations)
		moved := func(v evaluate.Violation) evaluate.Violation {
			if v.Container.Kind != 0 {
				v.Container.Index = int32(to[v.Container.Kind][v.Container.Index])
			} else if isVolume(v.Field) {
				v.Index = int32(volumes[v.Index])
			}
			return v
		}
		still := func(v evaluate.Violation) evaluate.Violation { return v }
		a := under(pod, lv, &p)
		b := under(turned, lv, &p)
		if diff := cmp.Diff(inAnyOrder(t, a.Violations, moved), inAnyOrder(t, b.Violations, still)); diff != "" {
			t.Errorf("violations (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(inAnyOrder(t, a.Excused, moved), inAnyOrder(t, b.Excused, still)); diff != "" {
			t.Errorf("excused (-before +after):\n%s", diff)
		}
		set := drawSet(t)
		before, after := podfence.Admit(pod, lv, set), podfence.Admit(turned, lv, set)
		if before.Reason != after.Reason || before.Allowed() != after.Allowed() ||
			before.Result.Policy != after.Result.Policy {
			t.Errorf("admitted %v under %q (%s), turned round %v under %q (%s)",
				before.Allowed(), before.Result.PolicyName(), before.Reason,
				after.Allowed(), after.Result.PolicyName(), after.Reason)
		}
	})
}

// shuffle reorders a list, and says where each element went.
func shuffle[T any](t *rapid.T, list []T) (to []int) {
	for i := range list {
		to = append(to, i)
	}
	if len(list) < 2 { // rapid permutes no list that is empty
		return to
	}
	to = rapid.Permutation(to).Draw(t, "order")
	was := slices.Clone(list)
	for i := range was {
		list[to[i]] = was[i]
	}
	return to
}

func isVolume(f spec.Field) bool { return strings.HasPrefix(restated.Path(f), "spec.volumes[*]") }

// moving is what becomes of a violation where the pod's lists are turned round.
type moving func(evaluate.Violation) evaluate.Violation

// inAnyOrder are violations as text, sorted, each after a move.
func inAnyOrder(t *rapid.T, list []evaluate.Violation, move moving) (texts []string) {
	for _, v := range list {
		texts = append(texts, jsonText(t, move(v)))
	}
	slices.Sort(texts)
	return texts
}

// reinserted is the same map, filled in another order.
func reinserted(m map[string]string) map[string]string {
	keys := slices.Sorted(maps.Keys(m))
	slices.Reverse(keys)
	other := make(map[string]string, 64)
	for _, k := range keys {
		other[k] = m[k]
	}
	return other
}
