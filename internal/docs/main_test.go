package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestCurrent: the files in the tree are those that the tables give.
func TestCurrent(t *testing.T) {
	files, err := generated(os.DirFS(filepath.Join(root, "policy")))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 4 {
		t.Errorf("%d files are generated, want 4", len(files))
	}
	for name, want := range files {
		if diff := cmp.Diff(string(want), read(t, name)); diff != "" {
			t.Errorf("%s is out of date: run go generate . (-table +file):\n%s", name, diff)
		}
	}
}

// TestWhole: the page names every control, check and field of the table.
func TestWhole(t *testing.T) {
	page := controlsPage()
	named := 0
	for _, c := range spec.Controls() {
		if !strings.Contains(page, "## "+c.Title) {
			t.Errorf("the page lacks %q", c.Title)
		}
		for _, row := range policy.GrantTypesOf(c) {
			if !strings.Contains(page, row.String()) {
				t.Errorf("the page lacks the grant %q", row)
			}
		}
		for _, check := range c.Checks {
			named++
			if !strings.Contains(page, "`"+check.ID.String()+"`") {
				t.Errorf("the page lacks the check %s", check.ID)
			}
		}
		for _, f := range c.Fields() {
			if !strings.Contains(page, f.String()) {
				t.Errorf("the page lacks the field %s", f)
			}
		}
	}
	if named != 19 {
		t.Errorf("%d checks named, want 19", named)
	}
}
