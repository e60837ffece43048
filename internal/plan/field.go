package plan

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// FieldID is a row of [Fields].
type FieldID uint8

// The fields that are filled in, in the order in which they are.
const (
	HostUsers FieldID = iota
	PodFSGroup
	PodFSGroupChangePolicy
	PodSupplementalGroups
	PodSupplementalGroupsPolicy
	Escalation
	CapabilitiesDrop
	Privileged
	ReadOnlyRoot
	RunAsGroup
	RunAsNonRoot
	RunAsUser
	SeccompType

	FieldEnd
)

// Field is what is known of a field that is filled in, whatever the pod.
type Field struct {
	Path spec.Field
	// Check is the check that the value serves, at its strictest level; zero
	// where it serves a rule or a default of the policy.
	Check spec.CheckID
	// Key is what the policy says about the value: a rule, a value of its own,
	// or what turns the filling off. Zero where it has no say.
	Key policy.Key
	// Word is the value where every fill has the same.
	Word string
	// Leaves are the reasons for which the field may be left unset.
	Leaves []Why
	// Value and Unless say in words what is filled in, and when it is not.
	Value, Unless string
}

// Why says why a field was left unset.
type Why uint8

// The reasons, which package mutate names and explains.
const (
	PolicyLeaves Why = iota
	Windows
	Mirror
	PrivilegedContainer
	AddsSysAdmin
	RootUser
	Administrator
	NonRoot
	UserNamespace
	Annotation
	Inherited
	HostNamespaces
	VolumeDevices
	NoFSGroup
)

// free is the reason to leave nothing unset.
const free Why = 1<<8 - 1

var fields = [FieldEnd]Field{
	HostUsers: {
		Path: spec.FieldHostUsers, Key: policy.KeyUserNamespace,
		Leaves: []Why{Windows, Mirror, HostNamespaces, VolumeDevices},
		Value:  "false, where allow.userNamespace demands it",
		Unless: "the pod uses a namespace or the network of the host, a container has volumeDevices (the API refuses either beside it), or the pod runs on Windows",
	},
	PodFSGroup: {
		Path: spec.FieldPodFSGroup, Key: policy.KeyFillFSGroup,
		Leaves: []Why{PolicyLeaves, Windows, Mirror},
		Value:  "mutations.fsGroup, by default 1",
		Unless: "it is none, allow.fsGroup refuses the default, or the pod runs on Windows",
	},
	PodFSGroupChangePolicy: {
		Path: spec.FieldPodFSGroupChangePolicy, Key: policy.KeyFillFSGroupChangePolicy,
		Word:   string(corev1.FSGroupChangeOnRootMismatch),
		Leaves: []Why{Windows, Mirror, NoFSGroup},
		Value:  "OnRootMismatch, where mutations.fsGroupChangePolicy says so",
		Unless: "neither the pod nor the policy has an fsGroup, or the pod runs on Windows",
	},
	PodSupplementalGroups: {
		Path: spec.FieldSupplementalGroups, Key: policy.KeyFillSupplementalGroups,
		Leaves: []Why{PolicyLeaves, Windows, Mirror},
		Value:  "mutations.supplementalGroups, by default [1]",
		Unless: "allow.supplementalGroups refuses the default, or the pod runs on Windows",
	},
	PodSupplementalGroupsPolicy: {
		Path: spec.FieldSupplementalGroupsPolicy, Key: policy.KeySupplementalGroups,
		Word:   string(corev1.SupplementalGroupsPolicyStrict),
		Leaves: []Why{Windows, Mirror},
		Value:  "Strict, where allow.supplementalGroups demands it",
		Unless: "the pod runs on Windows",
	},
	Escalation: {
		Path: spec.FieldAllowPrivilegeEscalation, Check: spec.CheckAllowPrivilegeEscalation,
		Leaves: []Why{PolicyLeaves, Windows, Mirror, PrivilegedContainer, AddsSysAdmin},
		Value:  "false",
		Unless: "escalation is granted, the container is privileged or adds SYS_ADMIN (the API refuses both together), or the pod runs on Windows",
	},
	CapabilitiesDrop: {
		Path: spec.FieldCapabilitiesDrop, Check: spec.CheckCapabilitiesRestricted, Key: policy.KeyDropAllCapabilities,
		Word:   spec.CapabilityAll,
		Leaves: []Why{PolicyLeaves, Windows, Mirror, PrivilegedContainer},
		Value:  "[ALL]",
		Unless: "mutations.dropAllCapabilities is false, the container is privileged and that is granted, or the pod runs on Windows",
	},
	Privileged: {
		Path: spec.FieldPrivileged, Check: spec.CheckPrivileged,
		Leaves: []Why{Windows, Mirror},
		Value:  "false",
		Unless: "the pod runs on Windows",
	},
	ReadOnlyRoot: {
		Path: spec.FieldReadOnlyRootFilesystem, Key: policy.KeyReadOnlyRootFilesystem,
		Leaves: []Why{Windows, Mirror},
		Value:  "true, where allow.readOnlyRootFilesystem demands it",
		Unless: "the pod runs on Windows",
	},
	RunAsGroup: {
		Path: spec.FieldRunAsGroup, Key: policy.KeyFillRunAsGroup,
		Leaves: []Why{PolicyLeaves, Windows, Mirror},
		Value:  "mutations.runAsGroup, by default 1",
		Unless: "it is none, allow.runAsGroup refuses the default, or the pod runs on Windows",
	},
	RunAsNonRoot: {
		Path: spec.FieldRunAsNonRoot, Check: spec.CheckRunAsNonRoot,
		Leaves: []Why{PolicyLeaves, Mirror, RootUser, Administrator, UserNamespace, Inherited},
		Value:  "true",
		Unless: "allow.runAsUser is RunAsAny, the effective runAsUser is 0 or the effective runAsUserName is ContainerAdministrator (the kubelet would refuse either), or hostUsers is false",
	},
	RunAsUser: {
		Path: spec.FieldRunAsUser, Check: spec.CheckRunAsUser, Key: policy.KeyFillRunAsUser,
		Leaves: []Why{Windows, Mirror, NonRoot},
		Value:  "mutations.runAsUser, or the first range's min under MustRunAs",
		Unless: "neither is given, runAsNonRoot is true and the only UID is 0, or the pod runs on Windows",
	},
	SeccompType: {
		Path: spec.FieldSeccompType, Check: spec.CheckSeccompProfileRestricted, Key: policy.KeySetDefaultSeccompProfile,
		Word:   string(corev1.SeccompProfileTypeRuntimeDefault),
		Leaves: []Why{PolicyLeaves, Windows, Mirror, Annotation, Inherited},
		Value:  string(corev1.SeccompProfileTypeRuntimeDefault),
		Unless: "mutations.setDefaultSeccompProfile is false, a legacy annotation says otherwise, or the pod runs on Windows",
	},
}

// FieldOf is a row of the table. It is shared and must not be changed.
func FieldOf(id FieldID) *Field { return &fields[id] }

// Fields returns the table. It is shared and must not be changed.
func Fields() []Field { return fields[:] }
