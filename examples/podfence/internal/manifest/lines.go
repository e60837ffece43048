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
	wanted := &wanted{}
	for i, path := range paths {
		wanted.add(i, path)
	}
	s := search{walker: walk(text), offsets: make([]int, len(paths))}
	s.find(wanted, 0, true)
	return s.offsets
}

// wanted are the values that are looked for in a value and below it.
type wanted struct {
	indices []int // in the list of all that are looked for
	below   []step
}

// step leads to what is looked for below a value. There are few of them.
type step struct {
	key string
	*wanted
}

func (w *wanted) add(index int, path []string) {
	w.indices = append(w.indices, index)
	if len(path) == 0 {
		return
	}
	child := at(w, path[0])
	if child == nil {
		child = &wanted{}
		w.below = append(w.below, step{path[0], child})
	}
	child.add(index, path[1:])
}

// at is what is looked for below a value at a key, or nil.
func at[K string | []byte](w *wanted, key K) *wanted {
	for i := range w.below {
		if w.below[i].key == string(key) {
			return w.below[i].wanted
		}
	}
	return nil
}

// search looks for values in one pass over a text.
type search struct {
	*walker
	offsets []int
}

// find puts down the offset of the next value, which starts with its key, for all that are looked for in it, and then the
// better ones of those that are there. It goes no deeper than the paths do, and no further: last says that nothing is looked
// for behind this value. It returns false when it has all that there may be.
func (s *search) find(w *wanted, start int, last bool) bool {
	for _, i := range w.indices {
		s.offsets[i] = start
	}
	switch left := len(w.below); {
	case left == 0 && last:
		return false
	case left > 0 && s.opens('{'):
		for {
			key, stands, ok := s.key()
			if !ok {
				return s.opens('}')
			}
			if !s.findBelow(at(w, key), stands.start, &left, last) {
				return false
			}
		}
	case left > 0 && s.opens('['):
		for i := 0; s.PeekKind() != ']'; i++ {
			if !s.findBelow(at(w, strconv.Itoa(i)), s.next(), &left, last) {
				return false
			}
		}
		return s.opens(']')
	}
	_, err := s.ReadValue()
	return err == nil
}

// findBelow finds in a value in which left more are looked for, if it is one of them.
func (s *search) findBelow(w *wanted, start int, left *int, last bool) bool {
	if w == nil {
		_, err := s.ReadValue()
		return err == nil
	}
	*left--
	return s.find(w, start, last && *left == 0)
}

// next is where the next element of a list begins.
func (s *search) next() int {
	at := int(s.InputOffset())
	for s.text[at] <= ' ' || s.text[at] == ',' {
		at++
	}
	return at
}
