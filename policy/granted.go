package policy

import "slices"

// Granted is one thing that a policy grants, and the entry that does.
type Granted struct {
	// At is the entry.
	At Entry
	// Grant is what it says.
	Grant Grant
}

// Granted returns what the policy grants, an entry each, in the order of the format.
// A list of volume types is among it, each type of it, where the policy has one; a
// rule over users is where it excuses running as root.
func (p *Policy) Granted() (all []Granted) {
	for k := KeyAllowPrivilegeEscalation; k < keyEnd; k++ {
		for i, value := range p.grantedUnder(k) {
			if _, one := value.(bool); one || k == KeyRunAsUser {
				i = -1
			}
			all = append(all, Granted{Entry{k, int32(i)}, Grant{k, value}})
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
// admits no volume. Without its grant the rule over users is the default one.
func (p *Policy) Without(e Entry) *Policy {
	less := p.DeepCopy()
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
