package main

import (
	"strings"
	"testing"
)

// TestTestingPage: the code of docs/testing.md stands in tests that run, and what it
// prints in files that tests compare with.
func TestTestingPage(t *testing.T) {
	for language, files := range map[string][]string{
		"go": {"examples/unittest/manifests_test.go", "examples/unittest/operator_test.go", "examples/unittest/helm/chart_test.go"},
		"":   {"podfencetest/example_test.go", "examples/unittest/testdata/filled.golden"},
	} {
		code := blocks(t, "docs/testing.md", language)
		if len(code) != len(files) {
			t.Errorf("%d blocks of %q in docs/testing.md, want %d", len(code), language, len(files))
			continue
		}
		for i, file := range files {
			// What an example prints stands in a comment.
			text := strings.ReplaceAll(strings.ReplaceAll(read(t, file), "\t// ", ""), "\t//\n", "\n")
			if !strings.Contains(text, code[i]) && !strings.Contains(read(t, file), code[i]) {
				t.Errorf("%s does not hold what docs/testing.md shows:\n%s", file, code[i])
			}
		}
	}
}
