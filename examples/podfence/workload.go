package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/spec"
)

// workload is one workload of the input.
type workload struct {
	file string // as messages show it
	*manifest.Object
	held podfence.Workload // the pod or template that it holds
	// unknown are the fields that its type does not have.
	unknown []manifest.Unknown
}

// find is the pod or template in the object. A pod without containers would be
// allowed, having no field that breaks a rule, and the API server would refuse
// it: somebody misspelt a key (spec.templates for spec.template), and what
// stands under it was not looked at.
func (w *workload) find() (podfence.Workload, error) {
	held, err := podfence.WorkloadOf(w.Typed)
	if err == nil && hasContainers(&held) {
		return held, nil
	}
	if err != nil { // a ReplicationController without a template
		held.Root = spec.RootAt("spec", "template")
	}
	w.held = held
	return held, w.bare()
}

// bare is the error about a workload without containers. An unknown field may be
// the misspelt key.
func (w *workload) bare() error {
	path := spec.RootAt(append(w.held.Root.Steps(), "spec", "containers")...)
	line, fix := w.Line, "look for a misspelt key on the way to "+path.String()
	for _, u := range w.Unknown() {
		if u.Hint.Field != "" && slices.Contains(path.Steps(), u.Hint.Field) {
			line, fix = u.Line, fmt.Sprintf("%s is no field: %s", u.Field(), u.Text)
			break
		}
	}
	return &manifest.Error{File: w.file, Line: line, Object: w.Object.String(), Problem: "it has no containers", Fix: fix}
}

func hasContainers(w *podfence.Workload) bool {
	if w.Pod != nil {
		return len(w.Pod.Spec.Containers) > 0
	}
	return len(w.Template.Spec.Containers) > 0
}

// title names the workload: "Deployment/prod/web".
func (w *workload) title() string {
	return strings.Join(present(w.Kind, w.Namespace, w.Name), "/")
}

// lines are those of the fields that are violated, or of what is nearest above one
// that is unset.
func (w *workload) lines(violations []evaluate.Violation) []int {
	paths := make([][]string, len(violations))
	for i := range violations {
		paths[i] = violations[i].Steps()
	}
	return w.LinesOf(paths...)
}

func (w *workload) where() string { return fmt.Sprintf("%s:%d", w.file, w.Line) }
