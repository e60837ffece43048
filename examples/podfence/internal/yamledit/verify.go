package yamledit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// verify proves a result before anyone sees it, knowing nothing of how it was made. Two readings must agree with the
// edits applied in memory: the tree of yaml.v3, which keeps the text of every scalar and the name of every anchor, so
// that no digit can get lost, and the decoder of Kubernetes, which resolves aliases and merges. The second is left out
// for a source which that decoder cannot read, say for a mapping as a key; the first alone loses nothing either.
func verify(src, kept, out []byte, edits []Edit) error {
	root, _ := parseNodes(src)
	return verifyParsed(src, Parsed{Root: root}, kept, out, edits)
}

// verifyParsed is verify for a source that was parsed before. Of the result nothing is known: it is read twice.
func verifyParsed(src []byte, known Parsed, kept, out []byte, edits []Edit) error {
	if !isSubsequence(kept, out) {
		return &Error{Reason: reasonLost}
	}
	// The readings share nothing, and are most of what an edit costs.
	second := make(chan error, 1)
	go func() {
		if value, err := known.value(src); err == nil {
			second <- readKubernetes.verify(value, out, edits)
		}
		close(second)
	}()
	var first error
	if known.Root != nil {
		first = readTree.verify(valueOf(known.Root), out, edits)
	}
	return cmp.Or(first, <-second)
}

// value is what the decoder of Kubernetes makes of the source.
func (p *Parsed) value(src []byte) (any, error) {
	if p.JSON == nil {
		return kubernetesValue(src)
	}
	return jsonValue(p.JSON)
}

func isSubsequence(part, whole []byte) bool {
	for _, b := range whole {
		if len(part) > 0 && part[0] == b {
			part = part[1:]
		}
	}
	return len(part) == 0
}

// reading is a way to read a document into maps with string keys, []any and leaves.
type reading struct {
	read func(src []byte) (any, error)
	leaf func(value any) any
}

var (
	readTree       = reading{treeValue, treeLeaf}
	readKubernetes = reading{kubernetesValue, kubernetesLeaf}
)

func (r reading) verify(want any, out []byte, edits []Edit) (err error) {
	for _, edit := range edits {
		if want, err = r.apply(want, edit.Path, edit.Value); err != nil {
			return &Error{Path: fieldPath(edit.Path), Reason: err.Error()}
		}
	}
	got, err := r.read(out)
	if err != nil || !reflect.DeepEqual(want, got) {
		return &Error{Reason: reasonLost}
	}
	return nil
}

// apply is RFC 6902 "add" on members of objects, with the one addition that a null parent becomes an object.
func (r reading) apply(into any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return r.convert(value), nil
	}
	if reflect.DeepEqual(into, r.leaf(nil)) {
		into = map[string]any{}
	}
	switch parent := into.(type) {
	case map[string]any:
		child, found := parent[path[0]]
		if !found && len(path) > 1 {
			return nil, fmt.Errorf("its parent %q is not there", path[0])
		}
		child, err := r.apply(child, path[1:], value)
		parent[path[0]] = child
		return parent, err
	case []any:
		i, ok := listIndex(path[0], len(parent))
		if !ok {
			return nil, fmt.Errorf("the list has no item %q", path[0])
		}
		child, err := r.apply(parent[i], path[1:], value)
		parent[i] = child
		return parent, err
	default:
		return nil, fmt.Errorf("%q cannot be added to a scalar", path[0])
	}
}

func (r reading) convert(value any) any {
	switch v := value.(type) {
	case Mapping:
		object := make(map[string]any, len(v))
		for _, member := range v {
			object[member.Key] = r.convert(member.Value)
		}
		return object
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = r.convert(item)
		}
		return list
	default:
		return r.leaf(v)
	}
}

// treeScalar is a scalar or an alias as it is written, with the tag it resolves to.
type treeScalar struct{ tag, text string }

// anchored keeps the name of an anchor which an alias repeats. Other anchors mean nothing, and edits go through them.
type anchored struct {
	name  string
	value any
}

func treeValue(src []byte) (any, error) {
	root, err := parseNodes(src)
	if err != nil {
		return nil, err
	}
	return valueOf(root), nil
}

func valueOf(root *yaml.Node) any {
	reader := treeReader{aliased: map[*yaml.Node]bool{}}
	reader.survey(root)
	return reader.value(root)
}

// treeReader turns nodes into values. The order of keys is left out, as the source is a subsequence of the result.
type treeReader struct{ aliased map[*yaml.Node]bool }

func (t treeReader) survey(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		t.aliased[n.Alias] = true
	}
	for _, child := range n.Content {
		t.survey(child)
	}
}

func (t treeReader) value(n *yaml.Node) any {
	value := t.plainValue(n)
	if t.aliased[n] {
		return anchored{n.Anchor, value}
	}
	return value
}

func (t treeReader) plainValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		return t.mapping(n)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = t.value(item)
		}
		return list
	case yaml.AliasNode:
		return treeScalar{"*", n.Value}
	case yaml.ScalarNode:
		if isNull(n) {
			return treeLeaf(nil)
		}
		return treeScalar{n.ShortTag(), n.Value}
	default:
		return nil
	}
}

func (t treeReader) mapping(n *yaml.Node) any {
	object := make(map[string]any, len(n.Content)/2)
	repeats := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := t.key(n.Content[i])
		if _, taken := object[key]; taken {
			repeats[key]++
			key = fmt.Sprintf("%s\x00%d", key, repeats[key])
		}
		object[key] = t.value(n.Content[i+1])
	}
	return object
}

// key is the text of a scalar key, which paths name, and a description of any other.
func (t treeReader) key(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode && !isMerge(n) {
		return n.Value
	}
	return fmt.Sprintf("\x00%v", t.value(n))
}

func treeLeaf(value any) any {
	switch v := value.(type) {
	case bool:
		return treeScalar{"!!bool", strconv.FormatBool(v)}
	case int64:
		return treeScalar{"!!int", strconv.FormatInt(v, 10)}
	case string:
		return treeScalar{"!!str", v}
	default:
		return treeScalar{tag: "!!null"}
	}
}

func kubernetesValue(src []byte) (value any, err error) {
	defer recoverParser(&err)
	text, err := sigsyaml.YAMLToJSON(src)
	if err != nil {
		return nil, unreadable(err)
	}
	return jsonValue(text)
}

func jsonValue(text []byte) (value any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, unreadable(err)
	}
	return value, nil
}

func kubernetesLeaf(value any) any {
	if n, ok := value.(int64); ok {
		return json.Number(strconv.FormatInt(n, 10))
	}
	return value
}
