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
	found []Violation
}

// find returns every violation of the standard, in the order of Pod Security
// Admission: by check, and within one the pod before its containers.
func find(meta *metav1.ObjectMeta, pod *corev1.PodSpec, lv api.LevelVersion) []Violation {
	w := walk{
		meta:  meta,
		pod:   pod,
		rules: spec.For(lv, spec.IsWindows(pod), spec.InUserNamespace(pod)),
	}
	w.podFields()
	for at, c := range podwalk.Containers(pod) {
		w.container(at, c)
	}
	if len(meta.Annotations) > 0 {
		w.appArmorAnnotations()
		w.seccompAnnotations()
	}
	if len(w.found) > 1 {
		slices.SortStableFunc(w.found, func(a, b Violation) int { return cmp.Compare(a.Check, b.Check) })
	}
	return w.found
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

func (w *walk) container(at spec.Container, c *corev1.Container) {
	sc := c.SecurityContext
	if sc == nil {
		sc = &noSecurityContext
	}
	w.appArmor(at, sc)
	w.capabilities(at, sc)
	w.escalation(at, sc)
	w.hostPorts(at, c)
	w.hostProbes(at, c)
	w.hostProcess(at, sc)
	w.nonRoot(at, sc)
	w.privileged(at, sc)
	w.procMount(at, sc)
	w.seLinux(at, sc)
	w.seccomp(at, sc)
}

// has reports whether a check is in force for the pod.
func (w *walk) has(id spec.CheckID) bool { return w.rules.Checks.Has(id) }

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

// add notes a violation. A nil value means that the field is unset.
func (w *walk) add(id spec.CheckID, l spec.Location, value any, want string) {
	w.found = append(w.found, Violation{Check: id, Location: l, Value: value, Want: want})
}

// What many fields must be.
const (
	wantFalse        = "false"
	wantFalseOrUnset = "false or unset"
	wantUnset        = "unset"
)

// isTrue reports whether an optional boolean is set and true.
func isTrue(b *bool) bool { return b != nil && *b }
