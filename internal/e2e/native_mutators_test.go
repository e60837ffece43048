package e2e

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/e2e/cluster"
	"github.com/podfence/podfence/policy"
)

// injects is the label of pods that somebody else changes, with who does it.
const injects = "injected-by"

// injector is a policy that adds a bare container to pods, once.
const injector = `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: NAME}
spec:
  reinvocationPolicy: Never
  matchConstraints:
    objectSelector: {matchLabels: {injected-by: NAME}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  matchConditions: [{name: once, expression: "!object.spec.containers.exists(c, c.name == 'injected')"}]
  mutations:
  - patchType: JSONPatch
    jsonPatch: {expression: "[JSONPatch{op: 'add', path: '/spec/containers/-', value: Object.spec.containers{name: 'injected', image: 'sidecar'}}]"}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME}
`

// TestWhatOtherMutatorsAddIsFilledInToo: a policy that comes before ours in the order
// of names, one that comes after it, and a webhook, which come after all policies.
func TestWhatOtherMutatorsAddIsFilledInToo(t *testing.T) {
	takesLong(t)
	c := cluster.Start(t, binaries, cluster.Options{})
	export(t, c, nil, "")
	waitForWebhook(t, c)
	mutators := []string{"a-first", "z-last", "webhook"}
	for _, name := range mutators[:2] {
		shell(t, c, "kubectl apply -f - <<'END'%sEND", strings.ReplaceAll(injector, "NAME", name))
	}
	injectByWebhook(t, c, mutators[2])
	namespace(t, c, "injected", map[string]string{podfenceEnforces: restricted})
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, name := range mutators {
		var stored *corev1.Pod
		cluster.Eventually(t, name+" adds its container", func(ctx context.Context) (bool, error) {
			p := pod("injected", "p", func(p *corev1.Pod) { p.Labels = map[string]string{injects: name} })
			var err error
			stored, err = created(c, p)
			return err == nil && len(stored.Spec.Containers) == 2, err
		})
		if d := podfence.Admit(stored, lv, policy.Set{}); !d.Allowed() || d.Report.Changed() {
			t.Errorf("%s: the library would still fill in %v: %+v", name, d.Report.Changes(), stored.Spec.Containers[1].SecurityContext)
		}
	}
}

// injectByWebhook registers a webhook that adds a bare container to the pods that ask
// for it.
func injectByWebhook(t *testing.T, c *cluster.Cluster, name string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		patch := admissionv1.PatchTypeJSONPatch
		review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true, PatchType: &patch,
			Patch: []byte(`[{"op":"add","path":"/spec/containers/-","value":{"name":"injected","image":"sidecar"}}]`)}
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	none, url := admissionregistrationv1.SideEffectClassNone, server.URL
	_, err := c.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().Create(context.Background(), &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: name + ".e2e.test", SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
			ClientConfig:   admissionregistrationv1.WebhookClientConfig{URL: &url, CABundle: authorityOf(server)},
			ObjectSelector: &metav1.LabelSelector{MatchLabels: map[string]string{injects: name}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
			MatchConditions: []admissionregistrationv1.MatchCondition{{Name: "once", Expression: "!object.spec.containers.exists(c, c.name == 'injected')"}},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(fmt.Errorf("the webhook of the test: %w", err))
	}
}

// authorityOf is the certificate by which the API server trusts a server of a test.
func authorityOf(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
