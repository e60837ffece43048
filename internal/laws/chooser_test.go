package laws

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// choices counts what the draws of a law gave it to choose from, so that it
// cannot hold for want of a choice.
type choices struct{ several, notTheFirst, filled, denied int }

func (c *choices) count(set policy.Set, pod *corev1.Pod, d podfence.Decision) {
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
	var c choices
	sets, levels := rapid.Custom(drawSet), rapid.Custom(drawAnyLevel)
	for seed := range 1000 {
		pod, lv, set := podgen.Pod().Example(seed), levels.Example(seed), sets.Example(seed)
		c.count(set, pod, podfence.Admit(pod, lv, set))
	}
	t.Logf("several policies %d, of which not the first %d, filled in %d, denied %d", c.several, c.notTheFirst, c.filled, c.denied)
	if c.several < 100 || c.notTheFirst < 25 || c.filled < 50 || c.denied < 50 {
		t.Errorf("too little choice: %+v", c)
	}
}

// saysTheSame holds an answer of Evaluate to the result of a decision.
func saysTheSame(t *rapid.T, what string, d podfence.Decision, r evaluate.Result) {
	if r.Policy != d.Result.Policy {
		t.Errorf("%s: Evaluate is governed by %q, Admit by %q (%s)", what, r.PolicyName(), d.Result.PolicyName(), d.Reason)
	}
	same(t, what, jsonText(t, d.Result), jsonText(t, r))
}

// TestEvaluateSaysOfTheFilledPodWhatAdmitSays is the law of the chooser: what
// Admit says of the filled pod is what Evaluate says of it, governing policy
// included, so that what fills pods in and what judges them cannot disagree.
// Asked again about the filled pod, Admit says the same and fills in nothing.
func TestEvaluateSaysOfTheFilledPodWhatAdmitSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv, set := podgen.Pod().Draw(t, "pod"), drawAnyLevel(t), drawSet(t)
		d := podfence.Admit(pod, lv, set)
		saysTheSame(t, "a pod", d, evaluate.Evaluate(d.Pod, lv, set))

		again := podfence.Admit(d.Pod, lv, set)
		if again.Report.Changed() {
			t.Errorf("the filled pod is filled in again under %q: %s", again.Result.PolicyName(), again.Report.Patch())
		}
		saysTheSame(t, "a filled pod, again", again, d.Result)

		template := &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
		ofTemplate := podfence.AdmitTemplate(pod.Namespace, template, lv, set)
		saysTheSame(t, "a template", ofTemplate, evaluate.Template(pod.Namespace, ofTemplate.Template, lv, set))
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
