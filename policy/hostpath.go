package policy

import (
	"slices"
	"strings"

	"github.com/podfence/podfence/spec"
)

// covers reports whether the entry's prefix covers a path: of a pod on Windows
// one with a drive letter, of any other pod one with slashes.
func (h *HostPath) covers(path string, onWindows bool) bool {
	switch {
	case isWindowsPath(h.PathPrefix) != onWindows:
		return false
	case onWindows:
		return CoversWindows(h.PathPrefix, path)
	default:
		return Covers(h.PathPrefix, path)
	}
}

// admits reports whether the entry lets a path be mounted as a pod does.
func (h *HostPath) admits(path string, facts spec.Facts) bool {
	return h.covers(path, facts.Has(spec.OnWindows)) &&
		!(h.ReadOnly && facts.Has(spec.MountedWritable)) &&
		!(h.RecursiveReadOnly && facts.Has(spec.SubmountsWritable)) &&
		h.admitsType(facts.HostPathType())
}

// admitsType reports whether the entry admits a type; one that the API does not
// know, "", where it lists none.
func (h *HostPath) admitsType(name string) bool {
	return h.Types == nil || name != "" && slices.Contains(h.Types, name)
}

// String says what the entry lets be mounted, in a few words: "/var/log with
// every mount readOnly, of type Directory".
func (h HostPath) String() string {
	var b strings.Builder
	b.WriteString(h.PathPrefix)
	if isWindowsPath(h.PathPrefix) {
		b.WriteString(" on Windows (spec.os.name)")
	}
	switch {
	case h.RecursiveReadOnly:
		b.WriteString(" with every mount recursiveReadOnly: Enabled")
	case h.ReadOnly:
		b.WriteString(" with every mount readOnly")
	}
	if h.Types != nil {
		b.WriteString(", of type " + orList(h.Types))
	}
	return b.String()
}
