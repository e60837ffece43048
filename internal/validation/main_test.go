package validation_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/podfence/podfence/internal/validation/apiserver"
)

// Each property is tried so often, on pods that are the same in every run, so that
// what they are can be counted and asserted. Who gives -rapid.checks or -rapid.seed
// gets others, whose counts are only printed.
const checks, seed = "5000", "1"

// seeded: the pods are those of the constants above.
var seeded bool

func TestMain(m *testing.M) {
	flag.Parse()
	seeded = os.Getenv("RAPID_CHECKS") == "" && os.Getenv("RAPID_SEED") == ""
	flag.Visit(func(f *flag.Flag) {
		if f.Name == "rapid.checks" || f.Name == "rapid.seed" {
			seeded = false
		}
	})
	if seeded {
		must(flag.Set("rapid.checks", checks))
		must(flag.Set("rapid.seed", seed))
	}
	apiserver.AllowPrivileged()
	os.Exit(m.Run())
}

// must is for what does not fail: flags that exist, and objects as JSON.
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
