package author

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// need is a grant that a workload needs, and the field that needs it.
type need struct {
	grant policy.Grant
	evaluate.Violation
	// scope is the container that needs it; zero where the whole pod does.
	scope scope
}

// scope is what an entry for single containers tells a container by: its kind, its
// name and the repository of its image, as far as an entry can hold them.
type scope struct {
	kind        policy.ContainerKind
	name, image string
}

func scopeOf(kind spec.ContainerKind, c *corev1.Container) scope {
	s := scope{kind: policy.KindOf(kind, c)}
	if policy.IsContainerName(c.Name) {
		s.name = c.Name
	}
	s.image, _ = policy.RepositoryPattern(c.Image)
	return s
}

// entry is an entry for the containers of the scope.
func (s scope) entry() (e policy.ContainerEntry) {
	e.Kinds = []policy.ContainerKind{s.kind}
	if s.name != "" {
		e.Names = []string{s.name}
	}
	if s.image != "" {
		e.Images = []string{s.image}
	}
	return e
}

func compareScopes(a, b scope) int {
	return cmp.Or(
		cmp.Compare(slices.Index(policy.ContainerKinds(), a.kind), slices.Index(policy.ContainerKinds(), b.kind)),
		cmp.Compare(a.name, b.name), cmp.Compare(a.image, b.image),
	)
}

// shape is workloads that one policy can govern and that need the same in the same
// fields: one stands for all.
type shape struct {
	*Workload
	needs []need
	// named are the names of the workloads, and all are these themselves.
	named map[Reference]bool
	all   []*Workload
}

func (s *shape) references() []Reference { return sortedReferences(s.named) }

// reader finds out what workloads need.
type reader struct {
	lv api.LevelVersion
	// base is the policy to which grants are added.
	base policy.Policy
	// whole: what a container needs its pod is granted.
	whole bool
}

// placeholder stands for the selector of a policy that is yet to have one: a policy that
// selects its pods has a say over their volumes.
var placeholder = map[string]string{"podfence": "least"}

// newReader begins with a policy that grants nothing. A tight one admits no volume.
func newReader(lv api.LevelVersion, tight, whole bool) reader {
	r := reader{lv: lv, whole: whole, base: policy.Policy{PodSelectorLabels: placeholder}}
	if tight {
		r.base.Allow.Volumes = []string{}
	}
	return r
}

// maxRounds is how often grants are added before a workload is given up: one grant may
// bring to light what another one has to excuse, and no chain of such is longer.
const maxRounds = 8

// needs are the grants under which the workload is allowed, and what none of them can
// excuse. What a stronger grant implies is not asked for beside it.
func (r *reader) needs(w *Workload) (needs []need, unmet []evaluate.Violation) {
	under := r.base.DeepCopy()
	for range maxRounds {
		d := w.AdmitUnder(r.lv, under)
		if d.Allowed() {
			return needs, nil
		}
		found := grantable(d.Result.Within("").Violations)
		if len(found) == 0 {
			return nil, d.Result.Within("").Violations
		}
		r.narrow(w, found)
		needs = append(needs, found...)
		under = merged(&r.base, needs)
	}
	return nil, w.AdmitUnder(r.lv, under).Result.Within("").Violations
}

// narrow says of needs which container has them.
func (r *reader) narrow(w *Workload, needs []need) {
	for i := range needs {
		n := &needs[i]
		if c := podwalk.Get(w.spec(), n.Container); c != nil && !r.whole && n.grant.Key.OfContainers() {
			n.scope = scopeOf(n.Container.Kind, c)
		}
	}
}

// grantable are the violations that a grant excuses, each with the narrowest; without
// those that may follow from others, as long as there are others.
func grantable(violations []evaluate.Violation) (needs []need) {
	var implied []need
	for _, v := range violations {
		grants := v.Grants()
		switch {
		case len(grants) == 0:
		case isImplied(&v):
			implied = append(implied, need{grant: canonical(grants[0]), Violation: v})
		default:
			// The last one excuses every user. Whether a narrower rule does, all
			// workloads of the policy decide together.
			needs = append(needs, need{grant: canonical(grants[len(grants)-1]), Violation: v})
		}
	}
	if len(needs) == 0 {
		return implied
	}
	return needs
}

// isImplied reports whether the violation may be excused by what the container needs
// in any case: the privileges of which escalation and undropped capabilities are a part.
func isImplied(v *evaluate.Violation) bool {
	const privileges = spec.Privileged | spec.SysAdmin
	return v.Facts&privileges != 0 && (v.Field == spec.FieldAllowPrivilegeEscalation || v.Field == spec.FieldCapabilitiesDrop)
}

// signature tells what of a workload the grants and pins of a policy go by.
func signature(w *Workload, needs []need) string {
	var b strings.Builder
	for i := range needs {
		fmt.Fprintf(&b, "%s %s %s %v %d\n", needs[i].grant, needs[i].Location, needs[i].Container.Name, needs[i].Value, needs[i].Facts)
	}
	pod := w.spec()
	fmt.Fprintf(&b, "%v %v\n", spec.IsWindows(pod), spec.InUserNamespace(pod))
	if sc := pod.SecurityContext; sc != nil {
		fmt.Fprintln(&b, text(sc.FSGroup), sc.SupplementalGroups, sc.SupplementalGroupsPolicy != nil && *sc.SupplementalGroupsPolicy == corev1.SupplementalGroupsPolicyStrict)
	}
	for at, c := range podwalk.Containers(pod) {
		fmt.Fprintln(&b, scopeOf(at.Kind, c), at.Kind, at.Name, text(spec.EffectiveRunAsUser(pod, c)), text(spec.EffectiveRunAsGroup(pod, c)),
			text(spec.EffectiveRunAsNonRoot(pod, c)), hasReadOnlyRoot(c))
	}
	return b.String()
}

func text[T any](p *T) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprint(*p)
}

func hasReadOnlyRoot(c *corev1.Container) bool {
	sc := c.SecurityContext
	return sc != nil && sc.ReadOnlyRootFilesystem != nil && *sc.ReadOnlyRootFilesystem
}

// asked is an atom with its workloads.
type asked struct {
	atom
	// shapes are those of its workloads that need a policy, by signature.
	shapes map[string]*shape
	// allowed need none.
	allowed []*Workload
}

// asker gathers the workloads.
type asker struct {
	reader
	options Options
	atoms   map[string]*asked
	// all are the workloads, and needy those that are not allowed without a policy.
	all, needy map[Reference]bool
	unmet      map[Reference]*cannot
}

// cannot is a workload that no policy can allow.
type cannot struct {
	reason UnmetReason
	fields reasons
}

func newAsker(lv api.LevelVersion, options Options) *asker {
	return &asker{
		reader: newReader(lv, options.Tight, options.WholePod), options: options,
		atoms: map[string]*asked{}, all: map[Reference]bool{}, needy: map[Reference]bool{}, unmet: map[Reference]*cannot{},
	}
}

// add asks what a workload needs.
func (a *asker) add(w *Workload) {
	ref := w.reference()
	a.all[ref] = true
	at := a.atomOf(w)
	if w.AdmitUnder(a.lv, nil).Allowed() {
		at.allowed = append(at.allowed, w)
		return
	}
	a.needy[ref] = true
	if ref.Namespace != "" && len(validation.IsDNS1123Label(ref.Namespace)) > 0 {
		a.cannot(ref, NoNamespace, nil)
		return
	}
	needs, unmet := a.needs(w)
	switch {
	case len(unmet) > 0:
		a.cannot(ref, NoGrant, unmet)
	case len(at.labels) == 0:
		a.cannot(ref, NoLabel, nil)
	default:
		at.add(w, needs)
	}
}

func (a *asker) cannot(ref Reference, why UnmetReason, violations []evaluate.Violation) {
	u := a.unmet[ref]
	if u == nil {
		u = &cannot{why, reasons{}}
		a.unmet[ref] = u
	}
	for _, v := range violations {
		u.fields.add(reasonOf(&need{Violation: v}), map[Reference]bool{ref: true})
	}
}

func (a *asker) unmetList() (list []Unmet) {
	for _, ref := range slices.SortedFunc(maps.Keys(a.unmet), compareReferences) {
		list = append(list, Unmet{ref, a.unmet[ref].reason, a.unmet[ref].fields.list()})
	}
	return list
}

func (a *asker) atomOf(w *Workload) *asked {
	of := atom{namespace: w.namespace(), labels: stableLabels(w.labels())}
	key := of.key()
	at := a.atoms[key]
	if at == nil {
		at = &asked{atom: of, shapes: map[string]*shape{}}
		a.atoms[key] = at
	}
	return at
}

// add puts a workload to those that need the same. Of several the first by its name
// stands for them, so that their order changes nothing.
func (at *asked) add(w *Workload, needs []need) *shape {
	key := signature(w, needs)
	s := at.shapes[key]
	if s == nil {
		s = &shape{Workload: w, needs: needs, named: map[Reference]bool{}}
		at.shapes[key] = s
	}
	if compareReferences(w.reference(), s.reference()) < 0 {
		s.Workload, s.needs = w, needs
	}
	s.named[w.reference()] = true
	s.all = append(s.all, w)
	return s
}

// ordered are the shapes in order.
func (at *asked) ordered() (list []*shape) {
	for _, key := range slices.Sorted(maps.Keys(at.shapes)) {
		list = append(list, at.shapes[key])
	}
	return list
}
