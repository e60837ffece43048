package evaluate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/spec"
)

// podNonRoot holds the pod's part of both checks about root.
func (w *walk) podNonRoot(sc *corev1.PodSecurityContext) {
	if sc.RunAsNonRoot != nil && !*sc.RunAsNonRoot && w.has(spec.CheckRunAsNonRoot) {
		if v := add(w, spec.CheckRunAsNonRoot, spec.FieldPodRunAsNonRoot, false); v != nil {
			v.Facts |= w.inheritorsAreRoot()
		}
	}
	if isRoot(sc.RunAsUser) && w.has(spec.CheckRunAsUser) {
		w.addRootUser(spec.FieldPodRunAsUser)
	}
}

// nonRoot holds a container's part. Only true on the pod stands in for an unset
// field of a container.
func (w *walk) nonRoot(sc *corev1.SecurityContext) {
	if w.has(spec.CheckRunAsNonRoot) {
		switch {
		case sc.RunAsNonRoot == nil && !w.podIsNonRoot():
			w.note(spec.CheckRunAsNonRoot, spec.FieldRunAsNonRoot)
		case sc.RunAsNonRoot != nil && !*sc.RunAsNonRoot:
			add(w, spec.CheckRunAsNonRoot, spec.FieldRunAsNonRoot, false)
		}
	}
	if isRoot(sc.RunAsUser) && w.has(spec.CheckRunAsUser) {
		w.addRootUser(spec.FieldRunAsUser)
	}
}

func (w *walk) podIsNonRoot() bool {
	return isTrue(w.inherited.RunAsNonRoot)
}

func isRoot(uid *int64) bool { return uid != nil && *uid == 0 }

// addRootUser notes a UID 0: the field itself says who the user is, wherever it
// is set.
func (w *walk) addRootUser(f spec.Field) {
	if v := add(w, spec.CheckRunAsUser, f, int64(0)); v != nil {
		v.Facts |= spec.RootUser
	}
}

// inheritorsAreRoot: a pod's runAsNonRoot speaks for the containers that set
// none, of which there must be one.
func (w *walk) inheritorsAreRoot() spec.Facts {
	facts := spec.Facts(0)
	for _, c := range podwalk.Containers(w.pod) {
		if c.SecurityContext != nil && c.SecurityContext.RunAsNonRoot != nil {
			continue
		}
		if !isRoot(spec.EffectiveRunAsUser(w.pod, c)) {
			return 0
		}
		facts = spec.RootUser
	}
	return facts
}

func nonRootDetail(b *strings.Builder, vs []Violation) {
	if selects(setViolation).in(vs) {
		writeSetters(b, vs, setViolation)
		b.WriteString(" must not set securityContext.runAsNonRoot=false")
		return
	}
	b.WriteString("pod or ")
	writeContainers(b, vs, unsetViolation)
	b.WriteString(" must set securityContext.runAsNonRoot=true")
}

func rootUserDetail(b *strings.Builder, vs []Violation) {
	writeSetters(b, vs, anyViolation)
	b.WriteString(" must not set runAsUser=0")
}
