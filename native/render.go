package native

import (
	"time"

	"k8s.io/pod-security-admission/api"

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

// renderer renders one set of policies.
type renderer struct {
	options *Options
	data    *data
}

// Render renders a set of policies, as it is at the time that policy.Set.At told it.
// The error is an [Error].
func Render(set policy.Set, options Options) (Objects, error) {
	if err := options.complete(); err != nil {
		return Objects{}, err
	}
	policies, next := set.InForce()
	d, err := newData(policies)
	if err != nil {
		return Objects{}, err
	}
	r := &renderer{options: &options, data: d}
	objects := Objects{NextExpiry: next}
	for _, v := range []struct {
		mode mode
		to   **Validating
	}{{enforce, &objects.Enforce}, {audit, &objects.Audit}, {warn, &objects.Warn}} {
		if options.judges(v.mode) {
			*v.to = r.validating(v.mode)
		}
	}
	if options.judges(warn) {
		objects.Templates = r.templates()
	}
	if !options.WithoutMutation && options.judges(enforce) {
		objects.Mutate = r.mutating()
	}
	return objects, r.check(&objects)
}

// name is the name of an object.
func (r *renderer) name(of string) string {
	name := r.options.Name + "-" + of
	if r.options.Static {
		name += staticSuffix
	}
	return name
}

// judges reports whether there is anything to do in a mode.
func (o *Options) judges(m mode) bool {
	return o.Levels == nil || m.of(o.Levels).Level != api.LevelPrivileged
}
