package main

import (
	"testing"

	psa "k8s.io/pod-security-admission/policy"

	"github.com/podfence/podfence/internal/benchpod"
)

// BenchmarkAdmit is the verdict of Pod Security Admission alone, to be held
// against the decision of podfence, with the patch: BenchmarkAdmit of the root.
func BenchmarkAdmit(b *testing.B) {
	evaluator, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range benchpod.All() {
		b.Run(p.Name+"/by=psa", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = psa.AggregateCheckResults(evaluator.EvaluatePod(restricted, &p.Pod.ObjectMeta, &p.Pod.Spec)).Allowed
			}
		})
	}
}
