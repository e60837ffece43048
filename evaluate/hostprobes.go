package evaluate

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

func (w *walk) hostProbes(c *corev1.Container) {
	if !w.has(spec.CheckHostProbesAndHostLifecycle) {
		return
	}
	for f, host := range spec.ProbeHosts(c) {
		w.add(spec.CheckHostProbesAndHostLifecycle, f, host, wantUnset)
	}
}

func excuseHostProbe(_ *subject, p *policy.Policy, v *Violation) string {
	if p.Allow.ProbeHost(v.Value.(string)) {
		return "allow.allowedProbeHosts"
	}
	return ""
}

// hostProbesDetail alone of all lists container names sorted and once each.
func hostProbesDetail(b []byte, vs []Violation) []byte {
	names := sortedUnique(slices.Collect(containerNames(vs, anyViolation)))
	hosts := values(vs, anyViolation)
	b = append(b, plural("container", len(names))...)
	b = append(b, ' ')
	b = appendQuoted(b, names)
	b = append(b, uses(len(names))...)
	b = append(b, plural("probe or lifecycle host", len(hosts))...)
	b = append(b, ' ')
	return appendQuoted(b, hosts)
}
