package admission

import (
	"context"
	"sync"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/review"
)

// inForce are the policies for one request, which know the labels of its namespace.
// These are looked up once, and only if a policy hangs on them, so that all that is
// said of a request is said of one state.
func (c *Controller) inForce(ctx context.Context, r *review.Request) policy.Set {
	look := sync.OnceValues(func() (map[string]string, bool) { return c.labelsOf(ctx, r.Namespace) })
	return c.policies().WithNamespaces(func(namespace string) (map[string]string, bool) {
		switch {
		case r.Resource.Resource == "namespaces" && r.Resource.Group == "" && r.Object != nil && r.Object.Name == namespace:
			return r.Object.Labels, true // those that its running pods will have
		case namespace == r.Namespace:
			return look()
		default:
			return nil, false
		}
	})
}

// labelsOf are the labels of a namespace as they are in the cluster. Where they cannot
// be looked up they are not known.
func (c *Controller) labelsOf(ctx context.Context, namespace string) (labels map[string]string, known bool) {
	found, err := c.namespaces.GetNamespace(ctx, namespace)
	if err != nil {
		logr.FromContextOrDiscard(ctx).Error(err, "the labels of the namespace are not known: no policy selects it by them")
		return nil, false
	}
	return found.Labels, true
}

// notice writes into the audit log what is to be said of policies that do not speak as
// they are written, and tells it to the user whose pod is refused.
func notice(response *admissionv1.AdmissionResponse, result *evaluate.Result) {
	if result == nil || len(result.Notices) == 0 {
		return
	}
	if response.AuditAnnotations == nil {
		response.AuditAnnotations = map[string]string{}
	}
	response.AuditAnnotations[annotationNotices] = listed(len(result.Notices), func(i int) string { return result.Notices[i].String() })
	if response.Allowed {
		return
	}
	for i := range result.Notices[:min(len(result.Notices), longest)] {
		response.Warnings = append(response.Warnings, result.Notices[i].String())
	}
}
