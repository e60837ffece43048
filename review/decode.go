package review

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// DefaultLimit is how much may be read of a pod or a review by default, in bytes of
// memory: some ten thousand containers. The largest pods that an API server stores
// take less than a tenth of it.
const DefaultLimit = 16 << 20

// Pod reads a pod from its JSON: the fields that podfence looks at, into the API's
// own types. All others are skipped, and are empty in the result.
//
// What podfence says of the result it says of the pod that was decoded whole, and
// a patch that it makes applies to the text. The error is an [*Error] with the
// place of what is wrong.
func Pod(text []byte) (*corev1.Pod, error) {
	return new(Reader).Pod(text)
}

// Reader reads many pods, each as [Pod] does, with less to be allocated for one.
// The zero Reader is ready. It is for one goroutine at a time; the pods are the
// caller's and stay as they are.
type Reader struct {
	d decoder
	// made is how much of the slabs is in use, in bytes.
	made int64
}

// renewAt is how many bytes of pods share their allocations: what is kept of one
// of them keeps no more than that of the others.
const renewAt = 32 << 10

// Pod reads a pod from its JSON.
func (r *Reader) Pod(text []byte) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	return pod, readWhole(r, text, podObject, pod)
}

// Template reads the pod template that an object of Kubernetes holds at a root, as
// in [podfence.Workload]. It is nil where there is none.
func (r *Reader) Template(text []byte, root spec.Root) (*corev1.PodTemplateSpec, error) {
	read, ok := others[root]
	if !ok || root == "" {
		return nil, fmt.Errorf("review: no object holds a pod template at %q", root)
	}
	var o other
	err := readWhole(r, text, read, &o)
	return o.template, err
}

func readWhole[T any](r *Reader, text []byte, read reader[T], into *T) error {
	if r.made > renewAt {
		r.made, r.d.made = 0, slabs{}
	}
	r.d.start(text, DefaultLimit)
	defer r.d.release()
	err := read(&r.d, into)
	r.made += DefaultLimit - r.d.left
	if err == nil {
		err = r.d.end()
	}
	return err
}
