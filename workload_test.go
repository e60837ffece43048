package podfence_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// workloads are the nine kinds.
var workloads = []struct {
	kind string
	// before and after are the text of an object around that of its pod template.
	before, after string
	object        func(t testing.TB, text string) runtime.Object
	// root is where the object holds the template, or the pod.
	root []string
}{
	{
		kind: "Pod", object: object[corev1.Pod],
		before: "metadata: {name: x, namespace: networking, labels: {app: web}}, ",
	},
	{
		kind: "PodTemplate", object: object[corev1.PodTemplate], root: []string{"template"},
		before: "metadata: {name: x, namespace: networking}, template: {", after: "}",
	},
	{
		kind: "ReplicationController", object: object[corev1.ReplicationController], root: specTemplate,
		before: inSpec, after: "}}",
	},
	{kind: "ReplicaSet", object: object[appsv1.ReplicaSet], root: specTemplate, before: inSpec, after: "}}"},
	{kind: "Deployment", object: object[appsv1.Deployment], root: specTemplate, before: inSpec, after: "}}"},
	{kind: "StatefulSet", object: object[appsv1.StatefulSet], root: specTemplate, before: inSpec, after: "}}"},
	{kind: "DaemonSet", object: object[appsv1.DaemonSet], root: specTemplate, before: inSpec, after: "}}"},
	{kind: "Job", object: object[batchv1.Job], root: specTemplate, before: inSpec, after: "}}"},
	{
		kind: "CronJob", object: object[batchv1.CronJob], root: []string{"spec", "jobTemplate", "spec", "template"},
		before: "metadata: {name: x, namespace: networking}, " +
			"spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {", after: "}}}}",
	},
}

var specTemplate = []string{"spec", "template"}

const inSpec = "metadata: {name: x, namespace: networking}, spec: {template: {"

// object decodes YAML to the type of one kind.
func object[T any](t testing.TB, text string) runtime.Object {
	return any(fromYAML[T](t, text)).(runtime.Object)
}

// makeWorkload is the object of one of the kinds around a pod's spec.
func makeWorkload(t testing.TB, i int, podSpec string) runtime.Object {
	w := workloads[i]
	labels := "metadata: {labels: {app: web}}, "
	if w.kind == "Pod" {
		labels = ""
	}
	return w.object(t, "{"+w.before+labels+"spec: "+podSpec+w.after+"}")
}

// specIn is the pod's spec in the tree of an object.
func specIn(t testing.TB, o runtime.Object, root []string) map[string]any {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	for _, step := range append(append([]string{}, root...), "spec") {
		tree = tree.(map[string]any)[step]
	}
	return tree.(map[string]any)
}

const someSpec = "{containers: [{name: a}, {name: b, securityContext: {runAsUser: 5}}], " +
	"volumes: [{name: v, emptyDir: {}}]}"

// TestAdmitObject: every kind of workload is decided and filled as a pod is.
func TestAdmitObject(t *testing.T) {
	if len(workloads) != 9 {
		t.Fatalf("%d kinds", len(workloads))
	}
	pod := fromYAML[corev1.Pod](t, "{metadata: {namespace: networking, labels: {app: web}}, spec: "+someSpec+"}")
	set := setOf(t, "a: {namespace: networking, mutations: {fsGroup: 400}}", "b: {namespace: default}")
	want := podfence.Admit(pod, atRestricted, set)
	wantSpec := specIn(t, want.Pod, nil)
	for i, w := range workloads {
		t.Run(w.kind, func(t *testing.T) {
			o, before := makeWorkload(t, i, someSpec), makeWorkload(t, i, someSpec)
			got, d, err := podfence.AdmitObject(o, atRestricted, set)
			if err != nil {
				t.Fatal(err)
			}
			if !d.Allowed() || d.Result.PolicyName() != "a" {
				t.Errorf("allowed %v under %q, want policy a of the object's namespace", d.Allowed(), d.Result.PolicyName())
			}
			if got == o || reflect.TypeOf(got) != reflect.TypeOf(o) {
				t.Errorf("%T, the object itself: %v", got, got == o)
			}
			if !reflect.DeepEqual(o, before) {
				t.Error("the input was changed")
			}
			if diff := cmp.Diff(wantSpec, specIn(t, got, w.root)); diff != "" {
				t.Errorf("filled otherwise than a pod (-want +got):\n%s", diff)
			}
			if (d.Pod == nil) != (w.kind != "Pod") || (d.Template == nil) == (d.Pod == nil) {
				t.Errorf("the decision has pod %v, template %v", d.Pod != nil, d.Template != nil)
			}
			rootFits(t, before, got, d, w.root)
			onlyTheTemplateChanged(t, before, got)
		})
	}
}

// TestEvaluateStored: of every kind of workload the pod that would be stored is
// judged, with paths that begin at the object.
func TestEvaluateStored(t *testing.T) {
	const podSpec = "{hostNetwork: true, volumes: [{name: v}], containers: [{name: a, ports: [{containerPort: 80}]}]}"
	for i, w := range workloads {
		held, err := podfence.WorkloadOf(makeWorkload(t, i, podSpec))
		if err != nil {
			t.Fatal(w.kind, err)
		}
		var got []string
		for _, v := range held.EvaluateStored(atBaseline, setOf(t, "a: {allow: {hostNetwork: true, volumes: [emptyDir]}}")).Violations {
			got = append(got, v.Location.String()+": "+v.Default.String())
		}
		at := strings.Join(append(append([]string{}, w.root...), "spec."), ".")
		want := []string{
			at + "containers[0].ports[0].hostPort: " + spec.DefaultHostPort.String(),
			at + "volumes[1].projected: " + spec.DefaultTokenVolume.String(),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", w.kind, diff)
		}
	}
}

// TestVolumeClaimTemplates: pods of a StatefulSet have volumes that their template
// does not name. A policy whose volumes leave claims out refuses them, typed and
// unstructured, and one that lists them does not.
func TestVolumeClaimTemplates(t *testing.T) {
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}, Spec: corev1.PodSpec{
		AutomountServiceAccountToken: new(bool),
		Volumes:                      []corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		Containers:                   []corev1.Container{{Name: "db", Image: "db:1"}},
	}}
	with := &appsv1.StatefulSet{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"}}
	with.Spec.Template = template
	without := with.DeepCopy()
	with.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}}}
	loose := func(s *appsv1.StatefulSet) runtime.Object {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(s)
		if err != nil {
			t.Fatal(err)
		}
		return &unstructured.Unstructured{Object: content}
	}
	const refused = "spec.template.spec.volumes[1].persistentVolumeClaim: made of the StatefulSet's volumeClaimTemplates"
	for name, row := range map[string]struct {
		object  runtime.Object
		volumes string
		want    []string
	}{
		"typed, not listed":        {with, "[emptyDir]", []string{refused}},
		"unstructured, not listed": {loose(with), "[emptyDir]", []string{refused}},
		"typed, listed":            {with, "[emptyDir, persistentVolumeClaim]", nil},
		"without claims":           {without, "[emptyDir]", nil},
		"all volumes":              {with, `["*"]`, nil},
	} {
		set := setOf(t, "a: {allow: {volumes: "+row.volumes+"}}")
		_, d, err := podfence.AdmitObject(row.object, atRestricted, set)
		if err != nil {
			t.Fatal(name, err)
		}
		var got []string
		for _, v := range d.Result.Violations {
			got = append(got, v.Location.String()+": "+v.Default.String())
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// rootFits: the patch within the workload's root makes of the object's JSON the
// JSON of the object that came back.
func rootFits(t *testing.T, before, after runtime.Object, d podfence.Decision, root []string) {
	t.Helper()
	w, err := podfence.WorkloadOf(before)
	if err != nil || w.Root != spec.RootAt(root...) || d.Root != w.Root || w.Namespace != "networking" {
		t.Fatalf("%v, root %v, namespace %q", err, w.Root, w.Namespace)
	}
	patchMakes(t, before, after, d)
}

// TestEveryRenderingBeginsAtTheObject: whatever a decision says of a place, in
// whatever form, it says from the object on that was asked about, and it names the
// same place that it names of a pod.
func TestEveryRenderingBeginsAtTheObject(t *testing.T) {
	const podSpec = "{hostPID: true, hostIPC: true, os: {name: linux}, volumes: [{name: v, hostPath: {path: /etc}}], " +
		"containers: [{name: a}, {name: b, securityContext: {privileged: true}}]}"
	set := setOf(t, "a: {allow: {hostPID: true, fsGroup: {rule: MayRunAs, ranges: [{min: 5, max: 6}]}}}")
	ofPod := places(t, makeWorkload(t, 0, podSpec), set)
	for i, w := range workloads {
		dotted, pointer := "", ""
		if w.root != nil {
			dotted, pointer = strings.Join(w.root, ".")+".", "/"+strings.Join(w.root, "/")
		}
		got := places(t, makeWorkload(t, i, podSpec), set)
		for form, list := range ofPod {
			if len(list) == 0 {
				t.Errorf("the pod has no %s, and the test proves nothing", form)
			}
			var want []string
			for _, place := range list {
				if strings.HasPrefix(place, "/") {
					want = append(want, pointer+place)
				} else {
					want = append(want, dotted+place)
				}
			}
			if diff := cmp.Diff(want, got[form]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", w.kind, form, diff)
			}
		}
	}
}

// TestAdviceAboutThePod: what is advised about the pod, and not about a container,
// is placed in the object too.
func TestAdviceAboutThePod(t *testing.T) {
	for _, row := range []struct {
		name, podSpec string
		want          podfence.AdviceRecord
	}{
		{"a field", "{volumes: [{name: v, persistentVolumeClaim: {claimName: c}}], containers: [{name: a, securityContext: {runAsUser: 5}, volumeMounts: [{name: v, mountPath: /v}]}]}",
			podfence.AdviceRecord{Field: "spec.template.spec.securityContext.fsGroup", Pointer: "/spec/template/spec/securityContext/fsGroup", Concern: mutate.VolumeModes}},
		{"the pod", "{nodeSelector: {kubernetes.io/os: windows}, containers: [{name: a}]}",
			podfence.AdviceRecord{Field: "spec.template", Pointer: "/spec/template", Concern: mutate.WindowsNodes}},
	} {
		for i, w := range workloads {
			if w.kind != "Deployment" && w.kind != "Pod" {
				continue
			}
			_, d, err := podfence.AdmitObject(makeWorkload(t, i, row.podSpec), atRestricted, policy.Set{})
			if err != nil {
				t.Fatal(err)
			}
			want := row.want
			if w.kind == "Pod" {
				want.Field = strings.TrimPrefix(strings.TrimPrefix(want.Field, "spec.template"), ".")
				want.Pointer = strings.TrimPrefix(want.Pointer, "/spec/template")
			}
			got := d.Record().Advice
			for i := range got {
				got[i].Advice = ""
			}
			if diff := cmp.Diff([]podfence.AdviceRecord{want}, got); diff != "" {
				t.Errorf("%s, about %s (-want +got):\n%s", w.kind, row.name, diff)
			}
		}
	}
}

// places are the places that the decision about an object names, by form.
func places(t *testing.T, o runtime.Object, set policy.Set) map[string][]string {
	t.Helper()
	_, d, err := podfence.AdmitObject(o, atRestricted, set)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	add := func(form string, places ...string) { found[form] = append(found[form], places...) }
	for form, list := range map[string][]evaluate.Violation{"violations": d.Result.Violations, "excused": d.Result.Excused} {
		for _, v := range list {
			text, _, _ := strings.Cut(v.String(), " ")
			record := v.Record()
			add(form, v.Location.String(), text, v.Pointer(), "/"+strings.Join(v.Steps(), "/"), v.FieldPath().String(), v.FieldError().Field)
			add(form+" as JSON", record.Field, record.Pointer)
		}
	}
	for _, e := range d.Result.ErrorList() {
		add("errors", e.Field)
	}
	for _, c := range d.Report.Changes() {
		text, _, _ := strings.Cut(c.String(), ": ")
		add("changes", c.Location.String(), text, c.Pointer())
	}
	for _, u := range d.Report.Unset() {
		text, _, _ := strings.Cut(u.String(), ": ")
		add("unset", u.Location.String(), text, u.Pointer())
	}
	for _, o := range d.Report.Operations() {
		add("operations", "/"+strings.Join(o.Path, "/"))
	}
	for _, a := range d.Advice() {
		add("advice", a.Location.String(), a.Pointer())
	}
	record := d.Record()
	for _, c := range record.Changes {
		add("changes as JSON", c.Field, c.Pointer)
	}
	for _, u := range record.Unset {
		add("unset as JSON", u.Field, u.Pointer)
	}
	for _, a := range record.Advice {
		add("advice as JSON", a.Field, a.Pointer)
	}
	var patch []struct{ Path string }
	if err := json.Unmarshal(record.Patch, &patch); err != nil {
		t.Fatal(err)
	}
	for _, o := range patch {
		add("patch", o.Path)
	}
	return found
}

// onlyTheTemplateChanged puts the old template back and finds the old object.
func onlyTheTemplateChanged(t *testing.T, before, after runtime.Object) {
	t.Helper()
	after = after.DeepCopyObject()
	was, _ := podfence.WorkloadOf(before)
	is, _ := podfence.WorkloadOf(after)
	if is.Pod != nil {
		is.Pod.Spec = was.Pod.Spec
	} else {
		is.Template.Spec = was.Template.Spec
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("something beside the pod's spec changed:\n%s", cmp.Diff(before, after))
	}
}

// TestUnchangedObjectIsReturned: the object itself, for every kind and for every
// cause of not changing it.
func TestUnchangedObjectIsReturned(t *testing.T) {
	settledSpec := "{securityContext: {fsGroup: 1, supplementalGroups: [1]}, " +
		"containers: [{name: a, securityContext: {" + full + "}}]}"
	for i, w := range workloads {
		t.Run(w.kind, func(t *testing.T) {
			for _, row := range []struct {
				why, spec string
				level     api.LevelVersion
				reason    podfence.Reason
			}{
				{why: "nothing to fill", spec: settledSpec, level: atRestricted, reason: podfence.NoPolicy},
				{why: "level privileged", spec: someSpec, level: atPrivileged, reason: podfence.PrivilegedLevel},
				{why: "level baseline", spec: someSpec, level: atBaseline, reason: podfence.NoPolicy},
			} {
				o := makeWorkload(t, i, row.spec)
				got, d, err := podfence.AdmitObject(o, row.level, policy.Set{})
				if err != nil || got != o || !d.Allowed() || d.Reason != row.reason {
					t.Errorf("%s: itself %v, allowed %v, %s, %v", row.why, got == o, d.Allowed(), d.Reason, err)
				}
			}
		})
	}
}

// TestNamespaceOfTheObjectGoverns: what the template says of a namespace does not
// count, for the controller makes pods in its own.
func TestNamespaceOfTheObjectGoverns(t *testing.T) {
	const privileged = "spec: {containers: [{name: a, securityContext: {privileged: true}}]}"
	const deployment = "{metadata: {namespace: %s}, " +
		"spec: {template: {metadata: {namespace: networking, labels: {app: web}}, " + privileged + "}}}"
	set := setOf(t, "a: {namespace: networking, allow: {privileged: true}}")
	for namespace, allowed := range map[string]bool{"networking": true, "default": false, `""`: false} {
		o := fromYAML[appsv1.Deployment](t, strings.Replace(deployment, "%s", namespace, 1))
		if _, d, err := podfence.AdmitObject(o, atRestricted, set); err != nil || d.Allowed() != allowed {
			t.Errorf("namespace %s: allowed %v, %v", namespace, d.Allowed(), err)
		}
	}
	byObjectsLabels := fromYAML[appsv1.Deployment](t,
		"{metadata: {namespace: networking, labels: {app: web}}, spec: {template: {"+privileged+"}}}")
	if _, d, err := podfence.AdmitObject(byObjectsLabels, atRestricted, set); err != nil || d.Allowed() {
		t.Errorf("the labels of the Deployment selected a policy: allowed %v, %v", d.Allowed(), err)
	}
}

// TestDeniedObjectIsFilled: also where the answer is no, it says what it was about.
func TestDeniedObjectIsFilled(t *testing.T) {
	for i, w := range workloads {
		o := makeWorkload(t, i, "{hostPID: true, containers: [{name: a}]}")
		got, d, err := podfence.AdmitObject(o, atRestricted, policy.Set{})
		if err != nil || d.Allowed() || got == o || specIn(t, got, w.root)["securityContext"] == nil {
			t.Errorf("%s: allowed %v, itself %v, %v", w.kind, d.Allowed(), got == o, err)
		}
	}
}

// TestNoWorkload: an object without a pod is an error, not a denial.
func TestNoWorkload(t *testing.T) {
	for name, o := range map[string]runtime.Object{
		"a ConfigMap":             &corev1.ConfigMap{},
		"a ReplicationController": &corev1.ReplicationController{},
		"a PodList":               &corev1.PodList{},
		"nil":                     nil,
	} {
		if w, err := podfence.WorkloadOf(o); !errors.Is(err, podfence.ErrNoPod) {
			t.Errorf("%s without a template is a workload: %+v", name, w)
		}
		got, d, err := podfence.AdmitObject(o, atRestricted, policy.Set{})
		if err == nil || got != nil || d.Reason != "" {
			t.Errorf("%s: %v, %q, %v", name, got, d.Reason, err)
		}
	}
	_, _, err := podfence.AdmitObject(&corev1.ConfigMap{}, atRestricted, policy.Set{})
	if want := "podfence: *v1.ConfigMap holds neither a pod nor a pod template"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestWorkloadWith: the object comes back from a decision that was made before.
func TestWorkloadWith(t *testing.T) {
	for i, kind := range workloads {
		o := makeWorkload(t, i, someSpec)
		w, _ := podfence.WorkloadOf(o)
		filled := w.With(w.Admit(atRestricted, policy.Set{}))
		want, _, err := podfence.AdmitObject(o, atRestricted, policy.Set{})
		if err != nil || !reflect.DeepEqual(want, filled) || filled == o {
			t.Errorf("%s: another object than AdmitObject's, %v", kind.kind, err)
		}
		if same := w.With(podfence.Decision{}); same != o {
			t.Errorf("%s: a decision without a change gave a copy", kind.kind)
		}
	}
}
