package exhaustive

import (
	"iter"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Group is a small domain of pods and policies: fields that are decided together,
// under the grants and rules that have a say in it. A case is a pod under a policy at
// a level and version.
type Group struct {
	Name string
	// Checks are those whose controls' boundary versions count.
	Checks []spec.CheckID
	// Fields are the dimensions beside the kind of container, OS and hostUsers.
	Fields [][]podgen.Choice
	// Policies select pods of the label app=web.
	Policies []policy.Policy
}

// Groups are about all controls between them, and about all that Mutate fills in.
func Groups() []Group {
	groups := append(fillGroups(), nodeGroups()...)
	for i := range groups {
		for j := range groups[i].Policies {
			groups[i].Policies[j] = *selecting(groups[i].Policies[j])
		}
	}
	return groups
}

// selecting is the policy with what it needs to be valid.
func selecting(p policy.Policy) *policy.Policy {
	p.Name, p.PodSelectorLabels = "p", map[string]string{"app": "web"}
	return &p
}

// levels are those that look at a pod at all.
var levels = []api.Level{api.LevelBaseline, api.LevelRestricted}

// dimensions are all of the group's.
func (g *Group) dimensions() [][]podgen.Choice {
	all := choose(podgen.Kinds(podgen.Bare), podgen.OperatingSystems(), podgen.HostUsers())
	return append(all, g.Fields...)
}

// All visits every pod of the group.
func (g *Group) All() iter.Seq[*corev1.Pod] { return podgen.Product(g.dimensions()...) }

// Versions are those around every change of a control of the group.
func (g *Group) Versions() []api.Version {
	var controls []*spec.Control
	for _, id := range g.Checks {
		controls = append(controls, id.Control())
	}
	return podgen.BoundaryVersions(controls...)
}

// Levels are all levels that look at a pod, at all versions of the group.
func (g *Group) Levels() (all []api.LevelVersion) {
	for _, version := range g.Versions() {
		for _, level := range levels {
			all = append(all, api.LevelVersion{Level: level, Version: version})
		}
	}
	return all
}

// Pods is the number of pods in the group.
func (g *Group) Pods() int {
	pods := 1
	for _, choices := range g.dimensions() {
		pods *= len(choices)
	}
	return pods
}

// Cases is the number of cases in the group.
func (g *Group) Cases() int { return g.Pods() * len(g.Policies) * len(g.Versions()) * len(levels) }
