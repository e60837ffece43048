package hotpath

import (
	"iter"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/spec"
)

// ProbeHosts visits the fields of a container that name the host of a probe or
// a lifecycle hook, with the hosts. A lifecycle hook cannot open a TCP socket
// any more, but the field is there and is tested.
func ProbeHosts(c *corev1.Container) iter.Seq2[spec.Field, string] {
	return func(yield func(spec.Field, string) bool) {
		if p := c.LivenessProbe; p != nil &&
			!yieldHosts(yield, p.HTTPGet, p.TCPSocket, spec.FieldLivenessHTTPHost, spec.FieldLivenessTCPHost) {
			return
		}
		if p := c.ReadinessProbe; p != nil &&
			!yieldHosts(yield, p.HTTPGet, p.TCPSocket, spec.FieldReadinessHTTPHost, spec.FieldReadinessTCPHost) {
			return
		}
		if p := c.StartupProbe; p != nil &&
			!yieldHosts(yield, p.HTTPGet, p.TCPSocket, spec.FieldStartupHTTPHost, spec.FieldStartupTCPHost) {
			return
		}
		if c.Lifecycle == nil {
			return
		}
		if h := c.Lifecycle.PostStart; h != nil &&
			!yieldHosts(yield, h.HTTPGet, h.TCPSocket, spec.FieldPostStartHTTPHost, spec.FieldPostStartTCPHost) {
			return
		}
		if h := c.Lifecycle.PreStop; h != nil {
			yieldHosts(yield, h.HTTPGet, h.TCPSocket, spec.FieldPreStopHTTPHost, spec.FieldPreStopTCPHost)
		}
	}
}

func yieldHosts(yield func(spec.Field, string) bool, httpGet *corev1.HTTPGetAction, tcpSocket *corev1.TCPSocketAction, httpField, tcpField spec.Field) bool {
	if httpGet != nil && httpGet.Host != "" && !yield(httpField, httpGet.Host) {
		return false
	}
	return tcpSocket == nil || tcpSocket.Host == "" || yield(tcpField, tcpSocket.Host)
}

// NamesProbeHost reports whether [ProbeHosts] would visit anything.
func NamesProbeHost(c *corev1.Container) bool {
	if p := c.LivenessProbe; p != nil && namesHost(p.HTTPGet, p.TCPSocket) {
		return true
	}
	if p := c.ReadinessProbe; p != nil && namesHost(p.HTTPGet, p.TCPSocket) {
		return true
	}
	if p := c.StartupProbe; p != nil && namesHost(p.HTTPGet, p.TCPSocket) {
		return true
	}
	if c.Lifecycle == nil {
		return false
	}
	start, stop := c.Lifecycle.PostStart, c.Lifecycle.PreStop
	return start != nil && namesHost(start.HTTPGet, start.TCPSocket) || stop != nil && namesHost(stop.HTTPGet, stop.TCPSocket)
}

func namesHost(httpGet *corev1.HTTPGetAction, tcpSocket *corev1.TCPSocketAction) bool {
	return httpGet != nil && httpGet.Host != "" || tcpSocket != nil && tcpSocket.Host != ""
}
