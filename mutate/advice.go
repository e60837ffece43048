package mutate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// Advice tells why a container of a filled pod may still fail to start.
type Advice struct {
	// Location is the container.
	spec.Location
	// Text is a sentence for whoever wrote the pod.
	Text string
}

// String renders the container's name and the sentence, on one line whatever
// the name holds.
func (a Advice) String() string {
	return fmt.Sprintf("%s %q: %s", a.Container.Kind, a.Container.Name, a.Text)
}

// Advise returns what may keep the containers of a pod, as it was filled in,
// from starting.
func Advise(pod *corev1.PodSpec) (advice []Advice) {
	for at, c := range podwalk.Containers(pod) {
		advice = advise(advice, pod, at, c)
	}
	return advice
}

// AdviseEphemeralContainers is [Advise] for the ephemeral containers of updated
// that old, the running pod, does not have.
func AdviseEphemeralContainers(old, updated *corev1.Pod) (advice []Advice) {
	running := plan.Running(old)
	for at, c := range podwalk.EphemeralContainers(&updated.Spec) {
		if !running[c.Name] {
			advice = advise(advice, &old.Spec, at, c)
		}
	}
	return advice
}

func advise(advice []Advice, pod *corev1.PodSpec, at spec.Container, c *corev1.Container) []Advice {
	if text := adviceFor(pod, c); text != "" {
		advice = append(advice, Advice{spec.At(at, 0), text})
	}
	return advice
}

func adviceFor(pod *corev1.PodSpec, c *corev1.Container) string {
	if nonRoot := spec.EffectiveRunAsNonRoot(pod, c); nonRoot == nil || !*nonRoot {
		return ""
	}
	switch uid := spec.EffectiveRunAsUser(pod, c); {
	case spec.RunsAsAdministrator(pod, c):
		return "runAsNonRoot is true and runAsUserName is ContainerAdministrator: the kubelet will refuse to start the container"
	case spec.IsWindows(pod):
		return ""
	case uid == nil:
		return "runAsNonRoot is true and no runAsUser is set: the image must declare a numeric USER other than 0"
	case *uid == 0:
		return "runAsNonRoot is true and runAsUser is 0: the kubelet will refuse to start the container"
	default:
		return ""
	}
}
