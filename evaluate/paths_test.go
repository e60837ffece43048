package evaluate_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/podfence/podfence/evaluate"
	"github.com/podfence/podfence/policy"
)

// pathsPod is a pod with hostPath volumes, and pathsPolicy one with path prefixes
// that cover none of them.
func pathsPod(volumes int) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Labels = map[string]string{"app": "a"}
	for i := range volumes {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: fmt.Sprint("v", i), VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: fmt.Sprint("/data/some/where/on/the/node/vol", i)},
		}})
	}
	return pod
}

func pathsPolicy(paths int) *policy.Policy {
	p := &policy.Policy{Name: "p", PodSelectorLabels: map[string]string{"app": "a"}}
	for i := range paths {
		p.Allow.AllowedHostPaths = append(p.Allow.AllowedHostPaths, policy.HostPath{PathPrefix: fmt.Sprint("/srv/some/where/deep/down/path", i), ReadOnly: true})
	}
	return p
}

// TestPathsCostNoText: what a pod with thousands of hostPath volumes costs does
// not grow with the text of the policy's paths, and what is said of each volume
// stays short: it is printed for each.
func TestPathsCostNoText(t *testing.T) {
	const volumes = 2000
	pod := pathsPod(volumes)
	allocations := func(p *policy.Policy) float64 {
		return testing.AllocsPerRun(2, func() { evaluate.Spec(&pod.ObjectMeta, &pod.Spec, restricted, p) })
	}
	few, many := allocations(pathsPolicy(1)), allocations(pathsPolicy(300))
	if many > few+20 {
		t.Errorf("%v allocations under 300 paths, %v under one", many, few)
	}
	if few > volumes+50 {
		t.Errorf("%v allocations for %d volumes, want one for each, of its path", few, volumes)
	}
	r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, restricted, pathsPolicy(300))
	if len(r.Violations) != volumes {
		t.Fatalf("%d violations", len(r.Violations))
	}
	for _, v := range r.Violations {
		if len(v.String()) > 500 {
			t.Fatalf("%d bytes for one volume: %s", len(v.String()), v)
		}
	}
}

// TestMostWanted: a violation names the first few alternatives and counts the rest.
func TestMostWanted(t *testing.T) {
	const first = "/srv/some/where/deep/down/path"
	for paths, want := range map[int]string{
		5: "below " + first + "0 with every mount readOnly or " + first + "1 with every mount readOnly or " + first + "2 with every mount readOnly or " +
			first + "3 with every mount readOnly or " + first + "4 with every mount readOnly",
		7: "below " + first + "0 with every mount readOnly or " + first + "1 with every mount readOnly or " + first + "2 with every mount readOnly or " +
			first + "3 with every mount readOnly or " + first + "4 with every mount readOnly or one of 2 more paths that the policy allows",
	} {
		pod := pathsPod(1)
		r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, restricted, pathsPolicy(paths))
		if got := r.Violations[0].Want; got != want {
			t.Errorf("%d paths: %s, want %s", paths, got, want)
		}
	}
	for ranges, want := range map[int]string{
		5: "10 or 20 to 21 or 30 to 32 or 40 to 43 or 50 to 54",
		6: "10 or 20 to 21 or 30 to 32 or 40 to 43 or 50 to 54 or in one of 1 more ranges that the policy allows",
	} {
		p := &policy.Policy{Name: "p", PodSelectorLabels: map[string]string{"app": "a"}}
		p.Allow.FSGroup.Rule = policy.MustRunAs
		for i := range int64(ranges) {
			p.Allow.FSGroup.Ranges = append(p.Allow.FSGroup.Ranges, policy.IDRange{Min: 10 * (i + 1), Max: 11*i + 10})
		}
		pod := &corev1.Pod{}
		r := evaluate.Spec(&pod.ObjectMeta, &pod.Spec, restricted, p)
		if got := r.Violations[0].Want; got != want {
			t.Errorf("%d ranges: %s, want %s", ranges, got, want)
		}
	}
}
