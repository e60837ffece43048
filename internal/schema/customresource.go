package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podfence/podfence/policy"
)

// CustomResource is the structural schema of a policy within a custom resource, for
// apiextensions.k8s.io/v1, without the keys that are named: a namespaced resource
// has a name and a namespace of its own. What one key demands of another is said in
// CEL. What it admits can be decoded into a policy.Policy; whether the policy means
// something is for Validate to say.
//
// No default is written into it: what a policy leaves unset may depend on the level.
func CustomResource(comments Comments, without ...string) *Schema {
	format := leaveOut(policy.Format(), without...)
	// CEL that named a key which somebody takes out of the schema would not compile.
	format.Conditions = slices.DeleteFunc(format.Conditions, func(c policy.FormCondition) bool { return c.Key == "namespace" })
	return customResource{comments}.form(format)
}

// leaveOut is a block without some of its keys, and without what is demanded of them.
func leaveOut(f *policy.Form, keys ...string) *policy.Form {
	rest := *f
	rest.Keys, rest.Conditions = nil, nil
	for _, key := range f.Keys {
		if !slices.Contains(keys, key.Name) {
			rest.Keys = append(rest.Keys, key)
		}
	}
	for _, c := range f.Conditions {
		if !slices.Contains(keys, c.Key) && !slices.Contains(keys, c.Other) {
			rest.Conditions = append(rest.Conditions, c)
		}
	}
	return &rest
}

// maxLabels bounds the labels of a selector, as the API server bounds what CEL may
// cost. The parser knows no such bound.
const maxLabels = 1000

type customResource struct{ comments Comments }

func (c customResource) form(f *policy.Form) *Schema {
	switch f.Kind {
	case policy.KindBlock:
		if len(f.Shorthand) > 0 {
			return c.wordOrBlock(f)
		}
		return c.block(f)
	case policy.KindList:
		list := &Schema{Type: "array", ListType: "atomic", Items: c.form(f.Entry)}
		if f.NotEmpty {
			list.MinItems = ptr(int64(1))
		}
		if f.MaxEntries > 0 {
			list.MaxItems = ptr(int64(f.MaxEntries))
		}
		return list
	case policy.KindLabels:
		return &Schema{Type: "object", AdditionalProperties: text(f.Entry, ""), MaxProperties: ptr(int64(maxLabels)), Validations: []Validation{{
			Rule:    fmt.Sprintf("self.all(key, key.matches(%s))", quoted(f.Label.Patterns[0])),
			Message: "a key is no label key",
		}}}
	case policy.KindFlag:
		return &Schema{Type: "boolean"}
	case policy.KindNumber:
		if len(f.Shorthand) > 0 {
			return numberOrWord(f)
		}
		return &Schema{Type: "integer", Format: "int64", Minimum: ptr(f.Min), Maximum: ptr(f.Max)}
	default:
		return text(f, "")
	}
}

func (c customResource) keys(f *policy.Form, into *Schema) {
	for i := range f.Keys {
		key := &f.Keys[i]
		value := c.form(key.Form)
		value.Description = c.comments.describe(f, key)
		into.Properties = append(into.Properties, Property{key.Name, value})
	}
}

func (c customResource) block(f *policy.Form) *Schema {
	s := &Schema{Type: "object"}
	c.keys(f, s)
	for _, key := range f.Keys {
		if key.Required {
			s.Required = append(s.Required, key.Name)
		}
	}
	for _, condition := range f.Conditions {
		s.Validations = append(s.Validations, validation(condition))
	}
	if len(f.OneOf) > 0 {
		var given []string
		for _, key := range f.OneOf {
			given = append(given, demand(key, policy.MustBeFilled))
		}
		s.Validations = append(s.Validations, Validation{Rule: strings.Join(given, " || "), Message: "one of " + strings.Join(f.OneOf, ", ") + " must be given"})
	}
	return s
}

// validation is a condition in CEL.
func validation(c policy.FormCondition) Validation {
	switch {
	case c.Demand == policy.MustNotBeLess:
		return Validation{Rule: fmt.Sprintf("self.%s <= self.%s", c.Key, c.Other), Message: c.Key + " is above " + c.Other}
	case c.Demand == policy.MustBeTrue:
		return Validation{Rule: fmt.Sprintf("!(%s) || %s", demand(c.Key, c.Demand), demand(c.Other, c.Demand)), Message: c.Key + " needs " + c.Other}
	}
	is := fmt.Sprintf("self.%s in [%s]", c.Key, strings.Join(quotedAll(c.Values), ", "))
	message := fmt.Sprintf("%s %s needs %s", c.Key, strings.Join(c.Values, " or "), c.Other)
	when := fmt.Sprintf("!(has(self.%s) && %s)", c.Key, is)
	if c.Demand == policy.MustBeEmpty {
		message = fmt.Sprintf("%s %s takes no %s", c.Key, strings.Join(c.Values, " or "), c.Other)
	}
	if c.Unset {
		message = fmt.Sprintf("%s %s, or no %s, takes no %s", c.Key, strings.Join(c.Values, " or "), c.Key, c.Other)
		when = fmt.Sprintf("has(self.%s) && !(%s)", c.Key, is)
	}
	return Validation{Rule: when + " || " + demand(c.Other, c.Demand), Message: message}
}

// demand says in CEL that a key holds what is demanded.
func demand(key string, d policy.FormDemand) string {
	switch d {
	case policy.MustBeFilled:
		return fmt.Sprintf("has(self.%[1]s) && size(self.%[1]s) > 0", key)
	case policy.MustBeEmpty:
		return fmt.Sprintf("!has(self.%[1]s) || size(self.%[1]s) == 0", key)
	default:
		return fmt.Sprintf("has(self.%[1]s) && self.%[1]s", key)
	}
}

func quotedAll(words []string) (all []string) {
	for _, w := range words {
		all = append(all, quoted(w))
	}
	return all
}

// quoted is a text as CEL has it.
func quoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}

// wordOrBlock is what a word may stand for. A structural schema must name one type,
// or preserve unknown fields and name none; then it has no CEL and no way to close an
// object. So the types are told apart by bounds that no other type meets, and the
// object is closed by its number of keys. Without this a value of another type would
// be stored, and no client with Go types could list the objects any more.
func (c customResource) wordOrBlock(f *policy.Form) *Schema {
	s := &Schema{PreserveUnknownFields: true}
	c.keys(f, s)
	for _, p := range s.Properties {
		withoutValidations(p.Schema)
	}
	block := &Schema{AllOf: []*Schema{noScalar(), closed(f)}}
	for _, condition := range f.Conditions {
		block.AllOf = append(block.AllOf, implication(condition))
	}
	s.AnyOf = []*Schema{{Enum: enum(f.Shorthand)}, block}
	return s
}

// numberOrWord is what a word may stand for. These two types may share a place of a
// structural schema, if they are said just so; bounds hold for the number alone, and
// the pattern for the word.
func numberOrWord(f *policy.Form) *Schema {
	return &Schema{
		IntOrString: true, AnyOf: []*Schema{{Type: "integer"}, {Type: "string"}},
		Minimum: ptr(f.Min), Maximum: ptr(f.Max), Pattern: "^(" + strings.Join(f.Shorthand, "|") + ")$",
	}
}

// withoutValidations removes the CEL of a schema and of those below it.
func withoutValidations(s *Schema) {
	if s == nil {
		return
	}
	s.Validations = nil
	withoutValidations(s.Items)
	for _, p := range s.Properties {
		withoutValidations(p.Schema)
	}
}

// noScalar is met by objects alone: no text, number or list is within these bounds.
func noScalar() *Schema {
	none, one := ptr(int64(0)), ptr(int64(1))
	return &Schema{
		MinLength: one, MaxLength: none, Minimum: one, Maximum: none, MinItems: one, MaxItems: none,
		Not: &Schema{Enum: []any{true, false}},
	}
}

// closed is met by objects that have keys of the block and no others: each set of
// keys with exactly as many.
func closed(f *policy.Form) *Schema {
	s := &Schema{}
	for set := range 1 << len(f.Keys) {
		var names []string
		for i := range f.Keys {
			if set&(1<<i) != 0 {
				names = append(names, f.Keys[i].Name)
			}
		}
		s.AnyOf = append(s.AnyOf, &Schema{Required: names, MaxProperties: ptr(int64(len(names)))})
	}
	return s
}

// implication is a condition in the words of JSON schema that a structural schema
// may have: it does not hold, or what it demands does.
func implication(c policy.FormCondition) *Schema {
	conditional := conditional(c)
	return &Schema{AnyOf: []*Schema{{Not: conditional.If}, conditional.Then}}
}
