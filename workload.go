package podfence

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Workload is an object that holds a pod or a pod template.
type Workload struct {
	// Namespace is the object's, and so that of the pods made of it.
	Namespace string
	// Pod is the object where it is a pod, else nil.
	Pod *corev1.Pod
	// Template is the pod template within the object, nil for a pod.
	Template *corev1.PodTemplateSpec
	// Root is where the pod or the template stands in the object: "" for a Pod,
	// "/spec/template" for a Deployment.
	Root spec.Root

	object runtime.Object
}

// WorkloadOf finds the pod or the pod template in an object: a Pod, PodTemplate,
// ReplicationController, ReplicaSet, Deployment, StatefulSet, DaemonSet, Job or
// CronJob of the API versions that Kubernetes serves. ok is false for any other
// object, and for a ReplicationController without a template.
func WorkloadOf(object runtime.Object) (w Workload, ok bool) {
	w.object = object
	switch o := object.(type) {
	case *corev1.Pod:
		w.Namespace, w.Pod = o.Namespace, o
	case *corev1.PodTemplate:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Template, spec.RootAt("template")
	case *corev1.ReplicationController:
		w.Namespace, w.Template, w.Root = o.Namespace, o.Spec.Template, underSpec
	case *appsv1.ReplicaSet:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, underSpec
	case *appsv1.Deployment:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, underSpec
	case *appsv1.StatefulSet:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, underSpec
	case *appsv1.DaemonSet:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, underSpec
	case *batchv1.Job:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, underSpec
	case *batchv1.CronJob:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.JobTemplate.Spec.Template, underJobTemplate
	}
	return w, w.Pod != nil || w.Template != nil
}

var (
	underSpec        = spec.RootAt("spec", "template")
	underJobTemplate = spec.RootAt("spec", "jobTemplate", "spec", "template")
)

// Admit decides about the workload's pod or template, in its namespace. The
// paths of the decision, and its patch, begin at the object.
func (w *Workload) Admit(lv api.LevelVersion, policies policy.Set) Decision {
	if w.Pod != nil {
		return Admit(w.Pod, lv, policies)
	}
	return AdmitTemplate(w.Namespace, w.Template, lv, policies).Within(w.Root)
}

// Evaluate judges the workload's pod or template as it is, in its namespace. The
// paths of the result begin at the object.
func (w *Workload) Evaluate(lv api.LevelVersion, exceptions policy.Set) evaluate.Result {
	if w.Pod != nil {
		return evaluate.Evaluate(w.Pod, lv, exceptions)
	}
	return evaluate.Template(w.Namespace, w.Template, lv, exceptions).Within(w.Root)
}

// EvaluateStored judges the workload's pod, or the pod made of its template, as
// Evaluate does, but as the API server would store it: see evaluate.Stored.
func (w *Workload) EvaluateStored(lv api.LevelVersion, exceptions policy.Set) evaluate.Result {
	if w.Pod != nil {
		return evaluate.Stored(w.Namespace, &w.Pod.ObjectMeta, &w.Pod.Spec, spec.AllDefaults, lv, exceptions)
	}
	t := w.Template
	return evaluate.Stored(w.Namespace, &t.ObjectMeta, &t.Spec, spec.AllDefaults, lv, exceptions).Within(w.Root)
}

// With returns the workload's object with the pod or template of a decision: the
// object itself where nothing was filled in, a pod that shares memory with it
// as in [Decision], or a deep copy of any other object.
func (w *Workload) With(d Decision) runtime.Object {
	switch {
	case !d.Report.Changed():
		return w.object
	case w.Pod != nil:
		return d.Pod
	default:
		filled, _ := WorkloadOf(w.object.DeepCopyObject())
		*filled.Template = *d.Template.DeepCopy()
		return filled.object
	}
}

// AdmitObject is [Admit] for any object that [WorkloadOf] knows. It returns the
// object with its pod or template filled in, and fails for an object that holds
// neither. The paths of the decision, and the patch of its report, begin at the
// object.
func AdmitObject(object runtime.Object, lv api.LevelVersion, policies policy.Set) (runtime.Object, Decision, error) {
	w, ok := WorkloadOf(object)
	if !ok {
		return nil, Decision{}, errNoPod(object)
	}
	d := w.Admit(lv, policies)
	return w.With(d), d, nil
}

// EvaluateObject is evaluate.Evaluate for any object that [WorkloadOf] knows. It
// fails for an object that holds neither a pod nor a pod template.
func EvaluateObject(object runtime.Object, lv api.LevelVersion, exceptions policy.Set) (evaluate.Result, error) {
	w, ok := WorkloadOf(object)
	if !ok {
		return evaluate.Result{}, errNoPod(object)
	}
	return w.Evaluate(lv, exceptions), nil
}

func errNoPod(object runtime.Object) error {
	return fmt.Errorf("podfence: %T holds neither a pod nor a pod template", object)
}
