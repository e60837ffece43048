package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/podfence/podfence/internal/benchpod"
)

// build builds the webhook of a commit, of this tree for "".
func build(dir, commit string) (binary string, err error) {
	tree, err := output("git", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	if commit != "" {
		root, archive := tree, filepath.Join(dir, commit+".tar")
		if tree, err = os.MkdirTemp(dir, "tree-"); err != nil {
			return "", err
		}
		if _, err := output("git", "-C", root, "archive", "-o", archive, commit); err != nil {
			return "", err
		}
		if _, err := output("tar", "-xf", archive, "-C", tree); err != nil {
			return "", err
		}
	}
	binary = filepath.Join(dir, "webhook-"+commit)
	_, err = output("go", "build", "-C", filepath.Join(tree, "examples", "webhook"), "-o", binary, ".")
	return binary, err
}

// output runs a command, which may fetch the Go that a module demands.
func output(name string, arguments ...string) (string, error) {
	command := exec.Command(name, arguments...)
	command.Env = append(os.Environ(), "GOTOOLCHAIN=auto")
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// version is a webhook that runs.
type version struct {
	command          *exec.Cmd
	log              *os.File
	webhook, metrics string
	client           *http.Client
	review           []byte
}

// start runs a webhook until it is ready. What it logs goes to a file.
func start(log, dir, binary string) (*version, error) {
	addresses, err := freeAddresses(3)
	if err != nil {
		return nil, err
	}
	v := &version{
		command: exec.Command(binary, "--cert-dir="+dir, "--webhook-host=127.0.0.1", fmt.Sprintf("--webhook-port=%d", addresses[0].Port),
			"--metrics-bind-address="+addresses[1].String(), "--health-probe-bind-address="+addresses[2].String()),
		webhook: "https://" + addresses[0].String(), metrics: "http://" + addresses[1].String() + "/metrics",
		// Without ForceAttemptHTTP2 it speaks HTTP/1.1, as API servers do with webhooks.
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}},
	}
	if v.review, err = question(); err != nil {
		return nil, err
	}
	if v.log, err = os.Create(log); err != nil {
		return nil, err
	}
	v.command.Env, v.command.Stderr = append(os.Environ(), "KUBECONFIG="+filepath.Join(dir, kubeconfig)), v.log
	if err := v.command.Start(); err != nil {
		return nil, err
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get("http://" + addresses[2].String() + "/readyz")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return v, nil
			}
		}
		if time.Now().After(end) {
			v.stop()
			said, _ := os.ReadFile(log)
			return nil, fmt.Errorf("%s does not become ready: %s", binary, said)
		}
	}
}

func (v *version) stop() {
	_ = v.command.Process.Kill()
	_ = v.command.Wait()
	_ = v.log.Close()
}

// freeAddresses are those of this machine that nobody listens to.
func freeAddresses(n int) (list []*net.TCPAddr, err error) {
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = listener.Close() }() // together, so that they differ
		list = append(list, listener.Addr().(*net.TCPAddr))
	}
	return list, nil
}

// question is the review of a request to create P3, as an API server writes it.
func question() ([]byte, error) {
	pod := benchpod.P3()
	pod.TypeMeta, pod.Namespace = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, namespace
	object, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	kind, resource := metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}, metav1.GroupVersionResource{Version: "v1", Resource: "pods"}
	dry := false
	return json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID: "705ab4f5-6393-11e8-b7cc-42010a800002", Kind: kind, Resource: resource, RequestKind: &kind, RequestResource: &resource,
			Name: pod.Name, Namespace: namespace, Operation: admissionv1.Create,
			UserInfo: authenticationv1.UserInfo{Username: "system:serviceaccount:kube-system:replicaset-controller", UID: "1", Groups: []string{
				"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated",
			}},
			Object: runtime.RawExtension{Raw: object}, DryRun: &dry,
			Options: runtime.RawExtension{Raw: []byte(`{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1"}`)},
		},
	})
}

// round asks both sides, and reads the metrics before and after.
func (v *version) round(requests int) (figures, error) {
	before, err := v.read()
	if err != nil {
		return nil, err
	}
	f := figures{}
	for _, side := range sides {
		took := make([]float64, requests)
		for i := range took {
			start := time.Now()
			if err := v.ask(side); err != nil {
				return nil, err
			}
			took[i] = time.Since(start).Seconds()
		}
		f[onLoopback(side)] = quantile(took, 0.5)
	}
	after, err := v.read()
	if err != nil {
		return nil, err
	}
	for _, side := range sides {
		seconds, count := sum(side), count(side)
		f[byMetric(side)] = (after[seconds] - before[seconds]) / (after[count] - before[count])
	}
	f[processor] = (after[processorSeconds] - before[processorSeconds]) / float64(requests)
	return f, nil
}

// ask sends the review, and sees that the pod is allowed as it is.
func (v *version) ask(side string) error {
	response, err := v.client.Post(v.webhook+"/"+side, "application/json", bytes.NewReader(v.review))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var answer admissionv1.AdmissionReview
	if err := json.Unmarshal(text, &answer); err != nil || answer.Response == nil || !answer.Response.Allowed || len(answer.Response.Patch) > 0 {
		return fmt.Errorf("%s/%s: %s: %s", v.webhook, side, response.Status, text)
	}
	return nil
}

// The samples of metrics that are read.
const processorSeconds = "process_cpu_seconds_total"

func sum(side string) string { return `podfence_decision_duration_seconds_sum{side="` + side + `"}` }
func count(side string) string {
	return `podfence_decision_duration_seconds_count{side="` + side + `"}`
}

// read reads the metrics, by the name and labels of each sample.
func (v *version) read() (map[string]float64, error) {
	response, err := http.Get(v.metrics)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	return samples(string(text)), nil
}

// samples are those of Prometheus' text format that have labels without a space.
func samples(text string) map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); found && err == nil {
			all[name] = n
		}
	}
	return all
}
