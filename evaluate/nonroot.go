package evaluate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

const wantNonRootUser = "any UID but 0"

// podNonRoot holds the pod's part of both checks about root.
func (w *walk) podNonRoot(sc *corev1.PodSecurityContext) {
	if sc.RunAsNonRoot != nil && !*sc.RunAsNonRoot && w.has(spec.CheckRunAsNonRoot) {
		add(w, spec.CheckRunAsNonRoot, spec.FieldPodRunAsNonRoot, false, "true or unset")
	}
	if isRoot(sc.RunAsUser) && w.has(spec.CheckRunAsUser) {
		add(w, spec.CheckRunAsUser, spec.FieldPodRunAsUser, int64(0), wantNonRootUser)
	}
}

// nonRoot holds a container's part. Only true on the pod stands in for an unset
// field of a container.
func (w *walk) nonRoot(sc *corev1.SecurityContext) {
	if w.has(spec.CheckRunAsNonRoot) {
		switch {
		case sc.RunAsNonRoot == nil && !w.podIsNonRoot():
			addUnset(w, spec.CheckRunAsNonRoot, spec.FieldRunAsNonRoot, "true")
		case sc.RunAsNonRoot != nil && !*sc.RunAsNonRoot:
			add(w, spec.CheckRunAsNonRoot, spec.FieldRunAsNonRoot, false, "true")
		}
	}
	if isRoot(sc.RunAsUser) && w.has(spec.CheckRunAsUser) {
		add(w, spec.CheckRunAsUser, spec.FieldRunAsUser, int64(0), wantNonRootUser)
	}
}

func (w *walk) podIsNonRoot() bool {
	return w.pod.SecurityContext != nil && isTrue(w.pod.SecurityContext.RunAsNonRoot)
}

func isRoot(uid *int64) bool { return uid != nil && *uid == 0 }

// excuseNonRoot: RunAsAny excuses all, MustRunAs only containers that do run as
// a UID 0 within its ranges. A pod's runAsNonRoot=false is excused where it
// reaches such containers and no other.
func excuseNonRoot(s *subject, p *policy.Policy, v *Violation) policy.Key {
	if p.Allow.RunAsUser.Rule == policy.RunAsAny {
		return policy.KeyRunAsUser
	}
	if !p.Allow.RunAsUser.RootUser() {
		return 0
	}
	if v.Container.Kind != 0 {
		if isRoot(spec.EffectiveRunAsUser(s.pod, podwalk.Get(s.pod, v.Container))) {
			return policy.KeyRunAsUser
		}
		return 0
	}
	excused := policy.Key(0)
	for _, c := range podwalk.Containers(s.pod) {
		if c.SecurityContext != nil && c.SecurityContext.RunAsNonRoot != nil {
			continue
		}
		if !isRoot(spec.EffectiveRunAsUser(s.pod, c)) {
			return 0
		}
		excused = policy.KeyRunAsUser
	}
	return excused
}

// excuseRootUser: the violation is a UID 0, wherever it is set.
func excuseRootUser(_ *subject, p *policy.Policy, _ *Violation) policy.Key {
	if p.Allow.RunAsUser.RootUser() {
		return policy.KeyRunAsUser
	}
	return 0
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
