package spec

// Facts are what the rest of a pod has to say about one field that breaks a
// check: what a grant may ask for beside the field's own value.
type Facts uint8

// The facts.
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
	// MountedWritable: a container mounts the volume, and not read-only.
	MountedWritable
)

// Has reports whether all the facts of another set are in this one.
func (f Facts) Has(all Facts) bool { return f&all == all }
