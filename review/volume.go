package review

import (
	"unsafe"

	corev1 "k8s.io/api/core/v1"
)

// volume reads a volume's name and which sources it has. Of most sources nothing
// matters but that they are there; of files from the API their modes do, which
// fsGroup widens.
var volume = object(members[corev1.Volume]{
	"name":     field(func(v *corev1.Volume) *string { return &v.Name }, text[string]),
	"hostPath": field(func(v *corev1.Volume) **corev1.HostPathVolumeSource { return &v.HostPath }, pointer(func(m *slabs) *slab[corev1.HostPathVolumeSource] { return &m.hostPaths }, hostPath)),

	"configMap":             field(func(v *corev1.Volume) **corev1.ConfigMapVolumeSource { return &v.ConfigMap }, pointer(func(m *slabs) *slab[corev1.ConfigMapVolumeSource] { return &m.configMaps }, configMap)),
	"downwardAPI":           field(func(v *corev1.Volume) **corev1.DownwardAPIVolumeSource { return &v.DownwardAPI }, pointer(func(m *slabs) *slab[corev1.DownwardAPIVolumeSource] { return &m.downwardAPIs }, downwardAPI)),
	"persistentVolumeClaim": field(func(v *corev1.Volume) **corev1.PersistentVolumeClaimVolumeSource { return &v.PersistentVolumeClaim }, pointer(func(m *slabs) *slab[corev1.PersistentVolumeClaimVolumeSource] { return &m.claims }, claim)),
	"projected":             field(func(v *corev1.Volume) **corev1.ProjectedVolumeSource { return &v.Projected }, pointer(func(m *slabs) *slab[corev1.ProjectedVolumeSource] { return &m.projected }, projected)),
	"secret":                field(func(v *corev1.Volume) **corev1.SecretVolumeSource { return &v.Secret }, pointer(func(m *slabs) *slab[corev1.SecretVolumeSource] { return &m.secrets }, secret)),

	"csi":      source(func(v *corev1.Volume) **corev1.CSIVolumeSource { return &v.CSI }, func(m *slabs) *slab[corev1.CSIVolumeSource] { return &m.csi }),
	"emptyDir": source(func(v *corev1.Volume) **corev1.EmptyDirVolumeSource { return &v.EmptyDir }, func(m *slabs) *slab[corev1.EmptyDirVolumeSource] { return &m.emptyDirs }),

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
	"type": field(func(h *corev1.HostPathVolumeSource) **corev1.HostPathType { return &h.Type }, pointer(func(m *slabs) *slab[corev1.HostPathType] { return &m.hostPathTypes }, text[corev1.HostPathType])),
	"path": field(func(h *corev1.HostPathVolumeSource) *string { return &h.Path }, text[string]),
})

var claim = object(members[corev1.PersistentVolumeClaimVolumeSource]{
	"readOnly": field(func(c *corev1.PersistentVolumeClaimVolumeSource) *bool { return &c.ReadOnly }, boolean),
})

var configMap = object(members[corev1.ConfigMapVolumeSource]{
	"defaultMode": field(func(c *corev1.ConfigMapVolumeSource) **int32 { return &c.DefaultMode }, optionalMode),
	"items":       field(func(c *corev1.ConfigMapVolumeSource) *[]corev1.KeyToPath { return &c.Items }, keys),
})

var secret = object(members[corev1.SecretVolumeSource]{
	"defaultMode": field(func(s *corev1.SecretVolumeSource) **int32 { return &s.DefaultMode }, optionalMode),
	"items":       field(func(s *corev1.SecretVolumeSource) *[]corev1.KeyToPath { return &s.Items }, keys),
})

var downwardAPI = object(members[corev1.DownwardAPIVolumeSource]{
	"defaultMode": field(func(d *corev1.DownwardAPIVolumeSource) **int32 { return &d.DefaultMode }, optionalMode),
	"items":       field(func(d *corev1.DownwardAPIVolumeSource) *[]corev1.DownwardAPIVolumeFile { return &d.Items }, files),
})

var projected = object(members[corev1.ProjectedVolumeSource]{
	"defaultMode": field(func(p *corev1.ProjectedVolumeSource) **int32 { return &p.DefaultMode }, optionalMode),
	"sources":     field(func(p *corev1.ProjectedVolumeSource) *[]corev1.VolumeProjection { return &p.Sources }, list(func(m *slabs) *slab[corev1.VolumeProjection] { return &m.projections }, projection)),
})

// projection: a source of another type is none of these three.
var projection = object(members[corev1.VolumeProjection]{
	"configMap": field(func(p *corev1.VolumeProjection) **corev1.ConfigMapProjection { return &p.ConfigMap }, pointer(func(m *slabs) *slab[corev1.ConfigMapProjection] { return &m.projectedMaps }, object(members[corev1.ConfigMapProjection]{
		"items": field(func(c *corev1.ConfigMapProjection) *[]corev1.KeyToPath { return &c.Items }, keys),
	}))),
	"downwardAPI": field(func(p *corev1.VolumeProjection) **corev1.DownwardAPIProjection { return &p.DownwardAPI }, pointer(func(m *slabs) *slab[corev1.DownwardAPIProjection] { return &m.projectedFields }, object(members[corev1.DownwardAPIProjection]{
		"items": field(func(d *corev1.DownwardAPIProjection) *[]corev1.DownwardAPIVolumeFile { return &d.Items }, files),
	}))),
	"secret": field(func(p *corev1.VolumeProjection) **corev1.SecretProjection { return &p.Secret }, pointer(func(m *slabs) *slab[corev1.SecretProjection] { return &m.projectedSecrets }, object(members[corev1.SecretProjection]{
		"items": field(func(s *corev1.SecretProjection) *[]corev1.KeyToPath { return &s.Items }, keys),
	}))),
})

var optionalMode = pointer(func(m *slabs) *slab[int32] { return &m.modes }, integer[int32](32))

var keys = list(func(m *slabs) *slab[corev1.KeyToPath] { return &m.keys }, object(members[corev1.KeyToPath]{
	"mode": field(func(k *corev1.KeyToPath) **int32 { return &k.Mode }, optionalMode),
}))

var files = list(func(m *slabs) *slab[corev1.DownwardAPIVolumeFile] { return &m.files }, object(members[corev1.DownwardAPIVolumeFile]{
	"mode": field(func(f *corev1.DownwardAPIVolumeFile) **int32 { return &f.Mode }, optionalMode),
}))

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
