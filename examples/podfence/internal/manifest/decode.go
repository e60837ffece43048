package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kjson "sigs.k8s.io/json"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/fields"
	"github.com/podfence/podfence/review"
	"github.com/podfence/podfence/spec"
)

// maxLists is how deep lists may stand in lists. Each level is read once more.
const maxLists = 16

// locator finds the line of a value by its path in the chunk and by its offset in the chunk's JSON, whichever it can use.
type locator interface {
	line(path []string, offset int) int
}

// decoder turns the JSON of a chunk into objects.
type decoder struct {
	file string
	text []byte // valid JSON, no key twice
	at   locator
	with *tools // nil: all is decoded whole
}

// tools are what a decoder uses again and again.
type tools struct {
	walker  walker
	fitter  fields.Fitter
	reader  review.Reader
	scalars scalars
}

// head is what says what an object is.
type head struct {
	apiVersion, kind string
	namespace, name  string
	generateName     string
	items            span
	itemsStart       byte // the first byte of items: '[' of a list, 'n' of null, 0 if there is none
	request          span // of a review
}

// title names the object to a person.
func (h *head) title() string {
	return Object{Kind: h.kind, Namespace: h.namespace, Name: h.shown()}.String()
}

// shown is the name that a person is told.
func (h *head) shown() string {
	if h.name == "" && h.generateName != "" {
		return h.generateName + "*"
	}
	return h.name
}

// meta is what is known of an object's metadata.
func (h *head) meta() metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: h.namespace, Name: h.name, GenerateName: h.generateName}
}

// headOf reads the head of the object in text. A member of the wrong type counts as missing: an object without kind
// is none of Kubernetes', and of a workload the decoder reports the type.
func headOf(text []byte) head {
	h, w := head{}, walk(text)
	if !w.opens('{') {
		return h
	}
	for {
		key, _, ok := w.key()
		if !ok {
			return h
		}
		h.member(w, string(key))
	}
}

// workloadHead is headOf as far as it must be read to know a workload; ok is false for anything else. The members of an
// object mostly come in the order of the alphabet.
func workloadHead(w *walker, text []byte, list head) (h head, k *podKind, ok bool) {
	w.begin(text)
	if !w.opens('{') {
		return h, nil, false
	}
	for seen := 0; seen < 3; {
		key, _, more := w.key()
		if !more {
			break
		}
		h.member(w, string(key))
		switch string(key) {
		case "apiVersion", "kind", "metadata":
			seen++
		}
	}
	h.inherit(list)
	k, problem, _ := podKindOf(h.apiVersion, h.kind)
	return h, k, k != nil && problem == ""
}

// saysWhatItIs reports whether an object has an apiVersion and a kind, looking no further than they stand.
func saysWhatItIs(w *walker, text []byte) bool {
	w.begin(text)
	if !w.opens('{') {
		return false
	}
	for h := (head{}); h.kind == "" || h.apiVersion == ""; {
		key, _, ok := w.key()
		if !ok {
			return false
		}
		h.member(w, string(key))
	}
	return true
}

// member takes what a member says, the key of which was read.
func (h *head) member(w *walker, key string) {
	if key == "metadata" {
		h.name, h.generateName, h.namespace = w.names()
		return
	}
	v, ok := w.value()
	if !ok {
		return
	}
	switch value := v.of(w.text); key {
	case "apiVersion":
		h.apiVersion = stringOf(value)
	case "kind":
		h.kind = stringOf(value)
	case "items":
		h.items, h.itemsStart = v, value[0]
	case "request":
		h.request = v
	}
}

func stringOf(value []byte) string {
	if value[0] != '"' {
		return ""
	}
	return unquote(value)
}

// names reads the metadata of an object.
func (w *walker) names() (name, generateName, namespace string) {
	if !w.opens('{') {
		w.value()
		return "", "", ""
	}
	for {
		key, _, ok := w.key()
		if !ok {
			w.opens('}')
			return name, generateName, namespace
		}
		v, _ := w.value()
		switch value := v.of(w.text); string(key) {
		case "namespace":
			namespace = stringOf(value)
		case "name":
			name = stringOf(value)
		case "generateName":
			generateName = stringOf(value)
		}
	}
}

// inherit gives an item what its typed list says of it. kubectl replaces both if one is missing, and so does this.
func (h *head) inherit(list head) {
	if list.kind != "List" && isList(list.kind) && (h.kind == "" || h.apiVersion == "") {
		h.apiVersion, h.kind = list.apiVersion, strings.TrimSuffix(list.kind, "List")
	}
}

// objects returns the objects of the value at s, which stands at path and, as an item, in list.
func (d *decoder) objects(s span, path []string, list head, depth int) []Object {
	text := s.of(d.text)
	h := headOf(text)
	h.inherit(list)
	switch {
	case isList(h.kind):
		return d.listItems(s, path, h, depth)
	case isReview(h):
		return d.reviewed(s, path, h, depth)
	case text[0] == '[' && mayHoldObjects(text):
		if depth == maxLists {
			return d.tooDeep(d.identify(s, path, h))
		}
		return d.elements(s, path, head{}, depth)
	}
	return []Object{d.object(s, path, h)}
}

// tooDeep is an object in which others stand too deep to be looked for.
func (d *decoder) tooDeep(o Object) []Object {
	o.Err = d.fail(o, o.Line, fmt.Sprintf("lists stand in lists more than %d deep", maxLists), "write the items into one list")
	return []Object{o}
}

// isReview reports whether an object is what the API server asks a webhook.
func isReview(h head) bool {
	return h.kind == "AdmissionReview" && strings.HasPrefix(h.apiVersion, "admission.k8s.io/")
}

// reviewed returns the object that is under review: of a deletion, and of an answer, the review itself.
func (d *decoder) reviewed(s span, path []string, h head, depth int) []Object {
	request := span{s.start + h.request.start, s.start + h.request.end}
	at, _ := childOf(request.of(d.text), "object")
	switch {
	case at.end == 0 || d.text[request.start+at.start] != '{':
		return []Object{d.object(s, path, h)}
	case depth == maxLists:
		return d.tooDeep(d.identify(s, path, h))
	}
	namespace := ""
	if n, ok := childOf(request.of(d.text), "namespace"); ok {
		namespace = stringOf(n.of(request.of(d.text)))
	}
	object := span{request.start + at.start, request.start + at.end}
	found := d.objects(object, append(slices.Clip(path), "request", "object"), head{}, depth+1)
	for i := range found {
		found[i].GiveNamespace(namespace)
	}
	return found
}

// mayHoldObjects reports whether a list may be one of API objects, as jq makes of a List. Otherwise it is a document of
// another kind, and one.
func mayHoldObjects(list []byte) bool {
	if !mayHoldPods(list) && !bytes.Contains(list, []byte(`"kind"`)) {
		return false
	}
	for element := range elements(list) {
		if c := list[element.start]; c == '{' || c == '[' {
			return true
		}
	}
	return false
}

// elements returns the objects of the list at s.
func (d *decoder) elements(s span, path []string, list head, depth int) (objects []Object) {
	i := 0
	for item := range elements(s.of(d.text)) {
		itemPath := append(slices.Clip(path), strconv.Itoa(i))
		objects = append(objects, d.objects(span{s.start + item.start, s.start + item.end}, itemPath, list, depth+1)...)
		i++
	}
	return objects
}

func (d *decoder) listItems(s span, path []string, h head, depth int) []Object {
	o := d.identify(s, path, h)
	switch {
	case depth == maxLists:
		return d.tooDeep(o)
	case h.itemsStart != '[' && h.itemsStart != 'n' && h.itemsStart != 0:
		line := d.at.line(append(slices.Clip(path), "items"), s.start+h.items.start)
		o.Err = d.fail(o, line, "items is not a list", "write items as a list")
		return []Object{o}
	}
	return d.elements(span{s.start + h.items.start, s.start + h.items.end}, append(slices.Clip(path), "items"), h, depth)
}

// identify says what an object is, undecided as yet.
func (d *decoder) identify(s span, path []string, h head) Object {
	return Object{
		Line: d.at.line(path, s.start), Path: path,
		APIVersion: h.apiVersion, Kind: h.kind, Namespace: h.namespace, Name: h.shown(),
		source: source{text: s.of(d.text), start: s.start, at: d.at, file: d.file},
	}
}

func (d *decoder) object(s span, path []string, h head) Object {
	o := d.identify(s, path, h)
	k, problem, fix := podKindOf(h.apiVersion, h.kind)
	if problem != "" {
		o.Err = d.fail(o, o.Line, problem, fix)
	} else if k != nil {
		o.Typed, o.source.loose, o.Err = d.typed(k, &h, s, o)
	}
	return o
}

func (d *decoder) fail(o Object, line int, problem, fix string) error {
	return &Error{File: d.file, Line: line, Object: o.String(), Problem: problem, Fix: fix}
}

// typed decodes a workload as the API server does. loose tells that it has fields that its type does not have.
func (d *decoder) typed(k *podKind, h *head, s span, o Object) (object runtime.Object, loose bool, err error) {
	text := s.of(d.text)
	if object := d.sparse(k, h, text); object != nil {
		return object, false, nil
	}
	into := k.create()
	unknown, err := kjson.UnmarshalStrict(text, into, kjson.DisallowUnknownFields)
	if err != nil {
		return nil, false, d.mistyped(func() any { return k.create() }, s, o.Path, o, err)
	}
	into.GetObjectKind().SetGroupVersionKind(schema.FromAPIVersionAndKind(k.apiVersion, k.kind))
	if w, err := podfence.WorkloadOf(into); err == nil {
		if err := d.nullContainer(s, o.Path, o, w.Root.Steps()); err != nil {
			return nil, false, err
		}
	}
	return into, len(unknown) > 0, nil
}

// workload is the workload in the whole text, of which it is not known that no key is twice in it; false where it must be
// looked at more closely.
func (d *decoder) workload(list head) (Object, bool) {
	h, k, ok := workloadHead(&d.with.walker, d.text, list)
	if !ok {
		return Object{}, false
	}
	object := d.sparse(k, &h, d.text)
	if object == nil {
		return Object{}, false
	}
	o := d.identify(span{0, len(d.text)}, nil, h)
	o.Typed = object
	return o, true
}

// sparse reads of a workload what is looked at, and only if nothing in all of its text needs a word: no unknown field, no
// key twice, no value of the wrong type. Otherwise it is nil.
func (d *decoder) sparse(k *podKind, h *head, text []byte) (object runtime.Object) {
	if d.with == nil || text[0] != '{' || k.hold == nil && k.root != "" || !d.with.fitter.Fits(text, k.shape()) {
		return nil
	}
	if k.root == "" {
		pod, err := d.with.reader.Pod(text)
		if err != nil {
			return nil
		}
		object = pod
	} else {
		t, err := d.with.reader.Template(text, k.root)
		if err != nil || t == nil {
			return nil
		}
		var selector *metav1.LabelSelector
		if at, ok := valueAt(text, []string{"spec", "selector"}); ok && k.selects {
			selector = &metav1.LabelSelector{}
			if kjson.UnmarshalCaseSensitivePreserveInts(at.of(text), &selector) != nil {
				return nil
			}
		}
		object = k.hold(h.meta(), selector, t)
	}
	object.GetObjectKind().SetGroupVersionKind(schema.FromAPIVersionAndKind(k.apiVersion, k.kind))
	return object
}

var containerKinds = spec.ContainerKinds()

// nullContainer finds a null in a list of containers, as a "-" with nothing behind it is. The types take it for a
// container without a name, to which fields could be added: not by a patch, which cannot add to null, and not for an API
// server, which refuses it. The value at s stands at the path from the chunk's root, and root leads from it to the pod or
// its template.
func (d *decoder) nullContainer(s span, from []string, o Object, root []string) error {
	path := append(slices.Clip(root), "spec")
	at, ok := d.follow(s, path)
	if !ok {
		return nil
	}
	for key, list := range members(at.of(d.text)) {
		if !slices.ContainsFunc(containerKinds[:], func(k spec.ContainerKind) bool { return k.List() == key }) {
			continue
		}
		i := 0
		for c := range elements(list.of(at.of(d.text))) {
			start := at.start + list.start + c.start
			if d.text[start] == 'n' {
				path = slices.Concat(from, path, []string{key, strconv.Itoa(i)})
				field := fieldPath(path[len(o.Path):])
				return d.fail(o, d.at.line(path, start), field+" is null", "write the container, or remove the entry")
			}
			i++
		}
	}
	return nil
}

// follow is the value at the end of some keys of objects.
func (d *decoder) follow(s span, path []string) (span, bool) {
	for _, step := range path {
		found := false
		for key, v := range members(s.of(d.text)) {
			if found = key == step; found {
				s = span{s.start + v.start, s.start + v.end}
				break
			}
		}
		if !found {
			return s, false
		}
	}
	return s, true
}

// mistyped words a decoder's error and finds its line. The value stands at s, at the end of a path from the chunk's root,
// and create makes what it was decoded to.
func (d *decoder) mistyped(create func() any, s span, at []string, o Object, err error) error {
	text, below := s.of(d.text), at[len(o.Path):]
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		path := pathAt(text, int(wrong.Offset))
		line := d.at.line(slices.Concat(at, path), s.start+int(wrong.Offset)-1)
		problem, fix := wrongType(wrong)
		if v, _ := valueAt(text, path); bytes.Contains(v.of(text), []byte("{{")) {
			fix = "it looks like a Helm template: " + renderIt
		}
		return d.fail(o, line, fieldPath(slices.Concat(below, path))+" "+problem, fix)
	}
	path, offset, found := culprit(create, text, err)
	if !found {
		return d.fail(o, o.Line, err.Error(), "correct the field")
	}
	line := d.at.line(slices.Concat(at, path), s.start+offset)
	return d.fail(o, line, fieldPath(slices.Concat(below, path))+": "+err.Error(), "correct the field")
}

// maxTries bounds the search for the field that a decoder did not name.
const maxTries = 500

// culprit finds the scalar that makes decoding fail, where the error does not say (a quantity, a time): the first that,
// written as null, changes the error.
func culprit(create func() any, text []byte, err error) (path []string, offset int, found bool) {
	w := walk(text)
	for range maxTries {
		t, ok := w.scalar()
		if !ok {
			break
		}
		trial := slices.Concat(text[:t.start], []byte("null"), text[t.end:])
		got := kjson.UnmarshalCaseSensitivePreserveInts(trial, create())
		if got == nil || got.Error() != err.Error() {
			return w.path(), t.start, true
		}
	}
	return nil, 0, false
}

// wrongType words what a decoder found and what it wants.
func wrongType(e *json.UnmarshalTypeError) (problem, fix string) {
	want := wordFor(e.Type)
	number, isNumber := strings.CutPrefix(e.Value, "number ")
	switch kind := e.Type.Kind(); {
	case kind == reflect.String && (e.Value == "bool" || e.Value == "number"):
		// As y, on and 1.20 are: the author saw text.
		return "is read as " + article(e.Value) + ", not as a string", "put it in quotes"
	case isNumber && wholeNumber.MatchString(number):
		bits := e.Type.Bits()
		return fmt.Sprintf("is %s, which is out of range", number),
			fmt.Sprintf("write a whole number from %d to %d", int64(-1)<<(bits-1), int64(1)<<(bits-1)-1)
	case isNumber:
		return fmt.Sprintf("is %s, not %s", number, want), "write " + want
	}
	return fmt.Sprintf("is %s, not %s", article(e.Value), want), "write " + want
}

var wholeNumber = regexp.MustCompile(`^-?[0-9]+$`)

// wordFor names a Go type to someone who writes YAML.
func wordFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "a mapping"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}

// article words what a decoder found: "number", "array".
func article(value string) string {
	switch value {
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	case "bool":
		return "true or false"
	}
	return "a " + value
}
