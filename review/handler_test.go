package review_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/review"
)

// asked is a request about pods of a namespace.
func asked(change func(*admissionv1.AdmissionRequest)) []byte {
	r := &admissionv1.AdmissionRequest{
		UID: "705ab4f5", Operation: admissionv1.Create, Namespace: "default", Name: "web",
		Kind:     metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
		Resource: metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
	}
	change(r)
	return []byte(patchtest.MustJSON(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: r,
	}))
}

func raw(v any) runtime.RawExtension {
	return runtime.RawExtension{Raw: []byte(patchtest.MustJSON(v))}
}

// answered is the response to a review.
func answered(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, h *review.Handler, body []byte) *admissionv1.AdmissionResponse {
	out, err := h.Review(context.Background(), body)
	if err != nil {
		t.Fatal(err)
	}
	var answer admissionv1.AdmissionReview
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&answer); err != nil {
		t.Fatalf("%v in the answer %s", err, out)
	}
	if answer.Kind != "AdmissionReview" || answer.APIVersion != "admission.k8s.io/v1" || answer.Response == nil {
		t.Fatalf("the answer is %s", out)
	}
	return answer.Response
}

var (
	bare      = &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx:1"}}}}
	privilege = true
	node      = &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "web", Image: "nginx:1", SecurityContext: &corev1.SecurityContext{Privileged: &privilege},
	}}}}
)

func withImage(pod *corev1.Pod, image string) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.Containers[0].Image = image
	return pod
}

func debugged(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug"}}}
	return pod
}

// deployment holds the pods of a template.
func deployment(pod *corev1.Pod) map[string]any {
	return map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "spec": map[string]any{"template": map[string]any{"spec": pod.Spec}}}
}

// TestHandler: which requests are filled in, refused, warned of and let pass.
func TestHandler(t *testing.T) {
	type request = admissionv1.AdmissionRequest
	update := func(pod, old any, sub string) func(*request) {
		return func(r *request) {
			r.Operation, r.Object, r.OldObject, r.SubResource = admissionv1.Update, raw(pod), raw(old), sub
		}
	}
	create := func(pod any) func(*request) { return func(r *request) { r.Object = raw(pod) } }
	ofDeployment := func(pod *corev1.Pod) func(*request) {
		return func(r *request) {
			r.Kind = metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
			r.Resource = metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
			r.Object = raw(deployment(pod))
		}
	}
	for _, row := range []struct {
		name, why string
		mutate    bool
		request   func(*request)
		allowed   bool
		code      int32
		says      string // part of the message or of a warning
		patched   bool
	}{
		{name: "bare pod, mutating", why: "it is filled in", mutate: true, request: create(bare), allowed: true, patched: true},
		{name: "bare pod, validating", why: "nobody filled it in", request: create(bare), code: 403, says: `violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false`},
		{name: "node agent, mutating", why: "another mutator may still come", mutate: true, request: create(node), allowed: true, patched: true},
		{name: "node agent, validating", why: "no policy grants it", request: create(node), code: 403, says: "privileged"},
		{name: "update of labels", why: "nothing that is judged changes", request: update(node, node, ""), allowed: true},
		{name: "update of an image", why: "Pod Security Admission judges it", request: update(withImage(node, "nginx:2"), node, ""), code: 403, says: "privileged"},
		{name: "update of an image, mutating", why: "fields of a stored pod cannot be filled in", mutate: true, request: update(withImage(bare, "nginx:2"), bare, ""), allowed: true},
		{name: "status", why: "it changes no spec", request: update(node, bare, "status"), allowed: true},
		{name: "a subresource of tomorrow", why: "it may change the spec", request: update(node, debugged(node), "replace"), allowed: true},
		{name: "debug container, mutating", why: "it is new", mutate: true, request: update(debugged(bare), bare, "ephemeralcontainers"), allowed: true, patched: true},
		{name: "debug container, validating", why: "nobody filled it in", request: update(debugged(bare), bare, "ephemeralcontainers"), code: 403, says: "debug"},
		{name: "delete", why: "whatever it is, it goes", request: func(r *request) { r.Operation, r.OldObject = admissionv1.Delete, raw(node) }, allowed: true},
		{name: "connect", why: "it makes no pod", request: func(r *request) { r.Operation, r.SubResource = admissionv1.Connect, "exec" }, allowed: true},
		{name: "deployment that can be filled in", why: "its pods will be", request: ofDeployment(bare), allowed: true},
		{name: "deployment of node agents", why: "its pods will be refused", request: ofDeployment(node), allowed: true, says: "privileged"},
		{name: "deployment, mutating", why: "its pods are filled in", mutate: true, request: ofDeployment(bare), allowed: true},
		{name: "a kind without pods", why: "it is not ours", request: func(r *request) {
			r.Kind, r.Resource, r.Object = metav1.GroupVersionKind{Version: "v1", Kind: "Service"}, metav1.GroupVersionResource{Version: "v1", Resource: "services"}, raw(map[string]any{"spec": 7})
		}, allowed: true},
		{name: "no object", why: "what says nothing is not allowed", request: func(*request) {}, code: 400, says: "no object"},
		{name: "unreadable pod", why: "it cannot be judged", request: create(map[string]any{"spec": map[string]any{"containers": 7}}), code: 400, says: "/request/object/spec/containers: a number stands where a list belongs"},
	} {
		got := answered(t, &review.Handler{Mutate: row.mutate}, asked(row.request))
		if got.UID != "705ab4f5" {
			t.Errorf("%s: the answer is to %q", row.name, got.UID)
		}
		code, says := int32(0), strings.Join(got.Warnings, "\n")
		if got.Result != nil {
			code, says = got.Result.Code, says+got.Result.Message
		}
		if got.Allowed != row.allowed || code != row.code || (len(got.Patch) > 0) != row.patched ||
			!strings.Contains(says, row.says) || (says != "") != (row.says != "") {
			t.Errorf("%s (%s): allowed %v, code %d, %q, patch %q", row.name, row.why, got.Allowed, code, says, got.Patch)
		}
	}
}

// TestReviewIsAdmit: a mutating handler answers with Admit's patch and a
// validating one with Evaluate's words, whatever the pod and the policies, and
// wherever the object stands in its request.
func TestReviewIsAdmit(t *testing.T) {
	patches, refusals := 0, 0
	var mutating, validating review.Handler // one for all draws: its decoders are used again
	rapid.Check(t, func(t *rapid.T) {
		pod, q := podgen.Pod().Draw(t, "pod"), drawQuestion(t)
		pod.Namespace = rapid.SampledFrom([]string{"default", "networking"}).Draw(t, "namespace")
		for _, h := range []*review.Handler{&mutating, &validating} {
			h.Level = func(context.Context, *review.Request) (api.LevelVersion, error) { return q.level, nil }
			h.Policies = func() policy.Set { return q.policies }
		}
		mutating.Mutate = true
		body := asked(func(r *admissionv1.AdmissionRequest) { r.Object, r.Namespace = raw(pod), pod.Namespace })
		if rapid.Bool().Draw(t, "object first") {
			body = objectFirst(t, body)
		}
		d := podfence.AdmitRequested(pod, q.level, q.policies)
		got := answered(t, &mutating, body)
		want := ""
		if d.Report.Changed() {
			want = string(d.Report.Patch())
		}
		if diff := cmp.Diff(want, string(got.Patch)); diff != "" || !got.Allowed {
			t.Errorf("allowed %v, patch (-Admit's +the answer's):\n%s", got.Allowed, diff)
		}
		result := evaluate.Evaluate(pod, q.level, q.policies)
		message := ""
		if got = answered(t, &validating, body); got.Result != nil {
			message = got.Result.Message
		}
		if diff := cmp.Diff(result.Refusal(), message); diff != "" || got.Allowed != result.Allowed() {
			t.Errorf("allowed %v, want %v; message (-Evaluate's +the answer's):\n%s", got.Allowed, result.Allowed(), diff)
		}
		if d.Report.Changed() {
			patches++
		}
		if !result.Allowed() {
			refusals++
		}
	})
	if (patches < 20 || refusals < 20) && !testing.Short() { // few are drawn then
		t.Errorf("%d patches and %d refusals prove little", patches, refusals)
	}
}

// objectFirst is the review with the object before all else in its request.
func objectFirst(t interface{ Fatal(...any) }, body []byte) []byte {
	var tree struct {
		APIVersion string                     `json:"apiVersion"`
		Kind       string                     `json:"kind"`
		Request    map[string]json.RawMessage `json:"request"`
	}
	if err := json.Unmarshal(body, &tree); err != nil {
		t.Fatal(err)
	}
	object := tree.Request["object"]
	delete(tree.Request, "object")
	rest := patchtest.MustJSON(tree.Request)
	return []byte(`{"request":{"object":` + string(object) + "," + rest[1:] + `,"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`)
}

// TestServeHTTP: what is no review gets the status that says why.
func TestServeHTTP(t *testing.T) {
	good := string(asked(func(r *admissionv1.AdmissionRequest) { r.Object = raw(bare) }))
	for _, row := range []struct {
		name, method, contentType, body string
		status                          int
		says                            string
	}{
		{"a review", "POST", "application/json", good, 200, `"allowed":false`},
		{"charset", "POST", "application/json; charset=utf-8", good, 200, `"allowed":false`},
		{"GET", "GET", "application/json", good, 405, "POST"},
		{"YAML", "POST", "application/yaml", good, 415, "application/json"},
		{"no content type", "POST", "", good, 415, "application/json"},
		{"too long", "POST", "application/json", strings.Repeat(" ", 2000) + good, 413, "2000 bytes"},
		{"empty", "POST", "application/json", "", 400, "it is empty"},
		{"half", "POST", "application/json", good[:100], 400, "unexpected EOF"},
		{"another version", "POST", "application/json", strings.Replace(good, "admission.k8s.io/v1", "admission.k8s.io/v1beta1", 1), 400, "no AdmissionReview of admission.k8s.io/v1"},
		{"no request", "POST", "application/json", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, 400, "/request: it is missing"},
		{"null", "POST", "application/json", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}`, 400, "/request: uid"},
		{"a pod", "POST", "application/json", patchtest.MustJSON(bare), 400, "no AdmissionReview"},
		{"control characters", "POST", "application/json", `{"apiVersion":"\u001b[31m","kind":"x"}`, 400, `\x1b[31m`},
	} {
		r := httptest.NewRequest(row.method, "/", strings.NewReader(row.body))
		r.Header.Set("Content-Type", row.contentType)
		w := httptest.NewRecorder()
		(&review.Handler{MaxBody: 2000}).ServeHTTP(w, r)
		if w.Code != row.status || !strings.Contains(w.Body.String(), row.says) {
			t.Errorf("%s: status %d, want %d, %s", row.name, w.Code, row.status, w.Body)
		}
	}
}

// TestLevelFails: a level that cannot be told refuses.
func TestLevelFails(t *testing.T) {
	for _, mutate := range []bool{false, true} {
		h := &review.Handler{Mutate: mutate, Level: func(context.Context, *review.Request) (api.LevelVersion, error) {
			return api.LevelVersion{}, errors.New("the namespace is not known\n")
		}}
		got := answered(t, h, asked(func(r *admissionv1.AdmissionRequest) { r.Object = raw(bare) }))
		if got.Allowed || got.Result.Code != http.StatusInternalServerError || got.Result.Message != `the namespace is not known\n` {
			t.Errorf("mutating %v: %v", mutate, got)
		}
	}
}

// TestLimit: pods that would take much memory are refused before they do.
func TestLimit(t *testing.T) {
	for name, pod := range map[string]string{
		"containers": `{"spec":{"containers":[` + strings.Repeat("{},", 50_000) + `{}]}}`,
		"volumes":    `{"spec":{"volumes":[` + strings.Repeat("{},", 200_000) + `{}]}}`,
		"labels":     `{"metadata":{"labels":{` + manyLabels(300_000) + `}}}`,
	} {
		body := asked(func(r *admissionv1.AdmissionRequest) { r.Object = runtime.RawExtension{Raw: []byte(pod)} })
		got := answered(t, &review.Handler{}, body)
		if got.Allowed || got.Result.Code != http.StatusRequestEntityTooLarge || !strings.Contains(got.Result.Message, "more up to here than may be read") {
			t.Errorf("%s: %v", name, got)
		}
		if _, err := review.Pod([]byte(pod)); !errors.Is(err, review.ErrTooLarge) {
			t.Errorf("%s: error %v, want ErrTooLarge", name, err)
		}
	}
}

func manyLabels(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"a` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + patchtest.MustJSON(i) + `":""`)
	}
	return b.String()
}

// FuzzReview: whatever comes in, what goes out is an answer or an error, and a pod
// that is read in full is read sparsely, with the same answers.
func FuzzReview(f *testing.F) {
	for _, pod := range []*corev1.Pod{bare, node, debugged(node)} {
		f.Add(asked(func(r *admissionv1.AdmissionRequest) { r.Object = raw(pod) }))
		f.Add([]byte(patchtest.MustJSON(pod)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, mutate := range []bool{false, true} {
			out, err := (&review.Handler{Mutate: mutate}).Review(context.Background(), data)
			if err == nil && json.Unmarshal(out, &admissionv1.AdmissionReview{}) != nil {
				t.Errorf("the answer to %q is %q", data, out)
			}
		}
		if _, err := review.Pod(data); err != nil || !json.Valid(data) {
			return
		}
		full := &corev1.Pod{}
		if json.Unmarshal(data, full) != nil {
			return // a field that nobody looks at has the wrong type
		}
		question{level: api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}}.sameAnswers(t, data)
	})
}
