package spec

var nonRootAllowed = []Allowed{{
	Fields: []Field{FieldPodRunAsNonRoot},
	Values: are("true"),
	Unset:  true,
}, {
	Fields: []Field{FieldRunAsNonRoot},
	Values: are("true"),
}}

var nonRoot = Control{
	Title: "Running as Non-root",
	Why:   "Root in a container is root on the node once it breaks out.",
	Checks: []Check{{
		ID: CheckRunAsNonRoot,
		Revisions: []Revision{{
			Since:   0,
			Change:  "runAsNonRoot must be true on the pod or on every container, and false nowhere.",
			Allowed: nonRootAllowed,
		}, {
			Since:               35,
			Change:              "Pods in a user namespace of their own are exempt (KEP-127).",
			Allowed:             nonRootAllowed,
			ExemptUserNamespace: true,
		}},
	}},
}

var nonRootUserAllowed = []Allowed{{
	Fields: []Field{FieldPodRunAsUser, FieldRunAsUser},
	Values: []Value{{Not, "0"}},
	Unset:  true,
	Called: "any UID but 0",
}}

var nonRootUser = Control{
	Title: "Running as Non-root user",
	Why:   "UID 0 is root, whatever runAsNonRoot says.",
	Checks: []Check{{
		ID: CheckRunAsUser,
		Revisions: []Revision{{
			Since:   23,
			Change:  "runAsUser must not be 0.",
			Allowed: nonRootUserAllowed,
		}, {
			Since:               35,
			Change:              "Pods in a user namespace of their own are exempt (KEP-127).",
			Allowed:             nonRootUserAllowed,
			ExemptUserNamespace: true,
		}},
	}},
}
