package policy

import (
	"fmt"
	"strings"
)

// Error is one thing that is wrong with a policy, and what to write instead.
type Error struct {
	// File is the file's name as given to Parse. Empty: none, as from Validate.
	File string
	// Line counts from 1. 0: the whole file, or no file.
	Line int
	// Policy is the policy's name. Empty: it has none, or the file is meant.
	Policy string
	// Field is the path as the file writes it: allow.runAsUser.ranges[0].min.
	// Empty: the file or the policy as a whole.
	Field string
	// Problem says what is wrong.
	Problem string
	// Fix says what to write instead. It may run over several lines.
	Fix string
}

// Error renders "file:line: field: problem; fix". Without a file and a line,
// the policy's name stands in their place.
func (e Error) Error() string {
	var parts []string
	for _, part := range []string{e.where(), e.Field, e.what()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

func (e Error) where() string {
	position := Position{e.File, e.Line}.String()
	if position == "" && e.Policy != "" {
		return fmt.Sprintf("policy %q", e.Policy)
	}
	return position
}

func (e Error) what() string {
	if e.Fix == "" {
		return e.Problem
	}
	return e.Problem + "; " + e.Fix
}

// Errors is everything that is wrong, in order of line. It is never empty
// where it is returned as an error.
type Errors []Error

// Error renders one error per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single errors, so that errors.As finds an Error.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i := range e {
		all[i] = e[i]
	}
	return all
}

// orNil returns a nil error for no errors.
func (e Errors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	return e
}
