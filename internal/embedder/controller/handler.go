// Package controller is a webhook on controller-runtime that asks podfence.
package controller

import (
	"context"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

// Handler fills pods in and judges them when they are created.
type Handler struct {
	Decoder  admission.Decoder
	Level    api.LevelVersion
	Policies policy.Set
}

// Handle answers a request about a pod.
func (h *Handler) Handle(_ context.Context, req admission.Request) admission.Response {
	pod := &corev1.Pod{}
	if err := h.Decoder.Decode(req, pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	pod.Namespace = req.Namespace
	d := podfence.Admit(pod, h.Level, h.Policies)
	if !d.Allowed() {
		return admission.Denied(d.Result.Message())
	}
	answer := admission.Allowed("")
	if patchType := admissionv1.PatchTypeJSONPatch; d.Report.Changed() {
		answer.Patch, answer.PatchType = d.Report.Patch(), &patchType
	}
	return answer
}
