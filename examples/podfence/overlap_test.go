package main

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/policy"
)

type requirement = metav1.LabelSelectorRequirement

// expressions are all about one key and the values x and y.
func expressions(key string) []requirement {
	list := []requirement{
		{Key: key, Operator: metav1.LabelSelectorOpExists},
		{Key: key, Operator: metav1.LabelSelectorOpDoesNotExist},
	}
	for _, values := range [][]string{{"x"}, {"y"}, {"x", "y"}} {
		list = append(list, requirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: values},
			requirement{Key: key, Operator: metav1.LabelSelectorOpNotIn, Values: values})
	}
	return list
}

// labelings are the pods that selectors over the values x and y can tell apart.
func labelings(keys ...string) []map[string]string {
	all := []map[string]string{{}}
	for _, key := range keys {
		var longer []map[string]string
		for _, labels := range all {
			for _, value := range []string{"", "x", "y", "other"} {
				m := map[string]string{}
				for k, v := range labels {
					m[k] = v
				}
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

// governed reports, by the library's own matching, whether some pod in one of
// the namespaces is governed by all the policies.
func governed(t testing.TB, keys []string, policies ...policy.Policy) bool {
	t.Helper()
	for i := range policies {
		policies[i].Name = fmt.Sprintf("p%d", i)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	for _, namespace := range []string{"m", "n"} {
		for _, labels := range labelings(keys...) {
			if len(set.Governing(namespace, labels)) == len(policies) {
				return true
			}
		}
	}
	return false
}

// TestOverlapOneKey tries every pair of selectors of up to two parts over one
// key against every pod.
func TestOverlapOneKey(t *testing.T) {
	var all []policy.Policy
	for _, value := range []string{"x", "y"} {
		all = append(all, policy.Policy{PodSelectorLabels: map[string]string{"k": value}})
	}
	for _, e := range expressions("k") {
		all = append(all, policy.Policy{PodSelectorExpressions: []requirement{e}})
		for _, f := range expressions("k") {
			all = append(all, policy.Policy{PodSelectorExpressions: []requirement{e, f}})
		}
		all = append(all, policy.Policy{PodSelectorLabels: map[string]string{"k": "x"}, PodSelectorExpressions: []requirement{e}})
	}
	if len(all) != 2+8*(1+8+1) {
		t.Fatalf("%d selectors", len(all))
	}
	for i := range all {
		for j := range all {
			want := governed(t, []string{"k"}, all[i], all[j])
			if got := overlap(&all[i], &all[j]); got != want {
				t.Errorf("%v and %v: overlap %t, want %t", all[i], all[j], got, want)
			}
		}
	}
}

// TestOverlap draws pairs over two keys and namespaces.
func TestOverlap(t *testing.T) {
	seen := map[bool]int{}
	rapid.Check(t, func(r *rapid.T) {
		a, b := drawSelector(r), drawSelector(r)
		want := governed(t, []string{"k", "l"}, a, b)
		seen[want]++
		if got := overlap(&a, &b); got != want {
			r.Fatalf("%v and %v: overlap %t, want %t", a, b, got, want)
		}
		if alone := governed(t, []string{"k", "l"}, a); alone != selectable(&a) {
			r.Fatalf("%v: selectable %t, want %t", a, selectable(&a), alone)
		}
	})
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("drew %v", seen)
	}
}

func drawSelector(r *rapid.T) policy.Policy {
	p := policy.Policy{Namespace: rapid.SampledFrom([]string{"", "", "m", "n"}).Draw(r, "namespace")}
	p.PodSelectorLabels = rapid.MapOfN(rapid.SampledFrom([]string{"k", "l"}), rapid.SampledFrom([]string{"x", "y"}), 0, 2).Draw(r, "labels")
	p.PodSelectorExpressions = rapid.SliceOfN(rapid.SampledFrom(append(expressions("k"), expressions("l")...)), 1, 3).Draw(r, "expressions")
	return p
}
