package author

import (
	"encoding/json"

	"github.com/podfence/podfence/policy"
)

// PolicyUseRecord is the JSON form of a [PolicyUse]. Every key is always there.
type PolicyUseRecord struct {
	Policy policy.Reference `json:"policy"`
	Pods   int              `json:"pods"`
	Denied int              `json:"denied"`
	// Expired: the policy grants nothing any more.
	Expired bool             `json:"expired"`
	Owners  []OwnerUseRecord `json:"owners"`
	// Entries are the grants, and those of them that nothing uses have no pods.
	Entries []EntryUseRecord `json:"entries"`
	// Narrower is the narrower policy as the format has it, null for none.
	Narrower any            `json:"narrower"`
	Filled   []ReasonRecord `json:"filled"`
}

// OwnerUseRecord is the JSON form of an [OwnerUse].
type OwnerUseRecord struct {
	Owner  Reference `json:"owner"`
	Pods   int       `json:"pods"`
	Denied int       `json:"denied"`
}

// EntryUseRecord is the JSON form of an [EntryUse].
type EntryUseRecord struct {
	Entry   policy.Entry   `json:"entry"`
	Grant   policy.Grant   `json:"grant"`
	Pods    int            `json:"pods"`
	Reasons []ReasonRecord `json:"reasons"`
}

// Record renders what is used of a policy as the library and the command print it.
func (p PolicyUse) Record() PolicyUseRecord {
	r := PolicyUseRecord{
		Policy: p.Policy.Reference(), Expired: p.Expired, Owners: records(p.Owners, func(o *OwnerUse) OwnerUseRecord { return OwnerUseRecord(*o) }),
		Entries: records(p.Entries, (*EntryUse).record), Filled: records(p.Filled, (*Reason).record),
	}
	r.Pods, r.Denied = p.Pods()
	if p.Narrower != nil {
		r.Narrower = p.Narrower
	}
	return r
}

// MarshalJSON renders the [PolicyUseRecord].
func (p PolicyUse) MarshalJSON() ([]byte, error) { return json.Marshal(p.Record()) }

func (e *EntryUse) record() EntryUseRecord {
	return EntryUseRecord{e.At, e.Grant, e.Pods, records(e.Reasons, (*Reason).record)}
}
