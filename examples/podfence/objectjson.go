package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/mutate"
)

var errInParts = errors.New("it has more than 4 MiB of items before its kind; write its kind first, or use -o yaml")

// objectJSON is the compact JSON of an object after operations. An item that takes
// its kind from its list stands alone now, and gets it written down.
func objectJSON(o *manifest.Object, operations []mutate.Operation) ([]byte, error) {
	text := json.RawMessage(o.JSON())
	if text == nil {
		return nil, errInParts
	}
	text, err := added(text, operations)
	if err == nil && o.Kind != "" && o.APIVersion != "" {
		text, err = named(text, o)
	}
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Compact(&b, text)
	return b.Bytes(), err
}

// named is the JSON of an object with its apiVersion and kind, as known by now.
func named(text json.RawMessage, o *manifest.Object) (json.RawMessage, error) {
	list, err := membersOf(text)
	if err != nil {
		return nil, err
	}
	if list.index("kind") >= 0 && list.index("apiVersion") >= 0 {
		return text, nil
	}
	head := make(members, 0, len(list)+2)
	for _, m := range []struct{ name, value string }{{"apiVersion", o.APIVersion}, {"kind", o.Kind}} {
		value, err := marshal(m.value)
		if err != nil {
			return nil, err
		}
		head = append(head, member{m.name, value})
	}
	for _, m := range list {
		if m.name != "apiVersion" && m.name != "kind" {
			head = append(head, m)
		}
	}
	return head.render()
}

// added is a JSON text after operations, each an "add" of RFC 6902. Where they do
// not lead, it stays as it is written: a number that was read might lose digits.
func added(text json.RawMessage, operations []mutate.Operation) (json.RawMessage, error) {
	for i, op := range slices.Backward(operations) {
		if len(op.Path) == 0 {
			value, err := marshal(op.Value)
			if err != nil {
				return nil, err
			}
			text, operations = value, operations[i+1:]
			break
		}
	}
	switch text = bytes.TrimLeft(text, " \t\r\n"); {
	case len(operations) == 0:
		return text, nil
	case text[0] == '{':
		return addedToObject(text, operations)
	case text[0] == '[':
		return addedToList(text, operations)
	}
	return nil, fmt.Errorf("nothing can be added to a scalar at %q", operations[0].Path)
}

func addedToObject(text json.RawMessage, operations []mutate.Operation) (json.RawMessage, error) {
	list, err := membersOf(text)
	if err != nil {
		return nil, err
	}
	for len(operations) > 0 {
		var below []mutate.Operation
		name := operations[0].Path[0]
		below, operations = led(operations, name)
		i := list.index(name)
		if i < 0 {
			i = len(list)
			list = append(list, member{name, json.RawMessage("null")})
		}
		if list[i].value, err = added(list[i].value, below); err != nil {
			return nil, err
		}
	}
	return list.render()
}

func addedToList(text json.RawMessage, operations []mutate.Operation) (json.RawMessage, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(text, &elements); err != nil {
		return nil, err
	}
	for len(operations) > 0 {
		var below []mutate.Operation
		step := operations[0].Path[0]
		below, operations = led(operations, step)
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(elements) {
			return nil, fmt.Errorf("the list has no element %q", step)
		}
		if elements[i], err = added(elements[i], below); err != nil {
			return nil, err
		}
	}
	return marshal(elements)
}

// led are the operations whose path begins with a step, from behind it, and the others.
func led(operations []mutate.Operation, step string) (below, others []mutate.Operation) {
	for _, op := range operations {
		if op.Path[0] == step {
			below = append(below, mutate.Operation{Path: op.Path[1:], Value: op.Value})
		} else {
			others = append(others, op)
		}
	}
	return below, others
}

// members are those of a JSON object, in their order.
type members []member

type member struct {
	name  string
	value json.RawMessage
}

func (m members) index(name string) int {
	return slices.IndexFunc(m, func(m member) bool { return m.name == name })
}

func (m members) render() (json.RawMessage, error) {
	b := []byte{'{'}
	for i := range m {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := marshal(m[i].name)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), m[i].value...)
	}
	return append(b, '}'), nil
}

func membersOf(text json.RawMessage) (list members, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		list = append(list, member{name.(string), value})
	}
	return list, nil
}

func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	err := writeJSON(&b, value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
