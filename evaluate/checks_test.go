package evaluate_test

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// tableCases is how many answers TestFindsWhatTheTableForbids compares, or more:
// history is only ever appended to.
const tableCases = 24_000

// TestFindsWhatTheTableForbids: what evaluate finds is what package spec says.
// Every field that a check reads is set to values that some revision allows and
// to others, and left unset, one field at a time, in every kind of container and
// on both sides of every revision. The pods set nothing else that matters: once
// in the usual form, which plain passes, and once in another.
//
// The values are set by the steps of the field, so that a new check is tried
// without a change here.
func TestFindsWhatTheTableForbids(t *testing.T) {
	compared := 0
	for _, control := range spec.Controls() {
		versions := podgen.BoundaryVersions(control)
		for i := range control.Checks {
			tried, wrong := tableCheck{Check: &control.Checks[i], seen: map[string]bool{}}, false
			for _, f := range fieldsOf(tried.Check) {
				for _, version := range versions {
					if !tried.field(t, f, version) {
						wrong = true
						break
					}
				}
			}
			for _, verdict := range []string{"violated", "satisfied"} {
				if !tried.seen[verdict] && !wrong {
					t.Errorf("%s is never %s: the values that are tried do not reach it", tried.ID, verdict)
				}
			}
			compared += tried.compared
		}
	}
	if compared < tableCases {
		t.Errorf("%d answers compared, want %d at least", compared, tableCases)
	}
}

// tableCheck is a check that is tried, with what was met.
type tableCheck struct {
	*spec.Check
	seen     map[string]bool
	compared int
}

// fieldsOf are the fields that some revision of a check reads.
func fieldsOf(check *spec.Check) (fields []spec.Field) {
	for _, rev := range check.Revisions {
		for _, allowed := range rev.Allowed {
			for _, f := range allowed.Fields {
				if !slices.Contains(fields, f) {
					fields = append(fields, f)
				}
			}
		}
	}
	return fields
}

// revision is the one in force at a version, which may be latest, nil for none.
func (c *tableCheck) revision(version api.Version) (rev *spec.Revision) {
	for i := range c.Revisions {
		if version.Latest() || c.Revisions[i].Since <= version.Minor() {
			rev = &c.Revisions[i]
		}
	}
	return rev
}

// field tries a field at a version, up to the first answer that is wrong.
func (c *tableCheck) field(t *testing.T, f spec.Field, version api.Version) bool {
	rev := c.revision(version)
	var allowed *spec.Allowed
	if rev != nil {
		allowed = rev.AllowedFor(f)
	}
	for _, level := range levels {
		lv := api.LevelVersion{Level: level, Version: version}
		inForce := allowed != nil && spec.For(lv, false, false).Checks.Has(c.ID)
		for _, tried := range tableValues(t, c.ID, f) {
			forbidden := inForce && !tried.allowedBy(allowed)
			for _, kind := range kindsOf(f) {
				if fault := c.judge(tried, kind, lv, forbidden); fault != "" {
					t.Errorf("%s at %s, %s of %s: %s", c.ID, lv, tried, f, fault)
					return false
				}
			}
		}
	}
	return true
}

// judge compares the answers about one value, in a container of a kind or, for
// the zero kind, on the pod, and says what is wrong with them and where.
func (c *tableCheck) judge(tried tableValue, kind spec.ContainerKind, lv api.LevelVersion, forbidden bool) string {
	plain, plainFault := c.finds(tried, kind, lv, "ALL")
	other, otherFault := c.finds(tried, kind, lv, "ALL", "KILL")
	c.compared += 2
	switch {
	case otherFault != "":
		return otherFault
	case plainFault != "":
		return plainFault
	case forbidden && other && !plain:
		return "plain or plainContext in evaluate/plain.go passes a pod that this check refuses"
	case forbidden && !other:
		return "evaluate finds nothing, and package spec forbids it: the check's file in evaluate/ must find it, " +
			"in a step that podFields, container or pass of evaluate/walk.go takes"
	case !forbidden && (plain || other):
		return "evaluate refuses it, and package spec allows it: see the check's file in evaluate/; " +
			"values that it needs at hand are a field of Rules in spec/rules.go"
	case forbidden:
		c.seen["violated"] = true
	default:
		c.seen["satisfied"] = true
	}
	return ""
}

// finds reports whether evaluate finds that a value breaks the check, in a pod
// whose containers drop some capabilities.
func (c *tableCheck) finds(
	tried tableValue, kind spec.ContainerKind, lv api.LevelVersion, drop ...corev1.Capability,
) (found bool, fault string) {
	defer func() {
		if r := recover(); r != nil {
			fault = fmt.Sprintf("evaluate panics; has the check its row in checks of evaluate/checks.go? (%v)", r)
		}
	}()
	pod := settledPod(drop)
	tried.set(pod, kind)
	r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, lv, nil)
	if !r.Allowed() && r.Message() == "" {
		return false, "the pod is refused without a word"
	}
	return slices.ContainsFunc(r.Violations, func(v evaluate.Violation) bool {
		return v.Check == c.ID && v.Field == tried.field && v.Container.Kind == kind
	}), ""
}

// settledPod is a pod that restricted allows, with a container of every kind that
// sets what restricted demands and nothing else.
func settledPod(drop []corev1.Capability) *corev1.Pod {
	container := func(name string) corev1.Container {
		return corev1.Container{Name: name, SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr(false), RunAsNonRoot: ptr(true),
			Capabilities:   &corev1.Capabilities{Drop: slices.Clone(drop)},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		}}
	}
	return &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers:      []corev1.Container{container("init")},
		Containers:          []corev1.Container{container("main")},
		EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon(container("debug"))}},
	}}
}

// kindsOf are the kinds of container that have a field, the zero kind for the pod.
func kindsOf(f spec.Field) []spec.ContainerKind {
	if f.Scope() == spec.OfPod {
		return []spec.ContainerKind{0}
	}
	kinds := spec.ContainerKinds()
	return kinds[:]
}

// tableValue is a value of a field: a bool, an int32, an int64, a string, a
// []string, an annotation or a source. Nil leaves the field unset.
type tableValue struct {
	field spec.Field
	value any
}

// annotation is one of the pod's.
type annotation struct{ key, text string }

// String is what the table compares.
func (a annotation) String() string { return a.text }

// source is a type of volume.
type source string

func (v tableValue) String() string {
	if v.value == nil {
		return "unset"
	}
	return fmt.Sprintf("the value %q", v.texts())
}

// texts are the value as package spec compares it.
func (v tableValue) texts() []string {
	if list, ok := v.value.([]string); ok {
		return list
	}
	return []string{fmt.Sprint(v.value)}
}

func (v tableValue) allowedBy(a *spec.Allowed) bool {
	if v.value == nil {
		return a.Unset || v.field == spec.FieldVolume // no volume at all
	}
	return a.Allows(v.texts()...)
}

// set sets the value on the pod or on the container of a kind.
func (v tableValue) set(pod *corev1.Pod, kind spec.ContainerKind) {
	steps, in := v.field.Steps(), reflect.ValueOf(pod).Elem()
	if kind != 0 {
		in = reflect.ValueOf(podwalk.Get(&pod.Spec, spec.Container{Kind: kind})).Elem()
	}
	switch value := v.value.(type) {
	case nil:
		unset(in, steps)
	case annotation:
		pod.Annotations = map[string]string{value.key: value.text}
	case []string:
		list := reach(in, steps)
		list.Set(reflect.MakeSlice(list.Type(), len(value), len(value)))
		for i := range value {
			list.Index(i).SetString(value[i])
		}
	case source:
		field := reach(in, steps)
		field.Set(reflect.New(field.Type().Elem()))
	default:
		field := reach(in, steps)
		if field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
			field = field.Elem()
		}
		field.Set(reflect.ValueOf(value).Convert(field.Type()))
	}
}

// reach goes some steps into an object, and makes what is missing on the way: of
// a list one entry.
func reach(in reflect.Value, steps []string) reflect.Value {
	for _, step := range steps {
		if in.Kind() == reflect.Pointer {
			if in.IsNil() {
				in.Set(reflect.New(in.Type().Elem()))
			}
			in = in.Elem()
		}
		if step == spec.Each {
			in.Set(reflect.MakeSlice(in.Type(), 1, 1))
			in = in.Index(0)
			continue
		}
		in = member(in, step)
	}
	return in
}

// unset takes a field away, with all that stands beside it below the security
// context or the probe.
func unset(in reflect.Value, steps []string) {
	for i, step := range steps {
		if in.Kind() == reflect.Pointer {
			if in.IsNil() {
				return
			}
			in = in.Elem()
		}
		if in = member(in, step); step != "spec" && step != "metadata" && step != "securityContext" || i == len(steps)-1 {
			in.SetZero()
			return
		}
	}
}

// member is a field of a struct by its name in JSON.
func member(in reflect.Value, name string) reflect.Value {
	for _, f := range reflect.VisibleFields(in.Type()) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			return in.FieldByIndex(f.Index)
		}
	}
	panic(fmt.Sprintf("%s has no field %s: see fields in spec/field.go", in.Type(), name))
}

// annotations are those that a check reads.
var annotations = map[spec.CheckID][]string{
	spec.CheckAppArmorProfile:        {spec.AppArmorAnnotation + "main"},
	spec.CheckSeccompProfileBaseline: {spec.SeccompPodAnnotation, spec.SeccompContainerAnnotation + "main"},
}

// tableValues are the values to try of a field: none, those that the table names,
// and others, near them and far. An empty text is not told from none by the API.
func tableValues(t *testing.T, id spec.CheckID, f spec.Field) []tableValue {
	values := []tableValue{{f, nil}}
	add := func(value any) { values = append(values, tableValue{f, value}) }
	texts := textsOf(id, f)
	switch f.Type() {
	case spec.Bool:
		add(true)
		add(false)
	case spec.ID, spec.Port:
		for _, n := range numbersNear(texts) {
			if f.Type() == spec.Port && n > 0 {
				add(int32(n))
			} else if f.Type() == spec.ID {
				add(n)
			}
		}
	case spec.String:
		keys := annotations[id]
		if f == spec.FieldAnnotation && keys == nil {
			t.Errorf("say in annotations of evaluate/checks_test.go which annotations %s reads", id)
		}
		for _, text := range textsNear(texts) {
			if f != spec.FieldAnnotation {
				add(text)
				continue
			}
			for _, key := range keys {
				add(annotation{key, text})
			}
		}
	case spec.Strings:
		for _, text := range texts {
			add([]string{text})
			add([]string{"other", text})
		}
		add([]string{"other"})
	case spec.Object:
		for _, vt := range spec.VolumeTypes() {
			if f == spec.FieldVolume || f == vt.Field {
				values = append(values, tableValue{vt.Field, source(vt.Name)})
			}
		}
	default:
		t.Errorf("say in tableValues of evaluate/checks_test.go which values of %s to try", f)
	}
	return values
}

// textsOf are the values that some revision of a check allows a field to hold.
func textsOf(id spec.CheckID, f spec.Field) (texts []string) {
	for _, check := range id.Control().Checks {
		for _, rev := range check.Revisions {
			if allowed := rev.AllowedFor(f); allowed != nil {
				for _, v := range allowed.Values {
					texts = append(texts, v.Text)
				}
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// textsNear are texts, each with one near it, and some that no check knows.
func textsNear(texts []string) (near []string) {
	for _, text := range append(texts, "Unconfined", "unconfined", "other") {
		if text != "" {
			near = append(near, text)
		}
		near = append(near, text+"x")
	}
	return near
}

// numbersNear are numbers, and those beside them.
func numbersNear(texts []string) []int64 {
	numbers := []int64{0, 1, 80, 1000}
	for _, text := range texts {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			numbers = append(numbers, n, n+1)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}
