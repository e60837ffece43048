package policy

import (
	"fmt"
	"maps"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

const (
	in        = metav1.LabelSelectorOpIn
	notIn     = metav1.LabelSelectorOpNotIn
	exists    = metav1.LabelSelectorOpExists
	notExists = metav1.LabelSelectorOpDoesNotExist
)

// selecting is a policy that selects.
func selecting(namespace string, labels podLabels, expressions ...metav1.LabelSelectorRequirement) Policy {
	return Policy{Namespace: namespace, PodSelectorLabels: labels, PodSelectorExpressions: expressions}
}

type podLabels = map[string]string

func TestOverlap(t *testing.T) {
	for _, row := range []struct {
		name, why string
		a, b      Policy
		want      bool
	}{
		{"one label", "both select what has it", selecting("", podLabels{"k": "x"}), selecting("", podLabels{"k": "x"}), true},
		{"two values of a label", "no pod has both", selecting("", podLabels{"k": "x"}), selecting("", podLabels{"k": "y"}), false},
		{"two labels", "a pod may have both", selecting("", podLabels{"k": "x"}), selecting("", podLabels{"l": "y"}), true},
		{"two namespaces", "a pod is in one", selecting("m", podLabels{"k": "x"}), selecting("other", podLabels{"k": "x"}), false},
		{"a namespace and every one", "the pods of the namespace", selecting("m", podLabels{"k": "x"}), selecting("", podLabels{"k": "x"}), true},
		{"one namespace", "it is the same", selecting("m", podLabels{"k": "x"}), selecting("m", podLabels{"k": "x"}), true},
		{"the empty value", "it is a value, and not the lack of the label", selecting("", podLabels{"k": ""}), selecting("", nil, requirement("k", notExists)), false},
		{"the empty value and NotIn", "it is not among those", selecting("", podLabels{"k": ""}), selecting("", nil, requirement("k", notIn, "x")), true},
		{"NotIn its value", "nothing is left", selecting("", podLabels{"k": "x"}), selecting("", nil, requirement("k", notIn, "y", "x")), false},
		{"NotIn and NotIn", "a pod without the label, and with any third value", selecting("", nil, requirement("k", notIn, "x")), selecting("", nil, requirement("k", notIn, "y"), requirement("k", exists)), true},
		{"In and In", "one value in common", selecting("", nil, requirement("k", in, "x", "y")), selecting("", nil, requirement("k", in, "z", "y")), true},
		{"what is left of In and In", "each takes the other's values", selecting("", nil, requirement("k", in, "x", "y"), requirement("k", notIn, "y")), selecting("", nil, requirement("k", in, "z", "y")), false},
		{"Exists and DoesNotExist", "a pod has the label or lacks it", selecting("", nil, requirement("k", exists)), selecting("", nil, requirement("k", notExists)), false},
		{"one that no labels meet", "it selects no pod", selecting("", podLabels{"k": "x"}, requirement("k", notIn, "x")), selecting("", podLabels{"l": "x"}), false},
		{"no selector", "it selects no pod, not every pod", Policy{}, selecting("", podLabels{"l": "x"}), false},
		{"no selector in a namespace", "neither there", Policy{Namespace: "m"}, selecting("m", podLabels{"l": "x"}), false},
	} {
		if got, turned := Overlap(&row.a, &row.b), Overlap(&row.b, &row.a); got != row.want || turned != row.want {
			t.Errorf("%s: %t and turned round %t, want %t: %s", row.name, got, turned, row.want, row.why)
		}
	}
}

// expressionsOn are all about one key and the values x and y.
func expressionsOn(key string) []metav1.LabelSelectorRequirement {
	list := []metav1.LabelSelectorRequirement{requirement(key, exists), requirement(key, notExists)}
	for _, values := range [][]string{{"x"}, {"y"}, {"x", "y"}} {
		list = append(list, requirement(key, in, values...), requirement(key, notIn, values...))
	}
	return list
}

// labelings are the pods that selectors over the values x, y and other can tell
// apart.
func labelings(keys ...string) []podLabels {
	all := []podLabels{{}}
	for _, key := range keys {
		var longer []podLabels
		for _, some := range all {
			for _, value := range []string{"", "x", "y", "other", "another"} {
				m := maps.Clone(some)
				if value != "" {
					m[key] = value
				}
				longer = append(longer, m)
			}
		}
		all = longer
	}
	return all
}

// governed reports, by the matching of sets, whether some pod in one of the
// namespaces is governed by all the policies.
func governed(t testing.TB, keys []string, policies ...Policy) bool {
	t.Helper()
	for i := range policies {
		policies[i].Name = fmt.Sprintf("p%d", i)
	}
	set, err := NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	for _, namespace := range []string{"m", "other"} {
		for _, pod := range labelings(keys...) {
			if len(set.Governing(namespace, pod)) == len(policies) {
				return true
			}
		}
	}
	return false
}

// oneKeySelectors are all selectors of up to two parts over one key.
func oneKeySelectors(t *testing.T) (all []Policy) {
	for _, value := range []string{"x", "y", "other"} {
		all = append(all, selecting("", podLabels{"k": value}))
	}
	for _, e := range expressionsOn("k") {
		all = append(all, selecting("", nil, e), selecting("", podLabels{"k": "x"}, e))
		for _, f := range expressionsOn("k") {
			all = append(all, selecting("", nil, e, f))
		}
	}
	if len(all) != 3+8*(1+8+1) {
		t.Fatalf("%d selectors", len(all))
	}
	return all
}

// TestOverlapOneKey tries every pair of selectors of up to two parts over one
// key against every pod.
func TestOverlapOneKey(t *testing.T) {
	all := oneKeySelectors(t)
	for i := range all {
		for j := range all {
			want := governed(t, []string{"k"}, all[i], all[j])
			if got := Overlap(&all[i], &all[j]); got != want {
				t.Errorf("%v and %v: overlap %t, want %t", all[i], all[j], got, want)
			}
		}
	}
}

// TestNeighboursOfOneKey: the indexes that groups are told by find what
// [Overlap] finds, for every pair of selectors, from either side.
func TestNeighboursOfOneKey(t *testing.T) {
	all := oneKeySelectors(t)
	pairs := 0
	for i := range all {
		for j := range all {
			members := []*member{{policy: &all[i], demands: demandsOf(&all[i])}, {policy: &all[j], demands: demandsOf(&all[j])}}
			if i == j || !members[0].possible || !members[1].possible {
				continue
			}
			pairs++
			want := Overlap(&all[i], &all[j])
			pin(members)
			for name, neighbours := range map[string]func([]*member) func(*member) []*member{"overlapping": new(tally).overlapping, "apart": new(tally).apart} {
				members[0].reached, members[1].reached = true, false
				if got := len(neighbours(members)(members[0])); (got == 1) != (want == (name == "overlapping")) {
					t.Errorf("%v and %v: overlap %t, and %d are %s", all[i], all[j], want, got, name)
				}
			}
		}
	}
	if pairs < 3000 {
		t.Errorf("only %d pairs", pairs)
	}
}

// TestOverlapAgreesWithMatching draws pairs over two keys and namespaces.
func TestOverlapAgreesWithMatching(t *testing.T) {
	seen := map[bool]int{}
	rapid.Check(t, func(r *rapid.T) {
		a, b := drawSelector(r), drawSelector(r)
		want := governed(t, []string{"k", "l"}, a, b)
		seen[want]++
		if got := Overlap(&a, &b); got != want {
			r.Fatalf("%v and %v: overlap %t, want %t", a, b, got, want)
		}
		if alone := governed(t, []string{"k", "l"}, a); alone != Overlap(&a, &a) {
			r.Fatalf("%v: selects a pod: %t, and overlaps itself: %t", a, alone, !alone)
		}
	})
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("drew %v", seen)
	}
}

func drawSelector(r *rapid.T) Policy {
	p := Policy{Namespace: rapid.SampledFrom([]string{"", "", "m", "other"}).Draw(r, "namespace")}
	p.PodSelectorLabels = rapid.MapOfN(rapid.SampledFrom([]string{"k", "l"}), rapid.SampledFrom([]string{"x", "y"}), 0, 2).Draw(r, "labels")
	least := 0
	if len(p.PodSelectorLabels) == 0 {
		least = 1
	}
	p.PodSelectorExpressions = rapid.SliceOfN(rapid.SampledFrom(append(expressionsOn("k"), expressionsOn("l")...)), least, 2).Draw(r, "expressions")
	return p
}
