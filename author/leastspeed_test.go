package author

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

// cluster is so many pods of a tenth as many workloads, of which each third needs a
// policy.
func cluster(n int) (list []Workload) {
	for i := range n {
		app := fmt.Sprintf("app-%d", i/10)
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("%s-%d", app, i), Namespace: fmt.Sprintf("team-%d", i/10%50),
			Labels: map[string]string{"app.kubernetes.io/name": app, "app.kubernetes.io/part-of": "shop", "pod-template-hash": "5f7"},
		}}
		pod.Spec.Containers = []corev1.Container{
			{Name: "app", Image: "registry.example.com/app:1"}, {Name: "proxy", Image: "registry.example.com/proxy:1"},
		}
		if i/10%3 == 0 {
			pod.Spec.HostNetwork = true
			pod.Spec.Containers[1].SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN"}}}
			pod.Spec.Volumes = []corev1.Volume{{Name: "logs", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log/" + app}}}}
		}
		list = append(list, Workload{Kind: "Deployment", Name: app, Workload: podfence.Workload{Namespace: pod.Namespace, Pod: pod}})
	}
	return list
}

// BenchmarkLeast asks for the least policies of 10,000 pods, and reports how many times
// the cost of admitting them that is, both measured in the same run. It may be ten.
func BenchmarkLeast(b *testing.B) {
	list := cluster(10_000)
	var admitting, asking time.Duration
	b.ReportAllocs()
	for range b.N {
		start := time.Now()
		for i := range list {
			list[i].Admit(restricted, policy.Set{})
		}
		admitted := time.Now()
		s, err := Least(list, restricted, Options{})
		if err != nil || !s.Proof.Holds() || len(s.Policies) == 0 {
			b.Fatalf("%v, %s", err, &s.Proof)
		}
		admitting, asking = admitting+admitted.Sub(start), asking+time.Since(admitted)
	}
	b.ReportMetric(float64(asking)/float64(admitting), "times-Admit")
}
