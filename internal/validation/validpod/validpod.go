// Package validpod makes pods, and updates of their ephemeral containers, that API
// validation is likely to accept: those of package podgen, repaired.
package validpod

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// Pod generates pods that API validation is likely to accept on creation:
// those of podgen, repaired. One repair may be left out, so that what lies just
// beyond validation is tried as well.
func Pod() *rapid.Generator[*corev1.Pod] {
	return rapid.Custom(func(t *rapid.T) *corev1.Pod {
		pod := podgen.Pod().Draw(t, "drawn")
		bare := shape(t, pod)
		sidecars(t, pod)
		left := rapid.IntRange(-2*(len(repairs)+len(containerRepairs)), len(repairs)+len(containerRepairs)-1).Draw(t, "left unrepaired")
		for i, repair := range repairs {
			if i != left {
				repair(t, pod)
			}
		}
		repairContainers(t, pod, left-len(repairs), func(spec.Container) bool { return true })
		hostProcess(t, pod)
		if !bare {
			annotations(t, pod)
		}
		return pod
	})
}

// EphemeralContainers generates new ephemeral containers that an update of a
// pod may add, the first of them named for an index.
func EphemeralContainers(t *rapid.T, pod *corev1.Pod, first, n int) []corev1.EphemeralContainer {
	scratch := pod.DeepCopy()
	scratch.Spec.EphemeralContainers = nil
	donor := podgen.Pod().Draw(t, "donor")
	for _, c := range podwalk.Containers(&donor.Spec) {
		scratch.Spec.EphemeralContainers = append(scratch.Spec.EphemeralContainers,
			corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(*c)})
	}
	for len(scratch.Spec.EphemeralContainers) < n {
		scratch.Spec.EphemeralContainers = append(scratch.Spec.EphemeralContainers, corev1.EphemeralContainer{})
	}
	scratch.Spec.EphemeralContainers = scratch.Spec.EphemeralContainers[:n]
	for i := range scratch.Spec.EphemeralContainers {
		scratch.Spec.EphemeralContainers[i].Name = fmt.Sprint("e", first+i)
	}
	left := rapid.IntRange(-2*len(containerRepairs), len(containerRepairs)-1).Draw(t, "left unrepaired")
	repairContainers(t, scratch, left, func(at spec.Container) bool { return at.Kind == spec.EphemeralContainer })
	isHostProcess := anyHostProcess(pod)
	for _, c := range podwalk.EphemeralContainers(&scratch.Spec) {
		if sc := c.SecurityContext; sc != nil && sc.WindowsOptions != nil {
			sc.WindowsOptions.HostProcess = nil
			if isHostProcess {
				sc.WindowsOptions.HostProcess = ptr(true)
			}
		}
	}
	return scratch.Spec.EphemeralContainers
}

// UpdateOf is an update of a pod's ephemeral containers: one or two new ones,
// before or after those that run, and changes elsewhere that the API server
// ignores.
func UpdateOf(t *rapid.T, old *corev1.Pod) *corev1.Pod {
	updated := old.DeepCopy()
	added := EphemeralContainers(t, old, 0, rapid.IntRange(1, 2).Draw(t, "new ephemeral containers"))
	if coin(t, "new ones last") {
		updated.Spec.EphemeralContainers = append(updated.Spec.EphemeralContainers, added...)
	} else {
		updated.Spec.EphemeralContainers = append(added, updated.Spec.EphemeralContainers...)
	}
	if coin(t, "ignored changes") {
		updated.Labels = map[string]string{"app": "changed"}
		updated.Annotations = nil
		updated.Spec.OS = rapid.SampledFrom([]*corev1.PodOS{nil, {Name: corev1.Linux}, {Name: corev1.Windows}}).Draw(t, "ignored os")
		updated.Spec.HostUsers = rapid.SampledFrom([]*bool{nil, ptr(false), ptr(true)}).Draw(t, "ignored hostUsers")
		updated.Spec.SecurityContext = rapid.SampledFrom([]*corev1.PodSecurityContext{nil, {}, {RunAsNonRoot: ptr(false), RunAsUser: ptr[int64](0)}}).Draw(t, "ignored security context")
	}
	return updated
}

func ptr[T any](v T) *T { return &v }

func coin(t *rapid.T, label string) bool { return rapid.Bool().Draw(t, label) }

// shape makes some pods bare and some complete, between which lies what podgen
// draws, and names the operating system of some.
func shape(t *rapid.T, pod *corev1.Pod) (bare bool) {
	switch rapid.SampledFrom([]string{"", "", "", "", "linux", "windows", "bare", "complete"}).Draw(t, "shape") {
	case "linux":
		pod.Spec.OS = &corev1.PodOS{Name: corev1.Linux}
	case "windows":
		pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
	case "bare":
		bare = true
		pod.Annotations = nil
		pod.Spec = corev1.PodSpec{Volumes: pod.Spec.Volumes, InitContainers: pod.Spec.InitContainers, Containers: pod.Spec.Containers}
		for _, c := range podwalk.Containers(&pod.Spec) {
			c.SecurityContext = nil
		}
	case "complete":
		pod.Spec.OS = nil
		if pod.Spec.SecurityContext == nil {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
		}
		pod.Spec.SecurityContext.FSGroup = ptr[int64](1)
		pod.Spec.SecurityContext.SupplementalGroups = []int64{1}
		pod.Spec.SecurityContext.SupplementalGroupsPolicy = ptr(corev1.SupplementalGroupsPolicyStrict)
		pod.Spec.SecurityContext.FSGroupChangePolicy = ptr(corev1.FSGroupChangeOnRootMismatch)
		for _, c := range podwalk.Containers(&pod.Spec) {
			complete(t, c)
		}
	}
	return bare
}

// complete sets all that Mutate may fill in a container.
func complete(t *rapid.T, c *corev1.Container) {
	if c.SecurityContext == nil {
		c.SecurityContext = &corev1.SecurityContext{}
	}
	sc := c.SecurityContext
	sc.Privileged = ptr(false)
	sc.AllowPrivilegeEscalation = ptr(coin(t, "complete escalation"))
	sc.Capabilities = &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	sc.ReadOnlyRootFilesystem = ptr(coin(t, "complete readOnlyRoot"))
	sc.RunAsUser, sc.RunAsGroup, sc.RunAsNonRoot = ptr[int64](1000), ptr[int64](1000), ptr(true)
	sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
}

// sidecars makes some init containers sidecars.
func sidecars(t *rapid.T, pod *corev1.Pod) {
	for i := range pod.Spec.InitContainers {
		if coin(t, "sidecar") {
			pod.Spec.InitContainers[i].RestartPolicy = ptr(corev1.ContainerRestartPolicyAlways)
		}
	}
}

// repairs make valid what podgen leaves to chance in a pod.
var repairs = []func(*rapid.T, *corev1.Pod){
	noEphemeralContainers,
	someContainers,
	uniqueNames,
	podOfItsOS,
	hostNamespaces,
	podSeccomp,
	podAppArmor,
	sysctls,
	volumes,
	ports,
}

// containerRepairs do so in each container.
var containerRepairs = []func(*rapid.T, *corev1.Pod, spec.Container, *corev1.Container){
	image,
	containerOfItsOS,
	procMount,
	containerProfiles,
	escalation,
	mounts,
	probes,
	onlyEphemeralFields,
}

func repairContainers(t *rapid.T, pod *corev1.Pod, left int, which func(spec.Container) bool) {
	for at, c := range podwalk.Containers(&pod.Spec) {
		for i, repair := range containerRepairs {
			if i != left && which(at) {
				repair(t, pod, at, c)
			}
		}
	}
}

// noEphemeralContainers: a pod gets them later.
func noEphemeralContainers(_ *rapid.T, pod *corev1.Pod) { pod.Spec.EphemeralContainers = nil }

func someContainers(_ *rapid.T, pod *corev1.Pod) {
	if len(pod.Spec.Containers) == 0 {
		pod.Spec.Containers = []corev1.Container{{Name: "c0"}}
	}
}

func uniqueNames(_ *rapid.T, pod *corev1.Pod) {
	seen := map[string]bool{"": true}
	for at, c := range podwalk.Containers(&pod.Spec) {
		if seen[c.Name] {
			c.Name = fmt.Sprintf("unique-%d-%d", at.Kind, at.Index)
		}
		seen[c.Name] = true
	}
}

func isLinux(pod *corev1.Pod) bool { return pod.Spec.OS != nil && pod.Spec.OS.Name == corev1.Linux }

func podOfItsOS(_ *rapid.T, pod *corev1.Pod) {
	sc := pod.Spec.SecurityContext
	switch {
	case spec.IsWindows(&pod.Spec):
		pod.Spec.HostUsers, pod.Spec.HostPID, pod.Spec.HostIPC = nil, false, false
		if sc != nil {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: sc.RunAsNonRoot, WindowsOptions: sc.WindowsOptions}
		}
	case isLinux(pod) && sc != nil:
		sc.WindowsOptions = nil
	}
}

func containerOfItsOS(_ *rapid.T, pod *corev1.Pod, _ spec.Container, c *corev1.Container) {
	sc := c.SecurityContext
	switch {
	case sc == nil:
	case spec.IsWindows(&pod.Spec):
		c.SecurityContext = &corev1.SecurityContext{RunAsNonRoot: sc.RunAsNonRoot, WindowsOptions: sc.WindowsOptions}
	case isLinux(pod):
		sc.WindowsOptions = nil
	}
}

func hostNamespaces(t *rapid.T, pod *corev1.Pod) {
	s := &pod.Spec
	switch {
	case !spec.InUserNamespace(s) || !(s.HostNetwork || s.HostPID || s.HostIPC):
	case coin(t, "keep host namespaces"):
		s.HostUsers = nil
	default:
		s.HostNetwork, s.HostPID, s.HostIPC = false, false, false
	}
}

func seccompProfile(p *corev1.SeccompProfile) {
	if p == nil {
		return
	}
	p.LocalhostProfile = nil
	switch p.Type {
	case corev1.SeccompProfileTypeLocalhost:
		p.LocalhostProfile = ptr("p.json")
	case corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeUnconfined:
	default:
		p.Type = corev1.SeccompProfileTypeRuntimeDefault
	}
}

func appArmorProfile(p *corev1.AppArmorProfile) {
	if p == nil {
		return
	}
	p.LocalhostProfile = nil
	switch p.Type {
	case corev1.AppArmorProfileTypeLocalhost:
		p.LocalhostProfile = ptr("p")
	case corev1.AppArmorProfileTypeRuntimeDefault, corev1.AppArmorProfileTypeUnconfined:
	default:
		p.Type = corev1.AppArmorProfileTypeRuntimeDefault
	}
}

func podSeccomp(_ *rapid.T, pod *corev1.Pod) {
	if sc := pod.Spec.SecurityContext; sc != nil {
		seccompProfile(sc.SeccompProfile)
	}
}

func podAppArmor(_ *rapid.T, pod *corev1.Pod) {
	if sc := pod.Spec.SecurityContext; sc != nil {
		appArmorProfile(sc.AppArmorProfile)
	}
}

func containerProfiles(_ *rapid.T, _ *corev1.Pod, _ spec.Container, c *corev1.Container) {
	if sc := c.SecurityContext; sc != nil {
		seccompProfile(sc.SeccompProfile)
		appArmorProfile(sc.AppArmorProfile)
	}
}

func sysctls(_ *rapid.T, pod *corev1.Pod) {
	sc := pod.Spec.SecurityContext
	if sc == nil {
		return
	}
	seen := map[string]bool{}
	sc.Sysctls = slices.DeleteFunc(sc.Sysctls, func(s corev1.Sysctl) bool {
		twice := seen[s.Name]
		seen[s.Name] = true
		return twice || pod.Spec.HostNetwork && strings.HasPrefix(s.Name, "net") || pod.Spec.HostIPC && strings.HasPrefix(s.Name, "kernel.")
	})
}

// procMount also puts some pods into a user namespace, which Unmasked needs.
func procMount(t *rapid.T, pod *corev1.Pod, at spec.Container, c *corev1.Container) {
	if c.SecurityContext == nil || c.SecurityContext.ProcMount == nil {
		return
	}
	s := &pod.Spec
	hostNamespace := s.HostNetwork || s.HostPID || s.HostIPC
	unmasked := *c.SecurityContext.ProcMount == corev1.UnmaskedProcMount
	switch {
	case unmasked && spec.InUserNamespace(s):
	case unmasked && at.Kind != spec.EphemeralContainer && !hostNamespace && s.OS == nil && coin(t, "user namespace"):
		s.HostUsers = ptr(false)
	default:
		c.SecurityContext.ProcMount = ptr(corev1.DefaultProcMount)
	}
}

func escalation(t *rapid.T, _ *corev1.Pod, _ spec.Container, c *corev1.Container) {
	sc := c.SecurityContext
	if sc == nil || sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation {
		return
	}
	refused := spec.IsPrivileged(c) || sc.Capabilities != nil && slices.Contains(sc.Capabilities.Add, "CAP_SYS_ADMIN")
	if refused {
		sc.AllowPrivilegeEscalation = rapid.SampledFrom([]*bool{nil, ptr(true)}).Draw(t, "escalation instead")
	}
}

// anyHostProcess reports whether any container of a pod is a host process.
func anyHostProcess(pod *corev1.Pod) bool {
	is := func(o *corev1.WindowsSecurityContextOptions) bool {
		return o != nil && o.HostProcess != nil && *o.HostProcess
	}
	if sc := pod.Spec.SecurityContext; sc != nil && is(sc.WindowsOptions) {
		return true
	}
	for _, c := range podwalk.Containers(&pod.Spec) {
		if sc := c.SecurityContext; sc != nil && is(sc.WindowsOptions) {
			return true
		}
	}
	return false
}

// hostProcess makes all containers or none host processes, on the host's network.
func hostProcess(t *rapid.T, pod *corev1.Pod) {
	if !anyHostProcess(pod) {
		return
	}
	for _, c := range podwalk.Containers(&pod.Spec) {
		if sc := c.SecurityContext; sc != nil && sc.WindowsOptions != nil {
			sc.WindowsOptions.HostProcess = nil
		}
	}
	if sc := pod.Spec.SecurityContext; sc != nil && sc.WindowsOptions != nil {
		sc.WindowsOptions.HostProcess = nil
	}
	if isLinux(pod) || !coin(t, "keep hostProcess") {
		return
	}
	if pod.Spec.SecurityContext == nil {
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	if pod.Spec.SecurityContext.WindowsOptions == nil {
		pod.Spec.SecurityContext.WindowsOptions = &corev1.WindowsSecurityContextOptions{}
	}
	pod.Spec.SecurityContext.WindowsOptions.HostProcess = ptr(true)
	pod.Spec.HostNetwork, pod.Spec.HostUsers = true, nil
	sysctls(t, pod)
	ports(t, pod)
	for _, c := range podwalk.Containers(&pod.Spec) {
		if sc := c.SecurityContext; sc != nil && sc.ProcMount != nil {
			sc.ProcMount = ptr(corev1.DefaultProcMount)
		}
	}
}

// volumes gives each volume one source, with what that requires.
func volumes(_ *rapid.T, pod *corev1.Pod) {
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i].VolumeSource
		switch s := *v; {
		case s.HostPath != nil:
			if s.HostPath.Path == "" || strings.Contains(s.HostPath.Path, "..") {
				s.HostPath.Path = "/var/log"
			}
			*v = corev1.VolumeSource{HostPath: s.HostPath}
		case s.CSI != nil:
			*v = corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "csi.example.com"}}
		case s.Ephemeral != nil:
			*v = corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: claimTemplate()}}
		case s.Image != nil:
			*v = corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "registry.example.com/data:v1"}}
		case s.NFS != nil:
			*v = corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "nfs.example.com", Path: "/exports"}}
		case s.ISCSI != nil:
			*v = corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{TargetPortal: "10.0.0.1:3260", IQN: "iqn.2001-04.com.example:storage"}}
		case s.GitRepo != nil:
			*v = corev1.VolumeSource{GitRepo: &corev1.GitRepoVolumeSource{Repository: "https://git.example.com/r.git"}}
		case s.PersistentVolumeClaim != nil:
			*v = corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "claim"}}
		case s.ConfigMap != nil:
			*v = corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "config"}}}
		case s.Secret != nil:
			*v = corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "secret"}}
		case s.StorageOS != nil:
			*v = corev1.VolumeSource{StorageOS: &corev1.StorageOSVolumeSource{VolumeName: "volume"}}
		case s.Projected != nil:
			*v = corev1.VolumeSource{Projected: s.Projected}
		case s.DownwardAPI != nil:
			*v = corev1.VolumeSource{DownwardAPI: s.DownwardAPI}
		}
	}
}

func claimTemplate() *corev1.PersistentVolumeClaimTemplate {
	return &corev1.PersistentVolumeClaimTemplate{Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}}
}

// ports gives each host port to one container port only, and on the host's
// network the same number to both.
func ports(_ *rapid.T, pod *corev1.Pod) {
	seen := map[int32]bool{}
	next := int32(9000)
	for at, c := range podwalk.Containers(&pod.Spec) {
		if at.Kind == spec.EphemeralContainer {
			continue
		}
		for i := range c.Ports {
			p := &c.Ports[i]
			if p.HostPort == 0 && pod.Spec.HostNetwork {
				p.HostPort = p.ContainerPort
			}
			for p.HostPort != 0 && seen[p.HostPort] {
				next++
				p.HostPort = next
			}
			seen[p.HostPort] = true
			if pod.Spec.HostNetwork {
				p.ContainerPort = p.HostPort
			}
		}
	}
}

// image gives a container one that API validation takes, where it has none.
func image(_ *rapid.T, _ *corev1.Pod, _ spec.Container, c *corev1.Container) {
	if c.Image == "" || strings.TrimSpace(c.Image) != c.Image {
		c.Image = "registry.example.com/app:v1"
	}
}

func mounts(_ *rapid.T, pod *corev1.Pod, _ spec.Container, c *corev1.Container) {
	if len(pod.Spec.Volumes) == 0 {
		c.VolumeMounts = nil
	}
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		m.MountPath = fmt.Sprint("/mnt/", i)
		if !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
			m.Name = pod.Spec.Volumes[0].Name
		}
	}
}

// probes gives each probe and hook one handler, where the container may have any.
func probes(_ *rapid.T, _ *corev1.Pod, at spec.Container, c *corev1.Container) {
	sidecar := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	if at.Kind == spec.InitContainer && !sidecar {
		c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle = nil, nil, nil, nil
	}
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p != nil {
			handler(&p.HTTPGet, &p.TCPSocket, &p.Exec)
		}
	}
	if c.Lifecycle == nil {
		return
	}
	for _, h := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
		if h != nil {
			handler(&h.HTTPGet, &h.TCPSocket, &h.Exec)
		}
	}
}

func handler(http **corev1.HTTPGetAction, tcp **corev1.TCPSocketAction, exec **corev1.ExecAction) {
	switch {
	case *http != nil:
		(*http).Port, *tcp = intstr.FromInt32(80), nil
	case *tcp != nil:
		(*tcp).Port = intstr.FromInt32(80)
	default:
		*exec = &corev1.ExecAction{Command: []string{"true"}}
	}
}

func onlyEphemeralFields(_ *rapid.T, _ *corev1.Pod, at spec.Container, c *corev1.Container) {
	if at.Kind == spec.EphemeralContainer {
		c.Ports, c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle, c.RestartPolicy = nil, nil, nil, nil, nil, nil
	}
}

// annotations adds some, also for ephemeral containers that the pod may get
// later, and leaves those that validation accepts.
func annotations(t *rapid.T, pod *corev1.Pod) {
	if rapid.IntRange(0, 3).Draw(t, "annotate") == 0 {
		annotate(t, pod)
	}
	if _, ok := pod.Annotations[corev1.MirrorPodAnnotationKey]; ok {
		pod.Spec.NodeName = "node"
	}
	for _, prefix := range []string{spec.SeccompContainerAnnotation, spec.AppArmorAnnotation} {
		delete(pod.Annotations, prefix)
	}
	for key, value := range pod.Annotations {
		isSeccomp := key == spec.SeccompPodAnnotation || strings.HasPrefix(key, spec.SeccompContainerAnnotation)
		if isSeccomp && (value == "" || value == "other") {
			delete(pod.Annotations, key)
		}
		if name, ok := strings.CutPrefix(key, spec.AppArmorAnnotation); ok && (value == "other" || !hasContainer(pod, name)) {
			delete(pod.Annotations, key)
		}
	}
	agree(t, pod)
}

func annotate(t *rapid.T, pod *corev1.Pod) {
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	add := func(key string, values ...string) {
		if v := rapid.SampledFrom(append([]string{""}, values...)).Draw(t, key); v != "" {
			pod.Annotations[key] = v
		}
	}
	seccomp := []string{"unconfined", "runtime/default", "docker/default", "localhost/p.json"}
	add(spec.SeccompPodAnnotation, seccomp...)
	add(spec.SeccompContainerAnnotation+"e0", seccomp...)
	for _, c := range podwalk.Containers(&pod.Spec) {
		add(spec.SeccompContainerAnnotation+c.Name, seccomp...)
		add(spec.AppArmorAnnotation+c.Name, "unconfined", "runtime/default", "localhost/p")
	}
	if rapid.IntRange(0, 7).Draw(t, "mirror") == 0 {
		pod.Annotations[corev1.MirrorPodAnnotationKey] = "hash"
	}
}

func hasContainer(pod *corev1.Pod, name string) bool {
	for _, c := range podwalk.Containers(&pod.Spec) {
		if c.Name == name {
			return true
		}
	}
	return false
}

// agree drops either the annotation or the field, where both are set and differ.
func agree(t *rapid.T, pod *corev1.Pod) {
	podSC := pod.Spec.SecurityContext
	if podSC != nil && podSC.SeccompProfile != nil && !seccompAgrees(pod, spec.SeccompPodAnnotation, podSC.SeccompProfile) {
		if coin(t, "keep the pod's seccomp annotation") {
			podSC.SeccompProfile = nil
		} else {
			delete(pod.Annotations, spec.SeccompPodAnnotation)
		}
	}
	for _, c := range podwalk.Containers(&pod.Spec) {
		sc := c.SecurityContext
		if key := spec.SeccompContainerAnnotation + c.Name; sc != nil && sc.SeccompProfile != nil && !seccompAgrees(pod, key, sc.SeccompProfile) {
			if coin(t, "keep the seccomp annotation") {
				sc.SeccompProfile = nil
			} else {
				delete(pod.Annotations, key)
			}
		}
		hasField := sc != nil && sc.AppArmorProfile != nil || podSC != nil && podSC.AppArmorProfile != nil
		if hasField && !spec.IsWindows(&pod.Spec) {
			delete(pod.Annotations, spec.AppArmorAnnotation+c.Name)
		}
	}
}

func seccompAgrees(pod *corev1.Pod, key string, p *corev1.SeccompProfile) bool {
	value, ok := pod.Annotations[key]
	switch {
	case !ok:
		return true
	case p.Type == corev1.SeccompProfileTypeRuntimeDefault:
		return hotpath.SeccompAnnotationIsDefault(value)
	case p.Type == corev1.SeccompProfileTypeLocalhost:
		return value == "localhost/p.json"
	default:
		return value == "unconfined"
	}
}
