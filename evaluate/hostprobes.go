package evaluate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/spec"
)

func (w *walk) hostProbes(c *corev1.Container) {
	if !w.has(spec.CheckHostProbesAndHostLifecycle) {
		return
	}
	for f, host := range hotpath.ProbeHosts(c) {
		add(w, spec.CheckHostProbesAndHostLifecycle, f, host)
	}
}

// hostProbesDetail alone of all lists container names sorted and once each.
func hostProbesDetail(b *strings.Builder, vs []Violation) {
	names := sortedUnique(slices.Collect(containerNames(vs, anyViolation)))
	hosts := values(vs, anyViolation)
	b.WriteString(plural("container", len(names)))
	b.WriteByte(' ')
	writeQuoted(b, names)
	b.WriteString(uses(len(names)))
	b.WriteString(plural("probe or lifecycle host", len(hosts)))
	b.WriteByte(' ')
	writeQuoted(b, hosts)
}
