package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/internal/e2e/cluster"
	"github.com/podfence/podfence/policy"
	admission "github.com/podfence/podfence/review"
)

// asked is how many pods of a kind are created, dry, to measure.
const asked = 400

// measured are a complete pod, a bare one and a large complete one.
var measured = benchpod.All()[:3]

// TestEnforcersAreMeasured compares, in one run and under the same policies, what Pod
// Security Admission, the webhook, the library in a webhook of one's own and the
// objects add to the creation of a pod, by the API server's own metrics of its
// admission plugins. The comparison is printed; no time is asserted.
func TestEnforcersAreMeasured(t *testing.T) {
	takesLong(t)
	c := cluster.Start(t, binaries, cluster.Options{})
	files, set := examplePolicies(t)
	namespace(t, c, "upstream", map[string]string{upstreamEnforces: restricted})
	namespace(t, c, "podfence", map[string]string{podfenceEnforces: restricted})
	measure(t, c, "upstream", "PodSecurity") // warms up
	baseline := measure(t, c, "upstream", "PodSecurity")

	w := c.StartWebhook(1, files, "--warn-on-mutation=false")
	w.Register(nil)
	waitForWebhook(t, c)
	shipped := measureTwice(t, c, "MutatingAdmissionWebhook", "ValidatingAdmissionWebhook")
	unregister(t, c)
	registerOwn(t, c, set)
	waitUntilHeld(t, c)
	own := measureTwice(t, c, "MutatingAdmissionWebhook", "ValidatingAdmissionWebhook")
	unregister(t, c)
	export(t, c, files, "")
	waitUntilHeld(t, c)
	objects := measureTwice(t, c, "MutatingAdmissionPolicy", "ValidatingAdmissionPolicy")

	t.Logf("| pod | Pod Security Admission | objects | library in a webhook of one's own | shipped webhook |")
	t.Logf("|---|---:|---:|---:|---:|")
	for _, p := range measured {
		one := baseline[p.Name]
		t.Logf("| %s | 1 | %.0f | %.0f | %.0f |", p.Name, objects[p.Name]/one, own[p.Name]/one, shipped[p.Name]/one)
		t.Logf("%s: %.2f, %.2f, %.2f and %.2f ms", p.Name, 1000*one, 1000*objects[p.Name], 1000*own[p.Name], 1000*shipped[p.Name])
	}
}

// measureTwice measures podfence once it is warm.
func measureTwice(t *testing.T, c *cluster.Cluster, plugins ...string) map[string]float64 {
	t.Helper()
	measure(t, c, "podfence", plugins...)
	return measure(t, c, "podfence", plugins...)
}

// measure creates pods of each kind, dry, and returns what the plugins took for one in
// the mean, in seconds. Pod Security Admission refuses the bare one.
func measure(t *testing.T, c *cluster.Cluster, namespace string, plugins ...string) map[string]float64 {
	t.Helper()
	took := map[string]float64{}
	for _, named := range measured {
		before := admissionSeconds(t, c, plugins)
		for range asked {
			p := named.Pod.DeepCopy()
			p.Name, p.Namespace, p.ResourceVersion, p.UID = "p", namespace, "", ""
			_, err := c.Client.CoreV1().Pods(namespace).Create(context.Background(), p, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if err != nil && !apierrors.IsForbidden(err) {
				t.Fatalf("%s: %v", named.Name, err)
			}
		}
		took[named.Name] = (admissionSeconds(t, c, plugins) - before) / asked
	}
	return took
}

// admissionSeconds is what plugins have taken for all creations, by the metrics of the
// API server.
func admissionSeconds(t *testing.T, c *cluster.Cluster, plugins []string) (sum float64) {
	t.Helper()
	metrics, err := c.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(metrics) {
		labels, ok := strings.CutPrefix(line, "apiserver_admission_controller_admission_duration_seconds_sum{")
		if !ok || !strings.Contains(labels, `operation="CREATE"`) {
			continue
		}
		for _, plugin := range plugins {
			if strings.Contains(labels, fmt.Sprintf("name=%q", plugin)) {
				sum += gauge(t, line, line[:strings.LastIndex(line, " ")])
				found++
			}
		}
	}
	if found == 0 {
		t.Fatalf("no metrics of %v", plugins)
	}
	return sum
}

// registerOwn serves package review as an embedder does, and registers it.
func registerOwn(t *testing.T, c *cluster.Cluster, set policy.Set) {
	t.Helper()
	ctx := context.Background()
	mux := http.NewServeMux()
	policies := func() policy.Set { return set }
	mux.Handle("/mutate", &admission.Handler{Mutate: true, Policies: policies})
	mux.Handle("/validate", &admission.Handler{Policies: policies})
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)

	none := admissionregistrationv1.SideEffectClassNone
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{podfenceEnforces: restricted}}
	config := func(path string) admissionregistrationv1.WebhookClientConfig {
		url := server.URL + path
		return admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: authorityOf(server)}
	}
	rules := []admissionregistrationv1.RuleWithOperations{{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
	}}
	webhooks := c.Client.AdmissionregistrationV1()
	_, err := webhooks.MutatingWebhookConfigurations().Create(ctx, &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "own"},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "mutate.e2e.test", ClientConfig: config("/mutate"), Rules: rules, NamespaceSelector: selector, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = webhooks.ValidatingWebhookConfigurations().Create(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "own"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name: "validate.e2e.test", ClientConfig: config("/validate"), Rules: rules, NamespaceSelector: selector, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}
