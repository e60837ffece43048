package policy

import (
	"slices"
	"strings"

	"github.com/podfence/podfence/internal/nearest"
	"github.com/podfence/podfence/spec"
)

// The tables below say what is wide: what of a policy opens the node, or more
// than anybody who wrote it can have in mind.

// everything are the entries that stand for all that a list may hold, and what
// that is.
var everything = [...]struct {
	key  Key
	is   func(entry string) bool
	what string
}{
	{
		KeyAllowedCapabilities,
		// A container that adds ALL has every capability too.
		func(entry string) bool { return entry == anyValue || spec.SameCapability(entry, spec.CapabilityAll) },
		"which is every capability, also those that rule the node, as SYS_ADMIN and SYS_MODULE do; list what its pods add",
	},
	{
		KeyAllowedUnsafeSysctls,
		func(entry string) bool { return entry == anyValue },
		"which is every sysctl, also those of the whole node; list the names or prefixes that its pods set",
	},
	{
		KeyVolumes,
		func(entry string) bool { return entry == anyValue },
		"which is every type of volume but hostPath, also those that the node mounts itself; list the types that its pods use",
	},
}

// nodeKeys are the grants that open the node to a pod, whatever stands under them.
var nodeKeys = [...]Key{
	KeyPrivileged, KeyHostNetworkPorts, KeyHostNamespace, KeyWindowsHostProcess, KeyHostNetwork, KeyHostPID, KeyHostIPC,
}

// nodeCapabilities are those with which a container reaches beyond itself in one
// step: they load code into the kernel, read or write what is not the pod's, or
// set what the whole node goes by.
var nodeCapabilities = [...]string{
	anyValue, spec.CapabilityAll, "BPF", "DAC_READ_SEARCH", "MAC_ADMIN", "MAC_OVERRIDE", "PERFMON", "SYSLOG",
	"SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME",
}

// NodePath is a place of the node from which a pod that writes there rules it.
type NodePath struct {
	Path string
	// Sockets: it holds a socket, which a read-only mount lets be used all the same.
	Sockets bool
}

// nodePaths are such places, in order.
var nodePaths = [...]NodePath{
	{Path: "/bin"},
	{Path: "/boot"},
	{Path: "/dev"},
	{Path: "/etc"},
	{Path: "/etc/cron.d"},
	{Path: "/etc/kubernetes"},
	{Path: "/etc/kubernetes/manifests"},
	{Path: "/lib"},
	{Path: "/opt/cni/bin"},
	{Path: "/proc"},
	{Path: "/root"},
	{Path: "/run/containerd", Sockets: true},
	{Path: "/run/crio", Sockets: true},
	{Path: "/run/docker.sock", Sockets: true},
	{Path: "/sbin"},
	{Path: "/sys"},
	{Path: "/usr"},
	{Path: "/var/lib/containerd"},
	{Path: "/var/lib/docker"},
	{Path: "/var/lib/etcd"},
	{Path: "/var/lib/kubelet"},
	{Path: "/var/log"}, // the kubelet serves what a link there leads to
	{Path: "/var/run/containerd", Sockets: true},
	{Path: "/var/run/crio", Sockets: true},
	{Path: "/var/run/docker.sock", Sockets: true},
	{Path: `C:\Program Files`},
	{Path: `C:\ProgramData`},
	{Path: `C:\Windows`},
	{Path: `C:\etc\kubernetes`},
	{Path: `C:\var\lib\kubelet`},
}

// NodeKeys are the grants that open the node to a pod, whatever stands under them.
// The result is the caller's.
func NodeKeys() []Key { return slices.Clone(nodeKeys[:]) }

// NodeCapabilities are the entries of allowedCapabilities with which a container
// reaches beyond itself in one step, "*" and ALL among them. The result is the
// caller's.
func NodeCapabilities() []string { return slices.Clone(nodeCapabilities[:]) }

// NodePaths are places of the node from which a pod that writes there rules it. The
// result is the caller's.
func NodePaths() []NodePath { return slices.Clone(nodePaths[:]) }

// Opens are the places of the node, of [NodePaths], that a host path covers, and
// through which its pods rule the node.
func (h *HostPath) Opens() (paths []string) {
	for _, n := range nodePaths {
		if (!h.ReadOnly || n.Sockets) && h.covers(n.Path, isWindowsPath(n.Path)) {
			paths = append(paths, n.Path)
		}
	}
	return paths
}

// PicksNamespaces reports whether a namespace must be named by the policy, or have a
// label that it selects. A policy that only leaves some out picks none: it governs in
// whatever other namespace somebody may create.
func (p *Policy) PicksNamespaces() bool {
	asks := demandsOf(p)
	return slices.ContainsFunc(asks.list, func(d demand) bool {
		return d.isOfNamespace() && !d.mayBeAbsent && (d.key != namespaceKey || d.only != nil)
	})
}

// opensNode are the keys under which the policy, or an entry of it, opens the node.
func (p *Policy) opensNode() (keys []Key) {
	isOfNode := func(allowed string) bool {
		return slices.ContainsFunc(nodeCapabilities[:], func(of string) bool { return spec.SameCapability(allowed, of) })
	}
	for _, part := range p.parts {
		for _, k := range nodeKeys {
			if part.given(k) {
				keys = append(keys, k)
			}
		}
		if slices.ContainsFunc(part.Allow.AllowedCapabilities, isOfNode) {
			keys = append(keys, KeyAllowedCapabilities)
		}
	}
	if len(p.Allow.AllowedHostPaths) > 0 {
		keys = append(keys, KeyAllowedHostPaths)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// parts visits the policy and then each of its entries for single containers as a
// policy of its own, with the path at which the keys of it stand.
func (p *Policy) parts(yield func(path string, part *Policy) bool) {
	if !yield("", p) {
		return
	}
	for i := range p.Containers {
		part := p.Containers[i].part()
		if !yield(entryPath(containersKey, i), &part) {
			return
		}
	}
}

// maxSuggested is for how many words of a policy the known one is sought that
// was meant by them, so that a hostile file has not a million compared.
const maxSuggested = 100

// unknownCapabilities warns of each capability that Linux does not have.
func (p *Policy) unknownCapabilities(warn func(Warning)) {
	suggested := 0
	for path, part := range p.parts {
		for i, entry := range part.Allow.AllowedCapabilities {
			isEntry := func(known string) bool { return spec.SameCapability(known, entry) }
			if everything[0].is(entry) || slices.ContainsFunc(spec.Capabilities(), isEntry) {
				continue
			}
			w := Warning{Reason: WarnUnknownCapability, Field: listPath(path, KeyAllowedCapabilities, i), Value: entry}
			if suggested++; suggested <= maxSuggested {
				w.Meant = nearest.Of(strings.TrimPrefix(strings.ToUpper(entry), "CAP_"), spec.Capabilities())
			}
			warn(w)
		}
	}
}

// listPath is the path of an entry of a list, below that of the policy's part.
func listPath(part string, k Key, i int) string { return keyPath(part, entryPath(k.String(), i)) }

// wide warns of what a policy opens further than most mean to.
func (p *Policy) wide(warn func(Warning)) {
	for path, part := range p.parts {
		for _, row := range everything {
			for i, entry := range part.Allow.words(row.key) {
				if row.is(entry) {
					warn(Warning{Reason: WarnEverything, Field: listPath(path, row.key, i), Value: entry})
				}
			}
		}
	}
	for i := range p.Allow.AllowedHostPaths {
		h := &p.Allow.AllowedHostPaths[i]
		if paths := h.Opens(); len(paths) > 0 {
			warn(Warning{Reason: WarnWideHostPath, Field: entryPath(KeyAllowedHostPaths.String(), i), Value: h.PathPrefix, Paths: paths})
		}
	}
	if keys := p.opensNode(); len(keys) > 0 && !p.PicksNamespaces() {
		w := Warning{Reason: WarnEveryNamespace, Keys: keys}
		if p.NamespaceSelector != nil {
			w.Field = "namespaceSelector"
		}
		warn(w)
	}
}

// matchless warns of each probe host that no probe can name: hosts are compared
// as they are written, and none has a pattern, a network or a port in it.
func (p *Policy) matchless(warn func(Warning)) {
	for path, part := range p.parts {
		for i, host := range part.Allow.AllowedProbeHosts {
			if strings.ContainsAny(host, "*/[]") || strings.Count(host, ":") == 1 {
				warn(Warning{Reason: WarnNoSuchHost, Field: listPath(path, KeyAllowedProbeHosts, i), Value: host})
			}
		}
	}
}

// everythingText says what an entry that stands for everything is.
func everythingText(field string) string {
	for _, row := range everything {
		if strings.Contains(field, row.key.String()+"[") {
			return row.what
		}
	}
	return ""
}

// fixWidePath says what to write instead of a prefix that covers such places.
func fixWidePath(opened []string) string {
	const longer = "write the longer prefix that its pods need"
	if slices.ContainsFunc(nodePaths[:], func(n NodePath) bool { return n.Sockets && slices.Contains(opened, n.Path) }) {
		return longer + ", for a read-only mount lets sockets be used"
	}
	return longer + ", or readOnly: true"
}

func fixCapability(meant string) string {
	if meant != "" {
		return "did you mean " + meant + "?"
	}
	return "write a name of capabilities(7), as in NET_ADMIN"
}

func keyNames(keys []Key) (names []string) {
	for _, k := range keys {
		names = append(names, k.String())
	}
	return names
}
