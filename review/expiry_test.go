package review_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/review"
)

const agentReview = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1",
	"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"namespace":"shop","operation":"CREATE",
	"object":{"metadata":{"labels":{"app":"agent"}},"spec":{"hostPID":true,"containers":[{"name":"c","image":"i","securityContext":{
	"allowPrivilegeEscalation":false,"runAsNonRoot":true,"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}}}]}}}}`

// TestWhatAPolicySaysOfItself: the audit annotations have it on either side, and the
// user is warned of a policy that has expired; one that says nothing adds nothing.
func TestWhatAPolicySaysOfItself(t *testing.T) {
	const level, notice = "restricted:latest", "policy agents expired on 2026-12-31: it grants nothing any more"
	silent := policy.Policy{Name: "agents", PodSelectorLabels: map[string]string{"app": "agent"}, Allow: policy.Allow{HostPID: true}}
	says := silent
	says.Reason, says.Owner, says.Expires = "They read processes.", "team-node", "2026-12-31"
	excused := `spec.hostPID is true, must be false or unset [hostNamespaces]`
	for _, row := range []struct {
		why     string
		p       policy.Policy
		year    int
		allowed bool
		want    map[string]string
		warned  bool
	}{
		{"it says nothing", silent, 2026, true, map[string]string{"enforce-policy": level, "policy": "agents", "excused": excused}, false},
		{"it is in force", says, 2026, true, map[string]string{"enforce-policy": level, "policy": "agents", "excused": excused,
			"policy-reason": says.Reason, "policy-owner": says.Owner, "policy-expires": says.Expires}, false},
		{"it has expired", says, 2027, false, map[string]string{"enforce-policy": level, "policy": "agents", "notices": notice,
			"policy-reason": says.Reason, "policy-owner": says.Owner, "policy-expires": says.Expires}, true},
	} {
		set, err := policy.NewSet(row.p)
		if err != nil {
			t.Fatal(err)
		}
		set = set.At(time.Date(row.year, 6, 1, 0, 0, 0, 0, time.UTC))
		handler := &review.Handler{Policies: func() policy.Set { return set }}
		text, err := handler.Review(context.Background(), []byte(agentReview))
		var answer admissionv1.AdmissionReview
		if err != nil || json.Unmarshal(text, &answer) != nil {
			t.Fatalf("%v: %s", err, text)
		}
		r := answer.Response
		if r.Allowed != row.allowed || !maps.Equal(r.AuditAnnotations, row.want) || row.warned != (len(r.Warnings) == 1 && r.Warnings[0] == notice) {
			t.Errorf("%s: %s", row.why, text)
		}
	}
}
