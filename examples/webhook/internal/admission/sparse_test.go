package admission

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestPodsAreReadSparsely: of a pod what nobody asks about is not decoded, and
// other objects, and what package review refuses, are decoded as ever.
func TestPodsAreReadSparsely(t *testing.T) {
	decode := func(text string) any {
		t.Helper()
		object, kind, err := newDecoder().Decode([]byte(text), nil, nil)
		if err != nil || kind == nil {
			t.Fatalf("%s: %v", text, err)
		}
		return object
	}
	pod := decode(`{"apiVersion":"v1","kind":"Pod","spec":{"runtimeClassName":"gvisor","containers":[{"name":"a","image":"x","env":[{"name":"A"}]}]}}`).(*corev1.Pod)
	if pod.Kind != "Pod" || *pod.Spec.RuntimeClassName != "gvisor" || pod.Spec.Containers[0].Image != "x" || pod.Spec.Containers[0].Env != nil {
		t.Errorf("read %+v", pod)
	}
	whole := decode(`{"apiVersion":"v1","kind":"Pod","spec":{"hostPID":true,"hostPID":false,"containers":[{"env":[{"name":"A"}]}]}}`).(*corev1.Pod)
	if whole.Spec.HostPID || len(whole.Spec.Containers[0].Env) != 1 {
		t.Errorf("a name that stands twice: read %+v", whole)
	}
	if template, ok := decode(`{"apiVersion":"v1","kind":"PodTemplate","template":{"spec":{"hostPID":true}}}`).(*corev1.PodTemplate); !ok || !template.Template.Spec.HostPID {
		t.Errorf("a template: read %+v", template)
	}
	if _, _, err := newDecoder().Decode([]byte(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":7}}`), nil, nil); err == nil {
		t.Error("containers that are a number are no error")
	}
}
