package native_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/generic"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/warning"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"

	"github.com/podfence/podfence/internal/validation/apiserver"
)

// server is admission in a kube-apiserver, as far as policies in CEL go: the
// dispatchers are its own, and with them the matching of requests, conversion and
// defaults. It answers one request at a time.
type server struct {
	validatingPolicies []validating.PolicyHook
	mutatingPolicies   []mutating.PolicyHook
	// calls is how often a mutation was evaluated.
	calls *int

	namespaces *oneNamespace
	validating generic.Dispatcher[validating.PolicyHook]
	mutating   generic.Dispatcher[mutating.PolicyHook]
}

// request is one about a pod, or about an object of another resource.
type request struct {
	namespace   *corev1.Namespace
	object, old runtime.Object // in the version v1
	resource    schema.GroupVersionResource
	kind        schema.GroupVersionKind
	subresource string
	operation   admission.Operation
	username    string
}

var (
	podResource = corev1.SchemeGroupVersion.WithResource("pods")
	podKind     = corev1.SchemeGroupVersion.WithKind("Pod")
)

// creation is a request to create a pod.
func creation(namespace *corev1.Namespace, pod *corev1.Pod) *request {
	return &request{namespace: namespace, object: pod, resource: podResource, kind: podKind, operation: admission.Create, username: "somebody"}
}

// debugging is an update of a pod's ephemeral containers.
func debugging(namespace *corev1.Namespace, old, updated *corev1.Pod) *request {
	r := creation(namespace, updated)
	r.old, r.subresource, r.operation = old, "ephemeralcontainers", admission.Update
	return r
}

// answer is what the server says of a request.
type answer struct {
	// refusal is the message of a refusal behind the server's own words, empty where
	// the request is let through.
	refusal string
	// code is the HTTP status of a refusal.
	code int32
	// audit are the annotations, with their whole keys.
	audit map[string]string
	// warnings are whole, with the server's words.
	warnings []string
}

// newServer is a server with these objects, none of which may have an error.
func newServer(policies *objects) (*server, error) {
	s := &server{namespaces: &oneNamespace{}, calls: new(int)}
	matcher := matching.NewMatcher(s.namespaces, nil)
	s.validating = validating.NewDispatcher(nil, generic.NewPolicyMatcher(matcher))
	s.mutating = mutating.NewDispatcher(nil, matcher, deduced{})
	for _, p := range policies.validating {
		evaluator, errs := compileValidating(p)
		if len(errs) > 0 {
			return nil, fmt.Errorf("%s: %w", p.Name, errs[0])
		}
		hook := validating.PolicyHook{Policy: p, Evaluator: evaluator}
		for _, b := range policies.validatingBindings {
			if b.Spec.PolicyName == p.Name {
				hook.Bindings = append(hook.Bindings, b)
			}
		}
		s.validatingPolicies = append(s.validatingPolicies, hook)
	}
	for _, p := range policies.mutating {
		evaluator, errs := compileMutating(p)
		if len(errs) > 0 {
			return nil, fmt.Errorf("%s: %w", p.Name, errs[0])
		}
		for i, patcher := range evaluator.Mutators {
			evaluator.Mutators[i] = counting{patcher, s.calls}
		}
		hook := mutating.PolicyHook{Policy: p, Evaluator: *evaluator}
		for _, b := range policies.mutatingBindings {
			if b.Spec.PolicyName == p.Name {
				hook.Bindings = append(hook.Bindings, b)
			}
		}
		s.mutatingPolicies = append(s.mutatingPolicies, hook)
	}
	return s, nil
}

// attributes are those of a request as admission sees it, with the internal objects.
type attributes struct {
	admission.Attributes
	annotations map[string]string
}

// AddAnnotation notes an annotation for the audit log.
func (a *attributes) AddAnnotation(key, value string) error {
	a.annotations[key] = value
	return nil
}

func (s *server) attributes(r *request) *attributes {
	s.namespaces.namespace = r.namespace
	var old runtime.Object
	if r.old != nil {
		old = internal(r.old)
	}
	object := internal(r.object)
	return &attributes{
		Attributes: admission.NewAttributesRecord(object, old, r.kind, r.namespace.Name, nameOf(object), r.resource, r.subresource, r.operation, nil, false,
			&user.DefaultInfo{Name: r.username}),
		annotations: map[string]string{},
	}
}

// internal is an object as the server holds it, with its defaults.
func internal(external runtime.Object) runtime.Object {
	switch external := external.(type) {
	case *corev1.Pod:
		return apiserver.Decoded[core.Pod](external)
	default:
		object := external.DeepCopyObject()
		legacyscheme.Scheme.Default(object)
		converted, err := legacyscheme.Scheme.ConvertToVersion(object, runtime.InternalGroupVersioner)
		must(err)
		return converted
	}
}

var interfaces = admission.NewObjectInterfacesFromScheme(legacyscheme.Scheme)

// mutate is the request's pod after the mutating policies, and as clients see it.
func (s *server) mutate(r *request) (*corev1.Pod, error) {
	a := s.attributes(r)
	if err := s.mutating.Dispatch(context.Background(), a, interfaces, s.mutatingPolicies); err != nil {
		return nil, err
	}
	if len(a.annotations) > 0 {
		return nil, fmt.Errorf("a mutating policy annotates: %v", a.annotations)
	}
	return apiserver.Encoded[corev1.Pod](a.GetObject()), nil
}

// validate is what the validating policies say of a request.
func (s *server) validate(r *request) answer {
	a, warnings := s.attributes(r), &recorder{}
	err := s.validating.Dispatch(warning.WithWarningRecorder(context.Background(), warnings), a, interfaces, s.validatingPolicies)
	said := answer{audit: a.annotations, warnings: warnings.texts}
	if err != nil {
		said.refusal = err.Error()
		if status, ok := err.(apierrors.APIStatus); ok {
			said.code = status.Status().Code
			// The server says first which object, policy and binding.
			if _, text, found := strings.Cut(said.refusal, "' denied request: "); found {
				said.refusal = text
			}
		}
	}
	return said
}

// annotations are those of one policy, without its name.
func (a *answer) annotations(policy string) map[string]string {
	of := map[string]string{}
	for key, value := range maps.All(a.audit) {
		if own, ok := strings.CutPrefix(key, policy+"/"); ok {
			of[own] = value
		}
	}
	return of
}

// failures are what policies with the action Audit found.
func (a *answer) failures() (found []validating.ValidationFailureValue) {
	if text, ok := a.audit["validation.policy.admission.k8s.io/validation_failure"]; ok {
		must(json.Unmarshal([]byte(text), &found))
	}
	return found
}

type recorder struct{ texts []string }

// AddWarning notes a warning.
func (r *recorder) AddWarning(_, text string) { r.texts = append(r.texts, text) }

// oneNamespace is a lister that knows the namespace of the request.
type oneNamespace struct {
	corev1listers.NamespaceLister
	namespace *corev1.Namespace
}

// Get returns the namespace of the request.
func (o *oneNamespace) Get(name string) (*corev1.Namespace, error) {
	if o.namespace == nil || o.namespace.Name != name {
		return nil, apierrors.NewNotFound(corev1.Resource("namespaces"), name)
	}
	return o.namespace, nil
}

// List returns it too.
func (o *oneNamespace) List(labels.Selector) ([]*corev1.Namespace, error) {
	return []*corev1.Namespace{o.namespace}, nil
}

// deduced are converters of types for patches that merge; JSON patches need none.
type deduced struct{}

// GetTypeConverter returns one that knows no schema.
func (deduced) GetTypeConverter(schema.GroupVersionKind) managedfields.TypeConverter {
	return managedfields.NewDeducedTypeConverter()
}

// Run does nothing.
func (deduced) Run(context.Context) {}

// objects are those of a cluster, in the types of upstream.
type objects struct {
	validating         []*admissionregistrationv1.ValidatingAdmissionPolicy
	validatingBindings []*admissionregistrationv1.ValidatingAdmissionPolicyBinding
	mutating           []*admissionregistrationv1.MutatingAdmissionPolicy
	mutatingBindings   []*admissionregistrationv1.MutatingAdmissionPolicyBinding
}
