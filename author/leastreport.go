package author

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// report writes the policies and the proof into a suggestion.
func (t *trial) report(s *Suggestion) error {
	slices.SortFunc(t.groups, func(a, b *group) int { return comparePolicies(a.policy, b.policy) })
	var all []policy.Policy
	for _, g := range t.groups {
		s.Policies = append(s.Policies, g.suggested())
		s.Proof.Steps = append(s.Proof.Steps, g.steps...)
		all = append(all, *g.policy)
	}
	set, err := policy.NewSet(all...)
	if err = cmp.Or(t.err, err); err != nil {
		return fmt.Errorf("author: a policy that the format cannot hold: %w", err)
	}
	t.verify(s, set)
	return nil
}

// verify asks about every workload once more, as a cluster with the policies would.
func (t *trial) verify(s *Suggestion, set policy.Set) {
	denied, admitted := map[Reference]bool{}, map[Reference]bool{}
	ask := func(w *Workload) {
		ref := w.reference()
		switch {
		case t.unmet[ref] != nil:
		case w.Admit(t.lv, set).Allowed():
			admitted[ref] = true
		default:
			denied[ref] = true
		}
	}
	for _, at := range t.atoms {
		for _, w := range at.allowed {
			ask(w)
		}
		for _, shape := range at.shapes {
			for _, w := range shape.all {
				ask(w)
			}
		}
	}
	for ref := range denied {
		delete(admitted, ref)
		s.Proof.Denied = append(s.Proof.Denied, ref)
	}
	slices.SortFunc(s.Proof.Denied, compareReferences)
	s.Proof.Admitted = len(admitted)
}

// suggested is a group's policy with what is said of it.
func (g *group) suggested() Suggested {
	s := Suggested{Policy: *g.policy, Unpinned: g.unpinned}
	others := map[Reference]bool{}
	for _, id := range g.others {
		at := g.atoms[id]
		for _, w := range at.allowed {
			others[w.reference()] = true
		}
		for _, shape := range at.shapes {
			maps.Copy(others, shape.named)
		}
	}
	governs := map[Reference]bool{}
	for _, shape := range g.shapes {
		maps.Copy(governs, shape.named)
	}
	maps.DeleteFunc(governs, func(ref Reference, _ bool) bool { return others[ref] })
	s.Governs = sortedReferences(governs)
	s.Others = sortedReferences(others)
	s.Grants = g.grants()
	return s
}

// grants are the entries of a group's policy with their reasons, in the order of the
// format.
func (g *group) grants() (list []Grant) {
	by := g.needsByEntry()
	for _, granted := range g.policy.Granted() {
		reasons := reasonsOf(by[granted.At])
		if granted.At.Key == policy.KeyRunAsUser && granted.Grant.Value.(policy.UserRule).Rule == policy.MustRunAs {
			continue // below, with the users
		}
		if len(reasons) > 0 {
			list = append(list, Grant{granted.At, granted.Grant.String(), reasons})
		}
	}
	list = append(list, g.rules()...)
	slices.SortStableFunc(list, func(a, b Grant) int { return cmp.Or(cmp.Compare(a.Container, b.Container), cmp.Compare(a.Key, b.Key)) })
	return list
}

func reasonsOf(needs []needOf) []Reason {
	found := reasons{}
	for _, n := range needs {
		found.add(reasonOf(n.need), n.shape.named)
	}
	return found.list()
}

// rules are the rules that hold the workloads to what they use, with their values.
func (g *group) rules() (list []Grant) {
	add := func(at policy.Entry, text string, v *values) { list = append(list, Grant{at, text, v.reasons.list()}) }
	if rule := g.policy.Allow.RunAsUser; rule.Rule == policy.MustRunAs {
		users := g.users(g.own)
		add(policy.Entry{Key: policy.KeyRunAsUser, Index: -1}, policy.Grant{Key: policy.KeyRunAsUser, Value: rule}.String(), &users)
	}
	for i := range g.policy.Containers {
		e := &g.policy.Containers[i]
		of := entryScope(e)
		if rule := e.Allow.RunAsUser; rule.Rule == policy.MustRunAs {
			users := g.users(func(s scope) bool { return s == of })
			add(policy.Entry{Key: policy.KeyRunAsUser, Container: uint8(i) + 1, Index: -1}, policy.Grant{Key: policy.KeyRunAsUser, Value: rule}.String(), &users)
		}
	}
	for _, of := range pinnedGroups {
		rule := of.of(&g.policy.Allow)
		if len(rule.Ranges) == 0 {
			continue
		}
		var v values
		for _, s := range g.onLinux() {
			of.read(&v, s, s.spec())
		}
		add(policy.Entry{Key: of.key, Index: -1}, groupText(of.key, rule), &v)
	}
	if g.policy.Allow.ReadOnlyRootFilesystem {
		v := values{reasons: reasons{}}
		for _, s := range g.onLinux() {
			for at := range podwalk.Containers(s.spec()) {
				v.reasons.add(Reason{Location: spec.At(at, spec.FieldReadOnlyRootFilesystem), Value: true}, s.named)
			}
		}
		add(policy.Entry{Key: policy.KeyReadOnlyRootFilesystem, Index: -1}, policy.Grant{Key: policy.KeyReadOnlyRootFilesystem, Value: true}.String(), &v)
	}
	return list
}
