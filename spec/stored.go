package spec

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Default is something that the API server sets in a pod where its author set
// nothing, and that a check or a policy's rule reads; or a set of such. The zero
// Default is none.
type Default uint8

// The defaults. The functions named are those of k8s.io/kubernetes.
const (
	// DefaultEmptyDir: a volume without any source becomes an emptyDir, in pods
	// and in templates, when the object is decoded (SetDefaults_Volume).
	DefaultEmptyDir Default = 1 << iota
	// DefaultHostPort: with the host's network, a port without a hostPort gets its
	// containerPort for one, in init and regular containers, when the pod is
	// decoded (SetDefaults_Pod). A template is left alone, the pod made of it is not.
	DefaultHostPort
	// DefaultAppArmorProfile: a container without an AppArmor profile gets the one
	// of its legacy annotation. It comes when the pod is created, after mutating
	// and before validating admission (applyAppArmorVersionSkew).
	DefaultAppArmorProfile
	// DefaultTokenVolume: a projected volume with the token of the ServiceAccount,
	// mounted read-only in init and regular containers. ServiceAccount admission
	// adds it when the pod is created, before any webhook sees the pod.
	DefaultTokenVolume
	// DefaultClaimVolumes: a pod of a StatefulSet gets a volume for each of the
	// volumeClaimTemplates, before its other volumes. The StatefulSet's controller
	// adds them when it makes the pod (updateStorage of pkg/controller/statefulset).
	// The template alone does not tell, so that [AllDefaults] leaves this one out,
	// and [Stored] does not show the volumes: they have claims for a source, which
	// no check forbids, but a policy's list of volumes may.
	DefaultClaimVolumes
)

// AllDefaults are those that a pod, or the pod of a template, gets that is as its
// author wrote it.
const AllDefaults = DefaultEmptyDir | DefaultHostPort | DefaultAppArmorProfile | DefaultTokenVolume

// Has reports whether the set holds all of another one.
func (d Default) Has(all Default) bool { return d&all == all }

// String says of one default who sets it and why, as part of a sentence; it is
// empty for none.
func (d Default) String() string {
	switch d {
	case DefaultEmptyDir:
		return "set by the API server, as the volume has no source"
	case DefaultHostPort:
		return "set by the API server because of hostNetwork"
	case DefaultAppArmorProfile:
		return "set by the API server from the container's annotation"
	case DefaultClaimVolumes:
		return "made of the StatefulSet's volumeClaimTemplates"
	case DefaultTokenVolume:
		return "added by ServiceAccount admission unless automountServiceAccountToken is false"
	default:
		return ""
	}
}

const (
	// TokenVolume is the name by which [Stored] and violations know the volume
	// that ServiceAccount admission adds. The server has random letters for the "*".
	TokenVolume = tokenVolumePrefix + "*"

	// ClaimVolume is the name by which violations know the volumes that a
	// StatefulSet's pods get for its volumeClaimTemplates.
	ClaimVolume = "volumeClaimTemplates"

	tokenVolumePrefix = "kube-api-access-"
	// tokenMountPath is where the token is looked for. A container that mounts
	// something else there gets no token.
	tokenMountPath = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// Stored returns the pod, given by its metadata and spec, as the API server would
// store it when it is created, as far as checks and policy rules read it; for a
// template the pod that is made of it. still are the defaults that the pod has not
// been given yet: [AllDefaults] for one as its author wrote it. A pod with a UID
// has been stored, and gets none.
//
// The spec itself comes back where nothing is to be set, without an allocation.
// Otherwise the result shares with it what did not change; the input is never
// changed, and what comes back gets nothing more when asked about again.
//
// Two things cannot be seen in a pod. Its ServiceAccount may say
// automountServiceAccountToken=false, and then a pod that says nothing gets no
// token volume; it is taken to get one. And a volume whose only source is newer
// than this build looks like one without a source, once it is decoded into the Go
// types. Leave DefaultEmptyDir out for pods that an API server has decoded: there,
// such a volume is of an unknown type. Of an Unstructured, podfence.WorkloadOf
// refuses it.
func Stored(meta *metav1.ObjectMeta, pod *corev1.PodSpec, still Default) *corev1.PodSpec {
	s := storing{given: pod, stored: pod}
	if still == 0 || meta.UID != "" {
		return pod
	}
	if still.Has(DefaultEmptyDir) {
		s.emptyDirs()
	}
	if still.Has(DefaultHostPort) && pod.HostNetwork {
		s.hostPorts()
	}
	if still.Has(DefaultAppArmorProfile) && !IsWindows(pod) {
		s.appArmorProfiles(meta.Annotations)
	}
	if still.Has(DefaultTokenVolume) && automounts(meta, pod) {
		s.tokenVolume()
	}
	return s.stored
}

// AddsTokenVolume reports whether ServiceAccount admission adds a volume to a pod
// that is created: whether [Stored] does, without making it.
func AddsTokenVolume(meta *metav1.ObjectMeta, pod *corev1.PodSpec) bool {
	if meta.UID != "" || !automounts(meta, pod) {
		return false
	}
	_, found := tokenVolumeOf(pod)
	return !found && (slices.ContainsFunc(pod.InitContainers, lacksToken) || slices.ContainsFunc(pod.Containers, lacksToken))
}

// automounts reports whether a pod wants its ServiceAccount's token. Mirror pods
// are left alone, for the kubelet would delete one that differs from its file.
func automounts(meta *metav1.ObjectMeta, pod *corev1.PodSpec) bool {
	return (pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken) && !IsMirror(meta)
}

// tokenVolumeOf is the name of a volume that ServiceAccount admission takes for
// the one that it would add.
func tokenVolumeOf(pod *corev1.PodSpec) (name string, found bool) {
	for i := range pod.Volumes {
		if IsTokenVolume(pod.Volumes[i].Name) {
			return pod.Volumes[i].Name, true
		}
	}
	return "", false
}

// IsTokenVolume reports whether ServiceAccount admission takes a volume of this
// name for the one that it would add.
func IsTokenVolume(name string) bool { return strings.HasPrefix(name, tokenVolumePrefix) }

func lacksToken(c corev1.Container) bool {
	return !slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == tokenMountPath })
}

// storing is a pod on its way into storage.
type storing struct {
	given *corev1.PodSpec
	// stored is given, until something is set.
	stored *corev1.PodSpec
	// own says of the volumes, under the zero kind, and of each kind of container
	// whether stored has a list of its own.
	own [EphemeralContainer + 1]bool
}

// pod is the stored pod, to write to.
func (s *storing) pod() *corev1.PodSpec {
	if s.stored == s.given {
		stored := *s.given
		s.stored = &stored
	}
	return s.stored
}

// list is the stored pod, to write to the elements of one of its lists.
func (s *storing) list(kind ContainerKind) *corev1.PodSpec {
	pod := s.pod()
	if s.own[kind] {
		return pod
	}
	s.own[kind] = true
	switch kind {
	case InitContainer:
		pod.InitContainers = slices.Clone(pod.InitContainers)
	case RegularContainer:
		pod.Containers = slices.Clone(pod.Containers)
	case EphemeralContainer:
		pod.EphemeralContainers = slices.Clone(pod.EphemeralContainers)
	default:
		pod.Volumes = slices.Clone(pod.Volumes)
	}
	return pod
}

func (s *storing) emptyDirs() {
	for i := range s.given.Volumes {
		if HasNoSource(&s.given.Volumes[i]) {
			s.list(0).Volumes[i].EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
}

// HasNoSource reports whether a volume has no source at all, not even one that
// [VolumeTypes] does not list.
func HasNoSource(v *corev1.Volume) bool { return v.VolumeSource == corev1.VolumeSource{} }

func (s *storing) hostPorts() {
	for i := range s.given.InitContainers {
		if ports := withHostPorts(s.given.InitContainers[i].Ports); ports != nil {
			s.list(InitContainer).InitContainers[i].Ports = ports
		}
	}
	for i := range s.given.Containers {
		if ports := withHostPorts(s.given.Containers[i].Ports); ports != nil {
			s.list(RegularContainer).Containers[i].Ports = ports
		}
	}
}

// withHostPorts are the ports with their hostPort set, nil where every one has it.
func withHostPorts(ports []corev1.ContainerPort) (set []corev1.ContainerPort) {
	for i := range ports {
		if ports[i].HostPort != 0 || ports[i].ContainerPort == 0 {
			continue
		}
		if set == nil {
			set = slices.Clone(ports)
		}
		set[i].HostPort = ports[i].ContainerPort
	}
	return set
}

func (s *storing) appArmorProfiles(annotations map[string]string) {
	if !hasAppArmorAnnotation(annotations) {
		return
	}
	pod := s.given
	for i := range pod.InitContainers {
		if sc := withAppArmorProfile(pod, &pod.InitContainers[i], annotations); sc != nil {
			s.list(InitContainer).InitContainers[i].SecurityContext = sc
		}
	}
	for i := range pod.Containers {
		if sc := withAppArmorProfile(pod, &pod.Containers[i], annotations); sc != nil {
			s.list(RegularContainer).Containers[i].SecurityContext = sc
		}
	}
	for i := range pod.EphemeralContainers {
		c := (*corev1.Container)(&pod.EphemeralContainers[i].EphemeralContainerCommon)
		if sc := withAppArmorProfile(pod, c, annotations); sc != nil {
			s.list(EphemeralContainer).EphemeralContainers[i].SecurityContext = sc
		}
	}
}

func hasAppArmorAnnotation(annotations map[string]string) bool {
	for key := range annotations {
		if strings.HasPrefix(key, AppArmorAnnotation) {
			return true
		}
	}
	return false
}

// withAppArmorProfile is the security context of a container with the profile of
// its annotation, nil where it gets none: it has a profile itself, its pod has
// just that one, or the annotation names none.
func withAppArmorProfile(pod *corev1.PodSpec, c *corev1.Container, annotations map[string]string) *corev1.SecurityContext {
	if c.SecurityContext != nil && c.SecurityContext.AppArmorProfile != nil {
		return nil
	}
	kind, local := appArmorProfileOf(appArmorAnnotation(annotations, c.Name))
	if kind == "" || pod.SecurityContext != nil && isAppArmorProfile(pod.SecurityContext.AppArmorProfile, kind, local) {
		return nil
	}
	var sc corev1.SecurityContext
	if c.SecurityContext != nil {
		sc = *c.SecurityContext
	}
	sc.AppArmorProfile = &corev1.AppArmorProfile{Type: kind}
	if kind == corev1.AppArmorProfileTypeLocalhost {
		name := local // the address of local would have it allocated in every call
		sc.AppArmorProfile.LocalhostProfile = &name
	}
	return &sc
}

// appArmorAnnotation is the annotation of a container, empty for none. The key is
// put together where it costs nothing, but for names that validation refuses.
func appArmorAnnotation(annotations map[string]string, container string) string {
	var buffer [128]byte
	key := append(append(buffer[:0], AppArmorAnnotation...), container...)
	return annotations[string(key)]
}

// maxAppArmorProfile is the longest name of a profile that validation accepts.
const maxAppArmorProfile = 4095

// appArmorProfileOf is the profile that an annotation names, and its name on the
// node; of no type for none and for one that validation would refuse as a field.
func appArmorProfileOf(annotation string) (kind corev1.AppArmorProfileType, local string) {
	switch annotation {
	case corev1.DeprecatedAppArmorBetaProfileNameUnconfined:
		return corev1.AppArmorProfileTypeUnconfined, ""
	case corev1.DeprecatedAppArmorBetaProfileRuntimeDefault:
		return corev1.AppArmorProfileTypeRuntimeDefault, ""
	}
	local, found := strings.CutPrefix(annotation, corev1.DeprecatedAppArmorBetaProfileNamePrefix)
	if !found || local == "" || strings.TrimSpace(local) != local || len(local) > maxAppArmorProfile {
		return "", ""
	}
	return corev1.AppArmorProfileTypeLocalhost, local
}

// isAppArmorProfile reports whether a profile is the one that an annotation names.
func isAppArmorProfile(p *corev1.AppArmorProfile, kind corev1.AppArmorProfileType, local string) bool {
	switch {
	case p == nil || p.Type != kind:
		return false
	case kind == corev1.AppArmorProfileTypeLocalhost:
		return p.LocalhostProfile != nil && *p.LocalhostProfile == local
	default:
		return p.LocalhostProfile == nil
	}
}

// tokenVolume is what ServiceAccount admission does: a mount in every container
// that has none at the place, and the volume if that needs one.
func (s *storing) tokenVolume() {
	name, found := tokenVolumeOf(s.given)
	if !found {
		name = TokenVolume
	}
	mounted := false
	for i := range s.given.InitContainers {
		if c := &s.given.InitContainers[i]; lacksToken(*c) {
			s.list(InitContainer).InitContainers[i].VolumeMounts = withToken(c.VolumeMounts, name)
			mounted = true
		}
	}
	for i := range s.given.Containers {
		if c := &s.given.Containers[i]; lacksToken(*c) {
			s.list(RegularContainer).Containers[i].VolumeMounts = withToken(c.VolumeMounts, name)
			mounted = true
		}
	}
	if mounted && !found {
		pod := s.list(0)
		pod.Volumes = append(pod.Volumes, corev1.Volume{
			Name: name, VolumeSource: corev1.VolumeSource{Projected: tokenVolumeSource()},
		})
	}
}

func withToken(mounts []corev1.VolumeMount, name string) []corev1.VolumeMount {
	return append(slices.Clip(mounts), corev1.VolumeMount{Name: name, ReadOnly: true, MountPath: tokenMountPath})
}

// tokenVolumeSource is the token, the certificate of the cluster's authority and
// the namespace (TokenVolumeSource of plugin/pkg/admission/serviceaccount).
func tokenVolumeSource() *corev1.ProjectedVolumeSource {
	mode, lifetime := corev1.ProjectedVolumeSourceDefaultMode, int64(3607)
	return &corev1.ProjectedVolumeSource{
		DefaultMode: &mode,
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: &lifetime}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"},
				Items:                []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{
				Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.namespace"},
			}}}},
		},
	}
}
