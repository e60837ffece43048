package mutate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/podwalk"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/spec"
)

// adviceOf are the advice of a filled pod, as "concern: String".
func adviceOf(list []mutate.Advice) (texts []string) {
	for _, a := range list {
		texts = append(texts, string(a.Concern)+": "+a.String())
	}
	return texts
}

// adviceRow is a spec, and what is advised of it when it is filled in.
type adviceRow struct {
	name, why, pod, policy string
	want                   []string
}

func testAdvice(t *testing.T, rows []adviceRow) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			pod := podOf(t, nil, row.pod)
			filled, report := mutate.Mutate(pod, policyOf(t, row.policy))
			got := adviceOf(mutate.Advise(filled, report))
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			template, report := mutate.Template(&corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}, policyOf(t, row.policy))
			if diff := cmp.Diff(got, adviceOf(mutate.AdviseTemplate(template, report))); diff != "" {
				t.Errorf("a template is advised otherwise (-pod +template):\n%s", diff)
			}
		})
	}
}

// added is the advice about capabilities that are added to container a.
func added(capabilities string) string {
	return `addedCapabilities: container "a": ` + capabilities + " added for a user other than root: Kubernetes sets no ambient capabilities, " +
		"and allowPrivilegeEscalation is false, so that the process has only what its file has too (setcap)"
}

const (
	lowPort = "; the sysctl net.ipv4.ip_unprivileged_port_start would let it bind low ports"
	bind    = `capability "NET_BIND_SERVICE" is`
)

// TestAdviceOnCapabilities: a capability that is added does not reach the process
// of another user than root (kubernetes#56374).
func TestAdviceOnCapabilities(t *testing.T) {
	adds := func(more string, capabilities ...string) string {
		return one("{" + more + ", capabilities: {drop: [ALL], add: [" + strings.Join(capabilities, ", ") + "]}}")
	}
	image := `imageUser: container "a": ` + adviceNumeric
	testAdvice(t, []adviceRow{
		{"a user", "escalation is filled in as false", adds("runAsUser: 1000", "NET_BIND_SERVICE"), "", []string{added(bind) + lowPort}},
		{"any user but root", "runAsNonRoot is filled in", adds("privileged: false", "NET_BIND_SERVICE"), "", []string{image, added(bind) + lowPort}},
		{"another spelling", "runtimes know it without CAP_ and in any case", adds("runAsUser: 1000", "cap_net_bind_service"), "",
			[]string{added(`capability "cap_net_bind_service" is`) + lowPort}},
		{"another capability, granted", "no sysctl stands for it", adds("runAsUser: 1000", "NET_ADMIN"), "allow: {allowedCapabilities: [NET_ADMIN]}",
			[]string{added(`capability "NET_ADMIN" is`)}},
		{"several", "each once, and the first few by name", adds("runAsUser: 1000", "CHOWN", "KILL", "CHOWN", "SETUID", "SETGID", "NET_BIND_SERVICE"), "",
			[]string{added(`capabilities "CHOWN", "KILL", "SETUID", 2 more are`) + lowPort}},
		{"root by its author", "root keeps what the runtime gives", adds("runAsUser: 0", "NET_BIND_SERVICE"), "", nil},
		{"a user that nobody knows", "it may be root", adds("allowPrivilegeEscalation: false", "NET_BIND_SERVICE"), "allow: {runAsUser: RunAsAny}", nil},
		{"root under runAsNonRoot", "it does not even start", adds("runAsUser: 0, runAsNonRoot: true", "NET_BIND_SERVICE"), "",
			[]string{`refusedUser: container "a": ` + adviceRoot}},
		{"escalation by its author", "a setuid program could gain them", adds("runAsUser: 1000, allowPrivilegeEscalation: true", "NET_BIND_SERVICE"), "", nil},
		{"escalation granted", "it stays unset, which allows it", adds("runAsUser: 1000", "NET_BIND_SERVICE"), "allow: {allowPrivilegeEscalation: true}", nil},
		{"no capability is added", "drop alone takes nothing that is wanted", adds("runAsUser: 1000"), "", nil},
		{"windows", "the API forbids capabilities there, and no process has one",
			"{os: {name: windows}, containers: [{name: a, securityContext: {runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: {add: [CHOWN]}}}]}", "", nil},
		{"low ports are free", "the sysctl lets anybody bind",
			"{securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: '0'}]}, containers: [{name: a, securityContext: {runAsUser: 5, capabilities: {add: [NET_BIND_SERVICE]}}}]}", "", nil},
		{"low ports are free, and another is added", "the sysctl frees ports alone",
			"{securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: '0'}]}, containers: [{name: a, securityContext: {runAsUser: 5, capabilities: {add: [NET_BIND_SERVICE, CHOWN]}}}]}", "",
			[]string{added(`capability "CHOWN" is`)}},
	})
}

// TestAdviceOnVolumes: the kubelet adds 0660, or 0440 where it writes the files
// itself, to the modes of files in volumes of a pod with fsGroup.
func TestAdviceOnVolumes(t *testing.T) {
	volume := func(source string) string {
		return "{volumes: [{name: v, " + source + "}], containers: [{name: a, securityContext: {runAsUser: 5}, volumeMounts: [{name: v, mountPath: /v}]}]}"
	}
	widens := func(volumes string) []string {
		return []string{"volumeModes: pod: fsGroup 1 was filled in, and for that group the kubelet widens the modes of files: " + volumes +
			"; a process that wants them narrow, as ssh wants its keys, may refuse them"}
	}
	testAdvice(t, []adviceRow{
		{"a claim", "its files may have been there before", volume("persistentVolumeClaim: {claimName: c}"), "", widens(`of volume "v" (persistentVolumeClaim, by 0660 if its driver lets it)`)},
		{"a claim to read", "the kubelet leaves it alone", volume("persistentVolumeClaim: {claimName: c, readOnly: true}"), "", nil},
		{"an fsGroup of its author", "who knows the files", strings.Replace(volume("persistentVolumeClaim: {claimName: c}"), "{volumes", "{securityContext: {fsGroup: 1}, volumes", 1), "", nil},
		{"an fsGroup that the policy leaves", "nothing is filled in", volume("persistentVolumeClaim: {claimName: c}"), "allow: {fsGroup: {rule: MayRunAs, ranges: [{min: 5, max: 6}]}}", nil},
		{"an fsGroup of the policy", "by its value", volume("secret: {secretName: s, defaultMode: 0400}"), "mutations: {fsGroup: 7}",
			[]string{strings.Replace(widens(`of volume "v" (secret, mode 0400 by 0440)`)[0], "fsGroup 1", "fsGroup 7", 1)}},
		{"a secret", "its mode is 0644 by default", volume("secret: {secretName: s}"), "", nil},
		{"a secret that the group may read", "nothing is widened", volume("secret: {secretName: s, defaultMode: 0440}"), "", nil},
		{"a secret that the group may only write", "reading is added", volume("secret: {secretName: s, defaultMode: 0620}"), "", widens(`of volume "v" (secret, mode 0620 by 0440)`)},
		{"a secret of which each file has a mode", "the default is that of no file",
			volume("secret: {secretName: s, defaultMode: 0400, items: [{key: a, path: a, mode: 0444}, {key: b, path: b, mode: 0644}]}"), "", nil},
		{"one file of a secret", "the mode of an item", volume("secret: {secretName: s, items: [{key: a, path: a}, {key: b, path: b, mode: 0600}]}"), "", widens(`of volume "v" (secret, mode 0600 by 0440)`)},
		{"one file of a secret without a mode", "the default is its mode",
			volume("secret: {secretName: s, defaultMode: 0400, items: [{key: a, path: a}, {key: b, path: b, mode: 0644}]}"), "", widens(`of volume "v" (secret, mode 0400 by 0440)`)},
		{"a configMap", "as a secret", volume("configMap: {name: c, defaultMode: 0400}"), "", widens(`of volume "v" (configMap, mode 0400 by 0440)`)},
		{"a downwardAPI", "as a secret", volume("downwardAPI: {items: [{path: a, mode: 0400}]}"), "", widens(`of volume "v" (downwardAPI, mode 0400 by 0440)`)},
		{"a downwardAPI without files", "there is no file to widen", volume("downwardAPI: {defaultMode: 0400}"), "", nil},
		{"a projected token", "it has the mode of the volume", volume("projected: {defaultMode: 0400, sources: [{serviceAccountToken: {path: t}}]}"), "", widens(`of volume "v" (projected, mode 0400 by 0440)`)},
		{"a projected secret", "the mode of an item", volume("projected: {sources: [{secret: {name: s, items: [{key: a, path: a, mode: 0600}]}}]}"), "", widens(`of volume "v" (projected, mode 0600 by 0440)`)},
		{"a projected configMap", "the default where all files are taken", volume("projected: {defaultMode: 0400, sources: [{configMap: {name: s}}]}"), "", widens(`of volume "v" (projected, mode 0400 by 0440)`)},
		{"a projected downwardAPI", "the mode of an item", volume("projected: {sources: [{downwardAPI: {items: [{path: a, mode: 0400}]}}]}"), "", widens(`of volume "v" (projected, mode 0400 by 0440)`)},
		{"projected files that the group may read", "the default is that of no file",
			volume("projected: {defaultMode: 0400, sources: [{configMap: {name: s, items: [{key: a, path: a, mode: 0644}]}}]}"), "", nil},
		{"an emptyDir", "no file has been there before", volume("emptyDir: {}"), "", nil},
		{"a claim of its own", "a new volume, empty", volume("ephemeral: {volumeClaimTemplate: {spec: {}}}"), "", nil},
		{"a claim that nobody mounts", "the kubelet does not set it up", "{volumes: [{name: v, persistentVolumeClaim: {claimName: c}}], containers: [{name: a, securityContext: {runAsUser: 5}}]}", "", nil},
		{"a claim as a device", "it has no files", "{volumes: [{name: v, persistentVolumeClaim: {claimName: c}}], containers: [{name: a, securityContext: {runAsUser: 5}, volumeDevices: [{name: v, devicePath: /d}]}]}", "", nil},
		{"a claim of an init container", "any container mounts",
			"{volumes: [{name: v, persistentVolumeClaim: {claimName: c}}], initContainers: [{name: i, securityContext: {runAsUser: 5}, volumeMounts: [{name: v}]}], containers: [{name: a, securityContext: {runAsUser: 5}}]}", "",
			widens(`of volume "v" (persistentVolumeClaim, by 0660 if its driver lets it)`)},
		{"several", "all in one sentence, the first few by name",
			"{volumes: [{name: \"v\\n\", persistentVolumeClaim: {claimName: c}}, {name: w, secret: {defaultMode: 0}}, {name: x, persistentVolumeClaim: {claimName: c}}, {name: y, persistentVolumeClaim: {claimName: c}}], " +
				"containers: [{name: a, securityContext: {runAsUser: 5}, volumeMounts: [{name: \"v\\n\"}, {name: w}, {name: x}, {name: y}]}]}", "",
			widens(`of volume "v\n" (persistentVolumeClaim, by 0660 if its driver lets it), of volume "w" (secret, mode 0000 by 0440), of volume "x" (persistentVolumeClaim, by 0660 if its driver lets it), and of 1 more`)},
		{"windows nodes", "the kubelet changes no mode there", strings.Replace(volume("persistentVolumeClaim: {claimName: c}"), "{volumes", "{nodeSelector: {kubernetes.io/os: windows}, volumes", 1), "",
			[]string{onWindowsNodes}},
	})
}

const onWindowsNodes = "windowsNodes: pod: Windows nodes are selected, and spec.os.name is not set: the pod was judged and filled in as one for Linux, " +
	"with fields that these nodes do not know; set spec.os.name: windows"

// TestAdviceOnWindowsNodes: where a pod can only run on Windows nodes, and does not
// say so where Kubernetes looks for it.
func TestAdviceOnWindowsNodes(t *testing.T) {
	const user = "containers: [{name: a, securityContext: {runAsUser: 5}}]}"
	affinity := func(terms string) string {
		return "{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" + terms + "]}}}, " + user
	}
	yes := []string{onWindowsNodes}
	testAdvice(t, []adviceRow{
		{"nodeSelector", "no other node fits", "{nodeSelector: {kubernetes.io/os: windows}, " + user, "", yes},
		{"nodeSelector by the old label", "nodes still have it", "{nodeSelector: {beta.kubernetes.io/os: windows}, " + user, "", yes},
		{"nodeSelector for linux", "as the pod is taken", "{nodeSelector: {kubernetes.io/os: linux}, " + user, "", nil},
		{"another label", "it says nothing of the OS", "{nodeSelector: {os: windows}, " + user, "", nil},
		{"windows by name", "all is said", "{os: {name: windows}, nodeSelector: {kubernetes.io/os: windows}, containers: [{name: a}]}", "", nil},
		{"linux by name", "the author has said otherwise", "{os: {name: linux}, nodeSelector: {kubernetes.io/os: windows}, " + user, "", nil},
		{"an empty name", "nothing is said", "{os: {name: ''}, nodeSelector: {kubernetes.io/os: windows}, " + user, "", yes},
		{"affinity", "a term that must match", affinity("{matchExpressions: [{key: disk, operator: Exists}, {key: kubernetes.io/os, operator: In, values: [windows]}]}"), "", yes},
		{"affinity, every term", "whichever matches", affinity("{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [windows]}]}, {matchExpressions: [{key: beta.kubernetes.io/os, operator: In, values: [windows]}]}"), "", yes},
		{"affinity, one term of two", "the other may match on Linux", affinity("{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [windows]}]}, {matchExpressions: [{key: disk, operator: Exists}]}"), "", nil},
		{"affinity for both", "Linux fits too", affinity("{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [windows, linux]}]}"), "", nil},
		{"affinity against it", "NotIn", affinity("{matchExpressions: [{key: kubernetes.io/os, operator: NotIn, values: [windows]}]}"), "", nil},
		{"affinity without values", "it matches nothing and says nothing", affinity("{matchExpressions: [{key: kubernetes.io/os, operator: In}]}"), "", nil},
		{"affinity without terms", "it says nothing", affinity(""), "", nil},
		{"affinity that only prefers", "Linux fits too",
			"{affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: kubernetes.io/os, operator: In, values: [windows]}]}}]}}, " + user, "", nil},
		{"an image's user", "a user has a name there, and no number", "{nodeSelector: {kubernetes.io/os: windows}, containers: [{name: a}]}", "", yes},
		{"ContainerAdministrator", "runAsNonRoot was filled in, for nobody said Windows, and the kubelet there refuses it",
			"{nodeSelector: {kubernetes.io/os: windows}, containers: [{name: a, securityContext: {windowsOptions: {runAsUserName: ContainerAdministrator}}}]}", "",
			[]string{onWindowsNodes, `refusedUser: container "a": ` + adviceAdmin}},
	})
}

// TestAdviceOfRunningPods: the status of a pod says as which user its containers
// run, where they do not say it.
func TestAdviceOfRunningPods(t *testing.T) {
	status := func(uid string) string {
		return "{containerStatuses: [{name: b, user: {linux: {uid: 77}}}, {name: a, user: {linux: {uid: " + uid + "}}}]}"
	}
	for _, row := range []struct {
		name, why, pod, status, policy string
		want                           []string
	}{
		{"root", "the kubelet will refuse what runs now", one("{}"), status("0"), "",
			[]string{`refusedUser: container "a": runAsNonRoot is true, no runAsUser is set, and the container runs as UID 0 now: the kubelet will refuse to start it`}},
		{"another user", "the image may have said it by a name, which runAsNonRoot does not take", one("{}"), status("101"), "",
			[]string{`imageUser: container "a": runAsNonRoot is true and no runAsUser is set: the container runs as UID 101 now, which the image must declare as a number; runAsUser: 101 would settle it`}},
		{"another user, under its author's runAsNonRoot", "the kubelet has looked already", one("{runAsNonRoot: true}"), status("101"), "", nil},
		{"another user, under runAsNonRoot of the pod", "the effective value counts", under("{runAsNonRoot: true}"), status("101"), "", nil},
		{"root, whatever the author", "the image was exchanged since", one("{runAsNonRoot: true}"), status("0"), "",
			[]string{`refusedUser: container "a": runAsNonRoot is true, no runAsUser is set, and the container runs as UID 0 now: the kubelet will refuse to start it`}},
		{"the spec names the user", "what will run is what the spec says", one("{runAsUser: 5}"), status("0"), "", nil},
		{"the policy names the user", "what will run is what is filled in", one("{}"), status("0"), "mutations: {runAsUser: 1000}", nil},
		{"root under RunAsAny", "it starts", one("{}"), status("0"), "allow: {runAsUser: RunAsAny}", nil},
		{"no status", "nothing is known", one("{}"), "{}", "", []string{`imageUser: container "a": ` + adviceNumeric}},
		{"no user in the status", "the kubelet is older than v1.31", one("{}"), "{containerStatuses: [{name: a}]}", "", []string{`imageUser: container "a": ` + adviceNumeric}},
		{"a user without a number", "reserved for Windows", one("{}"), "{containerStatuses: [{name: a, user: {}}]}", "", []string{`imageUser: container "a": ` + adviceNumeric}},
		{"another container of the status", "by name", one("{}"), "{containerStatuses: [{name: b, user: {linux: {uid: 0}}}]}", "", []string{`imageUser: container "a": ` + adviceNumeric}},
		{"another kind of container", "by list", one("{}"), "{initContainerStatuses: [{name: a, user: {linux: {uid: 0}}}]}", "", []string{`imageUser: container "a": ` + adviceNumeric}},
		{"every kind of container", "each has its list",
			"{initContainers: [{name: i}], containers: [{name: a}], ephemeralContainers: [{name: e}]}",
			"{initContainerStatuses: [{name: i, user: {linux: {uid: 1}}}], containerStatuses: [{name: a, user: {linux: {uid: 2}}}], ephemeralContainerStatuses: [{name: e, user: {linux: {uid: 3}}}]}", "",
			[]string{
				`imageUser: init container "i": runAsNonRoot is true and no runAsUser is set: the container runs as UID 1 now, which the image must declare as a number; runAsUser: 1 would settle it`,
				`imageUser: container "a": runAsNonRoot is true and no runAsUser is set: the container runs as UID 2 now, which the image must declare as a number; runAsUser: 2 would settle it`,
				`imageUser: ephemeral container "e": runAsNonRoot is true and no runAsUser is set: the container runs as UID 3 now, which the image must declare as a number; runAsUser: 3 would settle it`,
			}},
		{"a capability for a user that the status knows", "it is known not to be root",
			one("{allowPrivilegeEscalation: false, capabilities: {add: [CHOWN]}}"), status("101"), "allow: {runAsUser: RunAsAny}", []string{added(`capability "CHOWN" is`)}},
		{"a capability for root that the status knows", "root has it",
			one("{allowPrivilegeEscalation: false, capabilities: {add: [CHOWN]}}"), status("0"), "allow: {runAsUser: RunAsAny}", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := podOf(t, nil, row.pod)
			if err := yaml.UnmarshalStrict([]byte(row.status), &pod.Status); err != nil {
				t.Fatal(err)
			}
			filled, report := mutate.Mutate(pod, policyOf(t, row.policy))
			if diff := cmp.Diff(row.want, adviceOf(mutate.Advise(filled, report))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

// TestAdviceThatMayNotStart: what the kubelet may refuse is told from what starts.
func TestAdviceThatMayNotStart(t *testing.T) {
	for concern, want := range map[mutate.Concern]bool{
		mutate.ImageUser: true, mutate.RefusedUser: true,
		mutate.AddedCapabilities: false, mutate.VolumeModes: false, mutate.WindowsNodes: false,
	} {
		if got := (mutate.Advice{Concern: concern}).MayNotStart(); got != want {
			t.Errorf("%s may not start: %v", concern, got)
		}
	}
}

// TestAdviceIsOfTheAuthor: nothing that is filled in makes a pod one that the
// kubelet refuses for certain, where the pod names its operating system; advice is
// one line, and reads the pod alone.
func TestAdviceIsOfTheAuthor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		p := podgen.Policy().Draw(t, "policy")
		filled, report := mutate.Mutate(pod, &p)
		before := filled.DeepCopy()
		list := mutate.Advise(filled, report)
		if !equality.Semantic.DeepEqual(before, filled) {
			t.Error("the pod was changed")
		}
		if again := mutate.Advise(filled, report); !slices.Equal(again, list) {
			t.Error("not deterministic")
		}
		for _, a := range list {
			if strings.ContainsAny(a.String(), "\n\r\x1b") {
				t.Errorf("more than a line: %q", a)
			}
			if a.Concern != mutate.RefusedUser {
				continue
			}
			c := podwalk.Get(&pod.Spec, a.Container)
			if nonRoot := spec.EffectiveRunAsNonRoot(&pod.Spec, c); nonRoot == nil || !*nonRoot {
				t.Errorf("refused for what was filled in: %s", a)
			}
		}
	})
}
