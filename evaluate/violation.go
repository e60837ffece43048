package evaluate

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"

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
	// Grant is the key of the policy that excuses the violation; zero outside
	// Result.Excused.
	Grant policy.Key
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

// String renders the violation on one line: field, value and what to write.
func (v Violation) String() string { return v.Within("") }

// Within is String for a pod that stands at root in an object, "spec.template"
// in a Deployment.
func (v Violation) Within(root string) string {
	who := ""
	if v.Container.Kind != 0 {
		who = fmt.Sprintf(" (%s %q)", v.Container.Kind, v.Container.Name)
	} else if v.Volume != "" {
		who = fmt.Sprintf(" (volume %q)", v.Volume)
	}
	return fmt.Sprintf("%s%s is %s, must be %s [%s]", oneLine(v.Location.Within(root)), who, v.ValueString(), v.Want, v.CheckOrRule())
}

// oneLine quotes a path that would break the line, as the key of an annotation
// may that API validation has not seen.
func oneLine(path string) string {
	if strings.ContainsFunc(path, unicode.IsControl) {
		return strconv.Quote(path)
	}
	return path
}

// CheckOrRule is the ID of the broken check, or the policy's rule.
func (v Violation) CheckOrRule() string {
	if v.Check == 0 {
		return v.Rule.String()
	}
	return v.Check.String()
}

// FieldError is the violation as apimachinery's validation words it: Required
// for an unset field, Invalid for one that is set. root is nil for a pod.
func (v Violation) FieldError(root *field.Path) *field.Error {
	detail := "must be " + v.Want + " [" + v.CheckOrRule() + "]"
	if v.Value == nil {
		return field.Required(v.FieldPath(root), detail)
	}
	return field.Invalid(v.FieldPath(root), v.Value, detail)
}

// violationJSON is the JSON form of a Violation, its derived parts included.
type violationJSON struct {
	Check     string         `json:"check,omitempty"`
	Rule      string         `json:"rule,omitempty"`
	Control   string         `json:"control,omitempty"`
	Level     api.Level      `json:"level,omitempty"`
	Demanded  string         `json:"demandedBy"`
	Container *containerJSON `json:"container,omitempty"`
	Volume    string         `json:"volume,omitempty"`
	Field     string         `json:"field"`
	Value     any            `json:"value"`
	Want      string         `json:"want"`
	Grant     string         `json:"grant,omitempty"`
}

type containerJSON struct {
	Kind  string `json:"kind"`
	Index int    `json:"index"`
	Name  string `json:"name"`
}

// MarshalJSON renders the violation with its field path, and "unset" for a
// value that is missing. demandedBy is "standard" or "policy".
func (v Violation) MarshalJSON() ([]byte, error) { return json.Marshal(v.json("")) }

// JSON is the violation's JSON form for a pod that stands at root in an object.
func (v Violation) JSON(root string) any { return v.json(root) }

func (v Violation) json(root string) violationJSON {
	j := violationJSON{
		Check:    v.Check.String(),
		Rule:     v.Rule.String(),
		Control:  v.Control(),
		Level:    v.Level(),
		Demanded: "standard",
		Volume:   v.Volume,
		Field:    v.Location.Within(root),
		Value:    v.Value,
		Want:     v.Want,
		Grant:    v.Grant.String(),
	}
	if v.Check == 0 {
		j.Demanded = "policy"
	}
	if v.Value == nil {
		j.Value = "unset"
	}
	if v.Container.Kind != 0 {
		j.Container = &containerJSON{v.Container.Kind.List(), v.Container.Index, v.Container.Name}
	}
	return j
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

// ErrorList is the violations as apimachinery's validation errors, with paths
// below root; nil is the pod itself.
func (r Result) ErrorList(root *field.Path) field.ErrorList {
	var list field.ErrorList
	for i := range r.Violations {
		list = append(list, r.Violations[i].FieldError(root))
	}
	return list
}

type resultJSON struct {
	Allowed    bool        `json:"allowed"`
	Level      api.Level   `json:"level"`
	Version    string      `json:"version"`
	Policy     string      `json:"policy,omitempty"`
	Message    string      `json:"message,omitempty"`
	Violations []Violation `json:"violations,omitempty"`
	Excused    []Violation `json:"excused,omitempty"`
}

// MarshalJSON renders the answer with its message and the name of the policy.
func (r Result) MarshalJSON() ([]byte, error) {
	return json.Marshal(resultJSON{
		Allowed:    r.Allowed(),
		Level:      r.Level.Level,
		Version:    r.Level.Version.String(),
		Policy:     r.PolicyName(),
		Message:    r.Message(),
		Violations: r.Violations,
		Excused:    r.Excused,
	})
}
