package drift

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const rendered = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: p
  labels: {a: b}
spec:
  failurePolicy: Fail
  matchConstraints:
    matchPolicy: Equivalent
    resourceRules: [{apiGroups: [""], operations: [CREATE, UPDATE]}]
  variables:
` + variables + `
  validations:
  - {expression: variables.level, reason: Forbidden}
`

const (
	variables = first + "\n" + second
	swapped   = second + "\n" + first
	first     = `  - {name: level, expression: "'restricted'"}`
	second    = `  - {name: long, expression: "` + long + `"}`
)

const long = "variables.first.exists(c, c.name == 'one') && variables.second.all(c, c.name == 'two')"

// TestBetween changes a rendered object, a line at a time, and says what of that is a
// difference.
func TestBetween(t *testing.T) {
	for _, row := range []struct {
		why, old, new string
		want          []string
	}{
		{"nothing was changed", "", "", nil},
		{"the server keeps metadata of its own", "  name: p", "  name: p\n  uid: 1-2\n  generation: 3\n  managedFields: [{manager: kubectl}]", nil},
		{"whoever applies adds annotations and labels", "labels: {a: b}", "labels: {a: b, c: d}\n  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}", nil},
		{"the server writes a status", "spec:", "status: {observedGeneration: 1}\nspec:", nil},
		{"the server writes down defaults", "matchPolicy: Equivalent", "matchPolicy: Equivalent\n    namespaceSelector: {}\n    excludeResourceRules: []\n    objectSelector: null", nil},
		{"a selector that selects is none", "matchPolicy: Equivalent", "matchPolicy: Equivalent\n    objectSelector: {matchLabels: {a: b}}",
			[]string{"spec.matchConstraints.objectSelector is there, and is not rendered: {matchLabels}"}},
		{"a label that was rendered is another", "{a: b}", "{a: c}", []string{`metadata.labels["a"] is "c", rendered is "b"`}},
		{"a label that was rendered is gone", "{a: b}", "{}", []string{`metadata.labels["a"] is missing, rendered is "b"`}},
		{"the object is on its way out", "  name: p", "  name: p\n  deletionTimestamp: 2026-01-01T00:00:00Z", []string{"metadata.deletionTimestamp is set: the object is being deleted"}},
		{"a word is another", "failurePolicy: Fail", "failurePolicy: Ignore", []string{`spec.failurePolicy is "Ignore", rendered is "Fail"`}},
		{"a word is gone", "  failurePolicy: Fail\n", "", []string{`spec.failurePolicy is missing, rendered is "Fail"`}},
		{"a text became a number", "failurePolicy: Fail", "failurePolicy: 1", []string{`spec.failurePolicy is 1, rendered is "Fail"`}},
		{"a list became a text", "variables:\n", "variables: x\n  others:\n",
			[]string{
				`spec.others is there, and is not rendered: [{expression, name}, {expression, name}]`,
				`spec.variables is "x", rendered is [{expression, name}, {expression, name}]`,
			}},
		{"an operation is gone", "[CREATE, UPDATE]", "[CREATE]", []string{`spec.matchConstraints.resourceRules[0].operations[1] is missing, rendered is "UPDATE"`}},
		{"an operation came", "[CREATE, UPDATE]", "[CREATE, UPDATE, DELETE]", []string{`spec.matchConstraints.resourceRules[0].operations[2] is there, and is not rendered: "DELETE"`}},
		{"a rule came", `resourceRules: [`, `resourceRules: [{apiGroups: [apps]}, `, []string{
			`spec.matchConstraints.resourceRules[0].apiGroups[0] is "apps", rendered is ""`,
			`spec.matchConstraints.resourceRules[0].operations is missing, rendered is ["CREATE", "UPDATE"]`,
			"spec.matchConstraints.resourceRules[1] is there, and is not rendered: {apiGroups, operations}",
		}},
		{"a variable is gone: the others have their names", first + "\n", "", []string{`spec.variables["level"] is missing, rendered is {expression, name}`}},
		{"a variable came", "  - {name: level", "  - {name: new, expression: a}\n  - {name: level", []string{`spec.variables["new"] is there, and is not rendered: {expression, name}`}},
		{"variables changed places, and each may use those before it", variables, swapped, []string{"spec.variables has its items in another order than rendered"}},
		{"two variables of one name are compared by their places", "name: long", "name: level", []string{
			`spec.variables[1].name is "level", rendered is "long"`,
		}},
		{"a short expression is another", "'restricted'", "'baseline'", []string{`spec.variables["level"].expression is "'baseline'", rendered is "'restricted'"`}},
		{"a long one is shown where it begins to differ", "&&", "||", []string{
			`spec.variables["long"].expression differs from its character 44 on: it is ..."sts(c, c.name == 'one') || variables.second.all("..., rendered is ..."sts(c, c.name == 'one') && variables.second.all("...`,
		}},
	} {
		text := rendered
		if row.old != "" {
			if strings.Count(rendered, row.old) == 0 {
				t.Fatalf("%s: %q is not there", row.why, row.old)
			}
			text = strings.Replace(rendered, row.old, row.new, 1)
		}
		var got []string
		for _, d := range Between(decode(t, rendered), decode(t, text)) {
			got = append(got, d.String())
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

func decode(t *testing.T, text string) (object map[string]any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}
