package yamledit

import (
	"cmp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// insertion is text that goes into the source at an offset.
type insertion struct {
	at     int
	remove int // bytes replaced: the four of "null" or the one of "~", else 0
	text   string
	depth  int // of the node, which orders insertions at one offset
}

// splice writes the source with all insertions, and the source without the bytes that they replace. A mapping that ends
// where an outer one does has to receive its lines first, so depth decides at one offset, and then the order of edits.
func splice(src []byte, insertions []insertion) (out, kept []byte) {
	slices.SortStableFunc(insertions, func(a, b insertion) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(b.depth, a.depth))
	})
	size := len(src)
	for _, ins := range insertions {
		size += len(ins.text)
	}
	out, kept = make([]byte, 0, size), make([]byte, 0, len(src))
	done := 0
	for _, ins := range insertions {
		out = append(append(out, src[done:ins.at]...), ins.text...)
		kept = append(kept, src[done:ins.at]...)
		done = ins.at + ins.remove
	}
	return append(out, src[done:]...), append(kept, src[done:]...)
}

// inserter turns targets into insertions.
type inserter struct{ *document }

func insertionsFor(doc *document, targets []*target) ([]insertion, error) {
	p := inserter{doc}
	insertions := make([]insertion, 0, len(targets))
	for _, t := range targets {
		ins, err := p.insertion(t)
		if err != nil {
			return nil, err
		}
		ins.depth = t.depth
		insertions = append(insertions, ins)
	}
	return insertions, nil
}

func (p inserter) insertion(t *target) (insertion, error) {
	switch {
	case t.action == addMembers && len(t.add.(Mapping)) == 0:
		return insertion{}, nil
	case t.action == addMembers && isFlow(t.node):
		return p.flowMembers(t)
	case t.action == addMembers:
		return p.blockMembers(t)
	case t.action == addItems:
		return p.items(t)
	case isBare(t.node):
		return p.afterColon(t)
	default:
		return p.replaceNull(t)
	}
}

func (p inserter) fail(t *target, reason string) (insertion, error) {
	return insertion{}, &Error{Line: t.node.Line, Path: fieldPath(t.path), Reason: reason}
}

const reasonLost = "the edit cannot be made without touching other lines"

// blockMembers puts lines after the last line of a mapping.
func (p inserter) blockMembers(t *target) (insertion, error) {
	for i := 0; i < len(t.node.Content); i += 2 {
		if key := t.node.Content[i]; p.isExplicit(key) {
			return p.fail(t, "the mapping writes a key with a question mark (? "+key.Value+"): write it as "+key.Value+":")
		}
	}
	end, ok := p.end(t.node, t.indent)
	if !ok {
		return p.fail(t, reasonLost)
	}
	style := blockStyle{step: p.step, sequenceStep: p.sequenceStep, quoted: isQuoted(t.node.Content[0])}
	lines := style.members(t.add.(Mapping), mappingColumn(t.node))
	at := p.lineAfter(end)
	if p.openAt(at) && p.endsInOpenText(t.node, t.indent) {
		return p.beforeLastMember(t, lines)
	}
	return p.lineInsertion(at, lines), nil
}

// endsInOpenText reports whether a node ends in a block scalar whose last line has no line break. Lines after it would give
// it one, and so change its value, unless the scalar strips them.
func (d *document) endsInOpenText(n *yaml.Node, indent int) bool {
	for isBlock(n, yaml.MappingNode) || isBlock(n, yaml.SequenceNode) {
		indent = d.childIndent(n, indent)
		n = last(n)
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return false
	}
	_, pos, ok := d.content(n)
	return ok && !d.blockScalar(pos, indent).stripped
}

// beforeLastMember puts lines above the last key of a mapping and above the comments that belong to it.
func (p inserter) beforeLastMember(t *target, lines []string) (insertion, error) {
	content := t.node.Content
	key, ok := p.start(content[len(content)-2])
	if !ok || len(p.lead(key)) != p.column(key) {
		return p.fail(t, "the mapping ends with a text that has no line break: end the file with a line break")
	}
	line, floor := p.lineOf(key), p.lineOf(key)-1
	if len(content) > 2 {
		end, _ := p.end(content[len(content)-3], p.childIndent(t.node, t.indent))
		floor = p.lineOf(end)
	}
	for line-1 > floor && p.isComment(line-1) {
		line--
	}
	return p.lineInsertion(p.lines[line].offset, lines), nil
}

// isComment reports whether a line that is no part of a value holds a comment.
func (p inserter) isComment(line int) bool {
	start := p.lines[line].offset
	return p.src[start+len(p.lead(start))] == '#'
}

// lineInsertion ends each line with a line break, or starts it with one at the end of a source that has none.
func (p inserter) lineInsertion(at int, lines []string) insertion {
	eol := p.eolBefore(at)
	text := strings.Join(lines, eol)
	if p.openAt(at) {
		return insertion{at: at, text: eol + text}
	}
	return insertion{at: at, text: text + eol}
}

// flowMembers puts members between braces: on lines of their own where the mapping has its members so, else in the line.
func (p inserter) flowMembers(t *target) (insertion, error) {
	_, open, ok := p.content(t.node)
	end, closed := p.end(t.node, t.indent)
	if !ok || !closed || p.src[open] != '{' {
		return p.fail(t, "the mapping has no braces: write it as {…}")
	}
	r := resolver{document: p.document}
	style := r.styleIn(t.cursor)
	if len(t.node.Content) == 0 {
		return p.intoEmptyBraces(t.add.(Mapping), style, open, end-1), nil
	}
	first, ok := p.start(t.node.Content[0])
	if !ok {
		return p.fail(t, reasonLost)
	}
	if p.lineOf(first) > p.lineOf(open) && len(p.lead(first)) == first-p.lineStart(first) {
		return p.memberLines(t.add.(Mapping), style, p.lead(first), p.lineAfter(open), true), nil
	}
	return p.inlineMembers(t, style)
}

// memberLines puts members on lines of their own. Where others follow, each ends with a comma, so that the old lines
// need none: that is why the lines go before the old members and not after.
func (p inserter) memberLines(members Mapping, style flowStyle, lead string, at int, othersFollow bool) insertion {
	lines := style.memberLines(members, lead, p.unit)
	if othersFollow {
		lines[len(lines)-1] += ","
	}
	return p.lineInsertion(at, lines)
}

func (p inserter) intoEmptyBraces(members Mapping, style flowStyle, open, closing int) insertion {
	between := p.src[open+1 : closing]
	text := style.members(members)
	switch onlySpace := skipSpace(between, 0) == len(between); {
	case onlySpace && p.lineOf(open) != p.lineOf(closing):
		unit := p.unit
		if unit == "" {
			unit = strings.Repeat(" ", p.step)
		}
		return p.memberLines(members, style, p.lead(closing)+unit, p.lineAfter(open), false)
	case string(between) == " ":
		return insertion{at: closing, text: text + " "}
	case onlySpace && len(between) > 1:
		return insertion{at: open + 2, text: text}
	default:
		return insertion{at: open + 1, text: text}
	}
}

// inlineMembers puts members after the last one, or after the comma that trails it.
func (p inserter) inlineMembers(t *target, style flowStyle) (insertion, error) {
	at, ok := p.end(last(t.node), t.indent)
	if !ok {
		return p.fail(t, reasonLost)
	}
	text := style.members(t.add.(Mapping))
	if comma := p.skipBlank(at); p.src[comma] == ',' {
		return insertion{at: comma + 1, text: style.space() + text}, nil
	}
	return insertion{at: at, text: "," + style.space() + text}, nil
}

// items puts items between the brackets of an empty list.
func (p inserter) items(t *target) (insertion, error) {
	_, open, ok := p.content(t.node)
	if !ok || open >= len(p.src) || p.src[open] != '[' {
		return p.fail(t, reasonLost)
	}
	return insertion{at: open + 1, text: t.style.items(t.add.([]any))}, nil
}

// replaceNull replaces "null" or "~" by the value, on its line.
func (p inserter) replaceNull(t *target) (insertion, error) {
	_, at, ok := p.content(t.node)
	if !ok || !isPlain(t.node) || !strings.HasPrefix(string(p.src[at:min(at+len(t.node.Value), len(p.src))]), t.node.Value) {
		return p.fail(t, reasonLost)
	}
	if t.node.Style&yaml.TaggedStyle != 0 {
		return p.fail(t, "the null has the tag "+t.node.Tag+": remove the tag")
	}
	return insertion{at: at, remove: len(t.node.Value), text: t.style.value(t.add)}, nil
}

// afterColon gives a value to a key that has only its colon: on lines beneath it, or in the line when the value is small
// or the key stands between braces.
func (p inserter) afterColon(t *target) (insertion, error) {
	switch {
	case t.key == nil:
		return p.fail(t, "there is nothing to add to here: write {}")
	case t.node.Style&yaml.TaggedStyle != 0:
		return p.fail(t, "the null has the tag "+t.node.Tag+": remove the tag")
	}
	at, ok := p.colonAfter(t.key, t.indent)
	if !ok {
		return p.fail(t, "the key has no value: write {} after it")
	}
	at++
	if t.node.Anchor != "" {
		if at, ok = p.end(t.node, t.indent); !ok {
			return p.fail(t, reasonLost)
		}
	}
	lines := p.beneath(t)
	if lines == nil {
		return insertion{at: at, text: " " + t.style.value(t.add)}, nil
	}
	return p.lineInsertion(p.lineAfter(at), lines), nil
}

// beneath renders what a bare key receives, or nil when that belongs in the line of the key.
func (p inserter) beneath(t *target) []string {
	if isFlow(t.parent) {
		return nil
	}
	style := blockStyle{step: p.step, sequenceStep: p.sequenceStep, quoted: t.style.quoted}
	return style.beneath(t.add, mappingColumn(t.parent))
}
