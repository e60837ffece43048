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
	path string // as it was named
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
	if err != nil {
		held.Root = withoutTemplate
	}
	w.held = held
	return held, w.bare()
}

// bare is the error about a workload without containers. An unknown field may be
// the misspelt key.
func (w *workload) bare() error {
	line, fix, found := w.misspelt(w.held.Root)
	if !found {
		line, fix = w.Line, "look for a misspelt key on the way to "+containersAt(w.held.Root).String()
		if w.Typed != nil {
			fix += ", or pass over Kustomize patches by --skip-patches"
		}
	}
	return &manifest.Error{File: w.file, Line: line, Object: w.Object.String(), Problem: "it has no containers", Fix: fix}
}

// misspelt finds the unknown field that was meant to be one on the way to the
// containers of a pod or template at root, and what to write.
func (w *workload) misspelt(root spec.Root) (line int, fix string, found bool) {
	way := containersAt(root).Steps()
	for _, u := range w.Unknown() {
		if u.Hint.Field != "" && slices.Contains(way, u.Hint.Field) {
			return u.Line, fmt.Sprintf("%s is no field: %s", u.Field(), u.Text), true
		}
	}
	return 0, "", false
}

func containersAt(root spec.Root) spec.Root {
	return spec.RootAt(append(root.Steps(), "spec", "containers")...)
}

// withoutTemplate is where a ReplicationController would hold its template, the one
// kind that may have none.
var withoutTemplate = spec.RootAt("spec", "template")

func hasContainers(w *podfence.Workload) bool {
	return len(podSpec(w).Containers) > 0
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
