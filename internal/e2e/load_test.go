package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/e2e/cluster"
)

// load creates pods without end: good ones, dry, and bad ones, in earnest.
type load struct {
	good, goodFailed, badStored, badRefused atomic.Int64
	lastFailure                             atomic.Pointer[error]
	stop                                    context.CancelFunc
	done                                    sync.WaitGroup
}

func startLoad(c *cluster.Cluster, namespace string, workers int, good func() *corev1.Pod) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel}
	pods := c.Client.CoreV1().Pods(namespace)
	for range workers {
		l.done.Go(func() {
			for ctx.Err() == nil {
				if _, err := pods.Create(ctx, good(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err == nil {
					l.good.Add(1)
				} else if ctx.Err() == nil {
					l.lastFailure.Store(&err)
					l.goodFailed.Add(1)
				}
				bad := pod(namespace, "", func(p *corev1.Pod) { p.GenerateName, p.Spec.HostNetwork = "bad-", true })
				if _, err := pods.Create(ctx, bad, metav1.CreateOptions{}); err == nil {
					l.badStored.Add(1)
				} else {
					l.badRefused.Add(1)
				}
			}
		})
	}
	return l
}

// startHandshakes opens connections without end: the API server keeps its own,
// and a certificate is shown to new ones only.
func startHandshakes(w *cluster.Webhook) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel}
	l.done.Go(func() {
		for ctx.Err() == nil {
			if err := w.Handshake(); err != nil {
				l.lastFailure.Store(&err)
				l.goodFailed.Add(1)
			} else {
				l.good.Add(1)
			}
		}
	})
	return l
}

func (l *load) end() {
	l.stop()
	l.done.Wait()
}

func (l *load) failure() error {
	if err := l.lastFailure.Load(); err != nil {
		return *err
	}
	return nil
}

// more waits until a counter has grown by n.
func more(t testing.TB, what string, counter *atomic.Int64, n int64) {
	t.Helper()
	from := counter.Load()
	cluster.Eventually(t, fmt.Sprintf("%d more %s", n, what), func(context.Context) (bool, error) { return counter.Load() >= from+n, nil })
}

// TestNoUncheckedPodIsStoredWhileReplicasFail ends replicas in turn in the middle
// of a load, kills one, then both; changes all policies at once, many times; and changes the
// certificate.
func TestNoUncheckedPodIsStoredWhileReplicasFail(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{})
	w := c.StartWebhook(2, nil)
	w.SwapPolicies(generation(0))
	w.Register(nil)
	waitForWebhook(t, c)
	namespace(t, c, "load", map[string]string{podfenceEnforces: restricted})
	l := startLoad(c, "load", 4, func() *corev1.Pod { return pod("load", "good", nil) })
	defer l.end()
	more(t, "good pods", &l.good, 50)

	t.Run("a replica that is asked to end drops nothing", func(t *testing.T) {
		w.Replicas[0].Terminate()
		more(t, "good pods by the other replica", &l.good, 100)
		w.Restart(w.Replicas[0])
		w.Replicas[1].Terminate()
		more(t, "good pods by the replica that is back", &l.good, 100)
		w.Restart(w.Replicas[1])
		if n := l.goodFailed.Load(); n > 0 {
			t.Errorf("%d requests failed: %v", n, l.failure())
		}
	})

	w.Replicas[0].Kill()
	more(t, "good pods by the other replica", &l.good, 100)
	w.Replicas[1].Kill()
	more(t, "refusals without a replica", &l.goodFailed, 20)
	before := l.good.Load()
	more(t, "refusals without a replica", &l.goodFailed, 20)
	if l.good.Load() != before {
		t.Errorf("%d pods passed without a replica", l.good.Load()-before)
	}
	want(t, "the refusal", l.failure().Error(), "failed calling webhook", "podfence.dev")
	w.Restart(w.Replicas[0])
	w.Restart(w.Replicas[1])
	more(t, "good pods after the restart", &l.good, 100)

	t.Run("a certificate that changes drops nothing", func(t *testing.T) {
		failed := l.goodFailed.Load()
		h := startHandshakes(w)
		defer h.end()
		for range 3 {
			w.WriteCertificate()
			for _, r := range w.Replicas {
				cluster.Eventually(t, "the new certificate is served", func(context.Context) (bool, error) { return w.Serves(r) })
			}
			more(t, "good pods", &l.good, 30)
			more(t, "new connections", &h.good, 30)
		}
		if n := l.goodFailed.Load() - failed; n > 0 {
			t.Errorf("%d requests failed: %v", n, l.failure())
		}
		if n := h.goodFailed.Load(); n > 0 {
			t.Errorf("%d new connections failed: %v", n, h.failure())
		}
	})
	l.end()

	t.Run("a set of policies is never half a set", func(t *testing.T) {
		l := startLoad(c, "load", 4, func() *corev1.Pod {
			return pod("load", "either", func(p *corev1.Pod) {
				p.Labels = map[string]string{"app": "either"}
				p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_RAW"}}}
			})
		})
		defer l.end()
		for i := range 10 {
			w.SwapPolicies(generation(i))
			more(t, "pods under the policies", &l.good, 20)
		}
		// So fast that readings meet swaps, and the emptying of old folders.
		last := l.good.Load() + 500
		for i := 0; l.good.Load() < last && l.goodFailed.Load() == 0; i++ {
			w.SwapPolicies(generation(i))
		}
		if n := l.goodFailed.Load(); n > 0 {
			t.Errorf("%d pods of %d saw half a set: %v", n, n+l.good.Load(), l.failure())
		}
		for _, r := range w.Replicas {
			metrics, err := r.Metrics()
			if err != nil || gauge(t, metrics, "podfence_policies") != 2+between {
				t.Errorf("%v policies are in force, want %d (%v)", gauge(t, metrics, "podfence_policies"), 2+between, err)
			}
		}
	})
	list, err := c.Client.CoreV1().Pods("load").List(context.Background(), metav1.ListOptions{})
	if err != nil || len(list.Items) > 0 || l.badStored.Load() > 0 || l.badRefused.Load() == 0 {
		t.Errorf("%d pods are stored, %d bad ones were created and %d refused: %v", len(list.Items), l.badStored.Load(), l.badRefused.Load(), err)
	}
}

// between is how many policies stand between those that matter, so that
// reading a state takes a while.
const between = 100

// generation is a state of policies of which exactly one grants what the pods of
// the test need: a pod is refused by half of one state and half of the next.
func generation(i int) map[string]string {
	files := map[string]string{}
	for n := range between {
		name := fmt.Sprintf("m-%02d", n)
		files[name+".yaml"] = "name: " + name + "\npodSelectorLabels: {app: none}\n"
	}
	for n, name := range []string{"a", "z"} {
		text := "name: " + name + "\npodSelectorLabels: {app: either}\nallow: {allowedCapabilities: [%s]}\n"
		capability := "SYS_TIME"
		if i%2 == n {
			capability = "NET_RAW"
		}
		files[name+".yaml"] = fmt.Sprintf(text, capability)
	}
	return files
}

// TestLoadIsMeasuredAndLeaksNothing compares the latency of creates, dry, where
// nothing judges them, where Pod Security Admission does, and where podfence fills
// and judges them. The comparison is printed; no time is asserted. Then it watches
// the webhook's memory under load for a while: 20 seconds, or as long as
// PODFENCE_SOAK says.
func TestLoadIsMeasuredAndLeaksNothing(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{})
	for name, labels := range map[string]map[string]string{
		"neither": nil, "upstream": {upstreamEnforces: restricted}, "podfence": {podfenceEnforces: restricted},
	} {
		namespace(t, c, name, labels)
	}
	filled := func(namespace string) *corev1.Pod { return pod(namespace, "p", complete) }
	bare := func(namespace string) *corev1.Pod { return pod(namespace, "p", nil) }
	latencies(t, c, "neither", bare, loaded) // warms up
	neither, upstream, podfence, nothing := map[int][]float64{}, map[int][]float64{}, map[int][]float64{}, map[int][]float64{}
	for _, workers := range []int{alone, loaded} {
		neither[workers] = latencies(t, c, "neither", bare, workers)
		upstream[workers] = latencies(t, c, "upstream", filled, workers)
	}
	w := c.StartWebhook(2, nil, "--warn-on-mutation=false")
	w.Register(nil)
	waitForWebhook(t, c)
	latencies(t, c, "podfence", bare, loaded) // warms up
	for _, workers := range []int{alone, loaded} {
		podfence[workers] = latencies(t, c, "podfence", bare, workers)
		nothing[workers] = latencies(t, c, "neither", bare, workers)
	}
	t.Logf("| clients | quantile | neither | PodSecurity plugin | podfence, filling in | podfence asked, nothing to do |")
	t.Logf("|---:|---:|---:|---:|---:|---:|")
	for _, workers := range []int{alone, loaded} {
		for _, q := range []float64{0.5, 0.9, 0.99} {
			base := quantile(neither[workers], q)
			t.Logf("| %d | %v | 1 | %.2f | %.2f | %.2f |", workers, q, quantile(upstream[workers], q)/base, quantile(podfence[workers], q)/base, quantile(nothing[workers], q)/base)
		}
	}
	t.Logf("the median without either is %.2f ms for one client; the webhook's two decisions take %.3f of what podfence adds to that",
		quantile(neither[alone], 0.5), decisions(t, w)/(quantile(podfence[alone], 0.5)-quantile(neither[alone], 0.5)))
	soak(t, c, w, bare)
}

// How many clients create pods: one, which finds the server idle, or as many as
// keep it busy.
const alone, loaded = 1, 4

// latencies are those of 1,000 creates, in milliseconds, sorted.
func latencies(t *testing.T, c *cluster.Cluster, namespace string, make func(string) *corev1.Pod, workers int) []float64 {
	t.Helper()
	each := 1000 / workers
	var mu sync.Mutex
	var all []float64
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range each {
				p := make(namespace)
				start := time.Now()
				if _, err := c.Client.CoreV1().Pods(namespace).Create(context.Background(), p, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
					t.Error(err)
					return
				}
				took := time.Since(start)
				mu.Lock()
				all = append(all, float64(took.Microseconds())/1000)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	slices.Sort(all)
	return all
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}

// decisions is what the two decisions on a create take in the mean, in milliseconds.
func decisions(t *testing.T, w *cluster.Webhook) (sum float64) {
	t.Helper()
	for _, side := range []string{"mutate", "validate"} {
		var seconds, count float64
		for _, r := range w.Replicas {
			metrics, err := r.Metrics()
			if err != nil {
				t.Fatal(err)
			}
			seconds += gauge(t, metrics, `podfence_decision_duration_seconds_sum{side="`+side+`"}`)
			count += gauge(t, metrics, `podfence_decision_duration_seconds_count{side="`+side+`"}`)
		}
		sum += 1000 * seconds / count
	}
	return sum
}

func complete(p *corev1.Pod) {
	yes, no, one := true, false, int64(1)
	p.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: &one, SupplementalGroups: []int64{1}}
	p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no, Privileged: &no, RunAsNonRoot: &yes, RunAsGroup: &one,
		Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// soak holds that memory and goroutines do not grow with the number of requests.
// The first quarter of the time is for pools and connections to fill.
func soak(t *testing.T, c *cluster.Cluster, w *cluster.Webhook, make func(string) *corev1.Pod) {
	t.Helper()
	length := 20 * time.Second
	if given := os.Getenv("PODFENCE_SOAK"); given != "" {
		var err error
		if length, err = time.ParseDuration(given); err != nil {
			t.Fatal(err)
		}
	}
	l := startLoad(c, "podfence", loaded, func() *corev1.Pod { return make("podfence") })
	defer l.end()
	time.Sleep(length / 4)
	early := usage(t, w)
	from := l.good.Load()
	time.Sleep(length - length/4)
	late := usage(t, w)
	for i := range early {
		if late[i].goroutines > early[i].goroutines+100 || late[i].memory > 2*early[i].memory+64<<20 {
			t.Errorf("replica %d grew from %v to %v", i, early[i], late[i])
		}
	}
	t.Logf("soak of %v: %d good requests in its last three quarters; replicas early %v, late %v", length, l.good.Load()-from, early, late)
	if l.good.Load() == from || l.goodFailed.Load() > 0 {
		t.Errorf("%d good requests, %d failed: %v", l.good.Load()-from, l.goodFailed.Load(), l.failure())
	}
}

type use struct{ goroutines, memory float64 }

func (u use) String() string {
	return fmt.Sprintf("%.0f goroutines, %.0f MiB resident", u.goroutines, u.memory/(1<<20))
}

func usage(t *testing.T, w *cluster.Webhook) []use {
	t.Helper()
	var all []use
	for _, r := range w.Replicas {
		metrics, err := r.Metrics()
		if err != nil || !strings.Contains(metrics, "go_goroutines") {
			t.Fatalf("no metrics: %v", err)
		}
		all = append(all, use{gauge(t, metrics, "go_goroutines"), gauge(t, metrics, "process_resident_memory_bytes")})
	}
	return all
}
