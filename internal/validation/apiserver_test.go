package validation_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

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

// This file is the way of an object through a kube-apiserver, as far as storage:
// defaults and conversion (decoding), then the resource's own strategy, which
// drops disabled fields, copies AppArmor annotations to fields and validates.
// Mutating admission stands between the two.

// Each property is tried so often, on pods that are the same in every run, so that
// what they are can be counted and asserted. Who gives -rapid.checks or -rapid.seed
// gets others, whose counts are only printed.
const checks, seed = "5000", "1"

// seeded: the pods are those of the constants above.
var seeded bool

func TestMain(m *testing.M) {
	flag.Parse()
	seeded = os.Getenv("RAPID_CHECKS") == "" && os.Getenv("RAPID_SEED") == ""
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "rapid.checks" || f.Name == "rapid.seed" {
			seeded = false
		}
	})
	if seeded {
		must(flag.Set("rapid.checks", checks))
		must(flag.Set("rapid.seed", seed))
	}
	// kube-apiserver --allow-privileged: without it every privileged container
	// is refused, and nothing could be said about them.
	capabilities.Setup(true, 0)
	os.Exit(m.Run())
}

// must is for what does not fail: flags that exist, and conversions between types
// of Kubernetes.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// requestFor is the context of a request.
func requestFor(namespace, group, resource, subresource string) context.Context {
	ctx := request.WithNamespace(request.NewContext(), namespace)
	return request.WithRequestInfo(ctx, &request.RequestInfo{
		IsResourceRequest: true, APIGroup: group, APIVersion: "v1", Namespace: namespace, Resource: resource, Subresource: subresource,
	})
}

// decoded is an object as the server holds it after decoding: with defaults, and
// in the internal version.
func decoded[T any, I interface {
	*T
	runtime.Object
}](external runtime.Object) I {
	external = external.DeepCopyObject()
	legacyscheme.Scheme.Default(external)
	internal := I(new(T))
	must(legacyscheme.Scheme.Convert(external, internal, nil))
	return internal
}

// encoded is an object in the version that clients and webhooks see, and after
// its way through JSON, which drops empty lists.
func encoded[T any, E interface {
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

// namespaceOf is the namespace that a pod is created in.
func namespaceOf(meta *metav1.ObjectMeta) string {
	if meta.Namespace == "" {
		return metav1.NamespaceDefault
	}
	return meta.Namespace
}

// admitted is a pod as a mutating webhook sees it on creation.
func admitted(pod *corev1.Pod) *corev1.Pod {
	return encoded[corev1.Pod](decoded[core.Pod](pod))
}

// create is the creation of a pod: what is stored, or why it is refused.
func create(pod *corev1.Pod) (*corev1.Pod, error) {
	internal := decoded[core.Pod](pod)
	rest.FillObjectMetaSystemFields(internal)
	internal.UID, internal.CreationTimestamp = "uid", metav1.Unix(0, 0)
	if err := rest.BeforeCreate(podregistry.Strategy, requestFor(namespaceOf(&pod.ObjectMeta), "", "pods", ""), internal); err != nil {
		return nil, err
	}
	internal.ResourceVersion = "1"
	return encoded[corev1.Pod](internal), nil
}

// update is the update of a stored pod, or of a subresource of it.
func update(strategy rest.RESTUpdateStrategy, subresource string, old, updated *corev1.Pod) (*corev1.Pod, error) {
	internal, stored := decoded[core.Pod](updated), decoded[core.Pod](old)
	if err := rest.BeforeUpdate(strategy, requestFor(old.Namespace, "", "pods", subresource), internal, stored); err != nil {
		return nil, err
	}
	return encoded[corev1.Pod](internal), nil
}

// updatePod is an update of the pod itself.
func updatePod(old, updated *corev1.Pod) (*corev1.Pod, error) {
	return update(podregistry.Strategy, "", old, updated)
}

// updateEphemeralContainers is an update of pods/ephemeralcontainers.
func updateEphemeralContainers(old, updated *corev1.Pod) (*corev1.Pod, error) {
	return update(podregistry.EphemeralContainersStrategy, "ephemeralcontainers", old, updated)
}

// owner is a kind that holds a pod template.
type owner struct {
	name string
	// admitted is a template as a mutating webhook sees it on the creation of
	// its owner.
	admitted func(*corev1.PodTemplateSpec) *corev1.PodTemplateSpec
	// create is the creation of the owner: the template as it is stored, or why
	// the owner is refused.
	create func(*corev1.PodTemplateSpec) (*corev1.PodTemplateSpec, error)
}

var owners = []owner{{
	name: "PodTemplate",
	admitted: func(t *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
		return &encoded[corev1.PodTemplate](decoded[core.PodTemplate](podTemplateOf(t))).Template
	},
	create: func(t *corev1.PodTemplateSpec) (*corev1.PodTemplateSpec, error) {
		internal := decoded[core.PodTemplate](podTemplateOf(t))
		rest.FillObjectMetaSystemFields(internal)
		if err := rest.BeforeCreate(podtemplate.Strategy, requestFor(internal.Namespace, "", "podtemplates", ""), internal); err != nil {
			return nil, err
		}
		return &encoded[corev1.PodTemplate](internal).Template, nil
	},
}, {
	name: "Deployment",
	admitted: func(t *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
		return &encoded[appsv1.Deployment](decoded[apps.Deployment](deploymentOf(t))).Spec.Template
	},
	create: func(t *corev1.PodTemplateSpec) (*corev1.PodTemplateSpec, error) {
		internal := decoded[apps.Deployment](deploymentOf(t))
		rest.FillObjectMetaSystemFields(internal)
		if err := rest.BeforeCreate(deployment.Strategy, requestFor(internal.Namespace, "apps", "deployments", ""), internal); err != nil {
			return nil, err
		}
		return &encoded[appsv1.Deployment](internal).Spec.Template, nil
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

// podFrom is the pod that a controller makes of a stored template
// (pkg/controller/controller_utils.go, GetPodFromTemplate).
func podFrom(t *corev1.PodTemplateSpec) *corev1.Pod {
	pod := &corev1.Pod{Spec: *t.Spec.DeepCopy()}
	pod.Name, pod.Namespace, pod.Labels, pod.Annotations = "owner-x", "default", t.Labels, t.Annotations
	return pod
}

// show is an object as JSON, for messages.
func show(object any) string {
	text, err := json.MarshalIndent(object, "", " ")
	must(err)
	return fmt.Sprintf("%T %s", object, text)
}
