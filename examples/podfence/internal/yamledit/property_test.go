package yamledit

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"
)

// manifest writes random documents, in every style a hand might use.
type manifest struct {
	*rapid.T
	keys    int
	anchors int
}

func (m *manifest) one(of int) int { return rapid.IntRange(0, of-1).Draw(m.T, "choice") }

func (m *manifest) pick(of ...string) string { return of[m.one(len(of))] }

func (m *manifest) document() string {
	text := m.pick("", "", "# head\n", "---\n", "# é\n---\n# more\n", "%YAML 1.1\n---\n")
	if m.one(6) == 0 {
		text += m.json(0, m.pick("  ", "    ", "\t"), 3) + "\n"
	} else {
		text += m.mapping(0, 0, 3) + m.pick("", "", "\n# end\n", "...\n")
	}
	if m.one(5) == 0 {
		text = strings.TrimSuffix(text, "\n")
	}
	if m.one(4) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	return m.pick("", "", "", string(byteOrderMark)) + text
}

func (m *manifest) key() string {
	m.keys++
	return m.pick("k%d", "k%d", "\"k%d\"", "'k%d'", "é%d")
}

func (m *manifest) named(key string) string { return fmt.Sprintf(key, m.keys) }

func (m *manifest) anchor() string {
	if m.one(6) > 0 {
		return ""
	}
	m.anchors++
	return fmt.Sprintf("&a%d ", m.anchors)
}

// mapping writes a block mapping whose first line is at indent less skip, as it follows a dash.
func (m *manifest) mapping(indent, skip, depth int) string {
	var b strings.Builder
	for i := range 1 + m.one(4) {
		pad := strings.Repeat(" ", indent)
		if i == 0 {
			pad = pad[skip:]
		} else {
			b.WriteString(m.between(indent))
		}
		b.WriteString(pad + m.named(m.key()) + m.pick(":", ":", ":", " :") + m.value(indent, depth))
	}
	return b.String()
}

func (m *manifest) between(indent int) string {
	pad := strings.Repeat(" ", indent)
	return m.pick("", "", "", "\n", pad+"# note: [\n", "\n# é\n", "  "+pad+"# deep\n")
}

func (m *manifest) comment() string { return m.pick("", "", "", "  # c: {", "\t# é ]", " \t") + "\n" }

// value writes what follows a colon, up to and with the line break.
func (m *manifest) value(indent, depth int) string {
	choice := m.one(16)
	if depth == 0 {
		choice %= 12
	}
	inner := strings.Repeat(" ", indent+1+m.one(4))
	switch choice {
	case 0:
		return " " + m.anchor() + m.pick("1", "a b", "x:y", "a#b", "'it''s # [x'", "\"q \\\" é # {\"", "-1.50", "2001-01-01") + m.comment()
	case 1:
		return " " + m.pick("|", ">", "|-", ">-", "|+", ">+") + m.pick("", " # c") + "\n" +
			inner + "text: {\n" + m.pick("", "\n", inner+"# text\n", inner+"   deep\n\n") + inner + "end é\n" + m.pick("", "", "\n", "\n\n")
	case 2:
		return " " + m.pick("|2", "|2-", ">2+", "|+2") + "\n" + strings.Repeat(" ", indent+2) + "   deep\n" +
			strings.Repeat(" ", indent+2) + "x: y\n"
	case 3:
		return " one:two" + "\n" + inner + "three#four\n" + m.pick("", "\n") + inner + "five" + m.comment()
	case 4:
		return " \"one # é\n" + inner + "two: [\\\"\n\n" + inner + "end\"" + m.comment()
	case 5, 6:
		return m.pick("", " "+strings.TrimSpace(m.anchor())) + m.comment()
	case 7:
		return " " + m.anchor() + m.pick("null", "~", "Null") + m.comment()
	case 8:
		return " " + m.anchor() + m.pick("{}", "{ }", "[]", "[ ]", "{\n"+inner+"}", "!!map {}") + m.comment()
	case 9, 10:
		return " " + m.anchor() + m.flow(2) + m.comment()
	case 11:
		return " " + m.flowLines(inner) + m.comment()
	case 12, 13:
		return " " + strings.TrimSpace(m.anchor()) + m.comment() + m.mapping(indent+1+m.one(4), 0, depth-1)
	default:
		return " " + strings.TrimSpace(m.anchor()) + m.comment() + m.list(indent+m.one(4), depth-1)
	}
}

func (m *manifest) list(indent, depth int) string {
	var b strings.Builder
	for range 1 + m.one(3) {
		dash := strings.Repeat(" ", indent) + "-" + strings.Repeat(" ", 1+m.one(3))
		b.WriteString(dash)
		switch m.one(4) {
		case 0:
			b.WriteString(m.pick("a", "'b'", m.flow(1), "null") + m.comment())
		default:
			b.WriteString(m.mapping(len(dash), len(dash), depth))
		}
		b.WriteString(m.between(indent))
	}
	return b.String()
}

func (m *manifest) flow(depth int) string {
	switch choice := m.one(8); {
	case choice < 2 || depth == 0:
		return m.pick("1", "'a, }'", "\"b ] \\\"\"", "null", "{}", "[]", "é")
	case choice < 3:
		return "[" + m.flow(depth-1) + ", " + m.flow(depth-1) + m.pick("]", ",]", " ]")
	case choice < 4:
		return "{" + m.named(m.key()) + ": }"
	default:
		return m.pick("{", "{ ") + m.named(m.key()) + ": " + m.flow(depth-1) + m.pick("", ", "+m.named(m.key())+": "+m.flow(depth-1)) +
			m.pick("}", ",}", " }")
	}
}

func (m *manifest) flowLines(inner string) string {
	return "{" + m.pick("\n", " # c\n", "\n"+inner+"# head\n") + inner + m.named(m.key()) + ": " + m.flow(1) +
		m.pick("", ",\n"+inner+m.named(m.key())+": "+m.flow(1)) + m.pick("", ",", " # c }") + "\n" + inner + "}"
}

func (m *manifest) json(level int, unit string, depth int) string {
	if depth == 0 {
		return m.pick("1", "null", "\"é \\\" }\"", "[]", "{}", "true", "{\n"+strings.Repeat(unit, level)+"}")
	}
	var members []string
	for range 1 + m.one(3) {
		m.keys++
		members = append(members, fmt.Sprintf("%s\"k%d\": %s", strings.Repeat(unit, level+1), m.keys, m.json(level+1, unit, depth-1-m.one(depth))))
	}
	return "{\n" + strings.Join(members, ",\n") + "\n" + strings.Repeat(unit, level) + "}"
}

// somewhere is a place that an edit can go.
type somewhere struct {
	path  []string
	value any  // by which the place is filled; nil for a mapping, which receives a key
	lines bool // whether the edit adds lines and changes none
}

// places walks a document for all of them.
func places(n *yaml.Node, path []string) []somewhere {
	var found []somewhere
	switch n.Kind {
	case yaml.MappingNode:
		found = append(found, somewhere{path: path, lines: isBlock(n, yaml.MappingNode)})
		for i := 0; i+1 < len(n.Content); i += 2 {
			found = append(found, valuePlaces(n.Content[i+1], child(path, n.Content[i].Value), isBlock(n, yaml.MappingNode))...)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			found = append(found, places(item, child(path, strconv.Itoa(i)))...)
		}
	}
	return found
}

func valuePlaces(n *yaml.Node, path []string, inBlock bool) []somewhere {
	switch {
	case isNull(n):
		return []somewhere{
			{path, restricted, inBlock && isBare(n)},
			{path, []any{"ALL", "b"}, inBlock && isBare(n)},
			{path, true, false},
		}
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return []somewhere{{path, []any{"ALL"}, false}}
	default:
		return places(n, path)
	}
}

func child(path []string, segment string) []string {
	return append(path[:len(path):len(path)], segment)
}

// drawEdits chooses some places, each once.
func drawEdits(t *rapid.T, root *yaml.Node) (edits []Edit, lines bool) {
	all := places(root, nil)
	lines = true
	used := map[string]bool{}
	for i := range rapid.IntRange(1, 6).Draw(t, "edits") {
		at := all[rapid.IntRange(0, len(all)-1).Draw(t, "place")]
		name := fieldPath(at.path)
		if at.value != nil && used[name] {
			continue
		}
		used[name] = true
		lines = lines && at.lines
		if at.value == nil {
			at.path = child(at.path, fmt.Sprintf("new%d", i))
			at.value = rapid.SampledFrom([]any{true, int64(1000), "RuntimeDefault", "no", restricted, []any{"ALL"}, Mapping{}}).Draw(t, "value")
		}
		edits = append(edits, Edit{at.path, at.value})
	}
	return edits, lines
}

// apply is the edit in memory. It shares no code with the package.
func apply(into any, path []string, value any) any {
	if len(path) == 0 {
		return plain(value)
	}
	if list, ok := into.([]any); ok {
		i, _ := strconv.Atoi(path[0])
		list[i] = apply(list[i], path[1:], value)
		return list
	}
	object := into.(map[string]any)
	object[path[0]] = apply(object[path[0]], path[1:], value)
	return object
}

func plain(value any) any {
	switch v := value.(type) {
	case Mapping:
		object := map[string]any{}
		for _, member := range v {
			object[member.Key] = plain(member.Value)
		}
		return object
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, plain(item))
		}
		return list
	case int64:
		return float64(v)
	default:
		return v
	}
}

func TestRandomManifests(t *testing.T) {
	refusals, all := 0, 0
	defer func() {
		t.Logf("%d of %d documents were refused: they end with a text that has no line break", refusals, all)
	}()
	rapid.Check(t, func(t *rapid.T) {
		all++
		src := (&manifest{T: t}).document()
		root, err := parseNodes([]byte(src))
		if err != nil {
			t.Fatalf("the generator wrote what is no YAML: %v\n%s", err, src)
		}
		edits, lines := drawEdits(t, root)
		out, err := Insert([]byte(src), edits)
		var refused *Error
		if errors.As(err, &refused) && strings.Contains(refused.Reason, "no line break") && !strings.HasSuffix(src, "\n") {
			refusals++
			return // the error says how to mend it
		}
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, src, show(edits))
		}
		want := decoded(t, []byte(src))
		for _, edit := range edits {
			want = apply(want, edit.Path, edit.Value)
		}
		if got := decoded(t, out); !reflect.DeepEqual(want, got) {
			t.Fatalf("got %v, want %v\n%s\n%s", got, want, src, out)
		}
		if lines && linesLost(src, string(out)) > 0 {
			t.Fatalf("old lines were touched\n%s\n%s\n%s", src, show(edits), out)
		}
		if strings.Contains(src, "\r\n") && strings.Contains(strings.ReplaceAll(string(out), "\r\n", ""), "\n") {
			t.Fatalf("line ends were mixed\n%q\n%q", src, out)
		}
	})
}

// decoded reads a document as Kubernetes does.
func decoded(t *rapid.T, src []byte) any {
	var value any
	if err := sigsyaml.Unmarshal(src, &value); err != nil {
		t.Fatalf("%v in:\n%s", err, src)
	}
	return value
}

func show(edits []Edit) string {
	text, _ := json.Marshal(edits)
	return string(text)
}
