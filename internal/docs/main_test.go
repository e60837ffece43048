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

// TestCurrent: the page in the tree is the one that the table gives.
func TestCurrent(t *testing.T) {
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "controls.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(controlsPage(), string(got)); diff != "" {
		t.Errorf("docs/controls.md is out of date: run go generate . (-table +page):\n%s", diff)
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
