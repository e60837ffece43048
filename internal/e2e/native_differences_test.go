package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/e2e/cluster"
	"github.com/podfence/podfence/policy"
)

// differentPolicies are those of TestWhatRemainsDifferent.
const differentPolicies = `
name: clock
namespace: different
podSelectorLabels: {app: clock}
allow: {allowedCapabilities: [SYS_TIME]}
---
name: user
namespace: different
podSelectorLabels: {app: user}
allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 1000, max: 1000}]}}
mutations: {runAsUser: 1000}
`

// TestWhatRemainsDifferent has a test for each row of the table in docs/native.md that
// no other test shows: in what the objects are not the library, or not the webhook.
func TestWhatRemainsDifferent(t *testing.T) {
	takesLong(t)
	c := cluster.Start(t, binaries, cluster.Options{})
	export(t, c, map[string]string{"different.yaml": differentPolicies}, "")
	waitForWebhook(t, c)
	namespace(t, c, "different", map[string]string{podfenceEnforces: restricted})
	t.Run("the server begins a refusal with words of its own", func(t *testing.T) { testPrefix(t, c) })
	t.Run("nobody is told what was filled in", func(t *testing.T) { testSilence(t, c) })
	t.Run("a text above 5 KiB is not shown", func(t *testing.T) { testLongText(t, c) })
	t.Run("a pod of thousands of containers is refused", func(t *testing.T) { testManyContainers(t, c) })
	t.Run("letters fold as in ASCII", func(t *testing.T) { testFolding(t, c) })
	t.Run("labels that cannot be parsed are let in, and mean restricted", func(t *testing.T) { testWrongLabels(t, c) })
	t.Run("authors of workloads are warned of what filling in will not mend", func(t *testing.T) { testTemplates(t, c) })
	t.Run("filling in and judging change one after the other", func(t *testing.T) { testPair(t, c) })
}

// different is a pod of these tests, with a label.
func different(app string, change func(*corev1.Pod)) *corev1.Pod {
	return pod("different", "p", func(p *corev1.Pod) {
		p.Labels = map[string]string{"app": app}
		change(p)
	})
}

// said is what the library says of a pod.
func said(t *testing.T, p *corev1.Pod) podfence.Decision {
	t.Helper()
	parsed, err := policy.Parse([]byte(differentPolicies), "different.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(parsed...)
	if err != nil {
		t.Fatal(err)
	}
	return podfence.Admit(p, api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, set)
}

func testPrefix(t *testing.T, c *cluster.Cluster) {
	p := different("none", func(p *corev1.Pod) { p.Spec.HostPID = true })
	_, err := created(c, p)
	if err == nil {
		t.Fatal("it was stored")
	}
	const before = `pods "p" is forbidden: ValidatingAdmissionPolicy 'podfence-enforce' with binding 'podfence-enforce' denied request: `
	if got, want := err.Error(), before+said(t, p).Result.Refusal(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func testSilence(t *testing.T, c *cluster.Cluster) {
	client, warnings := warned(t, c)
	stored, err := client.CoreV1().Pods("different").Create(context.Background(), different("none", func(*corev1.Pod) {}), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil || stored.Spec.Containers[0].SecurityContext == nil || warnings.all() != "" {
		t.Errorf("%v, %+v, warned of %q", err, stored.Spec.Containers[0].SecurityContext, warnings.all())
	}
}

func testLongText(t *testing.T, c *cluster.Cluster) {
	p := different("none", func(p *corev1.Pod) {
		p.Spec.Containers = nil
		for i := range 60 {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{
				Name: fmt.Sprintf("container-with-a-name-of-some-length-%02d", i), Image: "nginx", SecurityContext: privileged(),
			})
		}
	})
	if n := len(said(t, p).Result.Refusal()); n <= 5<<10 {
		t.Fatalf("the text has %d bytes, want more than 5 KiB", n)
	}
	_, err := created(c, p)
	refused(t, err, "denied request: violates PodSecurity, in more ways than a message has room for")
}

func testManyContainers(t *testing.T, c *cluster.Cluster) {
	p := different("none", func(p *corev1.Pod) {
		for i := range 4000 {
			p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: fmt.Sprintf("c%d", i), Image: "nginx"})
		}
	})
	if !said(t, p).Allowed() {
		t.Fatal("the library refuses it")
	}
	_, err := created(c, p)
	if err == nil {
		t.Fatal("it was stored")
	}
	want(t, "the refusal", err.Error(), "policy 'podfence-mutate'", "actual cost limit exceeded")
}

func testFolding(t *testing.T, c *cluster.Cluster) {
	adds := func(capability corev1.Capability) *corev1.Pod {
		return different("clock", func(p *corev1.Pod) {
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{capability}}}
		})
	}
	if _, err := created(c, adds("cap_sys_time")); err != nil {
		t.Errorf("in small letters: %v", err)
	}
	long := adds("\u017fYS_TIME") // a long s, which only Unicode takes for an s
	if !said(t, long).Allowed() {
		t.Error("the library refuses the long s")
	}
	_, err := created(c, long)
	refused(t, err, "unrestricted capabilities")
}

func testWrongLabels(t *testing.T, c *cluster.Cluster) {
	namespace(t, c, "misspelt", map[string]string{podfenceEnforces: "restriced"})
	_, err := created(c, pod("misspelt", "p", func(p *corev1.Pod) { p.Spec.HostPID = true }))
	refused(t, err, `violates PodSecurity "restricted:latest": host namespaces (hostPID=true)`)
}

// testTemplates: where a level is enforced, the author of a workload is warned of what
// filling in will not mend, and of nothing else.
func testTemplates(t *testing.T, c *cluster.Cluster) {
	client, warnings := warned(t, c)
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "d"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "none"}},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "none"}}, Spec: pod("", "", nil).Spec},
		},
	}
	create := func() string {
		t.Helper()
		if _, err := client.AppsV1().Deployments("different").Create(context.Background(), deployment, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			t.Fatal(err)
		}
		return warnings.all()
	}
	deployment.Spec.Template.Spec.HostPID = true
	cluster.Eventually(t, "a workload is warned of", func(context.Context) (bool, error) { return create() != "", nil })
	if got, want := create(), `would violate PodSecurity "restricted:latest": host namespaces (hostPID=true)`; !strings.HasSuffix(got, want) {
		t.Errorf("warned of %q, want %q at its end", got, want)
	}
	warnings.list = nil
	deployment.Spec.Template.Spec.HostPID = false
	if text := create(); text != "" {
		t.Errorf("warned of what is filled in: %s", text)
	}
}

// testPair applies the half that fills in of other policies: pods are filled in by them
// and still judged by the old ones, so that they are refused, and none passes.
func testPair(t *testing.T, c *cluster.Cluster) {
	dir := folder(t, map[string]string{"different.yaml": strings.ReplaceAll(differentPolicies, "1000", "2000")})
	bare := different("user", func(*corev1.Pod) {})
	if p, err := created(c, bare); err != nil || *p.Spec.Containers[0].SecurityContext.RunAsUser != 1000 {
		t.Fatalf("before: %v", err)
	}
	shell(t, c, "podfence export --policies %s --only mutating | kubectl apply --server-side -f -", dir)
	cluster.Eventually(t, "pods are filled in by the new policy", func(context.Context) (bool, error) {
		_, err := created(c, bare)
		return apierrors.IsForbidden(err), err
	})
	_, err := created(c, bare)
	refused(t, err, `allow.runAsUser of policy "user"`, "must be 1000", "is 2000")
	shell(t, c, "podfence export --policies %s --only validating | kubectl apply --server-side -f -", dir)
	cluster.Eventually(t, "they are judged by it too", func(context.Context) (bool, error) {
		p, err := created(c, bare)
		return err == nil && *p.Spec.Containers[0].SecurityContext.RunAsUser == 2000, err
	})
}
