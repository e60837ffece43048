package e2e

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/e2e/cluster"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// storedPolicies grant too little for what the API server adds, and just enough.
const storedPolicies = `
name: narrow
namespace: stored
podSelectorLabels: {app: narrow}
allow: {volumes: [configMap, emptyDir]}
---
name: host-network
namespace: stored
podSelectorLabels: {app: host-network}
allow: {hostNetwork: true}
---
name: host-network-ports
namespace: stored
podSelectorLabels: {app: host-network-ports}
allow: {hostNetworkPorts: true}
`

// quiet is a ServiceAccount that wants no token in its pods.
const quiet = "quiet"

// testStored creates pods, dry, that the API server changes on their way: with the
// token volume of their ServiceAccount, with host ports, with emptyDirs. The server
// says of each what the library said of the manifest, and stores what spec.Stored
// showed; but what a ServiceAccount says of its pods the library cannot know.
func testStored(t *testing.T, c *cluster.Cluster) {
	ctx := context.Background()
	namespace(t, c, "stored", map[string]string{podfenceEnforces: restricted})
	no := false
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: quiet}, AutomountServiceAccountToken: &no}
	if _, err := c.Client.CoreV1().ServiceAccounts("stored").Create(ctx, account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	parsed, err := policy.Parse([]byte(storedPolicies), "stored.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(parsed...)
	if err != nil {
		t.Fatal(err)
	}
	labelled := func(app string, change func(*corev1.Pod)) *corev1.Pod {
		return pod("stored", "p", func(p *corev1.Pod) {
			p.Labels = map[string]string{"app": app}
			if change != nil {
				change(p)
			}
		})
	}
	onHost := func(p *corev1.Pod) {
		p.Spec.HostNetwork = true
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080}}
	}
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, row := range []struct {
		why string
		pod *corev1.Pod
		// refusal are parts of the server's answer, nil where it accepts the pod.
		refusal []string
		// unknown: the library cannot know what the server knows, and denies.
		unknown bool
	}{
		{why: "ServiceAccount admission adds a projected volume", pod: labelled("narrow", nil),
			refusal: []string{`allow.volumes of policy "narrow" (volume "kube-api-access-`, `must be one of configMap, emptyDir, is "projected"`}},
		{why: "the pod wants no token",
			pod: labelled("narrow", func(p *corev1.Pod) { p.Spec.AutomountServiceAccountToken = &no })},
		{why: "the ServiceAccount wants no token, which stands nowhere in the pod",
			pod: labelled("narrow", func(p *corev1.Pod) { p.Spec.ServiceAccountName = quiet }), unknown: true},
		{why: "a policy that lists no volumes admits the token", pod: labelled("other", nil)},
		{why: "a containerPort is a hostPort, which hostNetwork alone does not grant", pod: labelled("host-network", onHost),
			refusal: []string{`violates PodSecurity "restricted:latest": hostPort (container "nginx" uses hostPort 8080)`}},
		{why: "no port is declared",
			pod: labelled("host-network", func(p *corev1.Pod) { p.Spec.HostNetwork = true })},
		{why: "host ports are granted with the host's network", pod: labelled("host-network-ports", onHost)},
		{why: "a volume without a source becomes an emptyDir",
			pod: labelled("other", func(p *corev1.Pod) { p.Spec.Volumes = []corev1.Volume{{Name: "tmp"}} })},
		{why: "an AppArmor annotation becomes a field, and both are refused",
			pod: labelled("other", func(p *corev1.Pod) {
				p.Annotations = map[string]string{spec.AppArmorAnnotation + "nginx": "unconfined"}
			}),
			refusal: []string{`forbidden AppArmor profiles (container "nginx" and annotation must not set AppArmor profile type to "Unconfined", `}},
	} {
		d := podfence.Admit(row.pod, lv, set)
		stored, err := c.Client.CoreV1().Pods("stored").Create(ctx, row.pod.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if d.Allowed() != (row.refusal == nil && !row.unknown) {
			t.Errorf("%s: the library allows it: %v", row.why, d.Allowed())
		}
		if row.refusal != nil {
			refused(t, err, row.refusal...)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", row.why, err)
			continue
		}
		still := spec.AllDefaults
		if row.unknown {
			still &^= spec.DefaultTokenVolume
		}
		want := spec.Stored(&d.Pod.ObjectMeta, &d.Pod.Spec, still)
		if diff := cmp.Diff(setByServer(want), setByServer(&stored.Spec)); diff != "" {
			t.Errorf("%s (-library +server):\n%s", row.why, diff)
		}
		if again := podfence.Admit(stored, lv, set); !again.Allowed() || again.Report.Changed() {
			t.Errorf("%s: of the pod that is stored the library says: allowed %v, changed %v", row.why, again.Allowed(), again.Report.Changed())
		}
	}
}

// setByServer is what the API server sets of what is judged: the types of the
// volumes, and the ports of the node.
func setByServer(podSpec *corev1.PodSpec) (set struct {
	Sources []spec.VolumeSet
	Ports   []int32
}) {
	for i := range podSpec.Volumes {
		set.Sources = append(set.Sources, spec.SourcesOf(&podSpec.Volumes[i]))
	}
	for i := range podSpec.Containers {
		for _, port := range podSpec.Containers[i].Ports {
			set.Ports = append(set.Ports, port.HostPort)
		}
	}
	return set
}
