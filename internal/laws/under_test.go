package laws

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// TestAdmitUnderIsAdmit: under one policy a workload is decided about as by the set that
// holds that policy alone, and selects the workload; without a policy as by no policy.
func TestAdmitUnderIsAdmit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p, lv := podgen.Pod().Draw(t, "pod"), podgen.Policy().Draw(t, "policy"), drawLevel(t)
		w := podfence.Workload{Namespace: pod.Namespace, Pod: pod}
		selectEvery(&p)
		for _, q := range []*policy.Policy{&p, nil} {
			want := podfence.Admit(pod, lv, policy.Set{})
			if q != nil {
				want = admitUnder(t, pod, lv, q)
			}
			got := w.AdmitUnder(lv, q)
			if got.Allowed() != want.Allowed() || got.Reason != want.Reason || got.Result.PolicyName() != want.Result.PolicyName() ||
				!cmp.Equal(got.Report.Changes(), want.Report.Changes()) || !cmp.Equal(got.Result.Violations, want.Result.Violations) {
				t.Fatalf("under %v: %s, want %s", q, got.Result.Message(), want.Result.Message())
			}
		}
	})
}
