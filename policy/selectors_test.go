package policy_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
		{"of several namespaces one", "namespaces: [shop, web]\npodSelectorLabels: {app: a}", "namespace: web\npodSelectorLabels: {app: a}", policy.SelectorsNarrower},
		{"two of three namespaces", "namespaces: [shop, web]\npodSelectorLabels: {app: a}", "namespaces: [web, bank]\npodSelectorLabels: {app: a}", policy.SelectorsCross},
		{"a namespace by its name and by its label", "namespace: web\npodSelectorLabels: {app: a}", "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: web}}\npodSelectorLabels: {app: a}", policy.SelectorsSame},
		{"each namespace has a name", "podSelectorLabels: {app: a}", "namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: Exists}]}\npodSelectorLabels: {app: a}", policy.SelectorsSame},
		{"all namespaces but one", "podSelectorLabels: {app: a}", "namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [web]}]}\npodSelectorLabels: {app: a}", policy.SelectorsNarrower},
		{"a label of the namespace", "podSelectorLabels: {app: a}", "namespaceSelector: {matchLabels: {team: web}}\npodSelectorLabels: {app: a}", policy.SelectorsNarrower},
		{"a label of the namespace is none of the pod's", "podSelectorLabels: {team: web}", "namespaceSelector: {matchLabels: {team: web}}\npodSelectorLabels: {app: a}", policy.SelectorsCross},
		{"two values of a label of namespaces", "namespaceSelector: {matchLabels: {team: web}}\npodSelectorLabels: {app: a}", "namespaceSelector: {matchLabels: {team: shop}}\npodSelectorLabels: {app: a}", policy.SelectorsApart},
		{"one that no namespace meets", "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: web}}\nnamespace: shop\npodSelectorLabels: {app: a}", "podSelectorLabels: {app: a}", policy.SelectorsWider},
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
// the drawn policies speak of, and others, the relation is that of what a Set selects
// which knows the labels of the namespaces; and the pods that are made up are selected
// as they are said to be.
func TestCompareSelectorsAgreesWithTheSet(t *testing.T) {
	met := map[policy.SelectorRelation]int{}
	madeUp, inNamespaces := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		a, b := podgen.Policy().Draw(t, "a"), podgen.Policy().Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b.Namespace, b.Namespaces, b.NamespaceSelector = a.Namespace, a.Namespaces, a.NamespaceSelector.DeepCopy()
			b.PodSelectorLabels = maps.Clone(a.PodSelectorLabels)
			b.PodSelectorExpressions = append(slices.Clone(a.PodSelectorExpressions), b.PodSelectorExpressions...)
			if !b.Selects() {
				b.PodSelectorLabels = map[string]string{"app": "web"}
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "namespaces") == 0 {
			b.Namespace, b.Namespaces = "", nil
			b.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{rapid.SampledFrom(namespaceLabels).Draw(t, "label"): "web"}}
		}
		first, second := setOf(t, a), setOf(t, b)
		selected := func(pod policy.Place) (byFirst, bySecond bool) {
			labelsOf := func(string) (map[string]string, bool) { return pod.NamespaceLabels, true }
			return len(first.WithNamespaces(labelsOf).Governing(pod.Namespace, pod.Labels)) > 0,
				len(second.WithNamespaces(labelsOf).Governing(pod.Namespace, pod.Labels)) > 0
		}
		var onlyA, onlyB, both int
		for pod := range podsNear(&a, &b) {
			switch inA, inB := selected(pod); {
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
		check := func(what string, pod policy.Place, ok bool, wanted int, wantA, wantB bool) {
			if ok != (wanted > 0) {
				t.Fatalf("%s: made up: %v, and there are %d\n%+v\n%+v", what, ok, wanted, a, b)
			}
			if !ok {
				return
			}
			if madeUp++; pod.NamespaceLabels != nil {
				inNamespaces++
			}
			if inA, inB := selected(pod); inA != wantA || inB != wantB {
				t.Fatalf("%s: %+v is selected by the first: %v, by the second: %v\n%+v\n%+v", what, pod, inA, inB, a, b)
			}
		}
		pod, ok := policy.SelectedPod(&a, &b)
		check("the first alone", pod, ok, onlyA, true, false)
		pod, ok = policy.SelectedPod(&b, &a)
		check("the second alone", pod, ok, onlyB, false, true)
		pod, ok = policy.SelectedByBoth(&a, &b)
		check("both", pod, ok, both, true, true)
	})
	for _, r := range []policy.SelectorRelation{policy.SelectorsSame, policy.SelectorsNarrower, policy.SelectorsWider, policy.SelectorsCross, policy.SelectorsApart} {
		if met[r] == 0 && !testing.Short() { // few are drawn then
			t.Errorf("no selectors were %s", r)
		}
	}
	if madeUp == 0 || inNamespaces == 0 {
		t.Errorf("%d pods were made up, %d of them in a namespace with labels", madeUp, inNamespaces)
	}
}

func setOf(t *rapid.T, p policy.Policy) policy.Set {
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Labels of which podgen's selectors speak, beside the names of namespaces.
var (
	podLabels       = []string{"app", "tier", "app.kubernetes.io/name"}
	namespaceLabels = []string{"team", "stage"}
)

// podsNear are pods of the namespaces and values of which podgen's selectors speak, and
// one more of each. A label of which neither policy speaks is on none of them.
func podsNear(a, b *policy.Policy) iter.Seq[policy.Place] {
	spoken := fmt.Sprint(a.PodSelectorLabels, a.PodSelectorExpressions, b.PodSelectorLabels, b.PodSelectorExpressions)
	ofNamespaces := fmt.Sprint(a.NamespaceSelector, b.NamespaceSelector)
	return func(yield func(policy.Place) bool) {
		for _, namespace := range append(podgen.Namespaces(), "web", "nowhere") {
			for around := range labelSets(namespaceLabels, ofNamespaces, "web", "networking", "default", "unknown", "", "other") {
				for own := range labelSets(podLabels, spoken, "web", "route-manager", "", "db", "other") {
					if !yield(policy.Place{Namespace: namespace, NamespaceLabels: around, Labels: own}) {
						return
					}
				}
			}
		}
	}
}

// labelSets are all sets of labels with these keys, as far as a text speaks of them.
func labelSets(keys []string, spoken string, values ...string) iter.Seq[map[string]string] {
	keys = slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !strings.Contains(spoken, key) })
	return func(yield func(map[string]string) bool) {
		many := 1
		for range keys {
			many *= len(values) + 1
		}
		for n := range many {
			labels := map[string]string{}
			for _, key := range keys {
				if i := n % (len(values) + 1); i < len(values) {
					labels[key] = values[i]
				}
				n /= len(values) + 1
			}
			if !yield(labels) {
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
	pod, _ := policy.SelectedPod(old, new)
	fmt.Println(pod.Namespace, pod.Labels)
	// Output:
	// narrower
	// default map[app:web]
}
