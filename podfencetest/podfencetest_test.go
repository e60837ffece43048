package podfencetest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

// recorder is a T that remembers. Fatalf ends nothing, so that what comes after it must
// bear it.
type recorder struct{ errors, fatals []string }

func (*recorder) Helper()                     {}
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }
func (r *recorder) Fatalf(f string, a ...any) { r.fatals = append(r.fatals, fmt.Sprintf(f, a...)) }
func (r *recorder) all() string               { return strings.Join(append(r.errors, r.fatals...), "\n") }

const (
	bare       = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: nginx}]}}}\n"
	service    = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
	privileged = "apiVersion: v1\nkind: Pod\nmetadata: {name: agent, labels: {app: agent}}\nspec: {hostPID: true, containers: [{name: agent}]}\n"
)

var restrictedPod = &corev1.Pod{
	ObjectMeta: metav1.ObjectMeta{Name: "fine"},
	Spec: corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: ptr(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "a", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: ptr(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}}},
	},
}

func ptr[T any](v T) *T { return &v }

func policies(t *testing.T, text string) policy.Set {
	t.Helper()
	list, err := policy.Parse([]byte(text), "exception.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(list...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestAssertions: which workloads pass, as they are and filled in.
func TestAssertions(t *testing.T) {
	agents := policies(t, "namespace: nodes\npodSelectorLabels: {app: agent}\nallow: {hostPID: true}\n")
	baseline := api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}
	for _, row := range []struct {
		name, why      string
		cluster        Cluster
		manifests      Manifests
		allows, admits bool
	}{
		{"fine", "nothing stands against it", Cluster{}, Objects(restrictedPod), true, true},
		{"bare", "what is unset is filled in", Cluster{}, Decode(t, "web.yaml", []byte(bare)), false, true},
		{"bare at baseline", "which asks for nothing", Cluster{Level: baseline}, Decode(t, "web.yaml", []byte(bare)), true, true},
		{"host PID", "nothing grants it", Cluster{}, Decode(t, "agent.yaml", []byte(privileged)), false, false},
		{"host PID under its policy", "in its namespace", Cluster{Policies: agents, Namespace: "nodes"}, Decode(t, "agent.yaml", []byte(privileged)), false, true},
		{"host PID elsewhere", "the policy is for another namespace", Cluster{Policies: agents, Namespace: "shop"}, Decode(t, "agent.yaml", []byte(privileged)), false, false},
		{"host PID without a namespace", "nor for none", Cluster{Policies: agents}, Decode(t, "agent.yaml", []byte(privileged)), false, false},
		{"one of several", "all are asserted", Cluster{}, append(Objects(restrictedPod), Decode(t, "web.yaml", []byte(bare))...), false, true},
		{"a namespace of its own", "is kept", Cluster{Policies: agents, Namespace: "nodes"},
			Decode(t, "agent.yaml", []byte(strings.Replace(privileged, "name: agent,", "name: agent, namespace: shop,", 1))), false, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var allows, admits recorder
			row.cluster.Allows(&allows, row.manifests)
			row.cluster.Admits(&admits, row.manifests)
			if got := allows.all() == ""; got != row.allows {
				t.Errorf("as it is: allowed %v, want %v, for %s\n%s", got, row.allows, row.why, allows.all())
			}
			if got := admits.all() == ""; got != row.admits {
				t.Errorf("filled in: allowed %v, want %v, for %s\n%s", got, row.admits, row.why, admits.all())
			}
		})
	}
	if restrictedPod.Namespace != "" {
		t.Error("an object was changed")
	}
}

// TestFailure: the whole text of a failure, which says where, what and how; of a field
// that filling in leaves as it is, why.
func TestFailure(t *testing.T) {
	var r recorder
	Cluster{Namespace: "shop"}.Allows(&r, Decode(t, "web.yaml", []byte(bare+"---\n"+privileged+"---\n"+service)))
	const root = "apiVersion: v1\nkind: Pod\nmetadata: {name: root}\nspec: {containers: [{name: a, securityContext: {privileged: true, runAsUser: 0}}]}\n"
	Cluster{}.Admits(&r, Decode(t, "root.yaml", []byte(root)))
	sameAs(t, filepath.Join("testdata", "failure.txt"), r.all())
}

// TestWhatCannotBeJudgedFails: no mistake passes for manifests that are fine.
func TestWhatCannotBeJudgedFails(t *testing.T) {
	files := fstest.MapFS{
		"a.yaml": {Data: []byte(bare)}, "broken.yaml": {Data: []byte(service + "---\na: [\n")}, "twice.yaml": {Data: []byte("kind: Pod\nkind: Job\n")},
		"nameless.yaml": {Data: []byte("a: b\n")}, "service.yaml": {Data: []byte(service)},
		"null.yaml": {Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [null]}\n")},
	}
	for _, row := range []struct {
		name, says string
		manifests  func(T) Manifests
	}{
		{"no file", "b/*.yaml: no file matches it", func(t T) Manifests { return Read(t, files, "a.yaml", "b/*.yaml") }},
		{"bad pattern", "[: syntax error in pattern", func(t T) Manifests { return Read(t, files, "[") }},
		{"no YAML", "broken.yaml: document 2: ", func(t T) Manifests { return Read(t, files, "broken.yaml") }},
		{"a key twice", `twice.yaml: document 1: `, func(t T) Manifests { return Read(t, files, "twice.yaml") }},
		{"no object", "nameless.yaml: Object 'Kind' is missing", func(t T) Manifests { return Read(t, files, "nameless.yaml") }},
		{"no workload", "there is no workload among these objects: Service (1)", func(t T) Manifests { return Read(t, files, "service.yaml") }},
		{"nothing", "there is no workload, and no other object", func(t T) Manifests { return Decode(t, "", []byte("# nothing\n---\n")) }},
		{"null container", "null.yaml: Pod a: ", func(t T) Manifests { return Read(t, files, "null.yaml") }},
		{"nil", "object 1 is nil", func(T) Manifests { return Objects(nil) }},
		{"nil pointer", "object 1 is nil", func(T) Manifests { return Objects((*corev1.Pod)(nil)) }},
		{"rendered", "templates/x.yaml: document 1: ", func(t T) Manifests {
			return Rendered(t, map[string]string{"templates/x.yaml": "a: [", "NOTES.txt": "["})
		}},
	} {
		for how, assert := range map[string]func(Cluster, T, Manifests){
			"Allows": Cluster.Allows, "Admits": Cluster.Admits,
			"Golden": func(c Cluster, t T, m Manifests) { c.Golden(t, filepath.Join("testdata", "none.golden"), m) },
		} {
			var r recorder
			assert(Cluster{}, &r, row.manifests(&r))
			if len(r.fatals) == 0 || !strings.Contains(r.fatals[0], row.says) {
				t.Errorf("%s, %s: %q, want %q", row.name, how, r.all(), row.says)
			}
		}
	}
}

// TestDecode: every form in which manifests come.
func TestDecode(t *testing.T) {
	json := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`
	for _, row := range []struct {
		name, in string
		want     []string
	}{
		{"documents", "---\n" + bare + "---\n# nothing\n---\n" + service, []string{"f, document 1: Deployment web", "f, document 2: Service web"}},
		{"JSON", json, []string{"f: Pod a"}},
		{"a List", `{"apiVersion":"v1","kind":"List","items":[` + json + `,` + json + `]}`, []string{"f: Pod a", "f: Pod a"}},
		{"a list of a kind", "apiVersion: v1\nkind: PodList\nitems: [{metadata: {name: a}}]\n", []string{"f: Pod a"}},
		{"an array", "[" + json + "]", []string{"f: Pod a"}},
		{"an array in YAML", "- apiVersion: v1\n  kind: Pod\n  metadata: {name: a, namespace: ns}\n", []string{"f: Pod ns/a"}},
		{"CRLF", strings.ReplaceAll(bare, "\n", "\r\n"), []string{"f: Deployment web"}},
	} {
		var got []string
		for _, m := range Decode(t, "f", []byte(row.in)) {
			got = append(got, title(m.From, m.Object))
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
	rendered := Rendered(t, map[string]string{"b.yaml": service, "a.yml": bare, "NOTES.txt": "Thank you", "_helpers.tpl": "", "empty.yaml": "\n"})
	if len(rendered) != 2 || rendered[0].From != "a.yml" || rendered[1].From != "b.yaml" {
		t.Errorf("a rendered chart is %+v", rendered)
	}
}

// TestPlaces: kinds that Kubernetes does not have are judged by their templates, each
// of several.
func TestPlaces(t *testing.T) {
	const job = "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: j}\nspec: {tasks: [{template: {spec: {containers: [{name: a}]}}}, {template: {spec: {hostIPC: true, containers: [{name: b}]}}}]}\n"
	var r recorder
	Cluster{}.Admits(&r, Decode(t, "j.yaml", []byte(job)))
	if want := "j.yaml: Job j at /spec/tasks/1/template"; !strings.Contains(r.all(), want) || strings.Contains(r.all(), "tasks/0") {
		t.Errorf("%s\nwant %s alone", r.all(), want)
	}
	const own = "apiVersion: example.com/v1\nkind: Cache\nmetadata: {name: c}\nspec: {pod: {spec: {hostIPC: true, containers: [{name: a}]}}}\n"
	var without, with recorder
	Cluster{}.Admits(&without, Decode(t, "c.yaml", []byte(own)))
	Cluster{Places: []podfence.Place{{Kind: "Cache", Group: "example.com", Steps: []string{"spec", "pod"}}}}.Admits(&with, Decode(t, "c.yaml", []byte(own)))
	if !strings.Contains(without.all(), "no workload") || !strings.Contains(with.all(), "hostIPC") {
		t.Errorf("without its place: %s\nwith it: %s", without.all(), with.all())
	}
}

// TestGolden: a golden file is written, holds, and tells what changed.
func TestGolden(t *testing.T) {
	file := filepath.Join(t.TempDir(), "below", "filled.golden")
	manifests := append(Decode(t, "web.yaml", []byte(bare)), Objects(restrictedPod)...)
	Cluster{}.Golden(t, filepath.Join("testdata", "filled.golden"), manifests)

	t.Setenv(update, "")
	var r recorder
	Cluster{}.Golden(&r, file, manifests)
	if len(r.fatals) != 1 || !strings.Contains(r.fatals[0], "UPDATE_GOLDEN=1 go test writes it") {
		t.Errorf("no file: %q", r.all())
	}
	t.Setenv(update, "1")
	Cluster{}.Golden(t, file, manifests)
	t.Setenv(update, "")
	Cluster{}.Golden(t, file, manifests)
	r = recorder{}
	Cluster{}.Golden(&r, file, append(manifests, Decode(t, "agent.yaml", []byte(privileged))...))
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "hostPID is true") {
		t.Errorf("a workload more: %q", r.all())
	}
}
