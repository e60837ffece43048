package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/examples/crd"
	"github.com/podfence/podfence/internal/e2e/cluster"
)

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// specs are what somebody writes under spec of a PodPolicy, and what the API server
// says of it; nothing, where it stores it.
var specs = []struct{ name, why, spec, says string }{
	{"word", "runAsUser may be a word", `{allow: {runAsUser: RunAsAny}}`, ""},
	{"block", "or a block", `{allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 400, max: 400}]}}}`, ""},
	{"empty-block", "in which nothing need stand", `{allow: {runAsUser: {}}}`, ""},
	{"groups", "other rules are blocks", `{allow: {fsGroup: {rule: MayRunAs, ranges: [{min: 1, max: 2}]}, supplementalGroups: {policy: Strict}}, mutations: {supplementalGroups: []}}`, ""},
	{"no-user", "null is no value, and dropped", `{allow: {runAsUser: null}}`, ""},
	{"paths", "paths of both systems", `{allow: {allowedHostPaths: [{pathPrefix: /var/log, readOnly: true, recursiveReadOnly: true, types: [Directory]}, {pathPrefix: 'C:\var\lib'}]}}`, ""},
	{"no-groups", "the word for none, beside a number", `{allow: {userNamespace: Required}, mutations: {runAsGroup: none, fsGroup: 0, fsGroupChangePolicy: OnRootMismatch}}`, ""},

	{"containers", "an entry for single containers", `{containers: [{kinds: [init], images: ["docker.io/istio/proxyv2:*"], allow: {runAsUser: RunAsAny, allowedCapabilities: [NET_ADMIN]}, mutations: {runAsGroup: none}}]}`, ""},

	{"kind", "no container is of it", `{containers: [{kinds: [main], allow: {privileged: true}}]}`, "spec.containers[0].kinds[0]"},
	{"every-container", "an entry must say of which it is", `{containers: [{allow: {privileged: true}}]}`, "one of names, images, kinds must be given"},
	{"user-of-an-entry", "no client could decode it", `{containers: [{kinds: [init], allow: {runAsUser: 5}}]}`, "spec.containers[0].allow.runAsUser"},
	{"misspelt-none", "no client could decode it", `{mutations: {fsGroup: None}}`, "spec.mutations.fsGroup"},
	{"negative-group", "it would be none to a client", `{mutations: {runAsGroup: -1}}`, "spec.mutations.runAsGroup"},
	{"group-as-text", "IDs are numbers", `{mutations: {fsGroup: "400"}}`, "spec.mutations.fsGroup"},
	{"change-policy", "Always is no value to fill", `{mutations: {fsGroupChangePolicy: Always}}`, "spec.mutations.fsGroupChangePolicy"},
	{"user-namespace", "there is one word", `{allow: {userNamespace: Demanded}}`, "spec.allow.userNamespace"},
	{"number", "a user's ID is no rule", `{allow: {runAsUser: 400}}`, "spec.allow.runAsUser"},
	{"boolean", "it is no word", `{allow: {runAsUser: true}}`, "spec.allow.runAsUser"},
	{"list", "it is no block", `{allow: {runAsUser: [RunAsAny]}}`, "spec.allow.runAsUser"},
	{"empty-list", "nor is this", `{allow: {runAsUser: []}}`, "spec.allow.runAsUser"},
	{"other-word", "MayRunAs is for groups", `{allow: {runAsUser: MayRunAs}}`, "spec.allow.runAsUser"},
	{"empty-word", "a template may leave it so", `{allow: {runAsUser: ""}}`, "spec.allow.runAsUser"},
	{"word-without-ranges", "MustRunAs has some", `{allow: {runAsUser: MustRunAs}}`, "spec.allow.runAsUser"},
	{"rule-without-ranges", "MustRunAs has some", `{allow: {runAsUser: {rule: MustRunAs}}}`, "spec.allow.runAsUser"},
	{"ranges-without-rule", "nobody knows which", `{allow: {runAsUser: {ranges: [{min: 1, max: 2}]}}}`, "spec.allow.runAsUser"},
	{"ranges-too-many", "RunAsAny has none", `{allow: {runAsUser: {rule: RunAsAny, ranges: [{min: 1, max: 2}]}}}`, "spec.allow.runAsUser"},
	{"unknown-key", "the block is closed, also to clients that do not validate", `{allow: {runAsUser: {rule: RunAsAny, rnages: []}}}`, "spec.allow.runAsUser"},
	{"half-a-range", "both ends are demanded", `{allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 1}]}}}`, "max: Required value"},
	{"range-of-texts", "IDs are numbers", `{allow: {runAsUser: {rule: MustRunAs, ranges: [{min: "1", max: "2"}]}}}`, "spec.allow.runAsUser.ranges[0].min"},
	{"fraction", "IDs are whole", `{allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 1.5, max: 2}]}}}`, "spec.allow.runAsUser.ranges[0].min"},
	{"null-ranges", "dropped, so that none are left", `{allow: {runAsUser: {rule: MustRunAs, ranges: null}}}`, "spec.allow.runAsUser"},
	{"null-range", "it is no block", `{allow: {runAsUser: {rule: MustRunAs, ranges: [null]}}}`, "spec.allow.runAsUser.ranges[0]"},

	{"backwards", "CEL compares", `{allow: {fsGroup: {rule: MustRunAs, ranges: [{min: 2, max: 1}]}}}`, "min is above max"},
	{"group-without-ranges", "CEL asks for them", `{allow: {runAsGroup: {rule: MustRunAs}}}`, "rule MustRunAs or MayRunAs needs ranges"},
	{"selects-all", "a policy must select", `{podSelectorLabels: {}}`, "one of podSelectorLabels, podSelectorExpressions, default must be given"},
	{"bad-label", "no pod has it", `{podSelectorLabels: {a b: web}}`, "no label key"},
	{"writable", "recursively read-only is read-only", `{allow: {allowedHostPaths: [{pathPrefix: /foo, recursiveReadOnly: true}]}}`, "recursiveReadOnly needs readOnly"},
	{"unclean", "a path with dots", `{allow: {allowedHostPaths: [{pathPrefix: /a/../b}]}}`, "pathPrefix"},
	{"volume", "no such type", `{allow: {volumes: [configmap]}}`, "Unsupported value: \"configmap\""},
	{"flag", "yes is a text", `{allow: {privileged: "yes"}}`, "spec.allow.privileged"},
}

// TestCRD: the API server takes the definition of examples/crd. What it then stores
// an informer with Go types lists, and each object that would have broken the list
// for all it refuses, whatever the client validates.
func TestCRD(t *testing.T) {
	c := cluster.Start(t, binaries, cluster.Options{})
	client, err := dynamic.NewForConfig(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	define(t, client)
	namespace(t, c, "networking", nil)

	good := map[string]bool{}
	for _, row := range specs {
		_, err := client.Resource(crd.Resource).Namespace("networking").Create(context.Background(), podPolicy(t, row.name, row.spec),
			metav1.CreateOptions{FieldValidation: metav1.FieldValidationIgnore})
		if row.says != "" {
			turnedDown(t, row.name, err, row.says)
		} else if err != nil {
			t.Errorf("%s is refused, though %s: %v", row.name, row.why, err)
		}
		good[row.name] = row.says == ""
	}
	// kubectl asks for strict validation, and so a misspelt key anywhere is refused.
	_, err = client.Resource(crd.Resource).Namespace("networking").Create(context.Background(), podPolicy(t, "misspelt", `{allow: {privileges: true}}`),
		metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	turnedDown(t, "misspelt", err, `unknown field "spec.allow.privileges"`)

	listed := inform(t, c)
	set, wrong := crd.Set(listed...)
	if len(wrong) > 0 {
		t.Errorf("what was stored is wrong: %v", wrong)
	}
	for _, p := range listed {
		if !good[p.Name] {
			t.Errorf("%s was stored: %+v", p.Name, p.Spec)
		}
		delete(good, p.Name)
	}
	for name, stored := range good {
		if stored {
			t.Errorf("the informer does not list %s", name)
		}
	}
	if set.Len() != 8 {
		t.Errorf("%d policies are in force, want 8", set.Len())
	}
	update(t, client, listed)
}

// turnedDown: the server finds an object wrong, and says where.
func turnedDown(t *testing.T, name string, err error, says string) {
	t.Helper()
	if !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
		t.Errorf("%s: want an error about the object, got %v", name, err)
		return
	}
	want(t, "the answer about "+name, err.Error(), says)
}

// define creates the definition and waits until its objects are served.
func define(t *testing.T, client dynamic.Interface) {
	t.Helper()
	var definition unstructured.Unstructured
	if err := yaml.Unmarshal(example(t, "crd", "podpolicies.yaml"), &definition.Object); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Resource(definitions).Create(context.Background(), &definition, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	cluster.Eventually(t, "the definition is in force", func(ctx context.Context) (bool, error) {
		_, err := client.Resource(crd.Resource).Namespace("default").List(ctx, metav1.ListOptions{})
		return err == nil, err
	})
}

// podPolicy is an object with a spec, which gets a selector if it has none.
func podPolicy(t *testing.T, name, text string) *unstructured.Unstructured {
	t.Helper()
	spec := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &spec); err != nil {
		t.Fatal(err)
	}
	if spec["podSelectorLabels"] == nil {
		spec["podSelectorLabels"] = map[string]any{"app": name}
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": crd.GroupVersion.String(), "kind": "PodPolicy", "metadata": map[string]any{"name": name}, "spec": spec,
	}}
}

// inform lists the objects as a controller does: by an informer, with Go types.
func inform(t *testing.T, c *cluster.Cluster) (listed []*crd.PodPolicy) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := crd.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(c.Config)
	config.APIPath, config.GroupVersion = "/apis", &crd.GroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	informer := cache.NewSharedIndexInformer(
		cache.NewListWatchFromClient(client, crd.Resource.Resource, metav1.NamespaceAll, fields.Everything()), &crd.PodPolicy{}, 0, cache.Indexers{})
	var failed error
	if err := informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) { failed = err }); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { informer.Run(ctx.Done()); close(ended) }()
	defer func() { cancel(); <-ended }()
	cluster.Eventually(t, "the informer has listed the objects", func(context.Context) (bool, error) { return informer.HasSynced(), nil })
	for _, o := range informer.GetStore().List() {
		listed = append(listed, o.(*crd.PodPolicy))
	}
	cancel()
	<-ended
	if failed != nil {
		t.Errorf("the informer failed meanwhile: %v", failed)
	}
	return listed
}

// update writes each object back as Go marshals it, which the server takes.
func update(t *testing.T, client dynamic.Interface, listed []*crd.PodPolicy) {
	t.Helper()
	for _, p := range listed {
		p.APIVersion, p.Kind = crd.GroupVersion.String(), "PodPolicy"
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var object unstructured.Unstructured
		if err := json.Unmarshal(data, &object.Object); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Resource(crd.Resource).Namespace(p.Namespace).Update(context.Background(), &object, metav1.UpdateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
			t.Errorf("%s as Go writes it is refused: %v\n%s", p.Name, err, strings.TrimSpace(fmt.Sprint(string(data))))
		}
	}
}
