package native

import "github.com/podfence/podfence/spec"

// addedCapabilities are those that a container may not add.
func addedCapabilities(r *spec.Revision) string { return ofContainers(added(r)) }

func added(r *spec.Revision) string {
	const f = spec.FieldCapabilitiesAdd
	return own(f) + ".orValue([]).transformList(j, a, !(" + allows(r, f, "a") + "), " + violation("n", path(f, "j"), "a") + ")"
}

// restrictedCapabilities are those, and that a container does not drop ALL.
func restrictedCapabilities(r *spec.Revision) string {
	const f = spec.FieldCapabilitiesDrop
	drops, adds := own(f)+".orValue([])", own(spec.FieldCapabilitiesAdd)+".orValue([])"
	return inContainers(not(allows(r, f, drops)+" && "+adds+".size() == 0"),
		let("d", drops, "("+allows(r, f, "d")+" ? variables.none : d.size() == 0 ? ["+unset("n", path(f, ""))+"] : ["+violation("n", path(f, ""), "d")+"])")+" + "+added(r)) + ".flatten()"
}

// capabilitiesDetail serves both checks: baseline has no violation about drop.
var capabilitiesDetail = let("d", "L.filter(v, v.f == "+path(spec.FieldCapabilitiesDrop, "")+")",
	let("a", "L.filter(v, v.f != "+path(spec.FieldCapabilitiesDrop, "")+")",
		"((d.size() == 0 ? variables.noWords : ["+containers("d")+` + ' must set securityContext.capabilities.drop=["ALL"]']) + `+
			"(a.size() == 0 ? variables.noWords : ["+containers("a")+" + ' must not include ' + "+quotedValues("a")+" + ' in securityContext.capabilities.add'])).join('; ')"))
