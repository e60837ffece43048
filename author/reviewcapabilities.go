package author

import (
	"slices"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// capability is a row of the table of capabilities: what one opens by itself.
type capability struct {
	name          string
	weight        Weight
	opens, attack string
	// sources are pages beside that of the capabilities.
	sources []string
}

const (
	sourceModule     = manPages + "man2/init_module.2.html"
	sourceHandle     = manPages + "man2/open_by_handle_at.2.html"
	sourceCgroups    = manPages + "man7/cgroups.7.html"
	sourceReboot     = manPages + "man2/reboot.2.html"
	sourceKexec      = manPages + "man2/kexec_load.2.html"
	sourceIO         = manPages + "man2/iopl.2.html"
	sourceBPF        = manPages + "man2/bpf.2.html"
	sourceSyslog     = manPages + "man2/syslog.2.html"
	sourceHeader     = "https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h"
	byDefault        = "It is one of those that runtimes give by default, and acts on the files and processes that the container reaches: "
	opensEveryOne    = "A container may have every capability, those that rule the node among them."
	attackEveryOne   = "With SYS_MODULE it loads a module into the node's kernel."
	attackReleasing  = "With cgroups of version 1 it mounts a hierarchy and names a program as its release_agent, which the kernel runs as root of the node."
	attackByHandle   = "It opens files by handles that it guesses, anywhere in a filesystem of which it has one mount: its /etc/hosts is one of the node's."
	attackModule     = "It loads a module, which is code in the node's kernel."
	attackNewKernel  = "It loads another kernel by kexec_load(2), for the node to start."
	attackRawTraffic = "It forges packets in the network that its node's pods share: answers of ARP, or router advertisements (CVE-2020-10749, with CNI plugins before 0.8.6)."
)

// capabilities is the table, in order of name. What each allows is what capabilities(7) says.
var capabilities = [...]capability{
	{name: "AUDIT_CONTROL", weight: NodeFiles, opens: "Turns the auditing of the node's kernel on and off, and changes its rules."},
	{name: "AUDIT_READ", weight: NodeFiles, opens: "Reads the audit log of the node's kernel."},
	{name: "AUDIT_WRITE", weight: ThisPod, opens: "Writes records to the audit log of the node's kernel. It is one of those that runtimes give by default."},
	{name: "BLOCK_SUSPEND", weight: ThisPod, opens: "Keeps the system from suspending."},
	{name: "BPF", weight: NodeFiles, opens: "Loads programs and maps of BPF into the node's kernel, with PERFMON also those that trace it.", sources: []string{sourceBPF, sourceHeader}},
	{name: "CHECKPOINT_RESTORE", weight: ThisPod, opens: "Chooses process IDs, and reads what files the processes that it sees have mapped."},
	{name: "CHOWN", weight: ThisPod, opens: byDefault + "it changes the owners of files."},
	{name: "DAC_OVERRIDE", weight: ThisPod, opens: byDefault + "it passes the permissions of files."},
	{name: "DAC_READ_SEARCH", weight: NodeFiles, opens: "Reads every file and directory whatever its permissions, and opens files by their handles.", attack: attackByHandle, sources: []string{sourceHandle}},
	{name: "FOWNER", weight: ThisPod, opens: byDefault + "it passes what only a file's owner may do."},
	{name: "FSETID", weight: ThisPod, opens: byDefault + "it keeps set-user-ID bits of files that are changed."},
	{name: "IPC_LOCK", weight: ThisPod, opens: "Locks memory, so that it is never swapped out."},
	{name: "IPC_OWNER", weight: ThisPod, opens: "Passes the permissions of objects of System V in its IPC namespace."},
	{name: "KILL", weight: ThisPod, opens: byDefault + "it signals every process that it sees."},
	{name: "LEASE", weight: ThisPod, opens: "Takes leases on files of others."},
	{name: "LINUX_IMMUTABLE", weight: ThisPod, opens: "Sets and clears the flags of files that may only be appended to, or not be changed at all."},
	{name: "MAC_ADMIN", weight: NodeFiles, opens: "Changes the mandatory access control of the node, where that is Smack."},
	{name: "MAC_OVERRIDE", weight: NodeFiles, opens: "Passes the mandatory access control of the node, where that is Smack."},
	{name: "MKNOD", weight: ThisPod, opens: byDefault + "it makes device files; which devices it may open stays what the runtime says."},
	{name: "NET_ADMIN", weight: OtherTenants, opens: "Sets addresses, routes, firewall and promiscuous mode of the network that the pod is in: its own, or with the host's network the node's.", attack: "It gives its interface the address of another pod, whose traffic then comes to it where the network does not check addresses."},
	{name: "NET_BIND_SERVICE", weight: ThisPod, opens: "Listens on ports below 1024. Restricted allows it."},
	{name: "NET_BROADCAST", weight: ThisPod, opens: "Nothing: Linux does not use it."},
	{name: "NET_RAW", weight: OtherTenants, opens: "Sends and receives raw packets, whatever address they say they come from.", attack: attackRawTraffic, sources: []string{sourcePacket, vulnerability + "CVE-2020-10749"}},
	{name: "PERFMON", weight: NodeFiles, opens: "Watches the performance of the whole node, and reads memory of its kernel by programs of BPF.", sources: []string{sourceHeader}},
	{name: "SETFCAP", weight: ThisPod, opens: byDefault + "it gives capabilities to files."},
	{name: "SETGID", weight: ThisPod, opens: byDefault + "it changes the groups of its processes."},
	{name: "SETPCAP", weight: ThisPod, opens: byDefault + "it changes which capabilities its processes hand on."},
	{name: "SETUID", weight: ThisPod, opens: byDefault + "it changes the users of its processes."},
	{name: "SYSLOG", weight: NodeFiles, opens: "Reads the messages of the node's kernel, and its addresses.", sources: []string{sourceSyslog}},
	{name: "SYS_ADMIN", weight: NodeTakeover, opens: "Mounts filesystems, enters namespaces and does much else that only root of the node may: capabilities(7) calls it the new root.", attack: attackReleasing, sources: []string{sourceCgroups}},
	{name: "SYS_BOOT", weight: NodeTakeover, opens: "Restarts the system, or in a PID namespace of its own the pod, and loads another kernel.", attack: attackNewKernel, sources: []string{sourceReboot, sourceKexec}},
	{name: "SYS_CHROOT", weight: ThisPod, opens: byDefault + "it changes the root directory of its processes."},
	{name: "SYS_MODULE", weight: NodeTakeover, opens: "Loads modules into the node's kernel and takes them out.", attack: attackModule, sources: []string{sourceModule}},
	{name: "SYS_NICE", weight: OtherTenants, opens: "Raises the priority of its processes, up to real time, at the cost of all others of the node."},
	{name: "SYS_PACCT", weight: ThisPod, opens: "Turns the accounting of processes on and off in its PID namespace."},
	{name: "SYS_PTRACE", weight: ThisPod, opens: "Traces the processes that it sees, and reads and writes their memory: the pod's own, unless it has the host's PID namespace.", sources: []string{sourcePtrace}},
	{name: "SYS_RAWIO", weight: NodeTakeover, opens: "Reaches ports of the node's hardware, and the kernel's memory where device files for it are at hand.", attack: "It drives hardware past the kernel by iopl(2).", sources: []string{sourceIO}},
	{name: "SYS_RESOURCE", weight: OtherTenants, opens: "Passes limits and quotas, and takes disk space that the node keeps in reserve."},
	{name: "SYS_TIME", weight: NodeFiles, opens: "Sets the clock of the node, by which certificates and tokens expire."},
	{name: "SYS_TTY_CONFIG", weight: ThisPod, opens: "Sets up virtual terminals."},
	{name: "WAKE_ALARM", weight: ThisPod, opens: "Sets alarms that wake the system."},
}

// capabilityOpenings are the rows of allowedCapabilities: one for all of them, one
// for each, and one for what Linux does not have.
func capabilityOpenings() []opening {
	row := func(weight Weight, is func(string) bool, opens, attack string, sources ...string) opening {
		return opening{
			key: policy.KeyAllowedCapabilities, weight: weight, check: spec.CheckCapabilitiesBaseline,
			find: listedIn(allowedCapabilities, is), opens: opens, attack: attack, sources: append([]string{sourceCapabilities}, sources...),
		}
	}
	list := []opening{
		row(NodeTakeover, isEveryCapability, opensEveryOne, attackEveryOne, sourceModule),
		row(ThisPod, func(entry string) bool { return !isEveryCapability(entry) && capabilityOf(entry) == nil },
			"Nothing today: Linux has no capability of this name.", ""),
	}
	for i := range capabilities {
		c := &capabilities[i]
		list = append(list, row(c.weight, func(entry string) bool { return capabilityOf(entry) == c }, c.opens, c.attack, c.sources...))
	}
	return list
}

func isEveryCapability(entry string) bool {
	return entry == everything || spec.SameCapability(entry, spec.CapabilityAll)
}

// capabilityOf is the row of an entry, nil where Linux has no such capability.
func capabilityOf(entry string) *capability {
	i := slices.IndexFunc(capabilities[:], func(c capability) bool { return spec.SameCapability(entry, c.name) })
	if i < 0 {
		return nil
	}
	return &capabilities[i]
}

// isCapability reports whether an entry is one of some capabilities, or all of them.
func isCapability(names ...string) func(entry string) bool {
	return func(entry string) bool {
		return isEveryCapability(entry) ||
			slices.ContainsFunc(names, func(name string) bool { return spec.SameCapability(entry, name) })
	}
}
