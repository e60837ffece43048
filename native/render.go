package native

import (
	"time"

	"github.com/podfence/podfence/policy"
)

// Validating is a policy that judges, with its binding.
type Validating struct {
	Policy  ValidatingAdmissionPolicy
	Binding ValidatingAdmissionPolicyBinding
}

// Mutating is a policy that fills in, with its binding.
type Mutating struct {
	Policy  MutatingAdmissionPolicy
	Binding MutatingAdmissionPolicyBinding
}

// Objects are what a set of policies is rendered as. Each is nil where the options
// leave nothing for it to do.
type Objects struct {
	// Mutate fills in what the authors of pods left out.
	Mutate *Mutating
	// Enforce refuses pods.
	Enforce *Validating
	// Audit and Warn judge pods at the levels of the same name, and let them pass.
	Audit, Warn *Validating
	// Templates warn of the pods that workloads would make, by what filling in will
	// not mend.
	Templates *Validating
	// NextExpiry is when the next policy expires after the time of the set: from
	// then on the objects say too much, and are to be rendered again. Zero: none does.
	NextExpiry time.Time
}

// List returns the objects that are there, as pointers: each policy before its
// binding, and what judges before what fills in.
func (o *Objects) List() (list []any) {
	for _, v := range []*Validating{o.Enforce, o.Audit, o.Warn, o.Templates} {
		if v != nil {
			list = append(list, &v.Policy, &v.Binding)
		}
	}
	if o.Mutate != nil {
		list = append(list, &o.Mutate.Policy, &o.Mutate.Binding)
	}
	return list
}

// Render renders a set of policies, as it is at the time that policy.Set.At told it.
func Render(set policy.Set, options Options) (Objects, error) {
	return Objects{}, errNotYet
}
