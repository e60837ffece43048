package manifest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	yamlv3 "go.yaml.in/yaml/v3"
)

// A document is parsed once where its tree tells what the conversion of sigs.k8s.io/yaml, which parses with a library of
// YAML 1.1, would make of it: mappings with keys that are text, lists, and scalars. That library is asked about each scalar
// of which it is not plain what it is, and about the whole of any other document (TestPlainAgreesWithTheLibrary, FuzzPlain).

// plainDocument reports whether a document may be one whose tree tells all: nothing in its text makes the two libraries read
// different things.
func plainDocument(raw []byte, t *tree) bool {
	return len(t.breaks) == 0 && !bytes.ContainsAny(raw, "\t%!") && !bytes.Contains(raw, byteOrderMark)
}

// scalars remembers what scalars turn into: a list has the same in every item.
type scalars map[string]string

// maxScalars is how many scalars are remembered, and maxScalar how long they may be.
const (
	maxScalars = 1 << 10
	maxScalar  = 64
)

// appendJSON appends the JSON of a node as the conversion writes it: keys in order, and strings as encoding/json has them. ok
// is false where the tree does not tell.
func (s scalars) appendJSON(to []byte, n *yamlv3.Node) (text []byte, ok bool) {
	if n.Style&yamlv3.TaggedStyle != 0 || n.Anchor != "" || n.Style&yamlv3.FlowStyle != 0 && !plainFlow(n) {
		return nil, false
	}
	switch n.Kind {
	case yamlv3.MappingNode:
		return s.appendMapping(to, n)
	case yamlv3.SequenceNode:
		to = append(to, '[')
		for i, child := range n.Content {
			if i > 0 {
				to = append(to, ',')
			}
			if to, ok = s.appendJSON(to, child); !ok {
				return nil, false
			}
		}
		return append(to, ']'), true
	case yamlv3.ScalarNode:
		return s.appendScalar(to, n)
	}
	return nil, false
}

// plainFlow reports whether a collection in flow style has only others of that style in it, and scalars of which it is plain
// what they are: what a dash, a question mark or nothing is there, the libraries do not agree on.
func plainFlow(n *yamlv3.Node) bool {
	return !slices.ContainsFunc(n.Content, func(child *yamlv3.Node) bool {
		if child.Kind == yamlv3.ScalarNode {
			return child.Style == 0 && !surelyText(child.Value) && !surelyWhole(child.Value) && !isWord(child.Value)
		}
		return child.Style&yamlv3.FlowStyle == 0
	})
}

func (s scalars) appendMapping(to []byte, n *yamlv3.Node) (text []byte, ok bool) {
	order := make([]int, 0, 16)
	sorted := true
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yamlv3.ScalarNode || key.Style&yamlv3.TaggedStyle != 0 || key.Anchor != "" || key.Style == 0 && !surelyText(key.Value) {
			return nil, false
		}
		sorted = sorted && (i == 0 || n.Content[i-2].Value < key.Value)
		order = append(order, i)
	}
	if !sorted {
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(n.Content[a].Value, n.Content[b].Value) })
	}
	to = append(to, '{')
	for i, at := range order {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendString(to, n.Content[at].Value), ':')
		if to, ok = s.appendJSON(to, n.Content[at+1]); !ok {
			return nil, false
		}
	}
	return append(to, '}'), true
}

func (s scalars) appendScalar(to []byte, n *yamlv3.Node) (text []byte, ok bool) {
	switch {
	case n.Style != 0, surelyText(n.Value):
		return appendString(to, n.Value), true
	case n.Value == "", n.Value == "~":
		return append(to, "null"...), true
	case n.Value == "true", n.Value == "false", n.Value == "null", surelyWhole(n.Value):
		return append(to, n.Value...), true
	case len(n.Value) > maxScalar || !mayBeOther(n.Value):
		return nil, false
	}
	known, ok := s[n.Value]
	if !ok {
		list, err := toJSON([]byte("- " + n.Value + "\n"))
		if err != nil || len(list) < 3 {
			return nil, false
		}
		known = string(list[1 : len(list)-1])
		if len(s) < maxScalars {
			s[n.Value] = known
		}
	}
	return append(to, known...), true
}

// surelyText reports whether a plain scalar is text in whatever version of YAML: it begins as no number does, and is none of
// the words.
func surelyText(value string) bool {
	return value != "" && (isLetter(value[0]) || value[0] == '_' || value[0] == '/') && !isWord(value)
}

// isWord reports whether a text is a word that some version of YAML takes for something else, in whatever case.
func isWord(value string) bool {
	return len(value) <= 5 && slices.ContainsFunc(yamlWords, func(word string) bool { return strings.EqualFold(word, value) })
}

// surelyWhole reports whether a plain scalar is a whole number that JSON writes in the same way.
func surelyWhole(value string) bool {
	digits := strings.TrimPrefix(value, "-")
	if digits == "" || len(digits) > 18 || digits[0] == '0' && value != "0" {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

// mayBeOther reports whether a plain scalar is one of those that the library is asked about: on one line, a word, or of what
// numbers and times begin with.
func mayBeOther(value string) bool {
	first := value[0]
	return (first >= '0' && first <= '9' || first == '-' || first == '+' || first == '.' || isWord(value)) && strings.IndexByte(value, '\n') < 0
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// appendString appends a JSON string as encoding/json writes it.
func appendString(to []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(value)
			return append(to, quoted...)
		}
	}
	return append(append(append(to, '"'), value...), '"')
}
