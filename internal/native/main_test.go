package native_test

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/validation/apiserver"
)

func TestMain(m *testing.M) {
	apiserver.AllowPrivileged()
	// Compiling makes much garbage, and little of it is kept.
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// must is for what does not fail: conversions between types of Kubernetes.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func ptr[T any](v T) *T { return &v }

// show is an object as YAML, for messages.
func show(object any) string {
	text, err := yaml.Marshal(object)
	must(err)
	return fmt.Sprintf("%T\n%s", object, text)
}

func nameOf(object runtime.Object) string {
	named, err := meta.Accessor(object)
	must(err)
	return named.GetName()
}
