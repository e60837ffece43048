package spec

var escalationAllowed = []Allowed{{
	Fields: []Field{FieldAllowPrivilegeEscalation},
	Values: are("false"),
}}

var privilegeEscalation = Control{
	Title: "Privilege Escalation",
	Why:   "Only false sets no_new_privs, so that a set-user-ID file gives no process more than its parent had.",
	Checks: []Check{{
		ID: CheckAllowPrivilegeEscalation,
		Revisions: []Revision{{
			Since:   8,
			Change:  "allowPrivilegeEscalation must be false, and set.",
			Allowed: escalationAllowed,
		}, {
			Since:         25,
			Change:        "Pods that name Windows as their OS are exempt: the API forbids the field there.",
			Allowed:       escalationAllowed,
			ExemptWindows: true,
		}},
	}},
}
