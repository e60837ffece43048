package structure

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/podfence/podfence"

// arrows are the packages of this module that each package of it may import,
// its tests aside. What is not listed may import none of them. A new package gets
// a line here.
var arrows = map[string][]string{
	"spec":                {},
	"internal/podwalk":    {"spec"},
	"internal/hotpath":    {"spec"},
	"policy":              {"spec", "internal/nearest"},
	"internal/governing":  {"policy"},
	"internal/anchor":     {},
	"internal/nearest":    {},
	"internal/want":       {"policy"},
	"native":              {"spec", "policy", "internal/plan", "internal/want"},
	"internal/plan":       {"spec", "policy", "internal/podwalk", "internal/hotpath"},
	"evaluate":            {"spec", "policy", "internal/podwalk", "internal/hotpath", "internal/governing", "internal/plan", "internal/want"},
	"mutate":              {"spec", "policy", "internal/podwalk", "internal/plan"},
	"":                    {"spec", "policy", "evaluate", "mutate", "internal/governing", "internal/kinds"},
	"internal/kinds":      {"spec"},
	"review":              {"spec", "policy", "evaluate", "mutate", "", "internal/podwalk", "internal/kinds"},
	"author":              {"spec", "policy", "evaluate", "mutate", "", "internal/hotpath", "internal/nearest", "internal/podwalk"},
	"podfencetest":        {"spec", "policy", "evaluate", ""},
	"internal/podgen":     {"spec", "policy"},
	"internal/fuzzinput":  {},
	"internal/benchpod":   {},
	"internal/benchlist":  {"internal/benchpod"},
	"internal/kept":       {},
	"internal/patchtest":  {},
	"internal/footprint":  {},
	"internal/restated":   {"spec", "policy"}, // and never what it is a second opinion on
	"internal/laws":       {"spec", "policy", "evaluate", "mutate", "internal/kept", "internal/restated"},
	"internal/controls":   {"spec", "internal/podgen"},
	"internal/exhaustive": {"spec", "policy", "internal/podgen"},
	"internal/docs":       {"spec", "policy", "mutate", "internal/schema", "internal/anchor"},
	"internal/document":   {},
	"internal/schema":     {"policy"},
	"internal/structure":  {},
}

type listed struct {
	ImportPath string
	Imports    []string
}

// goList lists packages of this module as the go command sees them from its root.
func goList(t *testing.T, patterns ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports"}, patterns...)...)
	cmd.Dir = filepath.Join("..", "..")
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

// TestImportsRunOneWay: spec <- policy <- {mutate, evaluate} <- podfence <- {review, author} <-
// examples, and mutate and evaluate never import each other, so that each can
// judge the other.
func TestImportsRunOneWay(t *testing.T) {
	checked := map[string]bool{}
	for _, p := range goList(t, "./...") {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if strings.HasPrefix(name, "examples/") {
			continue
		}
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %q has no arrows: say what it may import", name)
		}
		checked[name] = true
		for _, imported := range p.Imports {
			own, ok := strings.CutPrefix(imported+"/", module+"/")
			if ok && !slices.Contains(allowed, strings.TrimSuffix(own, "/")) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
	for name := range arrows {
		if !checked[name] {
			t.Errorf("package %q has arrows, and is none", name)
		}
	}
}
