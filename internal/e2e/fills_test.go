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
)

// fillsPolicies fill in otherwise than by default.
const fillsPolicies = `
name: no-groups
namespace: fills
podSelectorLabels: {app: no-groups}
mutations: {runAsGroup: none, fsGroup: none, fsGroupChangePolicy: OnRootMismatch}
---
name: on-root-mismatch
namespace: fills
podSelectorLabels: {app: on-root-mismatch}
mutations: {fsGroupChangePolicy: OnRootMismatch}
---
name: user-namespace
namespace: fills
podSelectorLabels: {app: user-namespace}
allow: {userNamespace: Required, hostNetwork: true}
`

// testFills creates pods, dry, under these policies. The server stores what the library
// filled in, and what that leaves unset is unset there too.
func testFills(t *testing.T, c *cluster.Cluster) {
	ctx := context.Background()
	namespace(t, c, "fills", map[string]string{podfenceEnforces: restricted})
	parsed, err := policy.Parse([]byte(fillsPolicies), "fills.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(parsed...)
	if err != nil {
		t.Fatal(err)
	}
	labelled := func(app string, change func(*corev1.PodSpec)) *corev1.Pod {
		return pod("fills", "p", func(p *corev1.Pod) {
			p.Labels = map[string]string{"app": app}
			if change != nil {
				change(&p.Spec)
			}
		})
	}
	group, root, yes, no := int64(5), int64(0), true, false
	withGroup := func(s *corev1.PodSpec) { s.SecurityContext = &corev1.PodSecurityContext{FSGroup: &group} }
	asRoot := func(s *corev1.PodSpec) { s.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &root} }
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, row := range []struct {
		why string
		pod *corev1.Pod
		// refusal are parts of the server's answer, nil where it accepts the pod.
		refusal []string
		want    stored
	}{
		{why: "no group is filled in, and without one no change policy", pod: labelled("no-groups", nil), want: stored{}},
		{why: "the author's fsGroup stays, and is applied once", pod: labelled("no-groups", withGroup),
			want: stored{FSGroup: &group, ChangePolicy: corev1.FSGroupChangeOnRootMismatch}},
		{why: "the fsGroup that is filled in is applied once", pod: labelled("on-root-mismatch", nil),
			want: stored{FSGroup: ptr(1), RunAsGroup: ptr(1), ChangePolicy: corev1.FSGroupChangeOnRootMismatch}},
		{why: "other pods get the defaults", pod: labelled("other", nil), want: stored{FSGroup: ptr(1), RunAsGroup: ptr(1)}},
		{why: "the user namespace that is demanded is filled in", pod: labelled("user-namespace", nil),
			want: stored{FSGroup: ptr(1), RunAsGroup: ptr(1), HostUsers: &no}},
		{why: "root in that namespace is let be by the standard", pod: labelled("user-namespace", asRoot),
			want: stored{FSGroup: ptr(1), RunAsGroup: ptr(1), HostUsers: &no}},
		{why: "root elsewhere is not", pod: labelled("other", asRoot), refusal: []string{"pod must not set runAsUser=0"}},
		{why: "the host's network is refused in it", pod: labelled("user-namespace", func(s *corev1.PodSpec) { s.HostNetwork = true }),
			refusal: []string{`allow.userNamespace of policy "user-namespace" (pod hostUsers must be false, which the API refuses beside hostNetwork, is unset)`}},
		{why: "the host's users are refused", pod: labelled("user-namespace", func(s *corev1.PodSpec) { s.HostUsers = &yes }),
			refusal: []string{`allow.userNamespace of policy "user-namespace" (pod hostUsers must be false, is true)`}},
	} {
		d := podfence.Admit(row.pod, lv, set)
		created, err := c.Client.CoreV1().Pods("fills").Create(ctx, row.pod.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if d.Allowed() != (row.refusal == nil) {
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
		if diff := cmp.Diff(row.want, storedOf(&created.Spec)); diff != "" {
			t.Errorf("%s (-want +stored):\n%s", row.why, diff)
		}
		if diff := cmp.Diff(storedOf(&d.Pod.Spec), storedOf(&created.Spec)); diff != "" {
			t.Errorf("%s (-library +server):\n%s", row.why, diff)
		}
		if again := podfence.Admit(created, lv, set); !again.Allowed() || again.Report.Changed() {
			t.Errorf("%s: of the pod that is stored the library says: allowed %v, changed %v", row.why, again.Allowed(), again.Report.Changed())
		}
	}
}

// stored is what the rows are about.
type stored struct {
	HostUsers           *bool
	FSGroup, RunAsGroup *int64
	ChangePolicy        corev1.PodFSGroupChangePolicy
}

func storedOf(s *corev1.PodSpec) (of stored) {
	of.HostUsers = s.HostUsers
	if sc := s.SecurityContext; sc != nil {
		of.FSGroup = sc.FSGroup
		if sc.FSGroupChangePolicy != nil {
			of.ChangePolicy = *sc.FSGroupChangePolicy
		}
	}
	if sc := s.Containers[0].SecurityContext; sc != nil {
		of.RunAsGroup = sc.RunAsGroup
	}
	return of
}

func ptr(id int64) *int64 { return &id }
