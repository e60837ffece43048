package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWithoutAProxy: that nothing can be known is no finding, and no silence.
func TestWithoutAProxy(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOFLAGS", "-modcacherw")
	t.Setenv("GOMODCACHE", t.TempDir())
	printed := filepath.Join(t.TempDir(), "stdout")
	file, err := os.Create(printed)
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = file
	found, err := check([]string{"."})
	os.Stdout = stdout
	text, readErr := os.ReadFile(printed)
	if found || err != nil || readErr != nil || !strings.HasPrefix(string(text), "NOTHING WAS CHECKED: ") {
		t.Errorf("found %v, %v, %v, printed %q", found, err, readErr, text)
	}
}

// TestWrite: the index knows each module's vulnerabilities once, and too few reports
// are no database.
func TestWrite(t *testing.T) {
	reports, database := t.TempDir(), t.TempDir()
	for i := range fewest {
		text := fmt.Sprintf(`{"id":"GO-%d","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"name":"m%d"}},{"package":{"name":"m%[2]d"}}]}`, i, i%2)
		if err := os.WriteFile(filepath.Join(reports, fmt.Sprintf("GO-%d.json", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := write(reports, database); err != nil || n != fewest {
		t.Errorf("%d reports, %v", n, err)
	}
	index, err := os.ReadFile(filepath.Join(database, "index", "modules.json"))
	if n := strings.Count(string(index), `"id"`); err != nil || n != fewest || strings.Count(string(index), `"path"`) != 2 {
		t.Errorf("%d vulnerabilities in the index, %v", n, err)
	}
	if err := os.Remove(filepath.Join(reports, "GO-0.json")); err != nil {
		t.Fatal(err)
	}
	if _, err := write(reports, t.TempDir()); err == nil {
		t.Error("a directory of too few reports is a database")
	}
}
