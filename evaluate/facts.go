package evaluate

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// factsOf is what a container has to say about its own fields.
func factsOf(pod *corev1.PodSpec, c *corev1.Container) (f spec.Facts) {
	if spec.IsPrivileged(c) {
		f |= spec.Privileged
	}
	if spec.AddsSysAdmin(c) {
		f |= spec.SysAdmin
	}
	if uid := spec.EffectiveRunAsUser(pod, c); uid != nil && *uid == 0 {
		f |= spec.RootUser
	}
	if profile := spec.EffectiveSeccompProfile(pod, c); profile != nil && (c.SecurityContext == nil || c.SecurityContext.SeccompProfile == nil) {
		f |= spec.InheritsProfile
		if profile.Type == corev1.SeccompProfileTypeUnconfined {
			f |= spec.InheritsUnconfined
		}
	}
	return f
}
