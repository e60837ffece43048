package controller

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"example.com/embedder"
)

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

// ask sends a review of a pod to a webhook, as the API server would.
func ask(t *testing.T, webhook http.Handler, pod string) *admissionv1.AdmissionResponse {
	t.Helper()
	request, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "1", Namespace: "shop", Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: []byte(pod)},
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

// TestHandler: the webhook on controller-runtime answers over HTTP as the one on
// net/http does, whose answers are written down.
func TestHandler(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	webhook := &admission.Webhook{Handler: &Handler{Decoder: admission.NewDecoder(scheme), Level: restricted}}
	for _, row := range []struct {
		name, pod        string
		allowed, patched bool
	}{
		{"filled in", `{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"}]}}`, true, true},
		{"refused", `{"apiVersion":"v1","kind":"Pod","spec":{"hostNetwork":true,"containers":[{"name":"a"}]}}`, false, false},
		{"left alone", `{"apiVersion":"v1","kind":"Pod","spec":{"securityContext":{"fsGroup":1,"supplementalGroups":[1]},"containers":[]}}`, true, false},
	} {
		got, want := ask(t, webhook, row.pod), ask(t, &embedder.Server{Level: restricted}, row.pod)
		if got.Allowed != want.Allowed || string(got.Patch) != string(want.Patch) || !got.Allowed && got.Result.Message != want.Result.Message {
			t.Errorf("%s: %+v, want %+v", row.name, got, want)
		}
		if got.Allowed != row.allowed || (got.Patch != nil) != row.patched {
			t.Errorf("%s: allowed %v, patch %s", row.name, got.Allowed, got.Patch)
		}
	}
}
