package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	goruntime "runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// server is an API server that has pods of some size.
type server struct {
	pods, size int
	// failAfter is how many pods are listed before it answers no more; 0: all.
	failAfter int
	// hold, if there is one, ends the waiting of an answer.
	hold chan struct{}

	mu sync.Mutex
	// asked are the limits of the requests, served the numbers of pods of the pages.
	asked, served []int

	running, most atomic.Int64
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.most.Store(max(s.most.Load(), s.running.Add(1)))
	defer s.running.Add(-1)
	if s.hold != nil {
		<-s.hold
	}
	query := r.URL.Query()
	limit, _ := strconv.Atoi(query.Get("limit"))
	from, _ := strconv.Atoi(query.Get("continue"))
	if s.failAfter > 0 && from >= s.failAfter {
		http.Error(w, "no more", http.StatusInternalServerError)
		return
	}
	if limit == 0 {
		limit = s.pods
	}
	to := min(from+limit, s.pods)
	s.mu.Lock()
	s.asked, s.served = append(s.asked, limit), append(s.served, to-from)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	s.write(w, strings.Split(r.URL.Path, "/")[4], from, to)
}

// write writes a page pod by pod: what the server holds is not to be measured.
func (s *server) write(w io.Writer, namespace string, from, to int) {
	var meta metav1.ListMeta
	if to < s.pods {
		left := int64(s.pods - to)
		meta.Continue, meta.RemainingItemCount = strconv.Itoa(to), &left
	}
	encoder := json.NewEncoder(w)
	_, _ = io.WriteString(w, `{"kind":"PodList","apiVersion":"v1","metadata":`)
	_ = encoder.Encode(meta)
	_, _ = io.WriteString(w, `,"items":[`)
	for i := from; i < to; i++ {
		if i > from {
			_, _ = io.WriteString(w, ",")
		}
		pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "p" + strconv.Itoa(i), Annotations: map[string]string{"a": strings.Repeat("x", s.size)}}}
		if encoder.Encode(&pod) != nil {
			return // the client has hung up
		}
	}
	_, _ = io.WriteString(w, `]}`)
}

// newPods is a reader of a server's pods, as the webhook has it.
func newPods(t *testing.T, s *server) *Pods {
	t.Helper()
	http := httptest.NewServer(s)
	t.Cleanup(http.Close)
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Pod"), meta.RESTScopeNamespace)
	config := &rest.Config{Host: http.URL}
	config.Wrap(BoundResponses)
	reader, err := client.New(config, client.Options{Scheme: scheme, Mapper: mapper})
	if err != nil {
		t.Fatal(err)
	}
	return NewPods(reader, prometheus.NewRegistry())
}

// TestPods: in how many pages pods are read, and what is made of a listing that
// does not end.
func TestPods(t *testing.T) {
	for _, row := range []struct {
		name, why  string
		server     *server
		read, left int
		result     string
		failed     bool
		fewest     int // pages that are shown, at least
		most       int // requests, at most
	}{
		{"none", "there is one page, and it is empty", &server{}, 0, 0, "whole", false, 1, 1},
		{"a page", "most namespaces have no more", &server{pods: firstPage, size: 1000}, firstPage, 0, "whole", false, 1, 1},
		{"small pods", "pages grow: a thousand requests would take too long", &server{pods: 2000, size: 1000}, 2000, 0, "whole", false, 4, 12},
		{"large pods", "a page holds no more than its bytes", &server{pods: 40, size: 1_300_000}, 40, 0, "whole", false, 14, 60},
		{"as many as are judged", "the limit is included", &server{pods: maxPods, size: 10}, maxPods, 0, "whole", false, 4, 15},
		{"more than are judged", "what is left is told", &server{pods: maxPods + 500, size: 10}, maxPods, 500, "part", false, 4, 15},
		{"a server that stops", "what was read is not lost", &server{pods: 100, size: 10, failAfter: firstPage}, firstPage, 100 - firstPage, "part", true, 1, 2},
		{"a pod larger than a page", "it cannot be read, and that is said", &server{pods: 3, size: pageBytes}, 0, 0, "failed", true, 0, 5},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := row.server
			p := newPods(t, s)
			read := 0
			left, err := p.ReadPods(t.Context(), "shop", func(pod *corev1.Pod) {
				if pod.Name != "p"+strconv.Itoa(read) || pod.Namespace != "shop" {
					t.Fatalf("%s/%s stands in the place of pod %d", pod.Namespace, pod.Name, read)
				}
				read++
			})
			if read != row.read || left != int64(row.left) || (err != nil) != row.failed {
				t.Errorf("%s: %d pods were read and %d are left (%v), want %d and %d", row.why, read, left, err, row.read, row.left)
			}
			pages := 0
			for _, n := range s.served {
				if n*row.server.size <= pageBytes {
					pages++
				}
			}
			if pages < row.fewest || len(s.asked) > row.most {
				t.Errorf("%s: %d requests of %v pods, %d of which fit; want %d at least, and %d requests at most", row.why, len(s.asked), s.asked, pages, row.fewest, row.most)
			}
			if n := testutil.ToFloat64(p.listings.WithLabelValues(row.result)); n != 1 {
				t.Errorf("%s: %v listings are counted as %s", row.why, n, row.result)
			}
		})
	}
}

// TestAPageIsHeldAtOnce: of pods that have 39 MB together, no more is held at any
// time than a page and what decoding it takes.
func TestAPageIsHeldAtOnce(t *testing.T) {
	s := &server{pods: 30, size: 1_300_000}
	p := newPods(t, s)
	held := func() uint64 {
		var m goruntime.MemStats
		goruntime.GC()
		goruntime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, read := held(), uint64(0), 0
	if _, err := p.ReadPods(t.Context(), "shop", func(*corev1.Pod) { read++; most = max(most, held()) }); err != nil || read != s.pods {
		t.Fatalf("%d pods, %v", read, err)
	}
	// A page as text and decoded, and the pod that the server of the test writes.
	if took := most - min(most, before); took > 5*pageBytes {
		t.Errorf("%d MB were held, want %d at most", took>>20, 5*pageBytes>>20)
	}
}

// TestOneNamespaceAtATime: the second waits for its turn, and leaves when its time
// is over.
func TestOneNamespaceAtATime(t *testing.T) {
	s := &server{pods: 3, size: 10, hold: make(chan struct{})}
	p := newPods(t, s)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := p.ReadPods(t.Context(), "shop", func(*corev1.Pod) {}); err != nil {
				t.Error(err)
			}
		})
	}
	for s.running.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.ReadPods(over, "shop", func(*corev1.Pod) { t.Error("a pod was read") }); err == nil {
		t.Error("there was no turn, and no error")
	}
	close(s.hold)
	group.Wait()
	if n := s.most.Load(); n != 1 {
		t.Errorf("%d requests at once", n)
	}
	if one, four := testutil.ToFloat64(p.listings.WithLabelValues(busy)), testutil.ToFloat64(p.listings.WithLabelValues(whole)); one != 1 || four != 4 {
		t.Errorf("%v were busy and %v whole, want 1 and 4", one, four)
	}
}

// TestOtherResponsesAreNotBounded: what nobody bounds passes as it is.
func TestOtherResponsesAreNotBounded(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, pageBytes+1)) }))
	defer s.Close()
	client := http.Client{Transport: BoundResponses(http.DefaultTransport)}
	for _, row := range []struct {
		why     string
		context context.Context
		cut     bool
	}{
		{"a request of anybody else", t.Context(), false},
		{"a page", context.WithValue(t.Context(), boundKey{}, &bound{left: pageBytes}), true},
		{"a page that has room", context.WithValue(t.Context(), boundKey{}, &bound{left: pageBytes + 1}), false},
	} {
		request, err := http.NewRequestWithContext(row.context, http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for buffer := make([]byte, 1<<16); err == nil; {
			var some int
			some, err = response.Body.Read(buffer)
			n += some
		}
		_ = response.Body.Close()
		if cut := n <= pageBytes; cut != row.cut {
			t.Errorf("%s: %d bytes came (%v)", row.why, n, errors.Unwrap(err))
		}
	}
}
