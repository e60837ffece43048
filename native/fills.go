package native

import (
	"strings"

	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// fill is one field that is filled in.
type fill struct {
	// when holds where it is: under policy p, and of a field of a container x under
	// its view w.
	when string
	// value is what is filled in.
	value string
}

// Keys of the literal for what is filled in, beside those of the policy.
const (
	userFill        = "runAsUser.fill"        // the user ID to fill in, if any
	userFillNonRoot = "runAsUser.fillNonRoot" // the same where runAsNonRoot is true
)

// fills is the table of what is filled in, by the fields of the plan.
//
// Of a container, uid and gid are lists of
// its effective IDs, nonRoot that of its effective runAsNonRoot, each of one or none;
// user and group are what is filled in.
var fills = [plan.FieldEnd]fill{
	plan.HostUsers: {
		when:  has("p[0]", policy.KeyUserNamespace) + " && !" + ofPod(spec.FieldHostUsers) + ".hasValue() && variables.forbidsUserNamespace == ''",
		value: "false",
	},
	plan.PodFSGroup: {
		when:  has("p[0]", policy.KeyFillFSGroup) + " && !" + ofPod(spec.FieldPodFSGroup) + ".hasValue()",
		value: "int(" + list("p[0]", policy.KeyFillFSGroup) + "[0])",
	},
	plan.PodFSGroupChangePolicy: {
		when: has("p[0]", policy.KeyFillFSGroupChangePolicy) + " && !" + ofPod(spec.FieldPodFSGroupChangePolicy) + ".hasValue() && " +
			"(" + has("p[0]", policy.KeyFillFSGroup) + " || " + ofPod(spec.FieldPodFSGroup) + ".hasValue())",
		value: word(plan.FieldOf(plan.PodFSGroupChangePolicy).Word),
	},
	plan.PodSupplementalGroups: {
		when:  has("p[0]", policy.KeyFillSupplementalGroups) + " && " + ofPod(spec.FieldSupplementalGroups) + ".orValue([]).size() == 0",
		value: list("p[0]", policy.KeyFillSupplementalGroups) + ".map(g, int(g))",
	},
	plan.PodSupplementalGroupsPolicy: {
		when:  word(strictKey) + " in p[0] && !" + ofPod(spec.FieldSupplementalGroupsPolicy) + ".hasValue()",
		value: word(plan.FieldOf(plan.PodSupplementalGroupsPolicy).Word),
	},
	plan.Escalation: {
		when: "!" + own(spec.FieldAllowPrivilegeEscalation) + ".hasValue() && !w.exists(e, " + has("e", policy.KeyAllowPrivilegeEscalation) + ") && " +
			"!" + facts[spec.Privileged] + " && !" + addsSysAdmin,
		value: "false",
	},
	plan.CapabilitiesDrop: {
		when: own(spec.FieldCapabilitiesDrop) + ".orValue([]).size() == 0 && !" + turnedOff(policy.KeyDropAllCapabilities) + " && " +
			"!(" + facts[spec.Privileged] + " && w.exists(e, " + has("e", policy.KeyPrivileged) + "))",
		value: "[" + word(plan.FieldOf(plan.CapabilitiesDrop).Word) + "]",
	},
	plan.Privileged: {
		when:  "!" + own(spec.FieldPrivileged) + ".hasValue()",
		value: "false",
	},
	plan.ReadOnlyRoot: {
		when:  has("p[0]", policy.KeyReadOnlyRootFilesystem) + " && !" + own(spec.FieldReadOnlyRootFilesystem) + ".hasValue()",
		value: "true",
	},
	plan.RunAsGroup: {when: "group.size() > 0", value: "s.group[0]"},
	plan.RunAsNonRoot: {
		when:  "nonRoot.size() == 0 && !" + anyUser + " && uid != [0] && user != [0] && !variables.userNamespace && !(" + isAdministrator + ") && !variables.mirror",
		value: "true",
	},
	plan.RunAsUser: {when: "user.size() > 0", value: "s.user[0]"},
	plan.SeccompType: {
		when: "!" + own(spec.FieldSeccompType) + ".hasValue() && !" + ofPod(spec.FieldPodSeccompType) + ".hasValue() && !" + turnedOff(policy.KeySetDefaultSeccompProfile) + " && " +
			"variables.annotations[?" + word(spec.SeccompContainerAnnotation) + " + x.c.name].orValue(variables.annotations[?" + word(spec.SeccompPodAnnotation) + "].orValue('runtime/default')) in ['runtime/default', 'docker/default']",
		value: word(plan.FieldOf(plan.SeccompType).Word),
	},
}

// onWindows are the fields that Windows pods carry too.
var onWindows = map[plan.FieldID]bool{plan.RunAsNonRoot: true}

// anyUser holds of a view of which some rule lets anybody be.
var anyUser = "w.exists(e, " + word(string(policy.RunAsAny)) + " in " + list("e", policy.KeyRunAsUser) + ")"

// isAdministrator holds of a container of Windows whose user counts as root.
const isAdministrator = "variables.windows && x.c.?securityContext.?windowsOptions.?runAsUserName.orValue(variables.podContext.?windowsOptions.?runAsUserName.orValue('')).lowerAscii() == 'containeradministrator'"

// turnedOn is the key of the literal for an entry that says true of a flag whose
// default is true.
func turnedOn(k policy.Key) string { return k.String() + ".true" }

// turnedOff holds of a view by which something is not filled in: what the entries
// say, false before true, else what the policy says.
func turnedOff(k policy.Key) string {
	return "w.exists(e, " + has("e", k) + " && (e.at[0] != '00' || !w.exists(e, " + word(turnedOn(k)) + " in e)))"
}

// usersOf lists what a part says of the user to fill in, for a container that is kept
// from root or not.
const usersOf = "e[?kept ? '" + userFillNonRoot + "' : '" + userFill + "'].orValue([]).map(u, int(u))"

// userOf is the user ID to fill into a container, a list of one or none, as
// policy.View.UserFill has it.
var userOf = let("nonRoot", "nonRoot.size() == 0 && variables.userNamespace ? [false] : nonRoot",
	let("kept", "nonRoot == [true]", let("own", "w.filter(e, e.at[0] == '00').map(e, "+usersOf+")[0]", "w.size() == 1 ? own : "+
		let("named", "w.filter(e, e.at[0] != '00').map(e, "+list("e", policy.KeyFillRunAsUser)+".map(u, int(u)).filter(u, u != 0 || !kept)).flatten()",
			let("ruled", "w.filter(e, e.at[0] != '00').map(e, "+usersOf+").flatten()",
				"nonRoot == [false] && !"+anyUser+" && (0 in named || 0 in ruled || 0 in own) ? [0] : named.size() > 0 ? [named.min()] : "+
					let("explicit", list("w[0]", policy.KeyFillRunAsUser)+".map(u, int(u)).filter(u, u != 0 || !kept)", "explicit.size() > 0 ? explicit : "+
						"ruled.size() > 0 ? [ruled.min()] : w.exists(e, e.at[0] != '00' && "+has("e", policy.KeyRunAsUser)+" && !("+word(string(policy.MustRunAs))+" in "+list("e", policy.KeyRunAsUser)+")) ? [] : own"))))))

// groupOf is the same for the group: none counts before any ID, and is -1.
var groupOf = let("named", "w.filter(e, e.at[0] != '00').map(e, "+list("e", policy.KeyFillRunAsGroup)+".map(g, int(g))).flatten()",
	"named.size() > 0 ? [named.min()].filter(g, g >= 0) : "+list("w[0]", policy.KeyFillRunAsGroup)+".map(g, int(g))")

// effective is a list of the value that a container has for a field or inherits, of
// one or none.
func effective(f spec.Field) string {
	return own(f) + ".or(" + ofPod(f.Inherits()) + ").optMap(d, [d]).orValue([])"
}

// filled is container x under policy p in trial i: its view, what is filled in, and
// the IDs that it then has.
func filled(closed string) string {
	var lists []string
	for _, id := range containerFills() {
		condition := fills[id].when
		if !onWindows[id] {
			condition = "!variables.frozen && " + condition
		}
		lists = append(lists, "("+condition+" ? ["+word(plan.FieldOf(id).Path.String())+"] : variables.noWords)")
	}
	none := "closed || variables.frozen"
	return let("closed", closed, let("w", viewOf, let("uid", effective(spec.FieldRunAsUser), let("gid", effective(spec.FieldRunAsGroup), let("nonRoot", effective(spec.FieldRunAsNonRoot),
		let("user", none+" || uid.size() > 0 ? [] : "+userOf, let("group", none+" || gid.size() > 0 ? [] : "+groupOf,
			"{'view': dyn(w), 'user': dyn(uid.size() > 0 ? uid : user), 'group': dyn(gid.size() > 0 ? gid : group), 'fills': dyn(closed ? variables.noWords : "+strings.Join(lists, " + ")+")}")))))))
}

// asItIs is container x under policy p without anything filled in.
func asItIs() string {
	return "{'view': dyn(" + viewOf + "), 'user': dyn(" + effective(spec.FieldRunAsUser) + "), 'group': dyn(" + effective(spec.FieldRunAsGroup) + "), 'fills': dyn(variables.noWords)}"
}

// sets holds of a container x that sets all that policy p might fill in.
var sets = func() string {
	set := func(f spec.Field) string {
		if f.Inherits() == 0 {
			return own(f) + ".hasValue()"
		}
		return either(own(f)+".hasValue()", ofPod(f.Inherits())+".hasValue()")
	}
	unless := func(keys ...policy.Key) string {
		var conditions []string
		for _, k := range keys {
			conditions = append(conditions, not(has("p[0]", k)))
		}
		return all(conditions...)
	}
	return all("has(x.c.securityContext)", set(spec.FieldAllowPrivilegeEscalation), set(spec.FieldPrivileged), own(spec.FieldCapabilitiesDrop)+".orValue([]).size() > 0",
		set(spec.FieldSeccompType), set(spec.FieldRunAsNonRoot),
		either(set(spec.FieldRunAsGroup), "p.size() == 1 && "+unless(policy.KeyFillRunAsGroup)),
		either(set(spec.FieldRunAsUser), "p.size() == 1 && !("+word(userFill)+" in p[0])"),
		either(set(spec.FieldReadOnlyRootFilesystem), unless(policy.KeyReadOnlyRootFilesystem)))
}()

// podFilled are the fields of the pod that policy p fills in.
func podFilled() string {
	var lists []string
	for _, id := range podFills() {
		lists = append(lists, "("+fills[id].when+" ? ["+word(plan.FieldOf(id).Path.String())+"] : variables.noWords)")
	}
	return strings.Join(lists, " + ")
}

func podFills() (ids []plan.FieldID)       { return fillsOf(spec.OfPod) }
func containerFills() (ids []plan.FieldID) { return fillsOf(spec.OfContainer) }

func fillsOf(scope spec.Scope) (ids []plan.FieldID) {
	for id := range plan.FieldEnd {
		if plan.FieldOf(id).Path.Scope() == scope {
			ids = append(ids, id)
		}
	}
	return ids
}

// patch lists the operations that fill the pod in as policy p has it in the trial that
// was chosen, each a path and a value.
func patch() string {
	const chosen = "[variables.chosen]"
	var context, lists []string
	for _, id := range podFills() {
		f := plan.FieldOf(id).Path
		if f.Steps()[1] == securityContext {
			context = append(context, word(f.String())+" in f")
		}
		lists = append(lists, "("+word(f.String())+" in f ? "+operation(word("/"+strings.Join(f.Steps(), "/")), fills[id].value)+" : variables.none)")
	}
	pod := let("f", "variables.podFills"+chosen, sum(append([]string{
		"(!has(variables.spec.securityContext) && " + either(context...) + " ? " + operation("'/spec/securityContext'", "{}") + " : variables.none)"}, lists...)...))
	lists = nil
	for _, id := range containerFills() {
		lists = append(lists, containerPatch(id))
	}
	container := sum(append([]string{"(!has(x.c.securityContext) ? " + operation("to", "{}") + " : variables.none)"}, lists...)...)
	return let("p", "variables.trials"+chosen, pod+" + variables.containers.transformList(n, x, "+
		let("s", "variables.subjects"+chosen+"[n]", "s.fills.size() == 0 ? variables.none : "+
			let("to", "'/spec/' + x.list + '/' + string(x.index) + '/securityContext'", container))+").flatten()")
}

// containerPatch is the operation for a field of a container. Where the object that
// holds the field is missing, it is what is added.
func containerPatch(id plan.FieldID) string {
	f := plan.FieldOf(id).Path
	steps := f.Steps()[1:]
	value := fills[id].value
	add := operation("to + "+word("/"+strings.Join(steps, "/")), value)
	if len(steps) > 1 {
		add = "(has(x.c.securityContext) && has(x.c.securityContext." + steps[0] + ") ? " + add + " : " +
			operation("to + "+word("/"+steps[0]), "{"+word(steps[1])+": "+value+"}") + ")"
	}
	return "(" + word(f.String()) + " in s.fills ? " + add + " : variables.none)"
}

func operation(path, value string) string {
	return "[{'path': dyn(" + path + "), 'value': dyn(" + value + ")}]"
}
