package fields

import (
	"bytes"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Shape is what the JSON of an API type looks like: which members it has, and
// what each may be. With it one pass over a text tells whether all of it is known.
type Shape struct {
	kind shapeKind
	// members are those of a struct, by the length of their names first.
	members [][]shapeMember
	// each is the shape of a list's elements, or of the values of a map.
	each *Shape
	// reads reports whether a number, or a type that reads its text itself, takes a scalar.
	reads func(scalar []byte) bool
}

type shapeMember struct {
	name string
	bit  uint64
	*Shape
}

type shapeKind byte

// The zero kind is that of a type of which nothing is known: nothing fits it.
const (
	shapeUnknown shapeKind = iota
	shapeAny
	shapeText
	shapeBool
	shapeWhole
	shapeSelf
	shapeList
	shapeMap
	shapeStruct
)

// maxMembers is how many names of a struct are remembered as seen.
const maxMembers = 64

// ShapeOf is the shape of an API type. It goes through the whole type: keep it.
func ShapeOf(t reflect.Type) *Shape {
	return (&shaper{made: map[reflect.Type]*Shape{}}).of(t)
}

// shaper makes the shapes of one root. A type that holds itself is made once.
type shaper struct{ made map[reflect.Type]*Shape }

// selfReaders are the types that read their text themselves. One that is not
// listed is not known, which costs time and nothing else.
var selfReaders = map[reflect.Type]Shape{
	reflect.TypeFor[metav1.Time]():       {kind: shapeSelf, reads: isTime},
	reflect.TypeFor[resource.Quantity](): {kind: shapeSelf, reads: isQuantity},
	reflect.TypeFor[intstr.IntOrString](): {kind: shapeSelf, reads: func(scalar []byte) bool {
		return scalar[0] == '"' || whole(32)(scalar)
	}},
	reflect.TypeFor[metav1.FieldsV1](): {kind: shapeAny},
}

func isTime(scalar []byte) bool {
	text, ok := plain(scalar)
	if !ok {
		return false
	}
	_, err := time.Parse(time.RFC3339, string(text))
	return err == nil
}

func isQuantity(scalar []byte) bool {
	text, ok := plain(scalar)
	if !ok {
		return false
	}
	_, err := resource.ParseQuantity(string(text))
	return err == nil
}

// plain is the text of a JSON string without escapes.
func plain(scalar []byte) (text []byte, ok bool) {
	if scalar[0] != '"' || bytes.IndexByte(scalar, '\\') >= 0 {
		return nil, false
	}
	return scalar[1 : len(scalar)-1], true
}

// whole reports whether a number is a whole one of so many bits.
func whole(bits int) func(scalar []byte) bool {
	return func(scalar []byte) bool {
		_, err := strconv.ParseInt(string(scalar), 10, bits)
		return err == nil
	}
}

func (m *shaper) of(t reflect.Type) *Shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if known, ok := m.made[t]; ok {
		return known
	}
	s := &Shape{}
	m.made[t] = s
	switch self, ok := selfReaders[t]; {
	case ok:
		*s = self
	case !reflect.PointerTo(t).Implements(unmarshaler) && !reflect.PointerTo(t).Implements(textUnmarshaler):
		m.make(s, t)
	}
	return s
}

var textUnmarshaler = reflect.TypeFor[interface{ UnmarshalText([]byte) error }]()

func (m *shaper) make(s *Shape, t reflect.Type) {
	switch t.Kind() {
	case reflect.Bool:
		s.kind = shapeBool
	case reflect.String:
		s.kind = shapeText
	case reflect.Int, reflect.Int32, reflect.Int64:
		s.kind, s.reads = shapeWhole, whole(t.Bits())
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 { // which would be base64
			s.kind, s.each = shapeList, m.of(t.Elem())
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String && !t.Key().Implements(textUnmarshaler) {
			s.kind, s.each = shapeMap, m.of(t.Elem())
		}
	case reflect.Struct:
		if m.add(s, t, 0) <= maxMembers {
			s.kind = shapeStruct
		}
	}
}

// add adds the members of a struct, and those of the structs that it embeds, and
// returns how many there are by then. Of two of one name, which encoding/json
// chooses between, the struct is not known.
func (m *shaper) add(to *Shape, t reflect.Type, n int) int {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "" && f.Anonymous && f.Type.Kind() == reflect.Struct:
			n = m.add(to, f.Type, n)
		case name == "-" && options == "" || !f.IsExported():
		case name == "" || strings.Contains(","+options+",", ",string,") || to.member([]byte(name)) != nil:
			return maxMembers + 1
		default:
			for len(name) >= len(to.members) {
				to.members = append(to.members, nil)
			}
			to.members[len(name)] = append(to.members[len(name)], shapeMember{name, 1 << n, m.of(f.Type)})
			n++
		}
	}
	return n
}

func (s *Shape) member(name []byte) *shapeMember {
	if len(name) >= len(s.members) {
		return nil
	}
	same := s.members[len(name)]
	for i := range same {
		if same[i].name == string(name) {
			return &same[i]
		}
	}
	return nil
}

// Fitter tells whether texts fit a shape. It is used again and again by one
// goroutine.
type Fitter struct {
	json  jsontext.Decoder
	input bytes.Buffer
	// names are those of the maps that are open.
	names [][]byte
}

// maxNames is how many members of a map are looked at.
const maxNames = 64

// Fits reports whether the JSON of an object has only what its type has: no
// unknown member, no value of another type, no name twice, and no null in a list.
// It may say no where that is not so, of texts that hardly anybody writes.
func (f *Fitter) Fits(text []byte, s *Shape) bool {
	f.input, f.names = *bytes.NewBuffer(text), f.names[:0]
	f.json.Reset(&f.input, jsontext.AllowDuplicateNames(true))
	fits := f.fits(s)
	f.input = bytes.Buffer{}
	clear(f.names[:cap(f.names)])
	return fits
}

func (f *Fitter) fits(s *Shape) bool {
	kind := f.json.PeekKind()
	switch {
	case s.kind == shapeUnknown:
		return false
	case kind == 'n', s.kind == shapeText && kind == '"', s.kind == shapeBool && (kind == 't' || kind == 'f'):
		_, err := f.json.ReadValue()
		return err == nil
	}
	switch s.kind {
	case shapeAny:
		value, err := f.json.ReadValue()
		return err == nil && !hasTwice(value)
	case shapeWhole, shapeSelf:
		value, err := f.json.ReadValue()
		return err == nil && (kind == '0' || kind == '"') && s.reads(value)
	case shapeList:
		return f.list(s)
	case shapeMap:
		return f.mapping(s)
	case shapeStruct:
		return f.object(s)
	}
	return false
}

// hasTwice reports whether an object in a value has a name twice.
func hasTwice(value []byte) bool {
	return jsontext.NewDecoder(bytes.NewBuffer(value)).SkipValue() != nil
}

// reads reads a bracket, if it is next.
func (f *Fitter) reads(bracket jsontext.Kind) bool {
	if f.json.PeekKind() != bracket {
		return false
	}
	_, err := f.json.ReadToken()
	return err == nil
}

func (f *Fitter) list(s *Shape) bool {
	if !f.reads('[') {
		return false
	}
	for !f.reads(']') {
		if f.json.PeekKind() == 'n' || !f.fits(s.each) {
			return false
		}
	}
	return true
}

func (f *Fitter) mapping(s *Shape) bool {
	if !f.reads('{') {
		return false
	}
	for start := len(f.names); !f.reads('}'); {
		name, ok := f.name()
		if !ok || len(f.names)-start == maxNames {
			return false
		}
		for _, before := range f.names[start:] {
			if bytes.Equal(before, name) {
				return false
			}
		}
		f.names = append(f.names, name)
		if !f.fits(s.each) {
			return false
		}
	}
	return true
}

// name reads the name of a member. One with escapes is not looked at.
func (f *Fitter) name() (name []byte, ok bool) {
	if f.json.PeekKind() != '"' {
		return nil, false
	}
	quoted, err := f.json.ReadValue()
	if err != nil {
		return nil, false
	}
	return plain(quoted)
}

func (f *Fitter) object(s *Shape) bool {
	if !f.reads('{') {
		return false
	}
	for seen := uint64(0); !f.reads('}'); {
		name, ok := f.name()
		if !ok {
			return false
		}
		m := s.member(name)
		if m == nil || seen&m.bit != 0 || !f.fits(m.Shape) {
			return false
		}
		seen |= m.bit
	}
	return true
}
