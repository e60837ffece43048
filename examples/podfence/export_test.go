package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/policy"
)

// TestExportIsReadAsItWasRendered: kubectl and the API server read YAML in their own
// way, and find in what is printed what was rendered, whatever stands in a policy.
func TestExportIsReadAsItWasRendered(t *testing.T) {
	const odd = `
name: odd
podSelectorExpressions: [{key: app, operator: In, values: ["yes", "1e3", "0x10"]}]
allow:
  allowedHostPaths: [{pathPrefix: "/a: b #c 'd' \"e\" {f}"}, {pathPrefix: "C:\\é", readOnly: true}]
`
	file := filepath.Join(t.TempDir(), "odd.yaml")
	if err := os.WriteFile(file, []byte(odd), 0o600); err != nil {
		t.Fatal(err)
	}
	printed := output(t, "export", "--no-config", "--policies", file, "--policies", "../policies")
	read, err := readPolicies([]string{file, "../policies"}, false)
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(read.policies...)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := native.Render(set, native.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := renderedOf(&objects, "")
	if err != nil {
		t.Fatal(err)
	}
	documents := strings.Split(printed, "\n---\n")
	if len(documents) != len(rendered) || len(rendered) < 8 {
		t.Fatalf("%d documents of %d objects", len(documents), len(rendered))
	}
	for i, document := range documents {
		var got map[string]any
		if err := sigsyaml.UnmarshalStrict([]byte(document), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rendered[i].content, got); diff != "" {
			t.Errorf("%s (-rendered +read):\n%s", rendered[i].text("metadata", "name"), diff)
		}
	}
}
