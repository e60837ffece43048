package manifest

import (
	"fmt"
	"strings"

	"github.com/podfence/podfence/spec"
)

// Error says that something could not be decided, or may not be what was meant: where it is, what is wrong and what to do
// about it.
type Error struct {
	File    string // as shown: "<stdin>" for standard input
	Line    int    // 1-based; 0 if there is no line to point to
	Object  string // "Deployment prod/web"; empty if the text is no object yet
	Problem string // what is wrong
	Fix     string // what to do
	Warning bool   // it is decided all the same
}

// Error renders `file:line: could not decide OBJECT: what is wrong; what to do`, or `file:line: warning: OBJECT: ...`, on
// one line that spec.Printable would leave as it is.
func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where += fmt.Sprintf(":%d", e.Line)
	}
	return spec.Printable(where) + ": " + e.Message()
}

// Message renders the error without its place.
func (e *Error) Message() string {
	var b strings.Builder
	switch {
	case !e.Warning:
		b.WriteString("could not decide")
	case e.Object != "":
		b.WriteString("warning:")
	default:
		b.WriteString("warning")
	}
	if e.Object != "" {
		b.WriteString(" " + e.Object)
	}
	// The libraries list several problems on several lines.
	b.WriteString(": " + strings.ReplaceAll(e.Problem, "\n", " "))
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	return spec.Printable(b.String())
}
