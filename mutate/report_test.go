package mutate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/internal/patchtest"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

const goldenReport = `{
 "changes": [
  {
   "field": "spec.securityContext.fsGroup",
   "pointer": "/spec/securityContext/fsGroup",
   "value": 1,
   "key": "mutations.fsGroup"
  },
  {
   "field": "spec.securityContext.supplementalGroups",
   "pointer": "/spec/securityContext/supplementalGroups",
   "value": [
    1
   ],
   "key": "mutations.supplementalGroups"
  },
  {
   "field": "spec.containers[0].securityContext.capabilities.drop",
   "pointer": "/spec/containers/0/securityContext/capabilities/drop",
   "value": [
    "ALL"
   ],
   "check": "capabilities_restricted",
   "control": "Capabilities",
   "key": "mutations.dropAllCapabilities"
  },
  {
   "field": "spec.containers[0].securityContext.runAsGroup",
   "pointer": "/spec/containers/0/securityContext/runAsGroup",
   "value": 1,
   "key": "mutations.runAsGroup"
  },
  {
   "field": "spec.containers[0].securityContext.runAsNonRoot",
   "pointer": "/spec/containers/0/securityContext/runAsNonRoot",
   "value": true,
   "check": "runAsNonRoot",
   "control": "Running as Non-root"
  },
  {
   "field": "spec.containers[0].securityContext.seccompProfile.type",
   "pointer": "/spec/containers/0/securityContext/seccompProfile/type",
   "value": "RuntimeDefault",
   "check": "seccompProfile_restricted",
   "control": "Seccomp",
   "key": "mutations.setDefaultSeccompProfile"
  }
 ],
 "unset": [
  {
   "field": "spec.containers[0].securityContext.allowPrivilegeEscalation",
   "pointer": "/spec/containers/0/securityContext/allowPrivilegeEscalation",
   "reason": "privileged",
   "why": "the container is privileged"
  }
 ],
 "patch": [
  {
   "op": "add",
   "path": "/spec/securityContext",
   "value": {
    "fsGroup": 1,
    "supplementalGroups": [
     1
    ]
   }
  },
  {
   "op": "add",
   "path": "/spec/containers/0/securityContext/capabilities",
   "value": {
    "drop": [
     "ALL"
    ]
   }
  },
  {
   "op": "add",
   "path": "/spec/containers/0/securityContext/runAsGroup",
   "value": 1
  },
  {
   "op": "add",
   "path": "/spec/containers/0/securityContext/runAsNonRoot",
   "value": true
  },
  {
   "op": "add",
   "path": "/spec/containers/0/securityContext/seccompProfile",
   "value": {
    "type": "RuntimeDefault"
   }
  }
 ]
}`

// TestReportJSON is the form that programs read.
func TestReportJSON(t *testing.T) {
	_, report := mutate.Mutate(podOf(t, nil, one("{privileged: true}")), nil)
	got := indented(t, report)
	if diff := cmp.Diff(goldenReport, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name, report := range map[string]mutate.Report{"zero": {}, "nothing to do": func() mutate.Report {
		_, r := mutate.Mutate(podOf(t, nil, completePod), nil)
		return r
	}()} {
		if got := patchtest.MustJSON(report); got != `{"changes":[],"unset":[],"patch":[]}` {
			t.Errorf("%s: a reader wants a list, and gets %s", name, got)
		}
	}
}

func indented(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(patchtest.MustJSON(v)), "", " "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestUnsetString(t *testing.T) {
	_, report := mutate.Mutate(podOf(t, nil, one("{privileged: true}")), nil)
	want := "spec.containers[0].securityContext.allowPrivilegeEscalation: the container is privileged"
	first := report.Unset()[0]
	if got := first.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := fmt.Sprint(&first); got != want {
		t.Errorf("printed as %q, want %q", got, want)
	}
}

func TestAdviceString(t *testing.T) {
	a := mutate.Advice{Location: spec.At(spec.Container{Kind: spec.InitContainer, Name: "a\nb\u202e"}, 0), Text: "it may not start"}
	if got, want := a.String(), `init container "a\nb\u202e": it may not start`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

const (
	adviceNumeric = "runAsNonRoot is true and no runAsUser is set: the image must declare a numeric USER other than 0"
	adviceRoot    = "runAsNonRoot is true and runAsUser is 0: the kubelet will refuse to start the container"
	adviceAdmin   = "runAsNonRoot is true and runAsUserName is ContainerAdministrator: the kubelet will refuse to start the container"
)

// TestAdvice: what no mutation can know is said (onyxia#279).
func TestAdvice(t *testing.T) {
	windows := func(pod, container string) string {
		return "{os: {name: windows}, securityContext: " + pod + ", containers: [{name: a, securityContext: " + container + "}]}"
	}
	for _, row := range []struct {
		name, why, pod, policy string
		want                   map[string]string
	}{
		{"filled without a user", "the image's USER must be a number", one("{}"), "", map[string]string{"c0": adviceNumeric}},
		{"runAsNonRoot by the author", "as when we filled it", completeBut("runAsUser: 1000,", ""), "", map[string]string{"c0": adviceNumeric}},
		{"runAsNonRoot on the pod", "the effective value counts", under("{runAsNonRoot: true}"), "", map[string]string{"c0": adviceNumeric}},
		{"a user", "nothing is left to ask of the image", one("{runAsUser: 1000}"), "", nil},
		{"a user on the pod", "the effective value counts", under("{runAsUser: 1000}"), "", nil},
		{"a user of the policy", "the filled pod counts", one("{}"), "mutations: {runAsUser: 1000}", nil},
		{"UID 0 with runAsNonRoot", "the kubelet refuses it, and both are the author's", one("{runAsNonRoot: true, runAsUser: 0}"), "", map[string]string{"c0": adviceRoot}},
		{"UID 0 on the pod, runAsNonRoot on the container", "the effective values meet",
			"{securityContext: {runAsUser: 0}, containers: [{name: a, securityContext: {runAsNonRoot: true}}]}", "", map[string]string{"c0": adviceRoot}},
		{"UID 0 without runAsNonRoot", "it starts", one("{runAsUser: 0}"), "", nil},
		{"runAsNonRoot false", "it starts", one("{runAsNonRoot: false}"), "", nil},
		{"RunAsAny", "nothing keeps it from starting", one("{}"), "allow: {runAsUser: RunAsAny}", nil},
		{"all kinds of containers", "each is told apart",
			"{initContainers: [{name: a}], containers: [{name: a}, {name: b, securityContext: {runAsUser: 3}}], ephemeralContainers: [{name: a}]}", "",
			map[string]string{"i0": adviceNumeric, "c0": adviceNumeric, "e0": adviceNumeric}},
		{"windows", "a user has a name there, not a number", windows("{}", "{}"), "", nil},
		{"windows, ContainerAdministrator and runAsNonRoot", "the kubelet takes it for root, and both are the author's",
			windows("{}", "{runAsNonRoot: true, windowsOptions: {runAsUserName: ContainerAdministrator}}"), "", map[string]string{"c0": adviceAdmin}},
		{"windows, containeradministrator on the pod, runAsNonRoot", "Windows options are merged, and names have no case",
			windows("{windowsOptions: {runAsUserName: containeradministrator}}", "{runAsNonRoot: true, windowsOptions: {hostProcess: false}}"), "", map[string]string{"c0": adviceAdmin}},
		{"windows, ContainerAdministrator", "runAsNonRoot is not filled, so that it starts", windows("{}", "{windowsOptions: {runAsUserName: ContainerAdministrator}}"), "", nil},
		{"windows, ContainerUser over the pod's ContainerAdministrator", "the container's name counts",
			windows("{windowsOptions: {runAsUserName: ContainerAdministrator}}", "{windowsOptions: {runAsUserName: ContainerUser}}"), "", nil},
		{"windows, ContainerAdministrator, runAsNonRoot false", "it starts", windows("{runAsNonRoot: false}", "{windowsOptions: {runAsUserName: ContainerAdministrator}}"), "", nil},
		{"ContainerAdministrator without os.name", "not known to be Windows, so the UID counts", one("{windowsOptions: {runAsUserName: ContainerAdministrator}}"), "", map[string]string{"c0": adviceNumeric}},
	} {
		t.Run(row.name, func(t *testing.T) {
			filled, report := mutate.Mutate(podOf(t, nil, row.pod), policyOf(t, row.policy))
			var got map[string]string
			for _, a := range mutate.Advise(filled, report) {
				if got == nil {
					got = map[string]string{}
				}
				got[short(spec.At(a.Container, 0))[:2]] = a.Text
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
		})
	}
	if got := mutate.Advise(&corev1.Pod{}, mutate.Report{}); got != nil {
		t.Errorf("a pod without containers is advised: %v", got)
	}
}

// TestNoUserWithoutAReason: a container for which an entry has no user is not said to be kept
// from root, where it is not, and an expired policy names nobody.
func TestNoUserWithoutAReason(t *testing.T) {
	const text = "allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}\ncontainers: [{names: [a], allow: {runAsUser: MustRunAsNonRoot}}]\n"
	const left = "c0 runAsUser: nonRoot"
	for _, row := range []struct {
		why, pod string
		expired  bool
		said     bool
	}{
		{why: "the entry asks for no user, and nothing keeps the container from root", pod: one("{}")},
		{why: "its author keeps it from root", pod: one("{runAsNonRoot: true}"), said: true},
		{why: "an expired policy names no root", pod: one("{}"), expired: true, said: true},
	} {
		t.Run(row.why, func(t *testing.T) {
			p := policyOf(t, text)
			if row.expired {
				p = p.AsExpired()
			}
			_, report := mutate.Mutate(podOf(t, nil, row.pod), p)
			if got := slices.Contains(unsetOf(&report), left); got != row.said {
				t.Errorf("%v, want %v: %q", got, row.said, unsetOf(&report))
			}
		})
	}
}
