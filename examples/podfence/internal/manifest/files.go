package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Stdin is the name that stands for standard input.
const Stdin = "-"

// Files expands the -f arguments: a file as it is, "-" for standard input, a directory to its *.yaml, *.yml and *.json,
// sorted, with recursive also those below it.
//
// In a directory a symbolic link to a file is followed and a link to a directory is not, as in kubectl: that rules out loops,
// and the double counting of a mounted ConfigMap. All problems are joined into the error, each naming its path;
// the files without a problem are returned all the same.
func Files(args []string, recursive bool) ([]string, error) {
	var files []string
	var problems []error
	for _, arg := range args {
		found, err := expand(arg, recursive)
		if arg == Stdin && slices.Contains(files, Stdin) {
			found, err = nil, errors.New(`"-" is given twice: standard input can be read once`)
		}
		files = append(files, found...)
		problems = append(problems, err)
	}
	return files, errors.Join(problems...)
}

// Display is how messages show the name of a file.
func Display(file string) string {
	if file == Stdin {
		return "<stdin>"
	}
	return file
}

func expand(arg string, recursive bool) ([]string, error) {
	if arg == Stdin {
		return []string{arg}, nil
	}
	info, err := os.Stat(arg)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{arg}, nil
	}
	files, err := manifestsIn(arg, recursive)
	if len(files) == 0 && err == nil {
		err = fmt.Errorf("%s: no *.yaml, *.yml or *.json in this directory", arg)
	}
	slices.Sort(files)
	return files, err
}

// manifestsIn collects the manifests of one directory. One that cannot be read does not hide the others.
func manifestsIn(dir string, recursive bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	problems := []error{err}
	var files []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			if recursive {
				found, err := manifestsIn(path, recursive)
				files, problems = append(files, found...), append(problems, err)
			}
			continue
		}
		ok, err := isManifest(path, entry.Type())
		if ok {
			files = append(files, path)
		}
		problems = append(problems, err)
	}
	return files, errors.Join(problems...)
}

// isManifest reports whether an entry of a directory is to be read. A pipe or device with a manifest's name is an error: to
// open it could hang.
func isManifest(path string, mode fs.FileMode) (bool, error) {
	if !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
		return false, nil
	}
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(path)
		if err != nil {
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
