package limits

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

var usual = Limits{MaxBody: 100, MaxBodies: 250, MaxRequests: 2, ReadTimeout: time.Minute, WriteTimeout: time.Minute}

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

// TestConcurrency: no more requests are decided at once than allowed, the others
// wait, and one whose body finds no room is told to come again.
func TestConcurrency(t *testing.T) {
	l := usual
	l.MaxBodies = 5 // five bodies of a byte
	l.MaxBody = 5
	entered, leave := make(chan bool, 10), make(chan bool)
	server := httptest.NewServer(l.Handler()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- true
		<-leave
	})))
	defer server.Close()
	var group sync.WaitGroup
	statuses := make(chan int, 10)
	post := func() {
		response, err := http.Post(server.URL, "application/json", strings.NewReader("1"))
		if err != nil {
			t.Error(err)
			return
		}
		_ = response.Body.Close()
		statuses <- response.StatusCode
	}
	for range 5 {
		group.Go(post)
	}
	<-entered
	<-entered
	// Two are decided. The others wait or are on their way; once all five hold
	// their room, a sixth has none.
	for refused := false; !refused; {
		response, err := http.Post(server.URL, "application/json", strings.NewReader("12345"))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if refused = response.StatusCode == http.StatusServiceUnavailable; refused && response.Header.Get("Retry-After") == "" {
			t.Error("nothing says when to come again")
		}
	}
	select {
	case <-entered:
		t.Error("three requests are decided at once")
	default:
	}
	close(leave)
	group.Wait()
	for range 5 {
		if status := <-statuses; status != http.StatusOK {
			t.Errorf("status %d", status)
		}
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
