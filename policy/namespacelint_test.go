package policy

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// namespaced are all policies over two namespaces, of lists of them and selectors of up
// to two parts that ask about a label and about the name.
func namespaced(t *testing.T) (all []Policy) {
	requirements := append(expressionsOn("team"), expressionsOn(corev1.LabelMetadataName)...)
	selectors := []*metav1.LabelSelector{nil, {MatchLabels: podLabels{"team": "x"}}}
	for i, e := range requirements {
		selectors = append(selectors, &metav1.LabelSelector{MatchExpressions: requirements[i : i+1]})
		for _, f := range requirements[i+1:] {
			selectors = append(selectors, &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{e, f}})
		}
	}
	for _, names := range [][]string{nil, {"x"}, {"y", "other"}} {
		for _, selector := range selectors {
			all = append(all, Policy{Namespaces: names, NamespaceSelector: selector, PodSelectorLabels: podLabels{"k": "x"}})
		}
	}
	if len(all) != 3*(2+16+16*15/2) {
		t.Fatalf("%d policies", len(all))
	}
	return all
}

// world is what a cluster may look like to the policies of [namespaced]: a namespace
// and its labels.
type world struct {
	name   string
	labels map[string]string
}

func worlds() (all []world) {
	for _, name := range []string{"x", "y", "other", "another"} {
		for _, team := range []string{"", "x", "y", "other"} {
			w := world{name: name, labels: map[string]string{}}
			if team != "" {
				w.labels["team"] = team
			}
			all = append(all, w)
		}
	}
	return all
}

// TestOverlapOfNamespaces tries every pair of such policies in every world, and the
// indexes by which groups are told for a part of them.
func TestOverlapOfNamespaces(t *testing.T) {
	all := namespaced(t)
	selects := make([][]bool, len(all))
	for i := range all {
		p := all[i]
		p.Name = "p"
		set, err := NewSet(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range worlds() {
			told := set.WithNamespaces(func(string) (map[string]string, bool) { return w.labels, true })
			selects[i] = append(selects[i], len(told.Governing(w.name, podLabels{"k": "x"})) == 1)
		}
	}
	seen := map[bool]int{}
	for i := range all {
		for j := range all {
			want := false
			for w := range selects[i] {
				want = want || selects[i][w] && selects[j][w]
			}
			seen[want]++
			if got := Overlap(&all[i], &all[j]); got != want {
				t.Fatalf("%+v %v and %+v %v: overlap %t, want %t", all[i].NamespaceSelector, all[i].Namespaces, all[j].NamespaceSelector, all[j].Namespaces, got, want)
			}
			if (i*len(all)+j)%17 == 0 {
				neighbours(t, &all[i], &all[j], want)
			}
		}
	}
	if seen[true] < 10_000 || seen[false] < 10_000 {
		t.Errorf("%v", seen)
	}
}

// neighbours holds the two indexes to what Overlap says.
func neighbours(t *testing.T, a, b *Policy, overlap bool) {
	t.Helper()
	members := []*member{{policy: a, demands: demandsOf(a)}, {policy: b, demands: demandsOf(b)}}
	if a == b || !members[0].possible || !members[1].possible {
		return
	}
	pin(members)
	for name, of := range map[string]func([]*member) func(*member) []*member{"overlapping": new(tally).overlapping, "apart": new(tally).apart} {
		members[0].reached, members[1].reached = true, false
		if got := len(of(members)(members[0])); (got == 1) != (overlap == (name == "overlapping")) {
			t.Fatalf("%+v %v and %+v %v: overlap %t, and %d are %s", a.NamespaceSelector, a.Namespaces, b.NamespaceSelector, b.Namespaces, overlap, got, name)
		}
	}
}

// TestLintOfNamespaces: what is warned of where policies name several namespaces or
// select them, and what is not.
func TestLintOfNamespaces(t *testing.T) {
	const node, fine = "podSelectorLabels: {app: a}\nallow: {hostPID: true}\n", "podSelectorLabels: {app: a}\nallow: {seLinuxOptions: true}\n"
	for _, row := range []struct {
		name, why, in string
		want          []string
	}{
		{"a list", "it names namespaces", "name: a\nnamespaces: [x, z]\n" + node, nil},
		{"a label", "a namespace must have it", "name: a\nnamespaceSelector: {matchLabels: {team: x}}\n" + node, nil},
		{"a label that must be there", "a namespace must have it", "name: a\nnamespaceSelector: {matchExpressions: [{key: team, operator: Exists}]}\n" + node, nil},
		{"names", "they are named", "name: a\nnamespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [x]}]}\n" + node, nil},
		{"all names but one", "whoever makes a namespace is in", "name: a\nnamespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [x]}]}\n" + node,
			[]string{"f1.yaml:1: warning: policy a opens the node in every namespace that its namespaceSelector does not leave out, by allow.hostPID: " +
				"whoever may create a pod in any of them can write the labels that it selects; write namespaces, or a label that they must have"}},
		{"a label that must not be there", "whoever makes a namespace is in", "name: a\nnamespaceSelector: {matchExpressions: [{key: team, operator: DoesNotExist}]}\n" + node,
			[]string{"f1.yaml:1: warning: policy a opens the node in every namespace that its namespaceSelector does not leave out, by allow.hostPID: " +
				"whoever may create a pod in any of them can write the labels that it selects; write namespaces, or a label that they must have"}},
		{"a selector that contradicts itself", "no namespace meets it", "name: a\nnamespaceSelector: {matchLabels: {team: x}, matchExpressions: [{key: team, operator: NotIn, values: [x]}]}\n" + fine,
			[]string{"f1.yaml:1: warning: policy a selects no pod: no namespace meets its namespaceSelector, or is one of those that it names as well"}},
		{"a selector that contradicts the list", "no namespace meets both", "name: a\nnamespaces: [x, z]\nnamespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}\n" + fine,
			[]string{"f1.yaml:1: warning: policy {x,z}/a selects no pod: no namespace meets its namespaceSelector, or is one of those that it names as well"}},
		{"two lists that share a namespace", "they meet there", "name: a\nnamespaces: [x, z]\n" + fine + "---\nname: b\nnamespaces: [z, w]\n" + fine,
			[]string{"f1.yaml:6: warning: policy {z,w}/b and policy {x,z}/a (f1.yaml:1) can select one pod in namespace z: {x,z}/a is tried first, in order of name, and their grants never add up"}},
		{"two lists that share none", "a pod is in one namespace", "name: a\nnamespaces: [x, z]\n" + fine + "---\nname: b\nnamespaces: [v, w]\n" + fine, nil},
		{"a long list", "it is not told whole", "name: a\nnamespaces: [p1, p2, p3, p4, p5]\n" + fine + "---\nname: b\nnamespaces: [p5]\n" + fine,
			[]string{"f1.yaml:6: warning: policy p5/b and policy {p1,p2,p3,p4,...}/a (f1.yaml:1) can select one pod in namespace p5: {p1,p2,p3,p4,...}/a is tried first, in order of name, and their grants never add up"}},
		{"a selector and a namespace", "it may have the label", "name: a\nnamespaceSelector: {matchLabels: {team: x}}\n" + fine + "---\nname: b\nnamespace: z\n" + fine,
			[]string{"f1.yaml:6: warning: policy z/b and policy a (f1.yaml:1) can select one pod in namespace z: a is tried first, in order of name, and their grants never add up"}},
		{"a selector of another name", "no namespace has two names", "name: a\nnamespaceSelector: {matchLabels: {kubernetes.io/metadata.name: x}}\n" + fine + "---\nname: b\nnamespace: z\n" + fine, nil},
		{"two selectors that contradict", "a label has one value", "name: a\nnamespaceSelector: {matchLabels: {team: x}}\n" + fine + "---\nname: b\nnamespaceSelector: {matchLabels: {team: z}}\n" + fine, nil},
	} {
		_, got := lintText(t, row.in)
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s, for %s (-want +got):\n%s", row.name, row.why, diff)
		}
	}
}

// TestReferenceNamesNamespaces: JSON has a list as a list.
func TestReferenceNamesNamespaces(t *testing.T) {
	p := Policy{Name: "a", Namespaces: []string{"x", "z"}, PodSelectorLabels: podLabels{"app": "a"}}
	got, err := json.Marshal(Lint(p)[0].Policy)
	if want := `{"namespaces":["x","z"],"name":"a"}`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}
