package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// status runs podfence and demands an exit status, which exec cannot:
//
//	status 2 evaluate -f broken.yaml
//
// What it prints is in the files stdout.txt and stderr.txt, for cmp and grep.
// With "< file" at the end, standard input comes from there.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N arguments... [< file]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	args = args[1:]
	var in []byte
	if n := len(args); n > 2 && args[n-2] == "<" {
		in, args = []byte(ts.ReadFile(args[n-1])), args[:n-2]
	}
	self, err := os.Executable()
	ts.Check(err)
	// testscript.Main runs the command whose name the program was started by.
	cmd := &exec.Cmd{
		Path: self, Args: append([]string{"podfence"}, args...),
		Dir: ts.MkAbs("."), Env: append(os.Environ(), "NO_COLOR="+ts.Getenv("NO_COLOR")),
		Stdin: bytes.NewReader(in),
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	ts.Check(os.WriteFile(ts.MkAbs("stdout.txt"), stdout.Bytes(), 0o666))
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), stderr.Bytes(), 0o666))
	ts.Logf("[stdout]\n%s[stderr]\n%s", &stdout, &stderr)
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("podfence %s: status %d, want %d", strings.Join(args, " "), got, want)
	}
}

// contains demands that a file holds a text, which may hold what a regular
// expression would trip over.
func contains(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: contains file text")
	}
	if strings.Contains(ts.ReadFile(args[0]), args[1]) == neg {
		ts.Fatalf("%s: contains %q: %t", args[0], args[1], neg)
	}
}

// onlyadds demands that a unified diff adds lines and removes none.
func onlyAdds(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: onlyadds file")
	}
	added, removed := 0, 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		switch {
		case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "--- "):
		case line[0] == '+':
			added++
		case line[0] == '-':
			removed++
		}
	}
	if added == 0 || (removed > 0) != neg {
		ts.Fatalf("%s adds %d lines and removes %d", args[0], added, removed)
	}
}
