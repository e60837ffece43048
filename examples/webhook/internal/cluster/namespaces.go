package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// asksPerBound is how often the API server is asked in the time that it may be
	// silent, so that one lost answer is not the end of it.
	asksPerBound = 6
	// settling is how long the cache is not trusted after a silence: its watch may
	// have broken too, and client-go waits up to 30 s before it is begun anew.
	settling = time.Minute
	// patience is how long a namespace may take that the cache cannot tell of. The
	// API server waits 5 s for the webhook.
	patience = 2 * time.Second
)

// Contact knows when the API server last answered. A cache of namespaces tells the
// levels of yesterday for as long as its watch is cut off, and never says so.
type Contact struct {
	direct client.Reader
	bound  time.Duration
	log    logr.Logger

	mu sync.Mutex
	// last is when the last question that was answered was asked, resumed when one
	// was after a silence.
	last, resumed time.Time
}

// NewContact returns the contact with the API server behind a reader without a
// cache. After a silence longer than the bound, it is lost.
func NewContact(direct client.Reader, bound time.Duration, log logr.Logger, registry prometheus.Registerer) *Contact {
	c := &Contact{direct: direct, bound: bound, log: log}
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "podfence_api_server_last_answer_age_seconds",
		Help: "Age of what was last read from the API server; since the start, if nothing was.",
	}, c.age(time.Now())))
	return c
}

func (c *Contact) age(start time.Time) func() float64 {
	return func() float64 {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.last.IsZero() {
			return time.Since(start).Seconds()
		}
		return time.Since(c.last).Seconds()
	}
}

// NeedLeaderElection is false: every replica asks for itself.
func (c *Contact) NeedLeaderElection() bool { return false }

// Start asks the API server at intervals until the context ends.
func (c *Contact) Start(ctx context.Context) error {
	again := time.NewTicker(c.bound / asksPerBound)
	defer again.Stop()
	for {
		c.ask(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
	}
}

// ask asks for a namespace that every cluster has. Only an answer from the stored
// state counts: a server that has lost its own knows no more than the cache.
func (c *Contact) ask(ctx context.Context) {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.bound/2)
	defer cancel()
	if err := c.direct.Get(ctx, client.ObjectKey{Name: metav1.NamespaceSystem}, &corev1.Namespace{}); err != nil {
		if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			c.log.Error(err, "the API server does not answer", "silence", c.silence())
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.last.IsZero() && asked.Sub(c.last) > c.bound {
		c.resumed = asked
	}
	c.last = asked
}

// silence is for how long there was no answer, rounded for a reader.
func (c *Contact) silence() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.IsZero() {
		return "since the start"
	}
	return time.Since(c.last).Round(time.Second).String()
}

// Ready is an error while contact is lost; it is a health check.
func (c *Contact) Ready(*http.Request) error {
	if c.lost() {
		return fmt.Errorf("the API server has not answered for longer than %v: %s", c.bound, c.silence())
	}
	return nil
}

func (c *Contact) lost() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last.IsZero() || time.Since(c.last) > c.bound
}

// trusted reports whether the cache may be believed.
func (c *Contact) trusted() bool {
	if c.lost() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resumed.IsZero() || time.Since(c.resumed) > settling
}

// Namespaces reads namespaces from the cache, and from the API server where the
// cache is not to be believed or does not have one: a pod may follow its namespace
// at once. What cannot be known is an error, and no old level.
type Namespaces struct {
	cached  client.Reader
	contact *Contact
}

// NewNamespaces returns a reader of namespaces.
func NewNamespaces(cached client.Reader, contact *Contact) *Namespaces {
	return &Namespaces{cached, contact}
}

// GetNamespace is the namespace, which belongs to the cache and must stay as it is.
func (n *Namespaces) GetNamespace(ctx context.Context, name string) (*corev1.Namespace, error) {
	namespace := &corev1.Namespace{}
	if n.contact.trusted() {
		if err := n.cached.Get(ctx, client.ObjectKey{Name: name}, namespace); !apierrors.IsNotFound(err) {
			return namespace, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := n.contact.direct.Get(ctx, client.ObjectKey{Name: name}, namespace)
	return namespace, err
}
