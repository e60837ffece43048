package survey

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// finding is a violation as it stands in any number of pods. The path of its field begins at the pod.
type finding struct {
	evaluate.ViolationRecord
	// text is the violation on one line, is its value, hint what the value was probably meant to be.
	text, is, hint string
	// order tells it from every other finding.
	order string
	check spec.CheckID
	rule  policy.Key
}

// findingKey tells findings apart.
type findingKey struct {
	check   spec.CheckID
	rule    policy.Key
	at      spec.Location
	volume  string
	value   string
	want    string
	set     spec.Default
	facts   spec.Facts
	sources spec.VolumeSet
}

// keyOf is the key of a violation. The volume of a token has another name in every pod.
func keyOf(v *evaluate.Violation) findingKey {
	k := findingKey{v.Check, v.Rule, v.Location, v.Volume, v.ValueString(), v.Want, v.Default, v.Facts, v.Sources}
	if spec.IsTokenVolume(k.volume) {
		k.volume = spec.TokenVolume
	}
	return k
}

// clone is the key without the memory of the document that it was found in.
func (k findingKey) clone() findingKey {
	k.at.Container.Name, k.at.Key = strings.Clone(k.at.Container.Name), strings.Clone(k.at.Key)
	k.volume, k.value, k.want = strings.Clone(k.volume), strings.Clone(k.value), strings.Clone(k.want)
	return k
}

// catalogue has every finding once.
type catalogue struct {
	byKey map[findingKey]*finding
	// byText finds those that differ in their key alone, and not in anything that is said of them.
	byText map[string]*finding
}

// add is the finding of a violation with a key that is new.
func (c *catalogue) add(v evaluate.Violation, k findingKey) *finding {
	k = k.clone()
	v.Location, v.Volume = k.at, k.volume
	if s, ok := v.Value.(string); ok {
		v.Value = strings.Clone(s)
	}
	f := &finding{ViolationRecord: v.Record(), text: v.String(), is: v.ValueString(), hint: v.Hint(), check: v.Check, rule: v.Rule}
	said, err := json.Marshal(f.ViolationRecord)
	if err != nil { // a value that JSON does not have, of which there is none
		said = []byte(f.text)
	}
	f.order = f.text + "\x00" + string(said)
	if same := c.byText[f.order]; same != nil {
		f = same
	}
	c.byText[f.order], c.byKey[k] = f, f
	return f
}

// broken are the checks and rules that are violated.
type broken struct {
	checks spec.CheckSet
	rules  map[policy.Key]bool
}

func (b *broken) add(v *evaluate.Violation) {
	if v.FromStandard() {
		b.checks = b.checks.With(v.Check)
		return
	}
	if b.rules == nil {
		b.rules = map[policy.Key]bool{}
	}
	b.rules[v.Rule] = true
}

func (b *broken) merge(other broken) {
	b.checks |= other.checks
	if len(other.rules) > 0 && b.rules == nil {
		b.rules = map[policy.Key]bool{}
	}
	maps.Copy(b.rules, other.rules)
}

func (b *broken) any() bool { return b.checks != 0 || len(b.rules) > 0 }
