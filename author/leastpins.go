package author

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// values are the IDs that the workloads of a group have in one field, and where.
type values struct {
	ids map[int64]bool
	// open are where it is unset.
	open    []Unpinned
	reasons reasons
}

func (v *values) ranges() []policy.IDRange { return idRanges(slices.Collect(maps.Keys(v.ids))) }

// add notes the value of a field, nil for unset.
func (v *values) add(s *shape, at spec.Location, id *int64) {
	if id == nil {
		v.open = append(v.open, Unpinned{Workload: s.reference(), Container: at.Container})
		return
	}
	if v.ids == nil {
		v.ids, v.reasons = map[int64]bool{}, reasons{}
	}
	v.ids[*id] = true
	v.reasons.add(Reason{Location: at, Value: *id}, s.named)
}

// onLinux are the workloads of a group that rules over IDs speak of.
func (g *group) onLinux() []*shape {
	return slices.DeleteFunc(slices.Clone(g.shapes), func(s *shape) bool { return spec.IsWindows(s.spec()) })
}

// users are the user IDs of the containers that are wanted.
func (g *group) users(wanted func(scope) bool) (v values) {
	for _, s := range g.onLinux() {
		for at, c := range podwalk.Containers(s.spec()) {
			if wanted(scopeOf(at.Kind, c)) {
				v.add(s, userField(s.spec(), at, c), spec.EffectiveRunAsUser(s.spec(), c))
			}
		}
	}
	return v
}

// ruled reports whether an entry for single containers has a rule over the users of a
// scope, so that the policy's own has no say there.
func (g *group) ruled(of scope) bool {
	return slices.ContainsFunc(g.policy.Containers, func(e policy.ContainerEntry) bool {
		return e.Allow.RunAsUser.Rule != "" && entryScope(&e) == of
	})
}

// entryScope is the scope of an entry that [scope.entry] made.
func entryScope(e *policy.ContainerEntry) (s scope) {
	s.kind, s.name, s.image = first(e.Kinds), first(e.Names), first(e.Images)
	return s
}

// first is the first element of a list, the zero value where it is empty.
func first[T any](list []T) (zero T) {
	if len(list) == 0 {
		return zero
	}
	return list[0]
}

// own reports whether the policy's own rule over users speaks of a scope.
func (g *group) own(of scope) bool { return !g.ruled(of) }

// userField is where the user ID of a container stands.
func userField(pod *corev1.PodSpec, at spec.Container, c *corev1.Container) spec.Location {
	if inherits := (c.SecurityContext == nil || c.SecurityContext.RunAsUser == nil) && pod.SecurityContext != nil && pod.SecurityContext.RunAsUser != nil; inherits {
		return spec.At(spec.Container{}, spec.FieldPodRunAsUser)
	}
	return spec.At(at, spec.FieldRunAsUser)
}

// groupField is where the group ID of a container stands.
func groupField(pod *corev1.PodSpec, at spec.Container, c *corev1.Container) spec.Location {
	if inherits := (c.SecurityContext == nil || c.SecurityContext.RunAsGroup == nil) && pod.SecurityContext != nil && pod.SecurityContext.RunAsGroup != nil; inherits {
		return spec.At(spec.Container{}, spec.FieldPodRunAsGroup)
	}
	return spec.At(at, spec.FieldRunAsGroup)
}

// usersRule is the rule that holds containers to the users that they have. There is
// none where a container has none: the rule would give it one.
func usersRule(users values) (rule policy.UserRule, ok bool) {
	if len(users.open) > 0 || len(users.ids) == 0 {
		return rule, false
	}
	return policy.UserRule{Rule: policy.MustRunAs, Ranges: users.ranges()}, true
}

// narrowUsers takes rules that hold containers to their users in place of those that
// let them run as anybody, or none at all, where that allows all of them.
func (g *group) narrowUsers(a *asker) {
	for i := len(g.policy.Containers) - 1; i >= 0; i-- {
		part := g.policy.Containers[i].Part()
		of := entryScope(&g.policy.Containers[i])
		g.narrowUser(a, part.Allow.RunAsUser, func(s scope) bool { return s == of }, func(p *policy.Policy, rule policy.UserRule) {
			part := p.Containers[i].Part()
			part.Allow.RunAsUser = rule
			p.WithPart(i, &part)
		})
	}
	g.narrowUser(a, g.policy.Allow.RunAsUser, g.own, func(p *policy.Policy, rule policy.UserRule) { p.Allow.RunAsUser = rule })
}

// narrowUser narrows one rule, that over the users of the scopes that are its own.
func (g *group) narrowUser(a *asker, rule policy.UserRule, its func(scope) bool, put func(*policy.Policy, policy.UserRule)) {
	if rule.Rule != policy.RunAsAny || g.adopt(a, func(p *policy.Policy) { put(p, policy.UserRule{}) }) {
		return
	}
	if narrower, ok := usersRule(g.users(its)); ok {
		g.adopt(a, func(p *policy.Policy) { put(p, narrower) })
	}
}

// adopt changes the policy where that leaves all workloads allowed, and reports whether
// it did.
func (g *group) adopt(a *asker, change func(*policy.Policy)) bool {
	p := g.policy.DeepCopy()
	change(p)
	for _, s := range g.shapes {
		if !s.AdmitUnder(a.lv, p).Allowed() {
			return false
		}
	}
	g.policy = p
	return true
}

// pin pins the rules to what the workloads use.
func (g *group) pin(a *asker) {
	g.pinUsers(a)
	g.pinPaths(a)
	for _, rule := range pinnedGroups {
		g.pinGroups(a, &rule)
	}
	strict := func(s *shape) bool {
		sc := s.spec().SecurityContext
		return sc != nil && sc.SupplementalGroupsPolicy != nil && *sc.SupplementalGroupsPolicy == corev1.SupplementalGroupsPolicyStrict
	}
	linux := g.onLinux()
	if len(linux) == 0 {
		return
	}
	if !slices.ContainsFunc(linux, func(s *shape) bool { return !strict(s) }) {
		g.adopt(a, func(p *policy.Policy) { p.Allow.SupplementalGroups.Policy = corev1.SupplementalGroupsPolicyStrict })
	}
	if !slices.ContainsFunc(linux, func(s *shape) bool { return !readOnlyRoots(s.spec()) }) {
		g.adopt(a, func(p *policy.Policy) { p.Allow.ReadOnlyRootFilesystem = true })
	}
}

func readOnlyRoots(pod *corev1.PodSpec) bool {
	for _, c := range podwalk.Containers(pod) {
		if !hasReadOnlyRoot(c) {
			return false
		}
	}
	return true
}

func (g *group) pinUsers(a *asker) {
	if g.policy.Allow.RunAsUser.Rule == policy.MustRunAs {
		return
	}
	users := g.users(g.own)
	rule, ok := usersRule(users)
	if ok && g.adopt(a, func(p *policy.Policy) { p.Allow.RunAsUser = rule }) {
		return
	}
	g.open(policy.KeyRunAsUser, users.open)
}

// open notes that a rule is not pinned, and one place that leaves it open.
func (g *group) open(key policy.Key, where []Unpinned) {
	if len(where) == 0 {
		return
	}
	one := slices.MinFunc(where, compareUnpinned)
	one.Key = key
	g.unpinned = append(g.unpinned, one)
}

func compareUnpinned(a, b Unpinned) int {
	if c := compareReferences(a.Workload, b.Workload); c != 0 {
		return c
	}
	return compareContainers(a.Container, b.Container)
}

// pinPaths writes into the entries for host paths which types they have, and whether
// all mounts are read-only with all below them.
func (g *group) pinPaths(a *asker) {
	by := g.needsByEntry()
	g.adopt(a, func(p *policy.Policy) {
		for i := range p.Allow.AllowedHostPaths {
			pinPath(&p.Allow.AllowedHostPaths[i], by[policy.Entry{Key: policy.KeyAllowedHostPaths, Index: int32(i)}])
		}
	})
}

func pinPath(h *policy.HostPath, needs []needOf) {
	types, all, recursive := map[string]bool{}, len(needs) > 0, h.ReadOnly
	for _, n := range needs {
		name := n.Facts.HostPathType()
		types[name] = true
		all = all && name != ""
		recursive = recursive && !n.Facts.Has(spec.SubmountsWritable)
	}
	if all {
		h.Types = typesOf(types)
	}
	h.RecursiveReadOnly = recursive
}

// typesOf are names of types in the order of the API.
func typesOf(names map[string]bool) (types []string) {
	for _, t := range spec.HostPathTypes() {
		if names[t.Name] {
			types = append(types, t.Name)
		}
	}
	return types
}

// pinnedGroup is a rule over group IDs, and how the field is read.
type pinnedGroup struct {
	key policy.Key
	of  func(*policy.Allow) *policy.GroupRule
	// read notes the values that a pod has.
	read func(v *values, s *shape, pod *corev1.PodSpec)
}

var pinnedGroups = [...]pinnedGroup{
	{
		policy.KeyRunAsGroup,
		func(a *policy.Allow) *policy.GroupRule { return &a.RunAsGroup },
		func(v *values, s *shape, pod *corev1.PodSpec) {
			for at, c := range podwalk.Containers(pod) {
				v.add(s, groupField(pod, at, c), spec.EffectiveRunAsGroup(pod, c))
			}
		},
	},
	{
		policy.KeyFSGroup,
		func(a *policy.Allow) *policy.GroupRule { return &a.FSGroup },
		func(v *values, s *shape, pod *corev1.PodSpec) {
			var id *int64
			if pod.SecurityContext != nil {
				id = pod.SecurityContext.FSGroup
			}
			v.add(s, spec.At(spec.Container{}, spec.FieldPodFSGroup), id)
		},
	},
	{
		policy.KeySupplementalGroups,
		func(a *policy.Allow) *policy.GroupRule { return &a.SupplementalGroups.GroupRule },
		func(v *values, s *shape, pod *corev1.PodSpec) {
			if pod.SecurityContext == nil || len(pod.SecurityContext.SupplementalGroups) == 0 {
				v.add(s, spec.At(spec.Container{}, spec.FieldSupplementalGroups), nil)
				return
			}
			for i, id := range pod.SecurityContext.SupplementalGroups {
				v.add(s, spec.AtIndex(spec.Container{}, spec.FieldSupplementalGroup, i), &id)
			}
		},
	},
}

// pinGroups pins a rule over groups to the IDs that the authors wrote, and beside them
// to those that are filled in. Where nobody wrote one there is nothing to pin.
func (g *group) pinGroups(a *asker, rule *pinnedGroup) {
	var written, judged values
	for _, s := range g.onLinux() {
		rule.read(&written, s, s.spec())
		d := s.AdmitUnder(a.lv, g.policy)
		pod := &corev1.PodSpec{}
		if d.Template != nil {
			pod = &d.Template.Spec
		} else if d.Pod != nil {
			pod = &d.Pod.Spec
		}
		rule.read(&judged, s, pod)
	}
	if len(written.ids) == 0 {
		return
	}
	pinned := policy.GroupRule{Rule: policy.MustRunAs, Ranges: judged.ranges()}
	if len(judged.open) > 0 {
		pinned.Rule = policy.MayRunAs
	}
	g.adopt(a, func(p *policy.Policy) { *rule.of(&p.Allow) = pinned })
}
