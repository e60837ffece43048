package podfence_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// loose decodes YAML to an object without a Go type, as a client would.
func loose(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u
}

// hostPID is a pod template that no level but privileged allows.
const hostPID = "{metadata: {labels: {app: web}}, spec: {hostPID: true, containers: [{name: a}]}}"

// under is an object with a value at the end of steps; "0" opens a list.
func under(apiVersion, kind string, steps []string, value string) string {
	for i := len(steps) - 1; i >= 0; i-- {
		if steps[i] == "0" {
			value = "[" + value + "]"
		} else {
			value = "{" + steps[i] + ": " + value + "}"
		}
	}
	return "{apiVersion: " + apiVersion + ", kind: " + kind + ", metadata: {name: x, namespace: networking}, " + value[1:]
}

// TestTemplateIsFoundByItsPlace: kinds that Kubernetes does not have are judged
// and filled in by the template that they hold, and nothing else in them changes.
func TestTemplateIsFoundByItsPlace(t *testing.T) {
	set := setOf(t, "a: {namespace: networking, mutations: {fsGroup: 400}}", "b: {namespace: default}")
	rows := []struct{ apiVersion, kind, root string }{
		{"argoproj.io/v1alpha1", "Rollout", "/spec/template"},
		{"apps.openshift.io/v1", "DeploymentConfig", "/spec/template"},
		{"serving.knative.dev/v1", "Service", "/spec/template"},
		{"apps.kruise.io/v1alpha1", "CloneSet", "/spec/template"},
		{"apps.kruise.io/v1alpha1", "AdvancedCronJob", "/spec/template/jobTemplate/spec/template"},
		{"agones.dev/v1", "Fleet", "/spec/template/spec/template"},
		{"example.com/v1", "Cron", "/spec/jobTemplate/spec/template"},
		{"flink.apache.org/v1beta1", "FlinkDeployment", "/spec/podTemplate"},
		{"example.com/v1", "App", "/spec/podTemplateSpec"},
		{"elasticsearch.k8s.elastic.co/v1", "Elasticsearch", "/spec/nodeSets/0/podTemplate"},
		{"batch.volcano.sh/v1alpha1", "Job", "/spec/tasks/0/template"},
		{"jobset.x-k8s.io/v1alpha2", "JobSet", "/spec/replicatedJobs/0/template/spec/template"},
		{"leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "/spec/leaderWorkerTemplate/leaderTemplate"},
		{"leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "/spec/leaderWorkerTemplate/workerTemplate"},
		{"keda.sh/v1alpha1", "ScaledJob", "/spec/jobTargetRef/template"},
		{"ray.io/v1", "RayCluster", "/spec/headGroupSpec/template"},
		{"ray.io/v1", "RayCluster", "/spec/workerGroupSpecs/0/template"},
		{"ray.io/v1", "RayJob", "/spec/rayClusterSpec/headGroupSpec/template"},
		{"ray.io/v1", "RayJob", "/spec/rayClusterSpec/workerGroupSpecs/0/template"},
		{"ray.io/v1", "RayService", "/spec/rayClusterConfig/headGroupSpec/template"},
		{"ray.io/v1", "RayService", "/spec/rayClusterConfig/workerGroupSpecs/0/template"},
		{"kubeflow.org/v1", "PyTorchJob", "/spec/pytorchReplicaSpecs/Worker/template"},
		{"kubeflow.org/v1", "TFJob", "/spec/tfReplicaSpecs/Worker/template"},
		{"kubeflow.org/v1", "MPIJob", "/spec/mpiReplicaSpecs/Launcher/template"},
		{"kubeflow.org/v1", "XGBoostJob", "/spec/xgbReplicaSpecs/Master/template"},
		{"kubeflow.org/v1", "PaddleJob", "/spec/paddleReplicaSpecs/Worker/template"},
		{"kubeflow.org/v1", "JAXJob", "/spec/jaxReplicaSpecs/Worker/template"},
		// Kinds of Kubernetes, of a version that it no longer serves.
		{"extensions/v1beta1", "Deployment", "/spec/template"},
		{"batch/v1beta1", "CronJob", "/spec/jobTemplate/spec/template"},
	}
	if len(rows) != 29 {
		t.Fatalf("%d rows", len(rows))
	}
	places := map[string]bool{}
	for _, row := range rows {
		t.Run(row.kind+row.root, func(t *testing.T) {
			root := spec.Root(row.root)
			text := strings.Replace(under(row.apiVersion, row.kind, root.Steps(), hostPID), "hostPID: true", "theirs: 7, hostPID: true", 1)
			o, before := loose(t, text), loose(t, text)
			w, err := podfence.WorkloadOf(o)
			if err != nil || !w.ByPlace || w.Root != root || w.Namespace != "networking" || w.Template == nil || w.Pod != nil {
				t.Fatalf("%+v, %v", w, err)
			}
			places[placeOf(w.Root)] = true
			r, err := podfence.EvaluateObject(o, atRestricted, policy.Set{})
			if err != nil || r.Violations[0].Location.Pointer() != row.root+"/spec/hostPID" {
				t.Errorf("%v, %v", r.Violations, err)
			}
			got, d, err := podfence.AdmitObject(o, atRestricted, set)
			if err != nil || d.Allowed() || d.Result.PolicyName() != "a" || d.Root != root {
				t.Errorf("allowed %v under %q at %s, %v", d.Allowed(), d.Result.PolicyName(), d.Root, err)
			}
			if diff := cmp.Diff(before.Object, o.Object); diff != "" {
				t.Errorf("the input was changed:\n%s", diff)
			}
			patchMakes(t, before, got, d)
			if !strings.Contains(strings.ReplaceAll(asJSON(t, got), " ", ""), `"theirs":7`) {
				t.Error("a field that the API does not know was lost")
			}
			podsAre(t, got, w.Root)
		})
	}
	for _, p := range podfence.DefaultPlaces() {
		if p.Kind != "" || p.Group != "" || !places[strings.Join(p.Steps, ".")] {
			t.Errorf("no row has its template at %s", p)
		}
	}
}

// placeOf is the default place that leads to a root.
func placeOf(root spec.Root) string {
	for _, p := range podfence.DefaultPlaces() {
		steps, fits := root.Steps(), true
		if len(steps) != len(p.Steps) {
			continue
		}
		for i, step := range p.Steps {
			fits = fits && (step == spec.Each || step == steps[i])
		}
		if fits {
			return strings.Join(p.Steps, ".")
		}
	}
	return ""
}

// patchMakes: the patch makes of the one object the other.
func patchMakes(t *testing.T, before, after runtime.Object, d podfence.Decision) {
	t.Helper()
	if !d.Report.Changed() {
		t.Fatal("nothing was filled in")
	}
	got, err := patchtest.Apply([]byte(asJSON(t, before)), d.Report.Patch())
	if err != nil {
		t.Fatal(err)
	}
	want, err := patchtest.Tree([]byte(asJSON(t, after)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the patch gives another object (-want +got):\n%s", diff)
	}
}

// podsAre: the object that came back is still one that a client can send, and
// what stands in it is what the decision is about.
func podsAre(t *testing.T, o runtime.Object, root spec.Root) {
	t.Helper()
	again := &unstructured.Unstructured{}
	if err := again.UnmarshalJSON([]byte(asJSON(t, o))); err != nil {
		t.Fatal(err)
	}
	w, err := podfence.WorkloadOf(o)
	if err != nil || w.Root != root {
		t.Fatalf("%s, %v", w.Root, err)
	}
	if sc := w.Template.Spec.SecurityContext; sc == nil || *sc.FSGroup != 400 {
		t.Errorf("fsGroup is not filled in: %v", sc)
	}
	o.DeepCopyObject() // panics for a value that JSON would not hold
}

// TestLooseKnownKinds: an object of a kind of Kubernetes that has no Go type gets
// the answer of the one that has.
func TestLooseKnownKinds(t *testing.T) {
	set := setOf(t, "a: {namespace: networking, mutations: {fsGroup: 400}}")
	for i, kind := range workloads {
		o := makeWorkload(t, i, someSpec)
		apiVersion := map[string]string{
			"ReplicaSet": "apps/v1", "Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1",
			"Job": "batch/v1", "CronJob": "batch/v1",
		}[kind.kind]
		if apiVersion == "" {
			apiVersion = "v1"
		}
		u := loose(t, `{"apiVersion":"`+apiVersion+`","kind":"`+kind.kind+`",`+asJSON(t, o)[1:])
		w, err := podfence.WorkloadOf(u)
		if err != nil || w.ByPlace || (w.Pod != nil) != (kind.kind == "Pod") || w.Root != spec.RootAt(kind.root...) {
			t.Errorf("%s: %+v, %v", kind.kind, w, err)
			continue
		}
		got, d, err := podfence.AdmitObject(u, atRestricted, set)
		if err != nil {
			t.Fatal(err)
		}
		want, dWant, err := podfence.AdmitObject(o, atRestricted, set)
		if err != nil || asJSON(t, d) != asJSON(t, dWant) {
			t.Errorf("%s: %s, want %s, %v", kind.kind, asJSON(t, d), asJSON(t, dWant), err)
		}
		if diff := cmp.Diff(specIn(t, want, kind.root), specIn(t, got, kind.root)); diff != "" {
			t.Errorf("%s is filled otherwise than its type (-want +got):\n%s", kind.kind, diff)
		}
		patchMakes(t, u, got, d)
	}
}

// TestPlaces: which templates are found, which error says that none is.
func TestPlaces(t *testing.T) {
	at := func(kind, group, path string) podfence.Place {
		p := podfence.Place{Kind: kind, Group: group}
		if path != "" {
			p.Steps = strings.Split(path, ".")
		}
		return p
	}
	volcano := "{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, spec: {tasks: [{template: " + hostPID + "}, {template: " + hostPID + "}]}}"
	rows := []struct {
		name, why, in string
		places        []podfence.Place
		roots         string
		err           string
	}{
		{name: "several templates", why: "each runs pods", in: volcano, roots: "spec.tasks[0].template spec.tasks[1].template"},
		{
			name: "values of a mapping", why: "they come in the order of their keys",
			in:    "{apiVersion: kubeflow.org/v1, kind: TFJob, spec: {tfReplicaSpecs: {Worker: {template: " + hostPID + "}, PS: {template: " + hostPID + "}}}}",
			roots: "spec.tfReplicaSpecs.PS.template spec.tfReplicaSpecs.Worker.template",
		},
		{
			name: "a place of one's own", why: "the kind has it at no default place", in: under("example.com/v1", "App", []string{"spec", "pod"}, hostPID),
			places: []podfence.Place{at("App", "example.com", "spec.pod")}, roots: "spec.pod",
		},
		{
			name: "a place of another kind", why: "it is not asked", in: under("example.com/v1", "App", []string{"spec", "pod"}, hostPID),
			places: []podfence.Place{at("Other", "example.com", "spec.pod")}, err: `podfence: "App" holds neither a pod nor a pod template`,
		},
		{
			name: "a place of another group", why: "groups share names", in: under("example.org/v1", "App", []string{"spec", "pod"}, hostPID),
			places: []podfence.Place{at("App", "example.com", "spec.pod")}, err: `podfence: "App" holds neither a pod nor a pod template`,
		},
		{
			name: "a place of every kind", why: "it holds a template only where there are containers",
			in: under("example.com/v1", "App", []string{"spec", "pod"}, hostPID), places: []podfence.Place{at("", "", "spec.pod")}, roots: "spec.pod",
		},
		{
			name: "a place of every kind without containers", why: "much is named so",
			in:     under("example.com/v1", "App", []string{"spec", "pod"}, "{spec: {replicas: 1}}"),
			places: []podfence.Place{at("", "", "spec.pod")}, err: `podfence: "App" holds neither a pod nor a pod template`,
		},
		{
			name: "nothing at the kind's place", why: "somebody counts on its being judged",
			in: under("example.com/v1", "App", []string{"spec", "pot"}, hostPID), places: []podfence.Place{at("App", "example.com", "spec.pod")},
			err: `podfence: "App" holds no pod template at spec.pod`,
		},
		{
			name: "an empty list at the kind's place", why: "as above",
			in: under("example.com/v1", "App", []string{"spec", "pods"}, "[]"), places: []podfence.Place{at("App", "example.com", "spec.pods.*")},
			err: `podfence: "App" holds no pod template at spec.pods[*]`,
		},
		{
			name: "a text at the kind's place", why: "it is none",
			in: under("example.com/v1", "App", []string{"spec", "pod"}, "none"), places: []podfence.Place{at("App", "example.com", "spec.pod")},
			err: `podfence: "App" holds no pod template at spec.pod: it is no mapping`,
		},
		{
			name: "the kind's place and a default one", why: "a template is judged once", in: under("argoproj.io/v1", "Rollout", []string{"spec", "template"}, hostPID),
			places: []podfence.Place{at("Rollout", "argoproj.io", "spec.template")}, roots: "spec.template",
		},
		{
			name: "the same place twice", why: "a template is judged once", in: under("example.com/v1", "App", []string{"spec", "pod"}, hostPID),
			places: []podfence.Place{at("App", "example.com", "spec.pod"), at("App", "example.com", "spec.pod")}, roots: "spec.pod",
		},
		{
			name: "a template that cannot be decoded", why: "it is not passed over", in: strings.Replace(volcano, "hostPID: true", `hostPID: "yes"`, 1),
			err: `podfence: the pod template of "Job" at spec.tasks[0].template cannot be decoded: json: cannot unmarshal string into Go struct field PodSpec.spec.hostPID of type bool`,
		},
		{
			name: "a port that is too large", why: "cut down to an int32 it would be no hostPort",
			in:  under("example.com/v1", "App", []string{"spec", "template"}, "{spec: {containers: [{name: a, ports: [{hostPort: 4294967296}]}]}}"),
			err: "podfence: the pod template of \"App\" at spec.template cannot be decoded: json: cannot unmarshal number 4294967296 into Go struct field ContainerPort.spec.containers.ports.hostPort of type int32",
		},
		{
			name: "a volume source of tomorrow", why: "taken for none it would be an emptyDir",
			in:  under("apps/v1", "Deployment", []string{"spec", "template"}, "{spec: {volumes: [{name: a}, {name: b, nodeDisk: {}}], containers: [{name: a}]}}"),
			err: "podfence: the pod template of \"Deployment\" at spec.template cannot be decoded: spec.volumes[1].nodeDisk is no volume source that this version of podfence knows",
		},
		{
			name: "a volume source that is null", why: "null is none to the API server too",
			in:    under("apps/v1", "Deployment", []string{"spec", "template"}, "{spec: {volumes: [{name: b, nodeDisk: null}], hostPID: true, containers: [{name: a}]}}"),
			roots: "spec.template",
		},
		{
			name: "null for a container", why: "a patch cannot add to it, and no API server takes it",
			in:  under("argoproj.io/v1", "Rollout", []string{"spec", "template"}, "{spec: {containers: [{name: a}, null]}}"),
			err: `podfence: the pod template of "Rollout" at spec.template cannot be decoded: spec.containers[1] is null`,
		},
		{
			name: "null for a container alone", why: "it makes a template of the place all the same",
			in:  under("argoproj.io/v1", "Rollout", []string{"spec", "template"}, "{spec: {containers: [null]}}"),
			err: `podfence: the pod template of "Rollout" at spec.template cannot be decoded: spec.containers[0] is null`,
		},
		{
			name: "null for an init container", why: "in a known kind as well",
			in:  under("batch/v1", "CronJob", []string{"spec", "jobTemplate", "spec", "template"}, "{spec: {containers: [{name: a}], initContainers: [null]}}"),
			err: `podfence: the pod template of "CronJob" at spec.jobTemplate.spec.template cannot be decoded: spec.initContainers[0] is null`,
		},
		{
			name: "null for an ephemeral container", why: "every list counts",
			in:  under("apps/v1", "Deployment", []string{"spec", "template"}, "{spec: {containers: [{name: a}], ephemeralContainers: [{name: b}, null]}}"),
			err: `podfence: the pod template of "Deployment" at spec.template cannot be decoded: spec.ephemeralContainers[1] is null`,
		},
		{
			name: "a virtual machine", why: "its template has no containers", in: under("kubevirt.io/v1", "VirtualMachine", []string{"spec", "template"}, "{spec: {domain: {}}}"),
			err: `podfence: "VirtualMachine" holds neither a pod nor a pod template`,
		},
		{name: "a pod of another group", why: "it may be anything", in: "{apiVersion: example.com/v1, kind: Pod, spec: {containers: [{name: a}]}}", err: `podfence: "Pod" holds neither a pod nor a pod template`},
		{name: "the object itself", why: "without steps the place is the object", in: "{apiVersion: example.com/v1, kind: Pod, spec: {hostPID: true, containers: [{name: a}]}}", places: []podfence.Place{at("Pod", "example.com", "")}, roots: "-"},
		{name: "a Deployment without a template", why: "Kubernetes would refuse it", in: "{apiVersion: apps/v1, kind: Deployment, spec: {}}", err: `podfence: "Deployment" holds no pod template at spec.template`},
		{name: "a list", why: "its items are objects of their own", in: "{apiVersion: v1, kind: List, items: []}", err: `podfence: "List" holds neither a pod nor a pod template`},
	}
	if len(rows) != 25 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			found, err := podfence.WorkloadsOf(loose(t, row.in), row.places...)
			var roots []string
			for _, w := range found {
				root := w.Root.String()
				if root == "" {
					root = "-"
				}
				roots = append(roots, root)
				if r := w.Evaluate(atBaseline, policy.Set{}); len(r.Violations) != 1 {
					t.Errorf("%s is not judged: %v", root, r.Violations)
				}
			}
			text := ""
			if err != nil {
				text = err.Error()
			}
			if strings.Join(roots, " ") != row.roots || text != row.err {
				t.Errorf("because %s: %q, %q, want %q, %q", row.why, roots, text, row.roots, row.err)
			}
			if none := strings.Contains(row.err, "holds neither"); errors.Is(err, podfence.ErrNoPod) != none {
				t.Errorf("ErrNoPod: %v, want %v", !none, none)
			}
		})
	}
	_, err := podfence.WorkloadOf(loose(t, volcano))
	if want := `podfence: "Job" holds 2 pod templates, at spec.tasks[0].template and spec.tasks[1].template: ask WorkloadsOf for each`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestSeveralTemplatesAreFilledOneAfterAnother: what one filled in the next keeps.
func TestSeveralTemplatesAreFilledOneAfterAnother(t *testing.T) {
	var o runtime.Object = loose(t, "{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, spec: {tasks: [{template: "+
		"{spec: {containers: [{name: a}]}}}, {template: {spec: {securityContext: null, containers: [{name: a, securityContext: {capabilities: null}}]}}}]}}")
	for i := range 2 {
		all, err := podfence.WorkloadsOf(o)
		if err != nil || len(all) != 2 {
			t.Fatalf("%d, %v", len(all), err)
		}
		o = all[i].With(all[i].Admit(atRestricted, policy.Set{}))
	}
	all, err := podfence.WorkloadsOf(o)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for _, w := range all {
		if d := w.Admit(atRestricted, policy.Set{}); !d.Allowed() || d.Report.Changed() {
			t.Errorf("%s is not filled in: %s", w.Root, d.Report.Patch())
		}
	}
	if _, err := json.Marshal(o); err != nil {
		t.Error(err)
	}
}

// TestLooseObjectIsReturned: where nothing is filled in, the object itself.
func TestLooseObjectIsReturned(t *testing.T) {
	o := loose(t, under("argoproj.io/v1alpha1", "Rollout", []string{"spec", "template"}, "{spec: {containers: [{name: a}]}}"))
	got, d, err := podfence.AdmitObject(o, atBaseline, policy.Set{})
	if err != nil || got != runtime.Object(o) || !d.Allowed() {
		t.Errorf("itself %v, allowed %v, %v", got == runtime.Object(o), d.Allowed(), err)
	}
}
