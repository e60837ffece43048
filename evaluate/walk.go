package evaluate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// walk finds the violations of the standard in two passes over a pod: the
// pod's own fields, then every container, then the annotations. The first
// counts, the second writes each violation where it stands in the answer, so
// that the list has its size and its order from the start. A pod that violates
// nothing is done after the first, which allocates nothing.
type walk struct {
	meta  *metav1.ObjectMeta
	pod   *corev1.PodSpec
	rules *spec.Rules
	// checks are rules.Checks, which is asked for at every step.
	checks spec.CheckSet
	// at is the container that is being visited; zero for the pod itself.
	at spec.Container
	// next is, by check, how many violations the first pass found, and in the
	// second the place of the next one.
	next [len(checks)]int
	// count is how many violations the first pass found in all.
	count int
	// found is nil in the first pass.
	found []Violation
	// facts are those of the container that is being visited, in the second pass.
	facts  spec.Facts
	mounts mounts
}

// find returns every violation of the standard, in the order of Pod Security
// Admission: by check, and within one the pod before its containers.
func find(meta *metav1.ObjectMeta, pod *corev1.PodSpec, lv api.LevelVersion) []Violation {
	rules := spec.For(lv, spec.IsWindows(pod), spec.InUserNamespace(pod))
	w := walk{meta: meta, pod: pod, rules: rules, checks: rules.Checks}
	w.pass()
	if w.count == 0 {
		return nil
	}
	w.found = make([]Violation, w.count)
	w.places()
	w.pass()
	return w.found
}

// places turns the number of violations of each check into the place of its first.
func (w *walk) places() {
	place := 0
	for id, n := range &w.next {
		w.next[id] = place
		place += n
	}
}

func (w *walk) pass() {
	w.at, w.facts = spec.Container{}, 0
	w.podFields()
	for at, c := range podwalk.Containers(w.pod) {
		if w.at = at; w.found != nil {
			w.facts = factsOf(w.pod, c)
		}
		w.container(c)
	}
	if len(w.meta.Annotations) > 0 {
		w.facts = 0
		w.appArmorAnnotations()
		w.seccompAnnotations()
	}
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
		len(sc.Capabilities.Drop) == 1 && hotpath.DropsAll(string(sc.Capabilities.Drop[0])) &&
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

// add notes a violation by a field of what is being visited. The value is made
// an interface where it is written and not in the pass that only counts, for
// that allocates.
func add[T any](w *walk, id spec.CheckID, f spec.Field, value T) {
	addAt(w, id, spec.At(w.at, f), value)
}

// addUnset notes a violation by a field that is unset and may not be.
func addUnset(w *walk, id spec.CheckID, f spec.Field) { add[any](w, id, f, nil) }

// addAt notes a violation by an element of a list, or by an annotation.
func addAt[T any](w *walk, id spec.CheckID, l spec.Location, value T) {
	if w.found == nil {
		w.count++
	} else {
		want := w.rules.Want(id, l.Field)
		w.found[w.next[id]] = Violation{Check: id, Facts: w.facts, Location: l, Value: value, Want: want}
	}
	w.next[id]++
}

// addFacts adds to the violation of a check that was noted last.
func (w *walk) addFacts(id spec.CheckID, facts func() spec.Facts) {
	if w.found != nil {
		w.found[w.next[id]-1].Facts |= facts()
	}
}

// isTrue reports whether an optional boolean is set and true.
func isTrue(b *bool) bool { return b != nil && *b }
