package policy

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// Granted is one thing that a policy grants, and the entry that does.
type Granted struct {
	// At is the entry.
	At Entry
	// Grant is what it says.
	Grant Grant
}

// Granted returns what the policy grants, an entry each, in the order of the format,
// and then what its entries for single containers do. A list of volume types is
// among it, each type of it, where the policy has one; a rule over users is where it
// excuses running as root.
func (p *Policy) Granted() (all []Granted) {
	for k := KeyAllowPrivilegeEscalation; k < keyEnd; k++ {
		for i, value := range p.grantedUnder(k) {
			if _, one := value.(bool); one || k == KeyRunAsUser {
				i = -1
			}
			all = append(all, Granted{Entry{Key: k, Index: int32(i)}, Grant{k, value}})
		}
	}
	for i := range p.Containers {
		part := p.Containers[i].Part()
		for _, granted := range part.Granted() {
			granted.At.Container = uint8(i) + 1
			all = append(all, granted)
		}
	}
	return all
}

// grantedUnder are the values that one key grants.
func (p *Policy) grantedUnder(k Key) (values []any) {
	switch k {
	case KeyReadOnlyRootFilesystem: // it demands
	case KeyDropAllCapabilities, KeySetDefaultSeccompProfile:
		if !p.given(k) {
			values = append(values, false)
		}
	case KeyAllowedHostPaths:
		values = anyOf(p.Allow.AllowedHostPaths)
	case KeyAllowedHostPorts:
		values = anyOf(p.Allow.AllowedHostPorts)
	case KeyRunAsUser:
		if rule := p.Allow.RunAsUser; rule.Rule == RunAsAny || rule.Rule == MustRunAs && InRanges(rule.Ranges, 0) {
			values = append(values, rule)
		}
	default:
		if p.given(k) {
			values = append(values, true)
		}
		values = append(values, anyOf(p.Allow.words(k))...)
	}
	return values
}

func anyOf[T any](list []T) (values []any) {
	for _, value := range list {
		values = append(values, value)
	}
	return values
}

// Without returns the policy without an entry that [Policy.Granted] returned. A list
// that is empty then is as one that was never there, but for volume types: there it
// admits no volume. Without its grant the rule over users is the default one. An entry
// for single containers that says nothing then is removed.
func (p *Policy) Without(e Entry) *Policy {
	less := p.DeepCopy()
	if e.Container > 0 {
		i := int(e.Container) - 1
		part := less.Containers[i].Part()
		less.WithPart(i, part.Without(Entry{Key: e.Key, Index: e.Index}))
		return less
	}
	switch list := less.Allow.wordList(e.Key); {
	case e.Key == KeyRunAsUser:
		less.Allow.RunAsUser = UserRule{}
	case e.Key == KeyAllowedHostPaths:
		less.Allow.AllowedHostPaths = without(less.Allow.AllowedHostPaths, e.Index)
	case e.Key == KeyAllowedHostPorts:
		less.Allow.AllowedHostPorts = without(less.Allow.AllowedHostPorts, e.Index)
	case list != nil && e.Key == KeyVolumes:
		*list = slices.Delete(*list, int(e.Index), int(e.Index)+1)
	case list != nil:
		*list = without(*list, e.Index)
	case e.Key == KeyDropAllCapabilities:
		less.Mutations.DropAllCapabilities = nil
	case e.Key == KeySetDefaultSeccompProfile:
		less.Mutations.SetDefaultSeccompProfile = nil
	default:
		less.setBool(e.Key, false)
	}
	return less
}

func without[T any](list []T, index int32) []T {
	if len(list) == 1 {
		return nil
	}
	return slices.Delete(list, int(index), int(index)+1)
}

// Part is the entry as a policy of its own, without a selector: what it says where a
// policy would say so of all containers. It shares memory with the entry.
func (e *ContainerEntry) Part() Policy { return e.part() }

// Take makes the entry allow and fill in what a policy does under the keys that an
// entry has. It shares memory with the policy.
func (e *ContainerEntry) Take(part *Policy) {
	a, m := &part.Allow, &part.Mutations
	e.Allow = ContainerAllow{
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
	}
	e.Mutations = ContainerMutations{
		DropAllCapabilities:      m.DropAllCapabilities,
		SetDefaultSeccompProfile: m.SetDefaultSeccompProfile,
		RunAsUser:                m.RunAsUser,
		RunAsGroup:               m.RunAsGroup,
	}
}

// WithPart puts a part in place of what the i-th entry for single containers says, and
// removes an entry that says nothing then.
func (p *Policy) WithPart(i int, part *Policy) {
	if e := &p.Containers[i]; len(part.Granted()) > 0 || part.Mutations.RunAsUser != nil || part.Mutations.RunAsGroup != nil ||
		part.Allow.RunAsUser.Rule != "" || part.Allow.RunAsGroup.Rule != "" {
		e.Take(part)
		return
	}
	if p.Containers = slices.Delete(p.Containers, i, i+1); len(p.Containers) == 0 {
		p.Containers = nil
	}
}

// OfContainers reports whether an entry for single containers has the key.
func (k Key) OfContainers() bool {
	switch k {
	case KeyAllowPrivilegeEscalation, KeyPrivileged, KeyAllowedCapabilities, KeyRunAsUser, KeyRunAsGroup,
		KeySeccompProfiles, KeyAppArmorProfiles, KeyProcMounts, KeySELinuxOptions, KeyWindowsHostProcess,
		KeyAllowedProbeHosts, KeyAllowedHostPorts,
		KeyDropAllCapabilities, KeySetDefaultSeccompProfile, KeyFillRunAsUser, KeyFillRunAsGroup:
		return true
	default:
		return false
	}
}

// RepositoryPattern is the entry of a policy's images that matches every image of the
// repository that an image is of; ok is false for text that is no reference to an image.
func RepositoryPattern(reference string) (pattern string, ok bool) {
	ref, ok := parseImage(reference)
	if !ok {
		return "", false
	}
	return ref.name() + ":" + anyValue, true
}

// IsContainerName reports whether a name may stand among the names of an entry for
// single containers, as one that is exact.
func IsContainerName(name string) bool {
	return len(name) > 0 && name[len(name)-1] != '*' && isContainerName(name)
}

// KindOf is the kind of a container in the words of an entry for single containers.
func KindOf(kind spec.ContainerKind, c *corev1.Container) ContainerKind { return kindOf(kind, c) }
