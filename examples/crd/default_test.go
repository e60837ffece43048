package crd

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/policy"
)

// TestOneDefaultPolicyANamespace: of several the first by name is taken, in whatever
// order they come, and the others are named.
func TestOneDefaultPolicyANamespace(t *testing.T) {
	object := func(namespace, name string) *PodPolicy {
		return &PodPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: policy.Policy{Default: true}}
	}
	set, wrong := Set(object("net", "b"), object("shop", "c"), object("net", "a"))
	if len(wrong) != 1 || wrong["net/b"] == nil || wrong["net/b"].Error() != "default: a is the default policy of the namespace already; keep one of them" {
		t.Errorf("%v", wrong)
	}
	for namespace, name := range map[string]string{"net": "a", "shop": "c", "other": ""} {
		got := set.Governing(namespace, nil)
		if len(got) > 1 || name == "" && len(got) > 0 || name != "" && (len(got) == 0 || got[0].Name != name) {
			t.Errorf("%s has %v, want %q", namespace, got, name)
		}
	}
}
