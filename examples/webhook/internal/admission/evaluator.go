package admission

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"
	psa "k8s.io/pod-security-admission/policy"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

type (
	decision = metrics.Decision
	mode     = metrics.Mode
)

// evaluator judges the pods of one request and keeps the results, which hold
// more than upstream's own: the governing policy and what it excuses.
type evaluator struct {
	namespace string
	policies  policy.Set
	// fillsAt is the level at which pods of the template that is judged will be
	// filled in; privileged where pods are judged, which have been filled in.
	fillsAt api.LevelVersion
	// template: what is judged is a pod template. Pods have all their defaults here.
	template bool
	// claims: pods of the template get volumes for claims.
	claims bool
	// old is the running pod of an update of ephemeral containers, else nil.
	old    *corev1.Pod
	judged []judgement
}

type judgement struct {
	asked  api.LevelVersion
	result evaluate.Result
}

// EvaluatePod is upstream's question. A check that passes has no result.
func (e *evaluator) EvaluatePod(lv api.LevelVersion, meta *metav1.ObjectMeta, pod *corev1.PodSpec) []psa.CheckResult {
	result := e.evaluate(lv, meta, pod)
	e.judged = append(e.judged, judgement{lv, result})
	return checks(result)
}

// checks are the checks that fail, as upstream has them.
func checks(result evaluate.Result) (failed []psa.CheckResult) {
	for _, part := range result.Parts() {
		failed = append(failed, psa.CheckResult{ForbiddenReason: part.Reason, ForbiddenDetail: part.Detail})
	}
	return failed
}

// afterDecoding are the defaults that the pod of a template gets beside those that
// the template itself got, when the API server decoded it.
const afterDecoding = spec.AllDefaults &^ spec.DefaultEmptyDir

// evaluate judges what was asked about. A template is judged by the pods that
// will come of it: an author need not be warned of what will be filled in, and is
// of what the API server will set. An update of ephemeral containers is governed by the policy that filled them in.
func (e *evaluator) evaluate(lv api.LevelVersion, meta *metav1.ObjectMeta, pod *corev1.PodSpec) evaluate.Result {
	if e.old != nil {
		return evaluate.EphemeralContainers(e.old, &corev1.Pod{ObjectMeta: *meta, Spec: *pod}, lv, e.policies)
	}
	template := &corev1.PodTemplateSpec{ObjectMeta: *meta, Spec: *pod}
	if !e.template {
		return evaluate.Template(e.namespace, template, lv, e.policies)
	}
	w, still := podfence.Workload{Namespace: e.namespace, Template: template, Claims: e.claims}, afterDecoding
	if e.claims {
		still |= spec.DefaultClaimVolumes
	}
	template = w.Admit(e.fillsAt, e.policies).Template
	return evaluate.Stored(e.namespace, &template.ObjectMeta, &template.Spec, still, lv, e.policies)
}

// enforced is the first answer, which of a pod is that at the enforced level; nil
// if nothing was asked.
func (e *evaluator) enforced() *evaluate.Result {
	if len(e.judged) == 0 {
		return nil
	}
	return &e.judged[0].result
}
