package spec

// Facts are what the rest of a pod has to say about one field that breaks a
// check: what a grant may ask for beside the field's own value.
//
// They are one byte, for every violation carries them. A field belongs to a
// container or to a volume, never to both, so that the type of a hostPath volume
// stands where what a container says would.
type Facts uint8

// The facts about a field of a container, or one that containers inherit.
const (
	// Privileged: the container sets privileged=true.
	Privileged Facts = 1 << iota
	// SysAdmin: the container adds SYS_ADMIN in any spelling, which implies
	// privilege escalation.
	SysAdmin
	// RootUser: every container that the field speaks for runs as user ID 0, its
	// own or its pod's.
	RootUser
	// InheritsProfile: the container sets no seccomp profile, and its pod has one.
	InheritsProfile
	// InheritsUnconfined: that profile is Unconfined.
	InheritsUnconfined

	pathTypeEnd
)

// pathType has the type of a hostPath, counted from 1; 0 is one that the API does
// not know.
const pathType = pathTypeEnd - 1

// The facts about a hostPath volume, beside its type.
const (
	// MountedWritable: a container mounts the volume, and not read-only.
	MountedWritable Facts = pathTypeEnd << iota
	// SubmountsWritable: a container mounts the volume so that what the node has
	// mounted below it may be written to: writable, or read-only and not
	// recursively.
	SubmountsWritable
	// OnWindows: the pod that has the volume names Windows as its OS.
	OnWindows
)

// Has reports whether all the facts of another set are in this one.
func (f Facts) Has(all Facts) bool { return f&all == all }

// HostPathType is the name of the type of a hostPath volume, as a policy lists
// it; empty for one that the API does not know.
func (f Facts) HostPathType() string {
	if i := int(f & pathType); i > 0 && i <= len(hostPathTypes) {
		return hostPathTypes[i-1].Name
	}
	return ""
}
