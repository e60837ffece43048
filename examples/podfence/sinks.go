package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/spec"
)

func (a *app) newSink(form string) sink {
	switch form {
	case "json":
		return &jsonSink{app: a}
	case "diff":
		return &diffSink{w: a.out, color: isTerminal(a.stdout) && colorsWanted()}
	case "patch":
		return &patchSink{out: a.out}
	default:
		return &textSink{out: a.out}
	}
}

// colorsWanted reports whether the user minds colours (https://no-color.org).
func colorsWanted() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }

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
		if err := writeJSON(s.out, patchRecord{a.file, a.Line, a.Kind, a.Namespace, a.Name, a.patch}); err != nil {
			return err
		}
	}
	return nil
}

// jsonSink prints every object on a line.
type jsonSink struct{ *app }

func (s *jsonSink) begin(string) error     { return nil }
func (s *jsonSink) end(string, bool) error { return nil }

func (s *jsonSink) mutated(path string, c *manifest.Chunk, after []byte, _ []*addition) error {
	if len(c.Objects) == 0 {
		return nil
	}
	text := after
	if c.Format == manifest.YAML {
		var err error
		if text, err = sigsyaml.YAMLToJSON(after); err != nil {
			s.problem("%s:%d: %v", manifest.Display(path), c.Line, err)
			return nil
		}
	}
	tree := jsonTree{root: text, lists: map[string][]json.RawMessage{}}
	for i := range c.Objects {
		object, err := tree.object(&c.Objects[i])
		if err != nil {
			s.problem("%s:%d: %v", manifest.Display(path), c.Objects[i].Line, err)
			continue
		}
		s.out.Write(spec.PrintableJSON(object))
		if err := s.out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}

// jsonTree takes objects out of the lists in which they stand, without reading
// a number, which might not survive that.
type jsonTree struct {
	root  json.RawMessage
	lists map[string][]json.RawMessage
}

// object is the compact JSON of an object. An item that takes its kind from its
// list stands alone now, and gets it written down.
func (t *jsonTree) object(o *manifest.Object) ([]byte, error) {
	raw, err := t.at(o.Path)
	if err != nil {
		return nil, err
	}
	if members := (map[string]json.RawMessage{}); o.Kind != "" && o.APIVersion != "" && json.Unmarshal(raw, &members) == nil {
		if members["kind"] == nil || members["apiVersion"] == nil {
			members["kind"], _ = json.Marshal(o.Kind)
			members["apiVersion"], _ = json.Marshal(o.APIVersion)
			return marshal(members)
		}
	}
	var b bytes.Buffer
	err = json.Compact(&b, raw)
	return b.Bytes(), err
}

func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	err := writeJSON(&b, value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// at is the value at a path, which leads through items of lists and through
// reviews.
func (t *jsonTree) at(path []string) (json.RawMessage, error) {
	if len(path) == 0 {
		return t.root, nil
	}
	above, step := path[:len(path)-1], path[len(path)-1]
	key := strings.Join(above, "/")
	if elements, ok := t.lists[key]; ok {
		return nth(elements, step)
	}
	parent, err := t.at(above)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimSpace(parent), []byte("[")) {
		var elements []json.RawMessage
		if err := json.Unmarshal(parent, &elements); err != nil {
			return nil, err
		}
		t.lists[key] = elements
		return nth(elements, step)
	}
	var members map[string]json.RawMessage
	err = json.Unmarshal(parent, &members)
	return members[step], err
}

func nth(items []json.RawMessage, index string) (json.RawMessage, error) {
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(items) {
		return nil, fmt.Errorf("the list has no item %s", index)
	}
	return items[i], nil
}

// diffSink prints a unified diff.
type diffSink struct {
	w     *bufio.Writer
	color bool
	diff  *unified
}

func (s *diffSink) begin(path string) error {
	s.diff = newUnified(s.w, slashed(path), s.color)
	return nil
}

func (s *diffSink) mutated(_ string, c *manifest.Chunk, after []byte, _ []*addition) error {
	return s.diff.chunk(c.Raw, after)
}

func (s *diffSink) end(string, bool) error { return s.diff.end() }
