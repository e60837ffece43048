package evaluate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

const wantNonRootUser = "any UID but 0"

// podNonRoot holds the pod's part of both checks about root.
func (w *walk) podNonRoot(sc *corev1.PodSecurityContext) {
	if sc.RunAsNonRoot != nil && !*sc.RunAsNonRoot && w.has(spec.CheckRunAsNonRoot) {
		w.add(spec.CheckRunAsNonRoot, spec.FieldPodRunAsNonRoot, false, "true or unset")
	}
	if isRoot(sc.RunAsUser) && w.has(spec.CheckRunAsUser) {
		w.add(spec.CheckRunAsUser, spec.FieldPodRunAsUser, int64(0), wantNonRootUser)
	}
}

// nonRoot holds a container's part. Only true on the pod stands in for an unset
// field of a container.
func (w *walk) nonRoot(sc *corev1.SecurityContext) {
	if w.has(spec.CheckRunAsNonRoot) {
		switch {
		case sc.RunAsNonRoot == nil && !w.podIsNonRoot():
			w.add(spec.CheckRunAsNonRoot, spec.FieldRunAsNonRoot, nil, "true")
		case sc.RunAsNonRoot != nil && !*sc.RunAsNonRoot:
			w.add(spec.CheckRunAsNonRoot, spec.FieldRunAsNonRoot, false, "true")
		}
	}
	if isRoot(sc.RunAsUser) && w.has(spec.CheckRunAsUser) {
		w.add(spec.CheckRunAsUser, spec.FieldRunAsUser, int64(0), wantNonRootUser)
	}
}

func (w *walk) podIsNonRoot() bool {
	return w.pod.SecurityContext != nil && isTrue(w.pod.SecurityContext.RunAsNonRoot)
}

func isRoot(uid *int64) bool { return uid != nil && *uid == 0 }

const grantRunAsUser = "allow.runAsUser"

// excuseNonRoot: RunAsAny excuses all, MustRunAs only containers that do run as
// a UID 0 within its ranges. A pod's runAsNonRoot=false is excused where it
// reaches such containers and no other.
func excuseNonRoot(s *subject, p *policy.Policy, v *Violation) string {
	if p.Allow.RunAsUser.Rule == policy.RunAsAny {
		return grantRunAsUser
	}
	if !p.Allow.RunAsUser.RootUser() {
		return ""
	}
	if v.Container.Kind != 0 {
		if isRoot(spec.EffectiveRunAsUser(s.pod, podwalk.Get(s.pod, v.Container))) {
			return grantRunAsUser
		}
		return ""
	}
	excused := ""
	for _, c := range podwalk.Containers(s.pod) {
		if c.SecurityContext != nil && c.SecurityContext.RunAsNonRoot != nil {
			continue
		}
		if !isRoot(spec.EffectiveRunAsUser(s.pod, c)) {
			return ""
		}
		excused = grantRunAsUser
	}
	return excused
}

// excuseRootUser: the violation is a UID 0, wherever it is set.
func excuseRootUser(_ *subject, p *policy.Policy, _ *Violation) string {
	if p.Allow.RunAsUser.RootUser() {
		return grantRunAsUser
	}
	return ""
}

func nonRootDetail(b []byte, vs []Violation) []byte {
	if selects(setViolation).in(vs) {
		b = appendSetters(b, vs, setViolation)
		return append(b, " must not set securityContext.runAsNonRoot=false"...)
	}
	b = append(b, "pod or "...)
	b = appendContainers(b, vs, unsetViolation)
	return append(b, " must set securityContext.runAsNonRoot=true"...)
}

func rootUserDetail(b []byte, vs []Violation) []byte {
	return append(appendSetters(b, vs, anyViolation), " must not set runAsUser=0"...)
}
