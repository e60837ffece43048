package native

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// plainPod holds of a pod that sets what restricted demands in its usual form and
// nothing that any check forbids. No check can find anything in it, at any level or
// version, and most pods of a cluster that enforces restricted look so: it spares them
// the rest.
var plainPod = func() string {
	usual := word(string(corev1.SeccompProfileTypeRuntimeDefault))
	// What may stand in a security context without another look.
	podKeys := words([]string{"runAsNonRoot", "runAsUser", "runAsGroup", "fsGroup", "fsGroupChangePolicy", "supplementalGroups", "supplementalGroupsPolicy", "seccompProfile"})
	ownKeys := words([]string{"allowPrivilegeEscalation", "runAsNonRoot", "capabilities", "seccompProfile", "privileged", "runAsUser", "runAsGroup", "readOnlyRootFilesystem"})
	pod := []string{
		"variables.annotations.size() == 0 || !variables.annotations.exists(k, k.startsWith('container.') || k.startsWith('seccomp.'))",
		"!(" + ofPod(spec.FieldHostNetwork) + ".orValue(false) || " + ofPod(spec.FieldHostPID) + ".orValue(false) || " + ofPod(spec.FieldHostIPC) + ".orValue(false))",
		"variables.podContext.all(k, k in " + podKeys + ")",
		ofPod(spec.FieldPodRunAsNonRoot) + ".orValue(true)",
		ofPod(spec.FieldPodRunAsUser) + ".orValue(1) != 0",
		ofPod(spec.FieldPodSeccompType) + ".orValue(" + usual + ") == " + usual,
		"variables.spec.?volumes.orValue([]).all(o, o.exists(k, k in variables.restrictedTypes) && !has(o.hostPath))",
	}
	container := []string{
		"!" + own(spec.FieldAllowPrivilegeEscalation) + ".orValue(true)",
		own(spec.FieldCapabilitiesDrop) + ".orValue([]) == ['" + spec.CapabilityAll + "']",
		own(spec.FieldCapabilitiesAdd) + ".orValue([]).size() == 0",
		own(spec.FieldRunAsNonRoot) + ".orValue(" + ofPod(spec.FieldPodRunAsNonRoot) + ".orValue(false))",
		own(spec.FieldSeccompType) + ".orValue(" + ofPod(spec.FieldPodSeccompType) + ".orValue('')) == " + usual,
		"!" + own(spec.FieldPrivileged) + ".orValue(false)",
		own(spec.FieldRunAsUser) + ".orValue(1) != 0",
		"x.c.securityContext.all(k, k in " + ownKeys + ")",
		"!x.appArmor.hasValue()",
		"x.ports.all(o, o.?hostPort.orValue(0) == 0)",
		"!has(x.c.lifecycle)",
		"[x.c.?livenessProbe, x.c.?readinessProbe, x.c.?startupProbe].all(o, o.?httpGet.?host.orValue('') == '' && o.?tcpSocket.?host.orValue('') == '')",
	}
	for i := range pod {
		pod[i] = "(" + pod[i] + ")"
	}
	return strings.Join(pod, " && ") + " && variables.containers.all(x, " + strings.Join(container, " && ") + ")"
}()
