package evaluate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Evaluate judges a pod at a level and version of the Pod Security Standards,
// with the policies of a set as exceptions. The zero Set holds none. The pod
// must not be nil.
func Evaluate(pod *corev1.Pod, lv api.LevelVersion, exceptions policy.Set) Result {
	return evaluate(pod.Namespace, &pod.ObjectMeta, &pod.Spec, lv, exceptions)
}

// Template judges a pod template of an object in a namespace, as [Evaluate]
// would judge the pod made of it. Without a namespace it is governed by
// policies that name none.
func Template(namespace string, template *corev1.PodTemplateSpec, lv api.LevelVersion, exceptions policy.Set) Result {
	return evaluate(namespace, &template.ObjectMeta, &template.Spec, lv, exceptions)
}

// Under judges a pod, given by its metadata and spec, under one policy, whether
// or not that selects it. A nil policy is none; metadata and spec must not be nil.
func Under(meta *metav1.ObjectMeta, pod *corev1.PodSpec, lv api.LevelVersion, p *policy.Policy) Result {
	lv = spec.Normalize(lv)
	if lv.Level == api.LevelPrivileged {
		return Result{Level: lv}
	}
	found := find(meta, pod, lv)
	if p == nil {
		return Result{Level: lv, Violations: found}
	}
	return under(subject{meta: meta, pod: pod, level: lv.Level}, lv, found, p)
}

func evaluate(namespace string, meta *metav1.ObjectMeta, pod *corev1.PodSpec, lv api.LevelVersion, exceptions policy.Set) Result {
	lv = spec.Normalize(lv)
	if lv.Level == api.LevelPrivileged {
		return Result{Level: lv}
	}
	found := find(meta, pod, lv)
	if exceptions.Len() == 0 {
		return Result{Level: lv, Violations: found}
	}
	return governed(namespace, meta, pod, lv, exceptions, found)
}

// governed holds what was found against the policies that govern the pod.
func governed(namespace string, meta *metav1.ObjectMeta, pod *corev1.PodSpec, lv api.LevelVersion, exceptions policy.Set, found []Violation) Result {
	var buffer [4]*policy.Policy
	governing := exceptions.AppendGoverning(buffer[:0], namespace, meta.Labels)
	if len(governing) == 0 {
		return Result{Level: lv, Violations: found}
	}
	s := subject{meta: meta, pod: pod, level: lv.Level}
	var closest Result
	for i, p := range governing {
		r := under(s, lv, found, p)
		if r.Allowed() {
			return r
		}
		if i == 0 || len(r.Violations) < len(closest.Violations) {
			closest = r
		}
	}
	return closest
}

// subject is the pod that is judged, and at which level. It is handed on by
// value: a pointer would escape through the table of checks, and a pod without
// violations must not pay for that.
type subject struct {
	meta  *metav1.ObjectMeta
	pod   *corev1.PodSpec
	level api.Level
	// writable holds the names of volumes that a container mounts writable,
	// nil until somebody asks.
	writable map[string]bool
}

// under lets a policy speak on what was found: its grants excuse, its rules demand.
func under(s subject, lv api.LevelVersion, found []Violation, p *policy.Policy) Result {
	r := Result{Level: lv, Policy: p}
	if len(found) > 0 {
		r.Violations, r.Excused = excuse(s, found, p)
	}
	r.Violations = rules(s, p, r.Violations)
	return r
}

// excuse parts what was found into what stays and what the policy's grants
// cover. Neither shares memory with found, which the next policy is held
// against too.
func excuse(s subject, found []Violation, p *policy.Policy) (stay, excused []Violation) {
	stay = make([]Violation, 0, len(found))
	for i := range found {
		stay = append(stay, found[i])
		v := &stay[len(stay)-1]
		if grant := checks[v.Check].excuse(&s, p, v); grant != 0 {
			v.Grant = grant
			excused = append(excused, *v)
			stay = stay[:len(stay)-1]
		}
	}
	return stay, excused
}
