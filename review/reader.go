package review

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A reader reads one value of JSON into its place. Readers are put together from
// the functions below: pod.go says which fields are read, and these how.
//
// They read as encoding/json does into the API's own types: null leaves a field
// as it is and makes a pointer, a list or a map nil, and members that are not
// named are skipped, though they must be JSON. They are stricter where an API
// server never sends what they refuse: names count as they are written, case
// included, and may not stand twice in an object, a list has no null in it, and
// text is UTF-8.
type reader[T any] func(d *decoder, into *T) error

// decoder reads a text from its start to its end.
type decoder struct {
	json jsontext.Decoder
	// input is what json reads.
	input bytes.Buffer
	// text is the input. Strings that are read are parts of it.
	text string
	// left is how many bytes may still be read, and texts how many of those that were
	// are of texts.
	left, texts int64
	// grown is what the slabs have room for, in bytes.
	grown int64
	// scratch holds a name or a text that was written with escapes.
	scratch []byte
	made    slabs
	answer  scratch
}

// reset begins a text. What was read before is no longer valid.
func (d *decoder) reset(text []byte, limit int64) {
	d.start(text, limit)
	d.made.reset()
}

// start begins a text. What was read before stays as it is.
func (d *decoder) start(text []byte, limit int64) {
	d.input = *bytes.NewBuffer(text)
	d.json.Reset(&d.input, jsontext.AllowDuplicateNames(true))
	d.text, d.left, d.texts = string(text), limit, 0
	d.answer.reset()
}

// release lets go of the text.
func (d *decoder) release() {
	d.input, d.text = bytes.Buffer{}, ""
}

// end reports what stands behind the value that was read.
func (d *decoder) end() error {
	switch _, err := d.json.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return &Error{Text: "something stands behind the end of the object"}
	default:
		return d.broken(err)
	}
}

// Error says what is wrong with a JSON text, and where.
type Error struct {
	// Pointer is the JSON pointer (RFC 6901) of the value, "" for the whole.
	Pointer string
	// Offset is where the text is no JSON, in bytes from its start; zero where it is.
	Offset int64
	// Text says what is wrong, and Err is the reader's own error, if it is one.
	Text string
	Err  error
}

// Error renders the pointer and what is wrong there.
func (e *Error) Error() string {
	where := e.Pointer
	if where == "" {
		where = "the JSON text"
	}
	if e.Offset > 0 {
		return fmt.Sprintf("%s: %s (at byte %d)", where, e.Text, e.Offset)
	}
	return where + ": " + e.Text
}

// Unwrap returns the reader's own error, if it is one.
func (e *Error) Unwrap() error { return e.Err }

// broken is the error about a text that is no JSON.
func (d *decoder) broken(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax):
		return &Error{Pointer: string(syntax.JSONPointer), Offset: syntax.ByteOffset, Text: syntax.Err.Error(), Err: err}
	case errors.Is(err, io.EOF):
		return &Error{Text: "it is empty", Err: err}
	default:
		return &Error{Text: err.Error(), Err: err}
	}
}

// skip passes a value, and reports what in it is no JSON. The text is in memory
// whole, where a value is read faster than its tokens are skipped.
func (d *decoder) skip() error {
	if _, err := d.json.ReadValue(); err != nil {
		return d.broken(err)
	}
	return nil
}

// unexpected reports a value of the wrong type, or one that is broken.
func (d *decoder) unexpected(want string) error {
	kind := d.json.PeekKind()
	if err := d.skip(); err != nil {
		return err
	}
	return &Error{Pointer: string(d.json.StackPointer()), Text: kindWord(kind) + " stands where " + want + " belongs"}
}

func kindWord(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "text"
	case '0':
		return "a number"
	case '[':
		return "a list"
	default:
		return "an object"
	}
}

// null passes a null and reports whether there was one.
func (d *decoder) null() (bool, error) {
	if d.json.PeekKind() != 'n' {
		return false, nil
	}
	return true, d.skip()
}

// take reports whether so many more bytes may be read.
func (d *decoder) take(size uintptr) error {
	if d.left < int64(size) {
		return &Error{Pointer: string(d.json.StackPointer()), Text: "there is more up to here than may be read", Err: ErrTooLarge}
	}
	d.left -= int64(size)
	return nil
}

// takeText is take for a text as it is written: so large is what quotes it.
func (d *decoder) takeText(quoted string) error {
	d.texts += int64(len(quoted))
	return d.take(uintptr(len(quoted)))
}

// ErrTooLarge says that a text has more in it than the limit lets be built.
var ErrTooLarge = errors.New("too large")

// raw reads a text or a number as it is written. What it returns is valid for
// ever, being a part of the input.
func (d *decoder) raw() (string, error) {
	value, err := d.json.ReadValue()
	if err != nil {
		return "", d.broken(err)
	}
	end := int(d.json.InputOffset())
	return d.text[end-len(value) : end], nil
}

// unquoted is a JSON string without its quotes and escapes.
func (d *decoder) unquoted(quoted string) (string, error) {
	inner := quoted[1 : len(quoted)-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return inner, nil
	}
	text, err := jsontext.AppendUnquote(d.scratch[:0], quoted)
	if err != nil {
		return "", &Error{Pointer: string(d.json.StackPointer()), Text: err.Error(), Err: err}
	}
	d.scratch = text
	if err := d.take(uintptr(len(text))); err != nil {
		return "", err
	}
	return string(text), nil
}

// members are the members of an object that are read.
type members[T any] map[string]reader[T]

// within are the members of what is a part of another struct.
func within[T, F any](known members[F], of func(*T) *F) members[T] {
	list := make(members[T], len(known))
	for name, read := range known {
		list[name] = field(of, read)
	}
	return list
}

// known are members, found by the length of their name first: names that are
// skipped are the most, and few of them have the length of one that is read.
type known[T any] struct {
	byLength [][]member[T]
}

type member[T any] struct {
	name string
	bit  uint64
	read reader[T]
}

func knownOf[T any](list members[T]) (k known[T]) {
	if len(list) > 64 {
		panic("review: an object of more than 64 members")
	}
	for i, name := range slices.Sorted(maps.Keys(list)) {
		for len(name) >= len(k.byLength) {
			k.byLength = append(k.byLength, nil)
		}
		k.byLength[len(name)] = append(k.byLength[len(name)], member[T]{name, 1 << i, list[name]})
	}
	return k
}

func (k *known[T]) find(name string) *member[T] {
	if len(name) >= len(k.byLength) {
		return nil
	}
	same := k.byLength[len(name)]
	for i := range same {
		if same[i].name == name {
			return &same[i]
		}
	}
	return nil
}

// object reads the members of an object.
func object[T any](list members[T]) reader[T] {
	k := knownOf(list)
	return func(d *decoder, into *T) error {
		if null, err := d.begin('{', "an object"); null || err != nil {
			return err
		}
		for seen := uint64(0); ; {
			name, more, err := d.name()
			if !more || err != nil {
				return err
			}
			m := k.find(name)
			switch {
			case m == nil:
				err = d.skip()
			case seen&m.bit != 0:
				err = d.twice()
			default:
				seen |= m.bit
				err = m.read(d, into)
			}
			if err != nil {
				return err
			}
		}
	}
}

// begin reads the bracket at the start of an object or a list, or passes null.
func (d *decoder) begin(bracket jsontext.Kind, want string) (null bool, err error) {
	switch d.json.PeekKind() {
	case bracket:
		return false, d.bracket()
	case 'n':
		return true, d.skip()
	default:
		return false, d.unexpected(want)
	}
}

func (d *decoder) bracket() error {
	if _, err := d.json.ReadToken(); err != nil {
		return d.broken(err)
	}
	return nil
}

// name reads the name of the next member; without one it reads the end of the object.
func (d *decoder) name() (name string, more bool, err error) {
	if d.json.PeekKind() != '"' {
		return "", false, d.bracket()
	}
	quoted, err := d.raw()
	if err != nil {
		return "", false, err
	}
	name, err = d.unquoted(quoted)
	return name, true, err
}

// twice is the error about a member whose name was just read again.
func (d *decoder) twice() error {
	return &Error{Pointer: string(d.json.StackPointer()), Text: "the name stands twice in its object"}
}

// field reads a part of a struct.
func field[T, F any](of func(*T) *F, read reader[F]) reader[T] {
	return func(d *decoder, into *T) error { return read(d, of(into)) }
}

// pointer reads what a pointer points to, which is nil for null.
func pointer[T any](from func(*slabs) *slab[T], read reader[T]) reader[*T] {
	return func(d *decoder, into **T) error {
		if null, err := d.null(); null || err != nil {
			*into = nil
			return err
		}
		if *into == nil {
			made, err := from(&d.made).one(d)
			if err != nil {
				return err
			}
			*into = made
		}
		return read(d, *into)
	}
}

// list reads the elements of a list, which is nil for null.
func list[T any](from func(*slabs) *slab[T], read reader[T]) reader[[]T] {
	return func(d *decoder, into *[]T) error {
		*into = nil
		if null, err := d.begin('[', "a list"); null || err != nil {
			return err
		}
		s := from(&d.made)
		start := len(s.items)
		for {
			switch d.json.PeekKind() {
			case ']':
				end := len(s.items)
				if *into = s.items[start:end:end]; start == end {
					*into = []T{}
				}
				return d.bracket()
			case 'n':
				return d.unexpected("an element")
			}
			var element *T
			var err error
			if start, element, err = s.next(d, start); err != nil {
				return err
			}
			if err := read(d, element); err != nil {
				return err
			}
		}
	}
}

// texts reads a mapping of names to texts, nil for null. Null among its values is
// the empty text.
func texts(d *decoder, into *map[string]string) error {
	*into = nil
	if null, err := d.begin('{', "an object"); null || err != nil {
		return err
	}
	m := make(map[string]string)
	for d.json.PeekKind() == '"' {
		quoted, err := d.raw()
		if err != nil {
			return err
		}
		name, err := d.unquoted(quoted)
		if err != nil {
			return err
		}
		if _, found := m[name]; found {
			return d.twice()
		}
		if err := d.take(mapEntry); err != nil {
			return err
		}
		if err := d.takeText(quoted); err != nil {
			return err
		}
		value := ""
		if err := text(d, &value); err != nil {
			return err
		}
		m[name] = value
	}
	*into = m
	return d.bracket()
}

// mapEntry is what an entry of a map of texts takes, in bytes, its share of the
// table included.
const mapEntry = 80

// present reads only that there is an object.
func present[T any](d *decoder, _ *T) error {
	if d.json.PeekKind() != '{' {
		return d.unexpected("an object")
	}
	return d.skip()
}

// text reads a string of any type.
func text[T ~string](d *decoder, into *T) error {
	switch d.json.PeekKind() {
	case '"':
	case 'n':
		return d.skip()
	default:
		return d.unexpected("text")
	}
	quoted, err := d.raw()
	if err != nil {
		return err
	}
	value, err := d.unquoted(quoted)
	if err != nil {
		return err
	}
	*into = T(value)
	return d.takeText(quoted)
}

func boolean(d *decoder, into *bool) error {
	switch d.json.PeekKind() {
	case 't', 'f':
		token, err := d.json.ReadToken()
		if err != nil {
			return d.broken(err)
		}
		*into = token.Bool()
		return nil
	case 'n':
		return d.skip()
	default:
		return d.unexpected("a boolean")
	}
}

// integer reads a number without fraction or exponent that has room in its type.
func integer[T ~int32 | ~int64](bits int) reader[T] {
	return func(d *decoder, into *T) error {
		switch d.json.PeekKind() {
		case '0':
		case 'n':
			return d.skip()
		default:
			return d.unexpected("a number")
		}
		digits, err := d.raw()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(digits, 10, bits)
		if err != nil {
			return &Error{
				Pointer: string(d.json.StackPointer()), Err: err,
				Text: fmt.Sprintf("%.40s is no whole number of %d bits", digits, bits),
			}
		}
		*into = T(n)
		return nil
	}
}
