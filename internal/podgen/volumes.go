package podgen

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// volumeSources set each kind of source of a volume, with what API validation
// asks of it. TestEveryCaseIsDrawn holds them against spec.VolumeTypes.
var volumeSources = []func(*corev1.VolumeSource){
	func(s *corev1.VolumeSource) {
		s.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: object}
	},
	func(s *corev1.VolumeSource) { s.Secret = &corev1.SecretVolumeSource{SecretName: "name"} },
	func(s *corev1.VolumeSource) { s.EmptyDir = &corev1.EmptyDirVolumeSource{} },
	func(s *corev1.VolumeSource) {
		s.PersistentVolumeClaim = &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "name"}
	},
	func(s *corev1.VolumeSource) { s.Projected = &corev1.ProjectedVolumeSource{} },
	func(s *corev1.VolumeSource) { s.DownwardAPI = &corev1.DownwardAPIVolumeSource{} },
	func(s *corev1.VolumeSource) { s.CSI = &corev1.CSIVolumeSource{Driver: "csi.example.com"} },
	func(s *corev1.VolumeSource) { s.Ephemeral = &corev1.EphemeralVolumeSource{} },
	func(s *corev1.VolumeSource) { s.Image = &corev1.ImageVolumeSource{Reference: "example.com/data:v1"} },
	func(s *corev1.VolumeSource) {
		s.NFS = &corev1.NFSVolumeSource{Server: "nfs.example.com", Path: "/exports"}
	},
	func(s *corev1.VolumeSource) {
		s.ISCSI = &corev1.ISCSIVolumeSource{TargetPortal: "10.0.0.1:3260", IQN: "iqn.2001-04.com.example:storage"}
	},
	func(s *corev1.VolumeSource) {
		s.GitRepo = &corev1.GitRepoVolumeSource{Repository: "https://git.example.com/r.git"}
	},
	func(s *corev1.VolumeSource) {
		s.GCEPersistentDisk = &corev1.GCEPersistentDiskVolumeSource{PDName: "name"}
	},
	func(s *corev1.VolumeSource) {
		s.AWSElasticBlockStore = &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: "id"}
	},
	func(s *corev1.VolumeSource) {
		s.Glusterfs = &corev1.GlusterfsVolumeSource{EndpointsName: "name", Path: "path"}
	},
	func(s *corev1.VolumeSource) {
		s.RBD = &corev1.RBDVolumeSource{CephMonitors: []string{"10.0.0.1"}, RBDImage: "image", RBDPool: "pool"}
	},
	func(s *corev1.VolumeSource) { s.FlexVolume = &corev1.FlexVolumeSource{Driver: "example.com/driver"} },
	func(s *corev1.VolumeSource) { s.Cinder = &corev1.CinderVolumeSource{VolumeID: "id"} },
	func(s *corev1.VolumeSource) { s.CephFS = &corev1.CephFSVolumeSource{Monitors: []string{"10.0.0.1"}} },
	func(s *corev1.VolumeSource) { s.Flocker = &corev1.FlockerVolumeSource{DatasetName: "name"} },
	func(s *corev1.VolumeSource) {
		s.FC = &corev1.FCVolumeSource{TargetWWNs: []string{"50060e801049cfd1"}, Lun: ptr(int32(0))}
	},
	func(s *corev1.VolumeSource) {
		s.AzureFile = &corev1.AzureFileVolumeSource{SecretName: "name", ShareName: "share"}
	},
	func(s *corev1.VolumeSource) {
		s.VsphereVolume = &corev1.VsphereVirtualDiskVolumeSource{VolumePath: "path"}
	},
	func(s *corev1.VolumeSource) {
		s.Quobyte = &corev1.QuobyteVolumeSource{Registry: "10.0.0.1:7861", Volume: "name", Tenant: "tenant"}
	},
	func(s *corev1.VolumeSource) {
		s.AzureDisk = &corev1.AzureDiskVolumeSource{DiskName: "name", DataDiskURI: "https://blob.example.com/d.vhd"}
	},
	func(s *corev1.VolumeSource) {
		s.PhotonPersistentDisk = &corev1.PhotonPersistentDiskVolumeSource{PdID: "id"}
	},
	func(s *corev1.VolumeSource) { s.PortworxVolume = &corev1.PortworxVolumeSource{VolumeID: "id"} },
	func(s *corev1.VolumeSource) {
		s.ScaleIO = &corev1.ScaleIOVolumeSource{Gateway: "https://10.0.0.1", System: "system", VolumeName: "name", SecretRef: &corev1.LocalObjectReference{Name: "name"}}
	},
	func(s *corev1.VolumeSource) { s.StorageOS = &corev1.StorageOSVolumeSource{VolumeName: "name"} },
}

var object = corev1.LocalObjectReference{Name: "name"}

// usual is how many of the first volumeSources are drawn more often.
const usual = 9

// hostPaths lie on both sides of the prefixes that policies allow: below them,
// beside them, and out of them again by a way that only the node would follow.
var hostPaths = []string{
	"/var/log", "/var/log/pods", "/var/log/", "/etc", "/", "/var/logs", "/var/log/pods/a/b", "/var/log/../lib", "/var//log", "//var/log",
	"/var/log/..", "/var/log/./pods", "/var/log//", "/var/log..", "/var", "/etc/kubernetes/pki", "var/log", "..", ".", "",
	`C:\var\log\pods`, "c:/Var/Log", `C:\var\logs`, `C:\var\log\..\lib`, `/var/log\..\lib`, `\var\log`, `D:\`, `C:\var\log.`,
}

// hostPathTypes are those of the API.
var hostPathTypes = func() (types []corev1.HostPathType) {
	for _, t := range spec.HostPathTypes() {
		types = append(types, t.Type)
	}
	return types
}()

// volume draws a volume of one source, mostly, of several or of none. Names may
// be those of other volumes too, or what ServiceAccount admission calls its own.
func (g gen) volume(i int) corev1.Volume {
	v := corev1.Volume{Name: "v" + strconv.Itoa(i)}
	if g.once(12) {
		v.Name = pick(g, "v0", "", "kube-api-access-x")
	}
	for range pick(g, 1, 1, 2, 1, 1, 2, 0, 3) {
		g.source(&v.VolumeSource)
	}
	return v
}

func (g gen) source(s *corev1.VolumeSource) {
	switch g.below(8) {
	case 0, 1:
		s.HostPath = &corev1.HostPathVolumeSource{Path: pick(g, hostPaths...)}
		if g.once(3) {
			s.HostPath.Type = ptr(pick(g, pick(g, hostPathTypes...), "", "directory"))
		}
	case 2, 3:
		volumeSources[g.below(usual)](s)
	default:
		volumeSources[g.below(len(volumeSources))](s)
	}
}
