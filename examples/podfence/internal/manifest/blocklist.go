package manifest

import (
	"bytes"
	"maps"
	"regexp"
	"slices"

	yamlv3 "go.yaml.in/yaml/v3"
)

// A long list in YAML is read item by item, so that memory follows its largest item: a parsed document takes a hundred
// times its length. That needs the form that kubectl writes, and most people:
//
//	apiVersion: v1
//	items:
//	- apiVersion: v1
//	...
//	kind: List
//
// A line at the items' indentation that begins with a dash begins an item, wherever it stands: either what is before it can
// be read by itself, and then no quotes or brackets are open, a scalar without quotes ends at such a line, and it begins an
// item in the document as well; or it cannot, and the item is an error. So nothing is passed over, and nothing is read that
// the document does not say (TestBlockList, FuzzRead).

// blockList is a list in that form, while it is read.
type blockList struct {
	head   head
	header int             // the length of what is before the first item
	keys   map[string]bool // of the mapping around the items; nil for a list with nothing around it
	indent int             // of the items' dashes
	line   int             // of the header
	// decided: it is known what an item is that does not say so itself.
	decided bool
	// lost: an item was not, which has been told.
	lost bool
}

// bare reports whether there is nothing around the items.
func (l *blockList) bare() bool { return l.keys == nil }

// know takes what a part of the mapping around the items says. It returns a key that another part has, or items.
func (l *blockList) know(text []byte) (twice string) {
	for key := range members(text) {
		if l.keys[key] {
			twice = key
		}
		l.keys[key] = true
	}
	h := headOf(text)
	if h.kind != "" {
		l.head.kind = h.kind
	}
	if h.apiVersion != "" {
		l.head.apiVersion = h.apiVersion
	}
	l.decided = isList(l.head.kind) && (l.head.kind == "List" || l.keys["apiVersion"])
	return twice
}

var (
	itemsLine = regexp.MustCompile(`^items:[ \t]*(#.*)?\r?\n$`)
	// alias matches what may be an alias.
	alias = regexp.MustCompile(`(?m)(^|[ \[{,])\*[^ \r\n]`)
)

// blockListIn returns the list that the document at the start of the window is, of which size bytes are held, or nil if it
// is none, or not in the form that can be read item by item. maybe tells that its items do not begin in what is held.
func (s *stream) blockListIn(size int) (l *blockList, maybe bool) {
	l = &blockList{line: s.line}
	inItems := false
	for pos := s.markEnd(); pos < size; {
		line := s.window[pos : pos+lineLength(s.window[pos:size])]
		switch dash := dashAt(line); {
		case line[0] == '%':
			return nil, false // a directive is for the whole document
		case isComment(line), isMark(line, "---") && isComment(bytes.TrimPrefix(line, byteOrderMark)[3:]):
		case dash >= 0 && (inItems || l.keys == nil && dash == 0):
			l.header, l.indent = pos, dash
			if !s.knowHeader(l) || s.aliasesLeave(l, size) {
				return nil, false
			}
			return l, false
		case inItems:
			return nil, false // in flow style, or no list
		default:
			l.keys = map[string]bool{}
			inItems = itemsLine.Match(line)
		}
		pos += len(line)
	}
	return nil, true
}

// dashAt returns the indentation of a dash that begins an item, -1 if the line does not begin with one.
func dashAt(line []byte) int {
	rest := bytes.TrimLeft(line, " ")
	if len(rest) == 0 || rest[0] != '-' || len(rest) > 1 && bytes.IndexByte([]byte(" \t\r\n"), rest[1]) < 0 {
		return -1
	}
	return len(line) - len(rest)
}

// knowHeader reads what stands before the items, and reports whether it is the beginning of a list, or may be.
func (s *stream) knowHeader(l *blockList) bool {
	if l.bare() {
		l.decided = true
		return true
	}
	raw := s.window[:l.header]
	t, text, err := convert(raw, l.line, scalars{})
	if err != nil || t.root == nil || t.root.Kind != yamlv3.MappingNode || len(t.root.Content) == 0 || t.root.Anchor != "" || t.root.Tag != "!!map" {
		return false
	}
	// What is merged may have members of any name.
	for i := 0; i < len(t.root.Content); i += 2 {
		if isMerge(t.root.Content[i]) {
			return false
		}
	}
	last := t.root.Content[len(t.root.Content)-2:]
	if last[0].Value != "items" || last[0].Style != 0 || last[1].Tag != "!!null" || last[1].Value != "" || last[1].Anchor != "" {
		return false
	}
	l.know(text)
	return l.head.kind == "" || isList(l.head.kind)
}

// aliasesLeave reports whether an alias in one of the items that are held leads out of it.
func (s *stream) aliasesLeave(l *blockList, size int) bool {
	for pos := l.header; pos < size; {
		end := pos + s.itemSize(l, pos, size)
		if end == pos {
			return false // the items end
		}
		if item := s.window[pos:end]; end < size && alias.Match(item) {
			if _, err := parseTree(item, 1); err != nil && unknownAnchor.MatchString(err.Error()) {
				return true
			}
		}
		pos = end
	}
	return false
}

// itemSize is the length of the item at pos, as far as the window holds it up to size; 0 if there is none.
func (s *stream) itemSize(l *blockList, pos, size int) int {
	end := pos
	for end < size {
		line := s.window[end : end+lineLength(s.window[end:size])]
		if end == pos && dashAt(line) != l.indent || end > pos && l.ends(line) {
			break
		}
		end += len(line)
	}
	return end - pos
}

// ends reports whether a line ends an item.
func (l *blockList) ends(line []byte) bool {
	switch {
	case len(line) == 0, isMark(line, "---"), isMark(line, "..."), dashAt(line) == l.indent:
		return true
	case isComment(line):
		return false
	}
	return line[0] != ' ' && line[0] != '\t'
}

// tailOf reads what stands behind the items of a list that is held as a whole, and reports whether it is one.
func (s *stream) tailOf(l *blockList, size int) bool {
	pos := l.header
	for n := -1; n != 0; pos += n {
		n = s.itemSize(l, pos, size)
	}
	if !hasContent(s.window[pos:size]) {
		return l.decided
	}
	_, text, err := convert(s.window[pos:size], 1, scalars{})
	if err != nil || bytes.HasPrefix(s.window[pos:size], byteOrderMark) {
		return false
	}
	whole := *l
	whole.keys = maps.Clone(l.keys)
	twice := whole.know(text)
	l.head, l.decided = whole.head, whole.decided
	return twice == "" && l.decided
}

// hasContent reports whether there is more in a text than comments and the end of a document.
func hasContent(text []byte) bool {
	for len(text) > 0 {
		line := text[:lineLength(text)]
		if !isComment(line) && !isMark(line, "...") {
			return true
		}
		text = text[len(line):]
	}
	return false
}

// readList reads the list at the start of the window.
func (s *stream) readList(l *blockList) bool {
	if !s.pass(l.header, YAML) {
		return false
	}
	for {
		size, cut := s.nextItem(l)
		switch {
		case size == 0:
			return s.readTail(l)
		case cut:
			if !s.passLarge("item", size, func(pos int) bool { return l.ends(s.lineAfter(pos)) }) {
				return false
			}
		case !s.emitSettled(size, YAML, func(t *task) { t.decodeItem(l) }, func(t *task) { t.settleItem(l) }):
			return false
		}
	}
}

// nextItem finds the end of the item at the start of the window. cut: it is too large to be held.
func (s *stream) nextItem(l *blockList) (size int, cut bool) {
	for {
		line := s.window[size:s.lineEnd(size)]
		switch {
		case len(line) == 0:
			return size, s.isFull()
		case size == 0 && dashAt(line) != l.indent, size > 0 && l.ends(line):
			return size, false
		}
		size += len(line)
	}
}

func (s *stream) lineAfter(pos int) []byte { return s.window[pos:s.lineEnd(pos)] }

// readTail reads what stands behind the items.
func (s *stream) readTail(l *blockList) bool {
	if isMark(s.lineAfter(0), "---") {
		return true
	}
	d := s.document(false)
	if d.cut {
		return s.passLarge("document", d.size, s.documentMark)
	}
	return s.emitSettled(d.size, YAML, nil, func(t *task) { t.decodeTail(l) })
}

// decodeItem completes a chunk that is one item.
func (t *task) decodeItem(l *blockList) {
	if t.Err = t.unreadable("item"); t.Err != nil {
		return
	}
	tree, text, err := convert(t.Raw, t.Line, t.scalars)
	if err != nil {
		t.Err = t.yamlError(tree, leaving(t, err))
		return
	}
	d, whole := t.decoder(text, tree), span{0, len(text)}
	t.Parsed = Parsed{tree.root, text}
	switch {
	case l.bare():
		t.Objects = slices.Clip(d.objects(whole, nil, head{}, 0))
	case !l.decided && !selfDescribed(text):
		t.unnamed = true
	default:
		t.Objects = slices.Clip(d.elements(whole, nil, l.head, 0))
	}
}

// settleItem tells of the first item of a list that does not say what it is.
func (t *task) settleItem(l *blockList) {
	if t.unnamed && !l.lost {
		l.lost = true
		t.Err = t.kindless(l.head, t.Line, t.limits.undecided)
	}
}

// selfDescribed reports whether all elements of a list say what they are.
func selfDescribed(list []byte) bool {
	w := &walker{}
	for element := range elements(list) {
		if !saysWhatItIs(w, element.of(list)) {
			return false
		}
	}
	return true
}

// leaving words the error about an alias whose anchor may stand in another item.
func leaving(c *task, err error) error {
	m := unknownAnchor.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	line := c.Line + lines(c.Raw, max(0, bytes.Index(c.Raw, []byte("*"+m[1]))))
	return &Error{Line: line, Problem: "the anchor of alias " + m[1] + " is not in its item, and a list of this length is read item by item", Fix: "write the value out"}
}

// decodeTail completes the chunk behind the items, when they are all told.
func (t *task) decodeTail(l *blockList) {
	if t.Err = t.unreadable("document"); t.Err != nil || !hasContent(t.Raw) {
		return
	}
	tree, text, err := convert(t.Raw, t.Line, scalars{})
	switch {
	case err != nil:
		t.Err = t.yamlError(tree, err)
		return
	case bytes.HasPrefix(t.Raw, byteOrderMark): // where the library allows none
		t.Err = &Error{File: t.file, Line: t.Line, Problem: "a byte order mark stands within a document", Fix: "remove it, or write --- behind it"}
		return
	case l.bare() || tree.empty() || text[0] != '{':
		t.Err = &Error{File: t.file, Line: t.Line, Problem: "what stands behind the items of the list is no part of it", Fix: "correct the YAML"}
		return
	}
	if twice := l.know(text); twice != "" {
		t.Err = t.yamlError(tree, &Error{Line: tree.line([]string{twice}, 0), Problem: "key " + twice + " is given twice", Fix: "remove one of the two"})
		return
	}
	if !isList(l.head.kind) {
		t.Objects = []Object{t.belated(l.head, l.line, t.limits.undecided)}
	}
}
