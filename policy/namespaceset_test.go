package policy_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/restated"
	"github.com/podfence/podfence/policy"
)

// inNamespaces is a policy for pods with the label app=web in the namespaces that a
// selector of namespaces and names select.
func inNamespaces(selector *metav1.LabelSelector, names ...string) policy.Policy {
	return policy.Policy{Name: "p", PodSelectorLabels: web, Namespaces: names, NamespaceSelector: selector}
}

func byLabel(key, value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

func byExpression(requirements ...metav1.LabelSelectorRequirement) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: requirements}
}

// teams are the labels of namespaces in the tests below. Of other namespaces none are known.
func teams(namespace string) (map[string]string, bool) {
	switch namespace {
	case "shop":
		return map[string]string{"team": "web"}, true
	case "vault":
		return map[string]string{"team": "storage", "stage": "prod"}, true
	case "bare":
		return nil, true
	case "liar": // no API server says this
		return map[string]string{corev1.LabelMetadataName: "shop"}, true
	}
	return nil, false
}

// TestGoverningByNamespaces: which namespaces a policy is for, and of which it hangs on
// labels that are not known.
func TestGoverningByNamespaces(t *testing.T) {
	all := []string{"", "shop", "vault", "bare", "liar", "unknown"}
	for _, row := range []struct {
		name, why string
		policy    policy.Policy
		governs   []string
		noticed   []string
	}{
		{"no namespace", "it is for every one, and for none", inNamespaces(nil), all, nil},
		{"two namespaces", "each as if it stood there alone", inNamespaces(nil, "shop", "unknown"), []string{"shop", "unknown"}, nil},
		{"a list of one", "it says what namespace says", inNamespaces(nil, "shop"), []string{"shop"}, nil},
		{"a label", "what has it, where that is known", inNamespaces(byLabel("team", "web")), []string{"shop"}, []string{"", "unknown"}},
		{"two labels", "both are asked for", inNamespaces(&metav1.LabelSelector{MatchLabels: map[string]string{"team": "storage", "stage": "prod"}}), []string{"vault"}, []string{"", "unknown"}},
		{"two labels that none has", "one is not enough", inNamespaces(&metav1.LabelSelector{MatchLabels: map[string]string{"team": "web", "stage": "prod"}}), nil, []string{"", "unknown"}},
		{"labels and expressions", "they are ANDed", inNamespaces(&metav1.LabelSelector{
			MatchLabels: map[string]string{"team": "storage"}, MatchExpressions: []metav1.LabelSelectorRequirement{expression("stage", "NotIn", "prod")},
		}), nil, []string{"", "unknown"}},
		{"NotIn", "what lacks the label has another value too", inNamespaces(byExpression(expression("team", "NotIn", "web"))), []string{"vault", "bare", "liar"}, []string{"", "unknown"}},
		{"Exists", "any value will do", inNamespaces(byExpression(expression("team", "Exists"))), []string{"shop", "vault"}, []string{"", "unknown"}},
		{"DoesNotExist", "no labels are known to be none, and unknown ones are not", inNamespaces(byExpression(expression("team", "DoesNotExist"))), []string{"bare", "liar"}, []string{"", "unknown"}},
		{"a list and a label", "both must hold; of other namespaces nothing hangs on labels", inNamespaces(byLabel("team", "web"), "shop", "vault"), []string{"shop"}, nil},
		{"a list and a label that is not known", "the notice is of the listed one alone", inNamespaces(byLabel("team", "web"), "unknown", "vault"), nil, []string{"unknown"}},
		{"one namespace and a label", "both must hold", policy.Policy{Name: "p", Namespace: "vault", PodSelectorLabels: web, NamespaceSelector: byLabel("team", "storage")}, []string{"vault"}, nil},
		{"the name", "it is known without the other labels, and nobody can write another one", inNamespaces(byLabel(corev1.LabelMetadataName, "shop")), []string{"shop"}, []string{""}},
		{"a name of what is not known", "it is the name all the same", inNamespaces(byLabel(corev1.LabelMetadataName, "unknown")), []string{"unknown"}, []string{""}},
		{"all names but one", "as many clusters leave out their system", inNamespaces(byExpression(expression(corev1.LabelMetadataName, "NotIn", "shop"))), []string{"vault", "bare", "liar", "unknown"}, []string{""}},
		{"a name and a label", "the name decides first", inNamespaces(&metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "vault", "team": "storage"}}), []string{"vault"}, []string{""}},
		{"a namespace without a name", "there is none", inNamespaces(byExpression(expression(corev1.LabelMetadataName, "DoesNotExist"))), nil, []string{""}},
	} {
		set := mustSet(t, row.policy).WithNamespaces(teams)
		var governs, noticed []string
		for _, namespace := range all {
			if len(set.Governing(namespace, web)) > 0 {
				governs = append(governs, namespace)
			}
			for _, n := range set.Notices(namespace, web) {
				if n.Reason != policy.NoticeNamespaceUnknown || n.Policy.Name != "p" {
					t.Errorf("%s: notice %+v", row.name, n)
				}
				noticed = append(noticed, namespace)
			}
			if n := len(set.Governing(namespace, nil)) + len(set.Notices(namespace, nil)); n > 0 {
				t.Errorf("%s: a pod of other labels in %q gets %d answers", row.name, namespace, n)
			}
		}
		if diff := cmp.Diff(row.governs, governs); diff != "" {
			t.Errorf("%s governs (-want +got), for %s:\n%s", row.name, row.why, diff)
		}
		if diff := cmp.Diff(row.noticed, noticed); diff != "" {
			t.Errorf("%s is noticed (-want +got), for %s:\n%s", row.name, row.why, diff)
		}
	}
}

// TestNothingIsToldOfNamespaces: a set to which nobody said anything knows no labels.
func TestNothingIsToldOfNamespaces(t *testing.T) {
	set := mustSet(t, inNamespaces(byLabel("team", "web")))
	if got := set.Governing("shop", web); len(got) > 0 {
		t.Errorf("governed by %v", ids(got))
	}
	const want = "policy p selects namespaces by label, and the labels of the pod's namespace are not known: it does not govern the pod"
	if n := set.Notices("shop", web); len(n) != 1 || n[0].String() != want {
		t.Errorf("%v, want %s", n, want)
	}
	told := set.WithNamespaces(teams)
	if got, again := told.Governing("shop", web), set.Governing("shop", web); len(got) != 1 || len(again) != 0 {
		t.Errorf("%d policies govern where labels are known, and %d in the set that was there before", len(got), len(again))
	}
}

// TestLabelsAreAskedForOnce: an answer hangs on one state of the labels, and a set that
// needs none asks for none.
func TestLabelsAreAskedForOnce(t *testing.T) {
	asked := 0
	count := func(string) (map[string]string, bool) { asked++; return map[string]string{"team": "web"}, true }
	several := []policy.Policy{inNamespaces(byLabel("team", "web")), inNamespaces(byLabel("team", "db")), inNamespaces(byLabel("team", "web"), "shop")}
	for i := range several {
		several[i].Name = fmt.Sprintf("p%d", i)
	}
	if got := ids(mustSet(t, several...).WithNamespaces(count).Governing("shop", web)); asked != 1 || !slices.Equal(got, []string{"p0/", "p2/shop"}) {
		t.Errorf("asked %d times, governed by %v", asked, got)
	}
	asked = 0
	names := mustSet(t, inNamespaces(byLabel(corev1.LabelMetadataName, "shop")), selecting("q", "", web)).WithNamespaces(count)
	if got := ids(names.Governing("shop", web)); asked != 0 || len(got) != 2 {
		t.Errorf("asked %d times for labels on which nothing hangs, governed by %v", asked, got)
	}
}

// TestNamespacesAllocateNothing: neither lists nor selectors cost an allocation, also
// where there is nothing to notice.
func TestNamespacesAllocateNothing(t *testing.T) {
	listed, labelled := inNamespaces(nil, "shop", "vault"), inNamespaces(byLabel("team", "web"))
	listed.Name, labelled.Name = "a", "b"
	labels := map[string]string{"team": "web"}
	set := mustSet(t, listed, labelled).WithNamespaces(func(string) (map[string]string, bool) { return labels, true })
	buffer := make([]*policy.Policy, 0, 8)
	if n := testing.AllocsPerRun(100, func() { buffer = set.AppendGoverning(buffer[:0], "shop", web) }); n != 0 || len(buffer) != 2 {
		t.Errorf("%v allocations, %d policies", n, len(buffer))
	}
	if n := testing.AllocsPerRun(100, func() {
		if set.Notices("shop", web) != nil {
			t.Error("a notice")
		}
	}); n != 0 {
		t.Errorf("%v allocations for no notice", n)
	}
}

// TestOneNameInSeveralNamespaces: policies of one name that share no namespace stand
// beside each other, in order of the first one that each names.
func TestOneNameInSeveralNamespaces(t *testing.T) {
	named := func(names ...string) policy.Policy { return inNamespaces(nil, names...) }
	set := mustSet(t, named("vault", "shop"), named("bare"), inNamespaces(byLabel("team", "web")), selecting("p", "liar", web)).WithNamespaces(teams)
	if got, want := ids(set.Policies()), []string{"p/", "p/bare", "p/liar", "p/shop"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got, want := ids(set.Governing("shop", web)), []string{"p/", "p/shop"}; !slices.Equal(got, want) {
		t.Errorf("governed by %v, want %v", got, want)
	}
	for _, row := range []struct {
		why  string
		a, b policy.Policy
		want string
	}{
		{"they share a namespace", named("shop", "vault"), named("bare", "vault"), `policy "p": name: two policies in namespace "vault" are named "p"; give each a name of its own`},
		{"one stands where the other is listed", named("shop", "vault"), selecting("p", "vault", web), `policy "p": name: two policies in namespace "vault" are named "p"; give each a name of its own`},
		{"neither names a namespace", inNamespaces(byLabel("team", "a")), selecting("p", "", web), `policy "p": name: two policies for every namespace are named "p"; give each a name of its own`},
	} {
		if _, err := policy.NewSet(row.a, row.b); err == nil || err.Error() != row.want {
			t.Errorf("%s: %v, want %s", row.why, err, row.want)
		}
	}
}

// TestNamespacesExhaustively tries every policy of up to two requirements of namespaces,
// with and without a list, in every namespace of a small world, known and unknown,
// against the rule as it is written a second time.
func TestNamespacesExhaustively(t *testing.T) {
	var requirements []metav1.LabelSelectorRequirement
	for _, key := range []string{"team", corev1.LabelMetadataName} {
		requirements = append(requirements, expression(key, "Exists"), expression(key, "DoesNotExist"))
		for _, values := range [][]string{{"shop"}, {"vault"}, {"shop", "vault"}} {
			requirements = append(requirements, expression(key, "In", values...), expression(key, "NotIn", values...))
		}
	}
	selectors := []*metav1.LabelSelector{nil, byLabel("team", "shop")}
	for _, first := range requirements {
		selectors = append(selectors, byExpression(first), &metav1.LabelSelector{MatchLabels: map[string]string{"team": "vault"}, MatchExpressions: []metav1.LabelSelectorRequirement{first}})
		for _, second := range requirements {
			selectors = append(selectors, byExpression(first, second))
		}
	}
	cases, answers := 0, map[string]int{}
	for _, selector := range selectors {
		for _, names := range [][]string{nil, {"shop"}, {"vault", "shop"}, {"other"}} {
			p := inNamespaces(selector, names...)
			set := mustSet(t, p)
			for _, n := range []restated.Namespace{
				{}, {Name: "shop"}, {Name: "vault"}, {Name: "other"},
				{Name: "shop", Known: true}, {Name: "other", Known: true},
				{Name: "shop", Known: true, Labels: map[string]string{"team": "shop"}},
				{Name: "vault", Known: true, Labels: map[string]string{"team": "vault"}},
				{Name: "shop", Known: true, Labels: map[string]string{"team": "other", corev1.LabelMetadataName: "vault"}},
			} {
				cases++
				told := set.WithNamespaces(func(string) (map[string]string, bool) { return n.Labels, n.Known })
				selects, decided := restated.SelectsNamespace(&p, n)
				answers[fmt.Sprintf("selects %t, decided %t", selects, decided)]++
				if got := len(told.Governing(n.Name, web)) == 1; got != (selects && decided) {
					t.Errorf("%+v %v in %+v: governs %t", selector, names, n, got)
				}
				if got := len(told.Notices(n.Name, web)) == 1; got == decided {
					t.Errorf("%+v %v in %+v: noticed %t", selector, names, n, got)
				}
			}
		}
	}
	if cases != (2+16*(2+16))*4*9 || len(answers) != 3 {
		t.Errorf("%d cases, %v", cases, answers)
	}
}
