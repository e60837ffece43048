package manifest

import (
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Own gives a workload what no answer of the library looks at, and what is left out where it is read sparsely: by whom it
// is controlled, on which node a pod runs, and how many pods a ReplicaSet makes. What has another type was refused before.
func (o *Object) Own() {
	object, ok := o.Typed.(metav1.Object)
	if !ok || len(object.GetOwnerReferences()) > 0 {
		return
	}
	var owners []metav1.OwnerReference
	o.into(&owners, "metadata", "ownerReferences")
	object.SetOwnerReferences(owners)
	switch typed := o.Typed.(type) {
	case *corev1.Pod:
		o.into(&typed.Spec.NodeName, "spec", "nodeName")
	case *appsv1.ReplicaSet:
		o.into(&typed.Spec.Replicas, "spec", "replicas")
	}
}

// into decodes what stands at the end of a path, if anything does.
func (o *Object) into(field any, path ...string) {
	if s, ok := valueAt(o.source.text, path); ok {
		_ = json.Unmarshal(s.of(o.source.text), field)
	}
}
