package policy

import (
	"fmt"
	"strings"

	"github.com/podfence/podfence/spec"
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
// the policy's name stands in their place. All of it is spec.Printable; lines
// of the fix below its first are indented, and no name can begin one.
func (e Error) Error() string {
	var parts []string
	for _, part := range []string{e.where(), spec.Printable(e.Field), e.what()} {
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
	problem := spec.Printable(e.Problem)
	if e.Fix == "" {
		return problem
	}
	return problem + "; " + printableLines(e.Fix)
}

// printableLines makes a text of several lines printable. The lines below the
// first, which show what to write, are indented: another line end was not ours.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = spec.Printable(line)
		switch {
		case i == 0:
		case strings.HasPrefix(line, " "):
			lines[i] = "\n" + lines[i]
		default:
			lines[i] = `\n` + lines[i]
		}
	}
	return strings.Join(lines, "")
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
