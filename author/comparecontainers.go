package author

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// An entry for single containers grants something on top of what the policy does. A
// container that it matches is matched by each other entry, too, that asks for less.
// So the questions about containers are asked anew for each entry, of two policies
// that grant what the policy and all such entries do: where none opens a gap, a
// container is granted no more, whichever of the entries match it.
//
// What entries demand and fill in is not compared but word for word: see sameRulings.

// containerThings are the questions that are asked for each entry.
var containerThings = [...]func(*question){
	(*question).escalation, (*question).privileged, (*question).capabilities, (*question).hostPorts,
	(*question).profiles, (*question).others, (*question).probeHosts,
}

// containers asks about the containers that each entry matches.
func (q *question) containers() {
	for i := range q.by.Containers {
		e := &q.by.Containers[i]
		if indexOfSame(q.by.Containers[:i], e) >= 0 {
			continue
		}
		of := question{lv: q.lv, by: asGranted(q.by, e), against: asGranted(q.against, e)}
		for _, ask := range containerThings {
			ask(&of)
		}
		for _, g := range of.found {
			if q.knows(&g) {
				continue // the policy itself lets it be
			}
			q.found = append(q.found, g.among(e, i, indexOfSame(q.against.Containers, e)))
		}
	}
}

// among is a gap of the containers that an entry matches, which has an index in the one
// policy, and in the other one unless that is negative.
func (g gap) among(e *policy.ContainerEntry, by, against int) gap {
	at := func(i int) string {
		if i < 0 {
			return ""
		}
		return fmt.Sprintf("containers[%d].%s", i, g.at)
	}
	g.at, g.atOther = at(by), at(against)
	g.subject = "among " + matchedContainers(e) + ", " + g.subject
	pods := make([]podEdit, 0, len(g.pods))
	for _, edit := range g.pods {
		pods = append(pods, both(edit, matchedBy(e)))
	}
	g.pods = pods
	return g
}

// indexOfSame is the first of some entries that matches the same containers, for both
// ask for the same; -1 for none.
func indexOfSame(entries []policy.ContainerEntry, e *policy.ContainerEntry) int {
	return slices.IndexFunc(entries, func(other policy.ContainerEntry) bool {
		return asksLess(&other, e) && asksLess(e, &other)
	})
}

// asGranted is a policy that grants all containers what it grants those that an entry
// matches, of this or another policy.
func asGranted(p *policy.Policy, to *policy.ContainerEntry) *policy.Policy {
	all := *p
	all.Containers = nil
	a := &all.Allow
	for i := range p.Containers {
		e := &p.Containers[i]
		if !asksLess(e, to) {
			continue
		}
		more := &e.Allow
		a.AllowPrivilegeEscalation = a.AllowPrivilegeEscalation || more.AllowPrivilegeEscalation
		a.Privileged = a.Privileged || more.Privileged
		a.SELinuxOptions = a.SELinuxOptions || more.SELinuxOptions
		a.WindowsHostProcess = a.WindowsHostProcess || more.WindowsHostProcess
		a.AllowedCapabilities = slices.Concat(a.AllowedCapabilities, more.AllowedCapabilities)
		a.SeccompProfiles = slices.Concat(a.SeccompProfiles, more.SeccompProfiles)
		a.AppArmorProfiles = slices.Concat(a.AppArmorProfiles, more.AppArmorProfiles)
		a.ProcMounts = slices.Concat(a.ProcMounts, more.ProcMounts)
		a.AllowedProbeHosts = slices.Concat(a.AllowedProbeHosts, more.AllowedProbeHosts)
		a.AllowedHostPorts = slices.Concat(a.AllowedHostPorts, more.AllowedHostPorts)
	}
	return &all
}

// asksLess reports whether each container that one entry matches is seen to be matched
// by another as well, by what they list. Where images are concerned only entries that
// are the same are.
func asksLess(other, than *policy.ContainerEntry) bool {
	return listsAll(other.Names, than.Names, coversName) &&
		listsAll(other.Images, than.Images, func(a, b string) bool { return a == b }) &&
		listsAll(other.Kinds, than.Kinds, func(a, b policy.ContainerKind) bool { return a == b })
}

// listsAll reports whether a list asks for nothing, or has something that covers each
// of those that another list asks for.
func listsAll[T any](list, asked []T, covers func(a, b T) bool) bool {
	if len(list) == 0 {
		return true
	}
	return len(asked) > 0 && !slices.ContainsFunc(asked, func(one T) bool {
		return !slices.ContainsFunc(list, func(has T) bool { return covers(has, one) })
	})
}

// coversName reports whether a name, or the beginning of one, covers another.
func coversName(a, b string) bool {
	begin, isOpen := strings.CutSuffix(a, everyValue)
	return a == b || isOpen && strings.HasPrefix(b, begin)
}

// sameRulings reports whether the entries of two policies demand and fill in the same,
// word for word and in any order. What they grant does not matter.
func sameRulings(a, b *policy.Policy) bool { return slices.Equal(rulings(a), rulings(b)) }

func rulings(p *policy.Policy) (texts []string) {
	for _, e := range p.Containers {
		rules := policy.ContainerAllow{RunAsUser: e.Allow.RunAsUser, RunAsGroup: e.Allow.RunAsGroup}
		if rules.RunAsUser.Rule == "" && rules.RunAsGroup.Rule == "" && e.Mutations == (policy.ContainerMutations{}) {
			continue
		}
		e.Allow = rules
		if text, err := json.Marshal(e); err == nil { // an entry holds nothing that JSON does not
			texts = append(texts, string(text))
		}
	}
	slices.Sort(texts)
	return texts
}

// matchedContainers says which containers an entry matches: "init containers named
// istio-init, of the image docker.io/istio/proxyv2:*".
func matchedContainers(e *policy.ContainerEntry) string {
	text := "containers"
	if len(e.Kinds) > 0 {
		text = alternatives(e.Kinds) + " containers"
	}
	if len(e.Names) > 0 {
		text += " named " + alternatives(e.Names)
	}
	if len(e.Images) > 0 {
		text += " of the image " + alternatives(e.Images)
	}
	return text
}

// alternatives are words of which one is meant.
func alternatives[T ~string](words []T) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return spec.Printable(b.String())
}

// matchedBy makes the container of a pod one that an entry matches, where that is
// seen. A container of another kind comes beside one that says nothing.
func matchedBy(e *policy.ContainerEntry) podEdit {
	return func(pod *corev1.Pod) {
		c := pod.Spec.Containers[0]
		if len(e.Names) > 0 {
			c.Name = strings.Replace(e.Names[0], everyValue, "x", 1)
		}
		if len(e.Images) > 0 {
			c.Image = imageOf(e.Images[0])
		}
		kind := policy.KindRegular
		if len(e.Kinds) > 0 && !slices.Contains(e.Kinds, kind) {
			kind = e.Kinds[0]
		}
		if kind != policy.KindRegular {
			beside := &pod.Spec.Containers[0]
			if *beside = barePod().Spec.Containers[0]; beside.Name == c.Name {
				beside.Name = "main"
			}
		}
		switch kind {
		case policy.KindInit:
			c.ReadinessProbe = nil // which it may not have
			pod.Spec.InitContainers = []corev1.Container{c}
		case policy.KindSidecar:
			c.RestartPolicy = pointTo(corev1.ContainerRestartPolicyAlways)
			pod.Spec.InitContainers = []corev1.Container{c}
		case policy.KindEphemeral:
			pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
				Name: c.Name, Image: c.Image, SecurityContext: c.SecurityContext, VolumeMounts: c.VolumeMounts,
			}}}
		default:
			pod.Spec.Containers[0] = c
		}
	}
}

// imageOf is an image that an entry of a list of images matches.
func imageOf(entry string) string {
	begin, isOpen := strings.CutSuffix(entry, everyValue)
	switch {
	case !isOpen:
		return entry
	case strings.HasSuffix(begin, "@"):
		return begin + "sha256:" + strings.Repeat("0", 64)
	default:
		return begin + "x"
	}
}
