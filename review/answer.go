package review

import (
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// response is what an AdmissionResponse says.
type response struct {
	allowed bool
	// code, reason and message are the status of what is not allowed; status is one
	// that says more, else nil.
	code    int
	reason  metav1.StatusReason
	message string
	status  *metav1.Status
	// patch is RFC 6902, empty for none.
	patch    []byte
	audit    []annotation
	warnings []string
}

type annotation struct {
	key   string
	value []byte
}

// scratch is the room in which parts of an answer are rendered. Responses refer
// to it, and the next one takes it over.
type scratch struct{ patch, words []byte }

// reset lets go of room that only a large answer needs.
func (s *scratch) reset() {
	if cap(s.patch)+cap(s.words) > keptBytes {
		*s = scratch{}
	}
	s.patch, s.words = s.patch[:0], s.words[:0]
}

// failed refuses what could not be decided.
func failed(code int, reason metav1.StatusReason, err error) response {
	return response{code: code, reason: reason, message: spec.Printable(err.Error())}
}

// The keys of audit annotations; the first is Pod Security Admission's.
const (
	auditLevel    = api.EnforcedPolicyAnnotationKey
	auditPolicy   = "policy"
	auditExcused  = "excused"
	auditMutation = "mutations"
	auditNotices  = "notices"
)

// filled allows a pod with what is filled in.
func (r *Request) filled(lv api.LevelVersion, policies policy.Set, s *scratch) response {
	answer := response{allowed: true, audit: append(make([]annotation, 0, 3), annotation{auditLevel, []byte(lv.String())})}
	report, p := r.plan(lv, policies)
	if !report.Changed() {
		return answer
	}
	s.patch = report.AppendPatch(s.patch)
	answer.patch = s.patch
	if p != nil {
		answer.audit = append(answer.audit, annotation{auditPolicy, []byte(p.Name)})
	}
	answer.audit = append(answer.audit, annotation{auditMutation, s.list(report.Len(), func(b []byte, i int) []byte {
		return report.Change(i).AppendLine(b)
	})})
	return answer
}

// judged allows or refuses a pod.
func judged(lv api.LevelVersion, result evaluate.Result, s *scratch) response {
	r := response{allowed: result.Allowed(), audit: append(make([]annotation, 0, 3), annotation{auditLevel, []byte(lv.String())})}
	if name := result.PolicyName(); name != "" {
		r.audit = append(r.audit, annotation{auditPolicy, []byte(name)})
	}
	if len(result.Excused) > 0 {
		r.audit = append(r.audit, annotation{auditExcused, s.list(len(result.Excused), func(b []byte, i int) []byte {
			return append(b, result.Excused[i].String()...)
		})})
	}
	if n := len(result.Notices); n > 0 {
		r.audit = append(r.audit, annotation{auditNotices, s.list(n, func(b []byte, i int) []byte {
			return append(b, result.Notices[i].String()...)
		})})
	}
	if !r.allowed {
		r.code, r.reason, r.message = http.StatusForbidden, metav1.StatusReasonForbidden, result.Refusal()
	}
	return r
}

// longest is how many entries of a list an audit annotation has at most.
const longest = 50

// list renders the first of n entries, and how many more there are.
func (s *scratch) list(n int, appendEntry func([]byte, int) []byte) []byte {
	shown := min(n, longest)
	b := s.words
	for i := range shown {
		if i > 0 {
			b = append(b, "; "...)
		}
		b = appendEntry(b, i)
	}
	if n > shown {
		b = append(b, "; and "...)
		b = append(strconv.AppendInt(b, int64(n-shown), 10), " more"...)
	}
	s.words = b
	return b
}

// answerTo is the JSON of an AdmissionReview that answers a request.
func answerTo(to *Request, r response) []byte {
	b := make([]byte, 0, r.size())
	b = append(b, `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":`...)
	b = quoted(b, to.UID)
	b = append(b, `,"allowed":`...)
	b = strconv.AppendBool(b, r.allowed)
	switch {
	case r.status != nil:
		b = appendStatus(append(b, `,"status":`...), r.status)
	case r.code != 0:
		b = appendStatus(append(b, `,"status":`...), &metav1.Status{Status: metav1.StatusFailure, Message: r.message, Reason: r.reason, Code: int32(r.code)})
	}
	if len(r.patch) > 0 {
		b = append(b, `,"patch":"`...)
		b = base64.StdEncoding.AppendEncode(b, r.patch)
		b = append(b, `","patchType":"JSONPatch"`...)
	}
	if len(r.audit) > 0 {
		b = append(b, `,"auditAnnotations":{`...)
		for i, a := range r.audit {
			b = separated(b, i)
			b = append(quoted(b, a.key), ':')
			b = quoted(b, a.value)
		}
		b = append(b, '}')
	}
	if len(r.warnings) > 0 {
		b = append(b, `,"warnings":[`...)
		for i, warning := range r.warnings {
			b = quoted(separated(b, i), warning)
		}
		b = append(b, ']')
	}
	return append(b, "}}"...)
}

// size is about as many bytes as the JSON needs: exactly where no text is escaped.
func (r *response) size() int {
	n := 256 + base64.StdEncoding.EncodedLen(len(r.patch)) + len(r.message)
	for i := range r.audit {
		n += len(r.audit[i].key) + len(r.audit[i].value) + len(`"":"",`)
	}
	for _, warning := range r.warnings {
		n += len(warning) + len(`"",`)
	}
	return n
}

func separated(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

// quoted appends a JSON string. What is no UTF-8 in a text of the caller's is
// replaced, of which the error tells.
func quoted[T ~string | ~[]byte](b []byte, text T) []byte {
	b, _ = jsontext.AppendQuote(b, text)
	return b
}
