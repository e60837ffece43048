package native_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/controls"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// standardCases is the number of cases of package controls.
const standardCases = 3_105_216

// TestStandard: without policies, for every value of every control, kind of container,
// OS and boundary version, the expressions judge the pod as the library does, which
// internal/conformance holds to Pod Security Admission, word for word.
func TestStandard(t *testing.T) {
	var lvs []api.LevelVersion
	for _, version := range podgen.BoundaryVersions(spec.Controls()...) {
		for _, level := range []api.Level{api.LevelBaseline, api.LevelRestricted} {
			lvs = append(lvs, api.LevelVersion{Level: level, Version: version})
		}
	}
	d := &domain{server: newTestServer(t, policy.Set{}, native.Options{})}
	total := 0
	for _, row := range controls.Rows() {
		total += row.Pods * len(lvs)
		t.Run(row.Name, func(t *testing.T) {
			at, tried := 0, 0
			for pod := range row.All() {
				var asked *asked
				for _, lv := range lvs {
					if at++; at%*every != 0 {
						continue
					}
					tried++
					if asked == nil {
						asked = d.ask(t, creation(nil, named(pod)))
					}
					d.judges(t, asked, lv)
				}
				if t.Failed() {
					return
				}
			}
			t.Logf("%d of %d cases", tried, at)
			if want := row.Pods * len(lvs); at != want || tried != want / *every {
				t.Errorf("%d of %d cases, want %d of %d", tried, at, want / *every, want)
			}
		})
	}
	if t.Logf("%d cases", total); total != standardCases {
		t.Errorf("%d cases, want %d", total, standardCases)
	}
}

// named is a pod of a domain as the API server sees it, in a namespace.
func named(pod *corev1.Pod) *corev1.Pod {
	pod.Name, pod.Namespace = "pod", "default"
	return apiserver.Admitted(pod)
}
