package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/examples/podfence/internal/manifest"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

// TestJSONIsThePatch: for every pod the object that -o json prints is the object
// as it was, after the patch that -o patch prints.
func TestJSONIsThePatch(t *testing.T) {
	filled := 0
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(podgen.Pod().Draw(t, "pod"))
		if err != nil {
			t.Fatal(err)
		}
		text = append([]byte(`{"apiVersion":"v1","kind":"Pod",`), text[1:]...)
		set, err := policy.NewSet(podgen.Policy().Draw(t, "policy"))
		if err != nil {
			t.Fatal(err)
		}
		for c := range manifest.Read(bytes.NewReader(text), "f") {
			for i := range c.Objects {
				filled += samePatched(t, &c.Objects[i], set)
			}
		}
	})
	if filled == 0 {
		t.Error("nothing was filled in")
	}
}

func samePatched(t *rapid.T, o *manifest.Object, set policy.Set) int {
	held, err := podfence.WorkloadOf(o.Typed)
	if err != nil {
		t.Fatal(o.Err, err)
	}
	report := held.Admit(restricted, set).Report
	got, err := objectJSON(o, report.Operations())
	if err != nil {
		t.Fatal(err)
	}
	tree, err := patchtest.Tree(got)
	if err != nil {
		t.Fatal(err)
	}
	want, err := patchtest.Apply(o.JSON(), report.Patch())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(tree, want) {
		t.Fatalf("%s\nwith %s is\n%s, want\n%v", o.JSON(), report.Patch(), got, want)
	}
	return len(report.Operations())
}

// TestAdded: what operations do not name stays as it is written.
func TestAdded(t *testing.T) {
	op := func(path string, value any) mutate.Operation {
		return mutate.Operation{Path: strings.Fields(path), Value: value}
	}
	rows := []struct {
		why, text  string
		operations []mutate.Operation
		want       string // the error, where it begins with a !
	}{
		{"nothing", ` {"b":1, "a":2}`, nil, `{"b":1, "a":2}`},
		{"members keep their order, numbers their digits", `{"b":12345678901234567890.10,"c":{"z":1e2}}`, []mutate.Operation{op("c a", true)}, `{"b":12345678901234567890.10,"c":{"z":1e2,"a":true}}`},
		{"a null is no member", `{"a":null,"b":1}`, []mutate.Operation{op("a", []int64{1})}, `{"a":[1],"b":1}`},
		{"an empty list", `{"a":[]}`, []mutate.Operation{op("a", []string{"ALL"})}, `{"a":["ALL"]}`},
		{"elements", `[{"a":1},{"a":2}]`, []mutate.Operation{op("1 b", false), op("0 b", "x")}, `[{"a":1,"b":"x"},{"a":2,"b":false}]`},
		{"into what an operation before added", `{}`, []mutate.Operation{op("a", mutate.Object{{Name: "b", Value: int64(1)}}), op("a c", int64(2))}, `{"a":{"b":1,"c":2}}`},
		{"the later of two", `{}`, []mutate.Operation{op("a", int64(1)), op("a", int64(2))}, `{"a":2}`},
		{"odd names and text", `{"a\"<\n":{"x":"<&>"}}`, []mutate.Operation{op("b", "<")}, `{"a\"<\n":{"x":"<&>"},"b":"<"}`},
		{"no parent", `{}`, []mutate.Operation{op("a b", true)}, `!nothing can be added to a scalar`},
		{"a scalar", `{"a":1}`, []mutate.Operation{op("a b", true)}, `!nothing can be added to a scalar`},
		{"behind the list", `{"a":[1]}`, []mutate.Operation{op("a 1", true)}, `!the list has no element "1"`},
		{"no index", `{"a":[1]}`, []mutate.Operation{op("a -", true)}, `!the list has no element "-"`},
	}
	for _, row := range rows {
		got, err := added(json.RawMessage(row.text), row.operations)
		if wrong, failing := strings.CutPrefix(row.want, "!"); failing {
			if err == nil || !strings.HasPrefix(err.Error(), wrong) {
				t.Errorf("%s: %s, error %v, want %s", row.why, got, err, wrong)
			}
		} else if err != nil || string(got) != row.want {
			t.Errorf("%s: %s, want %s (%v)", row.why, got, row.want, err)
		}
	}
}

// TestObjectInParts: an object that was taken for a list, and read in parts, is not
// printed by halves; the error's advice helps.
func TestObjectInParts(t *testing.T) {
	items := `"items":[` + strings.Repeat(`{"apiVersion":"v1","kind":"Service","pad":"`+strings.Repeat("x", 1<<20)+`"},`, 5) + `0]`
	rows := []struct {
		why, in, form string
		status        int
		stderr        string
	}{
		{"its kind comes last", `{` + items + `,"kind":"ConfigMap","apiVersion":"v1"}`, "json", statusUndecided, "<stdin>:1: ConfigMap cannot be printed as JSON: it has more than 4 MiB of items before its kind; write its kind first, or use -o yaml\n"},
		{"its kind comes first", `{"kind":"ConfigMap","apiVersion":"v1",` + items + `}`, "json", statusAllowed, ""},
		{"its text", `{` + items + `,"kind":"ConfigMap","apiVersion":"v1"}`, "yaml", statusAllowed, ""},
	}
	for _, row := range rows {
		var out, stderr bytes.Buffer
		status := run([]string{"mutate", "-", "-o", row.form}, strings.NewReader(row.in), &out, &stderr)
		said, _, _ := strings.Cut(stderr.String(), "podfence: warning: nothing was judged")
		if status != row.status || said != row.stderr {
			t.Errorf("%s: status %d, want %d; stderr %q, want %q", row.why, status, row.status, said, row.stderr)
		}
		if row.status == statusAllowed && strings.TrimSpace(out.String()) != row.in {
			t.Errorf("%s: %d bytes, want %d", row.why, out.Len(), len(row.in))
		}
	}
}
