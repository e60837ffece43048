package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/e2e/cluster"
)

// many is how many policies the objects hold that change under load.
const many = 1000

// manyPolicies is a state of them. Exactly one grants what the pods of the load need,
// as in generation, and one tells this state from the others.
func manyPolicies(i int) map[string]string {
	files := map[string]string{"state.yaml": fmt.Sprintf(
		"name: state\npodSelectorLabels: {app: probe}\nallow: {allowedUnsafeSysctls: [kernel.state-%d]}\n", i)}
	var text strings.Builder
	for n := range many - 3 {
		fmt.Fprintf(&text, "name: m-%04d\nnamespace: team-%d\npodSelectorLabels: {app: m-%04[1]d}\nallow: {allowedCapabilities: [NET_ADMIN], runAsUser: RunAsAny}\n---\n", n, n%50)
	}
	files["many.yaml"] = strings.TrimSuffix(text.String(), "---\n")
	for name, text := range generation(i) {
		if name == "a.yaml" || name == "z.yaml" {
			files[name] = text
		}
	}
	return files
}

// TestAThousandPoliciesChangeUnderLoad replaces objects of a thousand policies while
// pods are created: no pod passes unchecked, and none is judged by half a set. How long
// the old set stays in force is printed.
func TestAThousandPoliciesChangeUnderLoad(t *testing.T) {
	takesLong(t)
	c := cluster.Start(t, binaries, cluster.Options{})
	dir := export(t, c, manyPolicies(0), "")
	waitForWebhook(t, c)
	namespace(t, c, "load", map[string]string{podfenceEnforces: restricted})
	_, err := c.Shell("podfence export --policies " + dir + " | kubectl apply -f -")
	if err == nil {
		t.Error("kubectl apply wrote a thousand policies into an annotation: docs/native.md says that it cannot")
	} else {
		want(t, "the error of kubectl", err.Error(), "metadata.annotations: Too long")
	}

	l := startLoad(c, "load", 2, func() *corev1.Pod {
		return pod("load", "either", func(p *corev1.Pod) {
			p.Labels = map[string]string{"app": "either"}
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_RAW"}}}
		})
	})
	defer l.end()
	more(t, "pods under the first state", &l.good, 50)
	var stayed []time.Duration
	for i := 1; i <= 3; i++ {
		export(t, c, manyPolicies(i), "")
		applied := time.Now()
		cluster.Eventually(t, fmt.Sprintf("state %d is in force", i), func(context.Context) (bool, error) {
			_, err := created(c, pod("load", "probe", func(p *corev1.Pod) {
				p.Labels = map[string]string{"app": "probe"}
				p.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: fmt.Sprintf("kernel.state-%d", i), Value: "1"}}}
			}))
			return err == nil, err
		})
		stayed = append(stayed, time.Since(applied).Round(10*time.Millisecond))
		more(t, "pods under the new state", &l.good, 20)
	}
	l.end()
	t.Logf("the old set stayed in force for %v after kubectl had ended; %d good pods and %d bad ones meanwhile", stayed, l.good.Load(), l.badRefused.Load())
	if n := l.goodFailed.Load(); n > 0 {
		t.Errorf("%d pods of %d saw half a set: %v", n, n+l.good.Load(), l.failure())
	}
	list, err := c.Client.CoreV1().Pods("load").List(context.Background(), metav1.ListOptions{})
	if err != nil || len(list.Items) > 0 || l.badStored.Load() > 0 || l.badRefused.Load() == 0 {
		t.Errorf("%d pods are stored, %d bad ones were created and %d refused: %v", len(list.Items), l.badStored.Load(), l.badRefused.Load(), err)
	}
}
