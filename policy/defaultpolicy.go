package policy

import (
	"fmt"
	"slices"

	"github.com/podfence/podfence/spec"
)

// notInDefault are the keys that a default policy does not have beside its grants,
// each with why. What would select pods more finely, excuse or end has its row here.
var notInDefault = [...]struct {
	field string
	given func(*Policy) bool
	why   string
}{
	{"podSelectorLabels", func(p *Policy) bool { return len(p.PodSelectorLabels) > 0 }, "is for the pods that no policy selects"},
	{"podSelectorExpressions", func(p *Policy) bool { return len(p.PodSelectorExpressions) > 0 }, "is for the pods that no policy selects"},
	{"namespaceSelector", func(p *Policy) bool { return p.NamespaceSelector != nil }, "is for one namespace, for a list of them or for all"},
	{"containers", func(p *Policy) bool { return len(p.Containers) > 0 }, "grants nothing to single containers either"},
	{"expires", func(p *Policy) bool { return p.Expires != "" }, "grants nothing that could expire"},
}

const fixGrantInDefault = "remove it, or give it to a policy that selects its pods"

// defaultPolicy checks that a default policy selects nothing and grants nothing.
func (c *checker) defaultPolicy(p *Policy) {
	if !p.Default {
		return
	}
	for _, row := range notInDefault {
		if row.given(p) {
			c.notInDefault(row.field, "remove it, or default: true", row.why)
		}
	}
	if p.Allow.RequiresUserNamespace() {
		c.notInDefault(KeyUserNamespace.String(), fixGrantInDefault, "lets nobody run as root, which the standard does in a user namespace of the pod's own")
	}
	reported := map[string]bool{}
	for i := range grantTypes {
		row := &grantTypes[i]
		if field, grants := row.grantedBy(p); grants && !reported[field] {
			reported[field] = true
			c.notInDefault(field, fixGrantInDefault, "grants nothing")
		}
	}
}

func (c *checker) notInDefault(field, fix, why string) {
	wrong := complain(fix, "a default policy %s", why)
	*c = append(*c, finding{field: field, complaint: wrong, about: "default"})
}

// grantedBy reports whether a policy grants anything at all by the row of the table,
// and the path of what does. A condition that is not known here grants.
func (g *GrantType) grantedBy(p *Policy) (field string, grants bool) {
	field = g.Key.String()
	switch g.Condition {
	case Given:
		return field, p.given(g.Key)
	case TurnedOff, NotInherited:
		return field, !p.given(g.Key)
	case Listed, ListedInherited, ListedCapability, ListedSysAdmin, ListedSysctl:
		return field, len(p.Allow.words(g.Key)) > 0
	case ListedSources:
		i := slices.IndexFunc(p.Allow.Volumes, isGrantedVolume)
		return entryPath(field, i), i >= 0
	case InPortRange:
		return field, len(p.Allow.AllowedHostPorts) > 0
	case PathCovered, SourcesCovered:
		return field, len(p.Allow.AllowedHostPaths) > 0
	case AnyUser:
		return field, p.Allow.RunAsUser.Rule == RunAsAny
	case RootInRange:
		i := slices.IndexFunc(p.Allow.RunAsUser.Ranges, func(r IDRange) bool { return InRanges([]IDRange{r}, 0) })
		return entryPath(field+".ranges", i), i >= 0
	default:
		return field, true
	}
}

// isGrantedVolume reports whether an entry of a list of volumes lets through what
// restricted refuses.
func isGrantedVolume(entry string) bool {
	return !slices.ContainsFunc(spec.VolumeTypes(), func(t spec.VolumeType) bool { return t.Restricted && t.Name == entry })
}

// appendDefault appends the default policy for pods of a namespace that no policy
// selects, if there is one.
func (s *Set) appendDefault(dst []*Policy, namespace string) []*Policy {
	if p := s.Default(namespace); p != nil {
		return append(dst, p)
	}
	return dst
}

// places are the namespaces whose default policy it is; "" is every one.
func (p *Policy) places() []string { return slices.Collect(p.named) }

// defaultsOf finds the default policy of each place, and those that want one that is
// taken.
func defaultsOf(policies []*Policy) (defaults map[string]*Policy, errs Errors) {
	for _, p := range policies {
		if !p.Default {
			continue
		}
		for _, place := range p.places() {
			if before := defaults[place]; before != nil {
				errs = append(errs, secondDefault(before, p, place))
				continue
			}
			if defaults == nil {
				defaults = map[string]*Policy{}
			}
			defaults[place] = p
		}
	}
	return defaults, errs
}

// secondDefaultsOf is defaultsOf for policies of several files, of which what clashes
// within one is Parse's to find.
func secondDefaultsOf(policies []Policy) Errors {
	list := make([]*Policy, len(policies))
	for i := range policies {
		list[i] = &policies[i]
	}
	_, errs := defaultsOf(list)
	return errs
}

const fixSecondDefault = "keep one of them"

// secondDefault is the error of a default policy where there is one already.
func secondDefault(before, p *Policy, place string) Error {
	at, there := p.Source.At("default"), before.Reference()
	there.Position = before.Source.At("default")
	return Error{
		File: at.File, Line: at.Line, Policy: p.Name, Field: "default", Fix: fixSecondDefault,
		Problem: fmt.Sprintf("a default policy %s is there already: %s", whereOf(place), there),
	}
}

// secondDefaults finds default policies of one file that are for one place.
func (f *parser) secondDefaults() {
	first := map[string]parsed{}
	for _, p := range f.policies {
		if !p.Default || p.reader.hides("default") || p.reader.hides("namespace") || p.reader.hides("namespaces") {
			continue
		}
		for _, place := range p.places() {
			if before, again := first[place]; again {
				p.reader.found("default", fmt.Sprintf("a default policy %s stands in line %d already", whereOf(place), before.reader.lineOf("default")), fixSecondDefault)
				continue
			}
			first[place] = p
		}
	}
}
