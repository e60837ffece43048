package usage

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tool is a program of somebody else.
type tool struct {
	// name is what tests call it by.
	name string
	// pkg is the package of its main function, binary what the Go command calls that.
	pkg, binary string
	version     string
}

// tools are what is built from the module proxy. The versions stand here and
// nowhere else. Kustomize v5.8.2 and later want a Go that is newer than ours.
var tools = []tool{
	{"helm3", "helm.sh/helm/v3/cmd/helm", "helm", "v3.22.0"},
	{"helm4", "helm.sh/helm/v4/cmd/helm", "helm", "v4.3.1"},
	{"kustomize", "sigs.k8s.io/kustomize/kustomize/v5", "kustomize", "v5.8.1"},
	{"actionlint", "github.com/rhysd/actionlint/cmd/actionlint", "actionlint", "v1.7.12"},
}

// root is the root of the repository, as the package's tests see it.
const root = "../.."

// install puts all tools, and podfence as it is in this clone, into dir. What was
// built before is taken from the user's cache.
func install(dir string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	for _, t := range tools {
		built := filepath.Join(cache, "podfence-usage", t.name+"@"+t.version)
		if err := os.MkdirAll(built, 0o777); err != nil {
			return err
		}
		// No go.mod and no go.work is above this directory: the tool is built as its
		// own go.mod says.
		if err := run(built, []string{"GOBIN=" + built, "GOFLAGS=", "GOWORK=off"}, "go", "install", t.pkg+"@"+t.version); err != nil {
			return err
		}
		if err := os.Symlink(filepath.Join(built, t.binary), filepath.Join(dir, t.name)); err != nil {
			return err
		}
	}
	return run(filepath.Join(root, "examples", "podfence"), nil, "go", "build", "-o", filepath.Join(dir, "podfence"), ".")
}

// run runs a program that must succeed.
func run(dir string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
