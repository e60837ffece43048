package author

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/policy"
)

// TestPairs: a policy is paired with the first one of its name in a namespace of its own,
// and no other.
func TestPairs(t *testing.T) {
	of := func(name string, namespaces ...string) *policy.Policy {
		return &policy.Policy{Name: name, Namespaces: namespaces}
	}
	old, first, second := of("x", "a", "b"), of("x", "a"), of("x", "b")
	got := pairs([]*policy.Policy{old}, []*policy.Policy{of("y", "a"), first, second})
	if len(got) != 3 || got[0] != [2]*policy.Policy{old, first} || got[1] != [2]*policy.Policy{nil, second} || got[2][1].Name != "y" {
		t.Errorf("%v", got)
	}
}

// TestOutside: what is left of a policy outside of some namespaces.
func TestOutside(t *testing.T) {
	named := &policy.Policy{Namespaces: []string{"a", "b"}}
	labelled := &policy.Policy{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"k": "v"}}}
	if got := outside(named, nil); got != named {
		t.Errorf("outside of none: %+v", got)
	}
	if got := outside(named, []string{"a", "c"}); got == nil || !slices.Equal(got.Namespaces, []string{"b"}) || got.NamespaceSelector != nil {
		t.Errorf("outside of one: %+v", got)
	}
	if got := outside(named, []string{"a", "b"}); got != nil {
		t.Errorf("outside of all that it names: %+v", got)
	}
	if got := outside(labelled, []string{"a"}); got == nil || metav1.FormatLabelSelector(got.NamespaceSelector) != "k=v,kubernetes.io/metadata.name notin (a)" || len(labelled.NamespaceSelector.MatchExpressions) > 0 {
		t.Errorf("of every namespace: %+v", got)
	}
}

// TestSelectsAll: another policy may select all that one does, a default one none.
func TestSelectsAll(t *testing.T) {
	p := selecting(policy.Policy{})
	set, err := policy.NewSet(*p, policy.Policy{Name: "d", Default: true})
	if err != nil {
		t.Fatal(err)
	}
	in := set.Policies()[slices.IndexFunc(set.Policies(), func(other *policy.Policy) bool { return !other.Default })]
	if !selectsAll(set, p, nil) || selectsAll(set, p, in) {
		t.Errorf("%t, and %t without it", selectsAll(set, p, nil), selectsAll(set, p, in))
	}
	if got := selectorRelation(&policy.Policy{Default: true}, p); got == policy.SelectorsSame {
		t.Errorf("a default policy that comes to select pods has %s selectors", got)
	}
}

// TestNamespaceBeside: a namespace that is none of some.
func TestNamespaceBeside(t *testing.T) {
	for want, namespaces := range map[string][]string{
		"default": {"a"}, "other-1": {"default"}, "other-2": {"default", "other-1"}, "other-3": {"other-2", "other-1", "default"},
	} {
		if got := namespaceBeside(namespaces); got != want {
			t.Errorf("beside %v: %s, want %s", namespaces, got, want)
		}
	}
}

// TestSays: two differences say the same by their key, their direction and their text.
func TestSays(t *testing.T) {
	d := PolicyDifference{Key: "allow.hostPID", Direction: Widens, Subject: "a pod"}
	for _, row := range []struct {
		other PolicyDifference
		want  bool
	}{
		{PolicyDifference{Key: "allow.hostPID", Direction: Widens, Subject: "a pod", Old: true}, true},
		{PolicyDifference{Key: "allow.hostIPC", Direction: Widens, Subject: "a pod"}, false},
		{PolicyDifference{Key: "allow.hostPID", Direction: Narrows, Subject: "a pod"}, false},
		{PolicyDifference{Key: "allow.hostPID", Direction: Widens, Subject: "a container"}, false},
	} {
		if got := d.says(row.other); got != row.want {
			t.Errorf("%+v: %t", row.other, got)
		}
	}
}
