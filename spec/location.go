package spec

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ContainerKind says in which of a pod's lists a container stands. The zero
// ContainerKind is no container: the pod itself.
type ContainerKind uint8

// The kinds, in visiting order.
const (
	InitContainer ContainerKind = iota + 1
	RegularContainer
	EphemeralContainer
)

// ContainerKinds returns all kinds, in visiting order.
func ContainerKinds() [3]ContainerKind {
	return [...]ContainerKind{InitContainer, RegularContainer, EphemeralContainer}
}

// List is the field of a pod's spec that lists containers of the kind.
func (k ContainerKind) List() string {
	switch k {
	case InitContainer:
		return "initContainers"
	case RegularContainer:
		return "containers"
	case EphemeralContainer:
		return "ephemeralContainers"
	default:
		return ""
	}
}

// String names the kind in prose; the zero kind is the pod.
func (k ContainerKind) String() string {
	switch k {
	case InitContainer:
		return "init container"
	case RegularContainer:
		return "container"
	case EphemeralContainer:
		return "ephemeral container"
	default:
		return "pod"
	}
}

// Container tells one container of a pod from all others: names may repeat in
// an invalid pod, kind and index do not. The zero Container is the pod itself.
type Container struct {
	Kind  ContainerKind
	Index int32
	Name  string
}

// String is the container's path, empty for the pod itself: spec.containers[0].
func (c Container) String() string {
	if c.Kind == 0 {
		return ""
	}
	return string(c.appendPath(nil))
}

func (c Container) appendPath(b []byte) []byte {
	b = append(append(b, "spec."...), c.Kind.List()...)
	b = strconv.AppendInt(append(b, '['), int64(c.Index), 10)
	return append(b, ']')
}

// Root says where in an object the pod or its template stands: a JSON pointer
// (RFC 6901), "" for a pod itself and "/spec/template" for a Deployment.
type Root string

// RootAt is the root at the end of some steps: RootAt("spec", "template").
func RootAt(steps ...string) Root {
	var b strings.Builder
	for _, step := range steps {
		b.WriteByte('/')
		b.WriteString(pointerEscaper.Replace(step))
	}
	return Root(b.String())
}

var (
	pointerEscaper   = strings.NewReplacer("~", "~0", "/", "~1")
	pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// Steps are the names on the way from the object to the pod, nil for a pod itself.
func (r Root) Steps() []string {
	if r == "" {
		return nil
	}
	steps := strings.Split(string(r[1:]), "/")
	for i, step := range steps {
		steps[i] = pointerUnescaper.Replace(step)
	}
	return steps
}

// String is the dotted path: spec.template, and spec.tasks[0].template for an
// element of a list.
func (r Root) String() string {
	var b strings.Builder
	for i, step := range r.Steps() {
		switch {
		case i > 0 && isIndex(step):
			b.WriteString(bracketed(step))
			continue
		case i > 0:
			b.WriteByte('.')
		}
		b.WriteString(step)
	}
	return b.String()
}

// isIndex reports whether a step is the index of a list's element.
func isIndex(step string) bool {
	return step != "" && strings.Trim(step, "0123456789") == ""
}

// Location is one field of one pod, and of the object that holds the pod.
type Location struct {
	// Root is where the pod stands in its object, "" for a pod itself.
	Root Root
	// Container holds the field; the zero Container for a field of the pod.
	Container Container
	// Field is the field; zero for the container, or the pod, as a whole.
	Field Field
	// Index stands for the "[*]" of Field, -1 where the field as a whole is
	// meant (an empty list) or has no "[*]".
	Index int32
	// Key stands for the "[*]" of a map: the key of an annotation.
	Key string
}

// At is the location of a field without an index.
func At(c Container, f Field) Location { return Location{Container: c, Field: f, Index: -1} }

// AtIndex is the location of an element's field.
func AtIndex(c Container, f Field, i int) Location {
	return Location{Container: c, Field: f, Index: int32(i)}
}

// AtAnnotation is the location of an annotation of the pod.
func AtAnnotation(key string) Location {
	return Location{Field: FieldAnnotation, Index: -1, Key: key}
}

// String renders the path as Kubernetes does:
// spec.containers[0].securityContext.capabilities.add[1]. It is for people: the
// key of an annotation that API validation has not seen is made [Printable].
func (l Location) String() string {
	return string(l.AppendPath(make([]byte, 0, 96))) // most paths, in one allocation
}

// AppendPath appends the path, as String renders it.
func (l Location) AppendPath(b []byte) []byte {
	row, start := l.Field.row(), len(b)
	if l.Root != "" {
		b = append(b, l.Root.String()...)
	}
	if l.Container.Kind != 0 {
		b = l.Container.appendPath(dotted(b, start))
	}
	if row.before != "" {
		b = append(dotted(b, start), row.before...)
	}
	if slot := l.slot(); slot != "" {
		b = append(b, bracketed(Printable(slot))...)
	}
	return append(b, row.after...)
}

// dotted appends the dot before a part of a path that is not its first.
func dotted(b []byte, start int) []byte {
	if len(b) > start {
		b = append(b, '.')
	}
	return b
}

// Short is the path below the spec of the pod, or below the container:
// securityContext.runAsUser.
func (l Location) Short() string {
	row, slot := l.Field.row(), l.slot()
	if slot != "" {
		slot = bracketed(slot)
	}
	// Most fields have no "[*]", and their path is returned as it is.
	return strings.Replace(row.below, eachText, slot, 1)
}

func bracketed(s string) string { return "[" + s + "]" }

// slot is what stands for the "[*]" of the field, empty for nothing.
func (l Location) slot() string {
	switch row := l.Field.row(); {
	case l.Key != "":
		return l.Key
	case l.Index >= 0 && len(row.path) != len(row.before)+len(row.after):
		return strconv.Itoa(int(l.Index))
	default:
		return ""
	}
}

// Steps are the names and indices on the way from the object to the field, for
// an editor: spec, containers, 0, securityContext.
func (l Location) Steps() []string {
	steps := append(make([]string, 0, 8), l.Root.Steps()...)
	if l.Container.Kind != 0 {
		steps = append(steps, "spec", l.Container.Kind.List(), strconv.Itoa(int(l.Container.Index)))
	}
	for _, step := range l.Field.row().steps {
		if step == Each {
			if step = l.slot(); step == "" {
				continue
			}
		}
		steps = append(steps, step)
	}
	return steps
}

// Pointer is the JSON pointer (RFC 6901) of the field in the object.
func (l Location) Pointer() string { return string(RootAt(l.Steps()...)) }

// FieldPath is the location as apimachinery's field errors have it.
func (l Location) FieldPath() *field.Path {
	var path *field.Path
	for _, step := range l.Root.Steps() {
		if i, err := strconv.Atoi(step); err == nil && path != nil && isIndex(step) {
			path = path.Index(i)
		} else {
			path = path.Child(step)
		}
	}
	if l.Container.Kind != 0 {
		path = path.Child("spec", l.Container.Kind.List()).Index(int(l.Container.Index))
	}
	for _, step := range l.Field.row().steps {
		switch {
		case step != Each:
			path = path.Child(step)
		case l.Key != "":
			path = path.Key(l.Key)
		case l.Index >= 0:
			path = path.Index(int(l.Index))
		}
	}
	return path
}
