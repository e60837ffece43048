// Package limits bounds what requests may cost the webhook: how long a body may
// take, how large it and all bodies together may be, and how many requests are
// decided at once. What is refused here is refused before it is decided, with
// the HTTP status that says why. To the API server each is a failure of the
// webhook, and with failurePolicy Fail a refusal of the request.
package limits

import (
	"bytes"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/podfence/podfence/review"
)

// Limits bound the requests to all webhooks of the process together.
type Limits struct {
	// MaxBody is the size of the largest body, in bytes; at most LargestBody.
	MaxBody int64
	// MaxBodies bounds the sum of the bodies that are read or decided, in bytes.
	MaxBodies int64
	// MaxMemory bounds the sum of what the requests that are decided at once may
	// need, in bytes, by what was read of them: see [Need]. Of a request that alone
	// would need more, no more is read.
	MaxMemory int64
	// MaxRequests is how many requests are decided at once; the others wait.
	MaxRequests int64
	// ReadTimeout bounds the reading of a body, WriteTimeout the waiting, the
	// decision and the writing of its answer.
	ReadTimeout, WriteTimeout time.Duration
}

// LargestBody is the size of the largest body that an API server sends, in bytes.
const LargestBody = review.DefaultMaxBody

// Validate reports limits under which nothing could be answered.
func (l Limits) Validate() error {
	switch {
	case l.MaxBody <= 0 || l.MaxBody > LargestBody:
		return fmt.Errorf("the largest body must have some bytes, and no more than %d", LargestBody)
	case l.MaxBodies < l.MaxBody:
		return fmt.Errorf("all bodies together (%d bytes) must have room for the largest (%d bytes)", l.MaxBodies, l.MaxBody)
	case l.MaxMemory < Need(leastRead, 0):
		return fmt.Errorf("there must be memory for a request, of %d bytes at least", Need(leastRead, 0))
	case l.MaxRequests <= 0:
		return errors.New("at least one request must be decided at once")
	case l.ReadTimeout <= 0 || l.WriteTimeout <= 0:
		return errors.New("reading and writing need some time")
	default:
		return nil
	}
}

// What a decision may hold in memory at once, beside its body: the pod as it was
// read, the pod that is filled in, what is found wrong at each level, and the text of
// that on its way to the client. A container that says nothing takes 400 bytes to read
// and breaks a handful of checks; a name is quoted by each complaint about its
// container, in sentences that are joined, copied and encoded.
// TestNoDecisionHoldsMoreThanItSays, in package admission, tries many such.
const (
	perByte    = 16
	perText    = 256
	perRequest = 256 << 10
)

// Need is the memory, in bytes, that a decision may need about a request of which so
// much was read: see Size and Texts of review.Request.
func Need(size, texts int64) int64 { return perRequest + perByte*size + perText*texts }

// MaxRead is how much may be read of one request.
func (l Limits) MaxRead() int64 { return max(0, (l.MaxMemory-perRequest)/perByte) }

// leastRead is how much must be read of a request of some size, in bytes.
const leastRead = 64 << 10

// readers is how many requests are read at once. What was read of them is not yet
// counted, and reading waits for nothing, so that more would not be faster.
const readers = 4

// Handler puts the limits before webhooks. A request that was begun is answered
// also after stopping has ended: the server ends the contexts of its requests
// when it is asked to stop, before it waits for them.
func (l Limits) Handler(stopping context.Context) func(http.Handler) http.Handler {
	g := &gate{
		Limits: l, stopping: stopping, bodies: bodies{room: semaphore.NewWeighted(l.MaxBodies)},
		memory: semaphore.NewWeighted(l.MaxMemory), requests: semaphore.NewWeighted(l.MaxRequests), readers: semaphore.NewWeighted(readers),
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refused := g.serve(w, r, next); refused != nil {
				refused.WriteTo(w)
			}
		})
	}
}

// gate is what is left of the limits.
type gate struct {
	Limits
	stopping                  context.Context
	bodies                    bodies
	memory, requests, readers *semaphore.Weighted
}

// serve hands a request on, or says why not.
func (g *gate) serve(w http.ResponseWriter, r *http.Request, next http.Handler) *Refusal {
	control := http.NewResponseController(w)
	if err := g.deadlines(control); err != nil {
		return &Refusal{http.StatusInternalServerError, err.Error()}
	}
	if refused := g.header(r); refused != nil {
		return refused
	}
	body := &body{control: control, gone: make(chan struct{}), ousted: make(chan struct{})}
	defer g.bodies.leave(body)
	if refused := g.bodies.read(body, r); refused != nil {
		return refused
	}
	ctx, cancel := g.untilAnswered(r)
	defer cancel()
	turn := &Turn{gate: g, ctx: ctx, body: body.data}
	if !turn.begin() {
		return tooMany("decided")
	}
	defer turn.end()
	next.ServeHTTP(w, body.request(context.WithValue(ctx, turnKey{}, turn), r))
	return nil
}

// Turn is that of a request whose body is there, and which may be read and decided.
type Turn struct {
	gate *gate
	ctx  context.Context
	body []byte
	// reads: it is one of the readers. held is its share of the memory.
	reads bool
	held  int64
}

// turnKey is that of a turn in the context of its request.
type turnKey struct{}

// TurnOf is the turn of a request that came through a [Limits.Handler].
func TurnOf(r *http.Request) *Turn { return r.Context().Value(turnKey{}).(*Turn) }

// Body is the body of the request.
func (t *Turn) Body() []byte { return t.body }

// Decide is to be called once, when the request was read and before anything is
// decided. It waits until there is the memory that is needed. Its error is a
// [Refusal].
func (t *Turn) Decide(need int64) error {
	if need > t.gate.MaxMemory {
		return &Refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the decision may need %d bytes of memory, more than %d: names are too long", need, t.gate.MaxMemory)}
	}
	if t.gate.memory.Acquire(t.ctx, need) != nil {
		return tooMany("decided")
	}
	t.held = need
	t.readNoMore()
	return nil
}

func (t *Turn) begin() bool {
	if t.gate.requests.Acquire(t.ctx, 1) != nil {
		return false
	}
	if t.gate.readers.Acquire(t.ctx, 1) != nil {
		t.gate.requests.Release(1)
		return false
	}
	t.reads = true
	return true
}

func (t *Turn) readNoMore() {
	if t.reads {
		t.gate.readers.Release(1)
		t.reads = false
	}
}

func (t *Turn) end() {
	t.readNoMore()
	t.gate.memory.Release(t.held)
	t.gate.requests.Release(1)
}

// untilAnswered is a context that ends with its client or with the time for an
// answer, and not with the server.
func (g *gate) untilAnswered(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), g.WriteTimeout)
	forget := context.AfterFunc(r.Context(), func() {
		if g.stopping.Err() == nil {
			cancel()
		}
	})
	return ctx, func() { forget(); cancel() }
}

// header refuses what the header alone says is wrong.
func (l Limits) header(r *http.Request) *Refusal {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return &Refusal{http.StatusMethodNotAllowed, "POST an AdmissionReview"}
	case err != nil || mediaType != jsonType:
		return &Refusal{http.StatusUnsupportedMediaType, "the content type must be " + jsonType}
	case r.ContentLength < 0:
		return &Refusal{http.StatusLengthRequired, "the length of the body must be given"}
	case r.ContentLength == 0:
		return &Refusal{http.StatusBadRequest, "the body is empty"}
	case r.ContentLength > l.MaxBody:
		return &Refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has %d bytes, more than %d", r.ContentLength, l.MaxBody)}
	default:
		return nil
	}
}

const jsonType = "application/json"

// deadlines bounds the connection by the times of this request, also for a body
// that is not wanted: the server discards it before it answers. A writer that has
// no deadlines, as in tests, goes without.
func (l Limits) deadlines(control *http.ResponseController) error {
	now := time.Now()
	for _, err := range []error{
		control.SetReadDeadline(now.Add(l.ReadTimeout)),
		control.SetWriteDeadline(now.Add(l.ReadTimeout + l.WriteTimeout)),
	} {
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	return nil
}

// firstStep is the room, in bytes, that a body is given before its first byte is
// there. The next step doubles it, when it is full: what counts is what has come,
// and not a length that is announced.
const firstStep = 512

// body is the body of a request, with the room that it takes of all bodies'.
type body struct {
	control *http.ResponseController
	data    []byte
	held    int64
	// at is its place among the bodies that are being read.
	at *list.Element
	// gone is closed when it is read no more, ousted when it must give its room up.
	gone, ousted chan struct{}
}

// bodies are those that are read or decided. When there is no room for one, those
// that were begun before it and are not there yet give up theirs, the oldest first:
// an API server sends a body in milliseconds, and whoever sends a part of one and
// waits must take no room from those who do not.
type bodies struct {
	room *semaphore.Weighted

	mu      sync.Mutex
	reading list.List // the oldest first
}

// read reads a body within its time. Once it is whole, the server only watches
// whether the client stays, for as long as the decision takes; a body that was
// given up keeps its deadline, or the server would wait for the rest of it.
func (all *bodies) read(b *body, r *http.Request) *Refusal {
	all.begin(b)
	refused := all.readAll(b, r)
	if !all.end(b) {
		return tooMany("read")
	}
	if refused != nil {
		return refused
	}
	if err := b.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return &Refusal{http.StatusInternalServerError, err.Error()}
	}
	return nil
}

func (all *bodies) readAll(b *body, r *http.Request) *Refusal {
	for size := int64(firstStep); int64(len(b.data)) < r.ContentLength; size *= 2 {
		if !all.grow(r.Context(), b, min(size, r.ContentLength)) {
			return tooMany("read")
		}
		n, err := io.ReadFull(r.Body, b.data[len(b.data):cap(b.data)])
		if err != nil {
			return &Refusal{http.StatusBadRequest, "the body could not be read: " + err.Error()}
		}
		b.data = b.data[:len(b.data)+n]
	}
	return nil
}

func (all *bodies) begin(b *body) {
	all.mu.Lock()
	defer all.mu.Unlock()
	b.at = all.reading.PushBack(b)
}

// end ends the reading of a body, and reports whether it may be kept.
func (all *bodies) end(b *body) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.reading.Remove(b.at)
	select {
	case <-b.ousted:
		return false
	default:
		return true
	}
}

// grow takes room for a body of that size. It waits for none but older bodies, which
// give theirs up and wait for none but older ones themselves.
func (all *bodies) grow(ctx context.Context, b *body, size int64) bool {
	for !all.room.TryAcquire(size - b.held) {
		older := all.oust(b)
		if older == nil {
			return false
		}
		select {
		case <-older.gone:
		case <-b.ousted:
			return false
		case <-ctx.Done():
			return false
		}
	}
	b.held = size
	b.data = append(make([]byte, 0, size), b.data...)
	return true
}

// oust asks the oldest body for its room and returns it; nil if that is b, or cannot
// be interrupted. Its reading ends, for the time to read is over.
func (all *bodies) oust(b *body) *body {
	all.mu.Lock()
	defer all.mu.Unlock()
	oldest := all.reading.Front().Value.(*body)
	if oldest == b || oldest.control.SetReadDeadline(time.Unix(1, 0)) != nil {
		return nil
	}
	select {
	case <-oldest.ousted:
	default:
		close(oldest.ousted)
	}
	return oldest
}

// leave gives up the room of a body.
func (all *bodies) leave(b *body) {
	all.room.Release(b.held)
	close(b.gone)
}

// request is the request with the body that was read.
func (b *body) request(ctx context.Context, r *http.Request) *http.Request {
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(b.data))
	return r
}

// Refusal is an answer in place of a decision.
type Refusal struct {
	Status int
	Text   string
}

func (f *Refusal) Error() string { return f.Text }

func tooMany(what string) *Refusal {
	return &Refusal{http.StatusServiceUnavailable, "too many requests are being " + what}
}

// WriteTo answers a request with the refusal.
func (f *Refusal) WriteTo(w http.ResponseWriter) {
	if f.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, f.Text, f.Status)
}
