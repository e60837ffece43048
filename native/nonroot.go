package native

import "github.com/podfence/podfence/spec"

var nonRoot = check{
	found: func(r *spec.Revision) string {
		const f = spec.FieldRunAsNonRoot
		return sum(
			inPod(spec.FieldPodRunAsNonRoot, "!("+allows(r, spec.FieldPodRunAsNonRoot, "o.value()")+")"),
			// Only true on the pod stands in for an unset field of a container.
			inContainers("!"+own(f)+".orValue("+ofPod(spec.FieldPodRunAsNonRoot)+".orValue(false))",
				own(f)+".hasValue() ? "+violation("n", path(f, ""), "false")+" : "+unset("n", path(f, ""))),
		)
	},
	reason: word("runAsNonRoot != true"),
	detail: let("f", "L.filter(v, has(v.v))", "f.size() > 0 ? "+setters("f")+" + ' must not set securityContext.runAsNonRoot=false'"+
		" : 'pod or ' + "+containers("L")+" + ' must set securityContext.runAsNonRoot=true'"),
	inherits: "!" + own(spec.FieldRunAsNonRoot) + ".hasValue()",
	// A pod's runAsNonRoot speaks for the containers that set none, of which there
	// must be one.
	podFacts: map[spec.Facts]string{spec.RootUser: let("h", "variables.containers.transformList(n, x, !"+own(spec.FieldRunAsNonRoot)+".hasValue(), n)",
		"h.size() > 0 && h.all(n, variables.subjects[i][n].user == [0])")},
}

var rootUser = check{
	found: func(r *spec.Revision) string {
		return sum(
			inPod(spec.FieldPodRunAsUser, not(allows(r, spec.FieldPodRunAsUser, "o.value()"))),
			inContainers("!"+allowsOrUnset(r, spec.FieldRunAsUser, "o"), violation("n", path(spec.FieldRunAsUser, ""), "0")),
		)
	},
	reason:   word("runAsUser=0"),
	detail:   setters("L") + " + ' must not set runAsUser=0'",
	inherits: "!" + own(spec.FieldRunAsUser) + ".hasValue()",
	podFacts: map[spec.Facts]string{spec.RootUser: "true"}, // the field itself says who the user is
}
