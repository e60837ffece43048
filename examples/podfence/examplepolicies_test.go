package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/podfence/podfence/policy"
)

const testSchemaFile = "../../docs/podfence-test.schema.json"

// TestExamplePolicies: the tests of examples/policies pass, and each of its policies is
// held to what it grants and to what it does not: it governs a workload that is allowed
// by it, and one that is denied.
func TestExamplePolicies(t *testing.T) {
	var out, stderr bytes.Buffer
	if status := run([]string{"test", "../policies", "-o", "json"}, strings.NewReader(""), &out, &stderr); status != statusAllowed {
		t.Fatalf("status %d\n%s%s", status, &out, &stderr)
	}
	cases := 0
	for d := json.NewDecoder(&out); d.More(); cases++ {
		var r testRecord
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if !r.Passed || len(r.Workloads) == 0 {
			t.Errorf("%s:%d %s: passed: %t, workloads: %d", r.File, r.Line, r.Name, r.Passed, len(r.Workloads))
		}
	}
	if cases < 38 {
		t.Errorf("%d cases, want 38 at least", cases)
	}
	for dir, count := range map[string]int{"../policies": 9, "../policies/platform": 2} {
		policies, err := policy.ReadDir(dir)
		if err != nil || len(policies) < count {
			t.Fatalf("%s: %d policies, want %d at least (%v)", dir, len(policies), count, err)
		}
		for i := range policies {
			text, err := os.ReadFile(filepath.Join(dir, "tests", policies[i].Name+".podfence-test.yaml"))
			if err != nil {
				t.Errorf("%s has no tests: %v", policies[i].Name, err)
			}
			for _, want := range []string{"policy: " + policies[i].Name, "verdict: allowed", "violations:"} {
				if !bytes.Contains(text, []byte(want)) {
					t.Errorf("the tests of %s lack %q", policies[i].Name, want)
				}
			}
		}
	}
}

// TestTestsNameTheirSchema: editors find the schema by the first line.
func TestTestsNameTheirSchema(t *testing.T) {
	names, problems := testFiles([]string{"../policies"})
	if problems != nil || len(names) < 2 {
		t.Fatalf("%q %v", names, problems)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		way, ok := strings.CutPrefix(line, "# yaml-language-server: $schema=")
		if !ok || filepath.Join(filepath.Dir(name), way) != filepath.Clean(testSchemaFile) {
			t.Errorf("%s begins with %q", name, line)
		}
	}
}

// TestTestSchemaIsCurrent: the published schema is the one that the command prints.
func TestTestSchemaIsCurrent(t *testing.T) {
	got, err := os.ReadFile(testSchemaFile)
	if want := output(t, "test", "--schema"); err != nil || string(got) != want {
		t.Errorf("%s is not current (%v): go run -C examples/podfence . test --schema > docs/podfence-test.schema.json", testSchemaFile, err)
	}
}

// TestPagesOfPolicies: what the pages about tests and review show is what the files and
// the commands say.
func TestPagesOfPolicies(t *testing.T) {
	page, err := os.ReadFile("../../docs/testing-policies.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := fenced(string(page), "yaml")
	if len(shown) != 1 {
		t.Fatalf("%d files of tests are shown", len(shown))
	}
	file := filepath.Join("../policies/tests", "page.podfence-test.yaml") // which is not there
	path := filepath.Join(t.TempDir(), "page.podfence-test.yaml")
	absolute, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(shown[0], "[../", "["+absolute+"/../")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := output(t, "test", path); !strings.Contains(got, "2 cases in 1 file: 2 passed") {
		t.Errorf("what the page shows:\n%s", got)
	}
	own, err := os.ReadFile("../policies/tests/route-manager.podfence-test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(own)))
	for _, line := range slices.Collect(strings.Lines(shown[0]))[1:] {
		if !slices.Contains(lines, line) {
			t.Errorf("examples/policies/tests has no line %q", line)
		}
	}
}

// TestShownFailure: the failure on the page is one that a script has from the command.
func TestShownFailure(t *testing.T) {
	page, err := os.ReadFile("../../docs/testing-policies.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/test.txtar")
	if err != nil {
		t.Fatal(err)
	}
	shown := fenced(string(page), "text")
	if len(shown) != 1 || !strings.Contains(string(script), shown[0]) {
		t.Errorf("testdata/script/test.txtar has not what the page shows:\n%s", shown)
	}
}

// fenced are the blocks of a language in a page.
func fenced(page, language string) (found []string) {
	for i, part := range strings.Split(page, "```") {
		if code, ok := strings.CutPrefix(part, language+"\n"); ok && i%2 == 1 {
			found = append(found, code)
		}
	}
	return found
}
