package podgen

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/podfence/podfence/spec"
)

// gen draws the parts of a pod or a policy. Every draw is one of an index, from
// generators that are made once: rapid's cost is in making and drawing, and it
// does not log what is drawn inside a Custom generator.
type gen struct{ t *rapid.T }

const mostChoices = 64

// indices[n] draws an index of a list of n, low ones a little more often.
var indices = func() (list [mostChoices + 1]*rapid.Generator[int]) {
	var all []int
	for n := range list {
		if n > 0 {
			list[n] = rapid.SampledFrom(all)
		}
		all = append(slices.Clip(all), n)
	}
	return list
}()

// below draws a number from 0 to n-1; n is at most mostChoices.
func (g gen) below(n int) int { return indices[n].Draw(g.t, "") }

// once reports whether a draw hits, which one in n does.
func (g gen) once(n int) bool { return n == 1 || g.below(n) == n-1 }

// pick draws one of the values, the first ones a little more often. Pointers
// among them are made anew by each call, so that no two pods share memory.
func pick[T any](g gen, values ...T) T { return values[g.below(len(values))] }

// maybe draws a value m in n times, else the zero value.
func maybe[T any](g gen, m, n int, draw func() T) (zero T) {
	if g.below(n) < n-m {
		return zero
	}
	return draw()
}

// optional draws a pointer to one of the values, nil about once in three times.
func optional[T any](g gen, values ...T) *T {
	i := g.below(len(values) + (len(values)+1)/2)
	if i >= len(values) {
		return nil
	}
	return ptr(values[i])
}

// ptr is a pointer to a copy of v.
func ptr[T any](v T) *T { return &v }

// length draws the length of a list, at most most; -1 is nil, which is not empty.
func (g gen) length(most int) int {
	n := g.below(2*most + 3)
	if n < 2 {
		return -1
	}
	return (n - 1) / 2
}

// listed is a list of n elements, nil for -1.
func listed[T any](n int, draw func(i int) T) []T {
	if n < 0 {
		return nil
	}
	l := make([]T, n)
	for i := range l {
		l[i] = draw(i)
	}
	return l
}

// list draws a nil list, an empty one, or one of at most most elements.
func list[T any](g gen, most int, draw func() T) []T {
	return listed(g.length(most), func(int) T { return draw() })
}

// known are the values that some revision of a check allows for a field.
func known(f spec.Field) (values []string) {
	for _, control := range spec.Controls() {
		for _, check := range control.Checks {
			for _, revision := range check.Revisions {
				for _, allowed := range revision.Allowed {
					if slices.Contains(allowed.Fields, f) {
						for _, v := range allowed.Values {
							values = append(values, v.Text)
						}
					}
				}
			}
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// join is the lists as one.
func join[T ~string](lists ...[]string) (all []T) {
	for _, l := range lists {
		for _, s := range l {
			all = append(all, T(s))
		}
	}
	return all
}
