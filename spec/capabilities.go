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
