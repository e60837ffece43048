package native

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
)

// Keys of the audit annotations.
const (
	policyAnnotation  = "policy"
	excusedAnnotation = "excused"
	reasonKey         = "policy-reason"
	ownerKey          = "policy-owner"
	expiresKey        = "policy-expires"
)

// verbs begin the message of each mode.
var verbs = map[mode]string{enforce: "violates", audit: "would violate", warn: "would violate"}

// actions are what a binding does with a violation.
var actions = map[mode]string{enforce: "Deny", audit: "Audit", warn: "Warn"}

// stored is the pod as the API server has it when it validates: in a request to add
// ephemeral containers, too.
var stored = pod{
	metadata: "dyn(object).metadata", spec: "dyn(object).spec", ephemeral: "variables.spec",
	appArmor: ownAppArmor, ports: "c.?ports.orValue([])",
	running: update + " ? dyn(oldObject).spec.?ephemeralContainers.orValue([]).map(c, string(c.name)) : variables.noWords",
}

// validating is the policy that judges pods at the level of a mode.
func (r *renderer) validating(m mode) *Validating {
	variables := levels(m, r.options)
	variables = append(variables, stored.variables()...)
	variables = append(variables, r.data.variables()...)
	variables = append(variables, Variable{"plainPod", plainPod})
	variables = append(variables, guarded(standard())...)
	variables = append(variables,
		nothingFilled[0], nothingFilled[1],
		Variable{"trials", "variables.governing"},
		Variable{"podFills", "variables.trials.map(p, [''].filter(f, false))"},
		Variable{"subjects", "variables.trials.map(p, variables.containers.transformList(n, x, " + asItIs() + "))"})
	variables = append(variables, trialsOf(false, &stored)...)
	v := r.judging(m, string(m), r.verdict(variables, m))
	v.Policy.Spec.Validations = r.validations(m)
	if m == enforce {
		r.annotate(v)
	}
	return v
}

// verdict adds to what was found whether the pod is allowed, and what is said if it is
// not.
func (r *renderer) verdict(variables []Variable, m mode) []Variable {
	says, texts := messages()
	variables = append(variables,
		Variable{"allowed", "variables.level == 'privileged' || variables.plainPod && variables.selecting.size() == 0" + r.plainDefault() + " || " + nothingLeft()},
		Variable{"best", best("variables.counts")})
	variables = append(variables, says...)
	return append(variables, Variable{"message", word(verbs[m]+` PodSecurity "`) + ` + variables.level + ':' + variables.version + '": ' + (` + sum(texts...) + ").join(', ')"})
}

// validations is the one validation of a policy.
func (r *renderer) validations(m mode) []Validation {
	return []Validation{{
		Expression: "variables.allowed", MessageExpression: "variables.allowed ? '' : variables.message", Reason: string(metav1.StatusReasonForbidden),
		Message: verbs[m] + " PodSecurity, in more ways than a message has room for",
	}}
}

// plainDefault is a further condition under which a plain pod that no policy selects
// is allowed: a default policy of the set might demand more.
func (r *renderer) plainDefault() string {
	if r.data.defaults == "" {
		return ""
	}
	return " && variables.governing[0] == variables.noPolicy"
}

// guarded are the violations of a pod that may have some.
func guarded(list []Variable) []Variable {
	for i := range list {
		if rest, ok := strings.CutPrefix(list[i].Expression, "!("); ok && strings.Contains(rest, ") ? variables.none : ") {
			list[i].Expression = "variables.plainPod || " + list[i].Expression
		} else {
			list[i].Expression = "variables.plainPod ? variables.none : " + list[i].Expression
		}
	}
	return list
}

// nothingLeft holds where some trial leaves no violation. It is done with a trial at the
// first check that leaves one, and counts nothing.
func nothingLeft() string {
	var ofChecks, ofRules []string
	for _, id := range checkIDs() {
		ofChecks = append(ofChecks, ifFound(id, "variables."+variableOf("left", id)+"[i].size() == 0", "true"))
	}
	for _, r := range rules() {
		ofRules = append(ofRules, "variables."+r.variable("leftRule")+"[i].size() == 0")
	}
	return "lists.range(variables.trials.size()).exists(i, (variables.plainPod || " + strings.Join(ofChecks, " && ") + ") && " + strings.Join(ofRules, " && ") + ")"
}

// best is the index of the first of the lowest of some numbers.
func best(list string) string {
	return let("least", list+".min()", "lists.range("+list+".size()).filter(n, "+list+"[n] == least)[0]")
}

// judging is a policy and its binding, without its validation.
func (r *renderer) judging(m mode, name string, variables []Variable) *Validating {
	name = r.name(name)
	v := &Validating{}
	v.Policy.TypeMeta = typeMeta(KindValidatingPolicy)
	v.Policy.Metadata = r.metadata(name)
	v.Policy.Spec = ValidatingSpec{
		FailurePolicy:    "Fail",
		MatchConstraints: r.match([]string{"CREATE", "UPDATE"}),
		MatchConditions:  append(r.exemptions("object.spec"), Condition{"significant", significant}),
		Variables:        variables,
	}
	v.Binding.TypeMeta = typeMeta(KindValidatingBinding)
	v.Binding.Metadata = r.metadata(name)
	v.Binding.Spec = ValidatingBindingSpec{PolicyName: name, ValidationActions: []string{actions[m]}}
	return v
}

// metadata names an object, and labels it so that all objects of one rendering can be
// found, in the words of Kubernetes' recommended labels.
func (r *renderer) metadata(name string) Metadata {
	return Metadata{Name: name, Labels: map[string]string{"app.kubernetes.io/managed-by": "podfence", "app.kubernetes.io/instance": r.options.Name}}
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: APIVersion, Kind: kind}
}

// significant holds of requests after which a pod is to be judged: of updates, those
// that Pod Security Admission looks at (isSignificantPodUpdate of its package admission).
var significant = "request.operation == 'CREATE' || object.spec.containers.size() != oldObject.spec.containers.size() || " +
	"object.spec.?initContainers.orValue([]).size() != oldObject.spec.?initContainers.orValue([]).size() || " +
	"object.spec.containers.exists(i, c, c.?image != oldObject.spec.containers[i].?image) || " +
	"object.spec.?initContainers.orValue([]).exists(i, c, c.?image != oldObject.spec.initContainers[i].?image) || " +
	"object.spec.?ephemeralContainers.orValue([]).exists(c, !oldObject.spec.?ephemeralContainers.orValue([]).exists(d, d.name == c.name && d.?image == c.?image))"

// annotate adds what goes into the audit log: the governing policy, what it says of
// itself, and what it excuses.
func (r *renderer) annotate(v *Validating) {
	if len(r.data.policies) == 0 {
		return
	}
	closed := update + " && (x.list != 'ephemeralContainers' || x.c.name in variables.running)"
	v.Policy.Spec.Variables = append(v.Policy.Spec.Variables,
		// Whether a policy that allows the pod fills nothing in has a say in which of
		// several governs it. At baseline nothing is filled in that is allowed.
		Variable{"complete", "variables.trials.transformList(i, p, variables.level == '" + string(api.LevelBaseline) + "' || (" + update + " || variables.frozen || (" + podFilled() + ").size() == 0) && " +
			"variables.containers.transformList(n, x, !" + sets + ", " + filled(closed) + ").all(s, s.fills.size() == 0))"},
		Variable{"chosen", "variables.trials.size() == 1 ? 0 : " + let("ok", "lists.range(variables.counts.size()).filter(n, variables.counts[n] == 0)",
			"ok.size() == 0 ? variables.best : "+let("asIs", "ok.filter(n, variables.complete[n])", "asIs.size() > 0 ? asIs[0] : ok[0]"))},
		Variable{"governs", "variables.level != 'privileged' && '" + nameKey + "' in variables.governing[0][0]"})
	// A variable for each check: the type checker's time grows with the square of an
	// expression's length.
	var texts []string
	for _, id := range checkIDs() {
		name := variableOf("excused", id)
		v.Policy.Spec.Variables = append(v.Policy.Spec.Variables, Variable{name, excused(id)})
		texts = append(texts, ifFound(id, "variables."+name, "variables.noWords"))
	}
	v.Policy.Spec.Variables = append(v.Policy.Spec.Variables, Variable{"excused", "variables.governs ? " + let("all", sum(texts...),
		"(all.size() <= 50 ? all : all.slice(0, 50) + ['and ' + string(all.size() - 50) + ' more']).join('; ')") + " : ''"})
	said := func(key string) string {
		return "variables.governs ? variables.trials[variables.chosen][0][?'" + key + "'].orValue([''])[0] : ''"
	}
	v.Policy.Spec.AuditAnnotations = []AuditAnnotation{
		{policyAnnotation, said(nameKey)},
		{excusedAnnotation, "variables.excused"},
	}
	for _, key := range []string{reasonKey, ownerKey, expiresKey} {
		v.Policy.Spec.AuditAnnotations = append(v.Policy.Spec.AuditAnnotations, AuditAnnotation{key, said(key)})
	}
}
