package native

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// largestObject is how many bytes of JSON an object may have: what etcd accepts, with
// some room for what the API server adds.
const largestObject = 1_400_000

// check refuses what an API server would: expressions and objects that are too large.
func (r *renderer) check(objects *Objects) error {
	for _, object := range objects.List() {
		text, err := json.Marshal(object)
		if err != nil {
			return err
		}
		if len(text) > largestObject {
			return &Error{Key: "policies", Problem: fmt.Sprintf("%d policies make an object of %d bytes, of which an API server stores about %d", len(r.data.policies), len(text), largestObject),
				Fix: "render fewer policies, for fewer namespaces, or run the webhook, which has no such limit"}
		}
	}
	for _, v := range objects.expressions() {
		if n := utf8.RuneCountInString(v.Expression); n > longestExpression {
			return &Error{Key: v.Name, Problem: fmt.Sprintf("the expression has %d characters, of which it may have %d", n, longestExpression), Fix: "render fewer policies, for fewer namespaces"}
		}
	}
	return nil
}

// expressions are all of the objects, by name.
func (o *Objects) expressions() (list []Variable) {
	add := func(conditions []Condition, variables []Variable) {
		for _, c := range conditions {
			list = append(list, Variable(c))
		}
		list = append(list, variables...)
	}
	for _, v := range []*Validating{o.Enforce, o.Audit, o.Warn, o.Templates} {
		if v == nil {
			continue
		}
		add(v.Policy.Spec.MatchConditions, v.Policy.Spec.Variables)
		for _, validation := range v.Policy.Spec.Validations {
			list = append(list, Variable{"validation", validation.Expression}, Variable{"message", validation.MessageExpression})
		}
		for _, a := range v.Policy.Spec.AuditAnnotations {
			list = append(list, Variable{a.Key, a.ValueExpression})
		}
	}
	if m := o.Mutate; m != nil {
		add(m.Policy.Spec.MatchConditions, m.Policy.Spec.Variables)
		for _, mutation := range m.Policy.Spec.Mutations {
			list = append(list, Variable{"mutation", mutation.JSONPatch.Expression})
		}
	}
	return list
}
