package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	fixContainerName = "write a name, as in istio-init, or the beginning of one, as in debugger-*"
	fixImage         = "write a reference as in docker.io/istio/proxyv2:1.24, or its beginning, as in docker.io/istio/proxyv2:*"
	fixEntrySelector = "write images, kinds or names of the containers that it is for; what holds for all of them stands under the policy's own allow and mutations"
)

// containers checks the entries for single containers.
func (c *checker) containers(p *Policy) {
	if n := len(p.Containers); n > MaxContainerEntries {
		c.add(containersKey, "write several policies, or fewer entries", "%d entries, of which a policy may have %d", n, MaxContainerEntries)
		return
	}
	for i := range p.Containers {
		field, e := entryPath(containersKey, i), &p.Containers[i]
		c.entrySelector(field, e)
		c.entryValues(field, e, &p.Allow)
	}
}

// entrySelector checks which containers an entry matches.
func (c *checker) entrySelector(field string, e *ContainerEntry) {
	if len(e.Names)+len(e.Images)+len(e.Kinds) == 0 {
		c.add(field, fixEntrySelector, "matches every container")
	}
	for i, name := range e.Names {
		if len(*c) > maxErrors {
			return
		}
		if !isContainerName(name) {
			c.add(entryPath(field+".names", i), fixContainerName, "%s is no name of a container", quote(name))
		}
	}
	for i, image := range e.Images {
		if len(*c) > maxErrors {
			return
		}
		if wrong := imageEntry(image); wrong != (complaint{}) {
			*c = append(*c, finding{field: entryPath(field+".images", i), complaint: wrong})
		}
	}
	for i, kind := range e.Kinds {
		if len(*c) > maxErrors {
			return
		}
		if !slices.Contains(ContainerKinds(), kind) {
			c.add(entryPath(field+".kinds", i), oneOf(kind, ContainerKinds()), "%s is no kind of container", quote(string(kind)))
		}
	}
}

// containerPrefix is what a container's name may begin with.
var containerPrefix = regexp.MustCompile(`^[a-z0-9][-a-z0-9]*$`)

func isContainerName(name string) bool {
	if prefix, isPrefix := strings.CutSuffix(name, anyValue); isPrefix {
		return containerPrefix.MatchString(prefix) && len(name) <= validation.DNS1123LabelMaxLength
	}
	return len(validation.IsDNS1123Label(name)) == 0
}

func imageEntry(entry string) complaint {
	_, ok := parseImagePattern(entry)
	switch begin, isOpen := strings.CutSuffix(entry, anyValue); {
	case ok:
		return complaint{}
	case strings.Contains(begin, anyValue):
		return complain("write a reference, or its beginning with * at its end only", "%s has * before its end", quote(entry))
	case isOpen && !strings.ContainsAny(begin, "/:@"):
		return complain("write the registry and a slash before the *, as in docker.io/istio/*", "%s leaves the registry open", quote(entry))
	case strings.ToLower(entry) != entry:
		return complain(fixImage, "%s is no reference to an image, whose names have no capital letters", quote(entry))
	default:
		return complain(fixImage, "%s is no reference to an image", quote(entry))
	}
}

// entryValues checks what an entry allows and fills in. A value to fill must be let be
// by the entry's rule or by the policy's.
func (c *checker) entryValues(field string, e *ContainerEntry, own *Allow) {
	part := e.part()
	var inner checker
	inner.lists(&part.Allow)
	inner.hostPorts(part.Allow.AllowedHostPorts)
	rules, ownRules := part.Allow.rules(), own.rules()
	for _, r := range rules[:2] {
		inner.rule(r)
	}
	inner.entryFill("mutations.runAsUser", e.Mutations.RunAsUser, rules[0], ownRules[0])
	inner.entryGroup("mutations.runAsGroup", e.Mutations.RunAsGroup, rules[1], ownRules[1])
	for _, f := range inner {
		if f.field = keyPath(field, f.field); f.about != "" {
			f.about = keyPath(field, f.about)
		}
		*c = append(*c, f)
	}
}

// entryFill checks one value that an entry fills in against its rule and the policy's.
func (c *checker) entryFill(field string, id *int64, rule, own ruleField) {
	switch {
	case id == nil:
	case !isID(*id):
		c.add(field, fixID, "%d is out of range", *id)
	default:
		_, refusedByOwn := own.refuses(*id)
		if !refusedByOwn {
			return
		}
		if rule.rule == "" {
			rule = own
		}
		if fix, refused := rule.refuses(*id); refused {
			c.clash(field, rule, fix, fmt.Sprintf("%d is refused by %s, %s", *id, rule.field, rule.name()))
		}
	}
}

// entryGroup checks a group that an entry fills in. None is no answer to a rule of the
// policy that demands one, unless the entry's rule lets a container be without.
func (c *checker) entryGroup(field string, g *GroupFill, rule, own ruleField) {
	switch {
	case g == nil:
	case *g != NoGroup:
		id := int64(*g)
		c.entryFill(field, &id, rule, own)
	case own.rule == MustRunAs && rule.rule != MayRunAs && rule.rule != RunAsAny:
		c.clash(field, own, "write a group that it admits, or remove the key", "none fills no group, and "+own.field+" demands one")
	}
}

// entries warns of entries for single containers that hardly say what was meant.
func (p *Policy) entries(warn func(Warning)) {
	for i := range p.Containers {
		e, path := &p.Containers[i], entryPath(containersKey, i)
		if part := e.part(); part.effect() != differs && part.Allow.RunAsUser.Rule == "" && part.Allow.RunAsGroup.Rule == "" && !e.fillsIn() {
			warn(Warning{Reason: WarnGrantsNothing, Field: path})
		}
		if len(e.Names) > 0 && len(e.Images) == 0 {
			warn(Warning{Reason: WarnNamesAlone, Field: path + ".names"})
		}
		for j, entry := range e.Images {
			if pattern, ok := parseImagePattern(entry); ok {
				pattern.warn(entry, entryPath(path+".images", j), warn)
			}
		}
	}
}

// fillsIn reports whether an entry says something of what is filled in.
func (e *ContainerEntry) fillsIn() bool { return e.Mutations != ContainerMutations{} }

func (p *imagePattern) warn(entry, field string, warn func(Warning)) {
	about := func(reason WarningReason, meant string) {
		warn(Warning{Reason: reason, Field: field, Value: entry, Meant: meant})
	}
	begin, _ := strings.CutSuffix(entry, anyValue)
	if first, _, found := strings.Cut(begin, "/"); !found || !namesRegistry(first) {
		about(WarnNoRegistry, p.text())
	}
	if p.open == openNone && p.digest == "" && p.tag == latest {
		about(WarnLatestImage, p.name()+":"+anyValue)
	}
	if p.open == openPath && !strings.HasSuffix(begin, "/") {
		about(WarnWideImage, "")
	}
}
