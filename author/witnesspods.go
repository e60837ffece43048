package author

import (
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// podEdit has a pod of one container say something.
type podEdit func(*corev1.Pod)

func pointTo[T any](value T) *T { return &value }

// sayNothing has the pod say nothing.
func sayNothing(*corev1.Pod) {}

func both(first, second podEdit) podEdit {
	return func(pod *corev1.Pod) {
		first(pod)
		second(pod)
	}
}

func onSpec(edit func(*corev1.PodSpec)) podEdit {
	return func(pod *corev1.Pod) { edit(&pod.Spec) }
}

func onPodContext(edit func(*corev1.PodSecurityContext)) podEdit {
	return func(pod *corev1.Pod) {
		if pod.Spec.SecurityContext == nil {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
		}
		edit(pod.Spec.SecurityContext)
	}
}

func onContext(edit func(*corev1.SecurityContext)) podEdit {
	return func(pod *corev1.Pod) {
		c := &pod.Spec.Containers[0]
		if c.SecurityContext == nil {
			c.SecurityContext = &corev1.SecurityContext{}
		}
		edit(c.SecurityContext)
	}
}

func adding(capability string) podEdit {
	return onContext(func(sc *corev1.SecurityContext) {
		if sc.Capabilities == nil {
			sc.Capabilities = &corev1.Capabilities{}
		}
		sc.Capabilities.Add = []corev1.Capability{corev1.Capability(capability)}
	})
}

func settingSysctl(name string) podEdit {
	return onPodContext(func(sc *corev1.PodSecurityContext) { sc.Sysctls = []corev1.Sysctl{{Name: name, Value: "1"}} })
}

func runningAs(id int64) podEdit {
	return onContext(func(sc *corev1.SecurityContext) {
		sc.RunAsUser = &id
		if id == 0 {
			sc.RunAsNonRoot = nil // a pod that is filled in may have it
		}
	})
}

func listeningOn(port int32) podEdit {
	return func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: port, HostPort: port}}
	}
}

func probing(host string) podEdit {
	return func(pod *corev1.Pod) {
		pod.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			TCPSocket: &corev1.TCPSocketAction{Host: host},
		}}
		pod.Spec.Containers[0].ReadinessProbe.TCPSocket.Port.IntVal = 80
	}
}

func annotated(key, value string) podEdit {
	return func(pod *corev1.Pod) {
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[key] = value
	}
}

// mirroring has the pod mirror one that a kubelet of a node runs already.
func mirroring(edit podEdit) podEdit {
	return func(pod *corev1.Pod) {
		edit(pod)
		annotated(corev1.MirrorPodAnnotationKey, "hash")(pod)
		pod.Spec.NodeName = "node"
	}
}

// onWindows has the pod name Windows as its OS.
func onWindows(edit podEdit) podEdit {
	return both(edit, onSpec(func(s *corev1.PodSpec) { s.OS = &corev1.PodOS{Name: corev1.Windows} }))
}

// withVolume adds a volume of a type. What the type itself asks for stays open: no
// check looks at it.
func withVolume(t *spec.VolumeType) podEdit {
	return func(pod *corev1.Pod) {
		v := corev1.Volume{Name: "volume"}
		sources := reflect.ValueOf(&v.VolumeSource).Elem()
		for i := range sources.NumField() {
			if name, _, _ := strings.Cut(sources.Type().Field(i).Tag.Get("json"), ","); name == t.Name {
				sources.Field(i).Set(reflect.New(sources.Type().Field(i).Type.Elem()))
			}
		}
		pod.Spec.Volumes = []corev1.Volume{v}
	}
}

// hostPathType is a type of hostPath by the name that a policy lists it by; nil for
// one that is unset.
func hostPathType(name string) *corev1.HostPathType {
	for _, t := range spec.HostPathTypes() {
		if t.Name == name && t.Type != corev1.HostPathUnset {
			return pointTo(t.Type)
		}
	}
	return nil
}

// mountingHostPath mounts a path of the node as the facts say.
func mountingHostPath(path string, how spec.Facts, typeName string) podEdit {
	return func(pod *corev1.Pod) {
		pod.Spec.Volumes = []corev1.Volume{{Name: "host", VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: path, Type: hostPathType(typeName)},
		}}}
		mount := corev1.VolumeMount{Name: "host", MountPath: "/host", ReadOnly: !how.Has(spec.MountedWritable)}
		if !how.Has(spec.SubmountsWritable) {
			mount.RecursiveReadOnly = pointTo(corev1.RecursiveReadOnlyEnabled)
		}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{mount}
		if policy.CoversWindows(path, path) {
			pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
		}
	}
}
