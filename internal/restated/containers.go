package restated

import (
	"slices"
	"strings"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// parts are what speaks of a container: the policy, and each entry that matches the
// container as a policy of its own. What one of them grants is granted.
func (c Case) parts(at spec.Container) []*policy.Policy {
	parts := []*policy.Policy{c.Policy}
	for i := range c.Policy.Containers {
		if e := &c.Policy.Containers[i]; c.Matches(e, at) {
			parts = append(parts, partOf(e))
		}
	}
	return parts
}

// Matches reports whether an entry speaks of a container: names, images and kinds that are given hold the container,
// and some are given.
func (c Case) Matches(e *policy.ContainerEntry, at spec.Container) bool {
	it := container(c.Pod, at)
	kind := map[spec.ContainerKind]policy.ContainerKind{
		spec.InitContainer: "init", spec.RegularContainer: "regular", spec.EphemeralContainer: "ephemeral",
	}[at.Kind]
	if kind == "init" && is(it.RestartPolicy, "Always") {
		kind = "sidecar"
	}
	isNamed := func(name string) bool {
		prefix, open := strings.CutSuffix(name, "*")
		return name == it.Name || open && strings.HasPrefix(it.Name, prefix)
	}
	isImage := func(pattern string) bool { return imageMatches(pattern, it.Image) }
	return (len(e.Names) == 0 || slices.ContainsFunc(e.Names, isNamed)) &&
		(len(e.Images) == 0 || slices.ContainsFunc(e.Images, isImage)) &&
		(len(e.Kinds) == 0 || slices.Contains(e.Kinds, kind)) &&
		len(e.Names)+len(e.Images)+len(e.Kinds) > 0
}

// imageMatches is for the references and patterns that are drawn.
func imageMatches(pattern, image string) bool {
	if image == "" || strings.ToLower(image) != image {
		return false
	}
	image = fullImage(image)
	repository, _, _ := strings.Cut(image[strings.LastIndex(image, "/"):], ":")
	repository, _, _ = strings.Cut(repository, "@")
	repository = image[:strings.LastIndex(image, "/")] + repository
	switch begin, open := strings.CutSuffix(pattern, "*"); {
	case !open:
		return fullImage(pattern) == image
	case strings.HasSuffix(begin, "/"):
		return strings.HasPrefix(image, begin)
	case strings.HasSuffix(begin, "@"):
		return begin == repository+"@" && strings.Contains(image, "@")
	default:
		return begin == repository+":"
	}
}

// fullImage is a reference with registry, folder and tag; without a tag that stands
// before a digest.
func fullImage(image string) string {
	if first, _, found := strings.Cut(image, "/"); !found {
		image = "docker.io/library/" + image
	} else if !strings.ContainsAny(first, ".:") {
		image = "docker.io/" + image
	}
	name := image[strings.LastIndex(image, "/")+1:]
	switch before, digest, pinned := strings.Cut(image, "@"); {
	case pinned && strings.Contains(name[:strings.Index(name, "@")], ":"):
		return before[:strings.LastIndex(before, ":")] + "@" + digest
	case pinned || strings.Contains(name, ":"):
		return image
	default:
		return image + ":latest"
	}
}

func partOf(e *policy.ContainerEntry) *policy.Policy {
	p := &policy.Policy{}
	p.Allow.AllowPrivilegeEscalation, p.Allow.Privileged = e.Allow.AllowPrivilegeEscalation, e.Allow.Privileged
	p.Allow.AllowedCapabilities, p.Allow.RunAsUser, p.Allow.RunAsGroup = e.Allow.AllowedCapabilities, e.Allow.RunAsUser, e.Allow.RunAsGroup
	p.Allow.SeccompProfiles, p.Allow.AppArmorProfiles, p.Allow.ProcMounts = e.Allow.SeccompProfiles, e.Allow.AppArmorProfiles, e.Allow.ProcMounts
	p.Allow.SELinuxOptions, p.Allow.WindowsHostProcess = e.Allow.SELinuxOptions, e.Allow.WindowsHostProcess
	p.Allow.AllowedProbeHosts, p.Allow.AllowedHostPorts = e.Allow.AllowedProbeHosts, e.Allow.AllowedHostPorts
	p.Mutations.DropAllCapabilities, p.Mutations.SetDefaultSeccompProfile = e.Mutations.DropAllCapabilities, e.Mutations.SetDefaultSeccompProfile
	p.Mutations.RunAsUser, p.Mutations.RunAsGroup = e.Mutations.RunAsUser, e.Mutations.RunAsGroup
	return p
}

// Reached are the containers that a place speaks for: the container itself, or of a
// field of the pod those that have no value of their own, and of an annotation those
// that it names.
func (c Case) Reached(at spec.Location) (list []spec.Container) {
	if at.Container.Kind != 0 {
		return []spec.Container{at.Container}
	}
	for _, other := range containers(c.Pod) {
		_, own := contexts(c.Pod, other)
		set := true
		switch path := Path(at.Field); path {
		case "spec.securityContext.runAsNonRoot":
			set = own.RunAsNonRoot != nil
		case "spec.securityContext.runAsUser":
			set = own.RunAsUser != nil
		case "spec.securityContext.seccompProfile.type":
			set = own.SeccompProfile != nil
		case "spec.securityContext.appArmorProfile.type":
			set = own.AppArmorProfile != nil
		case "spec.securityContext.windowsOptions.hostProcess":
			set = own.WindowsOptions != nil && own.WindowsOptions.HostProcess != nil
		case "metadata.annotations[*]":
			_, its := c.Pod.Annotations["container.seccomp.security.alpha.kubernetes.io/"+other.Name]
			prefix, name, _ := strings.Cut(at.Key, "/")
			set = name != other.Name || !strings.HasPrefix(prefix, "container.")
			if at.Key == "seccomp.security.alpha.kubernetes.io/pod" {
				set = its
			}
		default:
			if strings.HasPrefix(path, "spec.securityContext.seLinuxOptions.") {
				set = own.SELinuxOptions != nil
			}
		}
		if !set {
			list = append(list, other)
		}
	}
	return list
}

// meetsRule reports whether an ID, nil for none, meets the policy's rule or that of an
// entry that matches the container and has one.
func (c Case) meetsRule(at spec.Container, id *int64, of func(*policy.Policy) (policy.Rule, []policy.IDRange)) bool {
	for i, part := range c.parts(at) {
		rule, ranges := of(part)
		if i > 0 && rule == "" {
			continue
		}
		if id == nil && rule != "MustRunAs" || id != nil && (len(ranges) == 0 || inRanges(ranges, *id)) {
			return true
		}
	}
	return false
}

func (c Case) anyPart(at spec.Container, says func(*policy.Policy) bool) bool {
	return slices.ContainsFunc(c.parts(at), says)
}

func anyUser(p *policy.Policy) bool               { return p.Allow.RunAsUser.Rule == "RunAsAny" }
func dropFlag(m *policy.Mutations) *bool          { return m.DropAllCapabilities }
func seccompFlag(m *policy.Mutations) *bool       { return m.SetDefaultSeccompProfile }
func isFalse(p *policy.Policy, of flagOf) bool    { return is(of(&p.Mutations), false) }
func isTrueFlag(p *policy.Policy, of flagOf) bool { return is(of(&p.Mutations), true) }

type flagOf = func(*policy.Mutations) *bool

// fillsFlag: an entry's false, an entry's true, and then the policy's own, by default true.
func (c Case) fillsFlag(at spec.Container, of flagOf) bool {
	parts := c.parts(at)
	switch entries := parts[1:]; {
	case slices.ContainsFunc(entries, func(p *policy.Policy) bool { return isFalse(p, of) }):
		return false
	case slices.ContainsFunc(entries, func(p *policy.Policy) bool { return isTrueFlag(p, of) }):
		return true
	default:
		return !isFalse(parts[0], of)
	}
}

// containerGroup is none where an entry says so, the lowest group that an entry names, else the policy's.
func (c Case) containerGroup(at spec.Container) any {
	var named []int64
	for _, p := range c.parts(at)[1:] {
		switch group := p.Mutations.RunAsGroup; {
		case is(group, -1):
			return nil
		case group != nil:
			named = append(named, int64(*group))
		}
	}
	if len(named) > 0 {
		return slices.Min(named)
	}
	return groupToFill(c.Policy.Mutations.RunAsGroup, c.Policy.Allow.RunAsGroup)
}

// containerUser is the user to fill: the lowest that an entry names, the policy's
// explicit one, the lowest that an entry's MustRunAs begins with; then nothing if an
// entry's rule is met by no user, else what the policy's MustRunAs begins with. Beside
// an author's runAsNonRoot 0 is none of them.
func (c Case) containerUser(at spec.Container, nonRoot bool) any {
	var named, ruled []int64
	free := false
	parts := c.parts(at)
	for _, p := range parts[1:] {
		if id := p.Mutations.RunAsUser; id != nil && !(nonRoot && *id == 0) {
			named = append(named, *id)
		}
		if id, ok := firstOf(p, nonRoot); ok {
			ruled = append(ruled, id)
		}
		free = free || p.Allow.RunAsUser.Rule == "RunAsAny" || p.Allow.RunAsUser.Rule == "MustRunAsNonRoot"
	}
	explicit := c.Policy.Mutations.RunAsUser
	switch {
	case len(named) > 0:
		return slices.Min(named)
	case explicit != nil && !(nonRoot && *explicit == 0):
		return *explicit
	case len(ruled) > 0:
		return slices.Min(ruled)
	case free:
		return nil
	}
	if id, ok := firstOf(parts[0], nonRoot); ok {
		return id
	}
	return nil
}

// firstOf is the first user in the ranges of MustRunAs, but for 0 beside runAsNonRoot.
func firstOf(p *policy.Policy, nonRoot bool) (int64, bool) {
	for _, r := range p.Allow.RunAsUser.Ranges {
		switch {
		case !nonRoot || r.Min > 0:
			return r.Min, true
		case r.Max > 0:
			return 1, true
		}
	}
	return 0, false
}
