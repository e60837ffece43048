package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// apiServer has two namespaces, and answers until it is cut off.
type apiServer struct{ cut atomic.Bool }

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	named := func(name string, labels map[string]string) corev1.Namespace {
		return corev1.Namespace{TypeMeta: metav1.TypeMeta{Kind: "Namespace", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: name, UID: "1", ResourceVersion: "1", Labels: labels}}
	}
	shop, system := named("shop", map[string]string{"podfence.dev/enforce": "restricted"}), named(metav1.NamespaceSystem, nil)
	var answer any
	switch path := r.URL.Path; {
	case r.URL.Query().Get("sendInitialEvents") != "" && !a.cut.Load():
		// A server without streaming lists, which is asked for a list then.
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("Namespace").GroupKind(), "", nil).ErrStatus)
		return
	case a.cut.Load(), r.URL.Query().Get("watch") != "":
		<-r.Context().Done()
		return
	case path == "/api/v1/namespaces":
		answer = corev1.NamespaceList{TypeMeta: metav1.TypeMeta{Kind: "NamespaceList", APIVersion: "v1"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: []corev1.Namespace{shop, system}}
	case path == "/api/v1/namespaces/shop":
		answer = shop
	case path == "/api/v1/namespaces/kube-system":
		answer = system
	case path == "/api":
		answer = metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}}
	case path == "/apis":
		answer = metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}}
	case path == "/api/v1":
		answer = metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: "v1", APIResources: []metav1.APIResource{
			{Name: "namespaces", Kind: "Namespace", Verbs: metav1.Verbs{"get", "list", "watch"}},
			{Name: "pods", Kind: "Pod", Namespaced: true, Verbs: metav1.Verbs{"list"}},
		}}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// freeAddress is an address of this machine that nobody listens to.
func freeAddress(t *testing.T) *net.TCPAddr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr)
}

// certificate writes one that is valid for an hour, with its key.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: der}, "tls.key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRun: the program as its flags have it. It becomes ready, judges, tells its
// metrics, and is neither ready nor of an opinion while the API server is cut off.
func TestRun(t *testing.T) {
	api := &apiServer{}
	cluster := httptest.NewServer(api)
	defer cluster.Close()
	dir := t.TempDir()
	certificate(t, dir)
	config := filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c}}], clusters: [{name: c, cluster: {server: %q}}]}`, cluster.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", config)
	webhooks, metrics, health := freeAddress(t), freeAddress(t), freeAddress(t)
	var o options
	flags := flag.NewFlagSet("webhook", flag.ContinueOnError)
	o.bind(flags)
	if err := flags.Parse([]string{
		"--cert-dir=" + dir, "--webhook-host=127.0.0.1", fmt.Sprintf("--webhook-port=%d", webhooks.Port), "--max-staleness=3s",
		"--metrics-bind-address=" + metrics.String(), "--health-probe-bind-address=" + health.String(),
	}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- run(ctx, &o) }()
	defer func() {
		cluster.CloseClientConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	get := func(address *net.TCPAddr, path string) (int, string) {
		response, err := http.Get("http://" + address.String() + path)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(text)
	}
	eventually := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				_, text := get(health, "/readyz?verbose")
				t.Fatalf("waited in vain: %s; %s", what, text)
			}
		}
	}
	ready := func() bool { status, _ := get(health, "/readyz"); return status == http.StatusOK }
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	judge := func() *admissionv1.AdmissionResponse {
		t.Helper()
		const review = `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","operation":"CREATE","namespace":"shop","name":"p",` +
			`"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"object":{"kind":"Pod","apiVersion":"v1","spec":{"hostPID":true}}}}`
		response, err := client.Post("https://"+webhooks.String()+"/validate", "application/json", strings.NewReader(review))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		var answer admissionv1.AdmissionReview
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(&answer); err != nil || answer.Response == nil {
			t.Fatalf("%s: %s (%v)", response.Status, text, err)
		}
		return answer.Response
	}

	eventually("it is ready", ready)
	if got := judge(); got.Allowed || !strings.Contains(got.Result.Message, "host namespaces (hostPID=true)") {
		t.Errorf("the pod is judged with %+v", got.Result)
	}
	_, told := get(metrics, "/metrics")
	for _, name := range []string{
		"podfence_decisions_total", "podfence_decision_duration_seconds_count", "podfence_policies", "podfence_policy_files_passed_over",
		"podfence_policy_last_reload_successful", "podfence_policy_reload_failures_total", "podfence_policy_last_reload_success_timestamp_seconds",
		"podfence_api_server_last_answer_age_seconds", "podfence_certificate_expiry_timestamp_seconds", "podfence_pod_listings_total",
		"podfence_connections", "podfence_connections_ousted_total", "controller_runtime_webhook_requests_total",
	} {
		if !strings.Contains(told, "\n"+name+" ") && !strings.Contains(told, "\n"+name+"{") {
			t.Errorf("there is no metric %s", name)
		}
	}

	api.cut.Store(true)
	eventually("it is ready no more", func() bool { return !ready() })
	if got := judge(); got.Allowed || !strings.Contains(got.Result.Message, "failed to lookup namespace") {
		t.Errorf("cut off, the pod is judged with %+v", got.Result)
	}
	api.cut.Store(false)
	cluster.CloseClientConnections()
	eventually("it is ready again", ready)
	if got := judge(); got.Allowed || !strings.Contains(got.Result.Message, "host namespaces (hostPID=true)") {
		t.Errorf("later the pod is judged with %+v", got.Result)
	}
}
