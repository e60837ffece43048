package podfence_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// drawPolicy draws a policy, or nil.
func drawPolicy(t *rapid.T) *policy.Policy {
	if rapid.IntRange(0, 4).Draw(t, "nil policy") == 0 {
		return nil
	}
	p := podgen.Policy().Draw(t, "policy")
	return &p
}

// mutated is a pod under a policy, nil for the default one, and what Mutate makes
// of it, to be held against the laws as [TestExhaustiveLaws] does.
func mutated(pod *corev1.Pod, p *policy.Policy) *laws {
	filled, report := mutate.Mutate(pod, p)
	if p == nil {
		p = policy.Default()
	}
	return &laws{pod: pod, filled: filled, policy: p, report: report}
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
		r := evaluate.Under(&l.filled.ObjectMeta, &l.filled.Spec, lv, p)
		for i := range r.Violations {
			if !l.isTheAuthors(&r.Violations[i]) {
				t.Errorf("neither the author's nor the author's doing: %s", r.Violations[i])
			}
		}
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
// before, at every level and version, under the policy that filled the pod. The
// standard alone, which knows no policy, finds more only where the policy has
// containers run as root.
func TestMutateAddsNoViolation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), drawPolicy(t)
		lv := drawLevel(t)
		l := mutated(pod, p)
		for _, v := range added(l, lv, p) {
			t.Errorf("only after Mutate: %s", v)
		}
		for _, v := range added(l, lv, nil) {
			if v.Check != spec.CheckRunAsUser || !l.changed(v.Location) {
				t.Errorf("without the policy, only after Mutate: %s", v)
			}
		}
	})
}

// added are the violations under a policy, nil for none, that only the filled pod has.
func added(l *laws, lv api.LevelVersion, p *policy.Policy) (list []evaluate.Violation) {
	before := evaluate.Under(&l.pod.ObjectMeta, &l.pod.Spec, lv, p).Violations
	for _, v := range evaluate.Under(&l.filled.ObjectMeta, &l.filled.Spec, lv, p).Violations {
		if _, found := find(before, &v); !found {
			list = append(list, v)
		}
	}
	return list
}

// TestExceptionsOnlyExcuseAndDemand is law 6: an exception removes only
// violations that it grants, and all of these, and adds only what its own rules
// name; without one the verdict is Pod Security Admission's (package evaluate's
// TestConformance and TestMessageIsUpstreams). What is granted and demanded is
// said by the tables in [laws].
func TestExceptionsOnlyExcuseAndDemand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		l := &laws{pod: pod, policy: &p}
		r := evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, &p)
		l.excused(lv, evaluate.Evaluate(pod, lv, policy.Set{}).Violations, &r)
		l.demanded(lv, pod, l.demands(pod), r.Violations)
		l.kept(t)
	})
}

// decision is what the steps of Admit give when they are done by hand.
type decision struct {
	reason podfence.Reason
	policy *policy.Policy
	pod    *corev1.Pod
	report mutate.Report
	result evaluate.Result
}

// byHand does the steps of Admit under each policy that governs the pod. fill is
// what Mutate makes of it, and judged is what of that is evaluated.
func byHand(pod *corev1.Pod, lv api.LevelVersion, governing []*policy.Policy, fill func(*policy.Policy) (*corev1.Pod, mutate.Report), judged func(*corev1.Pod) *corev1.Pod) decision {
	if lv.Level == api.LevelPrivileged {
		return decision{reason: podfence.PrivilegedLevel, pod: pod, result: evaluate.Result{Level: lv}}
	}
	evaluated := func(pod *corev1.Pod, p *policy.Policy) evaluate.Result {
		pod = judged(pod)
		return evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, p)
	}
	var tried []decision
	for _, p := range governing {
		d := decision{policy: p}
		d.pod, d.report = fill(p)
		// Baseline lets unset fields be: what it allows as it is stays so.
		if as := evaluated(pod, p); lv.Level == api.LevelBaseline && as.Allowed() {
			d.pod, d.report = pod, mutate.Report{}
		}
		d.result = evaluated(d.pod, p)
		tried = append(tried, d)
	}
	fewest := func(a, b decision) int { return len(a.result.Violations) - len(b.result.Violations) }
	asItIs := slices.IndexFunc(tried, func(d decision) bool { return d.result.Allowed() && !d.report.Changed() })
	filled := slices.IndexFunc(tried, func(d decision) bool { return d.result.Allowed() })
	d := slices.MinFunc(tried, fewest)
	switch {
	case governing[0] == nil:
		d.reason = podfence.NoPolicy
	case asItIs >= 0:
		d = tried[asItIs]
		d.reason = podfence.AllowedAsItIs
	case filled >= 0:
		d = tried[filled]
		d.reason = podfence.AllowedFilled
	default:
		d.reason = podfence.Closest
	}
	return d
}

// governing are the policies that are to be tried: nil stands for none.
func governing(pod *corev1.Pod, set policy.Set) ([]*policy.Policy, []string) {
	list := set.Governing(pod.Namespace, pod.Labels)
	var names []string
	for _, p := range list {
		names = append(names, p.Name)
	}
	if len(list) == 0 {
		list = []*policy.Policy{nil}
	}
	return list, names
}

// agrees holds a decision against the one made by hand.
func (want decision) agrees(t *rapid.T, considered []string, d podfence.Decision) {
	if d.Result.Policy != want.policy || d.Reason != want.reason {
		t.Errorf("governed by %q (%s), want %q (%s)", d.Result.PolicyName(), d.Reason, want.result.PolicyName(), want.reason)
	}
	if want.reason == podfence.PrivilegedLevel {
		considered = nil
	}
	if diff := cmp.Diff(considered, d.Considered); diff != "" {
		t.Errorf("considered (-by hand +admit):\n%s", diff)
	}
	if !equality.Semantic.DeepEqual(want.pod, d.Pod) || (want.pod == d.Pod) == want.report.Changed() {
		t.Error("the pod is not the one that Mutate makes under the governing policy")
	}
	same(t, "report", jsonText(t, want.report), jsonText(t, d.Report))
	same(t, "patch", string(want.report.Patch()), string(d.Report.Patch()))
	same(t, "result", jsonText(t, want.result), jsonText(t, d.Result))
	if d.Allowed() != want.result.Allowed() {
		t.Errorf("allowed %v, and by hand %v", d.Allowed(), want.result.Allowed())
	}
}

func same(t *rapid.T, what, byHand, admit string) {
	if byHand != admit {
		t.Errorf("%s (-by hand +admit):\n%s", what, cmp.Diff(byHand, admit))
	}
}

func jsonText(t *rapid.T, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func asIs(pod *corev1.Pod) *corev1.Pod { return pod }

// TestAdmitByHand: Admit's answer is what its steps give when done by hand, at
// every level; it is AdmitTemplate's for a template of the pod, and the pod
// stays as it was.
func TestAdmitByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		lv := drawAnyLevel(t)
		set := drawSet(t)
		before := pod.DeepCopy()
		d := podfence.Admit(pod, lv, set)
		tried, considered := governing(pod, set)
		fill := func(p *policy.Policy) (*corev1.Pod, mutate.Report) { return mutate.Mutate(pod, p) }
		want := byHand(pod, lv, tried, fill, asIs)
		want.agrees(t, considered, d)

		template := &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
		ofTemplate := podfence.AdmitTemplate(pod.Namespace, template, lv, set)
		if jsonText(t, ofTemplate) != jsonText(t, d) || !equality.Semantic.DeepEqual(ofTemplate.Template.Spec, d.Pod.Spec) {
			t.Errorf("of a template: %s\nof the pod: %s", jsonText(t, ofTemplate), jsonText(t, d))
		}
		if !equality.Semantic.DeepEqual(before, pod) {
			t.Error("Admit changed its input")
		}
	})
}

// drawAnyLevel draws privileged too.
func drawAnyLevel(t *rapid.T) api.LevelVersion {
	lv := drawLevel(t)
	if rapid.IntRange(0, 9).Draw(t, "privileged level") == 9 {
		lv.Level = api.LevelPrivileged
	}
	return lv
}

// drawSet draws policies, of which many select every pod: else hardly a pod
// would have a choice between several.
func drawSet(t *rapid.T) policy.Set {
	policies := rapid.SliceOfNDistinct(podgen.Policy(), 0, 4, func(p policy.Policy) string { return p.Name + "/" + p.Namespace }).Draw(t, "policies")
	for i := range policies {
		if p := &policies[i]; rapid.Bool().Draw(t, "selects every pod") {
			p.Name, p.Namespace, p.PodSelectorLabels = p.Name+"."+strconv.Itoa(i), "", nil
			p.PodSelectorExpressions = []metav1.LabelSelectorRequirement{{Key: "absent", Operator: metav1.LabelSelectorOpDoesNotExist}}
		}
	}
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

// TestOrderChangesNoVerdict: in which order containers, volumes, labels and
// annotations stand changes no verdict: the same violations stand and are
// excused, wherever their containers and volumes stand now, and Admit decides the
// same for the same reason.
func TestOrderChangesNoVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		turned := pod.DeepCopy()
		to := map[spec.ContainerKind][]int{
			spec.InitContainer:      shuffle(t, turned.Spec.InitContainers),
			spec.RegularContainer:   shuffle(t, turned.Spec.Containers),
			spec.EphemeralContainer: shuffle(t, turned.Spec.EphemeralContainers),
		}
		volumes := shuffle(t, turned.Spec.Volumes)
		turned.Labels, turned.Annotations = reinserted(turned.Labels), reinserted(turned.Annotations)
		moved := func(v evaluate.Violation) evaluate.Violation {
			if v.Container.Kind != 0 {
				v.Container.Index = to[v.Container.Kind][v.Container.Index]
			} else if isVolume(v.Field) {
				v.Index = volumes[v.Index]
			}
			return v
		}
		still := func(v evaluate.Violation) evaluate.Violation { return v }
		a := evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, &p)
		b := evaluate.Under(&turned.ObjectMeta, &turned.Spec, lv, &p)
		if diff := cmp.Diff(inAnyOrder(t, a.Violations, moved), inAnyOrder(t, b.Violations, still)); diff != "" {
			t.Errorf("violations (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(inAnyOrder(t, a.Excused, moved), inAnyOrder(t, b.Excused, still)); diff != "" {
			t.Errorf("excused (-before +after):\n%s", diff)
		}
		set := drawSet(t)
		before, after := podfence.Admit(pod, lv, set), podfence.Admit(turned, lv, set)
		if before.Reason != after.Reason || before.Allowed() != after.Allowed() || before.Result.Policy != after.Result.Policy {
			t.Errorf("admitted %v under %q (%s), turned round %v under %q (%s)", before.Allowed(), before.Result.PolicyName(), before.Reason,
				after.Allowed(), after.Result.PolicyName(), after.Reason)
		}
	})
}

// shuffle reorders a list, and says where each element went.
func shuffle[T any](t *rapid.T, list []T) (to []int) {
	for i := range list {
		to = append(to, i)
	}
	if len(list) < 2 { // rapid permutes no list that is empty
		return to
	}
	to = rapid.Permutation(to).Draw(t, "order")
	was := slices.Clone(list)
	for i := range was {
		list[to[i]] = was[i]
	}
	return to
}

func isVolume(f spec.Field) bool { return strings.HasPrefix(string(f), string(spec.FieldVolume)) }

// inAnyOrder are violations as text, sorted, each after a move.
func inAnyOrder(t *rapid.T, list []evaluate.Violation, move func(evaluate.Violation) evaluate.Violation) (texts []string) {
	for _, v := range list {
		texts = append(texts, jsonText(t, move(v)))
	}
	slices.Sort(texts)
	return texts
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
	// Fewer ranges excuse fewer users and demand more. The first one stays: its
	// minimum is also what is filled in, and a pod that is filled with UID 0 may
	// be admitted where one that is filled with another is not.
	"runAsUser.ranges": func(p *policy.Policy) {
		if ranges := p.Allow.RunAsUser.Ranges; len(ranges) > 1 {
			p.Allow.RunAsUser.Ranges = ranges[:len(ranges)-1]
		}
	},
	"allowedHostPaths.readOnly": func(p *policy.Policy) {
		for i := range p.Allow.AllowedHostPaths {
			p.Allow.AllowedHostPaths[i].ReadOnly = true
		}
	},
	"dropAllCapabilities":      func(p *policy.Policy) { p.Mutations.DropAllCapabilities = nil },
	"setDefaultSeccompProfile": func(p *policy.Policy) { p.Mutations.SetDefaultSeccompProfile = nil },
}

// shorter is the list without its last entry; an empty list stays one.
func shorter[T any](list []T) []T { return list[:max(0, len(list)-1)] }

// noGrants are the other parts of a policy, and why removing one is not removing
// a grant.
var noGrants = map[string]string{
	"runAsGroup":                   "a rule, which demands",
	"fsGroup":                      "a rule, which demands",
	"supplementalGroups":           "a rule, which demands",
	"readOnlyRootFilesystem":       "a rule, which demands",
	"mutations.runAsUser":          "a value to fill in",
	"mutations.runAsGroup":         "a value to fill in",
	"mutations.fsGroup":            "a value to fill in",
	"mutations.supplementalGroups": "a value to fill in",
}

// TestEveryGrantIsKnown: each key of a policy is among grants or among noGrants,
// so that a new one is tried for TestGrantsAreMonotone.
func TestEveryGrantIsKnown(t *testing.T) {
	keys := 0
	for _, block := range []struct {
		prefix string
		typ    reflect.Type
	}{{"", reflect.TypeFor[policy.Allow]()}, {"mutations.", reflect.TypeFor[policy.Mutations]()}} {
		for i := range block.typ.NumField() {
			name, _, _ := strings.Cut(block.typ.Field(i).Tag.Get("json"), ",")
			_, isGrant := grants[name]
			if why := noGrants[block.prefix+name]; isGrant == (why != "") && !(isGrant && block.prefix != "") {
				t.Errorf("%s%s: a grant: %v, and no grant because it is %q", block.prefix, name, isGrant, why)
			}
			keys++
		}
	}
	if keys != 29 {
		t.Errorf("%d keys, want 29", keys)
	}
}

// TestGrantsAreMonotone: a grant removed never turns denied into allowed, which
// is to say that a grant added never turns allowed into denied: neither for the
// pod as it stands, nor for what Admit makes of it.
func TestGrantsAreMonotone(t *testing.T) {
	names := slices.Sorted(maps.Keys(grants))
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		more := podgen.Policy().Draw(t, "policy")
		lv := drawLevel(t)
		less := without(&more, names[rapid.IntRange(0, len(names)-1).Draw(t, "grant"):], names)
		if less == nil { // it grants nothing: give it something to lose
			less = more.DeepCopy()
			more.Allow.Privileged = true
		}
		with := evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, &more)
		remaining := map[string]bool{}
		for _, v := range evaluate.Under(&pod.ObjectMeta, &pod.Spec, lv, less).Violations {
			remaining[place(v)] = true
		}
		for _, v := range with.Violations {
			if !remaining[place(v)] {
				t.Errorf("stands only with the grant: %s", v)
			}
		}
		if admitted := admitUnder(t, pod, lv, &more); !admitted.Allowed() && admitUnder(t, pod, lv, less).Allowed() {
			t.Errorf("admitted only without the grant; with it: %s", admitted.Result.Message())
		}
	})
}

// without is the policy less the first grant of the lists that it gives, nil if
// it gives none. A value to fill in may need the grant: such a policy is left out.
func without(p *policy.Policy, lists ...[]string) *policy.Policy {
	for _, name := range slices.Concat(lists...) {
		less := p.DeepCopy()
		if grants[name](less); !equality.Semantic.DeepEqual(p.Allow, less.Allow) || !equality.Semantic.DeepEqual(p.Mutations, less.Mutations) {
			if less.Validate() == nil {
				return less
			}
		}
	}
	return nil
}

// place is what breaks a check or rule and where. A volume that is listed no more
// is refused by the standard or by the rule, whichever speaks, and by any of its
// sources.
func place(v evaluate.Violation) string {
	if isVolume(v.Field) {
		return "volume " + strconv.Itoa(v.Index)
	}
	return v.CheckOrRule() + v.Location.String()
}

// admitUnder is Admit under one policy, whatever that selects.
func admitUnder(t *rapid.T, pod *corev1.Pod, lv api.LevelVersion, p *policy.Policy) podfence.Decision {
	every := p.DeepCopy()
	every.Namespace, every.PodSelectorLabels = "", nil
	every.PodSelectorExpressions = []metav1.LabelSelectorRequirement{{Key: "absent", Operator: metav1.LabelSelectorOpDoesNotExist}}
	set, err := policy.NewSet(*every)
	if err != nil {
		t.Fatal(err)
	}
	return podfence.Admit(pod, lv, set)
}
