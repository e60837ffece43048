package limits

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var usual = Limits{MaxBody: 100, MaxBodies: 250, MaxMemory: 2 << 20, MaxRequests: 2, ReadTimeout: time.Minute, WriteTimeout: time.Minute}

func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

// TestRefusals: what is refused before it is read, and with which status.
func TestRefusals(t *testing.T) {
	server := httptest.NewServer(usual.Handler(t.Context())(http.HandlerFunc(echo)))
	defer server.Close()
	for _, row := range []struct {
		name, why, method, contentType string
		body                           io.Reader
		status                         int
	}{
		{"a review", "it is what the API server sends", "POST", "application/json", strings.NewReader("{}"), 200},
		{"with parameters", "they say nothing else", "POST", "application/json; charset=utf-8", strings.NewReader("{}"), 200},
		{"the largest body", "the limit is included", "POST", "application/json", strings.NewReader(strings.Repeat("x", 100)), 200},
		{"a larger body", "it would be read into memory", "POST", "application/json", strings.NewReader(strings.Repeat("x", 101)), 413},
		{"no body", "there is nothing to decide", "POST", "application/json", nil, 400},
		{"an unknown length", "no room could be kept for it", "POST", "application/json", io.MultiReader(strings.NewReader("{}")), 411},
		{"another type", "it is no review", "POST", "text/plain", strings.NewReader("{}"), 415},
		{"no type", "nobody knows what it is", "POST", "", strings.NewReader("{}"), 415},
		{"GET", "reviews are posted", "GET", "application/json", strings.NewReader("{}"), 405},
	} {
		request, err := http.NewRequest(row.method, server.URL, row.body)
		if err != nil {
			t.Fatal(err)
		}
		if row.contentType != "" {
			request.Header.Set("Content-Type", row.contentType)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != row.status {
			t.Errorf("%s: %d, want %d: %s", row.name, response.StatusCode, row.status, row.why)
		}
	}
}

// deciding is a webhook that reads something of a size, and does this while it decides.
func deciding(size int64, do func(http.ResponseWriter)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := TurnOf(r).Decide(Need(size, 0)); err != nil {
			var refused *Refusal
			errors.As(err, &refused)
			refused.WriteTo(w)
			return
		}
		do(w)
	})
}

// TestMaxRead: what may be read has memory to be decided in, and no more may be read.
func TestMaxRead(t *testing.T) {
	for _, row := range []struct {
		why         string
		size, texts int64
		status      int
	}{
		{"it is little", 1000, 100, 200},
		{"the limit is included", usual.MaxRead(), 0, 200},
		{"it needs more than there is", usual.MaxRead() + 1, 0, 413},
		{"texts may be quoted many times", usual.MaxRead(), usual.MaxRead() / 8, 413},
	} {
		handler := usual.Handler(t.Context())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var refused *Refusal
			if err := TurnOf(r).Decide(Need(row.size, row.texts)); errors.As(err, &refused) {
				refused.WriteTo(w)
			}
		}))
		for range 3 { // what was taken is given back
			request, answer := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}")), httptest.NewRecorder()
			request.Header.Set("Content-Type", "application/json")
			handler.ServeHTTP(answer, request)
			if answer.Code != row.status {
				t.Errorf("%s: status %d, want %d", row.why, answer.Code, row.status)
			}
		}
	}
}

// TestTurnHasTheBody: a turn shows the bytes that came.
func TestTurnHasTheBody(t *testing.T) {
	request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{ }"))
	request.Header.Set("Content-Type", "application/json")
	usual.Handler(t.Context())(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got := string(TurnOf(r).Body()); got != "{ }" {
			t.Errorf("the body is %q", got)
		}
	})).ServeHTTP(httptest.NewRecorder(), request)
}

// TestReaders: no more requests are read at once than there are readers, and one that
// is decided is a reader no more.
func TestReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reading, decided atomic.Int64
		read, leave := make(chan bool), make(chan bool)
		l := usual
		l.MaxMemory, l.MaxRequests = 1<<30, 100
		handler := l.Handler(t.Context())(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			reading.Add(1)
			<-read
			reading.Add(-1)
			if err := TurnOf(r).Decide(Need(1, 0)); err != nil {
				t.Error(err)
			}
			decided.Add(1)
			<-leave
		}))
		for range 3 * readers {
			request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
			request.Header.Set("Content-Type", "application/json")
			go handler.ServeHTTP(httptest.NewRecorder(), request)
		}
		for turn := range int64(3) {
			synctest.Wait()
			if reading.Load() != readers || decided.Load() != turn*readers {
				t.Errorf("%d are read and %d decided, want %d and %d", reading.Load(), decided.Load(), readers, turn*readers)
			}
			for range readers {
				read <- true
			}
		}
		close(leave)
		synctest.Wait()
	})
}

// TestConcurrency: which of several requests that come at once are decided beside
// each other, which wait for them, and which are told to come again.
func TestConcurrency(t *testing.T) {
	small := strings.Repeat("{}", 4)
	for _, row := range []struct {
		why              string
		change           func(*Limits)
		requests         int
		decided, refused int
	}{
		{"no more are decided at once than allowed", func(l *Limits) { l.MaxRequests = 2 }, 5, 2, 0},
		{"nor than have memory", func(l *Limits) { l.MaxMemory = 4*Need(1000, 0) - 1 }, 5, 3, 0},
		{"what finds no room for its body does not wait: reading it would need that room", func(l *Limits) { l.MaxBodies = 3 * 8; l.MaxBody = 8 }, 5, 3, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := Limits{MaxBody: 100, MaxBodies: 1000, MaxMemory: 1 << 30, MaxRequests: 10, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
			row.change(&l)
			var decided atomic.Int64
			leave := make(chan bool)
			handler := l.Handler(t.Context())(deciding(1000, func(http.ResponseWriter) {
				decided.Add(1)
				<-leave
			}))
			answers := make([]*httptest.ResponseRecorder, row.requests)
			for i := range answers {
				answers[i] = httptest.NewRecorder()
				request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(small))
				request.Header.Set("Content-Type", "application/json")
				go handler.ServeHTTP(answers[i], request)
			}
			synctest.Wait()
			if n := decided.Load(); n != int64(row.decided) {
				t.Errorf("%s: %d are decided at once, want %d", row.why, n, row.decided)
			}
			close(leave)
			synctest.Wait()
			if n := decided.Load(); n != int64(row.requests-row.refused) {
				t.Errorf("%s: %d were decided, want %d", row.why, n, row.requests-row.refused)
			}
			refused := 0
			for _, answer := range answers {
				if answer.Code == http.StatusServiceUnavailable && answer.Header().Get("Retry-After") != "" {
					refused++
				} else if answer.Code != http.StatusOK {
					t.Errorf("%s: status %d", row.why, answer.Code)
				}
			}
			if refused != row.refused {
				t.Errorf("%s: %d are told to come again, want %d", row.why, refused, row.refused)
			}
		})
	}
}

// TestSlowBody: a body that does not come is given up, whether it was wanted or
// refused by its header alone, and its room is free again.
func TestSlowBody(t *testing.T) {
	l := usual
	l.ReadTimeout, l.MaxBodies = 50*time.Millisecond, 100
	server := httptest.NewServer(l.Handler(t.Context())(http.HandlerFunc(echo)))
	defer server.Close()
	for _, row := range []struct{ why, header, status string }{
		{"a body that was begun", "Content-Type: application/json\r\nContent-Length: 100", "400"},
		{"too large a body", "Content-Type: application/json\r\nContent-Length: 101", "413"},
		{"a body of another type", "Content-Type: text/plain\r\nContent-Length: 100", "415"},
		{"a body without end", "Content-Type: application/json\r\nTransfer-Encoding: chunked", "411"},
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\n"+row.header+"\r\n\r\n1"); err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(conn) // to the end: the connection is closed
		_ = conn.Close()
		if !strings.HasPrefix(string(answer), "HTTP/1.1 "+row.status+" ") {
			t.Errorf("%s: answered %q", row.why, answer)
		}
	}
	response, err := http.Post(server.URL, "application/json", strings.NewReader(strings.Repeat("x", 100)))
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", response, err)
	}
	_ = response.Body.Close()
}

// TestAnnouncedBodies: bodies that are announced and do not come take no room
// from those that do.
func TestAnnouncedBodies(t *testing.T) {
	l := usual
	l.MaxBody, l.MaxBodies, l.MaxMemory = LargestBody, LargestBody, 1<<30
	server := httptest.NewServer(l.Handler(t.Context())(http.HandlerFunc(echo)))
	defer server.Close()
	for range 100 {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n1", LargestBody); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []int{1, firstStep - 1, firstStep, firstStep + 1, 3 * firstStep, 1 << 20} {
		response, err := http.Post(server.URL, "application/json", strings.NewReader(strings.Repeat("x", size)))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || len(text) != size {
			t.Errorf("a body of %d bytes is answered with %d and %d bytes (%v)", size, response.StatusCode, len(text), err)
		}
	}
}

// TestBytesThatCameAreCounted: 34 connections of 250 requests each that announce
// 7 MB and send a byte take no room from a review, with the limits of the flags.
func TestBytesThatCameAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Limits{MaxBody: LargestBody, MaxBodies: 32 << 20, MaxMemory: 256 << 20, MaxRequests: 64, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
		handler := l.Handler(t.Context())(http.HandlerFunc(echo))
		send := func(body io.Reader, length int64) *httptest.ResponseRecorder {
			answer := httptest.NewRecorder()
			request := httptest.NewRequest(http.MethodPost, "/", body)
			request.ContentLength = length
			request.Header.Set("Content-Type", "application/json")
			go func() {
				handler.ServeHTTP(answer, request)
				_ = request.Body.Close() // as a server does
			}()
			return answer
		}
		var open []*io.PipeWriter
		for range 34 * 250 {
			body, rest := io.Pipe()
			open = append(open, rest)
			send(body, LargestBody)
		}
		for _, rest := range open {
			_, _ = rest.Write([]byte("{"))
		}
		review := strings.Repeat("x", 3<<20)
		answer := send(strings.NewReader(review), int64(len(review)))
		synctest.Wait()
		if answer.Code != http.StatusOK || answer.Body.Len() != len(review) {
			t.Errorf("a review of %d bytes is answered with %d: %.100s", len(review), answer.Code, answer.Body)
		}
		for _, rest := range open {
			_ = rest.CloseWithError(io.ErrUnexpectedEOF)
		}
	})
}

// slow is a request whose body comes when the test sends it, and whose reading can
// be ended as a connection's can.
type slow struct {
	*httptest.ResponseRecorder
	body *io.PipeReader
	rest *io.PipeWriter
}

// SetReadDeadline ends the reading if the time is over.
func (s *slow) SetReadDeadline(at time.Time) error {
	if !at.IsZero() && !at.After(time.Now()) {
		return s.body.CloseWithError(os.ErrDeadlineExceeded)
	}
	return nil
}

// TestBodiesThatStop: those that have come in part, and have taken all room by it,
// give it up to one that comes whole: the oldest, and no more of them than needed.
func TestBodiesThatStop(t *testing.T) {
	for _, row := range []struct {
		why     string
		stopped int // bodies that all but their last byte has come of
		coming  int // whole ones
		refused int // of those that stopped
	}{
		{"there is room", 3, 1, 0},
		{"one must go", 4, 1, 1},
		{"each that comes may need one to go", 4, 3, 3},
		{"what has come whole takes no room from another", 4, 5, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := usual
			l.MaxBody, l.MaxBodies, l.MaxMemory, l.MaxRequests = 8<<10, 4*8<<10, 1<<30, 10
			leave := make(chan struct{})
			handler := l.Handler(t.Context())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-leave }))
			send := func(text string) *slow {
				s := &slow{ResponseRecorder: httptest.NewRecorder()}
				s.body, s.rest = io.Pipe()
				request := httptest.NewRequest(http.MethodPost, "/", s.body)
				request.ContentLength = l.MaxBody
				request.Header.Set("Content-Type", "application/json")
				go func() {
					handler.ServeHTTP(s, request)
					_ = s.body.Close() // as a server does
				}()
				go func() { _, _ = io.WriteString(s.rest, text) }()
				synctest.Wait()
				return s
			}
			whole := strings.Repeat("x", int(l.MaxBody))
			var stopped, coming []*slow
			for range row.stopped {
				stopped = append(stopped, send(whole[1:]))
			}
			for range row.coming {
				coming = append(coming, send(whole))
			}
			for i, s := range stopped {
				go func() { _, _ = io.WriteString(s.rest, "x") }()
				synctest.Wait()
				if refused := s.Code == http.StatusServiceUnavailable; refused != (i < row.refused) {
					t.Errorf("%s: number %d of those that stopped: status %d", row.why, i+1, s.Code)
				}
			}
			close(leave)
			synctest.Wait()
			for i, s := range coming {
				if refused := s.Code != http.StatusOK; refused != (i >= 4) {
					t.Errorf("%s: number %d of those that come: status %d", row.why, i+1, s.Code)
				}
			}
		})
	}
}

// TestStop: what was begun is answered after the process was asked to stop, also
// what waits for its turn; a client that leaves ends its request as ever.
func TestStop(t *testing.T) {
	for _, row := range []struct {
		why    string
		end    func(stop, leave context.CancelFunc)
		status int
	}{
		{"the server ends the contexts of requests when it is asked to stop", func(stop, _ context.CancelFunc) { stop() }, http.StatusOK},
		{"nobody waits for this answer any more", func(_, leave context.CancelFunc) { leave() }, http.StatusServiceUnavailable},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := usual
			l.MaxRequests = 1
			stopping, stop := context.WithCancel(t.Context())
			defer stop()
			request, leave := context.WithCancel(stopping) // as http.Server derives it
			defer leave()
			proceed := make(chan bool)
			handler := l.Handler(stopping)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-proceed
				_, _ = io.WriteString(w, "decided")
				if row.status == http.StatusOK && r.Context().Err() != nil {
					t.Errorf("%s: the context of a decision ended: %v", row.why, r.Context().Err())
				}
			}))
			send := func(ctx context.Context) *httptest.ResponseRecorder {
				answer := httptest.NewRecorder()
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader("{}"))
				r.Header.Set("Content-Type", "application/json")
				go handler.ServeHTTP(answer, r)
				synctest.Wait()
				return answer
			}
			send(stopping)
			waiting := send(request)
			row.end(stop, leave)
			synctest.Wait()
			close(proceed)
			synctest.Wait()
			if decided := waiting.Body.String() == "decided"; waiting.Code != row.status || decided != (row.status == http.StatusOK) {
				t.Errorf("%s: answered with %d %q, want %d", row.why, waiting.Code, waiting.Body, row.status)
			}
		})
	}
}

// TestPatience: the time to read is not the time to decide.
func TestPatience(t *testing.T) {
	l := usual
	l.ReadTimeout = 50 * time.Millisecond
	server := httptest.NewServer(l.Handler(t.Context())(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-r.Context().Done():
			t.Error("the request was given up while it was decided")
		}
	})))
	defer server.Close()
	response, err := http.Post(server.URL, "application/json", strings.NewReader("1"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// TestValidate: limits that leave no room for a single request are errors.
func TestValidate(t *testing.T) {
	if err := usual.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Limits){
		"no body":            func(l *Limits) { l.MaxBody = 0 },
		"more than is read":  func(l *Limits) { l.MaxBody, l.MaxBodies = LargestBody+1, LargestBody+1 },
		"no room for one":    func(l *Limits) { l.MaxBodies = l.MaxBody - 1 },
		"no memory":          func(l *Limits) { l.MaxMemory = 1000 },
		"no request":         func(l *Limits) { l.MaxRequests = 0 },
		"no time to read":    func(l *Limits) { l.ReadTimeout = 0 },
		"no time to respond": func(l *Limits) { l.WriteTimeout = -1 },
	} {
		l := usual
		if change(&l); l.Validate() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
