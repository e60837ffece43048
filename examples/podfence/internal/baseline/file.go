package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// The keys of a baseline: the command that wrote it, as what one finds another does not, and the entries.
const (
	keyCommand  = "command"
	keyAccepted = "accepted"
	keyValue    = "value"
)

// text is a member of an entry that is a text.
type text struct {
	name  string
	value *string
	// needed: every entry has it.
	needed bool
}

// texts are those of an entry, in the order in which they are written. The member "value" follows them.
func (k *Key) texts() []text {
	return []text{
		{"kind", &k.Kind, true},
		{"namespace", &k.Namespace, false},
		{"name", &k.Name, false},
		{"check", &k.Check, true},
		{"container", &k.Container, false},
		{"volume", &k.Volume, false},
		{"field", &k.Field, true},
	}
}

// Error is what is wrong with a baseline, and where.
type Error struct {
	File         string
	Line         int // 0: the file as a whole
	Problem, Fix string
	// Of is the command whose baseline it is, where it is that of another one.
	Of string
}

// Error renders "file:line: problem; fix", printable.
func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where += fmt.Sprintf(":%d", e.Line)
	}
	return spec.Printable(where + ": " + e.Problem + "; " + e.Fix)
}

// Read reads the baseline of a command. Its errors are all that are wrong, joined, each an *Error unless the file cannot
// be read.
func Read(name, command string) (*Baseline, error) {
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &Error{File: name, Problem: "there is no such baseline", Fix: "write one with --write-baseline " + name}
	} else if err != nil {
		return nil, err
	}
	return parse(data, name, command)
}

func parse(data []byte, name, command string) (*Baseline, error) {
	root, err := rootOf(data, name)
	if err != nil {
		return nil, err
	}
	r := &reader{file: name}
	b := &Baseline{file: name, entries: map[Key]*state{}, objects: map[Object][]*state{}}
	members := r.members(root, keyCommand, keyAccepted)
	switch by := members[keyCommand]; {
	case members == nil:
	case by == nil:
		r.fail(root, "it does not say of which command it is", "write "+keyCommand+": "+command)
	case by.Value != command:
		r.fail(by, fmt.Sprintf("it is a baseline of %q, and not of %s", by.Value, command), "write one with "+command+" --write-baseline")
		r.errs[len(r.errs)-1].(*Error).Of = by.Value
	}
	if accepted := members[keyAccepted]; accepted != nil {
		r.entries(accepted, b)
	}
	if err := errors.Join(r.errs...); err != nil {
		return nil, err
	}
	return b, nil
}

// rootOf parses a text that holds one mapping.
func rootOf(data []byte, name string) (root *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil { // the parser lets some of its own through
			err = &Error{File: name, Problem: fmt.Sprintf("the parser failed: %v", p), Fix: "write it anew with --write-baseline"}
		}
	}()
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(data))
	err = d.Decode(&doc)
	switch {
	case err == io.EOF:
		return nil, &Error{File: name, Problem: "it is empty", Fix: "write it anew with --write-baseline"}
	case err != nil:
		return nil, &Error{File: name, Problem: err.Error(), Fix: "write it anew with --write-baseline"}
	case d.Decode(&more) != io.EOF:
		return nil, &Error{File: name, Line: more.Line, Problem: "more follows the document", Fix: "remove it"}
	}
	return doc.Content[0], nil
}

// reader gathers what is wrong.
type reader struct {
	file string
	errs []error
}

func (r *reader) fail(n *yaml.Node, problem, fix string) {
	r.errs = append(r.errs, &Error{File: r.file, Line: n.Line, Problem: problem, Fix: fix})
}

// members are those of a mapping that have one of the names. Others, and a name given twice, are errors.
func (r *reader) members(n *yaml.Node, names ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "a mapping belongs here", fmt.Sprintf("write the keys %s", list(names)))
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case !slices.Contains(names, key.Value):
			r.fail(key, fmt.Sprintf("%q is no key of a baseline here", key.Value), "write one of "+list(names))
		case found[key.Value] != nil:
			r.fail(key, fmt.Sprintf("the key %q is given twice", key.Value), "remove one of the two")
		default:
			found[key.Value] = n.Content[i+1]
		}
	}
	return found
}

func (r *reader) entries(n *yaml.Node, b *Baseline) {
	if n.Kind != yaml.SequenceNode {
		if n.ShortTag() != "!!null" {
			r.fail(n, "accepted is no list", "write a list of entries")
		}
		return
	}
	for _, item := range n.Content {
		if k, ok := r.entry(item); ok {
			r.add(b, k, item)
		}
	}
}

func (r *reader) add(b *Baseline, k Key, n *yaml.Node) {
	if first := b.entries[k]; first != nil {
		r.fail(n, fmt.Sprintf("the entry is in line %d already", first.line), "remove one of the two")
		return
	}
	s := &state{key: k, line: n.Line}
	b.entries[k] = s
	b.objects[k.Object] = append(b.objects[k.Object], s)
}

// entry reads an entry; false where it is wrong.
func (r *reader) entry(n *yaml.Node) (k Key, ok bool) {
	before := len(r.errs)
	var names []string
	for _, t := range k.texts() {
		names = append(names, t.name)
	}
	members := r.members(n, append(names, keyValue)...)
	for _, t := range k.texts() {
		switch value := members[t.name]; {
		case value == nil:
		case value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str":
			r.fail(value, t.name+" is no text", "write it in quotes")
		default:
			*t.value = value.Value
		}
	}
	k.Value = unset
	if v := members[keyValue]; v != nil {
		k.Value = r.value(v)
	}
	if len(r.errs) == before {
		r.complete(n, &k)
	}
	return k, len(r.errs) == before
}

// complete demands what every entry has.
func (r *reader) complete(n *yaml.Node, k *Key) {
	for _, t := range k.texts() {
		if t.needed && *t.value == "" {
			r.fail(n, "the entry has no "+t.name, "write it, or remove the entry")
			return
		}
	}
	if !isCheck(k.Check) {
		r.fail(n, fmt.Sprintf("no check and no rule of a policy has the ID %q", k.Check), "correct it, or remove the entry")
	}
}

func isCheck(id string) bool {
	var check spec.CheckID
	var key policy.Key
	return check.UnmarshalText([]byte(id)) == nil || key.UnmarshalText([]byte(id)) == nil
}

// value is a value as the JSON in a Key.
func (r *reader) value(n *yaml.Node) string {
	var v any
	err := n.Decode(&v)
	var value []byte
	if err == nil {
		value, err = json.Marshal(v)
	}
	if err != nil {
		r.fail(n, "value cannot be read: "+err.Error(), "write what the field holds")
	}
	return string(value)
}

// list joins names for a message.
func list(names []string) string { return strings.Join(names, ", ") }
