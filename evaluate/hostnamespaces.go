package evaluate

import (
	"strings"

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
	add(w, spec.CheckHostNamespaces, f, true)
}

func hostNamespacesDetail(b *strings.Builder, vs []Violation) {
	for i := range vs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(vs[i].Location.Short())
		b.WriteString("=true")
	}
}
