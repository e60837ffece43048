package admission

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	admissionapi "k8s.io/pod-security-admission/admission/api"

	"github.com/podfence/podfence/policy"
)

// counted counts how often namespaces are looked up.
type counted struct {
	namespaces
	lookups *int
}

func (c counted) GetNamespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	*c.lookups++
	return c.namespaces.GetNamespace(ctx, name)
}

const selectsNamespaces = "name: agents\nnamespaceSelector: {matchLabels: {team: platform}}\npodSelectorLabels: {app: agent}\nallow: {hostPID: true}\n"

func selecting(t *testing.T, lookups *int, existing ...*corev1.Pod) *Controller {
	t.Helper()
	policies, err := policy.Parse([]byte(selectsNamespaces), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	all := namespaces{
		"monitoring": {"podfence.dev/enforce": "restricted", "team": "platform"},
		"shop":       {"podfence.dev/enforce": "restricted", "team": "shop"},
	}
	config := Config{LabelPrefix: "podfence.dev/", Mutate: true, Exemptions: admissionapi.PodSecurityExemptions{}}
	c, err := New(config, func() policy.Set { return set }, counted{all, lookups}, pods(existing), logr.Discard(), NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const agent = "{securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, hostPID: true, " +
	"containers: [{name: a, image: i, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}"

// TestPoliciesSelectNamespaces: a policy that selects namespaces by their labels governs
// pods where the cluster has these labels, on both sides and for templates.
func TestPoliciesSelectNamespaces(t *testing.T) {
	for namespace, governed := range map[string]bool{"monitoring": true, "shop": false} {
		lookups := 0
		c := selecting(t, &lookups)
		got := c.Validate(context.Background(), request(t, namespace, podYAML(agent), nil))
		if got.Allowed != governed || (got.AuditAnnotations[annotationPolicy] == "agents") != governed {
			t.Errorf("%s: allowed %t, %v", namespace, got.Allowed, got.AuditAnnotations)
		}
		if got.AuditAnnotations[annotationNotices] != "" || len(got.Warnings) > 0 {
			t.Errorf("%s: labels are known, and it says %v, %q", namespace, got.AuditAnnotations, got.Warnings)
		}
		if filled := c.Mutate(context.Background(), request(t, namespace, podYAML(agent), nil)); (filled.AuditAnnotations[annotationPolicy] == "agents") != governed {
			t.Errorf("%s: filled in by %v", namespace, filled.AuditAnnotations)
		}
		deployment := "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {metadata: {labels: {app: agent}}, spec: " + agent + "}}}"
		got = c.Validate(context.Background(), request(t, namespace, deployment, func(r *admissionv1.AdmissionRequest) {
			r.Kind = metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
			r.Resource = metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
		}))
		if !got.Allowed || (len(got.Warnings) == 0) != governed {
			t.Errorf("a Deployment in %s: %q", namespace, got.Warnings)
		}
	}
}

// TestUnknownLabelsAreTold: where the labels cannot be looked up the policy governs
// nothing, and the audit log and the user of a refused pod are told.
func TestUnknownLabelsAreTold(t *testing.T) {
	lookups := 0
	c := selecting(t, &lookups)
	c.namespaces = namespaces{} // the level is known, and then the namespace is gone
	got := c.Validate(context.Background(), request(t, "monitoring", podYAML(agent), nil))
	const told = "policy agents selects namespaces by label, and the labels of the pod's namespace are not known: it does not govern the pod"
	if got.Allowed || got.AuditAnnotations[annotationNotices] != told || !slices.Contains(got.Warnings, told) {
		t.Errorf("allowed %t, %v, %q", got.Allowed, got.AuditAnnotations, got.Warnings)
	}
	if filled := c.Mutate(context.Background(), request(t, "monitoring", podYAML(agent), nil)); !filled.Allowed || filled.AuditAnnotations[annotationNotices] != told {
		t.Errorf("filled in: %t, %v", filled.Allowed, filled.AuditAnnotations)
	}
	other := c.Validate(context.Background(), request(t, "monitoring", strings.Replace(podYAML(agent), "app: agent", "app: web", 1), nil))
	if other.AuditAnnotations[annotationNotices] != "" {
		t.Errorf("told of a pod that no policy selects: %v", other.AuditAnnotations)
	}
}

// TestLabelsAreLookedUpOnce: by the request that hangs on them, and beside the lookup for its level.
func TestLabelsAreLookedUpOnce(t *testing.T) {
	for object, want := range map[string]int{podYAML(agent): 2, strings.Replace(podYAML(agent), "app: agent", "app: web", 1): 1} {
		lookups := 0
		selecting(t, &lookups).Validate(context.Background(), request(t, "monitoring", object, nil))
		if lookups != want {
			t.Errorf("%d lookups, want %d", lookups, want)
		}
	}
}

// TestNewLabelsOfANamespace: the pods that run in a namespace whose level is raised are
// held against the labels that it will have.
func TestNewLabelsOfANamespace(t *testing.T) {
	var pod corev1.Pod
	pod.Name, pod.Labels = "running", map[string]string{"app": "agent"}
	pod.Spec.HostPID = true
	yes, no := true, false
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: &yes, SeccompProfile: &corev1.SeccompProfile{Type: "RuntimeDefault"}}
	pod.Spec.Containers = []corev1.Container{{Name: "a", SecurityContext: &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}}}
	for team, warned := range map[string]bool{"platform": false, "shop": true} {
		lookups := 0
		c := selecting(t, &lookups, &pod)
		object := func(labels string) string {
			return "{apiVersion: v1, kind: Namespace, metadata: {name: monitoring, labels: {" + labels + "}}}"
		}
		got := c.Validate(context.Background(), request(t, "monitoring", object("podfence.dev/enforce: restricted, team: "+team), func(r *admissionv1.AdmissionRequest) {
			r.Kind = metav1.GroupVersionKind{Version: "v1", Kind: "Namespace"}
			r.Resource = metav1.GroupVersionResource{Version: "v1", Resource: "namespaces"}
			r.Name, r.Operation = "monitoring", admissionv1.Update
			r.OldObject = raw(t, object("team: platform"))
		}))
		if !got.Allowed || (len(got.Warnings) > 0) != warned {
			t.Errorf("team %s: allowed %t, %q", team, got.Allowed, got.Warnings)
		}
	}
}
