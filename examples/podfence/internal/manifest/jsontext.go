package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/podfence/podfence/examples/podfence/internal/fields"
)

// The functions of this file read text that is known to be valid JSON, no deeper than maxDepth.

// span is a part of a text.
type span struct{ start, end int }

func (s span) of(text []byte) []byte { return text[s.start:s.end] }

// walker goes over the tokens of a JSON text and knows where it is.
type walker struct {
	jsontext.Decoder
	in   bytes.Buffer
	text []byte
}

func walk(text []byte) *walker {
	w := &walker{}
	w.begin(text)
	return w
}

// begin begins a text. What a key given twice means is the caller's matter, and so is what is no UTF-8 in an escape.
func (w *walker) begin(text []byte) {
	w.in, w.text = *bytes.NewBuffer(text), text
	w.Reset(&w.in, textOptions...)
}

// value reads the next value with all that is in it; false where there is none.
func (w *walker) value() (span, bool) {
	v, err := w.ReadValue()
	end := int(w.InputOffset())
	return span{end - len(v), end}, err == nil
}

// key reads the key of the next member; false at the end of the object.
func (w *walker) key() (key []byte, at span, ok bool) {
	if w.PeekKind() != '"' {
		return nil, at, false
	}
	at, ok = w.value()
	return unquoted(at.of(w.text)), at, ok
}

// opens reads an opening bracket, if it is next.
func (w *walker) opens(bracket jsontext.Kind) bool {
	if w.PeekKind() != bracket {
		return false
	}
	_, err := w.ReadToken()
	return err == nil
}

// scalar reads the next scalar that is no key, passing brackets and keys; false at the end of the text.
func (w *walker) scalar() (span, bool) {
	for {
		switch w.PeekKind() {
		case '{', '}', '[', ']':
			if _, err := w.ReadToken(); err != nil {
				return span{}, false
			}
			continue
		}
		s, ok := w.value()
		if !ok || !w.atKey() {
			return s, ok
		}
	}
}

// atKey reports whether what was read last is the key of a member.
func (w *walker) atKey() bool {
	kind, n := w.StackIndex(w.StackDepth())
	return kind == '{' && n%2 == 1
}

// path returns the keys and indexes that lead to what was read last.
func (w *walker) path() []string { return slices.Collect(w.StackPointer().Tokens()) }

// members yields the members of the object in text: key and value. It yields nothing for another value.
func members(text []byte) iter.Seq2[string, span] {
	return func(yield func(string, span) bool) {
		w := walk(text)
		if !w.opens('{') {
			return
		}
		for {
			key, _, ok := w.key()
			if !ok {
				return
			}
			if value, ok := w.value(); !ok || !yield(string(key), value) {
				return
			}
		}
	}
}

// elements yields the elements of the array in text.
func elements(text []byte) iter.Seq[span] {
	return func(yield func(span) bool) {
		w := walk(text)
		if !w.opens('[') {
			return
		}
		for {
			if value, ok := w.value(); !ok || !yield(value) {
				return
			}
		}
	}
}

// unquote returns the text of a JSON string. Its escapes matter: "\u006bind" is kind.
func unquote(quoted []byte) string { return string(unquoted(quoted)) }

// unquoted is unquote without a copy, where there are no escapes.
func unquoted(quoted []byte) []byte {
	plain := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(plain, '\\') < 0 {
		return plain
	}
	var text string
	_ = json.Unmarshal(quoted, &text)
	return []byte(text)
}

// duplicateKey finds the first key that its object has twice.
func duplicateKey(text []byte) (path []string, at int, found bool) {
	var twice *jsontext.SyntacticError
	err := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowInvalidUTF8(true)).SkipValue()
	if !errors.Is(err, jsontext.ErrDuplicateName) || !errors.As(err, &twice) {
		return nil, 0, false
	}
	return slices.Collect(twice.JSONPointer.Tokens()), int(twice.ByteOffset), true
}

// pathAt returns the path of the value that ends at offset or spans it: the offset of a json.UnmarshalTypeError is behind a
// scalar, or behind the opening bracket of anything else.
func pathAt(text []byte, offset int) []string {
	for w := walk(text); ; {
		t, err := w.ReadToken()
		switch {
		case err != nil:
			return nil
		case t.Kind() != '}' && t.Kind() != ']' && !w.atKey() && int(w.InputOffset()) >= offset:
			return w.path()
		}
	}
}

// unknownFields yields the path of every field that the type does not have. What stands in one is not looked at, nor is
// the status, which a cluster writes.
func unknownFields(text []byte, t *fields.Type) iter.Seq[[]string] {
	return func(yield func([]string) bool) { walk(text).unknown(t, yield) }
}

// unknown looks into the next value, no deeper than its type goes. It returns false when the caller wants no more.
func (w *walker) unknown(t *fields.Type, yield func([]string) bool) bool {
	switch {
	case t != nil && w.opens('['):
		for w.PeekKind() != ']' {
			if !w.unknown(t.Each(), yield) {
				return false
			}
		}
		return w.opens(']')
	case t == nil || !w.opens('{'):
		return w.SkipValue() == nil
	}
	for {
		key, _, ok := w.key()
		if !ok {
			return w.opens('}')
		}
		field, known := t.Field(string(key))
		switch {
		case !known && !yield(w.path()):
			return false
		case !known || w.StackDepth() == 1 && string(key) == "status":
			field = nil
		}
		if !w.unknown(field, yield) {
			return false
		}
	}
}

// fieldPath writes a path as Kubernetes does: spec.containers[0].image.
func fieldPath(path []string) string {
	var b strings.Builder
	for _, p := range path {
		switch _, err := strconv.Atoi(p); {
		case err == nil:
			b.WriteString("[" + p + "]")
		case b.Len() > 0:
			b.WriteString("." + p)
		default:
			b.WriteString(p)
		}
	}
	return b.String()
}
