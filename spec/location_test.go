package spec_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// locations are every field, in every place where it can stand.
func locations(t testing.TB) (list []spec.Location) {
	for _, f := range spec.Fields() {
		if f.String() == "" {
			t.Errorf("field %d has no row in fields of spec/field.go", f)
			continue
		}
		containers := []spec.Container{{}}
		if f.Scope() == spec.OfContainer {
			containers = nil
			for i, kind := range spec.ContainerKinds() {
				containers = append(containers, spec.Container{Kind: kind, Index: int32(i * 7), Name: "c"})
			}
		}
		for _, c := range containers {
			switch {
			case f == spec.FieldAnnotation:
				for _, key := range []string{spec.SeccompPodAnnotation, spec.AppArmorAnnotation + "c", "0", "a.b/c", "a[0]"} {
					list = append(list, spec.AtAnnotation(key))
				}
			case strings.Contains(f.String(), "[*]"):
				list = append(list, spec.AtIndex(c, f, 0), spec.AtIndex(c, f, 12))
				if strings.HasSuffix(f.String(), "[*]") {
					list = append(list, spec.At(c, f)) // the list itself
				}
			default:
				list = append(list, spec.At(c, f), spec.AtIndex(c, f, 3)) // an index that has no place
			}
		}
	}
	return list
}

// TestLocationsAgree: the three renderings of a location are one path.
func TestLocationsAgree(t *testing.T) {
	list := locations(t)
	for _, l := range list {
		path := l.String()
		if got := l.FieldPath().String(); got != path {
			t.Errorf("String is %s, FieldPath is %s", path, got)
		}
		if got := joined(l); got != path {
			t.Errorf("String is %s, Steps are %s", path, got)
		}
		for dotted, root := range map[string]spec.Root{
			"spec.template":                  "/spec/template",
			"spec.jobTemplate.spec.template": spec.RootAt("spec", "jobTemplate", "spec", "template"),
			"a/b~c":                          spec.RootAt("a/b~c"),
			"spec.tasks[12].template":        spec.RootAt("spec", "tasks", "12", "template"),
			"7.template":                     spec.RootAt("7", "template"), // the name of a member
		} {
			below := l
			below.Root = root
			want := dotted + "." + path
			if got := below.String(); got != want {
				t.Errorf("within %s: %s, want %s", root, got, want)
			}
			if got := below.FieldPath().String(); got != want {
				t.Errorf("within %s: FieldPath %s, want %s", root, got, want)
			}
			if got, want := below.Pointer(), string(root)+l.Pointer(); got != want {
				t.Errorf("within %s: Pointer %s, want %s", root, got, want)
			}
		}
		if strings.Contains(path, "*") || strings.Contains(path, "..") || strings.HasPrefix(path, ".") {
			t.Errorf("%s is no path", path)
		}
	}
	if len(list) < 200 {
		t.Errorf("only %d locations", len(list))
	}
}

// joined renders segments as Kubernetes renders paths.
func joined(l spec.Location) string {
	var b strings.Builder
	segments := l.Steps()
	for i, s := range segments {
		_, err := strconv.Atoi(s)
		switch {
		case err == nil || l.Key != "" && i == len(segments)-1:
			b.WriteString("[" + s + "]")
		case i > 0:
			b.WriteString("." + s)
		default:
			b.WriteString(s)
		}
	}
	return b.String()
}

// TestLocationsAreFieldsOfAPod: every segment is a field of the API's types, by
// its name in JSON, an index of a list, or a key of a map.
func TestLocationsAreFieldsOfAPod(t *testing.T) {
	for _, l := range locations(t) {
		at := reflect.TypeFor[corev1.Pod]()
		for _, segment := range l.Steps() {
			for at.Kind() == reflect.Pointer {
				at = at.Elem()
			}
			switch at.Kind() {
			case reflect.Struct:
				next, found := jsonField(at, segment)
				if !found {
					t.Fatalf("%s: %s has no field %s", l, at, segment)
				}
				at = next
			case reflect.Slice:
				if _, err := strconv.Atoi(segment); err != nil {
					t.Fatalf("%s: %q is no index", l, segment)
				}
				at = at.Elem()
			case reflect.Map:
				at = at.Elem()
			default:
				t.Fatalf("%s: %s has nothing below it", l, at)
			}
		}
	}
}

// TestFieldsHoldWhatTheAPIHolds: the type of a field's row is that of the API.
func TestFieldsHoldWhatTheAPIHolds(t *testing.T) {
	want := map[spec.Type]reflect.Kind{
		spec.Bool: reflect.Bool, spec.ID: reflect.Int64, spec.IDs: reflect.Slice, spec.Port: reflect.Int32,
		spec.String: reflect.String, spec.Strings: reflect.Slice, spec.Object: reflect.Struct,
	}
	for _, f := range spec.Fields() {
		at := reflect.TypeFor[corev1.Pod]()
		if f.Scope() == spec.OfContainer {
			at = reflect.TypeFor[corev1.Container]()
		}
		for _, step := range f.Steps() {
			if step == spec.Each {
				at = at.Elem()
			} else if next, found := jsonField(at, step); found {
				at = next
			} else {
				t.Fatalf("%s: %s has no field %s: see its row in spec/field.go", f, at, step)
			}
			if at.Kind() == reflect.Pointer {
				at = at.Elem()
			}
		}
		if kind := want[f.Type()]; kind != at.Kind() {
			t.Errorf("%s is a %s in the API: its row in spec/field.go says that it holds a %s", f, at, kind)
		}
		if from := f.Inherits(); from != 0 && (from.Scope() != spec.OfPod || from.Type() != f.Type() || from.Short() != f.Short()) {
			t.Errorf("%s inherits from %s, which is another field: see its row in spec/field.go", f, from)
		}
	}
}

// jsonField finds a field by its name in JSON, also in what is inlined.
func jsonField(in reflect.Type, name string) (reflect.Type, bool) {
	for i := range in.NumField() {
		f := in.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name {
			return f.Type, true
		}
		if tag == "" && f.Anonymous {
			if found, ok := jsonField(f.Type, name); ok {
				return found, true
			}
		}
	}
	return nil, false
}

// TestLocationGolden shows what the renderings look like.
func TestLocationGolden(t *testing.T) {
	c := spec.Container{Kind: spec.EphemeralContainer, Index: 2, Name: "debug"}
	for _, row := range []struct {
		location spec.Location
		path     string
		segments []string
	}{
		{spec.At(spec.Container{}, spec.FieldHostPID), "spec.hostPID", []string{"spec", "hostPID"}},
		{spec.At(c, spec.FieldPrivileged), "spec.ephemeralContainers[2].securityContext.privileged", []string{"spec", "ephemeralContainers", "2", "securityContext", "privileged"}},
		{spec.AtIndex(c, spec.FieldHostPort, 1), "spec.ephemeralContainers[2].ports[1].hostPort", []string{"spec", "ephemeralContainers", "2", "ports", "1", "hostPort"}},
		{spec.AtIndex(c, spec.FieldCapabilitiesAdd, 0), "spec.ephemeralContainers[2].securityContext.capabilities.add[0]", []string{"spec", "ephemeralContainers", "2", "securityContext", "capabilities", "add", "0"}},
		{spec.AtIndex(spec.Container{}, spec.FieldSupplementalGroup, 1), "spec.securityContext.supplementalGroups[1]", []string{"spec", "securityContext", "supplementalGroups", "1"}},
		{spec.At(spec.Container{}, spec.FieldSupplementalGroups), "spec.securityContext.supplementalGroups", []string{"spec", "securityContext", "supplementalGroups"}},
		{spec.AtAnnotation("a.b/c"), "metadata.annotations[a.b/c]", []string{"metadata", "annotations", "a.b/c"}},
	} {
		if row.location.String() != row.path {
			t.Errorf("%s, want %s", row.location, row.path)
		}
		if diff := cmp.Diff(row.segments, row.location.Steps()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.path, diff)
		}
	}
}

// TestStepsAreTheCallers: appending to one location's steps leaves another's.
func TestStepsAreTheCallers(t *testing.T) {
	l := spec.At(spec.Container{}, spec.FieldHostPID)
	first, second := append(l.Steps(), "a"), append(l.Steps(), "b")
	if first[2] != "a" || second[2] != "b" {
		t.Errorf("%v and %v share memory", first, second)
	}
}

func TestContainerKinds(t *testing.T) {
	var got []string
	for k := spec.ContainerKind(0); k < 5; k++ {
		got = append(got, k.List()+"/"+k.String())
	}
	want := []string{"/pod", "initContainers/init container", "containers/container", "ephemeralContainers/ephemeral container", "/pod"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestNoIndexIsMinusOne: whoever indexes a list with a location's Index must be
// able to tell the first element from none.
func TestNoIndexIsMinusOne(t *testing.T) {
	for name, l := range map[string]spec.Location{
		"a field":       spec.At(spec.Container{}, spec.FieldHostNetwork),
		"an annotation": spec.AtAnnotation("key"),
	} {
		if l.Index != -1 {
			t.Errorf("%s has index %d", name, l.Index)
		}
	}
}
