package review_test

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	k8sjson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/review"
	"github.com/podfence/podfence/spec"
)

// question is what a pod is asked about.
type question struct {
	level    api.LevelVersion
	policies policy.Set
}

func drawQuestion(t *rapid.T) question {
	set, err := policy.NewSet(podgen.Together(rapid.SliceOfN(podgen.Policy(), 0, 3).Draw(t, "policies"))...)
	if err != nil {
		t.Fatal(err)
	}
	version, newest := api.LatestVersion(), spec.Newest()
	if minor := rapid.IntRange(0, newest.Minor()+1).Draw(t, "minor"); minor <= newest.Minor() {
		version = api.MajorMinorVersion(1, minor)
	}
	level := rapid.SampledFrom([]api.Level{api.LevelRestricted, api.LevelRestricted, api.LevelBaseline, api.LevelPrivileged}).Draw(t, "level")
	return question{api.LevelVersion{Level: level, Version: version}, set.WithNamespaces(podgen.LabelsOf)}
}

// answer is all that podfence says of a pod, the pod itself aside.
type answer struct {
	Decision string
	Message  string
	Patch    string
}

// answers are those of Admit and of AdmitRequested, which knows other defaults.
func (q question) answers(pod *corev1.Pod) (list []answer) {
	for _, d := range []podfence.Decision{podfence.Admit(pod, q.level, q.policies), podfence.AdmitRequested(pod, q.level, q.policies)} {
		list = append(list, answer{patchtest.MustJSON(d), d.Result.Message(), string(d.Report.Patch())})
	}
	return list
}

// sparsely reads a pod in full and sparsely, and compares what is said of them.
// The patch of the one applies to the text, and makes the pod that is filled in.
func (q question) sparsely(t errorer, data []byte) {
	full, patch := q.sameAnswers(t, data)
	if patch == "" {
		return
	}
	filled := podfence.Admit(full, q.level, q.policies).Pod
	got, err := patchtest.Apply(data, []byte(patch))
	if err != nil {
		t.Errorf("the patch %s of %s: %v", patch, data, err)
		return
	}
	again := &corev1.Pod{}
	if err := k8sjson.Unmarshal([]byte(patchtest.MustJSON(got)), again); err != nil {
		t.Errorf("%v in the patched pod %v", err, got)
	} else if !reflect.DeepEqual(filled, again) {
		diff := cmp.Diff(filled, again)
		t.Errorf("the patched text is another pod than the filled one (-filled +patched):\n%s", diff)
	}
}

// errorer is what tests and properties have in common.
type errorer interface{ Errorf(string, ...any) }

// sameAnswers compares what is said of a pod that is read in full and sparsely.
// It returns the pod and the patch, if there is one.
func (q question) sameAnswers(t errorer, data []byte) (full *corev1.Pod, patch string) {
	full = &corev1.Pod{}
	if err := k8sjson.Unmarshal(data, full); err != nil {
		t.Errorf("%v in %s", err, data)
		return nil, ""
	}
	pod, err := review.Pod(data)
	if err != nil {
		t.Errorf("%v in %s", err, data)
		return nil, ""
	}
	want := q.answers(full)
	if got := q.answers(pod); !reflect.DeepEqual(want, got) {
		diff := cmp.Diff(want, got)
		t.Errorf("the answer at %s to\n%s\n(-decoded in full +sparsely):\n%s", q.level, data, diff)
	}
	return full, want[0].Patch
}

// TestSparseIsEnough: of a generated pod, whatever else it sets, podfence says the
// same when it was read sparsely.
func TestSparseIsEnough(t *testing.T) {
	changed, leaves := 0, leavesOf(reflect.TypeFor[corev1.Pod]())
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		for range rapid.IntRange(0, 6).Draw(t, "others") {
			leaf := leaves[rapid.IntRange(0, len(leaves)-1).Draw(t, "leaf")]
			values := valuesFor(leaf.of)
			leaf.set(reflect.ValueOf(pod).Elem(), values[rapid.IntRange(0, len(values)-1).Draw(t, "value")])
		}
		q := drawQuestion(t)
		q.sparsely(t, []byte(patchtest.MustJSON(pod)))
		if podfence.Admit(pod, q.level, q.policies).Report.Changed() {
			changed++
		}
	})
	if changed < 20 && !testing.Short() { // few are drawn then
		t.Errorf("%d pods were changed, want 20 at least", changed)
	}
}

// advised are pods about which advice rests on several fields together: without one
// of them something else is advised.
func advised(t *testing.T) (pods []*corev1.Pod) {
	for _, text := range []string{
		`{"spec":{"containers":[{"name":"c0"}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
			{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/os","operator":"In","values":["windows"]}]}]}}}}}`,
		`{"spec":{"containers":[{"name":"c0"}],"nodeSelector":{"kubernetes.io/os":"windows"}}}`,
		`{"spec":{"initContainers":[{"name":"i0"}],"containers":[{"name":"c0"}],"ephemeralContainers":[{"name":"e0"}]},"status":{
			"initContainerStatuses":[{"name":"i0","user":{"linux":{"uid":7}}}],"containerStatuses":[{"name":"c0","user":{"linux":{"uid":7}}}],
			"ephemeralContainerStatuses":[{"name":"e0","user":{"linux":{"uid":7}}}]}}`,
		`{"spec":{"containers":[{"name":"c0","volumeMounts":[{"name":"v"}]}],"volumes":[{"name":"v","secret":{"defaultMode":256,"items":[{"mode":256}]}}]}}`,
		`{"spec":{"containers":[{"name":"c0","volumeMounts":[{"name":"v"}]}],"volumes":[{"name":"v","configMap":{"defaultMode":256,"items":[{"mode":256}]}}]}}`,
		`{"spec":{"containers":[{"name":"c0","volumeMounts":[{"name":"v"}]}],"volumes":[{"name":"v","downwardAPI":{"defaultMode":256,"items":[{"mode":256}]}}]}}`,
		`{"spec":{"containers":[{"name":"c0","volumeMounts":[{"name":"v"}]}],"volumes":[{"name":"v","persistentVolumeClaim":{}}]}}`,
		`{"spec":{"containers":[{"name":"c0","volumeMounts":[{"name":"v"}]}],"volumes":[{"name":"v","projected":{"defaultMode":256,"sources":[{"secret":{"items":[{"mode":256}]}}]}}]}}`,
		`{"spec":{"containers":[{"name":"c0","volumeMounts":[{"name":"v"}]}],"volumes":[{"name":"v","projected":{"defaultMode":256,"sources":[{"configMap":{"items":[{"mode":256}]}}]}}]}}`,
		`{"spec":{"containers":[{"name":"c0","volumeMounts":[{"name":"v"}]}],"volumes":[{"name":"v","projected":{"defaultMode":256,"sources":[{"downwardAPI":{"items":[{"mode":256}]}}]}}]}}`,
		`{"spec":{"securityContext":{"runAsUser":7,"sysctls":[{"name":"net.ipv4.ip_unprivileged_port_start","value":"0"}]},
			"containers":[{"name":"c0","securityContext":{"capabilities":{"add":["NET_BIND_SERVICE"]}}}]}}`,
	} {
		pod := &corev1.Pod{}
		if err := json.Unmarshal([]byte(text), pod); err != nil {
			t.Fatal(err)
		}
		pods = append(pods, pod)
	}
	return pods
}

// TestEveryFieldThatMattersIsRead: every field that the API's types have below a
// pod is set, one after the other, in pods that other fields decide about. If the
// answer about the whole pod knows of it, that about the sparse one must.
func TestEveryFieldThatMattersIsRead(t *testing.T) {
	leaves := leavesOf(reflect.TypeFor[corev1.Pod]())
	matter, cases := map[string]bool{}, 0
	try := func(pod *corev1.Pod, q question, values int) {
		before := q.answers(pod)
		for _, leaf := range leaves {
			list := valuesFor(leaf.of)
			for _, value := range list[:min(values, len(list))] {
				cases++
				changed := pod.DeepCopy()
				leaf.set(reflect.ValueOf(changed).Elem(), value)
				if reflect.DeepEqual(before, q.answers(changed)) {
					continue
				}
				matter[leaf.path] = true
				q.sparsely(t, []byte(patchtest.MustJSON(changed)))
				if t.Failed() {
					t.Fatalf("after %s was set to %v", leaf.path, value)
				}
			}
		}
	}
	q := question{level: api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}}
	for _, pod := range advised(t) {
		try(pod, q, 1)
	}
	for seed := range 2 {
		pod := podgen.Pod().Example(seed)
		pod.Labels = map[string]string{"app": "web"}
		p := podgen.Policy().Example(seed)
		p.Namespace, p.Namespaces, p.NamespaceSelector = "", nil, nil
		p.PodSelectorExpressions, p.PodSelectorLabels = nil, map[string]string{"app": "web"}
		set, err := policy.NewSet(p)
		if err != nil {
			t.Fatal(err)
		}
		try(pod, question{q.level, set}, math.MaxInt)
	}
	t.Logf("%d of %d fields matter, in %d pods", len(matter), len(leaves), cases)
	for _, path := range []string{
		"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.[0]matchExpressions.[0]operator",
		"status.ephemeralContainerStatuses.[0]user.linux.uid", "spec.volumes.[0].projected.sources.[0]secret.items.[0]mode",
	} {
		if !matter[path] {
			t.Errorf("%s does not matter: the pods that are tried have changed", path)
		}
	}
	if len(matter) < 300 || len(leaves) < 1000 {
		t.Errorf("%d of %d fields matter, want 300 of 1000 at least", len(matter), len(leaves))
	}
}

// TestPodRefuses: what is wrong is told with its place.
func TestPodRefuses(t *testing.T) {
	for _, row := range []struct{ name, why, text, want string }{
		{"nothing", "an empty text is no pod", ``, `the JSON text: it is empty`},
		{"half", "the rest may say anything", `{"spec":{`, ``},
		{"two", "which of them is meant is not for us to say", `{}{}`, `the JSON text: something stands behind the end of the object`},
		{"list", "a pod is an object", `[]`, `the JSON text: a list stands where an object belongs`},
		{"name twice", "the API server takes the last, others the first", `{"spec":{"hostPID":true,"hostPID":false}}`, `/spec/hostPID: the name stands twice in its object`},
		{"label twice", "a policy may select by either", `{"metadata":{"labels":{"a":"b","a":"c"}}}`, `/metadata/labels/a: the name stands twice in its object`},
		{"escaped name twice", "they are one name", `{"spec":{"hostPID":true,"host\u0050ID":false}}`, `/spec/hostPID: the name stands twice in its object`},
		{"text for a number", "the API server refuses it", `{"spec":{"securityContext":{"runAsUser":"0"}}}`, `/spec/securityContext/runAsUser: text stands where a number belongs`},
		{"fraction", "the API server refuses it", `{"spec":{"securityContext":{"runAsUser":0.5}}}`, `/spec/securityContext/runAsUser: 0.5 is no whole number of 64 bits`},
		{"large port", "it is no int32", `{"spec":{"containers":[{"ports":[{"hostPort":2147483648}]}]}}`, `/spec/containers/0/ports/0/hostPort: 2147483648 is no whole number of 32 bits`},
		{"number for text", "the API server refuses it", `{"metadata":{"name":7}}`, `/metadata/name: a number stands where text belongs`},
		{"text for a bool", "the API server refuses it", `{"spec":{"hostPID":"true"}}`, `/spec/hostPID: text stands where a boolean belongs`},
		{"object for a list", "the API server refuses it", `{"spec":{"containers":{}}}`, `/spec/containers: an object stands where a list belongs`},
		{"bool for a source", "the API server refuses it", `{"spec":{"volumes":[{"emptyDir":true}]}}`, `/spec/volumes/0/emptyDir: a boolean stands where an object belongs`},
		{"null container", "no patch could be applied to it", `{"spec":{"containers":[{},null]}}`, `/spec/containers/1: null stands where an element belongs`},
		{"no UTF-8", "another text may be read by others", "{\"metadata\":{\"name\":\"\xff\"}}", ``},
		{"broken where nobody looks", "what is skipped is JSON too", `{"status":{"a":tru}}`, ``},
	} {
		_, err := review.Pod([]byte(row.text))
		if err == nil {
			t.Errorf("%s (%s): no error", row.name, row.why)
		} else if row.want != "" && err.Error() != row.want {
			t.Errorf("%s (%s): error\n\t%s\nwant\n\t%s", row.name, row.why, err, row.want)
		}
	}
}

// TestNullIsUnset: null means what it means to the API server.
func TestNullIsUnset(t *testing.T) {
	for _, text := range []string{
		`null`, `{"metadata":null,"spec":null}`, `{"spec":{"containers":null,"volumes":null,"securityContext":null,"os":null,"hostPID":null}}`,
		`{"metadata":{"labels":{"a":null},"name":null}}`,
		`{"spec":{"containers":[{"securityContext":{"capabilities":null,"privileged":null,"runAsUser":null,"seccompProfile":{"type":null},"procMount":null}}]}}`,
		`{"spec":{"volumes":[{"name":"a","emptyDir":null,"nfs":null,"hostPath":null}]}}`,
		`{"spec":{"containers":[{"ports":[{"hostPort":null}],"volumeMounts":[{"readOnly":null}]}]}}`,
	} {
		full := &corev1.Pod{}
		if err := json.Unmarshal([]byte(text), full); err != nil {
			t.Fatal(err)
		}
		got, err := review.Pod([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(full, got); diff != "" {
			t.Errorf("%s (-in full +sparsely):\n%s", text, diff)
		}
	}
}
