// Package apiserver is the way of an object through a kube-apiserver, as far as
// storage: defaults and conversion (decoding), then the resource's own strategy,
// which drops disabled fields, copies AppArmor annotations to fields and validates.
// Mutating admission stands between the two.
package apiserver

import (
	"context"
	"encoding/json"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/capabilities"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/podtemplate"
)

// AllowPrivileged is kube-apiserver --allow-privileged: without it every privileged
// container is refused, and nothing could be said about them. It is set once, before
// the first object.
func AllowPrivileged() { capabilities.Setup(true, 0) }

// must is for what does not fail: conversions between types of Kubernetes.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// RequestFor is the context of a request.
func RequestFor(namespace, group, resource, subresource string) context.Context {
	ctx := request.WithNamespace(request.NewContext(), namespace)
	return request.WithRequestInfo(ctx, &request.RequestInfo{
		IsResourceRequest: true, APIGroup: group, APIVersion: "v1", Namespace: namespace, Resource: resource, Subresource: subresource,
	})
}

// Decoded is an object as the server holds it after decoding: with defaults, and
// in the internal version.
func Decoded[T any, I interface {
	*T
	runtime.Object
}](external runtime.Object) I {
	external = external.DeepCopyObject()
	legacyscheme.Scheme.Default(external)
	internal := I(new(T))
	must(legacyscheme.Scheme.Convert(external, internal, nil))
	return internal
}

// Encoded is an object in the version that clients and webhooks see, and after
// its way through JSON, which drops empty lists.
func Encoded[T any, E interface {
	*T
	runtime.Object
}](internal runtime.Object) E {
	external, read := E(new(T)), E(new(T))
	must(legacyscheme.Scheme.Convert(internal, external, nil))
	text, err := json.Marshal(external)
	must(err)
	must(json.Unmarshal(text, read))
	return read
}

// NamespaceOf is the namespace that a pod is created in.
func NamespaceOf(meta *metav1.ObjectMeta) string {
	if meta.Namespace == "" {
		return metav1.NamespaceDefault
	}
	return meta.Namespace
}

// Admitted is a pod as a mutating webhook sees it on creation.
func Admitted(pod *corev1.Pod) *corev1.Pod {
	return Encoded[corev1.Pod](Decoded[core.Pod](pod))
}

// Create is the creation of a pod: what is stored, or why it is refused.
func Create(pod *corev1.Pod) (*corev1.Pod, error) {
	internal := Decoded[core.Pod](pod)
	rest.FillObjectMetaSystemFields(internal)
	internal.UID, internal.CreationTimestamp = "uid", metav1.Unix(0, 0)
	if err := rest.BeforeCreate(podregistry.Strategy, RequestFor(NamespaceOf(&pod.ObjectMeta), "", "pods", ""), internal); err != nil {
		return nil, err
	}
	internal.ResourceVersion = "1"
	return Encoded[corev1.Pod](internal), nil
}

// Update is the update of a stored pod, or of a subresource of it.
func Update(strategy rest.RESTUpdateStrategy, subresource string, old, updated *corev1.Pod) (*corev1.Pod, error) {
	internal, stored := Decoded[core.Pod](updated), Decoded[core.Pod](old)
	if err := rest.BeforeUpdate(strategy, RequestFor(old.Namespace, "", "pods", subresource), internal, stored); err != nil {
		return nil, err
	}
	return Encoded[corev1.Pod](internal), nil
}

// UpdatePod is an update of the pod itself.
func UpdatePod(old, updated *corev1.Pod) (*corev1.Pod, error) {
	return Update(podregistry.Strategy, "", old, updated)
}

// UpdateEphemeralContainers is an update of pods/ephemeralcontainers.
func UpdateEphemeralContainers(old, updated *corev1.Pod) (*corev1.Pod, error) {
	return Update(podregistry.EphemeralContainersStrategy, "ephemeralcontainers", old, updated)
}

// Owner is a kind that holds a pod template.
type Owner struct {
	// Name is that of the kind.
	Name string
	// Admitted is a template as a mutating webhook sees it on the creation of
	// its owner.
	Admitted func(*corev1.PodTemplateSpec) *corev1.PodTemplateSpec
	// Create is the creation of the owner: the template as it is stored, or why
	// the Owner is refused.
	Create func(*corev1.PodTemplateSpec) (*corev1.PodTemplateSpec, error)
}

// Owners are the kinds whose templates are tried.
var Owners = []Owner{{
	Name: "PodTemplate",
	Admitted: func(t *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
		return &Encoded[corev1.PodTemplate](Decoded[core.PodTemplate](podTemplateOf(t))).Template
	},
	Create: func(t *corev1.PodTemplateSpec) (*corev1.PodTemplateSpec, error) {
		internal := Decoded[core.PodTemplate](podTemplateOf(t))
		rest.FillObjectMetaSystemFields(internal)
		if err := rest.BeforeCreate(podtemplate.Strategy, RequestFor(internal.Namespace, "", "podtemplates", ""), internal); err != nil {
			return nil, err
		}
		return &Encoded[corev1.PodTemplate](internal).Template, nil
	},
}, {
	Name: "Deployment",
	Admitted: func(t *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
		return &Encoded[appsv1.Deployment](Decoded[apps.Deployment](deploymentOf(t))).Spec.Template
	},
	Create: func(t *corev1.PodTemplateSpec) (*corev1.PodTemplateSpec, error) {
		internal := Decoded[apps.Deployment](deploymentOf(t))
		rest.FillObjectMetaSystemFields(internal)
		if err := rest.BeforeCreate(deployment.Strategy, RequestFor(internal.Namespace, "apps", "deployments", ""), internal); err != nil {
			return nil, err
		}
		return &Encoded[appsv1.Deployment](internal).Spec.Template, nil
	},
}}

func podTemplateOf(t *corev1.PodTemplateSpec) *corev1.PodTemplate {
	return &corev1.PodTemplate{ObjectMeta: metav1.ObjectMeta{Name: "owner", Namespace: "default"}, Template: *t}
}

func deploymentOf(t *corev1.PodTemplateSpec) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "owner", Namespace: "default"},
		Spec:       appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: t.Labels}, Template: *t},
	}
}

// PodFrom is the pod that a controller makes of a stored template
// (pkg/controller/controller_utils.go, GetPodFromTemplate).
func PodFrom(t *corev1.PodTemplateSpec) *corev1.Pod {
	pod := &corev1.Pod{Spec: *t.Spec.DeepCopy()}
	pod.Name, pod.Namespace, pod.Labels, pod.Annotations = "owner-x", "default", t.Labels, t.Annotations
	return pod
}
