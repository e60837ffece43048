package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// authority signs certificates that are valid for the time of a test.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// usage is what a certificate is for.
type usage x509.ExtKeyUsage

const (
	forServer = usage(x509.ExtKeyUsageServerAuth)
	forClient = usage(x509.ExtKeyUsageClientAuth)
)

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key := newKey(t)
	ca := validity()
	ca.Subject = pkix.Name{CommonName: "e2e"}
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if ca, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &authority{ca, key}
}

// sign makes a certificate and its key, both as PEM.
func (a *authority) sign(t testing.TB, u usage) (certificate, key string) {
	t.Helper()
	leafKey := newKey(t)
	leaf := validity()
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsage(u)}
	leaf.Subject = pkix.Name{CommonName: "kube-apiserver"}
	if u == forServer {
		leaf.Subject = pkix.Name{CommonName: "podfence-webhook"}
		leaf.IPAddresses, leaf.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"podfence-webhook.podfence-system.svc"}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.certificate, &leafKey.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	return encode("CERTIFICATE", der), encode("EC PRIVATE KEY", private)
}

// Stranger is a certificate for clients by an authority that nobody trusts.
func Stranger(t testing.TB) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(pemPair(newAuthority(t).sign(t, forClient)))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func pemPair(certificate, key string) ([]byte, []byte) { return []byte(certificate), []byte(key) }

func validity() *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
