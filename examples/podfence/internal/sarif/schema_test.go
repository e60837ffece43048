package sarif

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/podfence/podfence/examples/podfence/internal/sarif/sariftest"
)

// TestSchemaRefuses: the validation is not one that everything passes.
func TestSchemaRefuses(t *testing.T) {
	schema := sariftest.Load(t)
	good := string(document(t, run, subjects()...))
	if err := schema.Valid([]byte(good)); err != nil || sariftest.SchemaURI != schemaURI {
		t.Fatal(err)
	}
	for why, change := range map[string][2]string{
		"a level that there is not": {`"level":"error"`, `"level":"fatal"`},
		"a line 0":                  {`"startLine":3`, `"startLine":0`},
		"a member of no meaning":    {`"ruleId":"a"`, `"ruleID":"a"`},
		"a URI that is none":        {`"helpUri":"https://example.com/b"`, `"helpUri":"b"`},
		"no message":                {`"message":{"text":`, `"message":{"markdown":`},
		"another version":           {`"version": "2.1.0"`, `"version": "2.0.0"`},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		if bad == good {
			t.Errorf("%s: the document has no %s", why, change[0])
		} else if schema.Valid([]byte(bad)) == nil {
			t.Errorf("%s is valid", why)
		}
	}
}

// decoded is a document as JSON.
func decoded(t *testing.T, text []byte) (d struct {
	Runs []struct {
		Tool        tool
		Results     []result
		Invocations []invocation
	}
}) {
	t.Helper()
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}
