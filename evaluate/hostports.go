package evaluate

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

func (w *walk) hostPorts(c *corev1.Container) {
	for i := range c.Ports {
		if port := c.Ports[i].HostPort; port != 0 && w.has(spec.CheckHostPorts) {
			addElement(w, spec.CheckHostPorts, spec.FieldHostPort, i, port)
		}
	}
}

func hostPortsDetail(b *strings.Builder, vs []Violation) {
	ports := make([]string, len(vs))
	for i := range vs {
		ports[i] = strconv.Itoa(int(vs[i].Value.(int32)))
	}
	ports = sortedUnique(ports)
	writeContainers(b, vs, anyViolation)
	b.WriteString(uses(countContainers(vs, anyViolation)))
	b.WriteString(plural("hostPort", len(ports)))
	for i, port := range ports {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte(' ')
		b.WriteString(port)
	}
}

// uses is the verb for a number of subjects, with its spaces.
func uses(count int) string {
	if count == 1 {
		return " uses "
	}
	return " use "
}
