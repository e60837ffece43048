package podfence

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
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
	// Closest: no policy that selects the pod allows it; under this one the
	// fewest violations are left.
	Closest Reason = "closest"
)

var explanations = map[Reason]string{
	PrivilegedLevel: "nothing is checked at level privileged",
	NoPolicy:        "no policy selects the pod",
	AllowedAsItIs:   "the first policy under which the pod is allowed as it is",
	AllowedFilled:   "the first policy under which the filled pod is allowed",
	Closest:         "every policy that selects the pod denies it; this one comes closest",
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
	// Report says what was filled in, what was left unset and why.
	Report mutate.Report
	// Result judges the filled pod. Result.Policy is the governing policy.
	Result evaluate.Result
	// Reason says why that policy governs.
	Reason Reason
	// Considered are the names of all policies that select the pod, in the
	// order in which they are tried.
	Considered []string
}

// Allowed reports whether the pod, as filled in, may run.
func (d Decision) Allowed() bool { return d.Result.Allowed() }

type decisionJSON struct {
	Result     evaluate.Result `json:"result"`
	Report     mutate.Report   `json:"report"`
	Reason     Reason          `json:"reason"`
	Considered []string        `json:"considered,omitempty"`
}

// MarshalJSON renders the decision without the pod.
func (d Decision) MarshalJSON() ([]byte, error) {
	return json.Marshal(decisionJSON{d.Result, d.Report, d.Reason, d.Considered})
}

// Admit decides about a pod at a level and version of the Pod Security
// Standards: which policy of the set governs it, what is filled in under that
// policy, and whether the result is allowed. The pod must not be nil and is not
// changed.
//
// If no policy selects the pod, the default policy governs it. Otherwise the
// policies that select it are tried alone, in order of name, for the grants of
// two never add up: the first under which the pod needs no change and is allowed
// wins, else the first under which the filled pod is allowed; else the pod is
// denied, and the answer is that of the policy that comes closest.
//
// At level privileged nothing is looked at or filled in. At baseline an unset
// field is no violation, so that a pod that is allowed as it is needs no change
// and gets none: a workload that baseline lets run as root keeps running. Where
// a rule of its policy demands a value there, the pod is filled as anywhere else.
func Admit(pod *corev1.Pod, lv api.LevelVersion, policies policy.Set) Decision {
	filled, d := decide(question{namespace: pod.Namespace, meta: &pod.ObjectMeta, spec: &pod.Spec}, lv, policies)
	d.Pod = pod
	if filled != &pod.Spec {
		copied := *pod
		copied.Spec = *filled
		d.Pod = &copied
	}
	return d
}

// AdmitTemplate is [Admit] for the pod template of an object in a namespace.
// Without a namespace, policies that name none govern it.
func AdmitTemplate(namespace string, template *corev1.PodTemplateSpec, lv api.LevelVersion, policies policy.Set) Decision {
	filled, d := decide(question{namespace: namespace, meta: &template.ObjectMeta, spec: &template.Spec}, lv, policies)
	d.Template = template
	if filled != &template.Spec {
		copied := *template
		copied.Spec = *filled
		d.Template = &copied
	}
	return d
}

// AdmitEphemeralContainers is [Admit] for an update of the subresource
// ephemeralcontainers of a pod. The policy is chosen by old's namespace and
// labels, and the pod is judged whole, as the API server would store it: old
// with the ephemeral containers of updated, whatever else updated says (see
// PrepareForUpdate of the ephemeral containers' strategy in
// pkg/registry/core/pod). Filled in are only the containers that old does not
// have. Decision.Pod is updated with these filled in, and the report's patch
// applies to updated. Neither pod may be nil; neither is changed.
func AdmitEphemeralContainers(old, updated *corev1.Pod, lv api.LevelVersion, policies policy.Set) Decision {
	stored := old.Spec
	stored.EphemeralContainers = updated.Spec.EphemeralContainers
	filled, d := decide(question{old.Namespace, &old.ObjectMeta, &stored, old, updated}, lv, policies)
	d.Pod = updated
	if filled != &stored {
		copied := *updated
		copied.Spec.EphemeralContainers = filled.EphemeralContainers
		d.Pod = &copied
	}
	return d
}

// question is what [decide] is asked about.
type question struct {
	namespace string
	meta      *metav1.ObjectMeta
	// spec is the pod as it would be stored if nothing was filled in.
	spec *corev1.PodSpec
	// The two sides of an update of ephemeral containers; else nil.
	old, updated *corev1.Pod
}

// fill returns the spec as a policy fills it in, q.spec itself if it needs nothing.
func (q *question) fill(p *policy.Policy) (*corev1.PodSpec, mutate.Report) {
	if q.old == nil {
		return mutate.Spec(q.meta, q.spec, p)
	}
	updated, report := mutate.EphemeralContainers(q.old, q.updated, p)
	if !report.Changed() {
		return q.spec, report
	}
	filled := *q.spec
	filled.EphemeralContainers = updated.Spec.EphemeralContainers
	return &filled, report
}

// decide returns the filled spec, that of the question itself if nothing is filled in.
func decide(q question, lv api.LevelVersion, policies policy.Set) (*corev1.PodSpec, Decision) {
	lv = spec.Normalize(lv)
	if lv.Level == api.LevelPrivileged {
		return q.spec, Decision{Result: evaluate.Result{Level: lv}, Reason: PrivilegedLevel}
	}
	governing := policies.Governing(q.namespace, q.meta.Labels)
	if len(governing) == 0 {
		t := q.try(lv, nil)
		return t.pod, t.decision(NoPolicy, nil)
	}
	considered := names(governing)
	var allowed, closest *trial
	for _, p := range governing {
		t := q.try(lv, p)
		switch {
		case t.result.Allowed() && !t.report.Changed():
			return t.pod, t.decision(AllowedAsItIs, considered)
		case t.result.Allowed() && allowed == nil:
			allowed = &t
		case closest == nil || len(t.result.Violations) < len(closest.result.Violations):
			closest = &t
		}
	}
	if allowed != nil {
		return allowed.pod, allowed.decision(AllowedFilled, considered)
	}
	return closest.pod, closest.decision(Closest, considered)
}

// trial is one pod under one policy.
type trial struct {
	pod    *corev1.PodSpec
	report mutate.Report
	result evaluate.Result
}

func (q *question) try(lv api.LevelVersion, p *policy.Policy) trial {
	if lv.Level == api.LevelBaseline {
		if r := evaluate.Under(q.meta, q.spec, lv, p); r.Allowed() {
			return trial{pod: q.spec, result: r}
		}
	}
	filled, report := q.fill(p)
	return trial{filled, report, evaluate.Under(q.meta, filled, lv, p)}
}

func (t *trial) decision(why Reason, considered []string) Decision {
	return Decision{Report: t.report, Result: t.result, Reason: why, Considered: considered}
}

func names(policies []*policy.Policy) []string {
	list := make([]string, len(policies))
	for i, p := range policies {
		list[i] = p.Name
	}
	return list
}
