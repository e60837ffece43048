package admission

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"
	psa "k8s.io/pod-security-admission/policy"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
)

type (
	decision = metrics.Decision
	mode     = metrics.Mode
)

// evaluator judges the pods of one request and keeps the answers, which hold
// more than upstream's own: the governing policy and what it excuses.
type evaluator struct {
	namespace string
	policies  policy.Set
	answers   []answer
}

type answer struct {
	asked  api.LevelVersion
	result evaluate.Result
}

// EvaluatePod is upstream's question. A check that passes has no result.
func (e *evaluator) EvaluatePod(lv api.LevelVersion, meta *metav1.ObjectMeta, spec *corev1.PodSpec) []psa.CheckResult {
	template := &corev1.PodTemplateSpec{ObjectMeta: *meta, Spec: *spec}
	result := evaluate.Template(e.namespace, template, lv, e.policies)
	e.answers = append(e.answers, answer{lv, result})
	var failed []psa.CheckResult
	for _, part := range result.Parts() {
		failed = append(failed, psa.CheckResult{ForbiddenReason: part.Reason, ForbiddenDetail: part.Detail})
	}
	return failed
}

// enforced is the first answer, which is that at the enforced level where a pod
// is judged; nil if nothing was asked.
func (e *evaluator) enforced() *evaluate.Result {
	if len(e.answers) == 0 {
		return nil
	}
	return &e.answers[0].result
}
