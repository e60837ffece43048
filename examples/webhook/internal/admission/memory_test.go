package admission

import (
	"net/http"
	goruntime "runtime"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/podfence/podfence/examples/webhook/internal/limits"
	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/review"
)

// TestNoDecisionHoldsMoreThanItSays: from the bytes of a review to those of its
// answer, no more memory is held at once than requests are held to by what was read
// of them, and twice the body beside it: for bodies of many objects, and for those
// whose strings are quoted often: at three levels, by each complaint about a
// container, and with escapes where they are encoded.
func TestNoDecisionHoldsMoreThanItSays(t *testing.T) {
	const size = 32 << 10
	levels := namespaces{"hard": {
		"podfence.dev/enforce": "restricted", "podfence.dev/warn": "restricted", "podfence.dev/warn-version": "v1.25",
		"podfence.dev/audit": "restricted", "podfence.dev/audit-version": "v1.24",
	}}
	base := newController(t, nil)
	c, err := New(base.config, base.policies, levels, pods{}, logr.Discard(), base.metrics)
	if err != nil {
		t.Fatal(err)
	}
	bodies := manyBodies(size)
	for _, letter := range []string{"x", `\"`, `\u0001`, "\u202e", "\x7f"} {
		for what, body := range quotedBodies(letter, size) {
			bodies[what+" of "+letter] = body
		}
	}
	if len(bodies) < 120 {
		t.Errorf("only %d bodies", len(bodies))
	}
	for what, body := range bodies {
		for side, webhook := range map[string]http.Handler{mutating: c.Mutating(), validating: c.Validating()} {
			text := `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1","operation":"CREATE","namespace":"hard","name":"p",` +
				`"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"object":` + body + `}}`
			size, texts := sizeOf(t, text)
			took := held(webhook, text)
			most := limits.Need(size, texts) + int64(2*len(text))
			// What is thrown away while a collection is on its way counts as held, by
			// chance and on a busy machine. What is really held is held every time.
			for range 4 {
				if took > most {
					took = min(took, held(webhook, text))
				}
			}
			if took > most {
				t.Errorf("%s, to %s: %d bytes of memory for a body of %d of which %d were read, %d of them texts; want %d at most", what, side, took, len(text), size, texts, most)
			}
		}
	}
}

// sizeOf is how much is read of a review.
func sizeOf(t *testing.T, text string) (size, texts int64) {
	t.Helper()
	var codec review.Codec
	_, err := codec.Answer([]byte(text), func(r *review.Request, _ error) (*admissionv1.AdmissionResponse, error) {
		size, texts = r.Size, r.Texts
		return &admissionv1.AdmissionResponse{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return size, texts
}

// manyBodies are pods of some size that are lists or maps of what takes much more
// room when it is read, be it sensible or not.
func manyBodies(size int) map[string]string {
	list := func(field, element string) string {
		return `{"kind":"Pod","apiVersion":"v1","spec":{"` + field + `":[` + strings.Repeat(element+",", size/(len(element)+1)) + element + `]}}`
	}
	bodies := map[string]string{}
	for _, element := range []string{"{}", "null", "7", `""`, "[]", "true"} {
		bodies["containers "+element] = list("containers", element)
		bodies["ephemeral containers "+element] = list("ephemeralContainers", element)
		bodies["volumes "+element] = list("volumes", element)
	}
	for _, context := range []string{`{}`, `{"capabilities":{}}`, `{"seLinuxOptions":{}}`, `{"windowsOptions":{"hostProcess":true}}`} {
		bodies["contexts "+context] = list("containers", `{"securityContext":`+context+`}`)
	}
	bodies["ports"] = `{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"ports":[{}` + strings.Repeat(",{}", size/3) + `]}]}}`
	bodies["mounts"] = `{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"volumeMounts":[{}` + strings.Repeat(",{}", size/3) + `]}]}}`
	bodies["probes"] = list("containers", `{"livenessProbe":{"httpGet":{}},"lifecycle":{"preStop":{"tcpSocket":{}}}}`)
	var labels strings.Builder
	for i := range size / 8 {
		labels.WriteString(`"` + strings.Repeat("a", i%5) + string(rune('a'+i%26)) + patchtest.MustJSON(i) + `":"",`)
	}
	bodies["labels"] = `{"kind":"Pod","apiVersion":"v1","metadata":{"labels":{` + labels.String() + `"z":""}}}`
	return bodies
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
func held(webhook http.Handler, review string) int64 {
	body := []byte(review)
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
		answered(behindLimits(webhook), body)
	}()
	for most := before; ; most = max(most, now()) {
		select {
		case <-done:
			return most - before
		default:
		}
	}
}
