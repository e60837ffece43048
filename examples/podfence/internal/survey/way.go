package survey

import (
	"iter"

	"k8s.io/pod-security-admission/api"
)

// Way is how workloads are held against a level.
type Way uint8

// The ways, each a step further than the one before it.
const (
	// AsIs: as the workload is, as Pod Security Admission would judge it.
	AsIs Way = iota
	// Filled: its unset fields are filled in first, as by the default policy.
	Filled
	// UnderPolicies: the policy that governs it fills it in, and excuses what it grants.
	UnderPolicies
	ways
)

// rank is a level at which something can be denied, in order of strictness.
type rank uint8

const (
	baseline rank = iota
	restricted
	ranks
)

var levelOf = [ranks]api.Level{api.LevelBaseline, api.LevelRestricted}

// question is a way and a level, of which there are six.
type question struct {
	way  Way
	rank rank
}

// questions are all of them, in order.
func questions() iter.Seq[question] {
	return func(yield func(question) bool) {
		for w := range ways {
			for r := range ranks {
				if !yield(question{w, r}) {
					return
				}
			}
		}
	}
}

// answers is a set of questions: those to which the answer is yes.
type answers uint8

func (q question) bit() answers           { return 1 << (uint8(q.way)*uint8(ranks) + uint8(q.rank)) }
func (a answers) has(q question) bool     { return a&q.bit() != 0 }
func (a answers) with(q question) answers { return a | q.bit() }
func (a answers) at(w Way) (l []api.Level) {
	l = []api.Level{}
	for r := range ranks {
		if a.has(question{w, r}) {
			l = append(l, levelOf[r])
		}
	}
	return l
}
