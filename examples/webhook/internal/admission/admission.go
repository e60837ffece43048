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
	"fmt"
	"maps"
	"strings"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/admission"
	admissionapi "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/review"
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
	// MaxRead is how much may be read of a request: see review.Codec.
	MaxRead int64
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
	// namespaces shows namespaces with the labels that they have.
	namespaces admission.NamespaceGetter
	pods       PodReader
	codec      review.Codec
	log        logr.Logger
	metrics    *Metrics
}

// New returns a controller. policies is asked once for each request, so that one
// request is judged by one set.
func New(config Config, policies func() policy.Set, namespaces admission.NamespaceGetter, pods PodReader, log logr.Logger, metrics *Metrics) (*Controller, error) {
	if !strings.HasSuffix(config.LabelPrefix, "/") {
		return nil, fmt.Errorf("the label prefix %q must end in a slash, as in podfence.dev/", config.LabelPrefix)
	}
	c := &Controller{config: config, policies: policies, namespaces: namespaces, pods: pods, codec: review.Codec{MaxMemory: config.MaxRead}, log: log, metrics: metrics}
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
