package evaluate

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// walk finds the violations of the standard in one pass over a pod: the pod's
// own fields, then every container, then the annotations. Nothing is allocated
// until a violation is found.
type walk struct {
	meta  *metav1.ObjectMeta
	pod   *corev1.PodSpec
	rules *spec.Rules
	// checks are rules.Checks, which is asked for at every step.
	checks spec.CheckSet
	// at is the container that is being visited; zero for the pod itself.
	at    spec.Container
	found []Violation
}

// find returns every violation of the standard, in the order of Pod Security
// Admission: by check, and within one the pod before its containers.
func find(meta *metav1.ObjectMeta, pod *corev1.PodSpec, lv api.LevelVersion) []Violation {
	rules := spec.For(lv, spec.IsWindows(pod), spec.InUserNamespace(pod))
	w := walk{meta: meta, pod: pod, rules: rules, checks: rules.Checks}
	w.podFields()
	for at, c := range podwalk.Containers(pod) {
		w.at = at
		w.container(c)
	}
	if len(meta.Annotations) > 0 {
		w.appArmorAnnotations()
		w.seccompAnnotations()
	}
	return inReportOrder(w.found)
}

func (w *walk) podFields() {
	w.hostNamespaces()
	w.volumes()
	sc := w.pod.SecurityContext
	if sc == nil {
		return
	}
	w.podAppArmor(sc)
	w.podHostProcess(sc)
	w.podNonRoot(sc)
	w.podSeccomp(sc)
	w.podSELinux(sc)
	w.sysctls(sc)
}

// noSecurityContext stands for the security context of a container without one.
// Nothing writes to it.
var noSecurityContext corev1.SecurityContext

// container asks in the order of restricted's report, so that the violations of
// a pod of one container come out sorted.
func (w *walk) container(c *corev1.Container) {
	sc := c.SecurityContext
	if sc == nil {
		sc = &noSecurityContext
	}
	w.hostPorts(c)
	w.hostProbes(c)
	if plainlyRestricted(sc) {
		return
	}
	w.appArmor(sc)
	w.privileged(sc)
	w.seLinux(sc)
	w.hostProcess(sc)
	w.escalation(sc)
	w.capabilities(sc)
	w.procMount(sc)
	w.nonRoot(sc)
	w.seccomp(sc)
}

// plainlyRestricted reports whether a security context sets what restricted
// demands in its usual form and nothing that any check forbids. No check can
// find anything in it, at any level or version, whatever the pod sets, and most
// containers of a cluster that enforces restricted look so. It may say no to a
// compliant context; the checks decide then.
func plainlyRestricted(sc *corev1.SecurityContext) bool {
	return sc.AllowPrivilegeEscalation != nil && !*sc.AllowPrivilegeEscalation &&
		sc.RunAsNonRoot != nil && *sc.RunAsNonRoot &&
		sc.Capabilities != nil && len(sc.Capabilities.Add) == 0 &&
		len(sc.Capabilities.Drop) == 1 && spec.DropsAll(string(sc.Capabilities.Drop[0])) &&
		sc.SeccompProfile != nil && sc.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault &&
		(sc.Privileged == nil || !*sc.Privileged) && (sc.RunAsUser == nil || *sc.RunAsUser != 0) &&
		sc.AppArmorProfile == nil && sc.ProcMount == nil && sc.SELinuxOptions == nil && sc.WindowsOptions == nil
}

// has reports whether a check is in force for the pod.
func (w *walk) has(id spec.CheckID) bool { return w.checks.Has(id) }

// either returns which of a control's baseline and restricted checks is in
// force, zero for none. The restricted one overrides the other.
func (w *walk) either(baseline, restricted spec.CheckID) spec.CheckID {
	switch {
	case w.has(restricted):
		return restricted
	case w.has(baseline):
		return baseline
	default:
		return 0
	}
}

// add notes a violation by a field of what is being visited. A nil value means
// that the field is unset.
func (w *walk) add(id spec.CheckID, f spec.Field, value any, want string) {
	w.addAt(id, spec.At(w.at, f), value, want)
}

// addAt notes a violation by an element of a list, or by an annotation.
func (w *walk) addAt(id spec.CheckID, l spec.Location, value any, want string) {
	if w.found == nil {
		// A container that sets nothing has four; few pods have more than 16 in all.
		n := len(w.pod.InitContainers) + len(w.pod.Containers) + len(w.pod.EphemeralContainers)
		w.found = make([]Violation, 0, min(4*max(n, 1), 16))
	}
	w.found = append(w.found, Violation{Check: id, Location: l, Value: value, Want: want})
}

// inReportOrder returns violations in the order of their checks, those of one
// check in the order in which they were found. There are few checks, so that
// counting them beats comparing: the cost is one move for each violation.
func inReportOrder(found []Violation) []Violation {
	if slices.IsSortedFunc(found, func(a, b Violation) int { return cmp.Compare(a.Check, b.Check) }) {
		return found
	}
	var next [len(checks) + 1]int
	for i := range found {
		next[found[i].Check+1]++
	}
	for i := 1; i < len(next); i++ {
		next[i] += next[i-1]
	}
	sorted := make([]Violation, len(found))
	for i := range found {
		id := found[i].Check
		sorted[next[id]] = found[i]
		next[id]++
	}
	return sorted
}

// What many fields must be.
const (
	wantFalse        = "false"
	wantFalseOrUnset = "false or unset"
	wantUnset        = "unset"
)

// isTrue reports whether an optional boolean is set and true.
func isTrue(b *bool) bool { return b != nil && *b }
