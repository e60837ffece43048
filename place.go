package podfence

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/podfence/podfence/internal/kinds"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

// Place says where objects of a kind hold a pod template: an object with the
// pod's metadata and its spec.
type Place struct {
	// Kind and Group are those of the objects. Without a Kind the place is looked
	// at in objects of every kind, and holds a template only where one stands
	// there that has containers. With a Kind an object that has nothing there is
	// an error: somebody counts on its being judged.
	Kind, Group string
	// Steps lead from the object to the template; none to the object itself. The
	// step [spec.Each] stands for every element of a list, or every value of a
	// mapping.
	Steps []string
}

// String is the path as Kubernetes writes it: spec.tasks[*].template.
func (p Place) String() string {
	var b strings.Builder
	for _, step := range p.Steps {
		switch {
		case step == spec.Each:
			b.WriteString("[" + step + "]")
		case b.Len() > 0:
			b.WriteString("." + step)
		default:
			b.WriteString(step)
		}
	}
	return b.String()
}

// DefaultPlaces returns the places that are looked at in objects of a kind that
// Kubernetes itself does not have. The result is the caller's.
func DefaultPlaces() []Place {
	places := make([]Place, len(defaultPlaces))
	for i, path := range defaultPlaces {
		places[i].Steps = strings.Split(path, ".")
	}
	return places
}

// defaultPlaces are where widespread kinds hold their pod templates.
var defaultPlaces = [...]string{
	"spec.template",                                // Argo Rollout, OpenShift DeploymentConfig, Knative Service, OpenKruise CloneSet
	"spec.jobTemplate.spec.template",               // kinds that are like a CronJob
	"spec.template.spec.template",                  // Agones Fleet
	"spec.template.*.spec.template",                // OpenKruise AdvancedCronJob and UnitedDeployment
	"spec.podTemplate",                             // Flink, Elastic's Kibana, Agent Sandbox
	"spec.podTemplateSpec",                         //
	"spec.nodeSets.*.podTemplate",                  // Elasticsearch
	"spec.tasks.*.template",                        // Volcano Job
	"spec.replicatedJobs.*.template.spec.template", // JobSet
	"spec.leaderWorkerTemplate.leaderTemplate",     // LeaderWorkerSet
	"spec.leaderWorkerTemplate.workerTemplate",     //
	"spec.jobTargetRef.template",                   // KEDA ScaledJob
	"spec.headGroupSpec.template",                  // RayCluster
	"spec.workerGroupSpecs.*.template",             //
	"spec.rayClusterSpec.headGroupSpec.template",   // RayJob
	"spec.rayClusterSpec.workerGroupSpecs.*.template",
	"spec.rayClusterConfig.headGroupSpec.template", // RayService
	"spec.rayClusterConfig.workerGroupSpecs.*.template",
	"spec.pytorchReplicaSpecs.*.template", // Kubeflow's training jobs
	"spec.tfReplicaSpecs.*.template",
	"spec.mpiReplicaSpecs.*.template",
	"spec.xgbReplicaSpecs.*.template",
	"spec.paddleReplicaSpecs.*.template",
	"spec.jaxReplicaSpecs.*.template",
}

// ErrNoPod says that an object holds neither a pod nor a pod template.
var ErrNoPod = errors.New("holds neither a pod nor a pod template")

// DecodeError says that an object's pod template cannot be decoded, as where a
// field has a value of the wrong type, or where null stands for a container.
type DecodeError struct {
	// Kind names the object, Root is where its template stands.
	Kind string
	Root spec.Root
	// Err is the decoder's error.
	Err error
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("podfence: the pod template of %s at %s cannot be decoded: %v", e.Kind, e.Root, e.Err)
}

// Unwrap returns the decoder's error.
func (e *DecodeError) Unwrap() error { return e.Err }

// unstructured finds the workloads of an object without a Go type.
func unstructured(object runtime.Unstructured, places []Place) ([]Workload, error) {
	f := finder{object: object, content: object.UnstructuredContent()}
	apiVersion, _ := f.content["apiVersion"].(string)
	kind, _ := f.content["kind"].(string)
	if root, ok := kinds.Root(schema.FromAPIVersionAndKind(apiVersion, kind)); ok {
		f.demand(Place{Steps: root.Steps()})
	} else {
		f.byPlace = true
		f.search(kind, schema.FromAPIVersionAndKind(apiVersion, kind).Group, places)
	}
	switch {
	case f.err != nil:
		return nil, f.err
	case len(f.found) == 0:
		return nil, errNoPod(object)
	}
	return f.found, nil
}

// finder collects the workloads of one object.
type finder struct {
	object  runtime.Unstructured
	content map[string]any
	byPlace bool
	found   []Workload
	err     error
}

func (f *finder) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// search looks for templates in an object of a kind that Kubernetes does not have.
func (f *finder) search(kind, group string, places []Place) {
	for _, p := range places {
		switch {
		case p.Kind == "":
			f.look(f.content, p.Steps, nil)
		case p.Kind == kind && p.Group == group:
			f.demand(p)
		}
	}
	for _, path := range defaultPlaces {
		f.look(f.content, strings.Split(path, "."), nil)
	}
}

// demand takes what stands at a place, which must be a template, or a pod.
func (f *finder) demand(p Place) {
	before := len(f.found)
	f.take(f.content, p.Steps, nil)
	if len(f.found) == before && !f.at(p.Steps) {
		f.fail(fmt.Errorf("podfence: %s holds no pod template at %s", nameOf(f.object), p))
	}
}

// at reports whether a workload at these steps was found before, by another place.
func (f *finder) at(steps []string) bool {
	return slices.ContainsFunc(f.found, func(w Workload) bool { return fits(w.Root.Steps(), steps) })
}

func fits(path, pattern []string) bool {
	return slices.EqualFunc(path, pattern, func(step, want string) bool { return want == spec.Each || step == want })
}

// take takes every template at the end of the steps, whatever it holds.
func (f *finder) take(value any, steps, path []string) {
	if len(steps) > 0 {
		each(value, steps[0], func(step string, child any) { f.take(child, steps[1:], append(slices.Clip(path), step)) })
		return
	}
	switch v := value.(type) {
	case map[string]any:
		f.add(v, path)
	case nil:
	default:
		f.fail(fmt.Errorf("podfence: %s holds no pod template at %s: it is no mapping", nameOf(f.object), spec.RootAt(path...)))
	}
}

// look takes the templates at the end of the steps that have containers.
func (f *finder) look(value any, steps, path []string) {
	if len(steps) > 0 {
		each(value, steps[0], func(step string, child any) { f.look(child, steps[1:], append(slices.Clip(path), step)) })
		return
	}
	if m, ok := value.(map[string]any); ok && hasContainers(m) {
		f.add(m, path)
	}
}

// each visits the children of a value that a step stands for, in their order; of
// a mapping in the order of its keys.
func each(value any, step string, visit func(step string, child any)) {
	switch v := value.(type) {
	case map[string]any:
		if step != spec.Each {
			if child, ok := v[step]; ok {
				visit(step, child)
			}
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			visit(key, v[key])
		}
	case []any:
		for i := range v {
			if index := strconv.Itoa(i); step == spec.Each || step == index {
				visit(index, v[i])
			}
		}
	}
}

// hasContainers reports whether a mapping is a pod template by what it holds.
func hasContainers(template map[string]any) bool {
	pod, _ := template["spec"].(map[string]any)
	containers, _ := pod["containers"].([]any)
	return len(containers) > 0
}

// add decodes a template and keeps it. A template that cannot be decoded is an
// error, and never passed over.
func (f *finder) add(template map[string]any, path []string) {
	w := Workload{Root: spec.RootAt(path...), ByPlace: f.byPlace, object: f.object}
	if slices.ContainsFunc(f.found, func(other Workload) bool { return other.Root == w.Root }) {
		return
	}
	metadata, _ := f.content["metadata"].(map[string]any)
	w.Namespace, _ = metadata["namespace"].(string)
	w.Claims = w.Root == kinds.UnderSpec && f.hasClaims()
	var err error
	if w.Root == "" && !f.byPlace {
		w.Pod = &corev1.Pod{}
		err = decode(template, w.Pod)
	} else {
		w.Template = &corev1.PodTemplateSpec{}
		err = decode(template, w.Template)
	}
	if err == nil {
		err = nullContainer(template)
	}
	if err == nil {
		err = unknownSource(template)
	}
	if err != nil {
		f.fail(&DecodeError{Kind: nameOf(f.object), Root: w.Root, Err: err})
		return
	}
	f.found = append(f.found, w)
}

// hasClaims reports whether an object is a StatefulSet, or like one, whose pods get
// volumes for claims.
func (f *finder) hasClaims() bool {
	of, _ := f.content["spec"].(map[string]any)
	claims, _ := of["volumeClaimTemplates"].([]any)
	return len(claims) > 0
}

// unknownSource reports a volume that has a source which this build does not know.
// Once it is decoded it looks like a volume without a source, which is an emptyDir.
func unknownSource(template map[string]any) error {
	pod, _ := template["spec"].(map[string]any)
	volumes, _ := pod["volumes"].([]any)
	for i := range volumes {
		volume, _ := volumes[i].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(volume)) {
			if volume[key] != nil && key != "name" && !spec.IsVolumeType(key) {
				return fmt.Errorf("spec.volumes[%d].%s is no volume source that this version of podfence knows", i, key)
			}
		}
	}
	return nil
}

// decode reads a tree as the API server reads its JSON: with case, and with an
// error for a number that its field cannot hold. (runtime's converter would cut
// such a number down, and a hostPort of 1<<32 would be none.)
func decode(tree map[string]any, into any) error {
	text, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// nullContainer is the error about a null in a template's lists of containers.
// The API types take it for a container without a name, which the API server
// refuses, and no patch could add a field to it.
func nullContainer(template map[string]any) error {
	pod, _ := template["spec"].(map[string]any)
	for _, kind := range spec.ContainerKinds() {
		list, _ := pod[kind.List()].([]any)
		if i := slices.Index(list, nil); i >= 0 {
			return fmt.Errorf("spec.%s[%d] is null", kind.List(), i)
		}
	}
	return nil
}

// nameOf names an object by its kind.
func nameOf(object runtime.Object) string {
	if u, ok := object.(runtime.Unstructured); ok {
		if kind, _ := u.UnstructuredContent()["kind"].(string); kind != "" {
			return strconv.Quote(kind)
		}
	}
	return fmt.Sprintf("%T", object)
}

// filled is a copy of an object without a Go type, with what a report filled in.
// The copy keeps what the API types do not know.
func filled(object runtime.Unstructured, report mutate.Report) runtime.Object {
	after := object.DeepCopyObject().(runtime.Unstructured)
	content := after.UnstructuredContent()
	for _, op := range report.Operations() {
		content = put(content, op.Path, tree(op.Value)).(map[string]any)
	}
	after.SetUnstructuredContent(content)
	return after
}

// put sets a value in a tree and returns the tree. A parent that is null, which
// the API server takes for unset, becomes a mapping.
func put(at any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	if elements, ok := at.([]any); ok {
		i, _ := strconv.Atoi(path[0])
		elements[i] = put(elements[i], path[1:], value)
		return elements
	}
	members, ok := at.(map[string]any)
	if !ok {
		members = map[string]any{}
	}
	members[path[0]] = put(members[path[0]], path[1:], value)
	return members
}

// tree is a value that Mutate filled in as an object without a Go type holds it.
func tree(value any) any {
	switch v := value.(type) {
	case mutate.Object:
		members := make(map[string]any, len(v))
		for _, m := range v {
			members[m.Name] = tree(m.Value)
		}
		return members
	case []int64:
		return list(v)
	case []string:
		return list(v)
	default:
		return v
	}
}

func list[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
