package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/pod-security-admission/api"
	upstream "k8s.io/pod-security-admission/policy"
	psatest "k8s.io/pod-security-admission/test"

	"github.com/podfence/podfence/internal/e2e/cluster"
)

// folder writes files of policies into a folder and returns its name.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shell runs a command line that must succeed, and returns what it prints.
func shell(t testing.TB, c *cluster.Cluster, format string, args ...any) string {
	t.Helper()
	out, err := c.Shell(fmt.Sprintf(format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// export makes the API server enforce policies itself, or the standards alone where
// there are none, with flags of podfence export. It returns the folder of the policies.
func export(t testing.TB, c *cluster.Cluster, files map[string]string, flags string) (dir string) {
	t.Helper()
	if len(files) > 0 {
		dir = folder(t, files)
		flags += " --policies " + dir
	}
	shell(t, c, "podfence export %s | kubectl apply --server-side -f -", flags)
	return dir
}

// kinds of what is exported, as kubectl wants them.
const exported = "validatingadmissionpolicies,validatingadmissionpolicybindings,mutatingadmissionpolicies,mutatingadmissionpolicybindings"

// TestTheAPIServerItselfEnforcesThePolicies: the scenarios of TestPodfence, where the
// API server has the objects of podfence export and there is no webhook.
func TestTheAPIServerItselfEnforcesThePolicies(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{})
	files, policies := scenarioPolicies(t)
	createOldPods(t, c)
	dir := export(t, c, files, "")
	waitForWebhook(t, c)

	testScenarios(t, c, policies, byAPIServer)
	t.Run("what the API server has is what was exported", func(t *testing.T) { testVerify(t, c, dir) })
}

// testVerify compares what the API server stores, then changes it.
func testVerify(t *testing.T, c *cluster.Cluster, dir string) {
	verify := func() (string, error) {
		return c.Shell("kubectl get " + exported + " -o yaml | podfence export --policies " + dir + " --verify -")
	}
	if out, err := verify(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	shell(t, c, `kubectl patch validatingadmissionpolicy podfence-enforce --type=merge -p '{"spec":{"failurePolicy":"Ignore"}}'`)
	shell(t, c, "kubectl delete mutatingadmissionpolicybinding podfence-mutate")
	out, err := verify()
	if err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("after a change: %v", err)
	}
	want(t, "what differs", out, `ValidatingAdmissionPolicy podfence-enforce: spec.failurePolicy is "Ignore", rendered is "Fail"`, "MutatingAdmissionPolicyBinding podfence-mutate: is missing")
}

// TestTheReadmesLineInstalls runs the line of the README as it stands there, and uses it.
func TestTheReadmesLineInstalls(t *testing.T) {
	const line = "podfence export --policies examples/policies | kubectl apply -f -"
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil || !strings.Contains(string(readme), line) {
		t.Fatalf("the README has no line %q (%v)", line, err)
	}
	c := cluster.Start(t, binaries, cluster.Options{})
	out := shell(t, c, line)
	if n := strings.Count(out, " created\n"); n != 10 {
		t.Errorf("%d objects were created, want 10:\n%s", n, out)
	}
	waitForWebhook(t, c)
	t.Run("the policy that selects namespaces", func(t *testing.T) { testNamespaces(t, c) })
	t.Run("it can be applied again", func(t *testing.T) {
		if out := shell(t, c, line); strings.Count(out, " unchanged\n") != 10 {
			t.Errorf("not all are unchanged:\n%s", out)
		}
	})
}

// TestTheAPIServerItselfEnforcesThePoliciesOfThePlatform is TestPoliciesOfThePlatform
// without a webhook. Nobody is warned of a policy that has expired.
func TestTheAPIServerItselfEnforcesThePoliciesOfThePlatform(t *testing.T) {
	takesLong(t)
	c := cluster.Start(t, binaries, cluster.Options{})
	export(t, c, map[string]string{"platform.yaml": platformPolicies}, "")
	waitForWebhook(t, c)
	namespace(t, c, "shop", map[string]string{podfenceEnforces: restricted})
	namespace(t, c, "data", map[string]string{podfenceEnforces: restricted})
	t.Run("the default policy fills in and demands", func(t *testing.T) { testDefaultPolicy(t, c) })
	t.Run("an expired policy grants nothing", func(t *testing.T) {
		if warnings := testExpiry(t, c, byAPIServer); warnings != "" {
			t.Errorf("what fills in cannot warn, and yet there is a warning: %s", warnings)
		}
	})
}

// TestUpstreamsSuitePassesAgainstTheObjectsAlone runs the integration suite of Pod
// Security Admission where the plugin is off and there is nothing but the objects,
// without mutation, for upstream's labels.
func TestUpstreamsSuitePassesAgainstTheObjectsAlone(t *testing.T) {
	takesLong(t)
	c := cluster.Start(t, binaries, cluster.Options{WithoutPodSecurity: true})
	export(t, c, nil, "--mutate=false --level-label-prefix pod-security.kubernetes.io")
	namespace(t, c, "waiting", map[string]string{upstreamEnforces: restricted, upstreamWarns: restricted})
	client, warnings := warned(t, c)
	cluster.Eventually(t, "the objects are in force, those for templates too", func(ctx context.Context) (bool, error) {
		_, err := c.Client.CoreV1().Pods("waiting").Create(ctx, pod("waiting", "bare", nil), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !apierrors.IsForbidden(err) {
			return false, err
		}
		template := &corev1.PodTemplate{ObjectMeta: metav1.ObjectMeta{Name: "bare"}, Template: corev1.PodTemplateSpec{Spec: pod("", "", nil).Spec}}
		_, err = client.CoreV1().PodTemplates("waiting").Create(ctx, template, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return warnings.all() != "", err
	})

	var suite counted
	config := rest.CopyConfig(c.Config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &counter{next, &suite} })
	psatest.Run(t, psatest.Options{ClientConfig: config, CreateNamespace: func(client kubernetes.Interface, name string, labels map[string]string) (*corev1.Namespace, error) {
		suite.subtests += subtestsOf(t, labels)
		return psatest.DefaultCreateNamespace(client, name, labels)
	}})
	t.Logf("%d subtests, %d pods and workloads, of which %d were refused", suite.subtests, suite.created.Load()+suite.refused.Load(), suite.refused.Load())
	if suite.subtests != 750 || suite.refused.Load() < 1000 || suite.created.Load() < 1000 {
		t.Errorf("%d subtests, want 750; %d objects were created and %d refused, want 1000 of each at least", suite.subtests, suite.created.Load(), suite.refused.Load())
	}
}

// subtestsOf is how many subtests upstream runs in a namespace: two for each check at
// its level and version, one that passes and one that fails, and one for the minimal pod.
func subtestsOf(t *testing.T, labels map[string]string) int {
	t.Helper()
	level, err := api.ParseLevel(labels[api.EnforceLevelLabel])
	if err != nil {
		t.Fatal(err)
	}
	version, err := api.ParseVersion(labels[api.EnforceVersionLabel])
	if err != nil {
		t.Fatal(err)
	}
	n := 1
	for _, check := range upstream.DefaultChecks() {
		if !version.Older(check.Versions[0].MinimumVersion) && (level == check.Level || level == api.LevelRestricted) {
			n += 2
		}
	}
	return n
}

// counted is what a suite asked of an API server.
type counted struct {
	subtests         int
	created, refused atomic.Int64
}

// counter counts the creations of pods and workloads.
type counter struct {
	next http.RoundTripper
	*counted
}

func (c *counter) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(request)
	path := request.URL.Path
	if err != nil || request.Method != http.MethodPost || !strings.HasSuffix(path, "/pods") && !strings.HasSuffix(path, "/deployments") {
		return response, err
	}
	switch response.StatusCode {
	case http.StatusCreated:
		c.created.Add(1)
	case http.StatusForbidden:
		c.refused.Add(1)
	}
	return response, nil
}
