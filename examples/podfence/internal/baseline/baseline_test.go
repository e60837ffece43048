package baseline

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

var (
	restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	web        = ObjectOf("apps/v1", "Deployment", "prod", "web")
)

func violations(pod *corev1.Pod) []evaluate.Violation {
	return evaluate.Evaluate(pod, restricted, policy.Set{}).Violations
}

// TestRoundTrip: whatever the names and values of a pod, what was recorded is read back, and accepts every violation of
// the pod and no other.
func TestRoundTrip(t *testing.T) {
	met := 0
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		text := rapid.String()
		o := Object{Kind: "Pod", Namespace: text.Draw(t, "namespace"), Name: text.Draw(t, "name")}
		for i := range pod.Spec.Containers {
			pod.Spec.Containers[i].Name = text.Draw(t, "container")
		}
		found := violations(pod)
		var r Recorder
		for i := range found {
			r.Add(KeyOf(o, &found[i]))
		}
		written := r.render("evaluate")
		b, err := parse(written, "known.yaml", "evaluate")
		if err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		if b.Len() != r.Len() {
			t.Fatalf("%d entries of %d are read from\n%s", b.Len(), r.Len(), written)
		}
		b.Judged(o, api.LevelRestricted)
		for i := range found {
			k := KeyOf(o, &found[i])
			met++
			other := k
			other.Value = "{}" // which no field holds
			if !b.Accepts(k) || b.Accepts(other) {
				t.Fatalf("%q is not the one that is accepted in\n%s", k.What(), written)
			}
		}
		if gone := b.Gone(); len(gone) != 0 {
			t.Fatalf("%v are gone", gone)
		}
		if spec.Printable(strings.ReplaceAll(string(written), "\n", "")) != strings.ReplaceAll(string(written), "\n", "") {
			t.Fatalf("not printable: %q", written)
		}
	})
	if met == 0 {
		t.Error("no pod has a violation")
	}
}

// TestKeys: what is the same violation and what is another one.
func TestKeys(t *testing.T) {
	on, off := true, false
	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{Spec: corev1.PodSpec{
			Containers: []corev1.Container{
				{Name: "a", SecurityContext: &corev1.SecurityContext{
					RunAsNonRoot: &on, AllowPrivilegeEscalation: &off, SeccompProfile: &corev1.SeccompProfile{Type: "RuntimeDefault"},
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{"NET_RAW", "SYS_TIME"}},
				}},
			},
			Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}}},
		}}
		if change != nil {
			change(p)
		}
		return p
	}
	before := violations(pod(nil))
	var r Recorder
	for i := range before {
		r.Add(KeyOf(web, &before[i]))
	}
	if len(before) != 3 {
		t.Fatalf("%d violations, want 3: two capabilities and a volume", len(before))
	}
	for _, row := range []struct {
		why       string
		change    func(*corev1.Pod)
		new, gone int
	}{
		{"nothing", nil, 0, 0},
		{"another order of a list", func(p *corev1.Pod) {
			p.Spec.Containers[0].SecurityContext.Capabilities.Add = []corev1.Capability{"SYS_TIME", "NET_RAW"}
		}, 0, 0},
		{"a volume before it", func(p *corev1.Pod) {
			p.Spec.Volumes = append([]corev1.Volume{{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}, p.Spec.Volumes...)
		}, 0, 0},
		{"a container before it", func(p *corev1.Pod) {
			other := *p.Spec.Containers[0].DeepCopy()
			other.Name, other.SecurityContext.Capabilities.Add = "b", nil
			p.Spec.Containers = append([]corev1.Container{other}, p.Spec.Containers...)
		}, 0, 0},
		{"the same in another container", func(p *corev1.Pod) {
			other := *p.Spec.Containers[0].DeepCopy()
			other.Name = "b"
			p.Spec.Containers = append(p.Spec.Containers, other)
		}, 2, 0},
		{"another path", func(p *corev1.Pod) { p.Spec.Volumes[0].HostPath.Path = "/" }, 1, 1},
		{"another capability", func(p *corev1.Pod) { p.Spec.Containers[0].SecurityContext.Capabilities.Add[0] = "SYS_ADMIN" }, 1, 1},
		{"a field that was true and is unset", func(p *corev1.Pod) { p.Spec.Containers[0].SecurityContext.RunAsNonRoot = nil }, 1, 0},
		{"a violation less", func(p *corev1.Pod) { p.Spec.Volumes = nil }, 0, 1},
	} {
		b, err := parse(r.render("evaluate"), "known.yaml", "evaluate")
		if err != nil {
			t.Fatal(err)
		}
		b.Judged(web, api.LevelRestricted)
		fresh := 0
		after := violations(pod(row.change))
		for i := range after {
			if !b.Accepts(KeyOf(web, &after[i])) {
				fresh++
			}
		}
		if gone := len(b.Gone()); fresh != row.new || gone != row.gone {
			t.Errorf("%s: %d are new and %d gone, want %d and %d", row.why, fresh, gone, row.new, row.gone)
		}
		for i := range after {
			if b.Accepts(KeyOf(ObjectOf("apps/v1", "Deployment", "prod", "other"), &after[i])) {
				t.Errorf("%s: the entry of an object accepts another's", row.why)
			}
		}
	}
}

// TestNotAsked: what was not judged, or at a level that does not ask, is not said to be gone.
func TestNotAsked(t *testing.T) {
	b, err := parse([]byte("command: evaluate\naccepted:\n"+
		"- {kind: Pod, name: a, check: hostNamespaces, field: spec.hostPID, value: true}\n"+
		"- {kind: Pod, name: a, check: runAsNonRoot, field: spec.securityContext.runAsNonRoot}\n"+
		"- {kind: Pod, name: a, check: allow.runAsUser, field: spec.securityContext.runAsUser, value: 5}\n"), "f", "evaluate")
	if err != nil {
		t.Fatal(err)
	}
	a := Object{Kind: "Pod", Name: "a"}
	for _, row := range []struct {
		level                  api.Level
		gone, entries, objects int
	}{{"", 0, 3, 1}, {api.LevelPrivileged, 0, 3, 1}, {api.LevelBaseline, 2, 1, 1}, {api.LevelRestricted, 3, 0, 0}} {
		if row.level != "" {
			b.Judged(a, row.level)
		}
		entries, objects := b.NotAsked()
		if gone := len(b.Gone()); gone != row.gone || entries != row.entries || objects != row.objects {
			t.Errorf("at level %q: %d gone, %d entries of %d objects not asked; want %+v", row.level, gone, entries, objects, row)
		}
	}
	if gone := b.Gone()[0]; gone.Line != 3 || gone.Object.String() != "Pod a" || gone.What() != "hostNamespaces at spec.hostPID, which was true" {
		t.Errorf("%+v: %s, %s", gone, gone.Object, gone.What())
	}
	var none *Baseline
	if none.Accepts(Key{}) || none.Gone() != nil {
		t.Error("no baseline accepts something")
	}
	none.Judged(a, api.LevelRestricted)
}

// TestErrors: all that is wrong, each with its line and what to do.
func TestErrors(t *testing.T) {
	const good = "kind: Pod, name: a, check: hostNamespaces, field: spec.hostPID"
	for text, want := range map[string]string{
		"":                 "f: it is empty; write it anew with --write-baseline",
		"a: [":             "f: yaml: line 1: did not find expected node content; write it anew with --write-baseline",
		"- 1\n":            "f:1: a mapping belongs here; write the keys command, accepted",
		"command: admit\n": `f:1: it is a baseline of "admit", and not of evaluate; write one with evaluate --write-baseline`,
		"accepted: []\n":   "f:1: it does not say of which command it is; write command: evaluate",
		"command: evaluate\n---\ncommand: evaluate\n":                                                             "f:2: more follows the document; remove it",
		"command: evaluate\ncommand: evaluate\n":                                                                  `f:2: the key "command" is given twice; remove one of the two`,
		"command: evaluate\naccept: []\n":                                                                         `f:2: "accept" is no key of a baseline here; write one of command, accepted`,
		"command: evaluate\naccepted: 1\n":                                                                        "f:2: accepted is no list; write a list of entries",
		"command: evaluate\naccepted:\n- {" + good + "}\n- {" + good + "}\n":                                      "f:4: the entry is in line 3 already; remove one of the two",
		"command: evaluate\naccepted:\n- {" + good + ", valeu: 1}\n":                                              `f:3: "valeu" is no key of a baseline here; write one of kind, namespace, name, check, container, volume, field, value`,
		"command: evaluate\naccepted:\n- {" + strings.Replace(good, "a,", "1,", 1) + "}\n":                        "f:3: name is no text; write it in quotes",
		"command: evaluate\naccepted:\n- {kind: Pod, name: a, check: hostNamespaces}\n- {kind: Pod, field: b}\n":  "f:3: the entry has no field; write it, or remove the entry\nf:4: the entry has no check; write it, or remove the entry",
		"command: evaluate\naccepted:\n- {" + strings.Replace(good, "hostNamespaces", "hostNamespace", 1) + "}\n": `f:3: no check and no rule of a policy has the ID "hostNamespace"; correct it, or remove the entry`,
		"command: evaluate\naccepted:\n- {" + good + ", value: {[a]: b}}\n":                                       "f:3: value cannot be read",
		"command: evaluate\naccepted:\n- {" + good + ", namespace: &a [*a]}\n":                                    "f:3: namespace is no text; write it in quotes",
	} {
		_, err := parse([]byte(text), "f", "evaluate")
		if err == nil {
			t.Errorf("%q is read", text)
		} else if got := err.Error(); got != want && !(strings.HasSuffix(want, "read") && strings.HasPrefix(got, want)) {
			t.Errorf("%q:\n%s\nwant\n%s", text, got, want)
		}
	}
}

// TestGarbage: a text with bytes that are other ones is read, or refused with what is wrong and what to do.
func TestGarbage(t *testing.T) {
	good := []byte("# c\ncommand: evaluate\naccepted:\n- {kind: Pod, name: a, check: hostNamespaces, field: spec.hostPID, value: [a, 1]}\n")
	refused := 0
	rapid.Check(t, func(t *rapid.T) {
		text := bytes.Clone(good)
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			i := rapid.IntRange(0, len(text)-1).Draw(t, "at")
			text[i] = rapid.SampledFrom([]byte("&*!|>?:-{}[]\"'\n\t \x00\xffa")).Draw(t, "byte")
		}
		_, err := parse(text, "f", "evaluate")
		if err == nil {
			return
		}
		refused++
		for _, err := range parts(err) {
			var e *Error
			if !errors.As(err, &e) || e.Problem == "" || e.Fix == "" {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// TestFiles: a baseline that is not there is an error that says how to write one; an empty one can be read.
func TestFiles(t *testing.T) {
	name := filepath.Join(t.TempDir(), "known.yaml")
	var e *Error
	if _, err := Read(name, "admit"); !errors.As(err, &e) || e.Fix != "write one with --write-baseline "+name {
		t.Error(err)
	}
	if err := new(Recorder).Write(name, "admit"); err != nil {
		t.Fatal(err)
	}
	if b, err := Read(name, "admit"); err != nil || b.Len() != 0 || b.File() != name {
		t.Error(b, err)
	}
	if _, err := Read(filepath.Dir(name), "admit"); err == nil {
		t.Error("a directory is read")
	}
}
