package laws

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/restated"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// mutated is a pod under a policy, nil for the default one, and what Mutate makes
// of it, to be held against the laws.
func mutated(pod *corev1.Pod, p *policy.Policy) *laws {
	filled, report := mutate.Mutate(pod, p)
	if p == nil {
		p = policy.Default()
	}
	return &laws{Case: restated.Case{Pod: pod, Filled: filled, Policy: p}, report: report}
}

// kept fails for every law that was found to be broken.
func (l *laws) kept(t *rapid.T) {
	for _, broken := range l.broken {
		t.Error(broken)
	}
}

// TestWhatRemainsIsTheAuthors is law 1: what Evaluate still finds after Mutate
// was set by the pod's author, or is in the report with the reason why no
// mutation may supply it: what the author set elsewhere, and never the policy.
func TestWhatRemainsIsTheAuthors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), drawPolicy(t)
		lv := drawLevelFor(t, pod)
		l := mutated(pod, p)
		l.remains(lv, under(l.Filled, lv, p).Violations)
		l.kept(t)
	})
}

// TestFillsAreWanted is the table of the design: what Mutate fills was unset, is
// what the policy wants there, and is nothing for which Kubernetes refuses the
// pod; each reason to leave a field is true; and no field is forgotten.
func TestFillsAreWanted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := mutated(podgen.Pod().Draw(t, "pod"), drawPolicy(t))
		l.fills()
		l.kept(t)
	})
}

// TestNothingSetIsAllowed is the other half of law 1: a pod whose author set no
// security field at all is allowed once it is filled, under every policy.
func TestNothingSetIsAllowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		generated := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		pod := unsetAll(generated)
		lv := drawLevelFor(t, pod)
		filled, _ := mutate.Mutate(pod, &p)
		if r := under(filled, lv, &p); !r.Allowed() {
			t.Errorf("denied: %s", r.Message())
		}
		if r := podfence.Admit(pod, lv, policy.Set{}); !r.Allowed() {
			t.Errorf("denied without policies: %s", r.Result.Message())
		}
	})
}

// unsetAll is the pod with names, kinds of container, OS and a user namespace of its
// own only; that of the host, said aloud, is what a policy may be against.
func unsetAll(pod *corev1.Pod) *corev1.Pod {
	bare := &corev1.Pod{}
	bare.Spec.OS = pod.Spec.OS
	if spec.InUserNamespace(&pod.Spec) {
		bare.Spec.HostUsers = pod.Spec.HostUsers
	}
	for _, c := range pod.Spec.InitContainers {
		bare.Spec.InitContainers = append(bare.Spec.InitContainers, corev1.Container{Name: c.Name})
	}
	for _, c := range pod.Spec.Containers {
		empty := corev1.Container{Name: c.Name, SecurityContext: &corev1.SecurityContext{}}
		bare.Spec.Containers = append(bare.Spec.Containers, empty)
	}
	for _, c := range pod.Spec.EphemeralContainers {
		e := corev1.EphemeralContainer{}
		e.Name = c.Name
		bare.Spec.EphemeralContainers = append(bare.Spec.EphemeralContainers, e)
	}
	return bare
}

// TestMutateAddsNoViolation is law 5: what Evaluate finds after Mutate it found
// before, at every level and version, under the policy that filled the pod. The
// standard alone, which knows no policy, finds more only where the policy has
// containers run as root.
func TestMutateAddsNoViolation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), drawPolicy(t)
		lv := drawLevel(t)
		l := mutated(pod, p)
		l.addsNone(lv, under(pod, lv, p).Violations, under(l.Filled, lv, p).Violations)
		l.kept(t)
		before := under(pod, lv, nil).Violations
		for _, v := range under(l.Filled, lv, nil).Violations {
			_, stood := find(before, &v)
			if named := v.Check == spec.CheckRunAsUser && l.changed(v.Location); !stood && !named {
				t.Errorf("without the policy, only after Mutate: %s", v)
			}
		}
	})
}

// TestExceptionsOnlyExcuseAndDemand is law 6: an exception removes only
// violations that it grants, and all of these, and adds only what its own rules
// name; without one the verdict is Pod Security Admission's (package evaluate's
// TestConformance and TestMessageIsUpstreams). What is granted and demanded is
// said by the tables of package restated.
func TestExceptionsOnlyExcuseAndDemand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		l := &laws{Case: restated.Case{Pod: pod, Policy: &p}}
		r := under(pod, lv, &p)
		l.excused(lv, evaluate.Evaluate(pod, lv, policy.Set{}).Violations, &r)
		l.demanded(lv, l.Case, l.Demands(), r.Violations)
		l.kept(t)
	})
}
