package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Webhook is one or more replicas behind one address.
type Webhook struct {
	// Policies is the folder of policy files.
	Policies string
	// Replicas are the processes.
	Replicas []*Replica
	// URL is the address of all replicas together.
	URL string

	cluster   *Cluster
	certs     string
	flags     []string
	authority *authority
	state     int
}

// Replica is one process of the webhook.
type Replica struct {
	*Process
	port, metrics, health int
	// left: it is no endpoint of the Service any more, and gets no new connections.
	left atomic.Bool
}

// preStop stands in for the sleep that the shipped Deployment gives a pod between the
// moment it is no endpoint any more and the one in which it is asked to end. A server
// that is not asked anything ends at once, and new connections would meet that.
const preStop = time.Second

// Terminate ends a replica as deleting its pod does, and waits until it has ended.
func (r *Replica) Terminate() {
	r.left.Store(true)
	time.Sleep(preStop)
	r.Process.Terminate()
}

// StartWebhook starts replicas of the webhook, each with the flags, and waits
// until they are ready. policies are the files of the policy folder by name.
func (c *Cluster) StartWebhook(replicas int, policies map[string]string, flags ...string) *Webhook {
	c.t.Helper()
	w := c.NewWebhook()
	w.flags = flags
	for name, text := range policies {
		w.WritePolicy(name, text)
	}
	w.startReplicas(replicas)
	return w
}

// NewWebhook is a webhook with an address and a certificate, and without replicas.
func (c *Cluster) NewWebhook() *Webhook {
	c.t.Helper()
	w := &Webhook{cluster: c, Policies: c.t.TempDir(), certs: c.t.TempDir()}
	w.WriteCertificate()
	w.URL = "https://" + w.balance()
	return w
}

// StartAs starts a replica with the flags of its Deployment and with the rights
// of a service account, and waits until it is ready.
func (w *Webhook) StartAs(token string, flags []string) {
	w.cluster.t.Helper()
	kubeconfig := w.cluster.path("kubeconfig-webhook")
	w.cluster.writeKubeconfig(kubeconfig, token)
	for _, flag := range flags {
		flag = strings.Replace(flag, "=/etc/podfence/policies", "="+w.Policies, 1)
		w.flags = append(w.flags, strings.Replace(flag, "=/etc/podfence/tls", "="+w.certs, 1))
	}
	w.flags = append(w.flags, "--kubeconfig="+kubeconfig) // the last one counts
	w.startReplicas(1)
}

func (w *Webhook) startReplicas(n int) {
	w.cluster.t.Helper()
	for range n {
		w.Replicas = append(w.Replicas, w.start())
	}
	for _, r := range w.Replicas {
		w.WaitReady(r)
	}
}

func (w *Webhook) start() *Replica {
	t := w.cluster.t
	r := &Replica{port: FreePort(t), metrics: FreePort(t), health: FreePort(t)}
	r.Process = w.cluster.run(fmt.Sprintf("webhook-%d", r.port), w.cluster.bin.Webhook, w.arguments(r)...)
	return r
}

func (w *Webhook) arguments(r *Replica) []string {
	return append([]string{
		"--kubeconfig=" + w.cluster.Kubeconfig, "--policies=" + w.Policies, "--cert-dir=" + w.certs, "--webhook-host=127.0.0.1",
		fmt.Sprintf("--webhook-port=%d", r.port), fmt.Sprintf("--metrics-bind-address=127.0.0.1:%d", r.metrics),
		fmt.Sprintf("--health-probe-bind-address=127.0.0.1:%d", r.health),
	}, w.flags...)
}

// Restart starts a replica anew that has ended, at its old addresses.
func (w *Webhook) Restart(r *Replica) {
	w.cluster.t.Helper()
	r.Process = w.cluster.run(fmt.Sprintf("webhook-%d-again", r.port), w.cluster.bin.Webhook, w.arguments(r)...)
	w.WaitReady(r)
	r.left.Store(false)
}

// WaitReady waits until a replica says that it is ready.
func (w *Webhook) WaitReady(r *Replica) {
	w.cluster.t.Helper()
	Eventually(w.cluster.t, "the webhook is ready", func(context.Context) (bool, error) {
		status, body, err := get(fmt.Sprintf("http://127.0.0.1:%d/readyz?verbose", r.health))
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%d: %s", status, body)
		}
		return err == nil, err
	})
}

// PeakMemory is the most memory that a replica has had resident, in bytes.
func (r *Replica) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "\nVmHWM:")
	var kibibytes int64
	_, err = fmt.Sscan(rest, &kibibytes)
	return kibibytes << 10, err
}

// Metrics is the text of a replica's metrics.
func (r *Replica) Metrics() (string, error) {
	_, body, err := get(fmt.Sprintf("http://127.0.0.1:%d/metrics", r.metrics))
	return body, err
}

// Status is the text of a replica's status page.
func (r *Replica) Status() (string, error) {
	_, body, err := get(fmt.Sprintf("http://127.0.0.1:%d/policies", r.metrics))
	return body, err
}

func get(url string) (int, string, error) {
	response, err := http.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// RemovePolicy takes a policy file away.
func (w *Webhook) RemovePolicy(name string) {
	w.cluster.t.Helper()
	if err := os.Remove(filepath.Join(w.Policies, name)); err != nil {
		w.cluster.t.Fatal(err)
	}
}

// WritePolicy writes a policy file, whole at once as a volume does.
func (w *Webhook) WritePolicy(name, text string) {
	w.cluster.t.Helper()
	replaceFile(w.cluster.t.Fatal, filepath.Join(w.Policies, name), text)
}

// SwapPolicies replaces all policy files at once, as the kubelet does for a
// ConfigMap's volume: a folder of the new state, and a link that is renamed.
func (w *Webhook) SwapPolicies(files map[string]string) {
	w.cluster.t.Helper()
	old, _ := os.Readlink(filepath.Join(w.Policies, "..data"))
	w.show(w.writeState(files))
	if old == "" {
		return
	}
	if err := os.RemoveAll(filepath.Join(w.Policies, old)); err != nil {
		w.cluster.t.Fatal(err)
	}
}

// writeState writes policy files into a folder of their own, and links to them
// as they will be once the folder is shown. It returns the folder's name.
func (w *Webhook) writeState(files map[string]string) (folder string) {
	w.cluster.t.Helper()
	w.state++
	folder = fmt.Sprintf("..state-%d", w.state)
	steps := []error{os.Mkdir(filepath.Join(w.Policies, folder), 0o700)}
	for name, text := range files {
		steps = append(steps, os.WriteFile(filepath.Join(w.Policies, folder, name), []byte(text), 0o600))
		if _, err := os.Lstat(filepath.Join(w.Policies, name)); err != nil {
			steps = append(steps, os.Symlink(filepath.Join("..data", name), filepath.Join(w.Policies, name)))
		}
	}
	if err := errors.Join(steps...); err != nil {
		w.cluster.t.Fatal(err)
	}
	return folder
}

// show makes a state the one that is read.
func (w *Webhook) show(folder string) {
	w.cluster.t.Helper()
	next := filepath.Join(w.Policies, "..data_tmp")
	if err := errors.Join(os.Symlink(folder, next), os.Rename(next, filepath.Join(w.Policies, "..data"))); err != nil {
		w.cluster.t.Fatal(err)
	}
}

// Serves reports whether a replica serves the certificate that was written last.
func (w *Webhook) Serves(r *Replica) (bool, error) {
	text, err := os.ReadFile(filepath.Join(w.certs, "tls.crt"))
	if err != nil {
		return false, err
	}
	conn, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.port), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	return encode("CERTIFICATE", conn.ConnectionState().PeerCertificates[0].Raw) == string(text), nil
}

// WriteCertificate makes a new certificate for all replicas, signed by the
// authority that the API server trusts.
func (w *Webhook) WriteCertificate() {
	t := w.cluster.t
	t.Helper()
	if w.authority == nil {
		w.authority = newAuthority(t)
	}
	certificate, key := w.authority.sign(t, forServer)
	replaceFile(t.Fatal, filepath.Join(w.certs, "tls.key"), key)
	replaceFile(t.Fatal, filepath.Join(w.certs, "tls.crt"), certificate)
}

// Mount makes the files of a volume those of the webhook's certificate, as the
// kubelet would.
func (w *Webhook) Mount(files map[string][]byte) {
	w.cluster.t.Helper()
	w.certs = w.cluster.t.TempDir()
	for name, text := range files {
		replaceFile(w.cluster.t.Fatal, filepath.Join(w.certs, name), string(text))
	}
}

// ClientCA is the certificate of the authority that signs for clients.
func (c *Cluster) ClientCA() []byte { return []byte(encode("CERTIFICATE", c.clients.certificate.Raw)) }

// ClientByServerCA is a certificate for clients by the authority of the webhook's own.
func (w *Webhook) ClientByServerCA() tls.Certificate {
	w.cluster.t.Helper()
	pair, err := tls.X509KeyPair(pemPair(w.authority.sign(w.cluster.t, forClient)))
	if err != nil {
		w.cluster.t.Fatal(err)
	}
	return pair
}

// Handshake opens a connection of its own to the webhook and trusts it as the API
// server does.
func (w *Webhook) Handshake() error {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(w.CA())
	conn, err := tls.Dial("tcp", strings.TrimPrefix(w.URL, "https://"), &tls.Config{RootCAs: trusted, ServerName: "podfence-webhook.podfence-system.svc"})
	if err != nil {
		return err
	}
	return conn.Close()
}

// Certificate is the certificate with its key and its CA, by the names of their files.
func (w *Webhook) Certificate() map[string][]byte {
	w.cluster.t.Helper()
	files := map[string][]byte{"ca.crt": w.CA()}
	for _, name := range []string{"tls.crt", "tls.key"} {
		text, err := os.ReadFile(filepath.Join(w.certs, name))
		if err != nil {
			w.cluster.t.Fatal(err)
		}
		files[name] = text
	}
	return files
}

// CA is the certificate that the API server is to trust.
func (w *Webhook) CA() []byte { return []byte(encode("CERTIFICATE", w.authority.certificate.Raw)) }

func replaceFile(fatal func(...any), name, text string) {
	if err := os.WriteFile(name+".new", []byte(text), 0o600); err != nil {
		fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		fatal(err)
	}
}

// balance stands in for the Service: it hands each connection to the next
// replica that is an endpoint and takes it.
func (w *Webhook) balance() string {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", w.cluster.webhookPort))
	if err != nil {
		w.cluster.t.Fatal(err)
	}
	w.cluster.t.Cleanup(func() { _ = listener.Close() })
	var next atomic.Int64
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go w.forward(client, int(next.Add(1)))
		}
	}()
	return listener.Addr().String()
}

func (w *Webhook) forward(client net.Conn, from int) {
	defer func() { _ = client.Close() }()
	for i := range w.Replicas {
		r := w.Replicas[(from+i)%len(w.Replicas)]
		if r.left.Load() {
			continue
		}
		server, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", r.port))
		if err != nil {
			continue
		}
		defer func() { _ = server.Close() }()
		go func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		}()
		_, _ = io.Copy(client, server)
		return
	}
}

// Register tells the API server of the webhook, as the shipped manifests do but
// for the address. change may edit them further.
func (w *Webhook) Register(change func(*admissionregistrationv1.MutatingWebhookConfiguration, *admissionregistrationv1.ValidatingWebhookConfiguration)) {
	t, ctx := w.cluster.t, context.Background()
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "webhook", "deploy", "base", "webhooks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var mutating admissionregistrationv1.MutatingWebhookConfiguration
	var validating admissionregistrationv1.ValidatingWebhookConfiguration
	documents := strings.Split(string(text), "\n---\n")
	if len(documents) != 2 {
		t.Fatalf("%d webhook configurations, want 2", len(documents))
	}
	for i, into := range []any{&mutating, &validating} {
		if err := yaml.UnmarshalStrict([]byte(documents[i]), into); err != nil {
			t.Fatal(err)
		}
	}
	for i := range mutating.Webhooks {
		w.point(&mutating.Webhooks[i].ClientConfig)
	}
	for i := range validating.Webhooks {
		w.point(&validating.Webhooks[i].ClientConfig)
	}
	if change != nil {
		change(&mutating, &validating)
	}
	registration := w.cluster.Client.AdmissionregistrationV1()
	if _, err := registration.MutatingWebhookConfigurations().Create(ctx, &mutating, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := registration.ValidatingWebhookConfigurations().Create(ctx, &validating, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (w *Webhook) point(config *admissionregistrationv1.WebhookClientConfig) {
	url := w.URL + *config.Service.Path
	config.Service, config.URL, config.CABundle = nil, &url, w.CA()
}
