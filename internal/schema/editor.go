package schema

import "github.com/podfence/podfence/policy"

// URL is where the schema for editors is published.
const URL = "https://raw.githubusercontent.com/podfence/podfence/main/docs/policy.schema.json"

// Editor is the schema of a document of a policy file: a policy, or the values of
// Welkin's chart. It is of draft-07, the newest that every version of
// yaml-language-server reads.
func Editor(comments Comments) *Schema {
	e := editor{comments}
	return &Schema{
		Draft:       "http://json-schema.org/draft-07/schema#",
		ID:          URL,
		Title:       "podfence policy",
		Description: "A policy of podfence, or a Welkin values file, which has constraints at its top level. A file may hold several documents.",
		If:          &Schema{Required: []string{"constraints"}},
		Then:        &Schema{Ref: "#/definitions/welkinValues"},
		Else:        &Schema{Ref: "#/definitions/policy"},
		Definitions: e.definitions(policy.Format()),
	}
}

type editor struct{ comments Comments }

// definitions are the policy on its own and in a values file, and what both hold.
func (e editor) definitions(format *policy.Form) Properties {
	var namespace, name *policy.Form
	for i := range format.Keys {
		switch key := format.Keys[i]; key.Name {
		case "name":
			name = key.Form
		case "namespace":
			namespace = key.Form
		}
	}
	// In a values file a policy stands under its name and its one namespace.
	welkin, shared := leaveOut(format, "name", "namespace", "namespaces", "namespaceSelector"), Properties{}
	ofPolicy, ofWelkin := e.block(format), e.block(welkin)
	for i, p := range ofPolicy.Properties {
		if p.Type == "object" && p.AdditionalProperties == false { // as allow and mutations
			shared = append(shared, Property{p.Name, p.Schema})
			ofPolicy.Properties[i].Schema = reference(p)
		}
	}
	for i, p := range ofWelkin.Properties {
		if p.Type == "object" && p.AdditionalProperties == false {
			ofWelkin.Properties[i].Schema = reference(p)
		}
	}
	also := reference(Property{"mutations", &Schema{Description: "mutations, under the name that Welkin's chart has for it."}})
	ofWelkin.Properties = append(ofWelkin.Properties, Property{"mutation", also})
	ofWelkin.Not = &Schema{Required: []string{"mutation", "mutations"}}
	return append(Properties{
		{"policy", ofPolicy},
		{"welkinValues", welkinValues(namespace, name)},
		{"welkinPolicy", ofWelkin},
	}, shared...)
}

// reference leads to the definition of what a key holds. In draft-07 nothing stands
// beside a reference.
func reference(p Property) *Schema {
	return &Schema{Description: p.Description, AllOf: []*Schema{{Ref: "#/definitions/" + p.Name}}}
}

// welkinValues are policies under their names, under their namespaces.
func welkinValues(namespace, name *policy.Form) *Schema {
	byName := &Schema{
		Type: "object", Description: "The policies of this namespace, by name.",
		PropertyNames: text(name, name.Fix), AdditionalProperties: &Schema{Ref: "#/definitions/welkinPolicy"},
	}
	byNamespace := &Schema{
		Type: "object", Description: "Policies by namespace and name, as the values of Welkin's chart have them.",
		PropertyNames: text(namespace, namespace.Fix), AdditionalProperties: byName,
	}
	return &Schema{
		Type: "object", Required: []string{"constraints"}, AdditionalProperties: false,
		Properties: Properties{{"constraints", byNamespace}},
	}
}

func (e editor) form(f *policy.Form) *Schema {
	switch f.Kind {
	case policy.KindBlock:
		return e.block(f)
	case policy.KindList:
		list := &Schema{Type: "array", Items: e.form(f.Entry)}
		if f.NotEmpty {
			list.MinItems = ptr(int64(1))
		}
		if f.MaxEntries > 0 {
			list.MaxItems = ptr(int64(f.MaxEntries))
		}
		return list
	case policy.KindLabels:
		return &Schema{Type: "object", PropertyNames: text(f.Label, f.Label.Fix), AdditionalProperties: text(f.Entry, f.Entry.Fix)}
	case policy.KindFlag:
		return &Schema{Type: "boolean"}
	case policy.KindNumber:
		return orWord(f, &Schema{Type: "integer", Minimum: ptr(f.Min), Maximum: ptr(f.Max)})
	default:
		return text(f, f.Fix)
	}
}

func (e editor) block(f *policy.Form) *Schema {
	s := &Schema{Type: "object", AdditionalProperties: false}
	for i := range f.Keys {
		key := &f.Keys[i]
		value := e.form(key.Form)
		value.Description, value.Default = e.comments.describe(f, key), key.Default
		s.Properties = append(s.Properties, Property{key.Name, value})
		if key.Required {
			s.Required = append(s.Required, key.Name)
		}
	}
	for _, c := range f.Conditions {
		if condition := conditional(c); condition != nil {
			s.AllOf = append(s.AllOf, condition)
		}
	}
	for _, key := range f.OneOf {
		s.AnyOf = append(s.AnyOf, &Schema{
			Required: []string{key}, Properties: Properties{{key, &Schema{MinItems: ptr(int64(1)), MinProperties: ptr(int64(1))}}},
		})
	}
	return orWord(f, s)
}

// orWord is a schema, or one of the words that may stand in its place.
func orWord(f *policy.Form, s *Schema) *Schema {
	if len(f.Shorthand) == 0 {
		return s
	}
	return &Schema{AnyOf: []*Schema{{Type: "string", Enum: enum(f.Shorthand)}, s}}
}

// conditional is what one key demands of another; nil for what draft-07 cannot say.
func conditional(c policy.FormCondition) *Schema {
	when := &Schema{Properties: Properties{{c.Key, &Schema{Enum: values(c)}}}}
	if !c.Unset {
		when.Required = []string{c.Key}
	}
	other := func(s *Schema) Properties { return Properties{{c.Other, s}} }
	switch c.Demand {
	case policy.MustBeFilled:
		return &Schema{If: when, Then: &Schema{Required: []string{c.Other}, Properties: other(&Schema{MinItems: ptr(int64(1))})}}
	case policy.MustBeEmpty:
		return &Schema{If: when, Then: &Schema{Properties: other(&Schema{MaxItems: ptr(int64(0))})}}
	case policy.MustBeTrue:
		return &Schema{If: when, Then: &Schema{Required: []string{c.Other}, Properties: other(&Schema{Enum: []any{true}})}}
	default:
		return nil
	}
}

// values are those of a condition: words, or true.
func values(c policy.FormCondition) []any {
	if c.Demand == policy.MustBeTrue {
		return []any{true}
	}
	return enum(c.Values)
}
