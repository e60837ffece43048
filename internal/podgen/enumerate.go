package podgen

import (
	"iter"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/spec"
)

// Making is a pod in the making.
type Making struct {
	Pod *corev1.Pod
	// Subject is the container that the choices are about. One of the [Kinds]
	// puts it into the pod, so that they are chosen first.
	Subject *corev1.Container
}

// Choice is one value of a dimension: what it does to the pod.
type Choice func(*Making)

// Product visits a pod for every combination of one choice of each dimension,
// made in order of the dimensions. Their first choices come first, so that the
// first pod that fails a test is among the plainest that do.
func Product(dimensions ...[]Choice) iter.Seq[*corev1.Pod] {
	return func(yield func(*corev1.Pod) bool) {
		for at := make([]int, len(dimensions)); at != nil; at = next(at, dimensions) {
			m := Making{Pod: &corev1.Pod{}}
			for d, i := range at {
				dimensions[d][i](&m)
			}
			if !yield(m.Pod) {
				return
			}
		}
	}
}

// next is the combination after one, nil after the last.
func next(at []int, dimensions [][]Choice) []int {
	for d := len(at) - 1; d >= 0; d-- {
		if at[d]++; at[d] < len(dimensions[d]) {
			return at
		}
		at[d] = 0
	}
	return nil
}

// Kinds puts the subject into the pod, as each kind of container. What
// securityContext returns is what it begins with.
func Kinds(securityContext func() *corev1.SecurityContext) []Choice {
	var kinds []Choice
	for _, kind := range spec.ContainerKinds() {
		kinds = append(kinds, func(m *Making) {
			m.Subject = appendTo(m.Pod, kind, &corev1.Container{Name: "subject", SecurityContext: securityContext()})
		})
	}
	return kinds
}

// Bare is the security context of a container that has none.
func Bare() *corev1.SecurityContext { return nil }

// appendTo appends a container to its list. What was placed in that list before
// may move.
func appendTo(pod *corev1.Pod, kind spec.ContainerKind, c *corev1.Container) *corev1.Container {
	switch kind {
	case spec.InitContainer:
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, *c)
		return last(pod.Spec.InitContainers)
	case spec.RegularContainer:
		pod.Spec.Containers = append(pod.Spec.Containers, *c)
		return last(pod.Spec.Containers)
	default:
		e := corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(*c)}
		pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers, e)
		return (*corev1.Container)(&last(pod.Spec.EphemeralContainers).EphemeralContainerCommon)
	}
}

func last[T any](list []T) *T { return &list[len(list)-1] }

// Alone leaves the subject alone.
func Alone(*Making) {}

// Beside puts a second container beside the subject, as each kind, with each
// of the given security contexts. It is chosen last: the subject may move.
func Beside(securityContexts ...func() *corev1.SecurityContext) []Choice {
	var choices []Choice
	for _, kind := range spec.ContainerKinds() {
		for _, securityContext := range securityContexts {
			choices = append(choices, func(m *Making) {
				appendTo(m.Pod, kind, &corev1.Container{Name: "beside", SecurityContext: securityContext()})
			})
		}
	}
	return choices
}

// Twins puts a container like the subject beside it, as each kind. It is chosen
// last: the subject may move.
func Twins() []Choice {
	var choices []Choice
	for _, kind := range spec.ContainerKinds() {
		choices = append(choices, func(m *Making) {
			twin := *m.Subject
			twin.Name = "a twin"
			appendTo(m.Pod, kind, &twin)
		})
	}
	return choices
}

// OperatingSystems are none, Linux and Windows.
func OperatingSystems() []Choice {
	choices := []Choice{Alone}
	for _, name := range []corev1.OSName{corev1.Linux, corev1.Windows} {
		choices = append(choices, func(m *Making) { m.Pod.Spec.OS = &corev1.PodOS{Name: name} })
	}
	return choices
}

// HostUsers are unset, true and false.
func HostUsers() []Choice {
	choices := []Choice{Alone}
	for _, value := range []bool{true, false} {
		choices = append(choices, func(m *Making) { m.Pod.Spec.HostUsers = &value })
	}
	return choices
}

// OnPod are a field of the pod's security context left unset, then each value.
func OnPod[T any](set func(*corev1.PodSecurityContext, T), values ...T) []Choice {
	choices := []Choice{Alone}
	for _, value := range values {
		choices = append(choices, func(m *Making) {
			if m.Pod.Spec.SecurityContext == nil {
				m.Pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
			}
			set(m.Pod.Spec.SecurityContext, value)
		})
	}
	return choices
}

// OnSubject are a field of the subject's security context left as it is, then
// each value.
func OnSubject[T any](set func(*corev1.SecurityContext, T), values ...T) []Choice {
	choices := []Choice{Alone}
	for _, value := range values {
		choices = append(choices, func(m *Making) {
			if m.Subject.SecurityContext == nil {
				m.Subject.SecurityContext = &corev1.SecurityContext{}
			}
			set(m.Subject.SecurityContext, value)
		})
	}
	return choices
}

// Annotated are an annotation left out, then each value.
func Annotated(key string, values ...string) []Choice {
	choices := []Choice{Alone}
	for _, value := range values {
		choices = append(choices, func(m *Making) {
			if m.Pod.Annotations == nil {
				m.Pod.Annotations = map[string]string{}
			}
			m.Pod.Annotations[key] = value
		})
	}
	return choices
}

// BoundaryVersions are the versions around every revision of some controls, the
// last without it and the first with it, then the first and the newest version
// of all, the one after that, and latest.
func BoundaryVersions(controls ...*spec.Control) []api.Version {
	version := spec.Newest()
	newest := version.Minor()
	minors := []int{0, newest, newest + 1}
	for _, control := range controls {
		for _, check := range control.Checks {
			for _, rev := range check.Revisions {
				minors = append(minors, max(rev.Since-1, 0), rev.Since)
			}
		}
	}
	slices.Sort(minors)
	var versions []api.Version
	for _, minor := range slices.Compact(minors) {
		versions = append(versions, api.MajorMinorVersion(1, minor))
	}
	return append(versions, api.LatestVersion())
}
