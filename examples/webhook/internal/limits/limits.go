// Package limits bounds what requests may cost the webhook: how long a body may
// take, how large it and all bodies together may be, and how many requests are
// decided at once. What is refused here is refused before it is decoded, with
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
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Limits bound the requests to all webhooks of the process together.
type Limits struct {
	// MaxBody is the size of the largest body, in bytes; at most LargestBody.
	MaxBody int64
	// MaxBodies bounds the sum of the bodies that are read or decided, in bytes.
	MaxBodies int64
	// MaxMemory bounds the sum of what the requests that are decided at once may
	// need, in bytes, by an estimate that is too high for all but hostile bodies.
	// What alone would need more is refused.
	MaxMemory int64
	// MaxRequests is how many requests are decided at once; the others wait.
	MaxRequests int64
	// ReadTimeout bounds the reading of a body, WriteTimeout the waiting, the
	// decision and the writing of its answer.
	ReadTimeout, WriteTimeout time.Duration
}

// LargestBody is how much of a body controller-runtime reads, in bytes.
const LargestBody = 7<<20 - 1

// Validate reports limits under which nothing could be answered.
func (l Limits) Validate() error {
	switch {
	case l.MaxBody <= 0 || l.MaxBody > LargestBody:
		return fmt.Errorf("the largest body must have some bytes, and no more than %d", LargestBody)
	case l.MaxBodies < l.MaxBody:
		return fmt.Errorf("all bodies together (%d bytes) must have room for the largest (%d bytes)", l.MaxBodies, l.MaxBody)
	case l.MaxMemory < Estimate([]byte("{}")):
		return errors.New("there must be memory for a request")
	case l.MaxRequests <= 0:
		return errors.New("at least one request must be decided at once")
	case l.ReadTimeout <= 0 || l.WriteTimeout <= 0:
		return errors.New("reading and writing need some time")
	default:
		return nil
	}
}

// What a decision needs in memory. An element of a list of JSON may stand in the
// place of a container, be it {}, null or a number that will be refused later,
// and becomes a struct of a kilobyte, in a slice that is copied as it grows, with
// what is filled in, reported, patched and found wrong beside it: for thousands
// of them, 3 to 11 KiB each are allocated in all, not at once. An object in an
// object may be as large. Another member may be a label or a quantity of
// resources, in a map: some 250 bytes. A name is quoted by each complaint about its
// container, at each level that is asked about, in sentences that are joined and
// then encoded with escapes of six bytes: 100 bytes for one of the name are held at
// once, and 180 where it is to be escaped. A byte that is not UTF-8 becomes three.
const (
	perByte   = 16
	perObject = 8 << 10
	perMember = 256
	perQuoted = 256
)

// content are the members of objects that no complaint quotes, with all that is in
// them. They are the larger part of large pods.
var content = [...]string{"args", "command", "env", "fieldsV1", "value"}

// Estimate is the memory, in bytes, that the decision about a body of JSON may
// need. It counts without decoding: a body of {},{},{} would otherwise take
// thousands of times its length before anything could be said of it. A body that
// is no JSON is refused before it needs memory, so that any count will do for it.
func Estimate(body []byte) int64 {
	var objects, members, quoted int64
	var open []byte    // the brackets around the place
	var inContent int  // how many of them are around content; 0: none is
	var isContent bool // what the member holds whose value comes
	inList := func() bool { return len(open) > 0 && open[len(open)-1] == '[' }
	push := func(bracket byte) {
		if open = append(open, bracket); inContent == 0 && isContent {
			inContent = len(open)
		}
		isContent = false
	}
	for i := 0; i < len(body); i++ {
		switch b := body[i]; b {
		case '"':
			end := closing(body, i)
			text := body[i+1 : min(end, len(body))]
			i = end
			isKey := !inList() && follows(body, end, ':')
			if inContent == 0 && !isContent && !(isKey && isField(text)) {
				quoted += int64(len(text))
			}
			isContent = isKey && slices.Contains(content[:], string(text))
		case '{':
			if !inList() { // there the list counts it
				objects++
			}
			push(b)
		case '[':
			objects++ // its first element
			push(b)
		case ',':
			if inList() {
				objects++
			} else {
				members++
			}
			isContent = false
		case '}', ']':
			if open = open[:max(0, len(open)-1)]; len(open) < inContent {
				inContent = 0
			}
		}
	}
	return perByte*int64(len(body)) + perObject*objects + perMember*members + perQuoted*quoted
}

// follows reports whether a byte comes next behind a place, but for space.
func follows(body []byte, place int, want byte) bool {
	rest := bytes.TrimLeft(body[min(place+1, len(body)):], " \t\r\n")
	return len(rest) > 0 && rest[0] == want
}

// longestField is longer than the longest name of a field that a pod has.
const longestField = 64

// isField reports whether a key may be the name of a field, which nobody chooses.
func isField(key []byte) bool {
	return len(key) <= longestField && bytes.IndexFunc(key, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) < 0
}

// closing is where the string ends that begins at i.
func closing(body []byte, i int) int {
	for i++; i < len(body) && body[i] != '"'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return i
}

// Handler puts the limits before webhooks. A request that was begun is answered
// also after stopping has ended: the server ends the contexts of its requests
// when it is asked to stop, before it waits for them.
func (l Limits) Handler(stopping context.Context) func(http.Handler) http.Handler {
	g := &gate{
		Limits: l, stopping: stopping, bodies: bodies{room: semaphore.NewWeighted(l.MaxBodies)},
		memory: semaphore.NewWeighted(l.MaxMemory), requests: semaphore.NewWeighted(l.MaxRequests),
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refused := g.serve(w, r, next); refused != nil {
				refused.writeTo(w)
			}
		})
	}
}

// gate is what is left of the limits.
type gate struct {
	Limits
	stopping         context.Context
	bodies           bodies
	memory, requests *semaphore.Weighted
}

// serve hands a request on, or says why not.
func (g *gate) serve(w http.ResponseWriter, r *http.Request, next http.Handler) *refusal {
	control := http.NewResponseController(w)
	if err := g.deadlines(control); err != nil {
		return &refusal{http.StatusInternalServerError, err.Error()}
	}
	if refused := g.header(r); refused != nil {
		return refused
	}
	body := &body{control: control, gone: make(chan struct{}), ousted: make(chan struct{})}
	defer g.bodies.leave(body)
	if refused := g.bodies.read(body, r); refused != nil {
		return refused
	}
	need := Estimate(body.data)
	if need > g.MaxMemory {
		return &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the decision may need %d bytes of memory, more than %d: the body has too many objects, or names that are too long", need, g.MaxMemory)}
	}
	ctx, cancel := g.untilAnswered(r)
	defer cancel()
	if g.requests.Acquire(ctx, 1) != nil {
		return tooMany("decided")
	}
	defer g.requests.Release(1)
	if g.memory.Acquire(ctx, need) != nil {
		return tooMany("decided")
	}
	defer g.memory.Release(need)
	next.ServeHTTP(w, body.request(ctx, r))
	return nil
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
func (l Limits) header(r *http.Request) *refusal {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return &refusal{http.StatusMethodNotAllowed, "POST an AdmissionReview"}
	case err != nil || mediaType != jsonType:
		return &refusal{http.StatusUnsupportedMediaType, "the content type must be " + jsonType}
	case r.ContentLength < 0:
		return &refusal{http.StatusLengthRequired, "the length of the body must be given"}
	case r.ContentLength == 0:
		return &refusal{http.StatusBadRequest, "the body is empty"}
	case r.ContentLength > l.MaxBody:
		return &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has %d bytes, more than %d", r.ContentLength, l.MaxBody)}
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
func (all *bodies) read(b *body, r *http.Request) *refusal {
	all.begin(b)
	refused := all.readAll(b, r)
	if !all.end(b) {
		return tooMany("read")
	}
	if refused != nil {
		return refused
	}
	if err := b.control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return &refusal{http.StatusInternalServerError, err.Error()}
	}
	return nil
}

func (all *bodies) readAll(b *body, r *http.Request) *refusal {
	for size := int64(firstStep); int64(len(b.data)) < r.ContentLength; size *= 2 {
		if !all.grow(r.Context(), b, min(size, r.ContentLength)) {
			return tooMany("read")
		}
		n, err := io.ReadFull(r.Body, b.data[len(b.data):cap(b.data)])
		if err != nil {
			return &refusal{http.StatusBadRequest, "the body could not be read: " + err.Error()}
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

// request is the request with the body that was read. Parameters of its content
// type say nothing more about JSON, and controller-runtime takes none.
func (b *body) request(ctx context.Context, r *http.Request) *http.Request {
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(b.data))
	r.Header.Set("Content-Type", jsonType)
	return r
}

// refusal is an answer in place of a decision.
type refusal struct {
	status int
	text   string
}

func tooMany(what string) *refusal {
	return &refusal{http.StatusServiceUnavailable, "too many requests are being " + what}
}

func (f *refusal) writeTo(w http.ResponseWriter) {
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, f.text, f.status)
}
