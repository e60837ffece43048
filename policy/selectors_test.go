package policy_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// TestCompareSelectors tries each relation, with its reason.
func TestCompareSelectors(t *testing.T) {
	for _, row := range []struct {
		why, old, new string
		want          policy.SelectorRelation
	}{
		{"labels and expressions are one language", "podSelectorLabels: {app: a}", "podSelectorExpressions: [{key: app, operator: In, values: [a, a]}]", policy.SelectorsSame},
		{"one label more", "podSelectorLabels: {app: a}", "podSelectorLabels: {app: a, tier: b}", policy.SelectorsNarrower},
		{"a namespace", "podSelectorLabels: {app: a}", "namespace: web\npodSelectorLabels: {app: a}", policy.SelectorsNarrower},
		{"a value more", "podSelectorLabels: {app: a}", "podSelectorExpressions: [{key: app, operator: In, values: [a, b]}]", policy.SelectorsWider},
		{"any value", "podSelectorExpressions: [{key: app, operator: In, values: [a, b]}]", "podSelectorExpressions: [{key: app, operator: Exists}]", policy.SelectorsWider},
		{"NotIn holds without the label too", "podSelectorExpressions: [{key: app, operator: Exists}]", "podSelectorExpressions: [{key: app, operator: NotIn, values: [a]}]", policy.SelectorsCross},
		{"fewer values are shut out", "podSelectorExpressions: [{key: app, operator: NotIn, values: [a, b]}]", "podSelectorExpressions: [{key: app, operator: NotIn, values: [b]}]", policy.SelectorsWider},
		{"two labels", "podSelectorLabels: {app: a}", "podSelectorLabels: {tier: b}", policy.SelectorsCross},
		{"two values of one label", "podSelectorLabels: {app: a}", "podSelectorLabels: {app: b}", policy.SelectorsApart},
		{"two namespaces", "namespace: shop\npodSelectorLabels: {app: a}", "namespace: web\npodSelectorLabels: {app: a}", policy.SelectorsApart},
		{"one that no pod meets", "podSelectorExpressions: [{key: app, operator: In, values: [a]}, {key: app, operator: DoesNotExist}]", "podSelectorLabels: {app: a}", policy.SelectorsWider},
		{"two that no pod meets", "podSelectorExpressions: [{key: app, operator: In, values: [a]}, {key: app, operator: DoesNotExist}]",
			"podSelectorExpressions: [{key: app, operator: In, values: [a]}, {key: app, operator: NotIn, values: [a]}]", policy.SelectorsSame},
	} {
		t.Run(row.why, func(t *testing.T) {
			old, new := selectorOf(t, row.old), selectorOf(t, row.new)
			if got := policy.CompareSelectors(old, new); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func selectorOf(t *testing.T, text string) *policy.Policy {
	t.Helper()
	list, err := policy.Parse([]byte("name: p\n"+text+"\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	return &list[0]
}

// TestCompareSelectorsAgreesWithTheSet: for every pod of the labels and namespaces that
// the drawn policies speak of, and others, the relation is that of what a Set selects;
// and the pods that are made up are selected as they are said to be.
func TestCompareSelectorsAgreesWithTheSet(t *testing.T) {
	met := map[policy.SelectorRelation]int{}
	madeUp := 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := podgen.Policy().Draw(t, "a"), podgen.Policy().Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b.Namespace, b.PodSelectorLabels = a.Namespace, maps.Clone(a.PodSelectorLabels)
			b.PodSelectorExpressions = append(slices.Clone(a.PodSelectorExpressions), b.PodSelectorExpressions...)
			if !b.Selects() {
				b.PodSelectorLabels = map[string]string{"app": "web"}
			}
		}
		first, second := setOf(t, a), setOf(t, b)
		var onlyA, onlyB, both int
		for namespace, labels := range smallPods {
			inA, inB := len(first.Governing(namespace, labels)) > 0, len(second.Governing(namespace, labels)) > 0
			switch {
			case inA && inB:
				both++
			case inA:
				onlyA++
			case inB:
				onlyB++
			}
		}
		want := policy.SelectorsCross
		switch {
		case onlyA == 0 && onlyB == 0:
			want = policy.SelectorsSame
		case onlyB == 0:
			want = policy.SelectorsNarrower
		case onlyA == 0:
			want = policy.SelectorsWider
		case both == 0:
			want = policy.SelectorsApart
		}
		got := policy.CompareSelectors(&a, &b)
		if met[got]++; got != want {
			t.Fatalf("%s, and by all pods %s\n%+v\n%+v", got, want, a, b)
		}
		check := func(what string, namespace string, labels map[string]string, ok bool, wanted int, inA, inB bool) {
			if ok != (wanted > 0) {
				t.Fatalf("%s: made up: %v, and there are %d\n%+v\n%+v", what, ok, wanted, a, b)
			}
			if !ok {
				return
			}
			madeUp++
			if in := len(first.Governing(namespace, labels)) > 0; in != inA {
				t.Fatalf("%s: %s %v is selected by the first: %v\n%+v\n%+v", what, namespace, labels, in, a, b)
			}
			if in := len(second.Governing(namespace, labels)) > 0; in != inB {
				t.Fatalf("%s: %s %v is selected by the second: %v\n%+v\n%+v", what, namespace, labels, in, a, b)
			}
		}
		namespace, labels, ok := policy.SelectedPod(&a, &b)
		check("the first alone", namespace, labels, ok, onlyA, true, false)
		namespace, labels, ok = policy.SelectedPod(&b, &a)
		check("the second alone", namespace, labels, ok, onlyB, false, true)
		namespace, labels, ok = policy.SelectedByBoth(&a, &b)
		check("both", namespace, labels, ok, both, true, true)
	})
	for _, r := range []policy.SelectorRelation{policy.SelectorsSame, policy.SelectorsNarrower, policy.SelectorsWider, policy.SelectorsCross, policy.SelectorsApart} {
		if met[r] == 0 {
			t.Errorf("no selectors were %s", r)
		}
	}
	if madeUp == 0 {
		t.Error("no pod was made up")
	}
}

func setOf(t *rapid.T, p policy.Policy) policy.Set {
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// smallPods are the namespaces and labels of which podgen's selectors speak, and one
// more of each.
func smallPods(yield func(string, map[string]string) bool) {
	values := []string{"absent", "web", "route-manager", "", "db", "other"}
	for _, namespace := range []string{"default", "networking", "elsewhere", "nowhere"} {
		for i := range len(values) * len(values) * len(values) {
			labels := map[string]string{}
			for _, key := range []string{"app", "tier", "app.kubernetes.io/name"} {
				if value := values[i%len(values)]; value != "absent" {
					labels[key] = value
				}
				i /= len(values)
			}
			if !yield(namespace, labels) {
				return
			}
		}
	}
}

// ExampleCompareSelectors shows what a label more does.
func ExampleCompareSelectors() {
	old := &policy.Policy{PodSelectorLabels: map[string]string{"app": "web"}}
	new := &policy.Policy{PodSelectorLabels: map[string]string{"app": "web", "tier": "front"}}
	fmt.Println(policy.CompareSelectors(old, new))
	namespace, labels, _ := policy.SelectedPod(old, new)
	fmt.Println(namespace, labels)
	// Output:
	// narrower
	// default map[app:web]
}
