package settings

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

// FuzzParse: nothing panics, every error has a place, and the schema accepts what
// Parse accepts.
func FuzzParse(f *testing.F) {
	for _, tt := range rows {
		f.Add([]byte(tt.text))
	}
	schema := compiled(f, table)
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Parse(data, Name, table)
		for _, e := range errorsOf(t, err) {
			if e.File != Name || e.Problem == "" {
				t.Errorf("%q: %+v", data, e)
			}
		}
		var value any
		if err != nil || yaml.Unmarshal(data, &value) != nil || value == nil {
			return
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%q: the schema refuses what Parse accepts: %v", data, err)
		}
	})
}
