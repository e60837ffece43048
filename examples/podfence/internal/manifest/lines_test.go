package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

// leaves are the values of a drawn object, each of which stands once in the text.
type leaves struct {
	t     *rapid.T
	paths [][]string
	texts []string
}

func (l *leaves) draw(path []string, depth int) any {
	switch n := rapid.IntRange(0, 5).Draw(l.t, "kind"); {
	case depth == 0 || n < 2:
		text := strconv.Itoa(1_000_000 + len(l.texts))
		l.paths, l.texts = append(l.paths, slices.Clone(path)), append(l.texts, text)
		return json.Number(text)
	case n == 2:
		list := make([]any, rapid.IntRange(1, 4).Draw(l.t, "items"))
		for i := range list {
			list[i] = l.draw(append(path, strconv.Itoa(i)), depth-1)
		}
		return list
	default:
		m := map[string]any{}
		for range rapid.IntRange(1, 4).Draw(l.t, "members") {
			m[rapid.SampledFrom([]string{"a", "b", "on", "1", "x y", "é", `"q"`, "a/b", "~"}).Draw(l.t, "key")] = nil
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			m[key] = l.draw(append(path, key), depth-1)
		}
		return m
	}
}

// TestLinesOf: in YAML, in JSON with a member a line and in JSON on one line, by
// itself and in a list, every value is found on the line on which it stands, and
// what is missing below it too.
func TestLinesOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &leaves{t: t}
		object := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": l.draw([]string{"data"}, 5)}
		before := rapid.IntRange(0, 3).Draw(t, "lines before")
		value := any(object)
		if rapid.Bool().Draw(t, "list") {
			service := map[string]any{"apiVersion": "v1", "kind": "Service"}
			value = map[string]any{"apiVersion": "v1", "kind": "List", "items": []any{service, object}}
		}
		for _, form := range []func(any) ([]byte, error){
			func(v any) ([]byte, error) { return yaml.Marshal(v) },
			func(v any) ([]byte, error) { return json.MarshalIndent(v, "", " ") },
			json.Marshal,
		} {
			text, err := form(value)
			if err != nil {
				t.Fatal(err)
			}
			l.findIn(t, append(bytes.Repeat([]byte("\n"), before), text...))
		}
	})
}

func (l *leaves) findIn(t *rapid.T, text []byte) {
	t.Helper()
	found := 0
	for c := range Read(bytes.NewReader(text), "f") {
		for i := range c.Objects {
			o := &c.Objects[i]
			if o.Kind != "ConfigMap" {
				continue
			}
			found++
			lines := o.LinesOf(l.paths...)
			for i, path := range l.paths {
				at := bytes.Index(text, []byte(l.texts[i]))
				want := 1 + bytes.Count(text[:at], []byte("\n"))
				missing := append(slices.Clone(path), "missing", "0")
				if lines[i] != want || o.LineOf(path) != want || o.LineOf(missing) != want {
					t.Fatalf("%q is in line %d, alone %d, below %d, want %d, of\n%s", path, lines[i], o.LineOf(path), o.LineOf(missing), want, text)
				}
			}
		}
	}
	if found != 1 {
		t.Fatalf("%d objects in\n%s", found, text)
	}
}

// TestLinesOfMany: 40,000 values cost one pass over the text, not one each, which
// would take hours.
func TestLinesOfMany(t *testing.T) {
	var b strings.Builder
	b.WriteString("{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"list\": [\n")
	const many = 40_000
	paths := make([][]string, many)
	for i := range paths {
		fmt.Fprintf(&b, "{\"pad\": %q, \"v\":\n%d},\n", strings.Repeat("x", 100), i)
		paths[many-1-i] = []string{"list", strconv.Itoa(i), "v"}
	}
	b.WriteString("0]}")
	for c := range Read(strings.NewReader(b.String()), "f") {
		for i := range c.Objects {
			for k, line := range c.Objects[i].LinesOf(paths...) {
				if want := 2 + 2*(many-1-k); line != want {
					t.Fatalf("%q is in line %d, want %d", paths[k], line, want)
				}
			}
		}
	}
}
