package manifest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// draft is a text that is being written, with the objects that are to be found in it.
type draft struct {
	t    *rapid.T
	b    strings.Builder
	eol  string
	pods int
	want []string
}

func (d *draft) write(text string) { d.b.WriteString(strings.ReplaceAll(text, "\n", d.eol)) }

func (d *draft) line() int { return 1 + strings.Count(d.b.String(), "\n") }

func (d *draft) expect(line int, path, rest string) {
	d.want = append(d.want, strings.Join(strings.Fields(fmt.Sprintf("%d %s %s", line, path, rest)), " "))
}

func (d *draft) choose(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.t, label)
}

func (d *draft) nextName() string {
	d.pods++
	return fmt.Sprintf("p%d", d.pods)
}

func (d *draft) comments() {
	d.write(d.choose("comments", "", "", "\n", "# c\n", "  # --- \n\n", "#\n#\n"))
}

// document writes a YAML document without the line "---" before it.
func (d *draft) document() {
	d.comments()
	switch name := d.nextName(); rapid.IntRange(0, 6).Draw(d.t, "document") {
	case 0:
		d.expect(d.line(), "", "v1 Pod "+name+" typed")
		d.write("apiVersion: v1\nkind: Pod\nmetadata:\n  # c\n  name: " + name + "\n")
	case 1:
		d.expect(d.line(), "", "passed")
		d.write("a: |\n  ---\n  x\n\nb: '# no comment'\n")
	case 2:
		d.write("kind: List\nitems:\n")
		for i := range rapid.IntRange(1, 3).Draw(d.t, "items") {
			d.comments()
			d.expect(d.line(), fmt.Sprintf("items.%d", i), fmt.Sprintf("v1 Pod %s-%d typed", name, i))
			d.write(fmt.Sprintf("- kind: Pod\n  apiVersion: v1\n  metadata: {name: %s-%d}\n", name, i))
		}
	case 3:
		d.expect(d.line(), "", "v1 Pod "+name+" typed")
		d.write("{apiVersion: v1, kind: Pod,\n metadata: {name: " + name + "}}\n")
	case 4:
		d.want = append(d.want, fmt.Sprintf("ERR <stdin>:%d: could not decide: key a is given twice; remove one of the two", d.line()+1))
		d.write("a: 1\na: 2\n")
	case 5:
		d.want = append(d.want, fmt.Sprintf("ERR <stdin>:%d: could not decide Pod: spec is a string, not a mapping; write a mapping", d.line()+3))
		d.write("apiVersion: v1\nkind: Pod\n# c\nspec: x\n")
	case 6: // nothing but comments
	}
	d.comments()
}

func (d *draft) documents() {
	for range rapid.IntRange(0, 5).Draw(d.t, "documents") {
		d.write(d.choose("separator", "---\n", "--- # c\n", "---\n", "...\n---\n", "---\t\n", "---\n\ufeff", "\ufeff---\n", "...\n\ufeff---\n# c\n\ufeff"))
		d.document()
	}
}

// space is what may stand between any two tokens of JSON.
func (d *draft) space() { d.write(d.choose("space", "", "", " ", "\n", "\t\n\n ")) }

func (d *draft) jsonPod(kind bool) {
	name := d.nextName()
	d.expect(d.line(), "", "v1 Pod "+name+" typed")
	d.write("{")
	if kind {
		d.write(`"apiVersion":"v1",` + "\n" + `"kind":"Pod",`)
	}
	d.space()
	d.write(`"metadata":{"name":"` + name + `"}}`)
}

// jsonList writes a list with its members in one of the orders that matter.
func (d *draft) jsonList() {
	kind := d.choose("list", "List", "PodList")
	before := rapid.Bool().Draw(d.t, "kind before items")
	d.write("{")
	d.space()
	head := `"apiVersion":"v1","kind":"` + kind + `"`
	if before {
		d.write(head + ",")
	}
	d.write(`"items":[`)
	for i := range rapid.IntRange(0, 4).Draw(d.t, "items") {
		if i > 0 {
			d.write(",")
		}
		d.space()
		d.jsonPod(kind == "List" || rapid.Bool().Draw(d.t, "own kind"))
		d.space()
	}
	d.write("]")
	if !before {
		d.write("," + head)
	}
	d.space()
	d.write("}")
}

// jsonArray writes a list of objects that no List is around.
func (d *draft) jsonArray() {
	d.write("[")
	for i := range rapid.IntRange(1, 4).Draw(d.t, "elements") {
		if i > 0 {
			d.write(",")
		}
		d.space()
		d.jsonPod(true)
		d.space()
	}
	d.write("]")
}

func (d *draft) json() {
	for range rapid.IntRange(1, 4).Draw(d.t, "objects") {
		d.space()
		switch d.choose("object", "list", "array", "pod") {
		case "list":
			d.jsonList()
		case "array":
			d.jsonArray()
		case "pod":
			d.jsonPod(true)
		}
		d.write("\n")
	}
}

// Whatever is written is read: every byte, and every object with its line.
func TestReadProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &draft{t: t, eol: rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end of line")}
		d.b.WriteString(d.choose("mark", "", "", "\ufeff"))
		if rapid.Bool().Draw(t, "starts with JSON") {
			d.json()
		} else {
			d.document()
		}
		d.documents()
		in := d.b.String()
		var raw strings.Builder
		var chunks []Chunk
		for c, err := range Read(strings.NewReader(in), Stdin) {
			if err != nil {
				t.Fatal(err)
			}
			raw.Write(c.Raw)
			chunks = append(chunks, c)
		}
		if raw.String() != in {
			t.Fatalf("the chunks are not the input:\n%q\n%q", in, raw.String())
		}
		if diff := cmp.Diff(strings.Join(d.want, "\n"), render(chunks)); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, in)
		}
	})
}
