package manifest

import (
	"bytes"
	"io"
	"unicode/utf8"
)

const (
	readSize  = 64 << 10
	keepStore = 1 << 20 // a larger buffer is given back when a long document has passed
)

// lookahead is a window on a reader: what was read and not yet taken. Positions are offsets in the window.
type lookahead struct {
	r      io.Reader
	store  []byte // the array behind window, reused
	window []byte
	offset int64 // of window[0] in the whole input
	line   int   // of window[0]
	err    error // why no more comes: io.EOF, or the reader's own
	max    int   // of the window, 0 if it has none
}

func newLookahead(r io.Reader) *lookahead { return &lookahead{r: r, line: 1} }

// failure is the reader's error, if it was not the end.
func (in *lookahead) failure() error {
	if in.err == io.EOF {
		return nil
	}
	return in.err
}

// isFull reports whether the window may hold no more, though there is more. What looks for the end of something takes that
// for the end of the input, and asks this.
func (in *lookahead) isFull() bool { return in.err == nil && in.max > 0 && len(in.window) >= in.max }

// stop makes the input end here, with an error.
func (in *lookahead) stop(err error) { in.window, in.err = nil, err }

// readMore reads more into the window and reports whether it did.
func (in *lookahead) readMore() bool {
	for range 100 {
		if in.err != nil || in.isFull() {
			return false
		}
		in.makeRoom()
		n, err := in.r.Read(in.window[len(in.window):cap(in.window)])
		in.window = in.window[:len(in.window)+n]
		in.err = err
		if n > 0 {
			return true
		}
	}
	in.err = io.ErrNoProgress
	return false
}

// makeRoom moves the window to the front of its array, or to an array of twice its size, so that a byte is moved a bounded
// number of times however long a document is.
func (in *lookahead) makeRoom() {
	if cap(in.window)-len(in.window) >= readSize {
		return
	}
	want := 2*len(in.window) + 2*readSize
	if cap(in.store) < want || cap(in.store) > keepStore && cap(in.store) > 8*want {
		in.store = make([]byte, 0, want)
	}
	in.window = append(in.store[:0], in.window...)
}

// at returns the byte at pos, reading as far as needed; false is the end of the input.
func (in *lookahead) at(pos int) (byte, bool) {
	for pos >= len(in.window) {
		if !in.readMore() {
			return 0, false
		}
	}
	return in.window[pos], true
}

// lineEnd returns the position behind the line that starts at pos: behind its "\n", or the end of the input.
func (in *lookahead) lineEnd(pos int) int {
	for from := pos; ; {
		if i := bytes.IndexByte(in.window[from:], '\n'); i >= 0 {
			return from + i + 1
		}
		from = len(in.window)
		if !in.readMore() {
			return len(in.window)
		}
	}
}

// take removes the first n bytes of the window and returns a copy of them, with the line of the first.
func (in *lookahead) take(n int) (raw []byte, line int) {
	raw, line = bytes.Clone(in.window[:n]), in.line
	in.window = in.window[n:]
	in.offset += int64(n)
	in.line += bytes.Count(raw, []byte{'\n'})
	return raw, line
}

// lineAt returns the line of the byte at pos.
func (in *lookahead) lineAt(pos int) int { return in.line + lines(in.window, pos) }

// lines counts the line breaks in the first n bytes of text.
func lines(text []byte, n int) int {
	return bytes.Count(text[:min(n, len(text))], []byte{'\n'})
}

// badUTF8 returns the offset of the first byte that is not UTF-8.
func badUTF8(text []byte) (int, bool) {
	if utf8.Valid(text) {
		return 0, false
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i, true
		}
		i += size
	}
	return 0, false
}

// encodingError is the Err of a text that is not UTF-8, or nil.
func (s *terms) encodingError(raw []byte, line int) error {
	at, bad := badUTF8(raw)
	if !bad {
		return nil
	}
	e := &Error{File: s.file, Line: line + lines(raw, at), Problem: "a byte is not UTF-8", Fix: "save it as UTF-8"}
	// What PowerShell writes with `>`; worth its own word, as every byte looks right in an editor.
	if bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		e.Problem = "the text is UTF-16"
	}
	return e
}
