package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/podfence/podfence/examples/podfence/internal/finding"
	"github.com/podfence/podfence/internal/anchor"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestComplete: every check, every rule of a policy's own, every concern, every notice and every reason has one rule, with all that a
// reader looks for, and no text that is empty, longer than GitHub takes or not printable.
func TestComplete(t *testing.T) {
	var workloads []string
	for id := spec.CheckID(1); id.Control() != nil; id++ {
		workloads = append(workloads, id.String())
	}
	for _, d := range policy.Demands() {
		workloads = append(workloads, d.Key.String())
	}
	workloads = append(append(workloads, constants(t, "mutate", "Concern")...), UnknownField, finding.UndecidedRule)
	workloads = append(workloads, constants(t, "policy", "NoticeReason")...)
	compare(t, OfWorkloads(), workloads, 19+7+5+3+2)
	compare(t, OfPolicies(), append(constants(t, "policy", "WarningReason"), PolicyError), 19+1)
}

func compare(t *testing.T, rules []finding.Rule, ids []string, count int) {
	t.Helper()
	if len(rules) != count {
		t.Errorf("%d rules, want %d", len(rules), count)
	}
	have := map[string]bool{}
	for _, r := range rules {
		if have[r.ID] {
			t.Errorf("%s has two rules", r.ID)
		}
		have[r.ID] = true
		for what, text := range map[string]string{"title": r.Title, "description": r.Description, "help": r.Help, "Markdown": r.Markdown, "URI": r.URI} {
			if text == "" || len(text) > 1024 && what != "help" && what != "Markdown" || spec.Printable(strings.ReplaceAll(text, "\n", "")) != strings.ReplaceAll(text, "\n", "") {
				t.Errorf("the %s of %s is %q", what, r.ID, text)
			}
		}
	}
	for _, id := range ids {
		if !have[id] {
			t.Errorf("%s has no rule", id)
		}
	}
}

// constants are those of a type in a package of the library, by their values.
func constants(t *testing.T, pkg, of string) (values []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../../..", pkg, "*.go"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files in %s (%v)", len(files), pkg, err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.ValueSpec)
			if !ok || len(s.Values) != 1 {
				return true
			}
			if typ, ok := s.Type.(*ast.Ident); ok && typ.Name == of {
				value, err := strconv.Unquote(s.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, value)
			}
			return true
		})
	}
	return values
}

// TestPages: every URI leads to a heading of a page that there is.
func TestPages(t *testing.T) {
	anchors := 0
	for _, r := range append(OfWorkloads(), OfPolicies()...) {
		page, fragment, found := strings.Cut(strings.TrimPrefix(r.URI, docs), "#")
		text, err := os.ReadFile(filepath.Join("../../../../docs", page))
		if err != nil {
			t.Errorf("%s: %v", r.ID, err)
			continue
		}
		if !found {
			continue
		}
		anchors++
		if !headings(string(text))[fragment] {
			t.Errorf("%s: docs/%s has no heading for #%s", r.ID, page, fragment)
		}
		// That page has links of its own to its headings.
		if r.Score > 0 && !strings.Contains(r.Title, "own rule") && !strings.Contains(string(text), "](#"+fragment+")") {
			t.Errorf("%s: docs/%s does not link to #%s itself", r.ID, page, fragment)
		}
	}
	if anchors < 19 {
		t.Errorf("%d URIs lead to headings, want 19 at least", anchors)
	}
}

func headings(page string) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(page) {
		if marks, heading, _ := strings.Cut(line, " "); strings.Trim(marks, "#") == "" {
			found[anchor.Of(strings.TrimSpace(heading))] = true
		}
	}
	return found
}
