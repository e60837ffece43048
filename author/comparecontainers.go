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

// An entry for single containers grants something on top of what the policy does. It is
// taken apart into cells: one name, one image and one kind of container of those that it
// lists. A container of a cell is matched by each other entry, too, that asks for less.
// So the questions about containers are asked anew for each cell: what do the one policy
// and the entry grant it that the other policy and all entries there that match the whole
// cell do not? Each thing is granted by one entry, or by the policy. So where no cell of
// any entry opens a gap, a container is granted no more, whichever of the entries match it.
//
// What entries demand and fill in is not compared but word for word: see sameRulings.

// containerThing is a question that is asked for each cell.
type containerThing struct {
	ask func(*question)
	// not are the kinds of containers in which the API has no such thing.
	not []policy.ContainerKind
}

var containerThings = [...]containerThing{
	{ask: (*question).escalation}, {ask: (*question).privileged}, {ask: (*question).capabilities},
	{(*question).hostPorts, []policy.ContainerKind{policy.KindEphemeral}},
	{ask: (*question).profiles}, {ask: (*question).others},
	{(*question).probeHosts, []policy.ContainerKind{policy.KindInit, policy.KindEphemeral}},
}

// containers asks about the containers that each entry matches.
func (q *question) containers() {
	q.dropGrantedByEntries()
	for i := range q.by.Containers {
		e := &q.by.Containers[i]
		if indexOfSame(q.by.Containers[:i], e) >= 0 {
			continue
		}
		other := indexOfSame(q.against.Containers, e)
		by := asGranted(q.by, func(own *policy.ContainerEntry) bool { return sameContainers(own, e) })
		for _, open := range q.openIn(by, cells(e)) {
			if q.knows(&open.gap) {
				continue // the policy itself lets it be
			}
			for _, group := range inGroups(open.cells) {
				q.found = append(q.found, open.among(group, e, i, other))
			}
		}
	}
}

// dropGrantedByEntries drops the gaps of all containers that open in none of any kind,
// for entries of the other policy grant the same to all kinds.
func (q *question) dropGrantedByEntries() {
	if len(q.against.Containers) == 0 || len(q.found) == 0 {
		return
	}
	of := question{lv: q.lv, by: asGranted(q.by, func(*policy.ContainerEntry) bool { return false }), against: q.against}
	open := q.openIn(of.by, anyContainer())
	for _, thing := range &containerThings {
		thing.ask(&of)
	}
	q.found = slices.DeleteFunc(q.found, func(g gap) bool {
		return of.knows(&g) && !slices.ContainsFunc(open, func(o cellGap) bool { return o.subject == g.subject })
	})
}

// cellGap is a gap of some cells, and how many kinds of containers may have the thing.
type cellGap struct {
	gap
	kinds int
}

// openIn are the gaps of some cells, each once: what a policy lets be in all containers
// and the other one does not in these.
func (q *question) openIn(by *policy.Policy, cells []policy.ContainerEntry) (list []cellGap) {
	for i := range cells {
		against := asGranted(q.against, func(e *policy.ContainerEntry) bool { return asksLess(e, &cells[i]) })
		for _, thing := range &containerThings {
			if slices.Contains(thing.not, cells[i].Kinds[0]) {
				continue
			}
			of := question{lv: q.lv, by: by, against: against}
			thing.ask(&of)
			for _, g := range of.found {
				at := slices.IndexFunc(list, func(known cellGap) bool { return known.subject == g.subject && known.value == g.value })
				if at < 0 {
					at, list = len(list), append(list, cellGap{g, len(policy.ContainerKinds()) - len(thing.not)})
				}
				list[at].cells = append(list[at].cells, cells[i])
			}
		}
	}
	return list
}

// cells are an entry for each name, image and kind of those that an entry lists. Names
// and images that it does not list a cell does not list either.
func cells(e *policy.ContainerEntry) (list []policy.ContainerEntry) {
	kinds := e.Kinds
	if len(kinds) == 0 {
		kinds = policy.ContainerKinds()
	}
	for _, names := range eachOf(e.Names) {
		for _, images := range eachOf(e.Images) {
			for _, kind := range eachOf(kinds) {
				list = append(list, policy.ContainerEntry{Names: names, Images: images, Kinds: kind})
			}
		}
	}
	return list
}

// eachOf has a list for each word of a list, once, and an empty one for an empty list.
func eachOf[T comparable](words []T) (lists [][]T) {
	for i := range words {
		if !slices.Contains(words[:i], words[i]) {
			lists = append(lists, words[i:i+1])
		}
	}
	if len(words) == 0 {
		return [][]T{nil}
	}
	return lists
}

// inGroups are cells in groups that an entry could have: one where they are all of some
// names, images and kinds, and else one for each.
func inGroups(cells []policy.ContainerEntry) (groups [][]policy.ContainerEntry) {
	of := entryOfCells(cells)
	if len(cells) == max(1, len(of.Names))*max(1, len(of.Images))*len(of.Kinds) {
		return [][]policy.ContainerEntry{cells}
	}
	for i := range cells {
		groups = append(groups, cells[i:i+1])
	}
	return groups
}

// entryOfCells lists what its cells do.
func entryOfCells(cells []policy.ContainerEntry) (of policy.ContainerEntry) {
	for i := range cells {
		of.Names, of.Images, of.Kinds = union(of.Names, cells[i].Names), union(of.Images, cells[i].Images), union(of.Kinds, cells[i].Kinds)
	}
	return of
}

// among is the gap of some cells of an entry, which has an index in the one policy, and in
// the other one unless that is negative. Kinds are not told where the entry tells none and
// it is said of all that may have the thing.
func (o *cellGap) among(cells []policy.ContainerEntry, e *policy.ContainerEntry, by, against int) gap {
	g, of := o.gap, entryOfCells(cells)
	at := func(i int) string {
		if i < 0 {
			return ""
		}
		return fmt.Sprintf("containers[%d].%s", i, g.at)
	}
	g.at, g.atOther, g.cells = at(by), at(against), cells
	if len(e.Kinds) == 0 && len(of.Kinds) == o.kinds {
		of.Kinds = nil
	}
	g.subject = "among " + matchedContainers(&of) + ", " + g.subject
	return g
}

func union[T comparable](list, more []T) []T {
	for _, one := range more {
		if !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	return list
}

// indexOfSame is the first of some entries that matches the same containers; -1 for none.
func indexOfSame(entries []policy.ContainerEntry, e *policy.ContainerEntry) int {
	return slices.IndexFunc(entries, func(other policy.ContainerEntry) bool { return sameContainers(&other, e) })
}

// sameContainers reports whether two entries are seen to match the same containers.
func sameContainers(a, b *policy.ContainerEntry) bool { return asksLess(a, b) && asksLess(b, a) }

// asGranted is a policy that grants all containers what it does and some of its entries do.
func asGranted(p *policy.Policy, of func(*policy.ContainerEntry) bool) *policy.Policy {
	all := *p
	all.Containers = nil
	a := &all.Allow
	for i := range p.Containers {
		e := &p.Containers[i]
		if !of(e) {
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
// by another as well, by what they list.
func asksLess(other, than *policy.ContainerEntry) bool {
	return listsAll(other.Names, than.Names, coversName) &&
		listsAll(other.Images, than.Images, policy.CoversImage) &&
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

// places are edits that make the container of a pod one of a cell: of its name, image and
// kind, the plainest first. Where the cell leaves the name or the image open, or goes by
// the beginning of one, others are tried beside the plain one, for another entry may
// match that.
func places(cell *policy.ContainerEntry) (list []podEdit) {
	names, images := []string{"app", unheardOf}, []string{"app", "registry.example/" + unheardOf}
	if len(cell.Names) > 0 {
		names = beginningWith(cell.Names[0], "x", unheardOf)
	}
	if len(cell.Images) > 0 {
		digest := strings.Repeat("0", 64)
		switch begin, isOpen := strings.CutSuffix(cell.Images[0], everyValue); {
		case isOpen && strings.HasSuffix(begin, "@"):
			images = beginningWith(cell.Images[0], "sha256:"+digest)
		default:
			images = beginningWith(cell.Images[0], "x", unheardOf)
		}
	}
	for _, name := range names {
		for _, image := range images {
			list = append(list, placed(name, image, cell.Kinds[0]))
		}
	}
	return list
}

// unheardOf is a name that entries hardly have.
const unheardOf = "z9q"

// beginningWith is an entry of a list where it is exact, and else its beginning with each
// of some endings.
func beginningWith(entry string, endings ...string) (texts []string) {
	begin, isOpen := strings.CutSuffix(entry, everyValue)
	if !isOpen {
		return []string{entry}
	}
	for _, end := range endings {
		texts = append(texts, begin+end)
	}
	return texts
}

// anyContainer are cells of all kinds of containers.
func anyContainer() []policy.ContainerEntry { return cells(&policy.ContainerEntry{}) }

// placed gives the container of a pod a name and an image, and makes it one of a kind. A
// container of another kind than a regular one comes beside one that says nothing.
func placed(name, image string, kind policy.ContainerKind) podEdit {
	return func(pod *corev1.Pod) {
		c := pod.Spec.Containers[0]
		renameAnnotations(pod, c.Name, name)
		c.Name, c.Image = name, image
		if kind == policy.KindRegular {
			pod.Spec.Containers[0] = c
			return
		}
		beside := &pod.Spec.Containers[0]
		if *beside = barePod().Spec.Containers[0]; beside.Name == c.Name {
			beside.Name = "main"
		}
		switch kind {
		case policy.KindInit:
			c.ReadinessProbe = nil // which it may not have
			pod.Spec.InitContainers = []corev1.Container{c}
		case policy.KindSidecar:
			c.RestartPolicy = pointTo(corev1.ContainerRestartPolicyAlways)
			pod.Spec.InitContainers = []corev1.Container{c}
		default: // ports and probes it may not have
			pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
				Name: c.Name, Image: c.Image, SecurityContext: c.SecurityContext, VolumeMounts: c.VolumeMounts,
			}}}
		}
	}
}

// renameAnnotations has annotations of a container go with its name.
func renameAnnotations(pod *corev1.Pod, from, to string) {
	for _, prefix := range [...]string{spec.SeccompContainerAnnotation, spec.AppArmorAnnotation} {
		if value, found := pod.Annotations[prefix+from]; found {
			delete(pod.Annotations, prefix+from)
			pod.Annotations[prefix+to] = value
		}
	}
}
