package survey

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
)

// podOf is an object that holds a pod.
func podOf(p *corev1.Pod) Object {
	held, _ := podfence.WorkloadOf(p)
	return Object{Owner: Owner{p.Namespace, "", "Pod", p.Name}, Typed: p, Held: []podfence.Workload{held}}
}

// drawn are some pods of some owners in two namespaces, and some policies.
func drawn(t *rapid.T) (list []Object, policies []policy.Policy) {
	for i := range rapid.IntRange(1, 6).Draw(t, "pods") {
		p := podgen.Pod().Draw(t, "pod").DeepCopy()
		p.Namespace = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "namespace")
		p.Name = fmt.Sprint("p", i)
		p.OwnerReferences = nil
		if owner := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "owner"); owner != "" {
			yes := true
			p.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: owner, Controller: &yes}}
		}
		list = append(list, podOf(p))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "policies") {
		p := podgen.Policy().Draw(t, "policy")
		p.Name = fmt.Sprint("policy", i)
		policies = append(policies, p)
	}
	return list, policies
}

// TestLevelsAreTheLibrarys: the level of a namespace is the highest at which the library denies none of its pods, in each
// way; and what blocks the next one are the checks that the library names.
func TestLevelsAreTheLibrarys(t *testing.T) {
	counts := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		list, policies := drawn(t)
		set, err := policy.NewSet(policies...)
		if err != nil {
			t.Fatal(err)
		}
		r := surveyed(set, list...)
		for i := range r.Namespaces {
			n := &r.Namespaces[i]
			for way := range ways {
				a := n.answerOf(way)
				if a == nil {
					continue
				}
				want, blocks := byHand(list, n.Name, way, set)
				if a.Level != want {
					t.Fatalf("%s in way %d: %s, want %s", n.Name, way, a.Level, want)
				}
				var got []string
				if a.Next != nil {
					for i := range a.Next.Blocks {
						got = append(got, a.Next.Blocks[i].CheckOrRule())
					}
				}
				slices.Sort(got)
				if diff := cmp.Diff(blocks, got); diff != "" {
					t.Fatalf("%s in way %d: what blocks the next level (-library +survey):\n%s", n.Name, way, diff)
				}
				counts[fmt.Sprint(way, want)]++
			}
		}
	})
	// A level between the two is rare once all that is unset was filled in: TestLevels has it.
	for _, drawn := range []string{"0privileged", "0baseline", "0restricted", "1privileged", "1restricted", "2privileged", "2restricted"} {
		if counts[drawn] == 0 {
			t.Errorf("%s was never drawn: %v", drawn, counts)
		}
	}
}

// TestLevels: the levels of a namespace as it is, filled in, and under a policy that grants app=agent the host's network.
func TestLevels(t *testing.T) {
	const nfs = "volumes: [{name: v, nfs: {server: s, path: /}}]"
	for _, test := range []struct {
		name, reason string
		in           []string
		want         string
	}{
		{"compliant", "nothing is left to do", []string{compliantPod}, "restricted restricted restricted"},
		{"bare", "all that is missing can be filled in", []string{pod("a", "", "")}, "baseline restricted restricted"},
		{"a volume", "nothing that is filled in takes it away", []string{pod("a", "", nfs)}, "baseline baseline baseline"},
		{"the host's network", "no policy selects it", []string{pod("a", "", "hostNetwork: true")}, "privileged privileged privileged"},
		{"an agent", "the policy grants it", []string{pod("a", "labels: {app: agent}", "hostNetwork: true")}, "privileged privileged restricted"},
		{"an agent with a volume", "the policy grants no such volume", []string{pod("a", "labels: {app: agent}", "hostNetwork: true, "+nfs)}, "privileged privileged baseline"},
		{"one of two", "the worst counts", []string{pod("a", "", "hostNetwork: true"), compliantPod}, "privileged privileged privileged"},
		{"only the template", "a pod that somebody filled in does not make it better", []string{strings.Replace(compliantPod, "name: a", "name: a, "+by("apps/v1", "DaemonSet", "d"), 1), made("apps/v1", "DaemonSet", "d", "", "")}, "baseline restricted restricted"},
		{"only the pods", "somebody added to them", []string{pod("a", by("apps/v1", "DaemonSet", "d"), "hostPID: true"), made("apps/v1", "DaemonSet", "d", "", "")}, "privileged privileged privileged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := surveyed(agents(t), objects(t, strings.Join(test.in, "\n---\n"))...).Namespaces[0]
			if got := fmt.Sprint(n.AsIs.Level, " ", n.Filled.Level, " ", n.Policies.Level); got != test.want {
				t.Errorf("%s: got %s, want %s", test.reason, got, test.want)
			}
		})
	}
}

// byHand asks the library about each pod, one level after another.
func byHand(list []Object, namespace string, way Way, set policy.Set) (level api.Level, blocks []string) {
	var above []string
	for _, level := range []api.Level{api.LevelRestricted, api.LevelBaseline} {
		broken := map[string]bool{}
		for _, o := range list {
			if o.Namespace != namespace {
				continue
			}
			lv := api.LevelVersion{Level: level, Version: api.LatestVersion()}
			result := o.Held[0].EvaluateStored(lv, policy.Set{})
			switch way {
			case Filled:
				result = o.Held[0].Admit(lv, policy.Set{}).Result
			case UnderPolicies:
				result = o.Held[0].Admit(lv, set).Result
			}
			for _, v := range result.Violations {
				broken[v.CheckOrRule()] = true
			}
		}
		if len(broken) == 0 {
			return level, above
		}
		above = nil
		for id := range broken {
			above = append(above, id)
		}
		slices.Sort(above)
	}
	return api.LevelPrivileged, above
}

// TestOrderMakesNoDifference: a stream of kubectl has the pods before their owners, and a directory has any order.
func TestOrderMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list, policies := drawn(t)
		set, err := policy.NewSet(policies...)
		if err != nil {
			t.Fatal(err)
		}
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		if strings.Contains(rendered(t, surveyed(set, list...)), `"more":true`) {
			t.Skip("more findings than are kept: which of them depends on the order")
		}
		if diff := cmp.Diff(rendered(t, surveyed(set, list...)), rendered(t, surveyed(set, shuffled...))); diff != "" {
			t.Fatalf("-in order +shuffled:\n%s", diff)
		}
	})
}

// TestOrderOfWhatIsWanted: of one policy's demand a pod may want another thing than the next pod of its owner does.
func TestOrderOfWhatIsWanted(t *testing.T) {
	p := policy.Policy{Name: "p", PodSelectorLabels: map[string]string{"app": "web"}}
	p.Allow.UserNamespace = policy.UserNamespaceRequired
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	var list []Object
	for i, edit := range []func(*corev1.PodSpec){
		func(s *corev1.PodSpec) { s.HostPID = true }, func(s *corev1.PodSpec) { s.HostNetwork = true },
	} {
		pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "c"}}}}
		pod.Name, pod.Namespace, pod.Labels = fmt.Sprint("p", i), "a", p.PodSelectorLabels
		edit(&pod.Spec)
		object := podOf(pod)
		object.Owner = Owner{"a", "apps", "DaemonSet", "d"}
		list = append(list, object)
	}
	inOrder := rendered(t, surveyed(set, list...))
	for _, want := range []string{"beside hostPID", "beside hostNetwork"} {
		if !strings.Contains(inOrder, want) {
			t.Errorf("nothing is said of %q", want)
		}
	}
	if diff := cmp.Diff(inOrder, rendered(t, surveyed(set, list[1], list[0]))); diff != "" {
		t.Errorf("-in order +turned:\n%s", diff)
	}
}

// rendered is all that is said of a report.
func rendered(t rapid.TB, r *Report) string {
	var b strings.Builder
	data, err := json.Marshal(r)
	if err == nil {
		b.Write(data)
		err = r.WriteText(&b)
	}
	if err == nil {
		err = r.WritePage(&b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestMayNotStart: pods say as which user they run, and templates cannot.
func TestMayNotStart(t *testing.T) {
	status := func(pod string, uid int) string {
		return strings.TrimSuffix(pod, "}") + fmt.Sprintf(", status: {containerStatuses: [{name: c, user: {linux: {uid: %d, gid: 1}}}]}}", uid)
	}
	const nonRoot = "securityContext: {runAsNonRoot: true}"
	template := strings.Replace(made("apps/v1", "DaemonSet", "d", "", ""), "containers:", nonRoot+", containers:", 1)
	mine := by("apps/v1", "DaemonSet", "d")
	for _, test := range []struct {
		name, reason string
		in           []string
		want         []string
	}{
		{"a template", "nobody knows the user of the image", []string{template}, []string{"DaemonSet/d"}},
		{"a pod", "its status says nothing", []string{pod("a", "", nonRoot)}, []string{"Pod/a"}},
		{"a pod that runs as a user", "runAsNonRoot let it start", []string{status(pod("a", mine, nonRoot), 7)}, []string{}},
		{"both", "the pod knows better", []string{template, status(pod("a", mine, nonRoot), 7)}, []string{}},
		{"a pod that runs as root", "runAsNonRoot is filled in", []string{status(pod("a", mine, ""), 0)}, []string{"DaemonSet/d"}},
		{"one of two pods", "one that may not start is enough", []string{status(pod("a", mine, nonRoot), 7), pod("b", mine, "")}, []string{"DaemonSet/d"}},
		{"a user", "its author names one", []string{pod("a", "", "securityContext: {runAsUser: 7}")}, []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			n := surveyed(policy.Set{}, objects(t, strings.Join(test.in, "\n---\n"))...).Namespaces[0]
			if n.Filled.Level != api.LevelRestricted || len(n.AsIs.MayNotStart) > 0 {
				t.Fatalf("filled: %s; as is %v may not start", n.Filled.Level, n.AsIs.MayNotStart)
			}
			if diff := cmp.Diff(test.want, n.Filled.MayNotStart); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
		})
	}
}

// TestDeniedIsNotSaidToMaybeStart: a workload of which one pod is denied is not allowed, and so not one that is allowed and
// may not start.
func TestDeniedIsNotSaidToMaybeStart(t *testing.T) {
	mine := by("apps/v1", "DaemonSet", "d")
	n := surveyed(policy.Set{}, objects(t, pod("a", mine, "hostNetwork: true")+"\n---\n"+pod("b", mine, "")+"\n---\n"+pod("c", "", ""))...).Namespaces[0]
	if n.Filled.Level != api.LevelPrivileged || len(n.Filled.Next.MayNotStart) > 0 {
		t.Errorf("%s, and %v may not start at %s", n.Filled.Level, n.Filled.Next.MayNotStart, n.Filled.Next.Level)
	}
	for _, w := range n.Workloads {
		if got, want := len(w.MayNotStart.Filled) > 0, w.Kind == "Pod"; got != want {
			t.Errorf("%s may not start: %t, want %t", &w, got, want)
		}
	}
}

// TestUndecided: what could not be decided keeps its namespace at privileged, and is named as far as there is room.
func TestUndecided(t *testing.T) {
	c := NewCollector(api.LatestVersion(), policy.Set{})
	for _, o := range objects(t, pod("a", "", "securityContext: {runAsUser: 7}")) {
		c.Add(o)
	}
	for i := range maxUndecided + 5 {
		c.AddUndecided("ns", fmt.Sprint("Pod/", i), fmt.Errorf("it is odd"))
	}
	n := c.Report().Namespaces[0]
	if n.AsIs.Level != api.LevelPrivileged || n.Filled.Level != api.LevelPrivileged {
		t.Errorf("as is %s, filled %s", n.AsIs.Level, n.Filled.Level)
	}
	if n.UndecidedCount != maxUndecided+5 || len(n.Undecided) != maxUndecided || n.Undecided[0] != (Undecided{"Pod/0", "it is odd"}) {
		t.Errorf("%d are counted and %d named: %v", n.UndecidedCount, len(n.Undecided), n.Undecided)
	}
}

// TestManyViolations: a workload of which every pod is odd in another way does not fill the memory, and all its checks are
// counted all the same.
func TestManyViolations(t *testing.T) {
	var list []Object
	yes := true
	for i := range 3 * maxMarks {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint(i), OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: "d", Controller: &yes}}}}
		p.Spec.Containers = []corev1.Container{{Name: "c", Ports: []corev1.ContainerPort{{HostPort: int32(1 + i)}}}}
		p.Spec.HostPID = i == 3*maxMarks-1
		list = append(list, podOf(p))
	}
	c := NewCollector(api.LatestVersion(), policy.Set{})
	for _, o := range list {
		c.Add(o)
	}
	n := c.Report().Namespaces[0]
	if w := n.Workloads[0]; !w.More || len(w.Violations) != maxMarks || len(c.findings.byKey) != maxMarks {
		t.Errorf("more: %t, %d violations of %d", w.More, len(w.Violations), len(c.findings.byKey))
	}
	if got := n.AsIs.Next.Blocks[0].Check; got != "hostNamespaces" {
		t.Errorf("the last pod's check is not counted: %s", got)
	}
}

// TestViolations: a violation that pods share with their template is one, its path begins at the pod, and it says in how
// many pods it is and at which levels it stands.
func TestViolations(t *testing.T) {
	mine := by("apps/v1", "DaemonSet", "d")
	in := []string{
		pod("a", mine, "hostNetwork: true"), pod("b", mine+", labels: {app: agent}", "hostNetwork: true"), pod("c", mine, ""), made("apps/v1", "DaemonSet", "d", "", ""),
	}
	in[3] = strings.Replace(in[3], "containers:", "hostNetwork: true, containers:", 1)
	w := surveyed(agents(t), objects(t, strings.Join(in, "\n---\n"))...).Namespaces[0].Workloads[0]
	var got []string
	for _, v := range w.Violations {
		got = append(got, fmt.Sprintf("%s %d %t %v", v.Field, v.Pods, v.Template, v.StandsAt))
	}
	both, restricted := "[baseline restricted]", "{[restricted] [] []}"
	want := []string{
		"spec.hostNetwork 2 true {" + both + " " + both + " " + both + "}",
		"spec.containers[0].securityContext.allowPrivilegeEscalation 3 true " + restricted,
		"spec.containers[0].securityContext.capabilities.drop 3 true " + restricted,
		"spec.containers[0].securityContext.runAsNonRoot 3 true " + restricted,
		"spec.containers[0].securityContext.seccompProfile.type 3 true " + restricted,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
