package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is the nesting that the API server's JSON decoder allows.
const maxDepth = 10000

// maxLiteral is how far the end of a broken number or word is looked for.
const maxLiteral = 1 << 10

// scanner finds the extent of JSON values in the input and checks their syntax: what is broken shows where it breaks, not
// after the rest of the stream was read in search of a closing bracket.
type scanner struct {
	*lookahead
	pos int // of the next byte
	// json reads a value that the window holds.
	json jsontext.Decoder
	in   bytes.Buffer
}

// syntaxError is broken JSON at a position. No problem means that the input ended.
type syntaxError struct {
	pos     int
	problem string
	large   bool // not broken, but with more in it than is held
}

func (s *scanner) broken(format string, args ...any) *syntaxError {
	return &syntaxError{pos: s.pos, problem: fmt.Sprintf(format, args...)}
}

// unexpected is the error for the byte at hand.
func (s *scanner) unexpected(want string) *syntaxError {
	c, ok := s.at(s.pos)
	if !ok {
		return &syntaxError{pos: s.pos}
	}
	return s.broken("%q where JSON has %s", rune(c), want)
}

// space skips white space and returns the byte behind it, 0 at the end of the input. 0 is no byte of JSON.
func (s *scanner) space() byte {
	for {
		c, ok := s.at(s.pos)
		switch {
		case !ok:
			return 0
		case c != ' ' && c != '\n' && c != '\t' && c != '\r':
			return c
		}
		s.pos++
	}
}

// literally skips a text, and reports whether it was there.
func (s *scanner) literally(text []byte) bool {
	s.at(s.pos + len(text) - 1)
	if !bytes.HasPrefix(s.window[min(s.pos, len(s.window)):], text) {
		return false
	}
	s.pos += len(text)
	return true
}

// key skips a member's key and colon and returns the key.
func (s *scanner) key() (string, *syntaxError) {
	if s.space() != '"' {
		return "", s.unexpected("a key in double quotes")
	}
	start := s.pos
	if err := s.value(); err != nil {
		return "", err
	}
	key := unquote(s.window[start:s.pos])
	if s.space() != ':' {
		return "", s.unexpected("':'")
	}
	s.pos++
	return key, nil
}

// textOptions let pass what is told with more words later, and what an escape may hold that is no UTF-8.
var textOptions = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// value skips one value of any depth.
func (s *scanner) value() *syntaxError {
	s.space()
	start := s.pos
	size, err := s.held()
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		size, err = s.streamed()
	}
	s.pos += size
	if err != nil {
		return s.explain(start, err)
	}
	// A number ends where no more of it comes; what comes may belong to it all the same.
	if c, _ := s.at(s.pos); literalByte(c) && literalByte(s.window[s.pos-1]) {
		return s.brokenLiteral()
	}
	return nil
}

// literalByte reports whether c may be part of a number, true, false or null. 0, the end of the input, may not.
func literalByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

// held reads the value at hand in what the window holds.
func (s *scanner) held() (size int, err error) {
	text := s.window[min(s.pos, len(s.window)):]
	s.in = *bytes.NewBuffer(text)
	s.json.Reset(&s.in, textOptions...)
	_, err = s.json.ReadValue() // in memory whole, a value is read faster than its tokens are skipped
	if size = int(s.json.InputOffset()); size == len(text) && err == nil && literalByte(text[size-1]) {
		err = io.ErrUnexpectedEOF // a number may go on
	}
	return size, err
}

// streamed reads the value at hand, and more into the window while it goes on.
func (s *scanner) streamed() (size int, err error) {
	d := jsontext.NewDecoder(&behind{s.lookahead, s.pos}, textOptions...)
	err = d.SkipValue()
	return int(d.InputOffset()), err
}

// behind reads what stands in the window from a position on, and what comes.
type behind struct {
	*lookahead
	pos int
}

func (b *behind) Read(p []byte) (int, error) {
	if _, ok := b.at(b.pos); !ok {
		return 0, io.EOF
	}
	n := copy(p, b.window[b.pos:])
	b.pos += n
	return n, nil
}

// explain says what is wrong with the value that starts at start, and where. The decoder's own words are for a programmer.
func (s *scanner) explain(start int, err error) *syntaxError {
	var broken *jsontext.SyntacticError
	if !errors.As(err, &broken) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &syntaxError{pos: len(s.window)}
	}
	// The tokens up to the broken one say what was due.
	w := walk(s.window[start:])
	for err = nil; err == nil; {
		_, err = w.ReadToken()
	}
	s.pos = start + int(w.InputOffset())
	kind, n := w.StackIndex(w.StackDepth())
	if c, _ := s.at(s.pos); literalByte(c) && s.pos > start && literalByte(s.window[s.pos-1]) {
		return s.brokenLiteral() // a part of which was a token
	}
	due, want := byte(0), "" // what stands between the last token and the broken one
	switch {
	case kind == '{' && n%2 == 1:
		due, want = ':', "':'"
	case n > 0 && kind != 0:
		due, want = ',', fmt.Sprintf("',' or '%c'", kind+2) // in ASCII: { } and [ ]
	}
	c := s.space()
	if due != 0 {
		if c != due {
			return s.unexpected(want)
		}
		s.pos++
		c = s.space()
	}
	switch {
	case c == '"':
		return s.brokenString()
	case kind == '{' && n%2 == 0:
		return s.unexpected("a key in double quotes")
	case c == '{' || c == '[':
		return s.broken("the text is nested deeper than %d", maxDepth)
	}
	return s.brokenLiteral()
}

// brokenLiteral is the error about the number or word at hand, or what stands in its place.
func (s *scanner) brokenLiteral() *syntaxError {
	for s.pos > 0 && literalByte(s.window[s.pos-1]) {
		s.pos--
	}
	for end := s.pos; end-s.pos < maxLiteral; end++ {
		c, more := s.at(end)
		switch {
		case !more && end > s.pos:
			return &syntaxError{pos: s.pos}
		case !literalByte(c):
			return s.unexpected("a value")
		}
	}
	return s.unexpected("a value")
}

// brokenString says what is wrong with the string at hand.
func (s *scanner) brokenString() *syntaxError {
	for s.pos++; ; s.pos++ {
		c, ok := s.at(s.pos)
		switch {
		case !ok:
			return &syntaxError{pos: s.pos}
		case c < ' ':
			return s.broken("a line break or control character inside a string")
		case c != '\\':
			continue
		}
		s.pos++
		c, ok = s.at(s.pos)
		switch {
		case ok && c != 'u' && bytes.IndexByte([]byte(`"\/bfnrt`), c) < 0:
			return s.unexpected("an escape sequence")
		case c != 'u':
			continue
		}
		for range 4 {
			s.pos++
			if c, ok := s.at(s.pos); !ok || !hexDigit(c) {
				return s.unexpected("four hexadecimal digits")
			}
		}
	}
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
