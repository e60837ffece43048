package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Stdin is the name that stands for standard input.
const Stdin = "-"

// Files expands the -f arguments: a file as it is, "-" for standard input, a directory to its *.yaml, *.yml and *.json
// in small letters or capitals, sorted, with recursive also those below it, but for hidden directories (.git), which
// are read where they are an argument.
//
// What a pattern of exclude matches, an argument or something in a directory, is left out, and a directory with all below
// it. Patterns are path.Match's and are held against the path, as it is named, and against its base name; an absolute one
// also against the absolute path.
//
// In a directory a symbolic link to a file is followed and a link to a directory is not, as in kubectl: that rules out loops,
// and the double counting of a mounted ConfigMap. All problems are joined into the error, each naming its path;
// the files without a problem are returned all the same. A link to nothing in a directory is a *DanglingError.
func Files(args []string, recursive bool, exclude ...string) ([]string, error) {
	var files []string
	var problems []error
	for _, arg := range args {
		l := lister{recursive: recursive, exclude: exclude}
		found, err := l.expand(arg)
		if arg == Stdin && slices.Contains(files, Stdin) {
			found, err = nil, errors.New(`"-" is given twice: standard input can be read once`)
		}
		files = append(files, found...)
		problems = append(problems, err)
	}
	return files, errors.Join(problems...)
}

// DanglingError is about a symbolic link in a directory that leads to nothing: an editor's lock file, or one half of a
// checkout. Nothing is left unread, for there is nothing to read.
type DanglingError struct{ Path string }

// Error names the link.
func (e *DanglingError) Error() string { return e.Path + ": a link to nothing, passed over" }

// Display is how messages show the name of a file.
func Display(file string) string {
	if file == Stdin {
		return "<stdin>"
	}
	return file
}

// lister expands one argument.
type lister struct {
	recursive bool
	exclude   []string
	// excluded: something was left out.
	excluded bool
}

func (l *lister) expand(arg string) ([]string, error) {
	if arg == Stdin {
		return []string{arg}, nil
	}
	info, err := os.Stat(arg)
	if err != nil {
		return nil, err
	}
	if l.leavesOut(arg) {
		return nil, nil
	}
	if !info.IsDir() {
		return []string{arg}, nil
	}
	files, problems := l.manifestsIn(arg)
	dangling := func(err error) bool { _, ok := err.(*DanglingError); return ok }
	if len(files) == 0 && !l.excluded && !slices.ContainsFunc(problems, func(err error) bool { return !dangling(err) }) {
		problems = append(problems, fmt.Errorf("%s: no *.yaml, *.yml or *.json in this directory", arg))
	}
	slices.Sort(files)
	return files, errors.Join(problems...)
}

// leavesOut reports whether a pattern matches a path.
func (l *lister) leavesOut(name string) bool {
	absolute, _ := filepath.Abs(name)
	name, absolute = filepath.ToSlash(filepath.Clean(name)), filepath.ToSlash(absolute)
	for _, pattern := range l.exclude {
		pattern = path.Clean(pattern)
		byPath, _ := path.Match(pattern, name)
		byName, _ := path.Match(pattern, path.Base(name))
		byWhole, _ := path.Match(pattern, absolute)
		if byPath || byName || byWhole {
			l.excluded = true
			return true
		}
	}
	return false
}

// manifestsIn collects the manifests of one directory. One that cannot be read does not hide the others.
func (l *lister) manifestsIn(dir string) (files []string, problems []error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		problems = append(problems, err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			if l.recursive && !strings.HasPrefix(entry.Name(), ".") && !l.leavesOut(path) {
				found, more := l.manifestsIn(path)
				files, problems = append(files, found...), append(problems, more...)
			}
			continue
		}
		if !hasManifestName(path) || l.leavesOut(path) {
			continue
		}
		switch ok, err := isManifest(path, entry.Type()); {
		case err != nil:
			problems = append(problems, err)
		case ok:
			files = append(files, path)
		}
	}
	return files, problems
}

func hasManifestName(path string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path)))
}

// isManifest reports whether an entry of a directory with a manifest's name is to be read. A pipe or device is an error:
// to open it could hang.
func isManifest(path string, mode fs.FileMode) (bool, error) {
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, &DanglingError{path}
		case err != nil:
			return false, err
		}
		mode = info.Mode()
	}
	switch {
	case mode.IsDir():
		return false, nil
	case !mode.IsRegular():
		return false, fmt.Errorf("%s: not a regular file", path)
	}
	return true, nil
}
