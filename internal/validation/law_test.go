package validation_test

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/internal/validation/validpod"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
)

// policies are those that every pod is tried under: a drawn one and the default.
func policies(t *rapid.T) []*policy.Policy { return []*policy.Policy{drawPolicy(t), nil} }

// drawPolicy draws a policy, or nil for the default one.
func drawPolicy(t *rapid.T) *policy.Policy {
	if rapid.IntRange(0, 4).Draw(t, "nil policy") == 0 {
		return nil
	}
	p := podgen.Policy().Draw(t, "policy")
	return &p
}

// seen is an object as somebody sees it who fills it: as its author has written
// it, or as mutating admission gets it, with its defaults.
type seen[T any] struct {
	by     string
	object T
}

// TestMutatedPodsStayValid: a pod that the API server creates is still created
// after Mutate, whether that fills the pod as its author wrote it, as a
// command-line tool does, or as mutating admission sees it, with its defaults.
func TestMutatedPodsStayValid(t *testing.T) {
	count := newTally()
	rapid.Check(t, func(t *rapid.T) {
		pod := validpod.Pod().Draw(t, "pod")
		count.generated++
		if _, err := apiserver.Create(pod); err != nil {
			return
		}
		for i, p := range policies(t) {
			for _, as := range []seen[*corev1.Pod]{{"written", pod}, {"admitted", apiserver.Admitted(pod)}} {
				filled, report := mutate.Mutate(as.object, p)
				if _, err := apiserver.Create(filled); err != nil {
					t.Fatalf("as %s: %v\n%s\n%s\n%s", as.by, err, show(as.object), show(p), show(report))
				}
				if i == 0 && as.by == "written" {
					count.accepted(pod.Annotations, &pod.Spec, &report)
				}
			}
		}
	})
	count.check(t, podFloors)
}

// TestMutatedTemplatesStayValid: the same for pod templates; and a pod that a
// controller can create from a template, it can create from the filled one.
func TestMutatedTemplatesStayValid(t *testing.T) {
	count := newTally()
	rapid.Check(t, func(t *rapid.T) {
		pod := validpod.Pod().Draw(t, "pod")
		template := &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: pod.Labels, Annotations: pod.Annotations}, Spec: pod.Spec}
		owner := rapid.SampledFrom(apiserver.Owners).Draw(t, "owner")
		if owner.Name == "Deployment" && len(template.Labels) == 0 {
			template.Labels = map[string]string{"app": "web"}
		}
		count.generated++
		stored, err := owner.Create(template)
		if err != nil {
			return
		}
		_, podErr := apiserver.Create(apiserver.PodFrom(stored))
		for i, p := range policies(t) {
			for _, as := range []seen[*corev1.PodTemplateSpec]{{"written", template}, {"admitted", owner.Admitted(template)}} {
				filled, report := mutate.Template(as.object, p)
				stored, err := owner.Create(filled)
				if err != nil {
					t.Fatalf("as %s in a %s: %v\n%s\n%s\n%s", as.by, owner.Name, err, show(as.object), show(p), show(report))
				}
				if _, err := apiserver.Create(apiserver.PodFrom(stored)); err != nil && podErr == nil {
					t.Fatalf("as %s in a %s, its pod: %v\n%s\n%s\n%s", as.by, owner.Name, err, show(as.object), show(p), show(report))
				}
				if i == 0 && as.by == "written" {
					count.accepted(template.Annotations, &template.Spec, &report)
					count.sorts[owner.Name]++
					if podErr != nil {
						count.sorts["whose pods are refused"]++
					}
				}
			}
		}
	})
	floors := maps.Clone(podFloors)
	maps.Copy(floors, map[string]int{"PodTemplate": 3000, "Deployment": 3000})
	count.check(t, floors)
}

// TestEphemeralContainersStayValid: an update that adds ephemeral containers and
// that the API server accepts is still accepted after EphemeralContainers.
func TestEphemeralContainersStayValid(t *testing.T) {
	count := newTally()
	rapid.Check(t, func(t *rapid.T) {
		pod := validpod.Pod().Draw(t, "pod")
		count.generated++
		old, err := apiserver.Create(pod)
		if err != nil {
			return
		}
		running := rapid.IntRange(0, 2).Draw(t, "running ephemeral containers")
		if running > 0 {
			old.Spec.EphemeralContainers = validpod.EphemeralContainers(t, old, 10, running)
			if old, err = apiserver.UpdateEphemeralContainers(old, old); err != nil {
				return
			}
		}
		updated := validpod.UpdateOf(t, old)
		if _, err := apiserver.UpdateEphemeralContainers(old, updated); err != nil {
			return
		}
		for i, p := range policies(t) {
			for _, as := range []seen[*corev1.Pod]{{"written", updated}, {"admitted", apiserver.Admitted(updated)}} {
				filled, report := mutate.EphemeralContainers(old, as.object, p)
				if _, err := apiserver.UpdateEphemeralContainers(old, filled); err != nil {
					t.Fatalf("as %s: %v\n%s\n%s\n%s\n%s", as.by, err, show(old), show(as.object), show(p), show(report))
				}
				if i == 0 && as.by == "written" {
					view := old.Spec
					view.InitContainers, view.Containers, view.EphemeralContainers = nil, nil, updated.Spec.EphemeralContainers
					count.accepted(old.Annotations, &view, &report)
					if running > 0 {
						count.sorts["others run already"]++
					}
				}
			}
		}
	})
	count.check(t, ephemeralFloors)
}

// podFloors are a quarter or less of what is seen, in 10,000 valid pods.
var podFloors = map[string]int{
	"regular container": 10000, "several containers": 400, "init container": 400, "sidecar": 400, "volumes": 250,
	"windows": 400, "linux": 300, "hostProcess": 30,
	"hostUsers=false": 60, "hostNetwork": 200, "hostPID": 150, "hostIPC": 100,
	"pod seccomp": 500, "pod AppArmor": 100, "pod sysctls": 100,
	"container seccomp": 500, "container AppArmor": 100, "container SELinux": 100,
	"annotation seccomp": 500, "annotation pod seccomp": 400, "annotation AppArmor": 400, "annotation mirror": 100,
	"privileged": 100, "privileged, escalation unset": 70, "escalation=false": 300, "procMount Unmasked": 8,
	"adds SYS_ADMIN": 20, "adds CAP_SYS_ADMIN": 12, "adds sys_admin": 12, "adds SYS_ADMIN in some spelling, escalation unset": 25,
	"capabilities: {}": 150, "nothing set": 300, "everything set": 100, "nothing filled": 300,
	"left unset: administrator": 20, "left unset: annotation": 80, "left unset: inherited": 100, "left unset: mirror": 80, "left unset: nonRoot": 4, "left unset: policy": 1000,
	"left unset: privileged": 60, "left unset: rootUser": 60, "left unset: sysAdmin": 12, "left unset: userNamespace": 30, "left unset: windows": 300,
}

// ephemeralFloors are the same for updates: the containers are the new ones, and
// the rest is the pod's that they are added to. A mirror pod takes none.
var ephemeralFloors = map[string]int{
	"ephemeral container": 10000, "several containers": 2000, "others run already": 2000, "volumes": 250,
	"windows": 300, "linux": 250, "hostProcess": 30,
	"hostUsers=false": 60, "hostNetwork": 200, "hostPID": 150, "hostIPC": 120,
	"pod seccomp": 500, "pod AppArmor": 100, "pod sysctls": 100,
	"container seccomp": 800, "container AppArmor": 140, "container SELinux": 140,
	"annotation seccomp": 400, "annotation pod seccomp": 300, "annotation AppArmor": 300,
	"privileged": 200, "privileged, escalation unset": 120, "escalation=false": 400,
	"adds SYS_ADMIN": 30, "adds CAP_SYS_ADMIN": 20, "adds sys_admin": 16, "adds SYS_ADMIN in some spelling, escalation unset": 40,
	"capabilities: {}": 300, "nothing set": 80, "nothing filled": 150,
	"left unset: administrator": 15, "left unset: annotation": 120, "left unset: inherited": 100, "left unset: nonRoot": 10, "left unset: policy": 1000,
	"left unset: privileged": 80, "left unset: rootUser": 60, "left unset: sysAdmin": 18, "left unset: userNamespace": 25, "left unset: windows": 300,
}
