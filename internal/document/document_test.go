package document

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
)

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

// examples is the folder with what the document prints.
var examples = filepath.Join("..", "..", "examples")

// readManifest reads one of the examples strictly.
func readManifest(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(examples, "manifests", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func readPolicies(t testing.TB, names ...string) policy.Set {
	t.Helper()
	var all []policy.Policy
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(examples, "policies", name))
		if err != nil {
			t.Fatal(err)
		}
		policies, err := policy.Parse(data, name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, policies...)
	}
	set, err := policy.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestMinimalTemplate is the document's first example: the template is refused
// with the four complaints that the document quotes, as today's Pod Security
// Admission words them; it is filled into exactly the pod that the document
// prints; and that is allowed.
func TestMinimalTemplate(t *testing.T) {
	var deployment appsv1.Deployment
	readManifest(t, "nginx-deployment.yaml", &deployment)

	before := evaluate.Template(deployment.Namespace, &deployment.Spec.Template, restricted, policy.Set{})
	const complaints = `would violate PodSecurity "restricted:latest": ` +
		`allowPrivilegeEscalation != false (container "nginx" must set securityContext.allowPrivilegeEscalation=false), ` +
		`unrestricted capabilities (container "nginx" must set securityContext.capabilities.drop=["ALL"]), ` +
		`runAsNonRoot != true (pod or container "nginx" must set securityContext.runAsNonRoot=true), ` +
		`seccompProfile (pod or container "nginx" must set securityContext.seccompProfile.type ` +
		`to "RuntimeDefault" or "Localhost")`
	if diff := cmp.Diff(complaints, before.Warning()); diff != "" {
		t.Errorf("the warning (-document +got):\n%s", diff)
	}

	d := podfence.AdmitTemplate(deployment.Namespace, &deployment.Spec.Template, restricted, policy.Set{})
	// As printed in the document, hostIPC and hostPID being false because they
	// are unset.
	var want corev1.PodSpec
	const printed = `
containers:
  - name: nginx
    image: nginxinc/nginx-unprivileged:1.29
    ports:
      - containerPort: 8080
    securityContext:
      allowPrivilegeEscalation: false
      privileged: false
      runAsNonRoot: true
      runAsUser: 1000
      runAsGroup: 1
      seccompProfile:
        type: RuntimeDefault
      capabilities:
        drop:
          - ALL
hostIPC: false
hostPID: false
securityContext:
  fsGroup: 1
  supplementalGroups:
    - 1
`
	if err := yaml.UnmarshalStrict([]byte(printed), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, d.Template.Spec); diff != "" {
		t.Errorf("the filled template (-document +got):\n%s", diff)
	}
	if !d.Allowed() || d.Reason != podfence.NoPolicy {
		t.Errorf("allowed %v, reason %q, %s", d.Allowed(), d.Reason, d.Result.Message())
	}
}

// TestRouteManager is the document's second example: the pod is refused under
// restricted and admitted under its policy, and the policy reaches no further.
func TestRouteManager(t *testing.T) {
	set := readPolicies(t, "route-manager.yaml")
	const itself = `host namespaces (hostNetwork=true), ` +
		`allowPrivilegeEscalation != false ` +
		`(container "manager" must set securityContext.allowPrivilegeEscalation=false), ` +
		`unrestricted capabilities ` +
		`(container "manager" must not include "NET_ADMIN" in securityContext.capabilities.add)`
	tests := []struct {
		name, reason string
		set          policy.Set
		change       func(*corev1.Pod)
		allowed      bool
		message      string
	}{
		{
			name: "without its policy", reason: "restricted forbids what it needs",
			change:  func(*corev1.Pod) {},
			message: itself,
		},
		{
			name: "under its policy", reason: "each thing that it needs is granted",
			set: set, change: func(*corev1.Pod) {}, allowed: true,
		},
		{
			name: "another label", reason: "the policy does not select the pod",
			set: set, change: func(p *corev1.Pod) { p.Labels["app.kubernetes.io/name"] = "route-managers" },
			message: itself,
		},
		{
			name: "another namespace", reason: "the policy governs its own namespace alone",
			set: set, change: func(p *corev1.Pod) { p.Namespace = "shop" },
			message: itself,
		},
		{
			name: "one more capability", reason: "a grant of one capability is not a grant of another",
			set: set, change: func(p *corev1.Pod) {
				add := &p.Spec.Containers[0].SecurityContext.Capabilities.Add
				*add = append(*add, "SYS_TIME")
			},
			message: `unrestricted capabilities ` +
				`(container "manager" must not include "SYS_TIME" in securityContext.capabilities.add)`,
		},
		{
			name: "another user", reason: "the policy demands UID 400",
			set: set, change: func(p *corev1.Pod) {
				uid := int64(401)
				p.Spec.Containers[0].SecurityContext.RunAsUser = &uid
			},
			message: `allow.runAsUser of policy "route-manager" ` +
				`(container "manager" securityContext.runAsUser must be 400, is 401)`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var pod corev1.Pod
			readManifest(t, "route-manager-pod.yaml", &pod)
			tt.change(&pod)
			d := podfence.Admit(&pod, restricted, tt.set)
			if d.Allowed() != tt.allowed || d.Result.Message() != tt.message {
				t.Errorf("allowed %v, message:\n%s\nwant %v:\n%s\nfor %s",
					d.Allowed(), d.Result.Message(), tt.allowed, tt.message, tt.reason)
			}
		})
	}
}

// TestPublishedPolicy: the document's policy as published is an error that shows
// the corrected lines, and the corrected one, under the same name, is read.
func TestPublishedPolicy(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(examples, "policies", "as-published", "route-manager.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = policy.Parse(data, "route-manager.yaml")
	const want = `route-manager.yaml:8: allow.runAsUser: rule and ranges stand beside runAsUser, not under it; indent them:
  runAsUser:
    rule: MustRunAs
    ranges:
      - max: 400
        min: 400`
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
	if n := readPolicies(t, "route-manager.yaml", "node-agent.yaml").Len(); n != 2 {
		t.Errorf("%d policies, want 2", n)
	}
}
