package hotpath_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/hotpath"
	"github.com/podfence/podfence/spec"
)

// probed is a container with five probes and hooks, each with both actions. The
// bits of hosts say which of the ten name a host, in the order of [hotpath.ProbeHosts].
func probed(hosts int) *corev1.Container {
	handler := func() corev1.LifecycleHandler {
		h := corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{}, TCPSocket: &corev1.TCPSocketAction{}}
		for _, host := range []*string{&h.HTTPGet.Host, &h.TCPSocket.Host} {
			if hosts&1 == 1 {
				*host = "node"
			}
			hosts >>= 1
		}
		return h
	}
	probe := func() *corev1.Probe {
		h := handler()
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: h.HTTPGet, TCPSocket: h.TCPSocket}}
	}
	c := &corev1.Container{LivenessProbe: probe(), ReadinessProbe: probe(), StartupProbe: probe()}
	start, stop := handler(), handler()
	c.Lifecycle = &corev1.Lifecycle{PostStart: &start, PreStop: &stop}
	return c
}

// TestProbeHosts: the ten fields that may name a host are visited, each where it
// does, and NamesProbeHost says whether there is one: all 1,024 ways.
func TestProbeHosts(t *testing.T) {
	fields := []spec.Field{
		spec.FieldLivenessHTTPHost, spec.FieldLivenessTCPHost, spec.FieldReadinessHTTPHost, spec.FieldReadinessTCPHost,
		spec.FieldStartupHTTPHost, spec.FieldStartupTCPHost, spec.FieldPostStartHTTPHost, spec.FieldPostStartTCPHost,
		spec.FieldPreStopHTTPHost, spec.FieldPreStopTCPHost,
	}
	for hosts := range 1 << len(fields) {
		c, visited := probed(hosts), 0
		for f, host := range hotpath.ProbeHosts(c) {
			for i := range fields {
				if fields[i] == f && host == "node" {
					visited |= 1 << i
				}
			}
		}
		if visited != hosts || hotpath.NamesProbeHost(c) != (hosts != 0) {
			t.Fatalf("of %010b the hosts %010b are visited, and there is one: %v", hosts, visited, hotpath.NamesProbeHost(c))
		}
	}
	for _, c := range []*corev1.Container{{}, {LivenessProbe: &corev1.Probe{}, Lifecycle: &corev1.Lifecycle{}}, {Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}}}} {
		if hotpath.NamesProbeHost(c) {
			t.Errorf("%+v names no host", c)
		}
	}
}
