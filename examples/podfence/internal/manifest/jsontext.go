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
		z := tokenizer{text: text}
		if t, ok := z.next(); !ok || t.class != '{' {
			return
		}
		for {
			key, ok := z.next()
			if !ok || key.class == '}' {
				return
			}
			if value, _ := z.whole(); !yield(unquote(key.of(text)), value) {
				return
			}
		}
	}
}

// elements yields the elements of the array in text.
func elements(text []byte) iter.Seq[span] {
	return func(yield func(span) bool) {
		z := tokenizer{text: text}
		if t, ok := z.next(); !ok || t.class != '[' {
			return
		}
		for {
			value, ok := z.whole()
			if !ok || !yield(value) {
				return
			}
		}
	}
}

// token is a piece of JSON: a bracket, a key ('k') or another scalar ('s').
type token struct {
	class byte
	span
}

func (t token) opens() bool { return t.class == '{' || t.class == '[' }

// unquote returns the text of a JSON string. Its escapes matter: "\u006bind" is kind.
func unquote(quoted []byte) string {
	plain := string(quoted[1 : len(quoted)-1])
	if !strings.Contains(plain, `\`) {
		return plain
	}
	_ = json.Unmarshal(quoted, &plain)
	return plain
}

// tokenizer goes over the tokens of a JSON text and knows where it is.
type tokenizer struct {
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
func (z *tokenizer) next() (token, bool) {
	for z.pos < len(z.text) {
		start, c := z.pos, z.text[z.pos]
		switch c {
		case ' ', '\t', '\r', '\n', ':':
			z.pos++
		case ',':
			z.pos++
			z.top().value = false
			z.top().index++
		case '}', ']':
			z.pos++
			z.stack = z.stack[:len(z.stack)-1]
			return token{c, span{start, z.pos}}, true
		default:
			return z.valueOrKey(start, c), true
		}
	}
	return token{}, false
}

func (z *tokenizer) valueOrKey(start int, c byte) token {
	top := z.top()
	if top.object && !top.value {
		top.value = true
		z.pos = skip(z.text, start)
		t := token{'k', span{start, z.pos}}
		top.key = unquote(t.of(z.text))
		return t
	}
	if c == '{' || c == '[' {
		z.pos++
		z.stack = append(z.stack, frame{object: c == '{'})
		return token{c, span{start, z.pos}}
	}
	z.pos = skip(z.text, start)
	return token{'s', span{start, z.pos}}
}

// top is the innermost open frame; outside of all, one that nobody reads.
func (z *tokenizer) top() *frame {
	if len(z.stack) == 0 {
		return &frame{}
	}
	return &z.stack[len(z.stack)-1]
}

// whole returns the next value with all that is in it; false at the end of the array.
func (z *tokenizer) whole() (span, bool) {
	t, ok := z.next()
	if t.opens() {
		z.stack = z.stack[:len(z.stack)-1]
		z.pos = skip(z.text, t.start)
		t.end = z.pos
	}
	return t.span, ok && t.class != ']'
}

// path returns the keys and indexes that lead to the place.
func (z *tokenizer) path() []string {
	var path []string
	for _, f := range z.stack {
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
	z := tokenizer{text: text}
	for {
		t, ok := z.next()
		if !ok {
			return nil, 0, false
		}
		if t.class != 'k' {
			continue
		}
		top := z.top()
		if top.seen[top.key] {
			return z.path(), t.start, true
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
	z := tokenizer{text: text}
	for {
		t, ok := z.next()
		switch {
		case !ok:
			return nil
		case t.class == 's' && t.end >= offset:
			return z.path()
		case t.opens() && t.end >= offset:
			return pathOutside(&z)
		}
	}
}

// pathOutside is the path of the value that z has just opened.
func pathOutside(z *tokenizer) []string {
	path := z.path()
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
