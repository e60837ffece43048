package evaluate_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// nginx is the pod of the document: its author set nothing.
func nginx() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "nginx", Namespace: "web", Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "nginx"}}},
	}
}

// offending breaks every control that a Linux pod can break, on the pod and in
// every kind of container, with annotations enough to show a map's order.
func offending() *corev1.Pod {
	pod := compliant().DeepCopy()
	pod.Namespace, pod.Labels = "web", map[string]string{"app": "web", "tier": "front", "a": "b", "c": "d"}
	pod.Spec.HostNetwork, pod.Spec.HostPID, pod.Spec.HostIPC = true, true, true
	sysctls("kernel.msgmax", "net.core.somaxconn")(pod)
	hostPath("/etc")(pod)
	podNonRoot(ptr(false))(pod)
	podSeccomp("Unconfined")(pod)
	onAll(privileged)(pod)
	onAll(seccomp("Unconfined"))(pod)
	onAll(user(0))(pod)
	onAll(procMount("Unmasked"))(pod)
	onAll(appArmor("Unconfined"))(pod)
	onAll(listening(80, 443))(pod)
	var keys []string
	for i := range 20 {
		keys = append(keys, fmt.Sprint(spec.AppArmorAnnotation, "c", i), "unconfined")
	}
	for _, name := range []string{"init", "main", "debug"} {
		keys = append(keys, spec.SeccompContainerAnnotation+name, "unconfined")
	}
	annotated(append(keys, spec.SeccompPodAnnotation, "unconfined")...)(pod)
	return pod
}

func newSet(t testing.TB, policies ...policy.Policy) policy.Set {
	t.Helper()
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// forWeb is a policy for pods labelled app=web.
func forWeb(name string, allow policy.Allow) policy.Policy {
	return policy.Policy{Name: name, PodSelectorLabels: map[string]string{"app": "web"}, Allow: allow}
}

// TestNormalizes: level privileged looks at nothing, version zero is latest, an
// unknown level is restricted, and the answer says at what it was judged.
func TestNormalizes(t *testing.T) {
	latest := api.LatestVersion()
	for _, row := range []struct {
		name, why string
		lv        api.LevelVersion
		want      string
		allowed   bool
	}{
		{"privileged", "nothing is looked at", api.LevelVersion{Level: api.LevelPrivileged, Version: latest}, "privileged:latest", true},
		{"privileged at an old version", "at any version", api.LevelVersion{Level: api.LevelPrivileged, Version: api.MajorMinorVersion(1, 0)}, "privileged:v1.0", true},
		{"privileged at version zero", "zero is latest there too", api.LevelVersion{Level: api.LevelPrivileged}, "privileged:latest", true},
		{"baseline", "as asked", api.LevelVersion{Level: api.LevelBaseline, Version: latest}, "baseline:latest", false},
		{"restricted", "as asked", api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 25)}, "restricted:v1.25", false},
		{"version zero", "upstream would allow everything", api.LevelVersion{Level: api.LevelBaseline}, "baseline:latest", false},
		{"major version zero", "the same trap", api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(0, 25)}, "baseline:latest", false},
		{"negative minor version", "the same trap", api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(1, -1)}, "baseline:latest", false},
		{"version of the future", "judged as the newest, printed as asked", api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(1, 999)}, "baseline:v1.999", false},
		{"major version of the future", "judged as the newest, printed as asked", api.LevelVersion{Level: api.LevelBaseline, Version: api.MajorMinorVersion(2, 0)}, "baseline:v2.0", false},
		{"unknown level", "as upstream", api.LevelVersion{Level: "lenient", Version: latest}, "restricted:latest", false},
		{"level of another case", "levels are exact", api.LevelVersion{Level: "Privileged", Version: latest}, "restricted:latest", false},
		{"zero", "everything unset is the strictest", api.LevelVersion{}, "restricted:latest", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := offending()
			set := newSet(t, forWeb("web", policy.Allow{FSGroup: groupRule(policy.MustRunAs, ids(400, 400))}))
			for from, got := range map[string]evaluate.Result{
				"Evaluate":                 evaluate.Evaluate(pod, row.lv, policy.Set{}),
				"Evaluate with exceptions": evaluate.Evaluate(pod, row.lv, set),
				"Template":                 evaluate.Template("web", &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}, row.lv, set),
				"Under":                    evaluate.Spec(&pod.ObjectMeta, &pod.Spec, row.lv, set.Policies()[0]),
				"Under none":               evaluate.Spec(&pod.ObjectMeta, &pod.Spec, row.lv, nil),
			} {
				if got.Level.String() != row.want || got.Allowed() != row.allowed {
					t.Errorf("%s: allowed %v at %s, want %v at %s: %s", from, got.Allowed(), got.Level, row.allowed, row.want, row.why)
				}
				prefix := `violates PodSecurity "` + row.want + `": `
				if refusal := got.Refusal(); row.allowed && refusal != "" || !row.allowed && !strings.HasPrefix(refusal, prefix) {
					t.Errorf("%s: refusal %.60q, want it to begin with %q", from, refusal, prefix)
				}
				if row.allowed && (got.Policy != nil || got.Violations != nil || got.Excused != nil) {
					t.Errorf("%s: looked at something at level privileged", from)
				}
			}
		})
	}
}

// TestEmptyPods: what is nil or missing is unset and breaks nothing else.
func TestEmptyPods(t *testing.T) {
	demanding := forWeb("web", policy.Allow{
		RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{ids(0, 400)}}, RunAsGroup: groupRule(policy.MustRunAs, ids(1, 1)),
		FSGroup: groupRule(policy.MustRunAs, ids(1, 1)), SupplementalGroups: supplemental(groupRule(policy.MustRunAs, ids(1, 1))), ReadOnlyRootFilesystem: true,
	})
	for name, pod := range map[string]*corev1.Pod{
		"zero":                 {},
		"no container":         {Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}}},
		"empty containers":     {Spec: corev1.PodSpec{InitContainers: make([]corev1.Container, 1), Containers: make([]corev1.Container, 1), EphemeralContainers: make([]corev1.EphemeralContainer, 1)}},
		"empty contexts":       {Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{}, Containers: []corev1.Container{{SecurityContext: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{}}}}}},
		"empty nested structs": {Spec: corev1.PodSpec{OS: &corev1.PodOS{}, Containers: []corev1.Container{{Lifecycle: &corev1.Lifecycle{}, LivenessProbe: &corev1.Probe{}, SecurityContext: &corev1.SecurityContext{WindowsOptions: &corev1.WindowsSecurityContextOptions{}, SELinuxOptions: &corev1.SELinuxOptions{}}}}}},
	} {
		for _, level := range levels {
			for _, version := range versions() {
				lv := api.LevelVersion{Level: level, Version: version}
				r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, lv, &demanding)
				if r.Allowed() || r.Message() == "" {
					t.Errorf("%s at %s: a pod without groups is allowed where groups are demanded", name, lv)
				}
			}
		}
	}
}

// TestStructureSaysMoreThanText: the result has every violation, also those that
// Pod Security Admission's text leaves out beside worse ones, and values that
// the text has no place for.
func TestStructureSaysMoreThanText(t *testing.T) {
	for _, row := range []struct {
		name, why string
		at        string
		pod       func(*corev1.Pod)
		text      string
		want      []string
	}{
		{"runAsNonRoot false beside unset", "the text names who set false alone", "restricted:latest",
			each(podNonRoot(nil), onMain(nonRoot(ptr(false))), onDebug(nonRoot(ptr(true)))),
			`runAsNonRoot != true (container "main" must not set securityContext.runAsNonRoot=false)`,
			lines(initial+nonRootOf+onInitial+" is unset, must be true [runAsNonRoot]", main+nonRootOf+onMainC+" is false, must be true [runAsNonRoot]")},
		{"runAsNonRoot false on the pod", "every container that inherits it must set true, or the pod must", "restricted:latest",
			each(podNonRoot(ptr(false)), onDebug(nonRoot(ptr(true)))),
			"runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
			lines(podSec+"runAsNonRoot is false, must be true or unset [runAsNonRoot]",
				initial+nonRootOf+onInitial+" is unset, must be true [runAsNonRoot]", main+nonRootOf+onMainC+" is unset, must be true [runAsNonRoot]")},
		{"seccomp bad beside unset", "the text names who set a bad type alone", "restricted:latest",
			each(onMain(seccomp("Unconfined")), onInit(seccomp(""))),
			`seccompProfile (container "main" must not set securityContext.seccompProfile.type to "Unconfined")`,
			lines(initial+seccompOf+onInitial+" is unset, must be RuntimeDefault or Localhost [seccompProfile_restricted]",
				main+seccompOf+onMainC+` is "Unconfined", must be RuntimeDefault or Localhost [seccompProfile_restricted]`)},
		{"seccomp bad on the pod", "a bad profile that is inherited counts as none", "restricted:latest",
			each(podSeccomp("Unconfined"), onMain(seccomp(""))),
			`seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")`,
			lines(podSec+`seccompProfile.type is "Unconfined", must be RuntimeDefault, Localhost or unset [seccompProfile_restricted]`,
				main+seccompOf+onMainC+" is unset, must be RuntimeDefault or Localhost [seccompProfile_restricted]")},
		{"capabilities of several containers", "the text does not say who added what", "baseline:latest",
			each(onMain(adding("NET_ADMIN")), onDebug(adding("SYS_TIME", "NET_ADMIN"))),
			`non-default capabilities (containers "main", "debug" must not include "NET_ADMIN", "SYS_TIME" in securityContext.capabilities.add)`,
			lines(main+addCap+"[0]"+onMainC+` is "NET_ADMIN", must be a capability of the runtimes' default set [capabilities_baseline]`,
				debug+addCap+"[0]"+onDebugC+` is "SYS_TIME", must be a capability of the runtimes' default set [capabilities_baseline]`,
				debug+addCap+"[1]"+onDebugC+` is "NET_ADMIN", must be a capability of the runtimes' default set [capabilities_baseline]`)},
		{"hostPath", "the text does not say which path", "baseline:latest", hostPath("/etc"),
			`hostPath volumes (volume "v")`,
			lines(`spec.volumes[2].hostPath (volume "v") is "/etc", must be unset [hostPathVolumes]`)},
		{"SELinux user", "the text does not say which user", "baseline:latest", podSecurity(func(sc *corev1.PodSecurityContext) { sc.SELinuxOptions = &corev1.SELinuxOptions{User: "system_u"} }),
			"seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: user may not be set)",
			lines(podSec + `seLinuxOptions.user is "system_u", must be unset [seLinuxOptions]`)},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := compliant().DeepCopy()
			row.pod(pod)
			lv := levelVersion(t, row.at)
			got := evaluate.Evaluate(pod, lv, policy.Set{})
			if diff := cmp.Diff(row.want, violationLines(got.Violations)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			if got.Message() != row.text {
				t.Errorf("text:\n got %s\nwant %s", got.Message(), row.text)
			}
		})
	}
}

// TestGoverning: policies that select the pod are tried alone in order of name:
// the first that allows it answers, else the one that comes closest.
func TestGoverning(t *testing.T) {
	network, pid := policy.Allow{HostNetwork: true}, policy.Allow{HostPID: true}
	both := policy.Allow{HostNetwork: true, HostPID: true}
	elsewhere := forWeb("a", both)
	elsewhere.Namespace = "elsewhere"
	here := forWeb("a", both)
	here.Namespace = "web"
	other := forWeb("a", both)
	other.PodSelectorLabels = map[string]string{"app": "other"}
	for _, row := range []struct {
		name, why string
		policies  []policy.Policy
		allowed   bool
		policy    string
		left      []string
	}{
		{"none", "without a policy the level alone counts", nil, false, "", lines("spec.hostNetwork <- hostNamespaces", "spec.hostPID <- hostNamespaces")},
		{"one that allows", "it answers", []policy.Policy{forWeb("a", both)}, true, "a", nil},
		{"one that does not", "it governs all the same", []policy.Policy{forWeb("a", network)}, false, "a", lines("spec.hostPID <- hostNamespaces")},
		{"two that allow", "the first in order of name, whatever their order was", []policy.Policy{forWeb("b", both), forWeb("a", both)}, true, "a", nil},
		{"the second allows", "the first that allows", []policy.Policy{forWeb("a", network), forWeb("b", both)}, true, "b", nil},
		{"the last of many allows", "every one is tried", []policy.Policy{forWeb("e", both), forWeb("d", network), forWeb("c", pid), forWeb("b", network), forWeb("a", pid), forWeb("f", both)}, true, "e", nil},
		{"each excuses half", "grants of two policies never add up", []policy.Policy{forWeb("a", network), forWeb("b", pid)}, false, "a", lines("spec.hostPID <- hostNamespaces")},
		{"the second comes closer", "the fewest violations left", []policy.Policy{forWeb("a", policy.Allow{}), forWeb("b", pid)}, false, "b", lines("spec.hostNetwork <- hostNamespaces")},
		{"own rules count too", "what a policy demands is left as well",
			[]policy.Policy{forWeb("a", policy.Allow{HostPID: true, FSGroup: groupRule(policy.MustRunAs, ids(1, 1)), ReadOnlyRootFilesystem: true}), forWeb("b", policy.Allow{})}, false, "b",
			lines("spec.hostNetwork <- hostNamespaces", "spec.hostPID <- hostNamespaces")},
		{"an equally close one", "the first in order of name", []policy.Policy{forWeb("b", network), forWeb("a", pid)}, false, "a", lines("spec.hostNetwork <- hostNamespaces")},
		{"of another namespace", "it does not govern", []policy.Policy{elsewhere}, false, "", lines("spec.hostNetwork <- hostNamespaces", "spec.hostPID <- hostNamespaces")},
		{"of the pod's namespace", "it governs", []policy.Policy{here, elsewhere}, true, "a", nil},
		{"of other labels", "it does not govern", []policy.Policy{other}, false, "", lines("spec.hostNetwork <- hostNamespaces", "spec.hostPID <- hostNamespaces")},
		{"a stricter one", "it governs in place of the default: a pod that baseline allows is held to it",
			[]policy.Policy{forWeb("a", policy.Allow{HostNetwork: true, HostPID: true, Volumes: []string{}})}, false, "a",
			lines("spec.volumes[0].configMap <- allow.volumes", "spec.volumes[1].secret <- allow.volumes")},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := compliant().DeepCopy()
			pod.Namespace, pod.Labels = "web", map[string]string{"app": "web"}
			pod.Spec.HostNetwork, pod.Spec.HostPID = true, true
			got := evaluate.Evaluate(pod, levelVersion(t, "baseline:latest"), newSet(t, row.policies...))
			if got.Allowed() != row.allowed || got.PolicyName() != row.policy || (got.Policy == nil) != (row.policy == "") {
				t.Errorf("allowed %v under %q, want %v under %q: %s", got.Allowed(), got.PolicyName(), row.allowed, row.policy, row.why)
			}
			if diff := cmp.Diff(row.left, demandedBy(got.Violations)); diff != "" {
				t.Errorf("left, for %s (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

// TestCompletePodsGoFirst: of several policies that allow the pod, the first under
// which nothing would be filled in answers, as it does in Admit; without one, the
// first.
func TestCompletePodsGoFirst(t *testing.T) {
	// Under the first a pod gets the default groups; the second wants none.
	fills, leaves := forWeb("a", policy.Allow{}), forWeb("b", policy.Allow{
		FSGroup: groupRule(policy.MayRunAs, ids(5, 5)), RunAsGroup: groupRule(policy.MayRunAs, ids(5, 5)),
	})
	leaves.Mutations.SupplementalGroups = []int64{}
	set := newSet(t, fills, leaves)
	one := int64(1)
	for _, row := range []struct {
		name, why, level, policy string
		change                   func(*corev1.PodSpec)
	}{
		{"complete under the second", "the first would fill groups in", "restricted:latest", "b", func(*corev1.PodSpec) {}},
		{"complete under the first alone", "the second refuses its groups", "restricted:latest", "a", func(spec *corev1.PodSpec) {
			spec.SecurityContext.FSGroup, spec.SecurityContext.RunAsGroup = &one, &one
			spec.SecurityContext.SupplementalGroups = []int64{1}
		}},
		{"complete under none", "the first in order of name", "restricted:latest", "a", func(spec *corev1.PodSpec) {
			spec.Containers[0].SecurityContext.Privileged = nil
		}},
		{"at baseline", "nothing is filled in where baseline allows the pod", "baseline:latest", "a", func(*corev1.PodSpec) {}},
	} {
		t.Run(row.name, func(t *testing.T) {
			no, yes := false, true
			pod := &corev1.Pod{Spec: corev1.PodSpec{
				SecurityContext: &corev1.PodSecurityContext{},
				Containers: []corev1.Container{{Name: "main", SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: &no, Privileged: &no, RunAsNonRoot: &yes, RunAsUser: &one,
					Capabilities:   &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
					SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
				}}},
			}}
			pod.Labels = map[string]string{"app": "web"}
			row.change(&pod.Spec)
			lv := levelVersion(t, row.level)
			got := evaluate.Evaluate(pod, lv, set)
			if !got.Allowed() || got.PolicyName() != row.policy {
				t.Errorf("allowed %v under %q, want %q: %s: %s", got.Allowed(), got.PolicyName(), row.policy, row.why, got.Message())
			}
			if n := testing.AllocsPerRun(20, func() { evaluate.Evaluate(pod, lv, set) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// TestFailedPolicyLeavesNoTrace: a policy that is tried and not chosen changes
// nothing in the answer, neither in what is wanted nor in what is excused.
func TestFailedPolicyLeavesNoTrace(t *testing.T) {
	pod := offending()
	lv := levelVersion(t, "restricted:latest")
	first := forWeb("a", policy.Allow{AllowedHostPaths: []policy.HostPath{{PathPrefix: "/var"}}, FSGroup: groupRule(policy.MustRunAs, ids(1, 1))})
	second := forWeb("b", policy.Allow{Privileged: true, HostNamespace: true, AllowedHostPaths: []policy.HostPath{{PathPrefix: "/tmp"}}})
	alone := evaluate.Evaluate(pod, lv, newSet(t, second))
	together := evaluate.Evaluate(pod, lv, newSet(t, first, second))
	if together.PolicyName() != "b" {
		t.Fatalf("judged under %q, want b", together.PolicyName())
	}
	if diff := cmp.Diff(violationLines(alone.Violations), violationLines(together.Violations)); diff != "" {
		t.Errorf("left (-alone +after another):\n%s", diff)
	}
	if diff := cmp.Diff(excusedBy(alone.Excused), excusedBy(together.Excused)); diff != "" {
		t.Errorf("excused (-alone +after another):\n%s", diff)
	}
}

// The document's four complaints about a pod whose author set nothing. Its third
// one is about a container that sets runAsNonRoot=false, which this one does too.
const fourComplaints = `allowPrivilegeEscalation != false (container "nginx" must set securityContext.allowPrivilegeEscalation=false), ` +
	`unrestricted capabilities (container "nginx" must set securityContext.capabilities.drop=["ALL"]), ` +
	`runAsNonRoot != true (container "nginx" must not set securityContext.runAsNonRoot=false), ` +
	`seccompProfile (pod or container "nginx" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`

func TestMessages(t *testing.T) {
	bare := nginx()
	document := nginx()
	document.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{RunAsNonRoot: ptr(false)}
	ruled := nginx()
	latest, old := levelVersion(t, "restricted:latest"), levelVersion(t, "restricted:v1.25")
	mixed := forWeb("route-manager", policy.Allow{
		AllowPrivilegeEscalation: true, RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{ids(400, 400)}}, FSGroup: groupRule(policy.MayRunAs, ids(1, 1)),
	})
	unnamed := policy.Policy{PodSelectorLabels: map[string]string{"app": "web"}, Allow: policy.Allow{ReadOnlyRootFilesystem: true}}
	for _, row := range []struct {
		name, why string
		pod       *corev1.Pod
		lv        api.LevelVersion
		policies  []policy.Policy
		message   string
		prefix    string
	}{
		{"the document's pod", "the four complaints of its warning", document, latest, nil, fourComplaints, "restricted:latest"},
		{"a bare pod", "of a pod that sets nothing the third complaint differs", bare, latest, nil,
			strings.Replace(fourComplaints, `container "nginx" must not set securityContext.runAsNonRoot=false`, `pod or container "nginx" must set securityContext.runAsNonRoot=true`, 1), "restricted:latest"},
		{"a bare pod at an older version", "the prefix has the version as asked", bare, old, nil,
			strings.Replace(fourComplaints, `container "nginx" must not set securityContext.runAsNonRoot=false`, `pod or container "nginx" must set securityContext.runAsNonRoot=true`, 1), "restricted:v1.25"},
		{"standard and rules", "what is excused is gone, what rules demand follows", ruled, latest, []policy.Policy{mixed},
			`unrestricted capabilities (container "nginx" must set securityContext.capabilities.drop=["ALL"]), ` +
				`runAsNonRoot != true (pod or container "nginx" must set securityContext.runAsNonRoot=true), ` +
				`seccompProfile (pod or container "nginx" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"), ` +
				`allow.runAsUser of policy "route-manager" (container "nginx" securityContext.runAsUser must be 400, is unset)`, "restricted:latest"},
		{"a policy without a name", "a policy may have none", bare, levelVersion(t, "baseline:v1.30"), []policy.Policy{unnamed},
			`allow.readOnlyRootFilesystem of policy "" (container "nginx" securityContext.readOnlyRootFilesystem must be true, is unset)`, "baseline:v1.30"},
		{"an allowed pod", "there is nothing to say", bare, levelVersion(t, "baseline:latest"), nil, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := evaluate.Evaluate(row.pod, row.lv, newSet(t, row.policies...))
			warning, refusal := "", ""
			if row.prefix != "" {
				warning = `would violate PodSecurity "` + row.prefix + `": ` + row.message
				refusal = `violates PodSecurity "` + row.prefix + `": ` + row.message
			}
			if r.Message() != row.message || r.Warning() != warning || r.Refusal() != refusal {
				t.Errorf("%s:\n got %s\n     %s\n     %s\nwant %s\n     %s\n     %s", row.why, r.Message(), r.Warning(), r.Refusal(), row.message, warning, refusal)
			}
		})
	}
}

// mixedResult has violations of every shape: a container's, a volume's, the
// pod's, an element of a list, an annotation, an unset one, a rule's, and excused ones.
func mixedResult(t testing.TB) evaluate.Result {
	pod := compliant().DeepCopy()
	pod.Namespace, pod.Labels = "web", map[string]string{"app": "web"}
	pod.Spec.HostPID = true
	sysctls()(pod)
	hostPath("/etc")(pod)
	onDebug(dropping("NET_RAW"))(pod)
	onInit(escalating(nil))(pod)
	onMain(listening(80, 443))(pod)
	annotated(spec.AppArmorAnnotation+"main", "unconfined")(pod)
	set := newSet(t, forWeb("web", policy.Allow{AllowedHostPorts: []policy.PortRange{{Min: 443, Max: 443}}, FSGroup: groupRule(policy.MustRunAs, ids(1, 1))}))
	return evaluate.Evaluate(pod, levelVersion(t, "restricted:v1.30"), set)
}

func TestJSON(t *testing.T) {
	r := mixedResult(t)
	got, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = `{
  "allowed": false,
  "level": "restricted",
  "version": "v1.30",
  "message": "forbidden AppArmor profile (annotation must not set AppArmor profile type to \"container.apparmor.security.beta.kubernetes.io/main=\"unconfined\"\"), host namespaces (hostPID=true), hostPort (container \"main\" uses hostPort 80), allowPrivilegeEscalation != false (container \"init\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"debug\" must set securityContext.capabilities.drop=[\"ALL\"]), restricted volume types (volume \"v\" uses restricted volume type \"hostPath\"), allow.fsGroup of policy \"web\" (pod securityContext.fsGroup must be 1, is unset)",
  "policy": "web",
  "violations": [
    {
      "check": "appArmorProfile",
      "control": "AppArmor",
      "level": "baseline",
      "demandedBy": "standard",
      "field": "metadata.annotations[container.apparmor.security.beta.kubernetes.io/main]",
      "pointer": "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1main",
      "value": "unconfined",
      "want": "runtime/default, localhost/..., empty or unset",
      "grants": [
        "allow.appArmorProfiles: [Unconfined]"
      ]
    },
    {
      "check": "hostNamespaces",
      "control": "Host Namespaces",
      "level": "baseline",
      "demandedBy": "standard",
      "field": "spec.hostPID",
      "pointer": "/spec/hostPID",
      "value": true,
      "want": "false or unset",
      "grants": [
        "allow.hostPID: true"
      ]
    },
    {
      "check": "hostPorts",
      "control": "Host Ports",
      "level": "baseline",
      "demandedBy": "standard",
      "container": {
        "kind": "containers",
        "index": 0,
        "name": "main"
      },
      "field": "spec.containers[0].ports[0].hostPort",
      "pointer": "/spec/containers/0/ports/0/hostPort",
      "value": 80,
      "want": "0 or unset",
      "grants": [
        "allow.allowedHostPorts: [{min: 80, max: 80}]"
      ]
    },
    {
      "check": "allowPrivilegeEscalation",
      "control": "Privilege Escalation",
      "level": "restricted",
      "demandedBy": "standard",
      "container": {
        "kind": "initContainers",
        "index": 0,
        "name": "init"
      },
      "field": "spec.initContainers[0].securityContext.allowPrivilegeEscalation",
      "pointer": "/spec/initContainers/0/securityContext/allowPrivilegeEscalation",
      "value": "unset",
      "want": "false",
      "grants": [
        "allow.allowPrivilegeEscalation: true"
      ]
    },
    {
      "check": "capabilities_restricted",
      "control": "Capabilities",
      "level": "restricted",
      "demandedBy": "standard",
      "container": {
        "kind": "ephemeralContainers",
        "index": 0,
        "name": "debug"
      },
      "field": "spec.ephemeralContainers[0].securityContext.capabilities.drop",
      "pointer": "/spec/ephemeralContainers/0/securityContext/capabilities/drop",
      "value": [
        "NET_RAW"
      ],
      "want": "[\"ALL\"]",
      "grants": [
        "mutations.dropAllCapabilities: false"
      ]
    },
    {
      "check": "restrictedVolumes",
      "control": "Volume Types",
      "level": "restricted",
      "demandedBy": "standard",
      "volume": "v",
      "field": "spec.volumes[2].hostPath",
      "pointer": "/spec/volumes/2/hostPath",
      "value": "/etc",
      "want": "unset",
      "grants": [
        "allow.allowedHostPaths: [{pathPrefix: /etc, readOnly: true}]"
      ]
    },
    {
      "rule": "allow.fsGroup",
      "demandedBy": "policy",
      "field": "spec.securityContext.fsGroup",
      "pointer": "/spec/securityContext/fsGroup",
      "value": "unset",
      "want": "1"
    }
  ],
  "excused": [
    {
      "check": "hostPorts",
      "control": "Host Ports",
      "level": "baseline",
      "demandedBy": "standard",
      "container": {
        "kind": "containers",
        "index": 0,
        "name": "main"
      },
      "field": "spec.containers[0].ports[1].hostPort",
      "pointer": "/spec/containers/0/ports/1/hostPort",
      "value": 443,
      "want": "0 or unset",
      "grant": "allow.allowedHostPorts[0]"
    }
  ]
}`
	if diff := cmp.Diff(golden, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	within, err := json.Marshal(r.Within("/spec/template").Violations[2])
	if err != nil {
		t.Fatal(err)
	}
	const inTemplate = `{"check":"hostPorts","control":"Host Ports","level":"baseline","demandedBy":"standard",` +
		`"container":{"kind":"containers","index":0,"name":"main"},"field":"spec.template.spec.containers[0].ports[0].hostPort",` +
		`"pointer":"/spec/template/spec/containers/0/ports/0/hostPort","value":80,"want":"0 or unset",` +
		`"grants":["allow.allowedHostPorts: [{min: 80, max: 80}]"]}`
	if string(within) != inTemplate {
		t.Errorf("in a template:\n got %s\nwant %s", within, inTemplate)
	}

	pass, err := json.Marshal(evaluate.Evaluate(compliant(), levelVersion(t, "restricted:latest"), policy.Set{}))
	if want := `{"allowed":true,"level":"restricted","version":"latest","message":"","policy":"","violations":[],"excused":[]}`; err != nil || string(pass) != want {
		t.Errorf("an allowed pod: %s, %v, want %s", pass, err, want)
	}
	pointer, err := json.Marshal(&r)
	if err != nil || len(pointer) == 0 || string(pointer[:17]) != `{"allowed":false,` {
		t.Errorf("a pointer to a Result marshals otherwise: %.40s, %v", pointer, err)
	}
}

// errorText is what an error says. The API machinery's own text writes lists as Go
// does before v0.34, and as JSON since.
func errorText(t *testing.T, e *field.Error) string {
	t.Helper()
	value, err := json.Marshal(e.BadValue)
	if err != nil {
		t.Fatal(err)
	}
	if e.Type == field.ErrorTypeRequired {
		return fmt.Sprintf("%s: %s: %s", e.Field, e.Type, e.Detail)
	}
	return fmt.Sprintf("%s: %s: %s: %s", e.Field, e.Type, value, e.Detail)
}

// TestErrorList: unset fields are Required, others Invalid, below the root.
func TestErrorList(t *testing.T) {
	r := mixedResult(t)
	for root, want := range map[spec.Root][]string{
		"": {
			`metadata.annotations[container.apparmor.security.beta.kubernetes.io/main]: Invalid value: "unconfined": must be runtime/default, localhost/..., empty or unset [appArmorProfile]`,
			`spec.hostPID: Invalid value: true: must be false or unset [hostNamespaces]`,
			`spec.containers[0].ports[0].hostPort: Invalid value: 80: must be 0 or unset [hostPorts]`,
			`spec.initContainers[0].securityContext.allowPrivilegeEscalation: Required value: must be false [allowPrivilegeEscalation]`,
			`spec.ephemeralContainers[0].securityContext.capabilities.drop: Invalid value: ["NET_RAW"]: must be ["ALL"] [capabilities_restricted]`,
			`spec.volumes[2].hostPath: Invalid value: "/etc": must be unset [restrictedVolumes]`,
			`spec.securityContext.fsGroup: Required value: must be 1 [allow.fsGroup]`,
		},
		"/spec/template": {
			`spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/main]: Invalid value: "unconfined": must be runtime/default, localhost/..., empty or unset [appArmorProfile]`,
			`spec.template.spec.hostPID: Invalid value: true: must be false or unset [hostNamespaces]`,
			`spec.template.spec.containers[0].ports[0].hostPort: Invalid value: 80: must be 0 or unset [hostPorts]`,
			`spec.template.spec.initContainers[0].securityContext.allowPrivilegeEscalation: Required value: must be false [allowPrivilegeEscalation]`,
			`spec.template.spec.ephemeralContainers[0].securityContext.capabilities.drop: Invalid value: ["NET_RAW"]: must be ["ALL"] [capabilities_restricted]`,
			`spec.template.spec.volumes[2].hostPath: Invalid value: "/etc": must be unset [restrictedVolumes]`,
			`spec.template.spec.securityContext.fsGroup: Required value: must be 1 [allow.fsGroup]`,
		},
	} {
		var got []string
		for _, e := range r.Within(root).ErrorList() {
			got = append(got, errorText(t, e))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("below %q (-want +got):\n%s", root, diff)
		}
	}
	allowed := evaluate.Evaluate(compliant(), levelVersion(t, "restricted:latest"), policy.Set{})
	if list := allowed.ErrorList(); list != nil {
		t.Errorf("an allowed pod has errors: %v", list)
	}
}

// TestWithin: a violation of a template is named by its place in the object.
func TestWithin(t *testing.T) {
	var got []string
	r := mixedResult(t).Within("/spec/jobTemplate/spec/template")
	for i := range r.Violations {
		got = append(got, r.Violations[i].String())
	}
	want := []string{
		`spec.jobTemplate.spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/main] is "unconfined", must be runtime/default, localhost/..., empty or unset [appArmorProfile]`,
		`spec.jobTemplate.spec.template.spec.hostPID is true, must be false or unset [hostNamespaces]`,
		`spec.jobTemplate.spec.template.spec.containers[0].ports[0].hostPort (container "main") is 80, must be 0 or unset [hostPorts]`,
		`spec.jobTemplate.spec.template.spec.initContainers[0].securityContext.allowPrivilegeEscalation (init container "init") is unset, must be false [allowPrivilegeEscalation]`,
		`spec.jobTemplate.spec.template.spec.ephemeralContainers[0].securityContext.capabilities.drop (ephemeral container "debug") is ["NET_RAW"], must be ["ALL"] [capabilities_restricted]`,
		`spec.jobTemplate.spec.template.spec.volumes[2].hostPath (volume "v") is "/etc", must be unset [restrictedVolumes]`,
		`spec.jobTemplate.spec.template.spec.securityContext.fsGroup is unset, must be 1 [allow.fsGroup]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestTemplate: a template is judged as the pod made of it would be, in the
// namespace of its object, not one that the template names.
func TestTemplate(t *testing.T) {
	everywhere := forWeb("everywhere", policy.Allow{HostNetwork: true})
	web := forWeb("web", policy.Allow{HostPID: true})
	web.Namespace = "web"
	set := newSet(t, everywhere, web)
	for _, row := range []struct{ name, namespace, ofTemplate, want string }{
		{"in the namespace of a policy", "web", "", "web"},
		{"in another namespace", "other", "", "everywhere"},
		{"without a namespace", "", "", "everywhere"},
		{"naming a namespace itself", "", "web", "everywhere"},
		{"naming another namespace", "web", "other", "web"},
	} {
		pod := compliant().DeepCopy()
		pod.Namespace, pod.Labels = row.namespace, map[string]string{"app": "web"}
		pod.Spec.HostPID = row.want == "web"
		pod.Spec.HostNetwork = row.want == "everywhere"
		meta := pod.ObjectMeta
		meta.Namespace = row.ofTemplate
		lv := levelVersion(t, "restricted:latest")
		got := evaluate.Template(row.namespace, &corev1.PodTemplateSpec{ObjectMeta: meta, Spec: pod.Spec}, lv, set)
		twin := evaluate.Evaluate(pod, lv, set)
		if !got.Allowed() || got.PolicyName() != row.want {
			t.Errorf("%s: allowed %v under %q, want true under %q", row.name, got.Allowed(), got.PolicyName(), row.want)
		}
		if diff := cmp.Diff(fmt.Sprint(twin), fmt.Sprint(got)); diff != "" {
			t.Errorf("%s (-pod +template):\n%s", row.name, diff)
		}
	}
}

// TestGoverningNeedsNoChange: the first policy that allows a pod, a template or an
// update does not govern it where a later one allows it and would fill nothing in,
// for Admit would not choose it either. At baseline nothing is filled into what is
// allowed.
func TestGoverningNeedsNoChange(t *testing.T) {
	fills, leaves := forWeb("a", policy.Allow{}), forWeb("b", policy.Allow{})
	fills.Mutations.RunAsUser = ptr[int64](400)
	pod := compliant()
	pod.Labels = map[string]string{"app": "web"}
	pod.Spec.SecurityContext.FSGroup, pod.Spec.SecurityContext.SupplementalGroups = ptr[int64](1), []int64{1}
	pod.Spec.SecurityContext.RunAsGroup = ptr[int64](1)
	for _, c := range podwalk.Containers(&pod.Spec) {
		c.SecurityContext.Privileged = ptr(false)
	}
	running := pod.DeepCopy()
	running.Spec.EphemeralContainers = nil
	template := &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
	for _, row := range []struct{ why, level, policy string }{
		{"the second allows it as it is", "restricted:latest", "b"},
		{"the first allows it, and leaves it alone there", "baseline:latest", "a"},
	} {
		lv, set := levelVersion(t, row.level), newSet(t, fills, leaves)
		for what, got := range map[string]evaluate.Result{
			"pod":      evaluate.Evaluate(pod, lv, set),
			"template": evaluate.Template("", template, lv, set),
			"update":   evaluate.EphemeralContainers(running, pod, lv, set),
		} {
			if !got.Allowed() || got.PolicyName() != row.policy {
				t.Errorf("a %s at %s: allowed %v under %q, want %q: %s", what, row.level, got.Allowed(), got.PolicyName(), row.policy, row.why)
			}
		}
	}
}

// TestEveryContainerIsVisited: every check and rule that reads containers sees
// all three lists, and every container of each.
func TestEveryContainerIsVisited(t *testing.T) {
	bad := func(name string) corev1.Container {
		c := corev1.Container{Name: name, Ports: []corev1.ContainerPort{{HostPort: 80}}, LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "h"}}}}
		c.SecurityContext = &corev1.SecurityContext{
			Privileged: ptr(true), Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN"}}, ProcMount: ptr(corev1.UnmaskedProcMount),
			RunAsUser: ptr[int64](0), SELinuxOptions: &corev1.SELinuxOptions{Type: "spc_t"}, WindowsOptions: hostProcess(),
			SeccompProfile: &corev1.SeccompProfile{Type: "Unconfined"}, AppArmorProfile: &corev1.AppArmorProfile{Type: "Unconfined"},
		}
		return c
	}
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{bad("i0"), bad("i1")},
		Containers:     []corev1.Container{bad("c0"), bad("c1")},
		EphemeralContainers: []corev1.EphemeralContainer{
			{EphemeralContainerCommon: corev1.EphemeralContainerCommon(bad("e0"))},
			{EphemeralContainerCommon: corev1.EphemeralContainerCommon(bad("e1"))},
		},
	}}
	p := forWeb("web", policy.Allow{RunAsUser: policy.UserRule{Rule: policy.MustRunAs, Ranges: []policy.IDRange{ids(1, 1)}}, RunAsGroup: groupRule(policy.MustRunAs, ids(1, 1)), ReadOnlyRootFilesystem: true})
	visited := map[string][]string{}
	r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, levelVersion(t, "restricted:latest"), &p)
	for _, v := range r.Violations {
		key := v.CheckOrRule() + " of " + v.Field.String()
		visited[key] = append(visited[key], v.Container.Name)
	}
	for key, names := range visited {
		if diff := cmp.Diff([]string{"i0", "i1", "c0", "c1", "e0", "e1"}, names); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	// 12 checks read containers, one of them two fields, and so do 3 rules.
	if len(visited) != 16 {
		t.Errorf("%d sorts of violations, want 16: %v", len(visited), visited)
	}
}

// TestDeterministic: the same pod and policies give the same bytes, also where
// the pod and the policies hold maps.
func TestDeterministic(t *testing.T) {
	set := newSet(t, forWeb("b", policy.Allow{HostNamespace: true, Volumes: []string{}}),
		policy.Policy{Name: "a", PodSelectorLabels: map[string]string{"tier": "front", "a": "b"}, Allow: policy.Allow{HostNetworkPorts: true, AppArmorProfiles: []string{"Unconfined"}}},
		policy.Policy{Name: "c", PodSelectorLabels: map[string]string{"c": "d"}})
	for _, at := range []string{"restricted:latest", "baseline:v1.18"} {
		lv := levelVersion(t, at)
		var first []byte
		for range 200 {
			r := evaluate.Evaluate(offending(), lv, set)
			got, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = got
			}
			if string(first) != string(got) {
				t.Fatalf("at %s once\n%s\nonce\n%s", at, first, got)
			}
		}
	}
}

// TestOrderOfViolations: by check in the standard's order, within one the pod
// before its containers in visiting order, rules last.
func TestOrderOfViolations(t *testing.T) {
	r := evaluate.Evaluate(offending(), levelVersion(t, "restricted:latest"), policy.Set{})
	if !slices.IsSortedFunc(r.Violations, func(a, b evaluate.Violation) int {
		if a.Check != b.Check {
			return int(a.Check) - int(b.Check)
		}
		rank := func(v evaluate.Violation) int {
			if v.Key != "" { // annotations come after the fields
				return 1000
			}
			return int(v.Container.Kind)*10 + int(v.Container.Index)
		}
		return rank(a) - rank(b)
	}) {
		t.Errorf("out of order:\n%s", strings.Join(violationLines(r.Violations), "\n"))
	}
}

// TestValuesAreOfTheDocumentedTypes: a caller who switches on the type of
// Violation.Value meets only what its documentation lists.
func TestValuesAreOfTheDocumentedTypes(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range grantRows() {
		r := row.evaluate(t)
		for _, v := range append(r.Violations, r.Excused...) {
			switch v.Value.(type) {
			case nil, bool, int32, int64, string:
			case []string:
				if v.Field != spec.FieldCapabilitiesDrop {
					t.Errorf("%s: its value is a list, and only a drop list's may be", v.String())
				}
			default:
				t.Errorf("%s: its value is a %T, which the documentation does not list", v.String(), v.Value)
			}
			seen[fmt.Sprintf("%T", v.Value)] = true
		}
	}
	for _, want := range []string{"<nil>", "bool", "int32", "int64", "string", "[]string"} {
		if !seen[want] {
			t.Errorf("no row has a value of type %s", want)
		}
	}
}

// TestOneLine: nothing in a pod can break the line of a violation, which goes
// into logs, or speak to a terminal there. JSON pointers and PSA's own words
// keep what the pod holds.
func TestOneLine(t *testing.T) {
	const odd = "a\nb\x1b\u009b\u202e"
	pod := &corev1.Pod{}
	pod.Annotations = map[string]string{spec.AppArmorAnnotation + odd: odd}
	pod.Spec.Containers = []corev1.Container{{
		Name:            odd,
		SecurityContext: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{odd, "c"}}},
	}}
	pod.Spec.Volumes = []corev1.Volume{{Name: odd, VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: odd}}}}
	r := evaluate.Evaluate(pod, api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, policy.Set{})
	if len(r.Violations) < 6 {
		t.Fatalf("%d violations, want six at least", len(r.Violations))
	}
	for _, v := range r.Violations {
		if text := v.String(); spec.Printable(text) != text {
			t.Errorf("is not printable: %q", text)
		}
	}
	v := r.Violations[0]
	if want := "metadata.annotations[" + spec.AppArmorAnnotation + `a\nb\x1b\u009b\u202e]`; v.Location.String() != want {
		t.Errorf("the path is %q, want %q", v.Location.String(), want)
	}
	if want := "/metadata/annotations/" + strings.ReplaceAll(spec.AppArmorAnnotation, "/", "~1") + odd; v.Pointer() != want {
		t.Errorf("the pointer is %q, want %q", v.Pointer(), want)
	}
	if !strings.Contains(r.Message(), `container "`+odd+`"`) {
		t.Errorf("the message is not upstream's: %q", r.Message())
	}
}
