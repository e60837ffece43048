package unittest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/podfencetest"
	"github.com/podfence/podfence/policy"
)

// cluster is where users of the operator mostly run it: restricted, without exceptions.
var cluster podfencetest.Cluster

// TestDeploymentMeetsRestricted: what the operator makes runs in any namespace
// that enforces restricted, as it is.
func TestDeploymentMeetsRestricted(t *testing.T) {
	cluster.Allows(t, podfencetest.Objects(Cache{Name: "sessions", Namespace: "shop", Replicas: 3}.Deployment()))
}

// TestWhatIsFilledIn: what changes for users whose cluster runs podfence's mutating
// webhook, to be read in review when it does.
func TestWhatIsFilledIn(t *testing.T) {
	cluster.Golden(t, "testdata/filled.golden", podfencetest.Objects(Cache{Name: "sessions", Namespace: "shop", Replicas: 3}.Deployment()))
}

// TestHostPortIsTheUsersChoice: a host port is refused, and nothing else is; so a
// policy that grants it is all that its users need.
func TestHostPortIsTheUsersChoice(t *testing.T) {
	object := Cache{Name: "sessions", Namespace: "shop", Replicas: 3, HostPort: 6379}.Deployment()
	r, err := podfence.EvaluateObject(object, api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, policy.Set{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range r.Violations {
		got = append(got, v.String())
	}
	want := []string{
		`spec.template.spec.containers[0].ports[0].hostPort (container "cache") is 6379, must be 0 or unset [hostPorts]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("violations of restricted:latest (-want +got):\n%s", diff)
	}

	policies, err := policy.ReadDir("testdata/policies")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	podfencetest.Cluster{Policies: set}.Admits(t, podfencetest.Objects(object))
}
