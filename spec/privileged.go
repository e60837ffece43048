package spec

var privilegedContainers = Control{
	Title: "Privileged Containers",
	Why:   "A privileged container has every capability and every device of the node.",
	Checks: []Check{{
		ID: CheckPrivileged,
		Revisions: []Revision{{
			Since:  0,
			Change: "privileged must not be true.",
			Allowed: []Allowed{{
				Fields: []Field{FieldPrivileged},
				Values: are("false"),
				Unset:  true,
			}},
		}},
	}},
}
