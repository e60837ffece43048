package spec

var hostNamespaces = Control{
	Title: "Host Namespaces",
	Why:   "In a namespace of the node a container sees and reaches other processes of the node.",
	Checks: []Check{{
		ID: CheckHostNamespaces,
		Revisions: []Revision{{
			Since:  0,
			Change: "The node's network, PID and IPC namespaces must not be shared.",
			Allowed: []Allowed{{
				Fields: []Field{FieldHostNetwork, FieldHostPID, FieldHostIPC},
				Values: are("false"),
				Unset:  true,
			}},
		}},
	}},
	NoFill: "unset is already false",
}
