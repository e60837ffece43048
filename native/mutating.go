package native

import (
	"slices"
	"strings"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// requested is the pod as it comes: of a request to add ephemeral containers, the
// running one with the containers that it would have.
var requested = pod{
	metadata:  "(" + update + " ? dyn(oldObject) : dyn(object)).metadata",
	spec:      "(" + update + " ? dyn(oldObject) : dyn(object)).spec",
	ephemeral: "dyn(object).spec",
	appArmor:  appArmorToCome(update),
	ports:     "c.?ports.orValue([])",
	running:   stored.running,
}

// appArmorToCome is the profile of a container c that it has itself, or that the API
// server will set from its annotation, as spec.Stored says.
func appArmorToCome(not string) string {
	none := "optional.none()"
	annotation := "variables.annotations[?" + word(spec.AppArmorAnnotation) + " + c.name].orValue('')"
	inherited := "variables.podContext.?appArmorProfile"
	come := let("a", annotation, "a == 'unconfined' && !("+inherited+".?type.orValue('') == 'Unconfined' && !"+inherited+".?localhostProfile.hasValue()) ? optional.of('Unconfined') : "+
		"a == 'runtime/default' && !("+inherited+".?type.orValue('') == 'RuntimeDefault' && !"+inherited+".?localhostProfile.hasValue()) ? optional.of('RuntimeDefault') : "+
		"a.startsWith('localhost/') && a.size() > 10 && a.size() <= 4105 && a.substring(10).trim() == a.substring(10) && !("+inherited+".?type.orValue('') == 'Localhost' && "+inherited+".?localhostProfile.orValue('') == a.substring(10)) ? optional.of('Localhost') : "+none)
	own := ownAppArmor
	return own + ".hasValue() || variables.annotations.size() == 0 || variables.windows || " + not + " ? " + own + " : " + come
}

// mutating is the policy that fills pods in.
func (r *renderer) mutating() *Mutating {
	variables := levels(enforce, r.options)
	variables = append(variables, requested.variables()...)
	variables = append(variables, r.data.variables()...)
	variables = append(variables, standard()...)
	variables = append(variables, r.trialsOfFilling(update+" && (x.list != 'ephemeralContainers' || x.c.name in variables.running)")...)
	variables = append(variables, trialsOf(true, &requested)...)
	variables = append(variables, chosen()...)
	variables = append(variables, Variable{"patch", "variables.level == 'privileged' ? variables.none : " + patch()})
	name := r.name("mutate")
	m := &Mutating{}
	m.Policy.TypeMeta = typeMeta(KindMutatingPolicy)
	m.Policy.Metadata = r.metadata(name)
	m.Policy.Spec = MutatingSpec{
		FailurePolicy: "Fail", ReinvocationPolicy: "IfNeeded",
		MatchConstraints: r.match([]string{"CREATE"}),
		MatchConditions:  append(r.exemptions("object.spec"), Condition{"something-to-fill", r.data.somethingToFill()}),
		Variables:        variables,
		Mutations: []Mutation{{PatchType: "JSONPatch", JSONPatch: &JSONPatch{
			Expression: "variables.patch.map(f, JSONPatch{op: 'add', path: f.path, value: f.value})",
		}}},
	}
	m.Binding.TypeMeta = typeMeta(KindMutatingBinding)
	m.Binding.Metadata = r.metadata(name)
	m.Binding.Spec = MutatingBindingSpec{PolicyName: name}
	return m
}

// trialsOfFilling are the policies that are tried, and what each of them fills in.
// Nothing is filled into a container of which closed holds.
func (r *renderer) trialsOfFilling(closed string) []Variable {
	return []Variable{
		nothingFilled[0], nothingFilled[1],
		// At baseline a pod that is allowed as it is is not filled in: there each policy
		// is tried without filling in, and with it.
		{"trials", "variables.level == 'privileged' ? variables.governing.filter(p, false) : variables.baseline ? variables.governing.map(p, [p, p]).flatten() : variables.governing"},
		{"filling", "variables.trials.transformList(i, p, !variables.baseline || i % 2 == 1)"},
		{"podFills", "variables.trials.transformList(i, p, !variables.filling[i] || variables.frozen || " + update + " ? [''].filter(f, false) : " + podFilled() + ")"},
		{"subjects", "variables.trials.transformList(i, p, variables.containers.transformList(n, x, " + sets + " ? " + asItIs() + " : " + filled("!variables.filling[i] || "+closed) + "))"},
	}
}

// nothingFilled says that another policy has filled in no group of the pod. What the
// policy of a trial fills in, its own rules let be.
var nothingFilled = [2]Variable{{"filledFSGroup", noIDs}, {"filledGroups", noIDs}}

// noIDs is an empty list of IDs.
const noIDs = "[0].filter(g, false)"

// chosen is the trial that counts: the first that is allowed without a change, else
// the first that is allowed, else the first that leaves the fewest violations.
func chosen() []Variable {
	return []Variable{
		{"tried", "variables.baseline ? lists.range(variables.governing.size()).map(n, variables.counts[2 * n] == 0 ? 2 * n : 2 * n + 1) : lists.range(variables.trials.size())"},
		{"changes", "variables.trials.transformList(i, p, variables.podFills[i].size() > 0 || variables.subjects[i].exists(s, s.fills.size() > 0))"},
		{"chosen", "!variables.baseline && variables.trials.size() == 1 ? 0 : " +
			let("asIs", "variables.tried.filter(n, variables.counts[n] == 0 && !variables.changes[n])", "asIs.size() > 0 ? asIs[0] : "+
				let("filled", "variables.tried.filter(n, variables.counts[n] == 0)", "filled.size() > 0 ? filled[0] : "+
					let("least", "variables.tried.map(n, variables.counts[n]).min()", "variables.tried.filter(n, variables.counts[n] == least)[0]")))},
	}
}

// somethingToFill holds of every pod that some policy of the set may fill. A policy
// that is evaluated makes the API server run all its mutating plugins again, even if
// the patch is empty: pods that are complete are spared that. No variable can be used
// here, and nothing is known of the namespace but its name.
func (d *data) somethingToFill() string {
	lacks := []string{
		"!has(s.allowPrivilegeEscalation)", "!has(s.privileged)", "s.?capabilities.?drop.orValue([]).size() == 0",
		"!has(s.runAsGroup) && !has(p.runAsGroup)", "!has(s.runAsNonRoot) && !has(p.runAsNonRoot)", "!has(s.seccompProfile) && !has(p.seccompProfile)",
	}
	ofPod := []string{"!has(p.fsGroup)", "p.?supplementalGroups.orValue([]).size() == 0"}
	add := func(list *[]string, fills func(*policy.Policy) bool, lack string) {
		var namespaces []string
		for _, p := range d.policies {
			if fills(p) {
				namespaces = append(namespaces, namespacesOf(p)...)
			}
		}
		slices.Sort(namespaces)
		switch {
		case len(namespaces) == 0:
		case namespaces[0] == "":
			*list = append(*list, lack)
		default:
			*list = append(*list, "request.namespace in "+words(slices.Compact(namespaces))+" && "+lack)
		}
	}
	add(&lacks, fillsUser, "!has(s.runAsUser) && !has(p.runAsUser)")
	add(&lacks, func(p *policy.Policy) bool { return p.Allow.ReadOnlyRootFilesystem }, "!has(s.readOnlyRootFilesystem)")
	add(&ofPod, (func(p *policy.Policy) bool { return p.Mutations.FSGroupChangePolicy != "" }), "!has(p.fsGroupChangePolicy)")
	add(&ofPod, func(p *policy.Policy) bool { return p.Allow.SupplementalGroups.IsStrict() }, "!has(p.supplementalGroupsPolicy)")
	add(&ofPod, func(p *policy.Policy) bool { return p.Allow.RequiresUserNamespace() }, "!has(object.spec.hostUsers)")
	return "request.operation == 'UPDATE' || [object.spec.?securityContext.orValue({})].exists(p, " + strings.Join(ofPod, " || ") + " || " +
		"[object.spec.?initContainers.orValue([]), object.spec.?containers.orValue([]), object.spec.?ephemeralContainers.orValue([])].exists(l, l != null && l.exists(c, [c.?securityContext.orValue({})].exists(s, " + strings.Join(lacks, " || ") + "))))"
}

// fillsUser reports whether a policy, or an entry of it, may fill a user in.
func fillsUser(p *policy.Policy) bool {
	if p.FillsUser() {
		return true
	}
	return slices.ContainsFunc(p.Containers, func(e policy.ContainerEntry) bool {
		return e.Mutations.RunAsUser != nil || e.Allow.RunAsUser.Rule == policy.MustRunAs
	})
}
