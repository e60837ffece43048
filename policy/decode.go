package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader reads the nodes of one policy into its value. It goes on after every
// error, and keeps what it needs to attach lines to what Validate finds.
//
// Paths are the policy's own ("allow.volumes[0]"); at renders them as the file
// writes them.
type reader struct {
	parser *parser
	at     func(path string) string
	lines  map[string]int
	// welkin: the policy stands in a Welkin values file, under its name and namespace.
	welkin bool
	// broken are paths that could not be read; around are the paths above them.
	broken, around map[string]bool
}

func reflectOf[T any](p *T) reflect.Value { return reflect.ValueOf(p).Elem() }

func keyPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func entryPath(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func labelPath(path, key string) string { return path + "[" + shorten(key) + "]" }

// parent is the path above a path, "" being above all.
func parentPath(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

func (r *reader) line(path string, line int) {
	if r.lines == nil {
		r.lines = map[string]int{}
	}
	r.lines[path] = line
}

// lineOf is the line of a path, or of the nearest one above it that has one.
func (r *reader) lineOf(path string) int { return lineOf(r.lines, path, r.lines[""]) }

// source is where the policy that was read stands.
func (r *reader) source() Source {
	s := Source{Position: Position{r.parser.file, r.lines[""]}, Lines: r.lines, Welkin: r.welkin}
	delete(s.Lines, "")
	return s
}

// found reports what is wrong at a path, whose value then counts for nothing.
func (r *reader) found(path, problem, fix string) { r.foundIn(r.lineOf(path), path, problem, fix) }

func (r *reader) foundIn(line int, path, problem, fix string) {
	r.breaks(path)
	r.parser.add(Error{Line: line, Field: r.at(path), Problem: problem, Fix: fix})
}

func (r *reader) breaks(path string) {
	if r.broken == nil {
		r.broken, r.around = map[string]bool{}, map[string]bool{}
	}
	r.broken[path] = true
	for ; path != ""; path = parentPath(path) {
		r.around[parentPath(path)] = true
	}
}

// hides reports whether what is at a path, above it or below it could not be
// read, so that nothing can be said about its value.
func (r *reader) hides(path string) bool {
	if r.around[path] {
		return true
	}
	for ; path != ""; path = parentPath(path) {
		if r.broken[path] {
			return true
		}
	}
	return r.broken[""]
}

// findings reports what Validate finds, where that is not the consequence of
// what could not be read.
func (r *reader) findings(p *Policy) {
	var found []finding
	for _, f := range p.findings() {
		if !r.hides(f.field) && (f.about == "" || !r.hides(f.about)) {
			found = append(found, f)
		}
	}
	for _, f := range found {
		r.found(f.field, f.problem, f.fix)
	}
}

// value reads a node by the type that it is read into.
func (r *reader) value(n *yaml.Node, into reflect.Value, path string) {
	switch {
	case isTagged(n):
		r.found(path, "has the tag "+shorten(n.Tag), "write the value without a tag, and in quotes if it is text")
	case isNull(n):
		r.found(path, "has no value", fixBareAt(path, into.Type()))
	case into.Type() == reflect.TypeFor[UserRule]() && n.Kind == yaml.ScalarNode:
		r.word(n, into.Field(0), path)
	case into.Type() == reflect.TypeFor[GroupFill]():
		id, wrong := groupToFill(n)
		r.complain(path, wrong)
		into.SetInt(int64(id))
	default:
		r.kind(n, into, path)
	}
}

func (r *reader) kind(n *yaml.Node, into reflect.Value, path string) {
	switch into.Kind() {
	case reflect.Struct:
		r.block(n, into, path)
	case reflect.Map:
		r.labels(n, into, path)
	case reflect.Slice:
		r.list(n, into, path)
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		r.value(n, into.Elem(), path)
	case reflect.String:
		r.text(n, into, path)
	case reflect.Bool:
		b, wrong := boolean(n)
		r.complain(path, wrong)
		into.SetBool(b)
	case reflect.Int32, reflect.Int64:
		i, wrong := number(n, into.Type().Bits(), fixRange[into.Kind()])
		r.complain(path, wrong)
		into.SetInt(i)
	default:
		panic("policy: no way to read a " + into.Type().String()) // the types are ours, and tests read every field
	}
}

// fixRange is the fix for a number that does not fit its field.
var fixRange = map[reflect.Kind]string{reflect.Int32: fixPort, reflect.Int64: fixID}

func (r *reader) complain(path string, c complaint) {
	if c != (complaint{}) {
		r.found(path, c.problem, c.fix)
	}
}

func (r *reader) text(n *yaml.Node, into reflect.Value, path string) {
	s, wrong := text(n)
	if words := textForm(withoutIndices(path)).Words; wrong != (complaint{}) && len(words) == 1 {
		wrong.fix = "write " + words[0] // quotes around what is no word of the place would not do
	}
	r.complain(path, wrong)
	into.SetString(s)
}

// word reads text that must say something: an empty name, namespace or rule,
// as a template may leave it, would mean the default.
func (r *reader) word(n *yaml.Node, into reflect.Value, path string) {
	if n.Value == "" && n.Kind == yaml.ScalarNode {
		r.found(path, "is empty", "write a value, or remove the key if it has a default")
		return
	}
	r.text(n, into, path)
}

// block reads a mapping whose keys are the fields of a struct.
func (r *reader) block(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.found(path, written(n)+" stands where a block of keys belongs", fixBlock(n, into.Type()))
		return
	}
	if into.Type() == reflect.TypeFor[Allow]() || into.Type() == reflect.TypeFor[ContainerAllow]() {
		n = r.outdented(n, path)
	}
	given := r.pairs(n, path, keyPath)
	known := fieldsOf(into.Type())
	r.unknown(given, into.Type(), path)
	for _, f := range known {
		r.field(given, f, into, path)
	}
	if h, ok := into.Addr().Interface().(*HostPath); ok {
		h.PathPrefix = withoutSlash(h.PathPrefix)
	}
}

// withoutSlash trims one trailing slash, so that every prefix has one form.
// More of them are no slip of the pen, and left to Validate.
func withoutSlash(prefix string) string {
	if isWindowsPath(prefix) {
		if trimmed := strings.TrimSuffix(prefix, `\`); len(trimmed) > len("C:") && !strings.HasSuffix(trimmed, `\`) {
			return trimmed
		}
		return prefix
	}
	if trimmed := strings.TrimSuffix(prefix, "/"); trimmed != "" && !strings.HasSuffix(trimmed, "/") {
		return trimmed
	}
	return prefix
}

func (r *reader) field(given []pair, f field, into reflect.Value, path string) {
	at := keyPath(path, f.name)
	for _, p := range given {
		if p.key != f.name {
			continue
		}
		r.line(at, p.line)
		value := into.FieldByIndex(f.index)
		if f.typ.Kind() == reflect.String && !isNull(p.value) && !isTagged(p.value) {
			r.word(p.value, value, at)
		} else {
			r.value(p.value, value, at)
		}
		if f.dropEmpty && (f.typ.Kind() == reflect.Slice || f.typ.Kind() == reflect.Map) && value.Len() == 0 {
			value.SetZero()
		}
		return
	}
	if f.required && !r.hides(at) {
		r.found(at, "is missing", "write "+f.name+" beside the other keys of this block")
	}
}

// unknown reports the keys that a block does not know. A key that is missing
// and was probably meant by one of them is not reported as missing as well.
func (r *reader) unknown(given []pair, block reflect.Type, path string) {
	names := fieldNames(block)
	isGiven := func(key string) bool {
		return slices.ContainsFunc(given, func(p pair) bool { return p.key == key })
	}
	for _, p := range given {
		if slices.Contains(names, p.key) {
			continue
		}
		if r.parser.isFull() {
			r.found(path, "unknown keys", "")
			return
		}
		fix, meant := fixUnknown(p.key, block, r.welkin)
		r.foundIn(p.line, keyPath(path, shorten(p.key)), "unknown key", fix)
		if meant != "" && !isGiven(meant) {
			r.breaks(keyPath(path, meant))
		}
	}
}

func (r *reader) list(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.SequenceNode {
		r.found(path, written(n)+" stands where a list belongs", fixList(n, into.Type().Elem()))
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		r.line(entryPath(path, i), item.Line)
		r.value(item, into.Index(i), entryPath(path, i))
	}
}

// labels reads a mapping of text to text.
func (r *reader) labels(n *yaml.Node, into reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.found(path, written(n)+" stands where labels belong", fixBareAt(path, into.Type()))
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, p := range r.pairs(n, path, labelPath) {
		value := reflect.New(into.Type().Elem()).Elem()
		r.line(labelPath(path, p.key), p.line)
		r.value(p.value, value, labelPath(path, p.key))
		into.SetMapIndex(reflect.ValueOf(p.key), value)
	}
}

// pair is one key of a mapping and its value.
type pair struct {
	key   string
	line  int
	value *yaml.Node
}

// pairs returns the pairs of a mapping, without those whose key is none or was
// there before. below renders the path of a key.
func (r *reader) pairs(n *yaml.Node, path string, below func(path, key string) string) (pairs []pair) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if wrong := keyWrong(k); wrong != (complaint{}) {
			r.foundIn(k.Line, below(path, written(k)), wrong.problem, wrong.fix)
			continue
		}
		if at, again := first[k.Value]; again {
			r.foundIn(k.Line, below(path, k.Value), fmt.Sprintf("the key stands in line %d already", at), "keep one of them")
			continue
		}
		first[k.Value] = k.Line
		pairs = append(pairs, pair{k.Value, k.Line, n.Content[i+1]})
	}
	return pairs
}

func keyWrong(k *yaml.Node) complaint {
	switch {
	case k.Tag == "!!merge":
		return complain("write the keys out", "merge keys are not read")
	case isTagged(k):
		return complain("write the key without a tag", "has the tag %s", shorten(k.Tag))
	}
	_, wrong := text(k)
	return wrong
}

// fixBareAt is fixBare at a path, where another value than an empty one is wanted.
func fixBareAt(path string, t reflect.Type) string {
	switch {
	case path == "namespaces":
		return fixNamespaces
	case strings.HasPrefix(path, "namespaceSelector") && (t.Kind() == reflect.Map || t.Kind() == reflect.Pointer):
		return fixNamespaceSelector
	}
	return fixBare(t)
}

// fixBare says what to write instead of no value at all.
func fixBare(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[UserRule]():
		return "write a rule, or remove the key for the default, MustRunAsNonRoot"
	case t == reflect.TypeFor[GroupRule](), t == reflect.TypeFor[SupplementalGroupsRule]():
		return "write a rule under it, or remove the key for the default, RunAsAny"
	case t.Kind() == reflect.Map:
		return fixLabels
	case t.Kind() == reflect.Struct:
		return "indent what belongs under it, or remove the key"
	case t.Kind() == reflect.Slice:
		return "write [] for none, or remove the key for the default"
	case elem(t).Kind() == reflect.Bool:
		return "write true or false, or remove the key"
	}
	return "write a value, or remove the key"
}

// shorthands are the blocks of which people write one value alone.
var shorthands = map[reflect.Type]string{
	reflect.TypeFor[GroupRule]():              "write {rule: %s}",
	reflect.TypeFor[SupplementalGroupsRule](): "write {rule: %s}",
	reflect.TypeFor[HostPath]():               "write {pathPrefix: %s}",
	reflect.TypeFor[IDRange]():                "write {min: %[1]s, max: %[1]s}",
	reflect.TypeFor[PortRange]():              "write {min: %[1]s, max: %[1]s}",
}

func fixBlock(n *yaml.Node, t reflect.Type) string {
	if shorthand := shorthands[t]; shorthand != "" && n.Kind == yaml.ScalarNode {
		return fmt.Sprintf(shorthand, written(n))
	}
	names := fieldNames(t)
	return "write " + orList(names[:min(3, len(names))]) + " under it, indented"
}

func fixList(n *yaml.Node, entry reflect.Type) string {
	if n.Kind == yaml.ScalarNode && entry.Kind() != reflect.Struct {
		return "write [" + written(n) + "]"
	}
	return "begin each entry with a -"
}
