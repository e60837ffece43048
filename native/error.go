package native

import (
	"strings"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Error is what keeps a set of policies, or options, from being rendered.
type Error struct {
	// Policy is the name of the policy, and File and Line are where it was read from;
	// all are zero where an option is at fault, or all policies together are.
	Policy string
	File   string
	Line   int
	// Key is the key of the policy, or the option.
	Key string
	// Problem says what is wrong, Fix what to do instead.
	Problem, Fix string
}

// Error renders "file:line: policy "name": key: problem; fix", without what is
// unknown. All of it is spec.Printable.
func (e *Error) Error() string {
	var parts []string
	if at := (policy.Position{File: e.File, Line: e.Line}).String(); at != "" {
		parts = append(parts, at)
	}
	if e.Policy != "" {
		parts = append(parts, `policy "`+e.Policy+`"`)
	}
	if e.Key != "" {
		parts = append(parts, e.Key)
	}
	return spec.Printable(strings.Join(append(parts, e.Problem+"; "+e.Fix), ": "))
}
