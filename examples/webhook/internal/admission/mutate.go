package admission

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/review"
)

// ephemeral is the subresource that adds ephemeral containers to a pod.
const ephemeral = "ephemeralcontainers"

// mutate fills in pods that are created, and ephemeral containers that are added
// to pods. Everything else is allowed as it is.
func (c *Controller) mutate(ctx context.Context, r *review.Request, unread error) answer {
	if !c.config.Mutate || r.Resource.Resource != "pods" || r.Resource.Group != "" {
		return answer{AdmissionResponse: &admissionv1.AdmissionResponse{Allowed: true}, notOurs: true}
	}
	f, failed := c.fill(ctx, r, unread)
	if failed != nil {
		logr.FromContextOrDiscard(ctx).Error(failed, "nothing could be filled in")
		return errored(failed.code, failed)
	}
	return answer{AdmissionResponse: c.filled(&f), result: &f.Result}
}

// filling is what is filled in, and at which level; or why nothing is.
type filling struct {
	podfence.Decision
	level  api.LevelVersion
	exempt string
}

// failure is a request that could not be read, or not be decided.
type failure struct {
	error
	code int32
}

// filled is the answer that fills in. Its annotations are named as upstream's
// where these have a name.
func (c *Controller) filled(f *filling) *admissionv1.AdmissionResponse {
	response := &admissionv1.AdmissionResponse{Allowed: true, AuditAnnotations: map[string]string{}}
	if f.exempt != "" {
		response.AuditAnnotations[api.ExemptionReasonAnnotationKey] = f.exempt
		return response
	}
	response.AuditAnnotations[api.EnforcedPolicyAnnotationKey] = f.level.String()
	notice(response, &f.Result)
	if !f.Report.Changed() {
		return response
	}
	kind := admissionv1.PatchTypeJSONPatch
	response.Patch, response.PatchType = f.Report.Patch(), &kind
	response.AuditAnnotations[annotationMutation] = changes(&f.Report)
	if f.Result.Policy != nil {
		response.AuditAnnotations[annotationPolicy] = f.Result.PolicyName()
	}
	if c.config.WarnOnMutation {
		response.Warnings = warnings(&f.Decision)
	}
	return response
}

// fill decides what is filled in; nothing, for what is not ours to fill.
func (c *Controller) fill(ctx context.Context, r *review.Request, unread error) (f filling, failed *failure) {
	if f.level, f.exempt, failed = c.enforced(ctx, r); failed != nil || f.level.Level == api.LevelPrivileged {
		return f, failed
	}
	pod, err := podOf(r, r.Pod, unread)
	if err != nil {
		return f, &failure{err, http.StatusBadRequest}
	}
	if class := pod.Spec.RuntimeClassName; class != nil && slices.Contains(c.config.Exemptions.RuntimeClasses, *class) {
		f.exempt = "runtimeClass"
		return f, nil
	}
	switch {
	case r.Operation == admissionv1.Create && r.SubResource == "":
		f.Decision = podfence.AdmitRequested(pod, f.level, c.inForce(ctx, r))
	case r.Operation == admissionv1.Update && r.SubResource == ephemeral:
		old, err := podOf(r, r.OldPod, unread)
		if err != nil {
			return f, &failure{err, http.StatusBadRequest}
		}
		f.Decision = podfence.AdmitEphemeralContainers(old, pod, f.level, c.inForce(ctx, r))
	}
	return f, nil
}

// privileged is the level at which nothing is filled in.
var privileged = api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}

// enforced is the level at which the request's namespace is enforced; privileged
// for whoever is exempt, and by what they are, in upstream's word. Labels that
// cannot be parsed mean what upstream makes of them: restricted.
func (c *Controller) enforced(ctx context.Context, r *review.Request) (lv api.LevelVersion, exempt string, failed *failure) {
	switch {
	case slices.Contains(c.config.Exemptions.Namespaces, r.Namespace):
		return privileged, "namespace", nil
	case slices.Contains(c.config.Exemptions.Usernames, r.UserInfo.Username):
		return privileged, "user", nil
	}
	namespace, err := c.upstream.NamespaceGetter.GetNamespace(ctx, r.Namespace)
	if err != nil {
		return lv, "", &failure{fmt.Errorf("failed to lookup namespace %q: %w", r.Namespace, err), http.StatusInternalServerError}
	}
	levels, _ := c.upstream.PolicyToEvaluate(namespace.Labels)
	return levels.Enforce, "", nil
}

// changes lists what was filled in.
func changes(report *mutate.Report) string {
	list := report.Changes()
	return listed(len(list), func(i int) string { return list[i].String() })
}

// warnings tell the user what was filled in, a line each for the pod and its
// containers, and what may still keep a container from starting. The API server
// shows about 256 bytes of each.
func warnings(d *podfence.Decision) []string {
	var list []string
	for rest := d.Report.Changes(); len(rest) > 0; {
		at := rest[0].Container
		n := slices.IndexFunc(rest, func(c mutate.Change) bool { return c.Container != at })
		if n < 0 {
			n = len(rest)
		}
		who := "the pod"
		if at.Kind != 0 {
			who = fmt.Sprintf("%s %q", at.Kind, at.Name)
		}
		fields := make([]string, n)
		for i := range n {
			fields[i] = rest[i].Field.Short()
		}
		list = append(list, fmt.Sprintf("podfence filled in for %s: %s", who, strings.Join(fields, ", ")))
		rest = rest[n:]
	}
	for _, a := range d.Advice() {
		list = append(list, a.String())
	}
	if len(list) > longest {
		list = append(list[:longest], fmt.Sprintf("and %d more warnings", len(list)-longest))
	}
	return list
}
