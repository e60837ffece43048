package native

import (
	"strings"

	"github.com/podfence/podfence/spec"
)

// seccomp serves both checks. The first revision of the one at baseline reads the
// annotations, and not yet the fields.
var seccomp = check{
	found: func(r *spec.Revision) string {
		const f, ofThePod = spec.FieldSeccompType, spec.FieldPodSeccompType
		if r.AllowedFor(f) == nil {
			keys := "([" + word(spec.SeccompPodAnnotation) + "] + variables.containers.map(x, " + word(spec.SeccompContainerAnnotation) + " + x.c.name).distinct().sort())"
			return annotations(keys+".filter(k, k in variables.annotations)", not(allows(r, spec.FieldAnnotation, "variables.annotations[k]"))) + annotationViolations
		}
		list := sum(
			inPod(ofThePod, not(allows(r, ofThePod, "o.value()"))),
			inContainers("!"+allowsOrUnset(r, f, "o"), violation("n", path(f, ""), "x.c."+f.String())),
		)
		if r.AllowedFor(f).Unset {
			return list
		}
		// A container without a profile needs a good one on the pod.
		missing := "!" + own(f) + ".optMap(o, " + allows(r, f, "o") + ").orValue(" + ofPod(ofThePod) + ".optMap(o, " + allows(r, ofThePod, "o") + ").orValue(false))"
		return sum(
			inPod(ofThePod, not(allows(r, ofThePod, "o.value()"))),
			inContainers(missing, own(f)+".hasValue() ? "+violation("n", path(f, ""), "x.c."+f.String())+" : "+unset("n", path(f, ""))),
		)
	},
	reason: word("seccompProfile"),
	detail: let("f", "L.filter(v, has(v.v) && !has(v.key))",
		"L.exists(v, has(v.key)) ? 'forbidden ' + ("+plural("annotation", "L")+") + ' ' + "+let("w", annotationTexts, "w.join(', ')")+
			" : f.size() > 0 ? "+setters("f")+" + ' must not set securityContext.seccompProfile.type to ' + "+quotedValues("f")+
			" : 'pod or ' + "+containers("L")+` + ' must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'`),
	inherits: "has(v.key) ? v.key == " + word(spec.SeccompContainerAnnotation) + " + x.c.name || v.key == " + word(spec.SeccompPodAnnotation) + " && !((" +
		word(spec.SeccompContainerAnnotation) + " + x.c.name) in variables.annotations) : !" + own(spec.FieldSeccompType) + ".hasValue()",
}

var seLinux = check{
	found: func(r *spec.Revision) string {
		ofThePod := []spec.Field{spec.FieldPodSELinuxType, spec.FieldPodSELinuxUser, spec.FieldPodSELinuxRole}
		ofOne := []spec.Field{spec.FieldSELinuxType, spec.FieldSELinuxUser, spec.FieldSELinuxRole}
		list := func(n string, fields []spec.Field) string {
			var found []string
			for _, f := range fields {
				steps := f.Steps()
				value := "o.?" + steps[len(steps)-1] + ".orValue('')"
				good := []string{value + " == ''"}
				if r.AllowedFor(f).Values != nil {
					good = []string{allows(r, f, value)}
				}
				found = append(found, when(not(either(good...)), violation(n, path(f, ""), "o."+steps[len(steps)-1])))
			}
			return strings.Join(found, " + ")
		}
		options := func(from string) string {
			return "[" + from + ".?seLinuxOptions].filter(o, o.hasValue()).map(o, o.value())"
		}
		return sum(
			options("variables.podContext")+".map(o, "+list("-1", ofThePod)+").flatten()",
			inContainers("has(x.c.securityContext) && has(x.c.securityContext.seLinuxOptions)", let("o", "x.c.securityContext.seLinuxOptions", list("n", ofOne)))+".flatten()",
		)
	},
	reason: word("seLinuxOptions"),
	detail: setters("L") + " + ' set forbidden securityContext.seLinuxOptions: ' + (" +
		let("w", values("L.filter(v, v.f.endsWith('.type'))"), "w.size() == 0 ? variables.noWords : [("+plural("type", "w")+") + ' ' + "+quoted("w")+"]") +
		" + (L.exists(v, v.f.endsWith('.user')) ? ['user may not be set'] : variables.noWords)" +
		" + (L.exists(v, v.f.endsWith('.role')) ? ['role may not be set'] : variables.noWords)).join('; ')",
	inherits: "!x.c.?securityContext.?seLinuxOptions.hasValue()", // inherited whole
}

var sysctls = check{
	found: func(r *spec.Revision) string {
		const f = spec.FieldSysctl
		return ofPod(f) + ".orValue([]).transformList(j, s, !(" + allows(r, f, "s.name") + "), " + violation("-1", path(f, "j"), "s.name") + ")"
	},
	reason: word("forbidden sysctls"),
	detail: "L.map(v, string(v.v)).join(', ')", // empty for a single sysctl without a name
}
