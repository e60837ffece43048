package embedder

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ask sends a review of a pod to the webhook, as the API server would.
func ask(t *testing.T, webhook http.Handler, pod string) *admissionv1.AdmissionResponse {
	t.Helper()
	request, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "1", Namespace: "networking", Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: []byte(pod)},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(request))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	webhook.ServeHTTP(w, r)
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(w.Body.Bytes(), &review); err != nil || review.Response == nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return review.Response
}

// TestServer: what the webhook sends over HTTP.
func TestServer(t *testing.T) {
	webhook := &Server{Level: restricted, Policies: readPolicies(t)}
	for _, row := range []struct{ name, why, pod, message, patch string }{
		{"bare", "it is filled in", `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"}]}}`, "",
			`[{"op":"add","path":"/spec/securityContext","value":{"fsGroup":1,"supplementalGroups":[1]}},` +
				`{"op":"add","path":"/spec/containers/0/securityContext","value":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},` +
				`"privileged":false,"runAsGroup":1,"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}}]`},
		{"host network", "nothing grants it", `{"apiVersion":"v1","kind":"Pod","spec":{"hostNetwork":true,"containers":[{"name":"a"}]}}`,
			"host namespaces (hostNetwork=true)", ""},
		{"route manager", "a policy of its namespace grants it", `{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"app.kubernetes.io/name":"route-manager"}},` +
			`"spec":{"hostNetwork":true,"securityContext":{"fsGroup":1,"supplementalGroups":[1]},"containers":[{"name":"a","securityContext":{"runAsGroup":1,"runAsUser":400,"allowPrivilegeEscalation":true,"privileged":false,` +
			`"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"},"capabilities":{"add":["NET_ADMIN"]}}}]}}`, "",
			`[{"op":"add","path":"/spec/containers/0/securityContext/capabilities/drop","value":["ALL"]}]`},
	} {
		got := ask(t, webhook, row.pod)
		if got.Allowed != (row.message == "") || string(got.Patch) != row.patch || !got.Allowed && got.Result.Message != row.message {
			t.Errorf("%s (%s): allowed %v, patch %s, result %+v", row.name, row.why, got.Allowed, got.Patch, got.Result)
		}
	}
}
