package policy

import (
	"math/bits"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// MaxContainerEntries is how many entries for single containers a policy may have.
const MaxContainerEntries = 64

// View is what a policy says about one container: what it says itself, and what
// those of its entries say that match the container. It is the one place where
// both are read together. Making one allocates nothing.
type View struct {
	policy *Policy
	// matching has a bit for each entry that matches.
	matching uint64
}

// For is the view of one container, which stands in the list of its kind.
func (p *Policy) For(kind spec.ContainerKind, c *corev1.Container) View {
	v := View{policy: p}
	for i := range p.Containers[:min(len(p.Containers), MaxContainerEntries)] {
		if p.Containers[i].matches(kind, c) {
			v.matching |= 1 << i
		}
	}
	return v
}

// matches reports whether all that the entry gives matches a container.
func (e *ContainerEntry) matches(kind spec.ContainerKind, c *corev1.Container) bool {
	return (len(e.Kinds) == 0 || e.hasKind(kindOf(kind, c))) &&
		(len(e.Names) == 0 || e.hasName(c.Name)) &&
		(len(e.Images) == 0 || e.hasImage(c.Image)) &&
		len(e.Kinds)+len(e.Names)+len(e.Images) > 0
}

// kindOf is the kind of a container in the words of an entry.
func kindOf(kind spec.ContainerKind, c *corev1.Container) ContainerKind {
	switch {
	case kind == spec.EphemeralContainer:
		return KindEphemeral
	case kind == spec.RegularContainer:
		return KindRegular
	case c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways:
		return KindSidecar
	default:
		return KindInit
	}
}

func (e *ContainerEntry) hasKind(kind ContainerKind) bool {
	for _, k := range e.Kinds {
		if k == kind {
			return true
		}
	}
	return false
}

func (e *ContainerEntry) hasName(name string) bool {
	for _, wanted := range e.Names {
		if prefix, isPrefix := strings.CutSuffix(wanted, anyValue); wanted == name || isPrefix && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func (e *ContainerEntry) hasImage(image string) bool {
	ref, ok := parseImage(image)
	if !ok {
		return false
	}
	for _, wanted := range e.Images {
		if pattern, ok := parseImagePattern(wanted); ok && pattern.matches(&ref) {
			return true
		}
	}
	return false
}

// entries visits the entries that match, by index.
func (v View) entries(yield func(i int, e *ContainerEntry) bool) {
	for rest := v.matching; rest != 0; rest &= rest - 1 {
		if i := bits.TrailingZeros64(rest); !yield(i, &v.policy.Containers[i]) {
			return
		}
	}
}

// part is the entry as a policy of its own: what it says where a policy would say
// so of all containers.
func (e *ContainerEntry) part() Policy {
	a, m := &e.Allow, &e.Mutations
	return Policy{
		Allow: Allow{
			AllowPrivilegeEscalation: a.AllowPrivilegeEscalation,
			Privileged:               a.Privileged,
			AllowedCapabilities:      a.AllowedCapabilities,
			RunAsUser:                a.RunAsUser,
			RunAsGroup:               a.RunAsGroup,
			SeccompProfiles:          a.SeccompProfiles,
			AppArmorProfiles:         a.AppArmorProfiles,
			ProcMounts:               a.ProcMounts,
			SELinuxOptions:           a.SELinuxOptions,
			WindowsHostProcess:       a.WindowsHostProcess,
			AllowedProbeHosts:        a.AllowedProbeHosts,
			AllowedHostPorts:         a.AllowedHostPorts,
		},
		Mutations: Mutations{
			DropAllCapabilities:      m.DropAllCapabilities,
			SetDefaultSeccompProfile: m.SetDefaultSeccompProfile,
			RunAsUser:                m.RunAsUser,
			RunAsGroup:               m.RunAsGroup,
		},
	}
}

// Excuses reports whether a grant for the container excuses a fault of it, or one
// that it inherits, and by which entry of the policy.
func (v View) Excuses(f *Fault) (by Entry, ok bool) {
	if by, ok = v.policy.Excuses(f); ok {
		return by, true
	}
	for i, e := range v.entries {
		part := e.part()
		if by, ok = part.Excuses(f); ok {
			by.Container = uint8(i) + 1
			return by, true
		}
	}
	return Entry{}, false
}

// given reports whether the policy or an entry gives a key that holds a boolean, as a grant.
func (v View) given(k Key) bool {
	if v.policy.given(k) {
		return true
	}
	for _, e := range v.entries {
		part := e.part()
		if part.given(k) {
			return true
		}
	}
	return false
}

// AllowsPrivilegeEscalation reports whether escalation is granted.
func (v View) AllowsPrivilegeEscalation() bool {
	if v.matching == 0 {
		return v.policy.Allow.AllowPrivilegeEscalation
	}
	return v.given(KeyAllowPrivilegeEscalation)
}

// AllowsPrivileged reports whether privilege is granted.
func (v View) AllowsPrivileged() bool {
	if v.matching == 0 {
		return v.policy.Allow.Privileged
	}
	return v.given(KeyPrivileged)
}

// AllowsAnyUser reports whether the rule of the policy or of an entry is RunAsAny.
func (v View) AllowsAnyUser() bool {
	if v.policy.Allow.RunAsUser.Rule == RunAsAny {
		return true
	}
	for _, e := range v.entries {
		if e.Allow.RunAsUser.Rule == RunAsAny {
			return true
		}
	}
	return false
}

// AdmitsUser reports whether the rules over users let a container's effective user
// ID be, nil for an unset one. What the level says of root is not asked here.
func (v View) AdmitsUser(id *int64) bool {
	admits := func(rule *UserRule) bool {
		return rule.Rule != MustRunAs || id != nil && InRanges(rule.Ranges, *id)
	}
	if admits(&v.policy.Allow.RunAsUser) {
		return true
	}
	for _, e := range v.entries {
		if rule := &e.Allow.RunAsUser; rule.Rule != "" && admits(rule) {
			return true
		}
	}
	return false
}

// AdmitsGroup reports whether the rules over groups let a container's effective
// primary group ID be, nil for an unset one.
func (v View) AdmitsGroup(id *int64) bool {
	admits := func(rule *GroupRule) bool {
		if id == nil {
			return rule.Rule != MustRunAs
		}
		return rule.Admits(*id)
	}
	if admits(&v.policy.Allow.RunAsGroup) {
		return true
	}
	for _, e := range v.entries {
		if rule := &e.Allow.RunAsGroup; rule.Rule != "" && admits(rule) {
			return true
		}
	}
	return false
}

// DropsAllCapabilities reports whether drop: [ALL] is filled in.
func (v View) DropsAllCapabilities() bool {
	return v.fillsIn(v.policy.Mutations.DropAllCapabilities, func(m *ContainerMutations) *bool { return m.DropAllCapabilities })
}

// SetsSeccompProfile reports whether a seccomp profile is filled in.
func (v View) SetsSeccompProfile() bool {
	return v.fillsIn(v.policy.Mutations.SetDefaultSeccompProfile, func(m *ContainerMutations) *bool { return m.SetDefaultSeccompProfile })
}

// fillsIn is a flag by which something is filled in: what the entries say, false
// before true, else what the policy says, else true.
func (v View) fillsIn(own *bool, of func(*ContainerMutations) *bool) bool {
	said := own == nil || *own
	for _, e := range v.entries {
		if flag := of(&e.Mutations); flag != nil {
			if said = *flag; !said {
				break
			}
		}
	}
	return said
}

// UserFill is the user ID to fill into the container, and whether there is one. For a
// container that its author keeps from root it is never 0.
//
// An ID that an entry names comes first, then the policy's, then what an entry's rule
// asks for, then what the policy's rule does, unless an entry's rule is met by an
// unset ID. Of several entries the lowest ID counts.
func (v View) UserFill(nonRoot bool) (id int64, ok bool) {
	if v.matching == 0 {
		return v.policy.UserFill(nonRoot)
	}
	named, ruled := lowest{}, lowest{}
	mayBeUnset := false
	for _, e := range v.entries {
		if id := e.Mutations.RunAsUser; id != nil && (*id != 0 || !nonRoot) {
			named.add(*id)
		}
		switch e.Allow.RunAsUser.Rule {
		case "":
		case MustRunAs:
			part := Policy{Allow: Allow{RunAsUser: e.Allow.RunAsUser}}
			if id, ok := part.UserFill(nonRoot); ok {
				ruled.add(id)
			}
		default:
			mayBeUnset = true
		}
	}
	own := v.policy.Mutations.RunAsUser
	switch {
	case named.found:
		return named.id, true
	case own != nil && (*own != 0 || !nonRoot):
		return *own, true
	case ruled.found || mayBeUnset:
		return ruled.id, ruled.found
	default:
		return v.policy.UserFill(nonRoot)
	}
}

// GroupFill is the runAsGroup to fill into the container, and whether there is one:
// none where an entry says so, the lowest that an entry names, else what the policy
// fills in.
func (v View) GroupFill() (id int64, ok bool) {
	named := lowest{}
	for _, e := range v.entries {
		if id := e.Mutations.RunAsGroup; id != nil {
			named.add(int64(*id))
		}
	}
	if named.found {
		return max(named.id, 0), GroupFill(named.id) != NoGroup
	}
	return v.policy.GroupFill()
}

// lowest is the lowest of some IDs.
type lowest struct {
	id    int64
	found bool
}

func (l *lowest) add(id int64) {
	if !l.found || id < l.id {
		l.id, l.found = id, true
	}
}
