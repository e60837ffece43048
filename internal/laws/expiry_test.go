package laws

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// parted are the violations of the standard and those of a policy's own rules.
func parted(list []evaluate.Violation) (standard, own []evaluate.Violation) {
	for _, v := range list {
		if v.FromStandard() {
			standard = append(standard, v)
		} else {
			own = append(own, v)
		}
	}
	return standard, own
}

// places tells which checks or rules are broken where, and says no more.
func places(list []evaluate.Violation) (all []string) {
	for _, v := range list {
		all = append(all, v.CheckOrRule()+" at "+v.Location.String())
	}
	return all
}

// refusesVolume reports whether the standard refuses the volume of a rule's violation:
// it is not refused twice.
func refusesVolume(standard []evaluate.Violation, v *evaluate.Violation) bool {
	return v.Rule == policy.KeyVolumes && slices.ContainsFunc(standard, func(s evaluate.Violation) bool {
		return (s.Check == spec.CheckHostPathVolumes || s.Check == spec.CheckRestrictedVolumes) && s.Index == v.Index
	})
}

// onlyDemands holds a policy that grants nothing to that: all that the standard finds
// stands, and nothing is excused.
func onlyDemands(t *rapid.T, r, without evaluate.Result) {
	standard, _ := parted(r.Violations)
	if diff := cmp.Diff(places(without.Violations), places(standard)); diff != "" || len(r.Excused) > 0 {
		t.Errorf("%d are excused; of the standard (-without +under the policy):\n%s", len(r.Excused), diff)
	}
}

// TestAnExpiredPolicyOnlyDemands: of what the standard finds an expired policy
// excuses nothing, and it demands what it demanded; so that it lets no pod run which
// plain restricted, or the level alone, would deny as it is then stored. No container
// gets user ID 0 by it.
func TestAnExpiredPolicyOnlyDemands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p, lv := podgen.Pod().Draw(t, "pod"), podgen.Policy().Draw(t, "policy"), drawLevel(t)
		p.Expires = podgen.Day
		selectEvery(&p)
		set := newSet(t, []policy.Policy{p})
		r := evaluate.Evaluate(pod, lv, set.At(after))
		if !r.Policy.Expired || len(r.Notices) != 1 || r.Notices[0].Reason != policy.NoticeExpired {
			t.Fatalf("governed by %+v, with notices %v", r.Policy, r.Notices)
		}
		onlyDemands(t, r, evaluate.Evaluate(pod, lv, policy.Set{}))
		_, demanded := parted(evaluate.Evaluate(pod, lv, set.At(before)).Violations)
		standard, own := parted(r.Violations)
		for i := range demanded {
			if _, found := find(own, &demanded[i]); !found && !refusesVolume(standard, &demanded[i]) {
				t.Errorf("it demands no more: %s", demanded[i])
			}
		}
		d := podfence.Admit(pod, lv, set.At(after))
		if d.Allowed() && !podfence.Admit(d.Pod, lv, policy.Set{}).Allowed() {
			t.Error("an expired policy allows what is denied without it")
		}
		for _, c := range d.Report.Changes() {
			if c.Field.Short() == "runAsUser" && c.Value == int64(0) {
				t.Errorf("filled in: %s", c)
			}
		}
	})
}

// TestExpiryAllowsNothing: what time does to a set of policies never turns denied
// into allowed, and without a time all is as before it.
func TestExpiryAllowsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv := podgen.Pod().Draw(t, "pod"), drawLevel(t)
		policies := drawPolicies(t)
		if rapid.Bool().Draw(t, "default policy") {
			policies = append(policies, podgen.DefaultPolicy().Draw(t, "default"))
		}
		set := newSet(t, policies)
		earlier, later := set.At(before), set.At(after)
		if podfence.Admit(pod, lv, later).Allowed() && !podfence.Admit(pod, lv, earlier).Allowed() {
			t.Error("Admit allows it once a policy has expired, and not before")
		}
		if evaluate.Evaluate(pod, lv, later).Allowed() && !evaluate.Evaluate(pod, lv, earlier).Allowed() {
			t.Error("Evaluate allows it once a policy has expired, and not before")
		}
		timeless := podfence.Admit(pod, lv, set)
		same(t, "without a time", jsonText(t, unnoticedDecision(podfence.Admit(pod, lv, earlier))), jsonText(t, unnoticedDecision(timeless)))
	})
}

func unnoticedDecision(d podfence.Decision) podfence.Decision {
	d.Result.Notices = nil
	return d
}

// TestADefaultPolicyAllowsNoMore: with a default policy in the set, every pod that is
// allowed is allowed without it too, as it is and as it is filled in; it excuses
// nothing, governs no pod that another policy selects, and once it has filled a pod
// in, fills in nothing more.
func TestADefaultPolicyAllowsNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv := podgen.Pod().Draw(t, "pod"), drawLevel(t)
		policies := drawPolicies(t)
		without := newSet(t, policies)
		with := newSet(t, append(policies, podgen.DefaultPolicy().Draw(t, "default")))
		r, d := evaluate.Evaluate(pod, lv, with), podfence.Admit(pod, lv, with)
		if r.Allowed() && !evaluate.Evaluate(pod, lv, without).Allowed() {
			t.Error("Evaluate allows it with the default policy alone")
		}
		if d.Allowed() && !podfence.Admit(pod, lv, without).Allowed() {
			t.Error("Admit allows it with the default policy alone")
		}
		selected := len(without.Governing(pod.Namespace, pod.Labels)) > 0
		byDefault := r.Policy != nil && r.Policy.Default
		if (d.Reason == podfence.DefaultPolicy) != byDefault || byDefault && selected {
			t.Errorf("selected: %v, governed by default: %v, because %s", selected, byDefault, d.Reason)
		}
		if !byDefault {
			same(t, "where it does not govern", jsonText(t, podfence.Admit(pod, lv, without)), jsonText(t, d))
			return
		}
		onlyDemands(t, r, evaluate.Evaluate(pod, lv, policy.Set{}))
		if again := podfence.Admit(d.Pod, lv, with); again.Report.Changed() || again.Allowed() != d.Allowed() {
			t.Errorf("again: %s", again.Report.Patch())
		}
	})
}
