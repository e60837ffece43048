package admission

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/review"
)

// Audit annotations beside those of upstream.
const (
	annotationPolicy   = "policy"
	annotationExcused  = "excused"
	annotationMutation = "mutations"
	annotationNotices  = "notices"
)

// validate judges pods, pod templates and the labels of namespaces.
func (c *Controller) validate(ctx context.Context, r *review.Request, unread error) answer {
	e := &evaluator{namespace: r.Namespace, policies: c.inForce(ctx, r), fillsAt: privileged, claims: r.Claims}
	kind := r.Resource.Resource
	e.template = kind != "pods" && kind != "namespaces"
	if c.config.Mutate && e.template {
		// Upstream says itself what it makes of a namespace that cannot be read.
		if lv, _, failed := c.enforced(ctx, r); failed == nil {
			e.fillsAt = lv
		}
	}
	if kind == "pods" && r.SubResource == ephemeral {
		// Upstream says itself what it makes of a pod that cannot be read.
		e.old, _ = podOf(r, r.OldPod, unread)
	}
	upstream, attributes := c.upstream, &attributes{Request: r, unread: unread, prefix: c.config.LabelPrefix}
	running := &running{Controller: c, attributes: attributes, evaluator: e}
	upstream.Evaluator, upstream.PodLister = e, running
	response := upstream.Validate(ctx, attributes).DeepCopy() // it may be upstream's, and shared
	response.Warnings = append(response.Warnings, running.warnings...)
	c.inOurWords(response)
	a := answer{AdmissionResponse: response}
	if kind == "pods" {
		a.result = e.enforced()
		explain(response, a.result)
		notice(response, a.result)
	}
	return a
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
