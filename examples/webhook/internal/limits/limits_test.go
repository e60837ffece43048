package limits

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var usual = Limits{MaxBody: 100, MaxBodies: 250, MaxMemory: 100_000, MaxRequests: 2, ReadTimeout: time.Minute, WriteTimeout: time.Minute}

func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

// TestRefusals: what is refused before it is read, and with which status.
func TestRefusals(t *testing.T) {
	server := httptest.NewServer(usual.Handler()(http.HandlerFunc(echo)))
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
		{"a dozen objects", "each may become a container", "POST", "application/json", strings.NewReader(strings.Repeat("{}", 12)), 200},
		{"too many objects", "so short a body would need the memory of many", "POST", "application/json", strings.NewReader(strings.Repeat("{}", 13)), 413},
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
		{"nor than have memory", func(l *Limits) { l.MaxMemory = 4*Estimate([]byte(small)) - 1 }, 5, 3, 0},
		{"what finds no room for its body does not wait: reading it would need that room", func(l *Limits) { l.MaxBodies = 3 * 8; l.MaxBody = 8 }, 5, 3, 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := Limits{MaxBody: 100, MaxBodies: 1000, MaxMemory: 1 << 30, MaxRequests: 10, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
			row.change(&l)
			var decided atomic.Int64
			leave := make(chan bool)
			handler := l.Handler()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
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
	server := httptest.NewServer(l.Handler()(http.HandlerFunc(echo)))
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

// TestPatience: the time to read is not the time to decide.
func TestPatience(t *testing.T) {
	l := usual
	l.ReadTimeout = 50 * time.Millisecond
	server := httptest.NewServer(l.Handler()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
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
