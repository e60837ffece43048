// Package install tries what a stranger types: "go install" of the command, at
// its release and at latest, from a module proxy that has what is committed
// here. A replace in the command's go.mod, a library that it cannot be built
// with, a directory whose name is not the binary's: each fails here first.
package install

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const (
	library = "github.com/podfence/podfence"
	command = library + "/examples/podfence"
)

// TestInstall installs the command and runs it.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	clone := filepath.Join(dir, "clone")
	run(t, 0, filepath.Join("..", ".."), nil, "git", "clone", "--quiet", ".", clone)
	version := requiredVersion(t, clone)
	proxy := filepath.Join(dir, "proxy")
	release(t, proxy, module.Version{Path: library, Version: version}, clone, "")
	release(t, proxy, module.Version{Path: command, Version: version}, clone, "examples/podfence")

	env := installEnv(t, dir, proxy)
	for _, query := range []string{version, "latest"} {
		bin := filepath.Join(dir, "bin-"+query)
		// No module and no workspace is above this directory.
		run(t, 0, dir, append(env, "GOBIN="+bin), "go", "install", command+"@"+query)
		podfence := filepath.Join(bin, "podfence")
		for _, row := range []struct {
			why    string
			args   []string
			status int
			says   string
		}{
			{"the release, from build info", []string{"version"}, 0, "podfence " + version + "\n"},
			{"the same by flag", []string{"--version"}, 0, "podfence " + version + "\n"},
			{"no commit: a module has none", []string{"version", "-o", "json"}, 0, `{"version":"` + version + `","revision":"","modified":false,`},
			{"policies grant what is needed", []string{"admit", "-f", "examples/manifests", "--policies", "examples/policies"}, 0, "6 workloads: 6 allowed\n"},
			{"two pods need a policy", []string{"admit", "-f", "examples/manifests"}, 1, "6 workloads: 4 allowed, 2 denied\n"},
			{"a file that is no manifest covers what is denied", []string{"admit", "-f", "examples/manifests", "-f", "nowhere.yaml"}, 2, "6 workloads: 4 allowed, 2 denied\n"},
		} {
			if out := run(t, row.status, clone, nil, podfence, row.args...); !strings.Contains(out, row.says) {
				t.Errorf("%s: %s prints\n%s\nwant %q in it", row.why, strings.Join(row.args, " "), out, row.says)
			}
		}
	}

	// Built in the clone, it says of which commit.
	podfence := filepath.Join(dir, "podfence")
	run(t, 0, filepath.Join(clone, "examples", "podfence"), []string{"GOFLAGS=-trimpath -buildvcs=true"}, "go", "build", "-o", podfence, ".")
	commit := strings.TrimSpace(run(t, 0, clone, nil, "git", "rev-parse", "HEAD"))
	if out, want := run(t, 0, dir, nil, podfence, "version", "-o", "json"), `"revision":"`+commit+`","modified":false,`; !strings.Contains(out, want) {
		t.Errorf("built in a clone: %s, want %s in it", out, want)
	}
}

// requiredVersion is the release of the library that the command's go.mod
// names. The command is released under the same version.
func requiredVersion(t *testing.T, clone string) string {
	t.Helper()
	file := filepath.Join(clone, "examples", "podfence", "go.mod")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse(file, data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range mod.Require {
		if r.Mod.Path == library {
			return r.Mod.Version
		}
	}
	t.Fatalf("%s does not require %s", file, library)
	return ""
}

// release puts a module into a proxy of files, as it is committed in the clone,
// in the layout of https://go.dev/ref/mod#goproxy-protocol.
func release(t *testing.T, proxy string, m module.Version, clone, subdir string) {
	t.Helper()
	dir := filepath.Join(proxy, filepath.FromSlash(m.Path), "@v")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	archive, err := os.Create(filepath.Join(dir, m.Version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if err := zip.CreateFromVCS(archive, m, clone, "HEAD", subdir); err != nil {
		t.Fatal(err)
	}
	gomod := run(t, 0, clone, nil, "git", "show", "HEAD:./"+filepath.ToSlash(filepath.Join(subdir, "go.mod")))
	for name, text := range map[string]string{
		"list":              m.Version + "\n",
		m.Version + ".info": `{"Version":"` + m.Version + `"}`,
		m.Version + ".mod":  gomod,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// installEnv is an environment in which our own modules come from the proxy of
// files, and nothing of them gets into the user's module cache, where it would
// pass for the release. All other modules come from that cache as far as it has
// them. With -trimpath a package that was built from one cache need not be
// built again from another.
func installEnv(t *testing.T, dir, proxy string) []string {
	t.Helper()
	goenv := func(name string) string { return strings.TrimSpace(run(t, 0, dir, nil, "go", "env", name)) }
	// Our path's parents are looked up too. Without direct, git does not ask GitHub for them.
	others := strings.TrimSuffix(goenv("GOPROXY"), ",direct")
	cached := filepath.Join(goenv("GOMODCACHE"), "cache", "download")
	return []string{
		"GOPROXY=" + fileURL(proxy) + "," + fileURL(cached) + "," + others,
		"GOMODCACHE=" + filepath.Join(dir, "modules"),
		"GONOSUMDB=" + library,
		"GOPRIVATE=", "GONOPROXY=none",
		"GOFLAGS=-trimpath -modcacherw",
		"GOWORK=",
	}
}

func fileURL(path string) string { return "file:///" + strings.TrimPrefix(filepath.ToSlash(path), "/") }

// run runs a program, demands its exit status and returns its standard output.
func run(t *testing.T, status int, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &out, io.Writer(&stderr)
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Fatalf("%s: exit status %d, want %d\n%s%s", strings.Join(cmd.Args, " "), got, status, &out, &stderr)
	}
	return out.String()
}
