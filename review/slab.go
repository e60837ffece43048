package review

import (
	"unsafe"

	corev1 "k8s.io/api/core/v1"
)

// slab makes values of a type, many of them in one allocation. A decoder that is
// used again makes the next pod's values in the same place.
type slab[T any] struct {
	items []T
}

// firstBytes is what the first allocation of a slab takes, or one value.
const firstBytes = 512

// keptBytes is how much room a decoder keeps for the next pod.
const keptBytes = 256 << 10

func (s *slab[T]) reset() {
	clear(s.items)
	s.items = s.items[:0]
}

// one is a value on its own.
func (s *slab[T]) one(d *decoder) (*T, error) {
	_, made, err := s.next(d, len(s.items))
	return made, err
}

// next is one more element of the list that begins at start, behind its last one.
// Where there is no more room the list moves, and its new start is returned.
func (s *slab[T]) next(d *decoder, start int) (int, *T, error) {
	var zero T
	if err := d.take(unsafe.Sizeof(zero)); err != nil {
		return start, nil, err
	}
	if len(s.items) == cap(s.items) {
		list := s.items[start:]
		s.items = append(make([]T, 0, max(2*cap(s.items), firstBytes/int(unsafe.Sizeof(zero)), 1)), list...)
		d.grown += int64(cap(s.items)) * int64(unsafe.Sizeof(zero))
		start = 0
	}
	s.items = append(s.items, zero)
	return start, &s.items[len(s.items)-1], nil
}

// slabs are those of the types that pods are read into.
type slabs struct {
	pods             slab[corev1.Pod]
	containers       slab[corev1.Container]
	ephemeral        slab[corev1.EphemeralContainer]
	volumes          slab[corev1.Volume]
	ports            slab[corev1.ContainerPort]
	mounts           slab[corev1.VolumeMount]
	devices          slab[corev1.VolumeDevice]
	contexts         slab[corev1.SecurityContext]
	podContexts      slab[corev1.PodSecurityContext]
	capabilities     slab[corev1.Capabilities]
	capabilityNames  slab[corev1.Capability]
	appArmor         slab[corev1.AppArmorProfile]
	seccomp          slab[corev1.SeccompProfile]
	seLinux          slab[corev1.SELinuxOptions]
	windows          slab[corev1.WindowsSecurityContextOptions]
	sysctls          slab[corev1.Sysctl]
	probes           slab[corev1.Probe]
	lifecycles       slab[corev1.Lifecycle]
	handlers         slab[corev1.LifecycleHandler]
	httpGets         slab[corev1.HTTPGetAction]
	tcpSockets       slab[corev1.TCPSocketAction]
	systems          slab[corev1.PodOS]
	bools            slab[bool]
	ids              slab[int64]
	strings          slab[string]
	procMounts       slab[corev1.ProcMountType]
	configMaps       slab[corev1.ConfigMapVolumeSource]
	csi              slab[corev1.CSIVolumeSource]
	downwardAPIs     slab[corev1.DownwardAPIVolumeSource]
	emptyDirs        slab[corev1.EmptyDirVolumeSource]
	claims           slab[corev1.PersistentVolumeClaimVolumeSource]
	projected        slab[corev1.ProjectedVolumeSource]
	secrets          slab[corev1.SecretVolumeSource]
	hostPaths        slab[corev1.HostPathVolumeSource]
	modes            slab[int32]
	groupPolicies    slab[corev1.SupplementalGroupsPolicy]
	changePolicies   slab[corev1.PodFSGroupChangePolicy]
	recursive        slab[corev1.RecursiveReadOnlyMode]
	restarts         slab[corev1.ContainerRestartPolicy]
	hostPathTypes    slab[corev1.HostPathType]
	keys             slab[corev1.KeyToPath]
	files            slab[corev1.DownwardAPIVolumeFile]
	projections      slab[corev1.VolumeProjection]
	projectedMaps    slab[corev1.ConfigMapProjection]
	projectedFields  slab[corev1.DownwardAPIProjection]
	projectedSecrets slab[corev1.SecretProjection]
	affinities       slab[corev1.Affinity]
	nodeAffinities   slab[corev1.NodeAffinity]
	nodeSelectors    slab[corev1.NodeSelector]
	nodeTerms        slab[corev1.NodeSelectorTerm]
	nodeRequirements slab[corev1.NodeSelectorRequirement]
	statuses         slab[corev1.ContainerStatus]
	users            slab[corev1.ContainerUser]
	linuxUsers       slab[corev1.LinuxContainerUser]
}

// reset makes room for the next pod in the place of the last one.
func (m *slabs) reset() {
	m.pods.reset()
	m.containers.reset()
	m.ephemeral.reset()
	m.volumes.reset()
	m.ports.reset()
	m.mounts.reset()
	m.devices.reset()
	m.contexts.reset()
	m.podContexts.reset()
	m.capabilities.reset()
	m.capabilityNames.reset()
	m.appArmor.reset()
	m.seccomp.reset()
	m.seLinux.reset()
	m.windows.reset()
	m.sysctls.reset()
	m.probes.reset()
	m.lifecycles.reset()
	m.handlers.reset()
	m.httpGets.reset()
	m.tcpSockets.reset()
	m.systems.reset()
	m.bools.reset()
	m.ids.reset()
	m.strings.reset()
	m.procMounts.reset()
	m.configMaps.reset()
	m.csi.reset()
	m.downwardAPIs.reset()
	m.emptyDirs.reset()
	m.claims.reset()
	m.projected.reset()
	m.secrets.reset()
	m.hostPaths.reset()
	m.modes.reset()
	m.groupPolicies.reset()
	m.changePolicies.reset()
	m.recursive.reset()
	m.restarts.reset()
	m.hostPathTypes.reset()
	m.keys.reset()
	m.files.reset()
	m.projections.reset()
	m.projectedMaps.reset()
	m.projectedFields.reset()
	m.projectedSecrets.reset()
	m.affinities.reset()
	m.nodeAffinities.reset()
	m.nodeSelectors.reset()
	m.nodeTerms.reset()
	m.nodeRequirements.reset()
	m.statuses.reset()
	m.users.reset()
	m.linuxUsers.reset()
}
