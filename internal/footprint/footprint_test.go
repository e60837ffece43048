// Package footprint holds what podfence costs whoever embeds it: which packages are
// compiled, what the embedder's go.mod is made to require, and which versions
// docs/versions.md promises. It has tests only.
package footprint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/podfence/podfence"

// public are the packages that embedders import.
var public = []string{"spec", "policy", "evaluate", "mutate", "", "review"}

// compiled are the modules beyond the standard library whose packages are compiled
// with each of the public ones, and how many packages that are. All but those with
// a comment come with the types of pods and of levels, which spec imports.
var compiled = []struct {
	module string
	counts [6]int // in order of public
}{
	{"github.com/fxamacker/cbor/v2", [6]int{1, 1, 1, 1, 1, 1}},
	{"github.com/go-json-experiment/json", [6]int{0, 0, 0, 0, 0, 5}}, // review: package jsontext
	{"github.com/go-logr/logr", [6]int{1, 1, 1, 1, 1, 1}},
	{"github.com/gogo/protobuf", [6]int{2, 2, 2, 2, 2, 2}},
	{"github.com/google/gofuzz", [6]int{2, 2, 2, 2, 2, 2}},
	{"github.com/json-iterator/go", [6]int{1, 1, 1, 1, 1, 1}},
	{"github.com/modern-go/concurrent", [6]int{1, 1, 1, 1, 1, 1}},
	{"github.com/modern-go/reflect2", [6]int{1, 1, 1, 1, 1, 1}},
	{module, [6]int{1, 3, 9, 7, 12, 13}}, // with the internal packages that they share
	{"github.com/x448/float16", [6]int{1, 1, 1, 1, 1, 1}},
	{"go.yaml.in/yaml/v3", [6]int{0, 1, 1, 1, 1, 1}}, // policy.Parse: it tells the lines of errors
	{"golang.org/x/net", [6]int{4, 4, 4, 4, 4, 4}},
	{"golang.org/x/text", [6]int{4, 4, 4, 4, 4, 4}},
	{"gopkg.in/inf.v0", [6]int{1, 1, 1, 1, 1, 1}},
	{"gopkg.in/yaml.v2", [6]int{1, 1, 1, 1, 1, 1}},
	{"k8s.io/api", [6]int{3, 3, 3, 3, 5, 5}}, // podfence: apps and batch, for AdmitObject
	{"k8s.io/apimachinery", [6]int{25, 25, 25, 25, 25, 25}},
	{"k8s.io/component-base", [6]int{1, 1, 1, 1, 1, 1}},
	{"k8s.io/klog/v2", [6]int{7, 7, 7, 7, 7, 7}},
	{"k8s.io/pod-security-admission", [6]int{1, 1, 1, 1, 1, 1}},
	{"k8s.io/utils", [6]int{4, 4, 4, 4, 4, 4}},
	{"sigs.k8s.io/json", [6]int{2, 2, 2, 2, 2, 2}},
	{"sigs.k8s.io/structured-merge-diff/v4", [6]int{1, 1, 1, 1, 1, 1}},
}

// required are the modules that the go.mod of an embedder of the root package has
// to require beside podfence, if it requires nothing else.
var required = []string{
	"github.com/fxamacker/cbor/v2 v2.7.0",
	"github.com/go-logr/logr v1.4.2",
	"github.com/gogo/protobuf v1.3.2",
	"github.com/google/gofuzz v1.2.0",
	"github.com/json-iterator/go v1.1.12",
	"github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd",
	"github.com/modern-go/reflect2 v1.0.2",
	"github.com/x448/float16 v0.8.4",
	"go.yaml.in/yaml/v3 v3.0.4",
	"golang.org/x/net v0.26.0",
	"golang.org/x/text v0.16.0",
	"gopkg.in/inf.v0 v0.9.1",
	"gopkg.in/yaml.v2 v2.4.0",
	"k8s.io/api v0.31.0",
	"k8s.io/apimachinery v0.31.0",
	"k8s.io/component-base v0.31.0",
	"k8s.io/klog/v2 v2.130.1",
	"k8s.io/pod-security-admission v0.31.0",
	"k8s.io/utils v0.0.0-20240711033017-18e509b52bc8",
	"sigs.k8s.io/json v0.0.0-20221116044647-bc3834ca7abd",
	"sigs.k8s.io/structured-merge-diff/v4 v4.4.1",
}

// added are the modules that requiring podfence adds to what requiring its three
// modules of Kubernetes already puts on the list that versions are chosen from. No
// package of rapid is ever compiled by an embedder: tests of this module use it.
var added = []string{
	"github.com/go-json-experiment/json v0.0.0-20250813024750-ebf49471dced",
	module + " v0.0.0",
	"go.yaml.in/yaml/v3 v3.0.4",
	"pgregory.net/rapid v1.2.0",
}

// root is the directory of this module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs the go command in a directory and returns its output.
func run(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	// Which packages a build needs depends on the system; workspaces and flags
	// are whoever's runs the test.
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%s: %v\n%s", cmd, err, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCompiled: what is compiled with each public package.
func TestCompiled(t *testing.T) {
	got, want := map[string][6]int{}, map[string][6]int{}
	for _, row := range compiled {
		want[row.module] = row.counts
	}
	for i, name := range public {
		out := run(t, root(t), "list", "-deps", "-json=Module,Standard", "./"+name)
		for d := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p struct {
				Standard bool
				Module   struct{ Path string }
			}
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if !p.Standard {
				counts := got[p.Module.Path]
				counts[i]++
				got[p.Module.Path] = counts
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packages compiled with %q (-want +got):\n%s", public, diff)
	}
}

// embed makes a module that requires others, and a package of it that imports some
// of theirs.
func embed(t *testing.T, requires []string, imports ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	goMod := "module example.com/embedder\n\ngo " + directive(t, "go.mod", "go") + "\n\nreplace " + module + " => " + root(t) + "\n\n"
	for _, r := range requires {
		goMod += "require " + r + "\n"
	}
	source := "package embedder\n"
	for _, i := range imports {
		source += fmt.Sprintf("\nimport _ %q\n", i)
	}
	for name, text := range map[string]string{"go.mod": goMod, "go.sum": read(t, "go.sum"), "embedder.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// lines are the lines of a text without the empty ones.
func lines(text []byte) []string {
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' })
}

// TestRequired: what the go.mod of an embedder that had none is made to require.
func TestRequired(t *testing.T) {
	dir := embed(t, []string{module + " v0.0.0"}, module)
	run(t, dir, "list", "-deps", ".") // completes go.mod
	var goMod struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(run(t, dir, "mod", "edit", "-json"), &goMod); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range goMod.Require {
		if r.Path != module {
			got = append(got, r.Path+" "+r.Version)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(required, got); diff != "" {
		t.Errorf("an embedder's go.mod (-want +got):\n%s", diff)
	}
}

// TestAdded: podfence adds next to nothing to the build list that Kubernetes' own
// modules give, and raises no version of it.
func TestAdded(t *testing.T) {
	var kubernetes []string
	for _, name := range []string{"api", "apimachinery", "pod-security-admission"} {
		kubernetes = append(kubernetes, "k8s.io/"+name+" "+directive(t, "go.mod", "k8s.io/"+name))
	}
	list := func(requires []string) []string {
		return lines(run(t, embed(t, requires), "list", "-m", "-f", "{{if not .Main}}{{.Path}} {{.Version}}{{end}}", "all"))
	}
	without, with := list(kubernetes), list([]string{module + " v0.0.0"})
	var got []string
	for _, m := range with {
		if !slices.Contains(without, m) {
			got = append(got, m)
		}
	}
	if diff := cmp.Diff(added, got); diff != "" {
		t.Errorf("added to the build list, or raised (-want +got):\n%s", diff)
	}
	if len(without) < 50 {
		t.Errorf("Kubernetes' own build list has %d modules: too few to be it", len(without))
	}
}

// directive is what a go.mod of this repository says after a word: the version of
// a required module, or of Go.
func directive(t *testing.T, file, word string) string {
	t.Helper()
	text := read(t, file)
	m := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(word) + ` (\S+)`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%s does not name %s", file, word)
	}
	return m[1]
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestVersions: the table of docs/versions.md, which tools/embed goes through, has
// every minor version of Kubernetes from the floor that go.mod names to the newest
// that internal/conformance tests, and no Go older than the library's.
func TestVersions(t *testing.T) {
	const newest = "internal/conformance/go.mod"
	rows := regexp.MustCompile(`(?m)^\| v0\.(\d+)\.(\d+) \| (1\.\d+\.\d+) \| (?:v0\.\d+\.\d+|-) \|`).FindAllStringSubmatch(read(t, "docs/versions.md"), -1)
	if len(rows) < 7 {
		t.Fatalf("%d rows, want 7 at least", len(rows))
	}
	for i := 1; i < len(rows); i++ {
		if number(t, rows[i][1]) != number(t, rows[i-1][1])+1 {
			t.Errorf("v0.%s follows v0.%s", rows[i][1], rows[i-1][1])
		}
	}
	for _, module := range []string{"k8s.io/api", "k8s.io/apimachinery", "k8s.io/pod-security-admission"} {
		for file, row := range map[string][]string{"go.mod": rows[0], newest: rows[len(rows)-1]} {
			if got, want := "v0."+row[1]+"."+row[2], directive(t, file, module); got != want {
				t.Errorf("the table has %s where %s has %s %s", got, file, module, want)
			}
		}
	}
	if got, want := rows[0][3], directive(t, "go.mod", "go"); got != want {
		t.Errorf("the table begins with Go %s, go.mod with %s", got, want)
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
