package spec

var seLinuxTypes = []string{"container_t", "container_init_t", "container_kvm_t"}

// seLinuxAllowed is what a revision allows: some types, no user, no role.
func seLinuxAllowed(types []string) []Allowed {
	return []Allowed{{
		Fields: []Field{FieldPodSELinuxType, FieldSELinuxType},
		Values: append(are(types...), Value{Is, ""}),
		Unset:  true,
		Called: "a container type or unset",
	}, {
		Fields: []Field{FieldPodSELinuxUser, FieldSELinuxUser, FieldPodSELinuxRole, FieldSELinuxRole},
		Unset:  true,
	}}
}

var seLinux = Control{
	Title: "SELinux",
	Why:   "Another SELinux type, user or role may leave the container's confinement.",
	Checks: []Check{{
		ID: CheckSELinuxOptions,
		Revisions: []Revision{{
			Since:   0,
			Change:  "Only the container types may be set, and neither user nor role; the level is free.",
			Allowed: seLinuxAllowed(seLinuxTypes),
		}, {
			Since:   31,
			Change:  "container_engine_t is allowed too.",
			Allowed: seLinuxAllowed(append(seLinuxTypes[:len(seLinuxTypes):len(seLinuxTypes)], "container_engine_t")),
		}},
	}},
	NoFill: "unset is already the runtime's choice",
}
