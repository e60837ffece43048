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

// ContainerKinds are all kinds, in visiting order.
var ContainerKinds = [...]ContainerKind{InitContainer, RegularContainer, EphemeralContainer}

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
	Index int
	Name  string
}

// String is the container's path, empty for the pod itself: spec.containers[0].
func (c Container) String() string {
	if c.Kind == 0 {
		return ""
	}
	return "spec." + c.Kind.List() + bracketed(strconv.Itoa(c.Index))
}

// Location is one field of one pod.
type Location struct {
	// Container holds the field; the zero Container for a field of the pod.
	Container Container
	Field     Field
	// Index stands for the "[*]" of Field, -1 where the field as a whole is
	// meant (an empty list) or has no "[*]".
	Index int
	// Key stands for the "[*]" of a map: the key of an annotation.
	Key string
}

// At is the location of a field without an index.
func At(c Container, f Field) Location { return Location{Container: c, Field: f, Index: -1} }

// AtIndex is the location of an element's field.
func AtIndex(c Container, f Field, i int) Location { return Location{Container: c, Field: f, Index: i} }

// AtAnnotation is the location of an annotation of the pod.
func AtAnnotation(key string) Location {
	return Location{Field: FieldAnnotation, Index: -1, Key: key}
}

// String renders the path as Kubernetes does:
// spec.containers[0].securityContext.capabilities.add[1].
func (l Location) String() string { return l.Within("") }

// Within renders the path of the field in an object that holds the pod at
// root, "spec.template" for a Deployment, "" for a pod.
func (l Location) Within(root string) string {
	var b strings.Builder
	if root != "" {
		b.WriteString(root)
		b.WriteByte('.')
	}
	if l.Container.Kind != 0 {
		b.WriteString(l.Container.String())
		b.WriteByte('.')
	}
	before, after, _ := strings.Cut(string(l.Field), "[*]")
	b.WriteString(before)
	if slot := l.slot(); slot != "" {
		b.WriteString(bracketed(slot))
	}
	b.WriteString(after)
	return b.String()
}

func bracketed(s string) string { return "[" + s + "]" }

// slot is what stands for the "[*]" of the field, empty for nothing.
func (l Location) slot() string {
	switch {
	case l.Key != "":
		return l.Key
	case l.Index >= 0 && strings.Contains(string(l.Field), "[*]"):
		return strconv.Itoa(l.Index)
	default:
		return ""
	}
}

// Segments are the steps of the path, for a JSON pointer or an editor:
// spec, containers, 0, securityContext.
func (l Location) Segments() []string {
	segments := make([]string, 0, 8)
	if l.Container.Kind != 0 {
		segments = append(segments, "spec", l.Container.Kind.List(), strconv.Itoa(l.Container.Index))
	}
	before, after, _ := strings.Cut(string(l.Field), "[*]")
	segments = append(segments, strings.Split(before, ".")...)
	if slot := l.slot(); slot != "" {
		segments = append(segments, slot)
	}
	if after != "" {
		segments = append(segments, strings.Split(after[1:], ".")...)
	}
	return segments
}

// FieldPath is the location as apimachinery's field errors have it, below root,
// which is nil for a pod.
func (l Location) FieldPath(root *field.Path) *field.Path {
	path := root
	if l.Container.Kind != 0 {
		path = path.Child("spec", l.Container.Kind.List()).Index(l.Container.Index)
	}
	before, after, _ := strings.Cut(string(l.Field), "[*]")
	path = child(path, before)
	switch {
	case l.Key != "":
		path = path.Key(l.Key)
	case l.slot() != "":
		path = path.Index(l.Index)
	}
	if after != "" {
		path = child(path, after[1:])
	}
	return path
}

// child walks a dotted path from a path that may be nil.
func child(path *field.Path, dotted string) *field.Path {
	for name := range strings.SplitSeq(dotted, ".") {
		path = path.Child(name)
	}
	return path
}
