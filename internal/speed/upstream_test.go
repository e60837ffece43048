package main

import (
	"testing"

	psa "k8s.io/pod-security-admission/policy"

	"github.com/podfence/podfence/internal/benchpod"
)

// The benchmarks here are what Pod Security Admission takes for what benchmarks of
// the same names take in podfence. They stand here because the library's own
// module requires a Pod Security Admission that is older.

// upstream is Pod Security Admission's evaluator.
func upstream(b *testing.B) psa.Evaluator {
	b.Helper()
	evaluator, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		b.Fatal(err)
	}
	return evaluator
}

// verdicts asks for the verdict on every pod.
func verdicts(b *testing.B) {
	evaluator := upstream(b)
	for _, p := range benchpod.All() {
		b.Run(p.Name+"/by=psa", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = psa.AggregateCheckResults(evaluator.EvaluatePod(restricted, &p.Pod.ObjectMeta, &p.Pod.Spec)).Allowed
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) { verdicts(b) }

// BenchmarkAdmit is the verdict alone: upstream fills nothing.
func BenchmarkAdmit(b *testing.B) { verdicts(b) }

// BenchmarkMessage asks for the verdict and its text.
func BenchmarkMessage(b *testing.B) {
	evaluator := upstream(b)
	for _, p := range benchpod.All() {
		b.Run(p.Name+"/by=psa", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := psa.AggregateCheckResults(evaluator.EvaluatePod(restricted, &p.Pod.ObjectMeta, &p.Pod.Spec))
				if !r.Allowed {
					_ = r.ForbiddenDetail()
				}
			}
		})
	}
}
