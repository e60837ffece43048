package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/podfence/podfence/internal/e2e/cluster"
)

// TestAnAPIServerReadsThePoliciesFromFiles starts an API server with the objects in
// two folders: the first request is judged by them, nobody can take them away by the
// API, and a file that changes is read again.
func TestAnAPIServerReadsThePoliciesFromFiles(t *testing.T) {
	takesLong(t)
	policies, static := t.TempDir(), t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(policies, "platform.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// As docs/native.md has it: a file is there whole, or not at all.
	install := func() {
		t.Helper()
		for _, only := range []string{"validating", "mutating"} {
			folder := filepath.Join(static, only)
			if err := os.MkdirAll(folder, 0o700); err != nil {
				t.Fatal(err)
			}
			_, err := binaries.Shell(fmt.Sprintf("podfence export --policies %s --static --only %s > %s/.new && mv %[3]s/.new %[3]s/podfence.yaml", policies, only, folder))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	write("name: agents\nnamespace: waiting\npodSelectorLabels: {app: agent}\nallow: {hostPID: true}\n")
	install()
	c := cluster.Start(t, binaries, cluster.Options{Static: static})
	namespace(t, c, "waiting", map[string]string{podfenceEnforces: restricted})
	agent := func() *corev1.Pod {
		return pod("waiting", "agent", func(p *corev1.Pod) {
			p.Labels, p.Spec.HostPID = map[string]string{"app": "agent"}, true
		})
	}

	t.Run("the first pods are judged and filled in", func(t *testing.T) {
		_, err := created(c, pod("waiting", "bad", func(p *corev1.Pod) { p.Spec.HostPID = true }))
		refused(t, err, `violates PodSecurity "restricted:latest": host namespaces (hostPID=true)`)
		filled, err := created(c, agent())
		if err != nil {
			t.Fatal(err)
		}
		if sc := filled.Spec.Containers[0].SecurityContext; sc == nil || sc.RunAsNonRoot == nil {
			t.Errorf("stored with %+v", sc)
		}
	})
	t.Run("the API knows nothing of them", func(t *testing.T) {
		if out := shell(t, c, "kubectl get "+exported+" -o name"); strings.Contains(out, "podfence") {
			t.Errorf("it lists %s", out)
		}
		_, err := c.Shell("podfence export --policies " + policies + " --static | kubectl apply --server-side -f -")
		if err == nil {
			t.Fatal("names of files were taken by the API")
		}
		want(t, "the refusal", err.Error(), ".static.k8s.io")
	})
	t.Run("the files are as rendered", func(t *testing.T) {
		shell(t, c, "podfence export --policies %s --static --verify %s/validating --verify %[2]s/mutating", policies, static)
	})
	t.Run("a file that changes is read again", func(t *testing.T) {
		write("name: other\nnamespace: waiting\npodSelectorLabels: {app: other}\nallow: {hostPID: true}\n")
		install()
		cluster.Eventually(t, "the policy is gone", func(ctx context.Context) (bool, error) {
			_, err := created(c, agent())
			return apierrors.IsForbidden(err), err
		})
	})
	t.Run("half a file changes nothing", func(t *testing.T) {
		file := filepath.Join(static, "validating", "podfence.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text[:len(text)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		cluster.Eventually(t, "the API server has read it", func(context.Context) (bool, error) {
			metrics, err := c.Metrics()
			return strings.Contains(metrics, `plugin="ValidatingAdmissionPolicy",status="failure"`), err
		})
		_, err = created(c, agent())
		refused(t, err, "host namespaces (hostPID=true)")
	})
}
