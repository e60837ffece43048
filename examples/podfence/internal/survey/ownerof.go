package survey

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// OwnerOf is what an object of the input belongs to, as far as the object itself says:
// the controller of a pod, and for a ReplicaSet the Deployment or Rollout that the label
// of its pods tells. Of an object without an owner it is the object itself.
func OwnerOf(self Owner, typed runtime.Object) Owner {
	switch o := typed.(type) {
	case *corev1.Pod:
		of := ownerOfPod(o, self)
		if parent, ok := guessed(of, o.Labels); ok {
			return parent
		}
		return of
	case metav1.Object:
		if parent, ok := controller(o, self.Namespace); ok && self.stepsAside() {
			return parent
		}
	}
	return self
}

// IsIdle reports whether an object makes no pods: a ReplicaSet that is scaled to
// nothing, an earlier revision of its Deployment in most cases.
func IsIdle(typed runtime.Object) bool {
	o, ok := typed.(metav1.Object)
	return ok && makesNoPods(o)
}
