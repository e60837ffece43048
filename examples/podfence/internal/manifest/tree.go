package manifest

import (
	"bytes"
	"io"
	"slices"
	"strconv"

	yamlv3 "go.yaml.in/yaml/v3"
)

const (
	// maxExpansion bounds what aliases add to a document. The library's own guard counts nodes, not bytes: one long
	// string with many aliases would pass it.
	maxExpansion = 16 << 20
	// nodeCost is what a node counts besides its text.
	nodeCost = 16
)

// tree is a YAML document with its lines, which the conversion to JSON loses. It decides nothing of what a value is.
type tree struct {
	root     *yamlv3.Node // nil if there is none
	first    int          // line in the file of the text's first line
	breaks   breaks
	expanded map[*yamlv3.Node]weight // of anchored nodes; zero while it is computed
	added    int                     // by aliases so far
}

// weight is the size of a node with its aliases expanded, and its depth.
type weight struct{ size, depth int }

// parseTree parses a text that must hold one document. What follows its end would otherwise be passed over, as the
// conversion to JSON stops there.
func parseTree(raw []byte, first int) (t *tree, err error) {
	defer recoverAsError(&err)
	t = &tree{first: first, breaks: breaksOf(raw), expanded: map[*yamlv3.Node]weight{}}
	var doc, more yamlv3.Node
	d := yamlv3.NewDecoder(bytes.NewReader(raw))
	if err := d.Decode(&doc); err == io.EOF {
		return t, nil
	} else if err != nil {
		return t, err
	}
	t.root = doc.Content[0]
	switch err := d.Decode(&more); {
	case err == nil:
		return t, &Error{
			Line: t.lineOf(&more), Problem: "a second document begins without a line of its own",
			Fix: "write --- on its own line between documents",
		}
	case err != io.EOF:
		return t, err
	}
	return t, nil
}

// empty reports whether there is no more than a "---".
func (t *tree) empty() bool {
	return t.root == nil || t.root.Kind == yamlv3.ScalarNode && t.root.Value == "" && t.root.Style == 0
}

// lineOf returns the line in the file of a node: of a block mapping that of its first key, behind its tag and anchor.
func (t *tree) lineOf(n *yamlv3.Node) int { return t.first + t.breaks.line(beginning(n).Line) - 1 }

// beginning is the node that shows where another begins.
func beginning(n *yamlv3.Node) *yamlv3.Node {
	if n.Kind == yamlv3.MappingNode && n.Style&yamlv3.FlowStyle == 0 && len(n.Content) > 0 {
		return n.Content[0]
	}
	return n
}

// check finds what makes a document undecidable though it is YAML.
func (t *tree) check() error {
	whole, err := t.measure(t.root)
	if err != nil {
		return err
	}
	if whole.depth > maxDepth {
		return t.fail(t.root, "the document is nested deeper than "+strconv.Itoa(maxDepth), "simplify it")
	}
	return t.duplicates(t.root)
}

func (t *tree) fail(n *yamlv3.Node, problem, fix string) *Error {
	return &Error{Line: t.lineOf(n), Problem: problem, Fix: fix}
}

// measure returns the weight of a node. An anchor comes before its aliases, so that each node is visited once.
func (t *tree) measure(n *yamlv3.Node) (weight, error) {
	if n.Kind == yamlv3.AliasNode {
		return t.measureAlias(n)
	}
	if n.Anchor != "" {
		t.expanded[n] = weight{}
	}
	e := weight{size: nodeCost + len(n.Value)}
	for _, child := range n.Content {
		c, err := t.measure(child)
		if err != nil {
			return e, err
		}
		e = weight{e.size + c.size, max(e.depth, c.depth)}
	}
	e.depth++
	if n.Anchor != "" {
		t.expanded[n] = e
	}
	return e, nil
}

func (t *tree) measureAlias(n *yamlv3.Node) (weight, error) {
	e := t.expanded[n.Alias]
	if e == (weight{}) {
		return e, t.fail(n, "anchor "+n.Value+" contains itself", "remove the alias")
	}
	if t.added += e.size; t.added > maxExpansion {
		return e, t.fail(n, "aliases make the document excessively large", "write the values out")
	}
	return e, nil
}

// duplicates finds the first key that its mapping has twice. The library would do so too, but takes a key that overrides a
// merged one for a duplicate.
func (t *tree) duplicates(n *yamlv3.Node) error {
	if n.Kind == yamlv3.MappingNode {
		if err := t.duplicateIn(n); err != nil {
			return err
		}
	}
	for _, child := range n.Content {
		if err := t.duplicates(child); err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) duplicateIn(mapping *yamlv3.Node) error {
	seen := names{}
	for i := 0; i < len(mapping.Content); i += 2 {
		key := mapping.Content[i]
		if isMerge(key) {
			continue
		}
		if problem, fix := notText(key); problem != "" {
			return t.fail(key, problem, fix)
		}
		name := keyName(key)
		if !seen.add(name) {
			return t.fail(key, "key "+name+" is given twice", "remove one of the two")
		}
	}
	return nil
}

// names are those of a mapping, which mostly has few.
type names struct {
	few  []string
	many map[string]bool
}

const fewNames = 16

// add adds a name and reports whether it is new.
func (n *names) add(name string) bool {
	switch {
	case n.many != nil:
		if n.many[name] {
			return false
		}
		n.many[name] = true
		return true
	case slices.Contains(n.few, name):
		return false
	}
	if n.few = append(n.few, name); len(n.few) > fewNames {
		n.many = map[string]bool{}
		for _, name := range n.few {
			n.many[name] = true
		}
	}
	return true
}

// notText says what is wrong with a key that no JSON has, nothing for another.
func notText(key *yamlv3.Node) (problem, fix string) {
	if key.Kind == yamlv3.AliasNode {
		key = key.Alias
	}
	switch {
	case key.ShortTag() == "!!null":
		return "null stands where a key belongs", "write the key, in quotes if it is the word"
	case key.Kind == yamlv3.SequenceNode:
		return "a list stands where a key belongs", "write the key as text"
	case key.Kind == yamlv3.MappingNode:
		return "a mapping stands where a key belongs", "write the key as text; text in braces, as of a template, is written in quotes"
	}
	return "", ""
}

func isMerge(key *yamlv3.Node) bool { return key.Kind == yamlv3.ScalarNode && key.Tag == "!!merge" }

// yamlWords are those that some version of YAML takes for something else than text, in whatever case.
var yamlWords = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

// plainText reports whether a plain scalar is a string whatever the version of YAML.
func plainText(value string) bool {
	if value == "" || !isLetter(value[0]) && value[0] != '_' && value[0] != '/' && value[0] != '$' {
		return false
	}
	for i := range len(value) {
		c := value[i]
		if !isLetter(c) && (c < '-' || c > '9') && c != '_' && c != '$' { // between - and 9 stand . / and the digits
			return false
		}
	}
	return !isWord(value)
}

// keyName returns the name that a key has in JSON: `yes` and `true` are one key, as are `1` and `"1"`.
func keyName(key *yamlv3.Node) string {
	if key.Kind == yamlv3.AliasNode {
		key = key.Alias
	}
	if key.Kind != yamlv3.ScalarNode {
		return key.Value
	}
	plain := key.Style&^yamlv3.TaggedStyle == 0
	if key.Style == 0 && plainText(key.Value) {
		return key.Value
	}
	if !plain && key.Style&yamlv3.TaggedStyle == 0 {
		return key.Value
	}
	return convertedKey(key)
}

// convertedKey asks the library what a key turns into. Tags can make any text anything.
func convertedKey(key *yamlv3.Node) string {
	text := key.Value
	if key.Style&yamlv3.TaggedStyle != 0 {
		text = key.Tag + " " + strconv.Quote(key.Value)
	}
	converted, err := toJSON([]byte("? " + text + "\n: 0\n"))
	if err == nil {
		for name := range members(converted) {
			return name
		}
	}
	return key.Value
}

// line returns the line of the value at path. A path that leads nowhere ends at the last value found. The offset is that in
// the JSON, of which nothing is known here.
func (t *tree) line(path []string, _ int) int { return t.lineOf(t.where(path)) }

// where returns the node that shows where the value at path is.
func (t *tree) where(path []string) *yamlv3.Node {
	n, shown := t.root, t.root
	for _, step := range path {
		// An alias has the line of its place in the text, what is in it has its own.
		if n.Kind == yamlv3.AliasNode {
			n = n.Alias
		}
		key, value := child(n, step)
		if value == nil {
			return shown
		}
		n, shown = value, key
	}
	return shown
}

// child returns a child of a node and the node that shows where it is: its key, or itself.
func child(n *yamlv3.Node, step string) (where, value *yamlv3.Node) {
	if n.Kind == yamlv3.SequenceNode {
		if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if keyName(n.Content[i]) == step && !isMerge(n.Content[i]) {
			return n.Content[i], n.Content[i+1]
		}
	}
	return merged(n, step)
}

// merged looks for a key in what is merged into a mapping, one level deep: it is for a line only.
func merged(n *yamlv3.Node, step string) (where, value *yamlv3.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		from := n.Content[i+1]
		if !isMerge(n.Content[i]) || from.Kind != yamlv3.AliasNode {
			continue
		}
		for k := 0; k+1 < len(from.Alias.Content); k += 2 {
			if key := from.Alias.Content[k]; keyName(key) == step {
				return key, from.Alias.Content[k+1]
			}
		}
	}
	return nil, nil
}
