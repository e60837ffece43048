package laws

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// decision is what the steps of Admit give when they are done by hand.
type decision struct {
	reason podfence.Reason
	policy *policy.Policy
	pod    *corev1.Pod
	report mutate.Report
	result evaluate.Result
}

// byHand does the steps of Admit under each policy that governs the pod. fill is
// what Mutate makes of it, and judged is what of that is evaluated: the pod that
// would be stored.
func byHand(
	pod *corev1.Pod, lv api.LevelVersion, governing []*policy.Policy,
	fill func(*policy.Policy) (*corev1.Pod, mutate.Report), judged func(*corev1.Pod) *corev1.Pod,
) decision {
	if lv.Level == api.LevelPrivileged {
		return decision{reason: podfence.PrivilegedLevel, pod: pod, result: evaluate.Result{Level: lv}}
	}
	evaluated := func(pod *corev1.Pod, p *policy.Policy) evaluate.Result {
		return under(judged(pod), lv, p)
	}
	var tried []decision
	for _, p := range governing {
		d := decision{policy: p}
		d.pod, d.report = fill(p)
		// Baseline lets unset fields be: what it allows as it is stays so.
		if as := evaluated(pod, p); lv.Level == api.LevelBaseline && as.Allowed() {
			d.pod, d.report = pod, mutate.Report{}
		}
		d.result = evaluated(d.pod, p)
		tried = append(tried, d)
	}
	fewest := func(a, b decision) int { return len(a.result.Violations) - len(b.result.Violations) }
	asItIs := slices.IndexFunc(tried, func(d decision) bool { return d.result.Allowed() && !d.report.Changed() })
	filled := slices.IndexFunc(tried, func(d decision) bool { return d.result.Allowed() })
	d := slices.MinFunc(tried, fewest)
	switch {
	case governing[0] == nil:
		d.reason = podfence.NoPolicy
	case governing[0].Default:
		d.reason = podfence.DefaultPolicy
	case asItIs >= 0:
		d = tried[asItIs]
		d.reason = podfence.AllowedAsItIs
	case filled >= 0:
		d = tried[filled]
		d.reason = podfence.AllowedFilled
	default:
		d.reason = podfence.Closest
	}
	return d
}

// noticed is the decision with what the set says of the policies that select the pod.
func (want decision) noticed(set policy.Set, pod *corev1.Pod) decision {
	if want.reason != podfence.PrivilegedLevel {
		want.result.Notices = set.Notices(pod.Namespace, pod.Labels)
	}
	return want
}

// governing are the policies that are to be tried: nil stands for none. A pod that
// has its own user namespace is for those that ask for one, if there are any.
func governing(pod *corev1.Pod, set policy.Set) ([]*policy.Policy, []string) {
	list := set.Governing(pod.Namespace, pod.Labels)
	if own := pod.Spec.HostUsers; own != nil && !*own {
		var asking []*policy.Policy
		for _, p := range list {
			if p.Allow.UserNamespace == "Required" {
				asking = append(asking, p)
			}
		}
		if len(asking) > 0 {
			list = asking
		}
	}
	var names []string
	for _, p := range list {
		names = append(names, p.Name)
	}
	if len(list) == 0 {
		list = []*policy.Policy{nil}
	}
	return list, names
}

// agrees holds a decision against the one made by hand.
func (want decision) agrees(t *rapid.T, considered []string, d podfence.Decision) {
	if d.Result.Policy != want.policy || d.Reason != want.reason {
		t.Errorf("governed by %q (%s), want %q (%s)",
			d.Result.PolicyName(), d.Reason, want.result.PolicyName(), want.reason)
	}
	if want.reason == podfence.PrivilegedLevel || want.reason == podfence.DefaultPolicy {
		considered = nil
	}
	if diff := cmp.Diff(considered, d.Considered); diff != "" {
		t.Errorf("considered (-by hand +admit):\n%s", diff)
	}
	if !equality.Semantic.DeepEqual(want.pod, d.Pod) || (want.pod == d.Pod) == want.report.Changed() {
		t.Error("the pod is not the one that Mutate makes under the governing policy")
	}
	same(t, "report", jsonText(t, want.report), jsonText(t, d.Report))
	same(t, "patch", string(want.report.Patch()), string(d.Report.Patch()))
	same(t, "result", jsonText(t, unnoticed(want.result)), jsonText(t, unnoticed(unmarked(d.Result))))
	if d.Allowed() != want.result.Allowed() {
		t.Errorf("allowed %v, and by hand %v", d.Allowed(), want.result.Allowed())
	}
}

func same(t *rapid.T, what, byHand, admit string) {
	if byHand != admit {
		t.Errorf("%s (-by hand +admit):\n%s", what, cmp.Diff(byHand, admit))
	}
}

func jsonText(t *rapid.T, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// stored is the pod as the API server would store it, with its token volume.
func stored(pod *corev1.Pod) *corev1.Pod {
	p := *pod
	p.Spec = *spec.Stored(&pod.ObjectMeta, &pod.Spec, spec.AllDefaults)
	return &p
}

// unmarked is a result that does not say what the API server has set.
func unmarked(r evaluate.Result) evaluate.Result {
	r = r.Within("")
	for _, list := range [][]evaluate.Violation{r.Violations, r.Excused} {
		for i := range list {
			list[i].Default = 0
		}
	}
	return r
}

// unnoticed is a result without what is said of its policies.
func unnoticed(r evaluate.Result) evaluate.Result {
	r.Notices = nil
	return r
}

// TestAdmitByHand: Admit's answer is what its steps give when done by hand, at
// every level; it is AdmitTemplate's for a template of the pod, and the pod
// stays as it was.
func TestAdmitByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		lv := drawAnyLevel(t)
		set := drawSet(t)
		before := pod.DeepCopy()
		d := podfence.Admit(pod, lv, set)
		tried, considered := governing(pod, set)
		fill := func(p *policy.Policy) (*corev1.Pod, mutate.Report) { return mutate.Mutate(pod, p) }
		want := byHand(pod, lv, tried, fill, stored).noticed(set, pod)
		want.agrees(t, considered, d)

		template := &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
		ofTemplate := podfence.AdmitTemplate(pod.Namespace, template, lv, set)
		if jsonText(t, ofTemplate) != jsonText(t, d) || !equality.Semantic.DeepEqual(ofTemplate.Template.Spec, d.Pod.Spec) {
			t.Errorf("of a template: %s\nof the pod: %s", jsonText(t, ofTemplate), jsonText(t, d))
		}
		if !equality.Semantic.DeepEqual(before, pod) {
			t.Error("Admit changed its input")
		}
	})
}

// TestAdmitEphemeralContainersByHand: the answer is what its steps give when
// done by hand, at every level, and the pods that were given stay as they are.
func TestAdmitEphemeralContainersByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := podgen.Pod().Draw(t, "old")
		updated := podgen.Pod().Draw(t, "updated")
		lv := drawAnyLevel(t)
		set := drawSet(t)
		oldBefore, updatedBefore := old.DeepCopy(), updated.DeepCopy()
		d := podfence.AdmitEphemeralContainers(old, updated, lv, set)
		tried, considered := governing(old, set)
		fill := func(p *policy.Policy) (*corev1.Pod, mutate.Report) {
			return mutate.EphemeralContainers(old, updated, p)
		}
		joined := func(updated *corev1.Pod) *corev1.Pod {
			pod := old.DeepCopy()
			pod.Spec.EphemeralContainers = updated.Spec.EphemeralContainers
			return pod
		}
		byHand(updated, lv, tried, fill, joined).noticed(set, old).agrees(t, considered, d)
		if !equality.Semantic.DeepEqual(oldBefore, old) || !equality.Semantic.DeepEqual(updatedBefore, updated) {
			t.Error("a given pod was changed")
		}
	})
}
