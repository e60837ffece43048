package podfence_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/podfence/podfence"

// arrows are the packages of this module that each package of it may import.
// What is not listed may import none of them.
var arrows = map[string][]string{
	"spec":               {},
	"internal/podwalk":   {"spec"},
	"policy":             {"spec"},
	"evaluate":           {"spec", "policy", "internal/podwalk"},
	"mutate":             {"spec", "policy", "internal/podwalk"},
	"":                   {"spec", "policy", "evaluate", "mutate"},
	"internal/podgen":    {"spec", "policy"},
	"internal/docs":      {"spec"},
	"internal/benchpod":  {},
	"internal/addpatch":  {},
	"internal/footprint": {},
}

type listed struct {
	ImportPath string
	Imports    []string
}

// goList lists packages as the go command sees them.
func goList(t *testing.T, patterns ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports"}, patterns...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestImportsRunOneWay: spec <- policy <- {mutate, evaluate} <- podfence <-
// examples, and mutate and evaluate never import each other, so that each can
// judge the other.
func TestImportsRunOneWay(t *testing.T) {
	checked := 0
	for _, p := range goList(t, "./...") {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if strings.HasPrefix(name, "examples/") {
			continue
		}
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %q has no arrows: say what it may import", name)
		}
		checked++
		for _, imported := range p.Imports {
			if own, ok := strings.CutPrefix(imported+"/", module+"/"); ok && !slices.Contains(allowed, strings.TrimSuffix(own, "/")) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
	if checked != len(arrows) {
		t.Errorf("%d packages checked, %d have arrows", checked, len(arrows))
	}
}
