package policy

import (
	"bytes"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// outdented finds rules that stand beside their key instead of under it:
//
//	runAsUser:
//	rule: MustRunAs
//	ranges: [{min: 400, max: 400}]
//
// The document that defines the format publishes its example so. What is meant
// is plain to see, and reported as one error that shows the lines to write; it
// is still not accepted, because YAML says that runAsUser is unset. The result
// is the mapping without those keys.
func (r *reader) outdented(n *yaml.Node, path string) *yaml.Node {
	rest := *n
	rest.Content = nil
	for i := 0; i+1 < len(n.Content); {
		end := i + 2
		if keys := ruleKeys(n.Content[i].Value); keys != nil && isNull(n.Content[i+1]) {
			end = ruleEnd(n.Content, end, keys)
		}
		if end == i+2 {
			rest.Content = append(rest.Content, n.Content[i:end]...)
		} else {
			r.showIndented(n, n.Content[i], n.Content[i+2:end], path)
		}
		i = end
	}
	return &rest
}

// ruleKeys are the keys of the rule that a key of the allow block holds, nil where
// it holds none.
func ruleKeys(key string) []string {
	for _, f := range fieldsOf(reflect.TypeFor[Allow]()) {
		if f.name == key && f.typ.Kind() == reflect.Struct {
			return fieldNames(f.typ)
		}
	}
	return nil
}

// ruleEnd returns where the keys of a rule end that begin at i, each of them at
// most once.
func ruleEnd(content []*yaml.Node, i int, keys []string) int {
	seen := map[string]bool{}
	for ; i+1 < len(content); i += 2 {
		key := content[i].Value
		if !slices.Contains(keys, key) || seen[key] {
			break
		}
		seen[key] = true
	}
	return i
}

func (r *reader) showIndented(block, key *yaml.Node, under []*yaml.Node, path string) {
	at := keyPath(path, key.Value)
	r.line(at, key.Line)
	stand, them := beside(under)
	r.found(at, stand+" beside "+key.Value+", not under it", "indent "+them+":\n"+indented(block, key, under))
}

// beside names the keys that were found, with their verb and their pronoun.
func beside(under []*yaml.Node) (stand, them string) {
	last := len(under) - 2
	switch {
	case last > 0:
		var first []string
		for i := 0; i < last; i += 2 {
			first = append(first, under[i].Value)
		}
		return strings.Join(first, ", ") + " and " + under[last].Value + " stand", "them"
	case under[0].Value == "ranges":
		return "ranges stand", "them"
	}
	return under[0].Value + " stands", "it"
}

// indented renders the corrected lines in the column in which the key stands,
// so that they can be pasted over the wrong ones.
func indented(block, key *yaml.Node, under []*yaml.Node) string {
	rule := &yaml.Node{Kind: yaml.MappingNode, Style: block.Style & yaml.FlowStyle, Content: bares(under)}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{bare(key), rule}}); err != nil {
		return "  " + key.Value + ": ..." // not reached: the nodes were just read
	}
	margin := strings.Repeat(" ", 4)
	if block.Style&yaml.FlowStyle == 0 {
		margin = strings.Repeat(" ", key.Column-1)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	return margin + strings.Join(lines, "\n"+margin)
}

// bare is a copy of a node without comments, anchors and tags.
func bare(n *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: n.Kind, Tag: n.Tag, Style: n.Style &^ yaml.TaggedStyle, Value: n.Value, Content: bares(n.Content)}
}

func bares(nodes []*yaml.Node) (out []*yaml.Node) {
	for _, n := range nodes {
		out = append(out, bare(n))
	}
	return out
}
