package embedder

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/podfence/podfence/policy"
)

// Guard is a custom resource: a policy for the pods of its own namespace.
type Guard struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              policy.Policy `json:"spec"`
}

// DeepCopyObject is what controller-gen would write.
func (g *Guard) DeepCopyObject() runtime.Object {
	return &Guard{TypeMeta: g.TypeMeta, ObjectMeta: *g.ObjectMeta.DeepCopy(), Spec: *g.Spec.DeepCopy()}
}

// Policies are the guards' policies as one set. Those that are wrong are an error
// that says how.
func Policies(guards ...*Guard) (policy.Set, error) {
	var list []policy.Policy
	for _, g := range guards {
		p := *g.Spec.DeepCopy()
		p.Name, p.Namespace = g.Name, g.Namespace
		list = append(list, p)
	}
	return policy.NewSet(list...)
}
