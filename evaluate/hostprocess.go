package evaluate

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

func (w *walk) podHostProcess(sc *corev1.PodSecurityContext) {
	w.windowsOptions(spec.FieldPodHostProcess, sc.WindowsOptions)
}

func (w *walk) hostProcess(sc *corev1.SecurityContext) {
	w.windowsOptions(spec.FieldHostProcess, sc.WindowsOptions)
}

func (w *walk) windowsOptions(f spec.Field, options *corev1.WindowsSecurityContextOptions) {
	if options != nil && isTrue(options.HostProcess) && w.has(spec.CheckWindowsHostProcess) {
		add(w, spec.CheckWindowsHostProcess, f, true)
	}
}

func hostProcessDetail(b *strings.Builder, vs []Violation) {
	writeSetters(b, vs, anyViolation)
	b.WriteString(" must not set securityContext.windowsOptions.hostProcess=true")
}
