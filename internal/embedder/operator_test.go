package embedder

import (
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
)

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

// TestCache: the operator's pod runs where restricted is enforced.
func TestCache(t *testing.T) {
	for _, v := range evaluate.Evaluate(Cache("shop"), restricted, policy.Set{}).Violations {
		t.Error(v)
	}
}

// TestHostNetwork: it would not, with its node's network.
func TestHostNetwork(t *testing.T) {
	pod := Cache("shop")
	pod.Spec.HostNetwork = true
	r := evaluate.Evaluate(pod, restricted, policy.Set{})
	if want := "host namespaces (hostNetwork=true)"; r.Message() != want {
		t.Errorf("%q, want %q", r.Message(), want)
	}
}
