package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

// Fields that the API types do not have: the API server drops them, or refuses
// the manifest, and what their author meant is then unset.

// maxSame is how often the same field is warned of: a list of pods may have it
// in every one.
const maxSame = 10

// maxPatterns bounds what is remembered of fields that were warned of.
const maxPatterns = 1000

// warnings counts the warnings of each field, and those that are not shown.
type warnings struct {
	shown  map[string]int
	hidden int
}

// show reports whether a warning of a field of a kind is to be shown.
func (w *warnings) show(kind string, path []string) bool {
	pattern := kind + "/" + placeOf(path)
	if w.shown == nil {
		w.shown = map[string]int{}
	}
	if w.shown[pattern] == maxSame || len(w.shown) == maxPatterns && w.shown[pattern] == 0 {
		w.hidden++
		return false
	}
	w.shown[pattern]++
	return true
}

// warnUnknown warns of the unknown fields of a workload. Of changes, mutate's own,
// it names those that stand beside what the author meant.
func (s *scan) warnUnknown(w *workload, changes []mutate.Change) {
	for i := range w.unknown {
		if u := &w.unknown[i]; s.warnings.show(w.Kind, u.Path) {
			s.say("%v", w.unknownField(u, beside(u, changes), true))
		}
	}
}

func (w *workload) unknownField(u *manifest.Unknown, beside string, warning bool) *manifest.Error {
	return &manifest.Error{
		File: w.file, Line: u.Line, Object: w.Object.String(),
		Problem: "unknown field " + strconv.Quote(u.Field()) + beside, Fix: u.Text, Warning: warning,
	}
}

// unknownSource is the error about a volume whose source its type does not have: a
// misspelt one, or one of a newer Kubernetes. Without it the volume would be taken
// for an emptyDir. nil if there is none.
func (w *workload) unknownSource() error {
	root, volumes := w.held.Root.Steps(), podSpec(&w.held).Volumes
	for i := range volumes {
		if !spec.HasNoSource(&volumes[i]) {
			continue
		}
		at := append(slices.Clip(root), "spec", "volumes", strconv.Itoa(i))
		for j := range w.unknown {
			if u := &w.unknown[j]; len(u.Path) == len(at)+1 && slices.Equal(u.Path[:len(at)], at) {
				return w.unknownField(u, ", which may be the volume's source", false)
			}
		}
		if n := len(w.unknown); n == manifest.MaxUnknown { // there may be more, and the source among them
			return w.unknownField(&w.unknown[n-1], fmt.Sprintf(", one of many, and the source of volume %d may be another", i), false)
		}
	}
	return nil
}

// beside says which field mutate fills in though its author wrote it elsewhere.
func beside(u *manifest.Unknown, changes []mutate.Change) string {
	for i := range changes {
		if u.Hint.Field != "" && slices.Contains(changes[i].Steps(), u.Hint.Field) {
			return fmt.Sprintf(", beside which %s is filled in", changes[i].Location)
		}
	}
	return ""
}

// strictly is the error that --strict makes of unknown fields, nil if there are
// none. It names the first, and warns of the others.
func (s *scan) strictly(found []*workload) error {
	for _, w := range found {
		if len(w.unknown) == 0 {
			continue
		}
		rest := *w
		rest.unknown = w.unknown[1:]
		s.warnUnknown(&rest, nil)
		return w.unknownField(&w.unknown[0], "", false)
	}
	return nil
}

// closing are the warnings about the whole input.
func (s *scan) closing() {
	if s.warnings.hidden > 0 {
		s.say("podfence: %s of the same fields are not shown", counted(s.warnings.hidden, "more warning"))
	}
	if s.workloads() > 0 {
		return
	}
	held := "no workload"
	if s.others.total == 0 && s.unreadable == 0 && s.patches == 0 {
		held = "no document"
	}
	switch {
	case s.requireWorkloads:
		s.problem("podfence: nothing was judged: the input holds %s, and --require-workloads demands one", held)
	case s.status < statusUndecided:
		s.say("podfence: warning: nothing was judged: the input holds %s", held)
	}
}
