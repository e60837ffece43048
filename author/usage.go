package author

import (
	"maps"
	"slices"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Usage counts what workloads use of policies. Workloads are added one after another,
// and a few of each policy are kept: those that need something else than those before
// them. It is not safe for concurrent use.
type Usage struct {
	lv       api.LevelVersion
	policies policy.Set
	of       map[*policy.Policy]*use
	// without are the workloads that no policy governs.
	without counted
}

// NewUsage returns a count that has yet to see workloads, at a level and under policies.
func NewUsage(lv api.LevelVersion, policies policy.Set) *Usage {
	u := &Usage{lv: spec.Normalize(lv), policies: policies, of: map[*policy.Policy]*use{}, without: counted{}}
	for _, p := range policies.Policies() {
		u.of[p] = newUse(u.lv, p)
	}
	return u
}

// useOf is what is known of a policy that governs a workload. A set that knows the time
// answers with another one where it has expired.
func (u *Usage) useOf(p *policy.Policy) *use {
	of := u.of[p]
	if of != nil || p == nil {
		return of
	}
	for _, other := range u.policies.Policies() {
		if other.Name == p.Name && slices.Equal(namespacesOf(other), namespacesOf(p)) {
			of = u.of[other]
			of.expired, u.of[p] = p.Expired, of
			return of
		}
	}
	return nil
}

// use is what is known of one policy.
type use struct {
	policy *policy.Policy
	// expired: it governs, and grants nothing.
	expired bool
	counted
	entries map[policy.Entry]*entryUse
	// single are the entries for single containers, the last one first.
	single []policy.Granted
	// unlisted is the policy with an empty list of volumes, nil where it has none: what
	// a workload then lacks it uses.
	unlisted *policy.Policy
	// reader finds out what the workloads need beside the policy's rules, and shapes
	// are those that stand for all.
	reader reader
	shapes map[string]*shape
	// unclear: of some workload it could not be found out.
	unclear bool
}

type entryUse struct {
	pods    int
	reasons reasons
}

// counted counts pods by their owner.
type counted map[Reference]*OwnerUse

// OwnerUse is the pods of one owner.
type OwnerUse struct {
	Owner Reference
	// Pods is how many pods and templates there are, of which so many are Denied.
	Pods, Denied int
}

func (c counted) add(ref Reference, allowed bool) {
	o := c[ref]
	if o == nil {
		o = &OwnerUse{Owner: ref}
		c[ref] = o
	}
	o.Pods++
	if !allowed {
		o.Denied++
	}
}

func (c counted) list() (list []OwnerUse) {
	for _, ref := range slices.SortedFunc(maps.Keys(c), compareReferences) {
		list = append(list, *c[ref])
	}
	return list
}

func newUse(lv api.LevelVersion, p *policy.Policy) *use {
	u := &use{
		policy: p, counted: counted{}, entries: map[policy.Entry]*entryUse{}, shapes: map[string]*shape{},
		reader: reader{lv: lv, base: *withoutGrants(p), whole: len(p.Containers) == 0},
	}
	for _, granted := range slices.Backward(p.Granted()) {
		u.entries[granted.At] = &entryUse{reasons: reasons{}}
		if granted.At.Container != 0 {
			u.single = append(u.single, granted)
		}
	}
	if p.Allow.Volumes != nil {
		u.unlisted = p.DeepCopy()
		u.unlisted.Allow.Volumes = []string{}
	}
	return u
}

// withoutGrants is the policy with its rules alone. Of a list of volumes an empty one
// is left, which demands that the types are listed.
func withoutGrants(p *policy.Policy) *policy.Policy {
	less := p.DeepCopy()
	for _, granted := range slices.Backward(p.Granted()) {
		if !demandsToo(granted) {
			less = less.Without(granted.At)
		}
	}
	return less
}

// demandsToo reports whether what is granted demands something too: a rule over users
// that has ranges.
func demandsToo(granted policy.Granted) bool {
	rule, ok := granted.Grant.Value.(policy.UserRule)
	return ok && rule.Rule == policy.MustRunAs
}

// Add judges a workload and counts what it uses. The workload is kept and must not be
// changed afterwards.
func (u *Usage) Add(w *Workload) {
	d := w.Admit(u.lv, u.policies)
	ref := w.reference()
	of := u.useOf(d.Result.Policy)
	if of == nil {
		u.without.add(ref, d.Allowed())
		return
	}
	of.add(ref, d.Allowed())
	if d.Allowed() {
		of.uses(w, &d)
	}
}

// uses counts what an allowed workload uses of the policy.
func (u *use) uses(w *Workload, d *podfence.Decision) {
	found := map[policy.Entry]bool{}
	note := func(e policy.Entry, r Reason) {
		entry := u.entries[e]
		if entry == nil {
			return
		}
		if !found[e] {
			found[e] = true
			entry.pods++
		}
		entry.reasons.add(r, map[Reference]bool{w.reference(): true})
	}
	for _, v := range d.Result.Within("").Excused {
		// The volumes are counted below, each type.
		if v.ExcusedBy.Key != policy.KeyVolumes {
			note(v.ExcusedBy, reasonOf(&need{Violation: v}))
		}
	}
	if u.unlisted != nil {
		for _, n := range grantable(w.AdmitUnder(u.reader.lv, u.unlisted).Result.Within("").Violations) {
			if name, ok := n.grant.Value.(string); ok && n.grant.Key == policy.KeyVolumes {
				if i := slices.IndexFunc(u.policy.Allow.Volumes, func(listed string) bool { return listed == name || listed == "*" }); i >= 0 {
					note(policy.Entry{Key: policy.KeyVolumes, Index: int32(i)}, reasonOf(&n))
				}
			}
		}
	}
	u.otherwise(w, d, func(e policy.Entry) bool { return found[e] }, note)
	needs, unmet := u.reader.needs(w)
	if len(unmet) > 0 {
		u.unclear = true
		return
	}
	at := asked{shapes: u.shapes}
	at.add(w, needs).all = nil // the one that stands for all will do
}

// otherwise notes the entries for single containers that a workload uses and that excuse
// nothing by themselves: of a value that containers inherit, an answer names the entry
// of the first container alone; and a rule over users may stand in for the policy's own,
// which demands. Each is tried: without it, and without those that were not needed
// either, the workload is denied.
func (u *use) otherwise(w *Workload, d *podfence.Decision, found func(policy.Entry) bool, note func(policy.Entry, Reason)) {
	asked := map[policy.Key]bool{policy.KeyRunAsUser: u.policy.Allow.RunAsUser.Rule == policy.MustRunAs}
	for _, v := range d.Result.Excused {
		if v.Container.Kind == 0 {
			asked[v.ExcusedBy.Key] = true
		}
	}
	less := u.policy
	for _, granted := range u.single {
		if !asked[granted.At.Key] || found(granted.At) {
			continue
		}
		without := less.Without(granted.At)
		if tried := w.AdmitUnder(u.reader.lv, without).Within(""); tried.Allowed() {
			less = without
		} else {
			note(granted.At, reasonOf(&need{Violation: tried.Result.Violations[0]}))
		}
	}
}

// UsageReport is what workloads use of policies.
type UsageReport struct {
	// Level is the level and version at which they were judged.
	Level api.LevelVersion
	// Policies are all policies, in order of name.
	Policies []PolicyUse
	// Without are the owners of pods that no policy governs.
	Without []OwnerUse
}

// PolicyUse is what is used of one policy.
type PolicyUse struct {
	// Policy is the policy, which must not be changed.
	Policy *policy.Policy
	// Expired: it governs pods, and grants them nothing any more.
	Expired bool
	// Owners are those of the pods that it governs, in order.
	Owners []OwnerUse
	// Entries are its grants, in the order of the format.
	Entries []EntryUse
	// Narrower is a policy that grants less and allows the same pods: with the same
	// selector and rules, and what [Least] finds in place of the grants. Nil where there
	// is none, where nothing is governed, or where what the policy fills in or demands
	// goes with what it grants.
	Narrower *policy.Policy
	// Filled are the fields that would be filled in under the narrower policy, and are
	// left unset now.
	Filled []Reason
}

// EntryUse is a grant and what uses it.
type EntryUse struct {
	policy.Granted
	// Pods is how many pods and templates use it; 0: it is unused.
	Pods int
	// Reasons are the fields that it excuses, or for types of volumes those that it
	// admits. Their workloads are the owners of the pods.
	Reasons []Reason
}

// Pods is how many pods and templates the policy governs, and how many of these it
// does not allow.
func (p *PolicyUse) Pods() (pods, denied int) {
	for _, o := range p.Owners {
		pods, denied = pods+o.Pods, denied+o.Denied
	}
	return pods, denied
}

// Unused are the entries that nothing uses.
func (p *PolicyUse) Unused() (unused []policy.Granted) {
	for i := range p.Entries {
		if p.Entries[i].Pods == 0 {
			unused = append(unused, p.Entries[i].Granted)
		}
	}
	return unused
}

// Report says what was counted. More may be added afterwards.
func (u *Usage) Report() UsageReport {
	r := UsageReport{Level: u.lv, Without: u.without.list()}
	for _, p := range u.policies.Policies() {
		r.Policies = append(r.Policies, u.of[p].report())
	}
	return r
}

func (u *use) report() PolicyUse {
	p := PolicyUse{Policy: u.policy, Expired: u.expired, Owners: u.list()}
	for _, granted := range u.policy.Granted() {
		entry := u.entries[granted.At]
		p.Entries = append(p.Entries, EntryUse{granted, entry.pods, entry.reasons.list()})
	}
	if len(u.shapes) > 0 && !u.unclear {
		p.Narrower, p.Filled = u.narrower()
	}
	return p
}

// narrower is the policy that would do for the workloads that it allows.
func (u *use) narrower() (*policy.Policy, []Reason) {
	at := asked{shapes: u.shapes}
	g := &group{shapes: at.ordered()}
	a := &asker{reader: u.reader}
	if len(u.policy.Containers) > 0 {
		// Entries for other containers than those that it names could be wider than it:
		// what it says is only made smaller, and first by what is said to be unused.
		g.policy = u.policy.DeepCopy()
		for _, granted := range u.single {
			if u.entries[granted.At].pods == 0 && !demandsToo(granted) {
				g.policy = g.policy.Without(granted.At)
			}
		}
	} else {
		g.policy = merged(&u.reader.base, widened(g.shapes))
		g.narrowUsers(a)
		if u.pinsPaths() {
			g.pinPaths(a)
		}
	}
	t := &trial{asker: a, groups: []*group{g}, alone: true}
	t.shrink()
	if sameGrants(g.policy, u.policy) || g.policy.Validate() != nil {
		return nil, nil
	}
	return g.policy, u.filled(g)
}

// pinsPaths reports whether the policy says more of host paths than where they are: then
// the narrower one does too.
func (u *use) pinsPaths() bool {
	return slices.ContainsFunc(u.policy.Allow.AllowedHostPaths, func(h policy.HostPath) bool { return h.RecursiveReadOnly || h.Types != nil })
}

// sameGrants reports whether two policies with the same rules grant the same.
func sameGrants(a, b *policy.Policy) bool {
	return slices.Equal(grantsText(a), grantsText(b))
}

// grantsText are the grants of a policy as text, sorted.
func grantsText(p *policy.Policy) (lines []string) {
	for _, granted := range p.Granted() {
		at := granted.At
		at.Index = 0
		lines = append(lines, at.String()+" "+granted.Grant.String())
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// filled are the fields that a group's policy fills in, and the policy in use does not.
func (u *use) filled(g *group) []Reason {
	found := reasons{}
	for _, s := range g.shapes {
		now := map[spec.Location]bool{}
		for _, c := range s.AdmitUnder(u.reader.lv, u.policy).Within("").Report.Changes() {
			now[c.Location] = true
		}
		for _, c := range s.AdmitUnder(u.reader.lv, g.policy).Within("").Report.Changes() {
			if !now[c.Location] {
				found.add(Reason{Location: c.Location, Value: c.Value}, s.named)
			}
		}
	}
	return found.list()
}
