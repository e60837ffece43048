package conformance_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
)

// TestAnomaliesExist: the anomalies are upstream's still, as its own evaluator
// has them; the list fails when it need not be one any more.
func TestAnomaliesExist(t *testing.T) {
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
