package e2e

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/e2e/cluster"
)

// TestTheShippedManifestsInstallAndSuffice applies what the webhook's README
// applies, in its order: the pods of the controller are accepted where Pod
// Security Admission enforces restricted, a replica with the flags of the
// Deployment and no rights but those of its service account becomes ready, and
// the API server reaches it by the name of its Service and trusts it by the CA
// of the Secret. There is no node, so that the test stands in for the kubelet.
func TestTheShippedManifestsInstallAndSuffice(t *testing.T) {
	ctx := context.Background()
	c := cluster.Start(t, binaries, cluster.Options{})
	w := c.NewWebhook()
	objects := render(t, "by-hand", w.Certificate())
	install := installer{t, c, discover(t, c.Config), address(t, w)}

	if n := install.apply(objects, false); n != 10 {
		t.Fatalf("%d objects beside the registration, want 10: count again", n)
	}
	cluster.Eventually(t, "the pods of the Deployment", func(ctx context.Context) (bool, error) {
		list, err := c.Client.CoreV1().Pods("podfence-system").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=podfence-webhook"})
		return err == nil && len(list.Items) == 3, err
	})

	token, err := c.Client.CoreV1().ServiceAccounts("podfence-system").CreateToken(ctx, "podfence-webhook", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	deployment, err := c.Client.AppsV1().Deployments("podfence-system").Get(ctx, "podfence-webhook", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w.StartAs(token.Status.Token, deployment.Spec.Template.Spec.Containers[0].Args)
	if n := install.apply(objects, true); n != 12 {
		t.Fatalf("%d objects, want 12: count again", n)
	}
	waitForWebhook(t, c)

	t.Run("raising a level warns of the pods that run", func(t *testing.T) {
		namespace(t, c, "raised", nil)
		running := pod("raised", "running", func(p *corev1.Pod) { p.Spec.HostNetwork = true })
		if _, err := c.Client.CoreV1().Pods("raised").Create(ctx, running, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		client, warnings := warned(t, c)
		raise := []byte(`{"metadata":{"labels":{"podfence.dev/enforce":"baseline"}}}`)
		if _, err := client.CoreV1().Namespaces().Patch(ctx, "raised", "application/merge-patch+json", raise, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, "the warning", warnings.all(), "running: host namespaces")
	})
	t.Run("its rights end there", func(t *testing.T) {
		config := rest.CopyConfig(c.Config)
		config.BearerToken = token.Status.Token
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

// TestTheManifestsForCertManagerAskForItsCertificate builds deploy/cert-manager:
// every webhook gets its CA, and the Deployment mounts what it issues. There is
// no cert-manager here to apply it to.
func TestTheManifestsForCertManagerAskForItsCertificate(t *testing.T) {
	kinds := map[string]int{}
	var issued, mounted string
	for _, object := range render(t, "cert-manager", nil) {
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
			mounted = mountedSecret(object)
		}
		if namespace := object.GetNamespace(); namespace != "podfence-system" && namespace != "" {
			t.Errorf("%s %s is in %q", object.GetKind(), object.GetName(), namespace)
		}
	}
	if issued == "" || issued != mounted {
		t.Errorf("%q is issued, and %q is mounted", issued, mounted)
	}
	want := map[string]int{"Namespace": 1, "ServiceAccount": 1, "ClusterRole": 1, "ClusterRoleBinding": 1, "ConfigMap": 1, "Service": 1, "Deployment": 1,
		"PodDisruptionBudget": 1, "NetworkPolicy": 1, "MutatingWebhookConfiguration": 1, "ValidatingWebhookConfiguration": 1, "Issuer": 2, "Certificate": 2}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// mountedSecret is the last Secret among the volumes of a Deployment.
func mountedSecret(deployment *unstructured.Unstructured) (name string) {
	volumes, _, _ := unstructured.NestedSlice(deployment.Object, "spec", "template", "spec", "volumes")
	for _, volume := range volumes {
		if secret, found, _ := unstructured.NestedString(volume.(map[string]any), "secret", "secretName"); found {
			name = secret
		}
	}
	return name
}

// render builds a folder of deploy, with more files in it.
func render(t *testing.T, folder string, more map[string][]byte) []*unstructured.Unstructured {
	t.Helper()
	deploy := filepath.Join("..", "..", "examples", "webhook", "deploy")
	files := filesys.MakeFsInMemory()
	for _, pattern := range []string{"base/*.yaml", "policies/*.yaml", folder + "/*.yaml"} {
		names, err := filepath.Glob(filepath.Join(deploy, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(names), err)
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
			if err := files.WriteFile(rel, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range more {
		if err := files.WriteFile(folder+"/"+name, text); err != nil {
			t.Fatal(err)
		}
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
