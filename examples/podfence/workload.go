package main

import (
	"fmt"
	"strings"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/spec"
)

// workload is one workload of the input.
type workload struct {
	file string // as messages show it
	*manifest.Object
	held podfence.Workload // the pod or template that it holds
}

// find is the pod or template in the object. A pod without containers would be
// allowed, having no field that breaks a rule, and the API server would refuse
// it: somebody misspelt a key (spec.templates for spec.template), and what
// stands under it was not looked at.
func (w *workload) find() (podfence.Workload, error) {
	held, ok := podfence.WorkloadOf(w.Typed)
	if ok && hasContainers(&held) {
		return held, nil
	}
	path := spec.RootAt(append(held.Root.Steps(), "spec", "containers")...)
	return held, &manifest.Error{
		File: w.file, Line: w.Line, Object: w.Object.String(),
		Problem: "it has no containers", Fix: "look for a misspelt key on the way to " + path.String(),
	}
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

func (w *workload) where() string { return fmt.Sprintf("%s:%d", w.file, w.Line) }
