// Package governing holds the one rule by which one of several policies that
// select a pod comes to govern it, as under PodSecurityPolicy: the first, in
// order of name, under which the pod is allowed and needs no change; else the
// first under which it is allowed; else the one that leaves the fewest
// violations. Each policy is tried alone, for grants of two never add up.
//
// A pod with a user namespace of its own is the exception to "each alone": where
// policies that require one select it, it is theirs; see [Among].
//
// Everything that names a governing policy asks here: Evaluate, Admit, and what
// is built on them.
package governing

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
)

// Among returns those of the policies that select a pod which are tried, in the
// same order and in the same memory. All are, unless the pod says hostUsers: false
// and one of them requires that: then only those that require it are.
//
// From v1.35 on the standard leaves the user of such a pod free, so that what one
// policy fills in would let the pod be under another that did not ask for it: the
// filled pod would have another policy than the one that filled it.
func Among(candidates []*policy.Policy, pod *corev1.PodSpec) []*policy.Policy {
	if len(candidates) < 2 || pod.HostUsers == nil || *pod.HostUsers {
		return candidates
	}
	if !slices.ContainsFunc(candidates, requires) {
		return candidates
	}
	return slices.DeleteFunc(candidates, func(p *policy.Policy) bool { return !requires(p) })
}

func requires(p *policy.Policy) bool { return p.Allow.RequiresUserNamespace() }

// Choice is the choice so far. The zero Choice has seen no policy.
type Choice struct {
	tried bool
	rank  int
}

// Try holds one more policy, in order of name, against those before it, by what
// it leaves of the pod. best reports whether it is the choice now, final whether
// it stays that whatever follows.
func (c *Choice) Try(violations int, unchanged bool) (best, final bool) {
	rank := rankOf(violations, unchanged)
	if best = !c.tried || rank < c.rank; best {
		c.rank = rank
	}
	c.tried = true
	return best, rank == 0
}

// rankOf orders outcomes, the best first: allowed as it is, allowed once it is
// filled in, and then by the number of violations.
func rankOf(violations int, unchanged bool) int {
	if violations == 0 && unchanged {
		return 0
	}
	return 1 + violations
}
