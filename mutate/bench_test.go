package mutate_test

import (
	"encoding/json"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/mutate"
)

// BenchmarkMutate fills pods, beside the least that a mutation costs that copies
// the whole pod first.
func BenchmarkMutate(b *testing.B) {
	for _, p := range benchpod.All() {
		b.Run(p.Name+"/by=podfence", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mutate.Mutate(p.Pod, nil)
			}
		})
		b.Run(p.Name+"/by=deepcopy", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Pod.DeepCopy()
			}
		})
	}
}

// BenchmarkMutateWithPatch fills pods and renders the patch, and renders the
// patch alone, beside the cost of decoding the pod's JSON, which comes before it
// in any webhook.
func BenchmarkMutateWithPatch(b *testing.B) {
	for _, p := range append(benchpod.All(), benchpod.Named{Name: "bare9", Pod: benchpod.Bare(9)}) {
		b.Run(p.Name+"/by=podfence", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, report := mutate.Mutate(p.Pod, nil)
				report.Patch()
			}
		})
		b.Run(p.Name+"/by=plan", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				report := mutate.Plan(&p.Pod.ObjectMeta, &p.Pod.Spec, nil)
				report.Patch()
			}
		})
		text, err := json.Marshal(p.Pod)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(p.Name+"/by=decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := json.Unmarshal(text, new(corev1.Pod)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMutateContainers: the cost per container, which should not grow with
// their number.
func BenchmarkMutateContainers(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		pod := benchpod.Bare(n)
		b.Run(fmt.Sprintf("containers=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, report := mutate.Mutate(pod, nil)
				report.Patch()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/container")
		})
	}
}
