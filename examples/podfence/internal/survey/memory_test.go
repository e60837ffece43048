package survey

import (
	"fmt"
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
)

const (
	fewPods  = 2_000
	manyPods = 38_000 // beside them
	// growthBound is what they may add. It has no room for as much as a pointer for each.
	growthBound = 128 << 10
)

// podOfMany is a pod of one of 200 Deployments in 20 namespaces. Its names are its own, and so is that of its token volume.
func podOfMany(i int) *corev1.Pod {
	yes, deployment := true, i%200
	name := fmt.Sprintf("web-%d-5f7-%05d", deployment, i)
	p := &corev1.Pod{}
	p.ObjectMeta = metav1.ObjectMeta{
		Name: name, Namespace: fmt.Sprint("ns-", deployment%20), Labels: map[string]string{"pod-template-hash": "5f7", "pod": name},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: fmt.Sprintf("web-%d-5f7", deployment), Controller: &yes}},
	}
	p.Spec.HostNetwork = deployment%3 == 0
	p.Spec.Containers = []corev1.Container{{Name: "c"}, {Name: fmt.Sprint("d", deployment)}}
	token := corev1.Volume{Name: "kube-api-access-" + fmt.Sprintf("%05d", i)}
	token.Projected = &corev1.ProjectedVolumeSource{}
	p.Spec.Volumes = []corev1.Volume{token}
	return p
}

// TestPodListMemory: once all workloads were seen, more of their pods need no more memory.
func TestPodListMemory(t *testing.T) {
	// The policy refuses the token volumes, whose names all differ.
	policies, err := policy.Parse([]byte("name: p\npodSelectorExpressions: [{key: pod, operator: Exists}]\nallow: {volumes: [emptyDir]}\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	c := NewCollector(api.LatestVersion(), set)
	for i := range fewPods {
		c.Add(podOf(podOfMany(i)))
	}
	before := liveHeap()
	for i := range manyPods {
		c.Add(podOf(podOfMany(fewPods + i)))
	}
	after := liveHeap()
	grown := int64(after) - int64(before)
	t.Logf("%d KiB for %d workloads, and %d bytes for %d more pods", before>>10, len(c.groups), grown, manyPods)
	if grown > growthBound {
		t.Errorf("%d more pods took %d KiB", manyPods, grown>>10)
	}
	r := c.Report()
	workloads, pods := 0, 0
	for i := range r.Namespaces {
		workloads, pods = workloads+len(r.Namespaces[i].Workloads), pods+r.Namespaces[i].Pods
	}
	if workloads != 200 || pods != fewPods+manyPods {
		t.Errorf("%d workloads, %d pods", workloads, pods)
	}
	if v := r.Namespaces[0].Workloads[0].Violations; v[len(v)-1].Rule != "allow.volumes" {
		t.Errorf("the token volumes are not refused: %v", &v[len(v)-1])
	}
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
