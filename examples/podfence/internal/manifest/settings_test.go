package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSettings: what is passed over in a directory is no Kubernetes object, whatever its comments hide.
func TestSettings(t *testing.T) {
	rows := []struct {
		name, reason, in string
		want             bool
	}{
		{"tsconfig", "comments of both kinds, and a comma at the end", "// c\n{\n  /* { */ \"compilerOptions\": {\"paths\": {\"*\": [\"a/*\", \"b//c\",]}, // \"kind\": 1\n},\n}\n", true},
		{"launch.json", "a kind that is not at the root", "{\"tasks\": [{\"group\": {\"kind\": \"build\"},},]}", true},
		{"keybindings.json", "a list, with an escape", "[\n// c\n{\"key\": \"a\", \"args\": {\"text\": \"\\u001b\"}}]", true},
		{"byte order mark", "an editor of Windows", "\ufeff{ // c\n}", true},
		{"plain JSON", "it may have been another error", "{\"a\": 1}", true},
		{"a pod", "it is meant to run", "{ // c\n\"apiVersion\": \"v1\", \"kind\": \"Pod\"}", false},
		{"a kind alone", "its apiVersion may have been forgotten", "{ // c\n\"kind\": \"Pod\"}", false},
		{"a kind in other letters", "its author meant one", "{ // c\n\"Kind\": \"Pod\"}", false},
		{"a kind with an escape", "it is a kind", "{ // c\n\"\\u006bind\": \"Pod\"}", false},
		{"an element with a kind", "jq makes such lists", "[{\"kind\": \"Pod\"}, // c\n]", false},
		{"an object deeper", "somebody's list", "{\"resources\": {\"a\": [{\"apiVersion\": \"v1\"},]}}", false},
		{"containers", "somebody's template", "{\"template\": {\"spec\": {\"initContainers\": [],}}}", false},
		{"two texts", "a stream of objects", "{ // c\n}\n{}", false},
		{"a comment without an end", "no JSON whatever is left out", "{} /* c", false},
		{"broken otherwise", "no JSON whatever is left out", "{ // c\n\"a\": }", false},
		{"a slash", "no JSON whatever is left out", "{\"a\": /}", false},
		{"no text", "nothing is there", "", false},
	}
	if len(rows) != 17 {
		t.Errorf("%d rows", len(rows))
	}
	dir := t.TempDir()
	for _, r := range rows {
		path := filepath.Join(dir, strings.ReplaceAll(r.name, " ", "-")+".JSON")
		if err := os.WriteFile(path, []byte(r.in), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := HoldsSettings(path); got != r.want {
			t.Errorf("%s: %t, because %s want %t", r.name, got, r.reason, r.want)
		}
	}
	for name, text := range map[string]string{"a.yaml": "{ // c\n}", "long.json": "{" + strings.Repeat(" ", maxSettings) + "}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if HoldsSettings(filepath.Join(dir, name)) {
			t.Errorf("%s holds settings", name)
		}
	}
	if HoldsSettings(filepath.Join(dir, "nothing.json")) {
		t.Error("a file that is not there holds settings")
	}
}

// TestWithoutComments: only comments and commas go, and every line stays where it is.
func TestWithoutComments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want, in strings.Builder
		for range rapid.IntRange(0, 12).Draw(t, "parts") {
			part := rapid.SampledFrom([]string{"{", "}", "[1]", `"a//b"`, `"/*"`, `"\\"`, `"\""`, ":", ",1", " ", "\n"}).Draw(t, "part")
			want.WriteString(part)
			in.WriteString(part)
			comment := rapid.SampledFrom([]string{"", "", "// \" , }\n", "/* \" , } */"}).Draw(t, "comment")
			in.WriteString(comment)
			want.WriteString(strings.Map(func(r rune) rune {
				if r == '\n' {
					return r
				}
				return ' '
			}, comment))
		}
		if got := string(withoutComments([]byte(in.String()))); got != want.String() {
			t.Fatalf("%q\nbecomes\n%q, want\n%q", in.String(), got, want.String())
		}
	})
}
