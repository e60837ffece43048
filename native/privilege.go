package native

import "github.com/podfence/podfence/spec"

var privileged = check{
	found: func(r *spec.Revision) string {
		const f = spec.FieldPrivileged
		return inContainers("!"+allowsOrUnset(r, f, "o"), violation("n", path(f, ""), "true"))
	},
	reason: word("privileged"),
	detail: containers("L") + " + ' must not set securityContext.privileged=true'",
}

var procMount = check{
	found: func(r *spec.Revision) string {
		const f = spec.FieldProcMount
		return inContainers("!"+allowsOrUnset(r, f, "o"), violation("n", path(f, ""), "x.c."+f.String()))
	},
	reason: word("procMount"),
	detail: containers("L") + " + ' must not set securityContext.procMount to ' + " + quotedValues("L"),
}

var escalation = check{
	found: func(r *spec.Revision) string {
		const f = spec.FieldAllowPrivilegeEscalation
		return inContainers("!"+own(f)+".optMap(o, "+allows(r, f, "o")+").orValue(false)", own(f)+".hasValue() ? "+violation("n", path(f, ""), "true")+" : "+unset("n", path(f, "")))
	},
	reason: word("allowPrivilegeEscalation != false"),
	detail: containers("L") + " + ' must set securityContext.allowPrivilegeEscalation=false'",
}
