package admission

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	corev1 "k8s.io/api/core/v1"
)

// hostile ends its line, speaks to a terminal and turns the direction of what
// follows. The webhook sees pods before API validation does.
const hostile = "x\nallowed\r\x1b[2J\u009b\u202e\u2066"

// TestNamesForgeNothing: the texts that the webhook itself makes are printable,
// whatever the pod holds. The sentence of Pod Security Admission is upstream's,
// byte for byte.
func TestNamesForgeNothing(t *testing.T) {
	name, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(`{"apiVersion": "v1", "kind": "Pod",
		"metadata": {"name": NAME, "labels": {"app": "agent"}, "annotations": {"container.apparmor.security.beta.kubernetes.io/x": "odd"}},
		"spec": {
			"volumes": [{"name": NAME, "hostPath": {"path": NAME}}],
			"securityContext": {"sysctls": [{"name": NAME, "value": NAME}]},
			"containers": [
				{"name": NAME, "image": NAME, "securityContext": {"privileged": true, "procMount": NAME, "capabilities": {"add": [NAME]}}},
				{"name": "b", "image": "i", "ports": [{"hostPort": 1}]}
			]}}`, "NAME", string(name))
	text = strings.Replace(text, "kubernetes.io/x", `kubernetes.io/`+string(name[1:len(name)-1]), 1)
	var pod corev1.Pod
	if err := json.Unmarshal([]byte(text), &pod); err != nil || pod.Spec.Containers[0].Name != hostile {
		t.Fatalf("the pod is not hostile (%v)", err)
	}

	r := request(t, "shop", podYAML(bare), nil)
	r.Object.Raw = []byte(text)
	c := newController(t, nil)
	filled, refused := c.Mutate(context.Background(), r), c.Validate(context.Background(), r)
	_, addition, found := strings.Cut(refused.Result.Message, "; policy \"nodes\" governs the pod")
	if !found || strings.Count(addition, `x\nallowed`) < 5 {
		t.Fatalf("the refusal adds %q", addition)
	}
	r.Object.Raw = []byte(strings.Replace(text, `"Pod"`, string(name), 1))
	unread := c.Mutate(context.Background(), r)
	texts := map[string]string{
		"the refusal's addition":            addition,
		"the annotation of changes":         filled.AuditAnnotations[annotationMutation],
		"the annotation of what is excused": refused.AuditAnnotations[annotationExcused],
		"an object that cannot be read":     unread.Result.Message,
	}
	for _, w := range filled.Warnings {
		texts["the warning "+w] = w
	}
	if len(texts) < 7 {
		t.Errorf("only %d texts", len(texts))
	}
	for what, text := range texts {
		at := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
		if at >= 0 || text == "" {
			t.Errorf("%s: %q, unprintable at %d", what, text, at)
		}
	}
	if !strings.Contains(refused.Result.Message, "\""+hostile+"\"") {
		t.Errorf("upstream's words have changed: %q", refused.Result.Message)
	}
}
