package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	psatest "k8s.io/pod-security-admission/test"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/e2e/cluster"
	"github.com/podfence/podfence/policy"
)

var binaries cluster.Binaries

var long = flag.Bool("e2e.long", false, "run the tests of many minutes too")

// takesLong skips a test that takes minutes, unless it is asked for: .ci/long does.
func takesLong(t *testing.T) {
	t.Helper()
	if !*long {
		t.Skip("many minutes: run with -e2e.long, as .ci/long does")
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "podfence-e2e-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if binaries, err = cluster.Build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

const (
	podfenceEnforces = "podfence.dev/enforce"
	upstreamEnforces = "pod-security.kubernetes.io/enforce"
	upstreamWarns    = "pod-security.kubernetes.io/warn"
	restricted       = "restricted"
)

// The document's four complaints about the bare container.
const complaints = `allowPrivilegeEscalation != false (container "nginx" must set securityContext.allowPrivilegeEscalation=false), ` +
	`unrestricted capabilities (container "nginx" must set securityContext.capabilities.drop=["ALL"]), ` +
	`runAsNonRoot != true (pod or container "nginx" must set securityContext.runAsNonRoot=true), ` +
	`seccompProfile (pod or container "nginx" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`

func example(t testing.TB, kind, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", kind, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// examplePolicies are the files of examples/policies, and the set that they make.
func examplePolicies(t testing.TB) (files map[string]string, set policy.Set) {
	t.Helper()
	files = map[string]string{}
	var all []policy.Policy
	for _, name := range []string{"route-manager.yaml", "node-agent.yaml"} {
		text := example(t, "policies", name)
		files[name] = string(text)
		parsed, err := policy.Parse(text, name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parsed...)
	}
	set, err := policy.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return files, set
}

func manifest(t testing.TB, name, namespace string, into metav1.Object) {
	t.Helper()
	if err := yaml.UnmarshalStrict(example(t, "manifests", name), into); err != nil {
		t.Fatal(err)
	}
	into.SetNamespace(namespace)
}

func namespace(t testing.TB, c *cluster.Cluster, name string, labels map[string]string) {
	t.Helper()
	ctx := context.Background()
	if _, err := c.Client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// A pod is refused until its service account is there.
	cluster.Eventually(t, "the default service account of "+name, func(ctx context.Context) (bool, error) {
		_, err := c.Client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, err
	})
}

// warnings collects what the API server warns a client of.
type warnings struct {
	mu   sync.Mutex
	list []string
}

func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, text)
}

func (w *warnings) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.list, "\n")
}

func warned(t testing.TB, c *cluster.Cluster) (*kubernetes.Clientset, *warnings) {
	t.Helper()
	w := &warnings{}
	config := rest.CopyConfig(c.Config)
	config.WarningHandler = w
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client, w
}

func want(t testing.TB, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %q:\n%s", what, part, text)
		}
	}
}

func refused(t testing.TB, err error, parts ...string) {
	t.Helper()
	if !apierrors.IsForbidden(err) {
		t.Errorf("want a refusal, got %v", err)
		return
	}
	want(t, "the refusal", err.Error(), parts...)
}

// TestWithoutPodfenceTheBareDeploymentWarnsAndItsReplicaSetFails is the
// document's story as it is today.
func TestWithoutPodfenceTheBareDeploymentWarnsAndItsReplicaSetFails(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{})
	namespace(t, c, "shop", map[string]string{upstreamEnforces: restricted, upstreamWarns: restricted})
	client, warnings := warned(t, c)
	var deployment appsv1.Deployment
	manifest(t, "nginx-deployment.yaml", "shop", &deployment)
	if _, err := client.AppsV1().Deployments("shop").Create(context.Background(), &deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, "the warning", warnings.all(), `would violate PodSecurity "restricted:latest": `+complaints)
	cluster.Eventually(t, "the event FailedCreate", func(ctx context.Context) (bool, error) {
		events, err := client.CoreV1().Events("shop").List(ctx, metav1.ListOptions{FieldSelector: "reason=FailedCreate,involvedObject.kind=ReplicaSet"})
		if err != nil || len(events.Items) == 0 {
			return false, err
		}
		want(t, "the event", events.Items[0].Message, `violates PodSecurity "restricted:latest": `+complaints)
		return true, nil
	})
}

// TestPodfence starts one control plane, with Pod Security Admission on, and two
// replicas of the webhook, registered as its manifests have it.
func TestPodfence(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{})
	files, policies := scenarioPolicies(t)
	w := c.StartWebhook(2, files)
	createOldPods(t, c)
	w.Register(nil)
	waitForWebhook(t, c)

	testScenarios(t, c, policies, byWebhook)
	t.Run("labels of a namespace that cannot be parsed are refused", func(t *testing.T) { testLabels(t, c) })
	t.Run("a bad policy file changes nothing until it is mended", func(t *testing.T) { testReload(t, c, w) })
	t.Run("a bad request harms nobody", func(t *testing.T) { testBadInput(t, c, w) })
}

// scenarioPolicies are the files of the policies of testScenarios, and those of
// examples/policies among them as a set.
func scenarioPolicies(t testing.TB) (files map[string]string, examples policy.Set) {
	t.Helper()
	files, examples = examplePolicies(t)
	files["stored.yaml"] = storedPolicies
	files["mesh.yaml"] = string(example(t, "policies", "mesh.yaml"))
	files["debug.yaml"] = debugPolicies
	files["fills.yaml"] = fillsPolicies
	return files, examples
}

// enforcer is who enforces policies in a test.
type enforcer string

const (
	byWebhook   enforcer = "webhook"
	byAPIServer enforcer = "API server"
)

// governing are texts of a refusal that only the webhook has: which policy governs the
// pod, and what is missing.
func (e enforcer) governing(texts ...string) []string {
	if e == byAPIServer {
		return nil
	}
	return texts
}

// testScenarios are those in which it makes hardly a difference who enforces the policies.
func testScenarios(t *testing.T, c *cluster.Cluster, policies policy.Set, by enforcer) {
	t.Run("the bare Deployment runs as the document prints it", func(t *testing.T) { testDeployment(t, c) })
	t.Run("the route manager is admitted by its policy and nowhere else", func(t *testing.T) { testRouteManager(t, c, by) })
	t.Run("debug containers are filled in, and privileged ones are refused", func(t *testing.T) { testEphemeral(t, c) })
	t.Run("a mesh's init container alone gets what it needs", func(t *testing.T) { testMesh(t, c) })
	t.Run("debug containers by every profile of kubectl get what they are granted", func(t *testing.T) { testDebugProfiles(t, c) })
	t.Run("a pod that predates podfence can be updated and can finish", func(t *testing.T) { testOldPod(t, c, by) })
	t.Run("the server accepts what the library says it accepts", func(t *testing.T) { testKinds(t, c, policies) })
	t.Run("the server stores what the library says it would", func(t *testing.T) { testStored(t, c) })
	t.Run("the server stores what other policies fill in, and what they leave", func(t *testing.T) { testFills(t, c) })
}

// createOldPods creates pods that predate podfence.
func createOldPods(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	namespace(t, c, "old", nil)
	if _, err := c.Client.CoreV1().Pods("old").Create(context.Background(), pod("old", "complete", complete), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	old := pod("old", "privileged", func(p *corev1.Pod) {
		p.Spec.Containers[0].SecurityContext = privileged()
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("5m")}
	})
	if _, err := c.Client.CoreV1().Pods("old").Create(context.Background(), old, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// waitForWebhook waits until the API server asks the webhook, which it does some
// time after the registration.
func waitForWebhook(t testing.TB, c *cluster.Cluster) {
	t.Helper()
	namespace(t, c, "waiting", map[string]string{podfenceEnforces: restricted})
	waitUntilHeld(t, c)
}

// waitUntilHeld waits until a bad pod is refused and a bare one filled in, in the
// namespace "waiting".
func waitUntilHeld(t testing.TB, c *cluster.Cluster) {
	t.Helper()
	cluster.Eventually(t, "pods are held to the level of their namespace", func(ctx context.Context) (bool, error) {
		all := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
		_, err := c.Client.CoreV1().Pods("waiting").Create(ctx, pod("waiting", "bad", func(p *corev1.Pod) { p.Spec.HostNetwork = true }), all)
		if !apierrors.IsForbidden(err) {
			return false, err
		}
		filled, err := c.Client.CoreV1().Pods("waiting").Create(ctx, pod("waiting", "bare", nil), all)
		return err == nil && filled.Spec.Containers[0].SecurityContext != nil, err
	})
}

func pod(namespace, name string, change func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "nginx", Image: "nginx"}}},
	}
	if change != nil {
		change(p)
	}
	return p
}

func privileged() *corev1.SecurityContext {
	yes := true
	return &corev1.SecurityContext{Privileged: &yes}
}

// printed is the pod as the document prints it. What the document leaves out is
// false or set by the server.
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

func testDeployment(t *testing.T, c *cluster.Cluster) {
	ctx := context.Background()
	namespace(t, c, "shop", map[string]string{podfenceEnforces: restricted, upstreamEnforces: restricted})
	var deployment appsv1.Deployment
	manifest(t, "nginx-deployment.yaml", "shop", &deployment)
	if _, err := c.Client.AppsV1().Deployments("shop").Create(ctx, &deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var stored []corev1.Pod
	cluster.Eventually(t, "the two pods of the Deployment", func(ctx context.Context) (bool, error) {
		list, err := c.Client.CoreV1().Pods("shop").List(ctx, metav1.ListOptions{})
		if err == nil {
			stored = list.Items
		}
		return len(stored) == 2, err
	})
	var expected corev1.PodSpec
	if err := yaml.UnmarshalStrict([]byte(printed), &expected); err != nil {
		t.Fatal(err)
	}
	for i := range stored {
		if diff := cmp.Diff(expected, *authored(&stored[i].Spec)); diff != "" {
			t.Errorf("the stored pod (-document +stored):\n%s", diff)
		}
	}
}

// authored is the spec without what the API server sets on every pod.
func authored(stored *corev1.PodSpec) *corev1.PodSpec {
	s := stored.DeepCopy()
	s.Volumes, s.RestartPolicy, s.TerminationGracePeriodSeconds, s.DNSPolicy = nil, "", nil, ""
	s.ServiceAccountName, s.DeprecatedServiceAccount, s.SchedulerName, s.Tolerations = "", "", "", nil
	s.Priority, s.EnableServiceLinks, s.PreemptionPolicy = nil, nil, nil
	if sc := s.SecurityContext; sc != nil && equality.Semantic.DeepEqual(*sc, corev1.PodSecurityContext{}) {
		s.SecurityContext = nil // the API server stores an empty one
	}
	for i := range s.Containers {
		c := &s.Containers[i]
		c.VolumeMounts, c.TerminationMessagePath, c.TerminationMessagePolicy, c.ImagePullPolicy = nil, "", "", ""
		for j := range c.Ports {
			c.Ports[j].Protocol = ""
		}
	}
	return s
}

func testRouteManager(t *testing.T, c *cluster.Cluster, by enforcer) {
	ctx := context.Background()
	namespace(t, c, "networking", map[string]string{podfenceEnforces: restricted})
	namespace(t, c, "elsewhere", map[string]string{podfenceEnforces: restricted})
	const message = `violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true), ` +
		`allowPrivilegeEscalation != false (container "manager" must set securityContext.allowPrivilegeEscalation=false), ` +
		`unrestricted capabilities (container "manager" must not include "NET_ADMIN" in securityContext.capabilities.add)`
	for _, row := range []struct {
		name, namespace string
		change          func(*corev1.Pod)
		refusal         []string
	}{
		{name: "its policy selects it", namespace: "networking"},
		{name: "another label", namespace: "networking", change: func(p *corev1.Pod) { p.Labels["app.kubernetes.io/name"] = "other" }, refusal: []string{message}},
		{name: "another namespace", namespace: "elsewhere", refusal: []string{message}},
		{name: "one more capability", namespace: "networking", change: func(p *corev1.Pod) {
			add := &p.Spec.Containers[0].SecurityContext.Capabilities.Add
			*add = append(*add, "SYS_TIME")
		}, refusal: append(by.governing(`policy "route-manager" governs the pod, and what is left is: spec.containers[0].securityContext.capabilities.add[1] (container "manager") is "SYS_TIME"`),
			`unrestricted capabilities (container "manager" must not include "SYS_TIME" in securityContext.capabilities.add)`)},
	} {
		var p corev1.Pod
		manifest(t, "route-manager-pod.yaml", row.namespace, &p)
		p.Name, p.GenerateName = "", "route-manager-"
		if row.change != nil {
			row.change(&p)
		}
		_, err := c.Client.CoreV1().Pods(row.namespace).Create(ctx, &p, metav1.CreateOptions{})
		if row.refusal != nil {
			refused(t, err, row.refusal...)
		} else if err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func testEphemeral(t *testing.T, c *cluster.Cluster) {
	ctx := context.Background()
	namespace(t, c, "debug", map[string]string{podfenceEnforces: restricted, upstreamEnforces: restricted})
	pods := c.Client.CoreV1().Pods("debug")
	if _, err := pods.Create(ctx, pod("debug", "web", nil), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	add := func(name string, sc *corev1.SecurityContext) (*corev1.Pod, error) {
		p, err := pods.Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p.Spec.EphemeralContainers = append(p.Spec.EphemeralContainers, corev1.EphemeralContainer{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: name, Image: "busybox", SecurityContext: sc, TerminationMessagePolicy: corev1.TerminationMessageReadFile},
		})
		return pods.UpdateEphemeralContainers(ctx, "web", p, metav1.UpdateOptions{})
	}
	for i, name := range []string{"first", "second"} {
		p, err := add(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		sc := p.Spec.EphemeralContainers[i].SecurityContext
		if sc == nil || sc.RunAsNonRoot == nil || sc.SeccompProfile == nil || sc.Capabilities == nil {
			t.Errorf("the %s debug container was not filled in: %+v", name, sc)
		}
	}
	_, err := add("third", privileged())
	refused(t, err, `privileged (container "third" must not set securityContext.privileged=true)`)
}

// testOldPod raises the level of a namespace whose pod does not satisfy it.
func testOldPod(t *testing.T, c *cluster.Cluster, by enforcer) {
	ctx := context.Background()
	client, warnings := warned(t, c)
	patch := []byte(`{"metadata":{"labels":{"podfence.dev/enforce":"restricted"}}}`)
	if _, err := client.CoreV1().Namespaces().Patch(ctx, "old", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if by == byWebhook {
		want(t, "the warning", warnings.all(), `existing pods in namespace "old" violate the new PodSecurity enforce level "restricted:latest"`, "1 pod: privileged, allowPrivilegeEscalation != false")
	} else if text := warnings.all(); text != "" {
		t.Errorf("the objects look at no running pods, and yet there is a warning: %s", text)
	}
	pods := c.Client.CoreV1().Pods("old")
	cluster.Eventually(t, "the new level is in force", func(ctx context.Context) (bool, error) {
		_, err := pods.Create(ctx, pod("old", "new", func(p *corev1.Pod) { p.Spec.HostNetwork = true }), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return apierrors.IsForbidden(err), err
	})
	merge := func(what, patch string, subresources ...string) error {
		t.Helper()
		_, err := pods.Patch(ctx, "privileged", "application/strategic-merge-patch+json", []byte(patch), metav1.PatchOptions{}, subresources...)
		if err != nil {
			err = fmt.Errorf("%s: %w", what, err)
		}
		return err
	}
	for what, patch := range map[string]string{
		"labels":      `{"metadata":{"labels":{"a":"b"}}}`,
		"annotations": `{"metadata":{"annotations":{"a":"b"}}}`,
		"finalizers":  `{"metadata":{"finalizers":["podfence.dev/e2e"]}}`,
	} {
		if err := merge(what, patch); err != nil {
			t.Error(err)
		}
	}
	if err := merge("resize", `{"spec":{"containers":[{"name":"nginx","resources":{"requests":{"cpu":"10m"}}}]}}`, "resize"); err != nil {
		t.Error(err)
	}
	if err := merge("status", `{"status":{"message":"hello"}}`, "status"); err != nil {
		t.Error(err)
	}
	// A new image is a new program, which upstream judges: it may come where the
	// pod satisfies the level, and nowhere else.
	newImage := []byte(`{"spec":{"containers":[{"name":"nginx","image":"nginx:2"}]}}`)
	if _, err := pods.Patch(ctx, "complete", "application/strategic-merge-patch+json", newImage, metav1.PatchOptions{}); err != nil {
		t.Error(err)
	}
	refused(t, merge("image", string(newImage)), "privileged (container")
	zero := int64(0)
	if err := pods.Delete(ctx, "privileged", metav1.DeleteOptions{GracePeriodSeconds: &zero}); err != nil {
		t.Fatal(err)
	}
	if err := merge("the last finalizer", `{"metadata":{"$deleteFromPrimitiveList/finalizers":["podfence.dev/e2e"]}}`); err != nil {
		t.Error(err)
	}
	cluster.Eventually(t, "the pod is gone", func(ctx context.Context) (bool, error) {
		_, err := pods.Get(ctx, "privileged", metav1.GetOptions{})
		return apierrors.IsNotFound(err), err
	})
}

func testLabels(t *testing.T, c *cluster.Cluster) {
	_, err := c.Client.CoreV1().Namespaces().Create(context.Background(), &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: "misspelt", Labels: map[string]string{podfenceEnforces: "restriced"}},
	}, metav1.CreateOptions{})
	if err == nil {
		t.Fatal("a namespace with an unknown level was created")
	}
	want(t, "the refusal", err.Error(), "podfence.dev/enforce", "restriced", "must be one of privileged, baseline, restricted")
}

// TestUpstreamsSuitePassesAgainstPodfence runs the integration suite of Pod
// Security Admission where podfence stands in for it: the plugin is off, nothing
// is filled in, and the labels are upstream's.
func TestUpstreamsSuitePassesAgainstPodfence(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{WithoutPodSecurity: true})
	w := c.StartWebhook(1, nil, "--mutate=false", "--label-prefix=pod-security.kubernetes.io/")
	w.Register(func(_ *admissionregistrationv1.MutatingWebhookConfiguration, v *admissionregistrationv1.ValidatingWebhookConfiguration) {
		for i := range v.Webhooks {
			for j := range v.Webhooks[i].MatchConditions {
				condition := &v.Webhooks[i].MatchConditions[j]
				condition.Expression = strings.ReplaceAll(condition.Expression, "podfence.dev/", "pod-security.kubernetes.io/")
			}
		}
	})
	namespace(t, c, "waiting", map[string]string{upstreamEnforces: restricted})
	cluster.Eventually(t, "the webhook is asked", func(ctx context.Context) (bool, error) {
		_, err := c.Client.CoreV1().Pods("waiting").Create(ctx, pod("waiting", "bare", nil), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return apierrors.IsForbidden(err), err
	})
	psatest.Run(t, psatest.Options{ClientConfig: c.Config})
}
