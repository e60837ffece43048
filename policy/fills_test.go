package policy_test

import (
	"slices"
	"testing"

	"github.com/podfence/podfence/policy"
)

func ptr[T any](v T) *T { return &v }

func ranges(ends ...int64) (list []policy.IDRange) {
	for i := 0; i < len(ends); i += 2 {
		list = append(list, policy.IDRange{Min: ends[i], Max: ends[i+1]})
	}
	return list
}

// TestDefaultsOfMutations: unset is true.
func TestDefaultsOfMutations(t *testing.T) {
	for _, row := range []struct {
		value *bool
		want  bool
	}{{nil, true}, {ptr(true), true}, {ptr(false), false}} {
		m := policy.Mutations{DropAllCapabilities: row.value}
		if m.DropsAllCapabilities() != row.want || !m.SetsSeccompProfile() {
			t.Errorf("dropAllCapabilities: %v, %v, want %v, true", m.DropsAllCapabilities(), m.SetsSeccompProfile(), row.want)
		}
		m = policy.Mutations{SetDefaultSeccompProfile: row.value}
		if m.SetsSeccompProfile() != row.want || !m.DropsAllCapabilities() {
			t.Errorf("setDefaultSeccompProfile: %v, %v, want %v, true", m.SetsSeccompProfile(), m.DropsAllCapabilities(), row.want)
		}
	}
}

// none stands for no fill.
const none = -1

func filled(id int64, ok bool) int64 {
	if !ok {
		return none
	}
	return id
}

// TestUserFill: what the policy names, else the first range's minimum under
// MustRunAs; never 0 for a container that is kept from root.
func TestUserFill(t *testing.T) {
	for _, row := range []struct {
		name, why string
		rule      policy.Rule
		ranges    []policy.IDRange
		explicit  *int64
		// want is for any container, nonRoot for one that is kept from root.
		want, nonRoot int64
	}{
		{"default", "there is no built-in UID", "", nil, nil, none, none},
		{"MustRunAsNonRoot", "there is no built-in UID", policy.MustRunAsNonRoot, nil, nil, none, none},
		{"RunAsAny", "anything will do, so nothing is filled", policy.RunAsAny, nil, nil, none, none},
		{"explicit", "the policy names it", "", nil, ptr[int64](1000), 1000, 1000},
		{"explicit in range", "it goes before the range's minimum", policy.MustRunAs, ranges(400, 499), ptr[int64](450), 450, 450},
		{"explicit root under RunAsAny", "the kubelet would refuse 0 beside runAsNonRoot", policy.RunAsAny, nil, ptr[int64](0), 0, none},
		{"explicit root in range", "the lowest other ID of the ranges stands in", policy.MustRunAs, ranges(0, 9), ptr[int64](0), 0, 1},
		{"explicit root, root alone in range", "no other ID stands in", policy.MustRunAs, ranges(0, 0), ptr[int64](0), 0, none},
		{"one range", "its minimum", policy.MustRunAs, ranges(400, 499), nil, 400, 400},
		{"several ranges", "the first one's, not the lowest", policy.MustRunAs, ranges(400, 499, 1, 9), nil, 400, 400},
		{"root first", "the next range stands in", policy.MustRunAs, ranges(0, 0, 400, 499), nil, 0, 400},
		{"root and more", "1 stands in", policy.MustRunAs, ranges(0, 400), nil, 0, 1},
		{"root and one more", "1 is in the range", policy.MustRunAs, ranges(0, 1, 400, 499), nil, 0, 1},
		{"root twice", "nothing stands in", policy.MustRunAs, ranges(0, 0, 0, 0), nil, 0, none},
		{"without ranges", "Validate refuses it; nothing is filled", policy.MustRunAs, nil, nil, none, none},
		{"the highest", "IDs have 31 bits", policy.MustRunAs, ranges(policy.MaxID, policy.MaxID), nil, policy.MaxID, policy.MaxID},
	} {
		p := policy.Policy{Allow: policy.Allow{RunAsUser: policy.UserRule{Rule: row.rule, Ranges: row.ranges}}, Mutations: policy.Mutations{RunAsUser: row.explicit}}
		if got := filled(p.UserFill(false)); got != row.want {
			t.Errorf("%s: %d, want %d: %s", row.name, got, row.want, row.why)
		}
		if got := filled(p.UserFill(true)); got != row.nonRoot {
			t.Errorf("%s, kept from root: %d, want %d: %s", row.name, got, row.nonRoot, row.why)
		}
	}
}

// TestGroupFills: the explicit value, else 1 where the rule admits it, else the
// first range's minimum under MustRunAs and nothing under MayRunAs. One table
// serves the three groups.
func TestGroupFills(t *testing.T) {
	for _, row := range []struct {
		name, why string
		rule      policy.GroupRule
		explicit  *int64
		want      int64
	}{
		{"default", "the document's default", policy.GroupRule{}, nil, 1},
		{"RunAsAny", "the default said aloud", policy.GroupRule{Rule: policy.RunAsAny}, nil, 1},
		{"MustRunAs with 1", "the rule admits the default", policy.GroupRule{Rule: policy.MustRunAs, Ranges: ranges(400, 499, 0, 1)}, nil, 1},
		{"MustRunAs without 1", "the first range's minimum, not the lowest", policy.GroupRule{Rule: policy.MustRunAs, Ranges: ranges(400, 499, 2, 9)}, nil, 400},
		{"MustRunAs with 0 alone", "group 0 is no special case", policy.GroupRule{Rule: policy.MustRunAs, Ranges: ranges(0, 0)}, nil, 0},
		{"MustRunAs without ranges", "Validate refuses it; nothing is filled", policy.GroupRule{Rule: policy.MustRunAs}, nil, none},
		{"MayRunAs with 1", "the rule admits the default", policy.GroupRule{Rule: policy.MayRunAs, Ranges: ranges(1, 1)}, nil, 1},
		{"MayRunAs without 1", "unset is allowed, so nothing is filled", policy.GroupRule{Rule: policy.MayRunAs, Ranges: ranges(400, 499)}, nil, none},
		{"explicit", "the policy names it", policy.GroupRule{}, ptr[int64](1000), 1000},
		{"explicit 0", "0 is a value", policy.GroupRule{}, ptr[int64](0), 0},
		{"none", "the word, in place of the default", policy.GroupRule{}, ptr(int64(policy.NoGroup)), none},
		{"none under MayRunAs", "in place of the default that the rule admits", policy.GroupRule{Rule: policy.MayRunAs, Ranges: ranges(1, 1)}, ptr(int64(policy.NoGroup)), none},
		{"none under MustRunAs", "Validate refuses it; nothing is filled", policy.GroupRule{Rule: policy.MustRunAs, Ranges: ranges(1, 1)}, ptr(int64(policy.NoGroup)), none},
		{"explicit under MayRunAs", "the policy names it", policy.GroupRule{Rule: policy.MayRunAs, Ranges: ranges(400, 499)}, ptr[int64](450), 450},
		{"explicit under MustRunAs", "it goes before the range's minimum", policy.GroupRule{Rule: policy.MustRunAs, Ranges: ranges(400, 499)}, ptr[int64](450), 450},
	} {
		p := policy.Policy{
			Allow:     policy.Allow{RunAsGroup: row.rule, FSGroup: row.rule, SupplementalGroups: policy.SupplementalGroupsRule{GroupRule: row.rule}},
			Mutations: policy.Mutations{RunAsGroup: (*policy.GroupFill)(row.explicit), FSGroup: (*policy.GroupFill)(row.explicit)},
		}
		switch {
		case row.explicit == nil:
		case *row.explicit == int64(policy.NoGroup):
			p.Mutations.SupplementalGroups = []int64{} // which has an empty list for it
		default:
			p.Mutations.SupplementalGroups = []int64{*row.explicit}
		}
		if got := filled(p.GroupFill()); got != row.want {
			t.Errorf("%s: runAsGroup %d, want %d: %s", row.name, got, row.want, row.why)
		}
		if got := filled(p.FSGroupFill()); got != row.want {
			t.Errorf("%s: fsGroup %d, want %d: %s", row.name, got, row.want, row.why)
		}
		want := []int64{row.want}
		if row.want == none {
			want = nil
		}
		if got := p.SupplementalGroupsFill(); !slices.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%s: supplementalGroups %v, want %v: %s", row.name, got, want, row.why)
		}
	}
}

// TestGroupFillsAreTheirOwn: each reads its own rule and its own value.
func TestGroupFillsAreTheirOwn(t *testing.T) {
	p := policy.Policy{Mutations: policy.Mutations{RunAsGroup: ptr[policy.GroupFill](10), FSGroup: ptr[policy.GroupFill](20), SupplementalGroups: []int64{30, 31}}}
	check := func(group, fsGroup int64, supplemental ...int64) {
		t.Helper()
		if g, f, s := filled(p.GroupFill()), filled(p.FSGroupFill()), p.SupplementalGroupsFill(); g != group || f != fsGroup || !slices.Equal(s, supplemental) {
			t.Errorf("fills %d, %d, %v, want %d, %d, %v", g, f, s, group, fsGroup, supplemental)
		}
	}
	check(10, 20, 30, 31)
	p.SupplementalGroupsFill()[0] = 0
	check(10, 20, 30, 31)
	p.Mutations = policy.Mutations{}
	must := func(id int64) policy.GroupRule {
		return policy.GroupRule{Rule: policy.MustRunAs, Ranges: ranges(id, id)}
	}
	p.Allow = policy.Allow{RunAsGroup: must(11), FSGroup: must(21), SupplementalGroups: policy.SupplementalGroupsRule{GroupRule: must(31)}}
	check(11, 21, 31)
}

// TestSupplementalGroupsFillsNone: an empty list fills none, and the answer for
// none is nil, as the documentation says.
func TestSupplementalGroupsFillsNone(t *testing.T) {
	p := policy.Policy{Mutations: policy.Mutations{SupplementalGroups: []int64{}}}
	if got := p.SupplementalGroupsFill(); got != nil {
		t.Errorf("%#v, want nil", got)
	}
}
