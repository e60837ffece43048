package conformance_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// oracle is Pod Security Admission's own evaluator.
var oracle = func() psa.Evaluator {
	e, err := psa.NewEvaluator(psa.DefaultChecks(), nil)
	if err != nil {
		panic(err)
	}
	return e
}()

// versions are v1.0 to the newest known one, and latest: 39 spellings of 38.
func versions() []api.Version {
	var list []api.Version
	newest := spec.Newest()
	for minor := 0; minor <= newest.Minor(); minor++ {
		list = append(list, api.MajorMinorVersion(1, minor))
	}
	return append(list, api.LatestVersion())
}

var levels = []api.Level{api.LevelBaseline, api.LevelRestricted}

// fixtureDir is where Pod Security Admission keeps its fixtures, in the module
// cache.
func fixtureDir(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/pod-security-admission").Output()
	if err != nil {
		t.Fatalf("cannot find k8s.io/pod-security-admission: %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "test", "testdata")
}

// fixtures returns the distinct pods among the fixture files, and the number of files.
func fixtures(t testing.TB) (pods map[string]*corev1.Pod, files int) {
	t.Helper()
	pods = map[string]*corev1.Pod{}
	seen := map[string]bool{}
	err := filepath.WalkDir(fixtureDir(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// Files repeat one pod under several names.
		pod := &corev1.Pod{}
		if err := yaml.UnmarshalStrict(data, pod); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		pod.Name = ""
		key, err := yaml.Marshal(pod)
		if err != nil || seen[string(key)] {
			return err
		}
		seen[string(bytes.Clone(key))] = true
		pods[path] = pod
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pods, files
}

// TestConformance: without exceptions verdict and text are Pod Security
// Admission's, byte for byte, for every distinct pod of its fixtures at every
// level and version.
func TestConformance(t *testing.T) {
	pods, files := fixtures(t)
	comparisons := 0
	for path, pod := range pods {
		for _, level := range levels {
			for _, version := range versions() {
				comparisons++
				compare(t, path, pod, api.LevelVersion{Level: level, Version: version})
			}
		}
	}
	t.Logf("%d files, %d distinct pods, %d comparisons", files, len(pods), comparisons)
	if files != 4537 || len(pods) != 363 || comparisons != 363*2*39 {
		t.Errorf("got %d files, %d distinct pods, %d comparisons; want 4537, 363, %d: has the corpus changed?", files, len(pods), comparisons, 363*2*39)
	}
}

// TestConformanceOnEphemeralContainers: the fixtures have none, so each of their
// containers is tried as one too.
func TestConformanceOnEphemeralContainers(t *testing.T) {
	pods, _ := fixtures(t)
	comparisons := 0
	for path, pod := range pods {
		pod := withEphemeral(pod)
		for _, level := range levels {
			for _, version := range versions() {
				comparisons++
				compare(t, path, pod, api.LevelVersion{Level: level, Version: version})
			}
		}
	}
	if comparisons != 363*2*39 {
		t.Errorf("%d comparisons, want %d", comparisons, 363*2*39)
	}
}

// TestConformanceOnEmptyPods: nor do the fixtures have structs with nothing in them.
func TestConformanceOnEmptyPods(t *testing.T) {
	for name, pod := range map[string]*corev1.Pod{
		"zero":             {},
		"no container":     {Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}}},
		"empty containers": {Spec: corev1.PodSpec{InitContainers: make([]corev1.Container, 1), Containers: make([]corev1.Container, 1), EphemeralContainers: make([]corev1.EphemeralContainer, 1)}},
		"empty contexts":   {Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}, Containers: []corev1.Container{{SecurityContext: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{}}}}}},
		"empty nested structs": {Spec: corev1.PodSpec{OS: &corev1.PodOS{}, Containers: []corev1.Container{{
			Lifecycle: &corev1.Lifecycle{}, LivenessProbe: &corev1.Probe{},
			SecurityContext: &corev1.SecurityContext{WindowsOptions: &corev1.WindowsSecurityContextOptions{}, SELinuxOptions: &corev1.SELinuxOptions{}},
		}}}},
	} {
		for _, level := range levels {
			for _, version := range versions() {
				compare(t, name, pod, api.LevelVersion{Level: level, Version: version})
			}
		}
	}
}

// withEphemeral moves every container but the first to the ephemeral ones, and
// adds the first there again.
func withEphemeral(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		e := corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(c)}
		pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers, e)
	}
	pod.Spec.InitContainers = nil
	return pod
}

func compare(t *testing.T, name string, pod *corev1.Pod, lv api.LevelVersion) {
	t.Helper()
	want := psa.AggregateCheckResults(oracle.EvaluatePod(lv, &pod.ObjectMeta, &pod.Spec))
	got := evaluate.Evaluate(pod, lv, policy.Set{})
	if got.Allowed() != want.Allowed || got.Message() != want.ForbiddenDetail() {
		t.Errorf("%s at %s:\n got %v %q\nwant %v %q", name, lv, got.Allowed(), got.Message(), want.Allowed, want.ForbiddenDetail())
	}
}
