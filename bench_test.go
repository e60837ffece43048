package podfence_test

import (
	"testing"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/policy"
)

// BenchmarkAdmit decides and renders the patch. The verdict of Pod Security
// Admission alone stands beside it in internal/speed.
func BenchmarkAdmit(b *testing.B) {
	for _, p := range benchpod.All() {
		b.Run(p.Name+"/by=podfence", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if d := podfence.Admit(p.Pod, atRestricted, policy.Set{}); d.Report.Changed() {
					d.Report.Patch()
				}
			}
		})
	}
}

// TestAllocationsOfAdmit: what the decision on each of the four pods allocates,
// the patch included. Figures that fall are to be written here. P4 is on the host's
// network, where each of its 17 other ports becomes a host port and a violation.
func TestAllocationsOfAdmit(t *testing.T) {
	want := map[string]float64{"P1": 0, "P2": 7, "P3": 0, "P4": 42}
	for _, p := range benchpod.All() {
		n := testing.AllocsPerRun(100, func() {
			if d := podfence.Admit(p.Pod, atRestricted, policy.Set{}); d.Report.Changed() {
				d.Report.Patch()
			}
		})
		if n != want[p.Name] {
			t.Errorf("%s: %v allocations, want %v", p.Name, n, want[p.Name])
		}
	}
}
