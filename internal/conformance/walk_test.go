package conformance_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/spec"
)

// plain is the security context of most containers that restricted allows: all
// that it demands is on the container, and nothing else.
func plain() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr(false),
		RunAsNonRoot:             ptr(true),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// departures are steps away from the plain security context, one field each, to
// values that the standards allow and to others.
func departures() []func(*corev1.SecurityContext) {
	type sc = corev1.SecurityContext
	capabilities := func(c *corev1.Capabilities) func(*sc) { return func(sc *sc) { sc.Capabilities = c } }
	seccomp := func(p *corev1.SeccompProfile) func(*sc) { return func(sc *sc) { sc.SeccompProfile = p } }
	list := []func(*sc){
		func(*sc) {},
		capabilities(nil),
		capabilities(&corev1.Capabilities{}),
		capabilities(&corev1.Capabilities{Drop: []corev1.Capability{"all"}}),
		capabilities(&corev1.Capabilities{Drop: []corev1.Capability{"KILL", "ALL"}}),
		capabilities(&corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{"NET_BIND_SERVICE"}}),
		capabilities(&corev1.Capabilities{Drop: []corev1.Capability{"ALL"}, Add: []corev1.Capability{"SYS_ADMIN"}}),
		seccomp(nil),
		seccomp(&corev1.SeccompProfile{}),
		seccomp(&corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: ptr("p.json")}),
		seccomp(&corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}),
		func(sc *sc) {
			sc.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeRuntimeDefault}
		},
		func(sc *sc) { sc.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined} },
		func(sc *sc) { sc.ProcMount = ptr(corev1.DefaultProcMount) },
		func(sc *sc) { sc.ProcMount = ptr(corev1.UnmaskedProcMount) },
		func(sc *sc) { sc.SELinuxOptions = &corev1.SELinuxOptions{Type: "container_t"} },
		func(sc *sc) { sc.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"} },
		func(sc *sc) { sc.SELinuxOptions = &corev1.SELinuxOptions{User: "root"} },
		func(sc *sc) { sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: ptr(false)} },
		func(sc *sc) { sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: ptr(true)} },
	}
	for _, id := range []*int64{ptr[int64](0), ptr[int64](400)} {
		list = append(list, func(sc *sc) { sc.RunAsUser = id })
	}
	for _, b := range []*bool{nil, ptr(false), ptr(true)} {
		list = append(list,
			func(sc *sc) { sc.AllowPrivilegeEscalation = b },
			func(sc *sc) { sc.RunAsNonRoot = b },
			func(sc *sc) { sc.Privileged = b })
	}
	return list
}

// podContexts are what containers may inherit from, and what a pod may say on
// its own account.
func podContexts() []*corev1.PodSecurityContext {
	type sc = corev1.PodSecurityContext
	seccomp := func(t corev1.SeccompProfileType) *corev1.SeccompProfile { return &corev1.SeccompProfile{Type: t} }
	return []*sc{
		nil,
		{RunAsNonRoot: ptr(true), SeccompProfile: seccomp(corev1.SeccompProfileTypeRuntimeDefault)},
		{RunAsNonRoot: ptr(true), SeccompProfile: seccomp(corev1.SeccompProfileTypeUnconfined)},
		{RunAsNonRoot: ptr(false), SeccompProfile: seccomp(corev1.SeccompProfileTypeRuntimeDefault)},
		{RunAsUser: ptr[int64](0)},
	}
}

// TestPlainPodsHideNothing: a container, or a pod, that sets what restricted
// demands is passed without a second look only if it sets nothing else that
// matters. Every departure, and every two of them, under every security context
// of the pod, are answered as upstream does.
func TestPlainPodsHideNothing(t *testing.T) {
	versions := podgen.BoundaryVersions(spec.Controls()...)
	steps := departures()
	cases := 0
	for i := range steps {
		for j := range steps[:i+1] {
			for k, context := range podContexts() {
				for _, windows := range []bool{false, true} {
					sc := plain()
					steps[i](sc)
					steps[j](sc)
					pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.PodSpec{
						SecurityContext: context,
						Containers:      []corev1.Container{{Name: "plain", SecurityContext: plain()}, {Name: "subject", SecurityContext: sc}},
					}}
					if windows {
						pod.Spec.OS = &corev1.PodOS{Name: corev1.Windows}
					}
					for _, level := range levels {
						for _, version := range versions {
							cases++
							compare(t, fmt.Sprintf("departures %d and %d, context %d, windows %v", i, j, k, windows), pod, api.LevelVersion{Level: level, Version: version})
						}
					}
				}
			}
		}
	}
	// Pairs of 31 departures, five contexts, two systems, two levels, 24 versions.
	if want := 31 * 32 / 2 * 5 * 2 * 2 * 24; cases != want {
		t.Errorf("%d cases, want %d", cases, want)
	}
}
