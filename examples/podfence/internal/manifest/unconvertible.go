package manifest

import (
	"fmt"
	"regexp"
	"strconv"

	yamlv3 "go.yaml.in/yaml/v3"
)

// notFinite matches the numbers of YAML that JSON does not have.
var notFinite = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)

// unconvertible finds what cannot become JSON, of which the library says neither the line nor anything but its Go type. It
// is asked after the conversion has failed; where it finds nothing, the error stays as it is.
func (t *tree) unconvertible(err error) error {
	if found := t.unconvertibleIn(t.root); found != nil {
		return found
	}
	return err
}

func (t *tree) unconvertibleIn(n *yamlv3.Node) error {
	if n.Kind == yamlv3.ScalarNode {
		return t.unconvertibleValue(n)
	}
	for i, child := range n.Content {
		var err error
		switch {
		case n.Kind != yamlv3.MappingNode || i%2 == 1:
			err = t.unconvertibleIn(child)
		case isMerge(child):
			if !mergeable(n.Content[i+1]) {
				return t.fail(child, "<< merges what is no mapping", "write an alias of a mapping, or a list of them")
			}
		default:
			err = t.unconvertibleKey(child)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) unconvertibleValue(n *yamlv3.Node) error {
	if alwaysText(n) {
		return nil
	}
	if notFinite.MatchString(n.Value) {
		return t.fail(n, n.Value+" is a number that JSON does not have", "write another number, or put it in quotes if it is text")
	}
	if _, err := toJSON([]byte("- " + scalarText(n) + "\n")); err != nil {
		return t.fail(n, fmt.Sprintf("%s is no %s", strconv.Quote(n.Value), n.ShortTag()), "correct the value, or remove the tag")
	}
	return nil
}

func (t *tree) unconvertibleKey(key *yamlv3.Node) error {
	if key.Kind == yamlv3.AliasNode {
		key = key.Alias
	}
	if key.Kind != yamlv3.ScalarNode || alwaysText(key) {
		return nil
	}
	if _, err := toJSON([]byte("? " + scalarText(key) + "\n: 0\n")); err != nil {
		return t.fail(key, fmt.Sprintf("the key %s is no text", key.Value), "put it in quotes")
	}
	return nil
}

// alwaysText reports whether a scalar is a string in whatever version of YAML.
func alwaysText(n *yamlv3.Node) bool {
	return n.Style&yamlv3.TaggedStyle == 0 && (n.Style != 0 || plainText(n.Value))
}

// scalarText is a scalar by itself, on one line.
func scalarText(n *yamlv3.Node) string {
	if n.Style&yamlv3.TaggedStyle != 0 {
		return n.Tag + " " + strconv.Quote(n.Value)
	}
	return n.Value
}

// mergeable reports whether the value of << can be merged.
func mergeable(n *yamlv3.Node) bool {
	if n.Kind == yamlv3.AliasNode {
		n = n.Alias
	}
	if n.Kind != yamlv3.SequenceNode {
		return n.Kind == yamlv3.MappingNode
	}
	for _, item := range n.Content {
		if item.Kind == yamlv3.AliasNode {
			item = item.Alias
		}
		if item.Kind != yamlv3.MappingNode {
			return false
		}
	}
	return true
}
