package author_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// expectedOf names violations one by one.
func expectedOf(list []evaluate.Violation) []author.Expected {
	expected := []author.Expected{}
	seen := map[author.Expected]bool{}
	for i := range list {
		v := &list[i]
		e := author.Expected{Check: v.Check, Rule: v.Rule, Field: v.Location.String()}
		if !seen[e] {
			seen[e] = true
			expected = append(expected, e)
		}
	}
	return expected
}

// TestAnAnswerMeetsItself: whatever the pod and the policy, what Admit says is met by
// an expectation of all of it; and one that lacks a violation, or that names one more,
// is not met.
func TestAnAnswerMeetsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), podgen.Policy().Draw(t, "policy")
		if p.Name == "" {
			p.Name = "p"
		}
		pod.Labels, pod.Namespace = p.PodSelectorLabels, p.Namespace
		set, err := policy.NewSet(p)
		if err != nil {
			t.Fatal(err)
		}
		w, err := podfence.WorkloadOf(pod)
		if err != nil {
			t.Fatal(err)
		}
		d := w.Admit(restricted, set)
		name := d.Result.PolicyName()
		e := author.Expectation{
			Verdict: author.Denied, Policy: &name, Violations: expectedOf(d.Result.Violations), Excused: expectedOf(d.Result.Excused),
		}
		if d.Allowed() {
			e.Verdict = author.Allowed
		}
		for _, c := range d.Report.Changes() {
			e.Filled = append(e.Filled, author.Filled{Field: c.Location.String(), Value: c.Value})
		}
		e.Unchanged = len(e.Filled) == 0
		c := author.Case{Workloads: []podfence.Workload{w}, Level: restricted, Policies: set, Expect: e}
		passes := func(why string, want bool) {
			t.Helper()
			outcomes, err := c.Run()
			if err != nil {
				t.Fatalf("%s: %v", why, err)
			}
			if outcomes[0].Passed() != want {
				t.Fatalf("%s: %v", why, outcomes[0].Differences)
			}
		}
		passes("all of the answer", true)
		c.Expect.Verdict = "" // which could contradict what follows
		if n := len(e.Violations); n > 0 {
			c.Expect.Violations = e.Violations[:n-1]
			passes("a violation less", false)
		}
		c.Expect.Violations = append(e.Violations[:len(e.Violations):len(e.Violations)], author.Expected{Rule: policy.KeyVolumes, Field: "no field"})
		passes("a violation more", false)
		c.Expect.Violations = e.Violations
		if n := len(e.Excused); n > 0 {
			c.Expect.Excused = e.Excused[:n-1]
			passes("an excuse less", false)
		}
	})
}

// TestWhatIsExcusedIsOpened: of each grant that excuses a violation, a review of the
// policy says what it opens.
func TestWhatIsExcusedIsOpened(t *testing.T) {
	excused := 0
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), podgen.Policy().Draw(t, "policy")
		r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, restricted, &p)
		opened := map[policy.Entry]bool{}
		for _, o := range author.Expose(&p).Openings {
			opened[o.Grant] = true
		}
		for _, v := range r.Excused {
			excused++
			if !opened[v.ExcusedBy] {
				t.Errorf("%s excuses %s, and the review does not speak of it", v.ExcusedBy, v.String())
			}
		}
	})
	if excused == 0 || excused < 20 && !testing.Short() { // few are drawn then
		t.Errorf("%d violations were excused", excused)
	}
}
