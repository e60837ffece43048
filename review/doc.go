// Package review answers an AdmissionReview of admission.k8s.io/v1, from bytes to
// bytes: a webhook on net/http alone, or on any server that takes an
// [net/http.Handler].
//
// A [Handler] decides by the Pod Security Standards and policies. A [Codec] leaves that
// to a function, for those who count decisions, exempt users or have rules of their own;
// it may ask a Handler all the same.
//
// A webhook's time is its decoder's. [Handler] and [Pod] read from JSON only what
// podfence looks at, into the API's own types, and skip the rest without building
// it. What Admit says of such a sparse pod it says of the pod that was decoded
// whole, and a patch that it makes applies to the text: TestSparseIsEnough tries
// that on generated pods, and TestEveryFieldThatMattersIsRead on every field that
// the types have. A sparse pod is for asking podfence about; its other fields are
// empty, and it is not to be stored.
//
// Names count as they are written, case included, as they do for the API server.
// What a server never sends is refused, with its JSON pointer: a name that stands
// twice in an object that is read, a null in a list, text that is no UTF-8, a
// value of the wrong type in a field that is read, something behind the end, more
// than 10,000 objects in each other. What is skipped must be JSON, and no more is
// asked of it. What may be read of a request, in bytes of memory, is bounded while it is
// read; TestCostIsLinear holds that it, and all that is allocated, grows with the pod.
package review
