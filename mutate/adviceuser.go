package mutate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

const (
	adviceRoot          = "runAsNonRoot is true and runAsUser is 0: the kubelet will refuse to start the container"
	adviceAdministrator = "runAsNonRoot is true and runAsUserName is ContainerAdministrator: the kubelet will refuse to start the container"
	adviceImageUser     = "runAsNonRoot is true and no runAsUser is set: the image must declare a numeric USER other than 0"
	adviceRunsAsRoot    = "runAsNonRoot is true, no runAsUser is set, and the container runs as UID 0 now: the kubelet will refuse to start it"
	adviceRunsAs        = "runAsNonRoot is true and no runAsUser is set: the container runs as UID %d now, which the image must declare as a number; runAsUser: %[1]d would settle it"
)

// user says what the kubelet makes of the container's user under runAsNonRoot:
// verifyRunAsNonRoot in security_context_others.go and security_context_windows.go
// of pkg/kubelet/kuberuntime.
func (a *adviser) user(at spec.Container, c *corev1.Container) {
	if nonRoot := spec.EffectiveRunAsNonRoot(a.pod, c); nonRoot == nil || !*nonRoot {
		return
	}
	here := spec.At(at, 0)
	if spec.IsWindows(a.pod) {
		// A user has a name there, and only one of them is refused.
		if spec.RunsAsAdministrator(a.pod, c) {
			a.add(here, RefusedUser, adviceAdministrator)
		}
		return
	}
	if uid := spec.EffectiveRunAsUser(a.pod, c); uid != nil {
		if *uid == 0 {
			a.add(here, RefusedUser, adviceRoot)
		}
		return
	}
	switch uid, known := a.users[containerName{at.Kind, at.Name}]; {
	case !known:
		a.add(here, ImageUser, adviceImageUser)
	case uid == 0:
		a.add(here, RefusedUser, adviceRunsAsRoot)
	case a.filled[at]:
		// It was not held to runAsNonRoot when it started: the image may name its user.
		a.add(here, ImageUser, adviceRunsAs, uid)
	}
}

// runsAsNonRoot reports whether the container is known to run as another user
// than root, or not at all.
func (a *adviser) runsAsNonRoot(at spec.Container, c *corev1.Container) bool {
	if uid := spec.EffectiveRunAsUser(a.pod, c); uid != nil {
		return *uid != 0
	}
	if uid, known := a.users[containerName{at.Kind, at.Name}]; known {
		return uid != 0
	}
	nonRoot := spec.EffectiveRunAsNonRoot(a.pod, c)
	return nonRoot != nil && *nonRoot
}

// containerName tells a container of a pod from all others as its status does.
type containerName struct {
	kind spec.ContainerKind
	name string
}

// usersOf are the user IDs of a pod's running containers, where the status has
// them (KEP-3619, since v1.31).
func usersOf(status *corev1.PodStatus) (users map[containerName]int64) {
	lists := [...][]corev1.ContainerStatus{
		spec.InitContainer:      status.InitContainerStatuses,
		spec.RegularContainer:   status.ContainerStatuses,
		spec.EphemeralContainer: status.EphemeralContainerStatuses,
	}
	for _, kind := range spec.ContainerKinds() {
		for i := range lists[kind] {
			s := &lists[kind][i]
			if s.User == nil || s.User.Linux == nil {
				continue
			}
			if users == nil {
				users = map[containerName]int64{}
			}
			users[containerName{kind, s.Name}] = s.User.Linux.UID
		}
	}
	return users
}
