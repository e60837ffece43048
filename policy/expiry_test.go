package policy

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func at(t testing.TB, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return moment
}

// TestExpiresAt: the day is in force to its end, in UTC wherever the clock stands.
func TestExpiresAt(t *testing.T) {
	p := Policy{Name: "a", PodSelectorLabels: webLabels, Expires: "2026-12-31", Allow: Allow{Privileged: true}}
	set, err := NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		now, why string
		expired  bool
	}{
		{"2026-01-01T00:00:00Z", "the day is far", false},
		{"2026-12-31T23:59:59Z", "the day has not ended", false},
		{"2027-01-01T00:00:00Z", "the day has ended", true},
		{"2027-01-01T05:00:00+14:00", "it is still the day in UTC", false},
		{"2026-12-31T12:00:00-12:00", "in UTC the day has ended", true},
		{"2100-01-01T00:00:00Z", "it stays so", true},
	} {
		got := set.At(at(t, row.now)).Governing("", webLabels)
		if len(got) != 1 || got[0].Expired != row.expired || got[0].Allow.Privileged == row.expired {
			t.Errorf("%s: %+v, and %s", row.now, got, row.why)
		}
	}
	if got := set.Governing("", webLabels); len(got) != 1 || got[0].Expired {
		t.Errorf("without a time: %+v", got)
	}
	if moment, ok := p.ExpiresAt(); !ok || !moment.Equal(at(t, "2027-01-01T00:00:00Z")) {
		t.Errorf("%v, %v", moment, ok)
	}
	if _, ok := (&Policy{}).ExpiresAt(); ok {
		t.Error("a policy without a date expires")
	}
}

// TestAsExpired: nothing that excuses is left, and all that demands is.
func TestAsExpired(t *testing.T) {
	zero := []IDRange{{0, 0}, {5, 9}}
	p := Policy{
		Name: "a", Namespace: "net", PodSelectorLabels: webLabels, Expires: "2026-12-31", Reason: "r", Owner: "o",
		Allow: Allow{
			AllowPrivilegeEscalation: true, Privileged: true, AllowedCapabilities: []string{"*"}, AllowedUnsafeSysctls: []string{"*"},
			HostNetworkPorts: true, HostNamespace: true, AllowedHostPaths: []HostPath{{PathPrefix: "/"}},
			RunAsUser: UserRule{MustRunAs, zero}, RunAsGroup: GroupRule{MustRunAs, zero}, FSGroup: GroupRule{MayRunAs, zero},
			SupplementalGroups: SupplementalGroupsRule{GroupRule{MustRunAs, zero}, "Strict"}, Volumes: []string{"*"},
			SeccompProfiles: []string{"Unconfined"}, AppArmorProfiles: []string{"Unconfined"}, ProcMounts: []string{"Unmasked"},
			SELinuxOptions: true, WindowsHostProcess: true, AllowedProbeHosts: []string{"a"}, AllowedHostPorts: []PortRange{{1, 2}},
			HostNetwork: true, HostPID: true, HostIPC: true, ReadOnlyRootFilesystem: true,
		},
		Mutations: Mutations{DropAllCapabilities: ptr(false), SetDefaultSeccompProfile: ptr(false), RunAsUser: ptr[int64](0), RunAsGroup: ptr[GroupFill](0), FSGroup: ptr[GroupFill](5), SupplementalGroups: []int64{7}},
	}
	before := p.DeepCopy()
	want := &Policy{
		Name: "a", Namespace: "net", PodSelectorLabels: webLabels, Expires: "2026-12-31", Reason: "r", Owner: "o", Expired: true,
		Allow: Allow{
			RunAsUser: UserRule{MustRunAs, zero}, RunAsGroup: GroupRule{MustRunAs, zero}, FSGroup: GroupRule{MayRunAs, zero},
			SupplementalGroups: SupplementalGroupsRule{GroupRule{MustRunAs, zero}, "Strict"}, Volumes: []string{"*"}, ReadOnlyRootFilesystem: true,
		},
		Mutations: Mutations{DropAllCapabilities: ptr(true), SetDefaultSeccompProfile: ptr(true), RunAsGroup: ptr[GroupFill](0), FSGroup: ptr[GroupFill](5), SupplementalGroups: []int64{7}},
	}
	got := p.AsExpired()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !reflect.DeepEqual(&p, before) {
		t.Error("the policy itself has changed")
	}
	if id, ok := got.UserFill(false); !ok || id != 5 {
		t.Errorf("fills the user %d, %v; want 5, for 0 is an exception", id, ok)
	}
	if any := (&Policy{Allow: Allow{RunAsUser: UserRule{Rule: RunAsAny}}}).AsExpired(); any.Allow.RunAsUser.Rule != "" {
		t.Errorf("RunAsAny is left: %+v", any.Allow.RunAsUser)
	}
}

// TestNothingIsLeftToGrant: by no row of the table of grants does an expired policy
// grant anything, but by keys that demand too, of which Excuses says no.
func TestNothingIsLeftToGrant(t *testing.T) {
	seen := map[Condition]bool{}
	rapid.Check(t, func(t *rapid.T) {
		p := genPolicy.Draw(t, "policy")
		e := p.AsExpired()
		for i := range grantTypes {
			row := &grantTypes[i]
			_, before := row.grantedBy(&p)
			seen[row.Condition] = seen[row.Condition] || before
			if field, grants := row.grantedBy(e); grants && row.Condition != ListedSources && row.Condition != RootInRange {
				t.Errorf("%s still grants", field)
			}
			for id := range row.Checks.All() {
				if by, ok := e.Excuses(&Fault{Check: id, Facts: row.Needs}); ok {
					t.Errorf("%s excuses %s", by, id)
				}
			}
		}
	})
	for i := range grantTypes {
		if !seen[grantTypes[i].Condition] && !testing.Short() { // few are drawn then
			t.Errorf("no policy granted anything by %s: the test says little", grantTypes[i].String())
		}
	}
}

// TestExpiryNotices: what is said with a time and without one, and for whom.
func TestExpiryNotices(t *testing.T) {
	set, err := NewSet(
		Policy{Name: "b", PodSelectorLabels: webLabels, Expires: "2026-12-31"},
		Policy{Name: "a", Namespace: "net", PodSelectorLabels: webLabels, Expires: "2025-12-31"},
		Policy{Name: "c", PodSelectorLabels: webLabels},
		Policy{Name: "d", PodSelectorLabels: podLabels{"app": "db"}, Expires: "2025-12-31"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, why, namespace string
		set                  Set
		labels               podLabels
		want                 []string
	}{
		{"no time", "it would make a difference later", "net", set, webLabels, []string{
			"policy a expires on 2025-12-31: whether it has was not checked", "policy b expires on 2026-12-31: whether it has was not checked"}},
		{"one has expired", "the other is in force, as it is written", "net", set.At(at(t, "2026-06-01T00:00:00Z")), webLabels, []string{
			"policy a expired on 2025-12-31: it grants nothing any more"}},
		{"another namespace", "the policy of net does not select there", "shop", set.At(at(t, "2026-06-01T00:00:00Z")), webLabels, nil},
		{"both have expired", "all are said", "net", set.At(at(t, "2027-06-01T00:00:00Z")), webLabels, []string{
			"policy a expired on 2025-12-31: it grants nothing any more", "policy b expired on 2026-12-31: it grants nothing any more"}},
		{"nothing selects", "what does not select says nothing", "net", set, podLabels{"app": "shop"}, nil},
	} {
		var got []string
		for _, n := range row.set.Notices(row.namespace, row.labels) {
			got = append(got, n.String())
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s, because %s (-want +got):\n%s", row.name, row.why, diff)
		}
	}
}

// TestExpiring: what expires within a time, and what has, with its place.
func TestExpiring(t *testing.T) {
	policies, err := Parse([]byte("name: a\n"+web+"expires: 2026-12-31\n---\nname: b\n"+web+"---\nname: c\nexpires: 2026-01-31\n"+web), "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	for _, row := range []struct {
		now, why string
		within   time.Duration
		want     []string
	}{
		{"2026-01-01T00:00:00Z", "both days are farther", 30 * day, nil},
		{"2026-01-02T00:00:00Z", "c ends with the thirtieth day", 30 * day, []string{
			"p.yaml:8: warning: policy c expires on 2026-01-31, after which it grants nothing; see whether its pods need it still, and write a later day or remove it"}},
		{"2026-02-01T00:00:00Z", "c has expired, also within no time", 0, []string{
			"p.yaml:8: warning: policy c expired on 2026-01-31 and grants nothing any more; write a later day, or remove it"}},
		{"2026-12-31T23:59:59Z", "a is in force, and about to expire", day, []string{
			"p.yaml:1: warning: policy a expires on 2026-12-31, after which it grants nothing; see whether its pods need it still, and write a later day or remove it",
			"p.yaml:8: warning: policy c expired on 2026-01-31 and grants nothing any more; write a later day, or remove it"}},
	} {
		var got []string
		for _, w := range Expiring(at(t, row.now), row.within, policies...) {
			got = append(got, w.String())
			if w.Field != "expires" || w.Position != w.Policy.Position && w.Position.Line <= w.Policy.Line {
				t.Errorf("%+v has no place of its own", w)
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s, because %s (-want +got):\n%s", row.now, row.why, diff)
		}
	}
}

// TestAboutIsRefused: what a policy may not say to people, and no dates.
func TestAboutIsRefused(t *testing.T) {
	for _, row := range []struct{ why, in, want string }{
		{"it does not exist", "expires: 2026-02-30", `p.yaml:2: expires: "2026-02-30" is no date; write the last day on which the policy grants anything, as in 2026-12-31`},
		{"it has a time", "expires: 2026-12-31T00:00:00Z", `p.yaml:2: expires: "2026-12-31T00:00:00Z" is no date; write 2026-12-31`},
		{"it has short numbers, which YAML takes for a date", "expires: 2026-1-2", `p.yaml:2: expires: "2026-1-2" is no date; write 2026-01-02`},
		{"it is a number to YAML", "expires: 20261231", `p.yaml:2: expires: "20261231" is no date; write 2026-12-31`},
		{"it may be a day of January or of February", "expires: 02/01/2026", `p.yaml:2: expires: "02/01/2026" is no date; write the last day on which the policy grants anything, as in 2026-12-31`},
		{"it is a year", "expires: 2026", `p.yaml:2: expires: "2026" is no date; write the last day on which the policy grants anything, as in 2026-12-31`},
		{"it says nothing", "expires:", `p.yaml:2: expires: has no value; write a value, or remove the key`},
		{"it is empty", `expires: ""`, `p.yaml:2: expires: is empty; write a value, or remove the key if it has a default`},
		{"it is a list", "expires: [2026-12-31]", `p.yaml:2: expires: a list stands where text belongs; write text`},
		{"it has two lines", `reason: "a\nb"`, `p.yaml:2: reason: "a\nb" has an unprintable character; write printable text on one line; in YAML, >- folds several lines into one`},
		{"it ends its line", "reason: >\n  a", `p.yaml:2: reason: "a\n" has an unprintable character; write printable text on one line; in YAML, >- folds several lines into one`},
		{"it would turn a terminal red", `owner: "\e[31m"`, `p.yaml:2: owner: "\x1b[31m" has an unprintable character; write printable text on one line; in YAML, >- folds several lines into one`},
		{"it is blank", `owner: " "`, `p.yaml:2: owner: is blank; write text, or remove the key`},
		{"it is long", "owner: " + strings.Repeat("é", 254), `p.yaml:2: owner: has 254 characters, more than 253; shorten it, and link to what is longer`},
		{"it is long", "reason: " + strings.Repeat("é", 1025), `p.yaml:2: reason: has 1025 characters, more than 1024; shorten it, and link to what is longer`},
		{"it is a number", "reason: 5", `p.yaml:2: reason: 5 is read as a number, not as text; write "5"`},
	} {
		policies, err := Parse([]byte(web+row.in+"\n"), "p.yaml")
		if err == nil || err.Error() != row.want || policies != nil {
			t.Errorf("%s, and %s:\n%v, want\n%s", row.in, row.why, err, row.want)
		}
	}
	for _, in := range []string{"owner: " + strings.Repeat("é", 253), "reason: " + strings.Repeat("é", 1024), "expires: 2024-02-29", "expires: 0001-01-01"} {
		if _, err := Parse([]byte(web+in+"\n"), "p.yaml"); err != nil {
			t.Error(err)
		}
	}
}

// TestInForce: the policies as they are at the time of the set, and when the next one
// expires.
func TestInForce(t *testing.T) {
	set, err := NewSet(
		Policy{Name: "a", PodSelectorLabels: map[string]string{"app": "a"}, Expires: "2026-12-31", Allow: Allow{Privileged: true}},
		Policy{Name: "b", PodSelectorLabels: map[string]string{"app": "b"}, Expires: "2027-12-31", Allow: Allow{Privileged: true}},
		Policy{Name: "c", PodSelectorLabels: map[string]string{"app": "c"}, Allow: Allow{Privileged: true}},
	)
	if err != nil {
		t.Fatal(err)
	}
	first, second := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		why     string
		set     Set
		granted string
		next    time.Time
	}{
		{"without a time none has expired", set, "abc", first},
		{"before the first", set.At(first.Add(-time.Second)), "abc", first},
		{"when the first expires", set.At(first), "bc", second},
		{"when the second expires", set.At(second), "c", time.Time{}},
	} {
		policies, next := row.set.InForce()
		granted := ""
		for _, p := range policies {
			if p.Allow.Privileged && !p.Expired {
				granted += p.Name
			}
		}
		if len(policies) != 3 || granted != row.granted || !next.Equal(row.next) {
			t.Errorf("%s: %d policies, %q grant, next %v", row.why, len(policies), granted, next)
		}
	}
}
