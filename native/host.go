package native

import (
	"strings"

	"github.com/podfence/podfence/spec"
)

var hostNamespaces = check{
	found: func(r *spec.Revision) string {
		var lists []string
		for _, f := range []spec.Field{spec.FieldHostNetwork, spec.FieldHostPID, spec.FieldHostIPC} {
			lists = append(lists, inPod(f, "!("+allows(r, f, "o.value()")+")"))
		}
		return sum(lists...)
	},
	reason: word("host namespaces"),
	detail: "L.map(v, v.f.substring(5) + '=true').join(', ')", // without "spec."
}

var hostPorts = check{
	found: func(r *spec.Revision) string {
		const f = spec.FieldHostPort
		return ofContainers("x.ports.transformList(j, o, !(" + allows(r, f, "o.?hostPort.orValue(0)") + "), " + violation("n", path(f, "j"), "o.hostPort") + ")")
	},
	reason: word("hostPort"),
	detail: containers("L") + " + " + uses("L.map(v, v.n).distinct()") + " + " +
		let("w", values("L"), "("+plural("hostPort", "w")+") + ' ' + w.join(', ')"),
}

var hostProbes = check{
	found: func(r *spec.Revision) string {
		var probes, lists []string
		named := map[string][]string{}
		for _, f := range r.Allowed[0].Fields {
			probe := "x.c." + f.Steps()[0]
			if named[probe] == nil {
				probes = append(probes, probe)
			}
			named[probe] = append(named[probe], own(f)+".orValue('') != ''")
			lists = append(lists, violation("n", path(f, ""), own(f)+".orValue('')"))
		}
		for i, probe := range probes {
			probes[i] = "has(" + probe + ") && " + either(named[probe]...)
		}
		return ofContainers(either(probes...) + " ? [" + strings.Join(lists, ", ") + "].filter(v, v.v != '') : variables.none")
	},
	reason: word("probe or lifecycle host"),
	// This detail alone of all lists the names of containers sorted and once each.
	detail: let("w", names("L")+".distinct().sort()", "("+plural("container", "w")+") + ' ' + "+quoted("w")+" + "+uses("w")) + " + " +
		let("w", values("L"), "("+plural("probe or lifecycle host", "w")+") + ' ' + "+quoted("w")),
}

var hostProcess = check{
	found: func(r *spec.Revision) string {
		return sum(
			inPod(spec.FieldPodHostProcess, "!("+allows(r, spec.FieldPodHostProcess, "o.value()")+")"),
			inContainers("!"+allowsOrUnset(r, spec.FieldHostProcess, "o"), violation("n", path(spec.FieldHostProcess, ""), "true")),
		)
	},
	reason:   word("hostProcess"),
	detail:   setters("L") + " + ' must not set securityContext.windowsOptions.hostProcess=true'",
	inherits: "!" + own(spec.FieldHostProcess) + ".hasValue()",
}

// allowsOrUnset holds of a container that sets a field to nothing, or to what the
// standard allows; value is that value, o, as the table has it.
func allowsOrUnset(r *spec.Revision, f spec.Field, value string) string {
	return own(f) + ".optMap(o, " + allows(r, f, value) + ").orValue(true)"
}
