package laws

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// choices counts what the draws of a law gave it to choose from, so that it
// cannot hold for want of a choice.
type choices struct {
	several, notTheFirst, filled, denied int
	// by counts what stands or is excused of each default.
	by map[spec.Default]int
}

func (c *choices) count(set policy.Set, pod *corev1.Pod, d podfence.Decision) {
	for _, v := range slices.Concat(d.Result.Violations, d.Result.Excused) {
		c.by[v.Default]++
	}
	if len(d.Considered) < 2 {
		return
	}
	c.several++
	if first := set.Governing(pod.Namespace, pod.Labels)[0]; d.Result.Policy != first {
		c.notTheFirst++
	}
	if d.Report.Changed() {
		c.filled++
	}
	if !d.Allowed() {
		c.denied++
	}
}

// TestTheLawOfTheChooserHasChoices: what the law is tried on offers several
// policies, of which the first is not always chosen. The draws are the same each
// time, so that chance has no say.
func TestTheLawOfTheChooserHasChoices(t *testing.T) {
	c := choices{by: map[spec.Default]int{}}
	sets, levels := rapid.Custom(drawSet), rapid.Custom(drawAnyLevel)
	for seed := range 6000 {
		pod, lv, set := podgen.Pod().Example(seed), levels.Example(seed), sets.Example(seed)
		c.count(set, pod, podfence.Admit(pod, lv, set))
	}
	t.Logf("several policies %d, of which not the first %d, filled in %d, denied %d", c.several, c.notTheFirst, c.filled, c.denied)
	for _, d := range []spec.Default{spec.DefaultEmptyDir, spec.DefaultHostPort, spec.DefaultAppArmorProfile, spec.DefaultTokenVolume} {
		t.Logf("%d violations are %s", c.by[d], d)
		if c.by[d] < 5 {
			t.Errorf("only %d violations are %s", c.by[d], d)
		}
	}
	if c.several < 300 || c.notTheFirst < 75 || c.filled < 150 || c.denied < 150 {
		t.Errorf("too little choice: %+v", c)
	}
}

// saysTheSame holds an answer of Evaluate to the result of a decision.
func saysTheSame(t *rapid.T, what string, d podfence.Decision, r evaluate.Result) {
	if r.Policy != d.Result.Policy {
		t.Errorf("%s: Evaluate is governed by %q, Admit by %q (%s)", what, r.PolicyName(), d.Result.PolicyName(), d.Reason)
	}
	same(t, what, jsonText(t, unmarked(d.Result)), jsonText(t, r))
}

// marksWhatIsSet: a decision says of just those violations that the API server sets
// their field which are not there in the filled pod as it is.
func marksWhatIsSet(t *rapid.T, d podfence.Decision) {
	asIs := under(d.Pod, d.Result.Level, d.Result.Policy)
	given := slices.Concat(asIs.Violations, asIs.Excused)
	for _, v := range slices.Concat(d.Result.Violations, d.Result.Excused) {
		if _, found := find(given, &v); found != (v.Default == 0) {
			t.Errorf("in the pod as it is: %v, and marked %q: %s", found, v.Default, v)
		}
	}
}

// TestEvaluateSaysOfTheFilledPodWhatAdmitSays is the law of the chooser: what
// Admit says of the filled pod is what Evaluate says of it as it would be stored,
// governing policy included, so that what fills pods in and what judges them cannot
// disagree. Asked again about the filled pod, or about the stored one, Admit says
// the same and fills in nothing.
func TestEvaluateSaysOfTheFilledPodWhatAdmitSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv, set := podgen.Pod().Draw(t, "pod"), drawAnyLevel(t), drawSet(t)
		d := podfence.Admit(pod, lv, set)
		saysTheSame(t, "a pod", d, evaluate.Evaluate(stored(d.Pod), lv, set))
		marksWhatIsSet(t, d)

		again := podfence.Admit(d.Pod, lv, set)
		if again.Report.Changed() {
			t.Errorf("the filled pod is filled in again under %q: %s", again.Result.PolicyName(), again.Report.Patch())
		}
		saysTheSame(t, "a filled pod, again", again, unmarked(d.Result))
		asStored := podfence.Admit(stored(d.Pod), lv, set)
		if asStored.Report.Changed() {
			t.Errorf("the stored pod is filled in again under %q: %s", asStored.Result.PolicyName(), asStored.Report.Patch())
		}
		saysTheSame(t, "a stored pod", asStored, unmarked(d.Result))

		template := &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
		ofTemplate := podfence.AdmitTemplate(pod.Namespace, template, lv, set)
		made := &corev1.Pod{ObjectMeta: ofTemplate.Template.ObjectMeta, Spec: ofTemplate.Template.Spec}
		saysTheSame(t, "a template", ofTemplate, evaluate.Evaluate(stored(made), lv, set))
	})
}

// TestEvaluateSaysOfARequestedPodWhatAdmitSays is the law of the chooser for a pod
// in admission: what a mutating webhook says of the pod that it fills is what a
// validating one says of it, which sees the AppArmor annotations copied to fields
// and nothing else changed.
func TestEvaluateSaysOfARequestedPodWhatAdmitSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv, set := podgen.Pod().Draw(t, "pod"), drawAnyLevel(t), drawSet(t)
		d := podfence.AdmitRequested(pod, lv, set)
		validated := *d.Pod
		validated.Spec = *spec.Stored(&d.Pod.ObjectMeta, &d.Pod.Spec, spec.DefaultAppArmorProfile)
		saysTheSame(t, "a pod in admission", d, evaluate.Evaluate(&validated, lv, set))
	})
}

// TestStoredIsEvaluatedAsIfItWereMade: evaluate.Stored, which makes no token volume,
// says what Evaluate says of the pod that has one.
func TestStoredIsEvaluatedAsIfItWereMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv, set := podgen.Pod().Draw(t, "pod"), drawAnyLevel(t), drawSet(t)
		still := spec.Default(rapid.Uint8Range(0, uint8(spec.AllDefaults)).Draw(t, "still"))
		r := evaluate.Stored(pod.Namespace, &pod.ObjectMeta, &pod.Spec, still, lv, set)
		made := *pod
		made.Spec = *spec.Stored(&pod.ObjectMeta, &pod.Spec, still)
		want := evaluate.Evaluate(&made, lv, set)
		if r.Policy != want.Policy {
			t.Errorf("governed by %q, want %q", r.PolicyName(), want.PolicyName())
		}
		same(t, "a stored pod", jsonText(t, want), jsonText(t, unmarked(r)))
	})
}

// TestEvaluateSaysOfFilledEphemeralContainersWhatAdmitSays is the law of the
// chooser for the debug containers of a running pod.
func TestEvaluateSaysOfFilledEphemeralContainersWhatAdmitSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old, lv, set := podgen.Pod().Draw(t, "old"), drawAnyLevel(t), drawSet(t)
		updated := podgen.Pod().Draw(t, "updated")
		d := podfence.AdmitEphemeralContainers(old, updated, lv, set)
		saysTheSame(t, "an update", d, evaluate.EphemeralContainers(old, d.Pod, lv, set))
	})
}

// TestPlanRequestedIsAdmitRequested: what is planned without the pod and without a
// verdict is what the decision fills in, by the same policy. Where several policies
// select the pod, or at baseline, the verdict chooses; the draws have both.
func TestPlanRequestedIsAdmitRequested(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv, set := podgen.Pod().Draw(t, "pod"), drawAnyLevel(t), drawSet(t)
		report, p := podfence.PlanRequested(pod, lv, set)
		d := podfence.AdmitRequested(pod, lv, set)
		if p != d.Result.Policy {
			t.Errorf("planned under %v, decided under %q", p, d.Result.PolicyName())
		}
		same(t, "a plan", jsonText(t, d.Report), jsonText(t, report))
	})
}
