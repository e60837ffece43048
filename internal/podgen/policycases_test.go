package podgen_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/restated"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// constants are the values of the string constants of a package that are wanted,
// by name and type. Reasons and rules have no list that others may read.
func constants(t *testing.T, dir string, wanted func(name, typ string) bool) (values []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			value, ok := n.(*ast.ValueSpec)
			if !ok || len(value.Values) != len(value.Names) {
				return true
			}
			typ, _ := value.Type.(*ast.Ident)
			for i, name := range value.Names {
				if literal, ok := value.Values[i].(*ast.BasicLit); ok && wanted(name.Name, identifier(typ)) {
					s, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, s)
				}
			}
			return true
		})
	}
	if len(values) == 0 {
		t.Fatalf("no constants found in %s", dir)
	}
	return values
}

func identifier(id *ast.Ident) string {
	if id == nil {
		return ""
	}
	return id.Name
}

// policyField is a field of the allow or the mutations block, under its path.
type policyField struct {
	path  string
	index int
	typ   reflect.Type
}

func (f policyField) of(p *policy.Policy) reflect.Value {
	if strings.HasPrefix(f.path, "allow.") {
		return reflect.ValueOf(&p.Allow).Elem().Field(f.index)
	}
	return reflect.ValueOf(&p.Mutations).Elem().Field(f.index)
}

var policyFields = append(fieldsOf[policy.Allow]("allow."), fieldsOf[policy.Mutations]("mutations.")...)

func fieldsOf[T any](prefix string) (list []policyField) {
	typ := reflect.TypeFor[T]()
	for i := range typ.NumField() {
		list = append(list, policyField{prefix + jsonName(typ.Field(i)), i, typ.Field(i).Type})
	}
	return list
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// granted is a grant of a control: "mutations.dropAllCapabilities: false".
type granted struct {
	policyField
	control, subject string
}

var grants = func() (list []granted) {
	for _, control := range spec.Controls() {
		for _, row := range policy.GrantTypesOf(control) {
			for _, f := range policyFields {
				if subject := "grant " + f.path + " of " + control.Title; f.path == row.Key.String() &&
					!slices.ContainsFunc(list, func(g granted) bool { return g.subject == subject }) {
					list = append(list, granted{f, control.Title, subject})
				}
			}
		}
	}
	return list
}()

// given reports whether the policy gives the grant at all.
func (g *granted) given(p *policy.Policy) bool {
	switch v := g.of(p); g.typ {
	case reflect.TypeFor[*bool]():
		return !v.IsNil() && !v.Elem().Bool()
	case reflect.TypeFor[policy.UserRule]():
		rule := p.Allow.RunAsUser
		return rule.Rule == policy.RunAsAny || rule.Rule == policy.MustRunAs && policy.InRanges(rule.Ranges, 0)
	default:
		return !v.IsZero()
	}
}

func (c *tally) wantGrants() {
	for _, g := range grants {
		c.want(20, g.subject, "excuses")
		c.want(400, g.subject, "idle")
	}
}

// policy holds the pod against the policy at both levels.
func (c *tally) policy(pod *corev1.Pod, p *policy.Policy) {
	for _, level := range levels {
		r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, at(level, since[len(since)-1]), p)
		excused := map[string]bool{}
		for _, v := range r.Excused {
			excused["grant "+v.ExcusedBy.Key.String()+" of "+v.Control()] = true
		}
		for subject := range excused {
			c.count(subject, "excuses")
		}
		for i := range grants {
			if g := &grants[i]; !excused[g.subject] && g.given(p) {
				c.count(g.subject, "idle")
			}
		}
		c.rules(pod, p, r.Violations)
	}
}

// ruleForms are the forms of an own rule that demand something.
func ruleForms(typ reflect.Type) []string {
	switch typ {
	case reflect.TypeFor[policy.UserRule]():
		return []string{string(policy.MustRunAs)}
	case reflect.TypeFor[policy.GroupRule](), reflect.TypeFor[policy.SupplementalGroupsRule]():
		return []string{string(policy.MustRunAs), string(policy.MayRunAs)}
	case reflect.TypeFor[bool]():
		return []string{"true"}
	case reflect.TypeFor[policy.UserNamespaceRule]():
		return []string{string(policy.UserNamespaceRequired)}
	default:
		return []string{"default", "empty", "set"}
	}
}

// ruleForm is the form of an own rule in a policy, "" where it demands nothing.
func ruleForm(v reflect.Value) string {
	switch rule := v.Interface().(type) {
	case policy.UserRule:
		if len(rule.Ranges) > 0 {
			return string(rule.Rule)
		}
		return ""
	case policy.GroupRule:
		if len(rule.Ranges) > 0 {
			return string(rule.Rule)
		}
		return ""
	case policy.SupplementalGroupsRule:
		return ruleForm(reflect.ValueOf(rule.GroupRule))
	case policy.UserNamespaceRule:
		return string(rule)
	case bool:
		if rule {
			return "true"
		}
		return ""
	}
	switch {
	case v.IsNil():
		return "default"
	case v.Len() == 0:
		return "empty"
	default:
		return "set"
	}
}

// ruleKeys are the keys that may demand something; a rule that speaks and is not
// among them fails the count.
var ruleKeys = []policy.Key{
	policy.KeyRunAsUser, policy.KeyRunAsGroup, policy.KeyFSGroup, policy.KeySupplementalGroups,
	policy.KeyVolumes, policy.KeyReadOnlyRootFilesystem, policy.KeyUserNamespace,
}

// rules are the policy's fields of these keys.
var rules []policyField

func (c *tally) wantRules() {
	rules = nil
	for _, key := range ruleKeys {
		path := key.String()
		for _, f := range policyFields {
			if f.path != path {
				continue
			}
			rules = append(rules, f)
			for _, form := range ruleForms(f.typ) {
				c.want(200, "rule "+path+" "+form, "demands", "met")
			}
		}
	}
	c.want(200, strictRule, "demands", "met")
}

// strictRule is what a rule over supplemental groups demands beside its ranges.
const strictRule = "rule allow.supplementalGroups.policy Strict"

func (c *tally) rules(pod *corev1.Pod, p *policy.Policy, violations []evaluate.Violation) {
	demands := map[string]bool{}
	strict := "met"
	for _, v := range violations {
		if v.Field == spec.FieldSupplementalGroupsPolicy {
			strict = "demands"
		} else if v.Rule != 0 {
			demands[v.Rule.String()] = true
		}
	}
	for _, f := range rules {
		form := ruleForm(f.of(p))
		switch {
		case demands[f.path]:
			c.count("rule "+f.path+" "+form, "demands")
			delete(demands, f.path)
		case form == "" || spec.IsWindows(&pod.Spec) || len(pod.Spec.Containers) == 0:
		case form == "empty" && len(pod.Spec.Volumes) > 0: // each volume is refused by the standard already
		case form == "empty" || f.path != "allow.volumes" || len(pod.Spec.Volumes) > 0:
			c.count("rule "+f.path+" "+form, "met")
		}
	}
	if p.Allow.SupplementalGroups.IsStrict() && !spec.IsWindows(&pod.Spec) || strict == "demands" {
		c.count(strictRule, strict)
	}
	for rule := range demands {
		c.count("rule "+rule, "demands, and is not among the keys that may")
	}
}

func (c *tally) wantPolicyKeys() {
	for _, f := range policyFields {
		subject := "policy key " + f.path
		switch f.typ.Kind() {
		case reflect.Bool:
			c.want(1000, subject, "true", "false")
		case reflect.String:
			c.want(1000, subject, "empty", "set")
		case reflect.Pointer:
			c.want(1000, subject, "nil", "set")
		case reflect.Slice:
			c.want(350, subject, "nil", "empty", "one", "several")
		}
		known := map[reflect.Type][]policy.Rule{
			reflect.TypeFor[policy.UserRule]():  {"", policy.MustRunAs, policy.MustRunAsNonRoot, policy.RunAsAny},
			reflect.TypeFor[policy.GroupRule](): {"", policy.MustRunAs, policy.MayRunAs, policy.RunAsAny},

			reflect.TypeFor[policy.SupplementalGroupsRule](): {"", policy.MustRunAs, policy.MayRunAs, policy.RunAsAny},
		}
		for _, rule := range known[f.typ] {
			c.want(300, subject, "rule "+string(rule))
		}
	}
	c.want(1000, "policy key podSelectorLabels", "nil", "one", "several")
	c.want(200, "policy key podSelectorLabels", "empty")
	c.want(1000, "policy key podSelectorExpressions", "nil", "one", "several")
	c.want(1000, "policy key namespace", "empty", "set")
	c.want(300, "policy key namespaces", "nil", "one", "several")
	c.want(1000, "policy key namespaceSelector", "nil", "set")
}

func (c *tally) policyKeys(p *policy.Policy) {
	for _, f := range policyFields {
		v := f.of(p)
		if f.typ.Kind() == reflect.Struct {
			c.count("policy key "+f.path, "rule "+v.FieldByName("Rule").String())
		} else {
			c.count("policy key "+f.path, shape(v))
		}
	}
	c.count("policy key podSelectorLabels", shape(reflect.ValueOf(p.PodSelectorLabels)))
	c.count("policy key podSelectorExpressions", shape(reflect.ValueOf(p.PodSelectorExpressions)))
	c.count("policy key namespace", shape(reflect.ValueOf(p.Namespace)))
	c.count("policy key namespaces", shape(reflect.ValueOf(p.Namespaces)))
	c.count("policy key namespaceSelector", shape(reflect.ValueOf(p.NamespaceSelector)))
}

// shape is what there is of a value, without the value.
func shape(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Slice, reflect.Map:
		switch {
		case v.IsNil():
			return "nil"
		case v.Len() < 2:
			return []string{"empty", "one"}[v.Len()]
		}
		return "several"
	case reflect.Pointer:
		switch {
		case v.IsNil():
			return "nil"
		case v.Elem().Kind() == reflect.Struct && v.Elem().IsZero():
			return "empty"
		}
		return "set"
	default:
		if v.IsZero() {
			return "empty"
		}
		return "set"
	}
}

func (c *tally) wantSelectors() {
	for _, operator := range []metav1.LabelSelectorOperator{metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist} {
		c.want(500, "selector "+string(operator), "hits", "misses")
	}
	for _, subject := range []string{"selector by labels", "selector by namespace", "selector", "selector of two labels or more"} {
		c.want(100, subject, "hits", "misses")
	}
	c.want(100, "selector by labels of namespaces", "hits", "misses", "unknown")
}

func (c *tally) selectors(pod *corev1.Pod, p *policy.Policy) {
	answer := map[bool]string{true: "hits", false: "misses"}
	namespace := restated.Namespace{Name: pod.Namespace}
	namespace.Labels, namespace.Known = podgen.LabelsOf(pod.Namespace)
	governs, decided := restated.SelectsNamespace(p, namespace)
	if p.Namespace != "" || len(p.Namespaces) > 0 {
		c.count("selector by namespace", answer[governs])
	}
	if p.NamespaceSelector != nil && !decided {
		c.count("selector by labels of namespaces", "unknown")
	} else if p.NamespaceSelector != nil {
		c.count("selector by labels of namespaces", answer[governs])
	}
	if n := len(p.PodSelectorLabels); n > 0 {
		hits := labels.SelectorFromSet(p.PodSelectorLabels).Matches(labels.Set(pod.Labels))
		c.count("selector by labels", answer[hits])
		if n > 1 {
			c.count("selector of two labels or more", answer[hits])
		}
		governs = governs && hits
	}
	for i := range p.PodSelectorExpressions {
		e := &p.PodSelectorExpressions[i]
		selector, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchExpressions: p.PodSelectorExpressions[i : i+1]})
		hits := err == nil && selector.Matches(labels.Set(pod.Labels))
		c.count("selector "+string(e.Operator), answer[hits])
		governs = governs && hits
	}
	c.count("selector", answer[governs])
}
