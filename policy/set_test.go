package policy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/restated"
	"github.com/podfence/podfence/policy"
)

func selecting(name, namespace string, labels map[string]string, expressions ...metav1.LabelSelectorRequirement) policy.Policy {
	return policy.Policy{Name: name, Namespace: namespace, PodSelectorLabels: labels, PodSelectorExpressions: expressions}
}

func expression(key string, operator metav1.LabelSelectorOperator, values ...string) metav1.LabelSelectorRequirement {
	return metav1.LabelSelectorRequirement{Key: key, Operator: operator, Values: values}
}

var web = map[string]string{"app": "web"}

func mustSet(t testing.TB, policies ...policy.Policy) policy.Set {
	t.Helper()
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// ids names policies by name and namespace, of a list the first.
func ids(policies []*policy.Policy) []string {
	list := []string{}
	for _, p := range policies {
		first := slices.Min(append([]string{"~"}, p.Namespaces...))
		list = append(list, p.Name+"/"+p.Namespace+strings.TrimSuffix(first, "~"))
	}
	return list
}

// TestNewSetRefuses: invalid policies and duplicates are all named, and no set
// comes of them.
func TestNewSetRefuses(t *testing.T) {
	for _, row := range []struct {
		name, why string
		policies  []policy.Policy
		want      []string
	}{
		{"no selector", "a policy must not select every pod", []policy.Policy{{Name: "a"}},
			[]string{`policy "a": podSelectorLabels: no labels are given, and a policy must not select every pod; write labels of the pods that the policy is for, as in podSelectorLabels: {app: web}`}},
		{"a bad expression", "the operator is unknown", []policy.Policy{selecting("a", "", nil, expression("app", "in", "web"))},
			[]string{`policy "a": podSelectorExpressions[0].operator: "in" is no operator; did you mean In?`}},
		{"duplicates for every namespace", "names tell policies apart", []policy.Policy{selecting("a", "", web), selecting("b", "", web), selecting("a", "", map[string]string{"app": "db"})},
			[]string{`policy "a": name: two policies for every namespace are named "a"; give each a name of its own`}},
		{"duplicates in a namespace", "names tell policies apart", []policy.Policy{selecting("a", "x", web), selecting("a", "x", web)},
			[]string{`policy "a": name: two policies in namespace "x" are named "a"; give each a name of its own`}},
		{"two without a name", "no name is a name too", []policy.Policy{selecting("", "", web), selecting("", "", web)},
			[]string{`name: two policies for every namespace are named ""; give each a name of its own`}},
		{"everything at once", "all at once, invalid ones first", []policy.Policy{
			selecting("a", "", web), {Name: "B", PodSelectorLabels: web}, selecting("a", "", web),
			{Name: "c", PodSelectorLabels: web, Allow: policy.Allow{AllowedHostPaths: []policy.HostPath{{PathPrefix: "etc"}}, AllowedCapabilities: []string{""}}},
		}, []string{
			`policy "B": name: "B" is no DNS-1123 subdomain; write lower-case letters, digits, - and ., at most 253 of them`,
			`policy "c": allow.allowedCapabilities[0]: "" is no capability; write a name, as in NET_ADMIN, or "*" for all`,
			`policy "c": allow.allowedHostPaths[0].pathPrefix: "etc" is no absolute path; write the whole path, beginning with /`,
			`policy "a": name: two policies for every namespace are named "a"; give each a name of its own`,
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			set, err := policy.NewSet(row.policies...)
			if err == nil {
				t.Fatalf("accepted: %s", row.why)
			}
			if diff := cmp.Diff(row.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			if list := (policy.Errors)(nil); !errors.As(err, &list) || len(list) != len(row.want) {
				t.Errorf("the error is %T of %d, want Errors of %d", err, len(list), len(row.want))
			}
			if set.Len() != 0 || len(set.Policies()) != 0 || len(set.Governing("x", web)) != 0 {
				t.Error("a set came of it")
			}
		})
	}
}

// TestNewSetAccepts: one name may stand in several namespaces.
func TestNewSetAccepts(t *testing.T) {
	set := mustSet(t, selecting("a", "y", web), selecting("a", "", web), selecting("b", "x", web), selecting("a", "x", web), selecting("", "", web))
	want := []string{"/", "a/", "a/x", "a/y", "b/x"}
	if diff := cmp.Diff(want, ids(set.Policies())); diff != "" || set.Len() != 5 {
		t.Errorf("%d policies (-want +got):\n%s", set.Len(), diff)
	}
}

// TestZeroSet: it holds none and can be asked.
func TestZeroSet(t *testing.T) {
	var zero policy.Set
	for name, set := range map[string]policy.Set{"zero": zero, "of none": mustSet(t)} {
		if set.Len() != 0 || len(set.Policies()) != 0 || len(set.Governing("", nil)) != 0 || len(set.AppendGoverning(nil, "x", web)) != 0 {
			t.Errorf("%s: it holds something", name)
		}
	}
}

// TestSetIsItsOwn: changing what NewSet was given, or the slices that it gave,
// changes nothing.
func TestSetIsItsOwn(t *testing.T) {
	given := []policy.Policy{
		selecting("a", "", map[string]string{"app": "web"}, expression("tier", metav1.LabelSelectorOpIn, "front")),
		selecting("b", "x", map[string]string{"app": "web"}),
	}
	given[0].Allow = policy.Allow{AllowedCapabilities: []string{"CHOWN"}, RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 1, Max: 2}}}}
	given[0].Mutations = policy.Mutations{RunAsUser: ptr[int64](1)}
	set := mustSet(t, given...)
	before := []policy.Policy{*set.Policies()[0].DeepCopy(), *set.Policies()[1].DeepCopy()}
	pod := map[string]string{"app": "web", "tier": "front"}

	given[0].Name = "z"
	given[0].PodSelectorLabels["app"] = "db"
	given[0].PodSelectorExpressions[0].Values[0] = "back"
	given[0].Allow.AllowedCapabilities[0] = "SYS_ADMIN"
	given[0].Allow.RunAsUser.Ranges[0].Min = 0
	*given[0].Mutations.RunAsUser = 0
	given[1].PodSelectorLabels["more"] = "labels"
	given[1].Namespace = ""
	set.Policies()[0] = nil
	set.Governing("x", pod)[0] = nil

	for i, p := range set.Policies() {
		if diff := cmp.Diff(&before[i], p); diff != "" {
			t.Errorf("policy %d changed:\n%s", i, diff)
		}
	}
	if diff := cmp.Diff([]string{"a/", "b/x"}, ids(set.Governing("x", pod))); diff != "" {
		t.Errorf("it governs otherwise (-want +got):\n%s", diff)
	}
}

// TestGoverning: namespace, labels and expressions must all hold.
func TestGoverning(t *testing.T) {
	const in, notIn, exists, absent = metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist
	pod := map[string]string{"app": "web", "tier": "front", "empty": ""}
	for _, row := range []struct {
		name, why string
		policy    policy.Policy
		namespace string
		labels    map[string]string
		want      bool
	}{
		{"label", "the plain case", selecting("p", "", web), "x", pod, true},
		{"labels", "all are there", selecting("p", "", map[string]string{"app": "web", "tier": "front"}), "x", pod, true},
		{"one label of two", "all must match", selecting("p", "", map[string]string{"app": "web", "tier": "back"}), "x", pod, false},
		{"the other label of two", "all must match", selecting("p", "", map[string]string{"app": "db", "tier": "front"}), "x", pod, false},
		{"a missing label", "all must match", selecting("p", "", map[string]string{"app": "web", "zone": "a"}), "x", pod, false},
		{"another value", "values are exact", selecting("p", "", map[string]string{"app": "Web"}), "x", pod, false},
		{"an empty value", "empty is a value", selecting("p", "", map[string]string{"empty": ""}), "x", pod, true},
		{"an empty value that is missing", "missing is not empty", selecting("p", "", map[string]string{"missing": ""}), "x", pod, false},
		{"no labels on the pod", "nothing matches", selecting("p", "", web), "x", nil, false},
		{"its namespace", "the plain case", selecting("p", "x", web), "x", pod, true},
		{"another namespace", "it governs only there", selecting("p", "x", web), "y", pod, false},
		{"a pod without a namespace", "governed by policies without one", selecting("p", "x", web), "", pod, false},
		{"neither has a namespace", "governed by policies without one", selecting("p", "", web), "", pod, true},
		{"In", "the value is listed", selecting("p", "", nil, expression("app", in, "db", "web")), "x", pod, true},
		{"In, not listed", "the value is not listed", selecting("p", "", nil, expression("app", in, "db")), "x", pod, false},
		{"In, missing", "a missing label has no value", selecting("p", "", nil, expression("zone", in, "a", "")), "x", pod, false},
		{"NotIn", "the value is not listed", selecting("p", "", nil, expression("app", notIn, "db")), "x", pod, true},
		{"NotIn, listed", "the value is listed", selecting("p", "", nil, expression("app", notIn, "db", "web")), "x", pod, false},
		{"NotIn, missing", "a missing label has no value to refuse", selecting("p", "", nil, expression("zone", notIn, "a")), "x", pod, true},
		{"Exists", "whatever its value", selecting("p", "", nil, expression("empty", exists)), "x", pod, true},
		{"Exists, missing", "it is not there", selecting("p", "", nil, expression("zone", exists)), "x", pod, false},
		{"DoesNotExist", "it is not there", selecting("p", "", nil, expression("zone", absent)), "x", pod, true},
		{"DoesNotExist, there", "whatever its value", selecting("p", "", nil, expression("empty", absent)), "x", pod, false},
		{"DoesNotExist, no labels", "a pod without labels has none", selecting("p", "", nil, expression("zone", absent)), "x", nil, true},
		{"expressions", "all must hold", selecting("p", "", nil, expression("app", in, "web"), expression("tier", notIn, "back")), "x", pod, true},
		{"one expression of two", "all must hold", selecting("p", "", nil, expression("app", in, "web"), expression("tier", notIn, "front")), "x", pod, false},
		{"labels and expressions", "both are ANDed", selecting("p", "", web, expression("tier", exists)), "x", pod, true},
		{"labels without expressions", "both are ANDed", selecting("p", "", web, expression("tier", absent)), "x", pod, false},
		{"expressions without labels", "both are ANDed", selecting("p", "", map[string]string{"app": "db"}, expression("tier", exists)), "x", pod, false},
		{"expressions elsewhere", "a namespace counts for them too", selecting("p", "y", nil, expression("tier", exists)), "x", pod, false},
	} {
		got := mustSet(t, row.policy).Governing(row.namespace, row.labels)
		if len(got) > 1 || (len(got) == 1) != row.want {
			t.Errorf("%s: governed by %v, want %v: %s", row.name, ids(got), row.want, row.why)
		}
	}
}

// TestGoverningInOrderOfName: however they were given, selected and named, and
// whichever map holds them.
func TestGoverningInOrderOfName(t *testing.T) {
	var policies []policy.Policy
	want := []string{}
	for i := range 30 {
		name, namespace := fmt.Sprintf("p%02d", i), ""
		if i%3 == 0 {
			namespace = "x"
		}
		p := selecting(name, namespace, map[string]string{fmt.Sprint("label", i%5): "v"})
		if i%4 == 0 {
			p.PodSelectorLabels, p.PodSelectorExpressions = nil, []metav1.LabelSelectorRequirement{expression("label0", metav1.LabelSelectorOpExists)}
		}
		policies = append(policies, p)
		want = append(want, name+"/"+namespace)
	}
	slices.Reverse(policies)
	set := mustSet(t, policies...)
	pod := map[string]string{"label0": "v", "label1": "v", "label2": "v", "label3": "v", "label4": "v"}
	for range 50 {
		if diff := cmp.Diff(want, ids(set.Governing("x", pod))); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	}
}

// TestAppendGoverning: it keeps what the caller's slice holds, and allocates
// nothing where there is room.
func TestAppendGoverning(t *testing.T) {
	set := mustSet(t, selecting("c", "", web), selecting("b", "x", web), selecting("a", "", nil, expression("tier", metav1.LabelSelectorOpIn, "front")), selecting("d", "y", web))
	pod := map[string]string{"app": "web", "tier": "front", "more": "labels"}
	first := &policy.Policy{Name: "z"}
	got := set.AppendGoverning([]*policy.Policy{first}, "x", pod)
	if diff := cmp.Diff([]string{"z/", "a/", "b/x", "c/"}, ids(got)); diff != "" || got[0] != first {
		t.Errorf("-want +got:\n%s", diff)
	}
	buffer := make([]*policy.Policy, 0, 4)
	if n := testing.AllocsPerRun(100, func() { buffer = set.AppendGoverning(buffer[:0], "x", pod) }); n != 0 || len(buffer) != 3 {
		t.Errorf("%v allocations for %d policies, want 0 for 3", n, len(buffer))
	}
}

// governs is the plain reading of the design, for reference.
func governs(p *policy.Policy, namespace restated.Namespace, labels map[string]string) bool {
	if selects, decided := restated.SelectsNamespace(p, namespace); !selects || !decided {
		return false
	}
	for k, v := range p.PodSelectorLabels {
		if have, there := labels[k]; !there || have != v {
			return false
		}
	}
	for _, e := range p.PodSelectorExpressions {
		have, there := labels[e.Key]
		listed := there && slices.Contains(e.Values, have)
		holds := map[metav1.LabelSelectorOperator]bool{
			metav1.LabelSelectorOpIn: listed, metav1.LabelSelectorOpNotIn: !listed,
			metav1.LabelSelectorOpExists: there, metav1.LabelSelectorOpDoesNotExist: !there,
		}
		if !holds[e.Operator] {
			return false
		}
	}
	return true
}

// TestGoverningIsTheReference: the index finds what holding the pod against
// every policy finds, in order of name.
func TestGoverningIsTheReference(t *testing.T) {
	keys, values := []string{"app", "tier", "zone"}, []string{"web", "route-manager", "front", ""}
	word := func(t *rapid.T, list []string) string { return rapid.SampledFrom(list).Draw(t, "word") }
	selector := rapid.Custom(func(t *rapid.T) policy.Policy {
		p := podgen.Policy().Draw(t, "policy")
		p.PodSelectorLabels, p.PodSelectorExpressions = map[string]string{}, nil
		for range rapid.IntRange(0, 2).Draw(t, "labels") {
			p.PodSelectorLabels[word(t, keys)] = word(t, values)
		}
		least := 0
		if len(p.PodSelectorLabels) == 0 {
			least = 1
		}
		for range rapid.IntRange(least, 2).Draw(t, "expressions") {
			e := expression(word(t, keys), rapid.SampledFrom([]metav1.LabelSelectorOperator{
				metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist}).Draw(t, "operator"))
			if e.Operator == metav1.LabelSelectorOpIn || e.Operator == metav1.LabelSelectorOpNotIn {
				e.Values = rapid.SliceOfN(rapid.SampledFrom(values), 1, 2).Draw(t, "values")
			}
			p.PodSelectorExpressions = append(p.PodSelectorExpressions, e)
		}
		return p
	})
	several := rapid.Map(rapid.SliceOfN(selector, 0, 8), podgen.Together)
	someLabels := rapid.MapOfN(rapid.SampledFrom(keys), rapid.SampledFrom(values), 0, 3)
	// Drawn by seed, so that the count is the same in every run.
	governed := 0
	for seed := range 1000 {
		set, err := policy.NewSet(several.Example(seed)...)
		if err != nil {
			t.Fatal(err)
		}
		if len(set.Governing("default", someLabels.Example(seed))) > 1 {
			governed++
		}
	}
	if governed < 30 {
		t.Fatalf("only %d of 1000 pods were governed by several policies: the generators prove little", governed)
	}
	rapid.Check(t, func(t *rapid.T) {
		policies := several.Draw(t, "policies")
		set := mustNew(t, policies).WithNamespaces(podgen.LabelsOf)
		var pods []map[string]string
		for range 4 {
			pods = append(pods, someLabels.Draw(t, "labels"))
		}
		pod := podgen.Pod().Draw(t, "pod")
		for _, labels := range append(pods, pod.Labels, nil) {
			for _, namespace := range append(podgen.Namespaces(), "") {
				around := restated.Namespace{Name: namespace}
				around.Labels, around.Known = podgen.LabelsOf(namespace)
				want := []string{}
				for i := range policies {
					if p := &policies[i]; governs(p, around, labels) {
						want = append(want, ids([]*policy.Policy{p})...)
					}
				}
				slices.SortFunc(want, func(a, b string) int {
					nameA, namespaceA, _ := strings.Cut(a, "/")
					nameB, namespaceB, _ := strings.Cut(b, "/")
					if nameA != nameB {
						return strings.Compare(nameA, nameB)
					}
					return strings.Compare(namespaceA, namespaceB)
				})
				got := ids(set.Governing(namespace, labels))
				if !slices.Equal(got, want) {
					t.Fatalf("in namespace %q with labels %v: %v, want %v", namespace, labels, got, want)
				}
			}
		}
	})
}

func mustNew(t *rapid.T, policies []policy.Policy) policy.Set {
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestSetIsSharedSafely: run with -race.
func TestSetIsSharedSafely(t *testing.T) {
	set := mustSet(t, selecting("c", "", web), selecting("b", "x", web), selecting("a", "", nil, expression("app", metav1.LabelSelectorOpIn, "web", "db")))
	want := []string{"a/", "b/x", "c/"}
	var wait sync.WaitGroup
	for range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for range 100 {
				if got := ids(set.Governing("x", web)); !slices.Equal(got, want) {
					t.Errorf("%v, want %v", got, want)
				}
				list := set.Policies()
				slices.Reverse(list)
				if set.Len() != len(list) {
					t.Errorf("%d policies, want %d", len(list), set.Len())
				}
			}
		}()
	}
	wait.Wait()
}
