package policy

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Policy is one custom Pod Security Policy: which pods it governs, what it
// allows them beyond a level, what it demands of them, and what is filled in
// where their author left a field unset.
//
// The zero Policy is the default policy: plain restricted. It selects no pod,
// grants nothing and demands nothing beyond the level.
//
// +kubebuilder:object:generate=true
type Policy struct {
	// Name tells policies apart, orders them and stands in every answer that a
	// policy shaped: a DNS-1123 subdomain. Required in a file with several
	// policies; Parse takes it from the file's name otherwise.
	// +optional
	Name string `json:"name,omitempty"`

	// Namespace limits the policy to the pods of one namespace. Empty: every
	// namespace. Labels are set by whoever writes the pod, so a policy that
	// grants much should name a namespace.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Namespaces limits the policy to the pods of several namespaces, each of which
	// it governs as if it stood there alone. Either Namespace or Namespaces is
	// given. Unset (nil): every namespace. An empty list is refused.
	// +optional
	Namespaces []string `json:"namespaces,omitzero"`

	// NamespaceSelector limits the policy to the pods of namespaces with certain
	// labels, and of those to the named ones if Namespace or Namespaces is given
	// too. It asks for something: without a label or an expression it is refused.
	// Where the labels of a namespace are not known, it selects nothing, except by
	// kubernetes.io/metadata.name, which is the name of the namespace.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// PodSelectorLabels must all be on the pod, with these values.
	// Labels or expressions must be given; both together are ANDed.
	// +optional
	PodSelectorLabels map[string]string `json:"podSelectorLabels,omitempty"`

	// PodSelectorExpressions must all hold for the pod's labels.
	// +optional
	PodSelectorExpressions []metav1.LabelSelectorRequirement `json:"podSelectorExpressions,omitempty"`

	// Allow holds what the policy grants and the rules that it sets.
	// +optional
	Allow Allow `json:"allow,omitzero"`

	// Mutations holds what is filled in where the pod's author set nothing.
	// +optional
	Mutations Mutations `json:"mutations,omitzero"`

	// Containers are grants and fills for single containers, at most 64. A container
	// is granted what the policy grants and what every entry grants that matches it;
	// the order of entries does not matter.
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Containers []ContainerEntry `json:"containers,omitempty"`

	// Source is where the policy was read from. It is no part of the format:
	// neither JSON nor YAML holds it, and nothing is decided by it. Policies of
	// two files that say the same differ in it alone; in tests,
	// cmpopts.IgnoreTypes(policy.Source{}) leaves it out.
	Source Source `json:"-"`
}

// Allow is the allow block of a policy: grants, each of which excuses a
// violation of the Pod Security Standards, and rules, which may also demand
// more than the level does. Whatever is left at its default demands nothing
// beyond the level, Volumes at restricted excepted.
//
// +kubebuilder:object:generate=true
type Allow struct {
	// AllowPrivilegeEscalation excuses containers whose
	// allowPrivilegeEscalation is true or unset; nothing is filled in then.
	// +optional
	AllowPrivilegeEscalation bool `json:"allowPrivilegeEscalation,omitempty"`

	// Privileged excuses privileged containers, and with them what privilege
	// implies: escalation and undropped capabilities.
	// +optional
	Privileged bool `json:"privileged,omitempty"`

	// AllowedCapabilities may be added by containers. "*" is every capability.
	// Case and a CAP_ prefix do not matter, here and on the pod.
	// +optional
	AllowedCapabilities []string `json:"allowedCapabilities,omitempty"`

	// AllowedUnsafeSysctls may be set on the pod: exact names, or prefixes
	// that end in "*". The kubelet may still refuse them.
	// +optional
	AllowedUnsafeSysctls []string `json:"allowedUnsafeSysctls,omitempty"`

	// HostNetworkPorts allows both the host's network and host ports.
	// +optional
	HostNetworkPorts bool `json:"hostNetworkPorts,omitempty"`

	// HostNamespace allows both the host's PID and its IPC namespace.
	// +optional
	HostNamespace bool `json:"hostNamespace,omitempty"`

	// AllowedHostPaths may be mounted as hostPath volumes. Empty allows none,
	// whatever Volumes says.
	// +optional
	AllowedHostPaths []HostPath `json:"allowedHostPaths,omitempty"`

	// RunAsUser rules over the user IDs of containers. Default:
	// MustRunAsNonRoot, which demands what the level demands.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	RunAsUser UserRule `json:"runAsUser,omitzero"`

	// RunAsGroup rules over the primary group ID of containers. Default: RunAsAny.
	// +optional
	RunAsGroup GroupRule `json:"runAsGroup,omitzero"`

	// FSGroup rules over the group that owns the pod's volumes. Default: RunAsAny.
	// +optional
	FSGroup GroupRule `json:"fsGroup,omitzero"`

	// SupplementalGroups rules over every supplemental group, and over the groups
	// that the image adds. Default: RunAsAny.
	// +optional
	SupplementalGroups SupplementalGroupsRule `json:"supplementalGroups,omitzero"`

	// Volumes are the volume types that the pod may use, by the names of the
	// fields of a volume; "*" is every type that this build knows. hostPath goes by AllowedHostPaths
	// alone. Unset (nil): the default types (DefaultVolumes) at restricted, no
	// demand at baseline.
	// An empty list admits no volume at all.
	// +optional
	Volumes []string `json:"volumes,omitzero"`

	// SeccompProfiles are further seccomp profile types: Unconfined. An unset
	// profile is not a value and is not excused by it.
	// +optional
	SeccompProfiles []string `json:"seccompProfiles,omitempty"`

	// AppArmorProfiles are further AppArmor profile types: Unconfined.
	// +optional
	AppArmorProfiles []string `json:"appArmorProfiles,omitempty"`

	// ProcMounts are further /proc mount types: Unmasked.
	// +optional
	ProcMounts []string `json:"procMounts,omitempty"`

	// SELinuxOptions allows any SELinux type, user and role.
	// +optional
	SELinuxOptions bool `json:"seLinuxOptions,omitempty"`

	// WindowsHostProcess allows Windows host process containers.
	// +optional
	WindowsHostProcess bool `json:"windowsHostProcess,omitempty"`

	// AllowedProbeHosts may be named by probes and lifecycle hooks.
	// +optional
	AllowedProbeHosts []string `json:"allowedProbeHosts,omitempty"`

	// AllowedHostPorts are ranges of host ports, 1 to 65535, ends included.
	// +optional
	AllowedHostPorts []PortRange `json:"allowedHostPorts,omitempty"`

	// HostNetwork allows the host's network, without host ports.
	// +optional
	HostNetwork bool `json:"hostNetwork,omitempty"`

	// HostPID allows the host's PID namespace.
	// +optional
	HostPID bool `json:"hostPID,omitempty"`

	// HostIPC allows the host's IPC namespace.
	// +optional
	HostIPC bool `json:"hostIPC,omitempty"`

	// ReadOnlyRootFilesystem is a rule, not a grant: it demands a read-only
	// root filesystem of every container.
	// +optional
	ReadOnlyRootFilesystem bool `json:"readOnlyRootFilesystem,omitempty"`

	// UserNamespace is a rule, not a grant: Required demands hostUsers: false of the
	// pod, and fills it in where the API lets it. In a user namespace the standard
	// leaves pods free to run as root, since v1.35. Default: no demand.
	// +optional
	UserNamespace UserNamespaceRule `json:"userNamespace,omitempty"`
}

// Mutations is the mutations block of a policy: what Mutate fills in, only
// where the effective value is unset.
//
// +kubebuilder:object:generate=true
type Mutations struct {
	// DropAllCapabilities fills drop: [ALL]. Default true. When false, a
	// container that does not drop ALL is excused.
	// +optional
	DropAllCapabilities *bool `json:"dropAllCapabilities,omitempty"`

	// SetDefaultSeccompProfile fills RuntimeDefault. Default true. When false,
	// a container without a seccomp profile is excused.
	// +optional
	SetDefaultSeccompProfile *bool `json:"setDefaultSeccompProfile,omitempty"`

	// RunAsUser is the user ID to fill, 0 to 2147483647. Default: none, or
	// under MustRunAs the first range's minimum.
	// +optional
	RunAsUser *int64 `json:"runAsUser,omitempty"`

	// RunAsGroup is the group ID to fill, 0 to 2147483647, or none. Default 1; where
	// the rule refuses 1, the first range's minimum under MustRunAs and
	// nothing under MayRunAs.
	// +optional
	RunAsGroup *GroupFill `json:"runAsGroup,omitempty"`

	// FSGroup is the volumes' group to fill, or none, with RunAsGroup's range and default.
	// +optional
	FSGroup *GroupFill `json:"fsGroup,omitempty"`

	// FSGroupChangePolicy is filled where an fsGroup is in force, the author's or the
	// one that is filled: OnRootMismatch, with which the kubelet leaves a volume alone
	// whose root has that group and its permissions already. Default: not filled.
	// +kubebuilder:validation:Enum=OnRootMismatch
	// +optional
	FSGroupChangePolicy corev1.PodFSGroupChangePolicy `json:"fsGroupChangePolicy,omitempty"`

	// SupplementalGroups are the groups to fill. Default [1]. An empty list
	// fills none.
	// +optional
	SupplementalGroups []int64 `json:"supplementalGroups,omitzero"`
}

// ContainerEntry speaks of the containers that it matches, and of no others. Names,
// images and kinds that are given must all match; one of them must be given.
//
// What it grants comes on top of what the policy grants. A rule of it lets be what it
// admits and demands nothing: of its rule and the policy's own, a container has to
// meet one. A value that containers inherit from their pod is excused where every
// container that inherits it is granted it.
//
// +kubebuilder:object:generate=true
type ContainerEntry struct {
	// Names are names of containers: exact, or a prefix that ends in "*". Whoever
	// writes the pod writes its names, so an entry should name images too.
	// +optional
	Names []string `json:"names,omitempty"`

	// Images are references, read as container runtimes read them: nginx is
	// docker.io/library/nginx:latest. "*" may stand at the end. Behind the colon of a
	// tag it is every image of the repository; a reference with a digest matches no
	// other tag, for the digest alone says what is run.
	// +optional
	Images []string `json:"images,omitempty"`

	// Kinds are kinds of containers: init, sidecar, regular and ephemeral.
	// +optional
	Kinds []ContainerKind `json:"kinds,omitempty"`

	// Allow holds what the entry grants, and what it admits where the policy's own
	// rules demand something else.
	// +optional
	Allow ContainerAllow `json:"allow,omitzero"`

	// Mutations holds what is filled into these containers in place of what the policy
	// fills in. Of several entries that fill in an ID, the lowest ID counts.
	// +optional
	Mutations ContainerMutations `json:"mutations,omitzero"`
}

// ContainerKind is a kind of container, as an entry of a policy names it.
// +kubebuilder:validation:Enum=init;sidecar;regular;ephemeral
type ContainerKind string

// The kinds of containers.
const (
	// KindInit is an init container that ends before the next one starts.
	KindInit ContainerKind = "init"
	// KindSidecar is an init container with restartPolicy: Always (KEP-753), which
	// runs as long as its pod does.
	KindSidecar ContainerKind = "sidecar"
	// KindRegular is one of the pod's containers.
	KindRegular ContainerKind = "regular"
	// KindEphemeral is a container that was added to a running pod, as kubectl debug does.
	KindEphemeral ContainerKind = "ephemeral"
)

// ContainerKinds returns all kinds of containers that an entry may name.
func ContainerKinds() []ContainerKind {
	return []ContainerKind{KindInit, KindSidecar, KindRegular, KindEphemeral}
}

// ContainerAllow is the allow block of an entry for single containers: the keys of
// [Allow] that speak of containers.
//
// +kubebuilder:object:generate=true
type ContainerAllow struct {
	// AllowPrivilegeEscalation excuses containers whose
	// allowPrivilegeEscalation is true or unset; nothing is filled in then.
	// +optional
	AllowPrivilegeEscalation bool `json:"allowPrivilegeEscalation,omitempty"`

	// Privileged excuses privileged containers, and with them what privilege
	// implies: escalation and undropped capabilities.
	// +optional
	Privileged bool `json:"privileged,omitempty"`

	// AllowedCapabilities may be added by the containers. "*" is every capability.
	// Case and a CAP_ prefix do not matter, here and on the pod.
	// +optional
	AllowedCapabilities []string `json:"allowedCapabilities,omitempty"`

	// RunAsUser is another rule over the containers' user IDs, beside the policy's.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	RunAsUser UserRule `json:"runAsUser,omitzero"`

	// RunAsGroup is another rule over the containers' primary group IDs, beside the
	// policy's.
	// +optional
	RunAsGroup GroupRule `json:"runAsGroup,omitzero"`

	// SeccompProfiles are further seccomp profile types: Unconfined. An unset
	// profile is not a value and is not excused by it.
	// +optional
	SeccompProfiles []string `json:"seccompProfiles,omitempty"`

	// AppArmorProfiles are further AppArmor profile types: Unconfined.
	// +optional
	AppArmorProfiles []string `json:"appArmorProfiles,omitempty"`

	// ProcMounts are further /proc mount types: Unmasked.
	// +optional
	ProcMounts []string `json:"procMounts,omitempty"`

	// SELinuxOptions allows any SELinux type, user and role.
	// +optional
	SELinuxOptions bool `json:"seLinuxOptions,omitempty"`

	// WindowsHostProcess allows Windows host process containers. The API wants all
	// containers of a pod to be such, or none.
	// +optional
	WindowsHostProcess bool `json:"windowsHostProcess,omitempty"`

	// AllowedProbeHosts may be named by probes and lifecycle hooks.
	// +optional
	AllowedProbeHosts []string `json:"allowedProbeHosts,omitempty"`

	// AllowedHostPorts are ranges of host ports, 1 to 65535, ends included.
	// +optional
	AllowedHostPorts []PortRange `json:"allowedHostPorts,omitempty"`
}

// ContainerMutations is the mutations block of an entry for single containers: the
// keys of [Mutations] that speak of containers. What is unset is the policy's.
//
// +kubebuilder:object:generate=true
type ContainerMutations struct {
	// DropAllCapabilities fills drop: [ALL]. When false, a container that does not
	// drop ALL is excused; false counts before true.
	// +optional
	DropAllCapabilities *bool `json:"dropAllCapabilities,omitempty"`

	// SetDefaultSeccompProfile fills RuntimeDefault. When false, a container without
	// a seccomp profile is excused; false counts before true.
	// +optional
	SetDefaultSeccompProfile *bool `json:"setDefaultSeccompProfile,omitempty"`

	// RunAsUser is the user ID to fill, 0 to 2147483647. Default: the policy's; where
	// the entry has a rule, what that rule would fill.
	// +optional
	RunAsUser *int64 `json:"runAsUser,omitempty"`

	// RunAsGroup is the group ID to fill, 0 to 2147483647, or none. Default: the policy's.
	// none counts before any ID.
	// +optional
	RunAsGroup *GroupFill `json:"runAsGroup,omitempty"`
}

// Rule says how the values of an ID are ruled over.
type Rule string

const (
	// MustRunAs demands a value within the ranges.
	MustRunAs Rule = "MustRunAs"
	// MayRunAs demands that a value, if set, lies within the ranges. Groups only.
	MayRunAs Rule = "MayRunAs"
	// MustRunAsNonRoot demands what restricted demands. Users only.
	MustRunAsNonRoot Rule = "MustRunAsNonRoot"
	// RunAsAny demands nothing; for users it excuses running as root.
	RunAsAny Rule = "RunAsAny"
)

// UserRule is the rule over user IDs. In a file it is one word,
// MustRunAsNonRoot or RunAsAny, or an object with a rule and its ranges.
//
// The schema that controller-gen writes for it admits anything, and a value that
// cannot be decoded breaks every list that holds it: docs/policy.openapi.yaml has one
// that refuses such values, and docs/crd.md says how to use it.
//
// +kubebuilder:object:generate=true
type UserRule struct {
	// Rule is MustRunAsNonRoot (the default, also when empty), MustRunAs or RunAsAny.
	Rule Rule `json:"rule,omitempty"`
	// Ranges are given with MustRunAs, and only with it.
	Ranges []IDRange `json:"ranges,omitempty"`
}

// GroupRule is the rule over group IDs.
//
// +kubebuilder:object:generate=true
type GroupRule struct {
	// Rule is RunAsAny (the default, also when empty), MustRunAs or MayRunAs.
	// +kubebuilder:validation:Enum=MustRunAs;MayRunAs;RunAsAny
	// +optional
	Rule Rule `json:"rule,omitempty"`
	// Ranges are given with MustRunAs and MayRunAs, and only with them.
	// +optional
	Ranges []IDRange `json:"ranges,omitempty"`
}

// SupplementalGroupsRule is the rule over supplemental group IDs.
//
// +kubebuilder:object:generate=true
type SupplementalGroupsRule struct {
	GroupRule `json:",inline"`
	// Policy is Strict or unset. Strict demands supplementalGroupsPolicy: Strict
	// of the pod, and fills it in, with which its processes have the groups of the
	// manifest alone. Without it the container runtime merges in those that the
	// image's /etc/group has for the user, and no rule holds for them. It needs
	// nodes that support it, Kubernetes v1.33 and later: others refuse the pod.
	// +kubebuilder:validation:Enum=Strict
	// +optional
	Policy corev1.SupplementalGroupsPolicy `json:"policy,omitempty"`
}

// IsStrict reports whether the rule demands supplementalGroupsPolicy: Strict.
func (r *SupplementalGroupsRule) IsStrict() bool {
	return r.Policy == corev1.SupplementalGroupsPolicyStrict
}

// UserNamespaceRule says whether pods must have a user namespace of their own, in
// which root is not root on the node.
//
// +kubebuilder:validation:Enum=Required
type UserNamespaceRule string

// UserNamespaceRequired demands hostUsers: false. API servers keep the field by
// default since v1.33, and always since v1.36.
const UserNamespaceRequired UserNamespaceRule = "Required"

// RequiresUserNamespace reports whether the policy demands hostUsers: false.
func (a *Allow) RequiresUserNamespace() bool { return a.UserNamespace == UserNamespaceRequired }

// IDRange is a range of user or group IDs, both ends included.
//
// +kubebuilder:object:generate=true
type IDRange struct {
	// Min is the lowest ID, 0 to 2147483647.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Min int64 `json:"min"`
	// Max is the highest ID, Min to 2147483647.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Max int64 `json:"max"`
}

// PortRange is a range of ports, both ends included.
//
// +kubebuilder:object:generate=true
type PortRange struct {
	// Min is the lowest port, 1 to 65535.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Min int32 `json:"min"`
	// Max is the highest port, Min to 65535.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Max int32 `json:"max"`
}

// HostPath is a subtree of the node's filesystem.
//
// +kubebuilder:object:generate=true
type HostPath struct {
	// PathPrefix is a clean absolute path. It covers itself and what lies
	// below it, by whole segments: /foo covers /foo/bar and not /foobar. With a
	// drive letter, as in C:\var\lib, it covers paths of pods that name Windows
	// as their OS, and of no other pods; without one, of all others.
	PathPrefix string `json:"pathPrefix"`
	// ReadOnly demands that every mount of such a volume is read-only. What is
	// mounted below it on the node may be written to all the same.
	// +optional
	ReadOnly bool `json:"readOnly,omitempty"`
	// RecursiveReadOnly demands that every mount says recursiveReadOnly: Enabled,
	// with which nothing below it may be written to either. IfPossible does not do:
	// a node that cannot do it leaves what it mounts writable. Only with ReadOnly.
	// +optional
	RecursiveReadOnly bool `json:"recursiveReadOnly,omitempty"`
	// Types are the types of hostPath that are let be, by the names of the API:
	// DirectoryOrCreate, Directory, FileOrCreate, File, Socket, CharDevice and
	// BlockDevice, and Unset for a volume that names none, of which nothing is
	// checked. Unset (nil): every type. An empty list is refused.
	// +optional
	Types []string `json:"types,omitzero"`
}
