package main

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/schema"
	"github.com/podfence/podfence/policy"
)

// root is the module's root, as the tests see it.
const root = "../.."

// read is the text of a file of the module.
func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// blocks returns the fenced blocks of a language in a Markdown file.
func blocks(t *testing.T, file, language string) []string {
	t.Helper()
	var found []string
	for i, part := range strings.Split(read(t, file), "```") {
		if code, ok := strings.CutPrefix(part, language+"\n"); ok && i%2 == 1 {
			found = append(found, code)
		}
	}
	return found
}

// TestDocumentedCodeCompiles: the code of the pages stands in examples that are
// compiled and run.
func TestDocumentedCodeCompiles(t *testing.T) {
	for page, files := range map[string][]string{
		"README.md":         {"example_test.go"},
		"docs/embedding.md": {"example_test.go", "review/example_test.go", "review/example_test.go"},
	} {
		code := blocks(t, page, "go")
		if len(code) != len(files) {
			t.Fatalf("%d blocks of Go in %s, want %d", len(code), page, len(files))
		}
		for i, file := range files {
			indented := "\t" + strings.ReplaceAll(strings.TrimSuffix(code[i], "\n"), "\n", "\n\t")
			if !strings.Contains(read(t, file), strings.ReplaceAll(indented, "\t\n", "\n")) {
				t.Errorf("%s does not hold the code of %s:\n%s", file, page, indented)
			}
		}
	}
}

// TestDocumentedPoliciesParse: every policy in the documentation is one, and
// the page of the format shows each key with its real default.
func TestDocumentedPoliciesParse(t *testing.T) {
	parsed := 0
	for _, file := range []string{"docs/start.md", "docs/policies.md"} {
		for _, block := range blocks(t, file, "yaml") {
			policies, err := policy.Parse([]byte(block), file)
			if err != nil {
				t.Errorf("%s:\n%v", file, err)
			}
			parsed += len(policies)
		}
	}
	if parsed != 3 {
		t.Errorf("%d documented policies, want 3", parsed)
	}
}

// TestPoliciesNameTheirSchema: the first line of every example policy has editors
// find the schema: of those in the documentation where it is published, of the files
// the one of the same clone.
func TestPoliciesNameTheirSchema(t *testing.T) {
	const names = "# yaml-language-server: $schema="
	documented := blocks(t, "docs/policies.md", "yaml")
	for _, block := range documented {
		if !strings.HasPrefix(block, names+schema.URL+"\n") {
			t.Errorf("docs/policies.md has a policy without the line %s%s:\n%s", names, schema.URL, block)
		}
	}
	named := 0
	err := fs.WalkDir(os.DirFS(root), "examples", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".yaml" || path.Base(path.Dir(file)) != "policies" {
			return err
		}
		text := read(t, file)
		if _, err := policy.Parse([]byte(text), file); err != nil {
			return nil // a kustomization
		}
		line, _, _ := strings.Cut(text, "\n")
		way, ok := strings.CutPrefix(line, names)
		if !ok || path.Join(path.Dir(file), way) != "docs/policy.schema.json" {
			t.Errorf("%s begins with %q, want %s and the way to docs/policy.schema.json", file, line, names)
		}
		named++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(documented) != 2 || named < 3 {
		t.Errorf("%d policies in the documentation and %d files, want 2 and at least 3", len(documented), named)
	}
}

// TestDocumentedDefaults: the page of the format writes the defaults out, so
// that its policy without them is the same policy, the keys aside that have no
// value for their default.
func TestDocumentedDefaults(t *testing.T) {
	policies, err := policy.Parse([]byte(blocks(t, "docs/policies.md", "yaml")[0]), "")
	if err != nil {
		t.Fatal(err)
	}
	p := policies[0]
	for name, same := range map[string]bool{
		"volumes":                  cmp.Equal(p.Allow.Volumes, policy.DefaultVolumes()),
		"dropAllCapabilities":      p.Mutations.DropsAllCapabilities() == (&policy.Mutations{}).DropsAllCapabilities(),
		"setDefaultSeccompProfile": p.Mutations.SetsSeccompProfile() == (&policy.Mutations{}).SetsSeccompProfile(),
		"supplementalGroups":       cmp.Equal(p.SupplementalGroupsFill(), policy.Default().SupplementalGroupsFill()),
	} {
		if !same {
			t.Errorf("%s is not documented with its default", name)
		}
	}
	for name, f := range map[string]func(*policy.Policy) (int64, bool){
		"runAsGroup": (*policy.Policy).GroupFill, "fsGroup": (*policy.Policy).FSGroupFill,
	} {
		got, _ := f(&p)
		if want, _ := f(policy.Default()); got != want {
			t.Errorf("%s is documented as %d, and is %d by default", name, got, want)
		}
	}
	p.Allow.Volumes, p.Allow.RunAsUser, p.Allow.UserNamespace = nil, policy.UserRule{}, ""
	p.Allow.RunAsGroup, p.Allow.FSGroup, p.Allow.SupplementalGroups = policy.GroupRule{}, policy.GroupRule{}, policy.SupplementalGroupsRule{}
	if diff := cmp.Diff(policy.Allow{}, p.Allow); diff != "" {
		t.Errorf("allow is not documented with its defaults (-default +documented):\n%s", diff)
	}
}

// TestEveryKeyIsDocumented: the page of the format shows every key of a policy.
func TestEveryKeyIsDocumented(t *testing.T) {
	var page map[string]any
	if err := yaml.Unmarshal([]byte(blocks(t, "docs/policies.md", "yaml")[0]), &page); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, key := range policy.Keys() {
		block, name, _ := strings.Cut(key.String(), ".")
		if keys, _ := page[block].(map[string]any); keys[name] == nil {
			t.Errorf("docs/policies.md does not show %s", key)
			continue
		}
		shown++
	}
	if shown < 31 {
		t.Errorf("%d keys are shown, want 31 at least", shown)
	}
}

var (
	testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	testName     = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)
	testCommand  = regexp.MustCompile("(?:cd (\\S+) && )?(?:\\w+=\\S+ )*go test ([^`\n]+)")
)

// tree is what the module's files say of tests: the tests of each folder, and the
// documents that may name some.
type tree struct {
	tests     map[string][]string
	documents []string
}

func walk(t *testing.T) tree {
	t.Helper()
	found := tree{tests: map[string][]string{}}
	err := fs.WalkDir(os.DirFS(root), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch {
		case strings.HasSuffix(file, "_test.go"):
			for _, m := range testFunction.FindAllStringSubmatch(read(t, file), -1) {
				found.tests[path.Dir(file)] = append(found.tests[path.Dir(file)], m[1])
			}
		case path.Ext(file) == ".md" || path.Base(file) == "doc.go" || strings.HasPrefix(file, ".ci/"):
			found.documents = append(found.documents, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestNamedTestsExist: a test that the documentation names exists, so that a
// claim cannot outlive its test.
func TestNamedTestsExist(t *testing.T) {
	tree, named := walk(t), 0
	defined := slices.Concat(slices.Collect(maps.Values(tree.tests))...)
	for _, file := range tree.documents {
		for _, name := range testName.FindAllString(read(t, file), -1) {
			named++
			// A pattern of -run names all tests that begin so.
			if !slices.ContainsFunc(defined, func(d string) bool { return strings.HasPrefix(d, name) }) {
				t.Errorf("%s names %s, which does not exist", file, name)
			}
		}
	}
	if named < 60 {
		t.Errorf("%d tests are named in %d documents, want 60 at least", named, len(tree.documents))
	}
}

// TestDocumentedCommandsRunTests: a command of the documentation that asks for
// tests by name finds one in the folder where it looks, seen from the root or from
// the document. The go command itself is content with none.
func TestDocumentedCommandsRunTests(t *testing.T) {
	tree, commands := walk(t), 0
	for _, file := range tree.documents {
		if path.Ext(file) != ".md" {
			continue
		}
		for _, m := range testCommand.FindAllStringSubmatch(read(t, file), -1) {
			words := strings.Fields(strings.ReplaceAll(m[2], "'", ""))
			dir := path.Join(m[1], words[len(words)-1])
			for i, word := range words[:len(words)-1] {
				pattern := words[i+1]
				if word != "-run" && word != "-fuzz" || pattern == "^$" {
					continue
				}
				commands++
				there := slices.Concat(tree.tests[dir], tree.tests[path.Join(path.Dir(file), dir)])
				if !slices.ContainsFunc(there, regexp.MustCompile(pattern).MatchString) {
					t.Errorf("%s: %q finds no test in %q", file, m[0], dir)
				}
			}
		}
	}
	if commands < 12 {
		t.Errorf("%d commands ask for tests by name, want 12 at least", commands)
	}
}
