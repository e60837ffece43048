package e2e

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// TestTheImageIsBuiltFromGoSourceAlone does what building the image does, without a
// builder of images: it takes what .dockerignore lets through, runs the command of
// the Dockerfile there, with the Go that it names, and gets a program that needs
// nothing else. The same source gives the same bytes in another folder.
func TestTheImageIsBuiltFromGoSourceAlone(t *testing.T) {
	version, environment, command := dockerfile(t)
	var first []byte
	for i := range 2 {
		folder := t.TempDir()
		context := filepath.Join(folder, strings.Repeat("deeper/", i), "src")
		buildContext(t, context)
		program := filepath.Join(folder, "webhook")
		run(t, context, slices.Concat(os.Environ(), environment, []string{"GOTOOLCHAIN=go" + version, "TARGETOS=linux", "TARGETARCH=" + runtime.GOARCH}),
			"sh", "-c", strings.Replace(command, " -o /webhook ", " -o "+program+" ", 1))
		text, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		} else if !bytes.Equal(first, text) {
			t.Errorf("the second program of the same source has %d bytes, other than the %d of the first", len(text), len(first))
		}
	}

	info, err := buildinfo.Read(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if info.GoVersion != "go"+version || info.Path != "github.com/podfence/podfence/examples/webhook" {
		t.Errorf("%s was built with %s, want %s", info.Path, info.GoVersion, version)
	}
	file, err := elf.NewFile(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range file.Progs {
		if header.Type == elf.PT_INTERP {
			t.Error("the program asks for a loader, and the image has none")
		}
	}
}

// dockerfile is what the Dockerfile builds the program with.
func dockerfile(t *testing.T) (version string, environment []string, command string) {
	t.Helper()
	for line := range strings.Lines(string(example(t, "webhook", "Dockerfile"))) {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name, value, _ := strings.Cut(rest, "="); {
		case instruction == "ARG" && name == "GO_VERSION":
			version = value
		case instruction == "ENV":
			environment = strings.Fields(rest)
		case instruction == "RUN":
			command = rest
		}
	}
	if version == "" || environment == nil || !strings.Contains(command, " -o /webhook ") {
		t.Fatalf("the Dockerfile builds /webhook with Go %q, %q and %q", version, environment, command)
	}
	return version, environment, command
}

// buildContext copies what is sent to a builder of images, by the code that Docker
// reads .dockerignore with.
func buildContext(t *testing.T, to string) {
	t.Helper()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	ignored := func(name string) bool {
		matches, err := matcher.MatchesOrParentMatches(name)
		if err != nil {
			t.Fatal(err)
		}
		return matches
	}
	for _, name := range []string{"examples/webhook/deploy/by-hand/ca.key", "examples/webhook/deploy/client-ca/client.key", "kubeconfig", ".git/config", "admit_test.go"} {
		if !ignored(name) {
			t.Errorf("%s would be sent to the builder", name)
		}
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || !entry.Type().IsRegular() || ignored(name) {
			return err
		}
		if base := filepath.Base(name); filepath.Ext(name) != ".go" && base != "go.mod" && base != "go.sum" {
			t.Errorf("%s would be sent to the builder", name)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(name)), 0o700); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, folder string, environment []string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = folder, environment
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}
