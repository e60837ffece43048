package manifest

import (
	"cmp"
	"slices"
	"unicode/utf8"
)

// Position is a place in the file. Both count from 1, Column in characters. In the first line of a JSON chunk, which may
// begin anywhere in its line, Column counts from the chunk's first byte. 0 is a column that is not known.
type Position struct{ Line, Column int }

// PositionsOf returns the position of each of some values in the object, as LinesOf does their lines.
func (o *Object) PositionsOf(paths ...[]string) []Position {
	positions := make([]Position, len(paths))
	columns := make([]int, len(paths))
	switch at := o.source.at.(type) {
	case *tree:
		for i, path := range paths {
			columns[i] = beginning(at.where(slices.Concat(o.Path, path))).Column
		}
	case *lineCounter:
		columns = columnsOf(at.text, o.source.start, offsetsOf(o.source.text, paths))
	}
	for i, line := range o.LinesOf(paths...) {
		positions[i] = Position{line, columns[i]}
	}
	return positions
}

// columnsOf returns the column of each offset, which counts from start, in its line of a text. The text is passed once,
// however many they are.
func columnsOf(text []byte, start int, offsets []int) []int {
	order := make([]int, len(offsets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(offsets[a], offsets[b]) })
	columns := make([]int, len(offsets))
	column, pos := 1, 0
	for _, i := range order {
		for pos < start+offsets[i] {
			r, size := utf8.DecodeRune(text[pos:])
			pos += size
			if column++; r == '\n' {
				column = 1
			}
		}
		columns[i] = column
	}
	return columns
}
