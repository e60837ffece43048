package podfence

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/kinds"
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
	// ByPlace: the object's kind is none that Kubernetes itself has, and the
	// template was found by its place. The kind's controller may do more with it,
	// or something else.
	ByPlace bool
	// Claims: pods of the template get volumes for claims, as those of a StatefulSet
	// with volumeClaimTemplates do.
	Claims bool

	object runtime.Object
}

// WorkloadOf finds the pod or the pod template in an object: a Pod, PodTemplate,
// ReplicationController, ReplicaSet, Deployment, StatefulSet, DaemonSet, Job or
// CronJob of the API versions that Kubernetes serves.
//
// The object may also be a [runtime.Unstructured], of one of these kinds or of
// any other: there the template is looked for at the places that are given and
// at those of [DefaultPlaces]. An object of a Go type of its own is made one by
// runtime.DefaultUnstructuredConverter.
//
// The error is [ErrNoPod] for an object that holds neither a pod nor a template.
// Another error says that something in it could not be decided: a template that
// cannot be decoded ([DecodeError]), or that is not where a place with a Kind
// says, or several templates, for which there is [WorkloadsOf]. In an Unstructured
// a null that stands for a container is such an error; in a Go type it is an empty
// container, of which nobody can tell that it was null.
func WorkloadOf(object runtime.Object, places ...Place) (Workload, error) {
	u, ok := object.(runtime.Unstructured)
	if !ok {
		w, ok := typed(object)
		if !ok {
			return Workload{}, errNoPod(object)
		}
		return w, nil
	}
	w, err := unstructured(u, places)
	switch {
	case err != nil:
		return Workload{}, err
	case len(w) > 1:
		return Workload{}, fmt.Errorf("podfence: %s holds %d pod templates, at %s and %s: ask WorkloadsOf for each",
			nameOf(object), len(w), w[0].Root, w[1].Root)
	}
	return w[0], nil
}

// WorkloadsOf is [WorkloadOf] for objects that may hold several pod templates, as
// Volcano's Job does. They come in the order of the places, those that are given
// first.
func WorkloadsOf(object runtime.Object, places ...Place) ([]Workload, error) {
	if u, ok := object.(runtime.Unstructured); ok {
		return unstructured(u, places)
	}
	w, err := WorkloadOf(object)
	if err != nil {
		return nil, err
	}
	return []Workload{w}, nil
}

// typed finds the pod or the template in an object of one of Kubernetes' types.
func typed(object runtime.Object) (w Workload, ok bool) {
	w.object = object
	switch o := object.(type) {
	case *corev1.Pod:
		w.Namespace, w.Pod = o.Namespace, o
	case *corev1.PodTemplate:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Template, kinds.UnderTemplate
	case *corev1.ReplicationController:
		w.Namespace, w.Template, w.Root = o.Namespace, o.Spec.Template, kinds.UnderSpec
	case *appsv1.ReplicaSet:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, kinds.UnderSpec
	case *appsv1.Deployment:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, kinds.UnderSpec
	case *appsv1.StatefulSet:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, kinds.UnderSpec
		w.Claims = len(o.Spec.VolumeClaimTemplates) > 0
	case *appsv1.DaemonSet:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, kinds.UnderSpec
	case *batchv1.Job:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.Template, kinds.UnderSpec
	case *batchv1.CronJob:
		w.Namespace, w.Template, w.Root = o.Namespace, &o.Spec.JobTemplate.Spec.Template, kinds.UnderJobTemplate
	}
	return w, w.Pod != nil || w.Template != nil
}

// Admit decides about the workload's pod or template, in its namespace. The
// paths of the decision, and its patch, begin at the object.
func (w *Workload) Admit(lv api.LevelVersion, policies policy.Set) Decision {
	if w.Pod != nil {
		return Admit(w.Pod, lv, policies)
	}
	return admitTemplate(w.Namespace, w.Template, w.still(), lv, policies).Within(w.Root)
}

// AdmitUnder is [Workload.Admit] under one policy, whether or not that selects the
// workload, as for somebody who writes the policy. nil is the default policy.
func (w *Workload) AdmitUnder(lv api.LevelVersion, p *policy.Policy) Decision {
	q := question{namespace: w.Namespace, still: w.still(), pod: w.Pod, template: w.Template}
	if w.Pod != nil {
		q.meta, q.spec, q.still = &w.Pod.ObjectMeta, &w.Pod.Spec, spec.AllDefaults
	} else {
		q.meta, q.spec = &w.Template.ObjectMeta, &w.Template.Spec
	}
	lv = spec.Normalize(lv)
	if lv.Level == api.LevelPrivileged {
		return q.atPrivileged(lv)
	}
	t := q.try(lv, p)
	why := NoPolicy
	if p != nil {
		why = reasonOf(&t)
	}
	return q.decision(&t, why, nil).Within(w.Root)
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
	return evaluate.Stored(w.Namespace, &t.ObjectMeta, &t.Spec, w.still(), lv, exceptions).Within(w.Root)
}

// still is what pods of the template get that the template does not say.
func (w *Workload) still() spec.Default {
	if w.Claims {
		return spec.AllDefaults | spec.DefaultClaimVolumes
	}
	return spec.AllDefaults
}

// With returns the workload's object with the pod or template of a decision: the
// object itself where nothing was filled in, a pod that shares memory with it
// as in [Decision], or a deep copy of any other object. Of an Unstructured the
// copy keeps what the API types do not know.
func (w *Workload) With(d Decision) runtime.Object {
	u, loose := w.object.(runtime.Unstructured)
	switch {
	case !d.Report.Changed():
		return w.object
	case loose:
		return filled(u, d.Report)
	case w.Pod != nil:
		return d.Pod
	default:
		copied, _ := typed(w.object.DeepCopyObject())
		*copied.Template = *d.Template.DeepCopy()
		return copied.object
	}
}

// AdmitObject is [Admit] for any object of which [WorkloadOf] knows the pod or
// the pod template, and with WorkloadOf's error for any other. It returns the
// object with its pod or template filled in. The paths of the decision, and the
// patch of its report, begin at the object.
func AdmitObject(object runtime.Object, lv api.LevelVersion, policies policy.Set, places ...Place) (runtime.Object, Decision, error) {
	w, err := WorkloadOf(object, places...)
	if err != nil {
		return nil, Decision{}, err
	}
	d := w.Admit(lv, policies)
	return w.With(d), d, nil
}

// EvaluateObject is evaluate.Evaluate for any object of which [WorkloadOf] knows
// the pod or the pod template, and with WorkloadOf's error for any other.
func EvaluateObject(object runtime.Object, lv api.LevelVersion, exceptions policy.Set, places ...Place) (evaluate.Result, error) {
	w, err := WorkloadOf(object, places...)
	if err != nil {
		return evaluate.Result{}, err
	}
	return w.Evaluate(lv, exceptions), nil
}

func errNoPod(object runtime.Object) error {
	return fmt.Errorf("podfence: %s %w", nameOf(object), ErrNoPod)
}
