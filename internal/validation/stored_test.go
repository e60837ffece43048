package validation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/apis/core"
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/spec"
)

// way is that of a pod into storage, whether or not validation would then accept it.
type way struct {
	// seen is the pod as a mutating webhook sees it: decoded, and after
	// ServiceAccount admission.
	seen *corev1.Pod
	// stored is the pod as validating admission sees it, and as it is stored.
	stored *corev1.Pod
	// refused: ServiceAccount admission refused it, as it does some mirror pods.
	refused bool
}

// wayOf is the way of a pod of namespace default.
func wayOf(plugin *serviceaccount.Plugin, pod *corev1.Pod) (w way) {
	internal := apiserver.Decoded[core.Pod](pod)
	w.refused = apiserver.AddServiceAccount(plugin, internal) != nil
	w.seen = apiserver.Encoded[corev1.Pod](internal)
	rest.FillObjectMetaSystemFields(internal)
	internal.UID = "uid"
	podregistry.Strategy.PrepareForCreate(apiserver.RequestFor(internal.Namespace, "", "pods", ""), internal)
	w.stored = apiserver.Encoded[corev1.Pod](internal)
	return w
}

// read is what checks and rules read of a pod, each value under its path: every
// field of spec.Fields, how volumes are mounted, and what the pod runs on. Of an
// object it is that it is there. named renames volumes.
func read(meta *metav1.ObjectMeta, podSpec *corev1.PodSpec, named func(string) string) map[string]any {
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": meta.Annotations}, "spec": podSpec})
	must(err)
	var pod map[string]any
	must(json.Unmarshal(text, &pod))
	all := map[string]any{}
	for _, f := range spec.Fields() {
		of := []string{""}
		if f.Scope() == spec.OfContainer {
			of = of[:0]
			for _, kind := range spec.ContainerKinds() {
				of = append(of, kind.List())
			}
		}
		for _, list := range of {
			steps := f.Steps()
			if list != "" {
				steps = append([]string{"spec", list, spec.Each}, steps...)
			}
			collect(all, "", pod, steps, f.Type() == spec.Object)
		}
	}
	for _, kind := range spec.ContainerKinds() {
		for _, list := range []string{"volumeMounts", "volumeDevices"} {
			for _, field := range []string{"name", "readOnly", "mountPath"} {
				collect(all, "", pod, []string{"spec", kind.List(), spec.Each, list, spec.Each, field}, false)
			}
		}
	}
	for _, field := range [][]string{{"spec", "os", "name"}, {"spec", "hostUsers"}, {"spec", "volumes", spec.Each, "name"}} {
		collect(all, "", pod, field, false)
	}
	for path, value := range all {
		if name, ok := value.(string); ok && strings.HasSuffix(path, "/name") {
			all[path] = named(name)
		}
	}
	return all
}

// collect notes every value at the end of the steps.
func collect(all map[string]any, path string, tree any, steps []string, presence bool) {
	if len(steps) == 0 {
		if presence {
			tree = "there"
		}
		all[path] = tree
		return
	}
	switch tree := tree.(type) {
	case []any:
		for i, element := range tree {
			collect(all, fmt.Sprint(path, "/", i), element, steps[1:], presence)
		}
	case map[string]any:
		for key, value := range tree {
			if key == steps[0] || steps[0] == spec.Each {
				collect(all, path+"/"+key, value, steps[1:], presence)
			}
		}
	}
}

// named renames the volume whose name ServiceAccount admission has drawn.
func named(author *corev1.PodSpec) func(string) string {
	return func(name string) string {
		for i := range author.Volumes {
			if author.Volumes[i].Name == name {
				return name
			}
		}
		if strings.HasPrefix(name, "kube-api-access-") {
			return spec.TokenVolume
		}
		return name
	}
}

// podOnItsWay draws a pod, of which some have AppArmor annotations of every sort.
func podOnItsWay(t *rapid.T) *corev1.Pod {
	pod := podgen.Pod().Draw(t, "pod")
	pod.Namespace = metav1.NamespaceDefault
	if rapid.IntRange(0, 3).Draw(t, "AppArmor annotations") > 0 {
		return pod
	}
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	values := rapid.SampledFrom([]string{
		"unconfined", "runtime/default", "localhost/p", "localhost/q", "localhost/", "localhost/ p", "other", "",
		"localhost/" + strings.Repeat("p", 4095), "localhost/" + strings.Repeat("p", 4096),
	})
	for _, c := range podwalk.Containers(&pod.Spec) {
		pod.Annotations[spec.AppArmorAnnotation+c.Name] = values.Draw(t, "AppArmor annotation")
	}
	return pod
}

// storedTally counts what the API server has set.
type storedTally struct {
	pods int
	set  map[spec.Default]int
}

func (c *storedTally) count(meta *metav1.ObjectMeta, podSpec *corev1.PodSpec, still spec.Default) {
	c.pods++
	for d := spec.Default(1); d <= spec.AllDefaults; d <<= 1 {
		if still.Has(d) && spec.Stored(meta, podSpec, d) != podSpec {
			c.set[d]++
		}
	}
}

// check asserts, in a seeded run, that nothing holds for want of a case.
func (c *storedTally) check(t *testing.T) {
	t.Helper()
	for d := spec.Default(1); d <= spec.AllDefaults; d <<= 1 {
		t.Logf("of %d pods %d have something %s", c.pods, c.set[d], d)
		if seeded && !t.Failed() && c.set[d] < c.pods/200 {
			t.Errorf("of %d pods only %d have something %s", c.pods, c.set[d], d)
		}
	}
}

// agrees holds a view of the library to what the API server makes of a pod.
func agrees(t *rapid.T, what string, meta *metav1.ObjectMeta, given *corev1.PodSpec, still spec.Default, author *corev1.PodSpec, server *corev1.Pod) {
	t.Helper()
	view := spec.Stored(meta, given, still)
	if diff := cmp.Diff(read(&server.ObjectMeta, &server.Spec, named(author)), read(meta, view, named(author))); diff != "" {
		t.Fatalf("%s (-server +library):\n%s\n%s", what, diff, show(given))
	}
	if n := len(view.Volumes); n > len(given.Volumes) {
		if diff := cmp.Diff(server.Spec.Volumes[n-1].VolumeSource, view.Volumes[n-1].VolumeSource); diff != "" {
			t.Fatalf("%s, the token volume (-server +library):\n%s", what, diff)
		}
	}
}

// TestStoredIsWhatTheServerStores: for every field that a check or a rule reads, the
// pod that spec.Stored shows is the one that a kube-apiserver would store, whether it
// is told of a pod as written, of one in admission, or of one that is stored. Of
// valid pods and others: those too are judged.
func TestStoredIsWhatTheServerStores(t *testing.T) {
	count := &storedTally{set: map[spec.Default]int{}}
	accounts := []*bool{nil, ptr(true), ptr(false)}
	var plugins []*serviceaccount.Plugin
	for _, automount := range accounts {
		plugins = append(plugins, apiserver.ServiceAccounts(automount, metav1.NamespaceDefault))
	}
	rapid.Check(t, func(t *rapid.T) {
		pod := podOnItsWay(t)
		i := rapid.IntRange(0, len(accounts)-1).Draw(t, "the ServiceAccount's automountServiceAccountToken: unset, true, false")
		automount := accounts[i]
		w := wayOf(plugins[i], pod)
		if w.refused && !spec.IsMirror(&pod.ObjectMeta) {
			t.Fatalf("ServiceAccount admission refuses %s", show(pod))
		}
		// What a ServiceAccount says of its pods stands nowhere in them.
		still := spec.AllDefaults
		if pod.Spec.AutomountServiceAccountToken == nil && automount != nil && !*automount {
			still &^= spec.DefaultTokenVolume
		}
		count.count(&pod.ObjectMeta, &pod.Spec, still)
		agrees(t, "as written", &pod.ObjectMeta, &pod.Spec, still, &pod.Spec, w.stored)
		agrees(t, "in admission", &w.seen.ObjectMeta, &w.seen.Spec, spec.DefaultAppArmorProfile, &pod.Spec, w.stored)
		if again := spec.Stored(&w.stored.ObjectMeta, &w.stored.Spec, spec.AllDefaults); again != &w.stored.Spec {
			t.Fatalf("a stored pod gets more:\n%s", cmp.Diff(&w.stored.Spec, again))
		}
		// With its UID forgotten, as in a manifest made of it, it still has all but
		// what its ServiceAccount refused.
		w.stored.UID = ""
		if again := spec.Stored(&w.stored.ObjectMeta, &w.stored.Spec, still); again != &w.stored.Spec {
			t.Fatalf("what is stored gets more:\n%s", cmp.Diff(&w.stored.Spec, again))
		}
	})
	count.check(t)
}

// TestStoredIsWhatTheServerStoresOfTemplates: the same for the pod that a controller
// makes of a template, as its author wrote it or as the API server decoded it; and
// of the template itself only volumes without a source are changed.
func TestStoredIsWhatTheServerStoresOfTemplates(t *testing.T) {
	count := &storedTally{set: map[spec.Default]int{}}
	plugin := apiserver.ServiceAccounts(nil, metav1.NamespaceDefault)
	rapid.Check(t, func(t *rapid.T) {
		pod := podOnItsWay(t)
		template := &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels, Annotations: pod.Annotations}, Spec: pod.Spec}
		owner := rapid.SampledFrom(apiserver.Owners).Draw(t, "owner")
		inOwner := owner.Admitted(template)
		agrees(t, "the template in a "+owner.Name, &template.ObjectMeta, &template.Spec, spec.DefaultEmptyDir, &template.Spec,
			&corev1.Pod{ObjectMeta: inOwner.ObjectMeta, Spec: inOwner.Spec})
		w := wayOf(plugin, apiserver.PodFrom(inOwner))
		count.count(&template.ObjectMeta, &template.Spec, spec.AllDefaults)
		agrees(t, "the pod of a template as written", &template.ObjectMeta, &template.Spec, spec.AllDefaults, &template.Spec, w.stored)
		agrees(t, "the pod of a "+owner.Name, &inOwner.ObjectMeta, &inOwner.Spec, spec.AllDefaults&^spec.DefaultEmptyDir, &template.Spec, w.stored)
	})
	count.check(t)
}
