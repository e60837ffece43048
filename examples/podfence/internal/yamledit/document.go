package yamledit

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document is a parsed source with what the whole of it tells about its style.
type document struct {
	*positions
	root    *yaml.Node
	aliased map[*yaml.Node]*yaml.Node // an anchored node, to the first alias that repeats it
	ends    map[*yaml.Node]int
	// step is the indentation of a mapping under its key, and sequenceStep that of a list, as the first of each shows.
	step, sequenceStep int
	// unit is the indentation of JSON with a member a line; empty for all else.
	unit string
}

const (
	defaultStep = 2
	unknown     = -1
)

// parse reads one document. A stream of several has to be split first: an edit could not say which it means.
func parse(src []byte, root *yaml.Node) (*document, error) {
	if !utf8.Valid(src) {
		return nil, &Error{Reason: "the document is not UTF-8"}
	}
	if root == nil {
		var err error
		if root, err = parseNodes(src); err != nil {
			return nil, err
		}
	}
	doc := &document{
		positions: newPositions(src),
		root:      root,
		aliased:   map[*yaml.Node]*yaml.Node{},
		ends:      map[*yaml.Node]int{},
	}
	doc.survey()
	return doc, nil
}

// parseNodes reads the tree. JSON has escapes that the parser does not know: what cannot be read is tried again with others
// in their place.
func parseNodes(src []byte) (*yaml.Node, error) {
	root, err := parseYAML(src)
	if err != nil && jsonEscape.Match(src) {
		if again, err := parseYAML(withoutJSONEscapes(src)); err == nil {
			return again, nil
		}
	}
	return root, err
}

var (
	// jsonEscape matches a slash, which JSON may escape, and a half of a character beyond U+FFFF, which it writes as two.
	jsonEscape = regexp.MustCompile(`\\(/|u[dD][89a-fA-F][0-9a-fA-F]{2})`)
	anyEscape  = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)
)

// withoutJSONEscapes puts others of the same length into their place, so that every position stays: U+E83D stands for
// U+D83D, and U+2029 for a slash. The values are other ones then, in the source as in the result that is compared with it.
func withoutJSONEscapes(src []byte) []byte {
	return anyEscape.ReplaceAllFunc(src, func(escape []byte) []byte {
		switch {
		case !jsonEscape.Match(escape):
			return escape
		case escape[1] == '/':
			return []byte(`\P`)
		default:
			return append([]byte(`\ue`), escape[3:]...)
		}
	})
}

// parseYAML reads the tree. The parser reports broken input by panicking inside, and what it fails to catch must not
// end a command.
func parseYAML(src []byte) (root *yaml.Node, err error) {
	defer recoverParser(&err)
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	var doc, extra yaml.Node
	switch err := decoder.Decode(&doc); {
	case err == io.EOF:
		return nil, &Error{Reason: "the document is empty"}
	case err != nil:
		return nil, unreadable(err)
	}
	switch err := decoder.Decode(&extra); {
	case err == nil:
		return nil, &Error{Line: extra.Line, Reason: "a second document starts here: edit one document at a time"}
	case err != io.EOF:
		return nil, unreadable(err)
	}
	if len(doc.Content) != 1 {
		return nil, &Error{Reason: "the document is empty"}
	}
	return doc.Content[0], nil
}

func recoverParser(err *error) {
	if r := recover(); r != nil {
		*err = &Error{Reason: fmt.Sprintf("the document cannot be read: the parser failed: %v", r)}
	}
}

func unreadable(err error) *Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	return &Error{Reason: "the document cannot be read: " + text}
}

// survey notes the aliases and the style in one pass.
func (d *document) survey() {
	d.step, d.sequenceStep = unknown, unknown
	d.surveyNode(d.root)
	if d.step == unknown {
		d.step = defaultStep
	}
	if d.sequenceStep == unknown {
		d.sequenceStep = d.step
	}
	if d.isJSON() {
		d.unit = d.memberUnit(d.root)
	}
}

func (d *document) surveyNode(n *yaml.Node) {
	if n.Kind == yaml.AliasNode && d.aliased[n.Alias] == nil {
		d.aliased[n.Alias] = n
	}
	for i, child := range n.Content {
		if isBlock(n, yaml.MappingNode) && i%2 == 1 {
			d.surveySteps(mappingColumn(n), child)
		}
		d.surveyNode(child)
	}
}

// surveySteps learns from the value of a key at a column.
func (d *document) surveySteps(column int, value *yaml.Node) {
	switch {
	case isBlock(value, yaml.MappingNode) && d.step == unknown && mappingColumn(value) > column:
		d.step = mappingColumn(value) - column
	case isBlock(value, yaml.SequenceNode) && d.sequenceStep == unknown:
		d.sequenceStep = max(0, d.dashColumn(value)-column)
	}
}

// isJSON reports whether the document should be continued as JSON. An empty object may be either; quotes are right in both.
func (d *document) isJSON() bool {
	return d.root.Kind == yaml.MappingNode && isFlow(d.root) && (len(d.root.Content) == 0 || isQuoted(d.root.Content[0]))
}

// memberUnit is how much further in the members of a flow mapping stand than the mapping, when they have lines of their
// own.
func (d *document) memberUnit(mapping *yaml.Node) string {
	open, ok := d.start(mapping)
	if !ok || len(mapping.Content) == 0 {
		return ""
	}
	first, ok := d.start(mapping.Content[0])
	if !ok || d.lineOf(first) == d.lineOf(open) {
		return ""
	}
	unit, found := strings.CutPrefix(d.lead(first), d.lead(open))
	if !found || unit == "" {
		return strings.Repeat(" ", d.step)
	}
	return unit
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

func isQuoted(n *yaml.Node) bool { return n.Style&yaml.DoubleQuotedStyle != 0 }

// isBlock reports whether a node is a collection of a kind in block style.
func isBlock(n *yaml.Node, kind yaml.Kind) bool {
	return n.Kind == kind && !isFlow(n) && len(n.Content) > 0
}

// isNull reports whether a node is a null, written or left out.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// isBare reports whether nothing is written where a value could be.
func isBare(n *yaml.Node) bool { return n.Value == "" && isPlain(n) }

func isPlain(n *yaml.Node) bool {
	const quotedOrBlock = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return n.Kind == yaml.ScalarNode && n.Style&quotedOrBlock == 0
}
