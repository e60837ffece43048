package manifest

import (
	"io"
	"iter"

	yamlv3 "go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Format is how a chunk was read.
type Format int

// The formats. JSON after a `---` is read as YAML, of which it is a part.
const (
	YAML Format = iota
	JSON
)

// String returns "YAML" or "JSON".
func (f Format) String() string {
	if f == JSON {
		return "JSON"
	}
	return "YAML"
}

// Chunk is a piece of the input. The Raw bytes of all chunks, concatenated, are the input.
//
// A YAML chunk is one document with the `---` before it and the `...` after it; comments and directives before a `---`
// belong to the document that it opens. Of a long list in YAML a chunk is one item, and what stands around the items has
// chunks of its own, as has a byte order mark before a later document. A JSON chunk is one top-level object or one item of a list, without the bytes
// around it; those (white space, commas, the list's own members) are chunks of their own.
type Chunk struct {
	Raw     []byte // the caller's to keep
	Line    int    // 1-based line of Raw's first byte in the file
	Format  Format
	Objects []Object // in the order of the text; empty for separators, comments and list wrappers
	Err     error    // *Error: the text could not be read. Objects is then empty.
	Parsed  Parsed   // what an editor of Raw need not find out again
	Last    bool     // of those that are at hand: the next may have to be waited for
}

// Parsed is a YAML document that was parsed: its tree, with the lines of Raw, and its JSON. Both are nil where there is none.
type Parsed struct {
	Root *yamlv3.Node
	JSON []byte
}

// Object is one API object of a chunk.
type Object struct {
	Line int      // line in the file of its first key, or of its opening brace; of a reviewed object in YAML, of its key
	Path []string // from the chunk's root: nil for the root itself, {"items", "3"} in a YAML list, {"0"} in a chunk of one item, {"request", "object"} in a review

	// As written, or taken from the typed list around it. Kind is empty for what is no Kubernetes object.
	// Name is metadata.name, else generateName with a "*" after it.
	APIVersion, Kind, Namespace, Name string

	// Typed is the workload, *corev1.Pod, *appsv1.Deployment and so on, its apiVersion and kind set even if they came
	// from the list. It is nil if the kind holds no pod, or if Err is set.
	Typed runtime.Object
	Err   error // *Error: a workload that could not be decided

	source source
}

// GiveNamespace gives the object a namespace, if it names none. The text is not touched.
func (o *Object) GiveNamespace(namespace string) {
	if o.Namespace != "" || namespace == "" || o.Kind == "" {
		return
	}
	o.Namespace = namespace
	if object, ok := o.Typed.(metav1.Object); ok {
		object.SetNamespace(namespace)
	}
}

// String names the object to a person: "Deployment prod/web".
func (o Object) String() string {
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	switch {
	case o.Kind == "":
		return name
	case name == "":
		return o.Kind
	}
	return o.Kind + " " + name
}

// Read yields the chunks of r. file is what errors name; "-" is shown as "<stdin>".
//
// The error is r's own: it comes last, with a zero chunk, after everything that could be read. A document that
// it cut short is a chunk with an Err, as a part of a document may read as another one. What is wrong with the text is in
// Chunk.Err and Object.Err instead, and does not end the stream.
func Read(r io.Reader, file string) iter.Seq2[Chunk, error] {
	return ReadWithin(r, file, DefaultLimit)
}

// ReadWithin is Read with another limit for the size of a document, in bytes, than DefaultLimit.
func ReadWithin(r io.Reader, file string, limit int) iter.Seq2[Chunk, error] {
	return read(r, file, limitsOf(limit))
}

func read(r io.Reader, file string, l limits) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		p := newPipeline()
		s := &stream{lookahead: newLookahead(p.from(r)), terms: terms{file: Display(file), limits: l}, pipeline: p}
		s.max = l.document + readSize
		p.run(func() {
			if s.run() && s.failure() != nil {
				p.add(&task{err: s.failure()})
			}
		}, yield)
	}
}

// stream carries what both formats need. Its methods that return a bool return false when the caller wants no more.
type stream struct {
	*lookahead
	terms
	pipeline *pipeline
}

func (s *stream) run() bool {
	if s.startsAsJSON() {
		return s.readJSON()
	}
	return s.readYAML()
}

// emit takes n bytes of the input as a chunk, which decode may fill in.
func (s *stream) emit(n int, f Format, decode func(*task)) bool {
	return s.emitSettled(n, f, decode, nil)
}

// emitSettled is emit with something to be done when all chunks before this one are with the caller.
func (s *stream) emitSettled(n int, f Format, decode, settle func(*task)) bool {
	if n == 0 {
		return true
	}
	t := &task{terms: s.terms, decode: decode, settle: settle}
	t.Format = f
	t.Raw, t.Line = s.take(n)
	if len(s.window) == 0 {
		t.failure = s.failure()
	}
	return s.pipeline.add(t)
}

// pass emits n bytes in which there is nothing to decide.
func (s *stream) pass(n int, f Format) bool { return s.emit(n, f, nil) }

// cutShort is the problem of a text that ends too early: its own fault, or the reader's.
func cutShort(err error, what string) (problem, fix string) {
	if err != nil {
		return "reading stopped before its end: " + err.Error(), "read it again"
	}
	return what + " ends too early", "complete it"
}
