// Package spool keeps an input that can be read once, so that it can be read again.
//
// A short input stays in memory. A longer one goes to a temporary file that only
// this user can open, and that has no name any more where the system allows that:
// manifests may hold secrets.
package spool

import (
	"bytes"
	"io"
	"os"
)

// InMemory is how many bytes stay in memory.
const InMemory = 4 << 20

// Spool is an input that was read to its end.
type Spool struct {
	head []byte
	// file holds what is behind head; nil for nothing. named: it still has a name,
	// where the system takes none from an open file.
	file  *os.File
	named bool
	size  int64
	// failed is the error with which reading ended; nil at the input's end.
	failed error
}

// New reads an input to its end. An error in reading is the spool's, which gives it
// back where it came; the error here is that of writing the temporary file.
func New(r io.Reader) (*Spool, error) { return newSpool(r, InMemory) }

func newSpool(r io.Reader, inMemory int64) (*Spool, error) {
	s := &Spool{}
	s.head, s.failed = io.ReadAll(io.LimitReader(r, inMemory))
	if s.failed != nil || int64(len(s.head)) < inMemory {
		return s, nil
	}
	return s, s.spill(r)
}

func (s *Spool) spill(r io.Reader) (err error) {
	if s.file, err = os.CreateTemp("", "podfence-*"); err != nil {
		return err
	}
	s.named = os.Remove(s.file.Name()) != nil
	w := &failing{Writer: s.file}
	if s.size, err = io.Copy(w, r); w.err != nil {
		s.Close()
		return w.err
	}
	s.failed = err
	return nil
}

// failing remembers that writing failed: io.Copy tells it from reading by nothing.
type failing struct {
	io.Writer
	err error
}

func (w *failing) Write(p []byte) (n int, err error) {
	n, err = w.Writer.Write(p)
	w.err = err
	return n, err
}

// Reader reads the input from its beginning, and ends as it ended.
func (s *Spool) Reader() io.Reader {
	parts := []io.Reader{bytes.NewReader(s.head)}
	if s.file != nil {
		parts = append(parts, io.NewSectionReader(s.file, 0, s.size))
	}
	if s.failed != nil {
		parts = append(parts, failed{s.failed})
	}
	return io.MultiReader(parts...)
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// Close gives up the temporary file.
func (s *Spool) Close() {
	if s.file == nil {
		return
	}
	s.file.Close()
	if s.named {
		os.Remove(s.file.Name())
	}
}
