package yamledit

import (
	"bytes"
	"sort"
	"unicode/utf8"
)

// runesPerMark is the distance between two entries of positions.marks: a column is found by reading fewer runes than
// this, however long the line is. Minified JSON is one line of megabytes.
const runesPerMark = 64

// positions turns the lines and columns of yaml.v3 into byte offsets. Its columns count runes, and so they cannot be
// added to the start of a line.
type positions struct {
	src   []byte
	lines []lineStart
	marks []int // byte offset of every runesPerMark-th rune
	runes int
}

type lineStart struct{ offset, rune int }

// byteOrderMark is skipped by the parser before it starts to count.
var byteOrderMark = []byte("\xEF\xBB\xBF")

func newPositions(src []byte) *positions {
	p := &positions{src: src}
	offset := 0
	if bytes.HasPrefix(src, byteOrderMark) {
		offset = len(byteOrderMark)
	}
	p.lines = append(p.lines, lineStart{offset, 0})
	for offset < len(src) {
		p.mark(offset)
		next, ends := p.advance(offset)
		p.runes++
		if ends {
			p.lines = append(p.lines, lineStart{next, p.runes})
		}
		offset = next
	}
	p.mark(offset)
	return p
}

func (p *positions) mark(offset int) {
	if p.runes%runesPerMark == 0 {
		p.marks = append(p.marks, offset)
	}
}

// advance steps over one rune and reports whether a line ends with it. The first half of CRLF does not end one.
func (p *positions) advance(offset int) (next int, endsLine bool) {
	_, size := utf8.DecodeRune(p.src[offset:])
	next = offset + size
	if p.src[offset] == '\r' && next < len(p.src) && p.src[next] == '\n' {
		return next, false
	}
	return next, breakLen(p.src, offset) > 0
}

// offset finds the byte at a line and column as yaml.v3 counts them, both from 1.
func (p *positions) offset(line, column int) (int, bool) {
	if line < 1 || line > len(p.lines) || column < 1 {
		return 0, false
	}
	index := p.lines[line-1].rune + column - 1
	if index > p.runes {
		return 0, false
	}
	offset := p.marks[index/runesPerMark]
	for range index % runesPerMark {
		_, size := utf8.DecodeRune(p.src[offset:])
		offset += size
	}
	return offset, true
}

// lineOf is the index of the line that holds an offset.
func (p *positions) lineOf(offset int) int {
	return max(0, sort.Search(len(p.lines), func(i int) bool { return p.lines[i].offset > offset })-1)
}

// lineStart is where the line that holds an offset starts.
func (p *positions) lineStart(offset int) int { return p.lines[p.lineOf(offset)].offset }

// lineAfter is where the next line starts, or the end of the source when there is none.
func (p *positions) lineAfter(offset int) int {
	if i := p.lineOf(offset) + 1; i < len(p.lines) {
		return p.lines[i].offset
	}
	return len(p.src)
}

// column counts bytes from 0. It is asked only where nothing but ASCII can stand before, as at the dash of a list.
func (p *positions) column(offset int) int { return offset - p.lineStart(offset) }

// openAt says that an offset is the end of a source whose last line has no line break.
func (p *positions) openAt(offset int) bool {
	return offset == len(p.src) && p.lines[len(p.lines)-1].offset < offset
}

// lead is the white space that a line starts with.
func (p *positions) lead(offset int) string {
	start := p.lineStart(offset)
	end := start
	for end < len(p.src) && isBlank(p.src[end]) {
		end++
	}
	return string(p.src[start:end])
}

// eolBefore is the line break to write for a line inserted at the start of a line: that of the line above it. Where there
// is none, the first of the source decides.
func (p *positions) eolBefore(offset int) string {
	line := p.lineOf(offset)
	if line == 0 || p.openAt(offset) {
		line = 1
	}
	if line >= len(p.lines) {
		return "\n"
	}
	end := p.lines[line].offset
	switch {
	case bytes.HasSuffix(p.src[:end], []byte("\r\n")):
		return "\r\n"
	case p.src[end-1] == '\r':
		return "\r"
	default:
		return "\n"
	}
}

// skipBlank passes white space and line breaks, and comments too.
func (p *positions) skipBlank(offset int) int {
	for offset < len(p.src) {
		switch n := breakLen(p.src, offset); {
		case n > 0:
			offset += n
		case isBlank(p.src[offset]):
			offset++
		case p.src[offset] == '#' && p.startsComment(offset):
			offset = p.lineEnd(offset)
		default:
			return offset
		}
	}
	return offset
}

// startsComment reports whether a # starts a comment: not when it touches the text before it.
func (p *positions) startsComment(offset int) bool {
	return offset == p.lineStart(offset) || isBlank(p.src[offset-1]) || bytes.IndexByte([]byte(",{["), p.src[offset-1]) >= 0
}

// lineEnd is the offset of the break that ends a line, or the end of the source.
func (p *positions) lineEnd(offset int) int {
	for offset < len(p.src) && breakLen(p.src, offset) == 0 {
		offset++
	}
	return offset
}

// breakLen is the length of the line break at an offset, 0 where there is none. YAML 1.1, which the parsers follow, also
// breaks lines at U+0085, U+2028 and U+2029.
func breakLen(src []byte, offset int) int {
	rest := src[offset:]
	switch {
	case len(rest) == 0:
		return 0
	case bytes.HasPrefix(rest, []byte("\r\n")):
		return 2
	case rest[0] == '\r' || rest[0] == '\n':
		return 1
	case bytes.HasPrefix(rest, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(rest, []byte("\u2028")), bytes.HasPrefix(rest, []byte("\u2029")):
		return 3
	default:
		return 0
	}
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }
