package validation_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/podfence/podfence/internal/validation/apiserver"
	"github.com/podfence/podfence/internal/validation/validpod"
	"github.com/podfence/podfence/mutate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestUserNamespacesThatAreLeftWouldBeRefused: under a policy that demands a user
// namespace, hostUsers=false is filled into each valid pod that may have it. Where the
// report gives a reason to leave it, the API server refuses the pod with it.
func TestUserNamespacesThatAreLeftWouldBeRefused(t *testing.T) {
	p := &policy.Policy{Allow: policy.Allow{UserNamespace: policy.UserNamespaceRequired}}
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		pod := validpod.Pod().Draw(t, "pod")
		pod.Spec.HostUsers = nil
		if len(pod.Spec.Containers) > 0 && rapid.IntRange(0, 3).Draw(t, "block device") == 0 {
			addBlockDevice(pod)
		}
		if _, err := apiserver.Create(pod); err != nil {
			return
		}
		filled, report := mutate.Mutate(pod, p)
		if _, err := apiserver.Create(filled); err != nil {
			t.Fatalf("%v\n%s\n%s", err, show(pod), show(report))
		}
		if spec.InUserNamespace(&filled.Spec) {
			count["filled in"]++
			return
		}
		for _, u := range report.Unset() {
			if u.Field != spec.FieldHostUsers {
				continue
			}
			count[string(u.Reason)]++
			forced := pod.DeepCopy()
			forced.Spec.HostUsers = ptr(false)
			if _, err := apiserver.Create(forced); err == nil && u.Reason != mutate.Mirror {
				t.Errorf("left for the reason %s, and the API server takes it\n%s", u.Reason, show(pod))
			}
			return
		}
		t.Errorf("neither filled in nor in the report\n%s", show(pod))
	})
	t.Log(count)
	for reason, floor := range map[string]int{
		"filled in": 300, string(mutate.HostNamespaces): 300, string(mutate.VolumeDevices): 20, string(mutate.Windows): 100,
	} {
		if count[reason] < floor {
			t.Errorf("%s: drawn %d times, want at least %d", reason, count[reason], floor)
		}
	}
}

// addBlockDevice gives the first container a claim as a device.
func addBlockDevice(pod *corev1.Pod) {
	claim := corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "claim"}}
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "block", VolumeSource: claim})
	c := &pod.Spec.Containers[0]
	c.VolumeDevices = append(c.VolumeDevices, corev1.VolumeDevice{Name: "block", DevicePath: "/dev/block"})
}
