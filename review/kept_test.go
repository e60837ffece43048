package review

import (
	"strings"
	"testing"
)

// TestLargeDecodersAreNotKept: the room that one large pod took is not held for the
// next ones.
func TestLargeDecodersAreNotKept(t *testing.T) {
	const containers = 5000
	body := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE",
		"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"object":{"spec":{"containers":[{}` + strings.Repeat(",{}", containers-1) + `]}}}}`
	var all decoders
	_, err := all.answer([]byte(body), 0, func(r *Request, _ *scratch, _ error) (response, error) {
		if n := len(r.Pod.Spec.Containers); n != containers {
			t.Errorf("%d containers", n)
		}
		return response{allowed: true}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := all.idle.Get().(*decoder); ok {
		t.Errorf("a decoder of %d bytes is kept", d.grown)
	}
}
