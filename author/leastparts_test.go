package author

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestLowers: the policies just below one, each by its entry and what is less.
func TestLowers(t *testing.T) {
	p := readPolicy(t, `
allow:
  allowedHostPaths: [{pathPrefix: /a}, {pathPrefix: /b, readOnly: true, types: [File, Socket]}, {pathPrefix: /c, readOnly: true, recursiveReadOnly: true, types: [File]}]
  runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 1}, {min: 9, max: 9}]}
  runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 3}, {min: 7, max: 7}, {min: 9, max: 10}]}
  volumes: [emptyDir, nfs]
  allowedHostPorts: [{min: 80, max: 82}, {min: 90, max: 90}]
containers:
  - {names: [a], allow: {privileged: true, runAsUser: RunAsAny, allowedHostPorts: [{min: 1, max: 2}]}}
`)
	used := func(e policy.Entry) []string {
		if e.Index == 1 {
			return []string{"/b/x", "/b/y"}
		}
		return nil
	}
	removed := []string{
		"allow.allowedHostPaths[0]: without", "allow.allowedHostPaths[0]: only allow.allowedHostPaths: [{pathPrefix: /a, readOnly: true}]",
		"allow.allowedHostPaths[1]: without", "allow.allowedHostPaths[1]: only allow.allowedHostPaths: [{pathPrefix: /b/x, readOnly: true, types: [File, Socket]}] and allow.allowedHostPaths: [{pathPrefix: /b/y, readOnly: true, types: [File, Socket]}]",
		"allow.allowedHostPaths[2]: without",
	}
	pinned := []string{
		"allow.allowedHostPaths[1]: only allow.allowedHostPaths: [{pathPrefix: /b, readOnly: true, recursiveReadOnly: true, types: [File, Socket]}]",
		"allow.allowedHostPaths[1]: only allow.allowedHostPaths: [{pathPrefix: /b, readOnly: true, types: [Socket]}]",
		"allow.allowedHostPaths[1]: only allow.allowedHostPaths: [{pathPrefix: /b, readOnly: true, types: [File]}]",
		"allow.volumes[0]: without",
		"allow.runAsGroup: only allow.runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 2}, {min: 7, max: 7}, {min: 9, max: 10}]}",
		"allow.runAsGroup: only allow.runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 3}, {min: 9, max: 10}]}",
		"allow.runAsGroup: only allow.runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 3}, {min: 7, max: 7}, {min: 10, max: 10}]}",
		"allow.runAsGroup: only allow.runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 3}, {min: 7, max: 7}, {min: 9, max: 9}]}",
	}
	others := []string{
		"allow.volumes[1]: without", "allow.allowedHostPorts[0]: without", "allow.allowedHostPorts[1]: without",
		"containers[0].allow.privileged: containers[0] without", "containers[0].allow.runAsUser: containers[0] without", "containers[0].allow.allowedHostPorts[0]: containers[0] without",
	}
	ranges := []string{
		"allow.runAsUser: without",
		"allow.allowedHostPorts[0]: only allow.allowedHostPorts: [{min: 81, max: 82}]", "allow.allowedHostPorts[0]: only allow.allowedHostPorts: [{min: 80, max: 81}]",
		"allow.runAsUser: only allow.runAsUser: {rule: MustRunAs, ranges: [{min: 1, max: 1}, {min: 9, max: 9}]}",
		"allow.runAsUser: only allow.runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}, {min: 9, max: 9}]}",
		"allow.runAsUser: only allow.runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 1}]}",
		"containers[0].allow.allowedHostPorts[0]: containers[0] only allow.allowedHostPorts: [{min: 2, max: 2}]",
		"containers[0].allow.allowedHostPorts[0]: containers[0] only allow.allowedHostPorts: [{min: 1, max: 1}]",
	}
	for _, row := range []struct {
		why   string
		steps steps
		want  []string
	}{
		{"each grant, and each range by either end", steps{}, slices.Concat(removed, others, ranges)},
		{"rules and all volumes too", steps{tight: true}, slices.Concat(removed, others, ranges, pinned)},
		{"ranges stay, and the rule with them", steps{keepRanges: true}, slices.Concat(removed, others)},
	} {
		var got []string
		for _, l := range row.steps.lowers(p, used) {
			change := l.change
			if before, _, cut := strings.Cut(change, "without "); cut {
				change = before + "without"
			}
			got = append(got, l.at.String()+": "+change)
			if cmp.Equal(l.policy, p, samePolicies) {
				t.Errorf("%s: %s %s says the same", row.why, l.at, l.change)
			}
		}
		slices.Sort(got)
		slices.Sort(row.want)
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

// TestIsImplied: what comes with privileges in any case is asked for last.
func TestIsImplied(t *testing.T) {
	for _, row := range []struct {
		why   string
		field spec.Field
		facts spec.Facts
		want  bool
	}{
		{"escalation of a privileged container", spec.FieldAllowPrivilegeEscalation, spec.Privileged, true},
		{"escalation beside SYS_ADMIN", spec.FieldAllowPrivilegeEscalation, spec.SysAdmin, true},
		{"what a privileged container does not drop", spec.FieldCapabilitiesDrop, spec.Privileged, true},
		{"escalation alone", spec.FieldAllowPrivilegeEscalation, 0, false},
		{"what a privileged container adds", spec.FieldCapabilitiesAdd, spec.Privileged, false},
		{"the privileges themselves", spec.FieldPrivileged, spec.Privileged, false},
	} {
		v := evaluate.Violation{Facts: row.facts}
		v.Field = row.field
		if got := isImplied(&v); got != row.want {
			t.Errorf("%s: %t", row.why, got)
		}
	}
}

// TestFieldsOfIDs: an ID stands where the container gets it from.
func TestFieldsOfIDs(t *testing.T) {
	one := spec.Container{Kind: spec.RegularContainer, Name: "a"}
	for _, row := range []struct {
		why             string
		pod             *corev1.PodSecurityContext
		own             *corev1.SecurityContext
		userOf, groupOf spec.Field
	}{
		{"nowhere", nil, nil, spec.FieldRunAsUser, spec.FieldRunAsGroup},
		{"on neither", &corev1.PodSecurityContext{}, &corev1.SecurityContext{}, spec.FieldRunAsUser, spec.FieldRunAsGroup},
		{"on the pod", &corev1.PodSecurityContext{RunAsUser: ptr[int64](1), RunAsGroup: ptr[int64](1)}, nil, spec.FieldPodRunAsUser, spec.FieldPodRunAsGroup},
		{"on the pod, beside others of the container", &corev1.PodSecurityContext{RunAsUser: ptr[int64](1), RunAsGroup: ptr[int64](1)}, &corev1.SecurityContext{}, spec.FieldPodRunAsUser, spec.FieldPodRunAsGroup},
		{"on both", &corev1.PodSecurityContext{RunAsUser: ptr[int64](1), RunAsGroup: ptr[int64](1)}, &corev1.SecurityContext{RunAsUser: ptr[int64](2), RunAsGroup: ptr[int64](2)}, spec.FieldRunAsUser, spec.FieldRunAsGroup},
		{"on the container alone", nil, &corev1.SecurityContext{RunAsUser: ptr[int64](2), RunAsGroup: ptr[int64](2)}, spec.FieldRunAsUser, spec.FieldRunAsGroup},
		{"one on each", &corev1.PodSecurityContext{RunAsUser: ptr[int64](1)}, &corev1.SecurityContext{RunAsGroup: ptr[int64](2)}, spec.FieldPodRunAsUser, spec.FieldRunAsGroup},
	} {
		pod, c := &corev1.PodSpec{SecurityContext: row.pod}, &corev1.Container{SecurityContext: row.own}
		if user, group := userField(pod, one, c).Field, groupField(pod, one, c).Field; user != row.userOf || group != row.groupOf {
			t.Errorf("%s: %v and %v", row.why, user, group)
		}
	}
}

// TestPinPath: an entry for host paths gets the types of all that need it, and is
// recursively read-only where each of them is.
func TestPinPath(t *testing.T) {
	of := func(facts ...spec.Facts) (needs []needOf) {
		for _, f := range facts {
			needs = append(needs, needOf{&need{Violation: evaluate.Violation{Facts: f}}, nil})
		}
		return needs
	}
	file, dir := typeFact("File"), typeFact("Directory")
	for _, row := range []struct {
		why       string
		readOnly  bool
		needs     []needOf
		types     []string
		recursive bool
	}{
		{"two types, both recursively", true, of(dir, file), []string{"Directory", "File"}, true},
		{"the first is not", true, of(file|spec.SubmountsWritable, file), []string{"File"}, false},
		{"the last is not", true, of(file, file|spec.SubmountsWritable), []string{"File"}, false},
		{"it may be written to", false, of(file), []string{"File"}, false},
		{"a type that is not known stands first", true, of(0, file), nil, true},
		{"or last", true, of(file, 0), nil, true},
		{"nothing needs it", true, nil, nil, true},
	} {
		h := policy.HostPath{PathPrefix: "/v", ReadOnly: row.readOnly}
		pinPath(&h, row.needs)
		if !slices.Equal(h.Types, row.types) || h.RecursiveReadOnly != row.recursive {
			t.Errorf("%s: %v", row.why, h)
		}
	}
}

// TestGrantsOfRules: a tight policy says of each rule which fields it is pinned to.
func TestGrantsOfRules(t *testing.T) {
	s := least(t, pods(t, "metadata: {name: a, labels: {app: a}}\nspec:\n  automountServiceAccountToken: false\n  securityContext: {fsGroup: 7}\n"+
		"  containers: [{name: a, image: a, securityContext: {runAsUser: 0, readOnlyRootFilesystem: true}}, {name: b, image: b, securityContext: {runAsUser: 6, readOnlyRootFilesystem: true, privileged: true}}]\n"), restricted, Options{Tight: true})
	var got []string
	for _, g := range s.Policies[0].Grants {
		line := g.Entry.String() + " " + g.Text
		for i := range g.Reasons {
			line += "; " + g.Reasons[i].String()
		}
		got = append(got, line)
	}
	want := []string{
		`allow.runAsUser allow.runAsUser: {rule: MustRunAs, ranges: [{min: 6, max: 6}]}; container "b": securityContext.runAsUser is 6`,
		`allow.fsGroup allow.fsGroup: {rule: MustRunAs, ranges: [{min: 7, max: 7}]}; pod: securityContext.fsGroup is 7`,
		`allow.readOnlyRootFilesystem allow.readOnlyRootFilesystem: true; container "a": securityContext.readOnlyRootFilesystem is true; container "b": securityContext.readOnlyRootFilesystem is true`,
		`containers[0].allow.runAsUser allow.runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}; container "a": securityContext.runAsUser is 0`,
		`containers[1].allow.privileged allow.privileged: true; container "b": securityContext.privileged is true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestComments: what is counted in a comment is what is not named.
func TestComments(t *testing.T) {
	refs := []Reference{{"Pod", "n", "a"}, {"Pod", "n", "b"}, {"Pod", "n", "c"}, {"Pod", "n", "d"}, {"Pod", "n", "e"}}
	for n, want := range []string{"", "Pod/n/a", "Pod/n/a, Pod/n/b", "Pod/n/a, Pod/n/b, Pod/n/c", "Pod/n/a, Pod/n/b, Pod/n/c and 1 more", "Pod/n/a, Pod/n/b, Pod/n/c and 2 more"} {
		if got := some(refs[:n]); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	hostPID := func(n int) Reason {
		return Reason{Workloads: refs[:n], Location: spec.At(spec.Container{}, spec.FieldHostPID), Value: true}
	}
	for _, row := range []struct {
		reasons []Reason
		want    string
	}{
		{[]Reason{hostPID(1)}, "Pod/n/a: pod: hostPID is true"},
		{[]Reason{hostPID(2)}, "Pod/n/a and 1 more: pod: hostPID is true"},
		{[]Reason{hostPID(1), hostPID(3)}, "Pod/n/a: pod: hostPID is true; and 1 more"},
	} {
		if got := (&Grant{Reasons: row.reasons}).comment(); got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
	}
	alone := Suggested{Governs: refs[:1], Policy: policy.Policy{Namespace: "n"}}
	if got := alone.heading(); !slices.Equal(got, []string{"# For Pod/n/a."}) {
		t.Errorf("%q", got)
	}
}

// TestChoices: all choices of each size, those of the first labels first.
func TestChoices(t *testing.T) {
	labels := []label{{"a", ""}, {"b", ""}, {"c", ""}}
	for size, want := range []string{"|", "a|b|c|", "ab|ac|bc|", "abc|", ""} {
		got := ""
		for choice := range choices(labels, size) {
			for _, l := range choice {
				got += l.key
			}
			got += "|"
		}
		if got != want {
			t.Errorf("%d: %s, want %s", size, got, want)
		}
	}
}

// TestNarrowerRanges: a range less, or one end; never none at all.
func TestNarrowerRanges(t *testing.T) {
	r := func(ends ...int64) (list []policy.IDRange) {
		for i := 0; i < len(ends); i += 2 {
			list = append(list, policy.IDRange{Min: ends[i], Max: ends[i+1]})
		}
		return list
	}
	for _, row := range []struct {
		why    string
		ranges []policy.IDRange
		want   [][]policy.IDRange
	}{
		{"one ID alone stays", r(5, 5), nil},
		{"one of two", r(5, 5, 7, 7), [][]policy.IDRange{r(7, 7), r(5, 5)}},
		{"either end", r(5, 7), [][]policy.IDRange{r(6, 7), r(5, 6)}},
		{"what is kept stays", r(1, 1, 1, 3, 0, 1), [][]policy.IDRange{r(1, 1, 1, 2, 0, 1), r(1, 1, 1, 3, 1, 1)}},
	} {
		got := narrowerRanges(row.ranges, func(id int64) bool { return id == 1 })
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

// TestNodeAt: the node at the end of a way, and none where there is no such way.
func TestNodeAt(t *testing.T) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte("a: {b: [x, {c: y}]}\nd: {}\n"), &doc); err != nil {
		t.Fatal(err)
	}
	for way, want := range map[string]string{
		"a.b.0": "x", "a.b.1": "y", "a.b.1.c": "y", "a.b.2": "", "a.b.z": "", "a.c": "", "e": "", "a.b.0.x": "",
	} {
		got := ""
		if n := scalarOf(nodeAt(doc.Content[0], strings.Split(way, "."))); n != nil {
			got = n.Value
		}
		if got != want {
			t.Errorf("%s: %q, want %q", way, got, want)
		}
	}
	if n := scalarOf(nodeAt(doc.Content[0], []string{"d"})); n == nil || n.Kind != yaml.MappingNode {
		t.Errorf("an empty mapping stands for itself: %v", n)
	}
}
