package exhaustive

import (
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/laws"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// total is the number of cases in all groups. A case is a pod under a policy at a
// level and version.
const total = 4_849_416

// TestExhaustiveLaws holds laws 1, 2, 5 and 6, and that nothing is filled that
// Kubernetes would refuse, for every pod and policy of the groups, which between
// them are about every control.
func TestExhaustiveLaws(t *testing.T) {
	cases := 0
	spoken := map[string]bool{}
	for _, group := range Groups() {
		for _, id := range group.Checks {
			spoken[id.Control().Title] = true
		}
		cases += group.Cases()
		t.Run(group.Name, func(t *testing.T) {
			t.Parallel()
			run(t, &group)
		})
	}
	// The sum is of what the groups are to hold, and each counts what it held, so
	// that one of them can be run alone.
	if t.Logf("%d cases", cases); cases != total {
		t.Errorf("%d cases, want %d", cases, total)
	}
	for _, control := range spec.Controls() {
		if !spoken[control.Title] {
			t.Errorf("no group is about %s: add one to nodeGroups of internal/exhaustive/node.go, or to fillGroups where Mutate fills it", control.Title)
		}
	}
}

// run holds every case of the group against the laws, up to the first pod that
// breaks one.
func run(t *testing.T, g *Group) {
	lvs := g.Levels()
	before := make([]policy.Policy, len(g.Policies))
	for i := range g.Policies {
		if err := g.Policies[i].Validate(); err != nil {
			t.Fatal(err)
		}
		g.Policies[i].DeepCopyInto(&before[i])
	}
	pods, cases := 0, 0
	for pod := range g.All() {
		pods++
		original := pod.DeepCopy()
		for i := range g.Policies {
			cases += len(lvs)
			if broken := laws.Broken(pod, original, &g.Policies[i], lvs); len(broken) > 0 {
				t.Fatalf("%s\npod:\n%spolicy:\n%s", strings.Join(broken, "\n"), toYAML(t, pod), toYAML(t, g.Policies[i]))
			}
		}
	}
	if !reflect.DeepEqual(before, g.Policies) {
		t.Error("law 2: a policy was changed")
	}
	t.Logf("%d pods, %d policies, %d versions, %d cases", pods, len(g.Policies), len(g.Versions()), cases)
	if pods != g.Pods() || cases != g.Cases() {
		t.Errorf("%d pods and %d cases, want %d and %d", pods, cases, g.Pods(), g.Cases())
	}
}

func toYAML(t *testing.T, v any) []byte {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
