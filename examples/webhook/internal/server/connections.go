package server

import (
	"container/list"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// connections bounds how many are open. When one comes that is too many, the one
// goes that has had the most time to bring a whole request and has not: an API
// server needs milliseconds for that, and whoever holds connections open needs them
// for long. A request that is whole is never cut off.
type connections struct {
	most int

	mu sync.Mutex
	// of are the connections that are open.
	of map[net.Conn]*connection
	// waiting are those without a whole request, by when the last one was answered,
	// or by when they were accepted; the longest first.
	waiting *list.List

	// draining: each answer is the last of its connection.
	draining atomic.Bool
	// closed is told of connections that went.
	closed chan struct{}

	open   prometheus.GaugeFunc
	ousted prometheus.Counter
}

// connection is one that is open. at is its place among those that wait, nil while a
// request is decided.
type connection struct {
	net.Conn
	at *list.Element
}

func newConnections(most int) *connections {
	c := &connections{most: most, of: map[net.Conn]*connection{}, waiting: list.New(), closed: make(chan struct{}, 1)}
	c.open = prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "podfence_connections", Help: "Number of connections to the webhooks that are open."}, func() float64 {
		c.mu.Lock()
		defer c.mu.Unlock()
		return float64(len(c.of))
	})
	c.ousted = prometheus.NewCounter(prometheus.CounterOpts{Name: "podfence_connections_ousted_total", Help: "Number of connections that were closed because too many were open."})
	return c
}

// changed follows a connection; see [http.Server.ConnState].
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		one := &connection{Conn: conn}
		one.at = c.waiting.PushBack(one)
		c.of[conn] = one
		if len(c.of) > c.most {
			c.oust()
		}
	case http.StateIdle:
		if one := c.of[conn]; one != nil {
			c.leave(one)
			one.at = c.waiting.PushBack(one)
		}
	case http.StateClosed, http.StateHijacked:
		if one := c.of[conn]; one != nil {
			c.forget(one)
		}
	}
}

// oust closes the connection that has waited the longest. That which has just come
// waits too, so that there is always one.
func (c *connections) oust() {
	one := c.waiting.Front().Value.(*connection)
	c.forget(one)
	c.ousted.Inc()
	conn := one.Conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn() // without a farewell, for which a full connection would wait
	}
	_ = conn.Close()
}

func (c *connections) forget(one *connection) {
	c.leave(one)
	delete(c.of, one.Conn)
	select {
	case c.closed <- struct{}{}:
	default: // it has been told already
	}
}

// drain waits until no connection is open, for some time at most: each may bring one
// more request, whose answer closes it. A connection that is closed while nobody
// uses it may be met by a request that is on its way, and HTTP/1.1 has no word for
// that: the API server would refuse what it asked about.
func (c *connections) drain(most time.Duration) {
	c.draining.Store(true)
	over := time.NewTimer(most)
	defer over.Stop()
	for {
		c.mu.Lock()
		none := len(c.of) == 0
		c.mu.Unlock()
		if none {
			return
		}
		select {
		case <-c.closed:
		case <-over.C:
			return
		}
	}
}

// leave takes a connection out of those that wait.
func (c *connections) leave(one *connection) {
	if one.at != nil {
		c.waiting.Remove(one.at)
		one.at = nil
	}
}

// connKey is that of a connection in the context of its requests.
type connKey struct{}

func (c *connections) context(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// handler notices when requests are whole, and closes connections that are drained.
func (c *connections) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok && r.ContentLength > 0 {
			r.Body = &arriving{r.Body, r.ContentLength, func() { c.arrived(conn) }}
		}
		next.ServeHTTP(w, r)
	})
}

func (c *connections) arrived(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.of[conn]; one != nil {
		c.leave(one)
	}
}

// arriving is a body of known length, and what is done when it is there.
type arriving struct {
	io.ReadCloser
	left  int64
	whole func()
}

func (a *arriving) Read(into []byte) (int, error) {
	n, err := a.ReadCloser.Read(into)
	if a.left -= int64(n); a.left == 0 && n > 0 {
		a.whole()
	}
	return n, err
}
