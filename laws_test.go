package podfence_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
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
		lv := drawLevelFor(t, pod)
		filled, report := mutate.Mutate(pod, &p)
		changed, unset := map[string]bool{}, map[string]bool{}
		for _, c := range report.Changes() {
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

// drawLevelFor draws a level of which law 1 speaks for the pod: at a version that
// judges it otherwise, the latest one takes its place.
func drawLevelFor(t *rapid.T, pod *corev1.Pod) api.LevelVersion {
	lv := drawLevel(t)
	if judgedOtherwise(pod, lv.Version) {
		lv.Version = api.LatestVersion()
	}
	return lv
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
		pod := unsetAll(generated)
		lv := drawLevelFor(t, pod)
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
			if v.Rule == 0 && !standard[v.CheckOrRule()+v.Location.String()] {
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

// TestRestrictedImpliesBaseline: what restricted allows, baseline allows at the
// same version, but for two anomalies of the standard itself.
func TestRestrictedImpliesBaseline(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		lv := drawLevel(t)
		lv.Level = api.LevelRestricted
		if r := evaluate.Evaluate(pod, lv, policy.Set{}); !r.Allowed() {
			return
		}
		lv.Level = api.LevelBaseline
		for _, v := range evaluate.Evaluate(pod, lv, policy.Set{}).Violations {
			if !anomaly(pod, lv.Version, v) {
				t.Errorf("restricted allows and baseline refuses %s", v)
			}
		}
	})
}

// anomaly reports whether upstream's restricted level allows what its baseline
// refuses: on Windows since v1.25 the restricted checks are skipped together
// with the baseline checks that they override, and a volume of an allowed type
// may be a hostPath as well.
func anomaly(pod *corev1.Pod, version api.Version, v evaluate.Violation) bool {
	switch v.Check {
	case spec.CheckCapabilitiesBaseline, spec.CheckSeccompProfileBaseline:
		return spec.IsWindows(&pod.Spec) && !version.Older(api.MajorMinorVersion(1, 25))
	case spec.CheckHostPathVolumes:
		return spec.RestrictedVolume(&pod.Spec.Volumes[v.Index])
	default:
		return false
	}
}

// TestAnomaliesExist: the anomalies are upstream's still, as its own evaluator
// has them; the list fails when it need not be one any more.
func TestAnomaliesExist(t *testing.T) {
	oracle, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	pod := func(change func(*corev1.PodSpec)) *corev1.Pod {
		p := &corev1.Pod{Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes},
			OS:              &corev1.PodOS{Name: corev1.Windows},
			Containers:      []corev1.Container{{Name: "c"}},
		}}
		change(&p.Spec)
		return p
	}
	for name, p := range map[string]*corev1.Pod{
		"capabilities on Windows": pod(func(s *corev1.PodSpec) {
			s.Containers[0].SecurityContext = &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"SYS_ADMIN"}}}
		}),
		"seccomp on Windows": pod(func(s *corev1.PodSpec) {
			s.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
		}),
		"hostPath behind an emptyDir": pod(func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{VolumeSource: corev1.VolumeSource{
				HostPath: &corev1.HostPathVolumeSource{Path: "/"}, EmptyDir: &corev1.EmptyDirVolumeSource{},
			}}}
		}),
	} {
		verdict := func(level api.Level) bool {
			lv := api.LevelVersion{Level: level, Version: api.LatestVersion()}
			return psa.AggregateCheckResults(oracle.EvaluatePod(lv, &p.ObjectMeta, &p.Spec)).Allowed
		}
		if !verdict(api.LevelRestricted) || verdict(api.LevelBaseline) {
			t.Errorf("%s: restricted %v, baseline %v upstream: no anomaly any more", name, verdict(api.LevelRestricted), verdict(api.LevelBaseline))
		}
	}
}

// TestOrderChangesNoVerdict: in which order containers, volumes, labels and
// annotations stand changes neither verdict nor the number of violations.
func TestOrderChangesNoVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		turned := pod.DeepCopy()
		slices.Reverse(turned.Spec.InitContainers)
		slices.Reverse(turned.Spec.Containers)
		slices.Reverse(turned.Spec.EphemeralContainers)
		slices.Reverse(turned.Spec.Volumes)
		turned.Annotations = reinserted(turned.Annotations)
		a := evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, &p)
		b := evaluate.Under(&turned.ObjectMeta, &turned.Spec, lv, &p)
		if len(a.Violations) != len(b.Violations) || len(a.Excused) != len(b.Excused) {
			t.Errorf("%d violations and %d excused, turned round %d and %d", len(a.Violations), len(a.Excused), len(b.Violations), len(b.Excused))
		}
	})
}

// reinserted is the same map, filled in another order.
func reinserted(m map[string]string) map[string]string {
	keys := slices.Sorted(maps.Keys(m))
	slices.Reverse(keys)
	other := make(map[string]string, 64)
	for _, k := range keys {
		other[k] = m[k]
	}
	return other
}

// grants are the parts of a policy that only ever excuse: removing one may deny
// what was allowed, and never the other way round.
var grants = map[string]func(*policy.Policy){
	"allowPrivilegeEscalation": func(p *policy.Policy) { p.Allow.AllowPrivilegeEscalation = false },
	"privileged":               func(p *policy.Policy) { p.Allow.Privileged = false },
	"allowedCapabilities":      func(p *policy.Policy) { p.Allow.AllowedCapabilities = shorter(p.Allow.AllowedCapabilities) },
	"allowedUnsafeSysctls":     func(p *policy.Policy) { p.Allow.AllowedUnsafeSysctls = shorter(p.Allow.AllowedUnsafeSysctls) },
	"hostNetworkPorts":         func(p *policy.Policy) { p.Allow.HostNetworkPorts = false },
	"hostNamespace":            func(p *policy.Policy) { p.Allow.HostNamespace = false },
	"allowedHostPaths":         func(p *policy.Policy) { p.Allow.AllowedHostPaths = shorter(p.Allow.AllowedHostPaths) },
	"volumes":                  func(p *policy.Policy) { p.Allow.Volumes = shorter(p.Allow.Volumes) },
	"seccompProfiles":          func(p *policy.Policy) { p.Allow.SeccompProfiles = nil },
	"appArmorProfiles":         func(p *policy.Policy) { p.Allow.AppArmorProfiles = nil },
	"procMounts":               func(p *policy.Policy) { p.Allow.ProcMounts = nil },
	"seLinuxOptions":           func(p *policy.Policy) { p.Allow.SELinuxOptions = false },
	"windowsHostProcess":       func(p *policy.Policy) { p.Allow.WindowsHostProcess = false },
	"allowedProbeHosts":        func(p *policy.Policy) { p.Allow.AllowedProbeHosts = shorter(p.Allow.AllowedProbeHosts) },
	"allowedHostPorts":         func(p *policy.Policy) { p.Allow.AllowedHostPorts = shorter(p.Allow.AllowedHostPorts) },
	"hostNetwork":              func(p *policy.Policy) { p.Allow.HostNetwork = false },
	"hostPID":                  func(p *policy.Policy) { p.Allow.HostPID = false },
	"hostIPC":                  func(p *policy.Policy) { p.Allow.HostIPC = false },
	"runAsUser": func(p *policy.Policy) {
		if p.Allow.RunAsUser.Rule == policy.RunAsAny {
			p.Allow.RunAsUser = policy.UserRule{}
		}
	},
	"dropAllCapabilities":      func(p *policy.Policy) { p.Mutations.DropAllCapabilities = nil },
	"setDefaultSeccompProfile": func(p *policy.Policy) { p.Mutations.SetDefaultSeccompProfile = nil },
}

// shorter is the list without its last entry; an empty list stays one.
func shorter[T any](list []T) []T { return list[:max(0, len(list)-1)] }

// TestGrantsAreMonotone: a grant removed never turns denied into allowed, which
// is to say that a grant added never turns allowed into denied.
func TestGrantsAreMonotone(t *testing.T) {
	names := slices.Sorted(maps.Keys(grants))
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		more := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		less := more.DeepCopy()
		grants[rapid.SampledFrom(names).Draw(t, "grant")](less)
		with := evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, &more)
		without := evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, less)
		remaining := map[string]bool{}
		for _, v := range without.Violations {
			remaining[v.CheckOrRule()+v.Location.String()] = true
		}
		// A volume type that is listed no more is refused by the standard or by
		// the rule, whichever speaks.
		for _, v := range with.Violations {
			ofVolume := strings.HasPrefix(string(v.Field), string(spec.FieldVolume))
			if !ofVolume && !remaining[v.CheckOrRule()+v.Location.String()] {
				t.Errorf("stands only with the grant: %s", v)
			}
		}
		if without.Allowed() && !with.Allowed() {
			t.Errorf("allowed only without the grant; with it: %s", with.Message())
		}
	})
}
