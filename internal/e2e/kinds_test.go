package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/e2e/cluster"
	"github.com/podfence/podfence/policy"
)

// testKinds creates pods of many kinds, dry, and compares the server's answer
// and what it would store with what the library says of the same pod.
func testKinds(t *testing.T, c *cluster.Cluster, policies policy.Set) {
	namespace(t, c, "kinds", map[string]string{podfenceEnforces: restricted})
	namespace(t, c, "monitoring", map[string]string{podfenceEnforces: restricted})
	var agent appsv1.DaemonSet
	manifest(t, "node-agent-daemonset.yaml", "monitoring", &agent)
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	yes, no := true, false
	always := corev1.ContainerRestartPolicyAlways
	pods := map[string]*corev1.Pod{
		"bare":       pod("kinds", "bare", nil),
		"privileged": pod("kinds", "privileged", func(p *corev1.Pod) { p.Spec.Containers[0].SecurityContext = privileged() }),
		"privileged under its policy": pod("monitoring", "agent", func(p *corev1.Pod) {
			p.Labels, p.Spec = agent.Spec.Template.Labels, agent.Spec.Template.Spec
		}),
		"privileged under its policy, with a path too many": pod("monitoring", "curious", func(p *corev1.Pod) {
			p.Labels, p.Spec = agent.Spec.Template.Labels, *agent.Spec.Template.Spec.DeepCopy()
			p.Spec.Volumes[0].HostPath.Path = "/var/lib"
		}),
		"windows": pod("kinds", "windows", func(p *corev1.Pod) {
			p.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
		}),
		"user namespace": pod("kinds", "user-namespace", func(p *corev1.Pod) {
			p.Spec.HostUsers = &no
		}),
		"every kind of container": pod("kinds", "every-kind", func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "init", Image: "busybox"}, {Name: "sidecar", Image: "busybox", RestartPolicy: &always}}
		}),
		"root by name of the pod": pod("kinds", "root", func(p *corev1.Pod) {
			zero := int64(0)
			p.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: &zero}
		}),
		"escalation": pod("kinds", "escalation", func(p *corev1.Pod) {
			p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{AllowPrivilegeEscalation: &yes}
		}),
		"a host path": pod("kinds", "host-path", func(p *corev1.Pod) {
			p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}}}
		}),
	}
	allowed := 0
	for name, p := range pods {
		d := podfence.Admit(p, lv, policies)
		stored, err := c.Client.CoreV1().Pods(p.Namespace).Create(context.Background(), p.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !d.Allowed() {
			refused(t, err, d.Result.Refusal())
			continue
		}
		if err != nil {
			t.Errorf("%s: the library allows it: %v", name, err)
			continue
		}
		allowed++
		want, got := authored(&d.Pod.Spec), authored(&stored.Spec)
		for i := range got.InitContainers {
			c := &got.InitContainers[i]
			c.VolumeMounts, c.TerminationMessagePath, c.TerminationMessagePolicy, c.ImagePullPolicy = nil, "", "", ""
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: stored otherwise (-library +server):\n%s", name, diff)
		}
	}
	if allowed != 5 {
		t.Errorf("%d pods were allowed, want 5", allowed)
	}
}

// testReload breaks a policy file, mends it, changes it and takes it away, under
// the eyes of the pods that depend on it.
func testReload(t *testing.T, c *cluster.Cluster, w *cluster.Webhook) {
	create := func() error {
		var p corev1.Pod
		manifest(t, "route-manager-pod.yaml", "networking", &p)
		_, err := c.Client.CoreV1().Pods("networking").Create(context.Background(), &p, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	good := string(example(t, "policies", "route-manager.yaml"))
	w.WritePolicy("route-manager.yaml", good+"  allowedCapabilties: [SYS_TIME]\n")
	everywhere := func(what string, holds func(status, metrics string) bool) {
		t.Helper()
		for _, r := range w.Replicas {
			cluster.Eventually(t, what, func(context.Context) (bool, error) {
				status, err := r.Status()
				if err != nil {
					return false, err
				}
				metrics, err := r.Metrics()
				return err == nil && holds(status, metrics), fmt.Errorf("%v: %s", err, status)
			})
		}
	}
	everywhere("the bad file is reported", func(status, metrics string) bool {
		return strings.Contains(status, "did you mean allowedCapabilities?") && strings.Contains(status, `"networking/route-manager"`) &&
			strings.Contains(metrics, "podfence_policy_last_reload_successful 0") && strings.Contains(metrics, "podfence_policy_reload_failures_total 1")
	})
	if err := create(); err != nil {
		t.Errorf("the last good policy is not in force: %v", err)
	}
	w.WritePolicy("route-manager.yaml", strings.Replace(good, "NET_ADMIN", "NET_RAW", 1))
	everywhere("the new file is in force", func(status, metrics string) bool {
		return !strings.Contains(status, "errors") && strings.Contains(metrics, "podfence_policy_last_reload_successful 1")
	})
	refused(t, create(), `must not include "NET_ADMIN"`)
	w.RemovePolicy("route-manager.yaml")
	everywhere("no file is in force", func(status, _ string) bool { return !strings.Contains(status, "networking/route-manager") })
	refused(t, create(), "host namespaces (hostNetwork=true)", `must not include "NET_ADMIN"`)
	w.WritePolicy("route-manager.yaml", good)
	cluster.Eventually(t, "the old file is in force again", func(context.Context) (bool, error) {
		err := create()
		return err == nil, err
	})
}

// testBadInput sends what no API server sends. None of it may end the webhook,
// and in its midst a good request is answered.
func testBadInput(t *testing.T, c *cluster.Cluster, w *cluster.Webhook) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // a test's own server
	for _, row := range []struct {
		name, contentType, body string
		length                  int64
		status                  int
		says                    string
	}{
		{"no JSON", "application/json", "{", 1, http.StatusBadRequest, "unexpected EOF"},
		{"another kind", "application/json", `{"kind":"Pod","apiVersion":"v1"}`, 32, http.StatusBadRequest, "no AdmissionReview"},
		{"no request", "application/json", `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}`, 61, http.StatusBadRequest, "/request: it is missing"},
		{"no body", "application/json", "", 0, http.StatusBadRequest, "empty"},
		{"text", "text/plain", "{}", 2, http.StatusUnsupportedMediaType, "application/json"},
		{"unknown length", "application/json", "{}", -1, http.StatusLengthRequired, "length"},
		{"too many objects", "application/json", review(`{"spec":{"containers":[` + strings.Repeat("{},", 50_000) + `{}]}}`), -2, http.StatusRequestEntityTooLarge, "more up to here than may be read"},
		{"too many things that are no containers", "application/json", review(`{"kind":"Pod","apiVersion":"v1","spec":{"containers":[` + strings.Repeat("7,", 3<<20) + `7]}}`), -2, http.StatusOK, `"allowed":false`},
		{"a huge body", "application/json", "{}", 100 << 20, http.StatusRequestEntityTooLarge, "more than"},
		{"a pod that is none", "application/json", review(`{"kind":"Pod","apiVersion":"v1","spec":{"containers":7}}`), -2, http.StatusOK, `"allowed":false`},
		{"another object", "application/json", review(`{"kind":"ConfigMap","apiVersion":"v1"}`), -2, http.StatusOK, `"allowed":false`},
	} {
		for _, path := range []string{"/mutate", "/validate"} {
			request, err := http.NewRequest(http.MethodPost, w.URL+path, strings.NewReader(row.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", row.contentType)
			if row.length == -1 {
				request.Body, request.ContentLength = io.NopCloser(strings.NewReader(row.body)), -1
			} else if row.length > 1000 {
				request.Body, request.ContentLength = io.NopCloser(io.LimitReader(zeros{}, row.length)), row.length
			}
			response, err := client.Do(request)
			if err != nil {
				if row.length > 1000 {
					continue // the server hung up on us in the middle of it, as it may
				}
				t.Errorf("%s to %s: %v", row.name, path, err)
				continue
			}
			text, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode != row.status || !strings.Contains(string(text), row.says) {
				t.Errorf("%s to %s: %d %.300s, want %d and %q", row.name, path, response.StatusCode, text, row.status, row.says)
			}
		}
	}
	hostilePods(t, w, client)
	defer slowConnections(t, w, 3000)()
	for i := range 20 {
		_, err := c.Client.CoreV1().Pods("kinds").Create(context.Background(), pod("kinds", fmt.Sprintf("good-%d", i), nil), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			t.Errorf("a good request beside slow connections: %v", err)
		}
		if err := w.Handshake(); err != nil {
			t.Errorf("a new connection beside slow ones: %v", err)
		}
	}
	for _, r := range w.Replicas {
		metrics, err := r.Metrics()
		if err != nil {
			t.Fatal(err)
		}
		used, err := r.PeakMemory()
		if err != nil || used > 512<<20 {
			t.Errorf("a replica used %d MiB, more than the 512 of its Deployment (%v)", used>>20, err)
		}
		t.Logf("at most %d MiB were used by a replica", used>>20)
		if panics := gauge(t, metrics, "controller_runtime_webhook_panics_total"); panics > 0 {
			t.Errorf("%v panics", panics)
		}
	}
}

// hostilePods sends many pods at once, each as large as is still decided, which
// takes a hundred thousand times its length. Whatever is answered, nothing breaks.
func hostilePods(t *testing.T, w *cluster.Webhook, client *http.Client) {
	t.Helper()
	body := review(`{"kind":"Pod","apiVersion":"v1","spec":{"containers":[` + strings.Repeat("{},", 30_000) + `{}]}}`)
	var decided, busy atomic.Int64
	var group sync.WaitGroup
	for i := range 100 {
		group.Go(func() {
			path := []string{"/mutate", "/validate"}[i%2]
			response, err := client.Post(w.URL+path, "application/json", strings.NewReader(body))
			if err != nil {
				t.Errorf("to %s: %v", path, err)
				return
			}
			_ = response.Body.Close()
			switch response.StatusCode {
			case http.StatusOK:
				decided.Add(1)
			case http.StatusServiceUnavailable:
				busy.Add(1)
			default:
				t.Errorf("to %s: status %d", path, response.StatusCode)
			}
		})
	}
	group.Wait()
	if decided.Load() == 0 {
		t.Errorf("none of 100 hostile pods was decided, %d were to come again", busy.Load())
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func review(object string) string {
	return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","operation":"CREATE","namespace":"kinds",` +
		`"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"object":` + object + `}}`
}

// slowConnections opens connections that begin something and do not go on: a
// handshake, the header of a request, and a body, up to the largest. Every other
// one that begins a handshake is cut off in its midst.
func slowConnections(t *testing.T, w *cluster.Webhook, n int) (closeAll func()) {
	t.Helper()
	address := strings.TrimPrefix(w.URL, "https://")
	var open []net.Conn
	begin := func(dial func() (net.Conn, error), text string) net.Conn {
		t.Helper()
		conn, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	plain := func() (net.Conn, error) { return net.Dial("tcp", address) }
	secure := func() (net.Conn, error) { return tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) }
	for i := range n / 3 {
		if conn := begin(plain, "\x16\x03\x01"); i%2 == 0 {
			_ = conn.Close()
		}
	}
	for range n / 3 {
		begin(secure, "POST /validate HTTP/1.1\r\nHost: webhook\r\nX-Slow: ")
	}
	for i := range n / 3 { // the last to come, for they are given up the soonest
		length := 7_000_000 >> (i % 12) // small ones take the room that large ones leave
		begin(secure, fmt.Sprintf("POST /validate HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", length))
	}
	return func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}
}

// gauge is the value of a metric, named with its labels; 0 if it is not there.
func gauge(t *testing.T, metrics, name string) (value float64) {
	t.Helper()
	for line := range strings.Lines(metrics) {
		if rest, found := strings.CutPrefix(line, name+" "); found {
			if _, err := fmt.Sscan(rest, &value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return value
}
