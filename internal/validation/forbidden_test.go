package validation_test

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// fact is one thing that API validation says of a pod.
type fact struct {
	name        string
	annotations map[string]string
	// pod is the spec, in YAML.
	pod string
	// refused is how the one reason begins for which the API server refuses the
	// pod, its field first, and after "…" how it ends; empty where it accepts
	// the pod.
	refused string
	// halves are specs that lack a part of what is refused. The API server
	// accepts each, and accepts it filled.
	halves []string
}

// podOf is the pod that has a spec in YAML.
func podOf(t testing.TB, annotations map[string]string, podSpec string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	pod.Name, pod.Namespace, pod.Annotations = "pod", "default", annotations
	if err := yaml.UnmarshalStrict([]byte(podSpec), &pod.Spec); err != nil {
		t.Fatalf("%v in %s", err, podSpec)
	}
	return pod
}

// kinds are the specs of pods with one container of interest, of each kind, and
// the path of it.
var kinds = []struct{ name, pod, path string }{
	{"init container", "initContainers: [{name: i, image: app%s}], containers: [{name: c, image: app}]", "spec.initContainers[0]"},
	{"sidecar", "initContainers: [{name: i, image: app, restartPolicy: Always%s}], containers: [{name: c, image: app}]", "spec.initContainers[0]"},
	{"container", "containers: [{name: c, image: app%s}]", "spec.containers[0]"},
	{"ephemeral container", "containers: [{name: c, image: app}], ephemeralContainers: [{name: e, image: app%s}]", "spec.ephemeralContainers[0]"},
}

// inEachKind is one fact about the fields of a container, for each kind of
// container. rest is more of the pod; the halves are fields of the container.
func inEachKind(name, rest, fields, refused string, halves ...string) []fact {
	inPod := func(kind, fields string) string {
		if fields != "" {
			fields = ", " + fields
		}
		return "{" + rest + fmt.Sprintf(kind, fields) + "}"
	}
	facts := make([]fact, 0, len(kinds))
	for _, kind := range kinds {
		f := fact{name: name + ", " + kind.name, pod: inPod(kind.pod, fields)}
		if refused != "" {
			f.refused = kind.path + "." + refused
		}
		for _, half := range halves {
			f.halves = append(f.halves, inPod(kind.pod, half))
		}
		facts = append(facts, f)
	}
	return facts
}

// onPod is one fact about the fields of a pod. The halves are fields of it too.
func onPod(name, fields, refused string, halves ...string) fact {
	withContainer := func(fields string) string {
		return "{" + strings.TrimPrefix(fields+", containers: [{name: c, image: app}]}", ", ")
	}
	f := fact{name: name, pod: withContainer(fields), refused: refused}
	for _, half := range halves {
		f.halves = append(f.halves, withContainer(half))
	}
	return f
}

// inOrder visits a map in order of its keys.
func inOrder[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}

// escalationFacts: allowPrivilegeEscalation=false stands beside neither
// privileged=true nor that one spelling of SYS_ADMIN.
func escalationFacts() []fact {
	const no = "allowPrivilegeEscalation: false"
	facts := inEachKind("escalation=false beside privileged", "", "securityContext: {"+no+", privileged: true}",
		"securityContext: Invalid value: …: cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
		"securityContext: {privileged: true}", "securityContext: {"+no+"}")
	facts = append(facts, inEachKind("escalation=false beside CAP_SYS_ADMIN", "", "securityContext: {"+no+", capabilities: {add: [CHOWN, CAP_SYS_ADMIN]}}",
		"securityContext: Invalid value: …: cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
		"securityContext: {capabilities: {add: [CHOWN, CAP_SYS_ADMIN]}}", "securityContext: {capabilities: {add: [CAP_SYS_ADMIN], drop: [ALL]}}")...)
	for _, spelling := range []string{"SYS_ADMIN", "sys_admin", "cap_sys_admin", "Cap_Sys_Admin", "ALL", "CAP_ALL"} {
		facts = append(facts, inEachKind("escalation=false beside "+spelling, "", "securityContext: {"+no+", capabilities: {add: ["+spelling+"]}}", "",
			"securityContext: {capabilities: {add: ["+spelling+"]}}")...)
	}
	return append(facts, inEachKind("escalation=true beside both", "", "securityContext: {allowPrivilegeEscalation: true, privileged: true, capabilities: {add: [CAP_SYS_ADMIN]}}", "")...)
}

// windowsFacts: what a pod that names Windows may not carry, field by field.
func windowsFacts() []fact {
	const windows = "os: {name: windows}"
	const forbidden = ": Forbidden: cannot be set for a windows pod"
	var facts []fact
	for _, field := range []string{
		"appArmorProfile: {type: RuntimeDefault}", "seLinuxOptions: {level: s0}", "seLinuxOptions: {}", "seccompProfile: {type: RuntimeDefault}",
		"fsGroup: 1", "fsGroupChangePolicy: Always", "sysctls: [{name: kernel.shm_rmid_forced, value: '0'}]", "runAsUser: 1", "runAsGroup: 1",
		"supplementalGroups: [1]", "supplementalGroups: []", "supplementalGroupsPolicy: Merge", "seLinuxChangePolicy: Recursive",
	} {
		name, _, _ := strings.Cut(field, ":")
		facts = append(facts, onPod("windows, pod "+field, windows+", securityContext: {"+field+"}", "spec.securityContext."+name+forbidden,
			windows, windows+", securityContext: {}", windows+", securityContext: {runAsNonRoot: true}", windows+", securityContext: {windowsOptions: {runAsUserName: ContainerUser}}"))
	}
	for _, field := range []string{"hostUsers: true", "hostPID: true", "hostIPC: true", "shareProcessNamespace: false"} {
		name, _, _ := strings.Cut(field, ":")
		facts = append(facts, onPod("windows, "+field, windows+", "+field, "spec."+name+forbidden, windows, windows+", hostPID: false, hostIPC: false"))
	}
	for _, field := range []string{"runAsNonRoot: true", "runAsNonRoot: false", "sysctls: []", "windowsOptions: {runAsUserName: ContainerUser}"} {
		facts = append(facts, onPod("windows, pod "+field, windows+", securityContext: {"+field+"}", "", windows+", hostNetwork: true"))
	}
	for _, field := range []string{
		"appArmorProfile: {type: RuntimeDefault}", "seLinuxOptions: {}", "seccompProfile: {type: RuntimeDefault}", "capabilities: {drop: [ALL]}", "capabilities: {}",
		"readOnlyRootFilesystem: false", "privileged: false", "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "procMount: Default", "runAsUser: 1", "runAsGroup: 1",
	} {
		name, _, _ := strings.Cut(field, ":")
		facts = append(facts, inEachKind("windows, "+field, windows+", ", "securityContext: {"+field+"}", "securityContext."+name+forbidden,
			"", "securityContext: {}", "securityContext: {runAsNonRoot: true}", "securityContext: {windowsOptions: {runAsUserName: ContainerUser}}")...)
	}
	facts = append(facts, inEachKind("windows, runAsNonRoot", windows+", ", "securityContext: {runAsNonRoot: true}", "")...)
	for name, refused := range inOrder(map[string]string{
		"Windows": "spec.os: Unsupported value: \"Windows\"",
		"darwin":  "spec.os: Unsupported value: \"darwin\"",
		"''":      "spec.os.name: Required value",
		"linux":   "",
	}) {
		facts = append(facts, onPod("os.name "+name, "os: {name: "+name+"}", refused, ""))
	}
	return append(facts, onPod("linux, windowsOptions", "os: {name: linux}, securityContext: {windowsOptions: {}}",
		"spec.securityContext.windowsOptions: Forbidden", "os: {name: linux}"))
}

// seccompFacts: an annotation agrees with the field, if both are set.
func seccompFacts() []fact {
	fields := map[string]string{
		"RuntimeDefault": "{type: RuntimeDefault}",
		"Unconfined":     "{type: Unconfined}",
		"Localhost p":    "{type: Localhost, localhostProfile: p}",
		"Localhost q":    "{type: Localhost, localhostProfile: q}",
	}
	agrees := map[string]string{"runtime/default": "RuntimeDefault", "docker/default": "RuntimeDefault", "unconfined": "Unconfined", "localhost/p": "Localhost p"}
	var facts []fact
	for annotation, agreeing := range inOrder(agrees) {
		for name, field := range inOrder(fields) {
			what := "type: Forbidden: seccomp type in annotation and field must match"
			if name == "Localhost q" && agreeing == "Localhost p" {
				what = "localhostProfile: Forbidden: seccomp profile in annotation and field must match"
			}
			refused := func(path string) string {
				if name == agreeing {
					return ""
				}
				return path + ".securityContext.seccompProfile." + what
			}
			pod := onPod("pod annotation "+annotation+" beside "+name, "securityContext: {seccompProfile: "+field+"}", refused("spec"), "", "securityContext: {}")
			pod.annotations = map[string]string{spec.SeccompPodAnnotation: annotation}
			facts = append(facts, pod)
			for _, f := range inEachKind("annotation "+annotation+" beside "+name, "", "securityContext: {seccompProfile: "+field+"}", "", "", "securityContext: {}") {
				f.annotations = map[string]string{}
				for _, container := range []string{"i", "c", "e"} {
					f.annotations[spec.SeccompContainerAnnotation+container] = annotation
				}
				// The agreement is tested on creation alone, when there are no
				// ephemeral containers yet.
				switch {
				case strings.Contains(f.pod, "ephemeralContainers"):
				case strings.Contains(f.pod, "initContainers"):
					f.refused = refused("spec.initContainers[0]")
				default:
					f.refused = refused("spec.containers[0]")
				}
				facts = append(facts, f)
			}
		}
	}
	// An annotation of the pod is not compared with the field of a container, nor
	// one of a container with the field of the pod.
	across := onPod("pod annotation unconfined beside a container's field", "", "")
	across.pod = "{containers: [{name: c, image: app, securityContext: {seccompProfile: {type: RuntimeDefault}}}]}"
	across.annotations = map[string]string{spec.SeccompPodAnnotation: "unconfined"}
	back := onPod("container annotation unconfined beside the pod's field", "securityContext: {seccompProfile: {type: RuntimeDefault}}", "")
	back.annotations = map[string]string{spec.SeccompContainerAnnotation + "c": "unconfined"}
	facts = append(facts, across, back)

	for _, kind := range []string{"RuntimeDefault", "Unconfined"} {
		facts = append(facts, inEachKind(kind+" with a localhostProfile", "", "securityContext: {seccompProfile: {type: "+kind+", localhostProfile: p}}",
			"securityContext.seccompProfile.localhostProfile: Invalid value", "securityContext: {seccompProfile: {type: "+kind+"}}")...)
	}
	return append(facts, inEachKind("Localhost without its profile", "", "securityContext: {seccompProfile: {type: Localhost}}",
		"securityContext.seccompProfile.localhostProfile: Required value", "")...)
}

// idFacts: the range of IDs.
func idFacts() []fact {
	var facts []fact
	for id, ok := range inOrder(map[string]bool{"-1": false, "0": true, "2147483647": true, "2147483648": false}) {
		refused := func(field string) string {
			if ok {
				return ""
			}
			return field + ": Invalid value: " + id
		}
		for _, field := range []string{"runAsUser", "runAsGroup", "fsGroup"} {
			facts = append(facts, onPod("pod "+field+" "+id, "securityContext: {"+field+": "+id+"}", refused("spec.securityContext."+field), ""))
		}
		facts = append(facts, onPod("supplementalGroups "+id, "securityContext: {supplementalGroups: [1, "+id+"]}", refused("spec.securityContext.supplementalGroups[1]"), ""))
		for _, field := range []string{"runAsUser", "runAsGroup"} {
			facts = append(facts, inEachKind(field+" "+id, "", "securityContext: {"+field+": "+id+"}", refused("securityContext."+field), "")...)
		}
	}
	return facts
}

// hostFacts: the host's namespaces, user namespaces, host processes and ports.
func hostFacts() []fact {
	const disallowed = ": Forbidden: when `hostUsers` is false"
	facts := []fact{
		onPod("hostUsers=false beside hostPID", "hostUsers: false, hostPID: true", "spec.HostPID"+disallowed, "hostUsers: false", "hostPID: true"),
		onPod("hostUsers=false beside hostIPC", "hostUsers: false, hostIPC: true", "spec.HostIPC"+disallowed, "hostUsers: false", "hostIPC: true"),
		onPod("hostUsers=false beside hostNetwork", "hostUsers: false, hostNetwork: true", "spec.hostNetwork"+disallowed, "hostUsers: false", "hostNetwork: true"),
		onPod("hostUsers=true beside all of them", "hostUsers: true, hostPID: true, hostIPC: true, hostNetwork: true", "", "hostPID: true, hostIPC: true, hostNetwork: true"),
		onPod("hostProcess without hostNetwork", "securityContext: {windowsOptions: {hostProcess: true}}",
			"spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers",
			"securityContext: {windowsOptions: {hostProcess: false}}", "hostNetwork: true, securityContext: {windowsOptions: {hostProcess: true}}",
			"os: {name: windows}, hostNetwork: true, securityContext: {windowsOptions: {hostProcess: true}}"),
		{
			name: "some host processes", refused: "spec: Invalid value: \"\": If pod contains any hostProcess containers then all containers must be HostProcess containers",
			pod: "{hostNetwork: true, containers: [{name: a, image: app, securityContext: {windowsOptions: {hostProcess: true}}}, {name: b, image: app}]}",
			halves: []string{
				"{hostNetwork: true, containers: [{name: a, image: app, securityContext: {windowsOptions: {hostProcess: true}}}, {name: b, image: app, securityContext: {windowsOptions: {hostProcess: true}}}]}",
				"{hostNetwork: true, containers: [{name: a, image: app}, {name: b, image: app}]}",
			},
		},
		{
			name: "hostNetwork with another hostPort", refused: "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true",
			pod: "{hostNetwork: true, containers: [{name: c, image: app, ports: [{containerPort: 80, hostPort: 81}]}]}",
			halves: []string{
				"{containers: [{name: c, image: app, ports: [{containerPort: 80, hostPort: 81}]}]}",
				"{hostNetwork: true, containers: [{name: c, image: app, ports: [{containerPort: 80}]}]}",
			},
		},
	}
	device := ", volumes: [{name: v, persistentVolumeClaim: {claimName: claim}}], "
	devices := "volumeDevices: [{name: v, devicePath: /dev/v}]"
	facts = append(facts, inEachKind("hostUsers=false beside volumeDevices", "hostUsers: false"+device, devices, "volumeDevices"+disallowed, "")...)
	facts = append(facts, inEachKind("volumeDevices", "hostUsers: true"+device, devices, "", devices)...)
	facts = append(facts, inEachKind("procMount Unmasked", "", "securityContext: {procMount: Unmasked}",
		"securityContext.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to use `Unmasked`", "", "securityContext: {procMount: Default}")...)
	return append(facts, inEachKind("procMount Unmasked with hostUsers=false", "hostUsers: false, ", "securityContext: {procMount: Unmasked}", "", "securityContext: {procMount: Unmasked}")...)
}

// ephemeralFacts: ephemeral containers carry a security context, but much else not.
func ephemeralFacts() []fact {
	ephemeral := func(fields string) string {
		return "{containers: [{name: c, image: app}], ephemeralContainers: [{name: e, image: app" + fields + "}]}"
	}
	facts := []fact{{name: "ephemeral securityContext", pod: ephemeral(", securityContext: {runAsUser: 1}"), halves: []string{ephemeral(", securityContext: {runAsUser: 1}")}}}
	for _, field := range []string{
		"ports: [{containerPort: 80}]", "livenessProbe: {tcpSocket: {port: 80}}", "readinessProbe: {tcpSocket: {port: 80}}", "startupProbe: {tcpSocket: {port: 80}}",
		"lifecycle: {}", "resources: {limits: {cpu: 1}}",
	} {
		name, _, _ := strings.Cut(field, ":")
		facts = append(facts, fact{
			name: "ephemeral " + name, pod: ephemeral(", " + field),
			refused: "spec.ephemeralContainers[0]." + name + ": Forbidden: cannot be set for an Ephemeral Container", halves: []string{ephemeral("")},
		})
	}
	return facts
}

// acceptedFacts: what validation does not look at, and what is always safe.
func acceptedFacts() []fact {
	facts := []fact{
		onPod("fsGroup and supplementalGroups", "securityContext: {fsGroup: 1, supplementalGroups: [1], supplementalGroupsPolicy: Strict}", "", ""),
		onPod("fsGroupChangePolicy and fsGroup", "securityContext: {fsGroup: 1, fsGroupChangePolicy: OnRootMismatch}", "", "", "securityContext: {fsGroup: 1}"),
		onPod("hostUsers=false beside a port of the node", "hostUsers: false, initContainers: [{name: i, image: app, ports: [{containerPort: 80, hostPort: 80}]}]", "",
			"initContainers: [{name: i, image: app, ports: [{containerPort: 80, hostPort: 80}]}]"),
		onPod("supplementalGroupsPolicy alone", "securityContext: {supplementalGroupsPolicy: Strict}", "", ""),
	}
	for name, fields := range inOrder(map[string]string{
		"unknown and repeated capabilities": "capabilities: {add: [no such, chown, CHOWN, CHOWN, ''], drop: [all, ALL, ALL]}",
		"runAsNonRoot beside runAsUser 0":   "runAsNonRoot: true, runAsUser: 0",
		"what is filled":                    "allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, privileged: false, readOnlyRootFilesystem: true, runAsUser: 1, runAsGroup: 1, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}",
	}) {
		facts = append(facts, inEachKind(name, "", "securityContext: {"+fields+"}", "", "", "securityContext: {"+fields+"}")...)
	}
	return facts
}

// howManyFacts keeps a list from being lost.
const howManyFacts = 302

// TestWhatValidationForbids proves what mutate's rules rest on: the API server
// refuses each of these combinations, for that one reason; and from each half of
// one, Mutate does not make the whole, since the result is accepted.
func TestWhatValidationForbids(t *testing.T) {
	facts := slices.Concat(escalationFacts(), windowsFacts(), seccompFacts(), idFacts(), hostFacts(), ephemeralFacts(), acceptedFacts())
	under := examplePolicies(t)
	refused, filled, names := 0, 0, map[string]bool{}
	for _, f := range facts {
		if names[f.name] {
			t.Errorf("%s: the name is taken", f.name)
		}
		names[f.name] = true
		t.Run(f.name, func(t *testing.T) {
			got := reasons(t, submit(t, podOf(t, f.annotations, f.pod), asIs))
			switch {
			case f.refused == "" && len(got) > 0:
				t.Errorf("refused: %q", got)
			case f.refused != "" && (len(got) != 1 || !matches(got[0], f.refused)):
				t.Errorf("got reasons %q, want %q", got, f.refused)
			case f.refused != "":
				refused++
			}
			for _, half := range f.halves {
				pod := podOf(t, f.annotations, half)
				if err := submit(t, pod, asIs); err != nil {
					t.Fatalf("a half is refused already: %v\n%s", err, half)
				}
				for _, p := range under {
					if err := submit(t, pod, p.fill); err != nil {
						t.Errorf("%s is refused after Mutate under %s: %v", half, show(p.policy), err)
					}
					filled++
				}
			}
		})
	}
	if len(facts) != howManyFacts {
		t.Errorf("%d facts, want %d", len(facts), howManyFacts)
	}
	t.Logf("%d facts, %d of them refusals, %d halves filled under %d policies", len(facts), refused, filled, len(under))
}

func matches(reason, refused string) bool {
	begins, ends, _ := strings.Cut(refused, "…")
	return strings.HasPrefix(reason, begins) && strings.HasSuffix(reason, ends)
}

// filler fills pods under a policy.
type filler struct{ policy *policy.Policy }

func (f filler) fill(old, pod *corev1.Pod) *corev1.Pod {
	if old == nil {
		pod, _ = mutate.Mutate(pod, f.policy)
	} else {
		pod, _ = mutate.EphemeralContainers(old, pod, f.policy)
	}
	return pod
}

// asIs fills nothing.
func asIs(_, pod *corev1.Pod) *corev1.Pod { return pod }

// examplePolicies are the default one, one that fills all that a policy can, and
// some generated ones.
func examplePolicies(t *testing.T) []filler {
	all := policy.Policy{Name: "all", PodSelectorLabels: map[string]string{"app": "web"}}
	all.Allow.ReadOnlyRootFilesystem = true
	all.Allow.UserNamespace = policy.UserNamespaceRequired
	all.Mutations.RunAsUser, all.Mutations.RunAsGroup, all.Mutations.FSGroup = ptr[int64](1000), ptr[policy.GroupFill](1000), ptr[policy.GroupFill](1000)
	all.Mutations.FSGroupChangePolicy = corev1.FSGroupChangeOnRootMismatch
	all.Mutations.SupplementalGroups = []int64{1000}
	all.Allow.SupplementalGroups.Policy = corev1.SupplementalGroupsPolicyStrict
	if err := all.Validate(); err != nil {
		t.Fatal(err)
	}
	fillers := []filler{{nil}, {&all}}
	for seed := range 20 {
		p := podgen.Policy().Example(seed)
		fillers = append(fillers, filler{&p})
	}
	return fillers
}

// submit creates a pod, and adds its ephemeral containers to it in an update,
// each after fill.
func submit(t *testing.T, pod *corev1.Pod, fill func(old, pod *corev1.Pod) *corev1.Pod) error {
	t.Helper()
	if len(pod.Spec.EphemeralContainers) == 0 {
		_, err := apiserver.Create(fill(nil, pod))
		return err
	}
	bare := pod.DeepCopy()
	bare.Spec.EphemeralContainers = nil
	old, err := apiserver.Create(bare)
	if err != nil {
		t.Fatalf("the pod is refused without its ephemeral containers: %v", err)
	}
	updated := old.DeepCopy()
	updated.Spec.EphemeralContainers = pod.Spec.EphemeralContainers
	_, err = apiserver.UpdateEphemeralContainers(old, fill(old, updated))
	return err
}

// reasons are the reasons of a refusal, each with its field first.
func reasons(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	status := &apierrors.StatusError{}
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		t.Fatalf("not a refusal: %v", err)
	}
	var list []string
	for _, cause := range status.ErrStatus.Details.Causes {
		list = append(list, cause.Field+": "+cause.Message)
	}
	return list
}

// TestDefaultsComeBeforeMutation: what a mutating webhook sees, and what the API
// server does only afterwards.
func TestDefaultsComeBeforeMutation(t *testing.T) {
	pod := podOf(t, map[string]string{spec.AppArmorAnnotation + "c": "unconfined"},
		"{hostNetwork: true, volumes: [{name: v}], containers: [{name: c, image: app, ports: [{containerPort: 80}]}]}")
	seen := apiserver.Admitted(pod)
	if seen.Spec.SecurityContext == nil {
		t.Error("a webhook sees no securityContext on the pod")
	}
	if got := seen.Spec.Containers[0].Ports[0].HostPort; got != 80 {
		t.Errorf("a webhook sees hostPort %d, want 80", got)
	}
	if seen.Spec.Volumes[0].EmptyDir == nil {
		t.Error("a webhook sees a volume without a source")
	}
	if sc := seen.Spec.Containers[0].SecurityContext; sc != nil {
		t.Errorf("a webhook sees %s: the AppArmor annotation was copied to the field before mutation", show(sc))
	}
	stored, err := apiserver.Create(seen)
	if err != nil {
		t.Fatal(err)
	}
	sc := stored.Spec.Containers[0].SecurityContext
	if sc == nil || sc.AppArmorProfile == nil || sc.AppArmorProfile.Type != corev1.AppArmorProfileTypeUnconfined {
		t.Errorf("stored with %s: the AppArmor annotation was not copied to the field", show(sc))
	}
}
