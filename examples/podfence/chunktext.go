package main

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
)

// chunkText is the text of a chunk, to find lines and columns in.
type chunkText struct {
	raw []byte
	// line and column are those of its first byte, from 1.
	line, column int
	// lead is the white space before it in its line, if nothing else is.
	lead []byte
	// starts are the offsets at which lines begin, once somebody asks.
	starts []int
	// ends are the columns at which lines end, of those that were asked for: a line
	// may be the whole text, and hold many violations.
	ends map[int]int
}

// after is the text that follows.
func (t *chunkText) after(c *manifest.Chunk) *chunkText {
	next := &chunkText{raw: c.Raw, line: c.Line, column: 1}
	if t == nil {
		return next
	}
	next.lead = leadAfter(t.raw)
	last := t.raw[bytes.LastIndexByte(t.raw, '\n')+1:]
	if next.column = utf8.RuneCount(last) + 1; len(last) == len(t.raw) {
		next.column += t.column - 1
	}
	return next
}

// offsets are where lines begin.
func (t *chunkText) offsets() []int {
	if t.starts == nil {
		t.starts = []int{0}
		for i, b := range t.raw {
			if b == '\n' {
				t.starts = append(t.starts, i+1)
			}
		}
	}
	return t.starts
}

// at is the place of a byte.
func (t *chunkText) at(offset int) manifest.Position {
	starts := t.offsets()
	i := sort.SearchInts(starts, offset+1) - 1
	column := utf8.RuneCount(t.raw[starts[i]:offset]) + 1
	return t.place(manifest.Position{Line: t.line + i, Column: column})
}

// place is a position that counts from the chunk's first byte, in its first line, as one that counts from the line's.
func (t *chunkText) place(p manifest.Position) manifest.Position {
	if p.Line == t.line && p.Column > 0 {
		p.Column += t.column - 1
	}
	return p
}

// rest is the region from a place in the chunk to the end of its line.
func (t *chunkText) rest(p manifest.Position) finding.Region {
	r := finding.Region{Line: p.Line, Column: p.Column}
	if end := t.end(p.Line); p.Column > 0 && end > p.Column {
		r.EndLine, r.EndColumn = p.Line, end
	}
	return r
}

// end is the column behind the last character of a line, 0 for a line that the
// chunk does not have.
func (t *chunkText) end(number int) int {
	starts, i := t.offsets(), number-t.line
	if i < 0 || i >= len(starts) {
		return 0
	}
	if end, ok := t.ends[i]; ok {
		return end
	}
	line := t.raw[starts[i]:]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	end := t.place(manifest.Position{Line: number, Column: utf8.RuneCount(bytes.TrimRight(line, " \t\r")) + 1}).Column
	if t.ends == nil {
		t.ends = map[int]int{}
	}
	t.ends[i] = end
	return end
}
