package spec

import corev1 "k8s.io/api/core/v1"

var procMountAllowed = []Allowed{{
	Fields: []Field{FieldProcMount},
	Values: are(string(corev1.DefaultProcMount)),
	Unset:  true,
}}

var procMount = Control{
	Title: "/proc Mount Type",
	Why:   "The masks over /proc hide parts of the node's kernel.",
	Checks: []Check{{
		ID: CheckProcMount,
		Revisions: []Revision{{
			Since:   0,
			Change:  "The default masks must stay.",
			Allowed: procMountAllowed,
		}, {
			Since:               35,
			Change:              "Pods in a user namespace of their own are exempt (KEP-127).",
			Allowed:             procMountAllowed,
			ExemptUserNamespace: true,
		}},
	}, {
		ID: CheckProcMountRestricted,
		Revisions: []Revision{{
			Since:     35,
			Change:    "At restricted the masks must stay in user namespaces too.",
			Allowed:   procMountAllowed,
			Overrides: []CheckID{CheckProcMount},
		}},
	}},
	NoFill: "unset is already Default",
}
