package admission

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/review"
)

// The two sides, as metrics and logs name them.
const (
	mutating   = "mutate"
	validating = "validate"
)

// Metrics count decisions. Every label has a bounded number of values, so that
// names of pods and namespaces are none.
type Metrics struct {
	decisions *prometheus.CounterVec
	duration  *prometheus.HistogramVec
}

// NewMetrics registers the metrics of admission.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "podfence_decisions_total",
			Help: "Number of answered admission requests, by side (mutate, validate), operation, resource, level enforced on pods, outcome (allowed, warned, audited, filled, denied, exempt, error) and governing policy.",
		}, []string{"side", "operation", "resource", "level", "outcome", "policy"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "podfence_decision_duration_seconds",
			Help:    "Time from the bytes of a request to those of its answer, without the network.",
			Buckets: prometheus.ExponentialBuckets(10e-6, 4, 10),
		}, []string{"side"}),
	}
	registry.MustRegister(m.decisions, m.duration)
	return m
}

func (m *Metrics) decided(side string, f facts, start time.Time) {
	m.decisions.WithLabelValues(side, f.operation, f.resource, f.level, f.outcome, f.policy).Inc()
	m.duration.WithLabelValues(side).Observe(time.Since(start).Seconds())
}

// facts are what metrics and logs tell of an answer: nothing that a pod holds.
type facts struct{ operation, resource, outcome, level, policy string }

var (
	// unknown are those about a body that holds no request.
	unknown = facts{operation: other, resource: other, outcome: "error"}
	// notOurs are those about a request that a side does not decide about.
	notOurs = facts{}
)

func factsOf(r *review.Request, a *answer) facts {
	if a.notOurs {
		return notOurs
	}
	f := facts{operation: operation(r), resource: resource(r), outcome: outcome(a.AdmissionResponse)}
	f.level, _, _ = strings.Cut(a.AuditAnnotations[api.EnforcedPolicyAnnotationKey], ":")
	if a.result != nil {
		f.policy = a.result.PolicyName()
	}
	return f
}

// log writes one line at debug level. The logger has the names of
// the object, of its namespace and of the user.
func (f facts) log(ctx context.Context, side string, result *evaluate.Result) {
	if f == notOurs {
		return
	}
	log := logr.FromContextOrDiscard(ctx).V(1)
	if !log.Enabled() {
		return
	}
	var checks []string
	if result != nil {
		for i := range result.Violations {
			checks = append(checks, result.Violations[i].CheckOrRule())
		}
	}
	log.Info("decided", "side", side, "outcome", f.outcome, "level", f.level, "policy", f.policy, "violated", slices.Compact(checks))
}

// other is what operation and resource are of what the webhooks are not asked about:
// whoever reaches the port could else make as many series as there are strings.
const other = "other"

func operation(r *review.Request) string {
	switch r.Operation {
	case admissionv1.Create:
		return "create"
	case admissionv1.Update:
		return "update"
	default:
		return other
	}
}

func resource(r *review.Request) string {
	name := r.Resource.Resource
	if r.SubResource != "" {
		name += "/" + r.SubResource
	}
	switch name {
	case "pods", "pods/ephemeralcontainers", "namespaces", "podtemplates", "replicationcontrollers",
		"daemonsets", "deployments", "replicasets", "statefulsets", "cronjobs", "jobs":
		return name
	default:
		return other
	}
}

// outcome is what became of a request. What is warned of may be in the audit log as
// well; "audited" is what nobody but the reader of that log hears of.
func outcome(response *admissionv1.AdmissionResponse) string {
	_, exempt := response.AuditAnnotations[api.ExemptionReasonAnnotationKey]
	_, audited := response.AuditAnnotations[api.AuditViolationsAnnotationKey]
	switch {
	case exempt:
		return "exempt"
	case len(response.Patch) > 0:
		return "filled"
	case response.Allowed && len(response.Warnings) > 0:
		return "warned"
	case response.Allowed && audited:
		return "audited"
	case response.Allowed:
		return "allowed"
	case response.Result != nil && (response.Result.Code == http.StatusForbidden || response.Result.Code == http.StatusUnprocessableEntity):
		return "denied"
	default:
		return "error"
	}
}
