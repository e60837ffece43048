package spec

import (
	"iter"

	corev1 "k8s.io/api/core/v1"
)

// hostFields are the fields that name the host of a probe or a lifecycle hook.
var hostFields = [...]Field{
	FieldLivenessHTTPHost, FieldLivenessTCPHost,
	FieldReadinessHTTPHost, FieldReadinessTCPHost,
	FieldStartupHTTPHost, FieldStartupTCPHost,
	FieldPostStartHTTPHost, FieldPostStartTCPHost,
	FieldPreStopHTTPHost, FieldPreStopTCPHost,
}

var hostProbes = Control{
	Title: "Host Probes / Lifecycle Hooks",
	Why:   "The kubelet makes these requests from the node's network, wherever host points (KEP-4940).",
	Checks: []Check{{
		ID: CheckHostProbesAndHostLifecycle,
		Revisions: []Revision{{
			Since:  34,
			Change: "No probe and no lifecycle hook may name a host, not even 127.0.0.1.",
			Allowed: []Allowed{{
				Fields: hostFields[:],
				Unset:  true,
			}},
		}},
	}},
	NoFill: "nothing needs to be set",
}

// ProbeHosts visits the fields of a container that name the host of a probe or
// a lifecycle hook, with the hosts. A lifecycle hook cannot open a TCP socket
// any more, but the field is there and is tested.
func ProbeHosts(c *corev1.Container) iter.Seq2[Field, string] {
	return func(yield func(Field, string) bool) {
		if p := c.LivenessProbe; p != nil &&
			!yieldHosts(yield, p.HTTPGet, p.TCPSocket, FieldLivenessHTTPHost, FieldLivenessTCPHost) {
			return
		}
		if p := c.ReadinessProbe; p != nil &&
			!yieldHosts(yield, p.HTTPGet, p.TCPSocket, FieldReadinessHTTPHost, FieldReadinessTCPHost) {
			return
		}
		if p := c.StartupProbe; p != nil &&
			!yieldHosts(yield, p.HTTPGet, p.TCPSocket, FieldStartupHTTPHost, FieldStartupTCPHost) {
			return
		}
		if c.Lifecycle == nil {
			return
		}
		if h := c.Lifecycle.PostStart; h != nil &&
			!yieldHosts(yield, h.HTTPGet, h.TCPSocket, FieldPostStartHTTPHost, FieldPostStartTCPHost) {
			return
		}
		if h := c.Lifecycle.PreStop; h != nil {
			yieldHosts(yield, h.HTTPGet, h.TCPSocket, FieldPreStopHTTPHost, FieldPreStopTCPHost)
		}
	}
}

func yieldHosts(yield func(Field, string) bool, httpGet *corev1.HTTPGetAction, tcpSocket *corev1.TCPSocketAction, httpField, tcpField Field) bool {
	if httpGet != nil && httpGet.Host != "" && !yield(httpField, httpGet.Host) {
		return false
	}
	return tcpSocket == nil || tcpSocket.Host == "" || yield(tcpField, tcpSocket.Host)
}
