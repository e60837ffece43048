// Package fields knows which fields the API types have, by reflection, and says
// where a field that an author misplaced or misspelt was meant to be.
//
// Nothing here is a list written by hand: a field that a new version of the API
// types brings is known at once.
package fields

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// Type is what a value of an API type may hold. A nil Type may hold anything.
type Type struct {
	goType reflect.Type
	// names are the fields of a mapping in the order of the API type, nil where
	// every name is a field.
	names  []string
	fields map[string]*Type
	// each is the type of a list's elements, or of the values of a mapping in
	// which every name is a field.
	each *Type

	places func() map[string][]*place
}

// types remembers every Type: a list may hold many objects of few types.
var types sync.Map

// Of is the Type of an API type.
func Of(t reflect.Type) *Type {
	if known, ok := types.Load(t); ok {
		return known.(*Type)
	}
	made := (&maker{}).of(t)
	if made != nil {
		made.places = sync.OnceValue(made.index)
	}
	known, _ := types.LoadOrStore(t, made)
	return known.(*Type)
}

// Field is the type of a field; ok is false if the type has no such field.
func (t *Type) Field(name string) (field *Type, ok bool) {
	switch {
	case t == nil:
		return nil, true
	case t.fields == nil:
		return t.each, true
	}
	field, ok = t.fields[name]
	return field, ok
}

// Each is the type of a list's elements.
func (t *Type) Each() *Type {
	if t == nil {
		return nil
	}
	return t.each
}

// maker makes the Types of one root. A type that holds itself is made once.
type maker struct{ made map[reflect.Type]*Type }

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

func (m *maker) of(t reflect.Type) *Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return nil // it reads its text itself: a quantity, a time, a port by name
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return &Type{goType: t, each: m.of(t.Elem())}
	case reflect.Struct:
		return m.ofStruct(t)
	default:
		return nil
	}
}

func (m *maker) ofStruct(t reflect.Type) *Type {
	if known, ok := m.made[t]; ok {
		return known
	}
	if m.made == nil {
		m.made = map[reflect.Type]*Type{}
	}
	made := &Type{goType: t, fields: map[string]*Type{}}
	m.made[t] = made
	m.add(made, t)
	return made
}

// add adds the fields of a struct, and those of the structs that it embeds.
func (m *maker) add(to *Type, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "" && f.Anonymous:
			m.add(to, f.Type)
		case name != "" && name != "-":
			to.names = append(to.names, name)
			to.fields[name] = m.of(f.Type)
		}
	}
}
