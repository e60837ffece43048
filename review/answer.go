package review

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
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

type annotation struct{ key, value string }

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
)

// filled allows a pod with what is filled in.
func filled(lv api.LevelVersion, d podfence.Decision) response {
	r := response{allowed: true, audit: []annotation{{auditLevel, lv.String()}}}
	if !d.Report.Changed() {
		return r
	}
	r.patch = d.Report.Patch()
	if name := d.Result.PolicyName(); name != "" {
		r.audit = append(r.audit, annotation{auditPolicy, name})
	}
	changes := d.Report.Changes()
	words := make([]string, len(changes))
	for i := range changes {
		words[i] = changes[i].String()
	}
	r.audit = append(r.audit, annotation{auditMutation, listed(words)})
	return r
}

// judged allows or refuses a pod.
func judged(lv api.LevelVersion, result evaluate.Result) response {
	r := response{allowed: result.Allowed(), audit: []annotation{{auditLevel, lv.String()}}}
	if name := result.PolicyName(); name != "" {
		r.audit = append(r.audit, annotation{auditPolicy, name})
	}
	if len(result.Excused) > 0 {
		words := make([]string, len(result.Excused))
		for i := range result.Excused {
			words[i] = result.Excused[i].String()
		}
		r.audit = append(r.audit, annotation{auditExcused, listed(words)})
	}
	if !r.allowed {
		r.code, r.reason, r.message = http.StatusForbidden, metav1.StatusReasonForbidden, result.Refusal()
	}
	return r
}

// longest is how many entries of a list an audit annotation has at most.
const longest = 50

func listed(words []string) string {
	if len(words) > longest {
		words = append(words[:longest:longest], "and "+strconv.Itoa(len(words)-longest)+" more")
	}
	return strings.Join(words, "; ")
}

// answerTo is the JSON of an AdmissionReview that answers a request.
func answerTo(to *Request, r response) []byte {
	b := make([]byte, 0, 512+base64.StdEncoding.EncodedLen(len(r.patch))+2*len(r.message))
	b = append(b, `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":`...)
	b = quoted(b, string(to.UID))
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

func separated(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

// quoted appends a JSON string. What is no UTF-8 in a text of the caller's is
// replaced, of which the error tells.
func quoted(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text)
	return b
}
