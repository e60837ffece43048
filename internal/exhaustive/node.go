package exhaustive

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// nodeGroups are the controls that no fill serves: Mutate leaves them as they
// are, and their grants excuse what each names, and nothing beside it.
func nodeGroups() []Group {
	seLinux := choose(corev1.SELinuxOptions{}, corev1.SELinuxOptions{Type: "container_t"},
		corev1.SELinuxOptions{Type: "spc_t", User: "u"}, corev1.SELinuxOptions{Role: "r"})
	return []Group{
		{
			Name:   "host namespaces",
			Checks: choose(spec.CheckHostNamespaces),
			Fields: choose(
				onSpec(func(s *corev1.PodSpec, v bool) { s.HostNetwork = v }, true),
				onSpec(func(s *corev1.PodSpec, v bool) { s.HostPID = v }, true),
				onSpec(func(s *corev1.PodSpec, v bool) { s.HostIPC = v }, true),
			),
			Policies: grantsOf(
				policy.Allow{HostNetworkPorts: true}, policy.Allow{HostNetwork: true},
				policy.Allow{HostNamespace: true}, policy.Allow{HostPID: true}, policy.Allow{HostIPC: true},
			),
		},
		{
			Name:   "host ports",
			Checks: choose(spec.CheckHostPorts),
			Fields: choose(onContainer(onPort, 0, 79, 80, 90, 91), onContainer(onPort, 80, 65535)),
			Policies: grantsOf(
				policy.Allow{HostNetworkPorts: true}, policy.Allow{HostNetwork: true},
				ports(policy.PortRange{Min: 80, Max: 80}),
				ports(policy.PortRange{Min: 65535, Max: 65535}, policy.PortRange{Min: 80, Max: 90}),
			),
		},
		{
			Name:   "host paths",
			Checks: choose(spec.CheckHostPathVolumes, spec.CheckRestrictedVolumes),
			Fields: choose(
				onSpec(onVolume, "hostPath:/", "hostPath:/a", "hostPath:/a/", "hostPath:/a/b", "hostPath:/ab",
					"hostPath:/a/../b", "hostPath:/a//b", "hostPath:a", "hostPath:", "emptyDir hostPath:/a"),
				slices.Concat(onContainer(onMount, bools...), onContainer(onDevice, "v", "another")[1:]),
				// The container beside it has the mounts of the subject, as another kind.
				slices.Concat(choose[podgen.Choice](podgen.Alone), podgen.Beside(podgen.Bare)[:1], podgen.Twins()[2:]),
			),
			Policies: grantsOf(
				paths(writable("/")), paths(readOnly("/")), paths(writable("/a")), paths(readOnly("/a")),
				paths(readOnly("/a"), writable("/a/b")),
				policy.Allow{Volumes: choose("*")},
				policy.Allow{Volumes: choose[string](), AllowedHostPaths: choose(writable("/a"))},
			),
		},
		{
			Name:   "what a host path demands",
			Checks: choose(spec.CheckHostPathVolumes, spec.CheckRestrictedVolumes),
			Fields: choose(
				onSpec(onVolume, "hostPath:/a", "hostPath:/a?Directory", "hostPath:/a?Socket", "hostPath:/a?other"),
				slices.Concat(onContainer(onMount, bools...), onContainer(onDeepMount, "Enabled", "IfPossible")[1:]),
				slices.Concat(choose[podgen.Choice](podgen.Alone), podgen.Twins()[2:]),
			),
			Policies: grantsOf(
				paths(readOnly("/a")), paths(deep("/a")), paths(typed("/a", "Directory")), paths(typed("/a", "Unset", "Socket")),
				paths(deep("/"), typed("/a", "Directory")),
			),
		},
		{
			Name:   "host paths of Windows",
			Checks: choose(spec.CheckHostPathVolumes, spec.CheckRestrictedVolumes),
			Fields: choose(
				onSpec(onVolume, "hostPath:/a", `hostPath:C:\a`, "hostPath:c:/A/b", `hostPath:\a\`, `hostPath:C:\ab`, `hostPath:D:\a`,
					`hostPath:C:\a\..\b`, `hostPath:/a\..\b`, `hostPath:C:a`, `hostPath:C:\a.`, `hostPath:\\a\b`),
				onContainer(onMount, bools...),
			),
			Policies: grantsOf(
				paths(writable("/")), paths(writable(`C:\`)), paths(writable("/a")), paths(writable(`C:\a`)), paths(readOnly(`c:\A`)),
				paths(readOnly(`C:\a`), writable("/a")),
			),
		},
		{
			Name:   "volume types",
			Checks: choose(spec.CheckRestrictedVolumes),
			Fields: choose(
				onSpec(onVolume, "", "emptyDir", "csi", "nfs", "nfs emptyDir", "nfs csi", "nfs hostPath:/a"),
				onSpec(onVolume, "emptyDir", "nfs"),
			),
			Policies: grantsOf(
				policy.Allow{Volumes: choose[string]()}, policy.Allow{Volumes: choose("*")},
				policy.Allow{Volumes: choose("nfs")}, policy.Allow{Volumes: choose("csi", "emptyDir")},
				policy.Allow{Volumes: choose("nfs", "emptyDir"), AllowedHostPaths: choose(readOnly("/a"))},
			),
		},
		{
			Name:   "sysctls",
			Checks: choose(spec.CheckSysctls),
			Fields: choose(
				podgen.OnPod(onSysctl, "", "kernel.shm_rmid_forced", "net.ipv4.tcp_rmem",
					"kernel.msgmax", "kernel.msgmax2", "net.core.somaxconn"),
				podgen.OnPod(onSysctl, "kernel.msgmax"),
			),
			Policies: grantsOf(
				policy.Allow{AllowedUnsafeSysctls: choose("*")},
				policy.Allow{AllowedUnsafeSysctls: choose("kernel.msgmax")},
				policy.Allow{AllowedUnsafeSysctls: choose("net.core.*", "kernel.msg*")},
			),
		},
		{
			Name:   "AppArmor",
			Checks: choose(spec.CheckAppArmorProfile),
			Fields: choose(
				podgen.OnPod(onPodAppArmor, "RuntimeDefault", "Unconfined", ""),
				podgen.OnSubject(onAppArmor, "Localhost", "Unconfined", "Other"),
				podgen.Annotated(spec.AppArmorAnnotation+"subject", "runtime/default", "unconfined", "other"),
				podgen.Annotated(spec.AppArmorAnnotation+"absent", "unconfined"),
			),
			Policies: grantsOf(policy.Allow{AppArmorProfiles: choose("Unconfined")}),
		},
		{
			Name:     "SELinux",
			Checks:   choose(spec.CheckSELinuxOptions),
			Fields:   choose(podgen.OnPod(onPodSELinux, seLinux...), podgen.OnSubject(onSELinux, seLinux...)),
			Policies: grantsOf(policy.Allow{SELinuxOptions: true}),
		},
		{
			Name:     "proc mount",
			Checks:   choose(spec.CheckProcMount, spec.CheckProcMountRestricted),
			Fields:   choose(podgen.OnSubject(onProcMount, "Default", "Unmasked", "", "Other")),
			Policies: grantsOf(policy.Allow{ProcMounts: choose("Unmasked")}),
		},
		{
			Name:     "host process",
			Checks:   choose(spec.CheckWindowsHostProcess),
			Fields:   choose(podgen.OnPod(onPodHostProcess, bools...), podgen.OnSubject(onHostProcess, bools...)),
			Policies: grantsOf(policy.Allow{WindowsHostProcess: true}),
		},
		{
			Name:   "probe hosts",
			Checks: choose(spec.CheckHostProbesAndHostLifecycle),
			Fields: choose(
				onContainer(onProbe, "", "127.0.0.1", "127.0.0.11"), onContainer(onHook, "127.0.0.1", "node"),
			),
			Policies: grantsOf(
				policy.Allow{AllowedProbeHosts: choose("127.0.0.1")},
				policy.Allow{AllowedProbeHosts: choose("node", "127.0.0.1")},
			),
		},
		{
			Name: "readOnlyRootFilesystem",
			Fields: choose(
				podgen.OnSubject(onReadOnlyRoot, bools...),
				slices.Concat(choose[podgen.Choice](podgen.Alone), podgen.Beside(podgen.Bare)),
			),
			Policies: grantsOf(policy.Allow{ReadOnlyRootFilesystem: true}),
		},
	}
}

func ports(ranges ...policy.PortRange) policy.Allow { return policy.Allow{AllowedHostPorts: ranges} }
func paths(entries ...policy.HostPath) policy.Allow { return policy.Allow{AllowedHostPaths: entries} }

func writable(prefix string) policy.HostPath { return policy.HostPath{PathPrefix: prefix} }
func readOnly(prefix string) policy.HostPath {
	return policy.HostPath{PathPrefix: prefix, ReadOnly: true}
}

func deep(prefix string) policy.HostPath {
	return policy.HostPath{PathPrefix: prefix, ReadOnly: true, RecursiveReadOnly: true}
}
func typed(prefix string, types ...string) policy.HostPath {
	return policy.HostPath{PathPrefix: prefix, Types: types}
}

// grantsOf are policies that differ in what they allow, the first in nothing.
func grantsOf(allow ...policy.Allow) []policy.Policy {
	policies := make([]policy.Policy, 1, 1+len(allow))
	for _, a := range allow {
		policies = append(policies, policy.Policy{Allow: a})
	}
	return policies
}
