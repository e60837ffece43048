// Package patchtest applies patches in tests. It knows of RFC 6902 what podfence
// writes, the operation "add", and is short enough to be read whole; a test holds
// it against a full implementation.
package patchtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Tree is a JSON text without order and white space, its numbers as they are
// written.
func Tree(text []byte) (tree any, err error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("%w in %s", err, text)
	}
	return tree, nil
}

// MustTree is [Tree], and panics where that fails: for texts that are known to be JSON.
func MustTree(text []byte) any {
	tree, err := Tree(text)
	if err != nil {
		panic(err)
	}
	return tree
}

// MustJSON is the JSON of a value, and panics where there is none.
func MustJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// operation is one step of a patch. Value is nil where the step names none.
type operation struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value"`
}

// Apply is the [Tree] of a JSON text after a patch. An operation other than
// "add", one without a value, and one whose place has no parent are errors.
func Apply(text, patch []byte) (any, error) {
	tree, err := Tree(text)
	if err != nil {
		return nil, err
	}
	var operations []operation
	if err := json.Unmarshal(patch, &operations); err != nil {
		return nil, fmt.Errorf("%w in the patch %s", err, patch)
	}
	for _, o := range operations {
		if o.Op != "add" || o.Value == nil {
			return nil, fmt.Errorf("op %q with value %q is none that podfence writes", o.Op, o.Value)
		}
		value, err := Tree(o.Value)
		if err != nil {
			return nil, err
		}
		steps, err := stepsOf(o.Path)
		if err != nil {
			return nil, err
		}
		if tree, err = add(tree, steps, value); err != nil {
			return nil, fmt.Errorf("add at %q: %w", o.Path, err)
		}
	}
	return tree, nil
}

// stepsOf are the steps of a JSON pointer (RFC 6901).
func stepsOf(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if pointer[0] != '/' {
		return nil, fmt.Errorf("%q is no JSON pointer", pointer)
	}
	steps := strings.Split(pointer[1:], "/")
	for i := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(steps[i], "~1", "/"), "~0", "~")
	}
	return steps, nil
}

// add is the tree with a value at the end of some steps: a member of an object is
// set, an element of a list is put before the one that stands there. The tree that
// was given stays as it is.
func add(tree any, steps []string, value any) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	step, last := steps[0], len(steps) == 1
	switch node := tree.(type) {
	case map[string]any:
		child, found := node[step]
		if !found && !last {
			return nil, fmt.Errorf("there is no %q", step)
		}
		changed, err := add(child, steps[1:], value)
		if err != nil {
			return nil, err
		}
		node = maps.Clone(node)
		node[step] = changed
		return node, nil
	case []any:
		i, err := index(step, len(node), last)
		if err != nil {
			return nil, err
		}
		if last {
			return slices.Insert(slices.Clone(node), i, value), nil
		}
		changed, err := add(node[i], steps[1:], value)
		if err != nil {
			return nil, err
		}
		node = slices.Clone(node)
		node[i] = changed
		return node, nil
	default:
		return nil, fmt.Errorf("%q would be below %v", step, tree)
	}
}

// index is the place in a list of some length that a step names. One past the end,
// and "-" for it, is a place where an element may be added.
func index(step string, length int, adds bool) (int, error) {
	most := length - 1
	if adds {
		most = length
	}
	if step == "-" && adds {
		return length, nil
	}
	i, err := strconv.Atoi(step)
	if err != nil {
		return 0, err
	}
	if i < 0 || i > most || strconv.Itoa(i) != step {
		return 0, errors.New("a list has no element " + step)
	}
	return i, nil
}
