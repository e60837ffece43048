package spec

import (
	"iter"
	"math/bits"
	"slices"

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
	// Field is the type's field of a volume.
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
	{"configMap", FieldVolumeConfigMap, true, func(v *corev1.VolumeSource) bool { return v.ConfigMap != nil }},
	{"csi", FieldVolumeCSI, true, func(v *corev1.VolumeSource) bool { return v.CSI != nil }},
	{"downwardAPI", FieldVolumeDownwardAPI, true, func(v *corev1.VolumeSource) bool { return v.DownwardAPI != nil }},
	{"emptyDir", FieldVolumeEmptyDir, true, func(v *corev1.VolumeSource) bool { return v.EmptyDir != nil }},
	{"ephemeral", FieldVolumeEphemeral, true, func(v *corev1.VolumeSource) bool { return v.Ephemeral != nil }},
	{"image", FieldVolumeImage, true, func(v *corev1.VolumeSource) bool { return v.Image != nil }},
	{"persistentVolumeClaim", FieldVolumePersistentVolumeClaim, true, func(v *corev1.VolumeSource) bool { return v.PersistentVolumeClaim != nil }},
	{"projected", FieldVolumeProjected, true, func(v *corev1.VolumeSource) bool { return v.Projected != nil }},
	{"secret", FieldVolumeSecret, true, func(v *corev1.VolumeSource) bool { return v.Secret != nil }},
	{"hostPath", FieldVolumeHostPath, false, func(v *corev1.VolumeSource) bool { return v.HostPath != nil }},
	{"gcePersistentDisk", FieldVolumeGCEPersistentDisk, false, func(v *corev1.VolumeSource) bool { return v.GCEPersistentDisk != nil }},
	{"awsElasticBlockStore", FieldVolumeAWSElasticBlockStore, false, func(v *corev1.VolumeSource) bool { return v.AWSElasticBlockStore != nil }},
	{"gitRepo", FieldVolumeGitRepo, false, func(v *corev1.VolumeSource) bool { return v.GitRepo != nil }},
	{"nfs", FieldVolumeNFS, false, func(v *corev1.VolumeSource) bool { return v.NFS != nil }},
	{"iscsi", FieldVolumeISCSI, false, func(v *corev1.VolumeSource) bool { return v.ISCSI != nil }},
	{"glusterfs", FieldVolumeGlusterfs, false, func(v *corev1.VolumeSource) bool { return v.Glusterfs != nil }},
	{"rbd", FieldVolumeRBD, false, func(v *corev1.VolumeSource) bool { return v.RBD != nil }},
	{"flexVolume", FieldVolumeFlexVolume, false, func(v *corev1.VolumeSource) bool { return v.FlexVolume != nil }},
	{"cinder", FieldVolumeCinder, false, func(v *corev1.VolumeSource) bool { return v.Cinder != nil }},
	{"cephfs", FieldVolumeCephFS, false, func(v *corev1.VolumeSource) bool { return v.CephFS != nil }},
	{"flocker", FieldVolumeFlocker, false, func(v *corev1.VolumeSource) bool { return v.Flocker != nil }},
	{"fc", FieldVolumeFC, false, func(v *corev1.VolumeSource) bool { return v.FC != nil }},
	{"azureFile", FieldVolumeAzureFile, false, func(v *corev1.VolumeSource) bool { return v.AzureFile != nil }},
	{"vsphereVolume", FieldVolumeVsphereVolume, false, func(v *corev1.VolumeSource) bool { return v.VsphereVolume != nil }},
	{"quobyte", FieldVolumeQuobyte, false, func(v *corev1.VolumeSource) bool { return v.Quobyte != nil }},
	{"azureDisk", FieldVolumeAzureDisk, false, func(v *corev1.VolumeSource) bool { return v.AzureDisk != nil }},
	{"photonPersistentDisk", FieldVolumePhotonPersistentDisk, false, func(v *corev1.VolumeSource) bool { return v.PhotonPersistentDisk != nil }},
	{"portworxVolume", FieldVolumePortworxVolume, false, func(v *corev1.VolumeSource) bool { return v.PortworxVolume != nil }},
	{"scaleIO", FieldVolumeScaleIO, false, func(v *corev1.VolumeSource) bool { return v.ScaleIO != nil }},
	{"storageos", FieldVolumeStorageOS, false, func(v *corev1.VolumeSource) bool { return v.StorageOS != nil }},
}

// VolumeSet is a set of volume types: those of a volume's sources. API validation
// lets a volume have one; a volume without a known source has none.
type VolumeSet uint32

// SourcesOf is the set of a volume's sources.
func SourcesOf(v *corev1.Volume) (s VolumeSet) {
	for i := range volumeTypeTable {
		if volumeTypeTable[i].In(v) {
			s |= 1 << i
		}
	}
	return s
}

// Has reports whether the set holds the type whose field this is.
func (s VolumeSet) Has(f Field) bool { return s&(1<<(f-FieldVolume-1)) != 0 }

// Types are the types of the set, in the order of [VolumeTypes].
func (s VolumeSet) Types() iter.Seq[*VolumeType] {
	return func(yield func(*VolumeType) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(&volumeTypeTable[bits.TrailingZeros32(uint32(s))]) {
				return
			}
		}
	}
}

// Naming is the type by which a volume with these sources is named, as
// [NamingType] has it.
func (s VolumeSet) Naming() *VolumeType {
	for t := range s.Types() {
		return t
	}
	return &unknownVolume
}

// VolumeTypes returns every volume type. The result is shared and must not be changed.
func VolumeTypes() []VolumeType { return volumeTypeTable[:] }

// IsVolumeType reports whether a volume has a source of this name: configMap.
func IsVolumeType(name string) bool {
	return slices.ContainsFunc(volumeTypeTable[:], func(t VolumeType) bool { return t.Name == name })
}

// VolumeTypeOf is the name of the volume type whose field this is,
// UnknownVolumeType for a volume as a whole.
func VolumeTypeOf(f Field) string {
	if i := int(f) - int(FieldVolume) - 1; i >= 0 && i < len(volumeTypeTable) {
		return volumeTypeTable[i].Name
	}
	return UnknownVolumeType
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
			Since:  0,
			Change: "Only volume types that the cluster controls may be used.",
			Allowed: []Allowed{{
				Fields: []Field{FieldVolume},
				Values: are(restrictedVolumeNames()...),
				Called: "a volume type that restricted allows",
			}},
			Overrides: []CheckID{CheckHostPathVolumes},
		}},
	}},
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
