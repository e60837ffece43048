package mutate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
)

// Mutate fills the unset security fields of a pod as a policy has it; a nil
// policy is policy.Default(). The pod must not be nil and is not changed. A pod
// that needs nothing is returned itself.
func Mutate(pod *corev1.Pod, p *policy.Policy) (*corev1.Pod, Report) {
	report := Plan(&pod.ObjectMeta, &pod.Spec, p)
	if report.Changed() {
		filled := *pod
		apply(&filled.Spec, &report)
		pod = &filled
	}
	return pod, report
}

// Template is [Mutate] for a pod template. The report's pointers and paths begin
// at the template; see [Report.PatchWithin].
func Template(template *corev1.PodTemplateSpec, p *policy.Policy) (*corev1.PodTemplateSpec, Report) {
	report := Plan(&template.ObjectMeta, &template.Spec, p)
	if report.Changed() {
		filled := *template
		apply(&filled.Spec, &report)
		template = &filled
	}
	return template, report
}

// Spec is [Mutate] for a pod given by its metadata and spec, for callers that
// hold neither a Pod nor a PodTemplateSpec.
func Spec(meta *metav1.ObjectMeta, pod *corev1.PodSpec, p *policy.Policy) (*corev1.PodSpec, Report) {
	report := Plan(meta, pod, p)
	if report.Changed() {
		filled := *pod
		apply(&filled, &report)
		pod = &filled
	}
	return pod, report
}

// Plan is [Mutate] without the pod: the report alone, with the patch. It is for
// callers who answer with a patch, as mutating webhooks do, and costs a fraction,
// for nothing is copied.
func Plan(meta *metav1.ObjectMeta, pod *corev1.PodSpec, p *policy.Policy) Report {
	planner := newPlanner(meta, pod, p)
	planner.all()
	planner.report.pod = pod
	return planner.report
}

// EphemeralContainers is [Mutate] for an update of a running pod's ephemeral
// containers: those of updated that old does not have, by name, are filled, and
// nothing else may change any more. What they inherit, and which annotations
// and operating system they live with, is old's: the API server ignores what an
// update of this subresource says of them.
func EphemeralContainers(old, updated *corev1.Pod, p *policy.Policy) (*corev1.Pod, Report) {
	existing := make(map[string]bool, len(old.Spec.EphemeralContainers))
	for i := range old.Spec.EphemeralContainers {
		existing[old.Spec.EphemeralContainers[i].Name] = true
	}
	planner := newPlanner(&old.ObjectMeta, &old.Spec, p)
	for at, c := range podwalk.EphemeralContainers(&updated.Spec) {
		if !existing[c.Name] {
			planner.container(at, c)
		}
	}
	report := planner.report
	// The containers live with old's spec, and those that run need no advice.
	view := old.Spec
	view.InitContainers, view.Containers, view.EphemeralContainers = nil, nil, updated.Spec.EphemeralContainers
	report.pod, report.running = &view, existing
	if report.Changed() {
		filled := *updated
		apply(&filled.Spec, &report)
		updated = &filled
	}
	return updated, report
}
