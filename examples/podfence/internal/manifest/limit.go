package manifest

import (
	"bytes"
	"fmt"
)

const (
	// DefaultLimit is the size of a document, or of an item of a list, beyond which it is not decided: more than twice
	// the 3 MiB that the API server takes in a request, as YAML is longer than JSON.
	DefaultLimit = 8 << 20
	// valueSize is what a value counts at least. A list of many small ones takes a hundred times its length to read.
	valueSize = 16
	fewValues = 1 << 10
	// passedLimits is how many limits of text are passed after what was too large, in search of its end. A text without
	// one is not read forever.
	passedLimits = 16
)

// limits are the bounds of what is held and decided. Tests lower them.
type limits struct {
	document  int // a document, or an item of a list
	whole     int // a YAML list up to that length is read as a whole
	undecided int // of a list that does not say so before its items, in either format
	kindless  int // of a list whose items do not say what they are, in JSON
}

func limitsOf(document int) limits {
	return limits{document: document, whole: min(wholeBound, document), undecided: undecidedBound, kindless: kindlessBound}
}

// tooLarge says that a text is beyond the limit: its length, or what it holds. nil is one that is not.
func (s *terms) tooLarge(what string, f Format, raw []byte, line int) error {
	switch most := s.limits.values(); {
	case len(raw) > s.limits.document:
		return s.tooLong(what, line)
	case len(raw) > most && values(raw, f) > most:
		return s.tooMany(what, line)
	}
	return nil
}

func (s *terms) tooMany(what string, line int) *Error {
	problem := fmt.Sprintf("the %s may hold more than %d values", what, s.limits.values())
	return &Error{File: s.file, Line: line, Problem: problem, Fix: splitIt}
}

func (s *terms) tooLong(what string, line int) *Error {
	return &Error{File: s.file, Line: line, Problem: "the " + what + " is larger than " + sized(s.limits.document), Fix: splitIt}
}

// sized writes a number of bytes as people do: 8 MiB.
func sized(bytes int) string {
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := 1 << (30 - 10*i); bytes >= size && bytes%size == 0 {
			return fmt.Sprintf("%d %s", bytes/size, unit)
		}
	}
	return fmt.Sprintf("%d bytes", bytes)
}

const splitIt = "split it, or raise --max-document-size"

// values is how many values a text may hold: few enough are no matter, however low the limit.
func (l *limits) values() int { return max(fewValues, l.document/valueSize) }

// values is the most values that a text can hold, keys of YAML among them: each has one of these before it.
func values(raw []byte, f Format) (n int) {
	before := []string{",", "[", "{", "\n", "- ", "-\t", ": ", ":\t", "? ", "?\t"}
	if f == JSON {
		before = before[:3]
	}
	for _, mark := range before {
		n += bytes.Count(raw, []byte(mark))
	}
	return n
}

// passLarge passes what is too large to be held, of which size bytes are, up to a line that ends it.
func (s *stream) passLarge(what string, size int, isEnd func(pos int) bool) bool {
	lineStart := bytes.HasSuffix(s.window[:size], []byte{'\n'})
	tell := func(t *task) { t.Err = t.tooLong(what, t.Line) }
	return s.emit(size, YAML, tell) && s.passRest(YAML, lineStart, isEnd)
}

// passRest passes the rest of what cannot be read, up to a line that ends it, piece by piece since it may be long. That line
// has to come before long. lineStart: a line begins here.
func (s *stream) passRest(f Format, lineStart bool, isEnd func(pos int) bool) bool {
	for from := s.offset; ; {
		size, ended := s.rest(lineStart, isEnd)
		if ended || size == 0 {
			return s.pass(size, f)
		}
		lineStart = s.window[size-1] == '\n'
		if !s.pass(size, f) {
			return false
		}
		if s.offset-from > passedLimits*int64(s.limits.document) {
			s.stop(fmt.Errorf("reading stopped: what could not be read goes on for more than %s", sized(passedLimits*s.limits.document)))
			return true
		}
	}
}

// rest is the length of what the window holds before a line that ends it, 0 at the end of the input.
func (s *stream) rest(lineStart bool, isEnd func(pos int) bool) (size int, ended bool) {
	if _, more := s.at(0); !more {
		return 0, true
	}
	for size < len(s.window) {
		if lineStart && s.window[size] != '\n' && isEnd(size) {
			return size, true
		}
		i := bytes.IndexByte(s.window[size:], '\n')
		if i < 0 {
			return len(s.window), false
		}
		size, lineStart = size+i+1, true
	}
	return size, false
}
