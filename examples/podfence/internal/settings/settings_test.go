package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/podfence/podfence/policy"
)

// table has a setting of each sort.
var table = []Setting{
	{Key: "level", Flag: "level", Values: []string{"baseline", "restricted"}},
	{Key: "version", Flag: "version", Pattern: `^v1\.[0-9]+$`, PatternHint: "write a version, as in v1.35"},
	{Key: "name", Flag: "name"},
	{Key: "policies", Flag: "policies", Kind: List, Form: Path},
	{Key: "exclude", Flag: "exclude", Kind: List, Form: Glob, Check: func(text string) error {
		if text == "[" {
			return errors.New("no pattern")
		}
		return nil
	}},
	{Key: "skipPatches", Flag: "skip-patches", Kind: Bool},
}

// rows are files, and what is wrong with them. beyond: no schema can know it.
var rows = []struct {
	name, text string
	said       []string
	beyond     bool
}{
	{"nothing but a comment is a mapping of nothing", "{} # nothing", nil, false},
	{"one of each", "level: baseline\nversion: v1.30\nname: a\npolicies: [a, b]\nexclude: ['*.json']\nskipPatches: true", nil, false},
	{"an empty list", "policies: []", nil, false},
	{"JSON", `{"level": "baseline", "policies": ["a"]}`, nil, false},
	{"an alias of a list", "policies: &p [a]\nexclude: *p", nil, false},
	{"a text that would be a number without quotes", "name: '1'", nil, false},
	{"an unknown key", "colour: red", []string{"1: colour: unknown key; write one of level, version, name, policies, exclude, skipPatches"}, false},
	{"a misspelt key", "levle: baseline", []string{"1: levle: unknown key; write level"}, false},
	{"the flag for the key", "skip-patches: true", []string{"1: skip-patches: unknown key; write skipPatches"}, false},
	{"a merge key", "<<: {level: baseline}", []string{"1: <<: unknown key; write one of level, version, name, policies, exclude, skipPatches"}, true},
	{"a key twice", "level: baseline\nname: a\nlevel: restricted", []string{"3: level: given already in line 1; leave one of them out"}, true},
	{"a key that is no text", "[a]: b", []string{"1: a list stands where a key belongs; write one of level, version, name, policies, exclude, skipPatches"}, true},
	{"a list for the file", "[a]", []string{"1: a list stands where keys belong; write keys with their values, as in level: baseline"}, false},
	{"a text for the file", "baseline", []string{`1: the text "baseline" stands where keys belong; write keys with their values, as in level: baseline`}, false},
	{"two documents", "level: baseline\n---\nname: a", []string{"2: a second document; write one document"}, true},
	{"broken YAML", "level: [", []string{"line 1: did not find expected node content; correct the YAML"}, true},
	{"another word", "level: strict", []string{`1: level: "strict" is no value of level; write baseline or restricted`}, false},
	{"a text that does not match", "version: '1.30'", []string{`1: version: "1.30" is no value of version; write a version, as in v1.35`}, false},
	{"a number for a text", "version: 1.30", []string{`1: version: "1.30", which YAML reads as a number, stands where text belongs; write a version, as in v1.35`}, false},
	{"a boolean for a text", "name: true", []string{`1: name: "true", which YAML reads as a boolean, stands where text belongs; write "true"`}, false},
	{"nothing for a text", "name:", []string{"1: name: nothing stands where text belongs; write text, or leave it out"}, false},
	{"an empty text", "name: ''", []string{"1: name: an empty text; write one, or leave it out"}, false},
	{"a list for a text", "name: [a]", []string{"1: name: a list stands where text belongs; write text, or leave it out"}, false},
	{"a text for a list", "policies: a", []string{`1: policies: the text "a" stands where a list belongs; write ["a"]`}, false},
	{"nothing for a list", "policies:", []string{"1: policies: nothing stands where a list belongs; write a list, or leave the key out"}, false},
	{"entries", "policies:\n- a\n- {b: c}\n-\n- ''\n- 1", []string{
		"3: policies[1]: a block of keys stands where text belongs; write text, or leave it out",
		"4: policies[2]: nothing stands where text belongs; write text, or leave it out",
		"5: policies[3]: an empty text; write one, or leave it out",
		`6: policies[4]: "1", which YAML reads as a number, stands where text belongs; write "1"`,
	}, false},
	{"standard input", "policies: ['-']", []string{"1: policies[0]: standard input cannot be named here; write a file or a directory"}, true},
	{"what a check refuses", "exclude: ['[']", []string{`1: exclude[0]: "[": no pattern`}, true},
	{"another spelling of true", "skipPatches: yes", []string{`1: skipPatches: the text "yes" stands where true or false belongs; write true or false`}, false},
	{"a text that says true", "skipPatches: 'true'", []string{`1: skipPatches: the text "true" stands where true or false belongs; write true or false`}, false},
	{"an alias of itself", "policies: &p [*p]", []string{"1: policies[0]: a list stands where text belongs; write text, or leave it out"}, true},
	{"a key that speaks to a terminal", "\"\\e[2J\": a", []string{`1: \x1b[2J: unknown key; write one of level, version, name, policies, exclude, skipPatches`}, false},
}

// TestParse: everything that is wrong with a file is reported, with its line, its
// key and what to write.
func TestParse(t *testing.T) {
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text), "dir/"+Name, table)
			var said []string
			for _, e := range errorsOf(t, err) {
				text := strings.TrimPrefix(e.Error(), "dir/"+Name+":")
				said = append(said, strings.TrimPrefix(text, " "))
			}
			if diff := cmp.Diff(tt.said, said); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := Parse([]byte("# nothing\n"), Name, table); err != nil {
		t.Errorf("a file of comments: %v", err)
	}
	if _, err := Parse(nil, Name, table); err != nil {
		t.Errorf("an empty file: %v", err)
	}
}

func errorsOf(t *testing.T, err error) (errs policy.Errors) {
	t.Helper()
	if err != nil && !errors.As(err, &errs) {
		t.Fatalf("%T: %v", err, err)
	}
	return errs
}

// TestSchemaAgrees: the schema accepts what Parse accepts, and refuses what Parse
// refuses, but for what no schema can know.
func TestSchemaAgrees(t *testing.T) {
	s := compiled(t, table)
	refused, accepted := 0, 0
	for _, tt := range rows {
		var value any
		if err := yaml.Unmarshal([]byte(tt.text), &value); err != nil {
			if !tt.beyond {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		switch err := s.Validate(value); {
		case tt.said == nil && err != nil:
			t.Errorf("%s: the schema refuses what Parse accepts: %v", tt.name, err)
		case tt.said != nil && err == nil && !tt.beyond:
			t.Errorf("%s: the schema accepts what Parse refuses", tt.name)
		case err != nil:
			refused++
		default:
			accepted++
		}
	}
	if refused < 18 || accepted < 6 {
		t.Errorf("%d refused and %d accepted, want 18 and 6 at least", refused, accepted)
	}
}

func compiled(t testing.TB, table []Setting) *jsonschema.Schema {
	t.Helper()
	text, err := Schema("https://example.com/schema.json", table, func(*Setting) any { return nil })
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", value); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestValues: what a file says, with paths seen from where it stands.
func TestValues(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	odd := "o[d]d*"
	text := "level: baseline\npolicies: [p, ../q, " + dir + "/r]\nexclude: [templates, charts/, charts/*/x, ./y/z, ../v/w, /abs/w]\nskipPatches: false"
	f, err := Parse([]byte(text), filepath.Join(odd, Name), table)
	if err != nil {
		t.Fatal(err)
	}
	anchor := dir + `/o\[d]d\*/`
	for key, want := range map[string]Value{
		"level":    {1, []string{"baseline"}, []string{"baseline"}},
		"policies": {2, []string{odd + "/p", "q", dir + "/r"}, []string{odd + "/p", "q", dir + "/r"}},
		"exclude": {3, []string{"templates", "charts/", "charts/*/x", "./y/z", "../v/w", "/abs/w"},
			[]string{"templates", "charts/", anchor + "charts/*/x", anchor + "y/z", dir + "/v/w", "/abs/w"}},
		"skipPatches": {4, []string{"false"}, []string{"false"}},
	} {
		got, ok := f.Value(key)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	if _, ok := f.Value("version"); ok {
		t.Error("a value that the file does not give")
	}
}

// TestFind: the nearest file counts, and none outside of the Git repository.
func TestFind(t *testing.T) {
	for _, tt := range []struct {
		name        string
		files, dirs []string
		from        string
		want, err   string
	}{
		{"none", nil, []string{"repo/.git"}, "repo/a", "", ""},
		{"here", []string{"repo/a/" + Name}, nil, "repo/a", Name, ""},
		{"above", []string{"repo/" + Name}, []string{"repo/.git"}, "repo/a/b", "../../" + Name, ""},
		{"the nearest", []string{"repo/" + Name, "repo/a/" + Name}, nil, "repo/a/b", "../" + Name, ""},
		{"not above the repository", []string{Name}, []string{"repo/.git"}, "repo/a", "", ""},
		{"nor above a worktree, whose .git is a file", []string{Name, "repo/.git"}, nil, "repo/a", "", ""},
		{"without a repository, up to the root", []string{Name}, nil, "repo/a", "../../" + Name, ""},
		{"the other ending is told", []string{"repo/.podfence.yml"}, []string{"repo/.git"}, "repo/a", "", "repo/.podfence.yml is not read: name it .podfence.yaml"},
		{"unless there is one of the right name", []string{"repo/.podfence.yml", "repo/" + Name}, nil, "repo", Name, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range append(tt.dirs, tt.from) {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			for _, file := range tt.files {
				if err := os.WriteFile(filepath.Join(root, file), nil, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			got, err := Find(filepath.Join(root, tt.from))
			said := ""
			if err != nil {
				said = strings.TrimPrefix(err.Error(), root+"/")
			}
			if got != tt.want || said != tt.err {
				t.Errorf("%q with %q, want %q with %q", got, said, tt.want, tt.err)
			}
		})
	}
}

// TestRead: what is no file of a sane size is not read.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, maxSize+1), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		large: large + ": larger than 1 MiB, which no configuration is",
		dir:   dir + ": not a regular file",
	} {
		if _, err := Read(name, table); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestSchemaOrder: the schema lists the keys in the order of the table.
func TestSchemaOrder(t *testing.T) {
	text, err := Schema("", table, func(*Setting) any { return nil })
	if err != nil || !json.Valid(text) {
		t.Fatal(err)
	}
	at := 0
	for _, s := range table {
		i := bytes.Index(text[at:], []byte(`    "`+s.Key+`": {`))
		if i < 0 {
			t.Fatalf("%s is missing, or out of order", s.Key)
		}
		at += i
	}
}
