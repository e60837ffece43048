package author

import (
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Relation is how the pods that a new policy allows relate to those that an old
// one does.
type Relation string

// The relations.
const (
	// Equal: both allow the same pods.
	Equal Relation = "equal"
	// Narrower: the new one allows no pod that the old one denies, and denies some
	// that it allows.
	Narrower Relation = "narrower"
	// Wider: the new one allows a pod that the old one denies, and denies none that
	// it allows.
	Wider Relation = "wider"
	// Incomparable: each allows a pod that the other denies.
	Incomparable Relation = "incomparable"
	// Undecided: none of these is proven. The policies differ in a key that is not
	// compared, or in one for which no pod was found that shows the difference.
	Undecided Relation = "undecided"
)

// Direction is which way a difference goes, from the old policy to the new one.
type Direction string

// The directions.
const (
	// Widens: the new policy allows a pod that the old one denies.
	Widens Direction = "widens"
	// Narrows: the new policy denies a pod that the old one allows.
	Narrows Direction = "narrows"
	// MayWiden and MayNarrow are the same where no pod was found that shows it.
	MayWiden  Direction = "mayWiden"
	MayNarrow Direction = "mayNarrow"
	// NotCompared: what stands under the key is not known here, and may go either way.
	NotCompared Direction = "notCompared"
)

// PolicyDifference is one thing that one of two policies allows and the other does not.
type PolicyDifference struct {
	// Key is where the policies differ: allow.allowedCapabilities. It is the key that
	// lets the thing be or, where that is a rule's doing, the key of the rule.
	Key string `json:"key"`
	// Direction is the way that it goes.
	Direction Direction `json:"direction"`
	// Subject and Value say what it is: "a container that adds the capability", and
	// "SYS_TIME". Value may be empty.
	Subject string `json:"subject"`
	Value   string `json:"value,omitempty"`
	// Old and New are what the policies say under the key, as JSON has it; nil for
	// nothing.
	Old any `json:"old"`
	New any `json:"new"`
	// Witness is a pod that the one policy allows and the other denies. Nil where
	// none was found, or nothing was compared.
	Witness *Witness `json:"witness,omitempty"`
	// CoveredBy is another policy of the old set that allows the witness, for
	// [CompareSets]; empty for none.
	CoveredBy string `json:"coveredBy,omitempty"`
	// RefusedBy is another policy of the new set that denies the witness all the same,
	// for [CompareSets]; empty for none.
	RefusedBy string `json:"refusedBy,omitempty"`
}

// Widening reports whether the new policy allows more here, or may do so.
func (d *PolicyDifference) Widening() bool {
	return d.Direction == Widens || d.Direction == MayWiden || d.Direction == NotCompared
}

// Text says what it is: "a container that adds the capability SYS_TIME".
func (d *PolicyDifference) Text() string {
	return strings.TrimSuffix(d.Subject+" "+d.Value, " ")
}

// Comparison is the answer of [Compare].
type Comparison struct {
	// Level is the level and version that was asked about, after spec.Normalize.
	Level api.LevelVersion `json:"-"`
	// Relation is how the new policy relates to the old one.
	Relation Relation `json:"relation"`
	// Differences are why: what widens, then what narrows, then what is not
	// compared, each in the order of the format.
	Differences []PolicyDifference `json:"differences"`
	// Fills are the values that are filled in otherwise. They have no say in Relation.
	Fills []FillDifference `json:"fills"`
}

// MayAllowMore reports whether the new policy allows a pod that the old one
// denies, or that could not be ruled out. Where it is false, no pod is allowed that
// was not.
func (c *Comparison) MayAllowMore() bool {
	for i := range c.Differences {
		if c.Differences[i].Widening() {
			return true
		}
	}
	return false
}

// Compare says how the pods that a new policy allows relate to those that an old
// one does, at a level and version. A nil policy is policy.Default().
//
// A policy allows a pod that podfence.Admit would allow if that policy alone
// governed it: once its unset fields are filled in by that policy, and as the API
// server would store it. So the answer is about what can come to run and not about
// what stands in manifests: that one policy fills in a field and the other leaves it
// to be excused makes no difference in itself, and is told apart, in Fills. Which
// pods the policies select plays no part either; see policy.CompareSelectors.
//
// The pods are those that API validation accepts as far as the values go: a volume
// has one source, of a type that this build knows, ports and IDs lie in their
// ranges, a hostPath has a type of the API, and a /proc mount too. Ephemeral containers have neither ports
// nor probes, init containers no probes, and Windows pods neither user IDs nor a /proc.
// Mirror pods, in which nothing is filled in, are pods too.
//
// Laws, for all such pods and all valid policies:
//
//  1. what is not said to widen does not: where MayAllowMore is false, no pod is
//     allowed by the new policy and denied by the old one [TestNotWiderIsSound,
//     TestExhaustivePairsOfGrants];
//  2. a witness shows what it is said to show [TestWitnessesShow];
//  3. the answer to the question turned round is the answer turned round
//     [TestCompareIsAntisymmetric].
//
// Both are asked about on a day on which neither has expired. That one grants for longer
// is told under its key expires, and no pod shows that: on a day on which both grant, each
// allows what the other does. What entries for single containers grant is compared; where
// they have other rules or fill in otherwise, that is not. All other differences have
// witnesses [TestWitnessesShow, TestExhaustiveWitnesses], but for some of policies with
// entries: where several of them match each container that would show it, or have rules
// over the users and groups of these.
//
// At level privileged all policies are equal: nothing is looked at.
func Compare(old, new *policy.Policy, lv api.LevelVersion) Comparison {
	c := comparer{lv: spec.Normalize(lv), old: orDefault(old), new: orDefault(new)}
	answer := Comparison{Level: c.lv, Relation: Equal, Differences: []PolicyDifference{}, Fills: []FillDifference{}}
	if c.lv.Level == api.LevelPrivileged || saySame(c.old, c.new) {
		return answer
	}
	c.wider = c.gaps(c.new, c.old)
	c.narrower = c.gaps(c.old, c.new)
	answer.Differences = c.differences()
	answer.Relation = relationOf(answer.Differences)
	answer.Fills = fillDifferences(c.old, c.new)
	return answer
}

func orDefault(p *policy.Policy) *policy.Policy {
	if p == nil {
		return policy.Default()
	}
	return p
}

// comparer holds two policies against each other.
type comparer struct {
	lv       api.LevelVersion
	old, new *policy.Policy
	// wider is what the new policy lets be and the old one does not, and narrower
	// the other way round.
	wider, narrower []gap
	// saidOld and saidNew are what the policies say under their keys.
	saidOld, saidNew any
}

// gaps are what one policy lets be and the other does not. None: each pod that
// the first allows is allowed by the other.
func (c *comparer) gaps(by, against *policy.Policy) (all []gap) {
	q := question{lv: c.lv, by: by, against: against}
	q.all()
	q.expiry()
	return q.found
}

// differences are the gaps of both sides with their witnesses, and what is not
// compared.
func (c *comparer) differences() []PolicyDifference {
	list := []PolicyDifference{}
	c.saidOld, c.saidNew = written(c.old), written(c.new)
	for i := range c.wider {
		list = append(list, c.difference(&c.wider[i], c.new, c.old, Widens, MayWiden))
	}
	for i := range c.narrower {
		list = append(list, c.difference(&c.narrower[i], c.old, c.new, Narrows, MayNarrow))
	}
	for _, key := range notCompared(c.old, c.new) {
		list = append(list, PolicyDifference{
			Key: key, Direction: NotCompared, Subject: "what this build does not know how to compare",
			Old: valueAt(c.saidOld, key), New: valueAt(c.saidNew, key),
		})
	}
	return list
}

func (c *comparer) difference(o *gap, by, against *policy.Policy, shown, supposed Direction) PolicyDifference {
	d := PolicyDifference{
		Key: o.at, Direction: supposed, Subject: o.subject, Value: o.value,
		Old: valueAt(c.saidOld, o.at), New: valueAt(c.saidNew, o.atOther),
	}
	if by == c.new {
		d.Old, d.New = valueAt(c.saidOld, o.atOther), valueAt(c.saidNew, o.at)
	}
	if d.Witness = witnessOf(o, by, against, c.lv); d.Witness != nil {
		d.Direction = shown
	}
	return d
}

// relationOf is the relation that differences prove.
func relationOf(differences []PolicyDifference) Relation {
	counts := map[Direction]int{}
	for i := range differences {
		counts[differences[i].Direction]++
	}
	mayWiden := counts[Widens]+counts[MayWiden]+counts[NotCompared] > 0
	mayNarrow := counts[Narrows]+counts[MayNarrow]+counts[NotCompared] > 0
	switch {
	case !mayWiden && !mayNarrow:
		return Equal
	case counts[Widens] > 0 && counts[Narrows] > 0:
		return Incomparable
	case counts[Widens] > 0 && !mayNarrow:
		return Wider
	case counts[Narrows] > 0 && !mayWiden:
		return Narrower
	default:
		return Undecided
	}
}
