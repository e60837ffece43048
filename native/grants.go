package native

import (
	"slices"
	"strings"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// A violation is asked of every part of the policy that speaks of its container.

// grant is what excuses a violation v under a key of a part e of a policy.
type grant struct {
	key policy.Key
	// when must hold, if it is not empty.
	when string
	// such holds of an entry a of the list under the key that excuses; empty for a key
	// that is no list, and excuses if it is there.
	such string
	// factual: it asks for facts about the container.
	factual bool
}

// conditions say it of each condition of the table of grants.
var conditions = map[policy.Condition]func(policy.Key) grant{
	policy.Given:     func(k policy.Key) grant { return grant{key: k} },
	policy.TurnedOff: func(k policy.Key) grant { return grant{key: k} }, // the literal has such a key only where it is false
	policy.NotInherited: func(k policy.Key) grant {
		return grant{key: k, when: not(facts[spec.InheritsProfile]), factual: true}
	},
	policy.Listed: func(k policy.Key) grant {
		return grant{key: k, such: "has(v.v) && a == (has(v.key) ? (v.v == 'unconfined' ? 'Unconfined' : '') : v.v)"}
	},
	policy.ListedInherited: func(k policy.Key) grant { return grant{key: k, such: "a == 'Unconfined'"} },
	policy.ListedCapability: func(k policy.Key) grant {
		return grant{key: k, such: "a == '*' || a == " + capability("string(v.v)")}
	},
	policy.ListedSysAdmin: func(k policy.Key) grant { return grant{key: k, such: "a == '*' || a == 'SYS_ADMIN'"} },
	policy.ListedSysctl: func(k policy.Key) grant {
		return grant{key: k, such: "a == v.v || a.endsWith('*') && v.v.startsWith(a.substring(0, a.size() - 1))"}
	},
	policy.ListedSources: func(k policy.Key) grant {
		others := "v.volume.types.exists(t, t == '" + spec.HostPath + "' || !" + listsVolume("t") + ")"
		return grant{key: k, when: "!('expired' in e) && v.volume.types.size() > 0 && !" + others, such: "a == '*' || a == v.volume.types[0]"}
	},
	policy.InPortRange: func(k policy.Key) grant { return grant{key: k, such: inRange("a", "v.v")} },
	policy.PathCovered: func(k policy.Key) grant { return grant{key: k, such: admitsPath("a", "v.volume")} },
	policy.SourcesCovered: func(k policy.Key) grant {
		others := "v.volume.types.exists(t, t != '" + spec.HostPath + "' && !" + listsVolume("t") + ")"
		return grant{key: k, when: "!" + others, such: admitsPath("a", "v.volume")}
	},
	policy.AnyUser: func(k policy.Key) grant {
		return grant{key: k, when: word(string(policy.RunAsAny)) + " in " + list("e", k)}
	},
	policy.RootInRange: func(k policy.Key) grant {
		return grant{key: k, when: word(string(policy.MustRunAs)) + " in " + list("e", k) + " && !('expired' in e) && " + inRanges("e", k, "0")}
	},
}

// excuses holds of a part that excuses the violation.
func (g grant) excuses() string {
	text := has("e", g.key)
	if g.when != "" {
		text += " && " + g.when
	}
	if g.such != "" {
		text += " && e[" + word(g.key.String()) + "].exists(a, " + g.such + ")"
	}
	return text
}

// entries lists the entries of a part that excuse the violation, as text: that of the
// part, then the entry as policy.Entry has it.
func (g grant) entries() string {
	found := "[" + entry(g.key) + "]"
	if g.such != "" {
		found = list("e", g.key) + ".transformList(j, a, " + g.such + ", " + entry(g.key) + " + '[' + string(j) + ']')"
	}
	when := has("e", g.key)
	if g.when != "" {
		when += " && " + g.when
	}
	return "(" + when + " ? " + found + " : variables.noWords)"
}

// entry is the text of an entry that is the whole value under a key.
func entry(k policy.Key) string { return "e.at[0] + " + word(k.String()) }

// has reports whether a part of a policy has a key.
func has(part string, k policy.Key) string { return word(k.String()) + " in " + part }

// list is what stands under a key of a part of a policy.
func list(part string, k policy.Key) string {
	return part + "[?" + word(k.String()) + "].orValue([])"
}

// rangesOf is the key of the literal that holds the ranges of a rule.
func rangesOf(k policy.Key) string { return k.String() + ".ranges" }

// inRange holds of a number that lies in a range, which is a word: 400-499.
func inRange(r, number string) string {
	return "[" + r + ".split('-')].exists(b, int(b[0]) <= " + number + " && " + number + " <= int(b[1]))"
}

// inRanges holds of a number that lies in one of the ranges of a rule.
func inRanges(part string, k policy.Key, number string) string {
	return part + "[?" + word(rangesOf(k)) + "].orValue([]).exists(r, " + inRange("r", number) + ")"
}

// capability is the name of a capability as the literal has it.
func capability(name string) string {
	return "[" + name + ".upperAscii()].map(c, c.startsWith('CAP_') ? c.substring(4) : c)[0]"
}

// listsVolume holds of a volume type that a part e lists, or by default.
func listsVolume(t string) string {
	return "e[?" + word(policy.KeyVolumes.String()) + "].orValue(variables.defaultVolumes).exists(a, a == '*' || a == " + t + ")"
}

// facts are those about a container x, for rows that need them.
var facts = map[spec.Facts]string{
	spec.Privileged:         own(spec.FieldPrivileged) + ".orValue(false)",
	spec.SysAdmin:           addsSysAdmin,
	spec.RootUser:           "variables.subjects[i][n].user == [0]",
	spec.InheritsProfile:    inheritsProfile,
	spec.InheritsUnconfined: inheritsProfile + " && " + ofPod(spec.FieldPodSeccompType) + ".orValue('') == 'Unconfined'",
}

var (
	addsSysAdmin    = own(spec.FieldCapabilitiesAdd) + ".orValue([]).exists(a, " + capability("a") + " == 'SYS_ADMIN')"
	inheritsProfile = "!" + own(spec.FieldSeccompType) + ".hasValue() && " + ofPod(spec.FieldPodSeccompType) + ".hasValue()"
)

// isField holds of a violation by a field.
func isField(f spec.Field) string {
	before, after, found := strings.Cut(f.String(), "["+spec.Each+"]")
	if f.Scope() == spec.OfPod || !found {
		if !found {
			return "v.f == " + word(before)
		}
		return "v.f.startsWith(" + word(before+"[") + ") && v.f.endsWith(" + word("]"+after) + ")"
	}
	return "v.f.startsWith(" + word(before+"[") + ")"
}

// fieldsOf are the fields that a check tests.
func fieldsOf(id spec.CheckID) (fields []spec.Field) {
	rs := revisions(id)
	for i := range rs {
		for _, allowed := range rs[i].Allowed {
			fields = append(fields, allowed.Fields...)
		}
	}
	return fields
}

// asked are the grants that may excuse a violation of a check, by the rows of the table
// that speak of it, in their order. known are the facts about the field, which is the
// pod's or a container's.
func asked(id spec.CheckID, known map[spec.Facts]string, ofPod bool) (list []grant) {
	for _, row := range policy.GrantTypes() {
		if !row.Checks.Has(id) || row.Unset && ofPod {
			continue // a field of the pod that is unset breaks no check
		}
		g := conditions[row.Condition](row.Key)
		var asks []string
		if len(row.Fields) > 0 && slices.ContainsFunc(fieldsOf(id), func(f spec.Field) bool { return !slices.Contains(row.Fields, f) }) {
			var fields []string
			for _, f := range row.Fields {
				fields = append(fields, isField(f))
			}
			asks = append(asks, either(fields...))
		}
		if row.Unset {
			asks = append(asks, "!has(v.v)")
		}
		if row.Needs != 0 {
			g.factual = true
			fact, ok := known[row.Needs]
			if !ok {
				continue // a field of the pod says nothing of it
			}
			if fact != all() {
				asks = append(asks, fact)
			}
		}
		if g.when != "" {
			asks = append(asks, g.when)
		}
		g.when = strings.Join(asks, " && ")
		list = append(list, g)
	}
	return list
}

// entriesOf lists the entries of a part e that excuse a violation v.
func entriesOf(grants []grant) string {
	var lists []string
	for _, g := range grants {
		lists = append(lists, g.entries())
	}
	return sum(lists...)
}

// excusing holds of a part e that excuses a violation v.
func excusing(grants []grant) string {
	var conditions []string
	for _, g := range grants {
		conditions = append(conditions, g.excuses())
	}
	return strings.Join(conditions, " || ")
}

// viewOfContainer is the view that policy p has of container n.
func viewOfContainer(n string) string {
	return "(p.size() == 1 ? p : variables.subjects[i][" + n + "].view)"
}

// scopes says whether a check tests fields of the pod, and fields of containers.
func scopes(id spec.CheckID) (ofPods, ofContainers bool) {
	for _, f := range fieldsOf(id) {
		ofPods = ofPods || f.Scope() == spec.OfPod
		ofContainers = ofContainers || f.Scope() == spec.OfContainer
	}
	return ofPods, ofContainers
}

// isExcused holds of a violation v that policy p excuses in trial i.
//
// What stands on the pod and speaks for containers is excused too where each of them
// is granted it.
func isExcused(id spec.CheckID) string {
	c := &checks[id]
	ofPods, ofContainers := scopes(id)
	byPolicy := "[p[0]].exists(e, " + excusing(asked(id, c.podFacts, true)) + ")"
	grants := asked(id, facts, false)
	byView := viewOfContainer("n") + ".exists(e, " + excusing(grants) + ")"
	one := "[int(v.n)].exists(n, [variables.containers[n]].exists(x, " + byView + "))"
	if !slices.ContainsFunc(grants, func(g grant) bool { return g.factual }) { // neither n nor x is read
		one = viewOfContainer("v.n") + ".exists(e, " + excusing(grants) + ")"
	}
	switch {
	case !ofContainers:
		return byPolicy
	case !ofPods:
		return one
	}
	several := "p.size() > 1 && variables.containers.exists(n, x, " + c.inherits + ") && variables.containers.all(n, x, !(" + c.inherits + ") || " + byView + ")"
	return "(v.n >= 0 ? " + one + " : " + byPolicy + " || " + several + ")"
}

// excusedBy lists the entries of policy p that excuse a violation v in trial i, the one
// that is named first. Of the entries that excuse what stands on the pod for several
// containers that is the first in the policy.
func excusedBy(id spec.CheckID) string {
	c := &checks[id]
	ofPods, ofContainers := scopes(id)
	byPolicy := let("e", "p[0]", entriesOf(asked(id, c.podFacts, true)))
	byView := viewOfContainer("n") + ".map(e, " + entriesOf(asked(id, facts, false)) + ").flatten()"
	one := let("n", "int(v.n)", let("x", "variables.containers[n]", byView))
	switch {
	case !ofContainers:
		return byPolicy
	case !ofPods:
		return one
	}
	several := let("w", "variables.containers.transformList(n, x, "+c.inherits+", "+byView+")",
		"w.exists(b, b.size() == 0) ? variables.noWords : "+let("w", "w.map(b, b[0])", let("o", "w.filter(b, !b.startsWith('00'))", "o.size() > 0 ? [o.min()] : w")))
	return "v.n >= 0 ? " + one + " : " + let("o", byPolicy, "o.size() > 0 || p.size() == 1 ? o : "+several)
}

// mended holds of a violation v of a check that what is filled in in trial i mends.
func mended(id spec.CheckID) string {
	conditions := []string{"v.n >= 0 && v.f in variables.subjects[i][v.n].fills"}
	for _, s := range spans(id, exemptUserNamespace) {
		conditions = append(conditions, all(append(s.conditions(), word(spec.FieldHostUsers.String())+" in variables.podFills[i]")...))
	}
	return either(conditions...)
}

// grants holds of a policy that may excuse a violation of a check: most do not, and
// are not asked of each violation.
func grants(id spec.CheckID) string {
	var keys []string
	for _, row := range policy.GrantTypes() {
		if key := has("e", row.Key); row.Checks.Has(id) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return "p.exists(e, " + strings.Join(keys, " || ") + ")"
}

// left lists, for each trial, the violations of a check that stand: those that were
// found, without what is filled in, if anything is, and without what is excused.
func left(id spec.CheckID, filling bool) string {
	found := "variables." + variableOf("found", id)
	standing := found
	if filling {
		standing += ".filter(v, " + not(mended(id)) + ")"
	}
	return found + ".size() == 0 ? variables.nothing : variables.trials.transformList(i, p, " +
		grants(id) + " ? " + standing + ".filter(v, !" + isExcused(id) + ") : " + standing + ")"
}

// excused lists the violations of a check that the chosen policy excuses, as text: the
// field, its value, and the entry of the policy.
func excused(id spec.CheckID) string {
	text := "(v.n < 0 ? '' : 'spec.' + variables.containers[v.n].list + '[' + string(variables.containers[v.n].index) + '].') + v.f + '=' + " + valueText + " + ' by ' + b[0].substring(2)"
	found := "variables." + variableOf("found", id)
	list := found + ".map(v, " + let("b", excusedBy(id), "b.size() == 0 ? variables.noWords : ["+text+"]") + ").flatten()"
	return let("i", "variables.chosen", let("p", "variables.trials[i]", grants(id)+" ? "+list+" : variables.noWords"))
}
