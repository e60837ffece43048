package addpatch_test

import (
	"testing"

	"github.com/podfence/podfence/internal/addpatch"
)

// TestApply: what is added and what is refused.
func TestApply(t *testing.T) {
	for _, row := range []struct{ name, why, doc, patch, want string }{
		{"no operation", "nothing is added", `{"a":1.50}`, `[]`, `{"a":1.50}`},
		{"a member", "beside the others", `{"a":1}`, `[{"op":"add","path":"/b","value":{"c":null}}]`, `{"a":1,"b":{"c":null}}`},
		{"a member that exists", "it is replaced (RFC 6902, 4.1)", `{"a":1}`, `[{"op":"add","path":"/a","value":2}]`, `{"a":2}`},
		{"below a list", "an index names an element", `{"a":[{},{}]}`, `[{"op":"add","path":"/a/1/b","value":2}]`, `{"a":[{},{"b":2}]}`},
		{"in what was added", "operations follow each other", `{}`, `[{"op":"add","path":"/a","value":{}},{"op":"add","path":"/a/b","value":1}]`, `{"a":{"b":1}}`},
		{"escapes", "~1 is a slash, ~0 a tilde, and ~01 is no slash", `{"a/b~1":{}}`, `[{"op":"add","path":"/a~1b~01/~0","value":1}]`, `{"a/b~1":{"~":1}}`},
		{"an empty name", "it is a name", `{"":{}}`, `[{"op":"add","path":"//a","value":1}]`, `{"":{"a":1}}`},
		{"a parent that is missing", "the patch forgot to make it", `{}`, `[{"op":"add","path":"/a/b","value":1}]`, ""},
		{"a parent that is null", "null has no members", `{"a":null}`, `[{"op":"add","path":"/a/b","value":1}]`, ""},
		{"a parent beyond the list", "there is no such element", `{"a":[]}`, `[{"op":"add","path":"/a/0/b","value":1}]`, ""},
		{"a parent below a value", "a number has no members", `{"a":1}`, `[{"op":"add","path":"/a/b/c","value":1}]`, ""},
		{"into a list", "no report does so", `{"a":[]}`, `[{"op":"add","path":"/a/-","value":1}]`, ""},
		{"the document", "no report does so", `{}`, `[{"op":"add","path":"","value":1}]`, ""},
		{"no value", "RFC 6902 wants one", `{}`, `[{"op":"add","path":"/a"}]`, ""},
		{"another operation", "no report does so", `{"a":1}`, `[{"op":"remove","path":"/a"}]`, ""},
		{"no patch", "it is an object", `{}`, `{}`, ""},
		{"no document", "it ends early", `{`, `[]`, ""},
	} {
		got, err := addpatch.Apply([]byte(row.doc), []byte(row.patch))
		if string(got) != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%s (%s): %s, %v, want %s", row.name, row.why, got, err, row.want)
		}
	}
}
