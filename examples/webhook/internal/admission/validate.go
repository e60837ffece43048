package admission

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	ctrl "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/podfence/podfence/evaluate"
)

// Audit annotations beside those of upstream.
const (
	annotationPolicy   = "policy"
	annotationExcused  = "excused"
	annotationMutation = "mutations"
)

// Validate judges pods, pod templates and the labels of namespaces.
func (c *Controller) Validate(ctx context.Context, req ctrl.Request) ctrl.Response {
	start := time.Now()
	if err := incomplete(&req.AdmissionRequest); err != nil {
		return c.answered(ctx, validating, &req, ctrl.Errored(http.StatusBadRequest, err), nil, start)
	}
	e := &evaluator{namespace: req.Namespace, policies: c.policies(), fillsAt: privileged}
	kind := req.Resource.Resource
	e.template = kind != "pods" && kind != "namespaces"
	if c.config.Mutate && e.template {
		// Upstream says itself what it makes of a namespace that cannot be read.
		if lv, _, failed := c.enforced(ctx, &req.AdmissionRequest); failed == nil {
			e.fillsAt = lv
		}
	}
	if req.Resource.Resource == "pods" && req.SubResource == "ephemeralcontainers" {
		// Upstream says itself what it makes of a pod that cannot be read.
		e.old, _ = c.pod(req.OldObject, req.Namespace)
	}
	upstream, attributes := c.upstream, c.attributes(&req.AdmissionRequest)
	running := &running{Controller: c, attributes: attributes, evaluator: e}
	upstream.Evaluator, upstream.PodLister = e, running
	shared := upstream.Validate(ctx, attributes)
	response := *shared.DeepCopy() // it may be upstream's, and shared
	response.Warnings = append(response.Warnings, running.warnings...)
	c.inOurWords(&response)
	var result *evaluate.Result
	if req.Resource.Resource == "pods" {
		result = e.enforced()
		explain(&response, result)
	}
	return c.answered(ctx, validating, &req, ctrl.Response{AdmissionResponse: response}, result, start)
}

// answered counts and logs an answer, and returns it.
func (c *Controller) answered(ctx context.Context, side string, req *ctrl.Request, response ctrl.Response, result *evaluate.Result, start time.Time) ctrl.Response {
	f := factsOf(&response.AdmissionResponse, result)
	c.metrics.decided(side, req, f, start)
	f.log(ctx, side, result)
	return response
}

// incomplete reports a review without a request in it. Its decoder takes any
// object for a review, and what says nothing must not be allowed.
func incomplete(req *admissionv1.AdmissionRequest) error {
	if req.UID == "" || req.Operation == "" || req.Resource.Resource == "" {
		return errors.New("this is no AdmissionReview with a request: uid, operation and resource must be set")
	}
	return nil
}

// attributes shows a request to upstream, namespaces with translated labels.
func (c *Controller) attributes(req *admissionv1.AdmissionRequest) *attributes {
	return &attributes{Attributes: api.RequestAttributes(req, c.decoder), prefix: c.config.LabelPrefix}
}

type attributes struct {
	api.Attributes
	prefix string
	// before and after are the namespaces that were shown, nil if none was.
	before, after *corev1.Namespace
}

func (a *attributes) GetObject() (runtime.Object, error) {
	object, err := a.Attributes.GetObject()
	return a.show(object, err, &a.after)
}

func (a *attributes) GetOldObject() (runtime.Object, error) {
	object, err := a.Attributes.GetOldObject()
	return a.show(object, err, &a.before)
}

func (a *attributes) show(object runtime.Object, err error, shown **corev1.Namespace) (runtime.Object, error) {
	if namespace, ok := object.(*corev1.Namespace); ok && err == nil {
		*shown = translated(namespace, a.prefix)
		return *shown, nil
	}
	return object, unreadable(err)
}

// inOurWords names the labels of namespaces as they are on the namespace.
func (c *Controller) inOurWords(response *admissionv1.AdmissionResponse) {
	if c.config.LabelPrefix == upstreamPrefix {
		return
	}
	rename := func(s string) string { return strings.ReplaceAll(s, upstreamPrefix, c.config.LabelPrefix) }
	if result := response.Result; result != nil {
		result.Message = rename(result.Message)
		if result.Details != nil {
			for i := range result.Details.Causes {
				cause := &result.Details.Causes[i]
				cause.Field, cause.Message = rename(cause.Field), rename(cause.Message)
			}
		}
	}
	for key, value := range response.AuditAnnotations {
		response.AuditAnnotations[key] = rename(value)
	}
}

// explain adds what upstream does not know: the governing policy, what it
// excuses, and, to a refusal, what is missing. Where no policy governs the pod,
// the answer stays upstream's own.
func explain(response *admissionv1.AdmissionResponse, result *evaluate.Result) {
	if result == nil || result.Policy == nil {
		return
	}
	if response.AuditAnnotations == nil {
		response.AuditAnnotations = map[string]string{}
	}
	response.AuditAnnotations[annotationPolicy] = result.PolicyName()
	if len(result.Excused) > 0 {
		response.AuditAnnotations[annotationExcused] = excused(result)
	}
	if !response.Allowed && response.Result != nil && response.Result.Code == http.StatusForbidden {
		response.Result.Message += fmt.Sprintf("; policy %q governs the pod, and what is left is: %s", result.PolicyName(), left(result))
	}
}

// excused lists what was struck out and by which grant, shortest form.
func excused(result *evaluate.Result) string {
	return listed(len(result.Excused), func(i int) string {
		v := &result.Excused[i]
		return fmt.Sprintf("%s=%s by %s", v.Location, v.ValueString(), v.ExcusedBy)
	})
}

func left(result *evaluate.Result) string {
	return listed(len(result.Violations), func(i int) string { return result.Violations[i].String() })
}

// longest is how many things are listed. A pod may have thousands of containers
// before the API server has validated it.
const longest = 50

// listed joins the first of n things, and says how many more there are.
func listed(n int, thing func(int) string) string {
	list := make([]string, 0, longest+1)
	for i := range min(n, longest) {
		list = append(list, thing(i))
	}
	if n > longest {
		list = append(list, fmt.Sprintf("and %d more", n-longest))
	}
	return strings.Join(list, "; ")
}

// facts are what metrics and logs tell of an answer: nothing that a pod holds.
type facts struct{ outcome, level, policy string }

func factsOf(response *admissionv1.AdmissionResponse, result *evaluate.Result) (f facts) {
	f.outcome = outcome(response)
	f.level, _, _ = strings.Cut(response.AuditAnnotations[api.EnforcedPolicyAnnotationKey], ":")
	if result != nil {
		f.policy = result.PolicyName()
	}
	return f
}

// log writes one line at debug level. controller-runtime has put the names of the
// object, of its namespace and of the user into the logger.
func (f facts) log(ctx context.Context, side string, result *evaluate.Result) {
	log := ctrllog.FromContext(ctx).V(1)
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
