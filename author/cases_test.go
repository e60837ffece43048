package author_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/author"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

// agent is a policy for the host's PID namespace, in one namespace.
const agent = `
name: agent
namespace: monitoring
podSelectorLabels: {app: agent}
allow:
  hostPID: true
  volumes: [emptyDir, projected, nfs]
  runAsGroup: {rule: MustRunAs, ranges: [{min: 7, max: 9}]}
`

func setOf(t *testing.T, text string) policy.Set {
	t.Helper()
	policies, err := policy.Parse([]byte(text), "policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// daemonSet has a pod that agent governs, with changes.
func daemonSet(t *testing.T, change func(*corev1.PodSpec)) podfence.Workload {
	t.Helper()
	d := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "agent", Namespace: "monitoring"}}
	d.Spec.Template.Labels = map[string]string{"app": "agent"}
	d.Spec.Template.Spec.HostPID = true
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "agent"}}
	if change != nil {
		change(&d.Spec.Template.Spec)
	}
	w, err := podfence.WorkloadOf(d)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func asItIs(*corev1.PodSpec) {}

func withNetwork(pod *corev1.PodSpec) { pod.HostNetwork = true }

// rooted has two violations of one check, and one of the policy's own rule.
func rooted(pod *corev1.PodSpec) {
	root, group := int64(0), int64(1)
	pod.Containers = append(pod.Containers, corev1.Container{Name: "second"})
	for i := range pod.Containers {
		pod.Containers[i].SecurityContext = &corev1.SecurityContext{RunAsUser: &root}
	}
	pod.Containers[1].SecurityContext.RunAsGroup = &group
}

func text(s string) *string { return &s }

const (
	pid   = "spec.template.spec.hostPID"
	net   = "spec.template.spec.hostNetwork"
	user0 = "spec.template.spec.containers[0].securityContext.runAsUser"
	user1 = "spec.template.spec.containers[1].securityContext.runAsUser"
	group = "spec.template.spec.containers[0].securityContext.runAsGroup"
	drop  = "spec.template.spec.containers[0].securityContext.capabilities.drop"
)

func check(id spec.CheckID) author.Expected { return author.Expected{Check: id} }

// TestDifferences: what is expected is met, or not, and what a difference says.
func TestDifferences(t *testing.T) {
	hostNamespaces, runAsUser := check(spec.CheckHostNamespaces), check(spec.CheckRunAsUser)
	rule := author.Expected{Rule: policy.KeyRunAsGroup}
	rows := []struct {
		name, why string
		pod       func(*corev1.PodSpec)
		expect    author.Expectation
		want      []string
	}{
		{"allowed", "it is", asItIs, author.Expectation{Verdict: author.Allowed}, nil},
		{"allowed, denied", "the host's network is not granted", withNetwork, author.Expectation{Verdict: author.Allowed}, []string{`verdict: expected "allowed", got "denied"`}},
		{"denied", "the same", withNetwork, author.Expectation{Verdict: author.Denied}, nil},
		{"denied, allowed", "all is granted", asItIs, author.Expectation{Verdict: author.Denied}, []string{`verdict: expected "denied", got "allowed"`}},

		{"policy", "it governs", asItIs, author.Expectation{Policy: text("agent")}, nil},
		{"another policy", "that does not govern", asItIs, author.Expectation{Policy: text("other")}, []string{`policy: expected "other", got "agent"`}},
		{"no policy", "one governs", asItIs, author.Expectation{Policy: text("")}, []string{`policy: expected "", got "agent"`}},

		{"violations", "the one that stands", withNetwork, author.Expectation{Violations: []author.Expected{hostNamespaces}}, nil},
		{"violations of a field", "it is that field", withNetwork, author.Expectation{Violations: []author.Expected{{Check: spec.CheckHostNamespaces, Field: net}}}, nil},
		{
			"violations of another field", "that one is excused, so that the one is missing and the other is too much", withNetwork,
			author.Expectation{Violations: []author.Expected{{Check: spec.CheckHostNamespaces, Field: pid}}},
			[]string{"violations[0]: expected hostNamespaces at " + pid + ", which is not there", "violations: not expected: hostNamespaces at " + net + ": true"},
		},
		{"no violations", "nothing stands", asItIs, author.Expectation{Violations: []author.Expected{}}, nil},
		{"no violations, one", "it stands", withNetwork, author.Expectation{Violations: []author.Expected{}}, []string{"violations: not expected: hostNamespaces at " + net + ": true"}},
		{"a check for all its fields", "both containers break it", rooted, author.Expectation{Violations: []author.Expected{runAsUser, check(spec.CheckRunAsNonRoot), rule}}, nil},
		{
			"one field of two", "the other stands too", rooted,
			author.Expectation{Violations: []author.Expected{{Check: spec.CheckRunAsUser, Field: user1}, check(spec.CheckRunAsNonRoot), rule}},
			[]string{"violations: not expected: runAsUser at " + user0 + ": 0"},
		},
		{
			"a rule that is met", "the group is filled in from its range", asItIs, author.Expectation{Violations: []author.Expected{rule}},
			[]string{"violations[0]: expected allow.runAsGroup, which is not there"},
		},
		{
			"a check and not the rule", "IDs of both kinds are compared", rooted,
			author.Expectation{Violations: []author.Expected{runAsUser, check(spec.CheckRunAsNonRoot)}},
			[]string{"violations: not expected: allow.runAsGroup at spec.template.spec.containers[1].securityContext.runAsGroup: 1"},
		},

		{"excused", "the grant", asItIs, author.Expectation{Excused: []author.Expected{hostNamespaces}}, nil},
		{"nothing excused", "one is", asItIs, author.Expectation{Excused: []author.Expected{}}, []string{"excused: not expected: hostNamespaces at " + pid + ": true"}},
		{
			"excused, another", "it is no violation", asItIs, author.Expectation{Excused: []author.Expected{hostNamespaces, runAsUser}},
			[]string{"excused[1]: expected runAsUser, which is not there"},
		},

		{"filled", "the lowest of the range", asItIs, author.Expectation{Filled: []author.Filled{{Field: group, Value: 7}}}, nil},
		{"filled, by a number of another type", "numbers are what they are", asItIs, author.Expectation{Filled: []author.Filled{{Field: group, Value: float64(7)}}}, nil},
		{"filled with a list", "lists are compared whole", asItIs, author.Expectation{Filled: []author.Filled{{Field: drop, Value: []any{"ALL"}}}}, nil},
		{
			"filled with another value", "8 is not 7", asItIs, author.Expectation{Filled: []author.Filled{{Field: drop, Value: []string{"ALL"}}, {Field: group, Value: 8}}},
			[]string{"filled[1]: expected " + group + ": 8, got " + group + ": 7"},
		},
		{"filled with a text", "7 is no text", asItIs, author.Expectation{Filled: []author.Filled{{Field: group, Value: "7"}}}, []string{"filled[0]: expected " + group + `: "7", got ` + group + ": 7"}},
		{"a field that is not filled in", "its author set it", asItIs, author.Expectation{Filled: []author.Filled{{Field: pid, Value: true}}}, []string{"filled[0]: expected " + pid + ": true, which is not there"}},
		{"a value without a form", "no field holds it", asItIs, author.Expectation{Filled: []author.Filled{{Field: pid, Value: math.Inf(1)}}}, []string{"filled[0]: expected " + pid + ": +Inf, which is not there"}},

		{
			"all at once", "each is compared, in the order of the aspects", withNetwork,
			author.Expectation{Verdict: author.Allowed, Policy: text("x"), Violations: []author.Expected{}, Excused: []author.Expected{}, Filled: []author.Filled{{Field: group, Value: 8}}},
			[]string{
				`verdict: expected "allowed", got "denied"`, `policy: expected "x", got "agent"`, "violations: not expected: hostNamespaces at " + net + ": true",
				"excused: not expected: hostNamespaces at " + pid + ": true", "filled[0]: expected " + group + ": 8, got " + group + ": 7",
			},
		},
	}
	if len(rows) < 25 {
		t.Errorf("%d rows", len(rows))
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c := author.Case{Name: row.name, Workloads: []podfence.Workload{daemonSet(t, row.pod)}, Level: restricted, Policies: setOf(t, agent), Expect: row.expect}
			outcomes, err := c.Run()
			if err != nil || len(outcomes) != 1 {
				t.Fatalf("%d outcomes: %v", len(outcomes), err)
			}
			var got []string
			for i := range outcomes[0].Differences {
				got = append(got, outcomes[0].Differences[i].String())
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			if outcomes[0].Passed() != (len(row.want) == 0) {
				t.Errorf("passed: %t", outcomes[0].Passed())
			}
		})
	}
}

// TestUnchanged: a workload that has what it needs stays as it is, and one that has
// not tells each field that is filled in.
func TestUnchanged(t *testing.T) {
	bare := author.Case{Workloads: []podfence.Workload{daemonSet(t, nil)}, Level: restricted, Policies: setOf(t, agent), Expect: author.Expectation{Unchanged: true}}
	outcomes, err := bare.Run()
	if err != nil {
		t.Fatal(err)
	}
	changes := outcomes[0].Decision.Report.Changes()
	if len(changes) < 7 || len(outcomes[0].Differences) != len(changes) {
		t.Fatalf("%d differences of %d changes", len(outcomes[0].Differences), len(changes))
	}
	for i, d := range outcomes[0].Differences {
		if d.Key() != "unchanged" || d.Expected != nil || d.Got.Field != changes[i].Location.String() {
			t.Errorf("%d: %v", i, d.String())
		}
	}
	filled := outcomes[0].Decision.Template
	again := bare
	again.Workloads = []podfence.Workload{{Namespace: "monitoring", Template: filled, Root: "/spec/template"}}
	if outcomes, err = again.Run(); err != nil || !outcomes[0].Passed() {
		t.Errorf("the filled workload: %v %v", outcomes[0].Differences, err)
	}
}

// TestEachWorkload: the claim is made of each, at the level and under the policies of
// the case.
func TestEachWorkload(t *testing.T) {
	c := author.Case{
		Workloads: []podfence.Workload{daemonSet(t, withNetwork), daemonSet(t, nil)},
		Level:     restricted, Policies: setOf(t, agent), Expect: author.Expectation{Verdict: author.Denied},
	}
	for i, passed := range []bool{true, false} {
		outcomes, err := c.Run()
		if err != nil || len(outcomes) != 2 || outcomes[i].Passed() != passed {
			t.Errorf("workload %d: %v %v", i, outcomes, err)
		}
	}
	c.Policies = policy.Set{}
	outcomes, _ := c.Run()
	if !outcomes[1].Passed() || outcomes[1].Decision.Result.PolicyName() != "" {
		t.Error("the host's PID namespace is allowed without a policy")
	}
	c.Level.Level = api.LevelPrivileged
	if outcomes, _ = c.Run(); outcomes[0].Passed() || outcomes[1].Passed() {
		t.Error("something is denied at level privileged")
	}
}

// TestNothingIsTested: a case that can say nothing, or that no answer can meet, is an
// error that says why.
func TestNothingIsTested(t *testing.T) {
	hostNamespaces := check(spec.CheckHostNamespaces)
	same := author.Filled{Field: group, Value: 7}
	rows := map[string]struct {
		expect author.Expectation
		want   []string
	}{
		"nothing":     {author.Expectation{}, []string{": nothing is expected"}},
		"empty":       {author.Expectation{Filled: []author.Filled{}}, []string{": nothing is expected"}},
		"no verdict":  {author.Expectation{Verdict: "allow"}, []string{"verdict: is no verdict"}},
		"allowed":     {author.Expectation{Verdict: author.Allowed, Violations: []author.Expected{hostNamespaces}}, []string{"violations: stand against"}},
		"denied":      {author.Expectation{Verdict: author.Denied, Violations: []author.Expected{}}, []string{"violations: none are expected"}},
		"unchanged":   {author.Expectation{Unchanged: true, Filled: []author.Filled{same}}, []string{"filled: fields are expected"}},
		"twice":       {author.Expectation{Violations: []author.Expected{hostNamespaces, hostNamespaces}}, []string{"violations[1]: says what violations[0] says already"}},
		"twice, late": {author.Expectation{Excused: []author.Expected{{Rule: policy.KeyVolumes}, hostNamespaces, hostNamespaces}}, []string{"excused[2]: says what excused[1] says already"}},
		"two values":  {author.Expectation{Filled: []author.Filled{same, {Field: pid, Value: 1}, {Field: group, Value: 8}}}, []string{"filled[2]: is about the field of filled[0]"}},
		"both lists":  {author.Expectation{Verdict: "x", Excused: []author.Expected{hostNamespaces, hostNamespaces}}, []string{"verdict: is no verdict", "excused[1]: says"}},
	}
	for name, row := range rows {
		c := author.Case{Workloads: []podfence.Workload{daemonSet(t, nil)}, Level: restricted, Expect: row.expect}
		outcomes, err := c.Run()
		var errs policy.Errors
		if !errors.As(err, &errs) || outcomes != nil || len(errs) != len(row.want) {
			t.Errorf("%s: %v %v", name, outcomes, err)
			continue
		}
		for i, e := range errs {
			if got := e.Field + ": " + e.Problem; !strings.HasPrefix(got, row.want[i]) || e.Fix == "" {
				t.Errorf("%s: %s; %s", name, got, e.Fix)
			}
		}
	}
	for name, expect := range map[string]author.Expectation{
		"verdict":       {Verdict: author.Denied},
		"policy":        {Policy: text("")},
		"violations":    {Violations: []author.Expected{}},
		"denied, one":   {Verdict: author.Denied, Violations: []author.Expected{hostNamespaces}},
		"allowed, none": {Verdict: author.Allowed, Violations: []author.Expected{}},
		"excused":       {Excused: []author.Expected{}},
		"filled":        {Filled: []author.Filled{same, {Field: pid, Value: 7}}},
		"unchanged":     {Unchanged: true},
		"two fields":    {Excused: []author.Expected{{Check: spec.CheckHostNamespaces, Field: pid}, {Check: spec.CheckHostNamespaces, Field: net}}},
	} {
		if err := expect.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	empty := author.Case{Expect: author.Expectation{Verdict: author.Allowed}}
	if outcomes, err := empty.Run(); err == nil || outcomes != nil || !strings.Contains(err.Error(), "there is no pod") {
		t.Errorf("no workload: %v %v", outcomes, err)
	}
}

// TestIDs: every check and every own rule has an ID that is read back, and nothing else has.
func TestIDs(t *testing.T) {
	ids := author.IDs()
	if len(ids) < 19+6 {
		t.Errorf("%d IDs, want 25 at least", len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		e, err := author.ExpectedID(id)
		if err != nil || e.ID() != id || (e.Check == 0) == (e.Rule == 0) || seen[id] {
			t.Errorf("%s: %+v %v, again: %t", id, e, err, seen[id])
		}
		seen[id] = true
	}
	for id, want := range map[string]string{
		"":                 "write the ID",
		"hostNamespace":    "did you mean hostNamespaces?",
		"allow.volume":     "did you mean allow.volumes?",
		"allow.hostPID":    "no check and no rule", // a grant, and no rule
		"something else":   "write the ID",
		"mutations.volume": "no check and no rule",
	} {
		if e, err := author.ExpectedID(id); err == nil || !strings.Contains(err.Error(), want) || e != (author.Expected{}) {
			t.Errorf("%q: %+v %v, want %q", id, e, err, want)
		}
	}
}

// TestDifferenceJSON: both sides are always there, and a value that is unset says so.
func TestDifferenceJSON(t *testing.T) {
	c := author.Case{
		Workloads: []podfence.Workload{daemonSet(t, func(pod *corev1.PodSpec) {
			yes := true
			pod.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: &yes}
		})},
		Level: restricted, Policies: setOf(t, agent), Expect: author.Expectation{Verdict: author.Allowed, Violations: []author.Expected{check(spec.CheckPrivileged)}},
	}
	c.Expect.Verdict = author.Denied
	outcomes, err := c.Run()
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(outcomes[0].Differences)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"aspect":"violations","expected":null,"got":{"id":"allowPrivilegeEscalation","field":"spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation","value":"unset"}}]`
	if string(data) != want {
		t.Errorf("%s\nwant %s", data, want)
	}
}

// TestAspects: each names itself, once.
func TestAspects(t *testing.T) {
	want := []author.Aspect{"verdict", "policy", "violations", "excused", "filled", "unchanged"}
	if diff := cmp.Diff(want, author.Aspects(), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

// TestDifferenceIsPrintable: a name in a manifest says nothing to a terminal.
func TestDifferenceIsPrintable(t *testing.T) {
	d := author.Difference{Aspect: author.AspectFilled, Index: 0, Expected: &author.Fact{Field: "x\n\x1b[2J", Value: "<a>"}}
	if got, want := d.String(), `filled[0]: expected x\n\x1b[2J: "<a>", which is not there`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
