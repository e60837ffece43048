// Package benchpod holds the pods that the benchmarks of all packages share, so
// that their figures can be compared.
package benchpod

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Named is a pod and what the benchmarks call it.
type Named struct {
	Name string
	Pod  *corev1.Pod
}

// All are the four pods, smallest first.
func All() []Named {
	return []Named{{"P1", P1()}, {"P2", P2()}, {"P3", P3()}, {"P4", P4()}}
}

// P1 is a compliant pod of one container, with all that podfence would fill in.
func P1() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: meta(),
		Spec: corev1.PodSpec{
			SecurityContext: groups(),
			Containers:      []corev1.Container{{Name: "app", Image: "registry.example.com/app:v1", SecurityContext: complete()}},
		},
	}
}

// P2 is the pod that most people write first: an image and nothing else.
func P2() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: meta(),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "nginx", Image: "nginx"}}},
	}
}

// P3 is a compliant pod as operators make them: 3 init containers, one of them
// a sidecar, 6 containers, 12 volumes, ports, environment and probes.
func P3() *corev1.Pod {
	always := corev1.ContainerRestartPolicyAlways
	pod := &corev1.Pod{ObjectMeta: meta(), Spec: corev1.PodSpec{SecurityContext: groups()}}
	for i := range 12 {
		pod.Spec.Volumes = append(pod.Spec.Volumes, volume(i))
	}
	for i := range 3 {
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, container(fmt.Sprintf("init-%d", i)))
	}
	pod.Spec.InitContainers[2].RestartPolicy = &always
	for i := range 6 {
		c := container(fmt.Sprintf("app-%d", i))
		c.LivenessProbe, c.ReadinessProbe = probe("/live"), probe("/ready")
		pod.Spec.Containers = append(pod.Spec.Containers, c)
	}
	return pod
}

// P4 is P3 with ten different violations of restricted.
func P4() *corev1.Pod {
	yes, no, root := true, false, int64(0)
	unmasked := corev1.UnmaskedProcMount
	pod := P3()
	pod.Spec.HostNetwork = true
	pod.Spec.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "kernel.msgmax", Value: "65536"}}
	pod.Spec.Volumes[3].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}
	c := pod.Spec.Containers
	c[0].SecurityContext.AllowPrivilegeEscalation = &yes
	c[0].SecurityContext.Privileged = &yes
	c[1].SecurityContext.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN"}}
	c[2].Ports[0].HostPort = 8080
	c[3].SecurityContext.RunAsNonRoot = &no
	c[3].SecurityContext.RunAsUser = &root
	c[4].SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	c[5].SecurityContext.ProcMount = &unmasked
	c[5].SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{User: "root"}
	return pod
}

// Containers is a compliant pod of n containers.
func Containers(n int) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: meta(), Spec: corev1.PodSpec{SecurityContext: groups()}}
	for i := range n {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: fmt.Sprintf("app-%d", i), Image: "registry.example.com/app:v1", SecurityContext: complete(),
		})
	}
	return pod
}

// Bare is a pod of n containers that set nothing.
func Bare(n int) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: meta()}
	for i := range n {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: fmt.Sprintf("app-%d", i), Image: "nginx"})
	}
	return pod
}

// HostPaths is a pod of n hostPath volumes, each below /var/log, of which one
// container mounts every one, read-only.
func HostPaths(n int) *corev1.Pod {
	pod := Containers(1)
	for i := range n {
		name := fmt.Sprintf("volume-%d", i)
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{
			Name:         name,
			VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: fmt.Sprintf("/var/log/%d", i)}},
		})
		pod.Spec.Containers[0].VolumeMounts = append(pod.Spec.Containers[0].VolumeMounts,
			corev1.VolumeMount{Name: name, MountPath: fmt.Sprintf("/mnt/%d", i), ReadOnly: true})
	}
	return pod
}

func meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: "web-5d9c7b4c6f-x2x7k", Namespace: "shop",
		Labels: map[string]string{"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop", "pod-template-hash": "5d9c7b4c6f"},
	}
}

func groups() *corev1.PodSecurityContext {
	one := int64(1)
	return &corev1.PodSecurityContext{FSGroup: &one, SupplementalGroups: []int64{1}}
}

func complete() *corev1.SecurityContext {
	yes, no, one := true, false, int64(1)
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no,
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		Privileged:               &no,
		RunAsGroup:               &one,
		RunAsNonRoot:             &yes,
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

func container(name string) corev1.Container {
	c := corev1.Container{
		Name:            name,
		Image:           "registry.example.com/" + name + ":v1",
		Args:            []string{"--config", "/etc/app/config.yaml", "--verbosity", "2"},
		Ports:           []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "metrics", ContainerPort: 9090}},
		SecurityContext: complete(),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse("100m"), "memory": resource.MustParse("128Mi")},
			Limits:   corev1.ResourceList{"memory": resource.MustParse("256Mi")},
		},
	}
	for i := range 6 {
		c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("SETTING_%d", i), Value: "some value of usual length"})
	}
	for i := range 4 {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: fmt.Sprintf("volume-%d", i), MountPath: fmt.Sprintf("/mnt/%d", i)})
	}
	return c
}

func volume(i int) corev1.Volume {
	v := corev1.Volume{Name: fmt.Sprintf("volume-%d", i)}
	switch i % 4 {
	case 0:
		v.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "config"}}
	case 1:
		v.Secret = &corev1.SecretVolumeSource{SecretName: "secret"}
	case 2:
		v.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}
	default:
		v.EmptyDir = &corev1.EmptyDirVolumeSource{}
	}
	return v
}

func probe(path string) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("http")}}}
}

// P3Unset is P3 as its author would write it who sets no security field.
func P3Unset() *corev1.Pod {
	pod := P3()
	pod.Spec.SecurityContext = nil
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			list[i].SecurityContext = nil
		}
	}
	return pod
}
