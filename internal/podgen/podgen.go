// Package podgen makes pods and policies for tests: random ones that reach every
// check, grant and fill, and with [Product] every pod of a small domain.
//
// [Pod] draws pods and [Policy] draws policies that Validate accepts; most tests
// need no more. Pod is a mixture of three sorts, because no one of them proves
// enough:
//
//   - about half have every field drawn, each on its own: all combinations, but
//     hardly one that any level allows;
//   - a third are drawn by [Boundary]: restricted allows them but for a field or
//     two, so that one field decides;
//   - the rest are drawn by [Sparse]: their author set little, so that most is
//     left to be filled in.
//
// All three draw from the same tables of fields, podFields and containerFields:
// what is added there is tried in each. Values come from package spec where it
// lists them, so that a new sysctl or volume type is tried without a change here.
// Pods may be such as API validation refuses: an evaluator sees those too.
//
// TestEveryCaseIsDrawn counts over a fixed number of draws that each check is
// violated and satisfied, each grant used and unused, each fill made and left.
// A generator that never makes a case proves nothing about it.
package podgen

import (
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
)

// Pod generates pods of all sorts; a failure shrinks towards a sparse one.
func Pod() *rapid.Generator[*corev1.Pod] {
	return podsOf(func(g gen) *corev1.Pod {
		switch g.below(6) {
		case 0:
			return g.sparse()
		case 1, 2:
			return g.boundary()
		default:
			return g.anything()
		}
	})
}

// Boundary generates pods near the compliant boundary: restricted allows them at
// every version, but for at most two fields that are drawn anew.
func Boundary() *rapid.Generator[*corev1.Pod] { return podsOf(gen.boundary) }

// Sparse generates pods whose author set little: containers of all kinds and at
// most three fields.
func Sparse() *rapid.Generator[*corev1.Pod] { return podsOf(gen.sparse) }

func podsOf(draw func(gen) *corev1.Pod) *rapid.Generator[*corev1.Pod] {
	return rapid.Custom(func(t *rapid.T) *corev1.Pod {
		g := gen{t}
		pod := draw(g)
		pod.Name = "pod"
		pod.Namespace = pick(g, "default", "", "networking")
		pod.Labels = maybe(g, 4, 5, g.labels)
		return pod
	})
}

// anything draws every field on its own.
func (g gen) anything() *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Spec.InitContainers = listed(g.length(2), func(i int) corev1.Container { return g.container("i", i) })
	pod.Spec.Containers = listed(pick(g, 1, 2, 1, 3, 2, 0, -1), func(i int) corev1.Container { return g.container("c", i) })
	pod.Spec.EphemeralContainers = listed(g.length(2), func(i int) corev1.EphemeralContainer { return ephemeral(g.container("e", i)) })
	for i := range podFields {
		if f := &podFields[i]; g.once(f.every) {
			f.draw(g, pod)
		}
	}
	return pod
}

// boundary draws a pod that restricted allows, and then a field or two anew.
func (g gen) boundary() *corev1.Pod {
	pod := g.compliant()
	g.change(pod, pick(g, 1, 2, 1, 2, 2, 0))
	return pod
}

// sparse draws containers of any kind that say nothing, and a few fields.
func (g gen) sparse() *corev1.Pod {
	pod := &corev1.Pod{Spec: g.kinds(func() *corev1.SecurityContext { return pick(g, nil, nil, &corev1.SecurityContext{}) })}
	pod.Spec.SecurityContext = pick(g, nil, &corev1.PodSecurityContext{})
	g.change(pod, g.below(4))
	return pod
}

// change draws a number of a pod's fields anew.
func (g gen) change(pod *corev1.Pod, fields int) {
	for range fields {
		containers := containersOf(pod)
		if len(containers) == 0 || g.once(2) {
			podFields[g.below(len(podFields))].draw(g, pod)
		} else {
			containerFields[g.below(len(containerFields))].draw(g, containers[g.below(len(containers))])
		}
	}
}

// containersOf are all containers of a pod.
func containersOf(pod *corev1.Pod) (list []*corev1.Container) {
	for i := range pod.Spec.InitContainers {
		list = append(list, &pod.Spec.InitContainers[i])
	}
	for i := range pod.Spec.Containers {
		list = append(list, &pod.Spec.Containers[i])
	}
	for i := range pod.Spec.EphemeralContainers {
		list = append(list, (*corev1.Container)(&pod.Spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
	return list
}

func ephemeral(c corev1.Container) corev1.EphemeralContainer {
	return corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(c)}
}

// kinds is a pod with a container of every kind, a sidecar among them, or with a
// regular one alone.
func (g gen) kinds(securityContext func() *corev1.SecurityContext) corev1.PodSpec {
	container := func(name string) corev1.Container {
		return corev1.Container{Name: name, Image: "registry.example.com/app:v1", SecurityContext: securityContext()}
	}
	s := corev1.PodSpec{Containers: []corev1.Container{container("c0")}}
	if g.once(3) {
		return s
	}
	s.InitContainers = []corev1.Container{container("i0"), container("i1")}
	s.InitContainers[1].RestartPolicy = ptr(corev1.ContainerRestartPolicyAlways)
	s.EphemeralContainers = []corev1.EphemeralContainer{ephemeral(container("e0"))}
	return s
}

// compliant draws a pod that restricted allows, at every version or, if it runs
// on Windows, since v1.25. What a pod may say for its containers is said by it,
// by them, or by both. Some leave nothing for Mutate to fill in.
func (g gen) compliant() *corev1.Pod {
	windows := g.once(8)
	byPod, byContainers := true, true
	switch g.below(3) {
	case 0:
		byContainers = false
	case 1:
		byPod = false
	}
	complete := g.once(2)
	say := compliantContainer{windows, byContainers, complete, g.once(3)}
	pod := &corev1.Pod{Spec: g.kinds(say.securityContext)}
	if windows {
		pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
	}
	if !byPod && !complete {
		return pod
	}
	sc := podContext(pod)
	if byPod {
		sc.RunAsNonRoot = ptr(true)
	}
	if byPod && !windows {
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	if complete && !windows {
		sc.FSGroup, sc.SupplementalGroups = ptr(int64(400)), []int64{400}
		sc.SupplementalGroupsPolicy = ptr(corev1.SupplementalGroupsPolicyStrict)
		sc.FSGroupChangePolicy = ptr(corev1.FSGroupChangeOnRootMismatch)
		pod.Spec.HostUsers = pick(g, nil, ptr(false), nil)
	}
	return pod
}

// compliantContainer is what the containers of a compliant pod say.
type compliantContainer struct{ windows, own, complete, bind bool }

func (say compliantContainer) securityContext() *corev1.SecurityContext {
	if say.windows && !say.own {
		return nil
	}
	sc := &corev1.SecurityContext{}
	if say.own {
		sc.RunAsNonRoot = ptr(true)
	}
	if say.windows {
		return sc
	}
	sc.AllowPrivilegeEscalation = ptr(false)
	sc.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	if say.bind {
		sc.Capabilities.Add = []corev1.Capability{"NET_BIND_SERVICE"}
	}
	if say.own {
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: ptr("p.json")}
	}
	if say.complete {
		sc.Privileged, sc.ReadOnlyRootFilesystem = ptr(false), ptr(true)
		sc.RunAsUser, sc.RunAsGroup = ptr(int64(400)), ptr(int64(400))
	}
	return sc
}
