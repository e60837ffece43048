package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// policyFiles are the endings of the files that hold policies.
var policyFiles = [...]string{".yaml", ".yml", ".json"}

// NoFilesError is the error of [ReadDir] and [ReadFS] for a directory without a
// policy file. A misspelt path or a volume that was not mounted looks like this,
// and must not pass for a cluster that needs no policies. Who knows better asks
// for it with errors.As.
type NoFilesError struct {
	// Dir is the directory, as it was named to the reader.
	Dir string
}

// Error names the directory and the files that are wanted.
func (e NoFilesError) Error() string {
	return e.Dir + ": no *.yaml, *.yml or *.json in this directory"
}

// ReadDir reads the policies of a directory of the operating system: all files
// *.yaml, *.yml and *.json, in order of name, as [Parse] reads each. It is for
// the start of a program, and for when the files change; nothing else in this
// package does I/O.
//
// Other files, those whose name begins with a dot, and directories below are
// passed over; a link to a file is followed. A policy without a name takes that
// of its file.
//
// The error holds everything that is wrong with any of the files: [Errors] for
// what they say, also where two of them hold policies of one name in one
// namespace, and the error of each file that cannot be read. Then no policy is
// returned, for half of the policies would be other policies. A directory
// without a policy file is a [NoFilesError].
//
// A mounted ConfigMap, or a directory behind a link, is read in one state, also
// while the kubelet or git-sync replaces it.
func ReadDir(dir string) ([]Policy, error) {
	if dir == "" {
		return nil, errors.New("no directory of policies is named")
	}
	return readDir(dir, os.DirFS)
}

// attempts are how often a directory is read that changes meanwhile.
const attempts = 10

// readDir reads the folder that shows the directory's state now. The kubelet and
// others swap a link and then empty the folder where it led, file by file: what
// was read is whole only if the link still leads there afterwards.
func readDir(dir string, open func(folder string) fs.FS) ([]Policy, error) {
	for range attempts {
		state := stateOf(dir)
		policies, err := readFS(open(state), ".", func(name string) string { return filepath.Join(dir, name) })
		if stateOf(dir) == state {
			return policies, err
		}
	}
	return nil, fmt.Errorf("%s: the policy files change faster than they can be read", dir)
}

// stateOf is the folder that a directory is a link to now. A ConfigMap's volume
// is a link ..data to such a folder, and links into it.
func stateOf(dir string) string {
	link := filepath.Join(dir, "..data")
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		link = dir
	}
	if state, err := filepath.EvalSymlinks(link); err == nil {
		return state
	}
	return dir
}

// ReadFS is [ReadDir] for a directory of any file system, as an embed.FS; "." is
// its root. It takes every file as it finds it: a mounted ConfigMap is for
// ReadDir.
func ReadFS(fsys fs.FS, dir string) ([]Policy, error) {
	return readFS(fsys, dir, func(name string) string { return path.Join(dir, name) })
}

// readFS reads a directory. shown renders the name of one of its files, and
// that of the directory for ".".
func readFS(fsys fs.FS, dir string, shown func(name string) string) ([]Policy, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, named(shown("."), err)
	}
	var policies []Policy
	var wrong Errors
	var unread []error
	files := 0
	for _, entry := range entries {
		if !IsFileName(entry.Name()) {
			continue
		}
		found, isFile, err := parseFile(fsys, path.Join(dir, entry.Name()), shown(entry.Name()))
		var inFile Errors
		switch {
		case !isFile:
			continue
		case errors.As(err, &inFile):
			wrong = append(wrong, inFile...)
		case err != nil:
			unread = append(unread, err)
		}
		files, policies = files+1, append(policies, found...)
	}
	if files == 0 {
		return nil, NoFilesError{Dir: shown(".")}
	}
	wrong = append(wrong, clashes(policies)...)
	switch {
	case len(unread) > 0:
		return nil, errors.Join(append(unread, wrong.orNil())...)
	case len(wrong) > 0:
		return nil, wrong
	}
	return policies, nil
}

// IsFileName reports whether [ReadDir] and [ReadFS] read a file of that name: by its
// ending, in small letters, and unless it begins with a dot. Who watches a directory
// can name the files that are passed over.
func IsFileName(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains(policyFiles[:], path.Ext(name))
}

// parseFile reads the policies of a file, which messages call shown. A directory
// is no file. A pipe or a device is an error, for it might never end.
func parseFile(fsys fs.FS, name, shown string) (policies []Policy, isFile bool, err error) {
	info, err := fs.Stat(fsys, name)
	switch {
	case err != nil:
		return nil, true, named(shown, err)
	case info.IsDir():
		return nil, false, nil
	case !info.Mode().IsRegular():
		return nil, true, named(shown, errors.New("not a regular file"))
	case info.Size() > MaxFileSize:
		large := tooLarge(info.Size())
		large.File = shown
		return nil, true, Errors{large}
	}
	data, err := readFile(fsys, name)
	if err != nil {
		return nil, true, named(shown, err)
	}
	policies, err = Parse(data, shown)
	return policies, true, err
}

// readFile reads a file, up to a byte more than Parse takes, for it may grow.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	return data, errors.Join(err, f.Close())
}

// named says which file an error is about, in the words of the caller: the
// error itself may know another path of it.
func named(name string, err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		err = of.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// clashes finds what keeps policies of several files from standing together: no
// name, and a name that is taken. What clashes within a file is Parse's to find.
func clashes(policies []Policy) (errs Errors) {
	first := register[*Policy]{}
	for i := range policies {
		p := &policies[i]
		at := p.Source.At("name")
		before, namespace, again := first.before(p)
		switch {
		case p.Name == "":
			errs = append(errs, Error{
				File: at.File, Line: at.Line, Field: "name",
				Problem: "missing, and the name of the file is no name for a policy", Fix: "write one, as in name: route-manager",
			})
		case again:
			errs = append(errs, duplicate(before, p, namespace))
		default:
			first.enter(p, p)
		}
	}
	return errs
}

// duplicate is the error of a policy whose name another one has in a namespace.
func duplicate(before, p *Policy, namespace string) Error {
	at := p.Source.At("name")
	e := Error{File: at.File, Line: at.Line, Policy: p.Name, Field: "name"}
	if first := before.Source.At("name"); first.File != "" {
		e.Problem = fmt.Sprintf("a policy named %s stands in %s already", titleOf(namespace, p.Name), first)
		e.Fix = "give one of them another name"
		return e
	}
	e.Problem = fmt.Sprintf("two policies %s are named %q", whereOf(namespace), p.Name)
	e.Fix = "give each a name of its own"
	return e
}
