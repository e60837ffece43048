// Package addpatch applies JSON patches (RFC 6902) that do nothing but add members
// to objects, which is all that the patch of a report does. Tests of this module use
// it, whose go.mod need not require a whole implementation for their sake;
// internal/conformance/patches holds that it answers as such an implementation does.
package addpatch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Apply returns a JSON document after a patch, with its numbers as they are
// written. Each operation adds a value to the object that its path names the
// member of, in place of a member of that name. Apply refuses any other operation,
// and a path whose parent does not exist or is no object.
func Apply(doc, patch []byte) ([]byte, error) {
	tree, err := decode(doc)
	if err != nil {
		return nil, err
	}
	var operations []struct {
		Op    string          `json:"op"`
		Path  string          `json:"path"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(patch, &operations); err != nil {
		return nil, err
	}
	for _, o := range operations {
		value, err := decode(o.Value)
		if err != nil || o.Op != "add" || !strings.HasPrefix(o.Path, "/") {
			return nil, fmt.Errorf("%s %q: not the addition of a value to an object", o.Op, o.Path)
		}
		steps := strings.Split(o.Path[1:], "/")
		last := len(steps) - 1
		object, ok := at(tree, steps[:last]).(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: the parent is no object", o.Path)
		}
		object[unescape(steps[last])] = value
	}
	return json.Marshal(tree)
}

func decode(text []byte) (tree any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return tree, d.Decode(&tree)
}

// at follows the steps of a pointer; nil is where they lead nowhere.
func at(tree any, steps []string) any {
	for _, step := range steps {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[unescape(step)]
		case []any:
			i, err := strconv.ParseUint(step, 10, 31)
			if err != nil || int(i) >= len(node) {
				return nil
			}
			tree = node[i]
		default:
			return nil
		}
	}
	return tree
}

// unescape reads a step of a pointer (RFC 6901, 4).
func unescape(step string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
}
