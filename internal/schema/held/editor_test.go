package held

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// editorSchema is docs/policy.schema.json, compiled.
func editorSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	const file = "docs/policy.schema.json"
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(read(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(file, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// notInEditors are the rows that the schema for editors does not refuse.
var notInEditors = exceptions{
	"a schema sees a value, and not how it is written": {
		"octal number", "leading zero without octal digits", "several zeros", "new octal number", "exponent", "fraction of nothing",
		"hexadecimal", "underscore", "plus sign", "tagged key", "tagged block", "tagged policy", "Welkin with tagged namespace",
	},
	"YAML 1.2, which editors read, takes it for text": {"date label value", "old boolean label value", "old boolean label key", "a boolean in a list"},
	"the keys of JSON are texts":                      {"number label key", "Welkin with number for a namespace"},
	"editors report a key that is given twice before they ask a schema": {
		"label given twice", "key given twice", "block given twice", "Welkin with mutation twice", "Welkin with name given twice",
	},
	"draft-07 does not compare two numbers":                       {"min above max", "ports the wrong way round", "aliased errors"},
	"it is a value to fill, held against a rule in another block": toFill,
	"a list of a schema may hold a value twice":                   {"a namespace twice"},
	"a schema sees one document, and not the file": {
		"nothing", "only comments", "second policy without a name", "same name twice", "same name twice in a namespace",
		"one name in a namespace of two lists", "one name in a list and beside it", "one name for two selectors",
		"Welkin without policies", "Welkin and a document of the same name",
	},
}

var toFill = []string{
	"fill root by default rule", "fill root under MustRunAsNonRoot", "fill a user out of range", "fill a group out of range",
	"fill a volume group out of MayRunAs range", "fill a supplemental group out of range", "fill no group where one is demanded",
	"no group under MustRunAs", "no group to run as under MustRunAs",
}

// TestEditorSchemaIsTheParsers: the schema for editors accepts what the parser does,
// and refuses what it refuses, but for what no schema can see or say.
func TestEditorSchemaIsTheParsers(t *testing.T) {
	if noYAML := judge(t, rows(t), notInEditors, editorSchema(t).Validate); noYAML != 11 {
		t.Errorf("%d rows are no YAML, want 11", noYAML)
	}
}
