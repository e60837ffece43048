package native

import (
	"regexp"
	"strings"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/spec"
)

// workloads are the resources of Kubernetes that hold a pod template, by API group.
var workloads = []struct {
	group     string
	resources []string
}{
	{"", []string{"podtemplates", "replicationcontrollers"}},
	{"apps", []string{"daemonsets", "deployments", "replicasets", "statefulsets"}},
	{"batch", []string{"cronjobs", "jobs"}},
}

// templateOf is the pod template of a workload.
const (
	templateOf  = "(has(dyn(object).template) ? dyn(object).template : has(dyn(object).spec.jobTemplate) ? dyn(object).spec.jobTemplate.spec.template : dyn(object).spec.template)"
	hasTemplate = "has(dyn(object).template) || has(dyn(object).spec) && (has(dyn(object).spec.jobTemplate) || has(dyn(object).spec.template))"
)

// tokenPath is where ServiceAccount admission mounts a token.
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// toCome is the pod that is made of a template, as the API server will store it: see
// spec.Stored.
var toCome = pod{
	metadata: templateOf + ".?metadata.orValue({})", spec: templateOf + ".spec", ephemeral: "variables.spec",
	appArmor: appArmorToCome("false"),
	// With the host's network a port gets its containerPort for a hostPort.
	ports:   "[c.?ports.orValue([])].map(l, " + ofPod(spec.FieldHostNetwork) + ".orValue(false) ? l.map(o, {'hostPort': dyn(o.?hostPort.orValue(0) != 0 ? o.hostPort : o.?containerPort.orValue(0))}) : l)[0]",
	running: "[''].filter(c, false)",
	added: "(" + addsToken + " ? [{'name': dyn('" + spec.TokenVolume + "'), 'type': dyn('projected')}] : variables.none) + " +
		"(has(dyn(object).spec) && dyn(object).spec.?volumeClaimTemplates.orValue([]).size() > 0 && request.resource.resource == 'statefulsets' ? [{'name': dyn('" + spec.ClaimVolume + "'), 'type': dyn('persistentVolumeClaim')}] : variables.none)",
	mounts: "(variables.tokenVolumes.size() > 0 && variables.spec.?automountServiceAccountToken.orValue(true) && !variables.mirror && variables.containers.exists(x, " + lacksToken + ") ? ['s/' + variables.tokenVolumes[0]] : variables.noWords)",
}

// tokenVolumes are the names of the pod's volumes that ServiceAccount admission takes
// for the one that it would add.
var tokenVolumes = "variables.spec.?volumes.orValue([]).filter(o, o.name.startsWith('" + strings.TrimSuffix(spec.TokenVolume, "*") + "')).map(o, o.name)"

const lacksToken = "x.list != 'ephemeralContainers' && !x.c.?volumeMounts.orValue([]).exists(m, m.mountPath == '" + tokenPath + "')"

// addsToken holds of a pod to which ServiceAccount admission adds a volume.
const addsToken = "variables.spec.?automountServiceAccountToken.orValue(true) && !variables.mirror && variables.tokenVolumes.size() == 0 && variables.containers.exists(x, " + lacksToken + ")"

// templates is the policy that warns of workloads by the pods that will be made of
// them. These will have been filled in as the enforced level has it; what is left is
// judged at the level of warnings.
func (r *renderer) templates() *Validating {
	filled := levels(enforce, r.options)
	filled = append(filled, standard()...)
	filled = append(filled, r.trialsOfFilling("false")...)
	filled = append(filled, trialsOf(true, &toCome)...)
	filled = append(filled, chosen()...)
	if r.options.WithoutMutation {
		for i := range filled {
			if filled[i].Name == "level" {
				filled[i].Expression = word(string(api.LevelPrivileged))
			}
		}
	}
	variables := append(toCome.variables(), r.data.variables()...)
	variables = append(variables, renamed(filled)...)
	variables = append(variables, levels(warn, r.options)...)
	variables = append(variables, Variable{"plainPod", plainPod})
	variables = append(variables, guarded(standard())...)
	hostUsers := word(spec.FieldHostUsers.String())
	requires := "'allow.userNamespace' in p[0]"
	variables = append(variables,
		Variable{"nothingFilled", "variables.filled_level == 'privileged'"},
		Variable{"podFilled", "variables.nothingFilled ? [''].filter(f, false) : variables.filled_podFills[variables.filled_chosen]"},
		// What one policy filled in, the rules of another may not let be.
		Variable{"filledFSGroup", filledIDs(plan.PodFSGroup)},
		Variable{"filledGroups", filledIDs(plan.PodSupplementalGroups)},
		Variable{"trials", hostUsers + " in variables.podFilled && variables.governing.exists(p, " + requires + ") ? variables.governing.filter(p, " + requires + ") : variables.governing"},
		Variable{"podFills", "variables.trials.map(p, variables.podFilled)"},
		Variable{"subjects", "variables.trials.map(p, variables.containers.transformList(n, x, variables.nothingFilled ? " + asItIs() + " : " +
			let("s", "variables.filled_subjects[variables.filled_chosen][n]", "{'view': dyn("+viewOf+"), 'user': dyn(s.user), 'group': dyn(s.group), 'fills': dyn(s.fills)}") + "))"})
	variables = append(variables, trialsOf(true, &toCome)...)
	v := r.judging(warn, "templates", r.verdict(variables, warn))
	v.Policy.Spec.Validations = r.validations(warn)
	v.Policy.Spec.MatchConstraints = r.matchAll()
	for _, w := range workloads {
		v.Policy.Spec.MatchConstraints.ResourceRules = append(v.Policy.Spec.MatchConstraints.ResourceRules, resourceRule(w.group, []string{"CREATE", "UPDATE"}, w.resources...))
	}
	v.Policy.Spec.MatchConditions = append([]Condition{{"template", hasTemplate}}, r.exemptions(templateOf+".spec")...)
	return v
}

// filledIDs are the IDs that are filled into a field of the pod, if any.
func filledIDs(id plan.FieldID) string {
	f := plan.FieldOf(id)
	return word(f.Path.String()) + " in variables.podFilled ? " + list("variables.filled_trials[variables.filled_chosen][0]", f.Key) + ".map(g, int(g)) : " + noIDs
}

// renamed are variables of the judgement by which a template is filled in, under names
// of their own beside those of the judgement of what comes of that.
func renamed(list []Variable) []Variable {
	own := map[string]bool{}
	for _, v := range list {
		own[v.Name] = true
	}
	for i := range list {
		list[i].Name = "filled_" + list[i].Name
		list[i].Expression = reference.ReplaceAllStringFunc(list[i].Expression, func(text string) string {
			if name := strings.TrimPrefix(text, "variables."); own[name] {
				return "variables.filled_" + name
			}
			return text
		})
	}
	return list
}

// reference is a use of a variable.
var reference = regexp.MustCompile(`variables\.\w+`)
