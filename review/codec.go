package review

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/spec"
)

// DefaultMaxBody is how long the body of a request may be, in bytes, by default.
// An API server takes objects of 3 MiB, and a review may hold two.
const DefaultMaxBody = 7 << 20

// Codec reads reviews and writes their answers, for webhooks that decide in a way
// of their own, or that count, log or exempt requests before they ask
// [Handler.Respond].
//
// The zero Codec is ready. Its fields must not be changed once it is used. It is
// safe for concurrent use.
type Codec struct {
	// MaxBody is how long a body may be, in bytes; DefaultMaxBody where it is 0.
	MaxBody int64
	// MaxMemory is how much may be read of a request, as [Request.Size] counts it;
	// DefaultLimit where it is 0.
	MaxMemory int64

	decoders decoders
}

// A DecideFunc answers a request, in the API's own type; the UID is filled in.
//
// unread says why an object of the request could not be read, an [*Error], of
// which errors.Is(unread, ErrTooLarge) tells what is too large. That object is nil
// then, and to allow it is to allow what nobody has seen.
//
// An error of its own leaves the request without an answer.
type DecideFunc func(r *Request, unread error) (*admissionv1.AdmissionResponse, error)

// Answer answers the JSON of an AdmissionReview with the JSON of one. The error
// says that the text is no review, an [*Error], or is that of decide.
func (c *Codec) Answer(review []byte, decide DecideFunc) ([]byte, error) {
	return c.decoders.answer(review, c.MaxMemory, func(r *Request, _ *scratch, unread error) (response, error) {
		answer, err := decide(r, unread)
		switch {
		case err != nil:
			return response{}, err
		case answer == nil:
			return response{}, errUndecided
		default:
			return responseOf(answer), nil
		}
	})
}

// errUndecided is about a function that says nothing.
var errUndecided = errors.New("review: the request was not decided")

// Serve answers a review by HTTP, with the statuses of [Handler.ServeHTTP], and
// with 500 for an error of decide.
func (c *Codec) Serve(w http.ResponseWriter, r *http.Request, decide DecideFunc) {
	serve(w, r, c.MaxBody, func(body []byte) ([]byte, error) { return c.Answer(body, decide) })
}

// decoders are those that no request uses.
type decoders struct{ idle sync.Pool }

// answer reads a review and writes what is decided.
func (all *decoders) answer(review []byte, limit int64, decide func(*Request, *scratch, error) (response, error)) ([]byte, error) {
	d, _ := all.idle.Get().(*decoder)
	if d == nil {
		d = &decoder{}
	}
	defer func() {
		if d.release(); d.grown <= keptBytes {
			all.idle.Put(d)
		}
	}()
	d.reset(review, orDefault(limit, DefaultLimit))
	r, err := d.request(review)
	if err != nil {
		return nil, err
	}
	answer, err := decide(r, &d.answer, r.unread)
	if err != nil {
		return nil, err
	}
	return answerTo(r, answer), nil
}

func orDefault(n, standard int64) int64 {
	if n == 0 {
		return standard
	}
	return n
}

// serve reads the body of a request and writes what answers it.
func serve(w http.ResponseWriter, r *http.Request, most int64, answer func([]byte) ([]byte, error)) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "POST an AdmissionReview", http.StatusMethodNotAllowed)
		return
	case err != nil || mediaType != "application/json":
		http.Error(w, "the content type must be application/json", http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, orDefault(most, DefaultMaxBody)))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		http.Error(w, fmt.Sprintf("the body has more than %d bytes", tooLong.Limit), http.StatusRequestEntityTooLarge)
		return
	} else if err != nil {
		http.Error(w, "the body could not be read", http.StatusBadRequest)
		return
	}
	text, err := answer(body)
	if err != nil {
		http.Error(w, spec.Printable(err.Error()), statusOf(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // whoever asked is gone
}

// statusOf is the status of a request that gets no review for an answer.
func statusOf(err error) int {
	if unread := (*Error)(nil); errors.As(err, &unread) {
		return unread.Status()
	}
	return http.StatusInternalServerError
}

// Status is the HTTP status of what could not be read: 413 for what is too large,
// 400 for everything else.
func (e *Error) Status() int {
	if errors.Is(e.Err, ErrTooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// isSyntax reports whether the text is no JSON, so that nothing behind the place
// can be read.
func (e *Error) isSyntax() bool {
	var syntax *jsontext.SyntacticError
	return errors.As(e.Err, &syntax) || errors.Is(e.Err, io.EOF)
}

// unreadable refuses a request of which an object could not be read.
func unreadable(err error) response {
	if errors.Is(err, ErrTooLarge) {
		return failed(http.StatusRequestEntityTooLarge, metav1.StatusReasonRequestEntityTooLarge, err)
	}
	return failed(http.StatusBadRequest, metav1.StatusReasonBadRequest, err)
}
