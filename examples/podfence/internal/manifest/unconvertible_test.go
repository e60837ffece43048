package manifest

import (
	"strings"
	"testing"
)

// TestUnconvertible: what YAML can say and JSON cannot is named with its own line
// and without Go types; what only looks like it is read.
func TestUnconvertible(t *testing.T) {
	const before = "# a comment\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n"
	rows := []struct{ why, text, want string }{
		{"a null as a key, as a colon too many makes it", "  ~: x\n", "null stands where a key belongs; write the key, in quotes if it is the word"},
		{"the word", "  null: x\n", "null stands where a key belongs; write the key, in quotes if it is the word"},
		{"a key that was forgotten", "  ?\n  : x\n", "null stands where a key belongs; write the key, in quotes if it is the word"},
		{"one behind an alias", "  ? *nil\n  : x\nb: &nil ~\n", "unknown anchor 'nil' referenced; correct the YAML"},
		{"beyond int64", "  18446744073709551615: x\n", "the key 18446744073709551615 is no text; put it in quotes"},
		{"a key with a wrong tag", "  !!int x: y\n", "the key x is no text; put it in quotes"},
		{"infinity", "  x: .inf\n", ".inf is a number that JSON does not have; write another number, or put it in quotes if it is text"},
		{"in flow style", "  x: [1, -.Inf]\n", "-.Inf is a number that JSON does not have; write another number, or put it in quotes if it is text"},
		{"not a number", "  x: .NaN\n", ".NaN is a number that JSON does not have; write another number, or put it in quotes if it is text"},
		{"a wrong tag", "  x: !!int many\n", `"many" is no !!int; correct the value, or remove the tag`},
		{"a null with text", "  x: !!null text\n", `"text" is no !!null; correct the value, or remove the tag`},
		{"merged scalar", "  <<: 5\n", "<< merges what is no mapping; write an alias of a mapping, or a list of them"},
		{"merged list", "  <<: [a]\n", "<< merges what is no mapping; write an alias of a mapping, or a list of them"},
		{"text that looks like a number", "  x: '.inf'\n", ""},
		{"infinity as a key is text", "  .inf: x\n", ""},
		{"other words", "  yes: no\n  1: 2.5\n", ""},
		{"right tags", "  x: !!int 5\n  y: !!str ~\n  z: !!null ''\n", ""},
		{"a right merge", "  <<: [{x: 1}]\n", ""},
	}
	names := map[string]bool{}
	for _, row := range rows {
		if names[row.why] {
			t.Errorf("two rows %q", row.why)
		}
		names[row.why] = true
		got := ""
		for c := range Read(strings.NewReader(before+row.text), "f.yaml") {
			if c.Err != nil {
				got = c.Err.Error()
			}
		}
		want := row.want
		if want != "" {
			want = "f.yaml:6: could not decide: " + want
		}
		if got != want {
			t.Errorf("%s: %q, want %q", row.why, got, want)
		}
	}
}
