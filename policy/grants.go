package policy

import (
	"strings"

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

// Covers reports whether a path prefix, clean and absolute, covers a path: the
// prefix itself and what lies below it, by whole segments. A path that is not
// clean and absolute is covered by none, for the node would resolve its "..",
// and such a prefix covers none; nor is one with a backslash, which divides
// segments where the node is one of Windows. A trailing slash does not matter.
// Paths of pods that name Windows as their OS are [CoversWindows]'s.
func Covers(prefix, path string) bool {
	// What is read whole comes last: a pod may have thousands of paths, and a policy
	// hundreds of prefixes.
	return below(trimSlash(prefix), trimSlash(path)) && isClean(prefix) && isClean(path)
}

// below reports whether a path is a prefix, or begins with all its segments.
func below(prefix, path string) bool {
	if prefix == "/" || path == prefix {
		return true
	}
	return len(path) > len(prefix) && path[:len(prefix)] == prefix && path[len(prefix)] == '/'
}

// isClean reports whether a path is absolute and has no backslash and no empty,
// "." or ".." segment. One trailing slash is allowed. It allocates nothing.
func isClean(path string) bool {
	if path == "/" {
		return true
	}
	if strings.IndexByte(path, '\\') >= 0 {
		return false
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
// say over hostPath, the default counts where Volumes is unset, and no list holds
// spec.UnknownVolumeType.
func (a *Allow) Volume(name string) bool { return a.volume(name) >= 0 }

// HostPath reports whether the policy lets a path of the node be mounted, by what
// the pod says of the volume.
func (a *Allow) HostPath(path string, facts spec.Facts) bool { return a.hostPath(path, facts) >= 0 }

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
		return InRanges(r.Ranges, id)
	default:
		return true
	}
}
