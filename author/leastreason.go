package author

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// String says what the field says, without the workloads: `container "web":
// securityContext.privileged is true`.
func (r *Reason) String() string {
	who := "pod"
	switch {
	case r.Container.Kind != 0:
		who = fmt.Sprintf("%s %q", r.Container.Kind, r.Container.Name)
	case r.Volume != "":
		who = fmt.Sprintf("volume %q", r.Volume)
	}
	value := "unset"
	if name, ok := r.Value.(string); ok && r.Volume != "" && name == spec.VolumeTypeOf(r.Field) {
		return spec.Printable(fmt.Sprintf("volume %q is of type %s", r.Volume, name))
	}
	if r.Value != nil {
		value = fmt.Sprint(r.Value)
	}
	return spec.Printable(fmt.Sprintf("%s: %s is %s", who, r.Short(), value))
}

// reasons gathers fields and the workloads that have them.
type reasons map[reasonKey]*gathered

// reasonKey tells one reason from another.
type reasonKey struct {
	spec.Location
	volume, value string
}

type gathered struct {
	Reason
	workloads map[Reference]bool
}

func (rs reasons) add(r Reason, of map[Reference]bool) {
	key := reasonKey{r.Location, r.Volume, fmt.Sprint(r.Value)}
	have := rs[key]
	if have == nil {
		have = &gathered{r, map[Reference]bool{}}
		rs[key] = have
	}
	maps.Copy(have.workloads, of)
}

// list are the reasons in order.
func (rs reasons) list() (list []Reason) {
	for _, r := range rs {
		r.Workloads = sortedReferences(r.workloads)
		list = append(list, r.Reason)
	}
	slices.SortFunc(list, compareReasons)
	return list
}

func compareReasons(a, b Reason) int {
	return cmp.Or(
		slices.CompareFunc(a.Workloads, b.Workloads, compareReferences),
		compareContainers(a.Container, b.Container),
		cmp.Compare(a.Field, b.Field), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Volume, b.Volume), cmp.Compare(fmt.Sprint(a.Value), fmt.Sprint(b.Value)),
	)
}

func compareContainers(a, b spec.Container) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Name, b.Name))
}

func sortedReferences(set map[Reference]bool) []Reference {
	return slices.SortedFunc(maps.Keys(set), compareReferences)
}

// reasonOf is the reason that a violation is.
func reasonOf(n *need) Reason {
	return Reason{Location: n.Location, Volume: n.Volume, Value: n.Value}
}

// groupText renders a rule over groups on one line, as a policy file has it.
func groupText(key policy.Key, rule *policy.GroupRule) string {
	// A rule over users with ranges is written the same way.
	return policy.Grant{Key: key, Value: policy.UserRule{Rule: rule.Rule, Ranges: rule.Ranges}}.String()
}
