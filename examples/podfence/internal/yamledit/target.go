package yamledit

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// target is one place of the source which receives text, with all that the edits want there. Edits are gathered by place
// because several in one mapping share one position, and their order has to survive.
type target struct {
	cursor
	path   []string // of the first edit here, for errors
	action action
	// add is what the place receives: a Mapping for a mapping, []any for an empty list, anything for a null.
	add any
}

type action int

const (
	addMembers action = iota // to a mapping
	addItems                 // to an empty flow list
	setNull                  // written or bare
)

// cursor is a node with what its surroundings say of it.
type cursor struct {
	node   *yaml.Node
	parent *yaml.Node // the collection it stands in; nil at the root
	key    *yaml.Node // its key, when the parent is a mapping
	indent int        // the indentation in force around it
	depth  int
	style  flowStyle // of the collection around it
}

// flowStyle is how a flow collection is written.
type flowStyle struct {
	quoted  bool // keys and strings in double quotes, as in JSON
	compact bool // no space after a comma or a colon
}

// resolver walks paths to targets.
type resolver struct {
	*document
	targets []*target
	at      map[*yaml.Node]*target
	path    []string // of the edit being resolved, for errors
}

func resolve(doc *document, edits []Edit) ([]*target, error) {
	r := &resolver{document: doc, at: map[*yaml.Node]*target{}}
	for _, edit := range edits {
		r.path = edit.Path
		if err := r.resolve(edit.Path, edit.Value); err != nil {
			return nil, err
		}
	}
	return r.targets, nil
}

// resolve follows one path from the root until it leaves what the source holds.
func (r *resolver) resolve(path []string, value any) error {
	cur := cursor{node: r.root, indent: -1, style: flowStyle{quoted: r.isJSON()}}
	for i := range path {
		if err := r.checkAlias(cur.node); err != nil {
			return err
		}
		rest := path[i:]
		switch {
		case isNull(cur.node):
			return r.add(cur, setNull, rest, value)
		case cur.node.Kind == yaml.MappingNode:
			next, found, err := r.member(cur, rest[0])
			if err != nil {
				return err
			}
			if !found {
				return r.addMember(cur, rest, value)
			}
			cur = next
		case cur.node.Kind == yaml.SequenceNode:
			index, ok := listIndex(rest[0], len(cur.node.Content))
			if !ok {
				return r.fail(cur.node, "the list has no item %q", rest[0])
			}
			cur = r.item(cur, index)
		default:
			return r.fail(cur.node, "%q cannot be added to a scalar", rest[0])
		}
	}
	return r.addExisting(cur, value)
}

// member finds a key. Keys are compared by their text, as the decoder of Kubernetes makes every key a string.
func (r *resolver) member(cur cursor, name string) (next cursor, found bool, err error) {
	content := cur.node.Content
	for i := 0; i+1 < len(content); i += 2 {
		key := content[i]
		if key.Kind != yaml.ScalarNode || key.Value != name || isMerge(key) {
			continue
		}
		if found {
			return next, true, r.fail(key, "the key %q is there twice: remove one", name)
		}
		if r.isExplicit(key) {
			return next, true, r.explicitKey(key)
		}
		found = true
		next = cursor{
			node: content[i+1], parent: cur.node, key: key, depth: cur.depth + 1,
			indent: r.childIndent(cur.node, cur.indent), style: r.styleIn(cur),
		}
	}
	return next, found, nil
}

func (r *resolver) item(cur cursor, index int) cursor {
	return cursor{
		node: cur.node.Content[index], parent: cur.node, depth: cur.depth + 1,
		indent: r.childIndent(cur.node, cur.indent), style: cur.style,
	}
}

// styleIn is the style of the members of a mapping; an empty one continues that around it.
func (r *resolver) styleIn(cur cursor) flowStyle {
	if len(cur.node.Content) == 0 {
		return cur.style
	}
	key := cur.node.Content[0]
	style := flowStyle{quoted: isQuoted(key)}
	if style.quoted && isFlow(cur.node) {
		colon, ok := r.colonAfter(key, cur.indent)
		style.compact = ok && colon+1 < len(r.src) && !isBlank(r.src[colon+1]) && breakLen(r.src, colon+1) == 0
	}
	return style
}

// colonAfter finds the colon that belongs to a key.
func (d *document) colonAfter(key *yaml.Node, indent int) (int, bool) {
	pos, ok := d.end(key, indent)
	for ok && pos < len(d.src) && isBlank(d.src[pos]) {
		pos++
	}
	return pos, ok && pos < len(d.src) && d.src[pos] == ':'
}

// addMember adds to a mapping that lacks the key.
func (r *resolver) addMember(cur cursor, rest []string, value any) error {
	if t := r.at[cur.node]; t != nil && t.add.(Mapping).index(rest[0]) >= 0 {
		return r.add(cur, addMembers, rest, value)
	}
	if source := mergeSource(cur.node, rest[0], map[*yaml.Node]bool{}); source != nil {
		return r.fail(source, "%q comes from the merge key <<, so that an edit would change every user of it: "+
			"write %q out in this mapping", rest[0], rest[0])
	}
	if len(rest) > 1 {
		return r.fail(cur.node, "its parent %q is not there", rest[0])
	}
	return r.add(cur, addMembers, rest, value)
}

// addExisting handles a path which the source has: the value must hold nothing yet.
func (r *resolver) addExisting(cur cursor, value any) error {
	if err := r.checkAlias(cur.node); err != nil {
		return err
	}
	empty := len(cur.node.Content) == 0 && cur.node.Kind != yaml.ScalarNode
	object, isMapping := value.(Mapping)
	list, isList := value.([]any)
	switch {
	case isNull(cur.node):
		return r.add(cur, setNull, nil, value)
	case empty && cur.node.Kind == yaml.SequenceNode && isList:
		return r.add(cur, addItems, nil, list)
	case empty && cur.node.Kind == yaml.MappingNode && isMapping:
		return r.add(cur, addMembers, nil, object)
	default:
		return r.fail(cur.node, "there is a value already")
	}
}

// add folds a value into the target at a node.
func (r *resolver) add(cur cursor, do action, rest []string, value any) error {
	t := r.at[cur.node]
	if t == nil {
		t = &target{cursor: cur, action: do, path: r.path}
		if do == addMembers {
			t.add = Mapping(nil)
		}
		r.targets = append(r.targets, t)
		r.at[cur.node] = t
	}
	add, err := addTo(t.add, rest, value)
	if err != nil {
		return r.fail(cur.node, "%v", err)
	}
	t.add = add
	return nil
}

// checkAlias refuses nodes that stand in two places, as an edit of one place would change the other.
func (r *resolver) checkAlias(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		return r.fail(n, "the value is the alias *%s, so that an edit would change line %d: write the value out here",
			n.Value, n.Alias.Line)
	}
	if alias := r.aliased[n]; alias != nil {
		return r.fail(n, "the value has the anchor &%s, so that an edit would change its alias in line %d too: "+
			"write the value out there", n.Anchor, alias.Line)
	}
	return nil
}

func (r *resolver) fail(n *yaml.Node, format string, args ...any) error {
	return &Error{Line: n.Line, Path: fieldPath(r.path), Reason: fmt.Sprintf(format, args...)}
}

func (r *resolver) explicitKey(key *yaml.Node) error {
	return r.fail(key, "the mapping writes a key with a question mark (? %s): write it as %s:", key.Value, key.Value)
}

// isExplicit reports whether a key is written as "? key".
func (d *document) isExplicit(key *yaml.Node) bool {
	pos, ok := d.start(key)
	for ok && pos > 0 && isBlank(d.src[pos-1]) {
		pos--
	}
	return ok && pos > 0 && d.src[pos-1] == '?'
}

func isMerge(key *yaml.Node) bool { return key.Tag == "!!merge" }

// mergeSource finds the key by which a merge (<<: *base, <<: [*a, *b], <<: {…}) gives a member to a mapping.
func mergeSource(mapping *yaml.Node, name string, seen map[*yaml.Node]bool) *yaml.Node {
	if mapping.Kind != yaml.MappingNode || seen[mapping] {
		return nil
	}
	seen[mapping] = true
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		if isMerge(key) && mergeHas(value, name, seen) {
			return key
		}
	}
	return nil
}

func mergeHas(value *yaml.Node, name string, seen map[*yaml.Node]bool) bool {
	switch value.Kind {
	case yaml.AliasNode:
		return mergeHas(value.Alias, name, seen)
	case yaml.SequenceNode:
		if seen[value] {
			return false
		}
		seen[value] = true
		return slices.ContainsFunc(value.Content, func(item *yaml.Node) bool { return mergeHas(item, name, seen) })
	case yaml.MappingNode:
		for i := 0; i+1 < len(value.Content); i += 2 {
			if value.Content[i].Value == name {
				return true
			}
		}
		return mergeSource(value, name, seen) != nil
	}
	return false
}
