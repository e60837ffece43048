// Package kept tells what a pod lost on the way to being filled. Law 2 says that
// nothing that was set is lost and that every order stays; this is the one place
// that says what "set" means.
package kept

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// fillable are the names of the fields that Mutate fills, and of their parents.
// Only there a null is no value, and an empty list is none where a list is
// filled: for the API server the two mean that nobody set the field.
var fillable = map[string]bool{
	"securityContext": true, "allowPrivilegeEscalation": true, "capabilities": true, "drop": true, "fsGroup": true,
	"privileged": true, "readOnlyRootFilesystem": true, "runAsGroup": true, "runAsNonRoot": true, "runAsUser": true,
	"fsGroupChangePolicy": true, "hostUsers": true, "seccompProfile": true, "supplementalGroups": true, "supplementalGroupsPolicy": true,
}

// Lost is the JSON pointer of the first thing that is set in old and is not the
// same in new, the empty string for none. What new has beside it does not count.
// Both are API objects of one type, or both are trees of JSON, as encoding/json
// decodes them. Lists must keep their length and their order. In an API object a
// nil pointer, list or map is unset: its JSON has no such field.
func Lost(old, new any) string { return lost(reflect.ValueOf(old), reflect.ValueOf(new), "") }

// lost compares two values that stand under a name.
func lost(old, new reflect.Value, name string) string {
	if !old.IsValid() { // a null
		return lostIf(new.IsValid() && !fillable[name])
	}
	if !new.IsValid() || old.Type() != new.Type() && old.Kind() != reflect.Interface {
		return lostIf(true)
	}
	switch old.Kind() {
	case reflect.Interface:
		return lost(old.Elem(), new.Elem(), name)
	case reflect.Pointer:
		if old.IsNil() || old.Pointer() == new.Pointer() {
			return ""
		}
		return lost(old.Elem(), new.Elem(), name)
	case reflect.Struct:
		return lostFields(old, new)
	case reflect.Slice:
		return lostElements(old, new, name)
	case reflect.Map:
		return lostKeys(old, new)
	default:
		return lostIf(!reflect.DeepEqual(old.Interface(), new.Interface()))
	}
}

// lostIf is the pointer of the value itself where it was lost.
func lostIf(isLost bool) string {
	if isLost {
		return "/"
	}
	return ""
}

// below puts a step before what was lost below it.
func below(step, lost string) string {
	switch {
	case lost == "" || step == "":
		return lost
	case lost == "/":
		return "/" + step
	default:
		return "/" + step + lost
	}
}

func lostFields(old, new reflect.Value) string {
	for _, f := range fieldsOf(old.Type()) {
		if lost := lost(old.Field(f.index), new.Field(f.index), f.name); lost != "" {
			return below(f.name, lost)
		}
	}
	return ""
}

func lostElements(old, new reflect.Value, name string) string {
	if old.IsNil() || old.Len() == 0 && fillable[name] || old.Pointer() == new.Pointer() && old.Len() == new.Len() {
		return ""
	}
	if old.Len() != new.Len() {
		return lostIf(true)
	}
	for i := range old.Len() {
		if lost := lost(old.Index(i), new.Index(i), ""); lost != "" {
			return below(strconv.Itoa(i), lost)
		}
	}
	return ""
}

// lostKeys compares JSON objects key by key, and labels and the like whole.
func lostKeys(old, new reflect.Value) string {
	if old.IsNil() || old.Pointer() == new.Pointer() {
		return ""
	}
	before, ok := old.Interface().(map[string]any)
	if !ok {
		return lostIf(!reflect.DeepEqual(old.Interface(), new.Interface()))
	}
	after := new.Interface().(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(before)) {
		value, found := after[key]
		if !found {
			return below(key, "/")
		}
		if lost := lost(reflect.ValueOf(before[key]), reflect.ValueOf(value), key); lost != "" {
			return below(key, lost)
		}
	}
	return ""
}

// field is an exported field of a struct under its name in JSON, which is empty
// where its own fields stand in its place.
type field struct {
	index int
	name  string
}

// known are the fields of each type of struct that was seen: []field.
var known sync.Map

func fieldsOf(typ reflect.Type) []field {
	if fields, ok := known.Load(typ); ok {
		return fields.([]field)
	}
	var fields []field
	for i := range typ.NumField() {
		if f := typ.Field(i); f.IsExported() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields = append(fields, field{i, name})
		}
	}
	known.Store(typ, fields)
	return fields
}
