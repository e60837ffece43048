package review_test

import (
	"reflect"
	"strings"
)

// leaf is a field somewhere below a type, that has no fields of its own in JSON.
type leaf struct {
	path string
	of   reflect.Type
	// set stores a value in the field of an object, and makes what is on the way.
	set func(object, value reflect.Value)
}

// leavesOf are the fields below a type: of structs, of what pointers point to, of
// the first element of lists and of one key of maps. Pointers, lists, maps and
// structs are fields themselves too, to be unset.
func leavesOf(t reflect.Type) (list []leaf) {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() || name == "-" || name == "" && !f.Anonymous { // without a name it is inlined
				continue
			}
			below := func(v reflect.Value) reflect.Value { return v.Field(i) }
			list = append(list, leaf{name, f.Type, func(o, v reflect.Value) { below(o).Set(v) }})
			for _, l := range leavesOf(f.Type) {
				list = append(list, leaf{name + "." + l.path, l.of, func(o, v reflect.Value) { l.set(below(o), v) }})
			}
		}
	case reflect.Pointer:
		for _, l := range leavesOf(t.Elem()) {
			list = append(list, leaf{l.path, l.of, func(o, v reflect.Value) {
				if o.IsNil() {
					o.Set(reflect.New(t.Elem()))
				}
				l.set(o.Elem(), v)
			}})
		}
	case reflect.Slice:
		for _, l := range append(leavesOf(t.Elem()), leaf{"", t.Elem(), func(o, v reflect.Value) { o.Set(v) }}) {
			list = append(list, leaf{"[0]" + l.path, l.of, func(o, v reflect.Value) {
				if o.Len() == 0 {
					o.Set(reflect.MakeSlice(t, 1, 1))
				}
				l.set(o.Index(0), v)
			}})
		}
	}
	return list
}

// valuesFor are values of a type: of text those that some check, grant or fill
// tells from others, in any field.
func valuesFor(t reflect.Type) (list []reflect.Value) {
	list = append(list, reflect.Zero(t))
	switch t.Kind() {
	case reflect.Bool:
		list = append(list, reflect.ValueOf(true).Convert(t))
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8:
		list = append(list, reflect.ValueOf(80).Convert(t))
	case reflect.String:
		for _, text := range []string{"windows", "web", "Unconfined", "ALL", "/var/run/secrets/kubernetes.io/serviceaccount"} {
			list = append(list, reflect.ValueOf(text).Convert(t))
		}
	case reflect.Pointer:
		for _, v := range valuesFor(t.Elem()) {
			p := reflect.New(t.Elem())
			p.Elem().Set(v)
			list = append(list, p)
		}
	case reflect.Slice:
		list = append(list, reflect.MakeSlice(t, 0, 0), reflect.MakeSlice(t, 2, 2))
	case reflect.Map:
		if t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String {
			for _, key := range []string{"app", "kubernetes.io/config.mirror", "container.apparmor.security.beta.kubernetes.io/c0", "seccomp.security.alpha.kubernetes.io/pod"} {
				m := reflect.MakeMap(t)
				m.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), reflect.ValueOf("web").Convert(t.Elem()))
				list = append(list, m)
			}
		}
	}
	return list
}
