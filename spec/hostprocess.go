package spec

var hostProcess = Control{
	Title: "HostProcess",
	Why:   "A Windows host process container runs on the node itself.",
	Checks: []Check{{
		ID: CheckWindowsHostProcess,
		Revisions: []Revision{{
			Since:  0,
			Change: "hostProcess must not be true.",
			Allowed: []Allowed{{
				Fields: []Field{FieldPodHostProcess, FieldHostProcess},
				Values: are("false"),
				Unset:  true,
			}},
		}},
	}},
	NoFill: "unset is already false",
}
