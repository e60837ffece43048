// Package cluster runs a Kubernetes control plane on loopback for tests: etcd,
// kube-apiserver and kube-controller-manager, built from their Go modules, with
// kubectl and podfence, and the webhook of examples/webhook in as many replicas as
// asked for. There are no
// nodes: pods are stored and never run.
package cluster

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// deadline is how long anything is waited for: generous, for machines are shared.
const deadline = 2 * time.Minute

// Binaries are the programs that a test run builds once.
type Binaries struct{ Kube, Webhook, Podfence string }

// Build compiles the programs into a folder. Cold, it takes some minutes.
func Build(dir string) (Binaries, error) {
	b := Binaries{filepath.Join(dir, "kube"), filepath.Join(dir, "webhook"), filepath.Join(dir, "podfence")}
	for _, program := range []struct{ out, from, pkg string }{
		{b.Kube, ".", "./kube"},
		{b.Webhook, filepath.Join("..", "..", "examples", "webhook"), "."},
		{b.Podfence, filepath.Join("..", "..", "examples", "podfence"), "."},
	} {
		cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", program.out, program.pkg)
		cmd.Dir = program.from
		if out, err := cmd.CombinedOutput(); err != nil {
			return b, fmt.Errorf("%s in %s: %w\n%s", cmd, program.from, err, out)
		}
	}
	return b, os.Symlink(b.Kube, filepath.Join(dir, "kubectl"))
}

// Options choose a control plane.
type Options struct {
	// WithoutPodSecurity turns the admission plugin off.
	WithoutPodSecurity bool
	// ClientCertificate: the API server was started with the shipped files of
	// client-ca/api-server, and so shows the webhook a certificate.
	ClientCertificate bool
	// Static is a folder of two, validating and mutating, with files of policies that
	// the API server has from its start. Empty: none.
	Static string
}

// Cluster is a control plane that runs until the end of its test.
type Cluster struct {
	Config     *rest.Config
	Client     *kubernetes.Clientset
	Kubeconfig string

	t   testing.TB
	bin Binaries
	dir string
	// clients signs the certificate that the API server shows to the webhook, nil
	// if it shows none.
	clients *authority
	// webhookPort is where the webhook will listen, 0 if that does not matter.
	webhookPort int
}

// token is that of the only user, an administrator.
const token = "e2e-administrator"

// Start starts a control plane and waits until it is ready.
func Start(t testing.TB, bin Binaries, o Options) *Cluster {
	t.Helper()
	c := &Cluster{t: t, bin: bin, dir: t.TempDir()}
	etcd, peer, port := FreePort(t), FreePort(t), FreePort(t)
	c.run("etcd", bin.Kube, "etcd", "--data-dir="+c.path("etcd"), "--unsafe-no-fsync=true", "--log-level=error",
		"--listen-client-urls="+local("http", etcd), "--advertise-client-urls="+local("http", etcd),
		"--listen-peer-urls="+local("http", peer), "--initial-advertise-peer-urls="+local("http", peer),
		"--initial-cluster=default="+local("http", peer))

	c.write("tokens.csv", token+`,e2e,e2e,"system:masters"`+"\n")
	c.writeKey("service-account.key")
	flags := []string{
		"kube-apiserver", "--etcd-servers=" + local("http", etcd), "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		"--cert-dir=" + c.path("apiserver"), "--token-auth-file=" + c.path("tokens.csv"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://e2e.test", "--service-account-signing-key-file=" + c.path("service-account.key"),
		"--service-account-key-file=" + c.path("service-account.key"), "--service-cluster-ip-range=10.0.0.0/24", "--allow-privileged=true",
		"--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000",
		"--admission-control-config-file=" + c.configureAdmission(o),
	}
	if o.WithoutPodSecurity {
		flags = append(flags, "--disable-admission-plugins=PodSecurity")
	}
	c.run("apiserver", bin.Kube, flags...)
	c.connect(port)
	c.run("manager", bin.Kube, "kube-controller-manager", "--kubeconfig="+c.Kubeconfig, "--leader-elect=false", "--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", FreePort(t)), "--cert-dir="+c.path("manager"),
		"--controllers=deployment-controller,replicaset-controller,serviceaccount-controller,namespace-controller,root-ca-certificate-publisher-controller,resourcequota-controller")
	return c
}

// limitsCriticalPods is what GKE, among others, tells its API servers: pods of these
// classes need a quota in their namespace.
const limitsCriticalPods = `  - name: ResourceQuota
    configuration:
      apiVersion: apiserver.config.k8s.io/v1
      kind: ResourceQuotaConfiguration
      limitedResources:
        - resource: pods
          matchScopes:
            - {scopeName: PriorityClass, operator: In, values: [system-node-critical, system-cluster-critical]}
`

// configureAdmission writes the configuration of the admission plugins and returns
// the name of its file.
func (c *Cluster) configureAdmission(o Options) string {
	c.t.Helper()
	text := "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n"
	if o.ClientCertificate {
		text = c.showCertificate()
	}
	if o.Static != "" {
		text += staticFolders(o.Static)
	}
	c.write("admission.yaml", text+limitsCriticalPods)
	return c.path("admission.yaml")
}

// showCertificate puts the shipped files for API servers, and the certificate that
// they name, into a folder of the test. It returns the text of the configuration,
// which ends with its plugins.
//
// There a Service is named without its port, which is 443. Nobody may listen on
// that here, so that the port is chosen, and named, before there is a webhook.
func (c *Cluster) showCertificate() string {
	c.t.Helper()
	const service, folder = "podfence-webhook.podfence-system.svc", "/etc/kubernetes/podfence"
	c.clients, c.webhookPort = newAuthority(c.t), FreePort(c.t)
	shipped := func(name string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", "webhook", "deploy", "client-ca", "api-server", name))
		if err != nil {
			c.t.Fatal(err)
		}
		return string(text)
	}
	c.write("kubeconfig.yaml", strings.Replace(shipped("kubeconfig.yaml"), service, fmt.Sprintf("%s:%d", service, c.webhookPort), 1))
	certificate, key := c.clients.sign(c.t, forClient)
	c.write("client.crt", certificate)
	c.write("client.key", key)
	return strings.ReplaceAll(shipped("admission-configuration.yaml"), folder, c.dir)
}

// connect waits for the API server and writes a kubeconfig for it.
func (c *Cluster) connect(port int) {
	c.t.Helper()
	c.Config = &rest.Config{Host: local("https", port), BearerToken: token, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: -1, WarningHandler: rest.NoWarnings{}}
	client, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Client = client
	Eventually(c.t, "the API server is ready", func(ctx context.Context) (bool, error) {
		body, err := client.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil && string(body) == "ok", err
	})
	c.Kubeconfig = c.path("kubeconfig")
	c.writeKubeconfig(c.Kubeconfig, token)
}

// writeKubeconfig writes a kubeconfig for whoever has the token.
func (c *Cluster) writeKubeconfig(file, token string) {
	c.t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["e2e"] = &clientcmdapi.Cluster{Server: c.Config.Host, InsecureSkipTLSVerify: true}
	config.AuthInfos["e2e"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["e2e"] = &clientcmdapi.Context{Cluster: "e2e", AuthInfo: "e2e"}
	config.CurrentContext = "e2e"
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		c.t.Fatal(err)
	}
}

func (c *Cluster) path(name string) string { return filepath.Join(c.dir, name) }

func (c *Cluster) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(c.path(name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *Cluster) writeKey(name string) {
	c.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(name, string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
}

// Process is a program that ends with its test at the latest.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// run starts a program. Its output is shown if the test fails.
func (c *Cluster) run(name, program string, args ...string) *Process {
	c.t.Helper()
	log, err := os.Create(c.path(name + ".log"))
	if err != nil {
		c.t.Fatal(err)
	}
	p := &Process{cmd: exec.Command(program, args...), done: make(chan struct{})}
	if program == c.bin.Webhook {
		p.cmd.Env = append(os.Environ(), "GOMEMLIMIT=460MiB") // as its Deployment has it
	}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// Nothing survives a test that is killed.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		_ = log.Close()
		close(p.done)
	}()
	c.t.Cleanup(func() {
		p.Kill()
		if c.t.Failed() {
			c.t.Logf("the last lines of %s:\n%s", name, tail(log.Name(), 40))
		}
	})
	return p
}

// Kill ends the program at once, as a node that fails would.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// Terminate asks the program to end and waits until it has.
func (p *Process) Terminate() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
}

func tail(name string, n int) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// FreePort is a port of loopback that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func local(scheme string, port int) string { return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port) }

// Eventually waits until something holds, and fails the test if it never does.
func Eventually(t testing.TB, what string, holds func(context.Context) (bool, error)) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(context.Background(), 50*time.Millisecond, deadline, true, func(ctx context.Context) (bool, error) {
		ok, err := holds(ctx)
		last = err
		return ok, nil
	})
	if err != nil {
		t.Fatalf("waited in vain: %s (%v)", what, last)
	}
}
