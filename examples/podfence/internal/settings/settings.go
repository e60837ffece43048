// Package settings reads a configuration file: values that a program's flags would
// have on every command line.
//
// A program has a table of settings, each a key of the file and the flag that has
// the same effect. The table is read three times: Parse holds a file to it, Schema
// writes it down for editors, and the program asks it which flags to set.
//
//	name, err := settings.Find(directory)
//	file, err := settings.Parse(data, name, table)
//	value, ok := file.Value("level")
//
// A file is read strictly, for it says how safe is safe enough: a key that the table
// does not have, a key given twice, a value of another type and a text that the
// setting cannot have are errors with file, line, key and what to write instead, all
// of them at once.
package settings

import (
	"path"
	"path/filepath"
	"strings"
)

// Kind is what a setting holds.
type Kind int

// The kinds.
const (
	Text Kind = iota
	Bool
	List // of texts
)

// Form is what the texts of a setting are.
type Form int

// The forms.
const (
	Word Form = iota
	// Path is a file or a directory, relative to the configuration file.
	Path
	// Glob is a pattern of paths. One with a slash in it is relative to the configuration
	// file, and any other one is held against base names.
	Glob
)

// Setting is a row of the table.
type Setting struct {
	Key string
	// Flag has the same effect, without its dashes.
	Flag string
	Kind Kind
	Form Form
	// Doc says what the setting is for: a sentence for people.
	Doc string
	// Values are the texts that it may have. Nil: any that fits the Pattern.
	Values []string
	// Pattern is a regular expression that its texts must match, in what Go and
	// ECMAScript have in common; PatternHint says what to write. Empty: any text.
	Pattern, PatternHint string
	// Check finds what a pattern does not. Nil: nothing more is asked.
	Check func(text string) error
}

// Value is what a file says of a setting.
type Value struct {
	Line int
	// Shown is the value for people, Set what the flag is to have. They differ in
	// a Glob, which is absolute for the flag.
	Shown, Set []string
}

// File is what a configuration file says.
type File struct {
	Name   string
	values map[string]Value
}

// Value returns what the file says of a key, if it has it.
func (f *File) Value(key string) (Value, bool) {
	v, ok := f.values[key]
	return v, ok
}

// resolve makes a value of the texts in a file.
func (s *Setting) resolve(dir string, line int, texts []string) Value {
	v := Value{Line: line, Shown: texts, Set: texts}
	switch s.Form {
	case Path:
		v.Shown = each(texts, func(text string) string { return under(dir, text) })
		v.Set = v.Shown
	case Glob:
		v.Set = each(texts, func(text string) string { return anchored(dir, text) })
	}
	return v
}

func each(texts []string, change func(string) string) []string {
	list := make([]string, len(texts))
	for i, text := range texts {
		list[i] = change(text)
	}
	return list
}

func under(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// anchored is a pattern as an absolute one, if it is one of whole paths.
func anchored(dir, pattern string) string {
	absolute, err := filepath.Abs(dir)
	clean := path.Clean(pattern)
	if err != nil || !strings.Contains(clean, "/") || filepath.IsAbs(filepath.FromSlash(pattern)) {
		return pattern
	}
	return path.Join(quoted.Replace(filepath.ToSlash(absolute)), clean)
}

// quoted takes the meaning from what has one in a pattern.
var quoted = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`)
