package evaluate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// walk finds the violations of the standard in two passes over a pod: the
// pod's own fields, then every container, then the annotations. The first
// counts, the second writes each violation where it stands in the answer, so
// that the list has its size and its order from the start. A pod that violates
// nothing is done after the first, which allocates nothing.
type walk struct {
	meta *metav1.ObjectMeta
	pod  *corev1.PodSpec
	// inherited is the pod's security context.
	inherited *corev1.PodSecurityContext
	rules     *spec.Rules
	// checks are rules.Checks, which is asked for at every step.
	checks spec.CheckSet
	// at is the container that is being visited; zero for the pod itself.
	at spec.Container
	// next is, by check, how many violations the first pass found, and in the
	// second the place of the next one.
	next [len(checks)]int32
	// found is nil in the first pass.
	found []Violation
	// visited is the container at at, nil for the pod. facts are its facts in the
	// second pass, once somebody asked.
	visited *corev1.Container
	facts   spec.Facts
	asked   bool
	mounts  mounts
}

// find returns every violation of the standard, in the order of Pod Security
// Admission: by check, and within one the pod before its containers.
func find(meta *metav1.ObjectMeta, pod *corev1.PodSpec, lv api.LevelVersion) []Violation {
	if plain(meta, pod) {
		return nil
	}
	rules := spec.For(lv, spec.IsWindows(pod), spec.InUserNamespace(pod))
	w := walk{meta: meta, pod: pod, inherited: podContext(pod), rules: rules, checks: rules.Checks}
	w.pass()
	count := w.places()
	if count == 0 {
		return nil
	}
	w.found = make([]Violation, count)
	w.pass()
	return w.found
}

// places turns the number of violations of each check into the place of its
// first, and returns how many there are in all.
func (w *walk) places() (place int32) {
	for id, n := range &w.next {
		w.next[id] = place
		place += n
	}
	return place
}

func (w *walk) pass() {
	w.visit(spec.Container{}, nil)
	w.podFields()
	for at, c := range podwalk.Containers(w.pod) {
		w.visit(at, c)
		w.container(c)
	}
	if len(w.meta.Annotations) > 0 {
		w.visit(spec.Container{}, nil)
		w.appArmorAnnotations()
		w.seccompAnnotations()
	}
}

func (w *walk) visit(at spec.Container, c *corev1.Container) {
	w.at, w.visited, w.asked = at, c, false
}

// factsHere are the facts of what is being visited.
func (w *walk) factsHere() spec.Facts {
	if !w.asked {
		w.asked, w.facts = true, 0
		if w.visited != nil {
			w.facts = factsOf(w.pod, w.visited)
		}
	}
	return w.facts
}

func (w *walk) podFields() {
	w.hostNamespaces()
	w.volumes()
	sc := w.inherited
	w.podAppArmor(sc)
	w.podHostProcess(sc)
	w.podNonRoot(sc)
	w.podSeccomp(sc)
	w.podSELinux(sc)
	w.sysctls(sc)
}

// These stand for the security context of a container, or of a pod, without one.
// Nothing writes to them.
var (
	noContext    corev1.SecurityContext
	noPodContext corev1.PodSecurityContext
)

// podContext is a pod's security context, an empty one for none.
func podContext(pod *corev1.PodSpec) *corev1.PodSecurityContext {
	if pod.SecurityContext == nil {
		return &noPodContext
	}
	return pod.SecurityContext
}

func (w *walk) container(c *corev1.Container) {
	sc := c.SecurityContext
	if sc == nil {
		sc = &noContext
	}
	w.hostPorts(c)
	w.hostProbes(c)
	if plainContext(sc, w.inherited) {
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

// note counts a violation of a check by a field of what is being visited. In the
// second pass it returns the violation, else nil.
func (w *walk) note(id spec.CheckID, f spec.Field) *Violation {
	n := w.next[id]
	w.next[id]++
	if w.found == nil {
		return nil
	}
	v := &w.found[n]
	v.Check, v.Facts, v.Container, v.Field, v.Index = id, w.factsHere(), w.at, f, -1
	v.Want = w.rules.Want(id, f)
	return v
}

// add notes a violation by a field that is set. The value is made an interface
// where it is written and not in the pass that only counts, for that allocates.
func add[T any](w *walk, id spec.CheckID, f spec.Field, value T) *Violation {
	v := w.note(id, f)
	if v != nil {
		v.Value = value
	}
	return v
}

// addElement is add for an element of a list.
func addElement[T any](w *walk, id spec.CheckID, f spec.Field, i int, value T) *Violation {
	v := add(w, id, f, value)
	if v != nil {
		v.Index = int32(i)
	}
	return v
}

// addAnnotation is add for an annotation of the pod.
func (w *walk) addAnnotation(id spec.CheckID, key string) {
	if v := add(w, id, spec.FieldAnnotation, w.meta.Annotations[key]); v != nil {
		v.Key = key
	}
}

// isTrue reports whether an optional boolean is set and true.
func isTrue(b *bool) bool { return b != nil && *b }
