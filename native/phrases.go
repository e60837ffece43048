package native

// The phrases of which Pod Security Admission's details are made. Names are quoted
// as they are, without escaping.

// plural is a noun for as many things as a list has.
func plural(noun, list string) string {
	return list + ".size() == 1 ? " + word(noun) + " : " + word(noun+"s")
}

// quoted writes a list of words: "a", "b".
func quoted(list string) string { return `'"' + ` + list + `.join('", "') + '"'` }

// names are the names of the containers that violations are about, each container
// once; names are repeated where containers share one.
func names(list string) string {
	return list + ".filter(v, v.n >= 0).map(v, int(v.n)).distinct().map(n, string(variables.containers[n].c.name))"
}

// containers writes `container "a"` or `containers "a", "b"`.
func containers(list string) string {
	return let("w", names(list), "("+plural("container", "w")+") + ' ' + "+quoted("w"))
}

// setters writes `pod`, the containers, or both joined by "and".
func setters(list string) string {
	return "(" + list + ".exists(v, v.n < 0) ? (" + list + ".exists(v, v.n >= 0) ? 'pod and ' : 'pod') : '') + " +
		"(" + list + ".exists(v, v.n >= 0) ? " + containers(list) + " : '')"
}

// values are the values of violations as text, sorted and without repeats.
func values(list string) string { return list + ".map(v, string(v.v)).distinct().sort()" }

// quotedValues writes them.
func quotedValues(list string) string { return let("w", values(list), quoted("w")) }

// uses is the verb for as many subjects as a list has, with its spaces.
func uses(list string) string { return "(" + list + ".size() == 1 ? ' uses ' : ' use ')" }
