package podfence

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/governing"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Reason says why a policy governs a pod, or why none does.
type Reason string

// The reasons.
const (
	// PrivilegedLevel: nothing is looked at, and nothing is filled in.
	PrivilegedLevel Reason = "privilegedLevel"
	// NoPolicy: no policy selects the pod, so that the default policy governs it.
	NoPolicy Reason = "noPolicy"
	// AllowedAsItIs: the first policy, in order of name, under which the pod
	// needs no change and is allowed.
	AllowedAsItIs Reason = "allowedAsItIs"
	// AllowedFilled: the pod needs a change under every policy that would allow
	// it; this is the first, in order of name, under which it is then allowed.
	AllowedFilled Reason = "allowedFilled"
	// DefaultPolicy: no policy selects the pod, so that the set's own default policy,
	// that of its namespace or of every one, governs it.
	DefaultPolicy Reason = "defaultPolicy"
	// Closest: no policy that selects the pod allows it; under this one the
	// fewest violations are left.
	Closest Reason = "closest"
)

var explanations = map[Reason]string{
	PrivilegedLevel: "nothing is checked at level privileged",
	NoPolicy:        "no policy selects the pod",
	AllowedAsItIs:   "the first policy under which the pod is allowed as it is",
	AllowedFilled:   "the first policy under which the filled pod is allowed",
	DefaultPolicy:   "no policy selects the pod, and this one is the default",
	Closest:         "every policy that may govern the pod denies it; this one comes closest",
}

// String is the reason as part of a sentence.
func (r Reason) String() string { return explanations[r] }

// Decision is the answer of [Admit]: the pod as it would run, whether it may,
// under which policy, and why.
type Decision struct {
	// Pod is the pod with its unset fields filled in, also where it is denied;
	// the given pod itself where nothing was filled in. It shares memory with
	// the given pod. Nil in the answer about a template.
	Pod *corev1.Pod
	// Template is the same for a pod template. Nil in the answer about a pod.
	Template *corev1.PodTemplateSpec
	// Root is where the pod or the template stands in the object that was asked
	// about. The paths of Report and Result begin at that object.
	Root spec.Root
	// Report says what was filled in, what was left unset and why.
	Report mutate.Report
	// Result judges the filled pod, as it would be stored. Result.Policy is the
	// governing policy.
	Result evaluate.Result
	// Reason says why that policy governs.
	Reason Reason
	// Considered are the names of all policies that select the pod and may govern it, in the
	// order in which they are tried.
	Considered []string

	// old is the running pod of an update of ephemeral containers.
	old *corev1.Pod
}

// Allowed reports whether the pod, as filled in, may run.
func (d Decision) Allowed() bool { return d.Result.Allowed() }

// Within is the decision for an object that holds the pod or the template at
// root: all paths, pointers and the patch begin at that object. [AdmitObject]
// has done it already.
func (d Decision) Within(root spec.Root) Decision {
	d.Root, d.Report, d.Result = root, d.Report.Within(root), d.Result.Within(root)
	return d
}

// Advice returns what may still keep containers of the filled pod from starting,
// or the pod from working as its author meant.
func (d Decision) Advice() []mutate.Advice {
	var advice []mutate.Advice
	switch {
	case d.Reason == PrivilegedLevel:
	case d.Template != nil:
		advice = mutate.AdviseTemplate(d.Template, d.Report)
	case d.old != nil:
		advice = mutate.AdviseEphemeralContainers(d.old, d.Pod)
	case d.Pod != nil:
		advice = mutate.Advise(d.Pod, d.Report)
	}
	for i := range advice {
		advice[i].Root = d.Root
	}
	return advice
}

// Why says why a field was left unset, as the report's reason does, and what that
// means at the decision's version. Before v1.35 restricted judges a pod in a user
// namespace of its own like any other, so that what is left unset stands against it.
func (d Decision) Why(u mutate.Unset) string {
	why := u.Reason.String()
	if u.Reason == mutate.UserNamespace && spec.For(d.Result.Level, false, true).Checks.Has(spec.CheckRunAsNonRoot) {
		why += "; " + d.Result.Level.Version.String() + " judges it like any other pod, and v1.35 and later leave its user free"
	}
	if p := d.Result.Policy; u.Reason == mutate.NonRoot && p != nil && p.Expired {
		why = "the policy has expired, and has no user ID but 0"
	}
	return why
}

// DecisionRecord is the JSON form of a [Decision]: that of its result and its report,
// and why. Every key is always there.
type DecisionRecord struct {
	evaluate.ResultRecord
	mutate.ReportRecord
	Advice     []AdviceRecord `json:"advice"`
	Reason     Reason         `json:"reason"`
	Considered []string       `json:"considered"`
}

// AdviceRecord is the JSON form of a [mutate.Advice].
type AdviceRecord struct {
	// Field is the path of the container, of a field of the pod, or of the pod, which
	// is empty where the pod is the object itself.
	Field   string `json:"field"`
	Pointer string `json:"pointer"`
	// Name is the name of the container, empty for the pod.
	Name    string         `json:"name"`
	Concern mutate.Concern `json:"concern"`
	// MayNotStart: the kubelet may refuse to start the container.
	MayNotStart bool   `json:"mayNotStart"`
	Advice      string `json:"advice"`
}

// Record renders the decision, without the pod, as the library and the command
// print it.
func (d Decision) Record() DecisionRecord {
	r := DecisionRecord{
		ResultRecord: d.Result.Record(), ReportRecord: d.Report.Record(), Reason: d.Reason,
		Advice: []AdviceRecord{}, Considered: append([]string{}, d.Considered...),
	}
	for i, u := range d.Report.Unset() {
		r.Unset[i].Why = d.Why(u)
	}
	for _, a := range d.Advice() {
		r.Advice = append(r.Advice, AdviceRecord{
			Field: a.Location.String(), Pointer: a.Pointer(), Name: a.Container.Name,
			Concern: a.Concern, MayNotStart: a.MayNotStart(), Advice: a.Text,
		})
	}
	return r
}

// MarshalJSON renders the decision's [DecisionRecord].
func (d Decision) MarshalJSON() ([]byte, error) { return json.Marshal(d.Record()) }

// Admit decides about a pod at a level and version of the Pod Security
// Standards: which policy of the set governs it, what is filled in under that
// policy, and whether the result is allowed. The pod must not be nil and is not
// changed.
//
// If no policy selects the pod, the default policy governs it: one of the set that
// says so of itself, or plain restricted. Otherwise the
// policies that select it are tried alone, in order of name, for the grants of
// two never add up: the first under which the pod needs no change and is allowed
// wins, else the first under which the filled pod is allowed; else the pod is
// denied, and the answer is that of the policy that comes closest. A pod that says
// hostUsers: false is governed by those that require it, where one of them does.
//
// The filled pod is judged as the API server would store it, with the defaults
// that spec.Stored describes: a volume without a source is an emptyDir, with the
// host's network every containerPort is a hostPort, and the pod has the token volume of
// its ServiceAccount. Only the verdict knows them: the pod and the patch of the
// decision hold what is filled in and nothing else. evaluate.Evaluate says of the
// stored pod what Admit says, governing policy included.
//
// At level privileged nothing is looked at or filled in. At baseline an unset
// field is no violation, so that a pod that is allowed as it is needs no change
// and gets none: a workload that baseline lets run as root keeps running. Where
// a rule of its policy demands a value there, the pod is filled as anywhere else.
func Admit(pod *corev1.Pod, lv api.LevelVersion, policies policy.Set) Decision {
	return decide(question{
		namespace: pod.Namespace, meta: &pod.ObjectMeta, spec: &pod.Spec, still: spec.AllDefaults, pod: pod,
	}, lv, policies)
}

// AdmitRequested is [Admit] for the pod of an admission request to create it, as
// a mutating webhook sees it: the API server has set the defaults of pods, and
// ServiceAccount admission has added its volume or, as the ServiceAccount wants
// it, has not.
func AdmitRequested(pod *corev1.Pod, lv api.LevelVersion, policies policy.Set) Decision {
	return decide(question{
		namespace: pod.Namespace, meta: &pod.ObjectMeta, spec: &pod.Spec, still: spec.DefaultAppArmorProfile, pod: pod,
	}, lv, policies)
}

// PlanRequested is [AdmitRequested] for a webhook that only fills in: what is
// filled in, and by which policy, nil for the default one. The pod is not built,
// and is judged only where the verdict has a say in the choice: at baseline, and
// where several policies select the pod.
func PlanRequested(pod *corev1.Pod, lv api.LevelVersion, policies policy.Set) (mutate.Report, *policy.Policy) {
	lv = spec.Normalize(lv)
	var room [1]*policy.Policy
	candidates := policies.AppendGoverning(room[:0], pod.Namespace, pod.Labels)
	if lv.Level != api.LevelRestricted || len(candidates) > 1 {
		d := AdmitRequested(pod, lv, policies)
		return d.Report, d.Result.Policy
	}
	var p *policy.Policy
	if len(candidates) == 1 {
		p = candidates[0]
	}
	return mutate.Plan(&pod.ObjectMeta, &pod.Spec, p), p
}

// AdmitTemplate is [Admit] for the pod template of an object in a namespace: the
// pod that would be made of it is judged. Without a namespace, policies that name
// none govern it.
func AdmitTemplate(namespace string, template *corev1.PodTemplateSpec, lv api.LevelVersion, policies policy.Set) Decision {
	return admitTemplate(namespace, template, spec.AllDefaults, lv, policies)
}

func admitTemplate(
	namespace string, template *corev1.PodTemplateSpec, still spec.Default, lv api.LevelVersion, policies policy.Set,
) Decision {
	return decide(question{
		namespace: namespace, meta: &template.ObjectMeta, spec: &template.Spec, still: still, template: template,
	}, lv, policies)
}

// AdmitEphemeralContainers is [Admit] for an update of the subresource
// ephemeralcontainers of a pod. The policy is chosen by old's namespace and
// labels, and the pod is judged whole, as the API server would store it: old
// with the ephemeral containers of updated, whatever else updated says (see
// PrepareForUpdate of the ephemeral containers' strategy in
// pkg/registry/core/pod). A running pod has its defaults, and gets no more. Filled in are only the containers that old does not
// have. Decision.Pod is updated with these filled in, and the report's patch
// applies to updated. Neither pod may be nil; neither is changed.
func AdmitEphemeralContainers(old, updated *corev1.Pod, lv api.LevelVersion, policies policy.Set) Decision {
	stored := old.Spec
	stored.EphemeralContainers = updated.Spec.EphemeralContainers
	return decide(question{namespace: old.Namespace, meta: &old.ObjectMeta, spec: &stored, pod: updated, old: old}, lv, policies)
}

// question is what [decide] is asked about: a pod, a pod template, or an update
// of a pod's ephemeral containers.
type question struct {
	namespace string
	meta      *metav1.ObjectMeta
	// spec is the pod as it would be, but for defaults, if nothing was filled in.
	spec *corev1.PodSpec
	// still are the defaults that the API server has yet to set.
	still spec.Default
	// pod is the pod, the updated one of an update; nil for a template.
	pod      *corev1.Pod
	template *corev1.PodTemplateSpec
	// old is the running pod of an update; else nil.
	old *corev1.Pod
	// notices are about the policies that select the pod.
	notices []policy.Notice
}

// trial is the question under one policy. What is not filled in is the
// question's own.
type trial struct {
	pod      *corev1.Pod
	template *corev1.PodTemplateSpec
	report   mutate.Report
	result   evaluate.Result
}

// fill fills the pod or template by a policy and returns, with the trial, the
// spec as it would then be, but for defaults.
func (q *question) fill(p *policy.Policy) (t trial, filled *corev1.PodSpec) {
	switch {
	case q.template != nil:
		t.template, t.report = mutate.Template(q.template, p)
		return t, &t.template.Spec
	case q.old == nil:
		t.pod, t.report = mutate.Mutate(q.pod, p)
		return t, &t.pod.Spec
	}
	t.pod, t.report = mutate.EphemeralContainers(q.old, q.pod, p)
	stored := *q.spec
	stored.EphemeralContainers = t.pod.Spec.EphemeralContainers
	return t, &stored
}

// try holds the pod against one policy, nil for none. At baseline nothing is
// filled in where nothing needs to be.
func (q *question) try(lv api.LevelVersion, p *policy.Policy) trial {
	if lv.Level == api.LevelBaseline {
		if r := evaluate.StoredSpec(q.meta, q.spec, q.still, lv, p); r.Allowed() {
			return trial{pod: q.pod, template: q.template, result: r}
		}
	}
	t, filled := q.fill(p)
	t.result = evaluate.StoredSpec(q.meta, filled, q.still, lv, p)
	return t
}

func decide(q question, lv api.LevelVersion, policies policy.Set) Decision {
	lv = spec.Normalize(lv)
	if lv.Level == api.LevelPrivileged {
		return q.atPrivileged(lv)
	}
	candidates := governing.Among(policies.Governing(q.namespace, q.meta.Labels), q.spec)
	q.notices = policies.Notices(q.namespace, q.meta.Labels)
	if len(candidates) == 0 {
		t := q.try(lv, nil)
		return q.decision(&t, NoPolicy, nil)
	}
	if p := candidates[0]; p.Default {
		t := q.try(lv, p)
		return q.decision(&t, DefaultPolicy, nil)
	}
	var choice governing.Choice
	var chosen trial
	for _, p := range candidates {
		t := q.try(lv, p)
		best, final := choice.Try(len(t.result.Violations), !t.report.Changed())
		if best {
			chosen = t
		}
		if final {
			break
		}
	}
	return q.decision(&chosen, reasonOf(&chosen), names(candidates))
}

// atPrivileged is the answer at level privileged, where nothing is looked at.
func (q *question) atPrivileged(lv api.LevelVersion) Decision {
	return Decision{Pod: q.pod, Template: q.template, Result: evaluate.Result{Level: lv}, Reason: PrivilegedLevel}
}

// reasonOf says why the policy of a trial was chosen among those that select the pod.
func reasonOf(t *trial) Reason {
	switch {
	case !t.result.Allowed():
		return Closest
	case t.report.Changed():
		return AllowedFilled
	default:
		return AllowedAsItIs
	}
}

func (q *question) decision(t *trial, why Reason, considered []string) Decision {
	t.result.Notices = q.notices
	return Decision{
		Pod: t.pod, Template: t.template, Report: t.report, Result: t.result,
		Reason: why, Considered: considered, old: q.old,
	}
}

func names(policies []*policy.Policy) []string {
	list := make([]string, len(policies))
	for i, p := range policies {
		list[i] = p.Name
	}
	return list
}
