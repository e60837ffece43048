// Command command shows how fast podfence, the command, is beside what it was at an
// earlier revision. It builds both, makes the inputs, runs the two in turn, sees
// that they say the same, and prints how many times faster the new one is:
//
//	go run -C internal/speed ./command -old REVISION -runs 10
//
// Machines are shared: each figure is a quotient of times that were measured in
// turn, of the medians and of the least ones.
package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	old := flag.String("old", "", "the revision to compare with")
	runs := flag.Int("runs", 10, "how often each is run")
	workloads := flag.Int("workloads", 30_000, "how many pods the JSON list has; what is YAML has a tenth of it")
	only := flag.String("only", "", "compare only the cases whose name has this text")
	flag.Parse()
	if *old == "" || *runs < 1 || *workloads < 10 {
		fmt.Fprintln(os.Stderr, "speed: name the revision to compare with by -old, one run or more by -runs and ten workloads or more by -workloads")
		os.Exit(2)
	}
	if err := compare(*old, *only, *runs, *workloads); err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

func compare(revision, only string, runs, workloads int) error {
	dir, err := os.MkdirTemp("", "podfence-speed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root, err := output("git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	versions, err := build(dir, strings.TrimSpace(root), revision)
	if err != nil {
		return err
	}
	if err := makeInputs(dir, workloads); err != nil {
		return err
	}
	fmt.Println("| what is read | wall clock, medians | wall clock, least | processor time, medians |")
	fmt.Println("|---|---:|---:|---:|")
	for _, c := range cases {
		if !strings.Contains(c.what, only) {
			continue
		}
		line, err := c.line(versions, dir, runs)
		if err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
		fmt.Println(line)
	}
	return nil
}

func output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return string(out), err
}

// build builds the command of a revision and that of the working tree.
func build(dir, root, revision string) (versions [2]string, err error) {
	before := filepath.Join(dir, "old")
	if err := extract(before, root, revision); err != nil {
		return versions, err
	}
	for i, source := range []string{before, root} {
		versions[i] = filepath.Join(dir, fmt.Sprintf("podfence-%d", i))
		if _, err := output("go", "build", "-C", filepath.Join(source, "examples", "podfence"), "-o", versions[i], "."); err != nil {
			return versions, fmt.Errorf("the command in %s does not build: %w", source, err)
		}
	}
	return versions, nil
}

// extract writes the files of a revision into a directory.
func extract(dir, root, revision string) error {
	archive, err := output("git", "-C", root, "archive", "--format=tar", revision)
	if err != nil {
		return fmt.Errorf("revision %s: %w", revision, err)
	}
	files := tar.NewReader(strings.NewReader(archive))
	for {
		h, err := files.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case h.Typeflag != tar.TypeReg:
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		text, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
}

// measure is what one run took.
type measure struct {
	wall, processor time.Duration
}

// line measures a case and renders its line of the table.
func (c *oneCase) line(versions [2]string, dir string, runs int) (string, error) {
	var taken [2][]measure
	for range runs {
		var said [2][]byte
		for i, version := range versions {
			m, out, err := c.run(version, dir)
			if err != nil {
				return "", err
			}
			taken[i], said[i] = append(taken[i], m), out
		}
		if !bytes.Equal(said[0], said[1]) {
			return "", errors.New("the two do not say the same")
		}
	}
	wall := func(m measure) float64 { return float64(m.wall) }
	processor := func(m measure) float64 { return float64(m.processor) }
	return fmt.Sprintf("| %s | %.1f | %.1f | %.1f |", c.what,
		quotient(taken, wall, median), quotient(taken, wall, slices.Min), quotient(taken, processor, median)), nil
}

// quotient is how many times as much the old version took.
func quotient(taken [2][]measure, of func(measure) float64, which func([]float64) float64) float64 {
	var figures [2]float64
	for i, list := range taken {
		var values []float64
		for _, m := range list {
			values = append(values, of(m))
		}
		figures[i] = which(values)
	}
	return figures[0] / figures[1]
}

func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// run runs the command once. That pods are denied is what is asked for; that one
// could not be decided is not.
func (c *oneCase) run(version, dir string) (m measure, said []byte, err error) {
	cmd := exec.Command(version, c.args...)
	cmd.Dir = dir
	out, err := os.Create(filepath.Join(dir, "out")) // of a pipe the other end would take its time too
	if err != nil {
		return m, nil, err
	}
	defer out.Close()
	cmd.Stdout = out
	start := time.Now()
	err = cmd.Run()
	m.wall = time.Since(start)
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) && failed.ExitCode() == 1 {
		err = nil
	}
	m.processor = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err != nil {
		return m, nil, err
	}
	sum := sha256.New()
	if _, err = out.Seek(0, io.SeekStart); err == nil {
		_, err = io.Copy(sum, out)
	}
	return m, sum.Sum(nil), err
}
