package policy

import (
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podfence/podfence/internal/nearest"
)

// field is one key of a block, read off the json tag of a struct's field: the
// types are the one place that says which keys there are.
type field struct {
	name string
	// index is the way to the field, through the structs that are embedded.
	index []int
	// required: the tag says neither omitempty nor omitzero.
	required bool
	// dropEmpty: the tag says omitempty, so an empty list is an unset one.
	dropEmpty bool
	typ       reflect.Type
}

// fieldsOf returns the keys of a block, in order, those of embedded structs among
// them. What JSON does not hold is none of them.
func fieldsOf(t reflect.Type) (fields []field) {
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if t.Field(i).Anonymous {
			for _, f := range fieldsOf(t.Field(i).Type) {
				f.index = append([]int{i}, f.index...)
				fields = append(fields, f)
			}
			continue
		}
		fields = append(fields, field{
			name:      name,
			index:     []int{i},
			required:  options == "",
			dropEmpty: options == "omitempty",
			typ:       t.Field(i).Type,
		})
	}
	return fields
}

func fieldNames(t reflect.Type) (names []string) {
	for _, f := range fieldsOf(t) {
		names = append(names, f.name)
	}
	return names
}

// formatKey is one key and the block that it belongs to, "" being the policy.
type formatKey struct{ key, block string }

// formatKeys lists every key of the format with its block.
func formatKeys() (all []formatKey) {
	var walk func(t reflect.Type, block string)
	walk = func(t reflect.Type, block string) {
		for _, f := range fieldsOf(t) {
			all = append(all, formatKey{f.name, block})
			if inner := elem(f.typ); inner.Kind() == reflect.Struct {
				walk(inner, keyPath(block, f.name))
			}
		}
	}
	walk(reflect.TypeFor[Policy](), "")
	return all
}

// elem is the type of what a list or a pointer holds.
func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// synonyms are keys of other formats, and what says the same here.
var synonyms = map[string]string{
	"apiVersion":               "a policy is no Kubernetes object: remove it",
	"kind":                     "a policy is no Kubernetes object: remove it",
	"metadata":                 "a policy is no Kubernetes object: write name and namespace at its top level",
	"spec":                     "a policy is no Kubernetes object: write what stands under it at the policy's top level",
	"labels":                   "write podSelectorLabels",
	"matchLabels":              "write podSelectorLabels",
	"matchExpressions":         "write podSelectorExpressions",
	"selector":                 "write podSelectorLabels",
	"capabilities":             "write allow.allowedCapabilities",
	"hostPorts":                "write allow.allowedHostPorts",
	"requiredDropCapabilities": "write mutations.dropAllCapabilities",
	"runAsNonRoot":             "write allow.runAsUser: MustRunAsNonRoot",
	"hostPath":                 "write pathPrefix in an entry of allow.allowedHostPaths",
}

// selectorSynonyms are the keys of a namespaceSelector by the names that the parts of
// the other selector have.
var selectorSynonyms = map[string]string{
	"labels": "matchLabels", "podSelectorLabels": "matchLabels", "podSelectorExpressions": "matchExpressions",
}

// maxListed is how many keys or ranges an error lists.
const maxListed = 4

// fixUnknown says what to write for a key that a block does not know. meant is
// the block's key that was probably meant, if any. In a Welkin file no advice leads
// to a key that is refused there.
func fixUnknown(key string, block reflect.Type, welkin bool) (fix, meant string) {
	all := formatKeys()
	here := fieldNames(block)
	outside := func(key string) bool { return welkin && slices.Contains(welkinOutside, key) }
	if outside(key) {
		return fixOutside, ""
	}
	if meant := selectorSynonyms[key]; meant != "" && block == reflect.TypeFor[metav1.LabelSelector]() {
		return "write " + meant, meant
	}
	if fix := synonyms[key]; fix != "" {
		return fix, ""
	}
	if blocks := blocksOf(key, all); len(blocks) > 0 {
		return "it belongs " + orList(blocks), ""
	}
	if near := nearest.Of(key, here); outside(near) {
		return fixOutside, ""
	} else if near != "" {
		return "did you mean " + near + "?", near
	}
	var keys []string
	for _, p := range all {
		keys = append(keys, p.key)
	}
	if near := nearest.Of(key, keys); outside(near) {
		return fixOutside, ""
	} else if near != "" {
		return "did you mean " + near + "? It belongs " + orList(blocksOf(near, all)), ""
	}
	if len(here) > maxListed {
		return "remove it", ""
	}
	return "remove it, or write " + orList(here), ""
}

// blocksOf are the blocks that have a key. One of an entry for single containers is
// named only where no other has it.
func blocksOf(key string, all []formatKey) (blocks []string) {
	inEntry := func(p formatKey) bool { return p.block == containersKey || p.block != policyPath(p.block) }
	elsewhere := slices.ContainsFunc(all, func(p formatKey) bool { return p.key == key && !inEntry(p) })
	for _, p := range all {
		switch {
		case p.key != key || elsewhere && inEntry(p):
		case p.block == "":
			blocks = append(blocks, "at the policy's top level")
		default:
			blocks = append(blocks, "under "+p.block)
		}
	}
	return blocks
}

// orList renders "a, b or c".
func orList[S ~string](words []S) string {
	var out strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			out.WriteString(" or ")
		default:
			out.WriteString(", ")
		}
		out.WriteString(string(w))
	}
	return out.String()
}
