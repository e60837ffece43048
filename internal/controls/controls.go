// Package controls has a small domain of pods for every control of the Pod Security
// Standards: all that the fields it reads may hold, on the pod and on a container.
package controls

import (
	"iter"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/spec"
)

// Row is a small domain of pods. Every row is tried on each kind of
// container, OS and hostUsers, at both levels and every boundary version.
type Row struct {
	// Name is the title of a control, or what several of them share.
	Name string
	// Subject is what the container in question begins with.
	Subject func() *corev1.SecurityContext
	// Fields are the dimensions of the pod's and the subject's fields.
	Fields [][]podgen.Choice
	// Beside are the second containers that the subject is tried with.
	Beside []podgen.Choice
	// Pods is the number of combinations, over all dimensions.
	Pods int
}

// perPod is the number of pods that differ in nothing but the subject's kind, OS and
// hostUsers.
const perPod = 3 * 3 * 3

// Rows are one for every control, in order of the standard's page, and then those of
// fields that hang together.
func Rows() []Row { return append(controlRows(), coupledRows()...) }

// All visits every pod of the row.
func (row *Row) All() iter.Seq[*corev1.Pod] {
	dimensions := [][]podgen.Choice{podgen.Kinds(row.Subject), podgen.OperatingSystems(), podgen.HostUsers()}
	return podgen.Product(append(append(dimensions, row.Fields...), row.Beside)...)
}

// controlRows has a row for every control, each with the domain of its fields:
// unset, every allowed value, forbidden ones and odd ones.
func controlRows() []Row {
	yes, no := corev1.WindowsSecurityContextOptions{HostProcess: ptr(true)}, corev1.WindowsSecurityContextOptions{HostProcess: ptr(false)}
	return []Row{
		{"HostProcess", settled, [][]podgen.Choice{
			podgen.OnPod(setPodHostProcess, emptyHost, no, yes), podgen.OnSubject(setHostProcess, emptyHost, no, yes),
		}, aloneOrTwin, 4 * 4 * 4 * perPod},
		{"Host Namespaces", settled, [][]podgen.Choice{
			onSpec(func(pod *corev1.PodSpec, v bool) { pod.HostNetwork = v }, true),
			onSpec(func(pod *corev1.PodSpec, v bool) { pod.HostPID = v }, true),
			onSpec(func(pod *corev1.PodSpec, v bool) { pod.HostIPC = v }, true),
		}, alone, 2 * 2 * 2 * perPod},
		{"Privileged Containers", settled, [][]podgen.Choice{
			append(podgen.OnSubject(setPrivileged, bools...), withoutContext),
		}, inCompany, 4 * 10 * perPod},
		{"Capabilities", settledBut(unsetCapabilities), [][]podgen.Choice{
			podgen.OnSubject(setAdd, added()...), podgen.OnSubject(setDrop, dropped()...),
		}, aloneOrRegularTwin, 24 * 6 * 2 * perPod},
		{"HostPath Volumes", settled, [][]podgen.Choice{onSpec(setVolumes, hostPathLists()...)}, alone, 9 * perPod},
		{"Host Ports", settled, [][]podgen.Choice{
			onContainer(listen, hostPortLists()...),
		}, aloneOrTwin, 7 * 4 * perPod},
		{"Host Probes / Lifecycle Hooks", settled, [][]podgen.Choice{hosts()}, aloneOrTwin, 42 * 4 * perPod},
		{"AppArmor", settled, [][]podgen.Choice{
			podgen.OnPod(setPodAppArmor, appArmorTypes...), podgen.OnSubject(setAppArmor, appArmorTypes...),
			append(podgen.Annotated(spec.AppArmorAnnotation+"subject", appArmorAnnotations...),
				podgen.Annotated(spec.AppArmorAnnotation+"absent", "unconfined")[1]),
		}, alone, 5 * 5 * 7 * perPod},
		{"SELinux", settled, [][]podgen.Choice{
			podgen.OnPod(setPodSELinux, seLinuxValues()...), podgen.OnSubject(setSELinux, seLinuxValues()...),
		}, aloneOrRegularTwin, 11 * 11 * 2 * perPod},
		{"/proc Mount Type", settled, [][]podgen.Choice{
			podgen.OnSubject(setProcMount, corev1.DefaultProcMount, corev1.UnmaskedProcMount, "", "default"),
		}, inCompany, 5 * 10 * perPod},
		{"Seccomp", settledBut(unsetSeccomp), [][]podgen.Choice{
			podgen.OnPod(setPodSeccomp, seccompTypeValues...), podgen.OnSubject(setSeccomp, seccompTypeValues...),
		}, inCompany, 5 * 5 * 10 * perPod},
		{"Sysctls", settled, [][]podgen.Choice{podgen.OnPod(setSysctls, sysctlLists()...)}, alone, 20 * perPod},
		{"Volume Types", settled, [][]podgen.Choice{onSpec(setVolumes, volumeSources()...)}, alone, (1 + 30*3 + 2) * perPod},
		{"Privilege Escalation", settledBut(unsetEscalation), [][]podgen.Choice{
			append(podgen.OnSubject(setEscalation, bools...), withoutContext),
		}, inCompany, 4 * 10 * perPod},
		{"Running as Non-root", settledBut(unsetNonRoot), [][]podgen.Choice{
			podgen.OnPod(setPodNonRoot, bools...), append(podgen.OnSubject(setNonRoot, bools...), withoutContext),
		}, inCompany, 3 * 4 * 10 * perPod},
		{"Running as Non-root user", settled, [][]podgen.Choice{
			podgen.OnPod(setPodUser, 0, 1000, -1), append(podgen.OnSubject(setUser, 0, 1000, -1), withoutContext),
		}, inCompany, 4 * 5 * 10 * perPod},
	}
}

// coupledRows are the fields that more than one control reads, or that an
// author can say in more than one way.
func coupledRows() []Row {
	return []Row{
		{"runAsNonRoot and runAsUser", settledBut(unsetNonRoot), [][]podgen.Choice{
			podgen.OnPod(setPodNonRoot, bools...), podgen.OnSubject(setNonRoot, bools...),
			podgen.OnPod(setPodUser, 0, 1000), podgen.OnSubject(setUser, 0, 1000),
		}, slices.Concat(alone, podgen.Beside(podgen.Bare)[1:2]), 3 * 3 * 3 * 3 * 2 * perPod},
		{"privileged, escalation and capabilities", podgen.Bare, [][]podgen.Choice{
			podgen.OnSubject(setPrivileged, bools...), podgen.OnSubject(setEscalation, bools...),
			podgen.OnSubject(setAdd, singles[corev1.Capability]("NET_BIND_SERVICE", "CHOWN", "SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin")...),
			podgen.OnSubject(setDrop, singles[corev1.Capability]("ALL", "all")...),
		}, alone, 3 * 3 * 6 * 3 * perPod},
		{"seccomp annotations of pod and container", settledBut(unsetSeccomp), [][]podgen.Choice{
			podgen.Annotated(spec.SeccompPodAnnotation, seccompAnnotations...),
			podgen.Annotated(spec.SeccompContainerAnnotation+"subject", seccompAnnotations...),
			podgen.Annotated(spec.SeccompContainerAnnotation+"a twin", "unconfined"),
		}, aloneOrRegularTwin, 7 * 7 * 2 * 2 * perPod},
		{"seccomp fields and annotations", settledBut(unsetSeccomp), [][]podgen.Choice{
			podgen.OnPod(setPodSeccomp, "RuntimeDefault", "Unconfined"), podgen.OnSubject(setSeccomp, "RuntimeDefault", "Unconfined"),
			podgen.Annotated(spec.SeccompPodAnnotation, "runtime/default", "unconfined"),
			podgen.Annotated(spec.SeccompContainerAnnotation+"subject", "docker/default", "unconfined"),
		}, alone, 3 * 3 * 3 * 3 * perPod},
	}
}
