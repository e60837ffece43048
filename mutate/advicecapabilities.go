package mutate

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

const adviceCapabilities = "%s added for a user other than root: Kubernetes sets no ambient capabilities, and allowPrivilegeEscalation is false, so that the process has only what its file has too (setcap)%s"

// bindService is the one capability that restricted lets be added. Where the
// lowest free port is said by a sysctl, which restricted admits too, nobody needs it.
const (
	bindService   = "NET_BIND_SERVICE"
	lowestPort    = "net.ipv4.ip_unprivileged_port_start"
	adviceLowPort = "; the sysctl " + lowestPort + " would let it bind low ports"
)

// capabilities says of those that are added that they will hardly arrive. At
// execve a user other than root keeps what the file has and the runtime gives
// (capabilities(7)); no_new_privs forbids none of that, but every other way to more.
func (a *adviser) capabilities(at spec.Container, c *corev1.Container) {
	sc := c.SecurityContext
	switch {
	case sc == nil || sc.Capabilities == nil || len(sc.Capabilities.Add) == 0:
	case sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation:
	case spec.IsWindows(a.pod) || spec.IsPrivileged(c) || !a.runsAsNonRoot(at, c):
	default:
		needless := a.setsLowestPort()
		var names []string
		more := ""
		for _, name := range sc.Capabilities.Add {
			if spec.SameCapability(string(name), bindService) {
				if needless {
					continue
				}
				more = adviceLowPort
			}
			if !slices.Contains(names, string(name)) {
				names = append(names, string(name))
			}
		}
		if len(names) > 0 {
			a.add(spec.At(at, 0), AddedCapabilities, adviceCapabilities, capabilitiesAre(names), more)
		}
	}
}

// mostNamed is how many things a sentence names before it counts the rest.
const mostNamed = 3

// capabilitiesAre names what is added: `capabilities "A", "B" are`.
func capabilitiesAre(names []string) string {
	if len(names) == 1 {
		return fmt.Sprintf("capability %q is", names[0])
	}
	return "capabilities " + quoted(names) + " are"
}

// quoted lists names, the first few of them.
func quoted(names []string) string {
	var list []string
	for _, name := range names[:min(len(names), mostNamed)] {
		list = append(list, fmt.Sprintf("%q", name))
	}
	if n := len(names) - mostNamed; n > 0 {
		list = append(list, fmt.Sprintf("%d more", n))
	}
	return strings.Join(list, ", ")
}

// setsLowestPort reports whether the pod says from which port on anybody may bind.
func (a *adviser) setsLowestPort() bool {
	sc := a.pod.SecurityContext
	return sc != nil && slices.ContainsFunc(sc.Sysctls, func(s corev1.Sysctl) bool { return s.Name == lowestPort })
}
