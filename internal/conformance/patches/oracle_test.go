package patches_test

import (
	"encoding/json"
	"reflect"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

// TestAppliesAsAFullImplementationDoes: Apply makes of a pod, and of an object
// that holds one, what evanphx/json-patch makes of it, so that tests may trust
// the shorter one.
func TestAppliesAsAFullImplementationDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod, p := podgen.Pod().Draw(t, "pod"), podgen.Policy().Draw(t, "policy")
		report := mutate.Plan(&pod.ObjectMeta, &pod.Spec, &p)
		agree(t, pod, report.Patch())
		agree(t, map[string]any{"spec": map[string]any{"a/b~": pod}}, report.Within(spec.RootAt("spec", "a/b~")).Patch())
	})
}

func agree(t *rapid.T, object any, text []byte) {
	doc, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := jsonpatch.DecodePatch(text)
	if err != nil {
		t.Fatal(err)
	}
	patched, err := patch.Apply(doc)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	want, err := patchtest.Tree(patched)
	if err != nil {
		t.Fatal(err)
	}
	got, err := patchtest.Apply(doc, text)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s of %s gives %v, want %s", text, doc, got, patched)
	}
}
