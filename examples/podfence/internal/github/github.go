// Package github prints findings as workflow commands, which GitHub Actions shows beside the lines of a pull request.
//
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions has the commands. What the runner would
// take for a part of one is escaped as actions/toolkit does (packages/core/src/command.ts).
package github

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/spec"
)

// printer is the one form that needs nothing around its lines.
type printer struct {
	w io.Writer
	// undecided: a finding of that severity was printed.
	undecided bool
}

// New returns a printer of workflow commands: an error for each finding that fails its subject or keeps it from being
// judged, a warning for every other one, and nothing for what is accepted.
func New(w io.Writer) finding.Printer { return &printer{w: w} }

func (p *printer) Print(s *finding.Subject) error {
	for i := range s.Findings {
		f := &s.Findings[i]
		p.undecided = p.undecided || f.Severity == finding.Undecided
		if f.Accepted {
			continue
		}
		if _, err := io.WriteString(p.w, command(s, f)); err != nil {
			return err
		}
	}
	return nil
}

func (p *printer) Close(end finding.End) error {
	if end.Complete || p.undecided {
		return nil
	}
	return p.Print(finding.Incomplete())
}

// command is a finding as a line.
func command(s *finding.Subject, f *finding.Finding) string {
	var b strings.Builder
	b.WriteString("::")
	b.WriteString(level(f.Severity))
	separator := " "
	property := func(name, value string) {
		b.WriteString(separator + name + "=" + escapedProperty.Replace(value))
		separator = ","
	}
	number := func(name string, n int) {
		if n > 0 {
			property(name, fmt.Sprint(n))
		}
	}
	if s.File != "" {
		property("file", spec.Printable(filepath.ToSlash(s.File)))
		number("line", f.Line)
		number("endLine", f.EndLine)
		number("col", f.Column)
		number("endColumn", f.EndColumn)
	}
	property("title", f.Rule)
	b.WriteString("::" + escaped.Replace(f.Message) + "\n")
	return b.String()
}

func level(s finding.Severity) string {
	if s == finding.Warning {
		return "warning"
	}
	return "error"
}

var (
	escaped         = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapedProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
