package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/examples/podfence/internal/levels"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
)

const barePod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n"

// inPlaceTest is a pass of mutate -i over one file, which the test can disturb.
type inPlaceTest struct {
	*testing.T
	path   string
	stderr bytes.Buffer
	scan   *scan
	*mutation
	cancel context.CancelFunc
}

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

func newInPlaceTest(t *testing.T) *inPlaceTest {
	test := &inPlaceTest{T: t, path: filepath.Join(t.TempDir(), "pod.yaml")}
	if err := os.WriteFile(test.path, []byte(barePod), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{out: bufio.NewWriter(&test.stderr), stderr: &test.stderr}
	test.scan = &scan{app: a, paths: []string{test.path}, levels: levels.NewFixed(restricted)}
	ctx, cancel := context.WithCancel(context.Background())
	test.cancel = cancel
	test.mutation = &mutation{scan: test.scan, sink: &rewriter{scan: test.scan, ctx: ctx}, edits: true}
	return test
}

// left demands that the file holds the text, and that nothing stands beside it.
func (t *inPlaceTest) left(text string) {
	t.Helper()
	t.sink.(*rewriter).discard()
	got, err := os.ReadFile(t.path)
	if err != nil || string(got) != text {
		t.Errorf("the file holds %q, want %q (%v)", got, text, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(t.path)); len(entries) != 1 {
		t.Errorf("the directory holds %v", entries)
	}
}

// between runs the pass with something happening before its end.
func (t *inPlaceTest) between(happens func()) error {
	t.Helper()
	if err := t.begin(t.path); err != nil {
		t.Fatal(err)
	}
	for c, err := range manifest.Read(strings.NewReader(barePod), t.path) {
		if err != nil {
			t.Fatal(err)
		}
		if err := t.chunk(t.path, &c); err != nil {
			return err
		}
	}
	happens()
	return t.end(t.path, true)
}

func TestInPlaceChangedMeanwhile(t *testing.T) {
	test := newInPlaceTest(t)
	other := barePod + "# somebody else's\n"
	err := test.between(func() {
		if err := os.WriteFile(test.path, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil || test.scan.status != statusUndecided || !strings.Contains(test.stderr.String(), "is left as it was: it changed while it was read") {
		t.Errorf("%v, status %d, %s", err, test.scan.status, &test.stderr)
	}
	test.left(other)
}

func TestInPlaceInterrupted(t *testing.T) {
	test := newInPlaceTest(t)
	test.cancel()
	if err := test.between(func() {}); err == nil || !strings.Contains(err.Error(), "interrupted: ") {
		t.Errorf("error %v", err)
	}
	test.left(barePod)
}

func TestInPlaceReadError(t *testing.T) {
	test := newInPlaceTest(t)
	for c := range manifest.Read(strings.NewReader(barePod), test.path) {
		if err := test.begin(test.path); err != nil {
			t.Fatal(err)
		}
		if err := test.chunk(test.path, &c); err != nil {
			t.Fatal(err)
		}
	}
	if err := test.end(test.path, false); err != nil {
		t.Error(err)
	}
	test.left(barePod)
}

func TestInPlaceSecondDocument(t *testing.T) {
	// What comes before the first change is copied from the file.
	path := filepath.Join(t.TempDir(), "pods.yaml")
	service := "# first\napiVersion: v1\nkind: Service\n---\n"
	if err := os.WriteFile(path, []byte(service+barePod), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if status := run([]string{"mutate", "-i", "-f", path}, nil, &stderr, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	got, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(got), service+barePod) || len(got) == len(service+barePod) {
		t.Errorf("%q (%v)", got, err)
	}
}

func TestInPlaceIrregular(t *testing.T) {
	if _, err := os.Stat("/dev/null"); err != nil {
		t.Skip("needs /dev/null")
	}
	var stderr bytes.Buffer
	status := run([]string{"mutate", "-i", "-f", "/dev/null"}, nil, &stderr, &stderr)
	if status != statusUndecided || !strings.Contains(stderr.String(), "not a regular file") {
		t.Errorf("status %d: %s", status, &stderr)
	}
}
