package manifest

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// readYAML reads the rest of the input as a stream of YAML documents.
func (s *stream) readYAML() bool {
	s.max = s.limits.document + readSize
	for {
		for mark := s.laterMark(); mark > 0; mark = s.laterMark() {
			if !s.pass(mark, YAML) {
				return false
			}
		}
		ok := false
		switch d := s.document(true); {
		case d.list != nil:
			ok = s.readList(d.list)
		case d.cut:
			ok = s.passLarge("document", d.size, s.documentMark)
		case d.size == 0:
			return true
		default:
			ok = s.emit(d.size, YAML, func(t *task) { t.decodeYAML(d.content) })
		}
		if !ok {
			return false
		}
	}
}

// document is the extent of a document.
type document struct {
	size    int
	content bool // there is anything but comments in it
	cut     bool // it goes on, and is too large to be held
	list    *blockList
}

// document finds the end of the document at the start of the window. One that is a long list is looked at no further than
// is needed to know it for one, if lists are wanted.
//
// To split by lines is right: by the YAML specification (c-forbidden) a line that begins with "---" or "..." and a blank
// ends a document wherever it stands, in a block scalar too.
func (s *stream) document(lists bool) (d document) {
	started, directive := false, false // a "---" was seen; a "%" line was seen
	next := s.limits.whole             // where to look for a list
	for pos := s.markEnd(); ; {
		if lists && pos > next {
			d.list, lists = s.blockListIn(pos)
			lists, next = lists && pos < undecidedBound, pos+s.limits.whole
		}
		if d.list != nil && (d.list.decided || pos > s.limits.undecided) {
			return d
		}
		end := s.lineEnd(pos)
		line := bytes.TrimPrefix(s.window[pos:end], byteOrderMark)
		switch {
		case len(line) == 0:
			return s.ended(d, end, directive, s.isFull())
		case isMark(line, "---"):
			if started || d.content {
				return s.ended(d, pos, directive, false)
			}
			started, d.content = true, !isComment(line[3:])
		case isMark(line, "..."):
			return s.ended(d, end, directive, false)
		case d.content || isComment(line):
		case line[0] == '%' && !started:
			directive = true
		default:
			d.content = true
		}
		pos = end
	}
}

// ended completes a document of a size. It is read as a list if it is one, or may be and is too large for anything else.
func (s *stream) ended(d document, size int, directive, cut bool) document {
	if d.list != nil && !cut && !s.tailOf(d.list, size) {
		d.list = nil
	}
	return document{size: size, content: d.content || directive, cut: cut, list: d.list}
}

// laterMark returns the end of a byte order mark before a document, with the comments and the "---" that stand before it, 0
// if there is none: files that an editor of Windows has saved may be put together. The YAML library would take it for
// indentation. That of the first line is its own to take, and one behind a directive is left to it too.
func (s *stream) laterMark() int {
	for pos, opened := s.markEnd(), false; ; {
		s.at(pos + len(byteOrderMark) - 1)
		line := s.window[min(pos, len(s.window)):]
		if bytes.HasPrefix(line, byteOrderMark) && s.offset+int64(pos) > 0 {
			return pos + len(byteOrderMark)
		}
		end := s.lineEnd(pos)
		line = bytes.TrimPrefix(s.window[pos:end], byteOrderMark)
		switch {
		case len(line) == 0:
			return 0
		case isMark(line, "---") && !opened && isComment(line[3:]):
			opened = true
		case !isComment(line):
			return 0
		}
		pos = end
	}
}

// documentMark reports whether the line at pos is "---" or "...".
func (s *stream) documentMark(pos int) bool {
	s.at(pos + len(byteOrderMark) + 3)
	line := s.window[min(pos, len(s.window)):]
	return isMark(line, "---") || isMark(line, "...")
}

// isMark reports whether a line begins with the mark and a blank. A byte order mark may stand before it.
func isMark(line []byte, mark string) bool {
	line = bytes.TrimPrefix(line, byteOrderMark)
	return bytes.HasPrefix(line, []byte(mark)) && (len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0)
}

// isComment reports whether there is no more than a comment in the line, or nothing.
func isComment(line []byte) bool {
	line = bytes.TrimLeft(line, " \t\r\n")
	return len(line) == 0 || line[0] == '#'
}

// decodeYAML completes a chunk that is one document.
func (t *task) decodeYAML(content bool) {
	if t.Err = t.unreadable("document"); t.Err != nil || !content {
		return
	}
	tree, text, err := convert(t.Raw, t.Line, t.scalars)
	switch {
	case err != nil:
		t.Err = t.yamlError(tree, err)
	case !tree.empty():
		d := t.decoder(text, tree)
		t.Parsed = Parsed{tree.root, text}
		t.Objects = slices.Clip(d.objects(span{0, len(text)}, nil, head{}, 0))
	}
}

// decoder decodes the JSON of a chunk, no key of which is twice in its object.
func (t *task) decoder(text []byte, at locator) decoder {
	return decoder{file: t.file, text: text, at: at, with: t.tools}
}

// unreadable is the error about a text that is not to be parsed.
func (t *task) unreadable(what string) error {
	if err := t.tooLarge(what, YAML, t.Raw, t.Line); err != nil {
		return err
	}
	if err := t.encodingError(t.Raw, t.Line); err != nil {
		return err
	}
	// The last document that a failing reader gave may be a part of a longer one.
	if t.failure != nil {
		problem, fix := cutShort(t.failure, "")
		return &Error{File: t.file, Line: t.Line, Problem: problem, Fix: fix}
	}
	return nil
}

// convert parses a text of one document, the first line of which is given, and converts it to JSON. Nothing comes of one
// that is empty.
func convert(raw []byte, line int, known scalars) (t *tree, text []byte, err error) {
	if t, err = parseTree(raw, line); err != nil {
		return t, nil, betterError(raw, err)
	}
	if t.empty() {
		return t, nil, nil
	}
	if err := t.check(); err != nil {
		return t, nil, err
	}
	if plainDocument(raw, t) {
		if text, ok := known.appendJSON(nil, t.root); ok {
			return t, text, nil
		}
	}
	if text, err = toJSON(raw); err != nil {
		return t, nil, t.unconvertible(err)
	}
	return t, text, nil
}

// toJSON converts as kubectl does. A panic of the library may not take the other documents with it.
func toJSON(raw []byte) (text []byte, err error) {
	defer recoverAsError(&err)
	return yaml.YAMLToJSON(raw)
}

func recoverAsError(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the YAML library failed: %v", p)
	}
}

// betterError asks the older parser for its error: it points to the broken token, the newer one to the construct around it.
// Not with an alias in the text, which it could expand without bound.
func betterError(raw []byte, err error) error {
	if bytes.IndexByte(raw, '*') >= 0 {
		return err
	}
	if _, better := toJSON(raw); better != nil {
		return better
	}
	return err
}

var (
	libraryLine = regexp.MustCompile(`\bline (\d+): `)
	// unknownAnchor is an error that the library gives without a line.
	unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// yamlError words an error for a document: an *Error as it is, one of the library with its line made one of the file.
func (t *task) yamlError(at *tree, err error) error {
	if line := tabIn(t.Raw, at, err); line > 0 {
		return &Error{File: t.file, Line: t.Line + line - 1, Problem: "a tab stands in the indentation", Fix: "use spaces"}
	}
	if i := templateIn(t.Raw); i >= 0 {
		return &Error{File: t.file, Line: t.Line + lines(t.Raw, i), Problem: "it looks like a Helm template, and is no YAML as it stands", Fix: renderIt}
	}
	if e, ok := err.(*Error); ok {
		e.File = t.file
		return e
	}
	text := err.Error()
	line := 1
	if m := libraryLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.Replace(text, m[0], "", 1)
		// The parser, other than the scanner below it, counts lines from 0. It may point behind the last one.
		if strings.Contains(text, "did not find expected") && line < lines(t.Raw, len(t.Raw)) {
			line++
		}
	}
	if m := unknownAnchor.FindStringSubmatch(text); m != nil {
		line = 1 + lines(t.Raw, max(0, bytes.Index(t.Raw, []byte("*"+m[1]))))
	}
	if i := controlCharacter(t.Raw); i >= 0 && strings.Contains(text, "control characters") {
		line = 1 + lines(t.Raw, i)
	} else {
		line = at.breaks.line(line)
	}
	problem := strings.TrimPrefix(strings.TrimPrefix(text, "error converting YAML to JSON: "), "yaml: ")
	problem = strings.TrimSpace(strings.TrimPrefix(problem, "unmarshal errors:"))
	return &Error{File: t.file, Line: t.Line + line - 1, Problem: problem, Fix: "correct the YAML"}
}

// renderIt is what to do about the text of a template.
const renderIt = "render it first, with helm template"

// helmAction matches what templates of Helm hold and other YAML seldom does: an action where a line or a value begins, or
// one that reads what Helm gives. Rules of Prometheus have others, in quotes.
var helmAction = regexp.MustCompile(`(?m)^\s*(?:- +)*(?:[\w./-]+: +)?\{\{|\{\{-?\s*(?:\$?\.(?:Values|Release|Chart|Capabilities|Files|Template)\b|include\b)`)

// templateIn returns where a text looks like a template of Helm, -1 if it does not.
func templateIn(raw []byte) int {
	at := helmAction.FindIndex(raw)
	if at == nil {
		return -1
	}
	return at[0] + bytes.Index(raw[at[0]:], []byte("{{"))
}

var (
	// tabProblem matches the errors of the library that a tab in the indentation leads to.
	tabProblem = regexp.MustCompile(`found a tab character|found character that cannot start any token`)
	// tabbed matches a line with a tab in its indentation.
	tabbed = regexp.MustCompile(`^ *(?:[-?:] +)*[-?:]?\t`)
)

// maxTabs bounds how many lines are tried as the one of the tab.
const maxTabs = 20

// tabIn returns the line of the tab that an error is about, 0 if it is about none. The library points to the tab or to a
// place before it: the tab is in the first line with which the error comes.
func tabIn(raw []byte, t *tree, err error) int {
	if !tabProblem.MatchString(err.Error()) {
		return 0
	}
	from := 1
	if m := libraryLine.FindStringSubmatch(err.Error()); m != nil {
		from, _ = strconv.Atoi(m[1])
	}
	from = t.breaks.line(from)
	end, tries := 0, 0
	for n := 1; end < len(raw) && tries < maxTabs; n++ {
		start := end
		end = start + lineLength(raw[start:])
		if n < from || !tabbed.Match(raw[start:end]) {
			continue
		}
		if tries++; tabbedAt(raw[:end]) {
			if tabbedAt(raw[:start]) {
				return 0 // another character is wrong, before any tab
			}
			return n
		}
	}
	return 0
}

// tabbedAt reports whether a text has an error that a tab may lead to.
func tabbedAt(raw []byte) bool {
	_, err := parseTree(raw, 1)
	return err != nil && tabProblem.MatchString(err.Error())
}

// lineLength is the length of the first line of a text, with its end.
func lineLength(text []byte) int {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

// controlCharacter finds the first character that YAML does not allow.
func controlCharacter(raw []byte) int {
	return bytes.IndexFunc(raw, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85
	})
}
