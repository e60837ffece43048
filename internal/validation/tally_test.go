package validation_test

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

// tally counts what a property really tried, so that a generator cannot go
// wrong in silence.
type tally struct {
	generated, valid, changed int
	sorts                     map[string]int
}

func newTally() *tally { return &tally{sorts: map[string]int{}} }

// accepted notes a valid pod and what the library did with it.
func (c *tally) accepted(annotations map[string]string, pod *corev1.PodSpec, report *mutate.Report) {
	c.valid++
	if report.Changed() {
		c.changed++
	} else {
		c.sorts["nothing filled"]++
	}
	sorts := sortsOf(annotations, pod)
	for _, u := range report.Unset() {
		sorts["left unset: "+string(u.Reason)] = true
	}
	for name, is := range sorts {
		if is {
			c.sorts[name]++
		}
	}
}

// leastValid is the share of generated pods that must be valid, in percent.
const leastValid = 30

// check asserts, in a seeded run, how many generated pods must be valid and how
// many in 10,000 valid ones must be of a sort.
func (c *tally) check(t *testing.T, floors map[string]int) {
	t.Helper()
	t.Logf("%d generated, %d valid (%d%%), %d of them changed", c.generated, c.valid, 100*c.valid/max(c.generated, 1), c.changed)
	for _, name := range slices.Sorted(maps.Keys(c.sorts)) {
		t.Logf("%7d  %s", c.sorts[name], name)
	}
	if t.Failed() || !seeded {
		return
	}
	if 100*c.valid < leastValid*c.generated {
		t.Errorf("%d of %d generated are valid, less than %d%%", c.valid, c.generated, leastValid)
	}
	for name, floor := range floors {
		if got := c.sorts[name]; got < max(1, floor*c.valid/10000) {
			t.Errorf("%d of %d valid ones are of the sort %q, less than %d in 10,000", got, c.valid, name, floor)
		}
	}
}

// sortsOf says of what sorts a pod is.
func sortsOf(annotations map[string]string, pod *corev1.PodSpec) map[string]bool {
	m := map[string]bool{
		"windows":         spec.IsWindows(pod),
		"linux":           pod.OS != nil && pod.OS.Name == corev1.Linux,
		"hostUsers=false": spec.InUserNamespace(pod),
		"hostNetwork":     pod.HostNetwork,
		"hostPID":         pod.HostPID,
		"hostIPC":         pod.HostIPC,
		"volumes":         len(pod.Volumes) > 0,
	}
	set := len(annotations) > 0
	for key := range annotations {
		m["annotation "+annotationKind(key)] = true
	}
	if sc := pod.SecurityContext; sc != nil {
		set = set || !isZero(sc)
		m["pod seccomp"] = sc.SeccompProfile != nil
		m["pod AppArmor"] = sc.AppArmorProfile != nil
		m["pod sysctls"] = len(sc.Sysctls) > 0
		m["hostProcess"] = sc.WindowsOptions != nil && sc.WindowsOptions.HostProcess != nil && *sc.WindowsOptions.HostProcess
	}
	complete := true
	for at, c := range podwalk.Containers(pod) {
		m[kindOf(at, c)] = true
		m["several containers"] = m["several containers"] || at.Index > 0
		complete = isComplete(pod, c) && complete
		sc := c.SecurityContext
		if sc == nil {
			continue
		}
		set = true
		m["privileged, escalation unset"] = m["privileged, escalation unset"] || spec.IsPrivileged(c) && sc.AllowPrivilegeEscalation == nil
		m["adds SYS_ADMIN in some spelling, escalation unset"] = m["adds SYS_ADMIN in some spelling, escalation unset"] || spec.AddsSysAdmin(c) && sc.AllowPrivilegeEscalation == nil
		m["privileged"] = m["privileged"] || spec.IsPrivileged(c)
		m["escalation=false"] = m["escalation=false"] || sc.AllowPrivilegeEscalation != nil && !*sc.AllowPrivilegeEscalation
		m["container seccomp"] = m["container seccomp"] || sc.SeccompProfile != nil
		m["container AppArmor"] = m["container AppArmor"] || sc.AppArmorProfile != nil
		m["container SELinux"] = m["container SELinux"] || sc.SELinuxOptions != nil
		m["procMount Unmasked"] = m["procMount Unmasked"] || sc.ProcMount != nil && *sc.ProcMount == corev1.UnmaskedProcMount
		if sc.Capabilities == nil {
			continue
		}
		m["capabilities: {}"] = m["capabilities: {}"] || len(sc.Capabilities.Add)+len(sc.Capabilities.Drop) == 0
		for _, add := range sc.Capabilities.Add {
			if spec.SameCapability(string(add), "SYS_ADMIN") {
				m["adds "+string(add)] = true
			}
		}
	}
	m["nothing set"] = !set
	m["everything set"] = complete && pod.SecurityContext != nil && pod.SecurityContext.FSGroup != nil && len(pod.SecurityContext.SupplementalGroups) > 0 &&
		pod.SecurityContext.SupplementalGroupsPolicy != nil
	return m
}

func kindOf(at spec.Container, c *corev1.Container) string {
	switch {
	case at.Kind == spec.EphemeralContainer:
		return "ephemeral container"
	case at.Kind == spec.RegularContainer:
		return "regular container"
	case c.RestartPolicy != nil:
		return "sidecar"
	default:
		return "init container"
	}
}

func isZero(sc *corev1.PodSecurityContext) bool {
	return sc.SELinuxOptions == nil && sc.WindowsOptions == nil && sc.RunAsUser == nil && sc.RunAsGroup == nil && sc.RunAsNonRoot == nil &&
		len(sc.SupplementalGroups) == 0 && sc.SupplementalGroupsPolicy == nil && sc.FSGroup == nil && len(sc.Sysctls) == 0 && sc.SeccompProfile == nil && sc.AppArmorProfile == nil
}

// isComplete reports whether all that Mutate fills is set on a container.
func isComplete(pod *corev1.PodSpec, c *corev1.Container) bool {
	sc := c.SecurityContext
	return sc != nil && sc.AllowPrivilegeEscalation != nil && sc.Privileged != nil && sc.Capabilities != nil && len(sc.Capabilities.Drop) > 0 &&
		sc.ReadOnlyRootFilesystem != nil && spec.EffectiveRunAsUser(pod, c) != nil && spec.EffectiveRunAsGroup(pod, c) != nil &&
		spec.EffectiveRunAsNonRoot(pod, c) != nil && spec.EffectiveSeccompProfile(pod, c) != nil
}

func annotationKind(key string) string {
	switch {
	case key == corev1.MirrorPodAnnotationKey:
		return "mirror"
	case key == spec.SeccompPodAnnotation:
		return "pod seccomp"
	case len(key) > len(spec.AppArmorAnnotation) && key[:len(spec.AppArmorAnnotation)] == spec.AppArmorAnnotation:
		return "AppArmor"
	default:
		return "seccomp"
	}
}
