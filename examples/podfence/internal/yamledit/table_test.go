package yamledit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// row is one claim about one document.
type row struct {
	name   string
	reason string
	src    string
	edits  []Edit
	want   string
	how    touch
}

// touch is what an edit may do to the lines that are there.
type touch int

const (
	linesAdded touch = iota // every old line is there, untouched and in order
	oneLine                 // one old line receives text
	nullGone                // one old line loses its null
)

// at makes an edit from a path with slashes.
func at(path string, value any) Edit { return Edit{Path: strings.Split(path, "/"), Value: value} }

var nonRoot = Mapping{{"runAsNonRoot", true}}

var restricted = Mapping{
	{"allowPrivilegeEscalation", false},
	{"capabilities", Mapping{{"drop", []any{"ALL"}}}},
	{"seccompProfile", Mapping{{"type", "RuntimeDefault"}}},
}

// tableRows is asserted, so that a row cannot get lost in a merge.
const tableRows = 110

var table = []row{
	{
		name: "json/surrogates", reason: "a character beyond U+FFFF, as many programs write it",
		src:   `{"a\ud83d\ude00": "\uD83D\uDE00", "spec": {"b": "\u2028"}}`,
		edits: []Edit{at("spec/c", true)},
		want:  `{"a\ud83d\ude00": "\uD83D\uDE00", "spec": {"b": "\u2028", "c": true}}`,
		how:   oneLine,
	},
	{
		name: "json/slashes", reason: "an escaped slash, as PHP writes it, beside an escaped backslash",
		src:   `{"image":"a\/b\\/c\\\/","spec":{}}`,
		edits: []Edit{at("spec/c", true)},
		want:  `{"image":"a\/b\\/c\\\/","spec":{"c":true}}`,
		how:   oneLine,
	},
	{
		name: "json/escapes in front", reason: "columns behind them count",
		src:   "{\n  \"x\": \"\\ud83d\\ude00 é \\/\", \"spec\": {\"b\": \"\\/\"}\n}\n",
		edits: []Edit{at("spec/c", int64(1)), at("d", false)},
		want:  "{\n  \"d\": false,\n  \"x\": \"\\ud83d\\ude00 é \\/\", \"spec\": {\"b\": \"\\/\", \"c\": 1}\n}\n",
		how:   oneLine,
	},
	{
		name: "block/append", reason: "a new key follows the last one",
		src:   "a: 1\nspec:\n  b: 2\nz: 3\n",
		edits: []Edit{at("spec/c", true)},
		want:  "a: 1\nspec:\n  b: 2\n  c: true\nz: 3\n",
	},
	{
		name: "block/root", reason: "the root is a mapping like any other",
		src:   "a: 1\n",
		edits: []Edit{at("b", int64(7))},
		want:  "a: 1\nb: 7\n",
	},
	{
		name: "block/edit order", reason: "edits of one mapping come out in their order",
		src:   "spec:\n  b: 2\n",
		edits: []Edit{at("spec/z", true), at("spec/a", false), at("spec/m", "x")},
		want:  "spec:\n  b: 2\n  z: true\n  a: false\n  m: x\n",
	},
	{
		name: "block/inner before outer", reason: "mappings that end on one line receive their lines from the inside out",
		src:   "spec:\n  containers:\n  - name: a\n",
		edits: []Edit{at("kind", "Pod"), at("spec/securityContext", nonRoot), at("spec/containers/0/x", true)},
		want: "spec:\n  containers:\n  - name: a\n    x: true\n  securityContext:\n    runAsNonRoot: true\n" +
			"kind: Pod\n",
	},
	{
		name: "block/trailing comments", reason: "comments and blank lines after a mapping stay after it",
		src:   "spec:\n  b: 2 # two\n  # end of spec\n\n# next\nz: 3\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: 2 # two\n  c: true\n  # end of spec\n\n# next\nz: 3\n",
	},
	{
		name: "block/nested object", reason: "what is in an object is indented as the document indents",
		src:   "spec:\n    containers:\n    -   name: a\n        image: b\n",
		edits: []Edit{at("spec/containers/0/securityContext", restricted)},
		want: "spec:\n    containers:\n    -   name: a\n        image: b\n        securityContext:\n" +
			"            allowPrivilegeEscalation: false\n            capabilities:\n                drop:\n" +
			"                - ALL\n            seccompProfile:\n                type: RuntimeDefault\n",
	},
	{
		name: "block/sequence style indented", reason: "lists are indented where the document indents them",
		src:   "spec:\n  containers:\n    - name: a\n",
		edits: []Edit{at("spec/containers/0/capabilities", Mapping{{"drop", []any{"ALL"}}})},
		want:  "spec:\n  containers:\n    - name: a\n      capabilities:\n        drop:\n          - ALL\n",
	},
	{
		name: "block/sequence style unknown", reason: "with no list to learn from, lists are indented by the step",
		src:   "spec:\n   a: 1\n",
		edits: []Edit{at("spec/drop", []any{"ALL", "NET_RAW"})},
		want:  "spec:\n   a: 1\n   drop:\n      - ALL\n      - NET_RAW\n",
	},
	{
		name: "block/list of objects", reason: "the first member of an object in a list stands after its dash",
		src:   "spec:\n  a: 1\n",
		edits: []Edit{at("spec/list", []any{Mapping{{"x", int64(1)}, {"y", Mapping{{"z", true}}}}, Mapping{}, []any{"a"}})},
		want:  "spec:\n  a: 1\n  list:\n    - x: 1\n      \"y\":\n        z: true\n    - {}\n    - [a]\n",
	},
	{
		name: "block/empty collections", reason: "an empty collection can only be written in flow",
		src:   "a: 1\n",
		edits: []Edit{at("b", Mapping{}), at("c", []any{}), at("d", nil)},
		want:  "a: 1\nb: {}\nc: []\nd: null\n",
	},
	{
		name: "block/sequence last", reason: "a list is content of its key, at the same column too",
		src:   "spec:\n  args:\n  - a\n  -   b\n  # none\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  args:\n  - a\n  -   b\n  c: true\n  # none\n",
	},
	{
		name: "block/root sequence at key column", reason: "column 0 is a column",
		src:   "args:\n- a\n- b\n",
		edits: []Edit{at("c", true)},
		want:  "args:\n- a\n- b\nc: true\n",
	},
	{
		name: "block/flow over lines last", reason: "a flow collection ends at its bracket, wherever that is",
		src:   "spec:\n  args: [a, # one ]\n    'b ]', \"c ]\\\" ]\",\n    {d: e},\n  ] # end\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  args: [a, # one ]\n    'b ]', \"c ]\\\" ]\",\n    {d: e},\n  ] # end\n  c: true\nz: 1\n",
	},
	{
		name: "block/plain over lines last", reason: "a plain scalar may go on over lines, with colons and hashes in it",
		src:   "spec:\n  b: one:two#three\n\n    four\n     five # end\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: one:two#three\n\n    four\n     five # end\n  c: true\nz: 1\n",
	},
	{
		name: "block/double quoted over lines last", reason: "a quoted scalar may have lines at any column",
		src:   "spec:\n  b: \"one\n\n    two \\\"\n    x: y\" # end\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: \"one\n\n    two \\\"\n    x: y\" # end\n  c: true\nz: 1\n",
	},
	{
		name: "block/single quoted over lines last", reason: "a doubled quote does not end a scalar",
		src:   "spec:\n  b: 'it''s\n    x: ''y'''\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: 'it''s\n    x: ''y'''\n  c: true\nz: 1\n",
	},
	{
		name: "scalar/literal last", reason: "lines of a block scalar are text, even when they look like comments or keys",
		src:   "spec:\n  b: |\n    # text\n\n    x: y\n\n  # comment\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: |\n    # text\n\n    x: y\n  c: true\n\n  # comment\nz: 1\n",
	},
	{
		name: "scalar/folded stripped last", reason: "a stripped scalar ends with its last line of text",
		src:   "spec:\n  b: >-\n    one\n    two\n\n\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: >-\n    one\n    two\n  c: true\n\n\nz: 1\n",
	},
	{
		name: "scalar/kept last", reason: "the blank lines after |+ are text",
		src:   "spec:\n  b: |+\n    one\n\n\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: |+\n    one\n\n\n  c: true\nz: 1\n",
	},
	{
		name: "scalar/kept at the end", reason: "and they are at the end of the file too",
		src:   "spec:\n  b: |+\n    one\n\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: |+\n    one\n\n  c: true\n",
	},
	{
		name: "scalar/indentation indicator", reason: "an indicator makes leading spaces text",
		src:   "spec:\n  b: |2- # header\n        deep\n    less\n    # text\n  # comment\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: |2- # header\n        deep\n    less\n    # text\n  c: true\n  # comment\nz: 1\n",
	},
	{
		name: "scalar/comment less indented", reason: "a comment beneath the text but deeper than the key is a comment",
		src:   "spec:\n  b: |\n      one\n    # comment\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: |\n      one\n  c: true\n    # comment\nz: 1\n",
	},
	{
		name: "scalar/spaces are text", reason: "a line of spaces wider than the indentation is text",
		src:   "spec:\n  b: |\n    one\n      \nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: |\n    one\n      \n  c: true\nz: 1\n",
	},
	{
		name: "scalar/empty literal", reason: "a block scalar may have no lines",
		src:   "spec:\n  b: |\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: |\n  c: true\nz: 1\n",
	},
	{
		name: "scalar/literal in a list", reason: "the indentation in force in a list at the column of its key is that of the key",
		src:   "spec:\n  args:\n  - |2\n      one\n    two\n  # end\nz: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  args:\n  - |2\n      one\n    two\n  c: true\n  # end\nz: 1\n",
	},
	{
		name: "scalar/open literal at the end", reason: "text without a last line break would gain one, so the lines go above",
		src:   "spec:\n  a: 1\n  # about b\n  b: |\n    one",
		edits: []Edit{at("spec/c", true), at("z", int64(1))},
		want:  "z: 1\nspec:\n  a: 1\n  c: true\n  # about b\n  b: |\n    one",
	},
	{
		name: "scalar/open stripped literal at the end", reason: "a stripped text does not gain a line break",
		src:   "spec:\n  b: |-\n    one",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: |-\n    one\n  c: true",
	},
	{
		name: "list/item", reason: "the column of an item is that of its first key",
		src:   "c:\n- name: a\n  image: b\n- name: c\n",
		edits: []Edit{at("c/0/x", true), at("c/1/x", true)},
		want:  "c:\n- name: a\n  image: b\n  x: true\n- name: c\n  x: true\n",
	},
	{
		name: "list/odd spaces", reason: "any number of spaces may follow a dash",
		src:   "c:\n    -    name: a\n",
		edits: []Edit{at("c/0/x", true)},
		want:  "c:\n    -    name: a\n         x: true\n",
	},
	{
		name: "list/nested dashes", reason: "dashes may stand on one line",
		src:   "c:\n- - - name: a\n    - b\n",
		edits: []Edit{at("c/0/0/0/x", true)},
		want:  "c:\n- - - name: a\n      x: true\n    - b\n",
	},
	{
		name: "list/item beneath its dash", reason: "an item may start on the line after its dash",
		src:   "c:\n-\n    name: a\n- # second\n  name: b\n",
		edits: []Edit{at("c/0/x", true), at("c/1/x", true)},
		want:  "c:\n-\n    name: a\n    x: true\n- # second\n  name: b\n  x: true\n",
	},
	{
		name: "list/bare last item", reason: "an item may be nothing",
		src:   "spec:\n  args:\n  - a\n  -\n  # end\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  args:\n  - a\n  -\n  c: true\n  # end\n",
	},
	{
		name: "list/root", reason: "a document may be a list",
		src:   "- a: 1\n- b: 2\n",
		edits: []Edit{at("0/x", true)},
		want:  "- a: 1\n  x: true\n- b: 2\n",
	},
	{
		name: "text/tabs after values", reason: "a tab is white space after a value",
		src:   "spec:\n  b: 2\t\t# two\n  d: x\t\n",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\n  b: 2\t\t# two\n  d: x\t\n  c: true\n",
	},
	{
		name: "text/crlf", reason: "new lines end as the line above them does",
		src:   "spec:\r\n  b: |\r\n    one\r\n\r\n  # end\r\nz: 1\r\n",
		edits: []Edit{at("spec/c", nonRoot)},
		want:  "spec:\r\n  b: |\r\n    one\r\n  c:\r\n    runAsNonRoot: true\r\n\r\n  # end\r\nz: 1\r\n",
	},
	{
		name: "text/mixed line ends", reason: "the line above decides, not the first of the file",
		src:   "spec:\r\n  b: 1\nz:\n  a: 1\r\ny: 1\n",
		edits: []Edit{at("spec/c", true), at("z/c", true)},
		want:  "spec:\r\n  b: 1\n  c: true\nz:\n  a: 1\r\n  c: true\r\ny: 1\n",
	},
	{
		name: "text/no last line break", reason: "a file without a last line break stays without",
		src:   "spec:\n  b: 2",
		edits: []Edit{at("spec/c", true), at("z", int64(1))},
		want:  "spec:\n  b: 2\n  c: true\nz: 1",
	},
	{
		name: "text/no last line break crlf", reason: "the first line end of the file decides at an open end",
		src:   "spec:\r\n  b: 2",
		edits: []Edit{at("spec/c", true)},
		want:  "spec:\r\n  b: 2\r\n  c: true",
	},
	{
		name: "text/one line", reason: "a file may have no line break at all",
		src:   "a: 1",
		edits: []Edit{at("b", true)},
		want:  "a: 1\nb: true",
	},
	{
		name: "text/open comment", reason: "an open last comment is not the last line of the mapping",
		src:   "a: 1\n# end",
		edits: []Edit{at("b", true)},
		want:  "a: 1\nb: true\n# end",
	},
	{
		name: "text/byte order mark", reason: "the parser does not count the mark; the file keeps it",
		src: "\uFEFFa: {}\nb: 1\n", how: oneLine,
		edits: []Edit{at("a/x", true), at("c", true)},
		want:  "\uFEFFa: {x: true}\nb: 1\nc: true\n",
	},
	{
		name: "text/runes before a position", reason: "columns count runes and offsets count bytes",
		src: "é: {日本語: \"ü😀\", s: {}} # ☃\n", how: oneLine,
		edits: []Edit{at("é/s/x", true)},
		want:  "é: {日本語: \"ü😀\", s: {x: true}} # ☃\n",
	},
	{
		name: "text/long line of runes", reason: "a column is found across many marks",
		src: "a: {x: " + strings.Repeat("é", 1000) + ", s: {}}\n", how: oneLine,
		edits: []Edit{at("a/s/x", true)},
		want:  "a: {x: " + strings.Repeat("é", 1000) + ", s: {x: true}}\n",
	},
	{
		name: "text/line separator", reason: "YAML 1.1 counts U+2028 and U+0085 as line breaks",
		src: "a: \"x\u2028 y\u0085 z\"\ns: {}\n", how: oneLine,
		edits: []Edit{at("s/x", true)},
		want:  "a: \"x\u2028 y\u0085 z\"\ns: {x: true}\n",
	},
	{
		name: "document/markers", reason: "a document may have a start, an end, and comments around it",
		src:   "# head\n---\n# more\nspec:\n  b: 2\n# foot\n...\n",
		edits: []Edit{at("spec/c", true)},
		want:  "# head\n---\n# more\nspec:\n  b: 2\n  c: true\n# foot\n...\n",
	},
	{
		name: "document/end marker without break", reason: "lines go before the end marker",
		src:   "a: 1\n...",
		edits: []Edit{at("b", true)},
		want:  "a: 1\nb: true\n...",
	},
	{
		name: "document/directive", reason: "directives come before the document",
		src:   "%YAML 1.1\n---\na: 1\n",
		edits: []Edit{at("b", true)},
		want:  "%YAML 1.1\n---\na: 1\nb: true\n",
	},
	{
		name: "document/indented root", reason: "even the root may be indented",
		src:   "  a: 1\n  b:\n    c: 1\n",
		edits: []Edit{at("d", true), at("b/e", true)},
		want:  "  a: 1\n  b:\n    c: 1\n    e: true\n  d: true\n",
	},
	{
		name: "bare/object", reason: "a key with only its colon receives lines beneath it",
		src:   "spec:\n  securityContext:\n  b: 1\n",
		edits: []Edit{at("spec/securityContext", nonRoot)},
		want:  "spec:\n  securityContext:\n    runAsNonRoot: true\n  b: 1\n",
	},
	{
		name: "bare/comments", reason: "a comment after the key and those beneath it stay where they are",
		src:   "spec:\n  securityContext:  # todo\n    # nothing yet\n\n  b: 1\n",
		edits: []Edit{at("spec/securityContext", nonRoot)},
		want:  "spec:\n  securityContext:  # todo\n    runAsNonRoot: true\n    # nothing yet\n\n  b: 1\n",
	},
	{
		name: "bare/step", reason: "the lines beneath are indented as the document indents",
		src:   "metadata:\n    name: a\nspec:\n",
		edits: []Edit{at("spec", nonRoot)},
		want:  "metadata:\n    name: a\nspec:\n    runAsNonRoot: true\n",
	},
	{
		name: "bare/open end", reason: "the key may be the last thing in the file",
		src:   "spec:",
		edits: []Edit{at("spec", nonRoot)},
		want:  "spec:\n  runAsNonRoot: true",
	},
	{
		name: "bare/last of the mapping", reason: "lines beneath the last key come before further keys",
		src:   "spec:\n  drop:\nz: 1\n",
		edits: []Edit{at("spec/c", true), at("spec/drop", []any{"ALL"})},
		want:  "spec:\n  drop:\n    - ALL\n  c: true\nz: 1\n",
	},
	{
		name: "bare/list at key column", reason: "a list at the column of its key still comes before the next key",
		src:   "containers:\n- drop:\n",
		edits: []Edit{at("containers/0/c", true), at("containers/0/drop", []any{"ALL"})},
		want:  "containers:\n- drop:\n  - ALL\n  c: true\n",
	},
	{
		name: "bare/scalar", reason: "a scalar follows the colon in the line", how: oneLine,
		src:   "spec:\n  runAsNonRoot:   # why\n",
		edits: []Edit{at("spec/runAsNonRoot", true)},
		want:  "spec:\n  runAsNonRoot: true   # why\n",
	},
	{
		name: "bare/in braces", reason: "in braces all stays in the line", how: oneLine,
		src:   "spec: {securityContext: , b: 1}\n",
		edits: []Edit{at("spec/securityContext", nonRoot)},
		want:  "spec: {securityContext: {runAsNonRoot: true} , b: 1}\n",
	},
	{
		name: "bare/as parent", reason: "a null parent is an empty object, as it is once decoded",
		src:   "metadata:\nz: 1\n",
		edits: []Edit{at("metadata/labels", Mapping{{"a", "b"}}), at("metadata/labels/c", "d"), at("metadata/name", "e")},
		want:  "metadata:\n  labels:\n    a: b\n    c: d\n  name: e\nz: 1\n",
	},
	{
		name: "bare/anchor", reason: "an anchor which nothing repeats stays on its line",
		src:   "spec:\n  securityContext: &sc # anchor\n  b: 1\n",
		edits: []Edit{at("spec/securityContext", nonRoot)},
		want:  "spec:\n  securityContext: &sc # anchor\n    runAsNonRoot: true\n  b: 1\n",
	},
	{
		name: "null/word", reason: "null cannot be added to: it is replaced", how: nullGone,
		src:   "spec:\n  securityContext: null # none\n  b: 1\n",
		edits: []Edit{at("spec/securityContext", restricted)},
		want: "spec:\n  securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, " +
			"seccompProfile: {type: RuntimeDefault}} # none\n  b: 1\n",
	},
	{
		name: "null/tilde", reason: "~ is null", how: nullGone,
		src:   "securityContext: &a ~\n",
		edits: []Edit{at("securityContext/runAsNonRoot", true)},
		want:  "securityContext: &a {runAsNonRoot: true}\n",
	},
	{
		name: "null/list", reason: "a list may be null", how: nullGone,
		src:   "drop: Null\n",
		edits: []Edit{at("drop", []any{"ALL"})},
		want:  "drop: [ALL]\n",
	},
	{
		name: "null/json", reason: "JSON has quotes", how: nullGone,
		src:   "{\n  \"securityContext\": null\n}\n",
		edits: []Edit{at("securityContext", Mapping{{"capabilities", Mapping{{"drop", []any{"ALL"}}}}})},
		want:  "{\n  \"securityContext\": {\"capabilities\": {\"drop\": [\"ALL\"]}}\n}\n",
	},
	{
		name: "null/beneath its key", reason: "the null may have a line of its own", how: nullGone,
		src:   "spec:\n  securityContext:\n    null\n",
		edits: []Edit{at("spec/securityContext", nonRoot)},
		want:  "spec:\n  securityContext:\n    {runAsNonRoot: true}\n",
	},
	{
		name: "flow/empty", reason: "braces are filled in their line", how: oneLine,
		src:   "spec:\n  securityContext: {} # none\n",
		edits: []Edit{at("spec/securityContext/runAsNonRoot", true), at("spec/securityContext/runAsUser", int64(1000))},
		want:  "spec:\n  securityContext: {runAsNonRoot: true, runAsUser: 1000} # none\n",
	},
	{
		name: "flow/empty by object", reason: "an empty object may be set as a whole", how: oneLine,
		src:   "securityContext: {}\n",
		edits: []Edit{at("securityContext", restricted[:2])},
		want:  "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n",
	},
	{
		name: "flow/empty with a space", reason: "the space is kept on both sides", how: oneLine,
		src:   "securityContext: { }\n",
		edits: []Edit{at("securityContext/runAsNonRoot", true)},
		want:  "securityContext: { runAsNonRoot: true }\n",
	},
	{
		name: "flow/empty with spaces", reason: "wide braces keep their width", how: oneLine,
		src:   "securityContext: {  }\n",
		edits: []Edit{at("securityContext/runAsNonRoot", true)},
		want:  "securityContext: { runAsNonRoot: true }\n",
	},
	{
		name: "flow/empty over lines", reason: "braces on two lines receive a line between them",
		src:   "spec:\n  securityContext: {\n  }\n",
		edits: []Edit{at("spec/securityContext/a", true), at("spec/securityContext/b", nonRoot)},
		want:  "spec:\n  securityContext: {\n    a: true,\n    b: {runAsNonRoot: true}\n  }\n",
	},
	{
		name: "flow/one line", reason: "a member follows the last one", how: oneLine,
		src:   "securityContext: {runAsUser: 1}\n",
		edits: []Edit{at("securityContext/runAsNonRoot", true)},
		want:  "securityContext: {runAsUser: 1, runAsNonRoot: true}\n",
	},
	{
		name: "flow/one line with spaces", reason: "the space before the brace stays there", how: oneLine,
		src:   "securityContext: { runAsUser: 1 }\n",
		edits: []Edit{at("securityContext/runAsNonRoot", true)},
		want:  "securityContext: { runAsUser: 1, runAsNonRoot: true }\n",
	},
	{
		name: "flow/trailing comma", reason: "a comma that is there is used", how: oneLine,
		src:   "securityContext: {runAsUser: 1,}\n",
		edits: []Edit{at("securityContext/runAsNonRoot", true)},
		want:  "securityContext: {runAsUser: 1, runAsNonRoot: true}\n",
	},
	{
		name: "flow/nested", reason: "an outer mapping ends after an inner one", how: oneLine,
		src:   "a: {b: {c: {}}}\n",
		edits: []Edit{at("a/x", true), at("a/b/w", true), at("a/b/c/z", true)},
		want:  "a: {b: {c: {z: true}, w: true}, x: true}\n",
	},
	{
		name: "flow/list of mappings", reason: "flow may start at any depth", how: oneLine,
		src:   "containers: [{name: a}, {name: b, image: [c]}]\n",
		edits: []Edit{at("containers/0/x", true), at("containers/1/x", true)},
		want:  "containers: [{name: a, x: true}, {name: b, image: [c], x: true}]\n",
	},
	{
		name: "flow/first member in the line", reason: "members which share lines with braces stay in them", how: oneLine,
		src:   "securityContext: {a: 1,\n  b: 2 # two\n  }\n",
		edits: []Edit{at("securityContext/c", true)},
		want:  "securityContext: {a: 1,\n  b: 2, c: true # two\n  }\n",
	},
	{
		name: "flow/lines", reason: "new lines go first, as their commas touch no old line",
		src:   "securityContext: { # sc\n    # one\n    a: 1,\n    b: 2\n  }\n",
		edits: []Edit{at("securityContext/c", true), at("securityContext/d", nonRoot)},
		want:  "securityContext: { # sc\n    c: true,\n    d: {runAsNonRoot: true},\n    # one\n    a: 1,\n    b: 2\n  }\n",
	},
	{
		name: "flow/bare last member", reason: "a member may be a key alone", how: oneLine,
		src:   "a: {b, c}\n",
		edits: []Edit{at("a/x", true)},
		want:  "a: {b, c, x: true}\n",
	},
	{
		name: "flow/quoted keys", reason: "quotes are continued inside YAML too", how: oneLine,
		src:   "a: {\"b\":1}\nc: {\"d\": {}}\n",
		edits: []Edit{at("a/x", "s")},
		want:  "a: {\"b\":1,\"x\":\"s\"}\nc: {\"d\": {}}\n",
	},
	{
		name: "flow/empty in quoted keys", reason: "an empty mapping continues the style around it", how: oneLine,
		src:   "c: {\"d\": {}}\n",
		edits: []Edit{at("c/d/x", "s")},
		want:  "c: {\"d\": {\"x\": \"s\"}}\n",
	},
	{
		name: "flow/anchor and tag", reason: "anchors and tags stand before the braces", how: oneLine,
		src:   "securityContext: &sc !!map {} # x\n",
		edits: []Edit{at("securityContext/a", true)},
		want:  "securityContext: &sc !!map {a: true} # x\n",
	},
	{
		name: "list/empty", reason: "an empty list is filled in its line", how: oneLine,
		src:   "capabilities:\n  drop: [] # none\n",
		edits: []Edit{at("capabilities/drop", []any{"ALL", "a: b"})},
		want:  "capabilities:\n  drop: [ALL, \"a: b\"] # none\n",
	},
	{
		name: "list/empty json", reason: "an empty list in JSON receives strings in quotes", how: oneLine,
		src:   "{\n  \"capabilities\": {\n    \"drop\": []\n  }\n}\n",
		edits: []Edit{at("capabilities/drop", []any{"ALL"})},
		want:  "{\n  \"capabilities\": {\n    \"drop\": [\"ALL\"]\n  }\n}\n",
	},
	{
		name: "json/lines", reason: "pretty JSON gains lines and changes none",
		src:   "{\n  \"spec\": {\n    \"a\": 1\n  }\n}\n",
		edits: []Edit{at("spec/x", true), at("kind", "Pod"), at("spec/securityContext", restricted)},
		want: "{\n  \"kind\": \"Pod\",\n  \"spec\": {\n    \"x\": true,\n    \"securityContext\": {\n" +
			"      \"allowPrivilegeEscalation\": false,\n      \"capabilities\": {\n        \"drop\": [\n          \"ALL\"\n" +
			"        ]\n      },\n      \"seccompProfile\": {\n        \"type\": \"RuntimeDefault\"\n      }\n    },\n" +
			"    \"a\": 1\n  }\n}\n",
	},
	{
		name: "json/tabs", reason: "tabs indent JSON",
		src:   "{\n\t\"spec\": {\n\t\t\"a\": 1\n\t}\n}",
		edits: []Edit{at("spec/s", nonRoot)},
		want:  "{\n\t\"spec\": {\n\t\t\"s\": {\n\t\t\t\"runAsNonRoot\": true\n\t\t},\n\t\t\"a\": 1\n\t}\n}",
	},
	{
		name: "json/four spaces crlf", reason: "JSON has line ends and steps as well",
		src:   "{\r\n    \"spec\": {\r\n        \"a\": 1\r\n    }\r\n}\r\n",
		edits: []Edit{at("spec/s", nonRoot)},
		want: "{\r\n    \"spec\": {\r\n        \"s\": {\r\n            \"runAsNonRoot\": true\r\n        },\r\n" +
			"        \"a\": 1\r\n    }\r\n}\r\n",
	},
	{
		name: "json/empty over lines", reason: "a last member has no comma",
		src:   "{\n  \"spec\": {\n  }\n}\n",
		edits: []Edit{at("spec/s", nonRoot), at("spec/t", []any{})},
		want:  "{\n  \"spec\": {\n    \"s\": {\n      \"runAsNonRoot\": true\n    },\n    \"t\": []\n  }\n}\n",
	},
	{
		name: "json/minified", reason: "minified JSON stays minified", how: oneLine,
		src:   `{"spec":{"containers":[{"name":"a"}],"s":{}}}`,
		edits: []Edit{at("spec/containers/0/securityContext", restricted), at("spec/s/x", true)},
		want: `{"spec":{"containers":[{"name":"a","securityContext":{"allowPrivilegeEscalation":false,` +
			`"capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}}}],"s":{"x":true}}}`,
	},
	{
		name: "json/one line with spaces", reason: "the spaces of one-line JSON are kept up", how: oneLine,
		src:   `{"spec": {"a": 1}}` + "\n",
		edits: []Edit{at("spec/x", Mapping{{"y", "z"}})},
		want:  `{"spec": {"a": 1, "x": {"y": "z"}}}` + "\n",
	},
	{
		name: "json/empty object", reason: "quotes are right in an empty object, JSON or not", how: oneLine,
		src:   "{}",
		edits: []Edit{at("a", "b")},
		want:  `{"a": "b"}`,
	},
	{
		name: "json/escapes", reason: "an escaped quote does not end a string", how: oneLine,
		src:   `{"a\"}":"x\\","b":{"c":"\u00e9\t"}}`,
		edits: []Edit{at("b/x", "<é\n>")},
		want:  `{"a\"}":"x\\","b":{"c":"\u00e9\t","x":"<é\n>"}}`,
	},
	{
		name: "key/quoted", reason: "a quoted key is the same key, and its quotes are continued",
		src:   "\"spec\":\n  \"a\": 1\n",
		edits: []Edit{at("spec/x", Mapping{{"y", "z"}})},
		want:  "\"spec\":\n  \"a\": 1\n  \"x\":\n    \"y\": \"z\"\n",
	},
	{
		name: "key/single quoted", reason: "single quotes are not continued, as plain keys need none",
		src:   "'spec':\n  'a' : 1\n",
		edits: []Edit{at("spec/x", true)},
		want:  "'spec':\n  'a' : 1\n  x: true\n",
	},
	{
		name: "key/needs quotes", reason: "keys which YAML would read as something else are quoted",
		src:   "a: 1\n",
		edits: []Edit{{[]string{"yes"}, "no"}, {[]string{"container.io/a-b"}, "localhost/x.json"}, {[]string{"a b"}, ""}},
		want:  "a: 1\n\"yes\": \"no\"\ncontainer.io/a-b: localhost/x.json\n\"a b\": \"\"\n",
	},
	{
		name: "key/complex elsewhere", reason: "a key may be anything where no edit goes",
		src:   "x:\n  ? {a: b}\n  : c\n  ? [d]\n  : e\nspec:\n  b: 1\n",
		edits: []Edit{at("spec/c", true)},
		want:  "x:\n  ? {a: b}\n  : c\n  ? [d]\n  : e\nspec:\n  b: 1\n  c: true\n",
	},
	{
		name: "anchor/block", reason: "an anchor which nothing repeats is no obstacle",
		src:   "securityContext: &sc\n  a: 1\nlist: &l\n  - b: 1\n",
		edits: []Edit{at("securityContext/x", true), at("list/0/x", true)},
		want:  "securityContext: &sc\n  a: 1\n  x: true\nlist: &l\n  - b: 1\n    x: true\n",
	},
	{
		name: "anchor/alias last", reason: "an alias is a value of which only the name is here",
		src:   "a: &x {b: 1}\nspec:\n  c: *x # again\nz: 1\n",
		edits: []Edit{at("spec/d", true)},
		want:  "a: &x {b: 1}\nspec:\n  c: *x # again\n  d: true\nz: 1\n",
	},
	{
		name: "anchor/beside a merge", reason: "a key of a mapping's own goes beside its merge",
		src:   "base: &b\n  p: 1\nspec:\n  <<: *b\n  c: 1\n",
		edits: []Edit{at("spec/d", true)},
		want:  "base: &b\n  p: 1\nspec:\n  <<: *b\n  c: 1\n  d: true\n",
	},
	{
		name: "anchor/alias of another node", reason: "only what an alias repeats is closed to edits",
		src:   "a: &x {b: 1}\nc: *x\nspec:\n  d: &y\n    e: 1\n",
		edits: []Edit{at("spec/d/f", true)},
		want:  "a: &x {b: 1}\nc: *x\nspec:\n  d: &y\n    e: 1\n    f: true\n",
	},
	{
		name: "anchor/own key over a merge", reason: "a mapping that is written out over a merged one is its own",
		src: "base: &b\n  s: {a: 1}\nspec:\n  <<: *b\n  s: {}\n", how: oneLine,
		edits: []Edit{at("spec/s/d", true)},
		want:  "base: &b\n  s: {a: 1}\nspec:\n  <<: *b\n  s: {d: true}\n",
	},
	{
		name: "anchor/with tag before a list", reason: "anchors and tags may come in either order, on lines of their own",
		src:   "list: !!seq &l\n  # items\n  - !!map\n    b: 1\n",
		edits: []Edit{at("list/0/x", true), at("z", []any{"a"})},
		want:  "list: !!seq &l\n  # items\n  - !!map\n    b: 1\n    x: true\nz:\n  - a\n",
	},
	{
		name: "anchor/verbatim tag", reason: "a tag may hold brackets and commas", how: oneLine,
		src:   "a: !<tag:yaml.org,2002:map> {}\nb: !!map {c: !!str d}\n",
		edits: []Edit{at("a/x", true), at("b/x", true)},
		want:  "a: !<tag:yaml.org,2002:map> {x: true}\nb: !!map {c: !!str d, x: true}\n",
	},
	{
		name: "anchor/beside an inline merge", reason: "a merge may bring its mapping along",
		src:   "spec:\n  <<: {a: 1}\n  c: 1\n",
		edits: []Edit{at("spec/d", true)},
		want:  "spec:\n  <<: {a: 1}\n  c: 1\n  d: true\n",
	},
	{
		name: "json/list of values", reason: "items of pretty JSON have lines of their own, and commas between them",
		src:   "{\n \"a\": 1\n}\n",
		edits: []Edit{at("b", []any{"x", Mapping{{"c", true}, {"d", []any{int64(1), int64(2)}}}})},
		want: "{\n \"b\": [\n  \"x\",\n  {\n   \"c\": true,\n   \"d\": [\n    1,\n    2\n   ]\n  }\n ],\n" +
			" \"a\": 1\n}\n",
	},
	{
		name: "text/carriage returns", reason: "a lone carriage return ends lines as well",
		src: "a:\r  b: 1\rc: 2", how: oneLine,
		edits: []Edit{at("a/x", true)},
		want:  "a:\r  b: 1\r  x: true\rc: 2",
	},
	{
		name: "value/map", reason: "a Go map has no order, so its keys are sorted",
		src:   "a: 1\n",
		edits: []Edit{at("b", map[string]any{"d": int32(1), "c": []string{"x"}})},
		want:  "a: 1\nb:\n  c:\n    - x\n  d: 1\n",
	},
	{
		name: "value/numbers", reason: "a list of groups is given as Kubernetes has it",
		src:   "a: 1\n",
		edits: []Edit{at("b", []int64{1, 2000})},
		want:  "a: 1\nb:\n  - 1\n  - 2000\n",
	},
	{
		name: "value/folded edits", reason: "a later edit may add to what an earlier one added",
		src:   "a: 1\n",
		edits: []Edit{at("b", Mapping{}), at("b/c", []any{Mapping{{"d", true}}}), at("b/c/0/e", nil)},
		want:  "a: 1\nb:\n  c:\n    - d: true\n      e: null\n",
	},
	{
		name: "value/big numbers elsewhere", reason: "numbers which no Go type holds are text, and stay so",
		src:   "a: 123456789012345678901234567890\nb: 1.00000000000000000001\n",
		edits: []Edit{at("c", int64(-9223372036854775808))},
		want:  "a: 123456789012345678901234567890\nb: 1.00000000000000000001\nc: -9223372036854775808\n",
	},
}

func TestTable(t *testing.T) {
	if len(table) != tableRows {
		t.Errorf("the table has %d rows, want %d", len(table), tableRows)
	}
	names := map[string]bool{}
	for _, row := range table {
		if names[row.name] || row.reason == "" {
			t.Errorf("%q: the name is not unique, or there is no reason", row.name)
		}
		names[row.name] = true
		t.Run(row.name, func(t *testing.T) {
			src := []byte(row.src)
			got, err := Insert(src, row.edits)
			if err != nil {
				t.Fatalf("%s: %v", row.reason, err)
			}
			if diff := cmp.Diff(row.want, string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.reason, diff)
			}
			if string(src) != row.src {
				t.Error("the input was modified")
			}
			checkTouch(t, row.src, string(got), row.how)
		})
	}
}

// checkTouch holds the law of insertion, as a row claims it.
func checkTouch(t testing.TB, src, out string, how touch) {
	t.Helper()
	if how != nullGone && !isSubsequence([]byte(src), []byte(out)) {
		t.Error("the source is not a subsequence of the result")
	}
	lost := linesLost(src, out)
	if how == linesAdded && lost != 0 || how == nullGone && lost != 1 {
		t.Errorf("%d old lines were touched", lost)
	}
}

// linesLost counts the lines of src that out does not hold in their order. Line ends are compared elsewhere, and
// a byte order mark belongs to the file and not to its first line.
func linesLost(src, out string) int {
	src, out = strings.TrimPrefix(src, string(byteOrderMark)), strings.TrimPrefix(out, string(byteOrderMark))
	outLines := strings.Split(out, "\n")
	lost := 0
	for _, line := range strings.Split(src, "\n") {
		i := 0
		for i < len(outLines) && strings.TrimSuffix(outLines[i], "\r") != strings.TrimSuffix(line, "\r") {
			i++
		}
		if i == len(outLines) {
			lost++
			continue
		}
		outLines = outLines[i+1:]
	}
	return lost
}
