package policy

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// anyValue is the entry of a list that stands for everything.
const anyValue = "*"

// DefaultVolumes are the volume types of a policy that leaves Volumes unset,
// as the document of the format has them. They are fewer than restricted
// allows: csi, ephemeral and image must be listed to be used.
func DefaultVolumes() []string {
	return append([]string(nil), defaultVolumes[:]...)
}

var defaultVolumes = [...]string{"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret"}

// Default returns the policy of a pod that no policy selects: plain restricted,
// with the documented defaults for what is filled in.
func Default() *Policy { return &Policy{} }

// Selects reports whether the policy has a selector at all. One without is the
// default policy under a name, or lives in somebody else's type that selects
// for it: its unset Volumes demand nothing.
func (p *Policy) Selects() bool {
	return len(p.PodSelectorLabels) > 0 || len(p.PodSelectorExpressions) > 0
}

// Capability reports whether containers may add the capability.
func (a *Allow) Capability(capability string) bool {
	for _, allowed := range a.AllowedCapabilities {
		if allowed == anyValue || spec.SameCapability(allowed, capability) {
			return true
		}
	}
	return false
}

// Sysctl reports whether the pod may set the sysctl.
func (a *Allow) Sysctl(name string) bool {
	for _, allowed := range a.AllowedUnsafeSysctls {
		if prefix, ok := strings.CutSuffix(allowed, anyValue); ok && strings.HasPrefix(name, prefix) || allowed == name {
			return true
		}
	}
	return false
}

// HostPort reports whether containers may use the port of the node.
func (a *Allow) HostPort(port int32) bool {
	if a.HostNetworkPorts {
		return true
	}
	for _, r := range a.AllowedHostPorts {
		if r.Min <= port && port <= r.Max {
			return true
		}
	}
	return false
}

// ProbeHost reports whether probes and lifecycle hooks may name the host.
func (a *Allow) ProbeHost(host string) bool { return slices.Contains(a.AllowedProbeHosts, host) }

// SeccompProfile reports whether the policy adds the profile type to those of
// the standard.
func (a *Allow) SeccompProfile(t corev1.SeccompProfileType) bool {
	return slices.Contains(a.SeccompProfiles, string(t))
}

// AppArmorProfile reports whether the policy adds the profile type to those of
// the standard.
func (a *Allow) AppArmorProfile(t corev1.AppArmorProfileType) bool {
	return slices.Contains(a.AppArmorProfiles, string(t))
}

// ProcMount reports whether the policy adds the mount type to that of the standard.
func (a *Allow) ProcMount(t corev1.ProcMountType) bool {
	return slices.Contains(a.ProcMounts, string(t))
}

// HostPath reports whether a hostPath volume may mount a path of the node, and
// if so, whether every mount of it must be read-only. Of several entries that
// cover the path, one that does not ask for read-only mounts suffices.
func (a *Allow) HostPath(path string) (covered, readOnly bool) {
	for _, allowed := range a.AllowedHostPaths {
		if !Covers(allowed.PathPrefix, path) {
			continue
		}
		if !allowed.ReadOnly {
			return true, false
		}
		covered, readOnly = true, true
	}
	return covered, readOnly
}

// Covers reports whether a path prefix, clean and absolute, covers a path: the
// prefix itself and what lies below it, by whole segments. A path that is not
// clean and absolute is covered by none, for the node would resolve its "..",
// and such a prefix covers none. A trailing slash does not matter.
func Covers(prefix, path string) bool {
	if !isClean(path) || !isClean(prefix) {
		return false
	}
	path = trimSlash(path)
	prefix = trimSlash(prefix)
	if prefix == "/" || path == prefix {
		return true
	}
	return len(path) > len(prefix) && path[:len(prefix)] == prefix && path[len(prefix)] == '/'
}

// isClean reports whether a path is absolute and has no empty, "." or ".."
// segment. One trailing slash is allowed. It allocates nothing.
func isClean(path string) bool {
	if path == "/" {
		return true
	}
	rest, absolute := strings.CutPrefix(trimSlash(path), "/")
	if !absolute {
		return false
	}
	for {
		segment, after, more := strings.Cut(rest, "/")
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
		if !more {
			return true
		}
		rest = after
	}
}

// trimSlash removes one trailing slash from all but the root.
func trimSlash(path string) string {
	if len(path) > 1 {
		return strings.TrimSuffix(path, "/")
	}
	return path
}

// Volume reports whether Volumes lists a volume type, or every type. It has no
// say over hostPath, and the default counts where Volumes is unset.
func (a *Allow) Volume(name string) bool {
	if a.Volumes == nil {
		return slices.Contains(defaultVolumes[:], name)
	}
	for _, allowed := range a.Volumes {
		if allowed == anyValue || allowed == name {
			return true
		}
	}
	return false
}

// RootUser reports whether the policy excuses a user ID of 0.
func (r *UserRule) RootUser() bool {
	return r.Rule == RunAsAny || r.Rule == MustRunAs && InRanges(r.Ranges, 0)
}

// InRange reports whether the rule's ranges hold an ID.
func (r *UserRule) InRange(id int64) bool { return InRanges(r.Ranges, id) }

// InRange reports whether the rule's ranges hold an ID.
func (r *GroupRule) InRange(id int64) bool { return InRanges(r.Ranges, id) }

// InRanges reports whether one of the ranges holds an ID.
func InRanges(ranges []IDRange, id int64) bool {
	for _, r := range ranges {
		if r.Min <= id && id <= r.Max {
			return true
		}
	}
	return false
}

// Admits reports whether the rule lets a set ID be.
func (r *GroupRule) Admits(id int64) bool {
	switch r.Rule {
	case MustRunAs, MayRunAs:
		return r.InRange(id)
	default:
		return true
	}
}
