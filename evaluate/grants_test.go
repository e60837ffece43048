package evaluate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// grantRow claims what one policy excuses of one pod, and what it leaves.
type grantRow struct {
	name, why string
	// at is the level and version, restricted:latest where it is empty.
	at string
	// pod changes a pod that restricted allows: compliant, with a container of
	// every kind, and volumes 0 and 1.
	pod   func(*corev1.Pod)
	allow policy.Allow
	fill  policy.Mutations
	// excused are "field <- grant", stays are "field <- check or rule".
	excused, stays []string
}

// The fields of the containers of the pod, one of each kind.
const (
	initial = "spec.initContainers[0]."
	main    = "spec.containers[0]."
	debug   = "spec.ephemeralContainers[0]."
	sec     = "securityContext."
	podSec  = "spec.securityContext."

	escalation   = sec + "allowPrivilegeEscalation"
	addCap       = sec + "capabilities.add"
	dropCap      = sec + "capabilities.drop"
	privilegedOf = sec + "privileged"
	nonRootOf    = sec + "runAsNonRoot"
	userOf       = sec + "runAsUser"
	seccompOf    = sec + "seccompProfile.type"
	appArmorOf   = sec + "appArmorProfile.type"
	procMountOf  = sec + "procMount"
	hostProcOf   = sec + "windowsOptions.hostProcess"

	byPrivileged   = " <- allow.privileged"
	byEscalation   = " <- allow.allowPrivilegeEscalation"
	byCapabilities = " <- allow.allowedCapabilities"
	byDropFalse    = " <- mutations.dropAllCapabilities"
	byUser         = " <- allow.runAsUser"
	bySeccomp      = " <- allow.seccompProfiles"
	bySeccompFalse = " <- mutations.setDefaultSeccompProfile"
	byAppArmor     = " <- allow.appArmorProfiles"
	byProcMounts   = " <- allow.procMounts"
	bySELinux      = " <- allow.seLinuxOptions"
	byHostProcess  = " <- allow.windowsHostProcess"
	byProbeHosts   = " <- allow.allowedProbeHosts"
	bySysctls      = " <- allow.allowedUnsafeSysctls"
	byHostPaths    = " <- allow.allowedHostPaths"
	byVolumes      = " <- allow.volumes"

	isPrivilegedCheck = " <- privileged"
	isEscalation      = " <- allowPrivilegeEscalation"
	isCapRestricted   = " <- capabilities_restricted"
	isCapBaseline     = " <- capabilities_baseline"
	isNonRoot         = " <- runAsNonRoot"
	isRootUser        = " <- runAsUser"
	isSeccomp         = " <- seccompProfile_restricted"
	isSeccompBaseline = " <- seccompProfile_baseline"
	isAppArmor        = " <- appArmorProfile"
	isVolumes         = " <- restrictedVolumes"
	isVolumeRule      = " <- allow.volumes"
)

func ptr[T any](v T) *T { return &v }

func lines(l ...string) []string { return l }

// each applies several changes to a pod.
func each(changes ...func(*corev1.Pod)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		for _, change := range changes {
			change(pod)
		}
	}
}

func onInit(change func(*corev1.Container)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { change(&pod.Spec.InitContainers[0]) }
}

func onMain(change func(*corev1.Container)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { change(&pod.Spec.Containers[0]) }
}

func onDebug(change func(*corev1.Container)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		change((*corev1.Container)(&pod.Spec.EphemeralContainers[0].EphemeralContainerCommon))
	}
}

// onAll changes the container of every kind.
func onAll(change func(*corev1.Container)) func(*corev1.Pod) {
	return each(onInit(change), onMain(change), onDebug(change))
}

func podSecurity(change func(*corev1.PodSecurityContext)) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { change(pod.Spec.SecurityContext) }
}

func privileged(c *corev1.Container) {
	c.SecurityContext.Privileged = ptr(true)
	c.SecurityContext.AllowPrivilegeEscalation = nil
	c.SecurityContext.Capabilities = nil
}

func escalating(value *bool) func(*corev1.Container) {
	return func(c *corev1.Container) { c.SecurityContext.AllowPrivilegeEscalation = value }
}

func adding(caps ...corev1.Capability) func(*corev1.Container) {
	return func(c *corev1.Container) { c.SecurityContext.Capabilities.Add = caps }
}

func dropping(caps ...corev1.Capability) func(*corev1.Container) {
	return func(c *corev1.Container) {
		c.SecurityContext.Capabilities = &corev1.Capabilities{Drop: caps}
	}
}

// escalatingWith adds capabilities and leaves allowPrivilegeEscalation unset.
func escalatingWith(caps ...corev1.Capability) func(*corev1.Pod) {
	return onMain(func(c *corev1.Container) {
		adding(caps...)(c)
		c.SecurityContext.AllowPrivilegeEscalation = nil
	})
}

func listening(ports ...int32) func(*corev1.Container) {
	return func(c *corev1.Container) {
		c.Ports = nil
		for _, p := range ports {
			c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: 80, HostPort: p})
		}
	}
}

// volume adds a volume, of index 2.
func volume(source corev1.VolumeSource) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "v", VolumeSource: source})
	}
}

func hostPath(path string) func(*corev1.Pod) {
	return volume(corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path}})
}

func mounting(name string, readOnly bool) func(*corev1.Container) {
	return func(c *corev1.Container) {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, ReadOnly: readOnly})
	}
}

// mountingDeep mounts a volume read-only, and says whether recursively.
func mountingDeep(name string, mode corev1.RecursiveReadOnlyMode) func(*corev1.Container) {
	return func(c *corev1.Container) {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, ReadOnly: true, RecursiveReadOnly: &mode})
	}
}

func sysctls(names ...string) func(*corev1.Pod) {
	return podSecurity(func(sc *corev1.PodSecurityContext) {
		sc.Sysctls = nil
		for _, name := range names {
			sc.Sysctls = append(sc.Sysctls, corev1.Sysctl{Name: name})
		}
	})
}

func user(uid int64) func(*corev1.Container) {
	return func(c *corev1.Container) { c.SecurityContext.RunAsUser = &uid }
}

func nonRoot(value *bool) func(*corev1.Container) {
	return func(c *corev1.Container) { c.SecurityContext.RunAsNonRoot = value }
}

func podNonRoot(value *bool) func(*corev1.Pod) {
	return podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsNonRoot = value })
}

func podUser(uid int64) func(*corev1.Pod) {
	return podSecurity(func(sc *corev1.PodSecurityContext) { sc.RunAsUser = &uid })
}

// seccomp sets a profile; the empty type leaves none.
func seccomp(t corev1.SeccompProfileType) func(*corev1.Container) {
	return func(c *corev1.Container) {
		c.SecurityContext.SeccompProfile = nil
		if t != "" {
			c.SecurityContext.SeccompProfile = &corev1.SeccompProfile{Type: t}
		}
	}
}

func podSeccomp(t corev1.SeccompProfileType) func(*corev1.Pod) {
	return podSecurity(func(sc *corev1.PodSecurityContext) { sc.SeccompProfile = &corev1.SeccompProfile{Type: t} })
}

func annotated(keysAndValues ...string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Annotations = map[string]string{}
		for i := 0; i < len(keysAndValues); i += 2 {
			pod.Annotations[keysAndValues[i]] = keysAndValues[i+1]
		}
	}
}

func appArmor(t corev1.AppArmorProfileType) func(*corev1.Container) {
	return func(c *corev1.Container) { c.SecurityContext.AppArmorProfile = &corev1.AppArmorProfile{Type: t} }
}

func procMount(t corev1.ProcMountType) func(*corev1.Container) {
	return func(c *corev1.Container) { c.SecurityContext.ProcMount = &t }
}

func hostProcess() *corev1.WindowsSecurityContextOptions {
	return &corev1.WindowsSecurityContextOptions{HostProcess: ptr(true)}
}

func capabilities(names ...string) policy.Allow { return policy.Allow{AllowedCapabilities: names} }

func mustRunAs(ranges ...policy.IDRange) policy.Allow {
	return policy.Allow{RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: ranges}}
}

func ids(from, to int64) policy.IDRange { return policy.IDRange{Min: from, Max: to} }

var unconfined = policy.Allow{SeccompProfiles: []string{"Unconfined"}}

func privilegedRows() []grantRow {
	all := onAll(privileged)
	granted := policy.Allow{Privileged: true}
	return []grantRow{
		{name: "privileged granted", why: "in every kind of container", at: "baseline:latest", pod: all, allow: granted,
			excused: lines(initial+privilegedOf+byPrivileged, main+privilegedOf+byPrivileged, debug+privilegedOf+byPrivileged)},
		{name: "privileged not granted", why: "every other grant is another grant", at: "baseline:latest", pod: all,
			allow: policy.Allow{AllowPrivilegeEscalation: true, AllowedCapabilities: []string{"*"}, HostNamespace: true, WindowsHostProcess: true},
			stays: lines(initial+privilegedOf+isPrivilegedCheck, main+privilegedOf+isPrivilegedCheck, debug+privilegedOf+isPrivilegedCheck)},
		{name: "privileged granted at restricted", why: "it implies escalation and every capability, in every kind of container", pod: all, allow: granted,
			excused: lines(
				initial+privilegedOf+byPrivileged, main+privilegedOf+byPrivileged, debug+privilegedOf+byPrivileged,
				initial+escalation+byPrivileged, main+escalation+byPrivileged, debug+escalation+byPrivileged,
				initial+dropCap+byPrivileged, main+dropCap+byPrivileged, debug+dropCap+byPrivileged)},
		{name: "privileged not granted at restricted", why: "a privileged container implies nothing for itself", pod: onMain(privileged),
			stays: lines(main+privilegedOf+isPrivilegedCheck, main+escalation+isEscalation, main+dropCap+isCapRestricted)},
		{name: "privileged granted beside an unprivileged container", why: "what is implied is the privileged container's alone",
			pod: each(onMain(privileged), onInit(escalating(nil)), onDebug(dropping("NET_RAW"))), allow: granted,
			excused: lines(main+privilegedOf+byPrivileged, main+escalation+byPrivileged, main+dropCap+byPrivileged),
			stays:   lines(initial+escalation+isEscalation, debug+dropCap+isCapRestricted)},
		{name: "privileged granted and false", why: "a container that does not use the grant gets nothing from it",
			pod: onMain(func(c *corev1.Container) {
				privileged(c)
				c.SecurityContext.Privileged = ptr(false)
			}), allow: granted,
			stays: lines(main+escalation+isEscalation, main+dropCap+isCapRestricted)},
		{name: "privileged granted with an added capability", why: "capabilities are granted one by one",
			pod: onMain(func(c *corev1.Container) {
				privileged(c)
				c.SecurityContext.Capabilities = &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN"}}
			}), allow: granted,
			excused: lines(main+privilegedOf+byPrivileged, main+escalation+byPrivileged, main+dropCap+byPrivileged),
			stays:   lines(main + addCap + "[0]" + isCapRestricted)},
		{name: "privileged granted with escalation true", why: "any escalation violation of it", pod: onMain(func(c *corev1.Container) {
			c.SecurityContext.Privileged = ptr(true)
			c.SecurityContext.AllowPrivilegeEscalation = ptr(true)
		}), allow: granted,
			excused: lines(main+privilegedOf+byPrivileged, main+escalation+byPrivileged)},
	}
}

func escalationRows() []grantRow {
	granted := policy.Allow{AllowPrivilegeEscalation: true}
	rows := []grantRow{
		{name: "escalation true granted", why: "in every kind of container", pod: onAll(escalating(ptr(true))), allow: granted,
			excused: lines(initial+escalation+byEscalation, main+escalation+byEscalation, debug+escalation+byEscalation)},
		{name: "escalation unset granted", why: "unset means true", pod: onAll(escalating(nil)), allow: granted,
			excused: lines(initial+escalation+byEscalation, main+escalation+byEscalation, debug+escalation+byEscalation)},
		{name: "escalation not granted", why: "no container asks for privilege or SYS_ADMIN", pod: each(onInit(escalating(nil)), onMain(escalating(ptr(true)))),
			allow: policy.Allow{Privileged: true, AllowedCapabilities: []string{"*"}},
			stays: lines(initial+escalation+isEscalation, main+escalation+isEscalation)},
		{name: "escalation granted to a privileged container", why: "the grant is not privileged", at: "restricted:latest",
			pod: onMain(privileged), allow: granted,
			excused: lines(main + escalation + byEscalation),
			stays:   lines(main+privilegedOf+isPrivilegedCheck, main+dropCap+isCapRestricted)},
		{name: "escalation with SYS_ADMIN of another container", why: "the capability is its container's alone",
			pod: each(onMain(adding("SYS_ADMIN")), onInit(escalating(nil))), allow: capabilities("SYS_ADMIN"),
			excused: lines(main + addCap + "[0]" + byCapabilities),
			stays:   lines(initial + escalation + isEscalation)},
		{name: "escalation with another granted capability", why: "only SYS_ADMIN implies escalation", pod: escalatingWith("NET_ADMIN"), allow: capabilities("NET_ADMIN"),
			excused: lines(main + addCap + "[0]" + byCapabilities), stays: lines(main + escalation + isEscalation)},
		{name: "escalation with SYS_ADMIN, another one granted", why: "SYS_ADMIN itself must be granted", pod: escalatingWith("SYS_ADMIN"), allow: capabilities("NET_ADMIN"),
			stays: lines(main+escalation+isEscalation, main+addCap+"[0]"+isCapRestricted)},
		{name: "escalation with SYS_ADMIN, ALL granted", why: "ALL is a capability's name and not *", pod: escalatingWith("SYS_ADMIN"), allow: capabilities("ALL"),
			stays: lines(main+escalation+isEscalation, main+addCap+"[0]"+isCapRestricted)},
		{name: "escalation with ALL granted", why: "the API accepts false beside ALL, so nothing is implied", pod: escalatingWith("ALL"), allow: capabilities("ALL"),
			excused: lines(main + addCap + "[0]" + byCapabilities), stays: lines(main + escalation + isEscalation)},
		{name: "escalation true with granted SYS_ADMIN", why: "any escalation violation of the container", pod: each(escalatingWith("SYS_ADMIN"), onMain(escalating(ptr(true)))), allow: capabilities("SYS_ADMIN"),
			excused: lines(main+escalation+byCapabilities, main+addCap+"[0]"+byCapabilities)},
		{name: "escalation with SYS_ADMIN dropped", why: "a dropped capability is not added", pod: onMain(func(c *corev1.Container) {
			c.SecurityContext.AllowPrivilegeEscalation = nil
			c.SecurityContext.Capabilities.Drop = []corev1.Capability{"ALL", "SYS_ADMIN"}
		}), allow: capabilities("SYS_ADMIN"), stays: lines(main + escalation + isEscalation)},
	}
	for _, spelled := range []corev1.Capability{"SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin", "cap_sys_admin", "Cap_Sys_Admin"} {
		for _, grant := range []string{"SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin", "cap_Sys_admin", "*"} {
			rows = append(rows, grantRow{
				name: fmt.Sprintf("escalation implied by %s under %s", spelled, grant), why: "every spelling implies escalation, on either side",
				pod: escalatingWith(spelled), allow: capabilities(grant),
				excused: lines(main+escalation+byCapabilities, main+addCap+"[0]"+byCapabilities),
			})
		}
		rows = append(rows, grantRow{
			name: fmt.Sprintf("escalation implied by %s, not granted", spelled), why: "what is not granted implies nothing",
			pod:   escalatingWith(spelled),
			stays: lines(main+escalation+isEscalation, main+addCap+"[0]"+isCapRestricted),
		})
	}
	return rows
}

func capabilityRows() []grantRow {
	var rows []grantRow
	for _, r := range []struct {
		name, why  string
		grant      string
		capability corev1.Capability
		covered    bool
	}{
		{"exact", "the plain case", "NET_ADMIN", "NET_ADMIN", true},
		{"star", "* is every capability", "*", "NET_ADMIN", true},
		{"star and ALL", "* is every capability, so ALL too", "*", "ALL", true},
		{"star and the empty string", "* covers whatever is added", "*", "", true},
		{"case of the grant", "case does not matter", "net_admin", "NET_ADMIN", true},
		{"case of the pod", "case does not matter", "NET_ADMIN", "net_admin", true},
		{"prefix of the grant", "CAP_ does not matter", "CAP_NET_ADMIN", "NET_ADMIN", true},
		{"prefix of the pod", "CAP_ does not matter", "NET_ADMIN", "CAP_NET_ADMIN", true},
		{"prefixes of both", "nor does its case", "cap_net_admin", "CAP_NET_ADMIN", true},
		{"all", "ALL grants ALL", "ALL", "ALL", true},
		{"all in lower case", "also as a runtime reads it", "ALL", "all", true},
		{"one is not all", "ALL must be granted itself", "NET_ADMIN", "ALL", false},
		{"all is not star", "ALL grants the word ALL alone", "ALL", "NET_ADMIN", false},
		{"empty string", "no name covers it", "NET_ADMIN", "", false},
		{"prefix alone", "no name covers it", "NET_ADMIN", "CAP_", false},
		{"longer name", "names are whole", "NET_ADMIN", "NET_ADMINS", false},
		{"shorter name", "names are whole", "NET_ADMIN", "NET_ADM", false},
		{"prefix twice", "one CAP_ is a prefix, the second is a name", "NET_ADMIN", "CAP_CAP_NET_ADMIN", false},
		{"space", "no name has one", "NET_ADMIN", " NET_ADMIN", false},
	} {
		for _, at := range []string{"baseline:latest", "restricted:latest"} {
			row := grantRow{name: "capability, " + r.name + " at " + at, why: r.why, at: at, pod: onMain(adding(r.capability)), allow: capabilities(r.grant)}
			switch {
			case r.covered:
				row.excused = lines(main + addCap + "[0]" + byCapabilities)
			case strings.HasPrefix(at, "baseline"):
				row.stays = lines(main + addCap + "[0]" + isCapBaseline)
			default:
				row.stays = lines(main + addCap + "[0]" + isCapRestricted)
			}
			rows = append(rows, row)
		}
	}
	no := policy.Mutations{DropAllCapabilities: ptr(false)}
	return append(rows, []grantRow{
		{name: "some of the capabilities", why: "each is granted alone, and named by its place", pod: onMain(adding("NET_ADMIN", "NET_BIND_SERVICE", "SYS_TIME", "CHOWN")),
			allow:   capabilities("NET_ADMIN", "CHOWN"),
			excused: lines(main+addCap+"[0]"+byCapabilities, main+addCap+"[3]"+byCapabilities),
			stays:   lines(main + addCap + "[2]" + isCapRestricted)},
		{name: "capabilities of every kind of container", why: "all three lists are visited", pod: onAll(adding("NET_ADMIN")), allow: capabilities("NET_ADMIN"),
			excused: lines(initial+addCap+"[0]"+byCapabilities, main+addCap+"[0]"+byCapabilities, debug+addCap+"[0]"+byCapabilities)},
		{name: "capabilities do not excuse a missing drop", why: "drop has a grant of its own", pod: onMain(dropping()), allow: capabilities("*"),
			stays: lines(main + dropCap + isCapRestricted)},
		{name: "drop unset, dropAllCapabilities false", why: "what Mutate does not fill is not demanded", pod: onAll(dropping()), fill: no,
			excused: lines(initial+dropCap+byDropFalse, main+dropCap+byDropFalse, debug+dropCap+byDropFalse)},
		{name: "capabilities unset, dropAllCapabilities false", why: "no capabilities at all are an unset drop", pod: onMain(func(c *corev1.Container) { c.SecurityContext.Capabilities = nil }), fill: no,
			excused: lines(main + dropCap + byDropFalse)},
		{name: "no security context, dropAllCapabilities false", why: "no security context is an unset drop too", pod: onMain(func(c *corev1.Container) { c.SecurityContext = nil }), fill: no,
			excused: lines(main + dropCap + byDropFalse),
			stays:   lines(main+escalation+isEscalation, main+seccompOf+isSeccomp)},
		{name: "another drop, dropAllCapabilities false", why: "a missing drop ALL is excused, whatever else is dropped", pod: onMain(dropping("NET_RAW")), fill: no,
			excused: lines(main + dropCap + byDropFalse)},
		{name: "drop all in lower case, dropAllCapabilities false", why: "the standard wants ALL exactly", pod: onMain(dropping("all")), fill: no,
			excused: lines(main + dropCap + byDropFalse)},
		{name: "drop all in lower case", why: "the standard wants ALL exactly", pod: onMain(dropping("all")), stays: lines(main + dropCap + isCapRestricted)},
		{name: "another drop, dropAllCapabilities true", why: "the default said aloud", pod: onMain(dropping("NET_RAW")), fill: policy.Mutations{DropAllCapabilities: ptr(true)},
			stays: lines(main + dropCap + isCapRestricted)},
		{name: "added capability, dropAllCapabilities false", why: "it is about drop alone", pod: onMain(adding("NET_ADMIN")), fill: no,
			stays: lines(main + addCap + "[0]" + isCapRestricted)},
		{name: "missing drop of an ungranted privileged container", why: "privilege must be granted first", pod: onMain(func(c *corev1.Container) {
			dropping("NET_RAW")(c)
			c.SecurityContext.Privileged = ptr(true)
		}), stays: lines(main+privilegedOf+isPrivilegedCheck, main+dropCap+isCapRestricted)},
		{name: "missing drop of a granted privileged container", why: "a drop has no effect there", pod: onMain(func(c *corev1.Container) {
			dropping("NET_RAW")(c)
			c.SecurityContext.Privileged = ptr(true)
		}), allow: policy.Allow{Privileged: true}, excused: lines(main+privilegedOf+byPrivileged, main+dropCap+byPrivileged)},
	}...)
}

func hostRows() []grantRow {
	const net, pid, ipc, namespaces = "spec.hostNetwork", "spec.hostPID", "spec.hostIPC", " <- hostNamespaces"
	all := func(pod *corev1.Pod) { pod.Spec.HostNetwork, pod.Spec.HostPID, pod.Spec.HostIPC = true, true, true }
	ports := each(onInit(listening(0, 79)), onMain(listening(80, 443)), onDebug(listening(444, 65535)))
	portAt := func(list string, i int) string { return fmt.Sprintf("%sports[%d].hostPort", list, i) }
	const isPort, byPorts, byPair = " <- hostPorts", " <- allow.allowedHostPorts", " <- allow.hostNetworkPorts"
	return []grantRow{
		{name: "hostNetworkPorts and namespaces", why: "the network, not the others", at: "baseline:latest", pod: all, allow: policy.Allow{HostNetworkPorts: true},
			excused: lines(net + byPair), stays: lines(pid+namespaces, ipc+namespaces)},
		{name: "hostNetwork alone", why: "the network, not the others", pod: all, allow: policy.Allow{HostNetwork: true},
			excused: lines(net + " <- allow.hostNetwork"), stays: lines(pid+namespaces, ipc+namespaces)},
		{name: "hostNamespace alone", why: "PID and IPC, not the network", at: "baseline:latest", pod: all, allow: policy.Allow{HostNamespace: true},
			excused: lines(pid+" <- allow.hostNamespace", ipc+" <- allow.hostNamespace"), stays: lines(net + namespaces)},
		{name: "hostPID alone", why: "half of the pair", pod: all, allow: policy.Allow{HostPID: true},
			excused: lines(pid + " <- allow.hostPID"), stays: lines(net+namespaces, ipc+namespaces)},
		{name: "hostIPC alone", why: "the other half", pod: all, allow: policy.Allow{HostIPC: true},
			excused: lines(ipc + " <- allow.hostIPC"), stays: lines(net+namespaces, pid+namespaces)},
		{name: "allowedHostPorts and namespaces", why: "a port is not a network", at: "baseline:latest", pod: all,
			allow: policy.Allow{AllowedHostPorts: []policy.PortRange{{Min: 1, Max: 65535}}, Privileged: true},
			stays: lines(net+namespaces, pid+namespaces, ipc+namespaces)},
		{name: "hostNetworkPorts and ports", why: "every port, in every kind of container", at: "baseline:latest", pod: ports, allow: policy.Allow{HostNetworkPorts: true},
			excused: lines(portAt(initial, 1)+byPair, portAt(main, 0)+byPair, portAt(main, 1)+byPair, portAt(debug, 0)+byPair, portAt(debug, 1)+byPair)},
		{name: "hostNetwork and ports", why: "the finer grant grants no ports", pod: ports, allow: policy.Allow{HostNetwork: true, HostNamespace: true},
			stays: lines(portAt(initial, 1)+isPort, portAt(main, 0)+isPort, portAt(main, 1)+isPort, portAt(debug, 0)+isPort, portAt(debug, 1)+isPort)},
		{name: "allowedHostPorts and its bounds", why: "both ends are in", at: "baseline:latest", pod: ports, allow: policy.Allow{AllowedHostPorts: []policy.PortRange{{Min: 80, Max: 443}}},
			excused: lines(portAt(main, 0)+byPorts, portAt(main, 1)+byPorts),
			stays:   lines(portAt(initial, 1)+isPort, portAt(debug, 0)+isPort, portAt(debug, 1)+isPort)},
		{name: "allowedHostPorts, several ranges", why: "any of them", at: "baseline:latest", pod: ports, allow: policy.Allow{AllowedHostPorts: []policy.PortRange{{Min: 65535, Max: 65535}, {Min: 1, Max: 79}}},
			excused: lines(portAt(initial, 1)+byPorts, portAt(debug, 1)+byPorts),
			stays:   lines(portAt(main, 0)+isPort, portAt(main, 1)+isPort, portAt(debug, 0)+isPort)},
	}
}

func hostPathRows() []grantRow {
	var rows []grantRow
	const at = "spec.volumes[2]"
	// both adds a row at each level: restricted names the field alike.
	both := func(row grantRow, covered bool) {
		for _, level := range []struct{ at, check string }{{"baseline:latest", "hostPathVolumes"}, {"restricted:latest", "restrictedVolumes"}} {
			row := row
			row.name, row.at = "hostPath, "+row.name+" at "+level.at, level.at
			if covered {
				row.excused = lines(at + ".hostPath" + byHostPaths)
			} else {
				row.stays = lines(at + ".hostPath <- " + level.check)
			}
			rows = append(rows, row)
		}
	}
	paths := func(list ...policy.HostPath) policy.Allow { return policy.Allow{AllowedHostPaths: list} }
	for _, r := range []struct {
		name, why, prefix, path string
		covered                 bool
	}{
		{"prefix itself", "a prefix covers itself", "/foo", "/foo", true},
		{"below", "and what lies below", "/foo", "/foo/bar", true},
		{"far below", "at any depth", "/foo", "/foo/bar/baz/..q", true},
		{"trailing slash", "it does not matter", "/foo", "/foo/", true},
		{"trailing slash below", "it does not matter", "/foo", "/foo/bar/", true},
		{"root", "/ covers every clean path", "/", "/etc", true},
		{"root itself", "/ covers itself", "/", "/", true},
		{"look-alike", "whole segments", "/foo", "/foobar", false},
		{"parent", "a prefix does not reach up", "/foo/bar", "/foo", false},
		{"root under a prefix", "a prefix does not reach up", "/foo", "/", false},
		{"dot dot", "the node would resolve it", "/foo", "/foo/../etc", false},
		{"dot dot that stays", "not clean, not covered", "/foo", "/foo/bar/..", false},
		{"dot dot below root", "not clean, not covered", "/", "/..", false},
		{"dot", "not clean, not covered", "/foo", "/foo/./bar", false},
		{"double slash", "not clean, not covered", "/foo", "/foo//bar", false},
		{"leading double slash", "not clean, not covered", "/foo", "//foo", false},
		{"two trailing slashes", "one is forgiven, not two", "/foo", "/foo//", false},
		{"relative", "not absolute, not covered", "/foo", "foo", false},
		{"relative under root", "not absolute, not covered", "/", "etc", false},
		{"empty", "not absolute, not covered", "/", "", false},
		{"another case", "paths are exact", "/foo", "/Foo", false},
	} {
		both(grantRow{name: r.name, why: r.why, pod: hostPath(r.path), allow: paths(policy.HostPath{PathPrefix: r.prefix})}, r.covered)
	}

	readOnly := paths(policy.HostPath{PathPrefix: "/foo", ReadOnly: true})
	deep := paths(policy.HostPath{PathPrefix: "/foo", ReadOnly: true, RecursiveReadOnly: true})
	directories := paths(policy.HostPath{PathPrefix: "/foo", Types: []string{"Directory"}})
	typed := func(t corev1.HostPathType) func(*corev1.Pod) {
		return volume(corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/foo/bar", Type: &t}})
	}
	mounted := func(changes ...func(*corev1.Pod)) func(*corev1.Pod) {
		return each(append(changes, hostPath("/foo/bar"))...)
	}
	for _, r := range []struct {
		name, why string
		pod       func(*corev1.Pod)
		allow     policy.Allow
		covered   bool
	}{
		{"readOnly without a mount", "no mount is writable", mounted(), readOnly, true},
		{"readOnly mounts everywhere", "every mount is read-only", mounted(onAll(mounting("v", true))), readOnly, true},
		{"writable mount in an init container", "every container counts", mounted(onAll(mounting("v", true)), onInit(mounting("v", false))), readOnly, false},
		{"writable mount in a container", "every container counts", mounted(onMain(mounting("v", false))), readOnly, false},
		{"writable mount in an ephemeral container", "every container counts", mounted(onMain(mounting("v", true)), onDebug(mounting("v", false))), readOnly, false},
		{"writable mount of another volume", "it is not this one", mounted(onAll(mounting("a", false)), onMain(mounting("v", true))), readOnly, true},
		{"as a device", "a device is written to", mounted(onMain(func(c *corev1.Container) {
			c.VolumeDevices = []corev1.VolumeDevice{{Name: "v", DevicePath: "/dev/x"}}
		})), readOnly, false},
		{"writable mount without readOnly", "only readOnly asks", mounted(onMain(mounting("v", false))), paths(policy.HostPath{PathPrefix: "/foo"}), true},
		{"readOnly prefix, writable below", "any entry that admits it suffices", mounted(onMain(mounting("v", false))),
			paths(policy.HostPath{PathPrefix: "/", ReadOnly: true}, policy.HostPath{PathPrefix: "/foo/bar"}), true},
		{"writable prefix, readOnly below", "in either order", mounted(onMain(mounting("v", false))),
			paths(policy.HostPath{PathPrefix: "/foo"}, policy.HostPath{PathPrefix: "/foo/bar", ReadOnly: true}), true},
		{"writable entry elsewhere", "an entry must cover the path to admit it", mounted(onMain(mounting("v", false))),
			paths(policy.HostPath{PathPrefix: "/foo", ReadOnly: true}, policy.HostPath{PathPrefix: "/etc"}), false},
		{"several readOnly entries", "none admits a writable mount", mounted(onMain(mounting("v", false))),
			paths(policy.HostPath{PathPrefix: "/foo", ReadOnly: true}, policy.HostPath{PathPrefix: "/foo/bar", ReadOnly: true}), false},
		{"read-only mounts, recursively demanded", "what is mounted below may be written to", mounted(onAll(mounting("v", true))), deep, false},
		{"recursively read-only where possible", "a node that cannot do it leaves submounts writable", mounted(onAll(mountingDeep("v", "IfPossible"))), deep, false},
		{"recursively read-only, disabled", "as unset", mounted(onAll(mountingDeep("v", "Disabled"))), deep, false},
		{"recursively read-only", "every mount is so", mounted(onAll(mountingDeep("v", "Enabled"))), deep, true},
		{"recursively read-only without a mount", "no mount is not", mounted(), deep, true},
		{"one mount of two not recursively", "every container counts", mounted(onAll(mountingDeep("v", "Enabled")), onDebug(mounting("v", true))), deep, false},
		{"recursively read-only, only readOnly demanded", "it is that too", mounted(onAll(mountingDeep("v", "Enabled"))), readOnly, true},
		{"another volume not recursively", "it is not this one", mounted(onAll(mounting("a", true)), onMain(mountingDeep("v", "Enabled"))), deep, true},
		{"a device, recursively demanded", "a device is written to", mounted(onMain(func(c *corev1.Container) {
			c.VolumeDevices = []corev1.VolumeDevice{{Name: "v", DevicePath: "/dev/x"}}
		})), deep, false},
		{"a type that is listed", "the kubelet checks that it is one", typed("Directory"), directories, true},
		{"a type that creates", "another type", typed("DirectoryOrCreate"), directories, false},
		{"a socket", "another type, which a read-only mount lets be used", typed("Socket"), directories, false},
		{"no type", "nothing is checked, and so it may be a socket", typed(""), directories, false},
		{"a nil type", "as the empty one", mounted(), directories, false},
		{"no type, listed", "by the name that it has in a policy", mounted(), paths(policy.HostPath{PathPrefix: "/foo", Types: []string{"Unset"}}), true},
		{"a type, another entry", "any entry that admits it suffices", typed("Socket"), paths(directories.AllowedHostPaths[0], policy.HostPath{PathPrefix: "/foo/bar", Types: []string{"Socket"}}), true},
		{"Windows under a prefix with slashes", "it is a path of its drive C there", each(windows, hostPath("/foo/bar")), paths(policy.HostPath{PathPrefix: "/foo"}), false},
		{"Windows under its prefix", "whatever the case and the slashes", each(windows, hostPath("c:/FOO/bar")), paths(policy.HostPath{PathPrefix: `C:\foo`}), true},
		{"Windows beside its prefix", "by whole segments", each(windows, hostPath(`C:\foobar`)), paths(policy.HostPath{PathPrefix: `C:\foo`}), false},
		{"a path of Windows in a pod of another system", "spec.os.name says which it is", hostPath(`C:\foo`), paths(policy.HostPath{PathPrefix: `C:\foo`}), false},
		{"backslashes", "they would divide segments on Windows", hostPath(`/foo\..\bar`), paths(policy.HostPath{PathPrefix: "/foo"}), false},
		{"no path, hostPath in volumes", "allowedHostPaths alone grants a hostPath", mounted(), policy.Allow{Volumes: []string{"configMap", "secret", "hostPath"}}, false},
		{"no path, every volume", "not even * grants a hostPath", mounted(), policy.Allow{Volumes: []string{"*"}}, false},
		{"a path, hostPath not in volumes", "it needs not be there", mounted(),
			policy.Allow{AllowedHostPaths: []policy.HostPath{{PathPrefix: "/foo"}}, Volumes: []string{"configMap", "secret"}}, true},
		{"everything else", "no other grant grants a hostPath", mounted(), policy.Allow{Privileged: true, AllowedCapabilities: []string{"*"}}, false},
	} {
		both(grantRow{name: r.name, why: r.why, pod: r.pod, allow: r.allow}, r.covered)
	}
	return append(rows,
		grantRow{name: "one hostPath of two", why: "the offending one is named, not the allowed one", at: "baseline:latest",
			pod: each(hostPath("/foo"), hostPath("/etc")), allow: paths(policy.HostPath{PathPrefix: "/foo"}),
			excused: lines("spec.volumes[2].hostPath" + byHostPaths), stays: lines("spec.volumes[3].hostPath <- hostPathVolumes")},
	)
}

func volumeRows() []grantRow {
	nfs := corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}}
	nfsAndISCSI := corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}, ISCSI: &corev1.ISCSIVolumeSource{}}
	nfsAndHost := corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}, HostPath: &corev1.HostPathVolumeSource{Path: "/foo"}}
	emptyAndHost := corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}, HostPath: &corev1.HostPathVolumeSource{Path: "/foo"}}
	foo := []policy.HostPath{{PathPrefix: "/foo"}}
	types := func(names ...string) policy.Allow {
		return policy.Allow{Volumes: append([]string{"configMap", "secret"}, names...)}
	}
	const at = "spec.volumes[2]"
	return []grantRow{
		{name: "nfs granted", why: "the plain case", pod: volume(nfs), allow: types("nfs"), excused: lines(at + ".nfs" + byVolumes)},
		{name: "nfs under *", why: "* is every type", pod: volume(nfs), allow: types("*"), excused: lines(at + ".nfs" + byVolumes)},
		{name: "nfs not granted", why: "another type is another grant", pod: volume(nfs), allow: types("iscsi", "hostPath"), stays: lines(at + ".nfs" + isVolumes)},
		{name: "nfs under the default list", why: "the default grants nothing beyond the level", pod: volume(nfs), stays: lines(at + ".nfs" + isVolumes)},
		{name: "nfs under an allowed path", why: "a path is not a type", pod: volume(nfs), allow: policy.Allow{AllowedHostPaths: foo}, stays: lines(at + ".nfs" + isVolumes)},
		{name: "nfs at baseline", why: "baseline leaves types free, and so does an unset list", at: "baseline:latest", pod: volume(nfs)},
		{name: "two types, one granted", why: "a second must not slip in behind the first", pod: volume(nfsAndISCSI), allow: types("nfs"), stays: lines(at + ".nfs" + isVolumes)},
		{name: "two types, the other granted", why: "nor before it", pod: volume(nfsAndISCSI), allow: types("iscsi"), stays: lines(at + ".nfs" + isVolumes)},
		{name: "two types, both granted", why: "each is granted", pod: volume(nfsAndISCSI), allow: types("nfs", "iscsi"), excused: lines(at + ".nfs" + byVolumes)},
		{name: "nfs and a hostPath, nfs granted", why: "the path must be granted too", pod: volume(nfsAndHost), allow: types("nfs"), stays: lines(at + ".hostPath" + isVolumes)},
		{name: "nfs and a hostPath, path granted", why: "the type must be granted too", pod: volume(nfsAndHost), allow: policy.Allow{AllowedHostPaths: foo}, stays: lines(at + ".hostPath" + isVolumes)},
		{name: "nfs and a hostPath, both granted", why: "each is granted", pod: volume(nfsAndHost),
			allow: policy.Allow{AllowedHostPaths: foo, Volumes: []string{"configMap", "secret", "nfs"}}, excused: lines(at + ".hostPath" + byHostPaths)},
		{name: "no source under *", why: "* is every type that is known, and a new one may open what it will", pod: volume(corev1.VolumeSource{}), allow: types("*"), stays: lines(at + isVolumes)},
		{name: "no source under a list", why: "an unknown type is on no list", pod: volume(corev1.VolumeSource{}), allow: types("nfs", "emptyDir"), stays: lines(at + isVolumes)},
		{name: "emptyDir and a hostPath at restricted", why: "the standard sees emptyDir alone; the policy's rule sees both", pod: volume(emptyAndHost), stays: lines(at + ".hostPath" + isVolumeRule)},
		{name: "emptyDir and a hostPath at restricted, every volume", why: "* does not grant a path", pod: volume(emptyAndHost), allow: types("*"), stays: lines(at + ".hostPath" + isVolumeRule)},
		{name: "emptyDir and a granted hostPath at restricted", why: "nothing is left to refuse", pod: volume(emptyAndHost), allow: policy.Allow{AllowedHostPaths: foo}},
		{name: "emptyDir and a hostPath at baseline", why: "baseline looks for hostPath alone", at: "baseline:latest", pod: volume(emptyAndHost), stays: lines(at + ".hostPath <- hostPathVolumes")},
		{name: "emptyDir and a granted hostPath at baseline", why: "the path is granted", at: "baseline:latest", pod: volume(emptyAndHost), allow: policy.Allow{AllowedHostPaths: foo},
			excused: lines(at + ".hostPath" + byHostPaths)},
	}
}

func sysctlRows() []grantRow {
	var rows []grantRow
	for _, r := range []struct {
		name, why, grant, sysctl string
		covered                  bool
	}{
		{"exact", "the plain case", "kernel.msgmax", "kernel.msgmax", true},
		{"prefix", "a prefix ends in *", "net.core.*", "net.core.somaxconn", true},
		{"prefix within a segment", "wherever it ends", "net.co*", "net.core.somaxconn", true},
		{"prefix over segments", "it reaches any depth", "net.*", "net.ipv4.conf.all.forwarding", true},
		{"lone star", "every sysctl", "*", "kernel.msgmax", true},
		{"lone star and slashes", "every sysctl, however it is written", "*", "kernel/msgmax", true},
		{"exact is no prefix", "only * makes a prefix", "kernel.msg", "kernel.msgmax", false},
		{"longer than the sysctl", "names are whole", "kernel.msgmax", "kernel.msg", false},
		{"prefix of another", "the dot is part of the prefix", "net.core.*", "net.corex", false},
		{"prefix without its dot", "the dot is part of the prefix", "net.core.*", "net.core", false},
		{"slash form", "PSA compares names as they are written", "kernel.msgmax", "kernel/msgmax", false},
		{"slash form under a prefix", "PSA compares names as they are written", "kernel.*", "kernel/msgmax", false},
		{"another case", "names are exact", "kernel.msgmax", "kernel.MSGMAX", false},
		{"empty name", "nothing covers it but *", "kernel.*", "", false},
	} {
		row := grantRow{name: "sysctl, " + r.name, why: r.why, at: "baseline:latest", pod: sysctls("kernel.shm_rmid_forced", r.sysctl), allow: policy.Allow{AllowedUnsafeSysctls: []string{r.grant}}}
		if r.covered {
			row.excused = lines(podSec + "sysctls[1].name" + bySysctls)
		} else {
			row.stays = lines(podSec + "sysctls[1].name <- sysctls")
		}
		rows = append(rows, row)
	}
	return append(rows, grantRow{
		name: "sysctl, safe only later", why: "an older version has a shorter list, and the grant makes up for it", at: "baseline:v1.26",
		pod: sysctls("net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_rmem"), allow: policy.Allow{AllowedUnsafeSysctls: []string{"net.ipv4.tcp_rmem"}},
		excused: lines(podSec + "sysctls[1].name" + bySysctls), stays: lines(podSec + "sysctls[0].name <- sysctls"),
	})
}

func userRows() []grantRow {
	any := policy.Allow{RunAsUser: policy.UserRule{Rule: policy.RunAsAny}}
	root := mustRunAs(ids(0, 0), ids(1000, 1999))
	others := mustRunAs(ids(1, 1999))
	const podNonRootField, podUserField = podSec + "runAsNonRoot", podSec + "runAsUser"
	everyNonRoot := func(suffix string) []string {
		return lines(initial+nonRootOf+suffix, main+nonRootOf+suffix, debug+nonRootOf+suffix)
	}
	return []grantRow{
		{name: "RunAsAny and runAsNonRoot unset", why: "it strikes runAsNonRoot", pod: podNonRoot(nil), allow: any, excused: everyNonRoot(byUser)},
		{name: "RunAsAny and runAsNonRoot false", why: "wherever it is set", pod: each(podNonRoot(ptr(false)), onAll(nonRoot(ptr(false)))), allow: any,
			excused: append(lines(podNonRootField+byUser), everyNonRoot(byUser)...)},
		{name: "RunAsAny and runAsUser 0", why: "it strikes runAsUser, on the pod and on every kind of container", pod: each(podUser(0), onAll(user(0))), allow: any,
			excused: lines(podUserField+byUser, initial+userOf+byUser, main+userOf+byUser, debug+userOf+byUser)},
		{name: "MustRunAsNonRoot and runAsNonRoot unset", why: "the default grants nothing", pod: podNonRoot(nil),
			allow: policy.Allow{RunAsUser: policy.UserRule{Rule: policy.MustRunAsNonRoot}}, stays: everyNonRoot(isNonRoot)},
		{name: "MustRunAsNonRoot and runAsUser 0", why: "the default grants nothing", pod: each(podUser(0), onMain(user(0))),
			stays: lines(podUserField+isRootUser, main+userOf+isRootUser)},
		{name: "MustRunAs with 0, UID 0 on the pod", why: "it strikes both for a UID 0 in range", pod: each(podNonRoot(nil), podUser(0)), allow: root,
			excused: append(everyNonRoot(byUser), podUserField+byUser)},
		{name: "MustRunAs with 0, UID 0 on a container", why: "the others run as somebody and must say runAsNonRoot",
			pod: each(podNonRoot(nil), podUser(1000), onMain(user(0))), allow: root,
			excused: lines(main+nonRootOf+byUser, main+userOf+byUser), stays: lines(initial+nonRootOf+isNonRoot, debug+nonRootOf+isNonRoot)},
		{name: "MustRunAs with 0, UID 0 and runAsNonRoot false", why: "false is excused as unset is", pod: each(podUser(1000), onMain(user(0)), onMain(nonRoot(ptr(false)))), allow: root,
			excused: lines(main+nonRootOf+byUser, main+userOf+byUser)},
		{name: "MustRunAs with 0, another UID and runAsNonRoot false", why: "it strikes only for UID 0", pod: each(podUser(1000), onMain(nonRoot(ptr(false)))), allow: root,
			stays: lines(main + nonRootOf + isNonRoot)},
		{name: "MustRunAs with 0, no UID", why: "it strikes only for UID 0, and demands one", pod: each(podNonRoot(nil), onInit(user(1000)), onDebug(user(1000))), allow: root,
			stays: lines(initial+nonRootOf+isNonRoot, main+nonRootOf+isNonRoot, debug+nonRootOf+isNonRoot, main+userOf+byUser)},
		{name: "MustRunAs without 0, UID 0", why: "0 is out of range: refused by the standard and by the rule", pod: each(podUser(1000), onMain(user(0))), allow: others,
			stays: lines(main+userOf+isRootUser, main+userOf+byUser)},
		{name: "MustRunAs without 0, UID in range", why: "a range excuses nobody from runAsNonRoot", pod: each(podNonRoot(nil), podUser(1000)), allow: others,
			stays: everyNonRoot(isNonRoot)},
		{name: "MustRunAs with 0, pod false, every heir root", why: "false reaches only containers that run as a granted root",
			pod: each(podNonRoot(ptr(false)), podUser(0)), allow: root,
			excused: append(append(lines(podNonRootField+byUser), everyNonRoot(byUser)...), podUserField+byUser)},
		{name: "MustRunAs with 0, pod false, heirs root by themselves", why: "the effective UID counts",
			pod: each(podNonRoot(ptr(false)), podUser(1000), onInit(user(0)), onMain(nonRoot(ptr(true))), onDebug(user(0))), allow: root,
			excused: lines(podNonRootField+byUser, initial+nonRootOf+byUser, debug+nonRootOf+byUser, initial+userOf+byUser, debug+userOf+byUser)},
		{name: "MustRunAs with 0, pod false, one heir not root", why: "false reaches a container that no grant covers",
			pod: each(podNonRoot(ptr(false)), podUser(0), onMain(user(1000))), allow: root,
			excused: lines(initial+nonRootOf+byUser, debug+nonRootOf+byUser, podUserField+byUser),
			stays:   lines(podNonRootField+isNonRoot, main+nonRootOf+isNonRoot)},
		{name: "MustRunAs with 0, pod false, the last heir not root", why: "a container with its own value before it hides no heir",
			pod: each(podNonRoot(ptr(false)), podUser(1000), onInit(user(0)), onMain(nonRoot(ptr(true)))), allow: root,
			excused: lines(initial+nonRootOf+byUser, initial+userOf+byUser),
			stays:   lines(podNonRootField+isNonRoot, debug+nonRootOf+isNonRoot)},
		{name: "MustRunAs with 0, pod false, no heir", why: "it reaches no container that a grant covers",
			pod: each(podNonRoot(ptr(false)), podUser(1000), onAll(nonRoot(ptr(true)))), allow: root,
			stays: lines(podNonRootField + isNonRoot)},
		{name: "privileged is not root", why: "another grant", pod: podUser(0), allow: policy.Allow{Privileged: true}, stays: lines(podUserField + isRootUser)},
	}
}

func seccompRows() []grantRow {
	const podField = podSec + "seccompProfile.type"
	every := func(suffix string) []string {
		return lines(initial+seccompOf+suffix, main+seccompOf+suffix, debug+seccompOf+suffix)
	}
	no := policy.Mutations{SetDefaultSeccompProfile: ptr(false)}
	const podKey = "metadata.annotations[" + spec.SeccompPodAnnotation + "]"
	const mainKey = "metadata.annotations[" + spec.SeccompContainerAnnotation + "main]"
	const debugKey = "metadata.annotations[" + spec.SeccompContainerAnnotation + "debug]"
	legacy := annotated(spec.SeccompPodAnnotation, "unconfined", spec.SeccompContainerAnnotation+"main", "unconfined",
		spec.SeccompContainerAnnotation+"debug", "other", spec.SeccompContainerAnnotation+"absent", "unconfined", spec.SeccompContainerAnnotation+"init", "runtime/default")
	return []grantRow{
		{name: "Unconfined on containers", why: "in every kind of container", pod: onAll(seccomp("Unconfined")), allow: unconfined, excused: every(bySeccomp)},
		{name: "Unconfined at baseline", why: "one grant covers both checks", at: "baseline:latest", pod: each(podSeccomp("Unconfined"), onMain(seccomp("Unconfined"))), allow: unconfined,
			excused: lines(podField+bySeccomp, main+seccompOf+bySeccomp)},
		{name: "Unconfined on the pod and inherited", why: "where it is set and where it is inherited", pod: each(podSeccomp("Unconfined"), onMain(seccomp("")), onDebug(seccomp(""))), allow: unconfined,
			excused: lines(podField+bySeccomp, main+seccompOf+bySeccomp, debug+seccompOf+bySeccomp)},
		{name: "Unconfined not granted", why: "setDefaultSeccompProfile is about unset profiles", pod: each(podSeccomp("Unconfined"), onMain(seccomp("Unconfined")), onInit(seccomp(""))), fill: no,
			stays: lines(podField+isSeccomp, initial+seccompOf+isSeccomp, main+seccompOf+isSeccomp)},
		{name: "another type", why: "Unconfined grants Unconfined alone", pod: each(podSeccomp("Other"), onMain(seccomp("unconfined")), onDebug(seccomp(""))), allow: unconfined,
			stays: lines(podField+isSeccomp, main+seccompOf+isSeccomp, debug+seccompOf+isSeccomp)},
		{name: "unset under Unconfined", why: "unset is not a value", pod: onAll(seccomp("")), allow: unconfined, stays: every(isSeccomp)},
		{name: "unset, setDefaultSeccompProfile false", why: "what Mutate does not fill is not demanded", pod: onAll(seccomp("")), fill: no, excused: every(bySeccompFalse)},
		{name: "unset, setDefaultSeccompProfile true", why: "the default said aloud", pod: onAll(seccomp("")), fill: policy.Mutations{SetDefaultSeccompProfile: ptr(true)}, stays: every(isSeccomp)},
		{name: "legacy annotations at restricted", why: "v1.18 reads annotations, of the pod and of containers that it has", at: "restricted:v1.18", pod: legacy, allow: unconfined,
			excused: lines(podKey+bySeccomp, mainKey+bySeccomp), stays: lines(debugKey + isSeccompBaseline)},
		{name: "legacy annotations at baseline", why: "at baseline alike", at: "baseline:v1.18", pod: legacy, allow: unconfined,
			excused: lines(podKey+bySeccomp, mainKey+bySeccomp), stays: lines(debugKey + isSeccompBaseline)},
		{name: "legacy annotations not granted", why: "setDefaultSeccompProfile is about unset profiles", at: "restricted:v1.18", pod: legacy, fill: no,
			stays: lines(podKey+isSeccompBaseline, debugKey+isSeccompBaseline, mainKey+isSeccompBaseline)},
		{name: "legacy annotation of another case", why: "annotations are exact", at: "baseline:v1.18", pod: annotated(spec.SeccompPodAnnotation, "Unconfined"), allow: unconfined,
			stays: lines(podKey + isSeccompBaseline)},
		{name: "legacy annotations at v1.19", why: "v1.19 reads fields", at: "restricted:v1.19", pod: legacy},
	}
}

func otherRows() []grantRow {
	const podAppArmor = podSec + "appArmorProfile.type"
	const key, absent = "metadata.annotations[" + spec.AppArmorAnnotation + "main]", "metadata.annotations[" + spec.AppArmorAnnotation + "absent]"
	apparmor := policy.Allow{AppArmorProfiles: []string{"Unconfined"}}
	setAppArmor := each(podSecurity(func(sc *corev1.PodSecurityContext) { sc.AppArmorProfile = &corev1.AppArmorProfile{Type: "Unconfined"} }),
		onAll(appArmor("Unconfined")), annotated(spec.AppArmorAnnotation+"main", "unconfined", spec.AppArmorAnnotation+"absent", "unconfined"))
	unmasked := policy.Allow{ProcMounts: []string{"Unmasked"}}
	seLinux := each(
		podSecurity(func(sc *corev1.PodSecurityContext) {
			sc.SELinuxOptions = &corev1.SELinuxOptions{Type: "spc_t", User: "u", Role: "r", Level: "s0"}
		}),
		onDebug(func(c *corev1.Container) {
			c.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Type: "container_t", Role: "r"}
		}),
		onInit(func(c *corev1.Container) { c.SecurityContext.SELinuxOptions = &corev1.SELinuxOptions{Type: "bad_t"} }))
	seLinuxAt := func(suffix string) []string {
		return lines(podSec+"seLinuxOptions.type"+suffix, podSec+"seLinuxOptions.user"+suffix, podSec+"seLinuxOptions.role"+suffix,
			initial+sec+"seLinuxOptions.type"+suffix, debug+sec+"seLinuxOptions.role"+suffix)
	}
	hostProc := each(podSecurity(func(sc *corev1.PodSecurityContext) { sc.WindowsOptions = hostProcess() }),
		onAll(func(c *corev1.Container) { c.SecurityContext.WindowsOptions = hostProcess() }))
	hostProcAt := func(suffix string) []string {
		return lines(podSec+"windowsOptions.hostProcess"+suffix, initial+hostProcOf+suffix, main+hostProcOf+suffix, debug+hostProcOf+suffix)
	}
	return []grantRow{
		{name: "AppArmor granted", why: "the fields, and the annotations that preceded them, also of absent containers", at: "baseline:latest", pod: setAppArmor, allow: apparmor,
			excused: lines(podAppArmor+byAppArmor, initial+appArmorOf+byAppArmor, main+appArmorOf+byAppArmor, debug+appArmorOf+byAppArmor, absent+byAppArmor, key+byAppArmor)},
		{name: "AppArmor not granted", why: "seccomp's Unconfined is another", pod: setAppArmor, allow: unconfined,
			stays: lines(podAppArmor+isAppArmor, initial+appArmorOf+isAppArmor, main+appArmorOf+isAppArmor, debug+appArmorOf+isAppArmor, absent+isAppArmor, key+isAppArmor)},
		{name: "AppArmor of another type", why: "Unconfined grants Unconfined alone", allow: apparmor,
			pod:   each(onMain(appArmor("Other")), onInit(appArmor("")), annotated(spec.AppArmorAnnotation+"main", "other")),
			stays: lines(initial+appArmorOf+isAppArmor, main+appArmorOf+isAppArmor, key+isAppArmor)},
		{name: "AppArmor in the other's case", why: "the field says Unconfined, the annotation unconfined: each is exact", allow: apparmor,
			pod:   each(onMain(appArmor("unconfined")), annotated(spec.AppArmorAnnotation+"main", "Unconfined")),
			stays: lines(main+appArmorOf+isAppArmor, key+isAppArmor)},
		{name: "procMount granted", why: "in every kind of container", pod: onAll(procMount("Unmasked")), allow: unmasked,
			excused: lines(initial+procMountOf+byProcMounts, main+procMountOf+byProcMounts, debug+procMountOf+byProcMounts)},
		{name: "procMount granted at baseline", why: "one grant covers both checks", at: "baseline:latest", pod: onMain(procMount("Unmasked")), allow: unmasked,
			excused: lines(main + procMountOf + byProcMounts)},
		{name: "procMount not granted", why: "privileged is another grant", pod: onMain(procMount("Unmasked")), allow: policy.Allow{Privileged: true},
			stays: lines(main + procMountOf + " <- procMount_restricted")},
		{name: "procMount of another type", why: "Unmasked grants Unmasked alone", at: "baseline:latest", pod: each(onMain(procMount("")), onInit(procMount("unmasked"))), allow: unmasked,
			stays: lines(initial+procMountOf+" <- procMount", main+procMountOf+" <- procMount")},
		{name: "seLinuxOptions granted", why: "type, user and role, on the pod and on containers", at: "baseline:latest", pod: seLinux, allow: policy.Allow{SELinuxOptions: true}, excused: seLinuxAt(bySELinux)},
		{name: "seLinuxOptions not granted", why: "AppArmor is another grant", pod: seLinux, allow: apparmor, stays: seLinuxAt(" <- seLinuxOptions")},
		{name: "hostProcess granted", why: "on the pod and in every kind of container", at: "baseline:latest", pod: hostProc, allow: policy.Allow{WindowsHostProcess: true}, excused: hostProcAt(byHostProcess)},
		{name: "hostProcess not granted", why: "privileged is for Linux", pod: hostProc, allow: policy.Allow{Privileged: true}, stays: hostProcAt(" <- windowsHostProcess")},
	}
}

// probeFields are the ten fields that name a host, each with a container that does.
func probeFields() map[string]func(c *corev1.Container, host string) {
	fields := map[string]func(*corev1.Container, string){}
	for name, probe := range map[string]func(*corev1.Container) **corev1.Probe{
		"livenessProbe":  func(c *corev1.Container) **corev1.Probe { return &c.LivenessProbe },
		"readinessProbe": func(c *corev1.Container) **corev1.Probe { return &c.ReadinessProbe },
		"startupProbe":   func(c *corev1.Container) **corev1.Probe { return &c.StartupProbe },
	} {
		fields[name+".httpGet.host"] = func(c *corev1.Container, host string) {
			*probe(c) = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: host}}}
		}
		fields[name+".tcpSocket.host"] = func(c *corev1.Container, host string) {
			*probe(c) = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: host}}}
		}
	}
	for name, hook := range map[string]func(*corev1.Container) **corev1.LifecycleHandler{
		"lifecycle.postStart": func(c *corev1.Container) **corev1.LifecycleHandler {
			c.Lifecycle = &corev1.Lifecycle{}
			return &c.Lifecycle.PostStart
		},
		"lifecycle.preStop": func(c *corev1.Container) **corev1.LifecycleHandler {
			c.Lifecycle = &corev1.Lifecycle{}
			return &c.Lifecycle.PreStop
		},
	} {
		fields[name+".httpGet.host"] = func(c *corev1.Container, host string) {
			*hook(c) = &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Host: host}}
		}
		fields[name+".tcpSocket.host"] = func(c *corev1.Container, host string) {
			*hook(c) = &corev1.LifecycleHandler{TCPSocket: &corev1.TCPSocketAction{Host: host}}
		}
	}
	return fields
}

func probeRows() []grantRow {
	const isProbe = " <- hostProbesAndHostLifecycle"
	granted := policy.Allow{AllowedProbeHosts: []string{"10.0.0.1", "127.0.0.1"}}
	var rows []grantRow
	for f, set := range probeFields() {
		rows = append(rows,
			grantRow{name: "probe host granted, " + f, why: "in every kind of container", at: "baseline:latest",
				pod:     onAll(func(c *corev1.Container) { set(c, "127.0.0.1") }),
				allow:   granted,
				excused: lines(initial+f+byProbeHosts, main+f+byProbeHosts, debug+f+byProbeHosts)},
			grantRow{name: "probe host not granted, " + f, why: "hosts are exact", at: "baseline:v1.34",
				pod:   each(onMain(func(c *corev1.Container) { set(c, "127.0.0.11") }), onInit(func(c *corev1.Container) { set(c, "localhost") })),
				allow: granted,
				stays: lines(initial+f+isProbe, main+f+isProbe)},
			grantRow{name: "probe host before v1.34, " + f, why: "there was no such check", at: "baseline:v1.33",
				pod: onMain(func(c *corev1.Container) { set(c, "127.0.0.1") })},
		)
	}
	slices.SortFunc(rows, func(a, b grantRow) int { return strings.Compare(a.name, b.name) })
	return rows
}

func grantRows() []grantRow {
	return slices.Concat(privilegedRows(), escalationRows(), capabilityRows(), hostRows(), hostPathRows(), volumeRows(),
		sysctlRows(), userRows(), seccompRows(), otherRows(), probeRows())
}

func (r grantRow) levelVersion(t testing.TB) api.LevelVersion {
	t.Helper()
	at := r.at
	if at == "" {
		at = "restricted:latest"
	}
	return levelVersion(t, at)
}

func levelVersion(t testing.TB, at string) api.LevelVersion {
	t.Helper()
	level, version, _ := strings.Cut(at, ":")
	v, err := api.ParseVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	return api.LevelVersion{Level: api.Level(level), Version: v}
}

func (r grantRow) build() (*corev1.Pod, policy.Policy) {
	pod := compliant().DeepCopy()
	pod.Labels = map[string]string{"app": "web"}
	pod.Spec.SecurityContext.Sysctls = nil // it is not safe at every version
	r.pod(pod)
	return pod, policy.Policy{Name: "web", PodSelectorLabels: pod.Labels, Allow: r.allow, Mutations: r.fill}
}

// evaluate judges the row's pod under its policy, which must be valid.
func (r grantRow) evaluate(t testing.TB) evaluate.Result {
	t.Helper()
	pod, p := r.build()
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return evaluate.Evaluate(pod, r.levelVersion(t), set)
}

func excusedBy(vs []evaluate.Violation) (list []string) {
	for _, v := range vs {
		list = append(list, v.Location.String()+" <- "+v.ExcusedBy.Key.String())
	}
	return list
}

func demandedBy(vs []evaluate.Violation) (list []string) {
	for _, v := range vs {
		list = append(list, v.Location.String()+" <- "+v.CheckOrRule())
	}
	return list
}

// TestGrants: a grant excuses what it covers, and nothing that it nearly covers.
func TestGrants(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range grantRows() {
		if seen[row.name] || row.why == "" {
			t.Errorf("row %q is there twice, or without a reason", row.name)
		}
		seen[row.name] = true
		t.Run(row.name, func(t *testing.T) {
			got := row.evaluate(t)
			if diff := cmp.Diff(row.excused, excusedBy(got.Excused)); diff != "" {
				t.Errorf("excused, for %s (-want +got):\n%s", row.why, diff)
			}
			if diff := cmp.Diff(row.stays, demandedBy(got.Violations)); diff != "" {
				t.Errorf("stays, for %s (-want +got):\n%s", row.why, diff)
			}
			for _, v := range got.Violations {
				if v.ExcusedBy != (policy.Entry{}) {
					t.Errorf("%s stands and has a grant, %s", v.String(), v.ExcusedBy)
				}
			}
		})
	}
	if len(seen) < 200 {
		t.Errorf("%d rows, want 200 and more: has a table been lost?", len(seen))
	}
}

// TestGrantsBySelection: Spec, whose caller chose the policy, answers as
// Evaluate does, which looked it up.
func TestGrantsBySelection(t *testing.T) {
	for _, row := range grantRows() {
		pod, p := row.build()
		got := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, row.levelVersion(t), &p)
		want := row.evaluate(t)
		if diff := cmp.Diff(excusedBy(want.Excused), excusedBy(got.Excused)); diff != "" {
			t.Errorf("%s: excused (-Evaluate +Spec):\n%s", row.name, diff)
		}
		if diff := cmp.Diff(demandedBy(want.Violations), demandedBy(got.Violations)); diff != "" {
			t.Errorf("%s: stays (-Evaluate +Spec):\n%s", row.name, diff)
		}
	}
}

// TestGrantsAreDocumented: the grants that excuse violations of a control in the
// rows above are those that the control's documentation names, so that no grant
// goes without a row, and none works that the documentation keeps quiet about.
func TestGrantsAreDocumented(t *testing.T) {
	used := map[string]map[string]bool{}
	for _, row := range grantRows() {
		for _, v := range row.evaluate(t).Excused {
			if used[v.Control()] == nil {
				used[v.Control()] = map[string]bool{}
			}
			used[v.Control()][v.ExcusedBy.Key.String()] = true
		}
	}
	for _, control := range spec.Controls() {
		documented := map[string]bool{}
		for _, row := range policy.GrantTypesOf(control) {
			documented[row.Key.String()] = true
		}
		if diff := cmp.Diff(documented, used[control.Title]); diff != "" {
			t.Errorf("grants of %s, which each need a row in evaluate/grants_test.go (-in policy's table +excuses in a row):\n%s", control.Title, diff)
		}
	}
}

// TestMountsOfManyVolumes: whether a volume is mounted writable is answered alike
// for a pod with few volumes and for one with so many that the answers are kept.
func TestMountsOfManyVolumes(t *testing.T) {
	readOnly := policy.Policy{Name: "web", Allow: policy.Allow{AllowedHostPaths: []policy.HostPath{{PathPrefix: "/var", ReadOnly: true}}}}
	for _, n := range []int{6, 32, 33, 99} {
		pod := compliant()
		main := &pod.Spec.Containers[0]
		pod.Spec.Volumes, main.VolumeMounts = nil, nil
		var wantStays, wantExcused []string
		for i := range n {
			name, path := fmt.Sprint("v", i), fmt.Sprintf("spec.volumes[%d].hostPath", i)
			source := corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}
			pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: source})
			switch i % 3 {
			case 0:
				main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: name, ReadOnly: true})
				wantExcused = append(wantExcused, path+" <- allow.allowedHostPaths")
			case 1:
				main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: name}, corev1.VolumeMount{Name: name, ReadOnly: true})
				wantStays = append(wantStays, path+" <- restrictedVolumes")
			case 2:
				main.VolumeDevices = append(main.VolumeDevices, corev1.VolumeDevice{Name: name})
				wantStays = append(wantStays, path+" <- restrictedVolumes")
			}
		}
		got := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, levelVersion(t, "restricted:latest"), &readOnly)
		if diff := cmp.Diff(wantExcused, excusedBy(got.Excused)); diff != "" {
			t.Errorf("%d volumes: excused (-want +got):\n%s", n, diff)
		}
		if diff := cmp.Diff(wantStays, demandedBy(got.Violations)); diff != "" {
			t.Errorf("%d volumes: stays (-want +got):\n%s", n, diff)
		}
	}
}
