package review

import (
	"maps"
	"slices"
	"strconv"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// responseOf is an answer in the API's own type. Its patch is a JSON patch, for
// there are no others.
func responseOf(a *admissionv1.AdmissionResponse) response {
	r := response{allowed: a.Allowed, status: a.Result, patch: a.Patch, warnings: a.Warnings}
	if len(a.AuditAnnotations) == 0 {
		return r
	}
	r.audit = make([]annotation, 0, len(a.AuditAnnotations))
	for _, key := range slices.Sorted(maps.Keys(a.AuditAnnotations)) {
		r.audit = append(r.audit, annotation{key, []byte(a.AuditAnnotations[key])})
	}
	return r
}

// admission is the response in the API's own type.
func (r response) admission(uid types.UID) *admissionv1.AdmissionResponse {
	a := &admissionv1.AdmissionResponse{UID: uid, Allowed: r.allowed, Result: r.status, Patch: r.patch, Warnings: r.warnings}
	if r.code != 0 {
		a.Result = &metav1.Status{Status: metav1.StatusFailure, Message: r.message, Reason: r.reason, Code: int32(r.code)}
	}
	if len(r.patch) > 0 {
		kind := admissionv1.PatchTypeJSONPatch
		a.PatchType = &kind
	}
	if len(r.audit) > 0 {
		a.AuditAnnotations = make(map[string]string, len(r.audit))
		for _, entry := range r.audit {
			a.AuditAnnotations[entry.key] = string(entry.value)
		}
	}
	return a
}

// appendStatus appends the JSON of a status. Its own metadata, which is that of
// lists, says nothing.
func appendStatus(b []byte, s *metav1.Status) []byte {
	b = append(b, `{"metadata":{}`...)
	b = appendMember(b, "status", s.Status)
	b = appendMember(b, "message", s.Message)
	b = appendMember(b, "reason", string(s.Reason))
	if s.Details != nil {
		b = appendDetails(append(b, `,"details":{`...), s.Details)
	}
	if s.Code != 0 {
		b = strconv.AppendInt(append(b, `,"code":`...), int64(s.Code), 10)
	}
	return append(b, '}')
}

// appendDetails appends what stands in the object of details, and its end.
func appendDetails(b []byte, d *metav1.StatusDetails) []byte {
	b = appendMember(b, "name", d.Name)
	b = appendMember(b, "group", d.Group)
	b = appendMember(b, "kind", d.Kind)
	b = appendMember(b, "uid", string(d.UID))
	if len(d.Causes) > 0 {
		b = appendName(b, "causes")
		for i, cause := range d.Causes {
			b = append(b, "[,"[min(i, 1)], '{')
			b = appendMember(b, "reason", string(cause.Type))
			b = appendMember(b, "message", cause.Message)
			b = append(appendMember(b, "field", cause.Field), '}')
		}
		b = append(b, ']')
	}
	if d.RetryAfterSeconds != 0 {
		b = strconv.AppendInt(appendName(b, "retryAfterSeconds"), int64(d.RetryAfterSeconds), 10)
	}
	return append(b, '}')
}

// appendMember appends a member with a text, if it has one.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return quoted(appendName(b, name), value)
}

// appendName appends the name of a member, behind the last one.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(quoted(b, name), ':')
}
