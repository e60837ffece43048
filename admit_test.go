package podfence_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

var (
	atRestricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	atBaseline   = api.LevelVersion{Level: api.LevelBaseline, Version: api.LatestVersion()}
	atPrivileged = api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
)

// fromYAML is the object that a text in YAML says, strictly.
func fromYAML[T any](t testing.TB, text string) *T {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return object
}

// setOf is the set of the policies, each "name: body" in flow style. A body
// that names no labels selects app=web.
func setOf(t testing.TB, policies ...string) policy.Set {
	t.Helper()
	var list []policy.Policy
	for _, text := range policies {
		name, body, _ := strings.Cut(text, ": ")
		if !strings.Contains(body, "podSelector") {
			body = "{podSelectorLabels: {app: web}, " + strings.TrimPrefix(body, "{")
		}
		parsed, err := policy.Parse([]byte("{name: "+name+", "+strings.TrimPrefix(body, "{")), "")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, parsed...)
	}
	set, err := policy.NewSet(list...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// web is a pod labelled app=web in namespace default, given its spec.
func web(podSpec string) string {
	return "{metadata: {name: pod, namespace: default, labels: {app: web}}, spec: " + podSpec + "}"
}

func oneContainer(securityContext string) string {
	return web("{containers: [{name: a, securityContext: " + securityContext + "}]}")
}

// full is all that the default policy fills, filled; withFull adds to it.
const full = `allowPrivilegeEscalation: false, privileged: false, runAsGroup: 1, runAsNonRoot: true, ` +
	`capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}`

func settled(more string) string {
	return web("{securityContext: {fsGroup: 1, supplementalGroups: [1]}, " +
		"containers: [{name: a, securityContext: {" + full + "}}]" + more + "}")
}

const hostPath = ", volumes: [{name: logs, hostPath: {path: /var/log}}]"

// nodeAgent uses what a, b and c below grant in parts.
const nodeAgent = `{hostNetwork: true, hostPID: true, containers: [{name: a}]}`

// TestAdmit: which policy governs, why, and what becomes of the pod.
func TestAdmit(t *testing.T) {
	for _, row := range []struct {
		name, why  string
		pod        string
		level      api.LevelVersion
		policies   []string
		policy     string
		reason     podfence.Reason
		considered []string
		denied     string // the sources of what is left
		unchanged  bool
	}{
		{name: "no policies", why: "plain restricted governs",
			pod: oneContainer("{}"), level: atRestricted,
			reason: podfence.NoPolicy},
		{name: "no policies, nothing to fill", why: "the pod itself comes back",
			pod: settled(""), level: atRestricted,
			reason: podfence.NoPolicy, unchanged: true},
		{name: "no policy selects it", why: "a policy for others is not considered",
			pod: oneContainer("{}"), level: atRestricted,
			policies: []string{"a: {podSelectorLabels: {app: other}}"},
			reason:   podfence.NoPolicy},
		{name: "one of two labels", why: "all labels must match",
			pod: oneContainer("{privileged: true}"), level: atRestricted,
			policies: []string{"a: {podSelectorLabels: {app: web, tier: node}, allow: {privileged: true}}"},
			reason:   podfence.NoPolicy, denied: "privileged allowPrivilegeEscalation"},
		{name: "a label's value differs", why: "values are compared too",
			pod: oneContainer("{}"), level: atRestricted,
			policies: []string{"a: {podSelectorLabels: {app: Web}}"},
			reason:   podfence.NoPolicy},
		{name: "another namespace", why: "a policy with a namespace governs only there",
			pod: oneContainer("{}"), level: atRestricted,
			policies: []string{"a: {namespace: networking}"},
			reason:   podfence.NoPolicy},
		{name: "its namespace", why: "and here it governs",
			pod: oneContainer("{privileged: true}"), level: atRestricted,
			policies: []string{"a: {namespace: default, allow: {privileged: true}}"}, policy: "a",
			reason: podfence.AllowedFilled, considered: []string{"a"}},
		{name: "a pod without a namespace", why: "only policies for every namespace can be meant",
			pod: "{metadata: {labels: {app: web}}, spec: {containers: [{name: a}]}}", level: atRestricted,
			policies: []string{"a: {namespace: default}", "b: {}"}, policy: "b",
			reason: podfence.AllowedFilled, considered: []string{"b"}},
		{name: "expressions", why: "they select as labels do",
			pod: oneContainer("{}"), level: atRestricted,
			policies: []string{"a: {podSelectorExpressions: [{key: app, operator: Exists}]}",
				"b: {podSelectorExpressions: [{key: tier, operator: Exists}]}"}, policy: "a",
			reason: podfence.AllowedFilled, considered: []string{"a"}},

		{name: "allowed as it is", why: "needs no change and is allowed",
			pod: settled(""), level: atRestricted,
			policies: []string{"a: {}"}, policy: "a",
			reason: podfence.AllowedAsItIs, considered: []string{"a"}, unchanged: true},
		{name: "as it is beats filled", why: "a later policy that leaves the pod alone goes before",
			pod: settled(""), level: atRestricted,
			policies: []string{"a: {allow: {readOnlyRootFilesystem: true}}", "b: {}"}, policy: "b",
			reason: podfence.AllowedAsItIs, considered: []string{"a", "b"}, unchanged: true},
		{name: "as it is: the first by name", why: "order of name, not of the set",
			pod: settled(""), level: atRestricted,
			policies: []string{"c: {}", "b: {}", "a: {allow: {readOnlyRootFilesystem: true}}"}, policy: "b",
			reason: podfence.AllowedAsItIs, considered: []string{"a", "b", "c"}, unchanged: true},
		{name: "filled: the first by name", why: "order of name, not of the set",
			pod: oneContainer("{}"), level: atRestricted,
			policies: []string{"c: {}", "b: {}"}, policy: "b",
			reason: podfence.AllowedFilled, considered: []string{"b", "c"}},
		{name: "names are compared byte by byte", why: "p10 is before p2",
			pod: oneContainer("{}"), level: atRestricted,
			policies: []string{"p2: {}", "p10: {}"}, policy: "p10",
			reason: podfence.AllowedFilled, considered: []string{"p10", "p2"}},
		{name: "filled beats unchanged and denied", why: "no change alone is nothing",
			pod: settled(hostPath), level: atRestricted,
			policies: []string{"a: {}",
				"b: {allow: {allowedHostPaths: [{pathPrefix: /var}], readOnlyRootFilesystem: true}}"},
			policy: "b",
			reason: podfence.AllowedFilled, considered: []string{"a", "b"}},
		{name: "the first that would allow denies nothing to the second",
			why: "the second allows it as it is",
			pod: settled(hostPath), level: atRestricted,
			policies: []string{"a: {}", "b: {allow: {allowedHostPaths: [{pathPrefix: /var}]}}"},
			policy:   "b",
			reason:   podfence.AllowedAsItIs, considered: []string{"a", "b"}, unchanged: true},
		{name: "the fewest violations", why: "denied, and the answer says what is left",
			pod: web(nodeAgent), level: atRestricted,
			policies: []string{"a: {}", "b: {allow: {hostPID: true}}", "c: {allow: {privileged: true}}"},
			policy:   "b",
			reason:   podfence.Closest, considered: []string{"a", "b", "c"}, denied: "hostNamespaces"},
		{name: "the fewest violations, a tie", why: "the first by name",
			pod: web(nodeAgent), level: atRestricted,
			policies: []string{"b: {allow: {hostPID: true}}", "a: {allow: {hostNetwork: true}}"},
			policy:   "a",
			reason:   podfence.Closest, considered: []string{"a", "b"}, denied: "hostNamespaces"},
		{name: "the closest after filling", why: "what can be filled does not count",
			pod: web("{hostPID: true, containers: [{name: a}]}"), level: atRestricted,
			policies: []string{"a: {mutations: {dropAllCapabilities: false}}",
				"b: {allow: {hostNetwork: true}}"}, policy: "a",
			reason: podfence.Closest, considered: []string{"a", "b"}, denied: "hostNamespaces"},
		{name: "grants never add up", why: "two policies that together would allow it do not",
			pod: web(nodeAgent), level: atRestricted,
			policies: []string{"a: {allow: {hostNetwork: true}}", "b: {allow: {hostPID: true}}"},
			policy:   "a",
			reason:   podfence.Closest, considered: []string{"a", "b"}, denied: "hostNamespaces"},
		{name: "grants of one policy do", why: "they are one exception",
			pod: web(nodeAgent), level: atRestricted,
			policies: []string{"a: {allow: {hostNetwork: true}}",
				"b: {allow: {hostNetwork: true, hostPID: true}}"}, policy: "b",
			reason: podfence.AllowedFilled, considered: []string{"a", "b"}},
		{name: "a policy stands in place of the default",
			why: "its own rule denies what plain restricted would allow",
			pod: settled(""), level: atRestricted,
			policies: []string{"a: {allow: {runAsGroup: {rule: MustRunAs, ranges: [{min: 5, max: 5}]}}}"},
			policy:   "a",
			reason:   podfence.Closest, considered: []string{"a"}, denied: "allow.runAsGroup",
			unchanged: true},

		{name: "level privileged", why: "nothing is looked at, and nothing is filled",
			pod: oneContainer("{privileged: true}"), level: atPrivileged,
			policies: []string{"a: {allow: {readOnlyRootFilesystem: true}}"},
			reason:   podfence.PrivilegedLevel, unchanged: true},
		{name: "the zero level",
			why:    "unknown is restricted, and version zero is latest, where upstream would allow all",
			pod:    oneContainer("{privileged: true}"),
			reason: podfence.NoPolicy, denied: "privileged allowPrivilegeEscalation"},

		{name: "baseline, nothing set", why: "unset is no violation there, and root keeps running",
			pod: oneContainer("{}"), level: atBaseline,
			reason: podfence.NoPolicy, unchanged: true},
		{name: "baseline, under a policy without demands", why: "allowed as it is",
			pod: oneContainer("{}"), level: atBaseline,
			policies: []string{"a: {allow: {privileged: true}}"}, policy: "a",
			reason: podfence.AllowedAsItIs, considered: []string{"a"}, unchanged: true},
		{name: "baseline, volumes of a policy", why: "unset volumes demand nothing at baseline",
			level:    atBaseline,
			pod:      web("{containers: [{name: a}], volumes: [{name: v, csi: {driver: d}}]}"),
			policies: []string{"a: {}"}, policy: "a",
			reason: podfence.AllowedAsItIs, considered: []string{"a"}, unchanged: true},
		{name: "baseline, the policy's rule demands", why: "its fill is needed",
			pod: oneContainer("{}"), level: atBaseline,
			policies: []string{"a: {allow: {readOnlyRootFilesystem: true}}"}, policy: "a",
			reason: podfence.AllowedFilled, considered: []string{"a"}},
		{name: "baseline, a later policy demands nothing", why: "as it is goes before filled",
			pod: oneContainer("{}"), level: atBaseline,
			policies: []string{"a: {allow: {readOnlyRootFilesystem: true}}", "b: {}"}, policy: "b",
			reason: podfence.AllowedAsItIs, considered: []string{"a", "b"}, unchanged: true},
		{name: "baseline, denied", why: "no fill helps an explicit value",
			pod: oneContainer("{privileged: true}"), level: atBaseline,
			reason: podfence.NoPolicy, denied: "privileged"},
		{name: "baseline, granted", why: "an excused violation needs no change either",
			pod: oneContainer("{privileged: true}"), level: atBaseline,
			policies: []string{"a: {allow: {privileged: true}}"}, policy: "a",
			reason: podfence.AllowedAsItIs, considered: []string{"a"}, unchanged: true},
		{name: "a volume without a source", why: "it is stored as an emptyDir",
			pod: settled(", volumes: [{name: v, emptyDir: null}]"), level: atRestricted,
			reason: podfence.NoPolicy, unchanged: true},
		{name: "a volume without a source, and the policy admits no emptyDir", why: "that is what is stored",
			pod: settled(", automountServiceAccountToken: false, volumes: [{name: v}]"), level: atRestricted,
			policies: []string{"a: {allow: {volumes: [configMap]}}"}, policy: "a",
			reason: podfence.Closest, considered: []string{"a"}, denied: "allow.volumes", unchanged: true},
		{name: "ports on the host's network", why: "the host's network alone grants no host ports",
			pod: web("{hostNetwork: true, initContainers: [{name: i, ports: [{containerPort: 81}]}], " +
				"containers: [{name: a, ports: [{containerPort: 80}]}]}"), level: atRestricted,
			policies: []string{"a: {allow: {hostNetwork: true}}"}, policy: "a",
			reason: podfence.Closest, considered: []string{"a"}, denied: "hostPorts hostPorts"},
		{name: "ports on the host's network, granted", why: "as they would be stored",
			pod: web("{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80}]}]}"), level: atRestricted,
			policies: []string{"a: {allow: {hostNetwork: true}}", "b: {allow: {hostNetwork: true, allowedHostPorts: [{min: 80, max: 80}]}}"},
			policy:   "b",
			reason:   podfence.AllowedFilled, considered: []string{"a", "b"}},
		{name: "no port on the host's network", why: "nothing becomes a host port",
			pod: web("{hostNetwork: true, containers: [{name: a}]}"), level: atRestricted,
			policies: []string{"a: {allow: {hostNetwork: true}}"}, policy: "a",
			reason: podfence.AllowedFilled, considered: []string{"a"}},
		{name: "a policy without projected volumes", why: "ServiceAccount admission adds one",
			pod: settled(""), level: atRestricted,
			policies: []string{"a: {allow: {volumes: [configMap]}}"}, policy: "a",
			reason: podfence.Closest, considered: []string{"a"}, denied: "allow.volumes", unchanged: true},
		{name: "a policy without projected volumes, at baseline", why: "a list demands at every level",
			pod: settled(""), level: atBaseline,
			policies: []string{"a: {allow: {volumes: []}}"}, policy: "a",
			reason: podfence.Closest, considered: []string{"a"}, denied: "allow.volumes", unchanged: true},
		{name: "a policy without projected volumes, and no token", why: "the pod wants none",
			pod: settled(", automountServiceAccountToken: false"), level: atRestricted,
			policies: []string{"a: {allow: {volumes: [configMap]}}"}, policy: "a",
			reason: podfence.AllowedAsItIs, considered: []string{"a"}, unchanged: true},
		{name: "the token decides between policies", why: "the first refuses the token volume",
			pod: settled(""), level: atRestricted,
			policies: []string{"a: {allow: {volumes: [configMap]}}", "b: {}"}, policy: "b",
			reason: podfence.AllowedAsItIs, considered: []string{"a", "b"}, unchanged: true},
		{name: "a mirror pod", why: "not changed, and so judged as it is", level: atRestricted,
			pod:       "{metadata: {annotations: {kubernetes.io/config.mirror: hash}}, spec: {containers: [{name: a}]}}",
			reason:    podfence.NoPolicy,
			denied:    "allowPrivilegeEscalation capabilities_restricted runAsNonRoot seccompProfile_restricted",
			unchanged: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := fromYAML[corev1.Pod](t, row.pod)
			before := pod.DeepCopy()
			d := podfence.Admit(pod, row.level, setOf(t, row.policies...))
			if d.Result.PolicyName() != row.policy || d.Reason != row.reason {
				t.Errorf("%s: governed by %q (%s), want %q (%s)",
					row.why, d.Result.PolicyName(), d.Reason, row.policy, row.reason)
			}
			if diff := cmp.Diff(row.considered, d.Considered); diff != "" {
				t.Errorf("%s: considered (-want +got):\n%s", row.why, diff)
			}
			var left []string
			for _, v := range d.Result.Violations {
				left = append(left, v.CheckOrRule())
			}
			if got := strings.Join(left, " "); got != row.denied || d.Allowed() != (row.denied == "") {
				t.Errorf("%s: allowed %v, left is %q, want %q", row.why, d.Allowed(), got, row.denied)
			}
			if (d.Pod == pod) != row.unchanged || d.Report.Changed() == row.unchanged {
				t.Errorf("%s: the pod itself: %v, changed: %v, want unchanged %v",
					row.why, d.Pod == pod, d.Report.Changed(), row.unchanged)
			}
			if !equality.Semantic.DeepEqual(pod, before) {
				t.Error("the input was changed")
			}
			if d.Reason.String() == "" || d.Template != nil {
				t.Errorf("reason %q, template %v", d.Reason.String(), d.Template)
			}
			templateAgrees(t, pod, row.level, setOf(t, row.policies...), d)
		})
	}
}

// templateAgrees: the template of a pod is decided as the pod is.
func templateAgrees(t *testing.T, pod *corev1.Pod, lv api.LevelVersion, set policy.Set, d podfence.Decision) {
	t.Helper()
	template := &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
	template.Namespace = "ignored"
	of := podfence.AdmitTemplate(pod.Namespace, template, lv, set)
	if asJSON(t, of) != asJSON(t, d) {
		t.Errorf("a template is decided otherwise:\n%s", cmp.Diff(asJSON(t, d), asJSON(t, of)))
	}
	if of.Pod != nil || !equality.Semantic.DeepEqual(of.Template.Spec, d.Pod.Spec) {
		t.Error("the template is not filled as the pod is")
	}
	if (of.Template == template) != (d.Pod == pod) {
		t.Error("a copy of one and not of the other")
	}
}

// TestDefaultsAreJudgedAndNotFilledIn: the pod, the template and the patch of a
// decision hold what is filled in, and nothing that the API server sets; the
// violation says who set the field, and where it would be stored.
func TestDefaultsAreJudgedAndNotFilledIn(t *testing.T) {
	pod := fromYAML[corev1.Pod](t, web("{hostNetwork: true, volumes: [{name: v}], containers: [{name: a, ports: [{containerPort: 80}]}]}"))
	pod.Annotations = map[string]string{"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}
	d := podfence.Admit(pod, atRestricted, setOf(t, "a: {allow: {hostNetwork: true, volumes: [configMap]}}"))
	filled, _ := mutate.Mutate(pod, d.Result.Policy)
	if diff := cmp.Diff(filled, d.Pod); diff != "" {
		t.Errorf("the pod is not the one that Mutate makes (-want +got):\n%s", diff)
	}
	for _, what := range []string{"ports", "volumes", "appArmorProfile"} {
		if patch := string(d.Report.Patch()); strings.Contains(patch, what) {
			t.Errorf("%s in the patch: %s", what, patch)
		}
	}
	var got []string
	for _, v := range d.Result.Violations {
		got = append(got, v.String())
	}
	want := []string{
		`spec.containers[0].securityContext.appArmorProfile.type (container "a") is "Unconfined", must be RuntimeDefault, Localhost or unset [appArmorProfile] (set by the API server from the container's annotation)`,
		`metadata.annotations[container.apparmor.security.beta.kubernetes.io/a] is "unconfined", must be runtime/default, localhost/..., empty or unset [appArmorProfile]`,
		`spec.containers[0].ports[0].hostPort (container "a") is 80, must be 0 or unset [hostPorts] (set by the API server because of hostNetwork)`,
		`spec.volumes[0].emptyDir (volume "v") is "emptyDir", must be one of configMap [allow.volumes] (set by the API server, as the volume has no source)`,
		`spec.volumes[1].projected (volume "kube-api-access-*") is "projected", must be one of configMap [allow.volumes] (added by ServiceAccount admission unless automountServiceAccountToken is false)`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, e := range d.Result.ErrorList() {
		if strings.Contains(e.Field, "hostPort") && !strings.HasSuffix(e.Detail, "(set by the API server because of hostNetwork)") {
			t.Errorf("the error does not say who set the field: %s", e.Detail)
		}
	}
}

// TestHostPathThatIsMountedAsToken: ServiceAccount admission mounts a volume that
// has the name of its own, and does so read-only on its top alone.
func TestHostPathThatIsMountedAsToken(t *testing.T) {
	grants := setOf(t, "a: {allow: {allowedHostPaths: [{pathPrefix: /srv, readOnly: true, recursiveReadOnly: true}]}}")
	for _, row := range []struct {
		name, why, pod string
		allowed        bool
	}{
		{"another name", "nobody mounts it", "volumes: [{name: v, hostPath: {path: /srv}}], containers: [{name: a}]", true},
		{"the token's name", "it is mounted in every container", "volumes: [{name: kube-api-access-x, hostPath: {path: /srv}}], containers: [{name: a}]", false},
		{"the token's name, behind another of them", "the first is the one", "volumes: [{name: kube-api-access-w, secret: {}}, {name: kube-api-access-x, hostPath: {path: /srv}}], containers: [{name: a}]", true},
		{"no token", "the pod wants none", "automountServiceAccountToken: false, volumes: [{name: kube-api-access-x, hostPath: {path: /srv}}], containers: [{name: a}]", true},
		{"mounted as it is to be", "the container has what it would get", "volumes: [{name: kube-api-access-x, hostPath: {path: /srv}}], containers: [{name: a, volumeMounts: [" +
			"{name: kube-api-access-x, readOnly: true, recursiveReadOnly: Enabled, mountPath: /var/run/secrets/kubernetes.io/serviceaccount}]}]", true},
	} {
		pod := fromYAML[corev1.Pod](t, web("{"+row.pod+"}"))
		if d := podfence.Admit(pod, atRestricted, grants); d.Allowed() != row.allowed {
			t.Errorf("%s: allowed %v, want %v, for %s: %s", row.name, d.Allowed(), row.allowed, row.why, d.Result.Message())
		}
	}
}

// TestAdmitRequested: in admission the pod has what the API server gives it but for
// the AppArmor profile of its annotation.
func TestAdmitRequested(t *testing.T) {
	narrow := setOf(t, "a: {allow: {volumes: [configMap]}}")
	for _, row := range []struct {
		name, why, pod string
		annotation     string
		denied         string
	}{
		{"no token volume", "its ServiceAccount wants none, or it would be there", settled(""), "", ""},
		{"its token volume", "it is judged as any other", settled(", volumes: [{name: kube-api-access-x, projected: {}}]"), "", "allow.volumes"},
		{"no known source", "an emptyDir would be there: the API server knows a source that we do not",
			settled(", volumes: [{name: v}]"), "", "restrictedVolumes"},
		{"an annotation", "the field is set after mutation", settled(""), "unconfined", "appArmorProfile appArmorProfile"},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := fromYAML[corev1.Pod](t, row.pod)
			if row.annotation != "" {
				pod.Annotations = map[string]string{"container.apparmor.security.beta.kubernetes.io/a": row.annotation}
			}
			var left []string
			for _, v := range podfence.AdmitRequested(pod, atRestricted, narrow).Result.Violations {
				left = append(left, v.CheckOrRule())
			}
			if got := strings.Join(left, " "); got != row.denied {
				t.Errorf("%s: left is %q, want %q", row.why, got, row.denied)
			}
		})
	}
}

// TestAdmitKeepsTheRestOfThePod: only the spec is filled.
func TestAdmitKeepsTheRestOfThePod(t *testing.T) {
	pod := fromYAML[corev1.Pod](t, oneContainer("{}"))
	pod.Annotations, pod.Status.Phase = map[string]string{"a": "b"}, corev1.PodRunning
	d := podfence.Admit(pod, atRestricted, policy.Set{})
	want := pod.DeepCopy()
	want.Spec = d.Pod.Spec
	if diff := cmp.Diff(want, d.Pod); diff != "" || d.Pod == pod {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBaselineFillsAllOnceARuleDemands: once a pod at baseline needs a fill, it
// gets all of them, runAsNonRoot too, which baseline does not ask for.
func TestBaselineFillsAllOnceARuleDemands(t *testing.T) {
	pod := fromYAML[corev1.Pod](t, oneContainer("{}"))
	d := podfence.Admit(pod, atBaseline, setOf(t, "a: {allow: {readOnlyRootFilesystem: true}}"))
	sc := d.Pod.Spec.Containers[0].SecurityContext
	if sc.ReadOnlyRootFilesystem == nil || !*sc.ReadOnlyRootFilesystem || sc.RunAsNonRoot == nil {
		t.Errorf("filled: %s", asJSON(t, sc))
	}
}

// TestAdmitEphemeralContainers: what an update of a running pod's ephemeral
// containers is judged by, and what is filled in.
func TestAdmitEphemeralContainers(t *testing.T) {
	const privileged = "{name: d, securityContext: {privileged: true}}"
	with := func(ephemeral string) string { return settled(", ephemeralContainers: [" + ephemeral + "]") }
	grants := "debug: {allow: {privileged: true}}"
	for _, row := range []struct {
		name, why    string
		old, updated string
		lv           api.LevelVersion
		policies     []string
		reason       podfence.Reason
		filled       []string
		left         []string
	}{
		{name: "a bare container", why: "it is filled, and then allowed",
			old: settled(""), updated: with("{name: d}"), lv: atRestricted,
			reason: podfence.NoPolicy, filled: []string{"d"}},
		{name: "a second one", why: "the first runs already",
			old: with("{name: d}"), updated: with("{name: d}, {name: e}"), lv: atRestricted,
			reason: podfence.NoPolicy, filled: []string{"e"},
			left: []string{"d allowPrivilegeEscalation", "d capabilities_restricted", "d runAsNonRoot",
				"d seccompProfile_restricted"}},
		{name: "a privileged one", why: "what its author set is refused",
			old: settled(""), updated: with(privileged), lv: atRestricted,
			reason: podfence.NoPolicy, filled: []string{"d"},
			left: []string{"d allowPrivilegeEscalation", "d privileged"}},
		{name: "a privileged one under a grant", why: "the pod that runs is labelled for it",
			old: settled(""), updated: with(privileged), lv: atRestricted,
			policies: []string{grants},
			reason:   podfence.AllowedFilled, filled: []string{"d"}},
		{name: "labels of the update",
			why: "the API server ignores them, and so must the choice of the policy",
			old: strings.Replace(settled(""), "app: web", "app: other", 1), updated: with(privileged),
			lv:       atRestricted,
			policies: []string{grants},
			reason:   podfence.NoPolicy, filled: []string{"d"},
			left: []string{"d allowPrivilegeEscalation", "d privileged"}},
		{name: "the rest of the update", why: "the API server ignores it too, good or bad",
			old: settled(""), updated: web("{hostNetwork: true, ephemeralContainers: [{name: d}], " +
				"containers: [{name: a, securityContext: {privileged: true}}]}"),
			lv: atRestricted, reason: podfence.NoPolicy, filled: []string{"d"}},
		{name: "a pod that predates the level",
			why:     "the pod is judged whole, as Pod Security Admission does",
			old:     web("{hostNetwork: true, containers: [{name: a, securityContext: {" + full + "}}]}"),
			updated: with("{name: d}"), lv: atRestricted,
			reason: podfence.NoPolicy, filled: []string{"d"},
			left: []string{" hostNamespaces"}},
		{name: "nothing new", why: "there is nothing to fill",
			old:     with("{name: d, securityContext: {" + full + "}}"),
			updated: with("{name: d, securityContext: {" + full + "}}"), lv: atRestricted,
			policies: []string{grants},
			reason:   podfence.AllowedAsItIs},
		{name: "baseline", why: "a container that baseline allows is left alone",
			old: settled(""), updated: with("{name: d}"), lv: atBaseline, reason: podfence.NoPolicy},
		{name: "privileged level", why: "nothing is looked at",
			old: settled(""), updated: with(privileged), lv: atPrivileged, reason: podfence.PrivilegedLevel},
	} {
		t.Run(row.name, func(t *testing.T) {
			old, updated := fromYAML[corev1.Pod](t, row.old), fromYAML[corev1.Pod](t, row.updated)
			d := podfence.AdmitEphemeralContainers(old, updated, row.lv, setOf(t, row.policies...))
			if d.Reason != row.reason {
				t.Errorf("%s: reason %q, want %q", row.why, d.Reason, row.reason)
			}
			var left []string
			for _, v := range d.Result.Violations {
				left = append(left, v.Location.Container.Name+" "+v.Check.String())
			}
			slices.Sort(left)
			if diff := cmp.Diff(row.left, left); diff != "" {
				t.Errorf("%s: violations (-want +got):\n%s", row.why, diff)
			}
			var filled []string
			for _, c := range d.Report.Changes() {
				filled = append(filled, c.Location.Container.Name)
			}
			if diff := cmp.Diff(row.filled, slices.Compact(filled)); diff != "" {
				t.Errorf("%s: filled (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

// TestReasonsAreExplained: every reason reads as part of a sentence.
func TestReasonsAreExplained(t *testing.T) {
	seen := map[string]bool{"": true}
	for _, r := range []podfence.Reason{
		podfence.PrivilegedLevel, podfence.NoPolicy, podfence.AllowedAsItIs, podfence.AllowedFilled, podfence.Closest,
	} {
		if seen[r.String()] {
			t.Errorf("%q is explained as %q", string(r), r.String())
		}
		seen[r.String()] = true
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", " "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDecisionJSON is the form that programs read.
func TestDecisionJSON(t *testing.T) {
	for _, row := range []struct {
		name     string
		decision podfence.Decision
		want     string
	}{
		{"denied under the closest of two", podfence.Admit(
			fromYAML[corev1.Pod](t, web("{hostPID: true, hostNetwork: true, "+
				"securityContext: {fsGroup: 1, supplementalGroups: [1]}, containers: [{name: a, "+
				"securityContext: {"+strings.Replace(full, "privileged: false, ", "", 1)+"}}]}")),
			atRestricted, setOf(t, "a: {allow: {hostPID: true}}", "b: {}")), `{
 "allowed": false,
 "level": "restricted",
 "version": "latest",
 "message": "host namespaces (hostNetwork=true)",
 "policy": "a",
 "violations": [
  {
   "check": "hostNamespaces",
   "control": "Host Namespaces",
   "level": "baseline",
   "demandedBy": "standard",
   "field": "spec.hostNetwork",
   "pointer": "/spec/hostNetwork",
   "value": true,
   "want": "false or unset",
   "grants": [
    "allow.hostNetwork: true"
   ]
  }
 ],
 "excused": [
  {
   "check": "hostNamespaces",
   "control": "Host Namespaces",
   "level": "baseline",
   "demandedBy": "standard",
   "field": "spec.hostPID",
   "pointer": "/spec/hostPID",
   "value": true,
   "want": "false or unset",
   "grant": "allow.hostPID"
  }
 ],
 "changes": [
  {
   "field": "spec.containers[0].securityContext.privileged",
   "pointer": "/spec/containers/0/securityContext/privileged",
   "value": false,
   "check": "privileged",
   "control": "Privileged Containers"
  }
 ],
 "unset": [],
 "patch": [
  {
   "op": "add",
   "path": "/spec/containers/0/securityContext/privileged",
   "value": false
  }
 ],
 "advice": [
  {
   "field": "spec.containers[0]",
   "pointer": "/spec/containers/0",
   "name": "a",
   "concern": "imageUser",
   "mayNotStart": true,
   "advice": "runAsNonRoot is true and no runAsUser is set: the image must declare a numeric USER other than 0"
  }
 ],
 "reason": "closest",
 "considered": [
  "a",
  "b"
 ]
}`},
		{"nothing looked at", podfence.Admit(&corev1.Pod{}, atPrivileged, policy.Set{}), `{
 "allowed": true,
 "level": "privileged",
 "version": "latest",
 "message": "",
 "policy": "",
 "violations": [],
 "excused": [],
 "changes": [],
 "unset": [],
 "patch": [],
 "advice": [],
 "reason": "privilegedLevel",
 "considered": []
}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if diff := cmp.Diff(row.want, asJSON(t, row.decision)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhy: the reason of a pod in a user namespace helps where its version knows
// of none, which is before v1.35 at restricted; every other reason is the report's.
func TestWhy(t *testing.T) {
	no := false
	root := int64(0)
	pod := &corev1.Pod{Spec: corev1.PodSpec{HostUsers: &no, Containers: []corev1.Container{
		{Name: "a"}, {Name: "b", SecurityContext: &corev1.SecurityContext{RunAsUser: &root}},
	}}}
	own := "the pod has a user namespace of its own (hostUsers=false)"
	like := own + "; v1.34 judges it like any other pod, and v1.35 and later leave its user free"
	for _, row := range []struct {
		reason string
		lv     api.LevelVersion
		want   string
	}{
		{"the last version that makes no exception", api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 34)}, like},
		{"the first that does", api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 35)}, own},
		{"latest does", api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, own},
	} {
		d := podfence.Admit(pod, row.lv, policy.Set{})
		if d.Allowed() != (row.want == own) {
			t.Errorf("%s: allowed %t", row.reason, d.Allowed())
		}
		told := 0
		for i, u := range d.Report.Unset() {
			want := u.Reason.String()
			if u.Reason == mutate.UserNamespace {
				want = row.want
				told++
			}
			if got := d.Why(u); got != want {
				t.Errorf("%s: %s, want %s", row.reason, got, want)
			}
			if got := d.Record().Unset[i].Why; got != want {
				t.Errorf("%s: the record says %s, want %s", row.reason, got, want)
			}
		}
		if told != 1 || len(d.Report.Unset()) < 2 {
			t.Errorf("%s: %d reasons of %d are about the user namespace", row.reason, told, len(d.Report.Unset()))
		}
	}
}
