package spec

import corev1 "k8s.io/api/core/v1"

// HostPathType is a type of a hostPath volume.
type HostPathType struct {
	// Name is the API's, and Unset for the empty one.
	Name string
	// Type is the value in the API.
	Type corev1.HostPathType
}

var hostPathTypes = [...]HostPathType{
	{"Unset", corev1.HostPathUnset},
	{"BlockDevice", corev1.HostPathBlockDev},
	{"CharDevice", corev1.HostPathCharDev},
	{"Directory", corev1.HostPathDirectory},
	{"DirectoryOrCreate", corev1.HostPathDirectoryOrCreate},
	{"File", corev1.HostPathFile},
	{"FileOrCreate", corev1.HostPathFileOrCreate},
	{"Socket", corev1.HostPathSocket},
}

// HostPathTypes returns the types of hostPath volumes. The result is shared and
// must not be changed.
func HostPathTypes() []HostPathType { return hostPathTypes[:] }

// TypeOf is the type of a hostPath as a fact; 0 for one that the API does not know.
func TypeOf(h *corev1.HostPathVolumeSource) Facts {
	var set corev1.HostPathType
	if h.Type != nil {
		set = *h.Type
	}
	for i := range hostPathTypes {
		if hostPathTypes[i].Type == set {
			return Facts(i + 1)
		}
	}
	return 0
}

var hostPathVolumes = Control{
	Title: "HostPath Volumes",
	Why:   "A hostPath volume opens the node's files to the pod.",
	Checks: []Check{{
		ID: CheckHostPathVolumes,
		Revisions: []Revision{{
			Since:   0,
			Change:  "No volume may be a hostPath.",
			Allowed: []Allowed{{Fields: []Field{FieldVolumeHostPath}, Unset: true}},
		}},
	}},
	NoFill: "nothing needs to be set",
}
