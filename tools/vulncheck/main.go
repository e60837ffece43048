// Command vulncheck looks for known vulnerabilities in what the modules of its
// arguments call, with the Go that each of them demands:
//
//	go -C tools run ./vulncheck ../examples/webhook
//
// The database is golang.org/x/vulndb, which the module proxy has like any module;
// govulncheck is pointed to a copy of it in the form that it reads. Where it cannot
// be had, the command says so and ends with status 0: that nothing is known is no
// finding.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	found, err := check(os.Args[1:])
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "vulncheck:", err)
		os.Exit(2)
	case found:
		os.Exit(1)
	}
}

// check reports whether a module calls what is known to be vulnerable.
func check(modules []string) (found bool, err error) {
	if len(modules) == 0 {
		return false, errors.New("name the directories of modules")
	}
	work, err := os.MkdirTemp("", "vulncheck")
	if err != nil {
		return false, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	reports, version, err := download(work)
	if err != nil {
		fmt.Printf("NOTHING WAS CHECKED: the database of vulnerabilities cannot be had from the module proxy: %v\n", err)
		return false, nil
	}
	database := filepath.Join(work, "db")
	n, err := write(reports, database)
	if err != nil {
		return false, err
	}
	fmt.Printf("%d vulnerabilities are known to golang.org/x/vulndb %s\n", n, version)
	govulncheck, err := output(".", "go", "tool", "-n", "govulncheck")
	if err != nil {
		return false, err
	}
	for _, module := range modules {
		one, err := scan(strings.TrimSpace(govulncheck), database, module)
		if err != nil {
			return false, fmt.Errorf("%s: %w", module, err)
		}
		found = found || one
	}
	return found, nil
}

// download returns the directory of the reports of the newest database, in the
// format of osv.dev, and its version.
func download(work string) (reports, version string, err error) {
	text, err := output(work, "go", "mod", "download", "-json", "golang.org/x/vulndb@latest")
	var module struct{ Version, Dir, Error string }
	if decodeErr := json.Unmarshal([]byte(text), &module); err == nil {
		err = decodeErr
	}
	if module.Error != "" {
		err = errors.New(module.Error)
	}
	return filepath.Join(module.Dir, "data", "osv"), module.Version, err
}

// report is what of a vulnerability's report the index needs.
type report struct {
	ID       string `json:"id"`
	Modified string `json:"modified"`
	Affected []struct {
		Package struct {
			Name string `json:"name"`
		} `json:"package"`
	} `json:"affected"`
}

// The index of a database: https://go.dev/doc/security/vuln/database#api.
type (
	inModule struct {
		Path  string  `json:"path"`
		Vulns []entry `json:"vulns"`
	}
	entry struct {
		ID       string `json:"id"`
		Modified string `json:"modified"`
	}
)

// fewest is fewer reports than there have been for long: a database that is laid
// out in another way must not pass for one without vulnerabilities.
const fewest = 4000

// write writes a database of the reports, and returns how many there are.
func write(reports, database string) (int, error) {
	files, err := filepath.Glob(filepath.Join(reports, "GO-*.json"))
	if err == nil && len(files) < fewest {
		err = fmt.Errorf("%d reports in %s, want %d at least", len(files), reports, fewest)
	}
	if err != nil {
		return 0, err
	}
	modules := map[string]*inModule{}
	all := []entry{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, err
		}
		var r report
		if err := json.Unmarshal(text, &r); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, entry{r.ID, r.Modified})
		for _, affected := range r.Affected {
			path := affected.Package.Name
			if modules[path] == nil {
				modules[path] = &inModule{Path: path}
			}
			if e := (entry{r.ID, r.Modified}); !slices.Contains(modules[path].Vulns, e) {
				modules[path].Vulns = append(modules[path].Vulns, e)
			}
		}
		if err := put(filepath.Join(database, "ID", r.ID+".json"), text); err != nil {
			return 0, err
		}
	}
	list := []*inModule{}
	for _, module := range modules {
		list = append(list, module)
	}
	return len(files), errors.Join(
		putJSON(filepath.Join(database, "index", "modules.json"), list),
		putJSON(filepath.Join(database, "index", "vulns.json"), all),
		putJSON(filepath.Join(database, "index", "db.json"), map[string]string{"modified": "0001-01-01T00:00:00Z"}),
	)
}

func putJSON(file string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return put(file, text)
}

func put(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// scan shows what govulncheck finds in a module, and reports whether that is called.
func scan(govulncheck, database, module string) (found bool, err error) {
	fmt.Printf("\n%s:\n", module)
	cmd := exec.Command(govulncheck, "-db", "file://"+filepath.ToSlash(database), "./...")
	cmd.Dir = module // and not -C: it asks for the version of Go in its own directory
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 { // see its help
		return true, nil
	}
	return false, err
}

func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	text, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		err = errors.New(strings.TrimSpace(string(exit.Stderr)))
	}
	return string(text), err
}
