package evaluate

import (
	"encoding/json"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// ResultRecord is the JSON form of a [Result]. Every key is always there, but for what
// the governing policy says of itself, and notices.
type ResultRecord struct {
	Allowed bool      `json:"allowed"`
	Level   api.Level `json:"level"`
	Version string    `json:"version"`
	// Message is in the words of Pod Security Admission, empty when allowed.
	Message string `json:"message"`
	// Policy is the name of the governing policy, empty for none.
	Policy string `json:"policy"`
	// PolicyReason, PolicyOwner and PolicyExpires are what it says of itself.
	PolicyReason  string            `json:"policyReason,omitempty"`
	PolicyOwner   string            `json:"policyOwner,omitempty"`
	PolicyExpires string            `json:"policyExpires,omitempty"`
	Violations    []ViolationRecord `json:"violations"`
	Excused       []ViolationRecord `json:"excused"`
	// Notices are about policies that do not speak as they are written.
	Notices []policy.Notice `json:"notices,omitempty"`
}

// ViolationRecord is the JSON form of a [Violation], its derived parts included.
type ViolationRecord struct {
	Check   string    `json:"check,omitempty"`
	Rule    string    `json:"rule,omitempty"`
	Control string    `json:"control,omitempty"`
	Level   api.Level `json:"level,omitempty"`
	// DemandedBy is "standard" or "policy".
	DemandedBy string           `json:"demandedBy"`
	Container  *ContainerRecord `json:"container,omitempty"`
	Volume     string           `json:"volume,omitempty"`
	Field      string           `json:"field"`
	Pointer    string           `json:"pointer"`
	// Value is "unset" where the field has none.
	Value any    `json:"value"`
	Want  string `json:"want"`
	// Default says who set the field, where the pod's author did not.
	Default string `json:"default,omitempty"`
	// Grant is the entry of the policy that excuses the violation.
	Grant string `json:"grant,omitempty"`
	// Grants are the smallest grants that would excuse it, where none does.
	Grants []policy.Grant `json:"grants,omitempty"`
}

// ContainerRecord is the JSON form of a container's place in its pod.
type ContainerRecord struct {
	// Kind is the field of the spec that lists the container: "initContainers".
	Kind  string `json:"kind"`
	Index int32  `json:"index"`
	Name  string `json:"name"`
}

// Record renders the answer as the library and the command print it.
func (r Result) Record() ResultRecord {
	record := ResultRecord{
		Allowed:    r.Allowed(),
		Level:      r.Level.Level,
		Version:    r.Level.Version.String(),
		Message:    r.Message(),
		Policy:     r.PolicyName(),
		Violations: records(r.Violations),
		Excused:    records(r.Excused),
		Notices:    r.Notices,
	}
	if p := r.Policy; p != nil {
		record.PolicyReason, record.PolicyOwner, record.PolicyExpires = p.Reason, p.Owner, p.Expires
	}
	return record
}

// MarshalJSON renders the answer's [ResultRecord].
func (r Result) MarshalJSON() ([]byte, error) { return json.Marshal(r.Record()) }

func records(vs []Violation) []ViolationRecord {
	list := make([]ViolationRecord, len(vs))
	for i := range vs {
		list[i] = vs[i].Record()
	}
	return list
}

// Record renders the violation with its path and JSON pointer.
func (v Violation) Record() ViolationRecord {
	r := ViolationRecord{
		Check:      v.Check.String(),
		Rule:       v.Rule.String(),
		Control:    v.Control(),
		Level:      v.Level(),
		DemandedBy: "standard",
		Volume:     v.Volume,
		Field:      v.Location.String(),
		Pointer:    v.Pointer(),
		Value:      v.Value,
		Want:       v.Want,
		Default:    v.Default.String(),
		Grant:      v.ExcusedBy.String(),
	}
	if v.Check == 0 {
		r.DemandedBy = "policy"
	}
	if v.ExcusedBy == (policy.Entry{}) {
		r.Grants = v.Grants()
	}
	if v.Value == nil {
		r.Value = "unset"
	}
	if v.Container != (spec.Container{}) {
		r.Container = &ContainerRecord{v.Container.Kind.List(), v.Container.Index, v.Container.Name}
	}
	return r
}

// MarshalJSON renders the violation's [ViolationRecord].
func (v Violation) MarshalJSON() ([]byte, error) { return json.Marshal(v.Record()) }
