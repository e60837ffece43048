package yamledit

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// The parser says where a node starts and not where it ends. This file finds the end, always from a start which the
// parser gave: it never has to guess which bytes are structure. Each function reports false where the text is not what
// the tree promises, which no caller may treat as a position.

// start is the first byte of a node, including its anchor and tag.
func (d *document) start(n *yaml.Node) (int, bool) { return d.offset(n.Line, n.Column) }

// content passes the anchor and tag of a node: to their end, and to the content after them.
func (d *document) content(n *yaml.Node) (propertiesEnd, content int, ok bool) {
	pos, ok := d.start(n)
	propertiesEnd = pos
	for ok && pos < len(d.src) && n.Kind != yaml.AliasNode {
		switch d.src[pos] {
		case '&':
			propertiesEnd = min(pos+1+len(n.Anchor), len(d.src))
		case '!':
			propertiesEnd = d.tagEnd(pos)
		default:
			return propertiesEnd, pos, true
		}
		pos = d.skipBlank(propertiesEnd)
	}
	return propertiesEnd, pos, ok
}

// tagEnd passes a tag such as !!map, !local or !<tag:yaml.org,2002:map>.
func (d *document) tagEnd(pos int) int {
	if bytes.HasPrefix(d.src[pos:], []byte("!<")) {
		if i := bytes.IndexByte(d.src[pos:], '>'); i >= 0 {
			return pos + i + 1
		}
	}
	for pos < len(d.src) && !isBlank(d.src[pos]) && breakLen(d.src, pos) == 0 && bytes.IndexByte([]byte(",[]{}"), d.src[pos]) < 0 {
		pos++
	}
	return pos
}

// mappingColumn is the column, from 0, of the keys of a block mapping.
func mappingColumn(n *yaml.Node) int { return n.Content[0].Column - 1 }

// dashColumn is the column, from 0, of the dashes of a block sequence.
func (d *document) dashColumn(n *yaml.Node) int {
	_, dash, ok := d.content(n)
	if !ok {
		return 0
	}
	return d.column(dash)
}

// childIndent is the indentation which the parser has in force inside a node. A list at the column of its key does not
// raise it.
func (d *document) childIndent(n *yaml.Node, indent int) int {
	switch {
	case isBlock(n, yaml.MappingNode):
		return mappingColumn(n)
	case isBlock(n, yaml.SequenceNode):
		return max(indent, d.dashColumn(n))
	default:
		return indent
	}
}

// end is the offset after the last byte of a node. Indent is the indentation in force around it, -1 at the root.
func (d *document) end(n *yaml.Node, indent int) (int, bool) {
	if end, known := d.ends[n]; known {
		return end, true
	}
	end, ok := d.findEnd(n, indent)
	if ok {
		d.ends[n] = end
	}
	return end, ok
}

func (d *document) findEnd(n *yaml.Node, indent int) (int, bool) {
	switch {
	case n.Kind == yaml.AliasNode:
		pos, ok := d.start(n)
		return pos + len("*") + len(n.Value), ok
	case n.Kind == yaml.ScalarNode:
		return d.scalarEnd(n, indent)
	case isFlow(n):
		return d.flowEnd(n)
	case len(n.Content) == 0:
		return d.start(n)
	default:
		return d.end(last(n), d.childIndent(n, indent))
	}
}

func last(n *yaml.Node) *yaml.Node { return n.Content[len(n.Content)-1] }

// flowEnd looks for the bracket that closes a collection after its last member. Between the two there can be no text.
// The mapping in [a: b] has no brackets, and ends with its value.
func (d *document) flowEnd(n *yaml.Node) (int, bool) {
	_, pos, ok := d.content(n)
	if !ok || pos >= len(d.src) {
		return 0, false
	}
	open := d.src[pos]
	pos++
	if len(n.Content) > 0 {
		if pos, ok = d.end(last(n), 0); !ok {
			return 0, false
		}
	}
	var closer byte
	switch {
	case n.Kind == yaml.SequenceNode && open == '[':
		closer = ']'
	case n.Kind == yaml.MappingNode && open == '{':
		closer = '}'
	default:
		return pos, len(n.Content) > 0
	}
	pos = d.skipBlank(pos)
	for pos < len(d.src) && bytes.IndexByte([]byte(",:?"), d.src[pos]) >= 0 {
		pos = d.skipBlank(pos + 1)
	}
	return pos + 1, pos < len(d.src) && d.src[pos] == closer
}

func (d *document) scalarEnd(n *yaml.Node, indent int) (int, bool) {
	propertiesEnd, pos, ok := d.content(n)
	switch {
	case !ok || isBare(n):
		return propertiesEnd, ok
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return d.doubleQuotedEnd(pos)
	case n.Style&yaml.SingleQuotedStyle != 0:
		return d.singleQuotedEnd(pos)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockScalar(pos, indent).end, true
	default:
		return d.plainEnd(pos, n.Value)
	}
}

func (d *document) doubleQuotedEnd(pos int) (int, bool) {
	for i := pos + 1; i < len(d.src); i++ {
		switch d.src[i] {
		case '\\':
			i++
		case '"':
			return i + 1, d.src[pos] == '"'
		}
	}
	return 0, false
}

func (d *document) singleQuotedEnd(pos int) (int, bool) {
	for i := pos + 1; i < len(d.src); i++ {
		if d.src[i] != '\'' {
			continue
		}
		if i+1 == len(d.src) || d.src[i+1] != '\'' {
			return i + 1, d.src[pos] == '\''
		}
		i++
	}
	return 0, false
}

// plainEnd follows a plain scalar by its value. Folding changes white space only, so matching everything else finds the
// end over any number of lines, without the rules for what may stand in a plain scalar.
func (d *document) plainEnd(pos int, value string) (int, bool) {
	text := []byte(value)
	for i := skipSpace(text, 0); i < len(text); i = skipSpace(text, i) {
		pos = skipSpace(d.src, pos)
		if pos >= len(d.src) || d.src[pos] != text[i] {
			return 0, false
		}
		pos++
		i++
	}
	return pos, true
}

func skipSpace(text []byte, i int) int {
	for i < len(text) {
		n := breakLen(text, i)
		if n == 0 && !isBlank(text[i]) {
			break
		}
		i += max(n, 1)
	}
	return i
}

// blockScalar is what follows | or >.
type blockScalar struct {
	end      int  // after the last byte that belongs to the value, without its line break
	stripped bool // by "-": what comes after the last line of text is no part of the value
}

// blockScalar reads the header and then lines until one is indented too little.
func (d *document) blockScalar(pos, indent int) blockScalar {
	header := string(d.src[pos:d.lineEnd(pos)])
	contentIndent, keep, strip := 0, false, false
	for i := 1; i < min(3, len(header)); i++ {
		switch c := header[i]; {
		case c == '+':
			keep = true
		case c == '-':
			strip = true
		case c >= '1' && c <= '9':
			contentIndent = max(indent, 0) + int(c-'0')
		}
	}
	if contentIndent == 0 {
		contentIndent = d.detectIndent(d.lineOf(pos)+1, indent)
	}
	end := d.lineEnd(pos)
	for line := d.lineOf(pos) + 1; line < len(d.lines); line++ {
		width, hasText := d.indentation(line, contentIndent)
		if hasText && width < contentIndent {
			break
		}
		if hasText || keep && d.lines[line].offset < len(d.src) {
			end = d.lineEnd(d.lines[line].offset)
		}
	}
	return blockScalar{end: end, stripped: strip}
}

// detectIndent repeats how the parser finds the indentation of a block scalar without an indicator.
func (d *document) detectIndent(line, indent int) int {
	widest := 0
	for ; line < len(d.lines); line++ {
		width, hasText := d.indentation(line, len(d.src))
		widest = max(widest, width)
		if hasText {
			break
		}
	}
	return max(widest, indent+1, 1)
}

// indentation counts the spaces a line starts with, up to a limit, and reports whether anything comes after them.
func (d *document) indentation(line, limit int) (width int, hasText bool) {
	pos := d.lines[line].offset
	for pos < len(d.src) && width < limit && d.src[pos] == ' ' {
		pos++
		width++
	}
	return width, pos < len(d.src) && breakLen(d.src, pos) == 0
}
