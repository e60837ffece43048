package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Name is that of a configuration file.
const Name = ".podfence.yaml"

// misnamed is what somebody may call it.
const misnamed = ".podfence.yml"

// repository is what only the root of a Git repository has.
const repository = ".git"

// Find looks for a configuration file in a directory and those above it, up to the
// root of the Git repository that it is in: what lies above that is another project's,
// or another user's. Without a repository it looks up to the root of the file system.
// The path is relative to the directory; "" says that there is none.
func Find(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := start; ; at = filepath.Dir(at) {
		name := filepath.Join(at, Name)
		found, err := exists(name)
		if err == nil && !found {
			err = refuseMisnamed(filepath.Join(at, misnamed))
		}
		switch {
		case err != nil:
			return "", err
		case found:
			return filepath.Rel(start, name)
		}
		if root, err := exists(filepath.Join(at, repository)); root || err != nil || at == filepath.Dir(at) {
			return "", err
		}
	}
}

func exists(name string) (bool, error) {
	_, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func refuseMisnamed(name string) error {
	found, err := exists(name)
	if found {
		err = fmt.Errorf("%s is not read: name it %s", name, Name)
	}
	return err
}

// maxSize is how large a configuration file may be.
const maxSize = 1 << 20

// Read reads a configuration file.
func Read(name string, table []Setting) (File, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return File{}, err
	case !info.Mode().IsRegular():
		return File{}, fmt.Errorf("%s: not a regular file", name)
	case info.Size() > maxSize:
		return File{}, fmt.Errorf("%s: larger than 1 MiB, which no configuration is", name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return File{}, err
	}
	return Parse(data, name, table)
}
