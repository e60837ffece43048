package fields

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/nearest"
)

// Hint says what to do about a field that its mapping does not have.
type Hint struct {
	// Field is the field that was probably meant, empty if that is anybody's guess.
	Field string
	// Misplaced: the field is one of another mapping.
	Misplaced bool
	// Text says what to do.
	Text string
}

// Hint says where in a value of the type an unknown field was meant to be. path
// leads to the mapping in which it stands, with indices of lists.
func (t *Type) Hint(path []string, field string) Hint {
	from, in := t.plain(path)
	names := []string(nil)
	if in != nil {
		names = in.names
	}
	for _, name := range names {
		if strings.EqualFold(name, field) {
			return Hint{Field: name, Text: "write " + name}
		}
	}
	if where := t.belongs(from, field); where != "" {
		return Hint{Field: field, Misplaced: true, Text: field + " belongs to " + where}
	}
	if name := nearest.Of(field, names); name != "" {
		return Hint{Field: name, Text: "did you mean " + name + "?"}
	}
	for _, name := range slices.Sorted(maps.Keys(t.places())) {
		if where := t.belongs(from, name); where != "" && strings.EqualFold(name, field) {
			return Hint{Field: name, Misplaced: true, Text: "write " + name + ", which belongs to " + where}
		}
	}
	return Hint{Text: "remove it"}
}

// plain is a path without indices and keys, and the type at its end. Containers
// of every kind are the same to a hint.
func (t *Type) plain(path []string) (names []string, end *Type) {
	for _, step := range path {
		if t == nil {
			return names, nil
		}
		if t.fields == nil {
			t = t.each
			continue
		}
		if step == "initContainers" || step == "ephemeralContainers" {
			names = append(names, "containers")
		} else {
			names = append(names, step)
		}
		t, _ = t.Field(step)
	}
	return names, t
}

// place is a mapping in a value of the type, and what it is called.
type place struct {
	path []string
	name string
}

// maxPlaces is how many places a hint names. A field that more have (name, type)
// says nothing about what was meant.
const maxPlaces = 2

// belongs names the places to which a field belongs, those that are nearest to
// where it stands: one step off, most often.
func (t *Type) belongs(from []string, field string) string {
	least := -1
	for _, p := range t.places()[field] {
		if d := steps(from, p.path); least < 0 || d < least {
			least = d
		}
	}
	for more := 1; more >= 0; more-- {
		var names []string
		for _, p := range t.places()[field] {
			if steps(from, p.path) <= least+more && !slices.Contains(names, p.name) {
				names = append(names, p.name)
			}
		}
		if n := len(names); n > 0 && n <= maxPlaces {
			return strings.Join(names, " or ")
		}
	}
	return ""
}

// steps is how far it is from one mapping to another, up and then down.
func steps(from, to []string) int {
	same := 0
	for same < len(from) && same < len(to) && from[same] == to[same] {
		same++
	}
	return len(from) + len(to) - 2*same
}

var (
	podSpec   = reflect.TypeFor[corev1.PodSpec]()
	container = reflect.TypeFor[corev1.Container]()
	volume    = reflect.TypeFor[corev1.Volume]()
	meta      = reflect.TypeFor[metav1.ObjectMeta]()
)

// maxDepth is how deep mappings are looked for: the API's own are less deep.
const maxDepth = 24

// index lists, for every field, the mappings that have it.
func (t *Type) index() map[string][]*place {
	places := map[string][]*place{}
	t.visit(nil, "", maxDepth, func(in *Type, path []string, name string) {
		p := &place{slices.Clone(path), name}
		for _, field := range in.names {
			places[field] = append(places[field], p)
		}
	})
	return places
}

// visit visits every mapping with fields of its own. What a cluster writes, and
// the containers that are not the pod's regular ones, are left out.
func (t *Type) visit(path []string, name string, depth int, see func(in *Type, path []string, name string)) {
	for t != nil && t.fields == nil {
		t = t.each
		name += "[]"
	}
	if t == nil || depth == 0 {
		return
	}
	name = called(t.goType, path, name)
	shown := name
	if shown == "" {
		shown = "the top level"
	}
	see(t, path, shown)
	for _, field := range t.names {
		switch field {
		case "status", "managedFields", "initContainers", "ephemeralContainers":
			continue
		}
		t.fields[field].visit(append(slices.Clip(path), field), below(name, field), depth-1, see)
	}
}

// called names a mapping as people do, where they have a name for it.
func called(t reflect.Type, path []string, name string) string {
	switch {
	case t == podSpec:
		return "the pod's spec"
	case t == container:
		return "a container"
	case t == volume:
		return "a volume"
	case t == meta && len(path) > 1 && path[len(path)-2] == "template":
		return "the pod's metadata"
	}
	return name
}

// below names what stands in a mapping.
func below(name, field string) string {
	switch name {
	case "":
		return field
	case "the pod's spec":
		return "the pod's " + field
	case "a container", "a volume":
		return name + "'s " + field
	}
	return name + "." + field
}
