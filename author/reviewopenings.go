package author

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// The pages that the tables name. A sentence of theirs is a fact that its page has.
const (
	kubernetesDocs = "https://kubernetes.io/docs/"
	manPages       = "https://man7.org/linux/man-pages/"
	vulnerability  = "https://nvd.nist.gov/vuln/detail/"

	sourceCapabilities = manPages + "man7/capabilities.7.html"
	sourceConstraints  = kubernetesDocs + "concepts/security/linux-kernel-security-constraints/"
	sourcePID          = manPages + "man7/pid_namespaces.7.html"
	sourceKill         = manPages + "man2/kill.2.html"
	sourcePtrace       = manPages + "man2/ptrace.2.html"
	sourceProc         = manPages + "man5/proc.5.html"
	sourceNsenter      = manPages + "man1/nsenter.1.html"
	sourceNetwork      = manPages + "man7/network_namespaces.7.html"
	sourcePacket       = manPages + "man7/packet.7.html"
	sourceIPC          = manPages + "man7/ipc_namespaces.7.html"
	sourceNoNewPrivs   = "https://docs.kernel.org/userspace-api/no_new_privs.html"
	sourceHostPath     = kubernetesDocs + "concepts/storage/volumes/#hostpath"
	sourceVolumes      = kubernetesDocs + "concepts/storage/volumes/"
	sourceStaticPods   = kubernetesDocs + "tasks/configure-pod-container/static-pod/"
	sourceCertificates = kubernetesDocs + "setup/best-practices/certificates/"
	sourceDocker       = "https://docs.docker.com/engine/security/#docker-daemon-attack-surface"
	sourceSysctls      = kubernetesDocs + "tasks/administer-cluster/sysctl-cluster/"
	sourcePolicies     = kubernetesDocs + "concepts/services-networking/network-policies/"
	sourceUsers        = kubernetesDocs + "concepts/workloads/pods/user-namespaces/"
	sourceContext      = kubernetesDocs + "tasks/configure-pod-container/security-context/"
	sourceSeccomp      = kubernetesDocs + "tutorials/security/seccomp/"
	sourceAppArmor     = kubernetesDocs + "tutorials/security/apparmor/"
	sourceProcMount    = "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/4265-proc-mount"
	sourceWindows      = kubernetesDocs + "tasks/configure-pod-container/create-hostprocess-pod/"
	sourceProbes       = kubernetesDocs + "tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
	sourceStandard     = kubernetesDocs + "concepts/security/pod-security-standards/"
	sourceHostPorts    = kubernetesDocs + "concepts/configuration/overview/"
)

// openings is the table: what of a policy opens what. A grant may have several rows,
// for what it opens by itself and for what it opens beside another one.
var openings = slices.Concat([]opening{
	{
		key: policy.KeyPrivileged, weight: NodeTakeover, check: spec.CheckPrivileged, find: flagged(isPrivileged),
		opens:   "A container may have every capability and every device of the node, and neither seccomp nor AppArmor nor SELinux confines it.",
		attack:  "It mounts a disk of the node, which is among its devices, and changes what the node runs.",
		sources: []string{sourceConstraints, sourceContext},
	},
	{
		key: policy.KeyPrivileged, with: hostPIDKeys, weight: NodeTakeover, check: spec.CheckHostNamespaces,
		find:    flagged(isPrivileged),
		opens:   "A privileged container may see the processes of the node.",
		attack:  "It enters the namespaces of process 1, by nsenter --target 1 --mount, and is a root shell of the node.",
		sources: []string{sourceNsenter, sourcePID},
	},
	{
		key: policy.KeyAllowPrivilegeEscalation, weight: ThisPod, check: spec.CheckAllowPrivilegeEscalation,
		find:    flagged(func(p *policy.Policy) bool { return p.Allow.AllowPrivilegeEscalation }),
		opens:   "A process may get more privileges than the one that started it: set-user-ID programs and capabilities of files have effect. What the container may have at most stays as it is.",
		sources: []string{sourceNoNewPrivs, sourceContext},
	},
	{
		key: policy.KeyAllowedCapabilities, with: hostPIDKeys, weight: NodeTakeover, check: spec.CheckCapabilitiesBaseline,
		find:    listedIn(allowedCapabilities, isCapability("SYS_PTRACE")),
		opens:   "A container may trace every process of the node, root's among them.",
		attack:  "It attaches to a process of the node that is root's, and has it run other code.",
		sources: []string{sourceCapabilities, sourcePtrace},
	},
	{
		key: policy.KeyAllowedCapabilities, with: hostNetworkKeys, weight: OtherTenants, check: spec.CheckCapabilitiesBaseline,
		find:    listedIn(allowedCapabilities, isCapability("NET_RAW", "NET_ADMIN")),
		opens:   "In the node's network a container may act on the interfaces of the node, over which the traffic of its pods goes.",
		attack:  "With NET_RAW it reads that traffic from a packet socket; with NET_ADMIN it changes the node's routes and firewall.",
		sources: []string{sourceCapabilities, sourcePacket},
	},
	{
		key: policy.KeyAllowedUnsafeSysctls, weight: NodeFiles, check: spec.CheckSysctls,
		find:    listedIn(allowedSysctls, func(entry string) bool { return !isNamespaced(entry) }),
		opens:   "The entry reaches sysctls that have no namespace, so that a value is one of the whole node. The kubelet refuses those that it does not know to have one.",
		attack:  "Where a runtime sets kernel.core_pattern, as CRI-O did by CVE-2022-0811, the kernel runs the program that it names as root of the node.",
		sources: []string{sourceSysctls, manPages + "man5/core.5.html", vulnerability + "CVE-2022-0811"},
	},
	{
		key: policy.KeyAllowedUnsafeSysctls, weight: ThisPod, check: spec.CheckSysctls,
		find:    listedIn(allowedSysctls, isNamespaced),
		opens:   "The pod may set sysctls of its own namespaces that Kubernetes does not know to be safe for the node; the kubelet must allow them too.",
		sources: []string{sourceSysctls},
	},
	{
		key: policy.KeyHostNetworkPorts, weight: OtherTenants, check: spec.CheckHostNamespaces,
		find:  flagged(given(policy.KeyHostNetworkPorts)),
		opens: opensHostNetwork, attack: attackHostNetwork, sources: []string{sourceNetwork, sourcePolicies},
	},
	{
		key: policy.KeyHostNetwork, weight: OtherTenants, check: spec.CheckHostNamespaces,
		find:  flagged(given(policy.KeyHostNetwork)),
		opens: opensHostNetwork, attack: attackHostNetwork, sources: []string{sourceNetwork, sourcePolicies},
	},
	{
		key: policy.KeyHostNetworkPorts, weight: OtherTenants, check: spec.CheckHostPorts,
		find:  flagged(given(policy.KeyHostNetworkPorts)),
		opens: opensHostPorts, sources: []string{sourceHostPorts},
	},
	{
		key: policy.KeyAllowedHostPorts, weight: OtherTenants, check: spec.CheckHostPorts,
		find: func(p *policy.Policy) (list []found) {
			for i, r := range p.Allow.AllowedHostPorts {
				list = append(list, found{index: i, value: portsText(r)})
			}
			return list
		},
		opens: opensHostPorts, sources: []string{sourceHostPorts},
	},
	{
		key: policy.KeyRunAsUser, with: hostNetworkKeys, weight: NodeTakeover, check: spec.CheckRunAsUser,
		find:    flagged(mayBeRoot),
		opens:   "A container may be root in the node's network, where abstract sockets of the node's services can be reached.",
		attack:  "With a containerd before 1.3.9 or 1.4.3 it speaks to the socket of a shim, which runs what it is told as root of the node (CVE-2020-15257). A newer one has no such socket.",
		sources: []string{vulnerability + "CVE-2020-15257", sourceNetwork},
	},
	{
		key: policy.KeyHostNamespace, weight: OtherTenants, check: spec.CheckHostNamespaces,
		find:  flagged(given(policy.KeyHostNamespace)),
		opens: opensHostPID + " " + opensHostIPC, sources: []string{sourcePID, sourceProc, sourceIPC},
	},
	{
		key: policy.KeyHostPID, weight: OtherTenants, check: spec.CheckHostNamespaces,
		find:  flagged(given(policy.KeyHostPID)),
		opens: opensHostPID, sources: []string{sourcePID, sourceProc},
	},
	{
		key: policy.KeyHostIPC, weight: OtherTenants, check: spec.CheckHostNamespaces,
		find:  flagged(func(p *policy.Policy) bool { return p.Allow.HostIPC }),
		opens: opensHostIPC, sources: []string{sourceIPC},
	},
	{
		key: policy.KeyRunAsUser, with: hostPIDKeys, weight: NodeFiles, check: spec.CheckRunAsUser,
		find:    flagged(mayBeRoot),
		opens:   "A container may be root among the processes of the node and of its pods.",
		attack:  "It signals every process that is root's, the kubelet among them; and under /proc it reads the environment and the files of each whose capabilities are no more than its own.",
		sources: []string{sourceKill, sourcePtrace, sourceProc},
	},
	{
		key: policy.KeyAllowedHostPaths, weight: NodeTakeover, check: spec.CheckHostPathVolumes,
		find: hostPathsThat(func(h *policy.HostPath) ([]string, bool) {
			places := h.Opens()
			return places, len(places) > 0 && !h.ReadOnly
		}),
		opens:   "A pod may write to places of the node from which the node takes what it runs, and how.",
		attack:  "It writes a program, a job of cron, a setting of the kernel, or the manifest of a static pod, which the kubelet starts without asking the API server.",
		sources: []string{sourceHostPath, sourceStaticPods},
	},
	{
		key: policy.KeyAllowedHostPaths, weight: NodeTakeover, check: spec.CheckHostPathVolumes,
		find:    hostPathsThat(socketsOf),
		opens:   "A pod may speak to the socket of the node's container runtime. A read-only mount does not keep a socket from being used.",
		attack:  "It asks the runtime for a privileged container.",
		sources: []string{sourceDocker, sourceHostPath},
	},
	{
		key: policy.KeyAllowedHostPaths, weight: NodeFiles, check: spec.CheckHostPathVolumes,
		find:    hostPathsThat(credentialsOf),
		opens:   "A pod may read where credentials of the node, of the cluster or of other pods lie.",
		attack:  "It reads the key of the kubelet or of an administrator, or the token of another pod, and asks the API server in its name.",
		sources: []string{sourceCertificates, sourceHostPath},
	},
	{
		key: policy.KeyAllowedHostPaths, weight: NodeFiles, check: spec.CheckHostPathVolumes,
		find:    hostPathsThat(func(h *policy.HostPath) ([]string, bool) { return nil, !h.ReadOnly && len(h.Opens()) == 0 }),
		opens:   "A pod may read and write what the node has there, as far as the permissions of the files let its user.",
		sources: []string{sourceHostPath},
	},
	{
		key: policy.KeyAllowedHostPaths, weight: NodeFiles, check: spec.CheckHostPathVolumes,
		find:    hostPathsThat(func(h *policy.HostPath) ([]string, bool) { return nil, h.ReadOnly && !h.RecursiveReadOnly }),
		opens:   "A pod may read what the node has there, and write to what is mounted below it, for a read-only mount does not reach that.",
		sources: []string{sourceVolumes + "#read-only-mounts", sourceHostPath},
	},
	{
		key: policy.KeyAllowedHostPaths, weight: NodeFiles, check: spec.CheckHostPathVolumes,
		find:    hostPathsThat(func(h *policy.HostPath) ([]string, bool) { return nil, h.RecursiveReadOnly }),
		opens:   "A pod may read what the node has there.",
		sources: []string{sourceVolumes + "#recursive-read-only-mounts", sourceHostPath},
	},
	{
		key: policy.KeyRunAsUser, weight: ThisPod, check: spec.CheckRunAsUser, find: flagged(mayBeRoot),
		opens:   "A container may run as root: whatever of the node it reaches by another grant or by a fault, it reaches as user 0, unless the pod has a user namespace of its own.",
		sources: []string{sourceUsers, sourceContext},
	},
	{
		key: policy.KeyVolumes, weight: NodeTakeover, check: spec.CheckRestrictedVolumes,
		find:    listedIn(allowedVolumes, func(entry string) bool { return entry == everything || entry == "gitRepo" }),
		opens:   "The kubelet runs git on the node, as root, on a repository that the pod's author names.",
		attack:  "A hook in the repository runs on the node (CVE-2024-10220). The kubelet refuses such volumes by default since v1.33, and always since v1.36.",
		sources: []string{vulnerability + "CVE-2024-10220", sourceVolumes + "#gitrepo"},
	},
	{
		key: policy.KeyVolumes, weight: OtherTenants, check: spec.CheckRestrictedVolumes,
		find:    listedIn(allowedVolumes, isForeignVolume),
		opens:   "The node mounts storage that the pod's author names, past the administrator's PersistentVolumes, from wherever the node's network reaches.",
		sources: []string{sourceStandard, sourceVolumes},
	},
	{
		key: policy.KeySeccompProfiles, weight: ThisPod, check: spec.CheckSeccompProfileRestricted,
		find:  listedIn(func(a *policy.Allow) []string { return a.SeccompProfiles }, anyEntry),
		opens: opensSeccomp, attack: attackSeccomp, sources: []string{sourceSeccomp, vulnerability + "CVE-2022-0185"},
	},
	{
		key: policy.KeySetDefaultSeccompProfile, weight: ThisPod, check: spec.CheckSeccompProfileRestricted,
		find:  turnedOff(func(p *policy.Policy) bool { return p.Mutations.SetsSeccompProfile() }),
		opens: opensSeccomp + " A container that names no profile has none, unless the kubelet sets one by default.", attack: attackSeccomp,
		sources: []string{sourceSeccomp, vulnerability + "CVE-2022-0185"},
	},
	{
		key: policy.KeyAppArmorProfiles, weight: ThisPod, check: spec.CheckAppArmorProfile,
		find:    listedIn(func(a *policy.Allow) []string { return a.AppArmorProfiles }, anyEntry),
		opens:   "A container may do without AppArmor's profile of the runtime: one layer of its defence is gone, and nothing is open by that alone.",
		sources: []string{sourceAppArmor, sourceConstraints},
	},
	{
		key: policy.KeySELinuxOptions, weight: ThisPod, check: spec.CheckSELinuxOptions,
		find:    flagged(func(p *policy.Policy) bool { return p.Allow.SELinuxOptions }),
		opens:   "A container may have any SELinux type, also spc_t, which is not confined: one layer of its defence is gone, and nothing is open by that alone.",
		sources: []string{sourceConstraints, sourceContext},
	},
	{
		key: policy.KeyProcMounts, weight: NodeFiles, check: spec.CheckProcMount,
		find:    listedIn(func(a *policy.Allow) []string { return a.ProcMounts }, anyEntry),
		opens:   "A container may see and write what runtimes mask of /proc, the kernel's settings under /proc/sys among it.",
		attack:  "As root of the node's user namespace it writes settings of the node there. API servers take it only from pods with a user namespace of their own (hostUsers: false), whose root may not.",
		sources: []string{sourceProcMount, sourceProc},
	},
	{
		key: policy.KeyWindowsHostProcess, weight: NodeTakeover, check: spec.CheckWindowsHostProcess,
		find:    flagged(func(p *policy.Policy) bool { return p.Allow.WindowsHostProcess }),
		opens:   "A container may be a process of the Windows node: it has the node's files, network and services.",
		attack:  `It runs as NT AUTHORITY\SYSTEM.`,
		sources: []string{sourceWindows},
	},
	{
		key: policy.KeyAllowedProbeHosts, weight: OtherTenants, check: spec.CheckHostProbesAndHostLifecycle,
		find:    listedIn(func(a *policy.Allow) []string { return a.AllowedProbeHosts }, anyEntry),
		opens:   "The kubelet sends the pod's probes to this host, from the node's network, and tells by the pod's state how they were answered.",
		sources: []string{sourceStandard, sourceProbes},
	},
	{
		key: policy.KeyDropAllCapabilities, weight: OtherTenants, check: spec.CheckCapabilitiesRestricted,
		find:    turnedOff(func(p *policy.Policy) bool { return p.Mutations.DropsAllCapabilities() }),
		opens:   "A container may keep the capabilities that its runtime gives by default, with containerd and Docker NET_RAW among them.",
		attack:  "With NET_RAW it forges packets in the network that its node's pods share, as router advertisements (CVE-2020-10749, with CNI plugins before 0.8.6).",
		sources: []string{sourceCapabilities, sourcePacket, vulnerability + "CVE-2020-10749"},
	},
}, capabilityOpenings())

const (
	opensHostNetwork  = "A pod may use the node's network: it reaches what listens on the node's loopback address, and has the node's address, which NetworkPolicies for pods do not speak of."
	attackHostNetwork = "It asks a service of the node that trusts whoever comes from 127.0.0.1."
	opensHostPorts    = "A pod may take ports of the node: what is sent to the node's address there reaches the pod, whatever was to listen there."
	opensHostPID      = "A pod may see all processes of the node and of its pods, with their arguments, and signal those of its own user."
	opensHostIPC      = "A pod may reach the shared memory, semaphores and message queues of the node's processes, as far as their permissions let its user."
	opensSeccomp      = "A container may make every system call that its kernel has: one layer of its defence is gone, and nothing is open by that alone."
	attackSeccomp     = "It meets faults of the kernel that the runtime's profile keeps away, as CVE-2022-0185, which takes a user namespace of one's own to be made."
)

// everything is the entry that stands for all that a list may hold.
const everything = "*"

func anyEntry(string) bool { return true }

// The keys of which each grants a namespace of the node.
var (
	hostPIDKeys     = []policy.Key{policy.KeyHostNamespace, policy.KeyHostPID}
	hostNetworkKeys = []policy.Key{policy.KeyHostNetworkPorts, policy.KeyHostNetwork}
)

// given is the predicate of one of those keys.
func given(key policy.Key) func(*policy.Policy) bool {
	return func(p *policy.Policy) bool { return grants(p, key) }
}

// grants reports whether a policy has one of those keys.
func grants(p *policy.Policy, key policy.Key) bool {
	switch key {
	case policy.KeyHostNamespace:
		return p.Allow.HostNamespace
	case policy.KeyHostPID:
		return p.Allow.HostPID
	case policy.KeyHostNetworkPorts:
		return p.Allow.HostNetworkPorts
	default:
		return p.Allow.HostNetwork
	}
}

func isPrivileged(p *policy.Policy) bool { return p.Allow.Privileged }

// mayBeRoot reports whether the rule over users admits user 0.
func mayBeRoot(p *policy.Policy) bool {
	rule := &p.Allow.RunAsUser
	return rule.Rule == policy.RunAsAny || rule.Rule == policy.MustRunAs && policy.InRanges(rule.Ranges, 0)
}

func allowedCapabilities(a *policy.Allow) []string { return a.AllowedCapabilities }
func allowedSysctls(a *policy.Allow) []string      { return a.AllowedUnsafeSysctls }
func allowedVolumes(a *policy.Allow) []string      { return a.Volumes }

// namespacedSysctls and namespacedGroups are the sysctls, and the beginnings of the
// names of others, that the kubelet knows to have a namespace (namespace.go of
// k8s.io/component-helpers/node/util/sysctl).
var (
	namespacedSysctls = [...]string{
		"kernel.domainname", "kernel.msg*", "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
		"kernel.shm*", "kernel.shm_rmid_forced", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
	}
	namespacedGroups = [...]string{"fs.mqueue.", "net.", "user."}
)

// isNamespaced reports whether an entry reaches no sysctl without a namespace.
func isNamespaced(entry string) bool {
	return slices.Contains(namespacedSysctls[:], entry) ||
		slices.ContainsFunc(namespacedGroups[:], func(group string) bool { return strings.HasPrefix(strings.TrimSuffix(entry, everything), group) })
}

// isForeignVolume reports whether an entry is a volume type that restricted refuses.
// The types of hostPath are granted elsewhere.
func isForeignVolume(entry string) bool {
	if entry == everything {
		return true
	}
	return slices.ContainsFunc(spec.VolumeTypes(), func(t spec.VolumeType) bool {
		return t.Name == entry && !t.Restricted && t.Name != spec.HostPath
	})
}

func portsText(r policy.PortRange) string {
	if r.Min == r.Max {
		return strconv.Itoa(int(r.Min))
	}
	return fmt.Sprintf("%d-%d", r.Min, r.Max)
}

// hostPathsThat finds the host paths that a predicate wants, with places that they reach.
func hostPathsThat(reach func(*policy.HostPath) (places []string, is bool)) func(*policy.Policy) []found {
	return func(p *policy.Policy) (list []found) {
		for i := range p.Allow.AllowedHostPaths {
			h := &p.Allow.AllowedHostPaths[i]
			if places, is := reach(h); is {
				list = append(list, found{i, h.String(), places})
			}
		}
		return list
	}
}

// socketsOf are the places with a socket of the runtime that a host path covers, or
// within which it lies.
func socketsOf(h *policy.HostPath) (places []string, is bool) {
	for _, n := range policy.NodePaths() {
		if n.Sockets && (covers(h.PathPrefix, n.Path) || covers(n.Path, h.PathPrefix)) {
			places = append(places, n.Path)
		}
	}
	return places, len(places) > 0 && mayBeSocket(h)
}

// mayBeSocket reports whether an entry admits a socket, or a directory that may hold one.
func mayBeSocket(h *policy.HostPath) bool {
	return h.Types == nil || slices.ContainsFunc(h.Types, func(t string) bool {
		switch corev1.HostPathType(t) {
		case corev1.HostPathFile, corev1.HostPathFileOrCreate, corev1.HostPathCharDev, corev1.HostPathBlockDev:
			return false
		}
		return true
	})
}

// credentials are those places of the node where credentials lie.
var credentials = [...]string{
	"/etc", "/etc/kubernetes", "/root", "/var/lib/etcd", "/var/lib/kubelet", `C:\etc\kubernetes`, `C:\var\lib\kubelet`,
}

// credentialsOf are the places with credentials that a host path covers, or within
// which it lies.
func credentialsOf(h *policy.HostPath) (places []string, is bool) {
	for _, place := range credentials {
		if covers(h.PathPrefix, place) || covers(place, h.PathPrefix) && place != "/etc" {
			places = append(places, place)
		}
	}
	return places, len(places) > 0
}
