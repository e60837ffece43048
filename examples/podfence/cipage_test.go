package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCIPage: the commands of the page about pipelines run, in the
// folder that it describes, and print what it shows.
func TestCIPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"manifests", "policies"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join("..", name))); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	commands, lines := 0, 0
	var said string
	for i, block := range strings.Split(string(page), "```") {
		language, text, _ := strings.Cut(block, "\n")
		switch {
		case i%2 == 0:
			// Commands stand indented in the text too.
			for line := range strings.Lines(block) {
				if command, ok := strings.CutPrefix(line, "    podfence "); ok {
					runDocumented(t, command)
					commands++
				}
			}
		case language == "sh":
			said = ""
			for line := range strings.Lines(text) {
				said += runDocumented(t, strings.TrimPrefix(line, "podfence "))
				commands++
			}
		case language == "text":
			for line := range strings.Lines(text) {
				if lines++; !strings.Contains(said, line) {
					t.Errorf("the page shows\n%swhich is not in\n%s", line, said)
				}
			}
		}
	}
	if commands != 6 || lines != 6 {
		t.Errorf("%d commands and %d lines of output are documented, want 6 and 6", commands, lines)
	}
}

// runDocumented runs a command line, which must succeed, without where a shell would write its output,
// and returns what it says.
func runDocumented(t *testing.T, line string) string {
	t.Helper()
	line, _, _ = strings.Cut(strings.TrimSpace(line), " > ")
	var out, stderr bytes.Buffer
	if status := run(strings.Fields(line), strings.NewReader(""), &out, &stderr); status != statusAllowed {
		t.Errorf("podfence %s: status %d: %s", line, status, &stderr)
	}
	return out.String() + stderr.String()
}
