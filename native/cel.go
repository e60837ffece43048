package native

import (
	"strconv"
	"strings"

	"github.com/podfence/podfence/spec"
)

// The functions of this file write CEL. In the text of the engine
//
//	x  is a container, an element of variables.containers, and n its index there;
//	p  is a policy, an element of variables.trials, and i its index there;
//	e  is a part of a policy: the policy itself or one of its entries for containers;
//	v  is a violation, and L a list of them.

// let binds a name to a value in an expression. CEL has a macro for that, cel.bind,
// but an API server has not.
func let(name, value, in string) string { return "[" + value + "].map(" + name + ", " + in + ")[0]" }

// given is let for a condition, which costs less.
func given(name, value, condition string) string {
	return "[" + value + "].exists(" + name + ", " + condition + ")"
}

// quote writes text as a string of CEL. Go's escapes are CEL's too.
func quote(text string) string { return strconv.Quote(text) }

// word writes a word of the engine as a string of CEL.
func word(text string) string { return "'" + strings.ReplaceAll(text, "'", `\'`) + "'" }

// words writes a list of strings.
func words(list []string) string {
	quoted := make([]string, len(list))
	for i, text := range list {
		quoted[i] = quote(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// all joins conditions that must all hold; no condition always holds.
func all(conditions ...string) string { return joined(" && ", "true", conditions) }

// either joins conditions of which one must hold; no condition never holds.
func either(conditions ...string) string { return joined(" || ", "false", conditions) }

func joined(by, none string, conditions []string) string {
	switch len(conditions) {
	case 0:
		return none
	case 1:
		return conditions[0]
	}
	return "(" + strings.Join(conditions, by) + ")"
}

// not holds where a condition does not.
func not(condition string) string { return "!(" + condition + ")" }

// sum concatenates lists.
func sum(lists ...string) string { return strings.Join(lists, " + ") }

// own is a field of a container, as an optional value.
func own(f spec.Field) string { return optional("x.c", f.Steps()) }

// ofPod is a field of the pod, as an optional value.
func ofPod(f spec.Field) string {
	steps := f.Steps()
	if len(steps) > 2 && steps[1] == securityContext {
		return optional("variables.podContext", steps[2:])
	}
	return optional("variables.spec", steps[1:])
}

// securityContext is the step that most fields share.
const securityContext = "securityContext"

// optional selects steps, up to the index of a list.
func optional(from string, steps []string) string {
	for _, step := range steps {
		if step == spec.Each {
			break
		}
		from += ".?" + step
	}
	return from
}

// path is the path of a field below its container, or below its pod, with an
// expression for the index.
func path(f spec.Field, index string) string {
	before, after, found := strings.Cut(f.String(), "["+spec.Each+"]")
	if !found {
		return word(before)
	}
	return word(before+"[") + " + string(" + index + ") + " + word("]"+after)
}
