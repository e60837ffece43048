package author

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/podfence/podfence/policy"
)

// group is the workloads of one policy.
type group struct {
	*universe
	namespace string
	// ids are the atoms for which the policy is made, and others those that it selects
	// beside them.
	ids, others []int
	selector    selector
	shapes      []*shape
	policy      *policy.Policy
	unpinned    []Unpinned
	steps       []Step
}

// groups parts the workloads into those that share a policy.
func (a *asker) groups() (list []*group) {
	byNamespace := map[string][]*asked{}
	var all []*asked
	for _, key := range slices.Sorted(maps.Keys(a.atoms)) {
		at := a.atoms[key]
		byNamespace[at.namespace] = append(byNamespace[at.namespace], at)
		all = append(all, at)
	}
	for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
		atoms := byNamespace[namespace]
		if namespace == "" {
			atoms = all // a policy without a namespace is one for all of them
		}
		list = append(list, a.groupsIn(namespace, newUniverse(atoms))...)
	}
	for _, g := range list {
		a.fill(g)
	}
	return list
}

// groupsIn parts the workloads of one namespace.
func (a *asker) groupsIn(namespace string, u *universe) (list []*group) {
	alike := map[string][]int{}
	var order []string
	for id, at := range u.atoms {
		if at.namespace != namespace || len(at.shapes) == 0 {
			continue
		}
		key := a.wants(at)
		if alike[key] == nil {
			order = append(order, key)
		}
		alike[key] = append(alike[key], id)
	}
	for _, key := range order {
		ids := alike[key]
		if s, ok := u.together(ids); ok && len(ids) > 1 && !a.options.PerWorkload {
			list = append(list, &group{universe: u, namespace: namespace, ids: ids, selector: s})
			continue
		}
		for _, id := range ids {
			g := &group{universe: u, namespace: namespace, ids: []int{id}}
			var selected []int
			g.selector, selected, _ = u.fewest(g.ids)
			g.others = slices.DeleteFunc(slices.Clone(selected), func(other int) bool { return other == id })
			list = append(list, g)
		}
	}
	return list
}

// wants says what the workloads of an atom need, as a key.
func (a *asker) wants(at *asked) string {
	var b strings.Builder
	p := merged(&a.base, widened(at.ordered()))
	for _, granted := range p.Granted() {
		b.WriteString(granted.Grant.String() + "\n")
	}
	for i := range p.Containers {
		fmt.Fprintln(&b, p.Containers[i])
	}
	return b.String()
}

// fill gathers the workloads that a group's policy has to allow: those for which it is
// made, and those that it selects beside them and that have no policy of their own.
func (a *asker) fill(g *group) {
	for _, id := range g.ids {
		at := g.atoms[id]
		g.shapes = append(g.shapes, at.ordered()...)
		g.shapes = append(g.shapes, a.governed(at)...)
	}
	for _, id := range g.others {
		if at := g.atoms[id]; len(at.shapes) == 0 {
			g.shapes = append(g.shapes, a.governed(at)...)
		}
	}
}

// governed are the workloads of an atom that need no policy, with what they need under
// one: a policy takes the place of the default one, and has a list of volumes.
func (a *asker) governed(at *asked) []*shape {
	of := asked{atom: at.atom, shapes: map[string]*shape{}}
	for _, w := range at.allowed {
		needs, unmet := a.needs(w)
		if len(unmet) > 0 {
			a.cannot(w.reference(), NoGrant, unmet)
			continue
		}
		of.add(w, needs)
	}
	return of.ordered()
}

// settle makes the policies of groups, takes from them what none needs, and says so.
func settle(groups []*group, a *asker, s *Suggestion) error {
	a.name(groups)
	for _, g := range groups {
		g.grant(a)
	}
	t := newTrial(groups, a)
	t.dropCovered()
	t.shrink()
	return t.report(s)
}

// grant makes the policy of a group, as wide as the sum of what its workloads need.
func (g *group) grant(a *asker) {
	base := a.base.DeepCopy()
	base.Name, base.Namespace, base.PodSelectorLabels = g.policy.Name, g.namespace, nil
	g.selector.writeTo(base)
	g.policy = merged(base, widened(g.shapes))
	g.narrowUsers(a)
	if a.options.Tight {
		g.pin(a)
	}
}

// name names the policies: by the label that names their workloads best, or by the
// first workload. No two have the same name.
func (a *asker) name(groups []*group) {
	taken := map[string]bool{}
	for _, g := range groups {
		base := policyName(g.title())
		name := base
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		taken[name] = true
		g.policy = &policy.Policy{Name: name}
	}
}

// title is what to call a group's policy.
func (g *group) title() string {
	if len(g.selector.labels) > 0 && g.selector.labels[0].value != "" {
		return g.selector.labels[0].value
	}
	if len(g.selector.values) > 0 && g.selector.values[0] != "" {
		return g.selector.values[0] + "-and-others"
	}
	first := slices.MinFunc(g.shapes, func(a, b *shape) int { return compareReferences(a.reference(), b.reference()) })
	return first.Name
}

const maxPolicyName = 200

// policyName is text as the name of a policy, a DNS-1123 subdomain.
func policyName(text string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '-'
		}
	}, text)
	name = strings.Trim(name[:min(len(name), maxPolicyName)], "-")
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return "workload"
	}
	return name
}

// comparePolicies orders policies by namespace and name.
func comparePolicies(a, b *policy.Policy) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}
