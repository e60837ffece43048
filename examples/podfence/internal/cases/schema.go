package cases

import (
	"github.com/podfence/podfence/internal/schema"
)

// Schema is the JSON schema of a file of tests, at an address. It is never stricter than Parse.
func Schema(id string) ([]byte, error) {
	root := fileForm.schema()
	root.Draft, root.ID, root.Title = "http://json-schema.org/draft-07/schema#", id, "podfence test"
	root.Description = "Tests of policies: pods, the policies that are to govern them, and what is expected of the answer. Paths are relative to this file."
	return root.JSON()
}

func (f *form) schema() *schema.Schema {
	s := f.own()
	if f.instead != nil {
		s = &schema.Schema{AnyOf: []*schema.Schema{f.instead.schema(), s}}
	}
	return s
}

// own is the schema of a form without what may stand in its place.
func (f *form) own() *schema.Schema {
	switch f.kind {
	case block:
		return f.blockSchema()
	case list:
		s := &schema.Schema{Type: "array", Items: f.entry.schema()}
		if f.needsEntry {
			s.MinItems = one()
		}
		return s
	case labels:
		return &schema.Schema{Type: "object", AdditionalProperties: f.entry.schema()}
	case flag:
		return &schema.Schema{Type: "boolean", Enum: []any{true}}
	case value:
		constant := []*schema.Schema{{Type: "boolean"}, {Type: "integer"}, {Type: "string"}}
		return &schema.Schema{AnyOf: append(constant, &schema.Schema{Type: "array", Items: &schema.Schema{AnyOf: constant}})}
	case foreign:
		return &schema.Schema{Type: "object"}
	default:
		return f.textSchema()
	}
}

func (f *form) blockSchema() *schema.Schema {
	s := &schema.Schema{Type: "object", AdditionalProperties: false}
	for i := range f.keys {
		k := &f.keys[i]
		value := k.form.schema()
		value.Description = k.doc
		s.Properties = append(s.Properties, schema.Property{Name: k.name, Schema: value})
		if k.required {
			s.Required = append(s.Required, k.name)
		}
	}
	return s
}

func (f *form) textSchema() *schema.Schema {
	s := &schema.Schema{Type: "string", Pattern: f.pattern, PatternErrorMessage: f.fix}
	for _, word := range f.words {
		s.Enum = append(s.Enum, word)
	}
	if f.pattern == "" {
		s.PatternErrorMessage = ""
	}
	if f.pattern == "" && f.words == nil && !f.mayBeEmpty {
		s.MinLength = one()
	}
	return s
}

func one() *int64 {
	n := int64(1)
	return &n
}
