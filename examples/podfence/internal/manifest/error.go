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
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	said := ": could not decide"
	switch {
	case e.Warning && e.Object != "":
		said = ": warning:"
	case e.Warning:
		said = ": warning"
	}
	b.WriteString(said)
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
