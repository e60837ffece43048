package admission

import (
	"context"
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

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/mutate"
)

// Mutate fills in pods that are created, and ephemeral containers that are added
// to pods. Everything else is allowed as it is.
func (c *Controller) Mutate(ctx context.Context, req ctrl.Request) ctrl.Response {
	start := time.Now()
	if err := incomplete(&req.AdmissionRequest); err != nil {
		return c.answered(ctx, mutating, &req, ctrl.Errored(http.StatusBadRequest, err), nil, start)
	}
	if !c.config.Mutate || req.Resource.Resource != "pods" || req.Resource.Group != "" {
		return ctrl.Allowed("")
	}
	f, err := c.fill(ctx, &req.AdmissionRequest)
	if err != nil {
		ctrllog.FromContext(ctx).Error(err, "nothing could be filled in")
		return c.answered(ctx, mutating, &req, ctrl.Errored(err.code, err), nil, start)
	}
	return c.answered(ctx, mutating, &req, ctrl.Response{AdmissionResponse: c.filled(&f)}, &f.Result, start)
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
func (c *Controller) filled(f *filling) admissionv1.AdmissionResponse {
	response := admissionv1.AdmissionResponse{Allowed: true, AuditAnnotations: map[string]string{}}
	if f.exempt != "" {
		response.AuditAnnotations[api.ExemptionReasonAnnotationKey] = f.exempt
		return response
	}
	response.AuditAnnotations[api.EnforcedPolicyAnnotationKey] = f.level.String()
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
func (c *Controller) fill(ctx context.Context, req *admissionv1.AdmissionRequest) (f filling, failed *failure) {
	if f.level, f.exempt, failed = c.enforced(ctx, req); failed != nil || f.level.Level == api.LevelPrivileged {
		return f, failed
	}
	pod, err := c.pod(req.Object, req.Namespace)
	if err != nil {
		return f, &failure{fmt.Errorf("object: %w", err), http.StatusBadRequest}
	}
	if class := pod.Spec.RuntimeClassName; class != nil && slices.Contains(c.config.Exemptions.RuntimeClasses, *class) {
		f.exempt = "runtimeClass"
		return f, nil
	}
	switch {
	case req.Operation == admissionv1.Create && req.SubResource == "":
		f.Decision = podfence.AdmitRequested(pod, f.level, c.policies())
	case req.Operation == admissionv1.Update && req.SubResource == "ephemeralcontainers":
		old, err := c.pod(req.OldObject, req.Namespace)
		if err != nil {
			return f, &failure{fmt.Errorf("oldObject: %w", err), http.StatusBadRequest}
		}
		f.Decision = podfence.AdmitEphemeralContainers(old, pod, f.level, c.policies())
	}
	return f, nil
}

// privileged is the level at which nothing is filled in.
var privileged = api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}

// enforced is the level at which the request's namespace is enforced; privileged
// for whoever is exempt, and by what they are, in upstream's word. Labels that
// cannot be parsed mean what upstream makes of them: restricted.
func (c *Controller) enforced(ctx context.Context, req *admissionv1.AdmissionRequest) (lv api.LevelVersion, exempt string, failed *failure) {
	switch {
	case slices.Contains(c.config.Exemptions.Namespaces, req.Namespace):
		return privileged, "namespace", nil
	case slices.Contains(c.config.Exemptions.Usernames, req.UserInfo.Username):
		return privileged, "user", nil
	}
	namespace, err := c.upstream.NamespaceGetter.GetNamespace(ctx, req.Namespace)
	if err != nil {
		return lv, "", &failure{fmt.Errorf("failed to lookup namespace %q: %w", req.Namespace, err), http.StatusInternalServerError}
	}
	levels, _ := c.upstream.PolicyToEvaluate(namespace.Labels)
	return levels.Enforce, "", nil
}

// pod decodes a pod. Its namespace is the request's: the object of a request to
// create need not name it.
func (c *Controller) pod(raw runtime.RawExtension, namespace string) (*corev1.Pod, error) {
	object, _, err := c.decoder.Decode(raw.Raw, nil, nil)
	if err != nil {
		return nil, unreadable(err)
	}
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return nil, fmt.Errorf("a %T stands where a pod belongs", object)
	}
	pod.Namespace = namespace
	return pod, nil
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
