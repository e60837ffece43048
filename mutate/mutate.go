package mutate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/plan"
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
// at the template; [Report.Within] has them begin at the object that holds it.
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

// Plan is [Spec] without the filled spec: the report alone, which renders the
// patch. It is for callers who answer with a patch, as mutating webhooks do, and
// costs a fraction, for nothing is copied.
func Plan(meta *metav1.ObjectMeta, pod *corev1.PodSpec, p *policy.Policy) Report {
	return Report{plan: plan.Pod(meta, pod, p)}
}

// EphemeralContainers is [Mutate] for an update of a running pod's ephemeral
// containers: those of updated that old does not have, by name, are filled, and
// nothing else may change any more. What they inherit, and which annotations
// and operating system they live with, is old's: the API server ignores what an
// update of this subresource says of them.
func EphemeralContainers(old, updated *corev1.Pod, p *policy.Policy) (*corev1.Pod, Report) {
	report := Report{plan: plan.EphemeralContainers(old, updated, p)}
	if report.Changed() {
		filled := *updated
		apply(&filled.Spec, &report)
		updated = &filled
	}
	return updated, report
}
