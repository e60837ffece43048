package manifest

import (
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
	w := &wanted{}
	for i, path := range paths {
		w.add(i, path)
	}
	offsets := make([]int, len(paths))
	w.find(text, span{0, len(text)}, 0, offsets)
	return offsets
}

// wanted are the values that are looked for in a value and below it.
type wanted struct {
	indices []int // in the list of all that are looked for
	below   map[string]*wanted
}

func (w *wanted) add(index int, path []string) {
	w.indices = append(w.indices, index)
	if len(path) == 0 {
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

// find puts down the offset of the value at s, which starts with its key, for all that are looked for in it, and then the
// better ones of those that are there. It goes no deeper than the paths do.
func (w *wanted) find(text []byte, s span, start int, offsets []int) {
	for _, i := range w.indices {
		offsets[i] = start
	}
	if len(w.below) == 0 {
		return
	}
	z := tokenizer{text: s.of(text)}
	switch open, _ := z.next(); open.class {
	case '{':
		for {
			key, ok := z.next()
			if !ok || key.class == '}' {
				return
			}
			value, _ := z.whole()
			if child := w.below[unquote(key.of(z.text))]; child != nil {
				child.find(text, span{s.start + value.start, s.start + value.end}, s.start+key.start, offsets)
			}
		}
	case '[':
		for i := 0; ; i++ {
			value, ok := z.whole()
			if !ok {
				return
			}
			if child := w.below[strconv.Itoa(i)]; child != nil {
				child.find(text, span{s.start + value.start, s.start + value.end}, s.start+value.start, offsets)
			}
		}
	}
}
