package native_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	k8sscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/admissionregistration"
	"k8s.io/kubernetes/pkg/apis/admissionregistration/validation"
	"k8s.io/kubernetes/pkg/generated/openapi"

	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/policy"
)

// The budgets, beside the limits of the API server.
const (
	mostCost       = 20_000    // of 10,000,000
	mostOfTemplate = 60_000    // of the same; a template is filled in and judged
	mostCodePoints = 90_000    // of 100,000
	mostBytes      = 1_400_000 // etcd takes 1.5 MiB
)

// exported are the policies of examples/policies, and n-2 others of other namespaces.
func exported(t *testing.T, n int) policy.Set {
	t.Helper()
	policies := []policy.Policy{
		{Name: "web", PodSelectorLabels: map[string]string{"app.kubernetes.io/name": "web"}, Allow: policy.Allow{AllowedCapabilities: []string{"NET_ADMIN"}, HostNetworkPorts: true}},
		{
			Name: "shop", Namespace: "shop", PodSelectorLabels: map[string]string{"app.kubernetes.io/part-of": "shop"},
			Allow:     policy.Allow{RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 1000, Max: 2000}}}},
			Mutations: policy.Mutations{RunAsUser: ptr[int64](1000)},
		},
	}
	for i := len(policies); i < n; i++ {
		p := policy.Policy{
			Name: fmt.Sprint("p", i), Namespace: fmt.Sprint("team-", i%250), Reason: "It reads the logs of its node.", Owner: "team-network",
			PodSelectorLabels: map[string]string{"app.kubernetes.io/name": fmt.Sprint("app-", i)},
			Allow: policy.Allow{
				AllowedCapabilities: []string{"NET_ADMIN", "NET_RAW"}, AllowedHostPaths: []policy.HostPath{{PathPrefix: "/var/log", ReadOnly: true}},
				RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 400, Max: 499}}}, FSGroup: policy.GroupRule{Rule: policy.RunAsAny},
			},
			Mutations: policy.Mutations{RunAsUser: ptr[int64](400)},
		}
		policies = append(policies, p)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// restrictedNamespace is one at restricted in each way.
func restrictedNamespace(name string) *corev1.Namespace {
	labels := map[string]string{corev1.LabelMetadataName: name}
	for _, way := range []string{"enforce", "audit", "warn"} {
		labels["podfence.dev/"+way] = "restricted"
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

// costs is what a request takes of the budget of each policy.
func (s *server) costs(t *testing.T, r *request) map[string]int64 {
	t.Helper()
	costs, a := map[string]int64{}, s.attributes(r)
	versioned, err := admission.NewVersionedAttributes(a, r.kind, interfaces)
	if err != nil {
		t.Fatal(err)
	}
	for _, hook := range s.validatingPolicies {
		costs[hook.Policy.Name] = least(func(budget int64) bool {
			result := hook.Evaluator.Validate(context.Background(), r.resource, versioned, nil, r.namespace, budget, nil)
			return !exceeded(result)
		})
	}
	for _, hook := range s.mutatingPolicies {
		costs[hook.Policy.Name] = least(func(budget int64) bool {
			_, err := hook.Evaluator.Mutators[0].Patch(hook.Evaluator.CompositedCompiler.CreateContext(context.Background()), patch.Request{
				MatchedResource: r.resource, VersionedAttributes: versioned, ObjectInterfaces: interfaces, Namespace: r.namespace,
			}, budget)
			if err != nil && !strings.Contains(err.Error(), "out of cost budget") {
				t.Fatal(err)
			}
			return err == nil
		})
	}
	return costs
}

func exceeded(result validating.ValidateResult) bool {
	for _, d := range result.Decisions {
		if strings.Contains(d.Message, "out of cost budget") {
			return true
		}
	}
	for _, a := range result.AuditAnnotations {
		if strings.Contains(a.Error, "out of cost budget") {
			return true
		}
	}
	return false
}

// least is the smallest budget that is enough, or that of the API server.
func least(enough func(int64) bool) int64 {
	low, high := int64(0), int64(2*mostOfTemplate)
	if !enough(high) {
		return celconfig.RuntimeCELCostBudget
	}
	for low < high {
		if middle := (low + high) / 2; enough(middle) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// TestCost: what the benchmarks' pods take of the API server's budget, and that a
// thousand policies take hardly more than two.
func TestCost(t *testing.T) {
	few, many := newTestServer(t, exported(t, 2), native.Options{}), newTestServer(t, exported(t, 1000), native.Options{})
	for _, pod := range benchpod.All() {
		r := creation(restrictedNamespace("shop"), pod.Pod)
		one, all := few.costs(t, r), many.costs(t, r)
		if len(all) != 2 {
			t.Fatalf("%d objects cost anything", len(all))
		}
		for name, cost := range all {
			t.Logf("%s, %s: %d units with 2 policies, %d with 1,000", pod.Name, name, one[name], cost)
			if cost > mostCost {
				t.Errorf("%s, %s: %d units, want at most %d", pod.Name, name, cost, mostCost)
			}
			if cost*10 > one[name]*12 {
				t.Errorf("%s, %s: %d units with 1,000 policies, want at most 1.2 times %d", pod.Name, name, cost, one[name])
			}
		}
	}
}

// TestCostOfTemplates: so do the pod templates with what is said of them.
func TestCostOfTemplates(t *testing.T) {
	few, many := newTemplateServer(t, exported(t, 2)), newTemplateServer(t, exported(t, 1000))
	for _, pod := range benchpod.All() {
		template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Pod.Labels, Annotations: pod.Pod.Annotations}, Spec: pod.Pod.Spec}
		object := asSeen(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}, Spec: appsv1.DeploymentSpec{Template: template}})
		r := &request{
			namespace: restrictedNamespace("shop"), object: object, operation: admission.Create, username: "somebody",
			resource: appsv1.SchemeGroupVersion.WithResource("deployments"), kind: appsv1.SchemeGroupVersion.WithKind("Deployment"),
		}
		const name = "podfence-templates"
		one, all := few.costs(t, r)[name], many.costs(t, r)[name]
		t.Logf("%s, %s: %d units with 2 policies, %d with 1,000", pod.Name, name, one, all)
		if one == 0 || all > mostOfTemplate {
			t.Errorf("%s: %d units, want at most %d", pod.Name, all, mostOfTemplate)
		}
		if all*10 > one*12 {
			t.Errorf("%s: %d units with 1,000 policies, want at most 1.2 times %d", pod.Name, all, one)
		}
	}
}

// newTemplateServer is a server that warns of pod templates, and does nothing else.
func newTemplateServer(t *testing.T, set policy.Set) *server {
	t.Helper()
	r, err := native.Render(set, native.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Enforce, r.Audit, r.Warn, r.Mutate = nil, nil, nil, nil
	return newServerOf(t, &r)
}

// newTestServer is a server that refuses and fills in. It neither warns nor writes
// into the audit log, which would take as much again to compile.
func newTestServer(t *testing.T, set policy.Set, o native.Options) *server {
	t.Helper()
	r, err := native.Render(set, o)
	if err != nil {
		t.Fatal(err)
	}
	r.Audit, r.Warn, r.Templates = nil, nil, nil
	return newServerOf(t, &r)
}

func newServerOf(t *testing.T, r *native.Objects) *server {
	t.Helper()
	objects, err := decodedObjects(r.List())
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(objects)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSizes: no expression comes near the API server's limit, and no object near
// etcd's.
func TestSizes(t *testing.T) {
	for _, n := range []int{0, 2, 1000} {
		set := policy.Set{}
		if n > 0 {
			set = exported(t, n)
		}
		r, err := native.Render(set, native.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range r.List() {
			text, err := json.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > mostBytes {
				t.Errorf("%d policies: %T of %d bytes, want at most %d", n, object, len(text), mostBytes)
			}
		}
		objects, err := decodedObjects(r.List())
		if err != nil {
			t.Fatal(err)
		}
		longest, where := 0, ""
		for name, expression := range objects.expressions() {
			if length := utf8.RuneCountInString(expression); length > longest {
				longest, where = length, name
			}
		}
		t.Logf("%d policies: %s is the longest expression, of %d code points", n, where, longest)
		if longest == 0 || longest >= mostCodePoints {
			t.Errorf("%d policies: %s has %d code points, want less than %d", n, where, longest, mostCodePoints)
		}
	}
}

// expressions are all of the objects' policies, by where they stand.
func (o *objects) expressions() map[string]string {
	all := map[string]string{}
	variables := func(name string, list []admissionregistrationv1.Variable) {
		for _, v := range list {
			all[name+": variable "+v.Name] = v.Expression
		}
	}
	conditions := func(name string, list []admissionregistrationv1.MatchCondition) {
		for _, c := range list {
			all[name+": condition "+c.Name] = c.Expression
		}
	}
	for _, p := range o.validating {
		variables(p.Name, p.Spec.Variables)
		conditions(p.Name, p.Spec.MatchConditions)
		for i, v := range p.Spec.Validations {
			all[fmt.Sprintf("%s: validation %d", p.Name, i)] = v.Expression
			all[fmt.Sprintf("%s: message %d", p.Name, i)] = v.MessageExpression
		}
		for _, a := range p.Spec.AuditAnnotations {
			all[p.Name+": annotation "+a.Key] = a.ValueExpression
		}
	}
	for _, p := range o.mutating {
		variables(p.Name, p.Spec.Variables)
		conditions(p.Name, p.Spec.MatchConditions)
		for i, m := range p.Spec.Mutations {
			all[fmt.Sprintf("%s: mutation %d", p.Name, i)] = m.JSONPatch.Expression
		}
	}
	return all
}

// TestAPIServerAcceptsTheObjects: validation of the API server has nothing against
// the objects, and its type checker, whose warnings stand in the status of a policy,
// has no warning.
func TestAPIServerAcceptsTheObjects(t *testing.T) {
	checker := &validating.TypeChecker{
		SchemaResolver: resolver.NewDefinitionsSchemaResolver(openapi.GetOpenAPIDefinitions, k8sscheme.Scheme),
		RestMapper:     restMapper(),
	}
	for name, o := range map[string]native.Options{"as it is": {}, "from files": {Static: true}, "without mutation": {WithoutMutation: true}} {
		t.Run(name, func(t *testing.T) {
			objects, err := rendered(exported(t, 20), o)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range objects.validating {
				internal := &admissionregistration.ValidatingAdmissionPolicy{}
				must(legacyscheme.Scheme.Convert(p, internal, nil))
				accepted(t, p.Name, validation.ValidateValidatingAdmissionPolicy(internal))
				if name != "as it is" {
					continue // the expressions are the same, and checking their types takes long
				}
				for _, w := range checker.Check(p) {
					t.Errorf("%s: %s: %s", p.Name, w.FieldRef, w.Warning)
				}
			}
			for _, b := range objects.validatingBindings {
				internal := &admissionregistration.ValidatingAdmissionPolicyBinding{}
				must(legacyscheme.Scheme.Convert(b, internal, nil))
				accepted(t, b.Name, validation.ValidateValidatingAdmissionPolicyBinding(internal))
			}
			for _, p := range objects.mutating {
				internal := &admissionregistration.MutatingAdmissionPolicy{}
				must(legacyscheme.Scheme.Convert(p, internal, nil))
				accepted(t, p.Name, validation.ValidateMutatingAdmissionPolicy(internal))
			}
			for _, b := range objects.mutatingBindings {
				internal := &admissionregistration.MutatingAdmissionPolicyBinding{}
				must(legacyscheme.Scheme.Convert(b, internal, nil))
				accepted(t, b.Name, validation.ValidateMutatingAdmissionPolicyBinding(internal))
			}
		})
	}
}

func accepted(t *testing.T, name string, errs field.ErrorList) {
	t.Helper()
	for _, err := range errs {
		t.Errorf("%s: %.2000s", name, err.Error())
	}
}

// restMapper knows the resources of the built-in types, as an API server's does.
func restMapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	for kind := range k8sscheme.Scheme.AllKnownTypes() {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	return mapper
}

func withoutGroup(pod *corev1.Pod) *corev1.Pod {
	pod.Spec.SecurityContext.FSGroup = nil
	return pod
}

// TestCompletePodsAreNotMutated: for a pod that has all that would be filled in, no
// mutation is evaluated, so that the API server does not call its mutators again.
func TestCompletePodsAreNotMutated(t *testing.T) {
	for _, n := range []int{0, 1000} {
		set := policy.Set{}
		if n > 0 {
			set = exported(t, n)
		}
		s := newTestServer(t, set, native.Options{})
		for _, row := range []struct {
			pod   *corev1.Pod
			calls int
			why   string
		}{
			{benchpod.P1(), 0, "it has all that is filled in"},
			{benchpod.P3(), 0, "so has this one, with init containers and a sidecar"},
			{benchpod.Containers(100), 0, "and this one, with a hundred containers"},
			{benchpod.P2(), 1, "nothing is set"},
			{withoutGroup(benchpod.P1()), 1, "only a group of the pod is missing"},
		} {
			if n > 0 {
				// Policy shop fills in a user.
				row.pod.Namespace, row.pod.Labels = "elsewhere", map[string]string{"app.kubernetes.io/name": "other"}
			}
			*s.calls = 0
			if _, err := s.mutate(creation(restrictedNamespace(row.pod.Namespace), row.pod)); err != nil {
				t.Fatal(err)
			}
			if *s.calls != row.calls {
				t.Errorf("%d policies, %s: %d mutations were evaluated, want %d", n, row.why, *s.calls, row.calls)
			}
		}
	}
}
