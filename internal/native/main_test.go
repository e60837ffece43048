package native_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/podfence/podfence/internal/validation/apiserver"
)

func TestMain(m *testing.M) {
	apiserver.AllowPrivileged()
	os.Exit(m.Run())
}

// must is for what does not fail: conversions between types of Kubernetes.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func ptr[T any](v T) *T { return &v }

// show is an object as JSON, for messages.
func show(object any) string {
	text, err := json.MarshalIndent(object, "", " ")
	must(err)
	return fmt.Sprintf("%T %s", object, text)
}

func nameOf(object runtime.Object) string {
	named, err := meta.Accessor(object)
	must(err)
	return named.GetName()
}
