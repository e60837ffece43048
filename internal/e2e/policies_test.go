package e2e

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/e2e/cluster"
)

// platformPolicies are a default policy for all, one for a single namespace, a policy
// that has expired, and one that is in force for long.
const platformPolicies = `
name: platform
default: true
allow: {readOnlyRootFilesystem: true}
mutations: {runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, supplementalGroups: []}
---
name: data
namespace: data
default: true
mutations: {runAsGroup: 999, fsGroup: 999}
---
name: agents
podSelectorLabels: {app: agent}
reason: They read the processes of the node.
owner: team-node
expires: 2020-12-31
allow: {hostPID: true, runAsUser: RunAsAny}
mutations: {runAsUser: 0, dropAllCapabilities: false}
---
name: scanners
podSelectorLabels: {app: scanner}
expires: 2999-12-31
allow: {hostPID: true}
`

// TestPoliciesOfThePlatform: pods that no policy selects are held to the default
// policy, and a policy grants nothing after its day, on a real API server.
func TestPoliciesOfThePlatform(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{})
	w := c.StartWebhook(1, map[string]string{"platform.yaml": platformPolicies})
	w.Register(nil)
	waitForWebhook(t, c)
	namespace(t, c, "shop", map[string]string{podfenceEnforces: restricted})
	namespace(t, c, "data", map[string]string{podfenceEnforces: restricted})
	t.Run("the default policy fills in and demands", func(t *testing.T) { testDefaultPolicy(t, c) })
	t.Run("an expired policy grants nothing and says so", func(t *testing.T) {
		want(t, "the warning", testExpiry(t, c, byWebhook), "policy agents expired on 2020-12-31: it grants nothing any more")
	})
}

// created is a pod as the API server would store it.
func created(c *cluster.Cluster, p *corev1.Pod) (*corev1.Pod, error) {
	return c.Client.CoreV1().Pods(p.Namespace).Create(context.Background(), p, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}

func testDefaultPolicy(t *testing.T, c *cluster.Cluster) {
	for _, row := range []struct {
		namespace           string
		user, group, volume int64
		readOnly            bool
	}{
		{"shop", 10001, 10001, 10001, true},
		{"data", 0, 999, 999, false}, // its own default policy names no user
	} {
		p, err := created(c, pod(row.namespace, "bare", nil))
		if err != nil {
			t.Fatal(err)
		}
		sc := p.Spec.Containers[0].SecurityContext
		user := int64(0)
		if sc.RunAsUser != nil {
			user = *sc.RunAsUser
		}
		readOnly := sc.ReadOnlyRootFilesystem != nil && *sc.ReadOnlyRootFilesystem
		if user != row.user || *sc.RunAsGroup != row.group || *p.Spec.SecurityContext.FSGroup != row.volume || readOnly != row.readOnly || !*sc.RunAsNonRoot {
			t.Errorf("%s: stored with %+v and %+v", row.namespace, sc, p.Spec.SecurityContext)
		}
	}
	no := false
	writable := func(p *corev1.Pod) {
		p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{ReadOnlyRootFilesystem: &no}
	}
	_, err := created(c, pod("shop", "writable", writable))
	refused(t, err, `allow.readOnlyRootFilesystem of policy "platform"`)
	if _, err := created(c, pod("data", "writable", writable)); err != nil {
		t.Errorf("in the namespace with a default policy of its own: %v", err)
	}
	_, err = created(c, pod("shop", "host", func(p *corev1.Pod) { p.Spec.HostPID = true }))
	refused(t, err, "host namespaces (hostPID=true)")
}

// testExpiry returns what a client is warned of whose pod an expired policy selects.
func testExpiry(t *testing.T, c *cluster.Cluster, by enforcer) string {
	t.Helper()
	labelled := func(app string, change func(*corev1.Pod)) *corev1.Pod {
		return pod("shop", app, func(p *corev1.Pod) {
			p.Labels = map[string]string{"app": app}
			if change != nil {
				change(p)
			}
		})
	}
	onHost := func(p *corev1.Pod) { p.Spec.HostPID = true }
	if _, err := created(c, labelled("scanner", onHost)); err != nil {
		t.Errorf("under a policy that is in force: %v", err)
	}
	_, err := created(c, labelled("agent", onHost))
	refused(t, err, append(by.governing(`policy "agents" governs the pod`), "host namespaces (hostPID=true)")...)
	client, warnings := warned(t, c)
	p, err := client.CoreV1().Pods("shop").Create(context.Background(), labelled("agent", nil), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	sc := p.Spec.Containers[0].SecurityContext
	if sc.RunAsUser != nil || sc.RunAsNonRoot == nil || !*sc.RunAsNonRoot || sc.Capabilities == nil || strings.Join(names(sc.Capabilities.Drop), " ") != "ALL" {
		t.Errorf("stored with %+v: an expired policy leaves nothing unset and makes nobody root", sc)
	}
	return warnings.all()
}

func names(list []corev1.Capability) (words []string) {
	for _, c := range list {
		words = append(words, string(c))
	}
	return words
}
