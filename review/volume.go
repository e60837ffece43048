package review

import (
	"unsafe"

	corev1 "k8s.io/api/core/v1"
)

// volume reads a volume's name and which sources it has. Of a source nothing
// matters but that it is there, and the path of a hostPath.
var volume = object(members[corev1.Volume]{
	"name":     field(func(v *corev1.Volume) *string { return &v.Name }, text[string]),
	"hostPath": field(func(v *corev1.Volume) **corev1.HostPathVolumeSource { return &v.HostPath }, pointer(func(m *slabs) *slab[corev1.HostPathVolumeSource] { return &m.hostPaths }, hostPath)),

	"configMap":             source(func(v *corev1.Volume) **corev1.ConfigMapVolumeSource { return &v.ConfigMap }, func(m *slabs) *slab[corev1.ConfigMapVolumeSource] { return &m.configMaps }),
	"csi":                   source(func(v *corev1.Volume) **corev1.CSIVolumeSource { return &v.CSI }, func(m *slabs) *slab[corev1.CSIVolumeSource] { return &m.csi }),
	"downwardAPI":           source(func(v *corev1.Volume) **corev1.DownwardAPIVolumeSource { return &v.DownwardAPI }, func(m *slabs) *slab[corev1.DownwardAPIVolumeSource] { return &m.downwardAPIs }),
	"emptyDir":              source(func(v *corev1.Volume) **corev1.EmptyDirVolumeSource { return &v.EmptyDir }, func(m *slabs) *slab[corev1.EmptyDirVolumeSource] { return &m.emptyDirs }),
	"persistentVolumeClaim": source(func(v *corev1.Volume) **corev1.PersistentVolumeClaimVolumeSource { return &v.PersistentVolumeClaim }, func(m *slabs) *slab[corev1.PersistentVolumeClaimVolumeSource] { return &m.claims }),
	"projected":             source(func(v *corev1.Volume) **corev1.ProjectedVolumeSource { return &v.Projected }, func(m *slabs) *slab[corev1.ProjectedVolumeSource] { return &m.projected }),
	"secret":                source(func(v *corev1.Volume) **corev1.SecretVolumeSource { return &v.Secret }, func(m *slabs) *slab[corev1.SecretVolumeSource] { return &m.secrets }),

	"awsElasticBlockStore": rare(func(v *corev1.Volume) **corev1.AWSElasticBlockStoreVolumeSource { return &v.AWSElasticBlockStore }),
	"azureDisk":            rare(func(v *corev1.Volume) **corev1.AzureDiskVolumeSource { return &v.AzureDisk }),
	"azureFile":            rare(func(v *corev1.Volume) **corev1.AzureFileVolumeSource { return &v.AzureFile }),
	"cephfs":               rare(func(v *corev1.Volume) **corev1.CephFSVolumeSource { return &v.CephFS }),
	"cinder":               rare(func(v *corev1.Volume) **corev1.CinderVolumeSource { return &v.Cinder }),
	"ephemeral":            rare(func(v *corev1.Volume) **corev1.EphemeralVolumeSource { return &v.Ephemeral }),
	"fc":                   rare(func(v *corev1.Volume) **corev1.FCVolumeSource { return &v.FC }),
	"flexVolume":           rare(func(v *corev1.Volume) **corev1.FlexVolumeSource { return &v.FlexVolume }),
	"flocker":              rare(func(v *corev1.Volume) **corev1.FlockerVolumeSource { return &v.Flocker }),
	"gcePersistentDisk":    rare(func(v *corev1.Volume) **corev1.GCEPersistentDiskVolumeSource { return &v.GCEPersistentDisk }),
	"gitRepo":              rare(func(v *corev1.Volume) **corev1.GitRepoVolumeSource { return &v.GitRepo }),
	"glusterfs":            rare(func(v *corev1.Volume) **corev1.GlusterfsVolumeSource { return &v.Glusterfs }),
	"image":                rare(func(v *corev1.Volume) **corev1.ImageVolumeSource { return &v.Image }),
	"iscsi":                rare(func(v *corev1.Volume) **corev1.ISCSIVolumeSource { return &v.ISCSI }),
	"nfs":                  rare(func(v *corev1.Volume) **corev1.NFSVolumeSource { return &v.NFS }),
	"photonPersistentDisk": rare(func(v *corev1.Volume) **corev1.PhotonPersistentDiskVolumeSource { return &v.PhotonPersistentDisk }),
	"portworxVolume":       rare(func(v *corev1.Volume) **corev1.PortworxVolumeSource { return &v.PortworxVolume }),
	"quobyte":              rare(func(v *corev1.Volume) **corev1.QuobyteVolumeSource { return &v.Quobyte }),
	"rbd":                  rare(func(v *corev1.Volume) **corev1.RBDVolumeSource { return &v.RBD }),
	"scaleIO":              rare(func(v *corev1.Volume) **corev1.ScaleIOVolumeSource { return &v.ScaleIO }),
	"storageos":            rare(func(v *corev1.Volume) **corev1.StorageOSVolumeSource { return &v.StorageOS }),
	"vsphereVolume":        rare(func(v *corev1.Volume) **corev1.VsphereVirtualDiskVolumeSource { return &v.VsphereVolume }),
})

var hostPath = object(members[corev1.HostPathVolumeSource]{
	"path": field(func(h *corev1.HostPathVolumeSource) *string { return &h.Path }, text[string]),
})

// source reads that a volume has a source of a usual type.
func source[T any](of func(*corev1.Volume) **T, from func(*slabs) *slab[T]) reader[corev1.Volume] {
	return field(of, pointer(from, present[T]))
}

// rare reads that a volume has a source of a type that few have.
func rare[T any](of func(*corev1.Volume) **T) reader[corev1.Volume] {
	read := present[T]
	return func(d *decoder, v *corev1.Volume) error {
		if null, err := d.null(); null || err != nil {
			*of(v) = nil
			return err
		}
		var zero T
		if err := d.take(unsafe.Sizeof(zero)); err != nil {
			return err
		}
		*of(v) = new(T)
		return read(d, *of(v))
	}
}
