package spec

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
