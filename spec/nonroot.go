package spec

var nonRootAllowed = []Allowed{{
	Fields: []Field{FieldPodRunAsNonRoot, FieldRunAsNonRoot},
	Values: []string{"true"},
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
	Grants: []string{"allow.runAsUser"},
	Fills: []Fill{{
		Field:  FieldRunAsNonRoot,
		Value:  "true",
		Unless: "allow.runAsUser is RunAsAny, the effective runAsUser is 0 (the kubelet would refuse it), or hostUsers is false",
	}},
}

var nonRootUserAllowed = []Allowed{{
	Fields: []Field{FieldPodRunAsUser, FieldRunAsUser},
	Values: []string{"any but 0"},
	Unset:  true,
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
	Grants: []string{"allow.runAsUser"},
	Fills: []Fill{{
		Field:  FieldRunAsUser,
		Value:  "mutations.runAsUser, or the first range's min under MustRunAs",
		Unless: "neither is given, runAsNonRoot is true and the only UID is 0, or the pod runs on Windows",
	}},
}
