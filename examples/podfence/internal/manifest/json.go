package manifest

import (
	"bytes"
	"fmt"
	"slices"
)

const (
	// undecidedBound is how much of an object is held until its kind is known: more than the 3 MiB that the API server
	// takes in a request, so that what is longer is a list and no object with a member that happens to be named items.
	undecidedBound = 4 << 20
	// wholeBound is up to which length a list in YAML is read as a whole.
	wholeBound = 1 << 20
	// kindlessBound is how much is held of a list whose items do not say what they are.
	kindlessBound = 64 << 20
	// firstMember is how far startsAsJSON looks.
	firstMember = 4 << 10
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// startsAsJSON reports whether the stream begins with a JSON object, or a list of them, looking at no more than the first
// member of the first: `{a: b}` is YAML in flow style. A member too long to be seen counts as JSON.
func (s *stream) startsAsJSON() bool {
	scan := scanner{lookahead: s.lookahead, pos: s.markEnd()}
	if scan.space() == '[' {
		scan.pos++
	}
	if scan.space() != '{' {
		return false
	}
	scan.pos++
	if scan.space() == '}' {
		return true
	}
	probe := scanner{lookahead: s.peek(scan.pos + firstMember), pos: scan.pos}
	_, err := probe.key()
	if err == nil {
		if c := probe.space(); c != '{' && c != '[' {
			err = probe.value()
		}
	}
	if c := probe.space(); err == nil && c != ',' && c != '}' && c != '{' && c != '[' && c != 0 {
		return false
	}
	return err == nil || err.problem == ""
}

// markEnd returns the length of the byte order mark.
func (s *stream) markEnd() int {
	if _, ok := s.at(len(byteOrderMark) - 1); ok && s.offset == 0 && bytes.HasPrefix(s.window, byteOrderMark) {
		return len(byteOrderMark)
	}
	return 0
}

// peek returns the first n bytes to be read by themselves.
func (s *stream) peek(n int) *lookahead {
	s.at(n - 1)
	return newLookahead(bytes.NewReader(s.window[:min(n, len(s.window))]))
}

// jsonStream reads JSON objects one after another.
type jsonStream struct {
	*stream
	scan   *scanner
	walker walker
}

func (s *stream) readJSON() bool {
	j := &jsonStream{stream: s, scan: &scanner{lookahead: s.lookahead}}
	j.scan.pos = s.markEnd()
	s.max = s.jsonMax(s.limits.undecided)
	for {
		c := j.scan.space()
		for c == byteOrderMark[0] && j.scan.literally(byteOrderMark) {
			c = j.scan.space()
		}
		full := j.isFull()
		if !j.flush(j.scan.pos, nil) {
			return false
		}
		switch {
		case c == 0 && full: // of white space
		case c == '{':
			if more, ok := j.object(); !ok || !more {
				return ok
			}
		case c == '[':
			if more, ok := j.array(); !ok || !more {
				return ok
			}
		case c == 0 && len(s.window) == 0:
			return true
		case c == '#' || s.documentMark(0):
			return s.readYAML()
		default:
			return j.giveUp(&jsonObject{}, &syntaxError{problem: "text after the end of a JSON object"})
		}
	}
}

// jsonMax is the bound of the window while so much is held, and an item behind it.
func (s *stream) jsonMax(held int) int { return held + s.limits.document + readSize }

// flush emits what stands before pos and moves the scanner along.
func (j *jsonStream) flush(pos int, decode func(*task)) bool {
	j.scan.pos -= pos
	return j.emit(pos, JSON, decode)
}

// giveUp reports broken JSON and passes the rest of it, up to a line "---" behind which YAML starts anew.
func (j *jsonStream) giveUp(o *jsonObject, err *syntaxError) bool {
	e := &Error{File: j.file, Line: j.lineAt(err.pos), Object: o.name(), Problem: err.problem, Fix: "correct the JSON"}
	large := err.large || err.problem == "" && j.isFull()
	switch {
	case large:
		why := j.tooLong
		if err.large {
			why = j.tooMany
		}
		start := len(j.window) - len(bytes.TrimLeft(j.window, ", \t\r\n"))
		name := e.Object
		e = why("object", j.lineAt(start))
		e.Object = name
	case err.problem == "":
		e.Problem, e.Fix = cutShort(j.failure(), "the JSON")
	}
	if c, ok := j.at(err.pos); ok && c == '/' {
		e.Fix = "remove the comment: JSON has none"
	}
	size := j.brokenLine(err.pos)
	if bytes.HasSuffix(j.window[:min(err.pos+1, size)], []byte("{{")) {
		e.Problem, e.Fix = "it looks like a Helm template, and is no JSON as it stands", renderIt
	}
	lineStart := bytes.HasSuffix(j.window[:size], []byte{'\n'})
	if !j.emit(size, JSON, func(t *task) { t.Err = e }) {
		return false
	}
	return j.passRest(JSON, lineStart, j.documentMark) && j.readYAML()
}

// brokenLine returns the end of the line that is broken at pos, as far as it was read; or pos itself, if a line "---" is
// what broke it.
func (j *jsonStream) brokenLine(pos int) int {
	if pos > 0 && j.window[pos-1] == '\n' && j.documentMark(pos) {
		return pos
	}
	if i := bytes.IndexByte(j.window[pos:], '\n'); i >= 0 {
		return pos + i + 1
	}
	return len(j.window)
}

// jsonObject is a top-level object while it is read.
type jsonObject struct {
	line      int
	head      head
	keys      map[string]bool
	kindSeen  bool
	verSeen   bool
	pending   []item // items read and not yet delivered
	blocked   bool   // the first of them does not say what it is
	lost      bool   // such items have exceeded their bound
	streaming bool   // some of the object was delivered
	err       error  // a key given twice
}

// item is an item of a list, at absolute offsets.
type item struct{ start, end int64 }

func (o *jsonObject) name() string { return o.head.title() }

func (o *jsonObject) isList() bool { return isList(o.head.kind) }

// decided reports whether it is known what an item is that does not say so itself.
func (o *jsonObject) decided() bool { return o.isList() && (o.head.kind == "List" || o.verSeen) }

// mayList reports whether items may be those of a list.
func (o *jsonObject) mayList() bool { return !o.kindSeen || o.isList() }

// object reads the object at the start of the window. more is false after the end of the stream, ok when the caller stops.
func (j *jsonStream) object() (more, ok bool) {
	o := &jsonObject{line: j.line, keys: map[string]bool{}}
	j.max = j.jsonMax(j.limits.undecided)
	stopped, err := j.members(o)
	switch {
	case stopped:
		return false, false
	case err != nil:
		return false, j.giveUp(o, err)
	}
	return true, j.finish(o)
}

// array reads a list of objects that no List is around, as `jq .items` writes it. It returns what object returns.
func (j *jsonStream) array() (more, ok bool) {
	o := &jsonObject{line: j.line, head: head{kind: "List"}, kindSeen: true}
	stopped, err := j.items(o)
	switch {
	case stopped:
		return false, false
	case err != nil:
		return false, j.giveUp(&jsonObject{}, err)
	}
	return true, j.flush(j.scan.pos, (*task).checkEncoding)
}

// members reads the object up to its closing brace. stopped tells that the caller wants no more.
func (j *jsonStream) members(o *jsonObject) (stopped bool, err *syntaxError) {
	j.scan.pos++
	if j.scan.space() == '}' {
		j.scan.pos++
		return false, nil
	}
	for {
		if stopped, err = j.member(o); stopped || err != nil {
			return stopped, err
		}
		if len(o.keys) > j.limits.values() {
			return false, &syntaxError{pos: j.scan.pos, large: true}
		}
		switch j.scan.space() {
		case ',':
			j.scan.pos++
		case '}':
			j.scan.pos++
			return false, nil
		default:
			return false, j.scan.unexpected("',' or '}'")
		}
	}
}

func (j *jsonStream) member(o *jsonObject) (stopped bool, err *syntaxError) {
	j.scan.space()
	keyAt := j.scan.pos
	key, err := j.scan.key()
	if err != nil {
		return false, err
	}
	again := o.keys[key]
	o.keys[key] = true
	if again && o.err == nil {
		o.err = j.duplicate(o.name(), key, j.lineAt(keyAt))
	}
	if c := j.scan.space(); key == "items" && c == '[' && o.mayList() {
		return j.items(o)
	}
	start := j.scan.pos
	if err := j.scan.value(); err != nil {
		return false, err
	}
	value := j.window[start:j.scan.pos]
	if !again {
		o.note(key, value)
	}
	// Any other object is checked as a whole. The rest of a list is not decoded.
	if !o.isList() || o.err != nil {
		return false, nil
	}
	if path, at, found := duplicateKey(value); found {
		o.err = j.duplicate(o.name(), fieldPath(append([]string{key}, path...)), j.lineAt(start+at))
	}
	return false, nil
}

func (j *terms) duplicate(object, path string, line int) error {
	return &Error{
		File: j.file, Line: line, Object: object,
		Problem: fmt.Sprintf("key %s is given twice", path), Fix: "remove one of the two",
	}
}

// note keeps what a member says of the object.
func (o *jsonObject) note(key string, value []byte) {
	switch key {
	case "apiVersion":
		o.head.apiVersion, o.verSeen = stringOf(value), true
	case "kind":
		o.head.kind, o.kindSeen = stringOf(value), true
	case "metadata":
		o.head.name, o.head.generateName, o.head.namespace = walk(value).names()
	}
}

// items reads an array of items and delivers those that can be.
func (j *jsonStream) items(o *jsonObject) (stopped bool, err *syntaxError) {
	j.scan.pos++
	if j.scan.space() == ']' {
		j.scan.pos++
		return false, nil
	}
	for {
		j.scan.space()
		start := j.offset + int64(j.scan.pos)
		if err := j.scan.value(); err != nil {
			return false, err
		}
		o.pending = append(o.pending, item{start, j.offset + int64(j.scan.pos)})
		if !j.advance(o) {
			return true, nil
		}
		switch j.scan.space() {
		case ',':
			j.scan.pos++
		case ']':
			j.scan.pos++
			return false, nil
		default:
			return false, j.scan.unexpected("',' or ']'")
		}
	}
}

// advance delivers the items that can be delivered while the object is not at its end.
func (j *jsonStream) advance(o *jsonObject) bool {
	if o.decided() {
		return j.deliverAll(o)
	}
	if !o.isList() && !o.streaming && j.scan.pos <= j.limits.undecided {
		return true
	}
	for len(o.pending) > 0 {
		o.blocked = o.blocked || !j.selfDescribed(o.pending[0])
		switch {
		case !o.blocked:
			if !j.deliver(o, head{}) {
				return false
			}
		case !o.lost && j.scan.pos <= j.limits.kindless && len(o.pending) <= j.limits.values():
			j.max = j.jsonMax(j.limits.kindless)
			return true
		case !j.lose(o):
			return false
		}
	}
	return true
}

// selfDescribed reports whether an item says what it is.
func (j *jsonStream) selfDescribed(i item) bool {
	return saysWhatItIs(&j.walker, j.window[i.start-j.offset:i.end-j.offset])
}

func (j *jsonStream) deliverAll(o *jsonObject) bool {
	for len(o.pending) > 0 {
		if !j.deliver(o, o.head) {
			return false
		}
	}
	return true
}

// next removes the first pending item and emits what stands before it. size is the item's.
func (j *jsonStream) next(o *jsonObject) (size int, ok bool) {
	i := o.pending[0]
	o.pending, o.blocked, o.streaming = o.pending[1:], false, true
	return int(i.end - i.start), j.flush(int(i.start-j.offset), (*task).checkEncoding)
}

func (t *task) checkEncoding() { t.Err = t.encodingError(t.Raw, t.Line) }

// deliver emits the first pending item, decoded.
func (j *jsonStream) deliver(o *jsonObject, list head) bool {
	size, ok := j.next(o)
	return ok && j.flush(size, func(t *task) { t.decodeJSON(list) })
}

// lose emits the first pending item, which does not say what it is, undecided. One Err stands for all such items of a list.
func (j *jsonStream) lose(o *jsonObject) bool {
	size, ok := j.next(o)
	first, list := !o.lost, o.head
	o.lost = true
	return ok && j.flush(size, func(t *task) {
		if first {
			t.Err = t.kindless(list, t.Line, t.limits.kindless)
		}
	})
}

// kindless is the error about an item that does not say what it is, of a list that does not either as far as it was held.
func (s *terms) kindless(list head, line, held int) error {
	return &Error{
		File: s.file, Line: line, Object: list.title(),
		Problem: "an item has no apiVersion and kind, and the list gives none in its first " + sized(held),
		Fix:     "write the list's apiVersion and kind before its items",
	}
}

// finish emits what is left of an object that has been read to its end.
func (j *jsonStream) finish(o *jsonObject) bool {
	switch {
	case o.isList() && (o.streaming || len(o.pending) > 0 && o.err == nil):
		// Lost items come before the kind that would have said what they are: one Err has been given for them.
		return j.deliverAll(o) && j.flush(j.scan.pos, func(t *task) { t.tail(o) })
	case o.streaming:
		return j.flush(j.scan.pos, func(t *task) { t.tail(o); t.close(o) })
	}
	return j.flush(j.scan.pos, func(t *task) { t.decodeJSON(head{}) })
}

// tail completes the last chunk of an object that was delivered in parts.
func (t *task) tail(o *jsonObject) {
	t.checkEncoding()
	if t.Err == nil {
		t.Err = o.err
	}
}

// close puts into the last chunk of an object that was delivered in parts, and is no list, the object.
func (t *task) close(o *jsonObject) {
	if t.Err != nil {
		return
	}
	t.Objects = []Object{t.belated(o.head, o.line, t.limits.undecided)}
}

// belated is an object that turned out to be no list after more of its items were delivered than are held.
func (s *terms) belated(h head, line, held int) Object {
	object := Object{Line: line, APIVersion: h.apiVersion, Kind: h.kind, Namespace: h.namespace, Name: h.shown()}
	if k, problem, _ := podKindOf(object.APIVersion, object.Kind); k != nil || problem != "" {
		object.Err = &Error{
			File: s.file, Line: line, Object: object.String(),
			Problem: "it has a member items of more than " + sized(held) + " before its kind", Fix: "remove items",
		}
	}
	return object
}

// decodeJSON completes a chunk that is one JSON value.
func (t *task) decodeJSON(list head) {
	if t.Err = t.tooLarge("object", JSON, t.Raw, t.Line); t.Err != nil {
		return
	}
	if t.Err = t.encodingError(t.Raw, t.Line); t.Err != nil {
		return
	}
	at := &lineCounter{text: t.Raw, first: t.Line}
	d := t.decoder(t.Raw, at)
	if o, ok := d.workload(list); ok {
		t.Objects = []Object{o}
		return
	}
	if path, offset, found := duplicateKey(t.Raw); found {
		h := headOf(t.Raw)
		t.Err = t.duplicate(h.title(), fieldPath(path), at.line(nil, offset))
		return
	}
	t.Objects = slices.Clip(d.objects(span{0, len(t.Raw)}, nil, list, 0))
}

// lineCounter locates by offset. It remembers where it was, so that the items of a long list cost one pass.
type lineCounter struct {
	text   []byte
	first  int
	offset int
	passed int // line breaks before offset
}

func (l *lineCounter) line(_ []string, offset int) int {
	if offset < l.offset {
		l.offset, l.passed = 0, 0
	}
	l.passed += lines(l.text[l.offset:], offset-l.offset)
	l.offset = offset
	return l.first + l.passed
}
