package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/podfence/podfence/examples/podfence/internal/yamledit"
)

// editsOf turns a rendered patch of an object into edits of the text in which
// the object stands at a path. It is the only place where the command reads what
// the library has rendered.
func editsOf(patch []byte, path []string) ([]yamledit.Edit, error) {
	operations, err := decodePatch(patch)
	if err != nil {
		return nil, err
	}
	var edits []yamledit.Edit
	for _, op := range operations {
		edits = append(edits, yamledit.Edit{Path: slices.Concat(path, steps(op.path)), Value: op.value})
	}
	return edits, nil
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
		for _, m := range item.(yamledit.Mapping) {
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
		return decodeMapping(d)
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

func decodeMapping(d *json.Decoder) (any, error) {
	mapping := yamledit.Mapping{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		mapping = append(mapping, yamledit.Member{Key: key.(string), Value: value})
	}
	_, err := d.Token()
	return mapping, err
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
