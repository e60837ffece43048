package mutate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
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
			got := report.Within(spec.RootAt(row.within...)).Patch()
			if diff := cmp.Diff(row.want, string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			if !json.Valid(got) {
				t.Errorf("no JSON: %s", got)
			}
			if row.within == nil && string(report.Patch()) != string(got) {
				t.Errorf("within nothing the patch is another: %s", report.Patch())
			}
		})
	}
	if got := string((&mutate.Report{}).Patch()); got != "[]" {
		t.Errorf("the zero report's patch is %s", got)
	}
}

// asPatch writes operations down as RFC 6902 has them.
func asPatch(operations []mutate.Operation) string {
	type add struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	patch := []add{}
	for _, o := range operations {
		patch = append(patch, add{"add", string(spec.RootAt(o.Path...)), o.Value})
	}
	return patchtest.MustJSON(patch)
}

// drawRoot draws where a pod stands in its object: as Kubernetes has it, or by
// steps of any text.
func drawRoot(t *rapid.T) spec.Root {
	steps := rapid.OneOf(
		rapid.SampledFrom([][]string{nil, {"template"}, {"spec", "template"}, {"spec", "jobTemplate", "spec", "template"}}),
		rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]string{"", "0", "a/b", "~", "~1", `"\`, "<&>", "\u2028"}), rapid.String()), 0, 3),
	)
	return spec.RootAt(steps.Draw(t, "root")...)
}

// TestOperationsAreThePatch: the operations, written down as those of RFC 6902,
// are the patch byte for byte, wherever the pod stands in its object. Callers edit
// text by them, and must make of it what the patch makes.
func TestOperationsAreThePatch(t *testing.T) {
	within, context, parent, field := 0, 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		pod, p, root := podgen.Pod().Draw(t, "pod"), drawPolicy(t), drawRoot(t)
		_, report := mutate.Mutate(pod, p)
		report = report.Within(root)
		operations := report.Operations()
		if diff := cmp.Diff(string(report.Patch()), asPatch(operations)); diff != "" {
			t.Fatalf("-patch +operations:\n%s", diff)
		}
		if root != "" && len(operations) > 0 {
			within++
		}
		for _, o := range operations {
			switch _, created := o.Value.(mutate.Object); {
			case created && o.Path[len(o.Path)-1] == "securityContext":
				context++
			case created:
				parent++
			default:
				field++
			}
		}
	})
	t.Logf("%d patches below a root; contexts created %d, other parents %d, fields alone %d", within, context, parent, field)
	if (within < 20 || context < 20 || parent < 20 || field < 20) && !testing.Short() { // few are drawn then
		t.Error("too little was drawn to prove anything")
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
