package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// forged is what a line would begin with that a name has made. hostile is a name
// that ends its line, speaks to the terminal (ESC, CSI, DEL) and turns the
// direction of what follows.
const (
	forged  = "web.yaml:1 Pod/web: allowed"
	hostile = "x\n" + forged + "\r\x1b[2J\u009b31m\x7f\u202e\u2066\u200b\u2028"
)

// hostilePod breaks checks in each way in which a text of the author's is shown,
// and all its strings are hostile.
func hostilePod(t *testing.T) *corev1.Pod {
	t.Helper()
	s, yes := "s", true
	root := int64(0)
	profile := corev1.SeccompProfileType(s)
	container := corev1.Container{
		Name: s, Image: s,
		Ports:         []corev1.ContainerPort{{Name: s, HostPort: 80}},
		LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: s, Path: s}}},
		Lifecycle:     &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{TCPSocket: &corev1.TCPSocketAction{Host: s}}},
		VolumeMounts:  []corev1.VolumeMount{{Name: s, MountPath: s}},
		SecurityContext: &corev1.SecurityContext{
			Capabilities:    &corev1.Capabilities{Add: []corev1.Capability{corev1.Capability(s)}, Drop: []corev1.Capability{corev1.Capability(s)}},
			RunAsUser:       &root,
			RunAsNonRoot:    &yes,
			Privileged:      &yes,
			ProcMount:       (*corev1.ProcMountType)(&s),
			SELinuxOptions:  &corev1.SELinuxOptions{Type: s, User: s, Role: s},
			SeccompProfile:  &corev1.SeccompProfile{Type: profile},
			AppArmorProfile: &corev1.AppArmorProfile{Type: corev1.AppArmorProfileType(s)},
		},
	}
	bare := corev1.Container{Name: s}
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: s, Namespace: s, Labels: map[string]string{s: s}, Annotations: map[string]string{s: s}},
		Spec: corev1.PodSpec{
			HostNetwork: true,
			SecurityContext: &corev1.PodSecurityContext{
				Sysctls:        []corev1.Sysctl{{Name: s, Value: s}},
				SELinuxOptions: &corev1.SELinuxOptions{Type: s},
				SeccompProfile: &corev1.SeccompProfile{Type: profile},
			},
			InitContainers: []corev1.Container{bare, container},
			Containers:     []corev1.Container{container, bare},
			Volumes: []corev1.Volume{
				{Name: s, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: s}}},
				{Name: s, VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: s, Path: s}}},
			},
		},
	}
	if changed := replace(reflect.ValueOf(pod).Elem(), hostile); changed < 30 {
		t.Fatalf("only %d strings are hostile", changed)
	}
	// A key of an annotation is shown where AppArmor or seccomp reads it.
	pod.Annotations["container.apparmor.security.beta.kubernetes.io/"+hostile] = hostile
	pod.Annotations["container.seccomp.security.alpha.kubernetes.io/"+hostile] = hostile
	return pod
}

// replace writes a text over every string "s", and returns how many there are.
func replace(v reflect.Value, text string) (n int) {
	switch v.Kind() {
	case reflect.String:
		if v.String() == "s" {
			v.SetString(text)
			n++
		}
	case reflect.Pointer:
		if !v.IsNil() {
			n = replace(v.Elem(), text)
		}
	case reflect.Slice:
		for i := range v.Len() {
			n += replace(v.Index(i), text)
		}
	case reflect.Map:
		if v.Len() > 0 {
			v.Set(reflect.ValueOf(map[string]string{text: text}))
			n++
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				n += replace(v.Field(i), text)
			}
		}
	}
	return n
}

// quoted is a text as JSON and YAML have it.
func quoted(text string) string {
	out, _ := json.Marshal(text)
	return string(spec.PrintableJSON(out))
}

// hostileFiles are files in a new directory that hold the pod as JSON and as
// YAML, and all that cannot be decided about one; and policies.
func hostileFiles(t *testing.T) (dir string, pods []string, policies string) {
	t.Helper()
	dir = t.TempDir()
	pod, err := json.Marshal(hostilePod(t))
	if err != nil {
		t.Fatal(err)
	}
	text, err := sigsyaml.JSONToYAML(spec.PrintableJSON(pod))
	if err != nil {
		t.Fatal(err)
	}
	text = spec.PrintableJSON(text) // the encoder escapes for YAML's sake, not for a terminal's
	h := quoted(hostile)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	head := "apiVersion: v1\nkind: Pod\nmetadata: {name: " + h + ", namespace: " + h + "}\n"
	undecided := strings.Join([]string{
		head + "spec: {hostPID: " + h + "}\n",
		head + "spec: {" + h + ": 1, " + h + ": 2}\n",
		head + "spec: {}\n",
		"apiVersion: " + quoted("extensions/"+hostile) + "\nkind: Pod\n",
		"apiVersion: v1\nkind: " + h + "\nmetadata: {name: " + h + "}\n",
		head + "spec: {containers: [{name: c, resources: {limits: {" + h + ": " + h + "}}}]}\n",
		"a: *unknown\n", "a: \"\x1b\"\n", "a: [\n",
		// The first of two aliases cannot be filled in.
		head + "spec:\n  containers: [{name: " + h + ", securityContext: &s {}}, {name: d, securityContext: *s}]\n",
	}, "---\n")
	odd := "web.yaml\n" + forged + "\x1b[2J\u202e\xff.yaml"
	if os.PathSeparator != '/' { // names of files have no control characters there
		odd = "web.yaml"
	}
	pods = []string{write("pod.json", string(pod)), write("pod.yaml", string(text)), write(odd, undecided), filepath.Join(dir, "none"+odd)}
	policies = write("policies/"+odd, strings.Join([]string{
		"name: " + h + "\npodSelectorLabels: {" + h + ": " + h + "}\nallow: {" + h + ": " + h + ", allowedCapabilities: [" + h + "], volumes: [" + h + "]}\n",
		"name: a\n? " + h + "\n: 1\nnamespace: " + h + "\nallow: {allowedHostPaths: [{pathPrefix: " + quoted("/"+hostile) + "}], runAsUser: " + h + "}\n",
		"name: b\npodSelectorLabels: {a: b}\nallow:\n  runAsUser:\n  rule: " + h + "\n",
	}, "---\n"))
	return dir, pods, policies
}

// TestNothingIsForged: whatever the strings of pods, policies and files hold, no
// command and no form prints a line that they begin, or a character that is not
// printable.
func TestNothingIsForged(t *testing.T) {
	dir, pods, policies := hostileFiles(t)
	// A baseline whose entry is about the pod, which does not have that violation.
	h, known := quoted(hostile), filepath.Join(dir, "known.yaml")
	entry := "- {kind: Pod, namespace: " + h + ", name: " + h + ", check: hostNamespaces, field: " + h + ", container: " + h + ", value: " + h + "}\n"
	if err := os.WriteFile(known, []byte("command: evaluate\naccepted:\n"+entry), 0o666); err != nil {
		t.Fatal(err)
	}
	var in []string
	for _, path := range pods {
		in = append(in, "-f", path)
	}
	commands := [][]string{
		append([]string{"mutate", "-i"}, "-f", copied(t, pods[1]), "-f", copied(t, pods[0])),
		{"lint", "--policies", policies},
		{"lint", "--policies", policies, "-o", "json"},
		{"lint", "--policies", policies, "-o", "sarif"},
		{"lint", "--policies", policies, "-o", "junit"},
		{"lint", "--policies", policies, "-o", "github"},
		{"lint", filepath.Join(dir, "none"+hostile)},
		{"evaluate", "-f", pods[0], "--baseline", known},
		{"evaluate", "-f", pods[0], "--baseline", filepath.Join(dir, "none"+hostile)},
		{"evaluate", "-f", pods[0], "--baseline", policies},
		{"evaluate", "-f", pods[0], "--write-baseline", filepath.Join(dir, "none", hostile)},
		{"evaluate", "-f", pods[0], "--fail-on", hostile},
		append([]string{"evaluate", "--policies", policies}, in...),
		{"evaluate", "-f", pods[0], "-o", hostile},
		{"evaluate", "-f", pods[0], "--level", hostile},
		{"evaluate", "-f", pods[0], "--version", hostile},
		{"evaluate", "-f", pods[0], "-n", hostile},
		{"evaluate", "--" + hostile},
		{"evaluate", "-f", filepath.Join(dir, "none"+hostile), "--policies", filepath.Join(dir, "nor"+hostile)},
		{hostile},
		{"controls", hostile},
	}
	// A policy whose grants excuse some of it, so that hostile values stand in the
	// lines about what is excused.
	granted := filepath.Join(dir, "granted.yaml")
	if err := os.WriteFile(granted, []byte(`podSelectorExpressions: [{key: nobody, operator: DoesNotExist}]
allow: {privileged: true, hostNetwork: true, seLinuxOptions: true, allowedCapabilities: ["*"], allowedUnsafeSysctls: ["*"], volumes: ["*"]}
`), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"evaluate", "admit", "mutate"} {
		forms := answerForms
		if command == "mutate" {
			forms = []string{"json", "patch", "yaml", "diff"}
		}
		for _, form := range forms {
			list := in
			if command == "mutate" && (form == "yaml" || form == "diff") {
				// These two print the text of the manifest itself: here one that has
				// escapes for all that is hostile.
				list = []string{"-f", pods[1]}
			}
			for _, level := range []string{"restricted", "baseline"} {
				flags := []string{command, "-o", form, "--level", level}
				commands = append(commands, append(flags, list...), append(append(flags, "--policies", granted), list...))
			}
		}
	}
	if len(commands) != 21+2*2*(7+7+4) {
		t.Errorf("%d command lines", len(commands))
	}
	excused, gone := 0, 0
	for _, args := range commands {
		var out, stderr bytes.Buffer
		run(args, strings.NewReader(""), &out, &stderr)
		if out.Len()+stderr.Len() == 0 {
			t.Errorf("%q prints nothing", args)
		}
		if strings.Contains(out.String(), "    excused by policy granted, allow.seLinuxOptions: spec.") {
			excused++
		}
		if strings.Contains(stderr.String(), "no longer breaks hostNamespaces at ") {
			gone++
		}
		for stream, text := range map[string]string{"standard output": out.String(), "standard error": stderr.String()} {
			if wrong := unprintable(text); wrong != "" {
				t.Errorf("%q: %s has %s", args, stream, wrong)
			}
		}
	}
	if excused != 2*2 || gone != 1 {
		t.Errorf("%d outputs say what is excused, and %d what is gone", excused, gone)
	}
}

// TestDiffHeadIsNotForged: a diff of a file whose name is hostile has one head,
// which git and patch can read.
func TestDiffHeadIsNotForged(t *testing.T) {
	var out bytes.Buffer
	u := newUnified(&out, "a\n"+forged+"\x1b\t\"\\\u202eé.yaml", look{})
	if err := errors.Join(u.chunk([]byte("a\n"), []byte("b\n")), u.end()); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(out.String(), "\n")
	if want := `--- "a/a\n` + forged + `\033\t\"\\\342\200\256\303\251.yaml"`; head != want {
		t.Errorf("the head is %s, want %s", head, want)
	}
	if wrong := unprintable(out.String()); wrong != "" {
		t.Error(wrong)
	}
}

// TestProgressIsNotForged: nor is the line of a long scan.
func TestProgressIsNotForged(t *testing.T) {
	var out bytes.Buffer
	now := time.Now()
	p := startProgress(&out, func() time.Time { now = now.Add(time.Minute); return now })
	p.tick(hostile, &tally{})
	if wrong := unprintable(strings.TrimPrefix(out.String(), "\r\x1b[K")); out.Len() == 0 || wrong != "" {
		t.Errorf("%q: %s", out.String(), wrong)
	}
}

// TestPolicyFixKeepsItsLines: the lines that an error shows are lines still.
func TestPolicyFixKeepsItsLines(t *testing.T) {
	_, err := policy.Parse([]byte("podSelectorLabels: {a: b}\nallow:\n  runAsUser:\n  rule: MustRunAs\n  ranges: [{min: 1, max: 2}]\n"), "a\nb.yaml")
	if err == nil {
		t.Fatal("no error")
	}
	want := "a\\nb.yaml:3: allow.runAsUser: rule and ranges stand beside runAsUser, not under it; indent them:\n" +
		"  runAsUser:\n    rule: MustRunAs\n    ranges: [{min: 1, max: 2}]"
	if got := err.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// copied is a copy of a file in a directory of its own.
func copied(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "x\n"+filepath.Base(path))
	if os.PathSeparator != '/' {
		to = filepath.Join(t.TempDir(), filepath.Base(path))
	}
	if err := os.WriteFile(to, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return to
}

// unprintable says what is wrong with an output, empty for nothing.
func unprintable(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(line), forged) {
			return "a forged line"
		}
		for _, r := range line {
			if !unicode.IsPrint(r) {
				return fmt.Sprintf("%U in %q", r, line)
			}
		}
	}
	return ""
}
