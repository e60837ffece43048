package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress shows on standard error how far a long scan is. It does so only
// where standard error is a terminal and standard output is not: on a terminal
// the answers themselves show it. A nil progress shows nothing.
type progress struct {
	w     io.Writer
	now   func() time.Time
	next  time.Time
	shown bool
}

// A scan that ends within the first pause shows nothing.
const (
	firstPause = time.Second
	pause      = 200 * time.Millisecond
)

func newProgress(stdout, stderr io.Writer) *progress {
	if isTerminal(stdout) || !isTerminal(stderr) {
		return nil
	}
	return startProgress(stderr, time.Now)
}

func startProgress(w io.Writer, now func() time.Time) *progress {
	return &progress{w: w, now: now, next: now().Add(firstPause)}
}

// tick shows the count, if the last showing is long enough ago.
func (p *progress) tick(file string, t *tally) {
	if p == nil {
		return
	}
	if now := p.now(); now.After(p.next) {
		p.next = now.Add(pause)
		p.shown = true
		fmt.Fprint(p.w, "\r\x1b[K", oneLine("%s in %s", counted(t.workloads(), "workload"), file))
	}
}

// clear removes the line, so that something else can be written.
func (p *progress) clear() {
	if p != nil && p.shown {
		p.shown = false
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
