package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Marshal renders policies in their canonical form: YAML, the keys in the
// order of the types, only what is set, documents separated by "---". It
// refuses what Parse would, so that Parse(Marshal(p)) is p, except for its
// Source, and that empty lists which mean the same as none come back as nil.
func Marshal(policies ...Policy) ([]byte, error) {
	var out bytes.Buffer
	for i := range policies {
		if err := policies[i].Validate(); err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		if err := marshalOne(&out, &policies[i]); err != nil {
			return nil, err
		}
	}
	if len(policies) > 1 {
		if _, err := Parse(out.Bytes(), ""); err != nil {
			return nil, fmt.Errorf("policies that no one file can hold: %w", err)
		}
	}
	return out.Bytes(), nil
}

// marshalOne goes through JSON, which knows the tags, and keeps its order,
// which a detour over a map would not.
func marshalOne(out *bytes.Buffer, p *Policy) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return err
	}
	blockStyle(&doc)
	encoder := yaml.NewEncoder(out)
	encoder.SetIndent(2)
	return encoder.Encode(&doc)
}

// plainText is text that stands without quotes in the canonical form. The
// encoder itself would write "on" without them, a boolean to YAML 1.1.
var plainText = regexp.MustCompile(`^[A-Za-z/][-_./A-Za-z0-9]*$`)

var notPlain = append([]string{"true", "false", "null"}, oldBooleans...)

// needsNoQuotes reports whether text stands without quotes.
func needsNoQuotes(text string) bool {
	return plainText.MatchString(text) && !slices.Contains(notPlain, strings.ToLower(text))
}

// blockStyle replaces the style of JSON.
func blockStyle(n *yaml.Node) {
	plain := n.Tag != "!!str" || needsNoQuotes(n.Value)
	switch {
	case n.Kind == yaml.ScalarNode && !plain:
		n.Style = yaml.DoubleQuotedStyle
	case n.Kind != yaml.ScalarNode && len(n.Content) == 0:
		n.Style = yaml.FlowStyle
	default:
		n.Style = 0
	}
	for _, c := range n.Content {
		blockStyle(c)
	}
}

// MarshalJSON writes the word alone where a rule has no ranges and needs none,
// as the format does.
func (u UserRule) MarshalJSON() ([]byte, error) {
	if u.Rule != "" && u.Rule != MustRunAs && len(u.Ranges) == 0 {
		return json.Marshal(u.Rule)
	}
	type object UserRule
	return json.Marshal(object(u))
}

// UnmarshalJSON reads a word or an object, as strictly as Parse: unknown or
// repeated keys, a range without both ends and null are errors. What the rule
// says is left to Validate.
func (u *UserRule) UnmarshalJSON(data []byte) error {
	var read UserRule
	if err := unmarshalNode(data, &read); err != nil {
		return err
	}
	*u = read
	return nil
}

// unmarshalNode reads JSON as Parse reads YAML.
func unmarshalNode[T any](data []byte, into *T) error {
	n, err := decodeNode(data)
	if err != nil {
		return err
	}
	r := &reader{parser: &parser{}, at: func(path string) string { return path }}
	r.value(n, reflectOf(into), "")
	for i := range r.parser.errs {
		r.parser.errs[i].Line = 0
	}
	return r.parser.errs.orNil()
}
