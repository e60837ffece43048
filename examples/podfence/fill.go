package main

import (
	"bytes"
	"errors"
	"strings"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/yamledit"
)

// filling is what is filled in into one workload.
type filling struct {
	*subject
	decision podfence.Decision
	patch    []byte // RFC 6902, of the object
	edits    []yamledit.Edit
}

func newFilling(w *subject, d podfence.Decision) (*filling, error) {
	f := &filling{subject: w, decision: d, patch: d.Report.PatchWithin(w.workload.Root...)}
	var err error
	f.edits, err = editsOf(f.patch, w.Path)
	return f, err
}

// refusal is an edit that could not be made without touching other text.
type refusal struct {
	*filling
	err error
}

// fill makes the edits of all workloads of a chunk in its text. If one of them
// is refused, that workload is left as it is and the others are still filled:
// the refused one is found by halving, for a list may hold thousands.
func fill(raw []byte, fillings []*filling) (after []byte, refused []refusal) {
	var edits []yamledit.Edit
	for _, f := range fillings {
		edits = append(edits, f.edits...)
	}
	if len(edits) == 0 {
		return raw, nil
	}
	after, err := yamledit.Insert(raw, edits)
	switch {
	case err == nil:
		return after, nil
	case len(fillings) == 1:
		return raw, []refusal{{fillings[0], err}}
	}
	half := len(fillings) / 2
	after, refused = fill(raw, fillings[:half])
	after, others := fill(after, fillings[half:])
	return after, append(refused, others...)
}

// locate says where in the file the refusal is, and why, by the text as it was:
// the edit may have been tried on one that other edits had lengthened. The empty
// lines before it make the editor count lines as the file does.
func (r *refusal) locate(c *manifest.Chunk) (line int, reason string) {
	text := append(bytes.Repeat([]byte{'\n'}, c.Line-1), c.Raw...)
	err := r.err
	if _, again := yamledit.Insert(text, r.edits); again != nil {
		err = again
	}
	var e *yamledit.Error
	if !errors.As(err, &e) {
		return r.Line, err.Error()
	}
	if line = e.Line; line < c.Line {
		line = r.Line
	}
	return line, strings.Join(present(e.Path, e.Reason), ": ")
}
