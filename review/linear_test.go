package review_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/review"
)

// cost is what a review takes: allocations, their bytes, and what is counted as read.
type cost struct{ allocations, bytes, size float64 }

// costOf is that of a pod with so many containers like the first of one.
func costOf(t *testing.T, h *review.Handler, like *corev1.Pod, containers int) cost {
	t.Helper()
	pod := like.DeepCopy()
	pod.Spec.Containers = nil
	for i := range containers {
		c := *like.Spec.Containers[0].DeepCopy()
		c.Name = fmt.Sprintf("c-%d", i)
		pod.Spec.Containers = append(pod.Spec.Containers, c)
	}
	body := asked(func(r *admissionv1.AdmissionRequest) { r.Object = raw(pod) })
	const runs = 20
	var before, after runtime.MemStats
	for i := range runs + 1 {
		if i == 1 { // the first fills the pool
			runtime.ReadMemStats(&before)
		}
		if _, err := h.Review(context.Background(), body); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	got, err := asRead(t, body)
	if err != nil {
		t.Fatal(err)
	}
	return cost{float64(after.Mallocs-before.Mallocs) / runs, float64(after.TotalAlloc-before.TotalAlloc) / runs, float64(got.Size)}
}

// TestCostIsLinear: from 10 containers to 1,000 each costs no more than a constant,
// whatever is said of it.
func TestCostIsLinear(t *testing.T) {
	const few, many = 10, 1000
	for _, row := range []struct {
		name, why string
		handler   *review.Handler
		pod       *corev1.Pod
		most      cost
	}{
		{"compliant, validating", "nothing is made of it", &review.Handler{}, benchpod.P3(), cost{0.2, 6 << 10, 2 << 10}},
		{"compliant, mutating", "nothing is filled in", &review.Handler{Mutate: true}, benchpod.P3(), cost{0.2, 6 << 10, 2 << 10}},
		{"bare, validating", "four complaints name each", &review.Handler{}, benchpod.P2(), cost{0.2, 4 << 10, 1 << 10}},
		{"bare, mutating", "six fields of each are filled in", &review.Handler{Mutate: true}, benchpod.P2(), cost{40, 10 << 10, 1 << 10}},
	} {
		small, large := costOf(t, row.handler, row.pod, few), costOf(t, row.handler, row.pod, many)
		each := cost{(large.allocations - small.allocations) / (many - few), (large.bytes - small.bytes) / (many - few), (large.size - small.size) / (many - few)}
		t.Logf("%s: %.2f", row.name, each)
		if each.allocations > row.most.allocations || each.bytes > row.most.bytes || each.size > row.most.size {
			t.Errorf("%s (%s): a container costs %.2f, want %.2f at most; 10 cost %.0f and 1,000 %.0f", row.name, row.why, each, row.most, small, large)
		}
	}
}
