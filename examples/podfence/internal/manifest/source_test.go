package manifest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// told renders the unknown fields of all objects of a text.
func told(t *testing.T, in string) string {
	t.Helper()
	var lines []string
	for _, c := range readAll(t, strings.NewReader(in), in) {
		for _, o := range c.Objects {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			for _, u := range o.Unknown() {
				lines = append(lines, fmt.Sprintf("%d %s: %s", u.Line, u.Field(), u.Text))
			}
		}
	}
	return strings.Join(lines, "\n")
}

// TestUnknown: every unknown field has its path, its line and a hint.
func TestUnknown(t *testing.T) {
	unknownRows := []row{
		{"none", "the plain case", "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, resources: {limits: {example.com/gpu: 1}}}]}\n", ""},
		{"YAML", "lines are the file's, in its order", "# c\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  label: {}\nspec:\n  hostpid: true\n  capabilities: {}\n",
			"6 metadata.label: did you mean labels?\n8 spec.hostpid: write hostPID\n9 spec.capabilities: capabilities belongs to a container's securityContext"},
		{"JSON", "lines are the file's", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\n\"spec\":{\"containers\":[{\n\"name\":\"a\",\n\"privileged\":true}],\n\"hostpid\":true}}",
			"4 spec.containers[0].privileged: privileged belongs to a container's securityContext\n5 spec.hostpid: write hostPID"},
		{"items of a JSON list", "each has its own lines", "{\"kind\":\"List\",\"items\":[\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"x\":1}},\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\n\"spec\":{\"y\":1}}]}",
			"2 spec.x: remove it\n4 spec.y: remove it"},
		{"items of a YAML list", "each has its own lines", "kind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- apiVersion: v1\n  kind: Pod\n  spec:\n    x: 1\n", "7 spec.x: remove it"},
		{"under a merge key", "where it is written", "x: &x\n  hostpid: 1\napiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      <<: *x\n",
			"1 x: remove it\n2 spec.template.spec.hostpid: write hostPID"},
		{"what stands in one", "is not told too", "apiVersion: v1\nkind: Pod\nspec:\n  x:\n    y: {z: [1]}\n", "4 spec.x: remove it"},
		{"free keys", "labels, annotations, selectors and resources have names of anybody's", "apiVersion: v1\nkind: Pod\nmetadata: {labels: {x: z}, annotations: {x: z}}\nspec: {nodeSelector: {x: z}, overhead: {x: 1}}\n", ""},
		{"the status", "a cluster wrote it, perhaps a newer one", "apiVersion: v1\nkind: Pod\nstatus: {x: 1}\n", ""},
		{"managed fields", "they are keys of their own kind", "apiVersion: v1\nkind: Pod\nmetadata: {managedFields: [{fieldsV1: {\"f:x\": {}}}]}\n", ""},
		{"in lists of lists' elements", "indices are counted", "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n  - env:\n    - name: b\n    - nam: c\n", "8 spec.containers[1].env[1].nam: did you mean name?"},
		{"another kind", "its fields are not known", "apiVersion: example.com/v1\nkind: Pod\nx: 1\n", ""},
	}
	if len(unknownRows) != 12 {
		t.Errorf("%d rows", len(unknownRows))
	}
	for _, r := range unknownRows {
		t.Run(r.name, func(t *testing.T) {
			if diff := cmp.Diff(r.want, told(t, r.in)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", r.reason, diff)
			}
		})
	}
}

// TestUnknownIsBounded: a document of nothing else does not fill the screen.
func TestUnknownIsBounded(t *testing.T) {
	in := "apiVersion: v1\nkind: Pod\n"
	for i := range 5 * MaxUnknown {
		in += fmt.Sprintf("x%d: 1\n", i)
	}
	if n := strings.Count(told(t, in), "\n") + 1; n != MaxUnknown {
		t.Errorf("%d fields are told, want %d", n, MaxUnknown)
	}
}

// TestUnknownAgreesWithTheDecoder: what is told is what the API server's strict
// decoder names, field by field.
func TestUnknownAgreesWithTheDecoder(t *testing.T) {
	base := "{apiVersion: v1, kind: Pod, metadata: {name: a, ownerReferences: [{name: x}]}, spec: {securityContext: {sysctls: [{name: s}]}, " +
		"tolerations: [{key: k}], affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: k}]}]}}}, " +
		"volumes: [{name: v, projected: {sources: [{secret: {name: s}}]}}, {name: e, ephemeral: {volumeClaimTemplate: {spec: {resources: {requests: {storage: 1}}}}}}], " +
		"containers: [{name: c, livenessProbe: {httpGet: {port: web, httpHeaders: [{name: h}]}}, lifecycle: {preStop: {exec: {command: [x]}}}, " +
		"env: [{name: e, valueFrom: {secretKeyRef: {name: s}}}], resources: {limits: {cpu: 1}}, securityContext: {windowsOptions: {hostProcess: true}}}], " +
		"ephemeralContainers: [{name: e, targetContainerName: c}], topologySpreadConstraints: [{labelSelector: {matchLabels: {a: b}}}]}}"
	raw, err := yaml.YAMLToJSON([]byte(base))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	// A field is put into every mapping in turn.
	for i, c := range raw {
		if c != '{' {
			continue
		}
		text := string(raw[:i+1]) + `"zzzz":{"zzzz":1},` + string(raw[i+1:])
		strict, err := kjson.UnmarshalStrict([]byte(text), &corev1.Pod{}, kjson.DisallowUnknownFields)
		if err != nil {
			continue // a text where a mapping is a quantity, a label
		}
		var want, got []string
		for _, e := range strict {
			want = append(want, e.(kjson.FieldError).FieldPath())
		}
		for _, chunk := range readAll(t, strings.NewReader(text), text) {
			for _, u := range chunk.Objects[0].Unknown() {
				got = append(got, u.Field())
			}
		}
		tried++
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-decoder +told):\n%s\n%s", diff, text)
		}
	}
	t.Logf("%d mappings", tried)
	if tried < 30 {
		t.Errorf("only %d mappings were tried", tried)
	}
}

// TestMistyped: the template of another kind gets the words of a Pod, with the
// path and line in its file.
func TestMistyped(t *testing.T) {
	for _, r := range []row{
		{"YAML", "the field's line", "kind: Rollout\napiVersion: x/v1\nspec:\n  template:\n    spec:\n      containers:\n      - securityContext:\n          runAsUser: a\n",
			"<stdin>:8: could not decide Rollout: spec.template.spec.containers[0].securityContext.runAsUser is a string, not a whole number; write a whole number"},
		{"an item of a JSON list", "the field's line", "{\"kind\":\"List\",\"items\":[\n{\"kind\":\"Rollout\",\"apiVersion\":\"x/v1\",\"spec\":{\"template\":{\"spec\":{\n\"hostPID\":\n1}}}}]}",
			"<stdin>:4: could not decide Rollout: spec.template.spec.hostPID is a number, not true or false; write true or false"},
		{"a quantity", "its decoder does not say where", "kind: Rollout\napiVersion: x/v1\nspec:\n  template:\n    spec:\n      overhead:\n        cpu: lots\n",
			"<stdin>:7: could not decide Rollout: spec.template.spec.overhead.cpu: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'; correct the field"},
		{"null for a container", "its entry's line", "kind: Rollout\napiVersion: x/v1\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n      -\n",
			"<stdin>:8: could not decide Rollout: spec.template.spec.containers[1] is null; write the container, or remove the entry"},
		{"null for an init container in an item", "its entry's line", "{\"kind\":\"List\",\"items\":[\n{\"kind\":\"Rollout\",\"apiVersion\":\"x/v1\",\"spec\":{\"template\":{\"spec\":{\n\"initContainers\":[\nnull]}}}}]}",
			"<stdin>:4: could not decide Rollout: spec.template.spec.initContainers[0] is null; write the container, or remove the entry"},
		{"nothing wrong", "then there is no error", "kind: Rollout\napiVersion: x/v1\nspec: {template: {spec: {hostPID: true}}}\n", "<nil>"},
	} {
		for _, c := range readAll(t, strings.NewReader(r.in), r.in) {
			for _, o := range c.Objects {
				got := fmt.Sprint(o.Mistyped([]string{"spec", "template"}, func() any { return new(corev1.PodTemplateSpec) }))
				if diff := cmp.Diff(r.want, got); diff != "" {
					t.Errorf("%s: %s (-want +got):\n%s", r.name, r.reason, diff)
				}
			}
		}
	}
}

// TestUnknownAt: a template in another kind is looked at by itself.
func TestUnknownAt(t *testing.T) {
	in := "kind: Rollout\napiVersion: x/v1\nspec:\n  mine: 1\n  template:\n    spec:\n      hostpid: true\n"
	o := readAll(t, strings.NewReader(in), in)[0].Objects[0]
	got := o.UnknownAt([]string{"spec", "template"}, reflect.TypeFor[corev1.PodTemplateSpec]())
	if len(got) != 1 || got[0].Field() != "spec.template.spec.hostpid" || got[0].Line != 7 {
		t.Errorf("%+v", got)
	}
	if got := o.UnknownAt([]string{"spec", "pods"}, reflect.TypeFor[corev1.PodTemplateSpec]()); got != nil {
		t.Errorf("%+v of nothing", got)
	}
}
