package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	admissionapi "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/examples/webhook/internal/limits"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/policy"
)

// namespaces are those of the tests, by name.
type namespaces map[string]map[string]string

func (n namespaces) GetNamespace(_ context.Context, name string) (*corev1.Namespace, error) {
	labels, ok := n[name]
	if !ok {
		return nil, apierrors.NewNotFound(corev1.Resource("namespaces"), name)
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, nil
}

type pods []*corev1.Pod

func (p pods) ListPods(context.Context, string) ([]*corev1.Pod, error) { return p, nil }

func (p pods) ReadPods(_ context.Context, _ string, show func(*corev1.Pod)) (int64, error) {
	for _, pod := range p {
		show(pod)
	}
	return 0, nil
}

var cluster = namespaces{
	"free":      nil,
	"shop":      {"podfence.dev/enforce": "restricted"},
	"old":       {"podfence.dev/enforce": "restricted", "podfence.dev/enforce-version": "v1.18"},
	"base":      {"podfence.dev/enforce": "baseline", "podfence.dev/warn": "restricted", "podfence.dev/audit": "restricted"},
	"misspelt":  {"podfence.dev/enforce": "restriced"},
	"upstreams": {"pod-security.kubernetes.io/enforce": "restricted"},
	"exempt":    {"podfence.dev/enforce": "restricted"},
	"audits":    {"podfence.dev/audit": "restricted"},
}

const grantsPrivileged = "name: nodes\npodSelectorLabels: {app: agent}\nallow: {privileged: true}\n"

func newController(t testing.TB, change func(*Config)) *Controller {
	t.Helper()
	policies, err := policy.Parse([]byte(grantsPrivileged), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		LabelPrefix: "podfence.dev/", Mutate: true, WarnOnMutation: true,
		Exemptions: admissionapi.PodSecurityExemptions{Namespaces: []string{"exempt"}, Usernames: []string{"root"}, RuntimeClasses: []string{"kata"}},
	}
	if change != nil {
		change(&config)
	}
	existing := pods{{ObjectMeta: metav1.ObjectMeta{Name: "running"}, Spec: corev1.PodSpec{HostPID: true}}}
	c, err := New(config, func() policy.Set { return set }, cluster, existing, logr.Discard(), NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func raw(t testing.TB, text string) runtime.RawExtension {
	t.Helper()
	if text == "" {
		return runtime.RawExtension{}
	}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return runtime.RawExtension{Raw: data}
}

// request is one to create a pod, unless the row says otherwise.
func request(t testing.TB, namespace, object string, change func(*admissionv1.AdmissionRequest)) admissionv1.AdmissionRequest {
	t.Helper()
	r := admissionv1.AdmissionRequest{
		UID: "1", Operation: admissionv1.Create, Namespace: namespace, Name: "p",
		Kind: metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
		Object: raw(t, object), UserInfo: authenticationv1.UserInfo{Username: "somebody"},
	}
	if change != nil {
		change(&r)
	}
	return r
}

// Mutate and Validate ask the webhooks, from bytes to bytes and behind limits that are
// wide. A status other than 200 is the code of the answer.
func (c *Controller) Mutate(ctx context.Context, r admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	return c.ask(ctx, c.Mutating(), r)
}

func (c *Controller) Validate(ctx context.Context, r admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	return c.ask(ctx, c.Validating(), r)
}

func (c *Controller) ask(ctx context.Context, webhook http.Handler, r admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	if log, err := logr.FromContext(ctx); err == nil {
		c.log = log
	}
	review := []byte(patchtest.MustJSON(admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: &r}))
	w := answered(behindLimits(webhook), review)
	if w.Code != http.StatusOK {
		return &admissionv1.AdmissionResponse{Result: &metav1.Status{Code: int32(w.Code), Message: w.Body.String()}}
	}
	var answer admissionv1.AdmissionReview
	d := json.NewDecoder(w.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&answer); err != nil || answer.Response == nil || answer.Response.UID != r.UID || answer.Kind != "AdmissionReview" || answer.APIVersion != "admission.k8s.io/v1" {
		panic(fmt.Sprintf("no answer to %s: %+v, %v", review, answer, err))
	}
	return answer.Response
}

// wide are limits that no test comes near.
var wide = limits.Limits{
	MaxBody: limits.LargestBody, MaxBodies: 32 << 20, MaxMemory: 1 << 40, MaxRequests: 64,
	ReadTimeout: time.Minute, WriteTimeout: time.Minute,
}

func behindLimits(webhook http.Handler) http.Handler {
	return wide.Handler(context.Background())(webhook)
}

func answered(webhook http.Handler, body []byte) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)), httptest.NewRecorder()
	r.Header.Set("Content-Type", "application/json")
	webhook.ServeHTTP(w, r)
	return w
}

func podYAML(spec string) string {
	return "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {app: agent}}, spec: " + spec + "}"
}

const (
	bare     = "{containers: [{name: a, image: i}]}"
	granted  = "{containers: [{name: a, image: i, securityContext: {privileged: true}}]}"
	hostPID  = "{hostPID: true, containers: [{name: a, image: i}]}"
	debugged = "{containers: [{name: a, image: i}], ephemeralContainers: [{name: d, image: i}]}"
)

func update(old, subresource string) func(*testing.T) func(*admissionv1.AdmissionRequest) {
	return func(t *testing.T) func(*admissionv1.AdmissionRequest) {
		return func(r *admissionv1.AdmissionRequest) {
			r.Operation, r.OldObject, r.SubResource = admissionv1.Update, raw(t, podYAML(old)), subresource
		}
	}
}

func as(user string) func(*testing.T) func(*admissionv1.AdmissionRequest) {
	return func(*testing.T) func(*admissionv1.AdmissionRequest) {
		return func(r *admissionv1.AdmissionRequest) { r.UserInfo.Username = user }
	}
}

// TestMutate: what is filled in, and what passes as it is.
func TestMutate(t *testing.T) {
	for _, row := range []struct {
		name, why, namespace, object string
		change                       func(*testing.T) func(*admissionv1.AdmissionRequest)
		config                       func(*Config)
		filled, exempt               string
		code                         int32
	}{
		{name: "a bare pod", why: "it is filled in by the level that is enforced", namespace: "shop", object: podYAML(bare), filled: "/spec/containers/0/securityContext"},
		{name: "an older version", why: "what is filled in does not hang on it", namespace: "old", object: podYAML(bare), filled: "/spec/containers/0/securityContext"},
		{name: "a pod that is refused", why: "that is for the validating side to say, after all mutators", namespace: "shop", object: podYAML(hostPID), filled: "/spec/containers/0/securityContext"},
		{name: "baseline", why: "baseline allows it as it is", namespace: "base", object: podYAML(bare)},
		{name: "no level", why: "the namespace is not enforced", namespace: "free", object: podYAML(bare)},
		{name: "another default", why: "it is for namespaces without labels", namespace: "free", object: podYAML(bare),
			config: func(c *Config) { c.Defaults.Enforce.Level = api.LevelRestricted }, filled: "/spec/containers/0/securityContext"},
		{name: "upstream's labels", why: "they are not ours to read", namespace: "upstreams", object: podYAML(bare)},
		{name: "upstream's labels under upstream's prefix", why: "then they are", namespace: "upstreams", object: podYAML(bare),
			config: func(c *Config) { c.LabelPrefix = upstreamPrefix }, filled: "/spec/containers/0/securityContext"},
		{name: "labels that cannot be parsed", why: "they mean restricted, as upstream has it", namespace: "misspelt", object: podYAML(bare), filled: "/spec/containers/0/securityContext"},
		{name: "an exempt namespace", why: "it is the operator's word", namespace: "exempt", object: podYAML(bare), exempt: "namespace"},
		{name: "an exempt user", why: "it is the operator's word", namespace: "shop", object: podYAML(bare), change: as("root"), exempt: "user"},
		{name: "an exempt runtime class", why: "it is the operator's word", namespace: "shop", object: podYAML("{runtimeClassName: kata, containers: [{name: a, image: i}]}"), exempt: "runtimeClass"},
		{name: "mutation off", why: "the operator wants no more than refusals", namespace: "shop", object: podYAML(bare), config: func(c *Config) { c.Mutate = false }},
		{name: "a debug container", why: "a new one is filled in", namespace: "shop", object: podYAML(debugged), change: update(bare, "ephemeralcontainers"), filled: "/spec/ephemeralContainers/0/securityContext"},
		{name: "an update", why: "a running pod cannot be filled in", namespace: "shop", object: podYAML(bare), change: update(bare, "")},
		{name: "a resize", why: "it changes resources alone", namespace: "shop", object: podYAML(bare), change: update(bare, "resize")},
		{name: "an unknown namespace", why: "nobody knows its level", namespace: "gone", object: podYAML(bare), code: 500},
		{name: "no pod", why: "what cannot be read is not allowed", namespace: "shop", object: "{apiVersion: v1, kind: ConfigMap}", code: 400},
		{name: "a broken pod", why: "what cannot be read is not allowed", namespace: "shop", object: podYAML("{containers: 7}"), code: 400},
		{name: "no old pod", why: "the policy is chosen by the old pod", namespace: "shop", object: podYAML(debugged), code: 400,
			change: func(*testing.T) func(*admissionv1.AdmissionRequest) {
				return func(r *admissionv1.AdmissionRequest) {
					r.Operation, r.SubResource = admissionv1.Update, "ephemeralcontainers"
				}
			}},
		{name: "an empty request", why: "what says nothing is not allowed", namespace: "shop", object: podYAML(bare), code: 400,
			change: func(*testing.T) func(*admissionv1.AdmissionRequest) {
				return func(r *admissionv1.AdmissionRequest) { *r = admissionv1.AdmissionRequest{} }
			}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var change func(*admissionv1.AdmissionRequest)
			if row.change != nil {
				change = row.change(t)
			}
			got := newController(t, row.config).Mutate(context.Background(), request(t, row.namespace, row.object, change))
			if got.Allowed != (row.code == 0) || !got.Allowed && got.Result.Code != row.code {
				t.Errorf("%s: allowed %v, %+v, want code %d", row.why, got.Allowed, got.Result, row.code)
			}
			if !strings.Contains(string(got.Patch), row.filled) || (len(got.Patch) > 0) != (row.filled != "") {
				t.Errorf("%s: the patch is %s, want it to fill %q", row.why, got.Patch, row.filled)
			}
			if got.AuditAnnotations["exempt"] != row.exempt {
				t.Errorf("%s: exempt by %q, want %q", row.why, got.AuditAnnotations["exempt"], row.exempt)
			}
			if (len(got.Warnings) > 0) != (row.filled != "") || (got.AuditAnnotations[annotationMutation] != "") != (row.filled != "") {
				t.Errorf("%s: warnings %q, annotations %q", row.why, got.Warnings, got.AuditAnnotations)
			}
		})
	}
}

// TestMutationIsTold: a line for the pod and for each container, and advice.
func TestMutationIsTold(t *testing.T) {
	got := newController(t, nil).Mutate(context.Background(), request(t, "shop", podYAML(bare), nil))
	want := []string{
		"podfence filled in for the pod: fsGroup, supplementalGroups",
		`podfence filled in for container "a": allowPrivilegeEscalation, capabilities.drop, privileged, runAsGroup, runAsNonRoot, seccompProfile.type`,
		`container "a": runAsNonRoot is true and no runAsUser is set: the image must declare a numeric USER other than 0`,
	}
	if !slices.Equal(got.Warnings, want) {
		t.Errorf("warnings:\n%s\nwant:\n%s", strings.Join(got.Warnings, "\n"), strings.Join(want, "\n"))
	}
	silent := newController(t, func(c *Config) { c.WarnOnMutation = false }).Mutate(context.Background(), request(t, "shop", podYAML(bare), nil))
	if len(silent.Warnings) > 0 || len(silent.Patch) == 0 {
		t.Errorf("warnings %q", silent.Warnings)
	}
}

// TestListsEnd: a pod of thousands of containers gets no thousands of lines.
func TestListsEnd(t *testing.T) {
	many := "{hostPID: true, containers: [" + strings.Repeat("{name: a, image: i, securityContext: {privileged: true, allowPrivilegeEscalation: true}}, ", 1000) + "]}"
	c := newController(t, nil)
	filled := c.Mutate(context.Background(), request(t, "shop", podYAML(many), nil))
	if n := len(filled.Warnings); n != longest+1 || filled.Warnings[longest] != "and 1951 more warnings" {
		t.Errorf("%d warnings, the last %q", n, filled.Warnings[n-1])
	}
	changed := filled.AuditAnnotations[annotationMutation]
	if !strings.HasSuffix(changed, " more") || strings.Count(changed, "; ") != longest {
		t.Errorf("changes end with %q", changed[len(changed)-30:])
	}
	refused := c.Validate(context.Background(), request(t, "shop", podYAML(many), nil))
	what := refused.Result.Message[strings.Index(refused.Result.Message, "what is left is"):]
	if !strings.HasSuffix(what, " more") || strings.Count(what, "; ") != longest {
		t.Errorf("what is left ends with %q", what[len(what)-30:])
	}
	if excused := refused.AuditAnnotations[annotationExcused]; !strings.HasSuffix(excused, "; and 2950 more") {
		t.Errorf("what is excused ends with %q", excused[len(excused)-30:])
	}
}

// TestValidate: what is refused, with which words, and what is recorded.
func TestValidate(t *testing.T) {
	const refusal = `pods "p" is forbidden: violates PodSecurity "restricted:latest": `
	compliant := podYAML("{securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, image: i, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}")
	filledPrivileged := podYAML("{securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, image: i, securityContext: {privileged: true}}]}")
	for _, row := range []struct {
		name, why, namespace, object string
		change                       func(*testing.T) func(*admissionv1.AdmissionRequest)
		refused, warned              string
		annotations                  map[string]string
	}{
		{name: "a compliant pod", why: "nothing stands against it", namespace: "shop", object: compliant,
			annotations: map[string]string{"enforce-policy": "restricted:latest", "policy": "nodes"}},
		{name: "a granted violation", why: "its policy excuses it", namespace: "shop", object: filledPrivileged,
			annotations: map[string]string{"policy": "nodes", "excused": "by allow.privileged"}},
		{name: "a violation", why: "no grant covers it", namespace: "shop", object: podYAML(hostPID),
			refused:     refusal + "host namespaces (hostPID=true), ",
			annotations: map[string]string{"policy": "nodes"}},
		{name: "a violation without a policy", why: "the words are upstream's alone", namespace: "shop", object: strings.Replace(podYAML(hostPID), "app: agent", "app: web", 1),
			refused: refusal + "host namespaces (hostPID=true), allowPrivilegeEscalation"},
		{name: "a warning", why: "warn is stricter than enforce", namespace: "base", object: podYAML(bare),
			warned: `would violate PodSecurity "restricted:latest": `, annotations: map[string]string{"audit-violations": `would violate PodSecurity "restricted:latest"`}},
		{name: "no level", why: "nothing is judged", namespace: "free", object: podYAML(hostPID)},
		{name: "an exempt user", why: "it is the operator's word", namespace: "shop", object: podYAML(hostPID), change: as("root"),
			annotations: map[string]string{"exempt": "user"}},
		{name: "an exempt namespace", why: "it is the operator's word", namespace: "exempt", object: podYAML(hostPID),
			annotations: map[string]string{"exempt": "namespace"}},
		{name: "an exempt runtime class", why: "it is the operator's word", namespace: "shop", object: podYAML("{runtimeClassName: kata, " + hostPID[1:]),
			annotations: map[string]string{"exempt": "runtimeClass"}},
		{name: "another runtime class", why: "it is not the operator's", namespace: "shop", object: podYAML("{runtimeClassName: katana, " + hostPID[1:]), refused: refusal + "host namespaces"},
		{name: "namespace labels that cannot be parsed", why: "they mean restricted, as upstream has it, and the audit log says so", namespace: "misspelt", object: podYAML(hostPID),
			refused: refusal + "host namespaces", annotations: map[string]string{"error": "Failed to parse policy: metadata.labels[podfence.dev/enforce]: Invalid value", "enforce-policy": "restricted:latest"}},
		{name: "labels of a running pod", why: "upstream judges no such update", namespace: "shop", object: podYAML(hostPID), change: update(hostPID, "")},
		{name: "a new image", why: "it is another program", namespace: "shop", object: strings.Replace(podYAML(hostPID), "image: i", "image: j", 1), change: update(hostPID, ""),
			refused: refusal + "host namespaces"},
		{name: "status", why: "it changes nothing that runs", namespace: "shop", object: podYAML(hostPID), change: update(bare, "status")},
		{name: "finalizers of a pod that ends", why: "it must be able to", namespace: "shop", object: strings.Replace(podYAML(hostPID), "name: p", "name: p, deletionTimestamp: '2026-01-01T00:00:00Z'", 1), change: update(hostPID, "")},
		{name: "a resize", why: "it changes resources alone", namespace: "shop", object: podYAML(hostPID), change: update(hostPID, "resize")},
		{name: "a subresource that is yet to come", why: "upstream judges it: it may change anything", namespace: "shop", object: strings.Replace(podYAML(hostPID), "image: i", "image: j", 1), change: update(hostPID, "transmogrify"),
			refused: refusal + "host namespaces"},
		{name: "an old pod that is broken", why: "nobody knows what changed", namespace: "shop", object: podYAML(hostPID), change: update("{containers: 7}", ""), refused: "failed to decode old object"},
		{name: "a debug container", why: "the pod is judged whole", namespace: "shop", object: podYAML(debugged), change: update(bare, "ephemeralcontainers"),
			refused: refusal + `allowPrivilegeEscalation != false (containers "a", "d"`},
		{name: "an unknown namespace", why: "with failurePolicy Fail this is a refusal", namespace: "gone", object: podYAML(bare), refused: `failed to lookup namespace "gone"`},
		{name: "a broken pod", why: "what cannot be read is not allowed", namespace: "shop", object: podYAML("{containers: 7}"), refused: "failed to decode object"},
		{name: "an empty request", why: "what says nothing is not allowed", namespace: "shop", object: podYAML(bare), refused: "uid, operation, kind and resource must be set",
			change: func(*testing.T) func(*admissionv1.AdmissionRequest) {
				return func(r *admissionv1.AdmissionRequest) { *r = admissionv1.AdmissionRequest{} }
			}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var change func(*admissionv1.AdmissionRequest)
			if row.change != nil {
				change = row.change(t)
			}
			got := newController(t, nil).Validate(context.Background(), request(t, row.namespace, row.object, change))
			switch {
			case got.Allowed != (row.refused == ""):
				t.Errorf("%s: allowed %v, %+v", row.why, got.Allowed, got.Result)
			case !got.Allowed && !strings.Contains(got.Result.Message, row.refused):
				t.Errorf("%s: refused with\n%s\nwant\n%s", row.why, got.Result.Message, row.refused)
			}
			if text := strings.Join(got.Warnings, "\n"); !strings.Contains(text, row.warned) || (text == "") != (row.warned == "") {
				t.Errorf("%s: warned %q, want %q", row.why, text, row.warned)
			}
			for key, value := range row.annotations {
				if !strings.Contains(got.AuditAnnotations[key], value) || got.AuditAnnotations[key] == "" {
					t.Errorf("%s: annotation %s is %q, want %q", row.why, key, got.AuditAnnotations[key], value)
				}
			}
		})
	}
}

// TestRefusalNamesPolicyAndRest: a governed pod's refusal says what is missing.
func TestRefusalNamesPolicyAndRest(t *testing.T) {
	got := newController(t, nil).Validate(context.Background(), request(t, "shop", podYAML(hostPID), nil))
	const want = `; policy "nodes" governs the pod, and what is left is: spec.hostPID is true, must be false or unset [hostNamespaces]; `
	if got.Allowed || !strings.Contains(got.Result.Message, want) {
		t.Errorf("%+v, want %s", got.Result, want)
	}
}

// TestWorkloads: they are warned about by the level of warn, which is that of
// enforce where no label sets it, and never refused; and only of what the pods
// that come of them will be refused for.
func TestWorkloads(t *testing.T) {
	kind := func(r *admissionv1.AdmissionRequest) {
		r.Kind = metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
		r.Resource = metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	}
	for _, row := range []struct {
		why, namespace, spec string
		noMutation           bool
		warned               string
	}{
		{why: "its pods will be filled in, and no more is wrong", namespace: "shop", spec: bare},
		{why: "its pods will be filled in and still be refused", namespace: "shop", spec: hostPID, warned: `would violate PodSecurity "restricted:latest": host namespaces (hostPID=true)`},
		{why: "in its pods, on the host's network, the port will be a host port", namespace: "shop",
			spec:   "{hostNetwork: true, containers: [{name: a, image: i, ports: [{containerPort: 80}]}]}",
			warned: `host namespaces (hostNetwork=true), hostPort (container "a" uses hostPort 80)`},
		{why: "a volume of a decoded template that has no known source is of a type that is not known", namespace: "shop",
			spec: "{volumes: [{name: v}], containers: [{name: a, image: i}]}", warned: `uses restricted volume type "unknown"`},
		{why: "nothing will be filled in", namespace: "shop", spec: bare, noMutation: true, warned: "allowPrivilegeEscalation != false"},
		{why: "at baseline nothing will be filled in", namespace: "base", spec: bare, warned: "allowPrivilegeEscalation != false"},
		{why: "upstream enforces restricted by labels that cannot be parsed, and does not warn by them", namespace: "misspelt", spec: hostPID},
		{why: "nothing is judged", namespace: "free", spec: hostPID},
		{why: "it is the operator's word", namespace: "exempt", spec: hostPID},
		{why: "it is the operator's word too", namespace: "shop", spec: "{runtimeClassName: kata, " + hostPID[1:]},
		{why: "a workload is not refused by what cannot be looked up", namespace: "gone", spec: hostPID},
	} {
		c := newController(t, func(config *Config) { config.Mutate = !row.noMutation })
		deployment := "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {metadata: {labels: {app: web}}, spec: " + row.spec + "}}}"
		got := c.Validate(context.Background(), request(t, row.namespace, deployment, kind))
		if text := strings.Join(got.Warnings, "\n"); !got.Allowed || !strings.Contains(text, row.warned) || (text == "") != (row.warned == "") {
			t.Errorf("in %s, %s: allowed %v, warnings %q, want %q", row.namespace, row.why, got.Allowed, text, row.warned)
		}
		if got := c.Mutate(context.Background(), request(t, row.namespace, deployment, kind)); !got.Allowed || len(got.Patch) > 0 {
			t.Errorf("in %s: the template was filled in, which its author would see as drift", row.namespace)
		}
	}
}

// TestClaimsAreVolumes: a pod of a StatefulSet has a volume for each claim, which its
// policy may refuse.
func TestClaimsAreVolumes(t *testing.T) {
	policies, err := policy.Parse([]byte("name: small\npodSelectorLabels: {app: db}\nallow: {volumes: [configMap, projected]}\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	c := newController(t, nil)
	c.policies = func() policy.Set { return set }
	for claims, warned := range map[string]string{"[]": "", "[{metadata: {name: data}}]": `(volume "volumeClaimTemplates" must be one of configMap, projected, is "persistentVolumeClaim")`} {
		object := "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d}, spec: {volumeClaimTemplates: " + claims + ", template: {metadata: {labels: {app: db}}, spec: " + bare + "}}}"
		got := c.Validate(context.Background(), request(t, "shop", object, func(r *admissionv1.AdmissionRequest) {
			r.Kind = metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "StatefulSet"}
			r.Resource = metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
		}))
		if text := strings.Join(got.Warnings, "\n"); !got.Allowed || !strings.Contains(text, warned) || (text == "") != (warned == "") {
			t.Errorf("claims %s: allowed %v, warnings %q, want %q", claims, got.Allowed, text, warned)
		}
	}
}

// TestUnreadObjects: what cannot be read is refused, but for what is exempt and for
// workloads, which are never refused; and what is no review or too large has the
// status that says so.
func TestUnreadObjects(t *testing.T) {
	deployment := func(r *admissionv1.AdmissionRequest) {
		r.Kind = metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
		r.Resource = metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	}
	const broken = "{containers: 7}"
	large := podYAML("{containers: [" + strings.Repeat("{},", 50_000) + "{}]}")
	for _, row := range []struct {
		name, namespace, object string
		change                  func(*admissionv1.AdmissionRequest)
		code                    int32
		annotation              string
	}{
		{"a pod", "shop", podYAML(broken), nil, 400, "failed to decode object: /request/object/spec/containers: a number stands where a list belongs"},
		{"a pod that is exempt", "exempt", podYAML(broken), nil, 0, ""},
		{"a workload", "shop", "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: " + broken + "}}}", deployment, 0,
			"failed to decode object: /request/object/spec/template/spec/containers: a number stands where a list belongs"},
		{"a workload that is none", "shop", "null", deployment, 0, "failed to decode object: the request shows no object"},
		{"a large pod", "shop", large, nil, 413, ""},
		{"a large pod that is exempt", "exempt", large, nil, 413, ""},
	} {
		c := newController(t, func(config *Config) { config.MaxRead = 16 << 20 })
		got := c.Validate(context.Background(), request(t, row.namespace, row.object, row.change))
		if got.Allowed != (row.code == 0) || !got.Allowed && got.Result.Code != row.code || !strings.HasPrefix(got.AuditAnnotations["error"], row.annotation) {
			t.Errorf("%s: %+v, %v, want code %d and annotation %q", row.name, got.Result, got.AuditAnnotations, row.code, row.annotation)
		}
	}
}

// TestPanicsAreRefusals: whoever decides may fail, and the answer is no.
func TestPanicsAreRefusals(t *testing.T) {
	c := newController(t, nil)
	c.policies = func() policy.Set { panic("policies") }
	for side, decide := range map[string]func(context.Context, admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse{mutating: c.Mutate, validating: c.Validate} {
		if got := decide(context.Background(), request(t, "shop", podYAML(bare), nil)); got.Allowed || got.Result.Code != 500 || !strings.Contains(got.Result.Message, "panic: policies") {
			t.Errorf("%s: %+v", side, got)
		}
	}
}

// TestNamespaces: labels that cannot be parsed are refused under their own names,
// and a level that is raised is checked against the pods that run.
func TestNamespaces(t *testing.T) {
	c := newController(t, nil)
	bad := c.Validate(context.Background(), request(t, "shop", namespaceYAML("shop", "", "podfence.dev/enforce: none"), ofNamespace))
	if bad.Allowed || !strings.Contains(bad.Result.Message, "metadata.labels[podfence.dev/enforce]: Invalid value") || bad.Result.Details.Causes[0].Field != "metadata.labels[podfence.dev/enforce]" {
		t.Errorf("%+v", bad.Result)
	}
	if other := c.Validate(context.Background(), request(t, "shop", namespaceYAML("shop", "", "pod-security.kubernetes.io/enforce: none"), ofNamespace)); !other.Allowed {
		t.Errorf("upstream's label was judged: %+v", other.Result)
	}
	raised := c.Validate(context.Background(), raising(t, "shop", ""))
	if want := []string{`existing pods in namespace "shop" violate the new PodSecurity enforce level "baseline:latest"`, "1 pod: host namespaces"}; !raised.Allowed || !slices.Equal(raised.Warnings, want) {
		t.Errorf("warnings %q, want %q", raised.Warnings, want)
	}
}

func ofNamespace(r *admissionv1.AdmissionRequest) {
	r.Kind = metav1.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	r.Resource = metav1.GroupVersionResource{Version: "v1", Resource: "namespaces"}
}

func namespaceYAML(name, uid, label string) string {
	return fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s, uid: %q, labels: {%s}}}", name, uid, label)
}

// raising is a request that raises the level of a namespace to baseline.
func raising(t *testing.T, name, uid string) admissionv1.AdmissionRequest {
	return request(t, name, namespaceYAML(name, uid, "podfence.dev/enforce: baseline"), func(r *admissionv1.AdmissionRequest) {
		ofNamespace(r)
		r.Operation, r.OldObject = admissionv1.Update, raw(t, namespaceYAML(name, uid, "a: b"))
	})
}

// identified are namespaces that have a UID, as those of a cluster.
type identified struct{ namespaces }

func (n identified) GetNamespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	namespace, err := n.namespaces.GetNamespace(ctx, name)
	if err == nil {
		namespace.UID = "uid-of-" + types.UID(name)
	}
	return namespace, err
}

// ending is a reader of pods that ends early.
type ending struct {
	pods
	left int64
	err  error
}

func (e ending) ReadPods(ctx context.Context, namespace string, show func(*corev1.Pod)) (int64, error) {
	_, _ = e.pods.ReadPods(ctx, namespace, show)
	return e.left, e.err
}

func named(name string, change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "i"}}}}
	change(pod)
	return pod
}

// TestRunningPods: what is told of the pods of a namespace whose level is raised, to
// whom, and when none are read.
func TestRunningPods(t *testing.T) {
	pid := func(p *corev1.Pod) { p.Spec.HostPID = true }
	network := func(p *corev1.Pod) {
		p.Spec.HostNetwork, p.Spec.HostPID = true, true
		p.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
	}
	kata := "kata"
	some := pods{
		named("z", pid), named("b", pid), named("c", pid), named("y", network), named("x", network), named("fine", func(*corev1.Pod) {}),
		named("one", func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
		}),
		named("exempt", func(p *corev1.Pod) { pid(p); p.Spec.RuntimeClassName = &kata }),
		named("excused", func(p *corev1.Pod) {
			p.Labels = map[string]string{"app": "agent"}
			yes := true
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: &yes}
		}),
	}
	const head = `existing pods in namespace "free" violate the new PodSecurity enforce level "baseline:latest"`
	counted := []string{"1 pod: hostPath volumes", "2 pods: host namespaces, hostPath volumes", "3 pods: host namespaces"}
	for _, row := range []struct {
		name, why string
		uid       string
		known     bool
		reader    PodReader
		want      []string
	}{
		{"a stranger who knows the UID", "counts say enough to go on, and nothing of what runs", "uid-of-free", false, some, append([]string{head}, counted...)},
		{"an API server that is known", "its users may see what upstream shows them", "uid-of-free", true, some,
			[]string{head, "b (and 2 other pods): host namespaces", "one: hostPath volumes", "x (and 1 other pod): host namespaces, hostPath volumes"}},
		{"a stranger", "nobody but an API server need know the UID", "made-up", false, some, []string{"failed to list pods while checking new PodSecurity enforce level"}},
		{"a stranger without a UID", "it is not that of the namespace", "", true, some, []string{"failed to list pods while checking new PodSecurity enforce level"}},
		{"an end", "what was not read is told", "uid-of-free", false, ending{some[:1], 5, nil}, []string{"new PodSecurity enforce level only checked against the first 1 of 6 existing pods", head, "1 pod: host namespaces"}},
		{"an end without a number", "as far as it is known", "uid-of-free", false, ending{some[5:6], 0, errors.New("gone")}, []string{"new PodSecurity enforce level only checked against the first 1 existing pods"}},
		{"an error", "nobody knows", "uid-of-free", false, ending{nil, 0, errors.New("gone")}, []string{"failed to list pods while checking new PodSecurity enforce level"}},
		{"none", "there is nothing to warn of", "uid-of-free", true, pods{}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			base := newController(t, func(c *Config) { c.ClientsAreKnown = row.known })
			c, err := New(base.config, base.policies, identified{cluster}, row.reader, logr.Discard(), NewMetrics(prometheus.NewRegistry()))
			if err != nil {
				t.Fatal(err)
			}
			got := c.Validate(context.Background(), raising(t, "free", row.uid))
			if !got.Allowed || !slices.Equal(got.Warnings, row.want) {
				t.Errorf("%s: allowed %v, warnings:\n%s\nwant:\n%s", row.why, got.Allowed, strings.Join(got.Warnings, "\n"), strings.Join(row.want, "\n"))
			}
			if all, ok := row.reader.(pods); ok && row.known && row.uid != "" {
				upstream := c.upstream
				upstream.Evaluator = &evaluator{namespace: "free", policies: c.policies(), fillsAt: privileged}
				upstream.PodLister = slices.Clone(all)
				if theirs := upstream.EvaluatePodsInNamespace(context.Background(), "free", api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}); !slices.Equal(got.Warnings, theirs) {
					t.Errorf("warnings %q, upstream's %q", got.Warnings, theirs)
				}
			}
		})
	}
}

// TestMetrics: a decision is counted once, by what is bounded in number.
func TestMetrics(t *testing.T) {
	c := newController(t, nil)
	c.Mutate(context.Background(), request(t, "shop", podYAML(bare), nil))
	c.Validate(context.Background(), request(t, "shop", podYAML(hostPID), nil))
	c.Validate(context.Background(), request(t, "exempt", podYAML(hostPID), nil))
	c.Validate(context.Background(), request(t, "gone", podYAML(hostPID), nil))
	c.Mutate(context.Background(), request(t, "exempt", podYAML(bare), nil))
	c.Mutate(context.Background(), request(t, "free", podYAML(bare), nil))
	c.Validate(context.Background(), request(t, "free", podYAML(bare), nil))
	c.Validate(context.Background(), request(t, "base", podYAML(bare), nil))
	c.Validate(context.Background(), request(t, "audits", podYAML(bare), nil))
	c.Validate(context.Background(), request(t, "shop", podYAML(bare), func(r *admissionv1.AdmissionRequest) { r.UID, r.Resource.Resource = "", "" }))
	for _, made := range []string{"up", "one", "two"} { // a client's own words
		c.Validate(context.Background(), request(t, "shop", podYAML(bare), func(r *admissionv1.AdmissionRequest) {
			r.Resource.Resource, r.Operation = made, admissionv1.Operation(made)
		}))
	}
	const want = `
# HELP podfence_decisions_total Number of answered admission requests, by side (mutate, validate), operation, resource, level enforced on pods, outcome (allowed, warned, audited, filled, denied, exempt, error) and governing policy.
# TYPE podfence_decisions_total counter
podfence_decisions_total{level="",operation="create",outcome="error",policy="",resource="pods",side="validate"} 1
podfence_decisions_total{level="",operation="other",outcome="error",policy="",resource="other",side="validate"} 1
podfence_decisions_total{level="",operation="create",outcome="exempt",policy="",resource="pods",side="mutate"} 1
podfence_decisions_total{level="",operation="create",outcome="exempt",policy="",resource="pods",side="validate"} 1
podfence_decisions_total{level="privileged",operation="create",outcome="allowed",policy="",resource="pods",side="mutate"} 1
podfence_decisions_total{level="privileged",operation="create",outcome="allowed",policy="",resource="pods",side="validate"} 1
podfence_decisions_total{level="",operation="other",outcome="allowed",policy="",resource="other",side="validate"} 3
podfence_decisions_total{level="baseline",operation="create",outcome="warned",policy="nodes",resource="pods",side="validate"} 1
podfence_decisions_total{level="privileged",operation="create",outcome="audited",policy="",resource="pods",side="validate"} 1
podfence_decisions_total{level="restricted",operation="create",outcome="denied",policy="nodes",resource="pods",side="validate"} 1
podfence_decisions_total{level="restricted",operation="create",outcome="filled",policy="nodes",resource="pods",side="mutate"} 1
`
	if err := testutil.CollectAndCompare(c.metrics.decisions, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	for name, metric := range map[string]prometheus.Collector{"decisions": c.metrics.decisions, "duration": c.metrics.duration} {
		if problems, err := testutil.CollectAndLint(metric); err != nil || len(problems) > 0 {
			t.Errorf("%s is not named by the conventions of Prometheus: %v, %v", name, problems, err)
		}
	}
}

// TestADecisionIsOneLine: at debug level, and nothing at info level but what
// could not be decided. Nothing that a pod holds is in either.
func TestADecisionIsOneLine(t *testing.T) {
	const holds = "{hostPID: true, containers: [{name: a, image: secret-i, env: [{name: SECRET, value: secret-v}]}]}"
	for _, row := range []struct {
		name, why, namespace, object string
		atInfo                       int
		says                         string
	}{
		{"decided", "who reads the log wants to know what was decided and why", "shop", podYAML(holds), 0, `"outcome"="denied" "level"="restricted" "policy"="nodes" "violated"=["hostNamespaces"`},
		{"not looked at", "that is a decision too", "free", podYAML(holds), 0, `"outcome"="allowed" "level"="privileged"`},
		{"exempt", "that is a decision too", "exempt", podYAML(holds), 0, `"outcome"="exempt"`},
		{"an unknown namespace", "an operator must see it", "gone", podYAML(holds), 1, `"outcome"="error"`},
		{"a broken pod", "an operator must see it", "shop", podYAML("{containers: [{name: secret-n, ports: 7}]}"), 1, `"outcome"="error"`},
	} {
		for verbosity, want := range []int{row.atInfo, row.atInfo + 1} {
			for side, decide := range map[string]func(*Controller, context.Context, admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse{mutating: (*Controller).Mutate, validating: (*Controller).Validate} {
				var lines []string
				log := funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{Verbosity: verbosity})
				decide(newController(t, nil), logr.NewContext(context.Background(), log), request(t, row.namespace, row.object, nil))
				text := strings.Join(lines, "\n")
				if len(lines) != want || strings.Contains(text, "secret") {
					t.Errorf("%s, %s, verbosity %d: %d lines, want %d:\n%s", row.name, side, verbosity, len(lines), want, text)
				}
				if side == validating && verbosity == 1 && !strings.Contains(text, row.says) {
					t.Errorf("%s: %s lacks %s: %s", row.name, text, row.says, row.why)
				}
			}
		}
	}
}

// TestSharedThingsAreNotChanged: namespaces belong to a cache, and some answers
// to upstream.
func TestSharedThingsAreNotChanged(t *testing.T) {
	before := map[string]map[string]string{}
	for name, labels := range cluster {
		before[name] = maps.Clone(labels)
	}
	c := newController(t, nil)
	for range 2 {
		for name := range cluster {
			c.Mutate(context.Background(), request(t, name, podYAML(bare), nil))
			got := c.Validate(context.Background(), request(t, name, podYAML(bare), nil))
			got.UID, got.AuditAnnotations = "changed", nil
		}
	}
	for name, labels := range cluster {
		if !maps.Equal(before[name], labels) {
			t.Errorf("the labels of %s became %v", name, labels)
		}
	}
}

// TestErrorsDoNotQuoteObjects: what a pod holds is nobody else's to read.
func TestErrorsDoNotQuoteObjects(t *testing.T) {
	for why, object := range map[string]string{
		"no kind":    "{apiVersion: v1, spec: {containers: [{name: secret}]}}",
		"no version": "{kind: Pod, spec: {containers: [{name: secret}]}}",
		"no JSON":    "",
		"other kind": "{apiVersion: v1, kind: ConfigMap, data: {a: secret}}",
		"a number":   "{apiVersion: v1, kind: Pod, spec: {containers: [{name: secret, ports: 7}]}}",
	} {
		c := newController(t, nil)
		got := c.Mutate(context.Background(), request(t, "shop", object, nil))
		if got.Allowed || got.Result.Message == "" || strings.Contains(got.Result.Message, "secret") {
			t.Errorf("%s: %+v", why, got.Result)
		}
		judged := c.Validate(context.Background(), request(t, "shop", object, nil))
		if judged.Allowed || judged.AuditAnnotations["error"] == "" || strings.Contains(judged.AuditAnnotations["error"]+judged.Result.Message, "secret") {
			t.Errorf("%s: judged with %+v", why, judged)
		}
	}
}

// TestNewRefuses: a configuration that cannot be meant.
func TestNewRefuses(t *testing.T) {
	for name, config := range map[string]Config{
		"a prefix without a slash": {LabelPrefix: "podfence.dev"},
		"an unknown level":         {LabelPrefix: "podfence.dev/", Defaults: api.Policy{Enforce: api.LevelVersion{Level: "high"}}},
	} {
		if _, err := New(config, nil, cluster, pods{}, logr.Discard(), NewMetrics(prometheus.NewRegistry())); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestPatchesAreJSON: a patch that is no JSON would refuse every pod.
func TestPatchesAreJSON(t *testing.T) {
	got := newController(t, nil).Mutate(context.Background(), request(t, "shop", podYAML(granted), nil))
	var operations []map[string]any
	if err := errors.Join(json.Unmarshal(got.Patch, &operations)); err != nil || len(operations) == 0 || *got.PatchType != admissionv1.PatchTypeJSONPatch {
		t.Errorf("%s: %v", got.Patch, err)
	}
}
