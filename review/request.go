package review

import (
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

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
	// Template is the pod template that the object holds, at Root, else nil.
	Template *corev1.PodTemplateSpec
	Root     spec.Root

	object, oldObject held
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
		return r.readObject(d)
	},
	"oldObject": func(d *decoder, r *Request) error {
		if r.Kind == (metav1.GroupVersionKind{}) {
			return d.hold(&r.oldObject)
		}
		return r.readOldObject(d)
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

var podTemplate = object(members[corev1.PodTemplateSpec]{
	"metadata": field(func(t *corev1.PodTemplateSpec) *metav1.ObjectMeta { return &t.ObjectMeta }, metadata),
	"spec":     field(func(t *corev1.PodTemplateSpec) *corev1.PodSpec { return &t.Spec }, podSpec),
})

// templates read the template of an object that holds it at a root.
var templates = func() map[spec.Root]reader[*corev1.PodTemplateSpec] {
	readers := map[spec.Root]reader[*corev1.PodTemplateSpec]{}
	for _, root := range kinds.TemplateRoots() {
		readers[root] = templateAt(root.Steps())
	}
	return readers
}()

func templateAt(steps []string) reader[*corev1.PodTemplateSpec] {
	if len(steps) > 0 {
		return object(members[*corev1.PodTemplateSpec]{steps[0]: templateAt(steps[1:])})
	}
	return func(d *decoder, into **corev1.PodTemplateSpec) error {
		if null, err := d.null(); null || err != nil {
			return err
		}
		*into = &corev1.PodTemplateSpec{}
		return podTemplate(d, *into)
	}
}

func (r *Request) isPod() bool {
	return r.Kind == metav1.GroupVersionKind{Version: "v1", Kind: "Pod"}
}

func (r *Request) readObject(d *decoder) error {
	root, ok := kinds.Root(schema.GroupVersionKind(r.Kind))
	switch {
	case !ok:
		return d.skip()
	case r.isPod():
		return pod(d, &r.Pod)
	default:
		r.Root = root
		return templates[root](d, &r.Template)
	}
}

func (r *Request) readOldObject(d *decoder) error {
	if r.isPod() {
		return pod(d, &r.OldPod)
	}
	return d.skip()
}

// pod reads a pod, which is nil for null.
func pod(d *decoder, into **corev1.Pod) error {
	if null, err := d.null(); null || err != nil {
		return err
	}
	made, err := d.made.pods.one(d)
	if err != nil {
		return err
	}
	*into = made
	return podObject(d, made)
}
