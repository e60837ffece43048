package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	goversion "go/version"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
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
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// documents are the documents of a YAML file.
func documents(t *testing.T, text []byte) (all [][]byte) {
	t.Helper()
	for decoder := utilyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text))); ; {
		document := make([]byte, len(text))
		n, err := decoder.Read(document)
		if err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, document[:n])
	}
}

// manifests are the objects of deploy/base, decoded strictly.
func manifests(t *testing.T) []runtime.Object {
	t.Helper()
	return decoded(t, func(text []byte) []byte { return text })
}

// uncommented are the objects of deploy/base as they are once every line that is
// there as an example has been uncommented.
func uncommented(t *testing.T) []runtime.Object {
	t.Helper()
	example := regexp.MustCompile(`(?m)^( +)# (- .*|from:|  .*)$`)
	return decoded(t, func(text []byte) []byte { return example.ReplaceAll(text, []byte("$1$2")) })
}

// decoded are the objects of deploy/base after a change of each file's text.
func decoded(t *testing.T, change func([]byte) []byte) []runtime.Object {
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
		for _, document := range documents(t, change(read(t, name))) {
			object, _, err := decoder.Decode(document, nil, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			objects = append(objects, object)
		}
	}
	if len(objects) != 11 {
		t.Errorf("%d objects, want 11: count again", len(objects))
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
	return findIn[T](t, manifests(t))
}

func findIn[T runtime.Object](t *testing.T, objects []runtime.Object) (found T) {
	t.Helper()
	n := 0
	for _, object := range objects {
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
		{"nodes", "a node with Windows cannot run it", pod.Spec.NodeSelector[corev1.LabelOSStable] == string(corev1.Linux)},
		{"root file system", "the webhook writes nothing", *container.SecurityContext.ReadOnlyRootFilesystem},
		{"network", "who may reach it, and whom it may reach, is written down", selects(&network.Spec.PodSelector) && len(network.Spec.PolicyTypes) == 2},
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
// The manifests name more that may be needed, as comments: once uncommented, they
// are left out by all webhooks alike.
func TestWebhooksCannotLockACluster(t *testing.T) {
	always := []string{"kube-system", "podfence-system"}
	for _, webhook := range webhooks(t, manifests(t)) {
		if webhook.timeout == nil || *webhook.timeout > 10 {
			t.Errorf("%s: timeout %v", webhook.name, webhook.timeout)
		}
		if !reflect.DeepEqual(webhook.leftOut, always) {
			t.Errorf("%s leaves out %v, want %v", webhook.name, webhook.leftOut, always)
		}
	}
	withExamples := webhooks(t, uncommented(t))
	want := withExamples[0].leftOut
	for _, webhook := range withExamples {
		if !reflect.DeepEqual(webhook.leftOut, want) {
			t.Errorf("with its examples %s leaves out %v, and %s %v", webhook.name, webhook.leftOut, withExamples[0].name, want)
		}
	}
	if !reflect.DeepEqual(want[:len(always)], always) {
		t.Errorf("%v are left out with the examples, want %v first", want, always)
	}
	for _, kind := range []struct{ why, example string }{
		{"the pod network", "calico-system"},
		{"storage", "longhorn-system"},
		{"the certificate of the replicas", "cert-manager"},
		{"another webhook, which is asked about the pods of replicas", "gatekeeper-system"},
		{"the cloud's own", "gke-managed-system"},
	} {
		if !slices.Contains(want, kind.example) {
			t.Errorf("no example for %s: %s", kind.why, kind.example)
		}
	}
	for _, name := range want {
		if errs := validation.IsDNS1123Label(name); len(errs) > 0 {
			t.Errorf("%q is no name of a namespace: %v", name, errs)
		}
		if slices.Contains([]string{"kube-public", "kube-node-lease", "default"}, name) {
			t.Errorf("%s is left out, where nothing must start and anything could be hidden", name)
		}
	}
}

// registeredWebhook is what the two kinds of webhook have in common here.
type registeredWebhook struct {
	name    string
	timeout *int32
	leftOut []string
}

// webhooks are all webhooks that the objects register.
func webhooks(t *testing.T, objects []runtime.Object) (all []registeredWebhook) {
	t.Helper()
	add := func(name string, timeout *int32, namespaces *metav1.LabelSelector) {
		t.Helper()
		if len(namespaces.MatchLabels) > 0 || len(namespaces.MatchExpressions) != 1 || namespaces.MatchExpressions[0].Operator != metav1.LabelSelectorOpNotIn ||
			namespaces.MatchExpressions[0].Key != corev1.LabelMetadataName {
			t.Fatalf("%s selects namespaces otherwise than by those it leaves out: %v", name, namespaces)
		}
		all = append(all, registeredWebhook{name, timeout, namespaces.MatchExpressions[0].Values})
	}
	for _, w := range findIn[*admissionregistrationv1.MutatingWebhookConfiguration](t, objects).Webhooks {
		add(w.Name, w.TimeoutSeconds, w.NamespaceSelector)
	}
	for _, w := range findIn[*admissionregistrationv1.ValidatingWebhookConfiguration](t, objects).Webhooks {
		add(w.Name, w.TimeoutSeconds, w.NamespaceSelector)
	}
	if len(all) != 4 {
		t.Fatalf("%d webhooks, want 4", len(all))
	}
	return all
}

// TestNetworkPolicySaysWhatItDoes holds the comment of the manifest: the port of the
// webhook is open to everybody, that of the metrics to one namespace, no other port
// to anybody; and the sources that the comment shows narrow the first alone.
func TestNetworkPolicySaysWhatItDoes(t *testing.T) {
	ports := func(numbers ...any) (list []networkingv1.NetworkPolicyPort) {
		for _, number := range numbers {
			port := networkingv1.NetworkPolicyPort{}
			switch n := number.(type) {
			case string:
				name := intstr.FromString(n)
				port.Port = &name
			case int:
				value := intstr.FromInt(n)
				port.Port = &value
			}
			list = append(list, port)
		}
		return list
	}
	udp, tcp := corev1.ProtocolUDP, corev1.ProtocolTCP
	egress := ports(53, 53, 443, 6443)
	egress[0].Protocol, egress[1].Protocol = &udp, &tcp
	monitoring := []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "monitoring"}}}}
	want := networkingv1.NetworkPolicySpec{
		PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": "podfence-webhook"}},
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		Ingress:     []networkingv1.NetworkPolicyIngressRule{{Ports: ports("webhook")}, {Ports: ports("metrics"), From: monitoring}},
		Egress:      []networkingv1.NetworkPolicyEgressRule{{Ports: egress}},
	}
	if got := find[*networkingv1.NetworkPolicy](t).Spec; !reflect.DeepEqual(got, want) {
		t.Errorf("the policy is %+v,\nits comment says %+v", got, want)
	}
	want.Ingress[0].From = []networkingv1.NetworkPolicyPeer{
		{IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.10/32"}},
		{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "kube-system"}},
			PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"k8s-app": "konnectivity-agent"}},
		},
	}
	if got := findIn[*networkingv1.NetworkPolicy](t, uncommented(t)).Spec; !reflect.DeepEqual(got, want) {
		t.Errorf("with its example the policy is %+v,\nwant %+v", got, want)
	}
}

// TestQuotaLetsTheReplicasRun: some clusters admit pods of the Deployment's priority
// class only to namespaces with a quota for it, which must have room for a rollout.
func TestQuotaLetsTheReplicasRun(t *testing.T) {
	d := find[*appsv1.Deployment](t)
	quota := find[*corev1.ResourceQuota](t).Spec
	want := &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{{
		ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: corev1.ScopeSelectorOpIn, Values: []string{d.Spec.Template.Spec.PriorityClassName},
	}}}
	if !reflect.DeepEqual(quota.ScopeSelector, want) || len(quota.Scopes) > 0 || len(quota.Hard) != 1 {
		t.Errorf("the quota is %+v, want one for the class of the Deployment alone: %+v", quota, want)
	}
	// Pods that end are counted until they have: all may be there twice.
	rollout := 2*int64(*d.Spec.Replicas) + int64(d.Spec.Strategy.RollingUpdate.MaxSurge.IntValue())
	if pods := quota.Hard.Pods().Value(); pods < rollout || pods > 2*rollout {
		t.Errorf("%d pods, want room for the %d of a rollout and not much more", pods, rollout)
	}
}

// fixedGo is the first Go that the image may be built with: clients can crash the
// HTTP/2 server of those before 1.26.9 (GO-2026-6617), and 1.26.10 is what was tried.
const fixedGo = "go1.26.10"

// TestImage: what the Dockerfile promises. That it builds is tried in internal/e2e.
func TestImage(t *testing.T) {
	var stages [][]string // the instructions of each, without what stands before the first
	arguments := map[string]string{}
	for line := range strings.Lines(string(read(t, "Dockerfile"))) {
		line = strings.TrimSpace(line)
		instruction, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasSuffix(line, `\`):
			t.Fatalf("this test reads an instruction a line: %s", line)
		case instruction == "FROM":
			stages = append(stages, []string{line})
		case len(stages) > 0:
			stages[len(stages)-1] = append(stages[len(stages)-1], line)
		case instruction == "ARG":
			name, value, _ := strings.Cut(rest, "=")
			arguments[name] = value
		}
	}
	if len(stages) != 2 {
		t.Fatalf("%d stages, want 2", len(stages))
	}
	build, image := stages[0], stages[1]

	toolchain := "go" + arguments["GO_VERSION"]
	if !goversion.IsValid(toolchain) || goversion.Compare(toolchain, fixedGo) < 0 {
		t.Errorf("%s builds the image, want %s or later", toolchain, fixedGo)
	}
	var module struct {
		Go        string
		Toolchain *struct{ Name string }
	}
	if text, err := exec.Command("go", "mod", "edit", "-json").Output(); err != nil || json.Unmarshal(text, &module) != nil {
		t.Fatal(err)
	}
	if goversion.Compare(toolchain, "go"+module.Go) < 0 {
		t.Errorf("%s builds the image, and go.mod wants %s", toolchain, module.Go)
	}
	if module.Toolchain != nil && goversion.Compare(toolchain, module.Toolchain.Name) < 0 {
		t.Errorf("%s builds the image, and go.mod wants %s", toolchain, module.Toolchain.Name)
	}
	if build[0] != "FROM --platform=$BUILDPLATFORM golang:${GO_VERSION} AS build" || !slices.Contains(build, "ENV GOTOOLCHAIN=local CGO_ENABLED=0") {
		t.Errorf("it is not built by the Go of its argument, without C: %q", build)
	}
	for _, flag := range []string{"-trimpath", "-buildvcs=false", "-buildid="} {
		if !strings.Contains(build[len(build)-1], flag) {
			t.Errorf("built without %s, the same source gives other bytes elsewhere: %s", flag, build[len(build)-1])
		}
	}
	// The user is a number, for runAsNonRoot, and the one of the Deployment.
	pod := find[*appsv1.Deployment](t).Spec.Template.Spec.SecurityContext
	if want := []string{
		"FROM scratch", "COPY --from=build /webhook /webhook", fmt.Sprintf("USER %d:%d", *pod.RunAsUser, *pod.RunAsGroup), `ENTRYPOINT ["/webhook"]`,
	}; *pod.RunAsUser == 0 || !slices.Equal(image, want) {
		t.Errorf("the image is %q, want %q", image, want)
	}
}

// TestTheREADMENamesWhatIsThere: its commands are run in the root of the repository,
// and its sentences speak of folders beside it.
func TestTheREADMENamesWhatIsThere(t *testing.T) {
	const copied = "examples/webhook/deploy/policies/route-manager.yaml" // by its reader
	named := map[string]bool{}
	for _, path := range regexp.MustCompile(`\b(examples|deploy)/[\w./-]+\w`).FindAllString(string(read(t, "README.md")), -1) {
		named[strings.TrimPrefix(path, "examples/webhook/")] = true
		if path == copied {
			continue
		}
		if strings.HasPrefix(path, "examples/") {
			path = filepath.Join("..", "..", path)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	for _, folder := range []string{"deploy/by-hand", "deploy/cert-manager", "deploy/client-ca", "deploy/policies"} {
		if !named[folder] {
			t.Errorf("nothing is said of %s", folder)
		}
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
