package podfence_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

var levels = []api.Level{api.LevelBaseline, api.LevelRestricted}

func drawLevel(t *rapid.T) api.LevelVersion {
	version := api.LatestVersion()
	if minor := rapid.IntRange(0, spec.Newest.Minor()+1).Draw(t, "minor"); minor <= spec.Newest.Minor() {
		version = api.MajorMinorVersion(1, minor)
	}
	return api.LevelVersion{Level: rapid.SampledFrom(levels).Draw(t, "level"), Version: version}
}

// TestWhatRemainsIsTheAuthors is law 1: what Evaluate still finds after Mutate
// was set by the pod's author, or is in the report with the reason why no
// mutation may supply it.
func TestWhatRemainsIsTheAuthors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		if judgedOtherwise(pod, lv.Version) {
			t.Skip("the old version judges such pods otherwise")
		}
		filled, report := mutate.Mutate(pod, &p)
		changed, unset := map[string]bool{}, map[string]bool{}
		for _, c := range report.Changes {
			changed[c.Location.String()] = true
		}
		for _, u := range report.Unset {
			unset[u.Location.String()] = true
		}
		r := evaluate.Under(&filled.ObjectMeta, &filled.Spec, lv, &p)
		for _, v := range r.Violations {
			switch at := v.Location.String(); {
			case changed[at]:
				t.Errorf("Mutate filled what Evaluate refuses: %s", v.String())
			case v.Value == nil && !unset[at]:
				t.Errorf("neither filled nor in the report: %s", v.String())
			}
		}
	})
}

// judgedOtherwise: Windows pods below v1.25 and pods in a user namespace below
// v1.35 were held to what they cannot or need not have.
func judgedOtherwise(pod *corev1.Pod, v api.Version) bool {
	return spec.IsWindows(&pod.Spec) && v.Older(api.MajorMinorVersion(1, 25)) ||
		spec.InUserNamespace(&pod.Spec) && v.Older(api.MajorMinorVersion(1, 35))
}

// TestNothingSetIsAllowed is the other half of law 1: a pod whose author set no
// security field at all is allowed once it is filled, under every policy.
func TestNothingSetIsAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		generated := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		pod := unsetAll(generated)
		if judgedOtherwise(pod, lv.Version) {
			t.Skip("the old version judges such pods otherwise")
		}
		filled, _ := mutate.Mutate(pod, &p)
		if r := evaluate.Under(&filled.ObjectMeta, &filled.Spec, lv, &p); !r.Allowed() {
			t.Errorf("denied: %s", r.Message())
		}
		if r := podfence.Admit(pod, lv, policy.Set{}); !r.Allowed() {
			t.Errorf("denied without policies: %s", r.Result.Message())
		}
	})
}

// unsetAll is the pod with names, kinds of container and OS only.
func unsetAll(pod *corev1.Pod) *corev1.Pod {
	bare := &corev1.Pod{}
	bare.Spec.OS, bare.Spec.HostUsers = pod.Spec.OS, pod.Spec.HostUsers
	for _, c := range pod.Spec.InitContainers {
		bare.Spec.InitContainers = append(bare.Spec.InitContainers, corev1.Container{Name: c.Name})
	}
	for _, c := range pod.Spec.Containers {
		bare.Spec.Containers = append(bare.Spec.Containers, corev1.Container{Name: c.Name, SecurityContext: &corev1.SecurityContext{}})
	}
	for _, c := range pod.Spec.EphemeralContainers {
		e := corev1.EphemeralContainer{}
		e.Name = c.Name
		bare.Spec.EphemeralContainers = append(bare.Spec.EphemeralContainers, e)
	}
	return bare
}

// TestMutateAddsNoViolation is law 5: what Evaluate finds after Mutate it found
// before, at every level and version, under the policy that filled the pod.
func TestMutateAddsNoViolation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		filled, _ := mutate.Mutate(pod, &p)
		before := map[string]bool{}
		for _, v := range evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, &p).Violations {
			before[v.CheckOrRule()+v.Location.String()] = true
		}
		for _, v := range evaluate.Under(&filled.ObjectMeta, &filled.Spec, lv, &p).Violations {
			if !before[v.CheckOrRule()+v.Location.String()] {
				t.Errorf("only after Mutate: %s", v.String())
			}
		}
	})
}

// TestExceptionsOnlyExcuseAndDemand is law 6: an exception removes only
// violations that its grants cover and adds only what its own rules name;
// without one the verdict is Pod Security Admission's (package evaluate's
// TestConformance and TestMessageIsUpstreams).
func TestExceptionsOnlyExcuseAndDemand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		standard := map[string]bool{}
		for _, v := range evaluate.Evaluate(pod, lv, policy.Set{}).Violations {
			standard[v.CheckOrRule()+v.Location.String()] = true
		}
		for _, v := range evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, &p).Violations {
			if v.Rule == "" && !standard[v.CheckOrRule()+v.Location.String()] {
				t.Errorf("the exception added %s", v.String())
			}
		}
		grantless := p.DeepCopy()
		grantless.Allow, grantless.Mutations = policy.Allow{Volumes: []string{"*"}}, policy.Mutations{}
		if r := evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, grantless); len(r.Excused) > 0 && !allVolumes(r.Excused) {
			t.Errorf("a policy that grants volumes alone excused %v", r.Excused)
		}
	})
}

func allVolumes(vs []evaluate.Violation) bool {
	for _, v := range vs {
		if v.Check != spec.CheckRestrictedVolumes {
			return false
		}
	}
	return true
}

// TestAdmitByHand: Admit's answer is what its steps give when done by hand.
func TestAdmitByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		lv := drawLevel(t)
		lv.Level = api.LevelRestricted
		set := drawSet(t)
		before := pod.DeepCopy()
		d := podfence.Admit(pod, lv, set)
		if !equality.Semantic.DeepEqual(before, pod) {
			t.Error("Admit changed its input")
		}
		governing := set.Governing(pod.Namespace, pod.Labels)
		if len(governing) == 0 {
			if d.Reason != podfence.NoPolicy || d.Result.Policy != nil {
				t.Errorf("reason %q and policy %q where none governs", d.Reason, d.Result.PolicyName())
			}
			return
		}
		var asIs, filled, least *policy.Policy
		fewest := 0
		for _, p := range governing {
			out, report := mutate.Mutate(pod, p)
			r := evaluate.Under(&out.ObjectMeta, &out.Spec, lv, p)
			if r.Allowed() && !report.Changed() && asIs == nil {
				asIs = p
			}
			if r.Allowed() && filled == nil {
				filled = p
			}
			if least == nil || len(r.Violations) < fewest {
				least, fewest = p, len(r.Violations)
			}
		}
		want, reason := least, podfence.Closest
		if filled != nil {
			want, reason = filled, podfence.AllowedFilled
		}
		if asIs != nil {
			want, reason = asIs, podfence.AllowedAsItIs
		}
		if d.Result.Policy != want || d.Reason != reason {
			t.Errorf("governed by %q (%s), want %q (%s)", d.Result.PolicyName(), d.Reason, want.Name, reason)
		}
		out, _ := mutate.Mutate(pod, want)
		if !equality.Semantic.DeepEqual(out, d.Pod) {
			t.Error("the pod is not the one that Mutate makes under the governing policy")
		}
	})
}

func drawSet(t *rapid.T) policy.Set {
	policies := rapid.SliceOfNDistinct(podgen.Policy(), 0, 4, func(p policy.Policy) string { return p.Name + "/" + p.Namespace }).Draw(t, "policies")
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
