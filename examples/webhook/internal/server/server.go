// Package server serves webhooks: as controller-runtime does, and with bounds on
// what clients may cost before a request of theirs is whole.
//
// It speaks HTTP/1.1 alone. API servers ask webhooks so (they offer no HTTP/2, for
// it would keep to one replica: kubernetes.io/issue/75791), and HTTP/2 gives a
// stranger hundreds of streams and a header table on every connection.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
)

const (
	// headerTimeout bounds a handshake, and the header of a request.
	headerTimeout = 5 * time.Second
	// headerBytes is the size of the largest header. An API server's has some hundred.
	headerBytes = 16 << 10
	// idleTimeout is how long a connection is kept for the next request, as the
	// client of API servers keeps it.
	idleTimeout = 90 * time.Second
	// drainTimeout is how long a connection may still bring a request after the server
	// was asked to stop. It is short beside the grace that a manager is given.
	drainTimeout = 5 * time.Second
	// shutdownTimeout is longer than any grace that a manager is given.
	shutdownTimeout = time.Minute
)

// Options are what an operator chooses.
type Options struct {
	// Host and Port are the address; an empty host is every address of the machine.
	Host string
	Port int
	// CertDir is the directory of tls.crt and tls.key, which are read again when they
	// change.
	CertDir string
	// ClientCA is the file in CertDir with the CA of clients, which is read again when
	// it changes; empty: clients need no certificate.
	ClientCA string
	// MaxConnections is how many connections are open at once.
	MaxConnections int
}

// Server serves the webhooks that are registered. Registration, with the metrics of
// what is registered, is controller-runtime's own.
type Server struct {
	webhook.Server
	options     Options
	log         logr.Logger
	connections *connections
	certificate atomic.Pointer[certwatcher.CertWatcher]
	address     atomic.Pointer[net.TCPAddr]
}

// New returns a server that does not serve yet.
func New(options Options, log logr.Logger, registry prometheus.Registerer) (*Server, error) {
	if options.MaxConnections <= 0 {
		return nil, errors.New("at least one connection must be open at once")
	}
	s := &Server{
		Server:      webhook.NewServer(webhook.Options{Port: options.Port}),
		options:     options,
		log:         log,
		connections: newConnections(options.MaxConnections),
	}
	registry.MustRegister(s.connections.open, s.connections.ousted, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "podfence_certificate_expiry_timestamp_seconds",
		Help: "When the certificate that is served expires; 0 before there is one.",
	}, s.expiry))
	return s, nil
}

// Start serves until the context ends, and then what was begun.
func (s *Server) Start(ctx context.Context) error {
	config, err := s.tls(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port)))
	if err != nil {
		return err
	}
	server := s.server(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		s.connections.drain(drainTimeout)
		over, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		if err := server.Shutdown(over); err != nil {
			s.log.Error(err, "requests were cut off")
		}
	}()
	s.address.Store(listener.Addr().(*net.TCPAddr))
	s.log.Info("serving", "address", listener.Addr().String())
	if err := server.Serve(tls.NewListener(listener, config)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

func (s *Server) server(ctx context.Context) *http.Server {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           s.connections.handler(s.WebhookMux()),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) }, // what was begun is answered
		ConnContext:       s.connections.context,
		ConnState:         s.connections.changed,
		Protocols:         protocols,
		MaxHeaderBytes:    headerBytes,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          log.New(details{s.log}, "", 0),
	}
}

// details logs at debug level what strangers can bring about as often as they like.
type details struct{ logr.Logger }

func (d details) Write(line []byte) (int, error) {
	d.V(1).Info("connection", "error", string(line))
	return len(line), nil
}

// tls is how connections are secured, by the files as they are at each handshake.
func (s *Server) tls(ctx context.Context) (*tls.Config, error) {
	watcher, err := certwatcher.New(filepath.Join(s.options.CertDir, "tls.crt"), filepath.Join(s.options.CertDir, "tls.key"))
	if err != nil {
		return nil, err
	}
	s.certificate.Store(watcher)
	go func() {
		if err := watcher.Start(ctx); err != nil {
			s.log.Error(err, "the certificate is read again no more")
		}
	}()
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: watcher.GetCertificate}
	if s.options.ClientCA == "" {
		return config, nil
	}
	clients := &authorities{file: filepath.Join(s.options.CertDir, s.options.ClientCA), log: s.log}
	if err := clients.read(); err != nil {
		return nil, err
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	config.SessionTicketsDisabled = true // a session that is resumed was verified by the CA of its day
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := config.Clone()
		now.ClientCAs = clients.pool()
		return now, nil
	}
	return config, nil
}

// StartedChecker is ready when connections are accepted, with a certificate that is
// valid now. It is a health check.
func (s *Server) StartedChecker() healthz.Checker {
	return func(*http.Request) error {
		if s.address.Load() == nil {
			return errors.New("the webhooks are not served yet")
		}
		certificate, err := s.leaf()
		if err != nil {
			return err
		}
		switch now := time.Now(); {
		case now.After(certificate.NotAfter):
			return fmt.Errorf("the certificate in %s expired on %s", s.options.CertDir, certificate.NotAfter.Format(time.RFC3339))
		case now.Before(certificate.NotBefore):
			return fmt.Errorf("the certificate in %s is not valid before %s", s.options.CertDir, certificate.NotBefore.Format(time.RFC3339))
		}
		return nil
	}
}

// expiry is when the certificate expires, in seconds of Unix time.
func (s *Server) expiry() float64 {
	certificate, err := s.leaf()
	if err != nil {
		return 0
	}
	return float64(certificate.NotAfter.Unix())
}
