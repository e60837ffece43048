package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubeconfig is the name of the file that says where the API server is.
const kubeconfig = "kubeconfig"

// namespace is the one that pods are created in. It enforces restricted.
const namespace = "shop"

// startCluster serves an API server's answers about namespaces, and writes what a
// webhook needs to run beside it into a directory: a certificate and a kubeconfig.
func startCluster(dir string) (*httptest.Server, error) {
	if err := writeCertificate(dir); err != nil {
		return nil, err
	}
	server := httptest.NewServer(http.HandlerFunc(answer))
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c}}], clusters: [{name: c, cluster: {server: %q}}]}`, server.URL)
	if err := os.WriteFile(filepath.Join(dir, kubeconfig), []byte(text), 0o600); err != nil {
		server.Close()
		return nil, err
	}
	return server, nil
}

// answer is what an API server says that has one namespace beside its own, in which
// nothing ever happens, and that knows no streaming lists.
func answer(w http.ResponseWriter, r *http.Request) {
	one := func(name string, labels map[string]string) corev1.Namespace {
		return corev1.Namespace{TypeMeta: metav1.TypeMeta{Kind: "Namespace", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: name, UID: "1", ResourceVersion: "1", Labels: labels}}
	}
	shop, system := one(namespace, map[string]string{"podfence.dev/enforce": "restricted"}), one(metav1.NamespaceSystem, nil)
	say := func(status int, object any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(object)
	}
	switch query := r.URL.Query(); {
	case query.Get("sendInitialEvents") != "":
		say(http.StatusUnprocessableEntity, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Reason: metav1.StatusReasonInvalid, Code: http.StatusUnprocessableEntity})
	case query.Get("watch") != "":
		<-r.Context().Done()
	case r.URL.Path == "/api/v1/namespaces":
		say(http.StatusOK, corev1.NamespaceList{TypeMeta: metav1.TypeMeta{Kind: "NamespaceList", APIVersion: "v1"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: []corev1.Namespace{shop, system}})
	case r.URL.Path == "/api/v1/namespaces/"+shop.Name:
		say(http.StatusOK, shop)
	case r.URL.Path == "/api/v1/namespaces/"+system.Name:
		say(http.StatusOK, system)
	case r.URL.Path == "/api":
		say(http.StatusOK, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	case r.URL.Path == "/apis":
		say(http.StatusOK, metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}})
	case r.URL.Path == "/api/v1":
		say(http.StatusOK, metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "namespaces", Kind: "Namespace", Verbs: metav1.Verbs{"get", "list", "watch"}},
			{Name: "pods", Kind: "Pod", Namespaced: true, Verbs: metav1.Verbs{"list"}},
		}})
	default:
		http.NotFound(w, r)
	}
}

// writeCertificate writes one that is valid for a day, with its key.
func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
