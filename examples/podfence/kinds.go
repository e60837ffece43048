package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/spec"
)

// Objects of kinds that Kubernetes itself does not have: an operator may make
// pods of them. Where they hold a pod template at a known place they are judged
// by it; where something in them only looks like one, a warning says so.

var kindName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)

// self is the path of the object itself.
const self = "."

// parsePlace reads a value of --workload: Kind.group=path.
func parsePlace(text string) (p podfence.Place, err error) {
	wrong := func(format string, args ...any) (podfence.Place, error) { return p, fmt.Errorf(format, args...) }
	who, path, found := strings.Cut(text, "=")
	p.Kind, p.Group, _ = strings.Cut(who, ".")
	switch {
	case !found:
		return wrong("write Kind.group=path, as in Rollout.argoproj.io=spec.template")
	case !kindName.MatchString(p.Kind):
		return wrong("%q is no kind; write Kind.group=path", p.Kind)
	case p.Group != "" && len(validation.IsDNS1123Subdomain(p.Group)) > 0:
		return wrong("%q is no API group", p.Group)
	case manifest.HoldsPods(p.Group, p.Kind):
		return wrong("%s is a kind of Kubernetes itself, and is judged without it", p.Kind)
	case path == self:
		return p, nil
	}
	p.Steps = strings.Split(strings.ReplaceAll(path, "["+spec.Each+"]", "."+spec.Each), ".")
	for _, step := range p.Steps {
		if step == "" || strings.ContainsAny(step, "[]$/ \t") {
			return wrong("the path %q is not dotted; write it as in spec.template, with * for every element of a list", path)
		}
	}
	if last := len(p.Steps) - 1; p.Steps[last] == "spec" || p.Steps[last] == "containers" {
		return wrong("the path leads to the pod template, in which spec stands, and not into it")
	}
	return p, nil
}

func parsePlaces(texts []string) (places []podfence.Place, err error) {
	for _, text := range texts {
		p, err := parsePlace(text)
		if err != nil {
			return nil, usagef("--workload %q: %v", text, err)
		}
		places = append(places, p)
	}
	return places, nil
}

// byPlace finds the workloads in an object of another kind. Neither a workload
// nor an error is an object that holds none.
func (s *scan) byPlace(file string, o *manifest.Object) ([]*workload, error) {
	if !o.MayHoldPods() && !s.namesPlaceIn(o) {
		return nil, nil
	}
	tree := o.Tree()
	if tree == nil {
		return nil, nil
	}
	held, err := podfence.WorkloadsOf(tree, s.places...)
	if errors.Is(err, podfence.ErrNoPod) {
		err = nil
	}
	w := &workload{file: file, Object: o}
	switch {
	case err != nil:
		return nil, w.undecodable(err)
	case o.Kind == "":
		return nil, w.kindless(tree.Object, held)
	}
	s.warnUnjudged(w, tree.Object, held)
	var found []*workload
	for i := range held {
		one := &workload{file: file, Object: o, held: held[i]}
		if !hasContainers(&one.held) {
			return nil, one.bare()
		}
		one.unknown = ownFields(&held[i], o)
		found = append(found, one)
	}
	return found, nil
}

func (s *scan) namesPlaceIn(o *manifest.Object) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	if group == o.APIVersion {
		group = ""
	}
	return slices.ContainsFunc(s.places, func(p podfence.Place) bool { return p.Kind == o.Kind && p.Group == group })
}

// undecodable words the library's error about a template as the others are.
func (w *workload) undecodable(err error) error {
	var wrong *podfence.DecodeError
	if errors.As(err, &wrong) {
		if err := w.Mistyped(wrong.Root.Steps(), func() any { return new(corev1.PodTemplateSpec) }); err != nil {
			return err
		}
	}
	return &manifest.Error{
		File: w.file, Line: w.Line, Object: w.Object.String(),
		Problem: strings.TrimPrefix(err.Error(), "podfence: "), Fix: "correct the manifest, or --workload",
	}
}

// kindless is the error about an object without a kind that holds containers: it
// is meant to run, and nobody can tell as what.
func (w *workload) kindless(content map[string]any, held []podfence.Workload) error {
	at := ""
	switch {
	case len(held) > 0:
		at = spec.Printable(held[0].Root.String() + ".spec.containers")
	case podLike(content):
		at = "spec.containers"
	default:
		return nil
	}
	return &manifest.Error{
		File: w.file, Line: w.Line, Object: w.Object.String(),
		Problem: "it holds containers at " + at + " and has no kind", Fix: "write its apiVersion and kind",
	}
}

// note says of a workload how it was found, and nothing where that is plain.
func (w *workload) note(verb string) string {
	switch {
	case !w.held.ByPlace:
		return ""
	case w.held.Root == "":
		return "kind not known; " + verb + " as a pod template, as --workload says"
	}
	return "kind not known; " + verb + " by its pod template at " + spec.Printable(w.held.Root.String())
}

// podLike reports whether a mapping has a spec with containers.
func podLike(m map[string]any) bool {
	pod, _ := m["spec"].(map[string]any)
	containers, _ := pod["containers"].([]any)
	return slices.ContainsFunc(containers, func(c any) bool {
		container, _ := c.(map[string]any)
		return container["image"] != nil || container["name"] != nil
	})
}

// warnUnjudged warns of what looks like a pod in an object and was not judged:
// its place is not known, and may be that of a pattern or of a part.
func (s *scan) warnUnjudged(w *workload, content map[string]any, held []podfence.Workload) {
	judged := map[string]bool{}
	for i := range held {
		judged[string(held[i].Root)] = true
	}
	u := unjudged{judged: judged}
	u.search(content, nil)
	if u.count == 0 || isRecord(w.Object) || !s.warnings.show(w.Kind, u.first) {
		return
	}
	where := spec.Printable(spec.RootAt(append(slices.Clone(u.first), "spec", "containers")...).String())
	problem := fmt.Sprintf("its containers at %s are not judged", where)
	if u.count > 1 {
		problem = fmt.Sprintf("its containers at %s and %s more are not judged", where, counted(u.count-1, "place"))
	}
	fix := ""
	if kindName.MatchString(w.Kind) {
		fix = "if pods are made of them, add --workload " + w.Kind
		if group, _, found := strings.Cut(w.APIVersion, "/"); found {
			fix += "." + spec.Printable(group)
		}
		fix += "=" + spec.Printable(placeOf(u.first))
	}
	s.say("%v", &manifest.Error{
		File: w.file, Line: w.LineOf(append(slices.Clone(u.first), "spec", "containers")), Object: w.Object.String(),
		Problem: problem, Fix: fix, Warning: true,
	})
}

// isRecord reports whether an object is a cluster's memory of another, from which
// no pods are made.
func isRecord(o *manifest.Object) bool {
	return o.Kind == "ControllerRevision" && o.APIVersion == "apps/v1"
}

// placeOf is a path with every index left open.
func placeOf(path []string) string {
	if len(path) == 0 {
		return self
	}
	steps := slices.Clone(path)
	for i, step := range steps {
		if _, err := strconv.Atoi(step); err == nil {
			steps[i] = spec.Each
		}
	}
	return strings.Join(steps, ".")
}

// unjudged searches an object for what looks like a pod.
type unjudged struct {
	judged map[string]bool
	first  []string
	count  int
}

func (u *unjudged) search(value any, path []string) {
	switch v := value.(type) {
	case map[string]any:
		if podLike(v) && !u.judged[string(spec.RootAt(path...))] {
			if u.count++; u.count == 1 {
				u.first = slices.Clone(path)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			u.search(v[key], append(path, key))
		}
	case []any:
		for i := range v {
			u.search(v[i], append(path, strconv.Itoa(i)))
		}
	}
}

// ownFields are the unknown fields in the template of another kind. Such a kind
// may add fields of its own to the template and to the pod's spec, as Knative's
// Service does: there a field is told only if it can be said what was meant.
func ownFields(held *podfence.Workload, o *manifest.Object) (list []manifest.Unknown) {
	root := held.Root.Steps()
	for _, u := range o.UnknownAt(root, reflect.TypeFor[corev1.PodTemplateSpec]()) {
		below := u.Path[len(root):]
		outer := len(below) == 1 || len(below) == 2 && below[0] == "spec"
		whole := len(root) == 0 && len(below) == 1 // apiVersion and kind of the object itself
		if !whole && (!outer || u.Hint.Field != "") {
			list = append(list, u)
		}
	}
	return list
}
