package manifest

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Position is a place in the file. Both count from 1, Column in characters. In the first line of a JSON chunk, which may
// begin anywhere in its line, Column counts from the chunk's first byte. 0 is a column that is not known.
type Position struct{ Line, Column int }

// PositionsOf returns the position of each of some values in the object, as LinesOf does their lines.
func (o *Object) PositionsOf(paths ...[]string) []Position {
	positions := make([]Position, len(paths))
	switch at := o.source.at.(type) {
	case *tree:
		for i, path := range paths {
			positions[i] = at.positionOf(slices.Concat(o.Path, path))
		}
	case *lineCounter:
		lines, offsets := o.LinesOf(paths...), offsetsOf(o.source.text, paths)
		for i := range positions {
			positions[i] = Position{lines[i], columnAt(at.text, o.source.start+offsets[i])}
		}
	default:
		for i, line := range o.LinesOf(paths...) {
			positions[i].Line = line
		}
	}
	return positions
}

func (t *tree) positionOf(path []string) Position {
	n := t.where(path)
	return Position{t.lineOf(n), beginning(n).Column}
}

// columnAt is the column of a byte in its line of a text.
func columnAt(text []byte, offset int) int {
	start := bytes.LastIndexByte(text[:offset], '\n') + 1
	return utf8.RuneCount(text[start:offset]) + 1
}
