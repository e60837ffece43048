package podfencetest

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Cluster is where the workloads are to run. The zero Cluster enforces restricted at
// the latest version, and has no policies.
type Cluster struct {
	// Level is the level and version that their namespaces enforce.
	Level api.LevelVersion
	// Policies are the exceptions that are in force: policy.ReadDir reads those of a
	// directory, and policy.NewSet makes a set of them.
	Policies policy.Set
	// Namespace is that of objects which name none, as those of a chart do. Policies
	// with a namespace govern none that have none.
	Namespace string
	// Places say where objects of kinds that Kubernetes does not have hold pod
	// templates, beside those of podfence.DefaultPlaces.
	Places []podfence.Place
}

// Allows fails the test if a workload may not run as it is.
func (c Cluster) Allows(t T, manifests Manifests) {
	t.Helper()
	c.assert(t, manifests, "as given", workload.judged)
}

// Admits fails the test if a workload may not run once its unset fields are filled in.
func (c Cluster) Admits(t T, manifests Manifests) {
	t.Helper()
	c.assert(t, manifests, "once filled in", workload.filled)
}

// workload is one pod or pod template of a manifest.
type workload struct {
	title  string
	result evaluate.Result   // as it is
	after  podfence.Decision // filled in
}

// answer is what is said of a workload that is denied.
type answer struct {
	result evaluate.Result
	// about are further lines about a violation.
	about func(*evaluate.Violation) []string
	note  string
}

// judged is the answer about the workload as it is.
func (w workload) judged() answer {
	a := answer{result: w.result, about: w.mends}
	switch {
	case w.after.Allowed():
		a.note = "Filled in it would be allowed: Cluster.Admits asserts that, for clusters with podfence's mutating webhook."
	case slices.ContainsFunc(w.result.Violations, func(v evaluate.Violation) bool { return w.mends(&v) != nil }):
		a.note = "Filled in it would be denied all the same."
	}
	return a
}

// filled is the answer about the workload once it is filled in.
func (w workload) filled() answer { return answer{result: w.after.Result, about: w.leaves} }

// mends are the fields that would be filled in for a violation.
func (w workload) mends(v *evaluate.Violation) (lines []string) {
	for _, c := range w.after.Report.Changes() {
		if c.Check == v.Check && c.Check != 0 && c.Container == v.Container || c.Pointer() == v.Pointer() {
			lines = append(lines, "filling in adds "+c.String())
		}
	}
	return lines
}

// leaves says why the field of a violation was left unset, if it was.
func (w workload) leaves(v *evaluate.Violation) (lines []string) {
	for _, u := range w.after.Report.Unset() {
		if u.Pointer() == v.Pointer() {
			lines = append(lines, "it is left unset: "+w.after.Why(u))
		}
	}
	return lines
}

// assert fails the test with all workloads that are denied.
func (c Cluster) assert(t T, manifests Manifests, how string, ask func(workload) answer) {
	t.Helper()
	workloads, err := c.workloads(manifests)
	if err != nil {
		t.Fatalf("podfencetest: %v", err)
		return
	}
	var out strings.Builder
	denied := 0
	for _, w := range workloads {
		a := ask(w)
		if a.result.Allowed() {
			continue
		}
		denied++
		fmt.Fprintf(&out, "\n%s%s\n", w.title, under(a.result.PolicyName()))
		for i := range a.result.Violations {
			v := &a.result.Violations[i]
			fmt.Fprintf(&out, "    %s\n", v)
			for _, line := range slices.Concat(hints(v), a.about(v), grants(v)) {
				fmt.Fprintf(&out, "        %s\n", line)
			}
		}
		for _, notice := range a.result.Notices {
			fmt.Fprintf(&out, "    %s\n", notice)
		}
		if a.note != "" {
			fmt.Fprintf(&out, "    %s\n", a.note)
		}
	}
	if denied > 0 {
		t.Errorf("%s denies %d of %s %s:\n%s", c.level(), denied, counted(len(workloads), "workload"), how, out.String())
	}
}

func hints(v *evaluate.Violation) []string {
	if hint := v.Hint(); hint != "" {
		return []string{hint}
	}
	return nil
}

// grants are the smallest grants that would excuse a violation, each alone.
func grants(v *evaluate.Violation) []string {
	var all []string
	for _, g := range v.Grants() {
		all = append(all, g.String())
	}
	if len(all) == 0 {
		return nil
	}
	return []string{"a policy could allow it: " + strings.Join(all, " or ")}
}

func under(policy string) string {
	if policy == "" {
		return ""
	}
	return ", under policy " + policy
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// level is what the cluster enforces, "restricted:latest".
func (c Cluster) level() string { return spec.Normalize(c.Level).String() }

// workloads judges the pods and pod templates of the manifests. What cannot be decided
// is an error, and so is that there are none.
func (c Cluster) workloads(manifests Manifests) (found []workload, err error) {
	others := map[string]int{}
	var wrong []error
	for i, m := range manifests {
		if isNil(m.Object) {
			wrong = append(wrong, fmt.Errorf("object %d is nil", i+1))
			continue
		}
		object := c.placed(m.Object)
		all, err := podfence.WorkloadsOf(object, c.Places...)
		switch {
		case errors.Is(err, podfence.ErrNoPod):
			others[kind(object)]++
			continue
		case err != nil:
			wrong = append(wrong, fmt.Errorf("%s: %w", title(m.From, object), err))
		}
		for i := range all {
			w := workload{title: title(m.From, object), result: all[i].EvaluateStored(c.Level, c.Policies), after: all[i].Admit(c.Level, c.Policies)}
			if len(all) > 1 {
				w.title += " at " + string(all[i].Root)
			}
			found = append(found, w)
		}
	}
	if len(found) == 0 && len(wrong) == 0 {
		wrong = append(wrong, errors.New("there is no workload"+among(others)))
	}
	return found, errors.Join(wrong...)
}

// isNil reports whether there is no object, or a pointer of its type to none.
func isNil(object runtime.Object) bool {
	if object == nil {
		return true
	}
	v := reflect.ValueOf(object)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// among names the kinds of the objects that hold no pod.
func among(others map[string]int) string {
	if len(others) == 0 {
		return ", and no other object"
	}
	var kinds []string
	for _, k := range slices.Sorted(maps.Keys(others)) {
		kinds = append(kinds, fmt.Sprintf("%s (%d)", k, others[k]))
	}
	return " among these objects: " + strings.Join(kinds, ", ")
}

// placed is the object in the cluster's namespace, if it names none itself.
func (c Cluster) placed(object runtime.Object) runtime.Object {
	accessor, err := meta.Accessor(object)
	if err != nil || accessor.GetNamespace() != "" || c.Namespace == "" {
		return object
	}
	placed := object.DeepCopyObject()
	if accessor, err = meta.Accessor(placed); err == nil {
		accessor.SetNamespace(c.Namespace)
	}
	return placed
}

// kind is an object's kind. Objects of Go types mostly do not say it.
func kind(object runtime.Object) string {
	if kind := object.GetObjectKind().GroupVersionKind().Kind; kind != "" {
		return spec.Printable(kind)
	}
	return reflect.Indirect(reflect.ValueOf(object)).Type().Name()
}

// title is where an object was read, its kind, its namespace and its name.
func title(from string, object runtime.Object) string {
	name := kind(object)
	if accessor, err := meta.Accessor(object); err == nil {
		name += " " + strings.TrimPrefix(accessor.GetNamespace()+"/"+accessor.GetName()+accessor.GetGenerateName(), "/")
	}
	if from != "" {
		name = from + ": " + name
	}
	return spec.Printable(name)
}
