package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"pgregory.net/rapid"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/internal/podgen"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

var (
	allRestricted = []string{"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"}
	everyGroup    = policy.GroupRule{Rule: policy.MayRunAs, Ranges: []policy.IDRange{{Min: 5, Max: policy.MaxID}, {Min: 0, Max: 4}}}
)

func pointer[T any](v T) *T { return &v }

// idle are policies that differ from the default in nothing.
var idle = map[string]policy.Policy{
	"written out": {
		Allow: policy.Allow{
			Volumes:            allRestricted,
			RunAsUser:          policy.UserRule{Rule: policy.MustRunAsNonRoot},
			RunAsGroup:         policy.GroupRule{Rule: policy.RunAsAny},
			FSGroup:            everyGroup,
			SupplementalGroups: policy.SupplementalGroupsRule{GroupRule: everyGroup},
		},
		Mutations: policy.Mutations{
			DropAllCapabilities: pointer(true), SetDefaultSeccompProfile: pointer(true),
			RunAsGroup: pointer(policy.GroupFill(1)), FSGroup: pointer(policy.GroupFill(1)), SupplementalGroups: []int64{1},
		},
	},
	"empty lists": {Allow: policy.Allow{
		Volumes: append([]string{"hostPath"}, allRestricted...), AllowedCapabilities: []string{}, AllowedHostPaths: []policy.HostPath{},
	}},
	"safe sysctl": {Allow: policy.Allow{Volumes: allRestricted, AllowedUnsafeSysctls: []string{"kernel.shm_rmid_forced"}}},
}

// TestIdlePolicies: for a policy that is said to have no effect, no pod gets
// another decision than without it.
func TestIdlePolicies(t *testing.T) {
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	if len(idle) != 3 {
		t.Errorf("%d policies", len(idle))
	}
	for name, p := range idle {
		p.Name = "idle"
		p.PodSelectorLabels = map[string]string{"selected": "yes"}
		if warnings := policy.Lint(p); len(warnings) == 0 || warnings[0].Reason != policy.WarnNoEffect {
			t.Errorf("%s: %v", name, warnings)
		}
		set := mustSet(t, p)
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				pod := podgen.Pod().Draw(r, "pod")
				if pod.Labels == nil {
					pod.Labels = map[string]string{}
				}
				pod.Labels["selected"] = "yes"
				singleSources(pod)
				with, without := podfence.Admit(pod, restricted, set), podfence.Admit(pod, restricted, policy.Set{})
				if len(with.Considered) != 1 {
					r.Fatal("the policy does not select the pod")
				}
				if with.Result.Message() != without.Result.Message() || len(with.Result.Excused) > 0 {
					r.Errorf("with the policy: %s\nwithout: %s\nexcused: %v", with.Result.Message(), without.Result.Message(), with.Result.Excused)
				}
				if diff := cmp.Diff(without.Pod, with.Pod); diff != "" {
					r.Errorf("(-without +with):\n%s", diff)
				}
			})
		})
	}
}

// singleSources gives every volume one source, as API validation demands.
func singleSources(pod *corev1.Pod) {
	for i := range pod.Spec.Volumes {
		sources := 0
		for _, t := range spec.VolumeTypes() {
			if t.In(&pod.Spec.Volumes[i]) {
				sources++
			}
		}
		if sources > 1 {
			pod.Spec.Volumes[i].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}
		}
	}
}
