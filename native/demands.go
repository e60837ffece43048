package native

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/want"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// rule is what a policy itself may demand of its pods under one key. Its violations
// are those of policy p[0] in trial i; beside what those of checks have, they say what
// the field must be, in want.
type rule struct {
	key policy.Key
	// rows are the expressions of the rows of the table of demands with that key.
	rows []string
}

// rules are the rules in the order of reports.
func rules() (list []rule) {
	for i := range policy.Demands() {
		d := &policy.Demands()[i]
		found := demands[d.Condition](d)
		if !d.OnWindows {
			found = "(variables.windows ? variables.none : " + found + ")"
		}
		if n := len(list); n > 0 && list[n-1].key == d.Key {
			list[n-1].rows = append(list[n-1].rows, found)
		} else {
			list = append(list, rule{d.Key, []string{found}})
		}
	}
	return list
}

// variable names the variable that holds the rule's violations in each trial.
func (r *rule) variable(prefix string) string {
	k := r.key.String()
	return prefix + "_" + k[strings.LastIndexByte(k, '.')+1:]
}

func (r *rule) violations(at *pod) string {
	rows := r.rows
	if r.key == policy.KeyVolumes && at.added != "" {
		rows = append(rows[:len(rows):len(rows)], addedVolumes(r.key))
	}
	return "variables.trials.transformList(i, p, " + sum(rows...) + ")"
}

// demands say, of each condition of the table of demands, what a pod has that its
// policy p does not let be.
var demands = map[policy.DemandCondition]func(*policy.Demand) string{
	policy.InUserRanges:  func(d *policy.Demand) string { return idsInRanges(d, "user") },
	policy.InGroupRanges: groupInRanges,
	policy.EachInGroupRanges: func(d *policy.Demand) string {
		all, each := d.Fields[0], d.Fields[1]
		return ifRestricts(d.Key, let("g", ofPod(all)+".orValue([])", let("g", "g.size() == 0 ? variables.filledGroups : g", "g.size() == 0 ? "+
			when(requires(d.Key)+" && !("+word(all.String())+" in variables.podFills[i])", demanded("-1", path(all, ""), "", wantOf(d.Key)))+
			" : g.transformList(j, d, !"+inRanges("p[0]", d.Key, "d")+", "+demanded("-1", path(each, "j"), "d", wantOf(d.Key))+")")))
	},
	policy.Strict: func(d *policy.Demand) string {
		f := d.Fields[0]
		strict := word(string(corev1.SupplementalGroupsPolicyStrict))
		return "(" + word(strictKey) + " in p[0] && !(" + word(f.String()) + " in variables.podFills[i]) && " + ofPod(f) + ".orValue('') != " + strict + " ? [" +
			ofPod(f) + ".hasValue() ? " + demanded("-1", path(f, ""), ofPod(f)+".value()", strict) + " : " + demanded("-1", path(f, ""), "", strict) + "] : variables.none)"
	},
	policy.SourcesListed: sourcesListed,
	policy.True: func(d *policy.Demand) string {
		f := d.Fields[0]
		return "(" + has("p[0]", d.Key) + " ? " + inContainers("!"+own(f)+".orValue("+word(f.String())+" in variables.subjects[i][n].fills)",
			own(f)+".hasValue() ? "+demanded("n", path(f, ""), "false", "'true'")+" : "+demanded("n", path(f, ""), "", "'true'")) + " : variables.none)"
	},
	policy.False: func(d *policy.Demand) string {
		f := d.Fields[0]
		want := let("w", "variables.forbidsUserNamespace", "w == '' ? "+word(want.UserNamespace(""))+" : "+word(want.UserNamespace("")+", which the API refuses beside ")+" + w")
		return "(" + has("p[0]", d.Key) + " && !(" + word(f.String()) + " in variables.podFills[i]) && " + ofPod(f) + ".orValue(true) ? [" +
			ofPod(f) + ".hasValue() ? " + demanded("-1", path(f, ""), "true", want) + " : " + demanded("-1", path(f, ""), "", want) + "] : variables.none)"
	},
}

// demanded is a violation of a rule.
func demanded(n, at, value, want string, more ...string) string {
	return violation(n, at, value, append([]string{"'want': dyn(" + want + ")"}, more...)...)
}

// wantKey is the key of the literal that holds what a rule's violations want.
func wantKey(k policy.Key) string { return k.String() + ".want" }

func wantOf(k policy.Key) string { return "p[0][" + word(wantKey(k)) + "][0]" }

// strictKey is the key of the literal for supplementalGroups: {policy: Strict}.
const strictKey = "allow.supplementalGroups.policy"

// restricts holds of a policy whose rule demands that a set value lies in its ranges,
// requires of one that demands a value.
func ifRestricts(k policy.Key, found string) string {
	return "(" + word(rangesOf(k)) + " in p[0] ? (" + found + ") : variables.none)"
}

func requires(k policy.Key) string {
	return word(string(policy.MustRunAs)) + " in " + list("p[0]", k)
}

// admits holds of a container's effective ID, a list of one or none, that one of the
// rules of the policy's parts lets be.
func admits(k policy.Key) string {
	return "variables.subjects[i][n].view.exists(e, " + has("e", k) + " && (!(" + word(rangesOf(k)) + " in e) || " +
		"(d.size() == 0 ? !(" + word(string(policy.MustRunAs)) + " in " + list("e", k) + ") : " + inRanges("e", k, "d[0]") + ")))"
}

// idsInRanges holds every container's effective ID against what is said of it. A bad
// value is reported where it is set: once on the pod, however many inherit it.
func idsInRanges(d *policy.Demand, member string) string {
	pod, container := d.Fields[0], d.Fields[1]
	bad := let("b", "variables.containers.transformList(n, x, "+given("d", "variables.subjects[i][n]."+member, "!"+admits(d.Key))+", n)",
		"("+ofPod(pod)+".hasValue() && b.exists(n, "+given("x", "variables.containers[n]", "!"+own(container)+".hasValue()")+") ? ["+demanded("-1", path(pod, ""), ofPod(pod)+".value()", wantOf(d.Key))+"] : variables.none) + "+
			"b.map(n, "+let("x", "variables.containers[n]", own(container)+".hasValue() ? ["+demanded("n", path(container, ""), "x.c."+container.String(), wantOf(d.Key))+"] : "+
			ofPod(pod)+".hasValue() ? variables.none : ["+demanded("n", path(container, ""), "", wantOf(d.Key))+"]")+").flatten()")
	return ifRestricts(d.Key, bad)
}

// groupInRanges is idsInRanges for the groups of containers; the group of the volumes
// is the pod's alone.
func groupInRanges(d *policy.Demand) string {
	if len(d.Fields) > 1 {
		return idsInRanges(d, "group")
	}
	f := d.Fields[0]
	return ifRestricts(d.Key, let("d", ofPod(f)+".optMap(d, [d]).orValue(variables.filledFSGroup)", "d.size() > 0 ? "+
		when("!"+inRanges("p[0]", d.Key, "d[0]"), demanded("-1", path(f, ""), "d[0]", wantOf(d.Key)))+" : "+
		when(requires(d.Key)+" && !("+word(f.String())+" in variables.podFills[i])", demanded("-1", path(f, ""), "", wantOf(d.Key)))))
}

// sourcesListed demands that each source of each volume is listed. A volume that the
// standard already refuses is not refused twice.
func sourcesListed(d *policy.Demand) string {
	types := "p[0][?" + word(wantKey(d.Key)) + "].orValue([" + quote(want.Volumes(policy.Default())) + "])[0]"
	beyond := "(" + has("p[0]", d.Key) + " || !(t in variables.restrictedTypes) ? " + types + " : " + quote(want.BeyondDefault) + ")"
	paths := "p[0][?" + word(wantKey(policy.KeyAllowedHostPaths)) + "].orValue(['unset'])[0]"
	bad := "o.types.size() == 0 ? [" + demanded("-1", "'spec.volumes[' + string(o.i) + ']'", word(spec.UnknownVolumeType), types, "'volume': dyn(o)") + "] : " +
		"o.types.filter(t, t == '" + spec.HostPath + "' ? !" + list("p[0]", policy.KeyAllowedHostPaths) + ".exists(a, " + admitsPath("a", "o") + ") : !(t in listed || '*' in listed)).map(t, " +
		demanded("-1", "'spec.volumes[' + string(o.i) + '].' + t", "t == '"+spec.HostPath+"' ? o.hostPath : t", "t == '"+spec.HostPath+"' ? "+paths+" : "+beyond, "'volume': dyn(o)") + ")"
	suspect := "o.types.size() != 1 || !(o.types[0] in listed || '*' in listed) || o.types[0] == '" + spec.HostPath + "'"
	refused := "variables." + variableOf("left", spec.CheckRestrictedVolumes) + "[i] + variables." + variableOf("left", spec.CheckHostPathVolumes) + "[i]"
	return "(" + has("p[0]", d.Key) + " || variables.restricted && " + word(selectsKey) + " in p[0] ? " +
		let("listed", "p[0][?"+word(d.Key.String())+"].orValue(variables.defaultVolumes)",
			let("refused", "("+refused+").map(v, int(v.volume.i))", "variables.volumes.filter(o, ("+suspect+") && !(o.i in refused)).map(o, "+bad+").flatten()")) + " : variables.none)"
}

// addedVolumes holds the volumes that others add to the pod to the rule. They are said
// to stand behind those that the author wrote.
func addedVolumes(k policy.Key) string {
	types := "p[0][?" + word(wantKey(k)) + "].orValue([" + quote(want.Volumes(policy.Default())) + "])[0]"
	return "(" + has("p[0]", k) + " || variables.restricted && " + word(selectsKey) + " in p[0] ? variables.addedVolumes.filter(o, " + given("e", "p[0]", "!"+listsVolume("o.type")) + ").map(o, " +
		demanded("-1", "'spec.volumes[].' + o.type", "o.type", types, "'volume': dyn(o)") + ") : variables.none)"
}

// detailOf writes the violations L of a rule of policy p.
const detailOf = "L.map(v, (has(v.volume) ? 'volume ' + strings.quote(v.volume.name) : v.n >= 0 ? variables.containers[v.n].kind + ' ' + strings.quote(variables.containers[v.n].c.name) + ' ' + v.f : 'pod ' + v.f.substring(5)) + " +
	"' must be ' + v.want + ', is ' + " + valueText + ").join('; ')"

// valueText is the value of a violation v as text.
const valueText = "(!has(v.v) ? 'unset' : type(v.v) == list ? '[' + v.v.map(d, strings.quote(string(d))).join(', ') + ']' : type(v.v) == string ? strings.quote(v.v) : string(v.v))"

// say is what the message says of the rule's violations in the trial that counts.
func (r *rule) say() string {
	return let("L", "variables."+r.variable("leftRule")+"[variables.best]", "L.size() == 0 ? variables.noWords : ["+
		word(r.key.String()+" of policy ")+" + strings.quote(variables.trials[variables.best][0].name[0]) + ' (' + "+detailOf+" + ')']")
}
