// Package drift compares an object of the Kubernetes API as it was rendered with the
// same object as a cluster or a file has it.
//
//	for _, d := range drift.Between(rendered, found) { fmt.Println(d) }
//
// What the API server adds is no difference: its status, the metadata that it keeps,
// and an empty value where the rendered object has none, which is how it writes down
// a default. Labels and annotations may be more than were rendered, for whoever
// applies an object has some of its own.
package drift

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Difference is a place at which two objects differ.
type Difference struct {
	// Path is the place, as spec.variables["level"].expression.
	Path string
	// Problem says what is there, and what was rendered.
	Problem string
}

func (d Difference) String() string { return d.Path + " " + d.Problem }

// Between lists the differences of an object that was found from one that was
// rendered, both as JSON decodes them. What one has and the other lacks is a
// difference as a whole.
func Between(rendered, found map[string]any) []Difference {
	c := &comparison{}
	c.object("", content(rendered), content(found))
	c.strings("metadata.labels", rendered, found, "labels")
	c.strings("metadata.annotations", rendered, found, "annotations")
	if gone := metadata(found)["deletionTimestamp"]; gone != nil {
		c.differ("metadata.deletionTimestamp", "is set: the object is being deleted")
	}
	return c.differences
}

// content is an object without its metadata and its status.
func content(object map[string]any) map[string]any {
	kept := maps.Clone(object)
	delete(kept, "metadata")
	delete(kept, "status")
	return kept
}

func metadata(object map[string]any) map[string]any {
	m, _ := object["metadata"].(map[string]any)
	return m
}

type comparison struct{ differences []Difference }

func (c *comparison) differ(path, format string, args ...any) {
	c.differences = append(c.differences, Difference{path, fmt.Sprintf(format, args...)})
}

// strings compares the labels or the annotations that were rendered.
func (c *comparison) strings(path string, rendered, found map[string]any, key string) {
	want, _ := metadata(rendered)[key].(map[string]any)
	got, _ := metadata(found)[key].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		c.member(fmt.Sprintf("%s[%q]", path, name), want, got, name)
	}
}

func (c *comparison) value(path string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			c.object(path, want, got)
			return
		}
	case []any:
		if got, ok := got.([]any); ok {
			c.list(path, want, got)
			return
		}
	case string:
		if got, ok := got.(string); ok {
			c.text(path, want, got)
			return
		}
	default:
		if want == got {
			return
		}
	}
	c.differ(path, "is %s, rendered is %s", shown(got), shown(want))
}

func (c *comparison) object(path string, want, got map[string]any) {
	keys := maps.Clone(want)
	maps.Copy(keys, got)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		c.member(below(path, key), want, got, key)
	}
}

func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// member compares a key of two mappings, of which at least one has it.
func (c *comparison) member(path string, want, got map[string]any, key string) {
	w, rendered := want[key]
	g, found := got[key]
	switch {
	case !rendered && empty(g), !found && empty(w):
	case !rendered:
		c.differ(path, "is there, and is not rendered: %s", shown(g))
	case !found:
		c.differ(path, "is missing, rendered is %s", shown(w))
	default:
		c.value(path, w, g)
	}
}

// empty reports whether a value is one that stands for the default.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// list compares two lists: by the names of their items, where all have one.
func (c *comparison) list(path string, want, got []any) {
	wanted, rendered := byName(want)
	have, found := byName(got)
	if !rendered || !found {
		c.items(path, want, got)
		return
	}
	shared := func(names []string, of map[string]any) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return of[name] == nil })
	}
	for _, name := range wanted.names {
		c.member(at(path, name), wanted.items, have.items, name)
	}
	for _, name := range have.names {
		if wanted.items[name] == nil {
			c.member(at(path, name), wanted.items, have.items, name)
		}
	}
	if !slices.Equal(shared(wanted.names, have.items), shared(have.names, wanted.items)) {
		c.differ(path, "has its items in another order than rendered")
	}
}

func at(path, name string) string { return path + "[" + strconv.Quote(name) + "]" }

func (c *comparison) items(path string, want, got []any) {
	for i := range min(len(want), len(got)) {
		c.value(fmt.Sprintf("%s[%d]", path, i), want[i], got[i])
	}
	for i := len(want); i < len(got); i++ {
		c.differ(fmt.Sprintf("%s[%d]", path, i), "is there, and is not rendered: %s", shown(got[i]))
	}
	for i := len(got); i < len(want); i++ {
		c.differ(fmt.Sprintf("%s[%d]", path, i), "is missing, rendered is %s", shown(want[i]))
	}
}

// named is a list of objects whose names differ.
type named struct {
	names []string
	items map[string]any
}

// byName reads a list of objects by their key "name" or "key", which the lists of these
// objects are told apart by; ok is false of any other list.
func byName(list []any) (n named, ok bool) {
	n.items = map[string]any{}
	for _, item := range list {
		name := nameOf(item)
		if name == "" || n.items[name] != nil {
			return n, false
		}
		n.names, n.items[name] = append(n.names, name), item
	}
	return n, true
}

func nameOf(item any) string {
	object, _ := item.(map[string]any)
	for _, key := range []string{"name", "key"} {
		if name, _ := object[key].(string); name != "" {
			return name
		}
	}
	return ""
}

// around is how much of a long text is shown before and behind the place where it
// begins to differ.
const around = 24

// text compares two texts. Of long ones only the place is shown.
func (c *comparison) text(path, want, got string) {
	if want == got {
		return
	}
	w, g := []rune(want), []rune(got)
	if len(w) <= 2*around && len(g) <= 2*around {
		c.differ(path, "is %s, rendered is %s", shown(got), shown(want))
		return
	}
	n := 0
	for n < len(w) && n < len(g) && w[n] == g[n] {
		n++
	}
	c.differ(path, "differs from its character %d on: it is %s, rendered is %s", n+1, excerpt(g, n), excerpt(w, n))
}

func excerpt(text []rune, at int) string {
	from, to := max(0, at-around), min(len(text), at+around)
	before, behind := "", ""
	if from > 0 {
		before = "..."
	}
	if to < len(text) {
		behind = "..."
	}
	return before + strconv.Quote(string(text[from:to])) + behind
}

// shown is a value as a message shows it.
func shown(value any) string {
	switch v := value.(type) {
	case string:
		return excerpt([]rune(v), 0)
	case map[string]any:
		return "{" + strings.Join(slices.Sorted(maps.Keys(v)), ", ") + "}"
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, shown(item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	default:
		return fmt.Sprint(value)
	}
}
