package exhaustive

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/laws"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// group is a small domain of pods and policies: fields that are decided together,
// under the grants and rules that have a say in it.
type group struct {
	name string
	// checks are those whose controls' boundary versions count.
	checks []spec.CheckID
	// fields are the dimensions beside the kind of container, OS and hostUsers.
	fields [][]podgen.Choice
	// policies are completed with what they need to be valid.
	policies []policy.Policy
}

// total is the number of cases in all groups. A case is a pod under a policy at a
// level and version.
const total = 4_849_416

// levels are those that look at a pod at all.
var levels = []api.Level{api.LevelBaseline, api.LevelRestricted}

// TestExhaustiveLaws holds laws 1, 2, 5 and 6, and that nothing is filled that
// Kubernetes would refuse, for every pod and policy of the groups, which between
// them are about every control.
func TestExhaustiveLaws(t *testing.T) {
	cases := 0
	spoken := map[string]bool{}
	for _, group := range append(fillGroups(), nodeGroups()...) {
		for _, id := range group.checks {
			spoken[id.Control().Title] = true
		}
		cases += group.cases()
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			group.run(t)
		})
	}
	// The sum is of what the groups are to hold, and each counts what it held, so
	// that one of them can be run alone.
	if t.Logf("%d cases", cases); cases != total {
		t.Errorf("%d cases, want %d", cases, total)
	}
	for _, control := range spec.Controls() {
		if !spoken[control.Title] {
			t.Errorf("no group is about %s: add one to nodeGroups of internal/exhaustive/node_test.go, or to fillGroups where Mutate fills it", control.Title)
		}
	}
}

// dimensions are all of the group's.
func (g *group) dimensions() [][]podgen.Choice {
	all := choose(podgen.Kinds(podgen.Bare), podgen.OperatingSystems(), podgen.HostUsers())
	return append(all, g.fields...)
}

// versions are those around every change of a control of the group.
func (g *group) versions() []api.Version {
	var controls []*spec.Control
	for _, id := range g.checks {
		controls = append(controls, id.Control())
	}
	return podgen.BoundaryVersions(controls...)
}

// pods is the number of pods in the group.
func (g *group) pods() int {
	pods := 1
	for _, choices := range g.dimensions() {
		pods *= len(choices)
	}
	return pods
}

// cases is the number of cases in the group.
func (g *group) cases() int { return g.pods() * len(g.policies) * len(g.versions()) * len(levels) }

// run holds every case of the group against the laws, up to the first pod that
// breaks one.
func (g *group) run(t *testing.T) {
	var lvs []api.LevelVersion
	for _, version := range g.versions() {
		for _, level := range levels {
			lvs = append(lvs, api.LevelVersion{Level: level, Version: version})
		}
	}
	before := make([]policy.Policy, len(g.policies))
	for i := range g.policies {
		g.policies[i] = *selecting(g.policies[i])
		if err := g.policies[i].Validate(); err != nil {
			t.Fatal(err)
		}
		g.policies[i].DeepCopyInto(&before[i])
	}
	pods, cases := 0, 0
	for pod := range podgen.Product(g.dimensions()...) {
		pods++
		original := pod.DeepCopy()
		for i := range g.policies {
			cases += len(lvs)
			if broken := laws.Broken(pod, original, &g.policies[i], lvs); len(broken) > 0 {
				t.Fatalf("%s\npod:\n%spolicy:\n%s", strings.Join(broken, "\n"), toYAML(t, pod), toYAML(t, g.policies[i]))
			}
		}
	}
	if !reflect.DeepEqual(before, g.policies) {
		t.Error("law 2: a policy was changed")
	}
	t.Logf("%d pods, %d policies, %d versions, %d cases", pods, len(g.policies), len(g.versions()), cases)
	if pods != g.pods() || cases != g.cases() {
		t.Errorf("%d pods and %d cases, want %d and %d", pods, cases, g.pods(), g.cases())
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

// selecting is the policy with what it needs to be valid.
func selecting(p policy.Policy) *policy.Policy {
	p.Name, p.PodSelectorLabels = "p", map[string]string{"app": "web"}
	return &p
}
