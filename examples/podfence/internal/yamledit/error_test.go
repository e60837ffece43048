package yamledit

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const refusedRows = 34

// refused are documents which stay as they are, each with what the error says.
var refused = []struct {
	name  string
	src   string
	edits []Edit
	want  Error
}{
	{
		"alias as parent", "a: &x\n  b: 1\nc: *x\n", []Edit{at("c/d", true)},
		Error{3, "c.d", "the value is the alias *x, so that an edit would change line 1: write the value out here"},
	},
	{
		"alias as value", "a: &x {}\nc: *x\n", []Edit{at("c", nonRoot)},
		Error{2, "c", "the value is the alias *x, so that an edit would change line 1: write the value out here"},
	},
	{
		"anchor with an alias", "a: &x\n  b: 1\nc: *x\n", []Edit{at("a/d", true)},
		Error{1, "a.d", "the value has the anchor &x, so that an edit would change its alias in line 3 too: write the value out there"},
	},
	{
		"inside an anchor with an alias", "a: &x\n  b: {}\nc: *x\n", []Edit{at("a/b/d", true)},
		Error{1, "a.b.d", "the value has the anchor &x, so that an edit would change its alias in line 3 too: write the value out there"},
	},
	{
		"anchor that is merged", "a: &x\n  b: {}\nc:\n  <<: [*x]\n", []Edit{at("a/b/d", true)},
		Error{1, "a.b.d", "the value has the anchor &x, so that an edit would change its alias in line 4 too: write the value out there"},
	},
	{
		"anchored null with an alias", "a: &x\nb: *x\n", []Edit{at("a", nonRoot)},
		Error{1, "a", "the value has the anchor &x, so that an edit would change its alias in line 2 too: write the value out there"},
	},
	{
		"anchored list with an alias", "a: &x []\nb: *x\n", []Edit{at("a", []any{"ALL"})},
		Error{1, "a", "the value has the anchor &x, so that an edit would change its alias in line 2 too: write the value out there"},
	},
	{
		"parent from a merge", "a: &x\n  b: {}\nc:\n  <<: *x\n", []Edit{at("c/b/d", true)},
		Error{4, "c.b.d", `"b" comes from the merge key <<, so that an edit would change every user of it: write "b" out in this mapping`},
	},
	{
		"value from a merge in a list", "a: &x\n  b:\nc:\n  e: 1\n  <<: [*x]\n", []Edit{at("c/b", true)},
		Error{5, "c.b", `"b" comes from the merge key <<, so that an edit would change every user of it: write "b" out in this mapping`},
	},
	{
		"value from a merge of a merge", "a: &x\n  b:\ny: &y\n  <<: *x\nc:\n  <<: *y\n", []Edit{at("c/b", true)},
		Error{6, "c.b", `"b" comes from the merge key <<, so that an edit would change every user of it: write "b" out in this mapping`},
	},
	{
		"value from an inline merge", "c:\n  <<: {b: 1}\n", []Edit{at("c/b", true)},
		Error{2, "c.b", `"b" comes from the merge key <<, so that an edit would change every user of it: write "b" out in this mapping`},
	},
	{
		"explicit key beside", "a:\n  ? b\n  : c\n", []Edit{at("a/d", true)},
		Error{2, "a.d", "the mapping writes a key with a question mark (? b): write it as b:"},
	},
	{
		"explicit key as parent", "? a\n: b: c\n", []Edit{at("a/d", true)},
		Error{1, "a.d", "the mapping writes a key with a question mark (? a): write it as a:"},
	},
	{
		"missing parent", "a: 1\n", []Edit{at("b/c", true)},
		Error{1, "b.c", `its parent "b" is not there`},
	},
	{
		"scalar as parent", "a: 1\n", []Edit{at("a/c", true)},
		Error{1, "a.c", `"c" cannot be added to a scalar`},
	},
	{
		"value there", "a:\n  b: 1\n", []Edit{at("a/b", true)},
		Error{2, "a.b", "there is a value already"},
	},
	{
		"list there", "a: [b]\n", []Edit{at("a", []any{"c"})},
		Error{1, "a", "there is a value already"},
	},
	{
		"list for a mapping", "a: {}\n", []Edit{at("a", []any{"c"})},
		Error{1, "a", "there is a value already"},
	},
	{
		"no such item", "a: [{}]\n", []Edit{at("a/01/b", true)},
		Error{1, "a[01].b", `the list has no item "01"`},
	},
	{
		"key twice", "a: {}\na: {}\n", []Edit{at("a/b", true)},
		Error{2, "a.b", `the key "a" is there twice: remove one`},
	},
	{
		"pair without braces", "a: [b: c]\n", []Edit{at("a/0/d", true)},
		Error{1, "a[0].d", "the mapping has no braces: write it as {…}"},
	},
	{
		"bare item", "a:\n-\n", []Edit{at("a/0/d", true)},
		Error{2, "a[0].d", "there is nothing to add to here: write {}"},
	},
	{
		"key without a colon", "a: {b}\n", []Edit{at("a/b", true)},
		Error{1, "a.b", "the key has no value: write {} after it"},
	},
	{
		"tagged null", "a: !!null null\n", []Edit{at("a/b", true)},
		Error{1, "a.b", "the null has the tag !!null: remove the tag"},
	},
	{
		"tagged nothing", "a: !!null\n", []Edit{at("a/b", true)},
		Error{1, "a.b", "the null has the tag !!null: remove the tag"},
	},
	{
		"open text after a dash", "- a: |\n    b", []Edit{at("0/b", true)},
		Error{1, "[0].b", "the mapping ends with a text that has no line break: end the file with a line break"},
	},
	{
		"all or nothing", "a: {}\nb: 1\n", []Edit{at("a/x", true), at("b/x", true)},
		Error{2, "b.x", `"x" cannot be added to a scalar`},
	},
	{
		"two documents", "a: 1\n---\nb: 1\n", []Edit{at("c", true)},
		Error{2, "", "a second document starts here: edit one document at a time"},
	},
	{"no document", "# nothing\n", []Edit{at("c", true)}, Error{0, "", "the document is empty"}},
	{"not UTF-8", "a: \xff\n", []Edit{at("c", true)}, Error{0, "", "the document is not UTF-8"}},
	{
		"not YAML", "a: [\n", []Edit{at("c", true)},
		Error{0, "", "the document cannot be read: line 1: did not find expected node content"},
	},
	{"no path", "a: 1\n", []Edit{{Value: true}}, Error{0, "", "an edit needs a path"}},
	{
		"no such value", "a: 1\n", []Edit{at("c", []any{1.5})},
		Error{0, "c", "a value of type float64 cannot be written"},
	},
	{
		"member twice in a value", "a: 1\n", []Edit{at("c", Mapping{{"d", true}, {"d", true}})},
		Error{0, "c", `the value has the key "d" twice`},
	},
}

func TestRefused(t *testing.T) {
	if len(refused) != refusedRows {
		t.Errorf("the table has %d rows, want %d", len(refused), refusedRows)
	}
	for _, row := range refused {
		t.Run(row.name, func(t *testing.T) {
			out, err := Insert([]byte(row.src), row.edits)
			var got *Error
			if !errors.As(err, &got) || out != nil {
				t.Fatalf("got %q and error %v, want no result and an *Error", out, err)
			}
			if diff := cmp.Diff(row.want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	for _, row := range []struct {
		err  Error
		want string
	}{
		{Error{3, "spec.x", "no"}, "line 3: spec.x: no"},
		{Error{0, "spec.x", "no"}, "spec.x: no"},
		{Error{0, "", "no"}, "no"},
	} {
		if got := row.err.Error(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}

func TestFieldPath(t *testing.T) {
	for path, want := range map[string]string{
		"spec|containers|0|securityContext": "spec.containers[0].securityContext",
		"metadata|annotations|a.b/c":        "metadata.annotations[a.b/c]",
		"0|a":                               "[0].a",
	} {
		if got := fieldPath(strings.Split(path, "|")); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// TestVerify shows that a wrong result cannot come out, whatever made it.
func TestVerify(t *testing.T) {
	src, edits := "a: &x 1\nb: *x\nbig: 123456789012345678901234567890\n", []Edit{at("c", true)}
	for name, out := range map[string]string{
		"edit missing":    src,
		"line touched":    "a: &x 1\nb:  1\nbig: 123456789012345678901234567890\nc: true\n",
		"value changed":   "a: &x 1\nb: *x\nbig: 1234567890123456789012345678901\nc: true\n",
		"key in addition": src + "c: true\nd: 1\n",
		"other type":      src + "c: 'true'\n",
		"not YAML":        src + "c: true\n]",
		"anchor renamed":  "a: &xx 1\nb: *xx\nbig: 123456789012345678901234567890\nc: true\n",
	} {
		if err := verify([]byte(src), []byte(src), []byte(out), edits); err == nil {
			t.Errorf("%s: verified", name)
		}
	}
	if err := verify([]byte(src), []byte(src), []byte(src+"c: true\n"), edits); err != nil {
		t.Errorf("the right result: %v", err)
	}
}

// TestNoEdits holds that a command which has nothing to fill gives back every byte, even of what is no YAML.
func TestNoEdits(t *testing.T) {
	src := []byte("a: [")
	out, err := Insert(src, nil)
	if err != nil || string(out) != string(src) {
		t.Errorf("got %q, %v", out, err)
	}
}
