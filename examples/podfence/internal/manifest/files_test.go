package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree of files for TestFiles; an empty directory ends in "/", a link is "name -> target".
var fileTree = []string{
	"a.yaml", "b.yml", "c.json", "d.txt", "sub/e.yaml", "sub/deep/f.json", "empty/", "dir.yaml/g.yaml",
	"links/l.yaml -> ../a.yaml", "links/d.yaml -> ../sub", "links/up -> ..",
	"loop/x.yaml -> x.yaml", "loop/y.yaml",
	"dangling/z.yaml -> nowhere", "entry -> sub",
	"half/z.yaml -> nowhere", "half/a.yaml",
	"hidden/.git/a.yaml", "hidden/.b.yaml", "hidden/c.yaml", "capitals/A.YAML", "capitals/B.Yml", "capitals/C.JSON",
	"chart/templates/a.yaml", "chart/templates/deep/b.yaml", "chart/values.yaml", "chart/c.yaml",
}

func makeTree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range fileTree {
		name, target, link := strings.Cut(f, " -> ")
		path := filepath.Join(root, name)
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil && link {
			err = os.Symlink(target, path)
		} else if err == nil {
			err = os.WriteFile(path, []byte("a: 1\n"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "pipe.yaml"), 0o644); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	return root
}

func TestFiles(t *testing.T) {
	root := makeTree(t)
	t.Chdir(root)
	if err := os.Mkdir("pipes", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename("pipe.yaml", "pipes/pipe.yaml"); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, reason string
		args         []string
		recursive    bool
		want         []string
		wantErr      []string // what the error names
		exclude      []string
	}{
		{"file", "as it is, whatever its name", []string{"d.txt"}, false, []string{"d.txt"}, nil, nil},
		{"standard input", "-", []string{"-", "a.yaml"}, false, []string{"-", "a.yaml"}, nil, nil},
		{"standard input twice", "it can be read once", []string{"-", "-"}, false, []string{"-"}, []string{`"-"`}, nil},
		{"directory", "three endings, sorted, no more than that", []string{"."}, false, []string{"a.yaml", "b.yml", "c.json"}, nil, nil},
		{"directory below", "with -R", []string{"sub"}, true, []string{"sub/deep/f.json", "sub/e.yaml"}, nil, nil},
		{"directory, not below", "without -R", []string{"sub"}, false, []string{"sub/e.yaml"}, nil, nil},
		{"link to a directory as argument", "it was asked for", []string{"entry"}, false, []string{"entry/e.yaml"}, nil, nil},
		{"links in a directory", "to files, not to directories: no loop", []string{"links"}, true, []string{"links/l.yaml"}, nil, nil},
		{"loop", "an error that names it, the others stand", []string{"loop"}, true, []string{"loop/y.yaml"}, []string{"loop/x.yaml"}, nil},
		{"dangling link", "an error that names it, and another: there was nothing to read", []string{"dangling"}, false, nil, []string{"dangling/z.yaml", "dangling: no *.yaml"}, nil},
		{"dangling link beside a file", "an error that names it alone", []string{"half"}, false, []string{"half/a.yaml"}, []string{"half/z.yaml: a link to nothing"}, nil},
		{"dangling link as argument", "it was asked for", []string{"half/z.yaml"}, false, nil, []string{"half/z.yaml"}, nil},
		{"hidden directory", "-R leaves it alone; a hidden file is a file", []string{"hidden"}, true, []string{"hidden/.b.yaml", "hidden/c.yaml"}, nil, nil},
		{"hidden directory as argument", "it was asked for", []string{"hidden/.git"}, true, []string{"hidden/.git/a.yaml"}, nil, nil},
		{"capitals", "the endings of another system", []string{"capitals"}, true, []string{"capitals/A.YAML", "capitals/B.Yml", "capitals/C.JSON"}, nil, nil},
		{"exclude a base name", "a directory goes with all below it", []string{"chart"}, true, []string{"chart/c.yaml", "chart/values.yaml"}, nil, []string{"templates"}},
		{"exclude several", "each counts", []string{"chart"}, true, []string{"chart/c.yaml", "chart/templates/deep/b.yaml"}, nil, []string{"a.*", "val*"}},
		{"exclude a path", "as it is named, whatever dots and slashes there are", []string{"./chart"}, true, []string{"chart/templates/deep/b.yaml", "chart/values.yaml"}, nil, []string{"./chart/templates/a.yaml", "chart//c.yaml"}},
		{"exclude by a star in a path", "a star does not cross a slash", []string{"chart"}, true, []string{"chart/c.yaml", "chart/templates/deep/b.yaml", "chart/values.yaml"}, nil, []string{"chart/*/a.yaml"}},
		{"exclude a directory with a slash", "as people write them", []string{"chart"}, true, []string{"chart/c.yaml", "chart/values.yaml"}, nil, []string{"templates/"}},
		{"exclude an absolute path", "however the file is named", []string{"./chart", "sub/../chart/c.yaml"}, true, []string{"chart/templates/a.yaml", "chart/templates/deep/b.yaml"}, nil, []string{filepath.ToSlash(root) + "/chart/*.yaml"}},
		{"exclude arguments", "as a shell has expanded them", []string{"a.yaml", "d.txt", "sub"}, true, []string{"a.yaml"}, nil, []string{"*.txt", "sub"}},
		{"exclude all", "it was asked for", []string{"sub"}, true, nil, nil, []string{"*.yaml", "*.json"}},
		{"exclude what is no file", "nothing is left unsaid about it", []string{"loop", "pipes"}, true, []string{"loop/y.yaml"}, nil, []string{"x.yaml", "pipe*"}},
		{"missing file", "all problems are joined, good files stand", []string{"no.yaml", "a.yaml", "nor"}, false, []string{"a.yaml"}, []string{"no.yaml", "nor"}, nil},
		{"no manifest", "an empty directory is a mistake", []string{"empty"}, true, nil, []string{"empty"}, nil},
		{"directory named like a manifest", "it is a directory", []string{"dir.yaml"}, false, []string{"dir.yaml/g.yaml"}, nil, nil},
		{"pipe", "to open it could hang", []string{"pipes"}, false, nil, []string{"pipes/pipe.yaml"}, nil},
	}
	if len(tests) != 28 {
		t.Errorf("%d tests, want 28", len(tests))
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Files(test.args, test.recursive, test.exclude...)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
			if (err != nil) != (test.wantErr != nil) {
				t.Fatalf("%s: error %v, want one with %q", test.reason, err, test.wantErr)
			}
			for _, want := range test.wantErr {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not name %s", err, want)
				}
			}
		})
	}
}

func TestDisplay(t *testing.T) {
	if Display(Stdin) != "<stdin>" || Display("a") != "a" {
		t.Error("Display does not show names as messages do")
	}
}
