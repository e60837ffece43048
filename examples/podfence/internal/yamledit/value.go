package yamledit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// normalizeEdits copies the edits, so that folding one into another never writes into the caller's values, and leaves
// only nil, bool, int64, string, []any and Mapping.
func normalizeEdits(edits []Edit) ([]Edit, error) {
	out := make([]Edit, len(edits))
	for i, edit := range edits {
		if len(edit.Path) == 0 {
			return nil, &Error{Reason: "an edit needs a path"}
		}
		value, err := normalize(edit.Value)
		if err != nil {
			return nil, &Error{Path: fieldPath(edit.Path), Reason: err.Error()}
		}
		out[i] = Edit{Path: edit.Path, Value: value}
	}
	return out, nil
}

func normalize(value any) (any, error) {
	switch v := value.(type) {
	case nil, bool, string, int64:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case []any:
		return normalizeList(v)
	case []string:
		return anyList(v), nil
	case []int64:
		return anyList(v), nil
	case Mapping:
		return normalizeMapping(v)
	case map[string]any:
		object := make(Mapping, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			object = append(object, Member{key, v[key]})
		}
		return normalizeMapping(object)
	default:
		return nil, fmt.Errorf("a value of type %T cannot be written", value)
	}
}

func anyList[T any](list []T) []any {
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = item
	}
	return out
}

func normalizeList(list []any) (any, error) {
	out := make([]any, len(list))
	for i, item := range list {
		value, err := normalize(item)
		if err != nil {
			return nil, err
		}
		out[i] = value
	}
	return out, nil
}

func normalizeMapping(object Mapping) (any, error) {
	out := make(Mapping, 0, len(object))
	for _, member := range object {
		if out.index(member.Key) >= 0 {
			return nil, fmt.Errorf("the value has the key %q twice", member.Key)
		}
		value, err := normalize(member.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, Member{member.Key, value})
	}
	return out, nil
}

func (o Mapping) index(key string) int {
	return slices.IndexFunc(o, func(m Member) bool { return m.Key == key })
}

// addTo adds value at path below into, a value which is not written yet. This is how an edit reaches into what an
// earlier edit added.
func addTo(into any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	switch parent := into.(type) {
	case nil:
		return addToMapping(nil, path, value)
	case Mapping:
		return addToMapping(parent, path, value)
	case []any:
		return addToList(parent, path, value)
	default:
		return nil, fmt.Errorf("%q cannot be added to a scalar", path[0])
	}
}

func addToMapping(parent Mapping, path []string, value any) (any, error) {
	if i := parent.index(path[0]); i >= 0 {
		child, err := addTo(parent[i].Value, path[1:], value)
		if err == nil {
			parent[i].Value = child
		}
		return parent, err
	}
	if len(path) > 1 {
		return nil, fmt.Errorf("its parent %q is not there", path[0])
	}
	return append(parent, Member{path[0], value}), nil
}

func addToList(parent []any, path []string, value any) (any, error) {
	i, ok := listIndex(path[0], len(parent))
	if !ok || len(path) == 1 {
		return nil, fmt.Errorf("only members of objects can be added, and %q is in a list", path[0])
	}
	child, err := addTo(parent[i], path[1:], value)
	if err == nil {
		parent[i] = child
	}
	return parent, err
}

// listIndex reads a list segment the way RFC 6901 allows it: digits only, no leading zero.
func listIndex(segment string, length int) (int, bool) {
	i, err := strconv.Atoi(segment)
	if err != nil || i < 0 || i >= length || strconv.Itoa(i) != segment {
		return 0, false
	}
	return i, true
}
