package server

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/go-logr/logr"
)

// leaf is the certificate that is served now.
func (s *Server) leaf() (*x509.Certificate, error) {
	watcher := s.certificate.Load()
	if watcher == nil {
		return nil, errors.New("no certificate was read yet")
	}
	pair, err := watcher.GetCertificate(nil)
	if err != nil {
		return nil, err
	}
	if pair.Leaf != nil {
		return pair.Leaf, nil
	}
	return x509.ParseCertificate(pair.Certificate[0])
}

// authorities are those of a file, which sign the certificates of clients. It is
// read at every handshake, and taken over when it has changed: a CA that was taken
// away must let nobody in. A file that is wrong changes nothing.
type authorities struct {
	file string
	log  logr.Logger

	mu     sync.Mutex
	text   []byte
	trusts *x509.CertPool
	// wrong is what is wrong with the file, and was logged.
	wrong string
}

// pool is what the file holds now, or held when it was last right.
func (a *authorities) pool() *x509.CertPool {
	err := a.read()
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.wrong = ""
	case a.wrong != err.Error():
		a.wrong = err.Error()
		a.log.Error(err, "the CA of clients stays as it was")
	}
	return a.trusts
}

// read takes the file over if it has changed and is right.
func (a *authorities) read() error {
	text, err := os.ReadFile(a.file)
	if err != nil {
		return fmt.Errorf("the CA of clients: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.trusts != nil && bytes.Equal(text, a.text) {
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("the CA of clients: %s has no certificate in PEM", a.file)
	}
	if a.trusts != nil {
		a.log.Info("the CA of clients has changed", "file", a.file)
	}
	a.text, a.trusts = text, pool
	return nil
}
