package author

import (
	"encoding/json"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// The records are the JSON form of a [Suggestion]. Every key is always there, but for
// those of a reason.

// SuggestionRecord is the JSON form of a [Suggestion].
type SuggestionRecord struct {
	Level     string            `json:"level"`
	Version   string            `json:"version"`
	Workloads int               `json:"workloads"`
	Allowed   int               `json:"allowed"`
	Remarks   []RemarkRecord    `json:"remarks"`
	Unmet     []UnmetRecord     `json:"unmet"`
	Policies  []SuggestedRecord `json:"policies"`
	Proof     ProofRecord       `json:"proof"`
}

// SuggestedRecord is the JSON form of a [Suggested].
type SuggestedRecord struct {
	// Policy is the policy as the format has it.
	Policy   any              `json:"policy"`
	Governs  []Reference      `json:"governs"`
	Others   []Reference      `json:"others"`
	Grants   []GrantRecord    `json:"grants"`
	Unpinned []UnpinnedRecord `json:"unpinned"`
}

// GrantRecord is the JSON form of a [Grant].
type GrantRecord struct {
	Entry   policy.Entry   `json:"entry"`
	Grant   string         `json:"grant"`
	Reasons []ReasonRecord `json:"reasons"`
}

// ReasonRecord is the JSON form of a [Reason].
type ReasonRecord struct {
	Workloads []Reference               `json:"workloads"`
	Container *evaluate.ContainerRecord `json:"container,omitempty"`
	Volume    string                    `json:"volume,omitempty"`
	Field     string                    `json:"field"`
	Value     any                       `json:"value"`
}

// UnpinnedRecord is the JSON form of an [Unpinned].
type UnpinnedRecord struct {
	Key       policy.Key                `json:"key"`
	Workload  Reference                 `json:"workload"`
	Container *evaluate.ContainerRecord `json:"container,omitempty"`
}

// RemarkRecord is the JSON form of a [Remark].
type RemarkRecord struct {
	Kind    RemarkKind   `json:"kind"`
	Key     policy.Key   `json:"key"`
	Reason  ReasonRecord `json:"reason"`
	Service string       `json:"service,omitempty"`
	Text    string       `json:"text"`
}

// UnmetRecord is the JSON form of an [Unmet].
type UnmetRecord struct {
	Workload Reference      `json:"workload"`
	Reason   UnmetReason    `json:"reason"`
	Text     string         `json:"text"`
	Fields   []ReasonRecord `json:"fields"`
}

// ProofRecord is the JSON form of a [Proof].
type ProofRecord struct {
	Text     string       `json:"text"`
	Admitted int          `json:"admitted"`
	Denied   []Reference  `json:"denied"`
	Steps    []StepRecord `json:"steps"`
}

// StepRecord is the JSON form of a [Step].
type StepRecord struct {
	Policy  string    `json:"policy"`
	Change  string    `json:"change"`
	Refuses Reference `json:"refuses"`
}

// records are the JSON forms of some values, an empty list for none.
func records[T, R any](list []T, of func(*T) R) []R {
	all := make([]R, len(list))
	for i := range list {
		all[i] = of(&list[i])
	}
	return all
}

func itself[T any](value *T) T { return *value }

// Record renders the suggestion as the library and the command print it.
func (s Suggestion) Record() SuggestionRecord {
	return SuggestionRecord{
		Level: string(s.Level.Level), Version: s.Level.Version.String(), Workloads: s.Workloads, Allowed: s.Allowed,
		Remarks: records(s.Remarks, (*Remark).record), Unmet: records(s.Unmet, (*Unmet).record),
		Policies: records(s.Policies, (*Suggested).record),
		Proof: ProofRecord{
			Text: s.Proof.String(), Admitted: s.Proof.Admitted, Denied: records(s.Proof.Denied, itself),
			Steps: records(s.Proof.Steps, func(s *Step) StepRecord { return StepRecord(*s) }),
		},
	}
}

// MarshalJSON renders the suggestion's [SuggestionRecord].
func (s Suggestion) MarshalJSON() ([]byte, error) { return json.Marshal(s.Record()) }

// containerOf is a container as JSON has it, nil for the pod itself.
func containerOf(c spec.Container) *evaluate.ContainerRecord {
	if c.Kind == 0 {
		return nil
	}
	return &evaluate.ContainerRecord{Kind: c.Kind.List(), Index: c.Index, Name: c.Name}
}

func (s *Suggested) record() SuggestedRecord {
	return SuggestedRecord{
		Policy: s.Policy, Governs: records(s.Governs, itself), Others: records(s.Others, itself),
		Grants: records(s.Grants, (*Grant).record), Unpinned: records(s.Unpinned, (*Unpinned).record),
	}
}

func (g *Grant) record() GrantRecord {
	return GrantRecord{g.Entry, g.Text, records(g.Reasons, (*Reason).record)}
}

func (r *Reason) record() ReasonRecord {
	record := ReasonRecord{Workloads: records(r.Workloads, itself), Container: containerOf(r.Container), Volume: r.Volume, Field: r.Location.String(), Value: r.Value}
	if r.Value == nil {
		record.Value = "unset"
	}
	return record
}

func (u *Unpinned) record() UnpinnedRecord {
	return UnpinnedRecord{u.Key, u.Workload, containerOf(u.Container)}
}

func (r *Remark) record() RemarkRecord {
	return RemarkRecord{r.Kind, r.Key, r.Reason.record(), r.Service, r.Text()}
}

func (u *Unmet) record() UnmetRecord {
	return UnmetRecord{u.Workload, u.Reason, u.Reason.String(), records(u.Fields, (*Reason).record)}
}
