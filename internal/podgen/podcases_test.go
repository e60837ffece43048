package podgen_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

// leaves are the reasons for which each field that Mutate fills is left unset.
var leaves = map[spec.Field][]mutate.Reason{
	spec.FieldAllowPrivilegeEscalation: {mutate.PolicyLeaves, mutate.PrivilegedContainer, mutate.AddsSysAdmin, mutate.Windows, mutate.Mirror},
	spec.FieldCapabilitiesDrop:         {mutate.PolicyLeaves, mutate.PrivilegedContainer, mutate.Windows, mutate.Mirror},
	spec.FieldPrivileged:               {mutate.Windows, mutate.Mirror},
	spec.FieldReadOnlyRootFilesystem:   {mutate.Windows, mutate.Mirror},
	spec.FieldRunAsGroup:               {mutate.PolicyLeaves, mutate.Windows, mutate.Mirror},
	spec.FieldRunAsNonRoot:             {mutate.PolicyLeaves, mutate.Inherited, mutate.RootUser, mutate.Administrator, mutate.UserNamespace, mutate.Mirror},
	spec.FieldRunAsUser:                {mutate.NonRoot, mutate.Windows, mutate.Mirror},
	spec.FieldSeccompType:              {mutate.PolicyLeaves, mutate.Inherited, mutate.Annotation, mutate.Windows, mutate.Mirror},
	spec.FieldPodFSGroup:               {mutate.PolicyLeaves, mutate.Windows, mutate.Mirror},
	spec.FieldPodFSGroupChangePolicy:   {mutate.NoFSGroup, mutate.Windows, mutate.Mirror},
	spec.FieldHostUsers:                {mutate.HostNamespaces, mutate.VolumeDevices, mutate.Windows, mutate.Mirror},
	spec.FieldSupplementalGroupsPolicy: {mutate.Windows, mutate.Mirror},
	spec.FieldSupplementalGroups:       {mutate.PolicyLeaves, mutate.Windows, mutate.Mirror},
}

// filled are the fields that Mutate fills, by its table.
func filled() (fields []spec.Field) {
	for _, row := range mutate.FillTypes() {
		fields = append(fields, row.Field)
	}
	return fields
}

const (
	inside  = " with a security context"
	outside = " without one"
)

func (c *tally) wantFills(t *testing.T) {
	for _, f := range filled() {
		c.want(2000, "fill "+f.String(), "is set already")
		if ofPod(f) {
			c.want(500, "fill "+f.String(), "pod"+inside, "pod"+outside)
		} else {
			for kind := spec.InitContainer; kind <= spec.EphemeralContainer; kind++ {
				c.want(500, "fill "+f.String(), kind.String()+inside, kind.String()+outside)
			}
		}
		if leaves[f] == nil {
			t.Errorf("say in leaves for which reasons %s is left unset", f)
		}
	}
	c.want(60, "fill "+spec.FieldCapabilitiesDrop.String(), "beside capabilities")
	c.want(200, "fill", "nothing is needed")
	reasons := constants(t, "../../mutate", func(_, typ string) bool { return typ == "Reason" })
	seen := map[string]bool{}
	for f, list := range leaves {
		for _, reason := range list {
			c.want(80, "leave "+f.String(), string(reason))
			seen[string(reason)] = true
		}
	}
	for _, reason := range reasons {
		if !seen[reason] {
			t.Errorf("say in leaves which fields are left unset for the reason %s", reason)
		}
	}
}

// fills counts what Mutate does with each field that it may fill.
func (c *tally) fills(pod *corev1.Pod, report *mutate.Report) {
	open := map[spec.Field]int{}
	for _, change := range report.Changes() {
		open[change.Field]++
		c.count("fill "+change.Field.String(), whereFilled(pod, &change))
		if sc := contextOf(pod, change.Container); change.Field == spec.FieldCapabilitiesDrop && sc != nil && sc.Capabilities != nil {
			c.count("fill "+change.Field.String(), "beside capabilities")
		}
	}
	for _, u := range report.Unset() {
		open[u.Field]++
		c.count("leave "+u.Field.String(), string(u.Reason))
	}
	if !report.Changed() {
		c.count("fill", "nothing is needed")
	}
	containers := len(pod.Spec.InitContainers) + len(pod.Spec.Containers) + len(pod.Spec.EphemeralContainers)
	for f := range leaves {
		n := containers
		if ofPod(f) {
			n = 1
		}
		if open[f] < n {
			c.count("fill "+f.String(), "is set already")
		}
	}
}

func whereFilled(pod *corev1.Pod, change *mutate.Change) string {
	name, has := "pod", pod.Spec.SecurityContext != nil
	if at := change.Container; at.Kind != 0 {
		name, has = at.Kind.String(), contextOf(pod, at) != nil
	}
	if has {
		return name + inside
	}
	return name + outside
}

func contextOf(pod *corev1.Pod, at spec.Container) *corev1.SecurityContext {
	if c := podwalk.Get(&pod.Spec, at); c != nil {
		return c.SecurityContext
	}
	return nil
}

// twins are the fields that a pod may set for its containers.
var twins = func() (list []twin) {
	for _, control := range spec.Controls() {
		for _, f := range control.Fields() {
			if f.Inherits() != 0 {
				list = append(list, newTwin(control, f))
			}
		}
	}
	return list
}()

// twin is a field of both security contexts, with the values that the newest
// revision of its last check allows.
type twin struct {
	field   spec.Field
	path    []string
	allowed *spec.Allowed
}

func newTwin(control *spec.Control, f spec.Field) twin {
	check := control.Checks[len(control.Checks)-1]
	allowed := check.Revisions[len(check.Revisions)-1].AllowedFor(f)
	if allowed == nil {
		panic("no revision reads " + f.String())
	}
	return twin{f, goNames(f), allowed}
}

// goNames are the names that the steps of a field below a security context have
// in Go, the same for pods and containers.
func goNames(f spec.Field) (names []string) {
	typ := reflect.TypeFor[corev1.SecurityContext]()
	for _, step := range strings.Split(f.String(), ".")[1:] {
		for _, field := range reflect.VisibleFields(typ) {
			if jsonName(field) == step {
				names = append(names, field.Name)
				if typ = field.Type; typ.Kind() == reflect.Pointer {
					typ = typ.Elem()
				}
				break
			}
		}
	}
	return names
}

// value is unset, good or bad, in either security context.
func (w *twin) value(sc any) string {
	v := reflect.ValueOf(sc)
	for _, step := range w.path {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return "unset"
			}
			v = v.Elem()
		}
		v = v.FieldByName(step)
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "unset"
		}
		v = v.Elem()
	}
	// An empty text is good where nothing may be set at all.
	value := fmt.Sprint(v)
	if w.allowed.Allows(value) || value == "" && len(w.allowed.Values) == 0 {
		return "good"
	}
	return "bad"
}

func (c *tally) wantLevels() {
	for _, w := range twins {
		for _, pod := range []string{"unset", "good", "bad"} {
			for _, own := range []string{"unset", "good", "bad"} {
				c.want(25, "levels of "+w.field.String(), pod+"/"+own)
			}
		}
	}
}

// levels counts what pods and their containers set together.
func (c *tally) levels(pod *corev1.Pod) {
	for i := range twins {
		w := &twins[i]
		seen := map[string]bool{}
		ofPod := w.value(pod.Spec.SecurityContext)
		for _, container := range podwalk.Containers(&pod.Spec) {
			seen[ofPod+"/"+w.value(container.SecurityContext)] = true
		}
		for both := range seen {
			c.count("levels of "+w.field.String(), both)
		}
	}
}

func (c *tally) wantVolumes() {
	for _, t := range spec.VolumeTypes() {
		c.want(20, "volume "+t.Name, "alone", "beside others")
	}
	c.want(100, "volume unknown", "alone")
	c.want(100, "volume hostPath", "mounted writable", "mounted read-only", "not mounted", "mounted as a device")
}

func (c *tally) volumes(pod *corev1.PodSpec) {
	for i := range pod.Volumes {
		v := &pod.Volumes[i]
		var types []string
		for _, t := range spec.VolumeTypes() {
			if t.In(v) {
				types = append(types, t.Name)
			}
		}
		for _, name := range types {
			c.count("volume "+name, map[bool]string{true: "alone", false: "beside others"}[len(types) == 1])
		}
		if len(types) == 0 {
			c.count("volume unknown", "alone")
		}
		if v.HostPath != nil {
			c.count("volume hostPath", mounted(pod, v.Name))
		}
	}
}

func mounted(pod *corev1.PodSpec, volume string) string {
	how := "not mounted"
	for _, container := range podwalk.Containers(pod) {
		for _, d := range container.VolumeDevices {
			if d.Name == volume {
				return "mounted as a device"
			}
		}
		for _, m := range container.VolumeMounts {
			switch {
			case m.Name == volume && !m.ReadOnly:
				how = "mounted writable"
			case m.Name == volume && how == "not mounted":
				how = "mounted read-only"
			}
		}
	}
	return how
}

// shapes counts nil, empty and set for every list, map and pointer that the
// generator ever sets, in every kind of container.
func (c *tally) shapes(pod *corev1.Pod) {
	c.shape("shape labels", reflect.ValueOf(pod.Labels))
	c.shape("shape annotations", reflect.ValueOf(pod.Annotations))
	c.within("shape spec", reflect.ValueOf(&pod.Spec).Elem())
}

func (c *tally) shape(path string, v reflect.Value) {
	c.count(path, shape(v))
	if !v.IsNil() {
		c.set[path] = v.Type()
	}
}

// wantShapes sets the floors of shapes last, for what was ever set; the fields
// that no generator sets are of no interest.
func (c *tally) wantShapes() {
	maps.DeleteFunc(c.counts, func(k [2]string, _ int) bool { return strings.HasPrefix(k[0], "shape ") && c.set[k[0]] == nil })
	for path, typ := range c.set {
		switch {
		case typ.Kind() != reflect.Pointer:
			c.want(20, path, "nil", "empty", "one")
			c.want(0, path, "several")
		case typ.Elem().Kind() == reflect.Struct:
			c.want(20, path, "nil", "empty", "set")
		default:
			c.want(20, path, "nil", "set")
		}
	}
}

// shapedField is a field that has a shape, or holds fields that have one.
type shapedField struct {
	index int
	step  string
}

func (c *tally) shapedOf(typ reflect.Type) []shapedField {
	if list, found := c.shaped[typ]; found {
		return list
	}
	list := []shapedField{}
	for i := range typ.NumField() {
		f := typ.Field(i)
		step := ""
		if !f.Anonymous {
			step = "." + jsonName(f)
		}
		switch f.Type.Kind() {
		case reflect.Struct, reflect.Pointer, reflect.Slice, reflect.Map:
			list = append(list, shapedField{i, step})
		}
	}
	c.shaped[typ] = list
	return list
}

func (c *tally) within(path string, v reflect.Value) {
	for _, field := range c.shapedOf(v.Type()) {
		f, name := v.Field(field.index), path+field.step
		if f.Kind() == reflect.Struct {
			c.within(name, f)
			continue
		}
		c.shape(name, f)
		c.below(name, f)
	}
}

func (c *tally) below(path string, v reflect.Value) {
	switch {
	case strings.HasSuffix(path, ".volumes"): // a volume has one source
	case v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Struct:
		c.within(path, v.Elem())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			c.within(path, v.Index(i))
		}
	}
}
