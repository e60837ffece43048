package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apiserverv1 "k8s.io/apiserver/pkg/apis/apiserver/v1"
	apiserverwebhook "k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	kubeadmv1beta4 "k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/v1beta4"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/e2e/cluster"
)

// TestTheShippedManifestsInstallAndSuffice applies what the webhook's README
// applies, in its order: the pods of the controller are accepted where Pod
// Security Admission enforces restricted and their priority class needs a quota, a
// replica with the flags of the Deployment and no rights but those of its service
// account becomes ready, and the API server reaches it by the name of its Service
// and trusts it by the CA of the Secret. There is no node, so that the test stands
// in for the kubelet.
func TestTheShippedManifestsInstallAndSuffice(t *testing.T) {
	ctx := context.Background()
	c := cluster.Start(t, binaries, cluster.Options{})
	w := c.NewWebhook()
	token := install(t, c, w, render(t, "by-hand", byHand(w)), 11)

	t.Run("its priority class needs the quota", func(t *testing.T) {
		namespace(t, c, "unlimited", nil)
		_, err := c.Client.CoreV1().Pods("unlimited").Create(ctx, pod("unlimited", "critical", func(p *corev1.Pod) {
			p.Spec.PriorityClassName = "system-cluster-critical"
		}), metav1.CreateOptions{})
		if err == nil {
			t.Fatal("a critical pod was created without a quota")
		}
		want(t, "the refusal", err.Error(), "insufficient quota to match these scopes", "PriorityClass")
	})
	t.Run("raising a level warns of the pods that run", func(t *testing.T) {
		want(t, "the warning", raise(t, c), `existing pods in namespace "raised" violate the new PodSecurity enforce level "baseline:latest"`, ": host namespaces")
	})
	t.Run("its rights end there", func(t *testing.T) {
		config := rest.CopyConfig(c.Config)
		config.BearerToken = token
		own, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		_, secrets := own.CoreV1().Secrets("podfence-system").List(ctx, metav1.ListOptions{})
		creating := func() error {
			_, err := own.CoreV1().Pods("raised").Create(ctx, pod("raised", "p", nil), metav1.CreateOptions{})
			return err
		}()
		for what, err := range map[string]error{"list secrets": secrets, "create pods": creating} {
			if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "system:serviceaccount:podfence-system:podfence-webhook") {
				t.Errorf("it may %s: %v", what, err)
			}
		}
	})
}

// install applies the objects in the README's order and starts a replica as their
// Deployment would. Beside the registration there are n objects. It returns the
// token of the replica's service account.
func install(t *testing.T, c *cluster.Cluster, w *cluster.Webhook, objects []*unstructured.Unstructured, n int) (token string) {
	t.Helper()
	ctx := context.Background()
	in := installer{t, c, discover(t, c.Config), address(t, w)}
	if got := in.apply(objects, false); got != n {
		t.Fatalf("%d objects beside the registration, want %d: count again", got, n)
	}
	cluster.Eventually(t, "the pods of the Deployment", func(ctx context.Context) (bool, error) {
		list, err := c.Client.CoreV1().Pods("podfence-system").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=podfence-webhook"})
		return err == nil && len(list.Items) == 3, err
	})
	request, err := c.Client.CoreV1().ServiceAccounts("podfence-system").CreateToken(ctx, "podfence-webhook", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	deployment, err := c.Client.AppsV1().Deployments("podfence-system").Get(ctx, "podfence-webhook", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.Mount(certificates(t, c, deployment))
	w.StartAs(request.Status.Token, deployment.Spec.Template.Spec.Containers[0].Args)
	if got := in.apply(objects, true); got != n+2 {
		t.Fatalf("%d objects, want %d: count again", got, n+2)
	}
	waitForWebhook(t, c)
	return request.Status.Token
}

// raise raises the level of the namespace "raised" above what its pod "running" needs,
// and returns the warnings.
func raise(t *testing.T, c *cluster.Cluster) string {
	t.Helper()
	ctx := context.Background()
	namespace(t, c, "raised", nil)
	running := pod("raised", "running", func(p *corev1.Pod) { p.Spec.HostNetwork = true })
	if _, err := c.Client.CoreV1().Pods("raised").Create(ctx, running, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	client, warnings := warned(t, c)
	patch := []byte(`{"metadata":{"labels":{"podfence.dev/enforce":"baseline"}}}`)
	if _, err := client.CoreV1().Namespaces().Patch(ctx, "raised", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	return warnings.all()
}

// certificates are the files of the volume of certificates, as the kubelet puts
// them together.
func certificates(t *testing.T, c *cluster.Cluster, deployment *appsv1.Deployment) map[string][]byte {
	t.Helper()
	ctx := context.Background()
	files := map[string][]byte{}
	secret, configMap := certificateSources(&deployment.Spec.Template.Spec)
	stored, err := c.Client.CoreV1().Secrets("podfence-system").Get(ctx, secret, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(files, stored.Data)
	if configMap == "" {
		return files
	}
	clients, err := c.Client.CoreV1().ConfigMaps("podfence-system").Get(ctx, configMap, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range clients.Data {
		files[name] = []byte(text)
	}
	return files
}

// certificateSources are the Secret and the ConfigMap, if there is one, whose keys
// are the files of the volume of certificates.
func certificateSources(pod *corev1.PodSpec) (secret, configMap string) {
	for _, volume := range pod.Volumes {
		switch {
		case volume.Name != "tls":
		case volume.Secret != nil:
			secret = volume.Secret.SecretName
		case volume.Projected != nil:
			for _, source := range volume.Projected.Sources {
				if source.Secret != nil {
					secret = source.Secret.Name
				}
				if source.ConfigMap != nil {
					configMap = source.ConfigMap.Name
				}
			}
		}
	}
	return secret, configMap
}

// TestStrangersAreNotAnsweredWhereClientsNeedACertificate installs the overlay
// client-ca on an API server that was started with the files beside it: the API
// server is answered as ever. Whoever shows no certificate is not, nor is one that
// nobody trusts, nor one by the CA of the webhook's own certificate.
func TestStrangersAreNotAnsweredWhereClientsNeedACertificate(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{ClientCertificate: true})
	w := c.NewWebhook()
	files := byHand(w)
	files["client-ca/client-ca.crt"] = c.ClientCA()
	install(t, c, w, render(t, "client-ca", files), 12)
	want(t, "what the API server is told of pods", raise(t, c), "running: host namespaces")
	for name, certificates := range map[string][]tls.Certificate{
		"none": nil, "another": {cluster.Stranger(t)}, "by the CA of the webhook's own": {w.ClientByServerCA()},
	} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: certificates}}
		t.Cleanup(transport.CloseIdleConnections)
		response, err := (&http.Client{Transport: transport}).Post(w.URL+"/validate", "application/json", strings.NewReader(review("{}")))
		if err == nil {
			_ = response.Body.Close()
			t.Errorf("certificate %s: answered with %s", name, response.Status)
			continue
		}
		want(t, "the error with certificate "+name, err.Error(), "remote error: tls: ")
	}
}

// TestTheCertificateIsShownToPodfenceAlone asks the API server's own code what it
// shows to whom, with the shipped kubeconfig and the Service that the manifests
// register, at its port 443.
func TestTheCertificateIsShownToPodfenceAlone(t *testing.T) {
	folder, err := filepath.Abs(filepath.Join(deploy, "client-ca", "api-server"))
	if err != nil {
		t.Fatal(err)
	}
	resolver, err := apiserverwebhook.NewDefaultAuthenticationInfoResolver(filepath.Join(folder, "kubeconfig.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	registered := 0
	for _, object := range render(t, "cert-manager", nil) {
		webhooks, _, _ := unstructured.NestedSlice(object.Object, "webhooks")
		for _, webhook := range webhooks {
			registered++
			service, _, _ := unstructured.NestedStringMap(webhook.(map[string]any), "clientConfig", "service")
			shown, err := resolver.ClientConfigForService(service["name"], service["namespace"], 443)
			if err != nil {
				t.Fatal(err)
			}
			if shown.CertFile != filepath.Join(folder, "client.crt") || shown.KeyFile != filepath.Join(folder, "client.key") {
				t.Errorf("%s in %s is shown %q with the key %q", service["name"], service["namespace"], shown.CertFile, shown.KeyFile)
			}
			if _, given := service["port"]; given {
				t.Error("the registration names a port, and the kubeconfig none")
			}
		}
	}
	if registered != 4 {
		t.Errorf("%d webhooks, want 4", registered)
	}
	for name, namespace := range map[string]string{"another": "podfence-system", "podfence-webhook": "shop"} {
		if shown, err := resolver.ClientConfigForService(name, namespace, 443); err != nil || shown.CertFile != "" {
			t.Errorf("%s in %s is shown the certificate too (%v)", name, namespace, err)
		}
	}
}

// TestKubeadmStartsTheAPIServerWithTheShippedFiles decodes the shipped configuration
// as kubeadm does: the flag names a file of the folder that is mounted, and that
// file another.
func TestKubeadmStartsTheAPIServerWithTheShippedFiles(t *testing.T) {
	folder := filepath.Join(deploy, "client-ca", "api-server")
	read := func(name string, into any) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict(text, into); err != nil {
			t.Fatal(err)
		}
	}
	var kubeadm kubeadmv1beta4.ClusterConfiguration
	read("kubeadm.yaml", &kubeadm)
	const mounted = "/etc/kubernetes/podfence"
	want := kubeadmv1beta4.ClusterConfiguration{TypeMeta: metav1.TypeMeta{APIVersion: kubeadmv1beta4.SchemeGroupVersion.String(), Kind: "ClusterConfiguration"}}
	want.APIServer.ExtraArgs = []kubeadmv1beta4.Arg{{Name: "admission-control-config-file", Value: mounted + "/admission-configuration.yaml"}}
	want.APIServer.ExtraVolumes = []kubeadmv1beta4.HostPathMount{{Name: "podfence", HostPath: mounted, MountPath: mounted, ReadOnly: true, PathType: corev1.HostPathDirectory}}
	if diff := cmp.Diff(want, kubeadm); diff != "" {
		t.Errorf("for kubeadm (-want +got):\n%s", diff)
	}
	var admission apiserverv1.AdmissionConfiguration
	read("admission-configuration.yaml", &admission)
	var plugins []string
	for _, plugin := range admission.Plugins {
		plugins = append(plugins, plugin.Name)
		if raw := string(plugin.Configuration.Raw); !strings.Contains(raw, `"kubeConfigFile":"`+mounted+`/kubeconfig.yaml"`) {
			t.Errorf("%s is configured as %s", plugin.Name, raw)
		}
	}
	if want := []string{"MutatingAdmissionWebhook", "ValidatingAdmissionWebhook"}; !slices.Equal(plugins, want) {
		t.Errorf("the plugins are %q, want %q", plugins, want)
	}
}

// TestTheManifestsForCertManagerAskForItsCertificate builds deploy/cert-manager, and
// client-ca over it: every webhook gets its CA, and the Deployment mounts what it
// issues. There is no cert-manager here to apply it to.
func TestTheManifestsForCertManagerAskForItsCertificate(t *testing.T) {
	overlay, err := os.ReadFile(filepath.Join(deploy, "client-ca", "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const byHand, instead = "  - ../by-hand # or ../cert-manager\n", "  - ../cert-manager\n"
	if bytes.Count(overlay, []byte(byHand)) != 1 {
		t.Fatalf("client-ca does not say how it is built over cert-manager: %s", overlay)
	}
	for _, row := range []struct {
		folder    string
		files     map[string][]byte
		clients   string // the ConfigMap with the CA of clients
		flags     []string
		configMap int
	}{
		{"cert-manager", nil, "", nil, 1},
		{"client-ca", map[string][]byte{
			"client-ca/kustomization.yaml": bytes.ReplaceAll(overlay, []byte(byHand), []byte(instead)),
			"client-ca/client-ca.crt":      []byte("any"),
		}, "podfence-webhook-client-ca", []string{"--client-ca=client-ca.crt"}, 2},
	} {
		t.Run(row.folder, func(t *testing.T) {
			kinds := map[string]int{}
			var issued, mounted, clients string
			for _, object := range render(t, row.folder, row.files) {
				kinds[object.GetKind()]++
				switch object.GetKind() {
				case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
					if from := object.GetAnnotations()["cert-manager.io/inject-ca-from"]; from != "podfence-system/podfence-webhook" {
						t.Errorf("%s gets the CA of %q", object.GetKind(), from)
					}
				case "Certificate":
					if object.GetName() == "podfence-webhook" {
						issued, _, _ = unstructured.NestedString(object.Object, "spec", "secretName")
					}
				case "Deployment":
					var deployment appsv1.Deployment
					if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &deployment, true); err != nil {
						t.Fatal(err)
					}
					mounted, clients = certificateSources(&deployment.Spec.Template.Spec)
					args := deployment.Spec.Template.Spec.Containers[0].Args
					if want := append([]string{"--policies=/etc/podfence/policies", "--cert-dir=/etc/podfence/tls"}, row.flags...); !slices.Equal(args, want) {
						t.Errorf("the flags are %q, want %q", args, want)
					}
				}
				if namespace := object.GetNamespace(); namespace != "podfence-system" && namespace != "" {
					t.Errorf("%s %s is in %q", object.GetKind(), object.GetName(), namespace)
				}
			}
			if issued == "" || issued != mounted || clients != row.clients {
				t.Errorf("%q is issued, and %q is mounted with %q, want %q", issued, mounted, clients, row.clients)
			}
			want := map[string]int{"Namespace": 1, "ResourceQuota": 1, "ServiceAccount": 1, "ClusterRole": 1, "ClusterRoleBinding": 1, "ConfigMap": row.configMap, "Service": 1, "Deployment": 1,
				"PodDisruptionBudget": 1, "NetworkPolicy": 1, "MutatingWebhookConfiguration": 1, "ValidatingWebhookConfiguration": 1, "Issuer": 2, "Certificate": 2}
			if diff := cmp.Diff(want, kinds); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
		})
	}
}

// deploy are the shipped manifests.
var deploy = filepath.Join("..", "..", "examples", "webhook", "deploy")

// byHand are the certificates that the folder by-hand wants.
func byHand(w *cluster.Webhook) map[string][]byte {
	files := map[string][]byte{}
	for name, text := range w.Certificate() {
		files["by-hand/"+name] = text
	}
	return files
}

// render builds a folder of deploy, with more or other files.
func render(t *testing.T, folder string, more map[string][]byte) []*unstructured.Unstructured {
	t.Helper()
	files := filesys.MakeFsInMemory()
	write := func(name string, text []byte) {
		if err := files.WriteFile(name, text); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(deploy, "*", "*.yaml"))
	if err != nil || len(names) < 10 {
		t.Fatalf("%d manifests, %v", len(names), err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(deploy, name)
		if err != nil {
			t.Fatal(err)
		}
		write(rel, text)
	}
	for name, text := range more {
		write(name, text)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, folder)
	if err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for _, resource := range built.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &object.Object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}

// installer applies objects as kubectl does. The Service leads to the replica,
// which is on loopback and on no node.
type installer struct {
	t       *testing.T
	c       *cluster.Cluster
	groups  []*restmapper.APIGroupResources
	address *url.URL
}

func discover(t *testing.T, config *rest.Config) []*restmapper.APIGroupResources {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := restmapper.GetAPIGroupResources(client)
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

func address(t *testing.T, w *cluster.Webhook) *url.URL {
	t.Helper()
	address, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// apply applies the objects, the registration with them or not, and says how many.
func (in installer) apply(objects []*unstructured.Unstructured, registration bool) (n int) {
	in.t.Helper()
	client, err := dynamic.NewForConfig(in.c.Config)
	if err != nil {
		in.t.Fatal(err)
	}
	mapper := restmapper.NewDiscoveryRESTMapper(in.groups)
	for _, object := range objects {
		if !registration && object.GetLabels()["app.kubernetes.io/component"] == "registration" {
			continue
		}
		object = object.DeepCopy()
		in.lead(object)
		kind := object.GroupVersionKind()
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			in.t.Fatal(err)
		}
		resource := client.Resource(mapping.Resource).Namespace(object.GetNamespace())
		options := metav1.ApplyOptions{FieldManager: "e2e", Force: true}
		if _, err := resource.Apply(context.Background(), object.GetName(), object, options); err != nil {
			in.t.Fatalf("%s %s: %v", kind.Kind, object.GetName(), err)
		}
		n++
	}
	return n
}

// lead points the Service, and the port by which the webhooks name it, to the replica.
func (in installer) lead(object *unstructured.Unstructured) {
	switch object.GetKind() {
	case "Service":
		object.Object["spec"] = map[string]any{"type": "ExternalName", "externalName": "localhost"}
	case "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration":
		var port int64
		if _, err := fmt.Sscan(in.address.Port(), &port); err != nil {
			in.t.Fatal(err)
		}
		for _, webhook := range object.Object["webhooks"].([]any) {
			config := webhook.(map[string]any)["clientConfig"].(map[string]any)
			config["service"].(map[string]any)["port"] = port
		}
	}
}
