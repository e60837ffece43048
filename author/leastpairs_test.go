package author

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/podfence/podfence"
)

func ptr[T any](v T) *T { return &v }

// asking is one thing that a pod asks for, and the grant that it needs.
type asking struct {
	grant string
	ask   func(pod *corev1.PodSpec, c *corev1.Container, sc *corev1.SecurityContext)
}

// askings has one for each grant that a policy has and that opens least.
var askings = []asking{
	{"allow.allowPrivilegeEscalation: true", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		sc.AllowPrivilegeEscalation = ptr(true)
	}},
	{"allow.privileged: true", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) { sc.Privileged = ptr(true) }},
	{"allow.allowedCapabilities: [NET_ADMIN]", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		addCapability(sc, "NET_ADMIN")
	}},
	{"allow.allowedCapabilities: [SYS_ADMIN]", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		addCapability(sc, "CAP_SYS_ADMIN")
	}},
	{"allow.allowedUnsafeSysctls: [kernel.msgmax]", func(pod *corev1.PodSpec, _ *corev1.Container, _ *corev1.SecurityContext) {
		pod.SecurityContext.Sysctls = append(pod.SecurityContext.Sysctls, corev1.Sysctl{Name: "kernel.msgmax", Value: "1"})
	}},
	{"allow.hostNetwork: true", func(pod *corev1.PodSpec, _ *corev1.Container, _ *corev1.SecurityContext) { pod.HostNetwork = true }},
	{"allow.hostPID: true", func(pod *corev1.PodSpec, _ *corev1.Container, _ *corev1.SecurityContext) { pod.HostPID = true }},
	{"allow.hostIPC: true", func(pod *corev1.PodSpec, _ *corev1.Container, _ *corev1.SecurityContext) { pod.HostIPC = true }},
	{"allow.allowedHostPaths: [{pathPrefix: /v, readOnly: true}]", func(pod *corev1.PodSpec, _ *corev1.Container, _ *corev1.SecurityContext) {
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "v", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/v"}}})
	}},
	{"allow.allowedHostPaths: [{pathPrefix: /w}]", func(pod *corev1.PodSpec, c *corev1.Container, _ *corev1.SecurityContext) {
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "w", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/w"}}})
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "w", MountPath: "/w"})
	}},
	{"allow.runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		sc.RunAsUser = ptr(int64(0))
	}},
	{"allow.volumes: [nfs]", func(pod *corev1.PodSpec, _ *corev1.Container, _ *corev1.SecurityContext) {
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "n", VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "s", Path: "/"}}})
	}},
	{"allow.seccompProfiles: [Unconfined]", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	}},
	{"allow.appArmorProfiles: [Unconfined]", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		sc.AppArmorProfile = &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined}
	}},
	{"allow.procMounts: [Unmasked]", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		sc.ProcMount = ptr(corev1.UnmaskedProcMount)
	}},
	{"allow.seLinuxOptions: true", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		sc.SELinuxOptions = &corev1.SELinuxOptions{User: "u"}
	}},
	{"allow.windowsHostProcess: true", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		sc.WindowsOptions = &corev1.WindowsSecurityContextOptions{HostProcess: ptr(true)}
	}},
	{`allow.allowedProbeHosts: ["127.0.0.1"]`, func(_ *corev1.PodSpec, c *corev1.Container, _ *corev1.SecurityContext) {
		c.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "127.0.0.1", Port: intstr.FromInt32(1)}}}
	}},
	{"allow.allowedHostPorts: [{min: 80, max: 80}]", func(_ *corev1.PodSpec, c *corev1.Container, _ *corev1.SecurityContext) {
		c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: 80, HostPort: 80})
	}},
	{"mutations.dropAllCapabilities: false", func(_ *corev1.PodSpec, _ *corev1.Container, sc *corev1.SecurityContext) {
		if sc.Capabilities == nil {
			sc.Capabilities = &corev1.Capabilities{}
		}
		sc.Capabilities.Drop = []corev1.Capability{"KILL"}
	}},
}

func addCapability(sc *corev1.SecurityContext, name corev1.Capability) {
	if sc.Capabilities == nil {
		sc.Capabilities = &corev1.Capabilities{}
	}
	sc.Capabilities.Add = append(sc.Capabilities.Add, name)
}

// implied are grants that another one implies: a pod that needs both needs that alone.
var implied = map[string][]string{
	"allow.privileged: true":                 {"allow.allowPrivilegeEscalation: true", "mutations.dropAllCapabilities: false"},
	"allow.allowedCapabilities: [SYS_ADMIN]": {"allow.allowPrivilegeEscalation: true"},
}

// TestEachGrantAndEachPair: a pod that asks for one thing, or for two, is granted that,
// and nothing else but what another one implies.
func TestEachGrantAndEachPair(t *testing.T) {
	tried := 0
	for i := range askings {
		for j := i; j < len(askings); j++ {
			tried++
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"app": "a"}}}
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
			c := corev1.Container{Name: "a", SecurityContext: &corev1.SecurityContext{}}
			want := []string{askings[i].grant}
			askings[i].ask(&pod.Spec, &c, c.SecurityContext)
			if i != j {
				askings[j].ask(&pod.Spec, &c, c.SecurityContext)
				want = append(want, askings[j].grant)
			}
			want = slices.DeleteFunc(want, func(grant string) bool {
				return slices.Contains(implied[askings[i].grant], grant) || slices.Contains(implied[askings[j].grant], grant)
			})
			pod.Spec.Containers = []corev1.Container{c}
			w := Workload{Kind: "Pod", Name: "a", Workload: podfence.Workload{Pod: pod}}
			s := least(t, []Workload{w}, restricted, Options{})
			var got []string
			for k := range s.Policies {
				for _, g := range s.Policies[k].Grants {
					got = append(got, g.Text)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" || len(s.Unmet) > 0 || !s.Proof.Holds() || len(s.Proof.Steps) < len(want) {
				t.Errorf("%s (-want +got):\n%s%v", fmt.Sprint(askings[i].grant, " and ", askings[j].grant), diff, s.Unmet)
			}
		}
	}
	if tried != 210 {
		t.Errorf("%d pods were tried, want 210", tried)
	}
}
