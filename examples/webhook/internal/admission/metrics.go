package admission

import (
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/pod-security-admission/api"
	ctrl "sigs.k8s.io/controller-runtime/pkg/webhook/admission"
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
			Help:    "Time from a decoded request to its answer, without the network.",
			Buckets: prometheus.ExponentialBuckets(10e-6, 4, 10),
		}, []string{"side"}),
	}
	registry.MustRegister(m.decisions, m.duration)
	return m
}

func (m *Metrics) decided(side string, req *ctrl.Request, f facts, start time.Time) {
	m.decisions.WithLabelValues(side, operation(req), resource(req), f.level, f.outcome, f.policy).Inc()
	m.duration.WithLabelValues(side).Observe(time.Since(start).Seconds())
}

// operation and resource are "other" for what the webhooks are not asked about:
// whoever reaches the port could else make as many series as there are strings.
func operation(req *ctrl.Request) string {
	switch req.Operation {
	case admissionv1.Create, admissionv1.Update:
		return strings.ToLower(string(req.Operation))
	default:
		return "other"
	}
}

func resource(req *ctrl.Request) string {
	name := req.Resource.Resource
	if req.SubResource != "" {
		name += "/" + req.SubResource
	}
	switch name {
	case "pods", "pods/ephemeralcontainers", "namespaces", "podtemplates", "replicationcontrollers",
		"daemonsets", "deployments", "replicasets", "statefulsets", "cronjobs", "jobs":
		return name
	default:
		return "other"
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
