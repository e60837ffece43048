package mutate_test

import (
	"encoding/json"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/kept"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

const (
	bareContext = `{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"privileged":false,"runAsGroup":1,` +
		`"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}`
	barePodContext = `{"op":"add","path":"/spec/securityContext","value":{"fsGroup":1,"supplementalGroups":[1]}}`
)

// TestPatch holds the bytes of patches: what they contain and in which order.
func TestPatch(t *testing.T) {
	for _, row := range []struct {
		name, why, pod, policy string
		within                 []string
		want                   string
	}{
		{name: "no parent anywhere", why: "one operation makes each missing parent with all that it holds",
			pod: inPod("hostNetwork: false"), want: `[` + barePodContext + `,{"op":"add","path":"/spec/containers/0/securityContext","value":` + bareContext + `}]`},
		{name: "empty parents", why: "what exists is not replaced, even if it is empty",
			pod: "{securityContext: {}, containers: [{name: a, securityContext: {}}]}",
			want: `[{"op":"add","path":"/spec/securityContext/fsGroup","value":1},` +
				`{"op":"add","path":"/spec/securityContext/supplementalGroups","value":[1]},` +
				`{"op":"add","path":"/spec/containers/0/securityContext/allowPrivilegeEscalation","value":false},` +
				`{"op":"add","path":"/spec/containers/0/securityContext/capabilities","value":{"drop":["ALL"]}},` +
				`{"op":"add","path":"/spec/containers/0/securityContext/privileged","value":false},` +
				`{"op":"add","path":"/spec/containers/0/securityContext/runAsGroup","value":1},` +
				`{"op":"add","path":"/spec/containers/0/securityContext/runAsNonRoot","value":true},` +
				`{"op":"add","path":"/spec/containers/0/securityContext/seccompProfile","value":{"type":"RuntimeDefault"}}]`},
		{name: "capabilities with add", why: "drop comes beside it", pod: settledBut("capabilities: {add: [CHOWN]}"),
			want: `[{"op":"add","path":"/spec/containers/0/securityContext/capabilities/drop","value":["ALL"]}]`},
		{name: "capabilities {}", why: "the parent is there", pod: settledBut("capabilities: {}"),
			want: `[{"op":"add","path":"/spec/containers/0/securityContext/capabilities/drop","value":["ALL"]}]`},
		{name: "drop []", why: "add on a member that exists replaces it (RFC 6902, 4.1)", pod: settledBut("capabilities: {drop: []}"),
			want: `[{"op":"add","path":"/spec/containers/0/securityContext/capabilities/drop","value":["ALL"]}]`},
		{name: "several containers", why: "each kind in its list, in the order of the pod",
			pod: "{securityContext: {fsGroup: 1, supplementalGroups: [1]}, initContainers: [{name: i}], containers: [{name: a}, " +
				"{name: b, securityContext: " + complete + "}, {name: c}], ephemeralContainers: [{name: e}]}",
			want: `[{"op":"add","path":"/spec/initContainers/0/securityContext","value":` + bareContext + `},` +
				`{"op":"add","path":"/spec/containers/0/securityContext","value":` + bareContext + `},` +
				`{"op":"add","path":"/spec/containers/2/securityContext","value":` + bareContext + `},` +
				`{"op":"add","path":"/spec/ephemeralContainers/0/securityContext","value":` + bareContext + `}]`},
		{name: "a policy's values", why: "every type of value",
			pod: inPod("hostNetwork: false"), policy: "allow: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: true}\nmutations: {runAsUser: 1000, runAsGroup: 2000, fsGroup: 0, supplementalGroups: [4000, 5000]}",
			want: `[{"op":"add","path":"/spec/securityContext","value":{"fsGroup":0,"supplementalGroups":[4000,5000]}},` +
				`{"op":"add","path":"/spec/containers/0/securityContext","value":{"capabilities":{"drop":["ALL"]},"privileged":false,"readOnlyRootFilesystem":true,` +
				`"runAsGroup":2000,"runAsNonRoot":true,"runAsUser":1000,"seccompProfile":{"type":"RuntimeDefault"}}}]`},
		{name: "windows", why: "one field, and nothing on the pod", pod: inPod("os: {name: windows}"),
			want: `[{"op":"add","path":"/spec/containers/0/securityContext","value":{"runAsNonRoot":true}}]`},
		{name: "nothing", why: "the empty patch", pod: completePod, want: `[]`},
		{name: "nothing within", why: "the empty patch has no pointer", pod: completePod, within: []string{"spec", "template"}, want: `[]`},
		{name: "within a Deployment", why: "the pointers begin at the object", pod: settledBut("capabilities: {}"), within: []string{"spec", "template"},
			want: `[{"op":"add","path":"/spec/template/spec/containers/0/securityContext/capabilities/drop","value":["ALL"]}]`},
		{name: "within a CronJob", why: "both parents and fields move", pod: inPod("hostNetwork: false"), within: []string{"spec", "jobTemplate", "spec", "template"},
			want: `[{"op":"add","path":"/spec/jobTemplate/spec/template/spec/securityContext","value":{"fsGroup":1,"supplementalGroups":[1]}},` +
				`{"op":"add","path":"/spec/jobTemplate/spec/template/spec/containers/0/securityContext","value":` + bareContext + `}]`},
		{name: "a step with ~ and /", why: "RFC 6901 escapes both", pod: settledBut("capabilities: {}"), within: []string{"pods", "a/b~c~1"},
			want: `[{"op":"add","path":"/pods/a~1b~0c~01/spec/containers/0/securityContext/capabilities/drop","value":["ALL"]}]`},
		{name: "an empty step", why: "a member may be named by the empty string", pod: settledBut("capabilities: {}"), within: []string{""},
			want: `[{"op":"add","path":"//spec/containers/0/securityContext/capabilities/drop","value":["ALL"]}]`},
		{name: "a step with quotes", why: "a pointer stands in a JSON string", pod: settledBut("capabilities: {}"), within: []string{`a"\b`},
			want: `[{"op":"add","path":"/a\"\\b/spec/containers/0/securityContext/capabilities/drop","value":["ALL"]}]`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, report := mutate.Mutate(podOf(t, nil, row.pod), policyOf(t, row.policy))
			got := report.PatchWithin(row.within...)
			if diff := cmp.Diff(row.want, string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			if !json.Valid(got) {
				t.Errorf("no JSON: %s", got)
			}
			if row.within == nil && string(report.Patch()) != string(got) {
				t.Errorf("Patch differs from PatchWithin(): %s", report.Patch())
			}
		})
	}
	if got := string((&mutate.Report{}).Patch()); got != "[]" {
		t.Errorf("the zero report's patch is %s", got)
	}
}

// settledBut is a complete pod whose container has other capabilities.
func settledBut(capabilities string) string {
	return completeBut("capabilities: {drop: [ALL]}", capabilities)
}

// completeBut is a complete pod with one piece of its text replaced.
func completeBut(piece, other string) string {
	if !strings.Contains(completePod, piece) {
		panic("the complete pod has no " + piece)
	}
	return strings.Replace(completePod, piece, other, 1)
}

// completeContext is the complete security context without one piece of its text.
func completeContext(without string) string { return strings.Replace(complete, without, "", 1) }

// applied is the JSON after a patch, by an implementation that is not ours.
func applied(t interface{ Fatalf(string, ...any) }, doc, patch []byte) []byte {
	p, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatalf("%v in the patch %s", err, patch)
	}
	out, err := p.Apply(doc)
	if err != nil {
		t.Fatalf("%v: %s applied to %s", err, patch, doc)
	}
	return out
}

func decodePod(t interface{ Fatalf(string, ...any) }, raw []byte) *corev1.Pod {
	pod := &corev1.Pod{}
	if err := json.Unmarshal(raw, pod); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return pod
}

// patchGivesThePod is law 3 for the JSON of one pod: decoded, filled and
// patched, it decodes to the filled pod.
func patchGivesThePod(t interface {
	Fatalf(string, ...any)
	Errorf(string, ...any)
}, raw []byte, p *policy.Policy) (patched []byte) {
	filled, report := mutate.Mutate(decodePod(t, raw), p)
	patched = applied(t, raw, report.Patch())
	if got := decodePod(t, patched); !equality.Semantic.DeepEqual(got, filled) {
		t.Errorf("the patch %s of %s gives another pod:\n%s", report.Patch(), raw, cmp.Diff(filled, got))
	}
	return patched
}

// TestPatchOfGeneratedPods is law 3: the patch applied to the pod's JSON, by
// another's implementation, gives the JSON of the filled pod.
func TestPatchOfGeneratedPods(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, err := json.Marshal(podgen.Pod().Draw(t, "pod"))
		if err != nil {
			t.Fatal(err)
		}
		p := podgen.Policy().Draw(t, "policy")
		patched := patchGivesThePod(t, raw, &p)
		// Byte for byte, but for white space: the API types drop nothing here.
		filled, _ := mutate.Mutate(decodePod(t, raw), &p)
		if diff := cmp.Diff(fromJSON([]byte(toJSON(filled))), fromJSON(patched)); diff != "" {
			t.Errorf("the patched JSON is not that of the filled pod (-want +got):\n%s", diff)
		}
	})
}

// rawPods are JSON texts as authors and API servers write them, and worse.
// "unknown" is a field that no API type has.
var rawPods = []string{
	`{"spec":{"containers":[{"name":"a"}]}}`,
	`{"spec":{"securityContext":null,"containers":[{"name":"a","securityContext":null}]}}`,
	`{"spec":{"securityContext":{},"containers":[{"name":"a","securityContext":{}}]}}`,
	`{"spec":{"securityContext":{"fsGroup":null,"supplementalGroups":null},"containers":[{"name":"a","securityContext":{"capabilities":null,"seccompProfile":null,"privileged":null,"runAsUser":null,"runAsGroup":null,"runAsNonRoot":null,"allowPrivilegeEscalation":null}}]}}`,
	`{"spec":{"securityContext":{"supplementalGroups":[]},"containers":[{"name":"a","securityContext":{"capabilities":{}}}]}}`,
	`{"spec":{"containers":[{"name":"a","securityContext":{"capabilities":{"drop":null,"add":null}}}]}}`,
	`{"spec":{"containers":[{"name":"a","securityContext":{"capabilities":{"drop":[],"add":["CHOWN"]}}}]}}`,
	`{"spec":{"containers":[{"name":"a","securityContext":{"seccompProfile":{}}}]}}`,
	`{"spec":{"containers":[{"name":"a","securityContext":{"seccompProfile":{"type":null}}}]}}`,
	`{"unknown":1,"metadata":{"unknown":[{}]},"spec":{"unknown":{"deep":[1,{"x":null}]},"securityContext":{"unknown":true},"containers":[{"unknown":"kept","name":"a","securityContext":{"unknown":{"a":1},"capabilities":{"unknown":[]}}}]},"status":{"unknown":0.5}}`,
	`{"spec":{"initContainers":null,"ephemeralContainers":null,"containers":[{"name":"a"},{"unknown":1}]}}`,
	`{"spec":{"initContainers":[],"containers":[],"ephemeralContainers":[]}}`,
	`{"spec":{"containers":null}}`,
	`{"spec":{}}`,
	`{"spec":{"initContainers":[{"name":"i","unknown":1,"restartPolicy":"Always"}],"containers":[{"name":"a","securityContext":{"privileged":true}},{"name":"b","securityContext":{"capabilities":{"add":["CAP_SYS_ADMIN"],"unknown":1}}}],"ephemeralContainers":[{"name":"e","targetContainerName":"a","unknown":1,"securityContext":null}]}}`,
	`{"spec":{"os":{"name":"windows"},"securityContext":null,"containers":[{"name":"a","securityContext":null},{"name":"b","securityContext":{"unknown":1}}]}}`,
	`{"metadata":{"annotations":{"container.seccomp.security.alpha.kubernetes.io/a":"unconfined"}},"spec":{"containers":[{"name":"a"},{"name":"b"}]}}`,
	` { "spec" : { "containers" : [ { "name" : "a" , "securityContext" : { } } ] , "unknown" : 12345678901234567890 } } `,
}

// rawPolicies reach every type of value and every parent.
var rawPolicies = []string{
	"",
	"allow: {privileged: true}",
	"mutations: {runAsUser: 1000, runAsGroup: 2147483647, fsGroup: 0, supplementalGroups: [1, 2, 3]}\nallow: {readOnlyRootFilesystem: true}",
	"mutations: {dropAllCapabilities: false, setDefaultSeccompProfile: false, supplementalGroups: []}\nallow: {allowPrivilegeEscalation: true, runAsUser: RunAsAny}",
	mustRunAs(range0100),
}

// TestPatchOfRawJSON: the patch fits the JSON as it was sent, not only as the Go
// types would write it, and leaves alone what they do not know.
func TestPatchOfRawJSON(t *testing.T) {
	for _, raw := range rawPods {
		for _, text := range rawPolicies {
			patched := patchGivesThePod(t, []byte(raw), policyOf(t, text))
			if lost := kept.Lost(fromJSON([]byte(raw)), fromJSON(patched)); lost != "" {
				t.Errorf("%s was lost from %s\nin %s", lost, raw, patched)
			}
		}
	}
}

// genRaw generates the JSON of a pod with nulls, empty objects, missing parents
// and unknown fields where the Go types would write nothing of the kind.
func genRaw() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		pick := func(values ...string) string { return rapid.SampledFrom(values).Draw(t, "value") }
		field := func(name string, values ...string) string {
			if value := pick(append([]string{""}, values...)...); value != "" {
				return `,"` + name + `":` + value
			}
			return ""
		}
		object := func(fields ...string) string { return `{"u":1` + strings.Join(fields, "") + `}` }
		context := func() string {
			return pick("", "null", "{}", "{}", object(
				field("privileged", "null", "true", "false"),
				field("allowPrivilegeEscalation", "null", "true", "false"),
				field("runAsUser", "null", "0", "5"), field("runAsGroup", "null", "0", "5"),
				field("runAsNonRoot", "null", "true", "false"),
				field("readOnlyRootFilesystem", "null", "true"),
				field("seccompProfile", "null", "{}", `{"type":"RuntimeDefault","u":1}`, `{"type":null}`),
				field("capabilities", "null", "{}", `{"u":[]}`, object(field("drop", "null", "[]", `["ALL"]`, `["KILL"]`), field("add", "null", "[]", `["SYS_ADMIN"]`))),
			))
		}
		containers := func(kind string) string {
			n := rapid.IntRange(-2, 2).Draw(t, kind)
			if n < 0 {
				return field(kind, "null")
			}
			list := make([]string, n)
			for i := range list {
				list[i] = object(field("name", `"a"`, "null"))
				if sc := context(); sc != "" {
					list[i] = `{"securityContext":` + sc + `,` + list[i][1:]
				}
			}
			return `,"` + kind + `":[` + strings.Join(list, ",") + `]`
		}
		pod := pick("", "null", "{}", object(
			field("runAsUser", "null", "0", "5"), field("runAsNonRoot", "null", "true", "false"), field("runAsGroup", "null", "0"),
			field("fsGroup", "null", "0", "7"), field("supplementalGroups", "null", "[]", "[0]"), field("seccompProfile", "null", "{}", `{"type":"Unconfined"}`),
		))
		if pod != "" {
			pod = `,"securityContext":` + pod
		}
		spec := object(field("os", "null", "{}", `{"name":"windows"}`), field("hostUsers", "null", "false"), pod,
			containers("initContainers"), containers("containers"), containers("ephemeralContainers"))
		return `{"u":{"u":null}` + field("metadata", "null", "{}", `{"annotations":null}`, `{"annotations":{"seccomp.security.alpha.kubernetes.io/pod":"unconfined"}}`) +
			`,"spec":` + spec + `}`
	})
}

// TestPatchOfGeneratedJSON is law 3 for JSON as people and other tools write it:
// with nulls, empty objects, missing parents and fields that nobody knows.
func TestPatchOfGeneratedJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := genRaw().Draw(t, "raw")
		p := podgen.Policy().Draw(t, "policy")
		patched := patchGivesThePod(t, []byte(raw), &p)
		if lost := kept.Lost(fromJSON([]byte(raw)), fromJSON(patched)); lost != "" {
			t.Errorf("%s was lost from %s\nin %s", lost, raw, patched)
		}
	})
}

// TestPatchKnownDivergences are texts whose patch cannot be applied, because it
// is made of the decoded pod alone, which does not tell that a required parent
// is missing. API validation refuses all of them, and the API server hands
// admission what it decoded, where these parents exist.
func TestPatchKnownDivergences(t *testing.T) {
	for _, row := range []struct{ why, raw string }{
		{"a pod without a spec", `{}`},
		{"a spec that is null", `{"spec":null}`},
		{"a container that is null", `{"spec":{"containers":[null]}}`},
	} {
		_, report := mutate.Mutate(decodePod(t, []byte(row.raw)), nil)
		patch, err := jsonpatch.DecodePatch(report.Patch())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := patch.Apply([]byte(row.raw)); err == nil {
			t.Errorf("%s is patched by now: move it to rawPods", row.why)
		}
	}
}
