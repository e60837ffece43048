package author

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// merged is a policy with the grants of some needs added to it, in their canonical
// form: each once, sorted, and those of single containers in entries for them.
func merged(base *policy.Policy, needs []need) *policy.Policy {
	p := base.DeepCopy()
	of := map[scope][]need{}
	for _, n := range needs {
		of[n.scope] = append(of[n.scope], n)
	}
	if len(of) > policy.MaxContainerEntries {
		of = map[scope][]need{{}: needs} // more than a policy can hold
	}
	for _, s := range slices.SortedFunc(maps.Keys(of), compareScopes) {
		if s == (scope{}) {
			grantAll(p, of[s])
			continue
		}
		var part policy.Policy
		grantAll(&part, of[s])
		e := s.entry()
		e.Take(&part)
		p.Containers = append(p.Containers, e)
	}
	return p
}

// grantAll adds grants to a policy.
func grantAll(p *policy.Policy, needs []need) {
	paths, seen := map[string]*policy.HostPath{}, map[string]bool{}
	for i := range needs {
		n := &needs[i]
		if path, ok := n.grant.Value.(policy.HostPath); ok {
			paths[path.PathPrefix] = joinedPath(paths[path.PathPrefix], path)
			continue
		}
		if word := n.grant.String(); !seen[word] {
			seen[word] = true
			n.grant.AddTo(p)
		}
	}
	for _, path := range paths {
		p.Allow.AllowedHostPaths = append(p.Allow.AllowedHostPaths, *path)
	}
	tidy(p)
}

// widened are the needs of some workloads, without a scope where every container of
// every one of them needs the same: that is what a policy grants the whole pod.
func widened(shapes []*shape) (needs []need) {
	var common map[string]bool
	for i, s := range shapes {
		of := s.everywhere()
		if i == 0 {
			common = of
		}
		maps.DeleteFunc(common, func(grant string, _ bool) bool { return !of[grant] })
	}
	for _, s := range shapes {
		for _, n := range s.needs {
			if common[n.grant.String()] {
				n.scope = scope{}
			}
			needs = append(needs, n)
		}
	}
	return needs
}

// everywhere are the grants that every container of a workload needs.
func (s *shape) everywhere() map[string]bool {
	in := map[string]map[spec.Container]bool{}
	for i := range s.needs {
		n := &s.needs[i]
		if n.scope == (scope{}) {
			continue
		}
		grant := n.grant.String()
		if in[grant] == nil {
			in[grant] = map[spec.Container]bool{}
		}
		in[grant][n.Container] = true
	}
	containers := 0
	for range podwalk.Containers(s.spec()) {
		containers++
	}
	all := map[string]bool{}
	for grant, of := range in {
		if len(of) == containers {
			all[grant] = true
		}
	}
	return all
}

// joinedPath is an entry that admits what both do. What one mounts writable is not
// read-only.
func joinedPath(have *policy.HostPath, path policy.HostPath) *policy.HostPath {
	if have != nil {
		path.ReadOnly = path.ReadOnly && have.ReadOnly
	}
	return &path
}

// canonical is a grant as it is written best: a capability in capitals and without
// its prefix.
func canonical(g policy.Grant) policy.Grant {
	if name, ok := g.Value.(string); ok && g.Key == policy.KeyAllowedCapabilities {
		upper := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
		if spec.SameCapability(upper, name) {
			g.Value = upper
		}
	}
	return g
}

// tidy sorts the lists and joins ports to ranges.
func tidy(p *policy.Policy) {
	allow := &p.Allow
	for _, list := range []*[]string{
		&allow.AllowedCapabilities, &allow.AllowedUnsafeSysctls, &allow.AllowedProbeHosts,
		&allow.SeccompProfiles, &allow.AppArmorProfiles, &allow.ProcMounts,
	} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	slices.SortFunc(allow.Volumes, compareVolumes)
	slices.SortFunc(allow.AllowedHostPaths, func(a, b policy.HostPath) int { return cmp.Compare(a.PathPrefix, b.PathPrefix) })
	allow.AllowedHostPorts = joinedPorts(allow.AllowedHostPorts)
}

// compareVolumes orders volume types: the default ones, and then all others.
func compareVolumes(a, b string) int {
	place := func(name string) int {
		if i := slices.Index(policy.DefaultVolumes(), name); i >= 0 {
			return i
		}
		return len(policy.DefaultVolumes())
	}
	return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
}

// joinedPorts are ranges of the same ports, as few as there may be.
func joinedPorts(ports []policy.PortRange) (joined []policy.PortRange) {
	slices.SortFunc(ports, func(a, b policy.PortRange) int { return cmp.Compare(a.Min, b.Min) })
	for _, r := range ports {
		if n := len(joined); n > 0 && r.Min <= joined[n-1].Max+1 {
			joined[n-1].Max = max(joined[n-1].Max, r.Max)
		} else {
			joined = append(joined, r)
		}
	}
	return joined
}

// idRanges are the ranges of these IDs and no other, as few as there may be.
func idRanges(ids []int64) (ranges []policy.IDRange) {
	slices.Sort(ids)
	for _, id := range ids {
		if n := len(ranges); n > 0 && id <= ranges[n-1].Max+1 {
			ranges[n-1].Max = id
		} else {
			ranges = append(ranges, policy.IDRange{Min: id, Max: id})
		}
	}
	return ranges
}

// entryOf is the entry of a policy that a need of a workload goes by; ok is false where
// there is none.
func entryOf(p *policy.Policy, w *Workload, n *need) (e policy.Entry, ok bool) {
	if !n.FromStandard() {
		name, _ := n.grant.Value.(string)
		i := slices.Index(p.Allow.Volumes, name)
		return policy.Entry{Key: n.grant.Key, Index: int32(i)}, i >= 0
	}
	fault := n.Fault()
	if e, ok = p.Excuses(&fault); ok || len(p.Containers) == 0 {
		return e, ok
	}
	if c := podwalk.Get(w.spec(), n.Container); c != nil {
		return p.For(n.Container.Kind, c).Excuses(&fault)
	}
	// What stands on the pod may be excused for each container that inherits it.
	for at, c := range podwalk.Containers(w.spec()) {
		if spec.InheritsField(c, n.Field) {
			return p.For(at.Kind, c).Excuses(&fault)
		}
	}
	return policy.Entry{}, false
}
