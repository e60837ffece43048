package schema

import (
	"bytes"
	"encoding/json"

	"github.com/podfence/podfence/policy"
)

// Schema is a JSON schema: those keywords of draft-07, and of the structural
// schemas of custom resources, that are used here.
type Schema struct {
	Draft                 string       `json:"$schema,omitempty"`
	ID                    string       `json:"$id,omitempty"`
	Ref                   string       `json:"$ref,omitempty"`
	Title                 string       `json:"title,omitempty"`
	Description           string       `json:"description,omitempty"`
	Type                  string       `json:"type,omitempty"`
	Format                string       `json:"format,omitempty"`
	Default               any          `json:"default,omitempty"`
	Enum                  []any        `json:"enum,omitempty"`
	Pattern               string       `json:"pattern,omitempty"`
	PatternErrorMessage   string       `json:"patternErrorMessage,omitempty"` // of yaml-language-server
	MinLength             *int64       `json:"minLength,omitempty"`
	MaxLength             *int64       `json:"maxLength,omitempty"`
	Minimum               *int64       `json:"minimum,omitempty"`
	Maximum               *int64       `json:"maximum,omitempty"`
	Items                 *Schema      `json:"items,omitempty"`
	MinItems              *int64       `json:"minItems,omitempty"`
	MaxItems              *int64       `json:"maxItems,omitempty"`
	Properties            Properties   `json:"properties,omitempty"`
	Required              []string     `json:"required,omitempty"`
	AdditionalProperties  any          `json:"additionalProperties,omitempty"` // false, or a *Schema
	PropertyNames         *Schema      `json:"propertyNames,omitempty"`
	MinProperties         *int64       `json:"minProperties,omitempty"`
	MaxProperties         *int64       `json:"maxProperties,omitempty"`
	AllOf                 []*Schema    `json:"allOf,omitempty"`
	AnyOf                 []*Schema    `json:"anyOf,omitempty"`
	Not                   *Schema      `json:"not,omitempty"`
	If                    *Schema      `json:"if,omitempty"`
	Then                  *Schema      `json:"then,omitempty"`
	Else                  *Schema      `json:"else,omitempty"`
	IntOrString           bool         `json:"x-kubernetes-int-or-string,omitempty"`
	ListType              string       `json:"x-kubernetes-list-type,omitempty"`
	PreserveUnknownFields bool         `json:"x-kubernetes-preserve-unknown-fields,omitempty"`
	Validations           []Validation `json:"x-kubernetes-validations,omitempty"`
	Definitions           Properties   `json:"definitions,omitempty"`
}

// Validation is a rule in CEL.
type Validation struct {
	Rule      string `json:"rule"`
	Message   string `json:"message"`
	FieldPath string `json:"fieldPath,omitempty"`
}

// Properties are named schemas, in the order in which they are written.
type Properties []Property

// Property is a schema and its name.
type Property struct {
	Name string
	*Schema
}

// MarshalJSON writes an object with the names for keys.
func (p Properties) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	for i := range p {
		name, err := marshal(p[i].Name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(p[i].Schema)
		if err != nil {
			return nil, err
		}
		out.WriteByte("{,"[min(i, 1)])
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// marshal is json.Marshal without escapes for HTML, which patterns would suffer from.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

// JSON is the schema as a file holds it.
func (s *Schema) JSON() ([]byte, error) {
	data, err := marshal(s)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func ptr[T any](v T) *T { return &v }

func enum(words []string) (values []any) {
	for _, w := range words {
		values = append(values, w)
	}
	return values
}

// text is the schema of a text. The fix is shown in place of a pattern, where the
// schema's reader can do that; empty, it shows the pattern.
func text(f *policy.Form, fix string) *Schema {
	s := &Schema{Type: "string", Enum: enum(f.Words)}
	if len(f.Patterns) == 1 {
		s.Pattern, s.PatternErrorMessage = f.Patterns[0], fix
	} else {
		for _, pattern := range f.Patterns {
			s.AllOf = append(s.AllOf, &Schema{Pattern: pattern, PatternErrorMessage: fix})
		}
	}
	for _, pattern := range f.Never {
		s.Not = &Schema{Pattern: pattern}
	}
	if f.MaxLength > 0 {
		s.MaxLength = ptr(int64(f.MaxLength))
	}
	return s
}
