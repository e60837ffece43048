package native

import "github.com/podfence/podfence/spec"

var appArmor = check{
	found: func(r *spec.Revision) string {
		return sum(
			inPod(spec.FieldPodAppArmorType, not(allows(r, spec.FieldPodAppArmorType, "o.value()"))),
			inContainers("x.appArmor.hasValue() && "+not(allows(r, spec.FieldAppArmorType, "x.appArmor.value()")),
				violation("n", path(spec.FieldAppArmorType, ""), "x.appArmor.value()")),
			annotations("variables.annotations.filter(k, k.startsWith("+word(spec.AppArmorAnnotation)+"))",
				not(allows(r, spec.FieldAnnotation, "variables.annotations[k]")))+".sort()"+annotationViolations,
		)
	},
	reason: let("w", appArmorValues, plural("forbidden AppArmor profile", "w")),
	detail: let("f", "L.filter(v, !has(v.key))", "f.size() == 0 ? '' : "+setters("f")+" + (f.size() < L.size() ? ' and ' : '')") + " + " +
		let("a", "L.filter(v, has(v.key))", "a.size() == 0 ? '' : "+plural("annotation", "a")) +
		" + ' must not set AppArmor profile type to ' + " + let("w", appArmorValues, quoted("w")),
	inherits: "has(v.key) ? v.key == " + word(spec.AppArmorAnnotation) + " + x.c.name : !x.appArmor.hasValue()",
}

// appArmorValues are the offending types, then the offending annotations.
const appArmorValues = "L.filter(v, !has(v.key)).map(v, string(v.v)).distinct().sort() + " + annotationTexts

// annotationTexts are the offending annotations as key="value", sorted.
const annotationTexts = "L.filter(v, has(v.key)).map(v, string(v.key) + '=' + strings.quote(string(v.v))).sort()"

// annotations are the keys k, of some, that are there and have a bad value.
func annotations(keys, bad string) string {
	return keys + ".filter(k, " + bad + ")"
}

// annotationViolations lists the violations by the annotations of some keys.
const annotationViolations = ".map(k, {'n': dyn(-1), 'f': dyn('metadata.annotations[' + k + ']'), 'v': dyn(variables.annotations[k]), 'key': dyn(k)})"
