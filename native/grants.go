package native

import (
	"slices"
	"strings"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// A violation is asked of every part of the policy that speaks of its container. The
// answer of a part is the list of its entries that excuse the violation, as text: that
// of the part, then the entry as policy.Entry has it.

// conditions say, of each condition of the table of grants, which entries under a key
// of a part e of a policy excuse a violation v.
var conditions = map[policy.Condition]func(policy.Key) string{
	policy.Given:     given,
	policy.TurnedOff: given, // the literal has such a key only where it is false
	policy.NotInherited: func(k policy.Key) string {
		return "(!(" + facts[spec.InheritsProfile] + ") ? " + given(k) + " : [])"
	},
	policy.Listed: func(k policy.Key) string {
		return listed(k, "has(v.v) && a == (has(v.key) ? (v.v == 'unconfined' ? 'Unconfined' : '') : v.v)")
	},
	policy.ListedInherited:  func(k policy.Key) string { return listed(k, "a == 'Unconfined'") },
	policy.ListedCapability: func(k policy.Key) string { return listed(k, "a == '*' || a == "+capability("string(v.v)")) },
	policy.ListedSysAdmin:   func(k policy.Key) string { return listed(k, "a == '*' || a == 'SYS_ADMIN'") },
	policy.ListedSysctl: func(k policy.Key) string {
		return listed(k, "a == v.v || a.endsWith('*') && v.v.startsWith(a.substring(0, a.size() - 1))")
	},
	policy.ListedSources: func(k policy.Key) string {
		others := "v.volume.types.exists(t, t == '" + spec.HostPath + "' || !" + listsVolume("t") + ")"
		return "('expired' in e || v.volume.types.size() == 0 || " + others + " ? [] : " + listed(k, "a == '*' || a == v.volume.types[0]") + ")"
	},
	policy.InPortRange: func(k policy.Key) string { return listed(k, inRange("a", "v.v")) },
	policy.PathCovered: func(k policy.Key) string { return listed(k, admitsPath("a", "v.volume")) },
	policy.SourcesCovered: func(k policy.Key) string {
		others := "v.volume.types.exists(t, t != '" + spec.HostPath + "' && !" + listsVolume("t") + ")"
		return "(" + others + " ? [] : " + listed(k, admitsPath("a", "v.volume")) + ")"
	},
	policy.AnyUser: func(k policy.Key) string { return ruled(k, policy.RunAsAny, "") },
	policy.RootInRange: func(k policy.Key) string {
		return ruled(k, policy.MustRunAs, "!('expired' in e) && "+inRanges("e", k, "0"))
	},
}

// entry is the text of an entry that is the whole value under a key.
func entry(k policy.Key) string { return "e.at[0] + " + word(k.String()) }

// has reports whether a part of a policy has a key.
func has(part string, k policy.Key) string { return word(k.String()) + " in " + part }

// list is what stands under a key of a part of a policy.
func list(part string, k policy.Key) string {
	return part + "[?" + word(k.String()) + "].orValue([])"
}

func given(k policy.Key) string { return "(" + has("e", k) + " ? [" + entry(k) + "] : [])" }

// listed are the entries a of a list, with their index j, that are such.
func listed(k policy.Key, such string) string {
	return list("e", k) + ".transformList(j, a, " + such + ", " + entry(k) + " + '[' + string(j) + ']')"
}

// ruled is the entry of a rule that is this one.
func ruled(k policy.Key, rule policy.Rule, such string) string {
	if such != "" {
		such = " && " + such
	}
	return "(" + word(string(rule)) + " in " + list("e", k) + such + " ? [" + entry(k) + "] : [])"
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

// entriesOf lists the entries of a part e of a policy that excuse a violation v of a
// check: by the rows of the table of grants that speak of it, in their order. known are
// the facts about the field, which is the pod's or a container's.
func entriesOf(id spec.CheckID, known map[spec.Facts]string, ofPod bool) string {
	var lists []string
	for _, row := range policy.GrantTypes() {
		if !row.Checks.Has(id) || row.Unset && ofPod {
			continue // a field of the pod that is unset breaks no check
		}
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
			fact, ok := known[row.Needs]
			if !ok {
				continue // a field of the pod says nothing of it
			}
			if fact != "true" {
				asks = append(asks, fact)
			}
		}
		text := conditions[row.Condition](row.Key)
		if len(asks) > 0 {
			text = "(" + all(asks...) + " ? " + text + " : [])"
		}
		lists = append(lists, text)
	}
	return strings.Join(lists, " + ")
}

// excusedBy lists the entries of policy p that excuse a violation v in trial i.
//
// What stands on the pod and speaks for containers is excused too where each of them
// is granted it. Of their entries the first in the policy is named.
func excusedBy(id spec.CheckID) string {
	c := &checks[id]
	ofPods, ofContainers := false, false
	for _, f := range fieldsOf(id) {
		ofPods = ofPods || f.Scope() == spec.OfPod
		ofContainers = ofContainers || f.Scope() == spec.OfContainer
	}
	byPolicy := let("e", "p[0]", entriesOf(id, c.podFacts, true))
	byView := "variables.subjects[i][n].view.map(e, " + entriesOf(id, facts, false) + ").flatten()"
	one := let("n", "int(v.n)", let("x", "variables.containers[n]", byView))
	switch {
	case !ofContainers:
		return byPolicy
	case !ofPods:
		return one
	}
	several := let("w", "variables.containers.transformList(n, x, "+c.inherits+", "+byView+")",
		"w.exists(b, b.size() == 0) ? [] : "+let("w", "w.map(b, b[0])", let("o", "w.filter(b, !b.startsWith('00'))", "o.size() > 0 ? [o.min()] : w")))
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
	return found + ".size() == 0 ? variables.trials.map(p, []) : variables.trials.transformList(i, p, " +
		grants(id) + " ? " + standing + ".filter(v, (" + excusedBy(id) + ").size() == 0) : " + standing + ")"
}

// excused lists the violations of a check that policy p excuses in trial i, as text:
// the field, its value, and the entry of the policy.
func excused(id spec.CheckID) string {
	text := "(v.n < 0 ? '' : 'spec.' + variables.containers[v.n].list + '[' + string(variables.containers[v.n].index) + '].') + v.f + '=' + " + valueText + " + ' by ' + b[0].substring(2)"
	return "(variables." + variableOf("found", id) + ".size() > 0 && " + grants(id) + " ? variables." + variableOf("found", id) + ".map(v, " +
		let("b", excusedBy(id), "b.size() == 0 ? [] : ["+text+"]") + ").flatten() : [])"
}
