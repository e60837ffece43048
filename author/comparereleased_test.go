package author

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/podfence/podfence"
	"github.com/podfence/podfence/policy"
)

// variants are four policies of one name, and none: with and without a user namespace
// that is required, and with and without something else.
func variants(name string, other func(*policy.Policy)) (list [][]policy.Policy) {
	for _, required := range []bool{false, true} {
		for _, varied := range []bool{false, true} {
			p := policy.Policy{Name: name, PodSelectorLabels: map[string]string{"app": "web"}}
			p.Allow.Volumes = []string{"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret", "csi", "ephemeral", "image"}
			if required {
				p.Allow.UserNamespace = policy.UserNamespaceRequired
			}
			if varied {
				other(&p)
			}
			list = append(list, []policy.Policy{p})
		}
	}
	return append(list, nil)
}

// podsOfTheApp are pods with and without a user namespace, a host port, and the label
// that one of two selectors asks for.
func podsOfTheApp() (pods []*corev1.Pod) {
	for _, hostUsers := range []*bool{nil, pointTo(true), pointTo(false)} {
		for _, port := range []int32{0, 80} {
			for _, labels := range []map[string]string{{"app": "web"}, {"app": "web", "tier": "front"}} {
				pods = append(pods, &corev1.Pod{
					ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "default", Labels: labels},
					Spec: corev1.PodSpec{
						HostUsers: hostUsers, SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: pointTo(true)},
						Containers: []corev1.Container{{Name: "a", Image: "a", Ports: []corev1.ContainerPort{{ContainerPort: 80, HostPort: port}}}},
					},
				})
			}
		}
	}
	return pods
}

// TestUserNamespacesAreNotForgotten: of two policies one may have the pods with a user
// namespace for itself, leave them to the other one or come to share them. Where no
// policy is said to allow more, none of these pods is allowed that was not, over all
// pairs of sets.
func TestUserNamespacesAreNotForgotten(t *testing.T) {
	// Before v1.35 the standard says of such pods what it says of all, so that a policy
	// that comes to require a user namespace is narrower by itself.
	lv := api.LevelVersion{Level: api.LevelRestricted, Version: api.MajorMinorVersion(1, 34)}
	pods := podsOfTheApp()
	var sets [][]policy.Policy
	var allowed [][]bool
	for _, own := range variants("own", func(p *policy.Policy) { p.PodSelectorLabels["tier"] = "front" }) {
		for _, other := range variants("other", func(p *policy.Policy) { p.Allow.AllowedHostPorts = []policy.PortRange{{Min: 80, Max: 80}} }) {
			list := slices.Concat(own, other)
			set, err := policy.NewSet(list...)
			if err != nil {
				t.Fatal(err)
			}
			sets, allowed = append(sets, list), append(allowed, nil)
			for _, pod := range pods {
				allowed[len(sets)-1] = append(allowed[len(sets)-1], podfence.Admit(pod, lv, set).Allowed())
			}
		}
	}
	claims, more := 0, 0
	for i, old := range sets {
		for j, new := range sets {
			c, err := CompareSets(old, new, lv)
			if err != nil {
				t.Fatal(err)
			}
			if !c.MayAllowMore() {
				claims++
			}
			for k, pod := range pods {
				if allowed[i][k] || !allowed[j][k] {
					continue
				}
				if more++; !c.MayAllowMore() {
					t.Errorf("not wider, and allows more:\n%s\nold:\n%s\nnew:\n%s\n%s", asYAML(t, pod), asYAML(t, old), asYAML(t, new), strings.Join(outline(c), "\n"))
				}
			}
		}
	}
	if t.Logf("%d of %d pairs are not wider, %d times a pod is allowed that was not", claims, len(sets)*len(sets), more); len(sets) != 25 || claims < 200 || more < 200 {
		t.Error("too little was tried")
	}
}
