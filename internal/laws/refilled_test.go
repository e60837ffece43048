package laws

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

// TestEvaluateSaysOfEveryFillingWhatAdmitSays is the law of the chooser for pods
// that one of several policies filled in, whichever it was: they need no change
// under that one, so that which policy needs a change often decides. Among pods
// as their authors wrote them that is so rare that the law would not be tried.
func TestEvaluateSaysOfEveryFillingWhatAdmitSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, lv, set := podgen.Pod().Draw(t, "pod"), drawAnyLevel(t), drawSet(t)
		updated := podgen.Pod().Draw(t, "updated")
		for _, p := range set.Governing(pod.Namespace, pod.Labels) {
			filled, _ := mutate.Mutate(pod, p)
			d := podfence.Admit(filled, lv, set)
			saysTheSame(t, "a pod filled in under "+p.Name, d, evaluate.Evaluate(stored(d.Pod), lv, set))

			debugged, _ := mutate.EphemeralContainers(filled, updated, p)
			d = podfence.AdmitEphemeralContainers(filled, debugged, lv, set)
			saysTheSame(t, "an update filled in under "+p.Name, d, evaluate.EphemeralContainers(filled, d.Pod, lv, set))
		}
	})
}

// TestUserNamespaceOfOnePolicy is the pod that the law above was broken by: root,
// under a policy that leaves it root and one that asks for a user namespace, in
// which the standard lets root be. The second fills it in, and stays its policy.
func TestUserNamespaceOfOnePolicy(t *testing.T) {
	plain := policy.Policy{Name: "a", PodSelectorLabels: map[string]string{"app": "web"}}
	own := policy.Policy{Name: "b", PodSelectorLabels: map[string]string{"app": "web"}}
	own.Allow.UserNamespace = policy.UserNamespaceRequired
	set, err := policy.NewSet(plain, own)
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default", Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{RunAsUser: new(int64)},
			Containers:      []corev1.Container{{Name: "c"}},
		},
	}
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	filled := podfence.Admit(pod, lv, set)
	again := podfence.Admit(filled.Pod, lv, set)
	for what, r := range map[string]evaluate.Result{
		"filled in": filled.Result, "asked again": again.Result, "evaluated": evaluate.Evaluate(stored(filled.Pod), lv, set),
	} {
		if !r.Allowed() || r.PolicyName() != "b" {
			t.Errorf("%s: allowed %v under %q, want b", what, r.Allowed(), r.PolicyName())
		}
	}
}
