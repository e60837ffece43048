package evaluate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/governing"
	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/internal/want"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Evaluate judges a pod at a level and version of the Pod Security Standards,
// with the policies of a set as exceptions. The zero Set holds none. The pod
// must not be nil.
//
// It answers about the pod as given, as Pod Security Admission does, which sees
// pods after the API server has set its defaults; [Stored] sets them first.
func Evaluate(pod *corev1.Pod, lv api.LevelVersion, exceptions policy.Set) (r Result) {
	q := question{namespace: pod.Namespace, view: asGiven(&pod.ObjectMeta, &pod.Spec)}
	q.answer(&r, lv, &exceptions)
	return r
}

// Template judges a pod template of an object in a namespace, as [Evaluate]
// would judge the pod made of it. Without a namespace it is governed by
// policies that name none.
func Template(namespace string, template *corev1.PodTemplateSpec, lv api.LevelVersion, exceptions policy.Set) (r Result) {
	q := question{namespace: namespace, view: asGiven(&template.ObjectMeta, &template.Spec)}
	q.answer(&r, lv, &exceptions)
	return r
}

// EphemeralContainers judges an update of a running pod's ephemeral containers,
// as the API server would store it: old with the ephemeral containers of
// updated. Which policy governs it is settled by old's namespace and labels, and
// by the containers that are new: nothing else can change any more.
func EphemeralContainers(old, updated *corev1.Pod, lv api.LevelVersion, exceptions policy.Set) (r Result) {
	stored := old.Spec
	stored.EphemeralContainers = updated.Spec.EphemeralContainers
	q := question{namespace: old.Namespace, view: asGiven(&old.ObjectMeta, &stored), old: old, updated: updated}
	q.answer(&r, lv, &exceptions)
	return r
}

// Stored is [Evaluate] for a pod as the API server would store it when it is
// created, or for the pod made of a template, given by its metadata and spec:
// spec.Stored says what that changes, and what still stands for. A violation by
// what the author did not write says so, by its Default.
func Stored(
	namespace string, meta *metav1.ObjectMeta, pod *corev1.PodSpec, still spec.Default, lv api.LevelVersion, exceptions policy.Set,
) (r Result) {
	q := question{namespace: namespace, view: asStored(meta, pod, still)}
	q.answer(&r, lv, &exceptions)
	return r
}

// Spec judges a pod, given by its metadata and spec, under one policy, whether
// or not that selects it. A nil policy is policy.Default(), which grants and
// demands nothing; metadata and spec must not be nil.
func Spec(meta *metav1.ObjectMeta, pod *corev1.PodSpec, lv api.LevelVersion, p *policy.Policy) Result {
	return StoredSpec(meta, pod, 0, lv, p)
}

// StoredSpec is [Spec] for the pod as the API server would store it, as in [Stored].
func StoredSpec(
	meta *metav1.ObjectMeta, pod *corev1.PodSpec, still spec.Default, lv api.LevelVersion, p *policy.Policy,
) (r Result) {
	r.Level = spec.Normalize(lv)
	if r.Level.Level == api.LevelPrivileged {
		return r
	}
	v := asStored(meta, pod, still)
	r.Violations = find(v.meta, v.pod, r.Level)
	if p != nil {
		v.under(&r, p)
	}
	if v.pod != v.given {
		v.mark(&r)
	}
	return r
}

// question is a pod, or an update of its ephemeral containers, that is judged.
type question struct {
	view
	namespace string
	// old and updated are the two sides of an update, else nil.
	old, updated *corev1.Pod
}

// answer writes into r, which begins empty: copies of a Result are a good part of
// what a small pod costs.
func (q *question) answer(r *Result, lv api.LevelVersion, exceptions *policy.Set) {
	r.Level = spec.Normalize(lv)
	if r.Level.Level == api.LevelPrivileged {
		return
	}
	r.Violations = find(q.meta, q.pod, r.Level)
	if exceptions.Len() > 0 {
		q.except(r, exceptions)
		r.Notices = exceptions.Notices(q.namespace, q.meta.Labels)
	}
	if q.pod != q.given {
		q.mark(r)
	}
}

// except lets the policies that govern the pod speak on what was found.
func (q *question) except(r *Result, exceptions *policy.Set) {
	var buffer [4]*policy.Policy
	candidates := governing.Among(exceptions.AppendGoverning(buffer[:0], q.namespace, q.meta.Labels), q.pod)
	switch len(candidates) {
	case 0:
	case 1:
		q.under(r, candidates[0])
	default:
		q.governed(r, candidates)
	}
}

// governed holds what was found against each of several policies.
func (q *question) governed(r *Result, candidates []*policy.Policy) {
	var choice governing.Choice
	found := *r
	for _, p := range candidates {
		try := found
		q.under(&try, p)
		best, final := choice.Try(len(try.Violations), try.Allowed() && q.unchanged(try.Level.Level, p))
		if best {
			*r = try
		}
		if final {
			break
		}
	}
}

// unchanged reports whether Admit would fill nothing in under a policy that
// allows the pod: at baseline it fills nothing in then.
func (q *question) unchanged(level api.Level, p *policy.Policy) bool {
	switch {
	case level == api.LevelBaseline:
		return true
	case q.old != nil:
		return plan.EphemeralContainersComplete(q.old, q.updated, p)
	default:
		return plan.Complete(q.meta, q.given, p)
	}
}

// under lets a policy speak on what was found, the violations of r: its grants
// excuse, its rules demand.
func (v *view) under(r *Result, p *policy.Policy) {
	r.Policy = p
	if len(r.Violations) > 0 {
		r.Violations, r.Excused = v.excuse(r.Violations, p)
	}
	r.Violations = demands(v, r.Level.Level, p, r.Violations)
}

// excuse parts what was found into what stays and what the policy's grants
// cover. Neither shares memory with found, which the next policy is held
// against too.
func (v *view) excuse(found []Violation, p *policy.Policy) (stay, excused []Violation) {
	stay = make([]Violation, 0, len(found))
	paths := ""
	for i := range found {
		if by, ok := v.excuses(&found[i], p); ok {
			excused = append(excused, found[i])
			excused[len(excused)-1].ExcusedBy = by
			continue
		}
		stay = append(stay, found[i])
		if left := &stay[len(stay)-1]; left.Field == spec.FieldVolumeHostPath {
			if paths == "" {
				paths = want.HostPath(p)
			}
			left.Want = paths
		}
	}
	return stay, excused
}
