package spec

import (
	"slices"
	"strings"
)

// Allowed says what some fields may hold: one of the values, or nothing where
// Unset says so. Predicate, wording and documentation are read off it. Where
// the hot path has code of its own, TestCodeAgreesWithTheTable holds that to it.
type Allowed struct {
	Fields []Field
	Values []Value
	// Unset: the fields may also be left unset.
	Unset bool
	// Called names the values where they are too many to be listed.
	Called string
}

// Value is one value that is allowed, or a class of them.
type Value struct {
	Op   Operator
	Text string
}

// Operator says how a field's value is compared with a [Value].
type Operator uint8

const (
	// Is allows the text itself.
	Is Operator = iota + 1
	// Begins allows all that begins with the text.
	Begins
	// Not allows all but the text.
	Not
	// Contains allows lists that hold the text.
	Contains
)

// are allows some values and no others.
func are(texts ...string) []Value {
	values := make([]Value, len(texts))
	for i, text := range texts {
		values[i] = Value{Is, text}
	}
	return values
}

// Holds reports whether a field's value is one that v stands for. Of a list
// that is every one of its entries.
func (v Value) Holds(value ...string) bool {
	switch v.Op {
	case Is:
		return len(value) == 1 && value[0] == v.Text
	case Begins:
		return len(value) == 1 && strings.HasPrefix(value[0], v.Text)
	case Not:
		return len(value) == 1 && value[0] != v.Text
	case Contains:
		return slices.Contains(value, v.Text)
	default:
		return false
	}
}

// String is the value as documentation and violations word it.
func (v Value) String() string {
	switch v.Op {
	case Begins:
		return v.Text + "..."
	case Not:
		return "any but " + v.Text
	case Contains:
		return `["` + v.Text + `"]`
	default:
		if v.Text == "" {
			return "empty"
		}
		return v.Text
	}
}

// Allows reports whether a field may hold a value that is set: the text of a
// bool, a number or a string, or every entry of a list.
func (a *Allowed) Allows(value ...string) bool {
	return slices.ContainsFunc(a.Values, func(v Value) bool { return v.Holds(value...) })
}

// Want says in a few words what the fields must be: "false or unset".
func (a *Allowed) Want() string {
	if a.Called != "" {
		return a.Called
	}
	var words []string
	for _, v := range a.Values {
		words = append(words, v.String())
	}
	if a.Unset {
		words = append(words, "unset")
	}
	return orList(words)
}

// orList renders "a, b or c".
func orList(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// AllowedFor is what the revision allows a field to hold, nil for a field that
// it does not test. The result is shared and must not be changed.
func (r *Revision) AllowedFor(f Field) *Allowed {
	for i := range r.Allowed {
		if slices.Contains(r.Allowed[i].Fields, f) {
			return &r.Allowed[i]
		}
	}
	return nil
}
