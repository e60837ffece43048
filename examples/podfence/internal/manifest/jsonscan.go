package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// maxDepth is the nesting that the API server's JSON decoder allows.
const maxDepth = 10000

// maxLiteral bounds what is held of a number or word before it is checked.
const maxLiteral = 1 << 10

// scanner finds the extent of JSON values in the input and checks their syntax, byte by byte and without recursion: what is
// broken shows where it breaks, not after the rest of the stream was read in search of a closing bracket.
type scanner struct {
	*lookahead
	pos int // of the next byte
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
	c, _ := s.after(func(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' })
	return c
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

// after skips the bytes that match and returns the one behind them; false is the end of the input.
func (s *scanner) after(matches func(byte) bool) (byte, bool) {
	for {
		window := s.window[min(s.pos, len(s.window)):]
		for i, c := range window {
			if !matches(c) {
				s.pos += i
				return c, true
			}
		}
		s.pos += len(window)
		if !s.readMore() {
			return 0, false
		}
	}
}

// value skips one value of any depth.
func (s *scanner) value() *syntaxError {
	var open []byte // the closing brackets that are due
	for {
		inside, err := s.start(&open)
		if err != nil {
			return err
		}
		if inside {
			continue
		}
		more, err := s.follow(&open)
		if err != nil || !more {
			return err
		}
	}
}

// start skips the beginning of a value and reports whether it stands before another one: the first in a bracket.
func (s *scanner) start(open *[]byte) (bool, *syntaxError) {
	c := s.space()
	if c != '{' && c != '[' {
		return false, s.scalar(c)
	}
	if len(*open) >= maxDepth {
		return false, s.broken("the text is nested deeper than %d", maxDepth)
	}
	s.pos++
	closing := c + 2 // in ASCII: { } and [ ]
	if s.space() == closing {
		s.pos++
		return false, nil
	}
	*open = append(*open, closing)
	if c == '{' {
		_, err := s.key()
		return true, err
	}
	return true, nil
}

// follow skips what follows a value, closing brackets included, and reports whether it stands before another value.
func (s *scanner) follow(open *[]byte) (bool, *syntaxError) {
	for len(*open) > 0 {
		closing := (*open)[len(*open)-1]
		switch s.space() {
		case closing:
			s.pos++
			*open = (*open)[:len(*open)-1]
		case ',':
			s.pos++
			if closing == '}' {
				_, err := s.key()
				return true, err
			}
			return true, nil
		default:
			return false, s.unexpected(fmt.Sprintf("',' or '%c'", closing))
		}
	}
	return false, nil
}

// key skips a member's key and colon and returns the key.
func (s *scanner) key() (string, *syntaxError) {
	if s.space() != '"' {
		return "", s.unexpected("a key in double quotes")
	}
	start := s.pos
	if err := s.str(); err != nil {
		return "", err
	}
	key := unquote(s.window[start:s.pos])
	if s.space() != ':' {
		return "", s.unexpected("':'")
	}
	s.pos++
	return key, nil
}

func (s *scanner) scalar(c byte) *syntaxError {
	if c == '"' {
		return s.str()
	}
	start, more := s.pos, true
	for ; more && s.pos-start <= maxLiteral; s.pos++ {
		if c, more = s.at(s.pos); !literalByte(c) {
			break
		}
	}
	if json.Valid(s.window[start:s.pos]) {
		return nil
	}
	s.pos = start
	if !more {
		return &syntaxError{pos: start}
	}
	return s.unexpected("a value")
}

// literalByte reports whether c may be part of a number, true, false or null. 0, the end of the input, may not.
func literalByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E'
}

// str skips a string.
func (s *scanner) str() *syntaxError {
	for s.pos++; ; s.pos++ {
		c, ok := s.after(func(c byte) bool { return c != '"' && c != '\\' && c >= ' ' })
		switch {
		case !ok:
			return &syntaxError{pos: s.pos}
		case c == '"':
			s.pos++
			return nil
		case c != '\\':
			return s.broken("a line break or control character inside a string")
		}
		if err := s.escape(); err != nil {
			return err
		}
	}
}

// escape goes to the last byte of an escape sequence.
func (s *scanner) escape() *syntaxError {
	digits := 0
	s.pos++
	switch c, ok := s.at(s.pos); {
	case !ok:
		return &syntaxError{pos: s.pos}
	case c == 'u':
		digits = 4
	case c != '"' && c != '\\' && c != '/' && c != 'b' && c != 'f' && c != 'n' && c != 'r' && c != 't':
		return s.unexpected("an escape sequence")
	}
	for range digits {
		s.pos++
		if c, ok := s.at(s.pos); !ok || !hexDigit(c) {
			return s.unexpected("four hexadecimal digits")
		}
	}
	return nil
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
