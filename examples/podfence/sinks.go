package main

import (
	"bufio"
	"bytes"
	"encoding/json"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

func (a *app) newSink(form string) sink {
	switch form {
	case "json":
		return &jsonSink{app: a}
	case "diff":
		return &diffSink{w: a.out, look: lookOf(a.stdout)}
	case "patch":
		return &patchSink{out: a.out}
	default:
		return &textSink{out: a.out}
	}
}

// textSink prints the text.
type textSink struct {
	out *bufio.Writer
	// last is the last byte of the file before, 0 for none.
	last byte
	// opened: something of this file was printed.
	opened bool
}

func (s *textSink) begin(string) error     { s.opened = false; return nil }
func (s *textSink) end(string, bool) error { return nil }

func (s *textSink) mutated(_ string, _ *manifest.Chunk, after []byte, _ []*addition) error {
	if len(after) == 0 {
		return nil
	}
	if !s.opened && s.last != 0 {
		s.out.WriteString(separator(s.last, after))
	}
	s.opened = true
	s.last = after[len(after)-1]
	_, err := s.out.Write(after)
	return err
}

// separator parts two files, of which the second may not begin with a document
// mark of its own.
func separator(last byte, next []byte) string {
	s := ""
	if last != '\n' {
		s = "\n"
	}
	switch {
	case bytes.HasPrefix(next, []byte("---")):
		return s
	case bytes.HasPrefix(next, []byte("%")):
		return s + "...\n" // a directive stands before its mark
	default:
		return s + "---\n"
	}
}

// patchSink prints the patches.
type patchSink struct{ out *bufio.Writer }

type patchRecord struct {
	File      string          `json:"file"`
	Line      int             `json:"line"`
	Kind      string          `json:"kind"`
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	Patch     json.RawMessage `json:"patch"`
}

func (s *patchSink) begin(string) error     { return nil }
func (s *patchSink) end(string, bool) error { return nil }

func (s *patchSink) mutated(_ string, _ *manifest.Chunk, _ []byte, additions []*addition) error {
	for _, a := range additions {
		if err := writeJSON(s.out, patchRecord{a.file, a.Line, a.Kind, a.Namespace, a.Name, a.patch()}); err != nil {
			return err
		}
	}
	return nil
}

// jsonSink prints every object on a line, filled in by the decision: a text that
// cannot be edited makes no difference here.
type jsonSink struct{ *app }

func (s *jsonSink) begin(string) error     { return nil }
func (s *jsonSink) end(string, bool) error { return nil }

func (s *jsonSink) mutated(path string, c *manifest.Chunk, _ []byte, additions []*addition) error {
	operations := map[*manifest.Object][]mutate.Operation{}
	for _, a := range additions {
		operations[a.Object] = append(operations[a.Object], a.operations...)
	}
	for i := range c.Objects {
		o := &c.Objects[i]
		object, err := objectJSON(o, operations[o])
		if err != nil {
			s.problem("%s:%d: %s cannot be printed as JSON: %v", manifest.Display(path), o.Line, o, err)
			continue
		}
		s.out.Write(spec.PrintableJSON(object))
		if err := s.out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}

// diffSink prints a unified diff.
type diffSink struct {
	w *bufio.Writer
	look
	diff *unified
}

func (s *diffSink) begin(path string) error {
	s.diff = newUnified(s.w, slashed(path), s.look)
	return nil
}

func (s *diffSink) mutated(_ string, c *manifest.Chunk, after []byte, _ []*addition) error {
	return s.diff.chunk(c.Raw, after)
}

func (s *diffSink) end(string, bool) error { return s.diff.end() }
