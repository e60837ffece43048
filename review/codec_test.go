package review_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/review"
)

// text is a JSON text in a request.
func rawText(text string) runtime.RawExtension { return runtime.RawExtension{Raw: []byte(text)} }

func kindOf(group, kind string) func(*admissionv1.AdmissionRequest) {
	return func(r *admissionv1.AdmissionRequest) {
		r.Kind, r.Resource = metav1.GroupVersionKind{Group: group, Version: "v1", Kind: kind}, metav1.GroupVersionResource{Group: group, Version: "v1", Resource: strings.ToLower(kind) + "s"}
	}
}

// asRead are a request as a Codec reads it, and why an object of it was not.
func asRead(t *testing.T, body []byte) (got review.Request, unread error) {
	t.Helper()
	var codec review.Codec
	if _, err := codec.Answer(body, func(r *review.Request, err error) (*admissionv1.AdmissionResponse, error) {
		got, unread = *r, err
		got.Pod, got.OldPod, got.Template = r.Pod.DeepCopy(), r.OldPod.DeepCopy(), r.Template.DeepCopy()
		return &admissionv1.AdmissionResponse{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	return got, unread
}

// TestOtherObjects: of what is no pod the metadata is read, and the template.
func TestOtherObjects(t *testing.T) {
	const meta = `"metadata":{"name":"shop","namespace":"n","uid":"7","labels":{"a":"b"},"annotations":{"c":"d"},"finalizers":["x"]}`
	labelled := metav1.ObjectMeta{Name: "shop", Namespace: "n", UID: "7", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"c": "d"}}
	of := func(version, kind string) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: kind}, ObjectMeta: labelled}
	}
	template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{HostPID: true}}
	for _, row := range []struct {
		name, group, kind, text string
		want                    review.Request
	}{
		{"a Namespace", "", "Namespace", `{"apiVersion":"v1","kind":"Namespace",` + meta + `,"spec":{"finalizers":7}}`,
			review.Request{Object: of("v1", "Namespace")}},
		{"a Deployment", "apps", "Deployment", `{"apiVersion":"apps/v1","kind":"Deployment",` + meta + `,"spec":{"template":{"spec":{"hostPID":true}}}}`,
			review.Request{Object: of("apps/v1", "Deployment"), Template: template, Root: "/spec/template"}},
		{"a CronJob", "batch", "CronJob", `{"apiVersion":"batch/v1","kind":"CronJob",` + meta + `,"spec":{"jobTemplate":{"spec":{"template":{"spec":{"hostPID":true}}}}}}`,
			review.Request{Object: of("batch/v1", "CronJob"), Template: template, Root: "/spec/jobTemplate/spec/template"}},
		{"a PodTemplate", "", "PodTemplate", `{"template":{"spec":{"hostPID":true}},"kind":"PodTemplate","apiVersion":"v1",` + meta + `}`,
			review.Request{Object: of("v1", "PodTemplate"), Template: template, Root: "/template"}},
		{"a StatefulSet", "apps", "StatefulSet", `{"apiVersion":"apps/v1","kind":"StatefulSet",` + meta + `,"spec":{"volumeClaimTemplates":[{}],"template":{"spec":{"hostPID":true}}}}`,
			review.Request{Object: of("apps/v1", "StatefulSet"), Template: template, Root: "/spec/template", Claims: true}},
		{"one without claims", "apps", "StatefulSet", `{"apiVersion":"apps/v1","kind":"StatefulSet",` + meta + `,"spec":{"volumeClaimTemplates":[],"template":null}}`,
			review.Request{Object: of("apps/v1", "StatefulSet"), Root: "/spec/template"}},
		{"a kind of one's own", "example.com", "Shop", `{"apiVersion":"example.com/v1","kind":"Shop",` + meta + `,"spec":[]}`,
			review.Request{Object: of("example.com/v1", "Shop")}},
	} {
		for _, first := range []bool{false, true} {
			body := asked(func(r *admissionv1.AdmissionRequest) {
				kindOf(row.group, row.kind)(r)
				r.Operation, r.Object, r.OldObject = admissionv1.Update, rawText(row.text), rawText(row.text)
			})
			if first {
				body = objectFirst(t, body)
			}
			got, err := asRead(t, body)
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
			if diff := cmp.Diff(row.want.Object, got.Object) + cmp.Diff(row.want.Object, got.OldObject) + cmp.Diff(row.want.Template, got.Template); diff != "" ||
				got.Root != row.want.Root || got.Claims != row.want.Claims {
				t.Errorf("%s, object first %v: at %q, claims %v:\n%s", row.name, first, got.Root, got.Claims, diff)
			}
		}
	}
}

// TestUnread: an object that cannot be read keeps nothing else from being read, and
// what decides is told of it; a Handler refuses the request.
func TestUnread(t *testing.T) {
	for _, row := range []struct {
		name, why   string
		object, old string
		want        string
		status      int32
		pod, oldPod bool
	}{
		{"an object", "the rest of it is passed", `{"spec":{"containers":[{"ports":[{"hostPort":"x"},{}]},{}],"volumes":[]},"status":{}}`, `{}`,
			"/request/object/spec/containers/0/ports/0/hostPort: text stands where a number belongs", 400, false, true},
		{"an old object", "the object is read all the same", `{}`, `{"metadata":{"labels":{"a":"b","a":"c"}}}`,
			"/request/oldObject/metadata/labels/a: the name stands twice in its object", 400, true, false},
		{"both", "one of them is told", `7`, `8`, "/request/", 400, false, false},
		{"another kind", "it would be read as what it is not", `{"kind":"Service","apiVersion":"v1","spec":{}}`, `{}`,
			"/request/object: this is Service of v1, and the request is about Pod of v1", 400, false, true},
		{"another version", "it may mean something else", `{"apiVersion":"v2"}`, `{}`,
			"/request/object: this is  of v2, and the request is about Pod of v1", 400, false, true},
		{"too large", "it has another status", `{"spec":{"containers":[` + strings.Repeat("{},", 50_000) + `{}]}}`, `null`, "/request/object/spec/containers/", 413, false, false},
	} {
		for _, first := range []bool{false, true} {
			body := asked(func(r *admissionv1.AdmissionRequest) {
				r.Operation, r.Object, r.OldObject = admissionv1.Update, rawText(row.object), rawText(row.old)
			})
			if first {
				body = objectFirst(t, body)
			}
			got, err := asRead(t, body)
			if err == nil || !strings.HasPrefix(err.Error(), row.want) || (got.Pod != nil) != row.pod || (got.OldPod != nil) != row.oldPod || got.UID == "" || got.Namespace != "default" {
				t.Errorf("%s (%s), object first %v: error %v, want %s; %+v", row.name, row.why, first, err, row.want, got)
			}
			if errors.Is(err, review.ErrTooLarge) != (row.status == 413) {
				t.Errorf("%s: errors.Is does not tell what is too large", row.name)
			}
			answer := answered(t, &review.Handler{}, body)
			if answer.Allowed || answer.Result.Code != row.status || !strings.HasPrefix(answer.Result.Message, row.want) {
				t.Errorf("%s: answered with %+v", row.name, answer.Result)
			}
		}
	}
	broken := strings.Replace(string(asked(func(r *admissionv1.AdmissionRequest) { r.Object = rawText(`{"spec":"x"}`) })), `"x"`, `{"x"}`, 1)
	var codec review.Codec
	if _, err := codec.Answer([]byte(broken), nil); err == nil || !strings.Contains(err.Error(), "/request/object/spec") {
		t.Errorf("broken JSON in an object: %v", err)
	}
}

// TestSizeIsWhatWasRead: what is read counts, as values and as texts, and what is
// skipped does not.
func TestSizeIsWhatWasRead(t *testing.T) {
	of := func(object string) review.Request {
		got, err := asRead(t, asked(func(r *admissionv1.AdmissionRequest) { r.Object = rawText(object) }))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	none := of(`{}`)
	for _, row := range []struct {
		name, object string
		size, texts  int64
	}{
		{"args are skipped", `{"spec":{"hostPID":true,"x":["` + strings.Repeat("y", 1000) + `"]}}`, 0, 0},
		{"a name", `{"metadata":{"name":"abcd"}}`, 6, 6},
		{"a name with escapes is as long as it is written, and is copied", `{"metadata":{"name":"\u0061\n"}}`, 10 + 2, 10},
		{"a label has a place in a map", `{"metadata":{"labels":{"a":"b"}}}`, 80 + 6, 6},
	} {
		if got := of(row.object); got.Size-none.Size != row.size || got.Texts-none.Texts != row.texts {
			t.Errorf("%s: %d bytes, %d of texts, want %d and %d", row.name, got.Size-none.Size, got.Texts-none.Texts, row.size, row.texts)
		}
	}
}

// TestCodecWritesWhatItIsGiven: whatever an answer says, the API server reads it.
func TestCodecWritesWhatItIsGiven(t *testing.T) {
	body := asked(func(r *admissionv1.AdmissionRequest) { r.Object = raw(bare) })
	text := rapid.StringMatching(`[a-z<"\\\x01\x{2028}é ]{0,9}`)
	var codec review.Codec
	statuses := 0
	rapid.Check(t, func(t *rapid.T) {
		want := &admissionv1.AdmissionResponse{UID: "705ab4f5", Allowed: rapid.Bool().Draw(t, "allowed")}
		if len(rapid.SliceOfN(rapid.Bool(), 0, 1).Draw(t, "patched")) > 0 {
			kind := admissionv1.PatchTypeJSONPatch
			want.Patch, want.PatchType = []byte(`[{"op":"add","path":"/é","value":[]}]`), &kind
		}
		if list := rapid.SliceOfN(text, 1, 3).Draw(t, "warnings"); rapid.Bool().Draw(t, "warned") {
			want.Warnings = list
		}
		if entries := rapid.MapOfN(text, text, 1, 3).Draw(t, "annotations"); rapid.Bool().Draw(t, "annotated") {
			want.AuditAnnotations = entries
		}
		if rapid.Bool().Draw(t, "status") {
			statuses++
			want.Result = &metav1.Status{
				Status: text.Draw(t, "status"), Message: text.Draw(t, "message"), Reason: metav1.StatusReason(text.Draw(t, "reason")), Code: rapid.Int32Range(0, 600).Draw(t, "code"),
			}
			if rapid.Bool().Draw(t, "details") {
				want.Result.Details = &metav1.StatusDetails{Name: text.Draw(t, "name"), Group: text.Draw(t, "group"), Kind: text.Draw(t, "kind"), UID: types.UID(text.Draw(t, "uid")), RetryAfterSeconds: rapid.Int32Range(0, 9).Draw(t, "retry")}
				for range rapid.IntRange(0, 3).Draw(t, "causes") {
					want.Result.Details.Causes = append(want.Result.Details.Causes, metav1.StatusCause{Type: metav1.CauseType(text.Draw(t, "type")), Message: text.Draw(t, "message"), Field: text.Draw(t, "field")})
				}
			}
		}
		given := want.DeepCopy()
		given.UID = "" // it is filled in
		out, err := codec.Answer(body, func(*review.Request, error) (*admissionv1.AdmissionResponse, error) { return given, nil })
		if err != nil {
			t.Fatal(err)
		}
		var got admissionv1.AdmissionReview
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if diff := cmp.Diff(want, got.Response); diff != "" {
			t.Errorf("%s (-given +written):\n%s", out, diff)
		}
	})
	if statuses < 20 && !testing.Short() { // few are drawn then
		t.Errorf("%d statuses prove little", statuses)
	}
}

// TestServe: a webhook that decides in its own way has the statuses of a Handler, and
// one more for what it does not decide.
func TestServe(t *testing.T) {
	good, allowed := asked(func(r *admissionv1.AdmissionRequest) { r.Object = raw(bare) }), &admissionv1.AdmissionResponse{Allowed: true}
	for _, row := range []struct {
		name   string
		body   []byte
		answer *admissionv1.AdmissionResponse
		err    error
		status int
		says   string
	}{
		{"a review", good, allowed, nil, 200, `"allowed":true`},
		{"no review", []byte("{"), allowed, nil, 400, "unexpected EOF"},
		{"too much in a request", []byte(strings.Replace(string(good), `"default"`, `"`+strings.Repeat("x", 9000)+`"`, 1)), allowed, nil, 413, "/request/namespace: there is more"},
		{"undecided", good, allowed, errors.New("nobody knows\n"), 500, `nobody knows\n`},
		{"nothing said", good, nil, nil, 500, "not decided"},
	} {
		codec := review.Codec{MaxMemory: 8 << 10}
		r, w := httptest.NewRequest("POST", "/", strings.NewReader(string(row.body))), httptest.NewRecorder()
		r.Header.Set("Content-Type", "application/json")
		codec.Serve(w, r, func(*review.Request, error) (*admissionv1.AdmissionResponse, error) { return row.answer, row.err })
		if w.Code != row.status || !strings.Contains(w.Body.String(), row.says) {
			t.Errorf("%s: status %d, want %d, %s", row.name, w.Code, row.status, w.Body)
		}
	}
}

// TestRespondIsReview: a Handler says the same of a request that a Codec has read.
func TestRespondIsReview(t *testing.T) {
	var codec review.Codec
	for _, h := range []*review.Handler{{Mutate: true}, {}} {
		for _, pod := range []*corev1.Pod{bare, node} {
			body := asked(func(r *admissionv1.AdmissionRequest) { r.Object = raw(pod) })
			var told *admissionv1.AdmissionResponse
			out, err := codec.Answer(body, func(r *review.Request, unread error) (*admissionv1.AdmissionResponse, error) {
				told = h.Respond(context.Background(), r, unread)
				return told, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			want, err := h.Review(context.Background(), body)
			if err != nil || string(want) != string(out) {
				t.Errorf("%s\nand by Review\n%s (%v)", out, want, err)
			}
			if diff := cmp.Diff(answered(t, h, body), told); diff != "" {
				t.Errorf("(-written +told):\n%s", diff)
			}
		}
	}
}

// TestTemplatesGetWhatTheirPodsGet: a claim is a volume of the pod, and a volume
// without a source, of an object that an API server has decoded, is of a type that
// is newer than this build.
func TestTemplatesGetWhatTheirPodsGet(t *testing.T) {
	grants, err := policy.Parse([]byte("name: small\npodSelectorLabels: {app: db}\nallow: {volumes: [configMap, projected]}\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(grants...)
	if err != nil {
		t.Fatal(err)
	}
	h := &review.Handler{Policies: func() policy.Set { return set }}
	for _, row := range []struct {
		name, claims, volumes, says string
	}{
		{"without claims", `[]`, `[]`, ""},
		{"with claims", `[{"metadata":{"name":"data"}}]`, `[]`, "its pods will be refused: "},
		{"an unknown source", `[]`, `[{"name":"v","tomorrow":{}}]`, "its pods will be refused: "},
	} {
		text := fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"volumeClaimTemplates":%s,"template":{"metadata":{"labels":{"app":"db"}},"spec":{"volumes":%s,"containers":[{"name":"c","image":"i"}]}}}}`, row.claims, row.volumes)
		got := answered(t, h, asked(func(r *admissionv1.AdmissionRequest) {
			kindOf("apps", "StatefulSet")(r)
			r.Object = rawText(text)
		}))
		if says := strings.Join(got.Warnings, "\n"); !got.Allowed || !strings.HasPrefix(says, row.says) || (says == "") != (row.says == "") {
			t.Errorf("%s: allowed %v, warnings %q, want %q", row.name, got.Allowed, says, row.says)
		}
	}
}
