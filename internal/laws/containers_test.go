package laws

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/restated"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// drawEntries draws a policy that has entries for single containers.
func drawEntries(t *rapid.T) policy.Policy {
	return podgen.Policy().Filter(func(p policy.Policy) bool { return len(p.Containers) > 0 }).Draw(t, "policy")
}

// TestEntriesAreMonotone: an entry added never turns allowed into denied, and one
// removed never lets pass what it did not: neither for the pod as it stands, nor for
// what Admit makes of it.
func TestEntriesAreMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, more, lv := podgen.Pod().Draw(t, "pod"), drawEntries(t), drawLevel(t)
		less := more.DeepCopy()
		i := rapid.IntRange(0, len(less.Containers)-1).Draw(t, "entry")
		less.Containers = slices.Delete(less.Containers, i, i+1)
		remaining := map[string]bool{}
		for _, v := range under(pod, lv, less).Violations {
			remaining[place(v)] = true
		}
		for _, v := range under(pod, lv, &more).Violations {
			if !remaining[place(v)] {
				t.Errorf("stands only with the entry: %s", v)
			}
		}
		if admitted := admitUnder(t, pod, lv, &more); !admitted.Allowed() && admitUnder(t, pod, lv, less).Allowed() {
			t.Errorf("admitted only without the entry; with it: %s", admitted.Result.Message())
		}
	})
}

// TestEntriesReachNoOtherContainer: what an entry excuses is of a container that it
// matches, or of the pod where entries or the policy cover all that inherit it; and a
// container that it does not match is judged and filled as if the entry were not there.
func TestEntriesReachNoOtherContainer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p, lv := podgen.Pod().Draw(t, "pod"), drawEntries(t), drawLevel(t)
		c := restated.Case{Pod: pod, Policy: &p}
		last := len(p.Containers) - 1
		without := p.DeepCopy()
		without.Containers = without.Containers[:last]
		outside := func(at spec.Container) bool { return at.Kind != 0 && !c.Matches(&p.Containers[last], at) }
		with := under(pod, lv, &p)
		for _, v := range with.Excused {
			if by := v.ExcusedBy.Container; by != 0 && v.Container.Kind != 0 && !c.Matches(&p.Containers[by-1], v.Container) {
				t.Errorf("excused by an entry of other containers: %s", v)
			}
			if by := v.ExcusedBy.Container; by != 0 && !slices.ContainsFunc(c.Reached(v.Location), func(at spec.Container) bool { return c.Matches(&p.Containers[by-1], at) }) {
				t.Errorf("excused by an entry that matches nobody who inherits it: %s", v)
			}
		}
		judged := func(r evaluate.Result) (places []string) {
			for _, v := range r.Violations {
				if outside(v.Container) {
					places = append(places, place(v))
				}
			}
			return places
		}
		if diff := cmp.Diff(judged(under(pod, lv, without)), judged(with)); diff != "" {
			t.Errorf("violations of containers that the entry does not match (-without +with):\n%s", diff)
		}
		filled := func(p *policy.Policy) (changes []mutate.Change) {
			_, report := mutate.Mutate(pod, p)
			for _, change := range report.Changes() {
				if change.Container.Kind == 0 || outside(change.Container) {
					changes = append(changes, change)
				}
			}
			return changes
		}
		if a, b := filled(without), filled(&p); !reflect.DeepEqual(a, b) {
			t.Errorf("filled without the entry: %v; with it: %v", a, b)
		}
	})
}

// TestEntriesOfNobody: a pod without a container that an entry matches is judged,
// filled and admitted as if the entry were not there.
func TestEntriesOfNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p, lv := podgen.Pod().Draw(t, "pod"), drawEntries(t), drawLevel(t)
		for i := range p.Containers {
			p.Containers[i].Names = []string{"nobody-*"}
		}
		without := p.DeepCopy()
		without.Containers = nil
		a, b := under(pod, lv, without), under(pod, lv, &p)
		a.Policy, b.Policy = nil, nil
		if !reflect.DeepEqual(a, b) {
			t.Errorf("judged (-without +with):\n%s", cmp.Diff(a.Record(), b.Record()))
		}
		one, reportOne := mutate.Mutate(pod, without)
		two, reportTwo := mutate.Mutate(pod, &p)
		if !reflect.DeepEqual(one, two) || !reflect.DeepEqual(reportOne.Changes(), reportTwo.Changes()) || !reflect.DeepEqual(reportOne.Unset(), reportTwo.Unset()) {
			t.Errorf("filled (-without +with):\n%s", cmp.Diff(reportOne.Record(), reportTwo.Record()))
		}
		if x, y := admitUnder(t, pod, lv, without), admitUnder(t, pod, lv, &p); x.Allowed() != y.Allowed() || x.Reason != y.Reason {
			t.Errorf("admitted without: %v (%s), with: %v (%s)", x.Allowed(), x.Reason, y.Allowed(), y.Reason)
		}
	})
}

// TestOrderOfEntriesChangesNothing: what stands, what is excused and what is filled in.
func TestOrderOfEntriesChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p, lv := podgen.Pod().Draw(t, "pod"), drawEntries(t), drawLevel(t)
		turned := p.DeepCopy()
		turned.Containers = rapid.Permutation(turned.Containers).Draw(t, "order")
		a, b := under(pod, lv, &p), under(pod, lv, turned)
		for _, r := range []*evaluate.Result{&a, &b} {
			r.Policy = nil
			for i := range r.Excused { // which of several entries is named may change
				r.Excused[i].ExcusedBy = policy.Entry{}
			}
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("judged (-before +after):\n%s", cmp.Diff(a.Record(), b.Record()))
		}
		one, _ := mutate.Mutate(pod, &p)
		two, _ := mutate.Mutate(pod, turned)
		if !reflect.DeepEqual(one, two) {
			t.Errorf("filled (-before +after):\n%s", cmp.Diff(one, two))
		}
	})
}

// TestEntryForAllIsThePolicys: an entry that matches every container of the pod grants
// what the policy would grant with the same keys of its own, for what is the containers'.
func TestEntryForAllIsThePolicys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p, lv := podgen.Pod().Draw(t, "pod"), podgen.Policy().Draw(t, "policy"), drawLevel(t)
		a := &p.Allow
		e := policy.ContainerEntry{
			Kinds: policy.ContainerKinds(),
			Allow: policy.ContainerAllow{
				AllowPrivilegeEscalation: a.AllowPrivilegeEscalation, Privileged: a.Privileged, AllowedCapabilities: a.AllowedCapabilities,
				SeccompProfiles: a.SeccompProfiles, AppArmorProfiles: a.AppArmorProfiles, ProcMounts: a.ProcMounts,
				SELinuxOptions: a.SELinuxOptions, WindowsHostProcess: a.WindowsHostProcess, AllowedProbeHosts: a.AllowedProbeHosts,
				AllowedHostPorts: a.AllowedHostPorts,
			},
			Mutations: policy.ContainerMutations{
				DropAllCapabilities: p.Mutations.DropAllCapabilities, SetDefaultSeccompProfile: p.Mutations.SetDefaultSeccompProfile,
			},
		}
		p.Containers = nil
		entries := p.DeepCopy()
		b := &entries.Allow
		b.AllowPrivilegeEscalation, b.Privileged, b.AllowedCapabilities, b.SeccompProfiles, b.AppArmorProfiles = false, false, nil, nil, nil
		b.ProcMounts, b.SELinuxOptions, b.WindowsHostProcess, b.AllowedProbeHosts, b.AllowedHostPorts = nil, false, false, nil, nil
		entries.Mutations.DropAllCapabilities, entries.Mutations.SetDefaultSeccompProfile = nil, nil
		entries.Containers = []policy.ContainerEntry{e}
		c := restated.Case{Pod: pod, Policy: entries}
		byPolicy, byEntry := under(pod, lv, &p).Violations, under(pod, lv, entries).Violations
		among := func(list []evaluate.Violation, v evaluate.Violation) bool {
			return slices.ContainsFunc(list, func(other evaluate.Violation) bool { return place(other) == place(v) })
		}
		for _, v := range byPolicy {
			if !among(byEntry, v) {
				t.Errorf("excused by the entry alone: %s", v)
			}
		}
		for _, v := range byEntry {
			// A value of the pod that nobody inherits is nobody's.
			if !among(byPolicy, v) && len(c.Reached(v.Location)) > 0 {
				t.Errorf("excused by the policy alone: %s", v)
			}
		}
		one, _ := mutate.Mutate(pod, &p)
		two, _ := mutate.Mutate(pod, entries)
		if diff := cmp.Diff(one, two, cmp.Comparer(func(a, b *corev1.Pod) bool { return reflect.DeepEqual(a, b) })); diff != "" {
			t.Errorf("filled (-by the policy +by the entry):\n%s", diff)
		}
	})
}
