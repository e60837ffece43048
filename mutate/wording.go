package mutate

import (
	"slices"
	"strconv"

	"github.com/podfence/podfence/internal/plan"
	"github.com/podfence/podfence/spec"
)

// target is the number of a field's steps that lead to what a patch adds: the
// field itself, or its topmost parent that is missing.
func target(f spec.Field, lacks plan.Missing) int {
	steps := f.Steps()
	switch lacks {
	case plan.Parent:
		return len(steps) - 1
	case plan.Context:
		return 1 + slices.Index(steps, "securityContext")
	default:
		return len(steps)
	}
}

// wording is what a patch says of a field, without its value.
type wording struct {
	// pointer is that of the target, below the pod or the container.
	pointer string
	// before and after enclose the value as a member of the target:
	// `"capabilities":{"drop":` and `}` below a security context.
	before, after string
}

// wordings is made of the table of fields once: the steps are quoted there and
// not for every pod. They need no escaping, neither as a pointer nor as JSON.
var wordings = func() (w [plan.FieldEnd][plan.MissingEnd]wording) {
	for f, field := range plan.Fields() {
		for m := range plan.MissingEnd {
			w[f][m] = wordingOf(field.Path.Steps(), target(field.Path, m))
		}
	}
	return w
}()

func wordingOf(steps []string, target int) wording {
	w := wording{pointer: string(spec.RootAt(steps[:target]...))}
	for i, step := range steps[target:] {
		if i > 0 {
			w.before, w.after = w.before+"{", w.after+"}"
		}
		w.before += strconv.Quote(step) + ":"
	}
	return w
}
