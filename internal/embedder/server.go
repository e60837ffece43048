// Package embedder embeds podfence as others would: as a webhook, in a custom
// resource that holds a policy, and in a unit test of a pod that an operator makes.
// Package controller does the first again, on controller-runtime. tools/embed builds
// and tests both with each row of docs/versions.md. Their module is named as a
// stranger's would be, so that they see nothing internal.
package embedder

import (
	"encoding/json"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

// Server is a webhook on net/http that fills pods in and judges them when they are
// created.
type Server struct {
	Level    api.LevelVersion
	Policies policy.Set
}

// ServeHTTP answers one review.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	review, pod := admissionv1.AdmissionReview{}, corev1.Pod{}
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil || json.Unmarshal(review.Request.Object.Raw, &pod) != nil {
		http.Error(w, "no review of a pod", http.StatusBadRequest)
		return
	}
	pod.Namespace = review.Request.Namespace
	d := podfence.Admit(&pod, s.Level, s.Policies)
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: d.Allowed()}
	if !d.Allowed() {
		review.Response.Result = &metav1.Status{Message: d.Result.Message()}
	} else if patchType := admissionv1.PatchTypeJSONPatch; d.Report.Changed() {
		review.Response.Patch, review.Response.PatchType = d.Report.Patch(), &patchType
	}
	review.Request = nil
	_ = json.NewEncoder(w).Encode(review)
}
