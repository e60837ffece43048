package author

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

var restricted = api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}

// podOf reads a pod that is written as YAML.
func podOf(t testing.TB, text string) Workload {
	t.Helper()
	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict([]byte(text), pod); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return Workload{Kind: "Pod", Name: pod.Name, Workload: podfence.Workload{Namespace: pod.Namespace, Pod: pod}}
}

// pods reads pods, divided by "---".
func pods(t testing.TB, text string) (list []Workload) {
	t.Helper()
	for _, doc := range strings.Split(text, "---\n") {
		list = append(list, podOf(t, doc))
	}
	return list
}

// policiesOf are policies as they are written.
func policiesOf(t testing.TB, text string) []policy.Policy {
	t.Helper()
	if strings.TrimSpace(text) == "" {
		return nil
	}
	list, err := policy.Parse([]byte(text), "want.yaml")
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return list
}

func suggested(s Suggestion) (list []policy.Policy) {
	for i := range s.Policies {
		list = append(list, s.Policies[i].Policy)
	}
	return list
}

var samePolicies = cmp.Options{cmpopts.IgnoreTypes(policy.Source{}), cmpopts.EquateEmpty()}

// TestRouteManager: the second example of the document that podfence implements comes
// out of its pod alone: with the key for the host's network that opens less, and only
// if tight with its user.
func TestRouteManager(t *testing.T) {
	read := func(path string) []byte {
		text, err := os.ReadFile(filepath.Join("..", "examples", path))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	pod := podOf(t, string(read("manifests/route-manager-pod.yaml")))
	want := policiesOf(t, string(read("policies/route-manager.yaml")))[0]
	want.Allow.HostNetworkPorts, want.Allow.HostNetwork = false, true
	tight := *want.DeepCopy()
	tight.Allow.Volumes = []string{"projected"}
	want.Allow.RunAsUser = policy.UserRule{}
	for _, test := range []struct {
		name, reason string
		options      Options
		want         policy.Policy
	}{
		{"as it is", "restricted demands no more of the user than the pod says", Options{}, want},
		{"tight", "the pod's user and its one volume, the token, are pinned", Options{Tight: true}, tight},
		{"whole pod", "a pod of one container is that container", Options{WholePod: true}, want},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := least(t, []Workload{pod}, restricted, test.options)
			if diff := cmp.Diff([]policy.Policy{test.want}, suggested(s), samePolicies); diff != "" {
				t.Errorf("%s (-document +suggested):\n%s", test.reason, diff)
			}
		})
	}
}

// TestLeast: what is granted, row by row, and how it is selected.
func TestLeast(t *testing.T) {
	for _, test := range []struct {
		name, reason string
		pods         string
		options      Options
		want         string
	}{
		{
			name: "nothing", reason: "what is filled in is not granted",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a}]}\n",
		},
		{
			name: "implied escalation", reason: "a privileged container has it in any case, and needs no drop either",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {privileged: true, allowPrivilegeEscalation: true, capabilities: {drop: [KILL]}}}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {privileged: true}\n",
		},
		{
			name: "escalation by SYS_ADMIN", reason: "the capability implies it",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {capabilities: {add: [cap_sys_admin]}}}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {allowedCapabilities: [SYS_ADMIN]}\n",
		},
		{
			name: "one container of two", reason: "the other one gets nothing",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, image: nginx}, {name: b, image: 'r.example.com/b:1', securityContext: {privileged: true}}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\ncontainers: [{names: [b], images: ['r.example.com/b:*'], kinds: [regular], allow: {privileged: true}}]\n",
		},
		{
			name: "one container of two, whole", reason: "it was asked for",
			options: Options{WholePod: true},
			pods:    "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, image: nginx}, {name: b, image: 'r.example.com/b:1', securityContext: {privileged: true}}]}\n",
			want:    "name: a\npodSelectorLabels: {app: a}\nallow: {privileged: true}\n",
		},
		{
			name: "every container", reason: "what all of them need the pod is granted, and the rest one",
			pods: "metadata: {name: a, labels: {app: a}}\nspec:\n  initContainers: [{name: i, image: i, restartPolicy: Always, securityContext: {procMount: Unmasked, capabilities: {add: [CHOWN]}}}]\n  containers: [{name: a, image: nginx, securityContext: {procMount: Unmasked}}]\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {procMounts: [Unmasked]}\ncontainers: [{names: [i], images: ['docker.io/library/i:*'], kinds: [sidecar], allow: {allowedCapabilities: [CHOWN]}}]\n",
		},
		{
			name: "what stands on the pod", reason: "it is said of all containers",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {hostPID: true, hostIPC: true, securityContext: {seccompProfile: {type: Unconfined}}, containers: [{name: a}, {name: b}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {seccompProfiles: [Unconfined], hostPID: true, hostIPC: true}\n",
		},
		{
			name: "an odd name", reason: "an entry cannot name it, and goes by the kind and the image",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: A_1, image: a, securityContext: {privileged: true}}, {name: b}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\ncontainers: [{images: ['docker.io/library/a:*'], kinds: [regular], allow: {privileged: true}}]\n",
		},
		{
			name: "root with users", reason: "the rule holds the container to its user",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {runAsUser: 0}}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}\n",
		},
		{
			name: "root without a user", reason: "a rule would give the container one",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {runAsNonRoot: false}}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {runAsUser: RunAsAny}\n",
		},
		{
			name: "one root of two", reason: "the other container keeps runAsNonRoot",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, image: a, securityContext: {runAsUser: 0}}, {name: b}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\ncontainers: [{names: [a], images: ['docker.io/library/a:*'], kinds: [regular], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}}]\n",
		},
		{
			name: "root of a whole pod with another user", reason: "the rule lists both, which is less than anybody",
			options: Options{WholePod: true},
			pods:    "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {runAsUser: 0}}, {name: b, securityContext: {runAsUser: 1000}}, {name: c, securityContext: {runAsUser: 1001}}]}\n",
			want:    "name: a\npodSelectorLabels: {app: a}\nallow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}, {min: 1000, max: 1001}]}}\n",
		},
		{
			name: "volumes", reason: "a type that restricted allows has to be listed beside the default ones",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}], volumes: [{name: v, csi: {driver: d}}, {name: w, nfs: {server: s, path: /p}}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {hostPID: true, volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret, csi, nfs]}\n",
		},
		{
			name: "ports", reason: "those that touch are a range, and those with a gap are two",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, ports: [{containerPort: 1, hostPort: 82}, {containerPort: 2, hostPort: 80}, {containerPort: 3, hostPort: 81}, {containerPort: 4, hostPort: 84}, {containerPort: 80, hostPort: 80}]}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {allowedHostPorts: [{min: 80, max: 82}, {min: 84, max: 84}]}\n",
		},
		{
			name: "the ports of the host's network", reason: "the API server makes them host ports",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {hostNetwork: true, containers: [{name: a, ports: [{containerPort: 9100}]}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {hostNetwork: true, allowedHostPorts: [{min: 9100, max: 9100}]}\n",
		},
		{
			name: "host paths", reason: "one below another is covered, unless it alone is written to; one path that somebody writes to is writable",
			pods: "metadata: {name: a, labels: {app: a}}\nspec:\n  containers: [{name: a, volumeMounts: [{name: v, mountPath: /v, readOnly: true}, {name: w, mountPath: /w, readOnly: true}, {name: x, mountPath: /x}, {name: y, mountPath: /y, readOnly: true}, {name: z, mountPath: /z}]}]\n" +
				"  volumes: [{name: v, hostPath: {path: /var/log}}, {name: w, hostPath: {path: /var/log/pods}}, {name: x, hostPath: {path: /var/log/app}}, {name: y, hostPath: {path: /srv}}, {name: z, hostPath: {path: /srv}}]\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {allowedHostPaths: [{pathPrefix: /srv}, {pathPrefix: /var/log, readOnly: true}, {pathPrefix: /var/log/app}]}\n",
		},
		{
			name: "sysctls and hosts", reason: "each by its name, sorted, once",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {securityContext: {sysctls: [{name: net.core.somaxconn, value: '1'}, {name: kernel.msgmax, value: '1'}]}, containers: [{name: a, livenessProbe: {httpGet: {host: 127.0.0.1, port: 1}}, readinessProbe: {tcpSocket: {host: 127.0.0.1, port: 1}}}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow: {allowedUnsafeSysctls: [kernel.msgmax, net.core.somaxconn], allowedProbeHosts: [127.0.0.1]}\n",
		},
		{
			name: "a partial drop", reason: "nothing is filled into a list that is there",
			pods: "metadata: {name: a, labels: {app: a}}\nspec: {containers: [{name: a, securityContext: {capabilities: {drop: [KILL]}}}]}\n",
			want: "name: a\npodSelectorLabels: {app: a}\nmutations: {dropAllCapabilities: false}\n",
		},
		{
			name: "tight", reason: "everything that the pod says is pinned, and the default group stays where it is filled in",
			options: Options{Tight: true},
			pods: "metadata: {name: a, labels: {app: a}}\nspec:\n  automountServiceAccountToken: false\n  securityContext: {fsGroup: 7, supplementalGroups: [8, 9], supplementalGroupsPolicy: Strict}\n" +
				"  containers: [{name: a, image: a, securityContext: {runAsUser: 5, runAsGroup: 6, readOnlyRootFilesystem: true}, volumeMounts: [{name: v, mountPath: /v, readOnly: true, recursiveReadOnly: Enabled}]}, {name: b, image: b, securityContext: {runAsUser: 6, readOnlyRootFilesystem: true}}]\n" +
				"  volumes: [{name: v, hostPath: {path: /v, type: Directory}}, {name: w, emptyDir: {}}]\n",
			want: "name: a\npodSelectorLabels: {app: a}\nallow:\n  allowedHostPaths: [{pathPrefix: /v, readOnly: true, recursiveReadOnly: true, types: [Directory]}]\n  runAsUser: {rule: MustRunAs, ranges: [{min: 5, max: 6}]}\n" +
				"  runAsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 1}, {min: 6, max: 6}]}\n  fsGroup: {rule: MustRunAs, ranges: [{min: 7, max: 7}]}\n  supplementalGroups: {rule: MustRunAs, ranges: [{min: 8, max: 9}], policy: Strict}\n  volumes: [emptyDir]\n  readOnlyRootFilesystem: true\n",
		},
		{
			name: "tight, with root in one container", reason: "the policy's own rule speaks of the others",
			options: Options{Tight: true},
			pods:    "metadata: {name: a, labels: {app: a}}\nspec: {automountServiceAccountToken: false, containers: [{name: a, image: a, securityContext: {runAsUser: 0}}, {name: b, securityContext: {runAsUser: 7}}]}\n",
			want:    "name: a\npodSelectorLabels: {app: a}\nallow: {runAsUser: {rule: MustRunAs, ranges: [{min: 7, max: 7}]}, volumes: []}\ncontainers: [{names: [a], images: ['docker.io/library/a:*'], kinds: [regular], allow: {runAsUser: {rule: MustRunAs, ranges: [{min: 0, max: 0}]}}}]\n",
		},
		{
			name: "a shared label", reason: "two that need the same have one policy, by what only they have in common",
			pods: "metadata: {name: a, namespace: ns, labels: {app: a, part: x}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: b, part: x}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: c, namespace: ns, labels: {app: c}}\nspec: {containers: [{name: a}]}\n",
			want: "name: x\nnamespace: ns\npodSelectorLabels: {part: x}\nallow: {hostPID: true}\n",
		},
		{
			name: "several values", reason: "without a label in common, by the values of one",
			pods: "metadata: {name: a, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: b}}\nspec: {hostPID: true, containers: [{name: a}]}\n",
			want: "name: a-and-others\nnamespace: ns\npodSelectorExpressions: [{key: app, operator: In, values: [a, b]}]\nallow: {hostPID: true}\n",
		},
		{
			name: "one that is shared, and another", reason: "workloads that need something else have a policy of their own",
			pods: "metadata: {name: a, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: b}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: c, namespace: ns, labels: {app: c}}\nspec: {hostIPC: true, containers: [{name: a}]}\n",
			want: "name: a-and-others\nnamespace: ns\npodSelectorExpressions: [{key: app, operator: In, values: [a, b]}]\nallow: {hostPID: true}\n---\nname: c\nnamespace: ns\npodSelectorLabels: {app: c}\nallow: {hostIPC: true}\n",
		},
		{
			name: "one name three times", reason: "each policy has its own, counted up",
			pods: "metadata: {name: a, namespace: ms, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: a, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: a, namespace: os, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n",
			want: "name: a\nnamespace: ms\npodSelectorLabels: {app: a}\nallow: {hostPID: true}\n---\nname: a-2\nnamespace: ns\npodSelectorLabels: {app: a}\nallow: {hostPID: true}\n---\nname: a-3\nnamespace: os\npodSelectorLabels: {app: a}\nallow: {hostPID: true}\n",
		},
		{
			name: "a policy each", reason: "it was asked for, and the namespaces are different anyway",
			options: Options{PerWorkload: true},
			pods:    "metadata: {name: a, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: b}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ms, labels: {app: b}}\nspec: {hostPID: true, containers: [{name: a}]}\n",
			want:    "name: b\nnamespace: ms\npodSelectorLabels: {app: b}\nallow: {hostPID: true}\n---\nname: a\nnamespace: ns\npodSelectorLabels: {app: a}\nallow: {hostPID: true}\n---\nname: b-2\nnamespace: ns\npodSelectorLabels: {app: b}\nallow: {hostPID: true}\n",
		},
		{
			name: "several labels", reason: "the fewest that no other workload has, those first that name it; volatile ones never",
			pods: "metadata: {name: a, namespace: ns, labels: {app: a, tier: x, zone: z, pod-template-hash: h}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: a, zone: z}}\nspec: {containers: [{name: a}]}\n---\nmetadata: {name: c, namespace: ns, labels: {tier: x, zone: z}}\nspec: {containers: [{name: a}]}\n",
			want: "name: a\nnamespace: ns\npodSelectorLabels: {app: a, tier: x}\nallow: {hostPID: true}\n",
		},
		{
			name: "one that cannot be told apart", reason: "it is allowed under the policy too, with the volume that it has",
			pods: "metadata: {name: a, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: a, tier: b}}\nspec: {containers: [{name: a}], volumes: [{name: v, csi: {driver: d}}]}\n",
			want: "name: a\nnamespace: ns\npodSelectorLabels: {app: a}\nallow: {hostPID: true, volumes: [configMap, downwardAPI, emptyDir, persistentVolumeClaim, projected, secret, csi]}\n",
		},
		{
			name: "one that another policy covers", reason: "a policy that selects it allows it already",
			pods: "metadata: {name: a, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, hostIPC: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: a, tier: b}}\nspec: {hostPID: true, containers: [{name: a}]}\n",
			want: "name: a\nnamespace: ns\npodSelectorLabels: {app: a}\nallow: {hostPID: true, hostIPC: true}\n",
		},
		{
			name: "a label that another one has too", reason: "it would select that one, and the values of another label do not",
			pods: "metadata: {name: a, namespace: ns, labels: {app: a, part: x}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: b, part: x}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: c, namespace: ns, labels: {app: c, part: x}}\nspec: {containers: [{name: a}]}\n",
			want: "name: a-and-others\nnamespace: ns\npodSelectorExpressions: [{key: app, operator: In, values: [a, b]}]\nallow: {hostPID: true}\n",
		},
		{
			name: "two that nothing selects together", reason: "each has a policy of its own",
			pods: "metadata: {name: a, namespace: ns, labels: {p: u, q: u}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {p: v, q: v}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: c, namespace: ns, labels: {p: u, q: v}}\nspec: {containers: [{name: a}]}\n---\nmetadata: {name: d, namespace: ns, labels: {p: v, q: u}}\nspec: {containers: [{name: a}]}\n",
			want: "name: u\nnamespace: ns\npodSelectorLabels: {p: u, q: u}\nallow: {hostPID: true}\n---\nname: v\nnamespace: ns\npodSelectorLabels: {p: v, q: v}\nallow: {hostPID: true}\n",
		},
		{
			name: "two that another policy covers", reason: "both of theirs are dropped",
			pods: "metadata: {name: a, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, hostIPC: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: a, tier: b}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: c, namespace: ns, labels: {app: a, tier: c}}\nspec: {hostIPC: true, containers: [{name: a}]}\n",
			want: "name: a\nnamespace: ns\npodSelectorLabels: {app: a}\nallow: {hostPID: true, hostIPC: true}\n",
		},
		{
			name: "tight, and one of two is strict about groups", reason: "the other one could not run if the policy were",
			options: Options{Tight: true},
			pods:    "metadata: {name: a, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, automountServiceAccountToken: false, securityContext: {supplementalGroupsPolicy: Strict}, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, automountServiceAccountToken: false, securityContext: {}, containers: [{name: a}]}\n",
			want:    "name: a\nnamespace: ns\npodSelectorLabels: {app: a}\nallow: {hostPID: true, volumes: []}\n",
		},
		{
			name: "two that overlap", reason: "each keeps its own policy, for neither covers the other",
			pods: "metadata: {name: a, namespace: ns, labels: {app: a}}\nspec: {hostPID: true, containers: [{name: a}]}\n---\nmetadata: {name: b, namespace: ns, labels: {app: a, tier: b}}\nspec: {hostIPC: true, containers: [{name: a}]}\n",
			want: "name: a\nnamespace: ns\npodSelectorLabels: {app: a}\nallow: {hostPID: true}\n---\nname: b\nnamespace: ns\npodSelectorLabels: {tier: b}\nallow: {hostIPC: true}\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := least(t, pods(t, test.pods), restricted, test.options)
			if diff := cmp.Diff(policiesOf(t, test.want), suggested(s), samePolicies); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
			if len(s.Unmet) > 0 || !s.Proof.Holds() {
				t.Errorf("unmet %+v, %s", s.Unmet, &s.Proof)
			}
			text, err := s.YAML()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(suggested(s), policiesOf(t, string(text)), samePolicies); diff != "" {
				t.Errorf("the YAML says something else (-policies +YAML):\n%s", diff)
			}
			// What lint may say of an exact policy: it grants what it grants, and a tight one
			// refuses the token that its pods do not have.
			said := []policy.WarningReason{policy.WarnOverlap, policy.WarnEveryNamespace, policy.WarnWideHostPath, policy.WarnRefusesTokens}
			for _, w := range policy.Lint(policiesOf(t, string(text))...) {
				if !slices.Contains(said, w.Reason) {
					t.Errorf("lint: %s", &w)
				}
			}
		})
	}
}

// TestUnmet: what no policy can allow is said, with the reason and the fields, and
// keeps nothing else from its policy.
func TestUnmet(t *testing.T) {
	s := least(t, pods(t, `
metadata: {name: dots, namespace: ns, labels: {app: a}}
spec: {containers: [{name: a}], volumes: [{name: v, hostPath: {path: /a/../b}}]}
---
metadata: {name: hashed, namespace: ns, labels: {pod-template-hash: x}}
spec: {hostPID: true, containers: [{name: a}]}
---
metadata: {name: lost, namespace: No_Namespace, labels: {app: l}}
spec: {hostPID: true, containers: [{name: a}]}
---
metadata: {name: fine, namespace: ns, labels: {app: f}}
spec: {hostPID: true, containers: [{name: a}]}
`), restricted, Options{})
	var got []string
	for _, u := range s.Unmet {
		line := u.Workload.Name + " " + string(u.Reason)
		for i := range u.Fields {
			line += " " + u.Fields[i].String()
		}
		got = append(got, line)
	}
	want := []string{"lost noNamespace", `dots noGrant volume "v": volumes[0].hostPath is /a/../b`, "hashed noLabel"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(s.Policies) != 1 || s.Proof.Admitted != 1 || s.Workloads != 4 || s.Allowed != 0 {
		t.Errorf("%d policies, %d admitted of %d, %d allowed", len(s.Policies), s.Proof.Admitted, s.Workloads, s.Allowed)
	}
	for _, r := range []UnmetReason{NoGrant, NoLabel, NoNamespace} {
		if r.String() == "" || strings.HasSuffix(r.String(), ".") {
			t.Errorf("%s is told as %q", r, r)
		}
	}
}

// TestRemarks: what a manifest could change is remarked on, and nothing else is.
func TestRemarks(t *testing.T) {
	service := func(change func(*corev1.Service)) *corev1.Service {
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "ns"}, Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "a"},
			Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
		}}
		change(s)
		return s
	}
	const port = "ports: [{name: http, containerPort: 8080, hostPort: 8080}]"
	for _, test := range []struct {
		name, reason, container, pod string
		services                     []*corev1.Service
		want                         []RemarkKind
	}{
		{"escalation alone", "nothing needs it", "securityContext: {allowPrivilegeEscalation: true}", "", nil, []RemarkKind{NeedlessEscalation}},
		{"escalation beside a capability", "the capability may need it", "securityContext: {allowPrivilegeEscalation: true, capabilities: {add: [NET_ADMIN]}}", "", nil, nil},
		{"escalation beside one that restricted allows", "that needs none", "securityContext: {allowPrivilegeEscalation: true, capabilities: {add: [NET_BIND_SERVICE]}}", "", nil, []RemarkKind{NeedlessEscalation}},
		{"escalation of a privileged container", "it has it in any case", "securityContext: {allowPrivilegeEscalation: true, privileged: true}", "", nil, nil},
		{"a partial drop", "ALL could be dropped", "securityContext: {capabilities: {drop: [KILL]}}", "", nil, []RemarkKind{PartialDrop}},
		{"a default user", "nobody says which user is meant", "securityContext: {runAsNonRoot: false}", "", nil, []RemarkKind{DefaultUser}},
		{"root by number", "somebody means it", "securityContext: {runAsNonRoot: false, runAsUser: 0}", "", nil, nil},
		{"a default user of the pod", "the same", "image: a", "securityContext: {runAsNonRoot: false}", nil, []RemarkKind{DefaultUser}},
		{"root by number on the pod", "somebody means it", "image: a", "securityContext: {runAsNonRoot: false, runAsUser: 0}", nil, nil},
		{"a port alone", "no Service reaches it", port, "", nil, nil},
		{"a port that a Service reaches", "by its number", port, "", []*corev1.Service{service(func(*corev1.Service) {})}, []RemarkKind{ServedPort}},
		{"by name", "the port has the name", port, "", []*corev1.Service{service(func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromString("http") })}, []RemarkKind{ServedPort}},
		{"by another name", "another port is meant", port, "", []*corev1.Service{service(func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromString("grpc") })}, nil},
		{"by its own port", "without a target the port is meant", port, "", []*corev1.Service{service(func(s *corev1.Service) { s.Spec.Ports[0] = corev1.ServicePort{Port: 8080} })}, []RemarkKind{ServedPort}},
		{"another port", "the Service reaches another one", port, "", []*corev1.Service{service(func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromInt32(8081) })}, nil},
		{"another protocol", "the Service is one of UDP", port, "", []*corev1.Service{service(func(s *corev1.Service) { s.Spec.Ports[0].Protocol = corev1.ProtocolUDP })}, nil},
		{"another namespace", "a Service reaches pods of its own", port, "", []*corev1.Service{service(func(s *corev1.Service) { s.Namespace = "ms" })}, nil},
		{"another selector", "the Service selects other pods", port, "", []*corev1.Service{service(func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "b"} })}, nil},
		{"no selector", "the Service selects none", port, "", []*corev1.Service{service(func(s *corev1.Service) { s.Spec.Selector = nil })}, nil},
		{"a port that a Service reaches, behind another", "each port is looked at", "ports: [{containerPort: 1}, {name: http, containerPort: 8080, hostPort: 8080}]", "", []*corev1.Service{service(func(*corev1.Service) {})}, []RemarkKind{ServedPort}},
		{"the host's network", "nobody wrote the host port", "ports: [{containerPort: 8080}]", "hostNetwork: true", []*corev1.Service{service(func(*corev1.Service) {})}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := "{containers: [{name: a, " + test.container + "}]"
			if test.pod != "" {
				spec += ", " + test.pod
			}
			w := podOf(t, "metadata: {name: a, namespace: ns, labels: {app: a}}\nspec: "+spec+"}\n")
			s := least(t, []Workload{w}, restricted, Options{Services: test.services})
			var got []RemarkKind
			for i := range s.Remarks {
				r := &s.Remarks[i]
				got = append(got, r.Kind)
				if len(r.Reason.Workloads) != 1 || r.Text() == "" || (r.Service != "") != (r.Kind == ServedPort) {
					t.Errorf("the remark %+v: %s", r, r.Text())
				}
				if r.Kind == ServedPort && !strings.Contains(r.Text(), "Service web ") {
					t.Errorf("the text does not name the Service: %s", r.Text())
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.reason, diff)
			}
		})
	}
}

// TestTemplatesAreNamedByTheirOwner: a Deployment and a pod of it need the same in the
// same policy, and one name is enough for both.
func TestTemplatesAreNamedByTheirOwner(t *testing.T) {
	pod := podOf(t, "metadata: {name: web-1, namespace: ns, labels: {app: web, pod-template-hash: h}}\nspec: {hostPID: true, containers: [{name: a}]}\n")
	pod.Kind, pod.Name = "Deployment", "web"
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "web"}}
	d.Spec.Template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}}, Spec: pod.Pod.Spec}
	held, err := podfence.WorkloadOf(d)
	if err != nil {
		t.Fatal(err)
	}
	s := least(t, []Workload{pod, {Workload: held, Kind: "Deployment", Name: "web"}}, restricted, Options{})
	want := []Reference{{"Deployment", "ns", "web"}}
	if s.Workloads != 1 || len(s.Policies) != 1 || !slices.Equal(s.Policies[0].Governs, want) || s.Proof.Admitted != 1 {
		t.Errorf("%d workloads, %+v", s.Workloads, s.Policies)
	}
	reasons := s.Policies[0].Grants[0].Reasons
	if len(reasons) != 1 || reasons[0].String() != "pod: hostPID is true" {
		t.Errorf("the reasons are %+v", reasons)
	}
}

// TestLeastOfVolumesWithSeveralSources: a path is not narrowed to types that another
// volume of the pod has not, though that volume needs no grant of its own for the path. The API
// refuses such a volume; the result is right about it all the same.
func TestLeastOfVolumesWithSeveralSources(t *testing.T) {
	workloads := pods(t, `
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers: [{name: c, image: registry.example.com/web:v1}]
  volumes:
    - {name: v0, hostPath: {path: /var/log}}
    - {name: v1, configMap: {name: names}, hostPath: {path: /var/log/pods, type: directory}}
    - {name: v2, hostPath: {path: /var/log/pods}}
`)
	s := least(t, workloads, restricted, Options{Tight: true, WholePod: true})
	if denied := s.denied(workloads, restricted, s.set(t, unchanged)); len(denied) > 0 || !s.Proof.Holds() || len(s.Unmet) > 0 {
		t.Errorf("denied: %v, unmet %v, %v\n%s", denied, s.Unmet, &s.Proof, asYAML(t, s.Policies[0].Policy))
	}
}
