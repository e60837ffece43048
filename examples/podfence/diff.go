package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/spec"
)

const (
	// around is how many lines of context a hunk has on each side.
	around = 3
	// hunkBound is how many bytes of a hunk are held before it is divided, with
	// less context at the cut: in a long list of small pods, each of which
	// changes, one hunk would be the whole list. patch and git take such hunks.
	hunkBound = 1 << 20
)

// unified writes the unified diff of one file, from pieces of the file and what
// they have become. It holds a hunk and its context, not the file.
type unified struct {
	w    io.Writer
	file string
	look
	// headed: the lines --- and +++ are written.
	headed bool
	// before and after are text that does not end at a line's end yet.
	before, after []byte
	// oldLine and newLine count the lines that are done with.
	oldLine, newLine int
	// context are the last lines outside of a hunk, at most around.
	context []string
	hunk    hunk
}

// hunk is a part of the diff that is not written yet.
type hunk struct {
	lines []diffLine
	// oldStart and newStart count the lines before it.
	oldStart, newStart int
	// equal is the number of unchanged lines at its end.
	equal int
	size  int
}

// diffLine is a line with what became of it: ' ', '-' or '+'.
type diffLine struct {
	mark byte
	text string
}

func newUnified(w io.Writer, file string, l look) *unified {
	return &unified{w: w, file: file, look: l}
}

// chunk takes a piece of the file and what it has become. Pieces need not end
// where lines do; what is held back is compared once both sides end with a line,
// or at the last line's end in a piece that did not change.
func (u *unified) chunk(before, after []byte) error {
	tail := 0
	if bytes.Equal(before, after) {
		tail = len(before) - 1 - bytes.LastIndexByte(before, '\n')
	}
	u.before = append(u.before, before[:len(before)-tail]...)
	u.after = append(u.after, after[:len(after)-tail]...)
	var err error
	if endsLine(u.before) && endsLine(u.after) {
		err = u.flush()
	}
	u.before = append(u.before, before[len(before)-tail:]...)
	u.after = append(u.after, after[len(after)-tail:]...)
	return err
}

func endsLine(text []byte) bool { return len(text) == 0 || text[len(text)-1] == '\n' }

// end writes what is left.
func (u *unified) end() error {
	if err := u.flush(); err != nil {
		return err
	}
	return u.closeHunk(u.hunk.equal - around)
}

// flush compares what is held.
func (u *unified) flush() (err error) {
	report := func(mark byte, text string) {
		if err == nil {
			err = u.add(mark, text)
		}
	}
	if bytes.Equal(u.before, u.after) {
		same(lines(u.before), report)
	} else {
		compare(lines(u.before), lines(u.after), report)
	}
	u.before, u.after = nil, nil
	return err
}

// lines are the lines of a text with their ends.
func lines(text []byte) []string {
	list := strings.SplitAfter(string(text), "\n")
	if last := len(list) - 1; list[last] == "" {
		list = list[:last]
	}
	return list
}

// add takes the next line of the diff.
func (u *unified) add(mark byte, text string) error {
	if mark != ' ' && u.hunk.size > hunkBound && u.hunk.equal > 1 {
		if err := u.closeHunk(u.hunk.equal / 2); err != nil {
			return err
		}
	}
	inHunk := len(u.hunk.lines) > 0
	if mark != ' ' && !inHunk {
		u.hunk = hunk{oldStart: u.oldLine - len(u.context), newStart: u.newLine - len(u.context)}
		for _, c := range u.context {
			u.hunk.lines = append(u.hunk.lines, diffLine{' ', c})
		}
		u.context, inHunk = nil, true
	}
	if mark != '+' {
		u.oldLine++
	}
	if mark != '-' {
		u.newLine++
	}
	switch {
	case !inHunk:
		u.context = append(u.context, text)
		u.context = u.context[max(0, len(u.context)-around):]
		return nil
	case mark == ' ':
		u.hunk.equal++
	default:
		u.hunk.equal = 0
	}
	u.hunk.lines = append(u.hunk.lines, diffLine{mark, text})
	u.hunk.size += len(text)
	if u.hunk.equal > 2*around {
		return u.closeHunk(around + 1)
	}
	return nil
}

// closeHunk writes the hunk less a number of unchanged lines at its end, the
// last of which become the context of the next one.
func (u *unified) closeHunk(less int) error {
	h := u.hunk
	u.hunk = hunk{}
	if len(h.lines) == 0 {
		return nil
	}
	keep := len(h.lines) - max(0, less)
	for _, l := range h.lines[max(keep, len(h.lines)-around):] {
		u.context = append(u.context, l.text)
	}
	h.lines = h.lines[:keep]
	return u.write(&h)
}

func (u *unified) write(h *hunk) error {
	var b bytes.Buffer
	if !u.headed {
		u.headed = true
		u.paint(&b, bold, "--- "+headed("a/"+u.file)+"\n")
		u.paint(&b, bold, "+++ "+headed("b/"+u.file)+"\n")
	}
	u.paint(&b, cyan, fmt.Sprintf("@@ -%s +%s @@\n", h.span(h.oldStart, '+'), h.span(h.newStart, '-')))
	for _, l := range h.lines {
		text := string(l.mark) + l.text
		if !strings.HasSuffix(text, "\n") {
			text += "\n\\ No newline at end of file\n"
		}
		u.paint(&b, colors[l.mark], text)
	}
	_, err := u.w.Write(b.Bytes())
	return err
}

// headed is a name in the header: quoted as git does if it holds what would end
// it or should not be printed, and followed by a tab if it holds a space, so that
// patch sees its end.
func headed(name string) string {
	switch {
	case strings.ContainsAny(name, `"\`) || spec.Printable(name) != name:
		return gitQuoted(name)
	case strings.Contains(name, " "):
		return name + "\t"
	default:
		return name
	}
}

// gitQuoted is a name in quotes as git and patch read it: bytes that are no ASCII
// text are octal, and not what Go writes.
func gitQuoted(name string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(name) {
		switch c := name[i]; {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// span is one side of a hunk's header. Lines of the other side do not count; an
// empty side is named by the line before it.
func (h *hunk) span(start int, other byte) string {
	count := 0
	for _, l := range h.lines {
		if l.mark != other {
			count++
		}
	}
	if count > 0 {
		start++
	}
	return fmt.Sprintf("%d,%d", start, count)
}

var colors = map[byte]string{'-': red, '+': green}

// compare reports how a list of lines becomes another, in order. Where the old
// lines are all in the new ones, as they are but for edits in flow style, it
// reports no removed line.
func compare(before, after []string, report func(mark byte, text string)) {
	from, to := 0, 0
	for _, a := range anchors(before, after) {
		compareGap(before[from:a.before], after[to:a.after], report)
		report(' ', before[a.before])
		from, to = a.before+1, a.after+1
	}
	compareGap(before[from:], after[to:], report)
}

// anchor is a line that is there once before and once after.
type anchor struct{ before, after int }

// anchors pin the comparison: names and the like, between which little stands.
func anchors(before, after []string) (list []anchor) {
	type seen struct{ before, after, at int }
	count := map[string]*seen{}
	for _, l := range before {
		if s := count[l]; s != nil {
			s.before++
		} else {
			count[l] = &seen{before: 1}
		}
	}
	for i, l := range after {
		if s := count[l]; s != nil {
			s.after++
			s.at = i
		}
	}
	next := 0
	for i, l := range before {
		if s := count[l]; s.before == 1 && s.after == 1 && s.at >= next {
			list = append(list, anchor{i, s.at})
			next = s.at + 1
		}
	}
	return list
}

// compareGap compares what stands between two anchors.
func compareGap(before, after []string, report func(mark byte, text string)) {
	start := 0
	for start < min(len(before), len(after)) && before[start] == after[start] {
		start++
	}
	end := 0
	for end < min(len(before), len(after))-start && before[len(before)-1-end] == after[len(after)-1-end] {
		end++
	}
	same(before[:start], report)
	compareMiddle(before[start:len(before)-end], after[start:len(after)-end], report)
	same(before[len(before)-end:], report)
}

func same(list []string, report func(mark byte, text string)) {
	for _, l := range list {
		report(' ', l)
	}
}

// tableBound bounds the work on a gap without anchors, such as a list of equal
// pods in flow style. Beyond, the gap is replaced as a whole: right, if long.
const tableBound = 4 << 20

func compareMiddle(before, after []string, report func(mark byte, text string)) {
	switch {
	case isSubsequence(before, after):
		for _, l := range after {
			if len(before) > 0 && before[0] == l {
				report(' ', l)
				before = before[1:]
			} else {
				report('+', l)
			}
		}
	case (len(before)+1)*(len(after)+1) <= tableBound:
		compareTable(before, after, report)
	default:
		for _, l := range before {
			report('-', l)
		}
		for _, l := range after {
			report('+', l)
		}
	}
}

func isSubsequence(part, whole []string) bool {
	for _, l := range whole {
		if len(part) > 0 && part[0] == l {
			part = part[1:]
		}
	}
	return len(part) == 0
}

// compareTable finds the longest common subsequence. common[i][j] is its length
// for before[i:] and after[j:].
func compareTable(before, after []string, report func(mark byte, text string)) {
	width := len(after) + 1
	common := make([]int32, (len(before)+1)*width)
	for i := len(before) - 1; i >= 0; i-- {
		for j := len(after) - 1; j >= 0; j-- {
			if before[i] == after[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(before) || j < len(after) {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			report(' ', before[i])
			i, j = i+1, j+1
		case j == len(after) || i < len(before) && common[(i+1)*width+j] >= common[i*width+j+1]:
			report('-', before[i])
			i++
		default:
			report('+', after[j])
			j++
		}
	}
}

// slashed is a path as a diff shows it: without a leading slash, which patch
// and git would refuse.
func slashed(path string) string {
	if path == manifest.Stdin {
		return "stdin"
	}
	return strings.TrimLeft(filepath.ToSlash(filepath.Clean(path)), "/")
}
