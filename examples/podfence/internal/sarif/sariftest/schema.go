// Package sariftest holds documents to the schema of SARIF, for tests.
package sariftest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	gosarif "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// SchemaURI is the ID of the schema.
const SchemaURI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// Schema is the schema of OASIS.
type Schema struct{ schema *jsonschema.Schema }

// Load takes the schema from the module go-sarif, at the version in go.mod. It is a constant there that is not exported,
// so that it is read from the source.
func Load(t testing.TB) Schema {
	t.Helper()
	source := constant(t)
	if !strings.Contains(source, `"id": "`+SchemaURI+`"`) {
		t.Fatalf("the schema of go-sarif, %d bytes, is not that of %s", len(source), SchemaURI)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(SchemaURI, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(SchemaURI)
	if err != nil {
		t.Fatal(err)
	}
	return Schema{schema}
}

func constant(t testing.TB) (text string) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.ValueSpec); ok && s.Names[0].Name == "schema" {
			text, err = strconv.Unquote(s.Values[0].(*ast.BasicLit).Value)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Valid says what is wrong with a document by the schema, and what another reader of the format cannot read.
func (s Schema) Valid(text []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	if err := s.schema.Validate(doc); err != nil {
		return err
	}
	_, err = gosarif.FromBytes(text)
	return err
}
