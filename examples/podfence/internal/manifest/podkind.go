package manifest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/podfence/podfence/examples/podfence/internal/fields"
	"github.com/podfence/podfence/spec"
)

// podKind is a kind that holds a pod, in the one API version that Kubernetes serves.
type podKind struct {
	apiVersion, kind string
	create           func() runtime.Object
	// root is where the template stands.
	root spec.Root
	// hold makes an object of the pod template that it holds, the only part that is looked at but for the selector; nil for a
	// pod, and for a kind of which more is looked at.
	hold func(metav1.ObjectMeta, *metav1.LabelSelector, *corev1.PodTemplateSpec) runtime.Object
	// selects: the API server demands a selector, or takes one.
	selects bool
	// shape is what the JSON of the kind may hold.
	shape func() *fields.Shape
}

var podKinds = []podKind{
	kindOf[corev1.Pod]("v1", "Pod", "", nil),
	kindOf[corev1.PodTemplate]("v1", "PodTemplate", "/template", func(m metav1.ObjectMeta, _ *metav1.LabelSelector, t *corev1.PodTemplateSpec) runtime.Object {
		return &corev1.PodTemplate{ObjectMeta: m, Template: *t}
	}),
	kindOf[corev1.ReplicationController]("v1", "ReplicationController", underSpec, func(m metav1.ObjectMeta, _ *metav1.LabelSelector, t *corev1.PodTemplateSpec) runtime.Object {
		return &corev1.ReplicationController{ObjectMeta: m, Spec: corev1.ReplicationControllerSpec{Template: t}}
	}),
	kindOf[appsv1.ReplicaSet]("apps/v1", "ReplicaSet", underSpec, func(m metav1.ObjectMeta, s *metav1.LabelSelector, t *corev1.PodTemplateSpec) runtime.Object {
		return &appsv1.ReplicaSet{ObjectMeta: m, Spec: appsv1.ReplicaSetSpec{Selector: s, Template: *t}}
	}),
	kindOf[appsv1.Deployment]("apps/v1", "Deployment", underSpec, func(m metav1.ObjectMeta, s *metav1.LabelSelector, t *corev1.PodTemplateSpec) runtime.Object {
		return &appsv1.Deployment{ObjectMeta: m, Spec: appsv1.DeploymentSpec{Selector: s, Template: *t}}
	}),
	kindOf[appsv1.StatefulSet]("apps/v1", "StatefulSet", underSpec, nil), // its volumeClaimTemplates are volumes of the pod
	kindOf[appsv1.DaemonSet]("apps/v1", "DaemonSet", underSpec, func(m metav1.ObjectMeta, s *metav1.LabelSelector, t *corev1.PodTemplateSpec) runtime.Object {
		return &appsv1.DaemonSet{ObjectMeta: m, Spec: appsv1.DaemonSetSpec{Selector: s, Template: *t}}
	}),
	kindOf[batchv1.Job]("batch/v1", "Job", underSpec, func(m metav1.ObjectMeta, s *metav1.LabelSelector, t *corev1.PodTemplateSpec) runtime.Object {
		return &batchv1.Job{ObjectMeta: m, Spec: batchv1.JobSpec{Selector: s, Template: *t}}
	}),
	kindOf[batchv1.CronJob]("batch/v1", "CronJob", "/spec/jobTemplate/spec/template", func(m metav1.ObjectMeta, _ *metav1.LabelSelector, t *corev1.PodTemplateSpec) runtime.Object {
		c := &batchv1.CronJob{ObjectMeta: m}
		c.Spec.JobTemplate.Spec.Template = *t
		return c
	}),
}

const underSpec spec.Root = "/spec/template"

func kindOf[T any, P interface {
	*T
	runtime.Object
}](apiVersion, kind string, root spec.Root, hold func(metav1.ObjectMeta, *metav1.LabelSelector, *corev1.PodTemplateSpec) runtime.Object) podKind {
	return podKind{
		apiVersion: apiVersion, kind: kind, root: root, hold: hold, selects: hold != nil && root == underSpec && apiVersion != "v1",
		create: func() runtime.Object { return P(new(T)) },
		shape:  sync.OnceValue(func() *fields.Shape { return fields.ShapeOf(reflect.TypeFor[T]()) }),
	}
}

// podKindGroups are the API groups in which Kubernetes serves these kinds or once did. The same kind in another group is
// somebody's own (batch.volcano.sh Job).
var podKindGroups = []string{"", "apps", "extensions", "batch"}

// podKindOf returns the row of that kind, nil if the kind holds no pod. If Kubernetes knows the kind under another
// apiVersion, problem and fix say so: such an object may not be passed over, since an old cluster takes it as it is.
func podKindOf(apiVersion, kind string) (k *podKind, problem, fix string) {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		group = ""
	}
	i := slices.IndexFunc(podKinds, func(k podKind) bool { return k.kind == kind })
	if i < 0 {
		if meant := misspelt(kind); meant != "" && slices.Contains(podKindGroups, group) {
			return nil, fmt.Sprintf("kind %s is not known", kind), "write kind: " + meant
		}
		return nil, "", ""
	}
	k = &podKinds[i]
	switch {
	case apiVersion == k.apiVersion:
		return k, "", ""
	case !slices.Contains(podKindGroups, group):
		return nil, "", ""
	}
	problem = fmt.Sprintf("kind %s is not served in apiVersion %q", kind, apiVersion)
	if apiVersion == "" {
		problem = fmt.Sprintf("kind %s has no apiVersion", kind)
	}
	return k, problem, "write apiVersion: " + k.apiVersion
}

// HoldsPods reports whether a kind is one of Kubernetes that holds a pod, in a group that serves it or once did.
func HoldsPods(group, kind string) bool {
	return slices.Contains(podKindGroups, group) && slices.ContainsFunc(podKinds, func(k podKind) bool { return k.kind == kind })
}

// misspelt returns the kind that another case or a plural stands for, as kubectl's arguments may have it: pod, Deployments,
// podlist. The API server knows none of them, and whoever wrote one meant pods.
func misspelt(kind string) string {
	const list = "List"
	if n := len(kind) - len(list); n >= 0 && strings.EqualFold(kind[n:], list) && kind[n:] != list {
		if n == 0 {
			return list
		}
		if item := misspelt(kind[:n]); item != "" {
			return item + list
		}
		return ""
	}
	for _, k := range podKinds {
		if strings.EqualFold(kind, k.kind) || strings.EqualFold(kind, k.kind+"s") {
			return k.kind
		}
	}
	return ""
}

// isList reports whether a kind is a list, by the rule that the API conventions give for its name.
func isList(kind string) bool { return strings.HasSuffix(kind, "List") }
