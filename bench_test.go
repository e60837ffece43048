package podfence_test

import (
	"testing"

	psa "k8s.io/pod-security-admission/policy"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/policy"
)

// BenchmarkAdmit decides and renders the patch, beside the verdict of Pod
// Security Admission alone.
func BenchmarkAdmit(b *testing.B) {
	evaluator, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range benchpod.All() {
		b.Run(p.Name+"/by=podfence", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := podfence.Admit(p.Pod, atRestricted, policy.Set{}); d.Report.Changed() {
					d.Report.Patch()
				}
			}
		})
		b.Run(p.Name+"/by=psa", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = psa.AggregateCheckResults(evaluator.EvaluatePod(atRestricted, &p.Pod.ObjectMeta, &p.Pod.Spec)).Allowed
			}
		})
	}
}
