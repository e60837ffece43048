package spec_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode"

	"github.com/podfence/podfence/spec"
)

func TestPrintable(t *testing.T) {
	for _, test := range []struct{ reason, text, want string }{
		{"nothing stays nothing", "", ""},
		{"ASCII stays, quotes and backslashes too", `C:\a "b" [c]`, `C:\a "b" [c]`},
		{"letters of any script stay, and emoji", "größe 名前 🚀", "größe 名前 🚀"},
		{"a replacement character of the text's own stays", "a\ufffdb", "a\ufffdb"},
		{"a line end would forge a line", "a\nweb.yaml:1 Pod/a: allowed", `a\nweb.yaml:1 Pod/a: allowed`},
		{"a carriage return would write over the line", "denied\rallowed", `denied\rallowed`},
		{"C0: ESC, NUL, tab", "\x1b[2J\x00\t", `\x1b[2J\x00\t`},
		{"DEL", "a\x7f", `a\x7f`},
		{"C1 in UTF-8: CSI, NEL", "\u009b31m\u0085", `\u009b31m\u0085`},
		{"what turns the direction", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c", `\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c`},
		{"lines and paragraphs of Unicode", "\u2028\u2029", `\u2028\u2029`},
		{"what has no width, or looks like a space", "\u200b\ufeff\u00a0", `\u200b\ufeff\u00a0`},
		{"beyond 16 bits: a tag character", "\U000e0041", `\U000e0041`},
		{"bytes that are no UTF-8, between what is", "a\xffb\xc3(\xed\xa0\x80é", `a\xffb\xc3(\xed\xa0\x80é`},
	} {
		if got := spec.Printable(test.text); got != test.want {
			t.Errorf("%s: Printable(%q) is %q, want %q", test.reason, test.text, got, test.want)
		}
	}
}

// TestPrintableIsWhole: of every character, printable ones alone come back, and
// as they are.
func TestPrintableIsWhole(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		text := string(r)
		got := spec.Printable(text)
		if unicode.IsPrint(r) && got != text {
			t.Fatalf("%U is printable and comes back as %q", r, got)
		}
		for _, c := range got {
			if !unicode.IsPrint(c) {
				t.Fatalf("%U comes back with %U, which is not printable", r, c)
			}
		}
	}
}

// TestPrintableJSON: the value stays the same, and no character stays that
// should not be printed.
func TestPrintableJSON(t *testing.T) {
	for _, test := range []struct{ reason, text, want string }{
		{"what is printable stays, white space between values too", "{\t\"a\": \"é🚀\"}\r\n", "{\t\"a\": \"é🚀\"}\r\n"},
		{"DEL and C1, which JSON need not escape", "[\"\x7f\u009b\"]", `["\u007f\u009b"]`},
		{"what turns the direction", "[\"\u202e\u2066\"]", `["\u202e\u2066"]`},
		{"a logger's line outside of JSON", "\x1b[31mno", `\u001b[31mno`},
		{"beyond 16 bits, as two units", "[\"\U000e0041\"]", `["\udb40\udc41"]`},
		{"a replacement character of the text's own", "[\"\ufffd\"]", "[\"\ufffd\"]"},
	} {
		got := string(spec.PrintableJSON([]byte(test.text)))
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.reason, got, test.want)
		}
		var before, after any
		if json.Unmarshal([]byte(test.text), &before) != nil {
			continue
		}
		if err := json.Unmarshal([]byte(got), &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%s: the value was %q and is %q (%v)", test.reason, before, after, err)
		}
	}
}
