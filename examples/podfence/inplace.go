package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
)

func (a *app) mutateInPlace(flags *inputFlags, form string, how mutateFlags) error {
	if form != mutateForms[0] {
		return usagef("-i writes the manifests back as they stand: leave out -o %s", form)
	}
	if slices.Contains(flags.files, manifest.Stdin) {
		return usagef("-i cannot write back to standard input: leave out - or -i")
	}
	s, err := a.newScan(flags)
	if err != nil {
		return err
	}
	// An interrupt must not leave a temporary file behind.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := &rewriter{scan: s, ctx: ctx}
	m := &mutation{scan: s, sink: w, edits: true, mutateFlags: how}
	err = s.visit(m)
	w.discard()
	m.warnDenied()
	a.say("%s", s.rewriteSummary())
	return err
}

// rewriter writes files back in place: into a temporary file beside the target,
// which then takes its name. Readers see the old file or the new one, never a
// part. A file in which nothing changes is not touched.
type rewriter struct {
	*scan
	ctx context.Context
	// target is the file itself, behind symbolic links.
	target string
	info   os.FileInfo
	// seen is the length of the text that was not changed and not yet copied.
	seen int64
	temp *os.File
	out  *bufio.Writer
	// failed: this file is given up, for a reason that is reported.
	failed bool
}

func (r *rewriter) begin(path string) (err error) {
	r.seen, r.failed = 0, false
	if r.target, err = filepath.EvalSymlinks(path); err == nil {
		r.info, err = os.Stat(r.target)
	}
	if err == nil && !r.info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file, which -i could replace", path)
	}
	r.check(err)
	return nil
}

// check gives the file up for an error: the other files are still written.
func (r *rewriter) check(err error) {
	if err != nil {
		r.problem("podfence: %v", err)
		r.failed = true
		r.discard()
	}
}

func (r *rewriter) mutated(_ string, c *manifest.Chunk, after []byte, _ []*addition) error {
	if r.ctx.Err() != nil {
		return fmt.Errorf("interrupted: %s and what comes after it is left as it was", r.target)
	}
	switch {
	case r.failed:
	case r.temp == nil && bytes.Equal(c.Raw, after):
		r.seen += int64(len(after))
	default:
		r.check(r.write(after))
	}
	return nil
}

func (r *rewriter) write(text []byte) error {
	if r.temp == nil {
		if err := r.start(); err != nil {
			return fmt.Errorf("%s is left as it was: %w", r.target, err)
		}
	}
	_, err := r.out.Write(text)
	return err
}

// start opens the temporary file, and copies what was not changed so far.
func (r *rewriter) start() (err error) {
	if r.temp, err = os.CreateTemp(filepath.Dir(r.target), "."+filepath.Base(r.target)+".*.tmp"); err != nil {
		return err
	}
	r.out = bufio.NewWriterSize(r.temp, 64<<10)
	source, err := os.Open(r.target)
	if err != nil {
		return err
	}
	defer source.Close()
	_, err = io.CopyN(r.out, source, r.seen)
	return err
}

// end puts the temporary file in the target's place. Of a file that could not
// be read to its end, nothing is written.
func (r *rewriter) end(path string, whole bool) error {
	if r.temp == nil {
		return nil
	}
	if !whole {
		r.discard()
		return nil
	}
	if err := r.commit(path); err != nil {
		r.check(fmt.Errorf("%s is left as it was: %w", path, err))
		return nil
	}
	r.rewritten++
	return nil
}

func (r *rewriter) commit(path string) error {
	now, err := os.Stat(r.target)
	if err == nil && (now.Size() != r.info.Size() || !now.ModTime().Equal(r.info.ModTime())) {
		err = errors.New("it changed while it was read")
	}
	if err != nil {
		return err
	}
	name := r.temp.Name()
	if err := r.out.Flush(); err != nil {
		return err
	}
	lost, err := r.keep(now)
	if err := errors.Join(err, r.temp.Sync(), r.temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(name, r.target); err != nil {
		return err
	}
	r.temp = nil
	for _, what := range present(lost...) {
		r.say("podfence: warning: %s was written, but %s", path, what)
	}
	return nil
}

// keep gives the temporary file what the target has, as far as this user may:
// owner, attributes, and then the mode, of which a new owner would cost bits.
func (r *rewriter) keep(target os.FileInfo) (lost []string, err error) {
	owner, err := keepOwner(r.temp, target)
	if err != nil {
		return nil, err
	}
	attributes, err := keepAttributes(r.temp, r.target)
	if err != nil {
		return nil, err
	}
	links, mode := "", target.Mode()&modeBits
	if n := names(target); n > 1 {
		links = fmt.Sprintf("its other hard links (%d) keep the old text", n-1)
	}
	if owner != "" {
		mode = mode.Perm() // nobody's program runs as somebody else from now on
	}
	return []string{owner, attributes, links}, r.temp.Chmod(mode)
}

// modeBits are those that a file can be given.
const modeBits = os.ModePerm | os.ModeSetuid | os.ModeSetgid | os.ModeSticky

// discard removes the temporary file, if there is one.
func (r *rewriter) discard() {
	if r.temp != nil {
		r.temp.Close()
		os.Remove(r.temp.Name())
		r.temp = nil
	}
}
