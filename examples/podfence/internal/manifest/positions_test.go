package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

// TestPositionsOf: in every form in which TestLinesOf looks for lines, a value is found where its key is written, or
// itself in a list.
func TestPositionsOf(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		l := &leaves{t: t}
		object := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": l.draw([]string{"data"}, 5)}
		value := any(object)
		if rapid.Bool().Draw(t, "list") {
			service := map[string]any{"apiVersion": "v1", "kind": "Service", "é": "é"}
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
			found += l.place(t, text)
		}
	})
	if found == 0 {
		t.Error("no value was looked for")
	}
}

// place looks for the leaves in a text, and returns how many there are.
func (l *leaves) place(t *rapid.T, text []byte) (found int) {
	t.Helper()
	lines := strings.Split(string(text), "\n")
	read := 0
	for c := range Read(bytes.NewReader(text), "f") {
		before := text[:read]
		first := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
		read += len(c.Raw)
		for i := range c.Objects {
			if c.Objects[i].Kind != "ConfigMap" {
				continue
			}
			for i, p := range c.Objects[i].PositionsOf(l.paths...) {
				if p.Line == c.Line {
					p.Column += first
				}
				rest := string([]rune(lines[p.Line-1])[p.Column-1:])
				if want := written(l.paths[i], l.texts[i]); !want(rest) {
					t.Fatalf("%q is at %+v, where %q stands, of\n%s", l.paths[i], p, rest, text)
				}
				found++
			}
		}
	}
	return found
}

// written reports whether a text begins with the last step of a path, as a key, or with the value, in a list.
func written(path []string, value string) func(rest string) bool {
	step := path[len(path)-1]
	return func(rest string) bool {
		for _, begin := range []string{step + ":", strconv.Quote(step) + ":", "'" + step + "':", value} {
			if strings.HasPrefix(rest, begin) {
				return true
			}
		}
		return false
	}
}

// TestPositionsOfMany: as TestLinesOfMany, on one line.
func TestPositionsOfMany(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"apiVersion": "v1", "kind": "ConfigMap", "list": [`)
	const many = 40_000
	paths, want := make([][]string, many), make([]int, many)
	for i := range paths {
		want[many-1-i] = b.Len() + 1
		fmt.Fprintf(&b, "%d, ", i)
		paths[many-1-i] = []string{"list", strconv.Itoa(i)}
	}
	b.WriteString("0]}")
	found := 0
	for c := range Read(strings.NewReader(b.String()), "f") {
		for i := range c.Objects {
			for k, p := range c.Objects[i].PositionsOf(paths...) {
				found++
				if p != (Position{1, want[k]}) {
					t.Fatalf("%q is at %+v, want column %d", paths[k], p, want[k])
				}
			}
		}
	}
	if found != many {
		t.Errorf("%d values were found", found)
	}
}
