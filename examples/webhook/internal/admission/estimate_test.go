package admission

import (
	"net/http/httptest"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/podfence/podfence/examples/webhook/internal/limits"
)

// TestNoDecisionHoldsMoreThanIsEstimated: from the bytes of a review to those of its
// answer, no more memory is held at once than requests are held to, for bodies whose
// strings are quoted often: at three levels, by each complaint about a container, and
// with escapes where they are encoded.
func TestNoDecisionHoldsMoreThanIsEstimated(t *testing.T) {
	const size = 64 << 10
	levels := namespaces{"hard": {
		"podfence.dev/enforce": "restricted", "podfence.dev/warn": "restricted", "podfence.dev/warn-version": "v1.25",
		"podfence.dev/audit": "restricted", "podfence.dev/audit-version": "v1.24",
	}}
	base := newController(t, nil)
	c, err := New(base.config, base.policies, levels, pods{}, base.metrics)
	if err != nil {
		t.Fatal(err)
	}
	for _, letter := range []string{"x", "<", "\xff"} {
		for what, body := range quotedBodies(letter, size) {
			for side, decide := range map[string]ctrl.HandlerFunc{mutating: c.Mutate, validating: c.Validate} {
				review := `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","operation":"CREATE","namespace":"hard","name":"p",` +
					`"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"object":` + body + `}}`
				if took, estimate := held(decide, review), limits.Estimate([]byte(review)); took > estimate {
					t.Errorf("%s, of %q, to %s: %d bytes of memory for a body of %d, by the estimate %d", what, letter, side, took, len(review), estimate)
				}
			}
		}
	}
}

// quotedBodies are pods of some size that hold the letter wherever what is found
// wrong may quote it.
func quotedBodies(letter string, size int) map[string]string {
	pod := func(meta, spec string) string {
		return `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"` + meta + `},"spec":{` + spec + `}}`
	}
	list := func(name int, before, after string) string {
		one := before + strings.Repeat(letter, name) + after
		return one + strings.Repeat(","+one, size/len(one))
	}
	long := strings.Repeat(letter, size)
	container := func(context string) string {
		return pod("", `"containers":[{"name":"a","securityContext":{`+context+`}}]`)
	}
	return map[string]string{
		"one name":              pod("", `"containers":[{"name":"`+long+`","securityContext":{"privileged":true,"allowPrivilegeEscalation":true}}]`),
		"long names":            pod("", `"hostPID":true,"initContainers":[`+list(250, `{"name":"`, `"}`)+`]`),
		"names":                 pod("", `"containers":[`+list(50, `{"name":"`, `"}`)+`]`),
		"short names":           pod("", `"containers":[`+list(1, `{"name":"`, `"}`)+`]`),
		"names with ports":      pod("", `"containers":[`+list(250, `{"name":"`, `","ports":[{"hostPort":1}]}`)+`]`),
		"a capability":          container(`"capabilities":{"add":["` + long + `"]}`),
		"capabilities":          container(`"capabilities":{"add":[` + list(50, `"`, `"`) + `]}`),
		"dropped capabilities":  container(`"capabilities":{"drop":[` + list(50, `"`, `"`) + `]}`),
		"a seccomp profile":     container(`"seccompProfile":{"type":"` + long + `"}`),
		"SELinux options":       container(`"seLinuxOptions":{"type":"` + long + `"}`),
		"a /proc mount":         container(`"procMount":"` + long + `"`),
		"a volume":              pod("", `"volumes":[{"name":"`+long+`","hostPath":{"path":"/"}}]`),
		"volumes":               pod("", `"volumes":[`+list(250, `{"name":"`, `","hostPath":{"path":"/"}}`)+`]`),
		"a path":                pod("", `"volumes":[{"name":"a","hostPath":{"path":"`+long+`"}}]`),
		"sysctls":               pod("", `"securityContext":{"sysctls":[`+list(250, `{"name":"`, `","value":"1"}`)+`]}`),
		"a host of a probe":     pod("", `"containers":[{"name":"a","livenessProbe":{"httpGet":{"host":"`+long+`","port":1}}}]`),
		"a key of AppArmor":     pod(`,"annotations":{"container.apparmor.security.beta.kubernetes.io/`+long+`":"x"}`, `"containers":[{"name":"a"}]`),
		"a profile of AppArmor": pod(`,"annotations":{"container.apparmor.security.beta.kubernetes.io/a":"`+long+`"}`, `"containers":[{"name":"a"}]`),
		"a label":               pod(`,"labels":{"app":"agent","b":"`+long+`"}`, `"containers":[{"name":"a"}]`),
		"a key of a label":      pod(`,"labels":{"app":"agent","`+long+`":"b"}`, `"containers":[{"name":"a"}]`),
		"environments":          pod("", `"containers":[{"name":"a","env":[`+list(50, `{"name":"`, `","value":""}`)+`]}]`),
		"a value":               pod("", `"containers":[{"name":"a","env":[{"name":"a","value":"`+long+`"}]}]`),
		"arguments":             pod("", `"containers":[{"name":"a","args":[`+list(50, `"`, `"`)+`],"command":["`+long+`"]}]`),
		"the name of the pod":   `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"` + long + `"},"spec":{"hostPID":true}}`,
		"a kind":                `{"kind":"` + long + `","apiVersion":"v1","metadata":{}}`,
		"no list":               pod("", `"containers":"`+long+`"`),
	}
}

// held is how much memory is held at once, in bytes, while a review is decided.
func held(decide ctrl.HandlerFunc, review string) int64 {
	r := httptest.NewRequest("POST", "/", strings.NewReader(review))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	w.Body = nil
	now := func() int64 {
		var m goruntime.MemStats
		goruntime.GC()
		goruntime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		silent := func(logr.Logger, *ctrl.Request) logr.Logger { return logr.Discard() }
		(&ctrl.Webhook{Handler: decide, LogConstructor: silent}).ServeHTTP(w, r)
	}()
	for most := before; ; most = max(most, now()) {
		select {
		case <-done:
			return most - before
		default:
		}
	}
}
