package evaluate

import (
	"strings"

	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

func (w *walk) hostNamespaces() {
	if !w.has(spec.CheckHostNamespaces) {
		return
	}
	if w.pod.HostNetwork {
		w.hostNamespace(spec.FieldHostNetwork)
	}
	if w.pod.HostPID {
		w.hostNamespace(spec.FieldHostPID)
	}
	if w.pod.HostIPC {
		w.hostNamespace(spec.FieldHostIPC)
	}
}

func (w *walk) hostNamespace(f spec.Field) {
	add(w, spec.CheckHostNamespaces, f, true, wantFalseOrUnset)
}

func excuseHostNamespace(_ *subject, p *policy.Policy, v *Violation) policy.Key {
	var pair, single bool
	var pairName, singleName policy.Key
	switch a := &p.Allow; v.Field {
	case spec.FieldHostNetwork:
		pair, single, pairName, singleName = a.HostNetworkPorts, a.HostNetwork, policy.KeyHostNetworkPorts, policy.KeyHostNetwork
	case spec.FieldHostPID:
		pair, single, pairName, singleName = a.HostNamespace, a.HostPID, policy.KeyHostNamespace, policy.KeyHostPID
	default:
		pair, single, pairName, singleName = a.HostNamespace, a.HostIPC, policy.KeyHostNamespace, policy.KeyHostIPC
	}
	switch {
	case single:
		return singleName
	case pair:
		return pairName
	default:
		return 0
	}
}

func hostNamespacesDetail(b *strings.Builder, vs []Violation) {
	for i := range vs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(vs[i].Field[len("spec."):]))
		b.WriteString("=true")
	}
}
