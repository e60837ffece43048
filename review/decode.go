package review

import (
	corev1 "k8s.io/api/core/v1"
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
	var d decoder
	pod := &corev1.Pod{}
	d.reset(text, DefaultLimit)
	if err := podObject(&d, pod); err != nil {
		return nil, err
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	return pod, nil
}
