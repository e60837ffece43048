package spec

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// HostPath is the volume type that mounts files of the node.
const HostPath = "hostPath"

// UnknownVolumeType stands for a volume without any known source.
const UnknownVolumeType = "unknown"

// VolumeType is one kind of volume, under the name of its field.
type VolumeType struct {
	// Name is the name of the field: configMap.
	Name string
	// Field is the path of the field: spec.volumes[*].configMap.
	Field Field
	// Restricted: the restricted level allows it.
	Restricted bool

	set func(*corev1.VolumeSource) bool
}

// In reports whether a volume has a source of this type.
func (t *VolumeType) In(v *corev1.Volume) bool { return t.set(&v.VolumeSource) }

// volumeTypeTable lists every type: those that restricted allows, then the
// others in the order in which they name a volume that has several.
var volumeTypeTable = [...]VolumeType{
	{"configMap", "spec.volumes[*].configMap", true, func(v *corev1.VolumeSource) bool { return v.ConfigMap != nil }},
	{"csi", "spec.volumes[*].csi", true, func(v *corev1.VolumeSource) bool { return v.CSI != nil }},
	{"downwardAPI", "spec.volumes[*].downwardAPI", true, func(v *corev1.VolumeSource) bool { return v.DownwardAPI != nil }},
	{"emptyDir", "spec.volumes[*].emptyDir", true, func(v *corev1.VolumeSource) bool { return v.EmptyDir != nil }},
	{"ephemeral", "spec.volumes[*].ephemeral", true, func(v *corev1.VolumeSource) bool { return v.Ephemeral != nil }},
	{"image", "spec.volumes[*].image", true, func(v *corev1.VolumeSource) bool { return v.Image != nil }},
	{"persistentVolumeClaim", "spec.volumes[*].persistentVolumeClaim", true, func(v *corev1.VolumeSource) bool { return v.PersistentVolumeClaim != nil }},
	{"projected", "spec.volumes[*].projected", true, func(v *corev1.VolumeSource) bool { return v.Projected != nil }},
	{"secret", "spec.volumes[*].secret", true, func(v *corev1.VolumeSource) bool { return v.Secret != nil }},
	{"hostPath", "spec.volumes[*].hostPath", false, func(v *corev1.VolumeSource) bool { return v.HostPath != nil }},
	{"gcePersistentDisk", "spec.volumes[*].gcePersistentDisk", false, func(v *corev1.VolumeSource) bool { return v.GCEPersistentDisk != nil }},
	{"awsElasticBlockStore", "spec.volumes[*].awsElasticBlockStore", false, func(v *corev1.VolumeSource) bool { return v.AWSElasticBlockStore != nil }},
	{"gitRepo", "spec.volumes[*].gitRepo", false, func(v *corev1.VolumeSource) bool { return v.GitRepo != nil }},
	{"nfs", "spec.volumes[*].nfs", false, func(v *corev1.VolumeSource) bool { return v.NFS != nil }},
	{"iscsi", "spec.volumes[*].iscsi", false, func(v *corev1.VolumeSource) bool { return v.ISCSI != nil }},
	{"glusterfs", "spec.volumes[*].glusterfs", false, func(v *corev1.VolumeSource) bool { return v.Glusterfs != nil }},
	{"rbd", "spec.volumes[*].rbd", false, func(v *corev1.VolumeSource) bool { return v.RBD != nil }},
	{"flexVolume", "spec.volumes[*].flexVolume", false, func(v *corev1.VolumeSource) bool { return v.FlexVolume != nil }},
	{"cinder", "spec.volumes[*].cinder", false, func(v *corev1.VolumeSource) bool { return v.Cinder != nil }},
	{"cephfs", "spec.volumes[*].cephfs", false, func(v *corev1.VolumeSource) bool { return v.CephFS != nil }},
	{"flocker", "spec.volumes[*].flocker", false, func(v *corev1.VolumeSource) bool { return v.Flocker != nil }},
	{"fc", "spec.volumes[*].fc", false, func(v *corev1.VolumeSource) bool { return v.FC != nil }},
	{"azureFile", "spec.volumes[*].azureFile", false, func(v *corev1.VolumeSource) bool { return v.AzureFile != nil }},
	{"vsphereVolume", "spec.volumes[*].vsphereVolume", false, func(v *corev1.VolumeSource) bool { return v.VsphereVolume != nil }},
	{"quobyte", "spec.volumes[*].quobyte", false, func(v *corev1.VolumeSource) bool { return v.Quobyte != nil }},
	{"azureDisk", "spec.volumes[*].azureDisk", false, func(v *corev1.VolumeSource) bool { return v.AzureDisk != nil }},
	{"photonPersistentDisk", "spec.volumes[*].photonPersistentDisk", false, func(v *corev1.VolumeSource) bool { return v.PhotonPersistentDisk != nil }},
	{"portworxVolume", "spec.volumes[*].portworxVolume", false, func(v *corev1.VolumeSource) bool { return v.PortworxVolume != nil }},
	{"scaleIO", "spec.volumes[*].scaleIO", false, func(v *corev1.VolumeSource) bool { return v.ScaleIO != nil }},
	{"storageos", "spec.volumes[*].storageos", false, func(v *corev1.VolumeSource) bool { return v.StorageOS != nil }},
}

// VolumeTypes returns every volume type. The result is shared and must not be changed.
func VolumeTypes() []VolumeType { return volumeTypeTable[:] }

// VolumeTypeOf is the name of the volume type whose field this is,
// UnknownVolumeType for a volume as a whole.
func VolumeTypeOf(f Field) string {
	if name, ok := strings.CutPrefix(string(f), string(FieldVolume)+"."); ok {
		return name
	}
	return UnknownVolumeType
}

// RestrictedVolume reports whether the restricted level allows a volume. One
// allowed source is enough, as upstream; API validation refuses volumes with
// several. It says what the table says, at a tenth of the cost, for it is asked
// of every volume of every pod; a test holds the two together.
func RestrictedVolume(v *corev1.Volume) bool {
	return v.ConfigMap != nil || v.CSI != nil || v.DownwardAPI != nil || v.EmptyDir != nil || v.Ephemeral != nil ||
		v.Image != nil || v.PersistentVolumeClaim != nil || v.Projected != nil || v.Secret != nil
}

// NamingType is the type by which a volume is named: its only one, or the first
// in the order of the table. A volume without a known source has an unknown type.
func NamingType(v *corev1.Volume) *VolumeType {
	for i := range volumeTypeTable {
		if t := &volumeTypeTable[i]; t.set(&v.VolumeSource) {
			return t
		}
	}
	return &unknownVolume
}

var unknownVolume = VolumeType{Name: UnknownVolumeType, Field: FieldVolume}

var volumeTypes = Control{
	Title: "Volume Types",
	Why:   "Volumes that the node mounts itself bypass the cluster's storage controls.",
	Checks: []Check{{
		ID: CheckRestrictedVolumes,
		Revisions: []Revision{{
			Since:     0,
			Change:    "Only volume types that the cluster controls may be used.",
			Allowed:   []Allowed{{Fields: []Field{FieldVolume}, Values: restrictedVolumeNames()}},
			Overrides: []CheckID{CheckHostPathVolumes},
		}},
	}},
	Grants: []string{"allow.volumes", "allow.allowedHostPaths"},
	NoFill: "nothing needs to be set",
}

func restrictedVolumeNames() (names []string) {
	for _, t := range volumeTypeTable {
		if t.Restricted {
			names = append(names, t.Name)
		}
	}
	return names
}
