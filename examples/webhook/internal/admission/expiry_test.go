package admission

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/podfence/podfence/policy"
)

const (
	expiring = "name: agents\npodSelectorLabels: {app: agent}\nreason: They read the node's processes.\nowner: team-node\nexpires: 2026-12-31\nallow: {hostPID: true}\n"
	agent    = "apiVersion: v1\nkind: Pod\nmetadata: {labels: {app: agent}}\nspec: {hostPID: true, containers: [{name: c, image: i, securityContext: {allowPrivilegeEscalation: false, " +
		"runAsNonRoot: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}]}\n"
)

// TestPoliciesExpire: the clock is asked for each request, so that a policy ends
// while the webhook runs, and what it says of itself is in the audit log.
func TestPoliciesExpire(t *testing.T) {
	policies, err := policy.Parse([]byte(expiring), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
	config := Config{LabelPrefix: "podfence.dev/", Mutate: true, Now: func() time.Time { return now }}
	c, err := New(config, func() policy.Set { return set }, cluster, pods(nil), logr.Discard(), NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	says := map[string]string{"policy": "agents", "policy-reason": "They read the node's processes.", "policy-owner": "team-node", "policy-expires": "2026-12-31"}
	r := request(t, "shop", agent, nil)
	in := c.Validate(context.Background(), r)
	if !in.Allowed || len(in.Warnings) > 0 {
		t.Errorf("on its last day: %+v", in)
	}
	const notice = "policy agents expired on 2026-12-31: it grants nothing any more"
	now = now.Add(time.Second)
	out := c.Validate(context.Background(), r)
	if out.Allowed || !slices.Contains(out.Warnings, notice) || out.AuditAnnotations["notices"] != notice {
		t.Errorf("the day after: %+v", out)
	}
	filled := c.Mutate(context.Background(), r)
	for _, annotations := range []map[string]string{in.AuditAnnotations, out.AuditAnnotations, filled.AuditAnnotations} {
		got := map[string]string{}
		for key := range says {
			got[key] = annotations[key]
		}
		if !maps.Equal(says, got) {
			t.Errorf("what the policy says of itself: %v, want %v", got, says)
		}
	}
}
