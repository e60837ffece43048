package manifest

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
)

// LineOf returns the line of a value in the object, or of what is nearest above it.
func (o *Object) LineOf(path []string) int { return o.LinesOf(path)[0] }

// LinesOf returns the line of each of some values in the object: that of its key, or of its first byte in a list. A value
// that is not there has the line of what is nearest above it. The text is read once, however many they are.
func (o *Object) LinesOf(paths ...[]string) []int {
	lines := make([]int, len(paths))
	switch at := o.source.at.(type) {
	case nil:
		for i := range lines {
			lines[i] = o.Line
		}
	case *tree:
		for i, path := range paths {
			lines[i] = at.line(slices.Concat(o.Path, path), 0)
		}
	default:
		offsets := offsetsOf(o.source.text, paths)
		order := make([]int, len(paths))
		for i := range order {
			order[i] = i
		}
		// A locator by offset goes forward.
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(offsets[a], offsets[b]) })
		for _, i := range order {
			lines[i] = at.line(nil, o.source.start+offsets[i])
		}
	}
	return lines
}

// offsetsOf returns where each of the values stands in a JSON text, with its key; or where what is nearest above it does.
func offsetsOf(text []byte, paths [][]string) []int {
	wanted := &wanted{}
	for i, path := range paths {
		wanted.add(i, path)
	}
	s := search{walker: walk(text), offsets: make([]int, len(paths)), left: len(paths)}
	s.find(wanted, 0)
	return s.offsets
}

// wanted are the values that are looked for in a value and below it.
type wanted struct {
	indices []int // in the list of all that are looked for
	ends    int   // how many of them are the value itself
	below   map[string]*wanted
}

func (w *wanted) add(index int, path []string) {
	w.indices = append(w.indices, index)
	if len(path) == 0 {
		w.ends++
		return
	}
	child := w.below[path[0]]
	if child == nil {
		child = &wanted{}
		if w.below == nil {
			w.below = map[string]*wanted{}
		}
		w.below[path[0]] = child
	}
	child.add(index, path[1:])
}

// search looks for values in one pass over a text.
type search struct {
	*walker
	offsets []int
	left    int // how many are not found yet
}

// find puts down the offset of the next value, which starts with its key, for all that are looked for in it, and then the
// better ones of those that are there. It goes no deeper than the paths do. It returns false once all are found.
func (s *search) find(w *wanted, start int) bool {
	for _, i := range w.indices {
		s.offsets[i] = start
	}
	if s.left -= w.ends; s.left == 0 {
		return false
	}
	switch {
	case len(w.below) > 0 && s.opens('{'):
		for {
			key, at, ok := s.key()
			if !ok {
				return s.opens('}')
			}
			if !s.findBelow(w.below[string(key)], at.start) {
				return false
			}
		}
	case len(w.below) > 0 && s.opens('['):
		for i := 0; s.PeekKind() != ']'; i++ {
			before := s.InputOffset()
			start := int(before) + bytes.IndexFunc(s.text[before:], func(r rune) bool { return r > ' ' && r != ',' })
			if !s.findBelow(w.below[strconv.Itoa(i)], start) {
				return false
			}
		}
		return s.opens(']')
	}
	return s.SkipValue() == nil
}

func (s *search) findBelow(w *wanted, start int) bool {
	if w == nil {
		return s.SkipValue() == nil
	}
	return s.find(w, start)
}
