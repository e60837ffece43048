package evaluate

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Violation is one field of one pod that breaks one check of the standards or
// one rule of the governing policy.
type Violation struct {
	// Check is the check that the field breaks; zero where a policy's own rule
	// demands it.
	Check spec.CheckID
	// Rule is the policy's own rule that the field breaks; zero for a check.
	Rule policy.Key
	// Facts are what the rest of the pod has to say about the field, for grants
	// that ask for it.
	Facts spec.Facts
	// Default is what set the field, where the API server does and not the pod's
	// author; zero for a field that was given. See [Stored].
	Default spec.Default
	// Sources are the types of the volume that the field belongs to.
	Sources spec.VolumeSet
	// ExcusedBy is the entry of the policy that excuses the violation; zero
	// outside Result.Excused.
	ExcusedBy policy.Entry
	// Location is the field: in which container, and where.
	spec.Location
	// Volume is the name of the volume that the field belongs to.
	Volume string
	// Value is the offending value: a bool, int32, int64, string or, for a drop
	// list, []string. Nil: the field is unset, and may not be.
	Value any
	// Want says what the field must be, in a few words: "false or unset".
	Want string
}

// Fault is the violation as a policy is asked about it. It has meaning for
// violations of the standard alone.
func (v Violation) Fault() policy.Fault {
	return policy.Fault{Check: v.Check, Field: v.Field, Value: v.Value, Facts: v.Facts, Sources: v.Sources}
}

// Grants returns the smallest grants of a policy that would excuse the
// violation, each of them alone; nil where no single grant would do. Of the
// policy's own rules only that over volumes takes one, a type to list: the others
// ask for what the pod has to say.
func (v Violation) Grants() []policy.Grant {
	if v.Check != 0 {
		fault := v.Fault()
		return fault.Grants()
	}
	if v.Rule == policy.KeyVolumes && v.Field != spec.FieldVolume && v.Field != spec.FieldVolumeHostPath {
		return []policy.Grant{{Key: policy.KeyVolumes, Value: spec.VolumeTypeOf(v.Field)}}
	}
	return nil
}

// FromStandard reports whether the standard demands it, and not a policy's own rule.
func (v Violation) FromStandard() bool { return v.Check != 0 }

// Level is the level of the broken check; empty for a policy's own rule.
func (v Violation) Level() api.Level {
	if v.Check == 0 {
		return ""
	}
	return v.Check.Level()
}

// Control is the title of the broken control on the standard's page; empty for
// a policy's own rule.
func (v Violation) Control() string {
	if v.Check == 0 {
		return ""
	}
	return v.Check.Control().Title
}

// ValueString renders the offending value: "unset" where there is none.
func (v Violation) ValueString() string {
	switch value := v.Value.(type) {
	case nil:
		return "unset"
	case string:
		return fmt.Sprintf("%q", value)
	case []string:
		return strings.ReplaceAll(fmt.Sprintf("%q", value), `" "`, `", "`)
	default:
		return fmt.Sprint(value)
	}
}

// String renders the violation on one line, whatever the pod's author wrote:
// field, value and what to write, and who set the field where the author did not.
func (v Violation) String() string {
	who := ""
	if v.Container.Kind != 0 {
		who = fmt.Sprintf(" (%s %q)", v.Container.Kind, v.Container.Name)
	} else if v.Volume != "" {
		who = fmt.Sprintf(" (volume %q)", v.Volume)
	}
	return spec.Printable(fmt.Sprintf("%s%s is %s, must be %s [%s]%s",
		v.Location, who, v.ValueString(), v.Want, v.CheckOrRule(), v.setBy()))
}

// setBy says in parentheses who set the field, empty for the pod's author.
func (v *Violation) setBy() string {
	if v.Default == 0 {
		return ""
	}
	return " (" + v.Default.String() + ")"
}

// CheckOrRule is the ID of the broken check, or the policy's rule.
func (v Violation) CheckOrRule() string {
	if v.Check == 0 {
		return v.Rule.String()
	}
	return v.Check.String()
}

// FieldError is the violation as apimachinery's validation words it: Required
// for an unset field, Invalid for one that is set.
func (v Violation) FieldError() *field.Error {
	detail := "must be " + v.Want + " [" + v.CheckOrRule() + "]" + v.setBy()
	if v.Value == nil {
		return field.Required(v.FieldPath(), detail)
	}
	return field.Invalid(v.FieldPath(), v.Value, detail)
}

// Result is the answer to a question of package evaluate.
type Result struct {
	// Level is the level and version that was evaluated, after
	// spec.Normalize.
	Level api.LevelVersion
	// Policy is the policy under which the pod was judged, nil for none. It
	// belongs to the Set and must not be changed.
	Policy *policy.Policy
	// Violations are what stands: of the standard, in the order of Pod Security
	// Admission, then of the policy's own rules.
	Violations []Violation
	// Excused are the violations that the policy's grants cover.
	Excused []Violation
	// Notices are about policies that select the pod by its labels and do not speak
	// as they are written: their namespaces are unknown, or they expire.
	Notices []policy.Notice
}

// Allowed reports whether nothing stands against the pod. Denied is an answer,
// not an error.
func (r Result) Allowed() bool { return len(r.Violations) == 0 }

// PolicyName is the name of the governing policy, empty for none.
func (r Result) PolicyName() string {
	if r.Policy == nil {
		return ""
	}
	return r.Policy.Name
}

// Within is the result for an object that holds the pod at root: the paths of its
// violations begin there. It shares no violations with r.
func (r Result) Within(root spec.Root) Result {
	r.Violations, r.Excused = within(r.Violations, root), within(r.Excused, root)
	return r
}

func within(vs []Violation, root spec.Root) []Violation {
	vs = slices.Clone(vs)
	for i := range vs {
		vs[i].Root = root
	}
	return vs
}

// ErrorList is the violations as apimachinery's validation errors.
func (r Result) ErrorList() field.ErrorList {
	var list field.ErrorList
	for i := range r.Violations {
		list = append(list, r.Violations[i].FieldError())
	}
	return list
}
