package server

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/podfence/podfence/examples/webhook/internal/limits"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// sign makes a certificate with its key, valid for some time around now; signed by
// itself where there is no authority.
func (a *authority) sign(t *testing.T, from, until time.Duration) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: t.Name()},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := template, key
	if a != nil {
		parent, signer, template.IsCA = a.certificate, a.key, false
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}))
}

func (a *authority) pair() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{a.certificate.Raw}, PrivateKey: a.key}
}

// write writes a file whole at once, as a volume does.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// writeServing writes the certificate that is served.
func writeServing(t *testing.T, dir string, a *authority) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	write(t, dir, "tls.crt", a.pem())
}

// start serves one webhook behind limits, until the test ends.
func start(t *testing.T, options Options, decide http.HandlerFunc, before func(dir string)) (s *Server, dir string) {
	t.Helper()
	dir = t.TempDir()
	writeServing(t, dir, (*authority)(nil).sign(t, -time.Hour, time.Hour))
	if before != nil {
		before(dir)
	}
	options.Host, options.CertDir = "127.0.0.1", dir
	s, err := New(options, logr.Discard(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	bounds := limits.Limits{MaxBody: limits.LargestBody, MaxBodies: 32 << 20, MaxMemory: 256 << 20, MaxRequests: 64, ReadTimeout: time.Minute, WriteTimeout: time.Minute}
	s.Register("/validate", bounds.Handler(t.Context())(decide))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	await(t, "the server serves", func() bool { return s.StartedChecker()(nil) == nil || s.address.Load() != nil })
	return s, dir
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func (s *Server) dial(t *testing.T, config *tls.Config) (*tls.Conn, error) {
	t.Helper()
	config.InsecureSkipVerify = true
	return tls.Dial("tcp", s.address.Load().String(), config)
}

// post sends a review and returns the status of its answer.
func post(conn io.ReadWriter, body string) (int, error) {
	if _, err := fmt.Fprintf(conn, "POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

// TestHTTP2IsOff: whatever a client offers, it is answered by HTTP/1.1.
func TestHTTP2IsOff(t *testing.T) {
	s, _ := start(t, Options{MaxConnections: 10}, echo, nil)
	for _, row := range []struct {
		why     string
		offered []string
		spoken  string
		fails   bool
	}{
		{"an API server offers it alone", []string{"http/1.1"}, "http/1.1", false},
		{"others offer both", []string{"h2", "http/1.1"}, "http/1.1", false},
		{"or nothing", nil, "", false},
		{"there is no HTTP/2", []string{"h2"}, "", true},
	} {
		conn, err := s.dial(t, &tls.Config{NextProtos: row.offered})
		if (err != nil) != row.fails {
			t.Errorf("%s: %v", row.why, err)
		}
		if err != nil {
			continue
		}
		if got := conn.ConnectionState().NegotiatedProtocol; got != row.spoken {
			t.Errorf("%s: %q is spoken", row.why, got)
		}
		if status, err := post(conn, "{}"); status != http.StatusOK {
			t.Errorf("%s: status %d, %v", row.why, status, err)
		}
		if row.offered == nil {
			// The preface of HTTP/2, which needs no offer.
			_, _ = io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
			if answer, _ := io.ReadAll(conn); strings.HasPrefix(string(answer), "\x00\x00") {
				t.Errorf("HTTP/2 is spoken without being offered: %q", answer)
			}
		}
		_ = conn.Close()
	}
}

// TestConnectionsThatHoldOn: however many connections begin something and do not go
// on, a good review on a new connection is answered, and one on an old connection
// whose request is whole.
func TestConnectionsThatHoldOn(t *testing.T) {
	const most, many = 40, 200
	decided := make(chan struct{})
	s, _ := start(t, Options{MaxConnections: most}, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) == `{"slow":1}` {
			<-decided
		}
	}, nil)
	slow, err := s.dial(t, &tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan int)
	go func() {
		status, _ := post(slow, `{"slow":1}`)
		answered <- status
	}()
	await(t, "the slow request is whole", func() bool {
		s.connections.mu.Lock()
		defer s.connections.mu.Unlock()
		return len(s.connections.of) == 1 && s.connections.waiting.Len() == 0
	})
	for what, begin := range map[string]string{
		"a body":    fmt.Sprintf("POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", limits.LargestBody),
		"a header":  "POST /validate HTTP/1.1\r\nX-Slow: ",
		"a request": "",
	} {
		for range many {
			conn, err := s.dial(t, &tls.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, begin)
		}
		conn, err := s.dial(t, &tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // a connection that was answered is kept
			if status, err := post(conn, "{}"); status != http.StatusOK {
				t.Errorf("beside connections that began %s: status %d, %v", what, status, err)
			}
		}
		_ = conn.Close()
		if open := testutil.ToFloat64(s.connections.open); open > most {
			t.Errorf("%v connections are open, want %d at most", open, most)
		}
	}
	for range many {
		conn, err := net.Dial("tcp", s.address.Load().String()) // without a handshake
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	await(t, "those that have come are too many", func() bool { return testutil.ToFloat64(s.connections.ousted) >= 4*(many-most) })
	close(decided)
	if status := <-answered; status != http.StatusOK {
		t.Errorf("a whole request was cut off: status %d", status)
	}
}

// TestConnectionsAreForgotten: what has closed takes no place.
func TestConnectionsAreForgotten(t *testing.T) {
	s, _ := start(t, Options{MaxConnections: 5}, echo, nil)
	for range 20 {
		conn, err := s.dial(t, &tls.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if status, err := post(conn, "{}"); status != http.StatusOK {
			t.Fatal(status, err)
		}
		_ = conn.Close()
	}
	await(t, "all have closed", func() bool { return testutil.ToFloat64(s.connections.open) == 0 })
	if s.connections.waiting.Len() != 0 {
		t.Errorf("%d wait", s.connections.waiting.Len())
	}
}

// TestDrain: a connection that is kept for the next request still brings one after
// the server was asked to stop, and is closed by its answer; then the server ends.
func TestDrain(t *testing.T) {
	dir := t.TempDir()
	writeServing(t, dir, (*authority)(nil).sign(t, -time.Hour, time.Hour))
	s, err := New(Options{Host: "127.0.0.1", CertDir: dir, MaxConnections: 10}, logr.Discard(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	s.Register("/validate", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Err() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		echo(w, r)
	}))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Start(ctx) }()
	await(t, "the server serves", func() bool { return s.address.Load() != nil })
	conn, err := s.dial(t, &tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if status, err := post(conn, "{}"); status != http.StatusOK || err != nil {
		t.Fatalf("before: %d (%v)", status, err)
	}
	stop()
	await(t, "the server drains", s.connections.draining.Load)
	if status, err := post(conn, "{}"); status != http.StatusOK || err != nil {
		t.Fatalf("while the server drains: %d (%v)", status, err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestLargeHeadersAreRefused: what no API server sends takes no memory.
func TestLargeHeadersAreRefused(t *testing.T) {
	s, _ := start(t, Options{MaxConnections: 5}, echo, nil)
	conn, err := s.dial(t, &tls.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST /validate HTTP/1.1\r\nHost: x\r\nX-Large: "+strings.Repeat("x", 2*headerBytes)+"\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", response.StatusCode)
	}
}

// TestClientCA: who may ask is what the file says at the time, also after it has
// changed; a file that is wrong changes nothing.
func TestClientCA(t *testing.T) {
	first, second := (*authority)(nil).sign(t, -time.Hour, time.Hour), (*authority)(nil).sign(t, -time.Hour, time.Hour)
	ofFirst, ofSecond := first.sign(t, -time.Hour, time.Hour), second.sign(t, -time.Hour, time.Hour)
	s, dir := start(t, Options{MaxConnections: 10, ClientCA: "clients.crt"}, echo, func(dir string) { write(t, dir, "clients.crt", first.pem()) })
	// One cache of sessions for each client: a session must not outlive its CA.
	sessions := map[*authority]tls.ClientSessionCache{}
	asks := func(client *authority) bool {
		config := &tls.Config{}
		if client != nil {
			config.Certificates = []tls.Certificate{client.pair()}
			if sessions[client] == nil {
				sessions[client] = tls.NewLRUClientSessionCache(1)
			}
			config.ClientSessionCache, config.ServerName = sessions[client], "x"
		}
		conn, err := s.dial(t, config)
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close() }()
		status, err := post(conn, "{}")
		return err == nil && status == http.StatusOK
	}
	for _, row := range []struct {
		why, file     string
		first, second bool
	}{
		{"at the start", first.pem(), true, false},
		{"both, while certificates are replaced", first.pem() + second.pem(), true, true},
		{"the old one was taken away", second.pem(), false, true},
		{"a file without a certificate trusts nobody else and forgets nobody", "hello", false, true},
		{"and back", first.pem(), true, false},
	} {
		write(t, dir, "clients.crt", row.file)
		if one, two := asks(ofFirst), asks(ofSecond); one != row.first || two != row.second {
			t.Errorf("%s: the first CA's client is answered: %v, the second's: %v", row.why, one, two)
		}
		if asks(nil) {
			t.Errorf("%s: a client without a certificate is answered", row.why)
		}
	}
	if err := os.Remove(filepath.Join(dir, "clients.crt")); err != nil {
		t.Fatal(err)
	}
	if !asks(ofFirst) || asks(ofSecond) {
		t.Error("without the file, the CA is another")
	}
}

// TestStartNeedsItsFiles: a server that could not check clients must not serve.
func TestStartNeedsItsFiles(t *testing.T) {
	for why, change := range map[string]func(dir string) error{
		"no CA of clients":           func(string) error { return nil },
		"a CA without a certificate": func(dir string) error { return os.WriteFile(filepath.Join(dir, "clients.crt"), []byte("hello"), 0o600) },
		"no certificate":             func(dir string) error { return os.Remove(filepath.Join(dir, "tls.crt")) },
	} {
		dir := t.TempDir()
		writeServing(t, dir, (*authority)(nil).sign(t, -time.Hour, time.Hour))
		if err := change(dir); err != nil {
			t.Fatal(err)
		}
		s, err := New(Options{Host: "127.0.0.1", CertDir: dir, ClientCA: "clients.crt", MaxConnections: 1}, logr.Discard(), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Start(t.Context()); err == nil || s.StartedChecker()(nil) == nil {
			t.Errorf("%s: it serves", why)
		}
	}
	if _, err := New(Options{}, logr.Discard(), prometheus.NewRegistry()); err == nil {
		t.Error("a server without connections is accepted")
	}
}

// TestCertificateExpiry: the metric says when, and what the API server would refuse
// is not ready, until there is another.
func TestCertificateExpiry(t *testing.T) {
	s, dir := start(t, Options{MaxConnections: 5}, echo, nil)
	for _, row := range []struct {
		why         string
		from, until time.Duration
		ready       bool
	}{
		{"it is valid", -time.Hour, time.Hour, true},
		{"it has expired", -2 * time.Hour, -time.Hour, false},
		{"it is valid tomorrow", 24 * time.Hour, 48 * time.Hour, false},
		{"it was renewed", -time.Hour, 48 * time.Hour, true},
	} {
		certificate := (*authority)(nil).sign(t, row.from, row.until)
		writeServing(t, dir, certificate)
		if err := s.certificate.Load().ReadCertificate(); err != nil { // as the watcher does
			t.Fatal(err)
		}
		if err := s.StartedChecker()(nil); (err == nil) != row.ready {
			t.Errorf("%s: ready is %v", row.why, err)
		}
		if got := s.expiry(); got != float64(certificate.certificate.NotAfter.Unix()) {
			t.Errorf("%s: expires at %v", row.why, got)
		}
	}
}
