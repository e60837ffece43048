package evaluate_test

import (
	"fmt"
	"go/version"
	"runtime"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/benchpod"
	"github.com/podfence/podfence/policy"
)

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

// BenchmarkEvaluate asks for the verdict alone. "loop" is what it costs to look
// at the fields of the pod and no more, the least that an evaluation can take.
// What Pod Security Admission takes for this and for BenchmarkMessage is measured
// in internal/speed.
func BenchmarkEvaluate(b *testing.B) {
	for _, p := range benchpod.All() {
		b.Run(p.Name+"/by=podfence", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				evaluate.Evaluate(p.Pod, restricted, policy.Set{}).Allowed()
			}
		})
		b.Run(p.Name+"/by=loop", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				touch(&p.Pod.Spec)
			}
		})
	}
}

// touch reads what restricted asks of a compliant pod, by hand.
func touch(pod *corev1.PodSpec) bool {
	ok := !pod.HostNetwork && !pod.HostPID && !pod.HostIPC
	for i := range pod.Volumes {
		ok = ok && pod.Volumes[i].HostPath == nil
	}
	for _, list := range [...][]corev1.Container{pod.InitContainers, pod.Containers} {
		for i := range list {
			c := &list[i]
			sc := c.SecurityContext
			if sc == nil {
				return false
			}
			ok = ok && sc.AllowPrivilegeEscalation != nil && !*sc.AllowPrivilegeEscalation &&
				(sc.Privileged == nil || !*sc.Privileged) &&
				sc.RunAsNonRoot != nil && *sc.RunAsNonRoot &&
				(sc.RunAsUser == nil || *sc.RunAsUser != 0) &&
				sc.Capabilities != nil && len(sc.Capabilities.Add) == 0 && len(sc.Capabilities.Drop) == 1 && sc.Capabilities.Drop[0] == "ALL" &&
				sc.SeccompProfile != nil && sc.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault &&
				sc.ProcMount == nil && sc.SELinuxOptions == nil && sc.AppArmorProfile == nil && sc.WindowsOptions == nil
			for j := range c.Ports {
				ok = ok && c.Ports[j].HostPort == 0
			}
		}
	}
	return ok
}

// BenchmarkMessage asks for the verdict and its text.
func BenchmarkMessage(b *testing.B) {
	for _, p := range benchpod.All() {
		b.Run(p.Name+"/by=podfence", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = evaluate.Evaluate(p.Pod, restricted, policy.Set{}).Message()
			}
		})
	}
}

// BenchmarkSet: how the number of policies tells of which one governs the pod.
func BenchmarkSet(b *testing.B) {
	for _, p := range benchpod.All()[:2] {
		for _, n := range []int{1, 10, 1000} {
			set := policies(b, n)
			b.Run(fmt.Sprintf("%s/policies=%d", p.Name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					evaluate.Evaluate(p.Pod, restricted, set).Allowed()
				}
			})
		}
	}
}

// policies is a set of n policies, each for the pods of one application, of
// which one governs the pods of benchpod.
func policies(tb testing.TB, n int) policy.Set {
	tb.Helper()
	var text strings.Builder
	for i := range n {
		name := fmt.Sprintf("app-%d", i)
		if i == n/2 {
			name = "web"
		}
		fmt.Fprintf(&text, "---\nname: %s\npodSelectorLabels: {app.kubernetes.io/name: %s}\nallow: {allowedCapabilities: [NET_ADMIN]}\n", name, name)
	}
	list, err := policy.Parse([]byte(text.String()), "policies.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	set, err := policy.NewSet(list...)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// BenchmarkContainers: the cost per container, which should not grow with their number.
func BenchmarkContainers(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		for _, p := range []benchpod.Named{{Name: "compliant", Pod: benchpod.Containers(n)}, {Name: "bare", Pod: benchpod.Bare(n)}} {
			b.Run(fmt.Sprintf("%s/containers=%d", p.Name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_ = evaluate.Evaluate(p.Pod, restricted, policy.Set{}).Message()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/container")
			})
		}
	}
}

// BenchmarkHostPaths: as many hostPath volumes as mounts of them, under a
// policy that wants each mount to be read-only.
func BenchmarkHostPaths(b *testing.B) {
	p := &policy.Policy{Allow: policy.Allow{AllowedHostPaths: []policy.HostPath{{PathPrefix: "/var/log", ReadOnly: true}}}}
	for _, n := range []int{10, 100, 1000} {
		pod := benchpod.HostPaths(n)
		b.Run(fmt.Sprintf("volumes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				evaluate.Spec(&pod.ObjectMeta, &pod.Spec, restricted, p).Allowed()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/volume")
		})
	}
}

// BenchmarkParallel: the evaluations share nothing that could be fought over.
// Run it with -cpu 1,2.
func BenchmarkParallel(b *testing.B) {
	pod, set := benchpod.P3(), policies(b, 10)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			evaluate.Evaluate(pod, restricted, set).Allowed()
		}
	})
}

// TestAllocationsOfTheBenchmarks: what the verdict and the message of the four
// pods allocate. Figures that fall are to be written here.
func TestAllocationsOfTheBenchmarks(t *testing.T) {
	lists := 14.0
	if version.Compare(runtime.Version(), "go1.25") < 0 {
		lists = 17 // the compiler of Go 1.24 keeps fewer short lists on the stack
	}
	for _, row := range []struct {
		pod, why         string
		verdict, message float64
	}{
		{"P1", "nothing stands against it", 0, 0},
		{"P2", "the violations; the message and what writes it", 1, 3},
		{"P3", "nothing stands against it", 0, 0},
		{"P4", "beside that, values that are no booleans, and lists that are sorted", 8, lists},
	} {
		pod := podNamed(t, row.pod)
		if n := testing.AllocsPerRun(100, func() { evaluate.Evaluate(pod, restricted, policy.Set{}).Allowed() }); n != row.verdict {
			t.Errorf("%s: %v allocations for the verdict, want %v: %s", row.pod, n, row.verdict, row.why)
		}
		if n := testing.AllocsPerRun(100, func() { _ = evaluate.Evaluate(pod, restricted, policy.Set{}).Message() }); n != row.message {
			t.Errorf("%s: %v allocations for the message, want %v: %s", row.pod, n, row.message, row.why)
		}
	}
}

func podNamed(tb testing.TB, name string) *corev1.Pod {
	tb.Helper()
	for _, p := range benchpod.All() {
		if p.Name == name {
			return p.Pod
		}
	}
	tb.Fatalf("there is no pod %s", name)
	return nil
}
