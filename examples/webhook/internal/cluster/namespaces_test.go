package cluster

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// levels are namespaces with a label each, or a reader that is cut off.
type levels struct {
	client.Reader
	of  map[string]string
	cut atomic.Bool
}

func (l *levels) Get(ctx context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	if l.cut.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	level, ok := l.of[key.Name]
	if !ok {
		return apierrors.NewNotFound(corev1.Resource("namespaces"), key.Name)
	}
	*object.(*corev1.Namespace) = corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: key.Name, Labels: map[string]string{"level": level}}}
	return nil
}

// TestContact: what a replica knows, and says of itself, while it is cut off from
// the API server and afterwards. The cache says "old" all the time.
func TestContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 30 * time.Second
		cached := &levels{of: map[string]string{"shop": "old"}}
		direct := &levels{of: map[string]string{metav1.NamespaceSystem: "", "shop": "new", "fresh": "new"}}
		registry := prometheus.NewRegistry()
		contact := NewContact(direct, bound, logr.Discard(), registry)
		namespaces := NewNamespaces(cached, contact)
		check := func(when string, ready bool, level string, oldest time.Duration) {
			t.Helper()
			if err := contact.Ready(nil); (err == nil) != ready {
				t.Errorf("%s: ready is %v, want %v", when, err, ready)
			}
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			if age := families[0].GetMetric()[0].GetGauge().GetValue(); age > oldest.Seconds() || oldest > bound && age <= bound.Seconds() {
				t.Errorf("%s: the last answer is %v s old, want at most %v", when, age, oldest)
			}
			namespace, err := namespaces.GetNamespace(t.Context(), "shop")
			if got := namespace.Labels["level"]; err == nil && got != level || err != nil && level != "" {
				t.Errorf("%s: the level is %q (%v), want %q", when, got, err, level)
			}
		}
		check("before anything was asked", false, "new", 0)
		go func() { _ = contact.Start(t.Context()) }()
		synctest.Wait()
		check("at the start", true, "old", 0)
		if namespace, err := namespaces.GetNamespace(t.Context(), "fresh"); err != nil || namespace.Labels["level"] != "new" {
			t.Errorf("a namespace that the cache does not have yet: %v", err)
		}
		time.Sleep(time.Hour)
		check("after an hour", true, "old", bound/asksPerBound)
		direct.cut.Store(true)
		time.Sleep(bound / 2)
		check("cut off for less than the bound", true, "old", bound)
		time.Sleep(bound)
		check("cut off for longer", false, "", 2*bound)
		time.Sleep(time.Hour)
		check("cut off for an hour", false, "", 2*time.Hour)
		direct.cut.Store(false)
		time.Sleep(bound)
		check("soon after", true, "new", bound/asksPerBound)
		time.Sleep(settling)
		check("when the watch must be there again", true, "old", bound/asksPerBound)
	})
}

// TestAnErrorIsNoAnswer: a server that cannot read what is stored knows no more than
// the cache.
func TestAnErrorIsNoAnswer(t *testing.T) {
	contact := NewContact(&levels{}, time.Minute, logr.Discard(), prometheus.NewRegistry())
	contact.ask(t.Context())
	if err := contact.Ready(nil); err == nil {
		t.Error("ready")
	}
	if _, err := NewNamespaces(&levels{of: map[string]string{"shop": "old"}}, contact).GetNamespace(t.Context(), "shop"); !apierrors.IsNotFound(err) || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
