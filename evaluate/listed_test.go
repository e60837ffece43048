package evaluate_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
	"github.com/podfence/podfence/spec"
)

// TestGrantsOfTheRuleOverVolumes: what a policy's own volumes refuse says which
// type to list, and a policy that lists it lets the volume be.
func TestGrantsOfTheRuleOverVolumes(t *testing.T) {
	csi := corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}}
	for _, row := range []struct {
		name, why string
		volumes   []string
		source    corev1.VolumeSource
		still     spec.Default
		want      []string
	}{
		{"beyond the default", "restricted allows it, and the default of a policy does not", nil, csi, 0, []string{"allow.volumes: [csi]"}},
		{"not on the list", "the list is the policy's own", []string{"secret"}, csi, 0, []string{"allow.volumes: [csi]"}},
		{"an empty list", "it admits none", []string{}, csi, 0, []string{"allow.volumes: [csi]"}},
		{"the token volume", "nobody wrote it, and its type can be listed", []string{"secret"}, corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}, spec.DefaultTokenVolume,
			[]string{"allow.volumes: [projected]"}},
		{"no source that is known", "nothing can be listed that means it", []string{"secret"}, corev1.VolumeSource{}, 0, []string{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			pod := &corev1.Pod{}
			pod.Spec.Containers = []corev1.Container{{Name: "c"}} // only who runs one gets a token
			pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: row.source}}
			p := &policy.Policy{Name: "p", PodSelectorLabels: map[string]string{"app": "a"}, Allow: policy.Allow{Volumes: row.volumes}}
			judged := func() (demanded []evaluate.Violation) {
				for _, v := range evaluate.StoredSpec(&pod.ObjectMeta, &pod.Spec, row.still, restricted, p).Violations {
					if !v.FromStandard() {
						demanded = append(demanded, v)
					}
				}
				return demanded
			}
			grants, got := []policy.Grant{}, []string{}
			for _, v := range judged() {
				for _, g := range v.Grants() {
					grants, got = append(grants, g), append(got, fmt.Sprint(g))
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.why, diff)
			}
			for _, g := range grants {
				g.AddTo(p)
			}
			if left := judged(); len(grants) > 0 && len(left) > 0 {
				t.Errorf("with %v this is left: %v", grants, left)
			}
		})
	}
}
