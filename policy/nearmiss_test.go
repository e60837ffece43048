package policy_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/policy"
)

type labelsOf = map[string]string

// TestNearMisses: which policies a pod was probably meant for, and what differs.
func TestNearMisses(t *testing.T) {
	by := func(namespace string, labels labelsOf, expressions ...metav1.LabelSelectorRequirement) policy.Policy {
		return policy.Policy{Namespace: namespace, PodSelectorLabels: labels, PodSelectorExpressions: expressions}
	}
	in := func(key string, values ...string) metav1.LabelSelectorRequirement {
		return metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: values}
	}
	other := func(key string, op metav1.LabelSelectorOperator, values ...string) metav1.LabelSelectorRequirement {
		return metav1.LabelSelectorRequirement{Key: key, Operator: op, Values: values}
	}
	for _, row := range []struct {
		name, why, namespace string
		labels               labelsOf
		policies             []policy.Policy
		want                 []string
	}{
		{"no namespace", "the policy is for another one, or the manifest names it elsewhere", "", labelsOf{"app": "web"}, []policy.Policy{by("team-a", labelsOf{"app": "web"})},
			[]string{"policy p0 of namespace team-a: the pod names no namespace"}},
		{"another namespace", "the author has said where", "team-b", labelsOf{"app": "web"}, []policy.Policy{by("team-a", labelsOf{"app": "web"})}, nil},
		{"no namespace, and labels in another case", "two things differ", "", labelsOf{"app": "Web"}, []policy.Policy{by("team-a", labelsOf{"app": "web"})}, nil},
		{"selected", "it governs", "team-a", labelsOf{"app": "web"}, []policy.Policy{by("team-a", labelsOf{"app": "web"}), by("", labelsOf{"app": "web"})}, nil},
		{"a value in another case", "labels have case", "", labelsOf{"app": "Web"}, []policy.Policy{by("", labelsOf{"app": "web"})}, []string{`policy p0: label app is "Web", must be "web"`}},
		{"a value in another case, in the policy's namespace", "the namespace is right", "team-a", labelsOf{"app": "Web"}, []policy.Policy{by("team-a", labelsOf{"app": "web"})},
			[]string{`policy p0: label app is "Web", must be "web"`}},
		{"a key in another case", "keys have case too", "", labelsOf{"App": "web"}, []policy.Policy{by("", labelsOf{"app": "web"})}, []string{`policy p0: label App: "web" must be app: "web"`}},
		{"key and value in another case", "and both may differ", "", labelsOf{"App": "WEB"}, []policy.Policy{by("", labelsOf{"app": "web"})}, []string{`policy p0: label App: "WEB" must be app: "web"`}},
		{"several in another case", "case alone, however often", "", labelsOf{"App": "web", "tier": "Front"}, []policy.Policy{by("", labelsOf{"app": "web", "tier": "front"})},
			[]string{`policy p0: label App: "web" must be app: "web", label tier is "Front", must be "front"`}},
		{"two keys in another case", "the first that fits", "", labelsOf{"APP": "web", "App": "web", "aPP": "db"}, []policy.Policy{by("", labelsOf{"app": "web"})}, []string{`policy p0: label APP: "web" must be app: "web"`}},
		{"a slip", "one letter", "", labelsOf{"app": "route-manger"}, []policy.Policy{by("", labelsOf{"app": "route-manager"})}, []string{`policy p0: label app is "route-manger", must be "route-manager"`}},
		{"another name", "there is nothing else that says that the pod was meant", "", labelsOf{"app": "shop"}, []policy.Policy{by("", labelsOf{"app": "web"})}, nil},
		{"another of a series", "a digit is no slip", "", labelsOf{"app": "redis-1"}, []policy.Policy{by("", labelsOf{"app": "redis-2"})}, nil},
		{"one value of two", "the other says that the pod was meant", "", labelsOf{"app": "web", "tier": "back"}, []policy.Policy{by("", labelsOf{"app": "web", "tier": "front"})},
			[]string{`policy p0: label tier is "back", must be "front"`}},
		{"two values of three", "more than one value", "", labelsOf{"app": "web", "tier": "back", "env": "test"}, []policy.Policy{by("", labelsOf{"app": "web", "tier": "front", "env": "prod"})}, nil},
		{"one value and a key in another case", "two things differ", "", labelsOf{"App": "web", "tier": "back", "env": "prod"}, []policy.Policy{by("", labelsOf{"app": "web", "tier": "front", "env": "prod"})}, nil},
		{"a key in another case and another value", "two things differ in one label", "", labelsOf{"App": "shop", "tier": "front"}, []policy.Policy{by("", labelsOf{"app": "web", "tier": "front"})},
			[]string{`policy p0: label app is unset, must be "web"`}},
		{"one label of two is missing", "as another value", "", labelsOf{"app": "web"}, []policy.Policy{by("", labelsOf{"app": "web", "tier": "front"})}, []string{`policy p0: label tier is unset, must be "front"`}},
		{"the only label is missing", "nothing says that the pod was meant", "", labelsOf{"tier": "front"}, []policy.Policy{by("", labelsOf{"app": "web"})}, nil},
		{"no labels", "nothing is near", "", nil, []policy.Policy{by("", labelsOf{"app": "web"}), by("", nil, other("app", metav1.LabelSelectorOpNotIn, "web"))}, nil},
		{"no labels, selected by their absence", "in another namespace", "", nil, []policy.Policy{by("team-a", nil, other("app", metav1.LabelSelectorOpDoesNotExist))},
			[]string{"policy p0 of namespace team-a: the pod names no namespace"}},
		{"an expression, by case", "one of its values is meant", "", labelsOf{"app": "WEB"}, []policy.Policy{by("", nil, in("app", "api", "web"))}, []string{`policy p0: label app is "WEB", must be "web"`}},
		{"an expression, by a slip", "the value that is nearest", "", labelsOf{"app": "worke"}, []policy.Policy{by("", nil, in("app", "server", "worker"))}, []string{`policy p0: label app is "worke", must be "worker"`}},
		{"an expression, another value", "nothing says that the pod was meant", "", labelsOf{"app": "shop"}, []policy.Policy{by("", nil, in("app", "api", "web"))}, nil},
		{"an expression beside a label, another value", "the label says so", "", labelsOf{"app": "web", "tier": "back"}, []policy.Policy{by("", labelsOf{"app": "web"}, in("tier", "front", "edge"))},
			[]string{`policy p0: label tier is "back", must be "front"`}},
		{"a key that must exist, by case", "its value does not matter", "", labelsOf{"App": "shop"}, []policy.Policy{by("", nil, other("app", metav1.LabelSelectorOpExists))}, []string{`policy p0: label App: "shop" must be app: "shop"`}},
		{"a key that must exist", "any value would do, and which is not known", "", labelsOf{"app": "web"}, []policy.Policy{by("", labelsOf{"app": "web"}, other("tier", metav1.LabelSelectorOpExists))}, nil},
		{"a value that is forbidden", "the policy does not want the pod", "", labelsOf{"app": "Web", "tier": "test"}, []policy.Policy{by("", labelsOf{"app": "web"}, other("tier", metav1.LabelSelectorOpNotIn, "test"))}, nil},
		{"a value that is forbidden, alone", "nothing is near", "", labelsOf{"app": "web", "tier": "test"}, []policy.Policy{by("", labelsOf{"app": "web"}, other("tier", metav1.LabelSelectorOpNotIn, "test"))}, nil},
		{"several policies", "by name, and those of one name by namespace", "", labelsOf{"app": "Web", "tier": "front"},
			[]policy.Policy{by("", labelsOf{"app": "web"}), by("b", labelsOf{"tier": "front"}), by("a", labelsOf{"tier": "front"})},
			[]string{`policy p0: label app is "Web", must be "web"`, "policy p1 of namespace b: the pod names no namespace", "policy p2 of namespace a: the pod names no namespace"}},
		{"several namespaces", "it is one policy, and any of them would do", "", labelsOf{"app": "web"},
			[]policy.Policy{{Namespaces: []string{"team-b", "team-a"}, PodSelectorLabels: labelsOf{"app": "web"}}},
			[]string{"policy p0 of namespaces team-b, team-a: the pod names no namespace"}},
		{"several namespaces, by case", "the namespace is right", "team-a", labelsOf{"app": "Web"},
			[]policy.Policy{{Namespaces: []string{"team-b", "team-a"}, PodSelectorLabels: labelsOf{"app": "web"}}},
			[]string{`policy p0: label app is "Web", must be "web"`}},
		{"several other namespaces", "the author has said where", "team-c", labelsOf{"app": "web"},
			[]policy.Policy{{Namespaces: []string{"team-b", "team-a"}, PodSelectorLabels: labelsOf{"app": "web"}}}, nil},
		{"namespaces by a label that nobody knows", "a notice says so, and its own labels may still be right", "team-a", labelsOf{"app": "Web"},
			[]policy.Policy{{NamespaceSelector: &metav1.LabelSelector{MatchLabels: labelsOf{"team": "a"}}, PodSelectorLabels: labelsOf{"app": "web"}}}, nil},
		{"namespaces by name, by case", "the namespace is right", "team-a", labelsOf{"app": "Web"},
			[]policy.Policy{{NamespaceSelector: &metav1.LabelSelector{MatchLabels: labelsOf{"kubernetes.io/metadata.name": "team-a"}}, PodSelectorLabels: labelsOf{"app": "web"}}},
			[]string{`policy p0: label app is "Web", must be "web"`}},
		{"odd labels", "no text of ours breaks its line for them", "", labelsOf{"app": "we\nb", "tier": "front"}, []policy.Policy{by("", labelsOf{"app": "web", "tier": "front"})},
			[]string{`policy p0: label app is "we\nb", must be "web"`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for i := range row.policies {
				row.policies[i].Name = fmt.Sprint("p", i)
			}
			set, err := policy.NewSet(row.policies...)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // whatever the order of maps
				var got []string
				for _, m := range set.NearMisses(row.namespace, row.labels) {
					got = append(got, m.String())
				}
				if diff := cmp.Diff(row.want, got); diff != "" {
					t.Fatalf("%s (-want +got):\n%s", row.why, diff)
				}
			}
		})
	}
	if got := (policy.Set{}).NearMisses("", labelsOf{"app": "web"}); got != nil {
		t.Errorf("no policies, and %v", got)
	}
}

// TestNearMissesAreNear holds, for every pod and policy of a small domain, that
// a near miss does not select the pod, and does once what differs is changed.
func TestNearMissesAreNear(t *testing.T) {
	var all []labelsOf
	values := []string{"", "web", "Web", "wab", "shop"}
	for _, app := range values {
		for _, upper := range values {
			for _, tier := range values {
				labels := labelsOf{"app": app, "App": upper, "tier": tier}
				maps.DeleteFunc(labels, func(_, value string) bool { return value == "" })
				all = append(all, labels)
			}
		}
	}
	cases, near := 0, 0
	for _, wanted := range all {
		if len(wanted) == 0 {
			continue
		}
		for _, namespace := range []string{"", "team-a"} {
			set, err := policy.NewSet(policy.Policy{Name: "p", Namespace: namespace, PodSelectorLabels: wanted})
			if err != nil {
				t.Fatal(err)
			}
			for _, labels := range all {
				for _, at := range []string{"", "team-a", "team-b"} {
					cases++
					before := maps.Clone(labels)
					misses := set.NearMisses(at, labels)
					if !maps.Equal(before, labels) {
						t.Fatal("the labels were changed")
					}
					if len(misses) == 0 {
						continue
					}
					near++
					if len(set.Governing(at, labels)) > 0 {
						t.Fatalf("%v selects %v and misses it", wanted, labels)
					}
					m := misses[0]
					for _, l := range m.Labels {
						delete(before, l.PodKey)
					}
					for _, l := range m.Labels {
						before[l.Key] = l.Value
					}
					if m.Namespace != "" {
						at = m.Namespace
					}
					if !slices.Contains(set.Governing(at, before), m.Policy) {
						t.Fatalf("%v is near to %v by %s, and does not select it then", wanted, labels, m)
					}
				}
			}
		}
	}
	if cases != 93_000 || near < 2_000 || near > 20_000 {
		t.Errorf("%d cases, %d of them near", cases, near)
	}
}
