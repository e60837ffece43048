package review

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/podfence/podfence/internal/podwalk"
)

// What is read of a pod: the fields that checks, grants, rules, fills, advice and
// the selection of policies look at, what names things in their answers, and what
// Pod Security Admission goes by to judge a pod or not: images and runtime classes.
// TestEveryFieldThatMattersIsRead holds the list to what Admit looks at.

var podObject = object(members[corev1.Pod]{
	"apiVersion": field(func(p *corev1.Pod) *string { return &p.APIVersion }, text[string]),
	"kind":       field(func(p *corev1.Pod) *string { return &p.Kind }, text[string]),
	"metadata":   field(func(p *corev1.Pod) *metav1.ObjectMeta { return &p.ObjectMeta }, metadata),
	"spec":       field(func(p *corev1.Pod) *corev1.PodSpec { return &p.Spec }, podSpec),
	"status":     field(func(p *corev1.Pod) *corev1.PodStatus { return &p.Status }, podStatus),
})

var metadata = object(members[metav1.ObjectMeta]{
	"name":        field(func(m *metav1.ObjectMeta) *string { return &m.Name }, text[string]),
	"namespace":   field(func(m *metav1.ObjectMeta) *string { return &m.Namespace }, text[string]),
	"uid":         field(func(m *metav1.ObjectMeta) *types.UID { return &m.UID }, text[types.UID]),
	"labels":      field(func(m *metav1.ObjectMeta) *map[string]string { return &m.Labels }, texts),
	"annotations": field(func(m *metav1.ObjectMeta) *map[string]string { return &m.Annotations }, texts),
})

var podSpec = object(members[corev1.PodSpec]{
	"affinity":                     field(func(s *corev1.PodSpec) **corev1.Affinity { return &s.Affinity }, pointer(func(m *slabs) *slab[corev1.Affinity] { return &m.affinities }, affinity)),
	"automountServiceAccountToken": field(func(s *corev1.PodSpec) **bool { return &s.AutomountServiceAccountToken }, optionalBool),
	"containers":                   field(func(s *corev1.PodSpec) *[]corev1.Container { return &s.Containers }, containers),
	"ephemeralContainers":          field(func(s *corev1.PodSpec) *[]corev1.EphemeralContainer { return &s.EphemeralContainers }, ephemeralContainers),
	"hostIPC":                      field(func(s *corev1.PodSpec) *bool { return &s.HostIPC }, boolean),
	"hostNetwork":                  field(func(s *corev1.PodSpec) *bool { return &s.HostNetwork }, boolean),
	"hostPID":                      field(func(s *corev1.PodSpec) *bool { return &s.HostPID }, boolean),
	"hostUsers":                    field(func(s *corev1.PodSpec) **bool { return &s.HostUsers }, optionalBool),
	"initContainers":               field(func(s *corev1.PodSpec) *[]corev1.Container { return &s.InitContainers }, containers),
	"nodeSelector":                 field(func(s *corev1.PodSpec) *map[string]string { return &s.NodeSelector }, texts),
	"os":                           field(func(s *corev1.PodSpec) **corev1.PodOS { return &s.OS }, pointer(func(m *slabs) *slab[corev1.PodOS] { return &m.systems }, system)),
	"runtimeClassName":             field(func(s *corev1.PodSpec) **string { return &s.RuntimeClassName }, optionalString),
	"securityContext":              field(func(s *corev1.PodSpec) **corev1.PodSecurityContext { return &s.SecurityContext }, pointer(func(m *slabs) *slab[corev1.PodSecurityContext] { return &m.podContexts }, podContext)),
	"volumes":                      field(func(s *corev1.PodSpec) *[]corev1.Volume { return &s.Volumes }, list(func(m *slabs) *slab[corev1.Volume] { return &m.volumes }, volume)),
})

var system = object(members[corev1.PodOS]{
	"name": field(func(o *corev1.PodOS) *corev1.OSName { return &o.Name }, text[corev1.OSName]),
})

var podContext = object(members[corev1.PodSecurityContext]{
	"appArmorProfile": field(func(c *corev1.PodSecurityContext) **corev1.AppArmorProfile { return &c.AppArmorProfile }, appArmorProfile),
	"fsGroup":         field(func(c *corev1.PodSecurityContext) **int64 { return &c.FSGroup }, optionalID),
	"fsGroupChangePolicy": field(func(c *corev1.PodSecurityContext) **corev1.PodFSGroupChangePolicy {
		return &c.FSGroupChangePolicy
	}, pointer(func(m *slabs) *slab[corev1.PodFSGroupChangePolicy] { return &m.changePolicies }, text[corev1.PodFSGroupChangePolicy])),
	"runAsGroup":         field(func(c *corev1.PodSecurityContext) **int64 { return &c.RunAsGroup }, optionalID),
	"runAsNonRoot":       field(func(c *corev1.PodSecurityContext) **bool { return &c.RunAsNonRoot }, optionalBool),
	"runAsUser":          field(func(c *corev1.PodSecurityContext) **int64 { return &c.RunAsUser }, optionalID),
	"seLinuxOptions":     field(func(c *corev1.PodSecurityContext) **corev1.SELinuxOptions { return &c.SELinuxOptions }, seLinuxOptions),
	"seccompProfile":     field(func(c *corev1.PodSecurityContext) **corev1.SeccompProfile { return &c.SeccompProfile }, seccompProfile),
	"supplementalGroups": field(func(c *corev1.PodSecurityContext) *[]int64 { return &c.SupplementalGroups }, list(func(m *slabs) *slab[int64] { return &m.ids }, integer[int64](64))),
	"supplementalGroupsPolicy": field(func(c *corev1.PodSecurityContext) **corev1.SupplementalGroupsPolicy {
		return &c.SupplementalGroupsPolicy
	}, pointer(func(m *slabs) *slab[corev1.SupplementalGroupsPolicy] { return &m.groupPolicies }, text[corev1.SupplementalGroupsPolicy])),
	"sysctls":        field(func(c *corev1.PodSecurityContext) *[]corev1.Sysctl { return &c.Sysctls }, list(func(m *slabs) *slab[corev1.Sysctl] { return &m.sysctls }, sysctl)),
	"windowsOptions": field(func(c *corev1.PodSecurityContext) **corev1.WindowsSecurityContextOptions { return &c.WindowsOptions }, windowsOptions),
})

var sysctl = object(members[corev1.Sysctl]{
	"name":  field(func(s *corev1.Sysctl) *string { return &s.Name }, text[string]),
	"value": field(func(s *corev1.Sysctl) *string { return &s.Value }, text[string]),
})

var containers = list(func(m *slabs) *slab[corev1.Container] { return &m.containers }, object(containerMembers))

// ephemeralContainers: what an ephemeral container has of a container is defined
// like one.
var ephemeralContainers = list(
	func(m *slabs) *slab[corev1.EphemeralContainer] { return &m.ephemeral },
	object(within(containerMembers, podwalk.Ephemeral)),
)

var containerMembers = members[corev1.Container]{
	"image":           field(func(c *corev1.Container) *string { return &c.Image }, text[string]),
	"lifecycle":       field(func(c *corev1.Container) **corev1.Lifecycle { return &c.Lifecycle }, pointer(func(m *slabs) *slab[corev1.Lifecycle] { return &m.lifecycles }, lifecycle)),
	"livenessProbe":   field(func(c *corev1.Container) **corev1.Probe { return &c.LivenessProbe }, probe),
	"name":            field(func(c *corev1.Container) *string { return &c.Name }, text[string]),
	"ports":           field(func(c *corev1.Container) *[]corev1.ContainerPort { return &c.Ports }, list(func(m *slabs) *slab[corev1.ContainerPort] { return &m.ports }, port)),
	"readinessProbe":  field(func(c *corev1.Container) **corev1.Probe { return &c.ReadinessProbe }, probe),
	"restartPolicy":   field(func(c *corev1.Container) **corev1.ContainerRestartPolicy { return &c.RestartPolicy }, pointer(func(m *slabs) *slab[corev1.ContainerRestartPolicy] { return &m.restarts }, text[corev1.ContainerRestartPolicy])),
	"securityContext": field(func(c *corev1.Container) **corev1.SecurityContext { return &c.SecurityContext }, pointer(func(m *slabs) *slab[corev1.SecurityContext] { return &m.contexts }, containerContext)),
	"startupProbe":    field(func(c *corev1.Container) **corev1.Probe { return &c.StartupProbe }, probe),
	"volumeDevices":   field(func(c *corev1.Container) *[]corev1.VolumeDevice { return &c.VolumeDevices }, list(func(m *slabs) *slab[corev1.VolumeDevice] { return &m.devices }, device)),
	"volumeMounts":    field(func(c *corev1.Container) *[]corev1.VolumeMount { return &c.VolumeMounts }, list(func(m *slabs) *slab[corev1.VolumeMount] { return &m.mounts }, mount)),
}

var port = object(members[corev1.ContainerPort]{
	"containerPort": field(func(p *corev1.ContainerPort) *int32 { return &p.ContainerPort }, integer[int32](32)),
	"hostPort":      field(func(p *corev1.ContainerPort) *int32 { return &p.HostPort }, integer[int32](32)),
})

var mount = object(members[corev1.VolumeMount]{
	"mountPath":         field(func(m *corev1.VolumeMount) *string { return &m.MountPath }, text[string]),
	"name":              field(func(m *corev1.VolumeMount) *string { return &m.Name }, text[string]),
	"recursiveReadOnly": field(func(m *corev1.VolumeMount) **corev1.RecursiveReadOnlyMode { return &m.RecursiveReadOnly }, pointer(func(m *slabs) *slab[corev1.RecursiveReadOnlyMode] { return &m.recursive }, text[corev1.RecursiveReadOnlyMode])),
	"readOnly":          field(func(m *corev1.VolumeMount) *bool { return &m.ReadOnly }, boolean),
})

var device = object(members[corev1.VolumeDevice]{
	"name": field(func(d *corev1.VolumeDevice) *string { return &d.Name }, text[string]),
})

var probe = pointer(func(m *slabs) *slab[corev1.Probe] { return &m.probes }, object(members[corev1.Probe]{
	"httpGet":   field(func(p *corev1.Probe) **corev1.HTTPGetAction { return &p.HTTPGet }, httpGet),
	"tcpSocket": field(func(p *corev1.Probe) **corev1.TCPSocketAction { return &p.TCPSocket }, tcpSocket),
}))

var lifecycle = object(members[corev1.Lifecycle]{
	"postStart": field(func(l *corev1.Lifecycle) **corev1.LifecycleHandler { return &l.PostStart }, handler),
	"preStop":   field(func(l *corev1.Lifecycle) **corev1.LifecycleHandler { return &l.PreStop }, handler),
})

var handler = pointer(func(m *slabs) *slab[corev1.LifecycleHandler] { return &m.handlers }, object(members[corev1.LifecycleHandler]{
	"httpGet":   field(func(h *corev1.LifecycleHandler) **corev1.HTTPGetAction { return &h.HTTPGet }, httpGet),
	"tcpSocket": field(func(h *corev1.LifecycleHandler) **corev1.TCPSocketAction { return &h.TCPSocket }, tcpSocket),
}))

var httpGet = pointer(func(m *slabs) *slab[corev1.HTTPGetAction] { return &m.httpGets }, object(members[corev1.HTTPGetAction]{
	"host": field(func(a *corev1.HTTPGetAction) *string { return &a.Host }, text[string]),
}))

var tcpSocket = pointer(func(m *slabs) *slab[corev1.TCPSocketAction] { return &m.tcpSockets }, object(members[corev1.TCPSocketAction]{
	"host": field(func(a *corev1.TCPSocketAction) *string { return &a.Host }, text[string]),
}))

var containerContext = object(members[corev1.SecurityContext]{
	"allowPrivilegeEscalation": field(func(c *corev1.SecurityContext) **bool { return &c.AllowPrivilegeEscalation }, optionalBool),
	"appArmorProfile":          field(func(c *corev1.SecurityContext) **corev1.AppArmorProfile { return &c.AppArmorProfile }, appArmorProfile),
	"capabilities":             field(func(c *corev1.SecurityContext) **corev1.Capabilities { return &c.Capabilities }, pointer(func(m *slabs) *slab[corev1.Capabilities] { return &m.capabilities }, capabilities)),
	"privileged":               field(func(c *corev1.SecurityContext) **bool { return &c.Privileged }, optionalBool),
	"procMount":                field(func(c *corev1.SecurityContext) **corev1.ProcMountType { return &c.ProcMount }, pointer(func(m *slabs) *slab[corev1.ProcMountType] { return &m.procMounts }, text[corev1.ProcMountType])),
	"readOnlyRootFilesystem":   field(func(c *corev1.SecurityContext) **bool { return &c.ReadOnlyRootFilesystem }, optionalBool),
	"runAsGroup":               field(func(c *corev1.SecurityContext) **int64 { return &c.RunAsGroup }, optionalID),
	"runAsNonRoot":             field(func(c *corev1.SecurityContext) **bool { return &c.RunAsNonRoot }, optionalBool),
	"runAsUser":                field(func(c *corev1.SecurityContext) **int64 { return &c.RunAsUser }, optionalID),
	"seLinuxOptions":           field(func(c *corev1.SecurityContext) **corev1.SELinuxOptions { return &c.SELinuxOptions }, seLinuxOptions),
	"seccompProfile":           field(func(c *corev1.SecurityContext) **corev1.SeccompProfile { return &c.SeccompProfile }, seccompProfile),
	"windowsOptions":           field(func(c *corev1.SecurityContext) **corev1.WindowsSecurityContextOptions { return &c.WindowsOptions }, windowsOptions),
})

var (
	optionalBool   = pointer(func(m *slabs) *slab[bool] { return &m.bools }, boolean)
	optionalID     = pointer(func(m *slabs) *slab[int64] { return &m.ids }, integer[int64](64))
	optionalString = pointer(func(m *slabs) *slab[string] { return &m.strings }, text[string])
)

var capabilities = object(members[corev1.Capabilities]{
	"add":  field(func(c *corev1.Capabilities) *[]corev1.Capability { return &c.Add }, capabilityNames),
	"drop": field(func(c *corev1.Capabilities) *[]corev1.Capability { return &c.Drop }, capabilityNames),
})

var capabilityNames = list(func(m *slabs) *slab[corev1.Capability] { return &m.capabilityNames }, text[corev1.Capability])

var appArmorProfile = pointer(func(m *slabs) *slab[corev1.AppArmorProfile] { return &m.appArmor }, object(members[corev1.AppArmorProfile]{
	"localhostProfile": field(func(p *corev1.AppArmorProfile) **string { return &p.LocalhostProfile }, optionalString),
	"type":             field(func(p *corev1.AppArmorProfile) *corev1.AppArmorProfileType { return &p.Type }, text[corev1.AppArmorProfileType]),
}))

var seccompProfile = pointer(func(m *slabs) *slab[corev1.SeccompProfile] { return &m.seccomp }, object(members[corev1.SeccompProfile]{
	"type": field(func(p *corev1.SeccompProfile) *corev1.SeccompProfileType { return &p.Type }, text[corev1.SeccompProfileType]),
}))

var seLinuxOptions = pointer(func(m *slabs) *slab[corev1.SELinuxOptions] { return &m.seLinux }, object(members[corev1.SELinuxOptions]{
	"role": field(func(o *corev1.SELinuxOptions) *string { return &o.Role }, text[string]),
	"type": field(func(o *corev1.SELinuxOptions) *string { return &o.Type }, text[string]),
	"user": field(func(o *corev1.SELinuxOptions) *string { return &o.User }, text[string]),
}))

var windowsOptions = pointer(func(m *slabs) *slab[corev1.WindowsSecurityContextOptions] { return &m.windows }, object(members[corev1.WindowsSecurityContextOptions]{
	"hostProcess":   field(func(o *corev1.WindowsSecurityContextOptions) **bool { return &o.HostProcess }, optionalBool),
	"runAsUserName": field(func(o *corev1.WindowsSecurityContextOptions) **string { return &o.RunAsUserName }, optionalString),
}))
