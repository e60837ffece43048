package manifest

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"

	"github.com/podfence/podfence/examples/podfence/internal/fields"
)

// source is the text of an object, for questions that few objects raise.
type source struct {
	text  []byte // its JSON, nil where it was not read as a whole
	start int    // of text in the chunk's JSON
	at    locator
	file  string
	// loose: the text has fields that the type of the object does not have.
	loose bool
}

// MayHoldPods reports whether there is reason to look for pod templates in an object of another kind: its text has the
// word, or escapes in which it may be written.
func (o *Object) MayHoldPods() bool {
	return mayHoldPods(o.source.text)
}

func mayHoldPods(text []byte) bool {
	return bytes.Contains(text, []byte(`containers"`)) || bytes.Contains(text, []byte(`\u`))
}

// JSON is the object as JSON, of a YAML document with its aliases written out. It is nil of an object that was read in
// parts, being no list though it looked like one. The caller may not change it.
func (o *Object) JSON() []byte { return o.source.text }

// Tree decodes an object without regard to its kind. nil is what is no mapping.
func (o *Object) Tree() *unstructured.Unstructured {
	var content map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(o.source.text, &content); err != nil || content == nil {
		return nil
	}
	if o.Kind != "" {
		content["kind"], content["apiVersion"] = o.Kind, o.APIVersion
	}
	if content["metadata"] == nil {
		delete(content, "metadata")
	}
	u := &unstructured.Unstructured{Object: content}
	if o.Namespace != "" {
		u.SetNamespace(o.Namespace)
	}
	return u
}

// Mistyped says why the pod template at path cannot be decoded to what create makes, nil if it can.
func (o *Object) Mistyped(path []string, create func() any) error {
	s, _ := valueAt(o.source.text, path)
	// The positions are those of the object's text, and its place is added by the locator.
	d, at := decoder{file: o.source.file, text: o.source.text, at: shifted{o.source.at, o.source.start}}, slices.Concat(o.Path, path)
	if err := kjson.UnmarshalCaseSensitivePreserveInts(s.of(o.source.text), create()); err != nil {
		return d.mistyped(create, s, at, *o, err)
	}
	return d.nullContainer(s, at, *o, nil)
}

// shifted locates in a text that is a part of another.
type shifted struct {
	in    locator
	start int
}

func (l shifted) line(path []string, offset int) int { return l.in.line(path, l.start+offset) }

// Unknown is a field that an API type does not have.
type Unknown struct {
	Path []string // from the object
	Line int
	fields.Hint
}

// Field is the path as Kubernetes writes it: spec.containers[0].image.
func (u *Unknown) Field() string { return fieldPath(u.Path) }

// MaxUnknown is how many fields of an object are told.
const MaxUnknown = 20

// Unknown returns the fields that the type of a workload does not have, at most 20.
func (o *Object) Unknown() []Unknown {
	if !o.source.loose {
		return nil
	}
	return o.unknown(nil, o.source.text, reflect.TypeOf(o.Typed))
}

// UnknownAt returns the fields of the value at path that a type does not have, at most 20.
func (o *Object) UnknownAt(path []string, t reflect.Type) []Unknown {
	s, ok := valueAt(o.source.text, path)
	if !ok {
		return nil
	}
	return o.unknown(path, s.of(o.source.text), t)
}

func (o *Object) unknown(root []string, text []byte, goType reflect.Type) (list []Unknown) {
	t := fields.Of(goType)
	for path := range unknownFields(text, t) {
		last := len(path) - 1
		u := Unknown{Path: append(append([]string{}, root...), path...), Hint: t.Hint(path[:last], path[last])}
		u.Line = o.LineOf(u.Path)
		if list = append(list, u); len(list) == MaxUnknown {
			break
		}
	}
	// The keys of YAML come in the order of their names.
	slices.SortStableFunc(list, func(a, b Unknown) int { return cmp.Compare(a.Line, b.Line) })
	return list
}

// valueAt returns the value at the end of a path, or the last one on the way that is there.
func valueAt(text []byte, path []string) (s span, ok bool) {
	s = span{0, len(text)}
	for _, step := range path {
		child, found := childOf(s.of(text), step)
		if !found {
			return s, false
		}
		s = span{s.start + child.start, s.start + child.end}
	}
	return s, true
}

func childOf(text []byte, step string) (span, bool) {
	for key, value := range members(text) {
		if key == step {
			return value, true
		}
	}
	i, err := strconv.Atoi(step)
	if err != nil {
		return span{}, false
	}
	for element := range elements(text) {
		if i--; i < 0 {
			return element, true
		}
	}
	return span{}, false
}
