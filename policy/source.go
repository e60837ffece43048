package policy

import (
	"strconv"

	"github.com/podfence/podfence/spec"
)

// Position is a line of a file. The zero Position is unknown, as that of a
// policy that was written in Go.
type Position struct {
	// File is the file's name, as the reader of the file was given it. Empty:
	// unknown, or none.
	File string `json:"file,omitempty"`
	// Line counts from 1. 0: the whole file, or unknown.
	Line int `json:"line,omitempty"`
}

// String renders "file:line", or what is known of it: "file", "line 3" or
// nothing. The name of the file is made spec.Printable.
func (p Position) String() string {
	switch {
	case p.File != "" && p.Line > 0:
		return spec.Printable(p.File) + ":" + strconv.Itoa(p.Line)
	case p.File != "":
		return spec.Printable(p.File)
	case p.Line > 0:
		return "line " + strconv.Itoa(p.Line)
	}
	return ""
}

// Source is where a policy was read from: the position on which it begins, and
// the lines of its fields. The zero Source is that of a policy that was written
// in Go or came as JSON of somebody else's type.
//
// +kubebuilder:object:generate=true
type Source struct {
	Position `json:",inline"`

	// Lines are the lines of the keys and list entries that the file holds,
	// under the policy's own field paths: "allow.allowedHostPaths[1]".
	// [Source.At] looks them up.
	Lines map[string]int `json:"lines,omitempty"`

	// Welkin: the file is a values file of Welkin's chart.
	Welkin bool `json:"welkin,omitempty"`
}

// At returns the position of a field, given by its path as a [Key] or an
// [Error] writes it: "allow.runAsUser", "allow.allowedHostPaths[1]". Where the
// file does not hold the field, because it has its default, it is the position
// of the nearest block around it, and that of the policy in the end. The path
// "" is the policy.
//
// A policy of a Welkin values file is asked by the same paths; "name" and
// "namespace" are there the keys that it stands under.
func (s *Source) At(field string) Position {
	return Position{s.File, lineOf(s.Lines, field, s.Line)}
}

// lineOf is the line of a path, or of the nearest one above it that has one, or
// that of the whole.
func lineOf(lines map[string]int, path string, whole int) int {
	for ; path != ""; path = parentPath(path) {
		if line := lines[path]; line > 0 {
			return line
		}
	}
	return whole
}
