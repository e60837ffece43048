package footprint

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWhatTestsCompile: package podfencetest, which only tests import, compiles two
// modules more than the library does: one reads YAML as kubectl does, one shows what
// differs from a golden file.
func TestWhatTestsCompile(t *testing.T) {
	modules := func(pkg string) []string {
		found := lines(run(t, root(t), "list", "-deps", "-f", "{{if not .Standard}}{{.Module.Path}}{{end}}", pkg))
		slices.Sort(found)
		return slices.Compact(found)
	}
	library := modules(".")
	more := slices.DeleteFunc(modules("./podfencetest"), func(m string) bool { return slices.Contains(library, m) })
	if diff := cmp.Diff([]string{"github.com/google/go-cmp", "sigs.k8s.io/yaml"}, more); diff != "" {
		t.Errorf("modules compiled with podfencetest beyond the library's (-want +got):\n%s", diff)
	}
	if len(library) < 20 {
		t.Errorf("the library compiles %d modules, want 20 at least", len(library))
	}
}
