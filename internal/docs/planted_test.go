package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryPlantedBugHasItsRow: tools/bite wants the row of each planted bug in
// docs/proof.md, but only after it has tried the bug. What a bug and its tests are
// called can be compared in a moment, and the table has no row of a bug that went.
func TestEveryPlantedBugHasItsRow(t *testing.T) {
	patches, err := filepath.Glob("../../tools/planted/*.patch")
	if err != nil {
		t.Fatal(err)
	}
	if len(patches) < 50 {
		t.Fatalf("%d planted bugs, want 50 or more", len(patches))
	}
	_, table, found := strings.Cut(read(t, "docs/proof.md"), "\n| bug | caught by |\n|---|---|\n")
	if !found {
		t.Fatal("docs/proof.md has no table of planted bugs")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	for _, patch := range patches {
		content, err := os.ReadFile(patch)
		if err != nil {
			t.Fatal(err)
		}
		row := rowOf(string(content))
		i := slices.Index(rows, row)
		if i < 0 {
			t.Errorf("%s: docs/proof.md does not have this row:\n%s", filepath.Base(patch), row)
			continue
		}
		rows = slices.Delete(rows, i, i+1)
	}
	for _, row := range rows {
		t.Errorf("docs/proof.md has the row of a bug that is not planted:\n%s", row)
	}
}

var (
	bugLine  = regexp.MustCompile(`(?m)^Bug: (.*)$`)
	testLine = regexp.MustCompile(`(?m)^Test: (\S+) (\S+)`)
)

// rowOf is the row that tools/bite prints of a planted bug that is caught.
func rowOf(patch string) string {
	var tests []string
	for _, m := range testLine.FindAllStringSubmatch(patch, -1) {
		tests = append(tests, "`"+m[1]+" "+strings.NewReplacer("^", "", "$", "").Replace(m[2])+"`")
	}
	return "| " + bugLine.FindStringSubmatch(patch)[1] + " | " + strings.Join(tests, ", ") + " |"
}
