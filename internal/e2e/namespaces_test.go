package e2e

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podfence/podfence/internal/e2e/cluster"
)

// TestPolicySelectsNamespaces: what a policy grants to the pods of namespaces with a
// label holds once the namespace has it, and no longer than that. A list of namespaces
// needs no label.
func TestPolicySelectsNamespaces(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{})
	w := c.StartWebhook(1, map[string]string{"log-collectors.yaml": string(example(t, "policies", "log-collectors.yaml"))})
	w.Register(nil)
	waitForWebhook(t, c)
	testNamespaces(t, c)
}

// testNamespaces is under the policies of examples/policies/log-collectors.yaml.
func testNamespaces(t *testing.T, c *cluster.Cluster) {
	const label = "example.com/reads-node-logs"
	const hostPath = `restricted volume types (volume "logs" uses restricted volume type "hostPath")`
	namespace(t, c, "logging", map[string]string{podfenceEnforces: restricted})
	collector := func(name string) *corev1.Pod {
		return pod("logging", name, func(p *corev1.Pod) {
			p.Labels = map[string]string{"app.kubernetes.io/name": "log-collector"}
			p.Spec.Volumes = []corev1.Volume{{Name: "logs", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}}}
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "logs", MountPath: "/logs", ReadOnly: true}}
		})
	}
	create := func(p *corev1.Pod) error {
		_, err := c.Client.CoreV1().Pods(p.Namespace).Create(context.Background(), p, metav1.CreateOptions{})
		return err
	}
	labelled := func(value string) {
		t.Helper()
		patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%s}}}`, label, value)
		if _, err := c.Client.CoreV1().Namespaces().Patch(context.Background(), "logging", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	refused(t, create(collector("before")), `violates PodSecurity "restricted:latest"`, hostPath)

	labelled(`"true"`)
	cluster.Eventually(t, "the collector is allowed in the labelled namespace", func(context.Context) (bool, error) {
		err := create(collector("after"))
		return err == nil, err
	})
	other := collector("other")
	other.Labels = map[string]string{"app": "web"}
	refused(t, create(other), hostPath)

	labelled("null")
	n := 0
	cluster.Eventually(t, "the collector is refused once the label is gone", func(context.Context) (bool, error) {
		n++
		err := create(collector(fmt.Sprintf("again-%d", n)))
		return err != nil, err
	})
	refused(t, create(collector("again")), hostPath)

	// A list of namespaces.
	for name, allowed := range map[string]bool{"ingress-public": true, "ingress-internal": true, "ingress-other": false} {
		namespace(t, c, name, map[string]string{podfenceEnforces: restricted})
		p := pod(name, "controller", func(p *corev1.Pod) {
			yes := true
			p.Labels = map[string]string{"app.kubernetes.io/name": "ingress-controller"}
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
				AllowPrivilegeEscalation: &yes,
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{"NET_BIND_SERVICE"}},
			}
		})
		if err := create(p); allowed && err != nil {
			t.Errorf("in %s: %v", name, err)
		} else if !allowed {
			refused(t, err, "allowPrivilegeEscalation != false")
		}
	}
}
