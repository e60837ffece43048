package settings

import (
	"bytes"
	"encoding/json"
)

// schema is the part of JSON Schema (draft 7, which editors know best) that the
// table needs.
type schema struct {
	Dialect              string     `json:"$schema,omitempty"`
	ID                   string     `json:"$id,omitempty"`
	Title                string     `json:"title,omitempty"`
	Description          string     `json:"description,omitempty"`
	Type                 string     `json:"type"`
	AdditionalProperties *bool      `json:"additionalProperties,omitempty"`
	Properties           properties `json:"properties,omitempty"`
	Items                *schema    `json:"items,omitempty"`
	Enum                 []string   `json:"enum,omitempty"`
	Pattern              string     `json:"pattern,omitempty"`
	MinLength            int        `json:"minLength,omitempty"`
	Default              any        `json:"default,omitempty"`
}

// properties keep the order of the table.
type properties []property

type property struct {
	name string
	schema
}

// MarshalJSON renders a JSON object.
func (p properties) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i := range p {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := marshal(p[i].name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(p[i].schema)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// marshal is json.Marshal that leaves < and > as they are.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	return bytes.TrimSpace(b.Bytes()), err
}

// Schema is the JSON schema of a file, at an address. defaults are what holds where
// a key is left out: a string, a bool, or nil for nothing.
func Schema(id string, table []Setting, defaults func(*Setting) any) ([]byte, error) {
	no := false
	root := schema{
		Dialect: "http://json-schema.org/draft-07/schema#", ID: id, Title: Name,
		Description: "What podfence judges by where no flag says otherwise. Paths are relative to this file.",
		Type:        "object", AdditionalProperties: &no,
	}
	for i := range table {
		s := &table[i]
		row := property{s.Key, s.schema()}
		row.Description, row.Default = s.Doc, defaults(s)
		root.Properties = append(root.Properties, row)
	}
	compact, err := marshal(root)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

func (s *Setting) schema() schema {
	text := schema{Type: "string", Enum: s.Values, Pattern: s.Pattern}
	if s.Values == nil && s.Pattern == "" {
		text.MinLength = 1
	}
	switch s.Kind {
	case Bool:
		return schema{Type: "boolean"}
	case List:
		return schema{Type: "array", Items: &text}
	default:
		return text
	}
}
