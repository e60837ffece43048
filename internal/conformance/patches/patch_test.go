package patches_test

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
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

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
		if diff := cmp.Diff(patchtest.MustTree([]byte(patchtest.MustJSON(filled))), patchtest.MustTree(patched)); diff != "" {
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
	"allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 100}]}}",
}

// TestPatchOfRawJSON: the patch fits the JSON as it was sent, not only as the Go
// types would write it, and leaves alone what they do not know.
func TestPatchOfRawJSON(t *testing.T) {
	for _, raw := range rawPods {
		for _, text := range rawPolicies {
			patched := patchGivesThePod(t, []byte(raw), policyOf(t, text))
			if lost := kept.Lost(patchtest.MustTree([]byte(raw)), patchtest.MustTree(patched)); lost != "" {
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
		if lost := kept.Lost(patchtest.MustTree([]byte(raw)), patchtest.MustTree(patched)); lost != "" {
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

// policyOf is the policy that a text in the policy format says, without its
// selector; nil for the empty text.
func policyOf(t testing.TB, text string) *policy.Policy {
	t.Helper()
	if text == "" {
		return nil
	}
	policies, err := policy.Parse([]byte("name: p\npodSelectorLabels: {app: web}\n"+text), "")
	if err != nil {
		t.Fatal(err)
	}
	return &policies[0]
}
