package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/podfence/podfence/examples/podfence/internal/drift"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/native"
)

// verification compares the objects of files with those that were rendered.
type verification struct {
	*app
	only     string
	rendered map[identity]*renderedObject
	order    []identity
	// ours are the labels that all rendered objects have: what has them, and is not
	// rendered, is left over.
	ours map[string]any

	met                       map[identity]bool
	same, different, leftover int
}

// identity is what tells the objects of a cluster apart: they have no namespace.
type identity struct{ kind, name string }

func (i identity) String() string { return i.kind + " " + i.name }

// kindOfPolicy is that of the policies that a kind of binding is for.
var kindOfPolicy = map[string]string{
	native.KindValidatingBinding: native.KindValidatingPolicy,
	native.KindMutatingBinding:   native.KindMutatingPolicy,
}

// verify compares, and prints what differs.
func (a *app) verify(list []renderedObject, f *exportFlags) error {
	files, err := manifest.Files(f.verify, false)
	if err != nil {
		return err
	}
	v := &verification{app: a, only: f.only, rendered: map[identity]*renderedObject{}, met: map[identity]bool{}}
	for i := range list {
		v.expect(&list[i])
	}
	for _, file := range files {
		if err := v.file(file); err != nil {
			return err
		}
	}
	missing := 0
	for _, id := range v.order {
		if !v.met[id] {
			missing++
			v.report("", id, "is missing")
		}
	}
	_, err = fmt.Fprintf(a.out, "%s rendered: %s\n", counted(len(list), "object"), listed("", ", ",
		some(v.same, "%d as rendered"), some(v.different, "%d different"), some(missing, "%d missing"), some(v.leftover, "%d left over")))
	return err
}

// report prints a line about an object that is not as rendered.
func (v *verification) report(place string, id identity, said string) {
	fmt.Fprintln(v.out, oneLine("%s%s: %s", place, id, said))
	v.worsen(statusDenied)
}

func (v *verification) expect(r *renderedObject) {
	id := identity{r.text("kind"), r.text("metadata", "name")}
	v.rendered[id], v.order = r, append(v.order, id)
	labels, _ := r.content["metadata"].(map[string]any)["labels"].(map[string]any)
	if v.ours == nil {
		v.ours = maps.Clone(labels)
	}
	maps.DeleteFunc(v.ours, func(name string, value any) bool { return labels[name] != value })
}

// file compares the objects of a file.
func (v *verification) file(name string) error {
	r, err := v.open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	for c, err := range manifest.Read(r, name) {
		if err != nil {
			return err
		}
		if c.Err != nil {
			v.problem("%v", c.Err)
		}
		for i := range c.Objects {
			if err := v.object(manifest.Display(name), &c.Objects[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// object compares an object with the one of its kind and name that was rendered.
func (v *verification) object(file string, o *manifest.Object) error {
	if !belongs(o.Kind, v.only) {
		return nil
	}
	place, id := fmt.Sprintf("%s:%d: ", file, o.Line), identity{o.Kind, o.Name}
	var found map[string]any
	var checked typeChecked
	if err := errors.Join(json.Unmarshal(o.JSON(), &found), json.Unmarshal(o.JSON(), &checked)); err != nil {
		v.problem("%s%s: %v", place, id, err)
		return nil
	}
	found["apiVersion"], found["kind"] = o.APIVersion, o.Kind // a list may say them for its items
	rendered := v.rendered[id]
	if rendered == nil {
		v.other(place, id, found)
		return nil
	}
	v.met[id] = true
	said := checked.said()
	for _, d := range drift.Between(rendered.content, found) {
		said = append(said, d.String())
	}
	for _, text := range said {
		v.report(place, id, text)
	}
	if len(said) == 0 {
		v.same++
	} else {
		v.different++
	}
	return nil
}

// typeChecked is what an API server finds wrong with the expressions of an object, by
// the types of the fields that they name: it then knows other fields than are meant.
type typeChecked struct {
	Status struct {
		TypeChecking struct {
			ExpressionWarnings []struct {
				FieldRef string `json:"fieldRef"`
				Warning  string `json:"warning"`
			} `json:"expressionWarnings"`
		} `json:"typeChecking"`
	} `json:"status"`
}

func (c *typeChecked) said() (list []string) {
	for _, w := range c.Status.TypeChecking.ExpressionWarnings {
		list = append(list, fmt.Sprintf("the API server warns of %s: %s", w.FieldRef, w.Warning))
	}
	return list
}

// other looks at an object that was not rendered: it may be of an earlier time, or
// bind a policy that was.
func (v *verification) other(place string, id identity, found map[string]any) {
	labels, _ := found["metadata"].(map[string]any)["labels"].(map[string]any)
	left := len(v.ours) > 0
	for name, value := range v.ours {
		left = left && labels[name] == value
	}
	policy := identity{kindOfPolicy[id.kind], textAt(found, "spec", "policyName")}
	switch {
	case v.rendered[policy] != nil:
		v.report(place, id, fmt.Sprintf("binds %s, and is not rendered", policy))
	case left:
		v.report(place, id, "has the labels of what is rendered, and is not rendered")
	default:
		return
	}
	v.leftover++
}
