package podfence_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/podfence/podfence/policy"
)

// blocks returns the fenced blocks of a language in a Markdown file.
func blocks(t *testing.T, file, language string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for i, part := range strings.Split(string(data), "```") {
		if code, ok := strings.CutPrefix(part, language+"\n"); ok && i%2 == 1 {
			found = append(found, code)
		}
	}
	return found
}

// TestReadmeCodeCompiles: the README's code stands in ExampleAdmit, which is
// compiled and run.
func TestReadmeCodeCompiles(t *testing.T) {
	code := blocks(t, "README.md", "go")
	if len(code) != 1 {
		t.Fatalf("%d blocks of Go in the README, want 1", len(code))
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	indented := "\t" + strings.ReplaceAll(strings.TrimSuffix(code[0], "\n"), "\n", "\n\t")
	if !strings.Contains(string(example), strings.ReplaceAll(indented, "\t\n", "\n")) {
		t.Errorf("example_test.go does not hold the README's code:\n%s", indented)
	}
}

// TestDocumentedPoliciesParse: every policy in the documentation is one, and
// the page of the format shows each key with its real default.
func TestDocumentedPoliciesParse(t *testing.T) {
	parsed := 0
	for _, file := range []string{"README.md", filepath.Join("docs", "policies.md")} {
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

// TestDocumentedDefaults: the page of the format writes the defaults out, so
// that its policy without them is the same policy, the two keys aside that have
// no value for their default.
func TestDocumentedDefaults(t *testing.T) {
	policies, err := policy.Parse([]byte(blocks(t, filepath.Join("docs", "policies.md"), "yaml")[0]), "")
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
	type fill func(*policy.Policy) (int64, bool)
	for name, f := range map[string]fill{"runAsGroup": (*policy.Policy).GroupFill, "fsGroup": (*policy.Policy).FSGroupFill} {
		got, _ := f(&p)
		if want, _ := f(policy.Default()); got != want {
			t.Errorf("%s is documented as %d, and is %d by default", name, got, want)
		}
	}
	p.Allow.Volumes = nil
	p.Allow.RunAsUser, p.Allow.RunAsGroup, p.Allow.FSGroup, p.Allow.SupplementalGroups = policy.UserRule{}, policy.GroupRule{}, policy.GroupRule{}, policy.GroupRule{}
	if diff := cmp.Diff(policy.Allow{}, p.Allow); diff != "" {
		t.Errorf("allow is not documented with its defaults (-default +documented):\n%s", diff)
	}
}

var testName = regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)

// TestNamedTestsExist: a test that the documentation names exists, so that a
// claim cannot outlive its test.
func TestNamedTestsExist(t *testing.T) {
	var defined, documents []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch {
		case strings.HasSuffix(path, "_test.go"):
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(read(t, path), -1) {
				defined = append(defined, m[1])
			}
		case filepath.Ext(path) == ".md" || filepath.Base(path) == "doc.go" || strings.HasPrefix(path, ".ci"):
			documents = append(documents, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, path := range documents {
		for _, name := range testName.FindAllString(read(t, path), -1) {
			named++
			// A pattern of -run names all tests that begin so.
			if !slices.ContainsFunc(defined, func(d string) bool { return strings.HasPrefix(d, name) }) {
				t.Errorf("%s names %s, which does not exist", path, name)
			}
		}
	}
	if named < 60 {
		t.Errorf("%d tests are named in %d documents, want 60 at least", named, len(documents))
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
