package spec_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/spec"
)

func podFrom(t *testing.T, text string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{}
	if err := yaml.UnmarshalStrict([]byte(text), pod); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return pod
}

const (
	noToken    = "automountServiceAccountToken: false"
	tokenPath  = "/var/run/secrets/kubernetes.io/serviceaccount"
	tokenMount = "{name: kube-api-access-*, readOnly: true, mountPath: " + tokenPath + "}"
	tokenOwn   = "{name: own, mountPath: " + tokenPath + "}"
	annotated  = "metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/"
)

// tokenVolume is the volume that ServiceAccount admission adds.
const tokenVolume = `{name: kube-api-access-*, projected: {defaultMode: 420, sources: [
  {serviceAccountToken: {path: token, expirationSeconds: 3607}},
  {configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}},
  {downwardAPI: {items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]}}]}}`

// TestStored: what the API server sets, and where it leaves a pod alone. That it
// does so is held against k8s.io/kubernetes by internal/validation.
func TestStored(t *testing.T) {
	for _, row := range []struct {
		name, why string
		pod       string
		still     spec.Default
		want      string // empty: the spec itself
	}{
		{"nothing unset", "the spec itself comes back",
			"{spec: {" + noToken + ", volumes: [{name: v, emptyDir: {}}], containers: [{name: c, ports: [{containerPort: 80}]}]}}",
			spec.AllDefaults, ""},
		{"no source", "it becomes an emptyDir, and its neighbours stay",
			"{spec: {" + noToken + ", volumes: [{name: a, secret: {secretName: s}}, {name: b}], containers: [{name: c}]}}",
			spec.AllDefaults,
			"{spec: {" + noToken + ", volumes: [{name: a, secret: {secretName: s}}, {name: b, emptyDir: {}}], containers: [{name: c}]}}"},
		{"emptyDir: null", "as charts render it, it is no source",
			"{spec: {" + noToken + ", volumes: [{name: b, emptyDir: null}], containers: [{name: c}]}}",
			spec.AllDefaults,
			"{spec: {" + noToken + ", volumes: [{name: b, emptyDir: {}}], containers: [{name: c}]}}"},
		{"no source, decoded", "an API server knows a source that this build does not",
			"{spec: {" + noToken + ", volumes: [{name: b}], containers: [{name: c}]}}",
			spec.AllDefaults &^ spec.DefaultEmptyDir, ""},

		{"hostNetwork", "in init and regular containers, and not over a hostPort",
			"{spec: {" + noToken + ", hostNetwork: true, initContainers: [{name: i, ports: [{containerPort: 80}]}], " +
				"containers: [{name: c, ports: [{containerPort: 80, hostPort: 81}, {containerPort: 82}]}, {name: d}]}}",
			spec.AllDefaults,
			"{spec: {" + noToken + ", hostNetwork: true, initContainers: [{name: i, ports: [{containerPort: 80, hostPort: 80}]}], " +
				"containers: [{name: c, ports: [{containerPort: 80, hostPort: 81}, {containerPort: 82, hostPort: 82}]}, {name: d}]}}"},
		{"hostNetwork, ephemeral container", "SetDefaults_Pod does not look at those; they may not have ports",
			"{spec: {" + noToken + ", hostNetwork: true, ephemeralContainers: [{name: e, ports: [{containerPort: 80}]}]}}",
			spec.AllDefaults, ""},
		{"hostNetwork, every port has one", "nothing is to be set",
			"{spec: {" + noToken + ", hostNetwork: true, containers: [{name: c, ports: [{containerPort: 80, hostPort: 80}]}]}}",
			spec.AllDefaults, ""},

		{"AppArmor annotation", "it becomes the field, beside what else is there",
			"{" + annotated + "c: unconfined}}, spec: {" + noToken + ", containers: [{name: c, securityContext: {privileged: false}}, {name: d}]}}",
			spec.AllDefaults,
			"{" + annotated + "c: unconfined}}, spec: {" + noToken + ", containers: " +
				"[{name: c, securityContext: {privileged: false, appArmorProfile: {type: Unconfined}}}, {name: d}]}}"},
		{"AppArmor annotations of all kinds", "every kind of container is looked at",
			"{" + annotated + "i: localhost/p, container.apparmor.security.beta.kubernetes.io/e: runtime/default}}, spec: {" +
				noToken + ", initContainers: [{name: i}], ephemeralContainers: [{name: e}]}}",
			spec.AllDefaults,
			"{" + annotated + "i: localhost/p, container.apparmor.security.beta.kubernetes.io/e: runtime/default}}, spec: {" + noToken +
				", initContainers: [{name: i, securityContext: {appArmorProfile: {type: Localhost, localhostProfile: p}}}]" +
				", ephemeralContainers: [{name: e, securityContext: {appArmorProfile: {type: RuntimeDefault}}}]}}"},
		{"AppArmor annotation beside a field", "the field stands",
			"{" + annotated + "c: unconfined}}, spec: {" + noToken + ", containers: [{name: c, securityContext: {appArmorProfile: {type: RuntimeDefault}}}]}}",
			spec.AllDefaults, ""},
		{"AppArmor annotation that says what the pod says", "the container inherits it",
			"{" + annotated + "c: localhost/p}}, spec: {" + noToken + ", securityContext: {appArmorProfile: {type: Localhost, localhostProfile: p}}, containers: [{name: c}]}}",
			spec.AllDefaults, ""},
		{"AppArmor annotation that says otherwise than the pod", "another profile of the node",
			"{" + annotated + "c: localhost/q}}, spec: {" + noToken + ", securityContext: {appArmorProfile: {type: Localhost, localhostProfile: p}}, containers: [{name: c}]}}",
			spec.AllDefaults,
			"{" + annotated + "c: localhost/q}}, spec: {" + noToken + ", securityContext: {appArmorProfile: {type: Localhost, localhostProfile: p}}, containers: " +
				"[{name: c, securityContext: {appArmorProfile: {type: Localhost, localhostProfile: q}}}]}}"},
		{"AppArmor annotation of an unknown value", "validation would refuse it as a field",
			"{" + annotated + "c: other}}, spec: {" + noToken + ", containers: [{name: c}]}}", spec.AllDefaults, ""},
		{"AppArmor annotation without a profile", "localhost/ names none",
			"{" + annotated + "c: localhost/}}, spec: {" + noToken + ", containers: [{name: c}]}}", spec.AllDefaults, ""},
		{"AppArmor annotation with white space", "validation refuses a padded name",
			"{" + annotated + "c: 'localhost/ p'}}, spec: {" + noToken + ", containers: [{name: c}]}}", spec.AllDefaults, ""},
		{"AppArmor annotation, too long", "4,095 bytes are the longest path",
			"{" + annotated + "c: localhost/" + strings.Repeat("p", 4096) + "}}, spec: {" + noToken + ", containers: [{name: c}]}}", spec.AllDefaults, ""},
		{"AppArmor annotation of nobody", "no container has the name",
			"{" + annotated + "d: unconfined}}, spec: {" + noToken + ", containers: [{name: c}]}}", spec.AllDefaults, ""},
		{"AppArmor annotation on Windows", "the API forbids the field there",
			"{" + annotated + "c: unconfined}}, spec: {" + noToken + ", os: {name: windows}, containers: [{name: c}]}}", spec.AllDefaults, ""},

		{"the token", "mounted in init and regular containers, behind what they have",
			"{spec: {initContainers: [{name: i}], containers: [{name: c, volumeMounts: [{name: v, mountPath: /v}]}], " +
				"ephemeralContainers: [{name: e}], volumes: [{name: v, emptyDir: {}}]}}",
			spec.AllDefaults,
			"{spec: {initContainers: [{name: i, volumeMounts: [" + tokenMount + "]}], " +
				"containers: [{name: c, volumeMounts: [{name: v, mountPath: /v}, " + tokenMount + "]}], " +
				"ephemeralContainers: [{name: e}], volumes: [{name: v, emptyDir: {}}, " + tokenVolume + "]}}"},
		{"the token is asked for", "true is what unset means, as far as the pod tells",
			"{spec: {automountServiceAccountToken: true, containers: [{name: c}]}}", spec.AllDefaults,
			"{spec: {automountServiceAccountToken: true, containers: [{name: c, volumeMounts: [" + tokenMount + "]}], volumes: [" + tokenVolume + "]}}"},
		{"the token is mounted in some", "the others get it",
			"{spec: {containers: [{name: c}, {name: d, volumeMounts: [" + tokenOwn + "]}], volumes: [{name: own, emptyDir: {}}]}}", spec.AllDefaults,
			"{spec: {containers: [{name: c, volumeMounts: [" + tokenMount + "]}, {name: d, volumeMounts: [" + tokenOwn + "]}], " +
				"volumes: [{name: own, emptyDir: {}}, " + tokenVolume + "]}}"},
		{"something is mounted there everywhere", "no container needs the token",
			"{spec: {containers: [{name: c, volumeMounts: [" + tokenOwn + "]}], volumes: [{name: own, emptyDir: {}}]}}", spec.AllDefaults, ""},
		{"a volume by the token's name", "admission takes it for the token, whatever it is, and mounts it",
			"{spec: {containers: [{name: c}], volumes: [{name: kube-api-access-1, hostPath: {path: /}}]}}", spec.AllDefaults,
			"{spec: {containers: [{name: c, volumeMounts: [{name: kube-api-access-1, readOnly: true, mountPath: " + tokenPath + "}]}], " +
				"volumes: [{name: kube-api-access-1, hostPath: {path: /}}]}}"},
		{"no containers", "no container needs the token", "{spec: {ephemeralContainers: [{name: e}]}}", spec.AllDefaults, ""},
		{"a mirror pod", "the kubelet would delete one that differs from its file",
			"{metadata: {annotations: {kubernetes.io/config.mirror: hash}}, spec: {containers: [{name: c}]}}", spec.AllDefaults, ""},
		{"a mirror pod on the host's network", "decoding knows no exception",
			"{metadata: {annotations: {kubernetes.io/config.mirror: hash}}, spec: {hostNetwork: true, containers: [{name: c, ports: [{containerPort: 80}]}]}}",
			spec.AllDefaults,
			"{metadata: {annotations: {kubernetes.io/config.mirror: hash}}, spec: {hostNetwork: true, containers: [{name: c, ports: [{containerPort: 80, hostPort: 80}]}]}}"},
		{"Windows", "ServiceAccount admission does not look at the system",
			"{spec: {os: {name: windows}, containers: [{name: c}]}}", spec.AllDefaults,
			"{spec: {os: {name: windows}, containers: [{name: c, volumeMounts: [" + tokenMount + "]}], volumes: [" + tokenVolume + "]}}"},

		{"a stored pod", "it has its UID, and with it all that it will ever get",
			"{metadata: {uid: u}, spec: {hostNetwork: true, volumes: [{name: v}], containers: [{name: c, ports: [{containerPort: 80}]}]}}",
			spec.AllDefaults, ""},
		{"nothing is to come", "the spec itself comes back",
			"{spec: {hostNetwork: true, volumes: [{name: v}], containers: [{name: c, ports: [{containerPort: 80}]}]}}", 0, ""},
		{"all at once", "one does not lose what another sets",
			"{" + annotated + "c: unconfined}}, spec: {hostNetwork: true, volumes: [{name: v}], containers: [{name: c, ports: [{containerPort: 80}]}]}}",
			spec.AllDefaults,
			"{" + annotated + "c: unconfined}}, spec: {hostNetwork: true, volumes: [{name: v, emptyDir: {}}, " + tokenVolume + "], " +
				"containers: [{name: c, ports: [{containerPort: 80, hostPort: 80}], securityContext: {appArmorProfile: {type: Unconfined}}, volumeMounts: [" + tokenMount + "]}]}}"},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := podFrom(t, row.pod)
			got := spec.Stored(&pod.ObjectMeta, &pod.Spec, row.still)
			if (got == &pod.Spec) != (row.want == "") {
				t.Errorf("%s: the spec itself came back: %v", row.why, got == &pod.Spec)
			}
			if row.want == "" {
				return
			}
			if diff := cmp.Diff(&podFrom(t, row.want).Spec, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
		})
	}
}

// TestStoredLaws: the input is never changed; what comes back gets nothing more;
// where nothing is set, the spec itself comes back, without an allocation; and the
// token volume is added where AddsTokenVolume says so.
func TestStoredLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := podgen.Pod().Draw(t, "pod")
		still := spec.Default(rapid.Uint8Range(0, uint8(spec.AllDefaults)).Draw(t, "still"))
		before := pod.DeepCopy()
		stored := spec.Stored(&pod.ObjectMeta, &pod.Spec, still)
		if !reflect.DeepEqual(before, pod) {
			t.Errorf("the input was changed:\n%s", cmp.Diff(before, pod))
		}
		if again := spec.Stored(&pod.ObjectMeta, stored, still); again != stored {
			t.Errorf("not idempotent:\n%s", cmp.Diff(stored, again))
		}
		if same := reflect.DeepEqual(stored, &pod.Spec); same != (stored == &pod.Spec) {
			t.Errorf("nothing is set: %v, and the spec itself came back: %v", same, stored == &pod.Spec)
		}
		// Of several runs, for others allocate too, and a fraction is left out.
		if n := testing.AllocsPerRun(10, func() { spec.Stored(&pod.ObjectMeta, stored, still) }); n != 0 {
			t.Errorf("%v allocations to set nothing", n)
		}
		adds := spec.AddsTokenVolume(&pod.ObjectMeta, &pod.Spec) && still.Has(spec.DefaultTokenVolume)
		if more := len(stored.Volumes) - len(pod.Spec.Volumes); adds != (more == 1) || !adds && more != 0 {
			t.Errorf("a token volume is added: %v, and there are %d more volumes", adds, more)
		}
		if adds && spec.AddsTokenVolume(&pod.ObjectMeta, stored) {
			t.Error("a second token volume is added")
		}
	})
}

// TestDefaultsHaveWords: a developer is told who set a field.
func TestDefaultsHaveWords(t *testing.T) {
	seen := map[string]bool{"": true}
	for d := spec.Default(1); d <= spec.AllDefaults; d <<= 1 {
		if seen[d.String()] {
			t.Errorf("default %d is called %q, as another is", d, d)
		}
		seen[d.String()] = true
	}
	if len(seen) != 5 || spec.Default(0).String() != "" {
		t.Errorf("%d texts: %v", len(seen), seen)
	}
}
