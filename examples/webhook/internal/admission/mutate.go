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
	ctrl "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/mutate"
)

// Mutate fills in pods that are created, and ephemeral containers that are added
// to pods. Everything else is allowed as it is.
func (c *Controller) Mutate(ctx context.Context, req ctrl.Request) ctrl.Response {
	start := time.Now()
	if err := incomplete(&req.AdmissionRequest); err != nil {
		return ctrl.Errored(http.StatusBadRequest, err)
	}
	if !c.config.Mutate || req.Resource.Resource != "pods" || req.Resource.Group != "" {
		return ctrl.Allowed("")
	}
	d, err := c.fill(ctx, &req.AdmissionRequest)
	if err != nil {
		response := ctrl.Errored(err.code, err)
		c.metrics.decided(mutating, &req, &response.AdmissionResponse, nil, start)
		return response
	}
	response := admissionv1.AdmissionResponse{Allowed: true}
	if d.Report.Changed() {
		kind := admissionv1.PatchTypeJSONPatch
		response.Patch, response.PatchType = d.Report.Patch(), &kind
		response.AuditAnnotations = map[string]string{annotationMutation: changes(&d.Report)}
		if d.Result.Policy != nil {
			response.AuditAnnotations[annotationPolicy] = d.Result.PolicyName()
		}
		if c.config.WarnOnMutation {
			response.Warnings = warnings(&d)
		}
	}
	c.metrics.decided(mutating, &req, &response, &d.Result, start)
	logDecision(ctx, mutating, &response, &d.Result)
	return ctrl.Response{AdmissionResponse: response}
}

// failure is a request that could not be read, or not be decided.
type failure struct {
	error
	code int32
}

// fill decides what is filled in; nothing, for what is not ours to fill.
func (c *Controller) fill(ctx context.Context, req *admissionv1.AdmissionRequest) (podfence.Decision, *failure) {
	lv, failed := c.enforced(ctx, req)
	if failed != nil || lv.Level == api.LevelPrivileged {
		return podfence.Decision{}, failed
	}
	pod, err := c.pod(req.Object, req.Namespace)
	if err != nil {
		return podfence.Decision{}, &failure{fmt.Errorf("object: %w", err), http.StatusBadRequest}
	}
	if class := pod.Spec.RuntimeClassName; class != nil && slices.Contains(c.config.Exemptions.RuntimeClasses, *class) {
		return podfence.Decision{}, nil
	}
	switch {
	case req.Operation == admissionv1.Create && req.SubResource == "":
		return podfence.Admit(pod, lv, c.policies()), nil
	case req.Operation == admissionv1.Update && req.SubResource == "ephemeralcontainers":
		old, err := c.pod(req.OldObject, req.Namespace)
		if err != nil {
			return podfence.Decision{}, &failure{fmt.Errorf("oldObject: %w", err), http.StatusBadRequest}
		}
		return podfence.AdmitEphemeralContainers(old, pod, lv, c.policies()), nil
	default:
		return podfence.Decision{}, nil
	}
}

// privileged is the level at which nothing is filled in.
var privileged = api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}

// enforced is the level at which the request's namespace is enforced; privileged
// for whoever is exempt. Labels that cannot be parsed mean what upstream makes
// of them: restricted.
func (c *Controller) enforced(ctx context.Context, req *admissionv1.AdmissionRequest) (api.LevelVersion, *failure) {
	exempt := c.config.Exemptions
	if slices.Contains(exempt.Namespaces, req.Namespace) || slices.Contains(exempt.Usernames, req.UserInfo.Username) {
		return privileged, nil
	}
	namespace, err := c.upstream.NamespaceGetter.GetNamespace(ctx, req.Namespace)
	if err != nil {
		return api.LevelVersion{}, &failure{fmt.Errorf("failed to lookup namespace %q: %w", req.Namespace, err), http.StatusInternalServerError}
	}
	levels, _ := c.upstream.PolicyToEvaluate(namespace.Labels)
	return levels.Enforce, nil
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
			field := string(rest[i].Field)
			fields[i] = field[strings.LastIndex(field, "securityContext.")+len("securityContext."):]
		}
		list = append(list, fmt.Sprintf("podfence filled in for %s: %s", who, strings.Join(fields, ", ")))
		rest = rest[n:]
	}
	for _, a := range d.Report.Advice() {
		list = append(list, fmt.Sprintf("%s %q: %s", a.Container.Kind, a.Container.Name, a.Text))
	}
	if len(list) > longest {
		list = append(list[:longest], fmt.Sprintf("and %d more warnings", len(list)-longest))
	}
	return list
}
