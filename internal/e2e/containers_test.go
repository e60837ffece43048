package e2e

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubectl/pkg/cmd/debug"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/e2e/cluster"
	"github.com/podfence/podfence/policy"
)

// debugPolicies say what kubectl debug may add to pods: a container that traces and
// one that looks at the network, or one that is privileged.
const debugPolicies = `
name: traced
namespace: profiles
podSelectorLabels: {app: traced}
containers:
  - images: ["registry.example.com/tools/debug:*"]
    kinds: [ephemeral]
    allow: {allowedCapabilities: [SYS_PTRACE, NET_ADMIN, NET_RAW], runAsUser: RunAsAny}
---
name: opened
namespace: profiles
podSelectorLabels: {app: opened}
containers:
  - images: ["registry.example.com/tools/debug:*"]
    kinds: [ephemeral]
    allow: {privileged: true, allowedCapabilities: [SYS_PTRACE], runAsUser: RunAsAny}
`

// injected is a pod as Istio's webhook leaves it: an init container that sets the
// network up, and the proxy beside the application.
const injected = `
metadata:
  name: checkout
  labels: {app: checkout, sidecar.istio.io/inject: "true"}
spec:
  initContainers:
    - name: istio-init
      image: docker.io/istio/proxyv2:1.24.2
      args: [istio-iptables, -p, "15001", -u, "1337"]
      securityContext:
        allowPrivilegeEscalation: false
        privileged: false
        readOnlyRootFilesystem: false
        runAsGroup: 0
        runAsNonRoot: false
        runAsUser: 0
        capabilities: {add: [NET_ADMIN, NET_RAW], drop: [ALL]}
  containers:
    - name: istio-proxy
      image: docker.io/istio/proxyv2:1.24.2
      args: [proxy, sidecar]
      volumeMounts: [{name: istio-envoy, mountPath: /etc/istio/proxy}]
    - name: checkout
      image: registry.example.com/shop/checkout:v3
  volumes:
    - name: istio-envoy
      emptyDir: {medium: Memory}
`

// testMesh creates pods of a mesh. What the init container is granted, no other
// container gets, and no other image.
func testMesh(t *testing.T, c *cluster.Cluster) {
	ctx := context.Background()
	namespace(t, c, "bookinfo", map[string]string{podfenceEnforces: restricted})
	pods := c.Client.CoreV1().Pods("bookinfo")
	text := example(t, "policies", "mesh.yaml")
	parsed, err := policy.Parse(text, "mesh.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(parsed...)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{}
		if err := yaml.UnmarshalStrict([]byte(injected), p); err != nil {
			t.Fatal(err)
		}
		p.Namespace = "bookinfo"
		if change != nil {
			change(p)
		}
		return p
	}
	root := int64(0)
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, row := range []struct {
		why     string
		pod     *corev1.Pod
		refusal []string
	}{
		{"the pod as it is injected", with(nil), nil},
		{"the application adds what only the init container may", with(func(p *corev1.Pod) {
			p.Spec.Containers[1].SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN"}}}
		}), []string{`container "checkout" must not include "NET_ADMIN"`}},
		{"the proxy is of the mesh's image, and no init container", with(func(p *corev1.Pod) {
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN"}}}
		}), []string{`container "istio-proxy" must not include "NET_ADMIN"`}},
		{"the init container has somebody's image", with(func(p *corev1.Pod) { p.Spec.InitContainers[0].Image = "docker.io/istio-x/proxyv2:1.24.2" }),
			[]string{`container "istio-init" must not include "NET_ADMIN", "NET_RAW"`, `container "istio-init" must not set runAsUser=0`}},
		{"root for the whole pod", with(func(p *corev1.Pod) { p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &root} }),
			[]string{"pod must not set runAsUser=0"}},
		{"without the label", with(func(p *corev1.Pod) { p.Labels = nil }), []string{`container "istio-init" must not include "NET_ADMIN", "NET_RAW"`}},
	} {
		if d := podfence.Admit(row.pod, lv, set); d.Allowed() != (row.refusal == nil) {
			t.Errorf("%s: the library allows it: %v", row.why, d.Allowed())
		}
		created, err := pods.Create(ctx, row.pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if row.refusal != nil {
			refused(t, err, row.refusal...)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", row.why, err)
			continue
		}
		proxy, app := created.Spec.Containers[0].SecurityContext, created.Spec.Containers[1].SecurityContext
		if proxy.RunAsUser == nil || *proxy.RunAsUser != 1337 || *proxy.RunAsGroup != 1337 || app.RunAsUser != nil || *app.RunAsGroup != 1 || !*app.RunAsNonRoot {
			t.Errorf("%s: the proxy is filled in with %+v, the application with %+v", row.why, proxy, app)
		}
	}
	// A changed image is judged again.
	stored, err := pods.Create(ctx, with(nil), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stored.Spec.InitContainers[0].Image = "docker.io/istio-x/proxyv2:1.24.2"
	_, err = pods.Update(ctx, stored, metav1.UpdateOptions{})
	refused(t, err, `container "istio-init" must not include "NET_ADMIN", "NET_RAW"`)
	stored.Spec.InitContainers[0].Image = "docker.io/istio/proxyv2:1.24.3"
	if _, err = pods.Update(ctx, stored, metav1.UpdateOptions{}); err != nil {
		t.Errorf("another version of the mesh: %v", err)
	}
}

// testDebugProfiles adds ephemeral containers as kubectl debug makes them, by its own
// code, profile by profile.
func testDebugProfiles(t *testing.T, c *cluster.Cluster) {
	ctx := context.Background()
	namespace(t, c, "profiles", map[string]string{podfenceEnforces: restricted})
	pods := c.Client.CoreV1().Pods("profiles")
	for _, app := range []string{"traced", "opened", "other"} {
		if _, err := pods.Create(ctx, pod("profiles", app, func(p *corev1.Pod) { p.Labels = map[string]string{"app": app} }), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		profile string
		image   string
		// refused are the pods to which it cannot be added, with a part of the answer.
		refused map[string]string
	}{
		{debug.ProfileGeneral, "registry.example.com/tools/debug:v1", map[string]string{"other": `must not include "SYS_PTRACE"`}},
		{debug.ProfileGeneral, "busybox", map[string]string{"other": `must not include "SYS_PTRACE"`, "traced": `must not include "SYS_PTRACE"`, "opened": `must not include "SYS_PTRACE"`}},
		{debug.ProfileBaseline, "busybox", nil},
		{debug.ProfileRestricted, "busybox", nil},
		{debug.ProfileNetadmin, "registry.example.com/tools/debug:v1", map[string]string{"other": `must not include "NET_ADMIN", "NET_RAW"`, "opened": `must not include "NET_ADMIN", "NET_RAW"`}},
		{debug.ProfileSysadmin, "registry.example.com/tools/debug:v1", map[string]string{"other": "must not set securityContext.privileged=true", "traced": "must not set securityContext.privileged=true"}},
	} {
		applier, err := debug.NewProfileApplier(row.profile, debug.KeepFlags{})
		if err != nil {
			t.Fatal(err)
		}
		for _, app := range []string{"traced", "opened", "other"} {
			p, err := pods.Get(ctx, app, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			p.Spec.EphemeralContainers = append(p.Spec.EphemeralContainers, corev1.EphemeralContainer{
				EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Image: row.image, TerminationMessagePolicy: corev1.TerminationMessageReadFile},
			})
			if err := applier.Apply(p, "debug", p); err != nil {
				t.Fatal(err)
			}
			_, err = pods.UpdateEphemeralContainers(ctx, app, p, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
			if part := row.refused[app]; part != "" {
				refused(t, err, part)
			} else if err != nil {
				t.Errorf("%s of %s to %s: %v", row.profile, row.image, app, err)
			}
		}
	}
}
