package policy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/podfence/podfence/spec"
)

// Grant is one thing that a policy may permit: a key, and what to write under it.
type Grant struct {
	Key Key
	// Value is a bool, or one entry of a list: a string, a [HostPath] or a
	// [PortRange]. Under allow.runAsUser it is a [UserRule].
	Value any
}

// Grants returns the smallest grants that would excuse a fault, each of them
// alone; nil where no single grant would. One for a host path is read-only where
// the volume is mounted so, and leaves it to its reader to demand recursiveReadOnly
// or a type. There are two for a container that
// runs as user ID 0: a rule that holds every container to that ID, and RunAsAny.
func (f *Fault) Grants() (grants []Grant) {
	for _, row := range grantTypesOf[f.Check] {
		if row.Wide || !row.speaksOf(f) {
			continue
		}
		value := row.smallest(f)
		if value == nil {
			continue
		}
		g, p := Grant{row.Key, value}, Policy{}
		g.AddTo(&p)
		if _, ok := row.covers(&p, f); ok {
			grants = append(grants, g)
		}
	}
	return grants
}

// smallest is the least value under the row's key that may excuse a fault, nil
// where a policy may not hold it.
func (g *GrantType) smallest(f *Fault) any {
	switch g.Condition {
	case Given:
		return true
	case TurnedOff, NotInherited:
		return false
	case Listed:
		return g.word(meaning(f.Field, f.text()))
	case ListedInherited:
		return unconfined
	case ListedCapability, ListedSysctl:
		return g.word(f.text())
	case ListedSources:
		return g.word(spec.VolumeTypeOf(f.Field))
	case InPortRange:
		port, _ := f.Value.(int32)
		return PortRange{port, port}
	case PathCovered, SourcesCovered:
		path := trimSlash(f.text())
		if f.Facts.Has(spec.OnWindows) {
			path = cleanWindows(f.text())
		}
		if hostPath(path) != (complaint{}) {
			return nil
		}
		return HostPath{PathPrefix: path, ReadOnly: !f.Facts.Has(spec.MountedWritable)}
	case AnyUser:
		return UserRule{Rule: RunAsAny}
	case RootInRange:
		return UserRule{Rule: MustRunAs, Ranges: []IDRange{{0, 0}}}
	default:
		return nil
	}
}

// word is a word as an entry of the list under the row's key, nil where that may
// not hold it.
func (g *GrantType) word(word string) any {
	if !mayList(g.Key, word) {
		return nil
	}
	return word
}

// AddTo writes the grant into a policy, beside what that grants already. Volume
// types are added to the default ones where the policy lists none.
func (g Grant) AddTo(p *Policy) {
	switch value := g.Value.(type) {
	case bool:
		p.setBool(g.Key, value)
	case string:
		list := p.Allow.wordList(g.Key)
		if g.Key == KeyVolumes && *list == nil {
			*list = DefaultVolumes()
		}
		if list != nil && !slices.Contains(*list, value) {
			*list = append(slices.Clip(*list), value)
		}
	case HostPath:
		p.Allow.AllowedHostPaths = append(slices.Clip(p.Allow.AllowedHostPaths), value)
	case PortRange:
		p.Allow.AllowedHostPorts = append(slices.Clip(p.Allow.AllowedHostPorts), value)
	case UserRule:
		p.Allow.RunAsUser = value
	}
}

// String renders the grant as a policy file has it, on one line:
// "allow.allowedHostPaths: [{pathPrefix: /var/log, readOnly: true}]".
func (g Grant) String() string { return g.Key.String() + ": " + g.yaml() }

// MarshalText renders the grant as String does.
func (g Grant) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

func (g Grant) yaml() string {
	switch value := g.Value.(type) {
	case bool:
		return strconv.FormatBool(value)
	case string:
		return "[" + scalar(value) + "]"
	case HostPath:
		entry := "[{pathPrefix: " + scalar(value.PathPrefix)
		if value.ReadOnly {
			entry += ", readOnly: true"
		}
		if value.RecursiveReadOnly {
			entry += ", recursiveReadOnly: true"
		}
		if value.Types != nil {
			entry += ", types: [" + strings.Join(value.Types, ", ") + "]"
		}
		return entry + "}]"
	case PortRange:
		return "[{min: " + strconv.Itoa(int(value.Min)) + ", max: " + strconv.Itoa(int(value.Max)) + "}]"
	case UserRule:
		if len(value.Ranges) == 0 {
			return string(value.Rule)
		}
		return "{rule: " + string(value.Rule) + ", ranges: [" + strings.Join(ranges(value.Ranges), ", ") + "]}"
	default:
		return "null"
	}
}

func ranges(list []IDRange) []string {
	words := make([]string, len(list))
	for i, r := range list {
		words[i] = "{min: " + strconv.FormatInt(r.Min, 10) + ", max: " + strconv.FormatInt(r.Max, 10) + "}"
	}
	return words
}

// scalar is text as YAML, in quotes where it would be read as something else.
func scalar(text string) string {
	if needsNoQuotes(text) {
		return text
	}
	return strconv.Quote(text)
}
