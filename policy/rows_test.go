package policy

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// rowsFile names the variable of the environment that says where TestWriteRows
// writes. The tests of internal/schema/held set it.
const rowsFile = "PODFENCE_ROWS"

// row is a file that Parse refuses or accepts.
type row struct {
	Name     string `json:"name"`
	In       []byte `json:"in"`
	Accepted bool   `json:"accepted"`
}

// TestWriteRows writes the tables of what Parse refuses and accepts, and generated
// policies, for tests in other modules, which hold the schemas to them.
func TestWriteRows(t *testing.T) {
	file := os.Getenv(rowsFile)
	if file == "" {
		t.Skipf("%s does not say where to: the tests of internal/schema/held do", rowsFile)
	}
	var rows []row
	for _, r := range slices.Concat(refused, refusedNamespaces) {
		rows = append(rows, row{r.name, []byte(r.in), false})
	}
	for _, r := range accepted {
		rows = append(rows, row{r.name, []byte(r.in), true})
	}
	for _, name := range []string{"every-key.yaml", "every-key.canonical.yaml", "route-manager-corrected.yaml"} {
		rows = append(rows, row{name, testdata(t, name), true})
	}
	rows = append(rows, row{"Welkin", []byte(welkin), true},
		row{"Welkin beside a policy", []byte("constraints: {net: {a: {podSelectorLabels: {app: web}, mutation: {runAsGroup: 5}}}, empty: {}}\n---\nname: rm\n" + web), true})
	for seed := range 300 {
		p := genPolicy.Example(seed)
		data, err := Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row{fmt.Sprintf("generated %d", seed), data, true})
	}
	for _, r := range rows {
		if _, err := Parse(r.In, "p.yaml"); (err == nil) != r.Accepted {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
	data, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
