package author

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// Remark is something that a manifest could better change itself, so that its pods need
// one grant less.
type Remark struct {
	// Kind says what it is.
	Kind RemarkKind
	// Key is the grant that would not be needed then.
	Key policy.Key
	// Reason is the field, and the workloads that have it.
	Reason Reason
	// Service is the Service that makes a host port needless; empty for other kinds.
	Service string
}

// RemarkKind is a kind of remark.
type RemarkKind string

// The kinds.
const (
	// NeedlessEscalation: a container allows privilege escalation, and has no privilege
	// that would need it.
	NeedlessEscalation RemarkKind = "needlessEscalation"
	// ServedPort: a port of the node is used for what a Service of the input serves.
	ServedPort RemarkKind = "servedPort"
	// DefaultUser: a container may run as root, and sets no user: it runs as the one of
	// its image, whatever that is.
	DefaultUser RemarkKind = "defaultUser"
	// PartialDrop: a container drops some capabilities and not ALL.
	PartialDrop RemarkKind = "partialDrop"
)

// Text is the remark as a sentence for whoever wrote the manifest, without the field.
func (r *Remark) Text() string {
	switch r.Kind {
	case NeedlessEscalation:
		return "nothing that the container asks for needs it: set it to false, unless a setuid program has to work"
	case ServedPort:
		return fmt.Sprintf("Service %s reaches the port without it: leave hostPort out, unless clients know the node by its address", spec.Printable(r.Service))
	case DefaultUser:
		return "no runAsUser is set, so that the user of the image is left: leave it out, or set runAsUser to the one that it needs"
	default:
		return `write drop: ["ALL"], and add those that the container needs`
	}
}

// remarks are what the manifests of workloads that need a policy could better change.
func remarks(groups []*group, services []*corev1.Service) (list []Remark) {
	r := remarker{services: services, found: map[remarkKey]reasons{}}
	for _, g := range groups {
		for _, s := range g.shapes {
			for i := range s.needs {
				r.need(s, &s.needs[i])
			}
		}
	}
	for key, of := range r.found {
		for _, reason := range of.list() {
			list = append(list, Remark{key.kind, key.key, reason, key.service})
		}
	}
	slices.SortFunc(list, func(a, b Remark) int {
		return cmp.Or(compareReasons(a.Reason, b.Reason), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Service, b.Service))
	})
	return list
}

type remarkKey struct {
	kind    RemarkKind
	key     policy.Key
	service string
}

type remarker struct {
	services []*corev1.Service
	found    map[remarkKey]reasons
}

func (r *remarker) add(kind RemarkKind, s *shape, n *need, service string) {
	key := remarkKey{kind, n.grant.Key, service}
	if r.found[key] == nil {
		r.found[key] = reasons{}
	}
	r.found[key].add(reasonOf(n), s.named)
}

// need remarks on what a workload needs.
func (r *remarker) need(s *shape, n *need) {
	c := podwalk.Get(s.spec(), n.Container)
	switch n.Field {
	case spec.FieldAllowPrivilegeEscalation:
		if c != nil && n.Value == true && n.Facts&(spec.Privileged|spec.SysAdmin) == 0 && !adds(c) {
			r.add(NeedlessEscalation, s, n, "")
		}
	case spec.FieldHostPort:
		if port, ok := n.Value.(int32); ok && n.Default == 0 {
			r.port(s, n, c, port)
		}
	case spec.FieldRunAsNonRoot:
		if c != nil && n.Value == false && spec.EffectiveRunAsUser(s.spec(), c) == nil {
			r.add(DefaultUser, s, n, "")
		}
	case spec.FieldPodRunAsNonRoot:
		if sc := s.spec().SecurityContext; sc != nil && sc.RunAsUser == nil {
			r.add(DefaultUser, s, n, "")
		}
	case spec.FieldCapabilitiesDrop:
		if n.Value != nil && n.Facts&(spec.Privileged|spec.SysAdmin) == 0 {
			r.add(PartialDrop, s, n, "")
		}
	}
}

// adds reports whether a container adds a capability beyond those that restricted lets
// it have.
func adds(c *corev1.Container) bool {
	sc := c.SecurityContext
	return sc != nil && sc.Capabilities != nil && slices.ContainsFunc(sc.Capabilities.Add, func(name corev1.Capability) bool {
		return !spec.SameCapability(string(name), "NET_BIND_SERVICE")
	})
}

// port remarks on a port of the node that a Service serves.
func (r *remarker) port(s *shape, n *need, c *corev1.Container, port int32) {
	if c == nil {
		return
	}
	for i := range c.Ports {
		if c.Ports[i].HostPort != port || int32(i) != n.Index {
			continue
		}
		for _, service := range r.services {
			if serves(service, s.Workload, &c.Ports[i]) {
				r.add(ServedPort, s, n, service.Name)
			}
		}
	}
}

// serves reports whether a Service leads to a port of a workload's pods.
func serves(service *corev1.Service, w *Workload, port *corev1.ContainerPort) bool {
	if service.Namespace != w.namespace() || len(service.Spec.Selector) == 0 ||
		!labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(w.labels())) {
		return false
	}
	return slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool {
		target := p.TargetPort
		switch {
		case cmp.Or(p.Protocol, corev1.ProtocolTCP) != cmp.Or(port.Protocol, corev1.ProtocolTCP):
			return false
		case target.Type == intstr.String:
			return target.StrVal != "" && target.StrVal == port.Name
		case target.IntVal == 0: // unset: the port itself
			return p.Port == port.ContainerPort
		default:
			return target.IntVal == port.ContainerPort
		}
	})
}
