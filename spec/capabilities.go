package spec

// Compared exactly: no other case, no CAP_ prefix, and "ALL" alone drops all.
const (
	// CapabilityAll is every capability.
	CapabilityAll            = "ALL"
	capabilityNetBindService = "NET_BIND_SERVICE"
)

// baselineCapabilities are those that container runtimes give by default.
var baselineCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
	capabilityNetBindService, "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

// capabilityNames are all that Linux has (include/uapi/linux/capability.h, the
// last of them since v5.9).
var capabilityNames = []string{
	"AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "CHOWN", "DAC_OVERRIDE",
	"DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN",
	"MAC_OVERRIDE", "MKNOD", "NET_ADMIN", capabilityNetBindService, "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP",
	"SETGID", "SETPCAP", "SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT",
	"SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM",
}

// Capabilities are the names of Linux' capabilities, in order. The result is
// shared and must not be changed.
func Capabilities() []string { return capabilityNames }

var restrictedCapabilities = []Allowed{
	{Fields: []Field{FieldCapabilitiesDrop}, Values: []Value{{Contains, CapabilityAll}}},
	{Fields: []Field{FieldCapabilitiesAdd}, Values: are(capabilityNetBindService), Unset: true, Called: "NET_BIND_SERVICE, or not there"},
}

var capabilities = Control{
	Title: "Capabilities",
	Why:   "A capability is a piece of root's power over the node.",
	Checks: []Check{{
		ID: CheckCapabilitiesBaseline,
		Revisions: []Revision{{
			Since:  0,
			Change: "No capability beyond the runtimes' default set may be added.",
			Allowed: []Allowed{{
				Fields: []Field{FieldCapabilitiesAdd},
				Values: are(baselineCapabilities...),
				Unset:  true,
				Called: "a capability of the runtimes' default set",
			}},
		}},
	}, {
		ID: CheckCapabilitiesRestricted,
		Revisions: []Revision{{
			Since:     22,
			Change:    "ALL must be dropped, and only NET_BIND_SERVICE may be added.",
			Allowed:   restrictedCapabilities,
			Overrides: []CheckID{CheckCapabilitiesBaseline},
		}, {
			Since:         25,
			Change:        "Pods that name Windows as their OS are exempt: the API forbids the field there.",
			Allowed:       restrictedCapabilities,
			Overrides:     []CheckID{CheckCapabilitiesBaseline},
			ExemptWindows: true,
		}},
	}},
}
