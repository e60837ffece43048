package evaluate_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// entryRow claims what entries for single containers excuse of a pod, and what they
// leave.
type entryRow struct {
	name, why string
	pod       func(*corev1.Pod)
	allow     policy.Allow
	entries   []policy.ContainerEntry
	at        string
	// excused are "field <- grant", stays are "field <- check or rule".
	excused, stays []string
}

// forKind is an entry for the containers of a kind.
func forKind(kind policy.ContainerKind, allow policy.ContainerAllow) policy.ContainerEntry {
	return policy.ContainerEntry{Kinds: []policy.ContainerKind{kind}, Allow: allow}
}

var (
	initEntry  = func(a policy.ContainerAllow) policy.ContainerEntry { return forKind(policy.KindInit, a) }
	mainEntry  = func(a policy.ContainerAllow) policy.ContainerEntry { return forKind(policy.KindRegular, a) }
	debugEntry = func(a policy.ContainerAllow) policy.ContainerEntry { return forKind(policy.KindEphemeral, a) }
	anyone     = policy.ContainerAllow{RunAsUser: policy.UserRule{Rule: policy.RunAsAny}}
	onlyRoot   = policy.ContainerAllow{RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 0, Max: 0}}}}
)

func entries(list ...policy.ContainerEntry) []policy.ContainerEntry { return list }

func entryRows() []entryRow {
	setUser := func(id int64) func(*corev1.Container) {
		return func(c *corev1.Container) {
			c.SecurityContext = c.SecurityContext.DeepCopy()
			c.SecurityContext.RunAsUser = &id
		}
	}
	apart := func(pod *corev1.Pod) { // the containers of the pod share their contexts
		for _, change := range []func(func(*corev1.Container)) func(*corev1.Pod){onInit, onMain, onDebug} {
			change(func(c *corev1.Container) { c.SecurityContext = c.SecurityContext.DeepCopy() })(pod)
		}
	}
	unconfined := func(sc *corev1.PodSecurityContext) {
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined}
	}
	noProfile := onAll(func(c *corev1.Container) { c.SecurityContext.SeccompProfile = nil })
	const in, regular, last = "containers[0].", "containers[1].", "containers[2]."
	netAdmin := policy.ContainerAllow{AllowedCapabilities: []string{"NET_ADMIN"}}
	profiles := policy.ContainerAllow{SeccompProfiles: []string{"Unconfined"}}
	return []entryRow{
		{
			name: "a capability of the init container", why: "the entry is for it", pod: each(apart, onInit(adding("NET_ADMIN"))),
			entries: entries(initEntry(netAdmin)), excused: lines(initial + addCap + "[0] <- " + in + "allow.allowedCapabilities[0]"),
		},
		{
			name: "the same of another container", why: "the entry is not for it", pod: each(apart, onMain(adding("NET_ADMIN"))),
			entries: entries(initEntry(netAdmin)), stays: lines(main + addCap + "[0]" + isCapRestricted),
		},
		{
			name: "of both", why: "each is judged by itself", pod: each(apart, onInit(adding("NET_ADMIN")), onMain(adding("NET_ADMIN"))),
			entries: entries(initEntry(netAdmin)),
			excused: lines(initial + addCap + "[0] <- " + in + "allow.allowedCapabilities[0]"), stays: lines(main + addCap + "[0]" + isCapRestricted),
		},
		{
			name: "the policy grants it to all", why: "what an entry grants comes on top", pod: each(apart, onInit(adding("NET_ADMIN", "NET_RAW")), onMain(adding("NET_RAW"))),
			allow: policy.Allow{AllowedCapabilities: []string{"NET_RAW"}}, entries: entries(initEntry(netAdmin)),
			excused: lines(
				initial+addCap+"[0] <- "+in+"allow.allowedCapabilities[0]", initial+addCap+"[1] <- allow.allowedCapabilities[0]", main+addCap+"[0] <- allow.allowedCapabilities[0]",
			),
		},
		{
			name: "two entries of one container", why: "it is granted what each of them grants", pod: each(apart, onInit(adding("NET_ADMIN", "CHOWN", "SYS_TIME"))),
			entries: entries(initEntry(netAdmin), initEntry(policy.ContainerAllow{AllowedCapabilities: []string{"CHOWN"}})),
			excused: lines(initial+addCap+"[0] <- "+in+"allow.allowedCapabilities[0]", initial+addCap+"[1] <- "+regular+"allow.allowedCapabilities[0]"),
			stays:   lines(initial + addCap + "[2]" + isCapRestricted),
		},
		{
			name: "root on one container", why: "the entry lets its user be", pod: each(apart, onInit(setUser(0))),
			entries: entries(initEntry(anyone)), excused: lines(initial + userOf + " <- " + in + "allow.runAsUser"),
		},
		{
			name: "root inherited by all", why: "only one of three is granted it", pod: each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsUser = ptr[int64](0) })),
			entries: entries(initEntry(anyone)), stays: lines(podSec + "runAsUser" + isRootUser),
		},
		{
			name: "root inherited by all, who are granted it", why: "each by its own entry", pod: each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsUser = ptr[int64](0) })),
			entries: entries(initEntry(anyone), mainEntry(onlyRoot), debugEntry(anyone)), excused: lines(podSec + "runAsUser <- " + in + "allow.runAsUser"),
		},
		{
			name: "root inherited by one", why: "the others have users of their own",
			pod:     each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsUser = ptr[int64](0) }), onMain(setUser(5)), onDebug(setUser(5))),
			entries: entries(initEntry(anyone)), excused: lines(podSec + "runAsUser <- " + in + "allow.runAsUser"),
		},
		{
			name: "root inherited by nobody", why: "nobody who would be granted it has it",
			pod:     each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsUser = ptr[int64](0) }), onInit(setUser(5)), onMain(setUser(5)), onDebug(setUser(5))),
			entries: entries(initEntry(anyone), mainEntry(anyone), debugEntry(anyone)), stays: lines(podSec + "runAsUser" + isRootUser),
		},
		{
			name: "runAsNonRoot false inherited", why: "the rule that wants root is met by the one that is root, the other lets anybody be",
			pod: each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsNonRoot = ptr(false) }), onInit(setUser(0)), func(pod *corev1.Pod) {
				pod.Spec.EphemeralContainers = nil
			}),
			entries: entries(initEntry(onlyRoot), mainEntry(anyone)),
			excused: lines(podSec+"runAsNonRoot <- "+in+"allow.runAsUser", initial+nonRootOf+" <- "+in+"allow.runAsUser", main+nonRootOf+" <- "+regular+"allow.runAsUser", initial+userOf+" <- "+in+"allow.runAsUser"),
		},
		{
			name: "runAsNonRoot false where a rule wants root and none is", why: "the entry is for containers that run as 0",
			pod:     each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsNonRoot = ptr(false) }), onMain(setUser(5)), onDebug(func(c *corev1.Container) { c.SecurityContext.RunAsNonRoot = ptr(true) }), onInit(func(c *corev1.Container) { c.SecurityContext.RunAsNonRoot = ptr(true) })),
			entries: entries(mainEntry(onlyRoot)), stays: lines(podSec+"runAsNonRoot"+isNonRoot, main+nonRootOf+isNonRoot),
		},
		{
			name: "seccomp inherited by all, of whom one is granted it", why: "the profile is the pod's", pod: each(apart, podSecurity(unconfined), noProfile),
			entries: entries(initEntry(profiles)),
			excused: lines(initial + seccompOf + " <- " + in + "allow.seccompProfiles[0]"),
			stays:   lines(podSec+"seccompProfile.type"+isSeccomp, main+seccompOf+isSeccomp, debug+seccompOf+isSeccomp),
		},
		{
			name: "seccomp inherited by one, who is granted it", why: "the others have profiles of their own",
			pod:     each(apart, podSecurity(unconfined), onInit(func(c *corev1.Container) { c.SecurityContext.SeccompProfile = nil })),
			entries: entries(initEntry(profiles)),
			excused: lines(podSec+"seccompProfile.type <- "+in+"allow.seccompProfiles[0]", initial+seccompOf+" <- "+in+"allow.seccompProfiles[0]"),
		},
		{
			name: "SELinux inherited by all", why: "it is excused where all are granted it",
			pod:     each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"} })),
			entries: entries(initEntry(policy.ContainerAllow{SELinuxOptions: true}), mainEntry(policy.ContainerAllow{SELinuxOptions: true}), debugEntry(policy.ContainerAllow{SELinuxOptions: true})),
			excused: lines(podSec + "seLinuxOptions.type <- " + in + "allow.seLinuxOptions"),
		},
		{
			name: "SELinux inherited by two of three", why: "one of them is not granted it",
			pod: each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t"} }), onDebug(func(c *corev1.Container) {
				c.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{}
			})),
			entries: entries(initEntry(policy.ContainerAllow{SELinuxOptions: true})), stays: lines(podSec + "seLinuxOptions.type <- seLinuxOptions"),
		},
		{
			name: "an annotation of AppArmor", why: "it names the container that the entry is for",
			pod: each(apart, func(pod *corev1.Pod) {
				pod.Annotations = map[string]string{spec.AppArmorAnnotation + "main": "unconfined"}
			}),
			entries: entries(mainEntry(policy.ContainerAllow{AppArmorProfiles: []string{"Unconfined"}})),
			excused: lines("metadata.annotations[" + spec.AppArmorAnnotation + "main] <- " + in + "allow.appArmorProfiles[0]"),
		},
		{
			name: "an annotation of another container", why: "it names one that the entry is not for",
			pod: each(apart, func(pod *corev1.Pod) {
				pod.Annotations = map[string]string{spec.AppArmorAnnotation + "init": "unconfined"}
			}),
			entries: entries(mainEntry(policy.ContainerAllow{AppArmorProfiles: []string{"Unconfined"}})),
			stays:   lines("metadata.annotations[" + spec.AppArmorAnnotation + "init]" + isAppArmor),
		},
		{
			name: "an annotation of nobody", why: "no container is named so",
			pod: each(apart, func(pod *corev1.Pod) {
				pod.Annotations = map[string]string{spec.AppArmorAnnotation + "gone": "unconfined"}
			}),
			entries: entries(mainEntry(policy.ContainerAllow{AppArmorProfiles: []string{"Unconfined"}})),
			stays:   lines("metadata.annotations[" + spec.AppArmorAnnotation + "gone]" + isAppArmor),
		},
		{
			name: "the pod's annotation of seccomp", why: "it speaks for those without one of their own, at versions that know no field", at: "baseline:v1.18",
			pod: each(apart, func(pod *corev1.Pod) {
				pod.Annotations = map[string]string{
					spec.SeccompPodAnnotation: "unconfined", spec.SeccompContainerAnnotation + "main": "runtime/default", spec.SeccompContainerAnnotation + "debug": "runtime/default",
				}
			}),
			entries: entries(initEntry(profiles)), excused: lines("metadata.annotations[" + spec.SeccompPodAnnotation + "] <- " + in + "allow.seccompProfiles[0]"),
		},
		{
			name: "the pod's annotation of seccomp for two", why: "one of them is not granted it", at: "baseline:v1.18",
			pod: each(apart, func(pod *corev1.Pod) {
				pod.Annotations = map[string]string{spec.SeccompPodAnnotation: "unconfined", spec.SeccompContainerAnnotation + "debug": "runtime/default"}
			}),
			entries: entries(initEntry(profiles)), stays: lines("metadata.annotations[" + spec.SeccompPodAnnotation + "]" + isSeccompBaseline),
		},
		{
			name: "what is the pod's alone", why: "no entry speaks of the host's network",
			pod:     each(apart, func(pod *corev1.Pod) { pod.Spec.HostNetwork = true }),
			entries: entries(initEntry(anyone), mainEntry(anyone), debugEntry(anyone)), stays: lines("spec.hostNetwork <- hostNamespaces"),
		},
		{
			name: "a host port", why: "it is the container's", pod: each(apart, onMain(func(c *corev1.Container) { c.Ports[0].HostPort = 80 })),
			entries: entries(mainEntry(policy.ContainerAllow{AllowedHostPorts: []policy.PortRange{{Min: 80, Max: 80}}})),
			excused: lines(main + "ports[0].hostPort <- " + in + "allow.allowedHostPorts[0]"),
		},
		{
			name: "what is not dropped", why: "the entry fills none in for it",
			pod: each(apart, onInit(dropping()), onMain(dropping())), entries: entries(policy.ContainerEntry{
				Kinds: []policy.ContainerKind{policy.KindInit}, Mutations: policy.ContainerMutations{DropAllCapabilities: ptr(false)},
			}),
			excused: lines(initial + dropCap + " <- " + in + "mutations.dropAllCapabilities"), stays: lines(main + dropCap + isCapRestricted),
		},
		{
			name: "the policy's rule over users", why: "the entry's rule lets be what it refuses", pod: each(apart, onInit(setUser(7)), onMain(setUser(400)), onDebug(setUser(7))),
			allow:   policy.Allow{RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 400, Max: 400}}}},
			entries: entries(initEntry(policy.ContainerAllow{RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 7, Max: 7}}}})),
			stays:   lines(debug + userOf + " <- allow.runAsUser"),
		},
		{
			name: "what the policy's rule lets be", why: "a container has to meet one of the rules, and not the entry's as well", pod: each(apart, onInit(setUser(400)), onMain(setUser(400)), onDebug(setUser(400))),
			allow:   policy.Allow{RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 400, Max: 400}}}},
			entries: entries(initEntry(policy.ContainerAllow{RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 7, Max: 7}}}})),
		},
		{
			name: "a rule of an entry alone", why: "it demands nothing", pod: each(apart, onInit(setUser(8))),
			entries: entries(initEntry(policy.ContainerAllow{RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 7, Max: 7}}}})),
		},
		{
			name: "the policy's rule over groups", why: "a value of the pod is refused where one who inherits it may not have it",
			pod:     each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsGroup = ptr[int64](0) })),
			allow:   policy.Allow{RunAsGroup: policy.GroupRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 1, Max: 9}}}},
			entries: entries(initEntry(policy.ContainerAllow{RunAsGroup: policy.GroupRule{Rule: policy.RunAsAny}}), debugEntry(policy.ContainerAllow{RunAsGroup: policy.GroupRule{Rule: policy.RunAsAny}})),
			stays:   lines(podSec + "runAsGroup <- allow.runAsGroup"),
		},
		{
			name: "the policy's rule over groups, met by all", why: "each who inherits it may have it",
			pod:   each(apart, podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsGroup = ptr[int64](0) })),
			allow: policy.Allow{RunAsGroup: policy.GroupRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{{Min: 1, Max: 9}}}},
			entries: entries(initEntry(policy.ContainerAllow{RunAsGroup: policy.GroupRule{Rule: policy.RunAsAny}}), debugEntry(policy.ContainerAllow{RunAsGroup: policy.GroupRule{Rule: policy.RunAsAny}}),
				mainEntry(policy.ContainerAllow{RunAsGroup: policy.GroupRule{Rule: policy.MayRunAs, Ranges: []policy.IDRange{{Min: 0, Max: 0}}}})),
		},
		{
			name: "the third entry", why: "it is told by its place", pod: each(apart, onDebug(privileged)),
			entries: entries(initEntry(anyone), mainEntry(anyone), debugEntry(policy.ContainerAllow{Privileged: true})),
			excused: lines(debug+privilegedOf+" <- "+last+"allow.privileged", debug+escalation+" <- "+last+"allow.privileged", debug+dropCap+" <- "+last+"allow.privileged"),
		},
	}
}

// TestEntries: an entry for single containers excuses what it covers in its containers,
// and nothing of any other.
func TestEntries(t *testing.T) {
	seen := map[string]bool{}
	byEntry := func(vs []evaluate.Violation) (list []string) {
		for _, v := range vs {
			list = append(list, v.Location.String()+" <- "+v.ExcusedBy.String())
		}
		return list
	}
	for _, row := range entryRows() {
		if seen[row.name] || row.why == "" {
			t.Errorf("row %q is there twice, or without a reason", row.name)
		}
		seen[row.name] = true
		t.Run(row.name, func(t *testing.T) {
			of := grantRow{at: row.at, pod: row.pod, allow: row.allow}
			pod, p := of.build()
			p.Containers = row.entries
			set, err := policy.NewSet(p)
			if err != nil {
				t.Fatal(err)
			}
			got := evaluate.Evaluate(pod, of.levelVersion(t), set)
			sorted := func(list []string) []string { slices.Sort(list); return list }
			if diff := cmp.Diff(sorted(row.excused), sorted(byEntry(got.Excused))); diff != "" {
				t.Errorf("excused, for %s (-want +got):\n%s", row.why, diff)
			}
			if diff := cmp.Diff(sorted(row.stays), sorted(demandedBy(got.Violations))); diff != "" {
				t.Errorf("stays, for %s (-want +got):\n%s", row.why, diff)
			}
		})
	}
	if len(seen) != 30 {
		t.Errorf("%d rows, want 30", len(seen))
	}
}

// TestEveryInheritedFieldIsAsked: whether a container inherits a field of its pod is
// known for every field that the table says is inherited.
func TestEveryInheritedFieldIsAsked(t *testing.T) {
	inherited := 0
	for _, f := range spec.Fields() {
		from := f.Inherits()
		if from == 0 {
			continue
		}
		inherited++
		if !spec.InheritsField(&corev1.Container{}, from) {
			t.Errorf("a container without a security context does not inherit %s: name it in InheritsField of spec/effective.go", from)
		}
	}
	if inherited != 9 {
		t.Errorf("%d fields are inherited, want 9", inherited)
	}
	if spec.InheritsField(&corev1.Container{}, spec.FieldHostNetwork) || spec.InheritsField(&corev1.Container{}, spec.FieldPodFSGroup) {
		t.Error("a field that is the pod's alone is inherited")
	}
}
