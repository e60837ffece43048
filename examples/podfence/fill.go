package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/yamledit"
)

// filling is what is filled in into one workload.
type filling struct {
	*subject
	decision podfence.Decision
	patch    []byte // RFC 6902, of the object
	edits    []yamledit.Edit
}

func newFilling(w *subject, d podfence.Decision) (*filling, error) {
	f := &filling{subject: w, decision: d, patch: d.Report.PatchWithin(w.workload.Root...)}
	operations, err := decodePatch(f.patch)
	if err != nil {
		return nil, err
	}
	for _, op := range operations {
		f.edits = append(f.edits, yamledit.Edit{Path: slices.Concat(w.Path, steps(op.path)), Value: op.value})
	}
	return f, nil
}

// refusal is an edit that could not be made without touching other text.
type refusal struct {
	*filling
	err error
}

// fill makes the edits of all workloads of a chunk in its text. If one of them
// is refused, that workload is left as it is and the others are still filled:
// the refused one is found by halving, for a list may hold thousands.
func fill(raw []byte, fillings []*filling) (after []byte, refused []refusal) {
	var edits []yamledit.Edit
	for _, f := range fillings {
		edits = append(edits, f.edits...)
	}
	if len(edits) == 0 {
		return raw, nil
	}
	after, err := yamledit.Insert(raw, edits)
	switch {
	case err == nil:
		return after, nil
	case len(fillings) == 1:
		return raw, []refusal{{fillings[0], err}}
	}
	half := len(fillings) / 2
	after, refused = fill(raw, fillings[:half])
	after, others := fill(after, fillings[half:])
	return after, append(refused, others...)
}

// locate says where in the file the refusal is, and why, by the text as it was:
// the edit may have been tried on one that other edits had lengthened. The empty
// lines before it make the editor count lines as the file does.
func (r *refusal) locate(c *manifest.Chunk) (line int, reason string) {
	text := append(bytes.Repeat([]byte{'\n'}, c.Line-1), c.Raw...)
	err := r.err
	if _, again := yamledit.Insert(text, r.edits); again != nil {
		err = again
	}
	var e *yamledit.Error
	if !errors.As(err, &e) {
		return r.Line, err.Error()
	}
	if line = e.Line; line < c.Line {
		line = r.Line
	}
	return line, strings.Join(present(e.Path, e.Reason), ": ")
}

// operation is an RFC 6902 operation, which is always an add.
type operation struct {
	path  string
	value any
}

// decodePatch reads a patch without losing the order of its objects' keys, in
// which the fields are to be written.
func decodePatch(patch []byte) ([]operation, error) {
	d := json.NewDecoder(bytes.NewReader(patch))
	d.UseNumber()
	value, err := decodeValue(d)
	if err != nil {
		return nil, err
	}
	var operations []operation
	for _, item := range value.([]any) {
		var op operation
		for _, m := range item.(yamledit.Object) {
			switch m.Key {
			case "path":
				op.path = m.Value.(string)
			case "value":
				op.value = m.Value
			}
		}
		operations = append(operations, op)
	}
	return operations, nil
}

// decodeValue reads a value as yamledit takes it.
func decodeValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return decodeList(d)
		}
		return decodeObject(d)
	case json.Number:
		return t.Int64()
	default:
		return t, nil
	}
}

func decodeList(d *json.Decoder) (any, error) {
	list := []any{}
	for d.More() {
		value, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := d.Token()
	return list, err
}

func decodeObject(d *json.Decoder) (any, error) {
	object := yamledit.Object{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		object = append(object, yamledit.Member{Key: key.(string), Value: value})
	}
	_, err := d.Token()
	return object, err
}

var pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")

// steps are the segments of a JSON pointer, unescaped.
func steps(pointer string) []string {
	list := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := range list {
		list[i] = pointerUnescaper.Replace(list[i])
	}
	return list
}
