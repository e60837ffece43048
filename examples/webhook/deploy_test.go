package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
)

// manifests are the objects of deploy/base, decoded strictly.
func manifests(t *testing.T) []runtime.Object {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, rbacv1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme, admissionregistrationv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	files, err := filepath.Glob("deploy/base/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	for _, name := range files {
		if filepath.Base(name) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for documents := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text))); ; {
			document := make([]byte, len(text))
			n, err := documents.Read(document)
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			object, _, err := decoder.Decode(document[:n], nil, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			objects = append(objects, object)
		}
	}
	if len(objects) != 10 {
		t.Errorf("%d objects, want 10: count again", len(objects))
	}
	return objects
}

// TestOwnPodsAreRestricted: the pods of the controller need no exception, and
// nothing of them would be filled in that a reader of the manifest cannot see.
func TestOwnPodsAreRestricted(t *testing.T) {
	found := 0
	for _, object := range manifests(t) {
		d, ok := object.(*appsv1.Deployment)
		if !ok {
			continue
		}
		found++
		lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
		if r := evaluate.Template("podfence-system", &d.Spec.Template, lv, policy.Set{}); !r.Allowed() {
			t.Errorf("%s: %s", d.Name, r.Message())
		}
		c := d.Spec.Template.Spec.Containers[0]
		if *d.Spec.Replicas < 3 || c.Resources.Requests == nil || c.Resources.Limits == nil || c.ReadinessProbe == nil || c.LivenessProbe == nil {
			t.Errorf("%s lacks replicas, resources or probes", d.Name)
		}
	}
	if found != 1 {
		t.Errorf("%d Deployments, want 1", found)
	}
}

// find is the one object of its type in deploy/base.
func find[T runtime.Object](t *testing.T) (found T) {
	t.Helper()
	n := 0
	for _, object := range manifests(t) {
		if o, ok := object.(T); ok {
			found = o
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%d objects of type %T, want 1", n, found)
	}
	return found
}

// TestManifests: what the manifests promise beyond what a server checks.
func TestManifests(t *testing.T) {
	d := find[*appsv1.Deployment](t)
	pod := d.Spec.Template
	container := pod.Spec.Containers[0]
	selects := func(s *metav1.LabelSelector) bool {
		selector, err := metav1.LabelSelectorAsSelector(s)
		return err == nil && !selector.Empty() && selector.Matches(labels.Set(pod.Labels))
	}
	budget := find[*policyv1.PodDisruptionBudget](t)
	network := find[*networkingv1.NetworkPolicy](t)
	role := find[*rbacv1.ClusterRole](t)
	for _, row := range []struct {
		name, why string
		holds     bool
	}{
		{"selector", "a Deployment must find its own pods", selects(d.Spec.Selector)},
		{"rollout", "a new version must not begin by taking a replica away", d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() == 0},
		{"budget", "a drained node takes one replica at a time, and one that is broken holds up nobody",
			selects(budget.Spec.Selector) && budget.Spec.MaxUnavailable.IntValue() == 1 && *budget.Spec.UnhealthyPodEvictionPolicy == policyv1.AlwaysAllow},
		{"spread", "a zone that fails must not take all replicas; a cluster of one zone must run them all the same",
			len(pod.Spec.TopologySpreadConstraints) == 1 && selects(pod.Spec.TopologySpreadConstraints[0].LabelSelector) && pod.Spec.TopologySpreadConstraints[0].WhenUnsatisfiable == corev1.ScheduleAnyway},
		{"anti-affinity", "nor must a node",
			len(pod.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution) == 1 && selects(pod.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0].PodAffinityTerm.LabelSelector)},
		{"resources", "a replica without requests is the first to be evicted, and one without a limit of memory takes the node's",
			!container.Resources.Requests.Cpu().IsZero() && !container.Resources.Requests.Memory().IsZero() && !container.Resources.Limits.Memory().IsZero()},
		{"drain", "the kubelet must wait for the sleep and for the requests that were begun after it",
			*pod.Spec.TerminationGracePeriodSeconds > container.Lifecycle.PreStop.Sleep.Seconds+int64(shutdownTimeout.Seconds())},
		{"root file system", "the webhook writes nothing", *container.SecurityContext.ReadOnlyRootFilesystem},
		{"network", "who may reach it, and whom it may reach, is written down", selects(&network.Spec.PodSelector) && len(network.Spec.PolicyTypes) == 2 && len(network.Spec.Ingress) > 0 && len(network.Spec.Egress) > 0},
		{"rights", "it reads namespaces and lists pods, and changes nothing", reflect.DeepEqual(role.Rules, []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}},
		})},
	} {
		if !row.holds {
			t.Errorf("%s: %s", row.name, row.why)
		}
	}
}

// TestRegistration: how the API server asks, and what it does without an answer.
func TestRegistration(t *testing.T) {
	type registered struct {
		failure    admissionregistrationv1.FailurePolicyType
		match      admissionregistrationv1.MatchPolicyType
		effects    admissionregistrationv1.SideEffectClass
		conditions []admissionregistrationv1.MatchCondition
		rules      []admissionregistrationv1.RuleWithOperations
	}
	all := map[string]registered{}
	for _, w := range find[*admissionregistrationv1.MutatingWebhookConfiguration](t).Webhooks {
		all[w.Name] = registered{*w.FailurePolicy, *w.MatchPolicy, *w.SideEffects, w.MatchConditions, w.Rules}
		if *w.ReinvocationPolicy != admissionregistrationv1.IfNeededReinvocationPolicy {
			t.Errorf("%s: a container that a later mutator adds is not filled in", w.Name)
		}
	}
	for _, w := range find[*admissionregistrationv1.ValidatingWebhookConfiguration](t).Webhooks {
		all[w.Name] = registered{*w.FailurePolicy, *w.MatchPolicy, *w.SideEffects, w.MatchConditions, w.Rules}
	}
	for name, rules := range map[string]string{
		"mutate.podfence.dev":   "CREATE pods; UPDATE pods/ephemeralcontainers",
		"validate.podfence.dev": "CREATE,UPDATE pods,pods/ephemeralcontainers",
		"warn.podfence.dev": "CREATE,UPDATE podtemplates,replicationcontrollers; CREATE,UPDATE apps/daemonsets,deployments,replicasets,statefulsets; " +
			"CREATE,UPDATE batch/cronjobs,jobs",
		"namespaces.podfence.dev": "CREATE,UPDATE namespaces",
	} {
		w := all[name]
		failure := admissionregistrationv1.Fail
		if name == "warn.podfence.dev" {
			failure = admissionregistrationv1.Ignore // a workload is never refused
		}
		if w.failure != failure || w.match != admissionregistrationv1.Equivalent || w.effects != admissionregistrationv1.SideEffectClassNone || len(w.conditions) == 0 {
			t.Errorf("%s: %+v", name, w)
		}
		if got := ruleText(w.rules); got != rules {
			t.Errorf("%s is asked of %q, want %q", name, got, rules)
		}
	}
}

// ruleText is short for rules: operations, group and resources of each.
func ruleText(rules []admissionregistrationv1.RuleWithOperations) string {
	texts := make([]string, len(rules))
	for i, r := range rules {
		operations := make([]string, len(r.Operations))
		for j, operation := range r.Operations {
			operations[j] = string(operation)
		}
		texts[i] = strings.Join(operations, ",") + " " + strings.TrimPrefix(strings.Join(r.APIGroups, ",")+"/"+strings.Join(r.Resources, ","), "/")
	}
	return strings.Join(texts, "; ")
}

// TestWebhooksCannotLockACluster: what is needed to start a cluster and this
// controller does not ask this controller, and every webhook has a short timeout.
func TestWebhooksCannotLockACluster(t *testing.T) {
	check := func(name string, timeout *int32, excluded []string) {
		t.Helper()
		if timeout == nil || *timeout > 10 {
			t.Errorf("%s: timeout %v", name, timeout)
		}
		if len(excluded) != 2 || excluded[0] != "kube-system" || excluded[1] != "podfence-system" {
			t.Errorf("%s leaves out %v", name, excluded)
		}
	}
	found := 0
	for _, object := range manifests(t) {
		switch o := object.(type) {
		case *admissionregistrationv1.MutatingWebhookConfiguration:
			for _, w := range o.Webhooks {
				found++
				check(w.Name, w.TimeoutSeconds, w.NamespaceSelector.MatchExpressions[0].Values)
			}
		case *admissionregistrationv1.ValidatingWebhookConfiguration:
			for _, w := range o.Webhooks {
				found++
				check(w.Name, w.TimeoutSeconds, w.NamespaceSelector.MatchExpressions[0].Values)
			}
		}
	}
	if found != 4 {
		t.Errorf("%d webhooks, want 4", found)
	}
}

// TestRenewalRefusesNothing: cert-manager tells the API server of a CA before
// replicas have the certificate by it. So the certificate comes from a CA that
// outlives it, and which keeps its key.
func TestRenewalRefusesNothing(t *testing.T) {
	type object struct {
		Kind     string
		Metadata struct{ Name string }
		Spec     struct {
			IsCA       bool
			SecretName string
			DNSNames   []string
			IssuerRef  struct{ Name string }
			PrivateKey struct{ RotationPolicy string }
			CA         struct{ SecretName string }
		}
	}
	text, err := os.ReadFile("deploy/cert-manager/certificate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects := map[string]object{}
	for decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), len(text)); ; {
		var o object
		if err := decoder.Decode(&o); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		objects[o.Kind+"/"+o.Metadata.Name] = o
	}
	serving := objects["Certificate/podfence-webhook"].Spec
	issuer := objects["Issuer/"+serving.IssuerRef.Name].Spec
	ca := objects["Certificate/podfence-ca"].Spec
	if len(objects) != 4 || serving.IsCA || len(serving.DNSNames) == 0 || serving.DNSNames[0] != "podfence-webhook.podfence-system.svc" {
		t.Errorf("%d objects, serving certificate %+v", len(objects), serving)
	}
	if !ca.IsCA || ca.SecretName == "" || issuer.CA.SecretName != ca.SecretName || ca.PrivateKey.RotationPolicy != "Never" {
		t.Errorf("the issuer %+v is not of a CA that keeps its key: %+v", issuer, ca)
	}
}

// TestFlags: levels in upstream's grammar; what is wrong is said with its flag.
func TestFlags(t *testing.T) {
	for _, row := range []struct{ level, want string }{
		{"restricted", "restricted:latest"}, {"baseline:v1.30", "baseline:v1.30"}, {"privileged:latest", "privileged:latest"},
		{"", ""}, {"high", ""}, {"restricted:", ""}, {"restricted:1.30", ""},
	} {
		lv, err := levelVersion(row.level)
		if (err == nil) != (row.want != "") || err == nil && lv.String() != row.want {
			t.Errorf("%q: %v, %v, want %q", row.level, lv, err, row.want)
		}
	}
	o := options{labelPrefix: "podfence.dev/", defaultLevel: "high", defaultAudit: "privileged", defaultWarn: "low"}
	if _, err := o.config(); err == nil || !bytes.Contains([]byte(err.Error()), []byte("--default-level")) || !bytes.Contains([]byte(err.Error()), []byte("--default-warn-level")) {
		t.Errorf("the error names not both flags: %v", err)
	}
	if got := list(" a,b, ,c"); len(got) != 3 {
		t.Errorf("%q", got)
	}
}
