package policy

// defaultGroup is filled in where neither the pod nor the policy names a group.
const defaultGroup = 1

// DropsAllCapabilities reports whether drop: [ALL] is filled in. Where it is
// not, a container that does not drop ALL is excused.
func (m *Mutations) DropsAllCapabilities() bool {
	return m.DropAllCapabilities == nil || *m.DropAllCapabilities
}

// SetsSeccompProfile reports whether a seccomp profile is filled in. Where it is
// not, a container without one is excused.
func (m *Mutations) SetsSeccompProfile() bool {
	return m.SetDefaultSeccompProfile == nil || *m.SetDefaultSeccompProfile
}

// UserFill is the user ID to fill in, and whether there is one: the one that the
// policy names, else the minimum of the first range under MustRunAs. For a
// container that its author keeps from root it is never 0, which the kubelet
// would refuse: the lowest other ID of the first range that has one stands in.
func (p *Policy) UserFill(nonRoot bool) (id int64, ok bool) {
	if id := p.Mutations.RunAsUser; id != nil && (*id != 0 || !nonRoot) {
		return *id, true
	}
	if p.Allow.RunAsUser.Rule != MustRunAs {
		return 0, false
	}
	for _, r := range p.Allow.RunAsUser.Ranges {
		if r.Min != 0 || !nonRoot {
			return r.Min, true
		}
		if r.Max > 0 {
			return 1, true
		}
	}
	return 0, false
}

// GroupFill is the runAsGroup to fill in, and whether there is one.
func (p *Policy) GroupFill() (id int64, ok bool) {
	return p.Mutations.RunAsGroup.or(&p.Allow.RunAsGroup)
}

// FSGroupFill is the fsGroup to fill in, and whether there is one.
func (p *Policy) FSGroupFill() (id int64, ok bool) {
	return p.Mutations.FSGroup.or(&p.Allow.FSGroup)
}

// FillsSupplementalGroups reports whether there are supplemental groups to fill in.
func (p *Policy) FillsSupplementalGroups() bool {
	if groups := p.Mutations.SupplementalGroups; groups != nil {
		return len(groups) > 0
	}
	_, ok := defaultGroupFill(&p.Allow.SupplementalGroups.GroupRule)
	return ok
}

// SupplementalGroupsFill are the groups to fill in, nil for none. The result is
// the caller's.
func (p *Policy) SupplementalGroupsFill() []int64 {
	if groups := p.Mutations.SupplementalGroups; groups != nil {
		return append([]int64(nil), groups...)
	}
	if id, ok := defaultGroupFill(&p.Allow.SupplementalGroups.GroupRule); ok {
		return []int64{id}
	}
	return nil
}

// or is the explicit value, which may be none, else the default under a rule.
func (g *GroupFill) or(rule *GroupRule) (id int64, ok bool) {
	switch {
	case g == nil:
		return defaultGroupFill(rule)
	case *g == NoGroup:
		return 0, false
	default:
		return int64(*g), true
	}
}

// defaultGroupFill is the default where the rule admits it, else the first range's
// minimum under MustRunAs and nothing under MayRunAs.
func defaultGroupFill(rule *GroupRule) (id int64, ok bool) {
	switch {
	case rule.Admits(defaultGroup):
		return defaultGroup, true
	case rule.Rule == MustRunAs && len(rule.Ranges) > 0:
		return rule.Ranges[0].Min, true
	default:
		return 0, false
	}
}
