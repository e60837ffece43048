package embedder

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

var update = flag.Bool("update", false, "write testdata/answers.txt")

// readPolicies reads the policies of examples/.
func readPolicies(t *testing.T) policy.Set {
	t.Helper()
	var list []policy.Policy
	for _, file := range files(t, "../../examples/policies/*.yaml", 8) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		policies, err := policy.Parse(text, file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, policies...)
	}
	set, err := policy.NewSet(list...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func files(t *testing.T, pattern string, want int) []string {
	t.Helper()
	list, err := filepath.Glob(pattern)
	if err != nil || len(list) != want {
		t.Fatalf("%s: %d files, want %d (%v)", pattern, len(list), want, err)
	}
	return list
}

// TestAnswers: verdict, governing policy, message and patch are the same with
// every version of Kubernetes: those of testdata/answers.txt, for each manifest of
// examples/, with its policies and without, at levels and versions old and new.
func TestAnswers(t *testing.T) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme).UniversalDeserializer()
	var got strings.Builder
	for _, file := range files(t, "../../examples/manifests/*.yaml", 6) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			for _, version := range []api.Version{api.MajorMinorVersion(1, 22), api.MajorMinorVersion(1, 30), api.LatestVersion()} {
				for _, set := range []policy.Set{{}, readPolicies(t)} {
					lv := api.LevelVersion{Level: level, Version: version}
					_, d, err := podfence.AdmitObject(object, lv, set)
					if err != nil {
						t.Fatal(err)
					}
					fmt.Fprintf(&got, "%s at %s under %d policies: allowed %v, policy %q (%s)\n%s\n%s\n",
						filepath.Base(file), lv, set.Len(), d.Allowed(), d.Result.PolicyName(), d.Reason, d.Result.Message(), d.Report.Patch())
				}
			}
		}
	}
	if *update {
		if err := os.WriteFile("testdata/answers.txt", []byte(got.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/answers.txt")
	if err != nil {
		t.Fatal(err)
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")
	if len(was) != 6*2*3*2*3+1 || len(is) != len(was) {
		t.Fatalf("%d lines of answers, and %d are written down, want %d", len(is), len(was), 6*2*3*2*3+1)
	}
	for i := range is {
		if is[i] != was[i] {
			t.Errorf("line %d:\n got %s\nwant %s", i+1, is[i], was[i])
		}
	}
}
