package mutate_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

const (
	podSeccomp       = spec.SeccompPodAnnotation
	containerSeccomp = spec.SeccompContainerAnnotation
	mirror           = corev1.MirrorPodAnnotationKey
)

// mutateRow is one claim about what is filled in and what is not.
type mutateRow struct {
	name, why   string
	annotations map[string]string
	spec        string // YAML
	policy      string // YAML without a selector; none is a nil policy
	want        changes
	unset       []string
}

// complete sets all that Mutate may fill.
const complete = `{allowPrivilegeEscalation: false, privileged: false, runAsGroup: 2, runAsNonRoot: true, runAsUser: 1000,
  readOnlyRootFilesystem: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}`

const completePod = `{securityContext: {fsGroup: 2, supplementalGroups: [2]}, containers: [{name: a, securityContext: ` + complete + `}]}`

var mutateRows = [][]mutateRow{
	unsetRows, inheritanceRows, privilegeRows, capabilityRows, windowsRows, userNamespaceRows,
	annotationRows, userRows, groupRows, policyRows, containerRows, entryRows,
}

var unsetRows = []mutateRow{
	{name: "no security context at all", why: "the document's minimal pod, plus privileged=false",
		spec: inPod("hostNetwork: false"), want: bare},
	{name: "empty security contexts", why: "the API server writes securityContext: {} itself",
		spec: "{securityContext: {}, containers: [{name: a, securityContext: {}}]}", want: bare},
	{name: "only the pod's is empty", why: "each parent is looked at alone",
		spec: under("{}"), want: bare},
	{name: "only the container's is empty", why: "each parent is looked at alone",
		spec: one("{}"), want: bare},
	{name: "everything set", why: "a pod that needs nothing gets nothing",
		spec: completePod, want: changes{}},
	{name: "everything set against the standard", why: "fills, never overrides",
		spec: `{hostNetwork: true, securityContext: {fsGroup: 0, supplementalGroups: [0]}, containers: [{name: a, securityContext:
			{allowPrivilegeEscalation: true, privileged: true, runAsGroup: 0, runAsNonRoot: false, runAsUser: 0,
			capabilities: {add: [SYS_ADMIN], drop: [KILL]}, seccompProfile: {type: Unconfined}}}]}`,
		want: changes{}},
	{name: "privileged=false is a value", why: "it is kept and not counted as a change",
		spec: one("{privileged: false}"), want: bare.without("c0 privileged")},
	{name: "privileged=true is a value", why: "the author's; escalation=false beside it is refused by the API (ValidateSecurityContext)",
		spec: one("{privileged: true}"), want: bare.without("c0 privileged", "c0 allowPrivilegeEscalation"),
		unset: []string{"c0 allowPrivilegeEscalation: privileged"}},
	{name: "escalation=true is a value", why: "denied later, but the author's",
		spec: one("{allowPrivilegeEscalation: true}"), want: bare.without("c0 allowPrivilegeEscalation")},
	{name: "escalation=false is a value", why: "nothing to fill",
		spec: one("{allowPrivilegeEscalation: false}"), want: bare.without("c0 allowPrivilegeEscalation")},
	{name: "runAsGroup 0 is a value", why: "zero is not unset",
		spec: one("{runAsGroup: 0}"), want: bare.without("c0 runAsGroup")},
	{name: "fsGroup 0 is a value", why: "zero is not unset",
		spec: under("{fsGroup: 0}"), want: bare.without("pod fsGroup")},
	{name: "supplementalGroups [0] is a value", why: "zero is not unset",
		spec: under("{supplementalGroups: [0]}"), want: bare.without("pod supplementalGroups")},
	{name: "supplementalGroups [] is unset", why: "nil and empty lists are one thing to the API server",
		spec: under("{supplementalGroups: []}"), want: bare},
	{name: "runAsNonRoot=false is a value", why: "denied later, but the author's; no reason is due for a set field",
		spec: one("{runAsNonRoot: false}"), want: bare.without("c0 runAsNonRoot")},
	{name: "seccomp Unconfined is a value", why: "denied later, but the author's",
		spec: one("{seccompProfile: {type: Unconfined}}"), want: bare.without("c0 seccompProfile.type")},
	{name: "seccomp Localhost is a value", why: "type and localhostProfile belong together (validateSeccompProfileField)",
		spec: one("{seccompProfile: {type: Localhost, localhostProfile: p.json}}"), want: bare.without("c0 seccompProfile.type")},
	{name: "an empty seccomp profile is a value", why: "only a nil pointer is unset; the API refuses it for its missing type",
		spec: one("{seccompProfile: {}}"), want: bare.without("c0 seccompProfile.type")},
	{name: "fields that are not ours", why: "AppArmor, SELinux, procMount, Windows options and the host's namespaces have no fill",
		spec: `{hostPID: true, containers: [{name: a, securityContext: {appArmorProfile: {type: Unconfined}, procMount: Unmasked,
			seLinuxOptions: {type: spc_t}, windowsOptions: {hostProcess: true}}}]}`, want: bare},
	{name: "a pod without containers", why: "passes the standard; its own fields are filled all the same",
		spec: "{}", want: groups},
	{name: "linux by name", why: "os.name=linux is no special case",
		spec: inPod("os: {name: linux}"), want: bare},
}

var inheritanceRows = []mutateRow{
	{name: "pod runAsUser 0", why: "runAsNonRoot over an effective UID 0 would not start (gatekeeper#1176)",
		spec: under("{runAsUser: 0}"), want: bare.without("c0 runAsNonRoot"), unset: []string{"c0 runAsNonRoot: rootUser"}},
	{name: "pod runAsUser 1000", why: "a UID other than 0 does not stand against runAsNonRoot",
		spec: under("{runAsUser: 1000}"), want: bare},
	{name: "container runAsUser 0", why: "as on the pod",
		spec: one("{runAsUser: 0}"), want: bare.without("c0 runAsNonRoot"), unset: []string{"c0 runAsNonRoot: rootUser"}},
	{name: "container runAsUser 1000 over the pod's 0", why: "the container's value is the effective one",
		spec: "{securityContext: {runAsUser: 0}, containers: [{name: a, securityContext: {runAsUser: 1000}}]}", want: bare},
	{name: "container runAsUser 0 over the pod's 1000", why: "the container's value is the effective one",
		spec: "{securityContext: {runAsUser: 1000}, containers: [{name: a, securityContext: {runAsUser: 0}}]}",
		want: bare.without("c0 runAsNonRoot"), unset: []string{"c0 runAsNonRoot: rootUser"}},
	{name: "pod runAsNonRoot true", why: "the container inherits it",
		spec: under("{runAsNonRoot: true}"), want: bare.without("c0 runAsNonRoot")},
	{name: "pod runAsNonRoot false", why: "false is inherited too, and said so",
		spec: under("{runAsNonRoot: false}"), want: bare.without("c0 runAsNonRoot"), unset: []string{"c0 runAsNonRoot: inherited"}},
	{name: "pod runAsNonRoot false, container's own true", why: "nothing is inherited",
		spec: "{securityContext: {runAsNonRoot: false}, containers: [{name: a, securityContext: {runAsNonRoot: true}}]}",
		want: bare.without("c0 runAsNonRoot")},
	{name: "pod runAsNonRoot false reaches one of two", why: "inheritance is decided container by container",
		spec: "{securityContext: {runAsNonRoot: false}, containers: [{name: a, securityContext: {runAsNonRoot: true}}, {name: b, securityContext: {}}]}",
		want: bare.and(bareContainer("c1")).without("c0 runAsNonRoot", "c1 runAsNonRoot"), unset: []string{"c1 runAsNonRoot: inherited"}},
	{name: "pod runAsGroup 0", why: "zero is inherited as any value is",
		spec: under("{runAsGroup: 0}"), want: bare.without("c0 runAsGroup")},
	{name: "pod runAsGroup 5", why: "the container has a group",
		spec: under("{runAsGroup: 5}"), want: bare.without("c0 runAsGroup")},
	{name: "pod seccomp RuntimeDefault", why: "the container has a profile",
		spec: under("{seccompProfile: {type: RuntimeDefault}}"), want: bare.without("c0 seccompProfile.type")},
	{name: "pod seccomp Localhost", why: "the standard allows it",
		spec: under("{seccompProfile: {type: Localhost, localhostProfile: p}}"), want: bare.without("c0 seccompProfile.type")},
	{name: "pod seccomp Unconfined", why: "inherited, against the standard, and said so",
		spec: under("{seccompProfile: {type: Unconfined}}"), want: bare.without("c0 seccompProfile.type"),
		unset: []string{"c0 seccompProfile.type: inherited"}},
	{name: "pod seccomp Unconfined, container's own", why: "nothing is inherited",
		spec: "{securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: a, securityContext: {seccompProfile: {type: RuntimeDefault}}}]}",
		want: bare.without("c0 seccompProfile.type")},
	{name: "pod seccomp Unconfined, container's own Unconfined too", why: "what is set is no field left unset",
		spec: "{securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: a, securityContext: {seccompProfile: {type: Unconfined}}}]}",
		want: bare.without("c0 seccompProfile.type")},
	{name: "an empty profile on the pod", why: "the struct is inherited whole, the empty one too",
		spec: under("{seccompProfile: {}}"), want: bare.without("c0 seccompProfile.type"),
		unset: []string{"c0 seccompProfile.type: inherited"}},
}

var privilegeRows = []mutateRow{
	{name: "privileged and granted", why: "drop ALL would have no effect on a privileged container",
		spec: one("{privileged: true}"), policy: "allow: {privileged: true}",
		want:  bare.without("c0 privileged", "c0 allowPrivilegeEscalation", "c0 capabilities.drop"),
		unset: []string{"c0 allowPrivilegeEscalation: privileged", "c0 capabilities.drop: privileged"}},
	{name: "privileged may be granted and not used", why: "privileged=false and all else is filled",
		spec: one("{}"), policy: "allow: {privileged: true}", want: bare},
	{name: "one of two is privileged and granted", why: "the grant is about the container that uses it",
		spec: "{containers: [{name: a, securityContext: {privileged: true}}, {name: b}]}", policy: "allow: {privileged: true}",
		want: bare.and(bareContainer("c1")).without("c0 privileged", "c0 allowPrivilegeEscalation", "c0 capabilities.drop"),
		unset: []string{
			"c0 allowPrivilegeEscalation: privileged", "c0 capabilities.drop: privileged",
		}},
	{name: "escalation granted", why: "false would take back what the policy grants",
		spec: one("{}"), policy: "allow: {allowPrivilegeEscalation: true}",
		want: bare.without("c0 allowPrivilegeEscalation"), unset: []string{"c0 allowPrivilegeEscalation: policy"}},
	{name: "escalation granted, privileged too", why: "the policy's reason comes first",
		spec: one("{privileged: true}"), policy: "allow: {allowPrivilegeEscalation: true}",
		want: bare.without("c0 allowPrivilegeEscalation", "c0 privileged"), unset: []string{"c0 allowPrivilegeEscalation: policy"}},
	{name: "escalation granted and false", why: "the author's value stays",
		spec: one("{allowPrivilegeEscalation: false}"), policy: "allow: {allowPrivilegeEscalation: true}",
		want: bare.without("c0 allowPrivilegeEscalation")},
}

// sysAdmin is what a container that adds SYS_ADMIN in some spelling gets.
func sysAdmin(spelling string) mutateRow {
	return mutateRow{name: "adds " + spelling, why: "SYS_ADMIN implies escalation, and the API refuses false beside CAP_SYS_ADMIN (ValidateSecurityContext)",
		spec: one("{capabilities: {add: [CHOWN, " + spelling + "]}}"), want: bare.without("c0 allowPrivilegeEscalation"),
		unset: []string{"c0 allowPrivilegeEscalation: sysAdmin"}}
}

// drops is what a container gets that drops something, but not ALL.
func drops(list string) mutateRow {
	return mutateRow{name: "drop " + list, why: "the author's list stays as it is, wrong or not",
		spec: one("{capabilities: {drop: " + list + "}}"), want: bare.without("c0 capabilities.drop")}
}

var capabilityRows = []mutateRow{
	sysAdmin("SYS_ADMIN"), sysAdmin("CAP_SYS_ADMIN"), sysAdmin("sys_admin"), sysAdmin("Cap_Sys_Admin"),
	{name: "adds NET_ADMIN", why: "only SYS_ADMIN implies escalation",
		spec: one("{capabilities: {add: [NET_ADMIN]}}"), want: bare},
	{name: "adds a name that only begins as SYS_ADMIN", why: "whole names are compared",
		spec: one("{capabilities: {add: [SYS_ADMINISTRATOR, CAP_, CAP_CAP_SYS_ADMIN]}}"), want: bare},
	{name: "SYS_ADMIN is dropped, not added", why: "only add gives it",
		spec: one("{capabilities: {drop: [SYS_ADMIN]}}"), want: bare.without("c0 capabilities.drop")},
	{name: "SYS_ADMIN added and granted", why: "the API's rule holds under every policy",
		spec: one("{capabilities: {add: [SYS_ADMIN]}}"), policy: "allow: {allowedCapabilities: [SYS_ADMIN]}",
		want: bare.without("c0 allowPrivilegeEscalation"), unset: []string{"c0 allowPrivilegeEscalation: sysAdmin"}},
	{name: "SYS_ADMIN and privileged", why: "one reason suffices: privileged",
		spec: one("{privileged: true, capabilities: {add: [SYS_ADMIN]}}"),
		want: bare.without("c0 allowPrivilegeEscalation", "c0 privileged"), unset: []string{"c0 allowPrivilegeEscalation: privileged"}},
	{name: "SYS_ADMIN and escalation=false", why: "the author's contradiction is the author's",
		spec: one("{allowPrivilegeEscalation: false, capabilities: {add: [SYS_ADMIN]}}"), want: bare.without("c0 allowPrivilegeEscalation")},
	{name: "capabilities {}", why: "the parent is there, the list is not", spec: one("{capabilities: {}}"), want: bare},
	{name: "capabilities with add only", why: "add stays, drop comes beside it", spec: one("{capabilities: {add: [NET_BIND_SERVICE]}}"), want: bare},
	{name: "drop []", why: "nil and empty lists are one thing", spec: one("{capabilities: {drop: []}}"), want: bare},
	drops("[NET_RAW]"), drops("[all]"), drops("[CAP_ALL]"), drops("[ALL]"), drops(`[""]`),
	{name: "dropAllCapabilities false", why: "the policy turns it off, and so excuses it",
		spec: one("{}"), policy: "mutations: {dropAllCapabilities: false}",
		want: bare.without("c0 capabilities.drop"), unset: []string{"c0 capabilities.drop: policy"}},
	{name: "dropAllCapabilities false and a list", why: "what is set is no field left unset",
		spec: one("{capabilities: {drop: [KILL]}}"), policy: "mutations: {dropAllCapabilities: false}",
		want: bare.without("c0 capabilities.drop")},
	{name: "dropAllCapabilities true", why: "the default, said aloud",
		spec: one("{}"), policy: "mutations: {dropAllCapabilities: true}", want: bare},
	{name: "all capabilities granted", why: "a grant of what may be added is none to keep the rest",
		spec: one("{capabilities: {add: [NET_ADMIN]}}"), policy: `allow: {allowedCapabilities: ["*"]}`, want: bare},
}

// exceptNonRoot lists what a pod may not carry that gets nothing or runAsNonRoot only.
func exceptNonRoot(reason string) []string {
	return []string{
		"pod fsGroup: " + reason, "pod supplementalGroups: " + reason,
		"c0 allowPrivilegeEscalation: " + reason, "c0 capabilities.drop: " + reason, "c0 privileged: " + reason,
		"c0 runAsGroup: " + reason, "c0 seccompProfile.type: " + reason,
	}
}

func leavesAll(reason string, more ...string) []string { return append(exceptNonRoot(reason), more...) }

var windowsRows = []mutateRow{
	{name: "windows", why: "the API forbids all but runAsNonRoot, privileged=false and capabilities {} too (validateWindows)",
		spec: inPod("os: {name: windows}"), want: changes{"c0 runAsNonRoot": "true"}, unset: exceptNonRoot("windows")},
	{name: "windows with empty security contexts", why: "as without",
		spec: "{os: {name: windows}, securityContext: {}, containers: [{name: a, securityContext: {}}]}",
		want: changes{"c0 runAsNonRoot": "true"}, unset: exceptNonRoot("windows")},
	{name: "windows, runAsNonRoot set", why: "nothing is left to fill",
		spec: "{os: {name: windows}, containers: [{name: a, securityContext: {runAsNonRoot: true}}]}",
		want: changes{}, unset: exceptNonRoot("windows")},
	{name: "windows inherits runAsNonRoot", why: "inheritance is the same on Windows",
		spec: "{os: {name: windows}, securityContext: {runAsNonRoot: false}, containers: [{name: a}]}",
		want: changes{}, unset: leavesAll("windows", "c0 runAsNonRoot: inherited")},
	{name: "windows under RunAsAny", why: "the policy lets any user be",
		spec: inPod("os: {name: windows}"), policy: "allow: {runAsUser: RunAsAny}",
		want: changes{}, unset: leavesAll("windows", "c0 runAsNonRoot: policy")},
	{name: "windows under MustRunAs", why: "no UID on Windows; own rules about it do not apply there",
		spec: inPod("os: {name: windows}"), policy: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 400, max: 400}]}}",
		want: changes{"c0 runAsNonRoot": "true"}, unset: leavesAll("windows", "c0 runAsUser: windows")},
	{name: "windows under MustRunAs 0", why: "the UID 0 that is not filled does not stand against runAsNonRoot",
		spec: inPod("os: {name: windows}"), policy: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}",
		want: changes{"c0 runAsNonRoot": "true"}, unset: leavesAll("windows", "c0 runAsUser: windows")},
	{name: "windows, runAsNonRoot set, under MustRunAs 0", why: "no UID is filled because of Windows, whatever the ranges hold",
		spec:   "{os: {name: windows}, securityContext: {runAsNonRoot: true}, containers: [{name: a}]}",
		policy: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}",
		want:   changes{}, unset: leavesAll("windows", "c0 runAsUser: windows")},
	{name: "windows, ContainerAdministrator", why: "the kubelet takes it for root and would refuse runAsNonRoot (verifyRunAsNonRoot)",
		spec: "{os: {name: windows}, containers: [{name: a, securityContext: {windowsOptions: {runAsUserName: ContainerAdministrator}}}]}",
		want: changes{}, unset: leavesAll("windows", "c0 runAsNonRoot: administrator")},
	{name: "windows, containeradministrator on the pod", why: "the kubelet compares without case, and Windows options are merged",
		spec: "{os: {name: windows}, securityContext: {windowsOptions: {runAsUserName: containeradministrator}}, containers: [{name: a, securityContext: {windowsOptions: {hostProcess: false}}}]}",
		want: changes{}, unset: leavesAll("windows", "c0 runAsNonRoot: administrator")},
	{name: "windows, ContainerUser over the pod's ContainerAdministrator", why: "the container's name is the effective one",
		spec: "{os: {name: windows}, securityContext: {windowsOptions: {runAsUserName: ContainerAdministrator}}, containers: [{name: a, securityContext: {windowsOptions: {runAsUserName: ContainerUser}}}]}",
		want: changes{"c0 runAsNonRoot": "true"}, unset: leavesAll("windows")},
	{name: "windows, a user of another domain", why: "the kubelet compares the whole name",
		spec: "{os: {name: windows}, securityContext: {windowsOptions: {runAsUserName: 'NT AUTHORITY\\ContainerAdministrator'}}, containers: [{name: a}]}",
		want: changes{"c0 runAsNonRoot": "true"}, unset: leavesAll("windows")},
	{name: "windows, ContainerAdministrator under RunAsAny", why: "the policy's reason comes first",
		spec:   "{os: {name: windows}, securityContext: {windowsOptions: {runAsUserName: ContainerAdministrator}}, containers: [{name: a}]}",
		policy: "allow: {runAsUser: RunAsAny}", want: changes{}, unset: leavesAll("windows", "c0 runAsNonRoot: policy")},
	{name: "ContainerAdministrator without os.name", why: "the name of the OS decides, as it does for PSA: not known to be Windows, it is filled as anything else",
		spec: under("{windowsOptions: {runAsUserName: ContainerAdministrator}}"), want: bare},
	{name: "windows with mutations", why: "a value that the policy names is no less forbidden",
		spec: inPod("os: {name: windows}"), policy: "mutations: {runAsUser: 1000, runAsGroup: 5, fsGroup: 5, supplementalGroups: [5]}\nallow: {readOnlyRootFilesystem: true}",
		want: changes{"c0 runAsNonRoot": "true"}, unset: leavesAll("windows", "c0 runAsUser: windows", "c0 readOnlyRootFilesystem: windows")},
	{name: "Windows with a capital", why: "only the exact name passes validation (validateOS), so this is no Windows",
		spec: inPod("os: {name: Windows}"), want: bare},
	{name: "windowsOptions without os.name", why: "the name decides, as it does for PSA",
		spec: under("{windowsOptions: {runAsUserName: ContainerUser}}"), want: bare},

	{name: "mirror", why: "a mirror pod shows what a kubelet runs already", annotations: map[string]string{mirror: "hash"},
		spec: one("{}"), want: changes{}, unset: leavesAll("mirror", "c0 runAsNonRoot: mirror")},
	{name: "mirror with an empty value", why: "the key decides", annotations: map[string]string{mirror: ""},
		spec: one("{}"), want: changes{}, unset: leavesAll("mirror", "c0 runAsNonRoot: mirror")},
	{name: "mirror on windows", why: "mirror is the stronger reason", annotations: map[string]string{mirror: "hash"},
		spec: inPod("os: {name: windows}"), want: changes{}, unset: leavesAll("mirror", "c0 runAsNonRoot: mirror")},
	{name: "mirror under MustRunAs", why: "no rule can change it", annotations: map[string]string{mirror: "hash"},
		spec: one("{}"), policy: "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 9}]}, readOnlyRootFilesystem: true}",
		want: changes{}, unset: leavesAll("mirror", "c0 runAsNonRoot: mirror", "c0 runAsUser: mirror", "c0 readOnlyRootFilesystem: mirror")},
}

var userNamespaceRows = []mutateRow{
	{name: "hostUsers false", why: "root in a user namespace is not root on the node, and restricted leaves it free (1.35)",
		spec: inPod("hostUsers: false"), want: bare.without("c0 runAsNonRoot"), unset: []string{"c0 runAsNonRoot: userNamespace"}},
	{name: "hostUsers true", why: "the default, said aloud", spec: inPod("hostUsers: true"), want: bare},
	{name: "hostUsers false, runAsNonRoot true", why: "the author's value stays",
		spec: "{hostUsers: false, containers: [{name: a, securityContext: {runAsNonRoot: true}}]}", want: bare.without("c0 runAsNonRoot")},
	{name: "hostUsers false, UID 0", why: "the kubelet's reason comes first",
		spec:  "{hostUsers: false, containers: [{name: a, securityContext: {runAsUser: 0}}]}",
		want:  bare.without("c0 runAsNonRoot"),
		unset: []string{"c0 runAsNonRoot: rootUser"}},
	{name: "hostUsers false under mutations.runAsUser", why: "the policy's UID is filled there too",
		spec: inPod("hostUsers: false"), policy: "mutations: {runAsUser: 1000}",
		want: bare.without("c0 runAsNonRoot").with("c0 runAsUser", "1000"), unset: []string{"c0 runAsNonRoot: userNamespace"}},
}

// onContainer and onPod are a bare pod with one legacy seccomp annotation.
func onContainer(value string) map[string]string {
	return map[string]string{containerSeccomp + "a": value}
}
func onPod(value string) map[string]string { return map[string]string{podSeccomp: value} }

var (
	noSeccomp    = bare.without("c0 seccompProfile.type")
	byAnnotation = []string{"c0 seccompProfile.type: annotation"}
)

var annotationRows = []mutateRow{
	{name: "container's annotation runtime/default", why: "it agrees with RuntimeDefault", annotations: onContainer("runtime/default"), spec: one("{}"), want: bare},
	{name: "container's annotation docker/default", why: "an old name of the same", annotations: onContainer("docker/default"), spec: one("{}"), want: bare},
	{name: "container's annotation unconfined", why: "the API refuses RuntimeDefault beside it (ValidateSeccompPodAnnotations and the field)", annotations: onContainer("unconfined"), spec: one("{}"), want: noSeccomp, unset: byAnnotation},
	{name: "container's annotation localhost", why: "as unconfined", annotations: onContainer("localhost/p.json"), spec: one("{}"), want: noSeccomp, unset: byAnnotation},
	{name: "container's annotation empty", why: "it does not agree with RuntimeDefault", annotations: onContainer(""), spec: one("{}"), want: noSeccomp, unset: byAnnotation},
	{name: "container's annotation unknown", why: "it does not agree with RuntimeDefault", annotations: onContainer("other"), spec: one("{}"), want: noSeccomp, unset: byAnnotation},
	{name: "pod's annotation runtime/default", why: "it agrees", annotations: onPod("runtime/default"), spec: one("{}"), want: bare},
	{name: "pod's annotation docker/default", why: "it agrees", annotations: onPod("docker/default"), spec: one("{}"), want: bare},
	{name: "pod's annotation unconfined", why: "it spoke for containers without their own", annotations: onPod("unconfined"), spec: one("{}"), want: noSeccomp, unset: byAnnotation},
	{name: "pod's annotation localhost", why: "as unconfined", annotations: onPod("localhost/p.json"), spec: one("{}"), want: noSeccomp, unset: byAnnotation},
	{name: "pod's annotation empty", why: "a value that is no default", annotations: onPod(""), spec: one("{}"), want: noSeccomp, unset: byAnnotation},
	{name: "own annotation default over the pod's unconfined", why: "the container's own speaks",
		annotations: map[string]string{podSeccomp: "unconfined", containerSeccomp + "a": "runtime/default"}, spec: one("{}"), want: bare},
	{name: "own annotation unconfined over the pod's default", why: "the container's own speaks",
		annotations: map[string]string{podSeccomp: "runtime/default", containerSeccomp + "a": "unconfined"}, spec: one("{}"), want: noSeccomp, unset: byAnnotation},
	{name: "annotation of another container", why: "it speaks for that one only",
		annotations: map[string]string{containerSeccomp + "b": "unconfined"}, spec: "{containers: [{name: a}, {name: b}]}",
		want: bare.and(bareContainer("c1")).without("c1 seccompProfile.type"), unset: []string{"c1 seccompProfile.type: annotation"}},
	{name: "annotation of an init and of an ephemeral container", why: "annotations speak for every kind",
		annotations: map[string]string{containerSeccomp + "i": "unconfined", containerSeccomp + "e": "unconfined"},
		spec:        "{initContainers: [{name: i}], containers: [{name: a}], ephemeralContainers: [{name: e}]}",
		want:        bare.and(bareContainer("i0")).and(bareContainer("e0")).without("i0 seccompProfile.type", "e0 seccompProfile.type"),
		unset:       []string{"e0 seccompProfile.type: annotation", "i0 seccompProfile.type: annotation"}},
	{name: "annotation beside the field", why: "the field is set, so nothing is left unset",
		annotations: onContainer("unconfined"), spec: one("{seccompProfile: {type: Unconfined}}"), want: noSeccomp},
	{name: "annotation beside the pod's field", why: "the container inherits a good profile, so nothing is left unset",
		annotations: onContainer("unconfined"), spec: under("{seccompProfile: {type: RuntimeDefault}}"), want: noSeccomp},
	{name: "annotation and setDefaultSeccompProfile false", why: "the policy's reason comes first",
		annotations: onContainer("unconfined"), spec: one("{}"), policy: "mutations: {setDefaultSeccompProfile: false}",
		want: noSeccomp, unset: []string{"c0 seccompProfile.type: policy"}},
	{name: "setDefaultSeccompProfile false", why: "the policy turns it off, and so excuses it",
		spec: one("{}"), policy: "mutations: {setDefaultSeccompProfile: false}", want: noSeccomp, unset: []string{"c0 seccompProfile.type: policy"}},
	{name: "Unconfined granted", why: "an unset profile is not a value, so the grant does not stop the fill",
		spec: one("{}"), policy: "allow: {seccompProfiles: [Unconfined]}", want: bare},
	{name: "annotation on windows", why: "the annotation is the nearer reason",
		annotations: onContainer("unconfined"), spec: inPod("os: {name: windows}"),
		want: changes{"c0 runAsNonRoot": "true"},
		unset: []string{"pod fsGroup: windows", "pod supplementalGroups: windows", "c0 allowPrivilegeEscalation: windows", "c0 capabilities.drop: windows",
			"c0 privileged: windows", "c0 runAsGroup: windows", "c0 seccompProfile.type: annotation"}},
	{name: "AppArmor annotation", why: "AppArmor has no fill", annotations: map[string]string{spec.AppArmorAnnotation + "a": "unconfined"}, spec: one("{}"), want: bare},
}

// mustRunAs is the runAsUser rule with ranges.
func mustRunAs(ranges string) string {
	return "allow: {runAsUser: {rule: MustRunAs, ranges: [" + ranges + "]}}\n"
}

const (
	rangeRoot  = "{min: 0, max: 0}"
	range0100  = "{min: 0, max: 100}"
	range400   = "{min: 400, max: 500}"
	rangeNobad = "{min: 65534, max: 65534}"
)

var (
	userLeftRoot = bare.without("c0 runAsNonRoot")
	leftRoot     = []string{"c0 runAsNonRoot: rootUser"}
)

var userRows = []mutateRow{
	{name: "RunAsAny", why: "the policy lets root be", spec: one("{}"), policy: "allow: {runAsUser: RunAsAny}",
		want: bare.without("c0 runAsNonRoot"), unset: []string{"c0 runAsNonRoot: policy"}},
	{name: "RunAsAny, runAsNonRoot true", why: "the author's value stays", spec: one("{runAsNonRoot: true}"), policy: "allow: {runAsUser: RunAsAny}",
		want: bare.without("c0 runAsNonRoot")},
	{name: "RunAsAny with runAsUser 1000", why: "the policy's UID is filled under every rule",
		spec: one("{}"), policy: "allow: {runAsUser: RunAsAny}\nmutations: {runAsUser: 1000}",
		want: bare.without("c0 runAsNonRoot").with("c0 runAsUser", "1000"), unset: []string{"c0 runAsNonRoot: policy"}},
	{name: "RunAsAny with runAsUser 0", why: "root by the policy's own will",
		spec: one("{}"), policy: "allow: {runAsUser: RunAsAny}\nmutations: {runAsUser: 0}",
		want: bare.without("c0 runAsNonRoot").with("c0 runAsUser", "0"), unset: []string{"c0 runAsNonRoot: policy"}},
	{name: "RunAsAny with runAsUser 0, runAsNonRoot true", why: "the kubelet would refuse UID 0 there",
		spec: one("{runAsNonRoot: true}"), policy: "allow: {runAsUser: RunAsAny}\nmutations: {runAsUser: 0}",
		want: bare.without("c0 runAsNonRoot"), unset: []string{"c0 runAsUser: nonRoot"}},
	{name: "MustRunAsNonRoot", why: "the default, said aloud; no UID is built in (uds-core#70)",
		spec: one("{}"), policy: "allow: {runAsUser: MustRunAsNonRoot}", want: bare},
	{name: "MustRunAsNonRoot with runAsUser", why: "the UID and the promise go together",
		spec: one("{}"), policy: "allow: {runAsUser: MustRunAsNonRoot}\nmutations: {runAsUser: 1000}", want: bare.with("c0 runAsUser", "1000")},
	{name: "mutations.runAsUser alone", why: "no rule is needed for it", spec: one("{}"), policy: "mutations: {runAsUser: 1000}",
		want: bare.with("c0 runAsUser", "1000")},
	{name: "mutations.runAsUser under a container's own", why: "set is set", spec: one("{runAsUser: 7}"), policy: "mutations: {runAsUser: 1000}", want: bare},
	{name: "mutations.runAsUser under the pod's", why: "an inherited value is a value", spec: under("{runAsUser: 7}"), policy: "mutations: {runAsUser: 1000}", want: bare},
	{name: "mutations.runAsUser under the pod's 0", why: "zero is a value", spec: under("{runAsUser: 0}"), policy: "mutations: {runAsUser: 1000}",
		want: userLeftRoot, unset: leftRoot},
	{name: "MustRunAs", why: "the first range's minimum", spec: one("{}"), policy: mustRunAs(range400), want: bare.with("c0 runAsUser", "400")},
	{name: "MustRunAs, two ranges", why: "the first one as written, not the lowest", spec: one("{}"), policy: mustRunAs(rangeNobad + ", " + range400),
		want: bare.with("c0 runAsUser", "65534")},
	{name: "MustRunAs with runAsUser", why: "the policy's own choice within its range", spec: one("{}"), policy: mustRunAs(range400) + "mutations: {runAsUser: 450}",
		want: bare.with("c0 runAsUser", "450")},
	{name: "MustRunAs, author's UID out of range", why: "never overridden; Evaluate denies it", spec: one("{runAsUser: 7}"), policy: mustRunAs(range400), want: bare},
	{name: "MustRunAs from 0", why: "the first range's minimum, root; runAsNonRoot beside it would not start",
		spec: one("{}"), policy: mustRunAs(range0100), want: userLeftRoot.with("c0 runAsUser", "0"), unset: leftRoot},
	{name: "MustRunAs from 0, runAsNonRoot true", why: "the lowest other UID of the range",
		spec: one("{runAsNonRoot: true}"), policy: mustRunAs(range0100), want: userLeftRoot.with("c0 runAsUser", "1")},
	{name: "MustRunAs from 0, runAsNonRoot true on the pod", why: "what counts is the effective value",
		spec: under("{runAsNonRoot: true}"), policy: mustRunAs(range0100), want: userLeftRoot.with("c0 runAsUser", "1")},
	{name: "MustRunAs from 0, runAsNonRoot true on the pod and false on the container", why: "what counts is the effective value",
		spec:   "{securityContext: {runAsNonRoot: true}, containers: [{name: a, securityContext: {runAsNonRoot: false}}]}",
		policy: mustRunAs(range0100), want: userLeftRoot.with("c0 runAsUser", "0")},
	{name: "MustRunAs from 0, runAsNonRoot false", why: "the author does not mind root",
		spec: one("{runAsNonRoot: false}"), policy: mustRunAs(range0100), want: userLeftRoot.with("c0 runAsUser", "0")},
	{name: "MustRunAs from 0, runAsNonRoot false on the pod", why: "inherited, and said so",
		spec: under("{runAsNonRoot: false}"), policy: mustRunAs(range0100), want: userLeftRoot.with("c0 runAsUser", "0"),
		unset: []string{"c0 runAsNonRoot: inherited"}},
	{name: "MustRunAs 0 alone, runAsNonRoot true", why: "there is no UID that would start",
		spec: one("{runAsNonRoot: true}"), policy: mustRunAs(rangeRoot), want: userLeftRoot, unset: []string{"c0 runAsUser: nonRoot"}},
	{name: "MustRunAs 0 alone", why: "root by the policy's own will", spec: one("{}"), policy: mustRunAs(rangeRoot),
		want: userLeftRoot.with("c0 runAsUser", "0"), unset: leftRoot},
	{name: "MustRunAs 0 then another, runAsNonRoot true", why: "the next range stands in",
		spec: one("{runAsNonRoot: true}"), policy: mustRunAs(rangeRoot + ", " + range400), want: userLeftRoot.with("c0 runAsUser", "400")},
	{name: "MustRunAs 0 and runAsUser 0, runAsNonRoot true", why: "the policy's 0 cannot be used, its range can",
		spec: one("{runAsNonRoot: true}"), policy: mustRunAs(range0100) + "mutations: {runAsUser: 0}", want: userLeftRoot.with("c0 runAsUser", "1")},
	{name: "MustRunAs 0 and hostUsers false", why: "UID 0 is filled, and is the nearer reason",
		spec: inPod("hostUsers: false"), policy: mustRunAs(rangeRoot), want: userLeftRoot.with("c0 runAsUser", "0"), unset: leftRoot},
	{name: "MustRunAs, two containers", why: "each is decided alone",
		spec:   "{containers: [{name: a, securityContext: {runAsUser: 401}}, {name: b}]}",
		policy: mustRunAs(range400), want: bare.and(bareContainer("c1")).with("c1 runAsUser", "400")},
}

// strictGroups demands that the image adds no groups.
const strictGroups = "allow: {supplementalGroups: {policy: Strict}}"

// onRootMismatch fills when the kubelet hands volumes over, and userNamespace demands
// one of the pod's own.
const (
	onRootMismatch = "mutations: {fsGroupChangePolicy: OnRootMismatch}"
	userNamespace  = "allow: {userNamespace: Required}"
)

// rule1 is a rule over the fsGroup that admits the default.
func rule1(rule string) string {
	return "allow: {fsGroup: {rule: " + rule + ", ranges: [{min: 1, max: 1}]}}\n"
}

// groupCase is one of the three groups.
type groupCase struct{ rule, mutation, name, plain, explicit string }

var groupCases = []groupCase{
	{"runAsGroup", "runAsGroup: 0", "c0 runAsGroup", "%s", "0"},
	{"fsGroup", "fsGroup: 0", "pod fsGroup", "%s", "0"},
	{"supplementalGroups", "supplementalGroups: [0, 7]", "pod supplementalGroups", "[%s]", "[0,7]"},
}

// groupRows holds every group to the same claims.
var groupRows = func() (rows []mutateRow) {
	for _, g := range groupCases {
		value := func(id string) string { return strings.ReplaceAll(g.plain, "%s", id) }
		rule := func(rule, ranges string) string {
			return "allow: {" + g.rule + ": {rule: " + rule + ", ranges: [" + ranges + "]}}\n"
		}
		left := []string{g.name + ": policy"}
		rows = append(rows,
			mutateRow{name: g.rule + " RunAsAny", why: "the default is 1", spec: one("{}"), policy: "allow: {" + g.rule + ": {rule: RunAsAny}}", want: bare},
			mutateRow{name: g.rule + " explicit", why: "the policy's value, 0 too", spec: one("{}"), policy: "mutations: {" + g.mutation + "}", want: bare.with(g.name, g.explicit)},
			mutateRow{name: g.rule + " MustRunAs admits 1", why: "the default stays", spec: one("{}"), policy: rule("MustRunAs", "{min: 0, max: 9}"), want: bare},
			mutateRow{name: g.rule + " MustRunAs admits 1 in its second range", why: "the default stays", spec: one("{}"), policy: rule("MustRunAs", range400+", {min: 1, max: 1}"), want: bare},
			mutateRow{name: g.rule + " MustRunAs refuses 1", why: "the first range's minimum", spec: one("{}"), policy: rule("MustRunAs", range400), want: bare.with(g.name, value("400"))},
			mutateRow{name: g.rule + " MustRunAs refuses 1, two ranges", why: "the first one as written", spec: one("{}"), policy: rule("MustRunAs", rangeNobad+", "+range400), want: bare.with(g.name, value("65534"))},
			mutateRow{name: g.rule + " MustRunAs 0 alone", why: "group 0 is free in the standard", spec: one("{}"), policy: rule("MustRunAs", rangeRoot), want: bare.with(g.name, value("0"))},
			mutateRow{name: g.rule + " MayRunAs admits 1", why: "the default stays", spec: one("{}"), policy: rule("MayRunAs", "{min: 1, max: 9}"), want: bare},
			mutateRow{name: g.rule + " MayRunAs refuses 1", why: "unset is fine under MayRunAs", spec: one("{}"), policy: rule("MayRunAs", range400), want: bare.without(g.name), unset: left},
			mutateRow{name: g.rule + " MayRunAs refuses 1, explicit", why: "a value that the policy names is filled under every rule", spec: one("{}"),
				policy: rule("MayRunAs", rangeRoot+", {min: 7, max: 7}") + "mutations: {" + g.mutation + "}", want: bare.with(g.name, g.explicit)},
		)
	}
	return append(rows,
		mutateRow{name: "supplementalGroups [] explicit", why: "an empty list fills none", spec: one("{}"), policy: "mutations: {supplementalGroups: []}",
			want: bare.without("pod supplementalGroups"), unset: []string{"pod supplementalGroups: policy"}},
		mutateRow{name: "supplementalGroups [] explicit under MayRunAs", why: "as under RunAsAny", spec: under("{supplementalGroups: []}"),
			policy: "allow: {supplementalGroups: {rule: MayRunAs, ranges: [{min: 1, max: 1}]}}\nmutations: {supplementalGroups: []}",
			want:   bare.without("pod supplementalGroups"), unset: []string{"pod supplementalGroups: policy"}},
		mutateRow{name: "runAsGroup none", why: "images whose files belong to group 0 break with another", spec: one("{}"), policy: "mutations: {runAsGroup: none}",
			want: bare.without("c0 runAsGroup"), unset: []string{"c0 runAsGroup: policy"}},
		mutateRow{name: "runAsGroup none in every container", why: "each is left", spec: "{initContainers: [{name: i}], containers: [{name: a, securityContext: {runAsGroup: 5}}]}", policy: "mutations: {runAsGroup: none}",
			want: groups.and(bareContainer("i0").without("i0 runAsGroup")).and(bareContainer("c0").without("c0 runAsGroup")), unset: []string{"i0 runAsGroup: policy"}},
		mutateRow{name: "fsGroup none", why: "Postgres refuses a data directory that a group may read", spec: one("{}"), policy: "mutations: {fsGroup: none}",
			want: bare.without("pod fsGroup"), unset: []string{"pod fsGroup: policy"}},
		mutateRow{name: "fsGroup none beside the author's", why: "there is nothing to fill, and nothing to say", spec: under("{fsGroup: 5}"), policy: "mutations: {fsGroup: none}", want: bare.without("pod fsGroup")},
		mutateRow{name: "fsGroup none under MayRunAs", why: "in place of the default that the rule admits", spec: one("{}"), policy: rule1("MayRunAs") + "mutations: {fsGroup: none}",
			want: bare.without("pod fsGroup"), unset: []string{"pod fsGroup: policy"}},
		mutateRow{name: "fsGroup none on windows", why: "the policy's reason comes first", spec: inPod("os: {name: windows}"), policy: "mutations: {fsGroup: none}",
			want: changes{"c0 runAsNonRoot": "true"}, unset: append([]string{"pod fsGroup: policy"}, exceptNonRoot("windows")[1:]...)},
		mutateRow{name: "fsGroupChangePolicy", why: "where an fsGroup is filled in", spec: one("{}"), policy: onRootMismatch, want: bare.with("pod fsGroupChangePolicy", `"OnRootMismatch"`)},
		mutateRow{name: "fsGroupChangePolicy, the author's fsGroup", why: "where one is set", spec: under("{fsGroup: 5}"), policy: onRootMismatch,
			want: bare.without("pod fsGroup").with("pod fsGroupChangePolicy", `"OnRootMismatch"`)},
		mutateRow{name: "fsGroupChangePolicy, the author's alone", why: "the group is the author's, 0 too", spec: under("{fsGroup: 0, supplementalGroups: [5]}"), policy: onRootMismatch,
			want: bareContainer("c0").with("pod fsGroupChangePolicy", `"OnRootMismatch"`)},
		mutateRow{name: "fsGroupChangePolicy Always", why: "never overridden", spec: under("{fsGroupChangePolicy: Always}"), policy: onRootMismatch, want: bare},
		mutateRow{name: "fsGroupChangePolicy empty", why: "a value, which the API refuses", spec: under(`{fsGroupChangePolicy: ""}`), policy: onRootMismatch, want: bare},
		mutateRow{name: "fsGroupChangePolicy without an fsGroup", why: "it would mean nothing", spec: one("{}"), policy: "mutations: {fsGroup: none, fsGroupChangePolicy: OnRootMismatch}",
			want: bare.without("pod fsGroup"), unset: []string{"pod fsGroup: policy", "pod fsGroupChangePolicy: noFSGroup"}},
		mutateRow{name: "fsGroupChangePolicy with fsGroup none, the author's fsGroup", why: "who sets one gets it", spec: under("{fsGroup: 5}"), policy: "mutations: {fsGroup: none, fsGroupChangePolicy: OnRootMismatch}",
			want: bare.without("pod fsGroup").with("pod fsGroupChangePolicy", `"OnRootMismatch"`)},
		mutateRow{name: "fsGroupChangePolicy not filled by default", why: "the kubelet's default is another", spec: under("{fsGroup: 5}"), policy: "mutations: {fsGroup: 5}", want: bare.without("pod fsGroup")},
		mutateRow{name: "fsGroupChangePolicy on windows", why: "the API forbids the field there", spec: inPod("os: {name: windows}"), policy: onRootMismatch,
			want: changes{"c0 runAsNonRoot": "true"}, unset: leavesAll("windows", "pod fsGroupChangePolicy: windows")},
		mutateRow{name: "user namespace demanded", why: "runAsNonRoot and the like are filled in all the same: versions before v1.35 demand them", spec: one("{}"), policy: userNamespace,
			want: bare.with("pod spec.hostUsers", "false")},
		mutateRow{name: "user namespace demanded, nothing else to fill", why: "it stands in no security context, and none is made", spec: completePod, policy: userNamespace,
			want: changes{"pod spec.hostUsers": "false"}},
		mutateRow{name: "user namespace demanded, hostUsers true", why: "never overridden; Evaluate denies it", spec: inPod("hostUsers: true"), policy: userNamespace, want: bare},
		mutateRow{name: "user namespace demanded, hostUsers false", why: "the author's, in which the standard leaves the user free", spec: inPod("hostUsers: false"), policy: userNamespace,
			want: bare.without("c0 runAsNonRoot"), unset: []string{"c0 runAsNonRoot: userNamespace"}},
		mutateRow{name: "user namespace demanded, hostNetwork", why: "the API refuses both together (validateHostUsers)", spec: inPod("hostNetwork: true"), policy: userNamespace,
			want: bare, unset: []string{"pod spec.hostUsers: hostNamespaces"}},
		mutateRow{name: "user namespace demanded, hostPID", why: "the API refuses both together (validateHostUsers)", spec: inPod("hostPID: true"), policy: userNamespace,
			want: bare, unset: []string{"pod spec.hostUsers: hostNamespaces"}},
		mutateRow{name: "user namespace demanded, hostIPC", why: "the API refuses both together (validateHostUsers)", spec: inPod("hostIPC: true"), policy: userNamespace,
			want: bare, unset: []string{"pod spec.hostUsers: hostNamespaces"}},
		mutateRow{name: "user namespace demanded, block devices", why: "the API refuses both together, in any container (validateHostUsers)",
			spec: "{initContainers: [{name: i, volumeDevices: [{name: v, devicePath: /v}]}], containers: [{name: a}]}", policy: userNamespace,
			want: bare.and(bareContainer("i0")), unset: []string{"pod spec.hostUsers: volumeDevices"}},
		mutateRow{name: "user namespace demanded, block devices of an ephemeral container", why: "the API looks at all kinds",
			spec: "{containers: [{name: a}], ephemeralContainers: [{name: e, volumeDevices: [{name: v, devicePath: /v}]}]}", policy: userNamespace,
			want: bare.and(bareContainer("e0")), unset: []string{"pod spec.hostUsers: volumeDevices"}},
		mutateRow{name: "user namespace demanded, host ports and /proc", why: "the API lets both be", spec: "{containers: [{name: a, ports: [{hostPort: 80, containerPort: 80}], securityContext: {procMount: Unmasked}}]}", policy: userNamespace,
			want: bare.with("pod spec.hostUsers", "false")},
		mutateRow{name: "user namespace demanded, root", why: "the author's user stays, and is root in the namespace", spec: under("{runAsUser: 0}"), policy: userNamespace,
			want: bare.without("c0 runAsNonRoot").with("pod spec.hostUsers", "false"), unset: []string{"c0 runAsNonRoot: rootUser"}},
		mutateRow{name: "user namespace demanded on windows", why: "the API forbids the field there", spec: inPod("os: {name: windows}"), policy: userNamespace,
			want: changes{"c0 runAsNonRoot": "true"}, unset: leavesAll("windows", "pod spec.hostUsers: windows")},
		mutateRow{name: "user namespace not demanded", why: "it is never the default", spec: inPod("hostUsers: true"), want: bare},
		mutateRow{name: "Strict demanded", why: "unset is Merge, with which the image adds groups", spec: under("{}"), policy: strictGroups,
			want: bare.with("pod supplementalGroupsPolicy", `"Strict"`)},
		mutateRow{name: "Strict demanded, no security context", why: "the pod has one then, with all its fields in one operation", spec: one("{}"), policy: strictGroups,
			want: bare.with("pod supplementalGroupsPolicy", `"Strict"`)},
		mutateRow{name: "Strict demanded beside groups", why: "the author's groups are no say over those of the image", spec: under("{fsGroup: 5, supplementalGroups: [7]}"), policy: strictGroups,
			want: bare.without("pod fsGroup").without("pod supplementalGroups").with("pod supplementalGroupsPolicy", `"Strict"`)},
		mutateRow{name: "Strict demanded and Merge", why: "never overridden; Evaluate denies it", spec: under("{supplementalGroupsPolicy: Merge}"), policy: strictGroups, want: bare},
		mutateRow{name: "Strict demanded and empty", why: "a value, which the API refuses", spec: under(`{supplementalGroupsPolicy: ""}`), policy: strictGroups, want: bare},
		mutateRow{name: "Strict not demanded", why: "it needs nodes that support it, so it is never the default", spec: one("{}"),
			policy: "allow: {supplementalGroups: {rule: MustRunAs, ranges: [{min: 1, max: 1}]}}", want: bare},
		mutateRow{name: "Strict demanded on windows", why: "the API forbids the field there", spec: inPod("os: {name: windows}"), policy: strictGroups,
			want: changes{"c0 runAsNonRoot": "true"}, unset: leavesAll("windows", "pod supplementalGroupsPolicy: windows")},
		mutateRow{name: "runAsGroup under the pod's, MustRunAs", why: "an inherited value is a value, out of range too", spec: under("{runAsGroup: 7}"),
			policy: "allow: {runAsGroup: {rule: MustRunAs, ranges: [{min: 400, max: 400}]}}", want: bare.without("c0 runAsGroup")},
	)
}()

var policyRows = []mutateRow{
	{name: "an empty policy", why: "nil is the default policy, and so is one without fields", spec: one("{}"), policy: "allow: {}", want: bare},
	{name: "readOnlyRootFilesystem demanded", why: "a mutated pod always satisfies its policy", spec: one("{}"), policy: "allow: {readOnlyRootFilesystem: true}",
		want: bare.with("c0 readOnlyRootFilesystem", "true")},
	{name: "readOnlyRootFilesystem demanded, no security context", why: "as with an empty one", spec: inPod("hostNetwork: false"), policy: "allow: {readOnlyRootFilesystem: true}",
		want: bare.with("c0 readOnlyRootFilesystem", "true")},
	{name: "readOnlyRootFilesystem demanded and false", why: "never overridden; Evaluate denies it", spec: one("{readOnlyRootFilesystem: false}"), policy: "allow: {readOnlyRootFilesystem: true}",
		want: bare},
	{name: "readOnlyRootFilesystem demanded and true", why: "set is set", spec: one("{readOnlyRootFilesystem: true}"), policy: "allow: {readOnlyRootFilesystem: true}", want: bare},
	{name: "every value of the policy's", why: "all of them at once",
		spec: one("{}"), policy: "allow: {readOnlyRootFilesystem: true}\nmutations: {runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000, supplementalGroups: [4000, 5000]}",
		want: changes{
			"pod fsGroup": "3000", "pod supplementalGroups": "[4000,5000]",
			"c0 allowPrivilegeEscalation": "false", "c0 capabilities.drop": `["ALL"]`, "c0 privileged": "false", "c0 readOnlyRootFilesystem": "true",
			"c0 runAsGroup": "2000", "c0 runAsNonRoot": "true", "c0 runAsUser": "1000", "c0 seccompProfile.type": `"RuntimeDefault"`,
		}},
	{name: "everything turned off", why: "a policy may leave nearly all of a pod alone",
		spec: one("{}"), policy: "allow: {allowPrivilegeEscalation: true, runAsUser: RunAsAny, runAsGroup: {rule: MayRunAs, ranges: [{min: 5, max: 5}]}, fsGroup: {rule: MayRunAs, ranges: [{min: 5, max: 5}]}}\n" +
			"mutations: {dropAllCapabilities: false, setDefaultSeccompProfile: false, supplementalGroups: []}",
		want: changes{"c0 privileged": "false"},
		unset: []string{"c0 allowPrivilegeEscalation: policy", "c0 capabilities.drop: policy", "c0 runAsGroup: policy", "c0 runAsNonRoot: policy",
			"c0 seccompProfile.type: policy", "pod fsGroup: policy", "pod supplementalGroups: policy"}},
	{name: "grants that have no fill", why: "hostNetwork and its kin are unset when false",
		spec: one("{}"), policy: "allow: {hostNetworkPorts: true, hostNamespace: true, allowedHostPaths: [{pathPrefix: /}], procMounts: [Unmasked], seLinuxOptions: true, windowsHostProcess: true, appArmorProfiles: [Unconfined]}",
		want: bare},
}

var containerRows = []mutateRow{
	{name: "all kinds of containers", why: "a list that is forgotten is one that slips through (cel-admission-library#106)",
		spec: "{initContainers: [{name: i}], containers: [{name: a}], ephemeralContainers: [{name: e}]}",
		want: bare.and(bareContainer("i0")).and(bareContainer("e0"))},
	{name: "a sidecar", why: "an init container that restarts is an init container",
		spec: "{initContainers: [{name: s, restartPolicy: Always}, {name: i}], containers: [{name: a}]}",
		want: bare.and(bareContainer("i0")).and(bareContainer("i1"))},
	{name: "several of a kind", why: "each is decided alone",
		spec: "{containers: [{name: a}, {name: b, securityContext: " + complete + "}, {name: c, securityContext: {privileged: true}}]}",
		want: bare.and(bareContainer("c2")).without("c2 privileged", "c2 allowPrivilegeEscalation"), unset: []string{"c2 allowPrivilegeEscalation: privileged"}},
	{name: "duplicate names", why: "kind and index tell containers apart",
		spec: "{initContainers: [{name: a}], containers: [{name: a}, {name: a, securityContext: {privileged: false}}, {name: a}]}",
		want: bare.and(bareContainer("i0")).and(bareContainer("c1")).and(bareContainer("c2")).without("c1 privileged")},
	{name: "no names", why: "a name is not needed", spec: "{containers: [{}, {}]}", want: bare.and(bareContainer("c1"))},
	{name: "ephemeral containers on their own", why: "no kind needs another",
		spec: "{ephemeralContainers: [{name: e, securityContext: {runAsUser: 0}}]}",
		want: groups.and(bareContainer("e0")).without("e0 runAsNonRoot"), unset: []string{"e0 runAsNonRoot: rootUser"}},
}

// TestMutate holds every row through Mutate, Template and Spec: what is filled
// in, what is left unset and why, and that the result says the same.
func TestMutate(t *testing.T) {
	seen := map[string]bool{}
	for _, rows := range mutateRows {
		for _, row := range rows {
			if seen[row.name] {
				t.Errorf("two rows are named %q", row.name)
			}
			seen[row.name] = true
			t.Run(row.name, func(t *testing.T) { testRow(t, row) })
		}
	}
	if len(seen) < 140 {
		t.Errorf("only %d rows", len(seen))
	}
}

func testRow(t *testing.T, row mutateRow) {
	pod, before := podOf(t, row.annotations, row.spec), podOf(t, row.annotations, row.spec)
	p := policyOf(t, row.policy)
	filled, report := mutate.Mutate(pod, p)
	if diff := cmp.Diff(row.want, changesOf(&report)); diff != "" {
		t.Errorf("%s: changes (-want +got):\n%s", row.why, diff)
	}
	if diff := cmp.Diff(sorted(row.unset), unsetOf(&report)); diff != "" {
		t.Errorf("%s: unset (-want +got):\n%s", row.why, diff)
	}
	if !equality.Semantic.DeepEqual(before, pod) {
		t.Error("the input was changed")
	}
	resultSays(t, filled, &report)
	if len(row.want) == 0 && filled != pod {
		t.Error("a pod without a change is a copy")
	}

	template := &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
	filledTemplate, templateReport := mutate.Template(template, p)
	filledSpec, specReport := mutate.Spec(&pod.ObjectMeta, &pod.Spec, p)
	if !equality.Semantic.DeepEqual(filledTemplate.Spec, filled.Spec) || !equality.Semantic.DeepEqual(*filledSpec, filled.Spec) {
		t.Error("Mutate, Template and Spec fill differently")
	}
	plan := mutate.Plan(&pod.ObjectMeta, &pod.Spec, p)
	for by, other := range map[string]mutate.Report{"Template": templateReport, "Spec": specReport, "Plan": plan} {
		if patchtest.MustJSON(report) != patchtest.MustJSON(other) || !bytes.Equal(report.Patch(), other.Patch()) {
			t.Errorf("Mutate and %s report differently", by)
		}
	}
	if len(row.want) == 0 && (filledTemplate != template || filledSpec != &pod.Spec) {
		t.Error("a template or spec without a change is a copy")
	}
}

// resultSays holds the result to its report: each change stands where its
// pointer says, and without the changes the pod is what it was.
func resultSays(t *testing.T, filled *corev1.Pod, report *mutate.Report) {
	t.Helper()
	tree := patchtest.MustTree([]byte(patchtest.MustJSON(filled)))
	for _, c := range report.Changes() {
		value, ok := resolve(tree, c.Pointer())
		if !ok || patchtest.MustJSON(value) != patchtest.MustJSON(c.Value) {
			t.Errorf("%s is %s in the result, want %s", c.Pointer(), patchtest.MustJSON(value), patchtest.MustJSON(c.Value))
		}
		if want := "/" + strings.Join(c.Steps(), "/"); c.Pointer() != want {
			t.Errorf("the pointer %s, want %s", c.Pointer(), want)
		}
		if c.Serves() == "" || (c.Check == 0) && c.Key == 0 {
			t.Errorf("%s serves no control", c.Pointer())
		}
	}
	for _, u := range report.Unset() {
		if value, ok := resolve(tree, u.Pointer()); ok {
			t.Errorf("%s is left unset and is %s", u.Location, patchtest.MustJSON(value))
		}
		if u.Reason.String() == "" {
			t.Errorf("the reason %q has no explanation", u.Reason)
		}
	}
}

// TestControlsNameTheFills: the table of what is filled in and Mutate speak of
// the same fields, and each change names the check or the key in whose row it
// stands.
func TestControlsNameTheFills(t *testing.T) {
	own := map[spec.Field]string{
		spec.FieldRunAsGroup:               "mutations.runAsGroup",
		spec.FieldPodFSGroup:               "mutations.fsGroup",
		spec.FieldSupplementalGroups:       "mutations.supplementalGroups",
		spec.FieldPodFSGroupChangePolicy:   "mutations.fsGroupChangePolicy",
		spec.FieldHostUsers:                "allow.userNamespace",
		spec.FieldSupplementalGroupsPolicy: "allow.supplementalGroups",
		spec.FieldReadOnlyRootFilesystem:   "allow.readOnlyRootFilesystem",
	}
	rows := map[spec.Field]mutate.FillType{}
	serving := map[*spec.Control]bool{}
	for _, row := range mutate.FillTypes() {
		rows[row.Field] = row
		if row.Check != 0 {
			serving[row.Check.Control()] = true
		} else if row.Key.String() != own[row.Field] {
			t.Errorf("%s serves %q, want %q", row.Field, row.Key, own[row.Field])
		}
	}
	for _, control := range spec.Controls() {
		if serving[control] == (control.NoFill != "") {
			t.Errorf("%s: either fills or a reason for none", control.Title)
		}
	}
	filledField := map[spec.Field]bool{}
	for _, table := range mutateRows {
		for _, row := range table {
			_, report := mutate.Mutate(podOf(t, row.annotations, row.spec), policyOf(t, row.policy))
			for _, c := range report.Changes() {
				filledField[c.Field] = true
				if want := rows[c.Field]; c.Check != want.Check || c.Key != want.Key {
					t.Errorf("%s: %s serves %s and %s, want %s and %s", row.name, c.Location, c.Check, c.Key, want.Check, want.Key)
				}
			}
		}
	}
	for field := range rows {
		if !filledField[field] {
			t.Errorf("no row fills %s", field)
		}
	}
}

// TestFillsThatWindowsForbidsSaySo: whoever prints the table must not read that
// a field is always filled.
func TestFillsThatWindowsForbidsSaySo(t *testing.T) {
	for _, row := range mutate.FillTypes() {
		onWindows := slices.Contains(row.Reasons, mutate.Windows)
		if onWindows == (row.Field == spec.FieldRunAsNonRoot) || onWindows != strings.Contains(row.Unless, "Windows") {
			t.Errorf("%s is left unset on Windows: %v, and Unless says %q", row.Field, onWindows, row.Unless)
		}
	}
}

// TestEveryReasonHasARow: no reason is dead.
func TestEveryReasonHasARow(t *testing.T) {
	reasons := map[mutate.Reason]bool{
		mutate.PolicyLeaves: false, mutate.Windows: false, mutate.Mirror: false, mutate.PrivilegedContainer: false, mutate.AddsSysAdmin: false,
		mutate.RootUser: false, mutate.Administrator: false, mutate.NonRoot: false, mutate.UserNamespace: false, mutate.Annotation: false, mutate.Inherited: false,
		mutate.HostNamespaces: false, mutate.VolumeDevices: false, mutate.NoFSGroup: false,
	}
	for _, rows := range mutateRows {
		for _, row := range rows {
			for _, u := range row.unset {
				reasons[mutate.Reason(u[strings.LastIndex(u, " ")+1:])] = true
			}
		}
	}
	for reason, found := range reasons {
		if !found || reason.String() == "" {
			t.Errorf("%q: in a row %v, explained as %q", reason, found, reason.String())
		}
	}
	if len(reasons) != 14 {
		t.Errorf("rows give %d reasons, the package has 14", len(reasons))
	}
}

// mesh is a pod with a container that sets the network up and one that does the work.
const mesh = "{initContainers: [{name: istio-init, image: 'istio/proxyv2:1.24'}], containers: [{name: a, image: nginx}]}"

var entryRows = []mutateRow{
	{name: "a user for one container", why: "the entry names it, the other gets none", spec: mesh,
		policy: "containers: [{names: [istio-init], images: ['docker.io/istio/proxyv2:*'], mutations: {runAsUser: 65534, runAsGroup: 65534}}]",
		want:   groups.and(bareContainer("i0")).and(bareContainer("c0")).with("i0 runAsUser", "65534").with("i0 runAsGroup", "65534")},
	{name: "an entry of another image", why: "the name alone is not enough", spec: mesh,
		policy: "containers: [{names: [istio-init], images: ['docker.io/istio/pilot:*'], mutations: {runAsUser: 65534}}]",
		want:   groups.and(bareContainer("i0")).and(bareContainer("c0"))},
	{name: "root for one container", why: "what it is granted is not filled in against it", spec: mesh,
		policy: "containers: [{kinds: [init], allow: {runAsUser: RunAsAny, allowPrivilegeEscalation: true}, mutations: {dropAllCapabilities: false, setDefaultSeccompProfile: false}}]",
		want:   groups.and(bareContainer("c0")).and(changes{"i0 privileged": "false", "i0 runAsGroup": "1"}),
		unset:  []string{"i0 allowPrivilegeEscalation: policy", "i0 capabilities.drop: policy", "i0 runAsNonRoot: policy", "i0 seccompProfile.type: policy"}},
	{name: "what the policy turns off and the entry on", why: "the entry speaks for its container", spec: mesh,
		policy: "mutations: {dropAllCapabilities: false, runAsUser: 5}\ncontainers: [{kinds: [init], mutations: {dropAllCapabilities: true, runAsUser: 6}}]",
		want: func() changes {
			want := groups.and(bareContainer("i0")).and(bareContainer("c0")).with("i0 runAsUser", "6").with("c0 runAsUser", "5")
			delete(want, "c0 capabilities.drop")
			return want
		}(),
		unset: []string{"c0 capabilities.drop: policy"}},
	{name: "two entries that name a user", why: "the lowest counts, in whichever order", spec: mesh,
		policy: "containers: [{kinds: [init], mutations: {runAsUser: 9}}, {names: ['istio-*'], mutations: {runAsUser: 8}}]",
		want:   groups.and(bareContainer("i0")).and(bareContainer("c0")).with("i0 runAsUser", "8")},
	{name: "a privileged container that an entry grants", why: "it drops nothing, as under the policy's own grant",
		spec:   "{containers: [{name: a, securityContext: {privileged: true}}, {name: b, securityContext: {privileged: true}}]}",
		policy: "containers: [{names: [a], allow: {privileged: true}}]",
		want: groups.and(changes{"c0 runAsGroup": "1", "c0 runAsNonRoot": "true", "c0 seccompProfile.type": `"RuntimeDefault"`}).
			and(changes{"c1 capabilities.drop": `["ALL"]`, "c1 runAsGroup": "1", "c1 runAsNonRoot": "true", "c1 seccompProfile.type": `"RuntimeDefault"`}),
		unset: []string{"c0 allowPrivilegeEscalation: privileged", "c0 capabilities.drop: privileged", "c1 allowPrivilegeEscalation: privileged"}},
	{name: "a user that the author set", why: "fills, never overrides", spec: one("{runAsUser: 7}"),
		policy: "containers: [{kinds: [regular], mutations: {runAsUser: 8}}]", want: bare},
	{name: "a user that the pod has", why: "the effective value is set", spec: "{securityContext: {runAsUser: 7}, containers: [{name: a}]}",
		policy: "containers: [{kinds: [regular], mutations: {runAsUser: 8}}]", want: bare},
	{name: "an entry for sidecars", why: "one is no init container that ends", spec: "{initContainers: [{name: b, restartPolicy: Always}], containers: [{name: a}]}",
		policy: "containers: [{kinds: [sidecar], mutations: {runAsUser: 8}}, {kinds: [init], mutations: {runAsUser: 3}}]",
		want:   groups.and(bareContainer("i0")).and(bareContainer("c0")).with("i0 runAsUser", "8")},
}
