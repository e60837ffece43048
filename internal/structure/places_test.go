package structure

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The tests below read the source and run none of it, so that they name the
// place that was forgotten also where the library no longer compiles, or panics
// before its own tests begin. CONTRIBUTING has the places in the same order.

// source is a folder of the module, its tests aside, by the names of its files.
type source map[string]*ast.File

func parseDir(t *testing.T, dir string) source {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := source{}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = file
	}
	if len(files) == 0 {
		t.Fatalf("no files of Go in %s", dir)
	}
	return files
}

// constants are the exported constants of a type that counts from its first one
// on, as a file declares them.
func (s source) constants(t *testing.T, file, typ string) (names []string) {
	t.Helper()
	if s[file] == nil {
		t.Fatalf("there is no file %s", file)
	}
	for _, declared := range s[file].Decls {
		block, ok := declared.(*ast.GenDecl)
		if !ok || block.Tok != token.CONST || !isOf(block.Specs[0], typ) {
			continue
		}
		for _, one := range block.Specs {
			for _, name := range one.(*ast.ValueSpec).Names {
				if name.IsExported() {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}

func isOf(first ast.Spec, typ string) bool {
	id, ok := first.(*ast.ValueSpec).Type.(*ast.Ident)
	return ok && id.Name == typ
}

// names reports whether the code of a node names an identifier, of its own
// package or of another one.
func names(n ast.Node, identifier string) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == identifier
		return !found
	})
	return found
}

// name reports whether the code of a file does; a file that is not there does not.
func (s source) name(file, identifier string) bool {
	return s[file] != nil && names(s[file], identifier)
}

// row reports whether the value of a variable of a file has an identifier for one
// of its keys or, where it has none, for one of its elements.
func (s source) row(t *testing.T, file, variable, identifier string) bool {
	t.Helper()
	for _, declared := range s[file].Decls {
		block, ok := declared.(*ast.GenDecl)
		if !ok || block.Tok != token.VAR {
			continue
		}
		for _, one := range block.Specs {
			value := one.(*ast.ValueSpec)
			if value.Names[0].Name == variable {
				return slices.ContainsFunc(rowsOf(value), func(row ast.Expr) bool { return names(row, identifier) })
			}
		}
	}
	t.Fatalf("%s has no variable %s", file, variable)
	return false
}

// rowsOf are the keys or the elements of the first composite literal in a value.
func rowsOf(value *ast.ValueSpec) (rows []ast.Expr) {
	var table *ast.CompositeLit
	ast.Inspect(value.Values[0], func(n ast.Node) bool {
		if literal, ok := n.(*ast.CompositeLit); ok && table == nil {
			table = literal
		}
		return table == nil
	})
	for _, row := range table.Elts {
		if pair, ok := row.(*ast.KeyValueExpr); ok {
			row = pair.Key
		}
		rows = append(rows, row)
	}
	return rows
}

// cases reports whether a function of a file has a case for an identifier.
func (s source) cases(t *testing.T, file, function, identifier string) (found bool) {
	t.Helper()
	met := false
	for _, declared := range s[file].Decls {
		f, ok := declared.(*ast.FuncDecl)
		if !ok || f.Name.Name != function {
			continue
		}
		met = true
		ast.Inspect(f, func(n ast.Node) bool {
			if clause, ok := n.(*ast.CaseClause); ok {
				found = found || slices.ContainsFunc(clause.List, func(e ast.Expr) bool { return names(e, identifier) })
			}
			return true
		})
	}
	if !met {
		t.Fatalf("%s has no function %s", file, function)
	}
	return found
}

// testing finds the file and the variable of the control whose Checks have an ID.
func (s source) testing(id string) (file, control string) {
	for name, parsed := range s {
		for _, declared := range parsed.Decls {
			block, ok := declared.(*ast.GenDecl)
			if !ok || block.Tok != token.VAR {
				continue
			}
			for _, one := range block.Specs {
				value := one.(*ast.ValueSpec)
				if len(value.Values) == 1 && isControl(value.Values[0]) && hasID(value.Values[0], id) {
					return name, value.Names[0].Name
				}
			}
		}
	}
	return "", ""
}

func isControl(value ast.Expr) bool {
	literal, ok := value.(*ast.CompositeLit)
	if !ok {
		return false
	}
	typ, ok := literal.Type.(*ast.Ident)
	return ok && typ.Name == "Control"
}

func hasID(control ast.Expr, id string) (found bool) {
	ast.Inspect(control, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		found = found || ok && names(pair.Key, "ID") && names(pair.Value, id)
		return !found
	})
	return found
}

// place is one that a new row of the standard or of the format needs: whether it
// has it, and what to do where it has not.
type place struct {
	taken bool
	todo  string
}

// next names the first place that is not taken. Those after it may be missing too.
func next(t *testing.T, what string, places ...place) {
	t.Helper()
	for _, p := range places {
		if !p.taken {
			t.Errorf("%s: next, %s", what, p.todo)
			return
		}
	}
}

// inEvaluate is the file of evaluate that finds what a file of spec defines: of
// the same name, but that hostPath volumes are found where all volumes are.
func inEvaluate(file string) string {
	if file == "hostpath.go" {
		return "volumes.go"
	}
	return file
}

// walked reports whether walk.go calls one of the methods that a file has.
func (s source) walked(file string) bool {
	if s[file] == nil {
		return false
	}
	return slices.ContainsFunc(s[file].Decls, func(d ast.Decl) bool {
		f, ok := d.(*ast.FuncDecl)
		return ok && f.Recv != nil && s.name("walk.go", f.Name.Name)
	})
}

// TestEveryCheckHasItsPlaces: each check is declared, found, excused and restated.
// evaluate finds it in the file that is named like the one of spec.
func TestEveryCheckHasItsPlaces(t *testing.T) {
	spec, policy, evaluate := parseDir(t, "spec"), parseDir(t, "policy"), parseDir(t, "evaluate")
	restated := parseDir(t, "internal/restated")
	ids := spec.constants(t, "check.go", "CheckID")
	for _, id := range ids {
		file, control := spec.testing(id)
		next(t, id,
			place{spec.row(t, "check.go", "checkNames", id), "give it its ID in checkNames of spec/check.go"},
			place{file != "", "give it a row in Checks of its Control, in the control's file in spec/"},
			place{spec.row(t, "control.go", "controls", control), "give " + control + " its place in controls of spec/control.go"},
			place{evaluate.name(inEvaluate(file), id), "find what breaks it in evaluate/" + inEvaluate(file)},
			place{evaluate.walked(inEvaluate(file)), "call the method of evaluate/" + inEvaluate(file) + " in evaluate/walk.go, and see evaluate/plain.go"},
			place{evaluate.row(t, "checks.go", "checks", id), "give it its row in checks of evaluate/checks.go"},
			place{policy.row(t, "granttype.go", "grantTypes", id), "say in grantTypes of policy/granttype.go which grant excuses it"},
			place{restated.name("grants.go", id), "say in internal/restated/grants.go, from the design, what excuses it"},
		)
	}
	if len(ids) < 19 {
		t.Errorf("%d checks, want 19 at least", len(ids))
	}
}

// TestEveryFieldHasItsRow: each field stands in the table of fields, or is the
// source of a volume.
func TestEveryFieldHasItsRow(t *testing.T) {
	spec := parseDir(t, "spec")
	fields := spec.constants(t, "field.go", "Field")
	for _, f := range fields {
		source := strings.HasPrefix(f, "FieldVolume") && spec.row(t, "volumes.go", "volumeTypeTable", f)
		next(t, f, place{source || spec.row(t, "field.go", "fields", f), "give it its row in fields of spec/field.go"})
	}
	if len(fields) < 74 {
		t.Errorf("%d fields, want 74 at least", len(fields))
	}
}

// TestEveryKeyHasItsPath: each key of a policy stands in the table of their paths.
func TestEveryKeyHasItsPath(t *testing.T) {
	policy := parseDir(t, "policy")
	keys := policy.constants(t, "key.go", "Key")
	for _, key := range keys {
		next(t, key, place{policy.row(t, "key.go", "keyPaths", key), "give it its path in keyPaths of policy/key.go"})
	}
	if len(keys) < 29 {
		t.Errorf("%d keys, want 29 at least", len(keys))
	}
}

// TestEveryConditionIsDecided: a condition of a grant that no code knows would
// never be met.
func TestEveryConditionIsDecided(t *testing.T) {
	policy := parseDir(t, "policy")
	conditions := policy.constants(t, "granttype.go", "Condition")
	for _, c := range conditions {
		next(t, c, place{policy.cases(t, "granttype.go", "covers", c), "decide it in covers of policy/granttype.go"})
	}
	if len(conditions) < 14 {
		t.Errorf("%d conditions, want 14 at least", len(conditions))
	}
}

// TestEveryFillHasItsPlaces: each field that is filled in has a row, is planned
// for, and is written.
func TestEveryFillHasItsPlaces(t *testing.T) {
	plan, mutate := parseDir(t, "internal/plan"), parseDir(t, "mutate")
	fields := plan.constants(t, "field.go", "FieldID")
	fields = slices.DeleteFunc(fields, func(f string) bool { return f == "FieldEnd" })
	for _, f := range fields {
		next(t, f,
			place{plan.row(t, "field.go", "fields", f), "give it its row in fields of internal/plan/field.go"},
			place{plan.name("plan.go", f), "decide in internal/plan/plan.go when it is filled in"},
			place{mutate.name("apply.go", f), "write it to the pod in mutate/apply.go"},
		)
	}
	if len(fields) < 10 {
		t.Errorf("%d fields are filled in, want 10 at least", len(fields))
	}
}
