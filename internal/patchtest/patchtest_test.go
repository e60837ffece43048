package patchtest

import (
	"encoding/json"
	"strings"
	"testing"
)

// applyRow is one patch of one document.
type applyRow struct {
	name, why  string
	doc, patch string
	want       string // the document after the patch
	err        string // a part of the error instead
}

var applyRows = []applyRow{
	{name: "no operation", why: "the document stays as it is",
		doc: `{"a":1}`, patch: `[]`, want: `{"a":1}`},
	{name: "a member", why: "an object gets it",
		doc: `{"a":1}`, patch: `[{"op":"add","path":"/b","value":[2]}]`, want: `{"a":1,"b":[2]}`},
	{name: "a member that is there", why: "it is replaced",
		doc: `{"a":{"b":1}}`, patch: `[{"op":"add","path":"/a","value":null}]`, want: `{"a":null}`},
	{name: "below a list", why: "an index is a step",
		doc: `{"a":[{},{}]}`, patch: `[{"op":"add","path":"/a/1/b","value":true}]`, want: `{"a":[{},{"b":true}]}`},
	{name: "an element", why: "it goes before the one that stands there",
		doc: `[1,3]`, patch: `[{"op":"add","path":"/1","value":2}]`, want: `[1,2,3]`},
	{name: "past the last element", why: "a list may grow by one",
		doc: `[1]`, patch: `[{"op":"add","path":"/1","value":2}]`, want: `[1,2]`},
	{name: "the end", why: "- stands for it",
		doc: `[1]`, patch: `[{"op":"add","path":"/-","value":2}]`, want: `[1,2]`},
	{name: "the whole document", why: "the empty pointer is the root",
		doc: `[1]`, patch: `[{"op":"add","path":"","value":{"a":1}}]`, want: `{"a":1}`},
	{name: "escapes", why: "~1 is a slash and ~0 a tilde",
		doc: `{"a/b":{},"~1":0}`, patch: `[{"op":"add","path":"/a~1b/c~01","value":1}]`, want: `{"a/b":{"c~1":1},"~1":0}`},
	{name: "two operations", why: "the second sees the first",
		doc: `{}`, patch: `[{"op":"add","path":"/a","value":{}},{"op":"add","path":"/a/b","value":1}]`, want: `{"a":{"b":1}}`},
	{name: "a long number", why: "its digits stay",
		doc: `{"a":12345678901234567890}`, patch: `[{"op":"add","path":"/b","value":0.10}]`,
		want: `{"a":12345678901234567890,"b":0.10}`},

	{name: "no parent", why: "it is not made up",
		doc: `{}`, patch: `[{"op":"add","path":"/a/b","value":1}]`, err: `there is no "a"`},
	{name: "a parent that is null", why: "nothing is below it",
		doc: `{"a":null}`, patch: `[{"op":"add","path":"/a/b","value":1}]`, err: `"b" would be below`},
	{name: "an index too far", why: "a list has no gaps",
		doc: `[1]`, patch: `[{"op":"add","path":"/2","value":1}]`, err: "no element 2"},
	{name: "below the end", why: "there is no element yet",
		doc: `[{}]`, patch: `[{"op":"add","path":"/1/a","value":1}]`, err: "no element 1"},
	{name: "an index with a zero before", why: "RFC 6901 has none",
		doc: `[1,2]`, patch: `[{"op":"add","path":"/01","value":1}]`, err: "no element 01"},
	{name: "a negative index", why: "RFC 6901 has none",
		doc: `[1]`, patch: `[{"op":"add","path":"/-1","value":1}]`, err: "no element -1"},
	{name: "a name in a list", why: "an index is a number",
		doc: `[1]`, patch: `[{"op":"add","path":"/a","value":1}]`, err: "invalid syntax"},
	{name: "no pointer", why: "one begins with a slash",
		doc: `{}`, patch: `[{"op":"add","path":"a","value":1}]`, err: "no JSON pointer"},
	{name: "another operation", why: "podfence writes none",
		doc: `{"a":1}`, patch: `[{"op":"remove","path":"/a"}]`, err: `op "remove"`},
	{name: "no value", why: "a patch that forgets it is wrong",
		doc: `{}`, patch: `[{"op":"add","path":"/a"}]`, err: `op "add" with value ""`},
	{name: "no document", why: "it is not JSON",
		doc: `{`, patch: `[]`, err: "unexpected EOF"},
	{name: "no patch", why: "it is not JSON",
		doc: `{}`, patch: `{`, err: "in the patch"},
}

// TestApply: what a patch makes of a document.
func TestApply(t *testing.T) {
	for _, row := range applyRows {
		t.Run(row.name, func(t *testing.T) {
			got, err := Apply([]byte(row.doc), []byte(row.patch))
			if row.err != "" {
				if err == nil || !strings.Contains(err.Error(), row.err) {
					t.Errorf("%s: %v, want an error with %q", row.why, err, row.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", row.why, err)
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != row.want {
				t.Errorf("%s: %s, want %s", row.why, text, row.want)
			}
		})
	}
}
