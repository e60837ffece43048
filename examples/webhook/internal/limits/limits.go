// Package limits bounds what requests may cost the webhook: how long a body may
// take, how large it and all bodies together may be, and how many requests are
// decided at once. What is refused here is refused before it is decoded, with
// the HTTP status that says why. To the API server each is a failure of the
// webhook, and with failurePolicy Fail a refusal of the request.
package limits

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// Limits bound the requests to all webhooks of the process together.
type Limits struct {
	// MaxBody is the size of the largest body, in bytes.
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

// Validate reports limits under which nothing could be answered.
func (l Limits) Validate() error {
	switch {
	case l.MaxBody <= 0:
		return errors.New("the largest body must have some bytes")
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

// What a decision needs in memory. An object of JSON in the place of a container
// is {} at least, and becomes a struct of a kilobyte, in a slice that is copied
// as it grows, with what is filled in, reported, patched and found wrong beside
// it: for thousands of them, 3 to 11 KiB each are allocated in all, not at once.
const (
	perByte   = 8
	perObject = 8 << 10
)

// Estimate is the memory, in bytes, that the decision about a body may need. It
// counts objects without decoding them: a body of {},{},{} would otherwise take
// thousands of times its length before anything could be said of it.
func Estimate(body []byte) int64 {
	return perByte*int64(len(body)) + perObject*int64(bytes.Count(body, []byte("{")))
}

// Handler puts the limits before webhooks.
func (l Limits) Handler() func(http.Handler) http.Handler {
	bodies, memory, requests := semaphore.NewWeighted(l.MaxBodies), semaphore.NewWeighted(l.MaxMemory), semaphore.NewWeighted(l.MaxRequests)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			if err := l.deadlines(control); err != nil {
				refuse(w, http.StatusInternalServerError, err.Error())
				return
			}
			if status, text := l.refusal(r); status != 0 {
				refuse(w, status, text)
				return
			}
			// A body's room is taken before its first byte is read, so that many
			// slow or large ones cannot use more memory than they were given.
			if !bodies.TryAcquire(r.ContentLength) {
				refuse(w, http.StatusServiceUnavailable, "too many requests are being read")
				return
			}
			defer bodies.Release(r.ContentLength)
			body, err := l.read(control, r)
			if err != nil {
				refuse(w, http.StatusBadRequest, "the body could not be read: "+err.Error())
				return
			}
			need := Estimate(body)
			if need > l.MaxMemory {
				refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the decision may need %d bytes of memory, more than %d: the body has too many objects", need, l.MaxMemory))
				return
			}
			if requests.Acquire(r.Context(), 1) != nil {
				return // the client has gone
			}
			defer requests.Release(1)
			if memory.Acquire(r.Context(), need) != nil {
				return
			}
			defer memory.Release(need)
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
		})
	}
}

// refusal is the status for what the header alone says is wrong; 0 for nothing.
func (l Limits) refusal(r *http.Request) (status int, text string) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "POST an AdmissionReview"
	case err != nil || mediaType != "application/json":
		return http.StatusUnsupportedMediaType, "the content type must be application/json"
	case r.ContentLength < 0:
		return http.StatusLengthRequired, "the length of the body must be given"
	case r.ContentLength == 0:
		return http.StatusBadRequest, "the body is empty"
	case r.ContentLength > l.MaxBody:
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has %d bytes, more than %d", r.ContentLength, l.MaxBody)
	default:
		return 0, ""
	}
}

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

// read reads the body within its time. Once it is whole, the server only watches
// whether the client stays, for as long as the decision takes; a body that was
// given up keeps its deadline, or the server would wait for the rest of it.
func (l Limits) read(control *http.ResponseController, r *http.Request) ([]byte, error) {
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, err
	}
	if err := control.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, err
	}
	return body, nil
}

func refuse(w http.ResponseWriter, status int, text string) {
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, text, status)
}
