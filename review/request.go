package review

import (
	"bytes"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/kinds"
	"github.com/podfence/podfence/spec"
)

// Request is what an API server asks: the part of an AdmissionRequest that
// answers go by.
type Request struct {
	UID         types.UID
	Kind        metav1.GroupVersionKind
	Resource    metav1.GroupVersionResource
	SubResource string
	Name        string
	Namespace   string
	Operation   admissionv1.Operation
	UserInfo    UserInfo
	// Pod is the object where it is a pod, OldPod the pod before an update, both as
	// [Pod] reads them. They are valid until the request is answered.
	Pod, OldPod *corev1.Pod
	// Object is the object where it is no pod, OldObject the same before an update:
	// kind, name, namespace, UID, labels and annotations, whatever it is.
	Object, OldObject *metav1.PartialObjectMetadata
	// Template is the pod template that the object holds, at Root, else nil.
	Template *corev1.PodTemplateSpec
	Root     spec.Root
	// Claims: the object is a StatefulSet with volumeClaimTemplates.
	Claims bool
	// Size is how much was read of the request, in bytes of memory: what MaxMemory
	// bounds. Texts is how much of it are texts, as they are written, which an answer
	// may quote many times.
	Size, Texts int64

	// unread is why an object could not be read.
	unread            error
	object, oldObject held
}

// Workload is what holds the request's template.
func (r *Request) Workload() podfence.Workload {
	return podfence.Workload{Namespace: r.Namespace, Template: r.Template, Root: r.Root, Claims: r.Claims}
}

// UserInfo is who asks.
type UserInfo struct {
	Username string
	Groups   []string
}

// held is a value that was passed before it was known what it is: its place in
// the text.
type held struct{ start, end int }

// body is a review with its request. What stands beside them is skipped.
type body struct {
	apiVersion, kind string
	request          Request
	asked            bool
}

var reviewObject = object(members[body]{
	"apiVersion": field(func(b *body) *string { return &b.apiVersion }, text[string]),
	"kind":       field(func(b *body) *string { return &b.kind }, text[string]),
	"request": func(d *decoder, b *body) error {
		b.asked = true
		return requestObject(d, &b.request)
	},
})

var requestObject = object(members[Request]{
	"uid":         field(func(r *Request) *types.UID { return &r.UID }, text[types.UID]),
	"kind":        field(func(r *Request) *metav1.GroupVersionKind { return &r.Kind }, groupVersionKind),
	"resource":    field(func(r *Request) *metav1.GroupVersionResource { return &r.Resource }, groupVersionResource),
	"subResource": field(func(r *Request) *string { return &r.SubResource }, text[string]),
	"name":        field(func(r *Request) *string { return &r.Name }, text[string]),
	"namespace":   field(func(r *Request) *string { return &r.Namespace }, text[string]),
	"operation":   field(func(r *Request) *admissionv1.Operation { return &r.Operation }, text[admissionv1.Operation]),
	"userInfo":    field(func(r *Request) *UserInfo { return &r.UserInfo }, userInfo),
	"object": func(d *decoder, r *Request) error {
		if r.Kind == (metav1.GroupVersionKind{}) {
			return d.hold(&r.object)
		}
		return d.wholly(r, r.readObject)
	},
	"oldObject": func(d *decoder, r *Request) error {
		if r.Kind == (metav1.GroupVersionKind{}) {
			return d.hold(&r.oldObject)
		}
		return d.wholly(r, r.readOldObject)
	},
})

var groupVersionKind = object(members[metav1.GroupVersionKind]{
	"group":   field(func(g *metav1.GroupVersionKind) *string { return &g.Group }, text[string]),
	"version": field(func(g *metav1.GroupVersionKind) *string { return &g.Version }, text[string]),
	"kind":    field(func(g *metav1.GroupVersionKind) *string { return &g.Kind }, text[string]),
})

var groupVersionResource = object(members[metav1.GroupVersionResource]{
	"group":    field(func(g *metav1.GroupVersionResource) *string { return &g.Group }, text[string]),
	"version":  field(func(g *metav1.GroupVersionResource) *string { return &g.Version }, text[string]),
	"resource": field(func(g *metav1.GroupVersionResource) *string { return &g.Resource }, text[string]),
})

var userInfo = object(members[UserInfo]{
	"username": field(func(u *UserInfo) *string { return &u.Username }, text[string]),
	"groups":   field(func(u *UserInfo) *[]string { return &u.Groups }, list(func(m *slabs) *slab[string] { return &m.strings }, text[string])),
})

// hold passes a value and remembers its place.
func (d *decoder) hold(h *held) error {
	value, err := d.json.ReadValue()
	if err != nil {
		return d.broken(err)
	}
	h.end = int(d.json.InputOffset())
	h.start = h.end - len(value)
	return nil
}

// request reads a review, which is the text of the decoder.
func (d *decoder) request(review []byte) (*Request, error) {
	in, limit := &body{}, d.left
	if err := reviewObject(d, in); err != nil {
		return nil, err
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	r := &in.request
	if err := r.readHeld(d, review); err != nil {
		return nil, err
	}
	r.Size, r.Texts = limit-d.left, d.texts
	return r, nil
}

// check reports a review that is none.
func (b *body) check() error {
	switch r := &b.request; {
	case b.apiVersion != admissionv1.SchemeGroupVersion.String() || b.kind != "AdmissionReview":
		return &Error{Text: fmt.Sprintf("this is %.80s of %.80s, and no AdmissionReview of %s", b.kind, b.apiVersion, admissionv1.SchemeGroupVersion)}
	case !b.asked:
		return &Error{Pointer: "/request", Text: "it is missing"}
	case r.UID == "" || r.Operation == "" || r.Kind.Kind == "" || r.Resource.Resource == "":
		return &Error{Pointer: "/request", Text: "uid, operation, kind and resource must be set"}
	default:
		return nil
	}
}

// readHeld reads the objects that stood before the kind.
func (r *Request) readHeld(d *decoder, review []byte) error {
	for _, rest := range [...]struct {
		held
		name string
		read func(*decoder) error
	}{{r.object, "/request/object", r.readObject}, {r.oldObject, "/request/oldObject", r.readOldObject}} {
		if rest.end == 0 {
			continue
		}
		var inner decoder
		inner.reset(bytes.Clone(review[rest.start:rest.end]), d.left)
		before := r.unread
		if err := inner.wholly(r, rest.read); err != nil {
			return err
		}
		if unread := (*Error)(nil); before == nil && errors.As(r.unread, &unread) {
			unread.Pointer = rest.name + unread.Pointer
		}
		d.left, d.texts = inner.left, d.texts+inner.texts
	}
	return nil
}

// wholly reads an object of a request, also one that something is wrong with: that
// is kept, and the rest of the object passed. Text that is no JSON ends it.
func (d *decoder) wholly(r *Request, read func(*decoder) error) error {
	depth, start := d.json.StackDepth(), d.json.InputOffset()
	err := read(d)
	if unread := (*Error)(nil); !errors.As(err, &unread) || unread.isSyntax() {
		return err
	}
	if d.json.InputOffset() == start { // nothing of it was read
		if err := d.skip(); err != nil {
			return err
		}
	}
	for d.json.StackDepth() > depth {
		if _, err := d.json.ReadToken(); err != nil {
			return d.broken(err)
		}
	}
	if r.unread == nil {
		r.unread = err
	}
	return nil
}

var podTemplate = object(members[corev1.PodTemplateSpec]{
	"metadata": field(func(t *corev1.PodTemplateSpec) *metav1.ObjectMeta { return &t.ObjectMeta }, metadata),
	"spec":     field(func(t *corev1.PodTemplateSpec) *corev1.PodSpec { return &t.Spec }, podSpec),
})

// other is an object that is no pod.
type other struct {
	metav1.PartialObjectMetadata
	template *corev1.PodTemplateSpec
	claims   bool
}

// others read an object that holds a template at a root; at "" one that holds none.
var others = func() map[spec.Root]reader[other] {
	readers := map[spec.Root]reader[other]{"": object(otherMembers())}
	for _, root := range kinds.TemplateRoots() {
		known, steps := otherMembers(), root.Steps()
		known[steps[0]] = templateAt(steps[1:])
		readers[root] = object(known)
	}
	return readers
}()

func otherMembers() members[other] {
	return members[other]{
		"apiVersion": field(func(o *other) *string { return &o.APIVersion }, text[string]),
		"kind":       field(func(o *other) *string { return &o.Kind }, text[string]),
		"metadata":   field(func(o *other) *metav1.ObjectMeta { return &o.ObjectMeta }, metadata),
	}
}

// templateAt reads a template at the end of some steps. Beside that of a StatefulSet
// stand its claims.
func templateAt(steps []string) reader[other] {
	if len(steps) > 0 {
		return object(members[other]{steps[0]: templateAt(steps[1:]), "volumeClaimTemplates": claims})
	}
	return func(d *decoder, into *other) error {
		if null, err := d.null(); null || err != nil {
			return err
		}
		into.template = &corev1.PodTemplateSpec{}
		return podTemplate(d, into.template)
	}
}

// claims reads whether a list has any.
func claims(d *decoder, into *other) error {
	if null, err := d.begin('[', "a list"); null || err != nil {
		return err
	}
	for d.json.PeekKind() != ']' {
		into.claims = true
		if err := d.skip(); err != nil {
			return err
		}
	}
	return d.bracket()
}

func (r *Request) isPod() bool {
	return r.Kind == metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}
}

// readObject reads the object, which is nil for null and where it cannot be read.
func (r *Request) readObject(d *decoder) (err error) {
	if r.isPod() {
		r.Pod, err = r.readPod(d)
		return err
	}
	r.Root, _ = kinds.Root(schema.GroupVersionKind(r.Kind))
	o, err := r.readOther(d, r.Root)
	if o == nil {
		return err
	}
	r.Object, r.Template, r.Claims = &o.PartialObjectMetadata, o.template, o.claims
	return nil
}

func (r *Request) readOldObject(d *decoder) (err error) {
	if r.isPod() {
		r.OldPod, err = r.readPod(d)
		return err
	}
	o, err := r.readOther(d, "")
	if o == nil {
		return err
	}
	r.OldObject = &o.PartialObjectMetadata
	return nil
}

func (r *Request) readPod(d *decoder) (*corev1.Pod, error) {
	if null, err := d.null(); null || err != nil {
		return nil, err
	}
	pod, err := d.made.pods.one(d)
	if err != nil {
		return nil, err
	}
	if err := podObject(d, pod); err != nil {
		return nil, err
	}
	if err := r.expects(d, &pod.TypeMeta); err != nil {
		return nil, err
	}
	return pod, nil
}

func (r *Request) readOther(d *decoder, root spec.Root) (*other, error) {
	if null, err := d.null(); null || err != nil {
		return nil, err
	}
	o := &other{}
	if err := others[root](d, o); err != nil {
		return nil, err
	}
	if err := r.expects(d, &o.TypeMeta); err != nil {
		return nil, err
	}
	return o, nil
}

// expects reports an object that says it is of another kind than the request. One
// that says nothing is taken for what the request says.
func (r *Request) expects(d *decoder, t *metav1.TypeMeta) error {
	version := schema.GroupVersion{Group: r.Kind.Group, Version: r.Kind.Version}.String()
	if (t.Kind == "" || t.Kind == r.Kind.Kind) && (t.APIVersion == "" || t.APIVersion == version) {
		return nil
	}
	return &Error{
		Pointer: string(d.json.StackPointer()),
		Text:    fmt.Sprintf("this is %.80s of %.80s, and the request is about %.80s of %.80s", t.Kind, t.APIVersion, r.Kind.Kind, version),
	}
}
