package author

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// governed are the workloads that a policy governs and allows.
func governed(workloads []Workload, p *policy.Policy, u *Usage) (list []*Workload) {
	for i := range workloads {
		if d := workloads[i].Admit(u.lv, u.policies); d.Result.Policy == p && d.Allowed() {
			list = append(list, &workloads[i])
		}
	}
	return list
}

func drawUsage(t *rapid.T) ([]Workload, *Usage) {
	var policies []policy.Policy
	for _, name := range []string{"a", "b"}[:rapid.IntRange(1, 2).Draw(t, "policies")] {
		p := podgen.Policy().Draw(t, "policy")
		p.Name = name
		policies = append(policies, p)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	workloads := drawWorkloads(t)
	// More of them are governed.
	for i := range workloads {
		if p := &policies[0]; len(p.PodSelectorLabels) > 0 && rapid.IntRange(0, 3).Draw(t, "selected") > 0 {
			pod := workloads[i].Pod.DeepCopy()
			pod.Labels, pod.Namespace = p.PodSelectorLabels, p.Namespace
			workloads[i].Workload = podfence.Workload{Namespace: pod.Namespace, Pod: pod}
		}
	}
	return workloads, NewUsage(drawLevel(t), set)
}

// TestUsage: every pod counts with one owner; without what is unused all pods are
// allowed that were; and so they are under the narrower policy, which is not wider.
func TestUsage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workloads, u := drawUsage(t)
		for i := range workloads {
			u.Add(&workloads[i])
		}
		r := u.Report()
		pods := 0
		for _, o := range r.Without {
			pods += o.Pods
		}
		for i := range r.Policies {
			p := &r.Policies[i]
			n, denied := p.Pods()
			pods += n
			allowed := governed(workloads, p.Policy, u)
			if n-denied != len(allowed) {
				t.Fatalf("policy %s: %d of %d pods are allowed, want %d", p.Policy.Name, n-denied, n, len(allowed))
			}
			less := p.Policy
			for j := len(p.Entries) - 1; j >= 0; j-- {
				switch e := &p.Entries[j]; {
				case e.Pods == 0:
					less = less.Without(e.At)
				case e.Pods > len(allowed) || len(e.Reasons) == 0:
					t.Fatalf("%s is used by %d pods of %d for %v", e.Grant, e.Pods, len(allowed), e.Reasons)
				}
			}
			for _, w := range allowed {
				if severalSources(w) {
					continue // the API refuses it, and an entry may admit one source of two
				}
				if !w.AdmitUnder(u.lv, less).Allowed() {
					t.Fatalf("%s is denied without what is unused: %v", w.Name, p.Unused())
				}
				if p.Narrower != nil && !w.AdmitUnder(u.lv, p.Narrower).Allowed() {
					t.Fatalf("%s is denied under the narrower policy %+v", w.Name, p.Narrower)
				}
			}
			if p.Narrower == nil {
				continue
			}
			if err := p.Narrower.Validate(); err != nil {
				t.Fatalf("%v", err)
			}
			other := Workload{Workload: podfence.Workload{Pod: podgen.Pod().Draw(t, "other")}}
			if other.AdmitUnder(u.lv, p.Narrower).Allowed() && !other.AdmitUnder(u.lv, p.Policy).Allowed() {
				t.Fatalf("the narrower policy is wider: %+v", p.Narrower)
			}
		}
		if pods != len(workloads) {
			t.Fatalf("%d pods are counted, want %d", pods, len(workloads))
		}
	})
}
