package native_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/internal/validation/validpod"
	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/spec"
)

// workloads are the kinds that hold a pod template.
var workloads = []struct {
	resource schema.GroupVersionResource
	of       func(corev1.PodTemplateSpec) runtime.Object
}{
	{corev1.SchemeGroupVersion.WithResource("podtemplates"), func(t corev1.PodTemplateSpec) runtime.Object { return &corev1.PodTemplate{Template: t} }},
	{corev1.SchemeGroupVersion.WithResource("replicationcontrollers"), func(t corev1.PodTemplateSpec) runtime.Object {
		return &corev1.ReplicationController{Spec: corev1.ReplicationControllerSpec{Template: &t}}
	}},
	{appsv1.SchemeGroupVersion.WithResource("deployments"), func(t corev1.PodTemplateSpec) runtime.Object {
		return &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: t}}
	}},
	{appsv1.SchemeGroupVersion.WithResource("replicasets"), func(t corev1.PodTemplateSpec) runtime.Object {
		return &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Template: t}}
	}},
	{appsv1.SchemeGroupVersion.WithResource("daemonsets"), func(t corev1.PodTemplateSpec) runtime.Object {
		return &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Template: t}}
	}},
	{appsv1.SchemeGroupVersion.WithResource("statefulsets"), func(t corev1.PodTemplateSpec) runtime.Object {
		return &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: t}}
	}},
	{appsv1.SchemeGroupVersion.WithResource("statefulsets"), func(t corev1.PodTemplateSpec) runtime.Object {
		return &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: t, VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{}}}}
	}},
	{batchv1.SchemeGroupVersion.WithResource("jobs"), func(t corev1.PodTemplateSpec) runtime.Object {
		return &batchv1.Job{Spec: batchv1.JobSpec{Template: t}}
	}},
	{batchv1.SchemeGroupVersion.WithResource("cronjobs"), func(t corev1.PodTemplateSpec) runtime.Object {
		return &batchv1.CronJob{Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: t}}}}
	}},
}

// templateSets is how many sets of policies templates are tried under.
const templateSets = "20"

// TestTemplates: who creates or changes a workload is warned of what will be wrong
// with its pods once they have been filled in, as the webhook warns.
func TestTemplates(t *testing.T) {
	seeded, count := seedRapid(t, templateSets, seed), tally{}
	rapid.Check(t, func(t *rapid.T) {
		c := drawCluster(t)
		c.options.WithoutMutation = rapid.IntRange(0, 9).Draw(t, "without mutation") == 9
		r, err := native.Render(c.set, c.options)
		if err != nil {
			t.Fatal(err)
		}
		r.Enforce, r.Audit, r.Warn, r.Mutate = nil, nil, nil, nil
		objects, err := decodedObjects(r.List())
		if err != nil {
			t.Fatal(err)
		}
		s, err := newServer(objects)
		if err != nil {
			t.Fatalf("%v\n%s", err, show(c.policies))
		}
		p := &pipeline{TB: t, cluster: c, server: s, count: count}
		for range *podsPerSet {
			p.template(t, validpod.Pod().Draw(t, "pod"))
		}
	})
	count.check(t, seeded, map[string]int{
		"templates": 1000, "templates whose author is warned": 400, "templates that filling mends": 60, "templates without a warning": 350,
		"templates of CronJob": 60,
	})
}

// template tries the template of one workload.
func (p *pipeline) template(t *rapid.T, pod *corev1.Pod) {
	namespace := apiserver.NamespaceOf(&pod.ObjectMeta)
	ns := drawNamespace(t, namespace, &p.options)
	of := rapid.SampledFrom(workloads).Draw(t, "workload")
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels, Annotations: pod.Annotations}, Spec: pod.Spec}
	if _, err := apiserver.Owners[0].Create(&template); err != nil {
		p.count["templates refused by validation"]++
		return
	}
	object := of.of(template)
	object.(metav1.Object).SetName("owner")
	object.(metav1.Object).SetNamespace(namespace)
	object = asSeen(object)
	kinds, _, err := legacyscheme.Scheme.ObjectKinds(object)
	if err != nil {
		t.Fatal(err)
	}
	r := &request{namespace: ns, object: object, resource: of.resource, kind: kinds[0], operation: admission.Create, username: "somebody"}
	if rapid.Bool().Draw(t, "an update") {
		r.operation, r.old = admission.Update, object
	}
	want := p.templateWarning(ns, object)
	got := p.validate(r)
	var said []string
	for _, text := range got.warnings {
		_, text, _ = strings.Cut(text, "with binding 'podfence-templates': ")
		said = append(said, text)
	}
	if got.refusal != "" || len(said) > 1 || strings.Join(said, "") != want && !isReplaced(want, strings.Join(said, "")) {
		t.Fatalf("a template (-library +native):\n- %q\n+ %q %q\n%s", want, got.warnings, got.refusal, p.context(r))
	}
	p.count["templates"]++
	p.count["templates of "+kinds[0].Kind]++
	if want == "" {
		p.count["templates without a warning"]++
		w, err := podfence.WorkloadOf(object)
		if err != nil {
			t.Fatal(err)
		}
		if r := w.EvaluateStored(levelsOf(ns, &p.options).Warn, p.in(ns)); !r.Allowed() {
			p.count["templates that filling mends"]++
		}
	} else {
		p.count["templates whose author is warned"]++
	}
}

// asSeen is an object with its defaults, and after its way through JSON.
func asSeen(object runtime.Object) runtime.Object {
	legacyscheme.Scheme.Default(object)
	text, err := json.Marshal(object)
	must(err)
	seen := reflect.New(reflect.TypeOf(object).Elem()).Interface().(runtime.Object)
	must(json.Unmarshal(text, seen))
	return seen
}

// templateWarning is what the webhook says: the template is filled in at the level
// that is enforced, and judged as its pods will be stored.
func (p *pipeline) templateWarning(ns *corev1.Namespace, object runtime.Object) string {
	levels, set := levelsOf(ns, &p.options), p.in(ns)
	w, err := podfence.WorkloadOf(object)
	if err != nil {
		p.Fatal(err)
	}
	template, still := w.Template, spec.AllDefaults&^spec.DefaultEmptyDir
	if w.Claims {
		still |= spec.DefaultClaimVolumes
	}
	if !p.options.WithoutMutation {
		template = w.Admit(levels.Enforce, set).Template
	}
	return evaluate.Stored(w.Namespace, &template.ObjectMeta, &template.Spec, still, levels.Warn, set).Warning()
}
