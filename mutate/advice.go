package mutate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// Concern is what an advice is about.
type Concern string

// The concerns.
const (
	// ImageUser: the user is the image's, and under runAsNonRoot the kubelet wants
	// it to be a number other than 0.
	ImageUser Concern = "imageUser"
	// RefusedUser: the user is root, and under runAsNonRoot the kubelet refuses it.
	RefusedUser Concern = "refusedUser"
	// AddedCapabilities: Kubernetes sets no ambient capabilities, so that the
	// process of another user than root has those of its file alone.
	AddedCapabilities Concern = "addedCapabilities"
	// VolumeModes: for the fsGroup that was filled in, the kubelet widens the modes
	// of files whose author may have wanted them narrow.
	VolumeModes Concern = "volumeModes"
	// WindowsNodes: the pod selects Windows nodes and is not known to be for Windows.
	WindowsNodes Concern = "windowsNodes"
)

// Advice tells why a filled pod may not start, or not work as its author meant:
// what nothing that is filled in can mend.
type Advice struct {
	// Location is the container; or, with the zero Container, the pod or the field
	// of it that the advice is about.
	spec.Location
	// Concern is what the advice is about.
	Concern Concern
	// Text is a sentence for whoever wrote the pod.
	Text string
}

// MayNotStart reports whether the kubelet may refuse to start the container. What
// else is advised about starts, and may not work as it was meant.
func (a Advice) MayNotStart() bool { return a.Concern == ImageUser || a.Concern == RefusedUser }

// String renders the container's name, or that it is about the pod, and the
// sentence, on one line whatever the names hold.
func (a Advice) String() string {
	if a.Container.Kind == 0 {
		return fmt.Sprintf("%s: %s", a.Container.Kind, a.Text)
	}
	return fmt.Sprintf("%s %q: %s", a.Container.Kind, a.Container.Name, a.Text)
}

// Advise returns what may keep a pod from starting, or from working as it was
// meant: the pod as [Mutate] filled it in, and the report of that. Where the pod's
// status says as which user a container runs, the advice rests on it.
func Advise(pod *corev1.Pod, r Report) []Advice {
	return advise(&pod.Spec, r.plan.Fills, usersOf(&pod.Status))
}

// AdviseTemplate is [Advise] for a pod template, as [Template] filled it in.
func AdviseTemplate(template *corev1.PodTemplateSpec, r Report) []Advice {
	return advise(&template.Spec, r.plan.Fills, nil)
}

// AdviseEphemeralContainers is [Advise] for the ephemeral containers of updated
// that old, the running pod, does not have.
func AdviseEphemeralContainers(old, updated *corev1.Pod) []Advice {
	a := adviser{pod: asWindows(&old.Spec)}
	running := plan.Running(old)
	for at, c := range podwalk.EphemeralContainers(&updated.Spec) {
		if !running[c.Name] {
			a.container(at, c)
		}
	}
	return a.advice
}

func advise(pod *corev1.PodSpec, fills []plan.Fill, users map[containerName]int64) []Advice {
	a := adviser{pod: asWindows(pod), users: users}
	if a.pod != pod {
		a.add(spec.At(spec.Container{}, 0), WindowsNodes, adviceWindowsNodes)
	}
	for i := range fills {
		switch f := &fills[i]; f.Field {
		case plan.PodFSGroup:
			a.volumes(f.Value)
		case plan.RunAsNonRoot:
			if len(users) > 0 {
				a.keptFromRoot(f.Container())
			}
		}
	}
	for at, c := range podwalk.Containers(pod) {
		a.container(at, c)
	}
	return a.advice
}

// adviser gathers what is to be said of one pod.
type adviser struct {
	pod *corev1.PodSpec
	// users are the user IDs of running containers.
	users map[containerName]int64
	// filled are the containers of a pod with users whose runAsNonRoot was filled in.
	filled map[spec.Container]bool
	advice []Advice
}

func (a *adviser) add(at spec.Location, about Concern, format string, args ...any) {
	a.advice = append(a.advice, Advice{at, about, fmt.Sprintf(format, args...)})
}

func (a *adviser) keptFromRoot(at spec.Container) {
	if a.filled == nil {
		a.filled = map[spec.Container]bool{}
	}
	a.filled[at] = true
}

func (a *adviser) container(at spec.Container, c *corev1.Container) {
	a.user(at, c)
	a.capabilities(at, c)
}
