package spec

var hostPorts = Control{
	Title: "Host Ports",
	Why:   "A host port is a port of the node, outside network policy.",
	Checks: []Check{{
		ID: CheckHostPorts,
		Revisions: []Revision{{
			Since:   0,
			Change:  "No container may use a host port.",
			Allowed: []Allowed{{Fields: []Field{FieldHostPort}, Values: are("0"), Unset: true}},
		}},
	}},
	NoFill: "unset is already 0",
}
