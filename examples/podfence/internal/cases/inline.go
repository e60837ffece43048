package cases

import (
	"bytes"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// textOf is the text of a mapping within a file as a document of its own, each of its lines on the number that it has
// in the file, so that who reads it tells the right lines. It is cut out of the file where that gives the same value;
// of a mapping in braces it is written anew, on the line on which it begins.
func textOf(data []byte, n *yaml.Node) []byte {
	if n.Style&yaml.FlowStyle == 0 {
		if cut := cutOut(data, n); same(cut, n) {
			return cut
		}
	}
	rewritten, err := yaml.Marshal(flowing(n))
	if err != nil {
		rewritten = nil // a node that was parsed can be written
	}
	return append(bytes.Repeat([]byte("\n"), n.Line-1), rewritten...)
}

// cutOut are the lines of a mapping in block style: from its first key on, as long as they are indented like it, empty or
// comments.
func cutOut(data []byte, n *yaml.Node) []byte {
	var out bytes.Buffer
	number := 0
	for line := range bytes.Lines(data) {
		number++
		content := bytes.TrimLeft(line, " ")
		indent := len(line) - len(content)
		switch {
		case number < n.Line:
			out.WriteByte('\n')
		case number == n.Line:
			out.WriteString(strings.Repeat(" ", n.Column-1))
			out.Write(line[min(n.Column-1, len(line)):])
		case indent < n.Column-1 && len(bytes.TrimSpace(content)) > 0 && content[0] != '#':
			return out.Bytes()
		default:
			out.Write(line)
		}
	}
	return out.Bytes()
}

// same reports whether a text is one document with the value of a node.
func same(text []byte, n *yaml.Node) bool {
	var got, want any
	var more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	return d.Decode(&got) == nil && d.Decode(&more) != nil && n.Decode(&want) == nil && reflect.DeepEqual(got, want)
}

// flowing is a copy of a node on one line, without comments. What stands without quotes still does.
func flowing(n *yaml.Node) *yaml.Node {
	c := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	switch {
	case n.Kind != yaml.ScalarNode:
		c.Style = yaml.FlowStyle
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		c.Style = yaml.DoubleQuotedStyle
	}
	for _, entry := range n.Content {
		c.Content = append(c.Content, flowing(entry))
	}
	return c
}
