package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/examples/podfence/internal/yamledit"
	"github.com/podfence/podfence/mutate"
)

// addition is what is filled in into one workload.
type addition struct {
	*workload
	decision podfence.Decision
	// operations are of the object, and edits the same of its chunk's text.
	operations []mutate.Operation
	edits      []yamledit.Edit
	// left: the text could not be edited, and the workload is left as it is.
	left bool
}

// newAddition is what a decision fills in, or nothing where it is not wanted.
func newAddition(w *workload, d podfence.Decision, wanted bool) *addition {
	a := &addition{workload: w, decision: d}
	if wanted {
		a.operations = d.Report.Operations()
	}
	for _, op := range a.operations {
		a.edits = append(a.edits, w.edit(op))
	}
	return a
}

// edit is an operation on the object as an edit of its chunk's text.
func (w *workload) edit(op mutate.Operation) yamledit.Edit {
	return yamledit.Edit{Path: slices.Concat(w.Path, op.Path), Value: written(op.Value)}
}

// patch is what is filled in as an RFC 6902 patch of the object.
func (a *addition) patch() []byte {
	if len(a.operations) == 0 {
		return mutate.Report{}.Patch()
	}
	return a.decision.Report.Patch()
}

// written is a value that the library fills in as the editor takes it.
func written(value any) any {
	switch v := value.(type) {
	case mutate.Object:
		mapping := make(yamledit.Mapping, len(v))
		for i, m := range v {
			mapping[i] = yamledit.Member{Key: m.Name, Value: written(m.Value)}
		}
		return mapping
	case []int64:
		list := make([]any, len(v))
		for i, id := range v {
			list[i] = id
		}
		return list
	default:
		return v
	}
}

// conflict is an addition that could not be made without touching other text.
type conflict struct {
	*addition
	err error
}

// addTo makes the edits of all workloads of a chunk in its text. If one of them
// is refused, that workload is left as it is and the others are still filled:
// the refused one is found by halving, for a list may hold thousands.
func addTo(raw []byte, known yamledit.Parsed, additions []*addition) (after []byte, conflicts []conflict) {
	var edits []yamledit.Edit
	for _, a := range additions {
		edits = append(edits, a.edits...)
	}
	if len(edits) == 0 {
		return raw, nil
	}
	after, err := yamledit.InsertParsed(raw, known, edits)
	switch {
	case err == nil:
		return after, nil
	case len(additions) == 1:
		return raw, []conflict{{additions[0], err}}
	}
	half := len(additions) / 2
	after, conflicts = addTo(raw, known, additions[:half])
	after, others := addTo(after, yamledit.Parsed{}, additions[half:])
	return after, append(conflicts, others...)
}

// locate says where in the file the conflict is, and why, by the text as it was:
// the edit may have been tried on one that other edits had lengthened. The empty
// lines before it make the editor count lines as the file does.
func (k *conflict) locate(c *manifest.Chunk) (line int, reason string) {
	text := append(bytes.Repeat([]byte{'\n'}, c.Line-1), c.Raw...)
	err := k.err
	if _, again := yamledit.Insert(text, k.edits); again != nil {
		err = again
	}
	var e *yamledit.Error
	if !errors.As(err, &e) {
		return k.Line, err.Error()
	}
	if line = e.Line; line < c.Line {
		line = k.Line
	}
	return line, strings.Join(present(e.Path, e.Reason), ": ")
}
