package author

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestYAML: what the comments say of policies and grants, and that they stand behind them.
func TestYAML(t *testing.T) {
	var docs []string
	for i := range 5 {
		docs = append(docs, fmt.Sprintf("metadata: {name: a%d, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a, image: a, ports: [{containerPort: 1, hostPort: 80}, {containerPort: 2, hostPort: 82}]}, {name: b}]}\n", i))
	}
	docs = append(docs, "metadata: {name: b, labels: {app: a, tier: b}}\nspec: {containers: [{name: a}]}\n")
	s := least(t, pods(t, strings.Join(docs, "---\n")), restricted, Options{Tight: true})
	text, err := s.YAML()
	if err != nil {
		t.Fatal(err)
	}
	const want = `# For Pod/a0, Pod/a1, Pod/a2 and 2 more.
# No label tells these from Pod/b, which it selects too.
# It governs every namespace: its workloads name none. Name the one that they are meant for.
# allow.runAsUser is not pinned: container "a" of Pod/a0 sets none.
name: a
podSelectorLabels:
  app: a
allow:
  volumes:
    - projected # Pod/a0 and 5 more: volume "kube-api-access-*" is of type projected
  hostPID: true # Pod/a0 and 4 more: pod: hostPID is true
containers:
  - names:
      - a
    images:
      - "docker.io/library/a:*"
    kinds:
      - regular
    allow:
      allowedHostPorts:
        - min: 80 # Pod/a0 and 4 more: container "a": ports[0].hostPort is 80
          max: 80
        - min: 82 # Pod/a0 and 4 more: container "a": ports[1].hostPort is 82
          max: 82
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	record, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"workloads":6,"allowed":1,"remarks":[],"unmet":[]`, `"others":[{"kind":"Pod","namespace":"","name":"b"}]`,
		`{"entry":"containers[0].allow.allowedHostPorts[1]","grant":"allow.allowedHostPorts: [{min: 82, max: 82}]","reasons":[`,
		`"container":{"kind":"containers","index":0,"name":"a"},"field":"spec.containers[0].ports[1].hostPort","value":82}`,
		`"unpinned":[{"key":"allow.runAsUser","workload":{"kind":"Pod","namespace":"","name":"a0"},"container":{"kind":"containers","index":0,"name":"a"}}]`,
		`"proof":{"text":"minimal: 4 smaller policies tried, each refuses a pod","admitted":6,"denied":[]`,
	} {
		if !strings.Contains(string(record), part) {
			t.Errorf("the JSON lacks %s:\n%s", part, record)
		}
	}
}

// TestProofText: how many smaller policies there are, in words.
func TestProofText(t *testing.T) {
	for _, test := range []struct {
		proof Proof
		want  string
	}{
		{Proof{}, "minimal: there is no smaller policy"},
		{Proof{Steps: make([]Step, 1)}, "minimal: 1 smaller policy tried, it refuses a pod"},
		{Proof{Steps: make([]Step, 9)}, "minimal: 9 smaller policies tried, each refuses a pod"},
		{Proof{Denied: make([]Reference, 2), Steps: make([]Step, 9)}, "not proven: 2 workloads are denied under the result"},
	} {
		if got := test.proof.String(); got != test.want || test.proof.Holds() != (len(test.proof.Denied) == 0) {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// TestStableLabels: the labels by which a policy may select, those first that name a
// workload best.
func TestStableLabels(t *testing.T) {
	var got []string
	for _, l := range stableLabels(map[string]string{
		"version": "v1", "zeta": "z", "alpha": "a", "app": "x", "app.kubernetes.io/name": "y", "app.kubernetes.io/part-of": "p",
		"pod-template-hash": "h", "helm.sh/chart": "c", "topology.kubernetes.io/zone": "z", "no label": "n", "odd": "no value!",
	}) {
		got = append(got, l.key)
	}
	want := []string{"app.kubernetes.io/name", "app", "alpha", "zeta", "app.kubernetes.io/part-of", "version"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPolicyName: text as the name of a policy.
func TestPolicyName(t *testing.T) {
	for text, want := range map[string]string{
		"web": "web", "az-09-AZ": "az-09-az", "Web_App.1": "web-app-1", "-a-": "a", "": "workload", "___": "workload", strings.Repeat("a", 300): strings.Repeat("a", 200),
	} {
		if got := policyName(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestFewestLabels: every choice is tried before a larger one, and beyond the labels
// that are searched none is left in that does nothing.
func TestFewestLabels(t *testing.T) {
	var own, other []string
	for i := range 20 {
		own = append(own, fmt.Sprintf("l%02d: a", i))
		if i != 14 {
			other = append(other, fmt.Sprintf("l%02d: a", i))
		}
	}
	text := "metadata: {name: a, namespace: ns, labels: {" + strings.Join(own, ", ") + "}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\n" +
		"metadata: {name: b, namespace: ns, labels: {" + strings.Join(other, ", ") + "}}\nspec: {containers: [{name: a}]}\n"
	s := least(t, pods(t, text), restricted, Options{})
	if got := s.Policies[0].Policy.PodSelectorLabels; len(got) != 1 || got["l14"] != "a" {
		t.Errorf("selected by %v, want l14 alone", got)
	}
}

// TestOthers: workloads of another namespace are no others, unless the policy has none.
func TestOthers(t *testing.T) {
	const same = "labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n"
	const allowed = "labels: {app: a}}\nspec: {containers: [{name: a}]}\n"
	for _, test := range []struct {
		name, reason, pods string
		want               []string
	}{
		{
			"two namespaces", "a policy governs its own alone",
			"metadata: {name: a, namespace: one, " + same + "---\nmetadata: {name: b, namespace: two, " + allowed, nil,
		},
		{
			"no namespace", "a policy without one governs all",
			"metadata: {name: a, " + same + "---\nmetadata: {name: b, namespace: two, " + allowed, []string{"Pod/two/b"},
		},
	} {
		s := least(t, pods(t, test.pods), restricted, Options{})
		var got []string
		for _, ref := range s.Policies[0].Others {
			got = append(got, ref.String())
		}
		if len(s.Policies) != 1 || !cmp.Equal(got, test.want) {
			t.Errorf("%s: %s: %d policies, others %q, want %q", test.name, test.reason, len(s.Policies), got, test.want)
		}
	}
}
