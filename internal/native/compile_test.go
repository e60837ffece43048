package native_test

import (
	"context"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/runtime"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/cel/environment"
)

// This file is what the plugins of the API server do with a policy before they use
// it (compilePolicy in plugin.go of k8s.io/apiserver/pkg/admission/plugin/policy/validating
// and in compilation.go of .../mutating), which they do not export. Unlike these it
// compiles as for an expression that is new, which is how the server validates an
// object, and it returns all errors at once.

// newest is the environment of a server of the newest version, which is that of the
// minor version before it. base is the one that is compiled in.
var (
	newest = environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
	base   = newest
)

func newCompiler() (*plugincel.CompositedCompiler, error) {
	return plugincel.NewCompositedCompiler(base)
}

const mode = environment.NewExpressions

var (
	withAuthorizer = plugincel.OptionalVariableDeclarations{HasAuthorizer: true}
	ofMessages     = plugincel.OptionalVariableDeclarations{}
	ofPatches      = plugincel.OptionalVariableDeclarations{HasAuthorizer: true, HasPatchTypes: true}
)

// compileVariables compiles them in their order.
func compileVariables(c *plugincel.CompositedCompiler, variables []admissionregistrationv1.Variable) (errs []error) {
	for _, v := range variables {
		if result := c.CompileAndStoreVariable(&validating.Variable{Name: v.Name, Expression: v.Expression}, withAuthorizer, mode); result.Error != nil {
			errs = append(errs, result.Error)
		}
	}
	return errs
}

// compileConditions is nil for no conditions.
func compileConditions(
	c *plugincel.CompositedCompiler, conditions []admissionregistrationv1.MatchCondition, fail *admissionregistrationv1.FailurePolicyType, name string,
) (matchconditions.Matcher, []error) {
	if len(conditions) == 0 {
		return nil, nil
	}
	var list []plugincel.ExpressionAccessor
	for i := range conditions {
		list = append(list, (*matchconditions.MatchCondition)(&conditions[i]))
	}
	compiled := c.CompileCondition(list, withAuthorizer, mode)
	return matchconditions.NewMatcher(compiled, fail, "policy", "validate", name), compiled.CompilationErrors()
}

func compileValidating(p *admissionregistrationv1.ValidatingAdmissionPolicy) (validating.Validator, []error) {
	c, err := newCompiler()
	if err != nil {
		return nil, []error{err}
	}
	errs := compileVariables(c, p.Spec.Variables)
	matcher, wrong := compileConditions(c, p.Spec.MatchConditions, p.Spec.FailurePolicy, p.Name)
	errs = append(errs, wrong...)
	var conditions, messages, annotations []plugincel.ExpressionAccessor
	for _, v := range p.Spec.Validations {
		conditions = append(conditions, &validating.ValidationCondition{Expression: v.Expression, Message: v.Message, Reason: v.Reason})
		var message plugincel.ExpressionAccessor
		if v.MessageExpression != "" {
			message = &validating.MessageExpressionCondition{MessageExpression: v.MessageExpression}
		}
		messages = append(messages, message)
	}
	for _, a := range p.Spec.AuditAnnotations {
		annotations = append(annotations, &validating.AuditAnnotationCondition{Key: a.Key, ValueExpression: a.ValueExpression})
	}
	compiled := [...]plugincel.ConditionEvaluator{
		c.CompileCondition(conditions, withAuthorizer, mode), c.CompileCondition(annotations, withAuthorizer, mode), c.CompileCondition(messages, ofMessages, mode),
	}
	for _, e := range compiled {
		errs = append(errs, e.CompilationErrors()...)
	}
	return validating.NewValidator(compiled[0], matcher, compiled[1], compiled[2], p.Spec.FailurePolicy, nil), errs
}

func compileMutating(p *admissionregistrationv1.MutatingAdmissionPolicy) (*mutating.PolicyEvaluator, []error) {
	c, err := newCompiler()
	if err != nil {
		return nil, []error{err}
	}
	e := &mutating.PolicyEvaluator{CompositedCompiler: c}
	errs := compileVariables(c, p.Spec.Variables)
	var wrong []error
	e.Matcher, wrong = compileConditions(c, p.Spec.MatchConditions, p.Spec.FailurePolicy, p.Name)
	errs = append(errs, wrong...)
	for _, m := range p.Spec.Mutations {
		compiled := c.CompileMutatingEvaluator(&patch.JSONPatchCondition{Expression: m.JSONPatch.Expression}, ofPatches, mode)
		errs = append(errs, compiled.CompilationErrors()...)
		e.Mutators = append(e.Mutators, patch.NewJSONPatcher(compiled))
	}
	return e, errs
}

// counting counts the calls of a mutation.
type counting struct {
	patch.Patcher
	calls *int
}

// Patch counts and patches.
func (c counting) Patch(ctx context.Context, r patch.Request, budget int64) (runtime.Object, error) {
	*c.calls++
	return c.Patcher.Patch(ctx, r, budget)
}
