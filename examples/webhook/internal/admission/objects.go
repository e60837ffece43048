package admission

import (
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podfence/podfence/review"
)

// podOf is a pod of a request. Its namespace is the request's: the object of a
// request to create need not name it.
func podOf(r *review.Request, pod *corev1.Pod, unread error) (*corev1.Pod, error) {
	switch {
	case pod == nil && unread != nil:
		return nil, unread
	case pod == nil:
		return nil, errors.New("the request shows no object")
	}
	if err := typed(&pod.TypeMeta); err != nil {
		return nil, err
	}
	pod.Namespace = r.Namespace
	return pod, nil
}

// typed reports an object that does not say what it is: API servers send none.
func typed(t *metav1.TypeMeta) error {
	switch {
	case t.Kind == "":
		return errors.New("the object has no kind")
	case t.APIVersion == "":
		return errors.New("the object has no apiVersion")
	default:
		return nil
	}
}

// attributes shows a request to upstream, namespaces with translated labels.
type attributes struct {
	*review.Request
	// unread is why an object could not be read.
	unread error
	prefix string
	// before and after are the namespaces that were shown, nil if none was.
	before, after *corev1.Namespace
}

// The methods of upstream's api.Attributes.
func (a *attributes) GetName() string      { return a.Name }
func (a *attributes) GetNamespace() string { return a.Namespace }
func (a *attributes) GetResource() schema.GroupVersionResource {
	return schema.GroupVersionResource(a.Resource)
}
func (a *attributes) GetKind() schema.GroupVersionKind    { return schema.GroupVersionKind(a.Kind) }
func (a *attributes) GetSubresource() string              { return a.SubResource }
func (a *attributes) GetOperation() admissionv1.Operation { return a.Operation }
func (a *attributes) GetUserName() string                 { return a.UserInfo.Username }

// GetObject shows the object as far as it was read.
func (a *attributes) GetObject() (runtime.Object, error) {
	object, err := a.show(a.Pod, a.Object, &a.after)
	if object != nil || err != nil {
		return object, err
	}
	switch {
	case a.Template != nil:
		return &corev1.PodTemplate{Template: *a.Template}, nil // whatever holds it
	case a.Root != "":
		return &corev1.ReplicationController{}, nil // a template may be missing there
	default:
		return nil, fmt.Errorf("a %.80s holds no pod template", a.Kind.Kind)
	}
}

// GetOldObject shows the old object as far as it was read.
func (a *attributes) GetOldObject() (runtime.Object, error) {
	return a.show(a.OldPod, a.OldObject, &a.before)
}

// show is a pod or a namespace; nil for an object that is neither.
func (a *attributes) show(pod *corev1.Pod, other *metav1.PartialObjectMetadata, shown **corev1.Namespace) (runtime.Object, error) {
	if other == nil {
		pod, err := podOf(a.Request, pod, a.unread)
		if err != nil {
			return nil, err
		}
		return pod, nil
	}
	if err := typed(&other.TypeMeta); err != nil {
		return nil, err
	}
	if a.Kind != (metav1.GroupVersionKind{Version: "v1", Kind: "Namespace"}) {
		return nil, nil
	}
	*shown = translated(&corev1.Namespace{TypeMeta: other.TypeMeta, ObjectMeta: other.ObjectMeta}, a.prefix)
	return *shown, nil
}
