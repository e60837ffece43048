package policy

import (
	"cmp"
	"slices"
)

// Policies overlap in numbers that nobody reads as pairs: forty that each ask
// for a label of their own are 780 pairs. So the pairs are told in groups, of
// which each pair is in exactly one:
//
//   - in parts, where any policy of one part overlaps any of another: policies of
//     one app and policies of one tier, or one that asks for little and all others;
//   - as a chain, where each overlaps some other, and no parts can be told.
//
// The overlaps are a graph. What is not connected in it are different groups.
// Within a connected group, the parts are what is connected by *not* overlapping,
// and what overlaps within a part is told by itself. Where all are connected both
// ways, policies that overlap many are taken out first, a few of them.

const (
	// maxHubs is how many policies are taken out of a group before it is told
	// as a chain.
	maxHubs = 4
	// maxHubSearch is the size of a group up to which it is searched for the
	// policy that overlaps most, which takes a look at every pair.
	maxHubSearch = 512
)

// member is a policy with what its selector asks.
type member struct {
	policy *Policy
	demands
	// order is the place of the policy in the order in which policies are tried.
	order int
	// pin is the demand by whose values the policy is found; nil if it demands
	// no particular values.
	pin *demand
	// reached is set while a walk over the graph has been here.
	reached bool
}

// group is what overlaps: several parts, or a chain in one part.
type group [][]*member

// tally counts the comparisons of a search, which its time grows with.
type tally struct{ comparisons int }

// meets reports whether some pod meets both.
func (t *tally) meets(a, b *member) bool {
	t.comparisons++
	return a.demands.meets(b.demands)
}

// groupsOf tells the overlaps of policies, and counts what that took. Of a group,
// up to so many hubs are taken out.
func groupsOf(policies []*Policy, hubs int) (groups []group, took tally) {
	members := make([]*member, 0, len(policies))
	for _, p := range policies {
		if asks := demandsOf(p); asks.possible {
			members = append(members, &member{policy: p, demands: asks})
		}
	}
	slices.SortStableFunc(members, func(a, b *member) int { return compareNames(a.policy, b.policy) })
	for i, m := range members {
		m.order = i
	}
	pin(members)
	var divide func(members []*member, hubs int)
	divide = func(members []*member, hubs int) {
		if len(members) < 2 {
			return
		}
		for _, connected := range components(members, took.overlapping(members)) {
			if len(connected) == 1 {
				continue
			}
			parts := components(connected, took.apart(connected))
			if len(parts) == 1 {
				hub, others, rest := took.takeHub(connected, hubs)
				if hub == nil {
					groups = append(groups, parts)
					continue
				}
				groups = append(groups, group{{hub}, others})
				divide(rest, hubs-1)
				continue
			}
			groups = append(groups, parts)
			for _, part := range parts {
				divide(part, hubs)
			}
		}
	}
	divide(members, hubs)
	return groups, took
}

// takeHub takes the member that overlaps most others out of a group. There is
// none if the group is too large to look for it, or no more may be taken.
func (t *tally) takeHub(members []*member, hubs int) (hub *member, others, rest []*member) {
	if hubs == 0 || len(members) > maxHubSearch {
		return nil, nil, nil
	}
	for _, m := range members {
		met := slices.DeleteFunc(slices.Clone(members), func(other *member) bool { return other == m || !t.meets(m, other) })
		if len(met) > len(others) {
			hub, others = m, met
		}
	}
	return hub, others, slices.DeleteFunc(slices.Clone(members), func(m *member) bool { return m == hub })
}

// components divides members into those that are connected with each other, in
// order. neighbours yields the neighbours of a member that were not reached yet,
// which are then, and keep what it returns.
func components(members []*member, neighbours func(m *member) []*member) (all [][]*member) {
	for _, m := range members {
		m.reached = false
	}
	for _, m := range members {
		if m.reached {
			continue
		}
		m.reached = true
		found := []*member{m}
		for i := 0; i < len(found); i++ {
			found = append(found, neighbours(found[i])...)
		}
		slices.SortFunc(found, func(a, b *member) int { return cmp.Compare(a.order, b.order) })
		all = append(all, found)
	}
	return all
}

// reach marks those of a list that are wanted, and moves them to found. What it
// returns was not reached: a later walk over the list does not meet the others.
func reach(list []*member, found *[]*member, wanted func(*member) bool) (left []*member) {
	left = list[:0]
	for _, m := range list {
		switch {
		case m.reached:
		case wanted(m):
			m.reached = true
			*found = append(*found, m)
		default:
			left = append(left, m)
		}
	}
	return left
}

// pin chooses the label by which each member is found: the one of whose values
// the fewest members demand one, and of several the key that most ask about.
func pin(members []*member) {
	type label struct{ key, value string }
	values, keys := map[label]int{}, map[string]int{}
	each := func(do func(m *member, d *demand)) {
		for _, m := range members {
			for i := range m.list {
				if d := &m.list[i]; d.key != namespaceKey && d.values() != nil {
					do(m, d)
				}
			}
		}
	}
	each(func(_ *member, d *demand) {
		keys[d.key]++
		for _, v := range d.only {
			values[label{d.key, v}]++
		}
	})
	found := func(d *demand) (n int) {
		for _, v := range d.only {
			n += values[label{d.key, v}]
		}
		return n
	}
	each(func(m *member, d *demand) {
		if m.pin == nil || cmp.Or(cmp.Compare(found(d), found(m.pin)), cmp.Compare(keys[m.pin.key], keys[d.key])) < 0 {
			m.pin = d
		}
	})
}

// overlapping yields the members that overlap one. As a [Set] does, it finds
// them by namespace and by a label that they demand, so that of a thousand
// policies for a thousand apps none is held against the others.
func (t *tally) overlapping(members []*member) func(*member) []*member {
	byNamespace := map[string]*pins{}
	for _, m := range members {
		for _, namespace := range m.namespaces() {
			in := byNamespace[namespace]
			if in == nil {
				in = &pins{tally: t, byLabel: map[string]map[string][]*member{}}
				byNamespace[namespace] = in
			}
			in.add(m)
		}
	}
	return func(m *member) (found []*member) {
		own := m.namespaces()
		if own[0] == "" {
			for _, in := range byNamespace {
				in.meeting(m, &found)
			}
			return found
		}
		for _, namespace := range append([]string{""}, own...) {
			if in := byNamespace[namespace]; in != nil {
				in.meeting(m, &found)
			}
		}
		return found
	}
}

// namespaces are those in which the member can select a pod; "" alone stands for
// more than can be listed.
func (m *member) namespaces() []string {
	if names := m.on(namespaceKey).values(); names != nil {
		return names
	}
	return []string{""}
}

// pins finds members by the label that they are pinned to: key, then value.
type pins struct {
	*tally
	byLabel map[string]map[string][]*member
	// others demand no particular values.
	others []*member
}

func (in *pins) add(m *member) {
	if m.pin == nil {
		in.others = append(in.others, m)
		return
	}
	byValue := in.byLabel[m.pin.key]
	if byValue == nil {
		byValue = map[string][]*member{}
		in.byLabel[m.pin.key] = byValue
	}
	for _, v := range m.pin.only {
		byValue[v] = append(byValue[v], m)
	}
}

// meeting adds the members that overlap one to found.
func (in *pins) meeting(m *member, found *[]*member) {
	meets := func(other *member) bool { return in.tally.meets(m, other) }
	in.others = reach(in.others, found, meets)
	for key, byValue := range in.byLabel {
		look := func(value string) {
			if byValue[value] = reach(byValue[value], found, meets); len(byValue[value]) == 0 {
				delete(byValue, value)
			}
		}
		asked := m.on(key)
		if values := asked.values(); values != nil {
			for _, v := range values {
				look(v)
			}
			continue
		}
		in.comparisons += len(byValue)
		for v := range byValue {
			if asked == nil || asked.admits(v) {
				look(v)
			}
		}
		if len(byValue) == 0 {
			delete(in.byLabel, key)
		}
	}
}

// apart yields the members that do not overlap one. They ask about a key that it
// asks about, so that of a thousand policies with a label each of their own none
// is held against the others.
func (t *tally) apart(members []*member) func(*member) []*member {
	keys := map[string]*asking{}
	for _, m := range members {
		for i := range m.list {
			key := m.list[i].key
			if keys[key] == nil {
				keys[key] = newAsking(t)
			}
			keys[key].add(m, &m.list[i])
		}
	}
	return func(m *member) (found []*member) {
		for i := range m.list {
			keys[m.list[i].key].refusing(&m.list[i], &found)
		}
		return found
	}
}

// asking finds the members that ask about one key.
type asking struct {
	*tally
	// byValue demand one value.
	byValue map[string][]*member
	// looked are the values for which one was asked already. The same demand
	// refuses nobody more.
	looked map[string]bool
	// several demand one of several values, under the first of them.
	several map[string][]*member
	// but admit all values but some, under each of those.
	but map[string][]*member
	// present demand that some value is there, and absent that none is.
	present, absent []*member
}

func newAsking(t *tally) *asking {
	return &asking{
		tally: t, looked: map[string]bool{},
		byValue: map[string][]*member{}, several: map[string][]*member{}, but: map[string][]*member{},
	}
}

func (on *asking) add(m *member, d *demand) {
	switch {
	case !d.mayBePresent:
		on.absent = append(on.absent, m)
		return
	case len(d.only) == 1 && !d.mayBeAbsent:
		on.byValue[d.only[0]] = append(on.byValue[d.only[0]], m)
		return
	case d.only != nil:
		on.several[d.only[0]] = append(on.several[d.only[0]], m)
		return
	case !d.mayBeAbsent:
		on.present = append(on.present, m)
	}
	for _, value := range d.not {
		on.but[value] = append(on.but[value], m)
	}
}

// refusing adds the members whose demand cannot be met together with one. Few of
// the others are looked at: those that are refused are looked at once.
func (on *asking) refusing(d *demand, found *[]*member) {
	reachable := func(list []*member) []*member {
		return reach(list, found, func(other *member) bool {
			on.comparisons++
			return !d.meets(other.on(d.key))
		})
	}
	lookUnder := func(index map[string][]*member, value string) {
		on.comparisons++
		if index[value] = reachable(index[value]); len(index[value]) == 0 {
			delete(index, value)
		}
	}
	switch {
	case !d.mayBePresent:
		on.present = reachable(on.present)
		on.anyValue(d, found)
		for first := range on.several {
			lookUnder(on.several, first)
		}
	case d.only == nil:
		for _, value := range d.not { // it admits all others
			lookUnder(on.byValue, value)
			lookUnder(on.several, value)
		}
		if !d.mayBeAbsent {
			on.absent = reachable(on.absent)
		}
	case len(d.only) == 1 && on.looked[d.only[0]]:
	default:
		on.looked[d.only[0]] = on.looked[d.only[0]] || len(d.only) == 1
		on.absent = reachable(on.absent)
		on.anyValue(d, found)
		for first := range on.several {
			lookUnder(on.several, first)
		}
		lookUnder(on.but, on.rarest(d.only))
	}
}

// anyValue adds those that demand one value which a demand does not admit.
func (on *asking) anyValue(d *demand, found *[]*member) {
	on.comparisons += len(on.byValue)
	for value, list := range on.byValue {
		if !d.admits(value) {
			reach(list, found, func(*member) bool { return true })
			delete(on.byValue, value)
		}
	}
}

// rarest is the value that the fewest do not admit: what refuses all of several
// values refuses this one.
func (on *asking) rarest(values []string) string {
	return slices.MinFunc(values, func(a, b string) int { return cmp.Compare(len(on.but[a]), len(on.but[b])) })
}
