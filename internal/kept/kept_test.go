package kept

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestLost: what counts as lost, in API objects and in their JSON.
func TestLost(t *testing.T) {
	for _, row := range []struct {
		name, why string
		old, new  string
		// tree is what is lost of the JSON; typed of the pods that it decodes to,
		// where that is something else.
		tree, typed string
		differ      bool
	}{
		{name: "the same", why: "nothing is lost",
			old: "{metadata: {name: a}, spec: {containers: [{name: a}]}}",
			new: "{metadata: {name: a}, spec: {containers: [{name: a}]}}"},
		{name: "more", why: "what is added is not lost",
			old: "{spec: {containers: [{name: a}]}}",
			new: "{spec: {hostUsers: false, containers: [{name: a, securityContext: {runAsUser: 1}}]}}"},
		{name: "a field", why: "it is gone",
			old: "{spec: {containers: [{name: a}, {name: b, securityContext: {runAsUser: 1}}]}}",
			new: "{spec: {containers: [{name: a}, {name: b}]}}", tree: "/spec/containers/1/securityContext"},
		{name: "a value", why: "another stands there",
			old:  "{spec: {ephemeralContainers: [{name: a, securityContext: {runAsUser: 1}}]}}",
			new:  "{spec: {ephemeralContainers: [{name: a, securityContext: {runAsUser: 2}}]}}",
			tree: "/spec/ephemeralContainers/0/securityContext/runAsUser"},
		{name: "an order", why: "a list keeps its own",
			old: "{spec: {containers: [{name: a}, {name: b}]}}",
			new: "{spec: {containers: [{name: b}, {name: a}]}}", tree: "/spec/containers/0/name"},
		{name: "a longer list", why: "its end was set as well",
			old: "{spec: {containers: [{name: a}]}}",
			new: "{spec: {containers: [{name: a}, {name: b}]}}", tree: "/spec/containers"},
		{name: "an added capability", why: "one that is set is not dropped with the others",
			old:  "{spec: {containers: [{name: a, securityContext: {capabilities: {add: [CHOWN]}}}]}}",
			new:  "{spec: {containers: [{name: a, securityContext: {capabilities: {drop: [ALL]}}}]}}",
			tree: "/spec/containers/0/securityContext/capabilities/add"},
		{name: "an empty list that is filled", why: "to the API server it is unset",
			old: "{spec: {securityContext: {supplementalGroups: []}}}",
			new: "{spec: {securityContext: {supplementalGroups: [1]}}}"},
		{name: "an empty list that nobody fills", why: "it stays empty",
			old: "{spec: {initContainers: []}}",
			new: "{spec: {initContainers: [{name: a}]}}", tree: "/spec/initContainers"},
		{name: "a null that is filled", why: "it is no value",
			old: "{spec: {securityContext: null}}",
			new: "{spec: {securityContext: {fsGroup: 1}}}"},
		{name: "a null that nobody fills", why: "it stays one in JSON; an API object has no nulls",
			old: "{spec: {containers: null}}",
			new: "{spec: {containers: [{name: a}]}}", tree: "/spec/containers", differ: true},
		{name: "an empty object", why: "it is no value that can be lost, but its place is",
			old: "{spec: {securityContext: {}}}",
			new: "{spec: {}}", tree: "/spec/securityContext"},
		{name: "a label", why: "it is gone",
			old: "{metadata: {labels: {a: b, c: d}}}",
			new: "{metadata: {labels: {a: b}}}", tree: "/metadata/labels/c", typed: "/metadata/labels", differ: true},
		{name: "an annotation more", why: "Mutate writes none, so that annotations of a pod are compared whole",
			old: "{metadata: {annotations: {a: b}}}",
			new: "{metadata: {annotations: {a: b, c: d}}}", typed: "/metadata/annotations", differ: true},
		{name: "another type", why: "a list is no number",
			old: "{unknown: [1]}", new: "{unknown: 1}", tree: "/unknown", differ: true},
		{name: "an unknown field", why: "JSON keeps what no type knows",
			old: "{unknown: {deep: [1, null]}}", new: "{unknown: {deep: [1, 2]}}", tree: "/unknown/deep/1", differ: true},
		{name: "everything", why: "a document may be replaced as a whole",
			old: "{unknown: 1}", new: "[]", tree: "/", differ: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Lost(treeOf(t, row.old), treeOf(t, row.new)); got != row.tree {
				t.Errorf("%s: of the JSON %q is lost, want %q", row.why, got, row.tree)
			}
			if row.new == "[]" {
				return // no pod
			}
			want := row.tree
			if row.differ {
				want = row.typed
			}
			if got := Lost(podOf(t, row.old), podOf(t, row.new)); got != want {
				t.Errorf("%s: of the pod %q is lost, want %q", row.why, got, want)
			}
		})
	}
}

func treeOf(t *testing.T, text string) (tree any) {
	t.Helper()
	converted, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(converted, &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func podOf(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	if err := yaml.Unmarshal([]byte(text), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}
