package fields

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestHint: for each way to get a field wrong the hint says what to do.
func TestHint(t *testing.T) {
	pod, deployment := reflect.TypeFor[*corev1.Pod](), reflect.TypeFor[*appsv1.Deployment]()
	cronJob := reflect.TypeFor[*batchv1.CronJob]()
	rows := []struct {
		why         string
		of          reflect.Type
		path, field string
		want        string
	}{
		{"one level off, upwards", pod, "spec.securityContext", "capabilities", "capabilities belongs to a container's securityContext"},
		{"a container's, on the spec", pod, "spec", "capabilities", "capabilities belongs to a container's securityContext"},
		{"the pod's, on a container", pod, "spec.containers.0.securityContext", "fsGroup", "fsGroup belongs to the pod's securityContext"},
		{"on an init container", pod, "spec.initContainers.3.securityContext", "supplementalGroups", "supplementalGroups belongs to the pod's securityContext"},
		{"on an ephemeral container", pod, "spec.ephemeralContainers.0", "privileged", "privileged belongs to a container's securityContext"},
		{"the spec's, on a container", pod, "spec.containers.0", "hostNetwork", "hostNetwork belongs to the pod's spec"},
		{"both levels have it", pod, "spec", "runAsUser", "runAsUser belongs to a container's securityContext or the pod's securityContext"},
		{"the nearest of several", deployment, "spec.template", "securityContext", "securityContext belongs to the pod's spec or a container"},
		{"a selector on the template", deployment, "spec.template", "selector", "selector belongs to spec"},
		{"the object's, on the template's spec", deployment, "spec.template.spec", "replicas", "replicas belongs to spec"},
		{"deep in a CronJob", cronJob, "spec.jobTemplate.spec.template", "containers", "containers belongs to the pod's spec"},
		{"a Job's, on the CronJob", cronJob, "spec", "backoffLimit", "backoffLimit belongs to spec.jobTemplate.spec"},
		{"another case", pod, "spec.securityContext", "runAsNonroot", "write runAsNonRoot"},
		{"a capital first", pod, "spec.securityContext", "RunAsNonRoot", "write runAsNonRoot"},
		{"another case, one level off", pod, "spec", "RunAsNonRoot", "write runAsNonRoot, which belongs to a container's securityContext or the pod's securityContext"},
		{"a letter swapped", pod, "spec", "hostNetwrok", "did you mean hostNetwork?"},
		{"a plural", deployment, "spec", "templates", "did you mean template?"},
		{"in metadata", pod, "metadata", "label", "did you mean labels?"},
		{"a volume's", pod, "spec.volumes.0", "emptydir", "write emptyDir"},
		{"its mapping's own, of the one above", pod, "spec.containers.0.securityContext", "name", "name belongs to a container"},
		{"many have it", pod, "spec", "port", "remove it"},
		{"nobody has it", pod, "spec", "zzzzzz", "remove it"},
	}
	if len(rows) != 22 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		h := Of(row.of).Hint(strings.Split(row.path, "."), row.field)
		if h.Text != row.want {
			t.Errorf("%s: %s.%s: %q, want %q", row.why, row.path, row.field, h.Text, row.want)
		}
		if known := h.Text != "remove it"; known != (h.Field != "") || h.Misplaced != strings.Contains(h.Text, "belongs to") {
			t.Errorf("%s: %+v", row.why, h)
		}
	}
}

// TestFields: the fields are those that the API types write, embedded structs
// and all; a value that reads itself may hold anything.
func TestFields(t *testing.T) {
	objects := []runtime.Object{&corev1.Pod{}, &corev1.PodTemplate{}, &appsv1.Deployment{}, &batchv1.CronJob{}}
	for _, o := range objects {
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := json.Unmarshal(raw, &tree); err != nil || len(tree) == 0 {
			t.Fatal(len(tree), err)
		}
		for name := range tree {
			if _, ok := Of(reflect.TypeOf(o)).Field(name); !ok {
				t.Errorf("%T has no field %s", o, name)
			}
		}
		for _, name := range []string{"apiVersion", "kind", "metadata"} { // of embedded structs, or left out when empty
			if _, ok := Of(reflect.TypeOf(o)).Field(name); !ok {
				t.Errorf("%T has no field %s", o, name)
			}
		}
	}
	container := Of(reflect.TypeFor[corev1.Container]())
	resources, _ := container.Field("resources")
	limits, _ := resources.Field("limits")
	if quantity, ok := limits.Field("example.com/any"); !ok || quantity != nil {
		t.Errorf("a resource of any name: %v, %v; want any value", quantity, ok)
	}
	volume := Of(reflect.TypeFor[corev1.Volume]())
	if _, ok := volume.Field("emptyDir"); !ok {
		t.Error("a volume has no field of its source, which it embeds")
	}
	ephemeral := Of(reflect.TypeFor[corev1.EphemeralContainer]())
	for _, name := range []string{"securityContext", "targetContainerName"} {
		if _, ok := ephemeral.Field(name); !ok {
			t.Errorf("an ephemeral container has no field %s", name)
		}
	}
	if _, ok := ephemeral.Field("nothing"); ok {
		t.Error("an ephemeral container has a field nothing")
	}
}
