package native_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/native"
	"github.com/podfence/podfence/policy"
)

// casePolicies are those of the cases. Each case has a namespace of its own.
const casePolicies = `
{name: user, namespace: user, podSelectorLabels: {app: web}, allow: {runAsUser: RunAsAny}}
---
{name: a-fills, namespace: several, podSelectorLabels: {app: web}, mutations: {fsGroup: 7}}
---
{name: b-as-it-is, namespace: several, podSelectorLabels: {tier: db}, mutations: {fsGroup: none, runAsGroup: none, supplementalGroups: [], dropAllCapabilities: false, setDefaultSeccompProfile: false}, allow: {runAsUser: RunAsAny, allowPrivilegeEscalation: true}}
---
{name: a-far, namespace: closest, podSelectorLabels: {app: web}}
---
{name: b-near, namespace: closest, podSelectorLabels: {app: web}, allow: {hostPID: true}}
---
{name: a-plain, namespace: required, podSelectorLabels: {app: web}, allow: {runAsUser: RunAsAny}}
---
{name: b-required, namespace: required, podSelectorLabels: {app: web}, allow: {userNamespace: Required}}
---
{name: expired, namespace: expired, expires: 2026-12-31, podSelectorLabels: {app: web}, allow: {hostPID: true, hostNetwork: true, volumes: ["*"]}}
---
{name: entries, namespace: entries, podSelectorLabels: {app: web}, containers: [
  {names: [net-*], images: ["docker.io/istio/proxyv2:*"], allow: {allowedCapabilities: [NET_ADMIN]}},
  {kinds: [ephemeral], allow: {allowedCapabilities: [SYS_PTRACE]}},
  {kinds: [sidecar], mutations: {runAsUser: 2000}}, {names: [two-*], mutations: {runAsUser: 1500}}]}
---
{name: by-label, namespaceSelector: {matchLabels: {team: web}, matchExpressions: [{key: stage, operator: NotIn, values: [prod]}]}, podSelectorLabels: {app: web}, allow: {hostIPC: true}}
---
{name: expressions, namespace: expressions, podSelectorExpressions: [{key: app, operator: NotIn, values: [db]}, {key: tier, operator: Exists}, {key: gone, operator: DoesNotExist}], allow: {hostIPC: true}}
---
{name: default, namespace: default-policy, default: true, allow: {readOnlyRootFilesystem: true, fsGroup: {rule: MustRunAs, ranges: [{min: 500, max: 600}]}}}
---
{name: no-volumes, namespace: no-volumes, podSelectorLabels: {app: web}, allow: {volumes: []}}
---
{name: unset-volumes, namespace: unset-volumes, podSelectorLabels: {app: web}}
---
{name: paths, namespace: paths, podSelectorLabels: {app: web}, allow: {allowedHostPaths: [{pathPrefix: /var/log, readOnly: true}]}}
---
{name: groups, namespace: groups, podSelectorLabels: {app: web}, allow: {runAsGroup: {rule: MustRunAs, ranges: [{min: 400, max: 499}]}, supplementalGroups: {policy: Strict, rule: MayRunAs, ranges: [{min: 1, max: 9}]}}}
---
{name: ranges, namespace: ranges, podSelectorLabels: {app: web}, allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}, {min: 400, max: 499}]}}}
---
{name: a, namespace: equals, podSelectorLabels: {app: web}, mutations: {fsGroup: 7}}
---
{name: b, namespace: equals, podSelectorLabels: {app: web}, mutations: {fsGroup: 8}}
---
{name: expired-ranges, namespace: expired-ranges, expires: 2026-12-31, podSelectorLabels: {app: web}, allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 10}]}}}
---
{name: a-first, namespace: debugged, podSelectorLabels: {app: web}, allow: {readOnlyRootFilesystem: true}}
---
{name: b-second, namespace: debugged, podSelectorLabels: {app: web}}
`

// compliant is what a container sets that restricted allows as it is.
const compliant = "securityContext: {allowPrivilegeEscalation: false, privileged: false, runAsNonRoot: true, runAsGroup: 1, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}"

// cases are pods each of which one thing decides. What the server does about each is
// held to the library; the refusal is written down so that no case is about nothing.
var cases = []struct {
	namespace, labels, spec string
	// debug is an ephemeral container that is added to the stored pod, empty for none.
	// Behind a bar stands what the update says of the pod, which the server ignores.
	debug string
	// refused is a part of the message of the last step, empty where it is allowed.
	refused string
	why     string
}{
	{"empty", "", "containers: [{name: c, image: i}]", "", "", "no policy is there, and all that restricted asks for is filled in"},
	{"empty", "", "containers: [{name: c, image: i, securityContext: {privileged: true}}]", "", "privileged (", "... but for what its author set"},
	{"empty", "", "{containers: [{name: c, image: i}], initContainers: [{name: b, image: i, securityContext: {privileged: true}}]}", "", `container "b"`, "init containers count"},
	{"empty", "", "{hostUsers: false, containers: [{name: c, image: i, securityContext: {runAsUser: 0}}]}", "", "", "in a user namespace the user is free"},
	{"empty", "", "{os: {name: windows}, containers: [{name: c, image: i}]}", "", "", "Windows pods are exempt, and get runAsNonRoot alone"},
	{"empty", "", "containers: [{name: c, image: i, securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}]", "", "", "drop is filled in beside add"},
	{"user", "app: web", "{securityContext: {runAsUser: 0, runAsNonRoot: false}, containers: [{name: c, image: i}]}", "", "", "the policy lets anybody be"},
	{"user", "app: db", "{securityContext: {runAsUser: 0}, containers: [{name: c, image: i}]}", "", "runAsUser=0", "no policy selects the pod"},
	{"user", "app: web", "{securityContext: {runAsUser: 0}, containers: [{name: c, image: i}]}", "{name: e, image: i}", "", "a container that is added inherits the pod's user"},
	{"several", "app: web, tier: db", "containers: [{name: c, image: i, securityContext: {privileged: false}}]", "", "", "under the second policy the pod needs no change"},
	{"several", "app: web", "containers: [{name: c, image: i}]", "", "", "only the first selects it"},
	{"closest", "app: web", "{hostPID: true, hostIPC: true, containers: [{name: c, image: i}]}", "", "host namespaces (hostIPC=true)", "the policy that leaves less speaks"},
	{"required", "app: web", "{hostUsers: false, containers: [{name: c, image: i}]}", "", "", "the policy that requires a user namespace has the pod"},
	{"required", "app: web", "containers: [{name: c, image: i, securityContext: {runAsUser: 0}}]", "", "", "else the first that allows it"},
	{"expired", "app: web", "{hostPID: true, containers: [{name: c, image: i}]}", "", "host namespaces (hostPID=true)", "the policy has expired"},
	{"entries", "app: web", "containers: [{name: net-a, image: istio/proxyv2:1.24, securityContext: {capabilities: {add: [NET_ADMIN]}}}]", "", "", "name and image match, and the image is one of docker.io"},
	{"entries", "app: web", "containers: [{name: net-a, image: example.com/istio/proxyv2:1.24, securityContext: {capabilities: {add: [NET_ADMIN]}}}]", "", `must not include "NET_ADMIN"`, "the image is another registry's"},
	{"entries", "app: web", "containers: [{name: other, image: istio/proxyv2:1.24, securityContext: {capabilities: {add: [NET_ADMIN]}}}]", "", `must not include "NET_ADMIN"`, "the name does not match"},
	{"entries", "app: web", "{containers: [{name: c, image: i}], initContainers: [{name: two-i, image: i, restartPolicy: Always}, {name: b, image: i}]}", "", "", "of two entries the lower user is filled in, and the other container gets none"},
	{"entries", "app: web", "containers: [{name: c, image: i}]", "{name: e, image: i, securityContext: {capabilities: {add: [SYS_PTRACE]}}}", "", "an ephemeral container has a grant"},
	{"web", "app: web", "{hostIPC: true, containers: [{name: c, image: i}]}", "", "", "the namespace has the label"},
	{"other", "app: web", "{hostIPC: true, containers: [{name: c, image: i}]}", "", "hostIPC=true", "this namespace has another one"},
	{"prod", "app: web", "{hostIPC: true, containers: [{name: c, image: i}]}", "", "hostIPC=true", "an expression forbids this namespace"},
	{"expressions", "tier: db", "{hostIPC: true, containers: [{name: c, image: i}]}", "", "", "all expressions hold, and NotIn of a label that is absent does"},
	{"expressions", "tier: db, app: db", "{hostIPC: true, containers: [{name: c, image: i}]}", "", "hostIPC=true", "NotIn does not"},
	{"expressions", "tier: db, gone: ''", "{hostIPC: true, containers: [{name: c, image: i}]}", "", "hostIPC=true", "DoesNotExist does not"},
	{"expressions", "app: web", "{hostIPC: true, containers: [{name: c, image: i}]}", "", "hostIPC=true", "Exists does not"},
	{"default-policy", "", "containers: [{name: c, image: i}]", "", "", "the default policy fills in a group and a read-only root"},
	{"default-policy", "", "containers: [{name: c, image: i, securityContext: {readOnlyRootFilesystem: false}}]", "", "readOnlyRootFilesystem", "... and demands it"},
	{"no-volumes", "app: web", "{containers: [{name: c, image: i}], volumes: [{name: v, emptyDir: {}}]}", "", "the policy admits no volume", "an empty list of volumes admits none"},
	{"unset-volumes", "app: web", "{containers: [{name: c, image: i}], volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}]}", "", "allow.volumes", "an unset list admits the default types"},
	{"paths", "app: web", "{containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /m, readOnly: true}]}], volumes: [{name: v, hostPath: {path: /var/log/pods}}, {name: w, hostPath: {path: /var/log}}]}", "", "", "every mount of each path is read-only"},
	{"paths", "app: web", "{containers: [{name: c, image: i, volumeMounts: [{name: w, mountPath: /m}, {name: v, mountPath: /n, readOnly: true}]}], volumes: [{name: v, hostPath: {path: /var/log/pods}}, {name: w, hostPath: {path: /var/log}}]}", "", `volume "w"`, "one is not, and it is named"},
	{"paths", "app: web", "{containers: [{name: c, image: i}], initContainers: [{name: b, image: i, volumeMounts: [{name: v, mountPath: /m}]}], volumes: [{name: v, hostPath: {path: /var/log/pods}}]}", "", `volume "v"`, "an init container writes"},
	{"groups", "app: web", "containers: [{name: c, image: i}]", "", "", "groups within the ranges are filled in"},
	{"groups", "app: web", "{securityContext: {supplementalGroupsPolicy: Merge}, containers: [{name: c, image: i}]}", "", "supplementalGroupsPolicy", "Merge is not Strict"},
	{"groups", "app: web", "{securityContext: {runAsGroup: 500}, containers: [{name: c, image: i, securityContext: {runAsGroup: 499}}, {name: d, image: i}]}", "", "must be 400 to 499, is 500", "one container inherits a group beyond the ranges"},
	{"ranges", "app: web", "containers: [{name: c, image: i, securityContext: {runAsUser: 0, runAsNonRoot: false}}]", "", "", "user 0 is in range, and excused"},
	{"ranges", "app: web", "{securityContext: {runAsNonRoot: true}, containers: [{name: c, image: i}]}", "", "", "a container that must not be root gets the first other ID"},
	{"debugged", "app: web", "{securityContext: {fsGroup: 1, supplementalGroups: [1]}, containers: [{name: c, image: i, " + compliant + "}]}", "{name: e, image: i, " + compliant + "}", "", "the second policy needs no change, and the first would fill in a read-only root"},
	{"debugged", "app: web", "containers: [{name: c, image: i}]", "{name: e, image: i, securityContext: {privileged: true}}", `container "e"`, "what is added is judged"},
	{"debugged", "app: web", "containers: [{name: c, image: i}]", "{name: e, image: i}", "", "what is added is filled in"},
	{"debugged", "app: web", "containers: [{name: c, image: i}]", "{name: e, image: i} | {runAsNonRoot: true, runAsGroup: 5}", "", "an update says otherwise what the running pod has"},
	{"running", "", "containers: [{name: c, image: i}]", "{name: e, image: i}", "allowPrivilegeEscalation != false", "one that runs already is left as it is"},
	{"equals", "app: web", "{hostPID: true, containers: [{name: c, image: i}]}", "", "hostPID", "of two that leave as much the first fills"},
	{"expired-ranges", "app: web", "{securityContext: {runAsUser: 0}, containers: [{name: c, image: i}]}", "", "runAsUser=0", "the ranges of an expired policy excuse nobody"},
}

// TestCases: small pods, each decided by one thing, go through the server as the
// library says.
func TestCases(t *testing.T) {
	policies, err := policy.Parse([]byte(casePolicies), "cases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	end, _ := (&policy.Policy{Expires: podgen.Day}).ExpiresAt()
	c := &cluster{policies: policies, set: set.At(end), options: native.Options{LabelPrefix: "podfence.dev/"}}
	count := tally{}
	p := newPipeline(t, c, false, count)
	for _, row := range cases {
		t.Run(row.why, func(t *testing.T) {
			p.TB = t
			ns := restrictedNamespace(row.namespace)
			ns.Labels["team"], ns.Labels["stage"] = row.namespace, "test"
			if row.namespace == "prod" {
				ns.Labels["team"], ns.Labels["stage"] = "web", "prod"
			}
			pod := &corev1.Pod{}
			pod.Name, pod.Namespace = "pod", row.namespace
			unmarshal(t, "{"+row.labels+"}", &pod.Labels)
			unmarshal(t, row.spec, &pod.Spec)
			stored, refusal := p.creates(ns, apiserver.Admitted(pod))
			if stored == nil {
				t.Fatal("the API server refuses the pod")
			}
			if row.debug != "" {
				if row.namespace == "running" { // since before anybody filled it in
					stored.Spec.EphemeralContainers = make([]corev1.EphemeralContainer, 1)
					unmarshal(t, "{name: bare, image: i, imagePullPolicy: Always, terminationMessagePolicy: File}", &stored.Spec.EphemeralContainers[0])
				}
				container, ignored, _ := strings.Cut(row.debug, "|")
				updated := stored.DeepCopy()
				var added corev1.EphemeralContainer
				unmarshal(t, container, &added)
				updated.Spec.EphemeralContainers = append(updated.Spec.EphemeralContainers, added)
				unmarshal(t, ignored, &updated.Spec.SecurityContext)
				refusal = p.debugs(ns, stored, updated)
			}
			if !strings.Contains(refusal, row.refused) || (refusal == "") != (row.refused == "") {
				t.Errorf("refused with %q, want %q", refusal, row.refused)
			}
		})
	}
}

func unmarshal(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}
