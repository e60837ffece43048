package unittest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

// violations renders what stands against a Deployment, a line each: what a
// failing test should show.
func violations(t *testing.T, c Cache) []string {
	t.Helper()
	d := c.Deployment()
	r, err := podfence.EvaluateObject(d, restricted, policy.Set{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, v := range r.Violations {
		lines = append(lines, v.String())
	}
	return lines
}

// TestDeploymentMeetsRestricted: what the operator makes runs in any namespace
// that enforces restricted, as it is.
func TestDeploymentMeetsRestricted(t *testing.T) {
	got := violations(t, Cache{Name: "sessions", Namespace: "shop", Replicas: 3})
	if diff := cmp.Diff([]string(nil), got); diff != "" {
		t.Errorf("the operator's Deployment violates restricted:latest (-want +got):\n%s", diff)
	}
}

// TestHostPortIsTheUsersChoice: a host port is refused, and nothing else is.
func TestHostPortIsTheUsersChoice(t *testing.T) {
	got := violations(t, Cache{Name: "sessions", Namespace: "shop", Replicas: 3, HostPort: 6379})
	want := []string{
		`spec.template.spec.containers[0].ports[0].hostPort (container "cache") is 6379, must be 0 or unset [hostPorts]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations of restricted:latest (-want +got):\n%s", diff)
	}
}
