// Package yamledit adds members to a YAML or JSON document by inserting text, so that everything a person wrote stays
// as it is: comments, key order, quotes, line ends, blank lines and fields that no type knows.
//
// [Insert] is the one call. It keeps three laws:
//
//   - Insertion: the source is a subsequence of the result, except that a written null ("null" or "~") which receives a
//     value is replaced by it. In block style, and in flow style with a member a line, the old lines are all there,
//     untouched and in order (TestRandomManifests, TestTable).
//   - Truth: the result, read again by two parsers, equals the source on which the edits were applied as RFC 6902 "add"
//     operations. A result which does not is never returned ([Insert] checks each one; FuzzInsert checks again).
//   - All or nothing: one edit that cannot be made leaves no result, and the [Error] says where and why.
//
// The package never marshals the document. It parses to find positions, and nothing else.
package yamledit

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Edit adds Value at Path, as the RFC 6902 operation "add" does on a member of an object. All parents must exist; a
// parent written as null counts as an empty object, as it does in a decoded Kubernetes object. The member itself must be
// absent, null, or an empty collection of the kind of Value; text which holds something is never replaced.
type Edit struct {
	// Path holds the segments, unescaped: "spec", "containers", "0", "securityContext".
	Path []string
	// Value is nil, a bool, an integer, a string, a list ([]any, []string or []int64) or a [Mapping]. A map[string]any is
	// taken as a Mapping with its keys sorted.
	Value any
}

// Member is one key of a [Mapping].
type Member struct {
	Key   string
	Value any
}

// Mapping is a mapping whose keys are written in the order given, which a Go map could not promise.
type Mapping []Member

// Error says why a document was left alone. Its fields are for callers; its text is for people.
type Error struct {
	// Line in the source, from 1; 0 when no line can be named.
	Line int
	// Path of the edit, written as Kubernetes writes field paths; empty when the document as a whole is at fault.
	Path string
	// Reason is a sentence without a capital or a full stop, with what to write instead where there is such a thing.
	Reason string
}

// Error joins the line, the path and the reason, leaving out those that are not known.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Reason)
	return b.String()
}

// Insert returns src, one YAML document or one JSON object, with the edits made in their order. A later edit may add to
// what an earlier one added. Src is not modified, and the result shares no memory with it. The error is always an
// [*Error], and comes with a nil result.
//
// The cost grows with the size of src plus the size of the edits: all insertions are collected and spliced once.
func Insert(src []byte, edits []Edit) ([]byte, error) { return InsertParsed(src, Parsed{}, edits) }

// Parsed is what is known of a source: its tree, which is not modified, and its JSON, as sigs.k8s.io/yaml converts it. What
// is not there is made.
type Parsed struct {
	Root *yaml.Node
	JSON []byte
}

// InsertParsed is [Insert] for a source that was parsed before.
func InsertParsed(src []byte, known Parsed, edits []Edit) ([]byte, error) {
	if len(edits) == 0 {
		return bytes.Clone(src), nil
	}
	out, _, err := insert(src, known, edits)
	return out, err
}

// Replacement is text that Insert puts into a source.
type Replacement struct {
	// Offset is where it begins, in bytes of the source.
	Offset int
	// Removed is how many bytes it replaces: those of a written null, else 0.
	Removed int
	Text    string
}

// Replacements returns what [Insert] would put into src, in the order of the text. It makes the edits and checks their
// result as Insert does, and has its errors.
func Replacements(src []byte, edits []Edit) (list []Replacement, err error) {
	if len(edits) == 0 {
		return nil, nil
	}
	_, insertions, err := insert(src, Parsed{}, edits)
	for _, i := range insertions {
		if i.text != "" {
			list = append(list, Replacement{i.at, i.remove, i.text})
		}
	}
	return list, err
}

// insert makes the edits. The insertions are in the order of the text.
func insert(src []byte, known Parsed, edits []Edit) (out []byte, insertions []insertion, err error) {
	edits, err = normalizeEdits(edits)
	if err != nil {
		return nil, nil, err
	}
	doc, err := parse(src, known.Root)
	if err != nil {
		return nil, nil, err
	}
	targets, err := resolve(doc, edits)
	if err != nil {
		return nil, nil, err
	}
	if insertions, err = insertionsFor(doc, targets); err != nil {
		return nil, nil, err
	}
	out, kept := splice(src, insertions)
	known.Root = doc.root
	if err := verifyParsed(src, known, kept, out, edits); err != nil {
		return nil, nil, err
	}
	return out, insertions, nil
}

// fieldPath writes segments as Kubernetes does: spec.containers[0].securityContext, annotations[a.b/c].
func fieldPath(path []string) string {
	var b strings.Builder
	for _, segment := range path {
		_, err := strconv.ParseUint(segment, 10, 64)
		switch {
		case err == nil || segment == "" || strings.ContainsAny(segment, "./[]"):
			b.WriteString("[" + segment + "]")
		case b.Len() == 0:
			b.WriteString(segment)
		default:
			b.WriteString("." + segment)
		}
	}
	return b.String()
}
