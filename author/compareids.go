package author

import (
	"cmp"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// allIDs are all that there are.
var allIDs = []policy.IDRange{{Min: 0, Max: policy.MaxID}}

// minus are the parts of ranges that lie outside of others, in order and apart.
func minus(ranges, others []policy.IDRange) (left []policy.IDRange) {
	left, others = joined(ranges), joined(others)
	for _, o := range others {
		var rest []policy.IDRange
		for _, r := range left {
			if o.Max < r.Min || o.Min > r.Max {
				rest = append(rest, r)
				continue
			}
			if r.Min < o.Min {
				rest = append(rest, policy.IDRange{Min: r.Min, Max: o.Min - 1})
			}
			if r.Max > o.Max {
				rest = append(rest, policy.IDRange{Min: o.Max + 1, Max: r.Max})
			}
		}
		left = rest
	}
	return left
}

// joined are ranges in order, those that touch made one.
func joined(ranges []policy.IDRange) (list []policy.IDRange) {
	ranges = slices.SortedFunc(slices.Values(ranges), func(a, b policy.IDRange) int { return cmp.Compare(a.Min, b.Min) })
	for _, r := range ranges {
		if last := len(list) - 1; last >= 0 && r.Min <= list[last].Max+1 {
			list[last].Max = max(list[last].Max, r.Max)
			continue
		}
		list = append(list, r)
	}
	return list
}

// rangeText renders a range: "400", "400 to 499".
func rangeText(r policy.IDRange) string {
	if r.Min == r.Max {
		return strconv.FormatInt(r.Min, 10)
	}
	return strconv.FormatInt(r.Min, 10) + " to " + strconv.FormatInt(r.Max, 10)
}

// users asks about the users of containers, which three things decide: whether root
// is excused, which IDs a rule demands, and whether what is filled in is root.
func (q *question) users() {
	by, against := &q.by.Allow.RunAsUser, &q.against.Allow.RunAsUser
	if against.Rule == policy.RunAsAny {
		return
	}
	q.root()
	if against.Rule != policy.MustRunAs {
		return
	}
	beyond := minus(q.userIDs(q.by), against.Ranges)
	for _, r := range beyond {
		q.add(policy.KeyRunAsUser, "a container that runs as user ID", rangeText(r), runningAs(r.Min))
	}
	if by.Rule != policy.MustRunAs && len(beyond) == 0 {
		q.unfilled(policy.KeyRunAsUser, "user ID", onContext(func(sc *corev1.SecurityContext) { sc.RunAsUser = nil }))
	}
}

func rootChecks() spec.CheckSet { return spec.Checks(spec.CheckRunAsNonRoot, spec.CheckRunAsUser) }

// root asks whether a container may be root that may not be under the other policy.
func (q *question) root() {
	checks := rootChecks()
	root := policy.Fault{Field: spec.FieldRunAsNonRoot, Facts: spec.RootUser}
	_, opens := q.fault(checks, root)
	maybeRoot := onContext(func(sc *corev1.SecurityContext) { sc.RunAsNonRoot = pointTo(false) })
	switch {
	case q.inForce(checks) == 0:
		return
	case q.frees(q.against, checks):
		// What is left are Windows pods, in which nobody has a user ID.
		if q.by.Allow.RunAsUser.Rule == policy.RunAsAny {
			q.add(policy.KeyRunAsUser, "a container of a Windows pod with runAsNonRoot: false", "", onWindows(maybeRoot))
		}
		return
	case opens:
		q.add(policy.KeyRunAsUser, "a container that runs as root, user ID", "0", runningAs(0))
		return
	}
	// Both deny root, or excuse it for user ID 0 at least.
	switch {
	case q.by.Allow.RunAsUser.Rule == policy.RunAsAny:
		other := onContext(func(sc *corev1.SecurityContext) {
			sc.RunAsNonRoot, sc.RunAsUser = pointTo(false), pointTo(otherThanRoot(q.against.Allow.RunAsUser.Ranges))
		})
		q.add(policy.KeyRunAsUser, "a container with runAsNonRoot: false, whatever its user ID", "", maybeRoot, other, onWindows(maybeRoot))
	case fillsRoot(q.by) && !fillsRoot(q.against):
		q.add(policy.KeyRunAsUser, "a container with runAsNonRoot: false and no user ID, for which 0 is filled in", "", maybeRoot)
	}
}

// otherThanRoot is an ID of the ranges that is not 0, or any.
func otherThanRoot(ranges []policy.IDRange) int64 {
	for _, r := range ranges {
		if r.Max > 0 {
			return max(r.Min, 1)
		}
	}
	return 1
}

// fillsRoot reports whether a rule that excuses root for those that are gets a
// container without a user ID that of root.
func fillsRoot(p *policy.Policy) bool {
	id, ok := p.UserFill(false)
	return ok && id == 0 && p.Allow.RunAsUser.Rule == policy.MustRunAs
}

// userIDs are those that a policy lets containers run as.
func (q *question) userIDs(p *policy.Policy) []policy.IDRange {
	switch rule := &p.Allow.RunAsUser; {
	case rule.Rule == policy.MustRunAs:
		return rule.Ranges
	case rule.Rule != policy.RunAsAny && !q.frees(p, rootChecks()):
		return []policy.IDRange{{Min: 1, Max: policy.MaxID}}
	default:
		return allIDs
	}
}

// groups asks about the three kinds of groups, and about those of the image.
func (q *question) groups() {
	for _, g := range groupRules() {
		q.groupRule(g)
	}
	if q.against.Allow.SupplementalGroups.IsStrict() && !q.by.Allow.SupplementalGroups.IsStrict() {
		q.add(policy.KeySupplementalGroups, "a pod to whose groups the image adds more (supplementalGroupsPolicy: Merge)", "",
			onPodContext(func(sc *corev1.PodSecurityContext) {
				sc.SupplementalGroupsPolicy = pointTo(corev1.SupplementalGroupsPolicyMerge)
			}))
	}
}

// groupRules are the kinds of groups that policies rule over.
func groupRules() []groupsRuledOver {
	return []groupsRuledOver{
		{
			key: policy.KeyRunAsGroup, rule: func(p *policy.Policy) *policy.GroupRule { return &p.Allow.RunAsGroup },
			fills:   func(p *policy.Policy) bool { _, ok := p.GroupFill(); return ok },
			subject: "a container that runs as group ID", what: "group ID",
			set:   func(id int64) podEdit { return onContext(func(sc *corev1.SecurityContext) { sc.RunAsGroup = &id }) },
			unset: onContext(func(sc *corev1.SecurityContext) { sc.RunAsGroup = nil }),
		},
		{
			key: policy.KeyFSGroup, rule: func(p *policy.Policy) *policy.GroupRule { return &p.Allow.FSGroup },
			fills:   func(p *policy.Policy) bool { _, ok := p.FSGroupFill(); return ok },
			subject: "a pod with fsGroup", what: "fsGroup",
			set:   func(id int64) podEdit { return onPodContext(func(sc *corev1.PodSecurityContext) { sc.FSGroup = &id }) },
			unset: onPodContext(func(sc *corev1.PodSecurityContext) { sc.FSGroup = nil }),
		},
		{
			key: policy.KeySupplementalGroups, rule: func(p *policy.Policy) *policy.GroupRule { return &p.Allow.SupplementalGroups.GroupRule },
			fills:   (*policy.Policy).FillsSupplementalGroups,
			subject: "a pod with the supplemental group", what: "supplemental group",
			set: func(id int64) podEdit {
				return onPodContext(func(sc *corev1.PodSecurityContext) { sc.SupplementalGroups = []int64{id} })
			},
			unset: onPodContext(func(sc *corev1.PodSecurityContext) { sc.SupplementalGroups = nil }),
		},
	}
}

// groupsRuledOver is one kind of groups, and how a pod sets one.
type groupsRuledOver struct {
	key           policy.Key
	rule          func(*policy.Policy) *policy.GroupRule
	fills         func(*policy.Policy) bool
	subject, what string
	set           func(id int64) podEdit
	unset         podEdit
}

func (q *question) groupRule(g groupsRuledOver) {
	by, against := g.rule(q.by), g.rule(q.against)
	if against.Rule != policy.MustRunAs && against.Rule != policy.MayRunAs {
		return
	}
	may := by.Ranges
	if by.Rule != policy.MustRunAs && by.Rule != policy.MayRunAs {
		may = allIDs
	}
	beyond := minus(may, against.Ranges)
	for _, r := range beyond {
		q.add(g.key, g.subject, rangeText(r), g.set(r.Min))
	}
	if against.Rule != policy.MustRunAs {
		return
	}
	demanded := by.Rule == policy.MustRunAs
	switch {
	case !g.fills(q.against) && (!demanded || g.fills(q.by)):
		q.add(g.key, "a pod that sets no "+g.what+", for which none is filled in", "", sayNothing)
	case !demanded && len(beyond) == 0:
		q.unfilled(g.key, g.what, g.unset)
	}
}

// unfilled is about a mirror pod, in which nothing is filled in: it meets no rule
// that demands a value which it does not have.
func (q *question) unfilled(key policy.Key, what string, unset podEdit) {
	q.add(key, "a mirror pod, in which nothing is filled in, without a "+what, "", mirroring(unset))
}
