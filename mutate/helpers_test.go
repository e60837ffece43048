package mutate_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// podOf is the pod that has a spec in YAML.
func podOf(t testing.TB, annotations map[string]string, podSpec string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	pod.Name, pod.Annotations = "pod", annotations
	if err := yaml.UnmarshalStrict([]byte(podSpec), &pod.Spec); err != nil {
		t.Fatalf("%v in %s", err, podSpec)
	}
	return pod
}

// one is the spec of a pod with one container, given its security context.
func one(securityContext string) string {
	return "{containers: [{name: a, securityContext: " + securityContext + "}]}"
}

// under is the spec of a pod whose one container inherits a security context.
func under(podSecurityContext string) string {
	return "{securityContext: " + podSecurityContext + ", containers: [{name: a}]}"
}

// inPod is the spec of a pod with one bare container and other fields.
func inPod(fields string) string { return "{" + fields + ", containers: [{name: a}]}" }

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

// changes are expected changes: the JSON of the value by the short name of the
// field. "pod fsGroup" is the pod's, "c0 runAsUser" that of the first regular
// container, i and e stand for the other kinds.
type changes map[string]string

// groups is what a bare pod gets on the pod, bareContainer what a container gets.
var groups = changes{"pod fsGroup": "1", "pod supplementalGroups": "[1]"}

func bareContainer(at string) changes {
	return changes{
		at + " allowPrivilegeEscalation": "false",
		at + " capabilities.drop":        `["ALL"]`,
		at + " privileged":               "false",
		at + " runAsGroup":               "1",
		at + " runAsNonRoot":             "true",
		at + " seccompProfile.type":      `"RuntimeDefault"`,
	}
}

// bare is what a bare pod of one container gets under the default policy.
var bare = groups.and(bareContainer("c0"))

func (c changes) and(more changes) changes {
	sum := maps.Clone(c)
	maps.Copy(sum, more)
	return sum
}

func (c changes) with(name, value string) changes { return c.and(changes{name: value}) }

// without fails for a name that is not there, so that no row claims too little.
func (c changes) without(names ...string) changes {
	rest := maps.Clone(c)
	for _, name := range names {
		if _, ok := rest[name]; !ok {
			panic("no change is named " + name)
		}
		delete(rest, name)
	}
	return rest
}

var kindLetters = map[spec.ContainerKind]string{spec.InitContainer: "i", spec.RegularContainer: "c", spec.EphemeralContainer: "e"}

// short is the short name of a field.
func short(l spec.Location) string {
	if l.Container.Kind == 0 {
		return "pod " + l.Field.Short()
	}
	return kindLetters[l.Container.Kind] + strconv.Itoa(int(l.Container.Index)) + " " + l.Field.Short()
}

func changesOf(r *mutate.Report) changes {
	got := changes{}
	for _, c := range r.Changes() {
		if _, twice := got[short(c.Location)]; twice {
			panic("changed twice: " + c.Location.String())
		}
		got[short(c.Location)] = patchtest.MustJSON(c.Value)
	}
	return got
}

// unsetOf lists "field: reason" in order of the text.
func unsetOf(r *mutate.Report) []string {
	got := []string{}
	for _, u := range r.Unset() {
		got = append(got, short(u.Location)+": "+string(u.Reason))
	}
	slices.Sort(got)
	return got
}

func sorted(list []string) []string {
	list = append([]string{}, list...)
	slices.Sort(list)
	return list
}

// resolve follows a JSON pointer that needs no unescaping.
func resolve(tree any, pointer string) (value any, ok bool) {
	for _, step := range strings.Split(pointer, "/")[1:] {
		switch node := tree.(type) {
		case map[string]any:
			if tree, ok = node[step]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(node) {
				return nil, false
			}
			tree = node[i]
		default:
			return nil, false
		}
	}
	return tree, true
}
