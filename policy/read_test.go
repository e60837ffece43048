package policy

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// mapFS is a file system of these texts.
func mapFS(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// from renders policies with where they were read.
func from(policies []Policy) (list []string) {
	for i := range policies {
		list = append(list, titleOf(policies[i].Namespace, policies[i].Name)+" "+policies[i].Source.String())
	}
	return list
}

const hostPID = "podSelectorLabels: {app: a}\nallow: {hostPID: true}\n"

// TestReadFS: which files are read, in which order, and under which names.
func TestReadFS(t *testing.T) {
	for _, row := range []struct {
		name, why, dir string
		files          map[string]string
		want           []string
	}{
		{"files of each kind", "in order of name, and of each file in its own", ".", map[string]string{
			"c.json": `{"podSelectorLabels": {"a": "b"}}`, "b.yml": hostPID, "a.yaml": "name: z\n" + hostPID + "---\nname: x\n" + hostPID,
		}, []string{"z a.yaml:1", "x a.yaml:5", "b b.yml:1", "c c.json:1"}},
		{"a directory", "its name belongs to the file's", "etc/policies", map[string]string{"etc/policies/a.yaml": hostPID, "etc/b.yaml": hostPID},
			[]string{"a etc/policies/a.yaml:1"}},
		{"other files", "a README is no policy, nor what an editor leaves behind", ".", map[string]string{
			"a.yaml": hostPID, "README.md": "hello", ".b.yaml": "x", "c.yaml~": "x", "d.YAML": "x", "yaml": "x",
		}, []string{"a a.yaml:1"}},
		{"a directory below", "one level is read, whatever its name", ".", map[string]string{"a.yaml": hostPID, "b.yaml/c.yaml": "x", "d/e.yaml": "x"}, []string{"a a.yaml:1"}},
		{"one name in two namespaces", "they are two policies", ".", map[string]string{
			"a.yaml": hostPID, "b.yaml": "name: a\nnamespace: net\n" + hostPID, "c.yaml": "constraints: {m: {a: {podSelectorLabels: {a: b}}}}",
		}, []string{"a a.yaml:1", "net/a b.yaml:1", "m/a c.yaml:1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			policies, err := ReadFS(mapFS(row.files), row.dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, from(policies)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			if _, err := NewSet(policies...); err != nil {
				t.Errorf("no set: %v", err)
			}
		})
	}
}

// TestReadFSRefuses: everything that is wrong with any file is said at once,
// with exact texts, and no policy is returned.
func TestReadFSRefuses(t *testing.T) {
	for _, row := range []struct {
		name, why, dir string
		files          map[string]string
		want           string
	}{
		{"errors of two files", "and those between files", "p", map[string]string{
			"p/a.yaml": "podSelectorLabels: {}\n", "p/b.yaml": hostPID, "p/c.yaml": "# again\nname: b\n" + hostPID + "alow: {}\n", "p/d.yaml": "# again\n\nname: b\n" + hostPID,
		}, `p/a.yaml:1: podSelectorLabels: no labels are given, and a policy must not select every pod; write labels of the pods that the policy is for, as in podSelectorLabels: {app: web}
p/c.yaml:5: alow: unknown key; did you mean allow?
p/d.yaml:3: name: a policy named b stands in p/b.yaml:1 already; give one of them another name`},
		{"one name in a namespace", "the place is that of the name", ".", map[string]string{
			"a.yaml": "constraints:\n  net:\n    x:\n      podSelectorLabels: {a: b}\n", "b.yaml": "namespace: net\n" + hostPID + "name: x\n", "c.yaml": "name: x\nnamespace: net\n" + hostPID,
		}, `b.yaml:4: name: a policy named net/x stands in a.yaml:3 already; give one of them another name
c.yaml:1: name: a policy named net/x stands in a.yaml:3 already; give one of them another name`},
		{"no name", "answers could not name it", ".", map[string]string{"No_Name.yaml": "# no name\n" + hostPID, "b.yaml": hostPID},
			`No_Name.yaml:2: name: missing, and the name of the file is no name for a policy; write one, as in name: route-manager`},
		{"a file without a policy", "it is hardly meant to be empty", ".", map[string]string{"a.yaml": "# later\n", "b.yaml": hostPID},
			`a.yaml: the file holds no policy; write at least podSelectorLabels, and what its pods are allowed under allow`},
		{"a large file", "it is not even read", ".", map[string]string{"a.yaml": strings.Repeat("#", MaxFileSize+7), "b.yaml": "["},
			"a.yaml: the file has 3145735 bytes, more than 3145728; divide it into several files\nb.yaml:1: this is no YAML: did not find expected node content"},
		{"no directory", "it cannot be read", "nowhere", map[string]string{"a.yaml": hostPID}, "nowhere: file does not exist"},
		{"no policy file", "an empty directory is no cluster without exceptions", "p", map[string]string{"p/README.md": "hello", "p/.a.yaml": hostPID, "p/d.yaml/x": hostPID},
			"p: no *.yaml, *.yml or *.json in this directory"},
	} {
		t.Run(row.name, func(t *testing.T) {
			policies, err := ReadFS(mapFS(row.files), row.dir)
			if err == nil || policies != nil {
				t.Fatalf("%d policies, %v: %s", len(policies), err, row.why)
			}
			if diff := cmp.Diff(row.want, err.Error()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			var empty NoFilesError
			var list Errors
			switch {
			case row.name == "no directory":
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%#v", err)
				}
			case errors.As(err, &empty) != (row.name == "no policy file"), errors.As(err, &list) == (row.name == "no policy file"):
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

func TestReadFSReadsAFileOfTheGreatestSize(t *testing.T) {
	text := hostPID + strings.Repeat("#", MaxFileSize-len(hostPID))
	if policies, err := ReadFS(mapFS(map[string]string{"a.yaml": text}), "."); err != nil || len(policies) != 1 {
		t.Errorf("%d policies, %v", len(policies), err)
	}
}

// write makes files in a directory.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

func link(t *testing.T, to string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := errors.Join(os.Symlink(to, name+".new"), os.Rename(name+".new", name)); err != nil {
		t.Fatal(err)
	}
}

// TestReadDir: a directory of the operating system, with links and what is no file.
func TestReadDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "policies")
	write(t, dir, map[string]string{"a.yaml": hostPID, "below/x.yaml": "x", "b.txt": "name: b\n" + hostPID})
	link(t, "b.txt", dir, "b.yaml")
	link(t, "below", dir, "c.yaml")
	policies, err := ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a " + filepath.Join(dir, "a.yaml") + ":1", "b " + filepath.Join(dir, "b.yaml") + ":1"}
	if diff := cmp.Diff(want, from(policies)); diff != "" {
		t.Error(diff)
	}
	link(t, "nowhere", dir, "d.yaml")
	if err := syscall.Mkfifo(filepath.Join(dir, "e.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"f.yaml": "alow: {}\n" + hostPID})
	policies, err = ReadDir(dir)
	says := strings.Join([]string{
		filepath.Join(dir, "d.yaml") + ": no such file or directory",
		filepath.Join(dir, "e.json") + ": not a regular file",
		filepath.Join(dir, "f.yaml") + ":1: alow: unknown key; did you mean allow?",
	}, "\n")
	if err == nil || err.Error() != says || policies != nil {
		t.Errorf("%d policies, %v; want\n%s", len(policies), err, says)
	}
	var list Errors
	if !errors.As(err, &list) || len(list) != 1 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is wrong with the files cannot be told from what was not read: %#v", list)
	}
}

// TestIsFileName: it says of every name what reading a directory does with it.
func TestIsFileName(t *testing.T) {
	for name, read := range map[string]bool{
		"a.yaml": true, "a.yml": true, "a.json": true, ".yaml.yaml": false, ".a.yaml": false,
		"a.YAML": false, "a": false, "a.yaml.tmpl": false, "yaml": false, "README.md": false,
	} {
		_, err := ReadFS(fstest.MapFS{name: &fstest.MapFile{Data: []byte("name: a\npodSelectorLabels: {a: b}\n")}}, ".")
		var none NoFilesError
		if is := IsFileName(name); is != read || is == errors.As(err, &none) {
			t.Errorf("%s: %v, want %v; reading says %v", name, is, read, err)
		}
	}
}

// TestReadDirWithoutFiles: an empty directory is told from one that is not there.
func TestReadDirWithoutFiles(t *testing.T) {
	dir := t.TempDir()
	var empty NoFilesError
	if _, err := ReadDir(dir); !errors.As(err, &empty) || empty.Dir != dir {
		t.Errorf("an empty directory: %v", err)
	}
	missing := filepath.Join(dir, "missing")
	if _, err := ReadDir(missing); errors.As(err, &empty) || !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), missing+": ") {
		t.Errorf("no directory: %v", err)
	}
	write(t, dir, map[string]string{"a.yaml": hostPID})
	if _, err := ReadDir(filepath.Join(dir, "a.yaml")); err == nil || err.Error() != filepath.Join(dir, "a.yaml")+": not a directory" {
		t.Errorf("a file: %v", err)
	}
	if _, err := ReadDir(""); err == nil || err.Error() != "no directory of policies is named" {
		t.Errorf("no name: %v", err)
	}
}

// configMap makes what the kubelet makes of a ConfigMap: two states, one of
// them shown by the link ..data, and links into it.
func configMap(t *testing.T) (dir string) {
	dir = t.TempDir()
	write(t, dir, map[string]string{
		"..1/a.yaml": "name: old\n" + hostPID, "..1/b.yaml": "name: gone\n" + hostPID,
		"..2/a.yaml": "name: new\n" + hostPID,
	})
	link(t, "..1", dir, "..data")
	link(t, filepath.Join("..data", "a.yaml"), dir, "a.yaml")
	link(t, filepath.Join("..data", "b.yaml"), dir, "b.yaml")
	return dir
}

// TestReadDirOfAConfigMap: its files have the names under which it shows them,
// and what ..data leads to is what counts, also in the middle of a swap.
func TestReadDirOfAConfigMap(t *testing.T) {
	dir := configMap(t)
	at := func(name string) string { return filepath.Join(dir, name) + ":1" }
	for _, row := range []struct {
		state, why string
		want       []string
	}{
		{"..1", "each policy once, though every file is there twice", []string{"old " + at("a.yaml"), "gone " + at("b.yaml")}},
		{"..2", "b.yaml is a link that leads nowhere now, and is removed last", []string{"new " + at("a.yaml")}},
	} {
		link(t, row.state, dir, "..data")
		policies, err := ReadDir(dir)
		if diff := cmp.Diff(row.want, from(policies)); diff != "" || err != nil {
			t.Errorf("%s: %s (-want +got): %v\n%s", row.state, row.why, err, diff)
		}
	}
}

// TestReadDirReadsNoStateInHalf: a reader that was on its way to a folder that
// is emptied finds what is left of it; it reads the folder that took its place.
func TestReadDirReadsNoStateInHalf(t *testing.T) {
	dir := configMap(t)
	opened := []string{}
	swapped := func(folder string) fs.FS {
		if opened = append(opened, filepath.Base(folder)); len(opened) == 1 {
			link(t, "..2", dir, "..data")
			if err := os.Remove(filepath.Join(folder, "a.yaml")); err != nil {
				t.Fatal(err)
			}
		}
		return os.DirFS(folder)
	}
	policies, err := readDir(dir, swapped)
	if err != nil || len(policies) != 1 || policies[0].Name != "new" || !slices.Equal(opened, []string{"..1", "..2"}) {
		t.Errorf("%v: %v, %v", opened, from(policies), err)
	}
	reads := 0
	restless := func(folder string) fs.FS {
		reads++
		link(t, map[string]string{"..1": "..2", "..2": "..1"}[filepath.Base(folder)], dir, "..data")
		return os.DirFS(folder)
	}
	policies, err = readDir(dir, restless)
	if err == nil || err.Error() != dir+": the policy files change faster than they can be read" || policies != nil || reads != attempts {
		t.Errorf("after %d reads: %v, %v", reads, from(policies), err)
	}
}

// TestReadDirBehindALink: git-sync replaces a whole directory by its link.
func TestReadDirBehindALink(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"rev1/a.yaml": "name: old\n" + hostPID, "rev2/a.yaml": "name: new\n" + hostPID})
	dir := filepath.Join(root, "current")
	link(t, "rev1", dir)
	swapped := false
	policies, err := readDir(dir, func(folder string) fs.FS {
		if !swapped {
			swapped = true
			link(t, "rev2", dir)
		}
		return os.DirFS(folder)
	})
	if want := []string{"new " + filepath.Join(dir, "a.yaml") + ":1"}; err != nil || !slices.Equal(from(policies), want) {
		t.Errorf("%v, %v; want %v", from(policies), err, want)
	}
}

// TestNewSetNamesBothPlaces: of two policies of one name, where each of them stands.
func TestNewSetNamesBothPlaces(t *testing.T) {
	var all []Policy
	for _, file := range []string{"b.yaml", "a.yaml"} {
		policies, err := Parse([]byte("# x\nname: x\nnamespace: net\n"+hostPID), file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, policies...)
	}
	_, err := NewSet(all...)
	if want := "a.yaml:2: name: a policy named net/x stands in b.yaml:2 already; give one of them another name"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
