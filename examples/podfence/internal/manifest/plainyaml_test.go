package manifest

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// agrees reports whether a text is one whose tree tells all, and complains where the library makes something else of it.
func agrees(t fatal, in string) (plain bool) {
	tree, err := parseTree([]byte(in), 1)
	if err != nil || tree.empty() || tree.check() != nil || !plainDocument([]byte(in), tree) {
		return false
	}
	got, ok := (scalars{}).appendJSON(nil, tree.root)
	if !ok {
		return false
	}
	want, err := toJSON([]byte(in))
	if err != nil || string(got) != string(want) {
		t.Fatalf("%q is read as\n%s\nand by the library as\n%s, %v", in, got, want, err)
	}
	return true
}

// plainScalars are scalars at the borders of what is text, a number or a word.
var plainScalars = []string{
	"a", "y", "Y", "yes", "No", "on", "OFF", "true", "True", "TRUE", "tRue", "false", "null", "Null", "~", "", "nul", "yess", "_", "_1", "/a:1", "a b", "a: b", "é", "a:b", "a#b", "$x", "$(A)",
	"0", "-0", "+0", "00", "1", "-1", "+1", "01", "0x1f", "0b11", "0o17", "017", "1_000", "_1_0", "1e3", "1.0", "1.20", ".5", "-.5", "5.", ".", "-", "--", "..", "+", "1:30", "190:20:30",
	".inf", "-.Inf", ".nan", "1e400", "9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999", "0.1", "1E5", "1-2", "10.0.0.1", "100m", "128Mi",
	"2026-11-26", "2026-11-26T01:02:03Z", "2026-11-26 01:02:03", "1 2", "0,1", "<<", "=", "<a>", "a&b", "!", "!x", "a\\b", "[x]", "{x}", "*", "%a", "@a", "`a", "a\u2028b", "a\x7fb", "\U0001f600",
}

// TestPlainAgreesWithTheLibrary: what is made of a tree alone is what the library makes of the text, for every scalar in every
// place and style, and for each text of TestRead.
func TestPlainAgreesWithTheLibrary(t *testing.T) {
	plain := 0
	for _, s := range plainScalars {
		for _, form := range []string{"%s\n", "a: %s\n", "- %s\n", "%s: a\n", "a: [%s]\n", "a: {b: %s, c: 1}\n", "a: '%s'\n", "a: \"%s\"\n", "'%s': a\n", "a: |\n  %s\n", "a: >-\n  %s\n\n  x\n", "a: %s\n  x\n", "b: %s # c\na: 1\n"} {
			if agrees(t, fmt.Sprintf(form, s)) {
				plain++
			}
		}
	}
	read := 0
	for _, r := range rows {
		if len(r.in) < 1<<12 && agrees(t, r.in) {
			read++
		}
	}
	if plain < 600 || read < 40 {
		t.Errorf("only %d texts of scalars, and %d of TestRead, were plain", plain, read)
	}
}

// TestPlainProperty: so it is for documents put together of such scalars.
func TestPlainProperty(t *testing.T) {
	plain, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		writeYAML(t, &b, 0)
		if all++; agrees(t, b.String()) {
			plain++
		}
	})
	if plain < all/20 {
		t.Errorf("only %d of %d documents were plain", plain, all)
	}
}

// writeYAML writes a value in block style, in the indentation of its place.
func writeYAML(t *rapid.T, b *strings.Builder, depth int) {
	lead := strings.Repeat("  ", depth)
	switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
	case kind == 0 && depth > 0, depth > 3:
		style := rapid.SampledFrom([]string{"%s", "%s", "'%s'", "\"%s\"", "[%s, a]", "{a: %s}", "|\n" + lead + "  %s", ">\n" + lead + "  %s"}).Draw(t, "style")
		fmt.Fprintf(b, " "+style+"\n", rapid.SampledFrom(plainScalars).Draw(t, "scalar"))
	case kind == 1:
		b.WriteString("\n")
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			b.WriteString(lead + "-")
			writeYAML(t, b, depth+1)
		}
	default:
		b.WriteString("\n")
		for i := range rapid.IntRange(1, 3).Draw(t, "members") {
			key := rapid.SampledFrom([]string{"a", "b", "'c'", "a/b.c", "app.kubernetes.io/name", "z", "A", "\"<\"", "é", "1", "yes"}).Draw(t, "key")
			if i > 0 {
				key = fmt.Sprintf("k%d", i)
			}
			b.WriteString(lead + key + ":")
			writeYAML(t, b, depth+1)
		}
	}
}

// FuzzPlain: and for any text.
func FuzzPlain(f *testing.F) {
	for _, s := range plainScalars {
		f.Add("a: " + s + "\n")
	}
	for _, r := range rows {
		if len(r.in) < 1<<10 {
			f.Add(r.in)
		}
	}
	f.Fuzz(func(t *testing.T, in string) { agrees(t, in) })
}
