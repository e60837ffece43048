package manifest

import (
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// The functions of this file read text that is known to be valid JSON. None recurses, none looks at a byte more than twice:
// the depth and length of the text are not ours to choose.

// span is a part of a text.
type span struct{ start, end int }

func (s span) of(text []byte) []byte { return text[s.start:s.end] }

// members yields the members of the object in text: key and value. It yields nothing for another value.
func members(text []byte) iter.Seq2[string, span] {
	return func(yield func(string, span) bool) {
		w := walker{text: text}
		if t, ok := w.next(); !ok || t.kind != '{' {
			return
		}
		for {
			key, ok := w.next()
			if !ok || key.kind == '}' {
				return
			}
			if value, _ := w.whole(); !yield(unquote(key.of(text)), value) {
				return
			}
		}
	}
}

// elements yields the elements of the array in text.
func elements(text []byte) iter.Seq[span] {
	return func(yield func(span) bool) {
		w := walker{text: text}
		if t, ok := w.next(); !ok || t.kind != '[' {
			return
		}
		for {
			value, ok := w.whole()
			if !ok || !yield(value) {
				return
			}
		}
	}
}

// token is a piece of JSON: a bracket, a key ('k') or another scalar ('s').
type token struct {
	kind byte
	span
}

func (t token) opens() bool { return t.kind == '{' || t.kind == '[' }

// unquote returns the text of a JSON string. Its escapes matter: "\u006bind" is kind.
func unquote(quoted []byte) string {
	plain := string(quoted[1 : len(quoted)-1])
	if !strings.Contains(plain, `\`) {
		return plain
	}
	_ = json.Unmarshal(quoted, &plain)
	return plain
}

// walker goes over the tokens of a JSON text and knows where it is.
type walker struct {
	text  []byte
	pos   int
	stack []frame
}

// frame is an open object or array and the place in it.
type frame struct {
	object bool
	key    string
	index  int // of the element, in an array
	value  bool
	seen   map[string]bool
}

// next returns the next token; false is the end.
func (w *walker) next() (token, bool) {
	for w.pos < len(w.text) {
		start, c := w.pos, w.text[w.pos]
		switch c {
		case ' ', '\t', '\r', '\n', ':':
			w.pos++
		case ',':
			w.pos++
			w.top().value = false
			w.top().index++
		case '}', ']':
			w.pos++
			w.stack = w.stack[:len(w.stack)-1]
			return token{c, span{start, w.pos}}, true
		default:
			return w.valueOrKey(start, c), true
		}
	}
	return token{}, false
}

func (w *walker) valueOrKey(start int, c byte) token {
	top := w.top()
	if top.object && !top.value {
		top.value = true
		w.pos = skip(w.text, start)
		t := token{'k', span{start, w.pos}}
		top.key = unquote(t.of(w.text))
		return t
	}
	if c == '{' || c == '[' {
		w.pos++
		w.stack = append(w.stack, frame{object: c == '{'})
		return token{c, span{start, w.pos}}
	}
	w.pos = skip(w.text, start)
	return token{'s', span{start, w.pos}}
}

// top is the innermost open frame; outside of all, one that nobody reads.
func (w *walker) top() *frame {
	if len(w.stack) == 0 {
		return &frame{}
	}
	return &w.stack[len(w.stack)-1]
}

// whole returns the next value with all that is in it; false at the end of the array.
func (w *walker) whole() (span, bool) {
	t, ok := w.next()
	if t.opens() {
		w.stack = w.stack[:len(w.stack)-1]
		w.pos = skip(w.text, t.start)
		t.end = w.pos
	}
	return t.span, ok && t.kind != ']'
}

// path returns the keys and indexes that lead to the place.
func (w *walker) path() []string {
	var path []string
	for _, f := range w.stack {
		if f.object {
			path = append(path, f.key)
		} else {
			path = append(path, strconv.Itoa(f.index))
		}
	}
	return path
}

// skip returns the end of the value that starts at start.
func skip(text []byte, start int) int {
	depth := 0
	for i := start; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i) - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ' ', '\t', '\r', '\n', ',', ':':
			continue
		default:
			i = scalarEnd(text, i) - 1
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

func stringEnd(text []byte, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func scalarEnd(text []byte, start int) int {
	i := start
	for i < len(text) && !strings.ContainsRune(" \t\r\n,:]}", rune(text[i])) {
		i++
	}
	return i
}

// duplicateKey finds the first key that its object has twice.
func duplicateKey(text []byte) (path []string, at int, found bool) {
	w := walker{text: text}
	for {
		t, ok := w.next()
		if !ok {
			return nil, 0, false
		}
		if t.kind != 'k' {
			continue
		}
		top := w.top()
		if top.seen[top.key] {
			return w.path(), t.start, true
		}
		if top.seen == nil {
			top.seen = map[string]bool{}
		}
		top.seen[top.key] = true
	}
}

// pathAt returns the path of the value that ends at offset or spans it: the offset of a json.UnmarshalTypeError is behind a
// scalar, or behind the opening bracket of anything else.
func pathAt(text []byte, offset int) []string {
	w := walker{text: text}
	for {
		t, ok := w.next()
		switch {
		case !ok:
			return nil
		case t.kind == 's' && t.end >= offset:
			return w.path()
		case t.opens() && t.end >= offset:
			return pathOutside(&w)
		}
	}
}

// pathOutside is the path of the value that w has just opened.
func pathOutside(w *walker) []string {
	path := w.path()
	return slices.Clip(path[:len(path)-1])
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
