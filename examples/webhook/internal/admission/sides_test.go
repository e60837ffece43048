package admission

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/policy"
)

// Two policies govern the pods of these tests. Under "first" a pod gets groups;
// under "second", which leaves groups alone, it may be complete without them.
const twoPolicies = `
name: first
podSelectorLabels: {app: agent}
allow: {hostPID: true}
---
name: second
podSelectorLabels: {app: agent}
allow:
  hostPID: true
  fsGroup: {rule: MayRunAs, ranges: [{min: 5, max: 5}]}
  runAsGroup: {rule: MayRunAs, ranges: [{min: 5, max: 5}]}
mutations: {supplementalGroups: []}
`

// settled is a container that needs nothing under "second".
func settled(name string) string { return "{name: " + name + settledRest }

const settledRest = ", image: i, securityContext: {allowPrivilegeEscalation: false, privileged: false, " +
	"runAsNonRoot: true, runAsUser: 7, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}}"

// TestBothSidesNameOnePolicy: the side that fills in and the side that judges
// name one governing policy, in audit annotations and in metrics.
func TestBothSidesNameOnePolicy(t *testing.T) {
	policies, err := policy.Parse([]byte(twoPolicies), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	// It is compliant, and lacks what either policy would fill in.
	older := strings.Replace(settled("a"), "privileged: false, ", "", 1)
	for _, row := range []struct{ name, why, old, spec, want string }{
		{"a bare pod", "it needs a change under both, and the first in order of name wins", "",
			"{hostPID: true, containers: [{name: a, image: i}]}", "first"},
		{"a pod that is complete under the second", "it needs no change there, and the first would change it", "",
			"{hostPID: true, containers: [" + settled("a") + "]}", "second"},
		{"a debug container that is complete under the second", "the pod that it joins is not asked, for it cannot change",
			"{hostPID: true, containers: [" + older + "]}",
			"{hostPID: true, containers: [" + older + "], ephemeralContainers: [" +
				settled("d") + "]}", "second"},
		{"a bare debug container", "the first in order of name wins",
			"{hostPID: true, containers: [" + older + "]}",
			"{hostPID: true, containers: [" + older + "], ephemeralContainers: [{name: d, image: i}]}", "first"},
	} {
		t.Run(row.name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			c, err := New(Config{LabelPrefix: "podfence.dev/", Mutate: true}, func() policy.Set { return set }, cluster, pods{}, logr.Discard(), NewMetrics(registry))
			if err != nil {
				t.Fatal(err)
			}
			asked := request(t, "shop", podYAML(row.spec), func(r *admissionv1.AdmissionRequest) {
				if row.old != "" {
					r.Operation, r.SubResource, r.OldObject = admissionv1.Update, "ephemeralcontainers", raw(t, podYAML(row.old))
				}
			})
			if response := c.Mutate(context.Background(), asked); !response.Allowed {
				t.Fatalf("mutate: %+v", response)
			}
			asked.Object = runtime.RawExtension{Raw: filledBy(t, set, row.old, row.spec)}
			response := c.Validate(context.Background(), asked)
			if got := response.AuditAnnotations[annotationPolicy]; got != row.want || !response.Allowed {
				t.Errorf("%s: allowed %v, judged by %q, want %q", row.why, response.Allowed, got, row.want)
			}
			sides := policiesBySide(t, registry)
			if sides["mutate"] != row.want || sides["validate"] != row.want {
				t.Errorf("%s: metrics name %v, want %s on both sides", row.why, sides, row.want)
			}
		})
	}
}

// TestPodsInAdmissionHaveTheirToken: ServiceAccount admission is over when a webhook
// sees a pod. One without a token volume will get none, as its ServiceAccount wants
// it, and the policy that admits it is the one that both sides name.
func TestPodsInAdmissionHaveTheirToken(t *testing.T) {
	policies, err := policy.Parse([]byte(`
name: first
podSelectorLabels: {app: agent}
allow: {hostPID: true, volumes: [configMap]}
---
name: second
podSelectorLabels: {app: agent}
allow: {hostPID: true}
`), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	const token = "{hostPID: true, volumes: [{name: kube-api-access-x, projected: {sources: []}}], containers: [{name: a, image: i, " +
		"volumeMounts: [{name: kube-api-access-x, readOnly: true, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]}]}"
	for _, row := range []struct{ why, spec, want string }{
		{"its ServiceAccount wants no token", hostPID, "first"},
		{"it has its token, which the first policy refuses", token, "second"},
	} {
		registry := prometheus.NewRegistry()
		c, err := New(Config{LabelPrefix: "podfence.dev/", Mutate: true}, func() policy.Set { return set }, cluster, pods{}, logr.Discard(), NewMetrics(registry))
		if err != nil {
			t.Fatal(err)
		}
		asked := request(t, "shop", podYAML(row.spec), nil)
		filled := c.Mutate(context.Background(), asked)
		if got := filled.AuditAnnotations[annotationPolicy]; got != row.want {
			t.Errorf("%s: filled in by %q, want %q", row.why, got, row.want)
		}
		text, err := patchtest.Apply(asked.Object.Raw, filled.Patch)
		if err != nil {
			t.Fatal(err)
		}
		if asked.Object.Raw, err = json.Marshal(text); err != nil {
			t.Fatal(err)
		}
		judged := c.Validate(context.Background(), asked)
		if got := judged.AuditAnnotations[annotationPolicy]; got != row.want || !judged.Allowed {
			t.Errorf("%s: allowed %v, judged by %q, want %q", row.why, judged.Allowed, got, row.want)
		}
		if sides := policiesBySide(t, registry); sides["mutate"] != row.want || sides["validate"] != row.want {
			t.Errorf("%s: metrics name %v, want %s on both sides", row.why, sides, row.want)
		}
	}
}

// filledBy is the object as the mutating side makes it.
func filledBy(t *testing.T, set policy.Set, old, spec string) []byte {
	t.Helper()
	decode := func(spec string) *corev1.Pod {
		pod := &corev1.Pod{}
		if err := yaml.UnmarshalStrict([]byte(podYAML(spec)), pod); err != nil {
			t.Fatal(err)
		}
		pod.Namespace = "shop"
		return pod
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	d := podfence.Admit(decode(spec), restricted, set)
	if old != "" {
		d = podfence.AdmitEphemeralContainers(decode(old), decode(spec), restricted, set)
	}
	data, err := json.Marshal(d.Pod)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// policiesBySide reads which policy each side counted.
func policiesBySide(t *testing.T, registry *prometheus.Registry) map[string]string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sides := map[string]string{}
	for _, f := range families {
		if f.GetName() != "podfence_decisions_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			sides[labels["side"]] = labels["policy"]
		}
	}
	if len(sides) != 2 {
		t.Errorf("%d sides are counted: %v", len(sides), sides)
	}
	return sides
}
