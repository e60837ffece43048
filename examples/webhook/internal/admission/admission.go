// Package admission answers the admission requests of a cluster with podfence.
//
// The mutating side fills pods in, by the level that their namespace enforces;
// it refuses nothing, for another mutator may still come. The validating side
// judges what the API server would store. When a pod is judged, who is exempt
// and what a namespace's labels mean is Pod Security Admission's own code
// (k8s.io/pod-security-admission/admission); only the question what a pod
// violates goes to podfence, with the policies in force at that moment.
package admission

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/pod-security-admission/admission"
	admissionapi "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/review"
	"github.com/podfence/podfence/spec"
)

// upstreamPrefix is the prefix of Pod Security Admission's own labels.
const upstreamPrefix = "pod-security.kubernetes.io/"

// Config is what an operator chooses.
type Config struct {
	// LabelPrefix begins the labels of namespaces: podfence.dev/enforce.
	LabelPrefix string
	// Defaults are for namespaces without labels.
	Defaults api.Policy
	// Exemptions are as Pod Security Admission has them.
	Exemptions admissionapi.PodSecurityExemptions
	// Mutate fills pods in; without it the mutating side allows all as it is.
	Mutate bool
	// WarnOnMutation tells the user what was filled in.
	WarnOnMutation bool
	// ClientsAreKnown: every client has shown a certificate, so that none asks but an
	// API server, and its users may be told the names of pods.
	ClientsAreKnown bool
}

// Controller answers requests. It is safe for concurrent use.
type Controller struct {
	config   Config
	policies func() policy.Set
	// upstream decides when a pod is judged. It is copied for each request,
	// with an evaluator that knows the request.
	upstream admission.Admission
	pods     PodReader
	decoder  runtime.Decoder
	metrics  *Metrics
}

// New returns a controller. policies is asked once for each request, so that one
// request is judged by one set.
func New(config Config, policies func() policy.Set, namespaces admission.NamespaceGetter, pods PodReader, metrics *Metrics) (*Controller, error) {
	if !strings.HasSuffix(config.LabelPrefix, "/") {
		return nil, fmt.Errorf("the label prefix %q must end in a slash, as in podfence.dev/", config.LabelPrefix)
	}
	c := &Controller{config: config, policies: policies, pods: pods, decoder: newDecoder(), metrics: metrics}
	c.upstream = admission.Admission{
		Configuration: &admissionapi.PodSecurityConfiguration{
			Defaults:   defaults(config.Defaults),
			Exemptions: config.Exemptions,
		},
		Evaluator:       &evaluator{},
		Metrics:         unrecorded{},
		NamespaceGetter: &translatedNamespaces{namespaces, config.LabelPrefix},
		PodLister:       &running{}, // of no request yet
	}
	if err := c.upstream.CompleteConfiguration(); err != nil {
		return nil, err
	}
	return c, c.upstream.ValidateConfiguration()
}

// defaults writes levels and versions in the words of upstream's configuration.
func defaults(p api.Policy) admissionapi.PodSecurityDefaults {
	word := func(l api.Level) string { return string(cmp.Or(l, api.LevelPrivileged)) }
	version := func(lv api.LevelVersion) string {
		if lv.Version == (api.Version{}) {
			return api.LatestVersion().String()
		}
		return lv.Version.String()
	}
	return admissionapi.PodSecurityDefaults{
		Enforce: word(p.Enforce.Level), EnforceVersion: version(p.Enforce),
		Audit: word(p.Audit.Level), AuditVersion: version(p.Audit),
		Warn: word(p.Warn.Level), WarnVersion: version(p.Warn),
	}
}

func newDecoder() runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme} {
		utilruntime.Must(add(scheme))
	}
	return sparsePods{serializer.NewCodecFactory(scheme).UniversalDeserializer()}
}

// sparsePods reads of pods what a decision looks at, in a fraction of the time that
// it takes to decode them whole. Everything else, and what cannot be read so, it
// leaves to the decoder.
type sparsePods struct{ runtime.Decoder }

func (d sparsePods) Decode(data []byte, defaults *schema.GroupVersionKind, into runtime.Object) (runtime.Object, *schema.GroupVersionKind, error) {
	if into == nil {
		kind := corev1.SchemeGroupVersion.WithKind("Pod")
		if pod, err := review.Pod(data); err == nil && pod.GroupVersionKind() == kind {
			return pod, &kind, nil
		}
	}
	return d.Decoder.Decode(data, defaults, into)
}

// unreadable is why an object could not be decoded, without the object: this
// text is logged, and an object without a kind is quoted whole by the decoder.
// What the decoder quotes of the object is made printable.
func unreadable(err error) error {
	switch {
	case err == nil:
		return nil
	case runtime.IsMissingKind(err):
		return errors.New("the object has no kind")
	case runtime.IsMissingVersion(err):
		return errors.New("the object has no apiVersion")
	default:
		return errors.New(spec.Printable(fmt.Sprintf("%.300s", err.Error())))
	}
}

// translatedNamespaces shows the labels of namespaces under upstream's prefix.
type translatedNamespaces struct {
	admission.NamespaceGetter
	prefix string
}

func (n *translatedNamespaces) GetNamespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	namespace, err := n.NamespaceGetter.GetNamespace(ctx, name)
	if err != nil {
		return nil, err
	}
	return translated(namespace, n.prefix), nil
}

// translated is the namespace with its labels under upstream's prefix, and
// without labels that were there already: those are upstream's to read. The
// namespace itself belongs to a cache and stays as it is.
func translated(namespace *corev1.Namespace, prefix string) *corev1.Namespace {
	if prefix == upstreamPrefix {
		return namespace
	}
	shown := *namespace
	shown.Labels = maps.Clone(namespace.Labels)
	maps.DeleteFunc(shown.Labels, func(key, _ string) bool { return strings.HasPrefix(key, upstreamPrefix) })
	for key, value := range namespace.Labels {
		if rest, ours := strings.CutPrefix(key, prefix); ours {
			shown.Labels[upstreamPrefix+rest] = value
		}
	}
	return &shown
}

// unrecorded takes upstream's metrics, which have names of their own; see Metrics.
type unrecorded struct{}

// The methods of upstream's metrics.Recorder.
func (unrecorded) RecordEvaluation(decision, api.LevelVersion, mode, api.Attributes) {}
func (unrecorded) RecordExemption(api.Attributes)                                    {}
func (unrecorded) RecordError(bool, api.Attributes)                                  {}

var _ psa.Evaluator = &evaluator{}
