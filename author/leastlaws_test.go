package author

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// drawWorkloads draws a few pods, of which some have the same labels.
func drawWorkloads(t *rapid.T) []Workload {
	return rapid.Custom(func(t *rapid.T) []Workload {
		list := make([]Workload, rapid.IntRange(1, 4).Draw(t, "pods"))
		for i := range list {
			pod := podgen.Pod().Draw(t, "pod")
			pod.Name = fmt.Sprintf("pod-%d", i)
			list[i] = Workload{Kind: "Pod", Name: pod.Name, Workload: podfence.Workload{Namespace: pod.Namespace, Pod: pod}}
		}
		return list
	}).Draw(t, "workloads")
}

func drawLevel(t *rapid.T) api.LevelVersion {
	return api.LevelVersion{
		Level:   rapid.SampledFrom([]api.Level{api.LevelRestricted, api.LevelRestricted, api.LevelBaseline, api.LevelPrivileged}).Draw(t, "level"),
		Version: rapid.SampledFrom([]api.Version{api.LatestVersion(), api.MajorMinorVersion(1, 24), api.MajorMinorVersion(1, 8)}).Draw(t, "version"),
	}
}

func drawOptions(t *rapid.T) Options {
	return Options{Tight: rapid.Bool().Draw(t, "tight"), WholePod: rapid.Bool().Draw(t, "whole pod"), PerWorkload: rapid.Bool().Draw(t, "per workload")}
}

// fataler is *rapid.T and *testing.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func least(t fataler, workloads []Workload, lv api.LevelVersion, o Options) Suggestion {
	t.Helper()
	s, err := Least(workloads, lv, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

func (s *Suggestion) set(t fataler, change func(i int, p *policy.Policy)) policy.Set {
	t.Helper()
	var all []policy.Policy
	for i := range s.Policies {
		p := s.Policies[i].Policy.DeepCopy()
		change(i, p)
		all = append(all, *p)
	}
	set, err := policy.NewSet(all...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return set
}

func unchanged(int, *policy.Policy) {}

// denied are the workloads that a set denies, but for those that no policy allows.
func (s *Suggestion) denied(workloads []Workload, lv api.LevelVersion, set policy.Set) (names []string) {
	for i := range workloads {
		w := &workloads[i]
		unmet := slices.ContainsFunc(s.Unmet, func(u Unmet) bool { return u.Workload == w.reference() })
		if !unmet && !w.Admit(lv, set).Allowed() {
			names = append(names, w.Name)
		}
	}
	return names
}

// grantingAll is a policy that grants all that a policy may grant.
func grantingAll() *policy.Policy {
	no := false
	p := &policy.Policy{PodSelectorLabels: placeholder}
	for _, row := range policy.GrantTypes() {
		if row.Condition == policy.Given {
			policy.Grant{Key: row.Key, Value: true}.AddTo(p)
		}
	}
	a := &p.Allow
	a.AllowedCapabilities, a.AllowedUnsafeSysctls = []string{"*"}, []string{"*"}
	a.AllowedHostPaths = []policy.HostPath{{PathPrefix: "/"}}
	for drive := 'A'; drive <= 'Z'; drive++ {
		a.AllowedHostPaths = append(a.AllowedHostPaths, policy.HostPath{PathPrefix: string(drive) + `:\`})
	}
	a.RunAsUser.Rule, a.Volumes = policy.RunAsAny, []string{"*"}
	a.SeccompProfiles, a.AppArmorProfiles, a.ProcMounts = []string{"Unconfined"}, []string{"Unconfined"}, []string{"Unmasked"}
	p.Mutations.DropAllCapabilities, p.Mutations.SetDefaultSeccompProfile = &no, &no
	return p
}

// TestLeastAllows: every workload is allowed under the policies, but for those that it
// names; and of these it is true.
func TestLeastAllows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workloads, lv, o := drawWorkloads(t), drawLevel(t), drawOptions(t)
		s := least(t, workloads, lv, o)
		if denied := s.denied(workloads, lv, s.set(t, unchanged)); len(denied) > 0 {
			t.Fatalf("denied: %v", denied)
		}
		if !s.Proof.Holds() || s.Proof.Admitted+len(s.Unmet) != s.Workloads || s.Workloads != len(workloads) {
			t.Fatalf("the proof says %+v of %d workloads, %d unmet", s.Proof, s.Workloads, len(s.Unmet))
		}
		for _, u := range s.Unmet {
			i := slices.IndexFunc(workloads, func(w Workload) bool { return w.reference() == u.Workload })
			w := &workloads[i]
			if w.AdmitUnder(lv, nil).Allowed() && len(s.set(t, unchanged).Governing(w.namespace(), w.labels())) == 0 {
				t.Fatalf("%s needs no policy and is unmet", u.Workload)
			}
			all := grantingAll()
			listWords(all, lv, w)
			switch allowed := w.AdmitUnder(lv, all).Allowed(); {
			case u.Reason == NoLabel && len(stableLabels(w.labels())) > 0:
				t.Fatalf("%s has labels", u.Workload)
			case u.Reason == NoGrant && allowed && !severalSources(w):
				t.Fatalf("%s: a policy could allow it: %v", u.Workload, u.Fields)
			}
		}
	})
}

// listWords lists the capabilities, sysctls and hosts that a workload names, as far as a
// policy may name them: what only a pattern covers, as "*" does, no smallest grant is for.
func listWords(p *policy.Policy, lv api.LevelVersion, w *Workload) {
	a := &p.Allow
	a.AllowedCapabilities, a.AllowedUnsafeSysctls = nil, nil
	for _, v := range w.AdmitUnder(lv, nil).Result.Violations {
		word, isWord := v.Value.(string)
		list := map[spec.Field]*[]string{spec.FieldCapabilitiesAdd: &a.AllowedCapabilities, spec.FieldSysctl: &a.AllowedUnsafeSysctls}[v.Field]
		if v.Check == spec.CheckHostProbesAndHostLifecycle {
			list = &a.AllowedProbeHosts
		}
		if !isWord || list == nil || word == "*" || strings.HasSuffix(word, "*") {
			continue
		}
		if *list = append(*list, word); p.Validate() != nil {
			*list = (*list)[:len(*list)-1]
		}
	}
}

// severalSources reports whether a volume has two sources, which the API refuses: no
// single grant excuses them.
func severalSources(w *Workload) bool {
	return slices.ContainsFunc(w.spec().Volumes, func(v corev1.Volume) bool {
		n := 0
		for range spec.SourcesOf(&v).Types() {
			n++
		}
		return n > 1
	})
}

// smaller are the policies just below one, written a second time: each grant is removed
// or narrowed by what it says alone.
func smaller(p *policy.Policy, defaults bool) (list []*policy.Policy) {
	less := func(change func(*policy.Policy)) {
		q := p.DeepCopy()
		change(q)
		if !reflect.DeepEqual(p, q) {
			list = append(list, q)
		}
	}
	less(func(q *policy.Policy) { q.Allow.AllowPrivilegeEscalation = false })
	less(func(q *policy.Policy) { q.Allow.Privileged = false })
	less(func(q *policy.Policy) { q.Allow.HostNetwork = false })
	less(func(q *policy.Policy) { q.Allow.HostPID = false })
	less(func(q *policy.Policy) { q.Allow.HostIPC = false })
	less(func(q *policy.Policy) { q.Allow.SELinuxOptions = false })
	less(func(q *policy.Policy) { q.Allow.WindowsHostProcess = false })
	less(func(q *policy.Policy) { q.Mutations = policy.Mutations{} })
	less(func(q *policy.Policy) { q.Mutations.DropAllCapabilities = nil })
	less(func(q *policy.Policy) { q.Mutations.SetDefaultSeccompProfile = nil })
	for _, words := range []func(*policy.Policy) *[]string{
		func(q *policy.Policy) *[]string { return &q.Allow.AllowedCapabilities },
		func(q *policy.Policy) *[]string { return &q.Allow.AllowedUnsafeSysctls },
		func(q *policy.Policy) *[]string { return &q.Allow.AllowedProbeHosts },
		func(q *policy.Policy) *[]string { return &q.Allow.SeccompProfiles },
		func(q *policy.Policy) *[]string { return &q.Allow.AppArmorProfiles },
		func(q *policy.Policy) *[]string { return &q.Allow.ProcMounts },
		func(q *policy.Policy) *[]string { return &q.Allow.Volumes },
	} {
		for i, word := range *words(p) {
			if !defaults || words(p) != &p.Allow.Volumes || !slices.Contains(policy.DefaultVolumes(), word) {
				less(func(q *policy.Policy) { *words(q) = slices.Delete(*words(q), i, i+1) })
			}
		}
	}
	for i, h := range p.Allow.AllowedHostPaths {
		less(func(q *policy.Policy) { q.Allow.AllowedHostPaths = slices.Delete(q.Allow.AllowedHostPaths, i, i+1) })
		less(func(q *policy.Policy) { q.Allow.AllowedHostPaths[i].ReadOnly = true })
		less(func(q *policy.Policy) { q.Allow.AllowedHostPaths[i].PathPrefix = h.PathPrefix + "/pods" })
	}
	for i, r := range p.Allow.AllowedHostPorts {
		less(func(q *policy.Policy) { q.Allow.AllowedHostPorts = slices.Delete(q.Allow.AllowedHostPorts, i, i+1) })
		if r.Min < r.Max {
			less(func(q *policy.Policy) { q.Allow.AllowedHostPorts[i].Min++ })
			less(func(q *policy.Policy) { q.Allow.AllowedHostPorts[i].Max-- })
		}
	}
	for i := range p.Containers {
		less(func(q *policy.Policy) { q.Containers = slices.Delete(q.Containers, i, i+1) })
		part := p.Containers[i].Part()
		part.PodSelectorLabels = placeholder
		for _, narrower := range smaller(&part, true) {
			less(func(q *policy.Policy) { q.Containers[i].Take(narrower) })
		}
	}
	if rule := p.Allow.RunAsUser; rule.Rule == policy.RunAsAny || policy.InRanges(rule.Ranges, 0) {
		less(func(q *policy.Policy) { q.Allow.RunAsUser = policy.UserRule{} })
	}
	if ranges := p.Allow.RunAsUser.Ranges; len(ranges) > 1 {
		for i := range ranges {
			less(func(q *policy.Policy) { q.Allow.RunAsUser.Ranges = slices.Delete(q.Allow.RunAsUser.Ranges, i, i+1) })
		}
	}
	return list
}

// TestLeastIsMinimal: under any smaller policy at least one workload is denied.
func TestLeastIsMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workloads, lv, o := drawWorkloads(t), drawLevel(t), drawOptions(t)
		s := least(t, workloads, lv, o)
		tried := 0
		for i := range s.Policies {
			for _, less := range smaller(&s.Policies[i].Policy, !o.Tight) {
				tried++
				if less.Validate() != nil {
					continue
				}
				set := s.set(t, func(j int, p *policy.Policy) {
					if i == j {
						*p = *less
					}
				})
				if len(s.denied(workloads, lv, set)) == 0 {
					t.Fatalf("a smaller policy will do (-suggested +smaller):\n%s", cmp.Diff(s.Policies[i].Policy, *less))
				}
			}
		}
		if tried > 0 && len(s.Proof.Steps) == 0 {
			t.Fatalf("%d smaller policies, and the proof has no step", tried)
		}
		for _, step := range s.Proof.Steps {
			if step.Refuses.Name == "" || step.Policy == "" || step.Change == "" {
				t.Fatalf("a step of the proof: %+v", step)
			}
		}
	})
}

// TestLeastIsAFunctionOfTheSet: order and repetition of workloads change nothing, and
// what is asked twice is answered the same. Workloads are not changed.
func TestLeastIsAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workloads, lv, o := drawWorkloads(t), drawLevel(t), drawOptions(t)
		var before []Workload
		for _, w := range workloads {
			before = append(before, Workload{Kind: w.Kind, Name: w.Name, Workload: podfence.Workload{Namespace: w.Namespace, Pod: w.Pod.DeepCopy()}})
		}
		s := least(t, workloads, lv, o)
		again := append(rapid.Permutation(before).Draw(t, "order"), before[rapid.IntRange(0, len(before)-1).Draw(t, "again")])
		// cmp takes more than half of the time where it is asked first.
		if after := least(t, again, lv, o); !reflect.DeepEqual(s, after) {
			t.Fatalf("in another order, one twice (-before +after):\n%s", cmp.Diff(s, after, cmp.AllowUnexported(api.Version{})))
		}
		for i := range workloads {
			if !reflect.DeepEqual(before[i].Pod, workloads[i].Pod) {
				t.Fatalf("a workload was changed:\n%s", cmp.Diff(before[i].Pod, workloads[i].Pod))
			}
		}
	})
}

// TestAllowedNeedNothing: workloads that are allowed need no policy.
func TestAllowedNeedNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lv, o := drawLevel(t), drawOptions(t)
		workloads := slices.DeleteFunc(drawWorkloads(t), func(w Workload) bool { return !w.Admit(lv, policy.Set{}).Allowed() })
		s := least(t, workloads, lv, o)
		if len(s.Policies)+len(s.Unmet)+len(s.Remarks)+len(s.Proof.Steps) > 0 || s.Allowed != len(workloads) {
			t.Fatalf("%d allowed workloads need %+v", len(workloads), s)
		}
	})
}
